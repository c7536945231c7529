"""Fuzz every door: whatever a file holds, a reader ends in a table or in a Circle15Error, soon and in little memory.

::

    python fuzzing/fuzz.py --inputs 20000 --seed 15 --workers 2 --keep found/
    python fuzzing/fuzz.py --doors "osm xml" pbf --inputs 1000
    python fuzzing/fuzz.py --doors pbf --only 4711 --keep found/

Input number n of a door depends on the seed, the door and n alone, so any of them can be made again. Every door runs in
a process of its own, which may not grow by more than 1 GiB; a process that dies is a finding too. Exit code 1 when
anything was found.
"""

from __future__ import annotations

import os

os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "GDAL_NUM_THREADS"), "1")

import argparse
import logging
import multiprocessing
import random
import resource
import signal
import sys
import tempfile
import time
import traceback
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "tests")]

from doors import doors
from mutations import mutate

from circle15.errors import Circle15Error

SECONDS = 5.0  # no input may take longer
GROWTH = 1 << 30  # bytes that a process may grow by
STUCK = 30.0  # seconds after which a process that cannot even be interrupted is ended


class TooSlow(BaseException):
    """Raised by the alarm."""


@dataclass
class Tally:
    """What came of the inputs of one door."""

    inputs: int = 0
    refused: int = 0
    slowest: float = 0.0
    slowest_at: int = -1
    peak_mb: float = 0.0
    grown_mb: float = 0.0
    found: dict[str, list[int]] = field(default_factory=dict)  # what -> the inputs that show it


def made(door: str, number: int, *, seed: int, folder: Path) -> tuple[bytes, Path]:
    """An input again, and where it was read from."""
    one = doors(folder)[door]
    return mutate(random.Random(f"{seed}/{door}/{number}"), one.seeds, one.words), folder / one.file  # noqa: S311


