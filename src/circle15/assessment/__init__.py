"""Judgement: coverage in three states, the five-colour card, the gaps and their causes, comparison.

Everything here is counted from walking times upward, cluster by cluster; nothing is an average of averages, and no
polygon is ever counted from.
"""

from circle15.assessment.card import category_status, gaps, grades, headline
from circle15.assessment.comparison import (
    candidates,
    card_by_walker,
    causes,
    dependence_table,
    flips,
    step_free,
    terrain_penalty,
)
from circle15.assessment.coverage import completeness, coverage, coverage_table

__all__ = [
    "candidates",
    "card_by_walker",
    "category_status",
    "causes",
    "completeness",
    "coverage",
    "coverage_table",
    "dependence_table",
    "flips",
    "gaps",
    "grades",
    "headline",
    "step_free",
    "terrain_penalty",
]
