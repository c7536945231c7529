"""Trips: the toy town by hand, laws on random cities, networkx for the way back, what lies beyond the data."""

import city
import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import toytown
from circle15.errors import DataError
from circle15.network import WalkNetwork
from circle15.tables import limit_s

SLOW = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
WALKER = toytown.walker()
TRIPS = ("out", "back", "slower", "round")


def walked(network, origins, facilities, *, minutes=600.0):
    """Travel times of every trip."""
    return {
        trip: network.travel_times(origins, facilities, walker=WALKER, cutoff_minutes=minutes, trip=trip)
        for trip in TRIPS
    }


def table_of(times):
    return times.pairs().set_index(["origin", "facility"])["seconds"].to_dict()


@pytest.fixture(scope="module")
def town():
    return walked(WalkNetwork(toytown.streets()), toytown.origins(), toytown.facilities(), minutes=30)


# ----------------------------------------------------------------------------------------------- the town, by hand


@pytest.mark.parametrize(
    ("origin", "facility", "seconds"),
    [
        ("west", "library", (280.0, 300.0, 300.0, 580.0)),  # up the escalator; down two links, stairs, one link
        ("above", "kiosk", (360.0, 100.0, 360.0, 460.0)),  # down by the stairs, home by the escalator
        ("west", "clinic_900", (900.0, 900.0, 900.0, 1800.0)),
        ("yard", "shop", (60.0, 60.0, 60.0, 120.0)),
        ("west", "nursery", (480.0, 480.0, 480.0, 960.0)),  # into the yard and out again
        ("west", "shop", (780.0, 780.0, 780.0, 1560.0)),  # round the yard, both ways
        ("above", "library", (0.0, 0.0, 0.0, 0.0)),
    ],
)
def test_town(town, origin, facility, seconds):
    assert tuple(table_of(town[trip])[origin, facility] for trip in TRIPS) == seconds


def test_the_cutoff_is_held_against_the_value_of_the_trip(town):
    assert ("west", "clinic_900") in table_of(town["round"])  # 1,800 s in 30 minutes
    assert ("west", "clinic_901") not in table_of(town["round"])  # 1,802 s
    assert ("west", "clinic_901") in table_of(town["slower"])


def test_one_gate_in_and_another_out():
    """Up the escalator to the gate on the terrace in 100 s; home from the gate on the street in 180 s, not 360 s."""
    home = toytown.origins().loc[["below"]]
    gates = [shapely.MultiPoint([toytown.at(240, 80), toytown.at(480, 0)])]
    park = gpd.GeoDataFrame(geometry=gates, crs=toytown.CRS, index=["park"])
    found = walked(WalkNetwork(toytown.streets()), home, park, minutes=30)
    assert [found[trip].seconds.toarray()[0, 0] for trip in TRIPS] == [100.0, 180.0, 180.0, 280.0]


@pytest.mark.parametrize(
    ("trip", "seconds"),
    [
        ("out", [960.0, 780.0, 900.0, 600.0, np.inf, np.inf]),
        ("back", [960.0, 780.0, 880.0, 600.0, np.inf, np.inf]),  # home to the terrace by the escalator
        ("slower", [960.0, 780.0, 890.0, 600.0, np.inf, np.inf]),
        ("round", [np.inf, 1560.0, 1780.0, 1200.0, np.inf, np.inf]),  # 1,920 s is beyond the cut-off
    ],
)
def test_the_end_of_the_data(town, trip, seconds):
    assert town[trip].edge_s.tolist() == seconds


