"""The benchmarks still run: a small city through those engines that are installed with circle15; nothing is timed."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # benchmarks is no part of the package

from benchmarks import city, osm_file, pictures, report  # noqa: E402

ASKED = {
    "circle15": "nearest,counts,forward,homes,categories,edits",
    "scipy": "nearest,counts",
    "networkx": "nearest,counts,ego",
}


def printed(*words):
    """What one script of the benchmarks prints."""
    done = subprocess.run(
        [sys.executable, "-m", *map(str, words)], capture_output=True, text=True, cwd=ROOT, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    folder = tmp_path_factory.mktemp("benchmarks")
    city.make(500).save(folder / "500.npz")
    return folder


@pytest.fixture(scope="module")
def answered(small):
    answers = small / "answers"
    answers.mkdir()
    found = {}
    for engine, questions in ASKED.items():
        words = (f"benchmarks.peers.{engine}", small / "500.npz", "--questions", questions, "--answers", answers)
        found[engine] = printed(*words, "--budget", 60)
    return answers, found


def test_a_city_is_the_same_every_time_and_every_node_reaches_every_other():
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    one, other = city.make(500), city.make(500)
    for name in ("x", "tail", "ds", "facility", "homes"):
        assert (getattr(one, name) == getattr(other, name)).all()
    graph = coo_array((one.ds, (one.tail, one.head)), shape=(len(one.x),) * 2)
    assert connected_components(graph, directed=True, connection="strong")[0] == 1
    pairs = one.tail.astype(np.int64) * len(one.x) + one.head
    assert (np.diff(pairs) > 0).all()  # sorted, none parallel
    assert one.ds.min() >= 1
    assert set(one.category) == set(range(len(city.SHARES)))


def test_tobler_in_deciseconds():
    # 100 m: 5 km/h level is 1.399 m/s, so 71.5 s; downhill at 5 % 1.667 m/s, so 60.0 s
    assert city.tobler(np.array([100.0, 100.0]), np.array([0.0, -5.0])).tolist() == [715, 600]


def test_engines_give_equal_answers(answered):
    answers, found = answered
    assert report.differences(answers, "500") == {
        "nearest": {"reference": "circle15", "networkx": 0.0, "scipy": 0.0},
        "counts": {"reference": "circle15", "networkx": 0.0, "scipy": 0.0, "circle15, forward": 0.0},
    }
    for engine, questions in ASKED.items():
        for question in ("build", *questions.split(",")):
            part = found[engine][question]
            assert part["seconds"] > 0
            assert part["peak_mb"] > 0


def test_a_wrong_answer_is_seen(answered, tmp_path):
    answers, _ = answered
    with np.load(answers / "500-scipy-nearest.npz") as kept:
        values = kept["values"]
    np.savez(tmp_path / "500-scipy-nearest.npz", values=values)
    wrong = values.copy()
    wrong[0, 0] += 1
    np.savez(tmp_path / "500-igraph-nearest.npz", values=wrong)
    share = report.differences(tmp_path, "500")["nearest"]["igraph"]
    assert share == pytest.approx(1 / values.size)


def test_outlines_overlap_with_the_exact_ones_and_are_drawn_beside_them(small, tmp_path):
    answers = tmp_path / "answers"
    answers.mkdir()
    words = ("--questions", "outlines,outlines-exact", "--answers", answers, "--budget", 1)
    printed("benchmarks.peers.circle15_outlines", small / "500.npz", *words)
    *laps, homes = report.overlaps(answers, "500")["circle15-outlines"]
    assert homes >= 1
    assert min(laps) > 0.9
    (tmp_path / "cities").mkdir()
    shutil.copy(small / "500.npz", tmp_path / "cities")
    drawn = plt.imread(pictures.pictures(tmp_path, "500"))
    assert drawn.shape[:2] == (240 * min(homes, pictures.HOMES), 2 * 240)  # a row for each home; exact, and as drawn
    assert len(np.unique(drawn.reshape(-1, drawn.shape[2]), axis=0)) > 100


def test_a_city_as_osm_is_read_again(small):
    file = small / "city.osm.pbf"
    counts = osm_file.write(city.make(500), file)
    assert printed("benchmarks.reading", "circle15 elements", file)["found"] == {
        "nodes": counts["nodes"],
        "ways": counts["ways"],
    }
    assert printed("benchmarks.reading", "circle15 streets", file)["found"]["links"] > counts["ways"]


def test_the_report_is_made_from_the_files_alone(answered, small):
    answers, found = answered
    results = small / "results"
    results.mkdir()
    for engine, one in found.items():
        for part in ("search", "growth", "steps") if engine == "circle15" else ("search",):
            kept = {"part": part, "city": "500", "engine": engine, "date": "2000-01-01"} | one
            (results / f"{part}-500-{engine}-0.json").write_text(json.dumps(kept), encoding="utf-8")
    facts = city.City.load(small / "500.npz").facts() | {"city": "500"}
    (results / "city-500.json").write_text(json.dumps(facts, default=float), encoding="utf-8")
    checks = {"differ": report.differences(answers, "500")}
    (results / "checks-500.json").write_text(json.dumps(checks), encoding="utf-8")
    kept = {"part": "outlines", "city": "500", "engine": "circle15", "date": "2000-01-01", "code": "another"}
    (results / "outlines-500-circle15-0.json").write_text(json.dumps(kept), encoding="utf-8")
    (results / "machine.json").write_text(json.dumps(report.machine() | {"busy": False}), encoding="utf-8")
    lost = {"part": "search", "city": "500", "engine": "igraph", "error": "no such peer"}
    (results / "search-500-igraph-0.json").write_text(json.dumps(lost), encoding="utf-8")
    report.write(results, small, words=ROOT / "benchmarks" / "reading_it.md")
    page = (small / "report.md").read_text(encoding="utf-8")
    for line in (
        "| **circle15** | one bucket-queue",
        "| networkx | ego_graph",
        "networkx 0, scipy 0",
        "it opens again",
        "no such peer",
        "as it is now: outlines-500-circle15-0.",  # the others have no code, as the machine has none here
    ):
        assert line in page
    assert len(json.loads((small / "report.json").read_text(encoding="utf-8"))) == len(list(results.glob("*.json")))


def test_siting_is_measured_and_reported(tmp_path):
    (tmp_path / "results").mkdir()
    found = printed("benchmarks.siting", "300 homes covering")
    assert found["proven"]
    assert found["greedy"] <= found["objective"] == found["bound"]
    for engine, more in (("circle15", found), ("spopt", {"error": "no such peer"})):
        kept = {"job": "300 homes covering", "engine": engine, "date": "2000-01-01"} | more
        (tmp_path / "results" / f"siting-300_homes-{engine}-0.json").write_text(json.dumps(kept), encoding="utf-8")
    report.write(tmp_path / "results", tmp_path, words=ROOT / "benchmarks" / "reading_it.md")
    page = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "| maximal covering | 300 homes, 60 candidates, 5 sites, within 1,500 m | circle15 |" in page
    assert "| spopt | failed |" in page


def test_the_committed_report_names_no_machine():
    page = (ROOT / "benchmarks" / "report.md").read_text(encoding="utf-8")
    assert f"{ROOT.parent}/" not in page
    assert f"{Path.home()}/" not in page
    assert "://" not in page
