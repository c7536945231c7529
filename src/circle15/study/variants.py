"""The same study asked otherwise: other walkers, relaxed rules, other numbers. The order of it; no arithmetic."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import geopandas as gpd
    import pandas as pd

    from circle15.network import WalkNetwork
    from circle15.page import Live
    from circle15.project import Standard, Walker
    from circle15.study import Study
    from circle15.tables import Coverage, StudyArea, TravelTimes

LEVEL = "level"  # the study's walker in a city without hills
STEP_FREE, OPEN, STEPS = "step free", "all open", "with steps"  # two words each: no walker is called so
UNGRADED = frozenset({STEP_FREE, OPEN, STEPS})  # no card is made of them
STABILITY = "stability "
SPEEDS, HEIGHTS_M, CUTOFFS_MIN = (0.9, 1.1), 5.0, (-1.0, 1.0)  # what a verdict has to survive
SEEDS = (1, 2)  # of the two error fields of the terrain


def part(whole: Study, area: StudyArea, *, units: gpd.GeoDataFrame, streets: Path) -> Study:
    """The study of a part of its area, with units that publish all its residents, from an OSM file of its own."""
    from circle15.study import Study

    given = whole.project
    people = given.people.model_copy(update={"total": None, "totals": None})
    files = given.streets.model_copy(update={"files": (streets.resolve(),), "overpass": False, "country": None})
    project = given.model_copy(update={"people": people, "streets": files})
    study = Study(project, scenario=None if whole.scenario is None else whole.scenario.name)
    study.area, study.units = area, units
    return study


def times(
    study: Study, *, walker: Walker | None = None, network: WalkNetwork | None = None, minutes: float | None = None
) -> TravelTimes:
    """Travel times as the study's, for another walker or on another network, as far as each service is judged by."""
    return (network or study.network).travel_times(
        study.origins,
        study.facilities,
        walker=walker or study.walker,
        cutoff_minutes=minutes or study.judged_minutes,
        trip=study.project.assessment.trip,
    )


def covered(study: Study, found: TravelTimes, *, standard: Standard | None = None, supply: bool = True) -> Coverage:
    """Coverage as the study's, from other times or by another standard; with supply, which the card needs."""
    from circle15.assessment import coverage, supplied

    asked = standard or study.standard
    said = coverage(found, study.facilities, standard=asked, known=study.known)
    if not supply:
        return said
    return supplied(said, found, study.own_facilities, people=study.crowds, standard=asked, known=study.known)


def live(study: Study) -> Live:
    """What a page needs to be asked: the network, its walkers, and what supply is held against."""
    from circle15.assessment import norms
    from circle15.page import Live

    asked = norms(study.facilities, study.units, people=study.crowds, standard=study.standard)
    return Live(study.network, study.walkers, asked)


def runs(study: Study) -> dict[str, Coverage]:
    """Coverage of the same study asked otherwise, by name, one after the other.

    The study's other walkers and those of the groups by their names, the city without hills (`LEVEL`) and without steps
    (`STEP_FREE`); where they are asked for, the relaxations that tell why a gap is one (`OPEN`, `STEPS`) and the
    numbers that a verdict has to survive (`STABILITY` and a count).
    """
    from circle15.display import tracked
    from circle15.network import WalkNetwork
    from circle15.sources.streets import both_ways

    unbound = WalkNetwork(both_ways(study.streets))  # as if nothing were closed and no link one-way
    others = [*study.walkers[1:], *(one for one in study.group_walkers.values() if one.name != study.walker.name)]
    asked: dict[str, Callable[[], TravelTimes]] = {one.name: partial(times, study, walker=one) for one in others}
    asked[LEVEL] = lambda: times(study, walker=study.walker.on_the_level(), network=unbound)
    # the detour to the nearest counts however far that is
    asked[STEP_FREE] = lambda: times(study, walker=study.walker.step_free("wheelchair"), minutes=study.search_minutes)
    if study.project.assessment.causes:
        asked[OPEN] = lambda: times(study, network=unbound)
        if study.walker.forbidden:
            free = study.walker.model_copy(update={"forbidden": frozenset()})
            asked[STEPS] = lambda: times(study, walker=free)
    names = tracked(asked, "other walkers and causes", count=len(asked), track=study.track)
    found = {name: covered(study, asked[name](), supply=name not in UNGRADED) for name in names}
    return {study.walker.name: study.coverage, **found, **study.second.done(survived, study)}


def survived(study: Study) -> dict[str, Coverage]:
    """Coverage under the other numbers that a verdict has to survive, where that is asked for."""
    from circle15.display import tracked

    if not study.project.assessment.stability:
        return {}
    asked = [partial(times, study, walker=study.walker.at(factor)) for factor in SPEEDS]
    asked += [partial(_other_heights, study, seed) for seed in SEEDS]
    each = tracked(asked, "stability", count=len(asked), track=study.track)
    return {f"{STABILITY}{number}": covered(study, one()) for number, one in enumerate(each)}


def _other_heights(study: Study, seed: int) -> TravelTimes:
    from circle15.network import WalkNetwork
    from circle15.sources.heights import shifted

    network = WalkNetwork(shifted(study.streets, HEIGHTS_M, seed=seed))
    closed = [*study.closed, *study.closed_by_hand]
    return times(study, network=network.without(closed) if closed else network)


def by_walker(study: Study, found: Mapping[str, Coverage]) -> dict[str, Coverage]:
    """Coverage by walker: the study's own first, then the others, then the yardstick without hills."""
    return {name: found[name] for name in (*(one.name for one in study.walkers), LEVEL)}


def causes(study: Study, lacking: pd.DataFrame, found: Mapping[str, Coverage]) -> pd.DataFrame:
    """The gaps with their causes, by relaxing hours, fares and directions, then steps, then the terrain."""
    from circle15 import assessment

    runs_of = {"closed": OPEN, "steps": STEPS, "terrain": LEVEL}
    relaxed = {cause: found[name] for cause, name in runs_of.items() if name in found}
    return assessment.causes(lacking, study.coverage, relaxed=relaxed)


def stability(study: Study, card: pd.DataFrame, found: Mapping[str, Coverage]) -> pd.DataFrame:
    """The card with the share of runs, under other speeds, heights and cut-offs, in which a cell changes its grade."""
    from circle15 import assessment

    graded = partial(assessment.grades, origins=study.origins, units=study.units, standard=study.standard)
    cards = [graded(run) for name, run in found.items() if name.startswith(STABILITY)]
    shifted = [study.standard.shifted(minutes) for minutes in CUTOFFS_MIN]
    longest = {one.key: max(other.service(one.key).minutes for other in shifted) for one in study.standard.services}
    near = study.times.within(study.facilities["service"].map(longest).fillna(0.0))
    cards += [graded(covered(study, near, standard=standard), standard=standard) for standard in shifted]
    return card.assign(flips=assessment.flips(card, cards))


def dependence(study: Study) -> gpd.GeoDataFrame:
    """Who loses what if one lift, escalator, footbridge or long stair closes."""
    from circle15 import assessment
    from circle15.tables import DEPENDENCE

    if not study.project.assessment.dependence:
        return DEPENDENCE.empty(study.area.crs)
    lost = study.network.dependence(
        study.origins,
        study.facilities,
        walker=study.walker,
        cutoff_s={service.key: service.minutes * 60 for service in study.standard.services},
        candidates=assessment.candidates(study.streets, long_flight_steps=study.walker.long_flight_steps),
        track=study.track,
    )
    return assessment.dependence_table(lost, study.origins, study.streets)
