"""The page of a large area: squares from afar, clusters from near by, and what it says of what it leaves out."""

import re

import numpy as np
import pytest

from circle15.page import contents, gap_map
from circle15.page.contents import STATES, category_states
from circle15.page.squares import SIDE_PX, mercator
from large_result import large_city, large_result, large_standard
from sample_result import sample_result, sample_standard

pytestmark = pytest.mark.browser
MANY = 45_000
SQUARE_AT = """([level, index]) => {  // the middle of all spots of the screen at which the mark of a square is found
  const { map } = circle15.shown;
  const box = map.getContainer().getBoundingClientRect();
  const { size, columns, rows } = level;
  const spots = [];
  for (let step = 0; step < 441; step += 1) {
    const [dx, dy] = [(step % 21) / 20, Math.floor(step / 21) / 20];
    const place = L.point(size * (columns[index] + dx), size * (rows[index] + dy));
    const latlng = L.CRS.EPSG3857.pointToLatLng(place, 0);
    const found = circle15.shown.find(latlng);
    if (found.kind === "square" && found.index === index) spots.push(map.latLngToContainerPoint(latlng));
  }
  const middle = (values) => values.reduce((sum, one) => sum + one, 0) / values.length;
  return [box.left + middle(spots.map((one) => one.x)), box.top + middle(spots.map((one) => one.y))];
}"""
LARGEST = """(() => {
  const level = circle15.shown.state.squaresAt(circle15.shown.map.getZoom());
  return [level, level.people.indexOf(level.most)];
})()"""


@pytest.fixture(scope="module")
def province(tmp_path_factory):
    path = tmp_path_factory.mktemp("province") / "map.html"
    gap_map(large_result(MANY), standard=large_standard()).save(path)
    return path


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("city") / "map.html"
    gap_map(sample_result(), standard=sample_standard()).save(path)
    return path


@pytest.fixture
def saved_with(tmp_path, monkeypatch):
    """Save the page of a result under other bounds of what a page carries."""

    def save(result, standard, **bounds):
        for name, value in bounds.items():
            monkeypatch.setattr(contents, name, value)
        path = tmp_path / "map.html"
        gap_map(result, standard=standard).save(path)
        return path

    return save


def zoom(page, value):
    page.evaluate("zoom => void circle15.shown.map.setZoom(zoom, { animate: false })", value)


def kind_drawn(page):
    return page.evaluate("circle15.shown.state.squaresAt(circle15.shown.map.getZoom()) ? 'squares' : 'clusters'")


def picture(page, pane="c15-marks"):
    return page.evaluate("pane => document.querySelector(`.leaflet-${pane}-pane canvas`).toDataURL()", pane)


def number(text):
    return int("".join(letter for letter in text if letter.isdigit()))


def test_squares_from_afar_and_clusters_from_near_by(province, open_page):
    page = open_page(province)
    assert kind_drawn(page) == "squares"
    legend = page.locator("#c15-legend")
    assert "居住点按格汇总，每格约" in legend.inner_text()
    assert "再放大，见每个居住点" in legend.inner_text()
    sides = [number(legend.inner_text().split("每格约")[1].split("米")[0])]
    pictures = [picture(page)]
    start = page.evaluate("circle15.shown.study.squares.clusters_from")
    for level in (start - 1, start):
        zoom(page, level)
        pictures.append(picture(page))
        if level < start:
            sides.append(number(legend.inner_text().split("每格约")[1].split("米")[0]))
    assert sides[0] > 2 * sides[1]
    assert kind_drawn(page) == "clusters"
    assert "居住点（面积对应人数）" in legend.inner_text()
    assert "每格约" not in legend.inner_text()
    assert len(set(pictures)) == 3
    page.locator("#c15-language").click()
    zoom(page, start - 1)
    assert "Homes summed per square of about" in legend.inner_text()


