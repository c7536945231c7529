"""Points to positions on streets: between nodes, with the off-road leg timed.

A point goes to the nearest place on a piece that has room for a door: never on a lift, an escalator, a bridge or in a
tunnel, and only where the walker may go. A scrap of street (a connected part of less than 500 m) is used only where
nothing else is within the walker's longest off-road leg. Where the heights of the point and of the street are known,
the choice minimises off-road metres plus twice the difference in height, because a terrace 30 m above is not the next
street [P]. Ties go to a piece that can be walked both ways, then to an open one, then to the first by position.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from circle15.impedance import NO_WAY
from circle15.network.places import Inside, Places, ragged
from circle15.tables import TICKS_PER_SECOND

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

    from circle15.network.graph import Floats, Graph, Ints
    from circle15.project import Walker

HEIGHT_WEIGHT = 2.0  # [P] metres off-road that a metre of height is worth
_ROUNDING_M = 1e-6  # slack for comparing distances
_TIE_M = 1e-3  # costs within a millimetre are equal
_KEPT = 64  # placings that are remembered


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


def place(graph: Graph, points: gpd.GeoDataFrame, walker: Walker) -> Spots:
    """Put every point of every row on the streets.

    Parameters
    ----------
    graph : Graph
        The streets as this walker can use them.
    points : GeoDataFrame
        Points or MultiPoints in the CRS of the streets; a column `height_m`, where there is one, is the height of the
        ground in metres.
    walker : Walker
        Gives the longest off-road leg and its speed.

    Returns
    -------
    Spots
        Points farther than that leg from every piece have none.
    """
    parts, row = shapely.get_parts(points.geometry.to_numpy(), return_index=True)
    height = np.full(len(parts), np.nan)
    if "height_m" in points.columns:
        height = pd.to_numeric(points["height_m"]).to_numpy(dtype=float, na_value=np.nan)[row]
    piece = _pieces(graph, parts, height, reach=walker.off_road_max_m)
    near = np.flatnonzero(piece >= 0)
    piece, row = piece[near], row[near].astype(np.int64)
    lines = graph.layout.lines[piece]
    metres = shapely.distance(lines, parts[near])
    ticks = np.rint(metres / walker.off_road_m_s * TICKS_PER_SECOND).astype(np.int64)
    share = np.nan_to_num(shapely.line_locate_point(lines, parts[near], normalized=True)).clip(0.0, 1.0)
    return Spots(len(points), row, piece, share, metres, ticks)


def _pieces(graph: Graph, points: NDArray[np.object_], height: Floats, *, reach: float) -> Ints:
    """The piece of each point, or -1; remembered, because most walkers may use the same streets."""
    one_way = (graph.ways[0][1] == NO_WAY) | (graph.ways[1][1] == NO_WAY)
    rules = (graph.placeable, graph.small, one_way)
    asked = hashlib.blake2b(b"".join(one.tobytes() for one in (*rules, shapely.get_coordinates(points), height)))
    key = (asked.digest(), reach)
    kept = graph.layout.placed
    if key not in kept:
        piece = np.full(len(points), -1)
        for allowed in (graph.placeable & ~graph.small, graph.placeable & graph.small):
            left = np.flatnonzero(piece < 0)
            piece[left] = _best(graph, points[left], height[left], pieces=np.flatnonzero(allowed), reach=reach)
        if len(kept) >= _KEPT:
            kept.clear()
        kept[key] = piece
    return kept[key]


def _best(graph: Graph, points: NDArray[np.object_], height: Floats, *, pieces: Ints, reach: float) -> Ints:
    """The piece of least cost for each point; -1 where none of `pieces` is within `reach`."""
    found = np.full(len(points), -1)
    lines = graph.layout.lines[pieces]
    tree = shapely.STRtree(lines)
    # Nothing can cost less than the nearest piece unless it is nearer than that piece's cost.
    point, line = tree.query_nearest(points, max_distance=reach + _ROUNDING_M, all_matches=False)
    ceiling = np.zeros(len(points))
    ceiling[point] = _costs(lines[line], points[point], height[point])
    ceiling = np.minimum(ceiling, reach) + _ROUNDING_M
    again, line = tree.query(points[point], predicate="dwithin", distance=ceiling[point])
    point = point[again]
    cost = np.rint(_costs(lines[line], points[point], height[point]) / _TIE_M)
    piece = pieces[line]
    layout = graph.layout
    one_way = (graph.ways[0][1] == NO_WAY) | (graph.ways[1][1] == NO_WAY)
    order = np.lexsort((piece, layout.private[layout.ahead[piece]], one_way[piece], cost, point))
    first = order[np.unique(point[order], return_index=True)[1]]
    found[point[first]] = piece[first]
    return found


def _costs(lines: NDArray[np.object_], points: NDArray[np.object_], height: Floats) -> Floats:
    """Off-road metres plus twice the difference in height, where both heights are known."""
    metres = shapely.distance(lines, points)
    known = np.isfinite(height)
    if known.any():
        on_street = shapely.line_interpolate_point(lines[known], shapely.line_locate_point(lines[known], points[known]))
        metres[known] += HEIGHT_WEIGHT * np.nan_to_num(np.abs(shapely.get_z(on_street) - height[known]))
    return metres


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
