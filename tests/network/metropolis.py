"""Whole synthetic cities as plain arrays, after real street networks in degree, length and slope; for measuring too."""

from typing import NamedTuple

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

RATES = (5, 10, 20, 40, 60, 80, 100, 130, 150, 180, 220)  # facilities of eleven categories per 10,000 nodes
SPACING_M, KEPT, SPLIT, PATCH_M = 101.0, 0.87, 0.58, 500.0


class Metropolis(NamedTuple):
    """Directed links between nodes 0, 1, ..., ticks of each, positions in metres; facilities at nodes, by category."""

    from_node: np.ndarray
    to_node: np.ndarray
    ticks: np.ndarray
    xy: np.ndarray
    facility: np.ndarray
    category: np.ndarray


def metropolis(nodes, *, seed=15):
    """A warped grid on hills, with lakes, gaps and bends; strongly connected, about so many nodes, in patches as OSM's.

    Times follow Tobler's law on the slope of each link, so that up and down differ.
    """
    random = np.random.default_rng(seed)
    side = max(3, int(np.sqrt(nodes / 1.88)))  # some nodes are lost to lakes and dead ends, others come as bends
    number = np.arange(side * side).reshape(side, side)
    xy = SPACING_M * np.indices((side, side))[::-1].reshape(2, -1).T + random.uniform(-25, 25, (side * side, 2))
    xy += 60 * np.column_stack([np.sin(xy[:, 1] / 900), np.cos(xy[:, 0] / 1100)])
    pairs = np.vstack([np.column_stack([number[:, :-1].ravel(), number[:, 1:].ravel()]),
                       np.column_stack([number[:-1].ravel(), number[1:].ravel()])])  # fmt: skip
    wet = _field(xy, 2300.0) < -1.55
    pairs = pairs[(random.random(len(pairs)) < KEPT) & ~wet[pairs].any(axis=1)]
    bent = random.random(len(pairs)) < SPLIT
    middle = len(xy) + np.arange(bent.sum())
    xy = np.vstack([xy, xy[pairs[bent]].mean(axis=1) + random.uniform(-12, 12, (len(middle), 2))])
    pairs = np.vstack(
        [pairs[~bent], np.column_stack([pairs[bent][:, 0], middle]), np.column_stack([middle, pairs[bent][:, 1]])]
    )
    tail, head = np.vstack([pairs, pairs[:, ::-1]]).T
    one_way = np.concatenate([np.zeros(len(pairs), bool), random.random(len(pairs)) < 0.01])
    tail, head = tail[~one_way], head[~one_way]
    _, part = connected_components(
        coo_array((np.ones(len(tail), np.int8), (tail, head)), shape=(len(xy),) * 2), connection="strong"
    )
    kept = part == np.bincount(part).argmax()
    patch = random.permutation(1 << 20)[_patches(xy)]
    order = np.lexsort((np.arange(len(xy)), patch))
    order = order[kept[order]]
    rank = np.full(len(xy), -1)
    rank[order] = np.arange(len(order))
    inside = kept[tail] & kept[head]
    tail, head, xy = rank[tail[inside]], rank[head[inside]], xy[order]
    metres = np.hypot(*(xy[head] - xy[tail]).T) * 1.05
    height = 30 * _field(xy, 1700.0)
    slope = (height[head] - height[tail]) / metres
    ticks = np.maximum(1, np.rint(metres / (5 / 3 * np.exp(-3.5 * np.abs(slope + 0.05))) * 10)).astype(np.int64)
    sizes = np.maximum(1, np.array(RATES) * len(xy) // 10_000)
    facility = np.concatenate([random.integers(0, len(xy), size) for size in sizes])
    return Metropolis(tail, head, ticks, xy, facility, np.repeat(np.arange(len(sizes)), sizes))


def _field(xy, scale):
    """Smooth hills between about -2 and 2."""
    x, y = xy.T / scale
    return np.sin(x) * np.cos(0.8 * y + 1) + 0.7 * np.sin(1.7 * x + 0.9 * y) + 0.5 * np.cos(2.3 * y - 1.1 * x)


def _patches(xy):
    column, row = ((xy - xy.min(axis=0)) // PATCH_M).astype(int).T
    return (row * (column.max() + 1) + column) % (1 << 20)
