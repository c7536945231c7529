"""The compiled kernels of the forward search: sixteen origins that stand near each other are searched for in one go.

Neighbours walk the same streets. So each vertex that any of them reaches has one row of ticks, a lane for each origin,
and an arc is taken for a whole row in a few instructions (as Delling et al. 2011 do in a sweep over all vertices). A
vertex waits in the queue once for all: first for the nearest of the origins; when another turns out nearer than thought
after it was left, it is left again, early enough that few others must be. Every answer is that of a search of its own.

As in `search`, a kernel calls only kernels of its own file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from circle15.network.kernels import filling, filling_inner, woven
from circle15.network.search import NEVER

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from circle15.network.search import Arcs, Plan, Ragged

    Whole = int | np.int64

LANES = 16
_EARLY = 10  # a vertex is left again so many links before its ticks, about as far as sixteen origins stand apart,
_PART = 4  # and not more than one part in so many of the limit: measured on streets
_NARROW, _WIDEST, _BUCKETS = 6, 12, 4096  # as in `search`; a kernel that is kept would not see them change there
_LOW = 2**32 - 1

# ------------------------------------------------------------------------------------------ a row in one instruction

_Code = Any  # what numba and llvmlite hand over has no types
_instruction = cast("Callable[[Callable[..., _Code]], Callable[..., Any]]", intrinsic)
_ONE, _WIDE, _ROW = ir.IntType(32), ir.IntType(64), ir.VectorType(ir.IntType(32), LANES)


def _spread(builder: _Code, value: _Code) -> _Code:
    """A row that holds one number in every lane."""
    nothing = ir.Constant(_ROW, ir.Undefined)
    first = builder.insert_element(nothing, value, ir.Constant(_ONE, 0))
    return builder.shuffle_vector(first, nothing, ir.Constant(_ROW, [0] * LANES))


def _at(context: _Code, builder: _Code, kind: _Code, rows: _Code, row: _Code) -> _Code:
    """Where a row of a table is kept."""
    first = context.make_array(kind)(context, builder, rows).data
    lane = builder.mul(builder.zext(row, _WIDE), ir.Constant(_WIDE, LANES))
    return builder.bitcast(builder.gep(first, [lane]), _ROW.as_pointer())


def _least(builder: _Code, row: _Code) -> _Code:
    """The least number of a row."""
    module, name = builder.module, f"llvm.vector.reduce.umin.v{LANES}i32"
    least = module.globals.get(name) or ir.Function(module, ir.FunctionType(_ONE, [_ROW]), name)
    return builder.zext(builder.call(least, [row]), _WIDE)


@_instruction
def _fill(_: _Code, rows: _Code, row: _Code, value: _Code) -> _Code:
    """Put one number in every lane of a row."""

    def write(context: _Code, builder: _Code, signature: _Code, given: _Code) -> _Code:
        builder.store(_spread(builder, given[2]), _at(context, builder, signature.args[0], *given[:2]), align=4)
        return context.get_dummy_value()

    return types.void(rows, row, value), write


@_instruction
def _lower(_: _Code, rows: _Code, row: _Code, ticks: _Code, goals: _Code, goal: _Code) -> _Code:
    """Lower each lane of a goal to a row and some ticks, where it is higher.

    Returns the least of the lanes that were lowered (`_LOW`: there are none), above; and of all lanes, below.
    """

    def write(context: _Code, builder: _Code, signature: _Code, given: _Code) -> _Code:
        start = builder.load(_at(context, builder, signature.args[0], *given[:2]), align=4)
        there = builder.add(start, _spread(builder, given[2]))
        kept = _at(context, builder, signature.args[3], *given[3:])
        before = builder.load(kept, align=4)
        better = builder.icmp_unsigned("<", there, before)
        after = builder.select(better, there, before)
        builder.store(after, kept, align=4)
        gain = _least(builder, builder.select(better, there, ir.Constant(_ROW, [_LOW] * LANES)))
        return builder.or_(builder.shl(gain, ir.Constant(_WIDE, 32)), _least(builder, after))

    return types.uint64(rows, row, ticks, goals, goal), write


# -------------------------------------------------------------------------------------------------------- the search


class Table(NamedTuple):
    """Rows of ticks for the items that are met: the row of each item (`NEVER`: none), and the item of each row."""

    row: NDArray[np.int32]
    item: NDArray[np.int32]
    ticks: NDArray[np.uint32]


class Queue(NamedTuple):
    """When each row of a vertex is due (`NEVER`: it does not wait), and the first of each bucket.

    Those of a bucket hang together, each from the one `before` it; there is one row more, so that the last has a next.
    """

    due: NDArray[np.int32]
    before: NDArray[np.uint32]
    after: NDArray[np.uint32]
    bucket: NDArray[np.uint32]


class Crowd(NamedTuple):
    """Scratch of a graph: the vertices met, the queue, and how many ticks early a vertex is left again."""

    vertices: Table
    queue: Queue
    early: int


def table(items: int) -> Table:
    """None of so many items met; rows of ticks that are never met are never written, and take no memory."""
    return Table(np.full(items, NEVER, np.int32), np.empty(items, np.int32), np.empty((items, LANES), np.uint32))


def scratch(vertices: int, *, pace: float) -> Crowd:
    """Scratch for so many vertices, where links take `pace` ticks on average."""
    due, (before, after) = np.full(vertices + 1, NEVER, np.int32), np.empty((2, vertices + 1), np.uint32)
    queue = Queue(due, before, after, np.full(_BUCKETS, vertices, np.uint32))
    return Crowd(table(vertices), queue, int(_EARLY * pace))


@filling_inner
def _met(table: Table, item: np.uint32, count: int, beyond: np.uint32) -> np.uint32:
    """The row of an item, of which there are so many; a new one is as far as can be."""
    if table.row[item] == NEVER:
        row = np.uint32(count)
        table.row[item], table.item[row] = row, item
        _fill(table.ticks, row, beyond)
    return np.uint32(table.row[item])


@woven
def _bucket(ticks: Whole, shift: int) -> np.uint32:
    return np.uint32(min(ticks >> shift, _BUCKETS - 1))


@filling_inner
def _wait(queue: Queue, row: np.uint32, when: Whole, shift: int) -> int:
    """Let a row be due not later than that; returns how many more wait now."""
    none, was = np.uint32(queue.due.size - 1), np.int64(queue.due[row])
    if when >= was:
        return 0
    queue.due[row] = when
    bucket, old = _bucket(when, shift), _bucket(was, shift)
    if was != NEVER:
        if old == bucket:
            return 0
        before, after = queue.before[row], queue.after[row]
        queue.before[after] = before
        if before == none:
            queue.bucket[old] = after
        else:
            queue.after[before] = after
    first = queue.bucket[bucket]
    queue.before[row], queue.after[row] = none, first
    queue.before[first] = row
    queue.bucket[bucket] = row
    return int(was == NEVER)


@filling_inner
def _walk(arcs: Arcs, seeds: Ragged, sources: NDArray[np.int64], limit: int, crowd: Crowd) -> int:
    """Walk from some sources as far as `limit`, inclusive; returns how many vertices were met."""
    table, queue = crowd.vertices, crowd.queue
    none, beyond, early = np.uint32(queue.due.size - 1), np.uint32(limit + 1), min(limit // _PART, crowd.early)
    shift = _NARROW
    while limit >> shift >= _BUCKETS and shift < _WIDEST:
        shift += 1
    count = waiting = 0
    for one in range(sources.size):
        source, lane = np.uint32(sources[one]), np.uint32(one)
        for k in range(seeds.first[source], seeds.first[source + np.uint32(1)]):
            start = np.int64(seeds.ticks[k])
            if start <= limit:
                row = _met(table, np.uint32(seeds.items[k]), count, beyond)
                count += row == count
                table.ticks[row, lane] = min(np.int64(table.ticks[row, lane]), start)
                waiting += _wait(queue, row, start, shift)
    bucket = np.uint64(0)
    while waiting > 0:
        row = queue.bucket[bucket]
        if row == none:
            bucket += np.uint64(1)
            continue
        after, at = queue.after[row], np.int64(queue.due[row])
        queue.bucket[bucket], queue.before[after], queue.due[row] = after, none, NEVER
        waiting -= 1
        vertex = np.uint32(table.item[row])
        for arc in range(arcs.first[vertex], arcs.first[vertex + np.uint32(1)]):
            pair = arcs.pairs[arc]
            if pair & _LOW <= limit:
                head = _met(table, np.uint32(pair >> 32), count, beyond)
                count += head == count
                gained = _lower(table.ticks, row, np.uint32(pair), table.ticks, head)
                if gained >> np.uint64(32) != _LOW:
                    least, gain = np.int64(gained & np.uint64(_LOW)), np.int64(gained >> np.uint64(32))
                    waiting += _wait(queue, head, max(least, at, gain - early), shift)
    return count


@filling_inner
def _arrive(plan: Plan, sources: NDArray[np.int64], limit: int, count: int, vertices: Table, targets: Table) -> int:
    """Come out of the vertices met, at targets; returns how many. The vertices are forgotten."""
    found, beyond = 0, np.uint32(limit + 1)
    for one in range(sources.size):
        source, lane = np.uint32(sources[one]), np.uint32(one)
        for k in range(plan.direct.first[source], plan.direct.first[source + np.uint32(1)]):
            row = _met(targets, np.uint32(plan.direct.items[k]), found, beyond)
            found += row == found
            targets.ticks[row, lane] = min(targets.ticks[row, lane], np.uint32(plan.direct.ticks[k]))
    for k in range(count):
        near = np.uint32(k)
        vertex = np.uint32(vertices.item[near])
        vertices.row[vertex] = NEVER
        for out in range(plan.exits.first[vertex], plan.exits.first[vertex + np.uint32(1)]):
            row = _met(targets, np.uint32(plan.exits.items[out]), found, beyond)
            found += row == found
            _lower(vertices.ticks, near, np.uint32(plan.exits.ticks[out]), targets.ticks, row)
    return found


class Answers(NamedTuple):
    """Per source and category: least ticks, and per cut-off the places and what they hold (no rows: not asked)."""

    cutoffs: NDArray[np.int64]
    nearest: NDArray[np.int32]
    places: NDArray[np.int32]
    holds: NDArray[np.int64]


@filling
def answers(
    plan: Plan,
    groups: tuple[NDArray[np.int64], NDArray[np.int64]],
    kinds: tuple[NDArray[np.int32], NDArray[np.int64]],
    out: Answers,
    crowd: Crowd,
    targets: Table,
) -> None:
    """All that is asked of some origins: the nearest of every category, and counts.

    `groups` are where each group begins in the list of sources, and the sources; `kinds` the category of each place and
    what it holds.
    """
    limit = out.cutoffs[out.cutoffs.size - 1]
    (bounds, sources), (category, holds) = groups, kinds
    for group in range(bounds.size - 1):
        some = sources[bounds[group] : bounds[group + 1]]
        count = _walk(plan.arcs, plan.seeds, some, limit, crowd)
        for k in range(_arrive(plan, some, limit, count, crowd.vertices, targets)):
            row = np.uint32(k)
            place = np.uint32(targets.item[row])
            kind = np.uint32(category[place])
            targets.row[place] = NEVER
            for one in range(some.size):
                source, ticks = np.uint32(some[one]), np.int64(targets.ticks[row, np.uint32(one)])
                if ticks > limit:
                    continue
                out.nearest[source, kind] = min(np.int64(out.nearest[source, kind]), ticks)
                for at in range(out.cutoffs.size - 1, -1, -1):
                    ring = np.uint32(at)
                    if ticks > out.cutoffs[ring]:
                        break
                    out.places[source, kind, ring] += 1
                    if holds.size:
                        out.holds[source, kind, ring] += holds[place]
