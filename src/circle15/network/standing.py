"""Answers that stand while a city changes: after an edit only what it can reach is searched again.

A link that closes can lengthen only ways that lead over it, and one that opens can shorten only ways that will lead
over it. Both are found from the two ends of the link; everything else is left as it is. The answers are exactly those
of a full run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from circle15.network import search
from circle15.network.asked import held, kinds, limits
from circle15.network.engine import Counts, Engine
from circle15.network.places import chosen, joined
from circle15.network.search import NEVER
from circle15.network.threads import each

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from circle15.network.places import Ints, Places


class Standing:
    """The nearest places of each category and the counts within cut-offs, for every node, kept right.

    Parameters
    ----------
    engine : Engine
        The graph to begin with.
    places : Places
        The facilities to begin with. They keep the legs to the ends of their links that they were given.
    cutoffs : array of int
        Ticks, ascending, inclusive; the last is how far is searched.
    category : ndarray of int, shape (places,), optional
        0, 1, ...; all in one when not given.
    capacity : ndarray of int, shape (places,), optional
        Whole numbers.
    categories : int, optional
        How many there are, when some have no places yet.

    Examples
    --------
    >>> engine = Engine.of(np.array([0, 1, 1, 2]), np.array([1, 0, 2, 1]), np.array([600, 600, 500, 500]), nodes=3)
    >>> standing = Standing(engine, engine.at_nodes([2]), cutoffs=[1000, 2000])
    >>> standing.nearest.tolist()
    [[1100, 500, 0]]
    >>> added = standing.add(engine.at_nodes([0]))
    >>> standing.retime([1], [NEVER])
    >>> standing.nearest.tolist(), standing.counts.places[0].tolist()
    ([[0, 500, 0]], [[1, 2], [1, 1], [1, 1]])
    """

    def __init__(
        self,
        engine: Engine,
        places: Places,
        *,
        cutoffs: ArrayLike,
        category: Ints | None = None,
        capacity: Ints | None = None,
        categories: int | None = None,
    ) -> None:
        self.engine = engine
        self._limits = limits(cutoffs)
        self._limit = int(self._limits[-1])
        given = kinds(category, rows=places.rows)
        count = int(given.max(initial=0)) + 1 if categories is None else categories
        self._holds = capacity is not None
        rings = len(self._limits)
        self._ticks = np.full((count, engine.nodes), NEVER, np.int32)  # by vertex
        self._tables = [
            search.Tally(
                self._limits,
                np.zeros((engine.nodes, rings), np.int32),
                np.zeros((engine.nodes if self._holds else 0, rings), np.int64),
            )
            for _ in range(count)
        ]
        self._places = places.some(np.zeros(0, np.int64))
        self._category, self._capacity = np.zeros(0, np.int64), np.zeros(0, np.int64)
        self._stands = np.zeros(0, dtype=bool)
        self.add(places, category=given, capacity=capacity)

    @property
    def nearest(self) -> NDArray[np.int32]:
        """Ticks from every node to the nearest place of each category; shape (categories, nodes)."""
        return self._ticks[:, self.engine.rank]

    @property
    def counts(self) -> Counts:
        """Places within the cut-offs of every node; shapes (categories, nodes, cut-offs)."""
        shape = (len(self._tables), self.engine.nodes, len(self._limits))
        out = Counts(np.zeros(shape, np.int32), np.zeros(shape if self._holds else (*shape[:2], 0), np.int64))
        for one, table in enumerate(self._tables):
            search.gather(table.places.copy(), self.engine.rank, out.places[one])
            if self._holds:
                search.gather(table.holds.copy(), self.engine.rank, out.holds[one])
        return out

    def retime(self, links: ArrayLike, ticks: ArrayLike) -> None:
        """Give some links other times; `NEVER` closes a link, its old time opens it again.

        Parameters
        ----------
        links : array of int
            Links of the engine, each once.
        ticks : array of int
            One for each.
        """
        which = np.asarray(links, np.int64)
        before, after = self.engine, self.engine.retimed(which, ticks)
        hit = np.flatnonzero(self._stands & leads_to(before, after, which, self._places, limit=self._limit))
        self._count(hit, -1)
        self.engine = after
        self._count(hit, 1)
        tails, heads = (after.rank[ends[which]] for ends in (after.tails, after.heads))
        was, now = before.ticks[which], after.ticks[which]

        def again(kind: int) -> None:
            row = self._ticks[kind]
            over = (row[heads] < NEVER) & (was < NEVER) & (row[tails] == row[heads] + was)
            rim = self._loosen(kind, tails[over])
            way = row[heads].astype(np.int64) + now
            use = way <= self._limit
            own = self._seeds(kind)
            self._settle(
                kind,
                np.concatenate([rim.items, own.items, tails[use]]),
                np.concatenate([rim.ticks, own.ticks, way[use].astype(np.int32)]),
            )

        each(again, range(len(self._ticks)), threads=after.threads)

    def add(self, places: Places, *, category: Ints | None = None, capacity: Ints | None = None) -> Ints:
        """Open places; returns their numbers."""
        rows = self._places.rows + np.arange(places.rows)
        kind = kinds(category, rows=places.rows)
        loads = np.zeros(places.rows, np.int64) if capacity is None else held(capacity, rows=places.rows)
        self._places = joined(self._places, places)
        self._category = np.concatenate([self._category, kind])
        self._capacity = np.concatenate([self._capacity, loads])
        self._stands = np.concatenate([self._stands, np.ones(places.rows, dtype=bool)])
        self._count(rows, 1)
        for one in np.unique(kind).tolist():
            new = chosen(places.entering, np.flatnonzero(kind == one))
            self._settle(one, new.items, new.ticks)
        return rows

    def remove(self, rows: ArrayLike) -> None:
        """Close places, by their numbers; those that are closed already stay so."""
        gone = np.unique(np.asarray(rows, np.int64))
        gone = gone[self._stands[gone]]
        self._count(gone, -1)
        self._stands[gone] = False
        for kind in np.unique(self._category[gone]).tolist():
            old = chosen(self._places.entering, gone[self._category[gone] == kind])
            rim = self._loosen(kind, old.items[self._ticks[kind][old.items] == old.ticks])
            own = self._seeds(kind)
            self._settle(kind, np.concatenate([rim.items, own.items]), np.concatenate([rim.ticks, own.ticks]))

    def _seeds(self, kind: int) -> search.Ragged:
        return chosen(self._places.entering, np.flatnonzero(self._stands & (self._category == kind)))

    def _loosen(self, kind: int, suspects: NDArray[np.int32]) -> search.Ragged:
        graph, row = self.engine, self._ticks[kind]
        return graph.lend(
            lambda work: search.loosen(graph.reversed, graph.onward, suspects, self._limit, work._replace(ticks=row))
        )

    def _settle(self, kind: int, vertices: NDArray[np.int32], ticks: NDArray[np.int32]) -> None:
        graph, row = self.engine, self._ticks[kind]
        graph.lend(lambda work: search.settle(graph.reversed, vertices, ticks, self._limit, work._replace(ticks=row)))

    def _count(self, rows: Ints, sign: int) -> None:
        """Count some places on the graph as it is now, or take them back."""
        graph = self.engine

        def count(kind: int) -> None:
            some = rows[self._category[rows] == kind]
            seeds = chosen(self._places.entering, some)
            loads = self._capacity[some] if self._holds else np.zeros(0, np.int64)
            graph.lend(lambda work: search.tally(graph.reversed, seeds, loads, sign, self._tables[kind], work))

        each(count, np.unique(self._category[rows]).tolist(), threads=graph.threads)


def leads_to(before: Engine, after: Engine, links: Ints, places: Places, *, limit: int) -> NDArray[np.bool_]:
    """The places to which a shortest way leads over one of some links, before or after a change.

    Such a way begins at the start of the link as well, since a part of a shortest way is a shortest way: two searches
    per link tell.

    Parameters
    ----------
    before, after : Engine
        The graph with two sets of times.
    links : ndarray of int
        The links that differ.
    places : Places
        Where ways end.
    limit : int
        Ticks, inclusive.

    Returns
    -------
    ndarray of bool, shape (places,)
        For all other places no way of any node has changed.
    """
    hit = np.zeros(places.rows, dtype=bool)
    for graph in (before, after):
        which = links[graph.ticks[links] <= limit]
        at_start, at_end = (
            graph.matrix(graph.at_nodes(ends[which]), places, cutoff=limit).tocoo()
            for ends in (graph.tails, graph.heads)
        )
        over = at_end.data + graph.ticks[which][at_end.row]
        keys = [
            (one.row * np.int64(places.rows) + one.col) * (2 * NEVER) + ticks
            for one, ticks in ((at_start, at_start.data), (at_end, over))
        ]
        hit[at_end.col[np.isin(keys[1], keys[0])]] = True
    return hit
