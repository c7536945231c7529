"""A sheet of paper in millimetres: text, boxes, tables, the title block, and the scale of what is mapped on it."""

from __future__ import annotations

import io
import math
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Polygon, Rectangle

from circle15.sheets.contents import joined
from circle15.sheets.letters import MM

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from pyproj import CRS

    from circle15.sheets.contents import Contents
    from circle15.sheets.letters import Letters

A3 = (420.0, 297.0)
INCH = 25.4
DPI = 200
INK, SOFT, LINE = "#14213d", "#474d57", "#9aa1aa"
MARK = "#5b1030"
HATCH = "//////"
ROW, HEADS = 4.6, 7.4  # of a table: a row, and all heads
LEADING = 1.32  # from one line of text to the next, in sizes
_STEPS = (1, 1.25, 1.5, 2, 2.5, 3, 4, 5, 6, 7.5, 8, 10)  # of a scale, times a power of ten
_BARS = (1, 2, 5)
_KM = 1000


class Box(NamedTuple):
    """A rectangle on the paper, in millimetres from the lower left corner."""

    x: float
    y: float
    width: float
    height: float

    @property
    def top(self) -> float:
        """The upper edge."""
        return self.y + self.height

    @property
    def right(self) -> float:
        """The right edge."""
        return self.x + self.width

    def inner(self, by: float) -> Box:
        """The same, smaller on every side."""
        return Box(self.x + by, self.y + by, self.width - 2 * by, self.height - 2 * by)


class Head(NamedTuple):
    """A column of a table: its head, how wide it is, and on which side its cells stand."""

    text: tuple[str, str]
    width: float
    side: str = "left"