def test_half_the_sum_is_found_where_one_leg_is_longer_than_the_cutoff():
    """Out to the edge takes 240 s up the stairs, back 120 s: half the sum is 180 s, though 240 s is beyond 200 s."""
    street = toytown.streets()
    street = street[street["osm_id"].isin([toytown.STAIRS, "way/1"])]
    street = street.assign(at_edge=street["to_node"] == 22)
    home = gpd.GeoDataFrame(geometry=[toytown.at(80, 0)], crs=toytown.CRS, index=["home"])
    none = toytown.facilities().iloc[:0]
    network = WalkNetwork(street)
    edge = {
        trip: network.travel_times(home, none, walker=WALKER, cutoff_minutes=200 / 60, trip=trip).edge_s[0]
        for trip in TRIPS
    }
    assert edge == {"out": np.inf, "back": 120.0, "slower": 180.0, "round": np.inf}


def test_a_known_place_with_its_way_home_beyond_the_data():
    """Only a path beyond the data leads home from the clinic: the worse leg of 231 s is under the 240 s to the edge.

    ::

        home --240 s--> D ....1 s.... C --110 s-- clinic      the dots are missing from the data, which end at C and D
        home <--120 s-- D
        home --130 s--> clinic
    """
    nodes = np.array([(0.0, 0.0), (130.0, 0.0), (130.0, 110.0), (0.0, 110.0)]) + toytown.CORNER  # home, clinic, C, D
    ways = [(0, 3, False, 240), (3, 0, False, 120), (0, 1, False, 130), (1, 2, True, 110), (2, 3, True, 1)]
    table = city.streets(nodes, [(tail, head, "path", False, both) for tail, head, both, _ in ways])
    seconds = table["piece"].str.removeprefix("way/").astype(int).map(lambda number: ways[number][3])
    table = table.assign(length_m=seconds.astype(float), at_edge=table["to_node"].isin([2, 3]))
    steady = toytown.walker(flat_m_s=1.0)
    home, clinic = (
        gpd.GeoDataFrame(geometry=[shapely.Point(nodes[at])], crs=table.crs, index=[name])
        for at, name in ((0, "home"), (1, "clinic"))
    )
    asked = {"walker": steady, "cutoff_minutes": 30, "trip": "slower"}
    known = WalkNetwork(table[table["piece"] != "way/4"]).travel_times(home, clinic, **asked)
    whole = WalkNetwork(table).travel_times(home, clinic, **asked)
    assert known.seconds.nnz == 0
    assert whole.seconds.toarray().tolist() == [[231.0]]
    assert known.edge_s.tolist() == [180.0]  # half of 240 s out and 120 s back


# ---------------------------------------------------------------------------------------------- laws on random cities


@SLOW
@given(st.booleans().flatmap(lambda private: city.cities(private=private)))
def test_out_from_a_to_b_is_back_from_b_to_a(drawn):
    table, origins, facilities = drawn
    network = WalkNetwork(table)
    there = table_of(network.travel_times(origins, facilities, walker=WALKER, cutoff_minutes=600, trip="out"))
    again = table_of(network.travel_times(facilities, origins, walker=WALKER, cutoff_minutes=600, trip="back"))
    assert there == {(one, other): seconds for (other, one), seconds in again.items()}


@SLOW
@given(st.booleans().flatmap(lambda private: city.cities(private=private)), st.floats(2, 60))
def test_round_is_the_sum_and_slower_the_worse(drawn, minutes):
    table, origins, facilities = drawn
    network = WalkNetwork(table)
    out, back = (
        table_of(network.travel_times(origins, facilities, walker=WALKER, cutoff_minutes=600, trip=trip))
        for trip in ("out", "back")
    )
    both = out.keys() & back.keys()
    within = {trip: table_of(times) for trip, times in walked(network, origins, facilities, minutes=minutes).items()}
    limit = np.floor(minutes * 600 + 1e-6) / 10
    sums = {pair: round(out[pair] + back[pair], 1) for pair in both}
    assert within["round"] == {pair: seconds for pair, seconds in sums.items() if seconds <= limit}
    worse = {pair: max(out[pair], back[pair]) for pair in both}
    assert within["slower"] == {pair: seconds for pair, seconds in worse.items() if seconds <= limit}


