"""TOML files to validated records: read whole, every finding at once, each with its mend."""

from __future__ import annotations

import difflib
import tomllib
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from circle15.errors import ConfigError, Finding

MOST_BYTES = 4_000_000  # of a study, standard or walker file; the longest that ships has 20,000
SHOWN = 80  # characters of a wrong value that are quoted

Minutes = Annotated[float, Field(gt=0, le=180)]
Share = Annotated[float, Field(ge=0, le=1)]
Speed = Annotated[float, Field(gt=0, le=10)]  # metres a second


class Record(BaseModel):
    """Frozen, and closed to unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


_Model = TypeVar("_Model", bound=BaseModel)


def read_text(path: Path) -> str:
    """The text of a file; a missing, unreadable, overlong or undecodable one is a ConfigError."""
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            problem = f"it is longer than {MOST_BYTES // 1_000_000} MB, which no file of this kind is"
            raise ConfigError(Finding(str(path), problem, "Name the TOML file"))
        return content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except FileNotFoundError:
        raise ConfigError(Finding(str(path), "there is no such file", "Check the path")) from None
    except OSError as error:
        problem = f"it cannot be read ({error.strerror})"
        raise ConfigError(Finding(str(path), problem, "Check the path and who may read it")) from None
    except UnicodeDecodeError:
        raise ConfigError(Finding(str(path), "it is not UTF-8 text", "Save it as UTF-8")) from None


def parsed(text: str, where: str) -> dict[str, Any]:
    """The values of a TOML text; a slip in it is a ConfigError that names the line."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(Finding(where, f"it is not valid TOML ({error})", "Mend the line named")) from None
    except (ValueError, RecursionError) as error:  # a number of thousands of digits; brackets in brackets in brackets
        raise ConfigError(Finding(where, f"it is not valid TOML ({error})", "Mend the file")) from None


def is_file_name(name: str) -> bool:
    """Whether a standard or walker is meant by its file, not by a name that ships with circle15."""
    return name.endswith(".toml")


def shipped(folder: str, name: str, base: Path | None) -> tuple[str, dict[str, Any]]:
    """Where, and the values, of a file that ships with circle15 or of one's own."""
    if is_file_name(name):
        path = (base or Path()) / name
        return path.name, parsed(read_text(path), path.name)
    shipped = resources.files("circle15") / folder
    names = sorted(file.name.removesuffix(".toml") for file in shipped.iterdir() if file.name.endswith(".toml"))
    if name not in names:
        problem = f"nothing of that name ships; there are {', '.join(names)}"
        raise ConfigError(Finding(f"{folder} {name!r}", problem, nearest(name, names)))
    return f"{name}.toml", parsed((shipped / f"{name}.toml").read_text(encoding="utf-8"), name)


def validated(model: type[_Model], values: dict[str, Any], where: str, **extra: object) -> _Model:
    """The record of these values; raises one ConfigError with every finding."""
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
            mend = nearest(key, _keys(model, at[:-1]))
            found.append(Finding(place, f"there is no key {key}", mend))
        elif item["type"] == "missing":
            found.append(Finding(place, f"the key {key} is missing", "Add it"))
        else:
            given = "" if item["type"] == "value_error" else f" (it is {_short(item['input'])})"
            texts = item["msg"].removeprefix("Value error, ").splitlines()  # one a line, where it says several
            found += [Finding(place, text[:1].lower() + text[1:] + given, "Mend it in the file") for text in texts]
    return found


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


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
        models = [inner, *get_args(inner), *(deep for one in get_args(inner) for deep in get_args(one))]
        here = next((one for one in models if isinstance(one, type) and issubclass(one, BaseModel)), None)
    return [name for name in getattr(here, "model_fields", {}) if name != "folder"]


def nearest(key: str, known: list[str]) -> str:
    """The mend for an unknown key: the known one that is most like it, else all of them."""
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    return f"Did you mean {near[0]}?" if near else f"Known are: {', '.join(known)}"
