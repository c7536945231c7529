"""Places out of OSM: facilities with their entrances, buildings, ground and boundaries."""

from __future__ import annotations

import difflib
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from circle15.sources.entrances import place_entrances
from circle15.sources.land import read_boundaries, read_boundary, read_buildings, read_ground
from circle15.sources.shapes import elements_of, number, pick, shapes
from circle15.tables import FACILITIES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from circle15.project import Standard
    from circle15.sources.osm import Elements
    from circle15.tables import StudyArea

    Tags = Mapping[str, str]

__all__ = ["place_entrances", "read_boundaries", "read_boundary", "read_buildings", "read_facilities", "read_ground"]

SAME_PLACE_M = 30.0  # a node so near an area, or two nodes of one name, may be one place
STATION_M = 500.0  # platforms and entrances of one station lie no farther apart
SAME_NAME = 0.8  # likeness of two names, from 0 to 1, at which they are taken to be one
COVERED = 0.9  # share of the smaller area that lies in the larger, at which both are one place

GATE_BARRIERS = (
    "gate",
    "entrance",
    "lift_gate",
    "swing_gate",
    "kissing_gate",
    "wicket_gate",
    "hampshire_gate",
    "sally_port",
    "turnstile",
)
NO_ENTRANCES = ("no", "exit", "emergency", "service", "garage", "staircase", "home", "private", "delivery")
STATION_DOORS = ("subway_entrance", "train_station_entrance")
CLOSED = ("no", "private")
OPEN_AIR_KEYS = ("leisure", "landuse", "place", "highway", "natural")


@dataclass(frozen=True)
class _Candidates:
    """Elements that offer something, row by row: id, tags, shape, area and offers (a matrix by service)."""

    ids: NDArray[np.object_]
    tags: list[Tags]
    names: list[str]
    shapes: NDArray[np.object_]
    areas: NDArray[np.float64]
    offers: NDArray[np.bool_]

    @property
    def doors(self) -> NDArray[np.bool_]:
        """Which rows are the doors of a station."""
        return np.array([tags.get("railway") in STATION_DOORS for tags in self.tags], dtype=bool)

    @property
    def stations(self) -> NDArray[np.bool_]:
        """Which rows are stations."""
        return np.array([tags.get("railway") == "station" for tags in self.tags], dtype=bool)


def read_facilities(
    source: Elements | Path, area: StudyArea, *, standard: Standard, streets: gpd.GeoDataFrame | None
) -> gpd.GeoDataFrame:
    """The places in OSM that offer a service of the standard, one row per place and service.

    A place that is mapped as node and as area counts once; so do two nodes of one name within 30 m, and the
    platforms of one station, whose entrances become its entrances. Places that are private or disused are left out.

    Parameters
    ----------
    source : Elements or Path
        OSM elements, or a file of them.
    area : StudyArea
        Places that touch its extent are kept.
    standard : Standard
        The services, and how their places are recognised.
    streets : GeoDataFrame or None
        `tables.STREETS`, for the entrances of large sites; without it they are spread over the outline.

    Returns
    -------
    GeoDataFrame
        `tables.FACILITIES`; none of the rows is verified.

    Raises
    ------
    SourceError
        When the file cannot be read.
    """
    elements = elements_of(source)
    asked = _Asked(standard)
    found = _candidates(elements, area, asked)
    places = _places(found, _groups(found, _stop_areas(elements)), area)
    entrances, rungs = place_entrances(places.geometry, gates=_gates(elements, area), streets=streets)
    stations = places["doors"].notna().to_numpy()
    entrances[stations] = places.loc[stations, "doors"].to_numpy()
    rungs[stations] = "gate"
    return _facilities(found, places.assign(entrances=entrances, rung=rungs), asked, data=_data_name(elements))


