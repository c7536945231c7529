"""Totals and age groups per unit, their spreading over clusters, housing, and rasters of people (all synthetic)."""

import contextlib
import doctest
from pathlib import Path

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pytest
import rasterio
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import CRS
from rasterio.transform import Affine

from circle15.errors import Circle15Warning, ConfigError, DataError, SourceError
from circle15.project import Standard
from circle15.sources import people_raster
from circle15.sources.ages import age_group
from circle15.sources.people import residence_clusters
from circle15.sources.people_raster import read_people_raster
from circle15.sources.population import housing, spread_groups
from circle15.sources.totals import read_totals
from circle15.study import Study
from circle15.tables import GROUPS, HOUSING, StudyArea

UTM = CRS("EPSG:32648")
WEST, NORTH = 650_000.0, 3_270_000.0
AREA = StudyArea("Square", shapely.box(WEST, NORTH, WEST + 1000, NORTH + 1000), UTM, 500)


def units(*rows):
    """Boxes as (id, name, tier, parent, population)."""
    frame = pd.DataFrame(rows, columns=["unit", "name", "tier", "parent", "population"]).set_index("unit")
    frame["parent"] = frame["parent"].astype(object).where(frame["parent"].notna(), None)
    frame = frame.assign(source="test", population=frame["population"].astype(float))
    shapes = [shapely.box(WEST + 100 * n, NORTH, WEST + 100 * n + 100, NORTH + 100) for n in range(len(rows))]
    return gpd.GeoDataFrame(frame, geometry=shapes, crs=UTM)


def town():
    """A district of two subdistricts, the first of two communities; the two 石油路 differ in their tier only."""
    return units(
        ("D", "大城区", "district", None, np.nan),
        ("S1", "石油路街道", "subdistrict", "D", np.nan),
        ("S2", "化龙桥街道", "subdistrict", "D", 300),
        ("C1", "石油路社区", "community", "S1", np.nan),
        ("C2", "虎歇路社区", "community", "S1", np.nan),
    )


def clusters(*rows):
    """Clusters as (id, unit, population) with floor area 30 m2 each."""
    frame = pd.DataFrame(rows, columns=["origin", "unit", "population"]).set_index("origin")
    frame["unit"] = frame["unit"].astype(object).where(frame["unit"].notna(), None)
    frame = frame.assign(population=frame["population"].astype(float), buildings=1, evidence="tag", span_m=0.0)
    frame["floor_area_m2"], frame["height_m"] = frame["population"] * 30, np.nan
    return gpd.GeoDataFrame(frame, geometry=[shapely.Point(WEST, NORTH + n) for n in range(len(rows))], crs=UTM)


@pytest.fixture
def table(tmp_path):
    def write(text, name="totals.csv", encoding="utf-8"):
        (tmp_path / name).write_text(text, encoding=encoding)
        return tmp_path / name

    return write


def refused(path, grounds=None):
    with pytest.raises(DataError) as caught:
        read_totals(path, town() if grounds is None else grounds)
    return str(caught.value)


# ---------------------------------------------------------------------------------------------------------- age groups


def test_headers_of_ages():
    same = {
        "60+": (
            "60+",
            "60岁及以上",
            "60岁以上",
            "60 岁 以上人口",
            "60周岁及以上（人）",
            "６０＋",
            "60 and over",
            "其中:60岁以上",
        ),
        "0-2": ("0-2", "0-2岁", "0～2岁", "0—2岁人口数", "0岁-2岁", "0至2周岁", "0 to 2 years", "pop_0_2", "age 0-2"),
        "6-11": ("6-11", "6~11岁", "6到11岁", "Ages 6–11"),
    }
    for group, headers in same.items():
        assert {age_group(one) for one in headers} == {group}
    other = (
        "人口",
        "60岁以上占比",
        "60+ %",
        "60+ share",
        "2010-2020",
        "11-6",
        "60",
        "60岁",
        "15岁以下",
        "女 60+",
        "130+",
    )
    assert {age_group(one) for one in other} == {None}


def test_every_group_of_the_shipped_standard_is_its_own_normal_form():
    groups = {one.group for one in Standard.load("yuzhong-15min").services} - {"all"}
    assert {"60+", "3-5"} <= groups
    assert {age_group(one) for one in groups} == groups
    assert {age_group(f"{one}岁") for one in groups} == groups


