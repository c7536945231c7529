"""Isochrones: reached streets cut exactly, and outlines that are true to them."""

import doctest
from pathlib import Path

import city
import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from shapely.affinity import rotate
from shapely.ops import substring

import toytown
from circle15.errors import CutoffError, DataError
from circle15.impedance import link_seconds
from circle15.network import WalkNetwork, canvas, drawing, isochrones, snapping
from circle15.network.isochrones import COARSE_M, FINE_M, RADIUS_M
from circle15.tables import ISOCHRONES

WALKER = toytown.walker()
SLOW = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(scope="module")
def network():
    return WalkNetwork(toytown.streets())


@pytest.fixture(scope="module")
def outlines(network):
    return network.isochrones(toytown.origins(), walker=WALKER, water=toytown.water())


def one(table, place, **options):
    """The isochrones of one place."""
    home = gpd.GeoDataFrame(geometry=[place], crs=table.crs, index=pd.Index(["home"], name="origin"))
    return WalkNetwork(table).isochrones(home, walker=WALKER, **options)


# ------------------------------------------------------------------------------------------------- reached streets


def test_reached_streets_of_the_west(network):
    found = network.reached(toytown.at(0, 0), 5, walker=WALKER).set_index("piece")
    # Five links along the street, the stairs to the top, the escalator, and 20 s of terrace to either side.
    assert found["length_m"].sum() == pytest.approx(5 * 80 + 80 + 80 + 2 * 80 / 3)
    assert found.loc["way/20#35", "seconds"] == 60.0
    assert found.loc["way/30#36", "seconds"] == 180.0
    assert found.loc["way/2#19"].geometry.equals_exact(
        shapely.LineString([toytown.at(240, 80), toytown.at(240 + 80 / 3, 80)]), 1e-6
    )
    assert (found["seconds"] < 300).all()


def test_the_own_piece_is_reached_both_ways_from_the_middle(network):
    found = network.reached(toytown.at(120, 0), 0.25, walker=WALKER)
    assert len(found) == 1
    assert found.geometry[0].equals_exact(shapely.LineString([toytown.at(100, 0), toytown.at(140, 0)]), 1e-6)


def test_a_start_inside_a_slope_reaches_farther_down_than_up():
    town = toytown.streets()
    street = town[town["piece"] == "way/1#0"].assign(rise_m=[16.0, -16.0])
    up, down = 15 * 80 / link_seconds(street, WALKER)  # metres in a quarter of a minute
    assert down > 1.2 * up
    (line,) = street.geometry.iloc[:1]
    found = WalkNetwork(street).reached(line.interpolate(40), 0.25, walker=WALKER)
    (reached,) = found.geometry
    assert reached.equals_exact(substring(line, 40 - down, 40 + up), 0.1)  # a tenth of a second of walking


def test_the_escalator_is_not_walked_down(network):
    found = network.reached(toytown.at(240, 80), 3, walker=WALKER)
    assert "escalator" not in set(found["kind"])
    assert set(found["kind"]) == {"path", "stairs", "bridge"}


def test_the_yard_is_entered_but_not_passed(network):
    found = network.reached(toytown.at(560, 0), 4, walker=WALKER)
    # 240 s: both links of the yard, but nothing of the street behind it, which starts 360 s away.
    assert found.loc[found["osm_id"] == "way/4", "length_m"].tolist() == [80.0, 80.0]
    south = found[found["osm_id"] == "way/3"]
    assert south["length_m"].sum() == pytest.approx(160.0)
    home = network.reached(toytown.at(560, -80), 4, walker=WALKER)
    assert home.loc[home["osm_id"] == "way/3", "length_m"].sum() > 160.0


def test_nothing_is_reached_from_nowhere(network):
    found = network.reached(toytown.at(5000, 5000), 15, walker=WALKER)
    assert len(found) == 0
    assert found.crs == toytown.CRS


