import csv
import importlib.util
import io
import re
from datetime import datetime
from pathlib import Path

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pytest
import shapely
from pyproj import CRS

from circle15.errors import Circle15Error, DataError, SourceError
from circle15.project import Inventory, Standard
from circle15.sources.areas import read_area
from circle15.sources.datum import from_wgs84, to_wgs84
from circle15.sources.inventory import read_inventory, sift_inventory
from circle15.sources.located import Rejected, write_rejected
from circle15.tables import FACILITIES, StudyArea

UTM = CRS("EPSG:32648")
STANDARD = Standard.load("yuzhong-15min")
HERE = gpd.GeoSeries([shapely.Point(106.5451, 29.5558)], crs=4326).to_crs(UTM).iloc[0]
AREA = StudyArea("两路口", HERE.buffer(2000), UTM, 500)


def read(path, **more):
    return read_inventory(path, AREA, standard=STANDARD, datum=more.pop("datum", "wgs84"), **more)


def sift(path, *, area=AREA, beside=None, **more):
    table = Inventory(file=path.name, datum=more.pop("datum", "wgs84"), **more)
    return sift_inventory(table, area, standard=STANDARD, folder=path.parent, beside=beside)


def written(tmp_path, text, encoding="utf-8", name="inventory.csv"):
    (tmp_path / name).write_text(text, encoding=encoding)
    return tmp_path / name


