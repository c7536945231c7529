"""What is asked: the record of a study file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from circle15.display import SYNTHETIC, Card, Shown
from circle15.errors import ConfigError, Finding
from circle15.project.languages import Language, by_language
from circle15.project.reading import Minutes, Record, Share, is_file_name, nearest, parsed, read_text, validated
from circle15.project.yardsticks import Tier  # noqa: TC001  pydantic reads annotations at run time

_NO_FILE_NAME = re.compile(r"[\\/:*?\"<>|\x00-\x1f]+|[. ]+$")  # on any system
_LONGEST_NAME = 60

Datum = Literal["wgs84", "cgcs2000", "gcj02", "bd09", "unknown"]  # unknown: refused, with what each reading would mean
Trip = Literal["out", "back", "slower", "round"]
Area = Annotated[float, Field(gt=0)]
Weight = Annotated[float, Field(ge=1)]


class _Study(Record):
    name: str  # as people there call it
    names: dict[Language, str] = Field({})  # name_en, name_fi ...: in other languages
    crs: str | None = None  # a projected CRS in metres; the UTM zone of the boundary otherwise
    data_date: str = ""
    synthetic: bool = False
    output: Path = Path("out")
    outside: bool = False  # whether the files it names may lie outside the folder of the study file
    languages: tuple[str, ...] = ()  # codes, or files such as fi.toml; the first opens; those of the standard otherwise
    attribution: str = "© OpenStreetMap contributors (ODbL)"
    note: str = ""

    @model_validator(mode="before")
    @classmethod
    def _gathered(cls, values: object) -> object:
        return by_language(values, "names", prefix="name_")

    @field_validator("languages", mode="before")
    @classmethod
    def _several(cls, value: object) -> object:
        return [value] if isinstance(value, str) else value

    @field_validator("languages")
    @classmethod
    def _once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        codes = [Path(one).stem if is_file_name(one) else one for one in value]
        if len(set(codes)) < len(codes):
            message = "a language is listed twice"
            raise ValueError(message)
        return value

    def name_in(self, language: str) -> str:
        """The name in a language; as people there call it where there is none."""
        return self.names.get(language) or self.name


Server = Annotated[str, Field(pattern=r"^https?://[^/\s]+")]


class _Area(Record):
    boundary: Path | None = None  # a file
    boundary_osm: str | None = None  # such as relation/4738525, found in the streets file
    place: str | None = None  # a name such as "Monaco", which circle15 fetch looks up
    geocoder: Server | None = None  # a Nominatim server; the public one otherwise
    boundary_crs: str | None = None  # for a file that does not state one
    margin_m: float = Field(1500.0, ge=0, le=50_000)

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(one is not None for one in (self.boundary, self.boundary_osm, self.place)) != 1:
            message = (
                "exactly one of boundary (a file), boundary_osm (such as relation/4738525), place (a name) is needed"
            )
            raise ValueError(message)
        return self


class _Streets(Record):
    files: tuple[Path, ...] = ()  # .osm.pbf, .osm, .osm.gz, .osm.bz2 or Overpass JSON; several are merged
    overpass: bool = False  # instead of files: the newest snapshot that circle15 fetch made
    country: Path | None = None  # instead of Overpass: a large .osm.pbf that circle15 fetch cuts the extent out of
    mirrors: tuple[Server, ...] = ()  # Overpass servers; the public ones
    overrides: Path | None = None  # osm_id, rise_m, step_count, wait_s, closed: what a planner measured


class _Heights(Record):
    terrain: tuple[Path, ...] = ()  # rasters in metres, side by side; without one, tags and defaults only

    @field_validator("terrain", mode="before")
    @classmethod
    def _several(cls, value: object) -> object:
        return [value] if isinstance(value, str | Path) else value


class _Units(Record):
    files: tuple[Path, ...] = ()
    osm_levels: dict[int, Tier] = Field({6: "district", 8: "subdistrict", 10: "community"})
    h3_resolution: int = Field(9, ge=5, le=12)  # cells where neither file nor OSM has units


class _People(Record):
    total: float | None = Field(None, gt=0)  # of the whole boundary; what published units leave over is spread
    source: str = ""
    totals: Path | None = None  # a table of residents per unit, by code or name, with age groups where known
    age_shares: dict[str, Share] = Field({})  # age group -> assumed share of residents, where no table has it
    raster: Path | None = None  # gridded population (people per cell), instead of floor area alone
    clusters: Path | None = None  # a table of one's own replaces the clusters made from buildings
    m2_each: float = Field(35.0, gt=0)  # floor area per resident that is expected where every home is drawn
    plain_share: Share = 0.5  # share of the floor area of plain building=yes that is taken to be lived in
    default_levels: float = Field(6.0, ge=1)
    span_m: float = Field(150.0, gt=0)
    height_span_m: float = Field(15.0, gt=0)


class Inventory(Record):
    """The planner's own table of facilities."""

    file: Path
    datum: Datum
    verified: bool = True
    crs: str | None = None  # of x and y, such as EPSG:4547, where they are metres; datum is wgs84 or cgcs2000 then
    sheet: str | None = None  # of an Excel file; the first otherwise
    complete: tuple[str, ...] = ()  # services of which this table lists every one there is
    complete_in: tuple[str, ...] = ()  # ... in these units, by code or name; everywhere otherwise
    columns: dict[str, str] = Field({})  # our word -> the file's header
    source: str = ""


