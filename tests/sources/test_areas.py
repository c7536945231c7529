import json

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import CRS

from circle15.errors import ConfigError, DataError, SourceError
from circle15.sources.areas import cell_units, make_area, read_area, read_units
from circle15.sources.files import numbers, read_table, recognise
from circle15.tables import UNITS

UTM = CRS("EPSG:32648")
SQUARE = shapely.box(106.50, 29.50, 106.52, 29.52)


def saved(path, shapes, crs=4326, **columns):
    frame = gpd.GeoDataFrame(columns or {"n": range(len(shapes))}, geometry=shapes, crs=crs)
    frame.to_file(path)
    return path


@pytest.fixture
def area():
    return make_area(SQUARE, name="A", margin_m=100)


# ---------------------------------------------------------------------------------------------------------- boundary


@pytest.mark.parametrize("name", ["a.geojson", "a.gpkg", "a.shp"])
def test_several_features_are_united_in_the_utm_zone(tmp_path, name):
    halves = [shapely.box(106.50, 29.50, 106.51, 29.52), shapely.box(106.51, 29.50, 106.52, 29.52)]
    found = read_area(saved(tmp_path / name, halves), name="A", margin_m=250)
    assert found.crs == UTM
    assert found.boundary.geom_type == "Polygon"
    assert found.boundary.symmetric_difference(make_area(SQUARE, name="A", margin_m=0).boundary).area < 200
    assert found.boundary.area == pytest.approx(1938.6 * 2217.2, rel=0.01)
    assert found.extent.bounds[0] == pytest.approx(found.boundary.bounds[0] - 250)


def test_a_file_in_metres_and_a_study_crs(tmp_path, area):
    path = saved(tmp_path / "a.gpkg", [area.boundary], crs=UTM)
    found = read_area(path, name="A", margin_m=0, crs="EPSG:4508")
    assert found.crs == CRS("EPSG:4508")
    back = gpd.GeoSeries([found.boundary], crs=found.crs).to_crs(UTM).iloc[0]
    assert back.symmetric_difference(area.boundary).area < 5


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:2263", "nonsense"])
def test_a_study_crs_must_be_projected_in_metres(crs):
    with pytest.raises(ConfigError, match=r"\[study\] crs"):
        make_area(SQUARE, name="A", margin_m=0, crs=crs)


def test_a_boundary_in_degrees_without_crs_is_never_guessed(tmp_path):
    path = saved(tmp_path / "a.shp", [SQUARE])
    (tmp_path / "a.prj").unlink()
    with pytest.raises(DataError, match=r"a.shp: the CRS is not stated.*look like degrees.*boundary_crs.*EPSG:4326"):
        read_area(path, name="A", margin_m=0)
    assert read_area(path, name="A", margin_m=0, file_crs="EPSG:4326").crs == UTM


def test_a_boundary_in_metres_without_crs(tmp_path, area):
    path = saved(tmp_path / "a.shp", [area.boundary], crs=UTM)
    (tmp_path / "a.prj").unlink()
    with pytest.raises(DataError, match=r"look like metres.*boundary_crs"):
        read_area(path, name="A", margin_m=0)
    found = read_area(path, name="A", margin_m=0, file_crs="EPSG:32648")
    assert found.boundary.symmetric_difference(area.boundary).area < 1


def test_geojson_in_metres_says_so(tmp_path, area):
    text = '{"type": "Feature", "properties": {}, "geometry": ' + shapely.to_geojson(area.boundary) + "}"
    (tmp_path / "a.geojson").write_text(text)
    with pytest.raises(DataError, match=r"look like metres.*boundary_crs"):
        read_area(tmp_path / "a.geojson", name="A", margin_m=0)
    found = read_area(tmp_path / "a.geojson", name="A", margin_m=0, file_crs="EPSG:32648")
    assert found.boundary.symmetric_difference(area.boundary).area < 1


def test_swapped_longitude_and_latitude(tmp_path):
    path = saved(tmp_path / "a.geojson", [shapely.box(29.50, 106.50, 29.52, 106.52)])
    with pytest.raises(DataError, match=r"a.geojson: latitude goes to 106.52.*swapped.*longitude first"):
        read_area(path, name="A", margin_m=0)


