"""Fixtures that tests share: the real extracts, whole studies each run once, a browser with the network off."""

import os
import shutil
import sys
from importlib import resources
from pathlib import Path

import pytest
from hypothesis import settings

from circle15 import cli
from circle15.study import Study, demo_study

PROJECT = Path(__file__).resolve().parents[1]
REAL_DATA = PROJECT.parent / "shared" / "data"
IN_CI = os.environ.get("CI", "").lower() in ("1", "true")
STUDIES = {
    "demo": demo_study(),
    "yuzhong": PROJECT / "tests" / "data" / "yuzhong_real.toml",
    "monaco": PROJECT / "tests" / "data" / "monaco.toml",
    "helsinki": PROJECT / "tests" / "data" / "helsinki.toml",
    "monaco-en": PROJECT / "data" / "monaco.toml",  # with the standard for any city, in English alone
    "helsinki-en": PROJECT / "data" / "helsinki.toml",
}
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
ALLOWED = ("file:", "data:", "blob:", "about:")  # what a page may ask for

settings.register_profile("local", deadline=None)  # speed belongs in benchmarks, not in tests
settings.register_profile("ci", deadline=None, derandomize=True)  # CI judges the change, not the day's luck
settings.load_profile("ci" if IN_CI else "local")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real extracts; missing is a failure in CI and a skip elsewhere."""
    if not REAL_DATA.is_dir():
        if IN_CI:
            pytest.fail(f"the real extracts are missing: {REAL_DATA}")
        pytest.skip("the real extracts are not beside the project")
    return REAL_DATA


@pytest.fixture(scope="session")
def ran(request, tmp_path_factory):
    """Run a study of `STUDIES` once a session: its Study and its results folder."""
    done = {}

    def run(name):
        if name != "demo":
            request.getfixturevalue("real_data")
        if name not in done:  # the whole way, as the command line does it
            study = Study.open(STUDIES[name])
            done[name] = study, study.run(tmp_path_factory.mktemp(name) / "results")
        return done[name]

    return run


@pytest.fixture
def verb(monkeypatch, capsys):
    """Call the command line in this process: its exit code, standard output and standard error."""

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["circle15", *map(str, words)])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        out = capsys.readouterr()
        return stop.value.code or 0, out.out, out.err

    return run


@pytest.fixture(scope="session")
def chromium():
    """A headless browser; missing is a failure in CI and a skip elsewhere."""
    from playwright.sync_api import sync_playwright

    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        if IN_CI:
            pytest.fail("no Chromium or Chrome is installed; browser tests need one")
        pytest.skip("no Chromium or Chrome is installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def axe():
    """The script of axe-core; missing is a failure in CI and a skip elsewhere."""
    try:
        folder = resources.files("axe_playwright_python")
    except ModuleNotFoundError:
        if IN_CI:
            pytest.fail("axe-core is not installed: pip install axe-playwright-python")
        pytest.skip("axe-core is not installed")
    return (folder / "axe.min.js").read_text(encoding="utf-8")


@pytest.fixture
def open_page(chromium):
    """Open a file in a window of a given size, offline; requests and complaints fail the test at its end."""
    contexts, found = [], []

    def opened(path, *, width=1366, height=768, **options):
        context = chromium.new_context(viewport={"width": width, "height": height}, offline=True, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: found.append(f"{said.type}: {said.text}"))
        page.on("pageerror", lambda error: found.append(f"error: {error}"))
        page.on("request", lambda asked: None if asked.url.startswith(ALLOWED) else found.append(f"asked: {asked.url}"))
        page.goto(path.as_uri())
        page.wait_for_selector("body.c15-ready", timeout=20_000)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert found == []


def pytest_collection_modifyitems(items):
    """Keep the tests of one study on one worker, so that it is run once."""
    for item in items:
        name = getattr(item, "callspec", None) and item.callspec.params.get("study_name")
        if name:
            item.add_marker(pytest.mark.xdist_group(name))


def pytest_terminal_summary(terminalreporter):
    """Say in one line per reason what was left out."""
    reasons = {}
    for report in terminalreporter.stats.get("skipped", []):
        reasons.setdefault(report.longrepr[2].removeprefix("Skipped: "), []).append(report.nodeid.split("::")[0])
    for reason, files in sorted(reasons.items()):
        names = ", ".join(sorted({Path(file).name for file in files}))
        terminalreporter.write_line(f"left out, since {reason}: {len(files)} tests of {names}")
