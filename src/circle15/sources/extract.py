"""Extents of studies cut out of a large OSM file, in passes that keep only the cuts in memory.

Four passes over the file: nodes within the extents; ways and relations that touch them; ways that relations need to
close; and all that is wanted, written in the order of the file. Memory grows with what is cut and not with the
country: some 16 bytes a node, and a batch of ways. Many extents are cut in the same passes, each a bit of a mask.
"""

from __future__ import annotations

import errno
import hashlib
import os
from contextlib import ExitStack
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
import osmium
from osmium.osm import NODE, RELATION, WAY

from circle15.errors import ConfigError, DataError, Finding, SourceError
from circle15.sources.osm import LICENCE, readable, stated_date
from circle15.sources.shapes import AREA_RELATIONS
from circle15.sources.sound_pbf import require_sound_pbf

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    Ids = NDArray[np.int64]
    Masks = NDArray[np.uint64]
    Bounds = tuple[float, float, float, float]

_GRID = 10_000_000  # OSM keeps coordinates in whole units of 1e-7 degree
LARGEST_AREA_LEVEL = 4  # boundaries of provinces and countries are kept, but not closed with all of their ways
_FULL = os.strerror(errno.ENOSPC)  # in the words of osmium a full disk and a damaged file are alike
AT_ONCE = 63  # extents that are cut in the same passes
_BATCH = 100_000  # things that are looked at together


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
    boxes = {} if bounds is None else {target: bounds}
    cut = _Cut(file, [target], boxes, whole=whole)
    with readable(file):
        cut.look(announce)
        date = stated_date(file)
    kind, _, number = whole.partition("/")
    if whole and not (cut.ways if kind == "way" else cut.relations).of(np.array([int(number)])).any():
        mend = "Give the id of a way or relation in it, such as relation/4738525, or a boundary file"
        raise ConfigError(Finding("[area] boundary_osm", f"{file.name} has no {whole}", mend))
    if cut.empty:
        problem = "nothing of it lies in the extent of the study"
        raise DataError(Finding(file.name, problem, "Give an extract that covers the study area"))
    announce("cut: write")
    cut.write()
    with file.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    return {"file": file.name, "bytes": file.stat().st_size, "sha256": digest, "date": date, "licence": LICENCE}


def cut_tiles(file: Path, boxes: Mapping[Path, Bounds], *, announce: Callable[[str], None] = lambda _: None) -> None:
    """Cut many boxes out of a large OSM file, as `cut_osm` cuts one, up to 63 of them in the same four passes.

    Parameters
    ----------
    file : Path
        ``.osm.pbf`` or XML, sorted by type and then id as extracts are.
    boxes : mapping of Path to bounds
        The file to write for each box; each appears whole or not at all. A box without data gets a file without any.
    announce : callable, optional
        Called with a line of progress.

    Raises
    ------
    SourceError
        When the file cannot be read.
    OSError
        When the disk is full.
    """
    left = iter(boxes.items())
    while some := list(islice(left, AT_ONCE)):
        drafts = {target.with_name(f".{target.name}"): bounds for target, bounds in some}
        cut = _Cut(file, list(drafts), drafts)
        with readable(file):
            cut.look(announce)
        announce(f"cut: write {len(drafts):,} files")
        cut.write()
        for (target, _), draft in zip(some, drafts, strict=True):
            draft.replace(target)


