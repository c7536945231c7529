"""The card as an Excel workbook: what a planner prints on A3 and takes to the meeting.

The languages of the study stand side by side, in its order; a word stands in every coloured cell. Nothing in it is a
formula, a link or a macro: what the cells show is what was computed.
"""

from __future__ import annotations

import io
import math
import tomllib
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache, partial
from importlib import resources
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd
import xlsxwriter
from xlsxwriter.exceptions import XlsxWriterException

from circle15 import tables
from circle15.errors import Finding, SourceError
from circle15.project.languages import Labels

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from xlsxwriter.format import Format
    from xlsxwriter.workbook import Workbook
    from xlsxwriter.worksheet import Worksheet

    from circle15.project import Standard
    from circle15.tables import Result

MET = 4  # "meets the standard", where a standard does not say what a built circle asks
_A3 = 8
_FOOT = 255  # characters that Excel takes
_MADE = datetime(2000, 1, 1)  # noqa: DTZ001  stands instead of the time of writing; the same result, the same file
_DARK = 0.45  # colours darker than this carry white letters
_FIRST = 4  # row of the heads; above it title, note and a blank line
_WIDEST, _NARROWEST = 60, 12
_ACROSS, _FITS, _LINE = 7, 96, 16  # the columns that a line of words goes over, letters on it, its height
_SHARES = ("share", "share_most", "known_share", "satisfaction")
_VERDICTS = ("fail", "pass", "unknown", "built", "not built")
_LISTS = ("lacks", "undecided")  # of keys
_DECIMALS = ("minutes", "adequacy", "expected", "value", "cost")
_PROJECT = (  # what of a project goes on paper; projects.csv has the rest
    *("rank", "phase", "name", "unit_name", "service", "people", "cumulative", "by_group", "need", "basis"),
    *("equipment", "place", "room_m2", "cost", "cost_unit", "cost_class", "step_free", "cells", "evidence"),
)
_TAB = 31  # letters that Excel allows on a tab
_MOST_ROWS = 20_000  # of a sheet; results.gpkg has all
_PAPER = 28  # widest column of a sheet that has to be read on one page of A3


class Cell(NamedTuple):
    """A value, and how it is drawn: a key of the formats."""

    value: Any
    look: str = "text"


@dataclass
class Sheet:
    """One sheet: its key in `labels/*.toml`, facts, and blocks of heads and rows, one under the other."""

    key: str
    blocks: list[tuple[Sequence[str], list[list[Cell]]]] = field(default_factory=list)
    filtered: bool = True
    facts: Sequence[tuple[str, Any]] = ()
    widest: int = _WIDEST


def write_workbook(
    result: Result, path: Path, *, standard: Standard, manifest: Mapping[str, object] | None = None
) -> None:
    """Write the card and all that stands behind it as one workbook.

    Sheets: an overview, the card of every tier with coloured cells and words, supply, minimum sizes, projects, circles,
    containment, groups, equity, survey, completeness, definitions, provenance; a sheet without rows is left out.

    Parameters
    ----------
    result : Result
        What a run computed.
    path : Path
        Such as ``card.xlsx``; it is replaced.
    standard : Standard
        The standard that the result was held against.
    manifest : mapping, optional
        What `run.json` says, for the sheet of provenance.

    Raises
    ------
    SourceError
        When the disk does not take it.
    """
    palette = tomllib.loads((resources.files("circle15") / "labels" / "palette.toml").read_text(encoding="utf-8"))
    made = _Made(result, standard)
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "in_memory": True}
    packed = io.BytesIO()  # a file that is cut short would complain once more when it is forgotten
    try:
        with xlsxwriter.Workbook(packed, options) as book:
            book.set_properties(
                {"title": made.labels.joined("workbook", "title"), "created": _MADE, "comments": made.mark}
            )
            formats = _formats(book, palette, font=made.said("font")[0])
            for sheet in made.sheets(manifest or {}):
                _draw(
                    book.add_worksheet(made.labels.said("workbook", "sheets", sheet.key)[0][:_TAB]),
                    sheet,
                    made,
                    formats,
                )
        path.write_bytes(packed.getbuffer())
    except (OSError, XlsxWriterException) as error:
        mend = "Make room on the disk, and close the file in other programs"
        raise SourceError(Finding(path.name, f"it cannot be written ({error})", mend)) from error


# ------------------------------------------------------------------------------------------------ from tables to cells


