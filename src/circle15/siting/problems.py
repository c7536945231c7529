"""The published problems, each a function from a `Reach` to a `Siting`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from circle15.errors import DataError, Finding, SitingError, quoted
from circle15.siting.cover import Twice, cheapest_cover, least_radius, most_twice
from circle15.siting.nearest import Field, fewest
from circle15.siting.records import WHERE, Reach, Siting
from circle15.siting.solver import Clock, Limits

if TYPE_CHECKING:
    from collections.abc import Callable

    from circle15.siting.records import Ints, Mask

LIMIT_S = 60.0
FORBIDDING = 2.0  # how much farther than the farthest pair somebody counts who must not be left out
ADVICE_S = 10.0  # to find out how many sites would do, for the sake of a message


def set_covering(reach: Reach, *, limit_s: float = LIMIT_S) -> Siting:
    """The cheapest sites that leave nobody out of reach: the location set covering problem.

    Toregas, Swain, ReVelle and Bergman (1971). Without costs, the fewest sites.

    Parameters
    ----------
    reach : Reach
        Origins without anybody in need are not looked at; who is within reach of a standing facility is served.
    limit_s : float
        Seconds by the clock; the bound holds when they are over. The greedy answer is finished in any case.

    Returns
    -------
    Siting
        `objective` and `bound` are costs.

    Raises
    ------
    SitingError
        When somebody is within reach of no site; the origins are named.

    Examples
    --------
    >>> import pandas as pd
    >>> from circle15.siting import reach
    >>> pairs = pd.DataFrame({"origin": list("AABBC"), "facility": list("XYYZZ"), "seconds": 60.0})
    >>> found = set_covering(reach(pairs, pd.Series({"A": 10, "B": 20, "C": 30})))
    >>> found.chosen.tolist(), found.objective, found.optimal
    (['Y', 'Z'], 2.0, True)
    """
    asked = Question(reach, limit_s)
    asked.require_reached()
    rows = np.flatnonzero((asked.need > 0) & np.isinf(asked.there))
    cover, first = cheapest_cover(asked.pairs[rows], asked.cost, asked.clock)
    chosen = first if cover.chosen is None else cover.chosen
    apart = cover.bound - float(asked.cost[chosen].sum())
    return asked.answer("set covering", chosen, lambda at: float(asked.field.cost[at].sum()), apart=apart, first=first)


def maximal_covering(
    reach: Reach, *, sites: int | None = None, budget: float | None = None, limit_s: float = LIMIT_S
) -> Siting:
    """The sites that serve most people, when so many may be built, for so much: the maximal covering location problem.

    Church and ReVelle (1974).

    Parameters
    ----------
    reach : Reach
        Who is within reach of a standing facility is served already, and counts in the objective.
    sites : int, optional
        At most so many are built.
    budget : float, optional
        At most so much is spent, in the unit of the costs.
    limit_s : float
        Seconds by the clock; the bound holds when they are over. The greedy answer is finished in any case.

    Returns
    -------
    Siting
        `objective` and `bound` are people, every group by its weight.

    Raises
    ------
    DataError
        When neither a number of sites nor a budget is given.
    SitingError
        When there is no candidate, none reaches anybody unserved, or none that does can be paid for.

    Examples
    --------
    >>> import pandas as pd
    >>> from circle15.siting import reach
    >>> pairs = pd.DataFrame({"origin": list("AABBC"), "facility": list("XYYZZ"), "seconds": 60.0})
    >>> found = maximal_covering(reach(pairs, pd.Series({"A": 10, "B": 20, "C": 30})), sites=1)
    >>> found.chosen.tolist(), found.objective, found.bound
    (['Z'], 50.0, 50.0)
    """
    asked = Question(reach, limit_s)
    limits = asked.limits(sites, budget)
    values = csr_array((np.zeros(len(asked.pairs.data)), asked.pairs.indices, asked.pairs.indptr), asked.pairs.shape)
    field = Field.of(values, asked.need, np.isinf(asked.there), cost=asked.cost).limited(limits)
    found = fewest(field, asked.clock)
    return asked.answer(
        "maximal covering",
        found.chosen,
        lambda at: float(asked.need @ np.isfinite(asked.field.nearest(at)[1])),
        apart=field.total(found.chosen) - found.bound,
        first=found.greedy,
    )


def backup_covering(
    reach: Reach, *, sites: int | None = None, budget: float | None = None, limit_s: float = LIMIT_S
) -> Siting:
    """The sites that leave nobody out of reach and put most people within reach of two: BACOP1.

    Hogan and ReVelle (1986).

    Parameters
    ----------
    reach, sites, budget, limit_s
        As for `maximal_covering`.

    Returns
    -------
    Siting
        `objective` and `bound` are people with a second facility within reach, every group by its weight.

    Raises
    ------
    DataError
        When neither a number of sites nor a budget is given.
    SitingError
        When somebody is within reach of no site, or so much does not suffice for everybody; then what would.
    """
    asked = Question(reach, limit_s)
    limits = asked.limits(sites, budget)
    asked.require_reached()
    rows = np.flatnonzero(asked.need > 0)
    there = np.diff(asked.field.seconds[rows][:, asked.standing].indptr)
    twice = Twice(asked.pairs[rows], there, asked.need[rows], asked.cost, limits)
    found, first = most_twice(twice, asked.clock)
    if found.chosen is None:
        raise asked.insufficient(limits, proven=np.isinf(found.bound))
    return asked.answer(
        "backup covering",
        found.chosen,
        lambda at: float(asked.need @ (np.diff(asked.field.seconds[:, at].indptr) > 1)),
        apart=found.bound - twice.total(found.chosen),
        first=first,
    )


def p_median(
    reach: Reach,
    *,
    sites: int | None = None,
    budget: float | None = None,
    beyond_s: float | None = None,
    limit_s: float = LIMIT_S,
) -> Siting:
    """The sites with the least walking of everybody to the nearest: the p-median (Hakimi 1964).

    Parameters
    ----------
    reach, sites, budget, limit_s
        As for `maximal_covering`.
    beyond_s : float, optional
        What somebody counts who has no site within reach: seconds, at least as many as the longest pair. Without it
        nobody may be left out.

    Returns
    -------
    Siting
        `objective` and `bound` are seconds times people, every group by its weight. Who counts as `beyond_s` is not in
        `served`.

    Raises
    ------
    DataError
        When neither a number of sites nor a budget is given, or `beyond_s` is shorter than a pair.
    SitingError
        Without `beyond_s`, when somebody is within reach of no site, or so much does not suffice for everybody.
    """
    asked = Question(reach, limit_s)
    limits = asked.limits(sites, budget)
    longest = float(asked.field.seconds.data.max(initial=0.0))
    if beyond_s is None:
        asked.require_reached()
    elif beyond_s < longest:
        problem = f"beyond_s is {beyond_s:g}, and somebody is served at {longest:g} seconds"
        raise DataError(Finding(WHERE, problem, "Give at least the cut-off"))
    far = FORBIDDING * max(longest, 1.0) if beyond_s is None else beyond_s
    must = np.isinf(asked.there) & (beyond_s is None)
    field = Field.of(asked.pairs, asked.need, np.minimum(asked.there, far), cost=asked.cost, must=must).limited(limits)
    found = fewest(field, asked.clock)
    if not field.serves(found.chosen):
        raise asked.insufficient(limits, proven=np.isinf(found.bound))
    return asked.answer(
        "p-median",
        found.chosen,
        lambda at: float(asked.need @ np.minimum(asked.field.nearest(at)[1], far)),
        apart=found.bound - field.total(found.chosen),
        first=found.greedy if field.serves(found.greedy) else None,
    )


def p_centre(
    reach: Reach, *, sites: int | None = None, budget: float | None = None, limit_s: float = LIMIT_S
) -> Siting:
    """The sites with the farthest home nearest: the p-centre (Hakimi 1964).

    Parameters
    ----------
    reach, sites, budget, limit_s
        As for `maximal_covering`.

    Returns
    -------
    Siting
        `objective` and `bound` are seconds.

    Raises
    ------
    DataError
        When neither a number of sites nor a budget is given.
    SitingError
        When somebody is within reach of no site, or so much does not suffice for everybody.
    """
    asked = Question(reach, limit_s)
    limits = asked.limits(sites, budget)
    asked.require_reached()
    rows = np.flatnonzero(asked.need > 0)
    found, first = least_radius(asked.pairs[rows], asked.there[rows], asked.cost, limits, asked.clock)
    if found.chosen is None:
        raise asked.insufficient(limits, proven=np.isinf(found.bound))
    return asked.answer(
        "p-centre",
        found.chosen,
        lambda at: float(asked.field.nearest(at)[1][rows].max(initial=0.0)),
        apart=found.bound - found.radius,
        first=first.chosen,
    )


def limits_of(sites: int | None, budget: float | None) -> Limits:
    """What may be built; refused where nothing is stated, or nothing allowed."""
    if sites is None and budget is None:
        raise DataError(Finding(WHERE, "neither a number of sites nor a budget is given", "Give one, or both"))
    if sites is not None and not sites >= 1:
        raise SitingError(Finding(WHERE, f"{sites} sites are to be built", "Allow at least one"))
    if budget is not None and not budget >= 0:
        raise SitingError(Finding(WHERE, f"the budget is {budget:g}", "Give an amount of at least 0"))
    return Limits(np.inf if sites is None else sites, np.inf if budget is None else budget)


class Question:
    """What the problems share: arrays in the order of ids, the refusals, and the answer in the words of the caller.

    Parameters
    ----------
    reach : Reach
        As the caller gave it.
    limit_s : float
        Seconds by the clock.
    """

    def __init__(self, reach: Reach, limit_s: float) -> None:
        self.reach, self.field, self.clock = reach, reach.by_id(), Clock(limit_s)
        self.columns, self.standing = np.flatnonzero(~self.field.standing), np.flatnonzero(self.field.standing)
        self.pairs, self.cost = self.field.seconds[:, self.columns], self.field.cost[self.columns]
        self.need, self.there = self.field.need, self.field.nearest(self.standing)[1]
        if not len(self.columns):
            raise SitingError(Finding(WHERE, "there is no candidate", "Give at least one place to build at"))

    def limits(self, sites: int | None, budget: float | None, *, lacking: Mask | None = None) -> Limits:
        """What may be built; refused where that cannot help anybody of those who lack something."""
        limits = limits_of(sites, budget)
        lacking = (self.need > 0) & (np.isinf(self.there) if lacking is None else lacking)
        if not lacking.any():
            return limits
        helping = np.unique(self.pairs[np.flatnonzero(lacking)].indices)
        if not len(helping):
            problem = f"not one of {len(self.columns):,} candidates is within reach of anybody who is not served"
            raise SitingError(Finding(WHERE, problem, "Give candidates nearer to them, or a longer cut-off"))
        cheapest = float(self.cost[helping].min())
        if cheapest > limits.most:
            word = (
                f"a budget of {limits.budget:,g} pays for none of {len(helping):,} candidates that would help anybody"
            )
            raise SitingError(Finding(WHERE, word, f"The cheapest of them costs {cheapest:,g}"))
        return limits

    def require_reached(self) -> None:
        """Refuse where somebody in need is within reach of no site."""
        lost = self.field.origins[(np.diff(self.field.seconds.indptr) == 0) & (self.need > 0)]
        if len(lost):
            lost = self.reach.origins[self.reach.origins.isin(lost)]
            problem = (
                f"{len(lost):,} of {int((self.need > 0).sum()):,} origins with people in need are within reach of no "
                f"candidate and no facility (first: {quoted(lost)})"
            )
            raise SitingError(Finding(WHERE, problem, "Give candidates near them, a longer cut-off, or leave them out"))

    def insufficient(self, limits: Limits, *, proven: bool) -> SitingError:
        """The refusal of limits that leave somebody out, with what would do."""
        if not proven:
            problem = f"no choice that serves everybody was found within {self.clock.limit_s:g} seconds"
            return SitingError(Finding(WHERE, problem, "Allow more time, more sites or a larger budget"))
        rows = np.flatnonzero((self.need > 0) & np.isinf(self.there))
        given, needed, ones = [], [], np.ones(len(self.cost))
        for word, limit, cost in (("{} sites", limits.sites, ones), ("a budget of {}", limits.budget, self.cost)):
            if limit < np.inf:
                cover, _ = cheapest_cover(self.pairs[rows], cost, Clock(ADVICE_S))
                given.append(word.format(f"{limit:,g}"))
                needed.append(word.format(f"{cover.bound:,g}"))
        problem = f"{' and '.join(given)} leave somebody within reach of nothing"
        return SitingError(Finding(WHERE, problem, f"It takes at least {' and '.join(needed)}"))

    def answer(
        self, problem: str, chosen: Ints, worth: Callable[[Ints], float], *, apart: float, first: Ints | None
    ) -> Siting:
        """The exact answer and the greedy one beside it.

        Parameters
        ----------
        problem : str
            Its name.
        chosen, first : ndarray of int
            Columns of candidates.
        worth : callable
            The objective of everything that is open then.
        apart : float
            How far the bound lies from what is chosen.
        """
        spent = self.clock.spent
        told = self._told(problem, "exact", chosen, worth)
        bound = told.objective + apart
        beside = None
        if first is not None:
            beside = replace(self._told(problem, "greedy", first, worth), bound=bound, seconds=self.clock.marked)
        return replace(told, bound=bound, seconds=spent, greedy=beside)

    def _told(self, problem: str, method: str, chosen: Ints, worth: Callable[[Ints], float]) -> Siting:
        at = np.sort(np.append(self.columns[chosen], self.standing))
        ids, whole = self.field.sites[self.columns[chosen]], self.reach
        own = whole.sites.isin(ids)
        costs = pd.Series(whole.cost[own], whole.sites[own], dtype=float)
        value = worth(at)
        served = self.served(at)
        return Siting(problem, method, costs.index, value, value, costs, costs[:0], served, 0.0)

    def served(self, at: Ints) -> pd.DataFrame:
        """Everybody in need to the nearest of the open columns, in the order of the caller."""
        site, seconds = self.field.nearest(at)
        order = self.field.origins.get_indexer(self.reach.origins)
        order = order[(site[order] >= 0) & (self.field.persons[order] > 0)]
        table = {
            "origin": self.field.origins[order].to_numpy(),
            "site": self.field.sites[site[order]].to_numpy(),
            "people": self.field.persons[order],
            "seconds": seconds[order],
        }
        return pd.DataFrame(table)
