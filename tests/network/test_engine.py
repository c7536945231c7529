"""The engine on plain arrays: equal to networkx, whatever the order, the threads and the side searched from."""

from itertools import pairwise

import networkx as nx
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from circle15.errors import CutoffError, DataError
from circle15.network.engine import Engine, along_hilbert
from circle15.network.places import Inside
from circle15.network.search import NEVER, scratch, settle
from network.metropolis import metropolis

SLOW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
CUTOFFS = [40, 90, 150]


@st.composite
def graphs(draw):
    """Links of 0 to 60 ticks between a few nodes: loops, parallel links, islands, links that nobody may use."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    nodes = draw(st.integers(2, 30))
    count = draw(st.integers(1, 90))
    ends = random.integers(0, nodes, (2, count))
    ticks = random.integers(0, 60, count)
    ticks[random.random(count) < 0.05] = NEVER
    return ends[0], ends[1], ticks, random.random((nodes, 2)), random


def spots(random, links, *, rows):
    """Places inside links, some with two entrances, some with none."""
    size = int(random.integers(0, 2 * rows + 1))
    row = random.integers(0, rows, size)
    return Inside(row, random.integers(0, links, size), random.random(size).round(2), random.integers(0, 9, size))


def slow(graph, starts, goals):
    """Ticks of every pair by networkx, on links cut at every place: starts x goals."""
    tails, heads, ticks = graph
    walked = nx.MultiDiGraph()
    for tail, head, whole in zip(tails.tolist(), heads.tolist(), ticks.tolist(), strict=True):
        if whole < NEVER:
            walked.add_edge(tail, head, ticks=whole)
    for row, link, share, extra in zip(*starts, strict=True):
        whole = int(ticks[link])
        if whole == NEVER:
            continue
        before = round(share * whole)
        walked.add_edge(("start", row), int(heads[link]), ticks=whole - before + extra)
        for other, same, further, more in zip(*goals, strict=True):
            if same == link and further >= share:
                walked.add_edge(("start", row), ("goal", other), ticks=round(further * whole) - before + extra + more)
    for row, link, share, extra in zip(*goals, strict=True):
        if ticks[link] < NEVER:
            walked.add_edge(int(tails[link]), ("goal", row), ticks=round(share * int(ticks[link])) + extra)
    found = {}
    for start in {("start", row) for row in starts.row} & set(walked):
        reached = nx.single_source_dijkstra_path_length(walked, start, weight="ticks")
        found |= {
            (start[1], goal[1]): far for goal, far in reached.items() if isinstance(goal, tuple) and goal[0] == "goal"
        }
    return found


def pairs(matrix):
    found = matrix.tocoo()
    return dict(zip(zip(found.row.tolist(), found.col.tolist(), strict=True), found.data.tolist(), strict=True))


def slices(matrix):
    return [slice(*ends) for ends in pairwise(matrix.indptr.tolist())]


def node_ticks(tails, heads, ticks, nodes):
    """All pairs by networkx; `NEVER` where there is no way."""
    graph = nx.MultiDiGraph()
    graph.add_nodes_from(range(nodes))
    use = ticks < NEVER
    graph.add_weighted_edges_from(zip(tails[use].tolist(), heads[use].tolist(), ticks[use].tolist(), strict=True))
    table = np.full((nodes, nodes), NEVER)
    for start, reached in nx.all_pairs_dijkstra_path_length(graph):
        table[start, list(reached)] = list(reached.values())
    return table


def inside_links(drawn, homes, goals, *, back):
    """An engine, homes and goals inside its links, and by networkx the ticks from home to goal, or back, in reach."""
    tails, heads, ticks, xy, random = drawn
    engine = Engine.of(tails, heads, ticks, xy=xy, threads=1)
    origins, facilities = (spots(random, len(ticks), rows=rows) for rows in (homes, goals))
    starts, ends = (facilities, origins) if back else (origins, facilities)
    wanted = {
        (pair[::-1] if back else pair): far
        for pair, far in slow((tails, heads, ticks), starts, ends).items()
        if far <= CUTOFFS[-1]
    }
    return engine, (engine.in_links(origins, rows=homes), engine.in_links(facilities, rows=goals)), wanted


@SLOW
@given(graphs(), st.integers(1, 9), st.integers(1, 9), st.booleans())
def test_pairs_inside_links_equal_networkx(drawn, homes, goals, back):
    engine, given_rows, wanted = inside_links(drawn, homes, goals, back=back)
    matrix = engine.matrix(*given_rows, cutoff=CUTOFFS[-1], back=back)
    found = pairs(matrix)
    assert [matrix.indices[row].tolist() for row in slices(matrix)] == [
        sorted(matrix.indices[row].tolist()) for row in slices(matrix)
    ]
    assert found == wanted


@SLOW
@given(graphs(), st.integers(1, 40), st.integers(1, 9), st.booleans())
def test_origins_side_by_side_equal_networkx(drawn, homes, goals, back):
    """Up to forty, of which sixteen are searched for at a time: wherever they stand, with several doors or none."""
    engine, given_rows, wanted = inside_links(drawn, homes, goals, back=back)
    category, capacity = drawn[-1].integers(0, 3, goals), drawn[-1].integers(0, 50, goals)
    category[0] = 2
    found = engine.forward(*given_rows, cutoffs=CUTOFFS, category=category, capacity=capacity, back=back)
    nearest, places, holds = np.full((homes, 3), NEVER), np.zeros((homes, 3, 3), int), np.zeros((homes, 3, 3), int)
    for (home, goal), far in wanted.items():
        kind, within = category[goal], far <= np.array(CUTOFFS)
        nearest[home, kind] = min(nearest[home, kind], far)
        places[home, kind] += within
        holds[home, kind] += within * capacity[goal]
    assert found.nearest.tolist() == nearest.tolist()
    assert found.places.tolist() == places.tolist()
    assert found.holds.tolist() == holds.tolist()


@SLOW
@given(graphs(), st.integers(1, 9), st.booleans())
def test_nodes_equal_networkx(drawn, size, back):
    tails, heads, ticks, xy, random = drawn
    engine = Engine.of(tails, heads, ticks, xy=xy, threads=1)
    where, extra = random.integers(0, len(xy), size), random.integers(0, 30, size)
    category, capacity = random.integers(0, 3, size), random.integers(0, 50, size)
    category[0] = 2
    every = node_ticks(tails, heads, ticks, len(xy))
    way = (every[where] if back else every[:, where].T) + extra[:, None]
    places = engine.at_nodes(where, extra=extra)
    nearest = engine.nearest(places, limit=CUTOFFS[-1], category=category, back=back)
    counts = engine.counts(places, cutoffs=CUTOFFS, category=category, capacity=capacity, back=back)
    homes = engine.at_nodes(np.arange(len(xy)))
    answers = engine.forward(homes, places, cutoffs=CUTOFFS, category=category, capacity=capacity, back=back)
    for one in range(3):
        some = way[category == one]
        least = some.min(axis=0, initial=NEVER)
        assert nearest[one].tolist() == np.where(least <= CUTOFFS[-1], least, NEVER).tolist()
        for k, cutoff in enumerate(CUTOFFS):
            assert counts.places[one, :, k].tolist() == (some <= cutoff).sum(axis=0).tolist()
            held = ((some <= cutoff) * capacity[category == one][:, None]).sum(axis=0)
            assert counts.holds[one, :, k].tolist() == held.tolist()
    assert (nearest == answers.nearest.T).all()
    assert (answers.places.swapaxes(0, 1) == counts.places).all()
    assert (answers.holds.swapaxes(0, 1) == counts.holds).all()


@SLOW
@given(graphs(), st.booleans())
def test_trees_and_what_is_reached(drawn, back):
    tails, heads, ticks, xy, random = drawn
    engine = Engine.of(tails, heads, ticks, xy=xy, threads=1)
    start = int(random.integers(0, len(xy)))
    every = node_ticks(tails, heads, ticks, len(xy))
    every = every[:, start] if back else every[start]
    wanted = {node: far for node, far in enumerate(every.tolist()) if far <= CUTOFFS[-1]}
    place = engine.at_nodes([start])
    found = engine.reached(place, limit=CUTOFFS[-1], back=back)
    assert dict(zip(found.items.tolist(), found.ticks.tolist(), strict=True)) == wanted
    tree = engine.tree(place, limit=CUTOFFS[-1], back=back)
    assert dict(zip(tree.vertices.tolist(), tree.ticks.tolist(), strict=True)) == wanted
    assert tree.before[0] == tree.links[0] == -1
    for row in range(1, len(tree.vertices)):
        before, link = tree.before[row], tree.links[row]
        assert before < row
        ends = (tree.vertices[before], tree.vertices[row])
        assert (tails[link], heads[link]) == (ends[::-1] if back else ends)
        assert tree.ticks[row] == tree.ticks[before] + ticks[link]


@pytest.fixture(scope="module")
def town():
    return metropolis(4000)


def test_threads_and_order_change_nothing(town):
    random = np.random.default_rng(5)
    name = random.permutation(len(town.xy))  # the new number of each node
    xy = np.empty_like(town.xy)
    xy[name] = town.xy
    order = random.permutation(len(town.ticks))
    engines = [
        Engine.of(town.from_node, town.to_node, town.ticks, xy=town.xy, threads=1),
        Engine.of(town.from_node, town.to_node, town.ticks, nodes=len(xy), threads=2),
        Engine.of(name[town.from_node][order], name[town.to_node][order], town.ticks[order], xy=xy, threads=5),
    ]
    names = [np.arange(len(xy)), np.arange(len(xy)), name]
    seen = []
    for engine, number in zip(engines, names, strict=True):
        places, homes = engine.at_nodes(number[town.facility]), engine.at_nodes(number[:500])
        asked = {"cutoffs": [3000, 6000, 9000], "category": town.category}
        answers = engine.forward(homes, places, **asked)
        seen.append(
            [
                engine.nearest(places, limit=9000, category=town.category)[:, number],
                engine.counts(places, **asked).places[:, number],
                engine.matrix(homes, places, cutoff=9000).toarray(),
                answers.nearest,
                answers.places,
            ]
        )
    for other in seen[1:]:
        for one, two in zip(seen[0], other, strict=True):
            assert (one == two).all()
    assert seen[0][1].max() > 10


def test_stretch_after_stretch_equals_scipy():
    """Large enough for several stretches of the Hilbert curve, so that each corrects the one before it."""
    city = metropolis(40_000)
    engine = Engine.of(city.from_node, city.to_node, city.ticks, xy=city.xy)
    found = engine.nearest(engine.at_nodes(city.facility), limit=6000, category=city.category)
    ends = city.to_node.astype(np.int32), city.from_node.astype(np.int32)  # as older versions of scipy want them
    turned = csr_array((city.ticks.astype(float), ends), shape=(len(city.xy),) * 2)
    for one in range(len(found)):
        where = np.unique(city.facility[city.category == one])
        wanted = dijkstra(turned, indices=where, min_only=True, limit=6000)
        assert (found[one] == np.where(np.isinf(wanted), NEVER, wanted)).all()


def test_lists_that_outgrow_their_room_are_the_same(town, monkeypatch):
    engine = Engine.of(town.from_node, town.to_node, town.ticks, xy=town.xy, threads=1)
    homes, places = engine.at_nodes(np.arange(300)), engine.at_nodes(town.facility)
    roomy = engine.matrix(homes, places, cutoff=9000), engine.reached(homes, limit=3000)
    monkeypatch.setattr("circle15.network.engine._ROOM", 3)
    tight = engine.matrix(homes, places, cutoff=9000), engine.reached(homes, limit=3000)
    assert roomy[0].nnz > 300
    assert (roomy[0] != tight[0]).nnz == 0
    assert all((one == two).all() for one, two in zip(roomy[1], tight[1], strict=True))


@pytest.mark.parametrize("limit", [900, 9000, 60_000, 2**31 - 2])
@pytest.mark.parametrize("homes", [17, 400])
def test_origins_side_by_side_equal_those_alone(town, homes, limit):
    """Far apart and close together, for walks of minutes and hours, and without a limit."""
    engine = Engine.of(town.from_node, town.to_node, town.ticks, xy=town.xy)
    origins = engine.at_nodes(np.random.default_rng(6).choice(len(town.xy), homes, replace=False), extra=7)
    places = engine.at_nodes(town.facility)
    found = engine.forward(origins, places, cutoffs=[limit // 3, limit], category=town.category)
    pairs = engine.matrix(origins, places, cutoff=limit)
    home, kind = np.repeat(np.arange(homes), np.diff(pairs.indptr)), town.category[pairs.indices]
    nearest, places = np.full(found.nearest.shape, NEVER), np.zeros(found.places.shape, int)
    np.minimum.at(nearest, (home, kind), pairs.data)
    for ring, cutoff in enumerate([limit // 3, limit]):
        np.add.at(places[:, :, ring], (home, kind), pairs.data <= cutoff)
    assert places.sum() > 0
    assert (found.nearest == nearest).all()
    assert (found.places == places).all()


def test_one_category_is_shared_out_among_threads(town):
    counted = []
    for threads in (1, 3):
        engine = Engine.of(town.from_node, town.to_node, town.ticks, xy=town.xy, threads=threads)
        counted.append(engine.counts(engine.at_nodes(town.facility), cutoffs=[6000]).places)
    assert (counted[0] == counted[1]).all()


def test_the_cutoff_is_inclusive():
    engine = Engine.of(np.array([0]), np.array([1]), np.array([9000]), nodes=2)
    place = engine.at_nodes([1])
    assert engine.nearest(place, limit=9000).tolist() == [[9000, 0]]
    assert engine.nearest(place, limit=8999).tolist() == [[NEVER, 0]]
    assert engine.counts(place, cutoffs=[8999, 9000]).places.tolist() == [[[0, 1], [1, 1]]]
    for home in (engine.at_nodes([0]), engine.at_nodes([1], extra=9000)):  # as far, by a link and off the road
        assert engine.forward(home, place, cutoffs=[8999, 9000]).places.tolist() == [[[0, 1]]]
        assert engine.forward(home, place, cutoffs=[8999]).nearest.tolist() == [[NEVER]]


def test_long_walks_use_wider_buckets():
    """A day and more: 300 links of an hour, so that buckets of 64 ticks would not do."""
    count = 300
    engine = Engine.of(np.arange(count), np.arange(1, count + 1), np.full(count, 36_001), nodes=count + 1)
    found = engine.nearest(engine.at_nodes([count]), limit=2**30)
    assert found[0].tolist() == [36_001 * k for k in range(count, -1, -1)]


def test_a_crowded_queue_is_swept():
    """Each node shortens the ways to all others again and again: many more entries than there is room for."""
    count = 120
    tail, head = np.triu_indices(count, 1)
    ticks = 2 * (count - tail) * (head - tail)  # by many small steps is shorter than by one long one
    work_entries = scratch(Engine.of(tail, head, ticks, nodes=count).onward).entry.size
    assert len(ticks) > 10 * work_entries
    engine = Engine.of(tail, head, ticks, nodes=count)
    every = node_ticks(tail, head, ticks, count)
    assert engine.nearest(engine.at_nodes([0]), limit=10**6, back=True)[0].tolist() == every[0].tolist()
    everyone = engine.forward(engine.at_nodes(np.arange(count)), engine.at_nodes([count - 1]), cutoffs=[10**6])
    assert everyone.nearest[:, 0].tolist() == every[:, count - 1].tolist()
    work = scratch(engine.onward)
    seeds = np.repeat(np.arange(count, dtype=np.int32), 40)
    waits = np.tile(np.arange(40, 0, -1, dtype=np.int32), count)  # each seed comes again and again, a little nearer
    assert settle(engine.onward, seeds, waits, 0, work) == 0
    assert settle(engine.onward, seeds, waits, 63, work) == count
    assert set(work.ticks.tolist()) == {1}


def test_nothing_asked_nothing_answered():
    engine = Engine.of(*(np.zeros(0, np.int64),) * 3, nodes=3)
    none = engine.at_nodes([])
    assert engine.nearest(none, limit=10).tolist() == [[NEVER] * 3]
    assert engine.counts(none, cutoffs=[10]).places.shape == (0, 3, 1)
    assert engine.matrix(none, engine.at_nodes([1]), cutoff=10).shape == (0, 1)
    assert engine.forward(engine.at_nodes([1]), none, cutoffs=[10]).nearest.shape == (1, 0)
    assert len(engine.reached(none, limit=10).items) == 0
    assert along_hilbert(np.zeros((0, 2))).tolist() == []


def test_what_cannot_be_searched_is_said_at_once():
    """The kernels trust every index, so that a wrong one must not reach them."""
    with pytest.raises(DataError) as caught:
        Engine.of(np.array([0, 3]), np.array([-1, 1]), np.array([5, -5]), nodes=3)
    assert len(caught.value.findings) == 3
    with pytest.raises(DataError, match="differ in length"):
        Engine.of(np.array([0]), np.array([1]), np.array([5, 5]), nodes=3)
    engine = Engine.of(np.array([0]), np.array([1]), np.array([5]), nodes=3)
    place = engine.at_nodes([1])
    for wrong in ([], [-1], [5, 5], [9, 3], [NEVER]):
        with pytest.raises(CutoffError, match="cut-offs"):
            engine.counts(place, cutoffs=wrong)
    for wrong in ([-1], [0, 1], [0.5]):
        with pytest.raises(DataError, match="category"):
            engine.nearest(place, limit=10, category=np.array(wrong))
        with pytest.raises(DataError, match="capacity"):
            engine.forward(place, place, cutoffs=[10], capacity=np.array(wrong))


def test_neighbours_stand_together_in_memory():
    """Along a Hilbert curve over a square of 16 x 16 cells each step is one cell long (Hilbert 1891)."""
    xy = np.indices((16, 16)).reshape(2, -1).T * (2**15 - 1) / 15
    rank = along_hilbert(xy)
    steps = np.abs(np.diff(xy[np.argsort(rank)], axis=0)).sum(axis=1)
    assert sorted(rank.tolist()) == list(range(256))
    assert steps == pytest.approx(np.full(255, (2**15 - 1) / 15))
