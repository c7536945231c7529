"""Shapes and tables as short strings: whole numbers, differences, variable-length bytes, gzip, base64.

A block holds several named arrays of whole numbers. Coordinates are steps of 1e-5 degrees from the corner of the map
(about one metre), each written as the difference to the one before. The page reads blocks with `data.js`.
"""

from __future__ import annotations

import base64
import gzip
import json
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import shapely

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray
    from pyproj import CRS

    Whole = NDArray[Any]
    Shapes = NDArray[np.object_]

STEPS_PER_DEGREE = 100_000
_LIMITS = np.array([1 << bits for bits in (7, 14, 21, 28)], dtype=np.uint64)  # where one more byte is needed
_AT_ONCE = 1 << 15  # numbers that are packed together, and points: what is at hand stays in the processor's cache
_DEGREE, _NODES = 4, np.cos(np.pi * (np.arange(9) + 0.5) / 9)  # of the curve, and where it is fitted (Chebyshev)
_OFF = 0.01  # of a step, by which the curve may miss the projection
_LEAST_RING, _LEAST_LINE = 3, 2  # points; what has fewer is not drawn


@dataclass(frozen=True)
class Grid:
    """The corner that whole-number coordinates are counted from.

    Parameters
    ----------
    lon, lat : float
        South-west corner in degrees.
    per_degree : int
        Steps of a degree.

    Examples
    --------
    >>> Grid(106.5, 29.5).steps(np.array([[106.50001, 29.50002]])).tolist()
    [[1, 2]]
    """

    lon: float
    lat: float
    per_degree: int = STEPS_PER_DEGREE

    def steps(self, lonlat: NDArray[np.float64]) -> Whole:
        """Degrees as whole steps from the corner, shape (n, 2)."""
        moved = (np.asarray(lonlat, dtype=float) - (self.lon, self.lat)) * self.per_degree
        return np.rint(moved).astype(np.int64)

    def points(self, lonlat: NDArray[np.float64]) -> Whole:
        """Points as differences, x and y in turn."""
        return np.diff(self.steps(lonlat), axis=0, prepend=np.zeros((1, 2), np.int64)).ravel()


def lonlat(shapes: gpd.GeoSeries, *, simplify_m: float = 0.0) -> Shapes:
    """Shapes in WGS-84 degrees, simplified in metres before.

    Parameters
    ----------
    shapes : GeoSeries
        In a projected CRS in metres.
    simplify_m : float
        How far the drawn outline may lie from the true one, in metres.

    Returns
    -------
    ndarray of shapely geometry
    """
    if simplify_m:
        shapes = shapes.simplify(simplify_m)
    found: Shapes = np.asarray(shapes.force_2d().to_crs("EPSG:4326").array, dtype=object)
    return found


def areas(shapes: Shapes, grid: Grid, *, name: str) -> dict[str, Whole]:
    """Polygons as three arrays: rings of each shape, points of each ring, and the points.

    Rings are written without their closing point and are meant to be filled by the even-odd rule.

    Parameters
    ----------
    shapes : ndarray of Polygon or MultiPolygon
        In degrees.
    grid : Grid
        Where the steps are counted from.
    name : str
        The first part of the names of the arrays.

    Returns
    -------
    dict of str to ndarray
        `<name>.rings`, `<name>.sizes`, `<name>.xy`.

    Examples
    --------
    >>> square = shapely.box(0, 0, 0.0001, 0.0001)
    >>> {key: value.tolist() for key, value in areas(np.array([square]), Grid(0, 0), name="park").items()}
    {'park.rings': [1], 'park.sizes': [4], 'park.xy': [10, 0, 0, 10, -10, 0, 0, -10]}
    """
    parts, shape_of = shapely.get_parts(shapes, return_index=True)
    rings, part_of = shapely.get_rings(parts, return_index=True)
    return _chains(rings, shape_of[part_of], grid, count=len(shapes)).named(name)


def outlines(shapes: gpd.GeoSeries, grid: Grid, *, name: str, starts: Whole) -> dict[str, Whole]:
    """Very many polygons that lie close together, as `areas` has them.

    Their degrees are a polynomial of their metres, which is within a hundredth of a step of the projection over some
    hundred kilometres; shapes that lie farther apart are projected point by point.

    Parameters
    ----------
    shapes : GeoSeries of Polygon or MultiPolygon
        In a projected CRS in metres.
    grid : Grid
        Where the steps are counted from.
    name : str
        The first part of the names of the arrays.
    starts : ndarray, shape (shapes, 2)
        Where each shape's differences start.

    Returns
    -------
    dict of str to ndarray
        `<name>.rings`, `<name>.sizes`, `<name>.xy`.
    """
    if shapes.empty:
        return areas(lonlat(shapes), grid, name=name)
    curve = _Curve.over(shapes, grid)
    steps = partial(_projected, crs=shapes.crs, grid=grid) if curve is None else curve.steps
    block = np.cumsum(shapely.get_num_coordinates(shapes.array)) // _AT_ONCE  # what is at hand stays in the cache
    first = np.flatnonzero(np.diff(block, prepend=-1))
    ends = zip(first, [*first[1:], len(shapes)], strict=True)
    parts = [_packed(shapes.array[low:high], steps, starts=starts[low:high]).named(name) for low, high in ends]
    return {key: np.concatenate([part.pop(key) for part in parts]) for key in list(parts[0])}


