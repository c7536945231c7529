"""The page in a real browser, with the network off."""

import dataclasses
from dataclasses import replace

import pandas as pd
import pytest

from circle15 import tables
from circle15.page import gap_map
from sample_result import HOSTILE, sample_result, sample_standard

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "map.html"
    gap_map(sample_result(), standard=sample_standard()).save(path)
    return path


@pytest.fixture(scope="module")
def saved_plain(tmp_path_factory):
    """A study of one walker, without causes, stability, dependence and step-free runs."""
    result = sample_result()
    plain = dataclasses.replace(
        result,
        grades=result.grades.assign(flips=float("nan")),
        completeness=tables.COMPLETENESS.empty(),
        survey=tables.SURVEY.empty(),
        gaps=result.gaps.assign(cause=""),
        walkers=tables.WALKERS.empty(),
        judgement=tables.Judgement(),
        dependence=tables.DEPENDENCE.empty(result.area.crs),
        step_free=tables.STEP_FREE.empty(result.area.crs),
    )
    path = tmp_path_factory.mktemp("plain") / "map.html"
    gap_map(plain, standard=sample_standard()).save(path)
    return path


def pixels(page, pane):
    """How many pixels of a layer are not blank."""
    return page.evaluate(
        """pane => {
          const canvas = document.querySelector(`.leaflet-${pane}-pane canvas`);
          const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", {willReadFrequently: true});
          copy.drawImage(canvas, 0, 0);
          const data = copy.getImageData(0, 0, canvas.width, canvas.height).data;
          let drawn = 0;
          for (let i = 3; i < data.length; i += 4) if (data[i]) drawn += 1;
          return drawn;
        }""",
        pane,
    )


def choose(page, group, word):
    page.locator(f"#c15-{group} label", has_text=word).locator("input").check()


def test_the_page_opens_and_says_what_it_is(saved, open_page):
    page = open_page(saved)
    assert page.title().startswith("样例半岛")
    assert page.locator("html").get_attribute("lang") == "zh-CN"
    assert page.locator("#c15-synthetic").inner_text().startswith("合成示例数据 / Synthetic demonstration data")
    assert page.locator("#c15-categories label").count() == 11
    assert "示例标准（测试用）" in page.locator("#c15-foot").inner_text()
    assert page.locator("#c15-date").inner_text().count("2026-11-01") == 1
    assert pixels(page, "c15-ground") > 100_000
    assert pixels(page, "c15-reach") == 0


def test_figures_are_those_of_the_result(saved, open_page):
    page = open_page(saved)
    result = sample_result()
    choose(page, "categories", "医疗卫生")
    card = result.grades[(result.grades["unit"] == "D") & (result.grades["category"] == "health")].iloc[0]
    shown = page.locator("#c15-figures dd").all_inner_texts()
    expected = (card["people"], card["gap"], card["unknown"])
    assert [int(text.replace(",", "")) for text in (shown[0], shown[2], shown[3])] == [int(one) for one in expected]
    assert shown[1] == f"{100 * card['served'] / card['people']:.1f}%"


def test_what_cannot_be_said_is_shown_as_a_range(saved, open_page):
    page = open_page(saved)
    choose(page, "categories", "养老服务")
    low, high = page.locator("#c15-figures .c15-served dd").inner_text().rstrip("%").split("–")
    card = sample_result().grades.loc["D:elderly_care"]
    assert float(low) == pytest.approx(100 * card["served"] / card["people"], abs=0.05)
    assert float(high) == pytest.approx(100 * (card["served"] + card["unknown"]) / card["people"], abs=0.05)
    assert page.locator("#c15-categories label", has_text="养老服务").locator(".c15-share").inner_text() == "未知"


def test_a_category_is_chosen_by_mouse_and_by_keyboard(saved, open_page):
    page = open_page(saved)
    choose(page, "categories", "托育服务")
    first = page.locator("#c15-figures").inner_text()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    assert page.locator("#c15-categories input:checked").get_attribute("value") == "2"
    assert page.evaluate("document.activeElement.value") == "2"
    assert page.locator("#c15-figures").inner_text() != first
    assert "无法判断" in page.locator("#c15-ranked > p").inner_text()


