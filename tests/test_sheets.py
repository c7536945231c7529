"""Map sheets and slides: A3, words in both languages, letters that are there, the same bytes for the same result."""

import ast
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pptx
import pytest
import shapely
from matplotlib import font_manager
from PIL import Image

import circle15
from circle15.errors import ConfigError, DataError, SourceError
from circle15.sheets import READ, SLIDES, layouts, write_sheets
from circle15.sheets.contents import Contents, _spans
from circle15.sheets.letters import Letters
from circle15.sheets.paper import A3, denominator, drawing
from circle15.sources.results import read_results
from circle15.study.printing import print_sheets
from circle15.tables import PROJECT_CELLS, PROJECTS
from conftest import IN_CI
from sample_result import HOSTILE, sample_result, sample_standard
from tiny_study import write_study

SAMPLE = "步行缺口单元街道设施项目无法判断渝"  # letters that DejaVu Sans has not
SHEETS = ("card", "gaps", "projects")


def projects(result):
    """Two near-term projects at one site, a reserve one at another, of which little is known."""
    middle = result.units.geometry.iloc[0].representative_point()
    lon, lat = gpd.GeoSeries([middle], crs=result.area.crs).to_crs("EPSG:4326").iloc[0].coords[0]
    rows = []
    for rank, (site, phase, service) in enumerate(
        [("V1", "near", "health_0"), ("V1", "near", "dining_0"), ("V2", "reserve", "childcare_0")], start=1
    ):
        row = dict.fromkeys((column.name for column in PROJECTS.columns), None)
        known = "yes" if phase == "near" else "unknown"
        row |= {"project": f"{site}:{service}", "rank": rank, "phase": phase, "site": site, "service": service}
        row |= {"name": HOSTILE[rank % 2] if site == "V1" else None, "people": 100.0, "cumulative": 100.0 * rank}
        row |= dict.fromkeys(("need", "basis", "equipment", "place"), known) | {"unit": "C01"}
        row |= {
            "cost": 20.0 if rank == 1 else np.nan,
            "cost_unit": "万元",
            "lon": lon + 0.004 * (rank == 3),
            "lat": lat,
        }
        rows.append(row)
    cells = pd.DataFrame(
        {"row": ["a", "b", "c"], "rank": [1, 1, 1], "unit": "C01", "category": "health", "people": 9.0}
    ).assign(served_before=0.0, served_after=9.0, grade_before=[1, 1, 3], grade_after=[4, None, 2])
    cells = cells.astype({"grade_before": "Int64", "grade_after": "Int64"}).set_index("row")[PROJECT_CELLS.names]
    return pd.DataFrame(rows).set_index("project")[PROJECTS.names], cells


@pytest.fixture(scope="module")
def standard():
    return sample_standard()


def planned():
    made = sample_result()
    listed, cells = projects(made)
    return replace(made, judgement=replace(made.judgement, projects=listed, project_cells=cells))


@pytest.fixture(scope="module")
def result():
    return planned()


@pytest.fixture(scope="module")
def folder(result, standard, tmp_path_factory):
    folder = tmp_path_factory.mktemp("sheets")
    names = write_sheets(result, folder, standard=standard)
    assert names == (*(f"{one}.{kind}" for one in SHEETS for kind in ("pdf", "png")), SLIDES)
    assert {path.name for path in folder.iterdir()} == set(names)
    return folder


def missing(what):
    """What a machine lacks is a failure in CI and a skip elsewhere."""
    if IN_CI:
        pytest.fail(what)
    pytest.skip(what)


@pytest.fixture(scope="module", autouse=True)
def _letters():
    try:
        Letters.found(SAMPLE)
    except SourceError as error:
        missing(str(error))


def text_of(path):
    """The text of a PDF, all blanks taken out."""
    if shutil.which("pdftotext") is None:
        missing("pdftotext is missing: apt install poppler-utils")
    made = subprocess.run(["pdftotext", str(path), "-"], capture_output=True, check=True)
    return re.sub(r"\s", "", made.stdout.decode())


def shown(text):
    """Text as a sheet shows it, all blanks taken out."""
    return re.sub(r"\s", "", Letters.found(SAMPLE).clean(text))


# ------------------------------------------------------------------------------------------------------------ files


