"""What records show of themselves: in a notebook, in a terminal, and what must never be in either."""

import html.parser
import re

import numpy as np
import pandas as pd
import pytest

import circle15 as c15
from circle15 import display, siting
from circle15.page.contents import palette
from circle15.study import variants
from circle15.study.shown import STEPS
from circle15.tables import ORIGINS, TravelTimes
from tiny_study import write_study

NASTY = "<script>alert(\"1\")</script> & 'quoted'"


class Tags(html.parser.HTMLParser):
    """Tags that are open, and every piece of text."""

    def __init__(self):
        super().__init__()
        self.open, self.seen, self.text = [], [], []

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def parsed(card):
    page = Tags()
    page.feed(card)
    assert page.open == []
    return page


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return c15.Study.open(write_study(tmp_path_factory.mktemp("tiny")))


@pytest.fixture(scope="module")
def shown(study):
    """One record of every kind that shows itself."""
    closed = study.without_links([study.streets["osm_id"].iloc[0]])
    pairs = pd.DataFrame({"origin": ["A", "B"], "facility": ["X", "Y"], "seconds": [60.0, 120.0]})
    reach = siting.reach(pairs, pd.Series({"A": 10.0, "B": 20.0}), cutoff_minutes=15)
    records = [
        *(study, study.project, study.area, study.network, study.times, study.times.origins, study.coverage),
        *(study.coverage.supply, variants.live(study).norms, study.judgement, study.result, study.walker),
        *(study.standard, ORIGINS, c15.compare(study, closed), reach, siting.maximal_covering(reach, sites=1)),
    ]
    return {type(one).__name__: one for one in records}


def test_every_kind_that_shows_itself_is_among_them(shown):
    assert {one.__name__ for one in display.Shown.__subclasses__()} == set(shown)


def test_cards_are_whole_and_have_neither_script_nor_address(shown):
    for name, record in shown.items():
        card = record._repr_html_()
        page = parsed(card)
        assert {tag for tag, _ in page.seen} <= {"div", "span", "b", "table", "thead", "tbody", "tr", "th", "td"}
        assert not re.search(r"https?:|url\(|javascript:", card), name
        assert len(card) < 100_000, name
        assert name in "".join(page.text)


def test_a_terminal_gets_a_few_lines(shown):
    for name, record in shown.items():
        lines = repr(record).split("\n")
        assert lines[0].startswith(name)
        assert str(record) == repr(record)
        assert len(lines) <= 40, name
        assert max(map(display._width, lines)) <= display.LINE_COLUMNS, name


def test_a_study_shows_what_is_computed_and_computes_nothing(tmp_path):
    study = c15.Study.open(write_study(tmp_path))
    before = set(vars(study))
    fresh = study._repr_html_()
    assert set(vars(study)) == before
    assert "尚无 nothing" in fresh
    assert "可达 served" not in fresh
    _ = study.coverage
    before = set(vars(study))
    told = repr(study)
    assert set(vars(study)) == before
    computed, later = (next(line for line in told.split("\n") if word in line) for word in ("computed", "not yet"))
    for name, words in STEPS.items():
        assert (words in computed) == (name in before), name
        assert (words in later) == (name not in before), name
    people = c15.headline(study.coverage, study.origins, standard=study.standard)
    first = study.standard.categories[0]
    share = people.loc[first.key, "served"] / study.origins["population"].sum()
    row = next(line for line in told.split("\n") if first.name_in("zh") in line)
    assert str(display.share(share)) in row


def test_what_is_synthetic_says_so():
    study = c15.Study.open(c15.demo_study())
    for record in (study, study.project):
        assert display.SYNTHETIC in repr(record)
        assert display.SYNTHETIC in record._repr_html_()
    real = study.project.model_copy(update={"study": study.project.study.model_copy(update={"synthetic": False})})
    assert display.SYNTHETIC not in repr(real)


def test_words_are_escaped():
    card = display.Card(NASTY, NASTY, [NASTY], [(NASTY, NASTY)], [NASTY, NASTY], [(NASTY, NASTY)], NASTY)
    page = parsed(card.html())
    assert "script" not in {tag for tag, _ in page.seen}
    assert sum(NASTY in one for one in page.text) == 10  # each where it was put, as words


def test_coverage_counts_homes(study):
    found = study.coverage
    rows = found._card().rows
    assert [row[0] for row in rows] == list(found.status.columns)
    for service, *cells, _ in rows:
        for state, cell in zip(("served", "gap", "unknown"), cells, strict=True):
            assert cell == display.share((found.status[service] == state).mean(), state)