# -------------------------------------------------------------------------------------------------------------- totals


def test_a_table_in_chinese_by_name(table):
    text = '街道,社区,常住人口（人）,60岁及以上,备注\n石油路,石油路,500,110,x\n石油路街道,虎歇路 ,"1,400",,\n'
    text += "化龙桥,,,60,\n"
    found = read_totals(table(text, encoding="gb18030"), town())
    people = found.units["population"]
    assert people.drop(["D", "S1"]).to_dict() == {"S2": 300, "C1": 500, "C2": 1400}
    assert people[["D", "S1"]].isna().all()
    assert found.groups.columns.tolist() == ["60+"]
    assert found.groups["60+"].dropna().to_dict() == {"S2": 60, "C1": 110}
    assert found.groups.index.equals(found.units.index)
    assert found.findings == ()


def test_codes_win_and_other_files_say_the_same(table, tmp_path):
    rows = [("code", "name", "population", "0-2"), ("C1", "虎歇路社区", 500, 12), ("S2", "x", 700, 20)]
    csv = read_totals(table("\n".join(",".join(map(str, row)) for row in rows)), town())
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(tmp_path / "totals.xlsx")
    shapes = gpd.GeoDataFrame(rows[1:], columns=rows[0], geometry=[shapely.Point(106, 29)] * 2, crs=4326)
    shapes.to_file(tmp_path / "totals.geojson")
    for other in ("totals.xlsx", "totals.geojson"):
        found = read_totals(tmp_path / other, town())
        assert found.units.equals(csv.units)
        assert found.groups.equals(csv.groups)
    assert csv.units["population"].dropna().to_dict() == {"S2": 700, "C1": 500}


def test_the_tier_tells_two_units_of_one_name_apart(table):
    found = read_totals(table("街道,人口\n石油路,900\n化龙桥,5\n"), town())
    assert found.units["population"].dropna().to_dict() == {"S1": 900, "S2": 5}
    found = read_totals(table("name,pop\n石油路社区,90\n"), town())
    assert found.units.loc["C1", "population"] == 90
    assert "1 of 1 rows bear a name that several units share (石油路)" in refused(table("name,pop\n石油路,90\n"))


def test_the_subdistrict_tells_two_communities_of_one_name_apart(table):
    grounds = town()
    grounds.loc["C2", ["name", "parent"]] = ["石油路社区", "S2"]
    found = read_totals(table("街道,社区,人口\n化龙桥,石油路,7\n石油路,石油路,8\n"), grounds)
    assert found.units.loc[["C1", "C2"], "population"].tolist() == [8, 7]
    assert "share (石油路)" in refused(table("社区,人口\n石油路,7\n"), grounds)


def test_of_several_years_the_latest_is_read(table):
    found = read_totals(table("代码,人口,年份\nC1,400,2010\nC1,500,2020年\nC2,9,2020-11-01\n"), town())
    assert found.units["population"].dropna().to_dict() == {"S2": 300, "C1": 500, "C2": 9}
    assert [str(one) for one in found.findings] == [
        "totals.csv: it holds the years 2010, 2020; only 2020 is read. Take out the others."
    ]
    old = read_totals(table("code,population,year\nC1,400,2010\n"), town())
    assert "it is of 2010. Give a table of 2020 or later" in str(old.findings[0])
    assert "1 of 2 rows have no year" in refused(table("code,population,year\nC1,400,2010\nC2,4,soon\n"))


def test_every_finding_at_once(table):
    text = refused(
        table(
            "code,name,population,60+,60岁以上,3-5,2026-03-05\n"
            ",虎歇璐社区,10,1,,,\n"
            "C1,,500,600,,,\n"
            "C1,,500,-3,,,\n"
            "S2,,many,,,,\n"
            ",,5,,,,\n"
        )
    )
    assert "1 of 5 rows name no unit of the study (虎歇璐社区). Did you mean 虎歇路社区 for 虎歇璐社区?" in text
    assert "1 of 5 rows have more people in 3-5, 60+ than population (first: 3)" in text
    assert "1 of 5 rows have a number of 60+ that is negative or no number (first: 4)" in text
    assert "1 of 5 rows have a number of residents that is negative or no number (first: 5)" in text
    assert "1 of 5 rows have neither a code nor a name (first: 6)" in text
    assert "units stand in it more than once (C1)" in text
    assert "the columns 60+ and 60岁以上 both mean ages 60+" in text
    assert "the column '2026-03-05' is a date. If it was ages that a spreadsheet took for a date" in text


