"""Four doors, one truth: the same data give the same elements and the same streets, and bad files say so."""

import bz2
import gzip
import json
import socket

import geopandas as gpd
import numpy as np
import osmium
import osmnx
import pandas as pd
import pytest
from osmium.osm.mutable import Node, Relation, Way
from pyproj import CRS
from shapely import box

from circle15.errors import Circle15Warning, DataError, SourceError
from circle15.sources import online
from circle15.sources.online import fetch_osm
from circle15.sources.osm import Elements, read_osm
from circle15.sources.sound_pbf import nodes_of
from circle15.sources.streets import read_streets
from circle15.tables import StudyArea
from overpass_server import dead_address, overpass, says

# A block at 两路口: a street (1-2-3), stairs up from 2, a lift at 5 between two footways, a square as multipolygon.
NODES = {
    1: (106.5500, 29.5500, {}),
    2: (106.5510, 29.5500, {"highway": "crossing", "crossing": "traffic_signals"}),
    3: (106.5520, 29.5500, {}),
    4: (106.5510, 29.5507, {"barrier": "gate", "access": "private"}),
    5: (106.5515, 29.5507, {"highway": "elevator", "name": "电梯"}),
    6: (106.5520, 29.5507, {}),
    7: (106.5520001, 29.5499999, {"name": "Löwe <&> 'x'"}),
    8: (106.5525, 29.5495, {}),
}
WAYS = {
    11: ([1, 2, 3], {"highway": "residential", "name": "中山三路", "oneway": "yes"}),
    12: ([2, 4], {"highway": "steps", "step_count": "60", "incline": "up"}),
    13: ([4, 5], {"highway": "footway", "level": "2"}),
    14: ([5, 6], {"highway": "footway", "level": "0"}),
    15: ([6, 3], {"highway": "footway", "tunnel": "building_passage"}),
    16: ([3, 7, 8, 3], {}),
    17: ([1, 7, 8, 1], {"building": "yes"}),
}
RELATIONS = {
    21: ([("way", 16, "outer")], {"type": "multipolygon", "highway": "pedestrian"}),
    22: ([("node", 1, "stop"), ("relation", 21, "")], {"type": "route"}),
}
SUFFIXES = (".osm.pbf", ".osm", ".osm.gz", ".osm.bz2", ".json", ".json.gz")
AREA = StudyArea("block", gpd.GeoSeries([box(106.549, 29.549, 106.553, 29.552)], crs=4326).to_crs(32648)[0], CRS(32648))


def reply(nodes=NODES, ways=WAYS, relations=RELATIONS):
    elements = [
        {"type": "node", "id": ref, "lat": lat, "lon": lon, **({"tags": tags} if tags else {})}
        for ref, (lon, lat, tags) in nodes.items()
    ]
    elements += [{"type": "way", "id": ref, "nodes": refs, "tags": tags} for ref, (refs, tags) in ways.items()]
    elements += [
        {
            "type": "relation",
            "id": ref,
            "members": [{"type": kind, "ref": member, "role": role} for kind, member, role in members],
            "tags": tags,
        }
        for ref, (members, tags) in relations.items()
    ]
    return {"version": 0.6, "osm3s": {"timestamp_osm_base": "2026-04-26T06:06:24Z"}, "elements": elements}


def write(path, nodes=NODES, ways=WAYS, relations=RELATIONS):
    if path.name.endswith(".json"):
        path.write_text(json.dumps(reply(nodes, ways, relations)), encoding="utf-8")
    elif path.name.endswith(".json.gz"):
        path.write_bytes(gzip.compress(json.dumps(reply(nodes, ways, relations)).encode()))
    else:
        with osmium.SimpleWriter(str(path)) as writer:
            for ref, (lon, lat, tags) in nodes.items():
                writer.add_node(Node(id=ref, location=(lon, lat), tags=tags))
            for ref, (refs, tags) in ways.items():
                writer.add_way(Way(id=ref, nodes=refs, tags=tags))
            for ref, (members, tags) in relations.items():
                listed = [(kind[0], member, role) for kind, member, role in members]
                writer.add_relation(Relation(id=ref, members=listed, tags=tags))
    return path


