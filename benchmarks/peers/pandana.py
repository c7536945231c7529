"""pandana: contraction hierarchies over all cores; counts with its precomputed ranges, one cut-off."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np
import pandana
import pandas as pd

from benchmarks.city import CUTOFFS_S, LIMIT_DS, SHARES
from benchmarks.measuring import FAR, UNASKED, Engine, Pace, run, spread

if TYPE_CHECKING:
    from benchmarks.city import City


def build(city: City) -> pandana.Network:
    """Its contraction hierarchy."""
    return pandana.Network(
        pd.Series(city.x),
        pd.Series(city.y),
        pd.Series(city.tail.astype(np.int64)),
        pd.Series(city.head.astype(np.int64)),
        pd.DataFrame({"ds": city.ds.astype(float)}),
        twoway=False,
    )


def nearest(network: pandana.Network, city: City, pace: Pace) -> Any:  # noqa: ANN401
    """Points of interest, category by category."""
    times = np.full((len(city.x), len(SHARES)), UNASKED, np.int32)
    for category in pace.over(spread(len(SHARES))):
        nodes, name = city.of(category), f"c{category}"
        network.set_pois(name, LIMIT_DS, 1, pd.Series(city.x[nodes]), pd.Series(city.y[nodes]))
        got = network.nearest_pois(LIMIT_DS, name, num_pois=1, max_distance=2 * LIMIT_DS)[1].to_numpy()
        times[:, category] = np.where(got <= LIMIT_DS, np.rint(got), FAR)
    return times


def counts(network: pandana.Network, city: City, pace: Pace) -> Any:  # noqa: ANN401
    """Ranges computed once for all, then one aggregation per category."""
    table = np.full((len(city.x), len(SHARES), len(CUTOFFS_S)), UNASKED, np.int32)
    network.precompute(LIMIT_DS)
    for category in pace.over(spread(len(SHARES))):
        name = f"c{category}"
        network.set(
            pd.Series(city.of(category)), variable=pd.Series(1.0, index=range(len(city.of(category)))), name=name
        )
        table[:, category, -1] = np.rint(network.aggregate(LIMIT_DS, type="sum", decay="flat", name=name).to_numpy())
    pace.done = pace.total  # the ranges are most of it, and they are there: nothing may be extrapolated
    return table


ENGINE = Engine(
    "pandana",
    ("pandana",),
    build,
    {
        "nearest": ("set_pois + nearest_pois", nearest),
        "counts": ("precompute(900 s) + aggregate per category, one cut-off", counts),
    },
    threads=os.cpu_count() or 1,
)

if __name__ == "__main__":
    run(ENGINE)
