"""The card as a workbook: what its cells say and show, and that it says what the map says."""

import base64
import gzip
import json
import re
from dataclasses import replace

import openpyxl
import pandas as pd
import pytest

from circle15 import tables
from circle15.errors import SourceError
from circle15.page.contents import palette
from circle15.project import Standard
from circle15.workbook import write_workbook
from sample_result import HOSTILE, sample_result, sample_standard

HEADS = 5  # row of the heads of a sheet that starts with a table
CARDS = {"district": "区", "subdistrict": "街道", "community": "社区"}


@pytest.fixture(scope="module")
def result():
    return sample_result()


@pytest.fixture(scope="module")
def book(result, tmp_path_factory):
    path = tmp_path_factory.mktemp("book") / "card.xlsx"
    write_workbook(result, path, standard=sample_standard(), manifest={"versions": {"circle15": "0"}})
    return openpyxl.load_workbook(path)


def cells_of(book, *, tiers=CARDS):
    """Every cell of the card: unit, category by its place -> what it says and its colour."""
    found = {}
    for sheet in tiers.values():
        if sheet in book.sheetnames:
            for row in book[sheet].iter_rows(min_row=HEADS + 1):
                for place, cell in enumerate(row[5:]):
                    found[row[0].value, place] = cell.value, cell.fill.fgColor.rgb[2:].lower()
    return found


def said(grade, standard):
    bands = {band.grade: band for band in standard.grades}
    return "未评 not graded" if pd.isna(grade) else f"{grade} {bands[grade].names['zh']} {bands[grade].names['en']}"


def test_every_cell_of_the_card_is_there_in_words_and_in_its_colour(book, result):
    standard, colours = sample_standard(), palette()["grades"]
    cells = cells_of(book)
    places = {category.key: place for place, category in enumerate(standard.categories)}
    assert len(cells) == len(result.grades)
    for row in result.grades.itertuples():
        words, colour = cells[row.unit, places[row.category]]
        assert words == said(row.grade, standard)
        if pd.notna(row.grade):
            assert colour == colours[str(row.grade)].lstrip("#")


def test_a_cell_that_is_not_graded_looks_like_none_that_is(book, result):
    cells = cells_of(book)
    graded = {colour for words, colour in cells.values() if not words.startswith("未评")}
    left = {colour for words, colour in cells.values() if words.startswith("未评")}
    assert result.grades["grade"].isna().any()
    assert left
    assert not left & graded


def test_nothing_in_it_is_a_formula_or_a_link(book):
    for sheet in book:
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type != "f", (sheet.title, cell.coordinate, cell.value)
                assert cell.hyperlink is None


def test_hostile_names_stand_in_it_as_they_are(book, result):
    named = {cell.value for sheet in CARDS.values() for cell in book[sheet]["B"]}
    hostile = set(result.units["name"]) & set(HOSTILE)
    assert hostile
    assert hostile <= named


def test_every_sheet_is_marked_as_synthetic_and_prints_on_a3(book):
    for sheet in book:
        assert "合成" in sheet["A3"].value
        assert sheet.page_setup.paperSize == 8
        assert sheet.page_setup.orientation == "landscape"
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
        assert sheet.page_setup.fitToWidth in (None, 1)  # one page wide, as many long as it takes
        assert sheet.page_setup.fitToHeight == 0


@pytest.mark.parametrize("name", ["渝中区", "Q&A & Pier 9", "一" * 300])
def test_the_foot_of_a_page_says_what_it_is_of_and_from_and_nothing_lies_upon_another(result, tmp_path, name):
    """Excel takes 255 characters, reads & as a sign, and prints left, middle and right over one another."""
    facts = result.facts | {"name": name, "attribution": "© OpenStreetMap & 渝中区"}
    path = tmp_path / "card.xlsx"
    write_workbook(replace(result, facts=facts), path, standard=sample_standard(), manifest={})
    for sheet in openpyxl.load_workbook(path):
        foot = sheet.oddFooter
        left = foot.left.text.replace("_x000a_", "\n")
        assert left.split("\n")[0].strip().startswith(name.replace("&", "&&")[:40])
        assert "合成" in left.split("\n")[0]
        assert left.split("\n")[1].strip() == "© OpenStreetMap && 渝中区"
        assert "&P" in foot.right.text
        assert foot.center.text is None
        assert foot.left.size == foot.right.size == 8


def test_sheets_stand_in_their_order_and_empty_tables_have_none(book, result):
    names = book.sheetnames
    assert names[:4] == ["总览", "区", "街道", "社区"]
    assert names[-2:] == ["说明", "来源"]
    assert ("满意度" in names) == bool(len(result.judgement.quadrant))
    words = [row[2].value for row in book["说明"].iter_rows(min_row=HEADS + 1)]
    assert words == tables.dictionary()["words"].tolist()


def test_the_overview_adds_up(book, result):
    rows = {row[0].value: [cell.value for cell in row] for row in book["总览"].iter_rows() if row[0].value}
    top = result.grades[result.grades["unit"].isin(result.units.index[result.units["parent"].isna()])]
    for category, row in zip(sample_standard().categories, top.itertuples(), strict=True):
        told = rows[f"{category.names['zh']} {category.names['en']}"]
        assert told[1:4] == pytest.approx([row.served, row.gap, row.unknown])
        assert sum(told[1:4]) == pytest.approx(row.people)
        assert told[5] == pytest.approx(row.served / row.people)


