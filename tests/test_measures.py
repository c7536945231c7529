"""Measures: the worked numbers of the literature, a slow plain method beside each formula, laws on random towns.

Example 1, in minutes; capacities 10 and 4; weights 1 to 10 min, 0.68 to 20, 0.22 to 30:

    people      x     y
    a  2000     5    18
    b  3000    12     8
    c  1000    25    14
"""

import doctest
import inspect
import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

import circle15
import toytown
from circle15 import measures
from circle15.assessment import coverage, headline
from circle15.errors import CutoffError, DataError
from circle15.measures import (
    Cutoff,
    Decay,
    Exponential,
    Gaussian,
    Logistic,
    Steps,
    bfca,
    catchment,
    categories_met,
    concentration_index,
    covered_share,
    cumulative,
    e2sfca,
    fgt,
    gini,
    gravity,
    k_nearest,
    known_share,
    m2sfca,
    nearest,
    palma_like,
    spatial_availability,
    theil_t,
    three_sfca,
    two_sfca,
)
from circle15.network import WalkNetwork
from circle15.project import Standard
from circle15.tables import Placement, TravelTimes

SLOW_DECAY = Steps([(10, 1), (20, 0.68), (30, 0.22)])
DECAYS = [
    SLOW_DECAY,
    Cutoff(15),
    Exponential(0.1, minutes=25),
    Gaussian(20),
    Logistic(12, 3, minutes=30),
    Steps([(5, 0.5), (10, 0)]),
]
FACILITIES = ("x", "y", "z", "v", "w")


def series(values, names="abcdefghij"):
    return pd.Series(list(values), index=pd.Index(list(names)[: len(values)], name="id", dtype=object), dtype=float)


def ticks(minutes):
    """Seconds on whole ticks."""
    return round(minutes * 600) / 10


def times_of(minutes, search=200):
    """Travel times from a table of minutes; None was not reached."""
    n, m = len(minutes), len(minutes[0]) if len(minutes) else 0
    reached = [(i, j, ticks(one)) for i, row in enumerate(minutes) for j, one in enumerate(row) if one is not None]
    rows, columns, seconds = zip(*reached, strict=True) if reached else ((), (), ())
    origins, there = (
        pd.Index(names, name=name, dtype=object)
        for names, name in ((list("abcdefghij"[:n]), "origin"), (FACILITIES[:m], "facility"))
    )
    placed = (Placement(pd.DataFrame({"how": "main"}, index=ids)) for ids in (origins, there))
    matrix = csr_array((np.array(seconds, dtype=float), (rows, columns)), shape=(n, m))
    return TravelTimes(matrix, origins, there, ticks(search), np.full(n, np.inf), *placed, "given")


def rounded(values, digits):
    return [round(one, digits) for one in values]


# ------------------------------------------------------------------------------------------------ the worked numbers

ONE = times_of([[5, 18], [12, 8], [25, 14]])
TEN_AND_FOUR, PEOPLE = series([10, 4], FACILITIES), series([2000, 3000, 1000])


@pytest.mark.parametrize(
    ("measure", "given", "expected", "total"),
    [
        (two_sfca, {"minutes": 15}, [0.002, 0.003, 0.001], 14),
        (e2sfca, {"decay": SLOW_DECAY}, [0.00288710, 0.00238989, 0.00105611], 14),
        (three_sfca, {"decay": SLOW_DECAY}, [0.00326189, 0.00216510, 0.00098090], 14),
        (m2sfca, {"decay": SLOW_DECAY}, [0.00271440, 0.00187910, 0.00048060], 11.54669),
        (bfca, {"decay": SLOW_DECAY}, [0.00233065, 0.00185678, 0.00078103], 11.01267),
    ],
    ids=lambda one: getattr(one, "__name__", ""),
)
def test_example_1(measure, given, expected, total):
    found = measure(ONE, TEN_AND_FOUR, population=PEOPLE, **given)
    assert rounded(found, 8) == expected
    assert round(found @ PEOPLE, 5) == total


def test_example_1_step_by_step():
    assert catchment(ONE, PEOPLE, decay=Cutoff(15)).tolist() == [5000, 4000]
    assert rounded(TEN_AND_FOUR / catchment(ONE, PEOPLE, decay=Cutoff(15)).to_numpy(), 8) == [0.002, 0.001]
    claims = catchment(ONE, PEOPLE, decay=SLOW_DECAY)
    assert claims.round(6).tolist() == [4260, 5040]
    assert rounded(TEN_AND_FOUR / claims.to_numpy(), 8) == [0.00234742, 0.00079365]
    assert round(bfca(ONE, TEN_AND_FOUR, population=PEOPLE, decay=SLOW_DECAY).sum(), 8) == 0.00496846


@dataclass(frozen=True)
class Inverse(Decay):
    """1 / t, as in the hospital test of pysal/access; not for walks of no length."""

    minutes: float

    def weight(self, minutes):
        return 1 / minutes


def hospitals(inbound=40, outbound=40):
    """Two tracts at the edge and the centre with most doctors: own hospital 1 minute, edge to edge 80."""
    return times_of([[1, 80, inbound], [80, 1, inbound], [outbound, outbound, 1]])


DOCTORS, TRACTS = series([15, 20, 100], FACILITIES), series([100, 50, 10])


@pytest.mark.parametrize(
    ("measure", "inbound", "expected"),
    [
        (e2sfca, 40, [0.331444, 0.579828, 7.286418]),
        (three_sfca, 40, [0.156332, 0.406293, 9.905212]),
        (e2sfca, 20, [0.435340, 0.683724, 5.727977]),
    ],
)
def test_example_2_three_tracts_and_their_hospitals(measure, inbound, expected):
    found = measure(hospitals(inbound), DOCTORS, population=TRACTS, decay=Inverse(61))
    assert rounded(found, 6) == expected
    assert round(found @ TRACTS, 6) == 135


