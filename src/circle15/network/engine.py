"""The engine: walking times on plain arrays, for whole cities; it knows no table and no walker.

Nodes and links are numbered as the caller numbers them, times are whole ticks of 0.1 s, and every answer is exact:
it does not depend on the order of nodes, links or threads. `docs/methods/search.md` says how it works.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np

from circle15.network import abreast, search
from circle15.network.asked import check_links, held, kinds, limits
from circle15.network.places import Inside, Places, chosen, ragged, straight, turned
from circle15.network.search import NEVER, Arcs, Ragged
from circle15.network.threads import Spare, each, in_threads, processors

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike, NDArray
    from scipy.sparse import csr_array

    from circle15.network.places import Floats, Ints

_NONE = Ragged(np.zeros(0, np.int64), np.zeros(0, np.int32), np.zeros(0, np.int32))
_Answer = TypeVar("_Answer")

_CACHED = 13  # 2 ** 13 vertices and their arcs take a quarter of a megabyte
_ROOM = 2**15  # items that are listed in one call, unless one source has more
_BITS = 15  # of a Hilbert cell in each direction: with its number, a key still fits


class Counts(NamedTuple):
    """Places within cut-offs and what they hold together; shape (categories, nodes, cut-offs).

    `holds` has no cut-offs when no capacity was given.
    """

    places: NDArray[np.int32]
    holds: NDArray[np.int64]


class Answers(NamedTuple):
    """What one search per origin gives: nearest (origins, categories), counts and holds (.., .., cut-offs)."""

    nearest: NDArray[np.int32]
    places: NDArray[np.int32]
    holds: NDArray[np.int64]


@dataclass(frozen=True)
class Engine:
    """A directed graph, packed for searching.

    Make one with `Engine.of`.

    Parameters
    ----------
    onward, reversed : Arcs
        The graph both ways, vertices along a Hilbert curve.
    rank : ndarray of int32, shape (nodes,)
        The vertex of each node of the caller.
    tails, heads, ticks : ndarray of int32, shape (links,)
        As given; `NEVER` at most.
    threads : int
        How many threads search at once.
    """

    onward: Arcs
    reversed: Arcs
    rank: NDArray[np.int32]
    tails: NDArray[np.int32]
    heads: NDArray[np.int32]
    ticks: NDArray[np.int32]
    threads: int

    @classmethod
    def of(
        cls,
        from_node: Ints,
        to_node: Ints,
        ticks: Ints,
        *,
        xy: Floats | None = None,
        nodes: int | None = None,
        threads: int | None = None,
    ) -> Engine:
        """Pack a graph.

        Parameters
        ----------
        from_node, to_node, ticks : ndarray of int, shape (links,)
            Directed links between nodes 0, 1, ... and how long each takes; `NEVER` or more: it cannot be walked.
        xy : ndarray of float, shape (nodes, 2), optional
            Positions, for the order in memory; without them the nodes keep the order they have.
        nodes : int, optional
            How many nodes there are; needed without positions.
        threads : int, optional
            How many threads to search with; every processor when not given.

        Returns
        -------
        Engine
            Ready to be searched.

        Raises
        ------
        DataError
            When a link leaves the nodes or takes less than no time.

        Examples
        --------
        >>> engine = Engine.of(np.array([0, 1]), np.array([1, 0]), np.array([600, 700]), nodes=2)
        >>> engine.nearest(engine.at_nodes([1]), limit=9000).tolist()
        [[600, 0]]
        """
        threads = threads or processors()
        rank = np.arange(nodes or 0, dtype=np.int32) if xy is None else along_hilbert(np.asarray(xy))
        check_links(from_node, to_node, ticks, nodes=len(rank))
        tails, heads = (np.asarray(ends).astype(np.int32, copy=False) for ends in (from_node, to_node))
        whole = np.minimum(ticks, NEVER).astype(np.int32, copy=False)
        given = [(tails, heads), (heads, tails)]
        onward, back = each(lambda ends: arcs(*ends, whole, rank=rank), given, threads=threads)
        return cls(onward, back, rank, tails, heads, whole, threads)

    @property
    def nodes(self) -> int:
        """How many nodes there are."""
        return len(self.rank)

    @cached_property
    def _work(self) -> Spare[search.Work]:
        return Spare(lambda: search.scratch(self.onward))

    @cached_property
    def _crowds(self) -> Spare[abreast.Crowd]:
        return Spare(lambda: abreast.scratch(self.nodes, pace=self._pace))

    def lend(self, task: Callable[[search.Work], _Answer]) -> _Answer:
        """The answer of a task that borrows the scratch of a search; it has to put back what it touched."""
        return self._work.use(task)

    # ----------------------------------------------------------------------------------------------------- places

    def at_nodes(self, nodes: ArrayLike, *, extra: ArrayLike = 0) -> Places:
        """Places at nodes, each with some ticks off the road."""
        where = self.rank[np.asarray(nodes, dtype=np.int64)]
        more = np.broadcast_to(np.asarray(extra, np.int32), where.shape).copy()
        one = Ragged(np.arange(len(where) + 1), where, more)
        none = np.zeros(0, np.int64)
        return Places(len(where), one, one, Inside(none, none, np.zeros(0), none), self.ticks)

    def in_links(self, inside: Inside, *, rows: int) -> Places:
        """Places inside links: both ends are searched from, and two places on one link meet exactly.

        A link's ticks are shared out by length and rounded once, at the place, so that the two stretches on either
        side of it always add up to the whole link.
        """
        row, link, share, extra = inside
        whole = self.ticks[link]
        use = whole < NEVER
        walked = np.rint(share * whole).astype(np.int64)
        leaving = ragged(row[use], self.rank[self.heads[link]][use], (whole - walked + extra)[use], count=rows)
        entering = ragged(row[use], self.rank[self.tails[link]][use], (walked + extra)[use], count=rows)
        return Places(rows, leaving, entering, inside, self.ticks)

    # ---------------------------------------------------------------------------------------------------- answers

    def nearest(
        self, places: Places, *, limit: int, category: Ints | None = None, back: bool = False
    ) -> NDArray[np.int32]:
        """Ticks from every node to the nearest place of each category: one search per category.

        Parameters
        ----------
        places : Places
            The facilities.
        limit : int
            Ticks, inclusive.
        category : ndarray of int, shape (places,), optional
            0, 1, ...; all in one when not given.
        back : bool
            From the nearest place to every node instead.

        Returns
        -------
        ndarray of int32, shape (categories, nodes)
            `NEVER` beyond the limit.
        """
        lists = places.leaving if back else places.entering
        given, limit = kinds(category, rows=places.rows), int(limits(limit)[-1])
        count = 1 if category is None else int(given.max(initial=-1)) + 1
        kind = np.repeat(given, np.diff(lists.first))
        order = np.lexsort((lists.items, kind))
        bounds = np.searchsorted(kind[order], np.arange(count + 1))
        vertices, ticks, stretch = lists.items[order], lists.ticks[order], self._stretch(limit)
        out = np.empty((count, self.nodes), np.int32)
        graph = self.onward if back else self.reversed

        def run(one: int) -> None:
            part = slice(bounds[one], bounds[one + 1])
            some = search.Seeds(vertices[part], ticks[part], stretch)
            self.lend(lambda work: search.nearest(graph, some, limit, self.rank, out[one], work))

        each(run, np.argsort(-np.diff(bounds), kind="stable").tolist(), threads=self.threads)  # the longest first
        return out

    def counts(
        self,
        places: Places,
        *,
        cutoffs: ArrayLike,
        category: Ints | None = None,
        capacity: Ints | None = None,
        back: bool = False,
    ) -> Counts:
        """Places of each category within several cut-offs of every node, and their capacities added up.

        Searched from the places, or from the nodes when these are fewer.

        Parameters
        ----------
        places : Places
            The facilities; one with several entrances counts once.
        cutoffs : array of int
            Ticks, ascending, inclusive.
        category : ndarray of int, shape (places,), optional
            0, 1, ...
        capacity : ndarray of int, shape (places,), optional
            Whole numbers.
        back : bool
            Walk from the places to the nodes instead.

        Returns
        -------
        Counts
            In the order of the nodes.
        """
        within = limits(cutoffs)
        if places.rows > self.nodes:
            every = self.at_nodes(np.arange(self.nodes))
            found = self.forward(every, places, cutoffs=within, category=category, capacity=capacity, back=back)
            return Counts(found.places.swapaxes(0, 1), found.holds.swapaxes(0, 1))
        lists = places.leaving if back else places.entering
        kind, loads = kinds(category, rows=places.rows), held(capacity, rows=places.rows)
        order = np.lexsort((_starts(lists), kind))
        seeds, loads = chosen(lists, order), loads[order] if len(loads) else loads
        bounds = np.searchsorted(kind[order], np.arange(kind.max(initial=-1) + 2))
        out = Counts(
            np.zeros((len(bounds) - 1, self.nodes, len(within)), np.int32),
            np.zeros((len(bounds) - 1, self.nodes, len(within) if len(loads) else 0), np.int64),
        )
        locks = [Lock() for _ in bounds]
        graph = self.onward if back else self.reversed
        tables = Spare(lambda: _table(self.nodes, within, held=bool(len(loads))))

        def run(part: tuple[int, int, int]) -> None:
            one, low, high = part
            some, load = _slice(seeds, low, high), loads[low:high]

            def count(table: search.Tally) -> None:
                self.lend(lambda work: search.tally(graph, some, load, 1, table, work))
                with locks[one]:
                    search.gather(table.places, self.rank, out.places[one])
                    if len(loads):
                        search.gather(table.holds, self.rank, out.holds[one])

            tables.use(count)

        each(run, _parts(bounds, self.threads), threads=self.threads)
        return out

    def matrix(self, origins: Places, facilities: Places, *, cutoff: int, back: bool = False) -> csr_array:
        """Ticks between every origin and every facility within the cut-off, searched from whichever are fewer.

        Parameters
        ----------
        origins, facilities : Places
            Both ends.
        cutoff : int
            Ticks, inclusive.
        back : bool
            From the facility to the origin instead.

        Returns
        -------
        csr_array of int32, shape (origins, facilities)
            Sorted; 0 is a stored entry.
        """
        from scipy.sparse import csr_array  # a process that only compiles kernels has no use for it

        starts, goals = (facilities, origins) if back else (origins, facilities)
        cutoff = int(limits(cutoff)[-1])
        backward = goals.rows <= starts.rows
        plan = self._plan(starts, goals, backward=backward)
        sources, targets = (goals, starts) if backward else (starts, goals)
        scratch = Spare(lambda: _found(targets.rows))

        def run(low: int, high: int) -> Ragged:
            some = _part(plan, low, high)
            return scratch.use(lambda found: self.lend(lambda work: listed(some, cutoff, found, work)))

        first, items, ticks = strung(in_threads(run, sources.rows, threads=self.threads))
        found = csr_array((ticks, items, first), shape=(sources.rows, targets.rows))
        found.has_sorted_indices = True  # so that nobody sorts them again; turning round keeps them so
        return found.T.tocsr() if backward != back else found

    def forward(
        self,
        origins: Places,
        facilities: Places,
        *,
        cutoffs: ArrayLike,
        category: Ints | None = None,
        capacity: Ints | None = None,
        back: bool = False,
    ) -> Answers:
        """The nearest place of each category and the counts within several cut-offs, searched from the origins.

        Origins that stand near each other are searched for together, sixteen at a time.

        Parameters
        ----------
        origins, facilities : Places
            Both ends.
        cutoffs, category, capacity, back
            As for `counts`.

        Returns
        -------
        Answers
            In the order of the origins.
        """
        within, loads = limits(cutoffs), held(capacity, rows=facilities.rows)
        kind = kinds(category, rows=facilities.rows).astype(np.int32)
        count = int(kind.max(initial=-1)) + 1
        plan = self._plan(*((facilities, origins) if back else (origins, facilities)), backward=back)
        out = Answers(
            np.full((origins.rows, count), NEVER, np.int32),
            np.zeros((origins.rows, count, len(within)), np.int32),
            np.zeros((origins.rows, count, len(within) if len(loads) else 0), np.int64),
        )
        scratch, table = Spare(lambda: abreast.table(facilities.rows)), abreast.Answers(within, *out)
        starts = _starts(plan.seeds)
        order = np.argsort(starts, kind="stable")
        bounds = _groups(starts[order] // max(1, int(self._reach(int(within[-1])))))

        def run(low: int, high: int) -> None:
            some = bounds[low : high + 1], order
            scratch.use(
                lambda found: self._crowds.use(
                    lambda crowd: abreast.answers(plan, some, (kind, loads), table, crowd, found)
                )
            )

        in_threads(run, len(bounds) - 1, threads=self.threads)
        return out

    def reached(self, origins: Places, *, limit: int, back: bool = False) -> Ragged:
        """Per origin, the nodes reached within the limit and when."""
        seeds, graph = (origins.entering, self.reversed) if back else (origins.leaving, self.onward)
        limit = int(limits(limit)[-1])

        def run(low: int, high: int) -> Ragged:
            return self.lend(lambda work: reached(graph, _slice(seeds, low, high), limit, work))

        found = strung(in_threads(run, origins.rows, threads=self.threads))
        return found._replace(items=self._node[found.items])

    def tree(self, places: Places, *, limit: int, back: bool = False) -> search.Tree:
        """A shortest way from a place to every node within the limit; `back`: to the nearest of the places from there.

        Returns
        -------
        Tree
            Per node reached its number, ticks, the row of the node before it (-1 at the start), and the link between.
        """
        seeds, graph = (places.entering, self.reversed) if back else (places.leaving, self.onward)
        limit = int(limits(limit)[-1])
        graph = graph._replace(links=self.links[int(back)])
        found = self.lend(lambda work: search.tree(graph, seeds.items, seeds.ticks, limit, work))
        return found._replace(vertices=self._node[found.vertices])

    def retimed(self, links: ArrayLike, ticks: ArrayLike) -> Engine:
        """The same graph with other times on some links; `NEVER` closes one."""
        which = np.asarray(links, dtype=np.int64)
        times = self.ticks.copy()
        times[which] = np.minimum(ticks, NEVER)
        both = []
        for packed, at in zip((self.onward, self.reversed), self._positions, strict=True):
            pairs = packed.pairs.copy()
            pairs[at[which]] = (pairs[at[which]] >> 32 << 32) | times[which]
            both.append(packed._replace(pairs=pairs))
        other = replace(self, onward=both[0], reversed=both[1], ticks=times)
        shared = ("_work", "_positions", "_node", "links")  # they depend on the shape of the graph only
        vars(other).update({name: getattr(self, name) for name in shared})
        return other

    @cached_property
    def _pace(self) -> float:
        """Mean ticks of a link."""
        usable = self.ticks[self.ticks < NEVER]
        return float(usable.mean()) if len(usable) else 1.0

    def _reach(self, limit: int) -> float:
        """About how many vertices one place reaches, on streets."""
        return 1.6 * (limit / max(self._pace, 1.0)) ** 2

    def _stretch(self, limit: int) -> int:
        """How many vertices, as a power of two, to search for the nearest at a time.

        So few that they stay in the second cache; so many that few of them are reached again from the next stretch:
        at least sixteen times as many as one place reaches.
        """
        return max(_CACHED, min(62, int(np.ceil(np.log2(max(16 * self._reach(limit), 1.0))))))

    @cached_property
    def links(self) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """The link of each arc, both ways; -1 for padding.

        Nearest places, counts and times need none: the graph is packed once more when they are asked for.
        """
        ends = [(self.tails, self.heads), (self.heads, self.tails)]
        onward, back = (arcs(*one, self.ticks, rank=self.rank, named=True).links for one in ends)
        return onward, back

    @cached_property
    def _node(self) -> NDArray[np.int32]:
        """The node of each vertex."""
        node = np.empty_like(self.rank)
        node[self.rank] = np.arange(self.nodes, dtype=np.int32)
        return node

    @cached_property
    def _positions(self) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Where each link stands in the graph, both ways."""
        found = []
        for links in self.links:
            at = np.full(len(self.ticks), -1, np.int32)
            at[links[:-2]] = np.arange(len(links) - 2, dtype=np.int32)
            found.append(at)
        return found[0], found[1]

    def _plan(self, starts: Places, goals: Places, *, backward: bool) -> search.Plan:
        """Searches from the goals on the reversed graph, or from the starts on the graph as it is."""
        start, goal, ticks = straight(starts, goals)
        if backward:
            exits, direct = turned(starts.leaving, count=self.nodes), ragged(goal, start, ticks, count=goals.rows)
            return search.Plan(self.reversed, goals.entering, exits, direct)
        exits, direct = turned(goals.entering, count=self.nodes), ragged(start, goal, ticks, count=starts.rows)
        return search.Plan(self.onward, starts.leaving, exits, direct)


