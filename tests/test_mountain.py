"""The mountain in whole studies: scenarios, hours, other walkers and trips, and what hangs on one link."""

import json

import numpy as np
import pandas as pd
import pytest

from circle15.assessment import coverage
from circle15.errors import ConfigError, DataError
from circle15.study import Study
from tiny_study import lonlat, write_study


@pytest.fixture
def study_file(tmp_path):
    return write_study(tmp_path)


def add(study_file, text):
    with study_file.open("a", encoding="utf-8") as file:
        file.write(text)


def change(study_file, old, new):
    text = study_file.read_text(encoding="utf-8")
    assert old in text
    study_file.write_text(text.replace(old, new), encoding="utf-8")


# ------------------------------------------------------------------------------------------------- on the tiny study


def test_a_scenario_closes_what_it_names(study_file):
    add(study_file, '[[scenario]]\nname = "no lift"\nclose = ["node/41"]\n')
    closed, by_hand = Study.open(study_file, scenario="no lift"), Study.open(study_file).without_links(["node/41"])
    pd.testing.assert_frame_equal(closed.coverage.seconds, by_hand.coverage.seconds)
    with pytest.raises(ConfigError, match=r"no scenario 'no lft'. Did you mean no lift?"):
        Study.open(study_file, scenario="no lft")


def test_a_scenario_that_adds_a_link_never_lengthens(study_file):
    (west, south), (east, north) = lonlat(1, 1), lonlat(4, 4)
    line = f"[[{west}, {south}], [{east}, {north}]]"
    add(study_file, f'[[scenario]]\nname = "cut through"\nadd = [{{ kind = "path", line = {line}, rise_m = -20.0 }}]\n')
    now, then = Study.open(study_file), Study.open(study_file, scenario="cut through")
    assert len(then.streets) > len(now.streets)
    pairs = now.times.pairs().merge(then.times.pairs(), on=["origin", "facility"], how="left")
    assert (pairs["seconds_y"] <= pairs["seconds_x"]).all()
    assert (pairs["seconds_y"] < pairs["seconds_x"] - 60).any()


def test_closing_shares_what_was_read_and_computes_walking_anew(study_file):
    study = Study.open(study_file)
    _ = study.times
    other = study.without_links(["way/300"])
    assert other.streets is study.streets
    assert "times" not in other.__dict__
    assert (other.coverage.seconds.fillna(np.inf) >= study.coverage.seconds.fillna(np.inf)).to_numpy().all()


def test_hours_that_nobody_can_read_are_a_finding(study_file):
    change(study_file.parent / "town.osm", 'k="name" v="小电梯"', 'k="opening_hours" v="ask the guard"')
    add(study_file, 'when = "Tu 21:00"\n')
    study = Study.open(study_file)
    assert len(study.closed) == 0
    assert any("ask the guard" in str(finding) for finding in study.findings)


def test_a_lift_that_is_shut_or_paid_is_not_used(study_file):
    change(
        study_file.parent / "town.osm",
        'k="name" v="小电梯"',
        'k="opening_hours" v="Mo-Su 08:00-18:00"/><tag k="fee" v="yes"',
    )
    day = Study.open(study_file)
    assert len(day.closed) == 0
    add(study_file, 'when = "Tu 21:00"\n')
    night = Study.open(study_file)
    assert len(night.closed) == 2
    change(study_file, 'when = "Tu 21:00"', 'fares = "free only"')
    assert len(Study.open(study_file).closed) == 2
    pd.testing.assert_frame_equal(night.coverage.seconds, day.without_links(["node/41"]).coverage.seconds)


def test_measured_links_win_and_unknown_ones_are_named(study_file):
    (study_file.parent / "measured.csv").write_text("osm_id,wait_s,rise_m\nnode/41,120,9\n", encoding="utf-8")
    change(study_file, 'files = ["town.osm"]', 'files = ["town.osm"]\noverrides = "measured.csv"')
    lift = Study.open(study_file).streets.query("osm_id == 'node/41'")
    assert set(lift["wait_s"]) == {120.0}
    assert set(lift["rise_m"].abs()) == {9.0}
    assert set(lift["evidence"]) == {"survey"}
    (study_file.parent / "measured.csv").write_text("osm_id,wait_s\nway/987654,120\n", encoding="utf-8")
    with pytest.raises(DataError, match="way/987654"):
        _ = Study.open(study_file).streets


@pytest.mark.parametrize("trip", ["out", "back", "slower", "round"])
def test_every_trip_runs_whole(study_file, trip):
    add(study_file, f'trip = "{trip}"\n')
    folder = Study.open(study_file).run()
    manifest = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert manifest["facts"]["trip"] == trip


# ------------------------------------------------------------------------------------------------ on whole studies


@pytest.mark.parametrize("study_name", ["monaco"])
def test_what_monaco_depends_on_checked_by_closing_it(ran, study_name):
    study, _ = ran(study_name)
    table = study.result.dependence
    assert len(table) > 10
    first = table.iloc[0]
    closed = study.without_links([first["osm_id"]])
    lost = (study.coverage.status == "served") & (closed.coverage.status != "served")
    people = lost.mul(study.origins["population"], axis=0).sum()
    expected = people[people > 0].to_dict()
    stated = table[table["osm_id"] == first["osm_id"]].set_index("service")["people"].to_dict()
    assert stated == pytest.approx(expected)


@pytest.mark.parametrize("study_name", ["monaco"])
def test_the_way_back_up_counts_more_for_the_old(ran, study_name):
    study, _ = ran(study_name)
    reached = {}
    for walker in ("adult", "older"):
        for trip in ("out", "slower"):
            times = study.network.travel_times(
                study.origins, study.facilities, walker=walker, cutoff_minutes=30, trip=trip
            )
            found = coverage(times, study.facilities, standard=study.standard, known=study.known)
            reached[walker, trip] = int((found.status == "served").to_numpy().sum())
    assert reached["adult", "slower"] < reached["adult", "out"]
    assert reached["older", "slower"] < reached["older", "out"] < reached["adult", "out"]


@pytest.mark.parametrize("study_name", ["demo", "monaco"])
def test_walkers_stand_side_by_side(ran, study_name):
    study, folder = ran(study_name)
    table = study.result.walkers
    assert set(table["walker"]) == {"adult", "older", "pram", "wheelchair", "level"}
    served = (
        table[table["unit"] == study.units.index[study.units["parent"].isna()][0]].groupby("walker")["served"].sum()
    )
    assert served["level"] >= served["adult"] >= served["older"]
    assert served["adult"] >= served["wheelchair"]
    manifest = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert sum(manifest["gaps_by_cause"].values()) == pytest.approx(study.result.gaps["people"].sum())
    assert set(manifest["gaps_by_cause"]) <= {"none", "far", "terrain", "steps", "closed"}
    assert 0 < manifest["cells_that_flip"] < 1


def test_a_time_that_is_none_is_found_by_check(study_file):
    add(study_file, 'when = "Xx 25:00"\n')
    found = [str(finding) for finding in Study.open(study_file).check()]
    assert len(found) == 1
    assert "Xx 25:00" in found[0]