def _where(error: BaseException) -> str:
    """The kind of an error and the last line of ours that it passed."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "circle15" in frame.filename]
    last = f"{Path(frames[-1].filename).name}:{frames[-1].lineno} {frames[-1].name}" if frames else "?"
    return f"{type(error).__name__} at {last}: {str(error)[:100]!r}"


def _kind(what: str) -> str:
    return what.split(": ", 1)[0]


def _alarm(*_: object) -> None:
    raise TooSlow


def _memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _limit_memory() -> None:
    with Path("/proc/self/statm").open() as file:
        now = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + GROWTH, now + GROWTH))


def _work(door: str, numbers: range, seed: int, pipe: Connection) -> None:
    """Read inputs one after another, and say of each what came of it."""
    logging.disable()
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGALRM, _alarm)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # GDAL and numpy say much
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as name:  # noqa: S108
        folder = Path(name)
        one = doors(folder)[door]
        path = folder / one.file
        path.parent.mkdir(parents=True, exist_ok=True)
        for at, content in enumerate(one.seeds):  # warm up: what is loaded now is nobody's fault
            path.write_bytes(content)
            outcome = _outcome(one.read, path)
            if outcome and not one.refuses:
                pipe.send((-1, f"sound file {at} is refused", 0.0, 0, 0))
        before = _memory()
        _limit_memory()
        for number in numbers:
            path.write_bytes(mutate(random.Random(f"{seed}/{door}/{number}"), one.seeds, one.words))  # noqa: S311
            pipe.send((number, None, 0.0, 0, 0))
            begun = time.perf_counter()
            outcome = _outcome(one.read, path)
            peak = _memory()
            pipe.send((number, outcome, time.perf_counter() - begun, peak, peak - before))
    pipe.close()


def _outcome(read: object, path: Path) -> str:
    """Nothing for a file that could be read, "refused" for a Circle15Error, else what is wrong."""
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        read(path)  # type: ignore[operator]
    except Circle15Error as error:
        return "refused" if error.findings and all(str(one).strip() for one in error.findings) else "nothing said"
    except TooSlow as error:
        return f"TooSlow, {_where(error)}"
    except Exception as error:  # noqa: BLE001  this is what is looked for
        return _where(error)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return ""


def fuzz(door: str, inputs: int, *, seed: int, first: int = 0) -> Tally:
    """Give a door so many inputs; a process that dies is replaced by another that goes on after it."""
    tally, at = Tally(), first
    context = multiprocessing.get_context("spawn")
    while at < first + inputs:
        ours, theirs = context.Pipe(duplex=False)
        worker = context.Process(target=_work, args=(door, range(at, first + inputs), seed, theirs), daemon=True)
        worker.start()
        theirs.close()
        at = _listen(ours, tally, at)
        worker.join(1)
        if worker.is_alive() or at < first + inputs:
            worker.kill()
            worker.join()
            if at < first + inputs:
                _add(tally, f"process ended with {worker.exitcode}", at)
                tally.inputs += 1
                at += 1
        if tally.inputs == 0 and not tally.found:
            _add(tally, "not one input could be read", at)
            break
    return tally


def _listen(pipe: Connection, tally: Tally, at: int) -> int:
    """Count what a process says; the number of the first input that it said nothing of."""
    waits = 120.0  # for the first, which loads everything
    while pipe.poll(waits):
        try:
            number, outcome, seconds, peak, grown = pipe.recv()
        except EOFError:
            return at
        waits = STUCK
        if number < 0:
            _add(tally, outcome, number)
        if number < 0 or outcome is None:
            continue
        at = number + 1
        tally.inputs += 1
        tally.refused += outcome == "refused"
        tally.peak_mb, tally.grown_mb = max(tally.peak_mb, peak / 1e6), max(tally.grown_mb, grown / 1e6)
        if seconds > tally.slowest:
            tally.slowest, tally.slowest_at = seconds, number
        if outcome not in ("", "refused"):
            _add(tally, outcome, number)
    return at


def _add(tally: Tally, what: str, number: int) -> None:
    same = next((known for known in tally.found if _kind(known) == _kind(what)), what)
    tally.found.setdefault(same, []).append(number)


def table(tallies: dict[str, Tally]) -> str:
    """What came of all doors."""
    head = f"{'door':<18} {'inputs':>7} {'refused':>8} {'bugs':>5} {'peak MB':>8} {'grown MB':>9} {'slowest s':>10}"
    lines = [
        f"{name:<18} {one.inputs:>7,} {one.refused:>8,} {len(one.found):>5} {one.peak_mb:>8.0f} {one.grown_mb:>9.0f} "
        f"{one.slowest:>10.3f}"
        for name, one in tallies.items()
    ]
    found = [
        f"{name}: {what} ({len(numbers):,} inputs, first {numbers[0]})"
        for name, one in tallies.items()
        for what, numbers in one.found.items()
    ]
    return "\n".join([head, *lines, *found])


def _keep(door: str, tally: Tally, seed: int, folder: Path) -> None:
    """Save the first three inputs that show each finding."""
    folder.mkdir(parents=True, exist_ok=True)
    for at, (what, numbers) in enumerate(tally.found.items()):
        for number in numbers[:3]:
            with tempfile.TemporaryDirectory() as made_in:
                content, path = made(door, number, seed=seed, folder=Path(made_in))
            name = f"{door.replace(' ', '_')}-{at}-{number}-{path.name}"
            (folder / name).write_bytes(content)
            (folder / f"{name}.why").write_text(f"{what}\nseed {seed}, input {number}\n", encoding="utf-8")


def main() -> int:
    """Run the campaign that the command line asks for."""
    with tempfile.TemporaryDirectory() as made_in:
        known = list(doors(Path(made_in)))
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--doors", nargs="*", default=known, choices=known, metavar="DOOR", help=", ".join(known))
    ask.add_argument("--inputs", type=int, default=20_000, help="per door")
    ask.add_argument("--seed", type=int, default=15)
    ask.add_argument("--workers", type=int, default=1, help="doors at once")
    ask.add_argument("--only", type=int, help="the number of one input")
    ask.add_argument("--keep", type=Path, help="a folder for inputs that show something")
    given = ask.parse_args()
    first, inputs = (0, given.inputs) if given.only is None else (given.only, 1)
    tallies: dict[str, Tally] = {}
    with ThreadPoolExecutor(given.workers) as pool:
        running = {one: pool.submit(fuzz, one, inputs, seed=given.seed, first=first) for one in given.doors}
        for one, run in running.items():
            tallies[one] = run.result()
            print(table({one: tallies[one]}).split("\n", 1)[1], flush=True)
            if given.keep:
                _keep(one, tallies[one], given.seed, given.keep)
    print(table(tallies))
    return int(any(one.found for one in tallies.values()))


if __name__ == "__main__":
    sys.exit(main())
