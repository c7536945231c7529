"""The whole result, and what is judged beyond the card, each in its order; no arithmetic."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from circle15.errors import ConfigError, Finding
from circle15.project.reading import is_file_name
from circle15.study import given, scenarios, variants

if TYPE_CHECKING:
    from collections.abc import Mapping

    import geopandas as gpd
    import pandas as pd

    from circle15.project import Walker
    from circle15.study import Study
    from circle15.tables import Judgement, Result


def group_walkers(study: Study) -> dict[str, Walker]:
    """The walker of every group of the standard; a file is held to the folder of the study as every other is."""
    mend = "Move it into the folder, or set outside = true under [study]"
    away = [
        Finding(
            f"{study.standard.name}, group {one.key}", f"{one.walker} lies outside the folder of the study file", mend
        )
        for one in study.standard.groups
        if is_file_name(one.walker) and not study.project.allows(Path(one.walker))
    ]
    if away:
        raise ConfigError(*away)
    return {one.key: given.walker(study, one.walker) for one in study.standard.groups}


KNOWN = (  # tables of a result that the study has by itself
    *("area", "units", "origins", "groups", "housing", "facilities", "completeness", "survey", "streets", "ground"),
)


def judgement(study: Study, *, walked: bool = True) -> Judgement:
    """Supply, sizes, whose facility it is, circles, groups, equity, and the survey against the card.

    Where the study was not `walked` in one piece, but by tiles, what needs single walks stays empty: containment,
    groups, and the circle of many functions.
    """
    from circle15 import assessment
    from circle15.tables import Judgement

    found, card, standard = study.coverage, study.card, study.standard
    complete = study.completeness
    built = assessment.circles(card, found, study.origins, study.units, standard=standard)
    return Judgement(
        supply=assessment.supply_table(found, study.origins, study.units, standard=standard, completeness=complete),
        minimums=assessment.minimums(study.facilities, study.units, standard=standard, completeness=complete),
        circles=built,
        targets=assessment.targets(built, standard=standard),
        views=assessment.views(
            found, study.origins, study.units, standard=standard, integrated=_integrated(study) if walked else None
        ),
        equity=assessment.equity(found, study.origins, standard=standard, people=study.crowds),
        quadrant=assessment.quadrant(card, study.survey, standard=standard),
        **_walked(study) if walked else {},
        **{"projects": study.planned.projects, "project_cells": study.planned.cells} if walked else {},
    )


def parts(study: Study) -> dict[str, Any]:
    """The parts of a result by their names, without those that the study has by itself."""
    if "result" in vars(study):  # put together from tiles
        return vars(study.result)
    from circle15 import assessment

    found, card, standard, given = study.coverage, study.card, study.standard, study.project.assessment
    with study.step("card and gaps"):
        lacking = assessment.gaps(found, study.origins, standard=standard)
        table = assessment.coverage_table(found, standard=standard)
    runs = study.runs  # a step of its own
    with study.step("what people depend on"):
        dependence = variants.dependence(study)
    with study.step("judgement"):
        lacking = variants.causes(study, lacking, runs) if given.causes else lacking
        card = variants.stability(study, card, runs) if given.stability else card
        by_walker, judged = variants.by_walker(study, runs), study.judgement
    look_back(study)
    return {
        "found": found,
        "coverage": table,
        "grades": card,
        "gaps": lacking,
        "walkers": assessment.card_by_walker(by_walker, study.origins, study.units, standard=standard),
        "terrain": assessment.terrain_penalty(runs[variants.LEVEL], found, study.origins, study.units),
        "dependence": dependence,
        "step_free": assessment.step_free(found, runs[variants.STEP_FREE], study.origins),
        "judgement": judged,
        "facts": study.facts,
    }


def whole(study: Study, parts: Mapping[str, Any]) -> Result:
    """A result from what the study has by itself, and the other parts."""
    from circle15.tables import Result

    if "result" in vars(study):
        return study.result
    return Result(**{name: getattr(study, name) for name in (*KNOWN, "isochrones") if name not in parts}, **parts)


def isochrones(study: Study) -> gpd.GeoDataFrame:
    """What each residence cluster reaches within the minutes of the study file."""
    minutes, network = study.project.assessment.isochrone_minutes, study.network
    with study.step("isochrones"):
        return network.isochrones(study.origins, walker=study.walker, minutes=minutes, water=study.water)


def _integrated(study: Study) -> pd.Series | None:
    from circle15.assessment import integrated

    return integrated(study.times, study.coverage, study.facilities, standard=study.standard, known=study.known)


def _walked(study: Study) -> dict[str, pd.DataFrame]:
    """The tables that need single walks."""
    from circle15 import assessment

    here = (study.origins, study.units)
    runs = {group: study.runs[walker.name] for group, walker in study.group_walkers.items()}
    return {
        "containment": assessment.containment(
            study.times, study.coverage, study.facilities, *here, standard=study.standard
        ),
        "group_coverage": assessment.group_coverage(
            runs, *here, standard=study.standard, groups=study.groups, known=study.known
        ),
    }


def look_back(study: Study) -> None:
    """Turn conditions that change the meaning of the result into findings."""
    for side, placement in (("origins", study.times.origins), ("facilities", study.times.facilities)):
        for how, words in (("far", "are too far from any street"), ("island", "lie on a cut-off piece of network")):
            count = placement.counts()[how]
            if count:
                problem = f"{count:,} of {len(placement.table):,} {words}"
                study.findings.append(
                    Finding(side, problem, "Look at them on the map; mend their place or the streets")
                )
    known = study.completeness_summary["known"]
    unknown = known.index[~known]
    if len(unknown):
        problem = f"{len(unknown)} services are too incomplete to speak of gaps everywhere ({', '.join(unknown)})"
        study.findings.append(Finding("facilities", problem, "Give an inventory of them"))
    study.findings += scenarios.look_back(study)
