"""What is mapped: ground, streets, units, grades, homes, sites; and the legend of what was drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from matplotlib.collections import LineCollection, PatchCollection, PathCollection
from matplotlib.patches import Circle
from matplotlib.path import Path as Outline
from matplotlib.patheffects import Stroke
from shapely.geometry.polygon import orient

from circle15.sheets.contents import label_points
from circle15.sheets.paper import HATCH, INK
from circle15.tables import street_class

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import geopandas as gpd
    import pandas as pd
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from circle15.sheets.contents import Contents
    from circle15.sheets.letters import Letters

MOST_STREETS, MOST_HOMES, MOST_FACILITIES = 60_000, 6_000, 6_000  # drawn on one sheet
FINE_MM = 0.08  # how far a drawn line may lie from the true one, on the paper
STREETS = {  # class of a street: width in points; drawn in this order, carried in the other
    "path": 0.35,
    "tunnel": 0.35,
    "street": 0.6,
    "major": 1.5,
    "bridge": 0.8,
    "stairs": 0.7,
    "escalator": 1.1,
}
DASHED = ("tunnel", "stairs")
LACKING = ((1, "#e7c7bd"), (3, "#b5586a"), (6, "#5b1030"))  # from so many categories on; light to dark, in grey too
CIRCLES = 0.2  # all circles together take this part of the area on the paper
MOST_NAMES = 150  # units whose names are written
NAME_PT = 7.5
DIGIT_PT = (4.6, 9.0)  # smallest and largest digit of a grade
UNIT_LINES = (0.35, 0.9, 1.2, 1.2)  # outlines of tiers, the lowest first, in points
WIDEST_MM = 4.0  # radius of the largest circle


class MapDrawing:
    """Draws on axes in metres, at a scale.

    Parameters
    ----------
    made : Contents
        What is drawn.
    letters : Letters
        The font.
    axes : Axes
        In metres of the study CRS.
    scale : float
        Of 1:scale.
    """

    def __init__(self, made: Contents, letters: Letters, axes: Axes, scale: float) -> None:
        self.made, self.letters, self.axes, self.scale = made, letters, axes, scale
        self.base = made.palette["base"]
        self.metres = scale / 1000  # of a millimetre
        self.streets_left = False

    # ------------------------------------------------------------------------------------------------ the ground

    def ground(self) -> list[str]:
        """Land, water, parks, rail and streets; returns what is there, as words of the legend."""
        self.axes.set_facecolor(self.base["outside"])
        self.areas([self.made.result.area.boundary], face=self.base["land"], zorder=1)
        table, drawn = self.made.result.ground, []
        kind, flat = table["kind"].to_numpy(), shapely.get_dimensions(table.geometry.to_numpy()) == 2  # noqa: PLR2004
        for zorder, one in enumerate(("park", "water"), start=2):
            self.areas(table.geometry[(kind == one) & flat], face=self.base[one], zorder=zorder)
            self.lines(table.geometry[(kind == one) & ~flat], color=self.base[one], width=1.2, zorder=zorder)
            drawn += [one] if (kind == one).any() else []
        drawn += self._streets()
        rails = table.geometry[(kind == "rail") & ~flat]
        self.lines(rails, color=self.base["rail"], width=1.0, zorder=6, dashes=(6, 3))
        return drawn + (["rail"] if len(rails) else [])

    def _streets(self) -> list[str]:
        """Every piece once, by class; of too many, those that say most of a mountain city."""
        table = self.made.result.streets
        once = table[~table["piece"].duplicated()]
        drawn = street_class(once)
        order = [*STREETS][::-1]
        many = np.cumsum([(drawn == one).sum() for one in order]) > MOST_STREETS
        self.streets_left = bool(many.any())
        kept = [one for one, too_many in zip(order, many, strict=True) if not too_many and (drawn == one).any()]
        for zorder, one in enumerate(STREETS, start=10):
            if one in kept:
                dashes = (1.2, 0.8) if one in DASHED else None
                self.lines(
                    once.geometry[drawn == one],
                    color=self.street_color(one),
                    width=STREETS[one],
                    zorder=zorder / 2,
                    dashes=dashes,
                )
        lifts = once.geometry[drawn == "lift"]
        if len(lifts):
            points = np.unique(shapely.get_coordinates(shapely.get_point(lifts.to_numpy(), 0)), axis=0)
            self.axes.plot(
                points[:, 0], points[:, 1], "s", color=self.base["lift"], markersize=2.0, markeredgewidth=0, zorder=9
            )
        return [one for one in (*STREETS, "lift") if one in kept or (one == "lift" and len(lifts))]

    def street_color(self, one: str) -> str:
        """The colour of a class of streets, of the page's palette."""
        return self.base[{"tunnel": "path", "bridge": "street", "escalator": "lift"}.get(one, one)]

    def units(self, plates: pd.DataFrame) -> None:
        """Outlines of the lowest tier and, heavier, of those above; names of the middle one beside the plates."""
        tiers = self.made.tiers
        for place, tier in enumerate(reversed(tiers)):
            shapes = self.made.of_tier(tier).geometry
            self.areas(shapes, edge=INK if place else "#7b828c", width=UNIT_LINES[place], zorder=12 + place)
        named = next((tier for tier in ("subdistrict", *reversed(tiers)) if tier in tiers), None)
        if named is None or len(self.made.of_tier(named)) > MOST_NAMES:
            return
        units, taken = self.made.of_tier(named), [tuple(one) for one in plates[["x", "y"]].to_numpy()]
        for name, (x, y, radius) in zip(units["name"], label_points(units), strict=True):
            room = max(3.2 * radius / self.metres, 16)
            half = min(self.letters.width(self.letters.clean(name), NAME_PT, bold=True), room) / 2
            ways = [y + one * self.metres for one in (0, 3.6, -3.6, 7.2, -7.2)]
            free = (one for one in ways if not self._hits(x, one, half, taken))
            self.halo(x, next(free, y), name, NAME_PT, bold=True, most_mm=room)

    def _hits(self, x: float, y: float, half_mm: float, plates: Sequence[tuple[float, ...]]) -> bool:
        """Whether a name there would lie under a numbered plate."""
        wide, tall = (half_mm + 2.6) * self.metres, 3.4 * self.metres
        return any(abs(x - one) < wide and abs(y - other) < tall for one, other in plates)

    def facilities(self) -> bool:
        """Every facility as a small dot at its first entrance, where there are not too many; whether any is drawn."""
        table = self.made.result.facilities
        if not 0 < len(table) <= MOST_FACILITIES:
            return False
        first = shapely.get_coordinates(shapely.get_geometry(table.geometry.to_numpy(), 0))
        self.axes.plot(
            first[:, 0],
            first[:, 1],
            "s",
            color="white",
            markersize=1.5,
            markeredgecolor=INK,
            markeredgewidth=0.3,
            zorder=15,
        )
        return True

    # ------------------------------------------------------------------------------------------------ the answers

    def grades(self, units: gpd.GeoDataFrame, grades: pd.Series, *, digits: bool) -> None:
        """Units coloured by grade, each with its digit where it has room; hatched where there is none."""
        fills = self.made.palette["grades"]
        none = grades.isna().to_numpy()
        width = 0.25 if digits else 0.1
        for grade in range(1, 6):
            mine = (grades == grade).fillna(value=False).to_numpy(dtype=bool)
            self.areas(units.geometry[mine], face=fills[str(grade)], edge="white", width=width, zorder=4)
        self.areas(units.geometry[none], face="white", edge="#7b828c", width=width, zorder=4, hatch=HATCH)
        if digits:
            for grade, (x, y, radius) in zip(grades[~none], label_points(units[~none]), strict=True):
                size = min(2.2 * radius / self.metres, DIGIT_PT[1])
                if size >= DIGIT_PT[0] / 2:  # it has room
                    how = {"ha": "center", "va": "center_baseline", "color": ink_on(fills[str(grade)]), "zorder": 20}
                    self.letters.write(self.axes, x, y, str(grade), max(size, DIGIT_PT[0]), **how)

    def homes(self, *, pale: bool = False) -> dict[str, Any]:
        """Homes as circles by residents; returns what the legend needs: metres of radius per root of people, counts."""
        homes = self.made.homes
        people = homes["people"].to_numpy()
        each = self._radius(people)
        order = np.argsort(-people, kind="stable")
        kept = np.zeros(len(homes), dtype=bool)
        kept[order[:MOST_HOMES]] = True
        lacking, unknown = homes["lacking"].to_numpy(), homes["unknown"].to_numpy()
        at, radius = homes[["x", "y"]].to_numpy(), each * np.sqrt(people)
        bands = [*(low for low, _ in LACKING), np.inf]
        drawn = [at_i for at_i in order if kept[at_i]]
        gap = [one for one in drawn if lacking[one]]
        if pale:
            self._circles(at[gap], radius[gap], face="#d9b8b3", edge="none", alpha=0.75)
            return {}
        doubt = [one for one in drawn if not lacking[one] and unknown[one]]
        fine = [one for one in drawn if not lacking[one] and not unknown[one]]
        self._circles(at[fine], np.minimum(radius[fine], 0.5 * self.metres), face="white", edge="#3c6e71", width=0.4)
        self._circles(at[doubt], radius[doubt], face="none", edge=self.made.palette["marks"]["unknown"], dashed=True)
        colour = np.searchsorted(bands, lacking, side="right") - 1
        for band, (_, face) in enumerate(LACKING):
            mine = [one for one in gap if colour[one] == band]
            self._circles(at[mine], radius[mine], face=face, edge="white", width=0.25)
        return {
            "each": each,
            "left": int((~kept).sum()),
            "unknown": bool(doubt),
            "served": bool(fine),
            "largest": float(people.max(initial=0.0)),
        }

    def _radius(self, people: NDArray[np.float64]) -> float:
        """Metres of radius for the root of one person."""
        everybody, largest = float(people.sum()), float(people.max(initial=0.0))
        if everybody <= 0:
            return 0.0
        return float(
            min(
                np.sqrt(CIRCLES * self.made.result.area.boundary.area / (np.pi * everybody)),
                WIDEST_MM * self.metres / np.sqrt(largest),
            )
        )

    def numbered(self, points: pd.DataFrame, labels: Sequence[str], *, filled: Sequence[bool] | None) -> None:
        """Numbers in plates, the first on top: filled, hollow with a broken edge, or hollow all of them."""
        for place, (label, full) in enumerate(zip(labels, filled or [False] * len(labels), strict=True)):
            x, y = points["x"].iloc[place], points["y"].iloc[place]
            plate = {
                "boxstyle": "round,pad=0.22",
                "facecolor": INK if full else "white",
                "edgecolor": INK,
                "linewidth": 0.9,
                "linestyle": "solid" if full or filled is None else (0, (2, 1)),
            }
            how: dict[str, Any] = {"bold": True, "color": "white" if full else INK, "bbox": plate, "clip_on": True}
            how |= {"ha": "center", "va": "center", "zorder": 60 - place / len(labels)}
            self.letters.write(self.axes, x, y, self.letters.clean(label), 7, **how)

    # ------------------------------------------------------------------------------------------------ primitives

    def areas(self, shapes: Iterable[Any], *, face: str = "none", edge: str = "none", **how: Any) -> None:  # noqa: ANN401
        """Polygons, holes and all."""
        outlines = [_outline(one) for one in self._plain(shapes) if not one.is_empty]
        drawn = PathCollection(
            outlines, facecolors=face, edgecolors=edge, linewidths=how.get("width", 0), zorder=how.get("zorder", 1)
        )
        if "hatch" in how:
            drawn.set_hatch(how["hatch"])
        self._add(drawn)

    def lines(self, shapes: Iterable[Any], *, color: str, width: float, zorder: float, **how: Any) -> None:  # noqa: ANN401
        """Lines, round at their ends."""
        parts = shapely.get_parts(self._plain(shapes))
        paths = [shapely.get_coordinates(one) for one in parts if not one.is_empty]
        style: Any = (0, how["dashes"]) if how.get("dashes") else "solid"
        self._add(
            LineCollection(
                paths,
                colors=color,
                linewidths=width,
                zorder=zorder,
                linestyles=[style],
                capstyle="butt" if how.get("dashes") else "round",
                joinstyle="round",
            )
        )

    def halo(self, x: float, y: float, text: object, size: float, *, most_mm: float, bold: bool = False) -> None:
        """A name over a white edge; twice, since an edge turns letters into shapes that cannot be searched for."""
        clean = self.letters.lines(self.letters.clean(text), most_mm, size, bold=bold)[0]
        how = {"bold": bold, "ha": "center", "va": "center", "clip_on": True}
        under = self.letters.write(self.axes, x, y, clean, size, color="white", zorder=40, **how)
        under.set_path_effects([Stroke(linewidth=2.2, foreground="white", alpha=0.9)])
        self.letters.write(self.axes, x, y, clean, size, color=INK, zorder=41, **how)

    def _circles(
        self,
        at: NDArray[np.float64],
        radius: NDArray[np.float64],
        *,
        face: str,
        edge: str,
        **how: Any,  # noqa: ANN401
    ) -> None:
        drawn = [Circle((x, y), one) for (x, y), one in zip(at, radius, strict=True)]
        style: Any = (0, (1.5, 1)) if how.get("dashed") else "solid"
        self._add(
            PatchCollection(
                drawn,
                facecolors=face,
                edgecolors=edge,
                linewidths=how.get("width", 0.6),
                linestyles=[style],
                alpha=how.get("alpha"),
                zorder=18,
            )
        )

    def _plain(self, shapes: Iterable[Any]) -> Any:  # noqa: ANN401  an array of shapes
        """Shapes without heights, as fine as the paper shows them."""
        return shapely.simplify(shapely.force_2d(np.array(list(shapes), dtype=object)), FINE_MM * self.metres)

    def _add(self, drawn: Any) -> None:  # noqa: ANN401  a collection of any kind
        if len(drawn.get_paths()):
            self.axes.add_collection(drawn, autolim=False)


def ink_on(colour: str) -> str:
    """Letters that can be read on a colour."""
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return "#ffffff" if 0.299 * red + 0.587 * green + 0.114 * blue < 0.45 else INK  # noqa: PLR2004  as the workbook does


def _outline(shape: Any) -> Outline:  # noqa: ANN401  a polygon or several
    """One path of a polygon or several, holes turned the other way."""
    rings = []
    for polygon in shapely.get_parts(shape):
        if polygon.geom_type == "Polygon":
            turned = orient(polygon)
            rings += [shapely.get_coordinates(one) for one in (turned.exterior, *turned.interiors)]
    codes = [
        np.r_[Outline.MOVETO, np.full(len(ring) - 2, Outline.LINETO), Outline.CLOSEPOLY].astype(np.uint8)
        for ring in rings
    ]
    if not rings:
        return Outline(np.empty((0, 2)))
    return Outline(np.vstack(rings), np.concatenate(codes))