class _Asked:
    """The services of a standard, and which of them an element may offer at all by the tags that it has."""

    def __init__(self, standard: Standard) -> None:
        self.services = standard.services
        self.always: set[int] = set()  # a search may find something in a tag that is not there
        self.by_key: dict[str, set[int]] = {}  # services that the key alone may lead to
        self.by_tag: dict[str, dict[str, set[int]]] = {}  # and key and value
        for at, service in enumerate(self.services):
            for key, values, searched in map(_first, service.osm):
                for value in values:
                    self.by_tag.setdefault(key, {}).setdefault(value, set()).add(at)
                if not values:
                    self.by_key.setdefault(key, set()).add(at)
                if searched:
                    self.always.add(at)

    def worth_a_look(self, tags: Tags) -> bool:
        """Whether the first part of some filter may be met."""
        hit = any(tags[key] in self.by_tag[key] or ";" in tags[key] for key in self.by_tag.keys() & tags.keys())
        return (hit or not self.by_key.keys().isdisjoint(tags)) and _in_use(tags)

    def offers(self, tags: Tags, area_m2: float) -> list[int]:
        """The numbers of the services that an element offers."""
        read = _read(tags)
        some = self.always.union(*(self.by_key[key] for key in self.by_key.keys() & read.keys()))
        for key in self.by_tag.keys() & read.keys():
            some.update(*(self.by_tag[key].get(value, ()) for value in read[key].split(";")))
        return [at for at in some if self.services[at].matches(read, area_m2=area_m2 or None)]


def _candidates(elements: Elements, area: StudyArea, asked: _Asked) -> _Candidates:
    """Everything in the extent that offers a service."""
    picked = pick(elements, asked.worth_a_look)
    placed = shapes(elements, picked, crs=area.crs)
    placed = placed[placed.intersects(area.extent)]
    tags = [picked[one] for one in placed.index]
    sizes = placed.area.to_numpy()
    offers = np.zeros((len(tags), len(asked.services)), dtype=bool)
    for row, (own, size) in enumerate(zip(tags, sizes.tolist(), strict=True)):
        offers[row, asked.offers(own, size)] = True
    keep = offers.any(axis=1)
    kept = [tags[row] for row in np.flatnonzero(keep)]
    return _Candidates(
        ids=placed.index.to_numpy(dtype=object)[keep],
        tags=kept,
        names=[own.get("name") or own.get("name:zh", "") for own in kept],
        shapes=placed.to_numpy()[keep],
        areas=sizes[keep],
        offers=offers[keep],
    )


def _first(rule: str) -> tuple[str, tuple[str, ...], bool]:
    """The key and the values that the first part of a filter asks for, no values for any; whether it is a search."""
    part, tilde, _ = rule.split("+", maxsplit=1)[0].partition("~")
    key, _, values = part.partition("=")
    return key.strip(), tuple(values.split(";")) if values else (), bool(tilde)


def _in_use(tags: Tags) -> bool:
    gone = any(tags.get(key, "no") != "no" for key in ("disused", "abandoned", "demolished", "proposed"))
    return not gone and tags.get("access") not in CLOSED and tags.get("garden:type") not in ("private", "residential")


def _read(tags: Tags) -> Tags:
    """Tags as the standard should see them: a Chinese name that stands apart is read as well."""
    name, chinese = tags.get("name", ""), tags.get("name:zh", "")
    return tags if not chinese or chinese in name else {**tags, "name": f"{name} {chinese}".strip()}


def _groups(found: _Candidates, stop_areas: Mapping[str, str]) -> NDArray[np.int64]:
    """Number of the place that each candidate belongs to: the first row of its group."""
    group = np.arange(len(found.ids))
    for one, other in [*_same_places(found), *_same_stations(found), *_own_doors(found, stop_areas)]:
        low, high = sorted((group[one], group[other]))
        group[group == high] = low
    return group


def _near_pairs(shapes: NDArray[np.object_], others: NDArray[np.object_], reach_m: float) -> NDArray[np.int64]:
    """Row pairs (of `shapes`, of `others`) within reach, in a fixed order; shape (n, 2)."""
    pairs = shapely.STRtree(others).query(shapes, predicate="dwithin", distance=reach_m).T
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]


def _same_places(found: _Candidates) -> list[tuple[int, int]]:
    """Pairs of rows of one service that are the same place, mapped twice."""
    pairs = _near_pairs(found.shapes, found.shapes, SAME_PLACE_M)
    pairs = pairs[pairs[:, 0] < pairs[:, 1]]
    pairs = pairs[(found.offers[pairs[:, 0]] & found.offers[pairs[:, 1]]).any(axis=1)]
    site = ~np.isin(shapely.get_type_id(found.shapes), (shapely.GeometryType.POINT, shapely.GeometryType.MULTIPOINT))
    same = []
    for one, other in pairs.tolist():
        names = found.names[one], found.names[other]
        named = bool(names[0]) and bool(names[1])
        if named:
            yes = alike(*names)
        elif site[one] and site[other]:
            yes = _covered(found, one, other)
        else:
            yes = bool(site[one] or site[other])
        if yes:
            same.append((one, other))
    return same


