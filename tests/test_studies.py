"""Whole studies: the embedded one and the three real extracts, each run once from study file to folder."""

import json
import math

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from circle15.assessment import category_status
from circle15.impedance import link_seconds
from circle15.page.contents import STATES, category_states
from circle15.tables import TABLES

ALL = ["demo", "yuzhong", "monaco", "helsinki"]


@pytest.mark.parametrize("study_name", ALL)
def test_every_table_keeps_its_contract(ran, study_name):
    study, _ = ran(study_name)
    result = study.result
    for name, table in TABLES.items():
        frame = result.table(name)
        table.check(frame, crs=study.area.crs if table.geometry else None)


@pytest.mark.parametrize("study_name", ALL)
def test_the_manifest_says_everything_and_adds_up(ran, study_name):
    study, folder = ran(study_name)
    manifest = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    population = manifest["facts"]["population"]
    assert population == pytest.approx(study.project.people.total, abs=1e-6)
    assert len(manifest["residents"]) == 11
    for people in manifest["residents"].values():
        assert people["served"] + people["gap"] + people["unknown"] == pytest.approx(population, abs=1e-6)
        lenient = people["served_lenient"] + people["gap_lenient"] + people["unknown_lenient"]
        assert lenient == pytest.approx(population, abs=1e-6)
    assert set(manifest["origins"]["placed"]) == {"main", "island", "far"}
    assert sum(manifest["facilities"]["entrance_from"].values()) == len(study.facilities)
    assert sum(manifest["links"]["links_by_kind"].values()) == len(study.streets)
    assert sum(manifest["links"]["links_by_evidence"].values()) == len(study.streets)
    assert manifest["facts"]["synthetic"] is (study_name == "demo")


@pytest.mark.parametrize("study_name", ALL)
def test_the_card_is_counted_from_the_clusters(ran, study_name):
    study, folder = ran(study_name)
    result = study.result
    residents = json.loads((folder / "run.json").read_text(encoding="utf-8"))["residents"]
    finest = result.units.index.difference(result.units["parent"].dropna())
    for category, people in residents.items():
        rows = result.grades[(result.grades["category"] == category) & result.grades["unit"].isin(finest)]
        assert rows["served"].sum() == pytest.approx(people["served"], abs=1e-6)
        assert rows["unknown"].sum() == pytest.approx(people["unknown"], abs=1e-6)


@pytest.mark.parametrize("study_name", ALL)
def test_the_gis_package_holds_the_layers(ran, study_name):
    study, folder = ran(study_name)
    listed = gpd.list_layers(folder / "results.gpkg")
    assert {"units", "origins", "facilities", "coverage", "gaps", "isochrones", "links"} <= set(listed["name"])
    written = gpd.read_file(folder / "results.gpkg", layer="origins")
    assert written["population"].sum() == pytest.approx(study.project.people.total)


@pytest.mark.parametrize("study_name", ALL)
def test_isochrones_are_nested_and_valid(ran, study_name):
    study, _ = ran(study_name)
    found = study.result.isochrones
    assert found.is_valid.all()
    wide = found.assign(area=found.area).pivot_table(index="origin", columns="minutes", values=["area", "street_m"])
    for column in ("area", "street_m"):
        assert (wide[column, 5.0] <= wide[column, 10.0] + 1e-6).all()
        assert (wide[column, 10.0] <= wide[column, 15.0] + 1e-6).all()
    assert found.area.max() < math.pi * 1206**2  # a walker at 1.34 m/s on an open plane


@pytest.mark.parametrize("study_name", ["yuzhong"])
def test_the_crown_escalator_and_the_kaixuan_lift(ran, study_name):
    study, _ = ran(study_name)
    seconds = link_seconds(study.streets, study.walker)
    escalator = (study.streets["osm_id"] == "way/421605016").to_numpy()
    assert escalator.sum() == 2  # conveying=reversible: both ways
    assert set(study.streets.loc[escalator, "kind"]) == {"escalator"}
    run, rise = (study.streets.loc[escalator, name].to_numpy() for name in ("length_m", "rise_m"))
    np.testing.assert_allclose(seconds[escalator], np.hypot(run, rise) / study.walker.escalator_m_s)
    lift = (study.streets["osm_id"] == "node/6874999324").to_numpy()
    assert lift.sum() >= 2
    assert set(study.streets.loc[lift, "kind"]) == {"lift"}
    climb = study.streets.loc[lift, "rise_m"].abs().to_numpy()
    expected = study.walker.lift_wait_s + climb / study.walker.lift_m_s + study.walker.lift_doors_s
    np.testing.assert_allclose(seconds[lift], expected)
    assert study.streets.loc[lift, "fee"].eq("yes").all()


