"""The compiled kernels of the search: walking times over a packed graph, in whole ticks.

A kernel calls only kernels of its own file, because numba's cache watches no other: it would keep the old one after a
change. Scratch arrays are allocated once and reused: after each search only what it touched is put back, so that its
cost does not depend on the size of the city. The kernels let go of the interpreter lock; callers run them in plain
threads.

The queue is a row of buckets, each 64 to 4096 ticks wide, and within a bucket labels are corrected as better ones
come (Dial 1969; Meyer and Sanders 2003): as exact as a heap, at half its cost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from circle15.network.kernels import compiled, filling, filling_inner, inner, woven

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Whole = int | np.int64

NEVER = 2**31 - 1  # ticks of a vertex that was not reached, and of a link that nobody may use
_LOW = 2**32 - 1  # an entry of the queue is the ticks above, the vertex in the low 32 bits
_NARROW = 6  # buckets are at least 2 ** 6 ticks wide: measured as the best width on streets
_BUCKETS = 4096  # and never more than this, so that they stay in the nearest cache
_WIDEST = 12  # nor wider than 2 ** 12 ticks: the last holds all that is farther than 19 days
_EMPTY = np.uint32(_LOW)
_NEXT = np.uint32(1)


class Arcs(NamedTuple):
    """A directed graph: the arcs that leave vertex v are at `first[v]` to `first[v + 1]`.

    `pairs` holds head and ticks of an arc in one number, head above: one look into memory for both. `links` is the
    caller's number of the link, or -1 for an arc between two copies of one node; empty where nobody asks. The last two
    arcs are padding.
    """

    first: NDArray[np.uint32]
    pairs: NDArray[np.int64]
    links: NDArray[np.int32]

    @property
    def heads(self) -> NDArray[np.int32]:
        """The vertex that each arc leads to."""
        return self.pairs.astype("<i8", copy=False).view("<i4")[1::2]

    @property
    def ticks(self) -> NDArray[np.int32]:
        """How long each arc takes."""
        return self.pairs.astype("<i8", copy=False).view("<i4")[::2]


class Ragged(NamedTuple):
    """Lists of (item, ticks): list k is at `first[k]` to `first[k + 1]`."""

    first: NDArray[np.int64]
    items: NDArray[np.int32]
    ticks: NDArray[np.int32]


class Work(NamedTuple):
    """Scratch of one search: ticks per vertex (`NEVER` between searches), the vertices touched, and the queue.

    The queue: the first slot of each bucket, and per slot its entry and the slot after it. Slots that are not in use
    hang together as well, from `free[0]`, each by how far beyond its neighbour the one after it is: those that never
    were in use are zeros that nobody wrote, and take no memory.
    """

    ticks: NDArray[np.int32]
    touched: NDArray[np.int32]
    bucket: NDArray[np.uint32]
    entry: NDArray[np.int64]
    after: NDArray[np.uint32]
    free: NDArray[np.uint32]


def scratch(arcs: Arcs, seeds: int = 0) -> Work:  # noqa: ARG001  the queue no longer grows with the seeds
    """Scratch for searches on a graph."""
    vertices = arcs.first.size - 1
    widest = int(np.diff(arcs.first).max(initial=0))
    slots = vertices + vertices // 4 + widest + 64  # room for one live entry each, and for some that are out of date
    return Work(
        np.full(vertices, NEVER, np.int32),
        np.empty(vertices, np.int32),
        np.full(_BUCKETS, _EMPTY, np.uint32),
        np.empty(slots, np.int64),
        np.zeros(slots, np.uint32),
        np.zeros(1, np.uint32),
    )


# ------------------------------------------------------------------------------------------------- packing the graph


@filling
def hilbert(x: NDArray[np.int64], y: NDArray[np.int64], bits: int, keys: NDArray[np.int64]) -> None:
    """Fill in positions of cells along a Hilbert curve, above; their own number, in the low 32 bits (Hilbert 1891)."""
    for k in range(x.size):
        along, column, row = np.int64(0), x[k], y[k]
        for level in range(bits - 1, -1, -1):
            right, up = (column >> level) & 1, (row >> level) & 1
            along = (along << 2) | ((3 * right) ^ up)
            if up == 0:
                if right == 1:
                    column, row = ~column, ~row
                column, row = row, column
        keys[k] = (along << 32) | k


@filling
def pack(
    tails: NDArray[np.int32], heads: NDArray[np.int32], ticks: NDArray[np.int32], rank: NDArray[np.int32], out: Arcs
) -> None:
    """Fill in the arcs in the order of the vertex that they leave; `out.first` holds zeros, one more than it will.

    Links are left out where there is no room for them.
    """
    first, pairs, links = out.first, out.pairs, out.links
    for k in range(tails.size):
        first[np.uint32(rank[np.uint32(tails[k])]) + 2] += np.uint32(1)
    for v in range(rank.size):
        first[v + 2] += first[v + 1]
    for k in range(tails.size):
        tail = np.uint32(rank[np.uint32(tails[k])]) + 1
        place = first[tail]
        first[tail] = place + np.uint32(1)
        pairs[place] = (np.int64(rank[np.uint32(heads[k])]) << 32) | np.int64(ticks[k])
        if links.size > 0:
            links[place] = k


# ------------------------------------------------------------------------------------------------------- the search


@woven
def _bucket(ticks: Whole, shift: int) -> np.uint32:
    return np.uint32(min(ticks >> shift, _BUCKETS - 1))


@filling_inner
def _push(work: Work, free: np.uint32, bucket: np.uint32, entry: Whole) -> np.uint32:
    """Put an entry in front of its bucket; returns the next free slot."""
    slot = free
    free = np.uint32(slot + work.after[slot] + _NEXT)
    work.entry[slot] = entry
    work.after[slot] = work.bucket[bucket]
    work.bucket[bucket] = slot
    return free


@filling_inner
def _sweep(work: Work, free: np.uint32) -> tuple[np.uint32, int]:
    """Take out every entry that a better one has overtaken; returns the next free slot and how many are left."""
    left = 0
    for bucket in range(work.bucket.size):
        slot = work.bucket[bucket]
        work.bucket[bucket] = _EMPTY
        while slot != _EMPTY:
            after = work.after[slot]
            if work.entry[slot] >> 32 == work.ticks[np.uint32(work.entry[slot])]:
                work.after[slot] = work.bucket[bucket]
                work.bucket[bucket] = slot
                left += 1
            else:
                work.after[slot] = np.uint32(free - slot - _NEXT)
                free = slot
            slot = after
    return free, left


@woven
def _seed(
    work: Work, vertices: NDArray[np.int32], ticks: NDArray[np.int32], limit: int, shift: int
) -> tuple[np.uint32, int, int]:
    """Put the seeds in the queue; returns the next free slot, how many wait there, and how many were touched."""
    reached, free = work.ticks, work.free[0]
    waiting = count = 0
    for k in range(vertices.size):
        seed = np.uint32(vertices[k])
        start = np.int64(ticks[k])
        if start <= limit and start < reached[seed]:
            if reached[seed] == NEVER:
                work.touched[count] = seed
                count += 1
            reached[seed] = start
            if waiting == work.entry.size:
                free, waiting = _sweep(work, free)
            free = _push(work, free, _bucket(start, shift), (start << 32) | np.int64(seed))
            waiting += 1
    return free, waiting, count


@filling
def settle(arcs: Arcs, vertices: NDArray[np.int32], ticks: NDArray[np.int32], limit: int, work: Work) -> int:
    """Walk from several seeds at once as far as `limit`, inclusive.

    `work.ticks` must hold `NEVER` everywhere; it then holds the ticks of the `work.touched` vertices, whose number is
    returned. (It may also hold ways that are known already: then only what the seeds shorten is touched again.)
    """
    reached, touched, room = work.ticks, work.touched, work.entry.size
    shift = _NARROW
    while limit >> shift >= _BUCKETS and shift < _WIDEST:
        shift += 1
    free, waiting, count = _seed(work, vertices, ticks, limit, shift)
    bucket = np.uint64(0)
    while waiting > 0:
        slot = work.bucket[bucket]
        if slot == _EMPTY:
            bucket += np.uint64(1)
            continue
        key = work.entry[slot]
        work.bucket[bucket] = work.after[slot]
        work.after[slot] = np.uint32(free - slot - _NEXT)
        free = slot
        waiting -= 1
        vertex = np.uint32(key)
        at = key >> 32
        if at > reached[vertex]:
            continue
        low, high = arcs.first[vertex], arcs.first[vertex + np.uint32(1)]
        if waiting + np.int64(high - low) > room:
            free, waiting = _sweep(work, free)
        for arc in range(low, high):
            pair = arcs.pairs[arc]
            head = np.uint32(pair >> 32)
            there = at + (pair & _LOW)
            if there <= limit and there < reached[head]:
                if reached[head] == NEVER:
                    touched[np.uint32(count)] = head
                    count += 1
                reached[head] = there
                free = _push(work, free, _bucket(there, shift), (there << 32) | np.int64(head))
                waiting += 1
    work.free[0] = free
    return count


class Seeds(NamedTuple):
    """Where one search begins: vertices, ascending, and the ticks there; 2 ** `stretch` vertices are done at a time."""

    vertices: NDArray[np.int32]
    ticks: NDArray[np.int32]
    stretch: int


@filling
def nearest(arcs: Arcs, seeds: Seeds, limit: int, rank: NDArray[np.int32], out: NDArray[np.int32], work: Work) -> None:
    """Ticks from every node to the nearest seed; `out` is in the caller's order, and `work` is cleared.

    The seeds of one stretch of the Hilbert curve after the other, so that what is searched stays in the cache; each
    stretch corrects those before it, and the last answer is the same.
    """
    low = 0
    for k in range(1, seeds.vertices.size + 1):
        if k == seeds.vertices.size or seeds.vertices[k] >> seeds.stretch != seeds.vertices[low] >> seeds.stretch:
            settle(arcs, seeds.vertices[low:k], seeds.ticks[low:k], limit, work)
            low = k
    for node in range(rank.size):
        out[node] = work.ticks[np.uint32(rank[node])]
    for vertex in range(work.ticks.size):
        work.ticks[vertex] = NEVER


def clear(work: Work, count: int) -> None:
    """Put back what one search touched."""
    work.ticks[work.touched[:count]] = NEVER


# ------------------------------------------------------------------------------------------------------- the counts


class Tally(NamedTuple):
    """What is counted per vertex and ring: places, and what they hold (no rows when that is not asked).

    A ring lies between one cut-off and the next; `cutoffs` ascend.
    """

    cutoffs: NDArray[np.int64]
    places: NDArray[np.int32]
    holds: NDArray[np.int64]


@filling_inner
def _ring(cutoffs: NDArray[np.int64], ticks: Whole) -> int:
    ring = 0
    for k in range(cutoffs.size):
        ring += cutoffs[k] < ticks
    return ring


@filling_inner
def _same(seeds: Ragged, one: int, other: int) -> bool:
    """Whether two places, one after the other, are entered alike."""
    size = seeds.first[one + 1] - seeds.first[one]
    if other + 1 >= seeds.first.size or seeds.first[other + 1] - seeds.first[other] != size:
        return False
    for k in range(seeds.first[one], seeds.first[one + 1]):
        if seeds.items[k] != seeds.items[k + size] or seeds.ticks[k] != seeds.ticks[k + size]:
            return False
    return True


@filling
def tally(arcs: Arcs, seeds: Ragged, holds: NDArray[np.int64], sign: int, table: Tally, work: Work) -> None:
    """Count each place at every vertex that reaches it: one search per list of `seeds`, fewer when neighbours agree.

    `sign` 1 counts, -1 takes back.
    """
    limit = table.cutoffs[table.cutoffs.size - 1]
    many, held = np.int64(0), np.int64(0)
    for place in range(seeds.first.size - 1):
        many += sign
        held += sign * holds[place] if holds.size else 0
        if _same(seeds, place, place + 1):
            continue
        low, high = seeds.first[place], seeds.first[place + 1]
        count = settle(arcs, seeds.items[low:high], seeds.ticks[low:high], limit, work)
        for k in range(count):
            vertex = np.uint32(work.touched[k])
            ring = _ring(table.cutoffs, work.ticks[vertex])
            work.ticks[vertex] = NEVER
            table.places[vertex, ring] += many
            if held:
                table.holds[vertex, ring] += held
        many, held = np.int64(0), np.int64(0)


@filling
def gather(rings: NDArray[Any], rank: NDArray[np.int32], out: NDArray[Any]) -> None:
    """Add the rings of every node up to cut-offs, in the caller's order, and empty them."""
    for node in range(rank.size):
        vertex = np.uint32(rank[node])
        total = rings[vertex, 0]
        out[node, 0] += total
        rings[vertex, 0] = 0
        for k in range(1, rings.shape[1]):
            total += rings[vertex, k]
            out[node, k] += total
            rings[vertex, k] = 0