@pytest.mark.parametrize("name", SHEETS)
def test_a_sheet_is_one_page_of_a3_with_fonts_inside_and_no_picture(folder, name):
    data = (folder / f"{name}.pdf").read_bytes()
    boxes = re.findall(rb"/MediaBox \[ ?0 0 ([\d.]+) ([\d.]+) ?\]", data)
    assert len(boxes) == 1
    assert [float(side) * 25.4 / 72 for side in boxes[0]] == pytest.approx(A3, abs=0.1)
    assert b"/Subtype /Image" not in data
    assert b"/Subtype /Type3" in data
    assert b"CreationDate" not in data
    with Image.open(folder / f"{name}.png") as picture:
        assert picture.size == pytest.approx([side / 25.4 * 200 for side in A3], abs=1)


@pytest.mark.parametrize("name", SHEETS)
def test_every_sheet_says_what_it_is_made_of(folder, standard, name):
    text = text_of(folder / f"{name}.pdf")
    said = [
        "合成示例数据，不得用于决策",
        "Synthetic demonstration data: not for decisions",
        "样例半岛",
        "Sample peninsula",
    ]
    said += [
        "2026-11-01",
        "合成数据，无来源",
        standard.title["zh"],
        standard.title["en"],
        standard.authority["en"],
        "成年人 Adult",
    ]
    said += [
        "units.geojson",
        "circle15 0.1.0",
        "图例" if name != "card" else "等级",
        "北",
        "2 km" if name == "card" else "500 m",
    ]
    said += ["比例 1:50,000（A3）" if name == "card" else "比例 1:"]
    for words in said:
        assert shown(words) in text, words
    titles = {"card": "五色卡", "gaps": "步行可达缺口", "projects": "年度项目清单"}
    assert text.startswith(titles[name])


def test_units_are_named_and_hostile_names_stay_text(folder, result):
    text = text_of(folder / "gaps.pdf")
    for name in result.units["name"][result.units["tier"] == "subdistrict"]:
        assert name in text
    listed = text_of(folder / "projects.pdf")
    assert "<imgsrc=x" in listed
    assert "</script>" in listed
    assert "\u202e" not in text + listed


def test_the_card_shows_categories_shares_and_grades_in_words(folder, standard):
    text = text_of(folder / "card.pdf")
    for place, one in enumerate(standard.categories, start=1):
        assert shown(f"{place} {one.names['zh']}") in text
        assert shown(one.names["en"]) in text
    for band in standard.grades:
        assert shown(f"{band.names['zh']} {band.names['en']}") in text
    assert "未评Notgraded" in text


def test_the_same_result_gives_the_same_bytes_in_another_process(folder, tmp_path):
    script = (
        "import sys; from pathlib import Path; from dataclasses import replace\n"
        "from test_sheets import planned; from sample_result import sample_standard\n"
        "from circle15.sheets import write_sheets\n"
        "write_sheets(planned(), Path(sys.argv[1]), standard=sample_standard())\n"
    )
    path = os.pathsep.join([str(Path(__file__).parent), str(Path(circle15.__file__).parents[1])])
    env = os.environ | {"PYTHONPATH": path, "PYTHONHASHSEED": "7", "TZ": "Asia/Shanghai"}
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, check=True, env=env)
    for file in folder.iterdir():
        assert (tmp_path / file.name).read_bytes() == file.read_bytes(), file.name


def test_without_projects_there_is_no_sheet_of_them(standard, tmp_path):
    names = write_sheets(sample_result(), tmp_path, standard=standard.speaking(["en", "zh"]))
    assert names == ("card.pdf", "card.png", "gaps.pdf", "gaps.png", SLIDES)
    assert text_of(tmp_path / "card.pdf").startswith("Thefive-colourcard")
    assert "sheet1of2" in text_of(tmp_path / "card.pdf")


def test_reading_settings_of_the_user_change_nothing(result, standard, folder, tmp_path):
    import matplotlib as mpl

    with mpl.rc_context({"pdf.fonttype": 42, "lines.linewidth": 9, "savefig.bbox": "tight", "text.color": "red"}):
        write_sheets(result, tmp_path, standard=standard)
        assert mpl.rcParams["pdf.fonttype"] == 42
    for name in ("card.pdf", "gaps.png"):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()


# ------------------------------------------------------------------------------------------------------------ fonts


def test_without_chinese_letters_nothing_is_written(result, standard, tmp_path, monkeypatch):
    latin = [one for one in font_manager.fontManager.ttflist if one.name == "DejaVu Sans"]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", latin)
    monkeypatch.setattr(font_manager, "findSystemFonts", list)
    with pytest.raises(SourceError, match="fonts-noto-cjk") as error:
        write_sheets(result, tmp_path / "out", standard=standard)
    assert not error.value.outside
    assert not (tmp_path / "out").exists()


