"""Completeness on a district that one can count by hand, its properties, and the real extract.

A district of two subdistricts, west and east of x = 10; the west has two communities, south and north of y = 5.

            residents   station: 1 for 100   canteen: 8 published   court: nothing stated
D               2,000            20                    8                     -
+- W            1,500            15                    6                     -
|  +- W1        1,300            13                   5.2                    -
|  +- W2          200             2                   0.8                    -
+- E              500             5                    2                     -
"""

import doctest
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import CRS
from shapely import MultiPoint, Point, box

from circle15.assessment import completeness, completeness_summary, completeness_text, known_by_origin, residents
from circle15.errors import ConfigError
from circle15.project import Standard
from circle15.tables import COMPLETENESS

UTM = CRS("EPSG:32648")
PLACES = {"D": (5, 5), "W1": (2, 2), "W2": (2, 8), "E": (15, 5)}


def standard(**more):
    def service(key, **counts):
        words = {"category": "one", "key": key, "zh": f"{key}站", "en": key.title(), "tier": "community"}
        return words | {"need": "basic", "minutes": 15, "basis": "test"} | counts

    services = [service("station", people_each=100), service("canteen", expected_count=8), service("court")]
    grades = [{"grade": n, "zh": str(n), "en": str(n), "coverage": (n - 1) / 5} for n in range(1, 6)]
    words = {"name": "toy", "title_zh": "玩", "title_en": "Toy", "authority_zh": "测", "authority_en": "test"}
    categories = [{"key": "one", "zh": "一", "en": "One", "services": services}]
    return Standard.model_validate(words | {"grades": grades, "categories": categories} | more)


UNITS = gpd.GeoDataFrame(
    {
        "name": ["全区", "西街道", "东街道", "南社区", "北社区"],
        "tier": ["district", "subdistrict", "subdistrict", "community", "community"],
        "parent": [None, "D", "D", "W", "W"],
    },
    index=pd.Index(["D", "W", "E", "W1", "W2"], name="unit"),
    geometry=[box(0, 0, 20, 10), box(0, 0, 10, 10), box(10, 0, 20, 10), box(0, 0, 10, 5), box(0, 5, 10, 10)],
    crs=UTM,
)


def homes(*rows):
    people, unit = zip(*rows, strict=True)
    index = pd.Index([f"o{n}" for n in range(len(rows))], name="origin")
    frame = {"population": np.array(people, dtype=float), "unit": np.array(unit, dtype=object)}
    return gpd.GeoDataFrame(frame, index=index, geometry=[Point(0, 0)] * len(rows), crs=UTM)


ORIGINS = homes((1300, "W1"), (200, "W2"), (500, "E"))


def facilities(*rows):
    """Rows of service and unit; a tuple of units is a place with an entrance in each."""
    places = [MultiPoint([PLACES[one] for one in np.atleast_1d(unit)]) for _, unit in rows]
    index = pd.Index([f"f{n}" for n in range(len(rows))], name="facility", dtype=object)
    return gpd.GeoDataFrame({"service": [key for key, _ in rows]}, index=index, geometry=places, crs=UTM)


def counted(rows, *, origins=ORIGINS, listed=(), **more):
    given = standard(**more)
    people = residents(origins, UNITS)
    return completeness(facilities(*rows), UNITS, standard=given, people=people, listed=listed)


EIGHT_IN_W1 = [("station", "W1")] * 8


def test_residents_of_every_tier():
    assert residents(ORIGINS, UNITS).to_dict() == {"D": 2000, "W": 1500, "E": 500, "W1": 1300, "W2": 200}


def test_found_and_expected_by_hand():
    table = counted([*EIGHT_IN_W1, ("canteen", ("W1", "E")), ("elsewhere", "W1")])
    COMPLETENESS.check(table)
    assert table.index[:4].tolist() == ["D:station", "D:canteen", "D:court", "W:station"]
    of = table.set_index(["service", "unit"])
    assert of.loc["station", "found"].to_dict() == {"D": 8, "W": 8, "E": 0, "W1": 8, "W2": 0}
    assert of.loc["canteen", "found"].to_dict() == {"D": 1, "W": 1, "E": 1, "W1": 1, "W2": 0}  # an entrance in each
    assert of.loc["station", "expected"].to_dict() == {"D": 20, "W": 15, "E": 5, "W1": 13, "W2": 2}
    expected = {"D": 8, "W": 6, "E": 2, "W1": 5.2, "W2": 0.8}
    assert of.loc["canteen", "expected"].to_dict() == pytest.approx(expected)
    assert of.loc["court", "expected"].isna().all()
    assert of.loc[("station", "D"), "share"] == 0.4


