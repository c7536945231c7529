"""What is published of how many live where, spread over residence clusters; floor area held against people.

One ladder serves people and age groups alike: the finest published number holds, and what the parts of a unit leave of
its own number goes to the rest of it.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from circle15.errors import Circle15Warning, ConfigError, DataError, Finding, quoted
from circle15.sources.ages import ROUNDING, TOLERANCE, age_group, disjoint, span
from circle15.tables import GROUPS, HOUSING, TIERS

if TYPE_CHECKING:
    from collections.abc import Mapping

    import geopandas as gpd
    from numpy.typing import NDArray

# ---------------------------------------------------------------------------------------------------------- the ladder


class Ladder(NamedTuple):
    """Which published number each member of a town shares in, and how much of it is left to share."""

    parent: NDArray[np.int64]  # position of the unit above each unit, -1 for none
    source: NDArray[np.int64]  # position of the nearest unit at or above each that publishes, -1 for none
    control: NDArray[np.int64]  # position of the unit whose number each member shares in, -1 for none
    amounts: NDArray[np.float64]  # what each unit has to spread itself: its number without what its parts publish


def parents(units: gpd.GeoDataFrame) -> NDArray[np.int64]:
    """Position of the unit above each unit, -1 for none."""
    above = np.asarray(units.index.get_indexer(pd.Index(units["parent"])), dtype=np.int64)
    above[units["parent"].isna().to_numpy()] = -1
    return above


def ladder(published: NDArray[np.float64], units: gpd.GeoDataFrame, member: NDArray[np.int64]) -> Ladder:
    """Find whose number is spread over whom: the finest that is published holds.

    Parameters
    ----------
    published : ndarray, shape (units,)
        People; NaN where nothing is published.
    units : GeoDataFrame
        tables.UNITS.
    member : ndarray of int, shape (members,)
        Position of the smallest unit of each member (a home or a cluster), -1 for none.

    Returns
    -------
    Ladder
        An amount below zero, or one with nobody to take it, is a contradiction; the caller says so.
    """
    parent = parents(units)
    source = np.arange(len(units))
    for _ in TIERS:
        climb = (source >= 0) & np.isnan(published[source])
        source = np.where(climb, parent[source], source)
    source = np.where((source >= 0) & np.isnan(published[source]), -1, source)
    amounts = np.where(np.isnan(published), 0.0, published)
    known = np.flatnonzero(np.isfinite(published))
    above = np.where(parent[known] >= 0, source[parent[known]], -1)
    np.subtract.at(amounts, above[above >= 0], published[known[above >= 0]])
    control = np.where(member >= 0, source[member], -1) if len(units) else np.full(len(member), -1)
    return Ladder(parent, source, control, amounts)


def per_unit(values: NDArray[np.float64], unit: NDArray[np.int64], count: int) -> NDArray[np.float64]:
    """Sum of the values of the members of each unit; a member at -1 belongs to none."""
    inside = unit >= 0
    return np.asarray(np.bincount(unit[inside], weights=values[inside], minlength=count), dtype=float)


def with_parts(values: NDArray[np.float64], parent: NDArray[np.int64]) -> NDArray[np.float64]:
    """Values of each unit together with those of all units below it.

    Examples
    --------
    >>> with_parts(np.array([1.0, 10.0, 100.0]), np.array([-1, 0, 1])).tolist()
    [111.0, 110.0, 100.0]
    """
    total, above = values.astype(float), parent.copy()
    for _ in TIERS:
        known = above >= 0
        np.add.at(total, above[known], values[known])
        above[known] = parent[above[known]]
    return total


# ------------------------------------------------------------------------------------------------ groups over clusters


def spread_groups(
    groups: pd.DataFrame,
    origins: gpd.GeoDataFrame,
    units: gpd.GeoDataFrame,
    *,
    shares: Mapping[str, float],
    own: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """People of each age group in each cluster.

    The number published of a unit is spread over its clusters in proportion to their residents; where parts of it
    publish theirs, those hold, and the rest of the unit takes what they leave. Clusters of which `own` states a number
    keep it. Where no number is published, an assumed share of the residents stands in, marked ``assumed``; a group
    that nobody states is absent, which means unknown.

    Parameters
    ----------
    groups : DataFrame
        `Totals.groups`: units by age groups, NaN where not published.
    origins : GeoDataFrame
        tables.ORIGINS.
    units : GeoDataFrame
        tables.UNITS.
    shares : mapping of str to float
        Age group to assumed share of all residents.
    own : DataFrame, optional
        Clusters by age groups, from a planner's own table; NaN where not known.

    Returns
    -------
    DataFrame
        tables.GROUPS, by cluster and from the youngest group up. The clusters of a unit sum to its published number
        within 1e-9 of it, unless its parts contradict it.

    Raises
    ------
    ConfigError
        When a share is of no age group, or shares of ages that do not overlap exceed 1.
    DataError
        When a unit publishes people of some age, but nobody lives there.
    """
    assumed = _assumed(shares)
    stated = own if own is not None else pd.DataFrame(index=origins.index)
    unit = np.asarray(units.index.get_indexer(pd.Index(origins["unit"])), dtype=np.int64)
    unit[origins["unit"].isna().to_numpy()] = -1
    residents = origins["population"].to_numpy(dtype=float)
    found: list[Finding] = []
    listed: list[pd.DataFrame] = []
    for group in sorted({str(one) for one in (*groups, *stated, *assumed)}, key=span):
        published = _column(groups, group, units.index)
        people = _spread(published, units, unit, residents=residents, own=_column(stated, group, origins.index))
        for place in people.nowhere:
            problem = f"{published[place]:,.0f} people aged {group} are published, but nobody lives there"
            found.append(Finding(f"unit {units.index[place]}", problem, "Correct the table, or give it residents"))
        if people.odd.any():
            problem = f"the parts of {int(people.odd.sum()):,} units hold other numbers of people aged {group}"
            text = (
                f"{problem} than the units themselves ({quoted(units.index[people.odd])}); those of the parts are used"
            )
            warnings.warn(str(Finding("age groups", text, "Correct one or the other")), Circle15Warning, stacklevel=2)
        bare = np.isnan(people.counts)
        count = np.where(bare, residents * assumed.get(group, np.nan), people.counts)
        rows = pd.DataFrame({"origin": origins.index, "group": group, "people": count, "assumed": bare})
        listed.append(rows[np.isfinite(count)])
    if found:
        raise DataError(*found)
    if not listed:
        return GROUPS.empty()
    table = pd.concat(listed).sort_index(kind="stable")
    table.index = pd.Index(table["origin"] + ":" + table["group"], name=GROUPS.index, dtype=object)
    GROUPS.check(table, where="age groups")
    return table


def _column(frame: pd.DataFrame, group: str, index: pd.Index) -> NDArray[np.float64]:
    if group not in frame:
        return np.full(len(index), np.nan)
    return frame[group].reindex(index).to_numpy(dtype=float)


def _assumed(shares: Mapping[str, float]) -> dict[str, float]:
    """Assumed shares by age group; refused where they cannot be."""
    where, named = "[people] age_shares", {key: age_group(key) for key in shares}
    found = [
        Finding(where, f"{key!r} is no age group", "Name it like 60+ or 3-5")
        for key, group in named.items()
        if group is None
    ]
    known = {group: float(shares[key]) for key, group in named.items() if group is not None}
    if len(known) < len(named) and not found:
        found.append(Finding(where, "two keys mean the same ages", "Keep one of them"))
    if known and disjoint(pd.DataFrame([known]))[0] > 1 + TOLERANCE:
        found.append(Finding(where, "the shares of ages that do not overlap exceed 1", "Correct them"))
    if found:
        raise ConfigError(*found)
    return known


class _Spread(NamedTuple):
    """People of one age group per cluster, and what did not come out even."""

    counts: NDArray[np.float64]  # NaN where nothing is published
    odd: NDArray[np.bool_]  # units whose parts contradict them
    nowhere: NDArray[np.int64]  # units without anybody


def _spread(
    published: NDArray[np.float64],
    units: gpd.GeoDataFrame,
    unit: NDArray[np.int64],
    *,
    residents: NDArray[np.float64],
    own: NDArray[np.float64],
) -> _Spread:
    """One age group over the clusters; `unit` is the position of the unit of each, `own` what they state themselves."""
    steps = ladder(published, units, unit)
    known = np.isfinite(own)
    amounts, counts = steps.amounts.copy(), np.where(known, own, np.nan)
    settled = known & (steps.control >= 0)
    np.subtract.at(amounts, steps.control[settled], own[settled])
    amounts[np.abs(amounts) <= ROUNDING * np.nan_to_num(published)] = 0.0
    control = np.where(known, -1, steps.control)
    takes = control >= 0
    weight = per_unit(residents, control, len(units))
    held = per_unit(residents, unit, len(units))
    lost = (amounts > 0) & (weight == 0)
    nowhere = lost & (with_parts(held, steps.parent) == 0)
    wrong = (amounts < 0) | (lost & ~nowhere)
    odd = wrong & (np.abs(amounts) > TOLERANCE * np.nan_to_num(published))
    amounts[wrong] = 0.0
    share = np.divide(residents[takes], weight[control[takes]], out=np.zeros(takes.sum()), where=residents[takes] > 0)
    counts[takes] = amounts[control[takes]] * share
    return _Spread(counts, odd, np.flatnonzero(nowhere))


# ------------------------------------------------------------------------------------------------------------- housing


def housing(origins: gpd.GeoDataFrame, units: gpd.GeoDataFrame, *, m2_each: float) -> pd.DataFrame:
    """Floor area found against expected, for every unit of every tier, so that missing footprints are seen.

    Found is the `floor_area_m2` of the clusters: footprint times levels, of a plain building only the share that counts
    as lived in; expected is `m2_each` for every resident. A cluster that stands for people without a drawn home adds
    0 m2, since footprints were looked for. A planner's own cluster without a floor area leaves the sum unknown: its
    units are absent from the table.

    Parameters
    ----------
    origins : GeoDataFrame
        tables.ORIGINS.
    units : GeoDataFrame
        tables.UNITS.
    m2_each : float
        Square metres of floor per resident; 35 is what the indicators of GB 50180-2018 rest on.

    Returns
    -------
    DataFrame
        tables.HOUSING in the order of `units`.
    """
    parent = parents(units)
    unit = np.asarray(units.index.get_indexer(pd.Index(origins["unit"])), dtype=np.int64)
    unit[origins["unit"].isna().to_numpy()] = -1
    floor = origins["floor_area_m2"].to_numpy(dtype=float)
    bare = ((origins["buildings"] == 0) & (origins["evidence"] != "survey")).to_numpy()
    floor = np.where(np.isnan(floor) & bare, 0.0, floor)

    def total(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return with_parts(per_unit(values, unit, len(units)), parent)

    people = total(origins["population"].to_numpy(dtype=float))
    unknown = total(np.isnan(floor).astype(float)) > 0
    unknown |= bool(np.isnan(floor).any()) & (total(np.ones(len(floor))) == 0)
    found, expected = total(np.nan_to_num(floor)), people * m2_each
    share = np.divide(found, expected, out=np.full(len(units), np.nan), where=expected > 0)
    columns = {"people": people, "floor_area_m2": found, "expected_m2": expected, "share": share}
    table = pd.DataFrame(columns, index=pd.Index(units.index, name=HOUSING.index, dtype=object))[~unknown]
    HOUSING.check(table)
    return table
