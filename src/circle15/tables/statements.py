"""Every table, stated once; from here come the checks and the data dictionary."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, get_args

import numpy as np
import pandas as pd

from circle15.tables.contract import Kind, Table, columns_of
from circle15.tables.judged import JUDGED
from circle15.tables.planned import PLANNED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

LINK_KINDS = ("path", "street", "stairs", "escalator", "lift", "crossing", "bridge", "tunnel", "corridor", "cable_car")
EVIDENCE = ("survey", "tag", "terrain", "default")
TIERS = ("district", "subdistrict", "community", "cell")
CAUSES = ("", "none", "far", "terrain", "steps", "closed")
STATUSES = ("served", "gap", "unknown")
_MAJOR = ("trunk", "primary", "secondary", "trunk_link", "primary_link", "secondary_link")
ENTRANCE_RUNGS = ("gate", "crossing", "outline", "point", "table")


_text, _number, _integer, _boolean = map(columns_of, get_args(Kind))

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
        _number("wait_s", "Surveyed wait at a lift or gate; missing: the walker's own.", nulls=True, minimum=0),
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
        _number("floor_area_m2", "Floor area that counts as lived in, in square metres.", nulls=True, minimum=0),
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

GROUPS = Table(
    "groups",
    "row",
    "Residents by age group: one row per residence cluster and group.",
    (
        _text("origin", "Residence cluster."),
        _text("group", "Ages in years, both inclusive, such as 60+ or 3-5."),
        _number("people", "Residents of that group.", minimum=0),
        _boolean("assumed", "Whether an assumed share of all residents stands in for a published number."),
    ),
)

HOUSING = Table(
    "housing",
    "unit",
    "Floor area found against expected, so that missing footprints are seen.",
    (
        _number("people", "Residents.", minimum=0),
        _number("floor_area_m2", "Floor area of the homes that are drawn, as far as it counts as lived in.", minimum=0),
        _number("expected_m2", "Floor area that so many residents would have.", minimum=0),
        _number("share", "Found over expected; missing where nobody lives.", nulls=True, minimum=0),
    ),
)

COMPLETENESS = Table(
    "completeness",
    "row",
    "How many facilities are known against how many there ought to be: one row per unit and service.",
    (
        _text("unit", "Unit."),
        _text("category", "Category of the service."),
        _text("service", "Service."),
        _integer("found", "Facilities with an entrance in the unit.", minimum=0),
        _number("expected", "Published or by the norm; missing: the standard states neither.", nulls=True, minimum=0),
        _number("share", "Found over expected.", nulls=True, minimum=0),
        _boolean("known", "Whether a facility that is not in the data can be taken not to exist."),
        _text("judged_by", "Unit whose counts decide, or the word table: an inventory lists every one there is."),
    ),
)

SURVEY = Table(
    "survey",
    "row",
    "What residents say: one row per unit and category.",
    (
        _text("unit", "Unit."),
        _text("category", "Category."),
        _integer("answers", "Number of answers.", minimum=1),
        _number("mean", "Mean answer, on the scale of the survey."),
        _number("satisfaction", "The mean between the worst (0) and the best answer (1).", minimum=0),
    ),
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
        _integer("grade_coverage", "By residents covered, every basic service asked.", nulls=True, minimum=1),
        _integer(
            "grade_supply",
            "By supply over what the norms ask, the worst basic service; missing: no norm, or it cannot be said.",
            nulls=True,
            minimum=1,
        ),
        _integer(
            "grade", "The card: 5 best to 1 worst, the worse of the two; missing: not graded.", nulls=True, minimum=1
        ),
        _text(
            "judged_by",
            "both: coverage and supply; coverage: supply could not be judged; empty: not graded.",
            allowed=("", "coverage", "both"),
        ),
        _integer(
            "grade_lenient",
            "5 best to 1 worst by residents covered, any one service asked; missing: not graded.",
            nulls=True,
            minimum=1,
        ),
        _number(
            "flips", "Share of stability runs in which the grade changes; missing: not run.", nulls=True, minimum=0
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
        _text(
            "cause",
            "Why: none (no facility within the search), far (too far even on level ground), terrain (only for"
            " the hills), steps (only without steps), closed (only for hours, fares or a one-way link).",
            allowed=CAUSES,
        ),
    ),
)

WALKERS = Table(
    "walkers",
    "row",
    "The card walker by walker: one row per unit, category and walker.",
    (
        _text("unit", "Unit."),
        _text("category", "Category."),
        _text("walker", "Walker; level: the study's walker in a city without hills."),
        _number("served", "Residents with every basic service in reach.", minimum=0),
        _number("gap", "Residents who lack at least one basic service.", minimum=0),
        _number("unknown", "Residents of whom it cannot be said.", minimum=0),
        _integer("grade", "5 best to 1 worst; missing: not graded.", nulls=True, minimum=1),
        _integer("change", "Grade against that of the study's own walker; missing: one is not graded.", nulls=True),
    ),
)

TERRAIN = Table(
    "terrain",
    "row",
    "The terrain penalty: who is covered on level ground and in a gap on the hill; one row per unit and service.",
    (
        _text("unit", "Unit."),
        _text("service", "Service."),
        _number("level", "Residents covered in a city without hills.", minimum=0),
        _number("lost", "Of those, residents in a gap as the city is.", minimum=0),
    ),
)

DEPENDENCE = Table(
    "dependence",
    "row",
    "Who loses what if one lift, escalator, footbridge or long stair closes; most people first.",
    (
        _text("osm_id", "The lift, escalator, footbridge or stair."),
        _text("kind", "What it is.", allowed=LINK_KINDS),
        _text("name", "Its name.", nulls=True),
        _text("service", "Service that would be lost."),
        _number("people", "Residents who would lose it.", minimum=0),
        _integer("origins", "Residence clusters that would lose it.", minimum=0),
    ),
    ("Point",),
)

STEP_FREE = Table(
    "step_free",
    "origin",
    "Each residence cluster without steps: how much farther, and what cannot be reached at all.",
    (
        _number("population", "Residents.", minimum=0),
        _number(
            "ratio", "Median over services of step-free seconds to shortest seconds, for what both reach.", nulls=True
        ),
        _integer("reached", "Services within their cut-off on the shortest way.", minimum=0),
        _integer("reached_step_free", "Of those, services within their cut-off without steps.", minimum=0),
        _boolean("no_way", "Whether no facility at all can be reached without steps within the search."),
    ),
    ("Point",),
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
    {
        table.name: table
        for table in (
            UNITS,
            ORIGINS,
            GROUPS,
            HOUSING,
            FACILITIES,
            COMPLETENESS,
            SURVEY,
            COVERAGE,
            GRADES,
            *JUDGED,
            *PLANNED,
            GAPS,
            WALKERS,
            TERRAIN,
            DEPENDENCE,
            STEP_FREE,
            ISOCHRONES,
            STREETS,
            GROUND,
        )
    }
)


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


def street_class(streets: pd.DataFrame) -> NDArray[np.object_]:
    """How a link is drawn; `lift` is a symbol.

    Parameters
    ----------
    streets : DataFrame
        With `kind` and `highway`.

    Returns
    -------
    ndarray of str

    Examples
    --------
    >>> links = pd.DataFrame({"kind": ["street", "lift", "corridor"], "highway": ["primary", None, None]})
    >>> street_class(links).tolist()
    ['major', 'lift', 'path']
    """
    kind = streets["kind"].to_numpy(dtype=object)
    major = (kind == "street") & streets["highway"].isin(_MAJOR).to_numpy()
    minor = np.isin(kind, ("crossing", "corridor"))
    return np.where(major, "major", np.where(minor, "path", kind))
