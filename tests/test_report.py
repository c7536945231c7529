"""The GIS package and the data dictionary."""

import dataclasses
import sqlite3
import warnings
import xml.etree.ElementTree as ET

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely
from geopandas.testing import assert_geodataframe_equal

from circle15 import report, tables
from sample_result import CRS_STUDY, HOSTILE, sample_result, sample_standard

LAYERS = (
    *("units", "origins", "facilities", "coverage", "gaps", "step_free", "dependence", "isochrones", "links", "ground"),
)
JUDGED = tuple(table.name for table in (*tables.JUDGED, *tables.PLANNED))
PLAIN = ("groups", "housing", "completeness", "survey", "grades", "walkers", "terrain")


@pytest.fixture(scope="module")
def result():
    return sample_result()


@pytest.fixture(scope="module")
def package(result, tmp_path_factory):
    path = tmp_path_factory.mktemp("package") / "results.gpkg"
    report.write_geopackage(result, path, standard=sample_standard())
    return path


def test_layers_are_those_of_the_issue_and_the_card(package):
    found = {name for name, _ in pyogrio.list_layers(package)}
    assert found == {*LAYERS, *PLAIN, *JUDGED, "layer_styles"}


@pytest.mark.parametrize("name", LAYERS)
def test_layer_has_the_columns_of_the_contract_in_order(package, result, name):
    layer = gpd.read_file(package, layer=name)
    table = tables.TABLES["streets" if name == "links" else name]
    extra = ["graded", "met"] if name == "units" else []
    columns = [column.name for column in table.columns]
    assert list(layer.columns) == [table.index, *columns, *extra, "geometry"]
    assert layer.crs == CRS_STUDY
    expected = getattr(result, "streets" if name == "links" else name)
    assert len(layer) == len(expected if name != "ground" else expected[expected["kind"] != "building"])


@pytest.mark.parametrize("name", [*PLAIN, *JUDGED])
def test_a_table_without_geometry_has_the_columns_of_the_contract(package, result, name):
    table = pyogrio.read_dataframe(package, layer=name)
    assert list(table.columns) == [tables.TABLES[name].index, *tables.TABLES[name].names]
    assert len(table) == len(result.table(name))


def test_walkers_keep_their_change_and_what_cannot_be_told(package, result):
    written = pyogrio.read_dataframe(package, layer="walkers").set_index("row")["change"]
    change = result.walkers["change"]
    assert set(change.dropna()) >= {-1, 0, 1}
    assert written.isna().sum() == change.isna().sum() > 0
    assert (written.dropna() == change.dropna().astype(float)).all()


def test_every_home_has_one_step_free_rule(package, result):
    with sqlite3.connect(package) as file:
        (text,) = file.execute("SELECT styleQML FROM layer_styles WHERE f_table_name = 'step_free'").fetchone()
        filters = [rule.get("filter") for rule in ET.fromstring(text).iter("rule")]  # noqa: S314
        drawn = [row[0] for one in filters for row in file.execute(f"SELECT origin FROM step_free WHERE {one}")]  # noqa: S608
        (none,) = file.execute(f"SELECT count(*) FROM step_free WHERE {filters[0]}").fetchone()  # noqa: S608
    assert sorted(drawn) == sorted(result.step_free.index)
    assert none == result.step_free["no_way"].sum() > 0


def test_gaps_stand_at_their_cluster(package, result):
    gaps = gpd.read_file(package, layer="gaps")
    expected = result.origins.geometry.loc[gaps["origin"]]
    assert gaps.geometry.distance(gpd.GeoSeries(expected.to_numpy(), crs=CRS_STUDY)).max() == 0


def test_units_count_the_categories_that_they_meet(package, result):
    units = gpd.read_file(package, layer="units").set_index("unit")
    card = result.grades[result.grades["unit"] == "C01"]["grade"].dropna().astype(int)
    assert units.loc["C01", "graded"] == len(card)
    assert units.loc["C01", "met"] == sum(grade >= 4 for grade in card)
    assert 0 < units.loc["C01", "met"] < len(card)


def test_hostile_names_stay_as_they_are(package):
    names = set(gpd.read_file(package, layer="facilities")["name"])
    assert set(HOSTILE) <= names


def test_missing_numbers_stay_missing(package, result):
    heights = gpd.read_file(package, layer="origins")["height_m"]
    assert heights.isna().sum() == result.origins["height_m"].isna().sum() > 0


