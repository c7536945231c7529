"""`circle15 fetch`, then `run` with no network, through osmnx and a server on this machine; and every way it fails."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from functools import partial

import geopandas as gpd
import osmium
import pandas as pd
import pytest
from osmium.osm.mutable import Node, Relation, Way

from circle15.sources import online, snapshot
from circle15.sources.areas import read_area
from circle15.sources.osm import read_osm
from circle15.sources.streets import read_streets
from circle15.study import Study
from circle15.study.folder import _sources
from overpass_server import FAILURES, HANG, NONE, dead_address, overpass, real_replies, reply_of, says
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


@pytest.fixture
def _hasty(monkeypatch):
    """A tenth of the patience, for tests of what is said in the end."""
    for name in ("SILENCE_S", "PAUSE_S", "STATUS_S"):
        monkeypatch.setattr(online, name, getattr(online, name) / 10)


@pytest.mark.usefixtures("_hasty")
@pytest.mark.parametrize("how", FAILURES)
def test_a_failing_server_ends_in_time_with_one_message(how, town, verb, tmp_path):
    study, _ = town
    with overpass(FAILURES[how]) as (address, heard):
        live(study, address)
        before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
        begun = time.monotonic()
        code, out, err = verb("fetch", study)
        assert time.monotonic() - begun < PATIENCE_S / 3
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


def test_nobody_there_is_said_at_once(town, verb):
    study, _ = town
    nobody = dead_address()
    live(study, nobody)
    code, _, err = verb("fetch", study)
    assert code == 3
    assert f"{nobody}: no connection" in err


def test_with_all_patience_three_silent_servers_are_given_up_in_time(town, verb):
    study, _ = town
    with (
        overpass(FAILURES["hang later"], status=HANG) as (one, _),
        overpass(FAILURES["429"]) as (two, _),
        overpass(FAILURES["hang"]) as (three, _),
    ):
        live(study, one, two, three)
        begun = time.monotonic()
        code, _, err = verb("fetch", study)
        assert time.monotonic() - begun < PATIENCE_S
    assert code == 3
    assert f"{one}: it fell silent; {two}: it answered 429" in err
    assert f"{three}: it did not answer within" in err


def test_a_failed_fetch_leaves_the_old_snapshot_in_use(town, verb):
    study, text = town
    with overpass(says(text)) as (address, _):
        live(study, address)
        assert verb("fetch", study)[0] == 0
    before = Study.open(study).snapshot
    assert verb("fetch", study)[0] == 3  # nobody is there any more
    assert Study.open(study).snapshot == before
    assert verb("check", study)[0] == 0


@pytest.mark.skipif(os.name == "nt", reason="there are no such signals")
@pytest.mark.parametrize("how", ["SIGKILL", "SIGINT"])
def test_a_stopped_fetch_leaves_the_old_snapshot_in_use(how, town, verb, tmp_path):
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
        # what runs in the background has been told to ignore an interrupt, and passes that on
        heed = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "preexec_fn": heed}
        with subprocess.Popen(program, **quiet) as child:
            limit = time.monotonic() + PATIENCE_S
            while len(heard) < count + 5 and time.monotonic() < limit:
                time.sleep(0.02)
            child.send_signal(getattr(signal, how))
        assert len(heard) == count + 5  # the streets had come, the places had not
    assert Study.open(study).snapshot == before
    left = [path for path in (tmp_path / "snapshot").iterdir() if path != before[0].parent]
    assert bool(left) == (how == "SIGKILL")
    assert child.returncode not in (0, 2, 3)
    with overpass(says(text)) as (address, _):
        words = study.read_text(encoding="utf-8")
        study.write_text(words.replace(words.split('mirrors = ["')[1].split('"')[0], address), encoding="utf-8")
        assert verb("fetch", study)[0] == 0
    assert not [path for path in left if path.exists()]  # the next fetch takes away what a killed one left


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


@pytest.mark.usefixtures("_hasty")
@pytest.mark.parametrize("how", ["429", "truncated", "web page", "hang"])
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


OUTLINE = {"type": "Polygon", "coordinates": [[*RING, RING[0]]]}


def place(name, *, importance=0.5, ref=901, geojson=OUTLINE):
    return {
        "osm_type": "relation",
        "osm_id": ref,
        "importance": importance,
        "addresstype": "town",
        "display_name": name,
        "boundingbox": ["29.549", "29.556", "106.549", "106.556"],
        "lat": "29.55",
        "lon": "106.55",
        "geojson": geojson,
    }


POINT = {"type": "Point", "coordinates": [106.55, 29.55]}


def called(study, name, *more):
    """The study with a boundary by name."""
    words = study.read_text(encoding="utf-8")
    wanted = "\n".join((f'place = "{name}"', *more))
    study.write_text(words.replace('boundary = "boundary.geojson"', wanted), encoding="utf-8")


def geocoder(address):
    return f'geocoder = "{address.removesuffix("/api")}"'


@pytest.mark.parametrize("own_files", [False, True])
def test_a_boundary_by_name_is_fetched_once_and_frozen(own_files, town, verb, tmp_path):
    study, text = town
    by_file = Study.open(study).area
    listed = [place("小镇, 别处", ref=7, importance=0.1), place("小镇, 中国")]
    with overpass(says(text), places=lambda _: (200, json.dumps(listed))) as (address, heard):
        called(study, "小镇", geocoder(address))
        for word in ("check", "run"):
            code, _, err = verb(word, study)
            assert code == 2
            assert "[area] place '小镇': it has not been looked up yet. Run circle15 fetch" in err
        assert heard == []  # only fetch goes online
        if not own_files:
            live(study, address)
        code, out, err = verb("fetch", study)
        assert code == 0, err
    assert "小镇, 中国 (town, relation/901) is taken; of that name are also 小镇, 别处 (town, relation/7)" in err
    assert heard[0][0].startswith("/search?")
    assert heard[0][2].startswith("circle15")
    assert len(heard) == (1 if own_files else 6)
    entries = json.loads((tmp_path / out.strip() / snapshot.SOURCES).read_text(encoding="utf-8"))["files"]
    (outline,) = [entry for entry in entries if entry["query"] == "place"]
    assert (outline["asked"], outline["osm_id"]) == ("小镇", "relation/901")
    area = Study.open(study).area  # the server is gone
    assert area.boundary.symmetric_difference(by_file.boundary).area < 1e-3 * by_file.boundary.area
    assert verb("check", study)[0] == 0
    words = study.read_text(encoding="utf-8")
    study.write_text(words.replace('place = "小镇"', 'place = "大镇"'), encoding="utf-8")
    assert "the newest snapshot has the boundary of '小镇'" in verb("check", study)[2]


@pytest.mark.parametrize(
    ("listed", "words"),
    [
        ([], "no place of that name is found"),
        (
            [place("小镇, 中国", geojson=POINT)],
            "only places without an outline are found: 小镇, 中国 (town, relation/901)",
        ),
    ],
)
def test_a_name_without_an_outline_needs_mending(listed, words, town, verb, tmp_path):
    study, text = town
    with overpass(says(text), places=lambda _: (200, json.dumps(listed))) as (address, _):
        called(study, "小镇", geocoder(address))
        live(study, address)
        code, _, err = verb("fetch", study)
    assert code == 2
    assert f"[area] place '小镇': {words}" in err
    assert not (tmp_path / "snapshot").exists()


@pytest.mark.usefixtures("_hasty")
@pytest.mark.parametrize("how", [name for name in FAILURES if "later" not in name])
def test_a_geocoder_that_does_not_answer(how, town, verb, tmp_path):
    study, text = town
    with overpass(says(text), places=FAILURES[how]) as (address, _):
        called(study, "小镇", geocoder(address))
        live(study, address)
        begun = time.monotonic()
        code, _, err = verb("fetch", study)
        assert time.monotonic() - begun < PATIENCE_S / 3
    (line,) = [line for line in err.splitlines() if line.startswith("error: ")]
    assert code == 3
    assert address.removesuffix("/api") in line
    assert "[area] geocoder" in line
    assert "[area] boundary" in line
    assert not (tmp_path / "snapshot").exists()


@pytest.mark.parametrize("boundary", ["file", "relation/901", "name"])
def test_a_cut_of_a_country_file_gives_the_same_results(boundary, town, verb, tmp_path):
    study, _ = town
    ring = json.loads(bounded(study, "relation/901") if boundary == "relation/901" else NONE)
    both = json.loads(reply_of(tmp_path / "town.osm"))
    far = [
        {"type": "node", "id": 5000 + at, "lon": 110.0 + at / 1e3, "lat": 30.0, "tags": {"shop": "x"}} for at in (0, 1)
    ]
    both["elements"] += far + ring["elements"]
    (tmp_path / "country.json").write_text(json.dumps(both), encoding="utf-8")
    as_pbf(tmp_path / "country.json", tmp_path / "country.osm.pbf")
    by_file = Study.open(study) if boundary == "file" else None
    parts = ("streets", "facilities", "origins", "buildings", "units")
    before = {part: getattr(by_file, part) for part in parts} if by_file else {}
    words = study.read_text(encoding="utf-8")
    study.write_text(words.replace('files = ["town.osm"]', 'country = "country.osm.pbf"'), encoding="utf-8")
    with overpass(says(NONE), places=lambda _: (200, json.dumps([place("小镇")]))) as (address, heard):
        if boundary == "name":
            called(study, "小镇", geocoder(address))
        code, out, err = verb("fetch", study)
    assert code == 0, err
    assert "note: [streets]" not in err
    assert len(heard) == (boundary == "name")
    listed = json.loads((tmp_path / out.strip() / snapshot.SOURCES).read_text(encoding="utf-8"))
    assert listed["cut_from"]["sha256"] == hashlib.sha256((tmp_path / "country.osm.pbf").read_bytes()).hexdigest()
    assert listed["files"][0]["counts"]["nodes"] == len(both["elements"]) - 2 - sum(
        "nodes" in one or "members" in one for one in both["elements"]
    )
    assert verb("check", study)[0] == 0
    by_cut = Study.open(study)
    (cut,) = [source for source in _sources(by_cut) if source["key"] == "[streets] country"]
    assert cut["file"].endswith("streets-1.osm.pbf")
    for part, frame in before.items():
        pair = [pd.DataFrame(one).drop(columns="source", errors="ignore") for one in (frame, getattr(by_cut, part))]
        pd.testing.assert_frame_equal(*pair, obj=part)


def as_pbf(source, target):
    """The elements of a file, written as a large extract would be."""
    found = read_osm(source)
    with osmium.SimpleWriter(str(target)) as writer:
        for ref, (lon, lat) in zip(found.node_ids.tolist(), found.lonlat.tolist(), strict=True):
            writer.add_node(Node(id=ref, location=(lon, lat), tags=found.node_tags.get(ref, {})))
        for ref, way in found.ways.items():
            writer.add_way(Way(id=ref, nodes=way.nodes.tolist(), tags=way.tags))
        for ref, one in found.relations.items():
            members = [(kind[0], number, role) for kind, number, role in one.members]
            writer.add_relation(Relation(id=ref, members=members, tags=one.tags))


def test_sources_of_one_name_are_told_apart_by_their_folder(town, tmp_path):
    study, _ = town
    (tmp_path / "more").mkdir()
    more = {"elements": [{"type": "node", "id": 7000, "lon": 106.552, "lat": 29.552, "tags": {"amenity": "clinic"}}]}
    (tmp_path / "more" / "town.json").write_text(json.dumps(more), encoding="utf-8")
    (tmp_path / "town.json").write_text(reply_of(tmp_path / "town.osm"), encoding="utf-8")
    words = study.read_text(encoding="utf-8").replace('files = ["town.osm"]', 'files = ["town.json", "more/town.json"]')
    study.write_text(words, encoding="utf-8")
    entries = {source["file"]: source for source in _sources(Study.open(study))}
    for name, date in (("town.json", "2026-11-20T08:00:00Z"), ("more/town.json", "")):
        assert entries[name]["sha256"] == hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()
        assert entries[name]["date"] == date
    assert entries["more/town.json"]["counts"]["nodes"] == 1


REAL = """
[study]
name = "渝中"
crs = "EPSG:32648"
[area]
place = "Yuzhong District, Chongqing, China"
geocoder = "{server}"
margin_m = 500
[streets]
overpass = true
mirrors = ["{server}/api"]
[people]
total = 576300
[assessment]
standard = "yuzhong-15min"
causes = false
stability = false
dependence = false
"""


@pytest.mark.real
def test_the_real_replies_fetched_and_run(real_data, verb, tmp_path):
    folder = real_data / "yuzhong"
    answer, places = real_replies(folder)
    study = tmp_path / "live.toml"
    with overpass(answer, places=places) as (address, _):
        study.write_text(REAL.format(server=address.removesuffix("/api")), encoding="utf-8")
        code, out, err = verb("fetch", study)
    assert code == 0, err
    table = json.loads((tmp_path / out.strip() / snapshot.SOURCES).read_text(encoding="utf-8"))
    listed = table["files"]
    stamps = {(entry["query"], entry["time_stamp"]) for entry in listed if entry["time_stamp"]}
    assert stamps == {("streets", "2026-04-26T06:06:24Z"), ("places", "2026-04-26T06:07:26Z")}
    assert max(entry["counts"]["nodes"] for entry in listed if entry["query"] == "streets") == 19_405
    assert [entry["osm_id"] for entry in listed if entry["query"] == "place"] == ["relation/4738525"]
    assert table["to_look_at"]["rows"]["buildings"] > 2000
    code, _, err = verb("run", study, "--output", tmp_path / "out")
    assert code == 0, err
    manifest = json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))
    by_fetch = Study.open(study)
    by_file = read_area(folder / "boundary.geojson", margin_m=500, crs="EPSG:32648")
    assert by_fetch.area.boundary.symmetric_difference(by_file.boundary).area < 1.0
    files = [folder / f"overpass_{name}.json" for name in ("walk", "buildings", "pois", "stations")]
    pd.testing.assert_frame_equal(
        pd.DataFrame(by_fetch.streets), pd.DataFrame(read_streets(read_osm(*files), by_fetch.area))
    )
    assert manifest["facilities"]["count"] > 0
    assert manifest["origins"]["count"] > 100