@SLOW
@given(city.cities(private=True), st.floats(0.3, 12))
def test_reached_streets_are_those_that_travel_times_reach(drawn, minutes):
    """A point on a street lies in a reached stretch if and only if the walk to it is short enough."""
    table, origins, _ = drawn
    network = WalkNetwork(table)
    spots = [(link, share) for link in range(len(table)) for share in (0.07, 0.31, 0.68, 0.93)]
    goals = city.points_on(table, spots, name="goal")
    found = network.reached(origins.geometry.iloc[0], minutes, walker=WALKER)
    times = network.travel_times(origins.iloc[:1], goals, walker=WALKER, cutoff_minutes=60)
    seconds = pd.Series(np.inf, index=goals.index)
    pairs = times.pairs().set_index("facility")["seconds"]
    seconds[pairs.index] = pairs
    clear = (seconds - minutes * 60).abs() > 0.3  # rounding at the spot
    link = table.index.get_indexer(times.facilities.table["link"])
    piece = table["piece"].to_numpy()[link]
    inside = [
        bool((found.geometry[(found["piece"] == name).to_numpy()].distance(point) < 1e-5).any())
        for name, point in zip(piece, goals.geometry, strict=True)
    ]
    assert (pd.Series(inside, index=goals.index) == (seconds <= minutes * 60))[clear].all()
    assert found["length_m"].sum() == pytest.approx(found.length.sum(), abs=1e-3)


# --------------------------------------------------------------------------------------------------------- outlines


def test_the_table_keeps_its_contract(outlines):
    ISOCHRONES.check(outlines)
    assert outlines["origin"].unique().tolist() == ["west", "below", "above", "yard", "island"]
    assert outlines.loc["west|5", "street_m"] == pytest.approx(5 * 80 + 80 + 80 + 2 * 80 / 3)
    assert outlines.loc["island|15", "street_m"] == pytest.approx(560.0)


def test_street_lengths_are_those_of_the_reached_streets(network, outlines):
    home = toytown.origins().geometry["below"]
    for minutes in (5, 10, 15):
        reached = network.reached(home, minutes, walker=WALKER)
        assert outlines.loc[f"below|{minutes}", "street_m"] == pytest.approx(reached["length_m"].sum())


def test_the_island_is_not_joined_over_the_river(outlines):
    bank, island = shapely.box(*toytown.at(-500, -200).coords[0], *toytown.at(2000, 500).coords[0]), outlines.index.str
    assert not outlines[island.startswith("island")].intersects(bank).any()


def test_a_stub_still_has_an_outline():
    nodes = np.array([(toytown.EAST, toytown.NORTH), (toytown.EAST + 3, toytown.NORTH)])
    found = one(city.streets(nodes, [(0, 1, "path", False, True)]), shapely.Point(nodes[0]))
    assert found.is_valid.all()
    assert len(found) == 3
    assert (found.area > 1000).all()


def test_holes_are_kept():
    corners = np.array([(0, 0), (200, 0), (200, 200), (0, 200)]) + toytown.CORNER
    square = city.streets(corners, [(i, (i + 1) % 4, "street", False, True) for i in range(4)])
    found = one(square, shapely.Point(corners[0]), minutes=[4, 15])
    holes = [len(shapely.get_parts(shape)[0].interiors) for shape in found.geometry]
    assert holes == [0, 1]  # after four minutes the ring is not closed


@pytest.mark.parametrize(("side", "holes"), [(58, 0), (70, 1)])
def test_holes_below_a_hundred_square_metres_are_filled(side, holes):
    corners = np.array([(0, 0), (side, 0), (side, side), (0, side)]) + toytown.CORNER
    square = city.streets(corners, [(i, (i + 1) % 4, "street", False, True) for i in range(4)])
    straight = [shapely.LineString([line.coords[0], line.coords[-1]]) for line in square.geometry]
    square = square.assign(length_m=shapely.length(straight)).set_geometry(straight, crs=square.crs)
    found = one(square, shapely.Point(corners[0]), minutes=[15], fine=True)
    inside = (side - 2 * RADIUS_M) ** 2
    assert (inside > 100) == bool(holes)
    assert len(shapely.get_parts(found.geometry.iloc[0])[0].interiors) == holes


def test_vertices_are_whole_decimetres(outlines):
    points = shapely.get_coordinates(outlines.geometry)
    assert np.abs(points * 10 - np.rint(points * 10)).max() < 1e-6