def test_every_layer_has_a_style_that_knows_every_value(package):
    with sqlite3.connect(package) as file:
        styles = dict(file.execute("SELECT f_table_name, styleQML FROM layer_styles WHERE useAsDefault").fetchall())
    assert set(styles) == set(LAYERS)
    for text in styles.values():
        style = ET.fromstring(text)  # noqa: S314  written a moment ago
        used = {rule.get("symbol") for rule in style.iter("rule")}
        assert used == {symbol.get("name") for symbol in style.iter("symbol")}
    for kind in tables.LINK_KINDS:
        assert f"= '{kind}'" in styles["links"].replace("&quot;", '"')
    for category in sample_standard().categories:
        assert category.names["zh"] in styles["facilities"]


def test_unit_rules_leave_no_unit_out_and_none_twice(package):
    units = gpd.read_file(package, layer="units")
    with sqlite3.connect(package) as file:
        (text,) = file.execute("SELECT styleQML FROM layer_styles WHERE f_table_name = 'units'").fetchone()
        filters = [rule.get("filter") for rule in ET.fromstring(text).iter("rule")]  # noqa: S314
        drawn = [row[0] for one in filters for row in file.execute(f"SELECT unit FROM units WHERE {one}")]  # noqa: S608
    assert sorted(drawn) == sorted(units["unit"])


def test_the_same_result_gives_the_same_rows(result, package, tmp_path):
    again = tmp_path / "again.gpkg"
    report.write_geopackage(result, again, standard=sample_standard())

    def dump(path):
        with sqlite3.connect(path) as file:
            listed = file.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'rtree%'")
            return [row for (name,) in listed for row in file.execute(f'SELECT * FROM "{name}"')]  # noqa: S608

    assert dump(again) == dump(package)


def test_a_package_is_replaced(result, tmp_path):
    path = tmp_path / "results.gpkg"
    path.write_bytes(b"something old")
    report.write_geopackage(result, path, standard=sample_standard())
    assert len(gpd.read_file(path, layer="units")) == len(result.units)


def test_links_with_and_without_heights(result, tmp_path):
    streets = result.streets.iloc[:4].copy()
    high = np.array(
        [
            shapely.LineString(np.column_stack([shapely.get_coordinates(line), np.full(3, z)]))
            for line, z in zip(streets.geometry, (200.0, 210.0, np.nan, 230.0), strict=True)
        ]
    )
    for shapes in (high, np.where([True, False, True, False], high, streets.geometry.to_numpy())):
        links = streets.set_geometry(gpd.GeoSeries(shapes, index=streets.index, crs=CRS_STUDY))
        path = tmp_path / "heights.gpkg"
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            report.write_geopackage(dataclasses.replace(result, streets=links), path, standard=sample_standard())
        written = gpd.read_file(path, layer="links")
        assert shapely.get_coordinates(written.geometry, include_z=True)[0, 2] == 200
        assert len(written) == 4


def test_empty_tables_are_written_with_their_columns(result, tmp_path):
    path = tmp_path / "empty.gpkg"
    empty = dataclasses.replace(
        result,
        gaps=result.gaps.iloc[:0],
        facilities=result.facilities.iloc[:0],
        walkers=tables.WALKERS.empty(),
        dependence=tables.DEPENDENCE.empty(CRS_STUDY),
        step_free=tables.STEP_FREE.empty(CRS_STUDY),
    )
    report.write_geopackage(empty, path, standard=sample_standard())
    assert list(gpd.read_file(path, layer="gaps").columns[:3]) == ["row", "origin", "unit"]
    for name in ("walkers", "dependence", "step_free"):
        table = tables.TABLES[name]
        assert list(gpd.read_file(path, layer=name).columns) == [table.index, *table.names]


def test_dictionary_opens_in_excel_and_names_every_column(tmp_path):
    path = tmp_path / "columns.csv"
    report.write_dictionary(path)
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    rows = pd.read_csv(path)
    for name, table in tables.TABLES.items():
        listed = rows.loc[rows["table"] == name, "column"].tolist()
        assert listed == [table.index, *table.names]


def test_many_shapes_are_written_in_portions(tmp_path, monkeypatch):
    result = sample_result()
    paths = [tmp_path / name for name in ("whole.gpkg", "portions.gpkg")]
    report.write_geopackage(result, paths[0], standard=sample_standard())
    monkeypatch.setattr(report, "_POINTS", 40)
    report.write_geopackage(result, paths[1], standard=sample_standard())
    for name in ("isochrones", "links", "units"):
        whole, portions = (gpd.read_file(path, layer=name) for path in paths)
        assert len(whole) > 1
        assert_geodataframe_equal(whole, portions)
