"""What is judged beyond the card, in its order; no arithmetic."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from circle15.errors import ConfigError, Finding
from circle15.project import Walker
from circle15.project.reading import is_file_name
from circle15.study import scenarios

if TYPE_CHECKING:
    import pandas as pd

    from circle15.study import Study
    from circle15.tables import Judgement


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
    return {one.key: Walker.load(one.walker, base=study.project.folder) for one in study.standard.groups}


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
    people = assessment.demand(study.origins, study.groups)
    return Judgement(
        supply=assessment.supply_table(found, study.origins, study.units, standard=standard, completeness=complete),
        minimums=assessment.minimums(study.facilities, study.units, standard=standard, completeness=complete),
        circles=built,
        targets=assessment.targets(built, standard=standard),
        views=assessment.views(
            found, study.origins, study.units, standard=standard, integrated=_integrated(study) if walked else None
        ),
        equity=assessment.equity(found, study.origins, standard=standard, people=people),
        quadrant=assessment.quadrant(card, study.survey, standard=standard),
        **_walked(study) if walked else {},
    )


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
