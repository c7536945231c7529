"""In which languages a study speaks: words held against the English, names by language, what stands in for what."""

import ast
import re
import shutil
from importlib import resources
from pathlib import Path

import pytest

import circle15
from circle15.errors import ConfigError
from circle15.project import Labels, Project, Standard, Walker
from circle15.project.languages import places, read_language, shipped_languages
from circle15.study import Study
from tiny_study import write_study

FOLDER = resources.files("circle15") / "labels"
ENGLISH = (FOLDER / "en.toml").read_text(encoding="utf-8")
CJK = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]")
FINNISH = """
[state]
gap = "puute"
[number]
locale = "fi-FI"
[names]
title = "Viisitoista minuuttia"
pharmacy = "Apteekki"
grade_5 = "Erinomainen"
[walkers]
adult = "Aikuinen"
"""


def flat(words, before=""):
    found = {}
    for key, value in words.items():
        found |= flat(value, f"{before}{key}.") if isinstance(value, dict) else {f"{before}{key}": value}
    return found


@pytest.mark.parametrize("language", shipped_languages())
def test_every_language_that_ships_has_the_english_words_and_leaves_the_same_places_open(language):
    words = {code: flat(said) for code, said in Labels.of((language, "en")).words.items()}
    assert list(words[language]) == list(words["en"])
    for key, text in words[language].items():
        assert places(text) == places(words["en"][key]) is not None, key


def test_the_english_words_hold_nothing_of_another_language():
    assert CJK.findall(ENGLISH) == []


WRITERS = (
    "assessment",
    "measures",
    "network",
    "page",
    "report.py",
    "sheets",
    "siting",
    "study",
    "tiles",
    "workbook.py",
)
NAMES_A_PROVIDER = "backdrop.py"
CARDS = (
    "facts.py",
    "shown.py",
    "records.py",
)  # cards in a notebook: to analysts, in both languages, whatever a study speaks


def test_rooms_that_write_take_every_chinese_word_from_data():
    package = Path(circle15.__file__).parent
    files = [file for one in WRITERS for file in (package / one).rglob("*") if file.is_file()]
    files += [package / one for one in WRITERS if one.endswith(".py")]
    code = [
        file
        for file in files
        if file.suffix in (".py", ".js", ".html", ".css") and file.name not in (NAMES_A_PROVIDER, *CARDS)
    ]
    assert len(code) > 60
    for file in code:
        assert re.findall(r"[\u4e00-\u9fff]", file.read_text(encoding="utf-8")) == [], file.name


def test_no_code_names_the_city_that_it_began_with():
    """Examples in docstrings may, and the help of `circle15 demo`, which runs its twin."""
    package = Path(circle15.__file__).parent
    for file in package.rglob("*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        docs = {id(node.body[0].value) for node in ast.walk(tree) if isinstance(node, DOCUMENTED) and has_docs(node)}
        said = [one.value for one in ast.walk(tree) if isinstance(one, ast.Constant) and id(one) not in docs]
        texts = [one for one in said if isinstance(one, str)]
        assert not [one for one in texts if re.search(r"(?i)yuzhong|chongqing|\u6e1d\u4e2d|\u91cd\u5e86", one)], (
            file.name
        )


DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef)


def has_docs(node):
    return bool(node.body) and isinstance(node.body[0], ast.Expr) and isinstance(node.body[0].value, ast.Constant)


def test_a_standard_speaks_the_languages_of_its_title():
    assert Standard.load("yuzhong-15min").languages == ("zh", "en")
    assert Standard.load("fifteen-minutes").languages == ("en",)


def test_a_name_in_one_language_more_or_less_than_the_title_is_found_at_once(tmp_path):
    own = (resources.files("circle15") / "standards" / "fifteen-minutes.toml").read_text(encoding="utf-8")
    own = own.replace('en = "Dentist"', 'fr = "Dentiste"').replace('en = "Good"', 'en = "Good"\nfr = "Bien"')
    (tmp_path / "own.toml").write_text(own, encoding="utf-8")
    with pytest.raises(ConfigError) as error:
        Standard.load("own.toml", base=tmp_path)
    said = [str(one) for one in error.value.findings]
    assert said == [
        "own.toml: grade 4 has a name in fr, which the title has not. Add title_fr, or take it out.",
        "own.toml: the service dentist has no name in en, which the title has. Add en = ....",
        "own.toml: the service dentist has a name in fr, which the title has not. Add title_fr, or take it out.",
    ]


def test_what_a_standard_is_called_follows_the_languages_that_are_spoken():
    standard = Standard.load("yuzhong-15min")
    canteen = standard.service("canteen")
    assert standard.label(canteen) == "社区食堂 Community canteen"
    english = standard.speaking(["en"])
    assert english.label(canteen) == "Community canteen"
    assert english.spoken(english.title) == (standard.title["en"],)
    assert not CJK.search(english.spoken(standard.built.basis)[0])
    assert standard.speaking(["en", "zh"]).label(canteen) == "Community canteen 社区食堂"


def test_a_standard_says_the_same_when_it_is_read_back_from_a_manifest():
    standard = Standard.load("yuzhong-15min").speaking(["en"])
    assert Standard.model_validate(standard.model_dump(mode="json")) == standard