def test_a_font_installed_since_matplotlib_last_looked_is_found(monkeypatch):
    found = Letters.found(SAMPLE).families[0]
    latin = [one for one in font_manager.fontManager.ttflist if one.name == "DejaVu Sans"]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", list(latin))
    assert Letters.found(SAMPLE).families[0] == found or set(map(ord, SAMPLE)) <= Letters.found(SAMPLE)._known


def test_text_is_made_fit_for_print():
    letters = Letters.found(SAMPLE)
    assert letters.clean("a\u202eb\x07c\n d") == "abc d"
    assert letters.clean("\U0010fffd\ue000") == ""
    assert letters.clean("𓀀") == "□"  # no font here has hieroglyphs; a warning would be an error
    assert letters.width("步行", 10) == pytest.approx(20 * 25.4 / 72, rel=0.01)
    lines = letters.lines("步行十五分钟，能到哪里？What can people reach", 30, 8, most=9)
    assert "".join(lines).replace(" ", "") == "步行十五分钟，能到哪里？Whatcanpeoplereach"
    assert all(letters.width(line, 8) <= 30 for line in lines)
    assert not any(line[0] in "，？" for line in lines)
    cut = letters.lines("步行十五分钟能到哪里" * 9, 30, 8, most=2)
    assert len(cut) == 2
    assert cut[1].endswith("…")
    assert letters.lines("x" * 99, 20, 8, most=99)[0] != "x" * 99
    assert len(letters.lines("<img src=x onerror=alert('hello')>", 30, 8)[0]) > 14  # cut at a letter, not at a word


def test_names_with_dollars_are_no_formulas(standard, tmp_path):
    made = sample_result()
    units = made.units.assign(name=[r"$\frac{1}{0}$" if tier == "subdistrict" else "x" for tier in made.units["tier"]])
    with drawing():
        said = Contents(replace(made, units=units), standard)
        layouts.gaps_sheet(said, Letters.found(SAMPLE), number=(1, 1)).write(tmp_path / "gaps", title="$x$")
    assert r"$\frac{1}{0}$" in text_of(tmp_path / "gaps.pdf")


# ------------------------------------------------------------------------------------------------------------ figures


def test_states_of_homes_sum_up_to_the_card(result, standard):
    made = Contents(result, standard)
    homes, card = made.homes, made.residents
    assert homes["total"].sum() == pytest.approx(card["gap"].sum())
    for category in standard.categories:
        for state in ("served", "gap", "unknown"):
            mine = homes["people"][made.states[category.key] == state].sum()
            assert mine == pytest.approx(card.loc[category.key, state]), (category.key, state)
    again = Contents(replace(result, found=None), standard)
    pd.testing.assert_frame_equal(again.states, made.states)
    with pytest.raises(DataError, match="coverage"):
        _ = Contents(replace(result, found=None, coverage=result.coverage.iloc[:0]), standard).states


def test_worst_places_keep_their_distance(result, standard):
    made = Contents(result, standard)
    worst = made.worst(12, apart_m=300.0)
    assert len(worst) == 12
    assert worst["total"].is_monotonic_decreasing
    assert worst["total"].iloc[0] == made.homes["total"].max()
    points = shapely.points(worst[["x", "y"]].to_numpy())
    apart = shapely.distance(points[:, None], points[None, :])
    assert apart[~np.eye(12, dtype=bool)].min() >= 300.0
    left = made.homes[made.homes["total"] > worst["total"].iloc[-1]].drop(worst.index, errors="ignore")
    near = shapely.distance(shapely.points(left[["x", "y"]].to_numpy())[:, None], points[None, :]).min(axis=1)
    assert (near < 300.0).all()  # none with more is left out unless it stands beside one that is listed


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_number_on_the_map_is_listed_and_every_listed_one_is_on_the_map(result, standard, language, monkeypatch):
    rows = []
    monkeypatch.setattr(
        layouts.A3Sheet,
        "table",
        lambda _, box, __, given: rows.append(given[: layouts.A3Sheet.fits(box)]) or len(rows[-1]),
    )
    with drawing():
        sheet = layouts.gaps_sheet(
            Contents(result, standard.speaking([language])), Letters.found(SAMPLE), number=(1, 1)
        )
    plates = [text.get_text() for axes in sheet.figure.axes for text in axes.texts if text.get_bbox_patch() is not None]
    assert len(plates) > 10
    assert plates == [row[0] for table in rows for row in table]