def test_example_2_as_pysal_access_has_it():
    """Its three-stage weights divide by the facilities beyond the catchment too; Wan et al. (2012) by those within."""
    walks = [[1, 80, 40], [80, 1, 40], [40, 40, 1]]
    every, within = (sums(walks, Inverse(end)) for end in (100, 61))
    choice = [[over(one, sum(row)) for one in row] for row in every]
    claim = [[g * w for g, w in zip(*rows, strict=True)] for rows in zip(choice, within, strict=True)]
    found = slow_e2sfca(claim, DOCTORS.tolist(), TRACTS.tolist())
    assert rounded(found, 6) == [0.156257, 0.406216, 9.906352]
    assert sum(a * p for a, p in zip(found, TRACTS, strict=True)) == pytest.approx(135)


def test_walks_of_one_home_are_not_taken_for_those_of_the_next():
    times = times_of([[30, 10], [0, 20]], search=30)  # the longest walk that was searched for, beside the shortest
    assert k_nearest(times, 1).tolist() == [600, 0]
    assert k_nearest(times, 2).tolist() == [1200, 600]


def test_homes_that_could_not_be_placed_have_no_value_however_many_they_are():
    times = times_of([[5, 18], [None, None], [25, 14], [None, None]])
    placed = pd.DataFrame({"how": ["main", "far", "main", "far"]}, index=times.origin_ids)
    found = nearest(replace(times, origins=Placement(placed)))
    assert found.isna().tolist() == [False, True, False, True]


def test_when_one_road_gets_faster_access_rises_here_and_falls_there():
    jam, morning, evening = (
        e2sfca(one, DOCTORS, population=TRACTS, decay=Inverse(61))
        for one in (hospitals(), hospitals(inbound=20), hospitals(outbound=20))
    )
    assert (morning > jam).tolist() == [True, True, False]  # the edge gets nearer to the centre's doctors
    assert (morning < jam).tolist() == [False, False, True]
    assert (evening < jam).tolist() == [True, True, False]
    assert (evening > jam).tolist() == [False, False, True]


def test_example_3_spatial_availability():
    walks = times_of([[15, 30, 100], [30, 15, 100], [100, 100, 15]])
    people, jobs = series([50_000, 150_000, 10_000]), series([100_000, 100_000, 10_000], FACILITIES)
    found = spatial_availability(walks, jobs, population=people, decay=Exponential(0.1, minutes=100))
    assert rounded(found, 0) == [66833, 133203, 9963]
    assert rounded(found / people, 4) == [1.3367, 0.8880, 0.9963]


ALL_ONES = series([1, 1, 1, 1])


def test_example_4_inequality():
    assert gini(series([0, 0, 0, 1]), ALL_ONES) == 0.75
    assert gini(series([1, 2, 3, 4]), ALL_ONES) == 0.25
    assert gini(series([1, 3]), series([3, 1])) == 0.25
    assert round(theil_t(series([1, 2, 3, 4]), ALL_ONES), 6) == 0.106440
    up = series([1, 2, 3, 4])
    assert concentration_index(up, ALL_ONES, ranking=up) == 0.25
    assert concentration_index(up, ALL_ONES, ranking=-up) == -0.25


def test_example_5_logistic():
    assert Logistic(20, 2, minutes=60)([0, 20 * 60]).round(6).tolist() == [1, 0.5]
    assert round(Logistic(30, 10, minutes=60)(30 * 60).item(), 3) == 0.502


def test_theil_is_what_it_ought_to_be_at_its_ends():
    assert theil_t(series([5, 5]), series([1, 9])) == pytest.approx(0, abs=1e-15)
    assert theil_t(series([0, 0, 0, 1]), ALL_ONES) == pytest.approx(math.log(4))
    assert math.isnan(theil_t(series([0, 0, 0, 0]), ALL_ONES))  # of nothing there is no share


# -------------------------------------------------------------------------------------------------------- the decays


@pytest.mark.parametrize("decay", DECAYS, ids=repr)
def test_decays_fall_from_one_to_nothing(decay):
    ticks = np.arange(0, 24_000) / 10
    weight = decay(ticks)
    assert weight[0] == pytest.approx(decay.steps[0][1] if isinstance(decay, Steps) else 1)
    assert (np.diff(weight) <= 1e-15).all()
    assert ((weight >= 0) & (weight <= 1)).all()
    assert not weight[ticks > decay.minutes * 60].any()
    assert np.isnan(decay([np.nan, 0.0])).tolist() == [True, False]
    assert decay(60.0).shape == ()


@pytest.mark.parametrize("minutes", [0.12, 0.13, 7.3, 15, 17.1, 1157 / 60])
def test_limits_are_inclusive_to_the_tick(minutes):
    last = round(minutes * 600) / 10
    for decay in (Cutoff(minutes), Steps([(minutes, 1)]), Steps([(minutes, 1), (minutes + 5, 0.0)])):
        assert decay([last, last + 0.1]).tolist() == [1, 0]


def test_a_decay_without_a_weight_cannot_be_made():
    with pytest.raises(TypeError, match="weight"):
        Decay()


def test_decays_are_values():
    assert Cutoff(15) == Cutoff(15) != Cutoff(16)
    assert Steps([(10, 1), (20, 0.5)]) == Steps(((10.0, 1.0), (20.0, 0.5)))
    assert len({Exponential(0.1, minutes=30), Exponential(0.1, minutes=30), Exponential(0.2, minutes=30)}) == 2
    assert repr(Steps([(10, 1)])) == "Steps(steps=((10.0, 1.0),))"


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Cutoff(0), ["cut-off: minutes is 0"]),
        (lambda: Cutoff(math.inf), ["minutes is inf"]),
        (lambda: Steps([]), ["decay steps: there is none"]),
        (lambda: Steps([(10, 0.5), (10, 0.7)]), ["do not rise", "do not fall"]),
        (lambda: Steps([(10, 1.5)]), ["do not fall from at most 1"]),
        (lambda: Steps([(10, 1), (20, -0.1)]), ["at least 0"]),
        (lambda: Steps([(10, 1), (math.nan, 0.1)]), ["do not rise"]),
        (lambda: Exponential(-1, minutes=math.nan), ["per_minute is -1", "minutes is nan"]),
        (lambda: Gaussian(-1), ["Gaussian decay: minutes is -1"]),
        (lambda: Logistic(0, 0, minutes=0), ["half_minutes is 0", "sd_minutes is 0", "; minutes is 0"]),
    ],
)
def test_a_decay_that_is_none_is_refused_with_all_that_is_wrong(make, said):
    with pytest.raises(DataError) as raised:
        make()
    words = str(raised.value).replace("\nlogistic decay: ", "; ")
    assert all(one in words for one in said), words
    assert len(raised.value.findings) == len(said)


