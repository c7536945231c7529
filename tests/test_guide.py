"""The planner's guide: commands, study file and tables run as they stand, in both languages; pictures are made anew."""

import json
import re
import shlex
import shutil
import tomllib
from itertools import chain
from pathlib import Path

import osmium
import pytest

import tiny_study
from circle15.project import Project, Standard

PROJECT = Path(__file__).resolve().parents[1]
DOCS = PROJECT / "docs"
LANGUAGES = ("zh", "en")
ELSEWHERE = {"demo", "fetch"}  # the first is run for many other tests, the second goes online: test_fetch.py
MOST_BYTES = 150_000


def blocks(language, kind):
    text = (DOCS / f"guide_{language}.md").read_text(encoding="utf-8")
    return re.findall(rf"^```{kind}\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)


def commands(language):
    lines = "".join(blocks(language, "sh")).splitlines()
    return [shlex.split(line, comments=True) for line in lines if line.startswith("circle15 ")]


def tables(language):
    return [text for text in blocks(language, "text") if text.startswith(("id,", "编号,"))]


def test_both_languages_give_the_same_commands_and_the_same_study():
    chinese, english = (commands(language) for language in LANGUAGES)
    assert chinese == english
    assert len(chinese) >= 10
    assert tomllib.loads("".join(blocks("zh", "toml"))) == tomllib.loads("".join(blocks("en", "toml")))
    for text in zip(tables("zh"), tables("en"), strict=True):
        chinese, english = ([row.split(",") for row in one.splitlines()] for one in text)
        assert [len(row) for row in chinese] == [len(row) for row in english]
    assert headings("zh") == headings("en")


def headings(language):
    text = re.sub(r"```.*?```", "", (DOCS / f"guide_{language}.md").read_text(encoding="utf-8"), flags=re.DOTALL)
    return [len(marks) for marks in re.findall(r"^(#+) ", text, flags=re.MULTILINE)]


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """A folder with the data that the guide speaks of, of the tiny town."""
    tiny_study.write_study(tmp_path)
    with osmium.SimpleWriter(str(tmp_path / "streets.osm.pbf")) as written:
        for one in osmium.FileProcessor(str(tmp_path / "town.osm")):
            written.add(one)
    for name in ("study.toml", "town.osm", "inventory.csv"):
        (tmp_path / name).unlink()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_commands_of_the_guide_run_as_they_stand(desk, verb, language):
    facilities, vacant = tables(language)
    (desk / "inventory.csv").write_text(facilities, encoding="utf-8")
    (desk / "inventory_2027.csv").write_text(facilities, encoding="utf-8")
    (desk / "vacant.csv").write_text(vacant, encoding="utf-8")
    study = "".join(blocks(language, "toml"))
    done = set()
    for _, name, *words in commands(language):
        if name in ELSEWHERE:
            continue
        code, out, err = verb(name, *(words[:-2] if ">" in words else words))
        assert code == 0, f"{name} {words}: {err}"
        if ">" in words:
            (desk / words[-1]).write_text(out, encoding="utf-8")
        if name == "new":  # and then its reader fills it in
            tomllib.loads((desk / "town.toml").read_text(encoding="utf-8"))
            (desk / "town.toml").write_text(study, encoding="utf-8")
        done.add(name)
    assert done == {"new", "check", "run", "propose", "compare", "sheets", "isochrone"}
    what_is_left(desk, language)


def what_is_left(desk, language):
    """Every file that the guide promises, and what it says of them."""
    text = (DOCS / f"guide_{language}.md").read_text(encoding="utf-8")
    promised = re.findall(r"^\| `([a-z_]+\.[a-z]+)` \|", text, flags=re.MULTILINE)
    assert len(promised) >= 8
    assert all((desk / "out" / name).stat().st_size for name in promised)
    assert (desk / "out" / "rejected.csv").read_text(encoding="utf-8").count("\n") == 1, (
        "a row of the guide was refused"
    )
    assert len((desk / "list.csv").read_text(encoding="utf-8").splitlines()) > 1
    assert json.loads((desk / "reach.geojson").read_text(encoding="utf-8"))["features"]
    assert (desk / "change" / "change.html").exists()
    compared = json.loads((desk / "change" / "compare.json").read_text(encoding="utf-8"))
    assert "2027" in compared["report"]["zh"]
    assert (desk / "out-sheets" / "card.pdf").exists()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_findings_that_the_guide_explains_are_said_somewhere(language):
    text = (DOCS / f"guide_{language}.md").read_text(encoding="utf-8")
    part = re.split(r"^## ", text, flags=re.MULTILINE)
    (table,) = [one for one in part if one.startswith(("Common findings", "常见提示"))]
    said = [re.findall(r"`([^`]+)`", row.split("|")[1]) for row in table.splitlines() if row.startswith("| `")]
    assert len(said) >= 8
    source = "".join(path.read_text(encoding="utf-8") for path in (PROJECT / "src" / "circle15").rglob("*.py"))
    for fragment in chain(*said):
        assert fragment in source, fragment


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_words_of_the_map_are_those_of_the_map(language):
    """Buttons, grades and causes that the guide names are labels of the page."""
    with (PROJECT / "src" / "circle15" / "labels" / f"{language}.toml").open("rb") as file:
        labels = tomllib.load(file)
    text = " ".join((DOCS / f"guide_{language}.md").read_text(encoding="utf-8").split())
    for key in ("mode_ask", "mode_add", "mode_remove", "mode_close", "mode_link"):
        assert f"| {labels['ask'][key]} |" in text
    for key in ("copy_link", "copy_toml"):
        assert labels["ask"][key] in text
    for key in ("none", "far", "terrain", "steps"):
        assert re.search(rf"[*“]{labels['cause'][key]}[*”]", text)


def test_the_study_of_another_city_is_one(tmp_path):
    text = (DOCS / "another_city.md").read_text(encoding="utf-8")
    (study,) = re.findall(r"^```toml\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)
    assert len(study.splitlines()) <= 25
    for name in ("helsinki_centre.geojson", "Helsinki.osm.pbf"):
        (tmp_path / name).touch()
    assert Project.from_text(study, folder=tmp_path).people.total == 60_000


def test_the_services_that_are_asked_for_are_those_of_the_standard():
    text = (DOCS / "real_data.md").read_text(encoding="utf-8").partition("| 清单 list |")[2]
    named = [key for row in text.splitlines() if row.startswith("|") for key in re.findall(r"`([a-z_]+)`", row)]
    assert len(named) >= 15
    assert set(named) <= {one.key for one in Standard.load("yuzhong-15min").services}


def test_the_tests_that_are_said_to_verify_are_there():
    """Every command of the page selects a test that exists."""
    text = (DOCS / "verified.md").read_text(encoding="utf-8")
    asked = re.findall(r"`pytest (tests\S*?)(?: -k (\S+|\"[^`]+\"))?`", text)
    assert len(asked) >= 30
    for place, words in asked:
        files = [PROJECT / place] if place.endswith(".py") else sorted((PROJECT / place).rglob("test_*.py"))
        names = [
            name for file in files for name in re.findall(r"^def (test_\w+)", file.read_text("utf-8"), re.MULTILINE)
        ]
        for word in words.strip('"').split(" or "):
            assert any(word in name for name in names), f"{place} -k {word}"


@pytest.mark.browser
@pytest.mark.parametrize("study_name", ["demo"])
def test_the_pictures_can_be_made_anew(ran, study_name, chromium, tmp_path, monkeypatch):
    """The same names and sizes as those that are kept; no pixel is compared, since fonts differ."""
    image = pytest.importorskip("PIL.Image")
    monkeypatch.syspath_prepend(DOCS)
    import picture

    kept = {path.name: path for path in (DOCS / "pictures").glob("*.png")}
    used = {name for path in DOCS.glob("*.md") for name in re.findall(r"pictures/(\w+\.png)", path.read_text("utf-8"))}
    assert used == set(kept)
    made = {path.name: path for path in picture.pictures(chromium, ran(study_name)[1], tmp_path)}
    assert set(kept) - set(made) <= ({"workbook.png"} if not shutil.which("soffice") else set())
    for name, path in made.items():
        with image.open(path) as new, image.open(kept[name]) as old:
            assert new.width == old.width, name
            assert abs(new.height - old.height) <= 0.05 * old.height, name
            assert len(new.getcolors()) > 10, name
        assert path.stat().st_size < 2 * MOST_BYTES, name
        assert kept[name].stat().st_size <= MOST_BYTES, name
