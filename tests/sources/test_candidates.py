"""The planner's table of vacant space."""

import json

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pytest
import shapely
from pyproj import CRS

from circle15.errors import DataError
from circle15.project import Inventory, Standard
from circle15.sources.candidates import read_candidates, sift_candidates
from circle15.sources.datum import from_wgs84
from circle15.sources.located import write_rejected
from circle15.tables import CANDIDATES, StudyArea

UTM = CRS("EPSG:32648")
STANDARD = Standard.load("yuzhong-15min")
HERE = gpd.GeoSeries([shapely.Point(106.5451, 29.5558)], crs=4326).to_crs(UTM).iloc[0]
AREA = StudyArea("两路口", HERE.buffer(2000), UTM, 500)
HEAD = "编号,名称,经度,纬度,闲置面积（㎡）,产权单位,楼层,无障碍入口,可设服务,造价（万元）,资金来源,运营单位,地址\n"
FULL = '7,原文化站,106.5451,29.5558,"1,350",街道办事处,2-3层,是,社区食堂；养老服务,120,民生实事,某公司,国际村1号\n'


def written(tmp_path, text, encoding="utf-8"):
    (tmp_path / "vacant.csv").write_text(text, encoding=encoding)
    return tmp_path / "vacant.csv"


def read(path, **more):
    return read_candidates(path, AREA, standard=STANDARD, datum=more.pop("datum", "wgs84"), **more)


def sift(path, **more):
    table = Inventory(file=path.name, datum=more.pop("datum", "wgs84"), **more)
    return sift_candidates(table, AREA, standard=STANDARD, folder=path.parent)


@pytest.mark.parametrize("datum", ["wgs84", "cgcs2000", "gcj02", "bd09"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030"])
def test_a_chinese_table_in_any_datum(tmp_path, datum, encoding):
    lon, lat = from_wgs84(np.array([[106.5451, 29.5558]]), datum)[0]
    found = read(written(tmp_path, HEAD + FULL.replace("106.5451,29.5558", f"{lon},{lat}"), encoding), datum=datum)
    CANDIDATES.check(found, crs=UTM)
    row = found.loc["vacant/7"]
    assert row.geometry.geom_type == "Point"
    assert row.geometry.distance(HERE) < 0.1
    elders = [service.key for service in STANDARD.services if service.category == "elderly_care"]
    assert row.drop("geometry").to_dict() == {
        "name": "原文化站",
        "owner": "街道办事处",
        "floor_area_m2": 1350.0,
        "storey": 2,
        "step_free": "yes",
        "services": ";".join(["canteen", *elders]),
        "cost": 120.0,
        "budget_line": "民生实事",
        "operator": "某公司",
        "address": "国际村1号",
        "source": "vacant.csv",
        "candidate_from": "table",
    }


def test_english_headers_and_an_excel_file(tmp_path):
    book = openpyxl.Workbook()
    book.active.title = "sites"
    book.active.append(
        [
            "id",
            "Name",
            "Longitude",
            "Latitude",
            "area_m2",
            "Owner",
            "Storey",
            "Step-free entrance",
            "cost",
            "budget line",
        ]
    )
    book.active.append(["A", "Old bank", 106.5451, 29.5558, 420.5, "City", "Ground", "no", 0, "2027/3"])
    book.save(tmp_path / "vacant.xlsx")
    row = read(tmp_path / "vacant.xlsx", sheet="sites").loc["vacant/A"]
    assert row[["name", "floor_area_m2", "owner", "storey", "step_free"]].tolist() == [
        "Old bank",
        420.5,
        "City",
        1,
        "no",
    ]
    assert row[["cost", "budget_line"]].tolist() == [0.0, "2027/3"]  # free is not unknown
    assert pd.isna(row["services"])
    assert pd.isna(row["operator"])


def test_what_nobody_knows_stays_unknown(tmp_path):
    lines = "1,,106.545,29.556,,,,,,,,,\n2,无,106.545,29.556,待定,不详,未知,待查,不限,暂无,无,N/A,-\n"
    found = read(written(tmp_path, HEAD + lines))
    assert found["step_free"].tolist() == ["unknown", "unknown"]
    others = ["name", "owner", "floor_area_m2", "storey", "services", "cost", "budget_line", "operator", "address"]
    assert found[others].isna().all(axis=None)
    CANDIDATES.check(found, crs=UTM)
    bare = read(written(tmp_path, "lon,lat\n106.545,29.556\n"))
    assert (bare.index.tolist(), bare["step_free"].tolist()) == (["vacant/1"], ["unknown"])
    assert bare[others].isna().all(axis=None)


def test_cells_that_cannot_be_read_are_listed_and_unknown(tmp_path):
    lines = (
        "1,甲,106.545,29.556,约三百,,顶层,门口,社区食堂；棋牌室,-5,,,\n"
        "2,乙,106.545,29.556,0,,1,是,棋牌室,,,,\n"
        "3,丙,,29.556,50,,1,是,社区食堂,,,,\n"
        "4,丁,106.60,29.556,50,,1,是,社区食堂,,,,\n"
    )
    path = written(tmp_path, HEAD + lines)
    found, rejected = sift(path)
    assert found.index.tolist() == ["vacant/1"]
    row = found.iloc[0]
    assert (row["services"], row["step_free"]) == ("canteen", "unknown")
    assert row[["floor_area_m2", "storey", "cost"]].isna().all()
    listed = [(one.row, one.column, one.value, one.kept) for one in rejected]
    assert sorted(listed) == [
        (2, "cost", "-5", True),
        (2, "floor_area_m2", "约三百", True),
        (2, "services", "社区食堂；棋牌室", True),
        (2, "step_free", "门口", True),
        (2, "storey", "顶层", True),
        (3, "floor_area_m2", "0", True),
        (3, "services", "棋牌室", False),
        (4, "lon/lat", "29.556", False),
        (5, "lon/lat", "106.60, 29.556", False),
    ]
    write_rejected(rejected, tmp_path / "rejected.csv")
    assert len((tmp_path / "rejected.csv").read_text(encoding="utf-8-sig").splitlines()) == 10
    with pytest.raises(DataError) as caught:
        read(path)
    said = str(caught.value)
    for part in (
        "1 of 4 rows have no coordinates",
        "1 of 4 rows have a storey that cannot be read (first: 2)",
        "1 of 4 rows have an entrance that is neither yes nor no (first: 2)",
        "1 of 4 rows name no service that is known (棋牌室) (first: 3)",
        "1 of 4 rows name services that are not known (棋牌室) (first: 2)",
        "1 of 4 rows have a floor_area_m2 that is no number of 0 or more (first: 2)",
        "1 of 4 rows have a floor_area_m2 of 0, which is no room (first: 3)",
        "1 of 4 rows have a cost that is no number of 0 or more (first: 2)",
    ):
        assert part in said


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lon,lat\n", "there is no row in it"),
        ("名称\n甲\n", "there are no coordinates"),
        ("lon,lat\n29.556,106.545\n", "longitude and latitude are swapped in 1 of 1 rows"),
        ("id,lon,lat\n1,106.545,29.556\n1,106.545,29.556\n", r"ids occur more than once \(first: 1"),
        ("lon,lat\n106.60,29.556\n", "not one of 1 rows lies within 500 m of 两路口"),
        ("lon,lat,可设服务\n106.545,29.556,棋牌室\n", "not one of 1 rows can be used"),
    ],
)
def test_faults_of_the_whole_file_stay_errors(tmp_path, text, message):
    with pytest.raises(DataError, match=message):
        sift(written(tmp_path, text))


