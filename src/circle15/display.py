"""How things show themselves: records as a card in a notebook or a few lines in a terminal, long work as it goes on.

A record says in its own room what stands on its card; how a card looks is said here and nowhere else. Chinese stands
first and English second. A colour never stands alone: the figure or the word is written on it. What has no colour of
its own takes that of the notebook, light or dark.
"""

from __future__ import annotations

import html
import math
import tomllib
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from numbers import Integral
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_Item = TypeVar("_Item")

MOST_ROWS, MOST_LINES = 80, 12  # of a table, in a notebook and in a terminal
MOST_COLUMNS = 44  # of a cell of it in a terminal
LINE_COLUMNS = 160  # of a line there
STATES = ("可达 served", "缺口 gap", "未知 unknown")  # heads of three columns
NOT_GRADED = "未评定 not graded"
SYNTHETIC = "合成示例数据 SYNTHETIC"  # a mark
_LINE = "1px solid rgba(128, 128, 128, 0.35)"  # seen on white and on black
_DIM = "opacity: 0.75"
_LIGHT = 140.0  # of 255: on lighter ground letters are dark
_MUCH = 100.0  # from here a figure has no decimals
_PALE = 0.4  # of a mark's way to white: its bar is seen on white and on black


class Track(Protocol):
    """What shows how far long work has come: ``tqdm.tqdm``, ``rich.progress.track``, or a function of one's own.

    It is called with things that are made one by one, of which `len` says how many there will be, and with words for
    them; it yields the same things in the same order.
    """

    def __call__(self, items: Iterable[_Item], words: str, /) -> Iterable[_Item]:
        """The same things, in their order."""


@dataclass(frozen=True)
class _Counted(Generic[_Item]):
    """Things that are made as they are asked for, and how many there will be."""

    items: Iterable[_Item]
    count: int

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[_Item]:
        return iter(self.items)


def tracked(items: Iterable[_Item], words: str, *, count: int, track: Track | None) -> Iterable[_Item]:
    """The same things, shown to whoever wants to see how far they have come.

    Parameters
    ----------
    items : iterable
        Made as they are asked for.
    words : str
        What they are.
    count : int
        How many there will be.
    track : Track or None
        Who shows it; nobody otherwise.

    Returns
    -------
    iterable

    Examples
    --------
    >>> def told(items, words):
    ...     for number, item in enumerate(items, 1):
    ...         print(f"{words}: {number} of {len(items)}")
    ...         yield item
    >>> list(tracked(iter("ab"), "letters", count=2, track=told))
    letters: 1 of 2
    letters: 2 of 2
    ['a', 'b']
    """
    return items if track is None else track(_Counted(items, count), words)


@dataclass(frozen=True)
class Cell:
    """A figure or a word of a table, on a ground of its own.

    Parameters
    ----------
    text : str
        What is written.
    style : str
        Its ground, and letters that can be read on it, as CSS.
    """

    text: str
    style: str = ""

    def __str__(self) -> str:
        """What is written."""
        return self.text


def share(value: float, mark: str = "served") -> Cell:
    """A share as whole per cent, with a bar as long as it is.

    Parameters
    ----------
    value : float
        From 0 to 1; missing where it cannot be said.
    mark : str
        Whose colour: a mark of the palette, such as served, gap or unknown.

    Returns
    -------
    Cell

    Examples
    --------
    >>> print(share(0.5), share(float("nan")), share(0.9996), share(0.0004))
    50 % — >99 % <1 %
    """
    if math.isnan(value):
        return Cell("—")
    percent = round(value * 100)
    word = ">99" if percent == 100 and value < 1 else "<1" if not percent and value > 0 else str(percent)  # noqa: PLR2004
    pale = ", ".join(str(round(one + (255 - one) * _PALE)) for one in _rgb(palette()["marks"][mark]))
    stops = f"rgba({pale}, 0.55) {percent}%, transparent {percent}%"
    return Cell(f"{word} %", f"min-width: 6em; background: linear-gradient(to right, {stops})")


def grade(value: float | None) -> Cell:
    """A grade of the card on its colour; a dash where there is none."""
    if value is None or _missing(value):
        return Cell("—")
    ground = palette()["grades"][f"{value:.0f}"]
    red, green, blue = _rgb(ground)
    ink = "#111" if 0.299 * red + 0.587 * green + 0.114 * blue > _LIGHT else "#fff"
    return Cell(f"{value:.0f}", f"background: {ground}; color: {ink}")


