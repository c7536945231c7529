"""How long one walker takes over one link, by the kind of link; no graph in sight.

Every rule is per direction and cited. Lengths are horizontal, because Tobler's speed is horizontal; stairs, escalators
and lifts have rules of their own and never a slope factor. The numbers of a walker come from its TOML file.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from circle15.tables import TICKS_PER_SECOND

if TYPE_CHECKING:
    from collections.abc import Callable

    import geopandas as gpd
    from numpy.typing import NDArray

    from circle15.project import Walker

NO_WAY = 2**31 - 1  # ticks of a link that a walker may not use

STEEPEST = 1.0  # a rise above 45 degrees on ground without steps is an error of the terrain, not a hill
STAIR_GRADE = 0.5  # rise over run where a staircase states neither: riser 0.15 m, tread 0.30 m (GB 50352-2019)
ESCALATOR_GRADE = float(np.tan(np.deg2rad(30)))  # where the rise is unknown: 30 degrees (GB 16899)
LIFT_RISE_M = 12.0  # where the rise is unknown: four storeys of 3 m
_DOT_M = 1e-6  # shorter than this has no slope

_SIGNALS = frozenset({"traffic_signals", "pelican", "puffin", "toucan"})
_ZEBRA = frozenset({"marked", "zebra", "uncontrolled"})


def link_seconds(streets: gpd.GeoDataFrame, walker: Walker) -> NDArray[np.float64]:
    """Seconds that a walker takes over each link.

    Paths, streets, bridges, tunnels and corridors are walked at the flat speed times the factor of Tobler (1993),
    summed over the pieces of the geometry so that an up-and-down is not averaged away. Stairs take their climb at the
    walker's vertical speed (Weidmann 1993; slower on long flights, Kretz et al. 2010), escalators their sloping length
    at the belt's speed (GB 16899), lifts a wait, a ride and the doors, crossings the mean wait of their kind.

    Parameters
    ----------
    streets : GeoDataFrame
        `tables.STREETS`; columns `kind`, `length_m`, `rise_m`, `steps`, `crossing` and geometry are read. Where the
        geometry has a Z at every vertex it gives the slopes, else `rise_m` does, else the link is flat.
    walker : Walker
        Speeds in metres a second, waits in seconds.

    Returns
    -------
    ndarray of float, shape (links,)
        Seconds, in the order of the rows; infinite where this walker may not use the kind of link.

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> from circle15.project import Walker
    >>> street = gpd.GeoDataFrame(
    ...     {"kind": ["street", "stairs"], "length_m": [100.0, 30.0], "rise_m": [10.0, 15.0], "steps": [None, 100.0],
    ...      "crossing": None},
    ...     geometry=[shapely.LineString([(0, 0), (100, 0)]), shapely.LineString([(100, 0), (130, 0)])],
    ... )
    >>> [round(float(seconds), 1) for seconds in link_seconds(street, Walker.load("adult"))]
    [105.9, 65.2]
    """
    kinds = streets["kind"].to_numpy(dtype=object)
    seconds = np.full(len(streets), np.inf)
    for rule, ruled in _RULES.items():
        rows = np.isin(kinds, [kind for kind in ruled if kind not in walker.forbidden])
        if rows.any():
            seconds[rows] = rule(streets[rows], walker)
    return seconds


def link_ticks(streets: gpd.GeoDataFrame, walker: Walker) -> NDArray[np.int64]:
    """Whole ticks of 0.1 s that a walker takes over each link.

    Parameters
    ----------
    streets : GeoDataFrame
        `tables.STREETS`.
    walker : Walker
        Who walks.

    Returns
    -------
    ndarray of int, shape (links,)
        `link_seconds` rounded to ticks, at least 1; `NO_WAY` where this walker may not use the link.
    """
    seconds = link_seconds(streets, walker)
    usable = np.isfinite(seconds)
    ticks = np.full(len(seconds), NO_WAY, dtype=np.int64)
    ticks[usable] = np.clip(np.rint(seconds[usable] * TICKS_PER_SECOND), 1, NO_WAY - 1)
    return ticks


def _number(streets: gpd.GeoDataFrame, column: str) -> NDArray[np.float64]:
    """One column as floats; missing is NaN."""
    values: NDArray[np.float64] = pd.to_numeric(streets[column]).to_numpy(dtype=float, na_value=np.nan)
    return values


def _walked(streets: gpd.GeoDataFrame, walker: Walker) -> NDArray[np.float64]:
    """Ground without steps: the flat speed times the slope factor, piece by piece (Tobler 1993)."""
    length = _number(streets, "length_m")
    if walker.slope_law == "none":
        return length / walker.flat_m_s
    run, rise, first = _slopes(streets, length)
    slope = np.divide(rise, run, out=np.zeros_like(run), where=run > _DOT_M).clip(-STEEPEST, STEEPEST)
    factor = np.exp(-3.5 * (np.abs(slope + 0.05) - 0.05))
    seconds: NDArray[np.float64] = np.add.reduceat(run / (walker.flat_m_s * factor), first)
    return seconds


def _slopes(
    streets: gpd.GeoDataFrame, length: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.intp]]:
    """Run and rise of every piece of every link, and where each link's pieces start."""
    points, link = shapely.get_coordinates(streets.geometry.to_numpy(), include_z=True, return_index=True)
    inside = link[1:] == link[:-1]
    step = np.diff(points, axis=0)[inside]
    link = link[1:][inside]
    first = np.flatnonzero(np.diff(link, prepend=-1))
    run, rise = np.hypot(step[:, 0], step[:, 1]), step[:, 2]
    drawn = np.add.reduceat(run, first)
    # A link drawn as a single spot, yet with a length, is taken as pieces of equal length.
    pieces = np.diff(first, append=len(link))
    scale = np.divide(length, drawn, out=np.zeros_like(length), where=drawn > _DOT_M)
    run = np.where(drawn[link] > _DOT_M, run * scale[link], (length / pieces)[link])
    # One vertex without a height: the whole link falls back on its stated rise, spread evenly.
    stated = np.nan_to_num(_number(streets, "rise_m"))
    grade = np.divide(stated, length, out=np.zeros_like(length), where=length > _DOT_M)
    known = np.isfinite(np.add.reduceat(rise, first)) & (drawn > _DOT_M)
    return run, np.where(known[link], rise, grade[link] * run), first