def test_each_unit_is_judged_by_its_own_counts_or_by_those_above():
    of = counted(EIGHT_IN_W1).set_index(["service", "unit"])
    judged = {"D": "D", "W": "W", "E": "E", "W1": "W1", "W2": "W"}  # 2 expected in W2: that proves nothing
    assert of.loc["station", "judged_by"].to_dict() == judged
    # 8 of 20, 8 of 15, none of 5, 8 of 13; W2 as W
    assert of.loc["station", "known"].to_dict() == {"D": False, "W": True, "E": False, "W1": True, "W2": True}
    assert of.loc["canteen", "judged_by"].to_dict() == {"D": "D", "W": "W", "E": "D", "W1": "W1", "W2": "W"}
    assert set(of.loc["court", "judged_by"]) == {"D"}
    own = counted(EIGHT_IN_W1, complete_least=2).set_index(["service", "unit"])
    assert own.loc[("station", "W2"), ["known", "judged_by"]].tolist() == [False, "W2"]


def test_a_published_count_that_is_found_in_full_is_known_everywhere():
    short = counted([("canteen", "W1")] * 7).set_index(["service", "unit"]).loc["canteen"]
    assert short["known"].to_dict() == {"D": True, "W": True, "E": True, "W1": True, "W2": True}
    assert short.loc["W1", "judged_by"] == "W1"
    elsewhere = counted([("canteen", "E")] * 7).set_index(["service", "unit"]).loc["canteen"]
    assert not elsewhere.loc["W1", "known"]  # none of 5.2, and one of the eight is still to be found
    full = counted([("canteen", "E")] * 8).set_index(["service", "unit"]).loc["canteen"]
    assert full["known"].all()
    assert set(full["judged_by"]) == {"D"}


def test_where_nothing_is_expected_anything_found_is_enough():
    of = counted([("court", "E")]).set_index(["service", "unit"])
    assert of.loc["court", "known"].all()
    assert not counted([("station", "E")]).set_index(["service", "unit"]).loc["court", "known"].any()


def test_nobody_lives_there():
    table = counted([("station", "E")], origins=homes((0, "E")))
    COMPLETENESS.check(table)
    assert table["share"].isna().all()
    assert table.loc["D:station", ["expected", "known"]].tolist() == [0, True]
    assert not table.loc["D:canteen", "known"]


def test_one_whole_unit_judges_itself():
    whole = UNITS.loc[["D"]]
    people = residents(homes((100, "D")), whole)
    table = completeness(facilities(("station", "E")), whole, standard=standard(), people=people)
    assert table.loc["D:station", ["found", "expected", "known", "judged_by"]].tolist() == [1, 1, True, "D"]


def test_a_list_that_has_every_one_is_known_there_and_below():
    of = counted([], listed=[(["canteen"], ["西街道"]), (["station"], ["e"])]).set_index(["service", "unit"])
    assert of.loc["canteen", "known"].to_dict() == {"D": False, "W": True, "E": False, "W1": True, "W2": True}
    assert of.loc["canteen", "judged_by"].to_dict() == {"D": "D", "W": "table", "E": "D", "W1": "table", "W2": "table"}
    assert of.loc["station", "known"].to_dict() == {"D": False, "W": False, "E": True, "W1": False, "W2": False}
    everywhere = counted([], listed=[(["canteen"], ())]).set_index("service").loc["canteen"]
    assert everywhere["known"].all()
    assert set(everywhere["judged_by"]) == {"table"}


def test_unknown_units_and_services_are_named_at_once_with_the_nearest():
    with pytest.raises(ConfigError) as caught:
        counted([], listed=[(["canten", "court"], ["东街"]), (["station"], ["Z9"]), (["canten"], ())])
    said = str(caught.value)
    assert "complete_in: there is no unit '东街'. Did you mean 东街道?" in said
    assert "there is no unit 'Z9'. Known are: 全区" in said
    assert said.count("complete: there is no service 'canten'. Did you mean canteen?") == 1


def test_homes_know_what_their_unit_knows():
    table = counted(EIGHT_IN_W1)
    origins = homes((1, "W2"), (1, "E"), (1, "D"), (1, None), (1, "gone"))
    known = known_by_origin(table, origins, UNITS)
    assert known.columns.tolist() == ["station", "canteen", "court"]
    assert known["station"].tolist() == [True, False, False, False, False]  # outside of all: as the district
    everything = counted([], listed=[(["station", "canteen", "court"], ())])
    assert known_by_origin(everything, origins, UNITS).to_numpy().all()


def test_the_summary_says_which_list_to_get_next():
    table = counted([*EIGHT_IN_W1, ("canteen", "W1"), ("court", "E")])
    people = residents(ORIGINS, UNITS)
    found = completeness_summary(table, UNITS, people=people)
    assert found.index.tolist() == ["station", "canteen", "court"]
    assert found.loc["station", ["found", "expected", "share"]].tolist() == [8, 20, 0.4]
    assert found["known"].tolist() == [False, False, True]
    assert found[["units", "units_unknown"]].to_numpy().tolist() == [[3, 1], [3, 3], [3, 0]]
    assert found["people_unknown"].tolist() == [500, 2000, 0]
    text = completeness_text(found, standard=standard())
    lines = text.splitlines()
    assert len(lines) == 2 + 3 + 2
    assert "canteen站" in lines[3]
    assert lines[-1].index("canteen站") < lines[-1].index("station站")  # most people first


