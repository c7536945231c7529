"""How evenly services are spread, and how far those are who lack them: one page of figures, each defined and cited."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from circle15 import measures
from circle15.assessment.card import category_status
from circle15.project.languages import BETWEEN, Labels
from circle15.tables import EQUITY

if TYPE_CHECKING:
    from collections.abc import Iterator

    import geopandas as gpd

    from circle15.project import Standard
    from circle15.tables import Coverage


Row = tuple[str, str, str, float, float]  # subject, of, measure, value, known share


SOURCES = {  # of the figures; [said.equity] of the labels defines them
    "covered_share": "Wickstrom 1971",
    **dict.fromkeys(("fgt_0", "fgt_1", "fgt_2"), "Foster, Greer and Thorbecke 1984"),
    "mean": "-",
    "gini": "Gini 1912",
    "theil_t": "Theil 1967",
    "palma_like": "after Palma 2011",
    "concentration_index": "Kakwani, Wagstaff and van Doorslaer 1997",
}
SPREADS = {"gini": measures.gini, "theil_t": measures.theil_t, "palma_like": measures.palma_like}


def equity(found: Coverage, origins: gpd.GeoDataFrame, *, standard: Standard, people: pd.DataFrame) -> pd.DataFrame:
    """One page of figures on the whole study area.

    Of every service: who has it in reach, and FGT 0, 1 and 2 against its cut-off. Of every category: who has all basic
    services in reach. Of the number of categories that each home has in reach, and of the supply per head of every
    service that has a norm: mean, Gini, Theil, the Palma-like ratio, and the concentration index by the standard's
    ranking. Homes of which it is unknown stay out, and `known_share` says of how many people one speaks.

    Parameters
    ----------
    found : Coverage
        From `supplied`, or from `coverage` alone.
    origins : GeoDataFrame
        tables.ORIGINS.
    standard : Standard
        The standard that `found` was made with.
    people : DataFrame of float
        From `demand`.

    Returns
    -------
    DataFrame
        tables.EQUITY.
    """
    residents = origins.loc[found.status.index, "population"].astype(float)
    ranking = _ranking(origins.loc[found.status.index], people.loc[found.status.index], standard.ranking)
    status = category_status(found, standard=standard)
    rows = [
        *_evenness("all", "all", _categories(status), residents, ranking),
        *_covered(status, residents),
        *_depths(found, residents, standard),
    ]
    if found.supply is not None:
        for key in found.supply.ratio.columns:
            offered = found.supply.ratio[key] * found.supply.asked_each[key]
            rows += _evenness(key, "service", offered, found.supply.people[key], ranking)
    table = pd.DataFrame(rows, columns=["subject", "of", "measure", "value", "known_share"])
    labels, by = Labels.of(standard), standard.ranking
    ranked = labels.said("said", "height") if by == "height_m" else labels.said("said", "aged", age=by)
    defined = {one: BETWEEN.join(labels.said("said", "equity", one, ranking=ranked)) for one in SOURCES}
    table["definition"] = table["measure"].map(defined).astype(object)
    table["source"] = table["measure"].map(SOURCES).astype(object)
    table.index = pd.Index(
        table["of"] + ":" + table["subject"] + ":" + table["measure"], name=EQUITY.index, dtype=object
    )
    return table[EQUITY.names]


def _ranking(origins: gpd.GeoDataFrame, people: pd.DataFrame, by: str) -> pd.Series | None:
    """What people are lined up by; none where it is not known of everybody."""
    if by == "height_m":
        ranking = origins[by].astype(float)
    elif by in people.columns:
        ranking = (people[by] / people["all"].where(people["all"] > 0)).fillna(0.0)
    else:
        return None
    return None if ranking.isna().any() else ranking


def _evenness(subject: str, of: str, values: pd.Series, people: pd.Series, ranking: pd.Series | None) -> Iterator[Row]:
    """Mean, spread and concentration of something of which more is better."""
    known = measures.known_share(values, people)
    said = values.notna()
    total = float(people[said].sum())
    yield subject, of, "mean", float((values * people)[said].sum() / total) if total > 0 else np.nan, known
    for name, spread in SPREADS.items():
        value = spread(values, people)
        yield subject, of, name, value if np.isfinite(value) else np.nan, known
    value = np.nan if ranking is None else measures.concentration_index(values, people, ranking=ranking)
    yield subject, of, "concentration_index", value, known


def _categories(status: pd.DataFrame) -> pd.Series:
    """Categories in reach of each home; missing where it is unknown of one."""
    count = measures.categories_met(status)
    return count["served"].where(count["unknown"] == 0).astype(float)


def _covered(status: pd.DataFrame, people: pd.Series) -> Iterator[Row]:
    """Who has every basic service of each category in reach."""
    for category in status.columns:
        served = (status[category] == "served").where(status[category] != "unknown").astype(float)
        said = float(people[served.notna()].sum())
        share = float((served * people).sum() / said) if said > 0 else np.nan
        yield category, "category", "covered_share", share, measures.known_share(served, people)


def _depths(found: Coverage, people: pd.Series, standard: Standard) -> Iterator[Row]:
    """Who has each service in reach, and how far the others are from it."""
    unknown = found.status == "unknown"
    walks = found.seconds.fillna(np.inf).mask(unknown)
    for service in standard.services:
        walk, how = walks[service.key], {"minutes": service.minutes, "search_minutes": found.searched(service.key)}
        known = measures.known_share(walk, people)
        depth = [measures.fgt(walk, people, power=power, **how) for power in (0, 1, 2)]
        yield service.key, "service", "covered_share", 1 - depth[0], known
        for power, value in enumerate(depth):
            yield service.key, "service", f"fgt_{power}", value, known
