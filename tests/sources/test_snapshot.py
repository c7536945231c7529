"""A snapshot is whole or not there, is what was fetched, and says what a server did instead of answering."""

import errno
import gzip
import hashlib
import json
import os
import subprocess
import sys
import threading
import time
from functools import partial

import geopandas as gpd
import osmnx
import pytest
from pyproj import CRS
from shapely import box
from shapely.geometry import mapping

from circle15.errors import ConfigError, SourceError
from circle15.sources import extract, online, snapshot
from circle15.sources.osm import read_osm
from circle15.sources.snapshot import (
    SOURCES,
    cut_snapshot,
    fetch_snapshot,
    freeze_boundary,
    frozen_boundary,
    newest_snapshot,
)
from circle15.tables import StudyArea
from overpass_server import (
    AT_WORK,
    FAILURES,
    HANG,
    IDLE,
    NONE,
    SMALL,
    after_waking,
    dead_address,
    overpass,
    reply_of,
    says,
)
from tiny_study import town_osm

AREA = StudyArea("town", gpd.GeoSeries([box(106.549, 29.549, 106.556, 29.556)], crs=4326).to_crs(32648)[0], CRS(32648))


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    for key in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(key, "127.0.0.1")
    monkeypatch.setattr(online, "PAUSE_S", 0.01)
    monkeypatch.setattr(online, "SILENCE_S", 1.5)
    monkeypatch.setattr(online, "STATUS_S", 0.3)


@pytest.fixture
def town(tmp_path):
    path = tmp_path / "town.osm"
    path.write_text(town_osm(), encoding="utf-8")
    return path


def fetched(folder, answer, *, status=IDLE, **options):
    with overpass(answer, status=status) as (address, heard):
        return fetch_snapshot(AREA, folder, mirrors=[address], **options), heard


