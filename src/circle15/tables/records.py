"""Records that carry more than a table can: the study area, coverage, supply, judgement, a whole result."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from circle15.display import Shown
from circle15.tables import shown
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
    from collections.abc import Mapping

    import geopandas as gpd
    import pandas as pd
    from pyproj import CRS
    from shapely import Polygon
    from shapely.geometry.base import BaseGeometry

    from circle15.display import Card
    from circle15.errors import Finding


@dataclass(frozen=True, repr=False)
class StudyArea(Shown):
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

    def _card(self) -> Card:
        return shown.area_card(self)


@dataclass(frozen=True, repr=False)
class Coverage(Shown):
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
    search_minutes : float or Series of float
        How far the nearest was looked for; by service where that differs.
    edge_s : Series of float, optional
        Seconds to the nearest place where the data end, so that the same walks can be judged by other cut-offs.
    supply : Supply, optional
        How much there is for whom, where that was asked.
    """

    seconds: pd.DataFrame
    opportunities: pd.DataFrame
    status: pd.DataFrame
    why: pd.DataFrame
    search_minutes: float | pd.Series
    edge_s: pd.Series | None = None
    supply: Supply | None = None

    def searched(self, service: str) -> float:
        """How far the nearest of a service was looked for, in minutes."""
        one = self.search_minutes
        return one if isinstance(one, float) else float(one[service])

    def _card(self) -> Card:
        return shown.coverage_card(self)


@dataclass(frozen=True, repr=False)
class Supply(Shown):
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

    def _card(self) -> Card:
        return shown.supply_card(self)


@dataclass(frozen=True, repr=False)
class Norms(Shown):
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

    def _card(self) -> Card:
        return shown.norms_card(self)


@dataclass(frozen=True, repr=False)
class Judgement(Shown):
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

    def _card(self) -> Card:
        return shown.judgement_card(self)


@dataclass(frozen=True, repr=False)
class Result(Shown):
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

    def _card(self) -> Card:
        return shown.result_card(self)


@dataclass(frozen=True, repr=False)
class Comparison(Shown):
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

    def _card(self) -> Card:
        return shown.comparison_card(self)
