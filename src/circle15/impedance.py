"""How long one walker takes over one link, by the kind of link; no graph in sight.

Every rule is per direction and cited; `docs/methods` has a page on each. Lengths are horizontal, because the published
slope laws state horizontal speeds; stairs, escalators, lifts and cable cars have rules of their own and never a slope
law. The numbers of a walker come from its TOML file.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from circle15.errors import ConfigError, Finding
from circle15.tables import TICKS_PER_SECOND

if TYPE_CHECKING:
    from collections.abc import Callable

    import geopandas as gpd
    from numpy.typing import ArrayLike, NDArray

    from circle15.project import Walker

    Rule = Callable[[gpd.GeoDataFrame, Walker], NDArray[np.float64]]
    Law = Callable[[NDArray[np.float64]], NDArray[np.float64]]

NO_WAY = 2**31 - 1  # ticks of a link that a walker may not use

STEEPEST = 1.0  # a rise above 45 degrees on ground without steps is an error of the terrain, not a hill
STEEPEST_CAMPBELL = float(np.tan(np.deg2rad(30)))  # both of Campbell's laws hold to 30 degrees
FASTEST = 1.2  # [P] times the flat speed, downhill: just above Tobler's 1.191; beyond it one runs
STAIR_GRADE = 0.5  # rise over run where a staircase states neither: riser 0.15 m, tread 0.30 m (GB 50352-2019)
ESCALATOR_GRADE = float(np.tan(np.deg2rad(30)))  # where the rise is unknown: 30 degrees (GB 16899)
LIFT_RISE_M = 12.0  # where the rise is unknown: four storeys of 3 m
SAME_M = 0.01  # a profile that climbs otherwise than its link says is a drawing, not a measurement
_DOT_M = 1e-6  # shorter than this has no slope
_AT_ONCE = 1 << 14  # links whose slopes are worked out together

_SIGNALS = frozenset({"traffic_signals", "pelican", "puffin", "toucan"})
_ZEBRA = frozenset({"marked", "zebra", "uncontrolled"})


# ------------------------------------------------------------------------------------------------------ slope


def slope_speed(law: str, slope: ArrayLike) -> NDArray[np.float64]:
    """Horizontal walking speed at a slope, as published.

    These are the speeds of the law's own walkers. A circle15 walker keeps its own flat speed and takes only the factor
    from the law; see `slope_factor`.

    ============================= ================================================== =======================
    law                           metres a second                                    source
    ============================= ================================================== =======================
    ``tobler``                    6 exp(-3.5 abs(s + 0.05)) / 3.6                    Tobler 1993
    ``marquez_perez``             4.8 exp(-5.3 abs(0.7 s + 0.03)) / 3.6              Marquez-Perez 2017
    ``irmischer_clarke``          0.11 + exp(-(100 s + 5)^2 / 1800)                  Irmischer & Clarke 2018
    ``irmischer_clarke_off_path`` 0.11 + 0.67 exp(-(100 s + 2)^2 / 1800)             Irmischer & Clarke 2018
    ``davey``                     1.4 exp(-2.8 abs(atan s))                          Davey et al. 1994
    ``rees``                      1 / (0.75 + 0.09 abs(s) + 14.6 s^2)                Rees 2004
    ``naismith``                  1 / (0.72 + 6 max(s, 0))                           Naismith 1892
    ``langmuir``                  naismith, but 1 / (0.72 + 2 s) from -5 to -12      Langmuir 1984
                                  degrees and 1 / (0.72 - 2 s) where steeper down
    ``campbell_2017``             1.662 - 0.005191 t - 0.001127 t^2                  Campbell et al. 2017
    ``campbell_2019_p5`` and on   c / (pi b (1 + ((t - a) / b)^2)) + d + e t         Campbell et al. 2019
    ============================= ================================================== =======================

    s is rise over run, positive uphill; t is the same in degrees.

    Parameters
    ----------
    law : str
        One of the names above; ``campbell_2019_p5``, ``_p25``, ``_p50`` and ``_p75`` are percentiles of the people
        tracked, runners among them: ``_p50`` is a jog.
    slope : array_like
        Rise over run, positive uphill. It is neither clipped nor made absolute: downhill differs from uphill.

    Returns
    -------
    ndarray of float, in the shape of `slope`
        Metres a second over the ground as a map shows it.

    Raises
    ------
    ConfigError
        For a law that is not known.

    Examples
    --------
    >>> slope_speed("tobler", [-0.05, 0.0, 0.10]).round(4).tolist()
    [1.6667, 1.3991, 0.9859]
    >>> slope_speed("irmischer_clarke", -0.10).round(4).item()
    1.0962
    """
    if law not in _LAWS:
        raise ConfigError(Finding(f"slope law {law!r}", "there is no such law", f"Known are: {', '.join(_LAWS)}"))
    return np.asarray(_LAWS[law](np.asarray(slope, dtype=float)))


def slope_factor(law: str, slope: ArrayLike) -> NDArray[np.float64]:
    """What a slope makes of a walker's flat speed: the law's speed there over its speed on the flat.

    The slope is clipped to where the law holds: 30 degrees for Campbell's laws, which fall below zero beyond, 45
    degrees for the others. The factor is at most `FASTEST`, which only ``langmuir`` ever reaches: at -20 % it would
    have its walker run at 3.1 m/s.

    Parameters
    ----------
    law : str
        A law of `slope_speed`, or ``none``.
    slope : array_like
        Rise over run, positive uphill.

    Returns
    -------
    ndarray of float, in the shape of `slope`
        1 on the flat; above 0, at most `FASTEST`.

    Raises
    ------
    ConfigError
        For a law that is not known.

    Examples
    --------
    >>> slope_factor("tobler", [-0.10, -0.05, 0.0, 0.10]).round(4).tolist()
    [1.0, 1.1912, 1.0, 0.7047]
    >>> slope_factor("langmuir", -0.20).item()
    1.2
    """
    if law == "none":
        return np.ones(np.shape(slope))
    most = STEEPEST_CAMPBELL if law.startswith("campbell") else STEEPEST
    speed = slope_speed(law, np.clip(np.asarray(slope, dtype=float), -most, most))
    return np.minimum(speed / slope_speed(law, 0.0), FASTEST)


def _pace_langmuir(slope: NDArray[np.float64]) -> NDArray[np.float64]:
    """Seconds a metre: 10 minutes less for each 300 m of moderate descent, 10 more where it is steep."""
    moderate, steep = np.tan(np.deg2rad([-5.0, -12.0]))
    descent = np.where(slope <= steep, -2.0, np.where(slope <= moderate, 2.0, 0.0)) * slope
    return 0.72 + np.where(slope > 0, 6.0 * slope, descent)


def _campbell_2017(slope: NDArray[np.float64]) -> NDArray[np.float64]:
    degrees = np.rad2deg(np.arctan(slope))
    speed: NDArray[np.float64] = 1.662 - 5.191e-3 * degrees - 1.127e-3 * degrees**2
    return speed


def _campbell_2019(a: float, b: float, c: float, d: float, e: float) -> Law:
    """The law of one percentile: a Lorentz curve on a line, of degrees."""

    def speed(slope: NDArray[np.float64]) -> NDArray[np.float64]:
        degrees = np.rad2deg(np.arctan(slope))
        return np.asarray(c / (np.pi * b * (1 + ((degrees - a) / b) ** 2)) + d + e * degrees)

    return speed


_LAWS: MappingProxyType[str, Law] = MappingProxyType(
    {
        "tobler": lambda s: 6.0 * np.exp(-3.5 * np.abs(s + 0.05)) / 3.6,
        "marquez_perez": lambda s: 4.8 * np.exp(-5.3 * np.abs(0.7 * s + 0.03)) / 3.6,
        "irmischer_clarke": lambda s: 0.11 + np.exp(-((100 * s + 5) ** 2) / 1800),
        "irmischer_clarke_off_path": lambda s: 0.11 + 0.67 * np.exp(-((100 * s + 2) ** 2) / 1800),
        "davey": lambda s: 1.4 * np.exp(-2.8 * np.abs(np.arctan(s))),
        "rees": lambda s: 1 / (0.75 + 0.09 * np.abs(s) + 14.6 * s**2),
        "naismith": lambda s: 1 / (0.72 + 6 * np.maximum(s, 0)),
        "langmuir": lambda s: 1 / _pace_langmuir(s),
        "campbell_2017": _campbell_2017,
        "campbell_2019_p5": _campbell_2019(-1.527, 14.041, 36.813, 0.320, -0.00273),
        "campbell_2019_p25": _campbell_2019(-1.822, 8.827, 37.111, 0.616, -0.00402),
        "campbell_2019_p50": _campbell_2019(-2.171, 10.064, 63.660, 0.628, -0.00463),
        "campbell_2019_p75": _campbell_2019(-3.067, 13.888, 113.655, 0.518, -0.00488),
    }
)


# ------------------------------------------------------------------------------------------------------ links


def link_seconds(streets: gpd.GeoDataFrame, walker: Walker) -> NDArray[np.float64]:
    """Seconds that a walker takes over each link.

    Paths, streets, bridges, tunnels and corridors are walked at the flat speed times the factor of the walker's slope
    law (`slope_factor`; Tobler 1993 unless another is named), summed over the pieces of the geometry so that an
    up-and-down is not averaged away. Stairs take their climb at the walker's vertical speed (Weidmann 1993; slower on
    long flights, Kretz et al.), or are rolled where they have a ramp for this walker. Escalators take their sloping
    length at the belt's speed (GB 16899), lifts a wait, a ride and the doors, cable cars a wait and the ride, crossings
    the mean wait of their kind. A surveyed wait replaces the walker's own, and counts on any kind of link.

    A walker with `level` takes length / flat speed over every link, forbidden kinds included.

    Parameters
    ----------
    streets : GeoDataFrame
        `tables.STREETS`; columns `kind`, `length_m`, `rise_m`, `steps`, `ramp`, `crossing`, `wait_s` and geometry are
        read. A geometry that has a Z at every vertex and climbs as `rise_m` says gives the slopes; else `rise_m` does,
        spread evenly; else the link is flat. Without a column `ramp` or `wait_s` no ramp and no wait was surveyed.
    walker : Walker
        Speeds in metres a second, waits in seconds.

    Returns
    -------
    ndarray of float, shape (links,)
        Seconds, in the order of the rows; infinite where this walker may not use the link.

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> from circle15.project import Walker
    >>> street = gpd.GeoDataFrame(
    ...     {"kind": ["street", "stairs"], "length_m": [100.0, 30.0], "rise_m": [10.0, 15.0], "steps": [None, 100.0],
    ...      "ramp": [None, "stroller=yes"], "crossing": None, "wait_s": None},
    ...     geometry=[shapely.LineString([(0, 0), (100, 0)]), shapely.LineString([(100, 0), (130, 0)])],
    ... )
    >>> link_seconds(street, Walker.load("adult")).round(1).tolist()
    [105.9, 65.2]
    >>> link_seconds(street, Walker.load("pram")).round(1).tolist()
    [129.0, 60.0]
    >>> link_seconds(street, Walker.load("wheelchair")).round(1).tolist()
    [157.7, inf]
    """
    length = _number(streets, "length_m")
    if walker.level:
        return length / walker.flat_m_s
    kinds = streets["kind"].to_numpy(dtype=object)
    seconds = np.full(len(streets), np.inf)
    for rule, ruled in _RULES.items():
        rows = streets["kind"].isin([kind for kind in ruled if kind not in walker.forbidden]).to_numpy(dtype=bool)
        if rows.any():
            seconds[rows] = rule(streets[rows], walker)
    # a ramp opens stairs that are forbidden, and slows nobody who could also carry
    rolled = (kinds == "stairs") & _has_ramp(streets, walker)
    on_ramp = length[rolled] / min(walker.ramp_m_s, walker.flat_m_s)
    seconds[rolled] = np.minimum(seconds[rolled], on_ramp)
    return seconds + _waits(streets, walker)


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


def top_speed(walker: Walker, *, cable_car: bool = False) -> float:
    """A speed in metres a second, as the crow flies, that a walker never exceeds on any link.

    Parameters
    ----------
    walker : Walker
        Who walks.
    cable_car : bool
        Whether cable cars run.

    Returns
    -------
    float
        The fastest of walking downhill (`FASTEST` times the flat speed), riding and going off the road.

    Examples
    --------
    >>> from circle15.project import Walker
    >>> round(top_speed(Walker.load("adult")), 3), top_speed(Walker.load("adult"), cable_car=True)
    (1.608, 6.0)
    """
    own = (walker.flat_m_s * FASTEST, walker.off_road_m_s, walker.escalator_m_s, walker.lift_m_s)
    return max(*own, walker.cable_car_m_s if cable_car else 0.0)


def _number(streets: gpd.GeoDataFrame, column: str) -> NDArray[np.float64]:
    """One column as floats; missing is NaN."""
    values: NDArray[np.float64] = pd.to_numeric(streets[column]).to_numpy(dtype=float, na_value=np.nan)
    return values


def _has_ramp(streets: gpd.GeoDataFrame, walker: Walker) -> NDArray[np.bool_]:
    """Whether stairs have a ramp that this walker rolls; the column is written as ``yes; stroller=yes``."""
    if "ramp" not in streets:
        return np.zeros(len(streets), dtype=bool)
    ramp = streets["ramp"]
    fitting = [text for text in ramp.dropna().unique() if _fits(str(text), walker)]
    return np.asarray(ramp.isin(fitting), dtype=bool)


def _fits(ramp: str, walker: Walker) -> bool:
    """Wheelchairs need a ramp tagged for them; prams roll that one too, and a ramp that is not said to be otherwise."""
    said = {part.strip() for part in ramp.split(";")}
    for_chairs = "wheelchair=yes" in said
    if walker.ramp != "stroller":
        return walker.ramp == "wheelchair" and for_chairs
    unsaid = not any(part.startswith("stroller=") for part in said)
    return "stroller=yes" in said or (unsaid and (for_chairs or "yes" in said))


def _waits(streets: gpd.GeoDataFrame, walker: Walker) -> NDArray[np.float64]:
    """Seconds that one stands: as surveyed, else the walker's own at signals, zebras, lifts and cable cars."""
    kind, crossing = streets["kind"], streets["crossing"]
    at_crossing = kind == "crossing"
    where = [at_crossing & crossing.isin(_SIGNALS), at_crossing & crossing.isin(_ZEBRA), kind == "lift"]
    own = np.select(
        [rows.to_numpy(dtype=bool) for rows in (*where, kind == "cable_car")],
        [walker.signals_s, walker.zebra_s, walker.lift_wait_s, walker.cable_car_wait_s],
        default=0.0,
    )
    if "wait_s" not in streets:
        return own
    surveyed = _number(streets, "wait_s")
    return np.where(np.isnan(surveyed), own, surveyed)


