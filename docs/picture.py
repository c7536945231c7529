"""Make the pictures of the documents from what the embedded study really gives: map, questions, paper, a terminal.

Usage: python docs/picture.py [RESULTS]     a results folder of the embedded study; it is run anew without one

Chromium runs with the network off. The picture of the workbook needs LibreOffice and pdftoppm, and is left as it is
where they are not installed.
"""

import html
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from circle15.study import Study, demo_study
from circle15.study.printing import print_sheets

PICTURES = Path(__file__).resolve().parent / "pictures"
WIDTH, HEIGHT = 1366, 768  # a laptop
PAPER = 1240  # pixels that a sheet of A3 is wide
COLOURS = (256, 192, 128, 96, 64)  # of a palette, the most that fit: these are drawings, not photographs
UNLIKE = 8  # of 255, by which shades of a palette differ
MOST_BYTES = 150_000
PARKS, MEALS = 7, 4  # places of the categories that are shown
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
CARD_PAGE = 4  # of the workbook in print: the card by subdistrict, which leaves the lower half empty
CUT = ("-x", "0", "-y", "0", "-W", "1819", "-H", "560")
CANTEEN = "canteen"
PLACE = (106.5262, 29.5401)  # in the largest gap of canteens
TERMINAL = """<meta charset="utf-8"><style>
  body { margin: 0; background: #10222e; }
  pre { margin: 0; padding: 18px 22px; color: #e8eef2; width: max-content; line-height: 1.32;
        font: 13px "Noto Sans Mono CJK SC", "DejaVu Sans Mono", monospace; }
  b { color: #8fd3c1; font-weight: normal; }
</style>"""


def small(picture: Path, width: int | None = None) -> Path:
    """Keep a picture in few bytes: so wide, and in a palette."""
    with Image.open(picture) as opened:
        drawn = opened.convert("RGB")
    if width:
        drawn = drawn.resize((width, round(drawn.height * width / drawn.width)), Image.Resampling.LANCZOS)
    shades = apart(drawn)
    for colours in COLOURS:
        palette = Image.new("P", (1, 1))
        palette.putpalette(shades[:colours].ravel().tolist())
        drawn.quantize(palette=palette, dither=Image.Dither.NONE).save(picture, optimize=True)
        if picture.stat().st_size <= MOST_BYTES:
            break
    return picture


def apart(drawn: Image.Image) -> np.ndarray:
    """The shades that cover most of a picture, each unlike those before it: what a legend shows keeps its colour."""
    left = np.array([one for _, one in sorted(drawn.getcolors(drawn.width * drawn.height), reverse=True)], dtype=int)
    chosen = []
    while len(left) and len(chosen) < max(COLOURS):
        chosen.append(left[0])
        left = left[np.abs(left - left[0]).max(axis=1) > UNLIKE]
    return np.array(chosen)


def photographed(browser: Browser, page_file: Path, folder: Path, language: str) -> list[Path]:
    """The map with parks chosen, then with a canteen added in the questions, in one language."""
    page = browser.new_context(viewport={"width": WIDTH, "height": HEIGHT}, offline=True).new_page()
    page.goto(page_file.resolve().as_uri())
    page.wait_for_selector("body.c15-ready", timeout=60_000)
    if language == "en":
        page.locator("#c15-language").click()
    page.locator("#c15-categories input").nth(PARKS).check()
    page.evaluate("document.activeElement.blur()")
    page.screenshot(path=str(folder / f"map_{language}.png"))
    asked(page)
    page.screenshot(path=str(folder / f"ask_{language}.png"))
    page.context.close()
    return [small(folder / f"{name}_{language}.png") for name in ("map", "ask")]


def asked(page: Page) -> None:
    """Open the questions and add a canteen by a click on the map."""
    page.locator("#c15-categories input").nth(MEALS).check()
    page.locator("#c15-list input").last.check()
    page.wait_for_function("() => circle15.asking?.live && circle15.asking.effect", timeout=60_000)
    page.locator("[data-key=mode-add]").click()
    place = page.evaluate("key => circle15.asking.page.study.services.findIndex((one) => one.key === key)", CANTEEN)
    page.locator("[data-key=service]").select_option(str(place))
    spot = page.evaluate(
        """([lon, lat]) => {
          const { map } = circle15.shown;
          map.setView([lat, lon], 15, { animate: false });
          const box = map.getContainer().getBoundingClientRect();
          const at = map.latLngToContainerPoint([lat, lon]);
          return [box.left + at.x, box.top + at.y];
        }""",
        list(PLACE),
    )
    page.mouse.click(*spot)
    page.wait_for_function("() => circle15.asking.edits.list.length")
    page.wait_for_timeout(800)


def terminal(browser: Browser, folder: Path) -> Path:
    """What ``circle15 check`` says of the embedded study."""
    words = [sys.executable, "-m", "circle15.cli", "check", str(demo_study())]
    done = subprocess.run(words, capture_output=True, text=True, encoding="utf-8", check=True)
    page = browser.new_context(viewport={"width": WIDTH, "height": 100}, offline=True).new_page()
    said = html.escape(done.stderr.replace("no problem found\n", "") + done.stdout) + "no problem found"
    page.set_content(f"{TERMINAL}<pre><b>$ circle15 check study.toml</b>\n{said}</pre>")
    page.locator("pre").screenshot(path=str(folder / "terminal.png"))
    page.context.close()
    return small(folder / "terminal.png", PAPER)


def sheet(results: Path, folder: Path) -> Path:
    """The card as circle15 sheets prints it on A3."""
    with tempfile.TemporaryDirectory() as scratch:
        printed, _ = print_sheets(results, Path(scratch) / "sheets")
        shutil.copy(printed / "card.png", folder / "sheet.png")
    return small(folder / "sheet.png", PAPER)


def workbook(results: Path, folder: Path) -> list[Path]:
    """The card by subdistrict in the workbook, as LibreOffice prints it; nothing where that is not installed."""
    office = next(filter(None, map(shutil.which, ("soffice", "libreoffice"))), None)
    if office is None or shutil.which("pdftoppm") is None:
        return []
    with tempfile.TemporaryDirectory() as scratch:
        words = [office, f"-env:UserInstallation={Path(scratch).as_uri()}/profile", "--headless"]
        words += ["--convert-to", "pdf", "--outdir", scratch, str(results / "card.xlsx")]
        subprocess.run(words, check=True, capture_output=True)
        page = ["-f", str(CARD_PAGE), "-l", str(CARD_PAGE), "-r", "110", *CUT, "-png", "-singlefile"]
        subprocess.run(["pdftoppm", *page, f"{scratch}/card.pdf", str(folder / "workbook")], check=True)
    return [small(folder / "workbook.png", PAPER)]


def pictures(browser: Browser, results: Path, folder: Path) -> list[Path]:
    """Make every picture of a results folder into a folder."""
    made = [one for said in ("zh", "en") for one in photographed(browser, results / "map.html", folder, said)]
    return [*made, terminal(browser, folder), sheet(results, folder), *workbook(results, folder)]


if __name__ == "__main__":
    program = next(filter(None, map(shutil.which, BROWSERS)))
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as play:
        given = Path(sys.argv[1]) if sys.argv[1:] else Study.open(demo_study()).run(Path(scratch) / "demo")
        opened = play.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        PICTURES.mkdir(exist_ok=True)
        for made in pictures(opened, given, PICTURES):
            print(f"{made}  {made.stat().st_size / 1000:.0f} kB")
