"""The table of what residents say: recognised, checked whole, brought to shares of the scale."""

import doctest
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import box

from circle15.errors import DataError, SourceError
from circle15.project import Standard
from circle15.sources.survey import read_survey
from circle15.tables import SURVEY

STANDARD = Standard.load("yuzhong-15min")
UNITS = gpd.GeoDataFrame(
    {"name": ["石油路街道", "大坪街道", "朝阳社区", "朝阳社区"], "parent": [None, None, "S1", "S2"]},
    index=pd.Index(["S1", "S2", "C1", "C2"], name="unit"),
    geometry=[box(0, 0, 1, 1)] * 4,
    crs="EPSG:32648",
)


def read(tmp_path, text, encoding="utf-8", **scale):
    file = tmp_path / "survey.csv"
    file.write_bytes(text.encode(encoding))
    return read_survey(file, UNITS, standard=STANDARD, **scale)


def wrong(tmp_path, text, **scale):
    with pytest.raises(DataError) as caught:
        read(tmp_path, text, **scale)
    return [str(one) for one in caught.value.findings]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_usual_headers_codes_names_and_labels(tmp_path, encoding):
    rows = (
        "街道,类别,样本数,满意度",
        "大坪街道,医疗卫生,120,4.2",
        "S1,health,80,3",
        ",,,",
        '石油路街道,dining,"1,000",5',
    )
    text = "\n".join((*rows, "c1,Health,1,1"))
    text = text.replace("医疗卫生", next(one.names["zh"] for one in STANDARD.categories if one.key == "health"))
    text = text.replace("Health", next(one.names["en"] for one in STANDARD.categories if one.key == "health").upper())
    table = read(tmp_path, text, encoding)
    SURVEY.check(table)
    assert table.index.tolist() == ["S1:health", "S1:dining", "S2:health", "C1:health"]  # units, then the card
    assert table["answers"].tolist() == [80, 1000, 120, 1]
    assert table["mean"].tolist() == [3, 5, 4.2, 1]
    assert table["satisfaction"].tolist() == pytest.approx([0.5, 1, 0.8, 0])


def test_another_scale(tmp_path):
    text = "单元\t类别\t份数\t得分\nS1\thealth\t40\t75\n"
    assert read(tmp_path, text, worst=0, best=100)["satisfaction"].tolist() == [0.75]


def test_an_excel_file(tmp_path):
    file = tmp_path / "survey.xlsx"
    frame = pd.DataFrame({"社区": ["C2"], "服务类别": ["dining"], "有效问卷": [12], "平均分": [2.5]})
    frame.to_excel(file, index=False)
    table = read_survey(file, UNITS, standard=STANDARD)
    assert table.loc["C2:dining", ["answers", "mean"]].tolist() == [12, 2.5]


def test_everything_wrong_is_said_at_once(tmp_path):
    rows = (
        *("石油街道,health,10,4", "Z,health,10,4", "朝阳社区,health,10,4", "S1,helth,10,4", "S1,dining,0,4"),
        *("S1,green,2.5,4", "S1,civic,many,4", "S2,dining,10,5.1", "S2,green,10,", "S2,health,9,3", "S2,health,9,4"),
        *(",health,3,3", "S1,sports,-1,0.9"),
    )
    found = wrong(tmp_path, "unit,category,n,mean\n" + "\n".join(rows))
    said = "\n".join(found)
    assert "there is no unit '石油街道'. Did you mean 石油路街道?" in said
    assert "there is no unit 'Z'. Known are: 石油路街道, 大坪街道" in said
    assert "2 units are named '朝阳社区'. Give the code of one: C1, C2." in said
    assert "there is no category 'helth'. Did you mean health?" in said
    assert "1 of 13 rows have no unit or no category (first: 13)" in said
    assert "4 of 13 rows have a number of answers that is not a whole number of at least 1 (first: 6, 7, 8, 14)" in said
    assert "3 of 13 rows have a mean outside the scale from 1 to 5 (first: 9, 10, 14)" in said
    assert "1 rows repeat a unit and category (first: S2 health)" in said
    assert len(found) == 8


def test_missing_columns_are_named_with_a_header(tmp_path):
    found = wrong(tmp_path, "街道,说明\n大坪街道,好\n")
    assert len(found) == 3
    assert "there is no column of category. Add one with the header 类别 or category" in found[0]
    with pytest.raises(SourceError):
        read_survey(tmp_path / "none.csv", UNITS, standard=STANDARD)


CELLS = st.dictionaries(
    st.tuples(st.sampled_from(["S1", "S2", "C1", "C2"]), st.sampled_from([one.key for one in STANDARD.categories])),
    st.tuples(st.integers(1, 5000), st.floats(1, 5)),
    min_size=1,
)


@settings(max_examples=40)
@given(cells=CELLS, turned=st.booleans())
def test_what_is_written_comes_back_whatever_its_order(tmp_path_factory, cells, turned):
    rows = [f"{unit},{key},{n},{mean!r}" for (unit, key), (n, mean) in cells.items()]
    text = "unit,category,n,mean\n" + "\n".join(rows[::-1] if turned else rows)
    table = read(tmp_path_factory.mktemp("s"), text)
    back = {(row.unit, row.category): (row.answers, row.mean) for row in table.itertuples()}
    assert back == cells
    assert table["satisfaction"].between(0, 1).all()


def test_the_worked_numbers_of_the_page():
    page = Path(__file__).parents[2] / "docs" / "methods" / "survey.md"
    found = doctest.testfile(str(page), module_relative=False, encoding="utf-8")
    assert found.attempted >= 4
    assert found.failed == 0