@contextmanager
def drawing() -> Iterator[None]:
    """Matplotlib's own defaults meanwhile, whatever the reader's settings are, and what the sheets need."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update({"pdf.fonttype": 3, "axes.unicode_minus": False, "hatch.linewidth": 0.4})
        yield


def denominator(bounds: Sequence[float], width: float, height: float) -> float:
    """The scale 1:n, a round number, at which an extent in metres just fits into so many millimetres.

    Examples
    --------
    >>> denominator((0, 0, 10_460, 4_540), 392, 152)
    30000.0
    """
    west, south, east, north = bounds
    least = max((east - west) / width, (north - south) / height, 1e-3) * 1000
    power = 10.0 ** math.floor(math.log10(least))
    return float(next(step * power for step in _STEPS if step * power >= least * (1 - 1e-9)))


class Paper:
    """One sheet, drawn from the back to the front.

    Parameters
    ----------
    letters : Letters
        The font.
    width, height : float
        In millimetres.
    """

    def __init__(self, letters: Letters, width: float, height: float) -> None:
        self.letters, self.width, self.height = letters, width, height
        self.figure = Figure(figsize=(width / INCH, height / INCH), facecolor="white")
        FigureCanvasAgg(self.figure)
        self.page: Axes = self.figure.add_axes((0, 0, 1, 1), zorder=2)
        self.page.set_axis_off()
        self.page.set_xlim(0, width)
        self.page.set_ylim(0, height)

    # ------------------------------------------------------------------------------------------------- primitives

    def text(self, x: float, y: float, text: object, size: float = 7.0, **how: Any) -> float:  # noqa: ANN401
        """Text whose first line begins at `y`, from the top; returns where the next line would begin.

        `how`: `bold`, `color`, `side` (left, center, right), `width` in millimetres and `most` lines to break it by.
        """
        bold, side = how.get("bold", False), how.get("side", "left")
        clean = self.letters.clean(text)
        wide = how.get("width")
        lines = self.letters.lines(clean, wide, size, most=how.get("most", 1), bold=bold) if wide else [clean]
        for line in lines:
            if line:
                how_drawn = {"bold": bold, "color": how.get("color", INK), "ha": side, "va": "baseline"}
                self.letters.write(self.page, x, y - size * MM * 0.98, line, size, **how_drawn)
            y -= size * MM * LEADING
        return y

    def box(self, box: Box, *, face: str = "none", edge: str = "none", hatch: str = "", width: float = 0.4) -> None:
        """A rectangle."""
        drawn = Rectangle((box.x, box.y), box.width, box.height, facecolor=face, edgecolor=edge, linewidth=width)
        if hatch:
            drawn.set_hatch(hatch)
        self.page.add_patch(drawn)

    def line(
        self,
        xs: Sequence[float],
        ys: Sequence[float],
        *,
        color: str = INK,
        width: float = 0.4,
        **how: Any,  # noqa: ANN401
    ) -> None:
        """A line."""
        self.page.add_line(Line2D(xs, ys, color=color, linewidth=width, **how))

    # ------------------------------------------------------------------------------------------------- maps

    def map(self, box: Box, bounds: Sequence[float], scale: float) -> Axes:
        """Axes in metres that fill a box at a scale, with `bounds` in their middle."""
        place = (box.x / self.width, box.y / self.height, box.width / self.width, box.height / self.height)
        axes: Axes = self.figure.add_axes(place, zorder=1)
        west, south, east, north = bounds
        across, up = box.width * scale / 2000, box.height * scale / 2000
        axes.set_xlim((west + east) / 2 - across, (west + east) / 2 + across)
        axes.set_ylim((south + north) / 2 - up, (south + north) / 2 + up)
        axes.set_xticks([])
        axes.set_yticks([])
        for side in axes.spines.values():
            side.set_color(LINE)
            side.set_linewidth(0.4)
        return axes

    def scale_bar(self, x: float, y: float, scale: float, *, widest: float = 60.0) -> float:
        """A bar in four parts with its lengths; its lower left corner is at x, y; returns how wide it is."""
        most = widest * scale / 1000
        power = 10.0 ** math.floor(math.log10(most))
        length = max(step * power for step in _BARS if step * power <= most)
        part = length / scale * 1000 / 4
        for place in range(4):
            self.box(Box(x + place * part, y, part, 1.6), face=INK if place % 2 == 0 else "white", edge=INK, width=0.4)
        in_km = length >= _KM
        for place, unit in ((0, ""), (2, ""), (4, " km" if in_km else " m")):
            word = f"{length * place / 4 / (_KM if in_km else 1):g}{unit}"
            self.text(x + place * part, y + 4.6, word, 6, side="center")
        return 4 * part

    def north_arrow(self, x: float, y: float, turned: float, words: tuple[str, str], *, tall: float = 11.0) -> None:
        """An arrow to true north, whose foot is at x, y; `turned` is radians from the grid's north, to the east."""
        turn = np.array([[math.cos(turned), math.sin(turned)], [-math.sin(turned), math.cos(turned)]])
        for side, face in ((-1, INK), (1, "white")):
            shape = np.array([(0, tall), (side * tall * 0.28, 0), (0, tall * 0.22)]) @ turn.T
            self.page.add_patch(
                Polygon(shape + np.array([x, y]), closed=True, facecolor=face, edgecolor=INK, linewidth=0.5)
            )
        self.text(x, y + tall + 4.2, joined(words), 7, side="center")

    # ------------------------------------------------------------------------------------------------- tables

    @staticmethod
    def fits(box: Box) -> int:
        """How many rows of a table fit into a box, under its heads."""
        return max(0, int((box.height - HEADS) / ROW))

    def table(self, box: Box, heads: Sequence[Head], rows: Sequence[Sequence[str]]) -> int:
        """Rows under their heads, as many as fit; returns how many."""
        fits = self.fits(box)
        xs = np.concatenate([[0.0], np.cumsum([one.width for one in heads])]) + box.x
        for one, x in zip(heads, xs, strict=False):
            at, side = self._aside(one, x)
            self.text(at, box.top - 0.4, one.text[0], 6.6, bold=True, side=side, width=one.width - 0.2)
            self.text(at, box.top - 3.6, one.text[1], 5.4, color=SOFT, side=side, width=one.width - 1)
        self.line((box.x, xs[-1]), (box.top - 6.8, box.top - 6.8), width=0.6)
        for place, row in enumerate(rows[:fits]):
            top = box.top - HEADS - place * ROW
            for one, x, cell in zip(heads, xs, row, strict=False):
                at, side = self._aside(one, x)
                self.text(at, top - (ROW - 6.6 * MM) / 2, cell, 6.6, side=side, width=one.width - 1)
            self.line((box.x, xs[-1]), (top - ROW, top - ROW), color="#d3d6da", width=0.3)
        return min(fits, len(rows))

    @staticmethod
    def _aside(head: Head, x: float) -> tuple[float, str]:
        at = {"left": x + 0.5, "right": x + head.width - 0.8, "center": x + head.width / 2}
        return float(at[head.side]), head.side

    # ------------------------------------------------------------------------------------------------- the file

    def png(self) -> bytes:
        """The drawing as a PNG."""
        made = io.BytesIO()
        self.figure.savefig(made, format="png", dpi=DPI, metadata={"Software": None})
        return made.getvalue()

    def write(self, path: Path, *, title: str) -> None:
        """Write `path` as a PNG and a PDF beside each other; the same drawing gives the same bytes."""
        self.figure.savefig(path.with_suffix(".png"), dpi=DPI, metadata={"Software": None, "Title": title})
        said = {"Title": title, "Creator": "circle15", "CreationDate": None, "Producer": None}
        self.figure.savefig(path.with_suffix(".pdf"), metadata=said)


