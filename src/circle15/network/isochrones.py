"""Isochrones: reached streets first, outline second.

The truth is the set of stretches of street that are reached, cut exactly at the limit; lengths are taken from it. The
outline is a picture of it: the line 25 m around the reached stretches, traced on a grid that is aligned over the whole
study, with holes. It ends at the shore of water, which only reached ways over it cross, as a ribbon of 12 m to either
side. Outlines are valid and lie inside those of more minutes exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import shapely

from circle15.network import canvas, drawing, engine, kernels, search, tracing
from circle15.network.blocks import plan
from circle15.network.threads import Spare, in_threads

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from circle15.display import Track
    from circle15.network.graph import Floats, Graph, Ints
    from circle15.network.snapping import Spots

RADIUS_M = drawing.RADIUS_M
COARSE_M, FINE_M = 18.0, 10.0  # [P] cells: a block is wider than the one, a house than the other
CHUNK = 32  # origins that are searched from in one call
RINGS = 2**30  # that are numbered before it begins anew
WORDS = 2**15  # of eight codes, that are drawn in one call: few enough to be in the cache still when they are traced


class Reach:
    """Reached streets of one table of origins, cut at any number of limits.

    Parameters
    ----------
    graph : Graph
        The streets as one walker can use them.
    spots : Spots
        One spot for each origin that could be placed.

    Attributes
    ----------
    row : ndarray of int, shape (spots,)
        The rows that have a spot, in the order in which they are searched from: neighbours one after the other, because
        what they look at is then in the cache.
    """

    def __init__(self, graph: Graph, spots: Spots) -> None:
        from circle15.network import snapping  # a process that only compiles kernels has no use for tables

        kernels.wait(*kernels.OUTLINES)
        self.graph = graph
        rank = graph.layout.rank[spots.piece]
        order = np.argsort(rank, kind="stable")
        self.row = spots.row[order]
        self._piece, self._share = rank[order], spots.share[order]
        self._start = spots.off_road_ticks[order]
        out = snapping.places(graph, spots).leaving
        first, at = canvas.taken(out.first, self.row)
        self._out = search.Ragged(first, out.items[at], out.ticks[at])

    def walks(self, low: int, high: int, *, limit: int, work: search.Work) -> drawing.Walks:
        """Search from some spots as far as a limit in ticks; pieces are numbered in the order of the layout."""
        seeds = search.Ragged(self._out.first[low : high + 1], self._out.items, self._out.ticks)
        reached = engine.reached(self.graph.onward, seeds, limit, work)
        own = self._piece[low:high], self._share[low:high], self._start[low:high]
        return drawing.Walks(*reached, *own)

    def parts(self, row: int, *, limit: int) -> Parts:
        """The stretches that one row reaches, by piece."""
        streets, order = self.graph.cut, self.graph.layout.order
        pieces = len(order)
        found, wholes, stretches = drawing.blank_list(pieces, pieces, 1), 0, 0
        for at in np.flatnonzero(self.row == row).tolist():
            walks = self.walks(at, at + 1, limit=limit, work=search.scratch(self.graph.onward))
            drawing.enlist(streets, walks, 0, np.array([limit]), found)
            wholes, stretches = found.counts[0]
        rank, ticks = np.concatenate([found.whole[0, :wholes], found.part[0, :stretches]]).T
        low, high = np.concatenate([np.tile([0.0, 1.0], (wholes, 1)), found.span[0, :stretches]]).T
        piece = order[rank]
        sort = np.lexsort((low, piece))
        return Parts(piece[sort], low[sort], high[sort], ticks[sort])


class Parts(NamedTuple):
    """Stretches of pieces: from share `low` to share `high` of the geometry, first reached after `ticks`."""

    piece: Ints
    low: Floats
    high: Floats
    ticks: NDArray[np.int32]


def cut_lines(graph: Graph, found: Parts) -> NDArray[np.object_]:
    """The reached stretches as LineStrings in two dimensions."""
    lines = graph.layout.drawn
    first, vertex = canvas.taken(lines.first, found.piece)
    part = np.repeat(np.arange(len(found.piece)), np.diff(first))
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


def outlines(
    reach: Reach, *, limits: Ints, water: BaseGeometry | None, cell: float = COARSE_M, track: Track | None = None
) -> Outlines:
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
    track : Track or None
        Shows how far the origins have come.

    Returns
    -------
    Outlines
        In the order of rows and limits; valid MultiPolygons.
    """
    if not len(reach.row):
        return Outlines(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0), np.zeros(0, object))
    ground = Ground.of(reach, cell=cell, water=water)
    drawers = Spare(lambda: Drawer(reach, ground, limits))

    def draw(low: int, high: int) -> Outlines:
        return drawers.use(lambda drawer: _joined(list(drawer.drawn(low, high))))

    drawn = _joined(in_threads(draw, len(reach.row), track=track, words="isochrones"))
    order = np.lexsort((drawn.position, drawn.row))
    return Outlines(drawn.row[order], drawn.position[order], drawn.street_m[order], drawn.geometry[order])