@pytest.mark.parametrize("datum", ["wgs84", "cgcs2000", "gcj02", "bd09"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_chinese_table_in_any_datum(tmp_path, datum, encoding):
    lon, lat = from_wgs84(np.array([[106.5451, 29.5558]]), datum)[0]
    path = written(
        tmp_path,
        f'编号,名称,类别,经度,纬度,建筑面积（㎡）,床位\n007,国际村社区养老服务站,社区养老服务站,{lon},{lat},"1,350",20\n',
        encoding,
    )
    found = read(path, datum=datum)
    row = found.loc["inventory/007/elder_station"]
    assert row["place"] == "inventory/007"
    assert (row["category"], row["tier"], row["name"]) == ("elderly_care", "community", "国际村社区养老服务站")
    assert (row["floor_area_m2"], row["capacity"], row["source"]) == (1350, 20, "inventory.csv")
    assert (row["verified"], row["entrance_from"]) == (True, "table")
    assert row.geometry.geom_type == "MultiPoint"
    assert row.geometry.distance(HERE) < 0.1
    FACILITIES.check(found, crs=UTM)


def test_read_in_the_wrong_datum_it_would_be_480_m_away(tmp_path):
    path = written(tmp_path, "name,service,lon,lat\nA,canteen,106.5451,29.5558\n")
    assert read(path, datum="gcj02").geometry.iloc[0].distance(HERE) == pytest.approx(480, abs=3)


def test_services_by_key_label_several_and_name(tmp_path):
    lines = [
        "canteen,",
        "社区食堂,",
        "Community canteen,",
        "canteen；library,",
        ",重庆村社区卫生服务中心",
        "食堂,桂花园社区食堂",
    ]
    assert STANDARD.service("canteen").names["en"] == "Community canteen"
    rows = "".join(f"{n},{line},106.545,29.556\n" for n, line in enumerate(lines, 1))
    found = read(written(tmp_path, "id,service,name,lon,lat\n" + rows))
    offered = found.groupby("place")["service"].agg(list).to_dict()
    assert [offered[f"inventory/{n}"] for n in (1, 2, 3)] == [["canteen"]] * 3
    assert offered["inventory/4"] == ["canteen", "library"]
    assert "health_centre" in offered["inventory/5"]
    assert "canteen" in offered["inventory/6"]


def test_every_service_is_known_by_its_key_and_its_labels(tmp_path):
    words = [
        (service.key, word)
        for service in STANDARD.services
        for word in (service.key, service.names["zh"], service.names["en"])
    ]
    rows = "".join(f'{n},"{word}",106.545,29.556\n' for n, (_, word) in enumerate(words))
    found = read(written(tmp_path, "id,service,lon,lat\n" + rows))
    offered = found.set_index("place")["service"]
    assert [offered[f"inventory/{n}"] for n in range(len(words))] == [key for key, _ in words]


def test_headers_of_ones_own(tmp_path):
    path = written(tmp_path, "甲,乙,丙,丁\n食堂一,canteen,106.545,29.556\n")
    columns = {"name": "甲", "service": "乙", "lon": "丙", "lat": "丁"}
    found = read(path, columns=columns)
    assert found["name"].tolist() == ["食堂一"]
    assert found.index.tolist() == ["inventory/1/canteen"]
    assert found["verified"].all()
    assert not sift(path, columns=columns, verified=False).facilities["verified"].any()
    with pytest.raises(DataError, match=r"inventory.csv columns: there is no column '戊' for name"):
        read(path, columns={"name": "戊"})


SHAPES = ["places.geojson", "places.gpkg", *(["places.parquet"] if importlib.util.find_spec("pyarrow") else [])]


@pytest.mark.parametrize("name", SHAPES)
def test_files_of_shapes(tmp_path, name):
    crs = 4326 if name.endswith("geojson") else UTM
    shapes = gpd.GeoSeries([HERE, HERE.buffer(30)], crs=UTM).to_crs(crs)
    table = gpd.GeoDataFrame({"名称": ["一", "二"], "服务": ["canteen"] * 2}, geometry=shapes, crs=crs)
    (table.to_parquet if name.endswith("parquet") else table.to_file)(tmp_path / name)
    found = read(tmp_path / name)
    assert found.index.tolist() == ["places/1/canteen", "places/2/canteen"]
    assert (found.distance(HERE) < 30).all()


def test_rows_beyond_the_extent_are_left_out(tmp_path):
    path = written(tmp_path, "id,service,lon,lat\n1,canteen,106.545,29.556\n2,canteen,106.60,29.556\n")
    assert read(path)["place"].tolist() == ["inventory/1"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,service,lon,lat\n", "there is no row in it"),
        ("", "it is empty"),
        ("id,service\n1,canteen\n", "there are no coordinates"),
        ("id,service,lon,lat\n1,canteen,29.556,106.545\n", "longitude and latitude are swapped in 1 of 1 rows"),
        ("id,service,lon,lat\n1,canteen,645000,3270000\n", "1 of 1 rows have coordinates that are not degrees"),
        ("id,service,lon,lat\n1,canteen,116.40,39.91\n", "1 of 1 rows lie more than 50 km from 两路口"),
        ("id,service,lon,lat\n1,canteen,106.60,29.556\n", "not one of 1 rows lies within 500 m of 两路口"),
        (
            "id,service,lon,lat\n1,canteen,106.545,29.556\n1,canteen,106.545,29.556\n",
            r"occur more than once \(first: 1",
        ),
        ("id,service,lon,lat,床位\n1,canteen,106.545,29.556,许多\n", "a capacity that is no number"),
    ],
)
def test_bad_tables(tmp_path, text, message):
    with pytest.raises(DataError, match=rf"inventory.csv: .*{message}"):
        read(written(tmp_path, text))


def test_every_finding_at_once(tmp_path):
    path = written(
        tmp_path,
        "id,service,lon,lat,capacity\na,canteen,106.545,29.556,5\na,aquarium,106.545,,5\nb,,106.545,29.556,-5\n"
        "c,canteen,inf,29.556,\n",
    )
    with pytest.raises(DataError) as caught:
        read(path)
    text = str(caught.value)
    assert "2 of 4 rows have no coordinates, or coordinates that are no numbers (first: 3, 5)" in text
    assert "1 ids occur more than once (first: a)" in text
    assert "2 of 4 rows name no service that is known (aquarium, empty) (first: 3, 4)" in text
    assert "1 of 4 rows have a capacity that is no number of 0 or more (first: 4)" in text


def test_no_such_file(tmp_path):
    with pytest.raises(SourceError, match="there is no such file"):
        read(tmp_path / "absent.csv")


# ------------------------------------------------------------------------------------------------- more kinds of files


def workbook(path, *rows, sheet="设施"):
    book = openpyxl.Workbook()
    book.active.title = "说明"
    for row in [["渝中区设施清单"], []] if sheet != "说明" else []:
        book.active.append(row)
    table = book.active if sheet == "说明" else book.create_sheet(sheet)
    for row in rows:
        table.append(row)
    book.save(path)
    return path


HEAD = [
    "编号",
    "设施名称",
    "设施类别",
    "经度",
    "纬度",
    "床位数",
    "详细地址",
    "所属街道",
    "所属社区",
    "运营单位",
    "核实日期",
    "营业时间",
]
ROW = [
    7.0,
    "国际村社区食堂",
    "社区食堂",
    106.5451,
    29.5558,
    20,
    "国际村1号",
    "两路口街道",
    "国际村社区",
    "某公司",
    datetime(2025, 3, 4),  # noqa: DTZ001  Excel knows no zones
    "08:00-18:00",
]


@pytest.mark.parametrize("sheet", ["说明", "设施"])
def test_an_excel_file_by_its_first_or_a_named_sheet(tmp_path, sheet):
    path = workbook(tmp_path / "inventory.xlsx", HEAD, ROW, [], sheet=sheet)
    found = read(path, **({} if sheet == "说明" else {"sheet": sheet})).loc["inventory/7/canteen"]
    assert found.geometry.distance(HERE) < 0.1
    assert found["capacity"] == 20
    details = ["address", "subdistrict", "community", "operator", "verified_date", "hours"]
    assert found[details].tolist() == [*ROW[6:10], "2025-03-04", "08:00-18:00"]
    with pytest.raises(DataError, match="there is no sheet '别处'"):
        read(path, sheet="别处")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut off", b"id,lon,lat"])
def test_no_excel_file_inside(tmp_path, content):
    (tmp_path / "a.xlsx").write_bytes(content)
    with pytest.raises(SourceError, match="not a sound Excel file"):
        read(tmp_path / "a.xlsx")


def test_a_spoilt_excel_file_is_refused_or_read_and_nothing_else(tmp_path):
    rng = np.random.default_rng(4)
    whole = workbook(tmp_path / "whole.xlsx", HEAD, ROW, sheet="说明").read_bytes()
    refused = 0
    for _ in range(60):
        spoilt = bytearray(whole)
        for at in rng.integers(len(spoilt), size=4):
            spoilt[at] = rng.integers(256)
        (tmp_path / "spoilt.xlsx").write_bytes(spoilt)
        try:
            sift(tmp_path / "spoilt.xlsx")
        except Circle15Error:
            refused += 1
    assert refused > 5


def test_an_old_or_an_empty_excel_file(tmp_path):
    (tmp_path / "a.xls").write_bytes(b"any")
    with pytest.raises(SourceError, match=r"Save it as \.xlsx"):
        read(tmp_path / "a.xls")
    with pytest.raises(DataError, match="it is empty"):
        read(workbook(tmp_path / "b.xlsx", sheet="说明"))


# ------------------------------------------------------------------------------------------------------------- refusals


def test_an_unknown_datum_is_refused_with_a_measurement(tmp_path):
    lon, lat = from_wgs84(np.array([[106.5451, 29.5558]]), "bd09")[0]
    path = written(tmp_path, f"id,service,lon,lat\n1,canteen,{lon},{lat}\n")
    here = gpd.GeoDataFrame(
        geometry=[shapely.LineString([(HERE.x - 50, HERE.y + 7), (HERE.x + 50, HERE.y + 7)])], crs=UTM
    )
    with pytest.raises(DataError, match="as bd09 7 m from streets and 0 m from buildings") as caught:
        sift(path, datum="unknown", beside=(here, gpd.GeoDataFrame(geometry=[HERE.buffer(3)], crs=UTM)))
    assert "as wgs84 1," in str(caught.value)
    with pytest.raises(DataError, match=r"is not stated.*state wgs84, cgcs2000, gcj02"):
        read(path, datum="unknown")


DEMO = Path(__file__).parents[2] / "data" / "demo"
FAULTS = {  # kind of fault -> what it writes into a good row
    "no longitude": {"经度": ""},
    "words for a latitude": {"纬度": "见地图"},
    "swapped": {},
    "metres": {"经度": "645000", "纬度": "3270000"},
    "in Beijing": {"经度": "116.40", "纬度": "39.91"},
    "no such service": {"服务": "=cmd|' /C calc'!A0", "名称": "某单位"},
    "no service and no name": {"服务": "", "名称": ""},
    "less than no beds": {"容量": "-5"},
    "floor area in words": {"建筑面积": "约三百"},
    "infinite": {"经度": "inf"},
}


def labelled(path, datum, start):
    """A file of 150 rows of the demonstration inventory in `datum`, ten of them spoilt; and what is true of it."""
    rows = (
        pd.read_csv(DEMO / "inventory.csv", dtype=str, keep_default_na=False)
        .iloc[start : start + 150]
        .reset_index(drop=True)
    )
    true = to_wgs84(rows[["经度", "纬度"]].to_numpy(float), "gcj02")
    shifted = from_wgs84(true, datum)
    rows["经度"], rows["纬度"] = ([f"{one:.8f}" for one in side] for side in shifted.T)
    spoilt = {}
    for at, (kind, cells) in zip(range(7, 150, 14), FAULTS.items(), strict=False):
        spoilt[at + 2] = kind  # the header is the first row
        swapped = {"经度": rows.loc[at, "纬度"], "纬度": rows.loc[at, "经度"]}
        for column, value in (cells or swapped).items():
            rows.loc[at, column] = value
    if path.suffix == ".csv":
        path.write_bytes(rows.to_csv(index=False).encode("gb18030"))
    else:
        workbook(path, rows.columns.tolist(), *map(excel_cells, rows.to_numpy()), sheet="说明")
    return rows["编号"].tolist(), true, spoilt


def excel_cells(row):
    """Numbers as numbers, and text as text even where it looks like a formula."""
    return [float(cell) if re.fullmatch(r"-?[\d.]+", cell) else cell.replace("=cmd", "cmd") or None for cell in row]


def cells(path):
    return list(csv.reader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline="")))


