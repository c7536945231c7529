"""The site of the documents: built without a warning, links lead somewhere, both languages are found, all offline."""

import re
import subprocess
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

import circle15
from circle15 import tables
from conftest import IN_CI

PROJECT = Path(__file__).resolve().parents[1]
DOCS = PROJECT / "docs"
METHODS = DOCS / "methods"
PAGES = sorted([*DOCS.rglob("*.md"), *(PROJECT / name for name in ("README.md", "CHANGELOG.md", "data/README.md"))])
pytestmark = pytest.mark.xdist_group("docs")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The whole site, built once, as ``make docs`` builds it."""
    if missing := [name for name in ("sphinx", "furo", "myst_parser") if find_spec(name) is None]:
        if IN_CI:
            pytest.fail(f"not installed: {', '.join(missing)}; pip install circle15[docs]")
        pytest.skip("the tools of the site are not installed: pip install circle15[docs]")
    folder = tmp_path_factory.mktemp("site") / "docs"
    words = [sys.executable, str(DOCS / "site" / "build.py"), str(folder)]
    done = subprocess.run(words, capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_it_is_built_without_a_warning_and_without_a_broken_link(site):
    pages = {str(path.relative_to(site)) for path in site.rglob("*.html")}
    for page in DOCS.rglob("*.md"):
        assert str(page.relative_to(DOCS).with_suffix(".html")) in pages


def test_nothing_of_it_is_loaded_from_elsewhere(site):
    for path in [*site.rglob("*.css"), *site.rglob("*.html")]:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"""(?:url\(|@import|src=)\s*["']?(?:https?:)?//""", text), path


def test_a_broken_link_is_found(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(DOCS / "site")
    from links import links

    (tmp_path / "a.html").write_text('<h1 id="here">A</h1><a href="b.html#there">B</a><a href="#here">A</a>')
    (tmp_path / "b.html").write_text(
        '<a href="a.html#nowhere">A</a><a href="c.html">C</a><a href="https://x.org">X</a>'
    )
    (tmp_path / "d.html").write_text('<script src="https://cdn.org/x.js"></script><a href="../e.html">E</a>')
    broken, outside = links(tmp_path)
    assert [line.split(": ")[0] for line in broken] == ["a.html", "b.html", "b.html", "d.html", "d.html"]
    assert outside == {"https://x.org": {"b.html"}}


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(PROJECT)))
def test_links_lead_somewhere_where_the_pages_are_read_as_they_are(page):
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for address in re.findall(r"\]\(([^)\s]+)\)", text):
        parts = urlsplit(address)
        if parts.scheme:
            continue
        target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
        assert target.exists(), f"{page.name}: {address}"
        if parts.fragment:
            assert unquote(parts.fragment) in headings(target), f"{page.name}: {address}"


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(PROJECT)))
def test_examples_stand_in_fences(page):
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    assert not re.search(r"^>>>", text, flags=re.MULTILINE)


def test_every_page_on_methods_is_listed_once():
    listed = re.findall(r"^[a-z-]+$", (METHODS / "index.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert sorted(listed) == sorted(path.stem for path in METHODS.glob("*.md") if path.stem != "index")


@pytest.mark.parametrize(
    "page", [path for path in sorted(METHODS.glob("*.md")) if path.stem != "index"], ids=lambda path: path.stem
)
def test_every_page_on_methods_has_a_worked_number_that_a_test_runs(page):
    assert ">>> " in page.read_text(encoding="utf-8")
    tests = [path.read_text(encoding="utf-8") for path in (PROJECT / "tests").rglob("test_*.py")]
    assert any(re.search(rf'"{page.stem}(\.md)?"', text) for text in tests if "doctest" in text)


def headings(page):
    """Anchors as GitHub makes them."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    titles = re.findall(r"^#{1,6} (.+)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_every_public_name_and_every_table_has_its_place(site):
    reference = "".join(path.read_text(encoding="utf-8") for path in (site / "reference").glob("*.html"))
    for name in circle15.__all__:
        home = f"circle15.{name}"
        if name in ("measures", "page", "siting", "sheets"):
            inside = getattr(getattr(circle15, name), "__all__", [])
            assert all(f'id="{home}.{one}"' in reference for one in inside), name
        else:
            assert f'id="{home}"' in reference, name
    dictionary = (site / "data_dictionary.html").read_text(encoding="utf-8")
    for table in [*tables.TABLES.values(), *tables.CHANGE_TABLES.values()]:
        assert f'id="table-{table.name.replace("_", "-")}"' in dictionary
        assert all(f">{column.name}<" in dictionary for column in table.columns)


@pytest.fixture
def reader(site, chromium):
    """A window on a page of the site, from disk, offline; whatever complains or asks outside fails the test."""
    contexts, found = [], []

    def opened(name, **window):
        context = chromium.new_context(offline=True, **window)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: found.append(f"{said.type}: {said.text}"))
        page.on("pageerror", lambda error: found.append(f"error: {error}"))
        page.on("request", lambda asked: None if asked.url.startswith(("file:", "data:")) else found.append(asked.url))
        page.goto((site / name).as_uri())
        return page

    yield opened
    for context in contexts:
        context.close()
    assert found == []


@pytest.mark.browser
@pytest.mark.parametrize(
    ("words", "title", "file"),
    [
        ("渝中", "规划师手册", "guide_zh.html"),
        ("电梯", "自动扶梯、电梯与索道（Escalators, lifts and cable cars）", "methods/escalators-and-lifts.html"),
        ("五色卡", "覆盖、供给与五色卡 Coverage, supply and the five-colour card", "methods/coverage-and-card.html"),
        ("escalators", "自动扶梯、电梯与索道（Escalators, lifts and cable cars）", "methods/escalators-and-lifts.html"),
        ("canteen planner", "The planner’s guide", "guide_en.html"),
        ("two_sfca", "circle15.measures.two_sfca", "reference/measures.html"),
    ],
)
def test_what_is_searched_is_found_and_leads_there(reader, words, title, file):
    page = reader("index.html", viewport={"width": 1366, "height": 768})
    page.locator(".sidebar-search").first.fill(words)
    page.keyboard.press("Enter")
    page.locator("#search-results a", has_text=title).first.click()
    page.wait_for_load_state()
    assert page.url.split("#")[0].split("?")[0].endswith(file)
    assert page.locator("article").inner_text()


@pytest.mark.browser
def test_a_plain_server_does_as_well(site, chromium):
    """There a search shows the sentence as well, and nobody else is asked for anything."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address, asked = f"http://127.0.0.1:{server.server_port}", []
        context = chromium.new_context()
        page = context.new_page()
        page.on("request", lambda one: asked.append(one.url))
        page.goto(f"{address}/search.html?q=候梯")
        page.locator("#search-results .context", has_text="坐电梯要候梯").wait_for()
        context.close()
        server.shutdown()
    assert asked
    assert all(one.startswith((address, "data:")) for one in asked)


@pytest.mark.browser
def test_what_is_nowhere_is_not_found(reader):
    page = reader("index.html", viewport={"width": 1366, "height": 768})
    page.locator(".sidebar-search").first.fill("海蜇")
    page.keyboard.press("Enter")
    page.locator(".search-summary", has_text="did not match").wait_for()


@pytest.mark.browser
@pytest.mark.parametrize("name", ["index.html", "guide_zh.html", "data_dictionary.html", "reference/records.html"])
def test_a_phone_needs_no_sideways_scrolling(reader, name):
    page = reader(name, viewport={"width": 390, "height": 844}, is_mobile=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
