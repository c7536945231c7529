"""The planner's words as validated records: study file, standard, walker.

Everything that affects a result is written in one of three kinds of TOML file: the study (`Project`), the standard
(`Standard`, with its `Service` lines) and the walker (`Walker`). A file is read whole and every finding is reported
at once, each with its mend.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping  # noqa: TC003  pydantic reads annotations at run time
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from circle15.errors import ConfigError, Finding

Tier = Literal["district", "subdistrict", "community", "cell"]
Need = Literal["basic", "quality", "signature"]
Datum = Literal["wgs84", "cgcs2000", "gcj02", "bd09"]
SlopeLaw = Literal["tobler", "none"]
Minutes = Annotated[float, Field(gt=0, le=180)]
Share = Annotated[float, Field(ge=0, le=1)]
Speed = Annotated[float, Field(gt=0, le=10)]  # metres a second


class _Record(BaseModel):
    """Frozen, and closed to unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


# ---------------------------------------------------------------------------------------------------- the walker


class Walker(_Record):
    """Who walks: speeds in metres a second, waits in seconds; each number is cited in the walker file.

    Examples
    --------
    >>> Walker.load("adult").flat_m_s
    1.34
    """

    name: str
    label_zh: str
    label_en: str
    source: str
    flat_m_s: Speed
    slope_law: SlopeLaw = "tobler"
    stairs_up_m_s: Speed  # vertical
    stairs_up_long_m_s: Speed  # vertical, flights longer than `long_flight_steps`
    stairs_down_m_s: Speed  # vertical
    long_flight_steps: int = Field(60, ge=1)
    step_height_m: float = Field(0.155, gt=0, le=0.3)
    escalator_m_s: Speed = 0.5  # along the slope
    lift_wait_s: float = Field(45.0, ge=0)
    lift_m_s: Speed = 1.0
    lift_doors_s: float = Field(10.0, ge=0)
    signals_s: float = Field(30.0, ge=0)
    zebra_s: float = Field(5.0, ge=0)
    off_road_m_s: Speed = 1.0
    off_road_max_m: float = Field(150.0, gt=0)
    forbidden: frozenset[str] = frozenset()  # kinds of link this walker cannot use

    @classmethod
    def load(cls, name: str, *, base: Path | None = None) -> Walker:
        """Read a walker that ships with circle15, or a file of one's own.

        Parameters
        ----------
        name : str
            A name such as ``adult``, or the path of a TOML file.
        base : Path, optional
            The folder that a relative path starts from.

        Returns
        -------
        Walker

        Raises
        ------
        ConfigError
            With every finding in the file.
        """
        where, values = _shipped("walkers", name, base)
        return _validated(cls, values, where)


# -------------------------------------------------------------------------------------------------- the standard


class Service(_Record):
    """What a standard demands: one kind of place, how near, and how it is recognised.

    `osm` filters are alternatives; within one, ``+`` means and, ``key=a;b`` means value a or b, ``key`` alone means
    any value and ``key~pattern`` searches the value, which is "" where there is none. Where `name_required`, a tag
    match alone is not enough: the name has to match too.
    """

    category: str
    key: str
    zh: str
    en: str
    tier: Tier
    need: Need
    minutes: Minutes
    basis: str  # the legal or published source of the cut-off
    group: str = "all"
    osm: tuple[str, ...] = ()
    name: tuple[str, ...] = ()  # regular expressions, any of
    not_name: tuple[str, ...] = ()
    name_required: bool = False
    area_m2: float | None = Field(None, gt=0)  # least area, where it decides which service a place is
    area_below_m2: float | None = Field(None, gt=0)
    expected_count: int | None = Field(None, ge=1)  # published for the whole study area
    people_each: float | None = Field(None, gt=0)  # else: one facility is expected for so many residents

    @model_validator(mode="after")
    def _patterns(self) -> Self:
        inside = [part.partition("~")[2] for rule in self.osm for part in rule.split("+")]
        for pattern in (*self.name, *self.not_name, *inside):
            try:
                re.compile(pattern)
            except re.error as error:
                message = f"the pattern {pattern!r} is not a regular expression ({error})"
                raise ValueError(message) from error
        return self

    def matches_name(self, name: str) -> bool:
        """Whether a name alone says that a place offers this service.

        Examples
        --------
        >>> canteen = Standard.load("yuzhong-15min").service("canteen")
        >>> canteen.matches_name("石油路社区食堂"), canteen.matches_name("某公司员工食堂")
        (True, False)
        """
        if any(re.search(pattern, name) for pattern in self.not_name):
            return False
        return any(re.search(pattern, name) for pattern in self.name)

    def matches(self, tags: Mapping[str, str], *, area_m2: float | None = None) -> bool:
        """Whether an OSM element offers this service, by its tags, its name and its area.

        Parameters
        ----------
        tags : mapping
            The element's tags.
        area_m2 : float, optional
            Area of the element, where it has one; a point passes no least area.

        Returns
        -------
        bool
        """
        name = tags.get("name", "")
        if not any(_tag_filter(rule, tags) for rule in self.osm):
            return False
        if any(re.search(pattern, name) for pattern in self.not_name):
            return False
        if self.name_required and not self.matches_name(name):
            return False
        if self.area_m2 is not None and (area_m2 or 0.0) < self.area_m2:
            return False
        return self.area_below_m2 is None or (area_m2 or 0.0) < self.area_below_m2

    def expected(self, population: float) -> float | None:
        """How many facilities there ought to be.

        Parameters
        ----------
        population : float
            Residents of the study area.

        Returns
        -------
        float or None
            The published count, else the count for the population, else none when the standard states neither.
        """
        if self.expected_count is not None:
            return float(self.expected_count)
        return None if self.people_each is None else population / self.people_each


