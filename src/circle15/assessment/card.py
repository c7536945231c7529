"""The five-colour card and the gaps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from circle15.assessment.supply import unit_supply
from circle15.assessment.units import GAP, STATES, by_state, codes, crossed, holds
from circle15.errors import DataError, Finding, quoted
from circle15.project.standard import ROUNDING
from circle15.tables import GAPS, GRADES, QUADRANT, Coverage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import geopandas as gpd
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    from circle15.project import Standard

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
    place = {key: column for column, key in enumerate(found.status.columns)}
    within = [[place[key] for key in one.asked(lenient=lenient)] for one in standard.categories]
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
    people = sum(strict.values(), start=np.zeros((len(units), len(categories))))
    covered, supply = _grade(strict, people, standard), _supply_grade(found, held, standard)
    graded, both = ~np.isnan(covered), ~np.isnan(supply)
    columns = {
        "people": people,
        **{state: strict[state] for state in ("served", "gap", "unknown")},
        **{f"{state}_lenient": lenient[state] for state in ("served", "gap", "unknown")},
        "grade_coverage": covered,
        "grade_supply": supply,
        "grade": np.where(graded, np.fmin(covered, supply), np.nan),
        "judged_by": np.where(graded & both, "both", np.where(graded, "coverage", "")),
        "grade_lenient": _grade(lenient, people, standard),
        "flips": np.full(people.shape, np.nan),  # not run yet
    }
    rows = crossed(units.index, categories, name="category", index=GRADES.index)
    flat = {name: _whole(values) if name.startswith("grade") else values.ravel() for name, values in columns.items()}
    return pd.DataFrame({**rows, **flat}, index=rows.index)[GRADES.names]


def _grade(
    by: Mapping[str, NDArray[np.float64]], people: NDArray[np.float64], standard: Standard
) -> NDArray[np.float64]:
    """The grade by the share that is served, units by categories; not a number where too little can be said."""
    said = by["served"] + by["gap"]
    graded = (said > 0) & (said >= standard.complete_share * people)
    share = np.divide(by["served"], said, out=np.zeros(said.shape), where=graded)
    return np.where(graded, standard.grade(share), np.nan)


def _whole(values: NDArray[np.float64]) -> pd.api.extensions.ExtensionArray:
    """Whole numbers, missing where they are not a number."""
    return pd.arrays.IntegerArray(np.nan_to_num(values).astype(np.int64).ravel(), np.isnan(values).ravel())


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
    rows, columns = np.nonzero(codes(found) == GAP)
    people = origins["population"].reindex(found.status.index).to_numpy(dtype=float)
    by_origin, by_service = (np.argsort(np.argsort(ids.to_numpy(dtype=object))) for ids in found.status.axes)
    order = np.lexsort((by_service[columns], by_origin[rows], -people[rows]))
    rows, columns = rows[order], columns[order]
    services, where = standard.services, found.status.index[rows]

    def each(values: Sequence[object]) -> NDArray[np.object_]:
        return np.array(values, dtype=object)[columns]

    table = pd.DataFrame(
        {
            "origin": where.to_numpy(dtype=object),
            "unit": origins["unit"].reindex(found.status.index).to_numpy(dtype=object)[rows],
            "category": each([service.category for service in services]),
            "service": each([service.key for service in services]),
            "need": each([service.need for service in services]),
            "people": people[rows],
            "minutes": found.seconds.to_numpy()[rows, columns] / 60,
            "cutoff_minutes": np.array([service.minutes for service in services], dtype=float)[columns],
            "cause": "",  # not asked yet
        }
    )
    table.index = pd.Index(table["origin"] + ":" + table["service"], name=GAPS.index, dtype=object)
    return table


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
