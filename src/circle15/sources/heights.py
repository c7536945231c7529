"""Terrain raster to the rise of every link, with bridges, tunnels and lifts repaired; and how sure each rise is.

Free terrain models are surface models: roofs, trees and decks are in them, and cells are 30 m wide. So a height is
never the raw cell: the ground is a low percentile of a window, decks and tunnels run straight between their ends, and
no street is steeper than streets are (`circle15.sources.profiles`). What the terrain cannot say is a default, and
`evidence` says so; `doubtful_links` lists what a planner should look at first.
"""

from __future__ import annotations

import warnings
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
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

from circle15.errors import Circle15Warning, DataError, Finding, SourceError
from circle15.sources.profiles import CLIMBING, profiles
from circle15.sources.walking_rules import DRIVABLE

if TYPE_CHECKING:
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

STEEPEST = {"street": 0.15, "crossing": 0.15}  # rise over run of ways without steps
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
                terrain = Terrain(heights, transform[:6], area.crs, path.name)
    except (RasterioError, zipfile.BadZipFile, FileNotFoundError) as error:
        problem = "there is no such file" if not path.is_file() else f"it cannot be read as a raster ({error})"
        raise SourceError(Finding(path.name, problem, "Give a GeoTIFF or .hgt file of heights")) from error
    _require_plausible(terrain, area)
    return terrain


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
        lines, climb = profiles(pieces, terrain)
    rise, evidence = _rises(pieces, climb)
    changed = streets.copy()
    changed["evidence"] = evidence[pieces.index.get_indexer(pd.Index(streets["piece"]))]
    return _both_ways(changed, pieces, rise, lines=lines)


def _both_ways(
    streets: gpd.GeoDataFrame, pieces: pd.DataFrame, rise: NDArray[np.float64], *, lines: NDArray[np.object_]
) -> gpd.GeoDataFrame:
    """The streets with the rise and the line of each piece, turned for links against their way."""
    row = pieces.index.get_indexer(pd.Index(streets["piece"]))
    back = _against(streets)
    changed = streets.copy()
    changed["rise_m"] = np.where(back, 0.0 - rise[row], rise[row])
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
    climbing, lift = np.isin(kind, CLIMBING), kind == "lift"
    deck = np.isin(kind, ["bridge", "tunnel"])
    for tag in ("bridge", "tunnel", "covered"):
        deck |= ~rows[tag].isna().to_numpy() & (rows[tag] != "no").to_numpy()
    raised = deck | np.isin(ends, ends[lift]).any(axis=1) | (kind == "corridor")
    nodes, numbers = np.unique(ends, return_inverse=True)
    numbers = numbers.reshape(-1, 2)
    rise = pd.to_numeric(rows["rise_m"]).to_numpy(dtype=float)
    return pd.DataFrame(
        {
            "start": numbers[:, 0],
            "end": numbers[:, 1],
            "nodes": len(nodes),
            "kind": kind,
            "cap": _caps(rows),
            "run_m": rows["length_m"].to_numpy(dtype=float),
            "rise_m": np.where(back, 0.0 - rise, rise),
            "stated": np.isin(rows["evidence"].to_numpy(dtype=object), ["tag", "survey"]) & np.isfinite(rise),
            "evidence": rows["evidence"].to_numpy(dtype=object),
            "upwards": _upwards(rows["incline"]),
            "way": pd.factorize(rows["osm_id"])[0],
            "straight": raised & ~climbing,
            "deck": deck & ~climbing,
            "steep": climbing & ~lift,
            "lift": lift,
            "geometry": np.where(back, shapely.reverse(lines), lines),
        },
        index=pd.Index(rows["piece"], name="piece"),
    )


def _caps(rows: pd.DataFrame) -> NDArray[np.float64]:
    """The steepest rise over run of each link without steps; decks that cars use count as streets."""
    decks = rows["kind"].isin(["bridge", "tunnel"]) & rows["highway"].isin(DRIVABLE)
    capped = rows["kind"].where(~decks, "street").map(STEEPEST).fillna(STEEPEST_OTHER)
    return np.asarray(capped, dtype=float)


def _upwards(incline: pd.Series) -> NDArray[np.float64]:
    """1 where the way is tagged to climb in its direction, -1 where to fall, 0 where that is not said."""
    text = incline.fillna("").astype(str).str.strip().str.lower()
    number = pd.to_numeric(text.str.extract(r"^([+-]?\d+(?:\.\d+)?)", expand=False))
    sign = np.sign(number.fillna(0.0).to_numpy(dtype=float))
    return np.where(text == "up", 1.0, np.where(text == "down", -1.0, sign))


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