# --------------------------------------------------------------------------------------- pairs of places and origins


class Plan(NamedTuple):
    """One search per list of `seeds`: the graph, the targets that come out at each vertex, and straight ways.

    `direct` lists, per source, targets on the same link and the ticks of walking straight there.
    """

    arcs: Arcs
    seeds: Ragged
    exits: Ragged
    direct: Ragged


class Found(NamedTuple):
    """Scratch over targets: least ticks (`NEVER` between searches), and the targets found."""

    best: NDArray[np.int32]
    target: NDArray[np.int32]


@filling_inner
def _offer(found: Found, hits: Whole, target: np.uint32, ticks: Whole) -> Whole:
    """Note a way to a target; returns how many targets were found so far."""
    if ticks < found.best[target]:
        if found.best[target] == NEVER:
            found.target[np.uint32(hits)] = target
            hits += 1
        found.best[target] = ticks
    return hits


@woven
def _hits(plan: Plan, source: int, limit: int, found: Found, work: Work) -> Whole:
    """Search from one source and note the targets within the limit; returns how many. `work` is cleared.

    Without exits nothing is noted or cleared: what is found are the vertices touched.
    """
    low, high = plan.seeds.first[source], plan.seeds.first[source + 1]
    count = settle(plan.arcs, plan.seeds.items[low:high], plan.seeds.ticks[low:high], limit, work)
    if plan.exits.first.size == 0:
        return count
    hits: Whole = np.int64(0)  # whole numbers of one type, so that `_offer` is compiled once
    for k in range(plan.direct.first[source], plan.direct.first[source + 1]):
        if plan.direct.ticks[k] <= limit:
            hits = _offer(found, hits, np.uint32(plan.direct.items[k]), np.int64(plan.direct.ticks[k]))
    for j in range(count):
        vertex = np.uint32(work.touched[j])
        for k in range(plan.exits.first[vertex], plan.exits.first[vertex + np.uint32(1)]):
            out = np.uint32(k)
            there = np.int64(work.ticks[vertex]) + plan.exits.ticks[out]
            if there <= limit:
                hits = _offer(found, hits, np.uint32(plan.exits.items[out]), there)
        work.ticks[vertex] = NEVER
    return hits


