"""The planner's own files: any usual table or shape file to plain columns with known names."""

from __future__ import annotations

import codecs
import csv
import importlib
import importlib.util
import io
import re
import unicodedata
import warnings
import zipfile
import zlib
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely
from pyproj.exceptions import CRSError

from circle15.errors import Circle15Error, DataError, Finding, MissingExtra, SourceError, quoted

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from circle15.tables import StudyArea

POLYGONAL = ("Polygon", "MultiPolygon")
WIDEST_LATITUDE, WIDEST_LONGITUDE = 90.0, 180.0
NEAR_DEG = 0.5  # about 50 km
SNIFFED = 1 << 16  # bytes at the beginning of a file of shapes that are looked at
SHAPE_HEADS = {  # ending -> how such a file begins
    **dict.fromkeys((".geojson", ".json"), (b"{",)),
    ".gpkg": (b"SQLite format 3\0",),
    ".shp": (b"\0\0\x27\x0a",),
    ".zip": (b"PK\x03\x04",),  # of a shapefile
    ".fgb": (b"fgb\x03",),
    ".kml": (b"<kml", b"<kml:kml"),
}
PROLOGUE = re.compile(rb"(?:\s|<\?.*?\?>|<!--.*?-->)*", re.DOTALL)  # what stands before the first element of XML
TEXTUAL = (".geojson", ".json", ".kml")  # the others cannot be mistaken for another kind
POINTERS = (b"<ogr", b"gdal_streamed_alg", b"<!doctype", b"<!entity", b"<\0")  # the last: UTF-16
UNPACKED_SHARE, UNPACKED_ALWAYS = 60, 10_000_000  # bytes for each packed one, and besides; Excel has ten for one
MOST_UNPACKED = 500_000_000  # bytes of an Excel file once unpacked: a table of places has a hundredth of it
EXCEL_ROWS = 1_048_576  # no sheet is longer; a row that says so would be led up to by empty ones
LONGEST_CELL = 200  # letters of a cell that are quoted back to the planner
FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")  # a spreadsheet would run a cell that begins so
BREAKS = re.compile(r"[\r\n\t\v\f\x85\u2028\u2029]+")
CONTROLS = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069\ufeff]"
)  # and turns of direction


def read_table(path: Path, *, sheet: str | None = None) -> pd.DataFrame:
    """Read a CSV or Excel file as text, or a file of shapes with its geometry.

    Parameters
    ----------
    path : Path
        ``.csv`` or ``.txt`` in UTF-8 or GB18030, parted by commas, semicolons or tabs; ``.xlsx``; ``.parquet``
        (GeoParquet, with the extra `parquet`); else anything that GDAL reads, such as GeoJSON, GeoPackage, Shapefile.
    sheet : str, optional
        The sheet of an Excel file; without it the first.

    Returns
    -------
    DataFrame or GeoDataFrame
        Rows in the order of the file, numbered from 0; cells of a CSV or Excel file are text, an empty cell is missing.

    Raises
    ------
    SourceError
        When the file is missing or cannot be read.
    DataError
        When the text is in no known encoding, or the sheet is not in the file.
    MissingExtra
        For GeoParquet without pyarrow.
    """
    return read_numbered(path, sheet=sheet).reset_index(drop=True)


def read_numbered(path: Path, *, sheet: str | None = None) -> pd.DataFrame:
    """Read a table as `read_table` does, its index being the row that a person sees.

    Parameters
    ----------
    path, sheet
        As for `read_table`.

    Returns
    -------
    DataFrame or GeoDataFrame
        The index `row` counts as Excel does: from 1, header and blank lines with the rest, a cell of several lines as
        one row. Shapes are counted from 1.

    Raises
    ------
    SourceError, DataError, MissingExtra
        As `read_table`.
    """
    if not path.is_file():
        raise SourceError(Finding(path.name, "there is no such file", "Check the path"))
    ending = path.suffix.lower()
    if ending in (".csv", ".txt"):
        return _headed(_read_csv(path), path.name)
    if ending in (".xlsx", ".xlsm"):
        return _headed(_read_excel(path, sheet), path.name)
    if ending == ".xls":
        raise SourceError(Finding(path.name, "this is the Excel format of before 2007", "Save it as .xlsx or CSV"))
    shapes: pd.DataFrame = _read_parquet(path) if ending in (".parquet", ".geoparquet") else read_shapes(path)
    return shapes.set_axis(pd.RangeIndex(1, len(shapes) + 1, name="row"))


def _headed(cells: pd.DataFrame, where: str) -> pd.DataFrame:
    """Rows numbered from 1, without those that are blank; the first of the rest names the columns."""
    filled = cells[(cells.notna() & (cells != "")).any(axis=1)]
    if filled.empty:
        raise DataError(Finding(where, "it is empty", "Give one header line and one line per row"))
    header: list[str] = []
    for place, text in enumerate(filled.iloc[0], 1):
        name = text if isinstance(text, str) and text else f"column {place}"
        header.append(name if name not in header else f"{name} ({place})")
    return filled.iloc[1:].set_axis(header, axis=1).rename_axis("row")


