"""Where to build: what circle15's siting takes, how sure it is then, and what spopt makes of the same questions.

`python -m benchmarks.siting JOB` does one job in circle15 and prints one line of JSON; `benchmarks.peers.spopt` does it
in spopt. Towns are made from numpy alone, so that both see the same one.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from benchmarks.measuring import forget_peak, peak_mb

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SIDE_M, NEAREST_M = 10_000.0, 700.0  # of the square; how far homes gather around a centre
CENTRES = 25
LIMIT_S = 120.0


class Job(NamedTuple):
    """One question; who is farther away than the radius is not served, and walks that far in a p-median.

    spopt is asked where it has the model; its backup covering counts whoever has one site within reach as covered twice
    (0.7.0), and its p-median knows no radius.
    """

    model: str
    homes: int
    places: int
    sites: int
    radius_m: float = np.inf
    gathered: bool = False  # homes and candidates around centres, instead of anywhere
    peer: bool = True


HELD = (300, 60)  # homes and candidates of the towns that both solve
LARGE = (2000, 1000)
JOBS = {
    "2,000 homes": Job("maximal covering", *LARGE, 10, 800.0),
    "2,000 homes gathered": Job("maximal covering", *LARGE, 10, 800.0, gathered=True),
    "2,000 homes capacity": Job("capacitated covering", *LARGE, 10, 800.0, peer=False),
    "2,000 homes median near": Job("p-median", *LARGE, 10, 3000.0, peer=False),
    "2,000 homes median": Job("p-median", *LARGE, 10, peer=False),
    "2,000 homes centre": Job("p-centre", *LARGE, 10, peer=False),
    "300 homes cover": Job("set covering", *HELD, 0, 2500.0),
    "300 homes covering": Job("maximal covering", *HELD, 5, 1500.0),
    "300 homes backup": Job("backup covering", *HELD, 25, 2500.0, peer=False),
    "300 homes median": Job("p-median", *HELD, 5),
    "300 homes centre": Job("p-centre", *HELD, 5),
}


class Town(NamedTuple):
    """Metres from homes to candidates, and people at each home."""

    metres: Floats
    people: Floats


def town(job: Job) -> Town:
    """The town of a job, the same on every run."""
    chance = np.random.default_rng(0)
    if job.gathered:
        centres = chance.random((CENTRES, 2)) * SIDE_M
        home, place = (
            centres[chance.integers(0, CENTRES, number)] + chance.normal(0, NEAREST_M, (number, 2))
            for number in (job.homes, job.places)
        )
    else:
        home, place = (chance.random((number, 2)) * SIDE_M for number in (job.homes, job.places))
    metres = np.hypot(*(home[:, None] - place[None]).transpose(2, 0, 1)).round(1)
    return Town(metres, chance.integers(50, 1500, job.homes).astype(float))


def ask(job: Job, asked: Town) -> Any:  # noqa: ANN401  a Siting, whose package is loaded here
    """circle15's answer."""
    import pandas as pd

    from circle15 import siting

    row, column = np.nonzero(asked.metres <= job.radius_m)
    homes = pd.Index([f"home {number:04}" for number in range(job.homes)])
    places = pd.Index([f"place {number:04}" for number in range(job.places)])
    table = {"origin": homes[row], "facility": places[column], "seconds": asked.metres[row, column]}
    reach = siting.reach(pd.DataFrame(table), pd.Series(asked.people, homes))
    limits: dict[str, Any] = {"limit_s": LIMIT_S} | ({"sites": job.sites} if job.sites else {})
    models: dict[str, Callable[..., Any]] = {
        "set covering": siting.set_covering,
        "maximal covering": siting.maximal_covering,
        "backup covering": siting.backup_covering,
        "p-median": siting.p_median,
        "p-centre": siting.p_centre,
    }
    if job.model == "capacitated covering":
        holds = np.random.default_rng(1).integers(5_000, 50_000, len(reach.sites)).astype(float)
        return siting.capacitated_covering(reach, pd.Series(holds, reach.sites), **limits)
    if job.model == "p-median" and np.isfinite(job.radius_m):
        limits["beyond_s"] = job.radius_m
    return models[job.model](reach, **limits)


def measured(work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What some work tells of itself, with its seconds by the clock and of the processor, and its memory."""
    forget_peak()
    start, begun = time.perf_counter(), _worked()
    told = work()
    return told | {"seconds": time.perf_counter() - start, "cpu_seconds": _worked() - begun, "peak_mb": peak_mb()}


def _worked() -> float:
    """Processor seconds of this process and of those that it has waited for: CBC is a program of its own."""
    return sum(os.times()[:4])


def _told(job: Job, asked: Town) -> dict[str, Any]:
    found = ask(job, asked)
    beside = found.greedy
    return {
        "objective": found.objective,
        "bound": found.bound,
        "gap": found.gap,
        "proven": found.optimal,
        "greedy": None if beside is None else beside.objective,
        "greedy_s": None if beside is None else beside.seconds,
    }


def main() -> None:
    """Do one job, after a small one that loads everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("job", choices=JOBS)
    job = JOBS[parser.parse_args().job]
    small = job._replace(homes=20, places=10, sites=job.sites and 10, radius_m=np.inf)
    ask(small, town(small))
    asked = town(job)
    print(json.dumps(measured(lambda: _told(job, asked)), default=float))


if __name__ == "__main__":
    main()
