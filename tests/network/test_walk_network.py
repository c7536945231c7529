"""Travel times: the toy town by hand, random cities against networkx, a real city against networkx."""

import re

import city
import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import toytown
from circle15.errors import CutoffError, DataError
from circle15.network import WalkNetwork
from circle15.project import Walker
from circle15.tables import EVIDENCE, LINK_KINDS

SLOW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
WALKER = toytown.walker()


def table_of(times):
    return times.pairs().set_index(["origin", "facility"])["seconds"].to_dict()


@pytest.fixture(scope="module")
def network():
    return WalkNetwork(toytown.streets())


@pytest.fixture(scope="module")
def times(network):
    return network.travel_times(toytown.origins(), toytown.facilities(), walker=WALKER, cutoff_minutes=30)


# ----------------------------------------------------------------------------------------------- the town, by hand


@pytest.mark.parametrize(
    ("origin", "facility", "seconds"),
    [
        ("west", "clinic_900", 900.0),
        ("west", "clinic_901", 901.0),
        ("west", "library", 280.0),  # three links, then the escalator
        ("below", "library", 100.0),  # the escalator runs up,
        ("above", "kiosk", 360.0),  # not down: two links, stairs, two links
        ("west", "park", 460.0),  # gate on the terrace: three links, the escalator, three links
        ("yard", "park", 360.0),  # gate on the street: one link out of the yard, five links
        ("west", "nursery", 480.0),  # into the yard
        ("west", "shop", 780.0),  # not through it, though that would be 540 s
        ("yard", "shop", 60.0),  # out of the yard at the back
        ("yard", "kiosk", 300.0),  # and at the front
        ("island", "post", 420.0),
        ("above", "library", 0.0),
    ],
)
def test_town(times, origin, facility, seconds):
    assert table_of(times)[origin, facility] == seconds


def test_what_is_not_reached_is_not_stored(times):
    reached = table_of(times)
    assert ("west", "post") not in reached
    assert ("island", "shop") not in reached
    assert not [pair for pair in reached if pair[0] == "nowhere"]
    assert times.seconds.shape == (6, 8)
    assert times.seconds.has_sorted_indices


def test_the_cutoff_is_inclusive_to_the_tick(network):
    found = network.travel_times(toytown.origins(), toytown.facilities(), walker=WALKER, cutoff_minutes=15)
    reached = table_of(found)
    assert reached["west", "clinic_900"] == 900.0
    assert ("west", "clinic_901") not in reached
    just = network.travel_times(toytown.origins(), toytown.facilities(), walker=WALKER, cutoff_minutes=901 / 60)
    assert ("west", "clinic_901") in table_of(just)


@pytest.mark.parametrize(("length", "within"), [(900.0, True), (900.1, False)])
def test_nine_hundred_metres_at_one_metre_a_second(length, within):
    nodes = np.array([(toytown.EAST, toytown.NORTH), (toytown.EAST + 900, toytown.NORTH)])
    street = city.streets(nodes, [(0, 1, "street", False, True)]).assign(length_m=length)
    ends = [gpd.GeoDataFrame(geometry=[shapely.Point(one)], crs=street.crs, index=["here"]) for one in nodes]
    found = WalkNetwork(street).travel_times(*ends, walker=toytown.walker(flat_m_s=1.0))
    assert (found.seconds.nnz == 1) is within


def test_seconds_to_the_end_of_the_data(times):
    assert times.edge_s.tolist() == [960.0, 780.0, 900.0, 600.0, np.inf, np.inf]


def test_the_end_of_the_data_beyond_the_cutoff_is_not_seen(network):
    found = network.travel_times(toytown.origins(), toytown.facilities(), walker=WALKER, cutoff_minutes=10)
    assert found.edge_s.tolist() == [np.inf, np.inf, np.inf, 600.0, np.inf, np.inf]