def test_a_click_on_a_cluster_tells_and_draws(saved, open_page):
    page = open_page(saved)
    choose(page, "categories", "社区助餐")
    before = pixels(page, "c15-marks")
    page.locator("#c15-ranked button").first.click()
    page.wait_for_timeout(700)
    detail = page.locator("#c15-detail")
    assert detail.get_attribute("aria-live") == "polite"
    text = detail.inner_text()
    assert "社区食堂" in text
    assert "缺口" in text
    assert "15 分钟：街道 13.5 公里" in text
    assert pixels(page, "c15-reach") > 10_000
    assert pixels(page, "c15-marks") != before
    page.keyboard.press("Escape")
    assert detail.is_hidden()
    assert pixels(page, "c15-reach") == 0


def test_the_map_itself_answers_to_the_mouse(saved, open_page):
    page = open_page(saved)
    place = page.evaluate(
        """() => {  // where the most people live, on the screen
          const { map, world, state } = circle15.shown;
          const at = map.latLngToContainerPoint(world.project.latLng(world.clusters.steps(state.byPeople[0])));
          const box = map.getContainer().getBoundingClientRect();
          return [box.left + at.x, box.top + at.y];
        }"""
    )
    page.mouse.move(*place)
    people = sample_result().origins["population"].max()
    assert f"{people:,.0f} 人" in page.locator(".c15-tip").inner_text()
    page.mouse.click(*place)
    assert f"{people:,.0f} 人" in page.locator("#c15-detail header").inner_text()
    assert pixels(page, "c15-reach") > 10_000
    page.keyboard.press("Escape")
    corner = page.locator("#c15-zoom").bounding_box()
    page.mouse.click(corner["x"] + 120, corner["y"] + 5)  # water: nothing there
    assert page.locator("#c15-detail").is_hidden()


def test_strict_and_lenient_differ(saved, open_page):
    page = open_page(saved)
    choose(page, "categories", "医疗卫生")
    strict = page.locator("#c15-figures .c15-served dd").inner_text()
    choose(page, "reading", "宽松")
    assert float(page.locator("#c15-figures .c15-served dd").inner_text()[:-1]) > float(strict[:-1])


def test_the_language_is_switched_and_back(saved, open_page):
    page = open_page(saved)
    page.locator("#c15-language").click()
    assert page.locator("html").get_attribute("lang") == "en-GB"
    assert page.locator("#c15-title h1").inner_text().startswith("Sample peninsula")
    assert "Medical care" in page.locator("#c15-categories").inner_text()
    visible = page.locator(
        "#c15-head, #c15-side legend, #c15-ranked-title, #c15-card-toggle, #c15-legend h3"
    ).all_inner_texts()
    own = "".join(visible).replace("样例半岛", "").replace("中文", "")
    assert not [letter for letter in own if "\u4e00" <= letter <= "\u9fff"]
    page.locator("#c15-language").click()
    assert page.locator("#c15-title h1").inner_text().startswith("样例半岛")


def test_the_card_drives_the_map(saved, open_page):
    page = open_page(saved)
    page.locator("#c15-card-toggle").click()
    cells = page.locator("#c15-card .c15-rows td button")
    assert cells.count() == 3 * 11
    assert {"优", "弱", "缺", "清单不全"} <= set(cells.all_inner_texts())
    choose(page, "tier", "街道")
    assert cells.count() == 2 * 11
    cells.nth(11 + 6).click()
    assert page.locator("#c15-categories input:checked").get_attribute("value") == "6"
    assert "上半城街道" in page.locator("#c15-detail h2").inner_text()


