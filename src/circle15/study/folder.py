"""The results folder: what is written into it, and that it appears whole or not at all."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from circle15.errors import ConfigError, Finding, quoted
from circle15.project.languages import Labels
from circle15.project.manifest import versions
from circle15.study import judged
from circle15.study.aside import aside
from circle15.study.whole import whole_folder, writing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import pandas as pd

    from circle15.page.backdrop import Backdrop
    from circle15.study import Study

OUTPUTS = (
    *("map.html", "card.xlsx", "results.gpkg", "doubtful_links.csv", "rejected.csv", "merges.csv"),
    *("projects.csv", "columns.csv", "run.json"),
)
MOST_DEPENDED_ON = 10  # elements named in the manifest


def write_results(
    study: Study, folder: Path, *, more: Callable[[Path], None] = lambda _: None, backdrop: Backdrop | str | None = None
) -> None:
    """Write the results folder of a study, whole or not at all; `more` adds files, `backdrop` pictures to the map.

    Raises
    ------
    Circle15Error
        When the file or the data need mending; nothing has been written then.
    """
    from circle15.page import gap_map
    from circle15.report import write_dictionary
    from circle15.sources.files import write_csv
    from circle15.sources.heights import doubtful_links
    from circle15.sources.located import write_rejected
    from circle15.study import variants
    from circle15.workbook import write_workbook

    _require_apart(study, folder.resolve())
    with whole_folder(folder) as draft, aside(study):
        package = draft / "results.gpkg"
        judged.ahead(study)
        study.second.begin(begin_package, package)
        result, standard = study.result, study.standard
        with study.step("map and tables"), writing(folder):
            parts = {name: value for name, value in vars(result).items() if name not in (*judged.KNOWN, "isochrones")}
            study.second.begin(end_package, package, parts)
            in_one_piece = not study.project.tiles.size_km
            live = variants.live(study) if in_one_piece else None  # of tiles there is no one network
            page = gap_map(result, standard=standard, live=live, backdrop=backdrop)
            page.save(str(draft / "map.html"))
            labels = Labels.of(standard)
            doubtful = doubtful_links(study.streets, labels=labels).drop(columns="geometry")
            write_csv(doubtful.reset_index(), draft / "doubtful_links.csv")
            write_rejected(study.rejected, draft / "rejected.csv", labels=labels)
            write_csv(study.merged, draft / "merges.csv")
            write_csv(result.judgement.projects.reset_index(), draft / "projects.csv")
            write_dictionary(draft / "columns.csv")
            more(draft)
            made = manifest(study)
            write_workbook(result, draft / "card.xlsx", standard=standard, manifest=made)
            study.second.done(end_package, study, package, parts)
        text = json.dumps(made | _so_far(study), ensure_ascii=False, indent=1, allow_nan=False)
        with writing(folder):
            (draft / "run.json").write_text(text + "\n", encoding="utf-8")


def begin_package(study: Study, path: Path) -> None:
    """Write of the GIS package what is known before anything is judged, which is most of it."""
    from circle15.report import begin_geopackage

    begin_geopackage(study.isochrones, path)
    study.begun = path


def end_package(study: Study, path: Path, parts: Mapping[str, Any]) -> None:
    """Write the rest of it, from the parts of the result that the study has not by itself."""
    from circle15.report import end_geopackage

    if study.begun != path:
        begin_package(study, path)
    study.begun = None  # whatever happens, what is there now is not begun again
    end_geopackage(judged.whole(study, parts), path, standard=study.standard)


def _require_apart(study: Study, folder: Path) -> None:
    """Refuse to replace a folder that holds what the study is made from."""
    project = study.project
    given = [project.folder.resolve(), *(project.path(file).resolve() for _, file in project.inputs())]
    within = [one.name for one in given if one.is_relative_to(folder)]
    if within:
        problem = f"the study or its data lie in it ({quoted(within)}) and would be replaced"
        raise ConfigError(Finding(str(folder), problem, "Name another folder with --output"))


def manifest(study: Study) -> dict[str, object]:
    """What was computed from what, with which versions, and the headline figures."""
    from circle15.assessment import headline

    study_file = study.project.model_dump_json()
    people = headline(study.coverage, study.origins, standard=study.standard)
    return {
        "versions": versions(),
        "study": json.loads(study_file),
        "study_sha256": hashlib.sha256(study_file.encode()).hexdigest(),
        "standard": study.standard.model_dump(mode="json"),
        "walker": study.walker.model_dump(mode="json"),
        "sources": _sources(study),
        "facts": study.facts,
        "residents": people.to_dict("index"),
        "origins": {
            "count": len(study.origins),
            "placed": study.placed["origins"],
            "evidence": _tally(study.origins["evidence"]),
            "population_by_evidence": study.origins.groupby("evidence")["population"].sum().to_dict(),
        },
        "facilities": {
            "count": len(study.facilities),
            "placed": study.placed["facilities"],
            "entrance_from": _tally(study.facilities["entrance_from"]),
            "service": _tally(study.facilities["service"]),
            "source": _tally(study.facilities["source"]),
        },
        "links": study.placed["links"],
        "coverage": _tally(*(column for _, column in study.coverage.status.items())),
        "unknown_because": _tally(*(column[column != ""] for _, column in study.coverage.why.items())),
        **_comparisons(study),
        **_so_far(study),
    }


def _so_far(study: Study) -> dict[str, object]:
    """What has been noticed, and how long each step has taken."""
    return {
        "findings": [str(finding) for finding in study.findings],
        "seconds": {name: round(value, 3) for name, value in study.seconds.items()},
    }


def _comparisons(study: Study) -> dict[str, object]:
    """What the other runs say, in a few figures."""
    result = study.result
    by_element = result.dependence.groupby(["osm_id", "kind"], as_index=False)["people"].max()
    first = by_element.sort_values(["people", "osm_id"], ascending=[False, True]).head(MOST_DEPENDED_ON)
    whole = result.terrain[result.terrain["unit"].isin(result.units.index[result.units["parent"].isna()])]
    graded = result.grades["flips"].dropna()
    no_way = result.step_free["no_way"].astype(bool)
    return {
        "closed_links": study.placed["closed_links"],
        "gaps_by_cause": result.gaps.groupby("cause")["people"].sum().to_dict(),
        "terrain_penalty": whole.groupby("service")["lost"].sum().to_dict(),
        "cells_that_flip": None if graded.empty else float((graded > 0).mean()),
        "depended_on": first.to_dict("records"),
        "no_step_free_way": float(result.step_free.loc[no_way, "population"].sum()),
        **_judged(study),
    }


def _judged(study: Study) -> dict[str, object]:
    """Circles built, unit coverage beside resident coverage, and what falls short, in a few figures."""
    judged, units = study.result.judgement, study.units
    circles, sizes = judged.circles, judged.minimums
    whole = judged.supply[judged.supply["unit"].isin(units.index[units["parent"].isna()])]
    counts = ["served", "gap", "unknown", "units", "units_owning", "units_unknown"]
    return {
        "circles": {
            "of": len(circles),
            **{state: int((circles["state"] == state).sum()) for state in ("built", "unknown")},
            "nearest": circles.index[circles["state"] != "built"][:1].tolist(),
            "targets": judged.targets.reset_index().to_dict("records"),
        },
        "coverage_by_service": whole.groupby("service", sort=False)[counts].sum().to_dict("index"),
        "minimums": {service: _tally(rows) for service, rows in sizes.groupby("service", sort=False)["state"]},
        "survey_disagrees": int(judged.quadrant["disagree"].sum()),
        "plan": dict(study.planned.facts),
    }


def _sources(study: Study) -> list[dict[str, object]]:
    """Every input file with its hash; OSM files with the date, licence and counts of what was read."""
    project = study.project
    known = {source.path.resolve(): source for source in study.sources}
    frozen = [
        ("[streets] overpass" if project.streets.overpass else "[streets] country", file) for file in study.snapshot
    ]
    elsewhere = ("[streets] country", "[[scenario]] inventory")  # the tables that were read are the study's own by now
    named = [(key, project.path(file)) for key, file in project.inputs() if key not in elsewhere]
    listed = []
    for key, file in [*named, *frozen]:
        within = file.is_relative_to(project.folder)
        entry: dict[str, object] = {
            "key": key,
            "file": (file.relative_to(project.folder) if within else file).as_posix(),
        }
        source = known.get(file.resolve())
        if source is None:
            entry["sha256"] = hashlib.sha256(file.read_bytes()).hexdigest()
        else:
            licence = project.study.attribution if project.study.synthetic else source.licence
            entry |= {"date": source.date, "licence": licence, "counts": source.counts, "sha256": source.sha256}
        listed.append(entry)
    return listed


def _tally(*columns: pd.Series) -> dict[str, int]:
    """How often each value stands; missing ones do not count."""
    tally: Counter[str] = Counter()
    for column in columns:
        tally.update({str(value): int(count) for value, count in column.value_counts().items()})
    return dict(sorted(tally.items()))
