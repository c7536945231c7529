"""circle15's isochrones, through the public class; and the exact outlines that all are held against."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from benchmarks.city import CUTOFFS_S
from benchmarks.city import make as make_city
from benchmarks.measuring import Engine, Pace, run
from benchmarks.studies import CRS, table
from circle15.network import WalkNetwork
from circle15.network.engine import along_hilbert
from circle15.network.isochrones import RADIUS_M

if TYPE_CHECKING:
    from collections.abc import Callable

    from shapely.geometry.base import BaseGeometry

    from benchmarks.city import City

MINUTES = tuple(seconds / 60 for seconds in CUTOFFS_S)
CHUNK = 500  # homes drawn at a time, and then dropped as the outlines of the peers are: memory is used once more
KEPT = 60  # homes whose outlines are kept for comparison
TIMES = 3  # that outlines are asked of one network: on all cores, on one, in smaller cells
WALKER = "adult"


class Built(NamedTuple):
    """The network; and for each time that outlines are asked of it the homes, as tables of neighbours.

    Tables of residence clusters have them, and that they are tables already is no part of drawing. Each time they stand
    some millimetres off, so that no placing on a street that is remembered is of use.
    """

    network: WalkNetwork
    homes: list[list[gpd.GeoDataFrame]]


def build(city: City) -> Built:
    """The table of streets as a network, timed for the adult: his times on the slopes, not the city's own.

    What is made of the streets once, for the first outline, is part of it, as tiles are of Valhalla.
    """
    network = WalkNetwork(table(city))
    network.isochrones(points(city, city.homes[:1]), walker=WALKER, minutes=MINUTES)
    order = np.argsort(along_hilbert(np.column_stack([city.x, city.y])[city.homes]))
    chunks = np.array_split(city.homes[order], -(-len(order) // CHUNK))
    return Built(network, [[points(city, chunk, off_mm=time) for chunk in chunks] for time in range(TIMES)])


def points(city: City, nodes: Any, *, off_mm: int = 0) -> gpd.GeoDataFrame:  # noqa: ANN401  an array of nodes
    """Homes as a table, some millimetres to the east of their nodes."""
    index = pd.Index([f"n{node}" for node in nodes], name="origin")
    xy = np.column_stack([city.x, city.y])[nodes] + [off_mm / 1000, 0.0]
    return gpd.GeoDataFrame(geometry=shapely.points(xy), crs=CRS, index=index)


def drawn(built: Built, city: City, pace: Pace, *, time: int = 0, fine: bool = False) -> Callable[[], Any]:
    """Outlines of chunks of homes; those of a few homes are kept to be compared."""
    chunks, names, kept = built.homes[time], {f"n{home}" for home in city.homes[:KEPT]}, []
    for chunk in pace.over(chunks, each=len(chunks[0])):
        shapes = built.network.isochrones(chunk, walker=WALKER, minutes=MINUTES, fine=fine)
        kept.append(shapes[shapes["origin"].isin(names)])
        del shapes
    return lambda: _table(pd.concat(kept), city.homes[:KEPT])


def drawn_together(built: Built, city: City, pace: Pace) -> None:
    """Outlines of all homes in one call, held together: a hundred kilobytes for each home."""
    for homes in pace.over([city.homes], each=len(city.homes)):
        built.network.isochrones(points(city, homes, off_mm=TIMES), walker=WALKER, minutes=MINUTES)


def drawn_alone(built: Built, city: City, pace: Pace) -> None:
    """On one processor."""
    if not hasattr(os, "sched_setaffinity"):
        return
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        drawn(built, city, pace, time=1)
    finally:
        os.sched_setaffinity(0, allowed)


def drawn_fine(built: Built, city: City, pace: Pace) -> Callable[[], Any]:
    """In smaller cells."""
    return drawn(built, city, pace, time=2, fine=True)


def exact(built: Built, city: City, pace: Pace) -> Callable[[], Any]:
    """The reached stretches of street, each buffered, all united."""
    homes, shapes = [], []
    for home in pace.over(city.homes[:KEPT].tolist()):
        start = points(city, [home]).geometry.iloc[0]
        shapes += [united(built.network, start, minutes) for minutes in MINUTES]
        homes.append(home)
    return lambda: (homes, _wkb(shapes).reshape(-1, len(MINUTES)))


def united(network: WalkNetwork, home: shapely.Point, minutes: float) -> BaseGeometry:
    """The exact outline of one home and one limit."""
    streets = network.reached(home, minutes, walker=WALKER).geometry.to_numpy()
    return shapely.union_all(shapely.buffer(streets, RADIUS_M))


def _table(shapes: gpd.GeoDataFrame, homes: Any) -> Any:  # noqa: ANN401  an array of nodes
    """Homes that have all outlines, and these."""
    by_home = dict(iter(shapes.groupby("origin", sort=False)))
    whole = [home for home in homes.tolist() if len(by_home.get(f"n{home}", ())) == len(MINUTES)]
    ordered = [by_home[f"n{home}"].sort_values("minutes").geometry.to_numpy() for home in whole]
    return whole, _wkb(np.concatenate(ordered)).reshape(-1, len(MINUTES))


def _wkb(shapes: Any) -> Any:  # noqa: ANN401  an array of polygons
    return np.array(shapely.to_wkb(shapes, hex=True), dtype=str)


def warm() -> None:
    """Load the kernels."""
    city = make_city(400)
    drawn(build(city), city, Pace(1.0))


ENGINE = Engine(
    "circle15",
    ("circle15", "numba", "numpy", "shapely"),
    build,
    {
        "outlines": ("WalkNetwork.isochrones, partial links, holes, valid, all cores", drawn),
        "outlines-1": ("the same, one thread", drawn_alone),
        "outlines-all": ("the same in one call that holds all of them, all cores", drawn_together),
        "outlines-fine": ("the same in smaller cells (fine=True), all cores", drawn_fine),
        "outlines-exact": ("WalkNetwork.reached + buffer each + union_all: the exact outline", exact),
    },
    threads=os.cpu_count() or 1,
    warm=warm,
)

if __name__ == "__main__":
    run(ENGINE)