@dataclass(frozen=True)
class Card:
    """What a record shows of itself.

    Parameters
    ----------
    kind : str
        The name of its class.
    title : str
        What it is in a few words.
    marks : sequence of str
        What must not be overlooked, such as that the data are synthetic.
    facts : sequence of (str, object)
        Label and value.
    head : sequence of str
        Heads of the columns of its table.
    rows : sequence of sequence
        Rows of its table: words, figures, and `Cell`.
    note : str
        How the table is to be read.
    """

    kind: str
    title: str = ""
    marks: Sequence[str] = ()
    facts: Sequence[tuple[str, object]] = ()
    head: Sequence[str] = ()
    rows: Sequence[Sequence[object]] = ()
    note: str = ""

    def text(self) -> str:
        """A few lines for a terminal."""
        marks = "".join(f" [{mark}]" for mark in self.marks)
        lines = [f"{self.kind}: {self.title}{marks}" if self.title else f"{self.kind}{marks}"]
        lines += [f"  {line}" for line in _aligned([(label, _said(value)) for label, value in self.facts])]
        if self.rows:
            shown = [[_cut(_said(one), MOST_COLUMNS) for one in row] for row in self.rows[:MOST_LINES]]
            lines += [f"  {line}" for line in _aligned([list(self.head), *shown])]
        if len(self.rows) > MOST_LINES:
            lines.append(f"  ... {len(self.rows) - MOST_LINES:,} more")
        lines += [f"  {self.note}"] if self.note else []
        return "\n".join(_cut(line, LINE_COLUMNS) for line in lines)

    def html(self) -> str:
        """A card for a notebook: no script, no address, every word escaped."""
        badge = f"border: {_LINE}; border-radius: 3px; padding: 0 0.4em; margin-left: 0.5em; white-space: nowrap"
        marks = "".join(f'<span style="{badge}"><b>{html.escape(mark)}</b></span>' for mark in self.marks)
        title = f" · <b>{html.escape(self.title)}</b>" if self.title else ""
        parts = [f'<div><span style="{_DIM}">{html.escape(self.kind)}</span>{title}{marks}</div>']
        if self.facts:
            rows = "".join(f"<tr>{_th(label)}{_td(value, 'left')}</tr>" for label, value in self.facts)
            parts.append(f'<table style="{_TABLE}"><tbody>{rows}</tbody></table>')
        if self.rows:
            parts.append(self._table())
        if self.note:
            parts.append(f'<div style="{_DIM}">{html.escape(self.note)}</div>')
        frame = f"border: {_LINE}; border-radius: 4px; padding: 0.5em 0.8em; display: inline-block; color: inherit"
        return f'<div style="{frame}">{"".join(parts)}</div>'

    def _table(self) -> str:
        sides = ["left", *map(_side, self.rows[0][1:])]
        head = "".join(_th(name, side, scope="col") for name, side in zip(self.head, sides, strict=True))
        rows = "".join(
            "<tr>" + "".join(_td(value, _side(value)) if at else _th(value) for at, value in enumerate(row)) + "</tr>"
            for row in self.rows[:MOST_ROWS]
        )
        left = len(self.rows) - MOST_ROWS
        more = f'<div style="{_DIM}">… {left:,} more</div>' if left > 0 else ""
        return f'<table style="{_TABLE}"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{more}'


class Shown:
    """Something that shows itself by its card."""

    def _card(self) -> Card:
        raise NotImplementedError

    def __repr__(self) -> str:
        """A few lines for a terminal."""
        return self._card().text()

    __str__ = __repr__

    def _repr_html_(self) -> str:
        """A card for a notebook."""
        return self._card().html()


_TABLE = "border-collapse: collapse; margin: 0.4em 0; color: inherit; background: transparent"


def _th(label: object, side: str = "left", *, scope: str = "row") -> str:
    style = (
        f"text-align: {side}; font-weight: normal; {_DIM}; padding: 0.1em 0.7em 0.1em 0.2em; vertical-align: baseline"
    )
    return f'<th scope="{scope}" style="{style}">{html.escape(_said(label))}</th>'


def _td(value: object, side: str) -> str:
    own = f"; {value.style}" if isinstance(value, Cell) and value.style else ""
    style = f"text-align: {side}; padding: 0.1em 0.5em; border-bottom: {_LINE}; vertical-align: baseline{own}"
    return f'<td style="{style}">{html.escape(_said(value))}</td>'


def _side(value: object) -> str:
    return "left" if isinstance(value, str) else "right"


def _said(value: object) -> str:
    """A value as it is written: figures with their thousands, a dash for what is missing."""
    if _missing(value):
        return "—"
    if isinstance(value, bool):
        return "是 yes" if value else "否 no"
    if isinstance(value, Integral):  # those of numpy too
        return f"{int(value):,}"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= _MUCH else f"{value:.4g}"
    return " ".join(str(value).split())


def _missing(value: object) -> bool:
    """Whether there is nothing: none, not a number, or what pandas has for it."""
    return value is None or (not isinstance(value, str) and str(value) in ("nan", "<NA>", "NaT"))


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows as lines whose columns stand under each other; a Chinese letter is two columns wide."""
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(word + " " * (width - _width(word)) for word, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def _cut(text: str, most: int) -> str:
    """Text of at most so many columns; what is longer ends in an ellipsis."""
    if _width(text) <= most:
        return text
    while _width(text) >= most:
        text = text[:-1]
    return text + "…"


def _rgb(colour: str) -> tuple[int, int, int]:
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return red, green, blue


@lru_cache(maxsize=1)
def palette() -> dict[str, dict[str, str]]:
    """The colours of the card, of marks and of the base map, as `labels/palette.toml` states them.

    Examples
    --------
    >>> sorted(palette()["grades"])
    ['1', '2', '3', '4', '5', 'none', 'unknown']
    """
    text = resources.files("circle15").joinpath("labels", "palette.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
