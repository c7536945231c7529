"""The compiled kernels of the isochrones: streets cut at a limit, and the distance field that is drawn from them.

As in `search`, a kernel calls only kernels of its own file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from circle15.network.search import Arcs, Work, compiled, inner

if TYPE_CHECKING:
    from numpy.typing import NDArray

BESIDE_WATER, IN_WATER = 1, 2  # grid nodes on land within half a cell of water, and in water
DECK_CELLS = 0.75  # how wide a bridge is drawn to either side; a node of every cell that it crosses is nearer


class Sides(NamedTuple):
    """For each link: its piece, and 0 where it runs along the piece's geometry, 1 where it runs against it."""

    piece: NDArray[np.int32]
    side: NDArray[np.int32]


class Cover(NamedTuple):
    """Scratch of one cut: per side of a piece, the share walked (-1 between cuts) and when its start was reached."""

    share: NDArray[np.float64]
    ticks: NDArray[np.int32]
    touched: NDArray[np.int32]


class Cut(NamedTuple):
    """Where to cut: after `limit` ticks; and the stretch of its own piece that an origin reaches directly.

    `piece` is -1 for none.
    """

    limit: int
    piece: int
    low: float
    high: float
    ticks: int


class Parts(NamedTuple):
    """Stretches of pieces: from share `low` to share `high` of the geometry, first reached after `ticks`."""

    piece: NDArray[np.int32]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    ticks: NDArray[np.int32]


class Lines(NamedTuple):
    """Geometry of the pieces: vertices `first[p]` to `first[p + 1]`, with their share of the length so far."""

    first: NDArray[np.int64]
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    share: NDArray[np.float64]


class Frame(NamedTuple):
    """A window of the drawing grid: position of its first node, cell, and how far a stamp reaches, in metres."""

    x: float
    y: float
    cell: float
    reach: float


# -------------------------------------------------------------------------------------------------- reached streets


@inner
def _touch_sides(arcs: Arcs, sides: Sides, work: Work, cover: Cover, count: int, limit: int) -> int:
    """How far along each side of each piece one gets within the limit; returns the number of pieces touched."""
    pieces = 0
    for k in range(count):
        vertex = work.touched[k]
        at = work.ticks[vertex]
        if at >= limit:
            continue
        for arc in range(arcs.first[vertex], arcs.first[vertex + 1]):
            link = arcs.links[arc]
            if link < 0:
                continue
            piece = sides.piece[link]
            slot = 2 * piece + sides.side[link]
            if cover.share[2 * piece] < 0 and cover.share[2 * piece + 1] < 0:
                cover.touched[pieces] = piece
                pieces += 1
            share = min(1.0, (limit - at) / arcs.ticks[arc])
            if share > cover.share[slot]:
                cover.share[slot] = share
                cover.ticks[slot] = at
    return pieces


@compiled
def parts(arcs: Arcs, sides: Sides, work: Work, cover: Cover, count: int, cut: Cut) -> Parts:
    """Cut the pieces at the limit: what is reached from either end and, on the own piece, from the middle.

    Stretches of one piece that meet are one part; `count` is the number of vertices that the search touched.
    """
    pieces = _touch_sides(arcs, sides, work, cover, count, cut.limit)
    if cut.piece >= 0 and cover.share[2 * cut.piece] < 0 and cover.share[2 * cut.piece + 1] < 0:
        cover.touched[pieces] = cut.piece
        pieces += 1
    room = 2 * pieces + 1
    found = Parts(
        np.empty(room, np.int32), np.empty(room, np.float64), np.empty(room, np.float64), np.empty(room, np.int32)
    )
    n = 0
    for k in range(pieces):
        piece = cover.touched[k]
        # From the start: 0 to ahead; from the end: back to 1; empty ones lie outside of 0 to 1.
        ahead, back = cover.share[2 * piece], 1.0 - cover.share[2 * piece + 1]
        ticks_ahead, ticks_back = cover.ticks[2 * piece], cover.ticks[2 * piece + 1]
        cover.share[2 * piece] = cover.share[2 * piece + 1] = -1.0
        if piece == cut.piece:
            if cut.low <= ahead:
                ahead, ticks_ahead = max(ahead, cut.high), min(ticks_ahead, cut.ticks)
            elif cut.high >= back:
                back, ticks_back = min(back, cut.low), min(ticks_back, cut.ticks)
            else:
                found.piece[n], found.low[n], found.high[n], found.ticks[n] = piece, cut.low, cut.high, cut.ticks
                n += 1
        if ahead >= 0 and ahead >= back:
            found.piece[n], found.low[n], found.high[n], found.ticks[n] = piece, 0.0, 1.0, min(ticks_ahead, ticks_back)
            n += 1
            continue
        if ahead >= 0:
            found.piece[n], found.low[n], found.high[n], found.ticks[n] = piece, 0.0, ahead, ticks_ahead
            n += 1
        if back <= 1:
            found.piece[n], found.low[n], found.high[n], found.ticks[n] = piece, back, 1.0, ticks_back
            n += 1
    return Parts(found.piece[:n], found.low[:n], found.high[:n], found.ticks[:n])


