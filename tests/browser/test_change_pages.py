"""The page of changes in a real browser, with the network off: the embedded study under its own scenario."""

import dataclasses

import pytest

from circle15.page import change_map
from circle15.project import Manifest
from circle15.study.comparing import compare, write_comparison
from sample_result import HOSTILE, sample_result, sample_standard

pytestmark = pytest.mark.browser
SCENARIO = "马家堡综合服务体（合成示例）"


@pytest.fixture(scope="module", params=["demo"])
def study_name(request):
    return request.param


@pytest.fixture(scope="module")
def changed(ran, study_name, tmp_path_factory):
    """The embedded study beside its scenario: the comparison, and the folder."""
    study, folder = ran(study_name)
    place = tmp_path_factory.mktemp("changed")
    then = study.under(SCENARIO).run(place / "then")
    return write_comparison(folder, then, place / "compare"), place / "compare"


def whole(text):
    return int(text.replace(",", "").replace("−", "-").replace("+", ""))


def choose(page, group, word):
    page.locator(f"#c15-{group} label", has_text=word).locator("input").check()


def test_the_page_says_who_gains_and_who_loses(changed, open_page):
    found, folder = changed
    page = open_page(folder / "change.html")
    assert "default-src 'none'" in page.locator("meta[http-equiv='Content-Security-Policy']").get_attribute("content")
    assert page.title().startswith("渝中区（合成示例） · 15 分钟生活圈变化")
    assert page.locator("#c15-synthetic").is_visible()
    assert f"现状 → {SCENARIO}" in page.locator("#c15-date").inner_text()
    assert page.locator("#c15-said").inner_text() == found.facts["report"]["zh"]
    figures = page.locator("#c15-figures dd").all_inner_texts()
    assert [whole(text) for text in figures] == [576_300, round(found.facts["gaining"]), round(found.facts["losing"])]
    assert (folder / "change.html").stat().st_size < 6_000_000


def test_services_units_and_homes_are_those_of_the_tables(changed, open_page):
    found, folder = changed
    page = open_page(folder / "change.html")
    everybody = found.changes["unit"].isna() & (found.changes["group"] == "all")
    table = found.changes[everybody].set_index("service")
    moved = table[(table[["gained", "lost", "became_known", "became_unknown", "shorter", "longer"]] > 0).any(axis=1)]
    labels = page.locator("#c15-categories label")
    assert labels.count() == 1 + len(moved)
    assert f"其余 {len(table) - len(moved)} 项服务没有变化" in page.locator("#c15-rest").inner_text()
    choose(page, "categories", "社区食堂")
    row = labels.filter(has_text="社区食堂").locator("span").all_inner_texts()
    assert [whole(text) for text in row[1:]] == [
        round(table.loc["canteen", "gained"]),
        -round(table.loc["canteen", "lost"]),
    ]
    choose(page, "tier", "社区")
    page.locator("#c15-list input").first.check()
    lost = found.origins[(found.origins["turn"] == "lost") & (found.origins["service"] == "canteen")]
    first = page.locator("#c15-ranked li").first.inner_text()
    assert f"{lost['people'].iloc[0]:,.0f} 人" in first
    assert page.locator("#c15-ranked li").count() == min(len(lost), 30)
    page.locator("#c15-ranked button").first.click()
    detail = page.locator("#c15-detail")
    assert "社区食堂" in detail.inner_text()
    assert "受损" in detail.inner_text()
    page.keyboard.press("Escape")
    unit = (
        found.changes[(found.changes["service"] == "canteen") & (found.changes["tier"] == "community")]
        .nlargest(1, "lost")
        .iloc[0]
    )
    page.evaluate(
        "name => circle15.shown.pick(circle15.shown.study.units.name.indexOf(name), circle15.shown.state.category)",
        unit["unit_name"],
    )
    assert f"少 {round(unit['lost']):,} 人" in detail.locator(".c15-current").inner_text()


def test_a_word_stands_beside_every_colour_of_the_legend(changed, open_page):
    _, folder = changed
    page = open_page(folder / "change.html")
    choose(page, "categories", "社区食堂")
    entries = page.locator("#c15-legend li")
    assert entries.count() > 6
    assert all(text.strip() for text in entries.all_inner_texts())
    said = page.locator("#c15-legend").inner_text()
    assert all(word in said for word in ("净受益", "净受损", "受益", "受损", "走得更远", "新增", "关闭", "照旧"))