def wide(text):
    import unicodedata

    return sum(2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in text)


def test_the_columns_of_the_text_stand_under_one_another():
    people = residents(ORIGINS, UNITS)
    text = completeness_text(completeness_summary(counted([]), UNITS, people=people), standard=standard())
    head, rule, *rows = text.splitlines()[:5]
    assert set(rule) <= {"-", " "}
    ends = [wide(rule[:at]) for at in range(1, len(rule)) if rule[at] == " " and rule[at - 1] == "-"]
    for row in (head, *rows):
        cells = np.array([one for letter in row for one in (letter, *([""] * (wide(letter) - 1)))])
        assert all(cells[end] == " " for end in ends if end < len(cells)), row


def test_a_study_whose_lists_are_all_known_needs_none():
    table = counted([], listed=[(["station", "canteen", "court"], ())])
    found = completeness_summary(table, UNITS, people=residents(ORIGINS, UNITS))
    assert found["known"].all()
    assert completeness_text(found, standard=standard()).splitlines()[-1].startswith("清单都够完整")


SERVICES, WHERE = st.sampled_from(["station", "canteen", "court"]), st.sampled_from(["W1", "W2", "E"])
ROWS = st.lists(st.tuples(SERVICES, WHERE), max_size=25)
HOMES = st.lists(st.tuples(st.integers(0, 3000), WHERE), min_size=1, max_size=6)
FEW = settings(max_examples=60)


@FEW
@given(rows=ROWS, one=st.tuples(SERVICES, WHERE), people=HOMES)
def test_one_more_facility_never_makes_the_known_unknown(rows, one, people):
    origins = homes(*people)
    before, after = (counted(more, origins=origins)["known"] for more in (rows, [*rows, one]))
    assert (after | ~before).all()


@FEW
@given(rows=ROWS, people=HOMES, parts=st.lists(st.floats(0.01, 1), min_size=1, max_size=5))
def test_splitting_a_cluster_changes_nothing(rows, people, parts):
    (count, unit), *others = people
    split = [(count * part / sum(parts), unit) for part in parts]
    whole, many = (counted(rows, origins=homes(*some, *others)) for some in ([(count, unit)], split))
    pd.testing.assert_frame_equal(whole, many)


@FEW
@given(rows=ROWS, people=HOMES)
def test_with_complete_lists_everything_is_known(rows, people):
    table = counted(rows, origins=homes(*people), listed=[(["station", "canteen", "court"], ["D"])])
    assert table["known"].all()
    assert set(table["judged_by"]) == {"table"}


@FEW
@given(rows=ROWS, people=HOMES)
def test_whoever_judges_is_above_and_large_enough(rows, people):
    table = counted(rows, origins=homes(*people))
    above = {"D": ["D"], "W": ["W", "D"], "E": ["E", "D"], "W1": ["W1", "W", "D"], "W2": ["W2", "W", "D"]}
    of = table.set_index(["unit", "service"])
    for (unit, service), row in of.iterrows():
        judge = row["judged_by"]
        assert judge in above[unit]
        assert row["known"] == of.loc[(judge, service), "known"]
        assert judge == "D" or of.loc[(judge, service), "expected"] >= 3 - 1e-6


@pytest.mark.parametrize("study_name", ["yuzhong"])
def test_on_the_real_streets_most_services_are_unknown_and_none_of_those_is_a_gap(ran, study_name):
    study, _ = ran(study_name)
    found = study.completeness_summary
    social = found[~found["category"].isin(["commerce", "mobility"])]
    assert (~social["known"]).mean() > 0.9
    assert found.index[found["known"]].tolist() == ["supermarket", "rail"]
    unknown = study.completeness[~study.completeness["known"]]
    cells = set(zip(unknown["unit"], unknown["service"], strict=True))
    lacking = study.result.gaps
    assert len(lacking)
    assert not cells & set(zip(lacking["unit"], lacking["service"], strict=True))
    assert set(lacking["service"]) <= {"supermarket", "rail"}


@pytest.mark.parametrize("study_name", ["demo"])
def test_no_unknown_service_is_a_gap_in_any_run(ran, study_name):
    study, _ = ran(study_name)
    status, why = study.coverage.status.to_numpy(), study.coverage.why.to_numpy()
    unlisted = ~study.known.reindex(index=study.origins.index, columns=study.coverage.status.columns).to_numpy()
    assert unlisted.any()
    assert not (status[unlisted] == "gap").any()
    assert unlisted[why == "inventory"].all()
    terrain = study.result.terrain.set_index(["unit", "service"])["lost"]
    nowhere = study.completeness.groupby("service")["known"].any()
    assert terrain.loc[:, nowhere.index[~nowhere]].eq(0).all()


def test_the_worked_numbers_of_the_page():
    page = Path(__file__).parents[1] / "docs" / "methods" / "completeness.md"
    found = doctest.testfile(str(page), module_relative=False, encoding="utf-8")
    assert found.attempted >= 5
    assert found.failed == 0