EVERY = "0-14, 15-59, 60+, 65+"


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ("100,90,15,30,", f"more people in {EVERY} than population"),  # 90 and 15 do not overlap
        ("100,20,,21,", "more people in 65+ than people aged 60+"),
        ("100,,,,101", f"more people in {EVERY} than population"),
        (",,,,301", f"more people in {EVERY} than population"),  # of the units' own 300
    ],
)
def test_groups_cannot_hold_more_people_than_there_are(table, numbers, message):
    text = refused(table(f"code,population,60+,0-14,65+,15-59\nS2,{numbers}\n"))
    assert text == f"totals.csv: 1 of 1 rows have {message} (first: 2). Correct one or the other."


def test_groups_that_fill_the_population_are_right(table):
    found = read_totals(table("code,population,60+,0-14,65+,15-59\nS2,100,30,10,20,60\n"), town())
    assert found.groups.loc["S2"].to_dict() == {"0-14": 10, "15-59": 60, "60+": 30, "65+": 20}


def test_what_is_not_read_is_said(table):
    found = read_totals(table("code,population,15岁以下,60岁以上占比\nC1,5,1,20\n"), town())
    assert [one.problem for one in found.findings] == [
        "the column '15岁以下' is not read",
        "the column '60岁以上占比' is not read",
    ]
    assert found.groups.columns.empty
    assert "counts in 万" in refused(table("code,常住人口（万人）\nC1,5.2\n"))
    assert "there is no number of people in it" in refused(table("code,户籍人口\nC1,5\n"))


def test_parts_that_add_up_to_something_else(table):
    text = "code,population,60+\nS1,1000,200\nC1,500,100\nC2,{},{}\n"
    assert read_totals(table(text.format(495, 99)), town()).findings == ()
    found = read_totals(table(text.format(480, 140)), town()).findings
    assert [one.problem for one in found] == [
        "the parts of 1 units add up to other residents than the units themselves (S1)",
        "the parts of 1 units add up to other people aged 60+ than the units themselves (S1)",
    ]
    assert read_totals(table("code,population\nS1,1000\nC1,500\n"), town()).findings == ()  # C2 takes the rest


def test_no_file_and_an_empty_one(table, tmp_path):
    with pytest.raises(SourceError, match="there is no such file"):
        read_totals(tmp_path / "none.csv", town())
    assert "there is no number of people in it" in refused(table("code,population\n"))
    assert "it is empty" in refused(table(""))


def test_the_table_changes_nothing_that_it_was_given(table):
    grounds = town()
    before = grounds.copy()
    read_totals(table("code,population,60+\nC1,5,1\n"), grounds)
    assert grounds.equals(before)


# -------------------------------------------------------------------------------------------------- groups in clusters


def published(**columns):
    return pd.DataFrame(columns, index=pd.Index(["D", "S1", "S2", "C1", "C2"], name="unit"), dtype=float)


HOMES = clusters(("a", "C1", 100), ("b", "C1", 300), ("c", "C2", 200), ("d", "S2", 400), ("e", None, 50))


def by_origin(found, group):
    rows = found[found["group"] == group]
    return dict(zip(rows["origin"], rows["people"], strict=True))


def test_the_finest_number_holds_and_the_rest_goes_to_the_rest():
    groups = published(**{"60+": [300, np.nan, np.nan, 80, np.nan]})
    found = spread_groups(groups, HOMES, town(), shares={"3-5岁": 0.03, "60+": 0.5})
    GROUPS.check(found)
    # C1 keeps 80; of the other 220, C2 (200 residents) and S2 (400) take a third and two thirds
    assert by_origin(found, "60+") == pytest.approx({"a": 20, "b": 60, "c": 220 / 3, "d": 440 / 3, "e": 25})
    assert by_origin(found, "3-5") == pytest.approx({"a": 3, "b": 9, "c": 6, "d": 12, "e": 1.5})
    assert found.index.tolist()[:2] == ["a:3-5", "a:60+"]
    assert found.loc[found["assumed"]].index.tolist() == ["a:3-5", "b:3-5", "c:3-5", "d:3-5", "e:3-5", "e:60+"]


