"""The one door to the solver: a mixed-integer program, a limit in seconds, and a bound that holds when it strikes."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import csr_array, vstack

from circle15.siting.records import EQUAL

if TYPE_CHECKING:
    from circle15.siting.records import Floats, Ints, Mask

OPTIMAL, STOPPED, INFEASIBLE = 0, 1, 2  # of scipy
LARGEST_COST = (
    1e3  # costs are scaled to this, so that absolute tolerances mean little; whole ones tell more as they are
)
TRUSTED = 1e-6  # of the objective: the solver's arithmetic is no better, so what it calls optimal is held to this
HALF = 0.5
TINY = 1e-300  # instead of a cost of nothing, to divide by


@dataclass(frozen=True)
class Program:
    """Minimise cost @ x, where low <= matrix @ x <= high and least <= x <= most; `whole` are 0 or 1."""

    cost: Floats
    matrix: csr_array
    low: Floats
    high: Floats
    least: Floats
    most: Floats
    whole: Mask


class Solved(NamedTuple):
    """Values, or none; a bound that holds in any case; whether nothing keeps the conditions; whether it is proven."""

    x: Floats | None
    bound: float
    infeasible: bool = False
    proven: bool = False

    def bound_on(self, value: float, *others: float) -> float:
        """The bound beside an answer that is worth so much: the value itself where nothing better exists.

        Parameters
        ----------
        value : float
            Of the answer, by our own arithmetic.
        *others : float
            Bounds known from elsewhere.
        """
        bound = max(self.bound, *others)
        close = TRUSTED if self.proven else EQUAL
        return value if bound >= value - close * max(1.0, abs(value)) else bound


class Limits(NamedTuple):
    """What may be built: so many sites, for so much; infinite for no bound."""

    sites: float = np.inf
    budget: float = np.inf

    def hold(self, cost: Floats, chosen: Ints) -> bool:
        """Whether a choice keeps them."""
        return len(chosen) <= self.sites and bool(cost[chosen].sum() <= self.most)

    @property
    def most(self) -> float:
        """The budget, with what adding up may lose."""
        return self.budget * (1 + EQUAL)

    def allow(self, cost: Floats, *, spent: float, built: int) -> Mask:
        """Columns that can be built besides."""
        return (spent + cost <= self.most) & (built < self.sites)

    def rows(self, cost: Floats, width: int) -> tuple[csr_array, Floats]:
        """Rows of a program of so many columns, the first of which are the sites, and their upper ends."""
        stated = [(each, end) for each, end in ((np.ones(len(cost)), self.sites), (cost, self.budget)) if end < np.inf]
        table = np.zeros((len(stated), width))
        for row, (each, _) in enumerate(stated):
            table[row, : len(cost)] = each
        return csr_array(table), np.array([end for _, end in stated])


class Clock:
    """Seconds spent and left."""

    def __init__(self, limit_s: float) -> None:
        self.start, self.limit_s, self.marked = time.perf_counter(), limit_s, 0.0

    def mark(self) -> None:
        """Note when the greedy answer stood, once."""
        self.marked = self.marked or self.spent

    @property
    def spent(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self.start

    @property
    def left(self) -> float:
        """Seconds until the limit, never below 0."""
        return max(0.0, self.limit_s - self.spent)


def solve(program: Program, clock: Clock, *, known: float = np.inf) -> Solved:
    """Solve a program by its linear relaxation, by what that rules out, and by branch and bound (HiGHS).

    With a good answer at hand, the relaxation's reduced costs fix most of the 0-1 values before the search begins
    (Dantzig, Fulkerson and Johnson 1954).

    Parameters
    ----------
    program : Program
        What is asked.
    clock : Clock
        When to stop.
    known : float
        The objective of an answer at hand; only better ones are looked for.

    Returns
    -------
    Solved
        The bound is at most the least objective, whatever stopped the search, and `known` where nothing better exists.
        Values that were not proven to be best are the solver's word only: evaluate them.
    """
    if not clock.left:
        return Solved(None, -np.inf)
    largest = float(np.abs(program.cost).max(initial=0.0))
    scale = 1.0 if (program.cost == np.round(program.cost)).all() else LARGEST_COST / largest
    scaled = replace(program, cost=program.cost * scale)
    best = known * scale
    relaxed = _relaxed(scaled, clock) if (program.least < program.most).any() else Solved(None, -np.inf)
    if relaxed.infeasible:
        return relaxed
    if np.isfinite(best):
        slack = EQUAL * max(1.0, abs(best))
        if relaxed.bound >= best - slack:
            return Solved(None, known, proven=True)
        if relaxed.x is not None:
            scaled = _fixed(scaled, relaxed.x, best - relaxed.bound + slack)
    found = _searched(scaled, clock)
    if found.infeasible:
        return Solved(None, known, infeasible=not np.isfinite(known), proven=True)
    return found._replace(bound=min(max(relaxed.bound, found.bound), best) / scale)


def _narrow(matrix: csr_array) -> csr_array:
    """The same with indices of 32 bits: older solvers know no others."""
    places = matrix.indices.astype(np.int32), matrix.indptr.astype(np.int32)
    return csr_array((matrix.data, *places), shape=matrix.shape)


def shares(cost: Floats, matrix: csr_array, high: Floats) -> Floats:
    """The x of at least 0 for which matrix @ x <= high and cost @ x is least; all costs are below 0."""
    rows = _narrow(matrix)
    found = linprog(cost, A_ub=rows, b_ub=high, bounds=(0, None), method="highs")  # type: ignore[call-overload]
    values: Floats = np.maximum(found.x, 0.0)
    return values


def _relaxed(program: Program, clock: Clock) -> Solved:
    """The reduced costs without whole numbers, as `x`, and the bound."""
    sides = ((program.matrix, program.high), (-program.matrix, -program.low))
    rows, ends = zip(*((matrix[np.isfinite(end)], end[np.isfinite(end)]) for matrix, end in sides), strict=True)
    found = linprog(  # type: ignore[call-overload]  # its stubs know no sparse matrix
        program.cost,
        A_ub=_narrow(vstack(rows, format="csr")),
        b_ub=np.concatenate(ends),
        bounds=np.column_stack([program.least, program.most]),
        method="highs",
        options={"time_limit": clock.left},
    )
    if found.status == INFEASIBLE:
        return Solved(None, np.inf, infeasible=True)
    if found.status != OPTIMAL:
        return Solved(None, -np.inf)
    return Solved(found.lower.marginals + found.upper.marginals, float(found.fun))


def _fixed(program: Program, reduced: Floats, gap: float) -> Program:
    """0-1 values that would cost more than the gap if they were otherwise."""
    most = np.where(program.whole & (reduced > gap), program.least, program.most)
    least = np.where(program.whole & (reduced < -gap), program.most, program.least)
    return replace(program, least=least, most=most)


def _searched(program: Program, clock: Clock) -> Solved:
    """Branch and bound on what is not fixed; the gap it may leave is none."""
    open_ = program.least < program.most
    rest = program.matrix[:, open_]
    settled = program.matrix @ np.where(open_, 0.0, program.least)
    fixed_cost = float(program.cost[~open_] @ program.least[~open_])
    if not open_.any():
        kept = bool(((settled >= program.low - TRUSTED) & (settled <= program.high + TRUSTED)).all())
        return Solved(program.least if kept else None, fixed_cost, infeasible=not kept, proven=kept)
    found = milp(
        program.cost[open_],
        integrality=program.whole[open_].astype(int),
        bounds=Bounds(program.least[open_], program.most[open_]),
        constraints=LinearConstraint(_narrow(rest), program.low - settled, program.high - settled),
        options={"time_limit": clock.left, "mip_rel_gap": 0.0},
    )
    if found.status == INFEASIBLE:
        return Solved(None, np.inf, infeasible=True)
    bound = found.mip_dual_bound
    bound = -np.inf if bound is None or not np.isfinite(bound) else float(bound) + fixed_cost
    if found.x is None:
        return Solved(None, bound)
    values = program.least.astype(float)
    values[open_] = found.x
    return Solved(values, bound, proven=found.status == OPTIMAL)
