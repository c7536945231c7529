"""Which links come out of OSM ways: rules, lifts, gates, crossings, clipping and the real extracts.

Most towns here are drawn in metres around one point, so that lengths can be read off.
"""

from dataclasses import replace

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import CRS, Transformer
from shapely import box

from circle15.errors import Circle15Warning, DataError
from circle15.sources.osm import Elements, Relation, Way, read_osm
from circle15.sources.streets import read_streets
from circle15.sources.walking_rules import READ, Wordings, climb_of, direction_of, gate_of, kind_of, ramp_of, walkable
from circle15.tables import LINK_KINDS, STREETS, StudyArea

CRS_48 = CRS.from_epsg(32648)
X, Y = 650_000.0, 3_270_000.0
TO_LONLAT = Transformer.from_crs(CRS_48, "EPSG:4326", always_xy=True)
FOOT = {"highway": "footway"}


def area(west=-1000, south=-1000, east=1000, north=1000):
    return StudyArea("town", box(X + west, Y + south, X + east, Y + north), CRS_48)


def town(nodes, ways, relations=None, node_tags=None):
    """Elements from nodes {id: (x, y)} in metres and ways {id: (nodes, tags)}."""
    ids = np.array(sorted(nodes), dtype=np.int64)
    xy = np.array([nodes[ref] for ref in ids.tolist()], dtype=float).reshape(-1, 2) + np.array([X, Y])
    lonlat = np.column_stack(TO_LONLAT.transform(xy[:, 0], xy[:, 1]))
    made = {ref: Way(np.array(refs, dtype=np.int64), dict(tags)) for ref, (refs, tags) in sorted(ways.items())}
    return Elements(ids, lonlat, dict(sorted((node_tags or {}).items())), made, relations or {}, ())


def street_table(*args, **kwargs):
    extent = kwargs.pop("extent", area())
    streets = read_streets(town(*args, **kwargs), extent)
    STREETS.check(streets, crs=CRS_48)
    return streets


def one_way(tags, **kwargs):
    """The table of a single way of 100 m."""
    return street_table({1: (0, 0), 2: (100, 0)}, {7: ([1, 2], tags)}, **kwargs)


def joined(streets, a, b):
    """Whether one may walk from link a's start to link b's end."""
    graph = nx.DiGraph(list(zip(streets["from_node"], streets["to_node"], strict=True)))
    return nx.has_path(graph, streets["from_node"][a], streets["to_node"][b])


# ------------------------------------------------------------------------------------------------------ rules


@pytest.mark.parametrize(
    ("tags", "access"),
    [
        ({"highway": "footway"}, "open"),
        ({"highway": "trunk"}, "open"),
        ({"highway": "trunk", "foot": "no"}, None),
        ({"highway": "residential", "foot": "use_sidewalk"}, None),
        ({"highway": "motorway"}, None),
        ({"highway": "motorway_link", "foot": "designated"}, "open"),
        ({"highway": "primary", "motorroad": "yes"}, None),
        ({"highway": "primary", "motorroad": "yes", "foot": "yes"}, "open"),
        ({"highway": "service", "access": "private"}, "private"),
        ({"highway": "service", "access": "private", "foot": "permissive"}, "open"),
        ({"highway": "footway", "foot": "private", "access": "yes"}, "private"),
        ({"highway": "service", "access": "no"}, None),
        ({"highway": "service", "access": "no", "foot": "designated"}, "open"),
        ({"highway": "service", "access": "destination"}, "open"),
        ({"highway": "service", "service": "parking_aisle"}, "open"),
        ({"highway": "construction"}, None),
        ({"highway": "proposed"}, None),
        ({"highway": "footway", "disused": "yes"}, None),
        ({"highway": "cycleway"}, None),
        ({"highway": "cycleway", "foot": "designated"}, "open"),
        ({"railway": "platform"}, "open"),
        ({"public_transport": "platform"}, "open"),
        ({"highway": "bus_stop", "public_transport": "platform"}, None),
        ({"route": "ferry"}, None),
        ({"aerialway": "cable_car"}, "open"),
        ({"aerialway": "chair_lift"}, None),
        ({"railway": "rail"}, None),
        ({}, None),
    ],
)
def test_who_may_walk(tags, access):
    assert walkable(tags) == access


