"""The only room that goes online: Overpass and Nominatim, asked through osmnx, with little patience for silence.

A planner who waits wants to know soon that nothing will come. So a server is first asked something small; waiting for
what does not come is bounded for all servers together; a busy one is asked again after a pause; and one that says on
its status page that it is still computing for us is given time. A download that goes on may take as long as it needs.
"""

from __future__ import annotations

import errno
import json
import re
import shutil
import socket
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
import warnings
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from circle15.errors import Circle15Error, Circle15Warning, ConfigError, Finding, SourceError, quoted
from circle15.sources.osm import read_osm

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from circle15.sources.osm import Elements
    from circle15.tables import StudyArea

Answer = TypeVar("Answer")

MIRRORS = (  # tried in this order; public servers with fair-use rules
    "https://overpass-api.de/api",
    "https://overpass.private.coffee/api",
    "https://maps.mail.ru/osm/tools/overpass/api",
)
GEOCODER = "https://nominatim.openstreetmap.org"
USER_AGENT = "circle15 (15-minute walking access; one study area per request)"
STREET_FILTERS = ('["highway"]', '["railway"="platform"]', '["public_transport"="platform"]')
PLACE_TAGS: dict[str, bool | str | list[str]] = {
    **dict.fromkeys(
        (
            "aerialway",
            "amenity",
            "barrier",
            "building",
            "club",
            "healthcare",
            "historic",
            "landuse",
            "leisure",
            "office",
            "place",
            "public_transport",
            "railway",
            "shop",
            "social_facility",
            "tourism",
            "waterway",
        ),
        True,
    ),
    "entrance": True,
    "highway": ["bus_stop"],
    "natural": ["water", "wood", "beach"],
    "admin_level": ["6", "8", "10"],
}

SILENCE_S = 18.0  # for all servers together, since the last complete reply
SILENCE_EACH_S = 12.0
PAUSE_S = 4.0  # before busy servers are asked once more; then twice as long
STATUS_S = 2.0  # for the status page of a server that is silent
COMPUTING_S = 180  # for a server that says that it is computing; also what it is told it may take
_SMALL = "[out:json][timeout:5];node(1);out count;"
_LARGEST = 1 << 26  # bytes of an answer to a small question
_BUSY = (429, 502, 503, 504)
_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG)
_RUNNING = re.compile(r"^Currently running queries[^\n]*\n\d+", re.MULTILINE)


class _BusyError(OSError):
    """A server that may well answer in a moment."""


@dataclass(frozen=True)
class Fetched:
    """What a server gave: the raw replies, and the elements in them."""

    server: str
    files: tuple[Path, ...]
    elements: Elements


# ------------------------------------------------------------------------------------------------- what is asked


