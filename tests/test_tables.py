from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from pyproj import CRS
from scipy.sparse import csr_array
from shapely import MultiPoint, Point, box

from circle15.errors import CutoffError, DataError
from circle15.tables import FACILITIES, TABLES, Placement, StudyArea, TravelTimes, dictionary

UTM = CRS("EPSG:32648")


def facilities(**changes):
    row = {
        "place": "node/1",
        "category": "health",
        "service": "pharmacy",
        "tier": "community",
        "name": None,
        "capacity": np.nan,
        "floor_area_m2": np.nan,
        "source": "test",
        "verified": True,
        "entrance_from": "point",
    } | changes
    index = pd.Index(["f1"], name="facility")
    return gpd.GeoDataFrame([row], index=index, geometry=[MultiPoint([(0, 0)])], crs=UTM)


def test_a_good_table_passes_and_is_not_changed():
    frame = facilities()
    before = frame.copy()
    FACILITIES.check(frame, crs=UTM)
    pd.testing.assert_frame_equal(frame, before)


def test_all_findings_come_at_once():
    bad = (
        facilities(tier="village", place=None, capacity=-2.0).drop(columns="source").set_crs(4326, allow_override=True)
    )
    bad = pd.concat([bad, bad])
    with pytest.raises(DataError) as error:
        FACILITIES.check(bad, where="inventory.csv")
    text = str(error.value)
    assert all(line.startswith("inventory.csv: ") for line in text.splitlines())
    for part in (
        "column source is missing",
        "more than once (first: f1)",
        "village",
        "no place",
        "capacity",
        "EPSG:4326",
    ):
        assert part in text


@pytest.mark.parametrize(
    ("spoil", "part"),
    [
        (lambda frame: frame.set_geometry([Point(0, 0)]), "geometry holds Point"),
        (lambda frame: frame.set_crs(None, allow_override=True), "CRS is not stated"),
        (lambda frame: frame.set_geometry([None], crs=UTM), "1 rows have no geometry (first: f1)"),
        (lambda frame: pd.DataFrame(frame).drop(columns="geometry"), "no geometry column"),
        (lambda frame: frame.rename_axis("id"), "'id', not 'facility'"),
        (lambda frame: frame.to_crs(32649), "EPSG:32649"),
    ],
)
def test_each_breach_is_named(spoil, part):
    with pytest.raises(DataError, match=r".") as error:
        FACILITIES.check(spoil(facilities()), crs=UTM)
    assert part in str(error.value)


def test_the_dictionary_names_every_column_once():
    listed = dictionary()
    assert not listed.duplicated(["table", "column"]).any()
    assert set(listed["table"]) == set(TABLES)
    assert listed["words"].str.endswith(".").all()


def test_study_area_in_degrees():
    area = StudyArea("Square", box(600000, 3270000, 601000, 3271000), UTM, margin_m=100)
    west, south, east, north = area.extent_lonlat.bounds
    assert 106 < west < east < 107
    assert 29 < south < north < 30


def travel_times(cutoff_s=900.0):
    placed = Placement(pd.DataFrame({"how": ["main", "far"]}, index=["a", "b"]))
    there = Placement(pd.DataFrame({"how": ["main", "island"]}, index=["x", "y"]))
    seconds = csr_array(([0.0, 900.0], ([0, 0], [0, 1])), shape=(2, 2))
    ids = pd.Index(["a", "b"]), pd.Index(["x", "y"])
    return TravelTimes(seconds, *ids, cutoff_s, np.array([np.inf, np.inf]), placed, there, "adult")


def test_travel_times_keep_a_zero_and_every_origin():
    times = travel_times()
    assert times.pairs().to_dict("list") == {"origin": ["a", "a"], "facility": ["x", "y"], "seconds": [0.0, 900.0]}
    assert list(times.origins.unplaced) == ["b"]
    assert times.facilities.counts() == {"main": 1, "island": 1, "far": 0}


def test_asking_beyond_what_was_computed_is_an_error():
    travel_times().require(15)
    with pytest.raises(CutoffError, match=r"20 minutes were asked of times computed to 15 minutes"):
        travel_times().require(20)


