"""Packed numbers and shapes come back as they went in."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from circle15.page.packing import Grid, areas, json_block, lines, number_block, outlines, varints
from read_page import number_arrays, plain_values, unpacked


@given(st.lists(st.integers(-(2**31), 2**31 - 1)))
def test_whole_numbers_come_back(values):
    assert unpacked(varints(np.array(values, dtype=np.int64))) == values


@given(st.lists(st.integers(-63, 63), min_size=1))
def test_small_numbers_take_one_byte(values):
    assert len(varints(np.array(values))) == len(values)


def test_a_block_holds_every_array_under_its_name():
    arrays = {"a": np.array([1, -2, 300]), "none": np.array([], dtype=np.int64), "b.xy": np.array([70_000])}
    assert number_arrays(number_block(arrays, name="map"), "map") == {"a": [1, -2, 300], "none": [], "b.xy": [70_000]}


def test_plain_values_come_back():
    assert plain_values(json_block({"名": ["值", 1.5, None]}, name="study"), "study") == {"名": ["值", 1.5, None]}


def test_a_block_never_holds_markup():
    block = json_block({"name": "</script><script>alert(1)</script>"}, name="study")
    assert block.count("<") == 2
    assert block.count("script") == 2


def test_what_is_not_a_number_is_refused():
    with pytest.raises(ValueError, match="JSON"):
        json_block({"minutes": float("nan")}, name="study")


def rings(arrays, name):
    points = np.cumsum(np.reshape(arrays[f"{name}.xy"], (-1, 2)), axis=0)
    cuts = np.cumsum(arrays[f"{name}.sizes"])[:-1]
    return [ring.tolist() for ring in np.split(points, cuts)]


def test_a_hole_is_a_ring_of_its_shape():
    outer, hole = shapely.box(0, 0, 0.01, 0.01), shapely.box(0.002, 0.002, 0.004, 0.004)
    two = shapely.MultiPolygon([outer.difference(hole), shapely.box(0.02, 0, 0.03, 0.01)])
    arrays = areas(np.array([two, outer], dtype=object), Grid(0, 0), name="x")
    assert arrays["x.rings"].tolist() == [3, 1]
    assert arrays["x.sizes"].tolist() == [4, 4, 4, 4]
    assert sorted(rings(arrays, "x")[1]) == [[200, 200], [200, 400], [400, 200], [400, 400]]


def test_points_that_fall_together_are_written_once():
    way = shapely.LineString([(0, 0), (0.000001, 0), (0.000002, 0), (0.0001, 0)])
    arrays = lines(np.array([way], dtype=object), Grid(0, 0), name="x")
    assert arrays["x.xy"].tolist() == [0, 0, 10, 0]


def test_what_shrinks_to_nothing_is_left_out_but_keeps_its_place():
    speck, field = shapely.box(0, 0, 0.000001, 0.000001), shapely.box(0, 0, 0.001, 0.001)
    arrays = areas(np.array([speck, field, speck], dtype=object), Grid(0, 0), name="x")
    assert arrays["x.rings"].tolist() == [0, 1, 0]
    assert arrays["x.sizes"].tolist() == [4]


def test_no_shapes_are_three_empty_arrays():
    arrays = areas(np.array([], dtype=object), Grid(0, 0), name="x") | lines(
        np.array([], dtype=object), Grid(0, 0), name="y"
    )
    assert all(len(values) == 0 for values in arrays.values())
    assert len(arrays) == 6


@given(
    st.lists(
        st.tuples(st.integers(-9000, 9000), st.integers(-9000, 9000), st.integers(20, 900), st.integers(20, 900)),
        min_size=1,
    )
)
def test_every_outline_can_be_decoded_from_its_own_start(boxes):
    shapes = [shapely.MultiPolygon([shapely.box(x, y, x + w, y + h)]) for x, y, w, h in boxes]
    metres = gpd.GeoSeries(shapes, crs="EPSG:32648").translate(650_000, 3_270_000)
    grid = Grid(106.0, 29.0)
    starts = np.array([(x + 7, y - 3) for x, y, _, _ in boxes])
    arrays = outlines(metres, grid, name="x", starts=starts)
    exact = metres.to_crs("EPSG:4326")
    for start, shape, true in zip(starts, arrays["x.xy"].reshape(-1, 4, 2), exact, strict=True):
        corners = start + np.cumsum(shape, axis=0)
        wanted = (shapely.get_coordinates(true)[:4] - (106.0, 29.0)) * 1e5
        assert np.abs(corners - wanted).max() < 0.5 + 1e-2  # rounded, and a hundredth of a step


def test_outlines_far_apart_are_projected_point_by_point():
    far = gpd.GeoSeries([shapely.box(0, 0, 900, 900), shapely.box(9e5, 9e5, 9e5 + 900, 9e5 + 900)], crs="EPSG:32648")
    far = far.translate(100_000, 2_600_000)
    grid, starts = Grid(102.0, 23.0), np.array([[3, 4], [5, -6]])
    arrays = outlines(far, grid, name="x", starts=starts)
    for start, shape, true in zip(starts, arrays["x.xy"].reshape(2, 4, 2), far.to_crs("EPSG:4326"), strict=True):
        corners = grid.steps(shapely.get_coordinates(true))[:4]
        assert (start + np.cumsum(shape, axis=0)).tolist() == corners.tolist()


def test_outlines_keep_holes_and_parts_apart():
    ring = shapely.box(0, 0, 900, 900).difference(shapely.box(300, 300, 600, 600))
    shapes = gpd.GeoSeries([ring, shapely.MultiPolygon([ring, shapely.box(2000, 0, 2100, 100)])], crs="EPSG:32648")
    shapes = shapes.translate(650_000, 3_270_000)
    grid = Grid(106.0, 29.0)
    arrays = outlines(shapes, grid, name="x", starts=np.zeros((2, 2), np.int64))
    assert arrays["x.rings"].tolist() == [2, 3]
    assert arrays["x.sizes"].tolist() == [4, 4, 4, 4, 4]
    assert outlines(shapes.iloc[:0], grid, name="x", starts=np.zeros((0, 2), np.int64))["x.rings"].tolist() == []
