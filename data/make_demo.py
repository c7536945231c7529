"""Make the embedded demonstration study: a synthetic twin of Yuzhong (渝中区), Chongqing.

Run ``python data/make_demo.py`` to write ``data/demo`` anew, or name another folder. The same versions of the
libraries give the same bytes. What is published fact and what is invented stands in ``data/README.md``.
"""

from __future__ import annotations

import csv
import io
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import osmium
import rasterio
import shapely
from osmium.osm import mutable

from circle15.project import Standard
from circle15.sources.datum import from_wgs84

sys.path.insert(0, str(Path(__file__).resolve().parent))

import twin_drawn as drawn
from twin_ground import CELL_M, Ground, degrees, make_ground, metres
from twin_noding import CABLE_CAR_M, Net, make_net
from twin_people import Community, Home, fit_floor_area, make_communities, make_homes, settle
from twin_places import COMPLETE, Doors, Row, Spot, Vacant, make_inventory, make_spots, make_stations, make_vacant
from twin_streets import grow

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from shapely import Polygon

SYNTHETIC = {"source": "circle15 synthetic"}
DATE = "2026-01-01"


# --------------------------------------------------------------------------------------------------------- OSM file


class OsmFile:
    """Collects nodes, ways and relations, and writes them sorted, without versions or times."""

    def __init__(self) -> None:
        self.nodes: list[tuple[float, float]] = []
        self.node_tags: dict[int, dict[str, str]] = {}
        self.ways: list[tuple[list[int], dict[str, str]]] = []
        self.relations: list[tuple[list[tuple[str, int, str]], dict[str, str]]] = []
        self.beyond = 0

    def points(self, xy: NDArray[np.float64]) -> list[int]:
        """Add nodes given in metres; returns their numbers."""
        start = len(self.nodes)
        self.nodes += [tuple(pair) for pair in degrees(np.atleast_2d(xy)).tolist()]
        return list(range(start, len(self.nodes)))

    def outside(self) -> int:
        """The number of a node that is referred to but not in the file, as at the edge of any extract."""
        self.beyond += 1
        return -self.beyond

    def ring(self, outline: Polygon, tags: dict[str, str]) -> int:
        """Add a closed way; returns its number."""
        nodes = self.points(shapely.get_coordinates(outline.exterior)[:-1])
        self.ways.append(([*nodes, nodes[0]], tags))
        return len(self.ways) - 1

    def write(self, path: Path) -> None:
        """Write the file; the numbers of nodes, ways and relations do not overlap."""
        path.unlink(missing_ok=True)
        first_node, first_way, first_relation = 1, 1_000_001, 2_000_001
        lost = first_node + len(self.nodes) + 1000
        with osmium.SimpleWriter(str(path)) as out:
            for number, at in enumerate(self.nodes):
                tags = self.node_tags.get(number, {})
                out.add_node(mutable.Node(id=first_node + number, location=at, tags=tags))
            for number, (nodes, tags) in enumerate(self.ways):
                refs = [first_node + node if node >= 0 else lost - node for node in nodes]
                out.add_way(mutable.Way(id=first_way + number, nodes=refs, tags=tags))
            start = {"w": first_way, "n": first_node}
            for number, (members, tags) in enumerate(self.relations):
                listed = [(kind, start[kind] + ref, role) for kind, ref, role in members]
                out.add_relation(mutable.Relation(id=first_relation + number, members=listed, tags=tags))


def add_streets(osm: OsmFile, net: Net, ground: Ground) -> None:
    """Streets with shared nodes at junctions; pieces of one line with the same tags are one way."""
    used = sorted({node for piece in net.pieces for node in piece.nodes})
    number = dict(zip(used, osm.points(net.points(used)), strict=True))
    for node, tags in sorted(net.node_tags.items()):
        if node in number:
            osm.node_tags[number[node]] = tags
    edge = ground.covered.boundary
    ways: list[tuple[list[int], dict[str, str], int]] = []
    for piece in net.pieces:
        if ways and ways[-1][2] == piece.line != -1 and ways[-1][1] == piece.tags and ways[-1][0][-1] == piece.nodes[0]:
            ways[-1][0].extend(piece.nodes[1:])
        else:
            ways.append((list(piece.nodes), dict(piece.tags), piece.line))
    for nodes, tags, _ in ways:
        refs = [number[node] for node in nodes]
        for end in (0, -1):
            if shapely.Point(net.xy[nodes[end]]).distance(edge) < 1.5:
                refs.insert(0 if end == 0 else len(refs), osm.outside())
        osm.ways.append((refs, tags | SYNTHETIC))


