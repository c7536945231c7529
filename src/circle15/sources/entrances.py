"""Where one enters a place: at a gate, where a path crosses the outline, or where the outline is nearest a street."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from circle15.sources.shapes import outlines

if TYPE_CHECKING:
    from numpy.typing import NDArray

SMALL_SITE_M2 = 400.0  # one entrance is enough for a smaller site
ON_OUTLINE_M = 2.0  # a gate is on an outline, if it is so near
CROSSING_SPACING_M = 20.0
OUTLINE_SPACING_M = 40.0
OUTLINE_SLACK_M = 15.0  # a street so much farther than the nearest still gives an outline point
OUTLINE_MOST = 5
PASSING_BY = ("bridge", "tunnel", "lift")  # links that cross an outline above or below it


def place_entrances(
    geometries: gpd.GeoSeries, *, gates: gpd.GeoSeries | None, streets: gpd.GeoDataFrame | None
) -> tuple[gpd.GeoSeries, pd.Series]:
    """The entrances of places, by the first rung of a ladder that gives any.

    Rungs: ``gate``, tagged gates on the outline; ``crossing``, where walkable links cross the outline (bridges,
    tunnels and lifts pass by), together with the gates where more paths cross away from gates than there are gates,
    for such an outline is no fence; ``outline``, the points of the outline that are nearest to the streets, at most
    five and 40 m apart. A site below 400 m2 gets its one nearest outline point instead of crossings. A point is its
    own entrance, rung ``point``. Holes have no entrances.

    Parameters
    ----------
    geometries : GeoSeries
        Points, lines or areas in the CRS of the study, in metres.
    gates : GeoSeries or None
        Points where one may enter, in the same CRS.
    streets : GeoDataFrame or None
        `tables.STREETS`; without streets, outline points are spread evenly.

    Returns
    -------
    entrances : GeoSeries of MultiPoint
        In the index of `geometries`.
    rungs : Series of str
        One of `tables.ENTRANCE_RUNGS`, in the same index.

    Examples
    --------
    >>> garden = gpd.GeoSeries([shapely.box(0, 0, 50, 50)], index=["garden"], crs="EPSG:32648")
    >>> gates = gpd.GeoSeries.from_xy([50, 90], [20, 90], crs="EPSG:32648")
    >>> entrances, rungs = place_entrances(garden, gates=gates, streets=None)
    >>> entrances["garden"].wkt, rungs["garden"]
    ('MULTIPOINT ((50 20))', 'gate')
    """
    given = geometries.to_numpy()
    found = np.full(len(given), None, dtype=object)
    rungs = np.full(len(given), "point", dtype=object)
    is_point = shapely.get_dimensions(given) == 0
    found[is_point] = _multipoints(given[is_point])
    sites = np.flatnonzero(~is_point)
    if len(sites):
        _enter_sites(given, sites, found, rungs, gates=gates, streets=streets)
    return (
        gpd.GeoSeries(found, index=geometries.index, crs=geometries.crs),
        pd.Series(rungs, index=geometries.index, dtype=object),
    )


def _enter_sites(
    given: NDArray[np.object_],
    sites: NDArray[np.intp],
    found: NDArray[np.object_],
    rungs: NDArray[np.object_],
    *,
    gates: gpd.GeoSeries | None,
    streets: gpd.GeoDataFrame | None,
) -> None:
    """Fill in the entrances of lines and areas."""
    rings = outlines(given[sites])
    small = shapely.area(given[sites]) < SMALL_SITE_M2
    links = shapely.STRtree(_passable(streets))
    tagged = _thinned(*_at_gates(rings, gates), spacing=0.0)
    crossed = _thinned(*_at_crossings(rings, links, skip=small), spacing=CROSSING_SPACING_M)
    nearest = _thinned(*_on_outlines(rings, links), spacing=OUTLINE_SPACING_M)
    for row, site in enumerate(sites):
        if row in tagged:
            points, rungs[site] = _with_openings(tagged[row], crossed.get(row, tagged[row][:0]))
        elif row in crossed:
            points, rungs[site] = crossed[row], "crossing"
        else:
            points, rungs[site] = nearest[row][: 1 if small[row] else OUTLINE_MOST], "outline"
        found[site] = shapely.multipoints(points)


def _with_openings(gates: NDArray[np.float64], crossings: NDArray[np.float64]) -> tuple[NDArray[np.float64], str]:
    """Gates alone, unless more paths cross away from them than there are gates: such an outline is no fence."""
    apart = np.hypot(*(crossings[:, np.newaxis] - gates[np.newaxis]).transpose(2, 0, 1)).min(axis=1, initial=np.inf)
    openings = crossings[apart > CROSSING_SPACING_M]
    return (np.vstack((gates, openings)), "crossing") if len(openings) > len(gates) else (gates, "gate")


def _multipoints(points: NDArray[np.object_]) -> NDArray[np.object_]:
    parts, owner = shapely.get_parts(points, return_index=True)
    found = np.full(len(points), None, dtype=object)
    shapely.multipoints(parts, indices=owner, out=found)
    return found


def _passable(streets: gpd.GeoDataFrame | None) -> NDArray[np.object_]:
    """Lines of the links that are on the ground, one for each piece."""
    if streets is None:
        return np.empty(0, dtype=object)
    kept = ~streets["kind"].isin(PASSING_BY) & ~streets["piece"].duplicated()
    lines: NDArray[np.object_] = streets.geometry.to_numpy()[kept.to_numpy()]
    return lines


def _at_gates(rings: NDArray[np.object_], gates: gpd.GeoSeries | None) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Coordinates of the gates on each outline, and the outline's row."""
    if gates is None or not len(gates):
        return np.empty((0, 2)), np.empty(0, dtype=np.intp)
    points = gates.to_numpy()
    owner, gate = shapely.STRtree(points).query(rings, predicate="dwithin", distance=ON_OUTLINE_M)
    return shapely.get_coordinates(points[gate]), owner