class _Marks:
    """Which extents want which ids: sorted ids, and a bit for each extent."""

    def __init__(self) -> None:
        self.ids: Ids = np.empty(0, np.int64)
        self.masks: Masks = np.empty(0, np.uint64)
        self._new: list[tuple[Ids, Masks]] = []

    def add(self, ids: Ids, masks: Masks) -> None:
        """Remember more of them; `gather` makes them known."""
        wanted = masks != 0
        self._new.append((ids[wanted], masks[wanted]))

    def gather(self) -> None:
        """Merge what was added: each id once, with the bits of all."""
        ids = np.concatenate([self.ids, *(ids for ids, _ in self._new)])
        masks = np.concatenate([self.masks, *(masks for _, masks in self._new)])
        self._new.clear()
        order = np.argsort(ids, kind="stable")
        ids, masks = ids[order], masks[order]
        first = np.flatnonzero(np.diff(ids, prepend=np.iinfo(np.int64).min))
        self.ids, self.masks = ids[first], np.bitwise_or.reduceat(masks, first) if len(first) else masks

    def of(self, ids: Ids) -> Masks:
        """The mask of each id; 0 where nobody wants it."""
        if not len(self.ids):
            return np.zeros(len(ids), np.uint64)
        at = np.minimum(np.searchsorted(self.ids, ids), len(self.ids) - 1)
        return np.where(self.ids[at] == ids, self.masks[at], np.uint64(0))

    def pairs(self) -> Iterator[tuple[int, int]]:
        """Ids in order, each with its mask, a batch at a time."""
        for first in range(0, len(self.ids), _BATCH):
            chosen = slice(first, first + _BATCH)
            yield from zip(self.ids[chosen].tolist(), self.masks[chosen].tolist(), strict=True)


class _Cut:
    """What every target wants of the file, and writing it."""

    def __init__(self, file: Path, targets: list[Path], boxes: Mapping[Path, Bounds], *, whole: str = "") -> None:
        self.file, self.targets, self.whole = file, targets, whole
        self.boxes = list(boxes.values())
        self.inside, self.nodes, self.ways, self.relations, self.missing = (_Marks() for _ in range(5))

    @property
    def empty(self) -> bool:
        """Whether nothing at all is wanted."""
        return not len(self.nodes.ids)

    def look(self, announce: Callable[[str], None]) -> None:
        """Find out what is wanted."""
        if self.file.name.endswith(".pbf"):
            require_sound_pbf(self.file)
        announce("cut: nodes")
        if self.boxes:
            for batch in _batches(_things(self.file, NODE), _node, _BATCH):
                ids, x, y = np.array(batch, dtype=np.int64).T
                self.inside.add(ids, self._within(x, y))
        self.inside.gather()
        announce("cut: ways and relations")
        self._touching()
        announce("cut: areas made whole")
        if len(self.missing.ids):
            for batch in _batches(_things(self.file, WAY), _way, _BATCH):
                ids, refs, first = _flat(batch)
                self._take(ids, refs, first, self.missing.of(ids))
        self.ways.gather()
        self.nodes.add(self.inside.ids, self.inside.masks)
        self.nodes.gather()

    def _within(self, x: Ids, y: Ids) -> Masks:
        found = np.zeros(len(x), np.uint64)
        for bit, bounds in enumerate(self.boxes):
            west, south, east, north = (round(side * _GRID) for side in bounds)
            inside = (x >= west) & (x <= east) & (y >= south) & (y <= north)
            found[inside] |= np.uint64(1 << bit)
        return found

    def _take(self, ids: Ids, refs: Ids, first: NDArray[np.intp], masks: Masks) -> None:
        """Ways, and all their nodes."""
        self.ways.add(ids, masks)
        self.nodes.add(refs, np.repeat(masks, np.diff(first, append=len(refs))))

    def _touching(self) -> None:
        """Ways and relations that have something in an extent, and the ways that these relations need besides."""
        for batch in _batches(_things(self.file, WAY), _way, _BATCH):
            ids, refs, first = _flat(batch)
            masks = np.bitwise_or.reduceat(self.inside.of(refs), first) if len(ids) else np.empty(0, np.uint64)
            self._take(ids, refs, first, masks | self._asked("way", ids))
        self.ways.gather()
        found: dict[int, int] = {}
        for relation in _things(self.file, RELATION):
            members = {kind: [one.ref for one in relation.members if one.type == kind] for kind in "nwr"}
            ways = np.array(members["w"], np.int64)
            touched = [self.inside.of(np.array(members["n"], np.int64)), self.ways.of(ways)]
            asked = self._asked("relation", np.array([relation.id]))
            mask = int(asked[0])
            if self.boxes:
                mask |= int(np.bitwise_or.reduce(np.concatenate(touched), initial=np.uint64(0)))
                for ref in members["r"]:  # a relation may be the member of a later one
                    mask |= found.get(ref, 0)
            if relation.deleted or not mask:
                continue
            found[relation.id] = mask
            if asked[0] or _closes(relation):
                self.missing.add(ways, np.uint64(mask) & ~self.ways.of(ways))
        self.relations.add(np.array(list(found), np.int64), np.array(list(found.values()), np.uint64))
        self.relations.gather()
        self.missing.gather()

    def _asked(self, kind: str, ids: Ids) -> Masks:
        """The first target's bit for the one thing that is wanted whole."""
        if not self.whole.startswith(f"{kind}/"):
            return np.zeros(len(ids), np.uint64)
        asked: Masks = (ids == int(self.whole.partition("/")[2])).astype(np.uint64)
        return asked

    def write(self) -> None:
        """Write every target, in the order of the file.

        Raises
        ------
        OSError
            When the disk is full.
        """
        try:
            with readable(self.file), ExitStack() as opened:
                header = osmium.FileProcessor(str(self.file)).header  # keeps the date of the data
                writers = [
                    opened.enter_context(osmium.SimpleWriter(str(target), header=header, overwrite=True))
                    for target in self.targets
                ]
                for kind, marks in ((NODE, self.nodes), (WAY, self.ways), (RELATION, self.relations)):
                    _write(self.file, kind, marks, writers)
        except SourceError as error:
            if _FULL not in str(error):
                raise
            raise OSError(errno.ENOSPC, _FULL, str(self.targets[0])) from None