def add_ground(osm: OsmFile, ground: Ground, net: Net) -> None:
    """Rivers, the shoal, the lake, parks, squares."""
    for name, english, shape, holes in (
        ("长江", "Yangtze River", ground.yangtze, [ground.shoal]),
        ("嘉陵江", "Jialing River", ground.jialing, []),
    ):
        members = [("w", osm.ring(shape.simplify(0.8), dict(SYNTHETIC)), "outer")]
        members += [
            ("w", osm.ring(hole, {"natural": "shoal", "name": "珊瑚坝", **SYNTHETIC}), "inner") for hole in holes
        ]
        tags = {"type": "multipolygon", "natural": "water", "water": "river", "name": name, "name:en": english}
        osm.relations.append((members, {**tags, **SYNTHETIC}))
    osm.ring(ground.lake, {"natural": "water", "water": "lake", "name": "化龙桥湖", **SYNTHETIC})
    streets = np.array([shapely.LineString(net.points(piece.nodes)) for piece in net.pieces])
    for rank, (name, shape) in enumerate(drawn.parks().items()):
        tags = {"leisure": "park", "name": name, **SYNTHETIC}
        gates = _gates(shape, streets) if rank % 2 == 0 else np.empty((0, 2))  # every second park has its gates tagged
        flat = _with_points(shapely.get_coordinates(shape.exterior)[:-1], gates, shape)
        nodes = osm.points(flat)
        kept = {tuple(point) for point in gates.tolist()}
        for node, point in zip(nodes, flat.tolist(), strict=True):
            if tuple(point) in kept:
                osm.node_tags[node] = {"entrance": "yes", "barrier": "entrance"}
        osm.ways.append(([*nodes, nodes[0]], tags))


def _gates(shape: Polygon, streets: NDArray[np.object_]) -> NDArray[np.float64]:
    """Up to four places, well apart, where streets and paths cross an outline."""
    found: list[NDArray[np.float64]] = []
    for point in shapely.get_coordinates(shapely.intersection(shape.exterior, shapely.union_all(streets))):
        if len(found) < 4 and all(np.hypot(*(point - other)) > 120 for other in found):
            found.append(np.round(point, 2))
    return np.array(found).reshape(-1, 2)


def _with_points(ring: NDArray[np.float64], extra: NDArray[np.float64], shape: Polygon) -> NDArray[np.float64]:
    """Insert points in a ring, in order."""
    both = np.vstack([ring, extra])
    line = shape.exterior
    along = np.round(shapely.line_locate_point(line, shapely.points(both)), 3)
    return both[np.argsort(along, kind="stable")]


def add_rail(osm: OsmFile) -> None:
    """Rail lines through the stations, and the cable car."""
    for line, (kind, stations) in drawn.RAIL.items():
        xy = metres([drawn.STATIONS[name][1:] if isinstance(name, str) else name for name in stations])
        tags = {"railway": kind, "name": f"轨道交通{line}号线", **SYNTHETIC}
        tags |= {"tunnel": "yes", "layer": "-2"} if kind == "subway" else {"bridge": "yes", "layer": "2"}
        osm.ways.append((osm.points(drawn.smooth(xy, rounds=2)), tags))
    start = metres([(106.5798, 29.5604)])[0]
    toward = metres([(106.5880, 29.5530)])[0] - start
    ends = np.round([start, start + toward / np.hypot(*toward) * CABLE_CAR_M], 3)
    nodes = osm.points(ends)
    for node, name in zip(nodes, ("新华路站", "上新街站"), strict=True):
        osm.node_tags[node] = {"aerialway": "station", "name": f"长江索道{name}"}
    osm.ways.append(
        (nodes, {"aerialway": "cable_car", "name": "长江索道", "fee": "yes", "charge": "20 CNY", **SYNTHETIC})
    )


def add_homes(osm: OsmFile, homes: list[Home]) -> None:
    """Footprints; a few without storeys, as in any real extract."""
    for number, home in enumerate(homes):
        tags = {"building": home.use, **SYNTHETIC}
        if number % 17:
            tags["building:levels"] = str(home.levels)
        osm.ring(home.outline, tags)


def add_spots(osm: OsmFile, spots: list[Spot]) -> None:
    """Facilities as nodes, or as outlines with or without tagged gates."""
    for spot in spots:
        if spot.outline is None:
            assert spot.point is not None  # noqa: S101  one of the two is always given
            osm.node_tags[osm.points(np.array([spot.point]))[0]] = {**spot.tags}
            continue
        flat = shapely.get_coordinates(spot.outline.exterior)[:-1].tolist()
        gate = {tuple(point[:2]): point[2] for point in spot.entrances}
        flat = [flat[0], *[list(point) for point in gate], *flat[1:]]
        nodes = osm.points(np.array(flat))
        for offset, kind in enumerate(gate.values(), start=1):
            osm.node_tags[nodes[offset]] = {"entrance": kind, "barrier": "gate", "access": "yes"}
        osm.ways.append(([*nodes, nodes[0]], {**spot.tags, **SYNTHETIC}))


