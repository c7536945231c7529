import csv
import importlib.util
import io
import zipfile

import geopandas as gpd
import openpyxl
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from circle15.errors import DataError, MissingExtra, SourceError
from circle15.sources import files
from circle15.sources.files import harmless, read_numbered, read_table, write_csv

ENDS = {"unix": "\n", "dos": "\r\n", "old": "\r"}


def rows(path):
    return {row: [None if pd.isna(one) else one for one in cells] for row, *cells in read_numbered(path).itertuples()}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_rows_of_a_csv_are_those_that_excel_shows(tmp_path, end, encoding):
    lines = ["", "名称,数", "甲,1", "", ",,"[:1], '"乙\n二",2', "丙,3", "  ,", ""]
    (tmp_path / "a.csv").write_bytes(end.join(lines).encode(encoding))
    assert rows(tmp_path / "a.csv") == {3: ["甲", "1"], 6: ["乙\n二", "2"], 7: ["丙", "3"]}
    assert read_table(tmp_path / "a.csv").index.tolist() == [0, 1, 2]
    assert read_table(tmp_path / "a.csv").columns.tolist() == ["名称", "数"]


def test_mixed_line_ends_are_line_ends(tmp_path):
    (tmp_path / "a.csv").write_bytes("名称;数\r\n甲;1\r乙;2\n\r\n丙;3".encode())
    assert rows(tmp_path / "a.csv") == {2: ["甲", "1"], 3: ["乙", "2"], 5: ["丙", "3"]}


def test_rows_of_a_sheet_are_those_that_excel_shows(tmp_path):
    book = openpyxl.Workbook()
    for row, cells in {3: ["名称", "数"], 4: ["甲", 1], 9: ["乙", 2.5]}.items():
        for column, cell in enumerate(cells, 1):
            book.active.cell(row, column, cell)
    book.save(tmp_path / "a.xlsx")
    assert rows(tmp_path / "a.xlsx") == {4: ["甲", "1"], 9: ["乙", "2.5"]}


def test_a_row_number_beyond_any_sheet_costs_nothing(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["名称"])
    book.active.append(["甲"])
    book.save(tmp_path / "whole.xlsx")
    with zipfile.ZipFile(tmp_path / "whole.xlsx") as whole, zipfile.ZipFile(tmp_path / "a.xlsx", "w") as spoilt:
        for name in whole.namelist():
            spoilt.writestr(name, whole.read(name).replace(b'<row r="2"', b'<row r="2000000000"'))
    assert read_table(tmp_path / "a.xlsx").empty


def test_shapes_are_counted_from_one(tmp_path):
    gpd.GeoDataFrame({"n": [5, 6]}, geometry=[shapely.Point(1, 2), shapely.Point(3, 4)], crs=4326).to_file(
        tmp_path / "a.geojson"
    )
    assert read_numbered(tmp_path / "a.geojson").index.tolist() == [1, 2]
    assert read_table(tmp_path / "a.geojson").index.tolist() == [0, 1]


@pytest.mark.parametrize("ending", [".csv", ".xlsx"])
def test_a_header_twice_or_none_stays_two_columns(tmp_path, ending):
    path = tmp_path / f"a{ending}"
    table = [["名称", "名称", None, "数"], ["甲", "乙", "丙", "1"]]
    if ending == ".csv":
        path.write_text("\n".join(",".join(cell or "" for cell in row) for row in table), encoding="utf-8")
    else:
        book = openpyxl.Workbook()
        for row in table:
            book.active.append(row)
        book.save(path)
    found = read_table(path)
    assert found.columns.tolist() == ["名称", "名称 (2)", "column 3", "数"]
    assert files.recognise(found, {"name": ("名称",)})["name"].tolist() == ["甲"]


def test_a_row_with_more_cells_than_the_header_is_no_table(tmp_path):
    (tmp_path / "a.csv").write_text("id,name\n1,甲,\n2,乙,\n", encoding="utf-8")
    with pytest.raises(DataError, match="it is not a table"):
        read_table(tmp_path / "a.csv")


@pytest.mark.parametrize("text", ["", "\n\n", " , ,\n", "\ufeff"])
def test_nothing_in_it(tmp_path, text):
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match="it is empty"):
        read_table(tmp_path / "a.csv")


def test_geoparquet_without_pyarrow_names_the_extra(tmp_path, monkeypatch):
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(MissingExtra, match=r"circle15\[parquet\]"):
        read_table(tmp_path / "a.parquet")


if importlib.util.find_spec("pyarrow") is not None:

    @pytest.mark.parametrize("ending", [".parquet", ".geoparquet"])
    def test_geoparquet_is_read(tmp_path, ending):
        points = gpd.GeoDataFrame({"名称": ["甲", "乙"]}, geometry=[shapely.Point(1, 2), shapely.Point(3, 4)], crs=4326)
        points.set_index(pd.Index([7, 9])).to_parquet(tmp_path / f"a{ending}")
        found = read_numbered(tmp_path / f"a{ending}")
        assert found.index.tolist() == [1, 2]
        assert found["名称"].tolist() == ["甲", "乙"]
        assert found.crs == 4326

    @pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1 cut off PAR1", b"id,lon,lat"])
    def test_no_parquet_inside(tmp_path, content):
        (tmp_path / "a.parquet").write_bytes(content)
        with pytest.raises(SourceError, match="it cannot be read"):
            read_table(tmp_path / "a.parquet")

    def test_parquet_without_shapes(tmp_path):
        pd.DataFrame({"名称": ["甲"]}).to_parquet(tmp_path / "a.parquet")
        with pytest.raises(SourceError, match="it cannot be read"):
            read_table(tmp_path / "a.parquet")


# ----------------------------------------------------------------------------------------------------- what is written


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=30) | st.text(alphabet="=+-@＝＋－＠ \t\r\n'\u202e", max_size=9))
def test_no_cell_is_a_formula(cell):
    safe = harmless(cell)
    assert not safe.strip().startswith(("=", "+", "-", "@", "＝", "＋", "－", "＠"))
    assert safe.isprintable() or not cell.isprintable()
    assert not set(safe) & set("\r\n\t\u202e\u202d\u2066\x00")


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(max_size=12), min_size=1, max_size=5))
def test_what_is_written_is_read_back_as_it_is_shown(tmp_path_factory, cells):
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    write_csv(pd.DataFrame({"=a": cells, "n": -1.5}), path)
    raw = path.read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    listed = list(csv.reader(io.StringIO(raw.decode("utf-8-sig"), newline="")))
    shown = [harmless(cell).encode("utf-8", errors="replace").decode() for cell in cells]
    assert listed == [["'=a", "n"], *([one, "-1.5"] for one in shown)]


def test_a_file_that_cannot_be_written(tmp_path):
    with pytest.raises(SourceError, match="it cannot be written"):
        write_csv(pd.DataFrame({"a": ["x"]}), tmp_path / "none" / "a.csv")