class _Made:
    """The sheets of one result."""

    def __init__(self, result: Result, standard: Standard) -> None:
        self.result, self.standard, self.labels = result, standard, Labels.of(standard)
        cell = partial(self.labels.joined, "tier", "one_cell")
        tiers = result.units["tier"] == "cell"
        self.names = (
            result.units["name"].astype(object).mask(tiers, result.units["name"].map(lambda one: cell(name=one)))
        )
        self.top = result.units.index[result.units["parent"].isna()]
        kinds: dict[str, Sequence[Any]] = {
            "service": standard.services,
            "group": standard.groups,
            "view": (*standard.special_circles, *standard.brands),
            "category": standard.categories,  # the last: where a key is of several kinds, a category is meant
        }
        self.keyed = {one.key: one for kind in kinds.values() for one in kind}
        self.said_of = {kind: {one.key: standard.label(one) for one in ones} for kind, ones in kinds.items()}
        self.values = {key: standard.label(one) for key, one in self.keyed.items()}
        first = next(iter(self.labels.words.values()))["workbook"]
        self.heads = {key: "\n".join(self.said("heads", key)) for key in first["heads"]}
        self.values = {key: self.joined("values", key) for key in first["values"]} | self.values
        self.grades = {band.grade: band for band in standard.grades}
        self.met = MET if standard.built is None else standard.built.grade

    @property
    def mark(self) -> str:
        """What has to stand on every sheet of synthetic data."""
        return self.joined("synthetic") if self.result.facts.get("synthetic") else ""

    def said(self, *keys: str) -> tuple[str, ...]:
        """A word of the workbook in each language, once."""
        return tuple(dict.fromkeys(self.labels.said("workbook", *keys)))

    def joined(self, *keys: str) -> str:
        """The same, side by side."""
        return " ".join(self.said(*keys))

    def sheets(self, manifest: Mapping[str, object]) -> Iterator[Sheet]:
        """Every sheet that has something to say."""
        judged = self.result.judgement
        yield self._overview()
        for tier in tables.TIERS:
            if (self.result.units["tier"] == tier).any():
                yield self._card(tier)
        listed = {
            "supply": self._of_tier(judged.supply),
            "minimums": self._fitting(judged.minimums.sort_values("state", kind="stable")),
            "projects": judged.projects.assign(unit_name=judged.projects["unit"].map(self.names))[list(_PROJECT)],
            "project_cells": judged.project_cells,
            "circles": judged.circles.reset_index(),
            "views": self._fitting(self._above(judged.views)),
            "containment": self._fitting(self._above(judged.containment)),
            "groups": self._fitting(self._above(judged.group_coverage)),
            "equity": self._named_subjects(judged.equity),
            "survey": judged.quadrant,
            "completeness": self._of_tier(self.result.completeness),
        }
        for key, table in listed.items():
            if len(table):
                yield Sheet(key, [self._listed(table)], widest=_PAPER if key == "projects" else _WIDEST)
        yield Sheet("definitions", [self._listed(tables.dictionary()[["table", "column", "words"]])])
        yield self._provenance(manifest)

    def _named_subjects(self, table: pd.DataFrame) -> pd.DataFrame:
        """A table of which another column says what kind of thing each row speaks of."""
        named = zip(table["of"], table["subject"], strict=True)
        return table.assign(subject=[self.said_of.get(of, {}).get(one, one) for of, one in named])

    def _above(self, table: pd.DataFrame) -> pd.DataFrame:
        """The rows of units that hold others, which can be read on paper; results.gpkg has those of every unit."""
        parents = self.result.units["parent"].dropna().unique()
        return table[table["unit"].isin(parents)] if len(parents) else table

    def _of_tier(self, table: pd.DataFrame) -> pd.DataFrame:
        """The same, and of the smallest units the services that belong to them."""
        tier = pd.Series({one.key: one.tier for one in self.standard.services}, dtype=object)
        own = table["unit"].map(self.result.units["tier"]).astype(object) == table["service"].map(tier)
        return self._fitting(table[own | table.index.isin(self._above(table).index)])

    def _fitting(self, table: pd.DataFrame) -> pd.DataFrame:
        """A table whose pages can be turned: of very many units those that hold others, else the topmost."""
        for fewer in (table, self._above(table), table[table["unit"].isin(self.top)]):
            if len(fewer) <= _MOST_ROWS:
                return fewer
        return table.iloc[:0]

    def _listed(self, table: pd.DataFrame) -> tuple[Sequence[str], list[list[Cell]]]:
        """A table as heads and rows; units get their names, keys their words."""
        table = table.drop(columns="geometry", errors="ignore")
        heads: list[str] = []
        columns: list[list[Cell]] = []
        for name in table.columns:
            values = table[name].astype(object).where(table[name].notna(), None).tolist()
            heads.append(name)
            columns.append([self._cell(name, value) for value in values])
            if name == "unit":
                heads.append("unit_name")
                columns.append([Cell(self.names.get(value, "")) for value in values])
        return heads, [list(row) for row in zip(*columns, strict=True)]

    def _cell(self, name: str, value: Any) -> Cell:  # noqa: ANN401  whatever a table holds
        if name in ("grade", "grade_coverage", "grade_supply", "grade_before", "grade_after"):
            return self._graded(value)
        if name in _LISTS and value:
            return Cell(self._names(value.split(", ")))
        if isinstance(value, str | bool):
            word = str(value).lower() if isinstance(value, bool) else value
            said = self.said_of.get(name, {}).get(word) or self.values.get(word, word)
            return Cell(said, word if word in _VERDICTS else "text")
        if value is None or not math.isfinite(value):
            return Cell("–", "none")
        look = "share" if name in _SHARES else "decimal" if name in _DECIMALS else "whole"
        return Cell(value, look)

    def _names(self, keys: Sequence[str]) -> str:
        """Names of some things of the standard, each language on a line of its own."""
        commas = zip(self.standard.languages, self.labels.said("number", "comma"), strict=True)
        lines = [comma.join(self.keyed[key].name_in(code) for key in keys) for code, comma in commas]
        return "\n".join(dict.fromkeys(lines))

    def _graded(self, grade: int | None) -> Cell:
        if grade is None:
            return Cell(self.joined("none"), "grade none")
        return Cell(f"{grade} {self.standard.label(self.grades[grade])}", f"grade {grade}")

    def _card(self, tier: str) -> Sheet:
        """Units by category, each cell coloured and in words."""
        units = self.result.units[self.result.units["tier"] == tier]
        keys = [one.key for one in self.standard.categories]
        cells = self.result.grades.set_index(["unit", "category"])["grade"]
        living = self.result.grades.groupby("unit")["people"].max()
        rows = []
        for unit in units.itertuples():
            graded = [cells.get((unit.Index, key)) for key in keys]
            own = [None if pd.isna(one) else int(one) for one in graded]
            people = living[unit.Index]
            parent = self.names.get(unit.parent, "") if isinstance(unit.parent, str) else ""
            met = sum(one is not None and one >= self.met for one in own)
            front = [
                Cell(unit.Index),
                Cell(self.names[unit.Index]),
                Cell(parent),
                Cell(float(people), "whole"),
                Cell(met, "whole"),
            ]
            rows.append([*front, *(self._graded(one) for one in own)])
        return Sheet(tier, [(("unit", "unit_name", "parent", "people", "met", *keys), rows)])

    def _overview(self) -> Sheet:
        """Facts, people by category, circles against targets, unit coverage beside resident coverage."""
        facts, standard = self.result.facts, self.standard
        said = {
            "name": self._each("name") or facts.get("name"),
            "population": facts.get("population"),
            "standard": " ".join(dict.fromkeys(standard.spoken(standard.title))),
            "authority": " ".join(dict.fromkeys(standard.spoken(standard.authority))),
            "walker": self._each("walker"),
            "data_date": facts.get("data_date"),
            "trip": self._trip(),
            **{key: facts.get(key) for key in ("when", "scenario", "attribution", "note")},
            "version": f"circle15 {facts.get('version', '')}",
        }
        lines = [(self.joined("facts", key), value) for key, value in said.items() if value]
        blocks = [self._headline()]
        if len(self.result.judgement.targets):
            blocks.append(self._listed(self.result.judgement.targets.reset_index()))
        owned = self._owned()
        return Sheet("overview", [*blocks, *([owned] if owned[1] else [])], filtered=False, facts=lines)

    def named(self, key: str) -> str:
        """The head of a column that is something of the standard."""
        one = self.keyed.get(key)
        return key if one is None else "\n".join(dict.fromkeys(one.name_in(code) for code in self.standard.languages))

    def _each(self, fact: str) -> str:
        """A fact that is stated in each language, side by side."""
        said = (str(self.result.facts.get(f"{fact}_{language}") or "") for language in self.standard.languages)
        return " ".join(dict.fromkeys(one for one in said if one))

    def _trip(self) -> str:
        """Which way is walked, in words."""
        trip = str(self.result.facts.get("trip") or "")
        return self.labels.joined("trip", trip) if trip else ""

    def _headline(self) -> tuple[Sequence[str], list[list[Cell]]]:
        """People by category over the whole study: the topmost units together."""
        whole = self.result.grades[self.result.grades["unit"].isin(self.top)]
        summed = whole.groupby("category", sort=False)[["people", "served", "gap", "unknown", "served_lenient"]].sum()
        rows = []
        for key, row in summed.iterrows():
            least = row["served"] / row["people"] if row["people"] else None
            most = (row["served"] + row["unknown"]) / row["people"] if row["people"] else None
            shares = [Cell(one, "share") if one is not None else Cell("–", "none") for one in (least, most)]
            counted = [Cell(float(row[name]), "whole") for name in ("served", "gap", "unknown", "served_lenient")]
            rows.append([Cell(self.values[str(key)]), *counted, *shares])
        return ("category", "served", "gap", "unknown", "served_lenient", "share", "share_most"), rows

    def _owned(self) -> tuple[Sequence[str], list[list[Cell]]]:
        """Units that own a facility beside residents who have one in reach; both are claimed in public."""
        supply = self.result.judgement.supply
        table = supply[supply["unit"].isin(self.top) & (supply["units"] > 0)]
        table = table.assign(share=table["served"] / table["people"].where(table["people"] > 0))
        return self._listed(table[["service", "units_owning", "units_unknown", "units", "served", "unknown", "share"]])

    def _provenance(self, manifest: Mapping[str, object]) -> Sheet:
        """What was computed from what."""
        rows = [[Cell(key), Cell(text)] for key, text in _flat(manifest)]
        return Sheet("provenance", [(("key", "what"), rows)])