# ------------------------------------------------------------------------------------------------------ other files


def write_terrain(path: Path, ground: Ground) -> None:
    """Bare-earth heights in metres, 30 m cells, EPSG:32648."""
    rows, cols = ground.heights.shape
    profile: dict[str, Any] = {
        "driver": "GTiff", "height": rows, "width": cols, "count": 1, "dtype": "float32", "crs": "EPSG:32648",
        "transform": rasterio.Affine(CELL_M, 0, ground.west, 0, -CELL_M, ground.north),
        "compress": "deflate", "predictor": 3, "zlevel": 9, "nodata": -9999.0,
    }  # fmt: skip
    with rasterio.open(path, "w", **profile) as out:
        out.write(ground.heights.astype("float32"), 1)
        out.update_tags(SOURCE="circle15 synthetic", SURFACE="bare earth, invented")


def _feature(shape: Polygon, **properties: object) -> dict[str, object]:
    rounded = shapely.orient_polygons(shapely.transform(shape, degrees))
    return {"type": "Feature", "properties": properties, "geometry": json.loads(shapely.to_geojson(rounded))}


def write_geojson(path: Path, name: str, features: list[dict[str, object]]) -> None:
    """A feature collection in WGS-84, one feature a line."""
    head = {"type": "FeatureCollection", "name": name, "source": "circle15 synthetic"}
    body = ",\n".join(json.dumps(one, ensure_ascii=False, separators=(",", ":")) for one in features)
    text = json.dumps(head, ensure_ascii=False)[:-1] + ', "features": [\n' + body + "\n]}\n"
    path.write_text(text, encoding="utf-8", newline="\n")


def write_units(folder: Path, communities: list[Community]) -> None:
    """The district, 11 subdistricts and 80 communities, each tier a gapless cover of the one above."""
    outlines = np.array([unit.outline for unit in communities])
    district = shapely.coverage_union_all(outlines)
    total = sum(unit.population for unit in communities)
    source = "circle15 synthetic"
    top = _feature(district, code="500103", name="渝中区", tier="district", parent=None, population=total,
                   modelled=False, source=source)  # fmt: skip
    features = [top]
    for code in dict.fromkeys(unit.parent for unit in communities):
        held = [k for k, unit in enumerate(communities) if unit.parent == code]
        people = sum(communities[k].population for k in held)
        name = communities[held[0]].street
        published = name in ("菜园坝街道", "朝天门街道")
        features.append(
            _feature(
                shapely.coverage_union_all(outlines[held]),
                code=code,
                name=name,
                tier="subdistrict",
                parent="500103",
                population=people,
                modelled=not published,
                source=source,
            )
        )
    features += [
        _feature(unit.outline, code=unit.code, name=unit.name, tier="community", parent=unit.parent,
                 population=unit.population, modelled=True, source=source)
        for unit in communities
    ]  # fmt: skip
    write_geojson(folder / "units.geojson", "units", features)
    write_geojson(folder / "boundary.geojson", "boundary", [top])


def write_inventory(path: Path, rows: list[Row]) -> None:
    """The district's own table, in GCJ-02 as most Chinese map software exports it."""
    lonlat = from_wgs84(degrees(np.array([row.point for row in rows])), "gcj02")
    text = io.StringIO()
    out = csv.writer(text, lineterminator="\r\n")
    out.writerow(["编号", "名称", "服务", "经度", "纬度", "建筑面积", "容量", "层级", "核实日期"])
    for number, (row, (lon, lat)) in enumerate(zip(rows, lonlat.tolist(), strict=True), start=1):
        area, places = ("" if value is None else value for value in (row.area, row.capacity))
        day = f"2025-{1 + number % 12:02d}-{1 + number % 28:02d}"
        out.writerow(
            [f"SYN{number:04d}", row.name, row.service, f"{lon:.6f}", f"{lat:.6f}", area, places, row.tier, day]
        )
    path.write_bytes(text.getvalue().encode("utf-8-sig"))


def write_vacant(path: Path, rows: list[Vacant]) -> None:
    """The district's own table of vacant space, in GCJ-02; cost in 10,000 yuan. Invented from end to end."""
    lonlat = from_wgs84(degrees(np.array([row.point for row in rows])), "gcj02")
    text = io.StringIO()
    out = csv.writer(text, lineterminator="\r\n")
    out.writerow(
        [
            *("编号", "名称", "经度", "纬度", "建筑面积", "权属单位", "楼层", "无障碍入口"),
            *("估算投资", "运营单位", "资金来源"),
        ]
    )
    for number, (row, (lon, lat)) in enumerate(zip(rows, lonlat.tolist(), strict=True), start=1):
        area, cost = ("" if value is None else value for value in (row.area, row.cost))
        out.writerow(
            [
                *(f"VAC{number:03d}", row.name, f"{lon:.6f}", f"{lat:.6f}", area, row.owner, row.storey, row.step_free),
                *(cost, row.operator, row.budget_line),
            ]
        )
    path.write_bytes(text.getvalue().encode("utf-8-sig"))