def test_a_decay_that_leaves_the_range_is_refused():
    with pytest.raises(DataError, match=r"Inverse\(minutes=61\): its weights do not all lie between 0 and 1"):
        gravity(times_of([[0.5]]), series([1], FACILITIES), decay=Inverse(61))


# --------------------------------------------------------------------------------- the slow plain method beside each


def sums(walk, decay):
    """Weights as plain numbers; walks as rows of minutes or None."""
    return [[0.0 if one is None else decay(ticks(one)).item() for one in row] for row in walk]


def over(part, whole):
    return part / whole if whole > 0 else 0.0


def slow_e2sfca(w, supply, people):
    n, m = range(len(people)), range(len(supply))
    ratio = [over(supply[j], sum(people[i] * w[i][j] for i in n)) for j in m]
    return [sum(ratio[j] * w[i][j] for j in m) for i in n]


def slow_m2sfca(w, supply, people):
    n, m = range(len(people)), range(len(supply))
    ratio = [over(supply[j], sum(people[i] * w[i][j] for i in n)) for j in m]
    return [sum(ratio[j] * w[i][j] ** 2 for j in m) for i in n]


def slow_three_sfca(w, supply, people):
    n, m = range(len(people)), range(len(supply))
    choice = [[over(w[i][j], sum(w[i])) for j in m] for i in n]
    ratio = [over(supply[j], sum(choice[i][j] * w[i][j] * people[i] for i in n)) for j in m]
    return [sum(choice[i][j] * w[i][j] * ratio[j] for j in m) for i in n]


def slow_bfca(w, supply, people):
    n, m = range(len(people)), range(len(supply))
    ratio = [over(supply[j], sum(people[i] * over(w[i][j], sum(w[i])) for i in n)) for j in m]
    return [sum(ratio[j] * over(w[i][j], sum(w[k][j] for k in n)) for j in m) for i in n]


def slow_availability(w, supply, people):
    """With both balancing factors, as published."""
    n, m = range(len(people)), range(len(supply))
    by_people = [over(people[i], sum(people)) for i in n]
    by_walk = [[over(w[i][j], sum(w[k][j] for k in n)) for j in m] for i in n]
    return [
        sum(supply[j] * over(by_people[i] * by_walk[i][j], sum(by_people[k] * by_walk[k][j] for k in n)) for j in m)
        for i in n
    ]


def slow_gravity(w, supply, _):
    return [sum(supply[j] * row[j] for j in range(len(supply))) for row in w]


SLOW = {
    gravity: slow_gravity,
    e2sfca: slow_e2sfca,
    m2sfca: slow_m2sfca,
    three_sfca: slow_three_sfca,
    bfca: slow_bfca,
    spatial_availability: slow_availability,
}


def asked(measure, times, supply, people, decay):
    more = {} if measure is gravity else {"population": people}
    return measure(times, supply, decay=decay, **more)


def equal(found, wanted, what=""):
    np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-300, err_msg=getattr(what, "__name__", what))


@st.composite
def towns(draw, least=0):
    """Minutes or None, capacities and people of a few homes and facilities."""
    n, m = draw(st.integers(least, 6)), draw(st.integers(least, 5))
    walk = st.integers(-150, 380).map(lambda tenths: None if tenths < 0 else max(0, tenths - 30) / 10)
    minutes = draw(st.lists(st.lists(walk, min_size=m, max_size=m), min_size=n, max_size=n))
    supply = draw(st.lists(st.integers(0, 50), min_size=m, max_size=m))
    people = draw(st.lists(st.integers(0, 500), min_size=n, max_size=n))
    m = m if n else 0  # a table without a row has no columns
    return minutes, series(supply[:m], FACILITIES), series(people)


@given(town=towns(), decay=st.sampled_from(DECAYS))
def test_equal_to_the_slow_plain_method(town, decay):
    minutes, supply, people = town
    for measure, plain in SLOW.items():
        found = asked(measure, times_of(minutes), supply, people, decay)
        assert np.isfinite(found).all(), measure
        equal(found, plain(sums(minutes, decay), supply.tolist(), people.tolist()), measure)


@given(town=towns(), minutes=st.integers(1, 360).map(lambda tenths: tenths / 10))
def test_counts_equal_the_slow_plain_method(town, minutes):
    walks, supply, people = town
    times = times_of(walks)
    near = [[float(one is not None and one <= minutes) for one in row] for row in walks]
    assert cumulative(times, supply, minutes=minutes).tolist() == slow_gravity(near, supply.tolist(), None)
    plain = slow_e2sfca(near, supply.tolist(), people.tolist())
    equal(two_sfca(times, supply, population=people, minutes=minutes), plain)


@given(town=towns(), k=st.integers(1, 6))
def test_nearest_equal_the_slow_plain_method(town, k):
    walks, times = town[0], times_of(town[0])
    reached = [sorted(ticks(one) for one in row if one is not None) for row in walks]
    assert nearest(times).tolist() == [row[0] if row else math.inf for row in reached]
    plain = [sum(row[:k]) / k if len(row) >= k else math.inf for row in reached]
    equal(k_nearest(times, k), plain)
    assert k_nearest(times, 1).tolist() == nearest(times).tolist()


# ------------------------------------------------------------------------------------------------------ conservation


@given(town=towns(), decay=st.sampled_from(DECAYS))
def test_what_somebody_reaches_is_handed_out_whole(town, decay):
    minutes, supply, people = town
    times = times_of(minutes)
    reached = supply.to_numpy() @ (catchment(times, people, decay=decay).to_numpy() > 0)
    for measure in (e2sfca, three_sfca):
        found = asked(measure, times, supply, people, decay)
        equal(found.to_numpy() @ people.to_numpy(), reached, measure)
    equal(spatial_availability(times, supply, population=people, decay=decay).sum(), reached)


@given(town=towns(), minutes=st.integers(1, 30))
def test_2sfca_hands_out_what_somebody_reaches(town, minutes):
    walks, supply, people = town
    times = times_of(walks)
    reached = supply.to_numpy() @ (catchment(times, people, decay=Cutoff(minutes)).to_numpy() > 0)
    found = two_sfca(times, supply, population=people, minutes=minutes)
    assert found.to_numpy() @ people.to_numpy() == pytest.approx(reached, rel=1e-12)