def test_origins_beyond_reach_and_limits_below_the_leg_have_no_row(network):
    homes = gpd.GeoDataFrame(
        geometry=[toytown.at(40, -100), toytown.at(0, 3000)], crs=toytown.CRS, index=pd.Index(["near", "far"])
    )
    found = network.isochrones(homes, walker=WALKER, minutes=[1, 5])
    assert found.index.tolist() == ["near|5"]


def test_none_asked_none_drawn(network):
    found = network.isochrones(toytown.origins().iloc[:0], walker=WALKER)
    ISOCHRONES.check(found)
    assert len(found) == 0


def test_an_origin_alone_is_drawn_like_among_others(network, outlines):
    alone = network.isochrones(toytown.origins().loc[["above"]], walker=WALKER, water=toytown.water())
    assert alone.geometry.geom_equals(outlines.geometry[alone.index]).all()


def shared(shapes, exact):
    """Area in both, over the area in either."""
    return shapely.area(shapely.intersection(shapes, exact)) / shapely.area(shapely.union(shapes, exact))


def dense_town(side=9, seed=3):
    """Blocks of 90 m, a little out of line, some streets missing: small holes everywhere, the hardest for a grid."""
    random = np.random.default_rng(seed)
    nodes = np.stack(np.meshgrid(np.arange(side), np.arange(side)), axis=-1).reshape(-1, 2) * 90.0
    nodes += random.uniform(-12, 12, nodes.shape) + toytown.CORNER
    along = [(k, k + 1) for k in range(side * side) if (k + 1) % side]
    across = [(k, k + side) for k in range(side * (side - 1))]
    kept = [ends for ends in along + across if random.random() < 0.85]
    return city.streets(nodes, [(*ends, "street", False, True) for ends in kept])


def exact_outlines(network, homes, minutes=(5, 10, 15)):
    """The slow plain way: every reached stretch buffered, all united."""
    reached = [network.reached(home, one, walker=WALKER).geometry for home in homes.geometry for one in minutes]
    return np.array([shapely.union_all(shapely.buffer(one.to_numpy(), RADIUS_M)) for one in reached])


@pytest.mark.parametrize(("fine", "mean", "least"), [(False, 0.95, 0.92), (True, 0.98, 0.97)])
def test_a_dense_town_is_drawn_like_buffers(fine, mean, least):
    table = dense_town()
    homes = city.points_on(table, [(7, 0.3), (60, 0.8), (130, 0.5)], name="origin", off=5.0)
    network = WalkNetwork(table)
    found = network.isochrones(homes, walker=WALKER, fine=fine)
    alike = shared(found.geometry.to_numpy(), exact_outlines(network, homes))
    assert len(alike) == 9
    assert alike.mean() >= mean
    assert alike.min() >= least
    assert found.is_valid.all()
    for _, rows in found.groupby("origin", sort=False):
        assert nested(rows.geometry)


@SLOW
@given(city.cities(private=True), st.booleans(), st.floats(0.3, 12))
def test_codes_are_distances_to_what_is_reached(drawn, fine, minutes):
    """The slow plain way: the distance from every node of the grid to every reached stretch."""
    table, origins, _ = drawn
    network, home = WalkNetwork(table), origins.iloc[:1]
    graph = network._graph(WALKER)
    reach = isochrones.Reach(graph, snapping.place(graph, home))
    cell, limits = FINE_M if fine else COARSE_M, np.array([round(minutes * 600)])
    ground = isochrones.Ground.of(reach, cell=cell, water=None)
    grid, drawer = ground.world.canvas, isochrones.Drawer(reach, ground, limits)
    _, count = drawer.draw(drawer.walks(0, 1), 0)
    stretches = network.reached(home.geometry.iloc[0], minutes, walker=WALKER).geometry
    assert count == int(len(stretches) > 0)
    if not count:
        return
    sheets = drawer._sheets
    place = sheets.place[0]
    rows, columns = place[drawing.TALL], 8 * place[drawing.WIDE]
    codes = sheets.codes[: rows * columns].reshape(rows, columns)
    x = grid.x + cell * (8 * place[drawing.WORD] + np.arange(columns))
    y = grid.y + cell * (place[drawing.ROW] + np.arange(rows))
    metres = shapely.distance(shapely.union_all(stretches.to_numpy()), shapely.points(*np.meshgrid(x, y)))
    scale = drawing.CODES / cell
    wanted = (drawing.INSIDE + 1 + scale * (metres - RADIUS_M)).clip(0, drawing.FAR)
    wanted[metres > RADIUS_M + drawing.BEYOND * cell] = drawing.FAR
    # Streets are drawn with fewer vertices, to half a metre; where codes end, a node may have one or not.
    end = np.abs(metres - RADIUS_M - drawing.BEYOND * cell) <= canvas.THIN_M + cell / drawing.CODES
    assert np.abs(codes - wanted)[~end].max() <= 1.0 + scale * canvas.THIN_M
    assert (codes[[0, -1]] == drawing.FAR).all()
    assert (codes[:, [0, -1]] == drawing.FAR).all()


