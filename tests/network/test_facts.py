"""A network handed on: links with their seconds, and a graph of networkx that knows the same town."""

import city
import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings

import toytown
from circle15.impedance import link_seconds
from circle15.network import WalkNetwork

WALKER = toytown.walker()


@pytest.fixture(scope="module")
def network():
    return WalkNetwork(toytown.streets())


def by_kind(graph, kind):
    return sorted(seconds for _, _, (one, seconds) in of_edges(graph) if one == kind)


def of_edges(graph):
    return [(tail, head, (told["kind"], told["seconds"])) for tail, head, told in graph.edges(data=True)]


def test_the_town_as_a_graph(network):
    graph = network.to_networkx(WALKER)
    assert graph.graph["crs"] == network.streets.crs
    assert by_kind(graph, "stairs") == [120.0, 240.0]  # down, up
    assert by_kind(graph, "escalator") == [100.0]  # up only
    assert set(by_kind(graph, "lift")) == {60.0}
    assert set(graph.nodes) == set(network.streets["from_node"]) | set(network.streets["to_node"])
    for node, (x, y, _) in toytown.NODES.items():
        assert (graph.nodes[node]["x"], graph.nodes[node]["y"]) == (toytown.EAST + x, toytown.NORTH + y)
    assert nx.shortest_path_length(graph, 1, 17, weight="seconds") == pytest.approx(16 * 60)
    assert {key for _, _, key in graph.edges(keys=True)} == set(network.streets.index)
    assert all(told["geometry"].length > 0 or told["kind"] == "lift" for _, _, told in graph.edges(data=True))


def test_who_takes_no_stairs_has_no_edge_there(network):
    graph = network.to_networkx(WALKER.step_free())
    assert not by_kind(graph, "stairs")
    assert not by_kind(graph, "escalator")
    seconds = network.links(WALKER.step_free()).set_index("kind")["seconds"]
    assert np.isinf(seconds["stairs"]).all()


def test_a_closed_link_is_in_neither(network):
    closed = network.without([toytown.STAIRS])
    assert not by_kind(closed.to_networkx(WALKER), "stairs")
    assert toytown.STAIRS not in set(closed.links(WALKER)["osm_id"])
    assert by_kind(network.to_networkx(WALKER), "stairs")


def test_links_are_the_streets_and_their_seconds(network):
    before = network.streets.copy()
    links = network.links(WALKER)
    np.testing.assert_array_equal(links["seconds"], link_seconds(toytown.streets(), WALKER))
    assert links.drop(columns="seconds").equals(before)
    assert network.streets.equals(before)


@settings(max_examples=40)
@given(city.cities())
def test_a_graph_has_every_way_of_the_engine(drawn):
    """From the end of one link to the start of another, as the engine adds them up, to its rounding of each link."""
    table, origins, facilities = drawn
    network = WalkNetwork(table)
    graph = network.to_networkx(WALKER)
    times = network.travel_times(origins, facilities, walker=WALKER, cutoff_minutes=600)
    slow = nx.MultiDiGraph()
    for tail, head, told in graph.edges(data=True):
        slow.add_edge(tail, head, seconds=told["seconds"])
    lengths = dict(nx.all_pairs_dijkstra_path_length(slow, weight="seconds"))
    link_of = times.origins.table["link"], times.facilities.table["link"]
    for walk in times.pairs().itertuples():
        here, there = table.loc[link_of[0][walk.origin]], table.loc[link_of[1][walk.facility]]
        if here["piece"] == there["piece"]:
            continue
        ways = [
            lengths.get(start, {}).get(end, np.inf)
            for start in (here["from_node"], here["to_node"])
            for end in (there["from_node"], there["to_node"])
        ]
        rounding = 0.05 * len(table) + 0.5
        assert min(ways) - rounding <= walk.seconds  # no way of the engine is shorter than the part between the links