def test_a_snapshot_holds_the_replies_and_says_what_they_are(tmp_path, town):
    said = []
    place, heard = fetched(tmp_path / "snapshot", says(reply_of(town)), announce=said.append)
    listed = json.loads((place / SOURCES).read_text(encoding="utf-8"))
    assert place.name == listed["fetched"][:10]
    assert listed["server"].startswith("http://127.0.0.1")
    assert said == [f"ask {listed['server']}", "ask for streets", "ask for places"]
    files = {entry["file"] for entry in listed["files"]}
    assert {file.name for file in place.iterdir()} == {SOURCES, "layers.gpkg", *files}
    assert {entry["query"] for entry in listed["files"]} == {"streets", "places"}
    west, south, east, north = listed["bounds"]
    assert west < 106.549 + 1e-4 < 106.556 - 1e-4 < east
    assert south < 29.549 + 1e-4 < 29.556 - 1e-4 < north
    expected = read_osm(town)
    for entry in listed["files"]:
        content = (place / entry["file"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == entry["sha256"]
        assert entry["time_stamp"] == json.loads(gzip.decompress(content))["osm3s"]["timestamp_osm_base"]
        assert (entry["counts"]["nodes"], entry["counts"]["ways"]) == (len(expected.node_ids), len(expected.ways))
        assert "ODbL" in entry["licence"]
    found = read_osm(*newest_snapshot(tmp_path / "snapshot"))
    assert found.node_tags == expected.node_tags
    assert {ref: (way.nodes.tolist(), way.tags) for ref, way in found.ways.items()} == {
        ref: (way.nodes.tolist(), way.tags) for ref, way in expected.ways.items()
    }
    assert all(agent.startswith("circle15") for _, _, agent in heard)


def test_a_second_snapshot_of_a_day_stands_beside_the_first(tmp_path, town):
    text = reply_of(town)
    places = [fetched(tmp_path / "snapshot", says(text))[0] for _ in range(2)]
    assert places[1].name == f"{places[0].name}-2"
    assert newest_snapshot(tmp_path / "snapshot")[0].parent == places[1]
    for name in ("streets-1.json.gz", "places-1.json.gz"):  # the same reply, the same bytes
        assert (places[0] / name).read_bytes() == (places[1] / name).read_bytes()


def test_the_newest_is_told_by_date_and_number(tmp_path, town):
    place, _ = fetched(tmp_path / "snapshot", says(reply_of(town)))
    old = place.rename(place.with_name("2026-01-09-10"))
    for name in ("2026-01-09", "2026-01-09-9", "2025-12-31-11", ".draft-9999", "2027-notes"):
        (old.parent / name).mkdir()
    assert {file.parent for file in newest_snapshot(old.parent)} == {old}
    assert newest_snapshot(tmp_path / "none") == ()


SAID = {
    "429": "it answered 429",
    "504": "it answered 504",
    "truncated": "cut off",
    "broken off": "connection",
    "web page": "a web page",
    "not json at all": "of another kind",
    "empty": "it sent nothing",
    "hang": "it did not answer within",
    "hang up": "no connection",
    "429 later": "it answered 429",
    "504 later": "it answered 504",
    "truncated later": "cut off",
    "broken off later": "connection",
    "web page later": "a web page",
    "hang later": "it fell silent",
    "hang up later": "the connection broke",
    "remark later": "no complete answer",
    "no data": "no OSM nodes",
    "not OSM": "not an OSM element",
}
OTHERS = {"no data": says(NONE), "not OSM": says('{"elements": [{"type": "node", "id": "x"}]}')}


def test_every_failure_is_expected():
    assert set(SAID) == {*FAILURES, *OTHERS}


@pytest.mark.parametrize("how", SAID)
def test_a_failing_server_leaves_everything_as_it_was(how, tmp_path):
    with pytest.raises(SourceError) as caught:
        fetched(tmp_path / "snapshot", {**FAILURES, **OTHERS}[how])
    assert caught.value.outside
    (finding,) = caught.value.findings
    assert SAID[how] in str(finding)
    assert "[streets] mirrors" in finding.mend
    assert "[streets] files" in finding.mend
    assert not list(tmp_path.iterdir())


def test_a_server_at_work_is_given_time(tmp_path, town):
    text, asked = reply_of(town), []

    def slow(query):
        asked.append(query)
        return HANG if len(asked) == 2 else says(text)(query)  # the first large question

    with overpass(slow, status=AT_WORK) as (address, _):
        place = fetch_snapshot(AREA, tmp_path / "snapshot", mirrors=[address])
    assert (place / SOURCES).is_file()
    assert asked[1] == asked[2]


def test_a_server_at_work_is_not_given_time_for_ever(tmp_path, monkeypatch):
    monkeypatch.setattr(online, "COMPUTING_S", 1)
    with pytest.raises(SourceError, match="it fell silent") as caught:
        fetched(tmp_path / "snapshot", after_waking(HANG), status=AT_WORK)
    assert caught.value.outside
    assert not list(tmp_path.iterdir())


def test_a_slow_download_that_goes_on_is_waited_for(tmp_path, town):
    text = reply_of(town)
    with overpass(lambda query: (200, NONE) if query.endswith(SMALL) else (200, text), drip=0.4) as (address, _):
        place = fetch_snapshot(AREA, tmp_path / "snapshot", mirrors=[address])
    assert (place / SOURCES).is_file()


@pytest.mark.parametrize("large", [False, True])
def test_a_busy_server_is_asked_once_more(large, tmp_path, town):
    text, refused = reply_of(town), []

    def busy(query):
        if not refused and ("amenity" in query if large else query.endswith(SMALL)):
            refused.append(query)
            return 429, ""
        return says(text)(query)

    place, heard = fetched(tmp_path / "snapshot", busy)
    assert (place / SOURCES).is_file()
    queries = [query for _, query, _ in heard]
    assert queries.count(refused[0]) == 2
    assert len(queries) == (7 if large else 6)  # the streets, which it had given, are not asked for again


def test_the_next_mirror_is_asked_and_nothing_of_the_first_stays(tmp_path, town):
    with overpass(says('{"elements": [{"type": "way"}]}')) as (bad, _), overpass(says(reply_of(town))) as (good, _):
        place = fetch_snapshot(AREA, tmp_path / "snapshot", mirrors=[dead_address(), bad, good])
    assert json.loads((place / SOURCES).read_text(encoding="utf-8"))["server"] == good
    assert [one.name for one in place.parent.iterdir()] == [place.name]
    assert all(file.is_file() for file in place.iterdir())


def test_a_stopped_fetch_leaves_the_old_snapshot_only(tmp_path, town, monkeypatch):
    text = reply_of(town)
    old, _ = fetched(tmp_path / "snapshot", says(text))

    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(snapshot, "_placed", stop)
    with pytest.raises(KeyboardInterrupt):
        fetched(tmp_path / "snapshot", says(text))
    assert list(old.parent.iterdir()) == [old]
    assert newest_snapshot(old.parent)


def full(*_, **__):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(
    "where", ["a reply is kept", "a reply is packed", "the layers are written", "the cut is written"]
)
def test_a_full_disk_is_no_fault_of_the_server(where, tmp_path, town, monkeypatch):
    text = reply_of(town)
    owner, name = {
        "a reply is kept": (osmnx._http, "_save_to_cache"),
        "a reply is packed": (snapshot.gzip, "compress"),
        "the layers are written": (snapshot, "write_layers"),
        "the cut is written": (extract, "_write"),
    }[where]
    monkeypatch.setattr(owner, name, full)
    cut = partial(cut_snapshot, AREA, tmp_path / "snapshot", country=town)
    ask = partial(fetched, tmp_path / "snapshot", says(text))
    with pytest.raises(SourceError) as caught:
        (cut if where == "the cut is written" else ask)()
    (finding,) = caught.value.findings
    assert finding.where == str(tmp_path / "snapshot")
    assert "a snapshot cannot be written there (No space left on device)" in finding.problem
    assert not caught.value.outside
    assert not (tmp_path / "snapshot").exists()


def test_drafts_that_nobody_writes_any_more_are_swept(tmp_path, town):
    folder = tmp_path / "snapshot"
    host, gone = snapshot._host(), subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    names = {
        f".draft-{host}.{os.getpid()}.mine": False,
        f".draft-{host}.{gone.pid}.gone": sys.platform != "win32",
        f".draft-other-host.{gone.pid}.far": False,
        ".draft-abc": False,
        f".draft-{host}.{os.getpid()}.old": True,
        "2026-01-01": False,
    }
    for name in names:
        (folder / name).mkdir(parents=True)
        (folder / name / "file").touch()
        if name.endswith("old"):
            os.utime(folder / name, (0, time.time() - 2 * 24 * 3600))
    fetched(folder, says(reply_of(town)))
    assert {name: not (folder / name).exists() for name in names} == names


def test_the_layers_show_what_was_fetched(tmp_path, town):
    place, _ = fetched(tmp_path / "snapshot", says(reply_of(town)))
    elements = read_osm(town)
    table = json.loads((place / SOURCES).read_text(encoding="utf-8"))["to_look_at"]
    layers = {name: gpd.read_file(place / "layers.gpkg", layer=name) for name in table["rows"]}
    assert {name: len(layer) for name, layer in layers.items()} == table["rows"]
    ways = {f"way/{ref}": way.tags for ref, way in elements.ways.items()}
    assert set(layers["streets"]["osm_id"]) == {one for one, tags in ways.items() if "highway" in tags}
    assert set(layers["buildings"]["osm_id"]) == {one for one, tags in ways.items() if "building" in tags}
    assert all(json.loads(row.tags) == ways[row.osm_id] for row in layers["streets"].itertuples())
    assert layers["buildings"].geom_type.unique().tolist() == ["Polygon"]
    (place / "layers.gpkg").write_bytes(b"changed by a viewer")
    assert newest_snapshot(place.parent)


def test_the_boundary_of_a_name_may_be_frozen_alone(tmp_path):
    outline = {"type": "Feature", "properties": {"asked": "A"}, "geometry": mapping(box(0, 0, 1, 1))}
    (tmp_path / "boundary.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [outline]}))
    place = freeze_boundary(tmp_path / "boundary.geojson", tmp_path / "snapshot")
    assert newest_snapshot(place.parent) == ()
    assert frozen_boundary(place.parent, "A") == place / "boundary.geojson"
    with pytest.raises(ConfigError, match="has the boundary of 'A'"):
        frozen_boundary(place.parent, "B")
    with pytest.raises(ConfigError, match="has not been looked up yet"):
        frozen_boundary(tmp_path / "none", "A")
    (place / "boundary.geojson").write_text("{}")
    with pytest.raises(SourceError, match="it is not what was fetched"):
        frozen_boundary(place.parent, "A")


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "snapshot").write_text("a file")
    with pytest.raises(SourceError, match="cannot be written there") as caught:
        fetch_snapshot(AREA, tmp_path / "snapshot", mirrors=["http://127.0.0.1:9/api"])
    assert not caught.value.outside
    assert (tmp_path / "snapshot").read_text() == "a file"


def test_two_fetches_at_once_give_two_whole_snapshots(tmp_path):
    drafts = [tmp_path / f".draft-{number}" for number in range(8)]
    for draft in drafts:
        draft.mkdir()
        (draft / "which").write_text(draft.name)
    threads = [threading.Thread(target=snapshot._placed, args=(draft,)) for draft in drafts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one.name[10:] for one in tmp_path.iterdir()) == ["", *(f"-{number}" for number in range(2, 9))]
    assert {(one / "which").read_text() for one in tmp_path.iterdir()} == {draft.name for draft in drafts}


def change(place):
    (place / "places-1.json.gz").write_bytes(gzip.compress(b'{"elements": []}'))


def lose(place):
    (place / "places-1.json.gz").unlink()


def climb(place):
    text = (place / SOURCES).read_text(encoding="utf-8")
    (place / SOURCES).write_text(text.replace("places-1.json.gz", "../../town.osm"), encoding="utf-8")


def cut(place):
    (place / SOURCES).write_text('{"files": [{"fi', encoding="utf-8")


def empty(place):
    (place / SOURCES).write_text('{"files": []}', encoding="utf-8")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (change, "places-1.json.gz: it is not what was fetched"),
        (lose, "places-1.json.gz: it is in the list"),
        (climb, "it is in the list of the snapshot but not beside it"),
        (cut, f"{SOURCES}: it cannot be read"),
        (empty, f"{SOURCES}: it lists no file"),
    ],
)
def test_a_snapshot_that_was_changed_is_refused_by_name(tmp_path, town, spoil, words):
    place, _ = fetched(tmp_path / "snapshot", says(reply_of(town)))
    spoil(place)
    with pytest.raises(SourceError) as caught:
        newest_snapshot(place.parent)
    assert words in str(caught.value)
    assert not caught.value.outside