@SLOW
@given(city.cities(private=True), st.tuples(st.integers(-9, 9), st.integers(-9, 9)))
def test_a_town_moved_by_whole_cells_has_outlines_moved_by_whole_cells(drawn, cells):
    """Eight nodes share a word; where the words begin makes no difference."""
    table, origins, _ = drawn
    snapped = np.round(origins.get_coordinates().to_numpy() * 8) / 8
    origins = origins.set_geometry(shapely.points(snapped), crs=table.crs)
    table = table.set_geometry(shapely.transform(table.geometry, lambda xy: np.round(xy * 8) / 8), crs=table.crs)
    move = COARSE_M * np.array(cells)

    def moved(frame):
        return frame.set_geometry(shapely.transform(frame.geometry, lambda xy: xy + move), crs=frame.crs)

    here = WalkNetwork(table).isochrones(origins, walker=WALKER, minutes=(2, 5))
    there = WalkNetwork(moved(table)).isochrones(moved(origins), walker=WALKER, minutes=(2, 5))
    assert here.index.equals(there.index)
    assert np.allclose(moved(here).get_coordinates(), there.get_coordinates(), rtol=0, atol=1e-6)


@pytest.mark.parametrize("bars", [{"WORDS": 1, "CHUNK": 3}, {"RINGS": 5, "CHUNK": 1}])
def test_outlines_are_the_same_however_little_room_there_is(monkeypatch, bars):
    """Few words make room for few sheets; few rings have them numbered anew."""
    table = dense_town()
    homes = city.points_on(table, [(7, 0.3), (60, 0.8), (130, 0.5), (7, 0.4)], name="origin", off=5.0)
    wanted = WalkNetwork(table).isochrones(homes, walker=WALKER)
    for name, value in bars.items():
        monkeypatch.setattr(isochrones, name, value)
    found = WalkNetwork(table).isochrones(homes, walker=WALKER)
    assert found.index.equals(wanted.index)
    assert found.geometry.geom_equals_exact(wanted.geometry, 0.0).all()
    assert found["street_m"].tolist() == wanted["street_m"].tolist()


def holes_of(shape):
    """The holes of an outline, as a set."""
    return {hole.wkb for part in shape.geoms for hole in part.interiors}


def test_holes_are_the_same_from_everywhere_and_no_outline_enters_them():
    table = dense_town()
    homes = city.points_on(table, [(at, 0.3) for at in range(0, 200, 23)], name="origin", off=5.0)
    found = WalkNetwork(table).isochrones(homes, walker=WALKER, minutes=(3, 6, 9, 60))
    every = [holes_of(shape) for shape in found.geometry[found["minutes"] == 60]]
    assert len(every[0]) > 10
    assert all(holes == every[0] for holes in every)
    reached = [holes_of(shape) for shape in found.geometry[found["minutes"] == 9]]
    assert sum(len(holes & every[0]) for holes in reached) > 0.5 * sum(map(len, reached))
    blocks = shapely.union_all([shapely.Polygon(shapely.from_wkb(hole)) for hole in every[0]])
    assert shapely.area(shapely.intersection(found.geometry.to_numpy(), blocks)).max() < 1e-6


