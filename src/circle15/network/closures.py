"""The compiled kernels of closures: what changes when links close, from one search over all.

As in `search`, a kernel calls only kernels of its own file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from circle15.network.kernels import filling, filling_inner, woven
from circle15.network.search import NEVER, Arcs, Ragged, Work

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Whole = int | np.int64

_LOW = 2**32 - 1  # a heap key is the ticks above, the vertex in the low 32 bits


@filling_inner
def _push(heap: NDArray[np.int64], size: Whole, key: np.int64) -> Whole:
    at = size
    while at > 0:
        above = (at - 1) >> 1
        if heap[above] <= key:
            break
        heap[at] = heap[above]
        at = above
    heap[at] = key
    return size + 1


@filling_inner
def _pop(heap: NDArray[np.int64], size: Whole) -> Whole:
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


class Closing(NamedTuple):
    """What closes together: each link's candidate, or -1; per candidate, its arcs and the vertices that they leave."""

    candidate: NDArray[np.int32]
    first: NDArray[np.int64]
    arcs: NDArray[np.int32]
    tails: NDArray[np.int32]


class City(NamedTuple):
    """What the closures of one study share: the graph both ways, the candidates, and where origins come out.

    `doors` lists the vertices of each origin, `exits` the origins of each vertex, with the ticks between them.
    """

    onward: Arcs
    reversed: Arcs
    closing: Closing
    doors: Ragged
    exits: Ragged


class Service(NamedTuple):
    """Where one service is found: its seeds, each origin's straight way along its own piece, and two limits in ticks.

    Within `within` an origin is served; ways are looked for as far as `limit`. One search from all seeds as far as that
    has touched as many vertices as `touched` says.
    """

    vertices: NDArray[np.int32]
    ticks: NDArray[np.int32]
    straight: NDArray[np.int32]
    within: int
    limit: int
    touched: int


class Ways(NamedTuple):
    """Scratch of the closures of one service.

    Per vertex: its least seed (`NEVER` between services), how many first steps lie on a shortest way, and the ticks
    after a closure where the last of these is gone; the vertices `cut` off so; a heap. Per origin: ticks before any
    closure, and the last candidate that it was looked at for; the origins `found` to lose the service.
    """

    seed: NDArray[np.int32]
    heap: NDArray[np.int64]
    left: NDArray[np.int32]
    after: NDArray[np.int32]
    cut: NDArray[np.int32]
    before: NDArray[np.int64]
    seen: NDArray[np.int32]
    found: NDArray[np.int32]


@woven
def _prepare(city: City, service: Service, work: Work, ways: Ways) -> None:
    """For each vertex reached, count the first steps of its shortest ways; to have arrived counts as one."""
    (first, pairs, _), ticks, touched = city.onward, work.ticks, work.touched
    vertices, seeds, seed, left, before, seen = (
        service.vertices, service.ticks, ways.seed, ways.left, ways.before, ways.seen
    )  # fmt: skip
    for k in range(vertices.size):
        vertex = vertices[k]
        seed[vertex] = min(seed[vertex], seeds[k])
    for k in range(service.touched):
        vertex = touched[k]
        at = np.int64(ticks[vertex])
        left[vertex] = seed[vertex] == at
        for arc in range(first[vertex], first[vertex + 1]):
            if np.int64(ticks[pairs[arc] >> 32]) + (pairs[arc] & _LOW) == at:
                left[vertex] += 1
    for origin in range(before.size):
        before[origin] = _nearest(city, work, ways, service, origin)
        seen[origin] = -1


@woven
def _closes(candidates: NDArray[np.int32], link: int, candidate: int) -> bool:
    return link >= 0 and candidates[link] == candidate


@filling_inner
def _count_arcs(city: City, work: Work, ways: Ways, candidate: int, size: Whole, by: Whole) -> Whole:
    """Take one candidate's arcs away (`by` -1, from `size` 0), or put them back (`by` 1, from what that returned).

    Returns how many vertices have lost every shortest way; they are in `ways.cut`.
    """
    (_, pairs, _), (begins, back, links) = city.onward, city.reversed
    candidates, first, arcs, tails = city.closing
    ticks, left, lost = work.ticks, ways.left, ways.cut
    for k in range(first[candidate], first[candidate + 1]):
        arc, tail = arcs[k], tails[k]
        at = ticks[tail]
        if at != NEVER and np.int64(ticks[pairs[arc] >> 32]) + (pairs[arc] & _LOW) == at:
            left[tail] += by
            if left[tail] == 0:
                lost[size] = tail
                size += 1
    done = 0
    while done < size:
        vertex = lost[done]
        done += 1
        at = np.int64(ticks[vertex])
        for arc in range(begins[vertex], begins[vertex + 1]):
            tail = back[arc] >> 32
            shortest = at + (back[arc] & _LOW) == ticks[tail]
            if shortest and not _closes(candidates, links[arc], candidate):
                left[tail] += by
                if left[tail] == 0:
                    lost[size] = tail
                    size += 1
    return size


