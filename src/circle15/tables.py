"""The contract: every table and record that rooms hand to each other.

A table is an ordinary GeoDataFrame. Each is stated once, as data, in this file; from that statement come the
check at every door and the data dictionary beside the results. Ids are unique strings in a named index; all
geometry is in one projected CRS in metres; `seconds` are seconds and `minutes` appear only at the doors.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import pandas as pd

from circle15.errors import CutoffError, DataError, Finding, quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    import geopandas as gpd
    from numpy.typing import NDArray
    from pyproj import CRS
    from scipy.sparse import csr_array
    from shapely import Polygon
    from shapely.geometry.base import BaseGeometry

TICKS_PER_SECOND = 10  # all searching is in whole ticks of 0.1 s, so that 900.0 s is in and 900.1 s is out

LINK_KINDS = ("path", "street", "stairs", "escalator", "lift", "crossing", "bridge", "tunnel", "corridor")
EVIDENCE = ("survey", "tag", "terrain", "default")
TIERS = ("district", "subdistrict", "community", "cell")
STATUSES = ("served", "gap", "unknown")
ENTRANCE_RUNGS = ("gate", "crossing", "outline", "point", "table")
Kind = Literal["text", "number", "integer", "boolean"]


@dataclass(frozen=True)
class Column:
    """One column of a table, and the sentence that the data dictionary prints.

    Parameters
    ----------
    name : str
        The column, with its unit where a bare number could be misread.
    kind : {"text", "number", "integer", "boolean"}
        What it holds.
    words : str
        One plain sentence for the data dictionary.
    nulls : bool
        Whether a value may be missing.
    allowed : tuple of str
        The only values allowed; empty for any.
    minimum : float or None
        The smallest value allowed.
    """

    name: str
    kind: Kind
    words: str
    nulls: bool = False
    allowed: tuple[str, ...] = ()
    minimum: float | None = None

    def problems(self, values: pd.Series) -> list[str]:
        """List what is wrong with the values of this column.

        Parameters
        ----------
        values : Series
            The column as found.

        Returns
        -------
        list of str
            Sentences without a full stop; empty when all is well.
        """
        found: list[str] = []
        missing = values.isna()
        if missing.any() and not self.nulls:
            ids = quoted(values.index[missing])
            found.append(f"{int(missing.sum()):,} of {len(values):,} rows have no {self.name} (first: {ids})")
        present = values[~missing]
        if self.kind in ("number", "integer"):
            numbers = pd.to_numeric(present, errors="coerce").to_numpy(dtype=float)
            bad = ~np.isfinite(numbers)
            if self.minimum is not None:
                bad |= numbers < self.minimum
            if bad.any():
                least = "" if self.minimum is None else f" of at least {self.minimum:g}"
                ids = quoted(present.index[bad])
                found.append(f"{int(bad.sum()):,} values of {self.name} are not numbers{least} (first: {ids})")
        if self.allowed:
            other = ~present.isin(self.allowed)
            if other.any():
                seen = quoted(present[other].unique())
                found.append(f"{self.name} holds {seen}; allowed are {', '.join(self.allowed)}")
        return found


@dataclass(frozen=True)
class Table:
    """The statement of one table: its index, its columns and its geometry.

    Parameters
    ----------
    name : str
        The field's word for the table.
    index : str
        The name of the index, which holds unique strings.
    words : str
        One plain sentence for the data dictionary.
    columns : tuple of Column
        In the order in which they are written.
    geometry : tuple of str
        The geometry types allowed; empty for a table without geometry.
    """

    name: str
    index: str
    words: str
    columns: tuple[Column, ...]
    geometry: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        """The column names, geometry last."""
        return [column.name for column in self.columns] + (["geometry"] if self.geometry else [])

    def _findings(self, frame: pd.DataFrame, place: str, crs: CRS | None) -> Iterator[Finding]:
        """Try to falsify that `frame` keeps this contract, in every way at once."""
        absent = [column.name for column in self.columns if column.name not in frame.columns]
        if absent:
            yield Finding(place, f"column {quoted(absent)} is missing", f"Give all of: {', '.join(self.names)}")
        if frame.index.name != self.index:
            mend = f"Set the index to a column of ids named {self.index}"
            yield Finding(place, f"the index is named {frame.index.name!r}, not {self.index!r}", mend)
        twice = frame.index[frame.index.duplicated()].unique()
        if len(twice):
            problem = f"{len(twice):,} ids occur more than once (first: {quoted(twice)})"
            yield Finding(place, problem, "Make every id unique")
        for column in self.columns:
            for problem in column.problems(frame[column.name]) if column.name in frame.columns else []:
                yield Finding(place, problem, "Mend or drop these rows")
        if self.geometry:
            yield from self._geometry_findings(frame, place, crs)

    def _geometry_findings(self, frame: pd.DataFrame, place: str, crs: CRS | None) -> Iterator[Finding]:
        wanted = f"Give geometry: {' or '.join(self.geometry)}"
        if "geometry" not in frame.columns:
            yield Finding(place, "there is no geometry column", wanted)
            return
        shapes = frame.geometry
        if shapes.crs is None:
            yield Finding(place, "the CRS is not stated", "Set it, for example with set_crs('EPSG:4326')")
        elif not shapes.crs.is_projected or (crs is not None and shapes.crs != crs):
            target = crs.to_string() if crs is not None else "a projected CRS in metres"
            yield Finding(place, f"the CRS is {shapes.crs.to_string()}", f"Bring it to {target} with to_crs()")
        empty = shapes.isna() | shapes.is_empty
        if empty.any():
            problem = f"{int(empty.sum()):,} rows have no geometry (first: {quoted(frame.index[empty])})"
            yield Finding(place, problem, "Place or drop them")
        other = shapes.geom_type[~shapes.geom_type.isin(self.geometry) & ~empty]
        if len(other):
            yield Finding(place, f"geometry holds {quoted(other.unique())}", wanted)

    def check(self, frame: pd.DataFrame, *, where: str | None = None, crs: CRS | None = None) -> None:
        """Raise one error with every finding, or do nothing.

        Parameters
        ----------
        frame : DataFrame or GeoDataFrame
            The table to check; it is not changed.
        where : str, optional
            The file or source to name in the error.
        crs : CRS, optional
            The CRS that the geometry must be in.

        Raises
        ------
        DataError
            When the contract is broken.

        Examples
        --------
        >>> import pandas as pd
        >>> GAPS.check(pd.DataFrame())  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        circle15.errors.DataError: gaps: column origin, ...
        """
        found = list(self._findings(frame, where or self.name, crs))
        if found:
            raise DataError(*found)


def _column(kind: Kind) -> Callable[..., Column]:
    """Make the constructor of columns of one kind, so that each statement below is one line."""

    def column(name: str, words: str, **rules: Any) -> Column:  # noqa: ANN401  passed on as they are
        return Column(name, kind, words, **rules)

    return column


_text, _number, _integer, _boolean = map(_column, get_args(Kind))

_AS_WRITTEN = (  # OSM tags kept for the walking rules and for other people's tools
    *("name", "highway", "foot", "conveying", "incline", "step:height", "handrail", "wheelchair", "layer"),
    *("bridge", "tunnel", "covered", "indoor", "sidewalk"),
)
_TAGS = (
    *(_text(key.replace(":", "_"), f"OSM tag {key} as written.", nulls=True) for key in _AS_WRITTEN),
    _text("ramp", "OSM tag ramp, with ramp:stroller and ramp:wheelchair appended.", nulls=True),
    _text("crossing", "Kind of crossing on or at the end of the link.", nulls=True),
)

STREETS = Table(
    "streets",
    "link",
    "Directed links that a walker may use; one row per direction.",
    (
        _text("piece", "Id of the undirected piece; both directions share it."),
        _text("osm_id", "OSM element that the link comes from, such as way/421605016."),
        _integer("from_node", "Node where the link starts; below zero: made by splitting a lift or a gate."),
        _integer("to_node", "Node where the link ends."),
        _number("length_m", "Horizontal length in metres.", minimum=0),
        _number("rise_m", "Height gained from start to end in metres; below zero downhill.", nulls=True),
        _text("kind", "What one walks on.", allowed=LINK_KINDS),
        _number("steps", "Number of steps, where tagged.", nulls=True, minimum=0),
        _text("level", "OSM tag level.", nulls=True),
        _text("hours", "OSM tag opening_hours as written.", nulls=True),
        _text("fee", "OSM tag fee, or charge where only that is given.", nulls=True),
        _text("access", "open, or private: usable only at the start or end of a walk.", allowed=("open", "private")),
        _text("evidence", "What the rise rests on.", allowed=EVIDENCE),
        _boolean("at_edge", "Whether the way goes on beyond the end of the data at to_node."),
        *_TAGS,
    ),
    ("LineString",),
)

ORIGINS = Table(
    "origins",
    "origin",
    "Residence clusters: where people set out from.",
    (
        _number("population", "Residents.", minimum=0),
        _text("unit", "Smallest unit that the cluster lies in.", nulls=True),
        _integer("buildings", "Number of residential buildings.", minimum=0),
        _number("floor_area_m2", "Footprint times levels, in square metres.", nulls=True, minimum=0),
        _number("height_m", "Height of the ground in metres.", nulls=True),
        _number("span_m", "Widest extent of the cluster in metres.", minimum=0),
        _text(
            "evidence",
            "How it is known that people live here: tag, landuse, plain (a guess) or survey.",
            allowed=("tag", "landuse", "plain", "survey"),
        ),
    ),
    ("Point",),
)

FACILITIES = Table(
    "facilities",
    "facility",
    "Places that offer a service; one row per place and service, all its entrances in one geometry.",
    (
        _text("place", "Id of the real place; a place with two services has two rows."),
        _text("category", "One of the categories of the standard."),
        _text("service", "What the standard demands within the category."),
        _text("tier", "Tier that the service belongs to.", allowed=TIERS),
        _text("name", "Name as in the source.", nulls=True),
        _number("capacity", "Places, beds or seats.", nulls=True, minimum=0),
        _number(
            "floor_area_m2", "Floor area in square metres; land area for open-air services.", nulls=True, minimum=0
        ),
        _text("source", "File or data set that it comes from."),
        _boolean("verified", "Whether somebody vouches for the row."),
        _text("entrance_from", "How the entrances were found.", allowed=ENTRANCE_RUNGS),
    ),
    ("MultiPoint",),
)

UNITS = Table(
    "units",
    "unit",
    "Communities, subdistricts, districts, or cells where no such polygons exist.",
    (
        _text("name", "Name."),
        _text("tier", "Tier.", allowed=TIERS),
        _text("parent", "Unit of the tier above.", nulls=True),
        _number("population", "Published residents.", nulls=True, minimum=0),
        _text("source", "File, OSM boundary or H3 cell that it comes from."),
    ),
    ("Polygon", "MultiPolygon"),
)

BUILDINGS = Table(
    "buildings",
    "building",
    "Footprints, and how it is known whether people live in them.",
    (
        _text("use", "OSM tag building as written."),
        _text(
            "evidence",
            "tag: tagged as a dwelling; landuse: in residential land; plain: building=yes; none: no dwelling.",
            allowed=("tag", "landuse", "plain", "none"),
        ),
        _number("levels", "Storeys, from building:levels or height / 3.", nulls=True, minimum=0),
        _text("name", "Name.", nulls=True),
    ),
    ("Polygon", "MultiPolygon"),
)

GROUND = Table(
    "ground",
    "shape",
    "Water, parks, rail and buildings drawn under the map; water also stops isochrones.",
    (_text("kind", "What it is.", allowed=("water", "park", "rail", "building")),),
    ("Polygon", "MultiPolygon", "LineString", "MultiLineString"),
)

COVERAGE = Table(
    "coverage",
    "row",
    "One row per cluster and service: served, gap or unknown.",
    (
        _text("origin", "Residence cluster."),
        _text("category", "Category of the service."),
        _text("service", "Service."),
        _text("status", "Served, gap or unknown.", allowed=STATUSES),
        _text(
            "why",
            "Why it is unknown: inventory, edge or unplaced; empty otherwise.",
            allowed=("", "inventory", "edge", "unplaced"),
        ),
        _number("minutes", "Minutes to the nearest; missing when none was found.", nulls=True, minimum=0),
        _integer("opportunities", "Facilities within the cut-off.", minimum=0),
        _number("cutoff_minutes", "Cut-off of the service, inclusive.", minimum=0),
    ),
)

GRADES = Table(
    "grades",
    "row",
    "The five-colour card: one row per unit and category.",
    (
        _text("unit", "Unit."),
        _text("category", "Category."),
        _number("people", "Residents.", minimum=0),
        _number("served", "Residents with every basic service in reach.", minimum=0),
        _number("gap", "Residents who lack at least one basic service.", minimum=0),
        _number("unknown", "Residents of whom it cannot be said.", minimum=0),
        _number("served_lenient", "Residents with any service of the category in reach.", minimum=0),
        _number("gap_lenient", "Residents with no service of the category in reach.", minimum=0),
        _number("unknown_lenient", "Residents of whom that cannot be said.", minimum=0),
        _integer("grade", "5 best to 1 worst, every basic service asked; missing: not graded.", nulls=True, minimum=1),
        _integer(
            "grade_lenient", "5 best to 1 worst, any one service asked; missing: not graded.", nulls=True, minimum=1
        ),
    ),
)

GAPS = Table(
    "gaps",
    "row",
    "Who lacks what: one row per cluster and service that is a gap.",
    (
        _text("origin", "Residence cluster."),
        _text("unit", "Smallest unit that the cluster lies in.", nulls=True),
        _text("category", "Category of the service."),
        _text("service", "Service that is out of reach."),
        _text("need", "Need class of the service.", allowed=("basic", "quality", "signature")),
        _number("people", "Residents affected.", minimum=0),
        _number(
            "minutes", "Minutes to the nearest; missing when none was found within the search.", nulls=True, minimum=0
        ),
        _number("cutoff_minutes", "Cut-off of the service, inclusive.", minimum=0),
    ),
)

ISOCHRONES = Table(
    "isochrones",
    "row",
    "Outline of the streets reached from a cluster within some minutes; a picture, never counted from.",
    (
        _text("origin", "Residence cluster."),
        _number("minutes", "Cut-off, inclusive.", minimum=0),
        _number("street_m", "Length of the pieces reached, each counted once, in metres.", minimum=0),
    ),
    ("Polygon", "MultiPolygon"),
)

TABLES = MappingProxyType(
    {table.name: table for table in (UNITS, ORIGINS, FACILITIES, COVERAGE, GRADES, GAPS, ISOCHRONES, STREETS, GROUND)}
)


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

    @property
    def extent(self) -> Polygon:
        """The boundary and its margin, in `crs`."""
        return self.boundary.buffer(self.margin_m)

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

    All tables are in the CRS of `area`. `labels` and `facts` are plain values for headings and the manifest.
    """

    area: StudyArea
    units: gpd.GeoDataFrame
    origins: gpd.GeoDataFrame
    facilities: gpd.GeoDataFrame
    coverage: pd.DataFrame
    grades: pd.DataFrame
    gaps: pd.DataFrame
    isochrones: gpd.GeoDataFrame
    streets: gpd.GeoDataFrame
    ground: gpd.GeoDataFrame
    facts: Mapping[str, object] = field(default_factory=dict)


def dictionary(tables: Iterable[Table] = TABLES.values()) -> pd.DataFrame:
    """The data dictionary: one row per column of every table.

    Parameters
    ----------
    tables : iterable of Table
        The tables to list.

    Returns
    -------
    DataFrame
        Columns `table`, `column`, `kind`, `words`.

    Examples
    --------
    >>> dictionary([GAPS])["column"].tolist()[:3]
    ['row', 'origin', 'unit']
    """
    rows: list[tuple[str, str, str, str]] = []
    for table in tables:
        rows.append((table.name, table.index, "text", f"Id. {table.words}"))
        rows += [(table.name, column.name, column.kind, column.words) for column in table.columns]
        if table.geometry:
            rows.append((table.name, "geometry", " or ".join(table.geometry), "Shape, in metres."))
    return pd.DataFrame(rows, columns=["table", "column", "kind", "words"])
