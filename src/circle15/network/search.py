"""The compiled kernels of the search: walking times, and what changes when links close.

A kernel calls only kernels of its own file, because numba's cache watches no other: it would keep the old one after a
change. All searching is in whole ticks. Scratch arrays are allocated once and reused: after each search only what it
touched is put back, so that its cost does not depend on the size of the city. The kernels let go of the interpreter
lock; callers run them in plain threads.
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

    Whole = int | np.int64

NEVER = 2**31 - 1  # ticks of a vertex that was not reached
_LOW = 2**32 - 1  # a heap key is the ticks above, the vertex in the low 32 bits

_Kernel = TypeVar("_Kernel", bound="Callable[..., Any]")
_Answer = TypeVar("_Answer")


def compiled(kernel: _Kernel, *, door: bool = True) -> _Kernel:
    """Compile on the first call, keep the result on disk, and run without the interpreter lock."""
    options: dict[str, Any] = {"nogil": True, "no_cpython_wrapper": not door}
    try:
        ready = numba.njit(cache=True, **options)(kernel)
    except RuntimeError:  # numba finds no folder that it may write to: compile in every process
        ready = numba.njit(**options)(kernel)
    return cast("_Kernel", ready)


def inner(kernel: _Kernel) -> _Kernel:
    """Compile a kernel that only kernels call: without the door for Python, which takes long to make."""
    return compiled(kernel, door=False)


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


def scratch(arcs: Arcs, seeds: int) -> Work:
    """Scratch for searches from at most so many seeds at once."""
    vertices = arcs.first.size - 1
    return Work(
        np.full(vertices, NEVER, np.int32),
        np.empty(arcs.heads.size + seeds + 1, np.int64),
        np.empty(vertices, np.int32),
    )


# ------------------------------------------------------------------------------------------------------- the search


@inner
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


@inner
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


@compiled
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


@compiled
def clear(work: Work, count: int) -> None:
    """Put back what one search touched."""
    for k in range(count):
        work.ticks[work.touched[k]] = NEVER


@inner
def _offer(best: NDArray[np.int32], found: NDArray[np.int32], hits: int, target: int, ticks: int) -> int:
    """Note a way to a target; returns how many targets were found so far."""
    if ticks < best[target]:
        if best[target] == NEVER:
            found[hits] = target
            hits += 1
        best[target] = ticks
    return hits


@compiled
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


# ------------------------------------------------------------------------------------------------- what links are worth


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

    Within `within` an origin is served; ways are looked for as far as `limit`.
    """

    vertices: NDArray[np.int32]
    ticks: NDArray[np.int32]
    straight: NDArray[np.int32]
    within: int
    limit: int


class Ways(NamedTuple):
    """Scratch of the closures of one service.

    Per vertex: its least seed (`NEVER` between services), how many first steps lie on a shortest way, and the ticks
    after a closure where the last of these is gone; the vertices `cut` off so. Per origin: ticks before any closure,
    and the last candidate that it was looked at for; the origins `found` to lose the service.
    """

    seed: NDArray[np.int32]
    left: NDArray[np.int32]
    after: NDArray[np.int32]
    cut: NDArray[np.int32]
    before: NDArray[np.int64]
    seen: NDArray[np.int32]
    found: NDArray[np.int32]


@inner
def _count_ways(city: City, work: Work, ways: Ways, count: int) -> None:
    """For each vertex reached, count the first steps of its shortest ways; to have arrived counts as one."""
    for k in range(count):
        vertex = work.touched[k]
        at = np.int64(work.ticks[vertex])
        ways.left[vertex] = ways.seed[vertex] == at
        for arc in range(city.onward.first[vertex], city.onward.first[vertex + 1]):
            if np.int64(work.ticks[city.onward.heads[arc]]) + city.onward.ticks[arc] == at:
                ways.left[vertex] += 1


@inner
def _closes(city: City, link: int, candidate: int) -> bool:
    return link >= 0 and city.closing.candidate[link] == candidate


@inner
def _count_arcs(city: City, work: Work, ways: Ways, candidate: int, size: Whole, by: Whole) -> Whole:
    """Take one candidate's arcs away (`by` -1, from `size` 0), or put them back (`by` 1, from what that returned).

    Returns how many vertices have lost every shortest way; they are in `ways.cut`.
    """
    for k in range(city.closing.first[candidate], city.closing.first[candidate + 1]):
        arc, tail = city.closing.arcs[k], city.closing.tails[k]
        at = work.ticks[tail]
        if at != NEVER and np.int64(work.ticks[city.onward.heads[arc]]) + city.onward.ticks[arc] == at:
            ways.left[tail] += by
            if ways.left[tail] == 0:
                ways.cut[size] = tail
                size += 1
    done = 0
    while done < size:
        vertex = ways.cut[done]
        done += 1
        at = np.int64(work.ticks[vertex])
        for arc in range(city.reversed.first[vertex], city.reversed.first[vertex + 1]):
            tail = city.reversed.heads[arc]
            shortest = at + city.reversed.ticks[arc] == work.ticks[tail]
            if shortest and not _closes(city, city.reversed.links[arc], candidate):
                ways.left[tail] += by
                if ways.left[tail] == 0:
                    ways.cut[size] = tail
                    size += 1
    return size


