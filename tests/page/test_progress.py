"""What the page says of circles and of projects."""

import numpy as np
import pandas as pd
import pytest

from circle15.page import progress
from circle15.page.ground import by_tier
from circle15.page.packing import Grid
from circle15.tables import Judgement
from sample_result import HOSTILE, sample_result, sample_standard


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
    assert told["built"] == {"grade": 4, "share": 0.9, "basis": "made up"}
    assert [one["circles"] for one in told["targets"]] == result.judgement.targets["circles"].tolist()


def test_what_was_not_judged_is_empty(result):
    told = progress.circles(Judgement(), by_tier(result.units), standard=sample_standard())
    assert (told["rows"], told["targets"]) == ([], [])
    assert progress.projects(result, Grid(106.5, 29.5), standard=sample_standard()) == []


def test_projects_come_by_rank_where_they_are(result):
    table = pd.DataFrame(
        {
            "rank": [2, 1, 3],
            "phase": ["reserve", "near", "near"],
            "category": ["dining", "health", "not of this standard"],
            "lon": [106.51, 106.52, 106.5],
            "lat": [29.51, 29.52, 29.5],
            "people": [np.nan, 10.6, 1.0],
            "place": [None, HOSTILE[0], ""],
        }
    )
    object.__setattr__(result, "projects", table)
    told = progress.projects(result, Grid(106.5, 29.5), standard=sample_standard())
    assert [one["rank"] for one in told] == [1, 2]
    assert told[0] == {"rank": 1, "phase": "near", "category": 3, "people": 11, "at": [2000, 2000], "place": HOSTILE[0]}
    assert told[1]["people"] is None  # not known, which is no zero
    assert told[1]["place"] == ""
