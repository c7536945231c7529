"""Isochrones: reached streets first, outline second.

The truth is the set of stretches of street that are reached, cut exactly at the limit; lengths are taken from it. The
outline is a picture of it: the contour at 25 m of the distance to the nearest reached stretch, on a grid of 12 m that
is aligned over the whole study, with holes. It never crosses water that is wider than 15 m, except along reached
bridges and other reached ways over water. Before simplification an outline lies inside those of more minutes exactly;
after it, to within 6 m.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely
from contourpy import FillType, contour_generator

from circle15.impedance import NO_WAY
from circle15.network import drawing, search, snapping

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future

    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from circle15.network.graph import Bools, Floats, Graph, Ints
    from circle15.network.snapping import Spots

CELL_M = 12.0  # [P] finer than a block, coarser than a house
BATCH = 128  # outlines that are tidied together
RADIUS_M = 25.0  # [P] a street serves the houses along it
FAR_M = RADIUS_M + 1.25 * CELL_M  # distances beyond do not matter for the contour
SHORE_M = RADIUS_M + 1.0
SIMPLIFY_M = 3.0  # [P] and so nested outlines stay nested to within twice as much


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
        self.graph, self.spots = graph, spots
        self._out = snapping.places(graph, spots).leaving
        self._spot = np.full(spots.rows, -1)
        self._spot[spots.row] = np.arange(len(spots.row))

    def parts(self, low: int, high: int, *, limits: Ints) -> Iterator[tuple[int, int, drawing.Parts]]:
        """Row, position in `limits` and reached stretches, for rows `low` to `high` and ascending limits in ticks.

        Rows that reach nothing are left out. Each walk is searched once, to the last limit.
        """
        layout, arcs = self.graph.layout, self.graph.onward
        work = search.scratch(arcs, len(self._out.items))
        pieces = len(layout.lines)
        cover = drawing.Cover(np.full(2 * pieces, -1.0), np.zeros(2 * pieces, np.int32), np.empty(pieces + 1, np.int32))
        for row in range(low, high):
            if self._spot[row] < 0:
                continue
            out = slice(self._out.first[row], self._out.first[row + 1])
            count = search.settle(arcs, self._out.items[out], self._out.ticks[out], int(limits[-1]), work)
            for position, limit in enumerate(limits.tolist()):
                cut = self._cut(int(self._spot[row]), limit)
                found = drawing.parts(arcs, layout.sides, work, cover, count, cut)
                if len(found.piece):
                    yield row, position, found
            search.clear(work, count)

    def _cut(self, spot: int, limit: int) -> drawing.Cut:
        """How far one gets along the own piece, both ways, without leaving it."""
        piece, share = int(self.spots.piece[spot]), float(self.spots.share[spot])
        ticks = int(self.spots.off_road_ticks[spot])
        if ticks >= limit:
            return drawing.Cut(limit, -1, 0.0, 0.0, 0)
        ahead, back = (int(ticks_of[piece]) for _, ticks_of in self.graph.ways)
        low = max(0.0, share - (limit - ticks) / back) if back < NO_WAY else share
        high = min(1.0, share + (limit - ticks) / ahead) if ahead < NO_WAY else share
        return drawing.Cut(limit, piece, low, high, ticks)


def some(found: drawing.Parts, which: Bools | Ints) -> drawing.Parts:
    """Some of the stretches, in the order asked for."""
    return drawing.Parts(found.piece[which], found.low[which], found.high[which], found.ticks[which])


def street_metres(graph: Graph, found: drawing.Parts) -> float:
    """Metres of street that are reached, every stretch once."""
    return float(np.sum((found.high - found.low) * graph.layout.length_m[found.piece]))


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


@dataclass(frozen=True)
class Canvas:
    """The drawing grid of the whole study: position of its first node, its size, and where there is water.

    Parameters
    ----------
    east, north : ndarray of float, shape (rows, columns)
        Positions of the nodes, multiples of the cell.
    water : ndarray of uint8, shape (rows, columns), or None
        0 on land, `drawing.BESIDE_WATER` or `drawing.IN_WATER`.
    deck : ndarray of bool, shape (pieces,)
        Whether a piece leads over water.
    """

    east: Floats
    north: Floats
    water: NDArray[np.uint8] | None
    deck: Bools

    @classmethod
    def over(cls, graph: Graph, water: BaseGeometry | None) -> Canvas:
        """A grid that covers every street, and the contour around it."""
        bounds = shapely.total_bounds(graph.layout.lines)
        low = np.floor((bounds[:2] - FAR_M) / CELL_M - 1)
        columns, rows = (np.ceil((bounds[2:] + FAR_M) / CELL_M) - low).astype(int) + 2
        east, north = np.meshgrid(
            CELL_M * (low[0] + np.arange(columns)), CELL_M * (low[1] + np.arange(rows)), copy=False
        )
        if water is None or water.is_empty:
            return cls(east, north, None, np.zeros(len(graph.layout.lines), dtype=bool))
        water = shapely.make_valid(water) & shapely.box(east[0, 0], north[0, 0], east[0, -1], north[-1, 0])
        beside = shapely.buffer(water, CELL_M / 2)
        shapely.prepare([water, beside])
        wet = np.zeros((rows, columns), np.uint8)
        wet[shapely.contains_xy(beside, east, north)] = drawing.BESIDE_WATER
        wet[shapely.contains_xy(water, east, north)] = drawing.IN_WATER
        return cls(east, north, wet, shapely.intersects(water, graph.layout.lines))

    def window(self, bounds: Floats) -> tuple[slice, slice]:
        """The rows and columns that outlines of stretches within some bounds, one row each, can touch."""
        corner = np.array([self.east[0, 0], self.north[0, 0]])
        low = np.floor((bounds[:, :2].min(axis=0) - FAR_M - corner) / CELL_M).astype(int)
        high = np.ceil((bounds[:, 2:].max(axis=0) + FAR_M - corner) / CELL_M).astype(int) + 1
        return slice(low[1], high[1]), slice(low[0], high[0])


@dataclass(frozen=True)
class Outlines:
    """Isochrones: for each, its row, its position in the limits, the metres of street reached, and the outline."""

    row: Ints
    position: Ints
    street_m: Floats
    geometry: NDArray[np.object_]


def outlines(reach: Reach, *, limits: Ints, water: BaseGeometry | None) -> Outlines:
    """Outlines of what every placed origin reaches within every limit.

    Parameters
    ----------
    reach : Reach
        The origins.
    limits : ndarray of int
        Ticks, ascending.
    water : geometry or None
        Water in the CRS of the streets; outlines do not bridge it.

    Returns
    -------
    Outlines
        In the order of rows and limits; valid MultiPolygons.
    """
    kept: list[tuple[int, int, float]] = []
    ready: list[Future[NDArray[np.object_]]] = []
    contours = _Contours()
    # Tracing holds the interpreter lock, tidying does not: while one batch is tidied the next one is traced.
    with ThreadPoolExecutor() as pool:
        for row, position, found, traced in _fields(reach, limits=limits, water=water):
            kept.append((row, position, street_metres(reach.graph, found)))
            contours.add(*traced)
            if len(kept) % BATCH == 0:
                ready.append(pool.submit(contours.polygons))
                contours = _Contours()
        ready.append(pool.submit(contours.polygons))
    rows, positions, metres = np.array(kept, dtype=float).reshape(-1, 3).T
    shapes = np.concatenate([one.result() for one in ready])
    return Outlines(rows.astype(np.int64), positions.astype(np.int64), metres, shapes)


def _fields(
    reach: Reach, *, limits: Ints, water: BaseGeometry | None
) -> Iterator[tuple[int, int, drawing.Parts, tuple[Floats, Floats, NDArray[np.float32]]]]:
    """Row, limit, reached stretches, and what to trace: node positions and distances.

    All limits of one row share one grid, because each adds to the one before.
    """
    if not len(reach.spots.row):
        return
    graph, lines = reach.graph, reach.graph.layout.drawn
    canvas = Canvas.over(graph, water)
    bounds = shapely.bounds(graph.layout.lines)
    near = np.full((2, *canvas.east.shape), np.inf, np.float32)  # squared metres to reached stretches, and to decks
    window, last = canvas.window(bounds), -1
    for row, position, found in reach.parts(0, reach.spots.rows, limits=limits):
        if row != last:
            near[:, *window] = np.inf  # the last window of a row holds all before it
        window, last = canvas.window(bounds[found.piece]), row
        x, y = canvas.east[window], canvas.north[window]
        frame = drawing.Frame(x[0, 0], y[0, 0], CELL_M, FAR_M)
        squared, decks = near[:, *window]
        drawing.stamp(lines, found, frame, squared)
        if canvas.water is not None and canvas.water[window].any():
            drawing.stamp(lines, some(found, canvas.deck[found.piece]), frame, decks)
            field = drawing.dry_field(squared, decks, canvas.water[window], frame, SHORE_M)
        else:
            field = np.sqrt(np.minimum(squared, np.float32(FAR_M**2)))
        yield row, position, found, (x, y, field)


class _Contours:
    """Collects contours as flat arrays, to make all polygons in one call."""

    def __init__(self) -> None:
        self._points: list[Floats] = []
        self._rings: list[int] = [0]
        self._polygons: list[int] = [0]
        self._shapes: list[int] = [0]

    def add(self, x: Floats, y: Floats, field: NDArray[np.float32]) -> None:
        """Trace one field at the radius."""
        tracer = contour_generator(x, y, field, name="serial", fill_type=FillType.OuterOffset)
        for points, offsets in zip(*tracer.filled(-1.0, RADIUS_M), strict=True):
            start = self._rings[-1]
            self._points.append(points)
            self._rings += [start + int(offset) for offset in offsets[1:]]
            self._polygons.append(len(self._rings) - 1)
        self._shapes.append(len(self._polygons) - 1)

    def polygons(self) -> NDArray[np.object_]:
        """One valid MultiPolygon for each field added."""
        if not self._points:
            return np.zeros(0, object)
        offsets = tuple(np.array(one, np.int64) for one in (self._rings, self._polygons, self._shapes))
        points = np.concatenate(self._points)
        return _tidy(shapely.from_ragged_array(shapely.GeometryType.MULTIPOLYGON, points, offsets))


def _tidy(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    """Fewer vertices, and always valid: the quick way for all, the careful way for the few that it broke."""
    plain = shapely.simplify(shapes, SIMPLIFY_M, preserve_topology=False)
    broken = ~shapely.is_valid(plain) | shapely.is_empty(plain)
    plain[broken] = shapely.simplify(shapes[broken], SIMPLIFY_M)
    broken = ~shapely.is_valid(plain)
    plain[broken] = [_polygons_only(shape) for shape in shapely.make_valid(plain[broken])]
    return plain


def _polygons_only(shape: BaseGeometry) -> BaseGeometry:
    parts = shapely.get_parts(shape)
    return shapely.union_all(parts[shapely.get_type_id(parts) >= shapely.GeometryType.POLYGON])