def assert_same_elements(one: Elements, other: Elements):
    np.testing.assert_array_equal(one.node_ids, other.node_ids)
    np.testing.assert_array_equal(one.lonlat, other.lonlat)
    assert one.node_tags == other.node_tags
    assert list(one.node_tags) == list(other.node_tags)
    assert {ref: (way.nodes.tolist(), way.tags) for ref, way in one.ways.items()} == {
        ref: (way.nodes.tolist(), way.tags) for ref, way in other.ways.items()
    }
    assert list(one.ways) == list(other.ways)
    assert one.relations == other.relations


def assert_same_streets(one, other):
    assert one.crs == other.crs
    pd.testing.assert_frame_equal(
        pd.DataFrame(one).drop(columns="geometry"), pd.DataFrame(other).drop(columns="geometry")
    )
    assert (one.geometry.to_wkb() == other.geometry.to_wkb()).all()


@pytest.fixture
def expected(tmp_path):
    return read_osm(write(tmp_path / "expected.osm.pbf"))


# ------------------------------------------------------------------------------------------------------ doors


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_file_door_gives_the_same_streets(tmp_path, expected, suffix):
    elements = read_osm(write(tmp_path / f"block{suffix}"))
    assert_same_elements(elements, expected)
    streets = read_streets(elements, AREA)
    assert {"lift", "stairs", "street", "tunnel", "path"} == set(streets["kind"])
    assert_same_streets(streets, read_streets(expected, AREA))


def one_by_one(path):
    things = osmium.FileProcessor(str(path), osmium.osm.NODE)
    return [(thing.id, thing.location.x, thing.location.y) for thing in things]


def test_nodes_in_bulk_are_those_that_osmium_reads(tmp_path, real_data):
    places = {
        -(2**40): (-180, -90, {}),
        -7: (0.0000001, -0.0000001, {"name": "乙"}),
        9: (180, 90, {}),
        2**45: (1, 2, {}),
    }
    many = {ref: (ref / 1e6, -ref / 2e6, {}) for ref in range(1, 20_000)}  # more than one block holds
    files = [write(tmp_path / f"{at}.osm.pbf", nodes) for at, nodes in enumerate((NODES, places, many, {}))]
    for file in (*files, *real_data.glob("*/*.osm.pbf")):
        found = nodes_of(file)
        assert list(zip(*(column.tolist() for column in found), strict=True)) == one_by_one(file)
    assert read_osm(files[1]).node_tags == {-7: {"name": "乙"}}


def written_as(path, options, nodes):
    with osmium.SimpleWriter(osmium.io.File(str(path), f"pbf,{options}")) as writer:
        for node in nodes:
            writer.add_node(node)
    return path


def test_nodes_written_in_another_way_are_read_one_by_one(tmp_path, expected):
    loose = written_as(
        tmp_path / "loose.osm.pbf",
        "pbf_dense_nodes=false",
        [Node(id=ref, location=(lon, lat), tags=tags) for ref, (lon, lat, tags) in NODES.items()],
    )
    assert nodes_of(loose) is None
    found = read_osm(loose)
    assert found.node_ids.tolist() == expected.node_ids.tolist()
    assert found.lonlat.tolist() == expected.lonlat.tolist()
    assert found.node_tags == expected.node_tags
    nodes = [Node(id=1, location=(1, 1), version=1), Node(id=2, location=(2, 2), visible=False, version=2)]
    past = written_as(tmp_path / "past.osm.pbf", "history=true", nodes)
    assert nodes_of(past) is None
    assert read_osm(past).node_ids.tolist() == [1]


def test_elements_are_what_was_written(expected):
    assert expected.node_ids.tolist() == list(NODES)
    assert expected.lonlat.tolist() == [[lon, lat] for lon, lat, _ in NODES.values()]
    assert expected.node_tags == {ref: tags for ref, (_, _, tags) in NODES.items() if tags}
    assert expected.ways[12].tags == {"highway": "steps", "step_count": "60", "incline": "up"}
    assert expected.relations[22].members == (("node", 1, "stop"), ("relation", 21, ""))


def test_source_says_where_data_come_from(tmp_path):
    path = write(tmp_path / "block.json")
    (source,) = read_osm(path).sources
    assert (source.name, source.date) == ("block.json", "2026-04-26T06:06:24Z")
    assert source.counts == {"nodes": 8, "ways": 7, "relations": 2, "nodes_dropped": 0}
    assert len(source.sha256) == 64
    assert "ODbL" in source.licence


