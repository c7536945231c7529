"""Who depends on which link: what every single closure takes out of reach, exactly, without walking it all again."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from circle15.network import closures, kernels, search, snapping
from circle15.network.places import ragged, straight, turned
from circle15.network.threads import in_threads

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from circle15.display import Track
    from circle15.network.graph import Graph, Ints
    from circle15.network.places import Places
    from circle15.network.snapping import Spots

_ROOM = 1024  # losses that are listed in one call, unless one candidate has more
FURTHER = 2  # [P] after a closure, ways are looked for as far as this many cut-offs


class Asked(NamedTuple):
    """What is asked: per facility its service or -1, per service its cut-off in ticks, per link its candidate or -1."""

    service: Ints
    within: Ints
    candidate: Ints


def losses(graph: Graph, homes: Spots, goals: Spots, *, asked: Asked, track: Track | None = None) -> Ints:
    """Every origin and service that are within the cut-off now, and no longer when one candidate closes.

    Parameters
    ----------
    graph : Graph
        The streets as one walker can use them.
    homes, goals : Spots
        Origins and facilities.
    asked : Asked
        Services, cut-offs and candidates, all as whole numbers from 0.
    track : Track or None
        Shows how far the services have come.

    Returns
    -------
    ndarray of int, shape (losses, 5)
        Candidate, origin, service, ticks before, ticks after (`search.NEVER` beyond `FURTHER` cut-offs), sorted.
    """
    kernels.wait("closing")
    starts = snapping.places(graph, homes)
    city = closures.City(
        graph.onward,
        graph.reversed,
        _closing(graph, asked.candidate),
        starts.leaving,
        turned(starts.leaving, count=graph.layout.vertices),
    )
    seeds, direct = _services(starts, snapping.places(graph, goals), asked=asked)

    def run(low: int, high: int) -> list[Ints]:
        work = search.scratch(graph.onward)
        ways = _ways(graph, homes.rows)
        found = []
        for service in range(low, high):
            some = slice(seeds.first[service], seeds.first[service + 1])
            within = int(asked.within[service])
            vertices, ticks, limit = seeds.items[some], seeds.ticks[some], FURTHER * within
            count = search.settle(graph.reversed, vertices, ticks, limit, work)
            given = closures.Service(vertices, ticks, direct[service], within, limit, count)
            found += [np.insert(some, 2, service, axis=1) for some in _every_loss(city, given, work, ways)]
            ways.seed[vertices] = search.NEVER
            search.clear(work, count)
        return found

    done = [one for run_of in in_threads(run, len(asked.within), track=track, words="dependence") for one in run_of]
    every = np.concatenate([np.zeros((0, 5), np.int64), *done])
    return every[np.lexsort(every.T[2::-1])]


def _every_loss(
    city: closures.City, service: closures.Service, work: search.Work, ways: closures.Ways
) -> Iterator[Ints]:
    """What one service loses to each candidate, in as much room as it takes."""
    candidate, room = 0, _ROOM
    while candidate < len(city.closing.first) - 1:
        out = np.empty((room, 4), np.int64)
        after, size = closures.losses(city, service, work, ways, candidate, out)
        yield out[:size]
        room *= 2 if after == candidate else 1
        candidate = after


def _ways(graph: Graph, origins: int) -> closures.Ways:
    vertices, arcs = graph.layout.vertices, len(graph.onward.heads)
    seed, heap = np.full(vertices, search.NEVER, np.int32), np.empty(arcs + vertices, np.int64)
    left, after, cut = (np.empty(vertices, np.int32) for _ in range(3))
    seen, found = (np.empty(origins, np.int32) for _ in range(2))
    return closures.Ways(seed, heap, left, after, cut, np.empty(origins, np.int64), seen, found)


def _closing(graph: Graph, candidate: Ints) -> closures.Closing:
    """The arcs of every candidate; a private link has several."""
    arcs = graph.onward
    tail = np.repeat(np.arange(len(arcs.first) - 1), np.diff(arcs.first))
    of_arc = np.where(arcs.links >= 0, np.append(candidate, -1)[arcs.links], -1)
    order = np.argsort(of_arc, kind="stable")
    order = order[of_arc[order] >= 0]
    first = np.searchsorted(of_arc[order], np.arange(candidate.max(initial=-1) + 2)).astype(np.int64)
    return closures.Closing(candidate.astype(np.int32), first, order.astype(np.int32), tail[order].astype(np.int32))


def _services(starts: Places, goals: Places, *, asked: Asked) -> tuple[search.Ragged, NDArray[np.int32]]:
    """Per service its seeds; and the ticks of every origin's straight way along its own link, services x origins."""
    count = len(asked.within)
    first, vertices, ticks = goals.entering
    service = np.repeat(asked.service, np.diff(first))
    used = service >= 0
    seeds = ragged(service[used], vertices[used], ticks[used], count=count)
    origin, row, direct = straight(starts, goals)
    service = asked.service[row]
    used = service >= 0
    least = np.full((count, starts.rows), search.NEVER, np.int32)
    np.minimum.at(least, (service[used], origin[used]), direct[used].astype(np.int32))
    return seeds, least