def _at_crossings(
    rings: NDArray[np.object_], links: shapely.STRtree, *, skip: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Coordinates where links meet each outline that is not skipped, and the outline's row."""
    owner, link = links.query(rings, predicate="intersects")
    owner, link = owner[~skip[owner]], link[~skip[owner]]
    lines = shapely.force_2d(links.geometries[link])
    points, pair = shapely.get_coordinates(shapely.intersection(rings[owner], lines), return_index=True)
    owner = owner[pair]
    order = np.lexsort((points[:, 1], points[:, 0], owner))
    return points[order], owner[order]


def _on_outlines(rings: NDArray[np.object_], links: shapely.STRtree) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Coordinates on each outline nearest to the links about it, nearest first, and the outline's row."""
    if not len(links):
        shares = np.arange(OUTLINE_MOST) / OUTLINE_MOST
        spread = shapely.line_interpolate_point(
            shapely.get_geometry(rings, 0)[:, np.newaxis], shares[np.newaxis, :], normalized=True
        )
        return shapely.get_coordinates(spread.ravel()), np.repeat(np.arange(len(rings)), OUTLINE_MOST)
    (rows, _), nearest = links.query_nearest(rings, return_distance=True, all_matches=False)
    reach = np.zeros(len(rings))
    reach[rows] = nearest + OUTLINE_SLACK_M
    owner, link = links.query(rings, predicate="dwithin", distance=reach)
    legs = shapely.shortest_line(rings[owner], shapely.force_2d(links.geometries[link]))
    points = shapely.get_coordinates(shapely.get_point(legs, 0))
    order = np.lexsort((points[:, 1], points[:, 0], np.round(shapely.length(legs), 3), owner))
    return points[order], owner[order]


def _thinned(points: NDArray[np.float64], owner: NDArray[np.intp], *, spacing: float) -> dict[int, NDArray[np.float64]]:
    """The points of each owner in their order, without those nearer than `spacing` to one that was kept."""
    order = np.argsort(owner, kind="stable")
    points, owner = points[order], owner[order]
    rows, starts = np.unique(owner, return_index=True)
    kept = {}
    for row, own in zip(rows.tolist(), np.split(points, starts)[1:], strict=True):
        chosen = own[:1]
        for point in own[1:]:
            if np.hypot(*(chosen - point).T).min() > spacing:
                chosen = np.vstack((chosen, point))
        kept[row] = chosen
    return kept
