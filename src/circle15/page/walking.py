"""The walking network of a study as packed whole numbers, for the engine that travels inside the page (`live.js`).

Whole numbers, so that both engines agree to the tick: ticks of every link, positions of nodes and vertices in steps of
1e-7 degrees, as OpenStreetMap has them, heights in millimetres. Shares of links, which are rounded with the ticks of a
link, and residents are carried as they are, in two words of 32 bits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.polynomial import chebyshev

from circle15 import impedance
from circle15.impedance import NO_WAY
from circle15.page.packing import Grid, areas, json_block, lonlat, number_block, words
from circle15.tables import LINK_KINDS, TICKS_PER_SECOND

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from pyproj import CRS
    from shapely.geometry.base import BaseGeometry

    from circle15.network import WalkNetwork
    from circle15.network.portable import Portable
    from circle15.network.snapping import Spots
    from circle15.page.packing import Whole
    from circle15.project import Standard, Walker
    from circle15.tables import Norms, Result

    Floats = NDArray[np.float64]
    Bounds = tuple[float, float, float, float]

FINE_STEPS = 10_000_000  # of a degree: what OpenStreetMap rounds to
STRAIGHT_M = 1e-6  # vertices that lie so straight were put in for heights; a page has no use for them
_FLAGS = ("private", "closed", "at_edge")  # two bits each: along and against
_FITTED_M, _DEGREES = 1e-7, range(3, 13)  # how exactly a projection is fitted, by polynomials of these degrees
_ROOM_M = 100.0  # around everything
_CHECKED = 24  # points of a side at which a fit is checked


@dataclass(frozen=True)
class Live:
    """What a page needs to walk by itself.

    Parameters
    ----------
    network : WalkNetwork
        The streets of the study, as they are open.
    walkers : sequence of Walker
        Who walks, the study's own walker first.
    norms : Norms, optional
        What supply is held against; the card of the page is judged by coverage alone without them.
    """

    network: WalkNetwork
    walkers: Sequence[Walker]
    norms: Norms | None = None


def walking(live: Live, result: Result, *, standard: Standard) -> str:
    """The network of a study and the points on it, as inert elements.

    Parameters
    ----------
    live : Live
        The network and its walkers.
    result : Result
        What a run computed; its origins and facilities are put on the streets.
    standard : Standard
        Facilities of services that it does not state are left out, as they are everywhere on the page.

    Returns
    -------
    str
        Two elements: `walking` (plain values) and `network` (whole numbers).
    """
    from circle15.sources.overrides import joints

    facilities = result.facilities[result.facilities["service"].isin([one.key for one in standard.services])]
    net = live.network.portable(result.origins, facilities, walkers=live.walkers)
    corner = _corner(result)
    ids, osm = np.unique(net.osm_id.astype(str), return_inverse=True)
    values = {
        "walkers": [_walker(one, standard.languages) for one in live.walkers],
        "corner": corner.tolist(),
        "projection": projection(result.area.crs, _box(net, result)),
        "kinds": LINK_KINDS,
        "osm": ids.tolist(),
        "origins": len(result.origins),
        "facilities": facilities.index.astype(str).tolist(),
        "places": facilities["place"].astype(str).tolist(),
        "trip": str(result.facts.get("trip", "out")),
        "limit": round(60 * TICKS_PER_SECOND * float(str(result.facts.get("search_minutes", 45.0)))),
        "rules": _rules(),
        "supply": _ladder(live.norms, standard),
    }
    packed = {
        **_nodes(net, joints(result.streets), corner, result.area.crs),
        **_pieces(net, corner, result.area.crs),
        "pieces.osm": np.diff(osm, prepend=0),
        **_times(net, live.walkers),
        **_spots([net.timed[one.name].origins for one in live.walkers], name="origins"),
        **_spots([net.timed[one.name].facilities for one in live.walkers], name="facilities"),
        **words(result.origins["population"].to_numpy(dtype=float), name="people"),
        **_outline(result.area.extent, result.area.crs, corner, name="extent"),
        **_supply(live.norms, result, facilities),
    }
    return f"{json_block(values, name='walking')}\n{number_block(packed, name='network')}"


def _corner(result: Result) -> Whole:
    """The corner that steps are counted from."""
    steps: Whole = np.floor(np.array(result.area.extent_lonlat.bounds[:2]) * FINE_STEPS).astype(np.int64)
    return steps


def _walker(walker: Walker, languages: Sequence[str]) -> dict[str, Any]:
    """The numbers that a new link is timed by, and that the way off the road takes."""
    said = walker.model_dump(mode="json", exclude={"source"})
    label = {language: walker.label_in(language) for language in languages}
    return said | {"forbidden": sorted(walker.forbidden), "label": label}


def _rules() -> dict[str, Any]:
    """How new links are joined to the streets, how high they climb, and how slopes are bounded."""
    from circle15.sources import heights, overrides, walking_rules

    return {
        "join_m": overrides.JOIN_M,
        "touch_m": overrides.TOUCH_M,
        "tried": overrides.TRIED,
        "no_ground": overrides.NO_GROUND,
        "step_height_m": walking_rules.STEP_HEIGHT_M,
        "inclined": heights.INCLINED,
        "inclined_default": heights.INCLINED_DEFAULT,
        "lift_least_m": heights.LIFT_LEAST_M,
        "lift_default_m": heights.LIFT_DEFAULT_M,
        "fastest": impedance.FASTEST,
        "steepest": impedance.STEEPEST,
        "steepest_campbell": impedance.STEEPEST_CAMPBELL,
    }


# --------------------------------------------------------------------------------------------------------- streets


def _fine(points: Floats, corner: Whole, crs: CRS) -> Whole:
    """Points in metres as steps of 1e-7 degrees from the corner, shape (n, 2)."""
    degrees = shapely.get_coordinates(gpd.GeoSeries.from_xy(*points.T, crs=crs).to_crs("EPSG:4326").array)
    steps: Whole = np.rint(degrees * FINE_STEPS).astype(np.int64) - corner
    return steps


def _nodes(net: Portable, joints: pd.DataFrame, corner: Whole, crs: CRS) -> dict[str, Whole]:
    """Where nodes are; whether a new link may begin there (2: with a known height); heights in millimetres."""
    where = np.zeros((len(net.nodes), 2))
    where[net.head] = shapely.get_coordinates(shapely.get_point(net.lines, -1))
    where[net.tail] = shapely.get_coordinates(shapely.get_point(net.lines, 0))
    at = pd.Index(net.nodes).get_indexer(pd.Index(joints["node"]))
    height = np.full(len(net.nodes), np.nan)
    height[at] = joints["z"].to_numpy(dtype=float)
    joint = np.zeros(len(net.nodes), dtype=np.int64)
    joint[at] = 1
    return {
        "nodes.xy": np.diff(_fine(where, corner, crs), axis=0, prepend=np.zeros((1, 2), np.int64)).ravel(),
        "nodes.joint": joint + np.isfinite(height),
        "nodes.height": np.diff(np.rint(1000 * np.nan_to_num(height)).astype(np.int64), prepend=0),
    }


def _pieces(net: Portable, corner: Whole, crs: CRS) -> dict[str, Whole]:
    """Ends, kinds and flags of every piece, and the vertices between its ends, each as the step from the one before.

    Lengths follow from the lines; what they are said to be beyond that is told in millimetres.
    """
    lines = shapely.simplify(shapely.force_2d(net.lines), STRAIGHT_M)
    points, piece = shapely.get_coordinates(lines, return_index=True)
    steps = _fine(points, corner, crs)
    first = np.flatnonzero(np.diff(piece, prepend=-1))
    moved = np.diff(steps, axis=0, prepend=np.zeros((1, 2), np.int64))
    inner = np.ones(len(points), dtype=bool)
    inner[first] = False
    inner[np.append(first[1:], len(points)) - 1] = False
    flags = np.stack([side for name in _FLAGS for side in getattr(net, name)] + [net.doors])
    return {
        "pieces.tail": np.diff(net.tail, prepend=0),
        "pieces.head": net.head - net.tail,
        "pieces.inner": np.bincount(piece, minlength=len(net.lines)) - 2,
        "pieces.xy": moved[inner].ravel(),
        "pieces.kind": pd.Index(LINK_KINDS).get_indexer(pd.Index(net.kind)).astype(np.int64),
        "pieces.flags": (flags.astype(np.int64) << np.arange(len(flags))[:, None]).sum(axis=0),
        "pieces.longer": np.rint(1000 * (net.metres - shapely.length(lines))).astype(np.int64),
    }


def _times(net: Portable, walkers: Sequence[Walker]) -> dict[str, Whole]:
    """Per walker the ticks along every piece, and against it as the difference; 0: no way."""
    packed: dict[str, Whole] = {}
    for place, walker in enumerate(walkers):
        timed = net.timed[walker.name]
        along, against = np.where(timed.ticks < NO_WAY, timed.ticks, 0)
        packed[f"ticks{place}.along"] = along
        packed[f"ticks{place}.against"] = against - along
        packed[f"small{place}"] = timed.small.astype(np.int64)
    return packed


def _spots(spots: Sequence[Spots], *, name: str) -> dict[str, Whole]:
    """Where points stand for any of the walkers: row, piece, share; per walker the ticks off the road, and one more.

    0 there: this walker's walks do not begin or end at that spot.
    """
    every = pd.concat(
        [
            pd.DataFrame(
                {"row": one.row, "piece": one.piece, "share": one.share, "ticks": one.off_road_ticks, "who": who}
            )
            for who, one in enumerate(spots)
        ]
    )
    by_walker = every.pivot_table(index=["row", "piece", "share"], columns="who", values="ticks", aggfunc="min")
    by_walker = by_walker.reindex(columns=range(len(spots)))
    row, piece, share = (by_walker.index.get_level_values(level).to_numpy() for level in range(3))
    return {
        f"{name}.row": np.diff(row.astype(np.int64), prepend=0),
        f"{name}.piece": piece.astype(np.int64),
        **words(share.astype(float), name=f"{name}.share"),
        **{
            f"{name}.ticks{who}": np.nan_to_num(by_walker[who].to_numpy(dtype=float) + 1).astype(np.int64)
            for who in range(len(spots))
        },
    }


# ---------------------------------------------------------------------------------------------------------- supply


def _outline(shape: BaseGeometry, crs: CRS, corner: Whole, *, name: str) -> dict[str, Whole]:
    """An area that points are held against, in the finest steps."""
    west, south = (corner / FINE_STEPS).tolist()
    return areas(lonlat(gpd.GeoSeries([shape], crs=crs)), Grid(west, south, FINE_STEPS), name=name)


def _ladder(norms: Norms | None, standard: Standard) -> dict[str, Any] | None:
    """How supply is judged: services that have a norm, by their places, and what one facility of each is."""
    if norms is None:
        return None
    keys = [one.key for one in standard.services]
    return {
        "services": [keys.index(key) for key in norms.typical.index],
        "crowd": _crowds(norms)[1],
        "people_each": norms.people_each.astype(object).where(np.isfinite(norms.people_each), None).tolist(),
        "typical": norms.typical.astype(object).where(np.isfinite(norms.typical), None).tolist(),
        "column": norms.column.tolist(),
        "decay": standard.decay,
        "most": standard.supply_most,
        "bands": sorted(band.supply for band in standard.grades if band.supply is not None),
    }


def _crowds(norms: Norms) -> tuple[list[Floats], list[int]]:
    """The different crowds that norms are for, by cluster, and which of them each service's is."""
    found: list[Floats] = []
    which = []
    for crowd in norms.people.to_numpy(dtype=float).T:
        same = [place for place, one in enumerate(found) if np.array_equal(one, crowd)]
        which.append(same[0] if same else len(found))
        found += [] if same else [crowd]
    return found, which


