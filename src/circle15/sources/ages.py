"""Age groups: which columns of a table count people of which ages, and whether the numbers can be right."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from circle15.errors import QUOTED_IDS, Finding
from circle15.sources.files import at_rows, harmless, numbers

if TYPE_CHECKING:
    from numpy.typing import NDArray

TOLERANCE = 0.01  # numbers of several sources may differ by this share before they contradict each other
ROUNDING = 1e-9  # of a number that a spreadsheet computed
MOST_LETTERS = 60  # of a header are read
OLDEST = 120  # years; a larger number in a header is no age

_YEARS = r"(?:周?岁|years?|yrs?)?"
_OPEN = r"(?:\+|及以上|以上|plus|andover|orover|andolder|orolder|andabove)"
_BEFORE = r"(?:其中)?:?(?:常住|总)?(?:人口|population|pop|people|residents)?(?:年龄|ages?|aged)?"
_AFTER = r"(?:人口数?|人数|人|population|pop|people|persons|residents)?(?:[(\[](?:人|名|people|persons)[)\]])?"
_AGES = re.compile(rf"{_BEFORE}(\d{{1,3}}){_YEARS}(?:(-)(\d{{1,3}})|({_OPEN})){_YEARS}{_AFTER}")
_LIKE_AGES = re.compile(r"\d\s*(周?岁|\+|years|及?以上|以下)|岁|\bages?\b")
_DATE = re.compile(r"\d{4}-\d\d-\d\d|\d{1,2}-[a-z]{3}|[a-z]{3}-\d\d|\d{1,2}月\d{1,2}日")  # 3-5 after Excel had it


def age_group(header: str) -> str | None:
    """The age group that a header means, in the form of the standards: years, both inclusive.

    Parameters
    ----------
    header : str
        As in the file, Chinese or English.

    Returns
    -------
    str or None
        Such as ``60+`` or ``3-5``; none for a share, a sex, or anything else that is no count of an age group.

    Examples
    --------
    >>> [age_group(one) for one in ("60岁及以上", "60岁以上人口（人）", "65+", "pop_60_plus")]
    ['60+', '60+', '65+', '60+']
    >>> [age_group(one) for one in ("0-2岁", "３～５岁", "6 to 11 years", "0至14岁人口")]
    ['0-2', '3-5', '6-11', '0-14']
    >>> [age_group(one) for one in ("60岁以上占比(%)", "男60+", "2010-2020", "9-3岁", "人口")]
    [None, None, None, None, None]
    """
    text = _folded(header)
    text = re.sub(r"(?<=\d)\s*(周?岁)?\s*(_|[‐-―−~〜]|至|到|\bto\b)\s*(?=\d)", "-", text)
    found = _AGES.fullmatch(re.sub(r"[\s_]", "", re.sub(r"(?<=\d)\s*周?岁-", "-", text)))
    if not found:
        return None
    first, last = int(found[1]), int(found[3]) if found[2] else OLDEST
    if first > last or last > OLDEST:
        return None
    return f"{first}-{last}" if found[2] else f"{first}+"


def _folded(header: str) -> str:
    """A header in half width and small letters; nothing longer is about ages."""
    return re.sub(r"\s+", " ", unicodedata.normalize("NFKC", str(header)[:MOST_LETTERS]).lower())


def span(group: str) -> tuple[int, int]:
    """First and last year of a group, both inclusive."""
    first, _, last = group.partition("-")
    return int(first.rstrip("+")), int(last or OLDEST)


def age_columns(table: pd.DataFrame, where: str, found: list[Finding], doubts: list[Finding]) -> pd.DataFrame:
    """The age groups of a table, known by their headers.

    Parameters
    ----------
    table : DataFrame
        As read.
    where : str
        The file.
    found, doubts : list of Finding
        What is wrong, and what is only doubtful, is appended.

    Returns
    -------
    DataFrame
        The rows of the table, which findings name by its index; one column per group, from the youngest up; NaN where
        a cell is empty.
    """
    headers = [str(one) for one in table.columns if one != "geometry"]
    by_group: dict[str, list[str]] = {}
    for header in headers:
        group = age_group(header)
        if group:
            by_group.setdefault(group, []).append(header)
        elif _DATE.match(_folded(header)):
            mend = "If it was ages that a spreadsheet took for a date, write them as 3-5岁"
            found.append(Finding(where, f"the column {harmless(header)!r} is a date", mend))
        elif _LIKE_AGES.search(_folded(header)):
            mend = "If it counts people, name it like 60+, 60岁及以上 or 3-5岁"
            doubts.append(Finding(where, f"the column {harmless(header)!r} is not read", mend))
    columns = {group: by_group[group] for group in sorted(by_group, key=span)}
    for group, same in columns.items():
        if len(same) > 1:
            mend = "Keep one of them"
            found.append(Finding(where, f"the columns {' and '.join(same)} both mean ages {group}", mend))
    counted = {group: people_counts(table[same[0]], same[0], where, found) for group, same in columns.items()}
    return pd.DataFrame(counted, index=table.index, dtype=float)


def people_counts(values: pd.Series, name: str, where: str, found: list[Finding]) -> NDArray[np.float64]:
    """A column of people: NaN where empty; what is no number of people is found."""
    people = numbers(values)
    bad = np.isinf(people) | (people < 0)
    if bad.any():
        problem = f"have a number of {name} that is negative or no number"
        mend = "Mend them, or leave them empty where it is not known"
        found.append(at_rows(where, bad, problem, mend, rows=values.index))
    return np.where(bad, np.nan, people)


def check_sizes(groups: pd.DataFrame, people: NDArray[np.float64], where: str, found: list[Finding]) -> None:
    """Find age groups that hold more people than there are, alone or together with others that do not overlap.

    Parameters
    ----------
    groups : DataFrame
        One column per group; NaN where unknown. Findings name rows by its index.
    people : ndarray, shape (rows,)
        Residents of all ages; NaN where unknown.
    where : str
        The file.
    found : list of Finding
        What is wrong is appended.
    """
    wholes: dict[str, tuple[NDArray[np.float64], list[str]]] = {"population": (people, _names(groups))}
    for group in _names(groups):
        first, last = span(group)
        within = [one for one in _names(groups) if one != group and first <= span(one)[0] and span(one)[1] <= last]
        wholes[f"people aged {group}"] = (groups[group].to_numpy(dtype=float), within)
    for name, (whole, within) in wholes.items():
        if not within:
            continue
        one = groups[within].max(axis=1).to_numpy(dtype=float) > whole * (1 + ROUNDING)
        bad = one | (disjoint(groups[within]) > whole * (1 + TOLERANCE))
        if bad.any():
            said = f"have more people in {', '.join(within[:QUOTED_IDS])} than {name}"
            found.append(at_rows(where, bad, said, "Correct one or the other", rows=groups.index))


def _names(groups: pd.DataFrame) -> list[str]:
    return [str(one) for one in groups]


def disjoint(groups: pd.DataFrame) -> NDArray[np.float64]:
    """The largest sum of groups that do not overlap, per row (weighted interval scheduling); unknown counts nothing."""
    best, ends = [np.zeros(len(groups))], [-1]
    for group in sorted(_names(groups), key=lambda one: span(one)[::-1]):
        first, last = span(group)
        before = best[bisect_right(ends, first - 1) - 1]
        best.append(np.maximum(best[-1], before + np.nan_to_num(groups[group].to_numpy(dtype=float))))
        ends.append(last)
    return best[-1]
