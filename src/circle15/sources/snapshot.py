"""What Overpass said on one day, frozen beside the study file; every run afterwards needs no network.

::

    snapshot/2026-11-21/streets-1.json.gz, ..., places-1.json.gz, sources.json

A snapshot appears whole or not at all and is never written over: a second one of the same day is ``2026-11-21-2``.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import shutil
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from circle15.errors import Circle15Error, ConfigError, Finding, SourceError
from circle15.sources.osm import MIRRORS, PLACE_TAGS, STREET_FILTERS, USER_AGENT, fetch_osm, read_osm

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from circle15.sources.osm import Source
    from circle15.tables import StudyArea

Answer = TypeVar("Answer")
PATIENCE_S = 20.0  # for all mirrors together to show that they are awake; a large answer may take longer
PATIENCE_EACH_S = 8.0
PAUSE_S = 4.0  # before a busy mirror is asked once more
SOURCES = "sources.json"
_BUSY = (429, 502, 503, 504)
_LARGEST = 1 << 26  # bytes of an answer to a small question
_SMALL = "[out:json][timeout:5];node(1);out count;"
_NAME = re.compile(r"(\d{4}-\d{2}-\d{2})(?:-(\d+))?")


class _BusyError(OSError):
    """A mirror that may well answer in a moment."""


def fetch_boundary(
    osm_id: str, file: Path, *, mirrors: Sequence[str] = (), announce: Callable[[str], None] = lambda _: None
) -> Path:
    """Ask Overpass for one boundary, which has to be known before the extent of a study is.

    Parameters
    ----------
    osm_id : str
        Such as ``relation/4738525`` or ``way/12``.
    file : Path
        Where the reply goes, as it came; ends in ``.json``.
    mirrors : sequence of str
        Overpass addresses, tried in order; the public ones when there are none.
    announce : callable, optional
        Called with a line of progress.

    Returns
    -------
    Path
        The file, for `read_boundary`.

    Raises
    ------
    ConfigError
        When the id is not one of a way or relation, or OpenStreetMap has no such element.
    SourceError
        With ``outside=True`` when no mirror answered.
    """
    kind, _, digits = osm_id.partition("/")
    mend = "Give the id of a way or relation, such as relation/4738525, or a boundary file"
    if kind not in ("way", "relation") or not (digits.isascii() and digits.isdecimal()):
        raise ConfigError(Finding("[area] boundary_osm", f"{osm_id!r} is not the id of a boundary", mend))
    question = f"[out:json][timeout:25];{kind}({digits});(._;>;);out body;"
    _, reply = _in_turn(mirrors, lambda mirror, patience: _ask(mirror, question, patience), announce=announce)
    if not any(isinstance(one, dict) and f"{one.get('type')}/{one.get('id')}" == osm_id for one in reply["elements"]):
        raise ConfigError(Finding("[area] boundary_osm", f"OpenStreetMap has no {osm_id}", mend))
    file.write_text(json.dumps(reply, ensure_ascii=False), encoding="utf-8")
    return file


def fetch_snapshot(
    area: StudyArea,
    folder: Path | str,
    *,
    boundary: Path | None = None,
    mirrors: Sequence[str] = (),
    announce: Callable[[str], None] = lambda _: None,
) -> Path:
    """Ask Overpass for a study area and freeze the replies.

    A mirror is first asked something small, so that one which is down, busy or not an Overpass server at all is
    found out in seconds. A busy one is asked once more after a pause.

    Parameters
    ----------
    area : StudyArea
        The replies cover its extent.
    folder : Path
        The folder of all snapshots of a study.
    boundary : Path, optional
        A reply of `fetch_boundary` that is frozen with the others.
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

        def fetched(mirror: str, patience: float) -> tuple[Path, tuple[Source, ...]]:
            _ask(mirror, _SMALL, patience)
            raw = Path(tempfile.mkdtemp(dir=draft))
            more = () if boundary is None else (shutil.copy(boundary, raw / "boundary-1.json"),)
            return raw, read_osm(*fetch_osm(area, raw, mirrors=[mirror]), *more).sources

        mirror, (raw, sources) = _in_turn(mirrors, fetched, announce=announce)
        bounds = [round(side, 7) for side in area.extent_lonlat.bounds]
        _freeze(draft, raw, sources, facts={"server": mirror, "bounds": bounds})
        return _placed(draft)


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
    whole = [one for one in Path(folder).glob("*") if _NAME.fullmatch(one.name) and one.is_dir()]
    if not whole:
        return ()
    newest = max(whole, key=_rank)
    mend = "Run circle15 fetch again, or put the file back"
    try:
        listed = json.loads((newest / SOURCES).read_text(encoding="utf-8"))["files"]
        hashes = {str(entry["file"]): str(entry["sha256"]) for entry in listed}
    except (OSError, ValueError, KeyError, TypeError) as error:
        problem = f"it cannot be read as the list of a snapshot ({type(error).__name__})"
        raise SourceError(Finding(str(newest / SOURCES), problem, mend)) from None
    wrong = []
    for name, sha256 in hashes.items():
        if Path(name).name != name or not (newest / name).is_file():
            wrong.append(Finding(str(newest / name), "it is in the list of the snapshot but not beside it", mend))
        elif _sha256(newest / name) != sha256:
            wrong.append(Finding(str(newest / name), f"it is not what was fetched: {SOURCES} has another hash", mend))
    if wrong or not hashes:
        raise SourceError(*(wrong or [Finding(str(newest / SOURCES), "it lists no file", mend)]))
    return tuple(newest / name for name in hashes)


