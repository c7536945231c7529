"""The report, made from the JSON files of the measurements and from nothing else."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import statistics
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.city import LIMIT_DS
from benchmarks.measuring import FAR, UNASKED
from benchmarks.siting import JOBS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Found = dict[str, Any]
_INTRODUCTION = """# circle15 beside its peers

Made by `make benchmarks`; written by a script, never by hand. The same graph, the same question, the same run: every
measurement is a fresh process, engines take turns, and the medians of the rounds are given."""
_BUSY = """\
> **Other work ran on this machine at the same time.** Seconds are too high by an unknown factor; engines took
> turns, so ratios suffer less. Run it again on a quiet machine before quoting anything."""
_OLDER = """\
> **Older code of circle15 than in the last run gave these figures**, which say nothing about it as it is now:"""
_CITIES = """\
Synthetic cities (named by the nodes asked for): a warped grid on hills with lakes, bends and missing streets, its
largest strong part, Tobler's times, nodes numbered in shuffled patches (`city.py`). Real ones: circle15's own streets
and times for the adult in public space, largest strong part, straight links. Facilities of eleven categories are drawn
on nodes of both. Times are whole deciseconds; the cut-off of 900 s is inclusive."""
_COUNTS = """\
circle15, scipy, igraph, rustworkx, cityseer and networkx's Dijkstra give the counts within 300, 600 and 900 s at once;
pandana and the ego graphs those within 900 s alone."""
_WORKED = """\
What the processors spent: on a busy machine closer to the truth than the clock, but blind to how well threads share the
work. For nearest, for counts, and for build + nearest + counts."""
_MEMORY = """\
The peak of the process in MB over building and answering, answers included. In brackets what it held before: the
interpreter, the library, the city's arrays."""
_CHECKS = """\
Share of the values that differ from the reference's, of all that both computed (nodes x categories, and cut-offs).
Definitions are equal but for cityseer, which puts facilities on street edges and adds the last piece in metres."""
_OUTLINES = """\
Polygons of 5, 10 and 15 minutes for one origin. The ratio is to circle15 on one thread. The overlap is the area shared
with the exact buffered union of the reached streets over the area of both; where a method means something else by an
outline (Valhalla: its own flat speed; hulls: areas; the recipe: 25 and 50 m), it measures that difference too.
Homes are a table before the clock starts, and what is kept for the overlap is written down after it has stopped."""
_EDITS = """\
After one edit in the same city, until nearest and counts of every node are right again:"""
_READING = """\
What the readers make of one file differs; the second column says how. Peaks are of the whole process, imports
included."""

_SITING = """\
A square of 10 km with homes and candidates anywhere in it, or gathered around 25 centres; metres as the crow flies.
circle15 proves a bound with every answer and has a greedy one beside it; both engines are stopped after 120 s.
Processor seconds count the solver, which for spopt is a program of its own (CBC)."""

OURS = "circle15"
REFERENCES = (OURS, "scipy", "networkx")  # whose answers the others are held against, the first that answered
ROWS_AT_ONCE = 200_000


# ------------------------------------------------------------------------------------------- what a run notes itself


def code() -> str:
    """A word for the code of circle15 as it is now: figures of other code are told from those of this."""
    files = sorted((Path(__file__).parents[1] / "src").rglob("*.py"))
    return hashlib.blake2b(b"".join(file.read_bytes() for file in files), digest_size=6).hexdigest()


def machine() -> Found:
    """Cores, memory and the class of the processor; nothing that names the machine."""
    words = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    named = [line.split(":", 1)[1].strip() for line in words.splitlines() if line.startswith("model name")]
    wide = "AVX-512" if " avx512f" in words else "AVX2" if " avx2" in words else ""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 0
    return {
        "cores": os.cpu_count(),
        "memory_gib": round(pages / 2**30),
        "cpu": ", ".join(filter(None, [named[0] if named else platform.machine(), wide])),
        "system": platform.system(),
        "python": platform.python_version(),
    }