def _covered(found: _Candidates, one: int, other: int) -> bool:
    smaller = min(found.areas[one], found.areas[other])
    shared = shapely.area(shapely.intersection(found.shapes[one], found.shapes[other]))
    return bool(smaller > 0 and shared >= COVERED * smaller)


def alike(name: str, other: str) -> bool:
    """Whether two names are likely to mean one place: equal but for blanks and signs, one in the other, or similar.

    Numbers have to agree, so that 第一小学 and 第二小学 stay apart.

    Examples
    --------
    >>> alike("重庆市 大坪小学", "大坪小学"), alike("第一实验小学", "第二实验小学")
    (True, False)
    """
    plain = [re.sub(r"[\W_]+", "", text).casefold() for text in (name, other)]
    numbers = [re.findall(r"[0-9]+|[一二三四五六七八九十百]+", text) for text in plain]
    if plain[0] == plain[1]:
        return True
    if not all(plain) or numbers[0] != numbers[1]:
        return False
    short, long = sorted(plain, key=len)
    return short in long or difflib.SequenceMatcher(None, short, long).ratio() >= SAME_NAME


def _same_stations(found: _Candidates) -> list[tuple[int, int]]:
    """Pairs of rows that are platforms of one station on two lines: the same name within 500 m."""
    rows = np.flatnonzero(found.stations)
    pairs = _near_pairs(found.shapes[rows], found.shapes[rows], STATION_M)
    named = [(int(rows[one]), int(rows[other])) for one, other in pairs.tolist() if one < other]
    return [(one, other) for one, other in named if found.names[one] and found.names[one] == found.names[other]]


def _own_doors(found: _Candidates, stop_areas: Mapping[str, str]) -> list[tuple[int, int]]:
    """Pairs (station, entrance): by stop area, else by a name that holds the station's, else the nearest in reach.

    Entrances of a station that is not in the data are paired among themselves.
    """
    stations, doors = np.flatnonzero(found.stations), np.flatnonzero(found.doors)
    at = {one: row for row, one in enumerate(found.ids.tolist())}
    pairs = _near_pairs(found.shapes[doors], found.shapes[stations], STATION_M)
    rows, near = doors[pairs[:, 0]], stations[pairs[:, 1]]
    said = [stop_areas.get(found.ids[door], "") != found.ids[station] for door, station in zip(rows, near, strict=True)]
    called = [
        not (found.names[station] and found.names[station] in found.names[door])
        for door, station in zip(rows, near, strict=True)
    ]
    far = shapely.distance(found.shapes[rows], found.shapes[near])
    order = np.lexsort((near, far, np.array(called), np.array(said), rows))
    best = order[np.unique(rows[order], return_index=True)[1]] if len(order) else order
    linked = [(int(near[row]), int(rows[row])) for row in best]
    beyond = [(at[station], at[door]) for door, station in stop_areas.items() if door in at and station in at]
    linked += [(station, door) for station, door in beyond if door not in set(rows.tolist())]
    alone = doors[~np.isin(doors, [door for _, door in linked])]
    among = _near_pairs(found.shapes[alone], found.shapes[alone], STATION_M)
    return linked + [(int(alone[one]), int(alone[other])) for one, other in among.tolist() if one < other]


def _stop_areas(elements: Elements) -> dict[str, str]:
    """Entrance node -> station node, as public-transport relations say."""
    doors: dict[str, str] = {}
    for _, relation in sorted(elements.relations.items()):
        if relation.tags.get("public_transport") != "stop_area":
            continue
        nodes = [ref for kind, ref, _ in relation.members if kind == "node"]
        rail = {ref: elements.node_tags.get(ref, {}).get("railway") for ref in nodes}
        stations = [ref for ref in nodes if rail[ref] == "station"]
        if stations:
            doors |= {f"node/{ref}": f"node/{stations[0]}" for ref in nodes if rail[ref] in STATION_DOORS}
    return doors


