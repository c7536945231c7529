"""How unequally something is spread, and how far those are who lack it: over values by origin and the people there.

People weigh: an origin of 200 counts as two of 100 with the same value, exactly. A value that is missing is *unknown*
and stays out together with its people; `known_share` says of how many people one speaks. Where there is nobody, or
where nobody has anything, there is no figure: NaN.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from circle15.errors import CutoffError, Finding, quoted
from circle15.measures.weights import numbers, problems, refuse
from circle15.tables import STATUSES, limit_s

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

BEST_OFF, WORST_OFF = 0.1, 0.4  # shares of the people that Palma (2011) compares


def known_share(values: pd.Series, population: pd.Series) -> float:
    """Share of the people whose value is known; to be told beside every figure of this page.

    Parameters
    ----------
    values : Series of float
        By origin; missing where it is unknown.
    population : Series of float
        By origin.

    Returns
    -------
    float
        From 0 to 1; NaN where there is nobody.

    Raises
    ------
    DataError
        With all that is wrong with the two.

    Examples
    --------
    >>> known_share(pd.Series({"a": 5.0, "b": None}), pd.Series({"a": 300, "b": 100}))
    0.75
    """
    inside = values.replace(np.inf, 0.0) if isinstance(values, pd.Series) else values  # beyond the search is known
    refuse(_findings(inside, population))
    return _mean(values.notna().to_numpy(), numbers(population, values.index))


def covered_share(seconds: pd.Series, population: pd.Series, *, minutes: float, search_minutes: float) -> float:
    """Share of the people who have it within the cut-off: Σ P_i 1[t_i <= T] / Σ P_i.

    Parameters
    ----------
    seconds : Series of float
        To the nearest, by origin, as `nearest` gives them: infinite where none was found within the search, missing
        where it is unknown.
    population : Series of float
        By origin.
    minutes : float
        T, inclusive.
    search_minutes : float
        How far was searched.

    Returns
    -------
    float
        From 0 to 1, of the people of whom it is known; NaN where there are none. It is 1 - FGT 0.

    Raises
    ------
    DataError
        With all that is wrong with seconds and people.
    CutoffError
        When T is not above 0, or beyond what was searched.

    Examples
    --------
    >>> seconds = pd.Series({"a": 600.0, "b": 901.0, "c": float("inf"), "d": None})
    >>> covered_share(seconds, pd.Series({"a": 300, "b": 50, "c": 50, "d": 999}), minutes=15, search_minutes=30)
    0.75
    """
    walk, people = _walks(seconds, population, minutes=minutes, search_minutes=search_minutes)
    return _mean(walk <= limit_s(minutes), people)


def fgt(seconds: pd.Series, population: pd.Series, *, power: int, minutes: float, search_minutes: float) -> float:
    """How many lack it (0), how far they are (1), and with the farthest weighing most (2).

    The measures of Foster, Greer and Thorbecke with the standard T in place of the poverty line. Who walks longer falls
    short by (t_i - T) / T: half as far again is 0.5. FGT_a = Σ P_i 1[t_i > T] ((t_i - T) / T)^a / Σ P_i. Unlike a lack
    of income it has no upper bound.

    Where nothing was found within the search, all that is known is that it is farther: such people count in full in
    FGT 0, and in FGT 1 and 2 with the shortfall at the end of the search, so that both are *lower bounds*. Compare two
    figures only if the search went equally far.

    Parameters
    ----------
    seconds : Series of float
        To the nearest, by origin, as `nearest` gives them: infinite where none was found within the search, missing
        where it is unknown.
    population : Series of float
        By origin.
    power : {0, 1, 2}
        The exponent a.
    minutes : float
        T, inclusive.
    search_minutes : float
        How far was searched.

    Returns
    -------
    float
        0 or more; NaN where there is nobody of whom it is known.

    Raises
    ------
    DataError
        With all that is wrong with seconds and people, or when the power is another.
    CutoffError
        When T is not above 0, or beyond what was searched.

    References
    ----------
    Foster, Greer and Thorbecke (1984).

    Examples
    --------
    >>> seconds = pd.Series({"a": 900.0, "b": 1350.0, "c": float("inf"), "d": None})
    >>> people = pd.Series({"a": 50, "b": 30, "c": 20, "d": 999})
    >>> [fgt(seconds, people, power=power, minutes=15, search_minutes=30) for power in (0, 1, 2)]
    [0.5, 0.35, 0.275]
    """
    wrong = [] if power in (0, 1, 2) else [Finding("power", f"it is {power}", "Give 0, 1 or 2")]
    walk, people = _walks(seconds, population, minutes=minutes, search_minutes=search_minutes, found=wrong)
    cutoff_s = limit_s(minutes)
    short = np.minimum(walk, limit_s(search_minutes)) / cutoff_s - 1
    return _mean(np.where(walk > cutoff_s, short**power, 0.0), people)


def gini(values: pd.Series, population: pd.Series) -> float:
    """Gini coefficient: Σ_i Σ_k P_i P_k ``|x_i - x_k|`` / (2 mean (Σ P)²).

    Parameters
    ----------
    values : Series of float
        By origin, 0 or more, of which more is better; missing where it is unknown.
    population : Series of float
        By origin.

    Returns
    -------
    float
        0 where all have the same; towards 1 where one has it all.

    Raises
    ------
    DataError
        With all that is wrong with the two.

    References
    ----------
    Gini (1912).

    Examples
    --------
    >>> gini(pd.Series({"a": 1, "b": 3}), pd.Series({"a": 300, "b": 100}))
    0.25
    """
    value, people, rank = _known(values, population)
    return _concentration(value, people, rank=rank)


def concentration_index(values: pd.Series, population: pd.Series, *, ranking: pd.Series) -> float:
    """Concentration index: Gini's figure with the people lined up by something else than the values.

    Parameters
    ----------
    values : Series of float
        By origin, 0 or more, of which more is better; missing where it is unknown.
    population : Series of float
        By origin.
    ranking : Series of float
        By origin: what the people are lined up by, such as the share of older residents. Who is equal in it stands
        together, in no order.

    Returns
    -------
    float
        Above 0 where those who stand high in the ranking have more, below 0 where they have less.

    Raises
    ------
    DataError
        With all that is wrong with the three.

    References
    ----------
    Kakwani, Wagstaff and van Doorslaer (1997).

    Examples
    --------
    >>> values, people = pd.Series({"a": 1, "b": 2, "c": 3, "d": 4}), pd.Series({"a": 1, "b": 1, "c": 1, "d": 1})
    >>> concentration_index(values, people, ranking=values), concentration_index(values, people, ranking=-values)
    (0.25, -0.25)
    """
    value, people, rank = _known(values, population, ranking)
    return _concentration(value, people, rank=rank)


def theil_t(values: pd.Series, population: pd.Series) -> float:
    """Theil's T: Σ P_i (x_i / mean) ln(x_i / mean) / Σ P_i.

    Parameters
    ----------
    values : Series of float
        By origin, 0 or more, of which more is better; missing where it is unknown.
    population : Series of float
        By origin.

    Returns
    -------
    float
        0 where all have the same; at most the logarithm of the number of people.

    Raises
    ------
    DataError
        With all that is wrong with the two.

    References
    ----------
    Theil (1967).

    Examples
    --------
    >>> four = pd.Series({"a": 1, "b": 1, "c": 1, "d": 1})
    >>> round(theil_t(pd.Series({"a": 1, "b": 2, "c": 3, "d": 4}), four), 6)
    0.10644
    """
    value, people, _ = _known(values, population)
    mean = _mean(value, people)
    if not mean > 0:
        return math.nan
    ratio = value / mean
    return _mean(ratio * np.log(np.where(ratio > 0, ratio, 1.0)), people)


def palma_like(values: pd.Series, population: pd.Series) -> float:
    """Mean of the best-off tenth of the people over that of the worst-off four tenths, *ranked by the value itself*.

    Palma compared shares of income, and studies of access rank people by income; open data tell no incomes here. An
    origin across the border of a tenth counts with a part of its people.

    Parameters
    ----------
    values : Series of float
        By origin, 0 or more, of which more is better; missing where it is unknown.
    population : Series of float
        By origin.

    Returns
    -------
    float
        1 where all have the same; infinite where the worst-off four tenths have nothing.

    Raises
    ------
    DataError
        With all that is wrong with the two.

    References
    ----------
    After Palma (2011); as a ratio of means in Pereira and Herszenhut's R package accessibility.

    Examples
    --------
    >>> round(palma_like(pd.Series({"a": 1, "b": 2, "c": 6}), pd.Series({"a": 40, "b": 50, "c": 10})), 9)
    6.0
    """
    value, people, rank = _known(values, population)
    if not people @ value > 0:
        return math.nan
    share, had = _lorenz(value, people, rank=rank)
    worst = np.interp(WORST_OFF, share, had) / WORST_OFF
    best = (1 - np.interp(1 - BEST_OFF, share, had)) / BEST_OFF
    return float(best / worst) if worst > 0 else math.inf


def categories_met(status: pd.DataFrame) -> pd.DataFrame:
    """Count the categories that are met, lacking and unknown at each origin.

    Parameters
    ----------
    status : DataFrame of str
        Origins by category: `served`, `gap` or `unknown`, as `category_status` gives them.

    Returns
    -------
    DataFrame of int
        By origin: `served`, `gap` and `unknown`, which sum to the number of categories. At least `served` and at most
        `served` + `unknown` are met.

    Raises
    ------
    DataError
        When an origin occurs twice, or a cell holds another word.

    Examples
    --------
    >>> status = pd.DataFrame({"health": ["served", "gap"], "green": ["served", "unknown"]}, index=["a", "b"])
    >>> categories_met(status).to_dict("index")
    {'a': {'served': 2, 'gap': 0, 'unknown': 0}, 'b': {'served': 0, 'gap': 1, 'unknown': 1}}
    """
    twice = status.index[status.index.duplicated()].unique()
    known = status.isin(STATUSES)
    found = []
    if len(twice):
        problem = f"{len(twice):,} ids occur more than once (first: {quoted(twice)})"
        found.append(Finding("status", problem, "Make every id unique"))
    if not known.to_numpy().all():
        other = pd.unique(status.to_numpy()[~known.to_numpy()])
        found.append(Finding("status", f"it holds {quoted(other)}", f"Allowed are {', '.join(STATUSES)}"))
    refuse(found)
    return pd.DataFrame({state: (status == state).sum(axis=1) for state in STATUSES}, index=status.index)


def _findings(values: pd.Series, population: pd.Series, *, name: str = "values") -> list[Finding]:
    """What is wrong with values that may be unknown, and with the people there."""
    if not isinstance(values, pd.Series):
        return problems(name, values, pd.Index([]))
    found = problems(name, values, values.index, nulls=True)
    return found + problems("population", population, values.index)


def _known(values: pd.Series, population: pd.Series, ranking: pd.Series | None = None) -> tuple[Floats, Floats, Floats]:
    """Values that are known, the people there, and what they are lined up by: the values, if nothing else."""
    found = _findings(values, population)
    if ranking is not None and isinstance(values, pd.Series):
        found += problems("ranking", ranking, values.index, least=None)
    refuse(found)
    value, people = numbers(values, values.index), numbers(population, values.index)
    rank = value if ranking is None else numbers(ranking, values.index)
    said = ~np.isnan(value)
    return value[said], people[said], rank[said]


def _walks(
    seconds: pd.Series, population: pd.Series, *, minutes: float, search_minutes: float, found: Iterable[Finding] = ()
) -> tuple[Floats, Floats]:
    """Walks that are known, infinite beyond the search, and the people there."""
    inside = seconds.replace(np.inf, 0.0) if isinstance(seconds, pd.Series) else seconds
    refuse([*_findings(inside, population, name="seconds"), *found])
    walk, people = numbers(seconds, seconds.index), numbers(population, seconds.index)
    beyond = np.isfinite(walk) & (walk > limit_s(search_minutes))
    if beyond.any():
        problem = f"{int(beyond.sum()):,} walks are longer than the search of {search_minutes:g} minutes"
        refuse([Finding("seconds", f"{problem} (first: {quoted(seconds.index[beyond])})", "Say how far was searched")])
    if not 0 < minutes <= search_minutes:
        problem = f"{minutes:g} minutes were asked of a search of {search_minutes:g} minutes"
        raise CutoffError(Finding("seconds", problem, "Ask for a cut-off above 0 and within the search"))
    said = ~np.isnan(walk)
    return walk[said], people[said]


def _mean(values: Floats | NDArray[np.bool_], people: Floats) -> float:
    """Mean over the people, NaN where there are none."""
    total = people.sum()
    return float(people @ values / total) if total > 0 else math.nan


def _lorenz(value: Floats, people: Floats, *, rank: Floats) -> tuple[Floats, Floats]:
    """The Lorenz curve: shares of the people, lined up by rank, and of all that there is; equal ranks are one step."""
    _, at = np.unique(rank, return_inverse=True)
    steps = (np.bincount(at, weights=weights) for weights in (people, people * value))
    crowd, had = (np.concatenate([[0.0], np.cumsum(step) / step.sum()]) for step in steps)
    return crowd, had


def _concentration(value: Floats, people: Floats, *, rank: Floats) -> float:
    """Twice the area between the diagonal and the Lorenz curve."""
    if not people @ value > 0:
        return math.nan
    crowd, had = _lorenz(value, people, rank=rank)
    return float(1 - np.diff(crowd) @ (had[1:] + had[:-1]))
