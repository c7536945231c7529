"""Make docs/map.png: run the embedded study and photograph its page in a headless Chromium, network off.

Usage: python docs/picture.py [map.html]
"""

import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from circle15.study import Study, demo_study

HERE = Path(__file__).resolve().parent
PARKS = 7  # place of a category whose card is mixed


def page_of_the_demo(folder: Path) -> Path:
    """Run the embedded study and return its map."""
    return Study.open(demo_study()).run(folder / "demo") / "map.html"


def photograph(page_file: Path, picture: Path) -> None:
    """Open the page offline at a laptop's size, choose parks, and keep a picture."""
    browser_path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=browser_path, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_context(viewport={"width": 1366, "height": 768}, offline=True).new_page()
        page.goto(page_file.resolve().as_uri())
        page.wait_for_selector("body.c15-ready", timeout=30_000)
        page.locator("#c15-categories input").nth(PARKS).check()
        page.evaluate("document.activeElement.blur()")
        page.screenshot(path=str(picture))
        browser.close()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        photograph(Path(sys.argv[1]) if sys.argv[1:] else page_of_the_demo(Path(scratch)), HERE / "map.png")