def differences(answers: Path, city: str) -> dict[str, dict[str, float]]:
    """Question -> engine -> share of the values that differ from the reference's, of those both computed."""
    found: dict[str, dict[str, float]] = {}
    for question in ("nearest", "counts"):
        kept = {name: answers / f"{city}-{name}-{question}.npz" for name in _engines(answers, city, question)}
        reference = next((name for name in REFERENCES if name in kept), None)
        if reference is None:
            continue
        with np.load(kept.pop(reference)) as whole:
            table = whole["values"]
        found[question] = {"reference": reference} | {name: _differing(path, table) for name, path in kept.items()}
        other = answers / f"{city}-{OURS}-forward.npz"
        if question == "counts" and reference == OURS and other.exists():
            found[question]["circle15, forward"] = _differing(other, table)
    return found


def _engines(answers: Path, city: str, question: str) -> list[str]:
    return sorted(path.stem.split("-")[1] for path in answers.glob(f"{city}-*-{question}.npz"))


def _differing(path: Path, reference: Any) -> float:  # noqa: ANN401  an array of either question
    with np.load(path) as kept:
        values, rows = kept["values"], kept["rows"] if "rows" in kept else np.arange(len(reference))
    wrong = total = 0
    for low in range(0, len(rows), ROWS_AT_ONCE):
        got = values[low : low + ROWS_AT_ONCE].astype(np.int64)
        there = reference[rows[low : low + ROWS_AT_ONCE]].astype(np.int64)
        asked = got != UNASKED
        far = ((got == FAR) | (got > LIMIT_DS)) & ((there == FAR) | (there > LIMIT_DS))  # each engine's own "never"
        wrong, total = wrong + int((asked & ~far & (got != there)).sum()), total + int(asked.sum())
    return wrong / total if total else float("nan")


def kept_outlines(answers: Path, city: str) -> dict[str, dict[int, Any]]:
    """Engine and question -> home -> its outlines, as geometry."""
    import shapely

    found = {}
    for path in sorted(answers.glob(f"{city}-*-outlines*.npz")):
        with np.load(path) as kept:
            drawn = zip(kept["rows"].tolist(), shapely.from_wkb(kept["values"]), strict=True)
            found[path.stem.removeprefix(f"{city}-")] = dict(drawn)
    return found


def overlap(one: Any, other: Any) -> Any:  # noqa: ANN401  arrays of geometry
    """The area of the intersection over that of the union."""
    import shapely

    return shapely.area(shapely.intersection(one, other)) / shapely.area(shapely.union(one, other))


def overlaps(answers: Path, city: str) -> dict[str, list[float]]:
    """Engine and question -> mean overlap with the exact outlines."""
    kept = kept_outlines(answers, city)
    truth, found = kept.pop(f"{OURS}-outlines-exact", {}), {}
    for engine, drawn in kept.items():
        both = sorted(truth.keys() & drawn.keys())
        if both:
            shared = overlap(*(np.array([one[home] for home in both]) for one in (truth, drawn)))
            found[engine] = [*shared.mean(axis=0).round(3).tolist(), len(both)]
    return found


# ----------------------------------------------------------------------------------------------------------- the page


def write(results: Path, folder: Path, *, words: Path) -> None:
    """`report.md` and `report.json` in a folder, from all JSON files of the results and a page of words."""
    found = [
        json.loads(path.read_text(encoding="utf-8")) | {"file": path.stem} for path in sorted(results.glob("*.json"))
    ]
    (folder / "report.json").write_text(json.dumps(found, indent=1, ensure_ascii=False), encoding="utf-8")
    parts = [_head(found), _cities(found), _search(found), _checks(found), _outlines(found), _growth(found)]
    parts += [
        _reading(found),
        _studies(found),
        _siting(found),
        _starts(found),
        words.read_text(encoding="utf-8").strip(),
        _versions(found),
    ]
    (folder / "report.md").write_text("\n\n".join(filter(None, parts)) + "\n", encoding="utf-8")


def _head(found: list[Found]) -> str:
    it = next((one for one in found if one["file"] == "machine"), machine())
    days = sorted({one["date"] for one in found if "date" in one}) or [datetime.now(UTC).strftime("%Y-%m-%d")]
    measured = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
    where = f"{it['cores']} cores ({it['cpu']}), {it['memory_gib']} GiB, {it['system']}"
    lines = [_INTRODUCTION, "", f"Measured {measured} on {where}, Python {it['python']} unless said otherwise."]
    if it.get("busy"):
        lines += ["", _BUSY]
    older = sorted({one["file"] for one in found if one.get("engine") == OURS and one.get("code") != it.get("code")})
    if older:
        lines += ["", f"{_OLDER} {', '.join(older)}."]
    return "\n".join(lines)


