"""Residence clusters: homes near one another, with the people that published totals leave to them.

People are spread over residential buildings by floor area (footprint times levels), and every published total is kept
to the last person. Buildings are then grouped so that a cluster lies in one unit and spans little ground and little
height, since in a city of stairs 30 m apart may be ten minutes apart.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial import cKDTree
from scipy.spatial.distance import pdist

from circle15.errors import Circle15Warning, DataError, Finding, quoted
from circle15.project.languages import headers
from circle15.sources.ages import TOLERANCE, age_columns, check_sizes
from circle15.sources.files import at_rows, coordinates, numbers, read_table, recognise, texts
from circle15.sources.population import ladder, per_unit
from circle15.tables import ORIGINS, TIERS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from circle15.project.study_file import _People as People
    from circle15.sources.people_raster import PeopleRaster
    from circle15.sources.population import Ladder
    from circle15.sources.terrain import Terrain
    from circle15.tables import StudyArea

EVIDENCE = ("tag", "landuse", "plain")  # from the surest to a guess
NEIGHBOURS, NEIGHBOURHOOD_M = 15, 200.0  # whose levels stand in for missing ones
BESIDE_M = 50.0  # a home this near to a unit belongs to it where no other of its kind holds it
MOST_APART = 2.0  # a raster and the published total may differ by this factor
MOST_AT_ONCE = 1000  # homes that are grouped in one piece; more are halved first

HEADERS = headers("homes")


class _Homes(NamedTuple):
    """Residential buildings in a fixed order; one entry each."""

    footprint: NDArray[np.object_]
    xy: NDArray[np.float64]
    ground_m: NDArray[np.float64]
    evidence: NDArray[np.int64]
    weight: NDArray[np.float64]  # lived-in floor area
    unit: NDArray[np.int64]  # position of the finest unit, -1 for none


def residence_clusters(
    buildings: gpd.GeoDataFrame,
    units: gpd.GeoDataFrame,
    area: StudyArea,
    *,
    people: People,
    terrain: Terrain | None = None,
    raster: PeopleRaster | None = None,
) -> gpd.GeoDataFrame:
    """Group homes into residence clusters, and spread the population over them.

    Homes are the buildings whose centre lies in the boundary and whose evidence is ``tag``, ``landuse`` or ``plain``;
    a plain building counts with `people.plain_share` of its floor area. Levels are the building's own, else the median
    of the (up to 15) nearest homes within 200 m that state theirs, those beyond the boundary among them, else
    `people.default_levels`.

    A published total is spread over the homes of its unit by floor area; where a unit and parts of it publish totals,
    the parts keep theirs and the rest of the unit shares what they leave. What `people.total` leaves over goes to
    the homes whose units publish nothing; where all publish, their totals hold and `people.total` may differ by 1 %.

    With a raster of people, homes draw what its cells hold: those in one cell share its people by floor area, and a
    cell with people but without a home becomes a cluster at its centre, with `buildings` 0. Published totals hold all
    the same; where neither a unit nor `people.total` states any, the raster's own people are the total. In a unit
    where the raster knows nobody, floor area decides.

    A unit with people but without any home becomes one cluster at a point inside it, with `buildings` 0 and
    evidence ``plain``.

    Clusters come from complete linkage, so that no two footprint centres of one cluster are more than `people.span_m`
    apart on the ground or `people.height_span_m` in height. A cluster stands at the footprint centre nearest to
    its middle; ids are ``<unit>-001`` and so on from north to south.

    Parameters
    ----------
    buildings : GeoDataFrame
        tables.BUILDINGS in the CRS of the area.
    units : GeoDataFrame
        tables.UNITS in the CRS of the area.
    area : StudyArea
        Homes outside its boundary do not count.
    people : record
        The ``[people]`` part of a study file.
    terrain : Terrain, optional
        Heights of the ground; without it clusters are bounded on the ground only.
    raster : PeopleRaster, optional
        People per cell within the boundary.

    Returns
    -------
    GeoDataFrame
        tables.ORIGINS. Populations sum to the totals within 1e-9 of each; `floor_area_m2` is what counts as lived in.

    Raises
    ------
    DataError
        When no population is known, totals contradict each other, or there is nowhere to put people.
    """
    homes = _homes(buildings, units, area, people=people, terrain=terrain)
    takers = _takers(homes, units, raster)
    shares, left = _shared_out(takers, units, area, total=people.total, raster=raster is not None)
    if raster is not None:
        _compared(raster, float(shares.sum() + sum(count for _, count in left)))
    group = _groups(homes, people.span_m, people.height_span_m)
    rows = [_cluster(homes, members, shares[members].sum()) for members in _members(group)]
    bare = zip(takers.unit[len(group) :], takers.bare_xy, shares[len(group) :], strict=True)
    rows += [_empty_cluster(int(place), count, xy, terrain) for place, xy, count in bare]
    rows += [_empty_cluster(place, count, _inside(units, place), terrain) for place, count in left]
    if not rows:
        raise _no_homes(area)
    clusters = pd.DataFrame(rows)
    clusters["unit"] = [units.index[place] if place >= 0 else None for place in clusters["place"]]
    order = ["place", "y", "x"]
    clusters = clusters.sort_values(order, ascending=[True, False, True], ignore_index=True)
    counted = clusters.groupby("place").cumcount() + 1
    clusters.index = pd.Index(
        [f"{unit or 'outside'}-{count:03d}" for unit, count in zip(clusters["unit"], counted, strict=True)],
        name=ORIGINS.index,
        dtype=object,
    )
    points = gpd.points_from_xy(clusters["x"], clusters["y"])
    origins = gpd.GeoDataFrame(clusters, geometry=points, crs=area.crs)[ORIGINS.names]
    ORIGINS.check(origins, where="residence clusters", crs=area.crs)
    return origins


# --------------------------------------------------------------------------------------------------------------- homes


def _homes(
    buildings: gpd.GeoDataFrame, units: gpd.GeoDataFrame, area: StudyArea, *, people: People, terrain: Terrain | None
) -> _Homes:
    centres = shapely.centroid(buildings.geometry.to_numpy())
    shapely.prepare(area.boundary)
    evidence = buildings["evidence"].map({name: rank for rank, name in enumerate(EVIDENCE)}).fillna(-1).to_numpy(int)
    counts = (evidence >= 0) & ((evidence != EVIDENCE.index("plain")) | (people.plain_share > 0))
    chosen = np.flatnonzero(counts & (shapely.area(buildings.geometry.to_numpy()) > 0))
    xy = shapely.get_coordinates(centres[chosen]).reshape(-1, 2)
    order = np.lexsort((xy[:, 0], xy[:, 1]))
    chosen, xy = chosen[order], xy[order]
    levels = _levels(buildings["levels"].to_numpy(dtype=float)[chosen], xy, people.default_levels)
    inside = shapely.intersects(area.boundary, centres[chosen])  # a home beyond still has levels to go by
    chosen, xy, levels = chosen[inside], xy[inside], levels[inside]
    footprint = buildings.geometry.to_numpy()[chosen]
    floor = shapely.area(footprint) * levels
    rank = evidence[chosen]
    return _Homes(
        footprint=footprint,
        xy=xy,
        ground_m=np.full(len(xy), np.nan) if terrain is None else terrain.ground(xy),
        evidence=rank,
        weight=floor * np.where(rank == EVIDENCE.index("plain"), people.plain_share, 1.0),
        unit=finest_unit(xy, units),
    )


def _levels(levels: NDArray[np.float64], xy: NDArray[np.float64], default: float) -> NDArray[np.float64]:
    """Levels of every home: its own, else the median of its neighbours, else the default."""
    stated = np.isfinite(levels) & (levels > 0)
    found = np.where(stated, levels, default)
    lacking = np.flatnonzero(~stated)
    if stated.any() and len(lacking):
        near, who = cKDTree(xy[stated]).query(xy[lacking], k=NEIGHBOURS, distance_upper_bound=NEIGHBOURHOOD_M)
        theirs = np.append(levels[stated], np.nan)[who]
        some = np.isfinite(near).any(axis=1)
        found[lacking[some]] = np.nanmedian(theirs[some], axis=1)
    return found


def finest_unit(xy: NDArray[np.float64], units: gpd.GeoDataFrame) -> NDArray[np.int64]:
    """Position of the finest unit that holds each point; a point in a sliver between parts takes the nearest part."""
    found = np.full(len(xy), -1)
    points, shapes = np.asarray(shapely.points(xy), dtype=object), units.geometry.to_numpy()
    for tier in reversed(TIERS):
        places = np.flatnonzero((units["tier"] == tier).to_numpy())
        open_ = np.flatnonzero(found < 0)
        if len(places) and len(open_):
            point, unit = shapely.STRtree(shapes[places]).query(points[open_], predicate="intersects")
            first = pd.Series(places[unit]).groupby(point).min()
            found[open_[first.index.to_numpy(dtype=int)]] = first.to_numpy()
    undivided = ~units.index.isin(units["parent"].dropna())
    parts = np.flatnonzero(undivided)
    sliver = np.flatnonzero((found < 0) | ~np.append(undivided, False)[found])
    if len(parts) and len(sliver):
        point, part = shapely.STRtree(shapes[parts]).query_nearest(points[sliver], max_distance=BESIDE_M)
        first = pd.Series(parts[part]).groupby(point).min()
        found[sliver[first.index.to_numpy(dtype=int)]] = first.to_numpy()
    return found


# ---------------------------------------------------------------------------------------------------------- population


class _Takers(NamedTuple):
    """Who takes people: the homes, and after them the cells of a raster in which no home is drawn."""

    unit: NDArray[np.int64]
    pull: NDArray[np.float64]  # how much each draws: lived-in floor area, or the people of the raster
    floor: NDArray[np.float64]  # lived-in floor area, for units where the raster knows nobody
    bare_xy: NDArray[np.float64]  # of the cells


def _takers(homes: _Homes, units: gpd.GeoDataFrame, raster: PeopleRaster | None) -> _Takers:
    """Homes and what each draws; those in one cell of a raster share its people by floor area."""
    if raster is None:
        return _Takers(homes.unit, homes.weight, homes.weight, np.empty((0, 2)))
    cell = raster.cell(homes.xy)
    floor = per_unit(homes.weight, cell, len(raster.people))
    drawn = np.where(cell >= 0, raster.people[cell] * homes.weight / np.maximum(floor[cell], homes.weight), 0.0)
    bare = floor == 0
    return _Takers(
        unit=np.append(homes.unit, finest_unit(raster.xy[bare], units)),
        pull=np.append(drawn, raster.people[bare]),
        floor=np.append(homes.weight, np.zeros(bare.sum())),
        bare_xy=raster.xy[bare],
    )


def _shared_out(
    takers: _Takers, units: gpd.GeoDataFrame, area: StudyArea, *, total: float | None, raster: bool
) -> tuple[NDArray[np.float64], list[tuple[int, float]]]:
    """People of each taker, and (unit, people) where there is nobody to take them."""
    published = units["population"].to_numpy(dtype=float)
    steps = ladder(published, units, takers.unit)
    control, source = steps.control, steps.source
    amounts = _settled(steps, published, units)
    leaf = ~np.isin(np.arange(len(units)), steps.parent)
    full = bool(leaf.any()) and bool((source[leaf] >= 0).all()) and bool((control >= 0).all())
    if total is None and raster:
        rest = float(takers.pull[control < 0].sum())
    else:
        rest = _rest(control, float(amounts.sum()), full=full, total=total, area=area)
    shares = np.zeros(len(control))
    left: list[tuple[int, float]] = []
    for place in [*np.flatnonzero(np.isfinite(published)), -1]:
        amount = rest if place < 0 else amounts[place]
        members = control == place
        weight = takers.pull[members] if takers.pull[members].sum() > 0 else takers.floor[members]
        if weight.sum() > 0:
            shares[members] = amount * (weight / weight.sum())
        elif amount > 0:
            left.append((int(place), float(amount)))
    silent = np.where(
        np.isnan(published) & leaf, source, len(units)
    )  # whose people a part that publishes nothing takes
    return shares, _somewhere(left, silent, units, area)


def lived_in(buildings: gpd.GeoDataFrame, units: gpd.GeoDataFrame, area: StudyArea, *, people: People) -> pd.Series:
    """Floor area that counts as lived in, by the finest unit of each home.

    Parameters
    ----------
    buildings, units, area, people
        As for `residence_clusters`.

    Returns
    -------
    Series of float
        Square metres, on the ids of units with homes.
    """
    homes = _homes(buildings, units, area, people=people, terrain=None)
    inside = homes.unit >= 0
    floor = per_unit(homes.weight[inside], homes.unit[inside], len(units))
    return pd.Series(floor, index=units.index)[floor > 0]


def residents_of_parts(
    floor: pd.DataFrame, units: gpd.GeoDataFrame, area: StudyArea, *, total: float | None
) -> pd.DataFrame:
    """Residents of every unit in every part of an area, as `residence_clusters` spreads them over the whole.

    Parameters
    ----------
    floor : DataFrame
        Columns `part`, `unit` and `floor_m2`, from `lived_in` part by part.
    units : GeoDataFrame
        tables.UNITS of the whole area.
    area : StudyArea
        The whole.
    total : float, optional
        Residents of the whole area.

    Returns
    -------
    DataFrame
        Columns `part`, `unit` and `people`: who lives there and in none of the unit's own parts. Where a unit has
        people and no home at all, the part is missing.
    """
    weight = floor["floor_m2"].to_numpy(dtype=float)
    taker = units.index.get_indexer(pd.Index(floor["unit"], dtype=object)).astype(np.int64)
    takers = _Takers(taker, weight, weight, np.empty((0, 2)))
    shares, left = _shared_out(takers, units, area, total=total, raster=False)
    rows = list(zip(floor["part"], floor["unit"], shares, strict=True))
    rows += [(None, units.index[place], people) for place, people in left]
    return pd.DataFrame(rows, columns=["part", "unit", "people"])


def _settled(steps: Ladder, published: NDArray[np.float64], units: gpd.GeoDataFrame) -> NDArray[np.float64]:
    """What each unit has to spread; where its parts contradict it, theirs hold and it has nothing."""
    amounts, parent, control = steps.amounts.copy(), steps.parent, steps.control
    parts = np.bincount(parent[parent >= 0], minlength=len(units))
    silent = np.bincount(parent[(parent >= 0) & np.isnan(published)], minlength=len(units))
    homes = np.bincount(control[control >= 0], minlength=len(units))
    full = (parts > 0) & (silent == 0) & (homes == 0) & np.isfinite(published)  # nothing may be left over
    wrong = (amounts < 0) | (full & (amounts != 0))
    odd = wrong & (np.abs(amounts) > TOLERANCE * np.nan_to_num(published))
    if odd.any():
        ids = quoted(units.index[odd])
        problem = f"the parts of {int(odd.sum()):,} units publish other totals than the units themselves ({ids})"
        text = Finding("units", f"{problem}; those of the parts are used", "Correct the population of one or the other")
        warnings.warn(str(text), Circle15Warning, stacklevel=4)
    amounts[wrong] = 0.0
    return amounts


def _compared(raster: PeopleRaster, people: float) -> None:
    """Say so when a raster and the published totals count quite different numbers of people."""
    counted = float(raster.people.sum())
    if counted > MOST_APART * people or people > MOST_APART * counted:
        problem = f"it counts {counted:,.0f} people within the boundary, where {people:,.0f} are published"
        mend = "Check that it holds people per cell, not per km2, and in which year"
        warnings.warn(str(Finding(raster.name, problem, mend)), Circle15Warning, stacklevel=3)


def _rest(control: NDArray[np.int64], settled: float, *, full: bool, total: float | None, area: StudyArea) -> float:
    """People of the whole area who belong to no published total; `full` when no ground and no home is left for them."""
    if total is None:
        bare = int((control < 0).sum())
        if not settled or bare:
            who = f"{bare:,} homes lie in units that publish no population" if settled else "no population is known"
            mend = f"State the residents of {area.name}, or give every unit its population"
            raise DataError(Finding("[people] total", who, mend))
        return 0.0
    rest = total - settled
    if rest < -TOLERANCE * total or (full and rest > TOLERANCE * total):
        problem = f"it is {total:,.0f}, but the units publish {settled:,.0f} together"
        raise DataError(Finding("[people] total", problem, "Correct it, or the population of the units"))
    return 0.0 if full else max(rest, 0.0)


def _somewhere(
    left: list[tuple[int, float]], silent: NDArray[np.int64], units: gpd.GeoDataFrame, area: StudyArea
) -> list[tuple[int, float]]:
    """The unit at whose inner point people without a home are counted: its largest part that publishes nothing."""
    placed = []
    size = units.geometry.area.to_numpy()
    for place, count in left:
        parts = np.flatnonzero(silent == place)
        if not len(parts) and place < 0:
            raise _no_homes(area)
        placed.append((int(parts[size[parts].argmax()]) if len(parts) else place, count))
    return placed


def _no_homes(area: StudyArea) -> DataError:
    mend = "Give an extract with buildings, or a table of clusters under [people] clusters"
    return DataError(Finding("buildings", f"there is no residential building in {area.name}", mend))


# ------------------------------------------------------------------------------------------------------------ clusters


def _groups(homes: _Homes, span_m: float, height_span_m: float) -> NDArray[np.int64]:
    """The number of the cluster of each home."""
    count = len(homes.unit)
    group = np.full(count, -1)
    known = np.isfinite(homes.ground_m)
    pending = [
        np.flatnonzero((homes.unit == unit) & (known == has)) for unit in np.unique(homes.unit) for has in (0, 1)
    ]
    following = 0
    while pending:
        members = pending.pop()
        if len(members) > MOST_AT_ONCE:
            xy = homes.xy[members]
            order = np.argsort(xy[:, np.ptp(xy, axis=0).argmax()], kind="stable")
            pending += [np.sort(members[half]) for half in np.array_split(order, 2)]
        elif len(members):
            group[members] = following + _linked(homes, members, span_m, height_span_m)
            following = group[members].max() + 1
    return group


def _linked(homes: _Homes, members: NDArray[np.int64], span_m: float, height_span_m: float) -> NDArray[np.int64]:
    """Complete linkage: no two members further apart than the spans allow, on the ground or in height."""
    if len(members) == 1:
        return np.zeros(1, dtype=np.int64)
    ground = homes.ground_m[members]
    apart, height = pdist(homes.xy[members]), pdist(np.where(np.isnan(ground), 0.0, ground)[:, None])
    share = np.maximum(apart / span_m, height / height_span_m)
    allowed = (apart <= span_m) & (height <= height_span_m)
    share = np.where(allowed, np.minimum(share, 1.0), np.maximum(share, np.nextafter(1.0, 2.0)))  # exact at the limit
    joined = linkage(share, method="complete")
    return np.asarray(fcluster(joined, t=1.0, criterion="distance"), dtype=np.int64) - 1


def _members(group: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    order = np.argsort(group, kind="stable")
    return [part for part in np.split(order, np.flatnonzero(np.diff(group[order])) + 1) if len(part)]


def _cluster(homes: _Homes, members: NDArray[np.int64], people: float) -> dict[str, object]:
    xy, weight = homes.xy[members], homes.weight[members]
    middle = (xy * weight[:, None]).sum(axis=0) / weight.sum()
    nearest = members[np.hypot(*(xy - middle).T).argmin()]
    by_evidence = np.bincount(homes.evidence[members], weights=weight, minlength=len(EVIDENCE))
    return {
        "place": homes.unit[members[0]],
        "x": homes.xy[nearest, 0],
        "y": homes.xy[nearest, 1],
        "population": people,
        "buildings": len(members),
        "floor_area_m2": weight.sum(),
        "height_m": homes.ground_m[nearest],
        "span_m": pdist(xy).max() if len(members) > 1 else 0.0,
        "evidence": EVIDENCE[int(by_evidence.argmax())],
    }


def _empty_cluster(place: int, people: float, xy: NDArray[np.float64], terrain: Terrain | None) -> dict[str, object]:
    """People at a point where no home is drawn."""
    height = np.nan if terrain is None else terrain.ground(xy[None, :])[0]
    bare = {"buildings": 0, "floor_area_m2": np.nan, "span_m": 0.0, "evidence": "plain"}
    return {"place": place, "x": xy[0], "y": xy[1], "population": people, "height_m": height, **bare}


def _inside(units: gpd.GeoDataFrame, place: int) -> NDArray[np.float64]:
    point: NDArray[np.float64] = shapely.get_coordinates(shapely.point_on_surface(units.geometry.iloc[place]))[0]
    return point


# ----------------------------------------------------------------------------------------------- a table of one's own


def read_origins(path: Path | str, area: StudyArea, *, units: gpd.GeoDataFrame | None = None) -> gpd.GeoDataFrame:
    """Read a table of residence clusters, which replaces those made from buildings.

    Parameters
    ----------
    path : Path
        GeoJSON or GeoPackage of points (or areas, which count as a point inside), or CSV with columns lon and lat
        (经度, 纬度) in WGS-84. Columns: ``population`` (人口) and, where known, ``id`` (编号) and age groups such as
        ``60+`` (60岁及以上), which `read_origin_groups` gives.
    area : StudyArea
        Every row has to lie in its boundary.
    units : GeoDataFrame, optional
        tables.UNITS; the finest one that holds a row becomes its `unit`.

    Returns
    -------
    GeoDataFrame
        tables.ORIGINS with evidence ``survey``; rows without an id are numbered.

    Raises
    ------
    SourceError
        When the file is missing or cannot be read.
    DataError
        With every finding: no rows, no coordinates, missing population, repeated ids, rows outside the boundary,
        age groups larger than the population.
    """
    path = Path(path)
    table = read_table(path)
    rows = recognise(table, HEADERS, where=path.name)
    if rows.empty:
        raise DataError(Finding(path.name, "there is no row in it", "Give at least one cluster"))
    found: list[Finding] = []
    lonlat = coordinates(rows, path.name, area, found)
    placed = gpd.GeoSeries(gpd.points_from_xy(*lonlat.T), crs="EPSG:4326").to_crs(area.crs).to_numpy()
    people = numbers(rows["population"])
    check_sizes(_ages(table, path.name, found), people, path.name, found)
    ids = _ids(rows)
    known = np.isfinite(lonlat).all(axis=1)
    outside = known & ~shapely.intersects(area.boundary, placed)
    if rows["population"].isna().all():
        headers = ", ".join(("population", *HEADERS["population"][:2]))
        found.append(Finding(path.name, "there is no population", f"Add a column of residents named one of {headers}"))
    elif not (np.isfinite(people) & (people >= 0)).all():
        bad = ~np.isfinite(people) | (people < 0)
        found.append(at_rows(path.name, bad, "have no population, or one that is no number", "Fill or drop them"))
    twice = ids[ids.duplicated()].unique()
    if len(twice):
        problem = f"{len(twice):,} ids occur more than once (first: {quoted(twice)})"
        found.append(Finding(path.name, problem, "Make every id unique"))
    if outside.any() and not any("swapped" in one.problem for one in found):
        mend = f"Correct or drop them, or widen the boundary of {area.name}"
        found.append(at_rows(path.name, outside, "lie outside the boundary", mend))
    if found:
        raise DataError(*found)
    xy = shapely.get_coordinates(placed)
    unit = np.full(len(rows), -1) if units is None else finest_unit(xy, units)
    buildings = numbers(rows["buildings"])
    floor = numbers(rows["floor_area_m2"])
    origins = gpd.GeoDataFrame(
        {
            "population": people,
            "unit": [None if units is None or place < 0 else units.index[place] for place in unit],
            "buildings": np.where(np.isfinite(buildings), buildings, 0).astype(int),
            "floor_area_m2": np.where(np.isfinite(floor), floor, np.nan),
            "height_m": np.nan,
            "span_m": 0.0,
            "evidence": "survey",
        },
        index=pd.Index(ids.to_numpy(), name=ORIGINS.index, dtype=object),
        geometry=placed,
        crs=area.crs,
    )
    ORIGINS.check(origins, where=path.name, crs=area.crs)
    return origins


def _ages(table: pd.DataFrame, where: str, found: list[Finding]) -> pd.DataFrame:
    """Age groups of a table whose rows are counted from 1 after the header."""
    return age_columns(table.set_axis(pd.RangeIndex(1, len(table) + 1)), where, found, [])


def _ids(rows: pd.DataFrame) -> pd.Series:
    """Ids as given; a row without one is numbered."""
    ids = texts(rows["origin"])
    return ids.where(ids.notna(), [str(row + 1) for row in range(len(rows))])


def read_origin_groups(path: Path | str, origins: gpd.GeoDataFrame) -> pd.DataFrame:
    """The age groups of a planner's own table of clusters.

    Parameters
    ----------
    path : Path
        The file that `read_origins` read.
    origins : GeoDataFrame
        What it gave.

    Returns
    -------
    DataFrame
        One row per cluster, one column per age group such as ``60+``; NaN where a cell is empty, no column where the
        file has none. It is the `own` of `population.spread_groups`.

    Raises
    ------
    SourceError
        When the file is missing or cannot be read.
    DataError
        When a number is negative or none at all, or a group is larger than the cluster.
    """
    path = Path(path)
    table = read_table(path)
    found: list[Finding] = []
    groups = _ages(table, path.name, found)
    ids = _ids(recognise(table, HEADERS, where=path.name))
    people = origins["population"].reindex(ids).to_numpy(dtype=float)
    check_sizes(groups, people, path.name, found)
    if found:
        raise DataError(*found)
    return groups.set_axis(pd.Index(ids, name=ORIGINS.index)).reindex(origins.index)
