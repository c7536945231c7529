"""What is cut out of a large file is, within the study area, what reading the large file gives."""

import errno
import hashlib
import os
import subprocess
import sys

import geopandas as gpd
import numpy as np
import osmium
import pandas as pd
import pytest
from osmium.osm.mutable import Node, Relation, Way
from pyproj import CRS
from shapely import box

from circle15.errors import ConfigError, DataError, SourceError
from circle15.sources import extract
from circle15.sources.extract import cut_osm, cut_tiles
from circle15.sources.land import read_boundary, read_buildings, read_ground
from circle15.sources.osm import read_osm
from circle15.sources.streets import read_streets
from circle15.tables import StudyArea

BOX = (0.0, 0.0, 1.0, 1.0)


@pytest.fixture
def country(tmp_path):
    """A grid of nodes 1 to 25 at whole halves of a degree from -0.5; number 1 + 5 * row + column.

    ::

        row 3  16 17 18 19 20
        row 2  11 12 13 14 15      the box holds columns 1 to 3 of rows 1 to 3
        row 1   6  7  8  9 10
        row 0   1  2  3  4  5
    """
    file = tmp_path / "country.osm.pbf"
    header = osmium.io.Header()
    header.set("osmosis_replication_timestamp", "2026-11-01T00:00:00Z")
    with osmium.SimpleWriter(str(file), header=header) as writer:
        for row in range(5):
            for column in range(5):
                tags = {"amenity": "school"} if (row, column) in ((2, 2), (4, 4)) else {}
                writer.add_node(Node(id=1 + 5 * row + column, location=(column / 2 - 0.5, row / 2 - 0.5), tags=tags))
        for ref, nodes in {
            31: [6, 7, 8],  # comes in
            32: [1, 2, 3],  # passes by
            33: [5, 9],  # half of an outline ...
            34: [9, 10, 5],  # ... and the other half
            35: [20, 25, 24, 20],  # an islet far off
            36: [22, 23],
        }.items():
            writer.add_way(Way(id=ref, nodes=nodes, tags={"highway": "path"} if ref < 33 else {}))
        for ref, (ways, tags) in {
            41: ([33, 34, 35], {"type": "multipolygon", "natural": "water"}),
            42: ([33, 34, 36], {"type": "boundary", "admin_level": "4"}),
            43: ([35], {"type": "multipolygon", "natural": "water"}),
            44: ([31, 36], {"type": "route"}),
        }.items():
            writer.add_relation(Relation(id=ref, members=[("w", way, "outer") for way in ways], tags=tags))
    return file


def test_ways_are_whole_and_areas_close(country, tmp_path):
    told = cut_osm(country, BOX, tmp_path / "cut.osm.pbf")
    found, all_of_it = read_osm(tmp_path / "cut.osm.pbf"), read_osm(country)
    assert set(found.ways) == {31, 33, 34, 35}  # 36 belongs to a province and to a route, which are not completed
    assert set(found.relations) == {41, 42, 44}
    inside = {7, 8, 9, 12, 13, 14, 17, 18, 19}
    assert set(found.node_ids.tolist()) == inside | {6} | {5, 10} | {20, 24, 25}
    assert found.node_tags == {13: {"amenity": "school"}, 25: {"amenity": "school"}}
    for ref, way in found.ways.items():
        assert way.nodes.tolist() == all_of_it.ways[ref].nodes.tolist()
        assert way.tags == all_of_it.ways[ref].tags
    assert told["sha256"] == hashlib.sha256(country.read_bytes()).hexdigest()
    assert told["date"] == found.sources[0].date == "2026-11-01T00:00:00Z"


def test_the_same_cut_has_the_same_bytes(country, tmp_path):
    for name in ("one", "two"):
        cut_osm(country, BOX, tmp_path / f"{name}.osm.pbf")
    assert (tmp_path / "one.osm.pbf").read_bytes() == (tmp_path / "two.osm.pbf").read_bytes()


@pytest.mark.parametrize("whole", ["relation/43", "way/35"])
def test_a_boundary_is_taken_wherever_it_lies(country, tmp_path, whole):
    cut_osm(country, None, tmp_path / "boundary.osm.pbf", whole=whole)
    found = read_osm(tmp_path / "boundary.osm.pbf")
    assert set(found.ways) == {35}
    assert read_boundary(found, whole).bounds == (1.0, 1.0, 1.5, 1.5)


def test_what_is_not_there_is_said(country, tmp_path):
    with pytest.raises(ConfigError, match="has no relation/7"):
        cut_osm(country, BOX, tmp_path / "cut.osm.pbf", whole="relation/7")
    with pytest.raises(DataError, match="nothing of it lies in the extent"):
        cut_osm(country, (50, 50, 51, 51), tmp_path / "cut.osm.pbf")
    country.write_bytes(country.read_bytes()[:-20])
    with pytest.raises(SourceError, match=r"country\.osm\.pbf: it cannot be read as OSM data"):
        cut_osm(country, BOX, tmp_path / "cut.osm.pbf")
    assert not list(tmp_path.glob("cut*"))


