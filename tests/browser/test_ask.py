"""Questions in a meeting, by real clicks: what a person sees is what the Python engine and the command line say."""

import math
import re
import shutil
import tomllib
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pytest
import shapely

import circle15
from circle15.page import gap_map, maps
from circle15.page.contents import words
from circle15.sources.overrides import joints
from circle15.study import demo_study
from large_result import large_city, large_standard
from read_page import SHARE
from sample_result import HOSTILE, sample_result, sample_standard

pytestmark = pytest.mark.browser
ZOOM = 17
OPENED = "() => circle15.asking?.live && circle15.asking.effect"
LOOK = """([lon, lat, zoom]) => {  // show a place in the middle of the map; where that is in the window
  const { map } = circle15.shown;
  map.setView([lat, lon], zoom, { animate: false });
  const box = map.getContainer().getBoundingClientRect();
  const at = map.latLngToContainerPoint([lat, lon]);
  return [box.left + at.x, box.top + at.y];
}"""
IN_VIEW = """() => {
  const { routes: [{ shape }], page: { map } } = circle15.asking;
  const at = (k) => L.CRS.EPSG3857.pointToLatLng(L.point(shape.xs[k], shape.ys[k]), 0);
  return [0, shape.xs.length - 1].every((k) => map.getBounds().contains(at(k)));
}"""
SIGNS = {"served": "可达", "gap": "缺口", "unknown": "未知"}


@pytest.fixture
def meeting(ran, open_page):
    """A study, and the map of its results folder with the questions opened."""

    def opened(name, **window):
        study, folder = ran(name)
        page = open_page(folder / "map.html", **window)
        page.locator("#c15-list label", has_text="问一问").locator("input").check()
        page.wait_for_function(OPENED)
        return study, page

    return opened


def mode(page, name):
    page.locator(f"[data-key=mode-{name}]").click()


def click(page, lonlat, *, zoom=ZOOM):
    page.mouse.click(*page.evaluate(LOOK, [*lonlat, zoom]))


def choose_service(study, page, key):
    place = [one.key for one in study.standard.services].index(key)
    page.locator("[data-key=service]").select_option(str(place))


def said(page):
    return page.locator(".c15-ask-said").inner_text()


def number(text):
    return int(re.sub(r"[^\d]", "", text) or 0)


def degrees(study, points):
    return [(round(one.x, 7), round(one.y, 7)) for one in gpd.GeoSeries(points, crs=study.area.crs).to_crs(4326)]


def rounded_up(seconds):
    return f"{math.ceil(seconds / 6 - 1e-6) / 10:.1f}"


def pixels(page, pane):
    return page.evaluate(
        """pane => {
          const canvas = document.querySelector(`.leaflet-${pane}-pane canvas`);
          const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", { willReadFrequently: true });
          copy.drawImage(canvas, 0, 0);
          const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
          let drawn = 0;
          for (let i = 3; i < data.length; i += 4) if (data[i]) drawn += 1;
          return drawn;
        }""",
        pane,
    )


# ---------------------------------------------------------------------------------------------------------- one place


def test_nothing_of_it_is_seen_without_the_engine(open_page, tmp_path):
    gap_map(sample_result(), standard=sample_standard()).save(tmp_path / "map.html")
    page = open_page(tmp_path / "map.html")
    assert page.locator("#ask").is_hidden()
    assert page.locator("#ask *").count() == 0
    assert "问一问" not in page.locator("body").inner_text()
    assert page.evaluate("[typeof circle15.ask, document.querySelector('.leaflet-c15-ask-pane')]") == [
        "undefined",
        None,
    ]