def test_projects_are_listed_as_they_are(result, standard):
    made = Contents(result, standard)
    assert made.sites["label"].tolist() == ["1–2", "3"]
    assert made.sites["near"].tolist() == [True, False]
    assert [made.cells_up(rank) for rank in (1, 2)] == [1, 0]  # not graded after, and down, are not up
    rows = layouts.project_rows(made)
    assert rows[0][0] == "1"
    assert rows[0][4:] == ["100", "100", "20 万元", "● ● ● ●", "1"]
    assert rows[1][6] == "–"
    assert rows[2][2] == made.where("C01")
    assert rows[2][7] == "? ? ? ?"
    assert _spans([9, 4, 6, 5]) == "4–6,9"


def test_scales_are_round_and_fit():
    assert denominator((0, 0, 1000, 10), 100, 100) == 10_000
    assert denominator((0, 0, 1001, 10), 100, 100) == 12_500
    assert denominator((0, 0, 10, 99_000), 100, 100) == 1_000_000


@pytest.mark.parametrize("bounds", [(0, 0, 9000, 4000), (0, 0, 4000, 9000), (0, 0, 5000, 5000)])
def test_map_legend_and_lists_share_the_room(bounds):
    room = layouts.Box(14, 38, 392, 230)
    plan = layouts._split(room, bounds)
    boxes = [shapely.box(one.x, one.y, one.right, one.top) for one in (plan.map, plan.key, *plan.lists)]
    whole = shapely.box(room.x, room.y, room.right, room.top)
    assert all(whole.buffer(1e-6).covers(one) for one in boxes)
    assert not any(one.intersects(other) for place, one in enumerate(boxes) for other in boxes[:place])
    assert (bounds[2] - bounds[0]) / plan.scale * 1000 <= plan.map.width
    assert (bounds[3] - bounds[1]) / plan.scale * 1000 <= plan.map.height


def test_what_is_not_graded_is_hatched_and_white(result, standard, tmp_path):
    """A result of which nothing is known has no coloured unit at all."""
    grades = result.grades.assign(grade=pd.array([pd.NA] * len(result.grades), dtype="Int64"))
    made = Contents(replace(result, grades=grades), standard)
    with drawing():
        sheet = layouts.card_sheet(made, Letters.found(SAMPLE), number=(1, 1))
        maps = [axes for axes in sheet.figure.axes if axes is not sheet.page]
        assert len(maps) == len(standard.categories)
        for axes in maps:
            hatched = [one for one in axes.collections if one.get_hatch()]
            assert len(hatched) == 1
            assert len(hatched[0].get_paths()) == len(made.of_tier(made.tiers[-1]))
            assert (hatched[0].get_facecolor()[:, :3] == 1).all()
        sheet.write(tmp_path / "card", title="card")
    assert (tmp_path / "card.pdf").exists()


def test_what_is_too_much_for_paper_is_left_out_and_said(result, standard, tmp_path, monkeypatch):
    from circle15.sheets import drawing as room

    for name, most in (("MOST_STREETS", 3), ("MOST_HOMES", 20), ("MOST_FACILITIES", 5), ("MOST_NAMES", 1)):
        monkeypatch.setattr(room, name, most)
    monkeypatch.setattr(layouts, "MOST_DIGITS", 1)
    made, letters = Contents(result, standard), Letters.found(SAMPLE)
    with drawing():
        layouts.gaps_sheet(made, letters, number=(1, 2)).write(tmp_path / "gaps", title="gaps")
        layouts.card_sheet(made, letters, number=(2, 2)).write(tmp_path / "card", title="card")
    text = text_of(tmp_path / "gaps.pdf")
    for words in ("道路过密，未画", "设施过密，未画", f"另有 {len(result.origins) - 20:,} 个较小的居住点未画"):
        assert shown(words) in text, words
    assert shown("格内不写等级") in text_of(tmp_path / "card.pdf")


# ------------------------------------------------------------------------------------------------------------ slides


def words_on(slide):
    texts = [shape.text_frame.text for shape in slide.shapes if shape.has_text_frame]
    tables = [shape.table for shape in slide.shapes if shape.has_table]
    return "\n".join([*texts, *(cell.text for table in tables for row in table.rows for cell in row.cells)])


