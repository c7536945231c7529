"""Letters: a font of this computer that has those of the languages spoken, text made fit for print, and how wide it is.

Nothing is drawn before every letter is known to have a shape: a sheet of empty boxes is worse than none.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from matplotlib import font_manager

from circle15.errors import Finding, SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.axes import Axes
    from matplotlib.text import Text

FAMILIES = (  # the first that is there is taken; those of Japanese shapes come late
    *("Noto Sans CJK SC", "Source Han Sans SC", "Source Han Sans CN", "Noto Sans SC", "Microsoft YaHei", "PingFang SC"),
    *("Hiragino Sans GB", "DengXian", "SimHei", "Heiti SC", "STHeiti", "WenQuanYi Micro Hei", "WenQuanYi Zen Hei"),
    *("Sarasa Gothic SC", "LXGW WenKai", "Noto Serif CJK SC", "Source Han Serif SC", "SimSun"),
    *("Songti SC", "AR PL UMing CN", "AR PL UKai CN", "Arial Unicode MS", "Noto Sans CJK JP", "Noto Serif CJK JP"),
    "Droid Sans Fallback",  # has no Latin letters
)
BESIDE = "DejaVu Sans"  # travels with matplotlib: Latin, Greek, Cyrillic, Arabic, and signs that Chinese fonts lack
MM = 25.4 / 72  # a point in millimetres
_MEASURED = 100.0  # size at which letters are measured
_BOX = "□"  # stands for a letter that no font has
_TRAILING = " ，、"  # before an ellipsis
_NEVER_FIRST = frozenset("，。、；：？！）》」』】’”·…%,.;:?!)]}")  # rules of setting, not words
_WIDE = 0x2E80  # from here a line may break between any two letters


@dataclass(frozen=True)
class Letters:
    """The font of the sheets.

    Parameters
    ----------
    families : tuple of str
        Families of this computer; a letter is drawn in the first that has it.
    """

    families: tuple[str, ...]

    @classmethod
    def found(cls, needed: str) -> Letters:
        """The font that travels with matplotlib, or before it the first of `FAMILIES` that has what it lacks.

        Parameters
        ----------
        needed : str
            Letters that have to have a shape. Where they do not ask for one of `FAMILIES`, the first that is there
            stands behind, for names of places.

        Raises
        ------
        SourceError
            When there is none; the package to install is named.
        """
        lacking = set(map(ord, needed)) - set(_font(BESIDE, bold=False).get_charmap())
        for listed in _installed():
            for family in FAMILIES:
                if family in listed and lacking <= set(_font(family, bold=False).get_charmap()):
                    return cls((family, BESIDE) if lacking else (BESIDE, family))
        if not lacking:
            return cls((BESIDE,))
        some = "".join(map(chr, sorted(lacking)[:12]))
        problem = f"none with such letters as {some} was found on this computer, so that sheets would show empty boxes"
        mend = (
            "Install Noto Sans CJK SC (Debian and Ubuntu: apt install fonts-noto-cjk; Fedora: dnf install"
            " google-noto-sans-cjk-fonts; elsewhere from notofonts.github.io), and write the sheets again"
        )
        raise SourceError(Finding("fonts", problem, mend))

    @cached_property
    def _known(self) -> frozenset[int]:
        return frozenset(code for family in self.families for code in _font(family, bold=False).get_charmap())

    def clean(self, text: object) -> str:
        """Text as it may be printed: one line, no control or direction marks, a box for what no font has."""
        spaced = " ".join(str(text).split())
        kept = (one for one in unicodedata.normalize("NFC", spaced) if unicodedata.category(one)[0] != "C")
        return "".join(one if ord(one) in self._known else _BOX for one in kept)

    def write(self, axes: Axes, x: float, y: float, text: str, size: float, **how: Any) -> Text:  # noqa: ANN401
        """Write clean text on axes: no formulas, and no two letters drawn as one, which cannot be searched for."""
        weight = "bold" if how.pop("bold", False) else "normal"
        told: dict[str, Any] = {"fontfamily": list(self.families), "fontsize": size, "fontweight": weight}
        written = axes.text(x, y, text, parse_math=False, **told, **how)
        if hasattr(written, "set_fontfeatures"):  # before matplotlib 3.11 there were none
            written.set_fontfeatures(["-liga", "-clig", "-calt"])
        return written

    def width(self, text: str, size: float, *, bold: bool = False) -> float:
        """How wide clean text is, in millimetres, at a size in points."""
        return sum(_advance(self.families, one, bold) for one in text) * size * MM

    def lines(self, text: str, width: float, size: float, *, most: int = 1, bold: bool = False) -> list[str]:
        """Clean text in lines of at most that width, in millimetres; what does not fit ends in an ellipsis."""
        lines = [""]
        for word in _words(text):
            if lines[-1] and self.width(lines[-1] + word.rstrip(), size, bold=bold) > width:
                lines.append("")
            part = word.lstrip() if not lines[-1] else word
            while self.width(part.rstrip(), size, bold=bold) > width and len(part) > 1:  # a word longer than a line
                cut = next(n for n in range(len(part), 0, -1) if n == 1 or self.width(part[:n], size) <= width)
                lines[-1] = part[:cut]
                lines.append("")
                part = part[cut:]
            lines[-1] += part
        if len(lines) <= most:
            return [one.rstrip() for one in lines]
        last, rest = "", "".join(lines[most - 1 :])
        for letter in rest:
            if self.width(last + letter + "…", size, bold=bold) > width:
                break
            last += letter
        return [*(one.rstrip() for one in lines[: most - 1]), last.rstrip(_TRAILING) + "…"]


def _words(text: str) -> Iterator[str]:
    """Parts that a line may be broken between: words with the blank before them, and single Chinese letters."""
    part = ""
    for letter in text:
        fresh = letter == " " or ord(letter) >= _WIDE or (part and ord(part[-1]) >= _WIDE)
        if part and part != " " and fresh and letter not in _NEVER_FIRST:
            yield part
            part = ""
        part += letter
    if part:
        yield part


def _installed() -> Iterator[set[str]]:
    """Families that matplotlib knows of; then, for a font installed since it last looked, those on the disk."""
    manager = font_manager.fontManager
    yield {one.name for one in manager.ttflist}
    known = {str(one.fname) for one in manager.ttflist}
    for path in font_manager.findSystemFonts():
        if path not in known:
            try:
                manager.addfont(path)
            except (OSError, RuntimeError, ValueError):  # not a font that can be read
                continue
    yield {one.name for one in manager.ttflist}


@lru_cache(maxsize=64)
def _font(family: str, *, bold: bool) -> Any:  # noqa: ANN401  a class of matplotlib's own
    asked = font_manager.FontProperties(family=[family], weight="bold" if bold else "normal")
    return font_manager.get_font(font_manager.findfont(asked, fallback_to_default=False))


@lru_cache(maxsize=65536)
def _advance(families: tuple[str, ...], letter: str, bold: bool) -> float:  # noqa: FBT001  a key of the cache
    """How far one letter moves the next, in parts of the size."""
    code = ord(letter)
    for one in families:
        font = _font(one, bold=bold)
        if font.get_char_index(code):
            font.set_size(_MEASURED, 72)  # others who draw set their own
            return float(font.load_char(code).linearHoriAdvance) / 65536 / _MEASURED
    return 1.0
