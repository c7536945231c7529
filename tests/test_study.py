"""The conductor: what it remembers, and the folder that appears whole or not at all."""

import json
import os
from importlib import resources

import pandas as pd
import pyogrio
import pytest

import circle15 as c15
from circle15.errors import Circle15Error, DataError
from circle15.study import Study, demo_study
from tiny_study import write_study


@pytest.fixture
def study_file(tmp_path):
    return write_study(tmp_path)


def test_steps_are_announced_and_computed_once(study_file):
    steps = []
    study = Study.open(study_file, announce=steps.append)
    assert steps == []
    assert study.times is study.times
    assert steps.count("travel times") == 1
    assert set(study.seconds) == set(steps)


def test_data_that_end_before_the_margin_are_a_finding(study_file):
    text = study_file.read_text(encoding="utf-8")
    study_file.write_text(text.replace("margin_m = 50", "margin_m = 2000"), encoding="utf-8")
    study = Study.open(study_file)
    _ = study.streets
    said = [str(finding) for finding in study.findings]
    assert len(said) == 4
    assert all("before the study area and its margin do" in line for line in said)


def test_a_search_no_longer_than_the_longest_cutoff_still_tells_what_is_a_close_call(study_file):
    text = study_file.read_text(encoding="utf-8")
    study_file.write_text(text + "search_minutes = 1\n", encoding="utf-8")
    study = Study.open(study_file)
    longest = max(service.minutes for service in study.standard.services)
    assert longest < study.times.cutoff_s / 60 <= longest + 1
    assert study.result.grades["flips"].notna().any()


def test_residents_ages_and_answers_of_the_planner_reach_the_results(study_file, tmp_path):
    (tmp_path / "totals.csv").write_text("名称,常住人口,60岁及以上\n小镇,3000,600\n", encoding="gb18030")
    (tmp_path / "survey.csv").write_text("单元,类别,份数,均值\n小镇,便民商业,40,4.2\n", encoding="utf-8")
    text = study_file.read_text(encoding="utf-8").replace(
        "total = 2500", 'totals = "totals.csv"\nage_shares = {"0-2" = 0.02}'
    )
    study_file.write_text(text + '\n[survey]\nfile = "survey.csv"\n', encoding="utf-8")
    study = Study.open(study_file)
    assert study.check() == []
    folder = study.run(tmp_path / "out")
    tables = {
        name: pyogrio.read_dataframe(folder / "results.gpkg", layer=name) for name in ("groups", "housing", "survey")
    }
    by_group = tables["groups"].groupby(["group", "assumed"])["people"].sum()
    assert by_group.loc[("60+", False)] == pytest.approx(600, abs=1e-6)
    assert by_group.loc[("0-2", True)] == pytest.approx(60, abs=1e-6)
    whole = tables["housing"].set_index("unit").loc["study-area"]
    assert whole["people"] == pytest.approx(3000)
    assert whole["expected_m2"] == pytest.approx(3000 * 35)
    assert tables["survey"][["answers", "satisfaction"]].to_numpy().tolist() == [[40, pytest.approx(0.8)]]


def test_a_closed_link_changes_what_is_told_of_the_links(study_file):
    study = Study.open(study_file)
    before = study.placed["links"]["links"]
    closed = study.without_links(["way/300"])
    assert closed.placed["links"] == closed.network.facts()
    assert closed.placed["links"] != study.placed["links"]
    assert study.placed["links"]["links"] == before


