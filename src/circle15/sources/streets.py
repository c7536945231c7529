"""OSM elements -> the streets table: which ways a walker may use, in which direction, and what they are.

What tags mean stands in `circle15.sources.walking_rules`; here ways become links. Decisions that are easy to get wrong:

- Length is the plain planar length in the study CRS. In a UTM zone that differs from the length on the ground by
  at most 0.04 % near the middle of the zone (0.012 % in Yuzhong), which is 0.1 s in 15 minutes.
- A crossing delay is paid once. Only a way that is itself a crossing (``footway=crossing``) is of kind crossing, and
  only on its longest piece; how it is regulated comes from the way, else from its crossing nodes. A crossing node
  on a road without such a way adds nothing: the road is not crossed when one walks along it.
- A square mapped as an area is walked along its outline, whether it is a way or a multipolygon.
- Ways that cross without a shared node are not joined: in a city of bridges they do not meet.
- What lies behind a private gate and has no other way out is private ground: its residents may walk out through
  the gate, nobody may walk through. A gate with ``access=no`` is shut for all.
- A cable car is a link where its way shares two nodes with ways that may be walked. Most are drawn from station to
  station and meet no street; those are left out, with a warning, since no link is invented.
"""

from __future__ import annotations

import warnings
from collections import defaultdict
from dataclasses import dataclass, fields
from itertools import combinations, count
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import Transformer

from circle15.errors import Circle15Warning, DataError, Finding, quoted
from circle15.sources.heights import with_heights
from circle15.sources.osm import Elements, read_osm
from circle15.sources.profiles import Lines
from circle15.sources.walking_rules import (
    Rules,
    Wordings,
    access_of,
    climb_of,
    floor_of,
    gate_of,
    minded,
    ramp_of,
    regulated,
    walkable,
)
from circle15.tables import STREETS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from pyproj import CRS

    from circle15.sources.terrain import Terrain
    from circle15.tables import StudyArea

Tags = dict[str, str]

_PLAIN = (
    *("name", "highway", "foot", "conveying", "incline", "handrail", "wheelchair", "level", "layer", "bridge"),
    *("tunnel", "covered", "indoor", "sidewalk"),
)
TAG_COLUMNS = MappingProxyType(  # column -> OSM key
    {key: key for key in _PLAIN} | {"step_height": "step:height", "hours": "opening_hours"}
)


SHORT_M = 300.0  # data that end so much before the extent leave its edge unknown

_BY_RULE = {column: key for column, key in TAG_COLUMNS.items() if key != "name"}  # what many ways have alike
_OTHER = MappingProxyType({"highway": ""})  # stands for a way that is not in the data


class _Walk(NamedTuple):
    """What may be walked: a way, or the shaft between two landings of a lift node."""

    osm_id: str
    tags: Tags
    rules: Rules


# --------------------------------------------------------------------------------------------- the table