def test_blocks_are_what_is_traced_without_them():
    """An outline that is drawn with blocks differs from one that is traced all around by simplification only."""
    table = dense_town()
    homes = city.points_on(table, [(7, 0.3), (60, 0.8), (130, 0.5)], name="origin", off=5.0)
    graph = WalkNetwork(table)._graph(WALKER)
    reach, limits = isochrones.Reach(graph, snapping.place(graph, homes)), np.array([3000, 6000, 9000])
    ground = isochrones.Ground.of(reach, cell=COARSE_M, water=None)
    blocks, plan = ground.grid.blocks, ground.grid.plan
    none = blocks._replace(met=np.full_like(blocks.met, -1), far=np.full_like(blocks.far, plan.cell - 1))
    traced = ground._replace(grid=ground.grid._replace(blocks=none))
    with_them, without = (
        np.concatenate([one.geometry for one in isochrones.Drawer(reach, each, limits).drawn(0, 3)])
        for each in (ground, traced)
    )
    assert len(blocks.box) > 20
    assert (shapely.get_num_geometries(with_them) == shapely.get_num_geometries(without)).all()
    assert shared(with_them, without).min() > 0.98
    gate = 2 * plan.half / 10
    assert (shapely.hausdorff_distance(with_them, without) < 2 * gate + COARSE_M / 2).all()


def test_outlines_come_in_the_order_of_the_origins():
    table = dense_town()
    homes = city.points_on(table, [(at, 0.3) for at in range(0, 200, 11)], name="origin", off=5.0)
    network = WalkNetwork(table)
    found, turned = (network.isochrones(some, walker=WALKER) for some in (homes, homes.iloc[::-1]))
    assert found["origin"].unique().tolist() == homes.index.tolist()
    assert turned["origin"].unique().tolist() == homes.index[::-1].tolist()
    assert turned.loc[found.index].geometry.geom_equals_exact(found.geometry, 0.0).all()


@pytest.mark.parametrize("angle", [0, 7, 33, 45, 80])
def test_straight_streets_need_few_vertices(angle):
    along = np.array([np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))])
    nodes = np.array([0.0, 450.0, 900.0])[:, np.newaxis] * along + toytown.CORNER
    table = city.streets(nodes, [(0, 1, "path", False, True), (1, 2, "path", False, True)])
    straight = [shapely.LineString([line.coords[0], line.coords[-1]]) for line in table.geometry]
    table = table.assign(length_m=450.0).set_geometry(straight, crs=table.crs)
    found = one(table, shapely.Point(nodes[1]), minutes=[15])
    assert shared(found.geometry.to_numpy(), shapely.LineString(nodes).buffer(RADIUS_M)) > 0.96
    assert shapely.get_num_coordinates(found.geometry.iloc[0]) <= 32  # of about a hundred edges of the grid


def nested(shapes):
    """Whether each shape lies within the next; where borders touch, GEOS finds slivers of rounding."""
    shapes = shapes.to_numpy()
    return (shapely.area(shapely.difference(shapes[:-1], shapes[1:])) < 1e-6).all()


@SLOW
@given(city.cities(private=True), st.booleans())
def test_outlines_are_valid_and_nested(drawn, fine):
    table, origins, _ = drawn
    found = WalkNetwork(table).isochrones(origins, walker=WALKER, minutes=(2, 4, 6), fine=fine)
    assert found.is_valid.all()
    assert not found.is_empty.any()
    for _, rows in found.groupby("origin", sort=False):
        assert (rows["street_m"].diff().dropna() >= 0).all()
        assert nested(rows.geometry)


# ------------------------------------------------------------------------------------------------------------ water


def river_town(angle, *, shift, bridge, width=16):
    """A street on either bank of a river, turned by an angle; a bridge at its middle, or none."""
    nodes = np.array([(-300, 0), (0, 0), (300, 0), (-300, width + 8), (0, width + 8), (300, width + 8)], dtype=float)
    links = [(0, 1, "street", False, True), (1, 2, "street", False, True), (3, 4, "street", False, True)]
    links += [(4, 5, "street", False, True)] + ([(1, 4, "bridge", False, True)] if bridge else [])
    turn = np.deg2rad(angle)
    turned = nodes @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    turned += toytown.CORNER + shift
    table = city.streets(turned, links)
    ends = table[["from_node", "to_node"]].to_numpy()
    straight = [shapely.LineString(turned[pair]) for pair in ends]
    table = table.assign(length_m=shapely.length(straight)).set_geometry(straight, crs=table.crs)

    def put(shape):
        moved = rotate(shape, angle, origin=(0, 0))
        return shapely.transform(moved, lambda xy: xy + toytown.CORNER + shift)

    river, far_bank = shapely.box(-900, 1, 900, width + 1), shapely.box(-900, width + 1, 900, 900)
    return table, put(river), put(far_bank), shapely.Point(turned[0])


