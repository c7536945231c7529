"""OpenStreetMap from files: pbf, XML and Overpass JSON, asked for just now or long ago, give the same elements.

Every door ends in the same plain record, `Elements`. What the elements mean (which street one may walk, which
place is a school) is decided by the rooms that read them, so it cannot differ between doors.
"""

from __future__ import annotations

import bz2
import gzip
import hashlib
import json
import warnings
import zlib
from array import array
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import osmium
from osmium.filter import EmptyTagFilter
from osmium.osm import ALL, NODE, RELATION, WAY

from circle15.errors import Circle15Error, Circle15Warning, DataError, Finding, SourceError, quoted
from circle15.sources.sound_pbf import nodes_of, require_sound_pbf

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray


LICENCE = "© OpenStreetMap contributors, ODbL 1.0"
_PBF = (".pbf",)
_XML = (".osm", ".osm.gz", ".osm.bz2")
_JSON = (".json", ".json.gz")
_OPENERS: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".bz2": bz2.open}
UNPACKED_SHARE, UNPACKED_ALWAYS = 60, 16_000_000  # bytes for each packed one, and besides; OSM data have ten for one
_UNSOUND = (RuntimeError, EOFError, OSError, ValueError, OverflowError, zlib.error, osmium.InvalidLocationError)
_GRID = 10_000_000  # OSM keeps coordinates in whole units of 1e-7 degree; so do all doors here
_LARGEST_ID = 2**63 - 1
_OUTSIDE = 2**31 - 1  # what a node without a place is given on that grid


@dataclass(frozen=True, slots=True)
class Way:
    """A way: its nodes in order, and its tags."""

    nodes: NDArray[np.int64]
    tags: dict[str, str]


@dataclass(frozen=True, slots=True)
class Relation:
    """A relation: members as (type, id, role), type being node, way or relation; and its tags."""

    members: tuple[tuple[str, int, str], ...]
    tags: dict[str, str]


@dataclass(frozen=True)
class Source:
    """Where elements came from: file name, hash, date of the data ("" where not stated), licence, counts and path."""

    name: str
    sha256: str
    date: str
    licence: str
    counts: dict[str, int]
    path: Path = Path()


@dataclass(frozen=True)
class Elements:
    """OSM elements as they are, without duplicates.

    Parameters
    ----------
    node_ids : ndarray of int64, shape (n,)
        Sorted.
    lonlat : ndarray of float, shape (n, 2)
        WGS-84 longitude and latitude in degrees, on the grid of 1e-7 degree that OSM itself uses.
    node_tags : dict
        Node id -> tags, only for nodes that have any.
    ways, relations : dict
        Id -> element, in the order of their ids.
    sources : tuple of Source
        One per file, in the order given.

    Examples
    --------
    >>> elements = Elements(np.array([2, 5]), np.zeros((2, 2)), {}, {}, {}, ())
    >>> elements.index([5, 9]).tolist()
    [1, -1]
    """

    node_ids: NDArray[np.int64]
    lonlat: NDArray[np.float64]
    node_tags: dict[int, dict[str, str]]
    ways: dict[int, Way]
    relations: dict[int, Relation]
    sources: tuple[Source, ...]

    def index(self, ids: NDArray[np.int64] | Sequence[int]) -> NDArray[np.int64]:
        """Position of each id in `node_ids`; -1 where the node is not in the data."""
        wanted = np.asarray(ids, dtype=np.int64)
        if not len(self.node_ids):
            return np.full(wanted.shape, -1, dtype=np.int64)
        at = np.minimum(np.searchsorted(self.node_ids, wanted), len(self.node_ids) - 1)
        return np.where(self.node_ids[at] == wanted, at, -1)


# ------------------------------------------------------------------------------------------------------ files


