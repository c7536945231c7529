"""A few slides for the meeting: headline, card, gaps, projects; the only file that knows python-pptx."""
# ruff: noqa: ANN401  python-pptx has no types

from __future__ import annotations

import io
import zipfile
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pandas as pd
from pptx import Presentation
from pptx.dml.color import RGBColor
from pptx.enum.dml import MSO_PATTERN
from pptx.enum.shapes import MSO_SHAPE
from pptx.enum.text import MSO_ANCHOR, PP_ALIGN
from pptx.oxml.ns import qn
from pptx.util import Mm, Pt

from circle15.sheets.contents import joined
from circle15.sheets.drawing import ink_on
from circle15.sheets.layouts import gap_picture, lacking_bands, project_rows, site_picture
from circle15.sheets.paper import INK, MARK, SOFT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from circle15.sheets.contents import Contents
    from circle15.sheets.letters import Letters
    from circle15.sheets.paper import Paper

WIDE, TALL = 338.67, 190.5  # 16:9, in millimetres
EDGE = 12.0
LISTED = 8  # places, and projects, on a slide
MOST_UNITS = 16  # rows of the card that can be read from the last row of chairs
_HATCHED = "hatched"  # instead of a colour: not graded
_PALE, _LINE = "#eef0f3", "#c9ccd1"
_MADE = datetime(2000, 1, 1)  # noqa: DTZ001  stands instead of the time of writing; the same result, the same file
_LEFT, _CENTER, _RIGHT = PP_ALIGN.LEFT, PP_ALIGN.CENTER, PP_ALIGN.RIGHT


def write_meeting(made: Contents, letters: Letters, path: Path) -> None:
    """Write the slides: headline, card, gaps and, where there are any, projects.

    Parameters
    ----------
    made : Contents
        What is said.
    letters : Letters
        The font of the maps; text on slides is written in that of the reader's computer.
    path : Path
        Such as ``meeting.pptx``; it is replaced.
    """
    deck = _Deck(made)
    _headline(deck)
    _card(deck)
    _gaps(deck, letters)
    if len(made.projects):
        _projects(deck, letters)
    deck.write(path)