def _places(found: _Candidates, group: NDArray[np.int64], area: StudyArea) -> gpd.GeoDataFrame:
    """One row per place: the id of its chief element, its name and shape, the doors of a station, its members."""
    order = np.lexsort((np.arange(len(group)), -found.areas, found.doors, group))
    members = np.split(order, np.flatnonzero(np.diff(group[order])) + 1) if len(order) else []
    dimension, is_door = shapely.get_dimensions(found.shapes), found.doors
    shape = found.shapes[[own[0] for own in members]] if members else found.shapes[:0]
    doors = np.full(len(members), None, dtype=object)
    together = (shapely.get_type_id(shape) != shapely.GeometryType.POINT) | (np.array([*map(len, members)]) > 1)
    for row in np.flatnonzero(together):  # a point alone is a place as it is
        own = members[row]
        shape[row] = shapely.union_all(found.shapes[own[dimension[own] == dimension[own].max()]])
    for row in np.flatnonzero([is_door[own[-1]] for own in members]):  # doors come last
        doors[row] = shapely.multipoints(found.shapes[members[row][is_door[members[row]]]])
    return gpd.GeoDataFrame(
        {
            "place": [found.ids[own[0]] for own in members],
            "name": [next((found.names[row] for row in own if found.names[row]), None) for own in members],
            "members": members,
            "doors": doors,
        },
        geometry=gpd.GeoSeries(shape, crs=area.crs),
    )


def _gates(elements: Elements, area: StudyArea) -> gpd.GeoSeries:
    """Points where one may enter a site."""
    return shapes(elements, pick(elements, _is_gate, kinds=("node",)), crs=area.crs)


def _is_gate(tags: Tags) -> bool:
    open_ = tags.get("access") not in CLOSED
    return open_ and (tags.get("entrance", "no") not in NO_ENTRANCES or tags.get("barrier") in GATE_BARRIERS)


def _facilities(found: _Candidates, places: gpd.GeoDataFrame, asked: _Asked, *, data: str) -> gpd.GeoDataFrame:
    """One row per place and service, in the order of the standard."""
    members, area = places["members"].tolist(), places.area.tolist()
    offers = np.zeros((len(places), len(asked.services)), dtype=bool)
    capacity, floor = np.full(len(places), np.nan), np.full(len(places), np.nan)
    for row, (own, size) in enumerate(zip(members, area, strict=True)):
        tags = [found.tags[one] for one in own.tolist()]
        offers[row] = found.offers[own[0]]
        if len(own) > 1:  # parts of a place may be large enough only together
            offers[row] = found.offers[own].any(axis=0)
            offers[row, [at for one in tags for at in asked.offers(one, size)]] = True
        capacity[row] = max((_capacity(one) for one in tags), key=_or_nothing)
        floor[row] = _floor_area(tags[0], size)
    at, place = np.nonzero(offers.T)
    services = [asked.services[one] for one in at.tolist()]
    frame = gpd.GeoDataFrame(
        {
            **{
                key: pd.Series(places[column].to_numpy(dtype=object)[place], dtype=object)
                for key, column in (("place", "place"), ("name", "name"), ("entrance_from", "rung"))
            },
            "capacity": capacity[place],
            "floor_area_m2": floor[place],
            "category": pd.Series([service.category for service in services], dtype=object),
            "service": pd.Series([service.key for service in services], dtype=object),
            "tier": pd.Series([service.tier for service in services], dtype=object),
            "source": pd.Series([data] * len(place), dtype=object),
            "verified": np.zeros(len(place), dtype=bool),
        },
        geometry=gpd.GeoSeries(places["entrances"].to_numpy()[place], crs=places.crs),
    )
    ids = [f"{place}/{key}" for place, key in zip(frame["place"], frame["service"], strict=True)]
    return frame.set_axis(pd.Index(ids, dtype=object, name=FACILITIES.index))[FACILITIES.names]


def _capacity(tags: Tags) -> float:
    return max((number(tags.get(key)) for key in ("capacity", "capacity:persons", "beds")), key=_or_nothing)


def _or_nothing(count: float) -> float:
    return 0.0 if math.isnan(count) else count


def _floor_area(tags: Tags, area_m2: float) -> float:
    """Footprint times levels of a building, land of an open-air place; missing where neither is known."""
    if not area_m2:
        return float("nan")
    if tags.get("building", "no") != "no":
        return area_m2 * number(tags.get("building:levels"))
    return area_m2 if any(key in tags for key in OPEN_AIR_KEYS) else float("nan")


def _data_name(elements: Elements) -> str:
    return ", ".join(source.name for source in elements.sources) or "OpenStreetMap"