def _flat(value: object, key: str = "") -> Iterator[tuple[str, str]]:
    """Nested plain values as lines."""
    if isinstance(value, dict):
        for name, one in value.items():
            yield from _flat(one, f"{key}.{name}" if key else str(name))
    elif isinstance(value, list | tuple) and any(isinstance(one, dict | list) for one in value):
        for number, one in enumerate(value, start=1):
            yield from _flat(one, f"{key} {number}")
    elif value not in (None, "", [], ()):
        yield key, ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


# ----------------------------------------------------------------------------------------------------------- drawing


def _formats(book: Workbook, palette: Mapping[str, Mapping[str, str]], *, font: str) -> dict[str, Format]:
    base = {"font_name": font, "font_size": 10, "valign": "vcenter", "border": 1, "border_color": "#c9ccd1"}
    plain = {"font_name": font, "valign": "vcenter"}
    centred = base | {"align": "center"}
    looks: dict[str, dict[str, Any]] = {
        "title": plain | {"font_size": 16, "bold": True},
        "note": plain | {"font_size": 10, "font_color": "#474d57"},
        "mark": plain | {"font_size": 11, "bold": True, "font_color": "#ffffff", "bg_color": "#5b1030"},
        "head": base | {"bold": True, "bg_color": "#e9ebee", "text_wrap": True, "align": "center"},
        "head left": base | {"bold": True, "bg_color": "#e9ebee"},
        "text": base | {"text_wrap": True},
        "whole": base | {"num_format": "#,##0"},
        "decimal": base | {"num_format": "0.00"},
        "share": base | {"num_format": "0.0%"},
        "none": centred | {"font_color": "#7b828c"},
    }
    fills = palette["grades"]
    looks |= {f"grade {grade}": centred | _filled(fills[str(grade)]) for grade in range(1, 6)}
    looks["grade none"] = centred | _filled(fills["none"]) | {"pattern": 4, "fg_color": "#ffffff", "italic": True}
    looks |= {word: centred | _filled(fills["4"]) for word in ("pass", "built")}
    looks |= {word: centred | _filled(fills["1"]) for word in ("fail", "not built")}
    looks["unknown"] = centred | _filled(fills["unknown"]) | {"italic": True}
    return {key: book.add_format(look) for key, look in looks.items()}


