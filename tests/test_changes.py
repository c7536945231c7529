"""Who gains and who loses, by hand on the four clusters of test_assessment, and against a slow plain count."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import MultiPoint, Point

from circle15.assessment import changes, coverage, coverage_table, grades
from circle15.errors import DataError
from circle15.project import Standard
from circle15.tables import CHANGE_TABLES, EVERYBODY, Result, StudyArea
from test_assessment import ORIGINS, REACHED, STANDARD, UNITS, UTM, facilities, line, times

AREA = StudyArea("Toy", UNITS.geometry.iloc[0], UTM)
AGES = pd.DataFrame(
    {"origin": ["o1", "o2", "o3"], "group": "60+", "people": [10.0, 50.0, 60.0], "assumed": [False, True, False]},
    index=pd.Index(["o1:60+", "o2:60+", "o3:60+"], name="row"),
)


def places(services="abcd", **columns):
    table = facilities(services)
    rows = {"place": table.index, "category": "one", "name": None, "source": "t", "floor_area_m2": 100.0}
    return table.assign(**(rows | {"capacity": np.nan} | columns))


def result(found, *, standard=STANDARD, **tables):
    """A result as far as it is compared."""
    origins = tables.pop("origins", ORIGINS)
    units = tables.pop("units", UNITS)
    judged = {
        "units": units,
        "origins": origins,
        "facilities": places(),
        "coverage": coverage_table(found, standard=standard),
        "grades": grades(found, origins, units, standard=standard),
    }
    return Result.of(AREA, judged | tables, facts={})


def run(**more):
    reached = {tuple(pair.split("_")): seconds for pair, seconds in more.items()}
    return coverage(times(REACHED | reached), facilities(), standard=STANDARD)


def compared(before, after, **more):
    found = changes(before, after, standards=(STANDARD, STANDARD), **more)
    tables = (found.changes, found.units, found.cells, found.origins, found.facilities)
    for table, frame in zip(CHANGE_TABLES.values(), tables, strict=True):
        table.check(frame)
    return found


@pytest.fixture
def found():
    after = run(o2_a=800.0, o1_b=500.0, o1_d=1000.0, o3_a=600.0)
    return compared(result(run(), groups=AGES), result(after, groups=AGES))


TOLD = ["gained", "lost", "became_known", "known_served", "became_unknown", "unknown_served"]


def test_who_gains_and_who_loses_by_hand(found):
    assert found.by == "origin"
    assert found.findings == ()
    table = found.changes
    assert table.loc["D:a:all", TOLD].tolist() == [200, 0, 300, 300, 0, 0]
    assert table.loc["u1:a:all", [*TOLD[:2], "net"]].tolist() == [200, 0, 200]
    assert table.loc["u2:a:all", TOLD].tolist() == [0, 0, 300, 300, 0, 0]
    assert table.loc["D:d:all", [*TOLD[:2], "net"]].tolist() == [0, 100, -100]
    assert table.loc["D:b:all", [*TOLD, "net"]].tolist() == [0] * 7
    assert table.loc["D:b:all", ["shorter", "minutes_shorter", "longer"]].tolist() == [100, pytest.approx(100 / 60), 0]
    assert np.isnan(table.loc["D:b:all", "minutes_longer"])
    assert table.loc["u3:a:all", [*TOLD, "shorter", "net"]].tolist() == [0] * 8
    assert table.loc[":a:all", ["served_before", "gap_before", "unknown_before"]].tolist() == [100, 200, 700]
    assert table.loc[":a:all", ["served_after", "gap_after", "unknown_after"]].tolist() == [600, 0, 400]


def test_the_first_rows_are_everybodys(found):
    first = found.changes.iloc[:8]
    assert first["unit"].isna().all()
    assert set(first["unit_name"]) == {"全部 everybody"}
    assert first["service"].tolist() == ["a", "a", "b", "b", "c", "c", "d", "d"]
    assert first["group"].tolist() == ["all", "60+"] * 4


def test_groups_are_counted_by_their_own_people(found):
    assert found.changes.loc["D:a:60+", TOLD].tolist() == [50, 0, 60, 60, 0, 0]
    assert found.changes.loc["D:d:60+", "lost"] == 10
    assert found.changes.loc["D:a:60+", "assumed"]  # of one cluster a share was assumed
    assert not found.changes.loc["D:a:all", "assumed"]


def test_people_who_gain_anything_are_counted_once(found):
    assert found.units.loc["D", ["gaining", "losing"]].tolist() == [200, 100]
    assert found.units.loc["u1", ["gaining", "losing", "people_before", "people_after"]].tolist() == [
        200,
        100,
        300,
        300,
    ]
    assert (found.facts["gaining"], found.facts["losing"]) == (200, 100)
    twice = compared(result(run()), result(run(o2_a=800.0, o2_d=1.0)))
    assert twice.units.loc["D", "gaining"] == 200
    assert twice.changes.loc[["D:a:all", "D:d:all"], "gained"].tolist() == [200, 200]


def test_cells_that_go_up_and_down(found):
    cells = found.cells.set_index(["unit", "category"])
    before, after = result(run()).grades, result(run(o2_a=800.0, o1_b=500.0, o1_d=1000.0, o3_a=600.0)).grades
    assert cells["grade_before"].tolist() == before["grade"].tolist()
    assert cells["grade_after"].tolist() == after["grade"].tolist()
    assert cells.loc[("u1", "two"), ["grade_before", "grade_after", "change", "turn"]].tolist() == [1, 1, 0, "same"]
    better = compared(result(run()), result(run(o2_d=1.0)))
    assert better.cells.loc["u1:two", ["change", "turn"]].tolist() == [4, "up"]
    assert better.units.loc["u1", ["cells_up", "cells_down"]].tolist() == [1, 0]
    worse = compared(result(run(o2_d=1.0)), result(run()))
    assert worse.cells.loc["u1:two", ["change", "turn"]].tolist() == [-4, "down"]
    assert set(better.cells.loc[better.cells["unit"] == "u3", "turn"]) == {"none"}


def test_homes_that_change_are_listed_most_people_first(found):
    assert found.origins["turn"].to_dict() == {"o3:a": "known", "o2:a": "gained", "o1:b": "shorter", "o1:d": "lost"}
    row = found.origins.loc["o1:d"]
    assert row[["before", "after", "minutes_before", "minutes_after"]].tolist() == [
        "served", "gap", pytest.approx(1 / 6), pytest.approx(1000 / 60),
    ]  # fmt: skip
    assert row.geometry == Point(0, 0)


def test_the_order_of_homes_does_not_matter(found):
    after = run(o2_a=800.0, o1_b=500.0, o1_d=1000.0, o3_a=600.0)
    turned = result(after, groups=AGES, origins=ORIGINS.iloc[::-1])
    turned = dataclasses.replace(turned, coverage=turned.coverage.iloc[::-1])
    other = compared(result(run(), groups=AGES), turned)
    pd.testing.assert_frame_equal(other.changes, found.changes)


# --------------------------------------------------------------------------------- when homes or people are others


def test_other_residents_are_compared_by_unit_and_more_of_them_alone_change_nothing():
    more = ORIGINS.assign(population=ORIGINS["population"] * [2, 2, 1, 1])
    found = compared(result(run()), result(run(), origins=more))
    assert found.by == "unit"
    (finding,) = found.findings
    assert "2 of 4 homes have other residents" in str(finding)
    assert found.changes[TOLD].isna().all(axis=None)
    assert found.changes["net"].loc[found.changes["unit"].isin(["u1"])].eq(0).all()
    assert found.units["gaining"].isna().all()
    assert found.facts["gaining"] is None
    assert found.origins.empty
    assert found.changes.loc["u1:a:all", ["served_before", "served_after"]].tolist() == [100, 200]


def test_by_unit_only_what_is_sure_counts():
    renamed = ORIGINS.set_axis(pd.Index(["p1", "p2", "p3", "p4"], name="origin"))

    def again(**more):
        after = run(**more)
        frames = {
            name: getattr(after, name).set_axis(renamed.index) for name in ("seconds", "opportunities", "status", "why")
        }
        return result(dataclasses.replace(after, **frames), origins=renamed)

    found = compared(result(run()), again(o2_a=800.0))
    assert "8 ids are there only once" in str(found.findings[0])
    assert found.changes.loc["u1:a:all", "net"] == 200
    assert found.changes.loc["D:a:all", "net"] == 0  # 700 of 1000 are unknown on both sides
    assert compared(again(o2_a=800.0), result(run())).changes.loc["u1:a:all", "net"] == -200
    known = compared(result(run()), again(o3_a=600.0))  # it was not known of o3, who may have been served all along
    assert known.changes.loc["u2:a:all", "net"] == 0


def test_a_group_of_other_people_is_compared_by_unit_alone():
    older = AGES.assign(people=AGES["people"] * 2)
    found = compared(result(run(), groups=AGES), result(run(o2_a=800.0), groups=older))
    assert found.by == "origin"
    assert found.changes.loc["D:a:all", "gained"] == 200
    assert np.isnan(found.changes.loc["D:a:60+", "gained"])
    alone = compared(result(run(), groups=AGES), result(run()))
    assert any("groups of residents are known of one run only (60+)" in str(one) for one in alone.findings)
    assert set(alone.changes["group"]) == {EVERYBODY}


def test_homes_that_stand_elsewhere_or_belong_elsewhere_are_others():
    moved = ORIGINS.set_geometry([Point(0, 0), Point(1, 5), Point(2, 0), Point(3, 0)], crs=UTM)
    assert "1 of 4 homes stand elsewhere" in str(compared(result(run()), result(run(), origins=moved)).findings[0])
    unit = ORIGINS.assign(unit=["u2", "u1", "u2", "u2"])
    assert "1 of 4 homes are of another unit" in str(compared(result(run()), result(run(), origins=unit)).findings[0])


# ------------------------------------------------------------------------------------- other standards, other units


def other_standard(**minutes):
    values = STANDARD.model_dump()
    values["categories"] = [
        {
            "key": "one",
            "zh": "一",
            "en": "One",
            "services": [line("a", "one", minutes.get("a", 15)), line("e", "one", 9)],
        },
        {"key": "two", "zh": "二", "en": "Two", "services": [line("d", "two", minutes.get("d", 15))]},
    ]
    return Standard.model_validate(values)


def test_services_of_both_standards_only_and_findings_for_the_rest():
    other = other_standard(d=5)
    after = result(coverage(times(), facilities(), standard=other), standard=other)
    found = changes(result(run()), after, standards=(STANDARD, other))
    assert list(dict.fromkeys(found.changes["service"])) == ["a", "d"]
    cut, graded = "Part of what changes is the standard, not the city.", "the card is graded by other rules"
    assert [str(one) for one in found.findings] == [
        "comparison: 2 services are there only before (b, c). They are left out.",
        "comparison: 1 services are there only after (e). They are left out.",
        f"comparison: 1 services have another cut-off (d 15 to 5 min). {cut}",
        f"comparison: {graded} (those of one). {cut}",
    ]


def test_bands_that_differ_are_said():
    values = STANDARD.model_dump()
    values["grades"] = [band | {"coverage": band["coverage"] * 0.9} for band in values["grades"]]
    other = Standard.model_validate(values)
    found = changes(result(run()), result(run(), standard=other), standards=(STANDARD, other))
    assert ["graded by other rules" in str(one) for one in found.findings] == [True]


def test_units_of_both_only():
    fewer = UNITS.drop("u3")
    found = compared(result(run()), result(run(), units=fewer))
    assert "u3" not in set(found.changes["unit"])
    assert "1 units are there only before (u3)" in str(found.findings[0])
    grown = UNITS.set_geometry(UNITS.geometry.buffer([0, 1, 0, 0]))
    assert "1 units have another outline (u1)" in str(compared(result(run()), result(run(), units=grown)).findings[0])


def test_two_runs_with_nothing_in_common():
    strange = UNITS.set_axis(pd.Index(["x", "y", "z", "w"], name="unit")).assign(parent=[None, "x", "x", "x"])
    with pytest.raises(DataError, match="no unit in common"):
        compared(result(run()), result(run(), units=strange))
    values = STANDARD.model_dump()
    values["categories"] = [{"key": "x", "zh": "x", "en": "x", "services": [line("z", "x", 9)]}]
    other = Standard.model_validate(values)
    with pytest.raises(DataError, match="no service in common"):
        changes(result(run()), result(run()), standards=(STANDARD, other))


def test_coverage_that_is_not_whole_is_refused():
    whole = result(run())
    with pytest.raises(DataError, match="1 states of homes and services are not said"):
        compared(whole, dataclasses.replace(whole, coverage=whole.coverage.iloc[1:]))


def test_another_crs_is_brought_to_that_of_the_later_run():
    first = result(run())
    there = {name: getattr(first, name).to_crs("EPSG:32649") for name in ("units", "origins", "facilities")}
    found = compared(dataclasses.replace(first, **there), result(run(o2_a=800.0)))
    assert found.by == "origin"
    assert found.changes.loc["D:a:all", "gained"] == 200


# ---------------------------------------------------------------------------------------------------- facilities


def test_facilities_added_closed_moved_and_resized():
    after = places("abc").rename(index={"f0a": "new"})
    after = after.assign(floor_area_m2=[100.0, 150.0, np.nan], place=after.index)
    after = after.set_geometry([MultiPoint([(0.5, 0.5)]), MultiPoint([(0.5, 0.5)]), MultiPoint([(9.5, 0.5)])], crs=UTM)
    found = compared(result(run()), result(run(), facilities=after))
    assert found.facilities["turn"].to_dict() == {
        "new": "added",
        "f1b": "resized",
        "f2c": "moved",
        "f0a": "closed",
        "f3d": "closed",
    }
    assert found.facilities.loc["f2c", "moved_m"] == pytest.approx(9)
    assert found.facilities.loc["f1b", ["floor_area_m2_before", "floor_area_m2_after"]].tolist() == [100, 150]
    assert found.facts["facilities"] == {"added": 1, "closed": 2, "moved": 1, "resized": 1}
    same = compared(result(run()), result(run(), facilities=after), same={"new": "f0a"})
    assert "new" not in same.facilities.index
    assert "f0a" not in same.facilities.index


def test_a_size_that_nobody_knew_is_new_only_where_a_scenario_says_so():
    before, after = places(floor_area_m2=np.nan), places(floor_area_m2=300.0)
    assert compared(result(run(), facilities=before), result(run(), facilities=after)).facilities.empty
    planned = after.assign(source=["scenario", "t", "t", "t"])
    found = compared(result(run(), facilities=before), result(run(), facilities=planned))
    assert found.facilities["turn"].to_dict() == {"f0a": "resized"}


# -------------------------------------------------------------------------------------------- generated comparisons

walks = st.dictionaries(
    st.tuples(st.sampled_from(["o1", "o2", "o3", "o4"]), st.sampled_from("abcd")), st.integers(1, 1800).map(float)
)


few = settings(max_examples=15)  # each is two whole judgements


def walked(reached):
    return result(coverage(times(reached), facilities(), standard=STANDARD), groups=AGES)


@few
@given(walks)
def test_a_run_beside_itself_changes_nothing(reached):
    found = compared(walked(reached), walked(reached))
    assert found.by == "origin"
    assert found.origins.empty
    assert found.facilities.empty
    assert (found.changes[[*TOLD, "net", "shorter", "longer"]] == 0).all(axis=None)
    assert (found.units[["gaining", "losing", "cells_up", "cells_down"]] == 0).all(axis=None)
    assert set(found.cells["turn"]) <= {"same", "none"}


@few
@given(walks, walks)
def test_swapped_runs_mirror_gains_and_losses(one, other):
    there, back = compared(walked(one), walked(other)), compared(walked(other), walked(one))
    mirror = {"gained": "lost", "became_known": "became_unknown", "known_served": "unknown_served"}
    mirror |= {"shorter": "longer", "minutes_shorter": "minutes_longer", "served_before": "served_after"}
    for name, turned in mirror.items():
        np.testing.assert_allclose(there.changes[name], back.changes[turned], atol=1e-9)
        np.testing.assert_allclose(there.changes[turned], back.changes[name], atol=1e-9)
    np.testing.assert_array_equal(there.changes["net"], -back.changes["net"])
    np.testing.assert_array_equal(there.units["gaining"], back.units["losing"])
    assert (there.cells["change"].fillna(9) == (-back.cells["change"]).fillna(9)).all()
    assert len(there.origins) == len(back.origins)


@few
@given(walks, walks)
def test_every_figure_is_that_of_a_slow_plain_count(one, other):
    before, after = walked(one), walked(other)
    found = compared(before, after)
    state = [side.coverage.set_index(["origin", "service"])["status"] for side in (before, after)]
    inside = {None: list(ORIGINS.index), "D": list(ORIGINS.index), "u1": ["o1", "o2"], "u2": ["o3", "o4"], "u3": []}
    people = {"all": ORIGINS["population"].to_dict(), "60+": dict(zip(AGES["origin"], AGES["people"], strict=True))}
    turns = {"gained": ("gap", "served"), "lost": ("served", "gap"), "unknown_served": ("served", "unknown")}
    for row in found.changes.itertuples():
        homes = inside[None if pd.isna(row.unit) else row.unit]
        each = [(people[row.group].get(home, 0.0), *(side[home, row.service] for side in state)) for home in homes]
        for name, turn in turns.items():
            assert getattr(row, name) == sum(n for n, *turned in each if tuple(turned) == turn)
        assert row.served_before == sum(n for n, was, _ in each if was == "served")
        assert row.unknown_after == sum(n for n, _, now in each if now == "unknown")
    gaining = [
        home
        for home in ORIGINS.index
        if any((state[0][home, s], state[1][home, s]) == ("gap", "served") for s in "abcd")
    ]
    assert found.facts["gaining"] == ORIGINS.loc[gaining, "population"].sum()