@pytest.mark.parametrize("study_name", ["demo", "yuzhong"])
def test_a_click_anywhere_says_what_is_in_reach(meeting, study_name):
    study, page = meeting(study_name)
    home = study.origins["population"].idxmax()
    [at] = degrees(study, [shapely.Point(study.origins.geometry[home].x + 37, study.origins.geometry[home].y - 41)])
    click(page, at)
    at = page.evaluate("circle15.asking.at")  # of the pixel that was hit
    point = gpd.GeoDataFrame(geometry=gpd.GeoSeries.from_xy([at[0]], [at[1]], crs=4326).to_crs(study.area.crs))
    assert page.locator(".c15-ask-place h2").inner_text() == "从这里出发"
    rows = page.locator(".c15-ask-reach tbody tr").all_inner_texts()
    times = study.network.travel_times(point, study.origins, walker=study.walker, cutoff_minutes=15)
    pairs = times.pairs()
    for minutes, row in zip((5, 10, 15), rows, strict=True):
        within = pairs.loc[pairs["seconds"] <= 60 * minutes, "facility"]
        metres = study.network.reached(point.geometry.iloc[0], minutes, walker=study.walker)["length_m"].sum()
        words_ = re.split(r"\s+", row.strip())
        assert words_[-4:-2] == [f"{metres / 1000:.1f}", "公里"]
        assert number(words_[-2]) == round(study.origins.loc[within, "population"].sum())
    assert f"15 分钟内有 {round(study.origins.loc[within, 'population'].sum()):,} 位居民" in said(page)
    compare_nearest(study, page, point)
    assert pixels(page, "c15-ask-reach") > 10_000


def compare_nearest(study, page, point):
    """Minutes out and back of every service are the engine's, rounded up; who is not served is never said to be."""
    legs = {}
    for trip in ("out", "back"):
        found = study.network.travel_times(
            point, study.facilities, walker=study.walker, cutoff_minutes=study.search_minutes, trip=trip
        )
        legs[trip] = found.pairs().set_index("facility")["seconds"]
    for service in study.standard.services:
        own = study.facilities.index[study.facilities["service"] == service.key]
        out = legs["out"].reindex(own).dropna()
        row = service_row(page, service.key)
        text = row.inner_text()
        served = len(out) and out.min() <= 60 * service.minutes
        assert row.locator(".c15-served").count() == bool(served)
        if not len(out):
            assert f"{study.search_minutes:g} 分钟内未找到" in text
            continue
        back = legs["back"].reindex(out.index[out == out.min()])
        assert any(
            f"去 {rounded_up(out.min())} · 回 {'–' if np.isnan(one) else rounded_up(one)} 分" in text for one in back
        )


def service_row(page, key):
    return page.locator(f"[data-service={key}]")


@pytest.mark.parametrize("study_name", ["demo", "yuzhong"])
def test_a_click_on_a_home_says_what_the_study_says_of_it(meeting, study_name):
    study, page = meeting(study_name)
    homes = study.origins["population"].nlargest(40).index[::13]
    for home in homes:
        click(page, degrees(study, [study.origins.geometry[home]])[0])
        assert f"（{study.origins.loc[home, 'population']:,.0f} 人）" in page.locator(".c15-ask-place h2").inner_text()
        for service in study.standard.services:
            status = study.coverage.status.loc[home, service.key]
            assert service_row(page, service.key).locator(".c15-mark").inner_text().endswith(SIGNS[status])


def test_the_way_to_a_row_is_drawn_and_put_away(meeting):
    study, page = meeting("demo")
    click(page, degrees(study, [study.origins.geometry[study.origins["population"].idxmax()]])[0], zoom=15)
    before = pixels(page, "c15-ask")
    row = page.locator(".c15-ask-services button").first
    row.click()
    assert row.get_attribute("aria-pressed") == "true"
    page.wait_for_timeout(600)  # the map moves where the way leads out of view
    assert pixels(page, "c15-ask") > before + 300
    assert page.evaluate(IN_VIEW)
    out, back, nearest = page.evaluate(
        """() => {
          const { routes: [out, back], answer, picked } = circle15.asking;
          return [out.ticks, back.ticks, answer.services[picked].nearest];
        }"""
    )
    assert [out, back] == [nearest["out"], nearest["back"]]
    row.click()
    assert row.get_attribute("aria-pressed") == "false"
    assert page.evaluate("circle15.asking.routes") is None


def test_another_walker_is_answered_for_and_named(meeting):
    study, page = meeting("demo")
    home = study.origins["population"].idxmax()
    click(page, degrees(study, [study.origins.geometry[home]])[0])
    for place in (3, 1):
        walker = study.walkers[place]
        page.locator("[data-key=walker]").select_option(str(place))
        assert f"按{walker.label['zh']}、去程" in page.locator(".c15-ask-place .c15-ask-basis").inner_text()
        found = study.network.travel_times(study.origins.loc[[home]], study.origins, walker=walker, cutoff_minutes=15)
        within = found.pairs()
        people = study.origins.loc[within["facility"], "population"].sum()
        assert number(page.locator(".c15-ask-reach tbody td").last.inner_text()) == round(people)