@SLOW
@given(city.cities())
def test_each_leg_takes_its_best_entrance(drawn):
    table, origins, facilities = drawn
    network = WalkNetwork(table)
    gates = [shapely.multipoints(facilities.geometry.to_numpy())]
    park = gpd.GeoDataFrame(geometry=gates, crs=table.crs, index=["park"])
    one, each = (walked(network, origins, places) for places in (park, facilities))
    out, back = (each[trip].pairs().groupby("origin")["seconds"].min() for trip in ("out", "back"))
    sums, worse = (out + back).dropna().round(1), np.maximum(*out.align(back, join="inner"))
    for trip, least in (("out", out), ("back", back), ("round", sums), ("slower", worse)):
        assert table_of(one[trip]) == {(home, "park"): seconds for home, seconds in least.items()}


@SLOW
@given(city.cities())
def test_the_way_back_equals_networkx(drawn):
    table, origins, facilities = drawn
    times = WalkNetwork(table).travel_times(origins, facilities, walker=WALKER, cutoff_minutes=600, trip="back")
    homes, goals = city.spots(table, origins, times.origins), city.spots(table, facilities, times.facilities)
    slow = city.slow_seconds(table, WALKER, goals, homes)
    assert table_of(times) == {(home, goal): seconds for (goal, home), seconds in slow.items()}


@SLOW
@given(city.cities(), st.lists(st.floats(0.1, 30), min_size=3, max_size=3))
def test_looking_for_each_service_as_far_as_it_counts_finds_what_is_within(drawn, minutes):
    table, origins, facilities = drawn
    network, longest = WalkNetwork(table), max(minutes)
    services = [("near", "far", "else")[place % 3] for place in range(len(facilities))]  # the last is not asked about
    facilities = facilities.assign(service=services)
    asked = {"near": minutes[0], "far": minutes[1], "none has it": longest}
    each = facilities["service"].map(asked).fillna(longest)
    for trip, every in walked(network, origins, facilities, minutes=longest).items():
        some = network.travel_times(origins, facilities, walker=WALKER, cutoff_minutes=asked, trip=trip)
        near = every.within(each)
        assert table_of(some) == table_of(near)
        assert (some.seconds != near.seconds).nnz == 0
        assert some.seconds.has_sorted_indices
        assert some.each_s.tolist() == near.each_s.tolist() == [limit_s(one) for one in each]
        assert some.cutoff_s == every.cutoff_s
        assert some.edge_s.tolist() == every.edge_s.tolist()
        limits = dict(zip(facilities.index, each, strict=True))
        kept = {(a, b): s for (a, b), s in table_of(every).items() if s <= limit_s(limits[b])}
        assert table_of(near) == kept


def test_cutoffs_by_service_need_services():
    places = toytown.facilities().drop(columns="service")
    network = WalkNetwork(toytown.streets())
    with pytest.raises(DataError, match="column 'service' is missing"):
        network.travel_times(toytown.origins(), places, walker=WALKER, cutoff_minutes={"kiosk": 5})


@SLOW
@given(city.cities(), st.integers(0, 15))
def test_closing_a_link_never_shortens_any_trip(drawn, which):
    table, origins, facilities = drawn
    network = WalkNetwork(table)
    closed = network.without([table.index[which % len(table)]])
    before, after = (walked(one, origins, facilities) for one in (network, closed))
    for trip in TRIPS:
        was, now = table_of(before[trip]), table_of(after[trip])
        assert now.keys() <= was.keys()
        assert all(now[pair] >= was[pair] for pair in now)