# ----------------------------------------------------------------------------------------------------- mirrors


def _in_turn(
    mirrors: Sequence[str], question: Callable[[str, float], Answer], *, announce: Callable[[str], None]
) -> tuple[str, Answer]:
    """The first mirror that can answer, and its answer; busy ones are asked once more after a pause."""
    waiting = tuple(mirrors) or MIRRORS
    patience = min(PATIENCE_EACH_S, PATIENCE_S / len(waiting))
    tried: dict[str, str] = {}
    for pause in (0.0, PAUSE_S):
        time.sleep(pause if waiting else 0.0)
        busy = []
        for mirror in waiting:
            announce(f"ask {mirror}")
            try:
                return mirror, question(mirror, patience)
            except _BusyError as error:
                busy.append(mirror)
                tried[mirror] = str(error)
            except (Circle15Error, OSError, ValueError) as error:
                tried[mirror] = _reason(error)
        waiting = tuple(busy)
    said = "; ".join(f"{mirror}: {text}" for mirror, text in tried.items())
    mend = "Try later or name another server under [streets] mirrors, or name an OSM file under [streets] files"
    raise SourceError(Finding("Overpass", f"no server gave the data ({said})", mend), outside=True)


def _ask(mirror: str, question: str, patience: float) -> dict[str, Any]:
    """The reply to a small question; raises OSError or ValueError when no Overpass server answers in time."""
    data = urllib.parse.urlencode({"data": question}).encode()
    address = f"{mirror.rstrip('/')}/interpreter"
    request = urllib.request.Request(address, data, {"User-Agent": USER_AGENT})  # noqa: S310  http or https
    try:
        with urllib.request.urlopen(request, timeout=patience) as answer:  # noqa: S310  the study file allows no other
            text = answer.read(_LARGEST)
    except urllib.error.HTTPError as error:
        said = f"it answered {error.code} {error.reason}"
        error.close()
        raise (_BusyError if error.code in _BUSY else OSError)(said) from None
    except TimeoutError:
        message = f"it did not answer within {patience:.0f} s"
        raise OSError(message) from None
    try:
        reply = json.loads(text)
    except ValueError:
        reply = None
    if not isinstance(reply, dict) or not isinstance(reply.get("elements"), list):
        what = "a web page" if text.lstrip()[:1] == b"<" else "something cut off or of another kind"
        message = f"it sent {what}, not an Overpass reply" if text else "it sent nothing"
        raise ValueError(message)  # noqa: TRY004  the text is at fault, not a type
    if "remark" in reply:
        message = f"it cut its reply short ({reply['remark']})"
        raise ValueError(message)
    return reply


def _freeze(draft: Path, raw: Path, sources: Sequence[Source], *, facts: dict[str, object]) -> None:
    """Gzip the replies into the draft and list them; leave nothing else there."""
    entries = []
    for source in sources:
        packed = draft / f"{source.name}.gz"
        packed.write_bytes(gzip.compress((raw / source.name).read_bytes(), mtime=0))
        entries.append(
            {
                "file": packed.name,
                "query": source.name.partition("-")[0],
                "time_stamp": source.date,
                "counts": source.counts,
                "sha256": _sha256(packed),
                "licence": source.licence,
            }
        )
    for rest in (one for one in draft.iterdir() if one.is_dir()):
        shutil.rmtree(rest)
    listed = {
        "fetched": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        **facts,
        "queries": {"streets": list(STREET_FILTERS), "places": PLACE_TAGS},
        "files": entries,
    }
    text = json.dumps(listed, ensure_ascii=False, indent=1)
    (draft / SOURCES).write_text(text + "\n", encoding="utf-8")


def _reason(error: Exception) -> str:
    """Why a mirror gave nothing, in one line."""
    findings = error.findings if isinstance(error, Circle15Error) else ()
    said = findings[-1].problem if findings and isinstance(findings[-1], Finding) else str(error)
    return " ".join(said.split())[:200].rstrip(". ") or type(error).__name__


# ------------------------------------------------------------------------------------------------------- folders


@contextmanager
def _draft(folder: Path) -> Iterator[Path]:
    """A folder to write in that is no snapshot yet, and is gone afterwards if it has not become one."""
    draft = None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=folder))
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
