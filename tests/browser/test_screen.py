"""One screen: the matrix that drills, circles, projects, layers, definitions, paper, and who can use it."""

import re
from dataclasses import replace

import pytest

from circle15 import tables
from circle15.page import gap_map
from sample_result import HOSTILE, sample_projects, sample_result, sample_standard

pytestmark = pytest.mark.browser
CELLS = "#c15-card .c15-rows td button"


def with_projects(result):
    """The result with a list of what to build, some of its names hostile."""
    table = sample_projects(result, [*HOSTILE, "空置房", "空置校舍"])
    return replace(result, judgement=replace(result.judgement, projects=table))


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("screen") / "map.html"
    gap_map(with_projects(sample_result()), standard=sample_standard()).save(path)
    return path


def choose(page, group, word):
    page.locator(f"#c15-{group} label", has_text=word).locator("input").check()


def picture(page, pane):
    return page.evaluate("pane => document.querySelector(`.leaflet-c15-${pane}-pane canvas`).toDataURL()", pane)


def names(page, part):
    return [text.strip() for text in page.locator(f"#c15-card .c15-{part} th").all_inner_texts()]


# ------------------------------------------------------------------------------------------------------ the matrix


def test_the_matrix_drills_from_the_district_to_its_communities_and_back(saved, open_page):
    page = open_page(saved)
    page.locator("#c15-tier input[value=district]").check()
    page.locator("#c15-card-toggle").click()
    assert (names(page, "above"), names(page, "rows")) == ([], ["样例区"])
    page.locator(".c15-rows .c15-drill").click()
    assert (names(page, "above"), names(page, "rows")) == (["样例区"], ["临江街道", "上半城街道"])
    assert page.locator("#c15-tier input:checked").get_attribute("value") == "subdistrict"
    page.wait_for_timeout(500)
    zoom = page.evaluate("circle15.shown.map.getZoom()")
    page.locator(".c15-rows .c15-drill").nth(1).click()
    page.wait_for_timeout(500)
    assert (names(page, "above"), names(page, "rows")) == (["样例区", "上半城街道"], ["朝阳社区"])
    assert page.evaluate("circle15.shown.map.getZoom()") > zoom
    page.locator(".c15-above td button").nth(11 + 3).click()  # a unit above: its parts stay
    assert "上半城街道" in page.locator("#c15-detail h2").inner_text()
    assert names(page, "rows") == ["朝阳社区"]
    page.locator(".c15-above .c15-drill").nth(1).click()
    assert (names(page, "above"), names(page, "rows")) == (["样例区"], ["临江街道", "上半城街道"])
    page.locator(".c15-above .c15-drill").click()
    assert (names(page, "above"), names(page, "rows")) == ([], ["样例区"])


def test_a_cell_shows_its_category_on_the_map_and_goes_to_its_unit(saved, open_page):
    page = open_page(saved)
    page.locator("#c15-card-toggle").click()
    ground, zoom = picture(page, "ground"), page.evaluate("circle15.shown.map.getZoom()")
    page.locator(CELLS).nth(11 + 6).click()
    page.wait_for_timeout(500)
    assert page.locator("#c15-categories input:checked").get_attribute("value") == "6"
    assert page.evaluate("circle15.shown.map.getZoom()") > zoom
    assert picture(page, "ground") != ground
    assert page.locator(CELLS).nth(11 + 6).get_attribute("aria-pressed") == "true"
    page.locator("#c15-card thead button").nth(2).click()
    assert page.locator("#c15-categories input:checked").get_attribute("value") == "2"


def test_arrow_keys_walk_the_matrix_and_what_was_chosen_keeps_the_focus(saved, open_page):
    page = open_page(saved)
    page.locator("#c15-card-toggle").click()
    assert page.locator("#c15-card td button[tabindex='0']").count() == 1
    page.locator(CELLS).first.focus()
    for key in ("ArrowDown", "ArrowRight", "ArrowRight", "ArrowUp", "ArrowLeft", "ArrowDown"):
        page.keyboard.press(key)
    where = "document.activeElement.getAttribute('aria-label')"
    said = page.evaluate(where)
    assert said.startswith("石梯社区 · 教育学习")
    page.keyboard.press("Enter")
    assert page.evaluate(where) == said
    assert page.locator("#c15-detail").is_visible()
    assert page.locator("#c15-categories input:checked").get_attribute("value") == "1"
    assert page.locator("#c15-card td button[tabindex='0']").count() == 1


# -------------------------------------------------------------------------------------------- circles and projects