def test_index_gives_positions(expected):
    assert expected.index([1, 8, 99, -4, 2**62]).tolist() == [0, 7, -1, -1, -1]
    assert expected.index([]).tolist() == []


def test_out_geom_reply_needs_no_nodes(tmp_path, expected):
    answer = reply()
    answer["elements"] = [one for one in answer["elements"] if one["type"] != "node" or one.get("tags")]
    for one in answer["elements"]:
        if one["type"] == "way":
            one["geometry"] = [{"lat": NODES[ref][1], "lon": NODES[ref][0]} for ref in one["nodes"]]
    path = tmp_path / "geom.json"
    path.write_text(json.dumps(answer), encoding="utf-8")
    assert_same_elements(read_osm(path), expected)


# --------------------------------------------------------------------------------------------------- merging


def test_files_are_merged_without_duplicates(tmp_path, expected):
    north = write(tmp_path / "n.osm.pbf", {k: NODES[k] for k in (2, 4, 5, 6)}, {k: WAYS[k] for k in (12, 13, 14)}, {})
    south = write(
        tmp_path / "s.json", {k: NODES[k] for k in (1, 2, 3, 6, 7, 8)}, {k: WAYS[k] for k in (11, 15, 16, 17)}
    )
    merged = read_osm(north, south)
    assert_same_elements(merged, expected)
    assert_same_elements(read_osm(south, north), expected)
    assert [source.name for source in merged.sources] == ["n.osm.pbf", "s.json"]


def test_most_tags_win_and_the_later_of_equals(tmp_path):
    def one(name, x, tags):
        return write(tmp_path / name, {1: (x, 10.0, tags), 2: (5.0, 5.0, {})}, {9: ([1, 2], tags)}, {})

    rich = one("rich.osm", 1.0, {"highway": "path", "name": "rich"})
    poor = one("poor.osm", 2.0, {"highway": "steps"})
    other = one("other.osm", 3.0, {"highway": "track", "name": "other"})
    for files, name, x in (
        ((rich, poor), "rich", 1.0),
        ((poor, rich), "rich", 1.0),
        ((rich, other, poor), "other", 3.0),
    ):
        merged = read_osm(*files)
        assert merged.ways[9].tags["name"] == merged.node_tags[1]["name"] == name
        assert merged.lonlat[0].tolist() == [x, 10.0]


# --------------------------------------------------------------------------------------------------- bad files


def xml(body):
    return f'<?xml version="1.0"?><osm version="0.6">{body}</osm>'.encode()


