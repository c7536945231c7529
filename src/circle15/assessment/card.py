"""The five-colour card and the gaps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from circle15.tables import GAPS, GRADES, UNITS, Coverage

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

    from circle15.project import Service, Standard

SERVED, UNKNOWN, GAP = 2, 1, 0  # ordered, so that "all" is a minimum and "any" a maximum
_WORDS = np.array(["gap", "unknown", "served"], dtype=object)


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
    codes = _category_codes(found, standard=standard, lenient=lenient)
    keys = [category.key for category in standard.categories]
    return pd.DataFrame(_WORDS[codes], index=found.status.index, columns=keys)


def _category_codes(found: Coverage, *, standard: Standard, lenient: bool) -> NDArray[np.int8]:
    """`SERVED`, `UNKNOWN` or `GAP` for every origin and category."""
    said = found.status.to_numpy(dtype=object)
    codes = np.where(said == "served", SERVED, np.where(said == "unknown", UNKNOWN, GAP)).astype(np.int8)
    within = [found.status.columns.get_indexer(pd.Index(one.asked(lenient=lenient))) for one in standard.categories]
    summary = np.max if lenient else np.min
    return np.column_stack([summary(codes[:, columns], axis=1) for columns in within])


def grades(found: Coverage, origins: gpd.GeoDataFrame, units: gpd.GeoDataFrame, *, standard: Standard) -> pd.DataFrame:
    """Grade every unit and category from 1 to 5: the card, coverage ladder.

    The share is residents served among those of whom it can be said; where that is less than the standard's
    `complete_share` of the residents, or nobody lives there, the cell is not graded. A unit of a higher tier is
    counted from the clusters themselves.

    Parameters
    ----------
    found : Coverage
        From `coverage`.
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
    held = holds(units, here["unit"]) * here["population"].to_numpy(dtype=float)
    strict, lenient = (_by_state(held, _category_codes(found, standard=standard, lenient=one)) for one in (False, True))
    rows = pd.DataFrame(
        {
            "unit": np.repeat(units.index.to_numpy(dtype=object), len(categories)),
            "category": np.tile(np.array(categories, dtype=object), len(units)),
            "people": sum(strict.values()).ravel(),  # type: ignore[union-attr]
        }
    )
    for state in ("served", "gap", "unknown"):
        rows[state] = strict[state].ravel()
    for state in ("served", "gap", "unknown"):
        rows[f"{state}_lenient"] = lenient[state].ravel()
    rows["grade"] = _grade(rows["served"], rows["gap"], rows["people"], standard)
    rows["grade_lenient"] = _grade(rows["served_lenient"], rows["gap_lenient"], rows["people"], standard)
    rows["flips"] = np.nan  # not run yet
    rows.index = pd.Index(rows["unit"] + ":" + rows["category"], name=GRADES.index)
    return rows[GRADES.names]


def _by_state(held: csr_array, codes: NDArray[np.int8]) -> dict[str, NDArray[np.float64]]:
    """Residents per state: unit by category, from the residents of each cluster in each unit that holds it."""
    return {state: held @ (codes == code).astype(float) for code, state in enumerate(_WORDS)}


def holds(units: gpd.GeoDataFrame, at: pd.Series) -> csr_array:
    """Which unit holds which cluster, itself or through its descendants.

    Parameters
    ----------
    units : GeoDataFrame
        tables.UNITS.
    at : Series of str
        The smallest unit of each cluster.

    Returns
    -------
    sparse array of float, shape (units, clusters)
        1 where it holds it, else 0.
    """
    parent = units.index.get_indexer(units["parent"].astype(object))
    here = units.index.get_indexer(at.astype(object))
    held = []
    for _ in range(len(UNITS.columns) + 1):  # a chain is never longer than the tiers
        placed = np.flatnonzero(here >= 0)
        held.append((here[placed], placed))
        here = np.where(here >= 0, parent[here], -1)
    rows, columns = (np.concatenate(part) for part in zip(*held, strict=True))
    return csr_array((np.ones(len(rows)), (rows, columns)), shape=(len(units), len(at)))


def _grade(served: pd.Series, gap: pd.Series, people: pd.Series, standard: Standard) -> pd.Series:
    said = served + gap
    share = (served / said.where(said > 0)).to_numpy(dtype=float)
    graded = (said > 0) & (said >= standard.complete_share * people)
    return pd.Series(standard.grade(share), index=served.index, dtype="Int64").where(graded)


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
