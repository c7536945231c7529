"""Valhalla through pyvalhalla: its own tiles from a .osm.pbf, its own isochrones; all streets footways, flat speed."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import valhalla
from valhalla.config import get_config

from benchmarks import osm_file
from benchmarks.city import CUTOFFS_S
from benchmarks.measuring import Engine, Pace, run

if TYPE_CHECKING:
    from benchmarks.city import City

BUILDER = Path(valhalla.__file__).parent / "bin" / "valhalla_build_tiles"


def build(city: City) -> Any:  # noqa: ANN401
    """Tiles of the city, written out as footways; the file is made before Valhalla starts, but counts as building."""
    folder = Path(tempfile.mkdtemp(prefix="valhalla-"))
    tiles, source = folder / "tiles", folder / "city.osm.pbf"
    tiles.mkdir()
    osm_file.write(city, source, only={"highway": "footway"})
    settings = get_config(tile_extract="", tile_dir=str(tiles))
    kept = folder / "settings.json"
    kept.write_text(json.dumps(settings))
    subprocess.run([BUILDER, "--config", kept, source], check=True, capture_output=True)  # noqa: S603  our own words
    return valhalla.Actor(str(kept))


def outlines(actor: Any, city: City, pace: Pace) -> None:  # noqa: ANN401
    """Polygons of three cut-offs."""
    lonlat = city.lonlat
    for home in pace.over(city.homes.tolist()):
        lon, lat = lonlat[home].tolist()
        actor.isochrone(
            {
                "locations": [{"lon": lon, "lat": lat}],
                "costing": "pedestrian",
                "contours": [{"time": seconds / 60} for seconds in CUTOFFS_S],
                "polygons": True,
                "generalize": 5,
            }
        )


ENGINE = Engine(
    "pyvalhalla",
    ("pyvalhalla",),
    build,
    {"outlines": ("isochrone, generalize 5 m; its own flat speed, tiles made first", outlines)},
)

if __name__ == "__main__":
    run(ENGINE)
