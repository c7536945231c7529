"""The saved file stands alone, whatever the data are called."""

import html.parser
import re

import folium
import numpy as np
import pytest
from folium.plugins import MarkerCluster, MeasureControl

from circle15.errors import Circle15Error, ConfigError, DataError
from circle15.page import gap_map
from circle15.page.contents import STATES, category_states
from circle15.tables import TABLES, Result
from sample_result import HOSTILE, sample_result, sample_standard

LOADING = {"src", "href", "srcset", "data", "action", "poster", "background", "formaction", "xlink:href"}


class Page(html.parser.HTMLParser):
    """Everything in a page that could make a browser ask for something."""

    def __init__(self):
        super().__init__()
        self.addresses, self.styles, self.scripts, self.metas, self.inline, self.tags = [], [], [], [], [], []
        self.inside = None

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.tags.append(tag)
        self.addresses += [value or "" for key, value in attrs if key in LOADING]
        self.inline += [key for key, _ in attrs if key.startswith("on")]
        self.styles += [value for key, value in attrs if key == "style"]
        if tag == "meta":
            self.metas.append(attributes)
        self.inside = (tag, attributes)

    def handle_endtag(self, _):
        self.inside = None

    def handle_data(self, data):
        tag, attributes = self.inside or (None, {})
        if tag == "style":
            self.styles.append(data)
        elif tag == "script" and attributes.get("type") is None:
            self.scripts.append(data)


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "map.html"
    gap_map(sample_result(), standard=sample_standard()).save(path)
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(text):
    read = Page()
    read.feed(text)
    return read


def test_nothing_is_loaded_from_anywhere(page):
    for address in page.addresses:
        assert address.startswith(("data:", "#")), address
    for style in page.styles:
        assert "@import" not in style
        for address in re.findall(r"url\(([^)]*)\)", style):
            assert address.strip("'\" ").startswith(("data:", "#")), address


def test_scripts_ask_for_nothing(page):
    own = "\n".join(script for script in page.scripts if "Vladimir Agafonkin" not in script)
    assert not re.search(r"https?://", own)
    assert not re.search(r"\b(XMLHttpRequest|WebSocket|EventSource|importScripts|sendBeacon|fetch\()", own)
    assert not re.search(r"\b(innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval)\b", own)
    assert "sourceMappingURL" not in "".join(page.scripts)


def test_the_policy_forbids_the_network_and_comes_first(text, page):
    policy = next(meta["content"] for meta in page.metas if meta.get("http-equiv") == "Content-Security-Policy")
    assert "default-src 'none'" in policy
    assert "connect-src 'none'" in policy
    assert not re.search(r"https?:|\*", policy)
    assert text.index("Content-Security-Policy") < text.index("<script")
    assert text.index("Content-Security-Policy") < text.index("<style")


def test_hostile_names_are_nowhere_in_the_markup(text, page):
    for name in HOSTILE:
        assert name not in text
    assert "img" not in page.tags
    assert page.inline == []


@pytest.mark.parametrize("name", [*HOSTILE, "</title><script>alert(1)</script>"])
def test_a_hostile_study_name_stays_text(name):
    import dataclasses

    result = sample_result()
    facts = {**result.facts, "name": name, "attribution": name, "note": name, "units_from": name}
    text = gap_map(dataclasses.replace(result, facts=facts), standard=sample_standard()).get_root().render()
    read = Page()
    read.feed(text)
    plain = Page()
    plain.feed(gap_map(result, standard=sample_standard()).get_root().render())
    assert read.tags == plain.tags
    assert read.inline == []


def test_the_same_result_gives_the_same_file(text):
    assert gap_map(sample_result(), standard=sample_standard()).get_root().render() == text


def test_it_is_a_folium_map_that_can_be_rendered_twice():
    mine = gap_map(sample_result(), standard=sample_standard())
    assert isinstance(mine, folium.Map)
    folium.CircleMarker([29.56, 106.57]).add_to(mine)
    assert mine.get_root().render() == mine.get_root().render()
    assert "srcdoc" in mine._repr_html_()