class _Facilities(Record):
    osm: bool = True
    files: tuple[Path, ...] = ()  # more OSM files with places; the streets files are always read
    inventory: tuple[Inventory, ...] = ()


class _Survey(Record):
    """What residents say of each category: a table of unit, category, number of answers and their mean."""

    file: Path | None = None
    worst: float = 1.0  # the scale of the answers
    best: float = 5.0

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if self.best <= self.worst:
            message = "best has to be above worst"
            raise ValueError(message)
        return self


class _Tiles(Record):
    """For areas larger than one machine: the study is cut into tiles of whole units."""

    size_km: float = Field(0.0, ge=0, le=500)  # side of the grid by which units are gathered; 0: one piece


class SitePlan(Record):
    """The yearly project list: what to build next, out of what is vacant."""

    candidates: Path | None = None  # a table of vacant space; places beside streets where people lack most otherwise
    datum: Datum = "wgs84"
    sheet: str | None = None
    columns: dict[str, str] = Field({})  # our word -> the file's header
    services: tuple[str, ...] = ()  # which are planned; every basic one whose size is known otherwise
    rooms: dict[str, Area] = Field({})  # floor area that a service takes up; the standard's minimum otherwise
    sites: int | None = Field(None, ge=1)  # so many near-term sites at most
    budget: float | None = Field(None, gt=0)  # for the near-term projects, in the unit of the table
    reserve: int = Field(10, ge=0)  # so many sites more
    weights: dict[str, Weight] = Field({})  # what one person of an age group counts; anybody else counts 1
    cost_each_m2: float = Field(0.0, ge=0)  # of fitting a service in, in the unit of the table
    cost_unit: str = ""  # such as 10,000 yuan, or EUR
    cost_bounds: tuple[float, float] = (100.0, 300.0)  # up to the first: low; beyond the second: high
    year: str = ""
    time_limit_s: float = Field(10.0, gt=0, le=3600)  # for each of the two searches; what is proven by then is said

    @property
    def asked(self) -> bool:
        """Whether the study asks for a list at all."""
        return self.sites is not None or self.budget is not None

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if self.cost_bounds[0] >= self.cost_bounds[1]:
            message = "cost_bounds has to rise"
            raise ValueError(message)
        if self.candidates is not None and not self.asked:
            message = "candidates are given, and neither sites nor budget says how many may be built"
            raise ValueError(message)
        return self


class _Assessment(Record):
    standard: str = "fifteen-minutes"
    walker: str = "adult"
    walkers: tuple[str, ...] = ()  # further walkers, whose cards stand beside
    trip: Trip = "out"
    when: str = ""  # such as "Tu 21:00"; "": links are open at any hour
    fares: Literal["all", "free only"] = "all"
    cable_car: bool = False
    dependence: bool = True  # who loses what if a lift, escalator, footbridge or long stair closes
    causes: bool = True  # why each gap is one
    stability: bool = True  # which card cells hold under other speeds, heights and cut-offs
    search_minutes: Minutes = 45.0  # how far the nearest facility is looked for
    isochrone_minutes: tuple[Minutes, ...] = (5.0, 10.0, 15.0)


class NewLink(Record):
    """A lift, stair, escalator or path that is not there yet, drawn from end to end."""

    kind: Literal["path", "stairs", "escalator", "lift", "bridge", "crossing"]
    line: tuple[tuple[float, float], ...] = Field(min_length=2)  # WGS-84 longitude and latitude
    rise_m: float | None = None  # from first to last point; from the terrain otherwise
    steps: int | None = Field(None, ge=1)
    one_way: bool = False


_PLACED = ("lon", "lat", "datum")
_SIZES = ("floor_area_m2", "capacity")
_ASKED = {  # what is done -> the keys that it needs, and those that it may have
    "add": (("services", *_PLACED), ("name", *_SIZES)),
    "move": (("id", *_PLACED), ()),
    "close": (("id",), ()),
    "enlarge": (("id",), _SIZES),
}


