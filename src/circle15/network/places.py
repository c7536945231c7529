"""Where walks begin and end: at nodes, or inside links, as lists that the search can start from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from circle15.network.search import NEVER, Ragged

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]


class Inside(NamedTuple):
    """Spots inside links: row, link, share of the link walked from its start, and ticks off the road.

    A street that can be walked both ways is two links, and a spot on it two entries: (link, share) and (the link back,
    1 - share).
    """

    row: Ints
    link: Ints
    share: Floats
    extra: Ints


@dataclass(frozen=True)
class Places:
    """Origins or facilities put on a graph.

    Parameters
    ----------
    rows : int
        How many there are.
    leaving, entering : Ragged
        Per row, the vertices where walks from there come out and the ticks until then; the vertices where walks to
        there come from and the ticks after that.
    inside : Inside
        For walks that never leave their link.
    ticks : ndarray of int, shape (links,)
        Of every link, to share out along it.
    """

    rows: int
    leaving: Ragged
    entering: Ragged
    inside: Inside
    ticks: Ints | NDArray[np.int32]

    def some(self, rows: Ints) -> Places:
        """Some of the places, in the order asked for."""
        number = np.full(self.rows, -1)
        number[rows] = np.arange(len(rows))
        kept = number[self.inside.row] >= 0
        row, link, share, extra = self.inside
        return Places(
            len(rows),
            chosen(self.leaving, rows),
            chosen(self.entering, rows),
            Inside(number[row[kept]], link[kept], share[kept], extra[kept]),
            self.ticks,
        )


def ragged(rows: Ints, items: Ints | NDArray[np.int32], ticks: Ints | NDArray[np.int32], *, count: int) -> Ragged:
    """Lists per row, sorted by row, then item, then ticks."""
    order = np.lexsort((ticks, items, rows))
    first = np.zeros(count + 1, np.int64)
    np.cumsum(np.bincount(rows, minlength=count), out=first[1:])
    return Ragged(first, items[order].astype(np.int32), ticks[order].astype(np.int32))


def chosen(lists: Ragged, rows: Ints) -> Ragged:
    """Some of the lists, in the order asked for."""
    sizes = np.diff(lists.first)[rows]
    first = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])
    at = np.arange(first[-1]) + np.repeat(lists.first[rows] - first[:-1], sizes)
    return Ragged(first, lists.items[at], lists.ticks[at])


def turned(lists: Ragged, *, count: int) -> Ragged:
    """The rows that come out at each item: lists the other way round."""
    rows = np.repeat(np.arange(len(lists.first) - 1), np.diff(lists.first))
    order = np.argsort(lists.items, kind="stable")
    first = np.zeros(count + 1, np.int64)
    np.cumsum(np.bincount(lists.items, minlength=count), out=first[1:])
    return Ragged(first, rows[order].astype(np.int32), lists.ticks[order])


def joined(one: Places, other: Places) -> Places:
    """The places of both, one after the other."""
    rows = one.rows + other.rows
    lists = []
    for first, second in ((one.leaving, other.leaving), (one.entering, other.entering)):
        starts = np.concatenate([first.first, first.first[-1] + second.first[1:]])
        items, ticks = (np.concatenate(both) for both in zip(first[1:], second[1:], strict=True))
        lists.append(Ragged(starts, items, ticks))
    moved = other.inside._replace(row=other.inside.row + one.rows)
    inside = Inside(*(np.concatenate(both) for both in zip(one.inside, moved, strict=True)))
    return Places(rows, lists[0], lists[1], inside, one.ticks)


def straight(origins: Places, facilities: Places) -> tuple[Ints, Ints, Ints]:
    """Pairs on one link where one can walk straight from the origin to the facility: both rows, and the ticks."""
    start, goal = origins.inside, facilities.inside
    order = np.argsort(goal.link, kind="stable")
    low, high = (np.searchsorted(goal.link[order], start.link, side) for side in ("left", "right"))
    sizes = high - low
    s = np.repeat(np.arange(len(start.link)), sizes)
    g = order[np.arange(len(s)) + np.repeat(low - np.cumsum(sizes) + sizes, sizes)]
    use = (goal.share[g] >= start.share[s]) & (facilities.ticks[goal.link[g]] < NEVER)
    s, g = s[use], g[use]
    whole = facilities.ticks[goal.link[g]]
    walked = np.rint(goal.share[g] * whole) - np.rint(start.share[s] * whole)
    return start.row[s], goal.row[g], walked.astype(np.int64) + start.extra[s] + goal.extra[g]
