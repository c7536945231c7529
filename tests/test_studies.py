"""Whole studies: the embedded one and the three real extracts, each run once from study file to folder."""

import json
import math

import geopandas as gpd
import numpy as np
import pytest

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
        frame = getattr(result, name)
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


@pytest.mark.parametrize("study_name", ["monaco"])
def test_page_and_card_read_the_categories_alike(ran, study_name):
    study, _ = ran(study_name)
    codes = study.coverage.status.replace({word: at for at, word in enumerate(STATES)}).to_numpy(dtype=int).T
    for lenient in (False, True):
        shown = category_states(codes, standard=study.standard, lenient=lenient)
        judged = category_status(study.coverage, standard=study.standard, lenient=lenient)
        assert (judged.to_numpy() == np.array(STATES, dtype=object)[shown].T).all()
