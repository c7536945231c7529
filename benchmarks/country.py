"""A whole synthetic study of any size: streets, hills, homes, places and units as the files that a planner would have.

The streets are those of `benchmarks.city`. Everything is invented and says so. Deterministic.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import osmium
import rasterio
import shapely
from rasterio.transform import from_origin

from benchmarks.city import METRES_A_DEGREE, ORIGIN_LONLAT, City, height, make

SIDE_M = 20.0  # of a building
OFF_M = 25.0  # from its street
PEOPLE_EACH = 110.0  # residents of a building
COMMUNITY_M, SUBDISTRICT_M = 1500.0, 6000.0
CELL_M = 60.0  # of the terrain
PLACES = (  # tags by category of the city; the rarest last
    {"amenity": "toilets"},
    {"shop": "convenience"},
    {"amenity": "pharmacy"},
    {"highway": "bus_stop"},
    {"amenity": "kindergarten", "name": "合成幼儿园"},
    {"shop": "supermarket", "name": "合成超市"},
    {"amenity": "marketplace", "name": "合成菜市场"},
    {"amenity": "school", "name": "合成小学"},
    {"amenity": "clinic", "name": "合成社区卫生服务中心"},
    {"amenity": "library", "name": "合成图书馆"},
    {"amenity": "hospital", "name": "合成医院"},
)
STUDY = """# Synthetic: every street, home and place is invented.
[study]
name = "合成城市"
name_en = "Synthetic city"
crs = "EPSG:32648"
data_date = "2026-01-01"
synthetic = true
attribution = "circle15 合成数据 synthetic data"

[area]
boundary = "boundary.geojson"
margin_m = 1500

[streets]
files = ["streets.osm.pbf"]

[heights]
terrain = "terrain.tif"

[units]
files = ["units.geojson"]

[assessment]
standard = "yuzhong-15min"
search_minutes = 30
"""


def write(city: City, folder: Path, *, homes: int, seed: int = 15) -> None:
    """Write boundary, units, streets with homes and places, terrain and the study file."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    at = random.choice(len(city.x), min(homes, len(city.x)), replace=False)
    angle = random.uniform(0, 2 * np.pi, len(at))
    xy = np.column_stack([city.x[at], city.y[at]]) + OFF_M * np.column_stack([np.cos(angle), np.sin(angle)])
    _osm(city, xy, folder / "streets.osm.pbf", random)
    _units(city, xy, folder)
    _terrain(city, folder / "terrain.tif")
    (folder / "study.toml").write_text(STUDY, encoding="utf-8")


def _osm(city: City, homes: np.ndarray, path: Path, random: np.random.Generator) -> None:
    path.unlink(missing_ok=True)
    nodes = len(city.x)
    corners = homes[:, None, :] + SIDE_M / 2 * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    lonlat = _lonlat(np.concatenate([np.column_stack([city.x, city.y]), corners.reshape(-1, 2)]))
    tags: dict[int, dict[str, str]] = {}
    for place, category in zip(city.facility.tolist(), city.category.tolist(), strict=True):
        tags.setdefault(place, PLACES[category])
    levels = random.integers(4, 31, len(homes)).tolist()
    thing = osmium.osm.mutable
    with osmium.SimpleWriter(str(path)) as writer:
        for number, place in enumerate(lonlat.tolist()):
            writer.add_node(thing.Node(id=number + 1, location=place, version=1, tags=tags.get(number, {})))
        for number, refs in enumerate(_ways(city)):
            writer.add_way(thing.Way(id=number + 1, nodes=refs, version=1, tags={"highway": "residential"}))
        ways = int(city.way.max()) + 1
        for number, level in enumerate(levels):
            first = nodes + 4 * number + 1
            ring = [first, first + 1, first + 2, first + 3, first]
            building = {"building": "apartments", "building:levels": str(level)}
            writer.add_way(thing.Way(id=ways + number + 1, nodes=ring, version=1, tags=building))


