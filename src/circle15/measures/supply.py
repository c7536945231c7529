"""What is in reach, and how it is shared: nearest, opportunities, gravity and the floating catchments.

In all formulas i is an origin with P_i people, j a facility with the capacity S_j, t_ij the walk between them and
w_ij = w(t_ij) its weight: what a decay makes of it, 0 where j was not reached. A share of nothing is 0: a facility that
nobody reaches serves nobody, and its capacity is missing from every sum. An origin that could not be put on the
streets has no value, and its people make no demand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from circle15.errors import Finding
from circle15.measures.decay import Cutoff, Decay
from circle15.measures.weights import numbers, problems, refuse

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from circle15.tables import Placement, TravelTimes

    Floats = NDArray[np.float64]


def nearest(times: TravelTimes) -> pd.Series:
    """Seconds to the nearest facility: N_i = min_j t_ij.

    Parameters
    ----------
    times : TravelTimes
        To the facilities that count; `times.to(ids)` picks those of one service.

    Returns
    -------
    Series of float
        By origin. Infinite where none was found within the search, missing where the origin could not be placed.

    Raises
    ------
    DataError
        When the times cannot be counted from.

    Examples
    --------
    >>> from circle15.tables import TravelTimes
    >>> walks = pd.DataFrame({"origin": ["a", "a"], "facility": ["x", "y"], "seconds": [300.0, 120.0]})
    >>> times = TravelTimes.from_pairs(walks, origin_ids=["a", "b"], facility_ids=["x", "y"], cutoff_minutes=15)
    >>> nearest(times).to_dict()
    {'a': 120.0, 'b': inf}
    """
    refuse(times.findings())
    least = np.full(len(times.origin_ids), np.inf)
    np.minimum.at(least, _origin_of(times.seconds), times.seconds.data)
    return _by_origin(times, least, "nearest")


def k_nearest(times: TravelTimes, k: int) -> pd.Series:
    """Mean seconds to the k nearest facilities: (1/k) Σ of the k smallest t_ij.

    Parameters
    ----------
    times : TravelTimes
        To the facilities that count.
    k : int
        How many, 1 or more.

    Returns
    -------
    Series of float
        By origin. Infinite where fewer than k were found within the search, missing where the origin could not be
        placed.

    Raises
    ------
    DataError
        When the times cannot be counted from, or k is below 1.

    References
    ----------
    The mean to k places is a part of the proximity time of Bruno, Monteiro Melo, Campanelli and Loreto (2024).

    Examples
    --------
    >>> from circle15.tables import TravelTimes
    >>> walks = pd.DataFrame({"origin": ["a", "a"], "facility": ["x", "y"], "seconds": [300.0, 120.0]})
    >>> times = TravelTimes.from_pairs(walks, origin_ids=["a", "b"], facility_ids=["x", "y"], cutoff_minutes=15)
    >>> k_nearest(times, 2).to_dict()
    {'a': 210.0, 'b': inf}
    """
    wrong = [] if k >= 1 else [Finding("k", f"the {k} nearest were asked for", "Ask for 1 or more")]
    refuse([*times.findings(), *wrong])
    walk, first, count = times.seconds.data, times.seconds.indptr[:-1], np.diff(times.seconds.indptr)
    order = np.lexsort((walk, _origin_of(times.seconds)))  # by origin, then by walk
    mean = np.full(len(count), np.inf)
    mean[count >= k] = walk[order[first[count >= k, None] + np.arange(k)]].mean(axis=1)
    return _by_origin(times, mean, "k_nearest")


def cumulative(times: TravelTimes, opportunities: pd.Series, *, minutes: float) -> pd.Series:
    """Opportunities within the cut-off, inclusive: A_i = Σ_j S_j 1[t_ij <= T].

    Parameters
    ----------
    times : TravelTimes
        To the facilities that count.
    opportunities : Series of float
        By facility: capacities, areas, or 1 each to count them.
    minutes : float
        The cut-off T.

    Returns
    -------
    Series of float
        By origin; missing where the origin could not be placed.

    Raises
    ------
    DataError
        With all that is wrong with the times and the weights.
    CutoffError
        When T is beyond what was computed.

    References
    ----------
    Wickstrom (1971); Ingram (1971).

    Examples
    --------
    >>> from circle15.tables import TravelTimes
    >>> walks = pd.DataFrame({"origin": ["a", "a"], "facility": ["x", "y"], "seconds": [300.0, 900.0]})
    >>> times = TravelTimes.from_pairs(walks, origin_ids=["a"], facility_ids=["x", "y"], cutoff_minutes=20)
    >>> places = pd.Series({"x": 30, "y": 10})
    >>> [cumulative(times, places, minutes=cutoff)["a"].item() for cutoff in (4, 5, 15)]
    [0.0, 30.0, 40.0]
    """
    weight, (supply,) = _weighed(times, Cutoff(minutes), capacity=opportunities)
    return _by_origin(times, weight @ supply, "cumulative")


def gravity(times: TravelTimes, opportunities: pd.Series, *, decay: Decay) -> pd.Series:
    """Opportunities, the nearer the more: A_i = Σ_j S_j w_ij.

    Parameters
    ----------
    times : TravelTimes
        To the facilities that count.
    opportunities : Series of float
        By facility.
    decay : Decay
        The weight w of each walk.

    Returns
    -------
    Series of float
        By origin; missing where the origin could not be placed.

    Raises
    ------
    DataError
        With all that is wrong with the times and the weights.
    CutoffError
        When the decay ends beyond what was computed.

    References
    ----------
    Hansen (1959).

    Examples
    --------
    >>> from circle15.measures import Steps
    >>> from circle15.tables import TravelTimes
    >>> walks = pd.DataFrame({"origin": ["a", "a"], "facility": ["x", "y"], "seconds": [300.0, 900.0]})
    >>> times = TravelTimes.from_pairs(walks, origin_ids=["a"], facility_ids=["x", "y"], cutoff_minutes=15)
    >>> gravity(times, pd.Series({"x": 30, "y": 10}), decay=Steps([(10, 1), (15, 0.5)]))["a"].item()
    35.0
    """
    weight, (supply,) = _weighed(times, decay, capacity=opportunities)
    return _by_origin(times, weight @ supply, "gravity")


def catchment(times: TravelTimes, population: pd.Series, *, decay: Decay) -> pd.Series:
    """People who lay claim to each facility: D_j = Σ_i P_i w_ij.

    Parameters
    ----------
    times : TravelTimes
        To the facilities that count.
    population : Series of float
        By origin: residents, or one group of them.
    decay : Decay
        The weight w of each walk.

    Returns
    -------
    Series of float
        By **facility**; missing where the facility could not be placed.

    Raises
    ------
    DataError
        With all that is wrong with the times and the weights.
    CutoffError
        When the decay ends beyond what was computed.

    References
    ----------
    The denominator of Luo and Wang (2003) and of Luo and Qi (2009).

    Examples
    --------
    >>> from circle15.tables import TravelTimes
    >>> walks = pd.DataFrame({"origin": ["a", "b"], "facility": ["x", "x"], "seconds": [300.0, 900.0]})
    >>> times = TravelTimes.from_pairs(walks, origin_ids=["a", "b"], facility_ids=["x", "y"], cutoff_minutes=15)
    >>> catchment(times, pd.Series({"a": 300, "b": 200}), decay=Cutoff(15)).to_dict()
    {'x': 500.0, 'y': 0.0}
    """
    weight, (people,) = _weighed(times, decay, population=population)
    return _placed(times.facilities, times.facility_ids, people @ weight, "catchment")


def two_sfca(times: TravelTimes, capacity: pd.Series, *, population: pd.Series, minutes: float) -> pd.Series:
    """2SFCA, the two-step floating catchment: E2SFCA with a cut-off for its decay.

    First each facility shares its capacity among all people within T, R_j = S_j / Σ_{i: t_ij <= T} P_i; then each
    origin adds up what it is offered, A_i = Σ_{j: t_ij <= T} R_j.

    Parameters
    ----------
    times : TravelTimes
        To the facilities that count.
    capacity : Series of float
        By facility: seats, beds, places, square metres.
    population : Series of float
        By origin: the people whom the capacity is for.
    minutes : float
        T, inclusive.

    Returns
    -------
    Series of float
        Capacity per head by origin; missing where the origin could not be placed. Σ P_i A_i is the capacity of all
        facilities that somebody reaches.

    Raises
    ------
    DataError
        With all that is wrong with the times and the weights.
    CutoffError
        When T is beyond what was computed.

    References
    ----------
    Luo and Wang (2003), after Radke and Mu (2000).

    Examples
    --------
    >>> from circle15.tables import TravelTimes
    >>> walks = pd.DataFrame({"origin": ["a", "b"], "facility": ["x", "x"], "seconds": [300.0, 900.0]})
    >>> times = TravelTimes.from_pairs(walks, origin_ids=["a", "b"], facility_ids=["x"], cutoff_minutes=15)
    >>> two_sfca(times, pd.Series({"x": 10}), population=pd.Series({"a": 300, "b": 200}), minutes=15).to_dict()
    {'a': 0.02, 'b': 0.02}
    """
    return e2sfca(times, capacity, population=population, decay=Cutoff(minutes)).rename("two_sfca")


def e2sfca(times: TravelTimes, capacity: pd.Series, *, population: pd.Series, decay: Decay) -> pd.Series:
    """E2SFCA, the enhanced two-step floating catchment: who lives farther off claims less and is offered less.

    R_j = S_j / Σ_i P_i w_ij;  A_i = Σ_j R_j w_ij.

    Parameters
    ----------
    times : TravelTimes
        To the facilities that count.
    capacity : Series of float
        By facility.
    population : Series of float
        By origin: the people whom the capacity is for.
    decay : Decay
        w; `Steps` as published.

    Returns
    -------
    Series of float
        Capacity per head by origin; missing where the origin could not be placed. Σ P_i A_i is the capacity of all
        facilities that somebody reaches.

    Raises
    ------
    DataError
        With all that is wrong with the times and the weights.
    CutoffError
        When the decay ends beyond what was computed.

    References
    ----------
    Luo and Qi (2009).

    Examples
    --------
    >>> from circle15.measures import Steps
    >>> from circle15.tables import TravelTimes
    >>> walks = pd.DataFrame({"origin": ["a", "b"], "facility": ["x", "x"], "seconds": [300.0, 900.0]})
    >>> times = TravelTimes.from_pairs(walks, origin_ids=["a", "b"], facility_ids=["x"], cutoff_minutes=15)
    >>> people, decay = pd.Series({"a": 300, "b": 200}), Steps([(10, 1), (15, 0.5)])
    >>> e2sfca(times, pd.Series({"x": 10}), population=people, decay=decay).to_dict()
    {'a': 0.025, 'b': 0.0125}
    """
    weight, (supply, people) = _weighed(times, decay, capacity=capacity, population=population)
    return _by_origin(times, weight @ _share(supply, people @ weight), "e2sfca")


def m2sfca(times: TravelTimes, capacity: pd.Series, *, population: pd.Series, decay: Decay) -> pd.Series:
    """M2SFCA, the modified two-step floating catchment: capacity far from everyone is partly lost.

    R_j = S_j / Σ_i P_i w_ij;  A_i = Σ_j R_j w_ij².

    Parameters
    ----------
    times : TravelTimes
        To the facilities that count.
    capacity : Series of float
        By facility.
    population : Series of float
        By origin: the people whom the capacity is for.
    decay : Decay
        The weight w of each walk.

    Returns
    -------
    Series of float
        Capacity per head by origin, never above E2SFCA; missing where the origin could not be placed.

    Raises
    ------
    DataError
        With all that is wrong with the times and the weights.
    CutoffError
        When the decay ends beyond what was computed.

    References
    ----------
    Delamater (2013).

    Examples
    --------
    >>> from circle15.measures import Steps
    >>> from circle15.tables import TravelTimes
    >>> walks = pd.DataFrame({"origin": ["a", "b"], "facility": ["x", "x"], "seconds": [300.0, 900.0]})
    >>> times = TravelTimes.from_pairs(walks, origin_ids=["a", "b"], facility_ids=["x"], cutoff_minutes=15)
    >>> people, decay = pd.Series({"a": 300, "b": 200}), Steps([(10, 1), (15, 0.5)])
    >>> m2sfca(times, pd.Series({"x": 10}), population=people, decay=decay).to_dict()
    {'a': 0.025, 'b': 0.00625}
    """
    weight, (supply, people) = _weighed(times, decay, capacity=capacity, population=population)
    return _by_origin(times, _as(weight, weight.data**2) @ _share(supply, people @ weight), "m2sfca")


def three_sfca(times: TravelTimes, capacity: pd.Series, *, population: pd.Series, decay: Decay) -> pd.Series:
    """3SFCA, the three-step floating catchment: who has several facilities near by claims less of each.

    G_ij = w_ij / Σ_k w_ik;  R_j = S_j / Σ_i G_ij w_ij P_i;  A_i = Σ_j G_ij w_ij R_j.

    Parameters
    ----------
    times : TravelTimes
        To the facilities that count.
    capacity : Series of float
        By facility.
    population : Series of float
        By origin: the people whom the capacity is for.
    decay : Decay
        The weight w of each walk.

    Returns
    -------
    Series of float
        Capacity per head by origin; missing where the origin could not be placed. Σ P_i A_i is the capacity of all
        facilities that somebody reaches.

    Raises
    ------
    DataError
        With all that is wrong with the times and the weights.
    CutoffError
        When the decay ends beyond what was computed.

    References
    ----------
    Wan, Zou and Sternberg (2012).

    Examples
    --------
    >>> from circle15.tables import TravelTimes
    >>> walks = pd.DataFrame({"origin": ["a", "a", "b"], "facility": ["x", "y", "x"], "seconds": [300.0, 300.0, 300.0]})
    >>> times = TravelTimes.from_pairs(walks, origin_ids=["a", "b"], facility_ids=["x", "y"], cutoff_minutes=15)
    >>> people, beds = pd.Series({"a": 200, "b": 200}), pd.Series({"x": 6, "y": 6})
    >>> three_sfca(times, beds, population=people, decay=Cutoff(15)).to_dict()
    {'a': 0.04, 'b': 0.02}
    """
    weight, (supply, people) = _weighed(times, decay, capacity=capacity, population=population)
    claim = _as(weight, weight.data * _shares(weight, _origin_of(weight)))
    return _by_origin(times, claim @ _share(supply, people @ claim), "three_sfca")


def bfca(times: TravelTimes, capacity: pd.Series, *, population: pd.Series, decay: Decay) -> pd.Series:
    """BFCA, the balanced floating catchment: everyone is counted once, and every level of service is handed out once.

    R_j = S_j / Σ_i P_i (w_ij / Σ_k w_ik);  A_i = Σ_j R_j (w_ij / Σ_l w_lj).

    Parameters
    ----------
    times : TravelTimes
        To the facilities that count.
    capacity : Series of float
        By facility.
    population : Series of float
        By origin: the people whom the capacity is for.
    decay : Decay
        The weight w of each walk.

    Returns
    -------
    Series of float
        Level of service by origin; missing where the origin could not be placed. Σ A_i = Σ R_j; it is *not* so much
        per head that Σ P_i A_i would be the capacity.

    Raises
    ------
    DataError
        With all that is wrong with the times and the weights.
    CutoffError
        When the decay ends beyond what was computed.

    References
    ----------
    Páez, Higgins and Vivona (2019).

    Examples
    --------
    >>> from circle15.tables import TravelTimes
    >>> walks = pd.DataFrame({"origin": ["a", "a", "b"], "facility": ["x", "y", "x"], "seconds": [300.0, 300.0, 300.0]})
    >>> times = TravelTimes.from_pairs(walks, origin_ids=["a", "b"], facility_ids=["x", "y"], cutoff_minutes=15)
    >>> people, beds = pd.Series({"a": 200, "b": 200}), pd.Series({"x": 6, "y": 6})
    >>> bfca(times, beds, population=people, decay=Cutoff(15)).round(4).to_dict()
    {'a': 0.07, 'b': 0.01}
    """
    weight, (supply, people) = _weighed(times, decay, capacity=capacity, population=population)
    of_origin, of_facility = (_as(weight, _shares(weight, at)) for at in (_origin_of(weight), weight.indices))
    return _by_origin(times, of_facility @ _share(supply, people @ of_origin), "bfca")


def spatial_availability(times: TravelTimes, capacity: pd.Series, *, population: pd.Series, decay: Decay) -> pd.Series:
    """Spatial availability: the whole capacity of each facility, divided among those who reach it.

    V_i = Σ_j S_j F_ij, with F_ij in proportion to P_i and to w_ij / Σ_l w_lj, and Σ_i F_ij = 1 for every j.

    Parameters
    ----------
    times : TravelTimes
        To the facilities that count.
    capacity : Series of float
        By facility.
    population : Series of float
        By origin: the people whom the capacity is for.
    decay : Decay
        The weight w of each walk.

    Returns
    -------
    Series of float
        Capacity by origin, *not* per head; missing where the origin could not be placed. Σ V_i is the capacity of all
        facilities that somebody reaches. Since Σ_l w_lj is the same for all i it cancels out: V_i = P_i times E2SFCA.

    Raises
    ------
    DataError
        With all that is wrong with the times and the weights.
    CutoffError
        When the decay ends beyond what was computed.

    References
    ----------
    Soukhov, Páez, Higgins and Mohamed (2023).

    Examples
    --------
    >>> from circle15.tables import TravelTimes
    >>> walks = pd.DataFrame({"origin": ["a", "b"], "facility": ["x", "x"], "seconds": [300.0, 900.0]})
    >>> times = TravelTimes.from_pairs(walks, origin_ids=["a", "b"], facility_ids=["x"], cutoff_minutes=15)
    >>> people, beds = pd.Series({"a": 300, "b": 200}), pd.Series({"x": 10})
    >>> spatial_availability(times, beds, population=people, decay=Cutoff(15)).to_dict()
    {'a': 6.0, 'b': 4.0}
    """
    weight, (supply, people) = _weighed(times, decay, capacity=capacity, population=population)
    return _by_origin(times, people * (weight @ _share(supply, people @ weight)), "spatial_availability")


def _weighed(times: TravelTimes, decay: Decay, **given: pd.Series) -> tuple[csr_array, list[Floats]]:
    """The weights w_ij, and the capacity and population that are given, checked and in the order of the times."""
    ids = {"capacity": times.facility_ids, "population": times.origin_ids}
    found = times.findings()
    found += [finding for name, values in given.items() for finding in problems(name, values, ids[name])]
    if not isinstance(decay, Decay):
        found.append(Finding("decay", f"it is a {type(decay).__name__}", "Give a Decay, such as Cutoff(15)"))
    refuse(found)
    times.require(decay.minutes)
    weight = decay(times.seconds.data)
    if not ((weight >= 0) & (weight <= 1)).all():
        refuse([Finding(f"decay {decay!r}", "its weights do not all lie between 0 and 1", "Let it fall from 1 to 0")])
    return _as(times.seconds, weight), [numbers(values, ids[name]) for name, values in given.items()]


def _as(pairs: csr_array, values: Floats) -> csr_array:
    """Other values for the same pairs; a value of 0 is one."""
    return csr_array((values, pairs.indices, pairs.indptr), shape=pairs.shape)


def _origin_of(pairs: csr_array) -> NDArray[np.intp]:
    """The row of each stored pair."""
    return np.repeat(np.arange(pairs.shape[0]), np.diff(pairs.indptr))


def _share(parts: Floats, whole: Floats) -> Floats:
    """Parts of a whole; of nothing, nothing."""
    return np.divide(parts, whole, out=np.zeros_like(parts), where=whole > 0)


def _shares(weight: csr_array, at: NDArray[np.integer]) -> Floats:
    """Each weight as a share of all that have the same origin, or the same facility."""
    return _share(weight.data, np.bincount(at, weights=weight.data)[at])


def _by_origin(times: TravelTimes, values: Floats, name: str) -> pd.Series:
    """A measure on the caller's origins."""
    return _placed(times.origins, times.origin_ids, values, name)


def _placed(placement: Placement, ids: pd.Index, values: Floats, name: str) -> pd.Series:
    """Values by id; what could not be placed has none."""
    known = placement.unplaced.get_indexer(ids) < 0
    return pd.Series(np.where(known, values, np.nan), index=ids, name=name)
