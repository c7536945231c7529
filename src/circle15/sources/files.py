"""The planner's own files: any usual table or shape file to plain columns with known names."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely

from circle15.errors import DataError, Finding, SourceError, quoted

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from circle15.tables import StudyArea

POLYGONAL = ("Polygon", "MultiPolygon")
WIDEST_LATITUDE, WIDEST_LONGITUDE = 90.0, 180.0
NEAR_DEG = 0.5  # about 50 km


def read_table(path: Path) -> pd.DataFrame:
    """Read a CSV file as text, or a file of shapes with its geometry.

    Parameters
    ----------
    path : Path
        ``.csv`` or ``.txt`` in UTF-8 or GB18030, parted by commas, semicolons or tabs; else anything that GDAL reads,
        such as GeoJSON, GeoPackage and Shapefile.

    Returns
    -------
    DataFrame or GeoDataFrame
        Rows in the order of the file, numbered from 0; cells of a CSV are text, an empty cell is missing.

    Raises
    ------
    SourceError
        When the file is missing or cannot be read.
    DataError
        When the text is in no known encoding.
    """
    if not path.is_file():
        raise SourceError(Finding(path.name, "there is no such file", "Check the path"))
    return _read_csv(path) if path.suffix.lower() in (".csv", ".txt") else read_shapes(path)


def read_shapes(path: Path) -> gpd.GeoDataFrame:
    """Read a file of shapes as it is; `crs` is none where the file does not state it.

    Raises
    ------
    SourceError
        When the file is missing or cannot be read.
    """
    if not path.is_file():
        raise SourceError(Finding(path.name, "there is no such file", "Check the path"))
    try:
        frame = gpd.read_file(path, engine="pyogrio")
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, shapely.errors.GEOSException) as error:
        mend = "Give a GeoJSON, GeoPackage or Shapefile that other programs can open"
        raise SourceError(Finding(path.name, f"it cannot be read ({error})", mend)) from error
    if not isinstance(frame, gpd.GeoDataFrame):
        raise DataError(Finding(path.name, "it has no geometry", "Give a layer with shapes"))
    return frame


def _read_csv(path: Path) -> pd.DataFrame:
    raw = path.read_bytes()
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = raw.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise DataError(Finding(path.name, "the text is neither UTF-8 nor GB18030", "Save it as UTF-8"))
    head = text.split("\n", 1)[0]
    parted_by = max(",;\t", key=head.count)
    try:
        rows: pd.DataFrame = pd.read_csv(io.StringIO(text), sep=parted_by, dtype=str, skip_blank_lines=True)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, csv.Error) as error:
        problem = "it is empty" if not text.strip() else f"it is not a table ({str(error).strip()})"
        raise DataError(Finding(path.name, problem, "Give one header line and one line per row")) from error
    return rows


def plain(header: str) -> str:
    """A header without case, spaces, punctuation and units in brackets.

    Examples
    --------
    >>> plain(" 建筑面积（㎡）"), plain("Floor_Area (m2)"), plain("人口/人")
    ('建筑面积', 'floorarea', '人口人')
    """
    text = unicodedata.normalize("NFKC", str(header)).lower()
    return re.sub(r"[\W_]+", "", re.sub(r"[(\[].*?[)\]]", "", text))


def recognise(
    frame: pd.DataFrame,
    words: Mapping[str, tuple[str, ...]],
    *,
    given: Mapping[str, str] | None = None,
    where: str = "table",
) -> pd.DataFrame:
    """Rename the columns that are known by other headers, and drop the rest.

    Parameters
    ----------
    frame : DataFrame
        As read; it is not changed.
    words : mapping
        Our word to the headers that mean it, best first; the word itself is always one of them.
    given : mapping, optional
        Our word to the file's header, as the planner says; it wins.
    where : str
        The file.

    Returns
    -------
    DataFrame
        Every word as a column, missing values where the file has none; geometry is kept.

    Raises
    ------
    DataError
        When a given word is not ours or a given header is not in the file.
    """
    headers = [str(name) for name in frame.columns if name != "geometry"]
    given = given or {}
    found = [
        Finding(f"{where} columns", f"there is no column {header!r} for {word}", f"The file has {', '.join(headers)}")
        for word, header in given.items()
        if header not in headers
    ] + [
        Finding(f"{where} columns", f"{word} is not a known word", f"Known are {', '.join(words)}")
        for word in given
        if word not in words
    ]
    if found:
        raise DataError(*found)
    by_plain = {plain(name): name for name in reversed(headers)}
    chosen: dict[str, str | None] = {}
    for word, others in words.items():
        known = (by_plain[plain(one)] for one in (word, *others) if plain(one) in by_plain)
        chosen[word] = given.get(word) or next(known, None)
    rows = pd.DataFrame({word: frame[name] if name else None for word, name in chosen.items()}, index=frame.index)
    if isinstance(frame, gpd.GeoDataFrame):
        rows = gpd.GeoDataFrame(rows, geometry=frame.geometry, crs=frame.crs)
    return rows


def texts(values: pd.Series) -> pd.Series:
    """Trimmed text, none where empty; whole numbers without a decimal point.

    Examples
    --------
    >>> texts(pd.Series([500103001.0, " A1 ", "", None])).tolist()
    ['500103001', 'A1', None, None]
    """
    found = [None if missing else str(one).strip() for one, missing in zip(values, values.isna(), strict=True)]
    found = [re.sub(r"^(\d+)\.0+$", r"\1", one) if one else None for one in found]
    return pd.Series(found, index=values.index, dtype=object)


def numbers(values: pd.Series) -> NDArray[np.float64]:
    """Numbers of a column of text or numbers; NaN where missing, infinite where it is no number.

    Examples
    --------
    >>> numbers(pd.Series(["1,200", " 3.5 ", None, "many"])).tolist()
    [1200.0, 3.5, nan, inf]
    """
    text = texts(values)
    bare = text.map(lambda one: re.sub(r"[,，\s]", "", one) if one else None)
    found = pd.to_numeric(bare, errors="coerce").to_numpy(dtype=float)
    return np.where(text.notna().to_numpy() & ~np.isfinite(found), np.inf, found)


def require_degrees(bounds: tuple[float, float, float, float], where: str, *, key: str) -> None:
    """Refuse coordinates that cannot be longitude and latitude.

    Parameters
    ----------
    bounds : tuple of float
        West, south, east, north as found.
    where : str
        The file.
    key : str
        What to state where the coordinates are in metres, such as ``boundary_crs``.

    Raises
    ------
    DataError
        When latitude and longitude are swapped, or the numbers are metres.
    """
    west, south, east, north = bounds
    x, y = max(abs(west), abs(east)), max(abs(south), abs(north))
    if x <= WIDEST_LONGITUDE and y <= WIDEST_LATITUDE:
        return
    if x <= WIDEST_LATITUDE and y <= WIDEST_LONGITUDE:
        problem = f"latitude goes to {north:g}, beyond 90 degrees: longitude and latitude are swapped"
        raise DataError(Finding(where, problem, "Give longitude first, then latitude"))
    problem = f"coordinates of {x:,.0f} and {y:,.0f} look like metres, but the file does not state a projected CRS"
    raise DataError(Finding(where, problem, f"State it, for example {key} = 'EPSG:32648'"))


def coordinates(rows: pd.DataFrame, where: str, area: StudyArea, found: list[Finding]) -> NDArray[np.float64]:
    """Longitude and latitude of every row, from its geometry or from columns `lon` and `lat`.

    Parameters
    ----------
    rows : DataFrame or GeoDataFrame
        Of a table with recognised columns; a polygon counts as a point inside it.
    where : str
        The file.
    area : StudyArea
        Where the rows are expected; tells swapped columns apart.
    found : list of Finding
        What is wrong is appended: no coordinates, no CRS, swapped columns, missing values.

    Returns
    -------
    ndarray, shape (n, 2)
        Degrees in the datum of the file; NaN where missing.
    """
    lonlat = np.full((len(rows), 2), np.nan)
    if isinstance(rows, gpd.GeoDataFrame):
        if rows.crs is None:
            found.append(Finding(where, "the CRS is not stated", "Save the file with its CRS, such as EPSG:4326"))
            return lonlat
        degrees = rows.geometry if rows.crs.is_geographic else rows.geometry.to_crs("EPSG:4326")
        inside = shapely.point_on_surface(degrees.to_numpy())
        lonlat = np.column_stack([shapely.get_x(inside), shapely.get_y(inside)])
    elif rows["lon"].isna().all() and rows["lat"].isna().all():
        mend = "Add columns lon and lat (经度, 纬度) in degrees, or name them under columns"
        found.append(Finding(where, "there are no coordinates", mend))
        return lonlat
    else:
        lonlat = np.column_stack([numbers(rows["lon"]), numbers(rows["lat"])])
    missing = ~np.isfinite(lonlat).all(axis=1)
    if missing.any():
        found.append(at_rows(where, missing, "have no coordinates, or coordinates that are no numbers", "Fill them"))
    _find_swapped(lonlat[~missing], where, area, found)
    return np.where(missing[:, None], np.nan, lonlat)


def _find_swapped(lonlat: NDArray[np.float64], where: str, area: StudyArea, found: list[Finding]) -> None:
    """Say so when rows lie in the area only with longitude and latitude exchanged."""
    if not len(lonlat):
        return
    west, south, east, north = area.extent_lonlat.buffer(NEAR_DEG).bounds

    def near(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.bool_]:
        return (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)

    straight = near(lonlat[:, 0], lonlat[:, 1])
    swapped = near(lonlat[:, 1], lonlat[:, 0]) & ~straight
    odd = (np.abs(lonlat[:, 0]) > WIDEST_LONGITUDE) | (np.abs(lonlat[:, 1]) > WIDEST_LATITUDE)
    if swapped.any():
        problem = f"longitude and latitude are swapped in {swapped.sum():,} of {len(lonlat):,} rows"
        found.append(Finding(where, problem, "Exchange the two columns"))
    elif odd.any():
        problem = f"{odd.sum():,} of {len(lonlat):,} rows have coordinates that are not degrees"
        found.append(Finding(where, problem, "Give longitude and latitude in degrees"))


def at_rows(where: str, bad: NDArray[np.bool_], problem: str, mend: str) -> Finding:
    """A finding about rows, which are counted from 1 after the header.

    Examples
    --------
    >>> str(at_rows("t.csv", np.array([True, False]), "have no name", "Fill them"))
    't.csv: 1 of 2 rows have no name (first: 1). Fill them.'
    """
    return Finding(
        where, f"{bad.sum():,} of {len(bad):,} rows {problem} (first: {quoted(np.flatnonzero(bad) + 1)})", mend
    )
