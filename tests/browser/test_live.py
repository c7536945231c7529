"""The engine inside the page gives what the Python engine gives, tick for tick, as the city is and under edits."""

import json
import tomllib

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from circle15 import impedance
from circle15.assessment import coverage, grades
from circle15.network import WalkNetwork, snapping
from circle15.page import Live, gap_map
from circle15.project import Walker
from circle15.project.study_file import NewLink
from circle15.sources.overrides import add_links, joints

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
            page = gap_map(study.result, standard=study.standard, live=Live(study.network, study.walkers))
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


def cells(study, found):
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


def compare_coverage(page, study, network, facilities):
    """The page's coverage and card are the study's, cell by cell, for its own walker and the others."""
    for who, walker in enumerate(study.walkers):
        times = network.travel_times(
            study.origins, facilities, walker=walker, cutoff_minutes=study.search_minutes,
            trip=study.project.assessment.trip,
        )  # fmt: skip
        found = coverage(times, facilities, standard=study.standard, known=study.known)
        near, state, why = cells(study, found)
        said = page.evaluate(COVERAGE, who)
        assert said[0] == near
        assert said[1] == state
        assert said[2] == why
        compare_card(page.evaluate(CARD, who), study, found)


def compare_card(said, study, found):
    units = pd.Index(study.result.units.index)
    order = page_units(study)
    card = grades(found, study.origins, study.result.units.loc[order], standard=study.standard)
    assert len(units) == len(order)
    for reading, suffix in (("strict", ""), ("lenient", "_lenient")):
        for state in STATES:
            assert said[reading][state] == pytest.approx(card[state + suffix].tolist(), abs=1e-6)
        assert said[reading]["grade"] == card[f"grade{suffix}"].fillna(0).astype(int).tolist()


def page_units(study):
    """Units in the order of the page: from the highest tier to the lowest."""
    tiers = ["district", "subdistrict", "community", "cell"]
    return study.units.index[np.argsort(study.units["tier"].map(tiers.index).to_numpy(), kind="stable")]


@pytest.mark.parametrize("study_name", STUDIES)
def test_coverage_is_that_of_the_study(asked, study_name):
    study, page = asked(study_name)
    compare_coverage(page, study, study.network, study.facilities)


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
    return shapely.Point(near + (3.0, 6.3)), shapely.Point(there)


def edited(study, edits):
    """Network and facilities under edits, on the Python side, from the text that the page exports for a study file."""
    links = [NewLink(**edit["add"]) for edit in edits if "add" in edit]
    streets = add_links(study.streets_as_they_are, links, study.area, terrain=study.terrain)
    closed = [*study.closed, *(edit["close"] for edit in edits if "close" in edit)]
    network = WalkNetwork(streets)
    facilities, rows = study.facilities, []
    for edit in (edit["facility"] for edit in edits if "facility" in edit):
        if edit["do"] == "close":
            facilities = facilities[(facilities.index != edit["id"]) & (facilities["place"] != edit["id"])]
            continue
        point = gpd.GeoSeries.from_xy([edit["lon"]], [edit["lat"]], crs=4326).to_crs(study.area.crs).iloc[0]
        for key in edit["services"]:
            like = study.facilities.iloc[[0]].assign(service=key, geometry=[shapely.MultiPoint([point])])
            rows.append(like.set_axis([f"new/{len(rows)}"]))
    facilities = gpd.GeoDataFrame(pd.concat([facilities, *rows]), crs=study.area.crs)
    return network.without(closed) if closed else network, facilities.rename_axis(study.facilities.index.name)


def set_edits(page, study, edits):
    for who in range(len(study.walkers)):
        assert page.evaluate("([who, edits]) => live.walk(who).set(edits)", [who, edits]) == []


@pytest.mark.parametrize("study_name", STUDIES)
def test_three_edits_at_once_and_taken_back(asked, study_name):
    study, page = asked(study_name)
    page.evaluate("() => live.walkers.forEach((_, who) => live.walk(who).coverage)")  # as it is, so that edits move it
    edits = three_edits(study)
    set_edits(page, study, edits)
    network, facilities = edited(study, edits)
    here = facilities[facilities["service"].isin([one.key for one in study.standard.services])]
    compare_pairs(page, network, study.origins, here, study.walkers)
    compare_coverage(page, study, network, facilities)
    for fewer in (edits[1:], edits[:2], [edits[2]], []):
        set_edits(page, study, fewer)
        compare_coverage(page, study, *edited(study, fewer))
