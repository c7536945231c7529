"""Weights as they are given: Series on ids, checked, and brought into one order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from circle15.errors import DataError, Finding, quoted
from circle15.tables import Column

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray


def problems(
    name: str, values: pd.Series, ids: pd.Index, *, least: float | None = 0.0, nulls: bool = False
) -> list[Finding]:
    """What is wrong with weights that have to hold one number for each id and nothing else.

    Parameters
    ----------
    name : str
        What they are.
    values : Series
        By id, in any order.
    ids : Index
        The ids wanted.
    least : float or None
        The smallest number allowed.
    nulls : bool
        Whether a number may be missing.

    Returns
    -------
    list of Finding
        Empty when all is well.
    """
    if not isinstance(values, pd.Series):
        return [Finding(name, f"it is a {type(values).__name__}", "Give a Series with ids as its index")]
    wrong = Column(name, "number", "", nulls=nulls, minimum=least).problems(values)
    mended = [Finding(name, one, "Mend these, or leave out what is not known") for one in wrong]
    if values.index.equals(ids) and ids.is_unique:  # as it is nearly always
        return mended
    every = f"Give one number for every {ids.name or 'id'}"
    twice, given = values.index[values.index.duplicated()].unique(), values.index.unique()
    silent, strange = ids[given.get_indexer(ids) < 0], given[ids.unique().get_indexer(given) < 0]
    found = [
        Finding(name, f"{len(some):,} ids {what} (first: {quoted(some)})", mend)
        for some, what, mend in (
            (twice, "occur more than once", every),
            (silent, "have no row", every),
            (strange, "are not among those asked about", "Leave them out: they would not be counted"),
        )
        if len(some)
    ]
    return found + mended


def numbers(values: pd.Series, ids: pd.Index) -> NDArray[np.float64]:
    """The weights in the order of the ids.

    Parameters
    ----------
    values : Series
        Without `problems`.
    ids : Index
        The order wanted.

    Returns
    -------
    ndarray of float
        Missing ones as NaN.
    """
    return pd.to_numeric(values).reindex(ids).to_numpy(dtype=float, na_value=float("nan"))


def refuse(found: Sequence[Finding]) -> None:
    """Raise one error with every finding, or do nothing.

    Parameters
    ----------
    found : sequence of Finding
        All there are.

    Raises
    ------
    DataError
        When there is one.
    """
    if found:
        raise DataError(*found)