def test_two_statements_of_one_crs_must_agree(tmp_path, area):
    path = saved(tmp_path / "a.gpkg", [area.boundary], crs=UTM)
    with pytest.raises(DataError, match=r"the file states EPSG:32648, the study file EPSG:4326"):
        read_area(path, name="A", margin_m=0, file_crs="EPSG:4326")
    with pytest.raises(ConfigError, match="boundary_crs"):
        read_area(path, name="A", margin_m=0, file_crs="nonsense")


def test_a_boundary_that_is_no_polygon_or_no_file(tmp_path):
    with pytest.raises(DataError, match=r"no polygon in it \(LineString\)"):
        read_area(saved(tmp_path / "a.gpkg", [shapely.LineString(SQUARE.exterior.coords)]), name="A", margin_m=0)
    with pytest.raises(SourceError, match="there is no such file"):
        read_area(tmp_path / "absent.gpkg", name="A", margin_m=0)
    (tmp_path / "text.geojson").write_text("no geojson")
    with pytest.raises(SourceError, match="cannot be read"):
        read_area(tmp_path / "text.geojson", name="A", margin_m=0)


def test_a_boundary_that_crosses_itself_is_mended():
    bow = shapely.Polygon([(106.5, 29.5), (106.52, 29.52), (106.52, 29.5), (106.5, 29.52)])
    found = make_area(bow, name="A", margin_m=0)
    assert found.boundary.is_valid
    assert found.boundary.area == pytest.approx(make_area(SQUARE, name="A", margin_m=0).boundary.area / 2, rel=1e-3)


@pytest.mark.real
def test_the_real_boundary(real_data):
    found = read_area(real_data / "yuzhong" / "boundary.geojson", name="渝中区", margin_m=1500)
    assert found.crs == UTM
    assert found.boundary.area / 1e6 == pytest.approx(23.5, abs=0.1)


# ------------------------------------------------------------------------------------------------------------- units


def halves(path, **columns):
    west, east = shapely.box(106.50, 29.50, 106.51, 29.52), shapely.box(106.51, 29.50, 106.52, 29.52)
    return saved(path, [west, east], **columns)


def test_chinese_headers_and_parents_by_overlap(tmp_path, area):
    streets = saved(tmp_path / "streets.geojson", [SQUARE], 代码=["500103001"], 名称=["七星岗街道"], 人口=["52,391"])
    homes = halves(tmp_path / "homes.gpkg", 代码=[500103001003, 500103001006], 名称=["华一坡社区", "临华路社区"])
    units = read_units([homes, streets], area)
    assert units.index.tolist() == ["500103001", "500103001003", "500103001006"]
    assert units["tier"].tolist() == ["subdistrict", "community", "community"]
    assert units["parent"].fillna("").tolist() == ["", "500103001", "500103001"]
    assert units["population"].tolist()[0] == 52391
    assert units["population"].isna().tolist() == [False, True, True]
    assert units["source"].iloc[0] == "file streets.geojson"
    UNITS.check(units, crs=area.crs)


def test_given_tiers_and_parents_win(tmp_path, area):
    path = saved(
        tmp_path / "u.geojson",
        [SQUARE, SQUARE, SQUARE, SQUARE.buffer(-0.005)],
        code=["D", "S1", "S2", "C"],
        name=["区", "一", "二", "三"],
        tier=["district", "街道", "subdistrict", "社区"],
        parent=[None, None, "D", "二"],
    )
    units = read_units([path], area)
    assert units["parent"].fillna("").to_dict() == {"D": "", "S1": "D", "S2": "D", "C": "S2"}


def test_units_elsewhere_are_left_out(tmp_path, area):
    away = shapely.box(106.5195, 29.50, 106.56, 29.52)  # touches, but lies mostly outside
    path = saved(tmp_path / "u.geojson", [SQUARE, away], code=["A", "B"], tier=["community"] * 2)
    assert read_units([path], area).index.tolist() == ["A"]
    far = saved(tmp_path / "far.geojson", [shapely.box(10, 10, 11, 11)], code=["A"], tier=["community"])
    with pytest.raises(DataError, match="no unit lies inside the boundary of A"):
        read_units([far], area)


