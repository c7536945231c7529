"""Dependence: the toy town by hand, and brute force: close one element, walk it all again, compare."""

from pathlib import Path

import city
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import toytown
from circle15.errors import CutoffError, DataError
from circle15.network import WalkNetwork, dependence

SLOW = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
WALKER = toytown.walker()
COLUMNS = ["osm_id", "origin", "service", "seconds_before", "seconds_after"]


def nearest(network, origins, facilities, *, cutoff_s, walker):
    """Seconds from each origin to its nearest facility of each service, as far as twice the cut-off."""
    found = {}
    for service, cutoff in cutoff_s.items():
        places = facilities[facilities["service"] == service]
        minutes = 2 * np.floor(cutoff * 10 + 1e-6) / 600
        times = network.travel_times(origins, places, walker=walker, cutoff_minutes=minutes)
        for origin, seconds in times.pairs().groupby("origin")["seconds"].min().items():
            found[origin, service] = seconds
    return found


def slowly(network, origins, facilities, *, cutoff_s, candidates, walker):
    """The same rows by closing one element after the other and walking again."""
    before = nearest(network, origins, facilities, cutoff_s=cutoff_s, walker=walker)
    rows = []
    for osm_id in candidates:
        closed = network.without([osm_id])
        after = nearest(closed, origins, facilities, cutoff_s=cutoff_s, walker=walker)
        for origin in origins.index:
            for service, cutoff in cutoff_s.items():
                was, now = (found.get((origin, service), np.inf) for found in (before, after))
                if was <= cutoff < now:
                    rows.append((osm_id, origin, service, was, now))
    return pd.DataFrame(rows, columns=COLUMNS).astype({"seconds_before": float, "seconds_after": float})


def agree(network, origins, facilities, **asked):
    quick = network.dependence(origins, facilities, **asked)
    pd.testing.assert_frame_equal(quick, slowly(network, origins, facilities, **asked), check_dtype=False)
    return quick


@pytest.fixture(scope="module")
def network():
    return WalkNetwork(toytown.streets())


# ----------------------------------------------------------------------------------------------- the town, by hand


def test_the_escalator_is_what_the_library_hangs_on(network):
    found = network.dependence(
        toytown.origins(),
        toytown.facilities(),
        walker=WALKER,
        cutoff_s={"library": 300, "kiosk": 400},
        candidates=[toytown.LIFT, toytown.ESCALATOR, toytown.STAIRS],
    )
    # Stairs and lift bring those above to the kiosk in 360 s each: neither alone is missed.
    assert found.to_numpy().tolist() == [
        [toytown.ESCALATOR, "west", "library", 280.0, 420.0],
        [toytown.ESCALATOR, "below", "library", 100.0, 360.0],
    ]
    assert found.columns.tolist() == COLUMNS


def test_without_the_lift_the_stairs_are_missed(network):
    left = network.without([toytown.LIFT])
    found = left.dependence(
        toytown.origins(), toytown.facilities(), walker=WALKER, cutoff_s={"kiosk": 400},
        candidates=[toytown.STAIRS, toytown.LIFT],
    )  # fmt: skip
    assert found.to_numpy().tolist() == [[toytown.STAIRS, "above", "kiosk", 360.0, np.inf]]


def test_the_cutoff_is_inclusive(network):
    for cutoff, lost in ((360, True), (359.9, False)):
        found = network.without([toytown.LIFT]).dependence(
            toytown.origins(), toytown.facilities(), walker=WALKER, cutoff_s={"kiosk": cutoff},
            candidates=[toytown.STAIRS],
        )  # fmt: skip
        assert (len(found) == 1) is lost


def test_after_a_closure_it_is_looked_as_far_as_twice_the_cutoff(network):
    """Without the escalator the library is 420 s from the west: found with a cut-off of 280 s, and of 210 s not."""
    home = toytown.origins().loc[["below"]]  # 100 s, then 360 s
    for cutoff, seconds in ((180, 360.0), (179.9, np.inf)):
        found = network.dependence(
            home, toytown.facilities(), walker=WALKER, cutoff_s={"library": cutoff}, candidates=[toytown.ESCALATOR]
        )
        assert found["seconds_after"].tolist() == [seconds]


def test_brute_force_on_the_town(network):
    minutes = 6
    found = agree(
        network,
        toytown.origins(),
        toytown.facilities(),
        walker=WALKER,
        cutoff_s=dict.fromkeys(toytown.facilities()["service"], 60.0 * minutes),
        candidates=toytown.streets()["osm_id"].unique().tolist(),
    )
    assert found["osm_id"].nunique() >= 3