def _stairs(streets: gpd.GeoDataFrame, walker: Walker) -> NDArray[np.float64]:
    """Stairs: the climb at a vertical speed; never quicker than their run on the flat.

    Without that floor [P] a terrace of two steps along twenty metres would be flown over. A climb whose direction is
    not known counts as upward, the slower one.
    """
    length, rise, steps = (_number(streets, column) for column in ("length_m", "rise_m", "steps"))
    guess = np.where(np.isnan(steps), length * STAIR_GRADE, steps * walker.step_height_m)
    rise = np.where(np.isnan(rise), guess, rise)
    flight = np.where(np.isnan(steps), np.abs(rise) / walker.step_height_m, steps)
    upward = np.where(flight > walker.long_flight_steps, walker.stairs_up_long_m_s, walker.stairs_up_m_s)
    speed = np.where(rise >= 0, upward, walker.stairs_down_m_s)
    seconds: NDArray[np.float64] = np.maximum(np.abs(rise) / speed, length / walker.flat_m_s)
    return seconds


def _escalators(streets: gpd.GeoDataFrame, walker: Walker) -> NDArray[np.float64]:
    """Escalators and moving walks: riding still, along the slope."""
    length, rise = _number(streets, "length_m"), _number(streets, "rise_m")
    rise = np.where(np.isnan(rise), length * ESCALATOR_GRADE, rise)
    return np.hypot(length, rise) / walker.escalator_m_s


def _lifts(streets: gpd.GeoDataFrame, walker: Walker) -> NDArray[np.float64]:
    """Lifts: wait, ride, doors."""
    rise = np.nan_to_num(_number(streets, "rise_m"), nan=LIFT_RISE_M)
    seconds: NDArray[np.float64] = walker.lift_wait_s + np.abs(rise) / walker.lift_m_s + walker.lift_doors_s
    return seconds


def _crossings(streets: gpd.GeoDataFrame, walker: Walker) -> NDArray[np.float64]:
    """Crossings: the flat speed and the mean wait; unmarked ones and those of unknown kind cost no wait."""
    crossing = streets["crossing"]
    signals, zebra = crossing.isin(_SIGNALS).to_numpy(), crossing.isin(_ZEBRA).to_numpy()
    wait = np.select([signals, zebra], [walker.signals_s, walker.zebra_s], default=0.0)
    seconds: NDArray[np.float64] = _number(streets, "length_m") / walker.flat_m_s + wait
    return seconds


_RULES: MappingProxyType[Callable[[gpd.GeoDataFrame, Walker], NDArray[np.float64]], tuple[str, ...]] = MappingProxyType(
    {
        _walked: ("path", "street", "bridge", "tunnel", "corridor"),
        _stairs: ("stairs",),
        _escalators: ("escalator",),
        _lifts: ("lift",),
        _crossings: ("crossing",),
    }
)
