"""How a sound file is spoilt: bytes, blocks, numbers, words of each format, and parts inside packed files."""

from __future__ import annotations

import bz2
import gzip
import io
import re
import zipfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

LARGEST = 100_000  # bytes of one input
NUMBERS = (
    *(b"0", b"-1", b"nan", b"NaN", b"-inf", b"Infinity", b"1e308", b"1e999", b"-1e-320", b"180.0000001", b"90"),
    *(b"2147483647", b"-2147483649", b"9223372036854775808", b"18446744073709551616", b"9" * 400, b"0x10", b"1_0"),
    *(b"1,5", b"1.5.5", b"00", b"+1", b"1e5", b"\xef\xbc\x91\xef\xbc\x92", b"1e-7", b"true", b"null", b'""', b"[]"),
)
WORDS = (
    *(b"", b"\x00", b"\n", b"\r", b"\r\n", b"\t", b'"', b"'", b",", b";", b"{", b"}", b"[", b"]", b"<", b">", b"&"),
    *(b"../../etc/passwd", b"..\\..\\x", b"/vsicurl/http://127.0.0.1:9/x", b"http://127.0.0.1:9/", b"a/b", b"."),
    *(b"=1+1", b"+1", b"-1+1", b"@SUM(1)", b"<script>alert(1)</script>", b"\xe2\x80\xae", b"\xef\xbb\xbf", b"\xff\xfe"),
    *(b"\xc3\x28", b"\xed\xa0\x80", b"\xf0\x9f\x9a\xb6", b"\xe6\xb8\x9d" * 50, b"x" * 10_000, b"(" * 500, b"[" * 3000),
    *(b"nan", b"None", b"NULL", b"true", b"#REF!", b"%s%n", b"{0}", b"\\u0000", b"\\ud800", b"&amp;", b"]]>", b"<!--"),
)
NUMBER = re.compile(rb"-?\d+(?:\.\d+)?")


def mutate(rng: random.Random, seeds: Sequence[bytes], words: Sequence[bytes] = ()) -> bytes:
    """One spoilt input.

    Parameters
    ----------
    rng : random.Random
        Decides everything.
    seeds : sequence of bytes
        Sound inputs.
    words : sequence of bytes
        Words of the format, besides those that trouble any format.

    Returns
    -------
    bytes
        At most 100,000.
    """
    seed = rng.choice(seeds)
    again = _repacked(rng, seed, words)
    if again is not None:
        return again
    return _spoilt(rng, seed, seeds, words)


