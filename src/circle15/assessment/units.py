"""From homes upward: which unit holds which home, and residents counted by what can be said of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely
from scipy.sparse import csr_array

from circle15.tables import UNITS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import geopandas as gpd
    from numpy.typing import NDArray

    from circle15.tables import Coverage

    Codes = NDArray[np.int8]

SERVED, UNKNOWN, GAP = 2, 1, 0  # ordered, so that "all" is a minimum and "any" a maximum
STATES = np.array(["gap", "unknown", "served"], dtype=object)  # by code


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
    held = []
    for here in _upward(units, at):
        placed = np.flatnonzero(here >= 0)
        held.append((here[placed], placed))
    rows, columns = (np.concatenate(part) for part in zip(*held, strict=True))
    return csr_array((np.ones(len(rows)), (rows, columns)), shape=(len(units), len(at)))


def at_tier(units: gpd.GeoDataFrame, at: pd.Series, tier: str) -> NDArray[np.intp]:
    """The unit of a tier that each cluster lies in.

    Parameters
    ----------
    units : GeoDataFrame
        tables.UNITS.
    at : Series of str
        The smallest unit of each cluster.
    tier : str
        Such as ``subdistrict``.

    Returns
    -------
    ndarray of int
        Positions in `units`; -1 where there is none.
    """
    of_tier = (units["tier"] == tier).to_numpy()
    found = np.full(len(at), -1)
    for here in _upward(units, at):
        found = np.where((here >= 0) & of_tier[here], here, found)
    return found


def _upward(units: gpd.GeoDataFrame, at: pd.Series) -> list[NDArray[np.intp]]:
    """The unit of each cluster, the one above it, and so on; -1 beyond the topmost."""
    parent = units.index.get_indexer(units["parent"].astype(object))
    chain = [units.index.get_indexer(at.astype(object))]
    for _ in range(len(UNITS.columns)):  # a chain is never longer than the tiers
        chain.append(np.where(chain[-1] >= 0, parent[chain[-1]], -1))
    return chain


def inside(facilities: gpd.GeoDataFrame, units: gpd.GeoDataFrame) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Which facility has an entrance in which unit.

    Parameters
    ----------
    facilities : GeoDataFrame
        tables.FACILITIES.
    units : GeoDataFrame
        tables.UNITS, in the same CRS.

    Returns
    -------
    which, unit : ndarray of int
        Positions of every pair.
    """
    which, unit = shapely.STRtree(units.geometry.to_numpy()).query(
        facilities.geometry.to_numpy(), predicate="intersects"
    )
    return which, unit


def own(facilities: gpd.GeoDataFrame, units: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """The facilities of the study area itself: those with an entrance in one of its topmost units.

    Parameters
    ----------
    facilities, units : GeoDataFrame
        tables.FACILITIES and tables.UNITS.

    Returns
    -------
    GeoDataFrame
        Rows of `facilities`.
    """
    which, _ = inside(facilities, units[units["parent"].isna()])
    return facilities.iloc[np.unique(which)]


def codes(found: Coverage) -> Codes:
    """`SERVED`, `UNKNOWN` or `GAP` for every origin and service."""
    said = found.status.to_numpy(dtype=object)
    return np.where(said == "served", SERVED, np.where(said == "unknown", UNKNOWN, GAP)).astype(np.int8)


def by_state(held: csr_array, said: Codes) -> dict[str, NDArray[np.float64]]:
    """People per state, unit by column of `said`, from the people of each cluster in each unit that holds it."""
    return {state: held @ (said == code).astype(float) for code, state in enumerate(STATES)}


def crossed(units: pd.Index, keys: Sequence[str], *, name: str, index: str) -> pd.DataFrame:
    """One row for every unit and key, unit by unit, for columns that are raveled from units by keys.

    Parameters
    ----------
    units : Index
        Of tables.UNITS.
    keys : sequence of str
        Such as those of the categories.
    name : str
        The column of the keys.
    index : str
        Name of the index, which is made of both.

    Returns
    -------
    DataFrame
        Columns `unit` and `name`.

    Examples
    --------
    >>> crossed(pd.Index(["D", "S"]), ["health"], name="category", index="row").index.tolist()
    ['D:health', 'S:health']
    """
    unit = np.repeat(units.to_numpy(dtype=object), len(keys))
    key = np.tile(np.array(keys, dtype=object), len(units))
    return pd.DataFrame({"unit": unit, name: key}, index=pd.Index(unit + ":" + key, name=index, dtype=object))
