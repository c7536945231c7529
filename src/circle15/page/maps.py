"""The meeting map: one folium map whose file stands alone.

folium stays the frame, so that an analyst can add layers and show it in a notebook. Everything that circle15 draws is
carried as packed numbers and drawn on canvas by this package's own script.
"""

from __future__ import annotations

import hashlib
import html
import os
import re
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import folium
from branca.element import Element, Figure, MacroElement
from jinja2 import Environment, PackageLoader

from circle15.errors import ConfigError, Finding
from circle15.page.backdrop import Backdrop
from circle15.page.changing import change_blocks, change_words
from circle15.page.contents import blocks, carried, words
from circle15.page.ground import MOST_STREETS
from circle15.page.offline import Verbatim, inline, policy, refuse_network, script
from circle15.page.squares import farthest
from circle15.page.walking import walking

if TYPE_CHECKING:
    from xyzservices import TileProvider

    from circle15.page.walking import Live
    from circle15.project import Standard
    from circle15.tables import Comparison, Result

_SCRIPTS = (
    *("data.js", "canvas.js", "layers.js", "panel.js", "squares.js", "lists.js", "card.js", "legend.js", "progress.js"),
    *("state.js", "sheet.js", "why.js", "page.js"),
)
_CHANGE_SCRIPTS = (*_SCRIPTS, "changes.js")  # the page of changes stands on that of one run
_LIVE_SCRIPTS = (
    *(*_SCRIPTS, "live_network.js", "live_search.js", "live_shapes.js", "live_links.js", "live_coverage.js"),
    *("live_supply.js", "live_scenario.js", "live.js"),
    *("ask_edits.js", "ask_traces.js", "ask_answers.js", "ask_overlay.js", "ask_words.js", "ask_panel.js", "ask.js"),
)
_BACKDROP = "backdrop.js"
_STYLES = ("style.css", "sheet.css")
_TEMPLATES = Environment(loader=PackageLoader("circle15.page"), autoescape=True)


class Opening(NamedTuple):
    """What a page opens with: title of the window, language, ground in degrees, words of that language."""

    title: str
    language: str
    bounds: tuple[float, float, float, float]
    said: dict[str, Any]