@pytest.mark.parametrize("ending", [".csv", ".xlsx"])
@pytest.mark.parametrize(("datum", "start"), [("gcj02", 0), ("bd09", 150)])
def test_three_hundred_rows_with_twenty_faults(tmp_path, datum, start, ending):
    path = tmp_path / f"{datum}{ending}"
    ids, true, spoilt = labelled(path, datum, start)
    area = read_area(DEMO / "boundary.geojson", name="示例", margin_m=1500)
    sifted = sift(path, area=area, datum=datum)
    found, rejected = sifted.facilities, sifted.rejected
    assert [one.row for one in rejected] == sorted(spoilt)
    assert not any(one.kept for one in rejected)
    assert len(spoilt) == 10
    assert len({(one.column, one.value, one.problem) for one in rejected}) == 10
    kept = [at for at in range(150) if at + 2 not in spoilt]
    assert found["place"].unique().tolist() == [f"{datum}/{ids[at]}" for at in kept]
    here = gpd.GeoSeries.from_xy(*true[kept].T, crs=4326).to_crs(area.crs)
    first = found.drop_duplicates("place").geometry
    assert first.distance(here.set_axis(first.index)).max() < 0.1
    with pytest.raises(DataError) as caught:
        read_inventory(path, area, standard=STANDARD, datum=datum)
    assert len(caught.value.findings) == 7  # one for each kind of problem

    write_rejected(rejected, tmp_path / "rejected.csv")
    assert (tmp_path / "rejected.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    listed = cells(tmp_path / "rejected.csv")
    assert [int(line[1]) for line in listed[1:]] == sorted(spoilt)
    assert ending == ".xlsx" or "'=cmd|' /C calc'!A0" in [line[3] for line in listed]
    assert "'-5" in [line[3] for line in listed]


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(1)", "\tx", "\r=1"])
def test_no_cell_of_the_rejected_is_run_by_a_spreadsheet(tmp_path, cell):
    write_rejected([Rejected(f"{cell}.csv", 3, "service", cell, "x", "y", kept=True)], tmp_path / "rejected.csv")
    safe = f"'{cell.strip()}" if cell != "\tx" else "x"
    assert cells(tmp_path / "rejected.csv")[1] == [f"{safe}.csv", "3", "service", safe, "x", "y", "kept"]


def test_rows_beyond_the_extent_are_listed_too(tmp_path):
    path = written(tmp_path, "id,service,lon,lat\n1,canteen,106.545,29.556\n2,canteen,106.60,29.556\n")
    rejected = sift(path).rejected
    assert [(one.file, one.row, one.value) for one in rejected] == [("inventory.csv", 3, "106.60, 29.556")]
    assert "lie beyond 500 m around 两路口" in rejected[0].problem


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,service,lon,lat\n1,canteen,106.545,29.556\n1,canteen,106.545,29.556\n", "occur more than once"),
        ("id,service,lon,lat\n1,canteen,29.556,106.545\n", "swapped in 1 of 1 rows"),
        ("id,service\n1,canteen\n", "there are no coordinates"),
        ("id,service,lon,lat\n1,aquarium,106.545,29.556\n", "not one of 1 rows can be used"),
    ],
)
def test_faults_of_the_whole_file_stay_errors(tmp_path, text, message):
    with pytest.raises(DataError, match=message):
        sift(written(tmp_path, text))


