"""Seconds for one link, against published values and hand-computed cases (design: domain.md B.2 to B.5)."""

from itertools import pairwise
from typing import get_args

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from circle15.errors import ConfigError
from circle15.impedance import FASTEST, NO_WAY, link_seconds, link_ticks, slope_factor, slope_speed
from circle15.project import Walker
from circle15.project.walker import SlopeLaw
from circle15.tables import LINK_KINDS

ADULT = Walker.load("adult")
LAWS = [law for law in get_args(SlopeLaw) if law != "none"]
FOOT = ("path", "street", "bridge", "tunnel", "corridor")
MACHINES = ("escalator", "lift", "cable_car")


def link(kind="path", *, length=100.0, rise=np.nan, points=None, **more):
    """One link, drawn straight along its length unless points are given."""
    row = (
        {"kind": kind, "length_m": length, "rise_m": rise}
        | {"steps": np.nan, "crossing": None, "ramp": None, "wait_s": np.nan}
        | more
    )
    return gpd.GeoDataFrame([row], geometry=[shapely.LineString(points or [(0, 0), (length, 0)])], crs="EPSG:32648")


def seconds(*args, walker=ADULT, **kwargs):
    return float(link_seconds(link(*args, **kwargs), walker)[0])


def changed(**numbers):
    return ADULT.model_copy(update=numbers)


# ------------------------------------------------------------------------------------------------------ slope

SLOPES = (-0.30, -0.20, -0.10, -0.05, 0.0, 0.05, 0.10, 0.20, 0.30, 0.50)
SPEEDS = {  # metres a second at these slopes: domain.md B.2, worked out by its author from the printed formulas
    "tobler": (0.6948, 0.9859, 1.3991, 1.6667, 1.3991, 1.1745, 0.9859, 0.6948, 0.4896, 0.2431),
    "marquez_perez": (0.5136, 0.7443, 1.0786, 1.2985, 1.1373, 0.9448, 0.7848, 0.5416, 0.3737, 0.1779),
    "irmischer_clarke": (0.8166, 0.9925, 1.0962, 1.1100, 1.0962, 1.0560, 0.9925, 0.8166, 0.6163, 0.2963),
    "irmischer_clarke_off_path": (0.5434, 0.6696, 0.7566, 0.7767, 0.7785, 0.7620, 0.7285, 0.6220, 0.4893, 0.2592),
    "davey": (0.6190, 0.8055, 1.0591, 1.2172, 1.4000, 1.2172, 1.0591, 0.8055, 0.6190, 0.3822),
    "rees": (0.4782, 0.7396, 1.1050, 1.2642, 1.3333, 1.2642, 1.1050, 0.7396, 0.4782, 0.2250),
    "naismith": (1.3889, 1.3889, 1.3889, 1.3889, 1.3889, 0.9804, 0.7576, 0.5208, 0.3968, 0.2688),
    "campbell_2019_p5": (0.7506, 0.9127, 1.1021, 1.1549, 1.1448, 1.0724, 0.9638, 0.7437, 0.5852, 0.4143),
    "campbell_2019_p50": (1.3582, 1.7839, 2.4463, 2.6453, 2.5519, 2.2253, 1.8496, 1.2962, 0.9966, 0.7250),
    "campbell_2017": (1.4344, 1.5766, 1.6549, 1.6676, 1.6620, 1.6379, 1.5956, 1.4591, 1.2610, 0.7288),
    # not in that table: by hand, 1 / (0.72 + 0.60), 1 / (0.72 - 0.40), 1 / (0.72 - 0.20); from -0.05 up as naismith
    "langmuir": (0.7576, 3.1250, 1.9231, 1.3889, 1.3889, 0.9804, 0.7576, 0.5208, 0.3968, 0.2688),
}


@pytest.mark.parametrize("law", SPEEDS)
def test_published_speeds_to_four_digits(law):
    assert slope_speed(law, SLOPES).round(4).tolist() == list(SPEEDS[law])


@pytest.mark.parametrize(
    ("percentile", "a", "b", "c", "d", "e"),
    [(25, -1.822, 8.827, 37.111, 0.616, -0.00402), (75, -3.067, 13.888, 113.655, 0.518, -0.00488)],
)
def test_the_other_percentiles_by_their_own_shape(percentile, a, b, c, d, e):
    degrees = np.array([a, a + b, a - b])  # at the peak, and where the Lorentz curve has half of its height
    found = slope_speed(f"campbell_2019_p{percentile}", np.tan(np.deg2rad(degrees)))
    peak = c / np.pi / b
    assert found - d - e * degrees == pytest.approx([peak, peak / 2, peak / 2], abs=1e-12)


