"""How much a walk still counts: decays as values, stated in minutes, called with seconds."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from circle15.errors import DataError, Finding
from circle15.tables import limit_s

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]


class Decay(ABC):
    """How much a walk still counts: from 1 next door down to 0, and 0 beyond `minutes`.

    Every decay has an end, so that no answer depends on how far the times happened to be computed. Another one is a
    class with `minutes` and `weight`.

    Examples
    --------
    >>> @dataclass(frozen=True)
    ... class Linear(Decay):
    ...     minutes: float
    ...
    ...     def weight(self, minutes):
    ...         return 1 - minutes / self.minutes
    >>> Linear(20)([0, 300, 1200, 1200.1]).tolist()
    [1.0, 0.75, 0.0, 0.0]
    """

    minutes: float  # a walk counts up to here, inclusive

    @abstractmethod
    def weight(self, minutes: Floats) -> Floats:
        """The weight of walks in minutes, none of which is longer than `self.minutes`."""

    def __call__(self, seconds: ArrayLike) -> Floats:
        """The weight of each walk.

        Parameters
        ----------
        seconds : array_like
            Walks, 0 or longer; a missing one has no weight, which is not the weight 0.

        Returns
        -------
        ndarray of float
            From 0 to 1.
        """
        walk = np.asarray(seconds, dtype=float)
        within = walk <= limit_s(self.minutes)
        weight = np.where(np.isnan(walk), np.nan, 0.0)
        weight[within] = self.weight(walk[within] / 60)
        return weight


@dataclass(frozen=True)
class Cutoff(Decay):
    """All or nothing: 1 up to the cut-off, inclusive; the catchment of 2SFCA (Luo and Wang 2003).

    Parameters
    ----------
    minutes : float
        The cut-off.

    Raises
    ------
    DataError
        When it is not above 0.

    Examples
    --------
    >>> Cutoff(15)([0, 900, 900.1]).tolist()
    [1.0, 1.0, 0.0]
    """

    minutes: float

    def __post_init__(self) -> None:
        """Refuse what is no cut-off."""
        _claim("cut-off", _ends(self.minutes))

    def weight(self, minutes: Floats) -> Floats:
        """1."""
        return np.ones_like(minutes)


@dataclass(frozen=True)
class Steps(Decay):
    """One weight up to each of several limits, inclusive: the zones of E2SFCA (Luo and Qi 2009).

    Parameters
    ----------
    steps : iterable of (minutes, weight)
        In rising minutes; weights from 1 to 0 that do not rise. Luo and Qi used 1, 0.68 and 0.22 (slow decay) or 1,
        0.42 and 0.09 (fast) for 10, 20 and 30 minutes of driving.

    Raises
    ------
    DataError
        With every step that is not one.

    Examples
    --------
    >>> slow = Steps([(10, 1), (20, 0.68), (30, 0.22)])
    >>> slow([0, 600, 601, 1200, 1800, 1801]).tolist()
    [1.0, 1.0, 0.68, 0.68, 0.22, 0.0]
    >>> slow.minutes
    30.0
    """

    steps: Iterable[tuple[float, float]]
    minutes: float = field(init=False, repr=False, default=0.0)

    def __post_init__(self) -> None:
        """Refuse what is no row of steps."""
        steps = tuple((float(minutes), float(weight)) for minutes, weight in self.steps)
        limits, weights = [one[0] for one in steps], [one[1] for one in steps]
        rising = all(low < high for low, high in pairwise([0.0, *limits])) and math.inf not in limits
        falling = all(near >= far >= 0 for near, far in pairwise([1.0, *weights]))
        _claim(
            "decay steps",
            (len(steps) > 0, "there is none", "Give pairs of minutes and weight"),
            (rising, f"the minutes {limits} do not rise from above 0", "Give each limit once, in rising order"),
            (falling, f"the weights {weights} do not fall from at most 1 to at least 0", "Nearer counts no less"),
        )
        object.__setattr__(self, "steps", steps)
        object.__setattr__(self, "minutes", limits[-1])

    def weight(self, minutes: Floats) -> Floats:
        """The weight of the first limit that a walk is within."""
        limits, weights = np.array(self.steps).T
        within = np.searchsorted([limit_s(one) / 60 for one in limits], minutes)
        return np.append(weights, 0.0)[within]


@dataclass(frozen=True)
class Exponential(Decay):
    """e^(-b t): the decay of most gravity models.

    Parameters
    ----------
    per_minute : float
        b, per minute: 0.1 halves the weight every 6.9 minutes.
    minutes : float
        Where it ends; keyword only.

    Raises
    ------
    DataError
        When a number is not above 0.

    Examples
    --------
    >>> Exponential(0.1, minutes=60)([0, 600]).round(4).tolist()
    [1.0, 0.3679]
    """

    per_minute: float
    minutes: float = field(kw_only=True)

    def __post_init__(self) -> None:
        """Refuse what is no decay."""
        _claim("exponential decay", _above_zero("per_minute", self.per_minute), _ends(self.minutes))

    def weight(self, minutes: Floats) -> Floats:
        """e^(-b t)."""
        weight: Floats = np.exp(-self.per_minute * minutes)
        return weight


@dataclass(frozen=True)
class Gaussian(Decay):
    """(e^(-(t/T)²/2) - e^(-1/2)) / (1 - e^(-1/2)): from 1 down to 0 at T (Dai 2010).

    Parameters
    ----------
    minutes : float
        T: a walk of exactly T is within it and has the weight 0.

    Raises
    ------
    DataError
        When it is not above 0.

    Examples
    --------
    >>> Gaussian(15)([0, 450, 900]).round(4).tolist()
    [1.0, 0.7014, 0.0]
    """

    minutes: float

    def __post_init__(self) -> None:
        """Refuse what is no decay."""
        _claim("Gaussian decay", _ends(self.minutes))

    def weight(self, minutes: Floats) -> Floats:
        """The normal curve, lowered and stretched so that it ends at 0."""
        least = math.exp(-0.5)
        curve: Floats = np.exp(-0.5 * (minutes / self.minutes) ** 2)
        return np.clip((curve - least) / (1 - least), 0.0, 1.0)


@dataclass(frozen=True)
class Logistic(Decay):
    """Level, then falling, then level: the S of Bauer and Groneberg (2016), 1 at no distance.

        (1 + e^(-h π / (s √3))) / (1 + e^((t - h) π / (s √3)))

    Parameters
    ----------
    half_minutes : float
        h, where it has fallen by half.
    sd_minutes : float
        s, how gently it falls.
    minutes : float
        Where it ends; keyword only.

    Raises
    ------
    DataError
        When a number is not above 0.

    Examples
    --------
    >>> Logistic(20, 2, minutes=60)([0, 1200]).round(4).tolist()
    [1.0, 0.5]
    """

    half_minutes: float
    sd_minutes: float
    minutes: float = field(kw_only=True)

    def __post_init__(self) -> None:
        """Refuse what is no decay."""
        above = (_above_zero(name, getattr(self, name)) for name in ("half_minutes", "sd_minutes"))
        _claim("logistic decay", *above, _ends(self.minutes))

    def weight(self, minutes: Floats) -> Floats:
        """The curve, over itself at 0."""
        steep = math.pi / (self.sd_minutes * math.sqrt(3))
        highest = np.logaddexp(0.0, -self.half_minutes * steep)
        weight: Floats = np.exp(highest - np.logaddexp(0.0, (minutes - self.half_minutes) * steep))
        return weight


def _claim(where: str, *claims: tuple[bool, str, str]) -> None:
    """Raise one error with every claim that does not hold."""
    found = [Finding(where, problem, mend) for holds, problem, mend in claims if not holds]
    if found:
        raise DataError(*found)


def _above_zero(name: str, number: float) -> tuple[bool, str, str]:
    return 0 < number < math.inf, f"{name} is {number:g}", "Give a number above 0"


def _ends(minutes: float) -> tuple[bool, str, str]:
    return _above_zero("minutes", minutes)
