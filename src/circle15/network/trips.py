"""Trips: out, back, the slower of the two, and both together.

One search per leg and place, from the facilities or from the origins, whichever are fewer. A cut-off holds for the
value of the trip, not for its legs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from circle15.impedance import NO_WAY
from circle15.network import snapping
from circle15.network.search import NEVER
from circle15.tables import TICKS_PER_SECOND

if TYPE_CHECKING:
    from circle15.network.graph import Floats, Graph, Ints
    from circle15.network.places import Places
    from circle15.network.snapping import Spots

TRIPS = ("out", "back", "slower", "round")


def seconds(graph: Graph, homes: Spots, goals: Spots, *, trip: str, limit: int | Ints) -> csr_array:
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
    limit : int or ndarray of int, shape (facilities,)
        Ticks, inclusive; the value of the trip is held against it, or against that of the facility.

    Returns
    -------
    csr_array, shape (origins, facilities)
        Sorted; 0.0 is a stored entry.
    """
    starts, ends = snapping.places(graph, homes), snapping.places(graph, goals)
    if isinstance(limit, np.ndarray) and len(limit):
        groups = {one: np.flatnonzero(limit == one) for one in np.unique(limit).tolist()}
        parts = [_ticks(graph, starts, ends.some(rows), trip=trip, limit=one) for one, rows in groups.items()]
        ticks = _beside(parts, np.concatenate(list(groups.values())))
    else:
        ticks = _ticks(graph, starts, ends, trip=trip, limit=int(np.max(limit, initial=0)))
    found = csr_array((ticks.data / TICKS_PER_SECOND, ticks.indices, ticks.indptr), shape=ticks.shape)
    found.has_sorted_indices = True
    return found


def _ticks(graph: Graph, starts: Places, ends: Places, *, trip: str, limit: int) -> csr_array:
    ways = {"out": (False,), "back": (True,)}.get(trip, (False, True))
    legs = [graph.engine.matrix(starts, ends, cutoff=limit, back=back) for back in ways]
    return legs[0] if len(legs) == 1 else _both(*legs, limit=limit, worse=trip == "slower")


def _beside(parts: list[csr_array], column: Ints) -> csr_array:
    """Matrices side by side, whose columns belong in other places."""
    origins = parts[0].shape[0]
    row = np.concatenate([np.repeat(np.arange(origins), np.diff(part.indptr)) for part in parts])
    before = np.cumsum([0, *(part.shape[1] for part in parts)])
    place = column[np.concatenate([part.indices + first for part, first in zip(parts, before[:-1], strict=True)])]
    order = np.lexsort((place, row))
    first = np.searchsorted(row[order], np.arange(origins + 1))
    ticks = np.concatenate([part.data for part in parts])
    return csr_array((ticks[order], place[order], first), shape=(origins, len(column)))


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


def _both(out: csr_array, back: csr_array, *, limit: int, worse: bool) -> csr_array:
    """The worse of two legs, or their sum, for pairs that have both."""
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
    nearest = graph.engine.nearest(graph.engine.at_nodes(where), limit=limit, back=back)[0]
    starts = snapping.places(graph, homes)
    first, vertices, ticks = starts.entering if back else starts.leaving
    rows = np.repeat(np.arange(homes.rows), np.diff(first))
    least = np.full(homes.rows, NEVER, dtype=np.int64)
    np.minimum.at(least, rows, nearest[vertices].astype(np.int64) + ticks)
    return np.where(least <= limit, least, NEVER)