class _Deck:
    """Slides of one look: title, mark, foot."""

    def __init__(self, made: Contents) -> None:
        self.made = made
        self.font = made.shared("workbook", "font")[0]  # what the reader's computer has
        self.deck = Presentation()
        self.deck.slide_width, self.deck.slide_height = Mm(WIDE), Mm(TALL)
        said = self.deck.core_properties
        said.title, said.author, said.last_modified_by = joined(made.name), "circle15", "circle15"
        said.created = said.modified = _MADE

    def slide(self, key: str, note: tuple[str, str] | None = None) -> Any:
        """A new slide with its title, the name of the study, and what has to stand on every one."""
        made = self.made
        slide = self.deck.slides.add_slide(self.deck.slide_layouts[5])  # title only, so that it has an outline
        title, other = made.said("titles", key)
        shape = slide.shapes.title
        shape.left, shape.top, shape.width, shape.height = Mm(EDGE), Mm(7), Mm(220), Mm(14)
        self.fill(shape.text_frame, [(title, 26, True, INK), (f"  {other}", 15, False, SOFT)])
        name, second = made.name
        self.text(slide, (232, 5, WIDE - EDGE - 232, 7), [(name, 12, True, INK)], side=_RIGHT)
        self.text(slide, (232, 11, WIDE - EDGE - 232, 5), [(second, 9, False, SOFT)], side=_RIGHT)
        if note:
            self.text(slide, (EDGE, 20, 222, 9), [(joined(note, "\n"), 9, False, SOFT)])
        if made.mark:
            box = self.plate(slide, (WIDE - EDGE - 98, 17, 98, 10.6), MARK)
            self.fill(box.text_frame, [(joined(made.mark, "\n"), 9, True, "#ffffff")], side=_CENTER)
        self.text(slide, (EDGE, TALL - 11, WIDE - 2 * EDGE, 7), [(self._foot, 8, False, SOFT)])
        return slide

    @property
    def _foot(self) -> str:
        facts = self.made.facts
        keys = ("data_date", "standard", "walker", "scenario", "sources")
        said = [f"{self.made.said('facts', key)[0]} {facts[key]}" for key in keys if key in facts]
        return " | ".join([*said, facts["version"]])

    def plate(self, slide: Any, place: Sequence[float], face: str) -> Any:
        """A filled rectangle without edge or shadow."""
        box = slide.shapes.add_shape(MSO_SHAPE.RECTANGLE, *map(Mm, place))
        box.fill.solid()
        box.fill.fore_color.rgb = _rgb(face)
        box.line.fill.background()
        box.shadow.inherit = False
        return box

    def text(
        self, slide: Any, place: Sequence[float], parts: Sequence[tuple[str, float, bool, str]], **how: Any
    ) -> None:
        """A box of text: parts of text, size, bold, colour; `place` is left, top, width and height in millimetres."""
        left, top, width, height = map(Mm, place)
        box = slide.shapes.add_textbox(left, top, width, height)
        self.fill(box.text_frame, parts, **how)

    def fill(
        self, frame: Any, parts: Sequence[tuple[str, float, bool, str]], *, side: Any = _LEFT, inset: bool = True
    ) -> None:
        """One paragraph made of parts, in the font of the first language."""
        frame.word_wrap = True
        if inset:
            frame.margin_left = frame.margin_right = frame.margin_top = frame.margin_bottom = 0
        paragraph = frame.paragraphs[0]
        paragraph.alignment = side
        for text, size, bold, colour in parts:
            for place, line in enumerate(_printable(text).split("\n")):
                if place:
                    paragraph.add_line_break()
                run = paragraph.add_run()
                run.text = line
                run.font.size, run.font.bold, run.font.name = Pt(size), bold, self.font
                run.font.color.rgb = _rgb(colour)
                east = run.font._element.makeelement(qn("a:ea"), {"typeface": self.font})  # noqa: SLF001  python-pptx sets latin
                run.font._element.append(east)  # noqa: SLF001

    def table(
        self, slide: Any, place: Sequence[float], widths: Sequence[float], rows: Sequence[Sequence[Any]], **how: Any
    ) -> None:
        """A table; each cell is text, or text and the colour behind it. The first row is the head.

        `how`: `size` in points, `sides` of the columns, rows `tall` and the `head` so many millimetres, colour of the
        `edge`.
        """
        size, sides, tall = how["size"], how["sides"], how["tall"]
        heights = [how.get("head", tall), *(tall for _ in rows[1:])]
        left, top = place
        shape = slide.shapes.add_table(len(rows), len(widths), Mm(left), Mm(top), Mm(sum(widths)), Mm(sum(heights)))
        table = shape.table
        look = shape._element.graphic.graphicData.tbl.tblPr.find(qn("a:tableStyleId"))  # noqa: SLF001  no other way
        look.text = "{2D5ABB26-0587-4C30-8999-92F81FD0307C}"  # no style: colours mean something here
        for column, width in zip(table.columns, widths, strict=True):
            column.width = Mm(width)
        for at, (row, cells) in enumerate(zip(table.rows, rows, strict=True)):
            row.height = Mm(heights[at])
            for cell, value, side in zip(row.cells, cells, sides, strict=True):
                words, face = value if isinstance(value, tuple) else (value, _PALE if at == 0 else "#ffffff")
                _paint(cell.fill, face)
                cell.margin_left = cell.margin_right = Mm(1.2)
                cell.margin_top = cell.margin_bottom = Mm(0.3)
                cell.vertical_anchor = MSO_ANCHOR.MIDDLE
                _edge(cell, how.get("edge", _LINE))
                self.fill(
                    cell.text_frame,
                    [(words, size, at == 0, INK if face == _HATCHED else ink_on(face))],
                    side=side,
                    inset=False,
                )

    def picture(self, slide: Any, paper: Paper, place: tuple[float, float], words: str) -> None:
        """A map, with words for those who do not see it."""
        drawn = slide.shapes.add_picture(io.BytesIO(paper.png()), Mm(place[0]), Mm(place[1]), width=Mm(paper.width))
        drawn._element.nvPicPr.cNvPr.set("descr", words)  # noqa: SLF001  python-pptx has no other way

    def write(self, path: Path) -> None:
        """Write it, every part with the same date: the same slides, the same bytes."""
        made = io.BytesIO()
        self.deck.save(made)
        with zipfile.ZipFile(made) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
            for name in old.namelist():
                part = zipfile.ZipInfo(name, date_time=_MADE.timetuple()[:6])
                part.compress_type = zipfile.ZIP_DEFLATED
                new.writestr(part, old.read(name))


# ------------------------------------------------------------------------------------------------------- the slides