def test_the_manifest_of_an_older_run_is_still_read():
    """Standards had a name in Chinese and in English, and nothing else, before languages were listed."""
    said = Standard.load("yuzhong-15min").model_dump(mode="json")
    for key in ("title", "authority"):
        said |= {f"{key}_{code}": text for code, text in said.pop(key).items()}
    del said["languages"], said["words"]
    said["grades"] = [{**one, **one.pop("names")} for one in said["grades"]]
    assert Standard.model_validate(said) == Standard.load("yuzhong-15min")


def test_a_third_language_is_a_file_and_what_it_lacks_stands_in_english_and_is_listed(tmp_path):
    (tmp_path / "fi.toml").write_text(FINNISH, encoding="utf-8")
    code, own, (found,) = read_language("fi.toml", base=tmp_path)
    assert code == "fi"
    words = flat(Labels.of(("en",)).words["en"])
    listed = found.problem.partition(": ")[2]
    assert listed == ", ".join(key for key in words if key not in ("state.gap", "number.locale"))
    standard = Standard.load("fifteen-minutes").speaking([code, "en"], words={code: own})
    labels = Labels.of(standard)
    assert labels.said("state", "gap") == ("puute", "gap")
    assert labels.said("state", "served") == ("served", "served")
    assert labels.joined("state", "served") == "served"
    assert standard.label(standard.service("pharmacy")) == "Apteekki Pharmacy"
    assert standard.label(standard.service("dentist")) == "Dentist"
    assert standard.label(standard.grades[0]) == "Erinomainen Excellent"
    assert standard.spoken(standard.title)[0] == "Viisitoista minuuttia"


def test_a_whole_language_file_lacks_nothing(tmp_path):
    (tmp_path / "fi.toml").write_text(ENGLISH, encoding="utf-8")
    assert read_language("fi.toml", base=tmp_path)[2] == []


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("finnish.toml", "", "'finnish' is no code of a language. Name it by its language of two letters"),
        ("fi.toml", '[state]\ngapp = "x"', "there is no word state.gapp. Did you mean state.gap?"),
        ("fi.toml", "[state]\ngap = 3", "state.gap is no text (it is 3)"),
        ("fi.toml", '[cluster]\npeople = "ihmistä"', "cluster.people leaves other places open than the English word"),
        ("fi.toml", '[cluster]\npeople = "{n ihmistä"', "cluster.people has a brace that opens no place"),
        ("fi.toml", "[state", "it is not valid TOML"),
    ],
)
def test_a_language_file_that_would_break_a_page_is_refused(tmp_path, name, text, said):
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=re.escape(said)):
        read_language(name, base=tmp_path)


def test_every_fault_of_a_language_file_is_listed_at_once(tmp_path):
    (tmp_path / "fi.toml").write_text('[state]\ngapp = "x"\nserved = 1\n[cluster]\npeople = "y"\n', encoding="utf-8")
    with pytest.raises(ConfigError) as error:
        read_language("fi.toml", base=tmp_path)
    assert len(error.value.findings) == 3


def test_a_language_that_does_not_ship_says_how_to_write_it(tmp_path):
    with pytest.raises(ConfigError, match=r'Write fi.toml as labels/en.toml is, .*: languages = \["fi.toml"\]'):
        read_language("fi", base=tmp_path)


def test_languages_of_a_study_file():
    text = '[study]\nname = "Square"\nname_fi = "Aukio"\nlanguages = {0}\n[area]\nplace = "Square"\n'
    project = Project.from_text(text.format('"en"'))
    assert project.study.languages == ("en",)
    assert (project.study.name_in("fi"), project.study.name_in("en")) == ("Aukio", "Square")
    with pytest.raises(ConfigError, match="a language is listed twice"):
        Project.from_text(text.format('["fi", "fi.toml"]'))
    with pytest.raises(ConfigError, match=r"\[study\] languages: there is no file"):
        Project.from_text(text.format('["fi.toml"]'))
    with pytest.raises(ConfigError, match=r"no key language\. Did you mean languages"):
        Project.from_text(text.replace("languages = {0}", 'language = "en"'))


def test_walkers_are_called_by_their_languages(tmp_path):
    assert Walker.load("adult").label_in("fi") == "Adult"
    file = write_study(tmp_path)
    shutil.copy(str(FOLDER / "en.toml"), tmp_path / "fi.toml")
    with (tmp_path / "fi.toml").open("a", encoding="utf-8") as own:
        own.write('\n[walkers]\nadult = "Aikuinen"\n')
    text = file.read_text(encoding="utf-8").replace("[study]", '[study]\nlanguages = ["fi.toml", "en"]')
    file.write_text(text, encoding="utf-8")
    study = Study.open(file)
    assert study.standard.languages == ("fi", "en")
    assert study.walker.label == {"fi": "Aikuinen", "en": "Adult"}
    assert study.facts["walker_fi"] == "Aikuinen"
    assert study.facts["name_en"] == "Tiny town"
    (found,) = [one for one in study.findings if one.where == "yuzhong-15min"]
    assert "it has no name in fi for childcare, education," in found.problem
