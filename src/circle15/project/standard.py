"""What is demanded: the records of a standard file."""

from __future__ import annotations

import re
from collections.abc import Mapping  # noqa: TC003  pydantic reads annotations at run time
from functools import lru_cache
from itertools import pairwise
from pathlib import Path  # noqa: TC003
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Self

import numpy as np
from pydantic import Field, model_validator

from circle15.display import Card, Shown
from circle15.errors import ConfigError, Finding
from circle15.project.languages import BETWEEN, NAMES, Language, Named, by_language, in_language, named
from circle15.project.reading import Minutes, Record, Share, nearest, shipped, validated
from circle15.project.yardsticks import (
    Ages,
    Brand,
    Built,
    Function,
    Group,
    Integrated,
    Minimum,
    Norm,
    SpecialCircle,
    Tier,
    strangers,
    twice,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import ArrayLike, NDArray

ROUNDING = 1e-12  # of a share that is a quotient of sums

Need = Literal["basic", "quality", "signature"]


class Service(Named):
    """What a standard demands: one kind of place, how near, and how it is recognised.

    `osm` filters are alternatives; within one, ``+`` means and, ``key=a;b`` means value a or b, ``key`` alone means
    any value and ``key~pattern`` searches the value, which is "" where there is none. Where `name_required`, a tag
    match alone is not enough: the name has to match too.
    """

    category: str
    key: str
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
    minimum: Minimum | None = None
    norm: Norm | None = None

    @model_validator(mode="after")
    def _countable(self) -> Self:
        if self.norm is not None and self.expected_count is None and self.people_each is None:
            message = "a norm needs people_each or expected_count, so that a facility of unknown size can be counted"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _patterns(self) -> Self:
        inside = [part.partition("~")[2] for rule in self.osm for part in rule.split("+")]
        for pattern in (*self.name, *self.not_name, *inside):
            try:
                re.compile(pattern)
            except (re.error, RecursionError, OverflowError) as error:
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


class _Part(NamedTuple):
    """One condition of a filter: a tag whose text is searched, or whose value is one of some; none: any value."""

    key: str
    pattern: re.Pattern[str] | None
    values: frozenset[str]


@lru_cache(maxsize=4096)
def _parts(rule: str) -> tuple[_Part, ...]:
    """A filter such as ``amenity=clinic;doctors+healthcare+name~社区卫生``, taken apart once."""
    parts = []
    for part in rule.split("+"):
        searched, tilde, pattern = part.partition("~")
        key, _, values = part.partition("=")
        if tilde:
            parts.append(_Part(searched.strip(), re.compile(pattern), frozenset()))
        else:
            parts.append(_Part(key.strip(), None, frozenset(values.split(";") if values else ())))
    return tuple(parts)


def _tag_filter(rule: str, tags: Mapping[str, str]) -> bool:
    """Whether tags pass one filter."""
    for key, pattern, values in _parts(rule):
        given = tags.get(key)
        if pattern is not None:
            passed = pattern.search(given or "") is not None
        else:
            passed = given is not None and (not values or not values.isdisjoint(given.split(";")))
        if not passed:
            return False
    return True


class Category(Named):
    """One of the categories of the card."""

    key: str
    services: tuple[Service, ...] = ()

    def asked(self, *, lenient: bool = False) -> list[str]:
        """Keys of the services that decide the category.

        Strict: every basic service has to be in reach (every one, where none is basic). Lenient: any one of all.
        """
        basic = [service.key for service in self.services if service.need == "basic"]
        return basic if basic and not lenient else [service.key for service in self.services]


class Grade(Named):
    """One colour of the card: at least `coverage` of residents served, and `supply` over what the norms ask."""

    grade: int = Field(ge=1, le=5)
    coverage: Share
    supply: float | None = Field(None, ge=0)  # none in any band: the card is judged by coverage alone


class Standard(Shown, Record):
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
    title: dict[Language, str] = Field(min_length=1)  # title_en, title_zh ...: the languages of the file, in its order
    authority: dict[Language, str] = Field(min_length=1)  # whose reading this is; printed on the card
    languages: tuple[Language, ...] = ()  # in which a study speaks of it; those of the file otherwise
    words: dict[Language, dict[str, Any]] = Field({})  # of languages that do not ship: a file of the study's own
    complete_share: Share = 0.5  # below this share of the expected count an unverified service is unknown
    complete_least: float = Field(3.0, gt=0)  # expected in a unit; with fewer the unit above it is judged instead
    grades: tuple[Grade, ...]
    decay: tuple[Share, ...] = Field((1.0, 0.68, 0.22), min_length=1)  # weight of each equal part of the cut-off
    supply_most: float = Field(1.5, gt=0)  # more than that over the norm counts as that
    satisfied: Share = 0.75  # residents are content from here, between the worst (0) and the best answer (1)
    ranking: Literal["height_m"] | Ages = (
        "height_m"  # what people are lined up by for the concentration index: height_m, or an age group
    )
    categories: tuple[Category, ...]
    special_circles: tuple[SpecialCircle, ...] = ()
    integrated: Integrated | None = None
    brands: tuple[Brand, ...] = ()
    built: Built | None = None
    groups: tuple[Group, ...] = ()

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
        where, values = shipped("standards", name, base)
        for category in values.get("categories", []):
            for service in category.get("services", []) if isinstance(category, dict) else []:
                service.setdefault("category", category.get("key", ""))
        read = validated(cls, values, where)
        unsaid = list(_unsaid(read, where))
        if unsaid:
            raise ConfigError(*unsaid)
        return read

    @model_validator(mode="before")
    @classmethod
    def _gathered(cls, values: object) -> object:
        for field in ("title", "authority"):
            values = by_language(values, field, prefix=f"{field}_")
        if isinstance(values, dict) and not values.get("languages") and isinstance(values.get("title"), dict):
            values = values | {"languages": tuple(values["title"])}
        return values

    def speaking(self, languages: Sequence[str], *, words: Mapping[str, Mapping[str, Any]] | None = None) -> Standard:
        """The same standard, spoken of in these languages, the first one first.

        Parameters
        ----------
        languages : sequence of str
            Codes such as ``en``.
        words : mapping, optional
            By language, those of languages that do not ship with circle15; `names` among them name what is demanded.

        Returns
        -------
        Standard
        """
        values = self.model_dump()
        own = dict(words or {})
        for language, said in own.items():
            names = said.get(NAMES, {})
            values = named(values, language, names)
            for key in ("title", "authority"):
                if key in names:
                    values[key] |= {language: names[key]}
        return type(self).model_validate(values | {"languages": tuple(languages), "words": own})

    def label(self, one: Named) -> str:
        """How something of the standard is called, in every language that is spoken, side by side."""
        return " ".join(dict.fromkeys(one.name_in(language) for language in self.languages))

    def first(self, one: Named) -> str:
        """How something of the standard is called, in the first language that is spoken."""
        return one.name_in(self.languages[0])

    def spoken(self, text: Mapping[str, str] | str) -> tuple[str, ...]:
        """A text in every language that is spoken: title or authority, or a basis, whose parts stand as the title's.

        Examples
        --------
        >>> standard = Standard.load("yuzhong-15min").speaking(["en"])
        >>> standard.spoken("步行十五分钟 | fifteen minutes on foot")
        ('fifteen minutes on foot',)
        """
        if isinstance(text, str):
            text = dict(zip(self.title, text.split(BETWEEN), strict=False))
        return tuple(in_language(text, language) for language in self.languages)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        problems = [
            *twice([service.key for service in self.services], "service"),
            *(() if self.categories else ("there is no category",)),
            *self._ladders(),
            *self._references(),
        ]
        if problems:
            raise ValueError("\n".join(problems))
        return self

    def _ladders(self) -> Iterator[str]:
        """What is wrong with the bands of the card and the steps of the decay."""
        bands = sorted(self.grades, key=lambda band: band.grade)
        if [band.grade for band in bands] != [1, 2, 3, 4, 5]:
            yield "grades must be 1, 2, 3, 4 and 5, each once"
            return
        for ladder in ("coverage", "supply"):
            steps = [getattr(band, ladder) for band in bands]
            if steps == [None] * len(steps):
                continue
            missing = [str(band.grade) for band in bands if getattr(band, ladder) is None]
            if missing:
                yield f"grade {', '.join(missing)} has no {ladder}, which the others have"
                continue
            if steps[0] != 0:
                yield f"the {ladder} of grade 1 is {steps[0]:g}, not 0"
            for low, high in pairwise(bands):
                below, above = getattr(low, ladder), getattr(high, ladder)
                if below >= above:
                    yield (
                        f"the {ladder} of grades must rise: grade {high.grade} begins at {above:g} and grade"
                        f" {low.grade} at {below:g}, so that they overlap"
                    )
        if any(near < far for near, far in pairwise((1.0, *self.decay))) or self.decay[-1] <= 0:
            yield f"the weights of decay must fall from at most 1 and stay above 0: {list(self.decay)}"

    def _references(self) -> Iterator[str]:
        """Words that circles, brands and groups use and that the standard does not know."""
        categories, services = [one.key for one in self.categories], [one.key for one in self.services]
        for circle in self.special_circles:
            where = f"special circle {circle.key}"
            yield from strangers(circle.categories, categories, what="category", where=where)
        functions: tuple[Function, ...] = ()
        if self.integrated is not None:
            functions, service = self.integrated.functions, self.integrated.service
            yield from strangers([service], services, what="service", where="the integrated circle")
            yield from twice([one.key for one in functions], "function")
        named = [("function", one.key, one.services) for one in functions]
        named += [("brand", one.key, one.services) for one in self.brands]
        named += [("group", one.key, one.services) for one in self.groups]
        for what, key, words in named:
            yield from strangers(words, services, what="service", where=f"{what} {key}")
        keys = [*(one.key for one in self.special_circles), *(one.key for one in self.brands)]
        yield from twice(keys, "circle or brand")
        yield from twice([one.key for one in self.groups], "group")

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
        near = nearest(key, [service.key for service in self.services])
        raise ConfigError(Finding(self.name, f"there is no service {key!r}", near))

    def shifted(self, minutes: float) -> Standard:
        """The same standard, every cut-off of which is so many minutes longer (or shorter, but not below one)."""
        return self._recut(lambda service: max(1.0, service.minutes + minutes))

    def alone(self, category: str) -> Standard:
        """The same standard with one of its categories only."""
        return self.model_copy(update={"categories": tuple(one for one in self.categories if one.key == category)})

    def _recut(self, minutes: Callable[[Service], float]) -> Standard:
        categories = tuple(
            category.model_copy(
                update={
                    "services": tuple(one.model_copy(update={"minutes": minutes(one)}) for one in category.services)
                }
            )
            for category in self.categories
        )
        return self.model_copy(update={"categories": categories})

    def grade(self, share: ArrayLike) -> NDArray[np.intp]:
        """The grade of each share of residents served; a share that misses a band only by rounding reaches it.

        Examples
        --------
        >>> standard = Standard.load("yuzhong-15min")
        >>> standard.grade([1.0, 0.95, 0.9, 0.75, 0.5, 0.49]).tolist()
        [5, 5, 4, 3, 2, 1]
        """
        return self._band("coverage", share)

    def supply_grade(self, adequacy: ArrayLike) -> NDArray[np.intp]:
        """The grade of each supply over what the norms ask; only of a standard whose bands state `supply`.

        Examples
        --------
        >>> standard = Standard.load("yuzhong-15min")
        >>> standard.supply_grade([1.5, 1.2, 1.0, 0.8, 0.5, 0.49]).tolist()
        [5, 5, 4, 3, 2, 1]
        """
        return self._band("supply", adequacy)

    @property
    def has_supply(self) -> bool:
        """Whether the card is judged by supply beside coverage."""
        return all(band.supply is not None for band in self.grades)

    def _band(self, ladder: str, value: ArrayLike) -> NDArray[np.intp]:
        bands = sorted(getattr(band, ladder) for band in self.grades)
        return np.searchsorted(bands, np.asarray(value) + ROUNDING, side="right")

    def within(self, minutes: Mapping[str, float]) -> Standard:
        """The same standard with other cut-offs for some services."""
        return self._recut(lambda service: minutes.get(service.key, service.minutes))

    def _card(self) -> Card:
        labels = {one.key: self.label(one) for one in self.categories}
        rows = [
            (
                labels[one.category],
                self.label(one),
                one.key,
                f"{one.minutes:g} min",
                one.need,
                "—" if one.norm is None else f"{one.norm.amount:g} {self.label(one.norm)} / 1,000 ({one.norm.people})",
                " ".join(self.spoken(one.basis)),
            )
            for one in self.services
        ]
        bands = ", ".join(
            f"{one.grade}: ≥ {one.coverage:.0%}" for one in sorted(self.grades, key=lambda one: -one.grade)
        )
        facts = [
            ("读法 whose reading", " ".join(self.spoken(self.authority))),
            ("等级 grades, residents served", bands),
        ]
        head = ("门类 category", "服务 service", "key", "时限 within", "要求 need", "标准 norm", "依据 basis")
        return Card("Standard", f"{self.name} · {' '.join(self.spoken(self.title))}", facts=facts, head=head, rows=rows)


def _unsaid(standard: Standard, where: str) -> Iterator[Finding]:
    """Names that a file gives in other languages than its title, each once."""
    listed: list[tuple[str, Mapping[str, str]]] = [("the authority", standard.authority)]
    listed += [(f"grade {one.grade}", one.names) for one in standard.grades]
    functions = () if standard.integrated is None else standard.integrated.functions
    listed += [(f"the category {one.key}", one.names) for one in standard.categories]
    listed += [(f"the service {one.key}", one.names) for one in standard.services]
    listed += [(f"the norm of {one.key}", one.norm.names) for one in standard.services if one.norm is not None]
    listed += [(f"the special circle {one.key}", one.names) for one in standard.special_circles]
    listed += [(f"the brand {one.key}", one.names) for one in standard.brands]
    listed += [(f"the function {one.key}", one.names) for one in functions]
    listed += [(f"the group {one.key}", one.names) for one in standard.groups]
    for called, names in listed:
        for language in dict.fromkeys((*standard.title, *names)):
            if language not in names:
                yield Finding(
                    where, f"{called} has no name in {language}, which the title has", f"Add {language} = ..."
                )
            elif language not in standard.title:
                yield Finding(
                    where,
                    f"{called} has a name in {language}, which the title has not",
                    f"Add title_{language}, or take it out",
                )
