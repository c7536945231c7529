"""Records that carry more than a table can: the study area, placements, travel times, coverage, a whole result."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pandas as pd

from circle15.errors import CutoffError, Finding

if TYPE_CHECKING:
    from collections.abc import Mapping

    import geopandas as gpd
    import numpy as np
    from numpy.typing import NDArray
    from pyproj import CRS
    from scipy.sparse import csr_array
    from shapely import Polygon
    from shapely.geometry.base import BaseGeometry

TICKS_PER_SECOND = 10  # all searching is in whole ticks of 0.1 s, so that 900.0 s is in and 900.1 s is out


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
        if minutes * 60 > self.cutoff_s:
            have = self.cutoff_s / 60
            raise CutoffError(
                Finding(
                    "travel times",
                    f"{minutes:g} minutes were asked of times computed to {have:g} minutes",
                    f"Compute them with cutoff_minutes={minutes:g}",
                )
            )

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
    """

    seconds: pd.DataFrame
    opportunities: pd.DataFrame
    status: pd.DataFrame
    why: pd.DataFrame
    search_minutes: float


@dataclass(frozen=True)
class Result:
    """Everything that one run of a study computed; what the page and the report are made from.

    All tables are in the CRS of `area`. `found` is the coverage of every cluster as frames; `coverage` lists it row by
    row, and is empty as `gaps` is where that would be too many rows for one table. `facts` are plain values for
    headings and the manifest.
    """

    area: StudyArea
    units: gpd.GeoDataFrame
    origins: gpd.GeoDataFrame
    groups: pd.DataFrame
    housing: pd.DataFrame
    facilities: gpd.GeoDataFrame
    completeness: pd.DataFrame
    survey: pd.DataFrame
    found: Coverage
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
    facts: Mapping[str, object] = field(default_factory=dict)