def test_every_law_that_a_walker_may_name_is_known_and_no_other():
    for law in LAWS:
        assert slope_speed(law, 0.0) > 0
        assert slope_factor(law, 0.0) == 1
    with pytest.raises(ConfigError, match=r"there is no such law\. Known are: tobler, "):
        slope_speed("toblr", 0.0)
    assert set(SPEEDS) | {"campbell_2019_p25", "campbell_2019_p75"} == set(LAWS)


@given(st.floats(0, 0.9))
def test_toblers_factor_is_symmetric_about_its_peak(away):
    assert slope_factor("tobler", -0.05 + away) == pytest.approx(slope_factor("tobler", -0.05 - away), rel=1e-12)


def test_published_anchors():
    assert slope_speed("tobler", [0.0, -0.05]) * 3.6 == pytest.approx([5.037, 6.0], abs=5e-4)
    assert slope_factor("tobler", [-0.10, -0.05, 0.10]) == pytest.approx([1.0, 1.1912, 0.7047], abs=5e-5)


def test_errors_of_open_code_are_not_repeated():
    downhill, uphill = slope_speed("irmischer_clarke", [-0.10, 0.10])
    assert downhill == pytest.approx(1.0962, abs=5e-5)  # with abs(slope) it is 0.9925, as uphill
    assert uphill == pytest.approx(0.9925, abs=5e-5)
    at = np.linspace(-0.3, 0.3, 6001)
    peaks = {law: at[np.argmax(slope_speed(law, at))] for law in LAWS}
    for law in ("tobler", "irmischer_clarke"):
        assert peaks[law] == pytest.approx(-0.05, abs=2e-4)
    assert peaks["marquez_perez"] == pytest.approx(-0.03 / 0.7, abs=2e-4)  # 0.03 inside the absolute value
    assert slope_speed("marquez_perez", -0.03 / 0.7) == pytest.approx(4.8 / 3.6)  # not km/h
    assert peaks["campbell_2019_p50"] == pytest.approx(-0.040, abs=1e-3)  # the square round the whole fraction


def test_factors_stay_where_the_laws_hold():
    steep = np.linspace(-3, 3, 1201)
    for law in LAWS:
        factor = slope_factor(law, steep)
        assert (factor > 0).all()
        assert factor.max() <= FASTEST
    bounded = {law: slope_factor(law, steep).max() for law in LAWS}
    assert [law for law in LAWS if bounded[law] == FASTEST] == ["langmuir"]
    assert slope_speed("campbell_2017", 1.0) < 0  # why its slope is clipped
    thirty = np.tan(np.pi / 6)
    for law in ("campbell_2017", "campbell_2019_p50"):
        level = slope_speed(law, 0.0)
        assert slope_factor(law, 1.0) == slope_factor(law, thirty) == pytest.approx(slope_speed(law, thirty) / level)
    assert slope_factor("langmuir", [-0.08, -0.10, -0.20, -0.22]) == pytest.approx([1, 1.2, 1.2, 0.72 / 1.16])


@settings(deadline=None)
@given(st.sampled_from(LAWS), st.floats(-0.9, 0.9))
def test_up_and_down_are_never_quicker_than_flat_there_and_back(law, slope):
    walker = changed(slope_law=law)
    up, down = seconds(rise=100 * slope, walker=walker), seconds(rise=-100 * slope, walker=walker)
    assert up + down >= 2 * seconds(walker=walker) * (1 - 1e-12)


@settings(deadline=None)
@given(st.sampled_from(LAWS), st.floats(0, 0.9))
def test_uphill_is_never_quicker_than_level(law, slope):
    walker = changed(slope_law=law)
    assert seconds(rise=100 * slope, walker=walker) >= seconds(rise=100 * slope, walker=walker.on_the_level()) - 1e-9


# ------------------------------------------------------------------------------------------------------ walked


@pytest.mark.parametrize(
    ("rise", "expected"), [(0, 74.63), (5, 88.90), (10, 105.90), (20, 150.28), (30, 213.26), (-5, 62.65), (-10, 74.63)]
)
def test_hundred_metres_of_an_adult(rise, expected):
    assert seconds(rise=float(rise)) == pytest.approx(expected, abs=0.01)