def test_the_card_says_which_grades_go_up_and_down(changed, open_page):
    found, folder = changed
    page = open_page(folder / "change.html")
    page.locator("#c15-card-toggle").click()
    choose(page, "tier", "社区")
    first = page.locator("#c15-card tbody tr").first.inner_text()
    assert "升" in first or "降" in first  # units whose grades change come first
    words = page.locator("#c15-card td button").all_inner_texts()
    cells = found.cells[found.cells["tier"] == "community"]
    assert len(words) == len(cells)
    assert sum(word.startswith("升") for word in words) == (cells["turn"] == "up").sum() > 0
    assert sum(word.startswith("降") for word in words) == (cells["turn"] == "down").sum() > 0
    page.locator("#c15-card td button", has_text="升").first.click()
    assert page.locator("#c15-detail").is_visible()
    assert "→" in page.locator("#c15-detail").inner_text()


def test_the_language_is_switched(changed, open_page):
    found, folder = changed
    page = open_page(folder / "change.html")
    page.locator("#c15-language").click()
    assert page.locator("html").get_attribute("lang") == "en-GB"
    assert page.locator("#c15-said").inner_text() == found.facts["report"]["en"]
    said = page.locator(
        "#c15-side legend, #c15-ranked-title, #c15-card-toggle, #c15-legend, #c15-figures dt"
    ).all_inner_texts()
    assert not [letter for letter in "".join(said) if "\u4e00" <= letter <= "\u9fff"]


def test_the_map_itself_answers(changed, open_page):
    _, folder = changed
    page = open_page(folder / "change.html")
    spot = page.evaluate(
        """() => {
          const { map, world, state } = circle15.shown;
          const home = state.byPeople.find(i => state.kindOf[i] === "gained");
          const at = map.latLngToContainerPoint(world.project.latLng(world.clusters.steps(home)));
          const box = map.getContainer().getBoundingClientRect();
          return [box.left + at.x, box.top + at.y];
        }"""
    )
    page.mouse.move(*spot)
    assert "受益" in page.locator(".c15-tip").inner_text()
    page.mouse.click(*spot)
    assert page.locator("#c15-detail").is_visible()


# ------------------------------------------------------------------------------------------------- made-up runs


def compared(monkeypatch, after, before=None):
    """Two made-up results compared as two folders would be."""
    from circle15.study import comparing

    said = {"study": {"study": {"languages": ["zh"]}, "area": {}}, "standard": sample_standard()}

    def run(result):
        return comparing._Run(result, Manifest.model_validate(said | {"facts": dict(result.facts)}))

    monkeypatch.setattr(comparing._Run, "of", staticmethod(run))
    return compare(before or sample_result(), after)


def page_of(found, tmp_path, language="zh"):
    change_map(found, standard=sample_standard(), language=language).save(tmp_path / "change.html")
    return tmp_path / "change.html"


def test_the_same_run_twice_says_that_nothing_changes(monkeypatch, tmp_path, open_page):
    page = open_page(page_of(compared(monkeypatch, sample_result()), tmp_path))
    assert "没有人受益，也没有人受损" in page.locator("#c15-said").inner_text()
    assert "各项服务都没有变化" in page.locator("#c15-rest").inner_text()
    assert page.locator("#c15-categories label").count() == 1


def test_other_residents_are_shown_by_unit(monkeypatch, tmp_path, open_page):
    result = sample_result()
    status = result.coverage["status"].mask(result.coverage["service"] == "dining_0", "served")
    more = result.origins.assign(population=result.origins["population"] * 1.5)
    found = compared(
        monkeypatch, dataclasses.replace(result, origins=more, coverage=result.coverage.assign(status=status))
    )
    assert found.by == "unit"
    page = open_page(page_of(found, tmp_path))
    assert "按单元比较" in page.locator("#c15-rest").inner_text()
    assert page.locator("#c15-categories label").count() == 1
    assert page.locator("#c15-ranked").is_hidden()
    figures = page.locator("#c15-figures dd").all_inner_texts()
    assert figures[2] == "100.0%"
    row = found.changes.loc[":dining_0:all"]
    assert figures[3] == f"+{100 * row['net'] / found.facts['people_after']:.1f} 个百分点"