# ------------------------------------------------------------------------------------------------ coordinates in metres

EAST, NORTH = (
    358993.319,
    3271757.613,
)  # of two-road crossing 两路口 in EPSG:4545, CGCS2000 three-degree zone about 108 E


@pytest.mark.parametrize(
    ("crs", "east", "headers"),
    [
        ("EPSG:4545", EAST, "东坐标,北坐标"),
        ("EPSG:4524", 36_000_000 + EAST, "Easting,Northing"),
        ("EPSG:4545", EAST, "横坐标,纵坐标"),
        ("EPSG:4545", EAST, "x,y"),
    ],
)
def test_a_table_in_metres(tmp_path, crs, east, headers):
    path = written(tmp_path, f"id,service,{headers}\n1,canteen,{east},{NORTH}\n2,canteen,,5\n3,canteen,{east},9e9\n")
    found = sift(path, crs=crs, datum="cgcs2000")
    assert found.facilities.geometry.iloc[0].distance(HERE) < 0.1
    assert [(one.row, one.column) for one in found.rejected] == [(3, "east/north"), (4, "east/north")]


def test_north_called_x_is_found_out_and_not_turned_round(tmp_path):
    path = written(tmp_path, f"id,service,X,Y\n1,canteen,{NORTH},{EAST}\n2,canteen,{NORTH + 9},{EAST}\n")
    with pytest.raises(DataError, match="east and north are exchanged in 2 of 2 rows; Chinese surveys call north X"):
        sift(path, crs="EPSG:4545", datum="cgcs2000")
    found = sift(path, crs="EPSG:4545", datum="cgcs2000", columns={"east": "Y", "north": "X"}).facilities
    assert found.distance(HERE).tolist() == pytest.approx([0, 9], abs=0.05)
    some = written(tmp_path, f"id,service,X,Y\n1,canteen,{EAST},{NORTH}\n2,canteen,{NORTH},{EAST}\n")
    (cell,) = sift(some, crs="EPSG:4545", datum="wgs84").rejected
    assert (cell.row, cell.problem) == (3, "have east and north exchanged")


