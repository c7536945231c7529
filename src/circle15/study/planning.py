"""The yearly project list in its order: candidates, who lacks what, the choice, and what it does; no arithmetic."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from circle15.errors import Finding, SitingError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import geopandas as gpd
    import pandas as pd

    from circle15.assessment import Before
    from circle15.project import Scenario, SitePlan
    from circle15.siting import Reach
    from circle15.study import Study
    from circle15.tables import TravelTimes

DIGITS = 7  # of a degree: a centimetre
MOST_POINTS = 60  # beside streets, where no table of vacant space is given
CONDITIONS = ("basis", "equipment", "place")  # of a near-term project, beside the need for it
NEAR, RESERVE = "near", "reserve"
WHERE = "[plan]"


@dataclass(frozen=True)
class Planned:
    """What to build next.

    Parameters
    ----------
    projects, cells : DataFrame
        tables.PROJECTS and tables.PROJECT_CELLS.
    facts : mapping
        Plain values: people promised, cost, and how sure it is that no other choice does better.
    """

    projects: pd.DataFrame
    cells: pd.DataFrame
    facts: Mapping[str, object] = field(default_factory=dict)


def candidates(study: Study) -> gpd.GeoDataFrame:
    """Where something could be built: the planner's table of vacant space, else places beside streets near gaps."""
    from circle15.siting import street_side
    from circle15.sources.candidates import sites
    from circle15.tables import CANDIDATES

    if not study.project.plan.asked:
        return CANDIDATES.empty(study.area.crs)
    found = study.vacant
    if found is None:
        found = street_side(study.streets, study.origins, near=_lacking(study), most=MOST_POINTS)
    return sites(found, study.units, digits=DIGITS)


def planned(study: Study) -> Planned:
    """The project list of a study; empty where it asks for none."""
    from circle15 import assessment
    from circle15.tables import PROJECT_CELLS, PROJECTS

    with study.step("projects"):
        if not study.project.plan.asked:
            return Planned(PROJECTS.empty(), PROJECT_CELLS.empty())
        choice = _Choice.of(study)
        picks = choice.picks()
        said = assessment.Said(study.units, study.completeness, study.survey, study.standard)
        projects = assessment.listed(picks, choice.places, plan=choice.plan, rooms=choice.rooms, said=said)
        before, added = _before(study, projects, choice.times)
        cells = assessment.project_cells(
            before, projects["service"].set_axis(added), study.card, standard=study.standard
        )
        listed = assessment.with_cells(projects, cells, units=study.units, standard=study.standard)
        return Planned(listed, cells, choice.facts)