def test_too_many_homes_for_one_page_are_said_to_be_left_out(monkeypatch, tmp_path, open_page):
    result = sample_result()
    status = result.coverage["status"].mask(result.coverage["status"] == "gap", "served")
    found = compared(monkeypatch, dataclasses.replace(result, coverage=result.coverage.assign(status=status)))
    monkeypatch.setattr("circle15.page.changing.MOST_HOMES", len(result.origins) - 1)
    page = open_page(page_of(found, tmp_path))
    assert f"{len(result.origins)} 个居住点一页放不下，本页只按单元表示" in page.locator("#c15-foot").inner_text()
    assert page.locator("#c15-ranked").is_hidden()
    assert page.locator("#c15-list").is_hidden()
    figures = page.locator("#c15-figures dd").all_inner_texts()
    assert whole(figures[1]) == round(found.facts["gaining"]) > 0
    monkeypatch.setattr("circle15.page.changing.MOST_HOMES", len(result.origins))
    page = open_page(page_of(found, tmp_path))
    assert "放不下" not in page.locator("#c15-foot").inner_text()
    assert page.locator("#c15-ranked").is_visible()


def test_the_legend_of_changes_stays_at_every_zoom(monkeypatch, tmp_path, open_page):
    result = sample_result()
    status = result.coverage["status"].mask(result.coverage["status"] == "gap", "served")
    found = compared(monkeypatch, dataclasses.replace(result, coverage=result.coverage.assign(status=status)))
    page = open_page(page_of(found, tmp_path))
    near = page.locator("#c15-legend-body").inner_text()
    assert "净受益" in near
    assert "梯道" in near
    page.evaluate("circle15.shown.map.setZoom(11, { animate: false })")
    far = page.locator("#c15-legend-body").inner_text()
    assert "净受益" in far
    assert "梯道" not in far  # from so far roads alone are drawn


def test_names_from_the_data_are_text_and_nothing_else(monkeypatch, tmp_path, open_page):
    result = sample_result()
    renamed = result.units.assign(name=[HOSTILE[place % 3] for place in range(len(result.units))])
    facts = {**result.facts, "scenario": HOSTILE[1], "name": HOSTILE[0], "name_en": HOSTILE[0]}
    status = result.coverage["status"].mask(result.coverage["status"] == "gap", "served")
    after = dataclasses.replace(result, units=renamed, coverage=result.coverage.assign(status=status), facts=facts)
    page = open_page(page_of(compared(monkeypatch, after), tmp_path))
    page.locator("#c15-card-toggle").click()
    assert HOSTILE[1] in page.locator("#c15-card").inner_text()
    assert HOSTILE[1] in page.locator("#c15-said").inner_text()
    page.locator("#c15-card-toggle").click()
    page.locator("#c15-ranked button").first.click()
    page.wait_for_timeout(200)
    assert not page.title().startswith("hacked")
    assert page.locator("img").count() == 0


def test_a_phone_shows_everything_without_sideways_scrolling(monkeypatch, tmp_path, open_page):
    result = sample_result()
    status = result.coverage["status"].mask(result.coverage["status"] == "gap", "served")
    found = compared(monkeypatch, dataclasses.replace(result, coverage=result.coverage.assign(status=status)))
    page = open_page(
        page_of(found, tmp_path), width=390, height=844, device_scale_factor=2, is_mobile=True, has_touch=True
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for part in (
        "#c15-figures",
        ".folium-map",
        "#c15-legend",
        "#c15-said",
        "#c15-categories",
        "#c15-ranked",
        "#c15-foot",
    ):
        box = page.locator(part).bounding_box()
        assert box["width"] > 200
        assert box["height"] > 30


@pytest.mark.parametrize(("width", "height"), [(1366, 768), (1280, 720)])
def test_nothing_is_cut_off_on_a_projector(monkeypatch, tmp_path, open_page, width, height):
    result = sample_result()
    status = result.coverage["status"].mask(result.coverage["status"] == "gap", "served")
    found = compared(monkeypatch, dataclasses.replace(result, coverage=result.coverage.assign(status=status)))
    page = open_page(page_of(found, tmp_path), width=width, height=height)
    size = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]")
    assert size == [width, height]
    assert page.locator("#c15-ranked ol").bounding_box()["height"] > 60
