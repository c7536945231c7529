import json
from pathlib import Path

import pytest

from circle15.errors import ConfigError
from circle15.project import Project, Service, Standard, Walker

GOOD = """
[study]
name = "Square"
[area]
boundary = "square.geojson"
[streets]
files = ["square.osm"]
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "square.geojson").write_text("{}")
    (tmp_path / "square.osm").write_text("<osm/>")
    return tmp_path


def findings(text, folder=Path()):
    with pytest.raises(ConfigError) as error:
        Project.from_text(text, where="square.toml", folder=folder)
    return [str(finding) for finding in error.value.findings]


def test_a_good_file_and_its_defaults(folder):
    path = folder / "square.toml"
    path.write_text("\ufeff" + GOOD, encoding="utf-8")
    project = Project.read(path)
    assert project.assessment.walker == "adult"
    assert project.area.margin_m == 1500
    assert project.path(project.streets.files[0]) == folder / "square.osm"
    assert "folder" not in json.loads(project.model_dump_json())


def test_one_answer_lists_every_finding_with_its_mend(folder):
    text = (
        GOOD.replace("boundary", "boundry")
        + '\nfils = ["x"]\n[people]\nplain_share = 1.5\n[hights]\nterrain = "x.tif"\n'
    )
    found = findings(text, folder)
    assert "square.toml: there is no key hights. Did you mean heights?" in found
    assert "square.toml [area]: there is no key boundry. Did you mean boundary?" in found
    assert "square.toml [streets]: there is no key fils. Did you mean files?" in found
    assert any(line.startswith("square.toml [people] plain_share: input should be less than") for line in found)
    assert all(line.count(": ") >= 1 and line[-1] in ".?" for line in found)


def test_every_missing_file_is_named(tmp_path):
    found = findings(GOOD, tmp_path)
    assert len(found) == 2
    assert "[area] boundary" in found[0]
    assert "[streets] files" in found[1]


@pytest.mark.parametrize("area", ["margin_m = 5", 'boundary = "square.geojson"\nboundary_osm = "relation/1"'])
def test_exactly_one_boundary(folder, area):
    text = GOOD.replace('boundary = "square.geojson"', area)
    assert any("exactly one of boundary" in line for line in findings(text, folder))


def test_a_file_that_is_not_toml_or_not_there(tmp_path):
    assert "not valid TOML" in findings("[study\n")[0]
    with pytest.raises(ConfigError, match="there is no such file"):
        Project.read(tmp_path / "nothing.toml")
    (tmp_path / "gbk.toml").write_bytes('name = "渝中"'.encode("gb18030"))
    with pytest.raises(ConfigError, match="not UTF-8"):
        Project.read(tmp_path / "gbk.toml")


def test_keys_inside_lists_are_placed(folder):
    text = GOOD + '\n[[facilities.inventory]]\nfile = "square.osm"\ndatum = "gps"\nverifed = true\n'
    found = findings(text, folder)
    assert any("[facilities] inventory #1" in line and "Did you mean verified?" in line for line in found)
    assert any("datum" in line and "gcj02" in line for line in found)


def test_walkers_and_standards_by_name_and_by_file(tmp_path):
    with pytest.raises(ConfigError, match=r"nothing of that name ships; there are .*adult"):
        Walker.load("adlt")
    text = (Path(__file__).parents[1] / "src/circle15/walkers/adult.toml").read_text(encoding="utf-8")
    (tmp_path / "slow.toml").write_text(text.replace("flat_m_s = 1.34", "flat_m_s = 0.5"), encoding="utf-8")
    assert Walker.load("slow.toml", base=tmp_path).flat_m_s == 0.5
    (tmp_path / "back.toml").write_text(text.replace("flat_m_s = 1.34", "flat_m_s = -1"), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"back.toml \[flat_m_s\]: input should be greater than 0"):
        Walker.load("back.toml", base=tmp_path)


def service(**changes):
    words = {"category": "c", "key": "s", "zh": "甲", "en": "A", "tier": "community", "need": "basic", "minutes": 10}
    return Service(**(words | {"basis": "test"} | changes))


@pytest.mark.parametrize(
    ("rules", "tags", "area", "expected"),
    [
        ({"osm": ("amenity=clinic;doctors",)}, {"amenity": "doctors"}, None, True),
        ({"osm": ("amenity=clinic",)}, {"amenity": "hospital;clinic"}, None, True),
        ({"osm": ("amenity=school+isced:level=1",)}, {"amenity": "school"}, None, False),
        ({"osm": ("shop",)}, {"shop": "anything"}, None, True),
        ({"osm": ("shop",)}, {"amenity": "bank"}, None, False),
        ({"osm": ("shop",), "not_name": ("宠物",)}, {"shop": "x", "name": "宠物店"}, None, False),
        ({"osm": ("shop",), "name": ("超市",), "name_required": True}, {"shop": "x"}, None, False),
        ({"osm": ("shop",), "name": ("超市",), "name_required": True}, {"shop": "x", "name": "甲超市"}, None, True),
        ({"osm": ("leisure=park",), "area_m2": 10_000}, {"leisure": "park"}, 9_999.0, False),
        ({"osm": ("leisure=park",), "area_m2": 10_000}, {"leisure": "park"}, None, False),
        ({"osm": ("leisure=park",), "area_m2": 10_000}, {"leisure": "park"}, 10_000.0, True),
        ({"osm": ("leisure=park",), "area_below_m2": 10_000}, {"leisure": "park"}, 10_000.0, False),
    ],
)
def test_how_a_place_is_recognised(rules, tags, area, expected):
    assert service(**rules).matches(tags, area_m2=area) is expected


def test_expected_counts():
    assert service(expected_count=17).expected(1.0) == 17
    assert service(people_each=7300).expected(73_000) == 10
    assert service().expected(73_000) is None


@pytest.mark.parametrize(
    ("spoil", "part"),
    [
        (lambda v: v["grades"][2].update(coverage=0.2), "must rise"),
        (lambda v: v["grades"].pop(), "1, 2, 3, 4 and 5"),
        (lambda v: v["categories"].clear(), "no category"),
        (lambda v: v["categories"].append(v["categories"][0]), "listed twice"),
        (lambda v: v["categories"][0]["services"][0].update(name=["("]), "not a regular expression"),
    ],
)
def test_a_standard_that_contradicts_itself_is_refused(spoil, part):
    values = Standard.load("yuzhong-15min").model_dump()
    values = json.loads(json.dumps(values))
    spoil(values)
    with pytest.raises(ValueError, match=r".") as error:
        Standard.model_validate(values)
    assert part in str(error.value)


OUTSIDE = {
    "[study] output": ('name = "Square"', 'name = "Square"\noutput = "../out"'),
    "[area] boundary": ('"square.geojson"', '"../square.geojson"'),
    "[streets] files": ('"square.osm"', '"square.osm", "/etc/passwd"'),
    "[heights] terrain": ("[streets]", '[heights]\nterrain = "sub/../../hill.tif"\n[streets]'),
    "[[facilities.inventory]] file": (
        "[streets]",
        '[[facilities.inventory]]\nfile = "../x.csv"\ndatum = "wgs84"\n[streets]',
    ),
    "[assessment] standard": ("[streets]", '[assessment]\nstandard = "../own.toml"\n[streets]'),
    "[assessment] walker": ("[streets]", '[assessment]\nwalker = "/tmp/own.toml"\n[streets]'),
    "[assessment] walkers": ("[streets]", '[assessment]\nwalkers = ["older", "../own.toml"]\n[streets]'),
}


@pytest.mark.parametrize("key", OUTSIDE)
def test_a_path_that_leaves_the_folder_is_refused_unless_the_file_says_so(folder, key):
    text = GOOD.replace(*OUTSIDE[key])
    (found,) = findings(text, folder)
    assert found.startswith(f"square.toml {key}: ")
    assert found.endswith(
        "lies outside the folder of the study file. Move it into the folder, or set outside = true under [study]."
    )
    allowed = text.replace("[study]", "[study]\noutside = true")
    if key in ("[study] output", "[streets] files") or "[assessment]" in key:
        assert Project.from_text(allowed, folder=folder).outside() == []
    else:
        assert all("there is no file" in one for one in findings(allowed, folder))


def test_links_are_followed_before_a_path_counts_as_inside(folder, tmp_path_factory):
    away = tmp_path_factory.mktemp("away")
    (away / "secret.osm").write_text("<osm/>")
    (folder / "square.osm").unlink()
    (folder / "square.osm").symlink_to(away / "secret.osm")
    (found,) = findings(GOOD, folder)
    assert "[streets] files: square.osm lies outside" in found
    (folder / "square.osm").unlink()
    (folder / "square.osm").symlink_to(folder / "square.osm")  # in a circle
    assert len(findings(GOOD, folder)) == 1
    (folder / "square.osm").unlink()
    (folder / "by").symlink_to(folder)  # a link to within is no way out
    (folder / "town.osm").write_text("<osm/>")
    assert Project.from_text(GOOD.replace("square.osm", "by/town.osm"), folder=folder).outside() == []


def test_one_answer_names_every_path_outside_and_every_missing_file(folder):
    text = GOOD.replace('"square.osm"', '"../one.osm", "missing.osm", "/two.osm"')
    found = findings(text, folder)
    assert [("outside" in one, "no file" in one) for one in found] == [(True, False), (True, False), (False, True)]


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "9" * 5000,
        "a = " + "[" * 100_000,
        'name = "\\u0000"\n' + GOOD.replace("square.osm", "square\\u0000.osm"),
        GOOD.replace("square.osm", "x" * 10_000),
        GOOD.replace('"Square"', "'''" + "x" * 10 + "''' '''"),
        GOOD.replace('"Square"', str(["y" * 5000] * 20)),
    ],
    ids=["digits", "brackets", "nul", "long path", "quotes", "long value"],
)
def test_hostile_toml_ends_in_findings_one_can_read(folder, text):
    assert all(len(one) < 12_000 for one in findings(text, folder))


def test_a_folder_or_a_huge_file_is_no_study_file(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        Project.read(tmp_path)
    path = tmp_path / "huge.toml"
    with path.open("wb") as file:
        file.truncate(5_000_000)
    with pytest.raises(ConfigError, match="longer than 4 MB"):
        Project.read(path)


def test_mixed_line_ends_are_one_file(folder):
    path = folder / "mixed.toml"
    path.write_bytes(GOOD.replace("\n", "\r\n").encode() + b"\r[people]\ntotal = 5\r\n")
    assert Project.read(path).people.total == 5


EDITS = {
    'do = "add"\nservices = ["canteen"]\nlon = 106.5': "add needs lat, datum",
    'do = "add"\nid = "x"\nservices = "canteen"\nlon = 1\nlat = 1\ndatum = "wgs84"': "add takes no id",
    'do = "close"': "close needs id",
    'do = "close"\nid = "x"\nlon = 3': "close takes no lon",
    'do = "move"\nid = "x"\nlon = 106.5\nlat = 29.5\ndatum = "unknown"': "wgs84",
    'do = "enlarge"\nid = "x"': "enlarge needs floor_area_m2 or capacity",
    'do = "remove"\nid = "x"': "'add', 'move', 'close' or 'enlarge'",
    'do = "close"\nid = "x"\nlongitude = 3': "there is no key longitude",
    'do = "close"\nidd = "x"': "there is no key idd. Did you mean id?",
}


def test_edits_of_places_say_what_they_need_all_at_once(folder):
    text = GOOD + '[[scenario]]\nname = "x"\n' + "".join(f"[[scenario.facilities]]\n{edit}\n" for edit in EDITS)
    found = findings(text, folder)
    for number, part in enumerate(EDITS.values(), start=1):
        mine = [line for line in found if line.startswith(f"square.toml [scenario] #1 facilities #{number}")]
        assert any(part in line for line in mine), (part, mine)


def test_scenarios_have_names_of_their_own_and_their_files_are_looked_for(folder):
    text = GOOD + '[[scenario]]\nname = "x"\nstandard = "../s.toml"\n[[scenario]]\nname = "x"\n'
    assert any("several scenarios are called x" in line for line in findings(text, folder))
    text = text.replace('[[scenario]]\nname = "x"\n', '[[scenario]]\nname = "y"\n[[scenario.inventory]]\n', 1).replace(
        'standard = "../s.toml"', 'file = "t.csv"\ndatum = "wgs84"'
    )
    assert findings(text, folder) == [
        (
            f"square.toml [[scenario]] inventory: there is no file {folder / 't.csv'}."
            " Put it there, or correct the path, which starts at the study file's folder."
        )
    ]
    text = GOOD + '[[scenario]]\nname = "x"\nstandard = "../s.toml"\n'
    assert "square.toml [[scenario]] standard: ../s.toml lies outside" in findings(text, folder)[0]


@pytest.mark.parametrize(("name", "output"), [("2027", "out-2027"), ("a/../b:c", "out-a-..-b-c"), ("..", "out--")])
def test_the_results_of_a_scenario_lie_beside_those_of_the_study(folder, name, output):
    project = Project.from_text(GOOD + f'[[scenario]]\nname = "{name}"\n', folder=folder)
    assert project.under(name).study.output == Path(output)
    dotted = project.model_copy(update={"study": project.study.model_copy(update={"output": Path("..")})})
    assert dotted.under(name).study.output == Path("..")
