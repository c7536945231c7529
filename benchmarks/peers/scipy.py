"""scipy's csgraph: Dijkstra with a limit, on whole deciseconds held as floats."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from benchmarks.city import CUTOFFS_S, LIMIT_DS, SHARES
from benchmarks.measuring import FAR, UNASKED, Engine, Pace, run, sample, spread

if TYPE_CHECKING:
    from benchmarks.city import City

LIMITS = np.array(CUTOFFS_S) * 10
ROWS_BYTES = 64_000_000  # of the dense answer that scipy gives, at a time


def build(city: City) -> tuple[Any, Any]:
    """The graph both ways."""
    size = len(city.x)
    onward = csr_array((city.ds.astype(float), (city.tail, city.head)), shape=(size, size))
    return onward, onward.T.tocsr()


def nearest(graph: tuple[Any, Any], city: City, pace: Pace) -> Any:  # noqa: ANN401
    """From the facilities of a category at once, against the links."""
    times = np.full((len(city.x), len(SHARES)), UNASKED, np.int32)
    for category in pace.over(spread(len(SHARES))):
        got = dijkstra(graph[1], indices=city.of(category), min_only=True, limit=LIMIT_DS)
        times[:, category] = np.where(np.isfinite(got), got, FAR)
    return times


def counts(graph: tuple[Any, Any], city: City, pace: Pace) -> Any:  # noqa: ANN401
    """From each node with facilities, against the links: all cut-offs from one search."""
    size = len(city.x)
    table = np.zeros((size, len(SHARES), len(LIMITS)), np.uint16)
    there: dict[int, list[int]] = {}
    for node, category in zip(city.facility.tolist(), city.category.tolist(), strict=True):
        there.setdefault(node, []).append(category)
    rows = max(1, ROWS_BYTES // (8 * size))
    nodes = sample(list(there))
    chunks = [nodes[at : at + rows] for at in range(0, len(nodes), rows)]
    for chunk in pace.over(chunks):
        got = dijkstra(graph[1], indices=chunk, limit=LIMIT_DS)
        for node, row in zip(chunk, got, strict=True):
            for at, limit in enumerate(LIMITS):
                within = row <= limit
                for category in there[node]:
                    table[within, category, at] += 1
    return table if pace.share == 1 else None


def hulls(graph: tuple[Any, Any], city: City, pace: Pace) -> None:
    """One forward search, then the concave hull of the nodes reached, for each cut-off."""
    import shapely

    xy = np.column_stack([city.x, city.y])
    for home in pace.over(city.homes.tolist()):
        row = dijkstra(graph[0], indices=home, limit=LIMIT_DS)
        for limit in LIMITS:
            shapely.concave_hull(shapely.multipoints(xy[row <= limit]), ratio=0.1)


ENGINE = Engine(
    "scipy",
    ("scipy", "numpy"),
    build,
    {
        "nearest": ("dijkstra(min_only, limit), once per category", nearest),
        "counts": ("dijkstra(limit) from each facility node, dense rows", counts),
        "outlines": ("dijkstra + shapely.concave_hull(0.1) of the nodes; no partial links", hulls),
    },
)

if __name__ == "__main__":
    run(ENGINE)
