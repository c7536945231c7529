"""The results folder: what is written into it, and that it appears whole or not at all."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any

from circle15.errors import ConfigError, Finding, quoted
from circle15.project.languages import Labels
from circle15.project.manifest import versions
from circle15.study import judged, planning, variants
from circle15.study.aside import aside
from circle15.study.whole import whole_folder, writing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import pandas as pd

    from circle15.page.backdrop import Backdrop
    from circle15.study import Study
    from circle15.tables import Result

PACKAGE = "results.gpkg"
OUTPUTS = (
    *("map.html", "card.xlsx", PACKAGE, "doubtful_links.csv", "rejected.csv", "merges.csv"),
    *("projects.csv", "columns.csv", "run.json"),
)
FIRST = ("isochrones",)  # layers of the package that can be written ahead, in two steps
THEN = ("origins", "facilities", "links", "ground", "groups", "housing", "completeness", "survey", "coverage")
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
    _require_apart(study, folder.resolve())
    with whole_folder(folder) as draft, aside(study):
        if "result" not in vars(study):  # which is put together from tiles
            _begin(study, draft)
        _ = study.parts  # in steps of its own
        with study.step("map and tables"), writing(folder):
            made = _written(study, draft, backdrop=backdrop)
            more(draft)
        text = json.dumps(made | _so_far(study), ensure_ascii=False, indent=1, allow_nan=False)
        with writing(folder):
            (draft / "run.json").write_text(text + "\n", encoding="utf-8")


def _begin(study: Study, draft: Path) -> None:
    """Have begun beside the rest what nothing else waits for: isochrones and their layer, stability, projects.

    Kernels that are still being made are waited for as late as may be.
    """
    from circle15.network import kernels

    kernels.begin()
    second, drawn = study.second, ("network", "origins", "ground")
    for name in drawn if kernels.ready("walking") else ("streets", *judged.KNOWN, *drawn):
        getattr(study, name)
    second.hold(study)
    at_once = kernels.ready(*kernels.OUTLINES)
    if at_once:
        second.begin(write_isochrones, draft)
    for name in ("card", "vacant", *judged.KNOWN):  # all tables are read here, where rows that are left out are listed
        getattr(study, name)
    second.hold(study)
    second.begin(variants.survived)
    second.begin(planning.planned)
    second.begin(write_known, draft)
    if not at_once:
        second.wait(partial(kernels.wait, *kernels.OUTLINES))
        second.begin(write_isochrones, draft)


def _written(study: Study, draft: Path, *, backdrop: Backdrop | str | None) -> dict[str, object]:
    """Write everything but the manifest, which is answered: it tells how long this took."""
    from circle15.report import write_dictionary
    from circle15.sources.files import write_csv
    from circle15.sources.heights import doubtful_links
    from circle15.sources.located import write_rejected

    parts, labels, second = study.parts, Labels.of(study.standard), study.second
    second.begin(write_map, draft, parts, backdrop)
    made = manifest(study)
    write_card(study, draft, parts, made)
    doubtful = doubtful_links(study.streets, labels=labels).drop(columns="geometry")
    write_csv(doubtful.reset_index(), draft / "doubtful_links.csv")
    write_rejected(study.rejected, draft / "rejected.csv", labels=labels)
    write_csv(study.merged, draft / "merges.csv")
    write_csv(parts["judgement"].projects.reset_index(), draft / "projects.csv")
    write_dictionary(draft / "columns.csv")
    ahead = [second.did(task) for task in (write_isochrones, write_known)]  # both are over, whatever became of them
    write_package(study, draft, parts, behind=all(ahead))
    second.done(write_map, study, draft, parts, backdrop)
    return made


def write_isochrones(study: Study, draft: Path) -> None:
    """Begin the GIS package with its largest layer, which needs nothing but streets and homes."""
    _write_ahead(study, draft, {"isochrones": study.isochrones}, FIRST)


def write_known(study: Study, draft: Path) -> None:
    """Go on with what is known before anything is judged."""
    from circle15.assessment import coverage_table

    held = {name: getattr(study, name) for name in judged.KNOWN if name != "area"}
    held["coverage"] = coverage_table(study.coverage, standard=study.standard)
    _write_ahead(study, draft, held, THEN)


def _write_ahead(study: Study, draft: Path, held: Mapping[str, pd.DataFrame], names: Sequence[str]) -> None:
    from circle15.report import write_geopackage
    from circle15.tables import Result

    some = Result.of(study.area, held, facts={})
    write_geopackage(some, draft / PACKAGE, standard=study.standard, names=names)


def write_package(study: Study, draft: Path, parts: Mapping[str, Any], *, behind: bool) -> None:
    """Write the GIS package: behind what is written of it already, or anew."""
    from circle15.report import LAYERS, write_geopackage

    path, left = draft / PACKAGE, list(LAYERS)
    if "result" not in vars(study):  # which is put together from tiles
        left = [name for name in LAYERS if name not in (*FIRST, *THEN)]
        if not behind:
            path.unlink(missing_ok=True)
            write_isochrones(study, draft)
            write_known(study, draft)
    write_geopackage(_undrawn(study, parts), path, standard=study.standard, names=left)


def write_map(study: Study, draft: Path, parts: Mapping[str, Any], backdrop: Backdrop | str | None) -> None:
    """Write the map, which can be asked where the study was walked in one piece: of tiles there is no one network."""
    from circle15.page import gap_map

    live = None if study.project.tiles.size_km else variants.live(study)
    made = gap_map(judged.whole(study, parts), standard=study.standard, live=live, backdrop=backdrop)
    made.save(str(draft / "map.html"))


def write_card(study: Study, draft: Path, parts: Mapping[str, Any], made: Mapping[str, object]) -> None:
    """Write the workbook."""
    from circle15.workbook import write_workbook

    write_workbook(_undrawn(study, parts), draft / "card.xlsx", standard=study.standard, manifest=made)


def _undrawn(study: Study, parts: Mapping[str, Any]) -> Result:
    """A result without isochrones, for those who do not look at them."""
    from circle15.tables import ISOCHRONES

    return judged.whole(study, {**parts, "isochrones": ISOCHRONES.empty(study.area.crs)})


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
    parts, units = study.parts, study.units
    by_element = parts["dependence"].groupby(["osm_id", "kind"], as_index=False)["people"].max()
    first = by_element.sort_values(["people", "osm_id"], ascending=[False, True]).head(MOST_DEPENDED_ON)
    whole = parts["terrain"][parts["terrain"]["unit"].isin(units.index[units["parent"].isna()])]
    graded = parts["grades"]["flips"].dropna()
    no_way = parts["step_free"]["no_way"].astype(bool)
    return {
        "closed_links": study.placed["closed_links"],
        "gaps_by_cause": parts["gaps"].groupby("cause")["people"].sum().to_dict(),
        "terrain_penalty": whole.groupby("service")["lost"].sum().to_dict(),
        "cells_that_flip": None if graded.empty else float((graded > 0).mean()),
        "depended_on": first.to_dict("records"),
        "no_step_free_way": float(parts["step_free"].loc[no_way, "population"].sum()),
        **_judged(study),
    }


def _judged(study: Study) -> dict[str, object]:
    """Circles built, unit coverage beside resident coverage, and what falls short, in a few figures."""
    told, units = study.parts["judgement"], study.units
    circles, sizes = told.circles, told.minimums
    whole = told.supply[told.supply["unit"].isin(units.index[units["parent"].isna()])]
    counts = ["served", "gap", "unknown", "units", "units_owning", "units_unknown"]
    return {
        "circles": {
            "of": len(circles),
            **{state: int((circles["state"] == state).sum()) for state in ("built", "unknown")},
            "nearest": circles.index[circles["state"] != "built"][:1].tolist(),
            "targets": told.targets.reset_index().to_dict("records"),
        },
        "coverage_by_service": whole.groupby("service", sort=False)[counts].sum().to_dict("index"),
        "minimums": {service: _tally(rows) for service, rows in sizes.groupby("service", sort=False)["state"]},
        "survey_disagrees": int(told.quadrant["disagree"].sum()),
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
