"""What the page says of circles and of projects."""

from dataclasses import replace

import pytest

from circle15.page import progress
from circle15.page.ground import by_tier
from circle15.page.packing import Grid
from circle15.tables import Judgement
from sample_result import HOSTILE, sample_projects, sample_result, sample_standard


@pytest.fixture(scope="module")
def result():
    return sample_result()


def test_circles_come_by_rank_with_what_they_lack(result):
    units, standard = by_tier(result.units), sample_standard()
    told = progress.circles(result.judgement, units, standard=standard)
    table = result.judgement.circles.sort_values("rank")
    assert [units.index[row["unit"]] for row in told["rows"]] == table.index.tolist()
    keys = [category.key for category in standard.categories]
    for row, circle in zip(told["rows"], table.itertuples(), strict=True):
        assert row["state"] == circle.state
        assert (row["met"], len(row["lacks"]), len(row["undecided"])) == (circle.met, circle.lacking, circle.unknown)
        assert ", ".join(keys[place] for place in row["lacks"]) == circle.lacks
    assert told["built"] == {"grade": 4, "share": 0.9, "basis": ("made up", "made up")}
    assert [one["circles"] for one in told["targets"]] == result.judgement.targets["circles"].tolist()


def test_what_was_not_judged_is_empty(result):
    told = progress.circles(Judgement(), by_tier(result.units), standard=sample_standard())
    assert (told["rows"], told["targets"]) == ([], [])
    assert progress.projects(result, by_tier(result.units), Grid(106.5, 29.5), standard=sample_standard()) == []


def test_projects_come_by_rank(result):
    table = sample_projects(result, [*HOSTILE, "空置房", ""])
    judged = replace(result, judgement=replace(result.judgement, projects=table.iloc[::-1]))
    units, standard = by_tier(result.units), sample_standard()
    told = progress.projects(judged, units, Grid(106.5, 29.5), standard=standard)
    assert [one["rank"] for one in told] == [1, 2, 3, 4, 5, 6]
    first = told[0]
    assert (first["phase"], first["people"], first["name"], first["place"]) == ("near", 5000, HOSTILE[0], "no")
    assert standard.categories[first["category"]].key == "health"
    assert units.index[first["unit"]] == table["unit"].iloc[0]
    at = Grid(106.5, 29.5).steps(table[["lon", "lat"]].to_numpy()[:1])[0]
    assert first["at"] == at.tolist()
