"""Outlines of ten homes as each engine drew them, side by side: `python -m benchmarks.pictures [city]`.

Of what `python -m benchmarks --only outlines` kept, beside the exact ones. The numbers under each are the area shared
with those over the area of both, at 5, 10 and 15 minutes.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path as Outline

from benchmarks.city import City
from benchmarks.report import kept_outlines, overlap

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    Shapes = np.ndarray[tuple[int], np.dtype[np.object_]]

HOMES = 10
BLUES = ("#3b7fb5", "#8fbcdc", "#cfe3f3")  # 5, 10, 15 minutes
AROUND_M = 50
ENGINES = ("circle15-outlines-exact", "circle15-outlines", "circle15-outlines-fine", "osmnx-outlines")


def pictures(work: Path, name: str) -> Path:
    """Draw them, one row for each home and one column for each engine; returns where."""
    city, kept = City.load(work / "cities" / f"{name}.npz"), kept_outlines(work / "answers", name)
    engines = [engine for engine in ENGINES if engine in kept]
    homes = sorted(set.intersection(*(set(kept[engine]) for engine in engines)))[:HOMES]
    xy = np.column_stack([city.x, city.y])
    streets = np.stack([xy[city.tail], xy[city.head]], axis=1)
    figure = Figure(figsize=(4 * len(engines), 4 * len(homes)), layout="constrained")
    axes = figure.subplots(len(homes), len(engines), squeeze=False)
    for home, row in zip(homes, axes, strict=True):
        bounds = np.array([shape.bounds for engine in engines for shape in kept[engine][home]])
        (left, bottom), (right, top) = bounds[:, :2].min(axis=0) - AROUND_M, bounds[:, 2:].max(axis=0) + AROUND_M
        for engine, one in zip(engines, row, strict=True):
            shapes = kept[engine][home]
            one.add_collection(LineCollection(streets, colors="#8a8a8a", linewidths=0.3, zorder=0))
            _draw(one, shapes)
            shared = "  ".join(f"{part:.3f}" for part in overlap(kept[ENGINES[0]][home], shapes))
            one.set(xlim=(left, right), ylim=(bottom, top), xticks=[], yticks=[], aspect="equal", xlabel=shared)
            one.set_title(f"{engine.replace('-outlines', '')}, home {home}", fontsize=9)
    path = work / f"pictures-{name}.png"
    figure.savefig(path, dpi=60)
    return path


def _draw(axes: Axes, shapes: Shapes) -> None:
    """Outlines, those of more minutes below."""
    for shape, blue in reversed(list(zip(shapes, BLUES, strict=True))):
        for polygon in getattr(shape, "geoms", [shape]):
            rings = [Outline(np.asarray(ring.coords), closed=True) for ring in (polygon.exterior, *polygon.interiors)]
            axes.add_patch(PathPatch(Outline.make_compound_path(*rings), facecolor=blue, linewidth=0.4))


if __name__ == "__main__":
    work = Path(__file__).parent / ".work"
    sys.stdout.write(f"{pictures(work, sys.argv[1] if len(sys.argv) > 1 else 'yuzhong')}\n")