def test_a_full_disk_is_not_a_damaged_file(country, tmp_path, monkeypatch):
    def full(*_):
        raise RuntimeError("Write failed: " + os.strerror(errno.ENOSPC))

    monkeypatch.setattr(extract, "_write", full)
    with pytest.raises(OSError, match="No space left") as caught:
        cut_osm(country, BOX, tmp_path / "cut.osm.pbf")
    assert not isinstance(caught.value, SourceError)


def test_many_boxes_are_cut_as_each_alone(country, tmp_path, monkeypatch):
    west, south, east, north = BOX
    middle = (west + east) / 2
    boxes = {
        "west": (west, south, middle, north),
        "east": (middle, south, east, north),
        "all": BOX,
        "sea": (50.0, 50.0, 51.0, 51.0),
    }
    monkeypatch.setattr(extract, "AT_ONCE", 3)  # so that the last box goes through passes of its own
    cut_tiles(country, {tmp_path / f"{name}.osm.pbf": box for name, box in boxes.items()})
    for name in ("west", "east", "all"):
        alone = tmp_path / "alone.osm.pbf"
        alone.unlink(missing_ok=True)
        cut_osm(country, boxes[name], alone)
        one, other = read_osm(tmp_path / f"{name}.osm.pbf"), read_osm(alone)
        assert np.array_equal(one.node_ids, other.node_ids)
        assert one.ways.keys() == other.ways.keys()
        assert one.relations.keys() == other.relations.keys()
    with pytest.raises(DataError, match="no OSM nodes"):
        read_osm(tmp_path / "sea.osm.pbf")
    assert sorted(file.name for file in tmp_path.glob(".*")) == []


def within(frame, area):
    """What lies in the extent; links without the numbers that count on from elsewhere."""
    own = frame[frame.geometry.within(area.extent)]
    line = own.geometry.to_wkb(hex=True)
    if "piece" in own:  # landings of lifts have numbers below zero, counted through the file
        own = own.set_axis([*own["osm_id"]]).drop(columns="piece")
        own = own.assign(**{end: own[end].clip(lower=-1) for end in ("from_node", "to_node")})
    return pd.DataFrame(own.assign(line=line.to_numpy())).sort_values("line", kind="stable")


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "bounds"),
    [
        ("helsinki/Helsinki.osm.pbf", (24.938, 60.166, 24.948, 60.172)),
        ("monaco/monaco.osm.pbf", (7.418, 43.730, 7.430, 43.742)),
        ("yuzhong/yuzhong.osm.pbf", (106.55, 29.55, 106.57, 29.565)),
    ],
)
def test_a_part_of_a_real_extract_is_the_same_as_in_the_whole(name, bounds, real_data, tmp_path):
    shape = gpd.GeoSeries([box(*bounds)], crs=4326)
    zone = shape.estimate_utm_crs()
    area = StudyArea("part", shape.to_crs(zone)[0], CRS(zone), 100)
    cut_osm(real_data / name, area.extent_lonlat.bounds, tmp_path / "cut.osm.pbf")
    whole, cut = read_osm(real_data / name), read_osm(tmp_path / "cut.osm.pbf")
    assert len(cut.node_ids) < 0.7 * len(whole.node_ids)
    for read in (read_streets, read_buildings, read_ground):
        ours, theirs = (within(read(elements, area), area) for elements in (cut, whole))
        assert len(ours) > 20 or read is read_ground  # one of the extracts has no land use
        pd.testing.assert_frame_equal(ours, theirs)


MEASURE = """
import resource, sys, osmium
from circle15.sources.extract import cut_osm, cut_tiles
begun = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
cut_osm({file!r}, (100.0, 30.0, 100.1, 30.1), {target!r})
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - begun) // 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is told in other units there")
def test_memory_grows_with_the_cut_and_not_with_the_numbers(tmp_path):
    file = tmp_path / "sparse.osm.pbf"
    with osmium.SimpleWriter(str(file)) as writer:
        for at in range(2000):  # ids as far apart as those of the planet; a bit for each would be 1.5 GiB
            writer.add_node(Node(id=1 + at * 6_000_000, location=(100 + at % 20 / 100, 30 + at / 40_000)))
        writer.add_way(Way(id=1, nodes=[1 + at * 6_000_000 for at in range(2000)], tags={"highway": "path"}))
    code = MEASURE.format(file=file, target=tmp_path / "cut.osm.pbf").replace("PosixPath", "__import__('pathlib').Path")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 100  # MiB
