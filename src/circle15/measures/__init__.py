"""Published formulas, pure: what is in reach of whom, how it is shared, and how unequally.

They never see a street. Walks come as `TravelTimes`, weights as Series on the ids of the same tables; every answer is
on the index of the origins (`catchment`: of the facilities), or one number. *Unknown* is missing and stays out of every
figure: an origin that could not be put on the streets has no value, which is not the value 0.
"""

from circle15.measures.decay import Cutoff, Decay, Exponential, Gaussian, Logistic, Steps
from circle15.measures.equity import (
    categories_met,
    concentration_index,
    covered_share,
    fgt,
    gini,
    known_share,
    palma_like,
    theil_t,
)
from circle15.measures.supply import (
    bfca,
    catchment,
    cumulative,
    e2sfca,
    gravity,
    k_nearest,
    m2sfca,
    nearest,
    spatial_availability,
    three_sfca,
    two_sfca,
)

__all__ = [
    "Cutoff",
    "Decay",
    "Exponential",
    "Gaussian",
    "Logistic",
    "Steps",
    "bfca",
    "catchment",
    "categories_met",
    "concentration_index",
    "covered_share",
    "cumulative",
    "e2sfca",
    "fgt",
    "gini",
    "gravity",
    "k_nearest",
    "known_share",
    "m2sfca",
    "nearest",
    "palma_like",
    "spatial_availability",
    "theil_t",
    "three_sfca",
    "two_sfca",
]
