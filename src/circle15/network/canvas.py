"""The grid that isochrones are drawn on, and the water on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import shapely

from circle15.network import drawing, tracing
from circle15.network.blocks import blocks

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from circle15.network.graph import Floats, Ints, Layout

THIN_M = 0.5  # how exactly streets are drawn on the grid
ON_WATER_M = 2.0  # how exactly a way over water is told from one on land


class Stamped(NamedTuple):
    """The grid, the streets and their stamps in the order of the layout, and what outlines share."""

    canvas: drawing.Canvas
    lines: drawing.Lines
    stamps: drawing.Stamps
    blocks: tracing.Blocks


def stamped(layout: Layout, *, cell: float, water: BaseGeometry | None) -> Stamped:
    """What is drawn on, and with; kept with the streets, for the next origins and other walkers.

    Parameters
    ----------
    layout : Layout
        The streets.
    cell : float
        Metres, a multiple of 0.1 and at most 25.
    water : geometry or None
        Valid water in the CRS of the streets.
    """
    key = (cell, b"" if water is None else shapely.to_wkb(water))
    found = layout.stamped.get(key)
    if found is None:
        canvas, lines = over(layout, cell=cell, water=water)
        every, words = stamps(canvas, lines)
        found = Stamped(canvas, lines, every, blocks(canvas, words))
        layout.stamped.clear()  # one at a time: they are large
        layout.stamped[key] = found
    return found


def over(layout: Layout, *, cell: float, water: BaseGeometry | None) -> tuple[drawing.Canvas, drawing.Lines]:
    """A grid that covers every street and the outlines around it, and the streets to be drawn on it.

    Parameters
    ----------
    layout : Layout
        The streets.
    cell : float
        Metres, a multiple of 0.1 and at most 25.
    water : geometry or None
        Valid water in the CRS of the streets.

    Returns
    -------
    tuple of Canvas and Lines
        Nodes at multiples of the cell. Streets that touch water have a vertex every `ON_WATER_M`.
    """
    bounds = shapely.total_bounds(layout.lines)
    reach = drawing.RADIUS_M + 3 * cell
    low = np.floor((bounds[:2] - reach) / cell)
    columns, rows = (np.ceil((bounds[2:] + reach) / cell) - low).astype(int) + 1
    columns += -columns % 8
    x, y = (low * cell).tolist()
    lines, _ = _thinned(_in_order(layout.drawn, layout.order), np.zeros(0, np.uint8))
    ground = dry(x, y, cell, rows=int(rows), columns=int(columns))
    if water is None or water.is_empty:
        return ground, lines
    water = shapely.intersection(water, shapely.box(x, y, x + cell * (columns - 1), y + cell * (rows - 1)))
    if water.is_empty:
        return ground, lines
    bank = _bank(water, cell)
    first, listed = _by_cell(bank, ground)
    lines, deck = _thinned(*_decks(layout.lines[layout.order], water))
    wet, shore = _flood(bank, ground)
    return ground._replace(wet=wet, shore=shore, first=first, listed=listed, bank=bank, deck=deck), lines


def dry(x: float, y: float, cell: float, *, rows: int, columns: int) -> drawing.Canvas:
    """A grid without water."""
    none = np.zeros((0, 0), np.uint8)
    return drawing.Canvas(
        x, y, cell, rows, columns, none, none, np.zeros(1, np.int32), np.zeros(0, np.int32),
        np.zeros((0, 4)), np.zeros(0, np.uint8),
    )  # fmt: skip


def _bank(water: BaseGeometry, cell: float) -> Floats:
    """The bank as straight stretches no longer than a cell."""
    points, ring = shapely.get_coordinates(
        shapely.segmentize(shapely.get_rings(shapely.get_parts(water)), cell), return_index=True
    )
    same = ring[1:] == ring[:-1]
    return np.hstack([points[:-1][same], points[1:][same]])


def _by_cell(bank: Floats, canvas: drawing.Canvas) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Which stretches of bank touch the box of each cell, as a ragged list."""
    ends = ((bank.reshape(-1, 2, 2) - (canvas.x, canvas.y)) / canvas.cell).astype(np.int64)
    low, high = ends.min(axis=1), ends.max(axis=1)
    found = []
    for right in range(int((high - low).max(initial=0)) + 1):
        for up in range(int((high - low).max(initial=0)) + 1):
            at = low + np.array([right, up])
            use = np.flatnonzero((at <= high).all(axis=1))
            found.append(np.stack([at[use, 1] * canvas.columns + at[use, 0], use]))
    cell, which = np.concatenate(found, axis=1)
    order = np.argsort(cell, kind="stable")
    first = np.searchsorted(cell[order], np.arange(canvas.rows * canvas.columns + 1))
    return first.astype(np.int32), which[order].astype(np.int32)