def test_figures_and_colours_never_stand_alone():
    assert [display.grade(one).text for one in (5, 1.0, None, float("nan"), pd.NA)] == ["5", "1", "—", "—", "—"]
    assert palette()["grades"]["5"] in display.grade(5).style
    assert display.palette() == palette()
    for value, word in ((0, "0 %"), (0.004, "<1 %"), (0.995, "100 %"), (0.9999, ">99 %"), (1, "100 %")):
        assert display.share(value).text == (word if value != 0.995 else ">99 %")
    assert display._said(True) == "是 yes"
    assert display._said(np.int64(12345)) == "12,345"
    assert [display._said(one) for one in (1234567, 1234.56, 0.123456, None, "a\n b")] == [
        *("1,234,567", "1,235", "0.1235", "—", "a b")
    ]


def test_columns_stand_under_each_other_in_chinese():
    lines = display._aligned([("渝中", "a"), ("x", "b")])
    assert lines == ["渝中  a", "x     b"]
    assert display._cut("步行十五分钟", 7) == "步行十…"


def test_a_long_table_is_cut_and_says_so():
    card = display.Card("K", head=("a", "b"), rows=[(str(one), one) for one in range(200)])
    assert "... 188 more" in card.text()
    assert card.html().count("<tr>") == display.MOST_ROWS + 1
    assert "… 120 more" in card.html()


# ----------------------------------------------------------------------------------------------------------- progress


class Recorder:
    """Keeps what it was told."""

    def __init__(self):
        self.seen = {}

    def __call__(self, items, words):
        for item in items:
            count, _ = self.seen.get(words, (0, 0))
            self.seen[words] = count + 1, len(items)
            yield item


def quiet_tqdm(items, words):
    import io

    from tqdm import tqdm

    return tqdm(items, words, file=io.StringIO())


def quiet_rich(items, words):
    import io

    from rich.console import Console
    from rich.progress import track

    return track(items, words, console=Console(file=io.StringIO()))


def test_a_study_tells_how_far_its_long_steps_have_come(tmp_path):
    recorder = Recorder()
    file = write_study(tmp_path)
    told = c15.Study.open(file, track=recorder).result
    assert set(recorder.seen) >= {"other walkers and causes", "stability", "dependence"}
    for words, (count, of) in recorder.seen.items():
        assert count == of > 0, words
    silent = c15.Study.open(file).result
    pd.testing.assert_frame_equal(told.grades, silent.grades)
    pd.testing.assert_frame_equal(pd.DataFrame(told.isochrones), pd.DataFrame(silent.isochrones))
    pd.testing.assert_frame_equal(pd.DataFrame(told.dependence), pd.DataFrame(silent.dependence))


@pytest.mark.parametrize("track", [quiet_tqdm, quiet_rich])
def test_any_track_may_show_it(study, track):
    if track is quiet_tqdm:
        pytest.importorskip("tqdm")
    asked = {"walker": "adult", "minutes": (5, 10)}
    shown = study.network.isochrones(study.origins, **asked, track=track)
    pd.testing.assert_frame_equal(pd.DataFrame(shown), pd.DataFrame(study.network.isochrones(study.origins, **asked)))


def test_a_track_is_handed_on_to_scenarios_and_closures(study, tmp_path):
    recorder = Recorder()
    told = c15.Study.open(write_study(tmp_path), track=recorder)
    assert told.without_links([told.streets["osm_id"].iloc[0]]).track is recorder
    assert study.track is None


# ----------------------------------------------------------------------------------------------- what leaves the house


def test_a_matrix_has_no_zero_where_nothing_was_reached(study):
    times = study.times
    matrix = times.matrix()
    assert matrix.shape == times.seconds.shape
    assert np.isfinite(matrix.to_numpy()).sum() == times.seconds.nnz
    rows = times.pairs()
    assert [matrix.loc[one.origin, one.facility] for one in rows.itertuples()] == rows["seconds"].tolist()
    again = TravelTimes.from_pairs(
        rows, origin_ids=matrix.index, facility_ids=matrix.columns, cutoff_minutes=times.cutoff_s / 60
    )
    pd.testing.assert_frame_equal(again.matrix(), matrix)


def test_explore_is_the_live_map_of_the_result(study):
    page = study.explore()
    shown = page._repr_html_()
    assert "srcdoc=" in shown
    live = variants.live(study)
    same = c15.page.gap_map(study.result, standard=study.standard, live=live)
    assert page.get_root().render() == same.get_root().render()
    assert '<html lang="en' in study.explore("en").get_root().render()
