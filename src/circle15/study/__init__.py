"""The order of the day: from a study file to a folder of results. No arithmetic happens here.

Each step is a property that is computed once, when it is first asked for, so an analyst may stop anywhere on the way
and the planner's ``circle15 run`` walks the same path to its end.
"""

from __future__ import annotations

import time
import warnings
from contextlib import contextmanager
from functools import cached_property
from importlib import metadata, resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from circle15.display import Shown
from circle15.errors import Circle15Error, Circle15Warning, Finding, SourceError
from circle15.project import Project
from circle15.study import fetching, given, judged, planning, scenarios, shown, variants
from circle15.study.aside import Aside
from circle15.study.folder import manifest, write_results

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import geopandas as gpd
    import pandas as pd

    from circle15.display import Card, Track
    from circle15.network import WalkNetwork
    from circle15.page import GapMap
    from circle15.page.backdrop import Backdrop
    from circle15.project import Standard, Walker
    from circle15.sources.located import Rejected
    from circle15.sources.osm import Elements, Source
    from circle15.sources.terrain import Terrain
    from circle15.sources.totals import Totals
    from circle15.tables import Coverage, Judgement, Result, StudyArea, TravelTimes

_PARTS = (  # what can be wrong, in the order in which one part needs another
    *("standard", "walkers", "group_walkers", "elements", "area", "terrain", "units", "inventory", "streets", "closed"),
    *("origins", "facilities", "completeness", "groups", "survey", "vacant"),
)


def demo_study() -> Path:
    """Path of the embedded study file, a synthetic twin of Yuzhong.

    Returns
    -------
    Path
        In the installed package, or in the checkout when it is run from there.

    Raises
    ------
    SourceError
        When the installation is without it.
    """
    package = Path(str(resources.files("circle15")))
    for folder in (package / "demo", package.parents[1] / "data" / "demo"):
        if (folder / "study.toml").is_file():
            return folder / "study.toml"
    raise SourceError(Finding("demo", "this installation has no embedded study", "Install circle15 again"))


