"""What the page carries of walkers, causes, step-free ways and elements that people depend on."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import shapely

from circle15 import tables
from circle15.page import contents
from circle15.page.packing import Grid
from sample_result import CRS_STUDY, HOSTILE, sample_result, sample_standard


@pytest.fixture(scope="module")
def result():
    return sample_result()


def with_walkers(result, told, *keys):
    rows = result.walkers[result.walkers["walker"] == "older_75"]
    parts = [rows.assign(walker=key).set_axis(rows.index + key) for key in keys]
    walkers = pd.concat(parts).rename_axis("row")
    return dataclasses.replace(result, walkers=walkers, facts={**result.facts, "walkers": told})


def test_the_studys_own_walker_comes_first_and_the_level_city_last(result):
    told = [{"key": key, "zh": f"{key}（中）", "en": key} for key in ("pram", "adult", "older")]
    found = contents._walkers(with_walkers(result, told, "level", "older", "pram", "adult"), ("zh", "en"))
    assert [one["key"] for one in found] == ["adult", "pram", "older", "level"]
    assert found[1] == {"key": "pram", "zh": "pram（中）", "en": "pram"}


def test_a_walker_without_words_goes_by_its_key_and_one_without_a_card_is_left_out(result):
    told = [{"key": "ghost", "zh": "无", "en": "none"}]
    found = contents._walkers(with_walkers(result, told, HOSTILE[0]), ("zh", "en"))
    assert [one["en"] for one in found] == ["Adult", HOSTILE[0]]


def test_one_walker_alone_needs_no_switch(result):
    alone = dataclasses.replace(result, walkers=result.walkers[result.walkers["walker"] == "adult"])
    units = contents.by_tier(result.units)
    assert contents._walkers(alone, ("zh", "en")) == []
    assert contents._walker_cards(alone, units, standard=sample_standard()) == {}


def test_cards_of_walkers_stand_in_the_order_of_the_page(result):
    units, standard = contents.by_tier(result.units), sample_standard()
    packed = contents._walker_cards(result, units, standard=standard)
    at = units.index.get_loc("C01") * len(standard.categories) + 3
    row = result.walkers.loc["C01:health:older_75"]
    assert packed["walker1.served"][at] == round(10 * row["served"])
    assert packed["walker1.grade"][at] == row["grade"]
    assert packed["walker1.change"][at] == row["change"]
    unsaid = units.index.get_loc("C00") * len(standard.categories) + 2
    assert pd.isna(result.walkers.loc["C00:elderly_care:level", "change"])
    assert packed["walker2.change"][unsaid] == contents.NO_CHANGE
    assert packed["walker2.grade"][unsaid] == 0


def test_a_cell_without_a_row_is_not_graded(result):
    units, standard = contents.by_tier(result.units), sample_standard()
    some = dataclasses.replace(result, walkers=result.walkers[result.walkers["unit"] != "C02"])
    packed = contents._walker_cards(some, units, standard=standard)
    at = units.index.get_loc("C02") * len(standard.categories)
    assert packed["walker1.grade"][at] == 0
    assert packed["walker1.change"][at] == contents.NO_CHANGE
    assert packed["walker1.served"][at] == 0


def test_causes_stand_at_their_cluster_and_service(result):
    services = pd.Index([service.key for service in sample_standard().services])
    packed = contents._causes(result, services)
    assert (packed > 0).sum() == len(result.gaps)
    for row in result.gaps.iloc[::17].itertuples():
        code = packed[services.get_loc(row.service), result.origins.index.get_loc(row.origin)]
        assert tables.CAUSES[code] == row.cause


def test_step_free_is_told_of_the_clusters_that_have_a_row(result):
    some = dataclasses.replace(result, step_free=result.step_free.iloc[5:][::-1])
    packed = contents._step_free(some)
    assert packed["step_free.ratio"][:5].tolist() == [0] * 5
    assert packed["step_free.ratio"][6] == round(100 * result.step_free["ratio"].iloc[6])
    assert packed["step_free.no_way"][5:].tolist() == result.step_free["no_way"].iloc[5:].astype(int).tolist()
    bare = dataclasses.replace(result, step_free=tables.STEP_FREE.empty(CRS_STUDY))
    assert contents._step_free(bare) == {}


def test_elements_that_no_list_shows_are_not_carried():
    standard = sample_standard()
    count = 30
    table = tables.DEPENDENCE.empty(CRS_STUDY).reindex([f"way/{one:02d}:health_0" for one in range(count)])
    columns = {
        "osm_id": [f"way/{one:02d}" for one in range(count)],
        "kind": "stairs",
        "name": None,
        "service": "health_0",
        "people": np.repeat([50.0, 10.0], [4, count - 4]),
        "origins": 1,
    }
    table = table.assign(**columns).set_geometry([shapely.Point(652_000, 3_271_000)] * count, crs=CRS_STUDY)
    found = contents._depended(table, standard=standard, grid=Grid(106.0, 29.0))
    assert [one["id"] for one in found] == [f"way/{one:02d}" for one in range(contents.LISTED)]  # ties by id
    assert found[0]["people"] == [50.0]
    foreign = table.assign(service="something else")
    assert contents._depended(foreign, standard=standard, grid=Grid(106.0, 29.0)) == []


def test_lists_of_every_unit_and_service_in_the_order_of_the_page(result):
    units, standard = contents.by_tier(result.units), sample_standard()
    packed = contents._lists(result, units, standard=standard)
    keys = [service.key for service in standard.services]

    def at(unit, key):
        return units.index.get_loc(unit) * len(keys) + keys.index(key)

    assert all(len(one) == len(units) * len(keys) for one in packed.values())
    row = result.completeness.loc["C01:health_1"]
    assert packed["lists.found"][at("C01", "health_1")] == row["found"]
    assert packed["lists.expected"][at("C01", "health_1")] == 25  # 2.4, in tenths and one more
    assert packed["lists.expected"][at("C01", "mobility_0")] == 0  # the standard states none
    assert packed["lists.known"][at("C01", "health_1")] == 1
    assert packed["lists.known"][at("C01", "elderly_care_1")] == 0
    assert packed["lists.judge"][at("C01", "health_1")] == units.index.get_loc("D") + 1
    assert packed["lists.judge"][at("C01", "dining_0")] == 0  # listed in full
    none = dataclasses.replace(result, completeness=tables.COMPLETENESS.empty())
    assert contents._lists(none, units, standard=standard) == {}


def test_what_residents_say_by_unit_and_category(result):
    units, standard = contents.by_tier(result.units), sample_standard()
    found = contents._survey(result.survey, units, standard=standard)
    assert len(found) == len(result.survey) == 20
    row = result.survey.loc["S1:education"]
    place = units.index.get_loc("S1")
    assert [place, 1, row["answers"], round(row["mean"], 2), round(row["satisfaction"], 3)] in found
    assert contents._survey(tables.SURVEY.empty(), units, standard=standard) == []