def read_osm(*files: Path | str) -> Elements:
    """OSM elements of one or more files, merged without duplicates.

    An element that is in several files is taken whole from the file that has most tags for it, and from the later
    of those where they are equal. Nodes whose coordinates are not on the globe are dropped and counted in the
    `Source`, with a warning.

    Parameters
    ----------
    *files : Path
        ``.osm.pbf``, ``.osm``, ``.osm.gz``, ``.osm.bz2``, or Overpass JSON (``.json``, ``.json.gz``).

    Returns
    -------
    Elements

    Raises
    ------
    SourceError
        When a file is missing, empty, cut off or of another kind; every file is named.
    DataError
        When a file can be read but does not hold OSM elements.

    Warns
    -----
    Circle15Warning
        When nodes were dropped.
    """
    if not files:
        raise SourceError(Finding("streets", "no OSM file was named", "Name at least one file"))
    parts: list[_Part] = []
    errors: list[Circle15Error] = []
    for file in map(Path, files):
        try:
            parts.append(_read_file(file))
        except Circle15Error as error:
            errors.append(error)
    if errors:
        kind = type(errors[0]) if len({type(error) for error in errors}) == 1 else SourceError
        raise kind(*(finding for error in errors for finding in error.findings))
    merged = _merged(parts)
    if not len(merged.node_ids):
        names = quoted(part.source.name for part in parts)
        raise DataError(Finding(names, "there are no OSM nodes in it", "Check that the extract covers the study area"))
    return merged


@dataclass
class _Part:
    """The elements of one file; node coordinates on the grid of 1e-7 degree."""

    name: str
    ids: array[int] = field(default_factory=lambda: array("q"))
    x: array[int] = field(default_factory=lambda: array("q"))
    y: array[int] = field(default_factory=lambda: array("q"))
    node_tags: dict[int, dict[str, str]] = field(default_factory=dict)
    ways: dict[int, Way] = field(default_factory=dict)
    relations: dict[int, Relation] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)  # each of keys and values once
    date: str = ""
    source: Source = field(init=False)

    def tags(self, thing: Any) -> dict[str, str]:  # noqa: ANN401  osmium's objects are not typed
        """The tags of an element; the same word twice is one word in memory."""
        word = self.words.setdefault
        return {word(key, key): word(value, value) for key, value in thing.tags}

    def node(self, ref: int, x: int, y: int) -> None:
        self.ids.append(ref)
        self.x.append(x)
        self.y.append(y)

    def close(self, path: Path) -> None:
        """Drop what is not on the globe, and say where all this came from."""
        x, y = np.array(self.x, dtype=np.int64), np.array(self.y, dtype=np.int64)
        bad = (np.abs(x) > 180 * _GRID) | (np.abs(y) > 90 * _GRID)
        dropped = [self.ids[at] for at in np.flatnonzero(bad)]
        if dropped:
            keep = np.flatnonzero(~bad)
            self.ids, self.x, self.y = (array("q", np.array(a)[keep].tolist()) for a in (self.ids, self.x, self.y))
            for ref in dropped:
                self.node_tags.pop(ref, None)
            text = f"{len(dropped):,} nodes have coordinates that are not on the globe (first: {quoted(dropped)})"
            mend = "They were left out; correct them in the file"
            warnings.warn(str(Finding(self.name, text, mend)), Circle15Warning, stacklevel=4)
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        counts = {
            "nodes": len(self.ids),
            "ways": len(self.ways),
            "relations": len(self.relations),
            "nodes_dropped": len(dropped),
        }
        self.source = Source(self.name, digest, self.date, LICENCE, counts, path)


def _read_file(path: Path) -> _Part:
    name = path.name
    if not path.is_file():
        raise SourceError(Finding(str(path), "there is no such file", "Check the path"))
    if not path.stat().st_size:
        raise SourceError(Finding(name, "the file is empty", "Download it again"))
    part = _Part(name)
    if name.endswith(_JSON):
        _read_json(path, part)
    elif name.endswith(_PBF + _XML):
        _read_osmium(path, part)
    else:
        known = ", ".join(_PBF + _XML + _JSON)
        raise SourceError(
            Finding(name, "its ending does not say that it is OSM data", f"Name a file that ends in {known}")
        )
    part.close(path)
    return part


def _read_osmium(path: Path, part: _Part) -> None:
    """Elements of a pbf or XML file."""
    with readable(path):
        nodes = None
        if path.name.endswith(_XML):
            _refuse_doctype(path)
            _refuse_bomb(path)
        else:
            require_sound_pbf(path)
            nodes = nodes_of(path)
        part.date = stated_date(path)
        if nodes is None:
            _add_all(part, osmium.FileProcessor(str(path), ALL))
            return
        for kept, read in zip((part.ids, part.x, part.y), nodes, strict=True):
            kept.frombytes(read.tobytes())
        for thing in osmium.FileProcessor(str(path), NODE).with_filter(EmptyTagFilter()):
            _keep(part.node_tags, thing.id, part.tags(thing), len)
        _add_all(part, osmium.FileProcessor(str(path), WAY | RELATION))


