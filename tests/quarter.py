"""A quarter small enough to judge by hand: a district of two subdistricts of two communities, ten metres a side.

y 20  +---------+---------+
      |   C2    |   C4    |      S1 = C1 + C2 in the west, S2 = C3 + C4 in the east
   10 +---------+---------+
      |   C1    |   C3    |
    0 +---------+---------+
      0        10        20 x
"""

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from circle15.assessment import completeness, coverage, residents
from circle15.project import Standard
from circle15.tables import FACILITIES, TravelTimes

UTM = "EPSG:32648"
BANDS = [
    {"grade": grade, "zh": str(grade), "en": str(grade), "coverage": coverage, "supply": supply}
    for grade, coverage, supply in ((1, 0, 0), (2, 0.5, 0.5), (3, 0.75, 0.8), (4, 0.9, 1.0), (5, 0.95, 1.2))
]
CORNERS = {"C1": (0, 0), "C2": (0, 10), "C3": (10, 0), "C4": (10, 10)}


def service(key, category="one", **more):
    words = {"key": key, "category": category, "zh": key, "en": key, "tier": "community", "need": "basic"}
    return words | {"minutes": 15, "basis": "test"} | more


def norm(amount, of="capacity", **more):
    return {"amount": amount, "of": of, "zh": "座", "en": "seats", "basis": "test", "evidence": "own"} | more


def minimum(least, of="floor_area_m2", **more):
    return {"least": least, "of": of, "basis": "test", "evidence": "own"} | more


def standard(*services, **more):
    keys = list(dict.fromkeys(one["category"] for one in services))
    categories = [
        {"key": key, "zh": key, "en": key, "services": [one for one in services if one["category"] == key]}
        for key in keys
    ]
    words = {"name": "toy", "title_zh": "", "title_en": "", "authority_zh": "", "authority_en": "", "grades": BANDS}
    return Standard.model_validate(words | {"categories": categories} | more)


def units():
    boxes = {name: shapely.box(x, y, x + 10, y + 10) for name, (x, y) in CORNERS.items()}
    boxes |= {"S1": shapely.box(0, 0, 10, 20), "S2": shapely.box(10, 0, 20, 20), "D": shapely.box(0, 0, 20, 20)}
    rows = [("D", "district", None), ("S1", "subdistrict", "D"), ("S2", "subdistrict", "D")]
    rows += [(name, "community", "S1" if name in ("C1", "C2") else "S2") for name in CORNERS]
    frame = pd.DataFrame(rows, columns=["unit", "tier", "parent"]).set_index("unit")
    frame["name"], frame["population"], frame["source"] = frame.index, np.nan, "drawn"
    return gpd.GeoDataFrame(frame, geometry=[boxes[name] for name in frame.index], crs=UTM)


def origins(people):
    """Homes at the middle of their community: name -> (community, residents)."""
    frame = pd.DataFrame(
        [(name, unit, float(count), 10.0 * place) for place, (name, (unit, count)) in enumerate(people.items())],
        columns=["origin", "unit", "population", "height_m"],
    ).set_index("origin")
    middles = [shapely.Point(CORNERS[unit][0] + 5, CORNERS[unit][1] + 5) for unit in frame["unit"]]
    return gpd.GeoDataFrame(frame, geometry=middles, crs=UTM)


def facilities(rows):
    """Facilities by name: service, (x, y) or several of them, and what is known of their size and place."""
    listed = []
    for name, row in rows.items():
        points = row["at"] if isinstance(row["at"], list) else [row["at"]]
        listed.append(
            {
                "facility": name,
                "place": row.get("place", name),
                "category": "one",
                "service": row["service"],
                "tier": "community",
                "name": name,
                "capacity": row.get("capacity", np.nan),
                "floor_area_m2": row.get("floor_area_m2", np.nan),
                "source": "drawn",
                "verified": True,
                "entrance_from": "table",
                "geometry": shapely.MultiPoint(points),
            }
        )
    frame = gpd.GeoDataFrame(listed, geometry="geometry", crs=UTM).set_index("facility")
    return frame[FACILITIES.names]


def times(walks, homes, places, *, minutes=30):
    """Walks by home and facility, in seconds."""
    pairs = pd.DataFrame(
        [(home, place, float(seconds)) for (home, place), seconds in walks.items()],
        columns=["origin", "facility", "seconds"],
    )
    return TravelTimes.from_pairs(pairs, origin_ids=homes.index, facility_ids=places.index, cutoff_minutes=minutes)


def covered(walks, homes, places, asked, **more):
    """Times and coverage of them."""
    walked = times(walks, homes, places)
    return walked, coverage(walked, places, standard=asked, **more)


def lists(places, homes, asked, *, whole=True):
    """Completeness: every list is whole, or as it is counted."""
    keys = [one.key for one in asked.services]
    told = [(keys, [])] if whole else []
    return completeness(places, units(), standard=asked, people=residents(homes, units()), listed=told)
