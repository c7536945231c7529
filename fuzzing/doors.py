"""The doors that are fuzzed: for each the sound files it starts from, words of its format, and how it is read."""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import io
import json
import re
import zipfile
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import openpyxl
import osmium
import pandas as pd
import pyogrio
import rasterio
from mutations import packed
from rasterio.transform import from_origin
from shapely import MultiPolygon, Point, Polygon, box
from shapely.affinity import translate

from circle15.project import Project, Standard, Walker
from circle15.project.study_file import Inventory
from circle15.report import write_geopackage
from circle15.sources import (
    areas,
    candidates,
    hours,
    inventory,
    land,
    osm,
    overrides,
    people,
    people_raster,
    places,
    results,
    snapshot,
    streets,
    survey,
    terrain,
    totals,
)
from circle15.study.comparing import compare
from sample_result import sample_result, sample_standard
from tiny_study import SOUTH, STUDY, WEST, inventory_csv, town_osm, write_study, write_terrain

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

OSM_WORDS = tuple(
    word.encode()
    for word in (
        *("highway", "steps", "elevator", "building", "level", "0;1;99999999", "-1--5", "incline", "up", "step_count"),
        *("1e9", "opening_hours", "24/7", "type", "multipolygon", "outer", "inner", "node", "way", "relation", "ref"),
        *("osm3s", "remark", "elements", "center", "bounds", "geometry", "lat", "lon", "building:levels", "entrance"),
        *("barrier", "gate", "oneway", "conveying", "admin_level", "boundary", "capacity", "∞", "३", "½"),
    )
)
TABLE_WORDS = tuple(
    word.encode()
    for word in (
        *("编号", "名称", "服务", "经度", "纬度", "建筑面积", "人口", "60岁及以上", "0-14", "year", "way/1", "node/41"),
        *("canteen", "食堂;药店", "关闭", "1900-01-00", "2024-02-30", "1,200", "１２", "NaN", "geometry", "lon", "lat"),
    )
)
SHAPE_WORDS = tuple(
    word.encode()
    for word in (
        *('"Point"', '"Polygon"', '"MultiPolygon"', '"GeometryCollection"', '"coordinates"', "[[]]", "[]", "null"),
        *('"crs"', "EPSG:4326", "urn:ogc:def:crs:EPSG::0", '"type"', '"FeatureCollection"', "NaN", "Infinity"),
        *("<OGRVRTDataSource>", "gdal_streamed_alg", "<!DOCTYPE x [<!ENTITY a 'b'>]>", "&a;", "POLYGON EMPTY"),
    )
)
TOML_WORDS = tuple(
    word.encode()
    for word in (
        *("[[", "]]", "'''", '"""', "1979-05-27T07:32:00Z", "0b11", "inf", "-nan", "true", "[a.b]", "a.b.c = 1"),
        *("outside = true", "complete = 5", "files = {}", "datum", "categories = [1]", "services = 3", "folder = 1"),
        *('do = "move"', "lon = nan", "inventory = []", 'standard = "x.toml"', "facilities = [{}]"),
    )
)
HOURS_WORDS = tuple(
    word.encode()
    for word in (
        *("Mo-Su", "PH off", "sunrise", "dusk", "week 1-53/2", "Jan-Dec", "easter -2 days", "24/7", "||", "unknown"),
        *('"by appointment"', "2020-9999", "26:00", "00:00-48:00", "Mo[1]", "Mo[-1]", "+", "SH", "(sunrise+99:99)"),
    )
)


@dataclass(frozen=True)
class Door:
    """One reader, and what it is given."""

    file: str  # the name of the input
    read: Callable[[Path], object]
    seeds: Sequence[bytes]
    words: Sequence[bytes] = field(default=())
    refuses: bool = False  # even what it starts from


# -------------------------------------------------------------------------------------------- what readers hold against


@cache
def _area() -> Any:  # noqa: ANN401
    return areas.make_area(box(WEST - 0.001, SOUTH - 0.001, WEST + 0.006, SOUTH + 0.006), name="Town", margin_m=50)


@cache
def _standard() -> Standard:
    return Standard.load("yuzhong-15min")


@cache
def _units() -> gpd.GeoDataFrame:
    return areas.with_whole(areas.cell_units(_area(), 9), _area())


@cache
def _lifts() -> gpd.GeoDataFrame:
    rows = {"osm_id": ["node/1"], "kind": ["lift"], "hours": ["24/7"], "fee": [None]}
    return gpd.GeoDataFrame(rows, index=pd.Index(["node/1#0>"], name="link"))


# ------------------------------------------------------------------------------------------------------ sound files


def _saved(folder: Path, name: str, frame: gpd.GeoDataFrame, **how: str) -> bytes:
    frame.to_file(folder / name, **how)
    return (folder / name).read_bytes()


