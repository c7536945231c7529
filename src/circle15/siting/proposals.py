"""Before and after the choice: street-side places to choose from, and the order in which the chosen are built."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.spatial import KDTree

from circle15.errors import DataError, Finding, quoted
from circle15.siting.records import WHERE, Reach
from circle15.siting.solver import TINY
from circle15.tables import CANDIDATES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from circle15.siting.records import Floats, Ints, Siting

BESIDE = ("street", "path")  # kinds of link beside which something can stand
BEFORE = ["site", "service", "cost", "gained", "cumulative"]  # columns that stand before those of the groups


def gap_points(
    homes: Floats, people: Floats, streets: Floats, *, apart_m: float = 150.0, most: int | None = None
) -> Ints:
    """Street-side places near people who lack something, for where no table of vacant space is at hand.

    Home after home, the one whose people times distance to the nearest place so far is largest: the nearest street
    vertex there becomes a place, if it is far enough from the others. Farthest points first (Gonzalez 1985), by weight.

    Parameters
    ----------
    homes : ndarray, shape (homes, 2)
        In metres.
    people : ndarray, shape (homes,)
        Who lacks a service there; homes without any are not looked at.
    streets : ndarray, shape (vertices, 2)
        Street vertices in the same metres.
    apart_m : float
        Places are at least so far from each other, and no home is looked at again that has one so near.
    most : int, optional
        At most so many places.

    Returns
    -------
    ndarray of int
        Rows of `streets`, in the order of choice; the same on every run.

    Raises
    ------
    DataError
        When shapes do not fit, or coordinates or people are missing.

    Examples
    --------
    >>> homes = np.array([[0.0, 10.0], [40.0, 10.0], [500.0, 10.0], [900.0, 0.0]])
    >>> streets = np.column_stack([np.arange(0.0, 901.0, 100.0), np.zeros(10)])
    >>> gap_points(homes, np.array([50.0, 80.0, 20.0, 0.0]), streets).tolist()
    [0, 5]
    """
    homes, people, streets = (np.asarray(one, dtype=np.float64) for one in (homes, people, streets))
    _check_points(homes, people, streets)
    homes, people = homes[people > 0], people[people > 0]
    chosen: list[int] = []
    apart = np.full(len(homes), np.inf)  # of each home from the nearest place
    waiting = np.full(len(homes), len(streets) > 0)
    beside = np.asarray(KDTree(streets).query(homes)[1]) if waiting.any() else np.zeros(0, dtype=np.int64)
    while waiting.any() and (most is None or len(chosen) < most):
        lacking = np.where(waiting, people * np.minimum(apart, np.finfo(float).max ** 0.5), -1.0)
        home = int(np.argmax(lacking))
        waiting[home] = False
        vertex = int(beside[home])
        to_places = np.hypot(*(streets[chosen] - streets[vertex]).T)
        if to_places.min(initial=np.inf) < apart_m:
            continue
        chosen.append(vertex)
        apart = np.minimum(apart, np.hypot(*(homes - streets[vertex]).T))
        waiting &= apart > apart_m
    return np.array(chosen, dtype=np.int64)


def street_side(
    streets: gpd.GeoDataFrame,
    origins: gpd.GeoDataFrame,
    *,
    near: pd.Series,
    most: int | None = None,
    apart_m: float = 150.0,
) -> gpd.GeoDataFrame:
    """Candidates beside streets, near people who lack something: for where no table of vacant space is at hand.

    At vertices of open streets and paths, not of bridges, tunnels, stairs and the like; which ones says `gap_points`.
    Nobody has looked whether there is any room: all that is known of them is where they are.

    Parameters
    ----------
    streets : GeoDataFrame
        tables.STREETS.
    origins : GeoDataFrame
        tables.ORIGINS, in the same CRS.
    near : Series
        People who lack something, by origin id.
    most, apart_m
        As for `gap_points`.

    Returns
    -------
    GeoDataFrame
        tables.CANDIDATES, index ``street/1`` and so on in the order of choice; the same on every run.

    Raises
    ------
    DataError
        When an origin is not known, numbers of people are missing or below 0, or the two CRS differ.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely import LineString, Point
    >>> ways = {"kind": ["street", "bridge"], "access": ["open", "open"]}
    >>> lines = [LineString([(0, 0), (100, 0)]), LineString([(100, 0), (100, 90)])]
    >>> streets = gpd.GeoDataFrame(ways, index=["a", "b"], geometry=lines, crs=32648)
    >>> homes = gpd.GeoDataFrame(index=["A", "B"], geometry=[Point(20, 5), Point(100, 80)], crs=32648)
    >>> found = street_side(streets, homes, near=pd.Series({"A": 5.0, "B": 9.0}), apart_m=50.0)
    >>> found.geometry.to_wkt().to_dict(), found["step_free"].tolist()
    ({'street/1': 'POINT (100 0)', 'street/2': 'POINT (0 0)'}, ['unknown', 'unknown'])
    """
    absent = near.index.difference(origins.index, sort=False)
    findings = []
    if len(absent):
        problem = f"{len(absent):,} of {len(near):,} ids are no origins (first: {quoted(absent)})"
        findings.append(Finding("near", problem, "Give people by origin"))
    if streets.crs != origins.crs:
        findings.append(
            Finding("streets", "they and the origins are in different CRS", "Bring both to that of the study")
        )
    if findings:
        raise DataError(*findings)
    walked = streets[streets["kind"].isin(BESIDE) & (streets["access"] == "open")]
    vertices = np.unique(shapely.get_coordinates(walked.geometry.to_numpy()), axis=0)
    homes = shapely.get_coordinates(origins.geometry.loc[near.index].to_numpy())
    rows = gap_points(homes, near.to_numpy(dtype=np.float64), vertices, apart_m=apart_m, most=most)
    ids = pd.Index([f"street/{number}" for number in range(1, len(rows) + 1)], name=CANDIDATES.index, dtype=object)
    unknown = dict.fromkeys(CANDIDATES.names[:-1]) | {"step_free": "unknown", "source": "streets"}
    frame = pd.DataFrame(unknown | {"candidate_from": "street"}, index=ids).astype(
        CANDIDATES.empty().dtypes.drop("geometry")
    )
    return gpd.GeoDataFrame(frame, geometry=gpd.points_from_xy(*vertices[rows].T), crs=streets.crs)


def _check_points(homes: Floats, people: Floats, streets: Floats) -> None:
    findings = []
    for name, points in (("homes", homes), ("streets", streets)):
        if points.ndim != 2 or points.shape[1:] != (2,):  # noqa: PLR2004  two coordinates
            findings.append(Finding(name, f"the shape is {points.shape}", "Give one row of x and y in metres for each"))
        elif not np.isfinite(points).all():
            findings.append(Finding(name, "some coordinates are no numbers", "Leave these rows out"))
    if people.shape != homes.shape[:1] or not (people >= 0).all():
        findings.append(Finding("people", "they are not one number of at least 0 for each home", "Mend them"))
    if findings:
        raise DataError(*findings)


def picks(found: Siting, reaches: Reach | Mapping[str, Reach]) -> pd.DataFrame:
    """The chosen in the order in which they are best built: most people newly served for the cost, then the next.

    Whom a pick serves is not counted again for the later ones. What each serves is whoever is within reach and is not
    served by a standing facility or an earlier pick; of a capacitated covering, whoever is assigned to it.

    Parameters
    ----------
    found : Siting
        What was chosen.
    reaches : Reach or mapping of str to Reach
        What it was chosen from; with a mapping of one service, the rows carry its name.

    Returns
    -------
    DataFrame
        One row per pick, index `pick` (site, or site:service). Columns: `site`, `service`; `cost`, of a complex with
        the opening of the site at its first service; `gained`, people newly served, every group by its weight;
        `cumulative`; then persons newly served, one column per group, named as in `people`.

    Raises
    ------
    DataError
        When the reaches are not those of the chosen services, their groups differ, or a group has the name of a column.

    Examples
    --------
    >>> from circle15.siting import maximal_covering, reach
    >>> pairs = pd.DataFrame({"origin": list("AABBC"), "facility": list("XYYZZ"), "seconds": 60.0})
    >>> people = pd.DataFrame({"0-59": [6.0, 15.0, 25.0], "60+": [4.0, 5.0, 5.0]}, index=list("ABC"))
    >>> asked = reach(pairs, people)
    >>> print(picks(maximal_covering(asked, sites=2), {"canteen": asked}).to_string(index=False))
    site service  cost  gained  cumulative  0-59  60+
       Z canteen   1.0    50.0        50.0  40.0 10.0
       X canteen   1.0    10.0        60.0   6.0  4.0
    """
    several = isinstance(found.chosen, pd.MultiIndex)
    given = {"": reaches} if isinstance(reaches, Reach) else dict(reaches)
    pairs = list(found.chosen) if several else [(site, next(iter(given), "")) for site in found.chosen]
    groups = _groups(given, pairs)
    left = {service: _Left(one) for service, one in given.items()}
    shares = {(site, service): _shares(found, given[service], site) for site, service in pairs}
    opening, own = found.opening.to_dict(), dict(zip(pairs, found.costs.to_numpy(), strict=True))
    rows, cumulative = [], 0.0
    waiting = sorted(pairs, key=str)
    while waiting:
        costs = [own[pair] + opening.get(pair[0], 0.0) for pair in waiting]
        gains = [left[service].gain(shares[site, service]) for site, service in waiting]
        merit = [(gain / max(cost, TINY), gain) for gain, cost in zip(gains, costs, strict=True)]
        at = max(range(len(waiting)), key=lambda one: (merit[one], -one))
        (site, service), cost, gained = waiting.pop(at), costs[at], gains[at]
        opening.pop(site, None)
        cumulative += gained
        persons = left[service].take(shares[site, service])
        rows.append([site, service, cost, gained, cumulative, *persons])
    names = [f"{row[0]}:{row[1]}" if row[1] else str(row[0]) for row in rows]
    return pd.DataFrame(rows, index=pd.Index(names, name="pick", dtype=object), columns=[*BEFORE, *groups])


class _Left:
    """Of each origin, the share that nobody serves yet."""

    def __init__(self, reach: Reach) -> None:
        self.people, self.need = reach.people.to_numpy(dtype=np.float64), reach.need
        self.share = np.isinf(reach.nearest(np.flatnonzero(reach.standing))[1]).astype(np.float64)

    def gain(self, share: Floats) -> float:
        """People newly served by who serves such shares."""
        return float(self.need @ np.minimum(share, self.share))

    def take(self, share: Floats) -> list[float]:
        """Persons newly served by group, who are not left any more."""
        taken = np.minimum(share, self.share)
        self.share = self.share - taken
        persons: list[float] = (taken @ self.people).tolist()
        return persons


def _shares(found: Siting, reach: Reach, site: object) -> Floats:
    """The share of each origin that a site serves: all within its reach, or as they were assigned."""
    if found.problem != "capacitated covering":
        near = reach.nearest(reach.sites.get_indexer(pd.Index([site])))[1]
        return np.isfinite(near).astype(np.float64)
    own = found.served[found.served["site"] == site].set_index("origin")["people"]
    persons = reach.persons
    assigned = own.reindex(reach.origins).fillna(0.0).to_numpy(dtype=np.float64)
    share: Floats = np.divide(assigned, persons, out=np.zeros(len(persons)), where=persons > 0)
    return share


def _groups(reaches: Mapping[str, Reach], pairs: list[tuple[str, str]]) -> list[str]:
    """The groups that all reaches share; refused where something does not fit."""
    findings = []
    absent = [f"{site} {service}".strip() for site, service in pairs if not _knows(reaches.get(service), site)]
    if absent:
        findings.append(Finding(WHERE, f"nothing is said of {quoted(absent)}", "Give what the choice was made from"))
    groups = [list(one.people.columns) for one in reaches.values()]
    if any(one != groups[0] for one in groups):
        findings.append(Finding(WHERE, "not all services have the same groups", "Give each the same columns of people"))
    taken = [name for name in groups[0] if name in BEFORE] if groups else []
    if taken:
        findings.append(Finding(WHERE, f"{quoted(taken)} is no name for a group", "Call it otherwise"))
    if findings:
        raise DataError(*findings)
    return groups[0]


def _knows(reach: Reach | None, site: object) -> bool:
    return reach is not None and site in reach.candidates
