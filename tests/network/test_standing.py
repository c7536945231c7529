"""Incremental runs: after every edit exactly what a full run gives."""

import numpy as np
import pytest

from circle15.network.engine import Engine
from circle15.network.search import NEVER
from circle15.network.standing import Standing, leads_to
from network.metropolis import metropolis

CUTOFFS = np.array([1500, 4000])
KINDS = 3


class Ledger:
    """What was done to a city, so that it can be run in full at any time."""

    def __init__(self, engine, ticks, random, *, places):
        self.engine, self.ticks, self.given, self.random = engine, ticks.copy(), ticks, random
        self.node = random.integers(0, engine.nodes, places)
        self.kind, self.holds = random.integers(0, KINDS, places), random.integers(0, 90, places)
        self.stands = np.ones(places, dtype=bool)
        self.standing = Standing(
            engine,
            engine.at_nodes(self.node),
            cutoffs=CUTOFFS,
            category=self.kind,
            capacity=self.holds,
            categories=KINDS,
        )

    def edit(self):
        """Close, open, lengthen or shorten a few links, or open or close a place."""
        choice = self.random.integers(6)
        links = self.random.choice(len(self.ticks), self.random.integers(1, 4), replace=False)
        if choice == 0:
            self.retime(links, NEVER)
        elif choice == 1:
            shut = np.flatnonzero(self.ticks == NEVER)[:3]
            self.retime(shut, self.given[shut])
        elif choice == 2:
            self.retime(links, self.random.integers(1, 900, len(links)))
        elif choice in (3, 4):
            node, kind, holds = (self.random.integers(0, high, 1) for high in (self.engine.nodes, KINDS, 90))
            self.standing.add(self.engine.at_nodes(node), category=kind, capacity=holds)
            self.node, self.kind = np.append(self.node, node), np.append(self.kind, kind)
            self.holds, self.stands = np.append(self.holds, holds), np.append(self.stands, True)
        else:
            row = self.random.integers(0, len(self.node), 1)
            self.standing.remove(row)
            self.stands[row] = False

    def retime(self, links, ticks):
        self.ticks[links] = ticks
        self.standing.retime(links, ticks)

    def check(self):
        full = self.engine.retimed(np.arange(len(self.ticks)), self.ticks)
        rows = np.flatnonzero(self.stands)
        places = full.at_nodes(
            np.append(self.node[rows], np.zeros(KINDS, int)), extra=np.append(0 * rows, [NEVER - 1] * KINDS)
        )
        kind = np.append(self.kind[rows], np.arange(KINDS))  # so that no category is missing
        nearest = full.nearest(places, limit=int(CUTOFFS[-1]), category=kind)
        counts = full.counts(places, cutoffs=CUTOFFS, category=kind, capacity=np.append(self.holds[rows], [0] * KINDS))
        assert (self.standing.nearest == nearest).all()
        assert (self.standing.counts.places == counts.places).all()
        assert (self.standing.counts.holds == counts.holds).all()


@pytest.mark.parametrize("seed", range(4))
def test_two_hundred_edits_of_random_graphs(seed):
    """Dense and loose ones, with links of no ticks, loops and islands; checked after every edit."""
    random = np.random.default_rng(seed)
    nodes = 60
    ends = random.integers(0, nodes, (2, 100 + 40 * seed))
    ticks = random.integers(0, 900, ends.shape[1])
    ledger = Ledger(Engine.of(*ends, ticks, xy=random.random((nodes, 2))), ticks, random, places=12)
    for _ in range(200):
        ledger.edit()
        ledger.check()


def test_two_hundred_edits_of_a_city():
    city, random = metropolis(6000), np.random.default_rng(15)
    engine = Engine.of(city.from_node, city.to_node, city.ticks, xy=city.xy)
    ledger = Ledger(engine, city.ticks, random, places=600)
    for number in range(200):
        ledger.edit()
        if number % 20 == 19:
            ledger.check()


def test_only_what_leads_over_a_link_is_searched_again():
    """Five nodes in a row, a clinic at either end: closing the last link eastward touches the eastern clinic only."""
    tail, head = np.array([0, 1, 2, 3, 1, 2, 3, 4]), np.array([1, 2, 3, 4, 0, 1, 2, 3])
    engine = Engine.of(tail, head, np.full(8, 100), nodes=5)
    places = engine.at_nodes([0, 4])
    closed = engine.retimed([3], [NEVER])
    assert leads_to(engine, closed, np.array([3]), places, limit=1000).tolist() == [False, True]
    assert leads_to(closed, engine, np.array([3]), places, limit=1000).tolist() == [False, True]
    assert leads_to(engine, closed, np.array([3]), places, limit=99).tolist() == [False, False]
    standing = Standing(engine, places, cutoffs=[1000])
    standing.retime([3], [NEVER])
    assert standing.nearest.tolist() == [[0, 100, 200, 300, 0]]
    assert standing.counts.places[0, :, 0].tolist() == [1, 1, 1, 1, 2]