def _headline(deck: _Deck) -> None:
    """Four figures, and every category in a line."""
    made = deck.made
    slide = deck.slide("headline", made.said("notes", "shares"))
    tiles = _figures(made)
    wide = (WIDE - 2 * EDGE - 4 * (len(tiles) - 1)) / len(tiles)
    for place, (value, words) in enumerate(tiles):
        left = EDGE + place * (wide + 4)
        deck.plate(slide, (left, 31, wide, 27), _PALE)
        deck.text(slide, (left + 2, 32.5, wide - 4, 13), [(value, 26, True, INK)])
        deck.text(slide, (left + 2, 45, wide - 4, 6), [(words[0], 12, True, INK)])
        deck.text(slide, (left + 2, 50.5, wide - 4, 6), [(words[1], 9, False, SOFT)])
    keys = ("category", "share", "gap", "unknown")
    rows: list[list[Any]] = [[joined(made.said("heads", key), "\n") for key in keys]]
    for category in made.standard.categories:
        row = made.residents.loc[category.key]
        counts = ["–" if pd.isna(row[name]) else f"{row[name]:,.0f}" for name in ("gap", "unknown")]
        rows.append([joined(made.named(category)), made.share(category), *counts])
    tall = min(9.0, (TALL - 63 - 11 - 14) / max(1, len(rows) - 1))
    widths = (WIDE - 2 * EDGE - 186, 62, 62, 62)
    deck.table(slide, (EDGE, 63), widths, rows, size=11, sides=(_LEFT, _RIGHT, _RIGHT, _RIGHT), tall=tall, head=11)


def _figures(made: Contents) -> list[tuple[str, tuple[str, str]]]:
    """The figures of the headline."""
    homes, card = made.homes, made.result.grades
    circles = made.result.judgement.circles
    lacking = float(homes["people"][homes["lacking"] > 0].sum())
    lowest = card[card["unit"].isin(made.of_tier(made.tiers[-1]).index)]
    met = int((lowest["grade"] >= made.met).fillna(value=False).sum())
    figures = [
        (made.facts["population"], made.said("facts", "population")),
        (f"{lacking:,.0f}", made.said("facts", "lacking")),
        (f"{met:,} / {len(lowest):,}", made.said("facts", "cells", n=made.met)),
    ]
    if len(circles):
        built = int((circles["state"] == "built").sum())
        figures.append((f"{built} / {len(circles)}", made.said("facts", "circles")))
    return figures


def _card(deck: _Deck) -> None:
    """Units by categories, each cell with its grade and word."""
    made = deck.made
    tiers = [tier for tier in made.tiers if len(made.of_tier(tier)) <= MOST_UNITS] or made.tiers[:1]
    tier = tiers[-1]
    slide = deck.slide("card", made.shared("tier", tier))
    units = made.of_tier(tier).iloc[:MOST_UNITS]
    bands = {band.grade: band for band in made.standard.grades}
    fills = made.palette["grades"]
    grades = {one.key: made.graded(one, tier) for one in made.standard.categories}
    rows: list[list[Any]] = [["", *(joined(made.named(one), "\n") for one in made.standard.categories)]]
    none = made.shared("grade", "none")[0]
    for unit, name in units["name"].items():
        cells = []
        for one in grades.values():
            grade = one[unit]
            said = none if pd.isna(grade) else f"{grade} {made.named(bands[int(grade)])[0]}"
            cells.append((said, _HATCHED if pd.isna(grade) else fills[str(grade)]))
        rows.append([str(name), *cells])
    each = (WIDE - 2 * EDGE - 34) / len(grades)
    head = 21.0
    tall = min(10.0, (TALL - 30 - head - 24) / max(1, len(rows) - 1))
    sides = (_LEFT, *(_CENTER for _ in grades))
    widths = (34, *(each for _ in grades))
    deck.table(slide, (EDGE, 30), widths, rows, size=8.5, sides=sides, tall=tall, head=head, edge="#ffffff")
    x = EDGE
    for grade in sorted(bands, reverse=True):
        box = deck.plate(slide, (x, TALL - 21, 8, 5.4), fills[str(grade)])
        deck.fill(box.text_frame, [(str(grade), 10, True, ink_on(fills[str(grade)]))], side=_CENTER)
        deck.text(slide, (x + 10, TALL - 20.8, 30, 5), [(joined(made.named(bands[grade])), 10, False, INK)])
        x += 42
    _paint(deck.plate(slide, (x, TALL - 21, 8, 5.4), "#ffffff").fill, _HATCHED)
    words = f"{joined(made.shared('grade', 'none'))} {joined(made.said('legend', 'ungraded'))}"
    deck.text(slide, (x + 10, TALL - 20.8, WIDE - EDGE - x - 10, 9), [(words, 8, False, SOFT)])


