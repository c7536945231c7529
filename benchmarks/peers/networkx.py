"""networkx: plain Dijkstra in Python, and the ego graphs that tutorials use."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Any

import networkx as nx
import numpy as np

from benchmarks.city import CUTOFFS_S, LIMIT_DS, SHARES
from benchmarks.measuring import FAR, UNASKED, Engine, Pace, run, sample, spread

if TYPE_CHECKING:
    from benchmarks.city import City

LIMITS = [seconds * 10 for seconds in CUTOFFS_S]
Graphs = tuple[nx.DiGraph, nx.DiGraph]


def build(city: City) -> Graphs:
    """The graph both ways."""
    onward = nx.DiGraph()
    onward.add_nodes_from(range(len(city.x)))
    onward.add_weighted_edges_from(zip(city.tail.tolist(), city.head.tolist(), city.ds.tolist(), strict=True))
    return onward, onward.reverse(copy=False)


def nearest(graphs: Graphs, city: City, pace: Pace) -> Any:  # noqa: ANN401
    """From the facilities of a category at once, against the links."""
    times = np.full((len(city.x), len(SHARES)), UNASKED, np.int32)
    for category in pace.over(spread(len(SHARES))):
        got = nx.multi_source_dijkstra_path_length(graphs[1], set(city.of(category).tolist()), cutoff=LIMIT_DS)
        times[:, category] = FAR
        times[list(got), category] = list(got.values())
    return times


def counts(graphs: Graphs, city: City, pace: Pace) -> Any:  # noqa: ANN401
    """From every node, along the links."""
    there = _there(city)
    rows, table = [], []
    for node in pace.over(sample(range(len(city.x)))):
        found = np.zeros((len(SHARES), len(LIMITS)), np.int32)
        for other, at in nx.single_source_dijkstra_path_length(graphs[0], node, cutoff=LIMIT_DS).items():
            for category in there.get(other, ()):
                found[category, bisect_left(LIMITS, at) :] += 1
        rows.append(node)
        table.append(found)
    return rows, np.array(table)


def ego(graphs: Graphs, city: City, pace: Pace) -> None:
    """The recipe of many tutorials: a subgraph per node, whose facilities are counted; one cut-off."""
    there = _there(city)
    for node in pace.over(sample(range(len(city.x)))):
        around = nx.ego_graph(graphs[0], node, radius=LIMIT_DS, distance="weight")
        found = np.zeros(len(SHARES), np.int32)
        for other in around:
            for category in there.get(other, ()):
                found[category] += 1


def _there(city: City) -> dict[int, list[int]]:
    there: dict[int, list[int]] = {}
    for node, category in zip(city.facility.tolist(), city.category.tolist(), strict=True):
        there.setdefault(node, []).append(category)
    return there


ENGINE = Engine(
    "networkx",
    ("networkx",),
    build,
    {
        "nearest": ("multi_source_dijkstra_path_length, once per category", nearest),
        "counts": ("single_source_dijkstra_path_length(cutoff) from every node", counts),
        "ego": ("ego_graph from every node, one cut-off", ego),
    },
)

if __name__ == "__main__":
    run(ENGINE)