@dataclass
class _Choice:
    """Who lacks what, what could be built where, and what of it is chosen."""

    study: Study
    plan: SitePlan
    places: gpd.GeoDataFrame
    rooms: pd.Series
    needs: Mapping[str, pd.DataFrame]
    times: TravelTimes  # to the places
    facts: dict[str, object] = field(default_factory=dict)

    @classmethod
    def of(cls, study: Study) -> _Choice:
        """What a choice is made from."""
        plan, places = study.project.plan, study.candidates
        rooms, needs = _asked(study)
        trip, minutes = study.project.assessment.trip, study.search_minutes
        times = study.network.travel_times(
            study.origins, places, walker=study.walker, cutoff_minutes=minutes, trip=trip
        )
        return cls(study, plan, places, rooms, needs, times)

    def picks(self) -> pd.DataFrame:
        """Near-term projects, then those in reserve, each in its order."""
        import pandas as pd

        from circle15.assessment import unserved

        ready = self.places[(self.places[list(CONDITIONS)] == "yes").all(axis=1)]
        if self.plan.budget is not None:
            ready = ready[ready["cost"].notna()]
        near = self._chosen(NEAR, ready, self.needs)
        left = unserved(self.needs, self.times, near, standard=self.study.standard)
        others = self.places[~self.places.index.isin(near["site"])].assign(cost=1.0)  # in reserve nobody pays yet
        later = self._chosen(RESERVE, others, left)
        if near.empty and later.empty:
            problem = f"not one of {len(self.places):,} candidates would help anybody who lacks a planned service"
            mend = "Give candidates nearer to the gaps, with more room, or plan for other services"
            raise SitingError(Finding(WHERE, problem, mend))
        return pd.concat([near, later]).reset_index(drop=True)

    def _chosen(self, phase: str, places: gpd.GeoDataFrame, needs: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
        """One search: sites and the services in them, in the order in which they gain most for the money."""
        import pandas as pd

        from circle15 import siting
        from circle15.assessment import EVERYONE

        none = pd.DataFrame({"site": [], "service": [], "phase": []}, dtype=object)
        limits = (
            {"sites": self.plan.sites, "budget": self.plan.budget} if phase == NEAR else {"sites": self.plan.reserve}
        )
        if places.empty or not needs or limits["sites"] == 0:
            self._note(phase, "no candidate" if places.empty else "nobody lacks a planned service")
            return none
        reaches = {key: self._reach(key, table, places) for key, table in needs.items()}
        spaces = places[["floor_area_m2", "cost", "services"]].fillna({"floor_area_m2": self.rooms.max(), "cost": 0.0})
        each = self.plan.cost_each_m2 if phase == NEAR else 0.0
        kinds = pd.DataFrame({"floor_area_m2": self.rooms, "cost": self.rooms * each})
        try:
            found = siting.service_complex(reaches, spaces, kinds, limit_s=self.plan.time_limit_s, **limits)
        except SitingError as error:
            self._note(phase, "; ".join(str(one) for one in error.findings))
            return none
        picks = siting.picks(found, reaches)
        picks.insert(0, "phase", phase)
        self.facts[phase] = {
            "people": float(picks[EVERYONE].sum()),
            "objective": found.objective,
            "at_most": found.bound,
            "proven": found.optimal,
            "greedy": None if found.greedy is None else found.greedy.objective,
            "cost": found.cost if phase == NEAR else None,
        }
        return picks

    def _reach(self, service: str, people: pd.DataFrame, places: gpd.GeoDataFrame) -> Reach:
        from circle15.assessment import EVERYONE
        from circle15.siting import reach

        more = {age: self.plan.weights.get(age, 1.0) - 1.0 for age in people.columns if age != EVERYONE}
        strange = {age: weight for age, weight in self.plan.weights.items() if age not in people.columns}
        return reach(
            self.times.to(places.index),
            people,
            cutoff_minutes=self.study.standard.service(service).minutes,
            weights=more | strange | {EVERYONE: 1.0},
        )

    def _note(self, phase: str, problem: str) -> None:
        self.facts[phase] = {"people": 0.0}
        if phase == NEAR:
            mend = "A near-term project needs a floor area, an operator and a budget line in the table of candidates"
            self.study.findings.append(Finding(WHERE, f"there is no near-term project ({problem})", mend))


def _asked(study: Study) -> tuple[pd.Series, dict[str, pd.DataFrame]]:
    """The room of each planned service, and who lacks it."""
    from circle15.assessment import needs, rooms

    room = rooms(study.standard, study.project.plan.rooms, services=study.project.plan.services)
    return room, needs(study.coverage, study.origins, study.groups, services=room.index)


def _lacking(study: Study) -> pd.Series:
    """How many people lack a planned service in each cluster, summed over services."""
    import pandas as pd

    from circle15.assessment import EVERYONE

    tables = [table[EVERYONE] for table in _asked(study)[1].values()]
    people: pd.Series = pd.concat([study.origins["population"].iloc[:0], *tables]).groupby(level=0).sum()
    return people


def _before(study: Study, projects: pd.DataFrame, times: TravelTimes) -> tuple[Before, pd.Index]:
    """The city with the facilities of all projects, as a scenario would add them, at the end; and their ids."""
    from circle15.assessment import Before, extended
    from circle15.sources.planned import planned_facilities

    facilities = planned_facilities(study.facilities, scenario(projects, WHERE), study.area, standard=study.standard)
    added = facilities.index[len(study.facilities) :]
    times = extended(study.times, times, projects["site"].set_axis(added))
    return Before(times, facilities, study.origins, study.units, study.groups, study.known), added


def scenario(projects: pd.DataFrame, name: str) -> Scenario:
    """The scenario that adds every project of a list: one facility of its own size for each.

    Parameters
    ----------
    projects : DataFrame
        tables.PROJECTS, or some of its rows.
    name : str
        Of the scenario.

    Returns
    -------
    Scenario
    """
    from circle15.project import Scenario

    names = projects["name"].where(projects["name"].notna(), projects["site"])
    columns = {"services": projects["service"].map(lambda one: [one]), "name": names}
    columns |= {key: projects[key] for key in ("lon", "lat")} | {"floor_area_m2": projects["room_m2"]}
    rows = projects.assign(**columns)[list(columns)].to_dict("records")
    adds = [{"do": "add", "datum": "wgs84", **row} for row in rows]
    return Scenario.model_validate({"name": name, "facilities": adds})


def block(projects: pd.DataFrame, name: str) -> str:
    """The same as text to paste into a study file.

    Parameters
    ----------
    projects, name
        As for `scenario`.

    Returns
    -------
    str
        TOML.
    """
    import json

    lines = ["[[scenario]]", f"name = {json.dumps(name, ensure_ascii=False)}"]
    for edit in scenario(projects, name).facilities:
        given = edit.model_dump(mode="json", exclude_defaults=True)
        lines += ["", "[[scenario.facilities]]"]
        lines += [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in given.items()]
    return "\n".join(lines) + "\n"