@pytest.mark.parametrize(
    ("crs", "datum", "text", "message"),
    [
        ("EPSG:4545", "gcj02", f"东坐标,北坐标\n{EAST},{NORTH}", "a CRS is stated, EPSG:4545, and the datum gcj02"),
        ("EPSG:4545", "unknown", f"东坐标,北坐标\n{EAST},{NORTH}", "and the datum unknown"),
        ("EPSG:4490", "cgcs2000", f"东坐标,北坐标\n{EAST},{NORTH}", "EPSG:4490 .* is not a CRS in metres"),
        ("EPSG:1", "cgcs2000", f"东坐标,北坐标\n{EAST},{NORTH}", "EPSG:1 is no CRS"),
        ("EPSG:2365", "cgcs2000", f"东坐标,北坐标\n{EAST},{NORTH}", "may be 100 m off"),
        ("EPSG:4545", "cgcs2000", f"东坐标,北坐标\n36{EAST},{NORTH}", "east begins with the zone number 36"),
        ("EPSG:4523", "cgcs2000", f"东坐标,北坐标\n36{EAST},{NORTH}", "EPSG:4523 .* has none, or another"),
        ("EPSG:4545", "cgcs2000", "经度,纬度\n106.5,29.5", "there are no coordinates in metres"),
        ("EPSG:4544", "cgcs2000", f"东坐标,北坐标\n{EAST},{NORTH}", "1 of 1 rows lie more than 50 km"),
    ],
)
def test_metres_that_cannot_be_right(tmp_path, crs, datum, text, message):
    header, row = text.split("\n")
    with pytest.raises(DataError, match=message):
        sift(written(tmp_path, f"service,{header}\ncanteen,{row}\n"), crs=crs, datum=datum)