def test_nine_hundred_flat_metres_at_one_metre_a_second_are_nine_hundred_seconds():
    street = link(length=900.0, rise=0.0)
    assert link_seconds(street, changed(flat_m_s=1.0))[0] == 900.0
    assert link_ticks(street, changed(flat_m_s=1.0))[0] == 9000


@pytest.mark.parametrize("kind", FOOT)
def test_all_ground_without_steps_knows_slope(kind):
    assert seconds(kind, rise=10.0) == pytest.approx(105.90, abs=0.01)


def test_an_up_and_down_is_not_averaged_away():
    hill = seconds(rise=0.0, points=[(0, 0, 100), (50, 0, 110), (100, 0, 100)])
    assert hill == pytest.approx(seconds(length=50.0, rise=10.0) + seconds(length=50.0, rise=-10.0))
    assert hill > seconds(rise=0.0)


@settings(deadline=None)
@given(st.sampled_from(LAWS), st.lists(st.floats(0.01, 0.99), max_size=5), st.floats(-0.4, 0.4))
def test_splitting_a_constant_grade_changes_nothing(law, cuts, slope):
    walker = changed(slope_law=law)
    ends = sorted({0.0, 1.0, *cuts})
    assume(min(np.diff(ends)) > 1e-4)  # a slope between two dots of a millionth of a metre is noise
    points = [(100 * share, 0, 100 * share * slope) for share in ends]
    whole = seconds(rise=100 * slope, walker=walker)
    assert seconds(points=points, walker=walker) == pytest.approx(whole, rel=1e-9)
    parts = [(100 * (b - a), 100 * (b - a) * slope) for a, b in pairwise(ends)]
    split = [seconds(length=length, rise=rise, walker=walker) for length, rise in parts]
    assert sum(split) == pytest.approx(whole, rel=1e-9)


def test_the_stated_rise_counts_where_a_profile_contradicts_it():
    drawn = [(0, 0, 100), (50, 0, 120), (100, 0, 100)]  # a bump of the terrain under a way surveyed to rise 10 m
    assert seconds(points=drawn, rise=10.0) == pytest.approx(105.90, abs=0.01)
    assert seconds(points=drawn, rise=0.0) > seconds(points=drawn, rise=10.0)  # here the profile agrees, and counts


def test_a_profile_counts_piece_by_piece_where_the_stated_rise_agrees_and_not_where_it_is_the_other_way():
    humped = [(0, 0, 0), (50, 0, 8), (100, 0, 3)]
    assert seconds(points=humped, rise=3.0) == seconds(points=humped) != seconds(rise=3.0)
    assert seconds(points=humped, rise=-3.0) == pytest.approx(seconds(rise=-3.0))


def test_the_zhangjiayuan_path():
    minutes = [seconds(length=1000.0, rise=rise) / 60 for rise in (0.0, 90.0, -90.0)]
    assert minutes == pytest.approx([12.44, 17.04, 12.01], abs=0.005)
    raw = 1000 / slope_speed("tobler", 0.09) / 60
    assert raw == pytest.approx(16.3, abs=0.05)  # the law's own walker, for comparison


def test_pieces_are_scaled_to_the_length_stated():
    drawn_short = [(0, 0, 0), (25, 0, 10), (50, 0, 0)]
    drawn_true = [(0, 0, 0), (50, 0, 10), (100, 0, 0)]
    assert seconds(points=drawn_short) == pytest.approx(seconds(points=drawn_true))


def test_without_every_height_the_stated_rise_counts_and_without_it_the_link_is_flat():
    gap = [(0, 0, 0), (50, 0, np.nan), (100, 0, 50)]
    assert seconds(points=gap, rise=10.0) == pytest.approx(105.90, abs=0.01)
    assert seconds(points=gap) == pytest.approx(100 / 1.34)
    assert seconds() == pytest.approx(100 / 1.34)


def test_a_link_drawn_as_one_spot_is_walked_at_its_length():
    assert seconds(rise=10.0, points=[(5, 5, 0), (5, 5, 9)]) == pytest.approx(105.90, abs=0.01)
    assert seconds(length=0.0, rise=10.0, points=[(5, 5), (5, 5)]) == 0.0


