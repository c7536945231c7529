"""Circles, brands, whose facility it is, groups, figures of the whole and the survey: by hand, on one small quarter."""

import doctest
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circle15 import measures
from circle15.assessment import (
    category_status,
    circles,
    containment,
    demand,
    equity,
    grades,
    group_coverage,
    integrated,
    known_by_origin,
    quadrant,
    supplied,
    targets,
    views,
)
from circle15.errors import CutoffError, DataError
from circle15.tables import CIRCLES, CONTAINMENT, EQUITY, GROUP_COVERAGE, GROUPS, QUADRANT, SURVEY, TARGETS, VIEWS
from quarter import covered, facilities, lists, minimum, norm, origins, service, standard, units

HOMES = origins({"o1": ("C1", 100), "o2": ("C2", 200), "o3": ("C3", 300), "o4": ("C4", 400)})
UNITS = units()


# ------------------------------------------------------------------------------------------------ whose facility it is

STATIONS = standard(service("station", minutes=10, minimum=minimum(300)), service("office", tier="subdistrict"))


def test_whose_facility_people_walk_to():
    """o1 reaches its own, but the nearest is in C3; o2 only S2's and one too small; o3 too small alone; o4 none."""
    places = facilities(
        {
            "own": {"service": "station", "at": (5, 5), "floor_area_m2": 300},
            "small": {"service": "station", "at": (15, 15), "floor_area_m2": 299},
            "east": {"service": "station", "at": (15, 5)},
            "doors": {"service": "office", "at": [(9, 19), (11, 19)]},  # in C2 and C4, so in both subdistricts
        }
    )
    walks = {("o1", "own"): 500, ("o1", "east"): 400, ("o2", "east"): 600, ("o2", "small"): 1, ("o3", "small"): 10}
    walks |= {("o3", "east"): 601, ("o4", "own"): 700, ("o1", "doors"): 5, ("o4", "doors"): 900}
    walked, found = covered(walks, HOMES, places, STATIONS)
    table = containment(walked, found, places, HOMES, UNITS, standard=STATIONS)
    CONTAINMENT.check(table)
    row = table.loc["D:station"]
    assert row[["people", "in_reach", "too_small", "gap", "unknown"]].tolist() == [1000, 300, 300, 400, 0]
    assert row[["own", "only_across"]].tolist() == [100, 200]
    assert row[["nearest_in_community", "nearest_in_subdistrict"]].tolist() == [0, 0]
    office = table.loc["D:office"]
    assert office[["in_reach", "own", "only_across"]].tolist() == [500, 500, 0]
    assert office[["nearest_in_community", "nearest_in_subdistrict"]].tolist() == [400, 500]
    assert table.loc["S1:station", ["in_reach", "own"]].tolist() == [300, 100]
    assert table.loc["C4:station", ["people", "gap"]].tolist() == [400, 400]


def test_without_units_of_a_tier_nothing_is_said_of_it():
    cells = UNITS[UNITS["tier"] != "subdistrict"].assign(parent=[None, *["D"] * 4])
    places = facilities({"f": {"service": "office", "at": (5, 5)}})
    walked, found = covered({("o1", "f"): 5}, HOMES, places, STATIONS)
    table = containment(walked, found, places, HOMES, cells, standard=STATIONS)
    CONTAINMENT.check(table)
    assert table.loc["D:office", ["own", "only_across", "nearest_in_subdistrict"]].isna().all()
    assert table.loc["D:office", ["in_reach", "nearest_in_community"]].tolist() == [100, 100]


WALKS = st.dictionaries(
    st.tuples(st.sampled_from(["o1", "o2", "o3", "o4"]), st.sampled_from(["f0", "f1", "f2", "f3", "f4"])),
    st.integers(0, 12000).map(lambda tick: tick / 10),
)
SPOTS = st.lists(st.tuples(st.floats(0.5, 19.5), st.floats(0.5, 19.5)), min_size=5, max_size=5)
AREAS = st.lists(st.sampled_from([np.nan, 100.0, 300.0, 900.0]), min_size=5, max_size=5)