class Study(Shown):
    """One study file and everything that follows from it.

    Parameters
    ----------
    project : Project
        The study file after defaults.
    announce : callable, optional
        Called with the name of each step as it begins, in order to show progress.
    track : Track, optional
        Shows how far the long steps have come, such as ``tqdm.tqdm`` or ``rich.progress.track``.

    Examples
    --------
    >>> study = Study.open(demo_study())
    >>> study.project.study.synthetic
    True
    """

    def __init__(
        self,
        project: Project,
        *,
        scenario: str | None = None,
        announce: Callable[[str], None] | None = None,
        track: Track | None = None,
    ) -> None:
        self.asked = project  # as the file has it
        self.project = project if scenario is None else project.under(scenario)
        self.scenario = None if scenario is None else project.scenario_of(scenario)
        self.closed_by_hand: tuple[str, ...] = () if self.scenario is None else self.scenario.close
        self.findings: list[Finding] = []  # conditions that change the meaning of a result
        self.seconds: dict[str, float] = {}  # how long each step took
        self.rejected: list[Rejected] = []  # cells of the planner's tables for which a row was left out
        self.merged: pd.DataFrame  # which places of several sources were taken as one
        self.announce = announce or (lambda _: None)
        self.track = track
        self.second = Aside()  # a Python beside this one, while a run has one

    @classmethod
    def open(
        cls,
        path: str | Path,
        *,
        scenario: str | None = None,
        announce: Callable[[str], None] | None = None,
        track: Track | None = None,
    ) -> Study:
        """Open a study file.

        Parameters
        ----------
        path : str or Path
            A TOML file.
        scenario : str, optional
            Name of one of its scenarios; the city as it is otherwise.
        announce : callable, optional
            Called with the name of each step as it begins.
        track : Track, optional
            Shows how far the long steps have come, such as ``tqdm.tqdm`` or ``rich.progress.track``.

        Returns
        -------
        Study

        Raises
        ------
        ConfigError
            With every finding in the file.
        """
        return cls(Project.read(Path(path)), scenario=scenario, announce=announce, track=track)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Announce and time a step, without the steps inside it, and keep its warnings as findings."""
        self.announce(name)
        begun, before = time.perf_counter(), sum(self.seconds.values())
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", Circle15Warning)
            yield
        for item in caught:
            if issubclass(item.category, Circle15Warning):
                self.findings.append(Finding(name, str(item.message).rstrip("."), "See the study file and its data"))
            else:
                warnings.warn_explicit(item.message, item.category, item.filename, item.lineno)
        inside = sum(self.seconds.values()) - before
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - begun - inside

    # ------------------------------------------------------------------------------------------- what is given

    @cached_property
    def standard(self) -> Standard:
        """The standard that the study is held against, spoken of in the languages of the study."""
        return given.standard(self)

    @cached_property
    def walker(self) -> Walker:
        """Who walks."""
        return given.walker(self, self.project.assessment.walker)

    @cached_property
    def walkers(self) -> list[Walker]:
        """The study's walker, and those whose cards stand beside."""
        others = [given.walker(self, name) for name in self.project.assessment.walkers]
        return [self.walker, *(one for one in others if one.name != self.walker.name)]

    @cached_property
    def group_walkers(self) -> dict[str, Walker]:
        """How the people of each group of the standard walk."""
        return judged.group_walkers(self)

    @cached_property
    def elements(self) -> Elements:
        """Everything tagged in the OSM files of the study."""
        return given.elements(self)

    @cached_property
    def sources(self) -> tuple[Source, ...]:
        """The OSM files that were read."""
        return self.elements.sources

    @cached_property
    def snapshot(self) -> tuple[Path, ...]:
        """OSM files of the newest snapshot, where the study takes its streets from there."""
        return fetching.snapshot_of(self)

    def fetch(self) -> Path:
        """Fetch what the study needs from outside, and freeze it beside the study file.

        Returns
        -------
        Path
            The new snapshot.

        Raises
        ------
        ConfigError
            When OpenStreetMap has no such boundary.
        SourceError
            With ``outside=True`` when no server gave the data; older snapshots are as they were.
        """
        return fetching.fetch(self)

    @cached_property
    def area(self) -> StudyArea:
        """The study area, with its one projected CRS."""
        return fetching.area_of(self)

    @cached_property
    def terrain(self) -> Terrain | None:
        """The terrain raster, brought to the CRS of the study."""
        from circle15.sources.terrain import read_terrain

        given = self.project.heights.terrain
        return read_terrain([self.project.path(one) for one in given], self.area) if given else None

    @cached_property
    def streets_as_they_are(self) -> gpd.GeoDataFrame:
        """Directed links with their rise, mended by what the planner measured; no scenario in them."""
        return given.streets(self)

    @cached_property
    def streets(self) -> gpd.GeoDataFrame:
        """The streets of the study: as they are, and what the scenario adds."""
        return scenarios.streets(self)

    @cached_property
    def units(self) -> gpd.GeoDataFrame:
        """Units from the planner's files, else OSM boundaries, else H3 cells; with residents as a table states them."""
        return self.totals.units

    @cached_property
    def totals(self) -> Totals:
        """Residents and age groups by unit, from the planner's table where there is one."""
        return given.totals(self, self._units[0])

    @property
    def units_from(self) -> str:
        """Where the units come from, in words."""
        return self._units[1]

    @cached_property
    def _units(self) -> tuple[gpd.GeoDataFrame, str]:
        return given.units(self)

    @cached_property
    def buildings(self) -> gpd.GeoDataFrame:
        """Footprints, and how it is known whether people live in them."""
        from circle15.sources.places import read_buildings

        return read_buildings(self.elements, self.area)

    @cached_property
    def ground(self) -> gpd.GeoDataFrame:
        """Water, parks and rail under the map."""
        from circle15.sources.land import read_ground

        return read_ground(self.elements, self.area)

    @property
    def water(self) -> gpd.GeoSeries:
        """What no isochrone crosses."""
        return self.ground.geometry[self.ground["kind"] == "water"]

    @cached_property
    def origins(self) -> gpd.GeoDataFrame:
        """Residence clusters."""
        with self.step("people"):
            return given.origins(self)

    @cached_property
    def groups(self) -> pd.DataFrame:
        """Residents of each cluster by age group, as far as they are published or assumed."""
        return given.groups(self)

    @cached_property
    def crowds(self) -> pd.DataFrame:
        """Those whom a norm may be for, by cluster."""
        from circle15.assessment import demand

        return demand(self.origins, self.groups)

    @cached_property
    def housing(self) -> pd.DataFrame:
        """Floor area found against expected, unit by unit."""
        from circle15.sources.population import housing

        return housing(self.origins, self.units, m2_each=self.project.people.m2_each)

    @cached_property
    def survey(self) -> pd.DataFrame:
        """What residents say of each category, where they were asked."""
        return given.survey(self)

    @cached_property
    def inventory(self) -> list[gpd.GeoDataFrame]:
        """The planner's own tables of facilities; rows that cannot be used are listed in `rejected`."""
        return [given.read_table(self, table) for table in self.project.facilities.inventory]

    @cached_property
    def facilities_as_they_are(self) -> gpd.GeoDataFrame:
        """Facilities from OSM and from the planner's own tables, which win; `merged` lists what was taken as one."""
        return given.facilities(self)

    @cached_property
    def facilities(self) -> gpd.GeoDataFrame:
        """The facilities of the study: as they are, and what the scenario makes of them."""
        return scenarios.facilities(self)

    @cached_property
    def own_facilities(self) -> gpd.GeoDataFrame:
        """Those of the study area itself."""
        from circle15.assessment import own

        return own(self.facilities, self.units)

    # ---------------------------------------------------------------------------------------- what follows from it

    @cached_property
    def closed(self) -> pd.Index:
        """Links that hours and fares keep shut at the time that the study asks about."""
        from circle15.sources.hours import closed_links

        given = self.project.assessment
        links, found = closed_links(self.streets, when=given.when, fares=given.fares, cable_car=given.cable_car)
        self.findings += found
        return links

    @cached_property
    def network(self) -> WalkNetwork:
        """The walking network, without what is closed."""
        from circle15.network import WalkNetwork

        streets, closed = self.streets, [*self.closed, *self.closed_by_hand]
        with self.step("network"):
            network = WalkNetwork(streets)
            return network.without(closed) if closed else network

    @property
    def search_minutes(self) -> float:
        """How far the nearest facility is looked for."""
        given = self.project.assessment
        more = max(variants.CUTOFFS_MIN) if given.stability else 0.0
        return max(given.search_minutes, self.longest_minutes + more)

    @property
    def longest_minutes(self) -> float:
        """The longest cut-off that anything is judged by."""
        circles = [minutes for group in self.standard.groups for minutes in group.minutes]
        return max([one.minutes for one in self.standard.services] + circles)

    @property
    def judged_minutes(self) -> dict[str, float]:
        """The longest cut-off that each service is judged by: its own, or that of a group's circle."""
        asked = [(one.key, one.minutes) for one in self.standard.services]
        asked += [(key, minutes) for one in self.standard.groups for minutes in one.minutes for key in one.services]
        return {key: max(minutes for one, minutes in asked if one == key) for key, _ in asked}

    @cached_property
    def times(self) -> TravelTimes:
        """Walking seconds from every cluster to every facility."""
        from circle15.network import kernels

        kernels.begin()
        network, origins, facilities = self.network, self.origins, self.facilities
        minutes, trip = self.search_minutes, self.project.assessment.trip
        with self.step("travel times"):
            return network.travel_times(origins, facilities, walker=self.walker, cutoff_minutes=minutes, trip=trip)

    def without_links(self, osm_ids: Iterable[str]) -> Study:
        """The same study with some elements closed.

        Parameters
        ----------
        osm_ids : iterable of str
            Such as ``way/421605016``.

        Returns
        -------
        Study
            It shares everything that was read with this one; what follows from walking is computed anew.
        """
        name = None if self.scenario is None else self.scenario.name
        return scenarios.sharing(self, name, closed=(*self.closed_by_hand, *osm_ids))

    def under(self, scenario: str) -> Study:
        """The same study under one of its scenarios.

        Parameters
        ----------
        scenario : str
            Its name.

        Returns
        -------
        Study
            It shares everything that was read with this one and that the scenario does not change.

        Raises
        ------
        ConfigError
            When there is no such scenario.
        """
        return scenarios.sharing(self, scenario)

    @cached_property
    def completeness(self) -> pd.DataFrame:
        """How many facilities of each service are known in each unit, as they are, and how many there ought to be."""
        from circle15.assessment import completeness, residents

        return completeness(
            self.facilities_as_they_are,
            self.units,
            standard=self.standard,
            people=residents(self.origins, self.units),
            listed=[(table.complete, table.complete_in) for table in self.project.facilities.inventory],
        )

    @property
    def completeness_summary(self) -> pd.DataFrame:
        """The same service by service: what is known everywhere, and which list to get next."""
        from circle15.assessment import completeness_summary, residents

        return completeness_summary(self.completeness, self.units, people=residents(self.origins, self.units))

    @cached_property
    def known(self) -> pd.DataFrame:
        """Which services are known where people live, cluster by cluster."""
        from circle15.assessment import known_by_origin

        return known_by_origin(self.completeness, self.origins, self.units)

    @cached_property
    def coverage(self) -> Coverage:
        """Served, gap or unknown for every cluster and service, and how much there is for whom where a norm asks."""
        return variants.covered(self, self.times)

    @cached_property
    def runs(self) -> dict[str, Coverage]:
        """Coverage of the same study asked otherwise, by name."""
        with self.step("other walkers, causes and stability"):
            return variants.runs(self)

    @cached_property
    def card(self) -> pd.DataFrame:
        """The five-colour card: one row per unit and category."""
        from circle15.assessment import grades

        return grades(self.coverage, self.origins, self.units, standard=self.standard)

    @cached_property
    def judgement(self) -> Judgement:
        """Supply, sizes, containment, circles, groups, equity and the survey against the card."""
        return judged.judgement(self)

    @cached_property
    def vacant(self) -> gpd.GeoDataFrame | None:
        """The planner's table of vacant space; none where the study names none."""
        return given.vacant(self)

    @cached_property
    def candidates(self) -> gpd.GeoDataFrame:
        """Where something could be built, with unit and conditions; empty where no project list is asked for."""
        return planning.candidates(self)

    @cached_property
    def planned(self) -> planning.Planned:
        """The yearly project list, and what each project does to the card."""
        return self.second.done(planning.planned, self)

    @cached_property
    def isochrones(self) -> gpd.GeoDataFrame:
        """Outlines of what each residence cluster reaches, as the map shows them."""
        return judged.isochrones(self)

    @cached_property
    def parts(self) -> dict[str, Any]:
        """The result without what was read, and without isochrones."""
        return judged.parts(self)

    @cached_property
    def result(self) -> Result:
        """Everything that the page and the report are made from."""
        return judged.whole(self, self.parts)

    @cached_property
    def placed(self) -> dict[str, object]:
        """How points were put on the streets, and what these are, as plain values."""
        return {
            "origins": self.times.origins.counts(),
            "facilities": self.times.facilities.counts(),
            "links": self.network.facts(),
            "closed_links": len(self.closed),
        }

    @property
    def facts(self) -> dict[str, object]:
        """What the page says about the study, as plain values."""
        given, languages = self.project.study, self.standard.languages
        complete = self.completeness_summary.reset_index().astype(object)
        return {
            "name": given.name,
            **{f"name_{language}": given.name_in(language) for language in languages},
            "data_date": given.data_date or max((source.date for source in self.sources), default=""),
            "synthetic": given.synthetic,
            "attribution": given.attribution,
            "note": given.note,
            "scenario": None if self.scenario is None else self.scenario.name,
            "closed_by_hand": list(self.closed_by_hand),
            "trip": self.project.assessment.trip,
            "when": self.project.assessment.when,
            "fares": self.project.assessment.fares,
            "walkers": [
                {"key": one.name, **{language: one.label_in(language) for language in languages}}
                for one in self.walkers
            ],
            "walker_key": self.walker.name,
            **{f"walker_{language}": self.walker.label_in(language) for language in languages},
            "standard_key": self.standard.name,
            "units_from": self.units_from,
            "population": float(self.origins["population"].sum()),
            "isochrone_minutes": list(self.project.assessment.isochrone_minutes),
            "search_minutes": self.search_minutes,
            "completeness": complete.where(complete.notna(), None).to_dict("records"),
            "version": metadata.version("circle15"),
        }

    def explore(self, language: str | None = None) -> GapMap:
        """The live map of the result: a `folium.Map`, which a notebook shows and `.save(path)` writes.

        Parameters
        ----------
        language : str, optional
            The language that it opens in; the first of the study otherwise.

        Returns
        -------
        GapMap
        """
        from circle15.page import gap_map

        return gap_map(self.result, standard=self.standard, language=language, live=variants.live(self))

    def _card(self) -> Card:
        return shown.study_card(self)

    def check(self) -> list[Finding]:
        """Look for every problem in file and data at once, without computing a walk.

        Returns
        -------
        list of Finding
            What would stop a run; empty when it would go through.
        """
        found: list[Finding] = []
        for part in _PARTS:
            try:
                getattr(self, part)
            except Circle15Error as error:
                found += [one if isinstance(one, Finding) else Finding(part, one, "Mend it") for one in error.findings]
        return list(dict.fromkeys([*found, *scenarios.every_problem(self)]))

    # ---------------------------------------------------------------------------------------------- what is written

    def run(self, output: Path | None = None, *, backdrop: Backdrop | str | None = None) -> Path:
        """Compute everything and write the results folder.

        The folder appears whole or not at all: it is written beside its place and moved there at the end.

        Parameters
        ----------
        output : Path, optional
            The folder; what the study file names otherwise.
        backdrop : Backdrop or str, optional
            A base map of pictures for the map, which needs a network then.

        Returns
        -------
        Path
            The folder.

        Raises
        ------
        Circle15Error
            When the file or the data need mending; nothing has been written then.
        """
        folder = Path(output) if output is not None else self.project.path(self.project.study.output)
        scenarios.require(self)
        write_results(self, folder, backdrop=backdrop)
        return folder

    def manifest(self) -> dict[str, object]:
        """What was computed from what, with which versions, and the headline figures."""
        return manifest(self)
