"""Tiles: what comes out is the study in one piece, whoever does the work and however often it is killed."""

import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import distributed
import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely

from circle15.errors import ConfigError, MissingExtra, SourceError
from circle15.project import SitePlan
from circle15.study import Study
from circle15.study.comparing import compare
from circle15.tables import COVERAGE, StudyArea
from circle15.tiles import Plan, _planned, run_tiles, work, workers
from circle15.tiles.plan import _tiles
from circle15.tiles.work import walk as work_of_a_tile
from jobs import deadly, noted
from read_page import number_arrays
from tiny_study import lonlat, write_study

NAMES = ["tile-a", "tile-b", "tile-c"]


def town_of_units(folder, *, size_km=0.2):
    """The tiny town in nine units, three of which publish their residents."""
    file = write_study(folder)
    features = []

    def square(code, name, tier, low, high, **more):
        (west, south), (east, north) = lonlat(*low), lonlat(*high)
        about = {"code": code, "name": name, "tier": tier, "parent": None, "population": None} | more
        return about | {"geometry": shapely.box(west, south, east, north)}

    features.append(square("D", "小镇", "district", (-1, -1), (6, 6)))
    for x in range(3):
        for y in range(3):
            low, high = (2 * x - (x == 0), 2 * y - (y == 0)), (2 * x + 2, 2 * y + 2)
            people = {"population": 100.0 + 10 * y} if x == 0 else {}
            features.append(square(f"C{x}{y}", f"社区{x}{y}", "community", low, high, parent="D", **people))
    units = gpd.GeoDataFrame(features, crs="EPSG:4326")
    units.to_file(folder / "units.gpkg")
    text = file.read_text(encoding="utf-8").replace('complete = ["canteen"]', 'complete = ["canteen", "elder_station"]')
    text += "search_minutes = 5\nstability = false\n"
    text += f'\n[units]\nfiles = ["units.gpkg"]\n\n[tiles]\nsize_km = {size_km}\n'
    file.write_text(text, encoding="utf-8")
    return file


def same(tiled, whole):
    """Both studies say the same of every cluster and every cell of the card."""
    assert sorted(tiled.origins.index) == sorted(whole.origins.index)
    order = whole.origins.index
    people = tiled.origins["population"].reindex(order)
    assert np.allclose(people, whole.origins["population"], rtol=1e-12, atol=0)
    for name in ("seconds", "opportunities", "status", "why"):
        one, other = getattr(tiled.coverage, name).reindex(order), getattr(whole.coverage, name)
        pd.testing.assert_frame_equal(one, other, check_dtype=False)
    for name in ("people", "ratio", "known"):
        one, other = getattr(tiled.coverage.supply, name).reindex(order), getattr(whole.coverage.supply, name)
        pd.testing.assert_frame_equal(one, other, rtol=1e-9)
    assert (whole.coverage.supply.ratio["elder_station"] > 0).sum() > 1  # one station for several tiles
    cards = [study.card.sort_index().drop(columns="flips") for study in (tiled, whole)]
    pd.testing.assert_frame_equal(*cards, rtol=1e-9)


def here(job, folder, tiles, **_):
    """Do the work in this process."""
    yield from (job(folder, tile) for tile in tiles)


@pytest.fixture
def at_once(monkeypatch):
    monkeypatch.setattr("circle15.tiles.work", here)


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("size_km", [0.1, 0.2, 0.35, 5])
def test_tiled_equals_untiled_to_the_unit(tmp_path, size_km):
    file = town_of_units(tmp_path, size_km=size_km)
    tiled, whole = Study.open(file), Study.open(file)
    folder = run_tiles(tiled)
    same(tiled, whole)
    rows = pd.read_parquet(folder / "coverage.parquet")
    COVERAGE.check(rows)
    by_row = whole.result.coverage.set_index(["origin", "service"])["status"]
    assert rows.set_index(["origin", "service"])["status"].to_dict() == by_row.to_dict()
    assert not list(tmp_path.glob(".results-tiles"))