def test_what_nobody_states_is_absent():
    found = spread_groups(published(**{"60+": [np.nan, np.nan, np.nan, 80, np.nan]}), HOMES, town(), shares={})
    assert by_origin(found, "60+") == {"a": 20, "b": 60}
    assert spread_groups(published(), HOMES, town(), shares={}).equals(GROUPS.empty())


def test_a_cluster_keeps_what_it_states_itself():
    own = pd.DataFrame({"60+": [50, np.nan, 7, np.nan, np.nan]}, index=HOMES.index)
    groups = published(**{"60+": [np.nan, np.nan, np.nan, 80, np.nan]})
    found = spread_groups(groups, HOMES, town(), shares={}, own=own)
    assert by_origin(found, "60+") == {"a": 50, "b": 30, "c": 7}
    assert not found["assumed"].any()


def test_contradictions_and_people_without_a_home():
    groups = published(**{"60+": [np.nan, 100, np.nan, 80, 90]})
    with pytest.warns(Circle15Warning, match=r"other numbers of people aged 60\+ than the units themselves \(S1\)"):
        found = spread_groups(groups, HOMES, town(), shares={})
    assert by_origin(found, "60+") == {"a": 20, "b": 60, "c": 90}
    nobody = HOMES[HOMES["unit"] != "C2"]
    with pytest.raises(DataError, match=r"unit C2: 90 people aged 60\+ are published, but nobody lives there"):
        spread_groups(published(**{"60+": [np.nan, np.nan, np.nan, 80, 90]}), nobody, town(), shares={})


@pytest.mark.parametrize(
    ("shares", "message"),
    [
        ({"old": 0.2}, "'old' is no age group"),
        ({"60+": 0.2, "60岁以上": 0.2}, "two keys mean the same ages"),
        ({"60+": 0.5, "0-59": 0.6}, "exceed 1"),
    ],
)
def test_shares_that_cannot_be(shares, message):
    with pytest.raises(ConfigError, match=message):
        spread_groups(published(), HOMES, town(), shares=shares)


@st.composite
def peopled(draw):
    """A town with clusters and published numbers that do not contradict each other."""
    seed = draw(st.integers(0, 9999))
    rng = np.random.default_rng(seed)
    count = draw(st.integers(4, 40))
    unit = np.append(["C1", "C2", "S2"], rng.choice(["C1", "C2", "S2", "S1", "D"], count - 3))
    number = rng.uniform(0.01, 5000, count)
    homes = clusters(*[(f"o{n}", where, people) for n, (where, people) in enumerate(zip(unit, number, strict=True))])
    inside = {"D": ["D", "S1", "S2", "C1", "C2"], "S1": ["S1", "C1", "C2"], "S2": ["S2"], "C1": ["C1"], "C2": ["C2"]}
    share = dict(zip(inside, rng.uniform(0, 0.4, 5), strict=True))
    truth = homes["population"] * homes["unit"].map(share)
    sums = {one: truth[homes["unit"].isin(parts)].sum() for one, parts in inside.items()}
    known = draw(st.lists(st.booleans(), min_size=5, max_size=5))
    groups = published(**{"60+": [sums[one] if said else np.nan for one, said in zip(inside, known, strict=True)]})
    return homes, groups, inside


@settings(max_examples=50)
@given(case=peopled())
def test_every_published_number_is_conserved(case):
    homes, groups, inside = case
    found = spread_groups(groups, homes, town(), shares={"60+": 0.2})
    people = found.set_index("origin")["people"]
    for unit, number in groups["60+"].dropna().items():
        ours = people[homes.index[homes["unit"].isin(inside[unit])]].sum()
        assert ours == pytest.approx(number, rel=1e-9, abs=1e-9)
    assumed = found[found["assumed"]]
    assert assumed["people"].to_numpy() == pytest.approx(homes.loc[assumed["origin"], "population"].to_numpy() * 0.2)


