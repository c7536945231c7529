"""A synthetic city of any size: the graph that every engine is asked about.

A warped grid on hills, with lakes cut out, streets missing and streets bent; its largest strongly connected part. Time
is Tobler's (1993) on a smooth terrain, in whole deciseconds, so that answers can be compared to the unit. Nodes are
numbered in shuffled patches, as OSM's are. Deterministic: the same size gives the same city.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

SEED = 15
SPACING_M = 90.0
NODES_PER_CROSSING = 1.46  # of all that is drawn: crossings under lakes are gone, bends are new
KEPT = 0.8  # of the streets of the grid
BENT = 0.4  # of the streets that are kept
PATCHES_ACROSS = 12
LONGEST_WAY = 12  # links of one OSM way

# Share of nodes with a facility of each of eleven categories, from kindergartens to the rare ones.
SHARES = (0.02, 0.018, 0.015, 0.012, 0.01, 0.008, 0.006, 0.005, 0.003, 0.0015, 0.0005)
HOMES = 5000
CUTOFFS_S = (300, 600, 900)
LIMIT_DS = 9000

ORIGIN_LONLAT = (106.5, 29.5)
METRES_A_DEGREE = (96_900.0, 110_850.0)


@dataclass(frozen=True)
class City:
    """A directed graph with places on its nodes.

    Parameters
    ----------
    x, y, z : ndarray of float, shape (nodes,)
        Metres.
    tail, head, ds : ndarray of int32, shape (links,)
        Directed links and their time in deciseconds; sorted by tail and head, never parallel.
    length_m : ndarray of float, shape (links,)
        Horizontal metres.
    way : ndarray of int32, shape (links,)
        The street that a link is part of, the same for both directions.
    facility, category : ndarray of int, shape (facilities,)
        Node and category of every facility, sorted by category.
    homes : ndarray of int32, shape (homes,)
        Nodes where people live, each once.
    """

    x: Floats
    y: Floats
    z: Floats
    tail: NDArray[np.int32]
    head: NDArray[np.int32]
    ds: NDArray[np.int32]
    length_m: Floats
    way: NDArray[np.int32]
    facility: NDArray[np.int32]
    category: NDArray[np.int8]
    homes: NDArray[np.int32]

    @property
    def first(self) -> Ints:
        """Where the links that leave each node begin; one more than there are nodes."""
        return np.searchsorted(self.tail, np.arange(len(self.x) + 1)).astype(np.int64)

    def of(self, category: int) -> Ints:
        """Nodes of the facilities of one category."""
        return self.facility[self.category == category].astype(np.int64)

    @property
    def lonlat(self) -> Floats:
        """Degrees, by a plain scale about the corner; not a projection."""
        return np.column_stack([self.x, self.y]) / METRES_A_DEGREE + ORIGIN_LONLAT

    def facts(self) -> dict[str, float]:
        """What a reader compares cities by."""
        span = (np.ptp(self.x) or 1.0) * (np.ptp(self.y) or 1.0)
        return {
            "nodes": len(self.x),
            "links": len(self.tail),
            "degree": len(self.tail) / len(self.x),
            "mean_link_m": float(self.length_m.mean()),
            "nodes_per_km2": len(self.x) / span * 1e6,
            "facilities": len(self.facility),
            "facility_nodes": len(np.unique(self.facility)),
        }

    def save(self, path: Path) -> None:
        """Keep the arrays in one file."""
        np.savez(path, **asdict(self))

    @classmethod
    def load(cls, path: Path | str) -> City:
        """Read the arrays back."""
        with np.load(path) as kept:
            return cls(**{name: kept[name] for name in kept.files})


def make(nodes: int) -> City:
    """A city of about so many nodes."""
    random = np.random.default_rng((SEED, nodes))
    x, y, start, end, way = _streets(random, max(4, round((nodes / NODES_PER_CROSSING) ** 0.5)))
    z = height(x, y)
    tail, head, street = np.concatenate([start, end]), np.concatenate([end, start]), np.concatenate([way, way])
    length = np.hypot(x[head] - x[tail], y[head] - y[tail])
    ds = tobler(length, z[head] - z[tail])
    return gathered(np.column_stack([x, y, z]), tail, head, ds=ds, length_m=length, way=street, random=random)


def gathered(
    xyz: Floats, tail: Ints, head: Ints, *, ds: Ints, length_m: Floats, way: Ints, random: np.random.Generator
) -> City:
    """The largest strongly connected part, numbered like OSM, with places on it."""
    from scipy.sparse import coo_array  # not in every environment that reads a city
    from scipy.sparse.csgraph import connected_components

    whole = coo_array((np.ones(len(tail), np.int8), (tail, head)), shape=(len(xyz),) * 2)
    part = connected_components(whole, directed=True, connection="strong")[1]
    kept = np.flatnonzero(part == np.bincount(part).argmax())
    kept = kept[_patches(xyz[kept, :2], random)]
    number = np.full(len(xyz), -1)
    number[kept] = np.arange(len(kept))
    tail, head = number[tail], number[head]
    inside = (tail >= 0) & (head >= 0) & (tail != head)
    tail, head, ds, length_m, way = (column[inside] for column in (tail, head, ds, length_m, way))
    order = np.lexsort((ds, head, tail))  # of parallel links the quickest
    tail, head, ds, length_m, way = (column[order] for column in (tail, head, ds, length_m, way))
    single = np.append(True, (np.diff(tail) != 0) | (np.diff(head) != 0))
    tail, head, ds, length_m, way = (column[single] for column in (tail, head, ds, length_m, way))
    facility = [random.choice(len(kept), max(1, round(share * len(kept))), replace=False) for share in SHARES]
    category = np.repeat(np.arange(len(SHARES)), [len(nodes) for nodes in facility])
    homes = random.choice(len(kept), min(HOMES, len(kept) // 2), replace=False)
    return City(
        *xyz[kept].T.copy(),
        *(column.astype(np.int32) for column in (tail, head, ds)),
        length_m,
        way.astype(np.int32),
        np.concatenate(facility).astype(np.int32),
        category.astype(np.int8),
        homes.astype(np.int32),
    )


def tobler(length_m: Floats, rise_m: Floats) -> Ints:
    """Whole deciseconds, at least one, at Tobler's speed."""
    slope = np.divide(rise_m, length_m, out=np.zeros_like(length_m), where=length_m > 0)
    metres_a_second = 6 * np.exp(-3.5 * np.abs(slope + 0.05)) / 3.6
    return np.maximum(np.rint(10 * length_m / metres_a_second), 1).astype(np.int64)


