"""Judgement: coverage in three states, the five-colour card, the gaps and their causes, comparison.

Everything here is counted from walking times upward, cluster by cluster; nothing is an average of averages, and no
polygon is ever counted from.
"""

from circle15.assessment.card import category_status, gaps, grades, headline
from circle15.assessment.changes import changes
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
from circle15.assessment.coverage import coverage, coverage_table, doubted

__all__ = [
    "candidates",
    "card_by_walker",
    "category_status",
    "causes",
    "changes",
    "completeness",
    "completeness_summary",
    "completeness_text",
    "coverage",
    "coverage_table",
    "dependence_table",
    "doubted",
    "flips",
    "gaps",
    "grades",
    "headline",
    "known_by_origin",
    "next_lists",
    "residents",
    "step_free",
    "terrain_penalty",
]
