"""The network as plain arrays, for an engine elsewhere that has to come to the same ticks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from circle15.impedance import NO_WAY
from circle15.network import snapping

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import geopandas as gpd
    from numpy.typing import NDArray

    from circle15.network.graph import Bools, Floats, Graph, Ints
    from circle15.network.snapping import Spots


@dataclass(frozen=True)
class Timed:
    """The streets as one walker can use them, and where this walker's walks begin and end.

    Parameters
    ----------
    ticks : ndarray of int, shape (2, pieces)
        Along the geometry of each piece and against it; `impedance.NO_WAY` where there is no way.
    small : ndarray of bool, shape (pieces,)
        Scraps of street, that points are put on only where nothing else is near.
    origins, facilities : Spots
        Where the points stand.
    """

    ticks: Ints
    small: Bools
    origins: Spots
    facilities: Spots


@dataclass(frozen=True)
class Portable:
    """A walking network and the points on it. What is said of two sides is said along and against the geometry.

    Parameters
    ----------
    nodes : ndarray of int, shape (nodes,)
        Their numbers in `tables.STREETS`; elsewhere here a node is a place in this array. Nodes at one spot are in
        ascending order.
    tail, head : ndarray of int, shape (pieces,)
        The nodes at the start and at the end of each piece.
    lines : ndarray of LineString, shape (pieces,)
        In the CRS of the streets. The order of the pieces settles which of two equally near ones a point is put on.
    metres : ndarray of float, shape (pieces,)
        Their lengths.
    kind, osm_id : ndarray of str, shape (pieces,)
        As in `tables.STREETS`.
    doors : ndarray of bool, shape (pieces,)
        Whether a point may be put on the piece, if a walker can use it.
    private, closed, at_edge : ndarray of bool, shape (2, pieces)
        Whether a side is for starts and ends of walks only, is shut, and leads to where the data end.
    timed : mapping of str to Timed
        By the name of the walker.
    """

    nodes: Ints
    tail: Ints
    head: Ints
    lines: NDArray[np.object_]
    metres: Floats
    kind: NDArray[np.object_]
    osm_id: NDArray[np.object_]
    doors: Bools
    private: Bools
    closed: Bools
    at_edge: Bools
    timed: Mapping[str, Timed]


def portable(graphs: Sequence[Graph], origins: gpd.GeoDataFrame, facilities: gpd.GeoDataFrame) -> Portable:
    """The network that some graphs share, as plain arrays.

    Parameters
    ----------
    graphs : sequence of Graph
        One for each walker, at least one.
    origins, facilities : GeoDataFrame
        Points to be put on the streets.

    Returns
    -------
    Portable
    """
    layout = graphs[0].layout
    streets = layout.streets.iloc[layout.ahead]
    edge = layout.streets["at_edge"].to_numpy(dtype=bool)
    kind, osm_id = (streets[name].to_numpy(dtype=object) for name in ("kind", "osm_id"))
    two = layout.back >= 0

    def sides(said: Bools) -> Bools:
        return np.stack([said[layout.ahead], two & said[layout.back]])

    return Portable(
        nodes=layout.nodes,
        tail=layout.tail[layout.ahead],
        head=layout.head[layout.ahead],
        lines=layout.lines,
        metres=layout.length_m,
        kind=kind,
        osm_id=osm_id,
        doors=layout.doors,
        private=sides(layout.private),
        closed=sides(layout.closed),
        at_edge=sides(edge),
        timed={graph.walker.name: _timed(graph, origins, facilities) for graph in graphs},
    )


def _timed(graph: Graph, origins: gpd.GeoDataFrame, facilities: gpd.GeoDataFrame) -> Timed:
    ticks = np.stack([ticks for _, ticks in graph.ways])
    homes, goals = (snapping.place(graph, points) for points in (origins, facilities))
    return Timed(np.minimum(ticks, NO_WAY), graph.small, homes, goals)
