"""What is asked and what is answered: who could be served from where, which sites were chosen, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.sparse import coo_array, csr_array

from circle15.display import Card, Shown
from circle15.errors import DataError, Finding, quoted
from circle15.tables import TICKS_PER_SECOND, TravelTimes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

WHERE = "siting"
EVERYBODY = "all"  # the group of people who are not told apart
PAIRS = ["origin", "facility", "seconds"]
EQUAL = 1e-9  # of the objective: closer than this, two values are one


@dataclass(frozen=True, repr=False)
class Reach(Shown):
    """Who could be served from where, how far that is, and what a site costs.

    Made by `reach`; a sparse matrix of one's own goes in directly.

    Parameters
    ----------
    seconds : csr_array, shape (origins, sites)
        A stored entry is within reach, 0 included; an entry that is not stored is out of reach.
    origins, sites : Index
        Unique ids. Sites are candidates and facilities that stand already.
    people : DataFrame
        Persons in need: one row per origin, one column per group.
    weights : ndarray, shape (groups,)
        What one person of each group counts.
    cost : ndarray, shape (sites,)
        Of building there; nothing where a facility stands.
    standing : ndarray of bool, shape (sites,)
        Facilities that are there already and stay.
    """

    seconds: csr_array
    origins: pd.Index
    sites: pd.Index
    people: pd.DataFrame
    weights: Floats
    cost: Floats
    standing: Mask

    @property
    def need(self) -> Floats:
        """People in need at each origin, every group by its weight."""
        need: Floats = self.people.to_numpy(dtype=float) @ self.weights
        return need

    @property
    def persons(self) -> Floats:
        """Persons in need at each origin of every group that counts at all, each as one."""
        persons: Floats = self.people.to_numpy(dtype=float) @ (self.weights > 0)
        return persons

    @property
    def candidates(self) -> pd.Index:
        """Where something can be built."""
        return self.sites[~self.standing]

    def _card(self) -> Card:
        seen = np.diff(self.seconds.indptr) > 0
        persons = self.persons
        facts = [
            ("居住点 origins", len(self.origins)),
            ("待服务人口 people in need", float(persons.sum())),
            ("候选点 candidates", len(self.candidates)),
            ("已有设施 standing", int(self.standing.sum())),
            ("可及人口 of them in reach of any site", float(persons[seen].sum())),
            (
                "组别 groups",
                ", ".join(f"{group} × {weight:g}" for group, weight in zip(self.people, self.weights, strict=True)),
            ),
        ]
        return Card("Reach", f"{len(self.origins):,} × {len(self.sites):,}, {self.seconds.nnz:,} pairs", facts=facts)

    def by_id(self) -> Reach:
        """The same in the order of ids, so that no answer hangs on the order of anybody's rows."""
        rows, columns = (np.argsort(ids.astype(str).to_numpy(), kind="stable") for ids in (self.origins, self.sites))
        return Reach(
            self.seconds[rows][:, columns],
            self.origins[rows],
            self.sites[columns],
            self.people.iloc[rows],
            self.weights,
            self.cost[columns],
            self.standing[columns],
        )

    def nearest(self, sites: Ints) -> tuple[Ints, Floats]:
        """The nearest of some sites to each origin: its column, -1 for none, and the seconds, infinite then."""
        chosen = self.seconds[:, np.sort(sites)].tocoo()
        order = np.lexsort((chosen.coords[1], chosen.data, chosen.coords[0]))
        rows, first = np.unique(chosen.coords[0][order], return_index=True)
        site, seconds = np.full(len(self.origins), -1), np.full(len(self.origins), np.inf)
        site[rows] = np.sort(sites)[chosen.coords[1][order][first]]
        seconds[rows] = chosen.data[order][first]
        return site, seconds