@pytest.mark.parametrize("study_name", ["yuzhong"])
def test_what_was_never_asked_for_is_unknown_and_not_a_gap(ran, study_name):
    study, _ = ran(study_name)
    for service in ("nursery", "elder_station", "canteen", "toilet", "kindergarten"):
        assert "gap" not in set(study.coverage.status[service]), service
    assert (study.coverage.status["rail"] == "served").mean() > 0.2


@pytest.mark.parametrize("study_name", ["demo"])
def test_the_demonstration_has_a_story(ran, study_name):
    study, _ = ran(study_name)
    card = study.result.grades
    communities = study.units.index[study.units["tier"] == "community"]
    grades = card.loc[card["unit"].isin(communities), "grade"].dropna()
    assert set(grades.astype(int)) == {1, 2, 3, 4, 5}
    assert (study.coverage.status == "gap").to_numpy().any()
    assert study.project.study.synthetic


@pytest.mark.parametrize("study_name", ["demo"])
def test_the_card_has_a_cell_for_every_unit_and_category(ran, study_name):
    """1 + 11 + 79, and the workstation that the list of codes has beside the 79 communities."""
    study, folder = ran(study_name)
    tiers = study.units["tier"].value_counts().to_dict()
    assert tiers == {"district": 1, "subdistrict": 11, "community": 80}
    station = study.units.index[study.units["name"].str.endswith("工作站")]
    assert len(station) == 1
    for card in (study.result.grades, gpd.read_file(folder / "results.gpkg", layer="grades")):
        assert len(card) == 11 * 92
        assert (~card["unit"].isin(station)).sum() == 11 * 91 == 1001


@pytest.mark.parametrize("study_name", ALL)
def test_everything_judged_is_counted_from_the_clusters(ran, study_name):
    study, _ = ran(study_name)
    result, people = study.result, study.origins["population"].sum()
    top = study.units.index[study.units["parent"].isna()]
    finest = study.units.index.difference(study.units["parent"].dropna())
    parts = {
        "supply": ["served", "gap", "unknown"],
        "containment": ["in_reach", "too_small", "gap", "unknown"],
        "views": ["served", "gap", "unknown"],
    }
    for name, columns in parts.items():
        table = result.table(name)
        key = table.columns[2] if name != "views" else "view"
        for units in (top, finest):
            sums = table[table["unit"].isin(units)].groupby(key)[["people", *columns]].sum()
            np.testing.assert_allclose(sums["people"], people, rtol=1e-9)
            np.testing.assert_allclose(sums[columns].sum(axis=1), people, rtol=1e-9)
    groups = result.table("group_coverage")
    for units in (top, finest):
        rows = groups[groups["unit"].isin(units)]
        np.testing.assert_allclose(rows[["served", "gap", "unknown"]].sum().sum(), rows["people"].sum(), rtol=1e-9)
    by_card = result.grades.groupby("unit")["people"].first()
    np.testing.assert_allclose(by_card[finest].sum(), by_card[top].sum(), rtol=1e-9)


@pytest.mark.parametrize("study_name", ALL)
def test_the_grade_is_the_worse_of_the_two(ran, study_name):
    study, _ = ran(study_name)
    card, supply = study.result.grades, study.result.table("supply")
    strict = [key for category in study.standard.categories for key in category.asked()]
    worst = supply[supply["service"].isin(strict)].groupby(["unit", "category"])["grade"].min()
    found = card.set_index(["unit", "category"])
    asked = worst.reindex(found.index)
    assert found["grade_supply"].fillna(0).astype(int).tolist() == asked.fillna(0).astype(int).tolist()
    both = found[found["judged_by"] == "both"]
    assert (both["grade"] == both[["grade_coverage", "grade_supply"]].min(axis=1)).all()
    alone = found[found["judged_by"] == "coverage"]
    assert (alone["grade"] == alone["grade_coverage"]).all()
    assert found.loc[found["judged_by"] == "", "grade"].isna().all()


