"""Comparison by hand, on the four clusters of test_assessment."""

import doctest
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely import LineString

from circle15.assessment import (
    candidates,
    card_by_walker,
    causes,
    coverage,
    dependence_table,
    flips,
    gaps,
    grades,
    step_free,
    terrain_penalty,
)
from circle15.tables import DEPENDENCE, GAPS, STEP_FREE, TERRAIN, WALKERS
from test_assessment import ORIGINS, REACHED, STANDARD, UNITS, UTM, facilities, times


def run(**more):
    reached = {tuple(pair.split("_")): seconds for pair, seconds in more.items()}
    return coverage(times(REACHED | reached), facilities(), standard=STANDARD)


@pytest.fixture
def found():
    return run()


def test_causes_by_hand(found):
    relaxed = {"closed": run(o2_d=800.0), "terrain": run(o2_d=700.0, o2_a=850.0)}
    table = causes(gaps(found, ORIGINS, standard=STANDARD), found, relaxed=relaxed)
    GAPS.check(table)
    assert table["cause"].to_dict() == {
        "o3:b": "far",  # o1 reaches b, so one exists; no relaxation helps
        "o2:a": "terrain",
        "o2:b": "far",
        "o2:d": "closed",  # both would do; the first in order is named
        "o1:c": "far",  # o2 reaches c
    }


def test_a_service_that_nobody_reaches_has_none():
    alone = coverage(times({("o1", "a"): 1.0}), facilities(), standard=STANDARD)
    table = causes(gaps(alone, ORIGINS, standard=STANDARD), alone, relaxed={"terrain": alone})
    assert set(table.loc[table["service"] != "a", "cause"]) == {"none"}
    assert set(table.loc[table["service"] == "a", "cause"]) == {"far"}


def test_cards_side_by_side(found):
    better = run(o2_a=100.0, o2_b=100.0)
    table = card_by_walker({"older": found, "adult": better}, ORIGINS, UNITS, standard=STANDARD)
    WALKERS.check(table)
    assert table.loc["u1:one:older", "grade"] == 1
    assert table.loc["u1:one:adult", "grade"] == 5
    assert table.loc["u1:one:adult", "change"] == 4
    assert (table.loc[table["walker"] == "older", "change"].dropna() == 0).all()


def test_the_terrain_penalty_counts_only_gaps(found):
    level = run(o2_a=800.0, o3_a=800.0)
    table = terrain_penalty(level, found, ORIGINS, UNITS)
    TERRAIN.check(table)
    assert table.loc["D:a", ["level", "lost"]].tolist() == [600, 200]  # of o3 it cannot be said: the edge
    assert table.loc["u2:a", ["level", "lost"]].tolist() == [300, 0]


def test_flips_are_a_share_and_grey_is_a_state(found):
    card = grades(found, ORIGINS, UNITS, standard=STANDARD)
    other = card.assign(grade=card["grade"].fillna(3))
    share = flips(card, [card, other])
    assert share[card["grade"].isna()].eq(0.5).all()
    assert share[card["grade"].notna()].eq(0.0).all()


def test_step_free_by_hand(found):
    table = step_free(found, coverage(times({("o1", "a"): 1350.0}), facilities(), standard=STANDARD), ORIGINS)
    STEP_FREE.check(table)
    assert table.loc["o1", ["ratio", "reached", "reached_step_free", "no_way"]].tolist() == [1.5, 3, 0, False]
    assert table.loc["o2", "no_way"]
    assert np.isnan(table.loc["o2", "ratio"])


def streets():
    kinds = ["lift", "stairs", "stairs", "stairs", "bridge", "bridge", "escalator", "path"]
    frame = pd.DataFrame(
        {
            "piece": [f"p{n}" for n in range(8)],
            "osm_id": ["lift", "short", "long", "tall", "deck", "road", "belt", "path"],
            "kind": kinds,
            "name": None,
            "rise_m": [30.0, 5.0, 5.0, 10.0, 0.0, 0.0, 5.0, 0.0],
            "steps": [np.nan, 60, 61, np.nan, np.nan, np.nan, np.nan, np.nan],
            "highway": ["elevator", "steps", "steps", "steps", "footway", "primary", "steps", "footway"],
        },
        index=pd.Index([f"p{n}>" for n in range(8)], name="link"),
    )
    return gpd.GeoDataFrame(frame, geometry=[LineString([(n, 0), (n, 10)]) for n in range(8)], crs=UTM)


def test_what_a_walk_may_hang_on():
    assert candidates(streets(), long_flight_steps=60) == ["belt", "deck", "lift", "long", "tall"]


def test_dependence_is_counted_in_people():
    lost = pd.DataFrame({"osm_id": ["lift", "lift", "belt"], "origin": ["o1", "o2", "o2"], "service": ["a", "a", "b"]})
    table = dependence_table(lost, ORIGINS, streets())
    DEPENDENCE.check(table)
    assert table.index.tolist() == ["lift:a", "belt:b"]
    assert table["people"].tolist() == [300, 200]
    assert table.geometry.iloc[0].coords[0] == (0, 5)
    DEPENDENCE.check(dependence_table(lost.iloc[:0], ORIGINS, streets()))


@pytest.mark.parametrize("page", ["causes", "stability", "step-free", "terrain-penalty"])
def test_worked_numbers_of_the_pages(page):
    path = Path(__file__).parents[1] / "docs" / "methods" / f"{page}.md"
    found = doctest.testfile(str(path), module_relative=False, encoding="utf-8")
    assert found.attempted >= 5
    assert found.failed == 0