@filling_inner
def _sort(values: NDArray[np.int32], size: Whole) -> None:
    """Sort the first `size` values, where they are (comb sort: Lacey and Box 1991)."""
    gap, moved = size, True
    while gap > 1 or moved:
        gap = gap * 10 // 13 if gap > 1 else 1
        moved = False
        for k in range(size - gap):
            if values[k] > values[k + gap]:
                values[k], values[k + gap] = values[k + gap], values[k]
                moved = True


@filling
def times(plan: Plan, limit: int, begun: tuple[int, Ragged], found: Found, work: Work) -> int:
    """List what each source finds within the limit, inclusive, and when, from one source on while there is room.

    Targets ascend; a plan without exits lists the vertices themselves, in no order: `found` is made of `work` then.

    Parameters
    ----------
    plan : Plan
        The searches.
    limit : int
        Ticks.
    begun : tuple of int and Ragged
        The source to begin with, and where to write; list 0 is that of this source.
    found, work : Found, Work
        Scratch.

    Returns
    -------
    int
        The source after the last that there was room for.
    """
    source, (first, items, ticks) = begun
    size: Whole = 0
    own = source
    while source < plan.seeds.first.size - 1:
        hits = _hits(plan, source, limit, found, work)
        fits = size + hits <= items.size
        if fits and plan.exits.first.size > 0:
            _sort(found.target, hits)
        for k in range(hits):
            target = np.uint32(found.target[k])
            if fits:
                items[size + k], ticks[size + k] = target, found.best[target]
            found.best[target] = NEVER
        if not fits:
            return source
        size, source = size + hits, source + 1
        first[source - own] = size
    return source


