"""Walking times between two tables of points, and how these points were put on the streets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, overload

import numpy as np
import pandas as pd

from circle15.display import Shown
from circle15.errors import CutoffError, DataError, Finding, quoted
from circle15.tables import shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    from circle15.display import Card

TICKS_PER_SECOND = 10  # all searching is in whole ticks of 0.1 s, so that 900.0 s is in and 900.1 s is out


@overload
def limit_s(minutes: float) -> float: ...
@overload
def limit_s(minutes: NDArray[np.float64]) -> NDArray[np.float64]: ...
def limit_s(minutes: float | NDArray[np.float64]) -> float | NDArray[np.float64]:
    """The longest walk within so many minutes, in seconds: whole ticks, whatever binary fractions make of 60 times it.

    Parameters
    ----------
    minutes : float or ndarray of float
        A cut-off, inclusive, or several.

    Returns
    -------
    float or ndarray of float
        Seconds.

    Examples
    --------
    >>> limit_s(15), limit_s(0.13), 0.13 * 60
    (900.0, 7.8, 7.800000000000001)
    """
    seconds = np.floor(np.asarray(minutes) * 60 * TICKS_PER_SECOND + 1e-6) / TICKS_PER_SECOND
    return seconds if seconds.ndim else float(seconds)


@dataclass(frozen=True, repr=False)
class Placement(Shown):
    """How the points of one table were put on the streets; one row per id.

    `table` has the index of the points and columns `how` ("main": on the largest connected piece of the network,
    "island": on a smaller one, "far": no link within the walker's longest off-road leg), `link`, `off_road_m` and
    `off_road_s`.
    """

    table: pd.DataFrame

    @property
    def unplaced(self) -> pd.Index:
        """Ids that no link was near enough for."""
        return self.table.index[self.table["how"] == "far"]

    def counts(self) -> dict[str, int]:
        """How many ids were placed how."""
        return {how: int((self.table["how"] == how).sum()) for how in ("main", "island", "far")}

    def _card(self) -> Card:
        return shown.placement_card(self)


@dataclass(frozen=True, repr=False)
class TravelTimes(Shown):
    """Walking seconds from origins to facilities, and what is needed to read them rightly.

    Parameters
    ----------
    seconds : csr_array, shape (origins, facilities)
        Stored entries are seconds; an entry that is not stored was not reached within `cutoff_s`, or within `each_s`
        of its facility.
    origin_ids, facility_ids : Index
        All ids asked for, placed or not.
    cutoff_s : float
        The search went this far, inclusive.
    edge_s : ndarray, shape (origins,)
        Seconds from each origin to the nearest place where the data end; infinite beyond `cutoff_s`.
    origins, facilities : Placement
        How both sides were put on the streets.
    walker : str
        Name of the walker.
    trip : str
        `out`, `back`, `slower` or `round`.
    each_s : ndarray, shape (facilities,), optional
        How far each facility was looked for, where that is less far than `cutoff_s`.

    Examples
    --------
    >>> walks = pd.DataFrame({"origin": ["a", "b"], "facility": ["x", "x"], "seconds": [0.0, 300.0]})
    >>> times = TravelTimes.from_pairs(walks, origin_ids=["a", "b", "c"], facility_ids=["x", "y"], cutoff_minutes=15)
    >>> times.seconds.shape, times.seconds.nnz
    ((3, 2), 2)
    >>> times.to(["x"]).facility_ids.tolist()
    ['x']
    """

    seconds: csr_array
    origin_ids: pd.Index
    facility_ids: pd.Index
    cutoff_s: float
    edge_s: NDArray[np.float64]
    origins: Placement
    facilities: Placement
    walker: str
    trip: str = "out"
    each_s: NDArray[np.float64] | None = None

    def require(self, minutes: float, *, each: NDArray[np.float64] | None = None) -> None:
        """Refuse a cut-off that was not computed.

        Parameters
        ----------
        minutes : float
            The cut-off wanted.
        each : ndarray of float, shape (facilities,), optional
            How far each facility is wanted, where that is less.

        Raises
        ------
        CutoffError
            When it is longer than what was computed.
        """
        least = self.cutoff_s if self.each_s is None else min(self.each_s.min(initial=np.inf), self.cutoff_s)
        asked = [(minutes, least if each is None else self.cutoff_s)]
        if each is not None and self.each_s is not None:
            asked += zip(each, self.each_s, strict=True)
        beyond = [(one, have) for one, have in asked if limit_s(one) > have]
        if beyond:
            one, have = max(beyond)
            raise CutoffError(
                Finding(
                    "travel times",
                    f"{one:g} minutes were asked of times computed to {have / 60:g} minutes",
                    f"Compute them with cutoff_minutes={one:g}",
                )
            )

    def within(self, minutes: pd.Series) -> TravelTimes:
        """The same times as if facilities had been looked for less far.

        Parameters
        ----------
        minutes : Series of float
            Cut-offs by facility.

        Returns
        -------
        TravelTimes
            Without the walks beyond them: often few are left, and all that follows is quicker.

        Raises
        ------
        CutoffError
            When one is longer than what was computed, or missing.
        """
        from scipy.sparse import csr_array

        asked = minutes.reindex(self.facility_ids).to_numpy(dtype=float)
        if np.isnan(asked).any():
            problem = f"{int(np.isnan(asked).sum()):,} facilities have no cut-off"
            raise CutoffError(Finding("travel times", problem, "Give minutes for every facility"))
        self.require(asked.max(initial=0.0), each=asked)
        limit, pairs = limit_s(asked), self.seconds
        near = pairs.data <= limit[pairs.indices]
        first = np.append(0, np.cumsum(near))[pairs.indptr]
        kept = csr_array((pairs.data[near], pairs.indices[near], first), shape=pairs.shape)
        return replace(self, seconds=kept, each_s=limit)

    def to(self, facility_ids: pd.Index | Sequence[str]) -> TravelTimes:
        """The times to some of the facilities only, for example to those of one service.

        Parameters
        ----------
        facility_ids : Index or sequence of str
            In the order wanted.

        Returns
        -------
        TravelTimes
            All origins, these facilities.

        Raises
        ------
        DataError
            When an id is not known here, or given twice.
        """
        asked, where = pd.Index(facility_ids), "facilities asked for"
        at = self.facility_ids.get_indexer(asked)
        found = _repeated(where, asked)
        found += _strangers(where, asked, self.facility_ids) if (at < 0).any() else []
        if found:
            raise DataError(*found)
        seconds = self.seconds[:, at]
        seconds.sort_indices()
        placed = Placement(self.facilities.table.loc[asked])
        each_s = None if self.each_s is None else self.each_s[at]
        return replace(self, seconds=seconds, facility_ids=self.facility_ids[at], facilities=placed, each_s=each_s)

    @classmethod
    def from_pairs(
        cls,
        pairs: pd.DataFrame,
        *,
        origin_ids: pd.Index | Sequence[str],
        facility_ids: pd.Index | Sequence[str],
        cutoff_minutes: float,
        walker: str = "given",
    ) -> TravelTimes:
        """Travel times that were computed elsewhere, or written by hand.

        Every id counts as placed, and as far from the edge of the data: a table of pairs says nothing of either.

        Parameters
        ----------
        pairs : DataFrame
            One row for each pair that was reached: `origin`, `facility`, `seconds`.
        origin_ids, facility_ids : Index or sequence of str
            All ids that were asked for, reached or not.
        cutoff_minutes : float
            How far was searched, inclusive.
        walker : str
            Whose times they are.

        Returns
        -------
        TravelTimes

        Raises
        ------
        DataError
            When a column is missing, an id is not among those given or given twice, a pair occurs twice, or its
            seconds are not a number from 0 to the cut-off.
        """
        from scipy.sparse import csr_array

        ids = {"origin": pd.Index(origin_ids), "facility": pd.Index(facility_ids)}
        absent = [name for name in (*ids, "seconds") if name not in pairs.columns]
        if absent:
            mend = "Give origin, facility and seconds"
            raise DataError(Finding("pairs", f"column {quoted(absent)} is missing", mend))
        walks = pd.to_numeric(pairs["seconds"], errors="coerce").to_numpy(dtype=float)
        found = [
            problem
            for name, known in ids.items()
            for problem in (*_repeated(f"{name}_ids", known), *_strangers(f"pairs, column {name}", pairs[name], known))
        ]
        twice = pairs.duplicated(list(ids))
        if twice.any():
            problem = f"{int(twice.sum()):,} pairs occur more than once (first in row {twice.to_numpy().argmax()})"
            found.append(Finding("pairs", problem, "Keep the shorter walk of each"))
        found += _unreal(walks, limit_s(cutoff_minutes))
        if found:
            raise DataError(*found)
        rows, columns = (known.get_indexer(pd.Index(pairs[name])) for name, known in ids.items())
        shape = (len(ids["origin"]), len(ids["facility"]))
        return cls(
            seconds=csr_array((walks, (rows, columns)), shape=shape),
            origin_ids=ids["origin"],
            facility_ids=ids["facility"],
            cutoff_s=limit_s(cutoff_minutes),
            edge_s=np.full(shape[0], np.inf),
            origins=_given(ids["origin"]),
            facilities=_given(ids["facility"]),
            walker=walker,
        )

    def findings(self) -> list[Finding]:
        """What is wrong with the times themselves, so that nothing may be counted from them.

        Returns
        -------
        list of Finding
            Empty when the ids are unique and fit the matrix, and every stored entry is a number of seconds from 0 to
            `cutoff_s`, stored once.
        """
        shape = (len(self.origin_ids), len(self.facility_ids))
        if self.seconds.shape != shape:
            problem = f"the matrix has the shape {self.seconds.shape}, the ids ask for {shape}"
            return [Finding("travel times", problem, "Give one row for each origin and one column for each facility")]
        found = [
            *_repeated("travel times, origins", self.origin_ids),
            *_repeated("travel times, facilities", self.facility_ids),
            *_unreal(self.seconds.data, self.cutoff_s),
        ]
        if not self.seconds.has_canonical_format:  # or merely in another order
            once = self.seconds.copy()
            once.sum_duplicates()
            if once.nnz < self.seconds.nnz:
                problem = f"{self.seconds.nnz - once.nnz:,} pairs are stored more than once"
                found.append(Finding("travel times", problem, "Store each pair once"))
        return found

    def matrix(self) -> pd.DataFrame:
        """Every pair as one cell, for tools that want a whole matrix: origins by facilities.

        Returns
        -------
        DataFrame of float
            Seconds; infinite where it was not reached within `cutoff_s`, never 0. It takes 8 bytes a pair: of a large
            study, take `pairs` or the sparse `seconds`.

        Examples
        --------
        >>> walks = pd.DataFrame({"origin": ["a"], "facility": ["x"], "seconds": [0.0]})
        >>> times = TravelTimes.from_pairs(walks, origin_ids=["a"], facility_ids=["x", "y"], cutoff_minutes=15)
        >>> times.matrix().loc["a"].tolist()
        [0.0, inf]
        """
        dense = np.full(self.seconds.shape, np.inf)
        coo = self.seconds.tocoo()
        dense[coo.coords] = coo.data
        ids = self.origin_ids.rename("origin"), self.facility_ids.rename("facility")
        return pd.DataFrame(dense, index=ids[0], columns=ids[1])

    def pairs(self) -> pd.DataFrame:
        """Every reached pair as a row: `origin`, `facility`, `seconds`."""
        coo = self.seconds.tocoo()
        return pd.DataFrame(
            {
                "origin": self.origin_ids.to_numpy()[coo.coords[0]],
                "facility": self.facility_ids.to_numpy()[coo.coords[1]],
                "seconds": coo.data,
            }
        )

    def _card(self) -> Card:
        return shown.times_card(self)


def _given(ids: pd.Index) -> Placement:
    """Placed, as far as one can tell."""
    unknown = {"how": "main", "link": None, "off_road_m": np.nan, "off_road_s": np.nan}
    return Placement(pd.DataFrame(unknown, index=ids))


def _repeated(where: str, ids: pd.Index) -> list[Finding]:
    twice = ids[ids.duplicated()].unique()
    problem = f"{len(twice):,} ids occur more than once (first: {quoted(twice)})"
    return [Finding(where, problem, "Make every id unique")] if len(twice) else []


def _strangers(where: str, ids: pd.Index | pd.Series, known: pd.Index) -> list[Finding]:
    strange = ids[~ids.isin(known)].unique()
    problem = f"{len(strange):,} ids are not known (first: {quoted(strange)})"
    return [Finding(where, problem, "Leave them out, or add them to the ids asked for")] if len(strange) else []


def _unreal(seconds: NDArray[np.float64], cutoff_s: float) -> list[Finding]:
    wrong = ~((seconds >= 0) & (seconds <= cutoff_s))
    problem = f"{int(wrong.sum()):,} walks are not numbers of seconds from 0 to the cut-off of {cutoff_s:g} s"
    return [Finding("travel times", problem, "Leave out what was not reached within it")] if wrong.any() else []