NODE = '<node id="1" lat="1" lon="2"/>'
BAD = {
    "empty.osm.pbf": (b"", SourceError, "empty"),
    "empty.json": (b"", SourceError, "empty"),
    "noise.osm.pbf": (bytes(range(256)) * 9, SourceError, "cannot be read as OSM"),
    "text.osm": (b"hello", SourceError, "cannot be read as OSM"),
    "gpx.osm": (b'<?xml version="1.0"?><gpx version="1.1"></gpx>', SourceError, "gpx"),
    "page.osm": (b"<!DOCTYPE html><html><body>busy</body></html>", DataError, "web page"),
    "cut.osm": (xml(NODE)[:-8], SourceError, "cannot be read as OSM"),
    "cut.osm.gz": (gzip.compress(xml(NODE * 50))[:-12], SourceError, "cannot be read"),
    "cut.osm.bz2": (bz2.compress(xml(NODE))[:-9], SourceError, "cannot be read"),
    "plain.osm.bz2": (xml(NODE), SourceError, "cannot be read"),
    "number.osm": (xml('<node id="1" lat="abc" lon="2"/>'), SourceError, "abc"),
    "nan.osm": (xml('<node id="1" lat="NaN" lon="2"/>'), SourceError, "NaN"),
    "busy.json": (b"<html><body>The server is busy</body></html>", DataError, "web page"),
    "cut.json": (json.dumps(reply()).encode()[:-20], DataError, "cut off"),
    "cut.json.gz": (gzip.compress(json.dumps(reply()).encode())[:-20], SourceError, "cannot be read"),
    "plain.json.gz": (json.dumps(reply()).encode(), SourceError, "cannot be read"),
    "geo.json": (b'{"type": "FeatureCollection", "features": []}', DataError, "GeoJSON"),
    "list.json": (b"[1, 2]", DataError, "not an Overpass reply"),
    "deep.json": (b"[" * 200_000, DataError, "not valid JSON"),
    "odd.json": (b'{"elements": [{"type": "node", "id": 1}]}', DataError, "element 0"),
    "word.json": (b'{"elements": [7]}', DataError, "element 0"),
    "remark.json": (b'{"elements": [], "remark": "runtime error: timed out"}', SourceError, "timed out"),
    "none.json": (b'{"elements": []}', DataError, "no OSM nodes"),
    "none.osm": (xml(""), DataError, "no OSM nodes"),
    "table.csv": (b"a,b", SourceError, ".osm.gz"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_file_has_one_clear_finding(tmp_path, name):
    content, kind, words = BAD[name]
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(kind, match=words) as caught:
        read_osm(path)
    (finding,) = caught.value.findings
    assert finding.where == name
    assert finding.mend
    if kind is SourceError:
        assert caught.value.outside is False


def test_truncated_pbf_of_the_real_extract(tmp_path, real_data):
    whole = (real_data / "yuzhong" / "yuzhong.osm.pbf").read_bytes()
    path = tmp_path / "yuzhong.osm.pbf"
    for size in (30, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(SourceError, match=r"yuzhong\.osm\.pbf: it cannot be read as OSM data") as caught:
            read_osm(path)
        assert len(caught.value.findings) == 1


@pytest.mark.parametrize(
    "doctype",
    ['<!DOCTYPE osm [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>', '<!doctype osm SYSTEM "http://127.0.0.1/osm.dtd">'],
)
@pytest.mark.parametrize("suffix", [".osm", ".osm.gz", ".osm.bz2"])
def test_document_types_are_refused(tmp_path, doctype, suffix):
    text = f'<?xml version="1.0"?>{doctype}<osm version="0.6">{NODE}</osm>'.encode()
    path = tmp_path / f"bomb{suffix}"
    path.write_bytes({".osm": bytes, ".osm.gz": gzip.compress, ".osm.bz2": bz2.compress}[suffix](text))
    with pytest.raises(DataError, match="document type"):
        read_osm(path)


def test_entities_behind_a_long_comment_are_refused(tmp_path):
    bomb = f'<?xml version="1.0"?><!--{"x" * 9000}--><!DOCTYPE osm [<!ENTITY a "a">]><osm version="0.6">{NODE}</osm>'
    path = tmp_path / "bomb.osm"
    path.write_text(bomb, encoding="utf-8")
    with pytest.raises(SourceError, match="entities are not supported"):
        read_osm(path)


def test_every_bad_file_is_named_at_once(tmp_path):
    good = write(tmp_path / "good.osm")
    (tmp_path / "bad.json").write_bytes(b"{")
    with pytest.raises(SourceError) as caught:
        read_osm(tmp_path / "gone.osm.pbf", good, tmp_path / "bad.json", tmp_path / "gone.json")
    assert len(caught.value.findings) == 3
    assert "gone.osm.pbf: there is no such file" in str(caught.value)


def test_no_file_is_an_error():
    with pytest.raises(SourceError, match="no OSM file"):
        read_osm()


@pytest.mark.parametrize("suffix", [".osm", ".json"])
def test_nodes_off_the_globe_are_dropped_and_counted(tmp_path, suffix):
    path = tmp_path / f"off{suffix}"
    places = [(2.0, 1.0), (200.0, 5.0), (2.0, 95.0), (-180.0, -90.0)]
    if suffix == ".osm":
        path.write_bytes(xml("".join(f'<node id="{i}" lon="{x}" lat="{y}"/>' for i, (x, y) in enumerate(places))))
    else:
        nodes = {i: (x, y, {"name": "n"}) for i, (x, y) in enumerate(places)} | {9: (float("nan"), 1.0, {})}
        path.write_text(json.dumps(reply(nodes, {}, {})), encoding="utf-8")
    with pytest.warns(Circle15Warning, match=rf"off{suffix}: . nodes have coordinates that are not on the globe"):
        elements = read_osm(path)
    assert elements.node_ids.tolist() == [0, 3]
    assert elements.sources[0].counts["nodes_dropped"] == (2 if suffix == ".osm" else 3)
    assert not {1, 2, 9} & set(elements.node_tags)


# -------------------------------------------------------------------------------------------------------- live


def settings():
    return {key: value for key, value in vars(osmnx.settings).items() if not key.startswith("_")}


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    for key in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(key, "127.0.0.1")


whole = says(json.dumps(reply()))


def test_live_overpass_gives_the_same_streets(tmp_path, expected):
    before, resolve = settings(), socket.getaddrinfo
    with overpass(whole) as (address, heard):
        fetched = fetch_osm(AREA, tmp_path / "snapshot", mirrors=[address])
    files = fetched.files
    assert fetched.server == address
    assert settings() == before
    assert socket.getaddrinfo is resolve
    assert [file.name for file in files] == ["streets-1.json", "streets-2.json", "streets-3.json", "places-1.json"]
    assert sorted((tmp_path / "snapshot").iterdir()) == sorted(files)
    elements = read_osm(*files)
    assert_same_elements(elements, expected)
    assert_same_elements(fetched.elements, expected)
    assert_same_streets(read_streets(elements, AREA), read_streets(expected, AREA))
    assert len(heard) == 5  # a small question, three of streets, one of places
    assert all(path == "/api/interpreter" and agent.startswith("circle15") for path, _, agent in heard)
    queries = " ".join(query for _, query, _ in heard)
    for words in ('way["highway"]', '["railway"="platform"]', "'amenity'", "'admin_level'='10'", "'natural'='water'"):
        assert words in queries


def test_live_falls_back_to_the_next_mirror(tmp_path, expected, monkeypatch):
    def busy(_query):
        return 429, "{}"

    def half(query):
        return whole(query) if "highway" in query else (200, json.dumps({"elements": [], "remark": "timed out"}))

    naps = []
    monkeypatch.setattr(online.time, "sleep", naps.append)
    with overpass(busy) as (first, heard), overpass(half) as (second, _), overpass(whole) as (third, _):
        fetched = fetch_osm(AREA, tmp_path, mirrors=[dead_address(), first, second, third])
    assert len(heard) == 1
    assert not any(naps)  # osmnx alone would wait 55 s for the busy one, for ever
    assert fetched.server == third
    assert_same_elements(read_osm(*fetched.files), expected)


def test_live_failure_names_what_was_tried_and_the_ways_out(tmp_path):
    nobody, before = dead_address(), settings()
    with overpass(lambda _: (200, "<html>busy</html>")) as (address, _), pytest.raises(SourceError) as caught:
        fetch_osm(AREA, tmp_path, mirrors=[nobody, address])
    assert caught.value.outside is True
    (finding,) = caught.value.findings
    assert f"{nobody}: no connection" in finding.problem
    assert f"{address}: it sent a web page" in finding.problem
    assert "[streets] mirrors" in finding.mend
    assert "[streets] files" in finding.mend
    assert not list(tmp_path.iterdir())
    assert settings() == before


# --------------------------------------------------------------------------------------------------- real data


@pytest.mark.real
def test_raw_reply_and_pbf_hold_the_same_elements(real_data):
    folder = real_data / "yuzhong"
    answer, pbf = read_osm(folder / "overpass_walk.json"), read_osm(folder / "yuzhong.osm.pbf")
    assert answer.sources[0].date == "2026-04-26T06:06:24Z"
    assert (len(answer.node_ids), len(answer.ways)) == (19_405, 3_148)
    at = pbf.index(answer.node_ids)
    assert at.min() >= 0
    np.testing.assert_array_equal(pbf.lonlat[at], answer.lonlat)
    assert all(pbf.node_tags[node] == tags for node, tags in answer.node_tags.items())
    assert all(pbf.ways[ref].nodes.tolist() == way.nodes.tolist() for ref, way in answer.ways.items())
    assert all(pbf.ways[ref].tags == way.tags for ref, way in answer.ways.items())


@pytest.mark.parametrize(
    "thing",
    [
        {"type": "way", "id": 2**63, "nodes": [1, 2]},
        {"type": "way", "id": 5, "nodes": [1, 10**30]},
        {"type": "relation", "id": 1e30, "members": []},
        {"type": "relation", "id": 7, "members": [{"type": "way", "ref": -(2**64), "role": ""}]},
    ],
)
def test_a_number_beyond_64_bits_is_no_element(tmp_path, thing):
    file = tmp_path / "reply.json"
    node = {"type": "node", "id": 1, "lon": 0.0, "lat": 0.0}
    file.write_text(json.dumps({"elements": [node, thing]}), encoding="utf-8")
    with pytest.raises(DataError, match=r"element 1 of the reply is not an OSM element .*64 bits"):
        read_osm(file)
