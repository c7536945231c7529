"""A whole study of a tiny synthetic town, written as ordinary files; tests spoil one of them at a time.

Six by six streets about 100 m apart around 106.55 E, 29.55 N, a block of flats in every square, a staircase, a lift,
a pond, a pharmacy and two shops from OSM, and an inventory in GCJ-02.
"""

import json
from pathlib import Path

import numpy as np
import rasterio
from rasterio.transform import from_origin

from circle15.sources.datum import from_wgs84

WEST, SOUTH, STEP, SIDE = 106.55, 29.55, 0.001, 6
STUDY = """
[study]
name = "小镇"
name_en = "Tiny town"
synthetic = true
data_date = "2026-01-01"
output = "results"

[area]
boundary = "boundary.geojson"
margin_m = 50

[streets]
files = ["town.osm"]

[heights]
terrain = "terrain.tif"

[people]
total = 2500

[[facilities.inventory]]
file = "inventory.csv"
datum = "gcj02"
complete = ["canteen"]

[assessment]
standard = "yuzhong-15min"
"""


def lonlat(column, row):
    return round(WEST + column * STEP, 7), round(SOUTH + row * STEP, 7)


def town_osm() -> str:
    nodes, ways = {}, []

    def node(number, column, row, **tags):
        nodes[number] = (*lonlat(column, row), tags)
        return number

    def way(number, refs, **tags):
        ways.append((number, refs, tags))

    for row in range(SIDE):
        for column in range(SIDE):
            node(1 + row * SIDE + column, column, row)
    for line in range(SIDE):
        way(100 + line, [1 + line * SIDE + column for column in range(SIDE)], highway="residential", name=f"横{line}街")
        way(200 + line, [1 + row * SIDE + line for row in range(SIDE)], highway="footway")
    way(300, [1, SIDE + 2], highway="steps", step_count="40", incline="up", name="小石梯")
    node(40, -0.4, 2)
    node(41, -0.8, 2, highway="elevator", level="0;3", name="小电梯")
    node(42, -0.8, 3)
    way(301, [1 + 2 * SIDE, 40, 41], highway="footway", level="0")
    way(302, [41, 42, 1 + 3 * SIDE], highway="footway", level="3")
    number = 1000
    for row in range(SIDE - 1):
        for column in range(SIDE - 1):
            corners = [(0.25, 0.25), (0.6, 0.25), (0.6, 0.6), (0.25, 0.6)]
            refs = [node(number + at, column + dx, row + dy) for at, (dx, dy) in enumerate(corners)]
            way(number, [*refs, refs[0]], building="apartments", **{"building:levels": str(5 + row)})
            number += 10
    pond = [node(number + at, column, row) for at, (column, row) in enumerate([(5.2, 0), (5.6, 0), (5.6, 2), (5.2, 2)])]
    way(number, [*pond, pond[0]], natural="water")
    node(2000, 1.1, 1.05, amenity="pharmacy", name="小药房")
    node(2001, 4.1, 4.05, shop="convenience", name='<img src=x onerror="alert(1)">')
    node(2002, 0.1, 4.05, shop="supermarket", name="小超市")
    return _xml(nodes, ways)


def _xml(nodes, ways) -> str:
    def tag_lines(tags):
        quote = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"})
        return "".join(f'<tag k="{key}" v="{value.translate(quote)}"/>' for key, value in tags.items())

    text = ['<?xml version="1.0" encoding="UTF-8"?><osm version="0.6" generator="circle15 tests">']
    text += [
        f'<node id="{one}" version="1" lat="{lat}" lon="{lon}">{tag_lines(tags)}</node>'
        for one, (lon, lat, tags) in sorted(nodes.items())
    ]
    for one, refs, tags in sorted(ways, key=lambda item: item[0]):
        text.append(
            f'<way id="{one}" version="1">' + "".join(f'<nd ref="{ref}"/>' for ref in refs) + tag_lines(tags) + "</way>"
        )
    return "\n".join([*text, "</osm>\n"])


def inventory_csv() -> str:
    places = {"食堂甲": (2.05, 2.1, "canteen"), "食堂乙": (3.9, 0.9, "canteen"), "养老站": (1.9, 3.1, "elder_station")}
    rows = ["编号,名称,服务,经度,纬度,建筑面积"]
    for number, (name, (column, row, service)) in enumerate(places.items()):
        lon, lat = from_wgs84(np.array([lonlat(column, row)]), "gcj02")[0]
        rows.append(f"T{number},{name},{service},{lon:.7f},{lat:.7f},{300 + number}")
    return "\n".join(rows) + "\n"


def write_terrain(path: Path, west: float = WEST, south: float = SOUTH) -> None:
    """Forty metres of hill over one kilometre, in degrees."""
    rows, columns, cell = 60, 60, 0.0003
    heights = 200 + 40 * np.linspace(1, 0, rows)[:, None] + np.zeros((1, columns))
    profile = {"driver": "GTiff", "height": rows, "width": columns, "count": 1, "dtype": "float32", "crs": "EPSG:4326"}
    transform = from_origin(west - 0.005, south + 0.012, cell, cell)
    with rasterio.open(path, "w", **profile, transform=transform) as raster:
        raster.write(heights.astype("float32"), 1)


def write_study(folder: Path) -> Path:
    """Write the whole study; returns its study file."""
    west, south = lonlat(-1, -1)
    east, north = lonlat(SIDE, SIDE)
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    feature = {"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": [ring]}}
    (folder / "boundary.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    (folder / "town.osm").write_text(town_osm(), encoding="utf-8")
    (folder / "inventory.csv").write_text(inventory_csv(), encoding="utf-8-sig")
    write_terrain(folder / "terrain.tif")
    (folder / "study.toml").write_text(STUDY, encoding="utf-8")
    return folder / "study.toml"
