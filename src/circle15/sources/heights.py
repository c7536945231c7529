"""Terrain raster to the rise of every link, with bridges, tunnels and lifts repaired.

Free terrain models are surface models: roofs, trees and decks are in them, and cells are 30 m wide. So a height is
never the raw cell: the ground is a low percentile of a window, decks and tunnels run straight between their ends, and
no street is steeper than streets are. What the terrain cannot say is a default, and `evidence` says so.
"""

from __future__ import annotations

import warnings
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import rasterio
import shapely
from rasterio.enums import Resampling
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.features import geometry_mask
from rasterio.transform import Affine
from rasterio.warp import calculate_default_transform, reproject, transform_bounds
from rasterio.windows import Window, from_bounds
from scipy.sparse import csr_array, diags_array
from scipy.sparse.linalg import spsolve

from circle15.errors import DataError, Finding, SourceError

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray
    from pyproj import CRS

    from circle15.tables import StudyArea

PIECE_M = 15.0  # no stretch between two heights is longer
WINDOW_M = 45.0  # the ground is looked for in a window this wide
GROUND_PERCENTILE = 20.0
LEAST_COVERED = 0.5  # a terrain model must know the ground of this share of the boundary
BEYOND_M = 100.0  # read this far beyond the extent, so that its rim has neighbours
SOUNDINGS = (-1000.0, 9000.0)  # metres; anything else is a missing value that nobody declared

STEEPEST = {"street": 0.15, "crossing": 0.15}  # rise over run
STEEPEST_OTHER = 0.25
INCLINED = {"stairs": (0.25, 0.75), "escalator": (0.30, 0.65)}  # least and most rise over run
INCLINED_DEFAULT = 0.5
LIFT_LEAST_M, LIFT_DEFAULT_M = 3.0, 12.0


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
        points = np.asarray(xy, dtype=float).reshape(-1, 2)
        rows, columns = self.heights.shape
        if not rows or not columns:
            return np.full(len(points), np.nan)
        a, _, c, _, e, f = self.transform
        column = (points[:, 0] - c) / a - 0.5
        row = (points[:, 1] - f) / e - 0.5
        inside = (np.abs(column - (columns - 1) / 2) <= columns / 2) & (np.abs(row - (rows - 1) / 2) <= rows / 2)
        column = np.clip(np.where(inside, column, 0), 0, columns - 1)
        row = np.clip(np.where(inside, row, 0), 0, rows - 1)
        left, top = np.floor(column).astype(int), np.floor(row).astype(int)
        across, down = column - left, row - top
        found = np.zeros(len(points))
        for east, south in ((0, 0), (1, 0), (0, 1), (1, 1)):
            weight = np.where(east, across, 1 - across) * np.where(south, down, 1 - down)
            cell = self.heights[np.minimum(top + south, rows - 1), np.minimum(left + east, columns - 1)]
            found += np.where(weight > 0, weight * cell, 0.0)  # an unknown cell that weighs nothing is no matter
        return np.where(inside, found, np.nan)

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
        centre = self.at(points)
        steps = (-WINDOW_M / 3, 0.0, WINDOW_M / 3)
        window = np.stack([self.at(points + np.array([east, north])) for east in steps for north in steps])
        window = np.where(np.isnan(window), centre, window)
        return np.asarray(np.percentile(window, GROUND_PERCENTILE, axis=0), dtype=float)


# -------------------------------------------------------------------------------------------------- reading a raster


