"""What stands on the card of a study: what is asked, what is computed and what is not yet; it computes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from circle15.display import STATES, SYNTHETIC, Card, share

if TYPE_CHECKING:
    from circle15.study import Study

STEPS = {  # in their order
    "streets": "街道 streets",
    "origins": "居住点 homes",
    "facilities": "设施 facilities",
    "network": "路网 network",
    "times": "步行时间 travel times",
    "coverage": "覆盖 coverage",
    "runs": "其他步行者与稳定性 other walkers and stability",
    "planned": "项目清单 projects",
    "result": "结果 result",
}
MOST_HOMES = 100_000  # with more, the headline is not counted for a card


def study_card(study: Study) -> Card:
    """Name, area, people, dates, what is computed, and the headline where coverage is."""
    given, done = study.project.study, vars(study)
    dates = given.data_date or (
        max((one.date for one in study.elements.sources), default="") if "elements" in done else ""
    )
    sizes: dict[str, str] = {
        name: f" {len(done[name]):,}" for name in ("streets", "origins", "facilities") if name in done
    }
    computed = [f"{words}{sizes.get(name, '')}" for name, words in STEPS.items() if name in done]
    facts = [
        ("区域 area", _area(study)),
        ("常住人口 residents", _residents(study)),
        ("数据日期 data of", dates),
        ("标准 standard", study.project.assessment.standard),
        ("步行者 walkers", ", ".join((study.project.assessment.walker, *study.project.assessment.walkers))),
        ("情景 scenario", None if study.scenario is None else study.scenario.name),
        ("关闭 closed", ", ".join(study.closed_by_hand)),
        ("已计算 computed", ", ".join(computed) or "尚无 nothing"),
        ("未计算 not yet", ", ".join(words for name, words in STEPS.items() if name not in done)),
        ("提示 findings", len(study.findings)),
        ("说明 note", given.note),
    ]
    title = " · ".join(dict.fromkeys((given.name, *given.names.values())))
    head, rows, note = _headline(study)
    marks = [SYNTHETIC] if given.synthetic else []
    return Card("Study", title, marks, [one for one in facts if one[1]], head, rows, note)


def _area(study: Study) -> str:
    if "area" not in vars(study):
        area = study.project.area
        return str(area.boundary.name if area.boundary else area.boundary_osm or area.place)
    return f"{study.area.boundary.area / 1e6:,.2f} km²"


def _residents(study: Study) -> float | None:
    if "origins" not in vars(study):
        return study.project.people.total
    return float(study.origins["population"].sum())


def _headline(study: Study) -> tuple[list[str], list[list[object]], str]:
    """Shares of residents by category, where coverage is computed."""
    from circle15.assessment import headline

    if "coverage" not in vars(study) or len(study.origins) > MOST_HOMES:
        return (
            [],
            [],
            "study.coverage, study.card, study.result 逐步计算 compute it step by step; study.explore() 地图 the map",
        )
    found = headline(study.coverage, study.origins, standard=study.standard)
    people = study.origins["population"].sum()
    rows: list[list[object]] = []
    for one in study.standard.categories:
        of_it = found.loc[one.key]
        rows.append(
            [
                study.standard.label(one),
                *(share(of_it[state] / people, state) for state in ("served", "gap", "unknown")),
            ]
        )
    return ["门类 category", *STATES], rows, "常住人口占比 shares of residents"