# ------------------------------------------------------------------------------------------- how sure a rise is

_REASONS = {  # worst first; what a planner reads
    "unknown": ("没有高程，也没有标签：升高是默认值", "Neither terrain nor tags: the rise is a default"),
    "lift": (
        "电梯高度取自地表模型两端之差，陡坎处偏小",
        "The height of the lift is the difference of a surface model at its ends, too small at a cliff",
    ),
    "flat": (
        "地形给出的升高小于台阶或扶梯可能的最小值，按最小值计",
        "The terrain rises less than steps can; held to their least",
    ),
    "steep": (
        "地形给出的升高大于台阶或扶梯可能的最大值，按最大值计",
        "The terrain rises more than steps can; held to their most",
    ),
    "deck": ("桥梁或隧道坡度过大", "A steep bridge or tunnel"),
    "cap": ("坡度达到该类道路的上限", "As steep as such a way may be"),
    "slope": ("坡度较大", "Steep"),
}
_STEEP_DECK = 0.08  # decks are built flatter (GB 50763: 1:12)
_NEAR = 0.001  # a slope that is so near its limit was held there


def doubtful_links(streets: gpd.GeoDataFrame, *, most: int = 50) -> gpd.GeoDataFrame:
    """The ways whose rise is steepest or least sure, so that a planner can measure and override them.

    Ordered by the metres of climb that rest on the doubt: of a lift, of stairs and of escalators all of theirs, of
    other ways that of the stretches in doubt. Ways whose rise was tagged or surveyed are not among them.

    Parameters
    ----------
    streets : GeoDataFrame
        `tables.STREETS` from `with_heights`.
    most : int
        How many ways to list.

    Returns
    -------
    GeoDataFrame
        Index `osm_id`; columns `name`, `kind`, `length_m` and `rise_m` of the whole way in its direction, the `slope`
        of its steepest stretch, `doubt_m`, `evidence`, `reason_zh`, `reason_en` and geometry (MultiLineString).
    """
    rows = streets[~streets["piece"].duplicated().to_numpy() & ~streets["evidence"].isin(["tag", "survey"]).to_numpy()]
    slope, doubt, why = _doubts(rows)
    order = {reason: place for place, reason in enumerate(_REASONS)}
    table = pd.DataFrame(
        {
            "osm_id": rows["osm_id"].to_numpy(dtype=object),
            "length_m": rows["length_m"].to_numpy(dtype=float),
            "rise_m": np.nan_to_num(pd.to_numeric(rows["rise_m"]).to_numpy(dtype=float))
            * np.where(_against(rows), -1.0, 1.0),
            "slope": slope,
            "doubt_m": doubt,
            "rank": [order[one] for one in why],
            "guessed": (rows["evidence"] == "default").to_numpy(),
        }
    )
    sums = table.groupby("osm_id").agg(
        {"length_m": "sum", "rise_m": "sum", "slope": "max", "doubt_m": "sum", "rank": "min", "guessed": "max"}
    )
    sums = sums[sums["doubt_m"] > 0].reset_index().sort_values(["doubt_m", "osm_id"], ascending=[False, True])
    sums = sums.head(most).set_index("osm_id")
    own = rows[rows["osm_id"].isin(sums.index)]
    first = own.drop_duplicates("osm_id").set_index("osm_id").reindex(sums.index)
    lines = [shapely.multilinestrings(own.geometry[own["osm_id"] == one].to_list()) for one in sums.index]
    zh, en = zip(*(_REASONS[list(_REASONS)[rank]] for rank in sums["rank"]), strict=True) if len(sums) else ((), ())
    found = sums[["length_m", "rise_m", "slope", "doubt_m"]].round(
        {"length_m": 1, "rise_m": 1, "slope": 3, "doubt_m": 1}
    )
    found = found.assign(
        evidence=np.where(sums["guessed"], "default", "terrain"), reason_zh=list(zh), reason_en=list(en)
    )
    found.insert(0, "name", first["name"])
    found.insert(1, "kind", first["kind"])
    return gpd.GeoDataFrame(found, geometry=lines, crs=streets.crs)