def fetch_osm(
    area: StudyArea,
    folder: Path | str,
    *,
    mirrors: Sequence[str] = (),
    announce: Callable[[str], None] = lambda _: None,
) -> Fetched:
    """Ask Overpass for the streets and places of a study area, and keep its replies as they came.

    osmnx asks, through its public functions and in its cache-only mode; what is returned are the raw replies, so
    that `read_osm` reads live data by the very code that reads files. All settings of osmnx are put back.

    Parameters
    ----------
    area : StudyArea
        The replies cover its extent.
    folder : Path
        Where the replies go; files of the same names are replaced once everything has arrived.
    mirrors : sequence of str
        Overpass addresses, tried in order, the public ones when there are none; one of them must give everything.
    announce : callable, optional
        Called with a line of progress.

    Returns
    -------
    Fetched
        Its files are ``streets-1.json``, ... and ``places-1.json``, ...

    Raises
    ------
    SourceError
        With ``outside=True`` when no mirror gave everything; names what was tried, and the ways out.
    OSError
        When the folder cannot be written.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".fetch-") as staging:

        def all_of_it(mirror: str, clock: _Clock) -> tuple[list[Path], Elements]:
            _ask(mirror, _SMALL, clock.rest())
            own = Path(staging) / urllib.parse.quote(mirror, safe="")  # what it gave already is not asked again
            replies = _ask_all(area, own, mirror, clock=clock, announce=announce)
            return replies, read_osm(*replies)

        server, (replies, elements) = _in_turn(mirrors or MIRRORS, all_of_it, where="Overpass", announce=announce)
        files = tuple(Path(shutil.move(reply, folder / reply.name)) for reply in replies)
        return Fetched(server, files, elements)


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
    _, reply = _in_turn(
        mirrors or MIRRORS,
        lambda mirror, clock: _ask(mirror, question, clock.rest()),
        where="Overpass",
        announce=announce,
    )
    if not any(isinstance(one, dict) and f"{one.get('type')}/{one.get('id')}" == osm_id for one in reply["elements"]):
        raise ConfigError(Finding("[area] boundary_osm", f"OpenStreetMap has no {osm_id}", mend))
    file.write_text(json.dumps(reply, ensure_ascii=False), encoding="utf-8")
    return file


def fetch_place(
    place: str, file: Path, *, geocoder: str | None = None, announce: Callable[[str], None] = lambda _: None
) -> Path:
    """Ask Nominatim for the boundary of a named place.

    Parameters
    ----------
    place : str
        A name such as ``Monaco``; of several areas of that name the most important is taken.
    file : Path
        Where the boundary goes, as GeoJSON with what Nominatim says of it; ends in ``.geojson``.
    geocoder : str, optional
        Address of a Nominatim server; the public one otherwise.
    announce : callable, optional
        Called with a line of progress.

    Returns
    -------
    Path
        The file, for `read_area`.

    Raises
    ------
    ConfigError
        When nothing of that name is found, or nothing that is an area; says what was found.
    SourceError
        With ``outside=True`` when the server did not answer.

    Warns
    -----
    Circle15Warning
        When there are several areas of that name.
    """
    server = geocoder or GEOCODER
    with tempfile.TemporaryDirectory() as folder:

        def found(server: str, clock: _Clock) -> list[dict[str, Any]]:
            return _geocoded(place, Path(folder), server, clock)

        _, results = _in_turn([server], found, where="Nominatim", announce=announce)
    shapes = [one for one in results if one.get("geojson", {}).get("type") in ("Polygon", "MultiPolygon")]
    where = f"[area] place {place!r}"
    if not shapes:
        mend = "Write the name as OpenStreetMap has it, with the city and country, or give a boundary file"
        said = quoted(dict.fromkeys(_named(one) for one in results))
        problem = f"only places without an outline are found: {said}" if results else "no place of that name is found"
        raise ConfigError(Finding(where, problem, mend))
    first, *others = sorted(shapes, key=lambda one: -float(one.get("importance") or 0))
    others = [one for one in others if one.get("osm_id") != first.get("osm_id")]
    if others:
        problem = f"{_named(first)} is taken; of that name are also {quoted(_named(one) for one in others)}"
        mend = "Add the city and country to the name if another one is meant"
        warnings.warn(str(Finding(where, problem, mend)), Circle15Warning, stacklevel=2)
    told = {key: value for key, value in first.items() if key not in ("geojson", "boundingbox", "place_id", "icon")}
    feature = {"type": "Feature", "properties": {"asked": place, **told}, "geometry": first["geojson"]}
    text = json.dumps({"type": "FeatureCollection", "features": [feature]}, ensure_ascii=False)
    file.write_text(text, encoding="utf-8")
    return file


def _named(result: dict[str, Any]) -> str:
    kind = result.get("addresstype") or result.get("type") or "place"
    return f"{result.get('display_name', '?')} ({kind}, {result.get('osm_type', '?')}/{result.get('osm_id', '?')})"


# ------------------------------------------------------------------------------------------------------- patience


@dataclass
class _Patience:
    """How long silence is still borne, by all servers together."""

    left: float
    pause: float

    def clock(self, others: int) -> _Clock:
        """What one server gets of it while so many others wait."""
        return _Clock(self, min(SILENCE_EACH_S, self.left / 2 if others else self.left), time.monotonic())

    def nap(self) -> bool:
        """Pause before busy servers are asked again; False where there is no time for that."""
        if self.pause >= self.left:
            return False
        time.sleep(self.pause)
        self.left -= self.pause
        self.pause *= 2
        return True


@dataclass
class _Clock:
    """The silence of one server."""

    patience: _Patience
    share: float
    since: float
    flows: bool = False  # whether a reply has begun to come

    def rest(self) -> float:
        """Seconds that one may still wait for it."""
        return max(self.share - (time.monotonic() - self.since), 0.5)

    def renew(self) -> None:
        """A reply has come whole: all patience is back."""
        self.patience.left, self.patience.pause = SILENCE_S, PAUSE_S
        self.since, self.flows = time.monotonic(), False

    def stop(self) -> None:
        """It has failed: what it used up is gone; a download that broke off was not all silence."""
        used = time.monotonic() - self.since
        self.patience.left -= min(used, self.share) if self.flows else used


def _in_turn(
    servers: Sequence[str], question: Callable[[str, _Clock], Answer], *, where: str, announce: Callable[[str], None]
) -> tuple[str, Answer]:
    """The first server that can answer, and its answer; busy ones are asked again after a pause."""
    waiting, patience = list(servers), _Patience(SILENCE_S, PAUSE_S)
    tried = dict.fromkeys(waiting, "there was no time left to ask it")
    while waiting:
        busy: list[str] = []
        for at, server in enumerate(waiting):
            if patience.left <= 0:
                break
            announce(f"ask {server}")
            clock = patience.clock(len(waiting) - at - 1 + len(busy))
            try:
                return server, question(server, clock)
            except (Circle15Error, OSError, ValueError) as error:
                if isinstance(error, ConfigError) or _of_the_disk(error):
                    raise
                tried[server] = _reason(error)
                busy += [server] if _is_busy(error) else []
            clock.stop()
        waiting = busy if busy and patience.nap() else []
    said = "; ".join(f"{server}: {text}" for server, text in tried.items())
    mend = {
        "Overpass": "Try later or name another server under [streets] mirrors, or name an OSM file under "
        "[streets] files or [streets] country",
        "Nominatim": "Try later or name another server under [area] geocoder, or give a file under [area] boundary",
    }[where]
    raise SourceError(Finding(where, f"no server gave the data ({said})", mend), outside=True)


def _is_busy(error: Exception) -> bool:
    answer = getattr(error, "response", None)  # of requests, which osmnx uses
    return isinstance(error, _BusyError) or getattr(answer, "status_code", None) in _BUSY


def _of_the_disk(error: Exception) -> bool:
    """Whether a file could not be written, which no other server mends."""
    mine = isinstance(error, OSError) and not isinstance(error, Circle15Error)
    return mine and (error.errno in _DISK or error.filename is not None)  # type: ignore[attr-defined]


def _reason(error: Exception) -> str:
    """Why a server gave nothing, in one line."""
    from requests import exceptions as web

    answer = getattr(error, "response", None)
    if answer is not None:
        return f"it answered {answer.status_code} {answer.reason}"
    if isinstance(error, web.Timeout):
        return "it fell silent"
    if isinstance(error, web.ConnectionError | web.ChunkedEncodingError):
        return "it fell silent" if "timed out" in str(error) else f"the connection broke ({_cause(error)})"
    findings = error.findings if isinstance(error, Circle15Error) else ()
    said = findings[-1].problem if findings and isinstance(findings[-1], Finding) else str(error)
    return " ".join(said.split())[:200].rstrip(". ") or type(error).__name__


def _cause(error: BaseException) -> str:
    """The innermost words of an error that carries others."""
    reason = getattr(error, "reason", None) or next((one for one in error.args if isinstance(one, Exception)), None)
    if isinstance(reason, Exception):
        return _cause(reason)
    return str(getattr(error, "strerror", None) or error.args[-1] if error.args else type(error).__name__)[:100]


# -------------------------------------------------------------------------------------------------- small questions


def _ask(mirror: str, question: str, patience: float) -> dict[str, Any]:
    """The reply to a small question; raises OSError or ValueError when no Overpass server answers in time."""
    data = urllib.parse.urlencode({"data": question}).encode()
    text = _heard(f"{mirror.rstrip('/')}/interpreter", patience, data=data)
    try:
        reply = json.loads(text)
    except (ValueError, RecursionError):
        reply = None
    if not isinstance(reply, dict) or not isinstance(reply.get("elements"), list):
        raise _no_reply(text)
    if "remark" in reply:
        message = f"it cut its reply short ({reply['remark']})"
        raise ValueError(message)
    return reply


def _require_reply(text: bytes) -> None:
    """Look at both ends of a large reply, which tells most that is wrong; reading it tells the rest."""
    if text.lstrip()[:1] != b"{" or text.rstrip()[-1:] != b"}":
        raise _no_reply(text)


def _no_reply(text: bytes) -> ValueError:
    what = "a web page" if text.lstrip()[:1] == b"<" else "something cut off or of another kind"
    return ValueError(f"it sent {what}, not an Overpass reply" if text else "it sent nothing")


def _heard(address: str, patience: float, *, data: bytes | None = None) -> bytes:
    """What a web address says; raises OSError when it says nothing in time."""
    request = urllib.request.Request(address, data, {"User-Agent": USER_AGENT})  # noqa: S310  http or https
    until = time.monotonic() + patience
    pieces: list[bytes] = []
    try:
        with urllib.request.urlopen(request, timeout=patience) as answer:  # noqa: S310  the study file allows no other
            while time.monotonic() < until and sum(map(len, pieces)) < _LARGEST:
                pieces.append(answer.read1(1 << 16))
                if not pieces[-1]:
                    return b"".join(pieces)
    except urllib.error.HTTPError as error:
        said = f"it answered {error.code} {error.reason}"
        error.close()
        raise (_BusyError if error.code in _BUSY else OSError)(said) from None
    except TimeoutError:
        pass
    except OSError as error:
        if not isinstance(getattr(error, "reason", None), TimeoutError):
            message = f"no connection ({_cause(error)})"
            raise OSError(message) from None
    message = f"it did not answer within {patience:.0f} s"
    raise OSError(message)


def _computing(mirror: str) -> bool:
    """Whether a silent server says on its status page that it is at work on a question of ours."""
    try:
        page = _heard(f"{mirror.rstrip('/')}/status", STATUS_S)
    except (OSError, ValueError):
        return False
    return _RUNNING.search(page.decode("utf-8", "replace")) is not None


# -------------------------------------------------------------------------------------------------- through osmnx


def _ask_all(
    area: StudyArea, staging: Path, mirror: str, *, clock: _Clock, announce: Callable[[str], None]
) -> list[Path]:
    import osmnx as ox

    polygon = area.extent_lonlat
    questions: dict[str, Callable[[], object]] = {
        "streets": lambda: ox.graph_from_polygon(polygon, custom_filter=list(STREET_FILTERS), retain_all=True),
        "places": lambda: ox.features_from_polygon(polygon, PLACE_TAGS),
    }
    replies: list[Path] = []
    for name, question in questions.items():
        announce(f"ask for {name}")
        kept = _patiently(question, mirror, staging / name, clock)
        replies += [Path(shutil.copy(file, staging / f"{name}-{at}.json")) for at, file in enumerate(kept, start=1)]
    return replies


def _patiently(question: Callable[[], object], mirror: str, cache: Path, clock: _Clock) -> list[Path]:
    """The replies to a large question; a server that says that it is computing is asked again, with more time."""
    from requests.exceptions import ReadTimeout

    try:
        return _replies(question, mirror, cache, clock=clock, silence=clock.rest())
    except ReadTimeout:
        if not _computing(mirror):
            raise
    return _replies(question, mirror, cache, clock=clock, silence=COMPUTING_S)


def _replies(question: Callable[[], object], mirror: str, cache: Path, *, clock: _Clock, silence: float) -> list[Path]:
    """The replies that osmnx keeps in its cache, every one of them whole."""
    answers: list[int] = []
    had = len(list(cache.glob("*.json")))

    def heard(response: Any, *_: object, **__: object) -> None:  # noqa: ANN401
        # osmnx would wait 55 s and ask again for ever when the server is busy; an error here ends that.
        response.raise_for_status()
        if not response.is_redirect:
            clock.flows = True
            _require_reply(response.content)  # waits for all of it
            answers.append(len(response.content))
            clock.renew()

    wanted = {"overpass_url": mirror.rstrip("/"), "cache_only_mode": True}
    with _settings(cache, heard, silence=silence, wanted=wanted), suppress(InterruptedError):  # how that mode ends
        question()
    kept = sorted(cache.glob("*.json"))
    if not kept or len(kept) < had + len(answers):
        message = f"no complete answer: {had + len(answers) - len(kept)} replies were cut short by the server"
        raise ValueError(message)
    return kept


def _geocoded(place: str, cache: Path, server: str, clock: _Clock) -> list[dict[str, Any]]:
    """What Nominatim lists under a name."""
    import osmnx as ox

    def heard(response: Any, *_: object, **__: object) -> None:  # noqa: ANN401
        response.raise_for_status()

    wanted = {"nominatim_url": server.rstrip("/")}
    # what osmnx says when nothing that is listed is an area; the list itself says it better
    with _settings(cache, heard, silence=clock.rest(), wanted=wanted), suppress(LookupError, TypeError, ValueError):
        ox.geocode_to_gdf(place)
    kept = next(cache.glob("*.json"), None)
    listed = None if kept is None else json.loads(kept.read_text(encoding="utf-8"))
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        message = "it sent something that is no Nominatim reply"
        raise ValueError(message)
    return listed


@contextmanager
def _settings(
    cache: Path, heard: Callable[..., None], *, silence: float, wanted: Mapping[str, object]
) -> Iterator[None]:
    """Settings of osmnx for one question, put back afterwards."""
    from osmnx import settings

    wanted = {
        **wanted,
        "cache_folder": str(cache),
        "use_cache": True,
        "overpass_rate_limit": False,
        "overpass_settings": f"[out:json][timeout:{COMPUTING_S}]{{maxsize}}",
        "doh_url_template": None,
        "http_user_agent": USER_AGENT,
        "requests_timeout": silence,  # between two pieces, not for the whole
        "requests_kwargs": {**settings.requests_kwargs, "hooks": {"response": heard}},
    }
    before = {key: getattr(settings, key) for key in wanted if hasattr(settings, key)}
    resolve = socket.getaddrinfo  # osmnx replaces it for the whole process
    try:
        for key in before:
            setattr(settings, key, wanted[key])
        yield
    finally:
        socket.getaddrinfo = resolve
        for key, value in before.items():
            setattr(settings, key, value)
