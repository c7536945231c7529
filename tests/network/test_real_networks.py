"""Real street networks, yards and lifts and all: every node and every origin equal to networkx, edits to full runs."""

from pathlib import Path

import networkx as nx
import numpy as np
import pandas as pd
import pytest

from circle15.network import snapping
from circle15.network.graph import Graph, Layout
from circle15.network.search import NEVER
from circle15.network.standing import Standing
from circle15.project import Walker

FILES = {"yuzhong": "yuzhong_real.toml", "monaco": "monaco.toml"}
LIMIT = 9000
pytestmark = pytest.mark.real


@pytest.fixture(scope="module", params=FILES)
def city(request):
    """Graph, origins, facilities and the category of each, of one real study."""
    from circle15.study import Study

    request.getfixturevalue("real_data")
    study = Study.open(Path(__file__).parents[1] / "data" / FILES[request.param])
    table, walker = study.streets, Walker.load("adult")
    graph = Graph.of(Layout(table), walker)
    homes, goals = (
        snapping.places(graph, snapping.place(graph, points)) for points in (study.origins, study.facilities)
    )
    return graph.engine, homes, goals, pd.factorize(study.facilities["category"], sort=True)[0]


def turned(engine):
    """The reversed graph for networkx."""
    graph = nx.MultiDiGraph()
    graph.add_nodes_from(range(engine.nodes))
    use = engine.ticks < NEVER
    columns = (engine.heads[use].tolist(), engine.tails[use].tolist(), engine.ticks[use].tolist())
    graph.add_weighted_edges_from(zip(*columns, strict=True))
    return graph


def enter(graph, name, goals, rows):
    """A node from which the reversed walk enters some places at their own ticks."""
    for row in rows:
        some = slice(goals.entering.first[row], goals.entering.first[row + 1])
        for vertex, ticks in zip(goals.entering.items[some].tolist(), goals.entering.ticks[some].tolist(), strict=True):
            graph.add_edge(name, vertex, weight=ticks)
    return name


def test_the_nearest_of_every_category_from_every_node(city):
    engine, _, goals, category = city
    found = engine.nearest(goals, limit=LIMIT, category=category)
    graph = turned(engine)
    for one in range(len(found)):
        graph.add_node(one_name := ("category", one))
        enter(graph, one_name, goals, np.flatnonzero(category == one))
        reached = nx.single_source_dijkstra_path_length(graph, one_name, cutoff=LIMIT)
        wanted = [reached.get(node, NEVER) for node in range(engine.nodes)]
        assert found[one].tolist() == wanted
    assert (found < NEVER).mean() > 0.2


def test_counts_of_every_node_and_pairs_of_every_origin(city):
    engine, homes, goals, category = city
    graph, counted = turned(engine), np.zeros((category.max() + 1, engine.nodes, 2), int)
    pairs = np.full((homes.rows, goals.rows), NEVER)
    origin = np.repeat(np.arange(homes.rows), np.diff(homes.leaving.first))
    for row in range(goals.rows):
        graph.add_node(name := ("facility", row))
        enter(graph, name, goals, [row])
        reached = nx.single_source_dijkstra_path_length(graph, name, cutoff=LIMIT)
        ticks = np.array([reached.get(node, NEVER) for node in range(engine.nodes)])
        counted[category[row]] += np.column_stack([ticks <= LIMIT // 2, ticks <= LIMIT])
        np.minimum.at(pairs[:, row], origin, ticks[homes.leaving.items] + homes.leaving.ticks)
    found = engine.counts(goals, cutoffs=[LIMIT // 2, LIMIT], category=category)
    assert (found.places == counted).all()
    for start, goal, ticks in zip(*straight_pairs(homes, goals), strict=True):
        pairs[start, goal] = min(pairs[start, goal], ticks)
    table = np.full(pairs.shape, NEVER)
    matrix = engine.matrix(homes, goals, cutoff=LIMIT).tocoo()
    table[matrix.row, matrix.col] = matrix.data
    assert (table == np.where(pairs <= LIMIT, pairs, NEVER)).all()
    assert matrix.nnz > 3000


def straight_pairs(homes, goals):
    """Pairs on one link, one by one."""
    found = []
    at = {}
    for row, link, share, extra in zip(*(one.tolist() for one in goals.inside), strict=True):
        at.setdefault(link, []).append((row, share, extra))
    for row, link, share, extra in zip(*(one.tolist() for one in homes.inside), strict=True):
        whole = int(goals.ticks[link])
        for goal, further, more in at.get(link, []):
            if further >= share:
                found.append((row, goal, round(further * whole) - round(share * whole) + extra + more))
    return np.array(found, int).reshape(-1, 3).T


def test_two_hundred_edits_equal_full_runs(city):
    engine, _, goals, category = city
    random, ticks = np.random.default_rng(200), engine.ticks.copy()
    standing = Standing(engine, goals, cutoffs=[LIMIT // 2, LIMIT], category=category)
    stands = np.ones(goals.rows, dtype=bool)
    for number in range(200):
        links = random.choice(len(ticks), 2, replace=False)
        choice = number % 4
        if choice == 3:
            row = random.integers(0, goals.rows, 1)
            standing.remove(row)
            stands[row] = False
        else:
            ticks[links] = (NEVER, engine.ticks[links], random.integers(1, 3000, 2))[choice]
            standing.retime(links, ticks[links])
        if number % 50 == 49:
            full, rows = engine.retimed(np.arange(len(ticks)), ticks), np.flatnonzero(stands)
            some = goals.some(rows)
            assert (standing.nearest == full.nearest(some, limit=LIMIT, category=category[rows])).all()
            counts = full.counts(some, cutoffs=[LIMIT // 2, LIMIT], category=category[rows])
            assert (standing.counts.places == counts.places).all()
