"""cityseer: forward searches from every node in Rust; nearest and counts of all cut-offs come out together."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np
from cityseer import rustalgos

from benchmarks.city import CUTOFFS_S, SHARES
from benchmarks.measuring import Engine, Pace, run

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.city import City

MINUTES = [seconds / 60 for seconds in CUTOFFS_S]
SAMPLED_ABOVE = 300_000  # nodes; beyond, only some are origins
ORIGINS = 300
KEYS = [f"c{category}" for category in range(len(SHARES))]


def build(city: City) -> tuple[Any, Any, dict[str, str], Any]:
    """The streets, directed, with seconds as an impedance at 1 m/s; and the facilities put on them."""
    network = rustalgos.graph.NetworkStructure()
    size = len(city.x)
    live = np.ones(size, bool)
    if size > SAMPLED_ABOVE:
        live[:] = False
        live[np.random.default_rng(3).choice(size, ORIGINS, replace=False)] = True
    for at, (x, y, alive) in enumerate(zip(city.x.tolist(), city.y.tolist(), live.tolist(), strict=True)):
        network.add_street_node(str(at), x, y, alive, 1.0)
    network.set_is_directed(True)
    xs, ys = city.x.tolist(), city.y.tolist()
    factor = (
        city.ds / 10 / np.hypot(city.x[city.head] - city.x[city.tail], city.y[city.head] - city.y[city.tail])
    ).tolist()
    for at, (tail, head) in enumerate(zip(city.tail.tolist(), city.head.tolist(), strict=True)):
        line = f"LINESTRING ({xs[tail]!r} {ys[tail]!r}, {xs[head]!r} {ys[head]!r})"
        network.add_street_edge(tail, head, at, str(tail), str(head), line, factor[at])
    network.validate()
    network.build_edge_rtree()
    places, kinds = rustalgos.data.DataMap(), {}
    for at, (node, category) in enumerate(zip(city.facility.tolist(), city.category.tolist(), strict=True)):
        places.insert(str(at), f"POINT ({xs[node]!r} {ys[node]!r})")
        kinds[str(at)] = KEYS[category]
    places.assign_data_to_network(network, 100.0, 6)
    return network, places, kinds, live


def both(built: tuple[Any, Any, dict[str, str], Any], city: City, pace: Pace) -> Callable[[], Any]:
    """Nearest and counts at once."""
    network, places, kinds, live = built
    got = places.accessibility(network, kinds, KEYS, minutes=MINUTES, speed_m_s=1.0, pbar_disabled=True)
    pace.total, pace.done = len(city.x), int(live.sum())

    def answer() -> tuple[Any, Any]:
        table = np.zeros((len(city.x), len(KEYS), len(MINUTES)), np.int32)
        for category, key in enumerate(KEYS):
            for at, metres in enumerate(sorted(got.result[key].count)):
                table[:, category, at] = np.rint(got.result[key].count[metres])
        rows = np.flatnonzero(live)
        return rows, table[rows]

    return answer


ENGINE = Engine(
    "cityseer",
    ("cityseer",),
    build,
    {"counts": ("accessibility from every node; nearest and three cut-offs together", both)},
    threads=os.cpu_count() or 1,
)

if __name__ == "__main__":
    run(ENGINE)
