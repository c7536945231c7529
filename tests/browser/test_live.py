"""The engine inside the page gives what the Python engine gives, tick for tick, as the city is and under edits."""

import tomllib
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from circle15 import impedance
from circle15.assessment import category_status, grades
from circle15.errors import DataError
from circle15.network import snapping
from circle15.page import gap_map
from circle15.project import Walker
from circle15.project.study_file import FacilityEdit, NewLink, Scenario
from circle15.sources.overrides import add_links, joints
from circle15.study import variants

pytestmark = pytest.mark.browser
STUDIES = ["demo", "yuzhong", "monaco"]
NEVER = 2**31 - 1
PAIRS = 500
STATES, REASONS = ("gap", "unknown", "served"), ("", "inventory", "edge", "unplaced")
OPEN = """async () => {
  const [map, study] = await Promise.all([circle15.data.numbers("map"), circle15.data.values("study")]);
  window.live = await circle15.live.open(study, map);
  return live.walkers.map((one) => one.key);
}"""
TIMES = """([who, origins, rows, back]) => {
  const walk = live.walk(who);
  return origins.map((origin, k) => walk.times(walk.home(origin))[back ? "back" : "out"][rows[k]]);
}"""


@pytest.fixture(scope="session")
def live_file(ran, tmp_path_factory):
    """The page of a study with its network in it."""
    done = {}

    def made(name):
        if name not in done:
            study, _ = ran(name)
            done[name] = tmp_path_factory.mktemp("live") / f"{name}.html"
            page = gap_map(study.result, standard=study.standard, live=variants.live(study))
            page.save(done[name])
        return done[name]

    return made


@pytest.fixture
def asked(ran, live_file, open_page):
    """A study and its page, ready to be asked."""

    def opened(name):
        study, _ = ran(name)
        page = open_page(live_file(name))
        assert page.evaluate(OPEN) == [walker.name for walker in study.walkers]
        return study, page

    return opened


def offered(study):
    """The facilities of the page, in its order."""
    return study.facilities[study.facilities["service"].isin([one.key for one in study.standard.services])]


def ticks(network, origins, facilities, walker, trip):
    """Ticks between all pairs, `NEVER` beyond the search."""
    found = network.travel_times(origins, facilities, walker=walker, cutoff_minutes=45, trip=trip).seconds.tocoo()
    every = np.full(found.shape, NEVER)
    every[found.coords] = np.rint(10 * found.data)
    return every


