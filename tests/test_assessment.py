"""Coverage, card and gaps on a case that one can do by hand.

Four clusters; services a and b (basic) and c (quality) of one category, d of another; cut-offs 15, 10, 15, 15 min.

    people   a(s)   b(s)   c(s)   d(s)
o1   100      900    600    -     10
o2   200      901    -      30    -
o3   300      -      -      -     -      at the edge within 12 min
o4   400      (could not be placed)
"""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import CRS
from scipy.sparse import csr_array
from shapely import MultiPoint, Point, box

from circle15.assessment import category_status, coverage, coverage_table, gaps, grades, headline
from circle15.errors import CutoffError, DataError
from circle15.project import Standard
from circle15.tables import COVERAGE, GAPS, GRADES, Placement, TravelTimes

UTM = CRS("EPSG:32648")
BANDS = [
    {"grade": n, "zh": str(n), "en": str(n), "coverage": c}
    for n, c in zip(range(1, 6), (0, 0.5, 0.75, 0.9, 0.95), strict=True)
]


def line(key, category, minutes, need="basic", **more):
    words = {"key": key, "category": category, "zh": key, "en": key, "tier": "community", "need": need}
    return words | {"minutes": minutes, "basis": "test"} | more


STANDARD = Standard.model_validate(
    {
        "name": "toy",
        "title_zh": "玩具",
        "title_en": "Toy",
        "authority_zh": "测试",
        "authority_en": "test",
        "grades": BANDS,
        "categories": [
            {
                "key": "one",
                "zh": "一",
                "en": "One",
                "services": [line("a", "one", 15), line("b", "one", 10), line("c", "one", 15, "quality")],
            },
            {"key": "two", "zh": "二", "en": "Two", "services": [line("d", "two", 15)]},
        ],
    }
)
ORIGINS = gpd.GeoDataFrame(
    {"population": [100.0, 200.0, 300.0, 400.0], "unit": ["u1", "u1", "u2", "u2"]},
    index=pd.Index(["o1", "o2", "o3", "o4"], name="origin"),
    geometry=[Point(n, 0) for n in range(4)],
    crs=UTM,
)
UNITS = gpd.GeoDataFrame(
    {"name": ["D", "1", "2", "empty"], "tier": ["district", *["community"] * 3], "parent": [None, "D", "D", "D"]},
    index=pd.Index(["D", "u1", "u2", "u3"], name="unit"),
    geometry=[box(0, 0, 1, 1)] * 4,
    crs=UTM,
)
REACHED = {("o1", "a"): 900.0, ("o1", "b"): 600.0, ("o1", "d"): 10.0, ("o2", "a"): 901.0, ("o2", "c"): 30.0}


def facilities(services="abcd"):
    frame = pd.DataFrame(
        {"service": list(services)}, index=pd.Index([f"f{n}{s}" for n, s in enumerate(services)], name="facility")
    )
    return gpd.GeoDataFrame(frame, geometry=[MultiPoint([(0.5, 0.5)])] * len(frame), crs=UTM)


def times(reached=None, cutoff_s=1800.0, services="abcd", edge=(np.inf, np.inf, 720.0, np.inf)):
    reached = REACHED if reached is None else reached
    there = facilities(services).index
    rows = [ORIGINS.index.get_loc(origin) for origin, _ in reached]
    columns = [services.index(service) for _, service in reached]
    seconds = csr_array((list(reached.values()), (rows, columns)), shape=(4, len(there)))
    placed = Placement(pd.DataFrame({"how": ["main", "main", "main", "far"]}, index=ORIGINS.index))
    everywhere = Placement(pd.DataFrame({"how": ["main"] * len(there)}, index=there))
    return TravelTimes(seconds, ORIGINS.index, there, cutoff_s, np.array(edge), placed, everywhere, "adult")


@pytest.fixture
def found():
    return coverage(times(), facilities(), standard=STANDARD)


