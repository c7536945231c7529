"""Hostile files at every door: bombs, pointers to elsewhere, shapes that are none, names that would be commands."""

import bz2
import contextlib
import csv
import gzip
import http.server
import io
import json
import random
import sqlite3
import struct
import sys
import threading
import warnings
import zipfile
import zlib
from pathlib import Path

import geopandas as gpd
import numpy as np
import openpyxl
import osmium
import pytest
import rasterio
from shapely import Polygon, box

from circle15.errors import Circle15Error, DataError, SourceError
from circle15.project import Standard
from circle15.project.study_file import Inventory
from circle15.sources import osm, terrain
from circle15.sources.areas import make_area, read_area, read_units
from circle15.sources.extract import cut_osm
from circle15.sources.files import read_shapes, read_table
from circle15.sources.inventory import sift_inventory
from circle15.sources.osm import read_osm
from circle15.sources.overrides import read_overrides
from circle15.sources.snapshot import newest_snapshot
from circle15.sources.terrain import read_terrain
from circle15.study import Study
from tiny_study import SOUTH, WEST, inventory_csv, town_osm, write_study

sys.path.insert(0, str(Path(__file__).parents[1] / "fuzzing"))

from doors import doors
from mutations import mutate

AREA = make_area(box(WEST - 0.001, SOUTH - 0.001, WEST + 0.006, SOUTH + 0.006), name="Town", margin_m=50)
SQUARE = [[WEST, SOUTH], [WEST + 0.01, SOUTH], [WEST + 0.01, SOUTH + 0.01], [WEST, SOUTH + 0.01], [WEST, SOUTH]]