@settings(max_examples=40)
@given(case=peopled(), seed=st.integers(0, 99), cut=st.floats(0.05, 0.95))
def test_order_and_splitting_change_nothing(case, seed, cut):
    homes, groups, _ = case
    whole = by_origin(spread_groups(groups, homes, town(), shares={}), "60+")
    mixed = homes.sample(frac=1, random_state=seed)
    assert by_origin(spread_groups(groups, mixed, town(), shares={}), "60+") == pytest.approx(whole)
    one = homes.iloc[[0]].assign(population=homes["population"].iloc[0] * cut)
    other = one.assign(population=homes["population"].iloc[0] * (1 - cut)).rename(index={"o0": "half"})
    split = gpd.GeoDataFrame(pd.concat([one, other, homes.iloc[1:]]), crs=UTM).rename_axis("origin")
    halves = by_origin(spread_groups(groups, split, town(), shares={}), "60+")
    if "o0" in whole:
        halves["o0"] += halves.pop("half")
    assert halves == pytest.approx(whole)


# ------------------------------------------------------------------------------------------------------------- housing


def test_floor_area_found_against_expected():
    homes = HOMES.copy()
    homes.loc["d", ["buildings", "floor_area_m2"]] = [0, np.nan]  # people of a unit in which no home is drawn
    found = housing(homes, town(), m2_each=35)
    HOUSING.check(found)
    assert found["people"].to_dict() == {"D": 1000, "S1": 600, "S2": 400, "C1": 400, "C2": 200}
    assert found["floor_area_m2"].to_dict() == {"D": 18_000, "S1": 18_000, "S2": 0, "C1": 12_000, "C2": 6_000}
    assert found["expected_m2"].to_dict() == {"D": 35_000, "S1": 21_000, "S2": 14_000, "C1": 14_000, "C2": 7_000}
    assert found["share"].to_dict() == pytest.approx({"D": 18 / 35, "S1": 6 / 7, "S2": 0, "C1": 6 / 7, "C2": 6 / 7})


def test_a_floor_area_that_is_not_known_is_never_zero():
    homes = HOMES.assign(evidence="survey", buildings=0)
    homes.loc["c", "floor_area_m2"] = np.nan
    assert housing(homes, town(), m2_each=35).index.tolist() == ["S2", "C1"]
    assert housing(homes.assign(floor_area_m2=np.nan), town(), m2_each=35).empty
    nobody = housing(HOMES[HOMES["unit"] == "C1"], town(), m2_each=35)
    assert nobody.loc["C2", ["people", "floor_area_m2"]].tolist() == [0, 0]
    assert np.isnan(nobody.loc["C2", "share"])


def test_footprints_are_missing_in_the_real_extract(real_data):  # noqa: ARG001  the study reads it
    study = Study.open(Path(__file__).parents[1] / "data" / "yuzhong_real.toml")
    found = housing(study.origins, study.units, m2_each=35).loc["study-area"]
    assert found["expected_m2"] == pytest.approx(20.17e6, rel=1e-3)  # 576,300 residents of 35 m2
    assert 10.0e6 < found["floor_area_m2"] < 10.76e6  # fewer than the published floor area of old estates alone
    assert found["share"] == pytest.approx(0.522, abs=0.01)


def test_the_elders_of_a_real_district(real_data, table):  # noqa: ARG001
    study = Study.open(Path(__file__).parents[1] / "data" / "yuzhong_real.toml")
    totals = read_totals(table("名称,常住人口,60岁以上\n渝中区(真实街道),576300,113877\n"), study.units)
    origins = residence_clusters(study.buildings, totals.units, study.area, people=study.project.people)
    groups = spread_groups(totals.groups, origins, totals.units, shares={"0-14": 0.1591})
    people = groups.groupby(["group", "assumed"])["people"].sum()
    assert people.to_dict() == pytest.approx({("60+", False): 113_877, ("0-14", True): 576_300 * 0.1591}, rel=1e-9)
    assert groups["origin"].nunique() == len(origins)


def test_housing_of_another_real_extract(real_data):  # noqa: ARG001
    study = Study.open(Path(__file__).parents[1] / "data" / "monaco.toml")
    found = housing(study.origins, study.units, m2_each=35).loc["study-area"]
    assert found["expected_m2"] == pytest.approx(38_000 * 35)
    assert found["floor_area_m2"] == pytest.approx(study.origins["floor_area_m2"].sum())
    assert found["share"] > 2  # every house is drawn, and half of the plain ones counted: many are no homes


# -------------------------------------------------------------------------------------------------- a raster of people