def test_metres_without_a_crs_are_refused_with_the_way_out(tmp_path):
    with pytest.raises(DataError, match=r"not degrees.* state the crs of metres, such as EPSG:4547"):
        read(written(tmp_path, f"service,x,y\ncanteen,{EAST},{NORTH}\n"))


def test_shapes_that_do_not_state_their_crs_take_the_one_of_the_study(tmp_path):
    table = gpd.GeoDataFrame({"服务": ["canteen"]}, geometry=[shapely.Point(EAST, NORTH)], crs="EPSG:4545")
    table.to_file(tmp_path / "a.shp", encoding="utf-8")
    with pytest.raises(DataError, match=r"the file states the CRS .*, and the study file EPSG:32648"):
        sift(tmp_path / "a.shp", crs="EPSG:32648", datum="cgcs2000")
    (tmp_path / "a.prj").unlink()
    assert sift(tmp_path / "a.shp", crs="EPSG:4545", datum="cgcs2000").facilities.distance(HERE).iloc[0] < 0.1
    with pytest.raises(DataError, match="the CRS is not stated"):
        sift(tmp_path / "a.shp", datum="cgcs2000")


# ------------------------------------------------------------------------------------------------------ tiers and dates


@pytest.mark.parametrize(
    ("tier", "means"),
    [("区级", "district"), ("街镇", "subdistrict"), ("Community", "community"), ("小区级", "cell"), ("", "community")],
)
def test_the_tier_of_a_row_is_its_own(tmp_path, tier, means):
    path = written(tmp_path, f"service,lon,lat,层级\ncanteen,106.545,29.556,{tier}\n")
    found = sift(path)
    assert found.facilities["tier"].tolist() == [means]
    assert STANDARD.service("canteen").tier == "community"
    assert not found.rejected


