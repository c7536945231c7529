"""A raster of people (WorldPop, GHS-POP and the like) to cells with people inside the boundary."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import rasterio
import shapely
from pyproj import Transformer
from pyproj.exceptions import ProjError
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.warp import transform_bounds
from rasterio.windows import Window

from circle15.errors import DataError, Finding, SourceError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from rasterio.transform import Affine

    from circle15.tables import StudyArea

MOST_CELLS = 1_000_000  # in the window of the boundary: 10,000 km² in cells of 100 m
MOST_BLOCK = 64_000_000  # cells that have to be unpacked together
MOST_PEOPLE = 10_000_000.0  # in one cell; anything above is a missing value that nobody declared
LEAST_COVERED = 0.95  # the raster must reach over this share of the boundary
SAMPLES = 60  # along each side of the boundary, to see how much of it the raster reaches over
DENSITY = re.compile(
    r"densit|\b(?:per|each)[ _]?(?:sq|km|hectare|ha\b)|/ ?(?:sq|km|ha\b|hectare)|\bkm-2|密度|每平方|/ ?平方"
)
MEND = "Give a GeoTIFF of people per cell, such as a WorldPop count"


@dataclass(frozen=True)
class PeopleRaster:
    """Cells with people, cut at the boundary.

    Parameters
    ----------
    people : ndarray, shape (cells,)
        Residents within the boundary; of a cell that it cuts, the share of its area that lies inside.
    xy : ndarray, shape (cells, 2)
        The centre of each cell in the study CRS; where that lies outside the boundary, a point of the part inside.
    number : ndarray of int, shape (rows, columns)
        Of each cell of the raster's window: its position in `people`, -1 where nobody lives.
    to_cell : Transformer
        From the study CRS to the CRS of the raster.
    transform : Affine
        From column and row of the window to the CRS of the raster.
    name : str
        The file.
    """

    people: NDArray[np.float64]
    xy: NDArray[np.float64]
    number: NDArray[np.int64]
    to_cell: Transformer
    transform: Affine
    name: str

    def cell(self, xy: NDArray[np.float64]) -> NDArray[np.int64]:
        """Position in `people` of the cell that each point lies in, -1 for none.

        Parameters
        ----------
        xy : ndarray, shape (n, 2)
            In the study CRS.

        Returns
        -------
        ndarray of int, shape (n,)
            A point on the line between two cells lies in one of them only.
        """
        column, row = _through(~self.transform, *self.to_cell.transform(*xy.T))
        rows, columns = self.number.shape
        inside = (column >= 0) & (column < columns) & (row >= 0) & (row < rows)
        down, across = np.where(inside, row, 0).astype(int), np.where(inside, column, 0).astype(int)
        return np.where(inside, self.number[down, across], -1)


def read_people_raster(path: Path | str, area: StudyArea) -> PeopleRaster:
    """Read a raster of people per cell, as far as it lies in the boundary.

    Parameters
    ----------
    path : Path
        A GeoTIFF with one band in any CRS; cells without data hold nobody.
    area : StudyArea
        Only its boundary is read.

    Returns
    -------
    PeopleRaster

    Raises
    ------
    SourceError
        When the file is missing or cannot be read.
    DataError
        When it states no CRS, has several bands, holds people per km2 or negative numbers, is too fine for the
        boundary, does not reach over it, or knows nobody in it.
    """
    path = Path(path)
    if not path.is_file():
        raise SourceError(Finding(path.name, "there is no such file", "Check the path"))
    try:
        with warnings.catch_warnings(), np.errstate(over="ignore", invalid="ignore"):  # infinite is refused below
            warnings.simplefilter("ignore", NotGeoreferencedWarning)  # said below, as a finding
            warnings.simplefilter("ignore", PendingDeprecationWarning)  # rasterio 1.4 on affine 3 warns of itself
            with rasterio.open(path, driver="GTiff") as raster:
                _require_usable(raster, path.name)
                window = _window(raster, area, path.name)
                counts = _counts(raster, window, path.name)
                corner = raster.window_transform(window)
                return _cut(counts, corner, area, crs=raster.crs.to_wkt(), where=path.name)
    except (RasterioError, ProjError, UnicodeDecodeError) as error:
        raise SourceError(Finding(path.name, f"it cannot be read as a GeoTIFF ({error})", MEND)) from error


def _through(transform: Affine, x: NDArray[Any], y: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """An affine transform of many points, alike under every version of affine."""
    a, b, c, d, e, f = transform[:6]
    return a * x + b * y + c, d * x + e * y + f


def _require_usable(raster: Any, where: str) -> None:  # noqa: ANN401  rasterio is untyped
    found = []
    if raster.crs is None:
        found.append(Finding(where, "the CRS is not stated", "Give a raster that states its CRS"))
    size = raster.transform.determinant
    if not np.isfinite(size) or size == 0:
        found.append(Finding(where, "its cells have no size", "Give a raster that states where its cells lie"))
    if "complex" in raster.dtypes[0]:
        found.append(Finding(where, "its numbers are complex", MEND))
    if raster.count != 1:
        found.append(Finding(where, f"it has {raster.count} bands", "Give one band: all residents"))
    tags = {**raster.tags(), **raster.tags(1)}
    said = [raster.units[0], raster.descriptions[0], *(f"{key}={value}" for key, value in sorted(tags.items()))]
    density = [one for one in said if one and DENSITY.search(one.lower())]
    if density:
        found.append(Finding(where, f"it holds a density, not people per cell ({density[0][:80]})", MEND))
    if np.prod(raster.block_shapes[0], dtype=float) > MOST_BLOCK:
        rows, columns = raster.block_shapes[0]
        problem = f"it is stored in blocks of {columns:,} x {rows:,} cells"
        found.append(Finding(where, problem, "Save it with tiles, or cut out the area"))
    if found:
        raise DataError(*found)


def _window(raster: Any, area: StudyArea, where: str) -> Window:  # noqa: ANN401
    """The cells around the boundary, refused before they are read when they are too many or too few."""
    west, south, east, north = area.boundary.bounds
    x, y = np.meshgrid(np.linspace(west, east, SAMPLES), np.linspace(south, north, SAMPLES))
    to_raster = Transformer.from_crs(area.crs, raster.crs.to_wkt(), always_xy=True)
    column, row = _through(~raster.transform, *to_raster.transform(x.ravel(), y.ravel()))
    reached = (column >= 0) & (column <= raster.width) & (row >= 0) & (row <= raster.height)
    matters = shapely.intersects_xy(area.boundary, x.ravel(), y.ravel())
    share = reached[matters].mean() if matters.any() else reached.mean()
    if share < LEAST_COVERED:
        ours = transform_bounds(area.crs.to_wkt(), "EPSG:4326", west, south, east, north)
        said = "misses the area" if share == 0 else f"reaches over only {share:.0%} of the boundary"
        place = f"longitude {ours[0]:.4f} to {ours[2]:.4f}, latitude {ours[1]:.4f} to {ours[3]:.4f}"
        raise DataError(Finding(where, f"it {said}", f"Give a raster of people that covers {place}"))
    left, top = max(0, int(column[reached].min()) - 1), max(0, int(row[reached].min()) - 1)
    right = min(raster.width, int(column[reached].max()) + 2)
    bottom = min(raster.height, int(row[reached].max()) + 2)
    cells = (right - left) * (bottom - top)
    if cells > MOST_CELLS:
        problem = f"it has {cells:,} cells around the boundary, more than {MOST_CELLS:,}"
        raise DataError(Finding(where, problem, "Give a raster with larger cells, such as 100 m"))
    return Window(left, top, right - left, bottom - top)


def _counts(raster: Any, window: Window, where: str) -> NDArray[np.float64]:  # noqa: ANN401
    """People of each cell of the window; 0 where the raster has no data."""
    values = raster.read(1, window=window).astype(float) * raster.scales[0] + raster.offsets[0]
    known = (raster.read_masks(1, window=window) > 0) & ~np.isnan(values)
    bad = known & ((values < 0) | (values > MOST_PEOPLE))
    if bad.any():
        problem = f"{bad.sum():,} of {bad.size:,} cells hold a number of people below 0 or above {MOST_PEOPLE:,.0f}"
        problem += f" (first: {values[bad][0]:g})"
        raise DataError(Finding(where, problem, "State it as the no-data value, or give another raster"))
    return np.where(known, values, 0.0)


def _cut(counts: NDArray[np.float64], corner: Affine, area: StudyArea, *, crs: str, where: str) -> PeopleRaster:
    """The cells with people, cut at the boundary."""
    row, column = np.nonzero(counts > 0)
    to_study = Transformer.from_crs(crs, area.crs, always_xy=True)

    def placed(across: float, down: float) -> NDArray[np.float64]:
        return np.column_stack(to_study.transform(*_through(corner, column + across, row + down)))

    rings = np.stack([placed(across, down) for across, down in ((0, 0), (1, 0), (1, 1), (0, 1), (0, 0))], axis=1)
    cells, centres = np.atleast_1d(np.asarray(shapely.polygons(rings), dtype=object)), placed(0.5, 0.5)
    shapely.prepare(area.boundary)
    crossed = ~shapely.contains_properly(area.boundary, cells)
    inside, share = cells.copy(), np.ones(len(cells))
    inside[crossed] = shapely.intersection(cells[crossed], area.boundary)
    share[crossed] = shapely.area(inside[crossed]) / shapely.area(cells[crossed])
    kept = np.flatnonzero(share > 0)
    if not len(kept):
        raise DataError(Finding(where, "it knows nobody within the boundary", MEND))
    astray = (share > 0) & ~shapely.intersects_xy(area.boundary, *centres.T)
    centres[astray] = shapely.get_coordinates(shapely.point_on_surface(inside[astray]))
    number = np.full(counts.shape, -1)
    number[row[kept], column[kept]] = np.arange(len(kept))
    return PeopleRaster(
        people=(counts[row, column] * share)[kept],
        xy=centres[kept],
        number=number,
        to_cell=Transformer.from_crs(area.crs, crs, always_xy=True),
        transform=corner,
        name=where,
    )
