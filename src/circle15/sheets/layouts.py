"""The three sheets: the card as small maps, the gaps, the project list."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from matplotlib.patches import Circle, Rectangle

from circle15.sheets.contents import CONDITIONS, joined
from circle15.sheets.drawing import DASHED, LACKING, STREETS, UNIT_LINES, MapDrawing, ink_on
from circle15.sheets.paper import HATCH, INK, MARK, SOFT, A3Sheet, Box, Head, Paper, denominator, north

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from circle15.project import Category
    from circle15.sheets.contents import Contents
    from circle15.sheets.letters import Letters

MOST_DIGITS = 400  # units up to which each shows the digit of its grade
APART_MM = 6.5  # numbered places are this far from each other on the paper
BAR = 40.0  # longest scale bar
_BROAD = 90.0  # a field in which the legend and the north arrow stand side by side
KEY_ROW = 6.0  # of a legend
KEY_WIDE = 37.0
SIDE, BELOW = 142.0, (86.0, 70.0)  # room beside the map of a tall area, below that of a wide one
_STATES = {"yes": "●", "no": "○", "unknown": "?"}


class Plan(NamedTuple):
    """Where the map, its legend and its lists stand, and the scale of the map."""

    map: Box
    scale: float
    key: Box
    lists: list[Box]


class Key(NamedTuple):
    """One line of a legend: how it looks, and its words."""

    look: str
    words: tuple[str, str]
    how: Mapping[str, Any]


# ---------------------------------------------------------------------------------------------------------- the card


def card_sheet(made: Contents, letters: Letters, *, number: tuple[int, int]) -> A3Sheet:
    """One small map for each category, its units coloured by grade, and the legend in the last field."""
    tier = made.tiers[-1]
    units = made.of_tier(tier)
    digits = len(units) <= MOST_DIGITS
    note = made.both("notes", "card" if digits else "many", tier=made.tier(tier))
    sheet = A3Sheet(made, letters, "card", note=note, number=number)
    bounds = made.result.area.boundary.bounds
    categories = made.standard.categories
    fields, scale = _grid(sheet.room, bounds, len(categories) + 1)
    for place, (category, field) in enumerate(zip(categories, fields, strict=False), start=1):
        axes = sheet.map(_under(field), bounds, scale)
        drawing = MapDrawing(made, letters, axes, scale)
        axes.set_facecolor("white")
        drawing.areas([made.result.area.boundary], edge=INK, width=0.8, zorder=6)
        drawing.grades(units, made.graded(category, tier), digits=digits)
        for above in made.tiers[1:-1]:
            drawing.areas(made.of_tier(above).geometry, edge=INK, width=0.7, zorder=7)
        for side in axes.spines.values():
            side.set_visible(False)
        _caption(sheet, field, category, place)
    last = fields[len(categories)]
    _card_key(sheet, Box(last.x, last.y, sheet.room.right - last.x, last.height), scale)
    return sheet


def _grid(room: Box, bounds: Sequence[float], count: int) -> tuple[list[Box], float]:
    """Equal fields for so many maps, in as many columns as make the maps largest."""
    ways = []
    for columns in range(1, count + 1):
        rows = -(-count // columns)
        field = Box(0, 0, room.width / columns, room.height / rows)
        inner = _under(field)
        if inner.height > 0 and field.width > KEY_WIDE:
            ways.append((denominator(bounds, inner.width, inner.height), columns * rows, columns, rows))
    scale, _, columns, rows = min(ways)
    wide, tall = room.width / columns, room.height / rows
    fields = [
        Box(room.x + column * wide, room.top - (row + 1) * tall, wide, tall).inner(1.2)
        for row in range(rows)
        for column in range(columns)
    ]
    return fields, scale


def _under(field: Box) -> Box:
    return Box(field.x, field.y, field.width, field.height - 8)


def _caption(sheet: A3Sheet, field: Box, category: Category, place: int) -> None:
    made = sheet.made
    title, second = made.named(category)
    share = f"{made.both('served')} {made.share(category)}"
    wide = field.width - sheet.letters.width(share, 7) - 4
    sheet.text(field.x, field.top, f"{place} {title}", 9, bold=True, width=wide)
    sheet.text(field.x + 3.2, field.top - 4.4, second, 6, color=SOFT, width=wide)
    sheet.text(field.right, field.top - 0.4, share, 7, side="right")
    sheet.line((field.x, field.right), (field.top - 7.4, field.top - 7.4), color="#c9ccd1", width=0.4)


def _card_key(sheet: A3Sheet, box: Box, scale: float) -> None:
    made, fills = sheet.made, sheet.made.palette["grades"]
    sheet.text(box.x, box.top, joined(made.said("legend", "grades")), 9, bold=True)
    sheet.line((box.x, box.right), (box.top - 7.4, box.top - 7.4), color="#c9ccd1", width=0.4)
    tall = min(8.0, (box.height - 9) / 6)
    rows = [(f"{band.grade}", made.named(band), _bound(made, band.grade)) for band in made.standard.grades]
    rows = [*sorted(rows, reverse=True), ("", made.shared("grade", "none"), made.said("legend", "ungraded"))]
    for place, (grade, name, why) in enumerate(rows):
        y = box.top - 9 - place * tall
        face = fills[grade] if grade else "white"
        sheet.box(Box(box.x, y - tall + 1.2, 9, tall - 1.2), face=face, edge="#7b828c", hatch="" if grade else HATCH)
        if grade:
            sheet.text(box.x + 4.5, y - tall / 2 + 1.9, grade, 7.5, side="center", color=ink_on(face), bold=True)
        sheet.text(box.x + 11, y + 0.2, joined(name), 7, bold=True)
        wide, both = box.width - (28 if box.width > _BROAD else 11), joined(why, " / ")
        fits = sheet.letters.width(sheet.letters.clean(both), 5.8) <= wide
        sheet.text(box.x + 11, y - 3.1, both if fits else why[0], 5.8, color=SOFT, width=wide)
    _measure(sheet, made, (box.right - 14, box.y + 18), (box.right - 1 - BAR, box.y + 1), scale)
    sheet.text(box.right - 1 - BAR, box.y + 9.6, made.both("scale", n=f"{scale:,.0f}"), 6)


def _bound(made: Contents, grade: int) -> tuple[str, str]:
    """From which share, and supply, a grade is reached; of the lowest, below which it is."""
    bands = {band.grade: band for band in made.standard.grades}
    band = bands[max(grade, 2)]
    word = "below" if grade == 1 else "at_least"
    if band.supply is None:
        return made.shared("grade", word, share=f"{band.coverage:.0%}")
    return made.shared("grade", f"{word}_both", share=f"{band.coverage:.0%}", supply=f"{band.supply:.0%}")


def _measure(sheet: Paper, made: Contents, arrow: tuple[float, float], bar: tuple[float, float], scale: float) -> None:
    """The north arrow and the scale bar."""
    west, south, east, up = made.result.area.boundary.bounds
    turned = north(made.result.area.crs, (west + east) / 2, (south + up) / 2)
    sheet.north_arrow(*arrow, turned, made.said("north"))
    sheet.scale_bar(*bar, scale, widest=BAR)


# ---------------------------------------------------------------------------------------------------------- the gaps


def gaps_sheet(made: Contents, letters: Letters, *, number: tuple[int, int]) -> A3Sheet:
    """Homes by residents and by how many categories are lacking; the worst places numbered and listed."""
    sheet = A3Sheet(made, letters, "gaps", note=made.both("notes", "gaps"), number=number)
    plan = _split(sheet.room, made.result.area.boundary.bounds)
    apart = APART_MM * plan.scale / 1000
    foot, top = _category_key(sheet, plan.lists), plan.lists[0].top
    boxes = [Box(one.x, foot, one.width, top - 8 - foot) for one in plan.lists]
    worst = made.worst(sum(map(sheet.fits, boxes)), apart_m=apart)
    drawing, keys = _map(sheet, plan, plates=worst)
    found = drawing.homes()
    drawing.numbered(worst, [str(place) for place in range(1, len(worst) + 1)], filled=None)
    _key(sheet, plan.key, [*_home_keys(made, found, plan.scale), *keys])
    head = made.said("notes", "places", m=f"{apart:,.0f}")
    y = sheet.text(plan.lists[0].x, top, head[0], 8, bold=True)
    sheet.text(plan.lists[0].x, y, head[1], 6, color=SOFT)
    _worst_table(sheet, boxes, worst)
    return sheet


def _worst_table(sheet: A3Sheet, boxes: list[Box], worst: pd.DataFrame) -> None:
    made = sheet.made
    units = made.result.origins["unit"]
    keys = [one.key for one in made.standard.categories]
    each = min(4.2, 52 / len(keys))
    heads = [Head(("", ""), 6.5, "right")]
    heads.append(Head(made.said("heads", "place"), boxes[0].width - 6.5 - 14 - 16 - each * len(keys) - 2))
    heads += [Head(made.said("heads", "people"), 14, "right"), Head(made.said("heads", "total"), 16, "right")]
    heads += [Head(("", ""), 2.0)]
    heads += [Head((str(place), ""), each, "center") for place in range(1, len(keys) + 1)]
    signs = np.select([made.states == "gap", made.states == "unknown"], ["■", "?"], default="")
    signs = signs[made.states.index.get_indexer(worst.index)]
    people, total = ([f"{one:,.0f}" for one in worst[name]] for name in ("people", "total"))
    rows = [
        [str(place + 1), made.where(units[key]), people[place], total[place], "", *signs[place]]
        for place, key in enumerate(worst.index)
    ]
    if not rows:
        sheet.text(boxes[0].x, boxes[0].top, made.both("none"), 8)
        return
    for box in boxes:
        if rows:
            rows = rows[sheet.table(box, heads, rows) :]


def _category_key(sheet: A3Sheet, lists: list[Box]) -> float:
    """Which number is which category, in a few lines at the foot of the lists; returns where they begin."""
    made = sheet.made
    parts = [f"{n} {joined(made.named(one))}" for n, one in enumerate(made.standard.categories, start=1)]
    wide = lists[-1].right - lists[0].x if lists[-1].y == lists[0].y else lists[0].width
    lines = [""]
    for part in parts:
        fresh = f"{lines[-1]}   {part}" if lines[-1] else part
        if sheet.letters.width(sheet.letters.clean(fresh.replace("   ", "...")), 6) > wide:
            lines.append(part)
        else:
            lines[-1] = fresh
    top = lists[0].y + 2.9 * (len(lines) + 1)
    y = sheet.text(lists[0].x, top, joined(made.said("notes", "matrix"), " / "), 6, color=SOFT, width=wide)
    for line in lines:
        x = lists[0].x
        for part in line.split("   "):
            sheet.text(x, y, part, 6, color=SOFT)
            x += sheet.letters.width(sheet.letters.clean(part), 6) + 2.4
        y -= 2.8
    return top + 1.5


def _home_keys(made: Contents, found: Mapping[str, Any], scale: float) -> list[Key]:
    """The legend of circles: shades, sizes, and what is not a gap."""
    keys = [Key("title", made.said("legend", "lacking"), {})]
    keys += [Key("circle", words, {"face": face, "radius": 1.8}) for words, face in lacking_bands(made)]
    keys.append(Key("title", made.said("legend", "size"), {}))
    largest = found["largest"]
    for people in _round_sizes(largest):
        radius = found["each"] * people**0.5 / scale * 1000
        keys.append(Key("circle", made.said("people", n=f"{people:,.0f}"), {"face": "none", "radius": radius}))
    if found["unknown"]:
        keys.append(Key("circle", made.said("legend", "unknown"), {"face": "none", "radius": 1.8, "dashed": True}))
    if found["served"]:
        keys.append(Key("circle", made.said("legend", "served"), {"face": "white", "radius": 0.5, "edge": "#3c6e71"}))
    if found["left"]:
        keys.append(Key("note", made.said("legend", "left", n=f"{found['left']:,}"), {}))
    keys.append(Key("plate", made.said("legend", "worst"), {"text": "1", "filled": False}))
    return keys


def lacking_bands(made: Contents) -> list[tuple[tuple[str, str], str]]:
    """How many categories are lacking, in words, and the colour of so many."""
    bands = []
    for place, (low, face) in enumerate(LACKING):
        above = LACKING[place + 1][0] - 1 if place + 1 < len(LACKING) else None
        words = made.said("legend", "few", low=low, high=above) if above else made.said("legend", "many", low=low)
        bands.append((words, face))
    return bands


def _round_sizes(largest: float) -> list[float]:
    """Two or three round numbers up to the largest."""
    steps = [step * 10**power for power in range(7) for step in (1, 2, 5)]
    under = [one for one in steps if one <= largest] or [max(largest, 1.0)]
    return [float(one) for one in (under[-7:][0], under[-4:][0], under[-1])][-min(3, len(under)) :]


# ---------------------------------------------------------------------------------------------------------- projects


def projects_sheet(made: Contents, letters: Letters, *, number: tuple[int, int]) -> A3Sheet:
    """Sites on the map, numbered as in the list beside it."""
    sheet = A3Sheet(made, letters, "projects", note=made.both("notes", "projects"), number=number)
    plan = _split(sheet.room, made.result.area.boundary.bounds)
    drawing, keys = _map(sheet, plan, plates=made.sites)
    draw_sites(drawing)
    near = [
        Key("plate", made.said("legend", one), {"text": "1", "filled": one == "near", "dashed": one != "near"})
        for one in ("near", "reserve")
    ]
    gap = Key("circle", made.said("legend", "lacks"), {"face": "#d9b8b3", "edge": "none", "radius": 1.4})
    _key(sheet, plan.key, [*near, gap, *keys])
    boxes = [Box(one.x, one.y + 4, one.width, one.height - 4) for one in plan.lists]
    rows = project_rows(made)
    for box in boxes:
        if rows:
            rows = rows[sheet.table(box, _project_heads(made, box.width), rows) :]
    foot = joined(made.said("notes", "conditions"), " / ")
    if rows:
        foot = f"{made.both('more', n=len(rows), file='projects.csv')} {foot}"
    wide = plan.lists[-1].right - plan.lists[0].x if len(plan.lists) > 1 else plan.lists[0].width
    sheet.text(plan.lists[0].x, plan.lists[0].y + 2.4, foot, 6, color=SOFT, width=wide)
    return sheet


def draw_sites(drawing: MapDrawing) -> None:
    """Homes in a gap, pale, and the sites over them."""
    sites = drawing.made.sites
    drawing.homes(pale=True)
    drawing.numbered(sites, sites["label"].tolist(), filled=sites["near"].tolist())


def _project_heads(made: Contents, width: float) -> list[Head]:
    wide = {"service": 25, "gained": 12, "cumulative": 14, "cost": 16, "conditions": 13, "cells": 11}
    sides = {"service": "left", "conditions": "center"}
    fixed = [Head(made.said("heads", key), size, sides.get(key, "right")) for key, size in wide.items()]
    place = width - sum(one.width for one in fixed) - 7 - 1.5
    return [Head(("", ""), 7, "right"), Head(("", ""), 1.5), Head(made.said("heads", "project"), place), *fixed]


def project_rows(made: Contents) -> list[list[str]]:
    """The project list as it is printed."""
    services = {one.key: made.named(one)[0] for one in made.standard.services}
    rows = []
    for one in made.projects.to_dict("records"):
        cost = "–" if math.isnan(one["cost"]) else f"{one['cost']:,.0f} {one['cost_unit']}"
        signs = " ".join(_STATES.get(one[name], "?") for name in CONDITIONS)
        name = one["name"] if isinstance(one["name"], str) and one["name"] else made.where(one["unit"]) or one["site"]
        up = made.cells_up(one["rank"])
        service = services.get(one["service"], str(one["service"]))
        people, so_far = f"{one['people']:,.0f}", f"{one['cumulative']:,.0f}"
        rows.append([str(one["rank"]), "", str(name), service, people, so_far, cost, signs, str(up) if up else "–"])
    return rows


# ---------------------------------------------------------------------------------------------------------- slides


def gap_picture(
    made: Contents, letters: Letters, *, width: float, height: float, most: int
) -> tuple[Paper, pd.DataFrame]:
    """The map of gaps alone, with so many numbered places, and these."""
    paper, scale = _picture(made, letters, width, height)
    worst = made.worst(most, apart_m=APART_MM * scale / 1000)
    drawing = _drawn(paper, made, Box(0, 0, paper.width, paper.height), scale, plates=worst)[0]
    drawing.homes()
    drawing.numbered(worst, [str(place) for place in range(1, len(worst) + 1)], filled=None)
    return paper, worst


def site_picture(made: Contents, letters: Letters, *, width: float, height: float) -> Paper:
    """The map of sites alone."""
    paper, scale = _picture(made, letters, width, height)
    draw_sites(_drawn(paper, made, Box(0, 0, paper.width, paper.height), scale, plates=made.sites)[0])
    return paper


def _picture(made: Contents, letters: Letters, width: float, height: float) -> tuple[Paper, float]:
    """Paper for a map that is at most so wide and tall, and its scale."""
    bounds = made.result.area.boundary.bounds
    scale = max((bounds[2] - bounds[0]) / (width - 4), (bounds[3] - bounds[1]) / (height - 4)) * 1000
    tall = min(height, max((bounds[3] - bounds[1]) / scale * 1000 + 34, 60.0))
    return Paper(letters, width, tall), scale


# ---------------------------------------------------------------------------------------------------------- both maps


def _split(room: Box, bounds: Sequence[float]) -> Plan:
    """The map on the left with the rest beside it, or above with the rest below: whichever draws it larger."""
    beside = Box(room.x, room.y, room.width - SIDE - 4, room.height)
    ways = [(denominator(bounds, beside.width - 5, beside.height - 5), 0.0)]
    ways += [(denominator(bounds, room.width - 5, room.height - one - 8), -one) for one in BELOW]
    scale, below = min(ways)
    if not below:
        side = Box(beside.right + 4, room.y, SIDE, room.height)
        key = Box(side.x, side.y, side.width, 62)
        return Plan(beside, scale, key, [Box(side.x, key.top + 3, side.width, side.height - key.height - 3)])
    above = Box(room.x, room.y - below + 3, room.width, room.height + below - 3)
    key = Box(room.x, room.y, 3 * KEY_WIDE + 2, -below)
    left = key.right + 3
    wide = (room.right - left - 5) / 2
    return Plan(above, scale, key, [Box(left + place * (wide + 5), room.y, wide, -below) for place in (0, 1)])


def _map(sheet: A3Sheet, plan: Plan, *, plates: pd.DataFrame) -> tuple[MapDrawing, list[Key]]:
    """The ground, units and facilities, with scale and north; and what the legend says of them."""
    made = sheet.made
    drawing, there = _drawn(sheet, made, plan.map, plan.scale, plates=plates)
    placed = drawing.facilities()
    sheet.box(Box(plan.map.x + 2, plan.map.y + 10.9, 56, 2.8), face="white")
    sheet.text(plan.map.x + 6, plan.map.y + 13, made.both("scale", n=f"{plan.scale:,.0f}"), 6)
    return drawing, _ground_keys(drawing, there, placed=placed)


def _drawn(
    sheet: Paper, made: Contents, box: Box, scale: float, *, plates: pd.DataFrame
) -> tuple[MapDrawing, list[str]]:
    """Ground and units in a box, with scale bar and north; and what is there."""
    drawing = MapDrawing(made, sheet.letters, sheet.map(box, made.result.area.boundary.bounds, scale), scale)
    there = drawing.ground()
    drawing.units(plates)
    sheet.box(Box(box.x + 2, box.y + 2, 56, 9), face="white")
    sheet.box(Box(box.right - 16, box.top - 22, 14, 20), face="white")
    _measure(sheet, made, (box.right - 9, box.top - 20), (box.x + 6, box.y + 3.6), scale)
    return drawing, there


def _ground_keys(drawing: MapDrawing, there: list[str], *, placed: bool) -> list[Key]:
    made, base = drawing.made, drawing.base
    keys = [Key("dot", made.said("legend", "facility"), {"face": "white", "edge": INK})] if placed else []
    for one in there:
        if one in STREETS:
            words = made.shared("kind" if one == "tunnel" else "legend", one)
            how = {"color": drawing.street_color(one), "width": STREETS[one], "dashed": one in DASHED}
            keys.append(Key("line", words, how))
        elif one == "lift":
            keys.append(Key("dot", made.shared("legend", "lift"), {"face": base["lift"], "edge": "none"}))
        elif one == "rail":
            keys.append(Key("line", made.said("legend", "rail"), {"color": base["rail"], "width": 1.0, "dashed": True}))
        else:
            keys.append(Key("fill", made.said("legend", one), {"face": base[one]}))
    if not placed and len(made.result.facilities):
        keys.append(Key("note", made.said("legend", "facilities_left"), {}))
    if drawing.streets_left:
        keys.append(Key("note", made.said("legend", "streets_left"), {}))
    for place, tier in enumerate(reversed(made.tiers)):
        named = made.said("legend", "unit", tier=made.tier(tier))
        how = {"color": INK if place else "#7b828c", "width": UNIT_LINES[place]}
        keys.append(Key("line", named, how))
    return keys


def _key(sheet: A3Sheet, box: Box, keys: Sequence[Key]) -> None:
    """The legend, in columns."""
    sheet.text(box.x, box.top, joined(sheet.made.shared("legend", "name")), 8, bold=True)
    rows = max(1, int((box.height - 5) / KEY_ROW))
    columns = max(1, int(box.width / KEY_WIDE))
    for place, key in enumerate(keys[: rows * columns]):
        x, y = box.x + (place // rows) * KEY_WIDE, box.top - 5 - (place % rows) * KEY_ROW
        _swatch(sheet, key, x + 4.5, y - 2.4)
        title = key.look in ("title", "note")
        at = x if title else x + 10.5
        wide = KEY_WIDE - (at - x) - 1
        sheet.text(at, y, key.words[0], 6.6, bold=key.look == "title", width=wide)
        sheet.text(at, y - 2.9, key.words[1], 5.2, color=SOFT, width=wide)


def _swatch(sheet: Paper, key: Key, x: float, y: float) -> None:
    """What stands before the words; `x`, `y` is its middle."""
    how = key.how
    if key.look == "fill":
        sheet.box(Box(x - 4, y - 1.6, 8, 3.2), face=how["face"], edge="#9aa1aa", hatch=how.get("hatch", ""))
    elif key.look == "line":
        style: Any = (0, (1.5, 1)) if how.get("dashed") else "solid"
        sheet.line((x - 4, x + 4), (y, y), color=how["color"], width=how["width"], linestyle=style)
    elif key.look == "dot":
        sheet.box(Box(x - 0.5, y - 0.5, 1.0, 1.0), face=how["face"], edge=how["edge"])
    elif key.look == "circle":
        edge = how.get("edge", MARK if how["face"] == "none" and not how.get("dashed") else SOFT)
        style = (0, (1.5, 1)) if how.get("dashed") else "solid"
        drawn = Circle((x, y), how["radius"], facecolor=how["face"], edgecolor=edge, linewidth=0.5, linestyle=style)
        sheet.page.add_patch(drawn)
    elif key.look == "plate":
        face = INK if how["filled"] else "white"
        edges: Any = (0, (2, 1)) if how.get("dashed") else "solid"
        plate = Rectangle((x - 1.9, y - 1.7), 3.8, 3.4, facecolor=face, edgecolor=INK, linewidth=0.8, linestyle=edges)
        sheet.page.add_patch(plate)
        sheet.text(x, y + 1.3, how["text"], 7, bold=True, side="center", color="white" if how["filled"] else INK)