class Ground(NamedTuple):
    """What all threads draw on: the streets on their grid, and how outlines are drawn."""

    world: drawing.World
    grid: tracing.Grid

    @classmethod
    def of(cls, reach: Reach, *, cell: float, water: BaseGeometry | None) -> Ground:
        """The ground of some origins, in cells of so many metres."""
        found = canvas.stamped(reach.graph.layout, cell=cell, water=water)
        codes = found.blocks.words.view(np.uint8)
        world = drawing.World(reach.graph.cut, found.lines, found.canvas, found.stamps, codes)
        return cls(world, tracing.Grid(found.canvas, found.blocks, plan(cell)))


class Drawer:
    """Draws outlines, in one thread, step by step; with scratch that stays in the cache, and grows where it must.

    Parameters
    ----------
    reach : Reach
        The origins.
    ground : Ground
        What is drawn on.
    limits : ndarray of int
        Ticks, ascending.
    """

    def __init__(self, reach: Reach, ground: Ground, limits: Ints) -> None:
        self._reach, self._ground, self._limits = reach, ground, limits
        self._work = search.scratch(reach.graph.onward)
        self._widest = int(np.diff(ground.world.streets.first).max(initial=0))
        self._room = 0
        self._make(WORDS)

    def _make(self, words: int) -> None:
        """Make room for sheets of so many words."""
        self._sheets = drawing.blank_sheets(words, len(self._limits))
        self._desk = tracing.desk(8 * words)
        self._ink = tracing.ink(8 * words, len(self._sheets.place))

    def drawn(self, low: int, high: int) -> Iterator[Outlines]:
        """Outlines of what is reached from some spots."""
        for first in range(low, high, CHUNK):
            walks, walk = self.walks(first, min(first + CHUNK, high)), 0
            while walk < len(walks.piece):
                walk, count = self.draw(walks, walk)
                self.trace(count)
                place, metres = self._sheets.place[:count], self._sheets.metres[:count].copy()
                row = self._reach.row[first + place[:, drawing.WALK]]
                yield Outlines(row, place[:, drawing.POSITION].copy(), metres, self.shapes(count))

    def walks(self, low: int, high: int) -> drawing.Walks:
        """Search from some spots, and make room to list what each reaches."""
        walks = self._reach.walks(low, high, limit=int(self._limits[-1]), work=self._work)
        room = self._widest * int(np.diff(walks.first).max()) + 1
        if room > self._room:
            self._room = 2 * room
            self._listed = drawing.blank_list(len(self._ground.world.streets.metres), self._room, len(self._limits))
        return walks

    def draw(self, walks: drawing.Walks, walk: int) -> tuple[int, int]:
        """Draw sheets from one walk on, while there is room; returns the next walk, and how many sheets."""
        drawn = drawing.draw(self._ground.world, walks, self._limits, self._listed, self._sheets, walk)
        after, count, need = map(int, drawn)
        if count or not need:
            return after, count
        self._make(2 * need)
        return self.draw(walks, walk)

    def trace(self, count: int) -> None:
        """Trace so many sheets."""
        if self._desk.used[0] > RINGS:
            self._desk = tracing.desk(len(self._sheets.codes))
        tracing.outlines(self._sheets, count, self._ground.grid, self._desk, self._ink)

    def shapes(self, count: int) -> NDArray[np.object_]:
        """The outlines of so many sheets as geometry, made in one call."""
        points, rings, polygons = self._ink.size
        offsets = self._ink.rings[: rings + 1], self._ink.polygons[: polygons + 1], self._ink.shapes[: count + 1]
        shapes: NDArray[np.object_] = shapely.from_ragged_array(
            shapely.GeometryType.MULTIPOLYGON, self._ink.points[:points], offsets
        )
        return shapes


def _joined(parts: Sequence[Outlines]) -> Outlines:
    columns = zip(*((one.row, one.position, one.street_m, one.geometry) for one in parts), strict=True)
    return Outlines(*(np.concatenate(column) for column in columns))