@pytest.mark.parametrize(
    ("tags", "kind"),
    [
        ({"highway": "elevator", "conveying": "yes"}, "lift"),
        ({"highway": "steps", "conveying": "reversible", "tunnel": "covered"}, "escalator"),
        ({"highway": "steps", "conveying": "no"}, "stairs"),
        ({"highway": "steps", "tunnel": "building_passage", "bridge": "yes", "indoor": "yes"}, "stairs"),
        ({"highway": "footway", "conveying": "forward"}, "escalator"),
        ({"highway": "footway", "footway": "crossing", "bridge": "yes"}, "crossing"),
        ({"highway": "path", "path": "crossing"}, "crossing"),
        ({"highway": "cycleway", "footway": "crossing", "foot": "yes"}, "crossing"),
        ({"highway": "residential", "cycleway": "crossing"}, "street"),
        ({"highway": "corridor", "tunnel": "yes"}, "corridor"),
        ({"highway": "footway", "indoor": "yes"}, "corridor"),
        ({"highway": "footway", "tunnel": "building_passage", "bridge": "yes"}, "tunnel"),
        ({"highway": "primary", "bridge": "viaduct"}, "bridge"),
        ({"highway": "primary", "bridge": "no", "tunnel": "no"}, "street"),
        ({"highway": "living_street"}, "street"),
        ({"highway": "service"}, "street"),
        ({"highway": "track"}, "path"),
        ({"highway": "pedestrian"}, "path"),
        ({"railway": "platform"}, "path"),
    ],
)
def test_kind_by_precedence(tags, kind):
    assert kind_of(tags) == kind
    assert one_way(tags)["kind"].tolist() == [kind, kind] if not direction_of(tags) else [kind]


@pytest.mark.parametrize(
    ("tags", "signs"),
    [
        ({"highway": "residential", "oneway": "yes"}, "><"),
        ({"highway": "pedestrian", "oneway": "yes"}, "><"),
        ({"highway": "footway", "oneway": "yes"}, ">"),
        ({"highway": "steps", "oneway": "-1"}, "<"),
        ({"highway": "path", "oneway": "yes", "bicycle": "designated"}, "><"),
        ({"highway": "path", "oneway": "yes", "bicycle": "no"}, ">"),
        ({"highway": "footway", "oneway": "yes", "oneway:foot": "no"}, "><"),
        ({"highway": "residential", "oneway:foot": "yes"}, ">"),
        ({"highway": "steps", "conveying": "forward"}, ">"),
        ({"highway": "steps", "conveying": "backward"}, "<"),
        ({"highway": "steps", "conveying": "yes"}, "><"),
        ({"highway": "steps", "conveying": "yes", "oneway": "yes"}, ">"),
        ({"highway": "steps", "conveying": "reversible", "oneway": "yes"}, "><"),
    ],
)
def test_direction_on_foot(tags, signs):
    assert one_way(tags).index.tolist() == [f"way/7#0{sign}" for sign in signs]


@pytest.mark.parametrize(
    ("tags", "rule"),
    [
        ({"barrier": "gate"}, "open"),
        ({"barrier": "gate", "access": "private"}, "private"),
        ({"barrier": "gate", "locked": "yes"}, "private"),
        ({"barrier": "gate", "access": "no"}, None),
        ({"barrier": "gate", "access": "no", "foot": "yes"}, "open"),
        ({"barrier": "lift_gate", "foot": "no"}, None),
        ({"barrier": "bollard", "access": "no"}, "open"),
        ({"barrier": "bollard", "foot": "no"}, None),
        ({"entrance": "yes", "access": "private"}, "open"),
    ],
)
def test_who_may_pass_a_gate(tags, rule):
    assert gate_of(tags) == rule


# ----------------------------------------------------------------------------------------------------- pieces


def test_links_run_between_junctions_in_both_directions():
    """1---2---3 with 2 a bend, and a path that leaves at 3."""
    nodes = {1: (0, 0), 2: (60, 80), 3: (160, 80), 4: (160, 180), 5: (260, 80)}
    streets = street_table(nodes, {20: ([1, 2, 3, 5], {"highway": "residential"}), 3: ([3, 4], FOOT)})
    assert streets.index.tolist() == ["way/3#0>", "way/3#0<", "way/20#0>", "way/20#0<", "way/20#1>", "way/20#1<"]
    assert streets["piece"].tolist() == ["way/3#0"] * 2 + ["way/20#0"] * 2 + ["way/20#1"] * 2
    assert streets[["from_node", "to_node"]].to_numpy().tolist() == [[3, 4], [4, 3], [1, 3], [3, 1], [3, 5], [5, 3]]
    np.testing.assert_allclose(streets["length_m"], [100, 100, 200, 200, 100, 100], atol=0.02)
    forward, back = streets.geometry["way/20#0>"], streets.geometry["way/20#0<"]
    assert forward.coords[0] == back.coords[-1]
    np.testing.assert_allclose(np.array(forward.coords)[:, :2] - [X, Y], [[0, 0], [60, 80], [160, 80]], atol=0.02)
    assert not streets["at_edge"].any()
    assert set(streets["access"]) == {"open"}