def test_placement_is_reported(times):
    assert times.origins.counts() == {"main": 4, "island": 1, "far": 1}
    assert times.origins.unplaced.tolist() == ["nowhere"]
    assert times.facilities.counts() == {"main": 7, "island": 1, "far": 0}


def test_the_off_road_leg_is_timed(network):
    near, far = (gpd.GeoDataFrame(geometry=[toytown.at(0, -off)], crs=toytown.CRS, index=["home"]) for off in (0, 50))
    seconds = [
        network.travel_times(home, toytown.facilities(), walker=WALKER).seconds.toarray()[0, 3] for home in (near, far)
    ]
    assert seconds[1] - seconds[0] == 50.0


def test_when_the_escalator_stops_those_below_walk_round_and_nobody_else_loses(network, times):
    closed = network.without([toytown.ESCALATOR])
    after = table_of(closed.travel_times(toytown.origins(), toytown.facilities(), walker=WALKER, cutoff_minutes=30))
    before = table_of(times)
    assert after["below", "library"] == 360.0  # two links, lift, bridge, two links
    assert after["west", "library"] == 420.0  # one link, stairs, two links
    lost = {pair for pair in before if before[pair] != after[pair]}
    homes = [("west", "library"), ("below", "library"), ("yard", "library"), ("west", "park"), ("below", "park")]
    assert lost == set(homes)
    assert network.facts()["links_by_kind"]["escalator"] == 1
    assert closed.facts()["links_by_kind"]["escalator"] == 0
    assert closed.facts()["closed_links"] == 1
    assert len(closed.streets) == len(network.streets) - 1


def test_who_lives_on_a_closed_street_still_gets_to_its_ends(network):
    closed = network.without(["way/4"])
    after = table_of(closed.travel_times(toytown.origins(), toytown.facilities(), walker=WALKER, cutoff_minutes=30))
    assert after["yard", "shop"] == 60.0
    home = gpd.GeoDataFrame(geometry=[toytown.at(40, 0)], crs=toytown.CRS, index=["home"])
    street = network.without(["way/1"]).travel_times(home, toytown.facilities(), walker=WALKER, cutoff_minutes=30)
    assert table_of(street)["home", "library"] == 30.0 + 240.0 + 120.0  # half a link, the stairs, two links


def test_one_direction_of_an_element_closes_alone(network):
    down = "way/20#35<"
    closed = network.without([down])
    assert network.streets.loc[down, "from_node"] == 22
    assert closed.facts()["closed_links"] == 1
    found = {
        trip: table_of(
            closed.travel_times(toytown.origins(), toytown.facilities(), walker=WALKER, cutoff_minutes=30, trip=trip)
        )
        for trip in ("out", "back")
    }
    assert found["out"]["above", "kiosk"] == 360.0  # two links, stairs, two links; or bridge and lift: as long
    both = network.without([down, toytown.LIFT])
    after = both.travel_times(toytown.origins(), toytown.facilities(), walker=WALKER, cutoff_minutes=30)
    assert ("above", "kiosk") not in table_of(after)
    assert ("below", "library") in table_of(after)  # up is open


def test_a_walker_without_stairs_takes_the_lift(network):
    rolling = toytown.walker(forbidden=frozenset({"stairs", "escalator"}))
    found = table_of(network.travel_times(toytown.origins(), toytown.facilities(), walker=rolling, cutoff_minutes=30))
    assert found["above", "kiosk"] == 360.0  # two links, bridge, lift, two links
    assert found["below", "library"] == 360.0


def test_a_walker_by_name(network):
    by_name = network.travel_times(toytown.origins(), toytown.facilities(), walker="adult")
    by_record = network.travel_times(toytown.origins(), toytown.facilities(), walker=Walker.load("adult"))
    assert table_of(by_name) == table_of(by_record)
    assert by_name.walker == "adult"


