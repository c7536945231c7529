"""The recipe of osmnx's gallery: an ego graph per cut-off, its nodes and links buffered and united, holes filled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import networkx as nx
import numpy as np
import osmnx  # noqa: F401  the recipe is osmnx's; its import is part of the memory
import shapely

from benchmarks.city import CUTOFFS_S
from benchmarks.measuring import Engine, Pace, run

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.city import City

NODE_M, LINK_M = 50.0, 25.0


def build(city: City) -> nx.MultiDiGraph:
    """A graph as osmnx holds it: x and y on the nodes, seconds on the links."""
    graph = nx.MultiDiGraph()
    graph.add_nodes_from(
        (at, {"x": x, "y": y}) for at, (x, y) in enumerate(zip(city.x.tolist(), city.y.tolist(), strict=True))
    )
    links = zip(city.tail.tolist(), city.head.tolist(), city.ds.tolist(), strict=True)
    graph.add_edges_from((tail, head, {"ds": ds}) for tail, head, ds in links)
    return graph


def recipe(graph: nx.MultiDiGraph, city: City, pace: Pace) -> Callable[[], Any]:
    """As the gallery does it: the ends of every link are looked up in a table of nodes; whole links only."""
    homes, drawn = [], []
    for home in pace.over(city.homes.tolist()):
        for seconds in CUTOFFS_S:
            around = nx.ego_graph(graph, home, radius=seconds * 10, distance="ds")
            spots = [shapely.Point(data["x"], data["y"]) for _, data in around.nodes(data=True)]
            places = gpd.GeoDataFrame({"node": list(around.nodes)}, geometry=spots).set_index("node")
            ends = ((places.loc[tail].geometry, places.loc[head].geometry) for tail, head in around.edges())
            drawn.append(_united(places.geometry, [shapely.LineString(pair) for pair in ends]))
        homes.append(home)
    return lambda: (homes, _wkb(drawn))


def lean(graph: nx.MultiDiGraph, city: City, pace: Pace) -> Callable[[], Any]:
    """The same polygons without the look-ups."""
    homes, drawn = [], []
    for home in pace.over(city.homes.tolist()):
        for seconds in CUTOFFS_S:
            around = nx.ego_graph(graph, home, radius=seconds * 10, distance="ds")
            places = {node: (data["x"], data["y"]) for node, data in around.nodes(data=True)}
            lines = [shapely.LineString([places[tail], places[head]]) for tail, head in around.edges()]
            drawn.append(_united(gpd.GeoSeries(shapely.points(list(places.values()))), lines))
        homes.append(home)
    return lambda: (homes, _wkb(drawn))


def _united(places: gpd.GeoSeries, lines: list[shapely.LineString]) -> shapely.Geometry:
    whole = gpd.GeoSeries([*places.buffer(NODE_M), *gpd.GeoSeries(lines).buffer(LINK_M)]).union_all()
    return shapely.Polygon(whole.exterior) if whole.geom_type == "Polygon" else whole


def _wkb(drawn: list[shapely.Geometry]) -> Any:  # noqa: ANN401
    return np.array(shapely.to_wkb(drawn, hex=True), dtype=str).reshape(-1, len(CUTOFFS_S))


ENGINE = Engine(
    "osmnx",
    ("osmnx", "networkx", "shapely"),
    build,
    {
        "outlines": ("the gallery's recipe: ego_graph, buffers of 50 and 25 m, union, holes filled", recipe),
        "outlines-lean": ("the same polygons without its table look-ups", lean),
    },
)

if __name__ == "__main__":
    run(ENGINE)