def read_streets(source: Elements | Path | str, area: StudyArea, *, terrain: Terrain | None = None) -> gpd.GeoDataFrame:
    """Directed links that a walker may use, from OSM.

    Links run between junctions: nodes that ways share, ends of ways, lifts and closed gates. Both directions of a
    piece are two rows. At a lift every way that arrives gets its own landing, and the landings are joined by
    links of kind lift; at a shut gate every way that arrives ends on its own. A gate with hours or a fare is a link
    of kind path and length 0 that carries them.

    Parameters
    ----------
    source : Elements or Path
        OSM elements, or a file that `read_osm` reads.
    area : StudyArea
        Links with at least one end inside its extent are kept.
    terrain : Terrain, optional
        Ground heights; without them rises come from tags and defaults.

    Returns
    -------
    GeoDataFrame
        Keeps `circle15.tables.STREETS`; ordered by OSM id, piece and direction, lifts at nodes last. `length_m` is
        planar, in metres of ``area.crs``; `rise_m` is in metres.

    Raises
    ------
    SourceError, DataError
        When a file cannot be read, or when no walkable way lies in the study area.

    Examples
    --------
    >>> from circle15.sources.osm import Way
    >>> from circle15.tables import StudyArea
    >>> from pyproj import CRS
    >>> from shapely import box
    >>> lonlat = np.array([[105.0, 29.5], [105.001, 29.5]])
    >>> ways = {7: Way(np.array([1, 2]), {"highway": "footway", "name": "上清寺路"})}
    >>> elements = Elements(np.array([1, 2]), lonlat, {}, ways, {}, ())
    >>> area = StudyArea("A", box(499_000, 3_263_000, 501_000, 3_265_000), CRS("EPSG:32648"))
    >>> streets = read_streets(elements, area)
    >>> streets["kind"].to_dict(), streets["length_m"].round(1).tolist()
    ({'way/7#0>': 'path', 'way/7#0<': 'path'}, [96.9, 96.9])
    """
    elements = source if isinstance(source, Elements) else read_osm(source)
    wordings = Wordings(frozenset(_BY_RULE.values()))
    walks, chains = _rooted(*_walks(elements, wordings))
    rules = {node: gate_of(tags) for node, tags in elements.node_tags.items() if "barrier" in tags}
    gates = {node: rule for node, rule in rules.items() if rule != "open"}
    doors = {node: tags for node, tags in elements.node_tags.items() if minded(tags)}
    points = _points(elements, chains, area)
    pieces = _pieces(points, area, gates=[*gates, *doors])
    fresh = count(min(0, int(elements.node_ids[:1].min(initial=0))) - 1, -1)  # ids of landings: below all in the data
    shafts = _part_at_lifts(pieces, walks, elements, fresh, wordings)
    shafts += _part_at_doors(pieces, len(walks) + len(shafts), doors, fresh, wordings)
    walks, pieces = walks + [walk for walk, _ in shafts], _joined([pieces, *(piece for _, piece in shafts)])
    private = _part_at_gates(pieces, gates, fresh)
    if not pieces.kept.any():
        files = quoted(one.name for one in elements.sources) or "streets"
        mend = "Check that the extract covers the study area, and that longitude and latitude are not swapped"
        raise DataError(Finding(files, f"no way that one may walk lies in {area.name}", mend))
    said = _said(pieces, walks, wordings.rules, _crossings(pieces, walks, elements), private)
    table = _table(pieces, said, _climbs(pieces, walks, wordings.rules), area.crs)
    risen = with_heights(table, terrain, lines=_drawn(points, pieces.ends_at[pieces.kept]))
    streets = _links(risen, pieces, said, np.array([walk.rules.direction for walk in walks]))
    STREETS.check(streets, crs=area.crs)
    return streets


