"""GCJ-02, BD-09 and CGCS2000 to WGS-84 and back.

Maps and apps in mainland China show places in a shifted datum: GCJ-02 (高德, 腾讯) some 300 m to 700 m away, and BD-09
(百度) as far again. Read as WGS-84, such a table moves every facility by six of fifteen minutes, so the datum of a
table is always stated and converted at the door, once. Order is longitude, latitude everywhere.

The formulas are the public ones of eviltransform (MIT) and coordtransform, written anew in numpy; the BD-09 constant is
k = 3000 pi / 180, with which Baidu's own published example agrees to 0.7 m.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError
from pyproj.transformer import TransformerGroup

from circle15.errors import DataError, Finding

if TYPE_CHECKING:
    from collections.abc import Callable

    import geopandas as gpd
    from numpy.typing import NDArray

DATUMS = ("wgs84", "cgcs2000", "gcj02", "bd09")
SEMI_MAJOR_M, ECCENTRICITY_2 = 6378245.0, 0.00669342162296594323  # Krasovsky 1940
CHINA = (72.004, 0.8293, 137.8347, 55.8271)  # west, south, east, north; no shift outside
BAIDU_K = np.pi * 3000.0 / 180.0
READINGS = ("wgs84", "gcj02", "bd09")  # CGCS2000 reads as WGS-84
FIRST_ZONE, LAST_ZONE = 13, 45  # of six and of three degrees in China
MEANT = ("wgs84", "cgcs2000")  # datums that projected coordinates are in
SHIFT_M = 1500.0  # no reading moves a point farther
CGCS2000 = "China 2000"
CLOSE_DEG, ROUNDS = 1e-9, 30  # 1e-9 degrees are 0.1 mm


def to_wgs84(lonlat: NDArray[np.float64], datum: str) -> NDArray[np.float64]:
    """Convert coordinates to WGS-84.

    Parameters
    ----------
    lonlat : ndarray, shape (n, 2)
        Longitude and latitude in degrees, in `datum`. It is not changed.
    datum : {"wgs84", "cgcs2000", "gcj02", "bd09"}
        CGCS2000 equals WGS-84 to some decimetres and is returned as it is.

    Returns
    -------
    ndarray, shape (n, 2)
        WGS-84; the inverse is iterated until it is true to less than a millimetre. Outside China nothing moves
        except the second shift of BD-09.

    Raises
    ------
    DataError
        When the datum is not known.

    Examples
    --------
    >>> to_wgs84(np.array([[106.5488295, 29.5529623]]), "gcj02").round(4).tolist()
    [[106.5451, 29.5558]]
    """
    points = _points(lonlat)
    if _known(datum) == "bd09":
        points = _undone(points, _to_baidu)
    return _undone(points, _to_gcj) if datum in ("gcj02", "bd09") else points


def from_wgs84(lonlat: NDArray[np.float64], datum: str) -> NDArray[np.float64]:
    """Convert WGS-84 coordinates to another datum.

    Parameters
    ----------
    lonlat : ndarray, shape (n, 2)
        Longitude and latitude in degrees. It is not changed.
    datum : {"wgs84", "cgcs2000", "gcj02", "bd09"}
        The datum wanted.

    Returns
    -------
    ndarray, shape (n, 2)

    Raises
    ------
    DataError
        When the datum is not known.

    Examples
    --------
    >>> from_wgs84(np.array([[106.5451, 29.5558]]), "bd09").round(7).tolist()
    [[106.5552746, 29.5592341]]
    """
    points = _points(lonlat)
    if _known(datum) in ("gcj02", "bd09"):
        points = _to_gcj(points)
    return _to_baidu(points) if datum == "bd09" else points


def from_metres(metres: NDArray[np.float64], crs: str, where: str, found: list[Finding]) -> NDArray[np.float64]:
    """Degrees in WGS-84 of surveyed coordinates.

    Parameters
    ----------
    metres : ndarray, shape (n, 2)
        East and north, in this order whatever the CRS says of its axes.
    crs : str
        A projected CRS by its EPSG code, such as EPSG:4547 (CGCS2000, three-degree zone about 114 E).
    where : str
        The file.
    found : list of Finding
        What is wrong is appended: no such CRS, one in degrees, one whose datum cannot be brought to WGS-84, or
        eastings with a zone number before them that the CRS does not have.

    Returns
    -------
    ndarray, shape (n, 2)
        Longitude and latitude; NaN where the CRS does not reach, and everywhere with a finding.

    Examples
    --------
    >>> from_metres(np.array([[358993.32, 3271757.61]]), "EPSG:4545", "t.csv", []).round(4).tolist()
    [[106.5451, 29.5558]]
    """
    nowhere = np.full((len(metres), 2), np.nan)
    try:
        stated = CRS.from_user_input(crs)
    except CRSError:
        found.append(Finding(where, f"{crs} is no CRS", "Give an EPSG code, such as EPSG:4547"))
        return nowhere
    if not stated.is_projected:
        mend = "Leave crs out for degrees, and state their datum"
        found.append(Finding(where, f"{crs} ({stated.name}) is not a CRS in metres", mend))
        return nowhere
    best = TransformerGroup(stated, "EPSG:4326", always_xy=True).transformers
    if not best or ("Ballpark" in best[0].description and CGCS2000 not in _datum_of(stated)):
        problem = f"how {crs} ({stated.name}) lies to WGS-84 is not published; it may be 100 m off"
        found.append(Finding(where, problem, "Have the table converted to CGCS2000, such as EPSG:4547"))
        return nowhere
    zone = _zone_before(metres[:, 0], stated)
    if zone:
        problem = f"east begins with the zone number {zone}, and {crs} ({stated.name}) has none, or another"
        found.append(Finding(where, problem, "State the CRS with this zone, or take the number off"))
        return nowhere
    lonlat = np.column_stack(best[0].transform(*np.asarray(metres, dtype=float).T))
    return np.where(np.isfinite(lonlat).all(axis=1)[:, None], lonlat, np.nan)


def _datum_of(crs: CRS) -> str:
    geodetic = crs.geodetic_crs
    return "" if geodetic is None or geodetic.datum is None else geodetic.datum.name


def _zone_before(east: NDArray[np.float64], crs: CRS) -> int:
    """The zone number that stands before most eastings but not in the CRS; 0 for none."""
    stated = next((one["value"] for one in _parameters(crs) if one["name"] == "False easting"), 0.0)
    known = east[np.isfinite(east)]
    zones = np.floor(known / 1e6).astype(np.int64)
    if not len(zones) or not ((zones >= FIRST_ZONE) & (zones <= LAST_ZONE)).all():
        return 0
    zone = int(np.median(zones))
    return zone if zone != int(stated // 1e6) else 0


def _parameters(crs: CRS) -> list[dict[str, Any]]:
    operation = crs.coordinate_operation
    return [] if operation is None else [{"name": one.name, "value": one.value} for one in operation.params]


def measure_datums(
    lonlat: NDArray[np.float64], streets: gpd.GeoDataFrame, buildings: gpd.GeoDataFrame | None = None
) -> pd.DataFrame:
    """Measure how well points fit the map under each reading of their datum.

    Parameters
    ----------
    lonlat : ndarray, shape (n, 2)
        Longitude and latitude in degrees, in a datum that nobody stated. Rows with NaN are left out, and those that
        lie beyond the streets under every reading.
    streets : GeoDataFrame
        tables.STREETS or any lines in a projected CRS in metres, true in WGS-84.
    buildings : GeoDataFrame, optional
        Footprints in the same CRS; a point in a building is 0 m away.

    Returns
    -------
    DataFrame
        One row per reading, index `datum` (wgs84, gcj02, bd09); columns `streets_m` and `buildings_m`, the median
        distance in metres, NaN where nothing is there to measure against. The smallest is a hint, not a proof.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely import Point
    >>> here = gpd.GeoSeries([Point(106.5451, 29.5558)], crs=4326).to_crs("EPSG:32648")
    >>> shifted = from_wgs84(np.array([[106.5451, 29.5558]]), "gcj02")
    >>> measure_datums(shifted, here.to_frame("geometry"))["streets_m"].round().tolist()
    [479.0, 0.0, 932.0]
    """
    points = _points(lonlat)
    points = points[np.isfinite(points).all(axis=1)]
    to_metres = Transformer.from_crs("EPSG:4326", streets.crs, always_xy=True)
    x, y = to_metres.transform(*points.T)
    west, south, east, north = streets.total_bounds + SHIFT_M * np.array([-1, -1, 1, 1])
    points = points[(x >= west) & (x <= east) & (y >= south) & (y <= north)]
    measured = {"streets_m": streets, "buildings_m": buildings}
    trees = {
        name: shapely.STRtree(shapes.geometry.to_numpy()) for name, shapes in measured.items() if shapes is not None
    }
    rows = {}
    for datum in READINGS:
        placed = shapely.points(*to_metres.transform(*to_wgs84(points, datum).T))
        rows[datum] = [_median_apart(placed, trees[name]) if name in trees else np.nan for name in measured]
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(measured)).rename_axis("datum")


def _median_apart(points: NDArray[np.object_], tree: shapely.STRtree) -> float:
    if not len(points) or not len(tree.geometries):
        return float("nan")
    _, apart = tree.query_nearest(points, return_distance=True, all_matches=False)
    return float(np.median(apart)) if len(apart) else float("nan")


def _known(datum: str) -> str:
    if datum not in DATUMS:
        raise DataError(Finding("datum", f"{datum!r} is not known", f"Give one of {', '.join(DATUMS)}"))
    return datum


def _points(lonlat: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.array(lonlat, dtype=float).reshape(-1, 2)


def _to_gcj(points: NDArray[np.float64]) -> NDArray[np.float64]:
    lon, lat = points.T
    x, y = lon - 105.0, lat - 35.0
    both = 20 * np.sin(6 * np.pi * x) + 20 * np.sin(2 * np.pi * x)
    north = 20 * np.sin(np.pi * y) + 40 * np.sin(np.pi * y / 3)
    north = north + 160 * np.sin(np.pi * y / 12) + 320 * np.sin(np.pi * y / 30)
    east = 20 * np.sin(np.pi * x) + 40 * np.sin(np.pi * x / 3)
    east = east + 150 * np.sin(np.pi * x / 12) + 300 * np.sin(np.pi * x / 30)
    root = np.sqrt(np.abs(x))
    north = -100 + 2 * x + 3 * y + 0.2 * y**2 + 0.1 * x * y + 0.2 * root + (both + north) * 2 / 3
    east = 300 + x + 2 * y + 0.1 * x**2 + 0.1 * x * y + 0.1 * root + (both + east) * 2 / 3
    magic = 1 - ECCENTRICITY_2 * np.sin(np.radians(lat)) ** 2
    meridian_m = SEMI_MAJOR_M * (1 - ECCENTRICITY_2) / magic**1.5
    parallel_m = SEMI_MAJOR_M / np.sqrt(magic) * np.cos(np.radians(lat))
    west_edge, south_edge, east_edge, north_edge = CHINA
    inside = (lon >= west_edge) & (lon <= east_edge) & (lat >= south_edge) & (lat <= north_edge)
    shift = np.degrees(np.column_stack([east / parallel_m, north / meridian_m]))
    return np.where(inside[:, None], points + shift, points)


def _to_baidu(points: NDArray[np.float64]) -> NDArray[np.float64]:
    x, y = points.T
    radius = np.hypot(x, y) + 2e-5 * np.sin(y * BAIDU_K)
    angle = np.arctan2(y, x) + 3e-6 * np.cos(x * BAIDU_K)
    return np.column_stack([radius * np.cos(angle) + 0.0065, radius * np.sin(angle) + 0.006])


def _undone(
    points: NDArray[np.float64], shift: Callable[[NDArray[np.float64]], NDArray[np.float64]]
) -> NDArray[np.float64]:
    """The points that `shift` brings to `points`, by fixed-point iteration."""
    found = points.copy()
    for _ in range(ROUNDS):
        miss = points - shift(found)
        found = found + miss
        if not np.nanmax(np.abs(miss), initial=0.0) > CLOSE_DEG:
            break
    return found
