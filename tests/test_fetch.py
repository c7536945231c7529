"""`circle15 fetch`, then `run` with no network, through osmnx and a server on this machine; and every way it fails."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time

import geopandas as gpd
import pandas as pd
import pytest

from circle15.sources import snapshot
from circle15.study import Study
from overpass_server import FAILURES, HANG, overpass, reply_of, says
from tiny_study import write_study

PATIENCE_S = 30  # what a planner may be kept waiting for bad news


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    for key in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(key, "127.0.0.1")


@pytest.fixture
def town(tmp_path):
    """The tiny study, and what an Overpass server holds of it."""
    study = write_study(tmp_path)
    return study, reply_of(tmp_path / "town.osm")


def live(study, *mirrors):
    """Let the study take its streets from these servers."""
    text = study.read_text(encoding="utf-8")
    assert 'files = ["town.osm"]' in text
    study.write_text(
        text.replace('files = ["town.osm"]', f"overpass = true\nmirrors = {json.dumps(mirrors)}"), encoding="utf-8"
    )


def layers(folder):
    path = folder / "results.gpkg"
    return {name: gpd.read_file(path, layer=name) for name in gpd.list_layers(path)["name"]}


def test_fetch_then_run_is_the_same_as_reading_the_file(town, verb, tmp_path):
    study, text = town
    assert verb("run", study, "--output", tmp_path / "by_file")[0] == 0
    with overpass(says(text)) as (address, heard):
        live(study, address)
        code, out, err = verb("fetch", study)
    assert code == 0, err
    assert f"ask {address}" in err
    place = tmp_path / "snapshot" / json.loads((tmp_path / out.strip() / snapshot.SOURCES).read_text())["fetched"][:10]
    assert out.strip() == str(place)
    assert len(heard) == 5  # a small question, three of streets, one of places
    code, _, err = verb("run", study, "--output", tmp_path / "by_fetch")  # the server is gone
    assert code == 0, err
    one, two = layers(tmp_path / "by_file"), layers(tmp_path / "by_fetch")
    assert list(one) == list(two)
    for name, layer in one.items():  # `source` names the files
        pair = [pd.DataFrame(frame).drop(columns="source", errors="ignore") for frame in (layer, two[name])]
        pd.testing.assert_frame_equal(*pair, obj=name)
    manifest = json.loads((tmp_path / "by_fetch" / "run.json").read_text(encoding="utf-8"))
    frozen = [source for source in manifest["sources"] if source["key"] == "[streets] overpass"]
    assert {source["file"] for source in frozen} == {
        f"snapshot/{place.name}/{file.name}" for file in place.glob("*.json.gz")
    }
    for source in frozen:
        assert source["sha256"] == hashlib.sha256((tmp_path / source["file"]).read_bytes()).hexdigest()
        assert source["date"] == "2026-11-20T08:00:00Z"


def test_a_study_with_files_is_told_that_it_does_not_use_the_snapshot(town, verb, tmp_path):
    study, text = town
    with overpass(says(text)) as (address, _):
        words = study.read_text(encoding="utf-8").replace("[streets]", f'[streets]\nmirrors = ["{address}"]')
        study.write_text(words, encoding="utf-8")
        code, out, err = verb("fetch", study)
    assert code == 0, err
    assert out.startswith(str(tmp_path / "snapshot"))
    assert "note: [streets]: this study reads its files" in err
    assert Study.open(study).snapshot == ()


@pytest.mark.parametrize("how", FAILURES)
def test_a_failing_server_ends_in_time_with_one_message(how, town, verb, tmp_path):
    study, _ = town
    with overpass(FAILURES[how]) as (address, heard):
        live(study, address)
        before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
        begun = time.monotonic()
        code, out, err = verb("fetch", study)
        assert time.monotonic() - begun < PATIENCE_S
    errors = [line for line in err.splitlines() if line.startswith("error: ")]
    assert (code, out) == (3, "")
    assert len(errors) == 1, err
    assert address in errors[0]
    assert "[streets] mirrors" in errors[0]
    assert "[streets] files" in errors[0]
    assert "Traceback" not in err
    assert 1 <= len(heard) <= 8
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()} == before
    assert not (tmp_path / "snapshot").exists()


def test_three_dumb_servers_are_given_up_in_time(town, verb):
    study, _ = town
    with overpass(FAILURES["hang"]) as (one, _), overpass(FAILURES["hang"]) as (two, _):
        live(study, one, two, "http://127.0.0.1:9/api")
        begun = time.monotonic()
        code, _, err = verb("fetch", study)
        assert time.monotonic() - begun < PATIENCE_S
    assert code == 3
    assert one in err
    assert two in err


def test_a_failed_fetch_leaves_the_old_snapshot_in_use(town, verb):
    study, text = town
    with overpass(says(text)) as (address, _):
        live(study, address)
        assert verb("fetch", study)[0] == 0
    before = Study.open(study).snapshot
    assert verb("fetch", study)[0] == 3  # nobody is there any more
    assert Study.open(study).snapshot == before
    assert verb("check", study)[0] == 0


def test_a_killed_fetch_leaves_the_old_snapshot_in_use(town, verb):
    study, text = town
    stuck = False

    def answer(query):
        return HANG if stuck and "amenity" in query else says(text)(query)

    with overpass(answer) as (address, heard):
        live(study, address)
        assert verb("fetch", study)[0] == 0
        before, stuck = Study.open(study).snapshot, True
        count = len(heard)
        program = [sys.executable, "-m", "circle15.cli", "fetch", str(study)]
        with subprocess.Popen(program, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ) as child:
            limit = time.monotonic() + PATIENCE_S
            while len(heard) < count + 5 and time.monotonic() < limit:
                time.sleep(0.02)
            child.send_signal(signal.SIGTERM if os.name == "nt" else signal.SIGKILL)
        assert len(heard) == count + 5  # the streets had come, the places had not
    assert Study.open(study).snapshot == before
    assert verb("check", study)[0] == 0


def test_a_snapshot_that_was_changed_stops_the_run(town, verb, tmp_path):
    study, text = town
    with overpass(says(text)) as (address, _):
        live(study, address)
        assert verb("fetch", study)[0] == 0
    file = next(tmp_path.glob("snapshot/*/places-1.json.gz"))
    file.write_bytes(file.read_bytes() + b"\0")
    code, _, err = verb("run", study)
    assert code == 2
    assert "places-1.json.gz: it is not what was fetched" in err
    assert not (tmp_path / "results").exists()


RING = [[106.549, 29.549], [106.556, 29.549], [106.556, 29.556], [106.549, 29.556]]


def bounded(study, osm_id):
    """The study with a boundary from OSM, and an Overpass server that has way/900 and relation/901 around the town."""
    words = study.read_text(encoding="utf-8").replace('boundary = "boundary.geojson"', f'boundary_osm = "{osm_id}"')
    study.write_text(words, encoding="utf-8")
    ring = [{"type": "node", "id": 900 + at, "lon": lon, "lat": lat} for at, (lon, lat) in enumerate(RING)]
    ring.append({"type": "way", "id": 900, "nodes": [900, 901, 902, 903, 900], "tags": {"boundary": "place"}})
    member = {"type": "way", "ref": 900, "role": "outer"}
    tags = {"type": "boundary", "boundary": "administrative", "admin_level": "9", "name": "镇"}
    ring.append({"type": "relation", "id": 901, "members": [member], "tags": tags})
    return json.dumps({"elements": ring})


@pytest.mark.parametrize("osm_id", ["way/900", "relation/901"])
def test_a_boundary_of_osm_is_fetched_first_and_frozen(osm_id, town, verb, tmp_path):
    study, text = town
    ring = bounded(study, osm_id)
    kind, number = osm_id.split("/")
    with overpass(lambda query: says(ring if f"{kind}({number})" in query else text)(query)) as (address, heard):
        live(study, address)
        code, out, err = verb("fetch", study)
    assert code == 0, err
    assert f"{kind}({number});" in heard[0][1]
    listed = json.loads((tmp_path / out.strip() / snapshot.SOURCES).read_text(encoding="utf-8"))
    assert "boundary" in {entry["query"] for entry in listed["files"]}
    assert listed["bounds"][0] < RING[0][0]
    assert listed["bounds"][2] > RING[1][0]
    by_ring = Study.open(study).area
    words = study.read_text(encoding="utf-8").replace(f'boundary_osm = "{osm_id}"', 'boundary = "boundary.geojson"')
    study.write_text(words, encoding="utf-8")
    by_file = Study.open(study).area
    assert by_ring.crs == by_file.crs
    assert by_ring.boundary.symmetric_difference(by_file.boundary).area < 1e-3 * by_file.boundary.area
    assert verb("check", study)[0] == 0


@pytest.mark.parametrize(
    ("osm_id", "words"),
    [
        ("relation/7", "OpenStreetMap has no relation/7"),
        ("node/1", "is not the id of a boundary"),
        ("way/1);out;(", "is not the id of a boundary"),
    ],
)
def test_a_boundary_that_is_not_there_is_named(osm_id, words, town, verb, tmp_path):
    study, _ = town
    ring = bounded(study, osm_id)
    with overpass(says(ring)) as (address, heard):
        live(study, address)
        code, _, err = verb("fetch", study)
    assert code == 2
    assert words in err
    assert len(heard) == (osm_id == "relation/7")
    assert not (tmp_path / "snapshot").exists()


@pytest.mark.parametrize("how", ["429", "truncated", "web page"])
def test_a_server_that_has_no_boundary_to_give(how, town, verb, tmp_path):
    study, _ = town
    bounded(study, "relation/901")
    with overpass(FAILURES[how]) as (address, _):
        live(study, address)
        code, _, err = verb("fetch", study)
    assert code == 3
    assert len([line for line in err.splitlines() if line.startswith("error: ")]) == 1
    assert not (tmp_path / "snapshot").exists()


@pytest.mark.parametrize("mirror", ["file:///etc", "overpass-api.de/api", "http://"])
def test_a_mirror_is_a_web_address(town, verb, mirror):
    study, _ = town
    live(study, mirror)
    code, _, err = verb("fetch", study)
    assert code == 2
    assert "mirrors" in err


REAL = """
[study]
name = "渝中"
crs = "EPSG:32648"
[area]
boundary = "{boundary}"
margin_m = 500
[streets]
{streets}
[people]
total = 576300
[assessment]
causes = false
stability = false
dependence = false
"""


@pytest.mark.real
def test_the_real_replies_fetched_and_run(real_data, verb, tmp_path):
    folder = real_data / "yuzhong"
    walk = (folder / "overpass_walk.json").read_text(encoding="utf-8")
    places = [json.loads((folder / f"overpass_{name}.json").read_text()) for name in ("buildings", "pois")]
    merged = json.dumps(places[0] | {"elements": [one for part in places for one in part["elements"]]})

    def answer(query):
        text = walk if 'way["highway"]' in query else merged if "building" in query else '{"elements": []}'
        return says(text)(query)

    study = tmp_path / "live.toml"
    boundary = (folder / "boundary.geojson").as_posix()
    with overpass(answer) as (address, _):
        streets = f'overpass = true\nmirrors = ["{address}"]'
        study.write_text(REAL.format(boundary=boundary, streets=streets), encoding="utf-8")
        code, out, err = verb("fetch", study)
    assert code == 0, err
    listed = json.loads((tmp_path / out.strip() / snapshot.SOURCES).read_text(encoding="utf-8"))["files"]
    stamps = {(entry["query"], entry["time_stamp"]) for entry in listed if entry["time_stamp"]}
    assert stamps == {("streets", "2026-04-26T06:06:24Z"), ("places", "2026-04-26T06:07:26Z")}
    assert max(entry["counts"]["nodes"] for entry in listed if entry["query"] == "streets") == 19_405
    code, _, err = verb("run", study, "--output", tmp_path / "out")
    assert code == 0, err
    manifest = json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))
    files = [(folder / f"overpass_{name}.json").as_posix() for name in ("walk", "buildings", "pois")]
    study.write_text(REAL.format(boundary=boundary, streets=f"files = {json.dumps(files)}"), encoding="utf-8")
    by_file = Study.open(study)
    assert manifest["links"] == by_file.network.facts()
    assert manifest["origins"]["count"] == len(by_file.origins)
    assert manifest["facilities"]["count"] == len(by_file.facilities) > 0