def random_pairs(rng, every):
    """Pairs of rows and columns; of four, three within the search where there are as many."""
    origin, facility = rng.integers(every.shape[0], size=PAIRS), rng.integers(every.shape[1], size=PAIRS)
    near = np.argwhere(every < NEVER)
    some = near[rng.integers(len(near), size=3 * PAIRS // 4)]
    origin[: len(some)], facility[: len(some)] = some.T
    return origin, facility


def compare_pairs(page, network, origins, facilities, walkers):
    """The page's ticks are the engine's, for every walker, out and back."""
    rng = np.random.default_rng(15)
    for who, walker in enumerate(walkers):
        for trip in ("out", "back"):
            every = ticks(network, origins, facilities, walker, trip)
            origin, facility = random_pairs(rng, every)
            said = page.evaluate(TIMES, [who, origin.tolist(), facility.tolist(), trip == "back"])
            assert said == every[origin, facility].tolist(), (walker.name, trip)


@pytest.mark.parametrize("study_name", STUDIES)
def test_ticks_are_those_of_the_engine(asked, study_name):
    study, page = asked(study_name)
    compare_pairs(page, study.network, study.origins, offered(study), study.walkers)


def cells(found):
    """Ticks, states and reasons as the page has them, service by service."""
    seconds = found.seconds.to_numpy(dtype=float).T
    near = np.where(np.isnan(seconds), NEVER, np.rint(10 * np.nan_to_num(seconds)))
    state = pd.Index(STATES).get_indexer(found.status.to_numpy().T.ravel())
    why = pd.Index(REASONS).get_indexer(found.why.to_numpy().T.ravel())
    return near.astype(int).tolist(), state.tolist(), why.tolist()


COVERAGE = """who => {
  const { near, state, why } = live.walk(who).coverage;
  return [near.map((one) => [...one]), [...state], [...why]];
}"""
CARD = """who => {
  const card = live.walk(who).card();
  return Object.fromEntries(["strict", "lenient"].map((reading) =>
    [reading, Object.fromEntries(Object.entries(card[reading]).map(([name, values]) => [name, [...values]]))]));
}"""


def compare_coverage(page, study, *, walkers=None):
    """The page's coverage and card are the study's, cell by cell, for its own walker and the others."""
    for who, walker in enumerate(walkers or study.walkers):
        found = variants.covered(study, variants.times(study, walker=walker, minutes=study.search_minutes))
        near, state, why = cells(found)
        said = page.evaluate(COVERAGE, who)
        assert said[0] == near
        assert said[1] == state
        assert said[2] == why
        compare_card(page.evaluate(CARD, who), study, found)


def compare_card(said, study, found):
    card = grades(found, study.origins, study.units.loc[page_units(study)], standard=study.standard)
    for reading, suffix in (("strict", ""), ("lenient", "_lenient")):
        for state in STATES:
            assert said[reading][state] == pytest.approx(card[state + suffix].tolist(), abs=1e-6)
        assert said[reading]["grade"] == card[f"grade{suffix}"].fillna(0).astype(int).tolist()
    for name, column in (("ofCoverage", "grade_coverage"), ("ofSupply", "grade_supply")):
        assert said["strict"][name] == card[column].fillna(0).astype(int).tolist()


def page_units(study):
    """Units in the order of the page: from the highest tier to the lowest."""
    tiers = ["district", "subdistrict", "community", "cell"]
    return study.units.index[np.argsort(study.units["tier"].map(tiers.index).to_numpy(), kind="stable")]


@pytest.mark.parametrize("study_name", STUDIES)
def test_coverage_is_that_of_the_study(asked, study_name):
    study, page = asked(study_name)
    compare_coverage(page, study)


# -------------------------------------------------------------------------------------------------------------- edits


def depended_on(study):
    """A machine or stairs that people depend on; else the first there is."""
    table = study.result.dependence
    if len(table):
        return str(table.groupby("osm_id")["people"].sum().idxmax())
    return str(study.streets.loc[study.streets["kind"].isin(["lift", "escalator", "stairs"]), "osm_id"].iloc[0])


def lonlat(study, points):
    degrees = shapely.get_coordinates(gpd.GeoSeries(points, crs=study.area.crs).to_crs(4326).array)
    return [[round(lon, 7), round(lat, 7)] for lon, lat in degrees.tolist()]


def three_edits(study):
    """An element closed, a facility at the home of the most people who lack it, stairs from near that home."""
    gaps = study.result.gaps
    home, service = study.origins["population"].idxmax(), study.standard.services[0].key
    if len(gaps):
        home, service = gaps.iloc[0][["origin", "service"]]
    at = study.origins.geometry[home]
    (lon, lat), *ends = lonlat(study, [at, *from_here(study, at)])
    facility = {"do": "add", "services": [service], "lon": lon, "lat": lat, "name": '新 "食堂"\\'}
    stairs = {"kind": "stairs", "line": ends, "steps": 90}
    return [{"close": depended_on(study)}, {"facility": facility}, {"add": stairs}]


def from_here(study, at):
    """A point 7 m from the node nearest to a place, and a node about 200 m from there."""
    nodes = joints(study.streets)
    xy = nodes[["x", "y"]].to_numpy()
    near = xy[np.hypot(*(xy - (at.x, at.y)).T).argmin()]
    there = xy[np.abs(np.hypot(*(xy - near).T) - 200).argmin()]
    return shapely.Point(near + np.array([3.0, 6.3])), shapely.Point(there)


TOML = "edits => circle15.live.toml({ name: '情景', edits })"


def edited(study, page, edits):
    """The study under a scenario: the one whose text the page exports for a study file."""
    block = tomllib.loads(page.evaluate(TOML, edits))["scenario"]
    asked = study.asked
    study.asked = asked.model_copy(update={"scenario": tuple(Scenario.model_validate(one) for one in block)})
    try:
        return study.under("情景")
    finally:
        study.asked = asked


def set_edits(page, study, edits):
    for who in range(len(study.walkers)):
        assert page.evaluate("([who, edits]) => live.walk(who).set(edits)", [who, edits]) == []


@pytest.mark.parametrize("study_name", STUDIES)
def test_three_edits_at_once_and_taken_back(asked, study_name):
    study, page = asked(study_name)
    page.evaluate("() => live.walkers.forEach((_, who) => live.walk(who).coverage)")  # so that edits move what stands
    edits = three_edits(study)
    set_edits(page, study, edits)
    other = edited(study, page, edits)
    compare_pairs(page, other.network, study.origins, offered(other), study.walkers)
    compare_coverage(page, other)
    for fewer in (edits[1:], edits[:2], []):
        set_edits(page, study, fewer)
        compare_coverage(page, edited(study, page, fewer), walkers=study.walkers[:1])


def test_who_gains_and_who_loses(asked):
    study, page = asked("demo")
    edits = three_edits(study)
    set_edits(page, study, edits)
    other = edited(study, page, edits)
    said = page.evaluate("() => live.walk(0).change()")
    was, now = (
        {
            "services": one.coverage.status,
            "strict": category_status(one.coverage, standard=one.standard),
            "lenient": category_status(one.coverage, standard=one.standard, lenient=True),
        }
        for one in (study, other)
    )
    people = study.origins["population"].to_numpy()
    for of, told in said.items():
        before, after = (frame[of].to_numpy() == "served" for frame in (was, now))
        assert [one["gained"] for one in told] == pytest.approx((people @ (after & ~before)).tolist(), abs=1e-6)
        assert [one["lost"] for one in told] == pytest.approx((people @ (before & ~after)).tolist(), abs=1e-6)
        assert sum(one["lost"] for one in told) > 0
    assert sum(one["gained"] for one in said["services"]) > 0


def test_places_are_closed_and_moved(asked):
    study, page = asked("demo")
    places = study.facilities["place"].value_counts()
    many, one = places.index[0], places.index[-1]
    lonlats = lonlat(study, study.origins.geometry.iloc[[100, 700]])
    two = {"do": "add", "services": ["canteen", "nursery"], "capacity": 120}
    edits = [
        {"facility": {"do": "close", "id": many}},
        {"facility": {"do": "close", "id": study.facilities.index[study.facilities["place"] == places.index[1]][0]}},
        {"facility": {"do": "move", "id": one, "lon": lonlats[0][0], "lat": lonlats[0][1]}},
        {"facility": two | {"lon": lonlats[1][0], "lat": lonlats[1][1]}},
    ]  # fmt: skip
    set_edits(page, study, edits)
    other = edited(study, page, edits)
    compare_coverage(page, other, walkers=study.walkers[:1])
    times = page.evaluate("() => { const walk = live.walk(0); return [...walk.times(walk.home(9)).out]; }")
    every = ticks(other.network, study.origins.iloc[[9]], offered(other), study.walker, "out")[0]
    stay = offered(other).index.get_indexer(offered(study).index)
    moved = offered(study)["place"] == one
    kept = np.flatnonzero((stay >= 0) & ~moved)
    assert np.array(times)[kept].tolist() == every[stay[kept]].tolist()
    assert times[len(stay) :] == [*every[stay[moved]], *every[-2:]]


FRESH = """edits => {
  const walk = live.walk(0);
  const problems = walk.set(edits);
  const { near, state, why } = walk.coverage;
  const again = new circle15.coverage.Coverage(live.net, walk.now.graph, walk.homes, walk.now.goals);
  const same = (one, other) => one.length === other.length && one.every((value, i) => value === other[i]);
  const sameNear = near.every((one, s) => same(one, again.near[s]));
  const offered = new circle15.supply.Supply(live.net, walk.homes, walk.now);
  const sameSupply = same(walk.supply.grades(), offered.grades());
  return [problems.length, sameSupply && sameNear && same(state, again.state) && same(why, again.why)];
}"""


@pytest.mark.parametrize("study_name", STUDIES)
def test_what_stands_is_what_a_new_search_finds(asked, study_name):
    study, page = asked(study_name)
    rng = np.random.default_rng(7)
    elements = page.evaluate("() => live.elements.map((one) => one.id)")
    some = offered(study)
    edits = [{"close": elements[k]} for k in rng.choice(len(elements), 12, replace=False)]
    edits += [{"facility": {"do": "close", "id": some.index[k]}} for k in rng.choice(len(some), 8, replace=False)]
    for lon, lat in lonlat(study, study.origins.geometry.iloc[rng.choice(len(study.origins), 8, replace=False)]):
        services = rng.choice([one.key for one in study.standard.services], 3, replace=False).tolist()
        edits.append({"facility": {"do": "add", "services": services, "lon": lon, "lat": lat}})
    edits += [{"add": link} for link in new_links(study, 12, seed=3) if not problems(page, [{"add": link}])]
    for _ in range(30):
        order = rng.permutation(len(edits))[: rng.integers(len(edits) // 2)]
        assert page.evaluate(FRESH, [edits[k] for k in order]) == [0, True]
    assert page.evaluate(FRESH, []) == [0, True]


def problems(page, edits):
    return page.evaluate("edits => live.problems(edits)", edits)


@pytest.mark.parametrize("trip", ["back", "slower", "round"])
def test_other_trips_and_streets_that_are_shut(ran, open_page, tmp_path, trip):
    study, _ = ran("monaco")
    asked = study.project.assessment.model_copy(update={"trip": trip})
    other = study.without_links([depended_on(study)])
    other.project = other.asked = study.project.model_copy(update={"assessment": asked})
    walker = study.walkers[2]
    result = replace(study.result, facts={**study.result.facts, "trip": trip})
    live = replace(variants.live(other), walkers=[walker])
    gap_map(result, standard=study.standard, live=live).save(tmp_path / "map.html")
    page = open_page(tmp_path / "map.html")
    page.evaluate(OPEN)
    compare_pairs(page, other.network, study.origins, offered(study), [walker])
    at = study.origins.geometry.iloc[3]
    (lon, lat), *ends = lonlat(study, [at, *from_here(study, at)])
    more = [
        {"close": study.streets.loc[study.streets["at_edge"], "osm_id"].iloc[0]},
        {"facility": {"do": "add", "services": [study.standard.services[2].key], "lon": lon, "lat": lat}},
        {"add": {"kind": "escalator", "line": ends, "one_way": True}},
    ]
    for edits in ([], more, []):
        assert page.evaluate("edits => live.walk(0).set(edits)", edits) == []
        there = edited(other, page, [{"close": depended_on(study)}, *edits])
        compare_coverage(page, there, walkers=[walker])


# ---------------------------------------------------------------------------------------------------------- new links


def new_links(study, count, *, seed):
    """Links of every kind between points near streets, some of them too far from any, some chained."""
    rng = np.random.default_rng(seed)
    xy = joints(study.streets)[["x", "y"]].to_numpy()
    ends = []
    for _ in range(count):
        first = xy[rng.integers(len(xy))]
        near = np.flatnonzero(np.hypot(*(xy - first).T) < 400)
        ends.append(
            [first + rng.normal(0, 12, 2), first + rng.normal(0, 60, 2), xy[rng.choice(near)] + rng.normal(0, 12, 2)]
        )
    points = iter(lonlat(study, shapely.points(np.array(ends).reshape(-1, 2))))
    kinds = ("path", "stairs", "escalator", "lift", "bridge", "crossing")
    links = []
    for k in range(count):
        line = [next(points), next(points), next(points)]
        links.append({"kind": kinds[k % 6], "line": line if k % 3 else [line[0], line[2]], "one_way": k % 5 == 0})
        said = k % 4
        links[-1] |= {"rise_m": float(np.round(rng.normal(0, 12), 1))} if said == 1 else {}
        links[-1] |= {"steps": int(rng.integers(1, 200))} if said == 2 else {}
    return links


LINKS = """([adds, walkers]) => {
  const { links, problem } = live.links(adds.map((add) => circle15.scenario.clean([{ add }])[0].add));
  if (problem) return null;
  const ticks = (link) => walkers.map((walker) => circle15.links.timed(live.net, walker, link).ticks);
  return links.map((link) => [link.tail, link.head, ticks(link)]);
}"""
LAWS = ["none", *impedance._LAWS]


def any_walker():
    """Every walker that ships, one for every slope law, and the yardstick."""
    shipped = ("planner", "adult", "older", "older_75", "child", "child_with_adult", "pram", "wheelchair")
    adult = Walker.load("adult")
    return [
        *map(Walker.load, shipped),
        *(adult.model_copy(update={"slope_law": law}) for law in LAWS),
        adult.on_the_level(),
    ]


@pytest.mark.parametrize("study_name", STUDIES)
def test_new_links_take_the_same_ticks(asked, study_name):
    study, page = asked(study_name)
    walkers = any_walker()
    dumped = [one.model_dump(mode="json") for one in walkers]
    nodes = study.network._layout.nodes
    links = new_links(study, 72, seed=1)
    made = 0
    for k in range(0, len(links), 3):
        adds = links[k : k + 3]
        adds[2]["line"][0] = adds[1]["line"][-1]  # begins where another ends
        said = page.evaluate(LINKS, [adds, dumped])
        try:
            grown = add_links(study.streets, [NewLink(**one) for one in adds], study.area, terrain=study.terrain)
        except DataError:
            assert said is None
            continue
        rows = grown.iloc[len(study.streets) :]
        expected = []
        every = np.stack([impedance.link_ticks(rows, walker) for walker in walkers])
        for at in rows.groupby("piece", sort=False).indices.values():
            ticks = [[int(one[at[0]]), int(one[at[1]]) if len(at) == 2 else NEVER] for one in every]
            expected.append([rows["from_node"].iloc[at[0]], rows["to_node"].iloc[at[0]], ticks])
        assert [ticks for _, _, ticks in said] == [ticks for _, _, ticks in expected]
        for (tail, head, _), (first, last, _) in zip(said, expected, strict=True):
            for vertex, node in ((tail, first), (head, last)):
                assert nodes[vertex] == node if node in nodes else vertex >= len(nodes)
        made += 1
    assert made > 12


def test_new_links_that_lead_nowhere_are_refused_as_in_a_run(asked):
    study, page = asked("demo")
    nodes = joints(study.streets)
    xy = nodes[["x", "y"]].to_numpy()
    lonely = (np.hypot(*(xy[:, None] - xy).transpose(2, 0, 1)) <= 61).sum(axis=1) == 1  # none other within reach
    at = shapely.Point(xy[np.argmax(lonely)])
    (lon, lat), (far, off) = lonlat(study, [at, shapely.Point(study.area.boundary.bounds[0] - 5e4, at.y)])
    short = {"kind": "lift", "line": [[lon, lat], [lon, lat + 1e-6]]}
    away = {"kind": "lift", "line": [[lon, lat], [far, off]]}
    said = problems(page, [{"close": "way/0"}, {"add": away}, {"facility": {"do": "close", "id": "no such"}}])
    assert [(one["edit"], one["problem"]) for one in said] == [(0, "unknown"), (2, "unknown"), (1, "far")]
    with pytest.raises(DataError, match=f"{said[2]['metres']:,.0f} m from"):
        add_links(study.streets, [NewLink(**away)], study.area)
    with pytest.raises(DataError, match="same node"):
        add_links(study.streets, [NewLink(**short)], study.area)
    assert [one["problem"] for one in problems(page, [{"add": short}])] == ["same"]
    outside = {"facility": {"do": "add", "services": ["canteen"], "lon": far, "lat": off}}
    assert [one["problem"] for one in problems(page, [outside])] == ["outside"]
    before = page.evaluate("() => live.walk(0).edits.length")
    assert page.evaluate("edit => live.walk(0).set([edit]).length", outside) == 1
    assert page.evaluate("() => live.walk(0).edits.length") == before


# ---------------------------------------------------------------------------------------------------------- one place


PLACE = """([who, points]) => points.map(([lon, lat]) => {
  const [spot] = live.walk(who).place(lon, lat);
  return spot ? [spot.piece, spot.off, spot.share, spot.metres] : null;
})"""


def anywhere(study, count, *, seed):
    """Random points of the study area, in degrees as the page rounds them, and in metres."""
    rng = np.random.default_rng(seed)
    west, south, east, north = study.area.boundary.bounds
    points = shapely.points(np.column_stack([rng.uniform(west, east, count), rng.uniform(south, north, count)]))
    degrees = lonlat(study, points[shapely.intersects(study.area.boundary, points)])
    return degrees, gpd.GeoDataFrame(
        geometry=gpd.GeoSeries.from_xy(*zip(*degrees, strict=True), crs=4326).to_crs(study.area.crs)
    )


@pytest.mark.parametrize("study_name", STUDIES)
def test_a_click_anywhere_stands_where_the_engine_puts_it(asked, study_name):
    study, page = asked(study_name)
    degrees, points = anywhere(study, 800, seed=5)
    for who, walker in enumerate(study.walkers):
        spots = snapping.place(study.network._graph(walker), points)
        said = page.evaluate(PLACE, [who, degrees])
        assert [k for k, one in enumerate(said) if one] == spots.row.tolist()
        piece, off, share, metres = zip(*filter(None, said), strict=True)
        assert list(piece) == spots.piece.tolist()
        assert list(off) == spots.off_road_ticks.tolist()
        assert share == pytest.approx(spots.share, abs=1e-7)
        assert metres == pytest.approx(spots.off_road_m, abs=1e-6)


REACHED = """([who, degrees, minutes]) => degrees.map(([lon, lat]) => {
  const walk = live.walk(who);
  return walk.reached(walk.place(lon, lat), minutes);
})"""


@pytest.mark.parametrize("study_name", STUDIES)
def test_reached_streets_are_cut_where_the_engine_cuts_them(asked, study_name):
    study, page = asked(study_name)
    drawn = page.evaluate(
        """() => [...live.net.people.keys()].map((c) => {
          const walk = live.walk(0);
          return walk.reached(walk.home(c), [5, 10, 15]).map((one) => one.metres);
        })"""
    )
    minutes = [5.0, 10.0, 15.0]
    table = study.result.isochrones.pivot_table(index="origin", columns="minutes", values="street_m")
    table = table.reindex(index=study.origins.index, columns=minutes).fillna(0.0)
    assert np.array(drawn) == pytest.approx(table.to_numpy(), abs=1e-4)
    edits = three_edits(study)
    set_edits(page, study, edits)
    network = edited(study, page, edits).network
    degrees, points = anywhere(study, 30, seed=6)
    for who, walker in enumerate(study.walkers):
        for said, point in zip(page.evaluate(REACHED, [who, degrees, [15]]), points.geometry, strict=True):
            found = network.reached(point, 15, walker=walker)
            assert said[0]["metres"] == pytest.approx(found["length_m"].sum(), abs=1e-4)
            assert len(said[0]["piece"]) == len(found)
            assert sorted(said[0]["ticks"]) == np.rint(10 * np.sort(found["seconds"])).tolist()


ROUTES = """([who, origins, rows]) => origins.map((origin, k) => {
  const walk = live.walk(who);
  const route = walk.route(walk.home(origin), walk.goal(rows[k]));
  return route && { ...route, lines: route.stretches.map(({ piece, from, to }) => walk.line(piece, from, to)) };
})"""


@pytest.mark.parametrize("study_name", STUDIES)
def test_routes_are_walks_without_gaps_that_take_what_is_said(asked, study_name):
    study, page = asked(study_name)
    edits = three_edits(study)
    set_edits(page, study, edits)
    other = edited(study, page, edits)
    for who, walker in enumerate(study.walkers):
        every = ticks(other.network, study.origins, offered(other), walker, "out")
        origin, row = (some[:120] for some in random_pairs(np.random.default_rng(2), every))
        said = page.evaluate(ROUTES, [who, origin.tolist(), row.tolist()])
        assert [one["ticks"] if one else NEVER for one in said] == every[origin, row].tolist()
        for route in filter(None, said):
            assert route["ticks"] == sum(route["off"]) + sum(one["ticks"] for one in route["stretches"])
            ends = np.array([[line[0], line[-1]] for line in route["lines"]])
            assert np.abs(ends[1:, 0] - ends[:-1, 1]).max(initial=0) < 1e-6


@pytest.mark.parametrize("study_name", ["demo", "monaco"])
def test_people_within_reach_of_a_place_and_of_whom_it_is_in_reach(asked, study_name):
    study, page = asked(study_name)
    degrees, points = anywhere(study, 12, seed=8)
    for back, trip in ((False, "out"), (True, "back")):
        times = study.network.travel_times(points, study.origins, walker=study.walker, cutoff_minutes=15, trip=trip)
        within = times.seconds.toarray()
        within = [[people_within(study, times, k, limit) for limit in (300, 900)] for k in range(len(within))]
        said = page.evaluate(
            "([degrees, back]) => degrees.map((at) => live.walk(0).people(live.walk(0).place(...at), [5, 15], back))",
            [degrees, back],
        )
        assert np.array(said) == pytest.approx(np.array(within), abs=1e-6)


def people_within(study, times, row, seconds):
    """Residents of the clusters that lie within some seconds."""
    pairs = times.pairs()
    reached = pairs[(pairs["origin"] == row) & (pairs["seconds"] <= seconds)]
    return study.origins.loc[reached["facility"], "population"].sum()


@pytest.mark.parametrize("study_name", ["demo", "monaco"])
def test_the_nearest_of_each_service_out_and_back(asked, study_name):
    study, page = asked(study_name)
    out, back = (ticks(study.network, study.origins, offered(study), study.walker, trip) for trip in ("out", "back"))
    service = offered(study)["service"].to_numpy()
    for origin in (0, 40, len(study.origins) - 1):
        said = page.evaluate("origin => live.walk(0).nearest(live.walk(0).home(origin))", origin)
        for one, nearest in zip(study.standard.services, said, strict=True):
            rows = np.flatnonzero(service == one.key)
            if nearest is None:
                assert (out[origin, rows] == NEVER).all()
                continue
            assert nearest["ticks"] == nearest["out"] == out[origin, rows].min()
            assert nearest["back"] == back[origin, nearest["row"]]
            assert nearest["count"] == (out[origin, rows] <= 600 * one.minutes).sum()


JUDGED = """who => [...live.net.people.keys()].map((c) => {
  const walk = live.walk(who);
  const [home, unit] = [walk.home(c), live.net.map["origins.unit"][c]];
  const found = walk.judged(home, { nearest: walk.nearest(home), unit });
  return [found.map((one) => one.state), found.map((one) => one.why)];
})"""


@pytest.mark.parametrize("study_name", STUDIES)
def test_a_place_is_judged_as_a_home_is(asked, study_name):
    study, page = asked(study_name)
    set_edits(page, study, three_edits(study))
    for who in range(len(study.walkers)):
        _, state, why = page.evaluate(COVERAGE, who)
        shape = (len(study.standard.services), -1)
        told = np.array(page.evaluate(JUDGED, who))
        assert told[:, 0].T.tolist() == np.reshape(state, shape).tolist()
        assert told[:, 1].T.tolist() == np.reshape(why, shape).tolist()


# ---------------------------------------------------------------------------------------------------- words and times


def test_a_scenario_is_text_for_a_study_file_and_for_an_address(asked):
    study, page = asked("demo")
    name = '马家堡 "新梯" </script>\u007f\u2028 \\ \n[x]'
    scenario = {"name": name, "edits": [*three_edits(study), {"facility": {"do": "close", "id": 'a"b\\c'}}]}
    scenario["edits"][1]["facility"] |= {"floor_area_m2": 900.5, "capacity": 40}
    [block] = tomllib.loads(page.evaluate("one => circle15.live.toml(one)", scenario))["scenario"]
    told = Scenario.model_validate(block)
    closed, added, stairs, gone = scenario["edits"]
    assert (told.name, told.close) == (name, (closed["close"],))
    assert told.add == (NewLink(**stairs["add"]),)
    assert told.facilities == (FacilityEdit(**added["facility"], datum="wgs84"), FacilityEdit(**gone["facility"]))
    back = page.evaluate("one => circle15.live.parsed(circle15.live.fragment(one))", scenario)
    assert back["name"] == name
    assert page.evaluate("one => circle15.live.toml(one)", back) == page.evaluate(
        "one => circle15.live.toml(one)", scenario
    )
    assert page.evaluate("one => circle15.live.fragment(one)", scenario).replace("-", "").replace("_", "").isalnum()


@pytest.mark.parametrize("text", ["", "%%%", "bm8", "eyJuYW1lIjoxfQ", "eyJlZGl0cyI6W3siYWRkIjp7fX1dfQ"])
def test_what_is_no_scenario_is_none(asked, text):
    _, page = asked("monaco")
    assert page.evaluate("text => circle15.live.parsed(text)", text) is None


CLOSED = "window.closable = live.elements.slice(0, 40).map((one) => ({ close: one.id }))"
ANSWER = "(edits) => { walk.set(edits); walk.coverage; walk.change(); walk.card(); }"
TASKS = {  # what is timed, how often it is done there
    "open": (OPEN, 1),
    "all that stands": ("() => { window.walk = live.walk(0); walk.card(); }", 1),
    "the first what-if": (f"(edits) => {{ {CLOSED}; ({ANSWER})(edits); }}", 1),
    "an element closed": (f"() => closable.forEach((one) => ({ANSWER})([one]))", 40),
    "four edits": (f"(edits) => closable.forEach((one) => ({ANSWER})([one, ...edits]))", 40),
    "a click": (
        "() => { for (let i = 0; i < 50; i += 1) walk.place(live.net.pieces.lon[i], live.net.pieces.lat[i]); }",
        50,
    ),
    "5, 10, 15 minutes": ("() => homes.forEach((c) => walk.reached(walk.home(c), [5, 10, 15]))", 50),
    "the nearest of all": ("() => homes.forEach((c) => walk.nearest(walk.home(c)))", 50),
}


@pytest.mark.parametrize("study_name", STUDIES)
def test_how_long_answers_take(ran, live_file, open_page, study_name, capsys):
    """Processor time of the page, printed and held against nothing: that belongs in benchmarks."""
    study, _ = ran(study_name)
    page = open_page(live_file(study_name))
    metrics = page.context.new_cdp_session(page)
    metrics.send("Performance.enable", {"timeDomain": "threadTicks"})

    def milliseconds():
        said = metrics.send("Performance.getMetrics")["metrics"]
        return next(1000 * one["value"] for one in said if one["name"] == "TaskDuration")

    told = []
    for name, (task, times) in TASKS.items():
        before = milliseconds()
        page.evaluate(task, three_edits(study))
        told.append(f"{name} {(milliseconds() - before) / times:.1f} ms")
        if name == "open":
            page.evaluate("""() => {
              const placed = (c) => live.walk(0).home(c).length;
              window.homes = [...live.net.people.keys()].filter(placed).slice(0, 50);
            }""")
    size = live_file(study_name).stat().st_size
    with capsys.disabled():
        print(f"\n{study_name}: {size / 1e6:.2f} MB; {', '.join(told)}")  # noqa: T201
    assert size < 6e6