def test_several_entrances_are_one_facility(network):
    both = toytown.facilities().loc[["park"]]
    gates = both.explode(index_parts=False).reset_index(drop=True).rename("gate{}".format)
    best = network.travel_times(toytown.origins(), both, walker=WALKER, cutoff_minutes=30).seconds.toarray()[:, 0]
    each = network.travel_times(toytown.origins(), gates, walker=WALKER, cutoff_minutes=30).seconds.toarray()
    assert each.shape[1] == 2
    assert best[:4].tolist() == each[:4].min(axis=1).tolist()


# ------------------------------------------------------------------------------------------- against slow, plain walks


@SLOW
@given(city.cities())
def test_equals_networkx(drawn):
    table, origins, facilities = drawn
    network = WalkNetwork(table)
    times = network.travel_times(origins, facilities, walker=WALKER, cutoff_minutes=600)
    slow = city.slow_seconds(
        table, WALKER, city.spots(table, origins, times.origins), city.spots(table, facilities, times.facilities)
    )
    assert table_of(times) == slow


@SLOW
@given(city.cities(private=True))
def test_private_links_only_at_start_and_end(drawn):
    """Every simple walk is listed; those that pass from open ground through private ground to open ground are out."""
    table, origins, facilities = drawn
    network = WalkNetwork(table)
    times = network.travel_times(origins, facilities, walker=WALKER, cutoff_minutes=600)
    placed = [city.spots(table, *pair) for pair in ((origins, times.origins), (facilities, times.facilities))]
    graph = city.split_graph(table, WALKER, *placed)
    slow = {}
    for home in placed[0]:
        for goal in placed[1]:
            if not (graph.has_node(("origin", home)) and graph.has_node(("facility", goal))):
                continue
            for walk in nx.all_simple_edge_paths(graph, ("origin", home), ("facility", goal)):
                steps = [graph.edges[step] for step in walk]
                word = "".join(step["access"][0] for step in steps)
                if re.fullmatch("d|p*o*p*", word):
                    ticks = sum(step["ticks"] for step in steps)
                    slow[home, goal] = min(slow.get((home, goal), np.inf), ticks / 10)
    assert table_of(times) == slow


@SLOW
@given(city.cities(), st.integers(0, 15))
def test_closing_a_link_never_shortens(drawn, which):
    table, origins, facilities = drawn
    network = WalkNetwork(table)
    names = table["osm_id"].unique()
    closed = network.without([names[which % len(names)]])
    before, after = (
        table_of(one.travel_times(origins, facilities, walker=WALKER, cutoff_minutes=600)) for one in (network, closed)
    )
    assert set(after) <= set(before)
    assert all(after[pair] >= before[pair] for pair in after)


@SLOW
@given(city.cities(), st.floats(1, 30), st.floats(1, 30))
def test_a_longer_cutoff_only_adds(drawn, one, other):
    table, origins, facilities = drawn
    network = WalkNetwork(table)
    short, long = (
        table_of(network.travel_times(origins, facilities, walker=WALKER, cutoff_minutes=minutes))
        for minutes in sorted((one, other))
    )
    assert short.items() <= long.items()


@SLOW
@given(city.cities(private=True), st.randoms(use_true_random=False))
def test_names_and_order_change_nothing(drawn, random):
    table, origins, facilities = drawn
    before = table_of(WalkNetwork(table).travel_times(origins, facilities, walker=WALKER, cutoff_minutes=600))
    order = list(range(len(table)))
    random.shuffle(order)
    ends = table[["from_node", "to_node"]]
    shuffled = table.assign(**(10_007 * (ends + 3) % 65_537 - 40_000)).iloc[order]
    shuffled = shuffled.assign(piece=[name[::-1] for name in shuffled["piece"]])
    shuffled.index = pd.Index([name[::-1] for name in shuffled.index], name="link")
    after = WalkNetwork(shuffled).travel_times(
        origins.iloc[::-1], facilities.iloc[::-1], walker=WALKER, cutoff_minutes=600
    )
    assert table_of(after) == before


