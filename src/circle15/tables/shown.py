"""What stands on the cards of the records of this room: a few figures each, counted from the record alone."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from circle15.display import STATES, SYNTHETIC, Card, grade, share

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike

    from circle15.tables.contract import Table
    from circle15.tables.records import Comparison, Coverage, Judgement, Norms, Result, StudyArea, Supply
    from circle15.tables.times import Placement, TravelTimes

_STATE_KEYS = ("served", "gap", "unknown")
_HOMES = "按居住点计，不按人口 counts homes, not residents: headline() and Result count residents"
_PLACED = {
    "main": "在主路网上 on the main network",
    "island": "在孤立路段上 on a cut-off piece",
    "far": "离路太远 too far from any street",
}


def table_card(table: Table) -> Card:
    """The statement of a table: every column in words."""
    rows: list[tuple[str, str, str]] = [(column.name, column.kind, column.words) for column in table.columns]
    rows += [("geometry", ", ".join(table.geometry), "")] if table.geometry else []
    return Card("Table", table.name, facts=[(f"index {table.index}", table.words)], head=("", "", ""), rows=rows)


def area_card(area: StudyArea) -> Card:
    """How large, in which CRS, how far around."""
    facts = [
        ("面积 area", f"{area.boundary.area / 1e6:,.2f} km²"),
        ("外扩 margin", f"{area.margin_m:,.0f} m"),
        ("坐标系 CRS", area.crs.to_string()),
    ]
    return Card("StudyArea", area.name, facts=facts)


def placement_card(placement: Placement) -> Card:
    """How many points were put on the streets how."""
    return Card("Placement", f"{len(placement.table):,} points", facts=_placed(placement))


def _placed(placement: Placement) -> list[tuple[str, object]]:
    return [(_PLACED[how], count) for how, count in placement.counts().items()]


def times_card(times: TravelTimes) -> Card:
    """What was asked, what was reached, and how far the nearest is."""
    rows, columns = times.seconds.shape
    walks = pd.Series(times.seconds.data).groupby(np.repeat(np.arange(rows), np.diff(times.seconds.indptr))).min()
    near = walks.median() / 60 if len(walks) else None
    reach = np.divide(times.cutoff_s if times.each_s is None else times.each_s, 60)
    facts = [
        ("起点 origins", f"{rows:,} ({len(times.origins.unplaced):,} 未上路网 not placed)"),
        ("设施 facilities", f"{columns:,} ({len(times.facilities.unplaced):,} 未上路网 not placed)"),
        ("步行对 walks within reach", f"{times.seconds.nnz:,} / {rows * columns:,}"),
        ("到任一设施最近步行的中位数 median walk to the nearest of all", None if near is None else f"{near:.1f} min"),
        ("先到数据边缘的起点 origins that reach the edge of the data", int(np.isfinite(times.edge_s).sum())),
    ]
    return Card("TravelTimes", f"{times.walker}, {times.trip}, ≤ {_range(reach)} min", facts=facts)


def _range(values: ArrayLike) -> str:
    """A number, or from the least of several to the most."""
    ends = sorted({float(np.min(values)), float(np.max(values))})
    return "–".join(f"{one:g}" for one in ends)


def coverage_card(found: Coverage) -> Card:
    """Shares of homes by service, and the median walk to the nearest."""
    homes = len(found.status)
    said = {state: (found.status == state).mean() for state in _STATE_KEYS}
    minutes = found.seconds.median() / 60
    rows = [
        (service, *(share(said[state][service], state) for state in _STATE_KEYS), _minutes(minutes[service]))
        for service in found.status.columns
    ]
    supply = "有 yes" if found.supply is not None else "未算 not asked"
    facts = [
        ("居住点 homes", homes),
        ("搜索范围 looked for within", f"{_range(found.search_minutes)} min"),
        ("供给 supply", supply),
    ]
    head = ("服务 service", *STATES, "到最近设施的中位数 median walk to the nearest")
    return Card("Coverage", f"{homes:,} × {len(rows)}", facts=facts, head=head, rows=rows, note=_HOMES)


def _minutes(value: float) -> str:
    return "—" if np.isnan(value) else f"{value:.1f} min"


def supply_card(supply: Supply) -> Card:
    """How much there is for whom, service by service, counted in people."""
    rows = []
    for service in supply.ratio.columns:
        ratio, people = supply.ratio[service], supply.people[service]
        said = ratio.notna() & (people > 0)
        crowd = people[said].sum()
        enough = people[said & (ratio >= 1)].sum() / crowd if crowd else np.nan
        offered = (ratio * people)[said].sum()
        known = (supply.known[service] * people)[said].sum() / offered if offered else np.nan
        asked = f"{supply.asked_each[service]:.3g} {supply.measure[service]}"
        rows.append((service, asked, offered / crowd if crowd else None, share(enough), share(known, "known")))
    head = (
        *("服务 service", "每人应有 norm per head", "人均供给／应有 offered over norm"),
        *("达标人口 people with enough", "规模已知部分 resting on known sizes"),
    )
    return Card("Supply", f"{len(supply.ratio):,} × {len(rows)}", head=head, rows=rows)


def norms_card(norms: Norms) -> Card:
    """What supply is held against."""
    rows = [
        (service, norms.people_each[service], norms.typical[service], norms.column[service] or "count")
        for service in norms.people_each.index
    ]
    head = ("服务 service", "每处服务人数 people for each", "规模 size", "计量 measured in")
    return Card("Norms", f"{len(rows)} services", head=head, rows=rows)


def judgement_card(judged: Judgement) -> Card:
    """Which tables there are, and what each holds."""
    from circle15.tables.statements import TABLES

    names = [one.name for one in fields(judged)]
    rows = [(name, len(getattr(judged, name)), TABLES[name].words) for name in names]
    return Card("Judgement", f"{len(names)} tables", head=("表 table", "行 rows", "内容 content"), rows=rows)


def result_card(result: Result) -> Card:
    """What was asked of whom, and the card of the highest tiers."""
    facts = result.facts
    people = float(result.origins["population"].sum())
    sizes = {
        "居住点 homes": len(result.origins),
        "设施 facilities": len(result.facilities),
        "路段 links": len(result.streets),
    }
    shown: list[tuple[str, object]] = [("常住人口 residents", people), *sizes.items()]
    shown += [(word, facts[key]) for key, word in _ASKED if facts.get(key)]
    head, rows = _five_colours(result.grades, result.units)
    return Card(
        "Result",
        named(facts),
        marks(facts),
        shown,
        head,
        rows,
        "等级 1 至 5 grades from 1 (worst) to 5; — 无法评定 not graded",
    )


_ASKED = (
    *(("data_date", "数据日期 data of"), ("walker_key", "步行者 walker"), ("standard_key", "标准 standard")),
    ("scenario", "情景 scenario"),
)


def named(facts: Mapping[str, object]) -> str:
    """Both names of a study, once where they are one."""
    return " · ".join(dict.fromkeys(str(facts[key]) for key in ("name", "name_en") if facts.get(key)))


def marks(facts: Mapping[str, object]) -> list[str]:
    """What must not be overlooked."""
    return [SYNTHETIC] if facts.get("synthetic") else []


def _five_colours(card: pd.DataFrame, units: pd.DataFrame) -> tuple[list[str], list[list[object]]]:
    """The units that have units below them, by category; all units where none has."""
    above = units.index[units.index.isin(units["parent"].dropna())]
    cells = card.set_index(["unit", "category"])["grade"].astype(float).to_dict()
    categories = list(dict.fromkeys(card["category"]))
    names = units["name"].to_dict()
    rows: list[list[object]] = [
        [names[unit], *(grade(cells.get((unit, one))) for one in categories)]
        for unit in (above if len(above) else units.index)
    ]
    return ["单元 unit", *categories], rows


def comparison_card(found: Comparison) -> Card:
    """How many residents gain and lose, service by service, where any does."""
    whole = found.changes[found.changes["unit"].isna() & (found.changes["group"] == "all")]
    columns = ["gained", "lost", "became_known", "became_unknown", "net"]
    moved = whole[(whole[columns].fillna(0.0).abs() > 0).any(axis=1)]
    rows = [(row["service"], *(float(row[name]) for name in columns)) for _, row in moved.iterrows()]
    by = "逐户 home by home" if found.by == "origin" else "逐单元 unit by unit"
    sides = [_side(found.facts.get(side)) for side in ("before", "after")]
    facts = [("此前 before", sides[0]), ("此后 after", sides[1]), ("比较 compared", by)]
    facts += [("注意 note", str(finding)) for finding in found.findings]
    head = ("服务 service", "受益 gain", "受损 lose", "变为可判断 known", "变为无法判断 unknown", "净 net")
    synthetic = any(isinstance(one, dict) and one.get("synthetic") for one in map(found.facts.get, ("before", "after")))
    note = "人口 residents" if rows else "没有一项服务有人受益或受损 nobody gains or loses a service"
    return Card("Comparison", "", [SYNTHETIC] if synthetic else [], facts, head, rows, note)


def _side(said: object) -> str:
    """What one of two runs is called."""
    if not isinstance(said, dict):
        return "—"
    closed = ", ".join(said.get("closed_by_hand") or ())
    parts = (said.get("folder"), said.get("name_en") or said.get("name"), said.get("data_date"), said.get("scenario"))
    return " · ".join([*map(str, filter(None, parts)), *([f"关闭 closed: {closed}"] if closed else [])])