def north(crs: CRS, x: float, y: float) -> float:
    """How far true north lies from the north of the grid at a place, in radians, to the east.

    Examples
    --------
    >>> from pyproj import CRS
    >>> round(math.degrees(north(CRS("EPSG:32648"), 648_000, 3_270_000)), 2)  # east of the middle: to the west
    -0.75
    """
    from pyproj import Transformer

    ways = Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
    lon, lat = ways.transform(x, y)
    east, up = ways.transform(lon, lat + 0.001, direction="INVERSE")
    return math.atan2(east - x, up - y)


class A3Sheet(Paper):
    """An A3 sheet with its frame, title and title block; `room` is what is left for the drawing.

    Parameters
    ----------
    made : Contents
        What is said of the study.
    letters : Letters
        The font.
    key : str
        Of `[titles]`.
    note : str
        A line under the title.
    number : tuple of int
        Which sheet of how many.
    """

    def __init__(self, made: Contents, letters: Letters, key: str, *, note: str, number: tuple[int, int]) -> None:
        super().__init__(letters, *A3)
        self.made = made
        self.title = joined(made.said("titles", key))
        frame = Box(10, 10, A3[0] - 20, A3[1] - 20)
        self._head(frame, key, note)
        foot = Box(frame.x, frame.y, frame.width, 25)
        self._foot(foot, made.facts, number)
        self.box(frame, edge=INK, width=1.0)
        self.room = Box(frame.x + 4, foot.top + 2.6, frame.width - 8, frame.top - 17 - foot.top - 4.6)

    def _head(self, frame: Box, key: str, note: str) -> None:
        made, letters = self.made, self.letters
        title, other = made.said("titles", key)
        x = frame.x + 4
        self.text(x, frame.top - 3.2, title, 20, bold=True)
        x += letters.width(letters.clean(title), 20, bold=True) + 4
        self.text(x, frame.top - 3.4, other, 11, color=SOFT)
        self.text(x, frame.top - 9.2, note, 7, color=SOFT, width=frame.right - x - 124, most=2)
        right = frame.right - 4
        name, second = made.name
        self.text(right, frame.top - 2.0, name, 12, bold=True, side="right", width=140)
        self.text(right, frame.top - 7.4, second, 7.5, color=SOFT, side="right", width=90)
        if made.mark:
            words = letters.clean(joined(made.mark, "  "))
            wide = letters.width(words, 8.5, bold=True) + 6
            self.box(Box(right - wide, frame.top - 16.6, wide, 5.2), face=MARK)
            self.text(right - wide / 2, frame.top - 12.4, words, 8.5, bold=True, color="white", side="center")

    def _foot(self, foot: Box, facts: Mapping[str, str], number: tuple[int, int]) -> None:
        """The title block: facts of the study in four cells."""
        cells = (
            (("population", "data_date", "walker", "trip", "when", "scenario", "closed"), 84),
            (("standard", "authority"), 136),
            (("sources", "units_from", "version"), 92),
            (("note",), 88),
        )
        x = foot.x
        self.line((foot.x, foot.right), (foot.top, foot.top), width=0.8)
        row = 6.6 * MM * LEADING
        for keys, wide in cells:
            y = foot.top - 1.4
            said = [key for key in keys if key in facts]
            for place, key in enumerate(said):
                free = int((y - foot.y - 0.6) / row) - (len(said) - place - 1)
                label, second = self.made.said("facts", key)
                self.text(x + 2.5, y, label, 6.6, bold=True, width=29)
                at = x + 2.5 + self.letters.width(self.letters.clean(label), 6.6, bold=True) + 1.2
                self.text(at, y - 0.3, second, 5.4, color=SOFT, width=max(1.0, x + 31 - at))
                y = self.text(x + 31, y, facts[key], 6.6, width=wide - 33, most=max(1, free)) - 0.1
            x += wide
            if x < foot.right - 1:
                self.line((x, x), (foot.y, foot.top), width=0.4)
        count = self.made.both("of", n=number[0], of=number[1])
        self.text(foot.right - 3, foot.y + 4.6, count, 6.6, color=SOFT, side="right")