def _cities(found: list[Found]) -> str:
    rows = [
        [
            _named(one["city"]),
            f"{one['nodes']:,}",
            f"{one['links']:,}",
            f"{one['degree']:.2f}",
            f"{one['mean_link_m']:.0f} m",
            f"{one['nodes_per_km2']:,.0f}",
            f"{one['facilities']:,}",
            f"{one['facility_nodes']:,}",
        ]
        for one in sorted((one for one in found if one["file"].startswith("city-")), key=_by_size)
    ]
    heads = ("city", "nodes", "directed links", "links a node", "mean link", "nodes/km²", "facilities", "on nodes")
    return f"## The cities\n\n{_CITIES}\n\n{_table(heads, rows)}"


def _search(found: list[Found]) -> str:
    """Nearest, counts, everything, memory."""
    measured = _grouped(found, "search")
    cities = sorted({city for city, _ in measured}, key=_size_of(found))
    if not cities:
        return ""
    parts = [
        "## Nearest facility of each category, from every node",
        _answers(measured, cities, ("nearest", "nearest-1")),
        "## Facilities of each category within 900 s, from every node",
        _COUNTS,
        _answers(measured, cities, ("counts", "counts-1", "forward", "ego")),
        "## From 5,000 homes only: nearest and counts of three cut-offs together",
        _answers(measured, cities, ("homes",)),
        "## Everything: build + nearest + counts",
        _answers(measured, cities, ("all",)),
        *_worked(found, measured, cities),
        "## Memory",
        _MEMORY,
        _memory(measured, cities),
    ]
    return "\n\n".join(parts)


def _worked(found: list[Found], measured: dict[tuple[str, str], list[Found]], cities: list[str]) -> list[str]:
    """The same by the processors' clock, where other work was in the way."""
    if not any(one.get("busy") for one in found):
        return []
    return [
        "## Processor seconds, all threads together",
        _WORKED,
        *(
            _answers(measured, cities, some, clock="cpu_seconds")
            for some in (("nearest",), ("counts", "forward"), ("all",))
        ),
    ]


def _answers(
    measured: dict[tuple[str, str], list[Found]], cities: list[str], questions: Iterable[str], *, clock: str = "seconds"
) -> str:
    """One row per engine and way, one column per city: seconds, and how many times ours."""
    questions = list(questions)
    rows: dict[tuple[str, str], dict[str, tuple[float, bool]]] = defaultdict(dict)
    for (city, engine), rounds in measured.items():
        for question in questions:
            got = [seconds for one in rounds if (seconds := _seconds(one, question, clock))]
            if got:
                how = "build, nearest, counts" if question == "all" else rounds[0][question]["how"]
                value = statistics.median(seconds for seconds, _ in got), any(partly for _, partly in got)
                rows[engine, how][city] = value
    base = rows.get(next((key for key in rows if key[0] == OURS), ("", "")), {})
    order = sorted(rows, key=lambda key: (key[0] != OURS, 0.0 if key[0] == OURS else _last(rows[key], cities)))
    lines = [
        [
            engine if engine != OURS else f"**{engine}**",
            how,
            *(_cell(rows[engine, how].get(city), base.get(city)) for city in cities),
        ]
        for engine, how in order
    ]
    return _table(("engine", "how", *map(_named, cities)), lines)


def _seconds(one: Found, question: str, clock: str) -> tuple[float, bool] | None:
    """Seconds of one question, and whether they are extrapolated."""
    if question != "all":
        return (one[question][clock], one[question]["share"] < 1) if question in one else None
    asked = [one[name] for name in ("nearest", "counts") if name in one]
    if len(asked) < (1 if one["engine"] == "cityseer" else 2):
        return None
    return one["build"][clock] + sum(part[clock] for part in asked), any(part["share"] < 1 for part in asked)


def _last(row: dict[str, tuple[float, bool]], cities: list[str]) -> float:
    known = [row[city][0] for city in cities if city in row]
    return known[-1] if known else float("inf")