@inner
def _detour(city: City, work: Work, ways: Ways, candidate: int, size: Whole, limit: int) -> None:
    """Ticks after the closure of the vertices cut off: over the rim, whose ticks have not changed, then inward.

    Each entry of the heap is owed to another arc or seed, as in `settle`.
    """
    heap = work.heap
    waiting = 0
    for k in range(size):
        vertex = np.int64(ways.cut[k])
        at = np.int64(ways.seed[vertex])
        for arc in range(city.onward.first[vertex], city.onward.first[vertex + 1]):
            head = city.onward.heads[arc]
            kept = work.ticks[head] != NEVER and ways.left[head] > 0
            if kept and not _closes(city, city.onward.links[arc], candidate):
                at = min(at, np.int64(work.ticks[head]) + city.onward.ticks[arc])
        ways.after[vertex] = at if at <= limit else NEVER
        if at <= limit:
            waiting = _push(heap, waiting, (at << 32) | vertex)
    while waiting > 0:
        key = heap[0]
        waiting = _pop(heap, waiting)
        vertex = key & _LOW
        at = key >> 32
        if at > ways.after[vertex]:
            continue
        for arc in range(city.reversed.first[vertex], city.reversed.first[vertex + 1]):
            tail = np.int64(city.reversed.heads[arc])
            there = at + city.reversed.ticks[arc]
            cut = work.ticks[tail] != NEVER and ways.left[tail] == 0 and there <= limit
            if cut and there < ways.after[tail] and not _closes(city, city.reversed.links[arc], candidate):
                ways.after[tail] = there
                waiting = _push(heap, waiting, (there << 32) | tail)


@inner
def _nearest(city: City, work: Work, ways: Ways, service: Service, origin: Whole) -> Whole:
    """Ticks of an origin's shortest way, closures heeded."""
    best = np.int64(service.straight[origin])
    for k in range(city.doors.first[origin], city.doors.first[origin + 1]):
        vertex = city.doors.items[k]
        at = np.int64(work.ticks[vertex])
        if at != NEVER and ways.left[vertex] == 0:
            at = np.int64(ways.after[vertex])
        best = min(best, at + city.doors.ticks[k])
    return best if best <= service.limit else np.int64(NEVER)


@inner
def _unserved(city: City, work: Work, ways: Ways, service: Service, candidate: int, cut: Whole) -> int:
    """Origins that were served and are not after a closure; returns how many, they are in `ways.found`."""
    hits = 0
    for k in range(cut):
        vertex = ways.cut[k]
        for j in range(city.exits.first[vertex], city.exits.first[vertex + 1]):
            origin = np.int64(city.exits.items[j])
            if ways.before[origin] <= service.within and ways.seen[origin] != candidate:
                ways.seen[origin] = candidate
                if _nearest(city, work, ways, service, origin) > service.within:
                    ways.found[hits] = origin
                    hits += 1
    return hits


@compiled
def losses(city: City, service: Service, work: Work, ways: Ways) -> NDArray[np.int64]:
    """Who is served now, and no longer when one candidate closes.

    One search from all seeds of the service gives every vertex its ticks and the number of first steps that lie on a
    shortest way. A closure takes some of these steps away; only vertices that lose their last one change, and only
    they are searched again, from their rim (Ramalingam and Reps 1996).

    Returns
    -------
    ndarray of int, shape (losses, 4)
        Candidate, origin, ticks before, ticks after (`NEVER` beyond the limit); by candidate.
    """
    for k in range(service.vertices.size):
        vertex = service.vertices[k]
        ways.seed[vertex] = min(ways.seed[vertex], service.ticks[k])
    count = settle(city.reversed, service.vertices, service.ticks, service.limit, work)
    _count_ways(city, work, ways, count)
    for origin in range(ways.before.size):
        ways.before[origin] = _nearest(city, work, ways, service, origin)
        ways.seen[origin] = -1
    none, one = np.int64(0), np.int64(1)  # one type for both calls below, so that one kernel is compiled
    found = np.empty((256, 4), np.int64)
    size = 0
    for candidate in range(city.closing.first.size - 1):
        cut = _count_arcs(city, work, ways, candidate, none, -one)
        _detour(city, work, ways, candidate, cut, service.limit)
        hits = _unserved(city, work, ways, service, candidate, cut)
        for k in range(hits):
            home = np.int64(ways.found[k])
            if size == len(found):
                found = np.concatenate((found, np.empty_like(found)))
            found[size, 0], found[size, 1] = candidate, home
            found[size, 2], found[size, 3] = ways.before[home], _nearest(city, work, ways, service, home)
            size += 1
        _count_arcs(city, work, ways, candidate, cut, one)
    clear(work, count)
    for k in range(service.vertices.size):
        ways.seed[service.vertices[k]] = NEVER
    return found[:size]