def reach(
    times: TravelTimes | pd.DataFrame,
    people: pd.Series | pd.DataFrame,
    *,
    cutoff_minutes: float | None = None,
    weights: Mapping[str, float] | None = None,
    costs: pd.Series | None = None,
    existing: TravelTimes | pd.DataFrame | None = None,
) -> Reach:
    """Put together what every siting question starts from.

    Parameters
    ----------
    times : TravelTimes or DataFrame
        From origins to candidates; of one's own: columns origin, facility, seconds, one row for each pair in reach.
    people : Series or DataFrame
        Persons in need by origin id: in all, or one column per group. Only these origins are asked about. Leave out
        who is served already and of whom it is unknown, or let `existing` find who is served.
    cutoff_minutes : float, optional
        Who is farther away is not served; inclusive. Without it, whatever is in `times` counts.
    weights : mapping of str to float, optional
        What one person of each group counts; 1 where it does not say.
    costs : Series, optional
        Of building, by candidate id; 1 each otherwise.
    existing : TravelTimes or DataFrame, optional
        To the facilities that are there already and stay.

    Returns
    -------
    Reach

    Raises
    ------
    DataError
        With every finding: ids that repeat or are unknown; people, weights, costs or seconds that are missing or below
        zero.
    CutoffError
        When more minutes are asked of the times than were computed.

    Examples
    --------
    >>> pairs = pd.DataFrame({"origin": ["A", "B"], "facility": ["X", "X"], "seconds": [0.0, 901.0]})
    >>> found = reach(pairs, pd.Series({"A": 10.0, "B": 5.0}), cutoff_minutes=15)
    >>> found.seconds.nnz, found.need.tolist(), found.candidates.tolist()
    (1, [10.0, 5.0], ['X'])
    """
    counted = people.to_frame(EVERYBODY) if isinstance(people, pd.Series) else people
    origins = counted.index
    tables = [_Pairs.of(one, origins, cutoff_minutes) for one in (times, existing) if one is not None]
    findings = [one for table in tables for one in table.findings]
    sites = tables[0].sites.append([table.sites for table in tables[1:]])
    standing = np.arange(len(sites)) >= len(tables[0].sites)
    findings += _repeated(sites, "site") + _repeated(origins, "origin")
    by_group = pd.Series(dict(weights or {}), dtype=float)
    others = by_group.index.difference(counted.columns)
    if len(others):
        mend = f"Known are: {quoted(counted.columns)}"
        findings.append(Finding(WHERE, f"a weight is given for {quoted(others)}, which is no group", mend))
    weight = np.asarray(by_group.reindex(counted.columns).fillna(1.0), dtype=np.float64)
    cost = np.where(standing, 0.0, 1.0)
    if costs is not None and not findings:
        findings += _repeated(costs.index, "cost") or _absent(sites[~standing], costs.index, "candidates", "no cost")
        cost[~standing] = 0.0 if findings else costs.reindex(sites[~standing]).to_numpy(dtype=float)
        findings += _not_amounts(cost, "costs")
    findings += _not_amounts(counted.to_numpy(dtype=float), "numbers of people") + _not_amounts(weight, "weights")
    if findings:
        raise DataError(*findings)
    table = pd.concat([one.table for one in tables], ignore_index=True)
    row, column = (of.get_indexer(pd.Index(table[name])) for of, name in ((origins, PAIRS[0]), (sites, PAIRS[1])))
    matrix = coo_array((table["seconds"].to_numpy(dtype=float), (row, column)), shape=(len(origins), len(sites)))
    return Reach(csr_array(matrix), origins, sites, counted, weight, cost, standing)


@dataclass(frozen=True)
class _Pairs:
    """Pairs within the cut-off, every site there is, and what is wrong."""

    table: pd.DataFrame
    sites: pd.Index
    findings: list[Finding]

    @classmethod
    def of(cls, times: TravelTimes | pd.DataFrame, origins: pd.Index, minutes: float | None) -> _Pairs:
        where = "travel times"
        if isinstance(times, TravelTimes):
            times.require(minutes or 0.0)
            table, sites = times.pairs(), times.facility_ids
            findings = _absent(origins, times.origin_ids, "origins", "no travel times")
        else:
            missing = [name for name in PAIRS if name not in times.columns]
            if missing:
                raise DataError(
                    Finding(where, f"column {quoted(missing)} is missing", f"Give all of: {', '.join(PAIRS)}")
                )
            table, sites = times[PAIRS], pd.Index(times["facility"].unique())
            findings = _not_amounts(times["seconds"].to_numpy(dtype=float), "seconds")
            twice = int(times.duplicated(PAIRS[:2]).sum())
            if twice:
                findings.append(Finding(where, f"{twice:,} pairs occur more than once", "Keep the shortest of each"))
        if minutes is not None:
            ticks = np.round(table["seconds"].to_numpy(dtype=float) * TICKS_PER_SECOND)
            table = table[ticks <= np.round(minutes * 60 * TICKS_PER_SECOND)]
        return cls(table[table["origin"].isin(origins)], sites, findings)


