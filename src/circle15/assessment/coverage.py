"""Coverage in three states.

Unknown is a state of its own: where the inventory is clearly incomplete, where the
answer depends on ground beyond the edge of the data, and where a cluster could not be put on the streets.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from circle15.errors import DataError, Finding, quoted
from circle15.tables import COVERAGE, Coverage

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

    from circle15.project import Standard
    from circle15.tables import TravelTimes


_WORDS = np.array(["served", "gap", "unknown"], dtype=object)
_REASONS = np.array(["", "edge", "unplaced"], dtype=object)


def coverage(
    times: TravelTimes,
    facilities: gpd.GeoDataFrame,
    *,
    standard: Standard,
    known: pd.DataFrame | pd.Series | None = None,
) -> Coverage:
    """Served, gap or unknown for every origin and service of a standard.

    An origin is *served* when the nearest facility of the service is within the service's minutes, inclusive. Where it
    is not, the state is *unknown* if the origin could not be placed on the streets, if the service is not `known`
    there, or if one can walk to the edge of the data within those minutes, since a facility may stand beyond; else it
    is a *gap*.

    Parameters
    ----------
    times : TravelTimes
        Computed at least as far as the longest cut-off of the standard; or to each facility at least as far as its
        service counts.
    facilities : GeoDataFrame
        The facilities of `times`.
    standard : Standard
        States the services and their cut-offs.
    known : DataFrame or Series of bool, optional
        By origin and service, from `known_by_origin`, or by service alone; every service counts as known otherwise.

    Returns
    -------
    Coverage
        Its frames have the origins of `times` as index and the services of the standard as columns.

    Raises
    ------
    CutoffError
        When the standard asks for more minutes than `times` holds.
    DataError
        When `times` knows a facility that `facilities` lacks, or `known` lacks an origin or a service.
    """
    services = standard.services
    keys = pd.Index([service.key for service in services], name="service")
    absent = times.facility_ids.difference(facilities.index)
    if len(absent):
        problem = f"{len(absent):,} facilities of the travel times are missing (first: {quoted(absent)})"
        raise DataError(Finding("facilities", problem, "Give the table that the times were computed for"))
    column = keys.get_indexer(facilities.loc[times.facility_ids, "service"])
    minutes = np.array([service.minutes for service in services], dtype=float)
    searched = _searched(times, column, minutes, keys)
    cutoff_s = minutes * 60
    seconds, opportunities = _nearest_and_count(times, column, cutoff_s)

    served = seconds <= cutoff_s
    unplaced = np.isin(times.origin_ids, times.origins.unplaced)[:, None]
    edge = times.edge_s[:, None] <= cutoff_s
    reason = np.where(served, 0, np.where(unplaced, 2, edge.astype(np.int8)))
    status, why = _WORDS[np.where(served, 0, 1 + (reason > 0))], _REASONS[reason]

    def frame(values: NDArray[np.generic]) -> pd.DataFrame:
        return pd.DataFrame(values, index=times.origin_ids, columns=keys, dtype=values.dtype)  # words stay objects

    found = Coverage(
        seconds=frame(np.where(np.isinf(seconds), np.nan, seconds)),
        opportunities=frame(opportunities),
        status=frame(status),
        why=frame(why),
        search_minutes=searched,
        edge_s=pd.Series(times.edge_s, index=times.origin_ids),
    )
    return found if known is None else doubted(found, known)


def _searched(
    times: TravelTimes, column: NDArray[np.intp], minutes: NDArray[np.float64], keys: pd.Index
) -> float | pd.Series:
    """How far the nearest of each service was looked for, in minutes, which must be as far as it counts."""
    if times.each_s is None:
        times.require(float(minutes.max()))
        return times.cutoff_s / 60
    told = column >= 0
    times.require(float(minutes.max()), each=np.where(told, minutes[column], 0.0))
    least = np.full(len(keys), times.cutoff_s)
    np.minimum.at(least, column[told], times.each_s[told])
    return pd.Series(least / 60, index=keys)


def doubted(found: Coverage, known: pd.DataFrame | pd.Series) -> Coverage:
    """Coverage by what is known of the facilities: where a service is not, nobody is said to lack it.

    Parameters
    ----------
    found : Coverage
        Made as if every service were known.
    known : DataFrame or Series of bool
        By origin and service, or by service alone.

    Returns
    -------
    Coverage
        Who is neither served nor unplaced is unknown, because of the inventory, where the service is not known.

    Raises
    ------
    DataError
        When `known` lacks an origin or a service.
    """
    listed = _known(known, found.status.index, found.status.columns)
    status, why = found.status.to_numpy(dtype=object), found.why.to_numpy(dtype=object)
    doubt = ~listed & (status != "served") & (why != "unplaced")
    frame = partial(pd.DataFrame, index=found.status.index, columns=found.status.columns, dtype=object)
    return replace(
        found, status=frame(np.where(doubt, "unknown", status)), why=frame(np.where(doubt, "inventory", why))
    )


def _known(known: pd.DataFrame | pd.Series, origins: pd.Index, services: pd.Index) -> NDArray[np.bool_]:
    """Whether the service is known where people live: origins by services."""
    if isinstance(known, pd.Series):
        known = pd.DataFrame(np.tile(known.to_numpy(), (len(origins), 1)), index=origins, columns=known.index)
    asked = (("service", services, known.columns), ("origin", origins, known.index))
    silent = [(word, one[~one.isin(said)]) for word, one, said in asked]
    found = [
        Finding("known", f"nothing is said of {quoted(ids)}", f"Give a value for every {word}")
        for word, ids in silent
        if len(ids)
    ]
    if found:
        raise DataError(*found)
    listed: NDArray[np.bool_] = known.reindex(index=origins, columns=services).to_numpy(dtype=bool)
    return listed


def _nearest_and_count(
    times: TravelTimes, column: NDArray[np.intp], cutoff_s: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Seconds to the nearest and the count within the cut-off, by origin and service."""
    shape = (len(times.origin_ids), len(cutoff_s))
    pairs = times.seconds.tocoo()
    at = column[pairs.coords[1]]
    cell = pairs.coords[0].astype(np.int64)[at >= 0] * shape[1] + at[at >= 0]
    walk = pairs.data[at >= 0]
    nearest = np.full(shape[0] * shape[1], np.inf)
    np.minimum.at(nearest, cell, walk)
    near = walk <= cutoff_s[cell % shape[1]]
    count = np.bincount(cell[near], minlength=shape[0] * shape[1])
    return nearest.reshape(shape), count.reshape(shape)


def coverage_table(found: Coverage, *, standard: Standard) -> pd.DataFrame:
    """Coverage as one row per origin and service.

    Parameters
    ----------
    found : Coverage
        From `coverage`.
    standard : Standard
        The standard that it was made with.

    Returns
    -------
    DataFrame
        Keeps the contract `tables.COVERAGE`.
    """
    services, origins = standard.services, found.status.index
    repeated = np.repeat(origins.to_numpy(dtype=object), len(services))
    keys = np.tile(np.array([service.key for service in services], dtype=object), len(origins))
    return pd.DataFrame(
        {
            "origin": repeated,
            "category": np.tile(np.array([service.category for service in services], dtype=object), len(origins)),
            "service": keys,
            "status": found.status.to_numpy().ravel(),
            "why": found.why.to_numpy().ravel(),
            "minutes": found.seconds.to_numpy().ravel() / 60,
            "opportunities": found.opportunities.to_numpy().ravel(),
            "cutoff_minutes": np.tile([service.minutes for service in services], len(origins)),
        },
        index=pd.Index(repeated + ":" + keys, name=COVERAGE.index),
    )
