"""OSM elements as layers of a GeoPackage, to be looked at in QGIS. Nothing reads them back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import shapely

from circle15.sources.shapes import LINE_TYPES, POLYGON_TYPES, pick, shapes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from circle15.sources.osm import Elements

    Tags = Mapping[str, str]

_POINT_TYPES = (shapely.GeometryType.POINT, shapely.GeometryType.MULTIPOINT)
_PLACES = (
    "amenity",
    "club",
    "healthcare",
    "leisure",
    "office",
    "public_transport",
    "shop",
    "social_facility",
    "tourism",
)
_GROUND = ("landuse", "natural", "waterway", "water")
LAYERS: dict[str, tuple[Callable[[Tags], bool], tuple[int, ...]]] = {  # name -> what is in it, as which shapes
    "streets": (lambda tags: "highway" in tags, LINE_TYPES),
    "squares": (lambda tags: "highway" in tags, POLYGON_TYPES),
    "places": (lambda tags: any(key in tags for key in _PLACES), _POINT_TYPES),
    "places_areas": (lambda tags: any(key in tags for key in _PLACES), POLYGON_TYPES),
    "buildings": (lambda tags: tags.get("building", "no") != "no", POLYGON_TYPES),
    "land_use": (lambda tags: any(key in tags for key in _GROUND), POLYGON_TYPES),
    "boundaries": (lambda tags: tags.get("boundary") == "administrative", POLYGON_TYPES),
}
_COLUMNS = ("name", "highway", "amenity", "shop", "building", "landuse", "natural", "admin_level")


def write_layers(elements: Elements, file: Path) -> dict[str, int]:
    """Write elements as layers: streets, squares, places (points and areas), buildings, land use and boundaries.

    Parameters
    ----------
    elements : Elements
        As read.
    file : Path
        The GeoPackage to write, in WGS-84.

    Returns
    -------
    dict
        Rows of each layer; a layer without any is not written.
    """
    counts: dict[str, int] = {}
    for name, (wanted, types) in LAYERS.items():
        picked = pick(elements, wanted)
        placed = shapes(elements, picked)
        placed = placed[np.isin(shapely.get_type_id(placed.to_numpy()), types)]
        if placed.empty:
            continue
        tags = [picked[one] for one in placed.index]
        columns = {key: [own.get(key) for own in tags] for key in _COLUMNS if any(key in own for own in tags)}
        told = [json.dumps(dict(sorted(own.items())), ensure_ascii=False) for own in tags]
        frame = gpd.GeoDataFrame(
            {"osm_id": list(placed.index), **columns, "tags": told}, geometry=placed.to_numpy(), crs=placed.crs
        )
        frame.to_file(file, layer=name, driver="GPKG", mode="a" if counts else "w")
        counts[name] = len(frame)
    return counts
