"""A real browser with the network off; a page that asks for anything, or complains, fails its test."""

import os
import shutil

import pytest
from playwright.sync_api import sync_playwright

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
ALLOWED = ("file:", "data:", "blob:", "about:")


@pytest.fixture(scope="session")
def chromium():
    """A headless browser; missing is a failure in CI and a skip elsewhere."""
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        if os.environ.get("CI", "").lower() in ("1", "true"):
            pytest.fail("no Chromium or Chrome is installed; browser tests need one")
        pytest.skip("no Chromium or Chrome is installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


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