def read_terrain(path: Path | str, area: StudyArea) -> Terrain:
    """Read a terrain raster and warp it once to the study CRS.

    Parameters
    ----------
    path : Path
        GeoTIFF or any raster that GDAL reads, ``.hgt``, or one of them in a ``.zip``; any CRS; heights in metres.
    area : StudyArea
        Only its extent is read. A raster may cover a part of the extent; outside it heights are unknown.

    Returns
    -------
    Terrain

    Raises
    ------
    SourceError
        When the file is missing or cannot be read.
    DataError
        When it has no CRS, is not in metres, or misses the area.
    """
    path = Path(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)  # said below, as a finding
            warnings.simplefilter("ignore", PendingDeprecationWarning)  # rasterio 1.4 on affine 3 warns of itself
            with rasterio.open(_address(path)) as raster:
                _require_usable(raster, path.name)
                heights, transform = _warped(raster, area, path.name)
                covered = _covered(heights, transform, area)
    except (RasterioError, zipfile.BadZipFile, FileNotFoundError) as error:
        problem = "there is no such file" if not path.is_file() else f"it cannot be read as a raster ({error})"
        raise SourceError(Finding(path.name, problem, "Give a GeoTIFF or .hgt file of heights")) from error
    if covered < LEAST_COVERED:
        problem = f"it knows the ground of only {covered:.0%} of the boundary"
        mend = f"Give a terrain model that covers longitude and latitude {_degrees(area.boundary.bounds, area.crs)}"
        raise DataError(Finding(path.name, problem, mend))
    a, b, c, d, e, f = transform[:6]
    return Terrain(heights, (a, b, c, d, e, f), area.crs, path.name)


def _address(path: Path) -> str:
    """What GDAL opens: the file, or the one raster inside a zip."""
    if path.suffix.lower() != ".zip":
        return str(path)
    with zipfile.ZipFile(path) as folder:
        inside = [name for name in folder.namelist() if name.lower().endswith((".hgt", ".tif", ".tiff"))]
    if len(inside) != 1:
        problem = f"it holds {len(inside)} rasters"
        raise DataError(Finding(path.name, problem, "Give a zip with exactly one .hgt or .tif file"))
    return f"zip://{path.resolve()}!{inside[0]}"


def _require_usable(raster: Any, where: str) -> None:  # noqa: ANN401  rasterio is untyped
    found = []
    if raster.crs is None:
        mend = "Give a raster that states its CRS, or set it with gdal_edit -a_srs"
        found.append(Finding(where, "the CRS is not stated", mend))
    unit = (raster.units[0] or "m").lower()
    if unit not in ("m", "metre", "meter", "metres", "meters"):
        found.append(Finding(where, f"heights are in {unit}", "Give heights in metres"))
    if found:
        raise DataError(*found)


def _degrees(bounds: tuple[float, ...], crs: Any) -> str:  # noqa: ANN401
    west, south, east, north = transform_bounds(crs, "EPSG:4326", *bounds)
    return f"{west:.4f} to {east:.4f}, {south:.4f} to {north:.4f}"


def _warped(raster: Any, area: StudyArea, where: str) -> tuple[NDArray[np.float32], Affine]:  # noqa: ANN401
    """Heights on a grid in the study CRS, about as fine as the raster's own."""
    wanted = area.extent.buffer(BEYOND_M).bounds
    target = area.crs.to_wkt()
    there = from_bounds(*transform_bounds(target, raster.crs, *wanted), raster.transform)
    left, top = max(0, int(np.floor(there.col_off)) - 1), max(0, int(np.floor(there.row_off)) - 1)
    right = min(raster.width, int(np.ceil(there.col_off + there.width)) + 1)
    bottom = min(raster.height, int(np.ceil(there.row_off + there.height)) + 1)
    if right - left < 2 or bottom - top < 2:  # noqa: PLR2004  bilinear needs two cells
        ours, its = _degrees(area.boundary.bounds, area.crs), _degrees(raster.bounds, raster.crs)
        problem = f"it does not overlap the area; it lies at longitude and latitude {its}, the area at {ours}"
        raise DataError(Finding(where, problem, "Give a terrain model of this area"))
    window = Window(left, top, right - left, bottom - top)
    source = raster.read(1, window=window).astype(np.float32) * raster.scales[0] + raster.offsets[0]
    known = raster.read_masks(1, window=window) > 0
    source[~known | (source < SOUNDINGS[0]) | (source > SOUNDINGS[1])] = np.nan
    placed = raster.window_transform(window)
    grid, columns, rows = calculate_default_transform(
        raster.crs, target, window.width, window.height, *raster.window_bounds(window)
    )
    heights = np.full((rows, columns), np.nan, dtype=np.float32)
    reproject(
        source.astype(np.float32),
        heights,
        src_transform=placed,
        src_crs=raster.crs,
        src_nodata=np.nan,
        dst_transform=grid,
        dst_crs=target,
        dst_nodata=np.nan,
        resampling=Resampling.bilinear,
    )
    return heights, grid