@pytest.mark.usefixtures("at_once")
def test_too_many_clusters_for_a_table_are_still_counted_and_drawn(tmp_path, monkeypatch):
    file = town_of_units(tmp_path)
    whole = Study.open(file).run(tmp_path / "whole")
    monkeypatch.setattr("circle15.tiles.merge.MOST_CLUSTERS", 1)
    tiled = run_tiles(study := Study.open(file))
    assert study.result.coverage.empty
    one, other = (json.loads((folder / "run.json").read_text("utf-8")) for folder in (tiled, whole))
    assert one["coverage"] == other["coverage"]
    assert sum(one["coverage"].values()) == len(study.origins) * len(study.standard.services)
    assert one["unknown_because"] == other["unknown_because"]
    squares = [number_arrays((folder / "map.html").read_text("utf-8"), "map") for folder in (tiled, whole)]
    for name in ("squares.people", "squares.strict.gap", "squares.lenient.unknown"):
        assert squares[0][name] == squares[1][name]
    assert sum(squares[0]["squares.people"]) > 0
    assert len(squares[0]["coverage.minutes"]) == sum(one["coverage"].values())
    assert compare(study, whole).origins.empty  # although the study keeps no rows of coverage


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("listed", [20_000, 0])
def test_a_run_by_tiles_compares_with_one_in_one_piece(tmp_path, monkeypatch, listed):
    monkeypatch.setattr("circle15.tiles.merge.MOST_CLUSTERS", listed)  # beyond, coverage is in a file of its own alone
    file = town_of_units(tmp_path)
    whole = Study.open(file).run(tmp_path / "whole")
    tiled = run_tiles(Study.open(file), tmp_path / "tiled")
    found = compare(whole, tiled)
    assert found.by == "origin"
    assert found.findings == ()
    assert found.origins.empty
    assert found.facilities.empty
    assert set(found.cells["turn"]) <= {"same", "none"}
    closed = compare(tiled, Study.open(file).without_links(["way/300", "node/41"]).run(tmp_path / "closed"))
    assert set(closed.origins["turn"]) <= {"lost", "longer"}


@pytest.mark.parametrize("changed", ['close = ["way/300"]', '[[scenario.facilities]]\ndo = "close"\nid = "食堂甲"'])
def test_links_and_places_of_a_scenario_are_refused_by_tiles(tmp_path, changed):
    file = town_of_units(tmp_path)
    file.write_text(file.read_text(encoding="utf-8") + f'[[scenario]]\nname = "x"\n{changed}\n', encoding="utf-8")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(ConfigError, match="cannot be changed by tiles yet"):
        run_tiles(Study.open(file, scenario="x"))
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.usefixtures("at_once")
def test_people_are_counted_only_where_not_every_unit_publishes_them(tmp_path):
    file = town_of_units(tmp_path)
    units = gpd.read_file(tmp_path / "units.gpkg")
    units["population"] = units["population"].fillna(50).where(units["tier"] == "community")
    units.to_file(tmp_path / "units.gpkg")
    file.write_text(file.read_text(encoding="utf-8").replace("total = 2500", ""), encoding="utf-8")
    steps, told = [], []

    def track(items, words):
        for item in items:
            told.append((words, item, len(items)))
            yield item

    tiled, whole = Study.open(file, announce=steps.append, track=track), Study.open(file)
    run_tiles(tiled)
    assert {words for words, _, count in told if count == len({tile for _, tile, _ in told})} == {"walk the tiles"}
    same(tiled, whole)
    assert "walk the tiles" in steps
    assert "people of the tiles" not in steps


@pytest.mark.usefixtures("at_once")
def test_a_standard_without_norms_shares_nothing_out(tmp_path):
    file = town_of_units(tmp_path)
    before, after = file.read_text(encoding="utf-8").split("[[facilities.inventory]]")
    text = before + after[after.index("[assessment]") :].replace("yuzhong-15min", "fifteen-minutes")
    file.write_text(text, encoding="utf-8")
    tiled, whole = Study.open(file), Study.open(file)
    run_tiles(tiled)
    pd.testing.assert_frame_equal(tiled.coverage.status.reindex(whole.origins.index), whole.coverage.status)
    assert tiled.standard.name == "fifteen-minutes"
    assert tiled.coverage.supply is None
    assert whole.coverage.supply is None


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("size_km", [6])
def test_the_embedded_study_by_tiles_is_the_embedded_study(ran, tmp_path, size_km):
    whole = ran("demo")[0]
    tiles = whole.project.tiles.model_copy(update={"size_km": size_km})
    assessment = whole.project.assessment.model_copy(update={"search_minutes": 20.0, "stability": False})
    update = {"tiles": tiles, "assessment": assessment, "plan": SitePlan()}  # sites are not chosen by tiles
    project = whole.project.model_copy(update=update)
    tiled = Study(project)
    run_tiles(tiled, tmp_path / "out")
    same(tiled, Study(project))