def test_slides_open_and_say_it_in_both_languages(folder, result, standard):
    slides = list(pptx.Presentation(str(folder / SLIDES)).slides)
    assert len(slides) == 4
    for slide, words in zip(
        slides,
        (("步行十五分钟", "fifteen minutes"), ("五色卡", "card"), ("缺口", "Gaps"), ("项目清单", "project list")),
        strict=True,
    ):
        said = words_on(slide)
        for one in (*words, "合成示例数据", "Synthetic", "样例半岛", "Sample peninsula", "2026-11-01"):
            assert one in said, one
    headline = words_on(slides[0])
    made = Contents(result, standard)
    assert f"{result.origins['population'].sum():,.0f}" in headline
    for category in standard.categories:
        assert category.names["zh"] in headline
        assert made.share(category) in headline
    assert "未评" in words_on(slides[1])
    assert "<img" in words_on(slides[3]) or "</script>" in words_on(slides[3])
    assert "\u202e" not in "".join(map(words_on, slides))
    pictures = [shape for slide in slides[2:] for shape in slide.shapes if shape.shape_type == 13]
    assert len(pictures) == 2
    assert all(shape._element.nvPicPr.cNvPr.get("descr") for shape in pictures)


def test_slides_fit_on_their_slide(folder):
    deck = pptx.Presentation(str(folder / SLIDES))
    for slide in deck.slides:
        for shape in slide.shapes:
            assert shape.left >= 0
            assert shape.top >= 0
            assert shape.left + shape.width <= deck.slide_width, shape.name
            assert shape.top + shape.height <= deck.slide_height, shape.name


def test_one_file_knows_python_pptx_and_one_pyplot():
    source = Path(circle15.__file__).parent
    for path in source.rglob("*.py"):
        names = [
            name
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            for name in (
                [one.name for one in node.names]
                if isinstance(node, ast.Import)
                else [f"{node.module}.{one.name}" for one in node.names]
                if isinstance(node, ast.ImportFrom)
                else []
            )
        ]
        drawn = path.name == "figures.py"  # what a notebook shows is a figure of pyplot
        assert drawn or not any("pyplot" in name for name in names), path
        assert path.name == "meeting.py" or not any(name.split(".")[0] == "pptx" for name in names), path


# ------------------------------------------------------------------------------------------------------------ the verb


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    path = write_study(tmp_path_factory.mktemp("tiny"))
    return circle15.Study.open(path).run()


def test_a_run_is_printed_beside_its_results(results):
    folder, names = print_sheets(results)
    assert folder == results.with_name("results-sheets")
    assert {path.name for path in folder.iterdir()} == set(names)
    again, _ = print_sheets(results, folder)  # replaced whole
    assert again == folder
    result, manifest = read_results(results, tables=READ)
    text = text_of(folder / "gaps.pdf")
    assert shown(manifest.facts.name) in text
    assert shown(manifest.standard.title["zh"]) in text
    assert f"{result.origins['population'].sum():,.0f}" in text


def test_a_folder_of_something_else_is_left_alone(results, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "note.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"card\.pdf"):
        print_sheets(results, tmp_path / "mine")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["note.txt"]
    for folder in (results, results / "sheets", results.parent):
        with pytest.raises(ConfigError, match="lies in the other"):
            print_sheets(results, folder)
    with pytest.raises(SourceError, match="no such folder"):
        print_sheets(tmp_path / "nowhere")


def test_the_verb_prints_where_the_sheets_are_and_what_slides_need(results, tmp_path, verb, monkeypatch):
    import circle15.sheets as room

    monkeypatch.setattr(room, "find_spec", lambda _: None)
    code, out, err = verb("sheets", results, "--output", tmp_path / "out")
    assert (code, out.strip()) == (0, str(tmp_path / "out" / "card.pdf"))
    assert 'pip install "circle15[office]"' in err
    assert not (tmp_path / "out" / SLIDES).exists()


def test_without_letters_the_verb_says_what_to_install_and_leaves_the_folder(results, tmp_path, verb, monkeypatch):
    monkeypatch.setattr("circle15.sheets.letters.FAMILIES", ("No such family",))
    code, out, err = verb("sheets", results, "--output", tmp_path / "out")
    assert (code, out) == (2, "")
    assert "apt install fonts-noto-cjk" in err
    assert list(tmp_path.iterdir()) == []


def test_help_and_import_stay_without_matplotlib():
    code = "import sys, circle15, circle15.cli; print([one for one in ('matplotlib', 'pptx') if one in sys.modules])"
    path = str(Path(circle15.__file__).parents[1])
    made = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, env=os.environ | {"PYTHONPATH": path}
    )
    assert made.stdout.decode().strip() == "[]"
