"""The synthetic twin of Yuzhong: the published facts that it claims, and that its script makes it again."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyproj
import pytest
import rasterio
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from shapely.geometry import shape

from circle15.project import Project, Standard
from circle15.sources.datum import to_wgs84
from circle15.sources.osm import read_osm

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from shapely import Polygon

    from circle15.sources.osm import Elements, Way

DATA = Path(__file__).resolve().parents[1] / "data"
DEMO = DATA / "demo"
FILES = (
    *("boundary.geojson", "demo.osm.pbf", "inventory.csv", "study.toml", "survey.csv", "terrain.tif", "units.geojson"),
    "vacant.csv",
)
UTM = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:32648", always_xy=True)
PEOPLE = 576_300
SUBDISTRICTS = {  # code, name, communities: domain facts D.2
    "500103001": ("七星岗街道", 8),
    "500103003": ("解放碑街道", 9),
    "500103004": ("两路口街道", 7),
    "500103005": ("上清寺街道", 7),
    "500103007": ("菜园坝街道", 5),
    "500103008": ("南纪门街道", 5),
    "500103010": ("朝天门街道", 7),
    "500103011": ("大溪沟街道", 9),
    "500103012": ("大坪街道", 8),
    "500103013": ("化龙桥街道", 5),
    "500103014": ("石油路街道", 10),
}
STATIONS = {
    *("朝天门", "小什字", "较场口", "七星岗", "两路口", "鹅岭", "大坪", "石油路", "歇台子", "临江门", "黄花园"),
    *("大溪沟", "曾家岩", "牛角沱", "李子坝", "佛图关", "袁家岗", "红岩村", "富华路", "化龙桥", "大礼堂"),
    *("虎头岩", "七牌坊"),
}
CLOSED_BRIDGES = {"渝澳大桥", "嘉华嘉陵江大桥", "红岩村嘉陵江大桥", "石板坡长江大桥", "鹅公岩大桥"}


def metres(lonlat: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.column_stack(UTM.transform(lonlat[:, 0], lonlat[:, 1]))


def flat(geometry: Any) -> Any:
    return shapely.transform(geometry, metres)


@pytest.fixture(scope="module")
def osm() -> Elements:
    return read_osm(DEMO / "demo.osm.pbf")


@pytest.fixture(scope="module")
def units() -> dict[str, dict[str, Any]]:
    features = json.loads((DEMO / "units.geojson").read_text(encoding="utf-8"))["features"]
    return {row["properties"]["code"]: {**row["properties"], "shape": flat(shape(row["geometry"]))} for row in features}


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    with (DEMO / "inventory.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def line_of(osm: Elements, way: Way) -> NDArray[np.float64]:
    at = osm.index(way.nodes)
    return metres(osm.lonlat[at[at >= 0]])


def length(osm: Elements, way: Way) -> float:
    return float(np.hypot(*np.diff(line_of(osm, way), axis=0).T).sum())


def streets(osm: Elements) -> dict[int, Way]:
    return {number: way for number, way in osm.ways.items() if "highway" in way.tags}


def named(osm: Elements, name: str) -> list[Way]:
    return [way for way in osm.ways.values() if way.tags.get("name") == name]


def outline(osm: Elements, way: Way) -> Polygon:
    return shapely.Polygon(line_of(osm, way))


def heights(xy: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bilinear between cell centres, written apart from the package."""
    with rasterio.open(DEMO / "terrain.tif") as file:
        grid, at = file.read(1).astype(float), file.transform
    col, row = (xy[:, 0] - at.c) / at.a - 0.5, (xy[:, 1] - at.f) / at.e - 0.5
    c, r = np.floor(col).astype(int), np.floor(row).astype(int)
    x, y = col - c, row - r
    top = grid[r, c] * (1 - x) + grid[r, c + 1] * x
    return top * (1 - y) + (grid[r + 1, c] * (1 - x) + grid[r + 1, c + 1] * x) * y


# -------------------------------------------------------------------------------------------------- study and sizes


def test_the_study_file_is_read_and_says_that_it_is_synthetic():
    project = Project.read(DEMO / "study.toml")
    assert project.study.synthetic
    assert "合成示例" in project.study.name
    assert "synthetic" in project.study.names["en"]
    assert "虚构" in project.study.note
    assert "invented" in project.study.note
    assert project.people.total == PEOPLE
    assert project.facilities.inventory[0].datum == "gcj02"
    standard = Standard.load(project.assessment.standard)
    for key in project.facilities.inventory[0].complete:
        assert standard.service(key).key == key