def test_every_unit_is_in_one_tile_and_the_rest_of_a_larger_one_beside_it(tmp_path):
    study = Study.open(town_of_units(tmp_path))
    units = study.units[study.units.index != "C22"]  # ground of the district that is in no community
    tiles, placed = _tiles(units, study.area, size_m=200)
    assert placed["tile"].notna().sum() == len(units) - 1
    assert pd.isna(placed.loc["D", "tile"])
    ground = tiles.geometry.to_numpy()
    assert shapely.area(shapely.union_all(ground)) == pytest.approx(shapely.area(units.geometry["D"]), rel=1e-5)
    assert shapely.area(ground).sum() == pytest.approx(shapely.area(units.geometry["D"]), rel=1e-5)


def test_slivers_between_units_stretch_no_tile():
    side, gap = 1000.0, 0.002
    corners = [(side * x, side * y) for x in range(8) for y in range(8)]
    shapes = [shapely.box(x + gap, y + gap, x + side - gap, y + side - gap) for x, y in corners]
    whole = shapely.box(0, 0, 8 * side, 8 * side)
    units = gpd.GeoDataFrame(
        {"tier": ["district"] + ["community"] * 64, "parent": [None] + ["D"] * 64},
        index=pd.Index(["D", *(f"C{number}" for number in range(64))], name="unit"),
        geometry=[whole, *shapes],
        crs=32648,
    )
    tiles, _ = _tiles(units, StudyArea("slivers", whole, units.crs, 0.0), size_m=4 * side)
    assert len(tiles) == 4
    assert shapely.area(tiles.geometry.to_numpy()).sum() == pytest.approx(whole.area, rel=1e-12)
    wide = tiles.geometry.bounds
    assert (wide["maxx"] - wide["minx"]).max() < 4 * side + 1
    assert (wide["maxy"] - wide["miny"]).max() < 4 * side + 1
    assert tiles.geometry.apply(lambda shape: shape.geom_type).isin(["Polygon", "MultiPolygon"]).all()


def test_the_halo_is_as_wide_as_the_fastest_walk(tmp_path):
    study = Study.open(town_of_units(tmp_path))
    plan = Plan.of(study, tmp_path / "plan")
    assert plan.halo_m > study.search_minutes * 60 * study.walker.flat_m_s * 1.2
    again = Plan.load(tmp_path / "plan")
    assert again.key == plan.key
    for tile in plan.tiles.index:
        extent = again.area_of(tile).extent
        assert study.area.extent.buffer(1e-6).covers(extent)
        assert extent.covers(plan.tiles.geometry[tile].intersection(study.area.extent))


def test_a_changed_study_file_begins_anew_and_the_same_one_goes_on(tmp_path, monkeypatch):
    file = town_of_units(tmp_path)
    kept = tmp_path / ".results-tiles"
    walked = []

    def stopped(job, folder, tiles, **_):
        for number, tile in enumerate(tiles):
            if job.__name__ == "walk" and number == 1:
                raise KeyboardInterrupt
            walked.append((job.__name__, tile))
            yield job(folder, tile)

    monkeypatch.setattr("circle15.tiles.work", stopped)
    with pytest.raises(KeyboardInterrupt):
        run_tiles(Study.open(file))
    first = [tile for job, tile in walked if job == "walk"]
    assert len(first) == 1
    assert not (tmp_path / "results").exists()
    walked.clear()
    with pytest.raises(KeyboardInterrupt):
        run_tiles(Study.open(file))
    assert [job for job, _ in walked] == ["walk"]  # people were counted already
    assert walked[0][1] not in first
    before = set(kept.glob("*.parquet"))
    file.write_text(file.read_text(encoding="utf-8").replace("size_km = 0.2", "size_km = 0.25"), encoding="utf-8")
    Plan.of(Study.open(file), kept)
    assert set(kept.glob("tile-*.parquet")) == set()
    assert before