def read_shapes(path: Path) -> gpd.GeoDataFrame:
    """Read a file of shapes as it is; `crs` is none where the file does not state it.

    Raises
    ------
    SourceError
        When the file is missing or cannot be read.
    """
    if not path.is_file():
        raise SourceError(Finding(path.name, "there is no such file", "Check the path"))
    require_kind(path)
    try:
        frame = gpd.read_file(path, engine="pyogrio")
    except (
        *(pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, shapely.errors.GEOSException),
        *(pyogrio.errors.FieldError, pyogrio.errors.CRSError, CRSError, ValueError, OverflowError),
    ) as error:
        mend = "Give a GeoJSON, GeoPackage or Shapefile that other programs can open"
        raise SourceError(Finding(path.name, f"it cannot be read ({error})", mend)) from error
    if not isinstance(frame, gpd.GeoDataFrame):
        raise DataError(Finding(path.name, "it has no geometry", "Give a layer with shapes"))
    return frame


def require_kind(path: Path) -> None:
    """Refuse what GDAL would not read as the kind of shapes that the ending says.

    GDAL goes by the content, and some of its kinds name other files, web addresses or a program of steps.
    """
    ending = path.suffix.lower()
    if ending not in SHAPE_HEADS:
        problem = f"its ending does not say that it is a file of shapes of a known kind ({', '.join(SHAPE_HEADS)})"
        raise SourceError(Finding(path.name, problem, "Save it as GeoPackage or GeoJSON"))
    with path.open("rb") as file:
        head = file.read(SNIFFED)
    if ending in TEXTUAL and any(word in head.lower() for word in POINTERS):
        problem = "it points to other files or holds instructions instead of shapes"
        raise SourceError(Finding(path.name, problem, "Save the shapes themselves as GeoPackage or GeoJSON"))
    start = head.removeprefix(codecs.BOM_UTF8)
    begins = PROLOGUE.sub(b"", start, count=1) if ending == ".kml" else start.lstrip(b" \t\r\n")
    if not begins.startswith(SHAPE_HEADS[ending]):
        problem = f"it cannot be read: it does not begin as a {ending} file does"
        raise SourceError(Finding(path.name, problem, "Save it anew as GeoPackage or GeoJSON"))
    if ending == ".zip":
        _require_small(path, path.name, most=MOST_UNPACKED)


def _require_small(packed: Path | io.BytesIO, where: str, *, most: int) -> None:
    """Refuse a zip that would unpack to more than that."""
    try:
        with zipfile.ZipFile(packed) as folder:
            size = sum(part.file_size for part in folder.infolist())
            damaged = None if size > most else folder.testzip()
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError) as error:
        raise SourceError(Finding(where, f"it is not a sound zip file ({error})", "Pack it anew")) from error
    if size > most:
        raise SourceError(Finding(where, f"it unpacks to {size / 1e6:,.0f} MB", "Give only what the study needs"))
    if damaged is not None:
        raise SourceError(Finding(where, f"{damaged} in it is damaged", "Pack it anew"))


def _read_parquet(path: Path) -> gpd.GeoDataFrame:
    if importlib.util.find_spec("pyarrow") is None:
        mend = 'Install it with pip install "circle15[parquet]", or save the file as GeoPackage'
        raise MissingExtra(Finding(path.name, "GeoParquet needs the extra parquet, which is not installed", mend))
    arrow_error: type[Exception] = importlib.import_module("pyarrow.lib").ArrowException
    try:
        frame: gpd.GeoDataFrame = gpd.read_parquet(path)
        texts = [name for name in frame.columns if pd.api.types.is_string_dtype(frame[name].dtype)]
        frame = frame.astype(dict.fromkeys(texts, object))  # bytes that are no text show themselves here
    except (
        *(ValueError, OSError, LookupError, TypeError, AttributeError, ArithmeticError, NotImplementedError),
        *(RuntimeError, CRSError, shapely.errors.GEOSException, arrow_error),
    ) as error:
        raise SourceError(Finding(path.name, f"it cannot be read ({error})", "Save it as GeoPackage")) from error
    return frame