def _tag_filter(rule: str, tags: Mapping[str, str]) -> bool:
    """Whether tags pass one filter such as ``amenity=clinic;doctors+healthcare+name~社区卫生``."""
    for part in rule.split("+"):
        searched, tilde, pattern = part.partition("~")
        key, _, values = part.partition("=")
        given = tags.get(key.strip())
        if tilde:
            passed = re.search(pattern, tags.get(searched.strip(), "")) is not None
        else:
            passed = given is not None and (not values or bool(set(given.split(";")) & set(values.split(";"))))
        if not passed:
            return False
    return True


class Category(_Record):
    """One of the categories of the card."""

    key: str
    zh: str
    en: str
    circle_zh: str = ""
    circle_en: str = ""
    services: tuple[Service, ...] = ()

    def asked(self, *, lenient: bool = False) -> list[str]:
        """Keys of the services that decide the category.

        Strict: every basic service has to be in reach (every one, where none is basic). Lenient: any one of all.
        """
        basic = [service.key for service in self.services if service.need == "basic"]
        return basic if basic and not lenient else [service.key for service in self.services]


class Grade(_Record):
    """One colour of the card: at least `coverage` of residents served."""

    grade: int = Field(ge=1, le=5)
    zh: str
    en: str
    coverage: Share


class Standard(_Record):
    """The categories, services and grade bands that a study is held against.

    Examples
    --------
    >>> standard = Standard.load("yuzhong-15min")
    >>> len(standard.categories)
    11
    >>> standard.service("canteen").expected_count
    17
    """

    name: str
    title_zh: str
    title_en: str
    authority_zh: str  # whose reading this is; printed on the card
    authority_en: str
    complete_share: Share = 0.5  # below this share of the expected count an unverified service is unknown
    grades: tuple[Grade, ...]
    categories: tuple[Category, ...]

    @classmethod
    def load(cls, name: str, *, base: Path | None = None) -> Standard:
        """Read a standard that ships with circle15, or a file of one's own.

        Parameters
        ----------
        name : str
            A name such as ``yuzhong-15min``, or the path of a TOML file.
        base : Path, optional
            The folder that a relative path starts from.

        Returns
        -------
        Standard

        Raises
        ------
        ConfigError
            With every finding in the file.
        """
        where, values = _shipped("standards", name, base)
        for category in values.get("categories", []):
            for service in category.get("services", []) if isinstance(category, dict) else []:
                service.setdefault("category", category.get("key", ""))
        return _validated(cls, values, where)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        keys = [service.key for service in self.services]
        twice = sorted({key for key in keys if keys.count(key) > 1})
        bands = [band.coverage for band in sorted(self.grades, key=lambda band: band.grade)]
        problems = [f"the service {key} is listed twice" for key in twice]
        if not self.categories:
            problems.append("there is no category")
        if [band.grade for band in sorted(self.grades, key=lambda band: band.grade)] != [1, 2, 3, 4, 5]:
            problems.append("grades must be 1, 2, 3, 4 and 5, each once")
        elif any(low >= high for low, high in pairwise(bands)) or bands[0] != 0:
            problems.append("the coverage of grades must rise from 0 at grade 1 to grade 5")
        if problems:
            raise ValueError("; ".join(problems))
        return self

    @property
    def services(self) -> tuple[Service, ...]:
        """All services, in the order of the card."""
        return tuple(service for category in self.categories for service in category.services)

    def service(self, key: str) -> Service:
        """The service of that key.

        Raises
        ------
        ConfigError
            When there is none; the nearest key is named.
        """
        for service in self.services:
            if service.key == key:
                return service
        near = _nearest(key, [service.key for service in self.services])
        raise ConfigError(Finding(self.name, f"there is no service {key!r}", near))

    def grade(self, share: float) -> int:
        """The grade of a share of residents served.

        Examples
        --------
        >>> standard = Standard.load("yuzhong-15min")
        >>> [standard.grade(share) for share in (1.0, 0.95, 0.9, 0.75, 0.5, 0.49)]
        [5, 5, 4, 3, 2, 1]
        """
        return max(band.grade for band in self.grades if share >= band.coverage)