def test_three_states_by_hand(found):
    assert found.status.loc["o1"].tolist() == ["served", "served", "gap", "served"]
    assert found.status.loc["o2"].tolist() == ["gap", "gap", "served", "gap"]
    assert found.status.loc["o3"].tolist() == ["unknown", "gap", "unknown", "unknown"]  # 12 min to the edge, b asks 10
    assert found.status.loc["o4"].tolist() == ["unknown"] * 4
    assert found.why.loc["o3"].tolist() == ["edge", "", "edge", "edge"]
    assert set(found.why.loc["o4"]) == {"unplaced"}
    assert found.seconds.loc["o2", "a"] == 901
    assert np.isnan(found.seconds.loc["o2", "b"])
    assert found.opportunities.loc["o2"].tolist() == [0, 0, 1, 0]


def test_an_incomplete_inventory_is_unknown_and_never_a_gap():
    known = pd.Series({"a": True, "b": False, "c": True, "d": False})
    found = coverage(times(), facilities(), standard=STANDARD, known=known)
    assert found.status["b"].tolist() == ["served", "unknown", "unknown", "unknown"]  # what is served stays served
    assert found.why["b"].tolist() == ["", "inventory", "inventory", "unplaced"]
    assert "gap" not in set(found.status["d"])


def test_a_service_may_be_known_here_and_not_there():
    known = pd.DataFrame(True, index=ORIGINS.index, columns=list("abcd"))
    known.loc["o2", "b"] = False
    found = coverage(times(), facilities(), standard=STANDARD, known=known.iloc[::-1])
    assert found.status["b"].tolist() == ["served", "unknown", "gap", "unknown"]
    assert found.why["b"].tolist() == ["", "inventory", "", "unplaced"]
    with pytest.raises(DataError, match="nothing is said of o4"):
        coverage(times(), facilities(), standard=STANDARD, known=known.drop(index="o4"))


def test_strict_and_lenient(found):
    strict, lenient = (category_status(found, standard=STANDARD, lenient=lenient) for lenient in (False, True))
    assert strict["one"].tolist() == ["served", "gap", "gap", "unknown"]
    assert lenient["one"].tolist() == ["served", "served", "unknown", "unknown"]
    assert strict["two"].tolist() == ["served", "gap", "unknown", "unknown"]


def test_residents_sum_to_the_population(found):
    people = headline(found, ORIGINS, standard=STANDARD)
    assert people.loc["one"].tolist() == [100, 500, 400, 300, 0, 700]
    assert people[["served", "gap", "unknown"]].sum(axis=1).tolist() == [1000, 1000]


def test_the_card_by_hand(found):
    card = grades(found, ORIGINS, UNITS, standard=STANDARD)
    assert list(card.columns) == GRADES.names
    GRADES.check(card)
    cell = card.loc["u1:one"]
    assert (cell["served"], cell["gap"], cell["unknown"]) == (100, 200, 0)
    assert (cell["grade"], cell["grade_lenient"]) == (1, 5)  # 1/3; 3/3
    assert card.loc["D:one", "people"] == 1000  # from the clusters themselves
    assert card.loc["D:one", "grade"] == 1  # 100 of the 600 of whom it can be said
    assert pd.isna(card.loc["u2:two", "grade"])  # nothing can be said of anyone
    assert pd.isna(card.loc["u3:one", "grade"])  # nobody lives there


def test_gaps_name_people_and_minutes(found):
    table = gaps(found, ORIGINS, standard=STANDARD)
    GAPS.check(table)
    assert table.index.tolist() == ["o3:b", "o2:a", "o2:b", "o2:d", "o1:c"]
    assert table.loc["o2:a", ["people", "minutes", "cutoff_minutes"]].tolist() == [200, 901 / 60, 15]
    assert np.isnan(table.loc["o2:b", "minutes"])


def test_the_long_table_keeps_the_contract(found):
    table = coverage_table(found, standard=STANDARD)
    COVERAGE.check(table)
    assert table.loc["o1:a", "minutes"] == 15
    assert len(table) == 16


def test_no_gap_at_all_is_an_empty_table_that_keeps_the_contract():
    reached = dict.fromkeys([(origin, service) for origin in ("o1", "o2", "o3", "o4") for service in "abcd"], 1.0)
    table = gaps(coverage(times(reached), facilities(), standard=STANDARD), ORIGINS, standard=STANDARD)
    GAPS.check(table)
    assert table.empty