def _cell(value: tuple[float, bool] | None, base: tuple[float, bool] | None) -> str:
    if value is None:
        return "–"
    text = _plain(value[0]) + (" (e)" if value[1] else "")
    return text if base is None or base[0] == value[0] else f"{text} · {_times(value[0] / base[0])}"


def _memory(measured: dict[tuple[str, str], list[Found]], cities: list[str]) -> str:
    rows: dict[str, dict[str, str]] = defaultdict(dict)
    for (city, engine), rounds in measured.items():
        peaks = [max(part["peak_mb"] for part in one.values() if isinstance(part, dict) and "peak_mb" in part)
                 for one in rounds if "build" in one]  # fmt: skip
        if peaks:
            held = statistics.median(one["build"]["held_mb"] for one in rounds if "build" in one)
            rows[engine][city] = f"{statistics.median(peaks):,.0f} ({held:,.0f})"
    lines = [[engine, *(row.get(city, "–") for city in cities)] for engine, row in sorted(rows.items())]
    return _table(("engine", *map(_named, cities)), lines)


def _checks(found: list[Found]) -> str:
    rows = []
    for one in sorted((one for one in found if one["file"].startswith("checks-")), key=_by_size):
        for question, shares in one["differ"].items():
            others = [f"{name} {_share(share)}" for name, share in shares.items() if name != "reference"]
            if others:
                rows.append([_named(one["file"][7:]), question, shares["reference"], ", ".join(others)])
    if not rows:
        return ""
    heads = ("city", "question", "reference", "share that differs")
    return f"## Are the answers equal?\n\n{_CHECKS}\n\n{_table(heads, rows)}"


def _outlines(found: list[Found]) -> str:
    measured = _grouped(found, "outlines")
    if not measured:
        return ""
    laps = {one["file"][8:]: one["overlap"] for one in found if one["file"].startswith("overlap-")}
    parts = []
    for city in sorted({city for city, _ in measured}, key=_size_of(found)):
        rows = []
        for (_, engine), rounds in (item for item in measured.items() if item[0][0] == city):
            for question in sorted({name for one in rounds for name in one if name.startswith("outlines")}):
                asked = [one[question] for one in rounds if question in one]
                clock, worked = (
                    statistics.median(one[seconds] * one["share"] / one["origins"] for one in asked)
                    for seconds in ("seconds", "cpu_seconds")
                )
                lap = laps.get(city, {}).get(f"{engine}-{question}", [])
                shown = " ".join(f"{value:.3f}" for value in lap[:3]) or "–"
                rows.append((clock, worked, engine, asked[0]["how"], f"{asked[0]['origins']:,}", shown))
        base = next(
            (clock for clock, _, engine, how, *_ in sorted(rows) if engine == OURS and "one thread" in how), None
        )
        lines = [
            [engine, how, _plain(clock), _times(clock / base) if base else "–", _plain(worked), origins, shown]
            for clock, worked, engine, how, origins, shown in sorted(rows)
        ]
        heads = ("engine", "how", "per origin", "ratio", "processor", "origins", "overlap at 5, 10, 15 min")
        parts.append(f"### {_named(city)}\n\n{_table(heads, lines)}")
    return f"## Isochrones\n\n{_OUTLINES}\n\n" + "\n\n".join(parts)


