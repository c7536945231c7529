"""The yearly project list: who is promised what, and what a fresh run then counts."""

import csv
import io
import tomllib

import numpy as np
import pandas as pd
import pytest

from circle15 import assessment
from circle15.errors import ConfigError, DataError, SitingError
from circle15.project import Project, Standard
from circle15.study import Study, demo_study
from circle15.study.planning import DIGITS, block, scenario
from circle15.tables import PROJECT_CELLS, PROJECTS
from tiny_study import lonlat, write_study

STANDARD = Standard.load("yuzhong-15min")
HEADS = "编号,名称,经度,纬度,建筑面积,权属单位,楼层,无障碍入口,估算费用,运营单位,资金来源"
PLAN = """
[plan]
candidates = "vacant.csv"
services = ["nursery"]
sites = 1
reserve = 1
"""


def vacant(*rows):
    """A table of vacant space: name, column, row of the town, then area, cost, operator, budget line."""
    lines = [HEADS]
    for number, (name, column, row, area, cost, operator, budget) in enumerate(rows, 1):
        lon, lat = lonlat(column, row)
        lines.append(f"V{number},{name},{lon},{lat},{area},区属,1,是,{cost},{operator},{budget}")
    return "\n".join(lines) + "\n"


READY = ("甲", 2.5, 2.5, 400, 50, "社工站", "民生实事")
UNPAID = ("乙", 0.5, 0.5, 400, 20, "社工站", "")
FAR = ("丙", 5.0, 5.0, 400, 20, "", "")


def town(folder, plan=PLAN, *rows):
    """The tiny town with nurseries all listed: there is none, so everybody lacks one."""
    file = write_study(folder)
    text = file.read_text(encoding="utf-8").replace('complete = ["canteen"]', 'complete = ["canteen", "nursery"]')
    file.write_text(text + plan, encoding="utf-8")
    (folder / "vacant.csv").write_text(vacant(*(rows or (READY, UNPAID))), encoding="utf-8-sig")
    return file


@pytest.fixture(scope="module")
def demo():
    """The embedded study and its list."""
    study = Study.open(demo_study())
    _ = study.planned
    return study


@pytest.fixture(scope="module")
def built(demo):
    """The same, computed anew with its near-term projects added."""
    near = demo.planned.projects.query("phase == 'near'")
    text = demo_study().read_text(encoding="utf-8") + "\n" + block(near, "近期")
    return Study(Project.from_text(text, folder=demo_study().parent), scenario="近期")


# ------------------------------------------------------------------------------------------- what was promised is true


def test_three_sites_serve_the_people_that_were_promised(demo, built):
    near = demo.planned.projects.query("phase == 'near'")
    assert near["site"].nunique() == 3
    before, after, people = demo.coverage.status, built.coverage.status, demo.origins["population"]
    promised = near.groupby("service")["people"].sum()
    served = {key: people[(before[key] == "gap") & (after[key] == "served")].sum() for key in promised.index}
    assert promised.to_dict() == pytest.approx(served, rel=1e-12)
    assert demo.planned.facts["near"]["people"] == pytest.approx(promised.sum())
    lost = (before == "served") & (after != "served")
    assert not lost.to_numpy().any()
    others = before.columns.difference(promised.index)
    pd.testing.assert_frame_equal(before[others], after[others])


def test_the_card_turns_as_the_list_says(demo, built):
    projects, cells = demo.planned.projects, demo.planned.cells
    cells = cells[cells["rank"] <= (projects["phase"] == "near").sum()]
    last = cells.drop_duplicates(["unit", "category"], keep="last").set_index(["unit", "category"])
    now, then = (one.card.set_index(["unit", "category"]) for one in (built, demo))
    said = now.loc[last.index]
    np.testing.assert_allclose(said["served"], last["served_after"], rtol=1e-12)
    assert said["grade"].fillna(0).tolist() == last["grade_after"].fillna(0).tolist()
    still = now.index.difference(last.index)
    columns = ["served", "gap", "unknown", "grade", "grade_supply"]
    pd.testing.assert_frame_equal(now.loc[still, columns], then.loc[still, columns])


def test_nobody_is_counted_twice(demo):
    projects, people = demo.planned.projects, demo.origins["population"]
    standard, places = demo.standard, demo.candidates
    walks = demo.network.travel_times(
        demo.origins, places, walker=demo.walker, cutoff_minutes=demo.search_minutes, trip="out"
    ).seconds.toarray()
    walks = np.where(walks == 0, np.inf, walks)  # no home stands at a site
    left = {key: (demo.coverage.status[key] == "gap").to_numpy() for key in projects["service"].unique()}
    for row in projects.itertuples():  # one after the other, the plain way
        near = walks[:, places.index.get_loc(row.site)] <= standard.service(row.service).minutes * 60
        assert row.people == pytest.approx(people[near & left[row.service]].sum())
        left[row.service] = left[row.service] & ~near
    np.testing.assert_allclose(projects["cumulative"], projects["people"].cumsum())


