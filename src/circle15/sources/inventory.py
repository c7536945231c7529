"""The planner's own table of facilities: recognised, checked, brought to WGS-84 and joined with OSM."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from circle15.errors import DataError, Finding, SourceError, quoted
from circle15.sources.datum import measure_datums, to_wgs84
from circle15.sources.files import at_rows, degrees, misplaced, numbers, plain, read_table, recognise, texts
from circle15.sources.merging import merge_places, merges
from circle15.tables import FACILITIES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from circle15.project import Service, Standard
    from circle15.tables import StudyArea

__all__ = ["Reading", "Rejected", "merge_places", "merges", "read_inventory", "write_rejected"]

FAR_M = 50_000.0  # nobody walks here from the study area: a wrong datum, or swapped columns

NOWHERE = "unknown"  # a datum that nobody knows
UNSAFE = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would run a cell that begins so

HEADERS = {
    "id": ("编号", "编码", "代码", "序号", "设施编号", "机构编码", "统一编码", "code"),
    "name": ("名称", "设施名称", "机构名称", "单位名称", "场所名称", "点位名称", "站点名称", "name_zh", "facility"),
    "service": (
        *("服务", "服务类型", "设施类型", "设施类别", "机构类型", "类别", "类型", "小类", "种类"),
        *("category", "type", "kind"),
    ),
    "lon": ("经度", "东经", "longitude", "lng", "long", "x", "x坐标"),
    "lat": ("纬度", "北纬", "latitude", "y", "y坐标"),
    "floor_area_m2": ("建筑面积", "使用面积", "面积", "floor_area", "area", "area_m2"),
    "capacity": (
        *(
            "容量",
            "床位",
            "床位数",
            "养老床位",
            "座位",
            "座位数",
            "餐位",
            "餐位数",
            "学位",
            "学位数",
            "托位",
            "托位数",
            "泊位数",
        ),
        *("beds", "seats", "places"),
    ),
    "address": ("地址", "详细地址", "设施地址", "位置", "addr"),
    "subdistrict": ("街道", "所属街道", "镇街", "街镇", "乡镇街道"),
    "community": ("社区", "所属社区", "村居", "社区名称"),
    "operator": ("运营单位", "运营机构", "运营方", "运营主体", "管理单位", "主管单位", "责任单位"),
    "verified_date": ("核实日期", "核实时间", "核查日期", "更新日期", "更新时间", "date", "verified"),
    "hours": ("营业时间", "开放时间", "服务时间", "运营时间", "opening_hours"),
    "level": ("层级", "级别", "tier"),
}
DETAILS = ("address", "subdistrict", "community", "operator", "verified_date", "hours")


@dataclass(frozen=True)
class Rejected:
    """One cell of the planner's table for which its row was left out.

    Parameters
    ----------
    row : int
        Counted from 1 after the header.
    column : str
        Our word for the column: lon, service, capacity ...
    value : str
        As the file has it; empty where missing.
    problem, mend : str
        What is wrong, and what to do about it, without a full stop.
    """

    row: int
    column: str
    value: str
    problem: str
    mend: str


class Reading(TypedDict, total=False):
    """What `read_inventory` can be told besides the table itself.

    rejected : list, to which a `Rejected` is added for every row left out, or none; streets and buildings : tables to
    measure an unknown datum against; sheet : the sheet of an Excel file.
    """

    rejected: list[Rejected] | None
    streets: gpd.GeoDataFrame | None
    buildings: gpd.GeoDataFrame | None
    sheet: str | None


class _Refusals:
    """What is wrong with single rows: as findings about all of them, and cell by cell."""

    def __init__(self, rows: pd.DataFrame, where: str) -> None:
        self.rows, self.where = rows, where
        self.bad = np.zeros(len(rows), dtype=bool)
        self.findings: list[Finding] = []
        self.cells: list[Rejected] = []

    def add(self, bad: NDArray[np.bool_], columns: tuple[str, ...], problem: str, mend: str) -> None:
        """Rows `bad` are refused for what is in `columns`; `problem` goes on from "5 of 9 rows"."""
        if not bad.any():
            return
        self.bad |= bad
        self.findings.append(at_rows(self.where, bad, problem, mend))
        self.list(bad, columns, problem, mend)

    def list(self, bad: NDArray[np.bool_], columns: tuple[str, ...], problem: str, mend: str) -> None:
        """Only list the cells, which are no fault of the table."""
        held = [texts(self.rows[name]).fillna("").to_numpy() for name in columns]
        for row in np.flatnonzero(bad):
            value = ", ".join(values[row] for values in held if values[row])
            self.cells.append(Rejected(int(row) + 1, "/".join(columns), value, problem, mend))


def read_inventory(
    path: Path | str,
    area: StudyArea,
    *,
    standard: Standard,
    datum: str,
    verified: bool = True,
    columns: Mapping[str, str] | None = None,
    **more: Unpack[Reading],
) -> gpd.GeoDataFrame:
    """Read a table of facilities.

    Parameters
    ----------
    path : Path
        CSV (UTF-8 or GB18030) or Excel with columns of longitude and latitude, or GeoJSON, GeoPackage, GeoParquet or
        Shapefile. Usual headers are known: 编号/id, 名称/name, 类别 or 服务/service, 经度/lon, 纬度/lat,
        建筑面积/floor_area_m2, 床位 or 容量/capacity, and 地址, 街道, 社区, 运营单位, 核实日期, 营业时间, which become
        the columns address, subdistrict, community, operator, verified_date and hours where the file has them.
    area : StudyArea
        Rows beyond its extent are left out.
    standard : Standard
        A row's service is its key, its Chinese or English label (several are parted by ``;`` or ``、``), else whatever
        the name patterns of the standard find in it or in the name.
    datum : {"wgs84", "cgcs2000", "gcj02", "bd09", "unknown"}
        Datum of the coordinates; it is stated, never guessed. An unknown one is refused.
    verified : bool
        Whether somebody vouches for the rows.
    columns : mapping, optional
        Our word to the file's header, where that is not a usual one.
    rejected : list, optional
        Given a list, rows that cannot be placed or understood are left out and added to it, one `Rejected` per cell,
        those beyond the extent too; without it they are an error.
    streets, buildings : GeoDataFrame, optional
        With an unknown datum, the refusal says how far the points lie from these under each reading.
    sheet : str, optional
        The sheet of an Excel file; without it the first.

    Returns
    -------
    GeoDataFrame
        tables.FACILITIES in the CRS of the area. `place` is ``<file>/<id>`` and the index ``<file>/<id>/<service>``.

    Raises
    ------
    SourceError
        When the file is missing or cannot be read.
    DataError
        With every finding: an empty table, no coordinates, repeated ids, coordinates swapped in all rows, no row
        within the extent; without `rejected` also rows that miss coordinates, that name no service of the standard,
        that lie more than 50 km away, or whose numbers are none.
    MissingExtra
        For GeoParquet without pyarrow.
    """
    path = Path(path)
    table = read_table(path, sheet=more.get("sheet"))
    if table.empty:
        raise DataError(
            Finding(path.name, "there is no row in it", "Give at least one facility, or leave the file out")
        )
    rows = recognise(table, HEADERS, given=columns, where=path.name)
    faults, whole = _Refusals(rows, path.name), list[Finding]()
    lonlat = _placed(rows, area, faults=faults, whole=whole)
    if datum == NOWHERE:
        raise DataError(_unlabelled(lonlat, path.name, more.get("streets"), more.get("buildings")), *whole)
    ids = _ids(rows, path.name, whole)
    offers = _services(texts(rows["service"]), texts(rows["name"]), standard)
    _refuse_unknown(offers, faults, standard)
    sizes = {name: _amounts(rows[name], name, faults) for name in ("floor_area_m2", "capacity")}
    lonlat = to_wgs84(lonlat, datum)
    points = gpd.GeoSeries(gpd.points_from_xy(*lonlat.T), crs="EPSG:4326").to_crs(area.crs)
    inside = _within(points.to_numpy(), area, faults=faults, whole=whole) & ~faults.bad
    rejected = more.get("rejected")
    if rejected is not None:
        rejected.extend(sorted(faults.cells, key=lambda cell: cell.row))
        if not whole and not inside.any():
            whole = [
                Finding(path.name, f"not one of {len(rows):,} rows can be used", "See the rows that were left out")
            ]
    if whole or (rejected is None and faults.findings):
        raise DataError(*whole, *(faults.findings if rejected is None else []))
    details = {name: texts(rows[name]) for name in DETAILS if rows[name].notna().any()}
    plainly = pd.DataFrame({"id": ids, "name": texts(rows["name"]), **sizes, "verified": verified, **details})
    facilities = _facilities(plainly[inside], points[inside], [offers[row] for row in np.flatnonzero(inside)], path)
    FACILITIES.check(facilities, where=path.name, crs=area.crs)
    return facilities


def write_rejected(rows: Iterable[Rejected], path: Path | str) -> None:
    """Write the rows that were left out as CSV that Excel opens as text.

    Parameters
    ----------
    rows : iterable of Rejected
        As `read_inventory` lists them.
    path : Path
        Such as ``rejected.csv``; UTF-8 with a byte order mark. A cell that begins with ``=``, ``+``, ``-``, ``@``, a
        tab or a carriage return gets a leading apostrophe, so that no spreadsheet runs it.

    Raises
    ------
    SourceError
        When the file cannot be written.
    """
    names = ("行 row", "列 column", "值 value", "问题 problem", "如何改 mend")
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(names)
    for one in rows:
        writer.writerow([one.row, *(_harmless(cell) for cell in (one.column, one.value, one.problem, one.mend))])
    try:
        Path(path).write_bytes(text.getvalue().encode("utf-8-sig", errors="replace"))
    except OSError as error:
        mend = "Close the file elsewhere and check that the folder can be written to"
        raise SourceError(Finding(Path(path).name, f"it cannot be written ({error.strerror})", mend)) from error


def _harmless(cell: str) -> str:
    """The cell with an apostrophe before it where a spreadsheet would run it.

    Examples
    --------
    >>> _harmless("=HYPERLINK(1)"), _harmless("渝中怡家")
    ("'=HYPERLINK(1)", '渝中怡家')
    """
    return f"'{cell}" if cell.startswith(UNSAFE) else cell


def _placed(rows: pd.DataFrame, area: StudyArea, *, faults: _Refusals, whole: list[Finding]) -> NDArray[np.float64]:
    """Coordinates as the file has them, NaN where they cannot be used."""
    lonlat = degrees(rows, faults.where, whole)
    if whole:
        return lonlat
    missing, swapped, odd = misplaced(lonlat, area)
    both = () if isinstance(rows, gpd.GeoDataFrame) else ("lon", "lat")
    given = int((~missing).sum())
    if swapped.any() and swapped.sum() == given:
        problem = f"longitude and latitude are swapped in {given:,} of {given:,} rows"
        whole.append(Finding(faults.where, problem, "Exchange the two columns"))
    else:
        faults.add(swapped, both, "have longitude and latitude swapped", "Exchange the two")
    faults.add(missing, both, "have no coordinates, or coordinates that are no numbers", "Fill them")
    faults.add(odd, both, "have coordinates that are not degrees", "Give longitude and latitude in degrees")
    return np.where((missing | swapped | odd)[:, None], np.nan, lonlat)


def _unlabelled(
    lonlat: NDArray[np.float64], where: str, streets: gpd.GeoDataFrame | None, buildings: gpd.GeoDataFrame | None
) -> Finding:
    """The refusal of coordinates in a datum that nobody states, with what each reading would mean."""
    problem = "the datum of the coordinates is not stated, and readings lie up to 1.2 km apart"
    if streets is not None:
        apart = measure_datums(lonlat, streets, buildings)
        named = {"streets_m": "streets", "buildings_m": "buildings"}
        readings = [
            f"as {datum} "
            + " and ".join(
                f"{apart.loc[datum, of]:,.0f} m from {word}"
                for of, word in named.items()
                if pd.notna(apart.loc[datum, of])
            )
            for datum in apart.index
        ]
        problem += f"; the median point lies {'; '.join(readings)}"
    mend = "Ask who made the table, then state wgs84, cgcs2000, gcj02 (高德, 腾讯) or bd09 (百度)"
    return Finding(where, problem, mend)


def _ids(rows: pd.DataFrame, where: str, whole: list[Finding]) -> pd.Series:
    ids = texts(rows["id"])
    ids = ids.where(ids.notna(), [str(row + 1) for row in range(len(rows))])
    twice = ids[ids.duplicated()].unique()
    if len(twice):
        problem = f"{len(twice):,} ids occur more than once (first: {quoted(twice)})"
        whole.append(Finding(where, problem, "Make every id unique"))
    return ids


def _refuse_unknown(offers: list[list[Service]], faults: _Refusals, standard: Standard) -> None:
    unknown = np.array([not services for services in offers])
    if not unknown.any():
        return
    nearest = f"Give one of the services of {standard.name}, such as {quoted(one.zh for one in standard.services)}"
    said = quoted(dict.fromkeys(texts(faults.rows["service"])[unknown].fillna("empty")))
    faults.add(unknown, ("service",), f"name no service that is known ({said})", nearest)


def _facilities(rows: pd.DataFrame, points: gpd.GeoSeries, offers: list[list[Service]], path: Path) -> gpd.GeoDataFrame:
    """One row per place and service."""
    at = np.repeat(np.arange(len(rows)), [len(services) for services in offers])
    services = [service for own in offers for service in own]
    place = [f"{path.stem}/{one}" for one in rows["id"].iloc[at]]
    ids = [f"{one}/{service.key}" for one, service in zip(place, services, strict=True)]
    shapes = [shapely.MultiPoint([point]) for point in points.iloc[at]]
    frame = pd.DataFrame(
        {
            "place": place,
            "category": [service.category for service in services],
            "service": [service.key for service in services],
            "tier": [service.tier for service in services],
            **{name: rows[name].iloc[at].to_numpy() for name in ("name", "capacity", "floor_area_m2")},
            "source": path.name,
            "verified": rows["verified"].iloc[at].to_numpy(),
            "entrance_from": "table",
            **{name: rows[name].iloc[at].to_numpy() for name in DETAILS if name in rows},
        },
        index=pd.Index(ids, name=FACILITIES.index, dtype=object),
    )
    return gpd.GeoDataFrame(frame, geometry=shapes, crs=points.crs)


def _services(given: pd.Series, names: pd.Series, standard: Standard) -> list[list[Service]]:
    """The services of each row: as given by key or label, else as the name patterns find."""
    labels: dict[str, Service] = {}
    for service in reversed(standard.services):
        labels |= {plain(word): service for word in (service.en, service.zh, service.key)}
    known: dict[tuple[str | None, str | None], list[Service]] = {}
    offers = []
    for text, name in zip(given, names, strict=True):
        if (text, name) not in known:
            words = [plain(word) for word in re.split(r"[;；、|]", text or "")]
            exact = [labels[word] for word in words if word in labels]
            if plain(text or "") in labels:
                exact = [labels[plain(text or "")]]
            if not exact:
                exact = [one for one in standard.services if any(one.matches_name(own) for own in (text, name) if own)]
            known[text, name] = list({service.key: service for service in exact}.values())
        offers.append(known[text, name])
    return offers


def _amounts(values: pd.Series, column: str, faults: _Refusals) -> NDArray[np.float64]:
    read = numbers(values)
    bad = np.isinf(read) | (read < 0)
    faults.add(bad, (column,), f"have a {column} that is no number of 0 or more", "Mend or empty them")
    return np.where(bad, np.nan, read)


def _within(
    points: NDArray[np.object_], area: StudyArea, *, faults: _Refusals, whole: list[Finding]
) -> NDArray[np.bool_]:
    """Rows in the extent; rows that lie impossibly far away are refused, and all outside is a fault of the file."""
    extent = area.extent
    shapely.prepare(extent)
    inside = np.zeros(len(points), dtype=bool)
    apart = np.full(len(points), np.nan)
    known = np.isfinite(shapely.get_x(points)) & np.isfinite(shapely.get_y(points))
    inside[known] = shapely.intersects(extent, points[known])
    apart[known] = shapely.distance(area.boundary, points[known])
    far = apart > FAR_M
    both = () if isinstance(faults.rows, gpd.GeoDataFrame) else ("lon", "lat")
    mend = "Check the datum and the order of longitude and latitude, or drop them"
    faults.add(far, both, f"lie more than {FAR_M / 1000:.0f} km from {area.name}", mend)
    if known.any() and not far.any() and not inside.any():
        problem = f"not one of {len(points):,} rows lies within {area.margin_m:,.0f} m of {area.name}"
        whole.append(Finding(faults.where, problem, "Check the coordinates and their datum, or leave the file out"))
    beyond = f"lie beyond {area.margin_m:,.0f} m around {area.name}"
    faults.list(known & ~inside & ~far & ~faults.bad, both, beyond, "Nothing, unless they belong to the area")
    return inside
