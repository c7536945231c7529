"""What the engine is given and asked, checked once at its door: compiled kernels trust every index."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from circle15.errors import CutoffError, DataError, Finding
from circle15.network.search import NEVER

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from circle15.network.places import Ints


def check_links(from_node: Ints, to_node: Ints, ticks: Ints, *, nodes: int) -> None:
    """Raise one DataError with every finding about the links of a graph."""
    found: list[Finding | str] = []
    sizes = {len(one) for one in (from_node, to_node, ticks)}
    if len(sizes) > 1:
        found.append(Finding("links", "from_node, to_node and ticks differ in length", "Give one of each per link"))
    for name, ends in (("from_node", from_node), ("to_node", to_node)):
        if len(ends) and not 0 <= int(np.min(ends)) <= int(np.max(ends)) < nodes:
            found.append(Finding("links", f"{name} leaves 0 to {nodes - 1}", "Number the nodes 0, 1, ... as in xy"))
    if len(ticks) and int(np.min(ticks)) < 0:
        found.append(Finding("links", "some take less than no time", "Give ticks of 0 or more"))
    if found:
        raise DataError(*found)


def limits(cutoffs: ArrayLike) -> NDArray[np.int64]:
    """Cut-offs in ticks; ascending, at least one, from 0 to below `NEVER`."""
    found = np.atleast_1d(np.asarray(cutoffs, np.int64))
    if not len(found) or found[0] < 0 or found[-1] >= NEVER or (np.diff(found) <= 0).any():
        problem = f"the cut-offs are {found.tolist()}"
        raise CutoffError(Finding("search", problem, "Give ticks of 0 or more, each above the one before"))
    return found


def kinds(category: ArrayLike | None, *, rows: int) -> NDArray[np.int64]:
    """The category of each place, 0 for all when none is given."""
    if category is None:
        return np.zeros(rows, np.int64)
    return _one_each(category, "category", rows=rows)


def held(capacity: ArrayLike | None, *, rows: int) -> NDArray[np.int64]:
    """The capacity of each place; empty when none is given."""
    if capacity is None:
        return np.zeros(0, np.int64)
    return _one_each(capacity, "capacity", rows=rows)


def _one_each(values: ArrayLike, name: str, *, rows: int) -> NDArray[np.int64]:
    given = np.asarray(values)
    found = given.astype(np.int64)
    if given.shape != (rows,) or (found != given).any() or (found < 0).any():
        raise DataError(Finding("places", f"{name} is not a whole number for each", "Give one of 0 or more per place"))
    return found