def _filled(colour: str) -> dict[str, Any]:
    """A fill, and letters that can be read on it."""
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    dark = 0.299 * red + 0.587 * green + 0.114 * blue < _DARK
    return {"bg_color": colour, "font_color": "#ffffff" if dark else "#14213d"}


def _draw(page: Worksheet, sheet: Sheet, made: _Made, formats: dict[str, Format]) -> None:
    """One sheet: title, note, mark, facts, blocks; ready to be printed on A3."""
    page.write_string(0, 0, made.joined("sheets", sheet.key), formats["title"])
    page.write_string(1, 0, made.joined("notes", sheet.key), formats["note"])
    if made.mark:
        page.merge_range(2, 0, 2, _ACROSS, made.mark, formats["mark"])
    page.set_row(0, 26)
    row = _draw_facts(page, sheet.facts, formats)
    widths = _widths(sheet)
    for heads, rows in sheet.blocks:
        _draw_heads(page, row, [(sheet.key, name) for name in heads], made, formats)
        page.set_row(row, _LINE * (5 if sheet.key in tables.TIERS else 3))
        if sheet.filtered and rows:
            page.autofilter(row, 0, row + len(rows), len(heads) - 1)
            page.freeze_panes(row + 1, 2 if sheet.key in tables.TIERS else 0)
            page.repeat_rows(row)
        for at, cells in enumerate(rows, start=row + 1):
            lines = max(_lines(cell, wide) for cell, wide in zip(cells, widths, strict=False))
            if lines > 1:
                page.set_row(at, _LINE * lines)
            for column, (value, look) in enumerate(cells):
                if isinstance(value, str):
                    page.write_string(at, column, value, formats[look])
                else:
                    page.write_number(at, column, value, formats[look])
        row += len(rows) + 2
    for column, wide in enumerate(widths):
        page.set_column(column, column, wide)
    page.set_landscape()
    page.set_paper(_A3)
    page.fit_to_pages(1, 0)
    page.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
    page.set_footer(_foot(made))


