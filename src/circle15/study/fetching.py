"""What `circle15 fetch` does for a study, and where a study finds what was fetched."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from circle15.sources.osm import Elements
    from circle15.study import Study
    from circle15.tables import StudyArea

SNAPSHOTS = Path("snapshot")  # beside the study file


def fetch(study: Study) -> Path:
    """Ask Overpass for the extent of a study, or cut it out of a country file, and freeze it beside the study file.

    A boundary that is given by its name or its OSM id is fetched first and frozen with the rest. A study with files of
    its own and a named place needs only the boundary.

    Parameters
    ----------
    study : Study
        Its area, servers and files say what is fetched.

    Returns
    -------
    Path
        The new snapshot.

    Raises
    ------
    ConfigError
        When OpenStreetMap has no such boundary.
    SourceError
        With ``outside=True`` when no server gave the data; older snapshots are as they were.
    """
    from circle15.sources.snapshot import cut_snapshot, fetch_snapshot, freeze_boundary

    project, announce = study.project, study.announce
    streets, snapshots = project.streets, project.path(SNAPSHOTS)
    with study.step("fetch"), tempfile.TemporaryDirectory() as folder:
        known = _boundary(study, Path(folder))
        if known is not None and known.suffix == ".geojson" and streets.files:
            return freeze_boundary(known, snapshots)
        area = _area_of(study, known)
        if streets.country is None:
            return fetch_snapshot(area, snapshots, boundary=known, mirrors=streets.mirrors, announce=announce)
        return cut_snapshot(
            area,
            snapshots,
            country=project.path(streets.country),
            boundary=known if known is not None and known.suffix == ".geojson" else None,
            whole=project.area.boundary_osm or "",
            announce=announce,
        )


def _boundary(study: Study, folder: Path) -> Path | None:
    """The boundary that has to be known before the extent is; None where a file gives it."""
    from circle15.sources.extract import cut_osm
    from circle15.sources.online import fetch_boundary, fetch_place

    given, streets, announce = study.project.area, study.project.streets, study.announce
    if given.place is not None:
        return fetch_place(given.place, folder / "boundary.geojson", geocoder=given.geocoder, announce=announce)
    if given.boundary_osm is None:
        return None
    if streets.country is None:
        return fetch_boundary(given.boundary_osm, folder / "boundary.json", mirrors=streets.mirrors, announce=announce)
    file = folder / "boundary.osm.pbf"
    cut_osm(study.project.path(streets.country), None, file, whole=given.boundary_osm, announce=announce)
    return file


def area_of(study: Study) -> StudyArea:
    """The study area, from a file, from the newest snapshot or from the streets.

    Parameters
    ----------
    study : Study
        Its file says which.

    Returns
    -------
    StudyArea

    Raises
    ------
    ConfigError
        When a named place has not been fetched yet.
    """
    from circle15.sources.snapshot import frozen_boundary

    given = study.project.area
    if given.place is None:
        return _area_of(study, None)
    return _area_of(study, frozen_boundary(study.project.path(SNAPSHOTS), given.place))


def _area_of(study: Study, known: Path | None) -> StudyArea:
    """The study area by a boundary that is known, by the file of the planner, or by what is in the streets."""
    from circle15.sources.areas import make_area, read_area
    from circle15.sources.land import read_boundary

    given, named = study.project.area, study.project.study
    file = known if given.boundary is None else study.project.path(given.boundary)
    if file is not None and given.boundary_osm is None:
        crs = given.boundary_crs if given.boundary is not None else None
        return read_area(file, name=named.name, margin_m=given.margin_m, crs=named.crs, file_crs=crs)
    elements: Elements | Path = study.elements if file is None else file
    polygon = read_boundary(elements, str(given.boundary_osm))
    return make_area(polygon, name=named.name, margin_m=given.margin_m, crs=named.crs)


def snapshot_of(study: Study) -> tuple[Path, ...]:
    """The OSM files of the newest snapshot, where a study takes its streets from there.

    Parameters
    ----------
    study : Study
        With ``overpass = true`` or a country file, and no files of its own.

    Returns
    -------
    tuple of Path
        Empty when there is none, or the study reads its own files.

    Raises
    ------
    SourceError
        When a file is missing or is not the one that was fetched.
    """
    from circle15.sources.snapshot import newest_snapshot

    given = study.project.streets
    wanted = (given.overpass or given.country is not None) and not given.files
    return newest_snapshot(study.project.path(SNAPSHOTS)) if wanted else ()
