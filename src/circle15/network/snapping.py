"""Points to positions on streets: between nodes, with the off-road leg timed.

A point goes to the nearest place on a piece that has room for a door: never on a lift, an escalator, a bridge or in a
tunnel, and only where the walker may go. A scrap of street (a connected part of less than 500 m) is used only where
nothing else is within the walker's longest off-road leg. Where the heights of the point and of the street are known,
the choice minimises off-road metres plus twice the difference in height, because a terrace 30 m above is not the next
street [P]. Ties go to a piece that can be walked both ways, then to an open one, then to the first by position.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from circle15.impedance import NO_WAY
from circle15.network.search import Ragged
from circle15.tables import TICKS_PER_SECOND

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

    from circle15.network.graph import Floats, Graph, Ints
    from circle15.project import Walker

HEIGHT_WEIGHT = 2.0  # [P] metres off-road that a metre of height is worth
_ROUNDING_M = 1e-6  # slack for comparing distances
_TIE_M = 1e-3  # costs within a millimetre are equal


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
    piece = np.full(len(parts), -1)
    for allowed in (graph.placeable & ~graph.small, graph.placeable & graph.small):
        left = np.flatnonzero(piece < 0)
        piece[left] = _best(
            graph, parts[left], height[left], pieces=np.flatnonzero(allowed), reach=walker.off_road_max_m
        )
    near = np.flatnonzero(piece >= 0)
    piece, row = piece[near], row[near].astype(np.int64)
    lines = graph.layout.lines[piece]
    metres = shapely.distance(lines, parts[near])
    ticks = np.rint(metres / walker.off_road_m_s * TICKS_PER_SECOND).astype(np.int64)
    share = np.nan_to_num(shapely.line_locate_point(lines, parts[near], normalized=True)).clip(0.0, 1.0)
    return Spots(len(points), row, piece, share, metres, ticks)


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


def openings(graph: Graph, spots: Spots, *, leaving: bool) -> tuple[Ints, Ints, Ints]:
    """Where walks leave a spot's piece, or enter it, along the piece and against it.

    Parameters
    ----------
    graph : Graph
        The streets as this walker can use them.
    spots : Spots
        Origins or facilities.
    leaving : bool
        From the spot to the end of the link, or from the start of the link to the spot.

    Returns
    -------
    tuple of three ndarray of int
        Row, vertex and ticks, the off-road leg included. A link's ticks are shared out by length and rounded once, at
        the spot, so that the two stretches on either side of a spot always add up to the whole link.
    """
    layout, rows, vertices, ticks = graph.layout, [], [], []
    node, copy = (layout.head, layout.start_copy) if leaving else (layout.tail, layout.end_copy)
    for (links, lengths), share in zip(graph.ways, (spots.share, 1.0 - spots.share), strict=True):
        link, length = links[spots.piece], lengths[spots.piece]
        walked = np.rint(share * length).astype(np.int64)
        vertex = np.where(layout.private[link], copy[node[link]], node[link])
        use = length < NO_WAY
        rows.append(spots.row[use])
        vertices.append(vertex[use])
        ticks.append(((length - walked if leaving else walked) + spots.off_road_ticks)[use])
    return np.concatenate(rows), np.concatenate(vertices), np.concatenate(ticks)


def direct(graph: Graph, starts: Spots, goals: Spots) -> tuple[Ints, Ints, Ints]:
    """Pairs on one piece where one can walk straight from a start to a goal: both rows, and the ticks."""
    one = pd.DataFrame({"piece": starts.piece, "s": np.arange(len(starts.piece))})
    two = pd.DataFrame({"piece": goals.piece, "g": np.arange(len(goals.piece))})
    pair = one.merge(two, on="piece")
    s, g, piece = pair["s"].to_numpy(), pair["g"].to_numpy(), pair["piece"].to_numpy()
    off_road = starts.off_road_ticks[s] + goals.off_road_ticks[g]
    found = []
    for (_, length), flip in zip(graph.ways, (False, True), strict=True):
        start, goal = (1 - share if flip else share for share in (starts.share[s], goals.share[g]))
        use = (length[piece] < NO_WAY) & (goal >= start)
        walked = np.rint(goal * length[piece]) - np.rint(start * length[piece])
        found.append((starts.row[s][use], goals.row[g][use], (walked.astype(np.int64) + off_road)[use]))
    rows, others, ticks = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return rows, others, ticks


def ragged(rows: Ints, items: Ints, ticks: Ints, *, count: int) -> Ragged:
    """Lists per row, sorted by row, then item, then ticks."""
    order = np.lexsort((ticks, items, rows))
    first = np.searchsorted(rows[order], np.arange(count + 1)).astype(np.int64)
    return Ragged(first, items[order].astype(np.int32), ticks[order].astype(np.int32))