def _covered(heights: NDArray[np.float32], transform: Affine, area: StudyArea) -> float:
    """Share of the boundary whose cells have a height."""
    terrain = Terrain(heights, transform[:6], area.crs, "")
    west, south, east, north = area.boundary.bounds
    side = max(east - west, north - south) / 200
    grid = Affine(side, 0, west, 0, -side, north)
    shape = (max(1, round((north - south) / side)), max(1, round((east - west) / side)))
    row, column = np.nonzero(geometry_mask([area.boundary], shape, grid, invert=True, all_touched=True))
    centres = np.column_stack([west + (column + 0.5) * side, north - (row + 0.5) * side])
    return float(np.isfinite(terrain.at(centres)).mean())


# --------------------------------------------------------------------------------------------------- heights of links


def with_heights(streets: gpd.GeoDataFrame, terrain: Terrain | None) -> gpd.GeoDataFrame:
    """Give every link its rise, what that rests on, and heights along its line.

    Heights belong to nodes, so links meet. Along a way they are taken every 15 m or closer and lightly smoothed.
    Bridges, tunnels, covered ways, corridors and the ways that lead to a lift are not sampled: they run straight (where
    they branch: as a balance of their branches) between the nodes where they meet other ways. Then heights are moved,
    as little as that allows, until no street rises more than 15 % and no other way more than 25 %: nodes stay
    consistent, and the rise of a street or path is the difference of its nodes.

    - Stairs and escalators climb as the terrain between their ends says, but at least 25 % and at most 75 % of their
      run (escalators 30 % to 65 %), upwards as ``incline`` says, else as the terrain says; without terrain 50 %.
    - Lifts climb from the height of the ways that lead to one landing to that of the others, at least 3 m; without
      terrain 12 m.
    - A rise that was surveyed or tagged is kept; stairs and escalators without an ``incline`` direction take the
      direction of the terrain. Other links without terrain have no known rise and count as level.

    Where evidence is ``terrain`` the line of a street or path is its profile; in all other cases `rise_m` holds and the
    heights on the line are only drawn.

    Parameters
    ----------
    streets : GeoDataFrame
        Streets in the study CRS; ids end in ``<`` where a link runs against its way. It is not changed.
    terrain : Terrain or None
        None: from tags and defaults only, and lines stay as they are.

    Returns
    -------
    GeoDataFrame
        With `rise_m` and `evidence` filled and lines with heights (NaN where not known); both directions of one piece
        have exactly opposite rises and reversed lines.
    """
    pieces = _pieces(streets)
    climb = np.full(len(pieces), np.nan)
    lines = pieces["geometry"].to_numpy()
    if terrain is not None and len(pieces):
        cut = _cut(pieces)
        heights = _heights(pieces, cut, terrain)
        lines, climb = _drawn(cut, heights)
    rise, evidence = _rises(pieces, climb)
    row = pieces.index.get_indexer(pd.Index(streets["piece"]))
    back = _against(streets)
    changed = streets.copy()
    changed["rise_m"] = np.where(back, 0.0 - rise[row], rise[row])
    changed["evidence"] = evidence[row]
    return changed.set_geometry(np.where(back, shapely.reverse(lines[row]), lines[row]), crs=streets.crs)


def _against(streets: pd.DataFrame) -> NDArray[np.bool_]:
    return streets.index.astype(str).str.endswith("<").astype(bool)