def test_losses_that_outgrow_their_room_are_the_same(network, monkeypatch):
    asked = {"walker": WALKER, "cutoff_s": dict.fromkeys(toytown.facilities()["service"], 360.0)}
    candidates = toytown.streets()["osm_id"].unique().tolist()
    roomy = network.dependence(toytown.origins(), toytown.facilities(), candidates=candidates, **asked)
    monkeypatch.setattr(dependence, "_ROOM", 1)
    tight = network.dependence(toytown.origins(), toytown.facilities(), candidates=candidates, **asked)
    assert roomy.groupby(["osm_id", "service"]).size().max() > 1
    pd.testing.assert_frame_equal(roomy, tight)


# ---------------------------------------------------------------------------------------------------- by brute force


@SLOW
@given(
    st.booleans().flatmap(lambda private: city.cities(private=private)),
    st.lists(st.floats(30, 2000), min_size=2, max_size=2),
    st.integers(0, 15),
)
def test_brute_force_on_random_cities(drawn, cutoffs, shut):
    """Two services, one of them in two places; sometimes a link is closed beforehand."""
    table, origins, facilities = drawn
    facilities = facilities.assign(service=["school", "clinic", "school", "none"][: len(facilities)])
    network = WalkNetwork(table)
    if shut < len(table):
        network = network.without([table.index[shut]])
    agree(
        network,
        origins,
        facilities,
        walker=WALKER,
        cutoff_s=dict(zip(("clinic", "school"), cutoffs, strict=True)),
        candidates=table["osm_id"].unique()[:5].tolist(),
    )


@settings(SLOW, max_examples=15)
@given(st.integers(0, 2**32 - 1))
def test_brute_force_where_many_ways_are_equally_short(seed):
    """A grid of streets of one length: nearly every closure leaves another way that is as short."""
    random = np.random.default_rng(seed)
    side = 5
    nodes = np.array([(80.0 * x, 80.0 * y) for x in range(side) for y in range(side)]) + toytown.CORNER
    links = [(one, one + side, "path", False, True) for one in range(side * (side - 1))]
    links += [(one, one + 1, "path", False, True) for one in range(side * side) if one % side < side - 1]
    links = [link for link in links if random.random() < 0.9]
    table = city.streets(nodes, links).assign(length_m=80.0)
    spots = [(int(link), 0.5) for link in random.integers(0, len(table), 8)]
    origins, facilities = (
        city.points_on(table, spots[:5], name="origin"),
        city.points_on(table, spots[5:], name="facility"),
    )
    agree(
        WalkNetwork(table),
        origins,
        facilities.assign(service=["school", "school", "clinic"]),
        walker=WALKER,
        cutoff_s={"school": 250.0, "clinic": 400.0},
        candidates=table["osm_id"].unique()[::4].tolist(),
    )


@pytest.mark.real
@pytest.mark.usefixtures("real_data")
def test_brute_force_on_monaco():
    """The ten lifts, escalators and stairs that most depends on, and some that nothing does."""
    from circle15.study import Study

    study = Study.open(Path(__file__).parents[1] / "data" / "monaco.toml")
    table = study.streets
    elements = table.loc[table["kind"].isin(["lift", "escalator", "stairs"]), "osm_id"].unique().tolist()
    asked = {
        "walker": study.walker,
        "cutoff_s": {service.key: 60.0 * service.minutes for service in study.standard.services},
    }
    network = WalkNetwork(table)
    found = network.dependence(study.origins, study.facilities, candidates=elements, **asked)
    most = found["osm_id"].value_counts(sort=True).index[:7].tolist()
    idle = [one for one in elements if one not in set(found["osm_id"])][:3]
    assert len(most) + len(idle) == 10
    again = agree(network, study.origins, study.facilities, candidates=most + idle, **asked)
    assert len(again) == found["osm_id"].isin(most).sum() > 20


# ------------------------------------------------------------------------------------------------- doors and manners


def test_nothing_asked_nothing_answered(network):
    homes, places = toytown.origins(), toytown.facilities()
    for origins, facilities, cutoff_s, candidates in (
        (homes.iloc[:0], places, {"kiosk": 400}, [toytown.LIFT]),
        (homes, places.iloc[:0], {"kiosk": 400}, [toytown.LIFT]),
        (homes, places, {}, [toytown.LIFT]),
        (homes, places, {"kiosk": 400}, []),
        (homes, places, {"spa": 400}, [toytown.LIFT]),
    ):
        found = network.dependence(origins, facilities, walker=WALKER, cutoff_s=cutoff_s, candidates=candidates)
        assert found.empty
        assert found.columns.tolist() == COLUMNS


def test_all_findings_at_once(network):
    places = toytown.facilities().drop(columns="service")
    with pytest.raises(DataError, match="way/999") as caught:
        network.dependence(
            toytown.origins(), places, walker=WALKER, cutoff_s={"kiosk": 400}, candidates=["way/999", toytown.LIFT]
        )
    assert "'service'" in str(caught.value)


def test_impossible_cutoffs(network):
    with pytest.raises(CutoffError, match="minutes"):
        network.dependence(
            toytown.origins(), toytown.facilities(), walker=WALKER, cutoff_s={"kiosk": -1}, candidates=[]
        )
