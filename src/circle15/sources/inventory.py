"""The planner's own table of facilities: recognised, checked, brought to WGS-84; what is left out is listed."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from circle15.errors import quoted
from circle15.project.languages import headers
from circle15.sources.files import plain, texts
from circle15.sources.located import PLACED, Refusals, Rejected, amounts, grounded, ids_of, opened, stated, usable
from circle15.sources.merging import merge_places, merges
from circle15.tables import FACILITIES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from circle15.project import Inventory, Service, Standard
    from circle15.tables import StudyArea

__all__ = ["Sifted", "merge_places", "merges", "read_inventory", "sift_inventory"]

HEADERS = headers("inventory") | PLACED
DETAILS = ("address", "subdistrict", "community", "operator", "verified_date", "hours")
TIER_WORDS = headers("inventory.tiers")
DATE = re.compile(r"(\d{4})(?:[-/.年](\d{1,2})(?:[-/.月](\d{1,2}))?)?[年月日号]?|(\d{4})(\d\d)(\d\d)?")
CLOCK = re.compile(r"[ T]+\d{1,2}:\d\d.*")
OLDEST, NEWEST = 1900, 2100  # years that a date of verification can be of


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
        A row's service is its key, its name in any language of the standard (several are parted by ``;`` or ``、``),
        else whatever the name patterns of the standard find in it or in the name.
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
    table = stated(path, datum=datum, columns=columns, sheet=sheet)
    found, faults = _read(table, area, standard=standard, path=table.file)
    faults.require_none()
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
    return Sifted(found, usable(found, faults))


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
    ids = ids_of(rows, faults)
    offers = _services(texts(rows["service"]), texts(rows["name"]), standard)
    _refuse_unknown(offers, faults, standard)
    known: dict[str, Any] = {name: amounts(rows[name], name, faults) for name in ("floor_area_m2", "capacity")}
    known |= {"tier": _tiers(rows["tier"], faults), "verified_date": _dates(rows["verified_date"], faults)}
    points, inside = grounded(lonlat, table, area, faults)
    given = {"id": ids, "name": texts(rows["name"]), **{name: texts(rows[name]) for name in DETAILS}, **known}
    plainly = pd.DataFrame(given, index=rows.index)
    plainly = plainly.drop(columns=[name for name in DETAILS if rows[name].isna().all()])
    plainly["verified"] = table.verified
    facilities = _facilities(plainly[inside], points[inside], [offers[row] for row in np.flatnonzero(inside)], path)
    if not faults.whole:
        FACILITIES.check(facilities, where=path.name, crs=area.crs)
    return facilities, faults


def _refuse_unknown(offers: list[list[Service]], faults: Refusals, standard: Standard) -> None:
    unknown = np.array([not services for services in offers])
    if not unknown.any():
        return
    named = quoted(standard.first(one) for one in standard.services)
    nearest = f"Give one of the services of {standard.name}, such as {named}"
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
        labels |= {plain(word): service for word in (*service.names.values(), service.key)}
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


def _tiers(values: pd.Series, faults: Refusals) -> pd.Series:
    """The tier that each row names, none where it names none."""
    words = {plain(word): tier for tier, others in TIER_WORDS.items() for word in (tier, *others)}
    given = texts(values)
    found = pd.Series([words.get(plain(text)) if text else None for text in given], given.index, dtype=object)
    unread = (given.notna() & found.isna()).to_numpy()
    mend = "Give 区级, 街道级, 社区级 or 小区级; until then the service's own tier counts"
    faults.add(unread, ("tier",), "have a tier that is not known", mend, keep=True)
    return found


def _dates(values: pd.Series, faults: Refusals) -> pd.Series:
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