@given(town=towns(), decay=st.sampled_from(DECAYS))
def test_bfca_counts_everyone_once_and_hands_out_every_level_of_service_once(town, decay):
    minutes, supply, people = town
    w = sums(minutes, decay)
    claims = [[people.iloc[i] * over(w[i][j], sum(w[i])) for j in range(len(supply))] for i in range(len(people))]
    everyone = sum(people.iloc[i] for i in range(len(people)) if sum(w[i]) > 0)
    assert sum(map(sum, claims)) == pytest.approx(everyone, rel=1e-12)
    ratio = [over(supply.iloc[j], sum(row[j] for row in claims)) for j in range(len(supply))]
    found = bfca(times_of(minutes), supply, population=people, decay=decay)
    assert found.sum() == pytest.approx(sum(ratio), rel=1e-12)


@given(town=towns(), decay=st.sampled_from(DECAYS))
def test_m2sfca_only_loses(town, decay):
    minutes, supply, people = town
    modified = m2sfca(times_of(minutes), supply, population=people, decay=decay)
    assert (modified <= e2sfca(times_of(minutes), supply, population=people, decay=decay) * (1 + 1e-12)).all()


# -------------------------------------------------------------------------------------------------------------- laws


@given(town=towns(least=1), decay=st.sampled_from(DECAYS), data=st.data())
def test_order_and_names_change_nothing(town, decay, data):
    minutes, supply, people = town
    row, column = (data.draw(st.permutations(range(len(one)))) for one in (people, supply))
    turned = times_of([[minutes[i][j] for j in column] for i in row])
    new_supply = pd.Series(supply.iloc[column].to_numpy(), index=turned.facility_ids)[::-1]
    new_people = pd.Series(people.iloc[row].to_numpy(), index=turned.origin_ids).sample(frac=1, random_state=1)
    for measure in SLOW:
        straight = asked(measure, times_of(minutes), supply, people, decay)
        equal(asked(measure, turned, new_supply, new_people, decay), straight.iloc[row], measure)


@given(town=towns(), decay=st.sampled_from(DECAYS))
def test_how_far_was_searched_changes_nothing(town, decay):
    minutes, supply, people = town
    near = [[one if one is not None and one <= decay.minutes else None for one in row] for row in minutes]
    for measure in SLOW:
        just = asked(measure, times_of(near, search=decay.minutes), supply, people, decay)
        equal(asked(measure, times_of(minutes), supply, people, decay), just, measure)


@given(town=towns(), decay=st.sampled_from(DECAYS))
def test_twice_the_capacity_is_twice_the_answer_and_twice_the_people_half_a_head(town, decay):
    minutes, supply, people = town
    for measure in SLOW:
        once, twice = (asked(measure, times_of(minutes), n * supply, people, decay) for n in (1, 2))
        equal(twice, 2 * once, measure)
    for measure in (e2sfca, m2sfca, three_sfca, bfca):
        once, twice = (asked(measure, times_of(minutes), supply, n * people, decay) for n in (1, 2))
        equal(once, 2 * twice, measure)


@given(town=towns(least=1), decay=st.sampled_from(DECAYS))
def test_one_more_facility_never_hurts(town, decay):
    minutes, supply, people = town
    times, names = times_of(minutes), FACILITIES[: len(supply) - 1]
    for measure in (gravity, e2sfca, m2sfca, spatial_availability):
        fewer = asked(measure, times.to(names), supply[list(names)], people, decay)
        assert (fewer <= asked(measure, times, supply, people, decay) * (1 + 1e-12)).all(), measure


@given(town=towns(), low=st.integers(1, 30), more=st.integers(0, 10))
def test_a_longer_cutoff_never_lowers_a_count(town, low, more):
    times, supply = times_of(town[0]), town[1]
    assert (cumulative(times, supply, minutes=low) <= cumulative(times, supply, minutes=low + more)).all()


@given(town=towns(least=1), decay=st.sampled_from(DECAYS))
def test_a_home_cut_in_two_changes_nobody(town, decay):
    minutes, supply, people = town
    halves = series([*people[:-1], people.iloc[-1] / 2, people.iloc[-1] / 2])
    for measure in (e2sfca, m2sfca, three_sfca):
        whole = asked(measure, times_of(minutes), supply, people, decay)
        found = asked(measure, times_of([*minutes, minutes[-1]]), supply, halves, decay)
        equal(found, [*whole, whole.iloc[-1]], measure)


def test_bfca_depends_on_how_finely_homes_are_cut():
    """A fact of the formula, told on the method page: two halves of a home get half the level of service each."""
    whole = bfca(times_of([[5]]), series([10], FACILITIES), population=series([100]), decay=Cutoff(15))
    halves = bfca(times_of([[5], [5]]), series([10], FACILITIES), population=series([50, 50]), decay=Cutoff(15))
    assert whole.tolist() == [0.1]
    assert halves.tolist() == [0.05, 0.05]


# ---------------------------------------------------------------------------------------------- the contract, for all

MEASURES = {
    "nearest": lambda times, _s, _p, _d: nearest(times),
    "k_nearest": lambda times, _s, _p, _d: k_nearest(times, 2),
    "cumulative": lambda times, supply, _p, decay: cumulative(times, supply, minutes=decay.minutes),
    "gravity": lambda times, supply, _p, decay: gravity(times, supply, decay=decay),
    "catchment": lambda times, _s, people, decay: catchment(times, people, decay=decay),
    "two_sfca": lambda times, supply, people, decay: two_sfca(times, supply, population=people, minutes=decay.minutes),
} | {
    one.__name__: lambda times, supply, people, decay, one=one: one(times, supply, population=people, decay=decay)
    for one in (e2sfca, m2sfca, three_sfca, bfca, spatial_availability)
}
ONLY_PEOPLE, ONLY_CAPACITY = {"catchment"}, {"cumulative", "gravity"}
BARE = {"nearest", "k_nearest"}  # no weights
every_measure = pytest.mark.parametrize("name", MEASURES)


