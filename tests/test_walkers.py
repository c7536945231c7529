"""The walkers that ship: their numbers, their citations, the order between them; the worked numbers of their pages."""

import doctest
import re
from importlib import resources
from pathlib import Path

import pytest

from circle15.errors import ConfigError
from circle15.project import Walker

FOLDER = Path(str(resources.files("circle15"))) / "walkers"
FILES = {file.stem: file for file in sorted(FOLDER.glob("*.toml"))}
PAGES = Path(__file__).parents[1] / "docs" / "methods"
FLAT = {  # metres a second: domain.md B.1
    "planner": 1.00,
    "adult": 1.34,
    "older": 1.00,
    "older_75": 0.80,
    "child_with_adult": 0.85,
    "child": 1.10,
    "pram": 1.10,
    "wheelchair": 0.90,
}
STAIRS = {  # metres of height a second, up, up a long flight, down: domain.md B.3
    "adult": (0.30, 0.23, 0.35),
    "older": (0.20, 0.15, 0.22),
    "older_75": (0.14, 0.10, 0.15),
    "child_with_adult": (0.15, 0.12, 0.17),
    "pram": (0.12, 0.08, 0.12),
}


def test_eight_walkers_ship_with_their_flat_speeds():
    assert {name: Walker.load(name).flat_m_s for name in FILES} == FLAT


@pytest.mark.parametrize("name", FILES)
def test_a_file_says_who_it_is_in_both_languages(name):
    walker = Walker.load(name)
    assert walker.name == name
    assert re.search(r"[\u4e00-\u9fff]", walker.label["zh"])
    assert walker.label["en"].isascii()


@pytest.mark.parametrize("name", FILES)
def test_every_number_has_its_source_beside_it(name):
    lines = FILES[name].read_text(encoding="utf-8").splitlines()
    numbers = [line for line in lines if re.match(r"\w+ = [\d.]+", line)]
    assert len(numbers) >= 14
    for line in numbers:
        words = line.partition("#")[2]
        assert re.search(r"\[P\]|\d{4}|GB 16899|Weidmann|Chinese planning|press|not used", words), line


@pytest.mark.parametrize("name", STAIRS)
def test_stairs_are_those_of_the_design(name):
    walker = Walker.load(name)
    assert (walker.stairs_up_m_s, walker.stairs_up_long_m_s, walker.stairs_down_m_s) == STAIRS[name]


@pytest.mark.parametrize("name", ["planner", "child"])
def test_stairs_that_nobody_states_are_the_adults_at_the_walkers_pace(name):
    walker, adult = Walker.load(name), Walker.load("adult")
    pace = walker.flat_m_s / adult.flat_m_s
    for speed in ("stairs_up_m_s", "stairs_up_long_m_s", "stairs_down_m_s"):
        assert getattr(walker, speed) == round(getattr(adult, speed) * pace, 2)


@pytest.mark.parametrize("name", FILES)
def test_nobody_hurries_on_a_long_flight_or_off_the_road(name):
    walker = Walker.load(name)
    assert walker.stairs_up_long_m_s < walker.stairs_up_m_s <= walker.stairs_down_m_s
    assert walker.off_road_m_s <= walker.flat_m_s
    assert walker.ramp_m_s <= walker.flat_m_s


def test_only_the_wheelchair_is_shut_out_and_only_wheels_know_ramps():
    assert {name: sorted(Walker.load(name).forbidden) for name in FILES if Walker.load(name).forbidden} == {
        "wheelchair": ["escalator", "stairs"]
    }
    assert {name: Walker.load(name).ramp for name in FILES if Walker.load(name).ramp != "none"} == {
        "pram": "stroller",
        "wheelchair": "wheelchair",
    }


def test_machines_and_signals_are_the_same_for_everybody():
    shared = ("escalator_m_s", "lift_wait_s", "lift_m_s", "lift_doors_s", "signals_s", "zebra_s")
    shared += ("cable_car_wait_s", "cable_car_m_s")
    assert len({tuple(getattr(Walker.load(name), key) for key in shared) for name in FILES}) == 1


def test_a_file_of_ones_own_works_the_same_way(tmp_path):
    text = FILES["older"].read_text(encoding="utf-8")
    own = text.replace('slope_law = "tobler"', 'slope_law = "rees"').replace("flat_m_s = 1.00", "flat_m_s = 0.70")
    (tmp_path / "mine.toml").write_text(own, encoding="utf-8")
    walker = Walker.load("mine.toml", base=tmp_path)
    assert (walker.slope_law, walker.flat_m_s) == ("rees", 0.7)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("flat_m_s = 1.00", "flat_m_s = -1.0", r"\[flat_m_s\]: input should be greater than 0"),
        ("flat_m_s = 1.00", "flat_m_s = 60", r"\[flat_m_s\]: input should be less than or equal to 10"),
        ('slope_law = "tobler"', 'slope_law = "toblr"', r"\[slope_law\]: input should be 'tobler'"),
        ("lift_wait_s = 45.0", "lift_wait_s = -45.0", r"\[lift_wait_s\]: input should be greater than or equal to 0"),
        ("stairs_down_m_s", "stairs_dwon_m_s", r"Did you mean stairs_down_m_s\?"),
    ],
)
def test_a_slip_in_a_file_is_named(tmp_path, old, new, said):
    text = FILES["older"].read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "mine.toml").write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(ConfigError, match=said):
        Walker.load("mine.toml", base=tmp_path)


def test_derived_walkers():
    older = Walker.load("older")
    assert older.on_the_level().level
    assert older.step_free().forbidden == {"stairs", "escalator"}
    assert older.step_free("stroller").ramp == "stroller"
    slow = older.at(0.9)
    assert (slow.flat_m_s, slow.stairs_up_m_s, slow.off_road_m_s) == pytest.approx((0.9, 0.18, 0.675))
    assert (slow.escalator_m_s, slow.lift_wait_s) == (older.escalator_m_s, older.lift_wait_s)


@pytest.mark.parametrize("page", ["walkers", "slope", "stairs", "escalators-and-lifts", "crossings"])
def test_the_worked_numbers_of_the_pages(page):
    path = PAGES / f"{page}.md"
    assert re.search(r"[\u4e00-\u9fff]", path.read_text(encoding="utf-8").splitlines()[0])
    found = doctest.testfile(str(path), module_relative=False, optionflags=doctest.ELLIPSIS, encoding="utf-8")
    assert found.attempted >= 3
    assert found.failed == 0


def test_the_page_of_walkers_prints_the_numbers_of_the_files():
    rows = re.findall(r"^\| `(\w+)` \|(.+)\|$", (PAGES / "walkers.md").read_text(encoding="utf-8"), re.MULTILINE)
    printed = {name: [cell.strip() for cell in cells.split("|")] for name, cells in rows}
    assert set(printed) == set(FILES)
    for name, (zh, *numbers) in printed.items():
        walker = Walker.load(name)
        climbs = (walker.stairs_up_m_s, walker.stairs_up_long_m_s, walker.stairs_down_m_s)
        shown = ["no", "no", "no"] if "stairs" in walker.forbidden else [f"{speed:.2f}" for speed in climbs]
        assert zh == walker.label["zh"]
        assert numbers == [f"{walker.flat_m_s:.2f}", *shown, f"{walker.off_road_m_s:.2f}", walker.ramp]