def _shapes() -> gpd.GeoDataFrame:
    hole = Polygon(box(0, 0, 0.003, 0.003).exterior, [box(0.001, 0.001, 0.002, 0.002).exterior])
    parts = [hole, box(0.003, 0, 0.006, 0.006), MultiPolygon([box(0, 0.003, 0.003, 0.006)])]
    rows = {
        "代码": ["500103001001", "A2", "3"],
        "名称": ["一社区", "二街道", "丙"],
        "层级": ["community", "街道", "社区"],
    }
    shapes = [translate(one, WEST, SOUTH) for one in parts]
    return gpd.GeoDataFrame(rows | {"人口": [100.0, 2000.0, np.nan]}, geometry=shapes, crs="EPSG:4326")


def _points() -> gpd.GeoDataFrame:
    rows = {
        "编号": ["a", "b", "c"],
        "名称": ["食堂", "药店", None],
        "服务": ["canteen", "pharmacy", "park"],
        "容量": [1, 2, 3],
    }
    west, south = WEST + 0.004, SOUTH - 0.002  # in GCJ-02
    shapes = [
        Point(west + 0.001, south),
        Point(west, south + 0.001, 5.0),
        box(west, south, west + 0.001, south + 0.001),
    ]
    return gpd.GeoDataFrame(rows, geometry=shapes, crs="EPSG:4326")


def _excel(text: str) -> bytes:
    book = openpyxl.Workbook()
    for row in text.strip().splitlines():
        book.active.append([float(cell) if cell.replace(".", "").isdigit() else cell for cell in row.split(",")])
    out = io.BytesIO()
    book.save(out)
    with zipfile.ZipFile(out) as folder:
        parts = {name: folder.read(name) for name in folder.namelist()}
    parts["docProps/core.xml"] = re.sub(
        rb"\d{4}-\d\d-\d\dT[\d:]+Z", b"2000-01-01T00:00:00Z", parts["docProps/core.xml"]
    )
    return packed(parts)


def _small_osm() -> str:
    """The town without most of its blocks of flats: small inputs are read quickly."""
    keep, inside = [], False
    for line in town_osm().splitlines():
        inside = line.startswith('<way id="1') and "building" in line and not line.startswith('<way id="10')
        if not inside:
            keep.append(line)
    return "\n".join(keep)


def _json_of(xml: Path) -> bytes:
    """The same elements as an Overpass reply."""
    elements = []
    for one in osmium.FileProcessor(str(xml)):
        thing: dict[str, Any] = {"type": {"n": "node", "w": "way", "r": "relation"}[one.type_str()], "id": one.id}
        if one.is_node():
            thing |= {"lat": one.location.lat, "lon": one.location.lon}
        elif one.is_way():
            thing["nodes"] = [node.ref for node in one.nodes]
        elements.append(thing | ({"tags": dict(one.tags)} if len(one.tags) else {}))
    town = {"type": "relation", "id": 9, "tags": {"boundary": "administrative", "admin_level": "8", "name": "乙街道"}}
    members = [{"type": "way", "ref": 100 + at, "role": "outer"} for at in (0, 5)] + [
        {"type": "way", "ref": 200 + at, "role": "outer"} for at in (0, 5)
    ]
    wood = {"type": "relation", "id": 10, "tags": {"type": "multipolygon", "building": "yes"}, "members": members}
    elements += [town | {"members": members}, wood]
    reply = {"version": 0.6, "osm3s": {"timestamp_osm_base": "2026-01-01T00:00:00Z"}, "elements": elements}
    return json.dumps(reply, ensure_ascii=False).encode()


def _pbf(xml: Path, kind: str) -> bytes:
    out = xml.with_name("seed.osm.pbf")
    out.unlink(missing_ok=True)
    with osmium.SimpleWriter(osmium.io.File(str(out), kind)) as writer:
        for one in osmium.FileProcessor(str(xml)):
            writer.add(one)
    return out.read_bytes()


def _raster(folder: Path, **profile: Any) -> bytes:  # noqa: ANN401
    path = folder / "seed.tif"
    rows, columns = 20, 20
    how = {"driver": "GTiff", "height": rows, "width": columns, "count": 1, "dtype": "float32", "crs": "EPSG:4326"}
    transform = from_origin(WEST - 0.005, SOUTH + 0.012, 0.001, 0.001)
    with rasterio.open(path, "w", **(how | profile), transform=transform) as raster:
        raster.write(np.linspace(200, 240, rows * columns).reshape(rows, columns).astype("float32"), 1)
    return path.read_bytes()


def _hgt() -> bytes:
    """An SRTM tile is known by its size alone: 1201 by 1201 whole numbers."""
    return np.full((1201, 1201), 200, dtype=">i2").tobytes()


