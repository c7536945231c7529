"""Two runs side by side: read, compared, and written as a folder of their own. No arithmetic happens here."""

from __future__ import annotations

import hashlib
import json
import platform
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from circle15.errors import ConfigError, Finding
from circle15.study.folder import VERSIONS
from circle15.study.whole import whole_folder, writing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from circle15.project import Standard
    from circle15.study import Study
    from circle15.tables import Comparison, Result

    Given = Study | Path | str

OUTPUTS = (
    *("change.html", "compare.gpkg", "changes.csv", "unit_changes.csv", "cell_changes.csv", "origin_changes.csv"),
    *("facility_changes.csv", "columns.csv", "compare.json"),
)
SIGN = OUTPUTS[-1]  # the file that shows that a folder is one of these
READ = ("groups", "facilities", "coverage", "grades", "streets", "ground")  # of a results folder
HASHED = ("run.json", "results.gpkg", "coverage.parquet")
NOT_ASKED = ("study", "scenario", "tiles")  # parts of a study file that change no figure
LANGUAGES: tuple[Literal["zh", "en"], ...] = ("zh", "en")
FIGURES = ("served_before", "served_after", "net", "gained", "lost", "became_known", "known_served", "became_unknown")


@dataclass(frozen=True)
class _Run:
    """One of the two: what it computed, by which standard, and what it says of itself."""

    result: Result
    standard: Standard
    manifest: Mapping[str, Any]
    said: dict[str, object]

    @classmethod
    def of(cls, given: Given) -> _Run:
        """A study, or a results folder."""
        return cls._read(Path(given)) if isinstance(given, str | Path) else cls._asked(given)

    @classmethod
    def _read(cls, folder: Path) -> _Run:
        from circle15.project import Standard
        from circle15.project.reading import validated
        from circle15.sources.results import read_results

        result, manifest = read_results(folder, tables=READ)
        standard = validated(Standard, manifest["standard"], f"{folder.name}/run.json standard")
        files = [folder / name for name in HASHED if (folder / name).is_file()]
        hashes = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
        return cls(result, standard, manifest, {"folder": folder.resolve().name, **_said(manifest), "sha256": hashes})

    @classmethod
    def _asked(cls, study: Study) -> _Run:
        manifest = {
            "study": json.loads(study.project.model_dump_json()),
            "standard": study.standard.model_dump(mode="json"),
            "walker": study.walker.model_dump(mode="json"),
            "facts": study.facts,
        }
        return cls(_judged(study), study.standard, manifest, _said(manifest))


def _judged(study: Study) -> Result:
    """What a study computed as far as it is compared; the other tables are empty unless it was run already."""
    from circle15 import assessment
    from circle15.tables import Result

    found, standard = study.coverage, study.standard
    if "result" in vars(study):
        result = study.result
        if len(result.coverage):
            return result
        return replace(result, coverage=assessment.coverage_table(found, standard=standard))  # too many to be kept
    tables = {name: getattr(study, name) for name in ("units", "origins", "groups", "facilities", "streets", "ground")}
    tables["coverage"] = assessment.coverage_table(found, standard=standard)
    tables["grades"] = study.card
    return Result.of(study.area, tables, facts=study.facts)


def _said(manifest: Mapping[str, Any]) -> dict[str, object]:
    """What a run is called and by what it was held."""
    facts, standard = manifest["facts"], manifest["standard"]
    wanted = (
        "name",
        "name_en",
        "scenario",
        "closed_by_hand",
        "data_date",
        "synthetic",
        "walker_key",
        "trip",
        "version",
    )
    planned = [one for one in manifest["study"].get("scenario", ()) if one.get("name") == facts.get("scenario")]
    said = {name: facts.get(name) for name in wanted} | {"standard": standard.get("name")}
    return said | ({"planned": planned[0]} if planned else {})


def compare(before: Given, after: Given) -> Comparison:
    """Who gains and who loses between two runs.

    Parameters
    ----------
    before, after : Study, Path or str
        Studies, or results folders as `circle15 run` writes them.

    Returns
    -------
    Comparison
        Everybody is followed where homes and residents are the same; else compared unit by unit.

    Raises
    ------
    SourceError
        When a folder is missing, cannot be read, or is none of circle15's.
    DataError
        When the two have no unit or no service in common.

    Examples
    --------
    >>> compare("2026", "2027")
    Traceback (most recent call last):
    circle15.errors.SourceError: 2026: there is no such folder. Name a folder that circle15 run wrote.
    """
    return _compared(_Run.of(before), _Run.of(after))