@pytest.mark.parametrize("name", [name for name in measures.__all__ if name.islower()])
def test_everything_after_the_first_two_arguments_is_named(name):
    taken = inspect.signature(getattr(measures, name)).parameters.values()
    assert all(one.kind is one.KEYWORD_ONLY for one in list(taken)[2:])


def test_no_measure_is_left_out():
    values = {"covered_share", "fgt", "gini", "theil_t", "palma_like", "concentration_index", "known_share"}
    decays = {"Cutoff", "Decay", "Exponential", "Gaussian", "Logistic", "Steps"}
    assert set(measures.__all__) == set(MEASURES) | values | decays | {"categories_met"}
    assert circle15.measures is measures


def matrix(seconds, times=ONE):
    return replace(times, seconds=csr_array(seconds))


def stored_twice():
    seconds = csr_array(([60.0, 60.0], [0, 0], [0, 2, 2, 2]), shape=(3, 2))
    return replace(ONE, seconds=seconds)


BROKEN_TIMES = [
    (lambda: matrix([[60.0, 60.0]]), r"the matrix has the shape \(1, 2\), the ids ask for \(3, 2\)"),
    (lambda: matrix([[60.0, np.nan], [1, 1], [1, 1]]), r"1 walks are not numbers of seconds from 0"),
    (lambda: matrix([[60.0, -1], [1, 1], [1, 1]]), r"1 walks are not numbers of seconds from 0"),
    (lambda: matrix([[60.0, 12_001], [1, 1], [1, 1]]), r"to the cut-off of 12000 s"),
    (lambda: replace(ONE, origin_ids=pd.Index(["a", "a", "c"])), r"origins: 1 ids occur more than once \(first: a\)"),
    (lambda: replace(ONE, facility_ids=pd.Index(["x", "x"])), r"facilities: 1 ids occur more than once \(first: x\)"),
    (stored_twice, r"1 pairs are stored more than once"),
]


@every_measure
@pytest.mark.parametrize(("broken", "said"), BROKEN_TIMES)
def test_times_that_cannot_be_counted_from_are_refused(name, broken, said):
    with pytest.raises(DataError, match=said):
        MEASURES[name](broken(), TEN_AND_FOUR, PEOPLE, SLOW_DECAY)


BAD_WEIGHTS = [
    (lambda good: good.where(good != good.iloc[0]), r"1 of \d rows have no {} \(first: {}\)"),
    (lambda good: -good, r"values of {} are not numbers of at least 0 \(first: {}"),
    (lambda good: good.replace(good.iloc[0], np.inf), r"1 values of {} are not numbers of at least 0 \(first: {}\)"),
    (lambda good: good.astype(object).replace(good.iloc[0], "many"), r"1 values of {} are not numbers .*\(first: {}\)"),
    (lambda good: good[1:], r"{}: 1 ids have no row \(first: {}\)"),
    (lambda good: pd.concat([good, series([1.0], ["Q"])]), r"{}: 1 ids are not among those asked about \(first: Q\)"),
    (lambda good: pd.concat([good, good[:1]]), r"{}: 1 ids occur more than once \(first: {}\)"),
    (lambda good: good.to_numpy(), r"{}: it is a ndarray. Give a Series"),
    (lambda good: good.to_frame(), r"{}: it is a DataFrame. Give a Series"),
    (lambda _: None, r"{}: it is a NoneType. Give a Series"),
]


@every_measure
@pytest.mark.parametrize(("spoil", "said"), BAD_WEIGHTS)
@pytest.mark.parametrize("which", ["capacity", "population"])
def test_bad_weights_are_refused_by_name(name, spoil, said, which):
    if name in BARE | (ONLY_PEOPLE if which == "capacity" else ONLY_CAPACITY):
        assert MEASURES[name](ONE, TEN_AND_FOUR, PEOPLE, SLOW_DECAY) is not None  # it does not take them
        return
    first = {"capacity": "x", "population": "a"}[which]
    weights = {"capacity": TEN_AND_FOUR, "population": PEOPLE}
    weights[which] = spoil(weights[which])
    with pytest.raises(DataError, match=said.format(which, first)):
        MEASURES[name](ONE, weights["capacity"], weights["population"], SLOW_DECAY)


def test_everything_that_is_wrong_is_said_at_once():
    with pytest.raises(DataError) as raised:
        e2sfca(stored_twice(), -TEN_AND_FOUR[1:], population=PEOPLE[:2], decay=15)
    said = str(raised.value)
    assert len(raised.value.findings) == 5
    for words in ("stored more than once", "capacity: 1 ids have no row", "values of capacity", "population: 1 ids"):
        assert words in said
    assert "decay: it is a int. Give a Decay, such as Cutoff(15)" in said


@pytest.mark.parametrize("name", sorted(MEASURES.keys() - BARE))
def test_asking_beyond_what_was_computed_is_an_error(name):
    near = times_of([[5, 18], [12, 8], [25, 14]], search=25)
    with pytest.raises(CutoffError, match="30 minutes were asked of times computed to 25 minutes"):
        MEASURES[name](near, TEN_AND_FOUR, PEOPLE, SLOW_DECAY)


@pytest.mark.parametrize("k", [0, -1])
def test_nobody_is_near_to_nothing(k):
    with pytest.raises(DataError, match=f"the {k} nearest were asked for"):
        k_nearest(ONE, k)


@every_measure
def test_the_answer_is_on_the_callers_index(name):
    found = MEASURES[name](ONE, TEN_AND_FOUR[::-1], PEOPLE[::-1], SLOW_DECAY)
    wanted = ONE.facility_ids if name == "catchment" else ONE.origin_ids
    pd.testing.assert_index_equal(found.index, wanted, exact=True, check_names=True)
    assert found.name == name
    assert found.dtype == float


@every_measure
def test_the_input_is_unchanged(name):
    seconds = csr_array(([300.0, 0.0, 720.0, 480.0], [1, 0, 1, 0], [0, 2, 4, 4]), shape=(3, 2))  # not in order
    times = replace(ONE, seconds=seconds)
    supply, people = TEN_AND_FOUR[::-1].copy(), PEOPLE.sample(frac=1, random_state=2)
    before = [part.tobytes() for part in (seconds.data, seconds.indices, seconds.indptr)]
    kept = supply.copy(), people.copy(), times.origins.table.copy()
    MEASURES[name](times, supply, people, SLOW_DECAY)
    assert before == [part.tobytes() for part in (times.seconds.data, times.seconds.indices, times.seconds.indptr)]
    pd.testing.assert_series_equal(supply, kept[0])
    pd.testing.assert_series_equal(people, kept[1])
    pd.testing.assert_frame_equal(times.origins.table, kept[2])


