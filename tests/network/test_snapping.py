"""Where points are put on streets."""

import city
import geopandas as gpd
import numpy as np
import pytest
import shapely

import toytown
from circle15.network import WalkNetwork, snapping

WALKER = toytown.walker(off_road_max_m=100.0)


def place(table, *points, **columns):
    """The placement table of some points, numbered."""
    frame = gpd.GeoDataFrame(columns, geometry=list(points), crs=toytown.CRS, index=range(len(points)))
    return WalkNetwork(table).place(frame, WALKER).table


def parallel(*links, heights=None):
    """Links of 800 m from west to east, one above the other: (y, kind, access)."""
    nodes = np.array([(toytown.EAST + 800 * (i % 2), toytown.NORTH + links[i // 2][0]) for i in range(2 * len(links))])
    drawn = [(2 * i, 2 * i + 1, kind, access == "private", True) for i, (_, kind, access) in enumerate(links)]
    table = city.streets(nodes, drawn)
    straight = [
        shapely.LineString(nodes[[tail, head]]) for tail, head in zip(table["from_node"], table["to_node"], strict=True)
    ]
    table = table.set_geometry(gpd.GeoSeries(straight, index=table.index, crs=toytown.CRS))
    if heights is not None:
        known = np.array(heights, dtype=float)[table["from_node"].to_numpy() // 2]
        table = table.set_geometry(shapely.force_3d(table.geometry.to_numpy(), z=known), crs=toytown.CRS)
    return table


def test_points_are_put_between_nodes_and_the_leg_is_measured():
    found = place(toytown.streets(), toytown.at(100, -30))
    assert found.loc[0, "link"].startswith("way/1#1")
    assert found.loc[0, "off_road_m"] == pytest.approx(30.0)
    assert found.loc[0, "off_road_s"] == pytest.approx(30.0)


def test_beyond_the_longest_leg_nothing_is_near():
    found = place(toytown.streets(), toytown.at(640, 100.0), toytown.at(640, 100.1))
    assert found["how"].tolist() == ["main", "far"]
    assert found.loc[1, ["link", "off_road_m", "off_road_s"]].isna().all()


@pytest.mark.parametrize("kind", ["lift", "escalator", "tunnel", "bridge"])
def test_never_on_what_has_no_door(kind):
    table = parallel((0, kind, "open"), (60, "street", "open"))
    assert place(table, toytown.at(400, 10)).loc[0, "link"].startswith("way/1")


@pytest.mark.parametrize("kind", ["stairs", "crossing", "corridor", "path"])
def test_on_everything_else(kind):
    table = parallel((0, kind, "open"), (60, "street", "open"))
    assert place(table, toytown.at(400, 10)).loc[0, "link"].startswith("way/0")


def test_not_where_the_walker_may_not_go():
    table = parallel((0, "stairs", "open"), (60, "street", "open"))
    frame = gpd.GeoDataFrame(geometry=[toytown.at(400, 10)], crs=toytown.CRS)
    rolling = toytown.walker(forbidden=frozenset({"stairs"}))
    assert WalkNetwork(table).place(frame, rolling).table.loc[0, "link"].startswith("way/1")


def test_a_scrap_is_used_only_where_nothing_else_is_near():
    table = parallel((0, "street", "open"), (90, "path", "open"))
    table.loc[table["osm_id"] == "way/1", "length_m"] = 499.0
    found = place(table, toytown.at(400, 80), toytown.at(400, 120))
    assert found["how"].tolist() == ["main", "island"]
    table.loc[table["osm_id"] == "way/1", "length_m"] = 501.0
    assert place(table, toytown.at(400, 80))["how"].tolist() == ["island"]


def test_of_equal_ones_the_open_one():
    table = parallel((0, "street", "private"), (20, "street", "open"))
    assert place(table, toytown.at(400, 10)).loc[0, "link"].startswith("way/1")
    table = parallel((0, "street", "open"), (20, "street", "private"))
    assert place(table, toytown.at(400, 10)).loc[0, "link"].startswith("way/0")


def test_a_terrace_above_is_not_the_next_street():
    table = parallel((0, "street", "open"), (40, "street", "open"), heights=[200.0, 230.0])
    points = [toytown.at(400, 25)] * 3
    found = place(table, *points, height_m=[200.0, 230.0, np.nan])
    # 25 m off the lower street against 15 m + 2 x 30 m; without a height the nearer one.
    assert [link[:5] for link in found["link"]] == ["way/0", "way/1", "way/1"]
    assert found["off_road_m"].tolist() == pytest.approx([25.0, 15.0, 15.0])


def test_streets_of_unknown_height_are_judged_by_distance():
    table = parallel((0, "street", "open"), (40, "street", "open"))
    assert place(table, toytown.at(400, 25), height_m=[200.0]).loc[0, "link"].startswith("way/1")


def test_of_several_entrances_those_out_of_reach_are_ignored():
    gates = shapely.MultiPoint([toytown.at(5000, 0), toytown.at(400, 70), toytown.at(100, -20)])
    found = place(toytown.streets(), gates, shapely.MultiPoint([toytown.at(5000, 0)]))
    assert found["how"].tolist() == ["main", "far"]
    assert found.loc[0, "off_road_m"] == pytest.approx(10.0)


def test_an_entrance_on_the_main_part_is_named_before_one_on_an_island():
    gates = shapely.MultiPoint([toytown.at(100, -400), toytown.at(100, -20)])
    assert place(toytown.streets(), gates).loc[0, "link"].startswith("way/1")


def test_index_is_kept():
    homes = toytown.origins()
    found = WalkNetwork(toytown.streets()).place(homes, WALKER)
    assert found.table.index.equals(homes.index)


def test_what_is_asked_of_all_streets_is_asked_once():
    network = WalkNetwork(toytown.streets())
    layout = network._layout
    network.place(toytown.origins(), "adult")
    looks = dict(layout.looks)
    assert looks
    network.place(toytown.facilities(), "adult")
    assert all(layout.looks[which] is look for which, look in looks.items())
    for walker in ("adult", "wheelchair", "child", "planner"):
        network.place(toytown.facilities().set_geometry(toytown.facilities().translate(900, 900)), walker)
    assert len(layout.looks) <= snapping._LOOKS