# ------------------------------------------------------------------------------------------------- the study file


class _Study(_Record):
    name: str
    name_en: str = ""
    crs: str | None = None  # a projected CRS in metres; the UTM zone of the boundary otherwise
    data_date: str = ""
    synthetic: bool = False
    output: Path = Path("out")
    language: Literal["zh", "en"] = "zh"
    attribution: str = "© OpenStreetMap contributors (ODbL)"
    note: str = ""


class _Area(_Record):
    boundary: Path | None = None  # a file; the OSM boundary `boundary_osm` otherwise
    boundary_osm: str | None = None  # such as relation/4738525, found in the streets file
    boundary_crs: str | None = None  # for a file that does not state one
    margin_m: float = Field(1500.0, ge=0, le=50_000)

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.boundary is None) == (self.boundary_osm is None):
            message = "exactly one of boundary (a file) and boundary_osm (such as relation/4738525) is needed"
            raise ValueError(message)
        return self


class _Streets(_Record):
    files: tuple[Path, ...] = ()  # .osm.pbf, .osm, .osm.gz, .osm.bz2 or Overpass JSON; several are merged
    overpass: bool = False  # fetch live


class _Heights(_Record):
    terrain: Path | None = None  # a raster in metres; without one, tags and defaults only


class _Units(_Record):
    files: tuple[Path, ...] = ()
    osm_levels: dict[int, Tier] = {6: "district", 8: "subdistrict", 10: "community"}
    h3_resolution: int = Field(9, ge=5, le=12)  # cells where neither file nor OSM has units


class _People(_Record):
    total: float | None = Field(None, gt=0)  # of the whole boundary; what published units leave over is spread
    source: str = ""
    clusters: Path | None = None  # a table of one's own replaces the clusters made from buildings
    plain_share: Share = 0.5  # share of the floor area of plain building=yes that is taken to be lived in
    default_levels: float = Field(6.0, ge=1)
    span_m: float = Field(150.0, gt=0)
    height_span_m: float = Field(15.0, gt=0)


class Inventory(_Record):
    """The planner's own table of facilities."""

    file: Path
    datum: Datum
    verified: bool = True
    complete: tuple[str, ...] = ()  # services of which this table lists every one there is
    columns: dict[str, str] = {}  # our word -> the file's header
    source: str = ""


class _Facilities(_Record):
    osm: bool = True
    files: tuple[Path, ...] = ()  # more OSM files with places; the streets files are always read
    inventory: tuple[Inventory, ...] = ()


class _Assessment(_Record):
    standard: str = "yuzhong-15min"
    walker: str = "adult"
    trip: Literal["out"] = "out"
    search_minutes: Minutes = 45.0  # how far the nearest facility is looked for
    isochrone_minutes: tuple[Minutes, ...] = (5.0, 10.0, 15.0)


