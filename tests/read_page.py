"""What a page carries, read back the plain way, as its own script does it."""

from __future__ import annotations

import base64
import gzip
import html.parser
import json
from typing import Any


class _Elements(html.parser.HTMLParser):
    """The inert elements of a page: attributes and text by name."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, list[Any]] = {}
        self.name = ""

    def handle_starttag(self, _: str, attrs: list[tuple[str, str | None]]) -> None:
        about = dict(attrs)
        self.name = (about.get("id") or "").removeprefix("circle15-") if "data-arrays" in about else ""
        if self.name:
            self.found[self.name] = [about["data-arrays"], ""]

    def handle_endtag(self, _: str) -> None:
        self.name = ""

    def handle_data(self, data: str) -> None:
        if self.name:
            self.found[self.name][1] += data


SHARE = """(canvas) => {  // of the pixels of a canvas, those that are drawn on
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  let drawn = 0;
  for (let k = 3; k < data.length; k += 4) drawn += data[k] > 0;
  return (4 * drawn) / data.length;
}"""


def _element(page: str, name: str) -> tuple[str, bytes]:
    elements = _Elements()
    elements.feed(page)
    directory, text = elements.found[name]
    return directory, gzip.decompress(base64.b64decode(text))


def unpacked(text: bytes) -> list[int]:
    """Whole numbers of seven bits a byte, sign in the lowest bit."""
    found, shift, folded = [], 0, 0
    for byte in text:
        folded |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            found.append((folded >> 1) ^ -(folded & 1))
            shift = folded = 0
    return found


def number_arrays(page: str, name: str) -> dict[str, list[int]]:
    """The arrays of a block by their names; nothing is left over."""
    directory, content = _element(page, name)
    values, arrays, at = unpacked(content), {}, 0
    for entry in directory.split():
        key, length = entry.split(":")
        arrays[key] = values[at : at + int(length)]
        at += int(length)
    assert at == len(values)
    return arrays


def plain_values(page: str, name: str) -> Any:
    """The plain values of a block."""
    return json.loads(_element(page, name)[1])
