"""Pictures for a notebook: what they draw, and that they leave room for what an analyst adds."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import shapely

import circle15 as c15
from circle15.errors import SourceError
from circle15.sheets.letters import Letters
from conftest import IN_CI
from tiny_study import write_study


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return c15.Study.open(write_study(tmp_path_factory.mktemp("tiny")))


@pytest.fixture
def axes(study):
    backend = mpl.get_backend()
    plt.switch_backend("agg")
    drawn = c15.sheets.base_map(study.area, streets=study.streets, ground=study.ground, title="t", note="n")
    yield drawn
    plt.close(drawn.figure)
    plt.switch_backend(backend)


def words(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def test_ground_is_the_area_in_metres_with_a_true_scale_bar(study, axes):
    west, south, east, north = study.area.boundary.bounds
    assert axes.get_xlim() == (west, east)
    assert axes.get_ylim() == (south, north)
    assert axes.get_aspect() == 1.0
    assert axes.get_title(loc="left") == "t"
    said = [text.get_text() for text in axes.texts]
    assert "n" in said
    (bar,) = [line for line in axes.lines if line.get_linewidth() == 2]
    metres = float(np.ptp(bar.get_xdata()))
    assert f"{metres:,.0f} m" in said
    assert metres <= max((east - west) / 6, 100)


def test_homes_are_counted_by_state(study, axes):
    status = study.coverage.status["canteen"]
    people = study.origins["population"]
    c15.sheets.plot_status(axes, study.origins, status, title="canteen")
    title, *labels = words(axes)
    assert title == "canteen"
    for state, label in zip(("served", "gap", "unknown"), labels, strict=True):
        assert f"{state}  {people[status == state].sum():,.0f}" in label
    assert sum(len(drawn.get_offsets()) for drawn in axes.collections if drawn.get_zorder() == 8) == len(status)


def test_units_have_their_digit_and_a_hatch_where_there_is_none(study, axes):
    units = study.units[~study.units.index.isin(study.units["parent"])]
    grades = pd.Series([5, 1] + [pd.NA] * (len(units) - 2), index=units.index, dtype="Int64")
    c15.sheets.plot_grades(axes, units, grades, title="grade")
    said = [text.get_text() for text in axes.texts if text.get_fontsize() == 7]
    assert sorted(said) == [""] * (len(units) - 2) + ["1", "5"]
    assert words(axes)[-1] == "未评定 not graded"
    assert any(drawn.get_hatch() for drawn in axes.collections)


def test_a_closer_look_draws_what_is_there_only(study):
    west, south, _, _ = study.area.boundary.bounds
    closer = c15.StudyArea("corner", shapely.box(west, south, west + 60, south + 60), study.area.crs)
    figure, given = plt.subplots()
    drawn = c15.sheets.base_map(closer, streets=study.streets, axes=given)
    assert drawn is given
    assert drawn.get_xlim() == (west, west + 60)
    plt.close(figure)


def test_letters_are_set_for_the_session_or_refused(monkeypatch):
    before = list(mpl.rcParams["font.family"])
    try:
        family = c15.sheets.use_letters()
    except SourceError:
        if IN_CI:
            raise
        pytest.skip("no font with Chinese letters is installed")
    assert mpl.rcParams["font.family"] == list(Letters.found("步行").families)
    assert family not in ("", "DejaVu Sans")
    mpl.rcParams["font.family"] = before
    monkeypatch.setattr("circle15.sheets.letters._installed", lambda: iter([set()]))
    with pytest.raises(SourceError, match="such letters"):
        c15.sheets.use_letters()
    assert mpl.rcParams["font.family"] == before