# ------------------------------------------------------------------------------------------------- packing the graph


def along_hilbert(xy: Floats) -> NDArray[np.int32]:
    """The place of each point along a Hilbert curve over them all; ties keep their order."""
    if not len(xy):
        return np.zeros(0, np.int32)
    low, high = xy.min(axis=0), xy.max(axis=0)
    cell = max(float((high - low).max()), 1e-9) / (2**_BITS - 1)
    x, y = (((xy[:, axis] - low[axis]) / cell).astype(np.int64) for axis in (0, 1))
    keys = x  # the cells are not needed after it
    search.hilbert(x, y, _BITS, keys)
    keys.sort()
    rank = np.empty(len(xy), np.int32)
    rank[keys & 0xFFFFFFFF] = np.arange(len(xy), dtype=np.int32)
    return rank


def arcs(
    tails: NDArray[np.int32],
    heads: NDArray[np.int32],
    ticks: NDArray[np.int32],
    *,
    rank: NDArray[np.int32],
    named: bool = False,
) -> Arcs:
    """Arcs sorted by the vertex that they leave, with their links where they are to be `named`."""
    size = len(tails) + 2
    links = np.full(size if named else 0, -1, np.int32)
    packed = Arcs(np.zeros(len(rank) + 2, np.uint32), np.zeros(size, np.int64), links)
    search.pack(tails, heads, ticks, rank, packed)
    return packed._replace(first=packed.first[:-1])


