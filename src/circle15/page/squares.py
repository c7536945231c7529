"""Clusters summed over squares of the screen, for zooms at which they would lie on one another.

A level is a zoom of the map; a square of a level measures `SIDE_PX` on the screen there, and holds four squares of the
level below it. The page carries the finest level only: it adds up the coarser ones itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Whole = NDArray[np.int64]
    Codes = NDArray[np.int8]

WORLD_PX = 256  # the world at zoom 0, in Web Mercator
SIDE_PX = 40
MOST_SHARING = 30  # clusters to a square, as the average cluster sees it, for which clusters are drawn themselves
MOST_SQUARES = 20_000  # in the finest level
DEEPEST = 17
FARTHEST, FARTHEST_PX = 10, 300
PLACES = 32  # steps across a square, for the place where its people live
_LARGEST = 2**31 - 1  # of the numbers that a page carries


@dataclass(frozen=True)
class Squares:
    """The finest level of squares, row by row from the north-west.

    Parameters
    ----------
    level : int
        The zoom whose screen they divide.
    clusters_from : int or None
        The zoom from which clusters are drawn instead; never where the page does not carry them.
    of : ndarray of int, shape (clusters,)
        The square of each cluster.
    column, row : ndarray of int
        Place of each square, counted from 180° W and 85° N.
    across, down : ndarray of int
        Where in the square its people live on average, in steps from 0 to `PLACES` - 1.
    """

    level: int
    clusters_from: int | None
    of: Whole
    column: Whole
    row: Whole
    across: Whole
    down: Whole

    @classmethod
    def of_clusters(
        cls, lonlat: NDArray[np.float64], people: NDArray[np.float64], *, lowest: int, carried: bool
    ) -> Squares:
        """Divide the ground of clusters.

        Clusters are drawn themselves from the first zoom at which a square holds at most `MOST_SHARING` of them,
        averaged over clusters; the finest level lies just below, or is the last of at most `MOST_SQUARES`.

        Parameters
        ----------
        lonlat : ndarray, shape (clusters, 2)
            Degrees.
        people : ndarray, shape (clusters,)
            Residents.
        lowest : int
            The farthest zoom of the map.
        carried : bool
            Whether the page carries clusters beside squares.

        Returns
        -------
        Squares

        Examples
        --------
        >>> places = np.array([[106.5, 29.5], [106.5001, 29.5], [106.7, 29.5]])
        >>> found = Squares.of_clusters(places, np.array([10.0, 20.0, 5.0]), lowest=9, carried=False)
        >>> found.level, found.of.tolist(), found.clusters_from
        (17, [0, 0, 1], None)
        """
        world = mercator(lonlat)
        level, clusters_from = _levels(world, lowest=lowest, carried=carried)
        place = world * (2**level / SIDE_PX)
        cell = np.floor(place).astype(np.int64)
        key, of = np.unique(_key(cell, level), return_inverse=True)
        row, column = np.divmod(key, _columns(level))
        weight = np.where(np.bincount(of, people, minlength=len(key))[of] > 0, people, 1.0)
        total = np.maximum(np.bincount(of, weight, minlength=len(key)), np.finfo(float).tiny)
        inside = [np.bincount(of, weight * part, minlength=len(key)) / total for part in (place - cell).T]
        across, down = (np.clip(PLACES * part, 0, PLACES - 1).astype(np.int64) for part in inside)
        return cls(level, clusters_from, of.astype(np.int64), column, row, across, down)

    def people_in(self, people: NDArray[np.float64]) -> int:
        """Parts of a person that fit the numbers of a page: thousandths, or fewer where very many people live.

        Examples
        --------
        >>> squares = Squares.of_clusters(np.zeros((2, 2)), np.ones(2), lowest=9, carried=True)
        >>> squares.people_in(np.array([1e6, 1e6])), squares.people_in(np.array([2e6, 1e6]))
        (1000, 100)
        """
        most = float(np.bincount(self.of, people, minlength=1).max(initial=0.0))
        fitting = (parts for parts in (1000, 100, 10) if (most + len(people)) * parts <= _LARGEST)
        return next(fitting, 1)

    def sums(self, people: Whole, states: Mapping[str, Codes]) -> dict[str, Whole]:
        """What the page reads: places, clusters, and people in a gap and unknown by reading and category.

        All others of a square are served. Numbers of people are those of the clusters, added up; nothing is rounded.

        Parameters
        ----------
        people : ndarray of int, shape (clusters,)
            Residents, in the parts that `people_in` says.
        states : mapping of str to ndarray of int, shape (categories, clusters)
            For each reading, places in `contents.STATES`: 0 for a gap, 1 for unknown.

        Returns
        -------
        dict of str to ndarray of int
        """

        def added(values: Whole) -> Whole:  # whole numbers below 2**53 add up exactly
            return np.bincount(self.of, values, minlength=len(self.column)).astype(np.int64)

        packed = {
            "squares.column": np.diff(self.column, prepend=0),
            "squares.row": np.diff(self.row, prepend=0),
            "squares.across": self.across,
            "squares.down": self.down,
            "squares.clusters": np.bincount(self.of, minlength=len(self.column)).astype(np.int64),
            "squares.people": added(people),
        }
        for reading, rows in states.items():
            for code, state in enumerate(("gap", "unknown")):
                each = [added(np.where(row == code, people, 0)) for row in rows]
                packed[f"squares.{reading}.{state}"] = np.array(each, dtype=np.int64).ravel()
        return packed


def farthest(bounds: tuple[float, float, float, float]) -> int:
    """The farthest zoom that a map of an area needs; 10 for a city.

    Parameters
    ----------
    bounds : tuple of float
        West, south, east and north in degrees.

    Returns
    -------
    int
        There its longer side measures at most 300 pixels.

    Examples
    --------
    >>> farthest((106.5, 29.5, 106.6, 29.6)), farthest((105.0, 28.0, 110.0, 32.0))
    (10, 6)
    """
    west, south, east, north = bounds
    side = np.ptp(mercator(np.array([[west, south], [east, north]])), axis=0).max()
    return int(np.clip(np.floor(np.log2(FARTHEST_PX / side)), 0, FARTHEST))


def mercator(lonlat: NDArray[np.float64]) -> NDArray[np.float64]:
    """Places on the map at zoom 0, in pixels from the north-west corner of the world.

    Examples
    --------
    >>> mercator(np.array([[0.0, 0.0], [180.0, 66.51326044311186]])).round(6).tolist()
    [[128.0, 128.0], [256.0, 64.0]]
    """
    lon, lat = np.asarray(lonlat, dtype=float).T
    sine = np.sin(np.radians(lat))
    turn = np.log((1 + sine) / (1 - sine)) / (4 * np.pi)
    return WORLD_PX * np.column_stack([lon / 360 + 0.5, 0.5 - turn])


def _columns(level: int) -> int:
    return int(WORLD_PX * 2**level // SIDE_PX) + 1


def _key(cell: Whole, level: int) -> Whole:
    column, row = cell.T
    key: Whole = row * _columns(level) + column
    return key


def _levels(world: NDArray[np.float64], *, lowest: int, carried: bool) -> tuple[int, int | None]:
    """The finest level, and the zoom from which clusters are drawn."""
    finest = None
    for level in range(lowest, DEEPEST + 1):
        cell = np.floor(world * (2**level / SIDE_PX)).astype(np.int64)
        count = np.unique(_key(cell, level), return_counts=True)[1]
        finest = level - 1 if finest is None and len(count) > MOST_SQUARES else finest
        if carried and (count.astype(float) ** 2).sum() <= MOST_SHARING * len(world):
            return (level - 1 if finest is None else finest), level
    return (DEEPEST if finest is None else finest), (DEEPEST if carried else None)
