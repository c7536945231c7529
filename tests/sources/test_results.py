"""A results folder read back is what was written; anything else is one sentence."""

import dataclasses
import json
import shutil
import sqlite3

import pandas as pd
import pytest

from circle15 import report, tables
from circle15.errors import Circle15Error, DataError, SourceError
from circle15.sources.results import read_manifest, read_results
from circle15.tables import TABLES
from sample_result import sample_result, sample_standard

WANTED = [name for name in TABLES if name not in ("units", "origins")]


@pytest.fixture(scope="module")
def result():
    return sample_result()


@pytest.fixture(scope="module")
def written(result, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "results"
    folder.mkdir()
    report.write_geopackage(result, folder / "results.gpkg", standard=sample_standard())
    manifest = {
        "versions": {"circle15": "0"},
        "study": {"study": {"languages": ["en"]}, "area": {"margin_m": 200.0}},
        "standard": sample_standard().model_dump(mode="json"),
        "facts": {key: fact for key, fact in result.facts.items() if key != "walkers"} | {"name": "样例半岛"},
    }
    (folder / "run.json").write_text(json.dumps(manifest, ensure_ascii=False), encoding="utf-8")
    return folder


@pytest.fixture
def folder(written, tmp_path):
    return shutil.copytree(written, tmp_path / "results")


@pytest.mark.parametrize("name", TABLES)
def test_every_table_comes_back_as_it_was(written, result, name):
    found, _ = read_results(written, tables=WANTED)
    was, now = result.table(name), found.table(name)
    if name == "ground":
        was = was[was["kind"] != "building"]
    extra = [column for column in now.columns if column not in was.columns]
    assert set(extra) <= ({"graded", "met"} if name == "units" else set())
    pd.testing.assert_frame_equal(
        pd.DataFrame(now[list(was.columns)].drop(columns="geometry", errors="ignore")),
        pd.DataFrame(was.drop(columns="geometry", errors="ignore")),
        check_dtype=False,
        check_exact=True,
        check_index_type=False,
        check_column_type=False,
    )
    if TABLES[name].geometry:
        assert now.crs == result.area.crs
        assert now.geometry.geom_equals(was.geometry).all()


def test_the_area_is_that_of_the_topmost_units(written, result):
    found, manifest = read_results(written, tables=())
    assert found.area.boundary.symmetric_difference(result.units.geometry["D"]).area < 1e-6
    assert found.area.margin_m == 200
    assert found.area.name == manifest.facts.name == "样例半岛"
    assert manifest.study.study == {"languages": ["en"]}
    assert manifest.standard == sample_standard()
    assert found.coverage.empty
    assert found.streets.empty
    assert len(found.origins) == len(result.origins)


def sql(folder, *statements):
    with sqlite3.connect(folder / "results.gpkg") as file:
        for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            file.execute(f'DROP TRIGGER "{name}"')
        for statement in statements:
            file.execute(statement)


def manifest_without(folder, key):
    said = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    del said[key]
    (folder / "run.json").write_text(json.dumps(said), encoding="utf-8")


GONE = (
    "DELETE FROM gpkg_contents WHERE table_name = 'coverage'",
    "DELETE FROM gpkg_geometry_columns WHERE table_name = 'coverage'",
    "DROP TABLE coverage",
)
SPOILT = {
    "no folder": (shutil.rmtree, "there is no such folder"),
    "no manifest": (lambda one: (one / "run.json").unlink(), "not a results folder of circle15"),
    "not JSON": (lambda one: (one / "run.json").write_text("{"), r"run\.json cannot be read"),
    "deep JSON": (lambda one: (one / "run.json").write_text("[" * 100_000), r"run\.json cannot be read"),
    "not text": (lambda one: (one / "run.json").write_bytes(b"\xff\xfe\x00"), r"run\.json cannot be read"),
    "a list": (lambda one: (one / "run.json").write_text("[]"), "is not the manifest of a run"),
    "not a number": (lambda one: (one / "run.json").write_text('{"facts": NaN}'), "NaN is no number"),
    "half a letter": (lambda one: (one / "run.json").write_text('{"facts": "\\ud800"}'), r"run\.json cannot be read"),
    "names of another kind": (
        lambda one: (one / "run.json").write_text('{"facts": {"name": 5}}'),
        r"not written by this version of circle15 \(run\.json",
    ),
    "another version": (lambda one: manifest_without(one, "standard"), "Run the study again with this version"),
    "no package": (lambda one: (one / "results.gpkg").unlink(), r"results\.gpkg is missing"),
    "not a package": (lambda one: (one / "results.gpkg").write_text("<OGRVRTDataSource/>"), "it cannot be read"),
    "cut short": (lambda one: (one / "results.gpkg").write_bytes((one / "results.gpkg").read_bytes()[:5000]), "."),
    "a layer is gone": (lambda one: sql(one, *GONE), "no layer coverage"),
    "a column is gone": (lambda one: sql(one, "ALTER TABLE grades DROP COLUMN served"), "column served is missing"),
    "the index is gone": (lambda one: sql(one, "ALTER TABLE grades RENAME row TO line"), "column row is missing"),
    "a word": (lambda one: sql(one, "UPDATE coverage SET status = 'fine' WHERE rowid = 1"), "status holds fine"),
    "a number": (lambda one: sql(one, "UPDATE origins SET population = -5"), "not numbers of at least 0"),
    "an empty cell": (lambda one: sql(one, "UPDATE origins SET population = NULL"), "have no population"),
    "ids twice": (lambda one: sql(one, "UPDATE origins SET origin = 'x'"), "more than once"),
}  # fmt: skip


@pytest.mark.parametrize("spoil", SPOILT)
def test_an_unreadable_or_foreign_folder_is_said_in_a_sentence(folder, spoil):
    change, words = SPOILT[spoil]
    change(folder)
    with pytest.raises((SourceError, DataError), match=words) as error:
        read_results(folder, tables=("coverage", "grades"))
    for finding in error.value.findings:
        assert folder.name in str(finding)
        assert str(finding).endswith((".", "?"))
        assert "\n" not in str(finding)


def test_a_manifest_that_is_huge_is_not_read(folder):
    with (folder / "run.json").open("wb") as file:
        file.truncate(60_000_000)
    with pytest.raises(SourceError, match="it is too long"):
        read_manifest(folder)


def test_coverage_of_a_large_area_is_a_file_of_its_own(folder, result):
    sql(folder, "DELETE FROM coverage")
    result.coverage.to_parquet(folder / "coverage.parquet")
    found, _ = read_results(folder, tables=("coverage",))
    columns = ["origin", "service", "status", "minutes"]
    pd.testing.assert_frame_equal(
        found.coverage.reset_index()[columns], result.coverage.reset_index()[columns], check_dtype=False
    )
    (folder / "coverage.parquet").write_bytes(b"PAR1 not really PAR1")
    with pytest.raises(Circle15Error, match=r"coverage\.parquet cannot be read"):
        read_results(folder, tables=("coverage",))


def test_the_tables_of_a_result_are_those_of_the_contract():
    names = {field.name for kind in (tables.Result, tables.Judgement) for field in dataclasses.fields(kind)}
    assert set(TABLES) <= names