# ------------------------------------------------------------------------------------------- answers of any length


def listed(plan: search.Plan, limit: int, found: search.Found, work: search.Work) -> Ragged:
    """All that `times` lists, in as much room as it takes."""
    source, sources, room, parts = 0, plan.seeds.first.size - 1, _ROOM, list[Ragged]()
    while source < sources:
        part = Ragged(np.zeros(sources - source + 1, np.int64), np.empty(room, np.int32), np.empty(room, np.int32))
        after = search.times(plan, limit, (source, part), found, work)
        if after > source:
            first, size = part.first[: after - source + 1], part.first[after - source]
            parts.append(Ragged(first, part.items[:size], part.ticks[:size]))
        else:
            room *= 2
        source = after
    return parts[0] if len(parts) == 1 else strung(parts)


def strung(parts: Sequence[Ragged]) -> Ragged:
    """Ragged lists, one after the other, as one."""
    sizes = np.concatenate([np.zeros(1, np.int64), *(np.diff(one.first) for one in parts)])
    items = np.concatenate([np.zeros(0, np.int32), *(one.items for one in parts)])
    ticks = np.concatenate([np.zeros(0, np.int32), *(one.ticks for one in parts)])
    return Ragged(np.cumsum(sizes), items, ticks)


def reached(arcs: Arcs, seeds: Ragged, limit: int, work: search.Work) -> Ragged:
    """The vertices that each source reaches, and when."""
    return listed(search.Plan(arcs, seeds, _NONE, _NONE), limit, search.Found(work.ticks, work.touched), work)