def test_the_lists_follow_the_unit_and_say_which_to_get_next(saved, open_page):
    page = open_page(saved)
    result = sample_result()
    choose(page, "list", "清单")
    assert page.locator("#c15-ranked").is_hidden()
    rows = page.locator("#c15-lists tbody tr")
    assert rows.count() == len(sample_standard().services)
    assert page.locator("#c15-lists p").inner_text().startswith("样例区：先要的清单：社区养老服务站、养老服务中心。")
    hidden = result.coverage[(result.coverage["why"] == "inventory")].groupby("service")["origin"].apply(list)
    for place, key in enumerate(("elderly_care_0", "elderly_care_1")):  # the one that leaves more people unknown first
        people = result.origins.loc[hidden[key], "population"].sum()
        table = result.completeness.loc[f"D:{key}"]
        found, known = rows.nth(place).locator("td").all_inner_texts()
        assert found == f"{table['found']} / 12"
        assert known.split("\n")[-2:] == ["未知", f"{people:,.0f} 人"]
    listed = page.locator("#c15-lists tr", has_text="社区食堂").inner_text()
    assert "清单列全" in listed
    assert "可判断" in listed
    assert "– " not in page.locator("#c15-lists tr", has_text="公交站").inner_text()
    page.locator("#c15-card-toggle").click()
    page.locator("#c15-card .c15-rows td button").nth(11 + 2).click()
    assert "石梯社区" in page.locator("#c15-lists p").inner_text()
    assert "/ 2.4" in rows.first.inner_text()
    assert "按样例区判断" in rows.first.inner_text()
    page.locator("#c15-language").click()
    assert "to get next: Elderly care 1, Elderly care 2." in page.locator("#c15-lists p").inner_text()


def test_a_cell_whose_list_is_incomplete_says_so_with_word_and_pattern(saved, open_page):
    page = open_page(saved)
    choose(page, "categories", "养老服务")
    assert "清单不全" in page.locator("#c15-legend").inner_text()
    page.locator("#c15-card-toggle").click()
    cell = page.locator("#c15-card .c15-rows td button").nth(2)
    assert cell.inner_text() == "清单不全"
    assert cell.get_attribute("data-grades") == "unknown"
    assert "radial-gradient" in cell.evaluate("cell => getComputedStyle(cell).backgroundImage")
    assert "清单不全：社区养老服务站" in cell.get_attribute("aria-label")
    cell.click()
    assert "清单不全：社区养老服务站" in page.locator("#c15-detail .c15-current").inner_text()
    tip = page.evaluate(
        "circle15.panel.tip(circle15.shown.study, circle15.shown.state, {kind: 'unit', index: 3}).textContent"
    )
    assert "清单不全：社区养老服务站" in tip
    choose(page, "categories", "医疗卫生")
    assert "清单不全" not in page.locator("#c15-legend").inner_text()


def test_what_residents_say_stands_beside_the_grade(saved, open_page):
    page = open_page(saved)
    choose(page, "tier", "街道")
    page.locator("#c15-card-toggle").click()
    row = sample_result().survey.loc["S0:health"]
    said = f"满意度 {row['mean']:.1f}（{row['answers']} 份）"
    cell = page.locator("#c15-card .c15-rows td button").nth(3)
    assert said in cell.get_attribute("aria-label")
    cell.click()
    assert said in page.locator("#c15-detail .c15-current").inner_text()
    assert page.locator("#c15-detail .c15-satisfied").count() == 10  # nobody was asked of the last category
    page.locator("#c15-tier input[value=district]").check()
    page.locator("#c15-card .c15-rows td button").nth(3).click()
    assert page.locator("#c15-detail .c15-satisfied").count() == 0


def picture(page, pane):
    """What is painted on a layer."""
    return page.evaluate("pane => document.querySelector(`.leaflet-${pane}-pane canvas`).toDataURL()", pane)


def card_words(page):
    """The words of the card, row by row, marks of close calls left out."""
    return [word.replace("≈", "").strip() for word in page.locator("#c15-card .c15-rows td button").all_inner_texts()]


def by_walker(walker, column):
    """A column of the walkers' cards for the communities, in the order of the page."""
    result, standard = sample_result(), sample_standard()
    table = result.walkers[result.walkers["walker"] == walker].set_index(["unit", "category"])[column]
    return [table[unit, category.key] for unit in ("C00", "C01", "C02") for category in standard.categories]


