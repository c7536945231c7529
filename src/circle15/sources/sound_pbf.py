"""Whether a .osm.pbf may be handed to osmium, which trusts what it should not; and the places of its nodes in bulk.

libosmium keeps the tags of an element as words that end in a zero byte. A word with a zero byte inside shifts all that
follow, and reading them goes beyond the element, which ends the process. So the words are looked at first. The format:
https://wiki.openstreetmap.org/wiki/PBF_Format.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from circle15.errors import DataError, Finding, SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

MOST_HEADER, MOST_BLOB = 64 * 1024, 32 * 1024 * 1024  # bytes, as the format says
_VARINT, _FIXED_64, _BYTES, _FIXED_32 = 0, 1, 2, 5  # how a field is written
_RAW, _ZLIB = 1, 3  # fields of a blob
_GROUP, _DENSE = 2, 2  # fields of a block and of a group in it
_UNITS = {17: 100, 19: 0, 20: 0}  # fields of a block and what they usually hold: granularity, offsets
_IDS, _INFO, _VISIBLE, _LAT, _LON = 1, 5, 6, 8, 9  # fields of dense nodes; visible is one of their info
_LARGEST = 2**31 - 1  # of a coordinate on the grid of 1e-7 degree
_UNSOUND = (IndexError, struct.error, zlib.error)


def require_sound_pbf(path: Path) -> None:
    """Refuse a file whose words hold zero bytes, or that is not built as the format says.

    Parameters
    ----------
    path : Path
        A ``.osm.pbf``; it is read and unpacked once, block by block.

    Raises
    ------
    SourceError
        When it is cut off, damaged or packed in another way than the usual.
    DataError
        When a tag holds a zero byte.
    """
    try:
        for block in _blocks(path):
            if any(0 in word for word in _words(block)):
                problem = "a tag in it holds a zero byte, which no text does"
                raise DataError(
                    Finding(path.name, problem, "Take another copy: the file is damaged or was tampered with")
                )
    except (*_UNSOUND, _UnsoundError) as error:
        text = f"it cannot be read as OSM data ({str(error).strip().rstrip('.') or 'it is cut off'})"
        mend = "Download it again: it is cut off, damaged or of another kind"
        raise SourceError(Finding(path.name, text, mend)) from None


class Nodes(NamedTuple):
    """Numbers of nodes in the order of the file, and their longitudes and latitudes in whole units of 1e-7 degree."""

    ids: NDArray[np.int64]
    x: NDArray[np.int64]
    y: NDArray[np.int64]


def nodes_of(path: Path) -> Nodes | None:
    """The nodes of a sound file without their tags, block by block instead of one by one.

    Parameters
    ----------
    path : Path
        A ``.osm.pbf`` that `require_sound_pbf` passed.

    Returns
    -------
    Nodes or None
        None where anything is written in another way than extracts usually are: nodes one by one, deleted ones,
        coordinates on another grid. osmium reads such a file as well, and says what is wrong with it.
    """
    found: list[Nodes] = []
    try:
        for block in _blocks(path):
            for number, group in _fields(block):
                if _UNITS.get(number, group) != group:
                    return None
                if number == _GROUP and isinstance(group, bytes):
                    for kind, value in _fields(group):
                        if kind == 1:
                            return None
                        if kind == _DENSE and isinstance(value, bytes):
                            found.append(_dense(dict(_fields(value))))
    except (*_UNSOUND, _UnsoundError):
        return None
    none = np.empty(0, np.int64)
    return Nodes(*(np.concatenate(column) for column in zip((none, none, none), *found, strict=True)))


def _dense(fields: dict[int, int | bytes]) -> Nodes:
    """Nodes that are written as three columns of differences."""
    info = fields.get(_INFO, b"")
    columns = [_differences(fields.get(column, b"")) for column in (_IDS, _LON, _LAT)]
    if any(number == _VISIBLE for number, _ in _fields(info if isinstance(info, bytes) else b"")):
        message = "a node may be a deleted one"
        raise _UnsoundError(message)
    if (
        len({len(column) for column in columns}) > 1
        or max(np.abs(one).max(initial=0) for one in columns[1:]) > _LARGEST
    ):
        message = "coordinates that belong to no node, or to no place"
        raise _UnsoundError(message)
    return Nodes(*columns)


def _differences(packed: int | bytes) -> NDArray[np.int64]:
    """The numbers whose differences are packed, each in groups of seven bits with its sign in the lowest one."""
    data = np.frombuffer(packed if isinstance(packed, bytes) else b"", np.uint8)
    end = np.flatnonzero(data < 128) + 1  # noqa: PLR2004  the top bit says that more follows
    begin = np.append(0, end[:-1])[: len(end)]
    longest = int((end - begin).max(initial=0))
    if longest > 10 or len(data) != end.max(initial=0):  # noqa: PLR2004  seven bits each
        message = "a number of too many bytes"
        raise _UnsoundError(message)
    value = np.zeros(len(end), np.uint64)
    for place in range(longest):
        more = np.flatnonzero(end - begin > place)
        value[more] |= (data[begin[more] + place] & np.uint64(127)) << np.uint64(7 * place)
    signed = (value >> np.uint64(1)).astype(np.int64) ^ -(value & np.uint64(1)).astype(np.int64)
    return np.cumsum(signed)


class _UnsoundError(Exception):
    """What is not as the format says."""


def _blocks(path: Path) -> Iterator[bytes]:
    """The blocks of a file, unpacked."""
    with path.open("rb") as file:
        while start := file.read(4):
            (size,) = struct.unpack(">I", start)
            if size > MOST_HEADER:
                message = "invalid BlobHeader size"
                raise _UnsoundError(message)
            head = dict(_fields(file.read(size)))
            length = head.get(3, 0)
            if not isinstance(length, int) or length > MOST_BLOB:
                message = "invalid blob size"
                raise _UnsoundError(message)
            blob = file.read(length)
            if len(blob) < length:
                message = "it is cut off"
                raise _UnsoundError(message)
            if head.get(1) == b"OSMData":
                yield _unpacked(blob)


def _words(block: bytes) -> list[bytes]:
    """The words of a block."""
    tables = [table for field, table in _fields(block) if field == 1 and isinstance(table, bytes)]
    return [word for table in tables for _, word in _fields(table) if isinstance(word, bytes)]


def _unpacked(blob: bytes) -> bytes:
    fields = dict(_fields(blob))
    raw, packed = fields.get(_RAW), fields.get(_ZLIB)
    if isinstance(raw, bytes):
        return raw
    if not isinstance(packed, bytes):
        message = "its blocks are packed neither plainly nor by zlib"
        raise _UnsoundError(message)
    unpacker = zlib.decompressobj()
    content = unpacker.decompress(packed, MOST_BLOB)
    if not unpacker.eof:
        message = "a block is cut off or unpacks to more than the format allows"
        raise _UnsoundError(message)
    return content


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Number and value of each field of a protobuf message."""
    at, end = 0, len(data)
    while at < end:
        key, at = _varint(data, at)
        kind = key & 7
        if kind == _BYTES:
            size, at = _varint(data, at)
            if size > end - at:
                message = "a field is longer than its block"
                raise _UnsoundError(message)
            yield key >> 3, data[at : at + size]
            at += size
        elif kind == _VARINT:
            value, at = _varint(data, at)
            yield key >> 3, value
        elif kind in (_FIXED_32, _FIXED_64):
            at += 4 if kind == _FIXED_32 else 8
        else:
            message = "a field of an unknown kind"
            raise _UnsoundError(message)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A whole number in groups of seven bits, and the place after it."""
    value = data[at]
    if value < 128:  # noqa: PLR2004  the top bit says that more follows
        return value, at + 1
    value &= 127
    for shift in range(7, 70, 7):
        at += 1
        byte = data[at]
        value |= (byte & 127) << shift
        if byte < 128:  # noqa: PLR2004
            return value, at + 1
    message = "a number of too many bytes"
    raise _UnsoundError(message)
