"""Squares sum clusters exactly, at every number of them; what a page leaves out it says."""

import dataclasses
import doctest
from pathlib import Path

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from circle15 import tables
from circle15.page import contents, gap_map, ground, squares
from circle15.page.contents import STATES, blocks, carried, category_states
from circle15.page.packing import Grid
from circle15.page.squares import MOST_SHARING, MOST_SQUARES, SIDE_PX, Squares, farthest, mercator
from large_result import large_result, large_standard
from read_page import number_arrays, plain_values
from sample_result import sample_result, sample_standard

READINGS = ("strict", "lenient")
SOME = st.lists(
    st.tuples(st.floats(106.0, 106.4), st.floats(29.4, 29.7), st.integers(0, 9_000_000), st.integers(0, 2)),
    min_size=1,
    max_size=60,
)


@given(SOME, st.booleans())
def test_every_square_is_the_sum_of_its_clusters(clusters, are_carried):
    lonlat = np.array([one[:2] for one in clusters])
    people, state = np.array([one[2] for one in clusters]), np.array([[one[3] for one in clusters]], dtype=np.int8)
    found = Squares.of_clusters(lonlat, people / 1000, lowest=9, carried=are_carried)
    packed = found.sums(people, {"strict": state})
    plain = {}
    for place, count, code in zip(mercator(lonlat), people.tolist(), state[0].tolist(), strict=True):
        column, row = (int(part * 2.0**found.level // SIDE_PX) for part in place)
        one = plain.setdefault((row, column), [0, 0, 0, 0])
        for at, more in enumerate((1, count, count * (code == 0), count * (code == 1))):
            one[at] += more
    named = ("clusters", "people", "strict.gap", "strict.unknown")
    columns = [np.cumsum(packed[f"squares.{name}"]) for name in ("row", "column")]
    columns += [packed[f"squares.{name}"] for name in named]
    assert {tuple(one[:2]): one[2:] for one in np.transpose(columns).tolist()} == plain
    assert sorted(plain) == list(zip(*(one.tolist() for one in columns[:2]), strict=True))


@given(SOME)
def test_a_mark_stands_where_the_people_of_its_square_live(clusters):
    lonlat, people = np.array([one[:2] for one in clusters]), np.array([one[2] for one in clusters]) / 1000
    found = Squares.of_clusters(lonlat, people, lowest=9, carried=True)
    place = mercator(lonlat) * (2.0**found.level / SIDE_PX)
    for square in range(len(found.column)):
        mine = found.of == square
        weight = people[mine] if people[mine].sum() > 0 else None
        middle = np.average(place[mine], axis=0, weights=weight) - (found.column[square], found.row[square])
        stated = np.array([found.across[square], found.down[square]]) / squares.PLACES
        assert ((stated <= middle + 1e-6) & (middle <= stated + 1 / squares.PLACES + 1e-6)).all()


def test_clusters_are_drawn_from_where_they_have_room():
    random = np.random.default_rng(1)
    lonlat = np.column_stack([106 + random.random(20_000), 29 + random.random(20_000)])
    found = Squares.of_clusters(lonlat, np.ones(20_000), lowest=8, carried=True)

    def sharing(level):
        cell = np.floor(mercator(lonlat) * (2.0**level / SIDE_PX))
        count = np.unique(cell, axis=0, return_counts=True)[1]
        return (count**2).sum() / len(lonlat)

    assert found.clusters_from == found.level + 1
    assert sharing(found.clusters_from) <= MOST_SHARING < sharing(found.level)
    few = Squares.of_clusters(lonlat[:5], np.ones(5), lowest=8, carried=True)
    assert few.clusters_from == 8  # always


def test_a_page_carries_only_so_many_squares(monkeypatch):
    random = np.random.default_rng(1)
    lonlat = np.column_stack([100 + 10 * random.random(3_000), 25 + 10 * random.random(3_000)])
    deep = Squares.of_clusters(lonlat, np.ones(3_000), lowest=5, carried=False)
    assert deep.clusters_from is None
    assert len(deep.column) <= MOST_SQUARES
    monkeypatch.setattr(squares, "MOST_SQUARES", 500)
    some = Squares.of_clusters(lonlat, np.ones(3_000), lowest=5, carried=False)
    finer = Squares.of_clusters(lonlat, np.ones(3_000), lowest=some.level + 1, carried=False)
    assert len(some.column) <= 500
    assert some.level < deep.level
    assert finer.level == some.level  # the next one would hold too many
    both = Squares.of_clusters(lonlat, np.ones(3_000), lowest=5, carried=True)
    assert both.level <= min(some.level, both.clusters_from - 1)


def test_people_fit_the_numbers_of_a_page_however_many_they_are():
    result = sample_result()
    origins = result.origins.copy()
    origins["population"] *= 3e6 / origins["population"].max()
    many = dataclasses.replace(result, origins=origins)
    page = blocks(many, standard=sample_standard(), language="zh")
    parts, arrays = plain_values(page, "study")["people_in"], number_arrays(page, "map")
    assert parts < 1000
    assert max(arrays["origins.people"]) / parts == pytest.approx(3e6)
    assert sum(arrays["squares.people"]) == sum(arrays["origins.people"])
    assert max(map(abs, arrays["squares.people"])) < 2**31


def test_no_clusters_make_no_squares():
    found = Squares.of_clusters(np.zeros((0, 2)), np.zeros(0), lowest=10, carried=True)
    assert len(found.column) == 0
    assert found.people_in(np.zeros(0)) == 1000
    assert (
        found.sums(np.zeros(0, dtype=np.int64), {"strict": np.zeros((2, 0), np.int8)})["squares.strict.gap"].size == 0
    )


def test_a_map_can_be_zoomed_out_to_the_whole_area():
    assert farthest((106.50, 29.53, 106.60, 29.58)) == 10
    assert farthest((97.0, 26.0, 108.0, 34.0)) < farthest((105.0, 28.0, 110.0, 32.0)) < 8


def sums(page):
    """People of all squares in a gap and unknown, by reading and category."""
    arrays = number_arrays(page, "map")
    count = len(arrays["squares.people"])
    table = {
        (reading, state): np.reshape(arrays[f"squares.{reading}.{state}"], (-1, count)).sum(axis=1)
        for reading in READINGS
        for state in ("gap", "unknown")
    }
    return arrays, table


@pytest.mark.parametrize(("clusters", "services", "most"), [(45_000, None, 12e6), (500_000, 1, 12e6)])
def test_a_page_of_very_many_clusters_is_small_and_sums_exactly(clusters, services, most):
    result, standard = large_result(clusters, services=services), large_standard(services)
    page = gap_map(result, standard=standard).get_root().render()
    assert len(page.encode()) < most
    study = plain_values(page, "study")
    arrays, table = sums(page)
    assert len(arrays["squares.people"]) <= MOST_SQUARES
    people = np.rint(result.origins["population"].to_numpy() * study["people_in"])
    assert sum(arrays["squares.people"]) == people.sum() == sum(arrays["origins.people"])
    assert sum(arrays["squares.clusters"]) == len(arrays["origins.people"]) == clusters
    codes = contents._states(result, standard=standard)
    for reading in READINGS:
        states = category_states(codes, standard=standard, lenient=reading == "lenient")
        for state in ("gap", "unknown"):
            assert (table[reading, state] == ((states == STATES.index(state)) * people).sum(axis=1)).all()
    whole = result.grades[result.grades["unit"] == "D"].set_index("category")
    for place, category in enumerate(standard.categories):
        gap = table["strict", "gap"][place] / study["people_in"]
        assert gap == pytest.approx(whole.loc[category.key, "gap"], abs=clusters / study["people_in"])


def test_a_page_says_what_it_leaves_out(monkeypatch):
    result, standard = large_result(3_000), large_standard()
    assert carried(result, standard=standard) == {"count": 3000, "clusters": True, "answers": True, "facilities": True}
    monkeypatch.setattr(contents, "MOST_ANSWERS", 3_000)
    monkeypatch.setattr(contents, "MOST_FACILITIES", 3_000)
    page = blocks(result, standard=standard, language="zh")
    study, arrays = plain_values(page, "study"), number_arrays(page, "map")
    assert study["carried"] == carried(result, standard=standard) | {"streets_left": []}
    assert not study["carried"]["answers"]
    assert study["facilities"]["service"] == []
    assert "coverage.minutes" not in arrays
    assert len(arrays["states.strict"]) == 11 * len(arrays["origins.people"]) == 11 * 3000
    monkeypatch.setattr(contents, "MOST_CLUSTERS", 2_999)
    page = blocks(result, standard=standard, language="zh")
    fewer = number_arrays(page, "map")
    assert plain_values(page, "study")["squares"]["clusters_from"] is None
    assert fewer["origins.people"] == fewer["origins.xy"] == fewer["states.lenient"] == []
    assert sum(fewer["squares.people"]) == sum(arrays["squares.people"])
    assert len(fewer["squares.people"]) > len(arrays["squares.people"])  # finer, since nothing finer is there


def test_clusters_next_to_each_other_stand_next_to_each_other_with_their_own_states(monkeypatch):
    result, standard = sample_result(), sample_standard()
    plain = number_arrays(blocks(result, standard=standard, language="zh"), "map")
    monkeypatch.setattr(contents, "MOST_ANSWERS", 0)
    arrays = number_arrays(blocks(result, standard=standard, language="zh"), "map")

    def rows(read):
        places = np.cumsum(np.reshape(read["origins.xy"], (-1, 2)), axis=0)
        columns = [
            places,
            np.reshape(read["states.strict"], (11, -1)).T,
            np.reshape(read["states.lenient"], (11, -1)).T,
        ]
        return np.column_stack([*columns, read["origins.people"], read["origins.unit"]]).tolist()

    assert rows(arrays) != rows(plain)
    assert sorted(rows(arrays)) == sorted(rows(plain))
    assert np.abs(arrays["origins.xy"]).sum() < np.abs(plain["origins.xy"]).sum()


def test_isochrones_of_most_people_come_first_when_not_all_fit(monkeypatch):
    result, standard = sample_result(), sample_standard()
    whole = number_arrays(blocks(result, standard=standard, language="zh"), "isochrones")
    assert whole["isochrones.left"] == [0]
    monkeypatch.setattr(contents, "MOST_CHARACTERS", 60_000)
    page = blocks(result, standard=standard, language="zh")
    assert len(page) < 60_000
    some = number_arrays(page, "isochrones")
    kept = sorted(set(some["isochrones.origin"]))
    assert some["isochrones.left"] == [len(result.origins) - len(kept)]
    assert 0 < len(kept) < len(result.origins)
    people = result.origins["population"].to_numpy()
    assert people[kept].min() >= np.delete(people, kept).max()
    monkeypatch.setattr(contents, "MOST_CHARACTERS", 0)
    none = number_arrays(blocks(result, standard=standard, language="zh"), "isochrones")
    assert none["isochrones.origin"] == []
    assert none["isochrones.left"] == [len(result.origins)]


def test_streets_that_say_least_are_left_out_first(monkeypatch):
    table, grid = sample_result().streets, Grid(106.0, 29.0)
    whole, left = ground.streets(table, grid)
    assert left == []
    once = ground.street_class(table[~table["piece"].duplicated()])
    monkeypatch.setattr(ground, "MOST_STREETS", len(once) - 1)
    arrays, left = ground.streets(table, grid)
    assert left == ["path"]
    assert arrays["street_path.rings"].size == 0
    assert (arrays["street_stairs.xy"] == whole["street_stairs.xy"]).all()
    monkeypatch.setattr(ground, "MOST_STREETS", 3)
    arrays, left = ground.streets(table, grid)
    assert left == ["stairs", "major", "street", "path"]  # a lift, an escalator and a bridge are kept
    assert arrays["lifts"].size == 2
    assert ground.streets(tables.STREETS.empty(table.crs), grid)[1] == []


def test_outlines_of_a_large_area_are_coarser():
    area = sample_result().area
    assert ground.outline_m(area) == ground.GROUND_M
    large = dataclasses.replace(area, boundary=shapely.box(0, 0, 1e6, 2e5))
    assert ground.outline_m(large) == pytest.approx(1e6 / ground.FINE)


def test_the_worked_numbers_of_the_method_page():
    page = Path(__file__).parents[2] / "docs" / "methods" / "squares.md"
    found = doctest.testfile(str(page), module_relative=False, encoding="utf-8")
    assert found.attempted >= 10
    assert found.failed == 0
