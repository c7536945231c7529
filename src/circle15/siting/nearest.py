"""Few sites, everybody to the nearest: the arithmetic of maximal covering and p-median, which are one problem.

Every origin costs its weight times the value of its nearest site, or of what it has otherwise. For the p-median values
are seconds; for maximal covering a site within reach is worth 0 and none is worth 1.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.sparse import csr_array, vstack

from circle15.siting.records import EQUAL
from circle15.siting.solver import HALF, TINY, Limits, Program, solve

if TYPE_CHECKING:
    from circle15.siting.records import Floats, Ints, Mask
    from circle15.siting.solver import Clock

MOST_STEPS = 1000  # of the relaxation
STALLED, FORGETS, TOO_SHORT = 20, 0.7, 5e-3  # steps without gain before one is halved; memory of directions; the end
MOST_SHAKES, SHAKEN_PAIRS = 100, 20_000_000
WORTH_SHAKING = 1e-3  # of the bound: a narrower gap is left to the program
GAIN = 1e-5  # of the gap: less does not count as gain
AIM = 0.005  # how far beyond the best known answer a step aims


@dataclass(frozen=True)
class Field:
    """Arrays of one problem, column by column as in a compressed sparse matrix.

    Parameters
    ----------
    start, row, value : ndarray
        Of column `j`: rows `row[start[j]:start[j + 1]]`, all better there than `other`, and their values.
    weight, other : ndarray, shape (rows,)
        What a row counts, and the value it has without any site.
    must : ndarray of bool, shape (rows,)
        Rows that have to be served; `other` is a forbidding value then.
    cost : ndarray, shape (columns,)
        Of each site.
    limits : Limits
        What may be built.
    """

    start: Ints
    row: Ints
    value: Floats
    weight: Floats
    other: Floats
    must: Mask
    cost: Floats
    limits: Limits = field(default_factory=Limits)

    @classmethod
    def of(cls, values: csr_array, weight: Floats, other: Floats, *, cost: Floats, must: Mask | None = None) -> Field:
        """Rows with one and the same choice are added up, and pairs that help nobody are left out; both are exact."""
        must = np.zeros(len(weight), dtype=bool) if must is None else must
        weight, other, cost = (np.asarray(part, dtype=np.float64) for part in (weight, other, cost))
        pairs = values.tocoo()
        row, column = pairs.coords
        helps = (pairs.data < other[row]) & (weight[row] > 0)
        sorted_ = np.lexsort((column[helps], row[helps]))
        row, column = (part[helps][sorted_] for part in (row, column))
        value = np.asarray(pairs.data, dtype=np.float64)[helps][sorted_]
        ends = np.searchsorted(row, np.arange(len(weight) + 1))
        merged: dict[tuple[bytes, bytes, float], int] = {}
        first = np.arange(len(weight))
        for at in np.flatnonzero(weight > 0):
            own = slice(ends[at], ends[at + 1])
            key = column[own].tobytes(), value[own].tobytes(), float(other[at])
            first[at] = merged.setdefault(key, int(at))
        kept = np.array(sorted(merged.values()), dtype=np.int64)
        number = np.full(len(weight), -1)
        number[kept] = np.arange(len(kept))
        summed: Floats = np.bincount(number[first[weight > 0]], weight[weight > 0], minlength=len(kept)).astype(
            np.float64
        )
        one = number[row] >= 0
        by_column = np.flatnonzero(one)[np.argsort(column[one], kind="stable")]
        start = np.searchsorted(column[by_column], np.arange(len(cost) + 1))
        return cls(start, number[row[by_column]], value[by_column], summed, other[kept], must[kept], cost)

    @cached_property
    def column(self) -> Ints:
        """The column of each pair."""
        return np.repeat(np.arange(len(self.cost)), np.diff(self.start))

    def limited(self, limits: Limits) -> Field:
        """The same, when so much may be built."""
        return replace(self, limits=limits)

    def open_besides(self, chosen: Ints) -> Mask:
        """Columns that can be built besides."""
        return self.limits.allow(self.cost, spent=float(self.cost[chosen].sum()), built=len(chosen))

    def gains(self, best: Floats) -> Floats:
        """What each column takes off, when rows have these values."""
        return self.per_column(self.weight[self.row] * np.maximum(best[self.row] - self.value, 0.0))

    def two_best(self, chosen: Ints) -> tuple[Floats, Floats, Ints]:
        """Of each row the best and the second best value, and which of the chosen is the best: -1 for none."""
        best, second, which = self.other.copy(), self.other.copy(), np.full(len(self.weight), -1)
        for place, column in enumerate(chosen):
            own = slice(self.start[column], self.start[column + 1])
            rows, value = self.row[own], self.value[own]
            held = best[rows]
            wins = value < held
            second[rows] = np.minimum(np.maximum(held, value), second[rows])
            best[rows[wins]], which[rows[wins]] = value[wins], place
        return best, second, which

    def total(self, chosen: Ints) -> float:
        """Weighted values of all rows."""
        return float(self.weight @ self.two_best(chosen)[0])

    def serves(self, chosen: Ints) -> bool:
        """Whether nobody is left out who must not be."""
        return bool((self.two_best(chosen)[2] >= 0)[self.must].all())

    def per_column(self, amounts: Floats) -> Floats:
        """Amounts of pairs, added up by column."""
        return np.bincount(self.column, amounts, minlength=len(self.cost)).astype(np.float64)


# -------------------------------------------------------------------------------------------------------------- greedy


def greedy(field: Field) -> Ints:
    """The better of: most gain at each step, most gain for its cost at each step, the best single site; with exchanges.

    Without costs this is within 1 - 1/e of the best gain (Nemhauser, Wolsey and Fisher 1978); with costs within
    1 - 1/sqrt(e) (Khuller, Moss and Naor 1999). Ties go to the first column.

    Returns
    -------
    ndarray of int
        Columns, in rising order.
    """
    nothing = np.array([], dtype=np.int64)
    ways = (False, True) if np.isfinite(field.limits.budget) else (False,)
    return exchanged(field, min((added(field, nothing, per_cost=way) for way in ways), key=field.total))


def added(field: Field, chosen: Ints, *, per_cost: bool = False) -> Ints:
    """More sites, one by one, as long as one helps and can be paid; the first of the plain way is the best single."""
    best = field.two_best(chosen)[0]
    while True:
        gain = field.gains(best)
        gain[~field.open_besides(chosen)] = 0.0
        gain[gain <= EQUAL * float(field.weight @ best)] = 0.0
        if not gain.any():
            return np.sort(chosen)
        column = int(np.argmax(gain / np.maximum(field.cost, TINY) if per_cost else gain))
        chosen = np.append(chosen, column)
        own = slice(field.start[column], field.start[column + 1])
        best[field.row[own]] = np.minimum(best[field.row[own]], field.value[own])


def exchanged(field: Field, chosen: Ints) -> Ints:
    """One site for another as long as that helps, the best exchange first (Teitz and Bart 1968).

    All exchanges are valued in one pass over the pairs (Resende and Werneck 2007): what the new site gains, less what
    the old one leaves behind, and what the new one takes over of that.
    """
    chosen = added(field, chosen)
    row, weight = field.row, field.weight[field.row]
    while len(chosen):
        best, second, which = field.two_best(chosen)
        gain = field.gains(best)
        held = which >= 0
        loss = np.bincount(which[held], (field.weight * (second - best))[held], minlength=len(chosen))
        takes = (which[row] >= 0) & (field.value < second[row])
        over = weight * (second[row] - np.maximum(field.value, best[row]))
        place = which[row[takes]] * len(field.cost) + field.column[takes]
        taken = np.bincount(place, over[takes], minlength=len(chosen) * len(field.cost))
        profit = gain[None] - loss[:, None] + taken.reshape(len(chosen), -1)
        for out in range(len(chosen)):
            profit[out, ~field.open_besides(np.delete(chosen, out))] = -np.inf
        profit[:, chosen] = -np.inf
        swap, column = np.unravel_index(int(np.argmax(profit)), profit.shape)
        if not profit[swap, column] > EQUAL * max(1.0, float(field.weight @ best)):
            break
        chosen = added(field, np.append(np.delete(chosen, swap), column))
    return chosen


def shaken(field: Field, chosen: Ints, *, clock: Clock) -> Ints:
    """Some sites torn out, others put in by gain and by chance, then exchanges; kept where that is better.

    A variable neighbourhood search (Hansen and Mladenovic 1997): two sites at first, one more each time in vain. Chance
    is the same on every run.
    """
    chance = np.random.default_rng(0)
    best, known, torn = chosen, field.total(chosen), 2
    for _ in range(min(MOST_SHAKES, SHAKEN_PAIRS // max(1, len(field.row)))):
        if len(best) < 2 or not clock.left:  # noqa: PLR2004  one site alone is left to exchanges
            break
        out = chance.choice(len(best), min(torn, len(best)), replace=False)
        left = np.delete(best, out)
        gain = field.gains(field.two_best(left)[0])
        gain[best] = 0.0
        gain[~field.open_besides(left)] = 0.0
        if not gain.any():
            continue
        share = gain**2 / (gain**2).sum()
        other = exchanged(field, np.append(left, chance.choice(len(gain), p=share)))
        total = field.total(other)
        better = total < known - EQUAL * abs(known)
        best, known, torn = (other, total, 2) if better else (best, known, torn % len(best) + 1)
    return best


# ---------------------------------------------------------------------------------------------------------- relaxation


class Relaxed(NamedTuple):
    """What a Lagrangian relaxation proves and finds.

    `bound`: no choice is worth less. `price` of each row: what being served may cost it. `merit` of each column: what
    building it would add to the bound; below 0, what leaving it out would add. `chosen`: the best choice come by.
    """

    bound: float
    price: Floats
    merit: Floats
    chosen: Ints


def relaxation(field: Field, chosen: Ints, clock: Clock) -> Relaxed:
    """A bound that holds, by letting go of "everybody has one site" at a price (Cornuejols, Fisher and Nemhauser 1977).

    Prices follow the subgradient, whose direction remembers the last ones (Camerini, Fratta and Maffioli 1975), with
    steps as in Held, Wolfe and Crowder (1974). The sites that pay best at some prices are a choice like any other, and
    the best one of them is kept.

    Parameters
    ----------
    field : Field
        The problem.
    chosen : ndarray of int
        A choice to begin with.
    clock : Clock
        When to stop; the bound holds at any time.

    Returns
    -------
    Relaxed
    """
    cap = field.weight * field.other
    best, second, _ = field.two_best(chosen)
    price, direction, step, stalled = field.weight * (best + second) / 2, np.zeros(len(cap)), 1.0, 0
    worth = field.weight[field.row] * field.value
    known, found = field.total(chosen), Relaxed(-np.inf, price, np.zeros(len(field.cost)), chosen)
    for _ in range(MOST_STEPS):
        saved = np.minimum(worth - price[field.row], 0.0)
        at, bound, merit = _cheapest(field, field.per_column(saved))
        bound += float(price.sum())
        total = field.total(at)
        if total < known:
            known, found = total, found._replace(chosen=at)
        stalled = 0 if bound > found.bound + GAIN * max(known - found.bound, 0.0) else stalled + 1
        if bound > found.bound:
            found = found._replace(bound=bound, price=price, merit=merit)
        if stalled > STALLED:
            step, stalled, price, direction = step / 2, 0, found.price, np.zeros(len(cap))
        served = np.zeros(len(field.cost))
        served[at] = 1.0
        slope = 1.0 - np.bincount(field.row, (saved < 0) * served[field.column], minlength=len(cap))
        slope[(price >= cap) & (slope > 0)] = 0.0
        direction = slope + FORGETS * direction
        length = float(direction @ direction)
        if step < TOO_SHORT or length == 0 or known - found.bound <= EQUAL * abs(known) or not clock.left:
            break
        price = np.clip(price + step * (known + AIM * abs(known) - bound) / length * direction, 0.0, cap)
    return found


def _cheapest(field: Field, saved: Floats) -> tuple[Ints, float, Floats]:
    """The columns that save most within what may be built, a bound on that, and what each column would add to it."""
    order = np.argsort(saved, kind="stable")
    charge, bound = np.zeros(len(saved)), float(np.minimum(saved, 0.0).sum())
    taken = order[saved[order] < 0]
    limits = ((np.ones(len(saved)), field.limits.sites), (field.cost, field.limits.budget))
    for each, limit in limits:
        if not np.isfinite(limit):
            continue
        order = np.argsort(saved / np.maximum(each, TINY), kind="stable")
        order = order[saved[order] < 0]
        used = np.cumsum(each[order])
        within = used <= limit * (1 + EQUAL)
        full = int(within.sum())
        rate = 0.0 if full == len(order) else float(saved[order[full]] / max(each[order[full]], TINY))
        charged = rate * each  # what a unit of the limit is worth, for each column
        value = rate * limit + float(np.minimum(saved - charged, 0.0).sum())
        if value >= bound:
            bound, charge = value, charged
        if full < len(taken):
            taken = order[:full]
    kept = (np.cumsum(field.cost[taken]) <= field.limits.most) & (np.arange(len(taken)) < field.limits.sites)
    taken = taken[kept]
    return np.sort(taken), bound, saved - charge


# --------------------------------------------------------------------------------------------------------------- exact


class Answer(NamedTuple):
    """Columns chosen exactly and greedily, and a bound: no choice is worth less."""

    chosen: Ints
    greedy: Ints
    bound: float


def fewest(field: Field, clock: Clock) -> Answer:
    """The choice that is worth least, or the best come by within the time.

    Greedy, then the relaxation, whose bound rules out most columns and far-off pairs, then the program of what is left.

    Parameters
    ----------
    field : Field
        The problem.
    clock : Clock
        When to stop.

    Returns
    -------
    Answer
        The bound is infinite where not every row that must be served can be.
    """
    first = greedy(field)
    clock.mark()
    relaxed = relaxation(field, first, clock)
    options = [first, relaxed.chosen]
    if not clock.left:  # what follows takes longest where the bound is weak
        return Answer(min(options, key=field.total), first, relaxed.bound)
    if field.total(relaxed.chosen) - relaxed.bound > WORTH_SHAKING * abs(relaxed.bound):
        options.append(shaken(field, exchanged(field, relaxed.chosen), clock=clock))
    best = min(options, key=field.total)
    known = field.total(best) if field.serves(best) else np.inf
    if np.isfinite(known) and known - relaxed.bound <= EQUAL * max(1.0, abs(known)):
        return Answer(best, first, known)
    gap = known - relaxed.bound + EQUAL * max(1.0, abs(known)) if np.isfinite(known) else np.inf
    program, constant = _program(field, relaxed, gap)
    found = solve(program, clock, known=known - constant)
    if found.infeasible:
        return Answer(best, first, np.inf)
    if found.x is not None:
        other = np.flatnonzero(found.x[: len(field.cost)] > HALF)
        if field.limits.hold(field.cost, other) and field.serves(other) and field.total(other) < known:
            best, known = other, field.total(other)
    return Answer(best, first, found._replace(bound=found.bound + constant).bound_on(known, relaxed.bound))


def _program(field: Field, relaxed: Relaxed, gap: float) -> tuple[Program, float]:
    """The radius formulation (Garcia, Labbe and Marin 2011) of what the gap leaves open, and what it costs in any case.

    A row pays for each step from one value to the next within which no site is built. For maximal covering this is the
    usual program: one step, paid by those who are not covered.
    """
    radius = (relaxed.price + gap) / field.weight
    must = field.must | (field.other > radius)
    closed, opened = relaxed.merit > gap, relaxed.merit < -gap
    kept = (field.value <= radius[field.row]) & ~closed[field.column]
    order = np.lexsort((field.value[kept], field.row[kept]))
    row, value, column = (part[kept][order] for part in (field.row, field.value, field.column))
    starts = np.flatnonzero(np.append(True, (np.diff(row) != 0) | (np.diff(value) != 0))[: len(row)])
    level = np.cumsum(np.bincount(starts, minlength=len(row))[: len(row)]) - 1
    of, at = row[starts], value[starts]
    first = np.append(True, np.diff(of) != 0)[: len(of)]
    last = np.append(np.diff(of) != 0, True)[: len(of)]
    following = np.where(last, field.other[of], np.append(at[1:], 0.0)[: len(at)])
    paid = ~(last & must[of])  # whoever must be served cannot pay for the last step
    width, number = len(field.cost), np.cumsum(paid) - 1
    step = width + number
    rows = [level, np.flatnonzero(paid), np.flatnonzero(~first)]
    columns = [column, step[paid], step[np.flatnonzero(~first) - 1]]
    signs = np.concatenate([np.ones(len(level) + int(paid.sum())), -np.ones(int((~first).sum()))])
    shape = (len(of), width + int(paid.sum()))
    matrix = csr_array((signs, (np.concatenate(rows), np.concatenate(columns))), shape=shape)
    low = first.astype(float)
    alone = np.ones(len(field.weight), dtype=bool)
    alone[of] = False
    if (alone & must).any():  # nobody may serve them: nothing is better than what is known
        matrix, low = vstack([matrix, csr_array((1, shape[1]))], format="csr"), np.append(low, 1.0)
    constant = float(field.weight[of[first]] @ at[first] + field.weight[alone & ~must] @ field.other[alone & ~must])
    limits, ends = field.limits.rows(field.cost, shape[1])
    program = Program(
        cost=np.append(np.zeros(width), (field.weight[of] * (following - at))[paid]),
        matrix=vstack([matrix, limits], format="csr"),
        low=np.append(low, np.full(len(ends), -np.inf)),
        high=np.append(np.full(matrix.shape[0], np.inf), ends),
        least=np.append(opened.astype(float), np.zeros(shape[1] - width)),
        most=np.append(~closed, np.ones(shape[1] - width)).astype(float),
        whole=np.arange(shape[1]) < width,
    )
    return program, constant
