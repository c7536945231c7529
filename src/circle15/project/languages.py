"""In which languages a study speaks: names by language, and every other word of its outputs.

Names stand where the thing is described, by the code of the language: ``en = "Nursery"`` in a standard,
``label_en = "Adult"`` in a walker file, ``name_en`` in a study file. All other words are in ``labels/*.toml``, one file
for each language; a language that does not ship with circle15 is such a file beside the study, named in it.
"""

from __future__ import annotations

import re
import string
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, model_validator

from circle15.errors import ConfigError, Finding
from circle15.project.reading import Record, is_file_name, nearest, parsed, read_text

if TYPE_CHECKING:
    from circle15.project.standard import Standard

REFERENCE = "en"  # every other language is held against it, and it stands in for words that are missing
CODE = re.compile(r"[a-z]{2}")  # ISO 639-1
NAMES = "names"  # section of a language file: words of a standard by key, which replace nothing that has a name
BETWEEN = " | "  # texts of several languages in one cell or one line of a standard
OWN = (NAMES, "walkers", "workbook", "sheets", "gis", "said", "check")  # sections that the page does not need

Language = Annotated[str, Field(pattern="^[a-z]{2}$")]
Words = Mapping[str, Any]


class Named(Record):
    """Something with a name in one language or several: ``en = "Nursery"``, ``fi = "Päiväkoti"``."""

    names: dict[Language, str] = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _gathered(cls, values: object) -> object:
        return by_language(values, "names", apart=tuple(cls.model_fields))

    def name_in(self, language: str) -> str:
        """The name in a language; where it has none, the English one, else the first."""
        return in_language(self.names, language)


def by_language(values: object, field: str, *, prefix: str = "", apart: Sequence[str] = ()) -> object:
    """The keys of a TOML table that are languages, gathered under one.

    Examples
    --------
    >>> by_language({"key": "nursery", "en": "Nursery", "fi": "Päiväkoti"}, "names")
    {'key': 'nursery', 'names': {'en': 'Nursery', 'fi': 'Päiväkoti'}}
    """
    if not isinstance(values, Mapping):
        return values
    own = [key for key in values if key.startswith(prefix) and CODE.fullmatch(key[len(prefix) :]) and key not in apart]
    if not own:
        return values
    rest = {key: value for key, value in values.items() if key not in own}
    return rest | {field: {key[len(prefix) :]: values[key] for key in own} | dict(rest.get(field, {}))}


def in_language(names: Mapping[str, str], language: str) -> str:
    """The text of a language; where there is none, the English one, else the first."""
    return names.get(language) or names.get(REFERENCE) or next(iter(names.values()), "")


@dataclass(frozen=True)
class Labels:
    """Every word that readers see, language by language; the first is the one that outputs open in.

    Parameters
    ----------
    words : mapping
        Language -> section -> word, as `labels/en.toml` has them.

    Examples
    --------
    >>> both = Labels.of(("zh", "en"))
    >>> both.said("state", "gap"), Labels.of(("en",)).joined("sheets", "people", n=12)
    (('缺口', 'gap'), '12 people')
    """

    words: Mapping[str, Words]

    @classmethod
    def of(cls, given: Standard | Sequence[str]) -> Labels:
        """The words of the languages that a standard is spoken of in, or of some that ship with circle15."""
        own: Mapping[str, Words] = {} if isinstance(given, Sequence) else given.words
        languages = given if isinstance(given, Sequence) else given.languages
        return cls(
            {one: _over(shipped_words(REFERENCE), own[one]) if one in own else shipped_words(one) for one in languages}
        )

    @property
    def languages(self) -> tuple[str, ...]:
        """Codes, the first one first."""
        return tuple(self.words)

    def said(self, *keys: str, **values: object) -> tuple[str, ...]:
        """One word in every language; a value may be a tuple of words, one for each language, itself."""
        found = []
        for place, words in enumerate(self.words.values()):
            text: Any = words
            for key in keys:
                text = text[key]
            mine = {name: one[place] if isinstance(one, tuple) else one for name, one in values.items()}
            found.append(str(text).format(**mine) if mine else str(text))
        return tuple(found)

    def joined(self, *keys: str, **values: object) -> str:
        """One word in every language, side by side."""
        return " ".join(dict.fromkeys(self.said(*keys, **values)))


def of_page(words: Words) -> dict[str, Any]:
    """The words of one language that the page needs."""
    return {section: said for section, said in words.items() if section not in OWN}


def shipped_languages() -> tuple[str, ...]:
    """Codes of the languages that ship with circle15.

    Examples
    --------
    >>> shipped_languages()
    ('en', 'zh')
    """
    files = (file.name for file in (resources.files("circle15") / "labels").iterdir())
    return tuple(sorted(stem for name in files if CODE.fullmatch(stem := name.removesuffix(".toml"))))


