"""A base map of pictures from the network, for who asks for one; the only file that knows xyzservices.

The page draws its own base map and needs no network. With a backdrop it says that it needs one, its policy lets it
fetch pictures from the hosts of that one provider and nothing else, and everything is still shown where they do not
come.
"""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

import numpy as np
import xyzservices.providers
from xyzservices import TileProvider

from circle15.errors import ConfigError, Finding
from circle15.sources.datum import from_wgs84

TIANDITU = {  # 天地图: CGCS2000, which needs no shift; a key of one's own
    "Tianditu.Normal": ("vec", "cva"),
    "Tianditu.Imagery": ("img", "cia"),
    "Tianditu.Terrain": ("ter", "cta"),
}
SHIFTED = "gaode"  # 高德: pictures in GCJ-02
HOSTS = "01234567"  # of Tianditu
GRID = 9  # places on each side of the page's ground at which the shift of GCJ-02 is told


@dataclass(frozen=True)
class Backdrop:
    """Where the pictures of a base map come from.

    Parameters
    ----------
    name : str
        Of the provider, as xyzservices has it, or one of `TIANDITU`.
    urls : tuple of str
        One layer each, with {z}, {x}, {y} and perhaps {s} and {r}.
    attribution : str
        Plain text, always shown.
    subdomains : str or tuple of str
        What {s} stands for.
    max_zoom : int
        Beyond which pictures are stretched.
    gcj02 : bool
        Whether the pictures are in GCJ-02, and so have to be shifted.

    Examples
    --------
    >>> found = Backdrop.of("Gaode.Normal")
    >>> found.gcj02, found.hosts[0]
    (True, 'http://webrd01.is.autonavi.com')
    """

    name: str
    urls: tuple[str, ...]
    attribution: str
    subdomains: tuple[str, ...]
    max_zoom: int
    gcj02: bool

    @classmethod
    def of(cls, given: str | TileProvider, *, key: str = "") -> Backdrop:
        """A provider by its name, or one of xyzservices itself.

        Parameters
        ----------
        given : str or TileProvider
            Such as ``OpenStreetMap.Mapnik``, ``Gaode.Normal``, ``Tianditu.Normal``.
        key : str
            Of the provider, where it wants one. It stands in the file that is saved: whoever has that has the key.

        Returns
        -------
        Backdrop

        Raises
        ------
        ConfigError
            When there is no such provider, or it wants a key that was not given.
        """
        if isinstance(given, str) and given in TIANDITU:
            _require_key(given, key)
            urls = tuple(_tianditu(layer, key) for layer in TIANDITU[given])
            return cls(given, urls, "天地图 Tianditu", tuple(HOSTS), 18, gcj02=False)
        provider = given if isinstance(given, TileProvider) else _provider(given)
        if provider.requires_token():
            _require_key(provider.name, key)
            wanted = next(name for name, value in provider.items() if isinstance(value, str) and "<insert" in value)
            provider = TileProvider(provider | {wanted: key})
        subdomains = tuple(provider.get("subdomains", "abc"))
        url = str(provider["url"]).format_map(dict(provider) | {one: f"{{{one}}}" for one in "xyzsr"})
        attribution = html.unescape(re.sub(r"<[^>]*>", "", str(provider.get("attribution", provider.name))))
        gcj02 = provider.name.casefold().startswith(SHIFTED)
        return cls(provider.name, (url,), attribution, subdomains, int(provider.get("max_zoom", 18)), gcj02)

    def element(self, bounds: tuple[float, float, float, float]) -> str:
        """What the page's script reads, as an inert element.

        Parameters
        ----------
        bounds : tuple of float
            West, south, east and north of what the page shows, in degrees.

        Returns
        -------
        str
        """
        said = {"urls": self.urls, "attribution": self.attribution, "subdomains": self.subdomains}
        shift = None
        if self.gcj02:
            west, south, east, north = bounds
            lines = np.meshgrid(np.linspace(west, east, GRID), np.linspace(south, north, GRID))
            places = np.column_stack([one.ravel() for one in lines])
            moved = np.round(from_wgs84(places, "gcj02") - places, 8)
            shift = {"box": bounds, "side": GRID, "moved": moved.tolist()}
        text = json.dumps(said | {"max_zoom": self.max_zoom, "shift": shift}, ensure_ascii=True)
        text = text.replace("<", "\\u003c")
        return f'<script type="application/json" id="c15-backdrop">{text}</script>'

    @property
    def hosts(self) -> tuple[str, ...]:
        """Scheme and host of every address, for the policy of the page."""
        filled = [url.replace("{s}", one) for url in self.urls for one in self.subdomains]
        parts = [urlsplit(url) for url in filled]
        return tuple(dict.fromkeys(f"{one.scheme}://{one.netloc}" for one in parts))


def _provider(name: str) -> TileProvider:
    try:
        return xyzservices.providers.query_name(name)
    except ValueError:
        mend = "Give one of xyzservices, such as OpenStreetMap.Mapnik or Gaode.Normal, or Tianditu.Normal with its key"
        raise ConfigError(Finding("--backdrop", f"there is no provider {name!r}", mend)) from None


def _require_key(name: str, key: str) -> None:
    if not key:
        mend = "Give it with --backdrop-key; it will stand in the file that is written"
        raise ConfigError(Finding("--backdrop", f"{name} wants a key", mend))


def _tianditu(layer: str, key: str) -> str:
    asked = f"SERVICE=WMTS&REQUEST=GetTile&VERSION=1.0.0&LAYER={layer}&STYLE=default&TILEMATRIXSET=w&FORMAT=tiles"
    return (
        f"https://t{{s}}.tianditu.gov.cn/{layer}_w/wmts?{asked}&TILEMATRIX={{z}}&TILEROW={{y}}&TILECOL={{x}}&tk={key}"
    )