def _doubts(rows: gpd.GeoDataFrame) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.object_]]:
    """Steepest slope, metres of climb in doubt and the reason, for each piece."""
    kind = rows["kind"].to_numpy(dtype=object)
    run = rows["length_m"].to_numpy(dtype=float)
    rise = np.abs(np.nan_to_num(pd.to_numeric(rows["rise_m"]).to_numpy(dtype=float)))
    overall = np.divide(rise, run, out=np.zeros(len(rows)), where=run > 0)
    points, line = shapely.get_coordinates(rows.geometry.to_numpy(), include_z=True, return_index=True)
    after = np.flatnonzero(line[1:] == line[:-1]) + 1
    step = np.hypot(*(points[after, :2] - points[after - 1, :2]).T)
    climb = np.nan_to_num(np.abs(points[after, 2] - points[after - 1, 2]))
    stretch = np.divide(climb, step, out=np.zeros(len(after)), where=step > 0)
    steepest = np.zeros(len(rows))
    np.maximum.at(steepest, line[after], stretch)
    climbing = np.isin(kind, CLIMBING)
    cap = _caps(rows)
    held = np.bincount(
        line[after], weights=np.where(stretch > cap[line[after]] - _NEAR, climb, 0.0), minlength=len(rows)
    )
    deck = np.isin(kind, ["bridge", "tunnel"]) & (steepest > _STEEP_DECK)
    least, most = (np.array([INCLINED.get(one, (-1.0, 9.0))[end] for one in kind]) for end in (0, 1))
    unknown = (rows["evidence"] == "default").to_numpy()
    reasons = {
        "unknown": (unknown & climbing, rise),
        "lift": (kind == "lift", rise),
        "flat": (climbing & (overall < least + _NEAR), rise),
        "steep": (climbing & (overall > most - _NEAR), rise),
        "deck": (deck & ~climbing, rise),
        "cap": (~climbing & (held > 0), held),
    }
    masks = [mask for mask, _ in reasons.values()]
    doubt = np.select(masks, [metres for _, metres in reasons.values()], default=0.0)
    why = np.select(masks, list(reasons), default="slope").astype(object)
    return np.where(climbing, overall, steepest), doubt, why


def shifted(streets: gpd.GeoDataFrame, amplitude_m: float, *, seed: int) -> gpd.GeoDataFrame:
    """The same streets with a smooth error in all their heights, for runs that test how stable a result is.

    The error is the sum of six plane waves of 200 to 600 m with random directions and phases, scaled so that its
    largest absolute value on the streets is `amplitude_m`. Rises change by its difference between the ends of a
    link. Stairs, escalators and lifts whose rise was tagged or surveyed keep it: steps were counted there.

    Parameters
    ----------
    streets : GeoDataFrame
        `tables.STREETS` from `with_heights`; it is not changed.
    amplitude_m : float
        Metres.
    seed : int
        The same seed gives the same error.

    Returns
    -------
    GeoDataFrame
        Keeps `tables.STREETS`; both directions of one piece stay opposite.
    """
    pieces = _pieces(streets)
    if pieces.empty:
        return streets.copy()
    lines = pieces["geometry"].to_numpy()
    points, line = shapely.get_coordinates(lines, include_z=True, return_index=True)
    error = _waves(points[:, :2], seed)
    error *= amplitude_m / max(float(np.abs(error).max()), 1e-9)
    first = np.flatnonzero(np.diff(line, prepend=-1))
    last = np.append(first[1:], len(line)) - 1
    kept = pieces["stated"].to_numpy() & pieces["kind"].isin(CLIMBING).to_numpy()
    middle = (error[first] + error[last]) / 2
    heights = points[:, 2] + np.where(kept[line], middle[line], error)
    solid = shapely.has_z(lines)
    moved = np.asarray(shapely.linestrings(np.column_stack([points[:, :2], heights]), indices=line), dtype=object)
    rise = pieces["rise_m"].to_numpy() + np.where(kept, 0.0, error[last] - error[first])
    return _both_ways(streets, pieces, rise, lines=np.where(solid, moved, lines))


def _waves(xy: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    """The sum of six waves over the plane, not yet scaled."""
    chance = np.random.default_rng(seed)
    turn, phase = chance.uniform(0, 2 * np.pi, 6), chance.uniform(0, 2 * np.pi, 6)
    number = 2 * np.pi / chance.uniform(200.0, 600.0, 6)
    ahead = np.column_stack([np.cos(turn), np.sin(turn)]) * number[:, None]
    return np.asarray(np.sin((xy - xy.mean(axis=0)) @ ahead.T + phase).sum(axis=1), dtype=float)
