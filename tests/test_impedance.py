"""Seconds for one link, against published values and hand-computed cases (design: domain.md B.2 to B.5)."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from circle15.impedance import NO_WAY, link_seconds, link_ticks
from circle15.project import Walker

ADULT = Walker.load("adult")


def link(kind="path", *, length=100.0, rise=np.nan, points=None, **more):
    """One link, drawn straight along its length unless points are given."""
    row = {"kind": kind, "length_m": length, "rise_m": rise, "steps": np.nan, "crossing": None} | more
    return gpd.GeoDataFrame([row], geometry=[shapely.LineString(points or [(0, 0), (length, 0)])], crs="EPSG:32648")


def seconds(*args, walker=ADULT, **kwargs):
    return float(link_seconds(link(*args, **kwargs), walker)[0])


def changed(**numbers):
    return ADULT.model_copy(update=numbers)


# The column `tobler` of the check table: metres a second at a slope, for a walker of 1.3991 m/s on the flat.
TOBLER = {
    -0.30: 0.6948,
    -0.20: 0.9859,
    -0.10: 1.3991,
    -0.05: 1.6667,
    0.0: 1.3991,
    0.05: 1.1745,
    0.10: 0.9859,
    0.20: 0.6948,
    0.30: 0.4896,
    0.50: 0.2431,
}


@pytest.mark.parametrize(("slope", "speed"), TOBLER.items())
def test_slope_factor_is_toblers(slope, speed):
    flat = 6 * np.exp(-3.5 * 0.05) / 3.6
    found = 100 / seconds(rise=100 * slope, walker=changed(flat_m_s=flat))
    assert found == pytest.approx(speed, abs=5e-5)


@pytest.mark.parametrize(
    ("rise", "expected"), [(0, 74.63), (5, 88.90), (10, 105.90), (20, 150.28), (30, 213.26), (-5, 62.65), (-10, 74.63)]
)
def test_hundred_metres_of_an_adult(rise, expected):
    assert seconds(rise=float(rise)) == pytest.approx(expected, abs=0.01)


def test_nine_hundred_flat_metres_at_one_metre_a_second_are_nine_hundred_seconds():
    street = link(length=900.0, rise=0.0)
    assert link_seconds(street, changed(flat_m_s=1.0))[0] == 900.0
    assert link_ticks(street, changed(flat_m_s=1.0))[0] == 9000


@pytest.mark.parametrize("kind", ["path", "street", "bridge", "tunnel", "corridor"])
def test_all_ground_without_steps_knows_slope(kind):
    assert seconds(kind, rise=10.0) == pytest.approx(105.90, abs=0.01)


def test_an_up_and_down_is_not_averaged_away():
    hill = seconds(rise=0.0, points=[(0, 0, 100), (50, 0, 110), (100, 0, 100)])
    assert hill == pytest.approx(seconds(length=50.0, rise=10.0) + seconds(length=50.0, rise=-10.0))
    assert hill > seconds(rise=0.0)


@settings(deadline=None)
@given(st.lists(st.floats(0.01, 0.99), max_size=5), st.floats(-0.4, 0.4))
def test_splitting_a_constant_grade_changes_nothing(cuts, slope):
    points = [(100 * share, 0, 100 * share * slope) for share in sorted({0.0, 1.0, *cuts})]
    assert seconds(points=points) == pytest.approx(seconds(rise=100 * slope), rel=1e-9)


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


@settings(deadline=None)
@given(
    st.sampled_from(["path", "stairs", "escalator", "lift", "crossing"]),
    st.floats(0, 5000),
    st.one_of(st.just(np.nan), st.floats(-300, 300)),
)
def test_ticks_are_whole_and_at_least_one(kind, length, rise):
    found = link_ticks(link(kind, length=length, rise=rise), ADULT)
    assert found.dtype == np.int64
    assert 1 <= found[0] < NO_WAY


def test_many_links_at_once_and_none():
    rows = [link("path", rise=10.0), link("stairs", length=30.0, rise=15.0), link("lift", length=0.0, rise=5.0)]
    together = gpd.pd.concat(rows, ignore_index=True)
    assert link_seconds(together, ADULT).tolist() == [float(link_seconds(one, ADULT)[0]) for one in rows]
    assert link_seconds(together.iloc[:0], ADULT).shape == (0,)