def _pieces(streets: gpd.GeoDataFrame) -> pd.DataFrame:
    """One row per undirected piece, in the direction of its way."""
    first = ~streets["piece"].duplicated().to_numpy()
    back = _against(streets)[first]
    rows = streets.loc[first]
    lines = rows.geometry.to_numpy()
    ends = rows[["from_node", "to_node"]].to_numpy(dtype=np.int64).reshape(-1, 2)
    ends = np.where(back[:, None], ends[:, ::-1], ends)
    kind = rows["kind"].to_numpy(dtype=object)
    inclined, lift = np.isin(kind, list(INCLINED)), kind == "lift"
    landing = np.isin(ends, ends[lift]).any(axis=1)
    raised = landing | np.isin(kind, ["bridge", "tunnel", "corridor"])
    for tag in ("bridge", "tunnel", "covered"):
        raised |= ~rows[tag].isna().to_numpy() & (rows[tag] != "no").to_numpy()
    nodes, numbers = np.unique(ends, return_inverse=True)
    numbers = numbers.reshape(-1, 2)
    rise = pd.to_numeric(rows["rise_m"]).to_numpy(dtype=float)
    return pd.DataFrame(
        {
            "start": numbers[:, 0],
            "end": numbers[:, 1],
            "nodes": len(nodes),
            "kind": kind,
            "run_m": rows["length_m"].to_numpy(dtype=float),
            "rise_m": np.where(back, 0.0 - rise, rise),
            "stated": np.isin(rows["evidence"].to_numpy(dtype=object), ["tag", "survey"]) & np.isfinite(rise),
            "evidence": rows["evidence"].to_numpy(dtype=object),
            "upwards": _upwards(rows["incline"]),
            "straight": raised & ~inclined & ~lift,
            "steep": inclined,
            "lift": lift,
            "geometry": np.where(back, shapely.reverse(lines), lines),
        },
        index=pd.Index(rows["piece"], name="piece"),
    )


def _upwards(incline: pd.Series) -> NDArray[np.float64]:
    """1 where the way is tagged to climb in its direction, -1 where to fall, 0 where that is not said."""
    text = incline.fillna("").astype(str).str.strip().str.lower()
    number = pd.to_numeric(text.str.extract(r"^([+-]?\d+(?:\.\d+)?)", expand=False))
    sign = np.sign(number.fillna(0.0).to_numpy(dtype=float))
    return np.where(text == "up", 1.0, np.where(text == "down", -1.0, sign))


@dataclass(frozen=True)
class _Cut:
    """The vertices of all pieces, cut short; a slot holds one height, and lines share the slots of their nodes."""

    xy: NDArray[np.float64]
    line: NDArray[np.int64]
    slot: NDArray[np.int64]
    along: NDArray[np.float64]  # metres from the start of the line

    @property
    def inner(self) -> NDArray[np.bool_]:
        """Vertices between the ends of a line."""
        change = np.flatnonzero(np.diff(self.line))
        inner = np.ones(len(self.line), dtype=bool)
        inner[[0, -1, *change, *(change + 1)]] = False
        return inner


def _cut(pieces: pd.DataFrame) -> _Cut:
    lines = shapely.force_2d(pieces["geometry"].to_numpy())
    long = shapely.length(lines) > PIECE_M
    lines[long] = shapely.segmentize(lines[long], PIECE_M)
    xy, line = shapely.get_coordinates(lines, return_index=True)
    step = np.hypot(*np.diff(xy, axis=0, prepend=xy[:1]).T)
    first = np.flatnonzero(np.diff(line, prepend=-1))
    total = np.cumsum(step)
    cut = _Cut(xy, line, np.empty(len(line), dtype=np.int64), total - total[first][line])
    inner = cut.inner
    cut.slot[inner] = int(pieces["nodes"].iloc[0]) + np.arange(inner.sum())
    cut.slot[first] = pieces["start"]
    cut.slot[np.append(first[1:], len(line)) - 1] = pieces["end"]
    return cut


def _heights(pieces: pd.DataFrame, cut: _Cut, terrain: Terrain) -> NDArray[np.float64]:
    """The height of every slot; NaN where it is not known."""
    xy = np.empty((cut.slot.max() + 1, 2))
    xy[cut.slot] = cut.xy
    raw = terrain.ground(xy)
    drawn = (pieces["straight"] | pieces["steep"] | pieces["lift"]).to_numpy()
    raw[cut.slot[cut.inner & drawn[cut.line]]] = np.nan
    raw = _smoothed(raw, cut)
    anchors, free = _anchors(pieces, raw)
    raw[free] = np.nan
    heights = _within_caps(raw, pieces, cut)
    heights = _balanced(heights, pieces, anchors, free)
    # what lies between known ends is straight
    z = heights[cut.slot]
    known = np.isfinite(z)
    if known.any():
        place = cut.line * (cut.along.max() + 1.0) + cut.along
        ends_known = np.bincount(cut.line, weights=~cut.inner & known, minlength=len(pieces)) == 2  # noqa: PLR2004
        fill = ~known & cut.inner & ends_known[cut.line]
        heights[cut.slot[fill]] = np.interp(place[fill], place[known], z[known])
    return heights


