"""Shapes and tables as short strings: whole numbers, differences, variable-length bytes, gzip, base64.

A block holds several named arrays of whole numbers. Coordinates are steps of 1e-5 degrees from the corner of the map
(about one metre), each written as the difference to the one before. The page reads blocks with `data.js`.
"""

from __future__ import annotations

import base64
import gzip
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import shapely

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from pyproj import CRS

    Whole = NDArray[Any]
    Shapes = NDArray[np.object_]

STEPS_PER_DEGREE = 100_000
LATTICE_M = 500.0
_LIMITS = np.array([1 << bits for bits in (7, 14, 21, 28)], dtype=np.uint64)  # where one more byte is needed
_AT_ONCE = 1 << 15  # numbers that are packed together, and points: what is at hand stays in the processor's cache
_POINTS = 1 << 19  # points of outlines that are packed together: each takes a hundred bytes meanwhile
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
    degrees, chain = shapely.get_coordinates(rings, return_index=True)
    return _chains(grid.steps(degrees), chain, shape_of[part_of], count=len(shapes)).named(name)


def outlines(shapes: gpd.GeoSeries, grid: Grid, *, name: str, starts: Whole) -> dict[str, Whole]:
    """Very many polygons that lie close together, as `areas` has them.

    They are projected exactly on a lattice of `LATTICE_M` and linearly between: a projection bends by less than a
    centimetre over that, a hundredth of a step.

    Parameters
    ----------
    shapes : GeoSeries of Polygon or MultiPolygon
        In a projected CRS in metres; they span fewer than a million lattice cells.
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
    block = np.cumsum(shapely.get_num_coordinates(shapes.array)) // _POINTS
    first = np.flatnonzero(np.diff(block, prepend=-1))
    ends = zip(first, [*first[1:], len(shapes)], strict=True)
    parts = [_packed(shapes.iloc[low:high], grid, name=name, starts=starts[low:high]) for low, high in ends]
    return {key: np.concatenate([part.pop(key) for part in parts]) for key in list(parts[0])}


def _packed(shapes: gpd.GeoSeries, grid: Grid, *, name: str, starts: Whole) -> dict[str, Whole]:
    """Some of them, as numbers of half the size: there are many."""
    _, points, (rings, polygons, *wholes) = shapely.to_ragged_array(shapes.array)
    ends = polygons[wholes[0]] if wholes else polygons
    shape_of = np.repeat(np.arange(len(shapes)), np.diff(ends))
    chain = np.repeat(np.arange(len(rings) - 1), np.diff(rings))
    steps = grid.steps(_between(points, shapes.crs))
    made = _chains(steps, chain, shape_of, count=len(shapes), starts=starts).named(name)
    return {key: values.astype(np.int32) for key, values in made.items()}


def _between(points: NDArray[np.float64], crs: CRS) -> NDArray[np.float64]:
    """Longitude and latitude of points, linearly between those of a lattice."""
    low, high = np.floor(points.min(axis=0) / LATTICE_M), np.floor(points.max(axis=0) / LATTICE_M) + 1
    nodes = np.meshgrid(*(np.arange(*ends) for ends in zip(low, high + 1, strict=True)), indexing="ij")
    corners = gpd.GeoSeries.from_xy(*(LATTICE_M * one.ravel() for one in nodes), crs=crs).to_crs("EPSG:4326")
    known, rows = shapely.get_coordinates(corners.array).T.copy(), nodes[0].shape[1]
    found = np.empty_like(points)
    for first in range(0, len(points), _AT_ONCE):  # what is at hand stays in the cache
        at = points[first : first + _AT_ONCE] / LATTICE_M - low
        column, row = at.T.astype(np.int32)
        x, y = at[:, 0] - column, at[:, 1] - row
        node = column * rows + row
        for degrees, of in zip(known, found[first : first + _AT_ONCE].T, strict=True):
            south = degrees[node] * (1 - x) + degrees[node + rows] * x
            north = degrees[node + 1] * (1 - x) + degrees[node + rows + 1] * x
            of[:] = south * (1 - y) + north * y
    return found


def lines(shapes: Shapes, grid: Grid, *, name: str) -> dict[str, Whole]:
    """Lines as arrays, like `areas`; each shape may hold several lines.

    Examples
    --------
    >>> way = shapely.LineString([(0, 0), (0.00002, 0.00001)])
    >>> {key: value.tolist() for key, value in lines(np.array([way]), Grid(0, 0), name="rail").items()}
    {'rail.rings': [1], 'rail.sizes': [2], 'rail.xy': [0, 0, 2, 1]}
    """
    parts, shape_of = shapely.get_parts(shapes, return_index=True)
    degrees, chain = shapely.get_coordinates(parts, return_index=True)
    return _chains(grid.steps(degrees), chain, shape_of, count=len(shapes), closed=False).named(name)


@dataclass(frozen=True)
class _Chains:
    rings: Whole
    sizes: Whole
    xy: Whole

    def named(self, name: str) -> dict[str, Whole]:
        return {f"{name}.rings": self.rings, f"{name}.sizes": self.sizes, f"{name}.xy": self.xy}


def _chains(
    xy: Whole, chain: Whole, shape_of: Whole, *, count: int, closed: bool = True, starts: Whole | None = None
) -> _Chains:
    """Chains of points without repeated points; what has shrunk to nothing is dropped.

    `chain` is the chain of each point, `shape_of` the shape of each chain, `count` how many shapes there are.
    """
    changed = np.ones(len(xy), dtype=bool)
    changed[1:] = (np.diff(chain) != 0) | (np.diff(xy, axis=0) != 0).any(axis=1)
    xy, chain = xy[changed], chain[changed]
    if closed:  # a ring ends where it starts
        last = np.append(np.diff(chain) != 0, True) if len(chain) else np.zeros(0, bool)
        xy, chain = xy[~last], chain[~last]
    size = np.bincount(chain, minlength=len(shape_of))
    large = size >= (_LEAST_RING if closed else _LEAST_LINE)
    kept = large[chain]
    xy, chain = xy[kept], chain[kept]
    steps = np.diff(xy, axis=0, prepend=np.zeros((1, 2), np.int64))
    if starts is not None:
        shape = shape_of[chain]
        first = np.flatnonzero(np.append(True, np.diff(shape) != 0))[: len(shape)]
        steps[first] = xy[first] - starts[shape[first]]
    rings = np.bincount(shape_of[large], minlength=count)
    return _Chains(rings.astype(np.int64), size[large].astype(np.int64), steps.ravel())


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
    folded = ((signed << 1) ^ (signed >> 63)).astype(np.uint64)
    length = 1 + np.searchsorted(_LIMITS, folded, side="right").astype(np.int64)
    at = np.cumsum(length) - length
    out = np.zeros(int(length.sum()), dtype=np.uint8)
    for place in range(5):
        here = length > place
        seven = (folded[here] >> np.uint64(7 * place)) & np.uint64(127)
        more = (length[here] > place + 1).astype(np.uint64) << np.uint64(7)
        out[at[here] + place] = (seven | more).astype(np.uint8)
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