def test_near_term_projects_meet_every_condition_within_the_budget(demo):
    projects, plan = demo.planned.projects, demo.project.plan
    near, later = (projects[projects["phase"] == phase] for phase in ("near", "reserve"))
    assert (near[["need", "basis", "equipment", "place"]] == "yes").all(axis=None)
    assert near["cost"].sum() == pytest.approx(demo.planned.facts["near"]["cost"])
    assert near["cost"].sum() <= plan.budget
    assert set(near["site"]).isdisjoint(later["site"])
    assert later["site"].nunique() <= plan.reserve
    assert near["rank"].max() < later["rank"].min()
    room = projects.groupby("site")["room_m2"].sum()
    space = demo.candidates["floor_area_m2"].reindex(room.index)
    assert (room[space.notna()] <= space[space.notna()]).all()
    assert demo.planned.facts["near"]["proven"]


def test_tables_keep_their_contract_and_reach_every_door(demo, ran):
    study, folder = ran("demo")
    PROJECTS.check(study.planned.projects, where="projects")
    PROJECT_CELLS.check(study.planned.cells, where="cells")
    assert study.result.judgement.projects is study.planned.projects
    with (folder / "projects.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["site"] for row in rows] == study.planned.projects["site"].tolist()
    assert sum(float(row["people"]) for row in rows) == pytest.approx(study.planned.projects["people"].sum())
    assert study.manifest()["plan"]["near"]["people"] == demo.planned.facts["near"]["people"]


# ---------------------------------------------------------------------------------------------------- a town by hand


def test_a_town_by_hand(tmp_path):
    study = Study.open(town(tmp_path))
    projects = study.planned.projects
    assert projects["site"].tolist() == ["vacant/V1", "vacant/V2"][: len(projects)]
    first = projects.iloc[0]
    assert (first["phase"], first["service"], first["room_m2"], first["cost"]) == ("near", "nursery", 200, 50)
    lacking = (study.coverage.status["nursery"] == "gap").to_numpy()
    assert first["people"] == pytest.approx(study.origins["population"][lacking].sum())  # all within ten minutes
    assert study.planned.facts["reserve"] == {"people": 0.0}  # nobody is left
    assert (first["lon"], first["lat"]) == lonlat(2.5, 2.5)


def test_what_lacks_a_budget_line_or_a_size_waits_in_reserve(tmp_path):
    unsized = ("丁", 2.5, 2.5, "", 10, "社工站", "民生实事")
    study = Study.open(town(tmp_path, PLAN, UNPAID, unsized))
    assert study.planned.projects["phase"].tolist() == ["reserve"]
    states = study.candidates[["basis", "equipment", "place"]]
    assert states.to_numpy().tolist() == [["yes", "yes", "unknown"], ["unknown", "yes", "yes"]]
    assert any("no near-term project" in str(one) for one in study.findings)


def test_an_unknown_cost_is_no_cost_of_nothing(tmp_path):
    unpriced = ("甲", 2.5, 2.5, 400, "", "社工站", "民生实事")
    study = Study.open(town(tmp_path, PLAN.replace("sites = 1", "sites = 1\nbudget = 100"), unpriced))
    row = study.planned.projects.iloc[0]
    assert (row["phase"], row["cost_class"]) == ("reserve", "unknown")
    assert np.isnan(row["cost"])


def test_without_a_table_places_beside_streets_are_proposed_in_reserve(tmp_path):
    study = Study.open(town(tmp_path, PLAN.replace('candidates = "vacant.csv"\n', "")))
    projects = study.planned.projects
    assert projects["phase"].tolist() == ["reserve"]
    assert set(projects["basis"]) == {"unknown"}
    street = study.streets.geometry.union_all()
    assert (study.candidates.distance(street) < 0.02).all()


def test_weights_move_the_choice_and_not_the_count(tmp_path):
    study = Study.open(town(tmp_path, PLAN + 'weights = { "60+" = 3 }\n[people.age_shares]\n"60+" = 0.2\n'))
    facts = study.planned.facts["near"]
    assert facts["objective"] == pytest.approx(facts["people"] * (1 + 2 * 0.2))


def test_a_list_read_back_puts_sites_where_they_were(demo):
    projects = demo.planned.projects
    told = tomllib.loads(block(projects, '名 "一"'))["scenario"][0]
    assert told["name"] == '名 "一"'
    assert [(one["lon"], one["lat"]) for one in told["facilities"]] == list(
        zip(projects["lon"], projects["lat"], strict=True)
    )
    assert scenario(projects, "x").facilities[0].services == (projects["service"].iloc[0],)
    assert (projects[["lon", "lat"]].round(DIGITS) == projects[["lon", "lat"]]).all(axis=None)


def test_whom_a_pick_serves_needs_no_second_one(tmp_path):
    study = Study.open(town(tmp_path))
    needs = assessment.needs(study.coverage, study.origins, study.groups, services=pd.Index(["nursery", "canteen"]))
    assert list(needs) == ["nursery"]  # canteens are in reach of everybody
    times = study.network.travel_times(study.origins, study.candidates, walker=study.walker, cutoff_minutes=60)
    picks = pd.DataFrame({"site": ["vacant/V1"], "service": ["nursery"]})
    assert assessment.unserved(needs, times, picks, standard=study.standard) == {}


# ------------------------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sites = 1": "budget = 0"}, "greater than 0"),
        ({"sites = 1": ""}, "neither sites nor budget"),
        ({"sites = 1": "sites = 1\ncost_bounds = [3, 2]"}, "cost_bounds has to rise"),
        ({"sites = 1": 'sites = 1\nweights = { "60+" = 0.5 }'}, "greater than or equal to 1"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(tmp_path, change, words):
    plan = PLAN
    for old, new in change.items():
        plan = plan.replace(old, new)
    with pytest.raises(ConfigError, match=words):
        Study.open(town(tmp_path, plan))


def test_candidates_out_of_reach_of_everybody_are_refused(tmp_path):
    study = Study.open(town(tmp_path, PLAN + "rooms = { nursery = 500 }\n"))
    with pytest.raises(SitingError, match="2 candidates would help anybody"):
        _ = study.planned


def test_unknown_words_are_named(tmp_path):
    with pytest.raises(DataError, match="no service nursry"):
        assessment.rooms(STANDARD, {}, services=("nursry",))
    with pytest.raises(DataError, match="how much room pharmacy"):
        assessment.rooms(STANDARD, {}, services=("pharmacy",))
    study = Study.open(town(tmp_path, PLAN + 'weights = { "90+" = 2 }\n'))
    with pytest.raises(DataError, match=r"given for 90\+"):
        _ = study.planned


def test_a_cell_that_cannot_be_read_is_listed_once_whatever_the_scenario(tmp_path):
    unread = ("乙", 0.5, 0.5, "许多", 20, "社工站", "")
    file = town(tmp_path, PLAN + '[[scenario]]\nname = "关"\nclose = ["way/300"]\n', READY, unread)
    study = Study.open(file)
    _ = study.planned
    other = study.under("关")
    _ = other.planned
    for one in (study, other):
        assert [cell.column for cell in one.rejected] == ["floor_area_m2"]
        assert sum("vacant.csv" in str(finding) for finding in one.findings) == 1


def test_looking_for_problems_walks_nowhere(tmp_path):
    study = Study.open(town(tmp_path, PLAN.replace('candidates = "vacant.csv"\n', "")))
    assert study.check() == []
    assert "times" not in vars(study)
    study = Study.open(town(tmp_path))
    (tmp_path / "vacant.csv").write_text("编号,名称\n1,甲\n", encoding="utf-8")
    assert any("vacant.csv" in str(finding) for finding in study.check())


def test_tiles_refuse_a_plan(tmp_path):
    from circle15.tiles import run_tiles

    with pytest.raises(ConfigError, match="cannot be chosen by tiles"):
        run_tiles(Study.open(town(tmp_path, PLAN + '[units]\nfiles = ["boundary.geojson"]\n[tiles]\nsize_km = 1\n')))


# ---------------------------------------------------------------------------------------------------------- the verb


def test_propose_prints_the_list_or_a_scenario(tmp_path, verb):
    file = town(tmp_path)
    code, out, _ = verb("propose", file)
    rows = list(csv.DictReader(io.StringIO(out)))
    assert (code, rows[0]["site"], rows[0]["phase"]) == (0, "vacant/V1", "near")
    code, out, _ = verb("propose", file, "--scenario", "明年")
    assert tomllib.loads(out)["scenario"][0]["facilities"][0]["services"] == ["nursery"]
    file.write_text(file.read_text(encoding="utf-8") + "\n" + out, encoding="utf-8")
    assert Study.open(file, scenario="明年").coverage.status["nursery"].eq("served").all()


def test_propose_wants_a_plan(tmp_path, verb):
    code, _, err = verb("propose", town(tmp_path, ""))
    assert code == 2
    assert "[plan]: this study file asks for no project list" in err
