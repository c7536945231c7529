"""Whole studies, start to finish, as a planner runs them; and a synthetic city of 100,000 nodes through the API.

`python -m benchmarks.studies JOB --work FOLDER` does one job and prints one line of JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from benchmarks.measuring import peak_mb

if TYPE_CHECKING:
    import geopandas as gpd

    from benchmarks.city import City

STUDIES = Path(__file__).parents[1] / "tests" / "data"
NODES, CRS = 100_000, "EPSG:32648"


class Job(NamedTuple):
    """Words of the command line, and whether compiled kernels are there already; no words: the API."""

    does: str
    words: tuple[str, ...]
    cold: bool = False


JOBS = {
    "demo cold": Job("circle15 demo, no compiled kernels yet", ("demo",), cold=True),
    "demo warm": Job("circle15 demo", ("demo",)),
    "yuzhong": Job("circle15 run, real streets of Yuzhong", ("run", str(STUDIES / "yuzhong_real.toml"))),
    "monaco": Job("circle15 run, Monaco, four walkers", ("run", str(STUDIES / "monaco.toml"))),
    "helsinki": Job("circle15 run, Helsinki centre", ("run", str(STUDIES / "helsinki.toml"))),
    "synthetic": Job("API: 100,000 nodes, 5,000 homes, 10,000 facilities: times, coverage counts, isochrones", ()),
}


def command(job: Job, work: Path) -> dict[str, float]:
    """Seconds from pressing return to the finished folder, and the memory of that process."""
    kernels, output = work / "kernels", work / "output"
    if job.cold:
        shutil.rmtree(kernels, ignore_errors=True)
    shutil.rmtree(output, ignore_errors=True)
    kernels.mkdir(parents=True, exist_ok=True)
    words = [sys.executable, "-c", "from circle15.cli import main; main()", *job.words, "--output", str(output)]
    start = time.perf_counter()
    child = subprocess.Popen(  # noqa: S603  our own words
        words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=os.environ | {"NUMBA_CACHE_DIR": str(kernels)}
    )
    said = child.stderr.read() if child.stderr else b""
    _, status, used = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - start
    if os.waitstatus_to_exitcode(status):
        sys.exit(said.decode(errors="replace").strip() or "the study failed")
    size = sum(file.stat().st_size for file in output.rglob("*") if file.is_file())
    return {"seconds": seconds, "peak_mb": used.ru_maxrss / 1024, "output_mb": size / 1e6}


def synthetic() -> dict[str, Any]:
    """The same through the API, step by step."""
    import geopandas as gpd
    import numpy as np
    import pandas as pd
    import shapely

    from benchmarks.city import make
    from circle15.network import WalkNetwork

    city = make(NODES)
    streets = table(city)
    xy = np.column_stack([city.x, city.y])
    index = pd.RangeIndex(len(city.homes)).map("h{}".format).rename("origin")
    homes = gpd.GeoDataFrame(geometry=shapely.points(xy[city.homes]), crs=CRS, index=index)
    index = pd.RangeIndex(len(city.facility)).map("f{}".format).rename("facility")
    facilities = gpd.GeoDataFrame(geometry=shapely.points(xy[city.facility]), crs=CRS, index=index)
    found: dict[str, Any] = {}
    start = last = time.perf_counter()

    def lap(step: str) -> None:
        nonlocal last
        found[f"{step}_s"] = time.perf_counter() - last
        last = time.perf_counter()

    network = WalkNetwork(streets)
    network.place(homes, "adult")
    lap("network")
    times = network.travel_times(homes, facilities, walker="adult", cutoff_minutes=15)
    lap("times")
    drawn = network.isochrones(homes, walker="adult")
    lap("isochrones")
    return {
        "seconds": last - start,
        "peak_mb": peak_mb(),
        "pairs": int(times.seconds.nnz),
        "polygons": len(drawn),
        **found,
    }


def table(city: City) -> gpd.GeoDataFrame:
    """A city as circle15's table of streets."""
    import geopandas as gpd
    import numpy as np
    import pandas as pd
    import shapely

    from circle15.tables import STREETS

    ends = np.column_stack([city.tail, city.head])
    xyz = np.column_stack([city.x, city.y, city.z])
    low, high = ends.min(axis=1), ends.max(axis=1)
    piece = np.char.add(np.char.add("way/", low.astype(str)), np.char.add("-", high.astype(str)))
    names = np.char.add(piece, np.where(city.tail < city.head, ">", "<"))
    columns: dict[str, Any] = dict.fromkeys(STREETS.names[:-1])
    columns |= {
        "piece": piece.astype(object),
        "osm_id": piece.astype(object),
        "from_node": city.tail.astype(np.int64),
        "to_node": city.head.astype(np.int64),
        "length_m": city.length_m,
        "rise_m": city.z[city.head] - city.z[city.tail],
        "kind": "street",
        "access": "open",
        "evidence": "terrain",
        "at_edge": False,
    }
    frame = pd.DataFrame(columns, index=pd.Index(names.astype(object), name="link"))
    return gpd.GeoDataFrame(frame, geometry=shapely.linestrings(xyz[ends]), crs=CRS)


def main() -> None:
    """Do one job."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("job", choices=JOBS)
    parser.add_argument("--work", type=Path, required=True)
    asked = parser.parse_args()
    job = JOBS[asked.job]
    found = command(job, asked.work) if job.words else synthetic()
    print(json.dumps({"does": job.does} | found))


if __name__ == "__main__":
    main()