def raster_file(folder, values, *, crs="EPSG:32648", side=100.0, at=(WEST, NORTH + 1000), **more):
    """A GeoTIFF of people per cell, north row first, made up."""
    values = np.atleast_2d(np.asarray(values, dtype="f4"))
    bands = more.pop("bands", 1)
    tags, units_ = more.pop("tags", {}), more.pop("units", None)
    transform = more.pop("transform", Affine(side, 0, at[0], 0, -side, at[1]))
    shape = {"height": values.shape[0], "width": values.shape[1], "count": bands, "dtype": "float32"}
    path = folder / "people.tif"
    with rasterio.open(path, "w", driver="GTiff", crs=crs, transform=transform, **shape, **more) as file:
        for band in range(1, bands + 1):
            file.write(values, band)
        file.update_tags(**tags)
        if units_:
            file.units = [units_]
    return path


def test_cells_and_the_share_of_those_that_the_boundary_cuts(tmp_path):
    values = np.full((12, 12), -99999.0)
    values[1, 1], values[3, 4], values[0, 1], values[5, 11] = 10, 20, 8, 16
    path = raster_file(tmp_path, values, at=(WEST - 50, NORTH + 1100), nodata=-99999)
    found = read_people_raster(path, AREA)
    # rows 0 and columns 0 and 10 lie outside by 100, 50 and 50 m: (0, 1) is out; (5, 11) is out
    assert found.people.tolist() == pytest.approx([10, 20])
    half = values.copy()
    half[2, 0] = 40
    found = read_people_raster(raster_file(tmp_path, half, at=(WEST - 50, NORTH + 1100), nodata=-99999), AREA)
    assert sorted(found.people) == pytest.approx([10, 20, 20])
    assert shapely.intersects_xy(AREA.boundary, *found.xy.T).all()
    places = np.array([[WEST + 60, NORTH + 990], [WEST + 360, NORTH + 790], [WEST + 10, NORTH + 890], [0, 0]])
    numbers = found.cell(places)
    assert found.people[numbers[:3]].tolist() == pytest.approx([10, 20, 20])
    assert numbers[3] == -1


def test_a_raster_in_degrees_holds_as_many_people(tmp_path):
    lonlat = gpd.GeoSeries([AREA.boundary], crs=UTM).to_crs(4326).total_bounds
    side = 1 / 1200  # 3 seconds of arc, as WorldPop
    values = np.random.default_rng(3).uniform(0, 90, (40, 40)).round(1)
    path = raster_file(tmp_path, values, crs="EPSG:4326", side=side, at=(lonlat[0] - 10 * side, lonlat[3] + 10 * side))
    found = read_people_raster(path, AREA)
    # the square of 1 km² holds about as many as its share of cells: 1e6 m² / (92.4 m x 80.4 m) x 45 people
    expected = 1e6 / (side * 110_852 * side * 96_900) * 45
    assert found.people.sum() == pytest.approx(expected, rel=0.05)
    wide = StudyArea("Wide", gpd.GeoSeries([shapely.box(*lonlat)], crs=4326).to_crs(UTM)[0], UTM)
    inside = read_people_raster(path, wide)
    assert (inside.cell(inside.xy) == np.arange(len(inside.people))).all()


@settings(max_examples=50)
@given(seed=st.integers(0, 999), x=st.floats(0, 600), y=st.floats(0, 600))
def test_cutting_a_boundary_in_two_conserves_people(seed, x, y):
    values = np.random.default_rng(seed).uniform(0, 50, (10, 10))
    corner = Affine(100.0, 0, WEST, 0, -100.0, NORTH + 1000)

    def people(shape):
        area = StudyArea("Part", shape, UTM)
        return people_raster._cut(values, corner, area, crs="EPSG:32648", where="t").people.sum()

    whole = shapely.box(WEST, NORTH, WEST + 1000, NORTH + 1000)
    part = shapely.box(WEST + x, NORTH + y, WEST + x + 350, NORTH + y + 350)
    assert people(whole) == pytest.approx(values.sum(), rel=1e-9)
    assert people(part) + people(whole.difference(part)) == pytest.approx(values.sum(), rel=1e-9)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"crs": None}, "the CRS is not stated"),
        ({"bands": 3}, "it has 3 bands"),
        ({"tags": {"description": "Population density, people per km2"}}, "it holds a density, not people per cell"),
        ({"units": "persons/km2"}, "it holds a density"),
        ({"tags": {"说明": "人口密度"}}, "it holds a density"),
        ({"at": (WEST + 50_000, NORTH)}, "it misses the area"),
        ({"at": (WEST + 300, NORTH + 1000)}, "it reaches over only 7"),
        ({"transform": Affine(0, 0, WEST, 0, 0, NORTH)}, "its cells have no size"),
    ],
)
def test_rasters_that_are_refused(tmp_path, more, message):
    with pytest.raises((DataError, SourceError), match=message):
        read_people_raster(raster_file(tmp_path, np.ones((10, 10)), **more), AREA)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (-1.0, r"1 of 100 cells hold a number of people below 0 or above 10,000,000 \(first: -1\)"),
        (np.inf, r"above 10,000,000 \(first: inf\)"),
        (3.4e38, "State it as the no-data value"),
        (0.0, "it knows nobody within the boundary"),
    ],
)
def test_cells_that_cannot_be(tmp_path, value, message):
    values = np.zeros((10, 10))
    values[4, 4] = value
    with pytest.raises(DataError, match=message):
        read_people_raster(raster_file(tmp_path, values), AREA)


