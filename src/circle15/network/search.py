"""The compiled kernels: every numba function of circle15 is in this file.

They share one file because numba's cache watches only the file of the function itself: a kernel that calls another
file's kernel would keep the old one after a change. All searching is in whole ticks. Scratch arrays are allocated once
and reused: after each search only what it touched is put back, so that its cost does not depend on the size of the
city. The kernels let go of the interpreter lock; callers run them in plain threads.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast

import numba
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

NEVER = 2**31 - 1  # ticks of a vertex that was not reached
BESIDE_WATER, IN_WATER = 1, 2  # grid nodes on land within half a cell of water, and in water
DECK_CELLS = 0.75  # how wide a bridge is drawn to either side; a node of every cell that it crosses is nearer
_LOW = 2**32 - 1  # a heap key is the ticks above, the vertex in the low 32 bits

_Kernel = TypeVar("_Kernel", bound="Callable[..., Any]")
_Answer = TypeVar("_Answer")


def _compiled(kernel: _Kernel) -> _Kernel:
    """Compile on the first call, keep the result on disk, and run without the interpreter lock."""
    try:
        ready = numba.njit(cache=True, nogil=True)(kernel)
    except RuntimeError:  # numba finds no folder that it may write to: compile in every process
        ready = numba.njit(nogil=True)(kernel)
    return cast("_Kernel", ready)


def in_threads(task: Callable[[int, int], _Answer], count: int) -> list[_Answer]:
    """Answers of `task(low, high)` over runs that make up `range(count)`, in order, on every processor."""
    threads = os.cpu_count() or 1
    runs = min(count, 8 * threads)  # more runs than threads, so that none waits long for another
    bounds = np.linspace(0, count, runs + 1).astype(int).tolist()
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(task, bounds[:-1], bounds[1:]))


class Arcs(NamedTuple):
    """A directed graph: the arcs that leave vertex v are at `first[v]` to `first[v + 1]`.

    `links` is the row of the streets table, or -1 for an arc of no length between two copies of one node.
    """

    first: NDArray[np.int64]
    heads: NDArray[np.int32]
    ticks: NDArray[np.int32]
    links: NDArray[np.int32]


class Ragged(NamedTuple):
    """Lists of (item, ticks): list k is at `first[k]` to `first[k + 1]`."""

    first: NDArray[np.int64]
    items: NDArray[np.int32]
    ticks: NDArray[np.int32]


class Work(NamedTuple):
    """Scratch of one search: ticks per vertex (`NEVER` between searches), the heap, the vertices touched."""

    ticks: NDArray[np.int32]
    heap: NDArray[np.int64]
    touched: NDArray[np.int32]


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


# ------------------------------------------------------------------------------------------------------- the search


@_compiled
def _push(heap: NDArray[np.int64], size: int, key: np.int64) -> int:
    at = size
    while at > 0:
        above = (at - 1) >> 1
        if heap[above] <= key:
            break
        heap[at] = heap[above]
        at = above
    heap[at] = key
    return size + 1


@_compiled
def _pop(heap: NDArray[np.int64], size: int) -> int:
    size -= 1
    key = heap[size]
    at = 0
    below = 1
    while below < size:
        if below + 1 < size and heap[below + 1] < heap[below]:
            below += 1
        if heap[below] >= key:
            break
        heap[at] = heap[below]
        at = below
        below = 2 * at + 1
    heap[at] = key
    return size


@_compiled
def settle(arcs: Arcs, vertices: NDArray[np.int32], ticks: NDArray[np.int32], limit: int, work: Work) -> int:
    """Walk from several seeds at once as far as `limit`, inclusive (Dijkstra 1959, binary heap, lazy deletion).

    `work.ticks` must hold `NEVER` everywhere; it then holds the ticks of the `work.touched` vertices, whose number is
    returned. Each arc enters the heap at most once, so a heap of arcs + seeds is large enough.
    """
    reached, heap, touched = work.ticks, work.heap, work.touched
    size = 0
    count = 0
    for k in range(vertices.size):
        vertex = np.int64(vertices[k])
        at = np.int64(ticks[k])
        if at <= limit and at < reached[vertex]:
            if reached[vertex] == NEVER:
                touched[count] = vertex
                count += 1
            reached[vertex] = at
            size = _push(heap, size, (at << 32) | vertex)
    while size > 0:
        key = heap[0]
        size = _pop(heap, size)
        vertex = key & _LOW
        at = key >> 32
        if at > reached[vertex]:
            continue
        for arc in range(arcs.first[vertex], arcs.first[vertex + 1]):
            head = np.int64(arcs.heads[arc])
            there = at + arcs.ticks[arc]
            if there <= limit and there < reached[head]:
                if reached[head] == NEVER:
                    touched[count] = head
                    count += 1
                reached[head] = there
                size = _push(heap, size, (there << 32) | head)
    return count


@_compiled
def clear(work: Work, count: int) -> None:
    """Put back what one search touched."""
    for k in range(count):
        work.ticks[work.touched[k]] = NEVER


@_compiled
def _offer(best: NDArray[np.int32], found: NDArray[np.int32], hits: int, target: int, ticks: int) -> int:
    """Note a way to a target; returns how many targets were found so far."""
    if ticks < best[target]:
        if best[target] == NEVER:
            found[hits] = target
            hits += 1
        best[target] = ticks
    return hits


@_compiled
def times(arcs: Arcs, seeds: Ragged, exits: Ragged, direct: Ragged, limit: int, targets: int) -> Ragged:
    """Ticks to each source from the targets that reach it: one search per list of `seeds`.

    Parameters
    ----------
    arcs : Arcs
        The reversed graph.
    seeds : Ragged
        Per source, vertices and the ticks from there to the source.
    exits : Ragged
        Per vertex, the targets that come out there and the ticks from the target to the vertex.
    direct : Ragged
        Per source, targets on the same piece and the ticks of walking straight there.
    limit : int
        Ticks, inclusive.
    targets : int
        Number of targets.

    Returns
    -------
    Ragged
        Per source, the targets within the limit and their least ticks.
    """
    vertices = arcs.first.size - 1
    work = Work(
        np.full(vertices, NEVER, np.int32),
        np.empty(arcs.heads.size + seeds.items.size, np.int64),
        np.empty(vertices, np.int32),
    )
    best = np.full(targets, NEVER, np.int32)
    found = np.empty(targets, np.int32)
    sources = seeds.first.size - 1
    first = np.zeros(sources + 1, np.int64)
    items = np.empty(1024, np.int32)
    ticks = np.empty(1024, np.int32)
    for source in range(sources):
        low, high = seeds.first[source], seeds.first[source + 1]
        count = settle(arcs, seeds.items[low:high], seeds.ticks[low:high], limit, work)
        hits = 0
        for k in range(direct.first[source], direct.first[source + 1]):
            if direct.ticks[k] <= limit:
                hits = _offer(best, found, hits, direct.items[k], direct.ticks[k])
        for j in range(count):
            vertex = work.touched[j]
            for k in range(exits.first[vertex], exits.first[vertex + 1]):
                there = np.int64(work.ticks[vertex]) + exits.ticks[k]
                if there <= limit:
                    hits = _offer(best, found, hits, exits.items[k], there)
        clear(work, count)
        start = first[source]
        if start + hits > items.size:
            room = max(2 * items.size, start + hits)
            items = np.append(items[:start], np.empty(room - start, np.int32))
            ticks = np.append(ticks[:start], np.empty(room - start, np.int32))
        for k in range(hits):
            items[start + k] = found[k]
            ticks[start + k] = best[found[k]]
            best[found[k]] = NEVER
        first[source + 1] = start + hits
    return Ragged(first, items[: first[sources]], ticks[: first[sources]])


# -------------------------------------------------------------------------------------------------- reached streets


@_compiled
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


@_compiled
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


@_compiled
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


@_compiled
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