def test_each_service_looked_for_as_far_as_it_counts_says_the_same():
    minutes = pd.Series([15.0, 10.0, 15.0, 15.0], index=facilities().index)
    far, near = (coverage(one, facilities(), standard=STANDARD) for one in (times(), times().within(minutes)))
    for name in ("opportunities", "status", "why"):
        pd.testing.assert_frame_equal(getattr(near, name), getattr(far, name))
    assert np.isnan(near.seconds.loc["o2", "a"])  # 901 s, beyond its 15 minutes
    assert [near.searched(key) for key in "abcd"] == minutes.tolist()
    assert far.searched("b") == far.search_minutes == 30.0


def test_a_service_that_nobody_offers_counts_the_edge_as_far_as_it_is_asked_for():
    """Nothing of c stands anywhere; from o3 one can walk to the edge in 12 of its 15 minutes."""
    walks = times(services="abd", reached={("o1", "a"): 300.0}).within(
        pd.Series([15.0, 10.0, 15.0], index=facilities("abd").index)
    )
    found = coverage(walks, facilities("abd"), standard=STANDARD)
    assert found.why.loc["o3"].tolist() == ["edge", "", "edge", "edge"]
    assert found.searched("c") == 30.0


def test_times_looked_for_too_near_are_refused():
    index, short = facilities().index, [15.0, 9.0, 15.0, 15.0]
    near = times().within(pd.Series(short, index=index))
    with pytest.raises(CutoffError, match="10 minutes were asked of times computed to 9 minutes"):
        coverage(near, facilities(), standard=STANDARD)
    with pytest.raises(CutoffError, match="15 minutes were asked of times computed to 9 minutes"):
        near.require(15)
    near.to(index[:1]).require(15)
    near.require(9)
    with pytest.raises(CutoffError, match="31 minutes were asked of times computed to 30 minutes"):
        times().within(pd.Series(31.0, index=index))
    with pytest.raises(CutoffError, match="10 minutes were asked of times computed to 9 minutes"):
        near.within(pd.Series(10.0, index=index))
    with pytest.raises(CutoffError, match="1 facilities have no cut-off"):
        times().within(pd.Series(9.0, index=index[1:]))


def test_asked_too_far_or_of_other_facilities():
    with pytest.raises(CutoffError):
        coverage(times(cutoff_s=899.0), facilities(), standard=STANDARD)
    with pytest.raises(DataError, match="f3d"):
        coverage(times(), facilities("abc"), standard=STANDARD)
    with pytest.raises(DataError, match="nothing is said of c, d"):
        coverage(times(), facilities(), standard=STANDARD, known=pd.Series({"a": True, "b": True}))


SECONDS = st.dictionaries(
    st.tuples(st.sampled_from(["o1", "o2", "o3", "o4"]), st.sampled_from("abcd")),
    st.integers(0, 18000).map(lambda n: n / 10),
)


@given(reached=SECONDS, more=SECONDS)
def test_one_more_facility_in_reach_never_hurts(reached, more):
    nearer = {key: min(reached.get(key, np.inf), more.get(key, np.inf)) for key in reached | more}
    order = {"gap": 0, "unknown": 0, "served": 1}
    before = coverage(times(reached), facilities(), standard=STANDARD).status.replace(order)
    after = coverage(times(nearer), facilities(), standard=STANDARD).status.replace(order)
    assert (after >= before).to_numpy().all()


@given(reached=SECONDS)
def test_reordering_the_facilities_changes_nothing(reached):
    straight = coverage(times(reached), facilities(), standard=STANDARD)
    turned = coverage(times(reached, services="dcba"), facilities("dcba"), standard=STANDARD)
    pd.testing.assert_frame_equal(straight.status, turned.status)
    pd.testing.assert_frame_equal(straight.seconds, turned.seconds)
    people = headline(straight, ORIGINS, standard=STANDARD)
    np.testing.assert_allclose(people[["served", "gap", "unknown"]].sum(axis=1), 1000)