def _read_excel(path: Path, sheet: str | None) -> pd.DataFrame:
    """The rows of one sheet as text, as last computed by the program that saved it; no formula is run."""
    raw = io.BytesIO(path.read_bytes())
    unsound = (zipfile.BadZipFile, zlib.error, SyntaxError, LookupError, TypeError, AttributeError, EOFError)
    try:
        _require_table(raw, path.name)
        rows = _rows(raw, path.name, sheet)
    except Circle15Error:
        raise
    except (*unsound, ValueError, ArithmeticError, OSError, RuntimeError) as error:
        mend = "Open it in Excel or LibreOffice and save it as .xlsx or CSV"
        raise SourceError(Finding(path.name, f"it is not a sound Excel file ({error})", mend)) from error
    wide = max(map(len, rows), default=0)
    return pd.DataFrame([row + [None] * (wide - len(row)) for row in rows], dtype=object).set_axis(
        range(1, len(rows) + 1)
    )


def _require_table(raw: io.BytesIO, where: str) -> None:
    """Refuse an Excel file that is built to exhaust memory: packed too well, or with entities in its XML."""
    with zipfile.ZipFile(raw) as packed:
        size = sum(part.file_size for part in packed.infolist())
        if size > min(MOST_UNPACKED, UNPACKED_ALWAYS + UNPACKED_SHARE * raw.getbuffer().nbytes):
            raise SourceError(Finding(where, f"it unpacks to {size / 1e6:,.0f} MB", "Give only the table of places"))
        for name in packed.namelist():
            if name.lower().endswith((".xml", ".rels")):
                with packed.open(name) as part:
                    head = part.read(SNIFFED).lower()
                if any(word in head for word in POINTERS):
                    mend = "Open it in Excel or LibreOffice and save it anew"
                    raise SourceError(Finding(where, f"{name} in it declares a document type", mend))


def _rows(raw: io.BytesIO, where: str, sheet: str | None) -> list[list[str | None]]:
    import openpyxl

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of styles and the like, which are not read
        book = openpyxl.load_workbook(raw, read_only=True, data_only=True)
        names = [one.title for one in book.worksheets]
        if not names or (sheet is not None and sheet not in names):
            problem = f"there is no sheet {sheet!r}" if names else "there is no sheet with cells in it"
            raise DataError(Finding(where, problem, f"The file has {', '.join(book.sheetnames)}"))
        table = book[sheet or names[0]]
        table.reset_dimensions()  # a stated size may be a lie, and would be filled with empty cells
        return [[_cell_text(one) for one in row] for row in table.iter_rows(values_only=True, max_row=EXCEL_ROWS)]


def _cell_text(value: object) -> str | None:
    """A cell as a CSV would hold it."""
    if isinstance(value, float):
        value = repr(value).removesuffix(".0")
    text = "" if value is None else str(value).strip()
    return text.removesuffix(" 00:00:00") or None


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
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    body = text.lstrip(" ,;\t\n")
    blank = text[: len(text) - len(body)].count("\n")
    body = text.split("\n", blank)[-1]  # what stands before the header is blank, but counted
    parted_by = max(",;\t", key=body.split("\n", 1)[0].count)
    try:
        rows = pd.read_csv(io.StringIO(body), sep=parted_by, dtype=str, header=None, skip_blank_lines=False)
    except pd.errors.EmptyDataError:
        return pd.DataFrame()
    except (pd.errors.ParserError, csv.Error) as error:
        problem = f"it is not a table ({str(error).strip()})"
        raise DataError(Finding(path.name, problem, "Give one header line and one line per row")) from error
    trimmed: pd.DataFrame = rows.astype(object).apply(lambda cells: cells.str.strip())
    return trimmed.set_axis(range(blank + 1, blank + len(rows) + 1))


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
    lonlat = degrees(rows, where, found)
    if found and np.isnan(lonlat).all():
        return lonlat
    missing, swapped, odd = misplaced(lonlat, area)
    if missing.any():
        found.append(at_rows(where, missing, "have no coordinates, or coordinates that are no numbers", "Fill them"))
    given = int((~missing).sum())
    if swapped.any():
        problem = f"longitude and latitude are swapped in {swapped.sum():,} of {given:,} rows"
        found.append(Finding(where, problem, "Exchange the two columns"))
    elif odd.any():
        problem = f"{odd.sum():,} of {given:,} rows have coordinates that are not degrees"
        found.append(Finding(where, problem, "Give longitude and latitude in degrees"))
    return lonlat


