"""Two whole runs compared, from the command line and in Python; one facility closed by hand in the embedded study."""

import copy
import json
import re
import shutil
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest

import circle15 as c15
from circle15.errors import ConfigError, DataError, SourceError
from circle15.project import FacilityEdit, Scenario
from circle15.sources.datum import from_wgs84
from circle15.study import Study
from circle15.study.comparing import OUTPUTS, compare, write_comparison
from circle15.tables import CHANGE_TABLES, EVERYBODY
from tiny_study import inventory_csv, lonlat, write_study

SCENARIOS = """
[[scenario]]
name = "食堂甲关闭"
[[scenario.facilities]]
do = "close"
id = "食堂甲"

[[scenario]]
name = "原标准"
standard = "yuzhong-15min"

[[scenario]]
name = "2027"
data_date = "2027-01-01"
[[scenario.inventory]]
file = "later.csv"
datum = "gcj02"
complete = ["canteen"]
"""


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The tiny study at three minutes, under three scenarios, each run once; and a copy whose map opens in English."""
    place = tmp_path_factory.mktemp("runs")
    file = write_study(place)
    standard = (Path(c15.__file__).parent / "standards" / "yuzhong-15min.toml").read_text(encoding="utf-8")
    strict = re.sub(r"^minutes = [0-9.]+$", "minutes = 3", standard, flags=re.MULTILINE)
    (place / "strict.toml").write_text(strict, encoding="utf-8")
    lon, lat = from_wgs84(np.array([lonlat(5, 5)]), "gcj02")[0]
    text = inventory_csv().replace("T0,食堂甲", "L7,食堂甲").replace("T1,食堂乙", "L8,新食堂")
    later = "\n".join(
        f"L9,又一食堂,canteen,{lon:.7f},{lat:.7f},200" if line.startswith("L8") else line for line in text.splitlines()
    )
    (place / "later.csv").write_text(later + "\n", encoding="utf-8")
    asked = file.read_text(encoding="utf-8").replace("yuzhong-15min", "strict.toml")
    file.write_text(asked + SCENARIOS, encoding="utf-8")
    folders = {"now": Study.open(file).run()}
    for name in ("食堂甲关闭", "原标准", "2027"):
        folders[name] = Study.open(file, scenario=name).run()
    own = file.read_text(encoding="utf-8")
    english = own.replace("[study]\n", '[study]\nlanguages = ["en", "zh"]\n', 1)
    file.write_text(english.replace('output = "results"', 'output = "english"'), encoding="utf-8")
    folders["english"] = Study.open(file).run()
    file.write_text(own, encoding="utf-8")
    return folders


def untouched(folders):
    return {path: path.read_bytes() for folder in folders for path in sorted(folder.iterdir())}


# ------------------------------------------------------------------------------------- one facility closed by hand


@pytest.mark.parametrize("study_name", ["demo"])
def test_closing_one_facility_by_hand_exactly_its_dependants_lose(ran, study_name, tmp_path):
    study, folder = ran(study_name)
    name, key = "石板坡社区食堂", "canteen"
    cutoff_s = study.standard.service(key).minutes * 60
    closed = study.facilities.index[study.facilities["name"] == name]
    assert len(closed) == 1
    pairs = study.times.pairs()
    pairs = pairs[pairs["facility"].isin(study.facilities.index[study.facilities["service"] == key])]
    near = pairs[pairs["seconds"] <= cutoff_s]
    dependants = set(near.loc[near["facility"].isin(closed), "origin"]) - set(
        near.loc[~near["facility"].isin(closed), "origin"]
    )
    assert dependants

    scenario = Scenario(name="x", facilities=(FacilityEdit(do="close", id=closed[0]),))
    planned = copy.copy(study)
    planned.asked = study.asked.model_copy(update={"scenario": (scenario,)})
    found = compare(folder, planned.under("x").run(tmp_path / "closed"))

    lost = found.origins[found.origins["turn"] == "lost"]
    assert set(lost["origin"]) == dependants
    assert set(lost["service"]) == {key}
    assert set(found.origins["turn"]) <= {"lost", "longer"}
    assert set(found.origins["service"]) == {key}
    people = study.origins.loc[sorted(dependants), "population"].sum()
    row = found.changes.loc[f":{key}:all"]
    assert row["lost"] == pytest.approx(people, abs=1e-6)
    assert found.facts["losing"] == pytest.approx(people, abs=1e-6)
    assert (row["gained"], row["became_known"], row["became_unknown"]) == (0, 0, 0)
    rest = found.changes[found.changes["service"] != key]
    assert (rest[["gained", "lost", "became_known", "became_unknown", "shorter", "longer"]] == 0).all(axis=None)
    pd.testing.assert_series_equal(rest["served_before"], rest["served_after"], check_names=False)
    canteens = found.changes[(found.changes["service"] == key) & (found.changes["group"] == EVERYBODY)]
    by_unit = canteens[canteens["tier"] == "community"].set_index("unit")["lost"]
    expected = study.origins.loc[sorted(dependants)].groupby("unit")["population"].sum()
    np.testing.assert_allclose(by_unit[by_unit > 0].sort_index(), expected.sort_index())
    assert found.facilities["turn"].to_dict() == {closed[0]: "closed"}


# -------------------------------------------------------------------------------------------- from the command line


def test_compare_writes_a_whole_folder_and_says_who_gains_and_loses(runs, tmp_path, verb):
    before = untouched(runs.values())
    code, out, err = verb("compare", runs["now"], runs["食堂甲关闭"], "--output", tmp_path / "out")
    assert code == 0, err
    assert out.strip() == str(tmp_path / "out" / "change.html")
    assert {path.name for path in (tmp_path / "out").iterdir()} == set(OUTPUTS)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
    assert "情景“食堂甲关闭”" in err
    assert "受损" in err
    assert "Most lose: Community canteen" in err
    assert untouched(runs.values()) == before
    said = json.loads((tmp_path / "out" / "compare.json").read_text(encoding="utf-8"))
    assert (said["before"]["folder"], said["after"]["folder"]) == ("results", "results-食堂甲关闭")
    assert (said["before"]["scenario"], said["after"]["scenario"]) == (None, "食堂甲关闭")
    assert set(said["before"]["sha256"]) == {"run.json", "results.gpkg"}
    assert said["by"] == "origin"
    assert said["gaining"] == 0
    assert said["losing"] == said["services"]["canteen"]["lost"] > 0
    assert set(said["report"]) == {"zh", "en"}
    assert said["versions"]["circle15"]
    assert said["after"]["planned"]["facilities"][0]["id"] == "食堂甲"


def test_the_package_and_the_tables_say_the_same(runs, tmp_path):
    found = write_comparison(runs["now"], runs["食堂甲关闭"], tmp_path / "out")
    tables = (found.changes, found.units, found.cells, found.origins, found.facilities)
    layers = {name for name, _ in pyogrio.list_layers(tmp_path / "out" / "compare.gpkg")}
    assert layers == {*CHANGE_TABLES, "layer_styles"}
    for (name, table), frame in zip(CHANGE_TABLES.items(), tables, strict=True):
        layer = pyogrio.read_dataframe(tmp_path / "out" / "compare.gpkg", layer=name)
        written = pd.read_csv(tmp_path / "out" / f"{name}.csv")
        names = [table.index, *(column.name for column in table.columns)]
        assert list(layer.columns) == [*names, *(["geometry"] if table.geometry else [])]
        assert list(written.columns) == names
        assert len(layer) == len(written) == len(frame)
    columns = pd.read_csv(tmp_path / "out" / "columns.csv")
    assert set(columns["table"]) == set(CHANGE_TABLES)


def test_two_runs_whose_maps_open_in_two_languages_are_the_same_city(runs, tmp_path):
    found = write_comparison(runs["now"], runs["english"], tmp_path / "out")
    assert found.findings == ()
    assert found.origins.empty
    assert found.facts["differences"] == []
    assert found.facts["languages"] == ("en", "zh")
    assert 'lang="en-GB"' in (tmp_path / "out" / "change.html").read_text(encoding="utf-8")[:200]
    assert "Nobody gains and nobody loses." in found.facts["report"]["en"]


def test_another_standard_is_compared_and_said(runs):
    found = compare(runs["now"], runs["原标准"])
    assert found.by == "origin"
    said = [str(one) for one in found.findings]
    assert len(said) == 1
    assert "38 services have another cut-off" in said[0]
    assert found.facts["losing"] == 0
    assert found.facts["gaining"] > 0
    assert {"key": "assessment.standard", "before": "strict.toml", "after": "yuzhong-15min"} in found.facts[
        "differences"
    ]


def test_swapped_runs_mirror_each_other(runs):
    there, back = compare(runs["now"], runs["食堂甲关闭"]), compare(runs["食堂甲关闭"], runs["now"])
    assert there.facts["losing"] == back.facts["gaining"] > 0
    pd.testing.assert_series_equal(there.changes["lost"], back.changes["gained"], check_names=False)
    assert there.facilities["turn"].tolist() == ["closed"]
    assert back.facilities["turn"].tolist() == ["added"]


def test_tables_of_two_years_tell_what_opened_and_what_closed(runs):
    found = compare(runs["now"], runs["2027"])
    turns = found.facilities["turn"].to_dict()
    assert turns == {
        "later/L9/canteen": "added",
        "inventory/T1/canteen": "closed",
    }  # 食堂甲 is the same under another id
    assert "2027-01-01" in found.facts["report"]["zh"]
    assert {one["key"] for one in found.facts["differences"]} >= {"facilities.inventory", "file later.csv"}
    gained = found.changes.loc[":canteen:all", ["gained", "lost"]]
    assert gained.min() >= 0
    assert gained.sum() > 0


def test_studies_in_python_compare_as_their_folders_do(runs):
    study = Study.open(runs["now"].parent / "study.toml")
    found = c15.compare(study, study.under("食堂甲关闭"))
    written = compare(runs["now"], runs["食堂甲关闭"])
    pd.testing.assert_frame_equal(found.changes, written.changes, check_dtype=False, check_index_type=False)
    pd.testing.assert_frame_equal(found.cells, written.cells, check_dtype=False, check_index_type=False)
    lift = c15.compare(study, study.without_links(["node/41"]))
    assert lift.facts["after"]["closed_by_hand"] == ["node/41"]
    assert "停用 node/41" in lift.facts["report"]["zh"]
    assert lift.changes["gained"].sum() == 0


# ------------------------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize("made", ["nothing", "empty", "thesis"])
def test_a_folder_that_is_no_run_is_one_sentence(runs, tmp_path, verb, made):
    folder = tmp_path / "other"
    if made != "nothing":
        folder.mkdir()
    if made == "thesis":
        (folder / "thesis.docx").write_text("years of work")
    code, out, err = verb("compare", runs["now"], folder, "--output", tmp_path / "out")
    assert (code, out) == (2, "")
    assert len([line for line in err.splitlines() if line.startswith("error: ")]) == 1
    assert "other: " in err
    assert "Traceback" not in err
    assert not (tmp_path / "out").exists()


def test_two_cities_cannot_be_compared(runs, tmp_path, ran):
    _, demo = ran("demo")
    with pytest.raises(DataError, match="no unit in common"):
        write_comparison(runs["now"], demo, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_results_are_never_replaced_by_a_comparison_nor_the_other_way_round(runs, tmp_path):
    a, b = (shutil.copytree(runs[name], tmp_path / "runs" / name) for name in ("now", "食堂甲关闭"))
    before = untouched((a, b))
    for folder in (a, b, a / "inner", tmp_path / "runs", tmp_path):
        with pytest.raises(ConfigError, match="in a folder that is compared"):
            write_comparison(a, b, folder)
    third = shutil.copytree(runs["english"], tmp_path / "third")
    with pytest.raises(ConfigError, match=r"not a results folder of circle15 that holds compare\.json"):
        write_comparison(a, b, third)
    assert untouched((a, b)) == before
    folder = tmp_path / "out"
    write_comparison(a, b, folder)
    first = {path.name for path in folder.iterdir()}
    write_comparison(b, a, folder)  # one comparison replaces another
    assert {path.name for path in folder.iterdir()} == first
    study = Study.open(runs["now"].parent / "study.toml")
    with pytest.raises(ConfigError, match=r"not a results folder of circle15 that holds run\.json"):
        study.run(folder)


def test_nothing_is_written_when_a_late_step_fails(runs, tmp_path, monkeypatch):
    monkeypatch.setattr("circle15.report.write_changes", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_comparison(runs["now"], runs["食堂甲关闭"], tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_is_full_is_one_sentence(runs, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("circle15.sources.files.write_csv", full)
    with pytest.raises(SourceError, match="No space left on device"):
        write_comparison(runs["now"], runs["食堂甲关闭"], tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_hostile_names_stay_text(runs, tmp_path):
    write_comparison(runs["now"], runs["食堂甲关闭"], tmp_path / "out")
    assert "<img src=x" not in (tmp_path / "out" / "change.html").read_text(encoding="utf-8")
    assert gpd.read_file(tmp_path / "out" / "compare.gpkg", layer="unit_changes").crs.is_projected
