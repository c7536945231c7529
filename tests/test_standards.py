"""The standards that ship: complete, honest about whose they are, and without contradictions."""

import re
import tomllib
from importlib import resources

import pytest

from circle15.errors import ConfigError
from circle15.project import Standard

FOLDER = resources.files("circle15") / "standards"
NAMES = sorted(file.name.removesuffix(".toml") for file in FOLDER.iterdir() if file.name.endswith(".toml"))
STANDARD = Standard.load("yuzhong-15min")
SERVICES = pytest.mark.parametrize("service", STANDARD.services, ids=lambda service: service.key)
RESIDENTS = 576_300


def chinese(text):
    return any("\u4e00" <= sign <= "\u9fff" for sign in text)


@pytest.mark.parametrize("name", NAMES)
def test_every_standard_that_ships_is_valid(name):
    assert Standard.load(name).name == name


def test_eleven_categories_in_eight_circles():
    assert [category.key for category in STANDARD.categories] == [
        "childcare",
        "education",
        "elderly_care",
        "health",
        "dining",
        "culture",
        "sports",
        "green",
        "commerce",
        "civic",
        "mobility",
    ]
    assert {category.circle_zh[:2] for category in STANDARD.categories} == {f"C{one}" for one in range(1, 9)}
    assert all(category.circle_zh[:2] == category.circle_en[:2] for category in STANDARD.categories)


def test_it_says_that_it_is_a_reading_and_not_the_official_list():
    assert "本项目" in STANDARD.authority_zh
    assert "并非渝中区官方目录" in STANDARD.authority_zh
    assert "own reading" in STANDARD.authority_en
    assert (FOLDER / "yuzhong-15min.toml").read_text(encoding="utf-8").splitlines()[0].startswith("# 渝中区")


def test_grade_bands_and_their_words():
    bands = {band.grade: (band.coverage, band.zh) for band in STANDARD.grades}
    assert bands == {5: (0.95, "优"), 4: (0.9, "良"), 3: (0.75, "中"), 2: (0.5, "弱"), 1: (0.0, "缺")}
    assert STANDARD.complete_share == 0.5


def test_every_category_has_a_basic_service_for_the_strict_card():
    for category in STANDARD.categories:
        assert any(service.need == "basic" for service in category.services), category.key


def test_what_the_district_published():
    published = {service.key: service.expected_count for service in STANDARD.services if service.expected_count}
    assert published == {
        "elder_centre": 11,
        "elder_station": 79,
        "canteen": 17,
        "elder_college": 25,
        "service_complex": 48,
    }


@pytest.mark.parametrize(
    ("key", "count"), [("kindergarten", 79), ("junior", 11), ("street_office", 11), ("rail", 22), ("primary", 23)]
)
def test_what_the_norms_expect_of_the_district(key, count):
    assert round(STANDARD.service(key).expected(RESIDENTS)) == count


def test_lifts_are_links_and_no_service():
    with pytest.raises(ConfigError):
        STANDARD.service("lift_escalator")


@SERVICES
def test_a_service_is_labelled_in_both_languages_and_says_its_basis(service):
    assert chinese(service.zh)
    assert not chinese(service.en)
    zh, _, en = service.basis.partition(" | ")
    assert chinese(zh)
    assert en


@SERVICES
def test_a_service_can_be_recognised_and_counted(service):
    assert service.osm
    assert service.name or not service.name_required
    assert service.expected(RESIDENTS) >= 1
    assert (service.expected_count is None) != (service.people_each is None)


@SERVICES
def test_community_services_are_asked_nearer_than_those_of_larger_tiers(service):
    assert service.minutes <= {"community": 15, "subdistrict": 15, "district": 30}[service.tier]


@SERVICES
def test_a_service_does_not_refuse_its_own_label(service):
    for word in service.zh.replace("（", "、").replace("）", "").split("、"):
        assert not any(re.search(pattern, word) for pattern in service.not_name)


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("凯旋路社区养老服务站", {"elder_station"}),
        ("大坪街道综合养老服务中心", {"elder_centre", "elder_station"}),
        ("渝中区老年大学", {"elder_college"}),
        ("上清寺街道社区卫生服务中心", {"health_centre", "health_station"}),
        ("石油路社区居委会", {"service_station"}),
        ("双钢路社区食堂", {"canteen", "meal_point"}),
        ("学校职工食堂", set()),
        ("较场口派出所", {"police"}),
        ("人和街小学", {"primary"}),
        ("大坪中学", {"junior"}),
        ("巴蜀幼儿园", {"kindergarten"}),
        ("储奇门公厕", {"toilet"}),
        ("鹅岭公园", {"park_medium", "park_small"}),
    ],
)
def test_what_a_name_alone_says(name, keys):
    assert {service.key for service in STANDARD.services if service.matches_name(name)} == keys


def test_where_a_tag_is_plain_in_any_country_no_name_is_asked():
    plain = ["kindergarten", "pharmacy", "supermarket", "park_small", "library", "toilet", "bus", "police"]
    assert not any(STANDARD.service(key).name_required for key in plain)
    named = ["canteen", "meal_point", "elder_centre", "elder_college", "health_centre", "service_complex"]
    assert all(STANDARD.service(key).name_required for key in named)


@pytest.mark.parametrize(
    ("rule", "tags", "passes"),
    [
        ("amenity=parking+access~^$|yes", {"amenity": "parking"}, True),
        ("amenity=parking+access~^$|yes", {"amenity": "parking", "access": "yes"}, True),
        ("amenity=parking+access~^$|yes", {"amenity": "parking", "access": "private"}, False),
        ("shop=convenience;kiosk", {"shop": "kiosk;newsagent"}, True),
        ("shop", {"shop": "anything"}, True),
        ("shop", {"amenity": "bank"}, False),
    ],
)
def test_filters(rule, tags, passes):
    service = STANDARD.service("bus").model_copy(update={"osm": (rule,)})
    assert service.matches(tags) is passes


def test_a_pattern_inside_a_filter_is_checked(tmp_path):
    text = (FOLDER / "yuzhong-15min.toml").read_text(encoding="utf-8").replace("name~托班", "name~[托班")
    assert tomllib.loads(text)
    (tmp_path / "own.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match="regular expression"):
        Standard.load("own.toml", base=tmp_path)
