"""Sites that serve only so many people: capacitated covering."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from scipy.sparse import csr_array, hstack, vstack

from circle15.errors import DataError, Finding, quoted
from circle15.siting.problems import LIMIT_S, Question
from circle15.siting.records import EQUAL, WHERE
from circle15.siting.solver import HALF, Limits, Program, shares, solve

if TYPE_CHECKING:
    from circle15.siting.records import Floats, Ints, Mask, Reach, Siting
    from circle15.siting.solver import Clock

NEARER = 1e-6  # of a person: what the longest walk weighs against being served, so that equals go to the nearer site
SPLIT = 1e-9  # of the people of an origin: less than this share is none


def capacitated_covering(
    reach: Reach,
    capacity: pd.Series,
    *,
    sites: int | None = None,
    budget: float | None = None,
    limit_s: float = LIMIT_S,
) -> Siting:
    """The sites that serve most people, when each serves only so many: capacitated maximal covering.

    Current and Storbeck (1988). People of one origin may be served at several sites; its groups are served alike.

    Parameters
    ----------
    reach : Reach
        Standing facilities serve as many as they hold.
    capacity : Series
        Persons that a site can serve, by the id of every candidate and every standing facility.
    sites, budget, limit_s
        As for `maximal_covering`.

    Returns
    -------
    Siting
        `objective` and `bound` are people, every group by its weight; `served` has a row for each origin and site. Of
        ways that serve as many the one with the shorter walks is told.

    Raises
    ------
    DataError
        When neither a number of sites nor a budget is given, or a site has no capacity of at least 0.
    SitingError
        As for `maximal_covering`.

    Examples
    --------
    >>> from circle15.siting import reach
    >>> pairs = pd.DataFrame({"origin": list("AABBC"), "facility": list("XYYZZ"), "seconds": 60.0})
    >>> asked = reach(pairs, pd.Series({"A": 10, "B": 20, "C": 30}))
    >>> found = capacitated_covering(asked, pd.Series({"X": 50, "Y": 15, "Z": 45}), sites=2)
    >>> found.chosen.tolist(), found.objective, found.optimal
    (['Y', 'Z'], 60.0, True)
    """
    asked = _Crowded(reach, capacity, limit_s)
    limits = asked.limits(sites, budget, lacking=asked.need > 0)
    room = asked.room._replace(limits=limits)
    first = room.greedy(asked.clock)
    asked.clock.mark()
    chosen, bound = room.fullest(first, asked.clock)
    apart = bound - room.total(chosen)
    return asked.answer("capacitated covering", chosen, asked.worth, apart=apart, first=first)


class Room(NamedTuple):
    """Who can be served where, and how many there.

    `row`, `site`, `seconds` of each pair; `persons` and `worth` (of one person) of each row; `holds` of each site;
    `columns`: sites that can be built; `standing`: those that are there; `cost` of columns.
    """

    row: Ints
    site: Ints
    seconds: Floats
    persons: Floats
    worth: Floats
    holds: Floats
    columns: Ints
    standing: Ints
    cost: Floats
    limits: Limits

    def shared(self, open_: Ints) -> tuple[Ints, Floats]:
        """Pairs of open sites, and the persons of each, so that most are served; of equals the shorter walks."""
        pairs = np.flatnonzero(np.isin(self.site, open_))
        if not len(pairs):
            return pairs, np.zeros(0)
        row, site = self.row[pairs], self.site[pairs]
        least = float(self.worth[row].min())
        cost = -self.worth[row] / least + NEARER * self.seconds[pairs] / max(float(self.seconds.max()), 1.0)
        return pairs, shares(cost * HALF / NEARER, self._rows(row, site), np.append(self.persons, self.holds))

    def _rows(self, row: Ints, site: Ints) -> csr_array:
        """One row for the people of each origin, one for what each site holds."""
        at = np.arange(len(row))
        places = np.concatenate([row, len(self.persons) + site]), np.concatenate([at, at])
        return csr_array((np.ones(2 * len(row)), places), shape=(len(self.persons) + len(self.holds), len(row)))

    def total(self, chosen: Ints) -> float:
        """People served, by their worth, with some columns built."""
        pairs, persons = self.shared(np.append(self.columns[chosen], self.standing))
        return float(self.worth[self.row[pairs]] @ persons)

    def most(self) -> Floats:
        """What each column serves at most."""
        row, site = self.row, self.site
        reached = np.bincount(site, self.worth[row] * self.persons[row], minlength=len(self.holds))
        dearest = np.zeros(len(self.holds))
        np.maximum.at(dearest, site, self.worth[row])
        most: Floats = np.minimum(reached, dearest * self.holds)[self.columns]
        return most

    def greedy(self, clock: Clock) -> Ints:
        """Most gain, or most for its cost, at each step; then exchanges of one site for another.

        What a site adds never grows as others are built, so that most need not be valued again (Minoux 1978).
        """
        ways = (False, True) if np.isfinite(self.limits.budget) else (False,)
        starts = [self._added(np.array([], dtype=np.int64), per_cost=way) for way in ways]
        chosen = max(starts, key=self.total)
        known = self.total(chosen)
        place = 0
        while place < len(chosen) and clock.left:
            other = self._exchanged(chosen, place)
            if other is not None and self.total(other) > known + EQUAL * max(1.0, known):
                chosen, place = self._added(other, per_cost=False), 0
                known = self.total(chosen)
            else:
                place += 1
        return np.sort(chosen)

    def _added(self, chosen: Ints, *, per_cost: bool) -> Ints:
        known = self.total(chosen)
        divisor = np.maximum(self.cost, SPLIT) if per_cost else np.ones(len(self.cost))
        queue = [(-most / divisor[column], column) for column, most in enumerate(self.most()) if most > 0]
        heapq.heapify(queue)
        fresh: set[int] = set()
        while queue:
            _, column = heapq.heappop(queue)
            if column in chosen or not self._open_besides(chosen)[column]:
                continue
            if column in fresh:
                chosen, fresh = np.append(chosen, column), set()
                known = self.total(chosen)
                continue
            gain = self.total(np.append(chosen, column)) - known
            if gain > EQUAL * max(1.0, known):
                heapq.heappush(queue, (-gain / divisor[column], column))
                fresh.add(column)
        return chosen

    def _exchanged(self, chosen: Ints, place: int) -> Ints | None:
        """Without one site, and with the one instead that holds most of those who are left over then."""
        fewer = np.delete(chosen, place)
        pairs, persons = self.shared(np.append(self.columns[fewer], self.standing))
        left = self.persons - np.bincount(self.row[pairs], persons, minlength=len(self.persons))
        fills = self._replace(persons=np.maximum(left, 0.0)).most()
        fills[~self._open_besides(fewer)] = 0.0
        fills[chosen] = 0.0
        return np.append(fewer, int(np.argmax(fills))) if fills.any() else None

    def _open_besides(self, chosen: Ints) -> Mask:
        return self.limits.allow(self.cost, spent=float(self.cost[chosen].sum()), built=len(chosen))

    def fullest(self, first: Ints, clock: Clock) -> tuple[Ints, float]:
        """The columns that serve most, or the best come by within the time, and a bound: no choice serves more."""
        known, wide, pairs, people = self.total(first), len(self.columns), len(self.row), len(self.persons)
        holds = csr_array(
            (-self.holds[self.columns], (people + self.columns, np.arange(wide))), (people + len(self.holds), wide)
        )
        standing = np.zeros(len(self.holds))
        standing[self.standing] = self.holds[self.standing]
        limits, ends = self.limits.rows(self.cost, wide + pairs)
        high = np.concatenate([self.persons, standing, ends])
        program = Program(  # a row for each pair would be a tighter program, and takes five times as long
            cost=np.append(np.zeros(wide), -self.worth[self.row]),
            matrix=vstack([hstack([holds, self._rows(self.row, self.site)]), limits], format="csr"),
            low=np.full(len(high), -np.inf),
            high=high,
            least=np.zeros(wide + pairs),
            most=np.append(np.ones(wide), np.minimum(self.persons[self.row], self.holds[self.site])),
            whole=np.arange(wide + pairs) < wide,
        )
        found = solve(program, clock, known=-known)
        best = first
        if found.x is not None:
            other = np.flatnonzero(found.x[:wide] > HALF)
            if self.limits.hold(self.cost, other) and self.total(other) > known:
                best, known = other, self.total(other)
        nobody = np.array([], dtype=np.int64)
        each = np.sort(self.most())[::-1][: int(min(self.limits.sites, wide))]
        reached = np.unique(self.row)
        above = min(float(self.worth[reached] @ self.persons[reached]), self.total(nobody) + float(each.sum()))
        return best, -found.bound_on(-known, -above)


class _Crowded(Question):
    """A question about sites that hold only so many."""

    def __init__(self, reach: Reach, capacity: pd.Series, limit_s: float) -> None:
        super().__init__(reach, limit_s)
        holds = capacity.reindex(self.field.sites).to_numpy(dtype=float)
        bad = self.field.sites[~(np.isfinite(holds) & (holds >= 0))]
        if len(bad):
            problem = f"{len(bad):,} of {len(holds):,} sites have no capacity of at least 0 (first: {quoted(bad)})"
            raise DataError(Finding(WHERE, problem, "Give one for each candidate and each facility"))
        pairs = self.field.seconds.tocoo()
        persons = self.field.persons
        asked = persons[pairs.coords[0]] > 0
        row, site = (axis[asked].astype(np.int64) for axis in pairs.coords)
        worth = np.divide(self.need, persons, out=np.zeros(len(persons)), where=persons > 0)
        self.room = Room(
            row, site, pairs.data[asked], persons, worth, holds, self.columns, self.standing, self.cost, Limits()
        )

    def worth(self, at: Ints) -> float:
        """People served with these columns open."""
        pairs, persons = self.room.shared(at)
        return float(self.room.worth[self.room.row[pairs]] @ persons)

    def served(self, at: Ints) -> pd.DataFrame:
        """Who is served where, as it is shared out."""
        pairs, persons = self.room.shared(at)
        row, site = self.room.row[pairs], self.room.site[pairs]
        kept = persons > SPLIT * self.room.persons[row]
        order = np.argsort(self.reach.origins.get_indexer(self.field.origins)[row[kept]], kind="stable")
        table = {
            "origin": self.field.origins[row[kept]].to_numpy(),
            "site": self.field.sites[site[kept]].to_numpy(),
            "people": persons[kept],
            "seconds": self.room.seconds[pairs][kept],
        }
        return pd.DataFrame(table).iloc[order].reset_index(drop=True)