def test_every_level_sums_to_the_clusters(province, open_page):
    page = open_page(province)
    levels = page.evaluate(
        """() => {
          const { state, study, map } = circle15.shown;
          const found = [];
          for (let zoom = study.squares.level; zoom >= map.getMinZoom(); zoom -= 1) {
            const level = state.squaresAt(zoom);
            const total = (values) => values.reduce((sum, one) => sum + one, 0);
            const each = (values) => study.standard.categories.map((_, c) =>
              total(values.subarray(c * level.count, (c + 1) * level.count)));
            const { strict, lenient } = level;
            found.push({ count: level.count, people: total(level.people), clusters: total(level.clusters),
              sums: [strict.gap, strict.unknown, lenient.gap, lenient.unknown].map(each) });
          }
          return found;
        }"""
    )
    result, standard = large_result(MANY), large_standard()
    people = np.rint(1000 * result.origins["population"].to_numpy())
    by_service = contents._states(result, standard=standard)
    expected = []
    for lenient in (False, True):
        states = category_states(by_service, standard=standard, lenient=lenient)
        expected += [((states == STATES.index(one)) * people).sum(axis=1).tolist() for one in ("gap", "unknown")]
    assert len(levels) >= 3
    for one in levels:
        assert one["people"] == people.sum()
        assert one["clusters"] == MANY
        assert one["sums"] == expected
    counts = [one["count"] for one in levels]
    assert counts == sorted(counts, reverse=True)
    assert len(set(counts)) == len(counts)


def test_the_map_ends_where_there_is_nothing_more_to_see(province, saved, open_page):
    assert [open_page(path).evaluate("circle15.shown.map.getMinZoom()") for path in (province, saved)] == [9, 10]
    page = open_page(province)
    zoom(page, 3)
    assert page.evaluate("circle15.shown.map.getZoom()") == 9
    zoom(page, 25)
    assert page.evaluate("circle15.shown.map.getZoom()") == 19


def test_figures_are_those_of_the_card(province, open_page):
    page = open_page(province)
    page.locator("#c15-categories input").nth(2).check()
    standard = large_standard()
    whole = large_result(MANY).grades.loc[f"D:{standard.categories[2].key}"]
    shown = page.locator("#c15-figures dd").all_inner_texts()
    for text, name in zip((shown[0], shown[2], shown[3]), ("people", "gap", "unknown"), strict=True):
        assert number(text) == pytest.approx(whole[name], abs=0.501 + MANY / 2000)
    page.locator("#c15-reading label", has_text="宽松").locator("input").check()
    shown = page.locator("#c15-figures dd").all_inner_texts()
    assert number(shown[2]) == pytest.approx(whole["gap_lenient"], abs=0.501 + MANY / 2000)


def test_a_click_on_a_square_tells_its_sums(province, open_page):
    page = open_page(province)
    before = picture(page)
    spot = page.evaluate(f"({SQUARE_AT})({LARGEST})")
    level, column, row = page.evaluate(f"(([level, i]) => [level.level, level.columns[i], level.rows[i]])({LARGEST})")
    page.mouse.move(*spot)
    assert "个居住点汇总" in page.locator(".c15-tip").inner_text()
    page.mouse.click(*spot)
    result, standard = large_result(MANY), large_standard()
    place = mercator(np.array([(one.x, one.y) for one in result.origins.geometry.to_crs(4326)]))
    mine = (np.floor(place * (2.0**level / SIDE_PX)) == (column, row)).all(axis=1)
    people = result.origins["population"].to_numpy()
    detail = page.locator("#c15-detail")
    assert f"{people[mine].sum():,.0f} 人 · {mine.sum():,} 个居住点汇总 · 严格" in detail.inner_text()
    states = category_states(contents._states(result, standard=standard), standard=standard, lenient=False)
    rows = detail.locator("tbody tr")
    assert rows.count() == len(standard.categories)
    for place, codes in enumerate(states):
        gap, unknown, served = (people[mine & (codes == code)].sum() for code in range(3))
        text = rows.nth(place).inner_text()
        told = (text.split("缺口")[1].split("·")[0], text.split("未知")[1].split("可达")[0], text.split("可达")[1])
        for word, expected in zip(told, (gap, unknown, served), strict=True):
            assert number(word) == pytest.approx(expected, abs=0.51)
    assert picture(page) != before  # its outline
    page.locator("#c15-language").click()
    assert "homes summed" in detail.inner_text()
    page.keyboard.press("Escape")
    assert detail.is_hidden()
    page.locator("#c15-language").click()  # words of another length leave another room
    assert picture(page) == before


