"""A base map from the network: asked for by name, from one host, shifted where its datum is, and never needed."""

import base64
import re

import pytest

from circle15.errors import ConfigError
from circle15.page import gap_map
from circle15.page.backdrop import Backdrop
from circle15.sources.datum import from_wgs84
from read_page import SHARE
from sample_result import sample_result, sample_standard

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
TILE = re.compile(r"[?&]x=(\d+)&y=(\d+)&z=(\d+)")


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """The sample with pictures of Gaode."""
    path = tmp_path_factory.mktemp("backdrop") / "map.html"
    gap_map(sample_result(), standard=sample_standard(), backdrop="Gaode.Normal").save(path)
    return path


def test_the_policy_lets_in_pictures_of_one_host_and_nothing_else(saved):
    text = saved.read_text(encoding="utf-8")
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1].replace("&#x27;", "'")
    assert "img-src data: blob: http://webrd01.is.autonavi.com;" in policy
    assert "connect-src 'none'" in policy
    assert policy.count("http") == 1


def test_without_one_nothing_is_let_in(tmp_path):
    gap_map(sample_result(), standard=sample_standard()).save(tmp_path / "map.html")
    text = (tmp_path / "map.html").read_text(encoding="utf-8")
    assert 'id="c15-backdrop"' not in text
    assert "img-src data: blob:;" in text


@pytest.mark.browser
def test_pictures_are_asked_where_their_datum_has_the_place(saved, chromium):
    asked = []

    def answer(route):
        asked.append(route.request.url)
        route.fulfill(body=PIXEL, content_type="image/png")

    context = chromium.new_context(viewport={"width": 1366, "height": 768})
    context.route("**/*", lambda route: answer(route) if "autonavi" in route.request.url else route.continue_())
    page = context.new_page()
    said = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(saved.as_uri())
    page.wait_for_selector("body.c15-ready")
    page.evaluate("circle15.shown.map.setZoom(18, { animate: false })")
    page.wait_for_timeout(500)
    centre = page.evaluate("(() => { const { lat, lng } = circle15.shown.map.getCenter(); return [lng, lat]; })()")
    (lon, lat), zoom = from_wgs84([centre], "gcj02")[0], 18
    x, y = page.evaluate(
        "([lon, lat, z]) => { const p = L.CRS.EPSG3857.latLngToPoint(L.latLng(lat, lon), z); return [p.x, p.y]; }",
        [lon, lat, zoom],
    )
    tiles = {tuple(map(int, TILE.search(url).groups())) for url in asked}
    assert (int(x // 256), int(y // 256), zoom) in tiles
    place = page.evaluate(
        """([x, y, z]) => {
          const images = [...document.querySelectorAll('.leaflet-tile')];
          const image = images.find((one) => one.src.includes(`x=${x}&y=${y}&z=${z}`));
          const box = image.getBoundingClientRect();
          const map = circle15.shown.map.getContainer().getBoundingClientRect();
          return [box.left - map.left, box.top - map.top, map.width, map.height];
        }""",
        [int(x // 256), int(y // 256), zoom],
    )
    assert place[0] + x % 256 == pytest.approx(place[2] / 2, abs=1.5)  # the picture's own place for it is in the middle
    assert place[1] + y % 256 == pytest.approx(place[3] / 2, abs=1.5)
    assert "底图图片来自 © Gaode.com，需要联网" in page.locator("#c15-foot").inner_text()
    page.locator("#c15-language").click()
    assert "needs a network" in page.locator("#c15-foot").inner_text()
    assert said == []
    context.close()


@pytest.mark.browser
def test_without_a_network_the_rest_is_there(saved, chromium):
    context = chromium.new_context(viewport={"width": 1366, "height": 768}, offline=True)
    page = context.new_page()
    page.goto(saved.as_uri())
    page.wait_for_selector("body.c15-ready")
    page.locator("#c15-list label", has_text="清单").locator("input").check()
    assert "需要联网" in page.locator("#c15-foot").inner_text()
    ground = page.locator(".leaflet-c15-ground-pane canvas")
    assert ground.evaluate(SHARE) < 0.9  # one sees through it
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert ground.evaluate(SHARE) > 0.99
    context.close()


@pytest.mark.parametrize(
    ("name", "key", "words"),
    [
        ("Gaode.Nowhere", "", "there is no provider 'Gaode.Nowhere'"),
        ("Tianditu.Normal", "", "Tianditu.Normal wants a key. Give it with --backdrop-key"),
    ],
)
def test_what_cannot_be_had_is_refused(name, key, words):
    with pytest.raises(ConfigError, match=re.escape(words)):
        Backdrop.of(name, key=key)


def test_a_key_goes_into_the_address_and_cannot_leave_its_element():
    given = Backdrop.of("Tianditu.Normal", key="k</script><b>")
    assert len(given.urls) == 2
    assert given.hosts[0] == "https://t0.tianditu.gov.cn"
    assert len(given.hosts) == 8
    element = given.element((106.0, 29.0, 107.0, 30.0))
    assert element.count("</script>") == 1
    assert '"shift": null' in element