class GapMap(folium.Map):
    """A `folium.Map` whose page asks the network for nothing; add layers to it as to any other.

    Parameters
    ----------
    contents : str
        The page's data as inert elements.
    opening : Opening
        What the page opens with.
    scripts : tuple of str
        The package's own scripts that the page runs.
    pictures : tuple of str
        Hosts that it may fetch pictures from.
    """

    # class attributes of folium that name what is linked: no jQuery, no Bootstrap, no icon fonts
    default_js = [("leaflet", "https://cdn.jsdelivr.net/npm/leaflet@1.9.3/dist/leaflet.js")]  # noqa: RUF012
    default_css = [("leaflet_css", "https://cdn.jsdelivr.net/npm/leaflet@1.9.3/dist/leaflet.css")]  # noqa: RUF012

    def __init__(
        self, contents: str, opening: Opening, *, scripts: tuple[str, ...] = _SCRIPTS, pictures: tuple[str, ...] = ()
    ) -> None:
        west, south, east, north = opening.bounds
        super().__init__(
            location=((south + north) / 2, (west + east) / 2),
            zoom_start=14,
            tiles=None,
            zoom_control=False,
            zoom_snap=0.25,
            attribution_control=False,
        )
        self.options |= {
            "min_zoom": farthest(opening.bounds),
            "max_zoom": 19,
        }  # folium's own arguments reach only a tile layer
        self._id = hashlib.sha256(contents.encode()).hexdigest()[:16]  # the same result gives the same file
        _Page(title=opening.title, language=opening.said["number"]["locale"], pictures=pictures).add_child(self)
        _Shell(contents, said=opening.said, scripts=scripts).add_to(self, name="circle15")

    def render(self, **kwargs: Any) -> str:  # noqa: ANN401  passed on to branca
        """Render into the figure, with every link replaced by what it points to.

        Returns
        -------
        str
            Empty: what was rendered stands in the figure.

        Raises
        ------
        OfflineError
            When a layer was added that would need the network.
        """
        refuse_network(self)
        super().render(**kwargs)  # type: ignore[no-untyped-call]
        figure: Any = self.get_root()
        inline(figure.header)
        return ""

    def save(
        self,
        outfile: str | bytes | Path | BinaryIO,
        close_file: bool = True,  # noqa: FBT001, FBT002  branca's signature
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        """Write the file; nothing is written when a layer is refused.

        Parameters
        ----------
        outfile : str, bytes, Path or binary file
            Where to.
        close_file : bool
            Whether to close `outfile` afterwards, where it is an open file.
        **kwargs
            Passed to the templates.
        """
        page = self.get_root().render(**kwargs).encode()
        if isinstance(outfile, str | bytes | Path):
            Path(os.fsdecode(outfile)).write_bytes(page)
            return
        outfile.write(page)
        if close_file:
            outfile.close()


class _Page(Figure):
    """A figure that says its language."""

    def __init__(self, *, title: str, language: str, pictures: tuple[str, ...]) -> None:
        super().__init__(height="720px", title=html.escape(title))
        self.language = language
        self.header.add_child(policy(pictures), name="policy", index=0)
        self.header.add_child(Verbatim('<link rel="icon" href="data:," />'), name="icon")  # else browsers ask for one

    def render(self, **kwargs: Any) -> str:  # noqa: ANN401
        """The whole page; the reader may zoom it, which folium's own head forbids."""
        text: str = super().render(**kwargs)
        text = re.sub(r",\s*maximum-scale=1\.0,\s*user-scalable=no", "", text, count=1)
        return text.replace("<html>", f'<html lang="{self.language}">', 1)


class _Shell(MacroElement):
    """Everything on the page around the map, the data, and the script that draws."""

    def __init__(self, contents: str, *, said: dict[str, Any], scripts: tuple[str, ...]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._name = "Circle15"
        self.contents = contents
        self.said = said
        self.scripts = scripts

    def render(self, **kwargs: Any) -> str:  # noqa: ANN401
        """Put style, shell, data and script into the figure."""
        figure: Any = self.get_root()
        folder = resources.files("circle15.page")
        style = "\n".join((folder / one).read_text(encoding="utf-8") for one in _STYLES)
        scripts = "\n".join((folder / one).read_text(encoding="utf-8") for one in self.scripts)
        shell = _TEMPLATES.get_template("shell.html").render(words=self.said)
        figure.header.add_child(Verbatim(f"<style>{style}</style>"), name="circle15_style")
        figure.html.add_child(Verbatim(f"{shell}\n{self.contents}\n{script(scripts)}"), name="circle15_shell")
        name = self._parent.get_name() if self._parent is not None else ""
        figure.script.add_child(Element(f"circle15.start({name});"), name="circle15_start")
        if "ask.js" in self.scripts:
            asked = (folder / "ask.css").read_text(encoding="utf-8")
            figure.header.add_child(Verbatim(f"<style>{asked}</style>"), name="circle15_ask_style")
        super().render(**kwargs)  # type: ignore[no-untyped-call]
        return ""


def gap_map(
    result: Result,
    *,
    standard: Standard,
    language: str | None = None,
    live: Live | None = None,
    backdrop: Backdrop | TileProvider | str | None = None,
) -> GapMap:
    """The map of a result: card, gaps, facilities and isochrones, in one file that needs no network.

    Parameters
    ----------
    result : Result
        What a run of a study computed.
    standard : Standard
        The standard that it was held against.
    language : str, optional
        The language that the page opens in, one of those that the standard is spoken of in; the first of them
        otherwise. Where there are several the reader can switch.
    live : Live, optional
        The network and its walkers, for a page that can be asked (`ask.js` among its scripts); left out where one page
        cannot hold every answer, facility and piece of street of the result.
    backdrop : Backdrop, TileProvider or str, optional
        A base map of pictures, which needs a network and says so: of xyzservices or by its name, or a `Backdrop`
        where the provider wants a key. Pictures in GCJ-02 are shifted to where they belong.

    Returns
    -------
    GapMap
        A `folium.Map`; `.save(path)` writes the file.

    Raises
    ------
    ConfigError
        When the standard is not spoken of in that language.
    DataError
        When the result was read back from its tables: it has no frames of coverage then.
    """
    language = _opened(language, standard)
    held = carried(result, standard=standard)
    whole = held["answers"] and held["facilities"] and result.streets["piece"].nunique() <= MOST_STREETS
    walked = walking(live, result, standard=standard) if live is not None and whole else ""
    contents = blocks(result, standard=standard, language=language, more=walked)
    scripts = _LIVE_SCRIPTS if walked else _SCRIPTS
    opening = _opening(result, words(standard)[language], language)
    if backdrop is None:
        return GapMap(contents, opening, scripts=scripts)
    given = backdrop if isinstance(backdrop, Backdrop) else Backdrop.of(backdrop)
    contents += "\n" + given.element(opening.bounds)
    return GapMap(contents, opening, scripts=(*scripts, _BACKDROP), pictures=given.hosts)


def change_map(found: Comparison, *, standard: Standard, language: str | None = None) -> GapMap:
    """The map of a comparison: units by who gains and who loses, homes, facilities, the card, in one file.

    Parameters
    ----------
    found : Comparison
        With the facts of `circle15 compare`.
    standard : Standard
        That of the later run.
    language : str, optional
        The language that the page opens in, one of those that the standard is spoken of in; the first of them
        otherwise. Where there are several the reader can switch.

    Returns
    -------
    GapMap
        A `folium.Map`; `.save(path)` writes the file.

    Raises
    ------
    ConfigError
        When the standard is not spoken of in that language.
    """
    language = _opened(language, standard)
    contents = change_blocks(found, standard=standard, language=language)
    said = change_words(standard)[language]
    return GapMap(contents, _opening(found.after, said, language), scripts=_CHANGE_SCRIPTS)


def _opened(language: str | None, standard: Standard) -> str:
    """The language that a page opens in."""
    spoken = standard.languages
    if language is not None and language not in spoken:
        mend = f"Use {' or '.join(spoken)}, or name it under [study] languages"
        raise ConfigError(Finding("language", f"{standard.name} is not spoken of in {language!r}", mend))
    return language or spoken[0]


def _opening(result: Result, said: dict[str, Any], language: str) -> Opening:
    """Title, language, ground and words that a page opens with."""
    facts = result.facts
    name = str(facts.get(f"name_{language}") or facts.get("name", ""))
    return Opening(f"{name} · {said['page']['title']}", language, result.area.extent_lonlat.bounds, said)