def test_another_walker_recolours_units_and_card_and_counts_them_again(saved, open_page):
    page = open_page(saved)
    choose(page, "categories", "医疗卫生")
    page.locator("#c15-card-toggle").click()
    ground, marks = picture(page, "c15-ground"), picture(page, "c15-marks")
    walkers = page.locator("#c15-walker label")
    assert [text.split()[0] for text in walkers.all_inner_texts()] == ["成年人", "老年人", "假如没有坡"]
    assert walkers.nth(1).get_attribute("title").startswith("老年人（75 岁及以上） · ")
    walkers.locator("input").first.focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.value") == "1"  # it goes on from there
    assert picture(page, "c15-ground") != ground
    assert picture(page, "c15-marks") != marks  # words on units; the homes stay
    bands = {band.grade: band.names["zh"] for band in sample_standard().grades}
    assert card_words(page) == [bands.get(grade, "清单不全") for grade in by_walker("older_75", "grade")]
    assert "老年人（75 岁及以上）" in page.locator("#c15-date").inner_text()
    row = sample_result().walkers.loc["D:health:older_75"]
    share = f"{100 * row['served'] / (row['served'] + row['gap'] + row['unknown']):.1f}%"
    assert page.locator("#c15-figures .c15-served dd").inner_text() == share
    assert share in walkers.nth(1).inner_text()
    choose(page, "categories", "养老服务")  # of most people it cannot be said
    assert [text.split()[1] for text in walkers.all_inner_texts()] == ["未知"] * 3
    page.locator("#c15-card-toggle").click()
    assert "居住点（仍按成年人）" in page.locator("#c15-legend").inner_text()
    assert page.locator("#c15-ranked h2").inner_text().endswith("成年人")


def test_the_difference_says_grades_up_and_down(saved, open_page):
    page = open_page(saved)
    readings = page.locator("#c15-reading label")
    assert readings.all_inner_texts() == ["严格", "宽松"]
    page.locator("#c15-walker input").nth(2).check()
    assert readings.all_inner_texts() == ["严格", "差异"]
    plain = picture(page, "c15-ground")
    choose(page, "reading", "差异")
    assert picture(page, "c15-ground") != plain
    assert "地形影响" in page.locator("#c15-legend").inner_text()
    page.locator("#c15-card-toggle").click()

    def word(change):
        if change is pd.NA:
            return "未评"
        return f"升 {change} 级" if change > 0 else f"降 {-change} 级" if change < 0 else "不变"

    assert card_words(page) == [word(change) for change in by_walker("level", "change")]
    page.locator("#c15-walker input").nth(1).check()
    assert card_words(page) == [word(change) for change in by_walker("older_75", "change")]
    assert page.locator('#c15-card button[data-change="-1"]').count() > 0
    page.locator("#c15-card-toggle").click()
    assert "老年人（75 岁及以上）与本研究步行者（成年人）相比" in page.locator("#c15-legend").inner_text()
    page.locator("#c15-walker input").nth(0).check()
    assert readings.all_inner_texts() == ["严格", "宽松"]
    assert page.locator("#c15-reading input:checked").get_attribute("value") == "strict"


def test_a_close_call_is_marked_and_said(saved, open_page):
    page = open_page(saved)
    page.locator("#c15-card-toggle").click()
    flips = sample_result().grades.loc[lambda card: card["unit"].str.startswith("C"), "flips"]
    marked = page.locator("#c15-card .c15-rows td button", has_text="≈")
    assert marked.count() == (flips >= 0.34).sum() > 0
    assert "易变：50% 的稳健性试算会改变等级" in marked.first.get_attribute("aria-label")
    marked.first.click()
    page.wait_for_timeout(400)
    assert page.locator("#c15-detail .c15-grade", has_text="≈").first.get_attribute("title").startswith("易变")
    page.locator("#c15-card-toggle").click()
    legend = page.locator("#c15-legend li", has_text="易变")
    assert legend.is_visible()
    assert "三分之一" in legend.get_attribute("title")
    choose(page, "reading", "宽松")  # the runs are about the strict reading
    assert page.locator("#c15-legend li", has_text="易变").count() == 0


