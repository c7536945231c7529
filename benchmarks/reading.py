"""Reading one .osm.pbf of about 640,000 nodes: circle15, osmnx by way of XML, and pyrosm, each in its own process.

`python -m benchmarks.reading JOB FILE` does one job and prints one line of JSON; `python -m benchmarks --only reading`
does all of them in turns. What the jobs do differs, and `JOBS` says how.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from benchmarks.measuring import forget_peak, peak_mb

if TYPE_CHECKING:
    from collections.abc import Callable

NODES = 600_000  # asked of the generator, which gives 5 % more; places come on top
BEYOND_DEGREES = 0.01


class Job(NamedTuple):
    """One way to read: which environment, what it does, and the packages whose versions count."""

    environment: str
    does: str
    packages: tuple[str, ...]
    work: Callable[[Path], dict[str, int]]


def elements(file: Path) -> dict[str, int]:
    """Every element with every tag."""
    from circle15.sources.osm import read_osm

    read = read_osm(file)
    return {"nodes": len(read.node_ids), "ways": len(read.ways)}


def _streets(file: Path) -> Any:  # noqa: ANN401  a GeoDataFrame
    import numpy as np
    import shapely
    from pyproj import CRS, Transformer

    from circle15.sources.osm import read_osm
    from circle15.sources.streets import read_streets
    from circle15.tables import StudyArea

    read = read_osm(file)
    low, high = read.lonlat.min(axis=0) - BEYOND_DEGREES, read.lonlat.max(axis=0) + BEYOND_DEGREES
    crs = CRS("EPSG:32648")
    corners = Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(*np.column_stack([low, high]))
    return read_streets(read, StudyArea("all", shapely.box(*np.column_stack(corners).ravel()), crs))


def streets(file: Path) -> dict[str, int]:
    """Directed walking links between junctions."""
    return {"links": len(_streets(file))}


def network(file: Path) -> dict[str, int]:
    """The same, ready to be searched by one walker."""
    from circle15.network import WalkNetwork

    walk = WalkNetwork(_streets(file))
    graph = walk._graph("adult")  # noqa: SLF001  the timed graph is made on the first question
    return {"links": len(graph.layout.streets), "vertices": graph.layout.vertices}


def to_xml(file: Path) -> dict[str, int]:
    """The same elements as XML, beside the pbf."""
    import osmium

    target = file.with_name(file.name.replace(".osm.pbf", ".osm"))
    target.unlink(missing_ok=True)
    with osmium.SimpleWriter(str(target)) as out:
        for thing in osmium.FileProcessor(str(file)):
            out.add(thing)
    return {"bytes": target.stat().st_size}


def osmnx_xml(file: Path) -> dict[str, int]:
    """A simplified graph out of the XML."""
    import osmnx

    graph = osmnx.graph_from_xml(file.with_name(file.name.replace(".osm.pbf", ".osm")))
    return {"nodes": graph.number_of_nodes(), "links": graph.number_of_edges()}


def pyrosm_network(file: Path) -> dict[str, int]:
    """Tables of walking nodes and links."""
    import pyrosm

    nodes, links = pyrosm.OSM(str(file)).get_network("walking", nodes=True)
    return {"nodes": len(nodes), "links": len(links)}


def pyrosm_graph(file: Path) -> dict[str, int]:
    """The same, and the graph of it that osmnx understands."""
    import pyrosm

    osm = pyrosm.OSM(str(file))
    nodes, links = osm.get_network("walking", nodes=True)
    graph = osm.to_graph(nodes, links, graph_type="networkx")
    return {"nodes": graph.number_of_nodes(), "links": graph.number_of_edges()}


JOBS = {
    "circle15 elements": Job(
        "circle15", "read_osm: all nodes, ways, relations and tags", ("osmium", "numpy"), elements
    ),
    "circle15 streets": Job(
        "circle15",
        "read_osm + read_streets: walking rules (no motorways, private ways marked), links between junctions in both "
        "directions, vertices every 15 m or less, room for heights, kinds, stairs, lifts, gates, the edge of the data; "
        "no terrain here",
        ("osmium", "geopandas", "shapely"),
        streets,
    ),
    "circle15 network": Job(
        "circle15",
        "the same + WalkNetwork, timed for the adult: ready to search",
        ("osmium", "geopandas", "shapely", "numba"),
        network,
    ),
    "osmnx XML": Job(
        "osmnx",
        "graph_from_xml with its defaults: directed, simplified to junctions, largest weak component, great-circle "
        "lengths; reads no pbf and filters no way by its use, so motorways stay; no heights; plus the conversion below",
        ("osmnx", "networkx"),
        osmnx_xml,
    ),
    "pbf to XML": Job("circle15", "pyosmium writes the XML that osmnx needs", ("osmium",), to_xml),
    "pyrosm network": Job(
        "pyrosm",
        "OSM(file).get_network('walking', nodes=True): walking rules, tables of nodes and of links; no heights",
        ("pyrosm", "geopandas"),
        pyrosm_network,
    ),
    "pyrosm graph": Job(
        "pyrosm",
        "the same + to_graph('networkx') with its defaults: simplified to junctions; for 'walking' both directions",
        ("pyrosm", "networkx"),
        pyrosm_graph,
    ),
}


def main() -> None:
    """Do one job."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("job", choices=JOBS)
    parser.add_argument("file", type=Path)
    asked = parser.parse_args()
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    job = JOBS[asked.job]
    forget_peak()
    start = time.perf_counter()
    found = job.work(asked.file)
    report = {
        "job": asked.job,
        "seconds": time.perf_counter() - start,
        "peak_mb": peak_mb(),
        "found": found,
        "versions": {package: version(package) for package in job.packages},
    }
    print(json.dumps(report), file=out, flush=True)


if __name__ == "__main__":
    main()