class FacilityEdit(Record):
    """A place that a scenario adds, moves, closes or enlarges."""

    do: Literal["add", "move", "close", "enlarge"]
    id: str = ""  # of a place, of one of its facilities, or a name that only one place has
    services: tuple[str, ...] = ()  # of an added place; each is a row of its own
    name: str = ""
    lon: float | None = Field(None, ge=-180, le=180)
    lat: float | None = Field(None, ge=-90, le=90)
    datum: Literal["wgs84", "cgcs2000", "gcj02", "bd09"] | None = None  # of lon and lat
    floor_area_m2: float | None = Field(None, gt=0)  # in all, not what is added to it
    capacity: float | None = Field(None, gt=0)

    @field_validator("services", mode="before")
    @classmethod
    def _several(cls, value: object) -> object:
        return [value] if isinstance(value, str) else value

    @model_validator(mode="after")
    def _complete(self) -> Self:
        needed, allowed = _ASKED[self.do]
        given = [key for key in type(self).model_fields if key != "do" and getattr(self, key) not in (None, "", ())]
        absent = [key for key in needed if key not in given]
        beyond = [key for key in given if key not in (*needed, *allowed)]
        problems = [f"{self.do} needs {', '.join(absent)}"] if absent else []
        problems += [f"{self.do} takes no {', '.join(beyond)}"] if beyond else []
        if self.do == "enlarge" and not set(given) & set(_SIZES):
            problems.append(f"enlarge needs {' or '.join(_SIZES)}")
        if problems:
            raise ValueError("; ".join(problems))
        return self


class Scenario(Record):
    """What would be otherwise: links, places, the standard, the planner's tables of facilities."""

    name: str
    close: tuple[str, ...] = ()  # OSM ids such as way/421605016
    add: tuple[NewLink, ...] = ()
    facilities: tuple[FacilityEdit, ...] = ()
    standard: str | None = None  # in place of the study's own
    inventory: tuple[Inventory, ...] | None = None  # in place of the study's own tables, all of them
    data_date: str = ""  # where the tables are of another year