def _packed(shapes: Shapes, steps: Callable[[NDArray[np.float64]], tuple[Whole, Whole]], *, starts: Whole) -> _Chains:
    """Some of them, as numbers of half the size: there are many."""
    _, points, (rings, polygons, *wholes) = shapely.to_ragged_array(shapes)
    ends = polygons[wholes[0]] if wholes else polygons
    shape_of = np.repeat(np.arange(len(shapes)), np.diff(ends))
    return _joined(steps(points), np.diff(rings), shape_of, count=len(shapes), starts=starts)


def _projected(points: NDArray[np.float64], *, crs: CRS, grid: Grid) -> tuple[Whole, Whole]:
    """Whole steps of points, west to east and south to north."""
    degrees = gpd.GeoSeries.from_xy(*points.T, crs=crs).to_crs("EPSG:4326")
    east, north = grid.steps(shapely.get_coordinates(degrees.array)).astype(np.int32).T
    return east, north


@dataclass(frozen=True)
class _Curve:
    """Steps from the corner of the map as polynomials of metres, of two variables between -1 and 1."""

    middle: NDArray[np.float64]
    reach: NDArray[np.float64]
    factors: NDArray[np.floating]  # of x**i y**j, for longitude and latitude

    @classmethod
    def over(cls, shapes: gpd.GeoSeries, grid: Grid) -> _Curve | None:
        """The curve that fits where some shapes lie; none where it is off by more than `_OFF` of a step."""
        low, high = shapes.total_bounds.reshape(2, 2)
        middle, reach = (low + high) / 2, np.maximum((high - low) / 2, 1.0)
        nodes = np.array(np.meshgrid(_NODES, _NODES)).reshape(2, -1)
        known = gpd.GeoSeries.from_xy(*(middle + reach * nodes.T).T, crs=shapes.crs).to_crs("EPSG:4326")
        steps = (shapely.get_coordinates(known.array) - (grid.lon, grid.lat)) * grid.per_degree
        terms = np.polynomial.polynomial.polyvander2d(nodes[0], nodes[1], [_DEGREE, _DEGREE])
        factors, *_ = np.linalg.lstsq(terms, steps)
        if np.abs(terms @ factors - steps).max() > _OFF:
            return None
        return cls(middle, reach, factors.T.reshape(2, _DEGREE + 1, _DEGREE + 1))

    def steps(self, points: NDArray[np.float64]) -> tuple[Whole, Whole]:
        """The same as `_projected`."""
        x, y = (np.ascontiguousarray(one) for one in ((points - self.middle) / self.reach).T)
        east, north = (np.rint(_horner([_horner(row, y) for row in rows], x)) for rows in self.factors)
        return east.astype(np.int32), north.astype(np.int32)


def _horner(factors: Sequence[Any], x: NDArray[np.float64]) -> NDArray[np.float64]:
    """A polynomial at many places (Horner 1819); its factors may differ from place to place."""
    total: NDArray[np.float64] = factors[-1] * x
    for factor in factors[-2:0:-1]:
        total += factor
        total *= x
    total += factors[0]
    return total


def lines(shapes: Shapes, grid: Grid, *, name: str) -> dict[str, Whole]:
    """Lines as arrays, like `areas`; each shape may hold several lines.

    Examples
    --------
    >>> way = shapely.LineString([(0, 0), (0.00002, 0.00001)])
    >>> {key: value.tolist() for key, value in lines(np.array([way]), Grid(0, 0), name="rail").items()}
    {'rail.rings': [1], 'rail.sizes': [2], 'rail.xy': [0, 0, 2, 1]}
    """
    parts, shape_of = shapely.get_parts(shapes, return_index=True)
    return _chains(parts, shape_of, grid, count=len(shapes), closed=False).named(name)


@dataclass(frozen=True)
class _Chains:
    rings: Whole
    sizes: Whole
    xy: Whole

    def named(self, name: str) -> dict[str, Whole]:
        return {f"{name}.rings": self.rings, f"{name}.sizes": self.sizes, f"{name}.xy": self.xy}