# -------------------------------------------------------------------------------------------- routes and second runs


class Tree(NamedTuple):
    """Shortest ways from the seeds: per vertex its ticks, the row of the vertex before it (-1: none), and the link."""

    vertices: NDArray[np.int32]
    ticks: NDArray[np.int32]
    before: NDArray[np.int32]
    links: NDArray[np.int32]


@compiled
def tree(arcs: Arcs, vertices: NDArray[np.int32], ticks: NDArray[np.int32], limit: int, work: Work) -> Tree:
    """A shortest way to every vertex within the limit, whatever the order of search; `work` is cleared.

    Vertices are listed along the ways, each after the one before it. A vertex that is listed holds -1 - ticks.
    """
    count = settle(arcs, vertices, ticks, limit, work)
    found = Tree(
        np.empty(count, np.int32), np.empty(count, np.int32), np.empty(count, np.int32), np.empty(count, np.int32)
    )
    size = done = 0
    for k in range(vertices.size):
        seed = np.uint32(vertices[k])
        if work.ticks[seed] == ticks[k] and ticks[k] <= limit:
            found.vertices[size], found.ticks[size], found.before[size], found.links[size] = seed, ticks[k], -1, -1
            work.ticks[seed] = -1 - work.ticks[seed]
            size += 1
    while done < size:
        vertex = np.uint32(found.vertices[done])
        for arc in range(arcs.first[vertex], arcs.first[vertex + np.uint32(1)]):
            head = np.uint32(arcs.pairs[arc] >> 32)
            there = found.ticks[done] + (arcs.pairs[arc] & _LOW)
            if there <= limit and work.ticks[head] == there:
                found.vertices[size], found.ticks[size] = head, there
                found.before[size], found.links[size] = done, arcs.links[arc]
                work.ticks[head] = -1 - there
                size += 1
        done += 1
    for k in range(count):
        work.ticks[np.uint32(work.touched[k])] = NEVER
    return found


