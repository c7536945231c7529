"""Several services in one building: who opens where, and which services go in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.sparse import csr_array, vstack

from circle15.errors import DataError, Finding, SitingError, quoted
from circle15.siting.nearest import Field
from circle15.siting.problems import LIMIT_S, Question, limits_of
from circle15.siting.records import EQUAL, WHERE, Siting
from circle15.siting.solver import HALF, TINY, Clock, Limits, Program, solve

if TYPE_CHECKING:
    from collections.abc import Mapping

    from circle15.siting.records import Floats, Ints, Mask, Reach

APART = ";"  # between the services that a site may hold
PAIR = ["site", "service"]


def service_complex(
    reaches: Mapping[str, Reach],
    candidates: pd.DataFrame,
    services: pd.DataFrame,
    *,
    sites: int | None = None,
    budget: float | None = None,
    limit_s: float = LIMIT_S,
) -> Siting:
    """Sites and the services in each that serve most people, counted for each service: a maximal covering of them all.

    A covering with several kinds of service (Schilling et al. 1979) whose sites have room and a cost of their own.

    Parameters
    ----------
    reaches : mapping of str to Reach
        By service: who needs it, how far they walk, what stands already. Costs in them are not looked at.
    candidates : DataFrame
        One row per candidate: `floor_area_m2` that is there; `cost` of opening it (0 without the column); `services`
        that it may hold, parted by semicolons (any, where it is missing or the row says nothing). `tables.CANDIDATES`.
    services : DataFrame
        One row per service: `floor_area_m2` that it takes up, `cost` of fitting it in (0 without the column).
    sites, budget, limit_s
        As for `maximal_covering`; the budget pays for opening and fitting.

    Returns
    -------
    Siting
        `chosen` are pairs of site and service, `costs` what fitting each costs, `opening` what opening each site costs.
        `objective` and `bound` are people by weight, summed over the services.

    Raises
    ------
    DataError
        With every finding: neither a number of sites nor a budget, a service or candidate that a table does not have,
        areas and costs that are missing or below 0.
    SitingError
        When no candidate within the budget can hold anything for anybody who lacks it.

    Examples
    --------
    >>> from circle15.siting import reach
    >>> times = pd.DataFrame({"origin": list("ABB"), "facility": list("XXY"), "seconds": 60.0})
    >>> people = pd.DataFrame({"canteen": [10, 20], "library": [5, 4]}, index=["A", "B"])
    >>> asked = {key: reach(times, people[key]) for key in people}
    >>> places = pd.DataFrame({"floor_area_m2": [300.0, 900.0]}, index=["X", "Y"])
    >>> needs = pd.DataFrame({"floor_area_m2": [250.0, 200.0]}, index=["canteen", "library"])
    >>> found = service_complex(asked, places, needs, sites=2)
    >>> found.chosen.tolist(), found.objective
    ([('X', 'canteen'), ('Y', 'library')], 34.0)
    """
    clock = Clock(limit_s)
    asked = Complex.of(reaches, candidates, services, limits_of(sites, budget))
    asked.require_help()
    first = asked.greedy(clock)
    clock.mark()
    held, bound = asked.fullest(first, clock)
    told = asked.told("exact", held)
    bound = told.objective + asked.total(held) - bound
    beside = replace(asked.told("greedy", first), bound=bound, seconds=clock.marked)
    return replace(told, bound=bound, seconds=clock.spent, greedy=beside)


@dataclass(frozen=True)
class Complex:
    """The arrays of it: candidates in the order of ids by services in the order given.

    Parameters
    ----------
    candidates, services : DataFrame
        The caller's tables.
    questions, fields : list
        By service: what is asked, and who is left to serve.
    sites : Index
        Candidates in the order of ids.
    area, opening : ndarray, shape (sites,)
        Room there, and the cost of opening.
    takes, fitting : ndarray, shape (services,)
        Room that a service takes up, and the cost of fitting it in.
    allowed : ndarray of bool, shape (sites, services)
        What may go where. What is chosen is a table of the same shape.
    limits : Limits
        What may be opened and spent.
    """

    candidates: pd.DataFrame
    services: pd.DataFrame
    questions: list[Question]
    fields: list[Field]
    sites: pd.Index
    area: Floats
    opening: Floats
    takes: Floats
    fitting: Floats
    allowed: Mask
    limits: Limits

    @classmethod
    def of(
        cls, reaches: Mapping[str, Reach], candidates: pd.DataFrame, services: pd.DataFrame, limits: Limits
    ) -> Complex:
        """Both tables, checked against what is asked; with every finding."""
        found = [
            one for word, table in (("candidates", candidates), ("services", services)) for one in _odd(table, word)
        ]
        unknown = [key for key in reaches if key not in services.index]
        found += [Finding("services", f"there is no row for {quoted(unknown)}", "Give one for each")] if unknown else []
        found += [] if reaches else [Finding("services", "none is asked for", "Give a reach for at least one")]
        for key, reach in reaches.items():
            absent = reach.candidates.difference(candidates.index, sort=False)
            problem = f"{len(absent):,} candidates of {key} are not in the table (first: {quoted(absent)})"
            found += [Finding("candidates", problem, "Give a row for each")] if len(absent) else []
        if found:
            raise DataError(*found)
        services = services.loc[[key for key in services.index if key in reaches]]
        ordered = candidates.iloc[np.argsort(candidates.index.astype(str).to_numpy(), kind="stable")]
        questions = [Question(reaches[key], 0.0) for key in services.index]
        area, takes = _amounts(ordered, "floor_area_m2"), _amounts(services, "floor_area_m2")
        named = ordered["services"] if "services" in ordered else pd.Series(None, ordered.index, dtype=object)
        held = [None if pd.isna(words) else {word.strip() for word in str(words).split(APART)} for words in named]
        allowed = np.array([[one is None or key in one for key in services.index] for one in held], dtype=bool)
        return cls(
            *(candidates, services, questions, [_field(one, ordered.index) for one in questions], ordered.index),
            *(area, _amounts(ordered, "cost"), takes, _amounts(services, "cost")),
            *(allowed & (takes[None] <= area[:, None] * (1 + EQUAL)), limits),
        )

    def cost(self, held: Mask) -> float:
        """Of opening and fitting."""
        return float(self.opening[held.any(axis=1)].sum() + (held * self.fitting).sum())

    def total(self, held: Mask) -> float:
        """People who are left without, summed over the services."""
        return sum(field.total(np.flatnonzero(held[:, at])) for at, field in enumerate(self.fields))

    def gains(self, held: Mask) -> Floats:
        """People whom each service would serve at each site besides."""
        best = [field.two_best(np.flatnonzero(held[:, at]))[0] for at, field in enumerate(self.fields)]
        gains = np.column_stack([field.gains(one) for field, one in zip(self.fields, best, strict=True)])
        return np.where(self.allowed & ~held, gains, 0.0)

    def require_help(self) -> None:
        """Refuse where nothing can be done for those who lack something."""
        nothing = np.zeros_like(self.allowed)
        if self.total(nothing) <= EQUAL or self._bundle(nothing, self.gains(nothing), per_cost=False) is not None:
            return
        if self.gains(nothing).any():
            problem = f"a budget of {self.limits.budget:,g} opens no site with a service that would help anybody"
            raise SitingError(Finding(WHERE, problem, "Raise it, or give cheaper candidates"))
        problem = "no candidate may hold, has room for and is within reach of anybody who lacks any of the services"
        raise SitingError(
            Finding(WHERE, problem, "Give candidates nearer to them, with more room, or a longer cut-off")
        )

    def greedy(self, clock: Clock) -> Mask:
        """Most people, or most for the cost, at each step; then one site closed at a time and the money spent anew.

        A step is a site with those of its services that are worth most together.
        """
        ways = (False, True) if np.isfinite(self.limits.budget) else (False,)
        best = min((self._filled(np.zeros_like(self.allowed), per_cost=way) for way in ways), key=self.total)
        better = True
        while better and clock.left:
            better = False
            for site in np.flatnonzero(best.any(axis=1)).tolist():
                fewer = best.copy()
                fewer[site] = False
                others = [self._filled(self._filled(fewer, per_cost=way, barred=site), per_cost=way) for way in ways]
                other = min(others, key=self.total)
                if self.total(other) < self.total(best) - EQUAL * max(1.0, self.total(best)):
                    best, better = other, True
                    break
        return best

    def _filled(self, held: Mask, *, per_cost: bool, barred: int = -1) -> Mask:
        """More bundles, one by one, as long as one helps and can be paid."""
        while True:
            gains = self.gains(held)
            if barred >= 0:
                gains[barred] = 0.0
            bundle = self._bundle(held, gains, per_cost=per_cost)
            if bundle is None:
                return held
            held = held | bundle

    def _bundle(self, held: Mask, gains: Floats, *, per_cost: bool) -> Mask | None:
        """The site, and the services in it, that gain most, for their cost or in all; none where nothing helps."""
        every, opened = np.arange(len(self.sites)), held.any(axis=1)
        room = self.area * (1 + EQUAL) - held @ self.takes
        money = self.limits.most - self.cost(held)
        enters = opened | (opened.sum() < self.limits.sites)
        order = np.argsort(-gains / np.maximum(self.fitting, TINY) if per_cost else -gains, axis=1, kind="stable")
        cost, gain, merit = np.where(opened, 0.0, self.opening), np.zeros(len(every)), np.zeros(len(every))
        member, chosen = np.zeros_like(held), np.zeros_like(held)
        for layer in order.T:
            more = gains[every, layer]
            fits = (more > EQUAL) & enters & (self.takes[layer] <= room) & (cost + self.fitting[layer] <= money)
            room, cost, gain = room - fits * self.takes[layer], cost + fits * self.fitting[layer], gain + fits * more
            member[every[fits], layer[fits]] = True
            worth = gain / np.maximum(cost, TINY) if per_cost else gain
            better = worth > merit
            merit[better], chosen[better] = worth[better], member[better]
        site = int(np.argmax(merit))
        return chosen & (every == site)[:, None] if merit[site] > 0 else None

    def fullest(self, first: Mask, clock: Clock) -> tuple[Mask, float]:
        """What leaves fewest people without, or the best come by within the time, and a bound: nothing leaves fewer."""
        useful = self.allowed & (self.gains(np.zeros_like(first)) > 0)
        program, constant = self._program(useful)
        best, known = first, self.total(first)
        found = solve(program, clock, known=known - constant)
        if found.x is not None:
            other, pairs = np.zeros_like(first), int(useful.sum())
            other[useful] = found.x[len(self.sites) : len(self.sites) + pairs] > HALF
            if self._keeps(other) and self.total(other) < known:
                best, known = other, self.total(other)
        return best, found._replace(bound=found.bound + constant).bound_on(known, constant)

    def _program(self, useful: Mask) -> tuple[Program, float]:
        """Sites open, then services in sites, then people left out; and the people whom nobody can serve."""
        site, layer = np.nonzero(useful)
        wide, pairs = useful.shape[0], len(site)
        place = np.full(useful.shape, -1)
        place[site, layer] = wide + np.arange(pairs)
        row, column, constant = [], [], 0.0
        weight: list[Floats] = []
        for at, field in enumerate(self.fields):
            helps = place[field.column, at] >= 0
            reached, number = np.unique(field.row[helps], return_inverse=True)
            row.append(number + sum(len(one) for one in weight))
            column.append(place[field.column[helps], at])
            weight.append(field.weight[reached])
            constant += float(field.weight @ field.other) - float(weight[-1].sum())
        people, whole = np.concatenate(weight), wide + pairs
        total, one, left = whole + len(people), np.arange(pairs), np.arange(len(people))

        def block(values: Floats, rows: list[Ints], columns: list[Ints], height: int) -> csr_array:
            return csr_array((values, (np.concatenate(rows), np.concatenate(columns))), shape=(height, total))

        covered = block(np.ones(sum(map(len, row)) + len(left)), [*row, left], [*column, whole + left], len(left))
        tied = block(np.repeat([1.0, -1.0], pairs), [one, one], [wide + one, site], pairs)
        share = np.append(self.takes[layer] / np.maximum(self.area[site], TINY), -np.ones(wide))
        filled = block(share, [site, np.arange(wide)], [wide + one, np.arange(wide)], wide)
        opened, most_opened = Limits(sites=self.limits.sites).rows(self.opening, total)
        paid, most_paid = Limits(budget=self.limits.budget).rows(np.append(self.opening, self.fitting[layer]), total)
        above = np.concatenate([np.zeros(pairs + wide), most_opened, most_paid])
        program = Program(
            cost=np.append(np.zeros(whole), people),
            matrix=vstack([covered, tied, filled, opened, paid], format="csr"),
            low=np.append(np.ones(len(people)), np.full(len(above), -np.inf)),
            high=np.append(np.full(len(people), np.inf), above),
            least=np.zeros(total),
            most=np.ones(total),
            whole=np.arange(total) < whole,
        )
        return program, constant

    def _keeps(self, held: Mask) -> bool:
        """Whether a choice keeps every limit and every room."""
        fits = bool((held @ self.takes <= self.area * (1 + EQUAL)).all())
        return fits and self.cost(held) <= self.limits.most and int(held.any(axis=1).sum()) <= self.limits.sites

    def told(self, method: str, held: Mask) -> Siting:
        """A choice in the words and the order of the caller; its bound is still to come."""
        table = pd.DataFrame(held, self.sites, self.services.index).loc[self.candidates.index]
        site, layer = np.nonzero(table.to_numpy())
        chosen = pd.MultiIndex.from_arrays([table.index[site], table.columns[layer]], names=PAIR)
        costs = pd.Series(self.fitting[layer], chosen, dtype=float)
        opening = pd.Series(self.opening, self.sites).loc[table.index[table.any(axis=1)]]
        served, value = [], 0.0
        for at, (key, question) in enumerate(zip(self.services.index, self.questions, strict=True)):
            own = question.field.sites.get_indexer(self.sites[held[:, at]])
            open_ = np.sort(np.append(own[own >= 0], question.standing))
            value += float(question.need @ np.isfinite(question.field.nearest(open_)[1]))
            served.append(question.served(open_).assign(service=key))
        rows = pd.concat(served, ignore_index=True)[["origin", "site", "service", "people", "seconds"]]
        return Siting("service complex", method, chosen, value, value, costs, opening, rows, 0.0)


def _field(question: Question, sites: pd.Index) -> Field:
    """Who is left to be served, over all candidates."""
    pairs = question.pairs.tocoo()
    column = sites.get_indexer(question.field.sites[question.columns])[pairs.coords[1]]
    shape = len(question.need), len(sites)
    values = csr_array((np.zeros(len(column)), (pairs.coords[0], column)), shape=shape)
    return Field.of(values, question.need, np.isinf(question.there).astype(float), cost=np.zeros(len(sites)))


def _odd(table: pd.DataFrame, word: str) -> list[Finding]:
    """What is wrong with a table of areas and costs."""
    found = []
    if not table.index.is_unique:
        twice = table.index[table.index.duplicated()].unique()
        found.append(Finding(word, f"ids occur more than once (first: {quoted(twice)})", "Make every id unique"))
    if "floor_area_m2" not in table:
        return [*found, Finding(word, "column floor_area_m2 is missing", "Give it")]
    for name in ("floor_area_m2", "cost"):
        amounts = _amounts(table, name)
        bad = ~np.isfinite(amounts) | (amounts < 0)
        if bad.any():
            problem = f"{int(bad.sum()):,} of {len(bad):,} rows have no {name} of at least 0"
            mend = "Fill them, or leave these rows out"
            found.append(Finding(word, f"{problem} (first: {quoted(table.index[bad])})", mend))
    return found


def _amounts(table: pd.DataFrame, name: str) -> Floats:
    amounts = pd.to_numeric(table[name], errors="coerce") if name in table else pd.Series(0.0, table.index)
    return np.asarray(amounts, dtype=np.float64)