def test_a_cliff_of_the_terrain_does_not_close_a_street():
    assert np.isfinite(seconds(length=1.0, rise=500.0))
    assert seconds(length=1.0, rise=500.0) == seconds(length=1.0, rise=1.0)


def test_no_slope_law_means_flat():
    assert seconds(rise=30.0, walker=changed(slope_law="none")) == pytest.approx(100 / 1.34)


@pytest.mark.parametrize(
    ("steps", "rise", "expected"),
    [
        (100, 15.0, 65.2),  # a long flight up: 15 m at 0.23 m/s
        (100, -15.0, 42.9),  # and down: 15 m at 0.35 m/s
        (60, 9.0, 30.0),  # 60 steps are not a long flight: 9 m at 0.30 m/s
        (61, 9.15, 39.8),
        (np.nan, 15.0, 65.2),  # no count: 15 m are more than 60 steps of 0.155 m
        (np.nan, 9.0, 30.0),
        (100, np.nan, 67.4),  # no rise: 100 steps of 0.155 m, taken as upward
        (np.nan, np.nan, 65.2),  # neither: half of the run of 30 m
    ],
)
def test_stairs_take_their_climb(steps, rise, expected):
    assert seconds("stairs", length=30.0, rise=rise, steps=steps) == pytest.approx(expected, abs=0.05)


def test_stairs_never_use_the_slope_factor_and_never_beat_the_flat():
    steep = seconds("stairs", length=30.0, rise=15.0, steps=50)
    assert steep == pytest.approx(50.0)  # Tobler would say 123 s
    assert seconds("stairs", length=20.0, rise=0.3, steps=2) == pytest.approx(20 / 1.34)


def test_the_crown_escalator():
    run = np.sqrt(112.0**2 - 52.7**2)
    assert seconds("escalator", length=run, rise=52.7) == pytest.approx(149.3, abs=0.05)
    assert seconds("escalator", length=run, rise=-52.7) == pytest.approx(149.3, abs=0.05)
    assert seconds("escalator", length=75.0, rise=0.0) == pytest.approx(100.0)  # a moving walk
    assert seconds("escalator", length=75.0) == pytest.approx(75 / np.cos(np.pi / 6) / 0.75)  # rise unknown: 30 degrees


def test_the_kaixuan_road_lift():
    assert seconds("lift", length=0.0, rise=32.5) == pytest.approx(45 + 32.5 + 10)
    assert seconds("lift", length=0.0, rise=-32.5, walker=changed(lift_m_s=2.5)) == pytest.approx(45 + 13 + 10)
    assert seconds("lift", length=0.0) == pytest.approx(45 + 12 + 10)


def test_an_inclined_lift_rides_along_its_slope():
    assert seconds("lift", length=40.0, rise=30.0) == pytest.approx(45 + 50 + 10)


def test_moderate_descent_is_from_five_to_twelve_degrees_and_five_is_moderate():
    five, twelve = np.tan(np.deg2rad([-5.0, -12.0]))
    just_flatter, just_steeper = five * (1 - 1e-9), twelve * (1 - 1e-9)  # twelve is steep
    paces = 1 / slope_speed("langmuir", np.array([just_flatter, five, just_steeper, twelve]))
    assert paces == pytest.approx([0.72, 0.72 + 2 * five, 0.72 + 2 * twelve, 0.72 - 2 * twelve])


@pytest.mark.parametrize("kind", [kind for kind in LINK_KINDS if kind != "crossing"])
def test_a_crossing_tag_on_another_kind_of_link_makes_nobody_wait(kind):
    for crossing in ("traffic_signals", "zebra"):
        assert seconds(kind, rise=1.0, crossing=crossing) == seconds(kind, rise=1.0)


@pytest.mark.parametrize(
    ("crossing", "wait"),
    [("traffic_signals", 30), ("marked", 5), ("zebra", 5), ("uncontrolled", 5), ("unmarked", 0), (None, 0)],
)
def test_crossings_wait_by_kind(crossing, wait):
    assert seconds("crossing", length=13.4, rise=5.0, crossing=crossing) == pytest.approx(10 + wait)


def test_a_private_link_has_a_time_and_a_forbidden_kind_has_none():
    walker = changed(forbidden=frozenset({"stairs"}))
    assert np.isfinite(seconds(access="private"))
    assert seconds("stairs", walker=walker) == np.inf
    assert link_ticks(link("stairs"), walker)[0] == NO_WAY


