"""Places: what counts, what counts once, where one enters, and what lies on the ground."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from pyproj import CRS, Transformer
from shapely import LineString, MultiPoint, Point, box

from circle15.errors import SourceError
from circle15.project import Standard
from circle15.sources import places as room
from circle15.sources.osm import Elements, Relation, Way, read_osm
from circle15.sources.places import (
    alike,
    place_entrances,
    read_boundaries,
    read_boundary,
    read_buildings,
    read_facilities,
    read_ground,
)
from circle15.tables import BUILDINGS, FACILITIES, GROUND, UNITS, StudyArea

UTM = CRS("EPSG:32648")
X0, Y0 = 650_000.0, 3_270_000.0  # a corner in Chongqing; the towns below are drawn in metres from here
STANDARD = Standard.load("yuzhong-15min")
AREA = StudyArea("Square", box(X0, Y0, X0 + 2000, Y0 + 2000), UTM, margin_m=100)


class Drawing:
    """A small map drawn in metres; `elements` is what a reader of OSM would have returned."""

    def __init__(self):
        self.places, self.tags, self.ways, self.relations = [], {}, {}, {}

    def node(self, x, y, **tags):
        self.places.append((x, y))
        if tags:
            self.tags[len(self.places)] = plain(tags)
        return len(self.places)

    def way(self, *nodes, **tags):
        number = 1000 + len(self.ways)
        self.ways[number] = Way(np.array(nodes, dtype=np.int64), plain(tags))
        return number

    def box(self, left, bottom, right, top, **tags):
        corners = [self.node(*at) for at in ((left, bottom), (right, bottom), (right, top), (left, top))]
        return self.way(*corners, corners[0], **tags)

    def relation(self, members, **tags):
        number = 5000 + len(self.relations)
        self.relations[number] = Relation(tuple(members), plain(tags))
        return number

    @property
    def elements(self):
        back = Transformer.from_crs(UTM, "EPSG:4326", always_xy=True)
        xy = np.array(self.places, dtype=float).reshape(-1, 2) + np.array([X0, Y0])
        lonlat = np.column_stack(back.transform(xy[:, 0], xy[:, 1]))
        ids = np.arange(1, len(self.places) + 1, dtype=np.int64)
        return Elements(ids, lonlat, self.tags, self.ways, self.relations, ())


def plain(tags):
    return {key.replace("__", ":"): value for key, value in tags.items()}


def paths(*lines, kinds=None):
    """A streets table with as much as entrances need: one row per direction."""
    shapes = [LineString(np.array(line, dtype=float)) for line in lines for _ in "><"]
    pieces = [f"piece {row}" for row in range(len(lines)) for _ in "><"]
    kind = np.repeat(kinds or ["path"] * len(lines), 2)
    return gpd.GeoDataFrame({"piece": pieces, "kind": kind}, geometry=shapes, crs=UTM)


def places(drawing, streets=None, service=None):
    found = read_facilities(drawing.elements, AREA, standard=STANDARD, streets=streets)
    FACILITIES.check(found, crs=UTM)
    return found if service is None else found[found["service"] == service]


def metres(entrances):
    return sorted((round(x - X0), round(y - Y0)) for x, y in shapely.get_coordinates(entrances))


# ---------------------------------------------------------------------------------------------------- what counts


def test_a_place_has_one_row_for_each_service():
    town = Drawing()
    park = town.box(0, 0, 300, 200, leisure="park", name="人民公园")
    found = places(town)
    assert found["service"].tolist() == ["park_large", "park_medium", "park_small"]
    assert found["place"].unique().tolist() == [f"way/{park}"]
    assert found.index.tolist() == [f"way/{park}/{one}" for one in found["service"]]
    assert found["floor_area_m2"].to_numpy() == pytest.approx(60_000, rel=1e-3)
    assert not found["verified"].any()
    assert found["source"].eq("OpenStreetMap").all()


@pytest.mark.parametrize(
    ("tags", "services"),
    [
        ({"amenity": "hospital", "name": "重庆医科大学附属第一医院"}, {"hospital"}),
        ({"amenity": "hospital", "name": "大坪街道社区卫生服务中心"}, {"health_centre", "health_station"}),
        ({"amenity": "clinic", "name": "上清寺社区卫生服务站"}, {"health_station"}),
        ({"amenity": "clinic", "name": "美莱口腔"}, set()),
        ({"amenity": "school", "name": "人和街小学"}, {"primary"}),
        ({"amenity": "school", "name": "重庆市第二十九中学"}, {"junior"}),
        ({"amenity": "school", "name": "某某九年制学校"}, {"primary", "junior"}),
        ({"amenity": "school", "name": "巴蜀学校"}, {"primary"}),
        ({"amenity": "school"}, {"primary"}),
        ({"amenity": "school", "isced:level": "2;3"}, {"junior"}),
        ({"amenity": "school", "name": "Lycée Albert-1er"}, set()),
        ({"amenity": "school", "name": "重庆市某职业学校"}, set()),
        ({"amenity": "school", "name": "渝中区老年大学"}, {"elder_college"}),
        ({"amenity": "kindergarten"}, {"kindergarten"}),
        ({"amenity": "kindergarten", "name": "阳光托育中心"}, {"nursery"}),
        ({"amenity": "restaurant", "name": "石油路社区食堂"}, {"canteen", "meal_point"}),
        ({"amenity": "restaurant", "name": "老四川"}, set()),
        ({"amenity": "community_centre", "name": "大坪街道养老服务中心"}, {"elder_centre", "elder_station"}),
        ({"amenity": "social_facility", "name": "双钢路社区养老服务站"}, {"elder_station"}),
        ({"amenity": "townhall", "name": "七星岗街道办事处"}, {"street_office"}),
        ({"amenity": "townhall", "name": "人民大礼堂"}, set()),
        ({"amenity": "community_centre", "name": "凯旋路社区居委会"}, {"service_station"}),
        ({"amenity": "community_centre", "name": "渝中怡家·石油路"}, {"service_complex", "service_station"}),
        ({"amenity": "toilets", "access": "customers"}, set()),
        ({"amenity": "toilets"}, {"toilet"}),
        ({"leisure": "playground", "access": "private"}, set()),
        ({"shop": "supermarket", "name": "永辉超市"}, {"supermarket", "convenience", "market"}),
        ({"railway": "station", "name": "重庆"}, set()),
        ({"shop": "supermarket", "disused": "yes"}, set()),
    ],
)
def test_what_a_point_offers(tags, services):
    town = Drawing()
    town.node(100, 100, **tags)
    assert set(places(town)["service"]) == services


def test_a_chinese_name_that_stands_apart_is_read_and_the_name_is_kept():
    town = Drawing()
    town.node(0, 0, amenity="clinic", name="Shangqingsi", name__zh="上清寺社区卫生服务中心")
    found = places(town)
    assert set(found["service"]) == {"health_centre", "health_station"}
    assert found["name"].eq("Shangqingsi").all()


def test_area_decides_the_size_of_a_park():
    town = Drawing()
    town.box(0, 0, 120, 100, leisure="park")
    town.box(500, 0, 530, 20, leisure="park")
    town.box(800, 0, 810, 20, leisure="park")
    counts = places(town)["service"].value_counts()
    assert counts.to_dict() == {"park_small": 2, "park_medium": 1}


def test_only_the_extent_is_read():
    town = Drawing()
    town.node(-90, 0, amenity="pharmacy")
    town.node(-110, 0, amenity="pharmacy")
    assert len(places(town)) == 1


def test_capacity_and_floor_area_are_kept_where_they_are_known():
    town = Drawing()
    town.box(0, 0, 20, 10, amenity="kindergarten", building="yes", building__levels="3", capacity="180")
    town.box(100, 0, 120, 10, amenity="kindergarten", building="yes")
    found = places(town)
    assert found["capacity"].tolist()[0] == 180
    assert found["floor_area_m2"].iloc[0] == pytest.approx(600, rel=1e-3)
    assert found[["capacity", "floor_area_m2"]].iloc[1].isna().all()


def test_nothing_is_an_empty_table():
    found = places(Drawing())
    assert found.empty
    assert found.columns.tolist() == FACILITIES.names


# ----------------------------------------------------------------------------------------------- what counts once


def test_a_node_in_its_area_counts_once():
    town = Drawing()
    area = town.box(0, 0, 100, 100, amenity="school", name="大坪小学")
    town.node(50, 50, amenity="school", name="重庆市大坪小学")
    town.node(120, 50, amenity="school")
    town.node(60, 50, amenity="school", name="实验小学")
    found = places(town)
    assert sorted(found["place"]) == ["node/7", f"way/{area}"]
    assert sorted(found["name"]) == ["大坪小学", "实验小学"]


@pytest.mark.parametrize(("apart", "count"), [(29.0, 1), (31.0, 2)])
def test_two_nodes_of_one_name_count_once_within_thirty_metres(apart, count):
    town = Drawing()
    town.node(0, 0, highway="bus_stop", name="上清寺")
    town.node(apart, 0, highway="bus_stop", name="上清寺")
    found = places(town)
    assert len(found) == count
    assert shapely.get_num_geometries(found.geometry).sum() == 2


def test_nameless_nodes_stay_apart():
    town = Drawing()
    town.node(0, 0, amenity="toilets")
    town.node(10, 0, amenity="toilets")
    assert len(places(town)) == 2


def test_a_nameless_pitch_in_a_track_counts_once_and_two_courts_do_not():
    town = Drawing()
    town.box(0, 0, 100, 60, leisure="track")
    town.box(10, 10, 90, 50, leisure="pitch")
    town.box(200, 0, 230, 20, leisure="pitch")
    town.box(232, 0, 262, 20, leisure="pitch")
    assert len(places(town, service="pitch")) == 3


def test_a_station_on_two_lines_is_one_and_its_entrances_are_its_doors():
    town = Drawing()
    rail = {"railway": "station", "name": "较场口"}
    town.node(0, 0, station="subway", **rail)
    town.node(200, 0, station="monorail", **rail)
    town.node(900, 0, railway="station", station="subway", name="七星岗")
    town.node(0, 100, railway="subway_entrance", ref="1")
    town.node(430, 0, railway="subway_entrance", name="较场口站 十八梯出入口")
    town.node(560, 0, railway="subway_entrance", name="较场口 9")
    town.node(600, 0, railway="subway_entrance", ref="2")
    found = places(town, service="rail").set_index("name")
    assert found.index.tolist() == ["较场口", "七星岗"]
    assert metres(found.geometry["较场口"]) == [(0, 100), (430, 0), (560, 0)]
    assert metres(found.geometry["七星岗"]) == [(600, 0)]
    assert found["entrance_from"].eq("gate").all()


def test_a_stop_area_says_whose_entrance_it_is():
    town = Drawing()
    near = town.node(0, 0, railway="station", station="subway", name="甲")
    far = town.node(400, 0, railway="station", station="subway", name="乙")
    door = town.node(50, 0, railway="subway_entrance")
    town.relation([("node", far, ""), ("node", door, "")], type="public_transport", public_transport="stop_area")
    found = places(town, service="rail").set_index("place")
    assert found["entrance_from"].to_dict() == {f"node/{near}": "point", f"node/{far}": "gate"}


def test_entrances_without_a_station_are_one_station():
    town = Drawing()
    town.node(0, 0, railway="subway_entrance", ref="1")
    town.node(100, 0, railway="subway_entrance", ref="2")
    town.node(1500, 0, railway="subway_entrance", ref="1")
    assert [shapely.get_num_geometries(one) for one in places(town).geometry] == [2, 1]


@given(st.text(max_size=12))
def test_a_name_is_like_itself(name):
    assert alike(name, f" {name}") is True


@given(st.text(max_size=8), st.text(max_size=8))
def test_likeness_has_no_direction(one, other):
    assert alike(one, other) == alike(other, one)


# --------------------------------------------------------------------------------------------------- where one enters
#
#           path A            gate G (100, 50)
#     y 100 +---|--------------+
#           |   |     site     |
#     y   0 +---|--------------+
#               x 40           x 100

SITE = gpd.GeoSeries([box(0, 0, 100, 100)], index=["site"], crs=UTM)
THROUGH = ((40, -50), (40, 150))
ALONG = ((-200, -7), (300, -7))


def entered(streets=None, gates=None, sites=SITE):
    points = None if gates is None else gpd.GeoSeries(MultiPoint(gates).geoms, crs=UTM)
    entrances, rungs = place_entrances(sites, gates=points, streets=streets)
    assert entrances.index.equals(sites.index)
    assert entrances.geom_type.eq("MultiPoint").all()
    return shapely.get_coordinates(entrances.iloc[0]).round(6).tolist(), rungs.iloc[0]


def test_tagged_gates_come_first():
    points, rung = entered(paths(THROUGH), [(100, 50), (100.0, 101.5), (150, 50)])
    assert (sorted(points), rung) == ([[100, 50], [100, 101.5]], "gate")


def test_an_outline_that_many_paths_cross_beside_the_gate_is_no_fence():
    points, rung = entered(paths(THROUGH, ((-50, 50), (150, 50))), [(100, 50)])
    assert rung == "crossing"
    assert sorted(points) == [[0, 50], [40, 0], [40, 100], [100, 50]]


def test_else_where_paths_cross_the_outline():
    points, rung = entered(paths(THROUGH))
    assert (points, rung) == ([[40, 0], [40, 100]], "crossing")


@pytest.mark.parametrize("kind", ["bridge", "tunnel", "lift"])
def test_what_passes_by_is_no_entrance(kind):
    _, rung = entered(paths(THROUGH, ALONG, kinds=[kind, "street"]))
    assert rung == "outline"


def test_else_the_points_of_the_outline_nearest_to_the_streets():
    points, rung = entered(paths(ALONG, ((50, 130), (50, 300))))
    assert rung == "outline"
    assert len(points) == 1
    assert points[0][1] == 0


def test_outline_points_are_few_and_spaced():
    wall = gpd.GeoSeries([box(0, 0, 1000, 100)], crs=UTM)
    lanes = paths(*(((x, -5), (x, -60)) for x in range(0, 1001, 10)))
    points, rung = entered(lanes, sites=wall)
    assert rung == "outline"
    assert len(points) == 5
    assert np.diff(sorted(x for x, _ in points)).min() > 40


def test_a_small_site_has_one_entrance():
    points, rung = entered(paths(((5, -50), (5, 60))), sites=gpd.GeoSeries([box(0, 0, 10, 10)], crs=UTM))
    assert (len(points), rung) == (1, "outline")


def test_a_point_is_its_own_entrance_and_no_streets_still_give_an_outline():
    points, rung = entered(sites=gpd.GeoSeries([Point(3, 4)], crs=UTM))
    assert (points, rung) == ([[3, 4]], "point")
    points, rung = entered()
    assert rung == "outline"
    assert points
    assert all(SITE.iloc[0].exterior.distance(Point(one)) < 1e-6 for one in points)


@given(st.permutations(range(4)))
def test_entrances_do_not_depend_on_the_order_of_the_streets(order):
    lines = [THROUGH, ALONG, ((70, -50), (70, 150)), ((-50, 20), (150, 20))]
    assert entered(paths(*(lines[one] for one in order))) == entered(paths(*lines))


def test_gates_of_a_place_are_found_by_their_tags():
    town = Drawing()
    corners = [town.node(*at) for at in ((0, 0), (200, 0), (200, 100), (0, 100))]
    gate, way_out = town.node(100, 0, barrier="gate"), town.node(50, 100, entrance="emergency")
    a, b, c, d = corners
    town.way(a, gate, b, c, way_out, d, a, amenity="school", name="人和街小学")
    town.node(0, 50, barrier="gate", access="private")
    found = places(town)
    assert metres(found.geometry.iloc[0]) == [(100, 0)]
    assert found["entrance_from"].tolist() == ["gate"]


# -------------------------------------------------------------------------------------------------- what lies there


def test_how_it_is_known_that_people_live_in_a_building():
    town = Drawing()
    town.box(0, 0, 100, 100, landuse="residential")
    cases = [
        (0, {"building": "apartments", "building__levels": "18"}, "tag", 18.0),
        (20, {"building": "yes", "height": "30 m"}, "landuse", 10.0),
        (200, {"building": "yes"}, "plain", None),
        (220, {"building": "yes", "amenity": "school"}, "none", None),
        (240, {"building": "school", "building__levels": "5"}, "none", 5.0),
        (260, {"building": "roof"}, "none", None),
    ]
    for x, tags, _, _ in cases:
        town.box(x, 0, x + 10, 10, **tags)
    town.box(300, 0, 310, 10, building="no")
    town.box(3000, 0, 3010, 10, building="house")
    found = read_buildings(town.elements, AREA)
    BUILDINGS.check(found, crs=UTM)
    assert found["evidence"].tolist() == [evidence for _, _, evidence, _ in cases]
    assert [None if pd.isna(one) else one for one in found["levels"]] == [levels for *_, levels in cases]


def test_a_building_with_a_courtyard_is_whole_and_counts_once():
    town = Drawing()
    outer, inner = town.box(0, 0, 50, 50, building="yes"), town.box(10, 10, 40, 40)
    town.relation([("way", outer, "outer"), ("way", inner, "inner")], type="multipolygon", building="residential")
    found = read_buildings(town.elements, AREA)
    assert found["evidence"].tolist() == ["tag"]
    assert found.geometry.area.iloc[0] == pytest.approx(1600, rel=1e-3)


def test_ground_is_clipped_and_sorted_by_kind():
    town = Drawing()
    town.box(-500, 0, 100, 100, natural="water")
    town.box(200, 0, 300, 100, leisure="park")
    town.way(town.node(0, 500), town.node(400, 500), railway="monorail")
    town.way(town.node(0, 600), town.node(400, 600), railway="abandoned")
    found = read_ground(town.elements, AREA)
    GROUND.check(found, crs=UTM)
    assert found["kind"].tolist() == ["water", "park", "rail"]
    assert found.geometry.area.iloc[0] == pytest.approx(200 * 100, rel=1e-2)


def test_an_island_of_a_river_that_is_cut_off_is_no_water():
    town = Drawing()
    bank = town.way(town.node(0, 0), town.node(500, 0), town.node(500, 100))
    island = town.box(200, 30, 240, 60)
    town.relation(
        [("way", bank, "outer"), ("way", 99, "outer"), ("way", island, "inner")], type="multipolygon", natural="water"
    )
    assert read_ground(town.elements, AREA).empty


def test_a_crossed_outline_is_mended():
    town = Drawing()
    corners = [town.node(*at) for at in ((0, 0), (100, 100), (100, 0), (0, 100))]
    town.way(*corners, corners[0], leisure="park")
    found = read_ground(town.elements, AREA)
    assert found.geometry.is_valid.all()
    assert found.geometry.area.sum() == pytest.approx(5000, rel=1e-3)


# ----------------------------------------------------------------------------------------------------- boundaries


def units(town, levels):
    found = read_boundaries(town.elements, AREA, levels=levels)
    UNITS.check(found, crs=UTM)
    return found


def test_units_are_nested_clipped_and_without_slivers():
    town = Drawing()
    border = {"type": "boundary", "boundary": "administrative"}
    halves = [town.box(-100, 0, 1000, 2000), town.box(1000, 0, 2000, 2000), town.box(-9000, 0, 1, 2000)]
    names = [("南纪门街道", "500103008"), ("大坪街道", "500103012"), ("南岸", "500108")]
    for way, (name, ref) in zip(halves, names, strict=True):
        town.relation([("way", way, "outer")], **border, admin_level="8", name=name, ref=ref)
    town.box(1100, 100, 1300, 300, boundary="administrative", admin_level="10", name="石油路")
    found = units(town, {8: "subdistrict", 10: "community"})
    assert found["name"].tolist() == ["南纪门街道", "大坪街道", "石油路"]
    assert found.index.tolist()[:2] == ["500103008", "500103012"]
    assert found["parent"].tolist() == [None, None, "500103012"]
    assert found.geometry.area.iloc[0] == pytest.approx(1000 * 2000, rel=1e-2)
    assert found["population"].isna().all()


def test_a_code_that_two_units_share_is_no_id():
    town = Drawing()
    for x in (0, 500):
        town.box(x, 0, x + 400, 400, boundary="administrative", admin_level="10", name="社区", ref="7")
    assert units(town, {10: "community"}).index.tolist() == ["way/1000", "way/1001"]


def test_no_boundaries_are_an_empty_table():
    assert units(Drawing(), {8: "subdistrict"}).empty


def test_a_boundary_of_several_ways_with_a_hole():
    town = Drawing()
    a, b, c, d = (town.node(*at) for at in ((0, 0), (100, 0), (100, 100), (0, 100)))
    hole = town.box(40, 40, 60, 60)
    members = [("way", town.way(a, b, c), "outer"), ("way", town.way(a, d, c), "outer"), ("way", hole, "inner")]
    relation = town.relation([*members, ("node", a, "label")], type="boundary")
    shape = read_boundary(town.elements, f"relation/{relation}")
    assert gpd.GeoSeries([shape], crs=4326).to_crs(UTM).area.iloc[0] == pytest.approx(10_000 - 400, rel=1e-3)


@pytest.mark.parametrize("osm_id", ["relation/5000", "relation/1", "way/x", "node/1", "nonsense"])
def test_a_boundary_that_is_not_there_or_not_whole_is_named(osm_id):
    town = Drawing()
    islet = town.box(0, 0, 10, 10)
    town.relation([("way", islet, "outer"), ("way", 77, "outer")], type="boundary")
    with pytest.raises(SourceError, match=osm_id):
        read_boundary(town.elements, osm_id)


# --------------------------------------------------------------------------------------------------- real extracts


@pytest.fixture(scope="module")
def yuzhong(real_data):
    boundary = gpd.read_file(real_data / "yuzhong" / "boundary.geojson").to_crs(UTM).union_all()
    return read_osm(real_data / "yuzhong" / "yuzhong.osm.pbf"), StudyArea("渝中区", boundary, UTM, margin_m=1500)


@pytest.mark.real
def test_real_stations_of_yuzhong_count_once(yuzhong):
    found = read_facilities(*yuzhong, standard=STANDARD, streets=None)
    FACILITIES.check(found, crs=UTM)
    rail = found[found["service"] == "rail"]
    names = rail["name"].dropna()
    assert names.is_unique
    assert {"较场口", "小什字", "两路口", "大坪", "牛角沱", "曾家岩", "红岩村"} <= set(names)
    assert "重庆" not in set(names)
    assert 20 <= len(names) <= 24
    assert shapely.get_num_geometries(rail.geometry[rail["name"] == "较场口"]).sum() > 5


@pytest.mark.real
def test_real_buildings_of_yuzhong(yuzhong):
    found = read_buildings(*yuzhong)
    BUILDINGS.check(found, crs=UTM)
    counts = found["evidence"].value_counts()
    assert (counts["tag"], counts["plain"]) == (382, 1501)
    assert found.loc["relation/11821437", "name"] == "白象居"
    assert found.geometry.is_valid.all()


@pytest.mark.real
def test_real_wards_of_monaco(real_data):
    elements = read_osm(real_data / "monaco" / "monaco.osm.pbf")
    with pytest.raises(SourceError):
        read_boundary(elements, "relation/1124039")  # the extract holds 8 of its 14 ways
    wards = [read_boundary(elements, f"relation/{one}") for one in (2220206, 2220207)]
    crs = CRS("EPSG:32632")
    area = StudyArea("Monaco", gpd.GeoSeries(wards, crs=4326).to_crs(crs).union_all(), crs, margin_m=300)
    found = read_boundaries(elements, area, levels={8: "district", 10: "community"})
    UNITS.check(found, crs=crs)
    assert {"Fontvieille", "Monaco-Ville"} <= set(found["name"])
    assert found.geometry.area.sum() == pytest.approx(area.boundary.area, rel=1e-2)


@pytest.mark.real
def test_real_helsinki_is_rich_and_a_park_is_one_place(real_data):
    elements = read_osm(real_data / "helsinki" / "Helsinki.osm.pbf")
    crs = CRS("EPSG:32635")
    centre = gpd.GeoSeries([box(24.93, 60.16, 24.96, 60.18)], crs=4326).to_crs(crs).iloc[0]
    found = read_facilities(elements, StudyArea("Helsinki", centre, crs), standard=STANDARD, streets=None)
    FACILITIES.check(found, crs=crs)
    named = found[(found["category"] == "green") & found["name"].notna()]
    assert not named.duplicated(["service", "name"]).any()
    park = named[named["name"] == "Kaisaniemen puisto"]
    assert set(park["service"]) == {"park_large", "park_medium", "park_small"}
    rail = found[found["service"] == "rail"]
    assert sorted(rail["name"]) == ["Helsingin yliopisto", "Rautatientori"]
    clinics = found[found["service"] == "health_station"]
    assert len(clinics) > 3
    assert not clinics["name"].str.contains("Hammas").any()


KEYS = (
    "amenity",
    "shop",
    "leisure",
    "office",
    "highway",
    "name",
    "name:zh",
    "access",
    "sport",
    "isced:level",
    "social_facility",
)
VALUES = (
    "yes",
    "school",
    "clinic",
    "supermarket;convenience",
    "park",
    "government",
    "bus_stop",
    "社区食堂",
    "幼儿园",
    "1",
    "",
    ";",
)


@given(st.dictionaries(st.sampled_from(KEYS), st.sampled_from(VALUES)), st.sampled_from([0.0, 300.0, 5000.0, 2e5]))
def test_services_that_are_not_asked_do_not_match(tags, area_m2):
    found = room._Asked(STANDARD).offers(tags, area_m2)
    read = room._read(tags)
    every = [at for at, one in enumerate(STANDARD.services) if one.matches(read, area_m2=area_m2 or None)]
    assert sorted(found) == every


def test_a_search_in_a_tag_that_is_not_there_is_asked():
    service = STANDARD.services[0].model_copy(update={"osm": ("surface~^$+amenity=clinic",), "not_name": ()})
    category = STANDARD.categories[0].model_copy(update={"services": (service,)})
    asked = room._Asked(STANDARD.model_copy(update={"categories": (category,)}))
    assert asked.offers({"amenity": "clinic"}, 0.0) == [0]
