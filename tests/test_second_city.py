"""Other cities with the generic standard in English: one short study file each, and nothing Chinese comes out."""

import re
import sqlite3
import zipfile
from pathlib import Path

import openpyxl
import pytest

from circle15.study.folder import OUTPUTS
from circle15.study.printing import print_sheets
from read_page import plain_values

DATA = Path(__file__).resolve().parents[1] / "data"
CITIES = ["monaco-en", "helsinki-en"]
CJK = re.compile(r"[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]")
THEMES = "theme"  # of an Office file: names of fonts for every script there is, which nothing is written in
MOST_LINES = 25


def texts(path):
    """Every text of a file: parts of an Office file, values of a GIS package, blocks that a page carries."""
    if path.suffix in (".xlsx", ".pptx"):
        with zipfile.ZipFile(path) as parts:
            names = [one for one in parts.namelist() if one.endswith((".xml", ".rels")) and THEMES not in one]
            yield from (parts.read(one).decode("utf-8") for one in names)
    elif path.suffix == ".gpkg":
        with sqlite3.connect(path) as package:
            package.text_factory = lambda raw: raw.decode("utf-8", "replace")
            tables = [row[0] for row in package.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            for table in (one for one in tables if not one.startswith("rtree")):
                for row in package.execute(f'SELECT * FROM "{table}"'):  # noqa: S608  names from the file itself
                    yield from (value for value in row if isinstance(value, str))
    else:
        text = path.read_text(encoding="utf-8")
        yield text
        if path.suffix == ".html":
            for name in ("study", "walking"):
                yield str(plain_values(text, name))


@pytest.fixture(scope="module", params=CITIES)
def city(request, ran):
    return ran(request.param)


@pytest.mark.parametrize("name", ["monaco", "helsinki", "porto"])
def test_a_city_is_one_short_file(name):
    text = (DATA / f"{name}.toml").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MOST_LINES
    assert not CJK.search(text)


def test_every_file_that_porto_lacks_is_named_at_once(verb):
    code, out, err = verb("check", DATA / "porto.toml")
    assert (code, out) == (2, "")
    for name in ("porto.geojson", "porto.osm.pbf", "porto-terrain.tif", "porto-people.tif"):
        assert len([line for line in err.splitlines() if "there is no file" in line and name in line]) == 1
        assert name in (DATA / "porto.toml").read_text(encoding="utf-8").split("[study]")[0]  # what to get, and where


@pytest.mark.real
def test_it_speaks_english_alone(city):
    study, folder = city
    assert study.standard.name == "fifteen-minutes"
    assert study.standard.languages == ("en",)
    assert {file.name for file in folder.iterdir()} == set(OUTPUTS)
    for file in folder.iterdir():
        for text in texts(file):
            assert not CJK.search(text), (file.name, CJK.search(text)[0])


@pytest.mark.real
def test_it_says_something(city):
    """The words are there: nine categories, graded; what the map is too empty for is unknown, not a gap."""
    study, folder = city
    book = openpyxl.load_workbook(folder / "card.xlsx")
    assert book.sheetnames[:3] == ["Overview", "District", "Cells"]
    heads = [cell.value for cell in book["Cells"][5]]
    assert heads[5:] == [one.names["en"] for one in study.standard.categories]
    grades = study.result.grades.set_index(["unit", "category"])["grade"]
    assert (grades.dropna() == 5).any()
    assert study.units_from == "H3 cells, resolution 9"
    unknown = study.completeness_summary.query("not known").index
    assert "kindergarten" in unknown
    assert not (study.result.gaps["service"].isin(unknown)).any()
    assert set(study.facilities["source"]) == {Path(study.project.streets.files[0]).name}


@pytest.mark.real
def test_sheets_ask_for_no_chinese_font_and_say_nothing_in_chinese(city, tmp_path, monkeypatch):
    monkeypatch.setattr("circle15.sheets.letters.FAMILIES", ())
    _, written = print_sheets(city[1], tmp_path / "sheets")
    assert {"card.pdf", "gaps.pdf", "meeting.pptx"} <= set(written)
    for text in texts(tmp_path / "sheets" / "meeting.pptx"):
        assert not CJK.search(text)