@SLOW
@given(city.cities())
def test_one_more_facility_never_hurts(drawn):
    table, origins, facilities = drawn
    network = WalkNetwork(table)
    times = network.travel_times(origins, facilities, walker=WALKER, cutoff_minutes=600)
    fewer = network.travel_times(origins, facilities.iloc[1:], walker=WALKER, cutoff_minutes=600)
    nearest, before = (one.pairs().groupby("origin")["seconds"].min() for one in (times, fewer))
    assert (nearest.reindex(before.index) <= before).all()


@pytest.mark.real
def test_a_real_city_equals_networkx(real_data):
    from circle15.sources.areas import read_area
    from circle15.sources.osm import read_osm
    from circle15.sources.streets import read_streets
    from circle15.sources.terrain import read_terrain

    folder = real_data / "yuzhong"
    area = read_area(folder / "boundary.geojson", name="Yuzhong", margin_m=500, crs="EPSG:32648")
    terrain = read_terrain(folder / "srtm30.tif", area)
    table = read_streets(read_osm(folder / "yuzhong.osm.pbf"), area, terrain=terrain)
    table = table[table["access"] == "open"]
    random = np.random.default_rng(15)
    spots = [list(zip(random.integers(0, len(table), size), random.random(size), strict=True)) for size in (200, 60)]
    origins = city.points_on(table, spots[0], name="origin", off=4.0)
    facilities = city.points_on(table, spots[1], name="facility", off=-7.0)
    times = WalkNetwork(table).travel_times(origins, facilities, walker="adult", cutoff_minutes=45)
    slow = city.slow_seconds(
        table,
        Walker.load("adult"),
        city.spots(table, origins, times.origins),
        city.spots(table, facilities, times.facilities),
    )
    assert len(slow) > 5000
    assert table_of(times) == {pair: seconds for pair, seconds in slow.items() if seconds <= 45 * 60}


# ------------------------------------------------------------------------------------------------- doors and manners


def test_nothing_asked_nothing_answered(network):
    homes, places = toytown.origins(), toytown.facilities()
    none = network.travel_times(homes.iloc[:0], places, walker=WALKER)
    assert none.seconds.shape == (0, 8)
    assert none.edge_s.shape == (0,)
    none = network.travel_times(homes, places.iloc[:0], walker=WALKER)
    assert none.seconds.shape == (6, 0)
    assert none.edge_s.shape == (6,)
    assert none.facilities.counts() == {"main": 0, "island": 0, "far": 0}


def test_no_streets_no_way():
    network = WalkNetwork(toytown.streets().iloc[:0])
    times = network.travel_times(toytown.origins(), toytown.facilities(), walker=WALKER)
    assert times.seconds.nnz == 0
    assert len(times.origins.unplaced) == 6
    assert network.facts()["links"] == 0


def test_inputs_are_not_changed():
    homes, places, table = toytown.origins(), toytown.facilities(), toytown.streets()
    WalkNetwork(table).travel_times(homes, places, walker=WALKER)
    pd.testing.assert_frame_equal(homes, toytown.origins())
    pd.testing.assert_frame_equal(places, toytown.facilities())
    pd.testing.assert_frame_equal(table, toytown.streets())


def test_all_findings_at_once(network):
    homes = pd.concat([toytown.origins(), toytown.origins().iloc[:1]])
    places = toytown.facilities().to_crs("EPSG:4326")
    with pytest.raises(DataError, match="occur more than once") as caught:
        network.travel_times(homes, places, walker=WALKER)
    assert "EPSG:4326" in str(caught.value)


def test_areas_are_not_origins(network):
    homes = toytown.origins()
    with pytest.raises(DataError, match="Polygon"):
        network.travel_times(homes.set_geometry(homes.buffer(5)), toytown.facilities(), walker=WALKER)


