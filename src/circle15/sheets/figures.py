"""Pictures for a notebook: ground to draw on, homes by what is in their reach, units by grade.

Each draws on axes in metres of the study CRS and gives them back, so that `GeoDataFrame.plot(ax=...)` can add to them.
Colours are those of the map page; each state has a shape of its own and each grade its digit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import shapely
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from circle15.display import NOT_GRADED, STATES, palette
from circle15.sheets.drawing import ink_on
from circle15.sheets.letters import Letters
from circle15.sheets.paper import HATCH, INK
from circle15.tables import STATUSES, street_class

if TYPE_CHECKING:
    import geopandas as gpd
    from matplotlib.axes import Axes

    from circle15.tables import StudyArea

MOST_STREETS = 200_000  # pieces that are drawn
INCHES = 9.0  # width of a picture
_MARKS = {"served": "o", "gap": "X", "unknown": "s"}
_WORDS = dict(zip(STATUSES, STATES, strict=True))
_WIDTHS = {"major": 1.4, "street": 0.5, "path": 0.35, "stairs": 0.9, "bridge": 0.6, "tunnel": 0.3, "escalator": 2.0}
_BARS = (100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000)  # metres of a scale bar
_GRADES = (5, 4, 3, 2, 1)


def use_letters() -> str:
    """Write every figure of this session in a font of this computer that has Chinese letters.

    Returns
    -------
    str
        The family; it is set in ``matplotlib.rcParams``.

    Raises
    ------
    SourceError
        When this computer has none; the package to install is named.
    """
    letters = Letters.found("".join(_WORDS.values()))
    mpl.rcParams["font.family"] = list(letters.families)
    return letters.families[0]


def base_map(
    area: StudyArea,
    *,
    streets: gpd.GeoDataFrame | None = None,
    ground: gpd.GeoDataFrame | None = None,
    title: str = "",
    note: str = "",
    axes: Axes | None = None,
) -> Axes:
    """Ground to draw on: the area, its water, parks and streets, a scale bar, north above.

    Parameters
    ----------
    area : StudyArea
        What is shown, whole; a closer look is an area of its own, such as a box around a place.
    streets : GeoDataFrame, optional
        tables.STREETS; stairs, escalators and lifts have colours of their own.
    ground : GeoDataFrame, optional
        tables.GROUND.
    title, note : str
        Above the picture, and small in its corner: where the data come from, and whether they are synthetic.
    axes : Axes, optional
        Where to draw; a new figure otherwise.

    Returns
    -------
    Axes
        In metres of the CRS of the area.
    """
    west, south, east, north = area.boundary.bounds
    if axes is None:
        import matplotlib.pyplot as plt  # which a notebook shows by itself; nothing that is printed knows it

        _, axes = plt.subplots(figsize=(INCHES, INCHES * (north - south) / (east - west) + 0.8), layout="constrained")
    base = palette()["base"]
    axes.set_facecolor(base["outside"])
    _fill(axes, [area.boundary], area, face=base["land"], zorder=1)
    for zorder, kind in enumerate(("park", "water"), start=2):
        if ground is not None:
            _fill(axes, ground.geometry[ground["kind"] == kind], area, face=base[kind], zorder=zorder)
    if streets is not None:
        _streets(axes, streets, area, base)
    _fill(axes, [area.boundary], area, edge=INK, zorder=7)
    axes.set(xlim=(west, east), ylim=(south, north), xticks=[], yticks=[], aspect="equal")
    axes.set(xlabel=" ", ylabel=" ")  # empty ones geopandas would name x and y
    axes.set_title(title, loc="left", fontsize=12, fontweight="bold", color=INK)
    paper = {"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 1.5}
    how: dict[str, Any] = {"transform": axes.transAxes, "fontsize": 7.5, "color": INK, "zorder": 11}
    if note:
        axes.text(0.008, 0.015, note, bbox=paper, **how)
    _scale_bar(axes, east - west)
    return axes


def plot_status(axes: Axes, origins: gpd.GeoDataFrame, status: pd.Series, *, title: str = "") -> Axes:
    """Homes by whether something is in their reach, each as large as its residents are many.

    Parameters
    ----------
    axes : Axes
        In metres, such as of `base_map`.
    origins : GeoDataFrame
        tables.ORIGINS.
    status : Series of str
        `served`, `gap` or `unknown` by origin, such as a column of `Coverage.status`.
    title : str
        Of the legend, which counts the residents of each state.

    Returns
    -------
    Axes
    """
    marks, handles = palette()["marks"], []
    here = origins.loc[status.index]
    people = here["population"].to_numpy(dtype=float)
    points = shapely.get_coordinates(here.geometry.to_numpy())
    size = 4 + 80 * people / max(people.max(initial=0.0), 1.0)
    for state in STATUSES:
        mine = (status == state).to_numpy()
        how: dict[str, Any] = {"marker": _MARKS[state], "color": marks[state], "edgecolors": "white", "linewidths": 0.4}
        axes.scatter(points[mine, 0], points[mine, 1], s=size[mine], alpha=0.85, zorder=8, **how)
        share = people[mine].sum() / max(people.sum(), 1.0)
        label = f"{_WORDS[state]}  {people[mine].sum():,.0f} ({share:.0%})"
        handles.append(Line2D([], [], linestyle="", marker=_MARKS[state], color=marks[state], label=label))
    return _legend(axes, handles, title)


def plot_grades(axes: Axes, units: gpd.GeoDataFrame, grades: pd.Series, *, title: str = "") -> Axes:
    """Units by their grade of the card, each with its digit; hatched where it is not graded.

    Parameters
    ----------
    axes : Axes
        In metres, such as of `base_map`.
    units : GeoDataFrame
        tables.UNITS, of one tier.
    grades : Series of int
        From 1 (worst) to 5 by unit; missing where it is not graded.
    title : str
        Of the legend.

    Returns
    -------
    Axes
    """
    fills = palette()["grades"]
    of_unit = pd.to_numeric(grades.reindex(units.index)).astype(float)
    for unit, grade in of_unit.items():
        known = not np.isnan(grade)
        word = f"{grade:.0f}" if known else ""
        shape = units.geometry[unit]
        more = {} if known else {"hatch": HATCH}
        _fill(axes, [shape], None, face=fills[word] if known else "white", edge="#7b828c", zorder=6, **more)
        at = shape.representative_point()
        how: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": 7, "zorder": 9, "clip_on": True}
        axes.text(at.x, at.y, word, color=ink_on(fills[word]) if known else INK, **how)
    handles = [Patch(facecolor=fills[str(one)], edgecolor="#7b828c", label=str(one)) for one in _GRADES]
    if of_unit.isna().any():
        handles.append(Patch(facecolor="white", edgecolor="#7b828c", hatch=HATCH, label=NOT_GRADED))
    return _legend(axes, handles, title)


def _legend(axes: Axes, handles: list[Any], title: str) -> Axes:
    """A line under the picture, where it hides nothing."""
    words = [Line2D([], [], linestyle="", label=title)] if title else []
    axes.legend(
        handles=[*words, *handles],
        loc="upper left",
        bbox_to_anchor=(0, -0.005),
        ncols=len(words) + len(handles),
        fontsize=9,
        frameon=False,
        borderpad=0.2,
        columnspacing=1.2,
        handletextpad=0.4,
    )
    return axes


def _fill(axes: Axes, shapes: Any, area: StudyArea | None, **how: Any) -> None:  # noqa: ANN401
    """Polygons, within what is shown."""
    import geopandas as gpd

    found = gpd.GeoSeries(list(shapes))
    found = found[found.geom_type.isin(("Polygon", "MultiPolygon"))]
    if area is not None:
        found = found[found.intersects(shapely.box(*area.boundary.bounds))]
    if len(found):
        face, edge = how.pop("face", "none"), how.pop("edge", "none")
        found.plot(ax=axes, facecolor=face, edgecolor=edge, linewidth=0.6, aspect=None, **how)


def _streets(axes: Axes, streets: gpd.GeoDataFrame, area: StudyArea, base: dict[str, str]) -> None:
    """Every piece once, by class."""
    once = streets[~streets["piece"].duplicated()].iloc[:MOST_STREETS]
    once = once[once.intersects(shapely.box(*area.boundary.bounds))]
    drawn = street_class(once)
    for zorder, (kind, width) in enumerate(_WIDTHS.items(), start=1):
        colour = base[{"tunnel": "path", "bridge": "street", "escalator": "lift"}.get(kind, kind)]
        if (drawn == kind).any():
            once[drawn == kind].plot(ax=axes, color=colour, linewidth=width, zorder=4 + zorder / 10, aspect=None)
    lifts = once.geometry[drawn == "lift"]
    if len(lifts):
        ends = shapely.get_coordinates(shapely.get_point(lifts.to_numpy(), 0))
        axes.plot(*ends.T, "s", color=base["lift"], markersize=4, markeredgecolor="white", zorder=5)


def _scale_bar(axes: Axes, width: float) -> None:
    """A bar of whole metres, about a sixth of the picture."""
    metres = max(one for one in _BARS if one <= max(width / 6, _BARS[0]))
    words = f"{metres:,} m" if metres < 1000 else f"{metres // 1000:,} km"  # noqa: PLR2004
    across = axes.get_xaxis_transform()
    right = axes.get_xlim()[1] - width / 40
    axes.plot([right - metres, right], [0.03, 0.03], color=INK, linewidth=2, transform=across, zorder=9)
    axes.text(right - metres / 2, 0.037, words, ha="center", va="bottom", fontsize=8, transform=across, clip_on=True)