def test_circles_built_are_those_of_the_tables(saved, open_page):
    page = open_page(saved)
    judged = sample_result().judgement
    built = (judged.circles["state"] == "built").sum()
    figure = page.locator("#c15-figures .c15-circles")
    assert figure.locator("dd").inner_text() == f"{built} / {len(judged.circles)}"
    assert "每一类都达到“良”才算建成" in figure.get_attribute("title")
    choose(page, "list", "建成")
    rows = page.locator("#c15-circles ol button")
    assert rows.count() == len(judged.circles)
    units = sample_result().units["name"]
    words = {"built": "已建成", "not built": "未建成", "unknown": "未能判断"}
    for text, circle in zip(rows.all_inner_texts(), judged.circles.sort_values("rank").itertuples(), strict=True):
        assert units[circle.Index] in text
        assert words[circle.state] in text
        assert f"{circle.met} / {circle.met + circle.lacking + circle.unknown} 类达标" in text
    due = judged.targets.iloc[0]
    assert f"还差 {due['short']} 个" in page.locator("#c15-circles table").inner_text()
    page.locator("#c15-walker input").nth(1).check()
    assert figure.locator("dt").inner_text() == "已建成生活圈 · 成年人"  # they are judged by the study's own walker
    assert page.locator("#c15-circles h2").inner_text() == "生活圈建成进度 · 成年人"
    rows.first.click()
    assert page.locator("#c15-detail").is_visible()
    assert page.locator("#c15-tier input:checked").get_attribute("value") == "subdistrict"


def test_projects_are_listed_by_rank_drawn_and_found(saved, open_page):
    page = open_page(saved)
    marks = picture(page, "marks")
    choose(page, "list", "项目")
    assert picture(page, "marks") != marks  # those of other categories are drawn as well
    rows = page.locator("#c15-projects li button")
    assert rows.count() == 6
    assert page.locator("#c15-projects h3").all_inner_texts() == ["近期实施", "储备"]
    assert "新覆盖 5,000 人" in rows.first.inner_text()
    assert "造价：未知" in rows.last.inner_text()
    rows.nth(3).click()
    page.wait_for_timeout(600)
    assert page.locator("#c15-categories input:checked").get_attribute("value") == "7"
    assert "储备" in page.locator("#c15-detail header").inner_text()
    at = page.evaluate(
        """() => { const { map, study, world } = circle15.shown;
          return map.latLngToContainerPoint(world.project.latLng(study.projects[3].at)); }"""
    )
    size = page.evaluate("circle15.shown.map.getSize()")
    assert 0 < at["x"] < size["x"]
    assert 0 < at["y"] < size["y"]


def test_without_projects_and_circles_there_is_no_place_for_them(tmp_path, open_page):
    result = replace(sample_result(), judgement=tables.Judgement())
    gap_map(result, standard=sample_standard()).save(tmp_path / "map.html")
    page = open_page(tmp_path / "map.html")
    assert page.locator("#c15-list label").all_inner_texts() == ["缺口", "清单", "依赖"]
    assert page.locator("#c15-figures > div").count() == 4


def test_hostile_names_of_projects_and_units_are_text(saved, open_page):
    page = open_page(saved)
    choose(page, "list", "项目")
    rows = page.locator("#c15-projects li button")
    said = rows.all_inner_texts()
    for place, hostile in enumerate(HOSTILE):
        assert hostile.replace("\u202e", "") in said[place]
    for place in range(4):
        rows.nth(place).click()
        assert HOSTILE[place].replace("\u202e", "") in page.locator("#c15-detail").inner_text()
    choose(page, "tier", "社区")
    page.locator("#c15-card-toggle").click()
    assert "右起左行的名字" in names(page, "rows")
    titles = page.evaluate("[...document.querySelectorAll('[title]')].map(one => one.title)")
    assert not any("\u202e" in text for text in [*said, *titles])
    page.evaluate("window.dispatchEvent(new Event('beforeprint')); window.dispatchEvent(new Event('afterprint'))")
    page.wait_for_timeout(200)
    assert page.title().startswith("样例半岛")
    assert page.locator("img").count() == 0


# ---------------------------------------------------------------------------------------------------------- layers


def test_every_layer_can_be_taken_away_and_put_back(saved, open_page):
    page = open_page(saved)
    choose(page, "categories", "社区助餐")
    page.evaluate("circle15.shown.map.setZoom(14.5, {animate: false})")  # all of it, with its signs
    page.locator("#c15-layers-toggle").click()
    ticks = page.locator("#c15-layers input")
    keys = [tick.get_attribute("value") for tick in ticks.all()]
    assert {"card", "homes", "facilities", "stability", "terrain", "depended", "projects"} <= set(keys)
    assert {"borders", "streets", "stairs", "lifts", "rail", "water", "parks"} <= set(keys)
    asked = [key for key in keys if key.startswith("service ")]
    assert len(asked) == len(sample_standard().categories[4].services)
    both = lambda: picture(page, "ground") + picture(page, "marks")  # noqa: E731
    whole = both()
    for key in keys:
        if key == "stability":  # shown at few cells; said below
            continue
        tick = page.locator(f"#c15-layers input[value='{key}']")
        before = tick.is_checked()
        tick.set_checked(not before)
        assert both() != whole, key
        tick.set_checked(before)
        assert both() == whole, key
    assert page.evaluate("document.activeElement.type") == "checkbox"  # the keyboard stays where it was
    assert "易变" in page.locator("#c15-legend").inner_text()
    page.locator("#c15-layers input[value=stability]").uncheck()
    assert "易变" not in page.locator("#c15-legend").inner_text()