def both_ways(streets: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """The same streets as if no link were one-way.

    Parameters
    ----------
    streets : GeoDataFrame
        tables.STREETS.

    Returns
    -------
    GeoDataFrame
        tables.STREETS; where a piece has one direction only, the other is added.
    """
    alone = streets[~streets["piece"].duplicated(keep=False)]
    names = [f"{name[:-1]}{'<' if name.endswith('>') else '>'}" for name in alone.index]
    turned = alone.assign(
        from_node=alone["to_node"],
        to_node=alone["from_node"],
        rise_m=-alone["rise_m"],
        at_edge=False,
        geometry=shapely.reverse(alone.geometry.to_numpy()),
    ).set_axis(pd.Index(names, name=STREETS.index))
    return pd.concat([streets, turned])


def short_sides(elements: Elements, area: StudyArea) -> dict[str, float]:
    """Sides on which the data end before the extent does, so that its edge cannot be known from the ways.

    Parameters
    ----------
    elements : Elements
        OSM elements; their nodes say how far the data reach.
    area : StudyArea
        Its extent is where the data are meant to reach.

    Returns
    -------
    dict of str to float
        ``west``, ``south``, ``east``, ``north`` and the metres that are missing there; only more than 300 m.
    """
    to_plane = Transformer.from_crs("EPSG:4326", area.crs, always_xy=True)
    x, y = to_plane.transform(*elements.lonlat.T)
    west, south, east, north = area.extent.bounds
    short = {"west": x.min() - west, "south": y.min() - south, "east": east - x.max(), "north": north - y.max()}
    return {side: float(metres) for side, metres in short.items() if metres > SHORT_M}


# --------------------------------------------------------------------------------------- ways into pieces


def _walks(elements: Elements, wordings: Wordings) -> tuple[list[_Walk], list[NDArray[np.int64]]]:
    """Every way that may be walked, in the order of ids, and its nodes."""
    tags_of = {ref: way.tags for ref, way in elements.ways.items()}
    for _, relation in sorted(elements.relations.items()):  # outlines of squares
        if relation.tags.get("type") == "multipolygon" and walkable(relation.tags):
            for kind, ref, role in relation.members:
                if kind == "way" and role != "inner" and not {"highway", "building"} & tags_of.get(ref, _OTHER).keys():
                    tags_of[ref] = relation.tags | tags_of[ref]
    walks: list[_Walk] = []
    chains: list[NDArray[np.int64]] = []
    for ref in sorted(tags_of):
        tags = tags_of[ref]
        rules = wordings.of_way(tags)
        if rules is not None:
            walks.append(_Walk(f"way/{ref}", tags, rules))
            chains.append(elements.ways[ref].nodes)
    return walks, chains


def _rooted(walks: list[_Walk], chains: list[NDArray[np.int64]]) -> tuple[list[_Walk], list[NDArray[np.int64]]]:
    """Leave out the cable cars that share less than two nodes with other ways: nobody could get on and off."""
    aloft = [walk.rules.kind == "cable_car" for walk in walks]
    if not any(aloft):
        return walks, chains
    ground = np.concatenate([chain for chain, car in zip(chains, aloft, strict=True) if not car] + [[]])
    two = 2
    kept = [not car or np.isin(chain, ground).sum() >= two for chain, car in zip(chains, aloft, strict=True)]
    lost = [walk.osm_id for walk, keep in zip(walks, kept, strict=True) if not keep]
    if lost:
        message = f"{len(lost)} cable cars share no node with the streets and are left out (first: {quoted(lost)})"
        warnings.warn(message, Circle15Warning, stacklevel=3)
    rows = [row for row, keep in enumerate(kept) if keep]
    return [walks[row] for row in rows], [chains[row] for row in rows]


@dataclass(frozen=True)
class _Points:
    """The nodes of all walkable ways, way after way, without those that are not in the data."""

    node: NDArray[np.int64]
    shared: NDArray[np.bool_]  # the node occurs more than once
    walk: NDArray[np.int64]
    run: NDArray[np.int64]  # grows where the way changes or a node is missing
    xy: NDArray[np.float64]
    edge: NDArray[np.bool_]  # the way goes on to a node that is not in the data


def _points(elements: Elements, chains: list[NDArray[np.int64]], area: StudyArea) -> _Points:
    node = np.concatenate([*chains, np.empty(0, dtype=np.int64)])
    walk = np.repeat(np.arange(len(chains)), [len(chain) for chain in chains])
    same = walk[1:] == walk[:-1]
    fresh = np.append(True, ~same | (node[1:] != node[:-1]))[: len(node)]  # a node written twice running counts once
    node, walk = node[fresh], walk[fresh]
    at = elements.index(node)
    missing, same = at < 0, walk[1:] == walk[:-1]
    edge = np.zeros(len(node), dtype=bool)
    edge[1:] |= same & missing[:-1]
    edge[:-1] |= same & missing[1:]
    run = np.cumsum(np.append(True, ~same | missing[1:] | missing[:-1])[: len(node)])
    here = ~missing
    at = at[here]
    uses = np.bincount(at, minlength=len(elements.node_ids))
    used = np.flatnonzero(uses)
    to_plane = Transformer.from_crs("EPSG:4326", area.crs, always_xy=True)
    xy = np.full((len(uses), 2), np.nan)
    xy[used] = np.column_stack(to_plane.transform(*elements.lonlat[used].T)).reshape(-1, 2)
    edge_nodes = np.unique(node[edge & here])
    node = node[here]
    return _Points(node, uses[at] > 1, walk[here], run[here], xy[at], np.isin(node, edge_nodes))


@dataclass(frozen=True)
class _Pieces:
    """Undirected pieces between junctions; two columns are its first and last end."""

    walk: NDArray[np.int64]
    number: NDArray[np.int64]  # along its way, from 0
    ends: NDArray[np.int64]  # node ids, shape (n, 2)
    edge: NDArray[np.bool_]  # whether the data end there, shape (n, 2)
    inside: NDArray[np.bool_]  # whether the end lies in the extent, shape (n, 2)
    ends_at: NDArray[np.int64]  # its first and last point; of a shaft one and the same, shape (n, 2)
    length_m: NDArray[np.float64]

    @property
    def kept(self) -> NDArray[np.bool_]:
        """The pieces that have an end in the extent."""
        return self.inside[:, 0] | self.inside[:, 1]


def _joined(parts: list[_Pieces]) -> _Pieces:
    return _Pieces(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(_Pieces)))


