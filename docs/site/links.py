"""Hold every link of the built site: each leads to a file that is there, and to a place in it that is there.

Addresses outside the site are listed in ``external_links.txt``, and never asked for.
"""

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LISTED = "external_links.txt"
LEADS = {"a": "href", "link": "href", "img": "src", "script": "src", "source": "src"}


class Page(HTMLParser):
    """What a page can be asked for, and what it asks for."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.places: set[str] = {""}
        self.asked: list[tuple[str, str]] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note ids and addresses."""
        about = dict(attrs)
        self.places |= {about[name] for name in ("id", "name") if about.get(name)}
        if tag in LEADS and about.get(LEADS[tag]) is not None:
            self.asked.append((tag, about[LEADS[tag]]))


def links(folder: Path) -> tuple[list[str], dict[str, set[str]]]:
    """What is broken, in words, and every outside address with the pages that name it."""
    folder = folder.resolve()
    pages = {path: Page(path) for path in sorted(folder.rglob("*.html"))}
    broken, outside = [], {}
    for path, page in pages.items():
        for tag, address in page.asked:
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                if tag == "a":
                    outside.setdefault(address, set()).add(str(path.relative_to(folder)))
                elif parts.scheme != "data":
                    broken.append(f"{path.relative_to(folder)}: {tag} loads {address} from elsewhere")
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.is_file() or folder not in target.parents:
                broken.append(f"{path.relative_to(folder)}: {address} leads to no file")
            elif target in pages and unquote(parts.fragment) not in pages[target].places:
                broken.append(f"{path.relative_to(folder)}: {address} leads to no place on that page")
    return broken, outside