def degrees(rows: pd.DataFrame, where: str, found: list[Finding]) -> NDArray[np.float64]:
    """Longitude and latitude of every row as the file has them; a file that has none is a finding.

    Parameters
    ----------
    rows : DataFrame or GeoDataFrame
        Of a table with recognised columns; a polygon counts as a point inside it.
    where : str
        The file.
    found : list of Finding
        What is wrong with the whole file is appended.

    Returns
    -------
    ndarray, shape (n, 2)
        NaN where missing or no number.
    """
    lonlat = np.full((len(rows), 2), np.nan)
    if isinstance(rows, gpd.GeoDataFrame):
        if rows.crs is None:
            found.append(Finding(where, "the CRS is not stated", "Save the file with its CRS, such as EPSG:4326"))
            return lonlat
        shapes = rows.geometry if rows.crs.is_geographic else rows.geometry.to_crs("EPSG:4326")
        inside = shapely.point_on_surface(shapes.to_numpy())
        lonlat = np.column_stack([shapely.get_x(inside), shapely.get_y(inside)])
    elif rows["lon"].isna().all() and rows["lat"].isna().all():
        mend = "Add columns lon and lat (经度, 纬度) in degrees, or name them under columns"
        found.append(Finding(where, "there are no coordinates", mend))
        return lonlat
    else:
        lonlat = np.column_stack([numbers(rows["lon"]), numbers(rows["lat"])])
    return np.where(np.isfinite(lonlat).all(axis=1)[:, None], lonlat, np.nan)


def misplaced(
    lonlat: NDArray[np.float64], area: StudyArea
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
    """Rows without coordinates, rows near the area only with the two exchanged, and rows that are no degrees.

    Parameters
    ----------
    lonlat : ndarray, shape (n, 2)
        As `degrees` gives it.
    area : StudyArea
        Where the rows are expected.

    Returns
    -------
    missing, swapped, odd : ndarray of bool, shape (n,)
        A row is in one of them at most.
    """
    lon, lat = lonlat.T
    missing = np.isnan(lon) | np.isnan(lat)
    swapped: NDArray[np.bool_] = near(lonlat[:, ::-1], area) & ~near(lonlat, area)
    odd: NDArray[np.bool_] = ((np.abs(lon) > WIDEST_LONGITUDE) | (np.abs(lat) > WIDEST_LATITUDE)) & ~swapped
    return missing, swapped, odd


def near(lonlat: NDArray[np.float64], area: StudyArea) -> NDArray[np.bool_]:
    """Whether points in degrees lie within some 50 km of the area."""
    west, south, east, north = area.extent_lonlat.buffer(NEAR_DEG).bounds
    lon, lat = lonlat.T
    inside: NDArray[np.bool_] = (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)
    return inside


def at_rows(where: str, bad: NDArray[np.bool_], problem: str, mend: str, *, rows: pd.Index | None = None) -> Finding:
    """A finding about rows, which are counted from 1 after the header, or as `rows` numbers them.

    Examples
    --------
    >>> str(at_rows("t.csv", np.array([True, False]), "have no name", "Fill them"))
    't.csv: 1 of 2 rows have no name (first: 1). Fill them.'
    """
    first = np.flatnonzero(bad) + 1 if rows is None else rows[bad]
    return Finding(where, f"{bad.sum():,} of {len(bad):,} rows {problem} (first: {quoted(first)})", mend)


def harmless(cell: str) -> str:
    r"""A cell that a spreadsheet shows as it is and never runs.

    Line ends and tabs become blanks, turns of writing direction and other unseen signs are spelt out, what is longer
    than 200 letters is cut, and an apostrophe stands before what would be a formula.

    Parameters
    ----------
    cell : str
        As the planner's file or the map has it.

    Returns
    -------
    str

    Examples
    --------
    >>> harmless("=HYPERLINK(1)"), harmless("渝中怡家"), harmless("a\u202eb"), harmless("\t-1")
    ("'=HYPERLINK(1)", '渝中怡家', 'a[U+202E]b', "'-1")
    """
    text = CONTROLS.sub(lambda sign: f"[U+{ord(sign[0]):04X}]", BREAKS.sub(" ", cell)).strip()
    text = text if len(text) <= LONGEST_CELL else f"{text[: LONGEST_CELL - 1]}…"
    return f"'{text}" if unicodedata.normalize("NFKC", text).lstrip().startswith(FORMULA) else text


def csv_text(table: pd.DataFrame) -> str:
    """A table without its index as CSV, no cell of which is a formula.

    Parameters
    ----------
    table : DataFrame
        Text is made `harmless`; missing values become empty cells.

    Returns
    -------
    str
        Lines end as spreadsheets expect.
    """
    safe = table.rename(columns=harmless).astype(object)
    safe = safe.map(lambda cell: harmless(cell) if isinstance(cell, str) else cell)
    return safe.to_csv(index=False, lineterminator="\r\n")


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write a table without its index as CSV that Excel opens as it is: UTF-8 with a mark, no cell a formula.

    Parameters
    ----------
    table : DataFrame
        Text is made `harmless`; missing values become empty cells.
    path : Path
        The file.

    Raises
    ------
    SourceError
        When the file cannot be written.
    """
    try:
        path.write_bytes(csv_text(table).encode("utf-8-sig", errors="replace"))
    except OSError as error:
        mend = "Close the file elsewhere and check that the folder can be written to"
        raise SourceError(Finding(path.name, f"it cannot be written ({error.strerror})", mend)) from error