class Project(_Record):
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
    assessment: _Assessment = _Assessment()
    folder: Path = Field(Path(), exclude=True)

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
        return cls.from_text(_text(path), where=path.name, folder=path.resolve().parent)

    @classmethod
    def from_text(cls, text: str, *, where: str = "study file", folder: Path = Path()) -> Project:
        """Validate the text of a study file.

        Raises
        ------
        ConfigError
            With every finding, missing input files included.
        """
        values = _toml(text, where)
        project = _validated(cls, values, where, folder=folder)
        missing = [
            Finding(
                f"{where} {key}",
                f"there is no file {project.path(file)}",
                "Correct the path; it starts at the study file's folder",
            )
            for key, file in project.inputs()
            if not project.path(file).is_file()
        ]
        if missing:
            raise ConfigError(*missing)
        return project

    def path(self, file: Path) -> Path:
        """An input file's path, resolved from the study file's folder."""
        return self.folder / file

    def inputs(self) -> list[tuple[str, Path]]:
        """Every input file that the study names, with the key that names it."""
        one = [
            ("[area] boundary", self.area.boundary),
            ("[heights] terrain", self.heights.terrain),
            ("[people] clusters", self.people.clusters),
        ]
        many = [
            ("[streets] files", self.streets.files),
            ("[units] files", self.units.files),
            ("[facilities] files", self.facilities.files),
            ("[[facilities.inventory]] file", [table.file for table in self.facilities.inventory]),
        ]
        listed = [(key, file) for key, file in one if file is not None]
        return listed + [(key, file) for key, files in many for file in files]


# ------------------------------------------------------------------------------------------------ reading and mending

_Model = TypeVar("_Model", bound=_Record)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(Finding(str(path), "there is no such file", "Check the path")) from None
    except UnicodeDecodeError:
        raise ConfigError(Finding(str(path), "it is not UTF-8 text", "Save it as UTF-8")) from None


def _toml(text: str, where: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(Finding(where, f"it is not valid TOML ({error})", "Mend the line named")) from None


def _shipped(folder: str, name: str, base: Path | None) -> tuple[str, dict[str, Any]]:
    """Where, and the values, of a file that ships with circle15 or of one's own."""
    if name.endswith(".toml"):
        path = (base or Path()) / name
        return path.name, _toml(_text(path), path.name)
    shipped = resources.files("circle15") / folder
    names = sorted(file.name.removesuffix(".toml") for file in shipped.iterdir() if file.name.endswith(".toml"))
    if name not in names:
        problem = f"nothing of that name ships; there are {', '.join(names)}"
        raise ConfigError(Finding(f"{folder} {name!r}", problem, _nearest(name, names)))
    return f"{name}.toml", _toml((shipped / f"{name}.toml").read_text(encoding="utf-8"), name)


def _validated(model: type[_Model], values: dict[str, Any], where: str, **extra: object) -> _Model:
    try:
        return model.model_validate(values | extra)
    except ValidationError as error:
        raise ConfigError(*_findings(model, error, where)) from None


def _findings(model: type[BaseModel], error: ValidationError, where: str) -> list[Finding]:
    """Turn pydantic's report into findings, each with its mend."""
    found = []
    for item in error.errors(include_url=False):
        at = list(item["loc"])
        key = str(at[-1]) if at else ""
        place = f"{where} {_section(at[:-1] if item['type'] in ('extra_forbidden', 'missing') else at)}".rstrip()
        if item["type"] == "extra_forbidden":
            mend = _nearest(key, _keys(model, at[:-1]))
            found.append(Finding(place, f"there is no key {key}", mend))
        elif item["type"] == "missing":
            found.append(Finding(place, f"the key {key} is missing", "Add it"))
        else:
            text = item["msg"].removeprefix("Value error, ")
            given = "" if item["type"] == "value_error" else f" (it is {item['input']!r})"
            found.append(Finding(place, text[:1].lower() + text[1:] + given, "Mend it in the file"))
    return found


def _section(at: list[int | str]) -> str:
    words = [f"#{part + 1}" if isinstance(part, int) else part for part in at]
    return f"[{words[0]}] {' '.join(words[1:])}".strip() if words else ""


def _keys(model: type[BaseModel], at: list[int | str]) -> list[str]:
    """The keys that are known at this place of the file."""
    here: Any = model
    for part in at:
        if isinstance(part, int):
            continue
        inner = here.model_fields[part].annotation if part in getattr(here, "model_fields", {}) else None
        models = [inner, *get_args(inner)]
        here = next((one for one in models if isinstance(one, type) and issubclass(one, BaseModel)), None)
    return [name for name in getattr(here, "model_fields", {}) if name != "folder"]


def _nearest(key: str, known: list[str]) -> str:
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    return f"Did you mean {near[0]}?" if near else f"Known are: {', '.join(known)}"
