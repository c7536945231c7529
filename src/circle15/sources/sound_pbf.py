"""Whether a .osm.pbf may be handed to osmium, which trusts what it should not.

libosmium keeps the tags of an element as words that end in a zero byte. A word with a zero byte inside shifts all that
follow, and reading them goes beyond the element, which ends the process. So the words are looked at first. The format:
https://wiki.openstreetmap.org/wiki/PBF_Format.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

from circle15.errors import DataError, Finding, SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MOST_HEADER, MOST_BLOB = 64 * 1024, 32 * 1024 * 1024  # bytes, as the format says
_VARINT, _FIXED_64, _BYTES, _FIXED_32 = 0, 1, 2, 5  # how a field is written
_RAW, _ZLIB = 1, 3  # fields of a blob


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
        for words in _tables(path):
            if any(0 in word for word in words):
                problem = "a tag in it holds a zero byte, which no text does"
                raise DataError(
                    Finding(path.name, problem, "Take another copy: the file is damaged or was tampered with")
                )
    except (IndexError, struct.error, zlib.error, _UnsoundError) as error:
        text = f"it cannot be read as OSM data ({str(error).strip().rstrip('.') or 'it is cut off'})"
        mend = "Download it again: it is cut off, damaged or of another kind"
        raise SourceError(Finding(path.name, text, mend)) from None


class _UnsoundError(Exception):
    """What is not as the format says."""


def _tables(path: Path) -> Iterator[list[bytes]]:
    """The words of each block of a file."""
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
                yield [
                    word
                    for field, table in _fields(_unpacked(blob))
                    if field == 1 and isinstance(table, bytes)
                    for _, word in _fields(table)
                    if isinstance(word, bytes)
                ]


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