@settings(max_examples=60)
@given(walks=WALKS, spots=SPOTS, areas=AREAS)
def test_containment_as_counted_home_by_home(walks, spots, areas):
    places = facilities(
        {
            f"f{n}": {"service": "station", "at": spot, "floor_area_m2": area}
            for n, (spot, area) in enumerate(zip(spots, areas, strict=True))
        }
    )
    walked, found = covered(walks, HOMES, places, STATIONS)
    table = containment(walked, found, places, HOMES, UNITS, standard=STATIONS)
    wanted = dict.fromkeys(("in_reach", "too_small", "own", "nearest_in_community", "nearest_in_subdistrict"), 0.0)
    for home, (unit, people) in HOMES[["unit", "population"]].iterrows():
        near = {place: s for (who, place), s in walks.items() if who == home and s <= 600}
        good = {place: s for place, s in near.items() if not places.loc[place, "floor_area_m2"] < 300}
        wanted["in_reach"] += people * bool(good)
        wanted["too_small"] += people * (bool(near) and not good)
        own = UNITS.loc[unit, "geometry"]
        wanted["own"] += people * any(places.loc[place].geometry.intersects(own) for place in good)
        nearest = [place for place, s in good.items() if s == min(good.values())]
        for name, shape in (
            ("nearest_in_community", own),
            ("nearest_in_subdistrict", UNITS.loc[UNITS.loc[unit, "parent"], "geometry"]),
        ):
            wanted[name] += people * any(places.loc[place].geometry.intersects(shape) for place in nearest)
    row = table.loc["D:station"]
    assert {name: row[name] for name in wanted} == pytest.approx(wanted)
    assert row["own"] + row["only_across"] == pytest.approx(row["in_reach"])
    assert row[["in_reach", "too_small", "gap", "unknown"]].sum() == pytest.approx(1000)


# ---------------------------------------------------------------------------------------------------- circles built

BUILT = {
    "tier": "subdistrict",
    "grade": 4,
    "share": 0.9,
    "basis": "test",
    "targets": [{"due": "2025-12", "circles": 1}, {"due": "2027-12", "circles": 2}],
}
THREE = standard(
    service("a", "one", norm=norm(100), people_each=100),
    service("b", "two"),
    service("c", "three", need="quality"),
    built=BUILT,
)
PLACES = facilities(
    {
        "fa": {"service": "a", "at": (5, 5), "capacity": 30},
        "ga": {"service": "a", "at": (15, 5), "capacity": 69},
        "fb": {"service": "b", "at": (5, 5)},
    }
)


def judged(walks, asked=THREE, places=PLACES, **more):
    walked, found = covered(walks, HOMES, places, asked, **more)
    found = supplied(found, walked, places, people=demand(HOMES, GROUPS.empty()), standard=asked)
    return found, grades(found, HOMES, UNITS, standard=asked)


def test_circles_built_and_what_is_lacking_by_hand():
    """S1 has a and b in full, with 30 seats for 30; S2 has 69 seats of 70, and 300 of 700 have b."""
    walks = {("o1", "fa"): 1, ("o2", "fa"): 1, ("o3", "ga"): 1, ("o4", "ga"): 1}
    walks |= {("o1", "fb"): 1, ("o2", "fb"): 1, ("o3", "fb"): 1}
    found, card = judged(walks)
    table = circles(card, found, HOMES, UNITS, standard=THREE)
    CIRCLES.check(table)
    assert table.index.tolist() == ["S1", "S2"]
    assert table.loc["S1", ["rank", "people", "state", "met", "lacking"]].tolist() == [1, 300, "built", 2, 0]
    assert table.loc["S2", ["rank", "people", "state", "met", "lacking"]].tolist() == [2, 700, "not built", 0, 2]
    assert table.loc["S2", "lacks"] == "two, one"  # 330 residents short of b, none of a
    assert table.loc["S2", "residents_short"] == pytest.approx(0.9 * 700 - 300)
    assert table.loc["S2", "supply_short"] == 1
    assert table["served_all"].tolist() == [300, 300]
    progress = targets(table, standard=THREE)
    TARGETS.check(progress)
    assert progress[["circles", "built", "undecided", "short"]].to_numpy().tolist() == [[1, 1, 0, 0], [2, 1, 0, 1]]


def test_a_circle_that_cannot_be_graded_is_not_built_and_not_lacking():
    walks = {("o1", "fa"): 1, ("o2", "fa"): 1, ("o3", "ga"): 1, ("o4", "ga"): 1}
    found, card = judged(walks, known=pd.Series({"a": True, "b": False, "c": True}))
    table = circles(card, found, HOMES, UNITS, standard=THREE)
    CIRCLES.check(table)
    assert table["state"].tolist() == ["unknown", "not built"]  # S2 has 69 of 70 seats
    assert table.loc["S1", ["met", "lacking", "unknown", "lacks", "undecided"]].tolist() == [1, 0, 1, "", "two"]
    assert targets(table, standard=THREE)["undecided"].tolist() == [1, 1]