def _flood(bank: Floats, canvas: drawing.Canvas) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The nodes in water, and the way to it from those on land, from the bank alone."""
    rows, columns, whole = canvas.rows, canvas.columns, round(canvas.cell * 10)
    wet, shore = np.zeros((rows, columns), np.uint8), np.full((rows, columns, 4), whole - 1, np.uint8)
    ends = (bank.reshape(-1, 2, 2) - (canvas.x, canvas.y)) / canvas.cell
    for axis in range(2):  # 0: crossings of rows, 1: of columns
        low, high = np.ceil(np.sort(ends[:, :, 1 - axis], axis=1)).astype(np.int64).T
        stretch = np.repeat(np.arange(len(ends)), high - low)
        line = np.arange(len(stretch)) + np.repeat(high - np.cumsum(high - low), high - low)
        (a, c), (b, d) = ends[stretch, :, axis].T, ends[stretch, :, 1 - axis].T
        at = np.maximum(a + (c - a) * (line - b) / (d - b), 0.0)
        row, column = (line, at.astype(np.int64)) if axis == 0 else (at.astype(np.int64), line)
        seen = (row + (axis == 1) < rows) & (column + (axis == 0) < columns)
        row, column, at = row[seen], column[seen], (at % 1 * whole)[seen]
        for side, near in enumerate((at, whole - at)):
            place = row + (side and axis == 1), column + (side and axis == 0), 2 * axis + side
            np.minimum.at(shore, place, near.clip(1, whole - 1).astype(np.uint8))
        if axis == 0:
            np.bitwise_xor.at(wet, (row, column + 1), 1)
    wet = np.bitwise_xor.accumulate(wet, axis=1)
    shore[wet > 0] = whole - 1
    return wet, shore.reshape(rows, 4 * columns)


def _decks(lines: NDArray[np.object_], water: BaseGeometry) -> tuple[drawing.Lines, NDArray[np.uint8]]:
    """The streets with more vertices where they touch water, and the vertices after which they are over it."""
    shapely.prepare(water)
    lines = shapely.force_2d(lines)
    over = shapely.intersects(water, lines)
    lines[over] = shapely.segmentize(lines[over], ON_WATER_M)
    drawn = vertices(lines)
    deck = np.zeros(len(drawn.x), np.uint8)
    at = np.flatnonzero(np.repeat(over, np.diff(drawn.first))[:-1])
    x, y = (drawn.x[at] + drawn.x[at + 1]) / 2, (drawn.y[at] + drawn.y[at + 1]) / 2
    deck[at] = shapely.contains_xy(water, x, y)
    return drawn, deck


def vertices(lines: NDArray[np.object_]) -> drawing.Lines:
    """The vertices of lines and their share of the length."""
    points, piece = shapely.get_coordinates(lines, return_index=True)
    first = np.searchsorted(piece, np.arange(len(lines) + 1))
    step = np.hypot(*np.diff(points, axis=0, prepend=points[:1]).T)
    step[first[:-1]] = 0.0
    walked = np.cumsum(step)
    walked -= walked[first[:-1]][piece]
    whole = walked[first[1:] - 1][piece]
    # A piece without length, such as a lift, is at its start at share 0 and at its end at share 1.
    last = np.isin(np.arange(len(piece)), first[1:] - 1).astype(float)
    share = np.divide(walked, whole, out=last, where=whole > 0)
    return drawing.Lines(first.astype(np.int64), points[:, 0].copy(), points[:, 1].copy(), share)


def _in_order(lines: drawing.Lines, order: Ints) -> drawing.Lines:
    """The same lines, in another order."""
    first, at = taken(lines.first, order)
    return drawing.Lines(first, lines.x[at], lines.y[at], lines.share[at])


def taken(first: Ints, rows: NDArray[np.integer]) -> tuple[Ints, Ints]:
    """Some lists of a ragged array: where each begins now, and the positions of their items."""
    sizes = np.diff(first)[rows]
    begin = np.concatenate([[0], np.cumsum(sizes)])
    return begin, np.arange(begin[-1]) + np.repeat(first[rows] - begin[:-1], sizes)


def _thinned(lines: drawing.Lines, deck: NDArray[np.uint8]) -> tuple[drawing.Lines, NDArray[np.uint8]]:
    """The lines, and the decks of their vertices, without vertices that make less than `THIN_M` of difference."""
    first, kept = np.empty_like(lines.first), np.empty(len(lines.x), np.int64)
    kept = kept[: drawing.thinned(lines, deck, THIN_M, first, kept)]
    return drawing.Lines(first, lines.x[kept], lines.y[kept], lines.share[kept]), deck[kept] if len(deck) else deck


def stamps(canvas: drawing.Canvas, lines: drawing.Lines) -> tuple[drawing.Stamps, NDArray[np.uint64]]:
    """Stamps of all pieces, and the codes of the grid with all of them on it."""
    box = _boxes(canvas, lines)
    words = (box[:, 2] - box[:, 0] + 1).astype(np.int64) * ((box[:, 3] >> 3) - (box[:, 1] >> 3) + 1)
    first, kept = np.concatenate([[0], np.cumsum(words)]), np.empty(words.sum(), np.uint64)
    found = drawing.Stamps(first, kept, kept.view(np.uint8), box)
    every = np.full(canvas.rows * canvas.columns, drawing.FAR, np.uint8).view(np.uint64)
    drawing.stamps(canvas, lines, found, (np.zeros((1, 2), np.int32), np.array([[0.0, 1.0]])), every)
    return found, every


def _boxes(canvas: drawing.Canvas, lines: drawing.Lines) -> NDArray[np.int32]:
    """The rows and columns that each piece can reach, and whether there is water."""
    box = np.zeros((len(lines.first) - 1, 5), np.int32)
    reach = drawing.RADIUS_M + drawing.BEYOND * canvas.cell
    for axis, (along, origin) in enumerate(((lines.y, canvas.y), (lines.x, canvas.x))):
        least, most = (one.reduceat(along, lines.first[:-1]) - origin for one in (np.minimum, np.maximum))
        box[:, axis] = ((least - reach) / canvas.cell).astype(np.int32) + 1
        box[:, 2 + axis] = ((most + reach) / canvas.cell).astype(np.int32)
    if canvas.wet.size:
        near = (canvas.wet > 0) | (np.diff(canvas.first) > 0).reshape(canvas.rows, canvas.columns)
        sums = np.zeros((canvas.rows + 1, canvas.columns + 1), np.int32)
        sums[1:, 1:] = near.cumsum(axis=0, dtype=np.int32).cumsum(axis=1, dtype=np.int32)
        low, left, high, right = box[:, 0] - 1, box[:, 1] - 1, box[:, 2] + 2, box[:, 3] + 2
        box[:, 4] = sums[high, right] - sums[low, right] - sums[high, left] + sums[low, left] > 0
    return box