def test_the_files_are_small():
    assert {path.name for path in DEMO.iterdir() if not path.name.startswith(".")} == set(FILES)
    assert sum((DEMO / name).stat().st_size for name in FILES) < 2_500_000


def test_the_script_makes_the_same_bytes_again(tmp_path: Path):
    subprocess.run([sys.executable, str(DATA / "make_demo.py"), str(tmp_path)], check=True, timeout=240)
    differ = [name for name in FILES if (tmp_path / name).read_bytes() != (DEMO / name).read_bytes()]
    assert not differ, "made anew and different; with the versions of constraints.txt the bytes are the same"


def test_every_way_says_that_it_is_synthetic(osm: Elements):
    tagged = sum(way.tags.get("source") == "circle15 synthetic" for way in osm.ways.values())
    assert tagged > 0.9 * len(osm.ways)
    assert all(relation.tags["source"] == "circle15 synthetic" for relation in osm.relations.values())


# ------------------------------------------------------------------------------------------------ units and people


def test_one_district_eleven_subdistricts_eighty_communities(units: dict[str, dict[str, Any]]):
    assert Counter(row["tier"] for row in units.values()) == {"district": 1, "subdistrict": 11, "community": 80}
    held = Counter(row["parent"] for row in units.values() if row["tier"] == "community")
    found = {code: (row["name"], held[code]) for code, row in units.items() if row["tier"] == "subdistrict"}
    assert found == SUBDISTRICTS
    stations = [row["name"] for row in units.values() if row["name"].endswith("社区工作站")]
    assert stations == ["化龙桥社区工作站"]


def test_community_codes_and_names_of_the_published_list(units: dict[str, dict[str, Any]]):
    assert all(re.fullmatch(r"500103\d{6}", code) for code, row in units.items() if row["tier"] == "community")
    expected = {
        "500103008012": "凯旋路社区",
        "500103010009": "白象街社区",
        "500103004010": "重庆村社区",
        "500103014009": "石油路社区",
        "500103014006": "民乐村社区",
        "500103014001": "煤建新村社区",
        "500103011019": "双钢路社区",
        "500103012012": "浮图关社区",
    }
    assert {code: units[code]["name"] for code in expected} == expected


def test_each_tier_covers_the_district_without_gap_or_overlap(units: dict[str, dict[str, Any]]):
    whole = units["500103"]["shape"]
    for tier in ("subdistrict", "community"):
        parts = [row["shape"] for row in units.values() if row["tier"] == tier]
        assert all(part.is_valid for part in parts)
        assert shapely.union_all(parts).symmetric_difference(whole).area < 1
        assert sum(part.area for part in parts) == pytest.approx(whole.area, abs=1)
    for row in units.values():
        if row["tier"] == "community":
            assert row["shape"].difference(units[row["parent"]]["shape"]).area < 1


def test_people_add_up_and_published_counts_are_kept(units: dict[str, dict[str, Any]]):
    for tier in ("district", "subdistrict", "community"):
        assert sum(row["population"] for row in units.values() if row["tier"] == tier) == PEOPLE
    held: Counter[str] = Counter()
    for row in units.values():
        if row["tier"] == "community":
            assert row["population"] > 500
            assert row["modelled"]
            held[row["parent"]] += row["population"]
    assert all(units[code]["population"] == people for code, people in held.items())
    published = {row["name"]: row["population"] for row in units.values() if not row["modelled"]}
    assert published == {"渝中区": PEOPLE, "菜园坝街道": 32_034, "朝天门街道": 35_662}


def test_subdistricts_lie_in_their_order_from_east_to_west(units: dict[str, dict[str, Any]]):
    east = {row["name"]: row["shape"].centroid.x for row in units.values() if row["tier"] == "subdistrict"}
    order = [
        "朝天门街道",
        "解放碑街道",
        "七星岗街道",
        "大溪沟街道",
        "上清寺街道",
        "两路口街道",
        "大坪街道",
        "石油路街道",
    ]
    assert [name for name in sorted(east, key=lambda name: -east[name]) if name in order] == order


# ------------------------------------------------------------------------------------------------ ground and water