def _pieces(points: _Points, area: StudyArea, *, gates: list[int]) -> _Pieces:
    """Cut every way at its ends, at gates and at nodes that occur more than once; number the pieces along the way."""
    turn = points.run[1:] != points.run[:-1]
    cut = points.shared | np.isin(points.node, gates)
    cut |= np.append(True, turn)[: len(cut)] | np.append(turn, True)[: len(cut)]
    first, last = _stretches(points, cut)
    loops = points.node[first] == points.node[last]
    cut[(first[loops] + last[loops]) // 2] = True  # no link starts and ends at one node
    ends = np.column_stack(_stretches(points, cut))
    walk = points.walk[ends[:, 0]]
    _, start, inverse = np.unique(walk, return_index=True, return_inverse=True)
    extent = area.extent
    shapely.prepare(extent)
    inside = shapely.intersects_xy(extent, points.xy[ends, 0], points.xy[ends, 1]).reshape(-1, 2)
    return _Pieces(
        walk,
        np.arange(len(walk)) - start[inverse],
        points.node[ends],
        points.edge[ends] | ~inside,
        inside,
        ends,
        _drawn(points, ends).length,
    )


def _drawn(points: _Points, at: NDArray[np.int64]) -> Lines:
    """The lines from some points to others of their runs; a shaft goes from its place to its place."""
    first, last = at.T
    sizes = np.maximum(last - first + 1, 2)
    start = np.append(0, np.cumsum(sizes))
    along = np.arange(start[-1]) - np.repeat(start[:-1] - first, sizes)
    return Lines(points.xy[np.minimum(along, np.repeat(last, sizes))], start)


def _stretches(points: _Points, cut: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First and last point of every stretch between two cuts of one unbroken run."""
    at = np.flatnonzero(cut)
    whole = points.run[at[1:]] == points.run[at[:-1]]
    return at[:-1][whole], at[1:][whole]


# ------------------------------------------------------------------------------------------ lifts and gates


def _arrivals(pieces: _Pieces, nodes: list[int]) -> dict[int, list[tuple[int, int]]]:
    """For each of some nodes, which ends (piece, side) arrive there; both in order."""
    found: dict[int, list[tuple[int, int]]] = {node: [] for node in sorted(nodes)}
    for piece, side in np.argwhere(np.isin(pieces.ends, nodes)).tolist():
        found[int(pieces.ends[piece, side])].append((piece, side))
    return found


def _part_at_lifts(
    pieces: _Pieces, walks: list[_Walk], elements: Elements, fresh: count[int], wordings: Wordings
) -> list[tuple[_Walk, _Pieces]]:
    """Give every way that arrives at a lift node its own landing, and join the landings by shafts.

    Ways of the same level and layer share a landing; where nothing tells the ways apart, each has its own. A way
    that only passes a lift stays whole.
    """
    shafts: list[tuple[_Walk, _Pieces]] = []
    lifts = [node for node, tags in elements.node_tags.items() if tags.get("highway") == "elevator"]
    for node, arrivals in _arrivals(pieces, lifts).items():
        groups = _floors(arrivals, pieces, walks)
        if len(groups) < 2:  # noqa: PLR2004  one floor: nothing to ride to
            continue
        tags = elements.node_tags[node]
        landings = [(next(fresh), level, ends) for level, ends in groups]
        for landing, _, ends in landings:
            for piece, side in ends:
                pieces.ends[piece, side] = landing
        access = access_of(tags)
        if access is None:
            continue
        for number, (low, high) in enumerate(combinations(landings, 2)):
            levels = ";".join(level for level in (low[1], high[1]) if level) or tags.get("level", "")
            said = tags | {"level": levels}
            shaft = _Walk(f"node/{node}", said, wordings.add(said, "lift", access))
            shafts.append((shaft, _shaft(pieces, arrivals[0], len(walks) + len(shafts), number, (low[0], high[0]))))
    return shafts


def _part_at_doors(
    pieces: _Pieces, first: int, doors: Mapping[int, Tags], fresh: count[int], wordings: Wordings
) -> list[tuple[_Walk, _Pieces]]:
    """Make a link of every gate with hours or a fare, so that it may be shut: its ways meet only through it."""
    links: list[tuple[_Walk, _Pieces]] = []
    for node, arrivals in _arrivals(pieces, list(doors)).items():
        landings = [next(fresh) for _ in arrivals] if len(arrivals) > 1 else []
        for (piece, side), landing in zip(arrivals, landings, strict=False):
            pieces.ends[piece, side] = landing
        for number, ends in enumerate(combinations(landings, 2)):
            walk = _Walk(f"node/{node}", doors[node], wordings.add(doors[node], "path", "open"))
            links.append((walk, _shaft(pieces, arrivals[0], first + len(links), number, ends)))
    return links


def _floors(
    arrivals: list[tuple[int, int]], pieces: _Pieces, walks: list[_Walk]
) -> list[tuple[str, list[tuple[int, int]]]]:
    """Level and ends of each floor of a lift, from the lowest up as far as that is known."""
    floors: dict[tuple[object, ...], list[tuple[int, int]]] = defaultdict(list)
    for piece, side in arrivals:
        tags = walks[pieces.walk[piece]].tags
        floors[floor_of(tags), tags.get("level", ""), tags.get("layer", "")].append((piece, side))
    if len(floors) == 1:
        ((order, level, layer),) = floors
        floors = defaultdict(list)
        for piece, side in arrivals:
            floors[order, level, layer, int(pieces.walk[piece])].append((piece, side))
    return [(str(key[1]), floors[key]) for key in sorted(floors)]


def _shaft(pieces: _Pieces, at: tuple[int, int], walk: int, number: int, landings: tuple[int, int]) -> _Pieces:
    """The piece between two landings, both at the place of the lift node."""
    piece, side = at
    return _Pieces(
        np.array([walk]),
        np.array([number]),
        np.array([landings]),
        np.repeat(pieces.edge[piece, side], 2).reshape(1, 2),
        np.repeat(pieces.inside[piece, side], 2).reshape(1, 2),
        np.repeat(pieces.ends_at[piece, side], 2).reshape(1, 2),
        np.zeros(1),
    )


def _part_at_gates(pieces: _Pieces, rules: Mapping[int, str | None], fresh: count[int]) -> NDArray[np.bool_]:
    """Cut the ways at gates that are not for everybody; say which pieces turn out to be private ground.

    A shut gate stays cut. A private gate is cut too, but what lies behind it with no other way out is joined to it
    again, as private ground. Where ways go on beyond the data it is not known whether there is another way out.
    """
    gates = _arrivals(pieces, list(rules))
    for arrivals in gates.values():
        for piece, side in arrivals if len(arrivals) > 1 else ():
            pieces.ends[piece, side] = next(fresh)
    private = np.zeros(len(pieces.walk), dtype=bool)
    doors = [arrivals for node, arrivals in gates.items() if rules[node] == "private" and len(arrivals) > 1]
    if not doors:
        return private
    part = _components(pieces.ends)
    street_m = np.bincount(part, weights=pieces.length_m)
    goes_on = np.bincount(part, weights=pieces.edge.any(axis=1)) > 0
    for arrivals in doors:
        landings = {int(part[piece]): (piece, side) for piece, side in reversed(arrivals)}
        outside = max(landings, key=lambda one: (street_m[one], -one))
        for one in landings.keys() - {outside}:
            if not goes_on[one]:
                private |= part == one
                pieces.ends[landings[one]] = pieces.ends[landings[outside]]
    return private


def _components(ends: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each piece, the number of the connected part that it belongs to."""
    nodes, at = np.unique(ends, return_inverse=True)
    a, b = at.reshape(-1, 2).T
    label = np.arange(len(nodes))
    while True:
        low = np.minimum(label[a], label[b])
        if (low == label[a]).all() and (low == label[b]).all():
            break
        for end in (a, b):
            np.minimum.at(label, label[end], low)
            np.minimum.at(label, end, low)
        label = label[label]
    return label[a]


# ------------------------------------------------------------------------------------------- pieces into links


class _Said(NamedTuple):
    """A column of text: some words, and for each piece which of them is said of it."""

    words: Sequence[str | None]
    which: NDArray[np.int64]

    def at(self, pieces: NDArray[np.int64]) -> pd.Series:
        """What is said of some pieces; words that are said of none leave no trace in the type of the column."""
        which = self.which[pieces]
        used = np.bincount(which, minlength=len(self.words)) > 0
        words = pd.Series([word if has else None for word, has in zip(self.words, used, strict=True)])
        return pd.Series(words.array.take(which), dtype=words.dtype, copy=False)


def _said(
    pieces: _Pieces, walks: list[_Walk], rules: list[Rules], crossings: Mapping[int, str], private: NDArray[np.bool_]
) -> dict[str, _Said]:
    """Every column of text that both directions of a piece share."""
    ruled = np.array([walk.rules.number for walk in walks], dtype=np.int64)[pieces.walk]
    said = {column: _Said([one.tags.get(key) or None for one in rules], ruled) for column, key in _BY_RULE.items()}
    regulated_as = [None, *dict.fromkeys(crossings.values())]
    crossing = np.zeros(len(ruled), dtype=np.int64)
    crossing[list(crossings)] = [regulated_as.index(one) for one in crossings.values()]
    kind = [one.kind for one in rules]
    beside = np.array([one == "crossing" for one in kind], dtype=bool)[ruled] & (crossing == 0)
    return said | {
        "osm_id": _Said([one.osm_id for one in walks], pieces.walk),
        "kind": _Said([*kind, "path"], np.where(beside, len(kind), ruled)),
        "fee": _Said([one.tags.get("fee") or one.tags.get("charge") for one in rules], ruled),
        "access": _Said([*(one.access for one in rules), "private"], np.where(private, len(rules), ruled)),
        "name": _Said([one.tags.get("name") or None for one in walks], pieces.walk),
        "ramp": _Said([ramp_of(one.tags) for one in rules], ruled),
        "crossing": _Said(regulated_as, crossing),
    }


def _table(
    pieces: _Pieces, said: Mapping[str, _Said], climbs: tuple[NDArray[np.float64], NDArray[np.float64]], crs: CRS
) -> gpd.GeoDataFrame:
    """A row for every piece that has an end in the extent, with what heights ask for; lines are still missing."""
    row = np.flatnonzero(pieces.kept)
    number = _Said([f"#{number}" for number in range(pieces.number.max() + 1)], pieces.number)
    rise, steps = (climb[row] for climb in climbs)
    piece = said["osm_id"].at(row) + number.at(row)
    columns: dict[str, pd.Series | NDArray[np.generic]] = {
        name: said[name].at(row) for name in ("osm_id", "kind", "highway", "bridge", "tunnel", "covered", "incline")
    }
    columns |= {
        "piece": piece,
        "from_node": pieces.ends[row, 0],
        "to_node": pieces.ends[row, 1],
        "length_m": pieces.length_m[row],
        "rise_m": rise,
        "steps": steps,
        "evidence": pd.Series(np.where(np.isfinite(rise), "tag", "default")),
    }
    frame = pd.DataFrame(columns, copy=False).set_axis(pd.Index(piece + ">", name=STREETS.index))
    return gpd.GeoDataFrame(frame, geometry=np.full(len(row), None), crs=crs, copy=False)


def _links(
    table: gpd.GeoDataFrame, pieces: _Pieces, said: Mapping[str, _Said], direction: NDArray[np.int64]
) -> gpd.GeoDataFrame:
    """The streets: a row for each direction in which a piece of the table may be walked."""
    kept = np.flatnonzero(pieces.kept)
    one_way = direction[pieces.walk[kept]]
    row, back = np.nonzero(np.column_stack([one_way >= 0, one_way <= 0]))
    piece, against = kept[row], back == 1
    lines = table.geometry.to_numpy()[row]
    lines[against] = shapely.reverse(lines[against])
    rise = table["rise_m"].to_numpy()[row]
    columns: dict[str, pd.Series | NDArray[np.generic]] = {name: one.at(piece) for name, one in said.items()}
    columns |= {name: pd.Series(table[name].array.take(row)) for name in ("piece", "evidence")}
    columns |= {
        "from_node": pieces.ends[piece, back],
        "to_node": pieces.ends[piece, 1 - back],
        "length_m": pieces.length_m[piece],
        "rise_m": np.where(against, 0.0 - rise, rise),
        "steps": table["steps"].to_numpy()[row],
        "wait_s": np.full(len(row), np.nan),
        "at_edge": pieces.edge[piece, 1 - back],
    }
    index = pd.Index(columns["piece"] + _Said([">", "<"], back).at(np.arange(len(row))), name=STREETS.index)
    ordered = {name: columns.pop(name) for name in STREETS.names if name != "geometry"}
    frame = pd.DataFrame(ordered, copy=False).set_axis(index)
    return gpd.GeoDataFrame(frame, geometry=lines, crs=table.crs, copy=False)


def _crossings(pieces: _Pieces, walks: list[_Walk], elements: Elements) -> dict[int, str]:
    """How the crossing is regulated, of the longest piece of each way that is one."""
    best: dict[int, int] = {}
    ways = np.flatnonzero(np.array([walk.rules.kind == "crossing" for walk in walks], dtype=bool))
    for piece in np.flatnonzero(np.isin(pieces.walk, ways)).tolist():
        walk = int(pieces.walk[piece])
        if walk not in best or pieces.length_m[piece] > pieces.length_m[best[walk]]:
            best[walk] = piece
    found = {}
    for walk, piece in best.items():
        nodes = elements.ways[int(walks[walk].osm_id.removeprefix("way/"))].nodes.tolist()
        said = [regulated(tags) for tags in (walks[walk].tags, *(elements.node_tags.get(node, {}) for node in nodes))]
        found[piece] = "traffic_signals" if "traffic_signals" in said else next(filter(None, said), "unmarked")
    return found


def _climbs(pieces: _Pieces, walks: list[_Walk], rules: list[Rules]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Rise along the way and number of steps of every piece, as far as tags say; both shared out by length."""
    walk, ruled = pieces.walk, np.array([walk.rules.number for walk in walks], dtype=np.int64)[pieces.walk]
    whole = np.bincount(walk, weights=pieces.length_m)[walk]
    parts = np.bincount(walk)[walk]
    share = np.divide(pieces.length_m, whole, out=1.0 / parts, where=whole > 0)
    said = np.array([climb_of(one.tags, one.kind) for one in rules], dtype=float).reshape(-1, 3)[ruled]
    climb, slope, steps = said[:, 0] * share, said[:, 1] * pieces.length_m, said[:, 2] * share
    return np.where(np.isfinite(climb), climb, slope), steps