def test_every_finding_of_every_file_at_once(tmp_path, area):
    one = halves(tmp_path / "one.geojson", code=["A", "B"], tier=["village", None], population=["many", -3])
    two = halves(tmp_path / "two.shp", code=["C", "D"])
    (tmp_path / "two.prj").unlink()
    with pytest.raises(DataError) as caught:
        read_units([one, two], area)
    text = str(caught.value)
    assert "one.geojson: 2 of 2 rows have no tier that is known (first: 1, 2)" in text
    assert "one.geojson: 2 of 2 rows have a population that is no number" in text
    assert "two.shp: the CRS is not stated" in text


def test_repeated_codes(tmp_path, area):
    one = halves(tmp_path / "one.geojson", code=["A", "B"], tier=["community"] * 2)
    two = halves(tmp_path / "two.geojson", code=["B", "C"], tier=["community"] * 2)
    with pytest.raises(DataError, match=r"1 codes occur more than once \(first: B\)"):
        read_units([one, two], area)


# ------------------------------------------------------------------------------------------------------------- cells


@settings(max_examples=40, deadline=None)
@given(west=st.floats(100, 110), south=st.floats(20, 40), side=st.floats(0.002, 0.02), resolution=st.integers(8, 9))
def test_cells_cover_the_boundary_once(west, south, side, resolution):
    area = make_area(shapely.box(west, south, west + side, south + side), name="A", margin_m=0)
    cells = cell_units(area, resolution)
    assert cells.area.sum() == pytest.approx(area.boundary.area, rel=1e-6)
    assert shapely.union_all(cells.geometry.to_numpy()).area == pytest.approx(area.boundary.area, rel=1e-6)
    assert cells.index.is_monotonic_increasing
    assert cells["name"].is_unique
    assert all(name in index[3:] for index, name in cells["name"].items())
    assert len(set(cells["name"].str.len())) == 1
    assert set(cells["source"]) == {f"H3 resolution {resolution}"}


# --------------------------------------------------------------------------------------------------- planners' tables


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_csv_in_usual_encodings(tmp_path, encoding, mark):
    text = f"编号{mark}名称{mark}人口（人）\n01{mark}凯旋路{mark}1200\n02{mark}十八梯{mark}\n"
    (tmp_path / "t.csv").write_bytes(text.encode(encoding))
    found = recognise(read_table(tmp_path / "t.csv"), {"id": ("编号",), "name": ("名称",), "population": ("人口",)})
    assert found["id"].tolist() == ["01", "02"]
    assert found["name"].tolist() == ["凯旋路", "十八梯"]
    assert np.array_equal(numbers(found["population"]), [1200, np.nan], equal_nan=True)


def test_tables_that_cannot_be_read(tmp_path):
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(DataError, match=r"empty.csv: it is empty"):
        read_table(tmp_path / "empty.csv")
    (tmp_path / "bytes.csv").write_bytes(b"a,b\n\xff\xff\xff,1\n")
    with pytest.raises(DataError, match="neither UTF-8 nor GB18030"):
        read_table(tmp_path / "bytes.csv")
    with pytest.raises(SourceError, match="there is no such file"):
        read_table(tmp_path / "absent.csv")
    (tmp_path / "ragged.csv").write_text('a,b\n1,2\n1,2,3\n"')
    with pytest.raises(DataError, match="it is not a table"):
        read_table(tmp_path / "ragged.csv")


def test_a_given_header_must_be_there():
    frame = pd.DataFrame({"甲": ["1"], "name": ["x"]})
    assert recognise(frame, {"name": ()}, given={"name": "甲"})["name"].tolist() == ["1"]
    with pytest.raises(
        DataError, match=r"no column '乙' for name. The file has 甲, name[\s\S]*beds is not a known word"
    ):
        recognise(frame, {"name": ()}, given={"name": "乙", "beds": "甲"})


def test_a_unit_with_a_corner_half_a_world_away_ends_in_a_table_or_a_finding(tmp_path):
    ring = [[106.553, 29.553], [106.553, 29.556], [106.55, 29.556], [0, 29.553], [106.553, 29.553]]
    feature = {"type": "Feature", "properties": {"code": "A1", "name": "丙社区", "tier": "community"}}
    feature["geometry"] = {"type": "Polygon", "coordinates": [ring]}
    file = tmp_path / "units.geojson"
    file.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}), encoding="utf-8")
    area = make_area(shapely.box(106.55, 29.55, 106.556, 29.556), name="A", margin_m=0)
    with pytest.raises(DataError, match="no unit lies inside the boundary"):
        read_units([file], area)