def test_ways_that_cross_without_a_shared_node_are_not_joined():
    nodes = {1: (-50, 0), 2: (50, 0), 3: (0, -50), 4: (0, 50)}
    streets = street_table(nodes, {1: ([1, 2], FOOT), 2: ([3, 4], {"highway": "primary", "bridge": "yes"})})
    assert len(streets) == 4
    assert not joined(streets, "way/1#0>", "way/2#0>")


def test_rings_make_no_loops():
    """A square alone, and a ring that touches one path: every link has two different ends."""
    nodes = {1: (0, 0), 2: (100, 0), 3: (100, 100), 4: (0, 100), 5: (-50, 0)}
    ring = {9: ([1, 2, 3, 4, 1], {"highway": "pedestrian", "area": "yes"})}
    for ways in (ring, ring | {8: ([5, 1], FOOT)}, ring | {8: ([5, 1, 5], FOOT)}):
        streets = street_table(nodes, ways)
        assert (streets["from_node"] != streets["to_node"]).all()
        assert streets[streets["osm_id"] == "way/9"]["length_m"].sum() == pytest.approx(800, abs=0.1)
    figure_eight = street_table(nodes, {9: ([1, 2, 3, 1, 4, 5, 1], FOOT)})
    assert (figure_eight["from_node"] != figure_eight["to_node"]).all()


def test_a_square_mapped_as_multipolygon_is_walked_along_its_outline():
    nodes = {1: (0, 0), 2: (100, 0), 3: (100, 100), 4: (0, 100), 5: (40, 40), 6: (60, 40), 7: (50, 60)}
    ways = {
        1: ([1, 2, 3], {}),
        2: ([3, 4, 1], {"barrier": "kerb"}),
        3: ([5, 6, 7, 5], {}),
        4: ([1, 3], {"building": "yes"}),
    }
    members = (("way", 1, "outer"), ("way", 2, "outer"), ("way", 3, "inner"), ("way", 4, "outer"), ("way", 99, "outer"))
    square = Relation(members, {"type": "multipolygon", "highway": "pedestrian", "name": "广场"})
    streets = street_table(nodes, ways, {5: square})
    assert sorted(set(streets["osm_id"])) == ["way/1", "way/2"]
    assert set(streets["name"]) == {"广场"}


def test_nodes_that_are_not_in_the_data_split_a_way_and_mark_its_edge():
    nodes = {1: (0, 0), 2: (100, 0), 4: (300, 0), 5: (400, 0), 7: (600, 0)}
    streets = street_table(nodes, {1: ([1, 2, 3, 4, 5, 6, 7, 8], FOOT), 2: ([2, 5], FOOT)})
    assert streets[streets["osm_id"] == "way/1"].index.tolist() == ["way/1#0>", "way/1#0<", "way/1#1>", "way/1#1<"]
    ends = streets.set_index(["from_node", "to_node"])["at_edge"].to_dict()
    assert ends == {(1, 2): True, (2, 1): False, (4, 5): True, (5, 4): True, (2, 5): True, (5, 2): True}


def test_clip_keeps_links_with_one_end_inside():
    nodes = {1: (0, 0), 2: (80, 0), 3: (180, 0), 4: (400, 0), 5: (-50, 50), 6: (150, 50)}
    ways = {
        1: ([1, 2, 3, 4], FOOT),
        2: ([2, 2], FOOT),
        3: ([5, 6], FOOT),
        4: ([3], FOOT),
        5: ([2, 1], FOOT),
        6: ([4, 3], FOOT),
    }
    streets = street_table(nodes, ways, extent=area(-10, -10, 100, 100))
    assert streets.index.tolist() == ["way/1#0>", "way/1#0<", "way/1#1>", "way/1#1<", "way/5#0>", "way/5#0<"]
    assert streets["at_edge"].tolist() == [False, False, True, False, False, False]


def test_an_area_without_streets_is_an_error():
    with pytest.raises(DataError, match="no way that one may walk lies in town"):
        one_way(FOOT, extent=area(500, 500, 600, 600))
    with pytest.raises(DataError, match="no way that one may walk"):
        one_way({"building": "yes"})
    with pytest.raises(DataError, match="no way that one may walk"):
        street_table({}, {})


