"""Put the text of scripts and styles where a folium map has links, so that the page asks the network for nothing.

folium names its scripts and styles by address. The text of Leaflet comes from the installed package XStatic-Leaflet;
anything that no copy is at hand of is refused by name, because a page that is blank in the meeting room is worse than
an error on the desk.
"""

from __future__ import annotations

import base64
import html
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from branca.element import Element, Link
from folium.raster_layers import ImageOverlay, TileLayer, VideoOverlay, WmsTileLayer
from xstatic.pkg import leaflet

from circle15.errors import Circle15Error, Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

POLICY = (
    "default-src 'none'; img-src data: blob:; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "font-src data:; connect-src 'none'; base-uri 'none'; form-action 'none'"
)
_AT_HAND = {"leaflet": "leaflet.js", "leaflet_css": "leaflet.css"}  # folium's names of links, and files of ours
_MIME = {".png": "image/png", ".gif": "image/gif", ".svg": "image/svg+xml"}
_FROM_NETWORK = (TileLayer, WmsTileLayer, VideoOverlay)


class OfflineError(Circle15Error, LookupError):
    """A part of the map would have to be fetched from the network; its name is in the finding."""


class Verbatim(Element):
    """Markup that is written as it is; branca would read it as a template.

    Parameters
    ----------
    text : str
        The markup.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text

    def render(self, **_: object) -> str:
        """The markup."""
        return self.text


def policy(pictures: Iterable[str] = ()) -> Element:
    """The meta element that forbids the page to ask the network for anything, but for pictures from some hosts."""
    allowed = POLICY.replace("img-src data: blob:", " ".join(["img-src data: blob:", *pictures]))
    return Verbatim(f'<meta http-equiv="Content-Security-Policy" content="{html.escape(allowed)}" />')


def script(text: str) -> str:
    r"""A script element whose text cannot close it.

    Examples
    --------
    >>> script("const end = '</script>';")
    "<script>const end = '<\\/script>';</script>"
    """
    text = re.sub(r"</(?=script)", r"<\\/", text, flags=re.IGNORECASE).replace("<!--", r"<\!--")
    text = re.sub(r"^//# sourceMappingURL=.*$", "", text, flags=re.MULTILINE)  # developer tools would ask for it
    return f"<script>{text}</script>"


def inline(header: Element) -> None:
    """Replace every link in the head of a page by the text that it points to.

    Parameters
    ----------
    header : Element
        The head of a rendered figure; it is changed.

    Raises
    ------
    OfflineError
        With one finding per script or style that no copy is at hand of.
    """
    links = {name: child for name, child in header._children.items() if isinstance(child, Link)}  # noqa: SLF001
    missing = [
        Finding(
            f"map layer {name}",
            f"no copy of {child.url} is at hand, and the page may not fetch it",
            "Leave this layer out, or draw it with a layer that needs Leaflet alone (GeoJson, CircleMarker, PolyLine)",
        )
        for name, child in links.items()
        if name not in _AT_HAND
    ]
    if missing:
        raise OfflineError(*missing)
    for name in links:
        header.add_child(Verbatim(_text(_AT_HAND[name])), name=name)


def refuse_network(root: Element) -> None:
    """Refuse layers that fetch pictures while the map is looked at.

    Parameters
    ----------
    root : Element
        The map.

    Raises
    ------
    OfflineError
        With one finding per layer.
    """
    found = [
        Finding(
            f"map layer {one.get_name()}",
            "it fetches pictures from the network, which this page forbids",
            "Leave it out; the page draws its own base map",
        )
        for one in _family(root)
        if isinstance(one, _FROM_NETWORK) or (isinstance(one, ImageOverlay) and not one.url.startswith("data:"))
    ]
    if found:
        raise OfflineError(*found)


def _family(root: Element) -> Iterator[Element]:
    yield root
    for child in root._children.values():  # noqa: SLF001
        yield from _family(child)


@cache
def _text(file: str) -> str:
    """The markup that carries a file of Leaflet; pictures in a style become data addresses."""
    folder = Path(leaflet.BASE_DIR)
    text = (folder / file).read_text(encoding="utf-8")
    if file.endswith(".js"):
        return script(text)

    def picture(match: re.Match[str]) -> str:
        path = folder / match.group(1)
        if path.suffix not in _MIME or not path.is_file():
            return "none"  # such as behavior: url(#default#VML) of a browser long gone
        return f"url(data:{_MIME[path.suffix]};base64,{base64.b64encode(path.read_bytes()).decode()})"

    text = re.sub(r"url\(([^)]*)\)", picture, text)
    return f"<style>{text}</style>"
