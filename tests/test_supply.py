"""Supply against demand and single sizes, by hand and by generated cases."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circle15.assessment import demand, grades, minimums, norms, supplied, supply_table
from circle15.tables import GRADES, GROUPS, MINIMUMS, SUPPLY
from quarter import covered, facilities, lists, minimum, norm, origins, service, standard, units

SEATS = standard(service("school", norm=norm(100), people_each=200))  # 0.1 seats each
HOMES = origins({"o1": ("C1", 100), "o2": ("C2", 200), "o3": ("C3", 300)})
SCHOOLS = facilities(
    {"f1": {"service": "school", "at": (5, 5), "capacity": 10}, "f2": {"service": "school", "at": (15, 5)}}
)
WALKS = {("o1", "f1"): 300, ("o2", "f1"): 600, ("o3", "f1"): 900, ("o3", "f2"): 100}  # weights 1, 0.68, 0.22 and 1
NOBODY = GROUPS.empty()


def judged(walks, homes, places, asked, *, groups=NOBODY, known=None):
    walked, found = covered(walks, homes, places, asked)
    return supplied(found, walked, places, people=demand(homes, groups), standard=asked, known=known)


def test_seats_are_shared_by_hand():
    """f1 shares 10 seats among 100 + 0.68 x 200 + 0.22 x 300 = 302; f2, of unknown size, counts 0.1 x 600 / 3 = 20."""
    found = judged(WALKS, HOMES, SCHOOLS, SEATS)
    each = 10 / 302
    wanted = np.array([each, 0.68 * each, 0.22 * each + 20 / 300]) / 0.1
    np.testing.assert_allclose(found.supply.ratio["school"], wanted, rtol=1e-12)
    np.testing.assert_allclose(found.supply.known["school"], np.array([1, 0.68, 0.22]) * each / 0.1, rtol=1e-12)
    table = supply_table(found, HOMES, units(), standard=SEATS, completeness=lists(SCHOOLS, HOMES, SEATS))
    assert table.columns.tolist() == SUPPLY.names
    SUPPLY.check(table)
    rows = table.set_index("unit")
    np.testing.assert_allclose(rows.loc["S1", ["asked", "offered"]].astype(float), [30, 2360 / 302], rtol=1e-12)
    np.testing.assert_allclose(rows.loc["S2", ["asked", "offered"]].astype(float), [30, 660 / 302 + 20], rtol=1e-12)
    np.testing.assert_allclose(rows.loc["D", ["asked", "offered"]].astype(float), [60, 30], rtol=1e-12)
    assert rows["grade"].reindex(["D", "S1", "S2", "C1", "C2"]).tolist() == [2, 1, 2, 1, 1]
    assert rows.loc["D", "adequacy"] == pytest.approx(0.5, abs=1e-12)  # and a half is within grade 2
    assert rows.loc["S2", "known_share"] == pytest.approx((660 / 302) / (660 / 302 + 20))
    assert rows["judged_by"].reindex(["D", "S1", "S2", "C4"]).tolist() == ["count", "size", "count", ""]
    assert rows["measure"].unique().tolist() == ["capacity"]


def test_what_no_walk_changes_can_be_asked_for_alone():
    """0.1 seats each, 600 people over 3 schools: one for 200, of 20 seats; f1 is half of one. f3 lies outside."""
    far = facilities(
        {"f3": {"service": "school", "at": (500, 5), "capacity": 30}, "g": {"service": "shop", "at": (5, 5)}}
    )
    asked = norms(pd.concat([SCHOOLS, far]), units(), people=demand(HOMES, NOBODY), standard=SEATS)
    assert asked.people["school"].tolist() == [100, 200, 300]
    assert (asked.people_each["school"], asked.typical["school"], asked.column["school"]) == (200, 20, "capacity")
    assert asked.size.fillna(-1).to_dict() == {"f1": 0.5, "f2": -1, "f3": 1.5}
    assert asked.own.to_dict() == {"f1": True, "f2": True, "f3": False}
    bands = [one | {"supply": None} for one in SEATS.model_dump()["grades"]]
    by_coverage = SEATS.model_validate(SEATS.model_dump() | {"grades": bands})
    assert norms(SCHOOLS, units(), people=demand(HOMES, NOBODY), standard=by_coverage) is None


def test_resident_coverage_and_unit_coverage_differ():
    """Everybody reaches a school, and two communities of four own one."""
    found = judged(WALKS, HOMES, SCHOOLS, SEATS)
    table = supply_table(found, HOMES, units(), standard=SEATS, completeness=lists(SCHOOLS, HOMES, SEATS))
    rows = table.set_index("unit")
    assert rows.loc["D", ["served", "gap", "unknown"]].tolist() == [600, 0, 0]
    assert rows.loc["D", ["units", "units_owning", "units_unknown"]].tolist() == [4, 2, 0]
    assert rows.loc["S1", ["units", "units_owning"]].tolist() == [2, 1]
    assert rows.loc["C2", ["units", "units_owning"]].tolist() == [1, 0]
    short = lists(SCHOOLS, HOMES, standard(service("school", expected_count=99)), whole=False)
    doubted = supply_table(found, HOMES, units(), standard=SEATS, completeness=short).set_index("unit")
    assert doubted.loc["D", ["units", "units_owning", "units_unknown"]].tolist() == [4, 2, 2]


def test_the_card_is_the_worse_of_the_two_and_says_by_what_it_was_judged():
    both = standard(
        service("school", norm=norm(100), people_each=200),
        service("shop", need="quality", norm=norm(1, "count"), people_each=1000),
        service("park", "two"),
    )
    places = pd.concat([SCHOOLS, facilities({"g": {"service": "park", "at": (5, 5)}})])
    walks = WALKS | {(home, "g"): 60 for home in HOMES.index}
    card = grades(judged(walks, HOMES, places, both), HOMES, units(), standard=both)
    GRADES.check(card)
    assert card.loc["S2:one", ["grade_coverage", "grade_supply", "grade"]].tolist() == [5, 2, 2]  # no shop: not basic
    assert card.loc["S2:one", "grade_lenient"] == 5  # of coverage alone
    assert card.loc["S2:one", "judged_by"] == "both"
    assert card.loc["S2:two", ["grade_coverage", "grade"]].tolist() == [5, 5]
    assert pd.isna(card.loc["S2:two", "grade_supply"])
    assert card.loc["S2:two", "judged_by"] == "coverage"
    assert pd.isna(card.loc["C4:one", "grade"])  # nobody lives there
    assert card.loc["C4:one", "judged_by"] == ""
    alone = grades(covered(walks, HOMES, places, both)[1], HOMES, units(), standard=both)
    assert (alone["grade"].dropna() == 5).all()  # without supply, as before


def test_where_a_list_is_incomplete_supply_cannot_be_said():
    known = pd.DataFrame(True, index=HOMES.index, columns=["school"])
    known.loc["o3"] = False
    found = judged(WALKS, HOMES, SCHOOLS, SEATS, known=known)
    assert found.supply.ratio["school"].isna().tolist() == [False, False, True]
    table = supply_table(found, HOMES, units(), standard=SEATS, completeness=lists(SCHOOLS, HOMES, SEATS))
    rows = table.set_index("unit")
    assert pd.isna(rows.loc["S2", "adequacy"])
    assert rows.loc["D", "adequacy"] == rows.loc["S1", "adequacy"]  # said of half of the people, and of those alone
    known.loc["o1"] = False
    found = judged(WALKS, HOMES, SCHOOLS, SEATS, known=known)
    card = grades(found, HOMES, units(), standard=SEATS)
    assert pd.isna(card.loc["D:one", "grade_supply"])  # 200 of 600 are too few
    assert card.loc["D:one", ["grade", "judged_by"]].tolist() == [5, "coverage"]


def test_a_norm_for_older_people_asks_their_number_and_counts_where_nobody_knows_it():
    asked = standard(service("station", norm=norm(200, "floor_area_m2", people="60+"), people_each=300))
    places = facilities({"f": {"service": "station", "at": (5, 5), "floor_area_m2": 6}})
    walks = dict.fromkeys([("o1", "f"), ("o2", "f"), ("o3", "f")], 60)
    groups = pd.DataFrame(
        {"origin": ["o1", "o2", "o3"], "group": "60+", "people": [10.0, 20.0, 30.0], "assumed": False},
        index=pd.Index(list("abc"), name="row"),
    )
    found = judged(walks, HOMES, places, asked, groups=groups)
    assert found.supply.people["station"].tolist() == [10, 20, 30]
    np.testing.assert_allclose(found.supply.ratio["station"], 6 / 60 / 0.2)  # 0.1 m2 each of 0.2
    assert found.supply.measure["station"] == "floor_area_m2"
    by_count = judged(walks, HOMES, places, asked, groups=groups.iloc[:2])  # unknown of o3: of no use
    assert by_count.supply.people["station"].tolist() == [100, 200, 300]
    np.testing.assert_allclose(by_count.supply.ratio["station"], 1 / 2)  # one found of two expected
    assert by_count.supply.measure["station"] == "count"
    assert by_count.supply.known["station"].tolist() == [0, 0, 0]


def test_services_of_several_cutoffs_are_shared_out_apart():
    """600 s are the second third of 15 minutes and the last of 10; nobody lends a seat to another service."""
    asked = standard(
        service("near", minutes=10, norm=norm(100), people_each=600),
        service("far", minutes=15, norm=norm(100), people_each=600),
        service("none", minutes=15),
    )
    places = facilities(
        {
            "n": {"service": "near", "at": (5, 5), "capacity": 60},
            "f": {"service": "far", "at": (5, 5), "capacity": 60},
            "x": {"service": "none", "at": (5, 5), "capacity": 9999},
        }
    )
    walks = {("o1", "n"): 200, ("o2", "n"): 600, ("o3", "n"): 600.1, ("o1", "f"): 300, ("o2", "f"): 600}
    ratio = judged(walks | {("o1", "x"): 1}, HOMES, places, asked).supply.ratio
    assert ratio.columns.tolist() == ["near", "far"]
    near, far = 60 / (100 + 0.22 * 200) / 0.1, 60 / (100 + 0.68 * 200) / 0.1
    np.testing.assert_allclose(ratio["near"], [near, 0.22 * near, 0], rtol=1e-12)
    np.testing.assert_allclose(ratio["far"], [far, 0.68 * far, 0], rtol=1e-12)


def test_many_homes_are_shared_out_service_by_service(monkeypatch):
    asked = standard(
        service("school", norm=norm(100), people_each=200), service("other", minutes=10, norm=norm(50), people_each=300)
    )
    places = pd.concat([SCHOOLS, facilities({"g": {"service": "other", "at": (5, 5), "capacity": 7}})])
    walks = WALKS | {("o1", "g"): 60, ("o2", "g"): 600}
    at_once = judged(walks, HOMES, places, asked).supply
    monkeypatch.setattr("circle15.assessment.supply.MOST_ROWS", 1)
    one_by_one = judged(walks, HOMES, places, asked).supply
    pd.testing.assert_frame_equal(at_once.ratio, one_by_one.ratio)
    pd.testing.assert_frame_equal(at_once.known, one_by_one.known)


def test_a_standard_without_supply_is_judged_by_coverage_alone():
    bands = [{"grade": n, "zh": "", "en": "", "coverage": (n - 1) / 5} for n in range(1, 6)]
    alone = standard(service("school", norm=norm(100), people_each=200), grades=bands)
    assert judged(WALKS, HOMES, SCHOOLS, alone).supply is None
    no_norm = standard(service("school"))
    assert judged(WALKS, HOMES, SCHOOLS, no_norm).supply is None


def test_no_facility_at_all_is_no_supply_and_not_unknown():
    found = judged({}, HOMES, SCHOOLS.iloc[:0], SEATS)
    assert found.supply.ratio["school"].tolist() == [0, 0, 0]
    card = grades(found, HOMES, units(), standard=SEATS)
    assert card.loc["D:one", ["grade_coverage", "grade_supply", "grade"]].tolist() == [1, 1, 1]


# --------------------------------------------------------------------------------------------------- generated cases

SIZE = st.one_of(st.just(np.nan), st.integers(0, 400).map(float))
FOUR = facilities({f"f{n}": {"service": "school", "at": (5, 5)} for n in range(4)})
LISTED = lists(FOUR, HOMES, SEATS)
HOUSE, SCHOOL = st.integers(0, 4), st.integers(0, 3)
CASES = st.fixed_dictionaries(
    {
        "people": st.lists(st.integers(1, 500), min_size=5, max_size=5),
        "sizes": st.lists(SIZE, min_size=4, max_size=4),
        "walks": st.dictionaries(st.tuples(HOUSE, SCHOOL), st.integers(0, 12000).map(lambda tick: tick / 10)),
        "at": st.lists(st.sampled_from("1234"), min_size=5, max_size=5),
    }
)


def town(case, *, without=()):
    homes = origins({f"h{n}": (f"C{c}", p) for n, (c, p) in enumerate(zip(case["at"], case["people"], strict=True))})
    rows = {f"f{n}": {"service": "school", "at": (5, 5), "capacity": one} for n, one in enumerate(case["sizes"])}
    places = facilities({name: row for name, row in rows.items() if name not in without})
    walks = {(f"h{h}", f"f{f}"): s for (h, f), s in case["walks"].items() if f"f{f}" not in without}
    return walks, homes, places


@settings(max_examples=50)
@given(case=CASES)
def test_what_is_offered_is_what_there_is(case):
    walks, homes, places = town(case)
    found = judged(walks, homes, places, SEATS)
    typical = 0.1 * 200
    reached = {place for (_, place), seconds in walks.items() if seconds <= 900}
    there = sum(typical if np.isnan(places.loc[one, "capacity"]) else places.loc[one, "capacity"] for one in reached)
    offered = (found.supply.people["school"] * found.supply.ratio["school"]).sum() * 0.1
    np.testing.assert_allclose(offered, there, rtol=1e-9, atol=1e-9)


@settings(max_examples=50)
@given(case=CASES)
def test_one_more_facility_never_makes_a_grade_worse(case):
    """Of known size or not: monotone in every facility added."""
    after, before = (
        grades(judged(*town(case, without=out), SEATS), town(case)[1], units(), standard=SEATS) for out in ((), ("f0",))
    )
    for column in ("grade", "grade_coverage", "grade_supply", "grade_lenient"):
        assert (after[column].dropna() >= before[column].dropna()).all()
        assert after[column].isna().equals(before[column].isna())


@settings(max_examples=50)
@given(case=CASES, part=st.floats(0.1, 0.9))
def test_a_cluster_split_in_two_changes_nothing(case, part):
    walks, homes, places = town(case)
    split = pd.concat([homes, homes.iloc[[0]].set_axis(["h0b"])]).rename_axis("origin")
    whole = homes.loc["h0", "population"]
    split.loc["h0", "population"], split.loc["h0b", "population"] = part * whole, (1 - part) * whole
    more = walks | {("h0b", place): seconds for (home, place), seconds in walks.items() if home == "h0"}
    one, two = (judged(*each, places, SEATS) for each in ((walks, homes), (more, split)))
    tables = [
        supply_table(found, who, units(), standard=SEATS, completeness=LISTED)
        for found, who in ((one, homes), (two, split))
    ]
    pd.testing.assert_frame_equal(*tables, rtol=1e-9, atol=1e-9)
    cards = [grades(found, who, units(), standard=SEATS) for found, who in ((one, homes), (two, split))]
    pd.testing.assert_frame_equal(*cards, rtol=1e-9, atol=1e-9)


@settings(max_examples=50)
@given(case=CASES)
def test_a_unit_that_is_doubled_is_graded_as_it_was(case):
    """The same town twice, side by side: twice the homes, twice the schools, nobody between."""
    case = case | {"at": ["1", "2", "1", "2", "1"]}
    walks, homes, places = town(case)
    turned = homes.assign(unit=homes["unit"].map({"C1": "C3", "C2": "C4"})).set_axis(homes.index + "b")
    both = pd.concat([homes, turned]).rename_axis("origin")
    twice = pd.concat([places, places.set_axis(places.index + "b")]).rename_axis("facility")
    more = walks | {(home + "b", place + "b"): seconds for (home, place), seconds in walks.items()}
    card = grades(judged(more, both, twice, SEATS), both, units(), standard=SEATS)
    for west, east in (("S1", "S2"), ("C1", "C3"), ("C2", "C4")):
        assert card.loc[f"{west}:one", GRADES.names[2:]].equals(card.loc[f"{east}:one", GRADES.names[2:]])
    alone = grades(judged(walks, homes, places, SEATS), homes, units(), standard=SEATS)
    assert card.loc["S1:one", "grade"] == alone.loc["S1:one", "grade"]


@settings(max_examples=50)
@given(case=CASES)
def test_people_of_units_sum_to_those_of_the_district(case):
    walks, homes, places = town(case)
    found = judged(walks, homes, places, SEATS)
    card = grades(found, homes, units(), standard=SEATS)
    table = supply_table(found, homes, units(), standard=SEATS, completeness=LISTED)
    for rows, columns in (
        (card, ["people", "served", "gap", "unknown"]),
        (table, ["people", "served", "gap", "unknown", "asked", "offered", "units", "units_owning"]),
    ):
        sums = rows.set_index("unit")[columns].fillna(0.0)
        for parts in (["S1", "S2"], ["C1", "C2", "C3", "C4"]):
            np.testing.assert_allclose(sums.loc[parts].sum(), sums.loc["D"], rtol=1e-9, atol=1e-9)


# -------------------------------------------------------------------------------------------------------- single sizes


def test_sizes_pass_fail_and_stay_unknown():
    asked = standard(
        service("station", minimum=minimum(300, reference=350)),
        service("centre", tier="subdistrict", minimum=minimum(1500)),
        service("beds", tier="district", minimum=minimum(50, "capacity")),
    )
    places = facilities(
        {
            "small": {"service": "station", "at": (1, 1), "floor_area_m2": 250},
            "large": {"service": "station", "at": (1, 1), "floor_area_m2": 300},
            "less": {"service": "station", "at": (1, 11), "floor_area_m2": 120},
            "blank": {"service": "station", "at": (11, 1)},
            "centre": {"service": "centre", "at": [(9, 1), (11, 1)], "floor_area_m2": 1400},  # doors on both sides
            "home": {"service": "beds", "at": (5, 5), "capacity": 60, "floor_area_m2": 1},
        }
    )
    table = minimums(places, units(), standard=asked, completeness=lists(places, HOMES, asked))
    MINIMUMS.check(table)
    assert table.index.tolist() == [*(f"C{n}:station" for n in (1, 2, 3, 4)), *("S1:centre", "S2:centre"), "D:beds"]
    assert table["state"].tolist() == ["pass", "fail", "unknown", "fail", "fail", "fail", "pass"]
    np.testing.assert_array_equal(table["short_by"], [0, 180, np.nan, 300, 100, 100, 0])
    np.testing.assert_array_equal(table["found"], [300, 120, np.nan, np.nan, 1400, 1400, 60])
    assert table["facilities"].tolist() == [2, 1, 1, 0, 1, 1, 1]
    assert table["adequate"].tolist() == [1, 0, 0, 0, 0, 0, 1]
    assert table["reference"].iloc[0] == 350
    incomplete = lists(
        places, HOMES, standard(*(service(one.key, expected_count=9) for one in asked.services)), whole=False
    )
    doubted = minimums(places, units(), standard=asked, completeness=incomplete)
    assert doubted["state"].tolist() == ["pass", "unknown", "unknown", "unknown", "unknown", "unknown", "pass"]
    assert doubted.loc["C2:station", "found"] == 120  # what is known stays told


def test_a_standard_without_minimums_has_an_empty_table():
    table = minimums(SCHOOLS, units(), standard=SEATS, completeness=lists(SCHOOLS, HOMES, SEATS))
    MINIMUMS.check(table)
    assert table.empty