def test_tags_are_kept_as_written():
    text = """highway=steps name=十八梯 foot=yes incline=up step_count=10 handrail=both ramp=yes ramp:stroller=yes
        wheelchair=no level=0;1 layer=1 bridge=no sidewalk=no covered=yes indoor=no tunnel=no crossing=x conveying=no
        step:height=0.15 opening_hours=06:00-22:00 charge=2"""
    tags = dict(pair.split("=") for pair in text.split())
    row = one_way(tags).loc["way/7#0>"]
    kept = ("name", "foot", "incline", "handrail", "wheelchair", "level", "layer", "bridge", "sidewalk", "covered")
    assert {key: row[key] for key in kept} == {key: tags[key] for key in kept}
    assert (row["step_height"], row["hours"], row["fee"], row["ramp"]) == (
        "0.15",
        "06:00-22:00",
        "2",
        "yes; stroller=yes",
    )
    assert pd.isna(row["crossing"])
    assert pd.isna(one_way(FOOT)["name"]).all()


# ----------------------------------------------------------------------------------------------- rise and steps


def test_steps_and_climb_are_shared_out_by_length():
    """A flight of 100 steps up, 40 m long, that another path leaves after 10 m."""
    nodes = {1: (0, 0), 2: (10, 0), 3: (40, 0), 4: (10, 50)}
    tags = {"highway": "steps", "step_count": "100", "incline": "up"}
    streets = street_table(nodes, {1: ([1, 2, 3], tags), 2: ([2, 4], FOOT)})
    flight = streets[streets["osm_id"] == "way/1"]
    np.testing.assert_allclose(flight["steps"], [25, 25, 75, 75], rtol=1e-3)
    np.testing.assert_allclose(flight["rise_m"], [3.875, -3.875, 11.625, -11.625], rtol=1e-3)
    assert flight["steps"].sum() == pytest.approx(200, abs=1e-9)
    assert set(flight["evidence"]) == {"tag"}
    assert set(streets[streets["osm_id"] == "way/2"]["evidence"]) == {"default"}


@pytest.mark.parametrize(
    ("tags", "kind", "climb", "slope"),
    [
        ({"step_count": "100"}, "stairs", 15.5, None),
        ({"step_count": "100", "incline": "down"}, "stairs", -15.5, None),
        ({"step_count": "10", "step:height": "0.15"}, "stairs", 1.5, None),
        ({"step_count": "10", "step:height": "16 cm"}, "escalator", 1.6, None),
        ({"step_count": "10", "step:height": "15"}, "stairs", 1.55, None),
        ({"step_count": "many"}, "stairs", None, None),
        ({"step_count": "10"}, "path", None, None),
        ({"incline": "8%"}, "path", None, 0.08),
        ({"incline": "-12.5 %"}, "street", None, -0.125),
        ({"incline": "45°"}, "path", None, 1.0),
        ({"incline": "800%"}, "path", None, None),
        ({"incline": "up"}, "path", None, None),
        ({"incline": "10"}, "path", None, None),
        ({"incline": "0"}, "path", None, 0.0),
        ({"level": "-2;1"}, "lift", 9.0, None),
        ({"level": "0;1;2"}, "lift", None, None),
        ({"level": "0-3"}, "lift", 9.0, None),
    ],
)
def test_what_tags_say_about_the_climb(tags, kind, climb, slope):
    found = climb_of(tags, kind)[:2]
    assert found == pytest.approx((np.nan if climb is None else climb, np.nan if slope is None else slope), nan_ok=True)


# ------------------------------------------------------------------------------------------------------- lifts


def lift_town(tags=(FOOT, FOOT), node=None):
    """Two ways that end at a lift: 1---2(lift)---3."""
    nodes = {1: (0, 0), 2: (100, 0), 3: (200, 0)}
    ways = {10: ([1, 2], tags[0]), 11: ([2, 3], tags[1])}
    return street_table(nodes, ways, node_tags={2: {"highway": "elevator"} | (node or {})})


def test_a_lift_node_parts_its_ways_and_joins_them_by_a_shaft():
    streets = lift_town(node={"name": "凯旋路电梯", "fee": "yes", "opening_hours": "06:00-22:00", "wheelchair": "yes"})
    assert streets["kind"].tolist() == ["path"] * 4 + ["lift"] * 2
    assert streets["from_node"].tolist() == [1, -1, -2, 3, -1, -2]
    assert streets["to_node"].tolist() == [-1, 1, 3, -2, -2, -1]
    shaft = streets.loc["node/2#0>"]
    assert shaft["osm_id"] == "node/2"
    assert (shaft["name"], shaft["fee"], shaft["hours"], shaft["wheelchair"]) == (
        "凯旋路电梯",
        "yes",
        "06:00-22:00",
        "yes",
    )
    assert shaft["length_m"] == shaft.geometry.length == 0
    assert shaft.geometry.coords[0] == streets.geometry["way/10#0>"].coords[-1]
    assert shaft["evidence"] == "default"
    assert joined(streets, "way/10#0>", "way/11#0>")
    assert not joined(streets.drop(["node/2#0>", "node/2#0<"]), "way/10#0>", "way/11#0>")


