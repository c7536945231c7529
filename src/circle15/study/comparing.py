"""Two runs side by side: read, compared, and written as a folder of their own. No arithmetic happens here."""

from __future__ import annotations

import hashlib
import json
import platform
from dataclasses import dataclass, field, replace
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from circle15.errors import ConfigError, Finding
from circle15.study.folder import VERSIONS
from circle15.study.whole import whole_folder, writing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from circle15.project import Manifest
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
SAID = (  # of a manifest's facts
    *("name", "scenario", "closed_by_hand", "data_date", "synthetic", "walker_key", "trip", "version"),
)
NOT_ASKED = ("study", "scenario", "tiles")  # parts of a study file that change no figure
FIGURES = ("served_before", "served_after", "net", "gained", "lost", "became_known", "known_served", "became_unknown")


@dataclass(frozen=True)
class _Run:
    """One of the two: what it computed, what it says of itself, and the hashes of its files."""

    result: Result
    manifest: Manifest
    folder: str = ""
    sha256: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, given: Given) -> _Run:
        """A study, or a results folder."""
        from circle15.project import Manifest
        from circle15.sources.results import read_results

        if isinstance(given, str | Path):
            folder = Path(given)
            files = [folder / name for name in HASHED if (folder / name).is_file()]
            hashes = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
            return cls(*read_results(folder, tables=READ), folder.resolve().name, hashes)
        said = {
            "study": json.loads(given.project.model_dump_json()),
            "standard": given.standard,
            "walker": given.walker.model_dump(mode="json"),
            "facts": given.facts,
        }
        return cls(_judged(given), Manifest.model_validate(said))

    @property
    def said(self) -> dict[str, Any]:
        """What it is called and how it was asked, as plain values."""
        facts, scenario = self.manifest.facts, self.manifest.facts.scenario
        names = {f"name_{language}" for language in self.manifest.standard.languages}
        called = facts.model_dump(mode="json", include={*SAID, *names})
        planned = [one for one in self.manifest.study.scenario if scenario and one.get("name") == scenario]
        given = {"folder": self.folder, "sha256": dict(self.sha256)} if self.folder else {}
        asked = {"standard": self.manifest.standard.name} | ({"planned": planned[0]} if planned else {})
        return given | called | asked


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
        change_map(found, standard=other.manifest.standard).save(draft / "change.html")
        write_changes(found, draft / "compare.gpkg", standard=other.manifest.standard)
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

    standards = (one.manifest.standard, other.manifest.standard)
    found = assessment.changes(one.result, other.result, standards=standards, same=_same_places(one, other))
    facts = {
        **found.facts,
        "before": one.said,
        "after": other.said,
        "differences": list(_differences(one.manifest, other.manifest)),
        "services": _headline(found),
        "attribution": _both(one.manifest.facts.attribution, other.manifest.facts.attribution),
        "note": _both(one.manifest.facts.note, other.manifest.facts.note),
        "languages": standards[1].languages,
        "version": metadata.version("circle15"),
    }
    found = replace(found, facts=facts)
    text = {one: changes_text(found, standard=standards[1], language=one) for one in standards[1].languages}
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


def _differences(before: Manifest, after: Manifest) -> Iterator[dict[str, object]]:
    """What was asked otherwise, key by key, and which files are others."""
    asked = [_flat(one.study.model_dump(mode="json") | {"walker": one.walker}) for one in (before, after)]
    for key in dict.fromkeys(key for one in asked for key in one):
        if key.partition(".")[0] not in NOT_ASKED and asked[0].get(key) != asked[1].get(key):
            yield {"key": key, "before": asked[0].get(key), "after": asked[1].get(key)}
    files = [{source.file: source.sha256 for source in one.sources} for one in (before, after)]
    for file in dict.fromkeys(file for one in files for file in one):
        if all(files) and files[0].get(file) != files[1].get(file):
            yield {"key": f"file {file}", "before": files[0].get(file), "after": files[1].get(file)}


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


def _both(before: str, after: str) -> str:
    """What both say, once."""
    return " / ".join(dict.fromkeys(text for text in (before, after) if text))


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