def test_a_study_by_tiles_needs_units_and_one_file(tmp_path):
    file = write_study(tmp_path)
    file.write_text(file.read_text(encoding="utf-8") + "\n[tiles]\nsize_km = 1\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="one OSM file and polygons of its units"):
        run_tiles(Study.open(file))
    assert not list(tmp_path.glob(".results*"))


def test_clusters_of_ones_own_are_not_cut(tmp_path):
    file = town_of_units(tmp_path)
    (tmp_path / "homes.csv").write_text("lon,lat,population\n106.551,29.551,10\n", encoding="utf-8")
    text = file.read_text(encoding="utf-8").replace("total = 2500", 'clusters = "homes.csv"')
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match="cannot be cut into tiles yet"):
        run_tiles(Study.open(file))


# ------------------------------------------------------------------------------------------------------------ workers


def test_a_tile_whose_worker_died_is_tried_again(tmp_path):
    (tmp_path / "kill-tile-b").touch()
    assert sorted(work(noted, str(tmp_path), NAMES, workers=2)) == NAMES
    assert all((tmp_path / name).exists() for name in NAMES)


def test_work_that_always_kills_its_worker_is_given_up(tmp_path):
    with pytest.raises(SourceError, match="workers died 3 times") as caught:
        list(work(deadly, str(tmp_path), ["tile-a"], workers=1))
    assert not caught.value.outside


def test_an_error_of_a_job_comes_out_as_it_is(tmp_path):
    with pytest.raises(SourceError, match="no such folder"):
        list(work(partial(refuse), str(tmp_path), ["tile-a"], workers=1))


def refuse(_folder, _tile):
    from circle15.errors import Finding

    raise SourceError(Finding("tile", "no such folder", "Look"))


def test_a_dask_worker_that_is_killed_midway_is_made_up_for(tmp_path):
    (tmp_path / "kill-tile-b").touch()
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        assert sorted(work(noted, str(tmp_path), NAMES, scheduler=cluster.scheduler_address)) == NAMES


def test_a_scheduler_that_is_not_there(tmp_path, monkeypatch):
    monkeypatch.setattr(workers, "PATIENCE_S", 0.5)
    with pytest.raises(SourceError, match="does not answer") as caught:
        list(work(noted, str(tmp_path), NAMES, scheduler="tcp://127.0.0.1:9"))
    assert caught.value.outside


def test_what_is_done_is_not_done_again(tmp_path):
    study = Study.open(town_of_units(tmp_path))
    plan = _planned(study, tmp_path / "plan")
    tile = plan.tiles.index[0]
    assert work_of_a_tile(str(plan.folder), tile) == tile
    before = plan.result(tile).stat().st_mtime_ns
    plan.walks(tile).unlink()
    assert work_of_a_tile(str(plan.folder), tile) == tile
    assert plan.result(tile).stat().st_mtime_ns == before
    assert not plan.walks(tile).exists()


def test_without_dask_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(MissingExtra, match=r"circle15\[cluster\]"):
        list(work(noted, str(tmp_path), NAMES, scheduler="tcp://127.0.0.1:9"))


def test_a_run_that_is_killed_goes_on_where_it_was_and_says_the_same(tmp_path):
    file = town_of_units(tmp_path)
    command = [sys.executable, "-m", "circle15.cli", "run", str(file), "--workers", "1"]
    kept = tmp_path / ".results-tiles"
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True) as killed:
        for _ in range(1200):
            if len(list(kept.glob("tile-*[0-9].parquet"))) > 1 or killed.poll() is not None:
                break
            time.sleep(0.05)
        os.killpg(killed.pid, signal.SIGKILL)
    done = {path.name: path.stat().st_mtime_ns for path in kept.glob("tile-*[0-9].parquet")}
    assert done
    assert not (tmp_path / "results").exists()
    again = subprocess.run(command, capture_output=True, check=True, text=True)
    assert not any(f"walk the tiles: {Path(name).stem} " in again.stderr for name in done)
    card = pyogrio.read_dataframe(tmp_path / "results" / "results.gpkg", layer="grades").set_index("row")
    whole = Study.open(file).result.grades
    columns = ["people", "served", "gap", "unknown"]
    assert np.allclose(card.loc[whole.index, columns], whole[columns], rtol=1e-9, atol=1e-9)
