"""Rows of the planner's tables of places, brought to the ground; what cannot be used is listed cell by cell."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from circle15.errors import DataError, Finding, quoted
from circle15.project import Inventory, Labels
from circle15.project.languages import headers
from circle15.sources.datum import MEANT, from_metres, measure_datums, to_wgs84
from circle15.sources.files import (
    at_rows,
    degrees,
    misplaced,
    near,
    numbers,
    read_numbered,
    recognise,
    texts,
    write_csv,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from circle15.project.study_file import Datum
    from circle15.tables import StudyArea

FAR_M = 50_000.0  # nobody walks here from the study area: a wrong datum, or swapped columns
UNKNOWN = "unknown"  # a datum that nobody knows

PLACED = headers("places")  # headers of where a row is


@dataclass(frozen=True)
class Rejected:
    """One cell of the planner's table that cannot be used.

    Parameters
    ----------
    file : str
        Name of the file.
    row : int
        As a person sees it in Excel: the header and blank lines are counted. Shapes are counted from 1.
    column : str
        Our word for the column: lon, service, capacity ...
    value : str
        As the file has it; empty where missing.
    problem, mend : str
        What is wrong, and what to do about it, without a full stop.
    kept : bool
        Whether the row counts nevertheless, without this cell.
    """

    file: str
    row: int
    column: str
    value: str
    problem: str
    mend: str
    kept: bool = False


class Refusals:
    """What is wrong: with the whole file, with single rows as findings about all of them, and cell by cell."""

    def __init__(self, rows: pd.DataFrame, where: str, *, metres: bool) -> None:
        self.rows, self.where = rows, where
        self.coordinates: tuple[str, ...] = ("east", "north") if metres else ("lon", "lat")
        if isinstance(rows, gpd.GeoDataFrame):
            self.coordinates = ()
        self.bad = np.zeros(len(rows), dtype=bool)
        self.whole: list[Finding] = []
        self.findings: list[Finding] = []
        self.cells: list[Rejected] = []

    def add(
        self, bad: NDArray[np.bool_], columns: tuple[str, ...], problem: str, mend: str, *, keep: bool = False
    ) -> None:
        """Rows `bad` are refused for what is in `columns`, or kept without it; `problem` goes on from "5 of 9 rows"."""
        if not bad.any():
            return
        self.bad |= bad & (not keep)
        self.findings.append(at_rows(self.where, bad, problem, mend, rows=self.rows.index))
        self.list(bad, columns, problem, mend, keep=keep)

    def list(
        self, bad: NDArray[np.bool_], columns: tuple[str, ...], problem: str, mend: str, *, keep: bool = False
    ) -> None:
        """Only list the cells, which are no fault of the table."""
        held = [texts(self.rows[name]).fillna("").to_numpy() for name in columns]
        numbered = self.rows.index.to_numpy(dtype=int)
        for at in np.flatnonzero(bad):
            value = ", ".join(values[at] for values in held if values[at])
            row = int(numbered[at])
            self.cells.append(Rejected(self.where, row, "/".join(columns), value, problem, mend, keep))

    def require_none(self) -> None:
        """Refuse a table in which anything is wrong, with every finding."""
        if self.whole or self.findings:
            raise DataError(*self.whole, *self.findings)


def stated(path: Path | str, *, datum: str, columns: Mapping[str, str] | None, sheet: str | None) -> Inventory:
    """A table as the study file would describe it; a datum that is none is refused where it is used."""
    read_as = cast("Datum", datum)
    return Inventory.model_construct(file=Path(path), datum=read_as, columns=dict(columns or {}), sheet=sheet)


def opened(
    table: Inventory,
    area: StudyArea,
    *,
    path: Path,
    headers: Mapping[str, tuple[str, ...]],
    beside: tuple[gpd.GeoDataFrame, gpd.GeoDataFrame | None] | None = None,
) -> tuple[pd.DataFrame, NDArray[np.float64], Refusals]:
    """The rows of a table with recognised columns, their coordinates as stated, and what is wrong so far.

    Parameters
    ----------
    table : Inventory
        As the study file describes it.
    area : StudyArea
        Where the rows are expected.
    path : Path
        The file.
    headers : mapping
        Our word to the headers that mean it; those of `PLACED` among them.
    beside : tuple of GeoDataFrame, optional
        Streets, and buildings or none, to measure what each reading of an unknown datum would mean.

    Returns
    -------
    rows : DataFrame
        Numbered as a person sees them.
    lonlat : ndarray, shape (rows, 2)
        In the datum of the table; NaN where they cannot be used.
    faults : Refusals

    Raises
    ------
    SourceError, DataError, MissingExtra
        When the file cannot be read, has no row, or its datum is not known.
    """
    cells = read_numbered(path, sheet=table.sheet)
    if cells.empty:
        raise DataError(Finding(path.name, "there is no row in it", "Give at least one place, or leave the file out"))
    rows = recognise(cells, headers, given=table.columns, where=path.name)
    faults = Refusals(rows, path.name, metres=table.crs is not None)
    lonlat = _placed(rows, area, table, faults)
    if table.datum == UNKNOWN:
        raise DataError(_unlabelled(lonlat, path.name, beside), *faults.whole)
    return rows, lonlat, faults


def grounded(
    lonlat: NDArray[np.float64], table: Inventory, area: StudyArea, faults: Refusals
) -> tuple[gpd.GeoSeries, NDArray[np.bool_]]:
    """Points in the CRS of the area, and which rows are within its extent and not refused; the others are listed."""
    points = gpd.GeoSeries(gpd.points_from_xy(*to_wgs84(lonlat, table.datum).T), crs="EPSG:4326").to_crs(area.crs)
    return points, _within(points.to_numpy(), area, faults) & ~faults.bad


def ids_of(rows: pd.DataFrame, faults: Refusals) -> pd.Series:
    """The ids of the file, else the number of each row; ids that repeat are a fault of the whole file."""
    ids = texts(rows["id"])
    ids = ids.where(ids.notna(), [str(row + 1) for row in range(len(rows))])
    twice = ids[ids.duplicated()].unique()
    if len(twice):
        problem = f"{len(twice):,} ids occur more than once (first: {quoted(twice)})"
        faults.whole.append(Finding(faults.where, problem, "Make every id unique"))
    return ids


def amounts(values: pd.Series, column: str, faults: Refusals, *, keep: bool = False) -> NDArray[np.float64]:
    """Numbers of at least 0, NaN where there is none; other cells refuse their rows, or are left empty."""
    read = numbers(values)
    bad = np.isinf(read) | (read < 0)
    faults.add(bad, (column,), f"have a {column} that is no number of 0 or more", "Mend or empty them", keep=keep)
    return np.where(bad, np.nan, read)


def usable(found: gpd.GeoDataFrame, faults: Refusals) -> tuple[Rejected, ...]:
    """The cells that are left out or kept without, in the order of the file, where something is left to use.

    Raises
    ------
    DataError
        For what is wrong with the whole file, or when not one row can be used.
    """
    if not faults.whole and found.empty:
        problem = f"not one of {len(faults.rows):,} rows can be used"
        faults.whole = [Finding(faults.where, problem, "Mend what follows"), *faults.findings]
    if faults.whole:
        raise DataError(*faults.whole)
    return tuple(sorted(faults.cells, key=lambda cell: cell.row))


def write_rejected(rows: Iterable[Rejected], path: Path | str, *, labels: Labels | None = None) -> None:
    """Write the cells that could not be used as CSV that Excel opens as text.

    Parameters
    ----------
    rows : iterable of Rejected
        As `sift_inventory` lists them.
    path : Path
        Such as ``rejected.csv``; no cell of it is ever run as a formula.
    labels : Labels, optional
        In which languages the heads are; English otherwise.

    Raises
    ------
    SourceError
        When the file cannot be written.
    """
    say = partial((labels or Labels.of(("en",))).joined, "said", "rejected")
    names = [say(one) for one in ("file", "row", "column", "value", "problem", "mend", "outcome")]
    table = pd.DataFrame([astuple(one) for one in rows], columns=names, dtype=object)
    table[names[-1]] = table[names[-1]].map({True: say("kept"), False: say("left_out")})
    write_csv(table, Path(path))


def _placed(rows: pd.DataFrame, area: StudyArea, table: Inventory, faults: Refusals) -> NDArray[np.float64]:
    """Coordinates in the datum of the table, NaN where they cannot be used."""
    if table.crs is not None and table.datum not in MEANT:
        problem = f"a CRS is stated, {table.crs}, and the datum {table.datum}"
        faults.whole.append(Finding(faults.where, problem, f"With crs, state {' or '.join(MEANT)}; else leave it out"))
    if table.crs is not None:
        if not isinstance(rows, gpd.GeoDataFrame):
            return _surveyed(rows, area, table.crs, faults)
        rows = _with_crs(rows, table.crs, faults)
    lonlat = degrees(rows, faults.where, faults.whole)
    if np.isnan(lonlat).all() and faults.whole:
        return lonlat
    missing, swapped, odd = misplaced(lonlat, area)
    both = faults.coordinates
    given = int((~missing).sum())
    if swapped.any() and swapped.sum() == given:
        problem = f"longitude and latitude are swapped in {given:,} of {given:,} rows"
        faults.whole.append(Finding(faults.where, problem, "Exchange the two columns"))
    else:
        faults.add(swapped, both, "have longitude and latitude swapped", "Exchange the two")
    faults.add(missing, both, "have no coordinates, or coordinates that are no numbers", "Fill them")
    mend = "Give longitude and latitude in degrees, or state the crs of metres, such as EPSG:4547"
    faults.add(odd, both, "have coordinates that are not degrees", mend)
    return np.where((missing | swapped | odd)[:, None], np.nan, lonlat)


def _with_crs(rows: gpd.GeoDataFrame, crs: str, faults: Refusals) -> gpd.GeoDataFrame:
    """Shapes whose file does not state a CRS take that of the study file; two that differ are refused."""
    from_metres(np.empty((0, 2)), crs, faults.where, faults.whole)
    if faults.whole:
        return rows
    if rows.crs is not None and rows.crs != crs:
        problem = f"the file states the CRS {rows.crs.to_string()}, and the study file {crs}"
        faults.whole.append(Finding(faults.where, problem, "Leave crs out if the file is right"))
    return rows if rows.crs is not None else rows.set_crs(crs)


def _surveyed(rows: pd.DataFrame, area: StudyArea, crs: str, faults: Refusals) -> NDArray[np.float64]:
    """Degrees from columns of metres; east taken for north is found out, not turned round."""
    both = faults.coordinates
    metres = np.column_stack([numbers(rows[name]) for name in both])
    if np.isnan(metres).all():
        mend = 'Name the columns of metres, such as columns = { east = "Y", north = "X" }'
        faults.whole.append(Finding(faults.where, "there are no coordinates in metres", mend))
    missing = ~(np.isfinite(metres[:, 0]) & np.isfinite(metres[:, 1]))
    metres[missing] = np.nan
    lonlat = from_metres(metres, crs, faults.where, faults.whole)
    if faults.whole:
        return lonlat
    exchanged = from_metres(metres[:, ::-1], crs, faults.where, [])
    swapped: NDArray[np.bool_] = near(exchanged, area) & ~near(lonlat, area)
    given = int((~missing).sum())
    if given and swapped.sum() == given:
        problem = (
            f"east and north are exchanged in {given:,} of {given:,} rows; Chinese surveys call north X and east Y"
        )
        mend = 'Say which is which, such as columns = { east = "Y", north = "X" }'
        faults.whole.append(Finding(faults.where, problem, mend))
    else:
        faults.add(swapped, both, "have east and north exchanged", "Exchange the two")
    faults.add(missing, both, "have no coordinates, or coordinates that are no numbers", "Fill them")
    odd: NDArray[np.bool_] = ~missing & np.isnan(lonlat).any(axis=1) & ~swapped
    faults.add(odd, both, f"have coordinates that {crs} does not reach", "Mend them, or state the right CRS")
    return np.where(swapped[:, None], np.nan, lonlat)


def _unlabelled(
    lonlat: NDArray[np.float64], where: str, beside: tuple[gpd.GeoDataFrame, gpd.GeoDataFrame | None] | None
) -> Finding:
    """The refusal of coordinates in a datum that nobody states, with what each reading would mean."""
    problem = "the datum of the coordinates is not stated, and readings lie up to 1.2 km apart"
    if beside is not None:
        apart = measure_datums(lonlat, *beside)
        words = {"streets_m": "streets", "buildings_m": "buildings"}
        said = {
            datum: [f"{row[of]:,.0f} m from {word}" for of, word in words.items() if pd.notna(row[of])]
            for datum, row in apart.iterrows()
        }
        readings = [f"as {datum} {' and '.join(parts)}" for datum, parts in said.items() if parts]
        problem += f"; the median point lies {'; '.join(readings)}" if readings else "; no point is near the streets"
    # in an old town a street is near under every reading; the page on datums has the figures
    mend = (
        "Ask who made the table (where the two disagree, buildings tell more than streets), then state wgs84, "
        "cgcs2000, gcj02 (高德, 腾讯) or bd09 (百度)"
    )
    return Finding(where, problem, mend)


def _within(points: NDArray[np.object_], area: StudyArea, faults: Refusals) -> NDArray[np.bool_]:
    """Rows in the extent; rows that lie impossibly far away are refused, and all outside is a fault of the file."""
    extent = area.extent
    shapely.prepare(extent)
    inside = np.zeros(len(points), dtype=bool)
    apart = np.full(len(points), np.nan)
    known = np.isfinite(shapely.get_x(points)) & np.isfinite(shapely.get_y(points))
    inside[known] = shapely.intersects(extent, points[known])
    apart[known] = shapely.distance(area.boundary, points[known])
    far = apart > FAR_M
    both = faults.coordinates
    mend = "Check the datum and the order of longitude and latitude, or drop them"
    faults.add(far, both, f"lie more than {FAR_M / 1000:.0f} km from {area.name}", mend)
    if known.any() and not far.any() and not inside.any():
        problem = f"not one of {len(points):,} rows lies within {area.margin_m:,.0f} m of {area.name}"
        faults.whole.append(
            Finding(faults.where, problem, "Check the coordinates and their datum, or leave the file out")
        )
    beyond = f"lie beyond {area.margin_m:,.0f} m around {area.name}"
    faults.list(known & ~inside & ~far & ~faults.bad, both, beyond, "Nothing, unless they belong to the area")
    return inside
