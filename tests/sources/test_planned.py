"""Places as a scenario has them, by hand."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from pyproj import CRS

from circle15.errors import DataError
from circle15.project import FacilityEdit, Scenario, Standard
from circle15.sources.datum import from_wgs84
from circle15.sources.planned import planned_facilities, unknown_links
from circle15.tables import FACILITIES, StudyArea

UTM = CRS("EPSG:32648")
AREA = StudyArea("Square", shapely.box(650_000, 3_270_000, 651_000, 3_271_000), UTM, margin_m=100)
STANDARD = Standard.load("yuzhong-15min")
LON, LAT = gpd.GeoSeries.from_xy([650_500], [3_270_500], crs=UTM).to_crs(4326)[0].coords[0]
AT = {"lon": LON, "lat": LAT}


@pytest.fixture
def facilities():
    rows = {
        "list/1/canteen": ("list/1", "canteen", "食堂甲", 300.0),
        "list/1/elder_station": ("list/1", "elder_station", "食堂甲", 200.0),
        "list/2/canteen": ("list/2", "canteen", "食堂乙", np.nan),
        "list/3/canteen": ("list/3", "canteen", "Same", 100.0),
        "node/4/pharmacy": ("node/4", "pharmacy", "Same", np.nan),
    }
    frame = pd.DataFrame(
        [(place, STANDARD.service(key).category, key, "community", name, np.nan, m2, "list.csv", True, "table")
         for place, key, name, m2 in rows.values()],
        columns=FACILITIES.names[:-1], index=pd.Index(rows, name="facility"),
    )  # fmt: skip
    shapes = [shapely.MultiPoint([(650_100 + 100 * at, 3_270_100)]) for at in range(len(rows))]
    return gpd.GeoDataFrame(frame.assign(hours="9-17"), geometry=shapes, crs=UTM)


def planned(facilities, *edits, merged=None):
    scenario = Scenario(name="x", facilities=[FacilityEdit(**one) for one in edits])
    return planned_facilities(facilities, scenario, AREA, standard=STANDARD, merged=merged)


def findings(facilities, *edits, merged=None):
    with pytest.raises(DataError) as error:
        planned(facilities, *edits, merged=merged)
    return [str(one) for one in error.value.findings]


def test_a_place_with_two_services_is_added_once_and_marked(facilities):
    before = facilities.copy()
    edit = {"do": "add", "services": ["nursery", "canteen"], "name": "新", **AT, "datum": "wgs84", "capacity": 30}
    found = planned(facilities, edit, {"do": "add", "services": "toilet", **AT, "datum": "wgs84"})
    pd.testing.assert_frame_equal(facilities, before)
    pd.testing.assert_frame_equal(found.iloc[:5], before)
    assert found.index[5:].tolist() == ["scenario/1/nursery", "scenario/1/canteen", "scenario/2/toilet"]
    new = found.loc["scenario/1/nursery"]
    assert new[["place", "category", "tier", "name", "capacity", "source", "verified"]].tolist() == [
        "scenario/1", "childcare", STANDARD.service("nursery").tier, "新", 30.0, "scenario", False,
    ]  # fmt: skip
    assert new.geometry.equals_exact(shapely.MultiPoint([(650_500, 3_270_500)]), 0.01)
    assert pd.isna(found.loc["scenario/2/toilet", "hours"])
    assert (found.dtypes == before.dtypes).all()


def test_a_place_is_put_where_its_datum_says(facilities):
    lon, lat = from_wgs84(np.array([[AT["lon"], AT["lat"]]]), "gcj02")[0]
    found = planned(facilities, {"do": "move", "id": "list/2", "lon": lon, "lat": lat, "datum": "gcj02"})
    assert found.geometry["list/2/canteen"].equals_exact(shapely.MultiPoint([(650_500, 3_270_500)]), 0.01)


def test_only_what_is_named_moves_and_a_service_that_leaves_its_place_is_one_of_its_own(facilities):
    there = {**AT, "datum": "wgs84"}
    whole = planned(facilities, {"do": "move", "id": "list/1", **there})
    assert (whole["place"] == facilities["place"]).all()
    assert (whole["source"] == "scenario").tolist() == [True, True, False, False, False]
    part = planned(facilities, {"do": "move", "id": "list/1/canteen", **there})
    assert part.loc["list/1/canteen", ["place", "entrance_from"]].tolist() == ["list/1/canteen", "point"]
    pd.testing.assert_frame_equal(part.iloc[1:], facilities.iloc[1:])


def test_closing_takes_the_rows_away_and_nothing_else(facilities):
    pd.testing.assert_frame_equal(planned(facilities, {"do": "close", "id": "食堂甲"}), facilities.iloc[2:])
    one = planned(facilities, {"do": "close", "id": "list/1/canteen"})
    pd.testing.assert_frame_equal(one, facilities.iloc[1:])


def test_to_enlarge_states_what_there_is_in_all(facilities):
    found = planned(facilities, {"do": "enlarge", "id": "list/1", "floor_area_m2": 500, "capacity": 20})
    assert found["floor_area_m2"].tolist()[:2] == [500, 500]
    assert found["capacity"].tolist()[:2] == [20, 20]
    assert found.geometry.equals(facilities.geometry)
    assert planned(facilities, {"do": "enlarge", "id": "食堂乙", "floor_area_m2": 1})["floor_area_m2"].iloc[2] == 1
    both = {"do": "move", "id": "list/1", **AT, "datum": "wgs84"}, {"do": "enlarge", "id": "list/1", "capacity": 9}
    assert planned(facilities, *both)["capacity"].tolist()[:2] == [9, 9]


def test_every_finding_at_once_each_with_its_mend(facilities):
    gone = pd.DataFrame({"kept": ["list/2/canteen"], "dropped": ["node/7/canteen"], "verdict": ["merged"]})
    far = {"lon": 107.0, "lat": 29.5, "datum": "wgs84"}
    found = findings(
        facilities,
        {"do": "close", "id": "list/9"},
        {"do": "close", "id": "Same"},
        {"do": "close", "id": "node/7"},
        {"do": "add", "services": ["canten"], **far},
        {"do": "close", "id": "list/2"},
        {"do": "enlarge", "id": "食堂乙", "capacity": 3},
        {"do": "enlarge", "id": "list/3", "floor_area_m2": 99},
        {"do": "enlarge", "id": "list/3", "floor_area_m2": 101},
        merged=gone,
    )
    assert found == [
        "[[scenario]] x, facilities #1: there is no place 'list/9'. Did you mean list/1?",
        "[[scenario]] x, facilities #2: 2 places are named 'Same'. Give the id of one: list/3, node/4.",
        (
            "[[scenario]] x, facilities #3: there is no place 'node/7'. It was taken as one with list/2/canteen"
            " (merges.csv); name that."
        ),
        found[3],
        "[[scenario]] x, facilities #4: there is no service 'canten'. Did you mean canteen?",
        "[[scenario]] x, facilities #6: '食堂乙' is closed, and something else besides. Keep one of the two.",
        (
            "[[scenario]] x, facilities #7: floor_area_m2 of 'list/3' is 100 already, and 99 is no more."
            " Give what it has in all when it is enlarged."
        ),
        "[[scenario]] x, facilities #8: 'list/3' is named twice to enlarge. Keep one of the two.",
    ]
    assert "107, 29.5 lies" in found[3]
    assert found[3].endswith("m beyond the study area and its margin. Check longitude, latitude and their datum.")


def test_a_place_that_is_already_called_so_is_not_taken_over(facilities):
    taken = facilities.assign(place=["scenario/1", *facilities["place"].iloc[1:]])
    found = planned(taken, {"do": "add", "services": "toilet", **AT, "datum": "wgs84"})
    assert found.index[-1] == "scenario/2/toilet"


def test_the_last_facility_stays(facilities):
    ids = [{"do": "close", "id": one} for one in ("list/1", "list/2", "list/3", "node/4")]
    assert "it closes every facility there is" in findings(facilities, *ids)[0]
    assert len(planned(facilities, *ids, {"do": "add", "services": "toilet", **AT, "datum": "wgs84"})) == 1


def test_links_that_there_are_none_of():
    streets = pd.DataFrame({"osm_id": ["way/1", "way/1", "node/5"]}, index=["way/1#0>", "way/1#0<", "node/5#0>"])
    scenario = Scenario(name="x", close=("way/1", "way/1#0<", "way/11"))
    assert [str(one) for one in unknown_links(streets, scenario)] == [
        "[[scenario]] x, close: there is no link 'way/11'. Did you mean way/1?"
    ]