def _growth(found: list[Found]) -> str:
    measured = _grouped(found, "growth")
    cities = sorted({city for city, _ in measured}, key=_size_of(found))
    if not cities:
        return ""
    size = {one["city"]: one for one in found if one["file"].startswith("city-")}
    busy = any(one.get("busy") for one in found)
    clock, rows = "cpu_seconds" if busy else "seconds", []
    for city in cities:
        row = [_named(city), f"{size[city]['nodes']:,}"]
        for question in ("build", "nearest", "counts", "homes"):
            seconds = statistics.median(one[question][clock] for one in measured[city, OURS])
            row.append(f"{_plain(seconds)} ({seconds / size[city]['nodes'] * 1e9:,.0f} ns)")
        peaks = [one["nearest"]["peak_mb"] - one["build"]["held_mb"] for one in measured[city, OURS]]
        row.append(f"{statistics.median(peaks) * 2**20 / size[city]['links']:,.0f}")
        rows.append(row)
    heads = ("city", "nodes", "build", "nearest", "counts", "5,000 homes", "bytes a directed link")
    words = "Twice the area, circle15 alone; in brackets per node. Bytes: both graphs, scratch and answers of nearest."
    words += " Processor seconds, because the machine was busy." if busy else ""
    parts = ["## Growth", words, _table(heads, rows)]
    for (city, _), rounds in sorted(_grouped(found, "steps").items()):
        each = _each([one["categories"]["each"] for one in rounds])
        words = f"More categories, circle15 alone, {_named(city)} nodes, nearest and counts together:"
        parts += [words, _table(("categories", "time"), ([name, _plain(seconds)] for name, seconds in each.items()))]
        each = _each([one["edits"]["each"] for one in rounds])
        parts += [_EDITS, _table(("edit", "time"), ([name, _plain(seconds)] for name, seconds in each.items()))]
    return "\n\n".join(parts)


def _each(steps: list[dict[str, float]]) -> dict[str, float]:
    return {name: statistics.median(step[name] for step in steps) for name in steps[0]}


def _reading(found: list[Found]) -> str:
    jobs: dict[str, list[Found]] = defaultdict(list)
    for one in found:
        if one["file"].startswith("reading-") and "job" in one:
            jobs[one["job"]].append(one)
    if not jobs:
        return ""
    file = next((one for one in found if one["file"] == "reading-file"), None)
    base = _median(jobs.get("circle15 streets", []), "seconds")
    rows = []
    for job, rounds in sorted(jobs.items()):
        seconds, peak = _median(rounds, "seconds"), _median(rounds, "peak_mb")
        if seconds is None or peak is None:
            rows.append([job, rounds[0].get("does", ""), "failed", "–", "–", rounds[0].get("error", "")])
            continue
        got = next(one["found"] for one in rounds if "found" in one)
        made = ", ".join(f"{count:,} {name}" for name, count in got.items())
        rows.append(
            [job, rounds[0]["does"], _plain(seconds), _times(seconds / base) if base else "–", f"{peak:,.0f}", made]
        )
    heads = ("job", "does", "seconds", "ratio", "peak MB", "result")
    parts = ["## Reading a large extract", _READING, _table(heads, rows)]
    if file:
        size = (
            f"{file['nodes']:,} nodes, {file['ways']:,} ways, {file['places']:,} places, {file['bytes'] / 1e6:.1f} MB"
        )
        parts.insert(1, f"One synthetic .osm.pbf: {size}.")
    return "\n\n".join(parts)


def _studies(found: list[Found]) -> str:
    jobs: dict[str, list[Found]] = defaultdict(list)
    for one in found:
        if one["file"].startswith("studies-"):
            jobs[one["job"]].append(one)
    rows = []
    for job, rounds in jobs.items():
        seconds, peak = _median(rounds, "seconds"), _median(rounds, "peak_mb")
        steps = [f"{name[:-2]} {_plain(_median(rounds, name) or 0)}" for name in rounds[0] if name.endswith("_s")]
        what = rounds[0].get("error") or rounds[0].get("does", "")
        rows.append(
            [job, what, _plain(seconds) if seconds else "failed", f"{peak:,.0f}" if peak else "–", ", ".join(steps)]
        )
    if not rows:
        return ""
    return "## Whole studies\n\n" + _table(("study", "what", "time", "peak MB", "of which"), rows)