@SLOW
@given(st.floats(0, 360), st.tuples(st.floats(0, 12), st.floats(0, 12)))
def test_a_river_without_a_bridge_is_not_crossed(angle, shift):
    table, river, far_bank, home = river_town(angle, shift=shift, bridge=False)
    wet = one(table, home, water=river, minutes=[15])
    dry = one(table, home, minutes=[15])
    assert not wet.intersects(far_bank).any()
    assert dry.intersects(far_bank).all()  # without knowing of the river, the outline would jump it
    street = shapely.line_merge(shapely.union_all(table.geometry.iloc[:4]))  # of the near bank
    beside = substring(street, 2 * COARSE_M, -2 * COARSE_M).buffer(RADIUS_M - 4.0, cap_style="flat")
    bank = beside.difference(shapely.union(river.buffer(1.0), far_bank))
    assert bank.area > 10_000
    assert wet.geometry.iloc[0].buffer(4.0).covers(bank)  # 4 m: how far an outline may be simplified, and a little
    assert wet.geometry.iloc[0].intersection(river).area < 60.0  # of a bank of 600 m


@SLOW
@given(st.floats(0, 360), st.tuples(st.floats(0, 12), st.floats(0, 12)))
def test_a_bridge_carries_the_outline_across_in_one_piece(angle, shift):
    table, river, far_bank, home = river_town(angle, shift=shift, bridge=True, width=30)
    found = one(table, home, water=river, minutes=[3, 15])
    assert not found.iloc[:1].intersects(far_bank).any()  # 240 m: not yet at the bridge
    whole = found.geometry.iloc[1]
    assert shapely.get_num_geometries(whole) == 1
    assert whole.intersection(far_bank).area > 0.5 * 600 * 25
    assert whole.intersection(river).area < 0.6 * river.intersection(whole.convex_hull).area


@SLOW
@given(st.floats(0, 360), st.tuples(st.floats(0, 12), st.floats(0, 12)), st.booleans())
def test_water_lies_on_the_grid_where_it_is(angle, shift, fine):
    table, river, _, _ = river_town(angle, shift=shift, bridge=True, width=30)
    cell = FINE_M if fine else COARSE_M
    found = canvas.stamped(WalkNetwork(table)._layout, cell=cell, water=river).canvas
    x, y = found.x + cell * np.arange(found.columns), found.y + cell * np.arange(found.rows)
    nodes = shapely.points(*np.meshgrid(x, y))
    assert ((found.wet > 0) == shapely.contains_properly(river, nodes))[1:-1, 1:-1].all()
    shore = found.shore.reshape(found.rows, found.columns, 4)
    for axis in (0, 1):  # along the rows, up the columns
        low, high = (nodes[:, :-1], nodes[:, 1:]) if axis == 0 else (nodes[:-1], nodes[1:])
        edges = shapely.linestrings(np.stack([shapely.get_coordinates(one) for one in (low.ravel(), high.ravel())], 1))
        banks = shapely.intersection(edges, shapely.boundary(river)).reshape(low.shape)
        for side, ends in enumerate((low, high)):
            here = tuple(slice(side, None) if one == 1 - axis else slice(None) for one in (0, 1))
            free = shore[here][: low.shape[0], : low.shape[1], 2 * axis + side]
            wet = found.wet[here][: low.shape[0], : low.shape[1]] > 0
            metres = np.where(wet | shapely.is_empty(banks), cell, shapely.distance(ends, banks))
            assert np.abs(free - np.clip(10 * metres, 1, 10 * cell - 1))[1:-1, 1:-1].max() <= 1.001