def test_a_standard_without_a_bar_has_no_circles():
    bare = THREE.model_copy(update={"built": None})
    found, card = judged({})
    table = circles(card, found, HOMES, UNITS, standard=bare)
    CIRCLES.check(table)
    assert table.empty
    TARGETS.check(targets(table, standard=bare))


# ----------------------------------------------------------------------------------- special circles, brands, complexes

VIEWED = standard(
    service("a", "one"),
    service("b", "two"),
    service("c", "two", need="quality"),
    service("complex", "three"),
    special_circles=[
        {"key": "K1", "zh": "", "en": "", "categories": ["one", "two"]},
        {"key": "K2", "zh": "", "en": "", "categories": ["three"]},
    ],
    brands=[{"key": "any", "zh": "", "en": "", "services": ["a", "c"], "basis": "test"}],
    integrated={
        "zh": "",
        "en": "",
        "service": "complex",
        "least": 2,
        "within_m": 1.0,
        "basis": "test",
        "functions": [{"key": key, "zh": "", "en": "", "services": [key]} for key in "abc"],
    },
)


def test_special_circles_need_all_and_brands_any():
    places = facilities({key: {"service": key, "at": (5, 5)} for key in ("a", "b", "c", "complex")})
    walks = {("o1", "a"): 1, ("o1", "b"): 1, ("o2", "a"): 1, ("o3", "c"): 1, ("o1", "complex"): 1}
    known = pd.Series({"a": True, "b": False, "c": True, "complex": True})
    _, found = covered(walks, HOMES, places, VIEWED, known=known)
    table = views(found, HOMES, UNITS, standard=VIEWED)
    VIEWS.check(table)
    shares = table.set_index(["unit", "view"])[["served", "gap", "unknown"]]
    assert shares.loc[("D", "K1")].tolist() == [100, 700, 200]  # o2 may have b; o3 and o4 lack a for certain
    assert shares.loc[("D", "K2")].tolist() == [100, 900, 0]
    assert shares.loc[("D", "all circles")].tolist() == [100, 900, 0]
    assert shares.loc[("D", "any")].tolist() == [600, 400, 0]
    assert shares.loc[("S1", "all brands")].tolist() == [300, 0, 0]
    assert table["kind"].value_counts().to_dict() == {"circle": 21, "brand": 14}


def test_one_circle_for_many_things():
    """The east complex has a next door and c at its address; the west one has a alone."""
    places = facilities(
        {
            "west": {"service": "complex", "at": (5, 5)},
            "east": {"service": "complex", "at": (15, 5)},
            "a1": {"service": "a", "at": (5, 6)},
            "a2": {"service": "a", "at": [(0, 0), (15, 5.9)]},
            "a3": {"service": "a", "at": (5, 6.5)},
            "b1": {"service": "b", "at": (5, 7)},  # two metres off: not next door
            "c1": {"service": "c", "at": (19, 19), "place": "east"},
        }
    )
    walks = {("o1", "west"): 10, ("o1", "east"): 20, ("o2", "west"): 1, ("o3", "east"): 900, ("o4", "east"): 901}
    walked, found = covered(walks, HOMES, places, VIEWED)
    known = known_by_origin(lists(places, HOMES, VIEWED), HOMES, UNITS)
    said = integrated(walked, found, places, standard=VIEWED, known=known)
    assert said.tolist() == ["gap", "gap", "served", "gap"]  # o1 goes to the nearest
    known.loc["o2", "b"] = False
    assert integrated(walked, found, places, standard=VIEWED, known=known)["o2"] == "unknown"
    table = views(found, HOMES, UNITS, standard=VIEWED, integrated=said).set_index(["unit", "view"])
    assert table.loc[("D", "integrated"), ["served", "gap", "unknown"]].tolist() == [300, 700, 0]
    none = integrated(*covered({}, HOMES, places.iloc[2:], VIEWED), places.iloc[2:], standard=VIEWED, known=known)
    assert none.tolist() == ["gap"] * 4


# -------------------------------------------------------------------------------------------------------------- groups