def _supply(norms: Norms | None, result: Result, facilities: gpd.GeoDataFrame) -> dict[str, Whole]:
    """Crowds, sizes of facilities (not a number: unknown), and the area whose facilities are shared out."""
    if norms is None:
        return {}
    crowds, _ = _crowds(norms)
    row = facilities.index.get_indexer(norms.size.index).astype(np.int64)
    own = result.units.geometry[result.units["parent"].isna()].union_all()
    return {
        **words(np.concatenate(crowds), name="crowds"),
        "sizes.row": np.diff(row[row >= 0], prepend=0),
        "sizes.own": norms.own.to_numpy(dtype=np.int64)[row >= 0],
        **words(norms.size.to_numpy(dtype=float)[row >= 0], name="sizes"),
        **_outline(own, result.area.crs, _corner(result), name="own"),
    }


# ------------------------------------------------------------------------------------------------------ projection


def _box(net: Portable, result: Result) -> Bounds:
    """West, south, east and north of everything on the page, in metres."""
    both = np.stack([shapely.total_bounds(net.lines), result.area.extent.bounds])
    low, high = both[:, :2].min(axis=0) - _ROOM_M, both[:, 2:].max(axis=0) + _ROOM_M
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def projection(crs: CRS, bounds: Bounds) -> dict[str, Any]:
    """A projection, and its inverse, as polynomials over an extent, to a tenth of a thousandth of a millimetre.

    Parameters
    ----------
    crs : CRS
        Projected, in metres.
    bounds : tuple of float
        West, south, east and north of the extent, in metres.

    Returns
    -------
    dict
        `forward` (degrees to metres) and `back` (metres to degrees): each with `low` and `high` of both coordinates,
        and `x` and `y`, coefficients of products of Chebyshev polynomials in them, scaled to -1 to 1; row i, column j
        goes with T_i of the first and T_j of the second.

    Examples
    --------
    >>> from pyproj import CRS
    >>> fitted = projection(CRS("EPSG:32648"), (636_000, 3_260_000, 656_000, 3_280_000))["forward"]
    >>> low, high = np.array(fitted["low"]), np.array(fitted["high"])
    >>> u, v = 2 * (np.array([106.5, 29.5]) - low) / (high - low) - 1
    >>> x, y = (float(chebyshev.chebval2d(u, v, fitted[name])) for name in "xy")
    >>> there = gpd.GeoSeries.from_xy([106.5], [29.5], crs="EPSG:4326").to_crs("EPSG:32648").iloc[0]
    >>> abs(there.x - x) < 1e-6, abs(there.y - y) < 1e-6
    (True, True)
    """
    metres = (np.array(bounds[:2], dtype=float), np.array(bounds[2:], dtype=float))
    frame = _moved(_lattice(*metres, np.linspace(-1, 1, _CHECKED)), crs, "EPSG:4326")
    degrees = (frame.min(axis=0), frame.max(axis=0))
    a_degree = float((metres[1] - metres[0]).max() / (degrees[1] - degrees[0]).max())
    return {
        "forward": _fitted(*degrees, "EPSG:4326", crs, within=_FITTED_M),
        "back": _fitted(*metres, crs, "EPSG:4326", within=_FITTED_M / a_degree),
    }


