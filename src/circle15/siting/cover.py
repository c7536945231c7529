"""Everybody within reach of a site: the cheapest cover, whether one can be paid for, and cover twice over."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.sparse import csr_array, eye_array, hstack, vstack

from circle15.siting.nearest import Field, added, exchanged
from circle15.siting.records import EQUAL
from circle15.siting.solver import HALF, TRUSTED, Limits, Program, solve

if TYPE_CHECKING:
    from circle15.siting.records import Floats, Ints, Mask
    from circle15.siting.solver import Clock

LESS = 1e-6  # a budget smaller by this share asks for a cheaper cover
MOST_COMPARED, MOST_KEPT = 1_000_000_000, 30_000_000  # of sets held against each other: steps, and pairs in memory
ANYTHING = Limits()
BY_ANY = 1e6  # how much more a row counts that has no cover than one that lacks a second


class Cover(NamedTuple):
    """Columns, none where nothing was found, and a bound on their worth: infinite where there is nothing to find."""

    chosen: Ints | None
    bound: float


def cheapest_cover(member: csr_array, cost: Floats, clock: Clock) -> tuple[Cover, Ints]:
    """The columns that cover every row for least, or the best come by within the time, and the greedy ones.

    Location set covering (Toregas, Swain, ReVelle and Bergman 1971).

    Parameters
    ----------
    member : csr_array, shape (rows, columns)
        A stored entry: the column covers the row. Every row has one.
    cost : ndarray, shape (columns,)
        Of each column.
    clock : Clock
        When to stop.

    Returns
    -------
    cover : Cover
    greedy : ndarray of int
    """
    first = greedy_cover(member, cost)
    clock.mark()
    known = float(cost[first].sum())
    found = _below(member, cost, known, clock)
    chosen = first if found.chosen is None else found.chosen
    bound = found.bound
    if (cost == np.round(cost)).all():  # then so is what any cover costs
        bound = float(np.ceil(bound - TRUSTED * max(1.0, bound)))
    return Cover(chosen, bound), first


def fitting_cover(member: csr_array, cost: Floats, limits: Limits, clock: Clock) -> Cover:
    """Columns that cover every row and keep the limits; none, and a finite bound, where the time was too short.

    Of the greedy cover, else of the cheapest one below the limit, which is found sooner than any that fits.
    """
    first = greedy_cover(member, cost)
    if limits.hold(cost, first):
        return Cover(first, 0.0)
    by_number = np.isinf(limits.budget)
    each, most = (np.ones(len(cost)), limits.sites) if by_number else (cost, limits.budget)
    besides = ANYTHING if by_number else limits._replace(budget=np.inf)
    found = _below(member, each, most + LESS * max(1.0, most), clock, limits=besides)
    fits = found.chosen is not None and limits.hold(cost, found.chosen)
    return Cover(found.chosen if fits else None, np.inf if found.bound > most * (1 + EQUAL) else 0.0)


def _below(member: csr_array, cost: Floats, known: float, clock: Clock, *, limits: Limits = ANYTHING) -> Cover:
    """The cheapest cover, when only cheaper ones than what is known are looked for; none where there is none."""
    rows, columns = undominated(member, cost)
    kept = member[rows][:, columns]
    found = solve(_cover_program(kept, cost[columns], limits), clock, known=known)
    best = None
    if found.x is not None:
        other = np.sort(columns[found.x > HALF])
        if covers(member, other) and limits.hold(cost, other) and cost[other].sum() < known:
            best, known = other, float(cost[other].sum())
    return Cover(best, found.bound_on(known, _shared_out(kept, cost[columns])))


def covers(member: csr_array, chosen: Ints) -> bool:
    """Whether some columns cover every row."""
    return bool((np.diff(member[:, chosen].indptr) > 0).all())


def greedy_cover(member: csr_array, cost: Floats) -> Ints:
    """Most rows for its cost at each step (Chvatal 1979); what is not needed is taken out; cheaper ones are sought.

    A cheaper cover is sought as the most that a smaller budget covers.
    """
    values = csr_array((np.zeros(len(member.indices)), member.indices, member.indptr), shape=member.shape)
    ones = np.ones(member.shape[0])
    field = Field.of(values, ones, ones, cost=cost)
    best = _needed(field, added(field, np.array([], dtype=np.int64), per_cost=True))
    while len(best):
        less = field.limited(Limits(budget=float(cost[best].sum()) * (1 - LESS)))
        _, second, which = field.two_best(best)
        lost = np.bincount(which, field.weight * second, minlength=len(best))
        other = exchanged(less, np.delete(best, int(np.argmin(lost))))
        if field.total(other) > EQUAL or not cost[other].sum() < cost[best].sum():
            break
        best = _needed(field, other)
    return best


def _needed(field: Field, chosen: Ints) -> Ints:
    """Without the sites that nobody needs, the dearest first."""
    for column in chosen[np.argsort(-field.cost[chosen], kind="stable")]:
        fewer = chosen[chosen != column]
        if field.total(fewer) <= EQUAL:
            chosen = fewer
    return chosen


def undominated(member: csr_array, cost: Floats) -> tuple[Ints, Ints]:
    """Rows and columns that decide, the others being left out until nothing changes; exact.

    A row is covered with another one whose choice is part of its own; a column is not needed beside one that covers as
    much and costs no more. Of equals the first stays.
    """
    rows, columns = np.arange(member.shape[0]), np.arange(member.shape[1])
    while True:
        kept = member[rows][:, columns]
        outer = _holding(kept, np.zeros(len(rows)))[1]
        kept = kept[~outer]
        inner = _holding(csr_array(kept.T), cost[columns])[0]
        rows, columns = rows[~outer], columns[~inner]
        if not outer.any() and not inner.any():
            return rows, columns


def _holding(sets: csr_array, cost: Floats) -> tuple[Mask, Mask]:
    """Which rows lie in another one that costs no more, and which hold another one; of equals, all but the first."""
    size = np.diff(sets.indptr)
    none = np.zeros(len(size), dtype=bool)
    per_column = np.bincount(sets.indices, minlength=sets.shape[1])
    steps = float(per_column.astype(float) @ per_column)
    if steps > MOST_COMPARED or min(steps, float(len(size)) ** 2) > MOST_KEPT:
        return none, none.copy()
    ones = csr_array((np.ones(len(sets.indices)), sets.indices, sets.indptr), shape=sets.shape)
    both = (ones @ ones.T).tocoo()
    one, other = both.coords
    inside = (both.data == size[one]) & (one != other) & (cost[other] <= cost[one])
    equal = (size[one] == size[other]) & (cost[one] == cost[other])
    inner, outer = none, none.copy()
    inner[one[inside & (~equal | (one > other))]] = True
    outer[other[inside & (~equal | (one < other))]] = True
    inner[size == 0] = True
    return inner, outer


def _shared_out(member: csr_array, cost: Floats) -> float:
    """A bound without a solver: each column's cost shared among its rows, each row asking the least share."""
    share = (cost / np.maximum(np.bincount(member.indices, minlength=len(cost)), 1))[member.indices]
    return float(np.minimum.reduceat(share, member.indptr[:-1]).sum()) if len(share) else 0.0