def write_survey(path: Path, communities: list[Community], categories: list[str]) -> None:
    """What residents are made to say, subdistrict by subdistrict, on a scale from 1 to 5; invented from end to end."""
    rng = np.random.default_rng(2026)
    text = io.StringIO()
    out = csv.writer(text, lineterminator="\r\n")
    out.writerow(["街道", "类别", "份数", "均值"])
    for street in dict.fromkeys(unit.street for unit in communities):
        for category in categories:
            out.writerow([street, category, int(rng.integers(60, 181)), f"{rng.uniform(2.8, 4.9):.2f}"])
    path.write_bytes(text.getvalue().encode("utf-8-sig"))


STUDY = """\
# 合成示例数据，不是真实的渝中区。 SYNTHETIC demonstration data, not the real Yuzhong: see data/README.md.
[study]
name = "渝中区（合成示例）"
name_en = "Yuzhong District (synthetic twin)"
data_date = "{date}"
synthetic = true
output = "../../out/demo"
outside = true
attribution = "circle15 合成示例数据 / circle15 synthetic demonstration data"
note = "合成示例数据：街道、建筑和设施均为虚构，不得用于决策。 Synthetic demonstration data: streets, buildings and facilities are invented; not for decisions."

[area]
boundary = "boundary.geojson"
margin_m = 1500

[streets]
files = ["demo.osm.pbf"]

[heights]
terrain = "terrain.tif"

[units]
files = ["units.geojson"]

[people]
total = 576300
source = "人民日报 2025：常住人口57.63万；菜园坝、朝天门为2020年普查数，其余为模拟分配 / published total; Caiyuanba and Chaotianmen census 2020, the rest modelled"
# 60+：渝中 2022；其余按重庆 2020 年普查 0 至 14 岁 15.91% 逐岁均分。60+: Yuzhong 2022; the rest: 15.91 % aged 0-14 of Chongqing in 2020, evenly by year
age_shares = {{ "0-2" = 0.0318, "3-5" = 0.0318, "6-11" = 0.0636, "12-14" = 0.0318, "60+" = 0.1976 }}

[facilities]
osm = true

[[facilities.inventory]]
file = "inventory.csv"
datum = "gcj02"
verified = true
complete = [{complete}]
source = "circle15 合成清单 / synthetic inventory"

[survey]
file = "survey.csv"

# 虚构的闲置空间与预算 Vacant space and budget, invented
[plan]
candidates = "vacant.csv"
datum = "gcj02"
services = ["nursery", "elder_station", "health_station", "canteen", "culture_station", "service_complex"]
rooms = {{ canteen = 200 }}
sites = 3
budget = 900
reserve = 6
weights = {{ "60+" = 2 }}
cost_each_m2 = 0.05
cost_unit = "万元"
year = "2027"

[assessment]
standard = "yuzhong-15min"
walker = "adult"
walkers = ["older", "pram", "wheelchair"]

[[scenario]]
name = "马家堡综合服务体（合成示例）"

[[scenario.facilities]]
do = "add"
services = ["canteen", "nursery", "elder_station"]
name = "马家堡综合服务体（虚构）"
lon = 106.5259
lat = 29.5385
datum = "wgs84"
floor_area_m2 = 900

[[scenario.facilities]]
do = "close"
id = "石板坡社区食堂"
"""  # noqa: E501


def make(folder: Path) -> None:
    """Write every file of the study."""
    folder.mkdir(parents=True, exist_ok=True)
    ground = make_ground()
    net = make_net(grow(ground), ground)
    homes = make_homes(ground, net)
    communities = make_communities(ground, net, homes)
    doors = Doors(homes, communities)
    settle(communities, homes)
    spots = make_spots(doors, ground, net, homes)
    fit_floor_area(homes)
    settle(communities, homes)
    osm = OsmFile()
    add_streets(osm, net, ground)
    add_ground(osm, ground, net)
    add_rail(osm)
    add_homes(osm, homes)
    add_spots(osm, [*make_stations(net), *spots])
    osm.write(folder / "demo.osm.pbf")
    write_terrain(folder / "terrain.tif", ground)
    write_units(folder, communities)
    write_inventory(folder / "inventory.csv", make_inventory(doors))
    write_vacant(folder / "vacant.csv", make_vacant(doors))
    write_survey(folder / "survey.csv", communities, [one.key for one in Standard.load("yuzhong-15min").categories])
    listed = ", ".join(f'"{key}"' for key in COMPLETE)
    (folder / "study.toml").write_text(STUDY.format(date=DATE, complete=listed), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    make(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent / "demo")