def _chains(shapes: Shapes, shape_of: Whole, grid: Grid, *, count: int, closed: bool = True) -> _Chains:
    """Chains in degrees, each of a shape; `count` is how many shapes there are."""
    x, y = grid.steps(shapely.get_coordinates(shapes)).T
    return _joined((x, y), shapely.get_num_coordinates(shapes), shape_of, count=count, closed=closed)


def _joined(
    steps: tuple[Whole, Whole],
    sizes: Whole,
    shape_of: Whole,
    *,
    count: int,
    closed: bool = True,
    starts: Whole | None = None,
) -> _Chains:
    """Chains without repeated points, as differences; what has shrunk to nothing is dropped.

    `sizes` are the points of each chain, `shape_of` its shape, of so many; `starts` where the differences of each shape
    start, which go on from the shape before otherwise.
    """
    x, y = steps
    last = np.cumsum(sizes) - 1
    kept = np.ones(len(x), dtype=bool)
    np.not_equal(x[1:], x[:-1], out=kept[:-1])
    kept[:-1] |= y[1:] != y[:-1]
    kept[last] = not closed  # a ring ends where it starts
    size = np.add.reduceat(kept, last - sizes + 1, dtype=np.int64) if len(last) else sizes
    large = size >= (_LEAST_RING if closed else _LEAST_LINE)
    if not large.all():
        kept &= np.repeat(large, sizes)
    shape_of, size = shape_of[large], size[large]
    begins = np.diff(shape_of, prepend=-1) != 0
    first = (np.cumsum(size) - size)[begins]  # points of shapes
    xy = np.empty(2 * int(size.sum()), dtype=x.dtype)
    for axis, given in enumerate(steps):
        there = given[kept]
        xy[axis::2] = np.diff(there, prepend=there.dtype.type(0))
        if starts is not None:
            xy[axis::2][first] = there[first] - starts[shape_of[begins], axis]
    return _Chains(np.bincount(shape_of, minlength=count), size, xy)


def varints(values: Whole) -> bytes:
    """Whole numbers as bytes: sign folded into the lowest bit, seven bits a byte, high bit set where more follow.

    Parameters
    ----------
    values : ndarray of int
        Between -2**31 and 2**31 - 1.

    Returns
    -------
    bytes

    Examples
    --------
    >>> list(varints(np.array([0, -1, 1, 64])))
    [0, 1, 2, 128, 1]
    """
    return b"".join(_varints(values[first : first + _AT_ONCE]) for first in range(0, len(values), _AT_ONCE))


def _varints(values: Whole) -> bytes:
    signed = np.asarray(values, dtype=np.int64)
    left = ((signed << 1) ^ (signed >> 63)).astype(np.uint64)
    length = np.ones(len(left), dtype=np.intp)
    for limit in _LIMITS:
        more = left >= limit
        if not more.any():
            break
        length += more
    at = np.cumsum(length) - length
    out = np.empty(int(length.sum()), dtype=np.uint8)
    while len(left):
        more = length > 1
        out[at] = (left & np.uint64(127)) | (np.uint64(128) * more)
        left, at, length = left[more] >> np.uint64(7), at[more] + 1, length[more] - 1
    return out.tobytes()


def words(values: NDArray[np.float64], *, name: str) -> dict[str, Whole]:
    """Numbers as they are, every bit of them, as two arrays of whole numbers: `<name>.high` and `<name>.low`.

    Examples
    --------
    >>> {key: value.tolist() for key, value in words(np.array([0.0, 1.5, 0.1]), name="share").items()}
    {'share.high': [0, 1073217536, 1069128089], 'share.low': [0, 0, -1717986918]}
    """
    halves = np.asarray(values, dtype="<f8").view("<i4").astype(np.int64)
    return {f"{name}.high": halves[1::2], f"{name}.low": halves[::2]}


def number_block(arrays: Mapping[str, Whole], *, name: str) -> str:
    """An inert element that carries named arrays of whole numbers."""
    directory = " ".join(f"{key}:{len(values)}" for key, values in arrays.items())
    return _element(b"".join(map(varints, arrays.values())), name=name, arrays=directory)


def json_block(value: Any, *, name: str) -> str:  # noqa: ANN401  plain JSON values
    """An inert element that carries plain values."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return _element(text.encode(), name=name, arrays="")


def _element(content: bytes, *, name: str, arrays: str) -> str:
    """base64 holds no character that means anything in HTML."""
    packed = base64.b64encode(gzip.compress(content, compresslevel=6, mtime=0)).decode()
    return f'<script type="text/plain" id="circle15-{name}" data-arrays="{arrays}">{packed}</script>'