def _add_all(part: _Part, things: Any) -> None:  # noqa: ANN401
    for thing in things:
        if not thing.deleted:
            _add(part, thing)


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turn what osmium says of a damaged file into one finding."""
    try:
        yield
    except _UNSOUND as error:
        if isinstance(error, Circle15Error):
            raise
        text = f"it cannot be read as OSM data ({str(error).strip().rstrip('.')})"
        raise SourceError(
            Finding(path.name, text, "Download it again: it is cut off, damaged or of another kind")
        ) from None


def source_of(file: Path) -> Source:
    """What a file says of itself, without reading what is in it."""
    with readable(file), file.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
        return Source(file.name, digest, stated_date(file), LICENCE, {}, file)


def stated_date(path: Path) -> str:
    """The date of the data that the head of a pbf or XML file states; empty where it states none."""
    header = osmium.FileProcessor(str(path)).header
    return str(header.get("osmosis_replication_timestamp") or header.get("timestamp") or "")


def _add(part: _Part, thing: Any) -> None:  # noqa: ANN401  osmium's objects are not typed
    ref = thing.id
    if thing.is_node():
        place = thing.location
        part.node(ref, place.x, place.y)
        if thing.tags:
            _keep(part.node_tags, ref, part.tags(thing), len)
    elif thing.is_way():
        nodes = np.array([node.ref for node in thing.nodes], dtype=np.int64)
        _keep(part.ways, ref, Way(nodes, part.tags(thing)), _tag_count)
    elif thing.is_relation():
        kinds = {"n": "node", "w": "way", "r": "relation"}
        members = tuple((kinds[member.type], member.ref, member.role) for member in thing.members)
        _keep(part.relations, ref, Relation(members, part.tags(thing)), _tag_count)


def _refuse_doctype(path: Path) -> None:
    """OSM files have no document type; one that has may be built to exhaust memory."""
    with _OPENERS.get(path.suffix, Path.open)(path, "rb") as file:
        head = file.read(4096)
    if b"<!DOCTYPE" in head.upper():
        if b"<HTML" in head.upper():
            raise DataError(Finding(path.name, "it is a web page, not OSM data", "Download it again"))
        raise DataError(
            Finding(path.name, "it declares a document type (DTD), which OSM files never do", "Take another copy")
        )


def _refuse_bomb(path: Path) -> None:
    """A packed file that unpacks to far more than OSM data ever do is refused before it is read."""
    if path.suffix not in _OPENERS:
        return
    most = _most_unpacked(path)
    unpacked = 0
    with _OPENERS[path.suffix](path, "rb") as file:
        while unpacked <= most and (block := file.read(1 << 20)):
            unpacked += len(block)
    if unpacked > most:
        raise _bomb(path)


def _most_unpacked(path: Path) -> int:
    return UNPACKED_ALWAYS + UNPACKED_SHARE * path.stat().st_size


def _bomb(path: Path) -> DataError:
    problem = f"it unpacks to more than {_most_unpacked(path) / 1e6:,.0f} MB, which OSM data of its size never do"
    return DataError(Finding(path.name, problem, "Take another copy, or unpack it yourself"))


def _read_json(path: Path, part: _Part) -> None:
    """Elements of an Overpass reply, as the server sent it and as osmnx caches it."""
    reply = _json(path)
    if "remark" in reply:
        text = f"the server cut the reply short ({str(reply['remark']).strip().rstrip('.')})"
        raise SourceError(Finding(path.name, text, "Ask for a smaller area, or try later"))
    part.date = str((reply.get("osm3s") or {}).get("timestamp_osm_base", ""))
    for at, thing in enumerate(reply["elements"]):
        try:
            _add_json(part, thing)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            text = f"element {at} of the reply is not an OSM element ({type(error).__name__}: {error})"
            raise DataError(Finding(path.name, text, "Download it again with `out body;` or `out geom;`")) from None


def _unpacked(path: Path) -> bytes:
    most = _most_unpacked(path)
    try:
        with _OPENERS.get(path.suffix, Path.open)(path, "rb") as file:
            content: bytes = file.read(most + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise SourceError(Finding(path.name, f"it cannot be read ({error})", "Download it again")) from None
    if len(content) > most:
        raise _bomb(path)
    return content


def _json(path: Path) -> dict[str, Any]:
    """The reply as it was sent, or one clear finding."""
    content = _unpacked(path)
    try:
        reply = json.loads(content)
    except (ValueError, RecursionError):
        if content.lstrip()[:1] == b"<":
            text = "it is a web page or XML, not an Overpass JSON reply"
        else:
            text = "it is not valid JSON, or it is cut off"
        raise DataError(Finding(path.name, text, "Download it again; the server may have been busy")) from None
    if not isinstance(reply, dict) or not isinstance(reply.get("elements"), list):
        kind = "GeoJSON" if isinstance(reply, dict) and "features" in reply else "JSON of another kind"
        mend = "Name the reply of an Overpass server, or a .osm.pbf file"
        raise DataError(Finding(path.name, f"it is {kind}, not an Overpass reply", mend))
    return reply


def _add_json(part: _Part, thing: Mapping[str, Any]) -> None:
    kind, tags = thing["type"], dict(thing.get("tags") or {})
    if kind == "node":
        ref = _id(thing["id"])
        part.node(ref, _grid(thing["lon"]), _grid(thing["lat"]))
        if tags:
            _keep(part.node_tags, ref, tags, len)
    elif kind == "way":
        ref, nodes = _id(thing["id"]), [_id(node) for node in thing.get("nodes", ())]
        for node, place in zip(nodes, thing.get("geometry", ()), strict=False):  # of a reply to `out geom;`
            if place is not None:
                part.node(node, _grid(place["lon"]), _grid(place["lat"]))
        _keep(part.ways, ref, Way(np.array(nodes, dtype=np.int64), tags), _tag_count)
    elif kind == "relation":
        members = tuple((str(one["type"]), _id(one["ref"]), str(one["role"])) for one in thing.get("members", ()))
        _keep(part.relations, _id(thing["id"]), Relation(members, tags), _tag_count)


def _id(number: float | str) -> int:
    """The number of an element, which OSM keeps in 64 bits."""
    found = int(number)
    if abs(found) > _LARGEST_ID:
        message = "its number takes more than 64 bits"
        raise OverflowError(message)
    return found


def _grid(degrees: float) -> int:
    return round(degrees * _GRID) if abs(degrees) <= 180 else _OUTSIDE  # noqa: PLR2004  NaN is outside too


def _tag_count(thing: Way | Relation) -> int:
    return len(thing.tags)


def _keep(known: dict[int, Any], ref: int, thing: Any, size: Callable[[Any], int]) -> None:  # noqa: ANN401
    """Put an element in its place: most tags win, and the later of equals."""
    if ref not in known or size(thing) >= size(known[ref]):
        known[ref] = thing


def _merged(parts: Sequence[_Part]) -> Elements:
    tags: dict[int, dict[str, str]] = {}
    ways: dict[int, Way] = {}
    relations: dict[int, Relation] = {}
    for part in parts:
        for ref, of_node in part.node_tags.items():
            _keep(tags, ref, of_node, len)
        for ref, way in part.ways.items():
            _keep(ways, ref, way, _tag_count)
        for ref, relation in part.relations.items():
            _keep(relations, ref, relation, _tag_count)
    ids = np.concatenate([np.array(part.ids, dtype=np.int64) for part in parts])
    place = np.concatenate([np.column_stack([part.x, part.y]) for part in parts])
    if (ids[1:] <= ids[:-1]).any():
        count = np.concatenate([_counts(part) for part in parts])
        order = np.lexsort((count, ids))  # stable: the later of equals stays last
        chosen = order[np.append(ids[order][1:] != ids[order][:-1], True)]
        ids, place = ids[chosen], place[chosen]
    return Elements(
        ids,
        (place / _GRID).reshape(-1, 2),
        dict(sorted(tags.items())),
        dict(sorted(ways.items())),
        dict(sorted(relations.items())),
        tuple(part.source for part in parts),
    )


def _counts(part: _Part) -> NDArray[np.int64]:
    """How many tags each node of a file has."""
    get = part.node_tags.get
    return np.array([len(get(ref, ())) for ref in part.ids], dtype=np.int64)
