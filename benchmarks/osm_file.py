"""A synthetic city as a .osm.pbf file, with the tags that readers look at, and some places."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import osmium
from osmium.osm.mutable import Node, Way

from benchmarks.city import SEED

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.city import City

WAY_TAGS = (  # share of the streets, and their tags
    (0.42, {"highway": "residential", "sidewalk": "both"}),
    (0.28, {"highway": "footway"}),
    (0.10, {"highway": "service"}),
    (0.08, {"highway": "tertiary", "lanes": "2", "maxspeed": "40"}),
    (0.06, {"highway": "steps", "step_count": "24"}),
    (0.03, {"highway": "primary", "lanes": "4"}),
    (0.03, {"highway": "motorway", "oneway": "yes"}),
)
PLACES = ("school", "kindergarten", "clinic", "pharmacy", "marketplace", "library", "community_centre", "toilets")
PLACE_SHARE = 0.016


def write(city: City, path: Path, *, only: dict[str, str] | None = None) -> dict[str, int]:
    """Write a city; `only` gives all streets the same tags. Returns the counts."""
    random = np.random.default_rng(SEED)
    path.unlink(missing_ok=True)
    ways = list(_ways(city))
    kind = random.choice(len(WAY_TAGS), len(ways), p=[share for share, _ in WAY_TAGS])
    spots = random.choice(len(city.x), round(PLACE_SHARE * len(city.x)), replace=False)
    lonlat = city.lonlat
    with osmium.SimpleWriter(str(path)) as file:
        for at, (lon, lat) in enumerate(lonlat.tolist(), start=1):
            file.add_node(Node(id=at, location=(lon, lat), version=1))
        for at, spot in enumerate(spots.tolist(), start=len(city.x) + 1):
            lon, lat = lonlat[spot] + 1e-4
            tags = {"amenity": PLACES[at % len(PLACES)], "name": f"place {at}"}
            file.add_node(Node(id=at, location=(lon, lat), version=1, tags=tags))
        for at, nodes in enumerate(ways, start=1):
            tags = only or {**WAY_TAGS[kind[at - 1]][1], "name": f"street {at}"}
            file.add_way(Way(id=at, nodes=nodes, version=1, tags=tags))
    return {"nodes": len(city.x) + len(spots), "ways": len(ways), "places": len(spots)}


def _ways(city: City) -> Iterator[list[int]]:
    """Nodes of each street, counted from one: its links, each once, joined end to end."""
    forward = np.flatnonzero(city.tail < city.head)
    forward = forward[np.argsort(city.way[forward], kind="stable")]
    ends = np.column_stack([city.tail[forward], city.head[forward]])
    for links in np.split(ends, np.flatnonzero(np.diff(city.way[forward])) + 1):
        yield from _chains(links.tolist())


def _chains(links: list[list[int]]) -> Iterator[list[int]]:
    """Join links that share an end; a street that lost a link in the middle becomes two."""
    left = [tuple(link) for link in links]
    while left:
        chain = list(left.pop())
        grown = True
        while grown:
            grown = False
            for link in left:
                for one, other in (link, link[::-1]):
                    if chain[-1] == one or chain[0] == one:
                        chain = [*chain, other] if chain[-1] == one else [other, *chain]
                        left.remove(link)
                        grown = True
                        break
                if grown:
                    break
        yield [node + 1 for node in chain]