def test_areas_are_the_published_ones(osm: Elements, units: dict[str, dict[str, Any]]):
    whole = units["500103"]["shape"]
    assert whole.area / 1e6 == pytest.approx(23.24, rel=0.005)
    boundary = json.loads((DEMO / "boundary.geojson").read_text(encoding="utf-8"))["features"]
    assert len(boundary) == 1
    assert flat(shape(boundary[0]["geometry"])).symmetric_difference(whole).area < 1
    rivers = []
    for relation in osm.relations.values():
        assert relation.tags["natural"] == "water"
        outer = [
            outline(osm, osm.ways[ref]) for kind, ref, role in relation.members if (kind, role) == ("way", "outer")
        ]
        rivers += outer
    assert sorted(relation.tags["name"] for relation in osm.relations.values()) == ["嘉陵江", "长江"]
    assert whole.difference(shapely.union_all(rivers)).area / 1e6 == pytest.approx(20.08, rel=0.005)
    west, south, east, north = shape(boundary[0]["geometry"]).bounds
    assert 106.475 < west < east < 106.595
    assert 29.520 < south < north < 29.578


def test_heights_run_from_160_to_379_metres(units: dict[str, dict[str, Any]]):
    with rasterio.open(DEMO / "terrain.tif") as file:
        assert (file.crs.to_epsg(), file.res) == (32648, (30.0, 30.0))
        grid = file.read(1)
        reach = shapely.box(*file.bounds)
        rows, cols = np.indices(grid.shape)
        centres = shapely.points(*rasterio.transform.xy(file.transform, rows.ravel(), cols.ravel()))
    whole = units["500103"]["shape"]
    inside = grid.ravel()[shapely.contains(whole, centres)]
    assert inside.min() == pytest.approx(160, abs=0.5)
    assert inside.max() == pytest.approx(379, abs=0.5)
    assert grid.max() == inside.max()
    assert reach.contains(whole.buffer(1500))
    heart = heights(metres(np.array([[106.5718, 29.5613]])))[0]  # 解放碑
    assert 240 <= heart <= 250


# ----------------------------------------------------------------------------------------------------- the streets


def test_street_nodes_and_lengths(osm: Elements):
    ways = streets(osm)
    nodes = np.unique(np.concatenate([way.nodes for way in ways.values()]))
    assert 18_000 < len(nodes) < 24_000
    by_kind: Counter[str] = Counter()
    for way in ways.values():
        by_kind[way.tags["highway"]] += length(osm, way) / 1000
    assert by_kind.total() == pytest.approx(435, rel=0.05)
    assert by_kind["steps"] == pytest.approx(14, rel=0.03)
    assert by_kind["footway"] > 80
    assert by_kind["pedestrian"] > 3


def test_step_counts_agree_with_the_climb_and_some_are_left_out(osm: Elements):
    steps = [way for way in streets(osm).values() if way.tags["highway"] == "steps" and "conveying" not in way.tags]
    counted = [way for way in steps if "step_count" in way.tags]
    assert 0.6 < len(counted) / len(steps) < 0.9
    assert any("incline" not in way.tags for way in steps)
    for way in counted:
        ends = heights(line_of(osm, way)[[0, -1]])
        climb = float(ends[1] - ends[0])
        assert int(way.tags["step_count"]) == pytest.approx(abs(climb) / 0.155, abs=2)
        if "incline" in way.tags:
            assert way.tags["incline"] == ("up" if climb > 0 else "down")


def test_streets_that_follow_the_slope_are_gentle(osm: Elements):
    grades = []
    for way in streets(osm).values():
        if way.tags["highway"] in ("residential", "tertiary", "unclassified") and length(osm, way) > 150:
            xy = line_of(osm, way)
            grades.append(abs(float(np.diff(heights(xy[[0, -1]]))[0])) / length(osm, way))
    assert np.median(grades) < 0.05
    assert np.percentile(grades, 90) < 0.16


def test_one_network_on_foot_and_an_island_on_purpose(osm: Elements):
    closed = lambda tags: tags.get("foot") == "no" or tags.get("motorroad") == "yes"  # noqa: E731
    ways = [way for way in streets(osm).values() if not closed(way.tags)]
    at = [osm.index(way.nodes) for way in ways]
    at = [found[found >= 0] for found in at]
    a, b = np.concatenate([found[:-1] for found in at]), np.concatenate([found[1:] for found in at])
    size = len(osm.node_ids)
    _, part = connected_components(coo_array((np.ones(len(a)), (a, b)), shape=(size, size)), directed=False)
    run: Counter[int] = Counter()
    for way, found in zip(ways, at, strict=True):
        run[int(part[found[0]])] += length(osm, way)
    largest = run.most_common(1)[0][1]
    assert largest / run.total() >= 0.97
    assert len(run) >= 2
    assert part[osm.index(named(osm, "珊瑚坝便道")[0].nodes)[0]] != run.most_common(1)[0][0]