@pytest.mark.parametrize("ground", ["#0a4a48", "#f9efb4", "#b92d22"])
def test_unknown_never_looks_like_served_and_size_tells_people_in_a_gap(province, open_page, ground):
    page = open_page(province)
    drawn = page.evaluate(
        """ground => {
          const { study } = circle15.shown;
          const context = new OffscreenCanvas(80, 80).getContext("2d", { willReadFrequently: true });
          const radius = (people) => Math.sqrt(people); // 900 people: 30 pixels
          const pixels = (sum) => {
            context.fillStyle = ground;
            context.fillRect(0, 0, 80, 80);
            circle15.squares.mark(context, [40, 40], sum, { radius, marks: study.palette.marks });
            const { data } = context.getImageData(0, 0, 80, 80);
            const at = (x, y) => [...data.slice(4 * (80 * y + x), 4 * (80 * y + x) + 3)];
            let dark = 0;
            for (let i = 0; i < data.length; i += 4) dark += data[i] === 91 && data[i + 1] === 16 && data[i + 2] === 48;
            return { middle: at(40, 40), inside: at(40, 52), dark };
          };
          return {
            served: pixels({ all: 900, gap: 0, unknown: 0 }),
            unknown: pixels({ all: 900, gap: 0, unknown: 900 }),
            little: pixels({ all: 900, gap: 100, unknown: 0 }),
            half: pixels({ all: 900, gap: 400, unknown: 0 }),
            mixed: pixels({ all: 900, gap: 100, unknown: 400 }),
          };
        }""",
        ground,
    )
    teal, white, maroon = [60, 110, 113], [255, 255, 255], [91, 16, 48]

    def near(pixel, color):
        return max(abs(one - other) for one, other in zip(pixel, color, strict=True)) < 30

    assert near(drawn["served"]["middle"], teal)
    assert not near(drawn["served"]["inside"], white)  # the ground shines through
    for kind in ("unknown", "mixed"):
        assert near(drawn[kind]["inside"], white)
        assert not near(drawn[kind]["middle"], teal)
    assert near(drawn["unknown"]["middle"], white)
    for kind in ("little", "half", "mixed"):
        assert near(drawn[kind]["middle"], maroon)
    assert drawn["served"]["dark"] == drawn["unknown"]["dark"] == 0
    assert 3.2 < drawn["half"]["dark"] / drawn["little"]["dark"] < 4.8


def test_a_cluster_is_told_in_full_from_near_by(province, open_page):
    page = open_page(province)
    page.locator("#c15-ranked button").first.click()
    page.wait_for_timeout(700)
    assert kind_drawn(page) == "clusters"
    text = page.locator("#c15-detail").inner_text()
    assert "栋楼" in text
    assert "分钟" in text
    assert "本页没有等时圈" in text
    assert "逐项服务" not in text
    assert "设施太多，不在本页" in page.locator("#c15-foot").inner_text()


def test_without_clusters_squares_remain_at_every_zoom(open_page, saved_with):
    result, standard = large_result(3_000), large_standard()
    page = open_page(saved_with(result, standard, MOST_CLUSTERS=2_999))
    assert page.locator("#c15-ranked h2").inner_text() == "缺口最大的方格"
    assert "3,000 个居住点一页放不下" in page.locator("#c15-foot").inner_text()
    rows = page.locator("#c15-ranked button")
    assert rows.count() == 30
    people = [number(one) for one in page.locator("#c15-ranked .c15-count").all_inner_texts()]
    assert people == sorted(people, reverse=True)
    assert "合成" in rows.first.inner_text()
    rows.first.click()
    page.wait_for_timeout(700)
    assert kind_drawn(page) == "squares"
    assert "方格 · 约" in page.locator("#c15-detail h2").inner_text()
    zoom(page, 19)
    assert kind_drawn(page) == "squares"
    assert "放大后仍按格汇总" in page.locator("#c15-legend").inner_text()
    whole = result.grades.loc[f"D:{standard.categories[0].key}", "people"]
    assert number(page.locator("#c15-figures dd").first.inner_text()) == pytest.approx(whole, abs=2)
    page.locator("#c15-language").click()
    assert "they stay summed per square at every zoom" in page.locator("#c15-foot").inner_text()


def test_without_answers_a_cluster_tells_its_categories(open_page, saved_with):
    page = open_page(saved_with(sample_result(), sample_standard(), MOST_ANSWERS=0, MOST_CHARACTERS=0))
    page.locator("#c15-categories label", has_text="社区助餐").locator("input").check()
    first = page.locator("#c15-ranked button").first
    assert "最近" not in first.inner_text()
    first.click()
    detail = page.locator("#c15-detail")
    assert detail.locator(".c15-answer").count() == 11
    assert "缺口" in detail.locator(".c15-answer").first.inner_text()
    for words in ("逐项服务的分钟数不在本页", "本页没有等时圈"):
        assert words in detail.inner_text()
    page.locator("#c15-list label", has_text="清单").locator("input").check()
    lists = page.locator("#c15-lists").inner_text()
    assert "未知" in lists
    assert not re.search(r"\d 人", lists)  # how many people it is about is not known here, and not 0