def _streets(random: np.random.Generator, side: int) -> tuple[Floats, Floats, Ints, Ints, Ints]:
    """Nodes, and the undirected links between them along the rows and columns of a warped grid."""
    column, row = (axis.ravel() for axis in np.meshgrid(np.arange(side), np.arange(side)))
    x, y = column * SPACING_M, row * SPACING_M
    x, y = x + 60 * np.sin(y / 900), y + 60 * np.sin(x / 700)
    x, y = x + random.uniform(-22, 22, x.size), y + random.uniform(-22, 22, y.size)
    at = np.arange(side * side).reshape(side, side)
    start = np.concatenate([at[:, :-1].ravel(), at.T[:, :-1].ravel()])
    end = np.concatenate([at[:, 1:].ravel(), at.T[:, 1:].ravel()])
    dry = ~_wet(x, y)
    kept = (random.random(start.size) < KEPT) & dry[start] & dry[end]
    start, end = start[kept], end[kept]
    bent = np.flatnonzero(random.random(start.size) < BENT)
    share = random.uniform(0.35, 0.65, bent.size)
    middle = len(x) + np.arange(bent.size)
    bow = random.uniform(-9, 9, (2, bent.size))
    x = np.append(x, x[start[bent]] * (1 - share) + x[end[bent]] * share + bow[0])
    y = np.append(y, y[start[bent]] * (1 - share) + y[end[bent]] * share + bow[1])
    position = np.concatenate([np.arange(start.size), bent + 0.5])
    first, last = np.append(start, middle), np.append(end, end[bent])
    last[bent] = middle
    order = np.argsort(position, kind="stable")
    first, last = first[order], last[order]
    broken = np.append(True, first[1:] != last[:-1])
    run = np.flatnonzero(broken)[np.cumsum(broken) - 1]
    within = np.arange(first.size) - run
    return x, y, first, last, np.cumsum(within % LONGEST_WAY == 0) - 1


def height(x: Floats, y: Floats) -> Floats:
    """Hills, ridges and small bumps: slopes that make the two directions differ by a fifth."""
    hills = 26 * np.sin(x / 610) * np.cos(y / 530)
    return 200 + hills + 4 * np.sin((x + 2 * y) / 310) + np.sin(x / 95) * np.sin(y / 105)


def _wet(x: Floats, y: Floats) -> NDArray[np.bool_]:
    """Lakes, and a river that winds between bridges."""
    lake = np.sin(x / 1300 + 1) * np.sin(y / 1100 + 2) > 0.9
    river = (np.abs(np.mod(y - 300 * np.sin(x / 1500), 9000) - 4500) < 150) & (np.mod(x, 1000) > 200)
    return lake | river


def _patches(xy: Floats, random: np.random.Generator) -> Ints:
    """An order of the nodes: patch by patch, and at random within a patch, as mappers drew them."""
    low, span = xy.min(axis=0), np.ptp(xy, axis=0).max() + 1
    cell = ((xy - low) / span * PATCHES_ACROSS).astype(np.int64)
    patch = random.permutation(PATCHES_ACROSS**2)[cell[:, 0] * PATCHES_ACROSS + cell[:, 1]]
    return np.lexsort((random.random(len(xy)), patch))


def main() -> None:
    """Make one city and print what it is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("nodes", type=int)
    for name, value in make(parser.parse_args().nodes).facts().items():
        print(f"{name}: {value:,.1f}")


if __name__ == "__main__":
    main()