def test_levels_give_a_lift_its_height():
    streets = lift_town(({**FOOT, "level": "5"}, {**FOOT, "level": "-1"}))
    assert streets.loc["node/2#0>", ["rise_m", "evidence", "level"]].tolist() == [18.0, "tag", "-1;5"]
    assert streets.loc["node/2#0<", "rise_m"] == -18.0
    assert streets.loc["node/2#0>", "to_node"] == streets.loc["way/10#0>", "to_node"]  # up to level 5


def test_ways_of_one_floor_share_a_landing():
    nodes = {1: (0, 0), 2: (100, 0), 3: (200, 0), 4: (100, 90), 5: (100, -90)}
    ways = {
        10: ([1, 2, 3], FOOT),  # passes the lift on the ground
        11: ([2, 4], {**FOOT, "bridge": "yes", "layer": "2"}),
        12: ([5, 2], FOOT),
    }
    streets = street_table(nodes, ways, node_tags={2: {"highway": "elevator"}})
    assert (streets["kind"] == "lift").sum() == 2
    ground = streets.loc["way/10#0>", "to_node"]
    assert ground == streets.loc["way/10#1>", "from_node"] == streets.loc["way/12#0>", "to_node"]
    assert streets.loc["node/2#0>", ["from_node", "to_node"]].tolist() == [
        ground,
        streets.loc["way/11#0>", "from_node"],
    ]


def test_a_way_that_only_passes_a_lift_is_not_parted():
    nodes = {1: (0, 0), 2: (100, 0), 3: (200, 0)}
    streets = street_table(nodes, {10: ([1, 2, 3], FOOT)}, node_tags={2: {"highway": "elevator"}})
    assert streets.index.tolist() == ["way/10#0>", "way/10#0<"]
    lone = street_table(nodes, {10: ([1, 2], FOOT)}, node_tags={2: {"highway": "elevator"}})
    assert lone["to_node"].tolist() == [2, 1]


def test_a_lift_of_three_floors_has_three_shafts():
    nodes = {1: (0, 0), 2: (100, 0), 3: (200, 0), 4: (100, 90)}
    ways = {9 + n: ([n, 2], {**FOOT, "level": level}) for n, level in ((1, "0"), (3, "2"), (4, "7"))}
    lifts = street_table(nodes, ways, node_tags={2: {"highway": "elevator"}}).query("kind == 'lift'")
    assert lifts["rise_m"].tolist() == [6, -6, 21, -21, 15, -15]
    assert lifts.index.tolist() == [f"node/2#{n}{sign}" for n in range(3) for sign in "><"]


def test_lifts_that_are_shut_or_private():
    assert "lift" not in set(lift_town(node={"access": "no"})["kind"])
    private = lift_town(node={"access": "private"})
    assert private[private["kind"] == "lift"]["access"].tolist() == ["private"] * 2


def test_a_lift_mapped_as_way_is_a_lift():
    lift = one_way({"highway": "elevator", "level": "0;4"})
    assert lift["kind"].tolist() == ["lift", "lift"]
    assert lift["rise_m"].tolist() == [12.0, -12.0]
    assert lift["from_node"].tolist() == [1, 2]


def test_landings_are_below_every_id_in_the_data():
    nodes = {-7: (0, 0), -3: (100, 0), 3: (200, 0)}
    streets = street_table(nodes, {1: ([-7, -3], FOOT), 2: ([-3, 3], FOOT)}, node_tags={-3: {"highway": "elevator"}})
    assert sorted({*streets["from_node"]}) == [-9, -8, -7, 3]


# ------------------------------------------------------------------------------------------------------- gates


def gate_town(gate, extra=None, nodes=None):
    """A long street 1-2-3 and a yard behind a gate in the middle of the way 2-4-5-6."""
    placed = {1: (-300, 0), 2: (0, 0), 3: (300, 0), 4: (0, 20), 5: (0, 40), 6: (50, 40), 7: (60, 40)}
    ways = {1: ([1, 2, 3], {"highway": "residential"}), 2: ([2, 4, 5], FOOT), 3: ([5, 6], FOOT)} | (extra or {})
    return street_table(placed | (nodes or {}), ways, node_tags={4: {"barrier": "gate"} | gate})


def test_an_ordinary_gate_passes():
    streets = gate_town({})
    assert joined(streets, "way/1#0>", "way/3#0>")
    assert (streets["from_node"] > 0).all()
    assert set(streets["access"]) == {"open"}


def test_a_shut_gate_cuts_the_way():
    streets = gate_town({"access": "no"})
    assert not joined(streets, "way/1#0>", "way/3#0>")
    assert streets.loc["way/2#0>", "to_node"] == -1
    assert streets.loc["way/2#1>", "from_node"] == -2
    assert set(streets["access"]) == {"open"}


