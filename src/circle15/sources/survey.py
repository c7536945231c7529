"""What residents say: a table of unit, category, number of answers and their mean."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from circle15.errors import DataError, Finding, quoted
from circle15.project.languages import headers
from circle15.project.reading import nearest
from circle15.sources.files import at_rows, numbers, read_numbered, recognise, texts
from circle15.tables import SURVEY
from circle15.tables.naming import unit_ids

if TYPE_CHECKING:
    from collections.abc import Iterator

    import geopandas as gpd
    from numpy.typing import NDArray

    from circle15.project import Standard

MOST_ANSWERS = 1e9  # of one unit; beyond it is a telephone number

HEADERS = headers("survey")


def read_survey(
    path: Path, units: gpd.GeoDataFrame, *, standard: Standard, worst: float = 1.0, best: float = 5.0
) -> pd.DataFrame:
    """Read what residents say of each category in each unit.

    Columns are known by their Chinese or English headers: unit (单元, 街道, 社区), category (类别), number of answers
    (份数, 样本数) and mean (均值, 满意度, 得分). Units are codes or names; categories keys or labels.

    Parameters
    ----------
    path : Path
        Any table that `files.read_table` reads; rows are named as Excel counts them.
    units : GeoDataFrame
        tables.UNITS.
    standard : Standard
        States the categories.
    worst, best : float
        The scale of the answers, such as 1 and 5, or 0 and 100.

    Returns
    -------
    DataFrame
        tables.SURVEY, in the order of the units and of the card; `satisfaction` is (mean - worst) / (best - worst).

    Raises
    ------
    SourceError
        When the file is missing or cannot be read.
    DataError
        With every finding: no such column, unknown units and categories with the nearest, numbers of answers that are
        not whole or below one, means outside the scale, a unit and category given twice.
    """
    path = Path(path)
    rows = recognise(read_numbered(path), HEADERS, where=path.name)
    rows = pd.DataFrame(rows[list(HEADERS)])
    absent = [word for word in HEADERS if rows[word].isna().all()]
    if absent:
        raise DataError(*(_no_column(path.name, word) for word in absent))
    unit, category = texts(rows["unit"]), texts(rows["category"])
    answers, mean = numbers(rows["answers"]), numbers(rows["mean"])
    ids, found = unit_ids(unit.dropna(), units, where=path.name)
    keys, unknown = _categories(category.dropna(), standard, path.name)
    table = pd.DataFrame({"unit": unit.map(ids), "category": category.map(keys), "answers": answers, "mean": mean})
    missing = unit.isna() | category.isna()
    blank = rows.isna().all(axis=1)  # below the table, or between its parts
    findings = [*found, *unknown, *_findings(table, path.name, missing=missing, blank=blank, scale=(worst, best))]
    if findings:
        raise DataError(*findings)
    table = table[~blank]
    satisfaction = (table["mean"] - worst) / (best - worst)
    table = table.assign(answers=table["answers"].astype("int64"), satisfaction=satisfaction)
    order = [category.key for category in standard.categories]
    rank = np.lexsort(
        (pd.Index(order).get_indexer(pd.Index(table["category"])), units.index.get_indexer(pd.Index(table["unit"])))
    )
    table = table.iloc[rank].set_axis((table["unit"] + ":" + table["category"]).iloc[rank])
    table.index = table.index.rename(SURVEY.index)
    SURVEY.check(table, where=path.name)
    return table[SURVEY.names]


def _no_column(where: str, word: str) -> Finding:
    return Finding(where, f"there is no column of {word}", f"Add one with the header {HEADERS[word][0]} or {word}")


def _categories(words: pd.Series, standard: Standard, where: str) -> tuple[dict[str, str], list[Finding]]:
    """The category that each word means: its key, or its name in any language of the standard."""
    meant = {_folded(word): one.key for one in standard.categories for word in (*one.names.values(), one.key)}
    known = [word for one in standard.categories for word in (*one.names.values(), one.key)]
    keys = {word: meant[_folded(word)] for word in words.unique() if _folded(word) in meant}
    others = [word for word in words.unique() if word not in keys]
    return keys, [Finding(where, f"there is no category {word!r}", nearest(word, known)) for word in others]


def _findings(
    table: pd.DataFrame, where: str, *, missing: pd.Series, blank: pd.Series, scale: tuple[float, float]
) -> Iterator[Finding]:
    """What is wrong with single rows."""
    answers, mean = table["answers"].to_numpy(), table["mean"].to_numpy()
    worst, best = scale
    for bad, problem, mend in (
        (missing, "have no unit or no category", "Fill them, or drop the rows"),
        (_not_counts(answers), "have a number of answers that is not a whole number of at least 1", "Mend them"),
        (
            ~((mean >= worst) & (mean <= best)),
            f"have a mean outside the scale from {worst:g} to {best:g}",
            "Mend them, or state worst and best under [survey]",
        ),
    ):
        rows = np.asarray(bad) & ~blank.to_numpy()
        if rows.any():
            yield at_rows(where, rows, problem, mend, rows=table.index)
    cells = table[["unit", "category"]].dropna()
    twice = cells[cells.duplicated()]
    if len(twice):
        named = quoted((twice["unit"] + " " + twice["category"]).unique())
        yield Finding(where, f"{len(twice):,} rows repeat a unit and category (first: {named})", "Keep one of each")


def _not_counts(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    whole: NDArray[np.bool_] = (values >= 1) & (values < MOST_ANSWERS) & (values == np.round(values))
    return ~whole


def _folded(word: str) -> str:
    return unicodedata.normalize("NFKC", word).strip().casefold()