def _small_standard() -> bytes:
    shipped = Path(areas.__file__).parents[1] / "standards" / "yuzhong-15min.toml"
    parts = shipped.read_text(encoding="utf-8").split("[[categories]]")
    return "[[categories]]".join([*parts[:3], *parts[-1:]]).encode()


def _shipped_walker(name: str) -> bytes:
    return (Path(areas.__file__).parents[1] / "walkers" / f"{name}.toml").read_bytes()


# ------------------------------------------------------------------------------------------------------ how it is read


def _read_elements(path: Path) -> None:
    """OSM elements, and all that is made of them: hostile tags reach every room."""
    elements = osm.read_osm(path)
    area, standard = _area(), _standard()
    links = streets.read_streets(elements, area)
    places.read_facilities(elements, area, standard=standard, streets=links)
    land.read_buildings(elements, area)
    land.read_ground(elements, area)
    land.read_boundaries(elements, area, levels={8: "subdistrict"})
    streets.short_sides(elements, area)
    hours.closed_links(links, when="Tu 21:00", fares="free only")


def _read_inventory(path: Path) -> None:
    inventory.sift_inventory(
        Inventory(file=Path(path.name), datum="gcj02"), _area(), standard=_standard(), folder=path.parent
    )


def _read_candidates(path: Path) -> None:
    candidates.sift_candidates(
        Inventory(file=Path(path.name), datum="wgs84"), _area(), standard=_standard(), folder=path.parent
    )


def _read_hours(path: Path) -> None:
    written = path.read_bytes().decode("utf-8", errors="replace")
    hours.closed_links(_lifts().assign(hours=[written], fee=[written]), when="Tu 21:00", fares="free only")
    hours.moment(written)


def _read_area(path: Path) -> None:
    areas.read_area(path, margin_m=50)


def _read_units(path: Path) -> None:
    areas.read_units([path], _area())


def _results(folder: Path) -> tuple[bytes, bytes]:
    """A results folder that can be read: its manifest and its package of tables."""
    folder.mkdir()
    result = sample_result()
    said = {
        "study": {"study": {"languages": ["zh"]}, "area": {"margin_m": 50.0}, "scenario": [{"name": "x", "close": []}]}
    }
    said |= {"standard": sample_standard().model_dump(mode="json"), "versions": {"circle15": "0"}}
    said["facts"] = {"name": "Town", "scenario": "x", "data_date": "2026", "closed_by_hand": ["way/1"]}
    said["sources"] = [{"file": "town.osm", "sha256": "0" * 64}]
    write_geopackage(result, folder / "results.gpkg", standard=sample_standard())
    (folder / "run.json").write_text(json.dumps(said, ensure_ascii=False, indent=1), encoding="utf-8")
    return (folder / "run.json").read_bytes(), (folder / "results.gpkg").read_bytes()