GROUPED = standard(
    service("station", minutes=10),
    service("canteen", minutes=10),
    groups=[
        {
            "key": "older",
            "zh": "",
            "en": "",
            "ages": ["60+"],
            "walker": "older",
            "services": ["station", "canteen"],
            "minutes": [10, 15],
            "basis": "test",
        },
        {"key": "wheels", "zh": "", "en": "", "walker": "wheelchair", "services": ["station"], "basis": "test"},
    ],
)
OLDER = pd.DataFrame(
    {"origin": ["o1", "o2", "o3", "o4"], "group": "60+", "people": [10.0, 20.0, 30.0, 40.0], "assumed": False},
    index=pd.Index(list("abcd"), name="row"),
)


def test_groups_are_counted_as_they_walk_in_each_of_their_circles():
    places = facilities({key: {"service": key, "at": (5, 5)} for key in ("station", "canteen")})
    walks = {("o1", "station"): 600, ("o2", "station"): 900, ("o3", "station"): 900.1, ("o1", "canteen"): 700}
    _, found = covered(walks, HOMES, places, GROUPED)
    known = known_by_origin(lists(places, HOMES, GROUPED), HOMES, UNITS)
    known.loc["o4", "canteen"] = False
    runs = {"older": found, "wheels": found}
    table = group_coverage(runs, HOMES, UNITS, standard=GROUPED, groups=OLDER, known=known)
    GROUP_COVERAGE.check(table)
    rows = table.set_index(["unit", "group", "service", "minutes"])[["people", "served", "gap", "unknown"]]
    assert rows.loc[("D", "older", "station", 10)].tolist() == [100, 10, 90, 0]
    assert rows.loc[("D", "older", "station", 15)].tolist() == [100, 30, 70, 0]
    assert rows.loc[("D", "older", "canteen", 15)].tolist() == [100, 10, 50, 40]
    assert rows.loc[("D", "older", "any", 15)].tolist() == [100, 30, 30, 40]
    assert rows.loc[("D", "older", "every", 15)].tolist() == [100, 10, 90, 0]
    assert rows.loc[("D", "wheels", "station", 10)].tolist() == [1000, 100, 900, 0]
    assert table.groupby("group")["counted"].unique().str[0].to_dict() == {"older": "published", "wheels": "residents"}
    assumed = group_coverage(runs, HOMES, UNITS, standard=GROUPED, groups=OLDER.assign(assumed=True), known=known)
    assert set(assumed.query("group == 'older'")["counted"]) == {"assumed"}
    partly = group_coverage(runs, HOMES, UNITS, standard=GROUPED, groups=OLDER.iloc[:3], known=known)
    assert set(partly["counted"]) == {"residents"}  # unknown of o4: everybody stands in
    near = {group: found.__class__(**{**found.__dict__, "search_minutes": 12.0}) for group in runs}
    with pytest.raises(CutoffError, match="15 minutes are asked"):
        group_coverage(near, HOMES, UNITS, standard=GROUPED, groups=OLDER, known=known)


def test_the_edge_of_the_data_counts_by_the_minutes_of_the_group():
    places = facilities({key: {"service": key, "at": (5, 5)} for key in ("station", "canteen")})
    _, found = covered({}, HOMES, places, GROUPED)
    found.edge_s.loc["o1"] = 660.0  # 11 minutes to where the data end
    known = known_by_origin(lists(places, HOMES, GROUPED), HOMES, UNITS)
    table = group_coverage({"older": found, "wheels": found}, HOMES, UNITS, standard=GROUPED, groups=OLDER, known=known)
    rows = table.set_index(["unit", "group", "service", "minutes"])["unknown"]
    assert (rows[("D", "older", "station", 10)], rows[("D", "older", "station", 15)]) == (0, 10)


# ------------------------------------------------------------------------------------------------- figures of the whole


def test_one_page_of_figures():
    walks = {("o1", "fa"): 900, ("o2", "fa"): 1350, ("o3", "ga"): 60, ("o1", "fb"): 1, ("o4", "fb"): 5}
    found, _ = judged(walks, known=pd.Series({"a": True, "b": True, "c": False}))
    people = demand(HOMES, GROUPS.empty())
    table = equity(found, HOMES, standard=THREE, people=people)
    EQUITY.check(table)
    value = table["value"]
    assert value["service:a:covered_share"] == pytest.approx(0.4)
    assert value["service:a:fgt_0"] == pytest.approx(0.6)
    assert value["service:a:fgt_1"] == pytest.approx((200 * 0.5 + 400 * 1) / 1000)  # o4: none within the 30 searched
    assert value["service:a:fgt_2"] == pytest.approx((200 * 0.25 + 400 * 1) / 1000)
    assert pd.isna(value["service:c:covered_share"])
    assert table["known_share"]["service:c:covered_share"] == 0
    assert value["category:two:covered_share"] == pytest.approx(0.5)
    assert table["known_share"]["all:all:mean"] == 0  # of nobody is it known whether c is there
    offered = found.supply.ratio["a"] * 0.1
    assert value["service:a:gini"] == pytest.approx(measures.gini(offered, people["all"]))
    assert value["service:a:mean"] == pytest.approx((30 + 69) / 1000)
    wanted = measures.concentration_index(offered, people["all"], ranking=HOMES["height_m"])
    assert value["service:a:concentration_index"] == pytest.approx(wanted)
    assert table["definition"].str.contains(" | ", regex=False).all()
    assert "height of the ground" in table["definition"]["service:a:concentration_index"]
    assert (table["source"] != "").all()


