"""Holes that outlines share: what lies between streets that are all reached looks the same from everywhere.

The outline around all streets is drawn once. Its holes are blocks: an outline that is like it around one has the same
hole, vertex by vertex, and nothing is traced there. No other outline goes farther than the border of a block.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from circle15.network import drawing, tracing

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from circle15.network.graph import Ints

GATE = 0.12  # [P] cells that simplification may move an outline by, along the grid


def plan(cell: float) -> tracing.Plan:
    """How outlines are drawn in cells of so many metres; a hole of less than one is filled, unless it has water."""
    codes = drawing.INSIDE, int(drawing.CODES), drawing.FAR
    return tracing.Plan(*codes, round(10 * cell), round(10 * GATE * cell), round(100 * cell**2))


def blocks(canvas: drawing.Canvas, words: NDArray[np.uint64]) -> tracing.Blocks:
    """The blocks of a study.

    Parameters
    ----------
    canvas : Canvas
        The grid.
    words : ndarray of uint64
        Its codes when every street is reached.
    """
    drawn, nodes, wide = plan(canvas.cell), canvas.rows * canvas.columns, canvas.columns >> 3
    blank = none(canvas, words)
    far, met = blank.far, blank.met
    place = np.array([[0, 0, 0, 0, canvas.rows, wide, 1, canvas.rows - 2, 0, wide - 1, 0]])
    sheet = drawing.Sheets(place, np.zeros(1), words, words.view(np.uint8))
    desk = tracing.desk(nodes)
    tracing.outlines(sheet, 1, tracing.Grid(canvas, blank, drawn), desk, tracing.ink(nodes, 1))
    rings, first = desk.rings[: desk.used[0]], desk.first[: desk.used[0] + 1]
    hole, kept = rings[:, tracing.HOLE] > 0, rings[:, tracing.KEPT] > 0
    large = -desk.area[: len(rings)] >= 2 * drawn.hole
    shown = hole & kept & large
    once = shown | (hole & ~kept & ~large & kept[rings[:, tracing.AROUND]])
    if not once.any():
        return blank
    _hold(desk, canvas, words.view(np.uint8), far, once)
    number = np.where(once, np.cumsum(once) - 1, -1).astype(np.int32)
    marked = desk.ring >= 0
    met[marked] = number[desk.ring[marked]]
    xy = desk.points[: first[-1]]
    low, high = (one.reduceat(xy, first[:-1], axis=0)[once, ::-1] for one in (np.minimum, np.maximum))
    size = np.where(shown, np.diff(first), 0)
    points = (xy[np.repeat(shown, np.diff(first))] + np.rint([10 * canvas.x, 10 * canvas.y])) / 10
    box = np.hstack([low // drawn.cell, -(-high // drawn.cell)]).astype(np.int32)
    begin, crossed = _crossed(box, met, canvas.columns)
    return blank._replace(
        box=box, begin=begin, crossed=crossed, first=np.concatenate([[0], np.cumsum(size[once])]), points=points
    )


def none(canvas: drawing.Canvas, words: NDArray[np.uint64]) -> tracing.Blocks:
    """No blocks: outlines are held back by water only."""
    nodes, edge = canvas.rows * canvas.columns, plan(canvas.cell).cell - 1
    far = canvas.shore.reshape(-1).copy() if canvas.wet.size else np.full(4 * nodes, edge, np.uint8)
    met, box = np.full(nodes, -1, np.int32), np.zeros((0, 4), np.int32)
    starts, nothing = np.zeros(1, np.int64), np.zeros(0, np.uint64)
    return tracing.Blocks(words, far, met, box, starts, np.zeros((0, 2)), starts, nothing)


def _crossed(box: NDArray[np.int32], met: NDArray[np.int32], columns: int) -> tuple[Ints, NDArray[np.uint64]]:
    """Where the border of each block crosses the rows of its box, as words of top bits, and where these begin."""
    left, across = box[:, 1] >> 3, (box[:, 3] >> 3) - (box[:, 1] >> 3) + 1
    begin = np.concatenate([[0], np.cumsum((box[:, 2] - box[:, 0] + 1).astype(np.int64) * across)])
    node = np.flatnonzero(met >= 0)
    block, (row, column) = met[node], np.divmod(node + 1, columns)
    crossed = np.zeros(begin[-1], np.uint64)
    at = begin[block] + (row - box[block, 0]) * across[block] + (column >> 3) - left[block]
    np.bitwise_or.at(crossed, at, np.uint64(0x80) << (8 * (column & 7)).astype(np.uint64))
    return begin, crossed


def _hold(
    desk: tracing.Desk,
    canvas: drawing.Canvas,
    codes: NDArray[np.uint8],
    far: NDArray[np.uint8],
    once: NDArray[np.bool_],
) -> None:
    """Hold other outlines back from some rings: they go as far as these go through an edge, rounded down."""
    first, gates, columns, cell = desk.first, desk.passed[: desk.used[1]], canvas.columns, plan(canvas.cell).cell
    xy = desk.points[: first[len(once)]].astype(np.int64)
    mine = np.repeat(once, np.diff(first[: len(once) + 1]))
    x, y = xy[mine].T
    at_vertex = 2 * (y // cell * columns + x // cell) + (x % cell == 0)
    passed = gates[mine[gates[:, 3]], 0]
    edge = np.concatenate([at_vertex, passed])
    through = np.concatenate([desk.past[at_vertex], np.maximum(desk.past[passed], 2) - 1])  # that was rounded up
    node, upright = edge >> 1, edge & 1
    back = codes[node] > drawing.INSIDE  # the node inside is the other one
    at = 4 * (node + back * np.where(upright, columns, 1)) + 2 * upright + back
    far[at] = np.minimum(far[at], through)