@pytest.mark.parametrize("minutes", [0, -5, np.nan, np.inf, 100_000])
def test_impossible_cutoffs(network, minutes):
    with pytest.raises(CutoffError, match="minutes"):
        network.travel_times(toytown.origins(), toytown.facilities(), walker=WALKER, cutoff_minutes=minutes)


def test_unknown_trip(network):
    with pytest.raises(DataError, match=r"'there'.*out, back, slower, round"):
        network.travel_times(toytown.origins(), toytown.facilities(), walker=WALKER, trip="there")


def test_closing_what_is_not_there(network):
    with pytest.raises(DataError, match="way/999"):
        network.without(["way/999"])


def test_streets_that_break_the_contract():
    with pytest.raises(DataError, match="length_m"):
        WalkNetwork(toytown.streets().drop(columns="length_m"))
    torn = toytown.streets()
    torn["piece"] = "way/1#0"
    with pytest.raises(DataError, match="not one link"):
        WalkNetwork(torn)


def test_facts_add_up(network):
    facts = network.facts()
    assert facts["links"] == sum(facts["links_by_kind"].values()) == sum(facts["links_by_evidence"].values()) == 77
    assert tuple(facts["links_by_kind"]) == LINK_KINDS
    assert tuple(facts["links_by_evidence"]) == EVIDENCE
    assert facts["km_by_kind"]["street"] == pytest.approx(2.16)
    assert facts["private_links"] == 4
    assert facts["edge_links"] == 1
    assert facts["parts"]["weak"] == 2


# ------------------------------------------------------------------------------------------------------ the order


@SLOW
@given(city.cities(private=True), st.randoms(use_true_random=False))
def test_links_stand_as_all_keys_at_once_would_have_them(made, random):
    table = made[0].sample(frac=1, random_state=random.randrange(2**32))
    lines = table.geometry.to_numpy()
    start = shapely.get_coordinates(shapely.get_point(lines, 0))
    names = np.unique(table.index.to_numpy(dtype=str), return_inverse=True)[1]
    order = np.lexsort((names, table["length_m"].to_numpy(), *start.T, *shapely.bounds(lines).T))
    assert WalkNetwork(table)._layout.streets.index.tolist() == table.index[order].tolist()


def test_links_that_lie_alike_stand_by_length_and_name():
    line = shapely.LineString([toytown.at(0, 0), toytown.at(0, 80)])
    row = toytown.streets().iloc[0].to_dict()
    lengths = {"way/9#0>": 80.0, "way/8#0>": 80.0, "way/7#0>": 90.0, "way/10#0>": 80.0}
    rows = [row | {"piece": name[:-1], "length_m": metres, "geometry": line} for name, metres in lengths.items()]
    table = gpd.GeoDataFrame(rows, crs=toytown.CRS, index=pd.Index(list(lengths), name="link"))
    assert WalkNetwork(table)._layout.streets.index.tolist() == ["way/10#0>", "way/8#0>", "way/9#0>", "way/7#0>"]


def test_the_graphs_of_the_last_few_walkers_are_kept(network):
    adult = Walker.load("adult")
    walkers = [adult.at(1 + place / 10) for place in range(7)]
    first = network.travel_times(toytown.origins(), toytown.facilities(), walker=walkers[0], cutoff_minutes=30)
    for one in walkers[1:]:
        network.travel_times(toytown.origins(), toytown.facilities(), walker=one, cutoff_minutes=30)
    assert list(network._graphs) == walkers[-4:]
    network.place(toytown.origins(), walkers[-4])  # asked again: the last to go
    network.place(toytown.origins(), walkers[0])
    assert list(network._graphs) == [*walkers[-2:], walkers[-4], walkers[0]]
    again = network.travel_times(toytown.origins(), toytown.facilities(), walker=walkers[0], cutoff_minutes=30)
    assert (first.seconds != again.seconds).nnz == 0
