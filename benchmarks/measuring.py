"""One engine, one city, one process: build, answer, and print the seconds, the memory and the answers' whereabouts.

Runs inside each peer's own environment, so it needs numpy and nothing else.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import platform
import statistics
import sys
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from benchmarks.city import City

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

FAR = -1  # no facility within the limit
UNASKED = -2  # this value was not computed
ENOUGH_S = 1.0  # a job shorter than this is done again
MOST_RUNS = 7


class Pace:
    """How much of a job is done before the time is up; the rest is extrapolated."""

    def __init__(self, budget_s: float) -> None:
        self.budget_s = budget_s
        self.done = self.total = 0

    def over(self, items: Sequence[Any], *, each: int = 1) -> Iterator[Any]:
        """Items until the time is up, at least one; every item may stand for several."""
        self.total, self.done = len(items) * each, 0
        start = time.perf_counter()
        for item in items:
            yield item
            self.done += each
            if time.perf_counter() - start > self.budget_s:
                return

    @property
    def share(self) -> float:
        """The share of the job that was done."""
        return self.done / self.total if self.total else 1.0


@dataclass(frozen=True)
class Engine:
    """How one library answers.

    Parameters
    ----------
    name : str
        The library, as the report lists it.
    packages : tuple of str
        Distributions whose versions are reported.
    build : callable
        City -> whatever the library searches on.
    questions : dict
        Question -> (what is called, callable of (built, city, pace)). The answer is an array, or a pair of rows and an
        array, or None where it is not kept; or a function that makes one of these once the clock has stopped.
    threads : int
        How many it uses.
    warm : callable, optional
        Done before the clock starts, with a city of a few hundred nodes: loads compiled code.
    """

    name: str
    packages: tuple[str, ...]
    build: Callable[[City], Any]
    questions: dict[str, tuple[str, Callable[[Any, City, Pace], Any]]]
    threads: int = 1
    warm: Callable[[], None] | None = None


def spread(categories: int) -> list[int]:
    """Categories in an order whose every beginning holds common and rare ones."""
    return sorted(range(categories), key=lambda at: at * 4 % categories)


def sample(nodes: Any) -> list[int]:  # noqa: ANN401  any array of nodes
    """All of them, in a fixed random order, so that a beginning is a sample."""
    return np.random.default_rng(3).permutation(np.asarray(nodes)).tolist()


def peak_mb() -> float:
    """The most memory that this process has held since `forget_peak`."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20


def forget_peak() -> None:
    """Measure the peak anew from here, where the kernel lets us."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return


class Took(NamedTuple):
    """Medians of the seconds by the clock and of the processors' seconds over all threads, and how many runs."""

    seconds: float
    cpu_seconds: float
    runs: int


def timed(job: Callable[[], Any]) -> tuple[Any, Took]:
    """The answer, and how long it took; short jobs are done again, and no answer stands beside the one before it."""
    answer, seconds, worked = None, [], []
    while not seconds or (sum(seconds) < ENOUGH_S and len(seconds) < MOST_RUNS):
        answer = None
        gc.collect()
        start, begun = time.perf_counter(), time.process_time()
        answer = job()
        worked.append(time.process_time() - begun)
        seconds.append(time.perf_counter() - start)
    return answer, Took(statistics.median(seconds), statistics.median(worked), len(seconds))


def run(engine: Engine, words: Sequence[str] | None = None) -> None:
    """Measure what the command line asks for, and print it as one line of JSON."""
    parser = argparse.ArgumentParser(description=f"{engine.name}: answers one city's questions")
    parser.add_argument("city", type=Path, help="a file that City.save wrote")
    parser.add_argument("--questions", default=",".join(engine.questions))
    parser.add_argument("--answers", type=Path, help="folder to keep the answers in")
    parser.add_argument("--budget", type=float, default=10.0, help="seconds before a slow engine is sampled")
    asked = parser.parse_args(words)
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # some libraries print from C++
    city = City.load(asked.city)
    if engine.warm:
        engine.warm()
    forget_peak()
    held = peak_mb()
    built, took = timed(lambda: engine.build(city))
    report: dict[str, Any] = {
        "engine": engine.name,
        "city": asked.city.stem,
        "threads": engine.threads,
        "versions": {package: version(package) for package in engine.packages},
        "python": platform.python_version(),
        "build": {**took._asdict(), "peak_mb": peak_mb(), "held_mb": held},
    }
    for name in asked.questions.split(","):
        if name in engine.questions:
            report[name] = _asked(engine, name, built, city, asked)
    print(json.dumps(report), file=out, flush=True)


def _asked(engine: Engine, name: str, built: Any, city: City, asked: argparse.Namespace) -> dict[str, Any]:  # noqa: ANN401
    """One question: seconds for the whole job, memory, and how much of it was really done."""
    how, question = engine.questions[name]
    pace = Pace(asked.budget)
    forget_peak()
    answer, took = timed(lambda: question(built, city, pace))
    found: dict[str, Any] = {"how": how, **took._asdict(), "share": pace.share, "peak_mb": peak_mb()}
    for clock in ("seconds", "cpu_seconds"):
        found[clock] /= pace.share
    if name.startswith("outlines"):
        found["origins"] = pace.done
    if callable(answer):
        answer = answer()
    if isinstance(answer, dict):
        return found | {"each": answer}
    if asked.answers and answer is not None:
        rows, values = answer if isinstance(answer, tuple) else (None, answer)
        kept = {"values": values} if rows is None else {"values": values, "rows": np.asarray(rows)}
        np.savez(asked.answers / f"{asked.city.stem}-{engine.name}-{name}.npz", **kept)
    return found
