"""What the outside world said on one day, frozen beside the study file; every run afterwards needs no network.

::

    snapshot/2026-11-21/streets-1.json.gz, ..., places-1.json.gz     replies of Overpass as they came
                        streets-1.osm.pbf                             or what was cut out of a country file
                        boundary-1.json.gz, boundary.geojson          the boundary, where its id or name was asked for
                        layers.gpkg                                   the same, to be looked at
                        sources.json                                  what was asked, when, of whom; counts, hashes

A snapshot appears whole or not at all and is never written over: a second one of the same day is ``2026-11-21-2``.
The raw replies are what is read: they hold every tag, and reading them may be improved without asking again.
``layers.gpkg`` is a picture of them for QGIS, which changes a file by opening it; so it has no hash and is never read.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import platform
import re
import shutil
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from circle15.errors import Circle15Error, ConfigError, Finding, SourceError
from circle15.sources.extract import cut_osm
from circle15.sources.layers import write_layers
from circle15.sources.online import PLACE_TAGS, STREET_FILTERS, fetch_osm
from circle15.sources.osm import LICENCE, read_osm

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from circle15.sources.osm import Elements, Source
    from circle15.tables import StudyArea

SOURCES = "sources.json"
LAYERS_FILE = "layers.gpkg"
OUTLINE = "boundary.geojson"
_NAME = re.compile(r"(\d{4}-\d{2}-\d{2})(?:-(\d+))?")
_DRAFT = ".draft-"
_STALE_S = 24 * 3600.0


def fetch_snapshot(
    area: StudyArea,
    folder: Path | str,
    *,
    boundary: Path | None = None,
    mirrors: Sequence[str] = (),
    announce: Callable[[str], None] = lambda _: None,
) -> Path:
    """Ask Overpass for a study area and freeze the replies.

    Parameters
    ----------
    area : StudyArea
        The replies cover its extent.
    folder : Path
        The folder of all snapshots of a study.
    boundary : Path, optional
        What `fetch_boundary` or `fetch_place` gave, to be frozen with the others.
    mirrors : sequence of str
        Overpass addresses, tried in order; the public ones when there are none.
    announce : callable, optional
        Called with a line of progress.

    Returns
    -------
    Path
        The new snapshot.

    Raises
    ------
    SourceError
        With ``outside=True`` when no mirror gave everything, and plain when the folder cannot be written. Nothing
        has been written then, and older snapshots are as they were.
    """
    with _draft(Path(folder)) as draft:
        raw = Path(tempfile.mkdtemp(dir=draft))
        fetched = fetch_osm(area, raw, mirrors=mirrors, announce=announce)
        queries = {"streets": list(STREET_FILTERS), "places": PLACE_TAGS}
        facts = {"server": fetched.server, "bounds": _bounds(area), "queries": queries}
        return _frozen(draft, fetched.files, facts=facts, boundary=boundary, elements=fetched.elements)


def cut_snapshot(
    area: StudyArea,
    folder: Path | str,
    *,
    country: Path,
    boundary: Path | None = None,
    whole: str = "",
    announce: Callable[[str], None] = lambda _: None,
) -> Path:
    """Cut a study area out of a large OSM file and freeze the cut.

    Parameters
    ----------
    area : StudyArea
        The cut covers its extent.
    folder : Path
        The folder of all snapshots of a study.
    country : Path
        A ``.osm.pbf`` that covers the area.
    boundary : Path, optional
        What `fetch_place` gave, to be frozen with the cut.
    whole : str
        A relation or way to be kept whole, such as ``relation/4738525``.
    announce : callable, optional
        Called with a line of progress.

    Returns
    -------
    Path
        The new snapshot.

    Raises
    ------
    SourceError
        When the file cannot be read or the folder cannot be written; nothing has been written then.
    DataError
        When nothing of the file lies in the extent.
    """
    west, south, east, north = _bounds(area)
    with _draft(Path(folder)) as draft:
        raw = Path(tempfile.mkdtemp(dir=draft))
        cut = raw / "streets-1.osm.pbf"
        told = cut_osm(country, (west, south, east, north), cut, whole=whole, announce=announce)
        facts = {"cut_from": told, "bounds": _bounds(area)}
        return _frozen(draft, [cut], facts=facts, boundary=boundary, elements=read_osm(cut))


def freeze_boundary(boundary: Path, folder: Path | str) -> Path:
    """Freeze the boundary of a named place alone, for a study that reads streets of its own.

    Parameters
    ----------
    boundary : Path
        What `fetch_place` gave.
    folder : Path
        The folder of all snapshots of a study.

    Returns
    -------
    Path
        The new snapshot.

    Raises
    ------
    SourceError
        When the folder cannot be written.
    """
    with _draft(Path(folder)) as draft:
        return _frozen(draft, [], facts={}, boundary=boundary, elements=None)


def newest_snapshot(folder: Path | str) -> tuple[Path, ...]:
    """The OSM files of the newest snapshot, as they were when they were frozen.

    Parameters
    ----------
    folder : Path
        The folder of all snapshots of a study.

    Returns
    -------
    tuple of Path
        For `read_osm`; empty when there is no snapshot.

    Raises
    ------
    SourceError
        When a file is missing or is not the one that was fetched; every such file is named.
    """
    return tuple(file for file in _as_frozen(Path(folder)) if file.name != OUTLINE)


def frozen_boundary(folder: Path | str, place: str) -> Path:
    """The boundary of a named place in the newest snapshot.

    Parameters
    ----------
    folder : Path
        The folder of all snapshots of a study.
    place : str
        The name as the study file has it.

    Returns
    -------
    Path
        A GeoJSON file, for `read_area`.

    Raises
    ------
    ConfigError
        When the place has not been looked up yet, or another one has.
    SourceError
        When a file is missing or is not the one that was fetched.
    """
    where, mend = f"[area] place {place!r}", "Run circle15 fetch, or give a file under [area] boundary"
    for file in _as_frozen(Path(folder)):
        if file.name == OUTLINE:
            asked = _asked(file)
            if asked == place:
                return file
            raise ConfigError(Finding(where, f"the newest snapshot has the boundary of {asked!r}", mend))
    raise ConfigError(Finding(where, "it has not been looked up yet", mend))


def _bounds(area: StudyArea) -> tuple[float, float, float, float]:
    west, south, east, north = (round(side, 7) for side in area.extent_lonlat.bounds)
    return west, south, east, north


def _asked(outline: Path) -> str:
    features = json.loads(outline.read_text(encoding="utf-8"))["features"]
    return str(features[0]["properties"]["asked"])


# ------------------------------------------------------------------------------------------------------ what is frozen


def _frozen(
    draft: Path, files: Sequence[Path], *, facts: Mapping[str, object], boundary: Path | None, elements: Elements | None
) -> Path:
    """Put files into the draft, list them, leave nothing else there, and give it its name."""
    sources = () if elements is None else elements.sources
    listed = [_entry(draft, file, source) for file, source in zip(files, sources, strict=True)]
    if boundary is not None and boundary.suffix == ".geojson":
        listed.append(_outline(draft, boundary))
    elif boundary is not None:
        named = Path(shutil.copy(boundary, draft / "boundary-1.json"))
        listed.append(_entry(draft, named, read_osm(named).sources[0]))
        named.unlink()
    for one in (one for one in draft.iterdir() if one.is_dir()):
        shutil.rmtree(one)
    table: dict[str, object] = {"fetched": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), **facts, "files": listed}
    if elements is not None:
        rows = write_layers(elements, draft / LAYERS_FILE)
        table["to_look_at"] = {"file": LAYERS_FILE, "rows": rows, "licence": LICENCE}
    text = json.dumps(table, ensure_ascii=False, indent=1)
    (draft / SOURCES).write_text(text + "\n", encoding="utf-8")
    return _placed(draft)


def _entry(draft: Path, file: Path, source: Source) -> dict[str, object]:
    """Put an OSM file into the draft, packed if it is not yet, and say what it is."""
    if file.suffix == ".json":
        packed = draft / f"{file.name}.gz"
        packed.write_bytes(gzip.compress(file.read_bytes(), mtime=0))
    else:
        packed = Path(shutil.move(file, draft / file.name))
    return {
        "file": packed.name,
        "query": file.name.partition("-")[0],
        "time_stamp": source.date,
        "counts": source.counts,
        "sha256": _sha256(packed),
        "licence": source.licence,
    }


def _outline(draft: Path, boundary: Path) -> dict[str, object]:
    """Put the boundary of a named place into the draft, and say what it is."""
    kept = Path(shutil.copy(boundary, draft / OUTLINE))
    (feature,) = json.loads(kept.read_text(encoding="utf-8"))["features"]
    told = feature["properties"]
    return {
        "file": kept.name,
        "query": "place",
        "asked": told["asked"],
        "found": told.get("display_name", ""),
        "osm_id": f"{told.get('osm_type', '')}/{told.get('osm_id', '')}",
        "time_stamp": "",
        "counts": {"areas": 1},
        "sha256": _sha256(kept),
        "licence": told.get("licence", LICENCE),
    }


# -------------------------------------------------------------------------------------------------- what was frozen


def _as_frozen(folder: Path) -> tuple[Path, ...]:
    """The listed files of the newest snapshot, each with the hash it had."""
    whole = [one for one in folder.glob("*") if _NAME.fullmatch(one.name) and one.is_dir()]
    if not whole:
        return ()
    newest = max(whole, key=_rank)
    mend = "Run circle15 fetch again, or put the file back"
    try:
        listed = json.loads((newest / SOURCES).read_text(encoding="utf-8"))["files"]
        hashes = {str(entry["file"]): str(entry["sha256"]) for entry in listed}
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        problem = f"it cannot be read as the list of a snapshot ({type(error).__name__})"
        raise SourceError(Finding(str(newest / SOURCES), problem, mend)) from None
    wrong = []
    for name, sha256 in hashes.items():
        if Path(name).name != name or not _is_file(newest / name):
            wrong.append(Finding(str(newest / name), "it is in the list of the snapshot but not beside it", mend))
        elif _sha256(newest / name) != sha256:
            wrong.append(Finding(str(newest / name), f"it is not what was fetched: {SOURCES} has another hash", mend))
    if wrong or not hashes:
        raise SourceError(*(wrong or [Finding(str(newest / SOURCES), "it lists no file", mend)]))
    return tuple(newest / name for name in hashes)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name of thousands of letters, or with a NUL in it
        return False


# ------------------------------------------------------------------------------------------------------------ folders


@contextmanager
def _draft(folder: Path) -> Iterator[Path]:
    """A folder to write in that is no snapshot yet, and is gone afterwards if it has not become one."""
    draft = None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _sweep(folder)
        draft = Path(tempfile.mkdtemp(prefix=f"{_DRAFT}{_host()}.{os.getpid()}.", dir=folder))
        yield draft
    except OSError as error:
        if isinstance(error, Circle15Error):
            raise
        problem = f"a snapshot cannot be written there ({error.strerror or error})"
        mend = "Make room, or put the study file into a folder that you may write to"
        raise SourceError(Finding(str(folder), problem, mend)) from None
    finally:
        if draft is not None:
            shutil.rmtree(draft, ignore_errors=True)
        with suppress(OSError):  # it holds other snapshots
            folder.rmdir()


def _sweep(folder: Path) -> None:
    """Take away drafts of fetches that were killed: a day old, or of a process of this machine that is no more."""
    for draft in folder.glob(f"{_DRAFT}*"):
        host, _, rest = draft.name.removeprefix(_DRAFT).partition(".")
        number = rest.partition(".")[0]
        with suppress(OSError):
            old = time.time() - draft.stat().st_mtime > _STALE_S
            if old or (host == _host() and number.isdecimal() and not _runs(int(number))):
                shutil.rmtree(draft, ignore_errors=True)


def _host() -> str:
    return re.sub(r"[^A-Za-z0-9-]", "-", platform.node())


def _runs(process: int) -> bool:
    """Whether a process of this machine lives; where asking would end it, it does."""
    if sys.platform == "win32":
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        pass
    return True


def _placed(draft: Path) -> Path:
    """Give the draft the first free name of today: one rename, so it is there whole or not at all."""
    draft.chmod(0o755)
    date = datetime.now(UTC).strftime("%Y-%m-%d")
    number = 1
    while True:
        place = draft.parent / (date if number == 1 else f"{date}-{number}")
        number += 1
        try:
            if not place.exists():
                return draft.rename(place)
        except OSError:
            if not place.exists():  # otherwise another fetch was quicker
                raise


def _rank(folder: Path) -> tuple[str, int]:
    found = _NAME.fullmatch(folder.name)
    return ("", 0) if found is None else (found[1], int(found[2] or 1))


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
