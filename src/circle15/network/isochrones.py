"""Isochrones: reached streets first, outline second.

The truth is the set of stretches of street that are reached, cut exactly at the limit; lengths are taken from it. The
outline is a picture of it: the line 25 m around the reached stretches, traced on a grid that is aligned over the whole
study, with holes. It ends at the shore of water, which only reached ways over it cross, as a ribbon of 12 m to either
side. Outlines are valid and lie inside those of more minutes exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from circle15.network import canvas, drawing, kernels, search, snapping, tracing
from circle15.network.threads import Spare, in_threads

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from circle15.network.graph import Floats, Graph, Ints
    from circle15.network.snapping import Spots

RADIUS_M = drawing.RADIUS_M
COARSE_M, FINE_M = 18.0, 10.0  # [P] cells: a block is wider than the one, a house than the other
GATE_M = {COARSE_M: 1.5, FINE_M: 1.0}  # how far simplification may move an outline, along the grid
HOLE_M2 = 100.0  # [P] smaller holes are filled, unless there is water in them
CHUNK = 32  # origins that are drawn in one call: their sheets stay in the cache


class Reach:
    """Reached streets of one table of origins, cut at any number of limits.

    Parameters
    ----------
    graph : Graph
        The streets as one walker can use them.
    spots : Spots
        One spot for each origin that could be placed.
    """

    def __init__(self, graph: Graph, spots: Spots) -> None:
        kernels.wait("drawing")
        self.graph, self.spots = graph, spots
        self._out = snapping.places(graph, spots).leaving
        self._spot = np.full(spots.rows, -1)
        self._spot[spots.row] = np.arange(len(spots.row))
        self.streets = _streets(graph)

    def walks(self, low: int, high: int, *, limit: int, work: search.Work) -> drawing.Walks:
        """Search from the rows `low` to `high` as far as a limit in ticks."""
        seeds = search.Ragged(self._out.first[low : high + 1], self._out.items, self._out.ticks)
        reached = search.reached(self.graph.onward, seeds, limit, work)
        spot = self._spot[low:high]
        placed, spots = spot >= 0, self.spots
        piece, share, start = np.full(len(spot), -1), np.zeros(len(spot)), np.zeros(len(spot), np.int64)
        piece[placed], share[placed] = spots.piece[spot[placed]], spots.share[spot[placed]]
        start[placed] = spots.off_road_ticks[spot[placed]]
        return drawing.Walks(*reached, piece, share, start)

    def parts(self, row: int, *, limit: int) -> drawing.Parts:
        """The stretches that one row reaches, by piece."""
        work = search.scratch(self.graph.onward)
        found = drawing.parts(self.streets, self.walks(row, row + 1, limit=limit, work=work), limit)
        order = np.lexsort((found.low, found.piece))
        return drawing.Parts(found.piece[order], found.low[order], found.high[order], found.ticks[order])


def _streets(graph: Graph) -> drawing.Streets:
    """The graph as it is needed for cutting."""
    arcs, layout = graph.onward, graph.layout
    real = arcs.links >= 0
    link = arcs.links[real]
    first = np.concatenate([[0], np.cumsum(real, dtype=np.int64)])[arcs.first]
    ticks = np.stack([ticks for _, ticks in graph.ways], axis=1).astype(np.int64)
    return drawing.Streets(first, layout.sides[link], ticks.reshape(-1), layout.length_m)


def cut_lines(graph: Graph, found: drawing.Parts) -> NDArray[np.object_]:
    """The reached stretches as LineStrings in two dimensions."""
    lines = graph.layout.drawn
    sizes = np.diff(lines.first)[found.piece]
    part = np.repeat(np.arange(len(found.piece)), sizes)
    vertex = np.arange(len(part)) + np.repeat(lines.first[found.piece] - np.cumsum(sizes) + sizes, sizes)
    share = lines.share[vertex]
    inside = (share > found.low[part]) & (share < found.high[part])
    whole = graph.layout.lines[found.piece]
    ends = [
        shapely.get_coordinates(shapely.line_interpolate_point(whole, at, normalized=True))
        for at in (found.low, found.high)
    ]
    every = np.arange(len(found.piece))
    part = np.concatenate([every, part[inside], every])
    share = np.concatenate([found.low, share[inside], found.high])
    points = np.concatenate([ends[0], np.column_stack([lines.x, lines.y])[vertex[inside]], ends[1]])
    order = np.lexsort((np.arange(len(part)), share, part))
    drawn = np.empty(len(found.piece), dtype=object)
    shapely.linestrings(points[order], indices=part[order], out=drawn)
    return drawn


# ---------------------------------------------------------------------------------------------------------- outlines


@dataclass(frozen=True)
class Outlines:
    """Isochrones: for each, its row, its position in the limits, the metres of street reached, and the outline."""

    row: Ints
    position: Ints
    street_m: Floats
    geometry: NDArray[np.object_]


def outlines(reach: Reach, *, limits: Ints, water: BaseGeometry | None, cell: float = COARSE_M) -> Outlines:
    """Outlines of what every placed origin reaches within every limit.

    Parameters
    ----------
    reach : Reach
        The origins.
    limits : ndarray of int
        Ticks, ascending.
    water : geometry or None
        Water in the CRS of the streets; outlines do not bridge it.
    cell : float
        Metres of a cell of the grid: `COARSE_M` or `FINE_M`.

    Returns
    -------
    Outlines
        In the order of rows and limits; valid MultiPolygons.
    """
    rows = reach.spots.rows
    if not len(reach.spots.row):
        return Outlines(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0), np.zeros(0, object))
    grid, lines, known = canvas.stamped(reach.graph.layout, cell=cell, water=water)
    world = drawing.World(reach.streets, lines, grid, known)
    how = plan(cell)

    spare = Spare(lambda: (search.scratch(reach.graph.onward), drawing.scratch(len(reach.streets.metres))))

    def draw(low: int, high: int) -> Outlines:
        return spare.use(lambda lent: _joined(list(drawn(low, high, *lent))))

    def drawn(low: int, high: int, found: search.Work, work: drawing.Scratch) -> Iterator[Outlines]:
        for first in range(low, high, CHUNK):
            walks = reach.walks(first, min(first + CHUNK, high), limit=int(limits[-1]), work=found)
            sheets = drawing.sheets(world, walks, limits, work)
            shapes = multipolygons(tracing.outlines(sheets, grid, how))
            yield Outlines(sheets.walk + first, sheets.position, sheets.metres, shapes)

    return _joined(in_threads(draw, rows))


def plan(cell: float) -> tracing.Plan:
    """How outlines are drawn on cells of so many metres."""
    codes = int(RADIUS_M * drawing.CODES), int(cell * drawing.CODES)
    return tracing.Plan(*codes, round(10 * cell), round(10 * GATE_M[cell]), 100 * HOLE_M2)


def multipolygons(drawn: tracing.Drawn) -> NDArray[np.object_]:
    """Outlines as geometry, made in one call."""
    offsets = (drawn.rings, drawn.polygons, drawn.shapes)
    shapes: NDArray[np.object_] = shapely.from_ragged_array(shapely.GeometryType.MULTIPOLYGON, drawn.points, offsets)
    return shapes


def _joined(parts: Sequence[Outlines]) -> Outlines:
    columns = zip(*((one.row, one.position, one.street_m, one.geometry) for one in parts), strict=True)
    return Outlines(*(np.concatenate(column) for column in columns))
