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
    assert [circle.key for circle in STANDARD.special_circles] == [f"C{one}" for one in range(1, 9)]
    within = [category for circle in STANDARD.special_circles for category in circle.categories]
    assert sorted(within) == sorted(category.key for category in STANDARD.categories)  # each in one circle


def test_it_says_that_it_is_a_reading_and_not_the_official_list():
    assert "本项目" in STANDARD.authority["zh"]
    assert "并非渝中区官方目录" in STANDARD.authority["zh"]
    assert "own reading" in STANDARD.authority["en"]
    assert (FOLDER / "yuzhong-15min.toml").read_text(encoding="utf-8").splitlines()[0].startswith("# 渝中区")


def test_grade_bands_and_their_words():
    bands = {band.grade: (band.coverage, band.names["zh"]) for band in STANDARD.grades}
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
    assert chinese(service.names["zh"])
    assert not chinese(service.names["en"])
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
    for word in service.names["zh"].replace("（", "、").replace("）", "").split("、"):
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


def test_another_standard_made_from_one_has_its_own_services():
    before = [one.minutes for one in STANDARD.services]  # looked at, so that they would be remembered
    assert [one.minutes for one in STANDARD.shifted(1.0).services] == [minutes + 1 for minutes in before]
    first = STANDARD.categories[:1]
    assert STANDARD.model_copy(update={"categories": first}).services == first[0].services


def test_a_pattern_inside_a_filter_is_checked(tmp_path):
    text = (FOLDER / "yuzhong-15min.toml").read_text(encoding="utf-8").replace("name~托班", "name~[托班")
    assert tomllib.loads(text)
    (tmp_path / "own.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match="regular expression"):
        Standard.load("own.toml", base=tmp_path)


def spoilt(tmp_path, *changes):
    """The findings of the shipped file after some replacements."""
    text = (FOLDER / "yuzhong-15min.toml").read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    (tmp_path / "own.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as error:
        Standard.load("own.toml", base=tmp_path)
    return [str(finding) for finding in error.value.findings]


def test_thresholds_that_overlap_are_refused_with_every_finding(tmp_path):
    found = spoilt(
        tmp_path,
        ("coverage = 0.95\nsupply = 1.2", "coverage = 0.85\nsupply = 1.0"),
        ("supply = 0.5", "supply = 0.9"),
        ("decay = [1.0, 0.68, 0.22]", "decay = [0.68, 1.0, 0.0]"),
    )
    rise = "own.toml: the {} of grades must rise: grade {} begins at {} and grade {} at {}, so that they overlap."
    decay = f"own.toml: the weights of decay must fall from at most 1 and stay above 0: {[0.68, 1.0, 0.0]}."
    wanted = [rise.format("coverage", 5, 0.85, 4, 0.9), rise.format("supply", 3, 0.8, 2, 0.9)]
    wanted += [rise.format("supply", 5, 1, 4, 1), decay]
    assert found == [f"{one} Mend it in the file." for one in wanted]


@pytest.mark.parametrize(
    ("old", "new", "finding"),
    [
        ("supply = 1.2\n", "", "grade 5 has no supply, which the others have"),
        ("coverage = 0.0", "coverage = 0.1", "the coverage of grade 1 is 0.1, not 0"),
        ('"childcare", "education"]', '"childcar"]', "special circle C1 names the category 'childcar'"),
        ('service = "service_complex"', 'service = "complex"', "the integrated circle names the service 'complex'"),
        ('services = ["employment"]', 'services = ["employed"]', "did you mean employment?"),
        ('key = "C2"', 'key = "C1"', "the circle or brand C1 is listed twice"),
        ('key = "pupils"', 'key = "older"', "the group older is listed twice"),
        ("least = 3\n", "least = 12\n", "least is 12, but only 9 functions are listed"),
        ('due = "2025-12"', 'due = "2025-01"', "the targets must rise: later dates, no fewer circles"),
        ("circles = 11", "circles = 3", "the targets must rise"),
        ('ages = ["60+"]', 'ages = ["old"]', "string should match pattern"),
        ("within_m = 100", "within_km = 1", "there is no key within_km. Did you mean within_m?"),
        ("\nshare = 0.9", "\nshares = 0.9", "there is no key shares. Did you mean share?"),
        ("minimum = { least = 1500", "minimum = { lest = 1500", "there is no key lest. Did you mean least?"),
        ("norm = { amount = 4.5", "norm = { amount = 0", "input should be greater than 0"),
        (
            "people_each = 12_000  # as needed in GB 50180\nminimum",
            "minimum",
            "a norm needs people_each or expected_count",
        ),
        ('evidence = "press"', 'evidence = "rumour"', "input should be 'press', 'text', 'secondary', 'mem"),
    ],
)
def test_what_contradicts_itself_or_means_nothing_is_refused(tmp_path, old, new, finding):
    assert any(finding in one for one in spoilt(tmp_path, (old, new)))


def test_published_sizes_are_as_the_norms_and_the_district_have_them():
    least = {service.key: service.minimum.least for service in STANDARD.services if service.minimum}
    assert (least["elder_centre"], least["elder_station"], least["service_complex"]) == (1500, 300, 600)
    assert STANDARD.service("elder_station").minimum.reference == 350  # the national figure is shown, not judged by
    assert (least["health_centre"], least["culture_centre"], least["park_large"]) == (1700, 3000, 50_000)


def test_norms_for_older_people_are_what_the_district_promised():
    """11 x 1500 m2 and 79 x 300 m2 for the 19.76 % of 576,300 who are 60 and older: 0.353 m2 each."""
    older = RESIDENTS * 0.1976
    centre, station = (STANDARD.service(key).norm.amount for key in ("elder_centre", "elder_station"))
    assert centre == pytest.approx(11 * 1500 / older * 1000, abs=0.05)
    assert station == pytest.approx(79 * 300 / older * 1000, abs=0.05)
    assert (centre + station) / 1000 == pytest.approx(0.353, abs=0.0005)


@pytest.mark.parametrize(
    "record",
    [*STANDARD.special_circles, *STANDARD.brands, *STANDARD.groups, *STANDARD.integrated.functions],
    ids=lambda one: one.key,
)
def test_circles_brands_groups_and_functions_are_labelled_in_both_languages(record):
    assert chinese(record.names["zh"])
    assert not chinese(record.names["en"])


@pytest.mark.parametrize(
    "figure",
    [
        *(service.minimum for service in STANDARD.services if service.minimum),
        *(service.norm for service in STANDARD.services if service.norm),
        *(STANDARD.brands + STANDARD.groups),
        *(STANDARD.built, STANDARD.integrated),
    ],
)
def test_every_figure_says_where_it_is_from(figure):
    zh, _, en = figure.basis.partition(" | ")
    assert chinese(zh)
    assert en
    assert not chinese(en)


def test_supply_bands_of_the_card():
    assert [band.supply for band in STANDARD.grades] == [1.2, 1.0, 0.8, 0.5, 0.0]
    assert [(target.due, target.circles) for target in STANDARD.built.targets] == [
        ("2025-04", 1),
        ("2025-12", 4),
        ("2027-12", 11),
    ]
