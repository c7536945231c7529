"""The verbs as a planner meets them: exit codes, one clear sentence per finding, and no half-written folder."""

import json
import re
import subprocess
import sys

import geopandas as gpd
import pytest
from shapely import Point, box

from circle15.project import Project
from circle15.study.folder import OUTPUTS
from tiny_study import STUDY, inventory_csv, town_osm, write_study, write_terrain


@pytest.fixture
def study(tmp_path):
    return write_study(tmp_path)


def replace(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_run_writes_a_whole_folder(study, verb):
    code, out, err = verb("run", study)
    folder = study.parent / "results"
    assert code == 0, err
    assert out.strip() == str(folder / "map.html")
    assert {path.name for path in folder.iterdir()} == set(OUTPUTS)
    assert next(line for line in err.splitlines() if " s  " in line).endswith("read OpenStreetMap")
    layers = set(gpd.list_layers(folder / "results.gpkg")["name"])
    assert {"units", "origins", "facilities", "coverage", "gaps", "isochrones", "links"} <= layers
    assert sorted(path.name for path in study.parent.iterdir() if path.name.startswith(".")) == []


def test_the_manifest_adds_up(study, verb):
    assert verb("run", study)[0] == 0
    manifest = json.loads((study.parent / "results" / "run.json").read_text(encoding="utf-8"))
    assert len(manifest["residents"]) == 11
    for people in manifest["residents"].values():
        assert people["served"] + people["gap"] + people["unknown"] == pytest.approx(2500, abs=1e-6)
        assert people["served_lenient"] + people["gap_lenient"] + people["unknown_lenient"] == pytest.approx(
            2500, abs=1e-6
        )
    assert sum(manifest["origins"]["placed"].values()) == manifest["origins"]["count"]
    assert sum(manifest["facilities"]["placed"].values()) == manifest["facilities"]["count"]
    assert sum(manifest["facilities"]["entrance_from"].values()) == manifest["facilities"]["count"]
    assert sum(manifest["links"]["links_by_kind"].values()) == sum(manifest["links"]["links_by_evidence"].values())
    assert manifest["links"]["links_by_kind"]["lift"] == 2
    assert {source["file"] for source in manifest["sources"]} == {
        "boundary.geojson",
        "terrain.tif",
        "town.osm",
        "inventory.csv",
    }
    assert all(len(source["sha256"]) == 64 for source in manifest["sources"])


def test_the_same_study_gives_the_same_tables(study, verb):
    assert verb("run", study, "--output", study.parent / "one")[0] == 0
    assert verb("run", study, "--output", study.parent / "two")[0] == 0
    for layer in ("coverage", "gaps", "links", "isochrones", "origins"):
        one, two = (gpd.read_file(study.parent / name / "results.gpkg", layer=layer) for name in ("one", "two"))
        assert one.equals(two), layer


def test_a_second_run_replaces_the_first_whole(study, verb):
    assert verb("run", study)[0] == 0
    (study.parent / "results" / "old.txt").write_text("left over")
    assert verb("run", study)[0] == 0
    assert not (study.parent / "results" / "old.txt").exists()


def test_a_folder_that_is_not_ours_is_left_alone(study, verb):
    (study.parent / "results").mkdir()
    (study.parent / "results" / "thesis.docx").write_text("years of work")
    code, _, err = verb("run", study)
    assert code == 2
    assert "not a results folder" in err
    assert (study.parent / "results" / "thesis.docx").read_text() == "years of work"


def spoil_key(folder):
    replace(folder / "study.toml", "margin_m", "margn_m")


def spoil_missing(folder):
    (folder / "town.osm").unlink()


def spoil_truncated(folder):
    import osmium

    with osmium.SimpleWriter(str(folder / "town.osm.pbf")) as writer:
        for element in osmium.FileProcessor(str(folder / "town.osm")):
            writer.add(element)
    whole = (folder / "town.osm.pbf").read_bytes()
    (folder / "town.osm.pbf").write_bytes(whole[: len(whole) // 2])
    replace(folder / "study.toml", "town.osm", "town.osm.pbf")


def spoil_terrain(folder):
    write_terrain(folder / "terrain.tif", west=10.0, south=50.0)


def spoil_coordinates(folder):
    replace(folder / "inventory.csv", "经度,纬度", "甲,乙")


def spoil_swapped(folder):
    replace(folder / "inventory.csv", "经度,纬度", "纬度,经度")


def spoil_boundary(folder):
    gpd.GeoDataFrame(geometry=[box(106.549, 29.549, 106.556, 29.556)], crs=4326).to_file(folder / "boundary.shp")
    (folder / "boundary.prj").unlink()
    replace(folder / "study.toml", "boundary.geojson", "boundary.shp")


def spoil_empty(folder):
    (folder / "inventory.csv").write_text(inventory_csv().splitlines()[0] + "\n", encoding="utf-8")


def spoil_ids(folder):
    replace(folder / "inventory.csv", "T1,", "T0,")


def spoil_clusters(folder):
    frame = gpd.GeoDataFrame(
        {"origin": ["a", "a"], "population": [1, 2]},
        geometry=[Point(106.551, 29.551), Point(106.552, 29.552)],
        crs=4326,
    )
    frame.to_file(folder / "people.geojson")
    replace(folder / "study.toml", "total = 2500", 'clusters = "people.geojson"')


def spoil_facilities(folder):
    (folder / "town.osm").write_text(
        "\n".join(line for line in town_osm().splitlines() if not any(f'id="{n}"' in line for n in (2000, 2001, 2002))),
        encoding="utf-8",
    )
    (folder / "study.toml").write_text(STUDY.split("[[facilities")[0] + "[facilities]\nosm = false\n", encoding="utf-8")


BAD = {
    spoil_key: "there is no key margn_m. Did you mean margin_m?",
    spoil_missing: "town.osm",
    spoil_truncated: "town.osm.pbf",
    spoil_terrain: "terrain.tif",
    spoil_coordinates: "inventory.csv",
    spoil_swapped: "inventory.csv",
    spoil_boundary: "boundary.shp",
    spoil_empty: "inventory.csv",
    spoil_ids: "T0",
    spoil_clusters: "more than once (first: a)",
    spoil_facilities: "not one facility",
}


@pytest.mark.parametrize("spoil", BAD, ids=lambda spoil: spoil.__name__)
def test_bad_input_is_named_and_nothing_is_written(spoil, study, verb):
    spoil(study.parent)
    before = sorted(study.parent.rglob("*"))
    code, out, err = verb("run", study)
    lines = [line for line in err.splitlines() if line.startswith("error: ")]
    assert code == 2, err
    assert out == ""
    assert lines, err
    assert any(BAD[spoil] in line for line in lines), lines
    assert all(line.endswith((".", "?")) for line in lines)
    assert "Traceback" not in err
    assert sorted(study.parent.rglob("*")) == before


def test_check_reports_two_spoiled_files_at_once(study, verb):
    spoil_terrain(study.parent)
    spoil_ids(study.parent)
    code, _, err = verb("check", study)
    assert code == 2
    assert "terrain.tif" in err
    assert "T0" in err


def test_check_prints_the_completeness_table(study, verb):
    code, out, _ = verb("check", study)
    assert code == 0
    assert "社区食堂" in out
    assert "Lists to get next" in out


def test_new_then_check_says_what_to_fill(tmp_path, monkeypatch, verb):
    monkeypatch.chdir(tmp_path)
    code, out, _ = verb("new", "mytown")
    assert (code, out.strip()) == (0, "mytown.toml")
    code, _, err = verb("check", "mytown.toml")
    assert code == 2
    assert "boundary.geojson" in err
    assert "streets.osm.pbf" in err
    assert verb("new", "mytown")[0] == 2
    assert verb("new", "../elsewhere")[0] == 2


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_template_names_every_key(tmp_path, monkeypatch, verb, language):
    monkeypatch.chdir(tmp_path)
    verb("new", "mytown", "--language", language)
    text = (tmp_path / "mytown.toml").read_text(encoding="utf-8")
    schema = Project.model_json_schema()
    for name, record in schema["$defs"].items():
        for key in record["properties"]:
            assert re.search(rf"\b{key}\b", text), f"{name}.{key}"
    for section in schema["properties"]:
        assert re.search(rf"^(# )?\[+{section}\b", text, flags=re.MULTILINE) or section == "folder", section


def test_both_templates_ask_for_the_same_and_one_is_english_alone(tmp_path, monkeypatch, verb):
    monkeypatch.chdir(tmp_path)
    asked = {}
    for language in ("zh", "en"):
        verb("new", language, "--language", language)
        text = (tmp_path / f"{language}.toml").read_text(encoding="utf-8")
        asked[language] = re.findall(r"^(?:# )?(\[+[a-z._]+\]+|[a-z_0-9]+(?= = ))", text, flags=re.MULTILINE)
    assert asked["zh"] == asked["en"]
    assert not re.search(r"[\u2e80-\u9fff\uff00-\uffef]", text)
    text = text.replace('boundary = "boundary.geojson"', 'place = "Monaco"').replace('["streets.osm.pbf"]', "[]")
    assert Project.from_text(text).assessment.standard == "fifteen-minutes"


def test_isochrone_prints_geojson_only(study, verb):
    code, out, _ = verb("isochrone", study, "--at", "106.5525,29.5525", "--minutes", "1,3")
    assert code == 0
    found = json.loads(out)
    assert [feature["properties"]["minutes"] for feature in found["features"]] == [3, 1]
    west, _, east, _ = gpd.GeoDataFrame.from_features(found, crs=4326).total_bounds
    assert 106.548 < west < 106.5525 < east < 106.557


@pytest.mark.parametrize("at", ["29.5525,106.5525", "here", "106.5525", "106.5525,29.5525 --minutes 0"])
def test_isochrone_of_nowhere(study, verb, at):
    code, out, err = verb("isochrone", study, "--at", *at.split())
    assert (code, out) == (2, "")
    assert "error: " in err


def test_a_study_without_a_snapshot_says_what_to_do(study, verb):
    replace(study, 'files = ["town.osm"]', "overpass = true")
    code, _, err = verb("run", study)
    assert code == 2
    assert "circle15 fetch" in err
    assert "[streets] files" in err


def test_a_fault_of_ours_keeps_its_traceback(tmp_path):
    code = "import circle15.cli as cli; cli.app.callback = None; cli.app = lambda: 1 / 0; cli.main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr


def test_help_needs_no_heavy_import(tmp_path):
    heavy = "('numpy', 'pandas', 'folium', 'osmnx', 'numba')"
    code = f"import sys, circle15.cli; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.strip() == "[]"