def test_isochrones_that_did_not_fit_are_not_said_to_be_none(open_page, saved_with):
    page = open_page(saved_with(sample_result(), sample_standard(), MOST_CHARACTERS=60_000))
    page.wait_for_timeout(300)  # they are unpacked after the first picture
    assert page.evaluate("circle15.shown.world.outlines.left") > 0
    last = page.evaluate("circle15.shown.state.byPeople.at(-1)")
    page.evaluate("i => circle15.shown.showCluster(i)", last)
    assert "等时圈太多" in page.locator("#c15-detail").inner_text()
    page.evaluate("circle15.shown.showCluster(circle15.shown.state.byPeople[0])")
    assert "15 分钟：街道" in page.locator("#c15-detail").inner_text()


def test_half_a_million_clusters_open(tmp_path, open_page):
    path = tmp_path / "map.html"
    gap_map(large_result(500_000, services=1), standard=large_standard(1)).save(path)
    page = open_page(path)
    assert kind_drawn(page) == "squares"
    blank = page.evaluate("document.createElement('canvas').toDataURL()")
    far = picture(page)
    assert far != blank
    page.locator("#c15-ranked button").first.click()
    page.wait_for_timeout(700)
    assert kind_drawn(page) == "clusters"
    assert "个居住点" in page.locator("#c15-ranked > p").inner_text()
    assert picture(page) not in (far, blank)


ANSWERS = """() => {
  const { shown: { map, world }, asking } = circle15;
  const places = [];
  for (let c = 0; c < 5000; c += 100) {
    const begun = performance.now();
    asking.askHome(c);
    places.push([asking.answer.took.reach, asking.answer.took.all, performance.now() - begun]);
  }
  const edits = [];
  for (const one of asking.traces.elements.filter((_, k) => k % 40 === 0)) {
    const begun = performance.now();
    asking.try({ close: one.id });
    edits.push([asking.effect.took, performance.now() - begun]);
    asking.undo();
  }
  return [places, edits];
}"""


def test_a_city_of_a_hundred_thousand_pieces_answers(tmp_path, open_page, capsys):
    """Opens, is asked and edited; how long that takes is printed and held against nothing."""
    result, live = large_city(100_000, clusters=5_000, facilities=2_000)
    path = tmp_path / "map.html"
    gap_map(result, standard=large_standard(), live=live).save(path)
    page = open_page(path)
    assert result.streets["piece"].nunique() > 95_000
    ready = page.evaluate("performance.getEntriesByName('circle15-ready')[0].startTime")
    begun = page.evaluate("performance.now()")
    page.locator("#c15-list label", has_text="问一问").locator("input").check()
    page.wait_for_function("() => circle15.asking?.live && circle15.asking.effect")
    opened = page.evaluate("performance.now()") - begun
    box = page.locator(".folium-map").bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_function("() => circle15.asking.answer")
    [home] = result.origins.index[[100]]
    page.evaluate("circle15.asking.askHome(100)")
    status = result.found.status.loc[home]
    words = {"served": "可达", "gap": "缺口", "unknown": "未知"}
    for service in large_standard().services:
        assert page.locator(f"[data-service={service.key}] .c15-mark").inner_text().endswith(words[status[service.key]])
    places, edits = (np.array(one) for one in page.evaluate(ANSWERS))
    kinds = (
        *(("isochrone", places[:, 0]), ("all of a place", places[:, 1]), ("a place said and drawn", places[:, 2])),
        *(("what-if", edits[:, 0]), ("what-if said and drawn", edits[:, 1])),
    )
    told = [f"{name} {np.median(one):.1f} ms (at most {one.max():.0f})" for name, one in kinds]
    size = path.stat().st_size / 1e6
    with capsys.disabled():
        print(f"\n{size:.1f} MB, ready after {ready:.0f} ms, questions after {opened:.0f} ms; {'; '.join(told)}")  # noqa: T201
    assert len(places) == 50
    assert len(edits) > 10