def test_counts_per_pixel_are_no_density(tmp_path):
    tags = {"description": "Estimated total number of people per grid-cell, 100m, persons per grid square"}
    assert read_people_raster(raster_file(tmp_path, np.ones((10, 10)), tags=tags), AREA).people.sum() == 100


@pytest.mark.parametrize("seed", range(5))
def test_spoilt_bytes_end_in_an_answer_or_in_one_clear_error(tmp_path, seed):
    path, rng = raster_file(tmp_path, np.ones((12, 12)), nodata=-99), np.random.default_rng(seed)
    sound = np.frombuffer(path.read_bytes(), dtype="u1")
    for _ in range(40):  # loops of 45 s found a CRS that PROJ refuses, complex numbers, and infinite places
        spoilt = sound.copy()
        spoilt[rng.integers(0, len(sound), rng.integers(1, 9))] = rng.integers(0, 256)
        path.write_bytes(spoilt.tobytes())
        with contextlib.suppress(DataError, SourceError):
            assert np.isfinite(read_people_raster(path, AREA).people).all()


def test_too_many_cells_are_refused_before_they_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr(people_raster, "MOST_CELLS", 99)
    monkeypatch.setattr(people_raster, "_counts", lambda *_: pytest.fail("it was read"))
    with pytest.raises(DataError, match="it has 100 cells around the boundary, more than 99"):
        read_people_raster(raster_file(tmp_path, np.ones((10, 10))), AREA)
    monkeypatch.setattr(people_raster, "MOST_BLOCK", 9)
    with pytest.raises(DataError, match="it is stored in blocks of 10 x 10 cells"):
        read_people_raster(raster_file(tmp_path, np.ones((10, 10))), AREA)


def test_files_that_are_no_raster(tmp_path):
    with pytest.raises(SourceError, match="there is no such file"):
        read_people_raster(tmp_path / "none.tif", AREA)
    (tmp_path / "text.tif").write_text("no raster")
    with pytest.raises(SourceError, match="it cannot be read as a GeoTIFF"):
        read_people_raster(tmp_path / "text.tif", AREA)
    (tmp_path / "far.tif").write_text('<VRTDataset rasterXSize="1" rasterYSize="1"></VRTDataset>')
    with pytest.raises(SourceError, match="it cannot be read as a GeoTIFF"):
        read_people_raster(tmp_path / "far.tif", AREA)
    place = {
        "crs": UTM,
        "transform": Affine(100, 0, WEST, 0, -100, NORTH + 1000),
        "width": 10,
        "height": 10,
        "count": 1,
    }
    rasterio.open(tmp_path / "c.tif", "w", driver="GTiff", dtype="complex64", **place).close()
    with pytest.raises(DataError, match="its numbers are complex"):
        read_people_raster(tmp_path / "c.tif", AREA)
    whole = raster_file(tmp_path, np.random.default_rng(0).uniform(0, 9, (10, 10)))
    whole.write_bytes(whole.read_bytes()[:300])
    with pytest.raises((SourceError, DataError)):
        read_people_raster(whole, AREA)


def test_worked_numbers_of_the_page():
    page = Path(__file__).parents[2] / "docs" / "methods" / "people.md"
    found = doctest.testfile(str(page), module_relative=False, encoding="utf-8")
    assert found.attempted >= 10
    assert found.failed == 0