def _cover_program(member: csr_array, cost: Floats, limits: Limits) -> Program:
    ends, most = limits.rows(cost, len(cost))
    ones = csr_array((np.ones(len(member.indices)), member.indices, member.indptr), shape=member.shape)
    return Program(
        cost=cost,
        matrix=vstack([ones, ends], format="csr"),
        low=np.append(np.ones(member.shape[0]), np.full(len(most), -np.inf)),
        high=np.append(np.full(member.shape[0], np.inf), most),
        least=np.zeros(len(cost)),
        most=np.ones(len(cost)),
        whole=np.ones(len(cost), dtype=bool),
    )


# -------------------------------------------------------------------------------------------------------------- backup


class Twice(NamedTuple):
    """Rows to be covered once, and twice if possible.

    `member` as above; `there`: how often each row is covered already; `weight` of a second cover; `cost`, `limits`.
    """

    member: csr_array
    there: Ints
    weight: Floats
    cost: Floats
    limits: Limits

    def times(self, chosen: Ints) -> Ints:
        """How often each row is covered."""
        times: Ints = self.there + np.diff(self.member[:, chosen].indptr)
        return times

    def once(self, chosen: Ints) -> bool:
        """Whether every row is covered and the limits are kept."""
        return bool((self.times(chosen) > 0).all()) and self.limits.hold(self.cost, chosen)

    def total(self, chosen: Ints) -> float:
        """The weight covered twice."""
        return float(self.weight @ (self.times(chosen) > 1))


def greedy_twice(asked: Twice) -> Ints:
    """First whoever has none, then whoever has one, most weight first; then exchanges as long as one helps."""
    chosen, columns = np.array([], dtype=np.int64), csr_array(asked.member.T)
    ones = csr_array((np.ones(len(columns.indices)), columns.indices, columns.indptr), shape=columns.shape)
    first, second = np.full(len(asked.weight), BY_ANY * asked.weight.max(initial=0.0)), asked.weight

    def worth(times: Ints) -> Floats:
        return first * (times > 0) + second * (times > 1)

    while True:
        base = worth(asked.times(chosen))
        gain = np.asarray(ones @ (worth(asked.times(chosen) + 1) - base))
        gain[~asked.limits.allow(asked.cost, spent=float(asked.cost[chosen].sum()), built=len(chosen))] = 0.0
        gain[chosen] = 0.0
        if gain.max(initial=0.0) > EQUAL * base.sum():
            chosen = np.append(chosen, int(np.argmax(gain)))
            continue
        best = (EQUAL * max(1.0, base.sum()), -1, -1)
        for place in range(len(chosen)):
            fewer = np.delete(chosen, place)
            left = asked.times(fewer)
            change = np.asarray(ones @ (worth(left + 1) - worth(left))) + worth(left).sum() - base.sum()
            change[~asked.limits.allow(asked.cost, spent=float(asked.cost[fewer].sum()), built=len(fewer))] = -np.inf
            change[chosen] = -np.inf
            column = int(np.argmax(change))
            best = (float(change[column]), place, column) if change[column] > best[0] else best
        if best[1] < 0:
            return np.sort(chosen)
        chosen = np.append(np.delete(chosen, best[1]), best[2])


