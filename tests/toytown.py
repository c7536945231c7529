"""A town that a reader can compute by hand.

Its walker does 4.8 km/h on the flat: 80 m a minute. Streets are drawn between nodes 80 m apart::

      y
     80   21---22---23---24---25---26---27 gate          the terrace, 60 m up
                #         ^         :
                # stairs  ^ up      : bridge from the lift
      0    1----2----3----4----5----6----7----8----9----10---11---12---13---14---15---16---17 ...
                                   lift       |         |             gate          900 s
    -80                                  yard 31        32
                                              |         |
    -160                                      41---42---33
          ~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~ river
    -400  51---52---53---54---55---56---57---58          the island

* Node 1 is at x = 0, node 17 at x = 1280, where the data end.
* The stairs climb 60 m: 240 s up, 120 s down. The escalator runs up only: 100 m of slope, 100 s. The lift takes 60 s.
* The two links of the yard (8 to 31, 31 to 41) are private: a start or an end, not a way through.
* The island is 560 m of street that nothing joins to the rest.
* From the home in the west, one clinic is at exactly 900 s and one at 901 s.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from circle15.project import Walker
from circle15.tables import FACILITIES, STREETS

CRS = "EPSG:32648"
EAST, NORTH = 645_000.0, 3_271_000.0  # where the town's x = 0, y = 0 lies
CORNER = np.array([EAST, NORTH])
MINUTE_M = 80.0
TERRACE_M = 60.0

NODES = {
    **{1 + i: (MINUTE_M * i, 0.0, 0.0) for i in range(17)},
    **{21 + i: (MINUTE_M * i, 80.0, TERRACE_M) for i in range(7)},
    **{51 + i: (MINUTE_M * i, -400.0, 0.0) for i in range(8)},
    31: (560.0, -80.0, 0.0),
    32: (720.0, -80.0, 0.0),
    33: (720.0, -160.0, 0.0),
    41: (560.0, -160.0, 0.0),
    42: (640.0, -160.0, 0.0),
    -1: (400.0, 0.0, TERRACE_M),  # the upper landing of the lift
}
LIFT, ESCALATOR, STAIRS = "node/6", "way/30", "way/20"  # what a scenario may close


def at(x: float, y: float) -> shapely.Point:
    """A place in the town, in the CRS of the study."""
    return shapely.Point(EAST + x, NORTH + y)


def walker(**changes: object) -> Walker:
    """80 m a minute on the flat; stairs 0.25 m/s up and 0.5 m/s down; escalator 1 m/s; lift 60 s for the terrace."""
    numbers = {
        "flat_m_s": MINUTE_M / 60,
        "stairs_up_m_s": 0.25,
        "stairs_up_long_m_s": 0.25,
        "stairs_down_m_s": 0.5,
        "escalator_m_s": 1.0,
        "lift_wait_s": 20.0,
        "lift_m_s": 2.0,
        "lift_doors_s": 10.0,
    }
    return Walker(name="toy", label_zh="玩具", label_en="Toy", source="made up", **(numbers | changes))


def _links() -> list[tuple[int, int, str, str, bool]]:
    """From, to, kind, OSM element, whether it may be walked both ways."""
    main = [(i, i + 1, "street", "way/1", True) for i in range(1, 17)]
    terrace = [(i, i + 1, "path", "way/2", True) for i in range(21, 27)]
    island = [(i, i + 1, "street", "way/5", True) for i in range(51, 58)]
    south = [(10, 32, "street", "way/3", True), (32, 33, "street", "way/3", True)]
    south += [(33, 42, "street", "way/3", True), (42, 41, "street", "way/3", True)]
    yard = [(8, 31, "path", "way/4", True), (31, 41, "path", "way/4", True)]
    up = [(2, 22, "stairs", STAIRS, True), (4, 24, "escalator", ESCALATOR, False), (6, -1, "lift", LIFT, True)]
    return [*main, *terrace, *island, *south, *yard, *up, (-1, 26, "bridge", "way/6", True)]


def streets() -> gpd.GeoDataFrame:
    """The links of the town (`tables.STREETS`)."""
    rows, shapes, names = [], [], []
    for number, (start, end, kind, osm_id, both) in enumerate(_links()):
        piece = f"{osm_id}#{number}"
        for tail, head, mark in ((start, end, ">"), (end, start, "<"))[: 2 if both else 1]:
            ends = np.array([NODES[tail], NODES[head]])
            rows.append(
                {
                    "piece": piece,
                    "osm_id": osm_id,
                    "from_node": tail,
                    "to_node": head,
                    "length_m": float(np.hypot(*(ends[1] - ends[0])[:2])),
                    "rise_m": ends[1, 2] - ends[0, 2],
                    "kind": kind,
                    "steps": 400.0 if kind == "stairs" else np.nan,
                    "access": "private" if osm_id == "way/4" else "open",
                    "evidence": "survey",
                    "at_edge": head == 17,
                }
            )
            shapes.append(shapely.LineString(ends + np.array([EAST, NORTH, 0.0])))
            names.append(piece + mark)
    frame = pd.DataFrame(rows, index=pd.Index(names, name="link")).reindex(columns=STREETS.names[:-1])
    text = [column.name for column in STREETS.columns if column.kind == "text"]
    frame[text] = frame[text].astype(object).where(frame[text].notna(), None)
    return gpd.GeoDataFrame(frame, geometry=shapes, crs=CRS)


def origins() -> gpd.GeoDataFrame:
    """Five homes, and one that no street is near (`tables.ORIGINS`)."""
    homes = {
        "west": (0.0, 0.0),
        "below": (240.0, 0.0),
        "above": (240.0, 80.0),
        "yard": (560.0, -80.0),
        "island": (0.0, -400.0),
        "nowhere": (5000.0, 5000.0),
    }
    frame = pd.DataFrame(
        {
            "population": 100.0,
            "unit": None,
            "buildings": 1,
            "floor_area_m2": np.nan,
            "height_m": np.nan,
            "span_m": 0.0,
            "evidence": "survey",
        },
        index=pd.Index(homes, name="origin"),
    )
    return gpd.GeoDataFrame(frame, geometry=[at(*place) for place in homes.values()], crs=CRS)


def facilities() -> gpd.GeoDataFrame:
    """Places with one entrance, and a park with two gates (`tables.FACILITIES`)."""
    places = {
        "clinic_900": [(1200.0, 0.0)],
        "clinic_901": [(1200.0 + MINUTE_M / 60, 0.0)],
        "library": [(240.0, 80.0)],
        "kiosk": [(240.0, 0.0)],
        "park": [(960.0, 0.0), (480.0, 80.0)],
        "nursery": [(560.0, -80.0)],
        "shop": [(560.0, -160.0)],
        "post": [(560.0, -400.0)],
    }
    frame = pd.DataFrame(
        {
            "place": [f"place/{name}" for name in places],
            "category": "health",
            "service": list(places),
            "tier": "community",
            "name": None,
            "capacity": np.nan,
            "floor_area_m2": np.nan,
            "source": "toy town",
            "verified": True,
            "entrance_from": "table",
        },
        index=pd.Index(places, name="facility"),
    ).reindex(columns=FACILITIES.names[:-1])
    shapes = [shapely.MultiPoint([at(*one) for one in entrances]) for entrances in places.values()]
    return gpd.GeoDataFrame(frame, geometry=shapes, crs=CRS)


def water() -> gpd.GeoSeries:
    """The river between the town and the island."""
    return gpd.GeoSeries([shapely.box(EAST - 500, NORTH - 360, EAST + 2000, NORTH - 200)], crs=CRS)