@every_measure
def test_entries_in_any_order_are_the_same(name):
    ordered = csr_array(([0.0, 300.0, 480.0, 720.0], [0, 1, 0, 1], [0, 2, 4, 4]), shape=(3, 2))
    mixed = csr_array(([300.0, 0.0, 720.0, 480.0], [1, 0, 1, 0], [0, 2, 4, 4]), shape=(3, 2))
    straight, turned = (
        MEASURES[name](replace(ONE, seconds=one), TEN_AND_FOUR, PEOPLE, SLOW_DECAY) for one in (ordered, mixed)
    )
    pd.testing.assert_series_equal(straight, turned)


@every_measure
@pytest.mark.parametrize("shape", [(0, 0), (0, 2), (3, 0)])
def test_empty_in_empty_out(name, shape):
    ids = pd.Index(list("abc")[: shape[0]], dtype=object), pd.Index(list("xy")[: shape[1]], dtype=object)
    pairs = pd.DataFrame({"origin": [], "facility": [], "seconds": []})
    times = TravelTimes.from_pairs(pairs, origin_ids=ids[0], facility_ids=ids[1], cutoff_minutes=30)
    found = MEASURES[name](times, TEN_AND_FOUR[: shape[1]], PEOPLE[: shape[0]], SLOW_DECAY)
    assert len(found) == (shape[1] if name == "catchment" else shape[0])
    assert found.isin([0.0, math.inf]).all()  # nothing is in reach
    assert found.dtype == float


@every_measure
def test_who_could_not_be_placed_has_no_value_and_makes_no_demand(name):
    """b and y are on no street; what is said of them is not 0 but nothing."""
    walks = times_of([[5, None], [None, None], [12, None]])
    homes = Placement(pd.DataFrame({"how": ["main", "far", "island"]}, index=walks.origin_ids))
    places = Placement(pd.DataFrame({"how": ["main", "far"]}, index=walks.facility_ids))
    found = MEASURES[name](replace(walks, origins=homes, facilities=places), TEN_AND_FOUR, PEOPLE, SLOW_DECAY)
    alone = MEASURES[name](times_of([[5], [12]]), TEN_AND_FOUR[:1], series([2000, 1000]), SLOW_DECAY)
    lost = "y" if name == "catchment" else "b"
    assert found.index[found.isna()].tolist() == [lost]
    assert found.dropna().tolist() == alone.tolist()


def test_walking_no_time_is_not_the_same_as_not_arriving():
    times = times_of([[0, None], [None, 0], [None, None]])
    assert times.seconds.nnz == 2
    assert nearest(times).tolist() == [0, 0, math.inf]
    assert cumulative(times, TEN_AND_FOUR, minutes=1).tolist() == [10, 4, 0]
    assert catchment(times, PEOPLE, decay=SLOW_DECAY).tolist() == [2000, 3000]
    for measure in (e2sfca, m2sfca, three_sfca, bfca):
        found = measure(times, TEN_AND_FOUR, population=PEOPLE, decay=SLOW_DECAY)
        assert found.tolist() == [10 / 2000, 4 / 3000, 0], measure.__name__
    assert spatial_availability(times, TEN_AND_FOUR, population=PEOPLE, decay=SLOW_DECAY).tolist() == [10, 4, 0]


def test_a_facility_that_nobody_reaches_serves_nobody():
    nobody = times_of([[5, None]])
    found = e2sfca(nobody, TEN_AND_FOUR, population=series([2000]), decay=SLOW_DECAY)
    assert found.tolist() == [0.005]
    empty_homes = e2sfca(nobody, TEN_AND_FOUR, population=series([0]), decay=SLOW_DECAY)
    assert empty_homes.tolist() == [0]


# ------------------------------------------------------------------------------------------------ a town with streets


@pytest.fixture(scope="module")
def town_times():
    walker = toytown.walker()
    network = WalkNetwork(toytown.streets())
    return network.travel_times(toytown.origins(), toytown.facilities(), walker=walker, cutoff_minutes=30)


def test_the_toy_town(town_times):
    library = nearest(town_times.to(["library"]))
    assert library.drop("nowhere").to_dict() == {"west": 280, "below": 100, "above": 0, "yard": 400, "island": math.inf}
    assert np.isnan(library["nowhere"])
    people, books = toytown.origins()["population"], pd.Series({"library": 30.0})
    found = e2sfca(town_times.to(["library"]), books, population=people, decay=Cutoff(5))
    assert found.drop("nowhere").to_dict() == {"west": 0.1, "below": 0.1, "above": 0.1, "yard": 0, "island": 0}


@pytest.mark.parametrize("minutes", [2, 5, 15])
def test_covered_share_is_what_the_card_says(town_times, minutes):
    line = {"category": "c", "key": "park", "zh": "园", "en": "Park", "tier": "community", "need": "basic"}
    bands = [{"grade": n, "zh": "", "en": "", "coverage": (n - 1) / 5} for n in range(1, 6)]
    words = dict.fromkeys(("title_zh", "title_en", "authority_zh", "authority_en"), "toy")
    services = [line | {"basis": "toy", "minutes": minutes}]
    category = {"key": "c", "zh": "", "en": "", "services": services}
    standard = Standard.model_validate(words | {"name": "toy", "grades": bands, "categories": [category]})
    origins, facilities = toytown.origins(), toytown.facilities()
    found = coverage(town_times, facilities, standard=standard)
    card = headline(found, origins, standard=standard).loc["c"]
    seconds = found.seconds["park"].fillna(np.inf).mask(found.status["park"] == "unknown")
    share = covered_share(seconds, origins["population"], minutes=minutes, search_minutes=found.search_minutes)
    assert share == card["served"] / (card["served"] + card["gap"])
    assert known_share(seconds, origins["population"]) == 1 - card["unknown"] / origins["population"].sum()


# ------------------------------------------------------------------------------------------------ inequality and depth

