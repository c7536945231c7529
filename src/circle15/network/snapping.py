"""Points to positions on streets: between nodes, with the off-road leg timed.

A point goes to the nearest place on a piece that has room for a door: never on a lift, an escalator, a bridge or in a
tunnel, and only where the walker may go. A scrap of street (a connected part of less than 500 m) is used only where
nothing else is within the walker's longest off-road leg. Where the heights of the point and of the street are known,
the choice minimises off-road metres plus twice the difference in height, because a terrace 30 m above is not the next
street [P]. Ties go to a piece that can be walked both ways, then to an open one, then to the first by position.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np
import pandas as pd
import shapely

from circle15.impedance import NO_WAY
from circle15.network.graph import digest
from circle15.network.places import Inside, Places, ragged
from circle15.tables import TICKS_PER_SECOND

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

    from circle15.network.graph import Floats, Graph, Ints, Layout

_Found = TypeVar("_Found")

HEIGHT_WEIGHT = 2.0  # [P] metres off-road that a metre of height is worth
_ROUNDING_M = 1e-6  # slack for comparing distances
_TIE_M = 1e-3  # costs within a millimetre are equal
_NEAR_M = 30.0  # most points find their street within so many metres
_KEPT = 64  # placings that are remembered
_LOOKS = 3  # sets of pieces: where anyone may go, and a walker on the main part and on scraps
# by lines and points: who is near what, and how far
_MEASURED: dict[tuple[bytes, float], tuple[Ints, Ints, Floats]] = {}


class Look(NamedTuple):
    """Some pieces: their numbers, their lines, and a digest of how these are drawn."""

    number: Ints
    lines: NDArray[np.object_]
    drawn: bytes


@dataclass(frozen=True)
class Spots:
    """Points put on streets; a facility has one spot for each entrance that is near enough.

    Parameters
    ----------
    rows : int
        Number of rows of the table that was placed.
    row : ndarray of int, shape (spots,)
        The row that each spot belongs to, ascending.
    piece : ndarray of int, shape (spots,)
        The piece.
    share : ndarray of float, shape (spots,)
        Position on it, from 0 at the start of its geometry to 1 at the end.
    off_road_m : ndarray of float, shape (spots,)
        Straight metres from the point to the street.
    off_road_ticks : ndarray of int, shape (spots,)
        And how long the walker takes over them.
    """

    rows: int
    row: Ints
    piece: Ints
    share: Floats
    off_road_m: Floats
    off_road_ticks: Ints

    def table(self, graph: Graph, index: pd.Index) -> pd.DataFrame:
        """One line per row: how it was placed, on which link, how far off the road (`tables.Placement`)."""
        order = np.lexsort((self.off_road_m, graph.how[self.piece] != "main", self.row))
        best = order[np.unique(self.row[order], return_index=True)[1]]
        row = self.row[best]
        how = np.full(self.rows, "far", dtype=object)
        link = np.full(self.rows, None, dtype=object)
        off_road = np.full((2, self.rows), np.nan)
        how[row] = graph.how[self.piece[best]]
        link[row] = graph.layout.streets.index.to_numpy()[graph.layout.ahead[self.piece[best]]]
        off_road[:, row] = self.off_road_m[best], self.off_road_ticks[best] / TICKS_PER_SECOND
        columns = {"how": how, "link": link, "off_road_m": off_road[0], "off_road_s": off_road[1]}
        return pd.DataFrame(columns, index=index)


def place(graph: Graph, points: gpd.GeoDataFrame) -> Spots:
    """Put every point of every row on the streets.

    Parameters
    ----------
    graph : Graph
        The streets as one walker can use them, whose longest off-road leg and whose speed on it count.
    points : GeoDataFrame
        Points or MultiPoints in the CRS of the streets; a column `height_m`, where there is one, is the height of the
        ground in metres.

    Returns
    -------
    Spots
        Points farther than that leg from every piece have none.
    """
    shapes = np.array(points.geometry.array)  # a copy: shapely 2.1 refuses what pandas keeps read-only
    parts, row = shapely.get_parts(shapes, return_index=True)
    height = np.full(len(parts), np.nan)
    if "height_m" in points.columns:
        height = pd.to_numeric(points["height_m"]).to_numpy(dtype=float, na_value=np.nan)[row]
    piece = _pieces(graph, parts, height, reach=graph.walker.off_road_max_m)
    near = np.flatnonzero(piece >= 0)
    piece, row = piece[near], row[near].astype(np.int64)
    lines = graph.layout.lines[piece]
    metres = shapely.distance(lines, parts[near])
    ticks = np.rint(metres / graph.walker.off_road_m_s * TICKS_PER_SECOND).astype(np.int64)
    share = np.nan_to_num(shapely.line_locate_point(lines, parts[near], normalized=True)).clip(0.0, 1.0)
    return Spots(len(points), row, piece, share, metres, ticks)


def _pieces(graph: Graph, points: NDArray[np.object_], height: Floats, *, reach: float) -> Ints:
    """The piece of each point, or -1; remembered, because most walkers may use the same streets."""
    where = digest(shapely.get_coordinates(points), height)
    kept, key = graph.layout.placed, (graph.rules + where, reach)
    if key not in kept:
        near, asked = graph.layout.near, (where, reach)
        if asked not in near:
            _remember(near, asked, _cheapest(graph.layout, points, height, pieces=graph.layout.doors, reach=reach))
        _remember(kept, key, _chosen(graph, points, height, anyone=near[asked], reach=reach))
    return kept[key]


def _chosen(
    graph: Graph, points: NDArray[np.object_], height: Floats, *, anyone: tuple[Ints, Ints], reach: float
) -> Ints:
    """The piece of each point, or -1, given those that are best for who may go anywhere.

    Where the walker may use one of these it is best for him as well; only other points are looked at again.
    """
    found = np.full(len(points), -1)
    first, scraps = graph.placeable & ~graph.small, graph.placeable & graph.small
    usable = first[anyone[1]]
    _settle(graph, found, anyone[0][usable], anyone[1][usable])
    reached = np.unique(anyone[0])
    for allowed in (first, scraps):
        left = reached[found[reached] < 0]
        if len(left):
            point, piece = _cheapest(graph.layout, points[left], height[left], pieces=allowed, reach=reach)
            _settle(graph, found, left[point], piece)
    return found


def _settle(graph: Graph, found: Ints, point: Ints, piece: Ints) -> None:
    """Give each point, of the pieces that cost it the same, the one that comes first."""
    private = graph.layout.private[graph.layout.ahead[piece]]
    order = np.lexsort((piece, private, graph.one_way[piece], point))
    first = order[np.unique(point[order], return_index=True)[1]]
    found[point[first]] = piece[first]


def _remember(kept: dict[tuple[bytes, float], _Found], key: tuple[bytes, float], found: _Found) -> None:
    """Remember what was found, and no more than so much."""
    if len(kept) >= _KEPT:
        kept.clear()
    kept[key] = found


def _cheapest(
    layout: Layout, points: NDArray[np.object_], height: Floats, *, pieces: NDArray[np.bool_], reach: float
) -> tuple[Ints, Ints]:
    """Points and, of some pieces, those of least cost: all of them, where several cost a point the same.

    Points that have none within `reach` are left out. A few metres around every point are looked at first, because that
    is where most find one; then farther around those for which a piece beyond could still cost less.
    """
    look, left, radius = _look(layout, pieces), np.arange(len(points)), min(_NEAR_M, reach)
    found = [np.zeros((2, 0), np.int64)]
    while len(left):
        round_m = radius + _ROUNDING_M
        point, line, metres = _within(layout, look, points[left], round_m)
        point = left[point]
        cost = metres + _climb(look.lines[line], points[point], height[point])
        # Nothing can cost less than the nearest piece unless it is nearer than that piece's cost.
        ceiling = _least(
            len(points), point, np.where(metres == _least(len(points), point, metres)[point], cost, np.inf)
        )
        ceiling = np.minimum(ceiling, reach) + _ROUNDING_M
        settled = (ceiling <= round_m) | (radius >= reach)
        use = settled[point] & (metres <= ceiling[point])
        point, line, cost = point[use], line[use], np.rint(cost[use] / _TIE_M)
        best = cost == _least(len(points), point, cost)[point]
        found.append(np.stack([point[best], look.number[line[best]]]))
        left, radius = left[~settled[left]], min(3 * radius, reach)
    point, piece = np.concatenate(found, axis=1)
    return point, piece


def _look(layout: Layout, pieces: NDArray[np.bool_]) -> Look:
    """What is asked again and again of some pieces; of the last few that were asked for it is kept."""
    which = digest(pieces)
    look = layout.looks.pop(which, None)
    if look is None:
        number = np.flatnonzero(pieces)
        lines = layout.lines[number]
        drawn, line_of = shapely.get_coordinates(lines, return_index=True)
        look = Look(number, lines, digest(drawn, line_of))
    layout.looks[which] = look  # the latest stands last
    for other in list(layout.looks)[:-_LOOKS]:
        layout.looks.pop(other)
    return look


def _within(layout: Layout, look: Look, points: NDArray[np.object_], metres: float) -> tuple[Ints, Ints, Floats]:
    """Which of some pieces lie within so many metres of which points, and how far; heights do not count.

    Remembered for the next network of the same streets with other heights or directions: measuring takes longest.
    """
    xy = shapely.get_coordinates(points)
    key = look.drawn + digest(xy), metres
    found = _MEASURED.get(key)
    if found is None:
        tree = layout.trees.get(look.drawn)
        if tree is None:
            tree = shapely.STRtree(look.lines)
            layout.trees.clear()  # one at a time: they are large
            layout.trees[look.drawn] = tree
        point, line = tree.query(shapely.box(*(xy - metres).T, *(xy + metres).T))
        away = shapely.distance(tree.geometries[line], points[point])
        near = away <= metres
        found = point[near], line[near], away[near]
        _remember(_MEASURED, key, found)
    return found


def _least(size: int, at: Ints, values: Floats) -> Floats:
    """The least value at each of some positions; infinite where there is none."""
    least = np.full(size, np.inf)
    np.minimum.at(least, at, values)
    return least


def _climb(lines: NDArray[np.object_], points: NDArray[np.object_], height: Floats) -> Floats:
    """Twice the difference in height, where both heights are known."""
    climb, known = np.zeros(len(lines)), np.isfinite(height)
    if known.any():
        on_street = shapely.line_interpolate_point(lines[known], shapely.line_locate_point(lines[known], points[known]))
        climb[known] = HEIGHT_WEIGHT * np.nan_to_num(np.abs(shapely.get_z(on_street) - height[known]))
    return climb


# ------------------------------------------------------------------------------------- from spots to the search's seeds


def places(graph: Graph, spots: Spots) -> Places:
    """Spots as the search needs them: where walks leave a spot's piece and where they enter it, along and against.

    The off-road leg is included. A link's ticks are shared out by length and rounded once, at the spot, so that the two
    stretches on either side of a spot always add up to the whole link.
    """
    layout = graph.layout
    sides = []
    for (links, lengths), share in zip(graph.ways, (spots.share, 1.0 - spots.share), strict=True):
        use = lengths[spots.piece] < NO_WAY
        sides.append((spots.row[use], links[spots.piece][use], share[use], spots.off_road_ticks[use]))
    inside = Inside(*(np.concatenate(values) for values in zip(*sides, strict=True)))
    row, link, share, extra = inside
    private, whole = layout.private[link], graph.ticks[link]
    walked = np.rint(share * whole).astype(np.int64)
    head, tail = layout.head[link], layout.tail[link]
    come_out = np.where(private, layout.start_copy[head], head)
    go_in = np.where(private, layout.end_copy[tail], tail)
    return Places(
        spots.rows,
        ragged(row, come_out, whole - walked + extra, count=spots.rows),
        ragged(row, go_in, walked + extra, count=spots.rows),
        inside,
        graph.ticks,
    )
