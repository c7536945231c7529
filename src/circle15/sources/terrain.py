"""Terrain rasters, one or several, to the height of any place.

A mosaic has one grid in the CRS of the study. Where rasters overlap the first named wins, and what it does not know is
filled from the next, so a survey of the centre may be laid over a coarse model of the country.
"""

from __future__ import annotations

import math
import shutil
import tempfile
import warnings
import zipfile
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import rasterio
from pyproj import Transformer
from rasterio._err import CPLE_BaseError  # what of GDAL's errors rasterio does not turn into its own
from rasterio.enums import Resampling
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.features import geometry_mask
from rasterio.transform import Affine
from rasterio.warp import calculate_default_transform, transform, transform_bounds
from rasterio.windows import Window, from_bounds

from circle15.errors import Circle15Error, Circle15Warning, DataError, Finding, SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray
    from pyproj import CRS

    from circle15.tables import StudyArea

WINDOW_M = 45.0  # the ground is looked for in a window this wide
GROUND_PERCENTILE = 20.0
LOWEST_M, HIGHEST_M = -60.0, 5200.0  # where people live, but for the basins below; El Alto 4150 m, La Rinconada 5100 m
BASINS = ((35.0, 30.5, 36.0, 33.5), (87.0, 42.0, 91.0, 43.6), (39.5, 11.0, 42.9, 15.0))  # Jordan, Turpan, Danakil
STEEP_SHARE = 0.1  # no city has more ground than this that is steeper than 45 degrees
LEAST_COVERED = 0.5  # a terrain model must know the ground of this share of the boundary
BEYOND_M = 100.0  # read this far beyond the extent, so that its rim has neighbours
SOUNDINGS = (-1000.0, 9000.0)  # metres; anything else is a missing value that nobody declared
DRIVERS = {  # by ending; none that can name another file or a web address
    **dict.fromkeys((".tif", ".tiff"), "GTiff"),
    ".hgt": "SRTMHGT",
    ".img": "HFA",
    ".asc": "AAIGrid",
    **dict.fromkeys((".bil", ".flt"), "EHdr"),
}
MOST_CELLS = 25_000_000  # of the grid, and of what is kept of one raster; finer ones are averaged down to it
MOST_READ = 400_000_000  # cells of one raster within the extent, such as 20 km by 20 km at 1 m
AT_ONCE = 1_000_000  # cells that are warped together
ROUNDING = 1e-6  # of a cell
SOUNDED = 1 << 15  # points whose ground is looked for together, so that little is kept at a time
PATCH = 100  # cells a side, by which their size in the study CRS is told
MOST_WARPED = 4 * MOST_CELLS  # turning a grid may take more cells, not many times more
MOST_BLOCK = 64_000_000  # cells that have to be unpacked at once
FARTHEST, SMALLEST = 1e9, 1e-18  # of a corner in metres, and of the area of a cell in square degrees
MOST_UNZIPPED = 1 << 29  # bytes
_UNSOUND_ZIP = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
)  # the last but one: a password