def write_comparison(before: Given, after: Given, folder: Path) -> Comparison:
    """Compare two runs and write a folder of what was found, whole or not at all.

    Parameters
    ----------
    before, after : Study, Path or str
        As for `compare`.
    folder : Path
        It may be absent, empty, or a folder of this kind, which is replaced whole.

    Returns
    -------
    Comparison
        What was written.

    Raises
    ------
    SourceError, DataError
        As `compare`, or when the disk does not take it; the folder is as before then.
    ConfigError
        When something else is in that place, or one of the two runs.
    """
    from circle15.page import change_map
    from circle15.report import write_changes, write_dictionary
    from circle15.sources.files import write_csv
    from circle15.tables import CHANGE_TABLES

    _require_apart(folder.resolve(), [Path(one) for one in (before, after) if isinstance(one, str | Path)])
    one, other = _Run.of(before), _Run.of(after)
    found = _compared(one, other)
    tables = (found.changes, found.units, found.cells, found.origins, found.facilities)
    with whole_folder(folder, sign=SIGN) as draft, writing(folder):
        change_map(found, standard=other.standard, language=found.facts["language"]).save(draft / "change.html")
        write_changes(found, draft / "compare.gpkg")
        for name, table in zip(CHANGE_TABLES, tables, strict=True):
            write_csv(table.drop(columns="geometry", errors="ignore").reset_index(), draft / f"{name}.csv")
        write_dictionary(draft / "columns.csv", CHANGE_TABLES.values())
        text = json.dumps(_manifest(found), ensure_ascii=False, indent=1, allow_nan=False)
        (draft / SIGN).write_text(text + "\n", encoding="utf-8")
    return found


def _require_apart(folder: Path, compared: list[Path]) -> None:
    """Refuse to write where the two runs are."""
    others = [one.resolve() for one in compared]
    if any(folder.is_relative_to(one) or one.is_relative_to(folder) for one in others):
        problem = "it is, holds or lies in a folder that is compared"
        raise ConfigError(Finding(str(folder), problem, "Name another folder with --output"))


def _compared(one: _Run, other: _Run) -> Comparison:
    from circle15 import assessment
    from circle15.report import changes_text

    standards = (one.standard, other.standard)
    found = assessment.changes(one.result, other.result, standards=standards, same=_same_places(one, other))
    facts = {
        **found.facts,
        "before": one.said,
        "after": other.said,
        "differences": list(_differences(one.manifest, other.manifest)),
        "services": _headline(found),
        "attribution": _both(one, other, "attribution"),
        "note": _both(one, other, "note"),
        "language": other.manifest["study"]["study"].get("language", "zh"),
        "version": metadata.version("circle15"),
    }
    found = replace(found, facts=facts)
    text = {one: changes_text(found, standard=standards[1], language=one) for one in LANGUAGES}
    return replace(found, facts=facts | {"report": text})


def _same_places(before: _Run, after: _Run) -> dict[str, str]:
    """Facilities that have another id after, such as in the table of another year, and the id before."""
    from circle15.sources.merging import merges
    from circle15.sources.planned import SOURCE

    was, now = before.result.facilities, after.result.facilities
    was, now = was[~was.index.isin(now.index)], now[~now.index.isin(was.index) & (now["source"] != SOURCE)]
    if was.empty or now.empty:
        return {}
    table = merges(was.to_crs(now.crs), now)[1]
    sure = table[table["verdict"] == "merged"].drop_duplicates("kept").drop_duplicates("dropped")
    return dict(zip(sure["kept"], sure["dropped"], strict=True))


def _differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[dict[str, object]]:
    """What was asked otherwise, key by key, and which files are others."""
    one, other = (
        {**_flat(manifest["study"]), **_flat({"walker": manifest.get("walker")})} for manifest in (before, after)
    )
    for key in dict.fromkeys((*one, *other)):
        if key.partition(".")[0] not in NOT_ASKED and one.get(key) != other.get(key):
            yield {"key": key, "before": one.get(key), "after": other.get(key)}
    one, other = (
        {entry["file"]: entry["sha256"] for entry in manifest.get("sources", ())} for manifest in (before, after)
    )
    for file in dict.fromkeys((*one, *other)):
        if one and other and one.get(file) != other.get(file):
            yield {"key": f"file {file}", "before": one.get(file), "after": other.get(file)}


def _flat(values: object, key: str = "") -> dict[str, object]:
    """Nested values by their path."""
    if not isinstance(values, dict):
        return {key: values}
    parts = [_flat(value, f"{key}.{name}" if key else str(name)) for name, value in values.items()]
    return {path: value for part in parts for path, value in part.items()}


def _headline(found: Comparison) -> dict[str, dict[str, float | None]]:
    """The figures of everybody, service by service."""
    from circle15.tables import EVERYBODY

    whole = found.changes[found.changes["unit"].isna() & (found.changes["group"] == EVERYBODY)]
    rows = whole.set_index("service")[list(FIGURES)].astype(object)
    table = rows.where(rows.notna(), None).to_dict("index")
    return {str(service): {str(name): value for name, value in row.items()} for service, row in table.items()}


def _both(before: _Run, after: _Run, fact: str) -> str:
    """What both say, once."""
    said = [str(run.manifest["facts"].get(fact) or "") for run in (before, after)]
    return " / ".join(dict.fromkeys(text for text in said if text))


def _manifest(found: Comparison) -> dict[str, object]:
    """What was compared with what, by which versions, and the headline figures."""
    facts = dict(found.facts)
    return {
        "versions": {name: metadata.version(name) for name in VERSIONS} | {"python": platform.python_version()},
        "by": found.by,
        **{name: facts.pop(name) for name in ("before", "after", "differences")},
        **facts,
        "findings": [str(finding) for finding in found.findings],
    }
