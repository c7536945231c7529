"""The same study under one of its scenarios: what follows from it, and what is wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from circle15.errors import Circle15Error, ConfigError, Finding, quoted

if TYPE_CHECKING:
    import geopandas as gpd

    from circle15.study import Study

ANEW = (
    *("project", "scenario", "closed_by_hand", "times", "coverage", "runs", "card", "judgement", "placed", "result"),
    *("candidates", "planned", "isochrones", "parts", "second"),
)
ON_LINKS = ("streets", "closed", "network")  # what added links change as well
ON_LISTS = (  # what another standard or other tables change as well
    *(
        "standard",
        "group_walkers",
        "inventory",
        "facilities_as_they_are",
        "merged",
        "rejected",
        "completeness",
        "known",
        "survey",
        "vacant",
    ),
)


def sharing(study: Study, scenario: str | None, *, closed: tuple[str, ...] | None = None) -> Study:
    """The same study under a scenario, or with other links closed; what was read already and stays so is shared."""
    from circle15.study import Study

    other = Study(study.asked, scenario=scenario, announce=study.announce, track=study.track)
    if closed is not None:
        other.closed_by_hand = closed
    links, places, lists = zip(*map(_parts, (study, other)), strict=True)
    anew = {*ANEW, *(ON_LINKS if links[0] != links[1] else ()), *(ON_LISTS if lists[0] != lists[1] else ())}
    anew |= {"network"} if study.closed_by_hand != other.closed_by_hand else set()
    anew |= {"facilities", "own_facilities"} if places[0] != places[1] or lists[0] != lists[1] else set()
    vars(other).update({name: value for name, value in vars(study).items() if name not in anew})
    other.findings, other.seconds, other.rejected = list(other.findings), dict(other.seconds), list(other.rejected)
    return other


def _parts(study: Study) -> tuple[object, object, object]:
    """What a study adds of links, does to places, and takes of standard and tables."""
    scenario, project = study.scenario, study.project
    added = () if scenario is None else scenario.add
    places = () if scenario is None else scenario.facilities
    return added, places, (project.assessment, project.facilities)


def streets(study: Study) -> gpd.GeoDataFrame:
    """The streets as they are, and what the scenario adds."""
    from circle15.sources.overrides import add_links

    if study.scenario is None or not study.scenario.add:
        return study.streets_as_they_are
    return add_links(study.streets_as_they_are, study.scenario.add, study.area, terrain=study.terrain)


def facilities(study: Study) -> gpd.GeoDataFrame:
    """The facilities as they are, and what the scenario makes of them."""
    from circle15.sources.planned import planned_facilities

    known = study.facilities_as_they_are
    if study.scenario is None or not study.scenario.facilities:
        return known
    return planned_facilities(known, study.scenario, study.area, standard=study.standard, merged=study.merged)


def problems(study: Study) -> list[Finding]:
    """What would stop a run under the study's scenario, all of it at once."""
    if study.scenario is None:
        return []
    from circle15.sources.planned import unknown_links

    found: list[Finding] = []
    for part in ("standard", "inventory", "facilities", "streets"):
        try:
            getattr(study, part)
        except Circle15Error as error:
            found += [one if isinstance(one, Finding) else Finding(part, one, "Mend it") for one in error.findings]
    if "streets_as_they_are" in vars(study):
        found += unknown_links(study.streets_as_they_are, study.scenario)
    return list(dict.fromkeys(found))


def every_problem(study: Study) -> list[Finding]:
    """What is wrong with any scenario of a study file, where the study is under none."""
    if study.scenario is not None:
        return problems(study)
    return [found for one in study.project.scenario for found in problems(sharing(study, one.name))]


def look_back(study: Study) -> list[Finding]:
    """Places of the scenario that nobody reaches, because no street is near."""
    from circle15.sources.planned import SOURCE

    far = study.facilities.loc[study.times.facilities.unplaced]
    ids = far.index[far["source"] == SOURCE]
    if study.scenario is None or not len(ids):
        return []
    problem = f"{quoted(ids)} {'is' if len(ids) == 1 else 'are'} too far from any street, so that nobody gets there"
    return [Finding(f"[[scenario]] {study.scenario.name}", problem, "Put it nearer to a street")]


def require(study: Study) -> None:
    """Refuse a scenario that cannot be run, with every finding."""
    found = problems(study)
    if found:
        raise ConfigError(*found)
