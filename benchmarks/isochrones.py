"""Where the time of an isochrone goes, step by step, on one thread: `python -m benchmarks.isochrones [nodes]`.

Processor seconds, so that a busy machine changes little: the least of some rounds. Then how near the outlines are to
the exact ones, over the first homes. The peers are in the report of `python -m benchmarks`.
"""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.city import make
from benchmarks.peers.circle15_outlines import MINUTES, WALKER, points, united
from benchmarks.report import overlap
from benchmarks.studies import table
from circle15.network import WalkNetwork, isochrones, snapping

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.city import City

HOMES, NEAR = 384, 100
ROUNDS = 7
STEPS = ("search", "stamp", "trace", "build")


def steps(drawer: isochrones.Drawer, homes: int) -> list[float]:
    """Seconds of every step for all homes."""
    spent, clock = [0.0] * len(STEPS), time.thread_time
    for first in range(0, homes, isochrones.CHUNK):
        start, walk = clock(), 0
        walks = drawer.walks(first, min(first + isochrones.CHUNK, homes))
        spent[0] += clock() - start
        while walk < len(walks.piece):
            laps = [clock()]
            walk, count = drawer.draw(walks, walk)
            laps.append(clock())
            drawer.trace(count)
            laps.append(clock())
            drawer.shapes(count)
            laps.append(clock())
            spent[1:] = [before + lap for before, lap in zip(spent[1:], np.diff(laps).tolist(), strict=True)]
    return spent


def least(task: Callable[[], Any]) -> list[float]:
    """The least seconds of some rounds: those that the task tells, or its own."""
    rounds = []
    for _ in range(ROUNDS):
        start = time.process_time()
        told = task()
        rounds.append(told if isinstance(told, list) else [time.process_time() - start])
    return np.min(rounds, axis=0).tolist()


def measured(city: City, *, fine: bool) -> dict[str, float]:
    """Milliseconds for each home, by step and through the class; and once for the city."""
    network = WalkNetwork(table(city))
    graph = network._graph(WALKER)  # noqa: SLF001  the steps have no door of their own
    homes, limits = points(city, city.homes[:HOMES]), np.array([round(600 * one) for one in MINUTES])
    cell = isochrones.FINE_M if fine else isochrones.COARSE_M
    reach = isochrones.Reach(graph, snapping.place(graph, homes))

    def stamp() -> None:
        graph.layout.stamped.clear()
        isochrones.Ground.of(reach, cell=cell, water=None)

    (once,) = least(stamp)
    drawer = isochrones.Drawer(reach, isochrones.Ground.of(reach, cell=cell, water=None), limits)
    spent = least(lambda: steps(drawer, len(reach.row)))
    (through,) = least(lambda: network.isochrones(homes, walker=WALKER, minutes=MINUTES, fine=fine))
    each = 1000 / len(homes)
    found = {step: each * seconds for step, seconds in zip(STEPS, spent, strict=True)}
    return found | {"all": each * sum(spent), "through the class": each * through, "once, for the city": 1000 * once}


def near(city: City, *, fine: bool) -> str:
    """Overlap with the exact outlines: the mean and the least for each limit."""
    network, homes = WalkNetwork(table(city)), points(city, city.homes[:NEAR])
    drawn = network.isochrones(homes, walker=WALKER, minutes=MINUTES, fine=fine)
    alike: dict[float, list[float]] = {minutes: [] for minutes in MINUTES}
    for origin, minutes, shape in zip(drawn["origin"], drawn["minutes"], drawn.geometry, strict=True):
        true = united(network, homes.geometry[origin], minutes)
        alike[minutes].append(float(overlap(shape, true)))
    return "  ".join(f"{minutes:g} min {np.mean(one):.3f} ({min(one):.3f})" for minutes, one in alike.items())


def main() -> None:
    """Print both for both settings."""
    nodes = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # the class uses all processors there are
    city = make(nodes)
    for fine in (False, True):
        cell = isochrones.FINE_M if fine else isochrones.COARSE_M
        words = "  ".join(f"{step} {spent:.3f}" for step, spent in measured(city, fine=fine).items())
        sys.stdout.write(f"{nodes:,} nodes, cells of {cell:g} m, ms: {words}\n")
        sys.stdout.write(f"  overlap, mean and least of {NEAR} homes: {near(city, fine=fine)}\n")


if __name__ == "__main__":
    main()