UNEQUAL = {
    "gini": gini,
    "theil_t": theil_t,
    "palma_like": palma_like,
    "concentration_index": lambda values, people: concentration_index(
        values, people, ranking=RANKING.reindex(values.index) if isinstance(values, pd.Series) else RANKING
    ),
}
RANKING = series([3, 1, 4, 1, 5, 9, 2, 6, 5, 3])
DEEP = {
    f"fgt {power}": lambda values, people, power=power: fgt(values, people, power=power, minutes=15, search_minutes=30)
    for power in (0, 1, 2)
} | {"covered_share": lambda values, people: covered_share(values, people, minutes=15, search_minutes=30)}
FIGURES = UNEQUAL | DEEP | {"known_share": known_share}
every_figure = pytest.mark.parametrize("name", FIGURES)

SPREAD = st.lists(st.tuples(st.integers(0, 1800), st.integers(0, 300)), max_size=6)


def spread(drawn):
    return series([value for value, _ in drawn]), series([people for _, people in drawn])


def same(one, two):
    assert one == pytest.approx(two, rel=1e-9, abs=1e-12, nan_ok=True)


def each_person(values, people):
    return sorted(value for value, count in zip(values, people, strict=True) for _ in range(int(count)))


@given(drawn=SPREAD)
def test_inequality_equals_the_slow_plain_method_over_persons(drawn):
    values, people = spread(drawn)
    persons = each_person(values, people)
    mean = sum(persons) / len(persons) if persons else 0
    if not mean:
        assert np.isnan([gini(values, people), theil_t(values, people), palma_like(values, people)]).all()
        return
    pairs = sum(
        p * q * abs(x - y) for x, p in zip(values, people, strict=True) for y, q in zip(values, people, strict=True)
    )
    same(gini(values, people), pairs / (2 * mean * len(persons) ** 2))
    same(theil_t(values, people), sum(x / mean * math.log(x / mean) for x in persons if x) / len(persons))
    tenths = [x for x in persons for _ in range(10)]  # ten of each, so that a tenth is a whole number
    worst = sum(tenths[: 4 * len(persons)]) / (4 * len(persons))
    best = sum(tenths[9 * len(persons) :]) / len(persons)
    same(palma_like(values, people), best / worst if worst else math.inf)


@given(drawn=SPREAD)
def test_concentration_equals_the_slow_plain_method(drawn):
    """Twice the covariance of the value with the middle of each rank's place in the line, over the mean."""
    values, people = spread(drawn)
    found = concentration_index(values, people, ranking=RANKING[values.index])
    total = values.to_numpy() @ people.to_numpy()
    if not total:
        assert np.isnan(found)
        return
    rank, everyone = RANKING[values.index], people.sum()
    place = [(people[rank < one].sum() + people[rank == one].sum() / 2) / everyone for one in rank]
    same(found, 2 * sum(values * people * place) / total - 1)


@given(drawn=SPREAD, minutes=st.integers(1, 30))
def test_depth_equals_the_slow_plain_method(drawn, minutes):
    values, people = spread(drawn)
    persons = each_person(values, people)
    for power in (0, 1, 2):
        found = fgt(values, people, power=power, minutes=minutes, search_minutes=30)
        short = [(walk / (60 * minutes) - 1) ** power for walk in persons if walk > 60 * minutes]
        same(found, sum(short) / len(persons) if persons else math.nan)
    lacking = fgt(values, people, power=0, minutes=minutes, search_minutes=30)
    same(covered_share(values, people, minutes=minutes, search_minutes=30), 1 - lacking)


def ranked(name, values, people, ranking):
    """A figure; the concentration index by a ranking of its own."""
    if name == "concentration_index":
        return concentration_index(values, people, ranking=ranking)
    return FIGURES[name](values, people)


@given(drawn=SPREAD.filter(bool), part=st.floats(0, 1))
def test_an_origin_cut_in_two_changes_no_figure(drawn, part):
    values, people = spread(drawn)
    ids, last = [*values.index, "cut"], people.iloc[-1]
    cut_values = pd.Series([*values, values.iloc[-1]], index=ids)
    cut_people = pd.Series([*people[:-1], part * last, last - part * last], index=ids)
    ranking = pd.Series([*RANKING[values.index], RANKING[values.index[-1]]], index=ids)
    for name in FIGURES:
        same(ranked(name, cut_values, cut_people, ranking), FIGURES[name](values, people))


@given(drawn=SPREAD, factor=st.integers(2, 1000), data=st.data())
def test_more_of_the_same_people_and_another_order_change_no_figure(drawn, factor, data):
    values, people = spread(drawn)
    ways = [list(data.draw(st.permutations(list(values.index)))) for _ in range(2)]
    for name, figure in FIGURES.items():
        same(figure(values, factor * people), figure(values, people))
        same(figure(values[ways[0]], people[ways[1]]), figure(values, people))
        if name in UNEQUAL:  # has no unit
            same(figure(factor * values, people), figure(values, people))


@given(drawn=SPREAD, unknown=st.integers(1, 300))
def test_what_is_unknown_stays_out_with_its_people(drawn, unknown):
    values, people = spread(drawn)
    ids = [*values.index, "j"]
    more = pd.Series([*values, np.nan], index=ids), pd.Series([*people, unknown], index=ids)
    for name in UNEQUAL.keys() | DEEP.keys():
        same(FIGURES[name](*more), FIGURES[name](values, people))
    same(known_share(*more), people.sum() / (people.sum() + unknown))


@pytest.mark.parametrize("power", [0, 1, 2])
def test_not_found_within_the_search_counts_as_at_its_end(power):
    """Nothing within 30 minutes of a standard of 15: in full, then 1 as a lower bound; twice as far a search, 3."""
    walks, people = series([600, np.inf, np.nan]), series([30, 10, 100])
    found = fgt(walks, people, power=power, minutes=15, search_minutes=30)
    assert found == 0.25
    assert fgt(walks, people, power=power, minutes=15, search_minutes=60) == 0.25 * 3**power
    assert found == fgt(series([600, 1800, np.nan]), people, power=power, minutes=15, search_minutes=30)
    assert covered_share(walks, people, minutes=15, search_minutes=30) == 0.75
    assert known_share(walks, people) == 40 / 140


