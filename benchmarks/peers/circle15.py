"""circle15's engine: bucket-queue searches on plain arrays."""

from __future__ import annotations

import os
import statistics
import time
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.city import CUTOFFS_S, LIMIT_DS, SHARES
from benchmarks.city import make as make_city
from benchmarks.measuring import Engine, Pace, run, spread
from circle15.network.engine import Engine as Search
from circle15.network.search import NEVER
from circle15.network.standing import Standing

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.city import City

LIMITS = np.array(CUTOFFS_S) * 10
CHUNK = 120_000  # origins searched at a time; each call looks at all facilities once
ROUNDS = 5
EDITS = 50


def build(city: City, threads: int | None = None) -> Search:
    """The graph both ways, along a Hilbert curve."""
    return Search.of(city.tail, city.head, city.ds, xy=np.column_stack([city.x, city.y]), threads=threads)


def nearest(engine: Search, city: City, _: Pace) -> Any:  # noqa: ANN401
    """One search per category, from its facilities, against the links."""
    times = engine.nearest(engine.at_nodes(city.facility), limit=LIMIT_DS, category=city.category)
    return times.T


def counts(engine: Search, city: City, _: Pace) -> Any:  # noqa: ANN401
    """A search from every facility, against the links; all cut-offs at once."""
    found = engine.counts(engine.at_nodes(city.facility), cutoffs=LIMITS, category=city.category)
    return found.places.swapaxes(0, 1)


def nearest_alone(engine: Search, city: City, pace: Pace) -> None:
    """On one thread."""
    nearest(_alone(engine), city, pace)


def counts_alone(engine: Search, city: City, pace: Pace) -> None:
    """On one thread."""
    counts(_alone(engine), city, pace)


def forward(engine: Search, city: City, pace: Pace) -> Callable[[], Any]:
    """From every node along the links, as others search: nearest and counts of all cut-offs together."""
    nodes = np.random.default_rng(3).permutation(len(city.x))  # a beginning is a sample
    places = engine.at_nodes(city.facility)
    chunks = [nodes[at : at + CHUNK] for at in range(0, len(nodes), CHUNK)]
    rows, tables = [], []
    for chunk in pace.over(chunks):
        found = engine.forward(engine.at_nodes(chunk), places, cutoffs=LIMITS, category=city.category)
        rows.append(chunk)
        tables.append(found.places)
    return lambda: (np.concatenate(rows), np.concatenate(tables))


def homes(engine: Search, city: City, _: Pace) -> None:
    """From the homes only: nearest and counts of all cut-offs together."""
    engine.forward(engine.at_nodes(city.homes), engine.at_nodes(city.facility), cutoffs=LIMITS, category=city.category)


def categories(engine: Search, city: City, pace: Pace) -> dict[str, float]:
    """Seconds for nearest and counts of the first one, two, ... categories."""
    order = spread(len(SHARES))
    each = {}
    for many in range(1, len(SHARES) + 1):
        kept = np.isin(city.category, order[:many])
        where, kind = city.facility[kept], np.searchsorted(sorted(order[:many]), city.category[kept])
        taken = []
        for _ in range(ROUNDS):
            start = time.perf_counter()
            places = engine.at_nodes(where)
            engine.nearest(places, limit=LIMIT_DS, category=kind)
            engine.counts(places, cutoffs=LIMITS, category=kind)
            taken.append(time.perf_counter() - start)
        each[f"{many} ({int(kept.sum()):,} facilities)"] = statistics.median(taken)
    pace.done = pace.total = 1
    return each


def edits(engine: Search, city: City, pace: Pace) -> dict[str, float]:
    """Seconds until all answers, nearest and counts of every node, are right again after one edit; medians of many."""
    standing = Standing(engine, engine.at_nodes(city.facility), cutoffs=LIMITS, category=city.category)
    links = np.random.default_rng(3).choice(len(city.ds), EDITS, replace=False).tolist()
    took: dict[str, list[float]] = defaultdict(list)

    def clocked(edit: str, job: Callable[[], Any]) -> Any:  # noqa: ANN401
        start = time.perf_counter()
        answer = job()
        took[edit].append(time.perf_counter() - start)
        return answer

    for at, link in enumerate(links):
        kind = np.array([at % len(SHARES)])
        clocked("a link closes", lambda link=link: standing.retime([link], [NEVER]))
        clocked("it opens again", lambda link=link: standing.retime([link], [city.ds[link]]))
        where = engine.at_nodes(city.head[[link]])
        rows = clocked("a facility more", lambda where=where, kind=kind: standing.add(where, category=kind))
        clocked("it goes again", lambda rows=rows: standing.remove(rows))
    for _ in range(ROUNDS):
        clocked("everything anew", lambda: (nearest(engine, city, pace), counts(engine, city, pace)))
    pace.done = pace.total = 1
    return {edit: statistics.median(seconds) for edit, seconds in took.items()}


def _alone(engine: Search) -> Search:
    return replace(engine, threads=1)


def warm() -> None:
    """Load the kernels."""
    city = make_city(400)
    engine, pace = build(city), Pace(1.0)
    for question in (nearest, counts, forward):
        question(engine, city, pace)


ENGINE = Engine(
    "circle15",
    ("circle15", "numba", "numpy"),
    build,
    {
        "nearest": ("one bucket-queue search per category, all cores", nearest),
        "nearest-1": ("the same, one thread", nearest_alone),
        "counts": ("from each facility, all cores", counts),
        "counts-1": ("the same, one thread", counts_alone),
        "forward": ("forward from every node, nearest and counts together, all cores", forward),
        "homes": ("forward, all cores", homes),
        "edits": ("one edit at a time", edits),
        "categories": ("1, 2, ... 11 categories", categories),
    },
    threads=os.cpu_count() or 1,
    warm=warm,
)

if __name__ == "__main__":
    run(ENGINE)