def _repeated(ids: pd.Index, word: str) -> list[Finding]:
    twice = ids[ids.duplicated()].unique()
    problem = f"{len(twice):,} ids of a {word} occur more than once (first: {quoted(twice)})"
    return [Finding(WHERE, problem, "Make every id unique")] if len(twice) else []


def _absent(ids: pd.Index, known: pd.Index, word: str, what: str) -> list[Finding]:
    absent = ids.difference(known, sort=False)
    problem = f"{len(absent):,} of {len(ids):,} {word} have {what} (first: {quoted(absent)})"
    return [Finding(WHERE, problem, "Give one for each, or leave them out")] if len(absent) else []


def _not_amounts(values: Floats, word: str) -> list[Finding]:
    bad = int((~np.isfinite(values) | (values < 0)).sum())
    return [Finding(WHERE, f"{bad:,} {word} are not numbers of at least 0", "Mend them")] if bad else []


@dataclass(frozen=True, repr=False)
class Siting(Shown):
    """The sites chosen, what they do, and how sure it is that nothing better exists.

    Parameters
    ----------
    problem : str
        set covering, maximal covering, capacitated covering, backup covering, p-median, p-centre or service complex.
    method : {"exact", "greedy"}
        Exact: a branch-and-bound search with `limit_s` to finish in; greedy: step by step, with exchanges.
    chosen : Index or MultiIndex
        Candidates in the order in which they were given; of a service complex, pairs of site and service.
    objective : float
        People served (every group by its weight) for the coverings and the complex, those by existing facilities
        included; cost for set covering; weighted seconds for p-median; seconds for p-centre.
    bound : float
        No choice does better than this, by proof.
    costs, opening : Series
        Of each of the chosen; of a service complex, what the service costs there, and what opening each site costs.
    served : DataFrame
        Who is served from where: columns `origin`, `site`, `people` (persons) and `seconds`, for a complex `service`.
        Existing facilities are among the sites.
    seconds : float
        Spent by the clock.
    greedy : Siting or None
        The greedy answer beside an exact one; none where it found no feasible one.

    Examples
    --------
    >>> costs = pd.Series({"X": 3.0})
    >>> answer = Siting("maximal covering", "exact", costs.index, 90.0, 100.0, costs, costs[:0], pd.DataFrame(), 60.0)
    >>> answer.optimal, answer.gap, answer.cost
    (False, 0.1, 3.0)
    """

    problem: str
    method: str
    chosen: pd.Index
    objective: float
    bound: float
    costs: pd.Series
    opening: pd.Series
    served: pd.DataFrame
    seconds: float
    greedy: Siting | None = None

    @property
    def cost(self) -> float:
        """Of everything chosen."""
        return float(self.costs.sum() + self.opening.sum())

    @property
    def gap(self) -> float:
        """How much better another choice might be at most, as a share of the bound or, if larger, of the objective."""
        apart = abs(self.bound - self.objective)
        return apart / max(abs(self.bound), abs(self.objective)) if apart else 0.0

    @property
    def optimal(self) -> bool:
        """Whether no better choice exists, by proof."""
        return self.gap <= EQUAL

    def _card(self) -> Card:
        proof = "已证明最优 proven best" if self.optimal else f"至多再好 at most {self.gap:.2%} better"
        beside = None if self.greedy is None else self.greedy.objective
        facts = [
            ("方法 method", f"{self.method}, {self.seconds:.2f} s"),
            ("目标值 objective", self.objective),
            ("界 bound", f"{self.bound:,.6g} ({proof})"),
            ("贪心 greedy beside", beside),
            ("费用 cost", self.cost),
            ("服务人口 people served", float(self.served["people"].sum()) if "people" in self.served else None),
        ]
        keys = [key for key in ("site", "service") if key in self.served]
        people = self.served.groupby(keys)["people"].sum() if "people" in self.served else pd.Series(dtype=float)
        rows = [(_words(one), people.get(one), self.costs.get(one)) for one in self.chosen]
        head = ("选址 chosen", "服务人口 people served", "费用 cost")
        return Card("Siting", f"{self.problem}, {len(self.chosen):,} chosen", facts=facts, head=head, rows=rows)


def _words(chosen: object) -> str:
    """A site, or a site and its service."""
    return " · ".join(map(str, chosen)) if isinstance(chosen, tuple) else str(chosen)