def test_where_no_street_is_near_nothing_is_said(meeting):
    study, page = meeting("demo")
    west, south, *_ = study.area.extent.bounds
    click(page, degrees(study, [shapely.Point(west - 2000, south - 2000)])[0], zoom=14)
    assert "无法判断" in said(page)
    assert page.locator(".c15-ask-wrong").count() == 1
    assert page.locator(".c15-ask-services").count() == 0


def test_the_page_and_its_questions_are_about_the_same_walker(meeting):
    study, page = meeting("demo")
    page.locator("[data-key=walker]").select_option("2")
    assert study.walkers[2].label["zh"] in page.locator("#c15-date").inner_text()
    page.evaluate("circle15.shown.chooseWalker(1)")
    assert page.locator("[data-key=walker]").input_value() == "1"
    page.evaluate("circle15.shown.chooseWalker(circle15.shown.study.walkers.length - 1)")  # the city without hills
    assert page.locator("[data-key=walker]").input_value() == "1"


def test_a_home_that_was_chosen_is_asked_at_once(ran, open_page):
    _, folder = ran("demo")
    page = open_page(folder / "map.html")
    page.locator("#c15-ranked button").first.click()
    people = page.locator("#c15-ranked .c15-count").first.inner_text()
    page.locator("#c15-list label", has_text="问一问").locator("input").check()
    page.wait_for_selector(".c15-ask-reach")
    assert page.locator("#c15-detail").is_hidden()
    assert f"（{people}）" in page.locator(".c15-ask-place h2").inner_text()


# ------------------------------------------------------------------------------------------------------ the scenario


def element_place(page, id_):
    """Where the sign of an element stands, in degrees."""
    return page.evaluate(
        """id => {
          const { x, y } = circle15.asking.traces.elements.find((one) => one.id === id);
          const { lng, lat } = L.CRS.EPSG3857.pointToLatLng(L.point(x, y), 0);
          return [lng, lat];
        }""",
        id_,
    )


def ends_of_a_link(study):
    """Two nodes about 200 m apart, near the middle of where people live."""
    xy = joints(study.streets)[["x", "y"]].to_numpy()
    middle = study.origins.geometry[study.origins["population"].idxmax()]
    near = xy[np.hypot(*(xy - (middle.x, middle.y)).T).argmin()]
    there = xy[np.abs(np.hypot(*(xy - near).T) - 200).argmin()]
    return degrees(study, [shapely.Point(near + 5), shapely.Point(there - 4)])


def depended_on(study):
    return str(study.result.dependence.groupby("osm_id")["people"].sum().idxmax())


def four_edits(study, page):
    """A place added, one closed, the machine that most depend on closed, stairs built: by clicks."""
    gap = study.result.gaps.iloc[0]
    choose_service(study, page, gap["service"])
    mode(page, "add")
    click(page, degrees(study, [study.origins.geometry[gap["origin"]]])[0])
    mode(page, "remove")
    served = study.facilities[study.facilities["service"] == "convenience"]
    choose_service(study, page, "convenience")
    alone = served.geometry.centroid
    far = alone.apply(lambda one: np.sort(alone.distance(one))[1]).idxmax()
    click(page, degrees(study, [alone[far]])[0], zoom=18)
    mode(page, "close")
    click(page, element_place(page, depended_on(study)), zoom=18)
    mode(page, "link")
    page.locator("[data-key=kind]").select_option("stairs")
    for end in ends_of_a_link(study):
        click(page, end)
    assert page.locator(".c15-ask-edits li").count() == 4, said(page)
    return far


def changes(page):
    """What the panel says of each service: its name, served before and after, people who gain and lose."""
    found = {}
    for row in page.locator(".c15-ask-changes tbody tr").all():
        name, served = row.locator("th").inner_text().split("\n")[:2]
        gained, lost = row.locator("td").all_inner_texts()
        found[name] = [*(number(one) for one in served.split("→")), number(gained), number(lost)]
    return found


def cells_of(page):
    """Cells of the card that the panel lists: unit, tier and category, the old and the new word."""
    page.locator(".c15-ask-cells summary").evaluate_all("all => all.forEach((one) => { one.parentNode.open = true; })")
    rows = []
    for row in page.locator(".c15-ask-cells li").all():
        unit, where = row.locator("span").first.inner_text().split("\n")
        rows.append((unit, *where.split(" · "), *row.locator(".c15-grade").all_inner_texts()))
    return sorted(rows)


