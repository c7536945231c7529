"""Where the time of an isochrone goes, step by step, on one thread: `python -m benchmarks.isochrones [nodes]`.

Processor seconds, so that a busy machine changes little. The peers are in the report of `python -m benchmarks`.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.city import make
from benchmarks.peers.circle15_outlines import MINUTES, WALKER, points
from benchmarks.studies import table
from circle15.network import WalkNetwork, canvas, drawing, isochrones, search, snapping, tracing
from circle15.project import Walker

if TYPE_CHECKING:
    from collections.abc import Callable

HOMES = 384
ROUNDS = 5


def least(task: Callable[[], Any]) -> tuple[float, Any]:
    """The least processor seconds of some rounds, and the answer."""
    spent, answer = [], None
    for _ in range(ROUNDS):
        start = time.thread_time()
        answer = task()
        spent.append(time.thread_time() - start)
    return min(spent), answer


def steps(nodes: int, cell: float) -> dict[str, float]:
    """Milliseconds for each home: searching, stamping, tracing, building; and milliseconds once for the city."""
    city = make(nodes)
    network = WalkNetwork(table(city))
    graph = network._graph(WALKER)  # noqa: SLF001  the steps have no door of their own
    homes = points(city, city.homes[:HOMES])
    reach = isochrones.Reach(graph, snapping.place(graph, homes, Walker.load(WALKER)))
    limits, work = np.array([round(600 * one) for one in MINUTES]), drawing.scratch(len(reach.streets.metres))
    once, (grid, lines) = least(lambda: canvas.over(graph.layout, cell=cell, water=None))
    stamping, known = least(lambda: drawing.stamps(grid, lines))
    world, plan = drawing.World(reach.streets, lines, grid, known), isochrones.plan(cell)
    found = search.scratch(graph.onward)
    runs = [(low, min(len(homes), low + isochrones.CHUNK)) for low in range(0, len(homes), isochrones.CHUNK)]
    searching, walks = least(lambda: [reach.walks(*run, limit=int(limits[-1]), work=found) for run in runs])
    drawn, sheets = least(lambda: [drawing.sheets(world, one, limits, work) for one in walks])
    traced, rings = least(lambda: [tracing.outlines(one, grid, plan) for one in sheets])
    built, _ = least(lambda: [isochrones.multipolygons(one) for one in rings])
    each = 1000 / len(homes)
    spent = {"search": searching * each, "stamp": drawn * each, "trace": traced * each, "build": built * each}
    return spent | {"all": sum(spent.values()), "once, for the city": 1000 * (once + stamping)}


def main() -> None:
    """Print the steps for both settings."""
    nodes = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    for cell in (isochrones.COARSE_M, isochrones.FINE_M):
        words = "  ".join(f"{step} {spent:.3f}" for step, spent in steps(nodes, cell).items())
        sys.stdout.write(f"{nodes:,} nodes, cells of {cell:g} m, ms: {words}\n")


if __name__ == "__main__":
    main()