# ------------------------------------------------------------------------------------------------------ waits, ramps


@pytest.mark.parametrize("kind", [kind for kind in LINK_KINDS if kind not in ("lift", "crossing", "cable_car")])
def test_a_surveyed_wait_is_added_to_links_without_a_wait(kind):
    assert seconds(kind, rise=3.0, wait_s=20.0) == pytest.approx(seconds(kind, rise=3.0) + 20)


def test_a_surveyed_wait_replaces_the_walkers_own():
    assert seconds("lift", length=0.0, rise=10.0, wait_s=120.0) == pytest.approx(120 + 10 + 10)
    assert seconds("lift", length=0.0, rise=10.0, wait_s=0.0) == pytest.approx(10 + 10)
    assert seconds("crossing", length=13.4, crossing="traffic_signals", wait_s=12.0) == pytest.approx(10 + 12)
    assert seconds("cable_car", length=600.0, wait_s=0.0) == pytest.approx(100)


def test_ramps_and_surveyed_waits_may_be_left_out():
    bare = link("stairs", length=30.0, rise=15.0, steps=100).drop(columns=["ramp", "wait_s"])
    assert link_seconds(bare, PRAM)[0] == pytest.approx(187.5)
    assert link_seconds(bare, CHAIR)[0] == np.inf


def test_the_yangtze_river_cable_car():
    assert seconds("cable_car", length=1166.0) == pytest.approx(300 + 1166 / 6)
    assert seconds("cable_car", length=300.0, rise=400.0, wait_s=0.0) == pytest.approx(500 / 6)


PRAM = Walker.load("pram")
CHAIR = Walker.load("wheelchair")
ROLLED = {  # the column ramp, as walking_rules.ramp_of writes it: by a pram, by a wheelchair
    None: (False, False),
    "no": (False, False),
    "yes": (True, False),
    "separate": (False, False),
    "stroller=yes": (True, False),
    "yes; stroller=yes": (True, False),
    "yes; stroller=no": (False, False),
    "no; stroller=yes": (True, False),
    "wheelchair=yes": (True, True),
    "yes; wheelchair=no": (True, False),
    "yes; stroller=no; wheelchair=yes": (False, True),
    "yes; stroller=yes; wheelchair=yes": (True, True),
}


@pytest.mark.parametrize("ramp", ROLLED)
@pytest.mark.parametrize("rise", [15.0, -15.0])
def test_who_rolls_which_ramp(ramp, rise):
    by_pram, by_chair = ROLLED[ramp]
    stairs = {"length": 30.0, "rise": rise, "steps": 100, "ramp": ramp}
    carried = 187.5 if rise > 0 else 125.0
    assert seconds("stairs", **stairs, walker=PRAM) == pytest.approx(60.0 if by_pram else carried)
    assert seconds("stairs", **stairs, walker=CHAIR) == (pytest.approx(60.0) if by_chair else np.inf)
    strict = PRAM.step_free("stroller")
    assert seconds("stairs", **stairs, walker=strict) == (pytest.approx(60.0) if by_pram else np.inf)
    assert seconds("stairs", **stairs, walker=ADULT.step_free()) == np.inf
    assert seconds("stairs", **stairs) == seconds("stairs", **(stairs | {"ramp": None}))


def test_a_ramp_slows_nobody_and_is_never_rolled_quicker_than_the_flat():
    shallow = {"length": 30.0, "rise": 1.0, "steps": 7}
    assert seconds("stairs", **shallow, ramp="yes", walker=PRAM) == seconds("stairs", **shallow, walker=PRAM)
    racer = CHAIR.model_copy(update={"ramp_m_s": 5.0})
    assert seconds("stairs", **shallow, ramp="wheelchair=yes", walker=racer) == pytest.approx(30 / 0.9)


def test_a_ramp_opens_stairs_and_nothing_else():
    assert seconds("escalator", ramp="wheelchair=yes", rise=20.0, walker=CHAIR) == np.inf
    assert seconds("path", ramp="wheelchair=yes", walker=CHAIR) == seconds("path", walker=CHAIR)


# ------------------------------------------------------------------------------------------------------ level, slower