def test_a_scenario_of_clicks_is_what_the_command_line_computes(meeting, ran, tmp_path, verb):
    study, page = meeting("demo")
    closed = four_edits(study, page)
    page.locator("[data-key=name]").fill('会议 "甲"')
    block = page.locator("#ask textarea").input_value()
    [scenario] = tomllib.loads(block)["scenario"]
    assert scenario["name"] == '会议 "甲"'
    assert scenario["close"] == [depended_on(study)]
    assert [one["do"] for one in scenario["facilities"]] == ["add", "close"]
    assert scenario["facilities"][1]["id"] == closed
    assert scenario["add"][0]["kind"] == "stairs"
    folder = tmp_path / "demo"
    shutil.copytree(demo_study().parent, folder)
    with (folder / "study.toml").open("a", encoding="utf-8") as file:
        file.write(f"\n{block}")
    code, _, err = verb("run", folder / "study.toml", "--scenario", '会议 "甲"', "--output", tmp_path / "out")
    assert code == 0, err
    found = circle15.compare(ran("demo")[1], tmp_path / "out")
    everybody = found.changes[found.changes["unit"].isna() & (found.changes["group"] == "all")].set_index("service")
    moved = everybody[(everybody[["gained", "lost", "known_served", "unknown_served"]] > 0).any(axis=1)]
    columns = ["served_before", "served_after", "gained", "lost"]
    expected = {
        study.standard.service(key).names["zh"]: row[columns].round().astype(int).tolist()
        for key, row in moved.iterrows()
    }
    assert changes(page) == expected
    assert len(expected) > 1
    compare_cells(study, page, found)
    whole = found.units[found.units["tier"] == "district"]
    figures = page.locator(".c15-ask-results dd").all_inner_texts()
    assert [number(one) for one in figures] == [round(whole["gaining"].sum()), round(whole["losing"].sum())]


def compare_cells(study, page, found):
    """The cells that the panel lists are those whose grades differ between the two runs."""
    said_ = words(study.standard)["zh"]
    grades = {band.grade: band.names["zh"] for band in study.standard.grades}
    categories = {one.key: one.names["zh"] for one in study.standard.categories}
    cells = found.cells[found.cells["turn"].isin(["up", "down", "graded", "ungraded"])]
    expected = []
    for row in cells.itertuples():
        unit = study.units.loc[row.unit]
        pair = [grades.get(one) for one in (row.grade_before, row.grade_after)]
        expected.append((unit["name"], said_["tier"][unit["tier"]], categories[row.category], *pair))
    shown = cells_of(page)
    assert [one[:3] for one in shown] == sorted(one[:3] for one in expected)
    for told, wanted in zip(shown, sorted(expected, key=lambda one: one[:3]), strict=True):
        assert all(right is None or left == right for left, right in zip(told[3:], wanted[3:], strict=True))
    assert shown


def test_edits_are_undone_dropped_and_cleared(meeting):
    study, page = meeting("demo")
    four_edits(study, page)
    whole = page.locator(".c15-ask-results").inner_text()
    page.locator("[data-key=drop-0]").click()
    assert page.locator(".c15-ask-edits li").count() == 3
    assert page.locator(".c15-ask-results").inner_text() != whole
    page.locator("[data-key=undo]").click()
    assert page.locator(".c15-ask-results").inner_text() == whole
    page.locator("[data-key=clear]").click()
    assert page.locator(".c15-ask-results").count() == 0
    assert said(page) == "已回到现状。"
    page.locator("[data-key=undo]").click()
    assert page.locator(".c15-ask-results").inner_text() == whole
    mode(page, "close")
    click(page, element_place(page, depended_on(study)), zoom=18)  # a second click opens it again
    assert page.locator(".c15-ask-edits li").count() == 3
    choose = study.result.gaps.iloc[0]
    mode(page, "remove")
    choose_service(study, page, choose["service"])
    click(page, degrees(study, [study.origins.geometry[choose["origin"]]])[0], zoom=18)  # the place that was added
    assert page.locator(".c15-ask-edits li").count() == 2


