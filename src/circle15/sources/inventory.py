"""The planner's own table of facilities: recognised, checked, brought to WGS-84; what is left out is listed."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import astuple, dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from circle15.errors import DataError, Finding, quoted
from circle15.project import Inventory
from circle15.sources.datum import MEANT, from_metres, measure_datums, to_wgs84
from circle15.sources.files import (
    at_rows,
    degrees,
    misplaced,
    near,
    numbers,
    plain,
    read_numbered,
    recognise,
    texts,
    write_csv,
)
from circle15.sources.merging import merge_places, merges
from circle15.tables import FACILITIES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from circle15.project import Service, Standard
    from circle15.project.study_file import Datum
    from circle15.tables import StudyArea

__all__ = ["Rejected", "Sifted", "merge_places", "merges", "read_inventory", "sift_inventory", "write_rejected"]

FAR_M = 50_000.0  # nobody walks here from the study area: a wrong datum, or swapped columns
UNKNOWN = "unknown"  # a datum that nobody knows

HEADERS = {
    "id": ("编号", "编码", "代码", "序号", "设施编号", "机构编码", "统一编码", "code"),
    "name": ("名称", "设施名称", "机构名称", "单位名称", "场所名称", "点位名称", "站点名称", "name_zh", "facility"),
    "service": (
        *("服务", "服务类型", "设施类型", "设施类别", "机构类型", "类别", "类型", "小类", "种类"),
        *("category", "type", "kind"),
    ),
    "lon": ("经度", "东经", "longitude", "lng", "long", "x", "x坐标"),
    "lat": ("纬度", "北纬", "latitude", "y", "y坐标"),
    "east": ("东坐标", "东向坐标", "东距", "横坐标", "easting", "x", "x坐标", "坐标x"),
    "north": ("北坐标", "北向坐标", "北距", "纵坐标", "northing", "y", "y坐标", "坐标y"),
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
    "tier": ("层级", "设施层级", "服务层级", "level"),
}
DETAILS = ("address", "subdistrict", "community", "operator", "verified_date", "hours")
TIER_WORDS = {
    "district": ("区", "区级", "区县", "区县级", "县级"),
    "subdistrict": ("街道", "街道级", "镇街", "镇街级", "街镇", "街镇级", "乡镇", "乡镇级", "镇级"),
    "community": ("社区", "社区级", "村", "村级", "村居", "村社区", "社区村"),
    "cell": ("小区", "小区级", "网格", "网格级"),
}
DATE = re.compile(r"(\d{4})(?:[-/.年](\d{1,2})(?:[-/.月](\d{1,2}))?)?[年月日号]?|(\d{4})(\d\d)(\d\d)?")
CLOCK = re.compile(r"[ T]+\d{1,2}:\d\d.*")
OLDEST, NEWEST = 1900, 2100  # years that a date of verification can be of


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


@dataclass(frozen=True)
class Sifted:
    """What a table of facilities holds that can be used, and what cannot.

    Parameters
    ----------
    facilities : GeoDataFrame
        tables.FACILITIES.
    rejected : tuple of Rejected
        In the order of the file.
    """

    facilities: gpd.GeoDataFrame
    rejected: tuple[Rejected, ...]


class _Refusals:
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


def read_inventory(
    path: Path | str,
    area: StudyArea,
    *,
    standard: Standard,
    datum: str,
    columns: Mapping[str, str] | None = None,
    sheet: str | None = None,
) -> gpd.GeoDataFrame:
    """Read a table of facilities in which every cell can be used.

    Parameters
    ----------
    path : Path
        CSV (UTF-8 or GB18030) or Excel with columns of longitude and latitude, or GeoJSON, GeoPackage, GeoParquet or
        Shapefile. Usual headers are known: 编号/id, 名称/name, 类别 or 服务/service, 经度/lon, 纬度/lat,
        建筑面积/floor_area_m2, 床位 or 容量/capacity, 层级/tier, and 地址, 街道, 社区, 运营单位, 核实日期, 营业时间,
        which become the columns address, subdistrict, community, operator, verified_date (ISO) and hours where the file
        has them.
    area : StudyArea
        Rows beyond its extent are left out.
    standard : Standard
        A row's service is its key, its Chinese or English label (several are parted by ``;`` or ``、``), else whatever
        the name patterns of the standard find in it or in the name.
    datum : {"wgs84", "cgcs2000", "gcj02", "bd09", "unknown"}
        Datum of the coordinates; it is stated, never guessed. An unknown one is refused.
    columns : mapping, optional
        Our word to the file's header, where that is not a usual one.
    sheet : str, optional
        The sheet of an Excel file; without it the first.

    Returns
    -------
    GeoDataFrame
        tables.FACILITIES in the CRS of the area. `place` is ``<file>/<id>`` and the index ``<file>/<id>/<service>``;
        `tier` is the row's own where it names one, else the service's.

    Raises
    ------
    SourceError
        When the file is missing or cannot be read.
    DataError
        With every finding: an empty table, no coordinates, repeated ids, coordinates swapped in all rows, no row
        within the extent; rows that miss coordinates, that name no service of the standard, that lie more than 50 km
        away, or whose numbers, date or tier cannot be read. `sift_inventory` goes on without such rows, and reads
        coordinates in metres.
    MissingExtra
        For GeoParquet without pyarrow.
    """
    path, stated = Path(path), cast("Datum", datum)  # one that is none is refused where it is used
    table = Inventory.model_construct(file=path, datum=stated, columns=dict(columns or {}), sheet=sheet)
    found, faults = _read(table, area, standard=standard, path=path)
    if faults.whole or faults.findings:
        raise DataError(*faults.whole, *faults.findings)
    return found


def sift_inventory(
    table: Inventory,
    area: StudyArea,
    *,
    standard: Standard,
    folder: Path,
    beside: tuple[gpd.GeoDataFrame, gpd.GeoDataFrame | None] | None = None,
) -> Sifted:
    """Read a table of facilities; rows that cannot be used are left out and listed.

    Parameters
    ----------
    table : Inventory
        As the study file describes it. With `crs`, coordinates are metres in columns east and north (东坐标, 北坐标, or
        X and Y, which Chinese surveys use for north and east: that is found out and refused, not turned round).
    area, standard
        As for `read_inventory`.
    folder : Path
        Where the file is looked for.
    beside : tuple of GeoDataFrame, optional
        Streets, and buildings or none: with an unknown datum, the refusal says how far the points lie from these under
        each reading.

    Returns
    -------
    Sifted

    Raises
    ------
    SourceError, MissingExtra
        As `read_inventory`.
    DataError
        For what is wrong with the whole file, or when not one row can be used.
    """
    found, faults = _read(table, area, standard=standard, path=folder / table.file, beside=beside)
    if not faults.whole and found.empty:
        problem = f"not one of {len(faults.rows):,} rows can be used"
        faults.whole = [Finding(faults.where, problem, "Mend what follows"), *faults.findings]
    if faults.whole:
        raise DataError(*faults.whole)
    return Sifted(found, tuple(sorted(faults.cells, key=lambda cell: cell.row)))


def write_rejected(rows: Iterable[Rejected], path: Path | str) -> None:
    """Write the cells that could not be used as CSV that Excel opens as text.

    Parameters
    ----------
    rows : iterable of Rejected
        As `sift_inventory` lists them.
    path : Path
        Such as ``rejected.csv``; no cell of it is ever run as a formula.

    Raises
    ------
    SourceError
        When the file cannot be written.
    """
    names = ["文件 file", "行 row", "列 column", "值 value", "问题 problem", "如何改 mend", "结果 outcome"]
    table = pd.DataFrame([astuple(one) for one in rows], columns=names, dtype=object)
    table[names[-1]] = table[names[-1]].map({True: "采用 kept", False: "未采用 left out"})
    write_csv(table, Path(path))


def _read(
    table: Inventory,
    area: StudyArea,
    *,
    standard: Standard,
    path: Path,
    beside: tuple[gpd.GeoDataFrame, gpd.GeoDataFrame | None] | None = None,
) -> tuple[gpd.GeoDataFrame, _Refusals]:
    """The rows that can be used, and what is wrong with the rest."""
    cells = read_numbered(path, sheet=table.sheet)
    if cells.empty:
        raise DataError(
            Finding(path.name, "there is no row in it", "Give at least one facility, or leave the file out")
        )
    rows = recognise(cells, HEADERS, given=table.columns, where=path.name)
    faults = _Refusals(rows, path.name, metres=table.crs is not None)
    lonlat = _placed(rows, area, table, faults)
    if table.datum == UNKNOWN:
        raise DataError(_unlabelled(lonlat, path.name, beside), *faults.whole)
    ids = _ids(rows, faults)
    offers = _services(texts(rows["service"]), texts(rows["name"]), standard)
    _refuse_unknown(offers, faults, standard)
    known: dict[str, Any] = {name: _amounts(rows[name], name, faults) for name in ("floor_area_m2", "capacity")}
    known |= {"tier": _tiers(rows["tier"], faults), "verified_date": _dates(rows["verified_date"], faults)}
    lonlat = to_wgs84(lonlat, table.datum)
    points = gpd.GeoSeries(gpd.points_from_xy(*lonlat.T), crs="EPSG:4326").to_crs(area.crs)
    inside = _within(points.to_numpy(), area, faults) & ~faults.bad
    given = {"id": ids, "name": texts(rows["name"]), **{name: texts(rows[name]) for name in DETAILS}, **known}
    plainly = pd.DataFrame(given, index=rows.index)
    plainly = plainly.drop(columns=[name for name in DETAILS if rows[name].isna().all()])
    plainly["verified"] = table.verified
    facilities = _facilities(plainly[inside], points[inside], [offers[row] for row in np.flatnonzero(inside)], path)
    if not faults.whole:
        FACILITIES.check(facilities, where=path.name, crs=area.crs)
    return facilities, faults


def _placed(rows: pd.DataFrame, area: StudyArea, table: Inventory, faults: _Refusals) -> NDArray[np.float64]:
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


def _with_crs(rows: gpd.GeoDataFrame, crs: str, faults: _Refusals) -> gpd.GeoDataFrame:
    """Shapes whose file does not state a CRS take that of the study file; two that differ are refused."""
    from_metres(np.empty((0, 2)), crs, faults.where, faults.whole)
    if faults.whole:
        return rows
    if rows.crs is not None and rows.crs != crs:
        problem = f"the file states the CRS {rows.crs.to_string()}, and the study file {crs}"
        faults.whole.append(Finding(faults.where, problem, "Leave crs out if the file is right"))
    return rows if rows.crs is not None else rows.set_crs(crs)


def _surveyed(rows: pd.DataFrame, area: StudyArea, crs: str, faults: _Refusals) -> NDArray[np.float64]:
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


def _ids(rows: pd.DataFrame, faults: _Refusals) -> pd.Series:
    ids = texts(rows["id"])
    ids = ids.where(ids.notna(), [str(row + 1) for row in range(len(rows))])
    twice = ids[ids.duplicated()].unique()
    if len(twice):
        problem = f"{len(twice):,} ids occur more than once (first: {quoted(twice)})"
        faults.whole.append(Finding(faults.where, problem, "Make every id unique"))
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
            "tier": [own or service.tier for own, service in zip(rows["tier"].iloc[at], services, strict=True)],
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


def _tiers(values: pd.Series, faults: _Refusals) -> pd.Series:
    """The tier that each row names, none where it names none."""
    words = {plain(word): tier for tier, others in TIER_WORDS.items() for word in (tier, *others)}
    given = texts(values)
    found = pd.Series([words.get(plain(text)) if text else None for text in given], given.index, dtype=object)
    unread = (given.notna() & found.isna()).to_numpy()
    mend = "Give 区级, 街道级, 社区级 or 小区级; until then the service's own tier counts"
    faults.add(unread, ("tier",), "have a tier that is not known", mend, keep=True)
    return found


def _dates(values: pd.Series, faults: _Refusals) -> pd.Series:
    """Dates as ISO text, as exact as they are given; none where they cannot be read."""
    given = texts(values)
    found = pd.Series([_date(text) if text else None for text in given], given.index, dtype=object)
    unread = (given.notna() & found.isna()).to_numpy()
    mend = "Write it as 2025-03-04; until then the row counts as undated"
    faults.add(unread, ("verified_date",), "have a date that cannot be read", mend, keep=True)
    return found


def _date(text: str) -> str | None:
    """A date as ISO text.

    Examples
    --------
    >>> [_date(text) for text in ("2025/3/4", "2025年3月", "20250304", "2025-02-30", "去年")]
    ['2025-03-04', '2025-03', '2025-03-04', None, None]
    """
    parts = DATE.fullmatch(CLOCK.sub("", unicodedata.normalize("NFKC", text)).strip())
    given = [int(one) for one in parts.groups() if one] if parts else []
    if not given or not OLDEST <= given[0] <= NEWEST:
        return None
    try:
        date(*[*given, 1, 1][:3])
    except ValueError:
        return None
    return "-".join(f"{one:02d}" for one in given)


def _within(points: NDArray[np.object_], area: StudyArea, faults: _Refusals) -> NDArray[np.bool_]:
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