def _foot(made: _Made) -> str:
    """The foot of a printed page: what it is of and from on two lines at the left, the page at the right.

    Excel takes `&` as a sign, and no more than so many characters: a long name is cut, then a long attribution.
    """
    facts, foot = made.result.facts, "&L&8 {} {}\n{}&R&8 " + made.joined("footer").replace("\n", " ")
    room = _FOOT - len(foot.format("", "", ""))
    mark = _cut(made.mark, room)
    source = _cut(facts.get("attribution", ""), room - len(mark))
    name = _cut(facts.get("name", ""), room - len(mark) - len(source))
    return foot.format(name, mark, source)


def _cut(said: object, room: int) -> str:
    """As much of some words as there is room for, on one line, so that Excel shows every `&`."""
    kept = " ".join(str(said).split()).replace("&", "&&")[:room]
    return kept[: len(kept) - (len(kept) - len(kept.rstrip("&"))) % 2]


def _draw_facts(page: Worksheet, facts: Sequence[tuple[str, Any]], formats: dict[str, Format]) -> int:
    """What is known of the study, each on a line across the sheet; returns the row below."""
    row = _FIRST
    for head, value in facts:
        page.write_string(row, 0, head, formats["head left"])
        said = f"{value:,.0f}" if isinstance(value, float) else str(value)
        page.merge_range(row, 1, row, _ACROSS, said, formats["text"])
        page.set_row(row, _LINE * (1 + _wide(said) // _FITS))
        row += 1
    return row + bool(facts)


def _widths(sheet: Sheet) -> list[int]:
    """Columns as wide as what stands in them, within reason."""
    columns: list[int] = []
    for heads, rows in sheet.blocks:
        for column in range(len(heads)):
            texts = {cells[column].value for cells in rows if isinstance(cells[column].value, str)}
            wide = min(max(map(_wide, texts), default=0), sheet.widest) + 2
            if column < len(columns):
                columns[column] = max(columns[column], wide)
            else:
                columns.append(max(wide, min(_NARROWEST, sheet.widest // 3)))
    return columns


def _lines(cell: Cell, wide: int) -> int:
    """How many lines a cell takes in a column of that width."""
    return sum(-(-_wide(line) // wide) for line in cell.value.split("\n")) if isinstance(cell.value, str) else 1


def _draw_heads(
    page: Worksheet, row: int, heads: Iterable[tuple[str, str]], made: _Made, formats: dict[str, Format]
) -> None:
    for column, (key, name) in enumerate(heads):
        text = made.heads.get(f"{key}_{name}") or made.heads.get(name) or made.named(name)
        page.write_string(row, column, text, formats["head"])


@lru_cache(maxsize=65536)
def _wide(text: str) -> int:
    """How many columns of letters a text wants; a Chinese letter takes two."""
    return sum(2 if ord(letter) > 0x2E80 else 1 for letter in text)  # noqa: PLR2004  where CJK begins
