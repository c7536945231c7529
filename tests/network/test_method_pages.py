"""The worked numbers of the pages on travel, dependence, the planner's tables and scenarios."""

import doctest
from pathlib import Path

import pytest

PAGES = Path(__file__).parents[2] / "docs" / "methods"


@pytest.mark.parametrize(
    "page", ["travel-times", "trips", "dependence", "search", "inventory", "datum", "merging", "scenarios"]
)
def test_worked_numbers(page):
    found = doctest.testfile(str(PAGES / f"{page}.md"), module_relative=False, encoding="utf-8")
    assert found.attempted >= 10
    assert found.failed == 0
