"""Records that carry more than a table can: the study area, placements, travel times, coverage, a whole result."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from circle15.errors import CutoffError, DataError, Finding, quoted
from circle15.tables.judged import (
    CIRCLES,
    CONTAINMENT,
    EQUITY,
    GROUP_COVERAGE,
    MINIMUMS,
    QUADRANT,
    SUPPLY,
    TARGETS,
    VIEWS,
)
from circle15.tables.planned import PROJECT_CELLS, PROJECTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import geopandas as gpd
    from numpy.typing import NDArray
    from pyproj import CRS
    from scipy.sparse import csr_array
    from shapely import Polygon
    from shapely.geometry.base import BaseGeometry

TICKS_PER_SECOND = 10  # all searching is in whole ticks of 0.1 s, so that 900.0 s is in and 900.1 s is out


def limit_s(minutes: float) -> float:
    """The longest walk within so many minutes, in seconds: whole ticks, whatever binary fractions make of 60 times it.

    Parameters
    ----------
    minutes : float
        A cut-off, inclusive.

    Returns
    -------
    float
        Seconds.

    Examples
    --------
    >>> limit_s(15), limit_s(0.13), 0.13 * 60
    (900.0, 7.8, 7.800000000000001)
    """
    return math.floor(minutes * 60 * TICKS_PER_SECOND + 1e-6) / TICKS_PER_SECOND


@dataclass(frozen=True)
class StudyArea:
    """Where the question is asked, and how far around it one has to look.

    Parameters
    ----------
    name : str
        Name of the area.
    boundary : Polygon or MultiPolygon
        In `crs`.
    crs : CRS
        The one projected CRS in metres of the study.
    margin_m : float
        How far beyond the boundary the data reach, in metres.
    within : Polygon or MultiPolygon, optional
        In `crs`; where the area is a tile of a larger one, the extent of that: nothing beyond it is looked at.

    Examples
    --------
    >>> from pyproj import CRS
    >>> from shapely import box
    >>> area = StudyArea("Square", box(0, 0, 100, 100), CRS("EPSG:32648"), margin_m=10)
    >>> [round(side) for side in area.extent.bounds]
    [-10, -10, 110, 110]
    """

    name: str
    boundary: BaseGeometry
    crs: CRS
    margin_m: float = 0.0
    within: BaseGeometry | None = None

    @property
    def extent(self) -> Polygon:
        """The boundary and its margin, in `crs`."""
        extent: Polygon = self.boundary.buffer(self.margin_m)
        if self.within is not None:
            extent = extent.intersection(self.within)  # type: ignore[assignment]  # or several of them
        return extent

    @property
    def extent_lonlat(self) -> Polygon:
        """The extent in WGS-84 longitude and latitude."""
        import geopandas as gpd

        polygon: Polygon = gpd.GeoSeries([self.extent], crs=self.crs).to_crs("EPSG:4326").iloc[0]
        return polygon


@dataclass(frozen=True)
class Placement:
    """How the points of one table were put on the streets; one row per id.

    `table` has the index of the points and columns `how` ("main": on the largest connected piece of the network,
    "island": on a smaller one, "far": no link within the walker's longest off-road leg), `link`, `off_road_m` and
    `off_road_s`.
    """

    table: pd.DataFrame

    @property
    def unplaced(self) -> pd.Index:
        """Ids that no link was near enough for."""
        return self.table.index[self.table["how"] == "far"]

    def counts(self) -> dict[str, int]:
        """How many ids were placed how."""
        return {how: int((self.table["how"] == how).sum()) for how in ("main", "island", "far")}


@dataclass(frozen=True)
class TravelTimes:
    """Walking seconds from origins to facilities, and what is needed to read them rightly.

    Parameters
    ----------
    seconds : csr_array, shape (origins, facilities)
        Stored entries are seconds; an entry that is not stored was not reached within `cutoff_s`.
    origin_ids, facility_ids : Index
        All ids asked for, placed or not.
    cutoff_s : float
        The search went this far, inclusive.
    edge_s : ndarray, shape (origins,)
        Seconds from each origin to the nearest place where the data end; infinite beyond `cutoff_s`.
    origins, facilities : Placement
        How both sides were put on the streets.
    walker : str
        Name of the walker.
    trip : str
        `out`, `back`, `slower` or `round`.

    Examples
    --------
    >>> walks = pd.DataFrame({"origin": ["a", "b"], "facility": ["x", "x"], "seconds": [0.0, 300.0]})
    >>> times = TravelTimes.from_pairs(walks, origin_ids=["a", "b", "c"], facility_ids=["x", "y"], cutoff_minutes=15)
    >>> times.seconds.shape, times.seconds.nnz
    ((3, 2), 2)
    >>> times.to(["x"]).facility_ids.tolist()
    ['x']
    """

    seconds: csr_array
    origin_ids: pd.Index
    facility_ids: pd.Index
    cutoff_s: float
    edge_s: NDArray[np.float64]
    origins: Placement
    facilities: Placement
    walker: str
    trip: str = "out"

    def require(self, minutes: float) -> None:
        """Refuse a cut-off that was not computed.

        Parameters
        ----------
        minutes : float
            The cut-off wanted.

        Raises
        ------
        CutoffError
            When it is longer than what was computed.
        """
        if limit_s(minutes) > self.cutoff_s:
            have = self.cutoff_s / 60
            raise CutoffError(
                Finding(
                    "travel times",
                    f"{minutes:g} minutes were asked of times computed to {have:g} minutes",
                    f"Compute them with cutoff_minutes={minutes:g}",
                )
            )

    def to(self, facility_ids: pd.Index | Sequence[str]) -> TravelTimes:
        """The times to some of the facilities only, for example to those of one service.

        Parameters
        ----------
        facility_ids : Index or sequence of str
            In the order wanted.

        Returns
        -------
        TravelTimes
            All origins, these facilities.

        Raises
        ------
        DataError
            When an id is not known here, or given twice.
        """
        asked, where = pd.Index(facility_ids), "facilities asked for"
        at = self.facility_ids.get_indexer(asked)
        found = _repeated(where, asked)
        found += _strangers(where, asked, self.facility_ids) if (at < 0).any() else []
        if found:
            raise DataError(*found)
        seconds = self.seconds[:, at]
        seconds.sort_indices()
        placed = Placement(self.facilities.table.loc[asked])
        return replace(self, seconds=seconds, facility_ids=self.facility_ids[at], facilities=placed)

    @classmethod
    def from_pairs(
        cls,
        pairs: pd.DataFrame,
        *,
        origin_ids: pd.Index | Sequence[str],
        facility_ids: pd.Index | Sequence[str],
        cutoff_minutes: float,
        walker: str = "given",
    ) -> TravelTimes:
        """Travel times that were computed elsewhere, or written by hand.

        Every id counts as placed, and as far from the edge of the data: a table of pairs says nothing of either.

        Parameters
        ----------
        pairs : DataFrame
            One row for each pair that was reached: `origin`, `facility`, `seconds`.
        origin_ids, facility_ids : Index or sequence of str
            All ids that were asked for, reached or not.
        cutoff_minutes : float
            How far was searched, inclusive.
        walker : str
            Whose times they are.

        Returns
        -------
        TravelTimes

        Raises
        ------
        DataError
            When a column is missing, an id is not among those given or given twice, a pair occurs twice, or its
            seconds are not a number from 0 to the cut-off.
        """
        from scipy.sparse import csr_array

        ids = {"origin": pd.Index(origin_ids), "facility": pd.Index(facility_ids)}
        absent = [name for name in (*ids, "seconds") if name not in pairs.columns]
        if absent:
            mend = "Give origin, facility and seconds"
            raise DataError(Finding("pairs", f"column {quoted(absent)} is missing", mend))
        walks = pd.to_numeric(pairs["seconds"], errors="coerce").to_numpy(dtype=float)
        found = [
            problem
            for name, known in ids.items()
            for problem in (*_repeated(f"{name}_ids", known), *_strangers(f"pairs, column {name}", pairs[name], known))
        ]
        twice = pairs.duplicated(list(ids))
        if twice.any():
            problem = f"{int(twice.sum()):,} pairs occur more than once (first in row {twice.to_numpy().argmax()})"
            found.append(Finding("pairs", problem, "Keep the shorter walk of each"))
        found += _unreal(walks, limit_s(cutoff_minutes))
        if found:
            raise DataError(*found)
        rows, columns = (known.get_indexer(pd.Index(pairs[name])) for name, known in ids.items())
        shape = (len(ids["origin"]), len(ids["facility"]))
        return cls(
            seconds=csr_array((walks, (rows, columns)), shape=shape),
            origin_ids=ids["origin"],
            facility_ids=ids["facility"],
            cutoff_s=limit_s(cutoff_minutes),
            edge_s=np.full(shape[0], np.inf),
            origins=_given(ids["origin"]),
            facilities=_given(ids["facility"]),
            walker=walker,
        )

    def findings(self) -> list[Finding]:
        """What is wrong with the times themselves, so that nothing may be counted from them.

        Returns
        -------
        list of Finding
            Empty when the ids are unique and fit the matrix, and every stored entry is a number of seconds from 0 to
            `cutoff_s`, stored once.
        """
        shape = (len(self.origin_ids), len(self.facility_ids))
        if self.seconds.shape != shape:
            problem = f"the matrix has the shape {self.seconds.shape}, the ids ask for {shape}"
            return [Finding("travel times", problem, "Give one row for each origin and one column for each facility")]
        found = [
            *_repeated("travel times, origins", self.origin_ids),
            *_repeated("travel times, facilities", self.facility_ids),
            *_unreal(self.seconds.data, self.cutoff_s),
        ]
        if not self.seconds.has_canonical_format:  # or merely in another order
            once = self.seconds.copy()
            once.sum_duplicates()
            if once.nnz < self.seconds.nnz:
                problem = f"{self.seconds.nnz - once.nnz:,} pairs are stored more than once"
                found.append(Finding("travel times", problem, "Store each pair once"))
        return found

    def pairs(self) -> pd.DataFrame:
        """Every reached pair as a row: `origin`, `facility`, `seconds`."""
        coo = self.seconds.tocoo()
        return pd.DataFrame(
            {
                "origin": self.origin_ids.to_numpy()[coo.coords[0]],
                "facility": self.facility_ids.to_numpy()[coo.coords[1]],
                "seconds": coo.data,
            }
        )


def _given(ids: pd.Index) -> Placement:
    """Placed, as far as one can tell."""
    unknown = {"how": "main", "link": None, "off_road_m": np.nan, "off_road_s": np.nan}
    return Placement(pd.DataFrame(unknown, index=ids))


def _repeated(where: str, ids: pd.Index) -> list[Finding]:
    twice = ids[ids.duplicated()].unique()
    problem = f"{len(twice):,} ids occur more than once (first: {quoted(twice)})"
    return [Finding(where, problem, "Make every id unique")] if len(twice) else []


def _strangers(where: str, ids: pd.Index | pd.Series, known: pd.Index) -> list[Finding]:
    strange = ids[~ids.isin(known)].unique()
    problem = f"{len(strange):,} ids are not known (first: {quoted(strange)})"
    return [Finding(where, problem, "Leave them out, or add them to the ids asked for")] if len(strange) else []


def _unreal(seconds: NDArray[np.float64], cutoff_s: float) -> list[Finding]:
    wrong = ~((seconds >= 0) & (seconds <= cutoff_s))
    problem = f"{int(wrong.sum()):,} walks are not numbers of seconds from 0 to the cut-off of {cutoff_s:g} s"
    return [Finding("travel times", problem, "Leave out what was not reached within it")] if wrong.any() else []


@dataclass(frozen=True)
class Coverage:
    """Served, gap or unknown for every origin and service.

    Each frame has one row per origin and one column per service of the standard.

    Parameters
    ----------
    seconds : DataFrame of float
        To the nearest facility; missing when none was found within the search.
    opportunities : DataFrame of int
        Facilities within the service's cut-off.
    status : DataFrame of str
        `served`, `gap` or `unknown`.
    why : DataFrame of str
        For unknown: `inventory`, `edge` or `unplaced`; empty otherwise.
    search_minutes : float
        How far the nearest was looked for.
    edge_s : Series of float, optional
        Seconds to the nearest place where the data end, so that the same walks can be judged by other cut-offs.
    supply : Supply, optional
        How much there is for whom, where that was asked.
    """

    seconds: pd.DataFrame
    opportunities: pd.DataFrame
    status: pd.DataFrame
    why: pd.DataFrame
    search_minutes: float
    edge_s: pd.Series | None = None
    supply: Supply | None = None


@dataclass(frozen=True)
class Supply:
    """How much of each service that has a norm is offered to whom, over what the norm asks.

    Each frame has one row per origin and one column per service that has a norm.

    Parameters
    ----------
    people : DataFrame of float
        Those whom the norm is for.
    ratio : DataFrame of float
        Supply per head (E2SFCA) over the norm per head; missing where the origin could not be placed, or where the
        list is too incomplete to say.
    known : DataFrame of float
        The part of `ratio` that rests on facilities of known size.
    asked_each : Series of float
        What the norm asks for one of the people.
    measure : Series of str
        What that is counted in: `floor_area_m2`, `land_m2`, `capacity` or `count`.
    """

    people: pd.DataFrame
    ratio: pd.DataFrame
    known: pd.DataFrame
    asked_each: pd.Series
    measure: pd.Series


@dataclass(frozen=True)
class Norms:
    """What supply is held against: one column, or one value, for each service that has a norm.

    Parameters
    ----------
    people : DataFrame of float
        Those whom the norm is for, by origin.
    people_each : Series of float
        How many of them are owed one facility of the norm's size.
    typical : Series of float
        That size.
    column : Series of str
        The column of `tables.FACILITIES` that it is measured in; empty where facilities are counted.
    size : Series of float
        Of every facility of such a service, in facilities of the norm's size; missing: not known.
    own : Series of bool
        Whether it lies in the study area: only then it shares out what it has.
    """

    people: pd.DataFrame
    people_each: pd.Series
    typical: pd.Series
    column: pd.Series
    size: pd.Series
    own: pd.Series


@dataclass(frozen=True)
class Judgement:
    """What is judged beyond the card, and planned.

    Each table keeps the contract of its name, and is empty where it was not asked.

    Examples
    --------
    >>> len(Judgement().circles)
    0
    """

    supply: pd.DataFrame = field(default_factory=SUPPLY.empty)
    minimums: pd.DataFrame = field(default_factory=MINIMUMS.empty)
    containment: pd.DataFrame = field(default_factory=CONTAINMENT.empty)
    circles: pd.DataFrame = field(default_factory=CIRCLES.empty)
    targets: pd.DataFrame = field(default_factory=TARGETS.empty)
    views: pd.DataFrame = field(default_factory=VIEWS.empty)
    group_coverage: pd.DataFrame = field(default_factory=GROUP_COVERAGE.empty)
    equity: pd.DataFrame = field(default_factory=EQUITY.empty)
    quadrant: pd.DataFrame = field(default_factory=QUADRANT.empty)
    projects: pd.DataFrame = field(default_factory=PROJECTS.empty)
    project_cells: pd.DataFrame = field(default_factory=PROJECT_CELLS.empty)


@dataclass(frozen=True)
class Result:
    """Everything that one run of a study computed; what the page and the report are made from.

    All tables are in the CRS of `area`. `found` is the coverage of every cluster as frames, none where a result was
    made from its tables; `coverage` lists it row by row, and is empty as `gaps` is where that would be too many rows
    for one table. `facts` are plain values for headings and the manifest.
    """

    area: StudyArea
    units: gpd.GeoDataFrame
    origins: gpd.GeoDataFrame
    groups: pd.DataFrame
    housing: pd.DataFrame
    facilities: gpd.GeoDataFrame
    completeness: pd.DataFrame
    survey: pd.DataFrame
    found: Coverage | None
    coverage: pd.DataFrame
    grades: pd.DataFrame
    gaps: pd.DataFrame
    walkers: pd.DataFrame
    terrain: pd.DataFrame
    dependence: gpd.GeoDataFrame
    step_free: gpd.GeoDataFrame
    isochrones: gpd.GeoDataFrame
    streets: gpd.GeoDataFrame
    ground: gpd.GeoDataFrame
    judgement: Judgement = field(default_factory=Judgement)
    facts: Mapping[str, object] = field(default_factory=dict)

    def table(self, name: str) -> pd.DataFrame:
        """The table of that name of `tables.TABLES`, whether of the run itself or of its judgement."""
        found: pd.DataFrame = getattr(self if hasattr(self, name) else self.judgement, name)
        return found

    @classmethod
    def of(cls, area: StudyArea, held: Mapping[str, pd.DataFrame], *, facts: Mapping[str, object]) -> Result:
        """A result from tables by their names; those that are not given are empty, and it has no frames of coverage.

        Parameters
        ----------
        area : StudyArea
            Gives the CRS.
        held : mapping of str to DataFrame
            Tables as `tables.TABLES` states them; names that are no part of a result are left out.
        facts : mapping
            Plain values for headings.

        Returns
        -------
        Result
        """
        from circle15.tables.statements import TABLES

        empty = {name: table.empty(area.crs if table.geometry else None) for name, table in TABLES.items()}
        own, judged = ({one.name for one in fields(kind)} for kind in (cls, Judgement))
        every = empty | dict(held)
        judgement = Judgement(**{name: table for name, table in every.items() if name in judged})
        parts: dict[str, Any] = {name: table for name, table in every.items() if name in own}
        return cls(area=area, found=None, judgement=judgement, facts=facts, **parts)


@dataclass(frozen=True)
class Comparison:
    """Two runs side by side: who gains and who loses.

    Parameters
    ----------
    before, after : Result
        What was compared, in one CRS.
    by : {"origin", "unit"}
        ``origin``: homes and residents are the same, so that everybody is told apart. ``unit``: they are not, so that
        only sums over units can be compared; who gained and lost within a unit is missing then.
    changes : DataFrame
        tables.CHANGES.
    units : GeoDataFrame
        tables.UNIT_CHANGES.
    cells : DataFrame
        tables.CELL_CHANGES.
    origins : GeoDataFrame
        tables.ORIGIN_CHANGES.
    facilities : GeoDataFrame
        tables.FACILITY_CHANGES.
    findings : tuple of Finding
        What makes the two runs hard to compare.
    facts : mapping
        Plain values for headings and the manifest: what was compared with what, and the headline figures.
    """

    before: Result
    after: Result
    by: str
    changes: pd.DataFrame
    units: gpd.GeoDataFrame
    cells: pd.DataFrame
    origins: gpd.GeoDataFrame
    facilities: gpd.GeoDataFrame
    findings: tuple[Finding, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