def _siting(found: list[Found]) -> str:
    jobs: dict[str, dict[str, list[Found]]] = defaultdict(lambda: defaultdict(list))
    for one in found:
        if one["file"].startswith("siting-"):
            jobs[one["job"]][one["engine"]].append(one)
    if not jobs:
        return ""
    rows = []
    for name, job in ((name, job) for name, job in JOBS.items() if name in jobs):
        what = f"{job.homes:,} homes, {job.places:,} candidates" + (f", {job.sites} sites" if job.sites else "")
        what += f", within {job.radius_m:,.0f} m" if np.isfinite(job.radius_m) else ""
        what += ", gathered" if job.gathered else ""
        base = _median(jobs[name].get(OURS, []), "cpu_seconds")
        for engine, rounds in sorted(jobs[name].items()):
            clock, worked = (_median(rounds, key) for key in ("seconds", "cpu_seconds"))
            if clock is None or worked is None:
                rows.append([job.model, what, engine, "failed", "–", "–", rounds[0].get("error", ""), "–", "–"])
                continue
            first = rounds[0]
            gap = first.get("gap")
            sure = "proven" if first["proven"] else "not proven" if gap is None else f"within {gap:.2%}"
            times = _times(worked / base) if base else "–"
            beside = "–" if first.get("greedy") is None else f"{first['greedy']:,.6g}"
            rows.append(
                [
                    job.model,
                    what,
                    engine,
                    _plain(clock),
                    _plain(worked),
                    times,
                    f"{first['objective']:,.6g}",
                    sure,
                    beside,
                ]
            )
    heads = ("model", "town", "engine", "time", "processor", "ratio", "objective", "how sure", "greedy")
    return f"## Where to build\n\n{_SITING}\n\n{_table(heads, rows)}"


def _starts(found: list[Found]) -> str:
    rows = []
    for one in (one for one in found if one["file"].startswith("starts-")):
        rows += [[name, f"{seconds * 1000:,.0f} ms"] for name, seconds in one.get("starts", {}).items()]
        if "error" in one:
            rows.append([one["environment"], one["error"]])
    if not rows:
        return ""
    words = "Medians of seven fresh processes with filled caches; imports less a bare interpreter, `--help` whole."
    return f"## Start-up\n\n{words}\n\n{_table(('what', 'time'), rows)}"


def _versions(found: list[Found]) -> str:
    versions: dict[str, str] = {}
    failed: dict[str, str] = {}
    for one in found:
        versions |= one.get("versions", {})
        if "error" in one:
            failed[one["file"]] = one["error"]
    listed = ", ".join(f"{name} {number}" for name, number in sorted(versions.items()))
    text = f"## Versions\n\n{listed}. Each peer lives in an environment of its own, pinned in `pins/`."
    if failed:
        text += "\n\nNot measured:\n\n" + "\n".join(f"- {name}: {error}" for name, error in failed.items())
    return text


# -------------------------------------------------------------------------------------------------------- small things


def _grouped(found: list[Found], part: str) -> dict[tuple[str, str], list[Found]]:
    """(city, engine) -> rounds."""
    groups: dict[tuple[str, str], list[Found]] = defaultdict(list)
    for one in found:
        if one.get("part") == part and "error" not in one:
            groups[one["city"], one["engine"]].append(one)
    return groups


def _size_of(found: list[Found]) -> Callable[[str], tuple[bool, float]]:
    """Sort cities: synthetic ones by size, then real ones."""
    size = {one["city"]: one["nodes"] for one in found if one["file"].startswith("city-")}
    return lambda city: (not city.isdecimal(), size.get(city, 0))


def _by_size(one: Found) -> tuple[bool, int, str]:
    name = one["file"].split("-", 1)[1]
    return (not name.isdecimal(), int(name) if name.isdecimal() else 0, name)


def _named(city: str) -> str:
    return f"{int(city):,}" if city.isdecimal() else city.capitalize()


def _median(rounds: list[Found], name: str) -> float | None:
    values = [one[name] for one in rounds if name in one]
    return statistics.median(values) if values else None


def _plain(seconds: float) -> str:
    """Three figures and a unit."""
    for least, unit, scale in ((3600.0, "h", 3600.0), (1.0, "s", 1.0), (1e-3, "ms", 1e-3), (0.0, "µs", 1e-6)):
        if seconds >= least:
            return f"{float(f'{seconds / scale:.3g}'):,g} {unit}"
    return "0"


def _times(ratio: float) -> str:
    return f"{float(f'{ratio:.2g}' if ratio < 100 else f'{ratio:.3g}'):,g}×"


def _share(share: float) -> str:
    return "0" if share == 0 else "not comparable" if share != share else f"{share:.1e}"  # noqa: PLR0124  NaN


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    heads = list(heads)
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(
        "| " + " | ".join(str(cell).replace("|", "/").replace("\n", " ") for cell in line) + " |" for line in lines
    )