@pytest.mark.parametrize("kind", LINK_KINDS)
@pytest.mark.parametrize("walker", [ADULT, CHAIR], ids=["adult", "wheelchair"])
def test_the_yardstick_takes_every_link_as_level_ground(kind, walker):
    level = walker.on_the_level()
    link_over = {"length": 90.0, "rise": 30.0, "steps": 200, "crossing": "traffic_signals", "wait_s": 60.0}
    assert seconds(kind, **link_over, walker=level) == pytest.approx(90 / walker.flat_m_s)
    assert seconds(kind, length=0.0, rise=30.0, walker=level) == 0.0
    assert link_ticks(link(kind, length=0.0, rise=30.0), level)[0] == 1


LINKS = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(LINK_KINDS),
        "length": st.floats(0, 500),
        "rise": st.one_of(st.just(np.nan), st.floats(-60, 60)),
        "steps": st.one_of(st.just(np.nan), st.integers(1, 400)),
        "crossing": st.sampled_from([None, "marked", "traffic_signals"]),
        "ramp": st.sampled_from([None, "yes", "wheelchair=yes"]),
        "wait_s": st.one_of(st.just(np.nan), st.floats(0, 300)),
    }
)
SHIPPED = ("planner", "adult", "older", "older_75", "child_with_adult", "child", "pram", "wheelchair")
WALKERS = {name: Walker.load(name) for name in SHIPPED}


@settings(deadline=None)
@given(LINKS, st.sampled_from(SHIPPED), st.floats(0.3, 1.0))
def test_a_slower_walker_is_never_faster(over, name, factor):
    walker = WALKERS[name]
    slow, usual = seconds(**over, walker=walker.at(factor)), seconds(**over, walker=walker)
    assert slow >= usual * (1 - 1e-12)
    if over["kind"] in MACHINES:
        assert slow == usual  # machines do not wait for anybody's pace


@settings(deadline=None)
@given(LINKS)
def test_older_people_take_longer_on_every_link_except_machines(over):
    times = [seconds(**over, walker=WALKERS[name]) for name in ("adult", "older", "older_75")]
    machine = over["kind"] in MACHINES
    assert times[0] == times[1] == times[2] if machine else times == sorted(times)
    if not machine and over["length"] > 1:
        assert times[0] < times[1] < times[2]


@settings(deadline=None)
@given(LINKS, st.sampled_from(SHIPPED))
def test_the_yardstick_is_never_slower_save_downhill_and_against_machines(over, name):
    walker = WALKERS[name]
    downhill = over["kind"] in FOOT and over["rise"] < 0  # gentle descents are quicker than the flat
    assume(not downhill and over["kind"] not in MACHINES)  # these may outrun a slow walker
    assert seconds(**over, walker=walker.on_the_level()) <= seconds(**over, walker=walker) * (1 + 1e-12)


@settings(deadline=None)
@given(LINKS, st.sampled_from(SHIPPED))
def test_on_foot_there_and_back_takes_at_least_twice_the_level_way(over, name):
    assume(over["kind"] in (*FOOT, "stairs", "crossing"))
    walker = WALKERS[name]
    back = over | {"rise": -over["rise"]}
    there_and_back = seconds(**over, walker=walker) + seconds(**back, walker=walker)
    assert there_and_back >= 2 * seconds(**over, walker=walker.on_the_level()) * (1 - 1e-12)


# ------------------------------------------------------------------------------------------------------ ticks


@settings(deadline=None)
@given(st.sampled_from(LINK_KINDS), st.floats(0, 5000), st.one_of(st.just(np.nan), st.floats(-300, 300)))
def test_ticks_are_whole_and_at_least_one(kind, length, rise):
    found = link_ticks(link(kind, length=length, rise=rise), ADULT)
    assert found.dtype == np.int64
    assert 1 <= found[0] < NO_WAY


def test_ticks_fit_into_four_bytes_and_the_longest_is_no_closed_link():
    assert np.iinfo(np.int32).max == NO_WAY
    assert link_ticks(link(length=1e12), ADULT)[0] == NO_WAY - 1


def test_many_links_at_once_and_none():
    rows = [link("path", rise=10.0), link("stairs", length=30.0, rise=15.0), link("lift", length=0.0, rise=5.0)]
    together = gpd.pd.concat(rows, ignore_index=True)
    assert link_seconds(together, ADULT).tolist() == [float(link_seconds(one, ADULT)[0]) for one in rows]
    assert link_seconds(together.iloc[:0], ADULT).shape == (0,)
