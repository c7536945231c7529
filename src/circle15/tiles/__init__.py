"""Areas larger than one machine: cut into tiles with a halo, walked by many workers, judged as one.

Every answer is that of the study in one piece, to the unit: a tile is made of whole units, and its halo is as wide as
the walker gets within the search.
"""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from circle15.display import tracked
from circle15.errors import ConfigError, Finding
from circle15.tiles.plan import Plan
from circle15.tiles.work import count, walk
from circle15.tiles.workers import work

if TYPE_CHECKING:
    from circle15.page.backdrop import Backdrop
    from circle15.study import Study

__all__ = ["Plan", "run_tiles"]


def run_tiles(
    study: Study,
    output: Path | None = None,
    *,
    scheduler: str | None = None,
    workers: int | None = None,
    backdrop: Backdrop | str | None = None,
) -> Path:
    """Run a study tile by tile and write the results folder.

    The work of each tile is kept beside the results until all is done, so a run that was stopped goes on where it
    was; a changed study file begins anew.

    Parameters
    ----------
    study : Study
        Its ``[tiles] size_km`` is above 0.
    output : Path, optional
        The folder; what the study file names otherwise.
    scheduler : str, optional
        Address of a Dask scheduler; processes on this machine otherwise.
    workers : int, optional
        How many processes on this machine.
    backdrop : Backdrop or str, optional
        A base map of pictures for the map, which needs a network then.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    Circle15Error
        When the file or the data need mending, or workers died too often.
    """
    from circle15.study.folder import write_results
    from circle15.tiles.merge import merged, result_of, write_coverage

    folder = Path(output) if output is not None else study.project.path(study.project.study.output)
    kept = folder.parent / f".{folder.name}-tiles"
    plan = _planned(study, kept)
    jobs = ((count, "people of the tiles", plan.floor), (walk, "walk the tiles", plan.result))
    for job, step, done in jobs[plan.published :]:  # nothing to count where every unit publishes its residents
        with study.step(step):
            left = [tile for tile in plan.tiles.index if not done(tile).is_file()]
            walked = work(job, str(kept), left, scheduler=scheduler, workers=workers)
            shown = tracked(walked, step, count=len(left), track=study.track)
            for number, tile in enumerate(shown, 1):
                study.announce(f"{step}: {tile} ({number:,} of {len(left):,})")
            if job is count and left:
                plan.spread()
    with study.step("merge"):
        study = merged(study, plan)
        study.result = result_of(study)
    write_results(study, folder, more=partial(write_coverage, study), backdrop=backdrop)
    shutil.rmtree(kept)
    return folder


def _planned(study: Study, kept: Path) -> Plan:
    """The plan of a study, and the OSM file of each tile."""
    from circle15.sources.extract import cut_tiles

    files = study.snapshot or study.project.streets.files
    if len(files) != 1 or not study.project.units.files:
        mend = "Give one OSM file under [streets] files, and the units under [units] files"
        raise ConfigError(Finding("[tiles]", "a study by tiles needs one OSM file and polygons of its units", mend))
    changed = study.scenario
    if changed is not None and (changed.close or changed.add or changed.facilities):
        mend = "Compute a smaller area in one piece; another standard or other tables may be asked by tiles"
        raise ConfigError(Finding("[tiles]", "links and places of a scenario cannot be changed by tiles yet", mend))
    if study.project.plan.asked:
        mend = "Leave [plan] out; plan for a smaller area in one piece"
        raise ConfigError(Finding("[plan]", "sites cannot be chosen by tiles yet", mend))
    people = study.project.people
    if people.raster is not None or people.clusters is not None:
        mend = "Leave it out: people are spread by floor area then; or compute the area in one piece"
        raise ConfigError(Finding("[people]", "a raster or clusters of one's own cannot be cut into tiles yet", mend))
    with study.step("plan the tiles"):
        plan = Plan.of(study, kept)
        _ = study.inventory  # what is wrong with a table is said before anybody walks
    with study.step("cut the tiles"):
        boxes = {plan.streets(tile): plan.area_of(tile).extent_lonlat.bounds for tile in plan.tiles.index}
        lacking = {file: box for file, box in boxes.items() if not file.is_file()}
        cut_tiles(study.project.path(files[0]), lacking, announce=study.announce)
    return plan
