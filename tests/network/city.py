"""Random small cities, and slow walks to hold the engine against: networkx on links split at every point."""

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import shapely
from hypothesis import strategies as st

import toytown
from circle15.impedance import NO_WAY, link_ticks
from circle15.tables import STREETS

MOST_NODES = 9


def streets(nodes, links):
    """A streets table from node positions and (tail, head, kind, private, both ways)."""
    rows, shapes, names = [], [], []
    for number, (tail, head, kind, private, both) in enumerate(links):
        bend = (nodes[tail] + nodes[head]) / 2 + 3.0 + number  # so that parallel links lie apart
        for start, end, mark in ((tail, head, ">"), (head, tail, "<"))[: 2 if both else 1]:
            line = shapely.LineString([nodes[start], bend, nodes[end]])
            rows.append(
                {
                    "piece": f"way/{number}",
                    "osm_id": f"way/{number}",
                    "from_node": start,
                    "to_node": end,
                    "length_m": line.length,
                    "rise_m": 0.0,
                    "kind": kind,
                    "access": "private" if private else "open",
                    "evidence": "survey",
                    "at_edge": False,
                }
            )
            shapes.append(line)
            names.append(f"way/{number}{mark}")
    frame = pd.DataFrame(rows, index=pd.Index(names, name="link")).reindex(columns=STREETS.names[:-1])
    return gpd.GeoDataFrame(frame, geometry=shapes, crs=toytown.CRS)


def points_on(table, spots, *, name, off=0.0):
    """Points beside links: (link position, share) each, moved by `off` metres."""
    lines = table.geometry.to_numpy()[[link % len(table) for link, _ in spots]]
    places = shapely.get_coordinates(
        shapely.line_interpolate_point(lines, [share for _, share in spots], normalized=True)
    )
    index = pd.Index([f"{name}{i}" for i in range(len(spots))], name=name)
    return gpd.GeoDataFrame(geometry=shapely.points(places + off), crs=table.crs, index=index)


@st.composite
def cities(draw, *, private=False):
    """Streets, origins and single-entrance facilities: one-way links, parallel links, dead ends, islands."""
    size = draw(st.integers(3, 5) if private else st.integers(2, MOST_NODES))  # dense enough for a way round a yard
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    nodes = random.uniform(0, 2000, (size, 2)) + toytown.CORNER
    count = draw(st.integers(6, 9) if private else st.integers(1, 16))
    drawn = []
    for _ in range(count):  # drawn evenly: hypothesis would rather draw the same simple links again
        ends = random.choice(size, 2, replace=False).tolist()
        kind = ("path", "street", "crossing")[random.integers(3)]
        drawn.append((*ends, kind, private and random.random() < 0.35, random.random() < 0.7))
    table = streets(nodes, drawn)
    spot = st.tuples(st.integers(0, 40), st.floats(0.02, 0.98))
    origins = points_on(table, draw(st.lists(spot, min_size=1, max_size=4)), name="origin", off=0.3)
    facilities = points_on(table, draw(st.lists(spot, min_size=1, max_size=4)), name="facility", off=-0.2)
    return table, origins, facilities


def spots(table, points, placement):
    """Per placed point: its piece's links with the share walked along each, and the off-road ticks."""
    found = {}
    for name, row in placement.table[placement.table["how"] != "far"].iterrows():
        piece = table.loc[row["link"], "piece"]
        links = table.index[table["piece"] == piece]
        share = table.geometry[row["link"]].project(points.geometry[name], normalized=True)
        shares = {link: share if link == row["link"] else 1 - share for link in links}
        found[name] = (shares, round(row["off_road_s"] * 10))
    return found


def split_graph(table, walker, origins, facilities):
    """Every link cut at every spot on it: ticks from the start are shared out by length and rounded at the spot."""
    ticks = pd.Series(link_ticks(table, walker), index=table.index)
    graph = nx.MultiDiGraph()
    on_link = {}
    for side, placed in (("origin", origins), ("facility", facilities)):
        for name, (shares, off_road) in placed.items():
            for link, share in shares.items():
                on_link.setdefault(link, []).append((share, side, name, off_road))
    for link, row in table.iterrows():
        whole = int(ticks[link])
        if whole == NO_WAY:
            continue
        graph.add_edge(row["from_node"], row["to_node"], ticks=whole, access=row["access"])
        for share, side, name, off_road in on_link.get(link, []):
            walked = int(np.rint(share * whole))
            if side == "origin":
                ends = ((side, name), row["to_node"])
                graph.add_edge(*ends, ticks=whole - walked + off_road, access=row["access"])
                for other, goal_side, goal, goal_off in on_link[link]:
                    if goal_side == "facility" and other >= share:
                        straight = int(np.rint(other * whole)) - walked + off_road + goal_off
                        graph.add_edge((side, name), (goal_side, goal), ticks=straight, access="direct")
            else:
                graph.add_edge(row["from_node"], (side, name), ticks=walked + off_road, access=row["access"])
    return graph


def slow_seconds(table, walker, origins, facilities):
    """Seconds by networkx's Dijkstra, origin by origin; without private links."""
    graph = split_graph(table, walker, origins, facilities)
    found = {}
    for name in origins:
        if ("origin", name) in graph:
            reached = nx.single_source_dijkstra_path_length(graph, ("origin", name), weight="ticks")
            found |= {
                (name, node[1]): ticks / 10
                for node, ticks in reached.items()
                if isinstance(node, tuple) and node[0] == "facility"
            }
    return found