def test_nothing_is_written_when_a_late_step_fails(study_file, monkeypatch):
    study = Study.open(study_file)
    folder = study.run()
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    monkeypatch.setattr("circle15.report.write_dictionary", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        Study.open(study_file).run()
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert [path.name for path in folder.parent.iterdir() if path.name.startswith(".")] == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_that_cannot_be_made_is_named(study_file):
    study_file.parent.chmod(0o500)
    with pytest.raises(Circle15Error, match="cannot be made there"):
        Study.open(study_file).run()


def test_a_file_in_the_place_of_the_folder_is_left_alone(study_file, tmp_path):
    (tmp_path / "results").write_text("mine")
    with pytest.raises(Circle15Error, match="not a results folder"):
        Study.open(study_file).run()
    assert (tmp_path / "results").read_text() == "mine"


def test_hostile_names_do_not_become_markup(study_file):
    folder = Study.open(study_file).run()
    page = (folder / "map.html").read_text(encoding="utf-8")
    assert "<img src=x" not in page


def test_the_manifest_repeats_the_study_file_after_defaults(study_file):
    folder = Study.open(study_file).run()
    manifest = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert manifest["study"]["people"]["span_m"] == 150
    assert manifest["study"]["facilities"]["inventory"][0]["datum"] == "gcj02"
    assert manifest["facts"]["units_from"].startswith("H3 cells")
    known = {line["service"]: line["known"] for line in manifest["facts"]["completeness"]}
    assert known["canteen"] is True  # listed completely, though only two of seventeen
    assert known["elder_station"] is False


def test_an_inventory_in_another_datum_lands_elsewhere(study_file):
    right = Study.open(study_file).facilities
    text = study_file.read_text(encoding="utf-8")
    study_file.write_text(text.replace('"gcj02"', '"wgs84"'), encoding="utf-8")
    try:
        wrong = Study.open(study_file).facilities
    except DataError:
        return  # refused: even better
    listed = right.index[right["entrance_from"] == "table"].intersection(wrong.index)
    assert (right.loc[listed].distance(wrong.loc[listed]) > 400).all()


def test_the_analysts_door_gives_the_same_coverage(study_file):
    folder, study = study_file.parent, Study.open(study_file)
    area = c15.read_area(folder / "boundary.geojson", margin_m=50)
    streets = c15.read_streets(folder / "town.osm", area, terrain=c15.read_terrain(folder / "terrain.tif", area))
    facilities = c15.read_inventory(folder / "inventory.csv", area, standard=study.standard, datum="gcj02")
    times = c15.WalkNetwork(streets).travel_times(study.origins, facilities, walker="adult", cutoff_minutes=30)
    found = c15.coverage(times, facilities, standard=study.standard)
    nearest = study.coverage.seconds["canteen"]
    pd.testing.assert_series_equal(found.seconds["canteen"], nearest.where(nearest <= 1800))
    assert (found.status["canteen"] == study.coverage.status["canteen"]).all()
    assert c15.gaps(found, study.origins, standard=study.standard)["origin"].isin(study.origins.index).all()


def test_a_row_that_cannot_be_used_is_listed_and_never_lost_in_silence(study_file):
    table = study_file.parent / "inventory.csv"
    text = table.read_text(encoding="utf-8-sig")
    table.write_text(text + "T9,=cmd|' /c calc'!A0,没有这种服务,106.5549,29.5503,100\n", encoding="utf-8-sig")
    study = Study.open(study_file)
    folder = study.run()
    listed = (folder / "rejected.csv").read_text(encoding="utf-8-sig")
    assert "没有这种服务" in listed
    assert "\n=" not in listed
    assert ",=" not in listed
    assert any("1 rows are left out" in str(finding) for finding in study.findings)
    assert len(study.inventory[0]) == 3
    merged = pd.read_csv(folder / "merges.csv")
    assert list(merged.columns) == ["kept", "dropped", "distance_m", "similarity", "verdict"]


def test_the_embedded_study_is_found():
    assert demo_study().name == "study.toml"


def test_a_standard_of_ones_own_may_not_lead_out_of_the_folder(study_file, tmp_path):
    """A group of the standard names a walker; a file is held to the folder as every other input is."""
    shipped = resources.files("circle15") / "standards" / "yuzhong-15min.toml"
    own = shipped.read_text(encoding="utf-8").replace('walker = "older"', 'walker = "../secret.toml"')
    (tmp_path / "own.toml").write_text(own, encoding="utf-8")
    text = study_file.read_text(encoding="utf-8")
    study_file.write_text(text.replace("yuzhong-15min", "own.toml"), encoding="utf-8")
    (found,) = [str(one) for one in Study.open(study_file).check()]
    assert "group older: ../secret.toml lies outside the folder of the study file. Move it into the folder" in found