def test_a_link_opens_the_same_scenario(meeting, ran, open_page):
    study, page = meeting("demo")
    four_edits(study, page)
    page.locator("[data-key=name]").fill("</script><img onerror=alert(1)>\u202e")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator("[data-key=copy-link]").click()
    page.wait_for_function("() => document.querySelector('.c15-ask-said').textContent.startsWith('链接已复制')")
    link = page.evaluate("navigator.clipboard.readText()")
    assert link == page.url
    assert re.search(r"#s=[\w-]+$", link)
    other = open_page(ran("demo")[1] / "map.html")
    other.evaluate("link => { window.location.hash = link.split('#')[1]; }", link)
    other.wait_for_function("() => circle15.asking?.effect && circle15.asking.edits.list.length")
    assert other.locator("#ask textarea").input_value() == page.locator("#ask textarea").input_value()
    assert other.locator(".c15-ask-results").inner_text() == page.locator(".c15-ask-results").inner_text()
    assert "4 项改动" in said(other)
    other.reload()
    other.wait_for_function("() => circle15.asking?.effect && circle15.asking.edits.list.length")
    assert other.locator("#ask").is_visible()
    assert other.locator("[data-key=name]").input_value() == "</script><img onerror=alert(1)>\u202e"
    assert other.locator("#ask img").count() == 0


@pytest.mark.parametrize(
    ("edits", "words_"), [("[{ close: 'way/0<b>' }, { close: ID }]", "1 项在本页做不到"), (None, "不完整")]
)
def test_what_a_link_cannot_do_here_is_said(meeting, edits, words_):
    study, page = meeting("demo")
    text = "xx"
    if edits:
        made = edits.replace("ID", repr(depended_on(study)))
        text = page.evaluate(f"circle15.live.fragment({{ name: 'x', edits: {made} }})")
    page.evaluate("text => { window.location.hash = `s=${text}`; }", text)
    page.wait_for_function("(words) => document.querySelector('.c15-ask-said').textContent.includes(words)", arg=words_)
    assert page.locator(".c15-ask-edits li").count() == (1 if edits else 0)


def test_a_link_that_cannot_be_joined_is_refused_in_words(meeting):
    study, page = meeting("demo")
    mode(page, "link")
    ends = ends_of_a_link(study)
    click(page, ends[0])
    assert "再点击终点" in said(page)
    click(page, ends[0])  # the same end again takes it back
    assert page.evaluate("circle15.asking.pending") is None
    click(page, ends[0])
    west, south, *_ = study.area.extent.bounds
    click(page, degrees(study, [shapely.Point(west - 900, south - 900)])[0], zoom=14)
    assert "接不上" in said(page)
    assert page.locator(".c15-ask-edits").count() == 0
    page.locator("[data-key=kind]").select_option("escalator")
    assert page.locator("[data-key=one-way]").is_checked()
    click(page, ends[1])
    edit = page.locator(".c15-ask-edits li").inner_text()
    assert "新建扶梯 (单向)" in edit
    assert "回 不通" in edit


@pytest.fixture(scope="module")
def small_city():
    """A small made-up city whose facilities and units are called what nobody should run."""
    result, live = large_city(1_500, clusters=120, facilities=150)
    names = np.resize(np.array(HOSTILE, dtype=object), len(result.facilities))
    units = result.units.assign(name=np.resize(np.array(HOSTILE, dtype=object), len(result.units)))
    return replace(result, facilities=result.facilities.assign(name=names), units=units), live


def test_names_that_are_markup_stay_text(small_city, open_page, tmp_path):
    result, live = small_city
    gap_map(result, standard=large_standard(), live=live).save(tmp_path / "map.html")
    page = open_page(tmp_path / "map.html")
    page.locator("#c15-list label", has_text="问一问").locator("input").check()
    page.wait_for_function(OPENED)
    page.evaluate("circle15.asking.askHome(7)")
    seen = page.locator("#ask").inner_text()
    page.locator(".c15-ask-services button").first.click()
    mode(page, "remove")
    closed = [{"facility": {"do": "close", "id": one}} for one in result.facilities.index[:40:4]]
    everything = [one.key for one in large_standard().services]
    places = result.origins.geometry.to_crs(4326).iloc[::3]
    added = [{"facility": {"do": "add", "services": everything, "lon": at.x, "lat": at.y}} for at in places]
    page.evaluate("edits => edits.forEach((edit) => circle15.asking.try(edit))", [*closed, *added])
    seen += page.locator("#ask").inner_text()
    for name in HOSTILE[:3]:
        assert name in seen
    assert "\u202e" not in seen
    assert page.locator(".c15-ask-cells li").count()
    assert page.locator("img").count() == 0