def _ways(city: City) -> list[list[int]]:
    """The nodes of every street, in order."""
    ahead = np.flatnonzero(city.tail < city.head)
    order = ahead[np.argsort(city.way[ahead], kind="stable")]
    cuts = np.flatnonzero(np.diff(city.way[order])) + 1
    ways = []
    for links in np.split(order, cuts):
        beside: dict[int, list[int]] = {}
        for tail, head in zip(city.tail[links].tolist(), city.head[links].tolist(), strict=True):
            beside.setdefault(tail, []).append(head)
            beside.setdefault(head, []).append(tail)
        while beside:  # a street whose middle was cut away is several ways
            here = next((node for node, others in beside.items() if len(others) == 1), next(iter(beside)))
            refs = [here]
            while beside.get(here):
                following = beside[here].pop()
                beside[following].remove(here)
                refs.append(following)
                here = following
            beside = {node: others for node, others in beside.items() if others}
            ways.append([node + 1 for node in refs])
    return ways


def _units(city: City, homes: np.ndarray, folder: Path) -> None:
    low = np.array([city.x.min(), city.y.min()]) - 10 * OFF_M
    high = np.array([city.x.max(), city.y.max()]) + 10 * OFF_M
    features = [_square("D", "合成区", "district", None, low, high, None)]
    count = np.ceil((high - low) / SUBDISTRICT_M).astype(int)
    inside = ((homes - low) // COMMUNITY_M).astype(int)
    people = np.zeros(np.ceil((high - low) / COMMUNITY_M).astype(int))
    np.add.at(people, tuple(inside.T), PEOPLE_EACH)
    for x in range(count[0]):
        for y in range(count[1]):
            corner = low + SUBDISTRICT_M * np.array([x, y])
            name = f"S{x:02d}{y:02d}"
            top = np.minimum(corner + SUBDISTRICT_M, high)
            features.append(_square(name, f"合成街道{x}-{y}", "subdistrict", "D", corner, top, None))
    for x, y in np.ndindex(*people.shape):
        corner = low + COMMUNITY_M * np.array([x, y])
        step = int(SUBDISTRICT_M / COMMUNITY_M)
        above = f"S{x // step:02d}{y // step:02d}"
        top = np.minimum(corner + COMMUNITY_M, high)
        features.append(_square(f"C{x:03d}{y:03d}", f"合成社区{x}-{y}", "community", above, corner, top, people[x, y]))
    _features(features, folder / "units.geojson")
    _features(features[:1], folder / "boundary.geojson")


def _square(
    code: str, name: str, tier: str, parent: str | None, low: np.ndarray, high: np.ndarray, people: float | None
) -> dict[str, object]:
    corners = np.array([low, (high[0], low[1]), high, (low[0], high[1]), low])
    edges = shapely.segmentize(
        shapely.LinearRing(corners), COMMUNITY_M / 2
    )  # so that all units bend alike when projected
    ring = [[round(lon, 7), round(lat, 7)] for lon, lat in _lonlat(shapely.get_coordinates(edges)).tolist()]
    about = {"code": code, "name": name, "tier": tier, "parent": parent, "population": people}
    return {"type": "Feature", "properties": about, "geometry": {"type": "Polygon", "coordinates": [ring]}}


def _features(features: list[dict[str, object]], path: Path) -> None:
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False), "utf-8")


def _terrain(city: City, path: Path) -> None:
    west, north = city.x.min() - 3000, city.y.max() + 3000
    columns = int((city.x.max() + 3000 - west) / CELL_M)
    rows = int((north - city.y.min() + 3000) / CELL_M)
    x = west + (np.arange(columns) + 0.5) * CELL_M
    step = np.array([CELL_M, CELL_M]) / METRES_A_DEGREE
    corner = _lonlat(np.array([[west, north]]))[0]
    profile = {"driver": "GTiff", "width": columns, "height": rows, "count": 1, "dtype": "float32"}
    profile |= {"crs": "EPSG:4326", "compress": "deflate", "tiled": True}
    with rasterio.open(path, "w", **profile, transform=from_origin(*corner, *step)) as raster:
        for first in range(0, rows, 256):
            y = north - (np.arange(first, min(first + 256, rows)) + 0.5) * CELL_M
            heights = height(*np.meshgrid(x, y)).astype("float32")
            raster.write(heights, 1, window=((first, first + len(y)), (0, columns)))


def _lonlat(xy: np.ndarray) -> np.ndarray:
    return xy / METRES_A_DEGREE + ORIGIN_LONLAT


def main() -> None:
    """Write a study of so many nodes and homes into a folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--nodes", type=int, default=100_000)
    parser.add_argument("--homes", type=int, default=10_000)
    given = parser.parse_args()
    write(make(given.nodes), given.folder, homes=given.homes)


if __name__ == "__main__":
    main()