def test_an_unknown_datum_is_refused_and_metres_are_read(tmp_path):
    with pytest.raises(DataError, match=r"the datum of the coordinates is not stated"):
        read(written(tmp_path, "lon,lat\n106.545,29.556\n"), datum="unknown")
    path = written(tmp_path, "东坐标,北坐标\n358993.319,3271757.613\n")
    found, rejected = sift(path, crs="EPSG:4545", datum="cgcs2000")
    assert found.geometry.iloc[0].distance(HERE) < 0.1
    assert rejected == ()


def test_outlines_count_as_a_point_inside(tmp_path):
    shapes = gpd.GeoDataFrame({"名称": ["甲"]}, geometry=[HERE.buffer(30)], crs=UTM).to_crs(4326)
    (tmp_path / "vacant.geojson").write_text(json.dumps(json.loads(shapes.to_json())), encoding="utf-8")
    found = read(tmp_path / "vacant.geojson")
    assert found.geometry.geom_type.tolist() == ["Point"]
    assert found.distance(HERE).iloc[0] < 30


def test_services_by_key_label_category_and_several(tmp_path):
    words = {
        "canteen": "canteen",
        "社区食堂": "canteen",
        '"Library, canteen"': "library;canteen",
        "社区食堂、图书馆": "canteen;library",
        "社区食堂（30座）／library": "canteen;library",
        "不限": None,
    }
    assert STANDARD.service("library").names["en"] != "Library, canteen"
    rows = "".join(f"{word},106.545,29.556\n" for word in words)
    found = read(written(tmp_path, "services,lon,lat\n" + rows))["services"]
    assert [None if pd.isna(one) else one for one in found] == list(words.values())


def test_every_label_of_the_standard_is_known_as_a_service(tmp_path):
    words = [(one.key, word) for one in STANDARD.services for word in (one.key, one.names["zh"], one.names["en"])]
    rows = "".join(f'{n},"{word}",106.545,29.556\n' for n, (_, word) in enumerate(words))
    found = read(written(tmp_path, "id,services,lon,lat\n" + rows))
    assert found["services"].tolist() == [key for key, _ in words]


@pytest.mark.parametrize(
    ("text", "storey"),
    [
        *(("1", 1), ("1F", 1), ("１楼", 1), ("第三层", 3), ("二十三层", 23), ("十楼", 10), ("十二", 12)),
        *(("负一层", -1), ("-1", -1), ("B2", -2), ("地下一层", -1), ("吊一层", -1)),
        *(("1-3层", 1), ("1~2", 1), ("一至三层", 1), ("B1-1F", -1), ("-2~-1", -2), ("3、4层", 3), ("4/33", 4)),
        *(("平街层", 1), ("Ground", 1), ("临街", 1)),
        *((bad, None) for bad in ("顶层", "0", "1.5", "二三层", "负层", "-", "裙楼", "9999")),
    ],
)
def test_storeys_as_they_are_written(tmp_path, text, storey):
    found, rejected = sift(written(tmp_path, f"lon,lat,楼层\n106.545,29.556,{text}\n"))
    value = found["storey"].iloc[0]
    assert (None if pd.isna(value) else value) == storey
    assert len(rejected) == (storey is None and text != "-")


@pytest.mark.parametrize(
    ("text", "means"),
    [
        *(("是", "yes"), ("有", "yes"), ("YES", "yes"), ("1", "yes"), ("有坡道", "yes")),
        *(("否", "no"), ("无", "no"), ("No", "no"), ("0", "no"), ("有台阶", "no")),
        *(("", "unknown"), ("不详", "unknown"), ("待查", "unknown"), ("unknown", "unknown")),
    ],
)
def test_entrances_as_they_are_written(tmp_path, text, means):
    found = read(written(tmp_path, f"lon,lat,无障碍入口\n106.545,29.556,{text}\n"))
    assert found["step_free"].tolist() == [means]