def test_some_ways_go_on_beyond_the_data(osm: Elements):
    beyond = [way for way in streets(osm).values() if (osm.index(way.nodes) < 0).any()]
    assert 10 <= len(beyond) <= 60


def test_bridges_that_one_may_and_may_not_walk(osm: Elements):
    bridges = {way.tags["name"]: way.tags for way in streets(osm).values() if way.tags.get("name", "").endswith("大桥")}
    assert len(bridges) == 11
    assert {name for name, tags in bridges.items() if tags.get("foot") == "no"} == CLOSED_BRIDGES
    assert all(tags["bridge"] == "yes" for tags in bridges.values())
    assert all(tags["sidewalk"] == "both" for name, tags in bridges.items() if name not in CLOSED_BRIDGES)
    assert sum(way.tags.get("tunnel") == "yes" for way in streets(osm).values()) == 4


def test_the_crown_escalator_has_its_published_dimensions(osm: Elements):
    (way,) = named(osm, "皇冠大扶梯")
    ends = line_of(osm, way)[[0, -1]]
    rise = float(np.diff(heights(ends))[0])
    run = float(np.hypot(*np.diff(ends, axis=0)[0]))
    assert rise == pytest.approx(52.7, abs=0.1)
    assert np.hypot(run, rise) == pytest.approx(112, abs=0.2)
    assert np.hypot(run, rise) / 0.75 == pytest.approx(149.3, abs=1)  # seconds, at its published speed
    expected = {
        "highway": "steps",
        "conveying": "reversible",
        "incline": "up",
        "fee": "yes",
        "name:en": "Crown Escalator",
    }
    assert expected.items() <= way.tags.items()


def test_the_kaixuan_road_lift_joins_two_levels(osm: Elements):
    (lift,) = [node for node, tags in osm.node_tags.items() if tags.get("name") == "凯旋路电梯"]
    tags = osm.node_tags[lift]
    assert tags["highway"] == "elevator"
    assert tags["fee"] == "yes"
    assert tags["charge"] == "1 CNY"
    low, high = map(float, tags["level"].split(";"))
    assert (high - low) * 3 == pytest.approx(32.5, abs=0.05)
    joined = [way for way in streets(osm).values() if lift in way.nodes]
    assert sorted(way.tags["level"] for way in joined) == ["0", "10.83"]
    far = {way.tags["level"]: line_of(osm, way)[0 if way.nodes[-1] == lift else -1] for way in joined}
    rise = np.diff(heights(np.array([far["0"], far["10.83"]])))[0]
    assert rise == pytest.approx(32.5, abs=0.2)


def test_more_lifts_escalators_gates_crossings_and_the_cable_car(osm: Elements):
    lifts = [tags for tags in osm.node_tags.values() if tags.get("highway") == "elevator"]
    assert len(lifts) >= 10
    assert any("opening_hours" in tags for tags in lifts)
    moving = [way.tags["conveying"] for way in streets(osm).values() if "conveying" in way.tags]
    assert len(moving) >= 4
    assert {"reversible", "forward"} <= set(moving)
    crossings = Counter(tags.get("crossing") for tags in osm.node_tags.values() if tags.get("highway") == "crossing")
    assert crossings["traffic_signals"] > 10
    assert crossings["uncontrolled"] > 20
    assert (
        sum(tags.get("barrier") == "gate" and tags.get("access") == "private" for tags in osm.node_tags.values()) > 20
    )
    assert sum(way.tags.get("access") == "private" for way in streets(osm).values()) > 20
    (cable,) = named(osm, "长江索道")
    assert cable.tags["aerialway"] == "cable_car"
    assert length(osm, cable) == pytest.approx(1166, abs=1)


def test_mountain_city_trail_of_about_a_kilometre_and_ninety_metres(osm: Elements):
    trail = named(osm, "山城步道")
    assert sum(length(osm, way) for way in trail) == pytest.approx(1000, rel=0.12)
    ground = heights(np.vstack([line_of(osm, way) for way in trail]))
    assert np.ptp(ground) == pytest.approx(90, abs=10)


# -------------------------------------------------------------------------------------------- buildings and places


