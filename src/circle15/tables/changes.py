"""The tables of a comparison of two runs, stated once: who gains and who loses."""

from __future__ import annotations

from types import MappingProxyType
from typing import get_args

from circle15.tables.contract import Column, Kind, Table, columns_of
from circle15.tables.statements import STATUSES, TIERS

EVERYBODY = "all"  # the group that every resident is of
TURNS = ("gained", "lost", "known", "unknown", "shorter", "longer")  # what becomes of a home and a service
GRADE_TURNS = ("up", "down", "same", "graded", "ungraded", "none")
PLACE_TURNS = ("added", "closed", "moved", "resized")

_text, _number, _integer, _boolean = map(columns_of, get_args(Kind))


def _people(name: str, words: str, *, told: bool = True) -> Column:
    """A number of residents; where it is not `told` in every comparison, it is missing in those by unit."""
    return _number(name, words if told else f"{words}; missing: compared by unit.", nulls=not told, minimum=0)


_SERVICE = (
    _text("category", "Category of the service."),
    _text("service", "Service."),
    _text("label", "Its name, in the languages of the later run."),
)
_UNIT = (
    _text("unit_name", "Name of the unit."),
    _text("tier", "Tier of the unit; missing: everybody.", nulls=True, allowed=TIERS),
)

CHANGES = Table(
    "changes",
    "row",
    "Who gains and who loses: one row per unit, service and group of residents, after everybody's.",
    (
        _text("unit", "Unit; missing: everybody, homes outside every unit among them.", nulls=True),
        *_UNIT,
        *_SERVICE,
        _text("group", "all: every resident; else ages in years, both inclusive, such as 60+."),
        _boolean("assumed", "Whether an assumed share of all residents stands in for published numbers of the group."),
        *(
            _people(f"{state}_{when}", f"Residents {words} {when}.")
            for when in ("before", "after")
            for state, words in (("served", "served"), ("gap", "in a gap"), ("unknown", "of whom it could not be said"))
        ),
        _number("net", "Residents who gained less those who lost; by unit: surely served beyond the share before."),
        _people("gained", "Residents in a gap before and served after", told=False),
        _people("lost", "Residents served before and in a gap after", told=False),
        _people("became_known", "Residents of whom it could not be said before, and can after", told=False),
        _people("known_served", "Of those who became known, residents who are served", told=False),
        _people("became_unknown", "Residents of whom it could be said before, and cannot after", told=False),
        _people("unknown_served", "Of those who became unknown, residents who were served", told=False),
        _people("shorter", "Residents served before and after whose walk got shorter", told=False),
        _people("minutes_shorter", "By how many minutes, on average over these residents, if any", told=False),
        _people("longer", "Residents served before and after whose walk got longer", told=False),
        _people("minutes_longer", "By how many minutes, on average over these residents, if any", told=False),
    ),
)

UNIT_CHANGES = Table(
    "unit_changes",
    "unit",
    "Units: residents who gain or lose at least one service, and cells of the card that change.",
    (
        _text("name", "Name."),
        _text("tier", "Tier.", allowed=TIERS),
        _text("parent", "Unit of the tier above.", nulls=True),
        _people("people_before", "Residents before."),
        _people("people_after", "Residents after."),
        _people("gaining", "Residents who gain at least one service", told=False),
        _people("losing", "Residents who lose at least one service", told=False),
        _integer("cells_up", "Categories with a better grade after.", minimum=0),
        _integer("cells_down", "Categories with a worse grade after.", minimum=0),
    ),
    ("Polygon", "MultiPolygon"),
)

CELL_CHANGES = Table(
    "cell_changes",
    "row",
    "The card before and after: one row per unit and category.",
    (
        _text("unit", "Unit."),
        *_UNIT,
        _text("category", "Category."),
        _text("label", "Its name, in the languages of the later run."),
        *(
            _integer(f"grade{reading}_{when}", f"Grade {when}{words}; missing: not graded.", nulls=True, minimum=1)
            for reading, words in (("", ""), ("_lenient", ", any one service asked"))
            for when in ("before", "after")
        ),
        _integer("change", "Grade after against that before; missing: one of them is not graded.", nulls=True),
        _text("turn", "up, down or same; graded, ungraded: only after, only before; none: never.", allowed=GRADE_TURNS),
    ),
)

ORIGIN_CHANGES = Table(
    "origin_changes",
    "row",
    "Homes whose state or walk changes: one row per residence cluster and service, most people first.",
    (
        _text("origin", "Residence cluster."),
        _text("unit", "Smallest unit that the cluster lies in.", nulls=True),
        *_SERVICE,
        _number("people", "Residents.", minimum=0),
        _text(
            "turn",
            "gained: from a gap to served; lost: the other way; known, unknown: became so; shorter, longer: the walk.",
            allowed=TURNS,
        ),
        *(_text(name, f"Served, gap or unknown {name}.", allowed=STATUSES) for name in ("before", "after")),
        *(
            _number(f"minutes_{when}", f"Minutes to the nearest {when}; missing: none found.", nulls=True, minimum=0)
            for when in ("before", "after")
        ),
    ),
    ("Point",),
)

FACILITY_CHANGES = Table(
    "facility_changes",
    "facility",
    "Facilities that are added, closed, moved or resized; a closed one stands where it was.",
    (
        _text("place", "Id of the real place."),
        *_SERVICE,
        _text("name", "Name as in the source.", nulls=True),
        _text("turn", "What happened to it.", allowed=PLACE_TURNS),
        _number("moved_m", "How far its entrances moved, in metres; missing: it was not on both sides.", nulls=True),
        *(
            _number(f"{size}_{when}", f"{words} {when}.", nulls=True, minimum=0)
            for size, words in (("floor_area_m2", "Floor area in square metres"), ("capacity", "Places, beds or seats"))
            for when in ("before", "after")
        ),
        _text("source", "File or data set that it comes from; scenario: it is not there yet."),
    ),
    ("MultiPoint",),
)

CHANGE_TABLES = MappingProxyType(
    {table.name: table for table in (CHANGES, UNIT_CHANGES, CELL_CHANGES, ORIGIN_CHANGES, FACILITY_CHANGES)}
)