@pytest.mark.parametrize("minutes", [0.13, 0.27, 2.3, 1157 / 60])
def test_what_was_computed_may_be_asked(minutes):
    """60 times 0.13 is 7.800000000000001 in binary fractions, and 7.8 s were searched."""
    times = travel_times(cutoff_s=round(minutes * 600) / 10)
    times.require(minutes)
    with pytest.raises(CutoffError):
        times.require(minutes + 0.1 / 60)


WALKS = pd.DataFrame({"origin": ["a", "a", "b"], "facility": ["y", "x", "x"], "seconds": [0, 900, 30]})
IDS = {"origin_ids": ["a", "b", "c"], "facility_ids": ["x", "y"]}


def test_times_from_pairs_keep_every_id_and_a_walk_of_no_time():
    given = WALKS.copy()
    times = TravelTimes.from_pairs(given, **IDS, cutoff_minutes=15, walker="mine")
    assert times.seconds.toarray().tolist() == [[900, 0], [30, 0], [0, 0]]
    assert times.seconds.nnz == 3
    back = times.pairs()[["origin", "facility", "seconds"]].sort_values("seconds", ignore_index=True)
    pd.testing.assert_frame_equal(back, given.sort_values("seconds", ignore_index=True), check_dtype=False)
    assert (times.cutoff_s, times.walker, times.trip) == (900, "mine", "out")
    assert times.edge_s.tolist() == [np.inf] * 3
    assert not len(times.origins.unplaced)
    assert times.findings() == []
    pd.testing.assert_frame_equal(given, WALKS)


def test_pairs_that_cannot_be_read_are_refused_with_all_that_is_wrong():
    walks = pd.DataFrame({"origin": ["a", "a", "z"], "facility": ["x", "x", "y"], "seconds": [1, -1, "far"]})
    with pytest.raises(DataError) as raised:
        TravelTimes.from_pairs(walks, origin_ids=["a", "b", "b"], facility_ids=["x"], cutoff_minutes=15)
    said = str(raised.value)
    assert len(raised.value.findings) == 5
    assert "origin_ids: 1 ids occur more than once (first: b)" in said
    assert "pairs, column origin: 1 ids are not known (first: z)" in said
    assert "pairs, column facility: 1 ids are not known (first: y)" in said
    assert "1 pairs occur more than once (first in row 1)" in said
    assert "2 walks are not numbers of seconds from 0 to the cut-off of 900 s" in said
    with pytest.raises(DataError, match="column facility, seconds is missing"):
        TravelTimes.from_pairs(walks[["origin"]], **IDS, cutoff_minutes=15)
    with pytest.raises(DataError, match=r"1 walks are not numbers of seconds from 0 to the cut-off of 899\.9 s"):
        TravelTimes.from_pairs(WALKS, **IDS, cutoff_minutes=14.999)


def test_times_to_some_facilities():
    times = TravelTimes.from_pairs(WALKS, **IDS, cutoff_minutes=15)
    only = times.to(["y"])
    assert only.seconds.toarray().tolist() == [[0], [0], [0]]
    assert only.seconds.nnz == 1  # a walk of no time, and two that were not reached
    assert only.facilities.table.index.tolist() == only.facility_ids.tolist() == ["y"]
    assert only.origin_ids.equals(times.origin_ids)
    turned = times.to(pd.Index(["y", "x"], name="facility"))
    assert turned.seconds.toarray().tolist() == [[0, 900], [0, 30], [0, 0]]
    assert turned.findings() == []
    assert times.to([]).seconds.shape == (3, 0)
    assert times.seconds.toarray().tolist() == [[900, 0], [30, 0], [0, 0]]
    with pytest.raises(DataError, match=r"more than once \(first: x\)[\s\S]*are not known \(first: z\)"):
        times.to(["x", "z", "x"])


def test_entries_stored_in_any_order_are_not_stored_twice():
    mixed = csr_array(([900.0, 0.0], [1, 0], [0, 2, 2]), shape=(2, 2))
    times = replace(travel_times(), seconds=mixed)
    assert times.findings() == []
    assert mixed.indices.tolist() == [1, 0]  # and stay as they were
    assert times.to(["x", "y"]).seconds.indices.tolist() == [0, 1]