@SLOW
@given(city.cities(), st.integers(0, 99), st.integers(0, 99))
def test_adding_a_link_never_lengthens_any_trip(drawn, one, other):
    table, origins, facilities = drawn
    ends = table.groupby("from_node").first()["geometry"].apply(lambda line: line.coords[0])
    tail, head = ends.index[one % len(ends)], ends.index[other % len(ends)]
    assume(tail != head)
    line = shapely.LineString([ends[tail], ends[head]])
    row = table.iloc[0].to_dict() | {"piece": "new/1#0", "osm_id": "new/1", "kind": "path", "access": "open"}
    there = row | {"from_node": tail, "to_node": head, "length_m": line.length, "geometry": line}
    back = there | {"from_node": head, "to_node": tail, "geometry": line.reverse()}
    index = pd.Index(["new/1#0>", "new/1#0<"], name=table.index.name)
    more = gpd.GeoDataFrame([there, back], index=index, crs=table.crs)[table.columns]
    grown = pd.concat([table, more])
    before, after = (walked(WalkNetwork(one), origins, facilities) for one in (table, grown))
    for trip in TRIPS:
        was, now = table_of(before[trip]), table_of(after[trip])
        assert was.keys() <= now.keys()
        assert all(now[pair] <= was[pair] for pair in was)


@settings(SLOW, max_examples=80)
@given(city.cities(), st.integers(0, 2**16 - 1))
def test_no_place_beyond_the_data_is_nearer_than_the_edge_says(drawn, cut):
    """A city, and what is left of it when some ways are missing from the data: whatever is new or quicker in the
    whole city takes at least the seconds to the edge."""
    whole, origins, facilities = drawn
    number = whole["piece"].str.removeprefix("way/").astype(int)
    missing = np.array([bool(cut >> one & 1) for one in number])
    beyond = np.unique(whole.loc[missing, ["from_node", "to_node"]])
    assume(not missing.all())
    left = whole[~missing]
    left = left.assign(at_edge=left["to_node"].isin(beyond))
    # Nobody can tell from the links that a way comes in from beyond where none leads there.
    assume(set(left["from_node"]) & set(beyond) <= set(left["to_node"]))
    more, less = (walked(WalkNetwork(one), origins, facilities) for one in (whole, left))
    same = less["out"].origins.table["link"] == more["out"].origins.table["link"]
    known = less["out"].facilities.table["link"] == more["out"].facilities.table["link"]
    outside = more["out"].facilities.table["link"].isin(whole.index[missing])
    for trip in TRIPS:
        was = table_of(less[trip])
        edge = dict(zip(origins.index, less[trip].edge_s, strict=True))
        for (home, goal), seconds in table_of(more[trip]).items():
            if not same[home] or not (known[goal] or outside[goal]):
                continue
            if outside[goal] or was.get((home, goal)) != seconds:
                assert seconds >= edge[home]


@pytest.mark.real
def test_a_real_city_both_ways(real_data):
    from circle15.sources.areas import read_area
    from circle15.sources.osm import read_osm
    from circle15.sources.streets import read_streets
    from circle15.sources.terrain import read_terrain

    folder = real_data / "yuzhong"
    area = read_area(folder / "boundary.geojson", name="Yuzhong", margin_m=500, crs="EPSG:32648")
    table = read_streets(read_osm(folder / "yuzhong.osm.pbf"), area, terrain=read_terrain(folder / "srtm30.tif", area))
    random = np.random.default_rng(15)
    spots = [list(zip(random.integers(0, len(table), 80), random.random(80), strict=True)) for _ in range(2)]
    homes, goals = (
        city.points_on(table, spots[0], name="origin", off=4.0),
        city.points_on(table, spots[1], name="facility", off=-7.0),
    )
    found = walked(WalkNetwork(table), homes, goals, minutes=45)
    there, again, worse, both = (table_of(found[trip]) for trip in TRIPS)
    turned = WalkNetwork(table).travel_times(goals, homes, walker=WALKER, cutoff_minutes=45)
    assert again == {(home, goal): seconds for (goal, home), seconds in table_of(turned).items()}
    assert worse == {pair: max(there[pair], again[pair]) for pair in there.keys() & again.keys()}
    assert both == {
        pair: round(there[pair] + again[pair], 1)
        for pair in there.keys() & again.keys()
        if there[pair] + again[pair] <= 45 * 60
    }
    assert sum(there[pair] != again[pair] for pair in worse) > len(worse) / 2  # hills, and escalators one way