def _write(file: Path, kind: Any, marks: _Marks, writers: list[Any]) -> None:  # noqa: ANN401
    wanted = marks.pairs()
    number, mask = next(wanted, (None, 0))
    for thing in _things(file, kind) if number is not None else ():
        while number is not None and number < thing.id:
            number, mask = next(wanted, (None, 0))
        if number is None:
            return
        if number == thing.id:
            for bit, writer in enumerate(writers):
                if mask >> bit & 1:
                    writer.add(thing)


def _things(file: Path, kinds: Any) -> Iterator[Any]:  # noqa: ANN401  osmium's objects are not typed
    return iter(osmium.FileProcessor(str(file), kinds))


def _node(node: Any) -> tuple[int, int, int]:  # noqa: ANN401
    place = node.location
    return node.id, place.x, place.y


def _way(way: Any) -> tuple[int, list[int]]:  # noqa: ANN401
    return way.id, [node.ref for node in way.nodes]


def _batches(things: Iterable[Any], told: Callable[[Any], Any], size: int) -> Iterator[list[Any]]:
    """What is told of things that were not deleted, many at a time."""
    batch = []
    for thing in things:
        if not thing.deleted:
            batch.append(told(thing))
            if len(batch) == size:
                yield batch
                batch = []
    if batch:
        yield batch


def _flat(ways: list[tuple[int, list[int]]]) -> tuple[Ids, Ids, NDArray[np.intp]]:
    """Ids of ways that have nodes, all their nodes, and where each way's begin."""
    ways = [way for way in ways if way[1]]
    sizes = np.array([len(refs) for _, refs in ways], dtype=np.intp)
    refs = np.array([ref for _, refs in ways for ref in refs], dtype=np.int64)
    return np.array([number for number, _ in ways], dtype=np.int64), refs, np.cumsum(sizes) - sizes


def _closes(relation: Any) -> bool:  # noqa: ANN401
    """Whether a relation is an area that is to be whole."""
    level = relation.tags.get("admin_level", "")
    vast = level.isdecimal() and int(level) <= LARGEST_AREA_LEVEL
    return relation.tags.get("type") in AREA_RELATIONS and not vast