class Project(Shown, Record):
    """A study file after defaults; `folder` is where its relative paths start.

    Examples
    --------
    >>> Project.from_text('''
    ... [study]
    ... name = "Square"
    ... [area]
    ... boundry = "square.geojson"
    ... ''')
    Traceback (most recent call last):
    circle15.errors.ConfigError: study file [area]: there is no key boundry. Did you mean boundary?
    """

    study: _Study
    area: _Area
    streets: _Streets = _Streets()
    heights: _Heights = _Heights()
    units: _Units = _Units()
    people: _People = _People()
    facilities: _Facilities = _Facilities()
    survey: _Survey = _Survey()
    tiles: _Tiles = _Tiles()
    plan: SitePlan = SitePlan()
    assessment: _Assessment = _Assessment()
    scenario: tuple[Scenario, ...] = ()
    folder: Path = Field(Path(), exclude=True)

    @field_validator("scenario")
    @classmethod
    def _once(cls, value: tuple[Scenario, ...]) -> tuple[Scenario, ...]:
        names = [one.name for one in value]
        twice = dict.fromkeys(name for name in names if names.count(name) > 1)
        if twice:
            message = f"several scenarios are called {', '.join(twice)}"
            raise ValueError(message)
        return value

    @classmethod
    def read(cls, path: Path) -> Project:
        """Read a study file.

        Parameters
        ----------
        path : Path
            A TOML file.

        Returns
        -------
        Project

        Raises
        ------
        ConfigError
            With every finding in the file, missing input files included.
        """
        path = Path(path)
        return cls.from_text(read_text(path), where=path.name, folder=path.resolve().parent)

    @classmethod
    def from_text(cls, text: str, *, where: str = "study file", folder: Path = Path()) -> Project:
        """Validate the text of a study file.

        Raises
        ------
        ConfigError
            With every finding, missing input files and files outside the folder included.
        """
        values = parsed(text, where)
        project = validated(cls, values, where, folder=folder)
        outside = project.outside()
        found = [
            Finding(
                f"{where} {key}",
                f"{file} lies outside the folder of the study file",
                "Move it into the folder, or set outside = true under [study]",
            )
            for key, file in outside
        ] + [
            Finding(
                f"{where} {key}",
                f"there is no file {project.path(file)}",
                "Put it there, or correct the path, which starts at the study file's folder",
            )
            for key, file in project.inputs()
            if (key, file) not in outside and not _is_file(project.path(file))
        ]
        if found:
            raise ConfigError(*found)
        return project

    def scenario_of(self, name: str) -> Scenario:
        """The scenario of that name.

        Raises
        ------
        ConfigError
            When there is none; the nearest name is given.
        """
        for one in self.scenario:
            if one.name == name:
                return one
        mend = nearest(name, [one.name for one in self.scenario])
        raise ConfigError(Finding("[[scenario]]", f"there is no scenario {name!r}", mend))

    def under(self, name: str) -> Project:
        """The study as a scenario has it: its standard, tables and date in place of the study's own, results beside.

        The results of the scenario 2027 of a study that writes into ``out`` go to ``out-2027``.

        Raises
        ------
        ConfigError
            When there is no such scenario.
        """
        one = self.scenario_of(name)
        output = self.study.output
        if output.name.strip("."):
            output = output.with_name(f"{output.name}-{_NO_FILE_NAME.sub('-', one.name)[:_LONGEST_NAME]}")
        study = self.study.model_copy(update={"data_date": one.data_date or self.study.data_date, "output": output})
        assessment = self.assessment.model_copy(update={"standard": one.standard or self.assessment.standard})
        tables = self.facilities.inventory if one.inventory is None else one.inventory
        facilities = self.facilities.model_copy(update={"inventory": tables})
        return self.model_copy(update={"study": study, "assessment": assessment, "facilities": facilities})

    def path(self, file: Path) -> Path:
        """An input file's path, resolved from the study file's folder."""
        return self.folder / file

    def inputs(self) -> list[tuple[str, Path]]:
        """Every input file that the study names, with the key that names it."""
        one = [
            ("[area] boundary", self.area.boundary),
            ("[streets] country", self.streets.country),
            ("[streets] overrides", self.streets.overrides),
            ("[people] totals", self.people.totals),
            ("[people] raster", self.people.raster),
            ("[people] clusters", self.people.clusters),
            ("[survey] file", self.survey.file),
            ("[plan] candidates", self.plan.candidates),
        ]
        many = [
            ("[study] languages", tuple(Path(one) for one in self.study.languages if is_file_name(one))),
            ("[streets] files", self.streets.files),
            ("[heights] terrain", self.heights.terrain),
            ("[units] files", self.units.files),
            ("[facilities] files", self.facilities.files),
            ("[[facilities.inventory]] file", [table.file for table in self.facilities.inventory]),
            ("[[scenario]] inventory", [table.file for one in self.scenario for table in one.inventory or ()]),
        ]
        listed = [(key, file) for key, file in one if file is not None]
        return listed + [(key, file) for key, files in many for file in files]

    def _card(self) -> Card:
        given, people, asked = self.study, self.people, self.assessment
        files = ", ".join(file.name for file in self.streets.files)
        walkers = ", ".join(Path(name).name for name in (asked.walker, *asked.walkers))
        facts = [
            ("边界 boundary", self.area.boundary or self.area.boundary_osm or self.area.place),
            ("街道 streets", files or ("快照 snapshot" if self.streets.overpass else "国家文件 country file")),
            ("人口 residents", people.total if people.totals is None else people.totals.name),
            ("设施清单 inventories", ", ".join(table.file.name for table in self.facilities.inventory)),
            ("标准 standard", Path(asked.standard).name),
            ("步行者 walkers", walkers),
            ("情景 scenarios", ", ".join(one.name for one in self.scenario)),
            ("说明 note", given.note),
        ]
        title = " · ".join(dict.fromkeys((given.name, *given.names.values())))
        return Card("Project", title, [SYNTHETIC] if given.synthetic else [], [one for one in facts if one[1]])

    def outside(self) -> list[tuple[str, Path]]:
        """Every path that leaves the folder of the study file, links followed; none where the study allows it.

        Whether there is a file at such a path is not said.
        """
        if self.study.outside:
            return []
        own = [("standard", self.assessment.standard), ("walker", self.assessment.walker)]
        own += [("walkers", name) for name in self.assessment.walkers]
        own = [(f"[assessment] {key}", name) for key, name in own]
        own += [("[[scenario]] standard", one.standard) for one in self.scenario if one.standard is not None]
        files = [(key, Path(name)) for key, name in own if is_file_name(name)]
        named = [("[study] output", self.study.output), *self.inputs(), *files]
        return [(key, file) for key, file in named if not self.allows(file)]

    def allows(self, file: Path) -> bool:
        """Whether a path may be used: it lies in the folder of the study file, or the study allows others."""
        return self.study.outside or _within(self.path(file), self.folder.resolve())


def _within(path: Path, home: Path) -> bool:
    """Whether a path ends up in a folder; one that cannot be followed does not."""
    try:
        return path.resolve().is_relative_to(home)
    except (OSError, ValueError, RuntimeError):  # too long, a NUL in it, links in a circle
        return False


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False