@SLOW
@given(st.floats(0, 360), st.tuples(st.floats(0, 12), st.floats(0, 12)), st.booleans())
def test_outlines_around_water_are_valid_and_nested(angle, shift, fine):
    table, river, _, home = river_town(angle, shift=shift, bridge=True, width=30)
    found = one(table, home, water=river, minutes=[1, 2, 3, 4, 5, 6, 7, 8], fine=fine)
    assert len(found) == 8
    assert found.is_valid.all()
    assert nested(found.geometry)


def test_another_water_is_another_picture():
    table, river, far_bank, home = river_town(20, shift=(3.0, 4.0), bridge=False)
    network = WalkNetwork(table)
    homes = gpd.GeoDataFrame(geometry=[home], crs=table.crs, index=pd.Index(["home"], name="origin"))
    asked = [river, None, river, far_bank]
    wet, dry, again, other = (network.isochrones(homes, walker=WALKER, water=one).geometry for one in asked)
    assert again.geom_equals(wet).all()
    assert not dry.geom_equals(wet).any()
    assert not other.geom_equals(wet).any()


def test_water_in_another_crs_is_refused(network):
    with pytest.raises(DataError, match="water"):
        network.isochrones(toytown.origins(), walker=WALKER, water=toytown.water().to_crs("EPSG:4326"))


def test_no_water_at_all_is_no_water(network, outlines):
    none = network.isochrones(toytown.origins(), walker=WALKER, water=toytown.water().iloc[:0])
    assert none.index.equals(outlines.index)


@pytest.mark.parametrize("minutes", [[], [0], [5, -1], [24 * 60 + 1]])
def test_impossible_minutes(network, minutes):
    with pytest.raises(CutoffError):
        network.isochrones(toytown.origins(), walker=WALKER, minutes=minutes)


# ------------------------------------------------------------------------------------------------------ a real city


@pytest.mark.real
def test_a_real_city_is_drawn_like_buffers(real_data):
    """The slow plain way is the reference: every reached stretch buffered, all united."""
    from circle15.sources.areas import read_area
    from circle15.sources.streets import read_streets

    area = read_area(real_data / "yuzhong" / "boundary.geojson", name="Yuzhong", margin_m=0, crs="EPSG:32648")
    table = read_streets(real_data / "yuzhong" / "yuzhong.osm.pbf", area)
    random = np.random.default_rng(7)
    spots = list(zip(random.integers(0, len(table), 12), random.random(12), strict=True))
    homes = city.points_on(table, spots, name="origin", off=5.0)
    network = WalkNetwork(table)
    stretches = [
        network.reached(home, minutes, walker="adult").geometry for home in homes.geometry for minutes in (5, 10, 15)
    ]
    exact = np.array([shapely.union_all(shapely.buffer(one.to_numpy(), RADIUS_M)) for one in stretches])
    for fine, mean, least in ((False, 0.95, 0.93), (True, 0.98, 0.97)):
        found = network.isochrones(homes, walker="adult", fine=fine)
        assert found.is_valid.all()
        shapes = found.geometry.to_numpy()
        assert len(shapes) == len(exact)
        alike = shared(shapes, exact)
        assert alike.mean() >= mean
        assert alike.min() >= least
        assert found["street_m"].to_numpy() == pytest.approx([one.length.sum() for one in stretches], rel=2e-3)


def test_worked_numbers():
    page = Path(__file__).parents[2] / "docs" / "methods" / "isochrones.md"
    found = doctest.testfile(str(page), module_relative=False, encoding="utf-8")
    assert found.attempted >= 10
    assert found.failed == 0


@given(st.lists(st.integers(-9, 9), min_size=8, max_size=8))
def test_a_street_crosses_a_bank_where_shapely_says_so(ends):
    a, b, c, d = np.array(ends).reshape(4, 2)
    sides = [np.linalg.det([q - p, r - p]) for p, q, r in ((a, b, c), (a, b, d), (c, d, a), (c, d, b))]
    assume(min(map(abs, sides)) > 0.5)  # an end on the other line is neither
    crosses = getattr(drawing._crosses, "py_func", drawing._crosses)
    wanted = shapely.LineString([a, b]).intersects(shapely.LineString([c, d]))
    assert crosses(*map(float, (*a, *b)), np.array([*c, *d], dtype=float)) == wanted