def test_what_people_depend_on_is_listed_and_found(saved, open_page):
    page = open_page(saved)
    choose(page, "categories", "社区助餐")
    assert page.locator("#c15-depended").is_hidden()
    choose(page, "list", "依赖")
    assert page.locator("#c15-ranked").is_hidden()
    listed = page.locator("#c15-depended button")
    assert listed.count() == 10
    table = sample_result().dependence
    here = table[table["service"].str.startswith("dining")].groupby("osm_id")["people"].sum().sort_values()
    shown = [text.splitlines()[-2] for text in listed.all_inner_texts()]
    assert [int(text.rstrip(" 人").replace(",", "")) for text in shown] == here[::-1][:10].astype(int).tolist()
    assert any(HOSTILE[1] in text for text in listed.all_inner_texts())
    zoom, marks = page.evaluate("circle15.shown.map.getZoom()"), picture(page, "c15-marks")
    row = page.locator("#c15-depended button[data-element='way/907']")
    assert "失去 社区食堂 800 人" in row.inner_text()
    row.click()
    page.wait_for_timeout(900)
    assert page.evaluate("circle15.shown.map.getZoom()") > zoom
    assert picture(page, "c15-marks") != marks
    detail = page.locator("#c15-detail").inner_text()
    assert "天桥 · way/907" in detail
    assert "8 个居住点" in detail
    page.keyboard.press("Escape")
    assert page.locator("#c15-detail").is_hidden()
    choose(page, "categories", "便捷出行")
    assert "没有这样的地方" in page.locator("#c15-depended > p").inner_text()
    assert listed.count() == 10


def test_a_cluster_says_why_and_how_far_without_steps(saved, open_page):
    page = open_page(saved)
    choose(page, "categories", "社区助餐")
    result = sample_result()
    gaps = result.gaps[result.gaps["service"] == "dining_0"]
    words = {"none": "无设施", "far": "平地也太远", "terrain": "因地形"}
    for row in gaps.iloc[:6].itertuples():
        index = result.origins.index.get_loc(row.origin)
        listed = page.locator(f"#c15-ranked button[data-cluster='{index}']")
        assert words[row.cause] in listed.inner_text()
        listed.click()
        detail = page.locator("#c15-detail").inner_text()
        assert f"限 10 分钟 · {words[row.cause]}" in detail
        home = result.step_free.loc[row.origin]
        expected = "没有无台阶的路" if home["no_way"] else f"无台阶绕行 ×{home['ratio']:.1f}"
        assert expected in detail
        assert home["no_way"] or f"无台阶可达 {home['reached_step_free']} 项" in detail


def test_without_these_runs_the_page_is_as_calm_as_before(saved_plain, open_page):
    page = open_page(saved_plain)
    for part in ("#c15-walker", "#c15-list", "#c15-depended", "#ask"):
        assert page.locator(part).is_hidden()
    assert page.locator("#c15-reading label").all_inner_texts() == ["严格", "宽松"]
    page.locator("#c15-card-toggle").click()
    assert "≈" not in page.locator("body").inner_text()
    assert "未评" in page.locator("#c15-card").inner_text()
    assert "清单不全" not in page.locator("body").inner_text()
    page.locator("#c15-card-toggle").click()
    page.locator("#c15-ranked button").first.click()
    text = page.locator("#c15-detail").inner_text()
    assert "无台阶" not in text
    assert "因地形" not in text
    assert page.locator("#c15-ranked h2").inner_text() == "缺口最大的居住点"


def test_names_from_the_data_are_text_and_nothing_else(saved, open_page):
    page = open_page(saved)
    seen = set()
    page.locator("#c15-card-toggle").click()
    seen |= set(page.locator("#c15-card .c15-rows th").all_inner_texts())
    page.locator("#c15-card-toggle").click()
    page.evaluate("circle15.panel.$('detail').hidden = true")
    tips = page.evaluate(
        """() => [...Array(8).keys()].map(index => {
          const study = circle15.shown.study, state = circle15.shown.state;
          const tip = circle15.panel.tip(study, state, {kind: "facility", index});
          document.body.append(tip);
          return tip.textContent;
        })"""
    )
    for hostile in HOSTILE[:3]:
        assert any(hostile in tip for tip in tips)
    assert any(HOSTILE[3].lstrip("\u202e") in tip for tip in tips)
    assert "右起左行的名字" in seen
    assert not any("\u202e" in text for text in seen | set(tips))
    page.wait_for_timeout(200)
    assert page.title().startswith("样例半岛")
    assert page.locator("img").count() == 0


