"""Scenarios in whole studies: what they change, what they leave, and what is never lost."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from circle15.errors import ConfigError
from circle15.project import FacilityEdit, Scenario
from circle15.study import Study
from circle15.study.folder import OUTPUTS
from tiny_study import inventory_csv, lonlat, write_study

KEYS = ("canteen", "elder_station", "pharmacy", "convenience", "toilet")
OTHER = '[[scenario]]\nname = "2027"\ndata_date = "2027-01-01"\n'


@pytest.fixture
def study_file(tmp_path):
    return write_study(tmp_path)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """The tiny study, read and walked once."""
    study = Study.open(write_study(tmp_path_factory.mktemp("base")))
    _ = study.coverage
    return study


def under(base, *edits):
    """The tiny study under a scenario that does these edits."""
    scenario = Scenario(name="x", facilities=edits)
    base.asked = base.asked.model_copy(update={"scenario": (scenario,)})
    return base.under("x")


def add(*services, column=2.5, row=2.5):
    lon, lat = lonlat(column, row)
    return FacilityEdit(do="add", services=services, lon=lon, lat=lat, datum="wgs84")


def rank(study):
    return study.coverage.status.to_numpy() == "served"


def write(study_file, text):
    with study_file.open("a", encoding="utf-8") as file:
        file.write(text)


# --------------------------------------------------------------------------------------------------- never lost

place = st.tuples(st.floats(-0.5, 5.5), st.floats(-0.5, 5.5))
adds = st.builds(
    lambda services, at: add(*services, column=at[0], row=at[1]),
    st.lists(st.sampled_from(KEYS), min_size=1, max_size=3, unique=True),
    place,
)


@given(st.lists(adds, min_size=1, max_size=4))
def test_whoever_is_served_stays_served_when_places_are_added(base, edits):
    then = under(base, *edits)
    before, after = base.coverage.status, then.coverage.status
    assert ((after == before) | (after == "served")).to_numpy().all()
    assert (then.coverage.seconds.fillna(np.inf) <= base.coverage.seconds.fillna(np.inf)).to_numpy().all()
    assert (then.coverage.opportunities >= base.coverage.opportunities).to_numpy().all()
    pd.testing.assert_frame_equal(then.completeness, base.completeness)


@given(st.data())
def test_nobody_gains_when_places_close(base, data):
    places = sorted(set(base.facilities["place"]))
    closed = data.draw(st.lists(st.sampled_from(places), min_size=1, max_size=len(places) - 1, unique=True))
    then = under(base, *(FacilityEdit(do="close", id=one) for one in closed))
    before, after = base.coverage.status, then.coverage.status
    assert ((after == before) | ((before == "served") & (after != "served"))).to_numpy().all()
    pd.testing.assert_frame_equal(then.completeness, base.completeness)


def test_an_added_place_beside_another_is_not_merged_with_it(base):
    then = under(base, add("canteen", column=2.05, row=2.1), add("canteen", column=2.05, row=2.1))
    assert len(then.facilities) == len(base.facilities) + 2
    assert (then.facilities["source"] == "scenario").sum() == 2
    pd.testing.assert_frame_equal(then.merged, base.merged)


def test_what_is_added_serves_where_the_list_is_incomplete_and_leaves_the_rest_unknown(base):
    assert set(base.coverage.status["toilet"]) == {"unknown"}
    then = under(base, add("toilet", column=0.4, row=0.4))
    assert set(then.coverage.status["toilet"]) == {"served", "unknown"}
    assert not then.completeness.query("service == 'toilet'")["known"].any()


def test_closing_one_changes_that_service_only(base):
    then = under(base, FacilityEdit(do="close", id="食堂乙"))
    changed = (then.coverage.seconds != base.coverage.seconds) & ~(
        then.coverage.seconds.isna() & base.coverage.seconds.isna()
    )
    assert changed.columns[changed.any()].tolist() == ["canteen"]


def test_moving_there_and_adding_there_reach_the_same(base):
    lon, lat = lonlat(5, 0.4)
    moved = under(base, FacilityEdit(do="move", id="食堂甲", lon=lon, lat=lat, datum="wgs84"))
    other = under(base, FacilityEdit(do="close", id="食堂甲"), add("canteen", column=5, row=0.4))
    pd.testing.assert_frame_equal(moved.coverage.seconds, other.coverage.seconds)
    assert len(moved.facilities) == len(base.facilities)


def test_enlarging_changes_no_walk(base):
    then = under(base, FacilityEdit(do="enlarge", id="食堂甲", floor_area_m2=900))
    pd.testing.assert_frame_equal(then.coverage.seconds, base.coverage.seconds)
    assert then.facilities.loc["inventory/T0/canteen", "floor_area_m2"] == 900
    assert base.facilities.loc["inventory/T0/canteen", "floor_area_m2"] == 300


def test_a_scenario_shares_what_it_does_not_change(base):
    then = under(base, add("canteen"))
    assert then.network is base.network
    assert then.facilities_as_they_are is base.facilities
    assert then.origins is base.origins
    assert then.project.study.output.name == "results-x"


# ------------------------------------------------------------------------------------- standards and other tables


def test_another_standard_is_the_scenarios_own(study_file, tmp_path, base):
    text = json.dumps(base.standard.model_dump(mode="json"), ensure_ascii=False)
    values = json.loads(text)
    for category in values["categories"]:
        for service in category["services"]:
            service["minutes"] = 3.0
    (tmp_path / "strict.toml").write_text(to_toml(values), encoding="utf-8")
    write(study_file, '[[scenario]]\nname = "strict"\nstandard = "strict.toml"\n')
    then = Study.open(study_file, scenario="strict")
    assert {service.minutes for service in then.standard.services} == {3.0}
    assert rank(then).sum() < rank(base).sum()
    assert {service.minutes for service in Study.open(study_file).standard.services} != {3.0}


def to_toml(values):
    """Plain values as TOML: JSON strings and lists are TOML too, and tables are written inline."""

    def said(value):
        if isinstance(value, dict):
            return "{" + ", ".join(f"{key} = {said(one)}" for key, one in value.items() if one is not None) + "}"
        if isinstance(value, list):
            return "[" + ", ".join(map(said, value)) + "]"
        return json.dumps(value, ensure_ascii=False)

    return "".join(f"{key} = {said(value)}\n" for key, value in values.items() if value is not None)


def test_tables_of_another_year_stand_in_place_of_all_of_the_studys_own(study_file, tmp_path):
    (tmp_path / "later.csv").write_text(inventory_csv().replace("T0", "L0").replace("T1,", "L1,"), encoding="utf-8")
    write(study_file, OTHER + '[[scenario.inventory]]\nfile = "later.csv"\ndatum = "gcj02"\ncomplete = ["canteen"]\n')
    now, then = Study.open(study_file), Study.open(study_file, scenario="2027")
    assert {source for source in then.facilities["source"] if source != "town.osm"} == {"later.csv"}
    assert len(then.facilities) == len(now.facilities)
    assert then.facts["data_date"] == "2027-01-01"
    folder = then.run()
    assert folder.name == "results-2027"
    manifest = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    files = [source["file"] for source in manifest["sources"]]
    assert files.count("later.csv") == 1
    assert "inventory.csv" not in files
    assert manifest["study"]["facilities"]["inventory"][0]["file"] == "later.csv"
    shared = now.under("2027")
    pd.testing.assert_frame_equal(shared.facilities, then.facilities)


def test_no_table_at_all_is_said_by_an_empty_list(study_file):
    write(study_file, '[[scenario]]\nname = "osm only"\ninventory = []\n')
    assert set(Study.open(study_file, scenario="osm only").facilities["source"]) == {"town.osm"}


# -------------------------------------------------------------------------------------------------- end to end


def test_a_scenario_runs_end_to_end_and_says_what_it_assumes(study_file, verb):
    (lon, lat), (east, north) = lonlat(4, 4), lonlat(1, 1)
    write(
        study_file,
        f'[[scenario]]\nname = "计划/一"\nadd = [{{ kind = "path", line = [[{lon}, {lat}], [{east}, {north}]] }}]\n'
        'close = ["node/41"]\n'
        f'[[scenario.facilities]]\ndo = "add"\nservices = ["canteen", "toilet"]\nlon = {lon}\nlat = {lat}\n'
        'datum = "wgs84"\nname = "新食堂"\n[[scenario.facilities]]\ndo = "close"\nid = "食堂甲"\n',
    )
    code, _, err = verb("check", study_file)
    assert code == 0, err
    code, out, err = verb("run", study_file, "--scenario", "计划/一")
    assert code == 0, err
    folder = study_file.parent / "results-计划-一"
    assert out.strip() == str(folder / "map.html")
    assert {path.name for path in folder.iterdir()} == set(OUTPUTS)
    manifest = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert manifest["facts"]["scenario"] == "计划/一"
    assert manifest["facilities"]["source"] == {"inventory.csv": 2, "scenario": 2, "town.osm": 4}
    assert manifest["study"]["scenario"][0]["facilities"][0]["name"] == "新食堂"


def test_a_place_that_no_street_is_near_is_said(tmp_path):
    file = write_study(tmp_path)
    text = file.read_text(encoding="utf-8").replace("margin_m = 50", "margin_m = 1500")
    lon, lat = lonlat(12, 12)
    edit = f'do = "add"\nservices = "canteen"\nlon = {lon}\nlat = {lat}\ndatum = "wgs84"\n'
    file.write_text(text + f'[[scenario]]\nname = "x"\n[[scenario.facilities]]\n{edit}', encoding="utf-8")
    study = Study.open(file, scenario="x")
    _ = study.result
    said = [str(one) for one in study.findings if "[[scenario]]" in str(one)]
    words = "scenario/1/canteen is too far from any street, so that nobody gets there"
    assert said == [f"[[scenario]] x: {words}. Put it nearer to a street."]


def test_check_says_everything_that_is_wrong_with_any_scenario(study_file, verb):
    write(
        study_file,
        '[[scenario]]\nname = "a"\nclose = ["way/3000"]\n[[scenario.facilities]]\ndo = "close"\nid = "inventory/T9"\n'
        '[[scenario.facilities]]\ndo = "add"\nservices = ["canten"]\nlon = 106.5525\nlat = 29.5525\ndatum = "wgs84"\n'
        '[[scenario]]\nname = "b"\nadd = [{ kind = "path", line = [[106.5, 29.5], [106.6, 29.6]] }]\n',
    )
    code, _, err = verb("check", study_file)
    lines = [line for line in err.splitlines() if line.startswith("error: ")]
    assert code == 2
    assert len(lines) == 5, err
    assert all(any(part in line for line in lines) for part in ("way/300?", "inventory/T", "canteen?", "new/1 (path)"))
    with pytest.raises(ConfigError) as error:
        Study.open(study_file, scenario="a").run()
    assert len(error.value.findings) == 3
    assert not (study_file.parent / "results-a").exists()
