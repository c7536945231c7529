"""One command: make the environments, ask every engine the same questions in turns, write `report.md` and JSON.

    python -m benchmarks [--only search,outlines,reading,studies,starts,growth,siting] [--engines scipy,pandana]
                         [--sizes 10000,100000,1000000,yuzhong,monaco,helsinki] [--rounds 3] [--budget 6]

Every measurement is a fresh process. An engine whose round takes longer than `LONG_S` is asked once. What was
measured before and is not measured now stays in the report, with its own date; the report names what older code of
circle15 gave. A full run starts from nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from benchmarks import report
from benchmarks.city import City, make
from benchmarks.environments import HERE, WORK, MissingPeerError, python_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

CITIES, ANSWERS, RESULTS = WORK / "cities", WORK / "answers", WORK / "results"
SIZES = "10000,100000,1000000,yuzhong,monaco,helsinki"
DRAWN = ("10000", "100000", "yuzhong", "monaco", "helsinki")  # cities that outlines are asked of
GROWING = tuple(str(nodes) for nodes in (25_000, 50_000, 100_000, 200_000, 400_000, 1_000_000))
LONG_S = 40.0
TIMEOUT_S = 1500.0


class Asked(NamedTuple):
    """What one engine is asked in one part."""

    engine: str
    questions: str
    room: str = ""  # below peers/, where it is not named after the engine


SEARCH = (
    Asked("circle15", "nearest,nearest-1,counts,counts-1,forward,homes"),
    Asked("scipy", "nearest,counts"),
    Asked("igraph", "nearest,counts"),
    Asked("rustworkx", "nearest,counts"),
    Asked("networkx", "nearest,counts,ego"),
    Asked("pandana", "nearest,counts"),
    Asked("cityseer", "counts"),
)
OUTLINES = (
    Asked("circle15", "outlines,outlines-1,outlines-all,outlines-fine,outlines-exact", "circle15_outlines"),
    Asked("pyvalhalla", "outlines"),
    Asked("scipy", "outlines"),
    Asked("osmnx", "outlines,outlines-lean"),
)
GROWTH = (Asked("circle15", "nearest,counts,homes"),)
STEPS = (Asked("circle15", "categories,edits"),)
STEPPING = "100000"


def main() -> None:
    """Measure, then write the report."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", default=",".join(PARTS), help="parts, separated by commas")
    parser.add_argument("--engines", default="", help="only these engines")
    parser.add_argument("--sizes", default=SIZES, help="nodes of synthetic cities, and names of real networks")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--budget", type=float, default=6.0, help="seconds before a slow engine is sampled")
    parser.add_argument("--busy", action="store_true", help="say in the report that other work ran at the same time")
    asked = parser.parse_args()
    parts = asked.only.split(",")
    if unknown := set(parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(unknown)}; known are {', '.join(PARTS)}")
    if parts == list(PARTS) and not asked.engines:
        shutil.rmtree(RESULTS, ignore_errors=True)
    for folder in (CITIES, ANSWERS, RESULTS):
        folder.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    for part in parts:
        PARTS[part](asked)
    _keep("machine", report.machine() | {"busy": asked.busy, "minutes": round((time.monotonic() - start) / 60, 1)})
    report.write(RESULTS, HERE, words=HERE / "reading_it.md")


def search(asked: argparse.Namespace) -> None:
    """Nearest and counts, then how far the answers agree."""
    for size in asked.sizes.split(","):
        _in_turns("search", size, SEARCH, asked)
        _keep(f"checks-{size}", {"differ": report.differences(ANSWERS, size)})


def outlines(asked: argparse.Namespace) -> None:
    """Polygons of 5, 10 and 15 minutes."""
    for size in asked.sizes.split(","):
        if size in DRAWN:
            quick = argparse.Namespace(**vars(asked) | {"budget": asked.budget / 2})  # every origin is like another
            _in_turns("outlines", size, OUTLINES, quick)
            _keep(f"overlap-{size}", {"overlap": report.overlaps(ANSWERS, size)})


def reading(asked: argparse.Namespace) -> None:
    """One large file, by each reader."""
    from benchmarks import osm_file
    from benchmarks import reading as room

    source = WORK / "reading.osm.pbf"
    _keep("reading-file", osm_file.write(make(room.NODES), source) | {"bytes": source.stat().st_size})
    for turn in range(asked.rounds):
        for name in sorted(room.JOBS, key=lambda job: job != "pbf to XML"):  # the XML first
            words = ["-m", "benchmarks.reading", name, str(source)]
            found = _fresh(room.JOBS[name].environment, words) | {"does": room.JOBS[name].does}
            _keep(f"reading-{name.replace(' ', '_')}-{turn}", {"job": name} | found)