# ------------------------------------------------------------------------------------- definitions, for everybody


def test_every_figure_has_a_definition_for_the_keyboard_too(saved, open_page):
    page = open_page(saved)
    figures = page.locator("#c15-figures > div")
    page.keyboard.press("Tab")  # past the map
    for place in range(figures.count()):
        title = figures.nth(place).get_attribute("title")
        assert len(title) > 8
        page.keyboard.press("Tab")
        assert page.locator("#c15-why").inner_text() == title
    page.keyboard.press("Escape")
    assert page.locator("#c15-why").is_hidden()
    for part, words in (("缺口", "ranked"), ("项目", "projects"), ("依赖", "depended")):
        choose(page, "list", part)
        assert page.locator(f"#c15-{words} .c15-count").first.get_attribute("title")
    choose(page, "list", "清单")
    assert all(head.get_attribute("title") for head in page.locator("#c15-lists thead th").all())


@pytest.mark.parametrize(("width", "height"), [(1366, 768), (390, 844)])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_axe_finds_nothing_to_object_to(saved, open_page, axe, language, width, height):
    page = open_page(saved, width=width, height=height)
    page.evaluate(axe)

    def wrong():
        found = page.evaluate("axe.run({resultTypes: ['violations']})")["violations"]
        return [(one["impact"], one["id"], [node["target"] for node in one["nodes"][:3]]) for one in found]

    if language == "en":
        page.locator("#c15-language").click()
    assert wrong() == []
    for key in ("projects", "circles", "lists", "depended"):
        page.evaluate("key => circle15.shown.set({ list: key })", key)
        assert (key, wrong()) == (key, [])
    page.locator("#c15-layers-toggle").click()
    assert wrong() == []
    page.locator("#c15-layers-toggle").click()
    page.evaluate("circle15.shown.set({ list: 'gaps' })")
    page.locator("#c15-ranked button").first.click()
    assert wrong() == []
    page.keyboard.press("Escape")
    page.locator("#c15-card-toggle").click()
    page.locator(CELLS).nth(4).click()
    assert wrong() == []
    page.evaluate("circle15.shown.chooseWalker(1); circle15.shown.set({ reading: 'difference' })")
    assert wrong() == []


def test_the_words_of_groups_follow_the_language(saved, open_page):
    page = open_page(saved)
    page.locator("#c15-language").click()
    for part in ("#c15-bar", "#c15-side", "#c15-layers", "#c15-zoom", "#c15-synthetic"):
        assert page.locator(part).get_attribute("aria-label").isascii()


# ------------------------------------------------------------------------------------------------------------ paper


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("paper", ["A4", "A3"])
def test_it_prints_on_one_sheet_and_the_card_after_it(saved, open_page, paper, language):
    page = open_page(saved)
    if language == "en":
        page.locator("#c15-language").click()
    view = "(({ map }) => [map.getZoom(), map.getCenter()])(circle15.shown)"
    before, ground = page.evaluate(view), picture(page, "ground")
    printed = page.pdf(format=paper, landscape=True, print_background=True)
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) in (2, 3)  # the map; the card with the plans
    assert page.evaluate(view) == before
    page.wait_for_timeout(300)
    assert picture(page, "ground") == ground
    assert page.locator("#c15-card").is_hidden()


def test_the_sheet_holds_all_that_makes_it_honest(saved, open_page):
    page = open_page(saved)
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    for part in (
        "#c15-head",
        "#c15-synthetic",
        "#c15-legend-body",
        "#c15-foot",
        "#c15-card",
        "#c15-circles",
        "#c15-projects",
    ):
        assert page.locator(part).is_visible(), part
    for part in ("#c15-bar", "#c15-zoom", "#c15-language", "#c15-list"):
        assert page.locator(part).is_hidden(), part
    assert "判定口径：严格" in page.locator("#c15-date").inner_text()
    foot = page.evaluate("document.getElementById('c15-margin').textContent")
    for words in ("样例半岛", "合成示例数据", "2026-11-01", "示例标准（测试用）"):
        assert words in foot
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert page.locator("#c15-bar").is_visible()
    assert page.locator("#c15-circles").is_hidden()
    assert page.evaluate("document.getElementById('c15-margin')") is None


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(("width", "height", "enlarged"), [(1046, 718, 1), (1512, 1047, 1.444)])
def test_the_first_sheet_ends_above_its_margin(saved, open_page, language, width, height, enlarged):
    page = open_page(saved)  # laid out on the screen, printed on paper
    if language == "en":
        page.locator("#c15-language").click()
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    page.set_viewport_size({"width": width, "height": height})
    foot, card = (page.locator(part).bounding_box() for part in ("#c15-foot", "#c15-card"))
    assert foot["y"] + foot["height"] <= height
    assert card["y"] >= foot["y"] + foot["height"]
    assert page.locator(".folium-map").bounding_box()["height"] > 300 * enlarged
    assert page.evaluate("document.documentElement.scrollWidth") <= width + 1