def test_a_gate_with_hours_is_a_link_that_carries_them():
    streets = gate_town({"barrier": "gate", "opening_hours": "09:00-18:00"})
    gate = streets[streets["osm_id"] == "node/4"]
    assert gate[["kind", "hours", "length_m"]].to_numpy().tolist() == [["path", "09:00-18:00", 0.0]] * 2
    assert joined(streets, "way/1#0>", "way/3#0>")
    assert not joined(streets.drop(gate.index), "way/1#0>", "way/3#0>")
    cars = gate_town({"barrier": "lift_gate", "fee": "yes"})  # what cars pay does not mind walkers
    assert joined(cars, "way/1#0>", "way/3#0>")
    assert "node/4" not in set(cars["osm_id"])


def test_a_cable_car_is_a_link_only_where_its_way_meets_the_streets():
    nodes = {1: (0, 0), 2: (100, 0), 3: (900, 500), 4: (990, 500)}
    ways = {1: ([1, 2], FOOT), 2: ([3, 4], FOOT), 3: ([2, 3], {"aerialway": "cable_car", "fee": "yes"})}
    streets = street_table(nodes, ways)
    car = streets[streets["kind"] == "cable_car"]
    assert car[["from_node", "to_node", "fee"]].to_numpy().tolist() == [[2, 3, "yes"], [3, 2, "yes"]]
    assert joined(streets, "way/1#0>", "way/2#0>")
    lone = ways | {3: ([2, 5], {"aerialway": "gondola"})}
    with pytest.warns(Circle15Warning, match=r"1 cable cars share no node with the streets and are left out.*way/3"):
        streets = street_table(nodes | {5: (900, 600)}, lone)
    assert set(streets["osm_id"]) == {"way/1", "way/2"}


def test_ground_behind_a_private_gate_is_private_but_not_walled_in():
    streets = gate_town({"access": "private"})
    assert streets[streets["access"] == "private"].index.tolist() == ["way/2#1>", "way/2#1<", "way/3#0>", "way/3#0<"]
    assert joined(streets, "way/3#0<", "way/1#0<")


def test_a_private_gate_stays_cut_where_there_is_another_way_round():
    streets = gate_town({"access": "private"}, {4: ([6, 3], FOOT)})
    assert set(streets["access"]) == {"open"}
    assert streets.loc["way/2#0>", "to_node"] != streets.loc["way/2#1>", "from_node"]


def test_a_private_gate_stays_cut_where_another_way_out_may_lie_beyond_the_data():
    streets = gate_town({"access": "private"}, {4: ([6, 7, 999], FOOT)})
    assert set(streets["access"]) == {"open"}
    assert not joined(streets, "way/1#0>", "way/3#0>")


# --------------------------------------------------------------------------------------------------- crossings


def crossing_town(way=None, node=None):
    """A street from west to east; a crossing from south (10 m) to north (6 m) over it."""
    nodes = {1: (-100, 0), 2: (0, 0), 3: (100, 0), 4: (0, -10), 5: (0, 6)}
    ways = {1: ([1, 2, 3], {"highway": "primary"}), 2: ([4, 2, 5], {**FOOT, "footway": "crossing", **(way or {})})}
    return street_table(nodes, ways, node_tags={2: {"highway": "crossing", **(node or {})}})


@pytest.mark.parametrize(
    ("way", "node", "crossing"),
    [
        ({}, {}, "unmarked"),
        ({"crossing": "uncontrolled"}, {}, "uncontrolled"),
        ({}, {"crossing": "traffic_signals"}, "traffic_signals"),
        ({"crossing": "marked"}, {"crossing": "traffic_signals"}, "traffic_signals"),
        ({"crossing:signals": "yes"}, {"crossing": "marked"}, "traffic_signals"),
        ({"crossing": "zebra"}, {"crossing": "island"}, "zebra"),
    ],
)
def test_a_crossing_is_paid_once_and_only_by_those_who_cross(way, node, crossing):
    streets = crossing_town(way, node)
    assert streets["kind"].to_dict() == {
        **dict.fromkeys(["way/1#0>", "way/1#0<", "way/1#1>", "way/1#1<"], "street"),
        **dict.fromkeys(["way/2#0>", "way/2#0<"], "crossing"),
        **dict.fromkeys(["way/2#1>", "way/2#1<"], "path"),
    }
    assert streets["crossing"].dropna().to_dict() == {"way/2#0>": crossing, "way/2#0<": crossing}


# -------------------------------------------------------------------------------------------------- properties


