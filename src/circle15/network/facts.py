"""What a network is made of: counted for the manifest and for its card, and handed on as links and as a graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from circle15.display import Card, share
from circle15.tables import EVIDENCE, LINK_KINDS

if TYPE_CHECKING:
    import geopandas as gpd
    import networkx as nx

    from circle15.network.graph import Layout

_KINDS = {
    "path": "步道 path",
    "street": "街道 street",
    "stairs": "梯道 stairs",
    "escalator": "自动扶梯 escalator",
    "lift": "电梯 lift",
    "cable_car": "索道 cable car",
    "crossing": "过街 crossing",
    "bridge": "桥 bridge",
    "tunnel": "隧道 tunnel",
    "corridor": "室内通道 corridor",
}
_CARRIED = ("length_m", "rise_m", "kind", "osm_id", "steps", "name")  # on an edge, beside its seconds and geometry


def counts(layout: Layout) -> dict[str, object]:
    """Links, pieces and nodes; links and kilometres by kind, links by evidence; closed, private and edge links."""
    table, is_open = layout.streets, ~layout.closed
    kind = table["kind"].to_numpy(dtype=object)
    evidence = table["evidence"].to_numpy(dtype=object)
    first = layout.ahead[is_open[layout.ahead]]
    metres = {one: float(layout.length_m[layout.piece[first]][kind[first] == one].sum()) for one in LINK_KINDS}
    return {
        "links": int(is_open.sum()),
        "pieces": len(first),
        "nodes": len(layout.nodes),
        "links_by_kind": {one: int((kind[is_open] == one).sum()) for one in LINK_KINDS},
        "links_by_evidence": {one: int((evidence[is_open] == one).sum()) for one in EVIDENCE},
        "km_by_kind": {one: round(length / 1000, 3) for one, length in metres.items()},
        "private_links": int((layout.private & is_open).sum()),
        "edge_links": int((table["at_edge"].to_numpy(dtype=bool) & is_open).sum()),
        "closed_links": int(layout.closed.sum()),
    }


def parts(layout: Layout, *, directed: bool) -> dict[str, int | float]:
    """How many connected parts, and the share of links that have both ends on the largest."""
    word, is_open = "strong" if directed else "weak", ~layout.closed
    part = layout.parts(is_open, directed=directed)
    tail, head = part[layout.tail[is_open]], part[layout.head[is_open]]
    largest = int(np.bincount(tail[tail == head]).max(initial=0))
    return {word: len(np.unique(part)), f"{word}_main_share": round(largest / max(len(tail), 1), 4)}


def card(layout: Layout) -> Card:
    """How much there is of each kind, and how much of what is known of it was surveyed or tagged."""
    told = counts(layout)
    links, km, evidence = (told[key] for key in ("links_by_kind", "km_by_kind", "links_by_evidence"))
    assert isinstance(links, dict)  # noqa: S101  as `counts` makes them
    assert isinstance(km, dict)  # noqa: S101
    assert isinstance(evidence, dict)  # noqa: S101
    whole = max(sum(km.values()), 1e-9)
    rows = [(_KINDS.get(kind, kind), links[kind], km[kind], share(km[kind] / whole)) for kind in links if links[kind]]
    facts = [
        ("节点 nodes", told["nodes"]),
        ("封闭路段 closed links", told["closed_links"]),
        ("私用路段 private links", told["private_links"]),
        ("数据边缘路段 links at the edge of the data", told["edge_links"]),
        ("依据 evidence", ", ".join(f"{one} {number:,}" for one, number in evidence.items() if number)),
    ]
    head = ("类别 kind", "有向路段 directed links", "千米 km", "占比 share of km")
    return Card(
        "WalkNetwork", f"{told['links']:,} links, {sum(km.values()):,.1f} km", facts=facts, head=head, rows=rows
    )


def digraph(links: gpd.GeoDataFrame) -> nx.MultiDiGraph[int]:
    """Links with their seconds as a graph in the manner of osmnx; those that cannot be walked are left out."""
    import networkx as nx  # loaded where it is asked for: no run does

    walked = links[np.isfinite(links["seconds"])]
    ends = shapely.get_coordinates(
        [shapely.get_point(walked.geometry.to_numpy(), at) for at in (0, -1)]  # first points, then last ones
    )
    nodes = np.concatenate([walked["from_node"], walked["to_node"]])
    graph: nx.MultiDiGraph[int] = nx.MultiDiGraph(crs=links.crs)
    graph.add_nodes_from(
        (int(node), {"x": x, "y": y}) for node, (x, y) in zip(nodes.tolist(), ends.tolist(), strict=True)
    )
    names = ["seconds", *(name for name in _CARRIED if name in walked), "geometry"]
    values = zip(*(walked[name].to_numpy(dtype=object) for name in names), strict=True)
    edges = zip(walked["from_node"].tolist(), walked["to_node"].tolist(), walked.index, values, strict=True)
    for tail, head, link, of in edges:
        graph.add_edge(tail, head, key=link, **dict(zip(names, of, strict=True)))
    return graph