def _spoilt(rng: random.Random, seed: bytes, seeds: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    content = bytearray(seed)
    ways = IN_PLACE if b"\0" in seed[:LARGEST] and rng.random() < 0.7 else WAYS  # a binary file is full of lengths
    for _ in range(rng.choice((1, 1, 1, 1, 2, 2, 3, 5, 12))):
        content = rng.choice(ways)(rng, content, seeds, words)[: max(LARGEST, len(seed))]
    return bytes(content)


def _place(rng: random.Random, content: bytearray) -> int:
    """Somewhere, and often near the beginning, where heads are."""
    return rng.randrange(min(len(content), rng.choice((64, 512, LARGEST))) + 1)


def _flip(rng: random.Random, content: bytearray, *_: object) -> bytearray:
    if content:
        at = min(_place(rng, content), len(content) - 1)
        content[at] ^= 1 << rng.randrange(8)
    return content


def _set(rng: random.Random, content: bytearray, *_: object) -> bytearray:
    at, value = _place(rng, content), rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
    size = rng.choice((1, 1, 2, 4, 8))
    content[at : at + size] = bytes([value]) * len(content[at : at + size])
    return content


def _cut(rng: random.Random, content: bytearray, *_: object) -> bytearray:
    return content[: _place(rng, content)]


def _drop(rng: random.Random, content: bytearray, *_: object) -> bytearray:
    at = _place(rng, content)
    del content[at : at + rng.choice((1, 2, 4, 16, 100, 1000))]
    return content


def _double(rng: random.Random, content: bytearray, *_: object) -> bytearray:
    at, size = _place(rng, content), rng.choice((1, 8, 64, 512))
    block = content[at : at + size] * rng.choice((1, 1, 2, 100))
    content[at:at] = block
    return content


def _splice(rng: random.Random, content: bytearray, seeds: Sequence[bytes], _: object) -> bytearray:
    other = bytearray(rng.choice(seeds))
    return content[: _place(rng, content)] + other[_place(rng, other) :]


def _word(rng: random.Random, content: bytearray, _: object, words: Sequence[bytes]) -> bytearray:
    at = _place(rng, content)
    word = rng.choice(words) if words and rng.random() < 0.5 else rng.choice(WORDS)
    size = rng.choice((0, len(word)))
    content[at : at + size] = word
    return content


def _number(rng: random.Random, content: bytearray, *_: object) -> bytearray:
    """Put a number that troubles in the place of one that is there."""
    found = list(NUMBER.finditer(bytes(content[:20_000])))
    if found:
        at = rng.choice(found)
        content[at.start() : at.end()] = rng.choice(NUMBERS)
    return content


def _value(rng: random.Random, content: bytearray, _: object, words: Sequence[bytes]) -> bytearray:
    """Put another word in the place of what stands between quotes, commas or brackets."""
    found = list(re.finditer(rb'(?<=[",>=\t;])[^",<>\n\t;]+(?=[",<\n\t;])', bytes(content[:20_000])))
    if found:
        at = rng.choice(found)
        content[at.start() : at.end()] = rng.choice([*WORDS, *NUMBERS, *words])
    return content


def _lines(rng: random.Random, content: bytearray, *_: object) -> bytearray:
    """Exchange, repeat or drop lines; mix their ends."""
    lines = content.splitlines(keepends=True)
    if len(lines) > 1:
        one, other = rng.randrange(len(lines)), rng.randrange(len(lines))
        kind = rng.randrange(4)
        if kind == 0:
            lines[one], lines[other] = lines[other], lines[one]
        elif kind == 1:
            lines.insert(one, lines[other])
        elif kind == 2:
            del lines[one]
        else:
            lines[one] = bytearray(lines[one].rstrip(b"\r\n") + rng.choice((b"\r", b"\r\n", b"\n\r", b"\n\n", b"")))
    return bytearray(b"".join(lines))


IN_PLACE: tuple[Callable[..., bytearray], ...] = (_flip, _flip, _set)
WAYS: tuple[Callable[..., bytearray], ...] = (
    *(_flip, _set, _cut, _drop, _double, _splice, _word, _word, _number, _number, _value, _value, _lines),
)


def _repacked(rng: random.Random, seed: bytes, words: Sequence[bytes]) -> bytes | None:
    """A packed file with a spoilt part inside, two times of three; nothing for one that is not packed."""
    if rng.random() < 1 / 3:
        return None
    if seed.startswith(b"\x1f\x8b"):
        return gzip.compress(_spoilt(rng, gzip.decompress(seed), [gzip.decompress(seed)], words), 1, mtime=0)
    if seed.startswith(b"BZh"):
        return bz2.compress(_spoilt(rng, bz2.decompress(seed), [bz2.decompress(seed)], words), 1)
    if not seed.startswith(b"PK\x03\x04"):
        return None
    with zipfile.ZipFile(io.BytesIO(seed)) as folder:
        parts = {name: folder.read(name) for name in folder.namelist()}
    name = rng.choice(list(parts))
    parts[name] = _spoilt(rng, parts[name], [parts[name]], words)
    if rng.random() < 0.05:
        parts[rng.choice(("../up.txt", "xl/\x00", *parts))] = b"<a/>"
    return packed(parts)


def packed(parts: dict[str, bytes]) -> bytes:
    """A zip of these parts, the same whenever it is made."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as folder:
        for name, content in parts.items():
            folder.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()