def _gaps(deck: _Deck, letters: Letters) -> None:
    """The map of gaps, and the worst places beside or below it."""
    made = deck.made
    slide = deck.slide("gaps", made.said("notes", "gaps"))
    paper, worst = gap_picture(made, letters, width=WIDE - 2 * EDGE - 108, height=TALL - 30 - 24, most=LISTED)
    deck.picture(slide, paper, (EDGE, 30), joined(made.said("titles", "gaps")))
    parts = [(f"{joined(made.said('legend', 'lacking'))}   ", 10, True, INK)]
    for words, face in lacking_bands(made):
        parts += [("● ", 14, False, face), (f"{joined(words, ' / ')}   ", 10, False, INK)]
    deck.text(slide, (EDGE, 32 + paper.height, paper.width, 6), parts)
    units = made.result.origins["unit"]
    heads = [joined(made.said("heads", key), "\n") for key in ("place", "people", "total")]
    rows: list[list[Any]] = [["", *heads]]
    for place, (key, row) in enumerate(worst.iterrows(), start=1):
        rows.append([str(place), made.where(units[key]), f"{row['people']:,.0f}", f"{row['total']:,.0f}"])
    sides = (_RIGHT, _LEFT, _RIGHT, _RIGHT)
    deck.table(slide, (WIDE - EDGE - 104, 30), (8, 46, 24, 26), rows, size=9, sides=sides, tall=9, head=11)


def _projects(deck: _Deck, letters: Letters) -> None:
    """The map of sites, and the first projects."""
    made = deck.made
    slide = deck.slide("projects", made.said("notes", "projects"))
    paper = site_picture(made, letters, width=WIDE - 2 * EDGE - 140, height=TALL - 30 - 14)
    deck.picture(slide, paper, (EDGE, 30), joined(made.said("titles", "projects")))
    listed = project_rows(made)
    heads = [joined(made.said("heads", key), "\n") for key in ("project", "service", "gained", "cost")]
    rows: list[list[Any]] = [["", *heads]]
    rows += [[one[0], one[2], one[3], one[4], one[6]] for one in listed[: LISTED + 2]]
    sides = (_RIGHT, _LEFT, _LEFT, _RIGHT, _RIGHT)
    deck.table(slide, (WIDE - EDGE - 136, 30), (8, 50, 36, 20, 22), rows, size=9, sides=sides, tall=9, head=11)
    left = len(listed) - LISTED - 2
    if left > 0:
        more = made.both("more", n=left, file="projects.csv")
        deck.text(slide, (WIDE - EDGE - 136, 30 + 9 * len(rows) + 4, 136, 9), [(more, 9, False, SOFT)])


# ------------------------------------------------------------------------------------------------------- primitives


def _paint(fill: Any, face: str) -> None:
    """A colour behind a cell, or the pattern that says that nothing is known."""
    if face == _HATCHED:
        fill.patterned()
        fill.pattern = MSO_PATTERN.LIGHT_UPWARD_DIAGONAL
        fill.fore_color.rgb, fill.back_color.rgb = _rgb("#9aa1aa"), _rgb("#ffffff")
    else:
        fill.solid()
        fill.fore_color.rgb = _rgb(face)


def _edge(cell: Any, colour: str) -> None:
    """A thin line right of a cell and below it, which python-pptx has no word for; it stands before the fill."""
    within = cell._tc.get_or_add_tcPr()  # noqa: SLF001
    for place, side in enumerate(("a:lnR", "a:lnB")):
        line = within.makeelement(qn(side), {"w": "9525"})
        fill = line.makeelement(qn("a:solidFill"), {})
        fill.append(fill.makeelement(qn("a:srgbClr"), {"val": colour.removeprefix("#").upper()}))
        line.append(fill)
        within.insert(place, line)


def _printable(text: str) -> str:
    """Text without control and direction marks, which a slide cannot hold or should not obey."""
    return "".join(one for one in text if one == "\n" or one.isprintable())


def _rgb(colour: str) -> RGBColor:
    return RGBColor(*bytes.fromhex(colour.removeprefix("#")))  # type: ignore[no-untyped-call]