@st.composite
def towns(draw):
    count = draw(st.integers(2, 9))
    place = st.tuples(st.integers(-200, 200), st.integers(-200, 200))
    nodes = {n: draw(place) for n in range(1, count + 1)}
    tags = st.sampled_from(
        [
            FOOT,
            {"highway": "steps", "step_count": "40", "incline": "up"},
            {"highway": "steps", "conveying": "forward"},
            {**FOOT, "footway": "crossing"},
            {"highway": "residential", "level": "1"},
            {"highway": "pedestrian", "area": "yes", "access": "private"},
            {"building": "yes"},
        ]
    )
    refs = st.lists(st.integers(1, count + 2), min_size=1, max_size=7)  # some nodes are not in the data
    ways = {n: (draw(refs), draw(tags)) for n in range(1, draw(st.integers(1, 6)) + 1)}
    special = st.sampled_from(
        [{"highway": "elevator"}, {"barrier": "gate", "access": "no"}, {"barrier": "gate", "access": "private"}]
    )
    return nodes, ways, draw(st.dictionaries(st.integers(1, count), special, max_size=3))


@settings(max_examples=60, deadline=None)
@given(towns())
def test_any_town_keeps_the_contract(made):
    nodes, ways, node_tags = made
    elements = town(nodes, ways, node_tags=node_tags)
    try:
        streets = read_streets(elements, area())
    except DataError:
        return
    STREETS.check(streets, crs=CRS_48)
    assert (streets["from_node"] != streets["to_node"]).all()
    assert streets.groupby("piece").size().max() <= 2
    both = streets.groupby("piece").filter(lambda rows: len(rows) == 2)
    ahead, back = both.iloc[::2], both.iloc[1::2]
    np.testing.assert_array_equal(ahead["from_node"], back["to_node"])
    np.testing.assert_allclose(ahead["rise_m"], -back["rise_m"])
    assert (ahead.geometry.reverse().to_wkb().to_numpy() == back.geometry.to_wkb().to_numpy()).all()
    np.testing.assert_allclose(streets.geometry.length, streets["length_m"])
    ends = pd.concat([streets["from_node"], streets["to_node"]])
    spots = np.concatenate([streets.geometry.get_coordinates().groupby(level=0, sort=False).nth(at) for at in (0, -1)])
    assert pd.DataFrame(spots).groupby(ends.to_numpy()).nunique().to_numpy().max() == 1  # one node, one place
    for ref, (_, tags) in ways.items():
        steps = streets[(streets["osm_id"] == f"way/{ref}") & streets.index.str.endswith(">")]["steps"]
        assert steps.isna().all() or steps.sum() == pytest.approx(float(tags["step_count"]))


@settings(max_examples=30, deadline=None)
@given(towns(), st.randoms(use_true_random=False))
def test_the_order_of_elements_changes_nothing(made, chance):
    nodes, ways, node_tags = made
    elements = town(nodes, ways, node_tags=node_tags)
    mixed = list(elements.ways.items())
    chance.shuffle(mixed)
    turned = dict(reversed(elements.node_tags.items()))
    try:
        streets = read_streets(elements, area())
    except DataError:
        return
    again = read_streets(replace(elements, ways=dict(mixed), node_tags=turned), area())
    pd.testing.assert_frame_equal(streets, again)


# --------------------------------------------------------------------------------------------------- real data


def real_area(real_data, margin_m=500.0):
    boundary = gpd.read_file(real_data / "yuzhong" / "boundary.geojson").to_crs(CRS_48).geometry[0]
    return StudyArea("渝中区", boundary, CRS_48, margin_m)


@pytest.fixture(scope="module")
def yuzhong(real_data):
    return read_streets(real_data / "yuzhong" / "yuzhong.osm.pbf", real_area(real_data))


def bounded(west, south, east, north, epsg):
    polygon = gpd.GeoSeries([box(west, south, east, north)], crs=4326).to_crs(epsg)[0]
    return StudyArea("bounds", polygon, CRS.from_epsg(epsg))


def share_of_largest(streets):
    pieces = streets[~streets["piece"].duplicated()]
    graph = nx.Graph(list(zip(pieces["from_node"], pieces["to_node"], strict=True)))
    part = {node: number for number, nodes in enumerate(nx.connected_components(graph)) for node in nodes}
    length = pieces["length_m"].groupby(pieces["from_node"].map(part)).sum()
    return length.max() / length.sum()


@pytest.mark.real
def test_raw_reply_and_pbf_give_the_same_links_inside_the_district(real_data, yuzhong):
    district = real_area(real_data, 0.0).boundary
    raw = read_streets(real_data / "yuzhong" / "overpass_walk.json", real_area(real_data))
    ours, other = (table[table.intersects(district)] for table in (yuzhong, raw))
    assert len(ours) > 8_700
    assert ours.index.equals(other.index)
    pd.testing.assert_frame_equal(
        pd.DataFrame(ours.drop(columns="geometry")), pd.DataFrame(other.drop(columns="geometry"))
    )
    assert (ours.geometry.to_wkb() == other.geometry.to_wkb()).all()