@lru_cache(maxsize=8)
def shipped_words(language: str) -> Words:
    """The words of a language that ships with circle15.

    Raises
    ------
    ConfigError
        When it does not.
    """
    if language not in shipped_languages():
        problem = f"there are no words in {language!r}; {', '.join(shipped_languages())} ship with circle15"
        mend = f'Write {language}.toml as labels/en.toml is, and name it: languages = ["{language}.toml"]'
        raise ConfigError(Finding("[study] languages", problem, mend))
    text = (resources.files("circle15") / "labels" / f"{language}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


@lru_cache(maxsize=1)
def _headers() -> Words:
    return tomllib.loads((resources.files("circle15") / "labels" / "headers.toml").read_text(encoding="utf-8"))


def headers(table: str) -> dict[str, tuple[str, ...]]:
    """How planners write the columns of a table in any language: our word, and those that mean it, best first.

    Examples
    --------
    >>> headers("places")["lat"][:2], sorted(headers("units.tiers"))
    (('纬度', '北纬'), ['cell', 'community', 'district', 'subdistrict'])
    """
    found: Any = _headers()
    for key in table.split("."):
        found = found[key]
    return {word: tuple(others) for word, others in found.items() if isinstance(others, list)}


def read_language(name: str, *, base: Path) -> tuple[str, Words, list[Finding]]:
    """A language by its code, or a file of one's own such as ``fi.toml``, held against the English word by word.

    A file has the sections of ``labels/en.toml``, and two more: ``[names]``, words of the standard by key
    (``nursery = "Päiväkoti"``; ``grade_5``, ``title``, ``authority``), and ``[walkers]``, walkers by name.

    Parameters
    ----------
    name : str
        A code, or a path whose name is a code and ``.toml``.
    base : Path
        The folder that a relative path starts from.

    Returns
    -------
    code : str
    words : mapping
        Those of the file; empty for a language that ships.
    findings : list of Finding
        Words that are missing, for which the English ones stand: all of them, in one finding.

    Raises
    ------
    ConfigError
        With every word that is unknown, is not text or leaves other places open than the English one.
    """
    if not is_file_name(name):
        shipped_words(name)
        return name, {}, []
    path, code = base / name, Path(name).stem
    if not CODE.fullmatch(code):
        mend = "Name it by its language of two letters: fi.toml for Finnish"
        raise ConfigError(Finding(path.name, f"{code!r} is no code of a language", mend))
    words = parsed(read_text(path), path.name)
    given, asked = _flat(words), _flat(shipped_words(REFERENCE))
    own = {key: text for key, text in given.items() if key.partition(".")[0] not in (NAMES, "walkers")}
    problems = [*_strange(own, asked, path.name), *_not_text(given, path.name), *_open(own, asked, path.name)]
    if problems:
        raise ConfigError(*problems)
    missing = [key for key in asked if key not in own]
    found = []
    if missing:
        problem = f"{len(missing)} of {len(asked)} words are missing and stand in English: {', '.join(missing)}"
        found = [Finding(path.name, problem, "Add them")]
    return code, words, found


def _strange(own: Mapping[str, object], asked: Mapping[str, object], where: str) -> Iterator[Finding]:
    for key in own:
        if key not in asked:
            yield Finding(where, f"there is no word {key}", nearest(key, list(asked)))


def _not_text(given: Mapping[str, object], where: str) -> Iterator[Finding]:
    for key, text in given.items():
        if not isinstance(text, str):
            yield Finding(where, f"{key} is no text (it is {text!r})", "Put it in quotation marks")


def _open(own: Mapping[str, object], asked: Mapping[str, object], where: str) -> Iterator[Finding]:
    """Words that leave other places open than the English: {n}, {people}."""
    for key in own:
        if key in asked and isinstance(own[key], str):
            here, there = places(str(own[key])), places(str(asked[key]))
            if here is None:
                yield Finding(
                    where, f"{key} has a brace that opens no place", "Write places as the English has them, such as {n}"
                )
            elif here != there:
                listed = ", ".join(sorted(f"{{{one}}}" for one in there or ())) or "none"
                yield Finding(where, f"{key} leaves other places open than the English word", f"Use these: {listed}")


def places(text: str) -> frozenset[str] | None:
    """What a text leaves open; none where its braces cannot be read.

    Examples
    --------
    >>> sorted(places("{n} homes, {people} people")), places("{n")
    (['n', 'people'], None)
    """
    try:
        return frozenset(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)
    except ValueError:
        return None


def _flat(words: Words, before: str = "") -> dict[str, object]:
    """Words by their path, such as ``page.title``."""
    found: dict[str, object] = {}
    for key, value in words.items():
        found |= _flat(value, f"{before}{key}.") if isinstance(value, Mapping) else {f"{before}{key}": value}
    return found


def _over(below: Words, above: Words) -> dict[str, Any]:
    """Words of one language, and where it has none those below."""
    return {
        **above,
        **{
            key: _over(value, above.get(key, {})) if isinstance(value, Mapping) else above.get(key, value)
            for key, value in below.items()
        },
    }


def named(values: Any, language: str, names: Mapping[str, str]) -> Any:  # noqa: ANN401  nested plain values
    """Plain values of a standard in which everything has its name of one more language, as far as that is given."""
    if isinstance(values, list | tuple):
        return [named(one, language, names) for one in values]
    if not isinstance(values, Mapping):
        return values
    made = {key: named(one, language, names) for key, one in values.items()}
    key = str(values.get("key") or f"grade_{values.get('grade')}")
    if key in names and "names" in made:
        made["names"] = {language: names[key]} | made["names"]
    return made