def _fitted(low: Floats, high: Floats, here: CRS | str, there: CRS | str, *, within: float) -> dict[str, Any]:
    """The polynomials of the least degree that are near enough; of the highest where none is."""
    checked = np.linspace(-1, 1, _CHECKED)
    wanted = _moved(_lattice(low, high, checked), here, there)
    for degree in _DEGREES:
        nodes = chebyshev.chebpts1(2 * degree)
        terms = _terms(nodes, degree)
        found = np.linalg.lstsq(terms, _moved(_lattice(low, high, nodes), here, there), rcond=None)[0]
        if np.abs(_terms(checked, degree) @ found - wanted).max() <= within:
            break
    x, y = found.T.reshape(2, degree + 1, degree + 1).tolist()
    return {"low": low.tolist(), "high": high.tolist(), "x": x, "y": y}


def _lattice(low: Floats, high: Floats, at: Floats) -> Floats:
    """Points of a lattice over a box, from places between -1 and 1 along each side."""
    sides = [low[axis] + (at + 1) / 2 * (high[axis] - low[axis]) for axis in (0, 1)]
    return np.stack(np.meshgrid(*sides, indexing="ij"), axis=-1).reshape(-1, 2)


def _terms(at: Floats, degree: int) -> Floats:
    u, v = _lattice(np.array([-1.0, -1.0]), np.array([1.0, 1.0]), at).T
    terms: Floats = chebyshev.chebvander2d(u, v, [degree, degree])
    return terms


def _moved(points: Floats, here: CRS | str, there: CRS | str) -> Floats:
    return shapely.get_coordinates(gpd.GeoSeries.from_xy(*points.T, crs=here).to_crs(there).array)
