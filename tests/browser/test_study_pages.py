"""The pages of whole studies, real extracts among them, in a real browser with the network off."""

import re

import openpyxl
import pandas as pd
import pytest

from test_workbook import cells_of, said

pytestmark = pytest.mark.browser
OUTLINES = r"15 (分钟|minutes|min)"  # the panel of a cluster lists its isochrones
ALL = ["demo", "yuzhong", "monaco", "helsinki"]  # with the standard of Yuzhong, in Chinese and English


@pytest.mark.parametrize("study_name", ALL)
def test_a_real_page_answers(ran, open_page, study_name):
    study, folder = ran(study_name)
    page = open_page(folder / "map.html")
    assert "default-src 'none'" in page.locator("meta[http-equiv='Content-Security-Policy']").get_attribute("content")
    assert page.locator("#c15-categories label").count() == 11
    for number in (10, 0, 8):
        page.locator("#c15-categories input").nth(number).check()
        assert page.locator("#c15-categories input:checked").get_attribute("value") == str(number)
    residents = page.locator("#c15-figures dd").first.inner_text()
    assert int(residents.replace(",", "")) == round(study.origins["population"].sum())
    before = page.locator("html").get_attribute("lang")
    page.locator("#c15-language").click()
    assert page.locator("html").get_attribute("lang") != before
    synthetic = page.locator("#c15-synthetic")
    assert synthetic.is_visible() is (study_name == "demo")
    if study_name == "demo":
        assert "合成示例数据" in synthetic.inner_text()


@pytest.mark.parametrize("study_name", ALL)
def test_a_click_on_the_map_opens_a_cluster_and_its_isochrones(ran, open_page, study_name):
    study, folder = ran(study_name)
    page = open_page(folder / "map.html")
    places = study.origins.nlargest(20, "population").to_crs(4326).geometry
    box = page.locator(".folium-map").bounding_box()
    detail = page.locator("#c15-detail")
    for place in places:  # some lie under the legend
        spot = page.evaluate(
            """([lat, lon]) => {
              const map = window[document.querySelector(".folium-map").id];
              const point = map.latLngToContainerPoint([lat, lon]);
              return [point.x, point.y];
            }""",
            [place.y, place.x],
        )
        page.mouse.click(box["x"] + spot[0], box["y"] + spot[1])
        if detail.is_visible() and re.search(OUTLINES, detail.inner_text()):
            break
    text = detail.inner_text()
    assert re.search(OUTLINES, text), text
    assert re.search(r"缺口|未知|可达|gap|unknown|served", text)


@pytest.mark.parametrize("study_name", ["monaco-en", "helsinki-en"])
def test_a_page_in_one_language_has_no_switch_and_no_word_of_another(ran, open_page, study_name):
    _, folder = ran(study_name)
    page = open_page(folder / "map.html")  # which fails on any complaint of the browser
    assert page.locator("html").get_attribute("lang") == "en-GB"
    assert page.locator("#c15-language").is_hidden()
    assert page.locator("#c15-categories legend").inner_text() == "9 kinds of service"
    page.locator("#c15-card-toggle").click()
    assert page.locator("#c15-card h2").bounding_box()["height"] >= 20  # however long the table, its title is whole
    page.locator("#c15-layers-toggle").click()
    for which in page.locator("#c15-list input").all():
        which.check(force=True)
        said = page.locator("html").evaluate(  # scripts and styles are looked through in test_second_city.py
            "html => html.outerHTML.replace(/<(script|style)[^]*?<.(script|style)>/g, '') + html.innerText"
        )
        assert not re.search(r"[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]", said)
        assert "undefined" not in said


def test_every_cell_of_the_matrix_is_that_of_the_workbook(ran, open_page):
    study, folder = ran("demo")
    page = open_page(folder / "map.html")
    page.locator("#c15-card-toggle").click()
    shown = {}
    for tier in ("district", "subdistrict", "community"):
        page.locator(f"#c15-tier input[value={tier}]").check()
        told = page.evaluate(
            """() => [...document.querySelectorAll("#c15-card .c15-rows tr")].map(row =>
              [...row.querySelectorAll("td button")].map(cell => cell.firstChild.textContent))"""
        )
        units = page.evaluate("circle15.shown.state.shown.map(u => circle15.shown.study.units.id[u])")
        for unit, words in zip(units, told, strict=True):
            shown |= {(unit, place): word for place, word in enumerate(words)}
    book = cells_of(openpyxl.load_workbook(folder / "card.xlsx"))
    ungraded = {said(pd.NA, study.standard)}
    language = {band.names["zh"]: said(band.grade, study.standard) for band in study.standard.grades}
    for cell, (words, _) in book.items():
        word = shown.pop(cell)
        assert language.get(word, word) == words or (words in ungraded and word in ("未评", "清单不全")), cell
    assert shown == {}
    assert len(book) == 11 * len(study.units) > 1001


def test_the_embedded_study_is_small_and_soon_there(ran, open_page, record_property, capsys):
    _, folder = ran("demo")
    size = (folder / "map.html").stat().st_size
    page = open_page(folder / "map.html")
    page.wait_for_function("performance.getEntriesByName('circle15-interactive').length")
    marks = page.evaluate(
        """() => Object.fromEntries(["ready", "map", "interactive"].map(name =>
          [name, Math.round(performance.getEntriesByName(`circle15-${name}`)[0].startTime)]))"""
    )
    with capsys.disabled():
        print(f"\nmap.html of the demo: {size / 1e6:.2f} MB; milliseconds to {marks}")  # noqa: T201  measured, not judged
    for name, value in {"bytes": size, **marks}.items():
        record_property(name, value)
    assert size < 6_000_000
    assert marks["ready"] <= marks["map"]