def test_people_lined_up_by_age_and_by_nothing():
    walks = {("o1", "fa"): 1, ("o3", "ga"): 1}
    older = THREE.model_copy(update={"ranking": "60+"})
    found, _ = judged(walks)
    groups = OLDER.assign(people=[50.0, 0.0, 0.0, 0.0])
    table = equity(found, HOMES, standard=older, people=demand(HOMES, groups))
    assert table["value"]["service:a:concentration_index"] > 0  # o1 alone is old, and has most a head
    unknown = equity(found, HOMES, standard=older, people=demand(HOMES, GROUPS.empty()))
    assert pd.isna(unknown["value"]["service:a:concentration_index"])
    assert not pd.isna(unknown["value"]["service:a:gini"])


def test_how_many_categories_one_has_in_reach():
    walks = {("o1", "fa"): 1, ("o1", "fb"): 1, ("o2", "fa"): 1}
    found, _ = judged(walks)
    assert (category_status(found, standard=THREE)["three"] == "gap").all()
    table = equity(found, HOMES, standard=THREE, people=demand(HOMES, GROUPS.empty()))
    assert table["value"]["all:all:mean"] == pytest.approx((2 * 100 + 200) / 1000)
    assert pd.isna(table["value"]["all:all:palma_like"])  # the worst-off have nothing: no ratio


# ----------------------------------------------------------------------------------------------------- what people say


def answers(rows):
    frame = pd.DataFrame(rows, columns=["unit", "category", "answers", "mean", "satisfaction"])
    return frame.set_index(pd.Index(frame["unit"] + ":" + frame["category"], name=SURVEY.index))


def test_the_card_against_the_survey():
    walks = {("o1", "fb"): 1, ("o2", "fb"): 1, ("o3", "fb"): 1, ("o4", "fb"): 1, ("o1", "fa"): 1}
    _, card = judged(walks)
    survey = answers(
        [
            ("S1", "two", 30, 4.0, 0.75),
            ("S2", "two", 30, 3.9, 0.725),
            ("S1", "one", 30, 4.5, 0.875),
            ("S2", "one", 30, 1.0, 0.0),
        ]
    )
    table = quadrant(card, survey, standard=THREE)
    QUADRANT.check(table)
    assert table["field"].tolist() == ["good, content", "good, discontent", "poor, content", "poor, discontent"]
    assert table["disagree"].tolist() == [False, True, True, False]
    ungraded = quadrant(card.assign(grade=pd.array([pd.NA] * len(card), dtype="Int64")), survey, standard=THREE)
    assert set(ungraded["field"]) == {""}
    assert not ungraded["disagree"].any()


def test_a_survey_of_units_that_the_card_does_not_have_is_refused():
    _, card = judged({})
    survey = answers([("S9", "two", 30, 4.0, 0.75), ("S1", "nine", 30, 4.0, 0.75), ("S1", "one", 30, 4.0, 0.75)])
    with pytest.raises(DataError, match=r"survey: 2 rows are of no cell of the card \(first: S9:two, S1:nine\)"):
        quadrant(card, survey, standard=THREE)


def test_nobody_asked_is_an_empty_table():
    _, card = judged({})
    table = quadrant(card, SURVEY.empty(), standard=THREE)
    QUADRANT.check(table)
    assert table.empty


@pytest.mark.parametrize("page", ["coverage-and-card", "circles", "containment", "figures"])
def test_worked_numbers_of_the_pages(page):
    path = Path(__file__).parents[1] / "docs" / "methods" / f"{page}.md"
    found = doctest.testfile(str(path), module_relative=False, encoding="utf-8")
    assert found.attempted >= 10
    assert found.failed == 0
