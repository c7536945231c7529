"""igraph: distances from one more vertex that stands for all facilities; its Dijkstra knows no cut-off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import igraph
import numpy as np

from benchmarks.city import CUTOFFS_S, LIMIT_DS, SHARES
from benchmarks.measuring import FAR, UNASKED, Engine, Pace, run, sample, spread

if TYPE_CHECKING:
    from benchmarks.city import City

LIMITS = np.array(CUTOFFS_S) * 10


def build(city: City) -> igraph.Graph:
    """The graph against its links, with a vertex per category that leads to its facilities at no cost."""
    size = len(city.x)
    tails = np.concatenate([city.head, size + city.category.astype(np.int64)])
    heads = np.concatenate([city.tail, city.facility])
    graph = igraph.Graph(size + len(SHARES), np.column_stack([tails, heads]), directed=True)
    graph.es["ds"] = np.concatenate([city.ds, np.zeros(len(city.facility), np.int32)]).tolist()
    return graph


def nearest(graph: igraph.Graph, city: City, pace: Pace) -> Any:  # noqa: ANN401
    """One search per category, from its own vertex."""
    size = len(city.x)
    times = np.full((size, len(SHARES)), UNASKED, np.int32)
    for category in pace.over(spread(len(SHARES))):
        got = np.array(graph.distances(source=size + category, weights="ds")[0][:size])
        times[:, category] = np.where(got <= LIMIT_DS, got, FAR)
    return times


def counts(graph: igraph.Graph, city: City, pace: Pace) -> Any:  # noqa: ANN401
    """From each node with facilities, over the whole graph."""
    size = len(city.x)
    table = np.zeros((size, len(SHARES), len(LIMITS)), np.uint16)
    there: dict[int, list[int]] = {}
    for node, category in zip(city.facility.tolist(), city.category.tolist(), strict=True):
        there.setdefault(node, []).append(category)
    for node in pace.over(sample(list(there))):
        got = np.array(graph.distances(source=node, weights="ds")[0][:size])
        for at, limit in enumerate(LIMITS):
            within = got <= limit
            for category in there[node]:
                table[within, category, at] += 1
    return table if pace.share == 1 else None


ENGINE = Engine(
    "igraph",
    ("igraph",),
    build,
    {
        "nearest": ("distances from a super-source; no cut-off exists", nearest),
        "counts": ("distances from each facility node; no cut-off exists", counts),
    },
)

if __name__ == "__main__":
    run(ENGINE)
