"""How long it takes to begin: imports of every library, and circle15's own words of help.

`python -m benchmarks.starts ENVIRONMENT` measures what that environment holds and prints one line of JSON: medians of
fresh processes, less a bare interpreter.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time

RUNS = 7
IMPORTS = {
    "circle15": ("circle15", "circle15.network", "circle15.study", "numba", "geopandas"),
    "networkx": ("networkx",),
    "scipy": ("scipy.sparse.csgraph",),
    "igraph": ("igraph",),
    "rustworkx": ("rustworkx",),
    "pandana": ("pandana",),
    "cityseer": ("cityseer.metrics.layers",),
    "osmnx": ("osmnx",),
    "pyrosm": ("pyrosm",),
    "pyvalhalla": ("valhalla",),
}
HELP = "import sys; sys.argv = ['circle15', '--help']; from circle15.cli import main; main()"


def seconds(code: str) -> float:
    """The median of fresh processes, after one that fills the caches."""
    taken = []
    for _ in range(RUNS + 1):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)  # noqa: S603  our own words
        taken.append(time.perf_counter() - start)
    return statistics.median(taken[1:])


def main() -> None:
    """Measure one environment."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("environment", choices=IMPORTS)
    environment = parser.parse_args().environment
    bare = seconds("pass")
    found = {f"import {name}": seconds(f"import {name}") - bare for name in IMPORTS[environment]}
    if environment == "circle15":
        found["circle15 --help"] = seconds(HELP)
    print(json.dumps({"bare_s": bare, "starts": found}))


if __name__ == "__main__":
    main()