def studies(asked: argparse.Namespace) -> None:
    """Whole studies through the command line, and a synthetic city through the API."""
    from benchmarks import studies as room

    for turn in range(asked.rounds):
        for name in room.JOBS:
            found = _fresh("circle15", ["-m", "benchmarks.studies", name, "--work", str(WORK / "studies")])
            _keep(f"studies-{name.replace(' ', '_')}-{turn}", {"job": name} | found)


def starts(_: argparse.Namespace) -> None:
    """How long it takes until something can begin."""
    from benchmarks import starts as room

    for environment in room.IMPORTS:
        found = _fresh(environment, ["-m", "benchmarks.starts", environment])
        _keep(f"starts-{environment}", {"environment": environment} | found)


def growth(asked: argparse.Namespace) -> None:
    """What another category and twice the area cost circle15."""
    for size in GROWING:
        _in_turns("growth", size, GROWTH, asked)
    _in_turns("steps", STEPPING, STEPS, asked)


def siting(asked: argparse.Namespace) -> None:
    """Where to build, beside spopt where it has the model."""
    from benchmarks import siting as room

    modules = {"circle15": "benchmarks.siting", "spopt": "benchmarks.peers.spopt"}
    long: set[tuple[str, str]] = set()
    for turn in range(asked.rounds):
        for name, job in room.JOBS.items():
            for engine, module in modules.items():
                left_out = asked.engines and engine not in asked.engines.split(",")
                if left_out or (engine, name) in long or (engine == "spopt" and not job.peer):
                    continue
                found = _fresh(engine, ["-m", module, name])
                _keep(f"siting-{name.replace(' ', '_')}-{engine}-{turn}", {"job": name, "engine": engine} | found)
                if "error" in found or found["seconds"] > LONG_S:
                    long.add((engine, name))


PARTS: dict[str, Callable[[argparse.Namespace], None]] = {
    "reading": reading,
    "starts": starts,
    "outlines": outlines,
    "search": search,
    "growth": growth,
    "studies": studies,
    "siting": siting,
}


def _in_turns(part: str, size: str, engines: Iterable[Asked], asked: argparse.Namespace) -> None:
    """Every engine once, then again, until all rounds are done."""
    city = _city(size)
    wanted = [one for one in engines if not asked.engines or one.engine in asked.engines.split(",")]
    long: set[str] = set()
    for turn in range(asked.rounds):
        for one in wanted:
            if one.engine in long:
                continue
            words = ["-m", f"benchmarks.peers.{one.room or one.engine}", str(city), "--questions", one.questions]
            words += ["--budget", str(asked.budget), *(["--answers", str(ANSWERS)] if turn == 0 else [])]
            found = _fresh(one.engine, words)
            _keep(f"{part}-{size}-{one.engine}-{turn}", {"part": part, "city": size, "engine": one.engine} | found)
            if _worked_s(found) > LONG_S or "error" in found:
                long.add(one.engine)


def _worked_s(found: dict[str, Any]) -> float:
    """Seconds that were really spent on building and answering."""
    parts = [part for part in found.values() if isinstance(part, dict) and "runs" in part]
    return sum(part["seconds"] * part.get("share", 1) * part["runs"] for part in parts)


def _city(size: str) -> Path:
    """The file of one city, made first where it is not there."""
    path = CITIES / f"{size}.npz"
    if not path.exists():
        if size.isdecimal():
            city = make(int(size))
        else:
            from benchmarks.networks import real

            city = real(size)
        city.save(path)
    _keep(f"city-{size}", City.load(path).facts() | {"city": size})
    return path


def _fresh(environment: str, words: list[str]) -> dict[str, Any]:
    """Run in a fresh process of one environment; the last line is its answer, or the error is."""
    print(environment, *words[1:3], file=sys.stderr, flush=True)
    clean = {key: value for key, value in os.environ.items() if key not in ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH")}
    try:
        done = subprocess.run(  # noqa: S603  our own words
            [python_of(environment), *words],
            capture_output=True, text=True, timeout=TIMEOUT_S, cwd=HERE.parent, env=clean, check=False,
        )  # fmt: skip
    except MissingPeerError as missing:
        return {"error": str(missing)}
    except subprocess.TimeoutExpired:
        return {"error": f"no answer in {TIMEOUT_S:.0f} s"}
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode or not lines:
        return {"error": (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]}
    answer: dict[str, Any] = json.loads(lines[-1])
    return answer


def _keep(name: str, found: dict[str, Any]) -> None:
    stamp = {"date": datetime.now(UTC).strftime("%Y-%m-%d"), "code": report.code()}
    (RESULTS / f"{name}.json").write_text(
        json.dumps(found | stamp, ensure_ascii=False, default=float), encoding="utf-8"
    )


if __name__ == "__main__":
    main()