@pytest.mark.parametrize("layer", [MarkerCluster, MeasureControl])
def test_a_plugin_without_a_copy_at_hand_is_refused_by_name(layer, tmp_path):
    mine = gap_map(sample_result(), standard=sample_standard())
    layer().add_to(mine)
    with pytest.raises(LookupError, match="no copy of https://") as caught:
        mine.save(tmp_path / "map.html")
    assert isinstance(caught.value, Circle15Error)
    assert not (tmp_path / "map.html").exists()


def test_tiles_are_refused():
    mine = gap_map(sample_result(), standard=sample_standard())
    folium.TileLayer("OpenStreetMap").add_to(mine)
    with pytest.raises(LookupError, match="fetches pictures"):
        mine.get_root().render()


def test_an_unknown_language_is_refused():
    with pytest.raises(ConfigError, match="zh or en"):
        gap_map(sample_result(), standard=sample_standard(), language="fr")


def test_the_state_of_a_category_is_the_worst_basic_or_the_best_of_any():
    standard = sample_standard()
    gap, unknown, served = range(3)
    health = [place for place, service in enumerate(standard.services) if service.category == "health"]
    state = np.full((len(standard.services), 4), served)
    # columns: all in reach; one basic unknown; one basic a gap and one unknown; only the quality service a gap
    state[health[0]] = [served, unknown, gap, served]
    state[health[1]] = [served, served, unknown, served]
    state[health[2]] = [served, served, gap, gap]
    row = [category.key for category in standard.categories].index("health")
    assert category_states(state, standard=standard, lenient=False)[row].tolist() == [served, unknown, gap, served]
    assert category_states(state, standard=standard, lenient=True)[row].tolist() == [served, served, unknown, served]
    assert STATES == ("gap", "unknown", "served")


def test_states_agree_with_the_card():
    """The page counts people from clusters; the card was counted cell by cell. They must not differ."""
    from circle15.page.contents import _states

    result, standard = sample_result(), sample_standard()
    by_service = _states(result, standard=standard)
    people = result.origins["population"].to_numpy()
    whole = result.grades[result.grades["unit"] == "D"].set_index("category")
    for reading, suffix in (("strict", ""), ("lenient", "_lenient")):
        states = category_states(by_service, standard=standard, lenient=reading == "lenient")
        for row, category in zip(states, standard.categories, strict=True):
            for code, state in enumerate(STATES):
                assert people[row == code].sum() == pytest.approx(whole.loc[category.key, f"{state}{suffix}"])


def test_minutes_beyond_the_cutoff_never_read_as_within():
    import dataclasses

    from circle15.page.contents import _answers

    result, standard = sample_result(), sample_standard()
    seconds = result.found.seconds.copy()
    seconds.iloc[:3, 0] = (900.1, 900.0, np.nan)
    found = dataclasses.replace(result.found, seconds=seconds)
    packed = _answers(dataclasses.replace(result, found=found), standard=standard)
    assert packed["coverage.minutes"][:3].tolist() == [152, 151, 0]  # tenths and one more: 15.1, 15.0, none found


def test_a_result_read_back_from_its_tables_has_no_frames_to_draw():
    made = sample_result()
    again = Result.of(made.area, {name: made.table(name) for name in TABLES}, facts=made.facts)
    assert again.found is None
    assert again.coverage is made.coverage
    with pytest.raises(DataError, match=r"^result: it was read back .* Make the map from the result of the study"):
        gap_map(again, standard=sample_standard())


def test_a_result_without_ground_facilities_or_isochrones_still_makes_a_page(tmp_path):
    import dataclasses

    result = sample_result()
    bare = dataclasses.replace(
        result,
        ground=result.ground.iloc[:0],
        facilities=result.facilities.iloc[:0],
        isochrones=result.isochrones.iloc[:0],
        gaps=result.gaps.iloc[:0],
        streets=result.streets.iloc[:0],
    )
    gap_map(bare, standard=sample_standard()).save(tmp_path / "bare.html")
    assert (tmp_path / "bare.html").stat().st_size > 100_000