def _walked(streets: gpd.GeoDataFrame, walker: Walker) -> NDArray[np.float64]:
    """Ground without steps: the flat speed times the slope factor, piece by piece.

    A piece is what lies between two vertices. The room of heights cuts lines so that none with a height of its own is
    longer than 15 m; where a line is coarser its profile is straight in between, and cutting it would change nothing.
    """
    length = _number(streets, "length_m")
    if walker.slope_law == "none":
        return length / walker.flat_m_s
    seconds = np.empty(len(length))
    lines, stated = streets.geometry.to_numpy(), _number(streets, "rise_m")
    for low in range(0, len(length), _AT_ONCE):
        some = slice(low, low + _AT_ONCE)
        run, rise, first = _slopes(lines[some], length[some], stated[some])
        slope = np.divide(rise, run, out=np.zeros_like(run), where=run > _DOT_M)
        pace = 1 / (walker.flat_m_s * slope_factor(walker.slope_law, slope))
        seconds[some] = np.add.reduceat(run * pace, first)
    return seconds


def _slopes(
    lines: NDArray[np.object_], length: NDArray[np.float64], stated: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.intp]]:
    """Run and rise of every piece of some links, and where each link's pieces start."""
    points, link = shapely.get_coordinates(lines, include_z=True, return_index=True)
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
    # A vertex without a height, or a profile that a tag or a survey contradicts: the stated rise, spread evenly.
    climb = np.add.reduceat(rise, first)
    agreed = np.isnan(stated) | (np.abs(climb - stated) <= SAME_M)
    profiled = np.isfinite(climb) & agreed & (drawn > _DOT_M)
    grade = np.divide(np.nan_to_num(stated), length, out=np.zeros_like(length), where=length > _DOT_M)
    return run, np.where(profiled[link], rise, grade[link] * run), first


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
    """Lifts: ride and doors; an inclined one, drawn as a line, rides along its slope."""
    rise = np.nan_to_num(_number(streets, "rise_m"), nan=LIFT_RISE_M)
    return np.asarray(np.hypot(_number(streets, "length_m"), rise) / walker.lift_m_s + walker.lift_doors_s)


def _cable_cars(streets: gpd.GeoDataFrame, walker: Walker) -> NDArray[np.float64]:
    """Cable cars: the ride along the rope."""
    rope = np.hypot(_number(streets, "length_m"), np.nan_to_num(_number(streets, "rise_m")))
    return np.asarray(rope / walker.cable_car_m_s)


def _crossings(streets: gpd.GeoDataFrame, walker: Walker) -> NDArray[np.float64]:
    """Crossings: the flat speed; unmarked ones and those of unknown kind cost no wait."""
    return _number(streets, "length_m") / walker.flat_m_s


_RULES: MappingProxyType[Rule, tuple[str, ...]] = MappingProxyType(
    {
        _walked: ("path", "street", "bridge", "tunnel", "corridor"),
        _stairs: ("stairs",),
        _escalators: ("escalator",),
        _lifts: ("lift",),
        _cable_cars: ("cable_car",),
        _crossings: ("crossing",),
    }
)