def answer(read, *args, **how):
    """What a reader gives, or what it says when it refuses."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of GDAL, on standard error
        try:
            return read(*args, **how)
        except Circle15Error as error:
            return str(error)


def geojson(*geometries, **more):
    features = [
        {"type": "Feature", "properties": {"code": str(at)}, "geometry": one} for at, one in enumerate(geometries)
    ]
    return json.dumps({"type": "FeatureCollection", "features": features} | more)


# ------------------------------------------------------------------------------------------------------------- pointers


@pytest.fixture
def server():
    """A web server on this machine that counts who asks."""
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(geojson({"type": "Polygon", "coordinates": [SQUARE]}).encode())

        do_HEAD = do_GET  # noqa: N815

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{serving.server_port}/x.geojson", asked
        serving.shutdown()


def pointers(address, secret):
    layer = f'<OGRVRTLayer name="x"><SrcDataSource>{address}</SrcDataSource></OGRVRTLayer>'
    vrt = f"<OGRVRTDataSource>{layer}</OGRVRTDataSource>"
    here = vrt.replace(f"{address}</Src", f"{secret}</Src")
    command = {"type": "gdal_streamed_alg", "command_line": f"gdal vector pipeline ! read {address}"}
    wfs = f"<OGRWFSDataSource><URL>{address}</URL></OGRWFSDataSource>"
    return {
        "web.vrt": vrt,
        "web.geojson": vrt,
        "web.json": json.dumps(command),
        "here.json": json.dumps(command | {"command_line": f"gdal vector pipeline ! read {secret}"}),
        "web.kml": f"<!-- <kml> -->\n{vrt}",
        "here.kml": here,
        "wide.kml": ("\ufeff" + here).encode("utf-16-le"),
        "web.gpkg": vrt,
        "web.shp": vrt,
        "here.shp": here,
        "web.gml": f'<a xmlns:xlink="http://www.w3.org/1999/xlink" xlink:href="{address}"/>',
        "wfs.kml": wfs,
        "beside.kml": f"<kml>{wfs}</kml>",
        "schema.kml": f'<gml xmlns="http://www.opengis.net/gml" xmlns:s="s" s:schemaLocation="x {address}"/>',
        "address.geojson": address,
        "curl.geojson": f"/vsicurl/{address}",
    }


@pytest.mark.parametrize("name", pointers("", ""))
def test_a_file_of_shapes_never_leads_elsewhere(tmp_path, server, name):
    address, asked = server
    secret = tmp_path / "secret.geojson"
    secret.write_text(geojson({"type": "Polygon", "coordinates": [SQUARE]}))
    content = pointers(address, secret)[name]
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    for read in (read_shapes, read_table, lambda one: read_area(one, margin_m=0), lambda one: read_units([one], AREA)):
        with pytest.raises(SourceError) as error:
            read(path)
        assert name in str(error.value)
    assert asked == []


@pytest.mark.parametrize("before", ["", "\ufeff", '<?xml version="1.0"?>\n<!-- a <b> --> '])
def test_kml_is_read_whatever_stands_before_it(tmp_path, before):
    corners = " ".join(f"{x},{y}" for x, y in SQUARE)
    shape = f"<Polygon><outerBoundaryIs><LinearRing><coordinates>{corners}</coordinates></LinearRing></outerBoundaryIs>"
    place = f"<Placemark><name>x</name>{shape}</Polygon></Placemark>"
    path = tmp_path / "area.kml"
    text = f'{before}<kml\n xmlns="http://www.opengis.net/kml/2.2"><Document>{place}</Document></kml>'
    path.write_text(text, encoding="utf-8")
    assert read_shapes(path).geometry.iloc[0].equals(Polygon(SQUARE))


@pytest.mark.parametrize("name", ["/vsicurl/http://127.0.0.1:9/x.tif", "http://127.0.0.1:9/x.tif", "vsimem/x.tif"])
def test_an_address_is_no_file(name):
    for read in (read_shapes, read_osm, lambda one: read_terrain(one, AREA)):
        with pytest.raises(SourceError, match="no such file"):
            read(Path(name))


def test_a_file_that_is_named_like_an_address_is_only_a_file(tmp_path, server, monkeypatch):
    _, asked = server
    place = tmp_path / "vsicurl" / "http:" / "127.0.0.1"
    place.mkdir(parents=True)
    (place / "x.geojson").write_text(geojson({"type": "Polygon", "coordinates": [SQUARE]}))
    monkeypatch.chdir(tmp_path)
    assert read_area(Path("vsicurl/http:/127.0.0.1/x.geojson"), margin_m=0).boundary.area > 0
    assert asked == []


# ---------------------------------------------------------------------------------------------------------------- bombs

LAUGHS = "<!DOCTYPE x [<!ENTITY a '{}'>".format("ha" * 50) + "".join(
    f"<!ENTITY {chr(98 + at)} '{f'&{chr(97 + at)};' * 20}'>" for at in range(8)
)
OUTSIDE = "<!DOCTYPE x [<!ENTITY i SYSTEM 'file:///etc/hostname'>"


@pytest.mark.parametrize("entities", [LAUGHS, OUTSIDE], ids=["laughs", "outside"])
@pytest.mark.parametrize("ending", [".osm", ".osm.gz", ".osm.bz2"])
def test_entities_in_osm_xml(tmp_path, entities, ending):
    node = '<node id="1" lat="1" lon="1"><tag k="a" v="&i;"/></node>'
    text = f'<?xml version="1.0"?>{entities}]><osm version="0.6">{node}</osm>'
    pack = {".gz": gzip.compress, ".bz2": bz2.compress}.get(Path(ending).suffix, bytes)
    path = tmp_path / f"x{ending}"
    for before in ("", f"<!-- {'x' * 9000} -->"):  # beyond what is looked at first
        path.write_bytes(pack(text.replace("?>", f"?>{before}", 1).encode()))
        with pytest.raises(Circle15Error, match=r"document type|cannot be read"):
            read_osm(path)


@pytest.mark.parametrize("entities", [LAUGHS, OUTSIDE], ids=["laughs", "outside"])
def test_entities_in_kml(tmp_path, entities):
    path = tmp_path / "x.kml"
    path.write_text(f'<?xml version="1.0"?>{entities}]><kml><Placemark><name>&i;</name></Placemark></kml>')
    with pytest.raises(SourceError, match="instructions instead of shapes"):
        read_shapes(path)


def spoilt_excel(part, content):
    book, out = openpyxl.Workbook(), io.BytesIO()
    book.active.append(["名称", "经度", "纬度"])
    book.save(out)
    again = io.BytesIO()
    with zipfile.ZipFile(out) as old, zipfile.ZipFile(again, "w", zipfile.ZIP_DEFLATED) as new:
        for name in {*old.namelist(), part}:
            new.writestr(name, content if name == part else old.read(name))
    return again.getvalue()


@pytest.mark.parametrize("part", ["xl/workbook.xml", "xl/sharedStrings.xml", "xl/worksheets/sheet1.xml"])
@pytest.mark.parametrize("entities", [LAUGHS, OUTSIDE], ids=["laughs", "outside"])
def test_entities_in_excel(tmp_path, part, entities):
    path = tmp_path / "x.xlsx"
    text = (
        f'{entities}]><sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><t>&i;</t></si></sst>'
    )
    path.write_bytes(spoilt_excel(part, text))
    with pytest.raises(Circle15Error):
        read_table(path)


@pytest.mark.parametrize("ending", [".osm.gz", ".osm.bz2", ".json.gz"])
def test_packed_osm_that_unpacks_to_far_more_than_osm_does(tmp_path, ending):
    pack = bz2.compress if ending.endswith("bz2") else gzip.compress
    path = tmp_path / f"x{ending}"
    path.write_bytes(pack(b"<osm>" + b" " * 40_000_000))
    with pytest.raises(DataError, match=r"it unpacks to more than 1[678] MB, which OSM data of its size never do"):
        read_osm(path)


def test_honest_packed_osm_is_read(tmp_path):
    text = town_osm().encode() * 1
    for ending, pack in ((".osm.gz", gzip.compress), (".osm.bz2", bz2.compress)):
        path = tmp_path / f"x{ending}"
        path.write_bytes(pack(text))
        assert len(read_osm(path).ways) > 30


def bomb(path, name, size):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
        packed.writestr(name, bytes(size))


def test_zip_bombs(tmp_path, monkeypatch):
    monkeypatch.setattr("circle15.sources.files.MOST_UNPACKED", 1_000_000)
    monkeypatch.setattr(terrain, "MOST_UNZIPPED", 1_000_000)
    for name, inside, read in (
        ("x.xlsx", "xl/workbook.xml", read_table),
        ("x.zip", "x.shp", read_shapes),
        ("N29E106.hgt.zip", "N29E106.hgt", lambda path: read_terrain(path, AREA)),
    ):
        bomb(tmp_path / name, inside, 1_000_001)
        with pytest.raises(Circle15Error, match=f"{name}: it unpacks to 1"):
            read(tmp_path / name)


def test_a_zip_that_lies_about_its_size(tmp_path):
    bomb(tmp_path / "N29E106.hgt.zip", "N29E106.hgt", 2 * 1201 * 1201)
    content = bytearray((tmp_path / "N29E106.hgt.zip").read_bytes())
    for at in (content.find(b"PK\x03\x04") + 22, content.find(b"PK\x01\x02") + 24):
        content[at : at + 4] = struct.pack("<I", 100)
    (tmp_path / "N29E106.hgt.zip").write_bytes(content)
    with pytest.raises(SourceError, match="cannot be read as a raster"):
        read_terrain(tmp_path / "N29E106.hgt.zip", AREA)


def test_a_damaged_zip_of_heights_is_refused_and_not_a_crash(tmp_path):
    """The driver of .hgt files ended the process when a zip could not be unpacked."""
    path = tmp_path / "N29E106.hgt.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("N29E106.hgt", np.full((1201, 1201), 200, dtype=">i2").tobytes())
    sound = path.read_bytes()
    assert np.isfinite(read_terrain(path, AREA).heights).any()
    for at in (0, 3, 26, 60, 200, len(sound) // 2, len(sound) - 30):
        path.write_bytes(sound[:at] + bytes([sound[at] ^ 0x55]) + sound[at + 1 :])
        with pytest.raises(SourceError):
            read_terrain(path, AREA)


@pytest.mark.parametrize(
    "transform",
    [
        rasterio.Affine(np.nan, 0, WEST, 0, -0.001, SOUTH),
        rasterio.Affine(1e300, 0, WEST, 0, -1e300, SOUTH),
        rasterio.Affine(1e-300, 0, WEST, 0, -1e-300, SOUTH),
        rasterio.Affine(0.001, 0, 1e308, 0, -0.001, SOUTH),
    ],
    ids=["nan", "wide", "narrow", "far"],
)
def test_rasters_in_impossible_places(tmp_path, transform):
    path = tmp_path / "x.tif"
    profile = {"driver": "GTiff", "height": 4, "width": 4, "count": 1, "dtype": "float32", "crs": "EPSG:4326"}
    with rasterio.open(path, "w", **profile, transform=transform) as raster:
        raster.write(np.full((4, 4), 200, dtype="float32"), 1)
    with pytest.raises(Circle15Error):
        read_terrain(path, AREA)


def test_brackets_in_brackets(tmp_path):
    deep = "[" * 200_000
    (tmp_path / "x.json").write_text('{"elements": ' + deep)
    with pytest.raises(DataError, match="not valid JSON"):
        read_osm(tmp_path / "x.json")
    for text in (
        '{"type": "FeatureCollection", "features": ' + deep,
        geojson({"type": "Polygon", "coordinates": 0}).replace("0}}", deep),
    ):
        (tmp_path / "x.geojson").write_text(text)
        with pytest.raises(SourceError, match="cannot be read"):
            read_shapes(tmp_path / "x.geojson")
    frozen = tmp_path / "snapshot" / "2026-01-01"
    frozen.mkdir(parents=True)
    (frozen / "sources.json").write_text('{"files": ' + deep)
    with pytest.raises(SourceError, match=r"sources\.json"):
        newest_snapshot(tmp_path / "snapshot")


# --------------------------------------------------------------------------------------------------------------- shapes

TIE = [SQUARE[0], SQUARE[2], SQUARE[1], SQUARE[3], SQUARE[0]]
SPOILT = {
    "no number": {"type": "Polygon", "coordinates": [[["NaN", 1], *SQUARE[1:]]]},
    "infinite": {"type": "Polygon", "coordinates": [[[1e999, 29], *SQUARE[1:4], [1e999, 29]]]},
    "null place": {"type": "Polygon", "coordinates": [[None, *SQUARE[1:]]]},
    "no shape": None,
    "empty": {"type": "Polygon", "coordinates": []},
    "empty ring": {"type": "Polygon", "coordinates": [[]]},
    "two points": {"type": "Polygon", "coordinates": [SQUARE[:2]]},
    "one place": {"type": "Polygon", "coordinates": [[SQUARE[0]] * 5]},
    "point": {"type": "Point", "coordinates": SQUARE[0]},
    "collection of nothing": {"type": "GeometryCollection", "geometries": []},
    "unknown kind": {"type": "Blob", "coordinates": [SQUARE]},
    "pole": {"type": "Polygon", "coordinates": [[[0, 91], [1, 91], [1, 92], [0, 91]]]},
}


@pytest.mark.parametrize("what", SPOILT)
def test_a_boundary_that_is_no_area_is_refused(tmp_path, what):
    path = tmp_path / "x.geojson"
    path.write_text(geojson(SPOILT[what]).replace('"NaN"', "NaN"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of GDAL, on standard error
        with pytest.raises(Circle15Error) as error:
            read_area(path, margin_m=0)
        with pytest.raises(Circle15Error):
            read_units([path], AREA)
    assert "x.geojson" in str(error.value)


@pytest.mark.parametrize(
    "ring", [SQUARE[:4], TIE, [[*one, 7.5] for one in SQUARE], SQUARE[::-1]], ids=["open", "tie", "3d", "turned"]
)
def test_a_boundary_that_can_be_mended_is_an_area(tmp_path, ring):
    path = tmp_path / "x.geojson"
    path.write_text(geojson({"type": "Polygon", "coordinates": [ring]}))
    area = answer(read_area, path, margin_m=0)
    if ring == SQUARE[:4] and isinstance(area, str):  # an open ring may be refused, if it is said
        assert "x.geojson" in area
        return
    assert area.boundary.is_valid
    assert not area.boundary.has_z
    assert area.boundary.area > 100_000


def curve_package(path):
    """A layer whose only shape is a round CURVEPOLYGON, which shapely does not know."""
    gpd.GeoDataFrame({"code": ["1"]}, geometry=[box(WEST, SOUTH, WEST + 0.01, SOUTH + 0.01)], crs=4326).to_file(path)
    corners = [(WEST, SOUTH), (WEST + 0.01, SOUTH + 0.01), (WEST, SOUTH)]
    arc = struct.pack("<BII", 1, 8, 3) + b"".join(struct.pack("<dd", *one) for one in corners)
    curve = struct.pack("<BII", 1, 10, 1) + arc
    with contextlib.closing(sqlite3.connect(path)) as file, file:
        (table, column) = file.execute("SELECT table_name, column_name FROM gpkg_geometry_columns").fetchone()
        for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            file.execute(f'DROP TRIGGER "{name}"')
        file.execute(f'UPDATE "{table}" SET "{column}" = ?', (b"GP\0\1" + struct.pack("<i", 4326) + curve,))  # noqa: S608
        file.execute("UPDATE gpkg_geometry_columns SET geometry_type_name = 'CURVEPOLYGON'")
    file.close()


def test_curves_are_drawn_as_lines_or_refused(tmp_path):
    path = tmp_path / "x.gpkg"
    curve_package(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        try:
            area = read_area(path, margin_m=0)
        except Circle15Error:
            return
    assert area.boundary.geom_type == "Polygon"
    assert len(area.boundary.exterior.coords) > 10


# ---------------------------------------------------------------------------------------------------------------- names

NAMES = {
    "path": "../../../etc/cron.d/x",
    "windows": "..\\..\\x:y",
    "nul": "a\0b",
    "lines": "a\nb\r\nc",
    "formula": '=HYPERLINK("http://x","y")',
    "plus": "+1+cmd|' /C calc'!A0",
    "minus": "-2+3",
    "at": "@SUM(1)",
    "wide": "＝1+1",
    "tab": "\t=1",
    "script": "<script>alert(1)</script>",
    "turned": "abc\u202etxt.exe",
    "long": "长" * 10_000,
    "lone": "\ud800",
    "none": "",
    "dots": "..",
}


@pytest.mark.parametrize("door", ["inventory", "osm"])
def test_hostile_names_and_ids_stay_text_in_everything_that_is_written(tmp_path, door):
    study = write_study(tmp_path)
    names = {key: name for key, name in NAMES.items() if key not in ("nul", "lone") and key != "none"}
    if door == "inventory":
        rows = list(csv.reader(io.StringIO(inventory_csv())))
        out = io.StringIO()
        lon, lat = rows[1][3:5]
        hostile = [[name, name, "canteen", lon, lat, "5"] for name in names.values()]
        hostile += [[f"r{at}", name, name, name, lat, name] for at, name in enumerate(names.values())]
        csv.writer(out).writerows([*rows, *hostile])
        (tmp_path / "inventory.csv").write_text(out.getvalue(), encoding="utf-8", newline="")
    else:
        text = (tmp_path / "town.osm").read_text(encoding="utf-8")
        from xml.sax.saxutils import quoteattr

        extra = "".join(
            f'<node id="{7000 + at}" version="1" lat="{SOUTH + 0.0011}" lon="{WEST + 0.0012}">'
            f'<tag k="shop" v="convenience"/><tag k="name" v={quoteattr(name[:255])}/>'
            f'<tag k="operator" v={quoteattr(name[:255])}/></node>'
            for at, name in enumerate(names.values())
        )
        text = text.replace('k="name" v="小石梯"', f'k="name" v={quoteattr(names["formula"])}')
        (tmp_path / "town.osm").write_text(text.replace("<way", extra + "<way", 1), encoding="utf-8")
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    folder = Study.open(study).run()
    assert {path.parent for path in set(tmp_path.rglob("*")) - before} <= {tmp_path, folder}
    for path in folder.glob("*.csv"):
        for row in csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline="")):
            for cell in row:
                number = cell.replace(".", "").replace("-", "").replace("e", "").isdigit()
                assert number or not cell.lstrip().startswith(("=", "+", "-", "@", "＝")), (path.name, cell)
    page = (folder / "map.html").read_text(encoding="utf-8")
    assert "<script>alert(1)" not in page


@pytest.mark.parametrize("what", NAMES)
def test_a_hostile_name_is_read_or_refused_in_words(tmp_path, what):
    lines = inventory_csv().splitlines()
    cell = '"' + NAMES[what].replace('"', '""') + '"'
    lines.append(lines[1].replace("T0", cell).replace("食堂甲", cell))
    path = tmp_path / "inventory.csv"
    path.write_bytes("\n".join(lines).encode("utf-8", errors="surrogatepass"))
    standard = Standard.load("yuzhong-15min")
    given = Inventory(file=Path(path.name), datum="gcj02")
    said = answer(sift_inventory, given, AREA, standard=standard, folder=tmp_path)
    if isinstance(said, str):
        assert len(said) < 2000
        assert "\n" not in said


def test_a_column_that_stands_twice_and_mixed_line_ends(tmp_path):
    path = tmp_path / "x.csv"
    path.write_bytes("编号,高差,高差\r\nway/1,5,6\rway/2,7,8\nway/3,,9\n\r".encode())
    read = answer(read_overrides, path)
    if isinstance(read, str):
        assert "x.csv" in read
    else:
        assert list(read.index) == ["way/1", "way/2", "way/3"]


# -------------------------------------------------------------------------------------------- what fuzzing has shown


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("packed.osm.gz", gzip.compress(b"<osm/>" * 999)[:20] + b"\xff" * 30),  # zlib.error
        ("digits.osm", '<osm version="0.6"><node id="１２" lat="1" lon="1"/></osm>'.encode()),  # ValueError
        ("version.osm", b'<osm version="0.6"><node id="1" version="xx" lat="1" lon="1"/></osm>'),
        ("date.osm", b'<osm version="0.6" generator="\xe6"><node id="1" lat="1" lon="1"/></osm>'),
    ],
    ids=["packed", "digits", "version", "date"],
)
def test_spoilt_osm_files_end_in_one_finding(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(Circle15Error, match=name):
        read_osm(tmp_path / name)


def small_pbf(path, how):
    """One node with a tag, whose text is in the file as it is where it is not packed."""
    with osmium.SimpleWriter(osmium.io.File(str(path), how)) as writer:
        writer.add_node(osmium.osm.mutable.Node(id=1, location=(1, 1), tags={"name": "abcdefgh"}))
    return path.read_bytes()


def test_a_zero_byte_in_a_tag_is_refused_and_not_a_crash(tmp_path):
    """Words with a zero byte inside made osmium read beyond the element, which ended the process."""
    path = tmp_path / "x.osm.pbf"
    content = small_pbf(path, "pbf,pbf_compression=none")
    assert read_osm(path).node_tags == {1: {"name": "abcdefgh"}}
    for word in (b"abc\0efgh", b"\0bcdefgh", b"abcdefg\0"):
        path.write_bytes(content.replace(b"abcdefgh", word))
        for read in (read_osm, lambda one: cut_osm(one, (0, 0, 2, 2), tmp_path / "cut.osm.pbf")):
            with pytest.raises(DataError, match=r"x\.osm\.pbf: a tag in it holds a zero byte"):
                read(path)


def test_a_block_that_unpacks_to_more_than_the_format_allows(tmp_path):
    def field(number, value):
        size, low = len(value), b""
        while size > 127:
            low, size = low + bytes([size & 127 | 128]), size >> 7
        return bytes([number << 3 | 2]) + low + bytes([size]) + value

    path = tmp_path / "x.osm.pbf"
    head = small_pbf(path, "pbf")
    blob = field(3, zlib.compress(bytes(40_000_000)))
    low = bytes([0x18, len(blob) & 127 | 128, len(blob) >> 7 & 127 | 128, len(blob) >> 14])
    start = field(1, b"OSMData") + low
    path.write_bytes(head + struct.pack(">I", len(start)) + start + blob)
    with pytest.raises(SourceError, match="more than the format allows"):
        read_osm(path)


@pytest.mark.parametrize("what", ["crs", "ring", "text"])
def test_spoilt_geoparquet_ends_in_one_finding(tmp_path, what):
    pyarrow = pytest.importorskip("pyarrow")
    path = tmp_path / "x.parquet"
    frame = gpd.GeoDataFrame({"name": ["abcdefgh"]}, geometry=[box(0, 0, 1, 1)], crs="EPSG:4326")
    frame.to_parquet(path, compression="none")
    if what == "crs":
        table = pyarrow.parquet.read_table(path)
        told = table.schema.metadata[b"geo"].replace(b"GeographicCRS", b"GeographixCRS")
        pyarrow.parquet.write_table(table.replace_schema_metadata({b"geo": told}), path)
    else:
        old, new = {"ring": (struct.pack("<dd", 1, 0), struct.pack("<dd", 7, 7)), "text": (b"abcdefgh", b"\xff" * 8)}[
            what
        ]
        content = path.read_bytes()
        assert old in content
        path.write_bytes(content.replace(old, new, 1))
    with pytest.raises(SourceError, match=r"x\.parquet: it cannot be read"):
        read_table(path)


def test_patterns_in_patterns_in_a_standard(tmp_path):
    shipped = Path(osm.__file__).parents[1] / "standards" / "yuzhong-15min.toml"
    text = shipped.read_text(encoding="utf-8")
    for pattern in ("(" * 5000 + ")" * 5000, "a{99999999999999999999}"):
        (tmp_path / "own.toml").write_text(text.replace("name = [", f'name = ["{pattern}", ', 1), encoding="utf-8")
        with pytest.raises(Circle15Error, match="is not a regular expression"):
            Standard.load("own.toml", base=tmp_path)


@pytest.fixture(scope="session")
def sound(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sound")
    return folder, doors(folder)


DOORS = (
    *("study file", "standard", "walker", "osm xml", "osm.gz", "pbf", "overpass json", "elements", "inventory csv"),
    *("inventory xlsx", "inventory geojson", "inventory gpkg", "boundary geojson", "boundary kml", "units geojson"),
    *("terrain tif", "terrain hgt.zip", "people raster", "clusters", "totals", "survey", "overrides", "snapshot"),
    *("results manifest", "results package", "opening hours", "inventory parquet", "candidates csv"),
)
SLOW = {"elements": 20, "terrain hgt.zip": 30, "inventory xlsx": 40, "inventory gpkg": 40, "boundary kml": 40}
SLOW |= {"results manifest": 40, "results package": 20}


@pytest.mark.parametrize("door", DOORS)
def test_a_door_answers_spoilt_files_with_a_table_or_an_error_of_ours(sound, door):
    """A small part of fuzzing/fuzz.py, without its limits on time and memory."""
    folder, known = sound
    assert set(known) <= set(DOORS)
    if door not in known:
        pytest.skip("the extra parquet is not installed")
    one = known[door]
    path = folder / one.file
    path.parent.mkdir(parents=True, exist_ok=True)
    before = path.read_bytes() if path.exists() else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for number in range(SLOW.get(door, 100)):
            path.write_bytes(mutate(random.Random(f"15/{door}/{number}"), one.seeds, one.words))  # noqa: S311
            assert not isinstance(said := answer(one.read, path), str) or said
    path.unlink()
    if before is not None:
        path.write_bytes(before)