def test_what_has_the_same_key_keeps_its_own_name(result, tmp_path):
    """The district has a brand and a category that are both called culture; others may have such a service."""
    plain, brand = sample_standard(), Standard.load("yuzhong-15min").brands[0].model_copy(update={"key": "culture"})
    service = plain.services[0].model_copy(update={"key": "culture", "en": "Reading room"})
    first = plain.categories[0].model_copy(update={"services": (service,)})
    both = {"categories": (first, *plain.categories[1:]), "brands": (brand,)}
    standard, judged = plain.model_copy(update=both), result.judgement
    views, supply = (
        judged.views.replace({"view": {"C1": "culture"}}),
        judged.supply.replace({"service": {plain.services[0].key: "culture"}}),
    )
    own = judged.equity["of"] == "service"
    equity = judged.equity.assign(subject=judged.equity["subject"].mask(own, "culture"))
    path = tmp_path / "card.xlsx"
    seen = replace(result, judgement=replace(judged, views=views, supply=supply, equity=equity))
    write_workbook(seen, path, standard=standard, manifest={})
    book = openpyxl.load_workbook(path)
    (category,) = [one for one in plain.categories if one.key == "culture"]

    def words(sheet):
        return {cell.value for row in book[sheet].iter_rows() for cell in row}

    assert plain.label(category) in words("总览")
    assert "\n".join(category.name_in(code) for code in ("zh", "en")) in words("街道")
    assert plain.label(brand) in words("特色圈与品牌")
    assert plain.label(category) not in words("特色圈与品牌")
    assert plain.label(service) in words("供给")
    assert {plain.label(category), plain.label(service)} <= words("均衡")


def test_what_a_circle_lacks_is_named_in_each_language_on_a_line_of_its_own(result, tmp_path):
    circles = result.judgement.circles.assign(lacks="green, culture", undecided="")
    path = tmp_path / "card.xlsx"
    seen = replace(result, judgement=replace(result.judgement, circles=circles))
    write_workbook(seen, path, standard=sample_standard(), manifest={})
    sheet = openpyxl.load_workbook(path)["生活圈"]
    (column,) = [cell.column_letter for cell in sheet[HEADS] if cell.value == "缺哪些\nWhat is lacking"]
    named = {one.key: one for one in sample_standard().categories}
    chinese, english = ([named[key].name_in(code) for key in ("green", "culture")] for code in ("zh", "en"))
    said = "、".join(chinese) + "\n" + ", ".join(english)
    assert [cell.value for cell in sheet[column]][HEADS:] == [said] * len(circles)
    heights = [sheet.row_dimensions[HEADS + 1 + at].height for at in range(len(circles))]
    assert min(heights) >= 2 * sheet.sheet_format.defaultRowHeight  # both lines are seen


@pytest.mark.parametrize(("trip", "words"), [("out", "去程 way out"), ("round", "往返合计 out and back together")])
def test_the_overview_says_which_way_is_walked_in_words(result, tmp_path, trip, words):
    path = tmp_path / "card.xlsx"
    write_workbook(replace(result, facts=result.facts | {"trip": trip}), path, standard=sample_standard(), manifest={})
    said = {row[0].value: row[1].value for row in openpyxl.load_workbook(path)["总览"].iter_rows(max_col=2)}
    assert said["出行 Trip"] == words


def test_a_result_without_judgement_makes_a_shorter_book(result, tmp_path):
    short = replace(result, judgement=tables.Judgement())
    write_workbook(short, tmp_path / "card.xlsx", standard=sample_standard())
    assert "供给" not in openpyxl.load_workbook(tmp_path / "card.xlsx").sheetnames


def test_a_place_that_takes_no_file_is_one_sentence(result, tmp_path):
    (tmp_path / "card.xlsx").mkdir()
    with pytest.raises(SourceError, match=r"card\.xlsx: it cannot be written"):
        write_workbook(result, tmp_path / "card.xlsx", standard=sample_standard())


@pytest.mark.parametrize("study_name", ["demo"])
def test_the_workbook_and_the_map_say_the_same_in_every_cell(ran, study_name):
    study, folder = ran(study_name)
    page = (folder / "map.html").read_text(encoding="utf-8")
    block = re.search(r'id="circle15-study"[^>]*>([^<]+)<', page).group(1)
    told = json.loads(gzip.decompress(base64.b64decode(block)))
    keys = [category["key"] for category in told["standard"]["categories"]]
    grades = told["card"]["grade"]
    on_map = {
        (unit, place): said(pd.NA if grades[row * len(keys) + place] is None else int(grades[row * len(keys) + place]),
                            study.standard)
        for row, unit in enumerate(told["units"]["id"])
        for place in range(len(keys))
    }  # fmt: skip
    in_book = {cell: words for cell, (words, _) in cells_of(openpyxl.load_workbook(folder / "card.xlsx")).items()}
    assert in_book == on_map
    assert len(on_map) == 11 * len(study.units)
    counts = study.units["tier"].value_counts()
    assert (counts["district"], counts["subdistrict"], counts["community"]) == (1, 11, 80)  # 79 and a workstation


def test_long_sheets_keep_to_what_can_be_turned(result, tmp_path, monkeypatch):
    def rows(most):
        monkeypatch.setattr("circle15.workbook._MOST_ROWS", most)
        write_workbook(result, tmp_path / "card.xlsx", standard=sample_standard())
        sheet = openpyxl.load_workbook(tmp_path / "card.xlsx")["供给"]
        return [row[0].value for row in sheet.iter_rows(min_row=HEADS + 1)]

    supply, units = result.judgement.supply, result.units
    holding, top = units["parent"].dropna().unique(), units.index[units["parent"].isna()]
    assert len(rows(10**6)) > supply["unit"].isin(holding).sum() > supply["unit"].isin(top).sum()
    assert set(rows(int(supply["unit"].isin(holding).sum()))) == set(holding)
    assert set(rows(int(supply["unit"].isin(top).sum()))) == set(top)