@filling_inner
def _detour(city: City, work: Work, ways: Ways, candidate: int, size: Whole, limit: int) -> None:
    """Ticks after the closure of the vertices cut off: over the rim, whose ticks have not changed, then inward.

    Each entry of the heap is owed to another arc or vertex.
    """
    (first, pairs, links), (begins, back, others) = city.onward, city.reversed
    candidates, ticks, seed, heap, left, after, lost = (
        city.closing.candidate, work.ticks, ways.seed, ways.heap, ways.left, ways.after, ways.cut
    )  # fmt: skip
    waiting: Whole = np.int64(0)
    for k in range(size):
        vertex = np.int64(lost[k])
        at = np.int64(seed[vertex])
        for arc in range(first[vertex], first[vertex + 1]):
            head = pairs[arc] >> 32
            kept = ticks[head] != NEVER and left[head] > 0
            if kept and not _closes(candidates, links[arc], candidate):
                at = min(at, np.int64(ticks[head]) + (pairs[arc] & _LOW))
        after[vertex] = at if at <= limit else NEVER
        if at <= limit:
            waiting = _push(heap, waiting, (at << 32) | vertex)
    while waiting > 0:
        key = heap[0]
        waiting = _pop(heap, waiting)
        vertex = key & _LOW
        at = key >> 32
        if at > after[vertex]:
            continue
        for arc in range(begins[vertex], begins[vertex + 1]):
            tail = np.int64(back[arc] >> 32)
            there = at + (back[arc] & _LOW)
            cut = ticks[tail] != NEVER and left[tail] == 0 and there <= limit
            if cut and there < after[tail] and not _closes(candidates, others[arc], candidate):
                after[tail] = there
                waiting = _push(heap, waiting, (there << 32) | tail)


@filling_inner
def _nearest(city: City, work: Work, ways: Ways, service: Service, origin: Whole) -> Whole:
    """Ticks of an origin's shortest way, closures heeded."""
    (first, items, walks), ticks, left, after = city.doors, work.ticks, ways.left, ways.after
    best = np.int64(service.straight[origin])
    for k in range(first[origin], first[origin + 1]):
        vertex = items[k]
        at = np.int64(ticks[vertex])
        if at != NEVER and left[vertex] == 0:
            at = np.int64(after[vertex])
        best = min(best, at + walks[k])
    return best if best <= service.limit else np.int64(NEVER)


@woven
def _unserved(city: City, work: Work, ways: Ways, service: Service, candidate: int, cut: Whole) -> int:
    """Origins that were served and are not after a closure; returns how many, they are in `ways.found`."""
    (first, items, _), within, hits = city.exits, service.within, 0
    lost, before, seen, found = ways.cut, ways.before, ways.seen, ways.found
    for k in range(cut):
        vertex = lost[k]
        for j in range(first[vertex], first[vertex + 1]):
            origin = np.int64(items[j])
            if before[origin] <= within and seen[origin] != candidate:
                seen[origin] = candidate
                if _nearest(city, work, ways, service, origin) > within:
                    found[hits] = origin
                    hits += 1
    return hits


@filling
def losses(
    city: City, service: Service, work: Work, ways: Ways, candidate: int, out: NDArray[np.int64]
) -> tuple[int, int]:
    """Who is served now, and no longer when one candidate closes, from one candidate on while there is room.

    `work` holds the ticks of every vertex, and so the number of first steps that lie on a shortest way. A closure takes
    some of these steps away; only vertices that lose their last one change, and only they are searched again, from
    their rim (Ramalingam and Reps 1996).

    Parameters
    ----------
    city, service
        What is given.
    work, ways : Work, Ways
        The search, and scratch that is made ready when the first candidate is asked for; they are left as they were.
    candidate : int
        The one to begin with.
    out : ndarray of int, shape (room, 4)
        To be filled: candidate, origin, ticks before, ticks after (`NEVER` beyond the limit); by candidate.

    Returns
    -------
    tuple of int
        The candidate after the last that there was room for, and how many losses there are.
    """
    none, one = np.int64(0), np.int64(1)  # one type for both calls below, so that one kernel is compiled
    if candidate == 0:
        _prepare(city, service, work, ways)
    size, fits, last, limit = 0, True, city.closing.first.size - 1, service.limit
    before, seen, found = ways.before, ways.seen, ways.found
    while fits and candidate < last:
        cut = _count_arcs(city, work, ways, candidate, none, -one)
        _detour(city, work, ways, candidate, cut, limit)
        hits = _unserved(city, work, ways, service, candidate, cut)
        fits = size + hits <= len(out)
        for k in range(hits):
            home = np.int64(found[k])
            if fits:
                out[size, 0], out[size, 1] = candidate, home
                out[size, 2], out[size, 3] = before[home], _nearest(city, work, ways, service, home)
                size += 1
            else:
                seen[home] = -1  # to be found again
        _count_arcs(city, work, ways, candidate, cut, one)
        candidate += fits
    return candidate, size
