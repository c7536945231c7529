"""The five-colour card and the gaps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from circle15.assessment.supply import unit_supply
from circle15.assessment.units import STATES, by_state, codes, crossed, holds
from circle15.errors import DataError, Finding, quoted
from circle15.project.standard import ROUNDING
from circle15.tables import GAPS, GRADES, QUADRANT, Coverage

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    from circle15.project import Service, Standard

MET = 4  # "meets the standard", where a standard does not say what a built circle asks


def category_status(found: Coverage, *, standard: Standard, lenient: bool = False) -> pd.DataFrame:
    """Served, gap or unknown for every origin and category.

    Strict: every basic service of the category has to be in reach. One that is a gap makes the category a gap; else
    one that is unknown makes it unknown. Lenient: any one service of the category is enough; without one, a service
    that is unknown makes the category unknown.

    Parameters
    ----------
    found : Coverage
        From `coverage`.
    standard : Standard
        The standard that it was made with.
    lenient : bool
        Which of the two readings.

    Returns
    -------
    DataFrame of str
        Origins by category.
    """
    said = category_codes(found, standard=standard, lenient=lenient)
    keys = [category.key for category in standard.categories]
    return pd.DataFrame(STATES[said], index=found.status.index, columns=keys)


def category_codes(found: Coverage, *, standard: Standard, lenient: bool = False) -> NDArray[np.int8]:
    """The same as `units.SERVED`, `UNKNOWN` or `GAP`."""
    said = codes(found)
    within = [found.status.columns.get_indexer(pd.Index(one.asked(lenient=lenient))) for one in standard.categories]
    summary = np.max if lenient else np.min
    return np.column_stack([summary(said[:, columns], axis=1) for columns in within])


def grades(found: Coverage, origins: gpd.GeoDataFrame, units: gpd.GeoDataFrame, *, standard: Standard) -> pd.DataFrame:
    """Grade every unit and category from 1 to 5: the card, the worse of coverage and supply.

    *Coverage* is residents served among those of whom it can be said; where that is less than the standard's
    `complete_share` of the residents, or nobody lives there, the cell is not graded. *Supply* is that of the worst
    basic service that has a norm (see `supplied`); where there is none, or it cannot be said, the cell is judged by
    coverage alone. The worse of the two, not their mean, so that one large facility hides no hillside that is out of
    reach. The lenient reading, for which any one service is enough, is of coverage alone: a service without a norm may
    be that one. A unit of a higher tier is counted from the clusters themselves.

    Parameters
    ----------
    found : Coverage
        From `coverage`, or with its supply from `supplied`.
    origins : GeoDataFrame
        Clusters with `population` and `unit`.
    units : GeoDataFrame
        Units with `parent`.
    standard : Standard
        States the bands.

    Returns
    -------
    DataFrame
        Keeps the contract `tables.GRADES`.
    """
    categories = [category.key for category in standard.categories]
    here = origins.loc[found.status.index]
    held = holds(units, here["unit"])
    crowd = held * here["population"].to_numpy(dtype=float)
    strict, lenient = (by_state(crowd, category_codes(found, standard=standard, lenient=one)) for one in (False, True))
    rows = crossed(units.index, categories, name="category", index=GRADES.index)
    rows["people"] = sum(strict.values()).ravel()  # type: ignore[union-attr]
    for state in ("served", "gap", "unknown"):
        rows[state] = strict[state].ravel()
    for state in ("served", "gap", "unknown"):
        rows[f"{state}_lenient"] = lenient[state].ravel()
    rows["grade_coverage"] = _grade(rows["served"], rows["gap"], rows["people"], standard)
    rows["grade_supply"] = pd.Series(_supply_grade(found, held, standard).ravel(), index=rows.index).astype("Int64")
    graded, both = rows["grade_coverage"].notna(), rows["grade_supply"].notna()
    rows["grade"] = rows[["grade_coverage", "grade_supply"]].min(axis=1).where(graded).astype("Int64")
    rows["judged_by"] = np.where(graded & both, "both", np.where(graded, "coverage", ""))
    rows["grade_lenient"] = _grade(rows["served_lenient"], rows["gap_lenient"], rows["people"], standard)
    rows["flips"] = np.nan  # not run yet
    return rows[GRADES.names]


def _grade(served: pd.Series, gap: pd.Series, people: pd.Series, standard: Standard) -> pd.Series:
    said = served + gap
    share = (served / said.where(said > 0)).to_numpy(dtype=float)
    graded = (said > 0) & (said >= standard.complete_share * people)
    return pd.Series(standard.grade(share), index=served.index, dtype="Int64").where(graded)


def _supply_grade(found: Coverage, held: csr_array, standard: Standard) -> NDArray[np.float64]:
    """The grade of the worst basic service that has a norm: units by category, not a number where there is none."""
    grade = np.full((held.shape[0], len(standard.categories)), np.nan)
    if found.supply is None:
        return grade
    adequacy = unit_supply(found.supply, held, standard=standard).adequacy
    of_service = np.where(np.isnan(adequacy), np.inf, standard.supply_grade(adequacy))
    for place, category in enumerate(standard.categories):
        asked = found.supply.ratio.columns.isin(category.asked())
        worst = of_service[:, asked].min(axis=1, initial=np.inf)
        grade[:, place] = np.where(np.isinf(worst), np.nan, worst)
    return grade


def gaps(found: Coverage, origins: gpd.GeoDataFrame, *, standard: Standard) -> pd.DataFrame:
    """Who lacks what: one row per cluster and service that is a gap, most people first.

    Parameters
    ----------
    found : Coverage
        From `coverage`.
    origins : GeoDataFrame
        Clusters with `population` and `unit`.
    standard : Standard
        The standard that `found` was made with.

    Returns
    -------
    DataFrame
        Keeps the contract `tables.GAPS`; `minutes` is missing where no facility was found within the search.
    """
    rows, columns = np.nonzero((found.status == "gap").to_numpy())
    services: list[Service] = [standard.services[column] for column in columns]
    where = found.status.index[rows]
    table = pd.DataFrame(
        {
            "origin": where.to_numpy(dtype=object),
            "unit": origins.loc[where, "unit"].to_numpy(dtype=object),
            "category": [service.category for service in services],
            "service": [service.key for service in services],
            "need": [service.need for service in services],
            "people": origins.loc[where, "population"].to_numpy(dtype=float),
            "minutes": found.seconds.to_numpy()[rows, columns] / 60,
            "cutoff_minutes": np.array([service.minutes for service in services], dtype=float),
            "cause": "",  # not asked yet
        }
    )
    table.index = pd.Index(table["origin"] + ":" + table["service"], name=GAPS.index, dtype=object)
    return table.sort_values(["people", "origin", "service"], ascending=[False, True, True], kind="stable")


def quadrant(card: pd.DataFrame, survey: pd.DataFrame, *, standard: Standard) -> pd.DataFrame:
    """The card against what residents say: four fields, and where the two say the opposite.

    A cell is *good* from the grade that a built circle asks (4 where the standard states none), and its residents are
    *content* from the standard's `satisfied`. The two are kept apart: neither moves the other.

    Parameters
    ----------
    card : DataFrame
        tables.GRADES.
    survey : DataFrame
        tables.SURVEY.
    standard : Standard
        States both thresholds.

    Returns
    -------
    DataFrame
        tables.QUADRANT, in the order of the survey.

    Raises
    ------
    DataError
        When the survey knows a unit or a category that the card does not have.
    """
    strange = survey.index[~survey.index.isin(card.index)]
    if len(strange):
        problem = f"{len(strange):,} rows are of no cell of the card (first: {quoted(strange)})"
        raise DataError(Finding("survey", problem, "Give units and categories of the same study"))
    least = MET if standard.built is None else standard.built.grade
    grade = card["grade"].reindex(survey.index)
    graded, good = grade.notna(), (grade >= least).fillna(value=False)
    content = survey["satisfaction"] >= standard.satisfied - ROUNDING
    words = np.where(good, "good, ", "poor, ") + np.where(content, "content", "discontent").astype(object)
    table = survey[["unit", "category", "satisfaction", "answers"]].assign(
        grade=grade, field=np.where(graded, words, ""), disagree=graded & (good != content)
    )
    return table[QUADRANT.names]


def headline(found: Coverage, origins: gpd.GeoDataFrame, *, standard: Standard) -> pd.DataFrame:
    """Residents served, in a gap and unknown per category; each row sums to the population.

    Parameters
    ----------
    found : Coverage
        From `coverage`.
    origins : GeoDataFrame
        Clusters with `population`.
    standard : Standard
        The standard that `found` was made with.

    Returns
    -------
    DataFrame
        Index `category`; columns `served`, `gap`, `unknown` and the same with `_lenient`.
    """
    people = origins.loc[found.status.index, "population"].to_numpy(dtype=float)
    columns = {}
    for lenient in (False, True):
        states = category_status(found, standard=standard, lenient=lenient)
        for state in ("served", "gap", "unknown"):
            columns[state + "_lenient" * lenient] = people @ (states == state).to_numpy()
    return pd.DataFrame(columns, index=pd.Index([category.key for category in standard.categories], name="category"))
