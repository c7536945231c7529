"""The planner's own table of facilities: recognised, checked, brought to WGS-84 and joined with OSM."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from circle15.errors import DataError, Finding, quoted
from circle15.sources.datum import to_wgs84
from circle15.sources.files import at_rows, coordinates, numbers, plain, read_table, recognise, texts
from circle15.sources.places import alike
from circle15.tables import FACILITIES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from circle15.project import Service, Standard
    from circle15.tables import StudyArea

FAR_M = 50_000.0  # nobody walks here from the study area: a wrong datum, or swapped columns
SAME_PLACE_M = 60.0

HEADERS = {
    "id": ("编号", "编码", "代码", "序号", "code"),
    "name": ("名称", "设施名称", "机构名称", "单位名称", "name_zh"),
    "service": ("服务", "服务类型", "设施类型", "设施类别", "类别", "类型", "小类", "category", "type", "kind"),
    "lon": ("经度", "longitude", "lng", "long", "x"),
    "lat": ("纬度", "latitude", "y"),
    "floor_area_m2": ("建筑面积", "面积", "floor_area", "area", "area_m2"),
    "capacity": ("容量", "床位", "床位数", "座位", "座位数", "学位", "托位", "beds", "seats", "places"),
}


def read_inventory(
    path: Path | str,
    area: StudyArea,
    *,
    standard: Standard,
    datum: str,
    verified: bool = True,
    columns: Mapping[str, str] | None = None,
) -> gpd.GeoDataFrame:
    """Read a table of facilities.

    Parameters
    ----------
    path : Path
        CSV (UTF-8 or GB18030) with columns of longitude and latitude, or GeoJSON, GeoPackage or Shapefile. Usual
        headers are known: 编号/id, 名称/name, 类别 or 服务/service, 经度/lon, 纬度/lat, 建筑面积/floor_area_m2,
        床位 or 容量/capacity.
    area : StudyArea
        Rows beyond its extent are left out.
    standard : Standard
        A row's service is its key, its Chinese or English label (several are parted by ``;`` or ``、``), else whatever
        the name patterns of the standard find in it or in the name.
    datum : {"wgs84", "cgcs2000", "gcj02", "bd09"}
        Datum of the coordinates; it is stated, never guessed.
    verified : bool
        Whether somebody vouches for the rows.
    columns : mapping, optional
        Our word to the file's header, where that is not a usual one.

    Returns
    -------
    GeoDataFrame
        tables.FACILITIES in the CRS of the area. `place` is ``<file>/<id>`` and the index ``<file>/<id>/<service>``.

    Raises
    ------
    SourceError
        When the file is missing or cannot be read.
    DataError
        With every finding: an empty table, no coordinates, swapped or missing ones, repeated ids, services that are not
        in the standard, rows more than 50 km away, no row within the extent.
    """
    path = Path(path)
    table = read_table(path)
    if table.empty:
        raise DataError(
            Finding(path.name, "there is no row in it", "Give at least one facility, or leave the file out")
        )
    rows = recognise(table, HEADERS, given=columns, where=path.name)
    found: list[Finding] = []
    lonlat = coordinates(rows, path.name, area, found)
    ids = texts(rows["id"])
    ids = ids.where(ids.notna(), [str(row + 1) for row in range(len(rows))])
    twice = ids[ids.duplicated()].unique()
    if len(twice):
        problem = f"{len(twice):,} ids occur more than once (first: {quoted(twice)})"
        found.append(Finding(path.name, problem, "Make every id unique"))
    offers = _services(texts(rows["service"]), texts(rows["name"]), standard)
    unknown = np.array([not services for services in offers])
    if unknown.any():
        nearest = f"Give one of the services of {standard.name}, such as {quoted(one.zh for one in standard.services)}"
        said = quoted(dict.fromkeys(texts(rows["service"])[unknown].fillna("empty")))
        found.append(at_rows(path.name, unknown, f"name no service that is known ({said})", nearest))
    sizes = {name: _amounts(rows[name], name, path.name, found) for name in ("floor_area_m2", "capacity")}
    lonlat = to_wgs84(lonlat, datum)
    points = gpd.GeoSeries(gpd.points_from_xy(*lonlat.T), crs="EPSG:4326").to_crs(area.crs)
    inside = _within(points.to_numpy(), lonlat, path.name, area=area, found=found)
    if found:
        raise DataError(*found)
    plainly = pd.DataFrame({"id": ids, "name": texts(rows["name"]), **sizes, "verified": verified})
    facilities = _facilities(plainly[inside], points[inside], [offers[row] for row in np.flatnonzero(inside)], path)
    FACILITIES.check(facilities, where=path.name, crs=area.crs)
    return facilities


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


def _amounts(values: pd.Series, column: str, where: str, found: list[Finding]) -> NDArray[np.float64]:
    read = numbers(values)
    bad = np.isinf(read) | (read < 0)
    if bad.any():
        found.append(at_rows(where, bad, f"have a {column} that is no number of 0 or more", "Mend or empty them"))
    return np.where(bad, np.nan, read)


def _within(
    points: NDArray[np.object_], lonlat: NDArray[np.float64], where: str, *, area: StudyArea, found: list[Finding]
) -> NDArray[np.bool_]:
    """Rows in the extent; rows that lie impossibly far away, or all outside, are a finding."""
    extent = area.extent
    shapely.prepare(extent)
    inside = np.zeros(len(points), dtype=bool)
    apart = np.full(len(points), np.inf)
    known = np.isfinite(lonlat).all(axis=1) & np.isfinite(shapely.get_x(points))
    inside[known] = shapely.intersects(extent, points[known])
    apart[known] = shapely.distance(area.boundary, points[known])
    far = (apart > FAR_M) & known
    if any("swapped" in one.problem or "not degrees" in one.problem for one in found):
        return inside
    if far.any():
        mend = "Check the datum and the order of longitude and latitude, or drop them"
        found.append(at_rows(where, far, f"lie more than {FAR_M / 1000:.0f} km from {area.name}", mend))
    elif known.any() and not inside.any():
        problem = f"not one of {len(points):,} rows lies within {area.margin_m:,.0f} m of {area.name}"
        found.append(Finding(where, problem, "Check the coordinates and their datum, or leave the file out"))
    return inside


def merge_places(osm: gpd.GeoDataFrame, inventory: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Join facilities from OSM with the planner's own, so that each place counts once.

    A row of the inventory takes the place of OSM rows of the same service within 60 m that have no name or a similar
    one.

    Parameters
    ----------
    osm, inventory : GeoDataFrame
        tables.FACILITIES in one CRS. They are not changed.

    Returns
    -------
    GeoDataFrame
        tables.FACILITIES: the rows of OSM that are left, then the inventory.

    Raises
    ------
    DataError
        When ids repeat.
    """
    pairs = shapely.STRtree(inventory.geometry.to_numpy()).query(
        osm.geometry.to_numpy(), predicate="dwithin", distance=SAME_PLACE_M
    )
    one, other = (osm.iloc[pairs[0]], inventory.iloc[pairs[1]])
    same = one["service"].to_numpy() == other["service"].to_numpy()
    names = zip(texts(one["name"]), texts(other["name"]), strict=True)
    similar = np.array([not mine or (theirs is not None and alike(mine, theirs)) for mine, theirs in names], dtype=bool)
    left = osm.drop(osm.index[np.unique(pairs[0][same & similar])])
    parts = [part for part in (left, inventory) if len(part)] or [inventory]
    merged = gpd.GeoDataFrame(pd.concat(parts), crs=inventory.crs)[FACILITIES.names]
    merged.index.name = FACILITIES.index
    FACILITIES.check(merged)
    return merged