@pytest.mark.parametrize("study_name", ["demo"])
def test_what_the_district_is_offered_is_what_stands_in_reach(ran, study_name):
    study, _ = ran(study_name)
    rows = study.result.table("supply").set_index(["unit", "service"]).loc["500103"]
    times, facilities = study.times, study.facilities
    inside = facilities.intersects(study.area.boundary)
    for key in ("elder_station", "health_centre", "nursery"):
        service = study.standard.service(key)
        ids = facilities.index[inside & (facilities["service"] == key)]
        walks = times.to(ids)
        near = walks.seconds.copy()
        near.data = (near.data <= service.minutes * 60).astype(float)
        reached = near.sum(axis=0) > 0
        size = facilities.loc[ids, "capacity" if service.norm.of == "capacity" else "floor_area_m2"]
        assert rows.loc[key, "offered"] == pytest.approx(size[reached].sum())
        assert rows.loc[key, "judged_by"] == "size"


@pytest.mark.parametrize("study_name", ["demo"])
def test_circles_groups_and_answers_of_the_demonstration(ran, study_name):
    study, folder = ran(study_name)
    result = study.result
    assert len(result.table("circles")) == 11
    assert sorted(result.table("circles")["rank"]) == list(range(1, 12))
    manifest = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert manifest["circles"]["of"] == 11
    assert [one["circles"] for one in manifest["circles"]["targets"]] == [1, 4, 11]
    canteens = manifest["coverage_by_service"]["canteen"]
    assert (canteens["units"], canteens["units_owning"]) == (80, 17)  # unit coverage 21 %
    share = canteens["served"] / (canteens["served"] + canteens["gap"])
    assert share > 1.3 * 17 / 80  # resident coverage is another thing
    assert sum(manifest["minimums"]["elder_station"].values()) == 80
    groups = result.table("group_coverage").set_index(["unit", "group", "service", "minutes"])["served"]
    assert groups["500103", "older", "elder_station", 10] < groups["500103", "older", "elder_station", 15]
    older = result.table("group_coverage").query("unit == '500103' and group == 'older'")
    assert older["people"].to_numpy() == pytest.approx(576_300 * 0.1976)
    assert set(older["counted"]) == {"assumed"}
    assert len(result.table("quadrant")) == 121
    assert set(result.table("views")["view"]) >= {"C1", "C8", "all circles", "integrated", "clinic", "all brands"}


@pytest.mark.parametrize("study_name", ["demo"])
def test_one_more_station_in_the_worst_place_helps_and_hurts_nobody(ran, study_name):
    """A facility of unknown size where one is most wanted: no cell of the card gets worse, one gets better."""
    study, _ = ran(study_name)
    lacking = study.result.gaps.query("service == 'elder_station'").iloc[0]
    row = study.facilities[study.facilities["service"] == "elder_station"].iloc[[0]]
    home = study.origins.geometry[lacking["origin"]]
    new = row.assign(floor_area_m2=np.nan, geometry=[shapely.MultiPoint([home])]).set_axis(["new"])
    other = study.without_links([])
    other.facilities = pd.concat([study.facilities, new]).rename_axis(row.index.name)
    before, after = study.card, other.card
    better = (after["grade"] > before["grade"]).fillna(value=False)
    assert not (after["grade"] < before["grade"]).fillna(value=False).any()
    assert set(after.loc[better, "category"]) <= {"elderly_care"}
    served = [card.loc["500103:elderly_care", "served"] for card in (before, after)]
    assert served[1] > served[0]


@pytest.mark.parametrize("study_name", ["monaco"])
def test_page_and_card_read_the_categories_alike(ran, study_name):
    study, _ = ran(study_name)
    codes = study.coverage.status.replace({word: at for at, word in enumerate(STATES)}).to_numpy(dtype=int).T
    for lenient in (False, True):
        shown = category_states(codes, standard=study.standard, lenient=lenient)
        judged = category_status(study.coverage, standard=study.standard, lenient=lenient)
        assert (judged.to_numpy() == np.array(STATES, dtype=object)[shown].T).all()