@dataclass(frozen=True)
class Terrain:
    """Heights of the ground on a grid in the study CRS.

    Parameters
    ----------
    heights : ndarray, shape (rows, columns)
        Metres, north row first; NaN where the height is not known.
    transform : tuple of float
        Affine coefficients (a, b, c, d, e, f) from column and row to x and y; b and d are 0.
    crs : CRS
        The study CRS.
    name : str
        The file, for the manifest.

    Examples
    --------
    >>> import numpy as np
    >>> from pyproj import CRS
    >>> slope = np.array([[200.0, 210.0], [200.0, 210.0]], dtype=np.float32)
    >>> terrain = Terrain(slope, (30.0, 0.0, 0.0, 0.0, -30.0, 60.0), CRS("EPSG:32648"), "slope")
    >>> terrain.at(np.array([[15.0, 30.0], [30.0, 30.0], [99.0, 30.0]])).tolist()
    [200.0, 205.0, nan]
    """

    heights: NDArray[np.float32]
    transform: tuple[float, float, float, float, float, float]
    crs: CRS
    name: str

    def at(self, xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Height at each point, bilinear between cell centres.

        Parameters
        ----------
        xy : ndarray, shape (n, 2)
            Points in the study CRS.

        Returns
        -------
        ndarray, shape (n,)
            Metres; NaN outside the grid and beside cells without a height.
        """
        return self._between(*self._cells(np.asarray(xy, dtype=float).reshape(-1, 2)))

    def ground(self, xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Height of the ground beneath roofs and trees: a low percentile of a window around each point.

        Nine heights over 45 m by 45 m, of which the 20th percentile is taken; on an even slope this moves all heights
        by one amount, so rises stay true.

        Parameters
        ----------
        xy : ndarray, shape (n, 2)
            Points in the study CRS.

        Returns
        -------
        ndarray, shape (n,)
            Metres; NaN where the height at the point itself is not known.
        """
        points = np.asarray(xy, dtype=float).reshape(-1, 2)
        found = np.empty(len(points))
        for first in range(0, len(points), SOUNDED):
            some = slice(first, first + SOUNDED)
            sides = [self._cells(points[some] + step) for step in (-WINDOW_M / 3, 0.0, WINDOW_M / 3)]
            window = np.stack([self._between(column, row) for column, _ in sides for _, row in sides])
            window = np.where(np.isnan(window), window[len(window) // 2], window)
            found[some] = np.percentile(window, GROUND_PERCENTILE, axis=0)
        return found

    def _cells(self, points: NDArray[np.float64]) -> tuple[_Cells, _Cells]:
        """The columns and the rows between whose centres points lie."""
        rows, columns = self.heights.shape
        a, _, c, _, e, f = self.transform
        return _cells((points[:, 0] - c) / a - 0.5, columns), _cells((points[:, 1] - f) / e - 0.5, rows)

    def _between(self, column: _Cells, row: _Cells) -> NDArray[np.float64]:
        """Heights between the centres of four cells; NaN outside the grid."""
        found = np.zeros(len(column.low))
        if not self.heights.size:
            return np.full_like(found, np.nan)
        for down, line in ((1 - row.share, row.low), (row.share, row.high)):
            for across, place in ((1 - column.share, column.low), (column.share, column.high)):
                weight = across * down
                cell = self.heights.take(line * self.heights.shape[1] + place)
                found += np.where(weight > 0, weight * cell, 0.0)  # an unknown cell that weighs nothing is no matter
        return np.where(column.inside & row.inside, found, np.nan)


class _Cells(NamedTuple):
    """Cells of one axis that places lie between, and the share of the way from the lower centre to the higher."""

    low: NDArray[np.intp]
    high: NDArray[np.intp]
    share: NDArray[np.float64]
    inside: NDArray[np.bool_]


def _cells(place: NDArray[np.float64], count: int) -> _Cells:
    """Where places lie on an axis of so many cells, counted in cells from the centre of the first."""
    inside = np.abs(place - (count - 1) / 2) <= count / 2
    place = np.clip(np.where(inside, place, 0), 0, count - 1)
    low = place.astype(np.intp)
    return _Cells(low, np.minimum(low + 1, count - 1), place - low, inside)


# -------------------------------------------------------------------------------------------------- reading rasters


def read_terrain(path: Path | str | Sequence[Path | str], area: StudyArea) -> Terrain:
    """Read terrain rasters and warp them once to one grid in the study CRS.

    The cells of the grid are about as fine as those of the finest raster. Several rasters may differ in CRS and in
    cell size. Where they overlap the first named wins; where it knows no height, the next that does.

    Parameters
    ----------
    path : Path or sequence of Path
        GeoTIFF, ``.hgt``, ``.img``, ``.asc``, ``.bil``, ``.flt``, or a GeoTIFF or ``.hgt`` in a ``.zip``; any CRS;
        heights in metres.
    area : StudyArea
        Only its extent is read. Rasters may cover a part of the extent; outside them heights are unknown.

    Returns
    -------
    Terrain

    Raises
    ------
    SourceError
        When a file is missing or cannot be read; every such file is named.
    DataError
        When one has no CRS, is not in metres or is too large to read, or when all miss the area.

    Warns
    -----
    Circle15Warning
        When one of several misses the area, or when hills are too steep for heights in metres.
    """
    paths = [Path(path)] if isinstance(path, str | Path) else [Path(one) for one in path]
    if not paths:
        raise SourceError(Finding("[heights] terrain", "no raster was named", "Name at least one file"))
    tiles: list[_Tile] = []
    errors: list[Circle15Error] = []
    beside: list[Finding] = []
    for one in paths:
        try:
            tile = _read_tile(one, area)
        except Circle15Error as error:
            errors.append(error)
        else:
            if isinstance(tile, _Tile):
                tiles.append(tile)
            else:
                beside.append(tile)
    if errors:
        kind = type(errors[0]) if len({type(error) for error in errors}) == 1 else SourceError
        raise kind(*(finding for error in errors for finding in error.findings))
    if not tiles:
        raise DataError(*beside)
    for finding in beside:
        warnings.warn(str(Finding(finding.where, finding.problem, "It was left out")), Circle15Warning, stacklevel=2)
    heights, grid = _mosaic(tiles, area)
    terrain = Terrain(heights, grid[:6], area.crs, ", ".join(one.name for one in paths))
    _require_plausible(terrain, area)
    return terrain


@dataclass(frozen=True)
class _Tile:
    """What one raster knows of the extent, in its own CRS; NaN where it knows nothing."""

    heights: NDArray[np.float32]
    placed: Affine  # of cell numbers
    first: tuple[int, int]  # row and column of the first cell of `heights`, by those numbers
    crs: Any
    grid: Affine  # what it would be warped to on its own
    shape: tuple[int, int]

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east and north of that grid."""
        west, north = self.grid * (0, 0)
        east, south = self.grid * (self.shape[1], self.shape[0])
        return west, south, east, north


def _read_tile(path: Path, area: StudyArea) -> _Tile | Finding:
    """The part of a raster that the extent needs, or what to say when there is none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)  # said below, as a finding
            warnings.simplefilter("ignore", PendingDeprecationWarning)  # rasterio 1.4 on affine 3 warns of itself
            with _unzipped(path) as address, rasterio.open(address, driver=_driver(address, path.name)) as raster:
                _require_usable(raster, path.name)
                return _windowed(raster, area, path.name)
    except (RasterioError, CPLE_BaseError, OSError, *_UNSOUND_ZIP) as error:
        if isinstance(error, Circle15Error):
            raise
        problem = "there is no such file" if not path.is_file() else f"it cannot be read as a raster ({error})"
        raise SourceError(Finding(path.name, problem, "Give a GeoTIFF or .hgt file of heights")) from error


@contextmanager
def _unzipped(path: Path) -> Iterator[str]:
    """What GDAL opens: the file, or the one raster of a zip, taken out of it with its checksum tested."""
    if path.suffix.lower() != ".zip":
        yield str(path)
        return
    with tempfile.TemporaryDirectory(prefix="circle15-") as folder, zipfile.ZipFile(path) as packed:
        inside = [one for one in packed.infolist() if one.filename.lower().endswith((".hgt", ".tif", ".tiff"))]
        if len(inside) != 1:
            problem = f"it holds {len(inside)} rasters"
            raise DataError(Finding(path.name, problem, "Give a zip with exactly one .hgt or .tif file"))
        if inside[0].file_size > MOST_UNZIPPED:
            problem = f"it unpacks to {inside[0].file_size:,} bytes"
            raise DataError(Finding(path.name, problem, "Unpack it yourself and cut the raster to the study area"))
        out = Path(folder) / Path(inside[0].filename).name
        with packed.open(inside[0]) as source, out.open("wb") as target:
            shutil.copyfileobj(source, target)
        yield str(out)


def _driver(address: str, where: str) -> str:
    """What reads a file of that ending; GDAL would go by the content, which may point anywhere."""
    ending = Path(address).suffix.lower()
    if ending not in DRIVERS:
        known = ", ".join((*DRIVERS, ".zip"))
        problem = f"its ending does not say that it is a raster of a known kind ({known})"
        raise SourceError(Finding(where, problem, "Give a GeoTIFF or .hgt file of heights"))
    return DRIVERS[ending]


def _require_usable(raster: Any, where: str) -> None:  # noqa: ANN401  rasterio is untyped
    found = []
    if raster.crs is None:
        mend = "Give a raster that states its CRS, or set it with gdal_edit -a_srs"
        found.append(Finding(where, "the CRS is not stated", mend))
    unit = (raster.units[0] or "m").lower()
    if unit not in ("m", "metre", "meter", "metres", "meters"):
        found.append(Finding(where, f"heights are in {unit}", "Give heights in metres"))
    if not _is_placed(raster.transform):
        mend = "Give a raster whose corners and cells have their right place"
        found.append(Finding(where, "the place or the size of its cells is beyond any map", mend))
    if math.prod(raster.block_shapes[0]) > MOST_BLOCK:
        rows, columns = raster.block_shapes[0]
        problem = f"it is one block of {columns:,} by {rows:,} cells, too large to unpack"
        found.append(Finding(where, problem, "Write it anew in tiles, with gdal_translate -co TILED=YES"))
    if found:
        raise DataError(*found)


def _is_placed(transform: Affine) -> bool:
    """Whether cells are of a size and in a place that degrees or metres can be."""
    return bool(max(map(abs, transform)) < FARTHEST and abs(transform.determinant) > SMALLEST)


def _degrees(bounds: tuple[float, ...], crs: Any) -> str:  # noqa: ANN401
    west, south, east, north = transform_bounds(crs, "EPSG:4326", *bounds)
    return f"{west:.4f} to {east:.4f}, {south:.4f} to {north:.4f}"


def _windowed(raster: Any, area: StudyArea, where: str) -> _Tile | Finding:  # noqa: ANN401
    """The window of a raster that the extent needs, averaged down where it is finer than memory allows."""
    target = area.crs.to_wkt()
    there = from_bounds(*transform_bounds(target, raster.crs, *_wanted(area)), raster.transform)
    if not np.isfinite([there.col_off, there.row_off, there.width, there.height]).all():
        problem = "its place cannot be brought to the study area"
        raise DataError(Finding(where, problem, "Give a raster whose corners and CRS are right"))
    left, top = max(0, math.floor(there.col_off) - 1), max(0, math.floor(there.row_off) - 1)
    right = min(raster.width, math.ceil(there.col_off + there.width) + 1)
    bottom = min(raster.height, math.ceil(there.row_off + there.height) + 1)
    if right - left < 2 or bottom - top < 2:  # noqa: PLR2004  bilinear needs two cells
        ours, its = _degrees(area.boundary.bounds, area.crs), _degrees(raster.bounds, raster.crs)
        problem = f"it does not overlap the area; it lies at longitude and latitude {its}, the area at {ours}"
        return Finding(where, problem, "Give a terrain model of this area")
    window = Window(left, top, right - left, bottom - top)
    cells = window.width * window.height
    if cells > MOST_READ:
        problem = f"{window.width:,} by {window.height:,} of its cells lie within the study area, too many to read"
        raise DataError(Finding(where, problem, "Make it coarser, for example with gdal_translate -tr 5 5 -r average"))
    coarser = max(1.0, math.sqrt(cells / MOST_CELLS))
    shape = math.ceil(window.height / coarser), math.ceil(window.width / coarser)
    heights = raster.read(1, window=window, out_shape=shape, resampling=Resampling.average, out_dtype=np.float32)
    heights[raster.read_masks(1, window=window, out_shape=shape) == 0] = np.nan
    heights = heights * raster.scales[0] + raster.offsets[0]
    heights[(heights < SOUNDINGS[0]) | (heights > SOUNDINGS[1])] = np.nan
    whole = coarser == 1.0  # then cells are numbered as the raster numbers them, whatever the window is
    placed = raster.window_transform(window) * Affine.scale(window.width / shape[1], window.height / shape[0])
    placed, first = (raster.transform, (top, left)) if whole else (placed, (0, 0))
    bounds = raster.window_bounds(window)
    own = raster.crs == area.crs and raster.transform.a == -raster.transform.e and coarser == 1.0
    side, anchor = (
        (raster.transform.a, raster.transform) if own else (_cell_m(raster, area) * coarser, Affine.identity())
    )
    grid, (rows, columns) = _lattice(transform_bounds(raster.crs, target, *bounds), side, anchor=(anchor.c, anchor.f))
    if min(columns, rows) < 1 or columns * rows > MOST_WARPED:
        problem = f"brought to the study area it would have {columns:,} by {rows:,} cells"
        raise DataError(Finding(where, problem, "Give a raster whose cells are about as wide as high"))
    return _Tile(heights.astype(np.float32), placed, first, raster.crs, grid, (rows, columns))


def _cell_m(raster: Any, area: StudyArea) -> float:  # noqa: ANN401
    """The side of a cell in the study CRS, the same for every part of an area: told where raster and CRS meet."""
    use = area.crs.area_of_use
    west, south, east, north = raster.bounds
    x, y = (west + east) / 2, (south + north) / 2
    if use is not None:
        middle = (use.west + use.east) / 2, (use.south + use.north) / 2
        (x,), (y,) = transform("EPSG:4326", raster.crs, [middle[0]], [middle[1]])
        x, y = (min(max(at, low), high) for at, low, high in ((x, west, east), (y, south, north)))
    wide, high = PATCH * abs(raster.transform.a), PATCH * abs(raster.transform.e)
    patch = (x - wide / 2, y - high / 2, x + wide / 2, y + high / 2)
    grid, *_ = calculate_default_transform(raster.crs, area.crs.to_wkt(), PATCH, PATCH, *patch)
    return float(grid.a)


def _lattice(
    bounds: Sequence[float], side: float, *, anchor: tuple[float, float] = (0.0, 0.0)
) -> tuple[Affine, tuple[int, int]]:
    """A grid over bounds whose cells are counted from an anchor, so that every part of an area has the same."""
    if not (np.isfinite(bounds).all() and np.isfinite(side) and side > 0):
        return Affine.identity(), (0, 0)
    west, south, east, north = (np.asarray(bounds) - (*anchor, *anchor)) / side
    left, bottom = math.floor(west + ROUNDING), math.floor(south + ROUNDING)
    right, top = math.ceil(east - ROUNDING), math.ceil(north - ROUNDING)
    corner = anchor[0] + left * side, anchor[1] + top * side
    return Affine(side, 0, corner[0], 0, -side, corner[1]), (top - bottom, right - left)


def _wanted(area: StudyArea) -> tuple[float, float, float, float]:
    west, south, east, north = area.extent.buffer(BEYOND_M).bounds
    return west, south, east, north


def _mosaic(tiles: Sequence[_Tile], area: StudyArea) -> tuple[NDArray[np.float32], Affine]:
    """All tiles on one grid; the first that knows a height gives it."""
    grid, shape = (tiles[0].grid, tiles[0].shape) if len(tiles) == 1 else _common_grid(tiles, area)
    heights = np.full(shape, np.nan, dtype=np.float32)
    for tile in tiles:
        own = _warped(tile, grid, shape, area)
        heights = np.where(np.isnan(heights), own, heights)
    return heights, grid


def _warped(tile: _Tile, grid: Affine, shape: tuple[int, int], area: StudyArea) -> NDArray[np.float32]:
    """Bilinear heights at the middle of every cell of a grid; a neighbour without a height does not count.

    Reckoned from the raster's own numbering of cells: a part of an area gets what the whole gets, but for rounding.
    """
    to_raster = Transformer.from_crs(area.crs, tile.crs, always_xy=True)
    rows, columns = tile.heights.shape
    x = grid.c + (np.arange(shape[1]) + 0.5) * grid.a
    own = np.full(shape, np.nan, dtype=np.float32)
    step = max(1, AT_ONCE // max(shape[1], 1))
    for first in range(0, shape[0], step):
        y = grid.f + (np.arange(first, min(first + step, shape[0])) + 0.5) * grid.e
        across, down = to_raster.transform(*(side.ravel() for side in np.meshgrid(x, y)))
        column, row = ~tile.placed * (np.asarray(across), np.asarray(down))
        column, row = column - 0.5, row - 0.5
        known = np.isfinite(column) & np.isfinite(row)
        left, top = np.floor(np.where(known, column, -9)), np.floor(np.where(known, row, -9))
        total, weight = np.zeros(len(column)), np.zeros(len(column))
        for aside in (0, 1):
            for below in (0, 1):
                at = (top + below).astype(int) - tile.first[0], (left + aside).astype(int) - tile.first[1]
                there = (at[0] >= 0) & (at[0] < rows) & (at[1] >= 0) & (at[1] < columns)
                value = np.full(len(column), np.nan)
                value[there] = tile.heights[at[0][there], at[1][there]]
                share = (1 - np.abs(column - left - aside)) * (1 - np.abs(row - top - below))
                counts = np.isfinite(value) & (share > 0)
                total[counts] += share[counts] * value[counts]
                weight[counts] += share[counts]
        found = np.divide(total, weight, out=np.full(len(total), np.nan), where=weight > 0)
        own[first : first + len(y)] = found.reshape(len(y), -1)
    return own


def _common_grid(tiles: Sequence[_Tile], area: StudyArea) -> tuple[Affine, tuple[int, int]]:
    """A grid over all tiles within what is wanted, as fine as the finest of them and memory allow."""
    west, south, east, north = _wanted(area)
    sides = np.array([tile.bounds for tile in tiles])
    west, south = max(west, sides[:, 0].min()), max(south, sides[:, 1].min())
    east, north = min(east, sides[:, 2].max()), min(north, sides[:, 3].max())
    side = min(min(tile.grid.a, -tile.grid.e) for tile in tiles)
    side = max(side, math.sqrt((east - west) * (north - south) / MOST_CELLS))
    return _lattice((west, south, east, north), side)


def _require_plausible(terrain: Terrain, area: StudyArea) -> None:
    """Refuse heights that miss the boundary or that no city has; warn of hills that are too steep to be in metres."""
    west, south, east, north = area.boundary.bounds
    side = max(east - west, north - south) / 200
    grid = Affine(side, 0, west, 0, -side, north)
    shape = (max(1, round((north - south) / side)), max(1, round((east - west) / side)))
    row, column = np.nonzero(geometry_mask([area.boundary], shape, grid, invert=True, all_touched=True))
    centres = np.column_stack([west + (column + 0.5) * side, north - (row + 0.5) * side])
    heights = terrain.at(centres)
    known = np.isfinite(heights)
    if known.mean() < LEAST_COVERED:
        problem = f"it knows the ground of only {known.mean():.0%} of the boundary"
        mend = f"Give a terrain model that covers longitude and latitude {_degrees(area.boundary.bounds, area.crs)}"
        raise DataError(Finding(terrain.name, problem, mend))
    low, middle = np.percentile(heights[known], [10, 50])
    lon, lat = transform_bounds(area.crs.to_wkt(), "EPSG:4326", *area.boundary.bounds)[:2]
    basin = any(w <= lon <= e and s <= lat <= n for w, s, e, n in BASINS)
    if middle > HIGHEST_M:
        problem = f"half of the area would lie above {middle:,.0f} m, where nobody lives"
        raise DataError(Finding(terrain.name, problem, "Give heights in metres, not in feet or decimetres"))
    if low < LOWEST_M and not basin:
        problem = f"a tenth of the area would lie below {low:,.0f} m, where nobody lives"
        raise DataError(Finding(terrain.name, problem, "Give heights that grow upwards, with nodata declared"))
    there = terrain.at(centres + np.array([30.0, 0.0])), terrain.at(centres + np.array([0.0, 30.0]))
    slope = np.hypot(*(one - heights for one in there)) / 30.0
    steep = float((slope[np.isfinite(slope)] > 1.0).mean()) if np.isfinite(slope).any() else 0.0
    if steep > STEEP_SHARE:
        message = f"{terrain.name}: {steep:.0%} of the ground would be steeper than 45 degrees; are heights in metres?"
        warnings.warn(message, Circle15Warning, stacklevel=3)
