"""The extent of a study cut out of a large OSM file, in passes that keep only the cut in memory.

Four passes over the file: nodes within the extent; ways and relations that touch it; ways that relations need to
close; and all that is wanted, written in the order of the file. Memory grows with the cut and not with the country.
"""

from __future__ import annotations

import errno
import hashlib
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import osmium
from osmium.osm import NODE, RELATION, WAY

from circle15.errors import ConfigError, DataError, Finding, SourceError
from circle15.sources.osm import LICENCE, readable, stated_date
from circle15.sources.shapes import AREA_RELATIONS
from circle15.sources.sound_pbf import require_sound_pbf

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_GRID = 10_000_000  # OSM keeps coordinates in whole units of 1e-7 degree
LARGEST_AREA_LEVEL = 4  # boundaries of provinces and countries are kept, but not closed with all of their ways
_FULL = os.strerror(errno.ENOSPC)  # in the words of osmium a full disk and a damaged file are alike


@dataclass
class _Wanted:
    """Ids of what belongs to the cut."""

    inside: set[int] = field(default_factory=set)  # nodes within the extent
    nodes: set[int] = field(default_factory=set)  # nodes of ways
    ways: set[int] = field(default_factory=set)
    relations: set[int] = field(default_factory=set)
    missing: set[int] = field(default_factory=set)  # ways that only relations need


def cut_osm(
    file: Path,
    bounds: tuple[float, float, float, float] | None,
    target: Path,
    *,
    whole: str = "",
    announce: Callable[[str], None] = lambda _: None,
) -> dict[str, object]:
    """Cut a box out of a large OSM file: ways are whole, areas have all their ways, tags stay as they are.

    Kept are nodes within the box; ways with a node in it, and all nodes of these; relations with a node or a way that
    is kept. The other ways of kept multipolygons and boundaries are added, so that they close, but not those of
    provinces and countries (``admin_level`` of 4 or less).

    Parameters
    ----------
    file : Path
        ``.osm.pbf`` or XML, sorted by type and then id as extracts are.
    bounds : tuple of float
        West, south, east and north in WGS-84 degrees; None for nothing but what `whole` names.
    target : Path
        The file to write, ending in ``.osm.pbf``.
    whole : str
        A relation or way that is kept with all its ways wherever it lies, such as ``relation/4738525``.
    announce : callable, optional
        Called with a line of progress.

    Returns
    -------
    dict
        Name, size, hash, date and licence of the large file.

    Raises
    ------
    SourceError
        When the file cannot be read.
    ConfigError
        When `whole` is not in it.
    DataError
        When nothing of it lies in the box.
    OSError
        When the disk is full.
    """
    wanted = _Wanted()
    with readable(file):
        if file.name.endswith(".pbf"):
            require_sound_pbf(file)
        announce("cut: nodes")
        wanted.inside = set() if bounds is None else _nodes_within(file, bounds)
        announce("cut: ways and relations")
        _touching(file, wanted, whole=whole)
        announce("cut: areas made whole")
        for way in _things(file, WAY) if wanted.missing else ():
            if way.id in wanted.missing:
                wanted.ways.add(way.id)
                wanted.nodes.update(node.ref for node in way.nodes)
        date = stated_date(file)
    kind, _, number = whole.partition("/")
    if whole and int(number) not in (wanted.ways if kind == "way" else wanted.relations):
        mend = "Give the id of a way or relation in it, such as relation/4738525, or a boundary file"
        raise ConfigError(Finding("[area] boundary_osm", f"{file.name} has no {whole}", mend))
    if not wanted.inside and not wanted.ways:
        problem = "nothing of it lies in the extent of the study"
        raise DataError(Finding(file.name, problem, "Give an extract that covers the study area"))
    announce("cut: write")
    try:
        with readable(file):
            _write(file, wanted, target)
    except SourceError as error:
        if _FULL not in str(error):
            raise
        raise OSError(errno.ENOSPC, _FULL, str(target)) from None
    with file.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    return {"file": file.name, "bytes": file.stat().st_size, "sha256": digest, "date": date, "licence": LICENCE}


def _things(file: Path, kinds: Any) -> Iterator[Any]:  # noqa: ANN401  osmium's objects are not typed
    return iter(osmium.FileProcessor(str(file), kinds))


def _nodes_within(file: Path, bounds: tuple[float, float, float, float]) -> set[int]:
    west, south, east, north = (round(side * _GRID) for side in bounds)
    found = set()
    for node in _things(file, NODE):
        place = node.location
        if west <= place.x <= east and south <= place.y <= north and not node.deleted:
            found.add(node.id)
    return found


def _touching(file: Path, wanted: _Wanted, *, whole: str) -> None:
    """Ways and relations that have something in the box, and the ways that these relations need besides."""
    for thing in _things(file, WAY | RELATION):
        if thing.deleted:
            continue
        if thing.is_way():
            refs = [node.ref for node in thing.nodes]
            if not wanted.inside.isdisjoint(refs) or whole == f"way/{thing.id}":
                wanted.ways.add(thing.id)
                wanted.nodes.update(refs)
            continue
        members = [(member.type, member.ref) for member in thing.members]
        asked = whole == f"relation/{thing.id}"
        known = {"n": wanted.inside, "w": wanted.ways, "r": wanted.relations}
        if asked or (wanted.inside and any(ref in known[kind] for kind, ref in members)):
            wanted.relations.add(thing.id)
            if asked or _closes(thing):
                wanted.missing.update(ref for kind, ref in members if kind == "w" and ref not in wanted.ways)


def _closes(relation: Any) -> bool:  # noqa: ANN401
    """Whether a relation is an area that is to be whole."""
    level = relation.tags.get("admin_level", "")
    vast = level.isdecimal() and int(level) <= LARGEST_AREA_LEVEL
    return relation.tags.get("type") in AREA_RELATIONS and not vast


def _write(file: Path, wanted: _Wanted, target: Path) -> None:
    nodes = wanted.inside | wanted.nodes
    header = osmium.FileProcessor(str(file)).header  # keeps the date of the data
    with osmium.SimpleWriter(str(target), header=header) as writer:
        for thing in _things(file, NODE | WAY | RELATION):
            if thing.is_node():
                if thing.id in nodes:
                    writer.add_node(thing)
            elif thing.is_way():
                if thing.id in wanted.ways:
                    writer.add_way(thing)
            elif thing.is_relation() and thing.id in wanted.relations:
                writer.add_relation(thing)