@inner
def _spread(arcs: Arcs, suspects: NDArray[np.int32], limit: int, work: Work) -> int:
    """Mark, as -1 - ticks, all whose shortest way can lead by a suspect; returns how many `work.touched` lists."""
    reached, touched = work.ticks, work.touched
    size = done = 0
    for k in range(suspects.size):
        vertex = np.uint32(suspects[k])
        if 0 <= reached[vertex] < NEVER:
            reached[vertex] = -1 - reached[vertex]
            touched[size] = vertex
            size += 1
    while done < size:
        vertex = np.uint32(touched[done])
        at = -1 - np.int64(reached[vertex])
        for arc in range(arcs.first[vertex], arcs.first[vertex + np.uint32(1)]):
            head = np.uint32(arcs.pairs[arc] >> 32)
            there = at + (arcs.pairs[arc] & _LOW)
            if there <= limit and there == reached[head]:
                reached[head] = -1 - there
                touched[size] = head
                size += 1
        done += 1
    return size


@compiled
def loosen(searched: Arcs, against: Arcs, suspects: NDArray[np.int32], limit: int, work: Work) -> Ragged:
    """Forget what may have changed, and say where to search on (after Ramalingam and Reps 1996).

    `work.ticks` holds the answer before. Every vertex whose shortest way can lead by a suspect is put back to `NEVER`:
    some that need not be, where ways are equally short, but never too few, even with arcs of no ticks.

    Parameters
    ----------
    searched, against : Arcs
        The graph after the change, in the direction of search and turned round.
    suspects : ndarray of int
        Vertices whose ticks rested on what is gone.
    limit : int
        Ticks, inclusive.
    work : Work
        Its ticks are changed.

    Returns
    -------
    Ragged
        One list: the vertices put back that have a neighbour still standing, and the ticks by way of it.
    """
    size = _spread(searched, suspects, limit, work)
    rim = Ragged(np.zeros(2, np.int64), np.empty(size, np.int32), np.empty(size, np.int32))
    for k in range(size):
        vertex = np.uint32(work.touched[k])
        best = np.int64(NEVER)
        for arc in range(against.first[vertex], against.first[vertex + np.uint32(1)]):
            at = np.int64(work.ticks[np.uint32(against.pairs[arc] >> 32)])
            if at >= 0:
                best = min(best, at + (against.pairs[arc] & _LOW))
        if best <= limit:
            rim.items[rim.first[1]], rim.ticks[rim.first[1]] = vertex, best
            rim.first[1] += 1
    for k in range(size):
        work.ticks[np.uint32(work.touched[k])] = NEVER
    return Ragged(rim.first, rim.items[: rim.first[1]], rim.ticks[: rim.first[1]])
