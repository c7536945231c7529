"""The contract: every table and record that rooms hand to each other.

A table is an ordinary GeoDataFrame. Each is stated once, as data, in `statements`; from that come the
check at every door and the data dictionary beside the results. Ids are unique strings in a named index; all
geometry is in one projected CRS in metres; `seconds` are seconds and `minutes` appear only at the doors.
"""

from circle15.tables.contract import Column, Table
from circle15.tables.records import TICKS_PER_SECOND, Coverage, Placement, Result, StudyArea, TravelTimes
from circle15.tables.statements import (
    BUILDINGS,
    CAUSES,
    COMPLETENESS,
    COVERAGE,
    DEPENDENCE,
    ENTRANCE_RUNGS,
    EVIDENCE,
    FACILITIES,
    GAPS,
    GRADES,
    GROUND,
    GROUPS,
    HOUSING,
    ISOCHRONES,
    LINK_KINDS,
    ORIGINS,
    STATUSES,
    STEP_FREE,
    STREETS,
    SURVEY,
    TABLES,
    TERRAIN,
    TIERS,
    UNITS,
    WALKERS,
    dictionary,
)

__all__ = [
    "BUILDINGS",
    "CAUSES",
    "COMPLETENESS",
    "COVERAGE",
    "DEPENDENCE",
    "ENTRANCE_RUNGS",
    "EVIDENCE",
    "FACILITIES",
    "GAPS",
    "GRADES",
    "GROUND",
    "GROUPS",
    "HOUSING",
    "ISOCHRONES",
    "LINK_KINDS",
    "ORIGINS",
    "STATUSES",
    "STEP_FREE",
    "STREETS",
    "SURVEY",
    "TABLES",
    "TERRAIN",
    "TICKS_PER_SECOND",
    "TIERS",
    "UNITS",
    "WALKERS",
    "Column",
    "Coverage",
    "Placement",
    "Result",
    "StudyArea",
    "Table",
    "TravelTimes",
    "dictionary",
]