def _smoothed(raw: NDArray[np.float64], cut: _Cut) -> NDArray[np.float64]:
    """Bring each inner vertex half way to the straight line between its neighbours; nodes stay."""
    at = np.flatnonzero(cut.inner)
    z = raw[cut.slot]
    before, after = cut.along[at] - cut.along[at - 1], cut.along[at + 1] - cut.along[at]
    share = np.divide(before, before + after, out=np.full(len(at), 0.5), where=before + after > 0)
    middle = z[at - 1] * (1 - share) + z[at + 1] * share
    smooth = raw.copy()
    smooth[cut.slot[at]] = np.where(np.isnan(middle), z[at], (z[at] + middle) / 2)
    return smooth


def _anchors(pieces: pd.DataFrame, raw: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Of the nodes of bridges, tunnels, covered ways and ways to a lift: those on the ground, and those in the air.

    On the ground are the nodes where a connected run meets an ordinary way; where it meets none, stairs; else its loose
    ends. The landing of a lift is never taken for the ground.
    """
    start, end = pieces["start"].to_numpy(), pieces["end"].to_numpy()
    straight, count = pieces["straight"].to_numpy(), int(pieces["nodes"].iloc[0])
    both = np.concatenate([start, end])

    def touched(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
        return np.bincount(both[np.tile(mask, 2)], minlength=count)

    lift = pieces["lift"].to_numpy()
    rank = np.full(count, 3)
    rank[touched(straight) == 1] = 2
    rank[touched(pieces["steep"].to_numpy()) > 0] = 1
    rank[touched(~straight & ~lift & ~pieces["steep"].to_numpy()) > 0] = 0
    rank[touched(lift) > 0] = 4
    members = np.flatnonzero(touched(straight))
    run = _runs(start[straight], end[straight], count)
    usable = members[np.isfinite(raw[members]) & (rank[members] < 4)]  # noqa: PLR2004
    best = np.full(count, 9)
    np.minimum.at(best, run[usable], rank[usable])
    anchored = usable[rank[usable] == best[run[usable]]]
    # with only one end known, a run may go anywhere
    unsure = members[np.isnan(raw[members]) & (rank[members] == 0)]
    lone = np.bincount(run[anchored], minlength=count) < 2  # noqa: PLR2004
    anchored = anchored[~(lone & np.isin(np.arange(count), run[unsure]))[run[anchored]]]
    # a node on an ordinary way is never in the air, known or not; a landing that no way leads to is not known
    lonely = np.flatnonzero((touched(lift) > 0) & (touched(straight) == 0))
    free = np.setdiff1d(members[rank[members] > 0], anchored)
    return anchored, np.union1d(free, lonely)


def _runs(start: NDArray[np.int64], end: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """The lowest node of the connected run that each node belongs to."""
    run = np.arange(count)
    while True:
        low = np.minimum(run[start], run[end])
        if np.array_equal(low, run[start]) and np.array_equal(low, run[end]):
            return run
        np.minimum.at(run, start, low)
        np.minimum.at(run, end, low)
        run = run[run]


def _within_caps(raw: NDArray[np.float64], pieces: pd.DataFrame, cut: _Cut) -> NDArray[np.float64]:
    """Move heights until no stretch is steeper than its kind may be, the largest move as small as it can be.

    The highest surface that keeps the caps and stays below every height, and the lowest one that stays above: their
    middle keeps the caps too (McShane 1934, Whitney 1934). Unknown slots pass the caps on and stay unknown.
    """
    after = np.flatnonzero(cut.line[1:] == cut.line[:-1]) + 1
    climbing = (pieces["steep"] | pieces["lift"]).to_numpy()  # their own rules limit them
    after = after[~climbing[cut.line[after]]]
    cap = pieces["kind"].map(STEEPEST).fillna(STEEPEST_OTHER).to_numpy(dtype=float)
    most = (cut.along[after] - cut.along[after - 1]) * cap[cut.line[after]]
    a, b = cut.slot[after - 1], cut.slot[after]
    unknown = np.isnan(raw)
    below = _lowest(np.where(unknown, np.inf, raw), a, b, most)
    above = -_lowest(np.where(unknown, np.inf, -raw), a, b, most)
    with np.errstate(invalid="ignore"):
        return np.where(unknown, np.nan, (below + above) / 2)


def _lowest(
    height: NDArray[np.float64], a: NDArray[np.int64], b: NDArray[np.int64], most: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The highest surface below `height` in which `a` and `b` differ by at most `most`."""
    low = height.copy()
    active = np.arange(len(a))
    while len(active):
        x, y, limit = a[active], b[active], most[active]
        before = low.copy()
        np.minimum.at(low, y, low[x] + limit)
        np.minimum.at(low, x, low[y] + limit)
        moved = low < before
        active = np.flatnonzero(moved[a] | moved[b])
    return low


def _balanced(
    heights: NDArray[np.float64], pieces: pd.DataFrame, anchors: NDArray[np.int64], free: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Give nodes in the air the height that balances the straight pieces they hang on.

    Each is the mean of its neighbours weighted by 1 / length, which is linear interpolation on a run without branches.
    """
    count = int(pieces["nodes"].iloc[0])
    straight = pieces["straight"].to_numpy()
    start, end = pieces["start"].to_numpy()[straight], pieces["end"].to_numpy()[straight]
    run = _runs(start, end, count)
    free = free[np.isin(run[free], run[anchors])]
    if not len(free):
        return heights
    pull = 1.0 / np.maximum(pieces["run_m"].to_numpy()[straight], 0.1)
    held = np.isin(np.arange(count), anchors)
    hang = (held | np.isin(np.arange(count), free))[start] & (held | np.isin(np.arange(count), free))[end]
    start, end, pull = start[hang], end[hang], pull[hang]
    pairs = (np.concatenate([start, end]), np.concatenate([end, start]))
    weights = csr_array((np.tile(pull, 2), pairs), shape=(count, count))
    laplace = (diags_array(weights.sum(axis=1)) - weights).tocsr()[free]
    known = np.where(held, np.nan_to_num(heights[:count]), 0.0)
    balanced = heights.copy()
    balanced[free] = spsolve(laplace[:, free].tocsc(), -(laplace @ known))
    return balanced


def _drawn(cut: _Cut, heights: NDArray[np.float64]) -> tuple[NDArray[np.object_], NDArray[np.float64]]:
    """Lines with heights, and the climb between their ends; no heights at all where an end is not known."""
    z = heights[cut.slot]
    first = np.flatnonzero(np.diff(cut.line, prepend=-1))
    last = np.append(first[1:], len(cut.line)) - 1
    climb = z[last] - z[first]
    z = np.where(np.isnan(climb)[cut.line], np.nan, z)
    lines = np.asarray(shapely.linestrings(np.column_stack([cut.xy, z]), indices=cut.line), dtype=object)
    return lines, climb


def _rises(pieces: pd.DataFrame, climb: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.object_]]:
    """The rise of each piece in the direction of its way, and what it rests on."""
    known = np.isfinite(climb)
    said = pieces["upwards"].to_numpy()
    sign = np.where(said != 0, said, np.where(known & (climb != 0), np.sign(climb), 1.0))
    run, kind = pieces["run_m"].to_numpy(), pieces["kind"].to_numpy()
    ahead = np.where(known, sign * climb, 0.0)  # metres gained in the direction that goes up
    rise = np.where(known, climb, 0.0)
    for name, (least, most) in INCLINED.items():
        inclined = sign * np.where(known, np.clip(ahead, least * run, most * run), INCLINED_DEFAULT * run)
        rise = np.where(kind == name, inclined, rise)
    hoisted = sign * np.where(known, np.maximum(np.abs(climb), LIFT_LEAST_M), LIFT_DEFAULT_M)
    rise = np.where(pieces["lift"], hoisted, rise)
    stated = pieces["stated"].to_numpy()
    turned = np.abs(pieces["rise_m"].to_numpy()) * sign
    kept = np.where(pieces["steep"] & (said == 0) & known, turned, pieces["rise_m"])
    evidence = np.where(stated, pieces["evidence"], np.where(known, "terrain", "default")).astype(object)
    return np.where(stated, kept, rise) + 0.0, evidence
