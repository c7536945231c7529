"""What a standard asks besides minutes: sizes, supply for so many people, circles, brands and groups."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, model_validator

from circle15.project.languages import Named
from circle15.project.reading import Minutes, Record, Share, nearest

if TYPE_CHECKING:
    from collections.abc import Iterable

Tier = Literal["district", "subdistrict", "community", "cell"]
Size = Literal["floor_area_m2", "land_m2", "capacity"]
Ages = Annotated[str, Field(pattern=r"^\d{1,3}(\+|-\d{1,3})$")]  # years, both inclusive: 60+, 3-5
EVERYONE = "all"  # residents of any age

# What a figure rests on: the district's own words in the press; the text of a norm; somebody who quotes the text; a
# text that was not at hand; or nobody but this project.
Evidence = Literal["press", "text", "secondary", "memory", "own"]


def column(of: str) -> str:
    """The column of the facilities that holds a size; land and floor stand in one, by what the service is.

    Examples
    --------
    >>> [column(of) for of in ("floor_area_m2", "land_m2", "capacity")]
    ['floor_area_m2', 'floor_area_m2', 'capacity']
    """
    return "floor_area_m2" if of == "land_m2" else of


class Minimum(Record):
    """The least size of a facility; every unit of the service's tier is to own one that is as large."""

    least: float = Field(gt=0)
    of: Size = "floor_area_m2"
    reference: float | None = Field(None, gt=0)  # what another norm asks; shown, and nobody is judged by it
    basis: str
    evidence: Evidence


class Norm(Named):
    """How much there ought to be for 1,000 people; its name is what is counted: seats."""

    amount: float = Field(gt=0)
    of: Literal["floor_area_m2", "land_m2", "capacity", "count"]
    people: Literal["all"] | Ages = EVERYONE  # for 1,000 of whom: everyone, or an age group
    basis: str
    evidence: Evidence


class SpecialCircle(Named):
    """A circle of some categories: served where every one of them is."""

    key: str
    categories: tuple[str, ...] = Field(min_length=1)


class Brand(Named):
    """A promise by name: served where any one of the services is in reach."""

    key: str
    services: tuple[str, ...] = Field(min_length=1)
    basis: str


class Function(Named):
    """One thing that a complex can be for."""

    key: str
    services: tuple[str, ...] = Field(min_length=1)


class Integrated(Named):
    """One circle, many functions: served where the nearest complex has several at its address or next door."""

    service: str  # the complex
    least: int = Field(ge=1)  # functions
    within_m: float = Field(ge=0)  # between entrances, as the crow flies: "next door"
    functions: tuple[Function, ...] = Field(min_length=1)
    basis: str

    @model_validator(mode="after")
    def _enough(self) -> Self:
        if self.least > len(self.functions):
            message = f"least is {self.least}, but only {len(self.functions)} functions are listed"
            raise ValueError(message)
        return self


class Target(Record):
    """So many circles are to be built by then."""

    due: str = Field(pattern=r"^\d{4}(-\d\d){0,2}$")
    circles: int = Field(ge=1)


class Built(Record):
    """When a living circle counts as built."""

    tier: Tier
    grade: int = Field(ge=1, le=5)  # that every category with a basic service reaches
    share: Share  # of residents who are served in each of them
    basis: str
    targets: tuple[Target, ...] = ()

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if any(a.due >= b.due or a.circles > b.circles for a, b in pairwise(self.targets)):
            message = "the targets must rise: later dates, no fewer circles"
            raise ValueError(message)
        return self


class Group(Named):
    """Some people, how they walk and what they need near."""

    key: str
    ages: tuple[Ages, ...] = ()  # that do not overlap; none: nobody counts them, and all residents stand in
    walker: str  # one that ships with circle15, or a file
    services: tuple[str, ...] = Field(min_length=1)
    minutes: tuple[Minutes, ...] = ()  # several circles, each judged; the services' own cut-offs otherwise
    basis: str


def strangers(words: Iterable[str], known: list[str], *, what: str, where: str) -> list[str]:
    """Sentences on words that mean nothing here, each with the nearest that does."""
    near = {word: nearest(word, known) for word in words if word not in known}
    return [
        f"{where} names the {what} {word!r}, which there is not ({mend[:1].lower()}{mend[1:]})"
        for word, mend in near.items()
    ]


def twice(keys: list[str], what: str) -> list[str]:
    """Sentences on keys that are there more than once."""
    return [f"the {what} {key} is listed twice" for key in sorted({key for key in keys if keys.count(key) > 1})]