def test_what_a_scenario_assumes_is_said(tmp_path, open_page):
    result = sample_result()
    facilities = result.facilities.assign(source=["scenario", *result.facilities["source"].iloc[1:]], verified=False)
    planned = replace(result, facilities=facilities, facts={**result.facts, "scenario": "新食堂"})
    gap_map(planned, standard=sample_standard()).save(tmp_path / "map.html")
    page = open_page(tmp_path / "map.html")
    assert "情景：新食堂" in page.locator("#c15-date").inner_text()
    said = page.evaluate(
        """() => {
          const { study, state } = circle15.shown;
          return [0, 1].map(index => circle15.panel.tip(study, state, {kind: "facility", index}).textContent);
        }"""
    )
    assert "未核实" in said[0]
    assert "情景设定，不是现状" in said[0]
    assert "情景" not in said[1]


def test_a_phone_shows_everything_without_sideways_scrolling(saved, open_page):
    page = open_page(saved, width=390, height=844, device_scale_factor=2, is_mobile=True, has_touch=True)
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 390
    for part in ("#c15-figures", ".folium-map", "#c15-legend", "#c15-categories", "#c15-ranked", "#c15-foot"):
        box = page.locator(part).bounding_box()
        assert box["width"] > 200
        assert box["height"] > 30
    page.locator("#c15-ranked button").first.tap()
    assert page.locator("#c15-detail").is_visible()


@pytest.mark.parametrize(("width", "height"), [(1366, 768), (1280, 720)])
def test_nothing_is_cut_off_on_a_projector(saved, open_page, width, height):
    page = open_page(saved, width=width, height=height)
    assert page.evaluate("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]") == [
        width,
        height,
    ]
    assert page.locator(".folium-map").bounding_box()["width"] > 0.6 * width
    foot = page.locator("#c15-foot").bounding_box()
    assert foot["y"] + foot["height"] <= height + 1


def test_an_analyst_can_add_layers(tmp_path, open_page):
    import folium

    mine = gap_map(sample_result(), standard=sample_standard(), language="en")
    folium.CircleMarker([29.56, 106.57], radius=40, tooltip="mine").add_to(mine)
    folium.LayerControl().add_to(mine)
    mine.save(tmp_path / "mine.html")
    page = open_page(tmp_path / "mine.html")
    assert page.locator("path.leaflet-interactive").count() == 1
    assert page.locator("html").get_attribute("lang") == "en-GB"


def test_a_damaged_file_says_so(saved, tmp_path, chromium):
    text = saved.read_text(encoding="utf-8")
    at = text.index('id="circle15-map"')
    broken = tmp_path / "broken.html"
    broken.write_text(text[: at + 400] + text[at + 5000 :], encoding="utf-8")
    page = chromium.new_page()
    page.goto(broken.as_uri())
    page.wait_for_selector("#c15-message.c15-stop")
    assert "文件可能不完整" in page.locator("#c15-message").inner_text()
    page.close()


def test_the_head_says_what_is_asked_otherwise(tmp_path, open_page):
    result = sample_result()
    otherwise = {"trip": "slower", "when": "Tu 21:00", "fares": "free only", "scenario": '<b id="x">新梯道</b>'}
    path = tmp_path / "map.html"
    gap_map(replace(result, facts={**result.facts, **otherwise}), standard=sample_standard()).save(path)
    page = open_page(path)
    said = page.locator("#c15-date").inner_text()
    for words in ("往返取较慢的一程", "时段：Tu 21:00", "只走免费的", '情景：<b id="x">新梯道</b>'):
        assert words in said
    page.locator("#c15-language").click()
    assert "slower leg of out and back" in page.locator("#c15-date").inner_text()
    assert page.locator("#x").count() == 0