def test_very_many_streets_leave_the_engine_out(small_city, monkeypatch):
    result, live = small_city
    pieces = result.streets["piece"].nunique()
    for most, there in ((pieces, True), (pieces - 1, False)):
        monkeypatch.setattr(maps, "MOST_STREETS", most)
        html = gap_map(result, standard=large_standard(), live=live).get_root().render()
        assert ('id="circle15-network"' in html, "circle15.ask =" in html, ".c15-ask-tools" in html) == (there,) * 3


# -------------------------------------------------------------------------------------------- keys, fingers, languages


def test_it_is_asked_by_keys(meeting):
    _, page = meeting("demo")
    page.locator("[data-key=mode-ask]").focus()
    for key in ("mode-add", "mode-remove", "mode-close", "mode-link", "service", "walker"):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.dataset.key") == key
    page.locator(".folium-map").focus()
    page.keyboard.press("Enter")
    assert page.locator(".c15-ask-place h2").inner_text().startswith("从这")
    page.keyboard.press("Escape")
    assert page.locator(".c15-ask-place h2").count() == 0
    mode(page, "link")
    page.locator(".folium-map").focus()
    page.keyboard.press("Enter")
    assert page.evaluate("circle15.asking.pending") is not None
    for expected in (("link", None), ("ask", None)):
        page.keyboard.press("Escape")
        assert (page.evaluate("circle15.asking.mode"), page.evaluate("circle15.asking.pending")) == expected
    for one in page.locator("#ask button").all():
        assert one.get_attribute("aria-label") or one.inner_text().strip()


def test_it_is_asked_by_touch_on_a_phone(meeting):
    study, page = meeting("demo", width=390, height=844, has_touch=True, is_mobile=True)
    home = degrees(study, [study.origins.geometry[study.origins["population"].idxmax()]])[0]
    page.touchscreen.tap(*page.evaluate(LOOK, [*home, 16]))
    assert page.locator(".c15-ask-reach").is_visible()
    page.locator("[data-key=mode-add]").tap()
    page.touchscreen.tap(*page.evaluate(LOOK, [*home, 16]))
    assert page.locator(".c15-ask-results").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.locator("#ask textarea").scroll_into_view_if_needed()
    assert (
        page.evaluate("document.querySelector('.folium-map').getBoundingClientRect().top") >= 0
    )  # the map stays in view


@pytest.mark.parametrize("window", [{"width": 1366, "height": 768}, {"width": 1280, "height": 720}])
def test_it_is_said_in_both_languages_and_fits(meeting, window):
    study, page = meeting("demo", **window)
    four_edits(study, page)
    mode(page, "ask")
    click(page, degrees(study, [study.origins.geometry[study.origins["population"].idxmax()]])[0])
    chinese = page.locator("#ask").inner_text()
    page.locator("#c15-language").click()
    english = page.locator("#ask").inner_text()
    assert re.findall(r"\d+,\d+", english) == re.findall(r"\d+,\d+", chinese)
    kept = [study.walker.label["en"], study.standard.title["en"], "Ask here", "Undo", "People who gain"]
    for word in kept:
        assert word in english
    names = set(study.facilities["name"].dropna())
    names |= set(study.units["name"].dropna())
    for name in sorted(names, key=len, reverse=True):
        english = english.replace(name, "")
    assert not re.findall(r"[\u4e00-\u9fff]+", english)
    sizes = page.evaluate(
        "(({ scrollWidth, clientWidth }) => [scrollWidth, clientWidth])(document.getElementById('ask'))"
    )
    assert sizes[0] <= sizes[1]


@pytest.mark.parametrize("window", [{"width": 1366, "height": 768}, {"width": 390, "height": 844}])
def test_axe_finds_nothing_to_object_to(meeting, axe, window):
    _, page = meeting("demo", **window)
    page.evaluate(axe)
    steps = (
        "circle15.asking.askHome(5); void circle15.asking.pick(0)",
        "void circle15.asking.try({ close: circle15.asking.traces.elements.find((one) => one.kind !== 'stairs').id })",
        "circle15.asking.setMode('link')",
        "circle15.asking.setMode('add')",
    )
    for step in steps:
        page.evaluate(step)
        found = page.evaluate("axe.run({ resultTypes: ['violations'] })")["violations"]
        assert [(one["id"], one["impact"]) for one in found] == []