def test_a_tier_or_date_that_cannot_be_read_is_listed_and_its_row_kept(tmp_path):
    path = written(
        tmp_path,
        "service,lon,lat,层级,核实日期\ncanteen,106.545,29.556,三级甲等,去年\ncanteen,106.545,29.556,区级,2025\n",
    )
    found = sift(path)
    assert found.facilities[["tier", "verified_date"]].fillna("?").to_numpy().tolist() == [
        ["community", "?"],
        ["district", "2025"],
    ]
    assert [(one.row, one.column, one.value, one.kept) for one in found.rejected] == [
        (2, "tier", "三级甲等", True),
        (2, "verified_date", "去年", True),
    ]
    with pytest.raises(DataError, match="have a tier that is not known") as caught:
        read(path)
    assert "have a date that cannot be read (first: 2)" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        *(("2025-3-4", "2025-03-04"), ("2025/03/04", "2025-03-04"), ("2025.3.4", "2025-03-04")),
        *(("2025年3月4日", "2025-03-04"), ("20250304", "2025-03-04"), ("2025-03-04 10:20:00", "2025-03-04")),
        *(("2025年3月", "2025-03"), ("202503", "2025-03"), ("2025", "2025"), ("２０２５－３－４", "2025-03-04")),
        *((bad, None) for bad in ("2025-02-30", "2025-13", "0025-01-01", "45720", "昨天", "3/4/25")),
    ],
)
def test_dates_as_they_are_written(tmp_path, text, day):
    found = sift(written(tmp_path, f"service,lon,lat,核实日期\ncanteen,106.545,29.556,{text}\n"))
    assert found.facilities["verified_date"].fillna("").tolist() == [day or ""]
    assert len(found.rejected) == (day is None)


@pytest.mark.parametrize("ending", [".csv", ".xlsx"])
def test_rows_are_numbered_as_a_person_sees_them(tmp_path, ending):
    table = [
        [],
        ["service", "lon", "lat"],
        ["aquarium", 106.545, 29.556],
        [],
        ["canteen", 106.545, 29.556],
        ["zoo", 1, 2],
    ]
    path = tmp_path / f"a{ending}"
    if ending == ".csv":
        path.write_text("\r\n".join(",".join(map(str, row)) for row in table), encoding="utf-8-sig")
    else:
        book = openpyxl.Workbook()
        for number, row in enumerate(table, 1):
            for column, cell in enumerate(row, 1):
                book.active.cell(number, column, cell)
        book.save(path)
    assert [(one.row, one.value) for one in sift(path).rejected] == [(3, "aquarium"), (6, "zoo"), (6, "1, 2")]
    with pytest.raises(DataError, match=r"2 of 3 rows name no service.*first: 3, 6"):
        read(path)


# --------------------------------------------------------------------------------------------------------- rough tables


def test_rough_names_are_read_and_listed_safely(tmp_path):
    names = ["<script>alert(1)</script>", "a\u202eb", "国" * 10_000, "@SUM(1)"]
    text = "".join(
        f'canteen,"{name}",106.545,29.556{end}' for name, end in zip(names, ["\r\n", "\n", "\r", "\n"], strict=True)
    )
    text += "".join(f'none,"{name}",106.545,29.556\n' for name in names)
    text += "".join(f'"={name}","",106.545,29.556\n' for name in names)
    found = sift(written(tmp_path, "service,name,lon,lat\n" + text))
    assert found.facilities["name"].tolist() == names
    write_rejected(found.rejected, tmp_path / "rejected.csv")
    listed = [line[3] for line in cells(tmp_path / "rejected.csv")[1:]]
    assert listed[4:] == ["'=<script>alert(1)</script>", "'=a[U+202E]b", "'=" + "国" * 198 + "…", "'=@SUM(1)"]
