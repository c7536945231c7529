"""The planner's table of vacant space: where something could be opened, and what is known of each place."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from circle15.errors import quoted
from circle15.project.languages import headers
from circle15.project.reading import nearest
from circle15.sources.files import plain, texts
from circle15.sources.located import PLACED, Refusals, Rejected, amounts, grounded, ids_of, opened, stated, usable
from circle15.sources.people import finest_unit
from circle15.tables import CANDIDATES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from circle15.project import Inventory, Standard
    from circle15.tables import StudyArea

HEADERS = headers("vacant") | PLACED
NAMED = {"equipment": "operator", "place": "budget_line"}  # conditions, and the column that shows that they are met
WORDS = ("name", "owner", "budget_line", "operator", "address")
MEANT = headers("vacant.means")
NOTHING = frozenset(map(plain, MEANT["nothing"]))  # what stands in a cell about which nothing is known
STEP_FREE = headers("vacant.step_free_is")
ANYTHING = frozenset(map(plain, MEANT["anything"]))
GROUND = frozenset(MEANT["ground"])  # storeys at the level of a street
STOREY = re.compile(r"(负|地下|吊|b|-)?(?:第)?(\d{1,3}|[一二三四五六七八九十]{1,3})(?:层|楼|f)?")
STOREYS = re.compile(r"[、,;/&~至到和及]|(?<=[\d层楼f一二三四五六七八九十])-")
DIGITS = ("", *"一二三四五六七八九")
NUMERALS = {
    f"{DIGITS[tens] if tens > 1 else ''}{'十' if tens else ''}{DIGITS[ones]}": tens * 10 + ones
    for tens in range(10)
    for ones in range(10)
}


def read_candidates(
    path: Path | str,
    area: StudyArea,
    *,
    standard: Standard,
    datum: str,
    columns: Mapping[str, str] | None = None,
    sheet: str | None = None,
) -> gpd.GeoDataFrame:
    """Read a table of vacant space in which every cell can be used.

    Parameters
    ----------
    path : Path
        CSV (UTF-8 or GB18030) or Excel with columns of longitude and latitude, or a file of shapes, of which an outline
        counts as a point inside it. Usual headers are known: 编号/id, 名称/name, 经度/lon, 纬度/lat, 闲置面积 or
        建筑面积/floor_area_m2, 产权单位/owner, 楼层/storey, 无障碍入口/step_free, 可设服务/services, 造价/cost,
        资金来源/budget_line, 运营单位/operator, 地址/address. None but the coordinates is needed.
    area : StudyArea
        Rows beyond its extent are left out.
    standard : Standard
        The services that a place may hold are its keys, or the names that the standard has of services or of whole
        categories, parted by ``;`` or ``、``, else whatever its name patterns find.
    datum : {"wgs84", "cgcs2000", "gcj02", "bd09", "unknown"}
        Datum of the coordinates; it is stated, never guessed. An unknown one is refused.
    columns : mapping, optional
        Our word to the file's header, where that is not a usual one.
    sheet : str, optional
        The sheet of an Excel file; without it the first.

    Returns
    -------
    GeoDataFrame
        tables.CANDIDATES in the CRS of the area, index ``<file>/<id>``. What a cell does not say, or says in words such
        as 无, 待定 or 不详, is missing; `step_free` is ``unknown`` then.

    Raises
    ------
    SourceError
        When the file is missing or cannot be read.
    DataError
        With every finding: an empty table, no coordinates, repeated ids, coordinates swapped in all rows, no row
        within the extent; rows that miss coordinates or lie more than 50 km away, areas and costs that are no numbers,
        storeys, entrances and services that cannot be read. `sift_candidates` goes on without such rows or cells.
    MissingExtra
        For GeoParquet without pyarrow.
    """
    table = stated(path, datum=datum, columns=columns, sheet=sheet)
    found, faults = _read(table, area, standard=standard, path=table.file)
    faults.require_none()
    return found


def sift_candidates(
    table: Inventory,
    area: StudyArea,
    *,
    standard: Standard,
    folder: Path,
    beside: tuple[gpd.GeoDataFrame, gpd.GeoDataFrame | None] | None = None,
) -> tuple[gpd.GeoDataFrame, tuple[Rejected, ...]]:
    """Read a table of vacant space; rows and cells that cannot be used are left out and listed.

    Parameters
    ----------
    table : Inventory
        As the study file describes it.
    area, standard
        As for `read_candidates`.
    folder : Path
        Where the file is looked for.
    beside : tuple of GeoDataFrame, optional
        Streets, and buildings or none: with an unknown datum, the refusal says how far the points lie from these under
        each reading.

    Returns
    -------
    candidates : GeoDataFrame
        tables.CANDIDATES. A cell that cannot be read is missing, as one that says nothing; a row whose services are
        none of the standard's is left out, since it must not come to mean any service.
    rejected : tuple of Rejected
        In the order of the file, for `located.write_rejected`.

    Raises
    ------
    SourceError, MissingExtra
        As `read_candidates`.
    DataError
        For what is wrong with the whole file, or when not one row can be used.
    """
    found, faults = _read(table, area, standard=standard, path=folder / table.file, beside=beside)
    return found, usable(found, faults)


def sites(candidates: gpd.GeoDataFrame, units: gpd.GeoDataFrame, *, digits: int) -> gpd.GeoDataFrame:
    """Candidates with what a project list says of them.

    Parameters
    ----------
    candidates : GeoDataFrame
        tables.CANDIDATES.
    units : GeoDataFrame
        tables.UNITS.
    digits : int
        Of a degree: sites are put where the rounded longitude and latitude say, so that whoever reads the list puts
        them there too.

    Returns
    -------
    GeoDataFrame
        Columns besides: `lon`, `lat` (WGS-84); `unit`, the smallest one that it stands in; the conditions `basis` (yes:
        the table has it, with its floor area), `equipment` (it names an operator), `place` (it names a budget line).
    """
    lonlat = np.round(shapely.get_coordinates(candidates.geometry.to_crs("EPSG:4326")), digits)
    placed = gpd.GeoSeries.from_xy(*lonlat.T, index=candidates.index, crs="EPSG:4326").to_crs(candidates.crs)
    unit = finest_unit(shapely.get_coordinates(placed), units)
    held = {"basis": candidates["floor_area_m2"].notna() & (candidates["candidate_from"] == "table")}
    held |= {name: candidates[column].notna() for name, column in NAMED.items()}
    return candidates.set_geometry(placed).assign(
        lon=lonlat[:, 0],
        lat=lonlat[:, 1],
        unit=np.array([*units.index, None], dtype=object)[unit],
        **{name: np.where(one, "yes", "unknown") for name, one in held.items()},
    )


def _read(
    table: Inventory,
    area: StudyArea,
    *,
    standard: Standard,
    path: Path,
    beside: tuple[gpd.GeoDataFrame, gpd.GeoDataFrame | None] | None = None,
) -> tuple[gpd.GeoDataFrame, Refusals]:
    """The rows that can be used, and what is wrong with the rest."""
    rows, lonlat, faults = opened(table, area, path=path, headers=HEADERS, beside=beside)
    ids = [f"{path.stem}/{one}" for one in ids_of(rows, faults)]
    known = {name: _said(rows[name]) for name in WORDS}
    known |= {"storey": _storeys(rows["storey"], faults), "step_free": _entrances(rows["step_free"], faults)}
    known |= {"services": _services(rows["services"], standard, faults)}
    floor = amounts(
        rows["floor_area_m2"].where(_said(rows["floor_area_m2"]).notna()), "floor_area_m2", faults, keep=True
    )
    faults.add(floor == 0, ("floor_area_m2",), "have a floor_area_m2 of 0, which is no room", "Fill it", keep=True)
    cost = amounts(rows["cost"].where(_said(rows["cost"]).notna()), "cost", faults, keep=True)
    points, inside = grounded(lonlat, table, area, faults)
    frame = pd.DataFrame(known).set_axis(pd.Index(ids, name=CANDIDATES.index, dtype=object))
    frame = frame.assign(
        floor_area_m2=np.where(floor > 0, floor, np.nan), cost=cost, source=path.name, candidate_from="table"
    )
    candidates = gpd.GeoDataFrame(frame, geometry=points.to_numpy(), crs=points.crs)[CANDIDATES.names][inside]
    if not faults.whole:
        CANDIDATES.check(candidates, where=path.name, crs=area.crs)
    return candidates, faults


def _said(values: pd.Series) -> pd.Series:
    """Text, none where a cell is empty or says that nothing is known."""
    given = [text if text is not None and plain(text) not in NOTHING else None for text in texts(values)]
    return pd.Series(given, values.index, dtype=object)


def _entrances(values: pd.Series, faults: Refusals) -> pd.Series:
    """Whether the entrance has no step: yes, no or unknown."""
    words = {plain(word): key for key, others in STEP_FREE.items() for word in (key, *others)}
    given = texts(values).fillna("")
    found = given.map(lambda text: words.get(plain(text)))
    mend = "Give 是, 否 or nothing; until then it counts as unknown"
    faults.add(found.isna().to_numpy(), ("step_free",), "have an entrance that is neither yes nor no", mend, keep=True)
    return found.fillna("unknown")


def _storeys(values: pd.Series, faults: Refusals) -> pd.Series:
    """The lowest storey of each row; missing where none is given or it cannot be read."""
    given = _said(values)
    found = pd.Series([_storey(text) if text else None for text in given], given.index, dtype="Int64")
    mend = "Write it as 1, B1 or 1-3; until then it counts as unknown"
    unread = (given.notna() & found.isna()).to_numpy()
    faults.add(unread, ("storey",), "have a storey that cannot be read", mend, keep=True)
    return found


def _storey(text: str) -> int | None:
    """The lowest storey: 1 at street level, -1 the first below it; none where it cannot be read.

    Examples
    --------
    >>> [_storey(text) for text in ("1F", "负一层", "平街层", "2-4层", "B1-1F", "十二楼", "吊2层", "0", "顶层")]
    [1, -1, 1, 2, -1, 12, -2, None, None]
    """
    folded = re.sub(r"\s+", "", unicodedata.normalize("NFKC", text)).casefold()
    storeys = [_one_storey(part) for part in STOREYS.split(folded) if part]
    return min((one for one in storeys if one), default=None) if all(storeys) else None


def _one_storey(text: str) -> int:
    """A storey, 0 where the text is none."""
    parts = STOREY.fullmatch(text)
    if text in GROUND or parts is None:
        return int(text in GROUND)
    below, number = parts.groups()
    storey = int(number) if number.isdecimal() else NUMERALS.get(number, 0)
    return -storey if below else storey


def _services(values: pd.Series, standard: Standard, faults: Refusals) -> pd.Series:
    """Keys of the services that each row may hold, parted by semicolons; missing: any.

    What is not known of a cell is left out; a row of which nothing is known then is refused.
    """
    keys = _meanings(standard)
    given = _said(values)
    found: list[str | None] = []
    others: list[list[str]] = []
    for text in given:
        words = _words(text or "", keys)
        for word in words:
            by_name = tuple(one.key for one in standard.services if one.matches_name(word))
            if plain(word) not in keys and by_name:
                keys[plain(word)] = by_name
        meant = dict.fromkeys(key for word in words for key in keys.get(plain(word), ()))
        anything = any(plain(word) in ANYTHING for word in words)
        found.append(None if anything or not words else ";".join(meant))
        others.append([word for word in words if plain(word) not in keys])
    unread = np.array([bool(words) for words in others])
    if unread.any():
        first = next(iter(words[0] for words in others if words))
        said = quoted(dict.fromkeys(word for words in others for word in words))
        mend = nearest(first, [word for one in standard.services for word in (*one.names.values(), one.key)])
        none = np.array([text == "" for text in found])
        faults.add(unread & none, ("services",), f"name no service that is known ({said})", mend)
        faults.add(unread & ~none, ("services",), f"name services that are not known ({said})", mend, keep=True)
    return pd.Series(found, given.index, dtype=object)


def _meanings(standard: Standard) -> dict[str, tuple[str, ...]]:
    """The services that each plain word means; none for those that mean any."""
    keys: dict[str, tuple[str, ...]] = {}
    for category in reversed(standard.categories):
        own = tuple(service.key for service in category.services)
        keys |= dict.fromkeys(map(plain, (*category.names.values(), category.key)), own)
    for service in reversed(standard.services):
        keys |= dict.fromkeys(map(plain, (*service.names.values(), service.key)), (service.key,))
    return keys | dict.fromkeys(ANYTHING, ())


def _words(text: str, known: Mapping[str, object]) -> list[str]:
    """The words of a cell; labels may hold a comma, and in brackets anything."""
    text = unicodedata.normalize("NFKC", text)
    if plain(text) in known:
        return [text]
    words = []
    for part in re.split(r"[;、|]", re.sub(r"[(].*?[)]", "", text)):
        words += [part] if plain(part) in known else re.split(r"[,/]", part)
    return [word.strip() for word in words if plain(word)]
