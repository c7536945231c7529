"""Judgement: coverage in three states, supply, the five-colour card, gaps and causes, circles, equity, comparison.

Everything here is counted from walking times upward, cluster by cluster; nothing is an average of averages, and no
polygon is ever counted from.
"""

from circle15.assessment.card import category_status, gaps, grades, headline, quadrant
from circle15.assessment.changes import changes
from circle15.assessment.circles import circles, integrated, targets, views
from circle15.assessment.comparison import (
    candidates,
    card_by_walker,
    causes,
    dependence_table,
    flips,
    step_free,
    terrain_penalty,
)
from circle15.assessment.completeness import (
    completeness,
    completeness_summary,
    completeness_text,
    known_by_origin,
    next_lists,
    residents,
)
from circle15.assessment.containment import containment
from circle15.assessment.coverage import coverage, coverage_table, doubted
from circle15.assessment.equity import equity
from circle15.assessment.groups import group_coverage
from circle15.assessment.projects import (
    Before,
    Said,
    extended,
    listed,
    needs,
    project_cells,
    rooms,
    unserved,
    with_cells,
)
from circle15.assessment.supply import demand, minimums, norms, supplied, supply_table
from circle15.assessment.units import own
from circle15.project.yardsticks import EVERYONE

__all__ = [
    "EVERYONE",
    "Before",
    "Said",
    "candidates",
    "card_by_walker",
    "category_status",
    "causes",
    "changes",
    "circles",
    "completeness",
    "completeness_summary",
    "completeness_text",
    "containment",
    "coverage",
    "coverage_table",
    "demand",
    "dependence_table",
    "doubted",
    "equity",
    "extended",
    "flips",
    "gaps",
    "grades",
    "group_coverage",
    "headline",
    "integrated",
    "known_by_origin",
    "listed",
    "minimums",
    "needs",
    "next_lists",
    "norms",
    "own",
    "project_cells",
    "quadrant",
    "residents",
    "rooms",
    "step_free",
    "supplied",
    "supply_table",
    "targets",
    "terrain_penalty",
    "unserved",
    "views",
    "with_cells",
]