@pytest.mark.real
def test_yuzhong_has_its_stairs_escalators_and_lifts(yuzhong):
    pieces = yuzhong[~yuzhong["piece"].duplicated()]
    km = pieces["length_m"].groupby(pieces["kind"]).sum() / 1000
    assert set(pieces["kind"]) == set(LINK_KINDS) - {"cable_car"}  # its line is not in the extract
    assert 13 < km["stairs"] < 14.5
    assert pieces[pieces["kind"] == "escalator"]["osm_id"].nunique() == 6
    assert pieces[pieces["kind"] == "lift"]["osm_id"].nunique() == 6  # of 13 lift nodes; one way arrives at the others
    assert share_of_largest(yuzhong) > 0.96
    crown = yuzhong[yuzhong["osm_id"] == "way/421605016"]
    assert set(crown["kind"]) == {"escalator"}
    assert len(crown) == 2  # reversible: both ways
    assert set(crown["name"]) == {"皇冠大扶梯"}


@pytest.mark.real
def test_the_kaixuan_road_lift_joins_its_two_ways(yuzhong):
    lift = yuzhong[yuzhong["osm_id"] == "node/6874999324"]
    assert lift[["kind", "name", "fee"]].drop_duplicates().to_numpy().tolist() == [["lift", "凯旋路电梯", "yes"]]
    landings = {int(node) for node in lift["from_node"]}
    assert len(landings) == 2
    arriving = yuzhong[yuzhong["to_node"].isin(landings) & (yuzhong["kind"] != "lift")]
    assert sorted(arriving["osm_id"]) == ["way/734109008", "way/837383912"]
    assert arriving["to_node"].nunique() == 2


@pytest.mark.real
@pytest.mark.parametrize(
    ("file", "place", "lifts"),
    [
        ("monaco/monaco.osm.pbf", bounded(7.409205, 43.72335, 7.448637, 43.75169, 32632), 29),
        ("helsinki/Helsinki.osm.pbf", bounded(24.9351762, 60.164155, 24.9534145, 60.179113, 32635), 12),
    ],
)
def test_other_cities_build_too(real_data, file, place, lifts):
    elements = read_osm(real_data / file)
    streets = read_streets(elements, place)
    STREETS.check(streets, crs=place.crs)
    assert share_of_largest(streets) > 0.97
    assert streets[streets["kind"] == "lift"]["osm_id"].nunique() == lifts
    assert streets["at_edge"].any()
    forward = {f"way/{ref}" for ref, way in elements.ways.items() if way.tags.get("conveying") == "forward"}
    moving = streets[streets["osm_id"].isin(forward)]
    assert moving.index.str.endswith(">").all()


# ------------------------------------------------------------------------------------------------------ wordings


class Watched(dict):
    """Tags that remember which of their keys were asked for."""

    def __init__(self, tags):
        super().__init__(tags)
        self.asked = set()

    def get(self, key, default=None):
        self.asked.add(key)
        return super().get(key, default)

    def __getitem__(self, key):
        self.asked.add(key)
        return super().__getitem__(key)

    def __contains__(self, key):
        self.asked.add(key)
        return super().__contains__(key)


WORDS = st.sampled_from(
    [
        *("yes", "no", "steps", "footway", "elevator", "motorway", "platform", "gondola", "crossing", "private"),
        *("forward", "residential", "1;2", "12 %", "up", "down", "0.17", "reversible", "permissive", "-1", "20 cm", ""),
    ]
)


@given(st.dictionaries(st.sampled_from(sorted(READ)), WORDS))
def test_rules_of_ways_read_no_other_keys(tags):
    watched = Watched(tags)
    for rule in (walkable, kind_of, direction_of, ramp_of):
        rule(watched)
    for kind in LINK_KINDS:
        climb_of(watched, kind)
    assert watched.asked <= READ


@given(st.lists(st.dictionaries(st.sampled_from([*sorted(READ), "name", "surface"]), WORDS), max_size=6))
def test_a_wording_means_what_its_tags_mean(ways):
    wordings = Wordings()
    for tags in [*ways, *ways]:
        rules = wordings.of_way(tags)
        assert (None if rules is None else rules.access) == walkable(tags)
        if rules is not None:
            assert (rules.kind, rules.direction) == (kind_of(tags), direction_of(tags))
            assert wordings.rules[rules.number] is rules
    assert len(wordings.rules) <= len(ways)