@given(drawn=SPREAD.filter(bool), nearer=st.integers(0, 1800))
def test_nearer_is_never_worse(drawn, nearer):
    values, people = spread(drawn)
    closer = values.copy()
    closer.iloc[0] = min(nearer, values.iloc[0])
    for power in (0, 1, 2):
        before, after = (fgt(one, people, power=power, minutes=15, search_minutes=30) for one in (values, closer))
        assert not after > before + 1e-12


@given(drawn=SPREAD)
def test_a_gift_to_the_poorest_lowers_gini(drawn):
    values, people = spread(drawn)
    lived_in = people > 0
    values, people = values[lived_in], people[lived_in]
    if len(values) < 2 or values.max() < values.min() + 2 or (values == values.min()).sum() > 1:
        return
    poor, rich = values.idxmin(), values.idxmax()
    gift = min(1, values[rich] - values[poor]) / 4
    after = values.copy()
    after[poor] += gift / people[poor]
    after[rich] -= gift / people[rich]
    assert gini(after, people) < gini(values, people)
    assert theil_t(after, people) < theil_t(values, people)


# -------------------------------------------------------------------------------------------- the contract of figures


@every_figure
@pytest.mark.parametrize(("spoil", "said"), BAD_WEIGHTS)
def test_bad_people_are_refused_by_name(name, spoil, said):
    values, people = series([600, 900, 1200]), series([30, 10, 20])
    with pytest.raises(DataError, match=said.format("population", "a")):
        FIGURES[name](values, spoil(people))


@every_figure
def test_bad_values_are_refused_with_everything_else(name):
    word = "seconds" if name in DEEP else "values"
    with pytest.raises(DataError) as raised:
        FIGURES[name](-series([600, 900, 1200]), -series([30, 10]))
    assert f"3 values of {word} are not numbers of at least 0 (first: a, b, c)" in str(raised.value)
    assert "population: 1 ids have no row (first: c)" in str(raised.value)
    assert "2 values of population" in str(raised.value)
    with pytest.raises(DataError, match=f"{word}: it is a list"):
        FIGURES[name]([600.0], series([30]))


@pytest.mark.parametrize("name", ["gini", "theil_t", "palma_like"])
def test_what_was_not_found_has_no_share_in_an_inequality(name):
    with pytest.raises(DataError, match="1 values of values are not numbers"):
        FIGURES[name](series([600, np.inf]), series([1, 1]))


@pytest.mark.parametrize("name", DEEP)
def test_a_search_that_was_too_short_is_an_error(name):
    figure = {"covered_share": covered_share}.get(name) or (
        lambda *given, **more: fgt(*given, power=int(name[-1]), **more)
    )
    for minutes in (20, 0, math.nan):
        with pytest.raises(CutoffError, match="minutes were asked of a search of 15 minutes"):
            figure(series([600]), series([1]), minutes=minutes, search_minutes=15)
    with pytest.raises(DataError, match=r"1 walks are longer than the search of 15 minutes \(first: b\)"):
        figure(series([900, 901]), series([1, 1]), minutes=10, search_minutes=15)


def test_another_power_is_refused_with_everything_else():
    with pytest.raises(DataError, match=r"values of population[\s\S]*power: it is 3. Give 0, 1 or 2"):
        fgt(series([600]), series([-1]), power=3, minutes=15, search_minutes=30)


def test_a_ranking_has_to_name_everyone():
    with pytest.raises(DataError, match=r"values of population[\s\S]*ranking: 1 ids have no row"):
        concentration_index(series([1, 2]), series([1, -1]), ranking=series([1]))
    with pytest.raises(DataError, match="1 of 2 rows have no ranking"):
        concentration_index(series([1, 2]), series([1, 1]), ranking=series([1, np.nan]))


@every_figure
def test_figures_of_nobody(name):
    assert np.isnan(FIGURES[name](series([]), series([])))
    assert np.isnan(FIGURES[name](series([600, 900]), series([0, 0])))


@every_figure
def test_figures_leave_their_input_as_it_was(name):
    values, people = series([600, 900, np.nan])[::-1], series([30, 10, 20])
    kept = values.copy(), people.copy()
    FIGURES[name](values, people)
    pd.testing.assert_series_equal(values, kept[0])
    pd.testing.assert_series_equal(people, kept[1])


def test_numbers_may_come_as_nullable_ones():
    values = pd.Series([1, 3, None], index=list("abc"), dtype="Int64")
    people = pd.Series([3, 1, 7], index=list("abc"), dtype="Int64")
    assert gini(values, people) == 0.25
    assert known_share(values, people) == 4 / 11


def test_palma_like_without_anything_at_the_bottom():
    assert palma_like(series([0, 1]), series([40, 60])) == math.inf
    assert palma_like(series([0, 1]), series([39, 61])) == pytest.approx(1 / (0.01 / 0.4))


# ------------------------------------------------------------------------------------------------- how many categories


def test_categories_met_have_three_states():
    status = pd.DataFrame(
        {"one": ["served", "gap", "unknown"], "two": ["served", "served", "unknown"]}, index=pd.Index(list("abc"))
    )
    kept = status.copy()
    found = categories_met(status)
    assert found.to_numpy().tolist() == [[2, 0, 0], [1, 1, 0], [0, 0, 2]]
    pd.testing.assert_index_equal(found.index, status.index)
    pd.testing.assert_frame_equal(status, kept)
    assert categories_met(status[:0]).shape == (0, 3)
    assert categories_met(status[[]]).sum().tolist() == [0, 0, 0]


def test_a_word_that_is_no_state_is_refused():
    status = pd.DataFrame({"one": ["served", None], "two": ["met", "gap"]}, index=["a", "a"])
    with pytest.raises(DataError) as raised:
        categories_met(status)
    assert "1 ids occur more than once (first: a)" in str(raised.value)
    assert "it holds" in str(raised.value)
    assert "met" in str(raised.value)
    assert len(raised.value.findings) == 2


# ------------------------------------------------------------------------------------------------------ the two pages


@pytest.mark.parametrize("page", ["supply", "equity"])
def test_worked_numbers_of_the_page(page):
    path = Path(__file__).parents[1] / "docs" / "methods" / f"{page}.md"
    found = doctest.testfile(str(path), module_relative=False, encoding="utf-8")
    assert found.attempted >= 10
    assert found.failed == 0
