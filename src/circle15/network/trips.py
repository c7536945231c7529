"""Trips: out, back, the slower of the two, and both together.

One search per facility and leg: on the reversed graph for the way out, on the graph as it is for the way back. A
cut-off holds for the value of the trip, not for its legs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from circle15.impedance import NO_WAY
from circle15.network import search, snapping
from circle15.network.threads import in_threads
from circle15.tables import TICKS_PER_SECOND

if TYPE_CHECKING:
    from circle15.network.graph import Floats, Graph, Ints
    from circle15.network.snapping import Spots

TRIPS = ("out", "back", "slower", "round")


def seconds(graph: Graph, homes: Spots, goals: Spots, *, trip: str, limit: int) -> csr_array:
    """Seconds of a trip between every origin and every facility.

    Of several entrances the best counts, on each leg for itself: one may enter a park at one gate and leave by
    another.

    Parameters
    ----------
    graph : Graph
        The streets as one walker can use them.
    homes, goals : Spots
        Origins and facilities.
    trip : str
        One of `TRIPS`.
    limit : int
        Ticks, inclusive; the value of the trip is held against it.

    Returns
    -------
    csr_array, shape (origins, facilities)
        Sorted; 0.0 is a stored entry.
    """
    if trip in ("out", "back"):
        ticks = _leg(graph, homes, goals, back=trip == "back", limit=limit)
    else:
        legs = [_leg(graph, homes, goals, back=back, limit=limit) for back in (False, True)]
        ticks = _both(*legs, limit=limit, worse=trip == "slower")
    ticks.sort_indices()
    return csr_array((ticks.data / TICKS_PER_SECOND, ticks.indices, ticks.indptr), shape=ticks.shape)


def edge_seconds(graph: Graph, homes: Spots, *, trip: str, limit: int) -> Floats:
    """The least seconds that a trip by way of ground beyond the data can take.

    Out and back: to the nearest place where the data end, and from it. Round: the sum of these, since whoever leaves
    the data also comes home. Slower: half the sum. If only one leg leaves the data, then with a known place `f`
    between them out(f) + back(f) is still no less than the sum, and the worse of the two no less than half of it; the
    larger of the two times to the edge would be too bold.

    Parameters
    ----------
    graph : Graph
        The streets as one walker can use them.
    homes : Spots
        Origins.
    trip : str
        One of `TRIPS`.
    limit : int
        Ticks, inclusive; the value is held against it.

    Returns
    -------
    ndarray of float, shape (origins,)
        Infinite beyond the limit.
    """
    if trip in ("out", "back"):
        least = _edge_ticks(graph, homes, back=trip == "back", limit=limit) / 1
    else:
        halves = 2 if trip == "slower" else 1
        legs = [_edge_ticks(graph, homes, back=back, limit=halves * limit) for back in (False, True)]
        least = (legs[0] + legs[1]) / halves
    return np.where(least <= limit, least / TICKS_PER_SECOND, np.inf)


def _leg(graph: Graph, homes: Spots, goals: Spots, *, back: bool, limit: int) -> csr_array:
    """Ticks of one leg, origins x facilities: one search per facility, in threads."""
    seeds = snapping.ragged(*snapping.openings(graph, goals, leaving=back), count=goals.rows)
    rows, vertices, ticks = snapping.openings(graph, homes, leaving=not back)
    exits = snapping.ragged(vertices, rows, ticks, count=graph.layout.vertices)
    start, goal, ticks = snapping.direct(graph, *((goals, homes) if back else (homes, goals)))
    facility, origin = (start, goal) if back else (goal, start)
    direct = snapping.ragged(facility, origin, ticks, count=goals.rows)
    arcs = graph.onward if back else graph.reversed

    def run(low: int, high: int) -> search.Ragged:
        some = slice(low, high + 1)
        plan = search.Plan(
            arcs, seeds._replace(first=seeds.first[some]), exits, direct._replace(first=direct.first[some])
        )
        found = search.Found(np.full(homes.rows, search.NEVER, np.int32), np.empty(homes.rows, np.int32))
        return search.times(plan, limit, found, search.scratch(arcs))

    done = in_threads(run, goals.rows)
    sizes = np.concatenate([np.zeros(1, np.int64), *(np.diff(one.first) for one in done)])
    items = np.concatenate([np.zeros(0, np.int32), *(one.items for one in done)])
    found = np.concatenate([np.zeros(0, np.int32), *(one.ticks for one in done)])
    return csr_array((found, items, np.cumsum(sizes)), shape=(goals.rows, homes.rows)).T.tocsr()


def _both(out: csr_array, back: csr_array, *, limit: int, worse: bool) -> csr_array:
    """The worse of two legs, or their sum, for pairs that have both."""
    for leg in (out, back):
        leg.sort_indices()
    wide = out.shape[1]
    key, other = (np.repeat(np.arange(leg.shape[0]), np.diff(leg.indptr)) * wide + leg.indices for leg in (out, back))
    at = np.searchsorted(key, other)
    met = np.flatnonzero(np.append(key, -1)[at] == other)
    one, two = out.data[at[met]].astype(np.int64), back.data[met].astype(np.int64)
    ticks = np.maximum(one, two) if worse else one + two
    kept = ticks <= limit
    pair = other[met[kept]]
    first = np.searchsorted(pair, np.arange(out.shape[0] + 1) * wide)
    return csr_array((ticks[kept], pair % max(wide, 1), first), shape=out.shape)


def _edge_ticks(graph: Graph, homes: Spots, *, back: bool, limit: int) -> Ints:
    """Ticks from each origin to the nearest place where the data end, or from there; `NEVER` beyond the limit."""
    layout = graph.layout
    ends = layout.streets["at_edge"].to_numpy(dtype=bool)
    if not back:
        ends = ends & (graph.ticks < NO_WAY) & ~layout.closed
    copy = layout.start_copy if back else layout.end_copy
    node = layout.head[ends]
    where = np.unique(np.concatenate([node, copy[node]])).astype(np.int32)
    arcs = graph.onward if back else graph.reversed
    work = search.scratch(arcs)
    search.settle(arcs, where, np.zeros(len(where), np.int32), limit, work)
    rows, vertices, ticks = snapping.openings(graph, homes, leaving=not back)
    least = np.full(homes.rows, search.NEVER, dtype=np.int64)
    np.minimum.at(least, rows, work.ticks[vertices].astype(np.int64) + ticks)
    return np.where(least <= limit, least, search.NEVER)