def most_twice(asked: Twice, clock: Clock) -> tuple[Cover, Ints | None]:
    """The columns that cover every row and most weight twice (BACOP1, Hogan and ReVelle 1986), and the greedy ones.

    The bound is minus infinite where the limits do not suffice for every row.
    """
    first = greedy_twice(asked)
    clock.mark()
    known = asked.total(first) if asked.once(first) else -np.inf
    settled = asked.there > 1
    open_ = ~settled
    wide, high = len(asked.cost), int(open_.sum())
    ends, most = asked.limits.rows(asked.cost, wide + high)
    member = asked.member[open_]
    ones = csr_array((np.ones(len(member.indices)), member.indices, member.indptr), shape=member.shape)
    matrix = hstack([ones, -eye_array(high, format="csr")], format="csr")
    program = Program(
        cost=np.append(np.zeros(wide), -asked.weight[open_]),
        matrix=vstack([matrix, ends], format="csr"),
        low=np.append(1.0 - asked.there[open_], np.full(len(most), -np.inf)),
        high=np.append(np.full(high, np.inf), most),
        least=np.zeros(wide + high),
        most=np.ones(wide + high),
        whole=np.arange(wide + high) < wide,
    )
    constant = float(asked.weight[settled].sum())
    found = solve(program, clock, known=constant - known)
    if found.infeasible:
        return Cover(None, -np.inf), None
    best = start = first if np.isfinite(known) else None
    if found.x is not None:
        other = np.flatnonzero(found.x[:wide] > HALF)
        if asked.once(other) and asked.total(other) > known:
            best, known = other, asked.total(other)
    twice = np.bincount(asked.member.tocoo().coords[0], minlength=len(asked.weight)) + asked.there > 1
    bound = found._replace(bound=found.bound - constant).bound_on(-known, -float(asked.weight @ twice))
    return Cover(best, -bound), start


# -------------------------------------------------------------------------------------------------------------- centre


class Radius(NamedTuple):
    """Columns, none where no choice was found, the farthest that anybody has then, and a bound on that."""

    chosen: Ints | None
    radius: float
    bound: float


def least_radius(
    seconds: csr_array, there: Floats, cost: Floats, limits: Limits, clock: Clock
) -> tuple[Radius, Radius]:
    """The columns with the farthest row nearest, and the greedy ones.

    By halving the list of distances and asking for a cover each time (Minieka 1970), rather than by a program of the
    distances themselves, whose relaxation is weak.

    Parameters
    ----------
    seconds : csr_array, shape (rows, columns)
        Stored entries are within reach.
    there : ndarray, shape (rows,)
        Seconds to the nearest facility that stands; infinite for none.
    cost, limits, clock
        Of the columns, of what may be built, of the search.

    Returns
    -------
    exact, greedy : Radius
        The bound is infinite where the limits do not suffice for anything.
    """
    own = np.minimum(there, np.minimum.reduceat(np.append(seconds.data, np.inf), seconds.indptr[:-1]))
    own = np.where(np.diff(seconds.indptr) > 0, own, there)
    steps = np.unique(np.append(seconds.data, there[np.isfinite(there)]))
    steps = steps[steps >= own.max(initial=0.0)]

    def farthest(chosen: Ints) -> float:
        near = seconds[:, chosen].tocoo()
        best = there.copy()
        np.minimum.at(best, near.coords[0], near.data)
        return float(best.max(initial=0.0))

    def within(limit: float) -> csr_array:
        pairs = seconds[there > limit].tocoo()
        kept = pairs.data <= limit
        return csr_array((pairs.data[kept], tuple(axis[kept] for axis in pairs.coords)), shape=pairs.shape)

    def halved(low: int, best: Ints | None, *, greedy: bool) -> Radius:
        high = len(steps) if best is None else int(np.searchsorted(steps, farthest(best)))
        while low < high and (clock.left or (greedy and best is None)):
            middle = (low + high) // 2 if high < len(steps) else len(steps) - 1
            member = within(float(steps[middle]))
            if greedy:
                rough = greedy_cover(member, cost)
                found = Cover(rough, 0.0) if limits.hold(cost, rough) else Cover(None, np.inf)
            else:
                found = fitting_cover(member, cost, limits, clock)
            if found.chosen is not None:
                best, high = found.chosen, min(middle, int(np.searchsorted(steps, farthest(found.chosen))))
            elif np.isfinite(found.bound):
                break
            else:
                low = middle + 1
        radius = np.inf if best is None else farthest(best)
        return Radius(best, radius, radius if low >= high else float(steps[low]))

    nothing = np.array([], dtype=np.int64)
    first = halved(0, nothing if np.isfinite(there).all() else None, greedy=True)
    clock.mark()
    exact = halved(0, first.chosen, greedy=False)
    return exact, first._replace(bound=exact.bound)