def test_homes_hold_thirty_five_square_metres_for_everyone(osm: Elements, units: dict[str, dict[str, Any]]):
    homes = [way for way in osm.ways.values() if way.tags.get("building") in ("apartments", "residential")]
    assert 3400 < len(homes) < 4400
    outlines = [outline(osm, way) for way in homes]
    levels = [float(way.tags.get("building:levels", 10)) for way in homes]
    floor = sum(shape_.area * storeys for shape_, storeys in zip(outlines, levels, strict=True))
    assert floor / PEOPLE == pytest.approx(35, rel=0.03)
    assert sum("building:levels" not in way.tags for way in homes) > 100
    whole = units["500103"]["shape"]
    assert all(whole.contains(one.centroid) for one in outlines)
    tree = shapely.STRtree(outlines)
    a, b = tree.query(outlines, predicate="overlaps")
    assert not len(a), f"{len(a) // 2} homes overlap, first {a[:1]} and {b[:1]}"


def test_other_buildings_and_schools_and_hospitals(osm: Elements):
    kinds = Counter(way.tags["building"] for way in osm.ways.values() if "building" in way.tags)
    assert kinds["yes"] > 200
    assert {"office", "commercial", "retail", "school", "hospital"} <= set(kinds)


def test_every_station_of_the_district_is_there_with_entrances(osm: Elements):
    stations = {tags["name"]: node for node, tags in osm.node_tags.items() if tags.get("railway") == "station"}
    assert sorted(stations) == sorted(STATIONS)
    entrances = [tags["name"] for tags in osm.node_tags.values() if tags.get("railway") == "subway_entrance"]
    assert all(any(name.startswith(station) for name in entrances) for station in STATIONS)
    at = osm.lonlat[osm.index(np.array([stations["两路口"]]))]
    published = metres(np.array([[106.5451, 29.5558]]))
    assert np.hypot(*(metres(at) - published)[0]) < 50


def test_parks_some_with_tagged_gates(osm: Elements):
    parks = {way.tags["name"]: way for way in osm.ways.values() if way.tags.get("leisure") == "park"}
    assert {"鹅岭公园", "枇杷山公园", "佛图关公园", "虎头岩公园", "红岩公园"} <= set(parks)
    gated = [name for name, way in parks.items() if any("entrance" in osm.node_tags.get(int(n), {}) for n in way.nodes)]
    assert 3 <= len(gated) < len(parks)


def test_everyday_places_are_denser_in_the_centre(osm: Elements, units: dict[str, dict[str, Any]]):
    shops = [node for node, tags in osm.node_tags.items() if {"shop", "amenity"} & set(tags)]
    points = shapely.points(metres(osm.lonlat[osm.index(np.array(shops))]))
    density = {
        row["name"]: shapely.contains(row["shape"], points).sum() / row["shape"].area
        for row in units.values()
        if row["tier"] == "subdistrict"
    }
    assert density["解放碑街道"] > 1.5 * density["石油路街道"]
    assert density["解放碑街道"] > 1.5 * density["化龙桥街道"]


def test_the_inventory_lists_what_the_district_published(rows: list[dict[str, str]]):
    assert list(rows[0]) == ["编号", "名称", "服务", "经度", "纬度", "建筑面积", "容量", "层级", "核实日期"]
    assert (DEMO / "inventory.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    count = Counter(row["服务"] for row in rows)
    assert count["elder_station"] == 71  # of 79, so that there are gaps
    assert count["canteen"] == 17
    assert count["service_complex"] == 48
    assert count["elder_college"] == 25
    assert count["elder_centre"] == count["street_office"] == count["health_centre"] == 11
    assert count["service_station"] == 80
    assert len({row["编号"] for row in rows}) == len(rows)
    standard = Standard.load("yuzhong-15min")
    assert {service.key for service in standard.services} >= set(count)
    assert all(float(row["建筑面积"]) >= 1500 for row in rows if row["服务"] == "elder_centre")
    assert all(float(row["建筑面积"]) >= 600 for row in rows if row["服务"] == "service_complex")


def test_the_inventory_is_in_gcj02_and_falls_into_its_communities(
    rows: list[dict[str, str]], units: dict[str, dict[str, Any]]
):
    given = np.array([[float(row["经度"]), float(row["纬度"])] for row in rows])
    true = metres(to_wgs84(given, "gcj02"))
    shift = np.hypot(*(metres(given) - true).T)
    assert shift.min() > 450
    assert shift.max() < 510
    by_name = {row["name"].removesuffix("社区"): row["shape"] for row in units.values() if row["tier"] == "community"}
    stations = [
        (row["名称"].removesuffix("社区养老服务站"), at)
        for row, at in zip(rows, true, strict=True)
        if row["服务"] == "elder_station"
    ]
    assert all(by_name[name].buffer(15).contains(shapely.Point(at)) for name, at in stations)
