"""Lines as plain arrays against shapely, and heights within their caps against a slow plain method."""

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from pyproj import CRS

from circle15.sources import profiles, terrain
from circle15.sources.profiles import PIECE_M, Lines
from circle15.sources.terrain import Terrain

PLACES = st.tuples(st.integers(0, 60), st.integers(0, 60))
DRAWN = st.lists(st.lists(PLACES, min_size=2, max_size=6), min_size=1, max_size=5)


def lines_of(drawn):
    return np.array([shapely.LineString(points) for points in drawn], dtype=object)


@given(DRAWN, st.data())
def test_lines_are_those_of_shapely(drawn, data):
    given_lines = lines_of(drawn)
    lines = Lines.of(given_lines)
    assert lines.length.tolist() == shapely.length(given_lines).tolist()
    asked = np.array(data.draw(st.lists(st.integers(0, len(drawn) - 1), max_size=9)), dtype=np.int64)
    back = np.array(data.draw(st.lists(st.booleans(), min_size=len(asked), max_size=len(asked))), dtype=bool)
    wanted = np.where(back, shapely.reverse(given_lines[asked]), given_lines[asked])
    assert shapely.to_wkt(lines.drawn(asked, back=back)).tolist() == shapely.to_wkt(wanted).tolist()
    whole = np.arange(len(drawn))
    turned = lines.turned(whole % 2 == 1).drawn(whole, back=whole % 2 == 1)
    assert shapely.to_wkt(turned).tolist() == shapely.to_wkt(given_lines).tolist()


def test_many_lines_are_drawn_in_parts(monkeypatch):
    given_lines = lines_of([[(0, 0), (at, 1), (at, 2)] for at in range(11)])
    whole = Lines.of(given_lines).drawn(np.arange(11), back=np.arange(11) % 3 == 0)
    monkeypatch.setattr(profiles, "AT_ONCE", 4)
    parts = Lines.of(given_lines).drawn(np.arange(11), back=np.arange(11) % 3 == 0)
    assert shapely.equals_exact(whole, parts).all()


@pytest.mark.parametrize("at_once", [1, 3, profiles.AT_ONCE])
@given(drawn=DRAWN)
def test_vertices_between_are_those_of_shapely(at_once, drawn):
    given_lines = lines_of(drawn)
    wanted, long = given_lines.copy(), shapely.length(given_lines) > PIECE_M
    wanted[long] = shapely.segmentize(given_lines[long], PIECE_M)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(profiles, "AT_ONCE", at_once)
        found = profiles._segmentized(Lines.of(given_lines))
    assert np.diff(found.start).tolist() == shapely.get_num_coordinates(wanted).tolist()
    assert (found.xy == shapely.get_coordinates(wanted)).all()


@st.composite
def webs(draw):
    """Pieces between a few nodes, and a height for every slot."""
    nodes = draw(st.integers(2, 4))
    ends = draw(st.lists(st.tuples(st.integers(0, nodes - 1), st.integers(0, nodes - 1)), min_size=1, max_size=5))
    drawn = [[(at * 100, 0), (at * 100 + draw(st.integers(1, 70)), 0)] for at in range(len(ends))]
    start, end = np.array(ends).T
    cut = profiles._cut(pd.DataFrame({"start": start, "end": end, "nodes": nodes}), Lines.of(lines_of(drawn)))
    metres = st.floats(0, 90, allow_nan=False) | st.just(np.inf)
    slots = nodes + int(cut.inner.sum())
    heights = np.array(draw(st.lists(metres, min_size=slots, max_size=slots)))
    return cut, heights, draw(st.sampled_from([0.0, 0.15, 0.25, 1.0, np.inf]))


@given(webs())
def test_the_lowest_surface_is_that_of_a_plain_loop(made):
    cut, heights, cap = made
    with np.errstate(invalid="ignore"):
        most = np.nan_to_num(cut.step * cap, nan=np.inf, posinf=np.inf)
    low = heights.copy()
    while True:
        before = low.copy()
        for line in range(len(cut.start)):
            for at in range(cut.lines.start[line], cut.lines.start[line + 1] - 1):
                a, b = cut.slot[at], cut.slot[at + 1]
                low[a], low[b] = min(low[a], low[b] + most[at]), min(low[b], low[a] + most[at])
        if (low == before).all():
            break
    assert profiles._lowest(heights, cut, most).tolist() == low.tolist()


def test_the_ground_is_the_same_in_parts(monkeypatch):
    random = np.random.default_rng(4)
    heights = random.uniform(200, 240, (20, 20)).astype(np.float32)
    heights[3:6, 4:9] = np.nan
    land = Terrain(heights, (30.0, 0.0, 0.0, 0.0, -30.0, 600.0), CRS("EPSG:32648"), "rough")
    points = random.uniform(-60, 660, (100, 2))
    whole = land.ground(points)
    monkeypatch.setattr(terrain, "SOUNDED", 7)
    assert np.array_equal(land.ground(points), whole, equal_nan=True)
    assert 0 < np.isnan(whole).sum() < len(whole)
    alone = [land.ground(point[None, :])[0] for point in points]
    assert np.array_equal(alone, whole, equal_nan=True)