# ------------------------------------------------------------------------------------------------------ the drawing


@compiled
def stamp(lines: Lines, reached: Parts, frame: Frame, squared: NDArray[np.float32]) -> None:
    """Lower `squared` to the squared distance, in metres, from each grid node to the nearest reached stretch."""
    rows, columns = squared.shape
    for k in range(reached.piece.size):
        piece, low, high = reached.piece[k], reached.low[k], reached.high[k]
        for v in range(lines.first[piece], lines.first[piece + 1] - 1):
            s0, s1 = lines.share[v], lines.share[v + 1]
            if s1 < low or s0 > high:
                continue
            span = s1 - s0
            u0 = max(0.0, (low - s0) / span) if span > 0 else 0.0
            u1 = min(1.0, (high - s0) / span) if span > 0 else 1.0
            dx, dy = lines.x[v + 1] - lines.x[v], lines.y[v + 1] - lines.y[v]
            ax, ay = lines.x[v] + u0 * dx - frame.x, lines.y[v] + u0 * dy - frame.y
            dx, dy = (u1 - u0) * dx, (u1 - u0) * dy
            length2 = dx * dx + dy * dy
            left = max(0, int((min(ax, ax + dx) - frame.reach) / frame.cell))
            right = min(columns - 1, int((max(ax, ax + dx) + frame.reach) / frame.cell))
            low_row = max(0, int((min(ay, ay + dy) - frame.reach) / frame.cell))
            high_row = min(rows - 1, int((max(ay, ay + dy) + frame.reach) / frame.cell))
            for row in range(low_row, high_row + 1):
                py = row * frame.cell - ay
                for column in range(left, right + 1):
                    px = column * frame.cell - ax
                    along = 0.0
                    if length2 > 0:
                        along = min(1.0, max(0.0, (px * dx + py * dy) / length2))
                    ex, ey = px - along * dx, py - along * dy
                    distance2 = ex * ex + ey * ey
                    squared[row, column] = min(squared[row, column], distance2)


@compiled
def dry_field(
    squared: NDArray[np.float32], decks: NDArray[np.float32], water: NDArray[np.uint8], frame: Frame, shore: float
) -> NDArray[np.float32]:
    """The distance field with what lies across water taken out, ready to be contoured.

    `decks` is like `squared`, for bridges and other stretches over water only. Nodes in water stay where a deck is
    near. Land stays where it is within a cell of a reached stretch, or hangs together with such land node by node,
    never through water and never farther than `frame.reach`. Other land is put at that distance and other water at
    `shore`: a little above the contour, so that the contour runs along the bank. A field of more minutes is nowhere
    higher than one of fewer, so that their contours are nested.
    """
    rows, columns = squared.shape
    far = np.float32(frame.reach)
    field = np.minimum(np.sqrt(squared), far)
    kept = np.sqrt(decks) <= DECK_CELLS * frame.cell
    stack = np.empty(rows * columns, np.int64)
    size = 0
    for row in range(rows):
        for column in range(columns):
            if water[row, column] < IN_WATER and (kept[row, column] or field[row, column] <= frame.cell):
                kept[row, column] = True
                stack[size] = row * columns + column
                size += 1
    while size > 0:
        size -= 1
        row, column = stack[size] // columns, stack[size] % columns
        for r, c in ((row + 1, column), (row - 1, column), (row, column + 1), (row, column - 1)):
            if 0 <= r < rows and 0 <= c < columns and not kept[r, c] and water[r, c] == 0 and field[r, c] < far:
                kept[r, c] = True
                stack[size] = r * columns + c
                size += 1
    return np.where(kept, field, np.where(water == IN_WATER, np.float32(shore), far))
