"""The real walking networks as cities: circle15's own streets and times, with drawn places instead of mapped ones.

Places are drawn as in the synthetic city, because these extracts hold hardly any; the streets are what is compared.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import shapely

from benchmarks.city import SEED, City, gathered
from circle15.impedance import NO_WAY, link_ticks
from circle15.project import Walker
from circle15.study import Study

STUDIES = Path(__file__).parents[1] / "tests" / "data"
REAL = {"yuzhong": "yuzhong_real.toml", "monaco": "monaco.toml", "helsinki": "helsinki.toml"}
APART_M = 0.05  # landings of a lift lie on one spot; engines that snap by coordinates must tell them apart


def real(name: str) -> City:
    """The largest strong part of what an adult walks in public, every link straight."""
    streets = Study.open(STUDIES / REAL[name]).streets
    ticks = link_ticks(streets, Walker.load("adult"))
    open_to_all = (ticks < NO_WAY) & (streets["access"] == "open").to_numpy()
    streets, ticks = streets[open_to_all], ticks[open_to_all]
    nodes, ends = np.unique(streets[["from_node", "to_node"]].to_numpy(), return_inverse=True)
    tail, head = ends.reshape(-1, 2).T
    starts = shapely.get_coordinates(shapely.get_point(streets.geometry.to_numpy(), 0), include_z=True)
    stops = shapely.get_coordinates(shapely.get_point(streets.geometry.to_numpy(), -1), include_z=True)
    xyz = np.zeros((len(nodes), 3))
    xyz[tail], xyz[head] = starts, stops
    random = np.random.default_rng((SEED, len(nodes)))
    xyz = np.nan_to_num(xyz - np.append(xyz[:, :2].min(axis=0), 0))
    xyz[:, :2] += random.uniform(-APART_M, APART_M, (len(nodes), 2))
    piece = np.unique(streets["piece"].to_numpy(dtype=str), return_inverse=True)[1]
    length = streets["length_m"].to_numpy(dtype=float)
    return gathered(xyz, tail, head, ds=ticks, length_m=length, way=piece, random=random)


def main() -> None:
    """Print what each real network is."""
    for name in sys.argv[1:] or REAL:
        print(name, real(name).facts())


if __name__ == "__main__":
    main()
