"""rustworkx: Dijkstra from a super-source, and a visitor that stops at the limit."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Any

import numpy as np
import rustworkx as rx
from rustworkx.visit import DijkstraVisitor, StopSearch

from benchmarks.city import CUTOFFS_S, LIMIT_DS, SHARES
from benchmarks.measuring import FAR, UNASKED, Engine, Pace, run, sample, spread

if TYPE_CHECKING:
    from benchmarks.city import City

LIMITS = [seconds * 10 for seconds in CUTOFFS_S]


def build(city: City) -> rx.PyDiGraph:
    """The graph against its links, with a vertex per category that leads to its facilities at no cost."""
    size = len(city.x)
    graph = rx.PyDiGraph()
    graph.add_nodes_from(range(size + len(SHARES)))
    graph.add_edges_from(list(zip(city.head.tolist(), city.tail.tolist(), city.ds.tolist(), strict=True)))
    doors = (size + city.category.astype(np.int64)).tolist()
    graph.add_edges_from([(door, node, 0) for door, node in zip(doors, city.facility.tolist(), strict=True)])
    return graph


def nearest(graph: rx.PyDiGraph, city: City, pace: Pace) -> Any:  # noqa: ANN401
    """One search per category, from its own vertex."""
    size = len(city.x)
    times = np.full((size, len(SHARES)), UNASKED, np.int32)
    for category in pace.over(spread(len(SHARES))):
        got = rx.dijkstra_shortest_path_lengths(graph, size + category, float)
        nodes, values = np.fromiter(got.keys(), np.int64, len(got)), np.fromiter(got.values(), float, len(got))
        kept = (nodes < size) & (values <= LIMIT_DS)
        times[:, category] = FAR
        times[nodes[kept], category] = values[kept]
    return times


class _Within(DijkstraVisitor):
    """Notes the vertices within the limit, and stops there."""

    def __init__(self) -> None:
        self.found: list[tuple[int, float]] = []

    def discover_vertex(self, vertex: int, score: float) -> None:
        if score > LIMIT_DS:
            raise StopSearch
        self.found.append((vertex, score))


def counts(graph: rx.PyDiGraph, city: City, pace: Pace) -> Any:  # noqa: ANN401
    """From each node with facilities."""
    table = np.zeros((len(city.x), len(SHARES), len(LIMITS)), np.uint16)
    there: dict[int, list[int]] = {}
    for node, category in zip(city.facility.tolist(), city.category.tolist(), strict=True):
        there.setdefault(node, []).append(category)
    for node in pace.over(sample(list(there))):
        visitor = _Within()
        rx.dijkstra_search(graph, [node], float, visitor)
        for other, score in visitor.found:
            table[other, there[node], bisect_left(LIMITS, score) :] += 1
    return table if pace.share == 1 else None


ENGINE = Engine(
    "rustworkx",
    ("rustworkx",),
    build,
    {
        "nearest": ("dijkstra_shortest_path_lengths from a super-source; no cut-off exists", nearest),
        "counts": ("dijkstra_search from each facility node, a visitor stops it", counts),
    },
)

if __name__ == "__main__":
    run(ENGINE)