def test_closing_the_questions_leaves_the_map_as_it_was(meeting):
    study, page = meeting("demo")
    click(page, degrees(study, [study.origins.geometry[study.origins["population"].idxmax()]])[0])
    assert pixels(page, "c15-ask-reach") > 0
    page.locator("#c15-list label", has_text="缺口").locator("input").check()
    assert page.locator("#ask").is_hidden()
    assert pixels(page, "c15-ask-reach") == pixels(page, "c15-ask") == 0
    box = page.locator(".folium-map").bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert page.locator("#c15-detail").is_visible()


# ---------------------------------------------------------------------------------------------------- size and times

ISOCHRONES = """() => {
  const { shown: { map, world }, asking } = circle15;
  const took = [];
  const step = Math.max(1, Math.floor(world.clusters.count / 60));
  for (let c = 0; c < world.clusters.count; c += step) {
    const begun = performance.now();
    asking.askHome(c);
    const { spots, took: { reach, all } } = asking.answer;
    if (spots.length) took.push([reach, all, performance.now() - begun]);
  }
  asking.forget();
  return took;
}"""
WHAT_IFS = """facilities => {
  const { asking } = circle15;
  const took = [];
  const closed = asking.traces.elements.slice(0, 30).map((one) => ({ close: one.id }));
  const edits = [...closed, ...facilities.map((facility) => ({ facility }))];
  for (const edit of edits) {
    const begun = performance.now();
    asking.try(edit);
    took.push([asking.effect.took, performance.now() - begun]);
    asking.undo();
  }
  asking.clear();
  return took;
}"""


@pytest.mark.parametrize("study_name", ["demo", "yuzhong"])
def test_how_long_a_person_waits(meeting, ran, study_name, capsys):
    """Measured in the page and printed; held against nothing, since the machine may be busy with other things."""
    study, page = meeting(study_name)
    facilities = [
        {"do": "add", "services": [one.key], "lon": lon, "lat": lat}
        for one, (lon, lat) in zip(
            study.standard.services, degrees(study, study.origins.geometry.iloc[:30].tolist()), strict=False
        )
    ]
    first = page.evaluate("performance.getEntriesByName('circle15-ready')[0].startTime")
    reach, edits = np.array(page.evaluate(ISOCHRONES)), np.array(page.evaluate(WHAT_IFS, facilities))
    size = (ran(study_name)[1] / "map.html").stat().st_size
    told = [f"{study_name}: {size / 1e6:.2f} MB, ready after {first:.0f} ms"]
    kinds = (
        *(("isochrone", reach[:, 0]), ("all of a place", reach[:, 1]), ("a place said and drawn", reach[:, 2])),
        *(("what-if", edits[:, 0]), ("what-if said and drawn", edits[:, 1])),
    )
    told += [f"{name} {np.median(one):.1f} ms (nine of ten {np.quantile(one, 0.9):.0f})" for name, one in kinds]
    with capsys.disabled():
        print(f"\n{'; '.join(told)}")  # noqa: T201
    assert size < 6e6
    assert len(reach) > 20
    assert len(edits) > 20


# ------------------------------------------------------------------------------------------------------------ paper

SEEN = """() => [...document.querySelectorAll('.folium-map canvas')]
  .filter((one) => one.getClientRects().length).map((one) => one.parentElement.className)"""


@pytest.mark.parametrize("answered", [False, True])
def test_paper_shows_one_canvas_that_holds_all_others(ran, meeting, open_page, answered):
    """Canvases that one sees through are printed white, and hide the map."""
    if answered:
        study, page = meeting("demo")
        place = study.origins.geometry.iloc[[0]].to_crs("EPSG:4326").iloc[0]
        click(page, (place.x, place.y))
        page.wait_for_function("() => circle15.asking.answer")
    else:
        page = open_page(ran("demo")[1] / "map.html")
    ask = page.evaluate("document.querySelector('.leaflet-c15-ask-reach-pane canvas').toDataURL()")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    seen = page.evaluate(SEEN)
    assert len(seen) == 1
    assert "leaflet-c15-ground-pane" in seen[0]
    assert page.locator(".leaflet-c15-ground-pane canvas").evaluate(SHARE) > 0.99
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    page.wait_for_timeout(300)
    assert len(page.evaluate(SEEN)) == 5
    assert page.evaluate("document.querySelector('.leaflet-c15-ask-reach-pane canvas').toDataURL()") == ask