def doors(folder: Path) -> dict[str, Door]:
    """Every door by name; sound files are made in `folder`, which has to be empty."""
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": "2000-01-01T00:00:00Z"})  # the same files at any time
    write_study(folder)
    xml = folder / "town.osm"
    xml.write_text(_small_osm(), encoding="utf-8")
    text = xml.read_bytes()
    reply = _json_of(xml)
    table, tif = inventory_csv(), _raster(folder)
    write_terrain(folder / "terrain.tif")
    measured = "编号,高差,级数,等候,关闭\nway/300,6.2,40,,\nway/301,,,30,否\nnode/41,12,,45,\nway/200,,,,是\n"
    counted = "名称,代码,常住人口,60岁及以上,0-14岁,年份\nTown,study-area,2500,500,300,2020\n"
    asked = "单元,类别,份数,满意度\nTown,医疗卫生,120,4.2\nTown,养老服务,80,3.5\n"
    vacant = "名称,经度,纬度,闲置面积,产权单位,楼层,无障碍入口,可设服务,造价,资金来源,运营单位\n"
    vacant += (
        f"甲,{WEST + 0.001},{SOUTH},300,街道,1-2层,是,社区食堂；养老服务,12.5,民生实事,\n乙,{WEST},{SOUTH},,,B1,,,,,\n"
    )
    homes = f"编号,经度,纬度,人口,60岁及以上\nA,{WEST + 0.001},{SOUTH},500,90\nB,{WEST},{SOUTH + 0.002},700,\n"
    shapes = _saved(folder, "units.geojson", _shapes(), driver="GeoJSON")
    points = _saved(folder, "points.geojson", _points(), driver="GeoJSON")
    package = _saved(folder, "points.gpkg", _points(), driver="GPKG", layer="points")
    kml = _saved(folder, "units.kml", _shapes(), driver="KML")
    edits = '[[scenario]]\nname = "x"\nclose = ["way/1"]\n[[scenario.facilities]]\ndo = "close"\nid = "a"\n'
    toml = [STUDY.encode(), (STUDY + edits).encode()]
    told_of, package_of = _results(folder / "results")
    snapshots = folder / "snapshot" / "2026-01-01"
    snapshots.mkdir(parents=True)
    (snapshots / "streets-1.json").write_bytes(reply)
    told = {"file": "streets-1.json", "sha256": hashlib.sha256(reply).hexdigest(), "query": "x", "counts": {"nodes": 1}}
    frozen = {"files": [told]}
    known = {
        "study file": Door("study.toml", Project.read, toml, TOML_WORDS),
        "standard": Door(
            "own.toml", lambda path: Standard.load(path.name, base=path.parent), [_small_standard()], TOML_WORDS
        ),
        "walker": Door(
            "own.toml",
            lambda path: Walker.load(path.name, base=path.parent),
            [_shipped_walker("adult"), _shipped_walker("wheelchair")],
            TOML_WORDS,
        ),
        "osm xml": Door("x.osm", osm.read_osm, [text], OSM_WORDS),
        "osm.gz": Door("x.osm.gz", osm.read_osm, [gzip.compress(text, mtime=0)], OSM_WORDS),
        "pbf": Door("x.osm.pbf", osm.read_osm, [_pbf(xml, "pbf,pbf_compression=none"), _pbf(xml, "pbf")], OSM_WORDS),
        "overpass json": Door("x.json", osm.read_osm, [reply], OSM_WORDS),
        "elements": Door("x.json", _read_elements, [reply], OSM_WORDS),
        "inventory csv": Door("x.csv", _read_inventory, [table.encode(), table.encode("gb18030")], TABLE_WORDS),
        "candidates csv": Door("x.csv", _read_candidates, [vacant.encode(), vacant.encode("gb18030")], TABLE_WORDS),
        "inventory xlsx": Door("x.xlsx", _read_inventory, [_excel(table)], TABLE_WORDS),
        "inventory geojson": Door("x.geojson", _read_inventory, [points], SHAPE_WORDS),
        "inventory gpkg": Door("x.gpkg", _read_inventory, [package], SHAPE_WORDS),
        "boundary geojson": Door("x.geojson", _read_area, [shapes], SHAPE_WORDS),
        "boundary kml": Door("x.kml", _read_area, [kml], SHAPE_WORDS),
        "units geojson": Door("x.geojson", _read_units, [shapes], SHAPE_WORDS + TABLE_WORDS),
        "terrain tif": Door(
            "x.tif",
            lambda path: terrain.read_terrain(path, _area()),
            [tif, _raster(folder, compress="deflate", predictor=2)],
        ),
        "terrain hgt.zip": Door(
            "N29E106.hgt.zip",
            lambda path: terrain.read_terrain(path, _area()),
            [packed({"N29E106.hgt": _hgt()}), packed({"x.tif": tif})],
        ),
        "people raster": Door("x.tif", lambda path: people_raster.read_people_raster(path, _area()), [tif]),
        "clusters": Door(
            "x.csv", lambda path: people.read_origins(path, _area(), units=_units()), [homes.encode()], TABLE_WORDS
        ),
        "totals": Door("x.csv", lambda path: totals.read_totals(path, _units()), [counted.encode()], TABLE_WORDS),
        "survey": Door(
            "x.csv",
            lambda path: survey.read_survey(path, _units(), standard=_standard()),
            [asked.encode()],
            TABLE_WORDS,
        ),
        "overrides": Door("x.csv", overrides.read_overrides, [measured.encode()], TABLE_WORDS),
        "snapshot": Door(
            str(snapshots.relative_to(folder) / "sources.json"),
            lambda path: snapshot.newest_snapshot(path.parents[1]),
            [json.dumps(frozen, indent=1).encode()],
        ),
        "results manifest": Door(
            "results/run.json", lambda path: compare(path.parent, path.parent), [told_of], SHAPE_WORDS + TOML_WORDS
        ),
        "results package": Door(
            "results/results.gpkg",
            lambda path: results.read_results(path.parent, tables=("coverage", "grades", "facilities")),
            [package_of],
            SHAPE_WORDS,
        ),
        "opening hours": Door(
            "hours.txt",
            _read_hours,
            [b"Mo-Fr 08:00-12:00,14:00-18:00; Sa 09:00-12:00; PH off", b"Tu 21:00", "周二 21:00".encode(), b"2 CNY"],
            HOURS_WORDS,
            refuses=True,
        ),
    }
    if importlib.util.find_spec("pyarrow"):
        _points().to_parquet(folder / "points.parquet")
        content = (folder / "points.parquet").read_bytes()
        known["inventory parquet"] = Door("x.parquet", _read_inventory, [content], SHAPE_WORDS)
    return known