# ------------------------------------------------------------------------------------------------ sharing out the work


def _starts(lists: Ragged) -> NDArray[np.int64]:
    """The first item of each list, for walking through a city in order; empty lists last."""
    items = np.append(lists.items, NEVER).astype(np.int64)
    return np.where(np.diff(lists.first) > 0, items[lists.first[:-1]], NEVER)


def _groups(areas: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where groups begin that are searched for side by side, of origins in ascending areas; and the end of the last."""
    first = np.flatnonzero(np.diff(areas, prepend=-1))
    within = np.arange(len(areas)) - np.repeat(first, np.diff(first, append=len(areas)))
    return np.append(np.flatnonzero(within % abreast.LANES == 0), len(areas))


def _slice(lists: Ragged, low: int, high: int) -> Ragged:
    return lists._replace(first=lists.first[low : high + 1])


def _part(plan: search.Plan, low: int, high: int) -> search.Plan:
    return plan._replace(seeds=_slice(plan.seeds, low, high), direct=_slice(plan.direct, low, high))


def _found(targets: int) -> search.Found:
    return search.Found(np.full(targets, NEVER, np.int32), np.empty(targets, np.int32))


def _table(nodes: int, limits: Ints, *, held: bool) -> search.Tally:
    rings = len(limits)
    return search.Tally(limits, np.zeros((nodes, rings), np.int32), np.zeros((nodes if held else 0, rings), np.int64))


def _parts(bounds: Ints, threads: int) -> list[tuple[int, int, int]]:
    """Categories, cut up where one alone is more than a thread's share, the longest first."""
    share = max(1, -(-int(bounds[-1]) // threads))
    parts = []
    for one, (low, high) in enumerate(pairwise(bounds.tolist())):
        pieces = max(1, -(-(high - low) // share))
        cuts = np.linspace(low, high, pieces + 1).astype(int).tolist()
        parts += [(one, *cut) for cut in pairwise(cuts)]
    return sorted(parts, key=lambda part: (part[1] - part[2], part))
