"""The packed network says what the network says."""

import doctest
from pathlib import Path
from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from numpy.polynomial import chebyshev
from pyproj import CRS

import toytown
from circle15.impedance import NO_WAY
from circle15.network import WalkNetwork, snapping
from circle15.page import Live
from circle15.page.packing import words
from circle15.page.walking import FINE_STEPS, projection, walking
from circle15.tables import Norms, StudyArea
from read_page import number_arrays, plain_values

WALKERS = [toytown.walker(), toytown.walker(forbidden=frozenset({"stairs"}), off_road_m_s=0.7)]
WALKERS[1] = WALKERS[1].model_copy(update={"name": "rolling"})


@pytest.fixture(scope="module")
def town():
    """The toy town, its stairs shut, packed for two walkers: the network, plain values, whole numbers."""
    streets = toytown.streets()
    network = WalkNetwork(streets).without([toytown.STAIRS])
    area = StudyArea("Town", shapely.box(*shapely.total_bounds(streets.geometry.array)), streets.crs, margin_m=200)
    units = gpd.GeoDataFrame({"parent": [None]}, geometry=[area.boundary], crs=streets.crs, index=["D"])
    result = SimpleNamespace(
        units=units, origins=moved(toytown.origins()), facilities=moved(toytown.facilities()), streets=streets,
        area=area, facts={"trip": "back", "search_minutes": 20.0},
    )  # fmt: skip
    keys = result.facilities["service"].unique()
    standard = SimpleNamespace(
        services=[SimpleNamespace(key=key) for key in keys], decay=(1.0, 0.5), supply_most=1.5, languages=("zh", "en"),
        grades=[SimpleNamespace(supply=one) for one in (0.5, 0.0)],
    )  # fmt: skip
    page = walking(Live(network, WALKERS, asked(result, keys)), result, standard=standard)
    said, arrays = plain_values(page, "walking"), number_arrays(page, "network")
    return SimpleNamespace(network=network, result=result, said=said, arrays=arrays)


def moved(points):
    """The same a few metres off the street, where shares are no round numbers."""
    return points.set_geometry(points.geometry.translate(13.7, 4.1))


def asked(result, keys):
    """Norms of two services: one for everybody, one for a part of them, of which nobody knows what it is owed."""
    everybody, two = result.origins["population"].astype(float), list(keys[:2])
    size = pd.Series(np.where(result.facilities["service"] == keys[0], 0.1, np.nan), index=result.facilities.index)
    return Norms(
        people=pd.DataFrame({two[0]: everybody, two[1]: everybody / 3}),
        people_each=pd.Series([200.0, np.nan], index=two),
        typical=pd.Series([20.0, np.nan], index=two),
        column=pd.Series(["capacity", ""], index=two),
        size=size[result.facilities["service"].isin(two)],
        own=pd.Series(np.arange(len(size)) % 2 == 0, index=size.index)[result.facilities["service"].isin(two)],
    )


def summed(values):
    return np.cumsum(np.array(values, dtype=np.int64))


def floats(arrays, name):
    halves = np.array([arrays[f"{name}.low"], arrays[f"{name}.high"]], dtype="<i4")
    return halves.T.copy().view("<f8").ravel()


def test_pieces_have_their_ends_their_lines_and_their_flags(town):
    layout, arrays = town.network._layout, town.arrays
    tail = summed(arrays["pieces.tail"])
    head = tail + arrays["pieces.head"]
    assert tail.tolist() == layout.tail[layout.ahead].tolist()
    assert head.tolist() == layout.head[layout.ahead].tolist()
    nodes = (
        summed(np.reshape(arrays["nodes.xy"], (-1, 2))[:, 0]),
        summed(np.reshape(arrays["nodes.xy"], (-1, 2))[:, 1]),
    )
    degrees = (np.stack(nodes, axis=1) + town.said["corner"]) / FINE_STEPS
    metres = gpd.GeoSeries.from_xy(*degrees.T, crs=4326).to_crs(toytown.CRS)
    for piece, line in enumerate(layout.lines):
        ends = metres.iloc[[tail[piece], head[piece]]]
        assert [end.distance(shapely.Point(line.coords[k])) < 0.02 for end, k in zip(ends, (0, -1), strict=True)] == [
            True
        ] * 2
    flags = np.array(arrays["pieces.flags"])
    streets = layout.streets
    link = streets.iloc[layout.ahead]
    assert (flags & 1 > 0).tolist() == layout.private[layout.ahead].tolist()
    assert (flags & 4 > 0).tolist() == (link["osm_id"] == toytown.STAIRS).tolist()
    assert (flags & 16 > 0).tolist() == link["at_edge"].tolist()
    assert (flags & 64 == 0).tolist() == link["kind"].isin(["lift", "escalator", "bridge", "tunnel"]).tolist()
    kinds = [town.said["kinds"][kind] for kind in arrays["pieces.kind"]]
    assert kinds == link["kind"].tolist()
    assert [town.said["osm"][k] for k in summed(arrays["pieces.osm"])] == link["osm_id"].tolist()
    assert arrays["pieces.longer"] == [0] * len(link)


def test_ticks_of_every_walker_both_ways(town):
    for who, walker in enumerate(WALKERS):
        along = np.array(town.arrays[f"ticks{who}.along"])
        both = np.stack([along, along + town.arrays[f"ticks{who}.against"]])
        expected = np.stack([ticks for _, ticks in town.network._graph(walker).ways])
        assert np.where(both > 0, both, NO_WAY).tolist() == expected.tolist()
    stairs = town.network._layout.streets["osm_id"].iloc[town.network._layout.ahead] == toytown.STAIRS
    assert (np.array(town.arrays["ticks0.along"])[stairs] > 0).all()  # shut, yet points beside them walk to their ends
    assert (np.array(town.arrays["ticks1.along"])[stairs] == 0).all()


@pytest.mark.parametrize("name", ["origins", "facilities"])
def test_spots_come_back_to_the_last_bit(town, name):
    row, piece, share = (
        summed(town.arrays[f"{name}.row"]),
        town.arrays[f"{name}.piece"],
        floats(town.arrays, f"{name}.share"),
    )
    for who, walker in enumerate(WALKERS):
        spots = snapping.place(town.network._graph(walker), getattr(town.result, name))
        expected = set(
            zip(
                spots.row.tolist(),
                spots.piece.tolist(),
                spots.share.tolist(),
                spots.off_road_ticks.tolist(),
                strict=True,
            )
        )
        ticks = town.arrays[f"{name}.ticks{who}"]
        said = {
            one for one in zip(row.tolist(), piece, share.tolist(), [t - 1 for t in ticks], strict=True) if one[3] >= 0
        }
        assert said == expected
    assert len({tuple(town.arrays[f"{name}.ticks{who}"]) for who in (0, 1)}) == 2


def test_what_supply_is_held_against(town):
    said, arrays, facilities = town.said["supply"], town.arrays, town.result.facilities
    norms = asked(town.result, facilities["service"].unique())
    assert said["services"] == [0, 1]
    assert said["crowd"] == [0, 1]
    assert said["people_each"] == [200.0, None]
    assert said["typical"] == [20.0, None]
    assert said["column"] == ["capacity", ""]
    assert (said["decay"], said["most"], said["bands"]) == ([1.0, 0.5], 1.5, [0.0, 0.5])
    assert floats(arrays, "crowds").tolist() == norms.people.to_numpy().T.ravel().tolist()
    assert facilities.index[summed(arrays["sizes.row"])].tolist() == norms.size.index.tolist()
    assert np.nan_to_num(floats(arrays, "sizes"), nan=-1).tolist() == norms.size.fillna(-1).tolist()
    assert arrays["sizes.own"] == norms.own.astype(int).tolist()
    assert len(arrays["own.rings"]) == 1


def test_plain_values(town):
    assert (town.said["trip"], town.said["limit"]) == ("back", 12_000)
    assert [one["name"] for one in town.said["walkers"]] == ["toy", "rolling"]
    assert town.said["walkers"][1]["forbidden"] == ["stairs"]
    assert town.said["facilities"] == town.result.facilities.index.tolist()
    assert floats(town.arrays, "people").tolist() == town.result.origins["population"].tolist()
    high = np.array(town.arrays["nodes.joint"]) == 2
    assert 0 < high.sum() < len(town.network._layout.nodes)  # the landing of the lift has no ground
    assert set(summed(town.arrays["nodes.height"])[high].tolist()) == {0, 60_000}


@given(st.lists(st.floats(allow_nan=False)))
def test_numbers_come_back_to_the_last_bit(values):
    packed = words(np.array(values), name="n")
    assert floats(packed, "n").tolist() == values
    assert all(-(2**31) <= word < 2**31 for half in packed.values() for word in half)


@pytest.mark.parametrize(
    ("crs", "lon", "lat"),
    [
        ("EPSG:32648", 106.55, 29.56),
        ("EPSG:4543", 102.7, 25.0),
        ("EPSG:2154", 7.42, 43.73),
        ("EPSG:32719", -70.7, -33.4),
    ],
)
@pytest.mark.parametrize("size_m", [3_000.0, 60_000.0])
def test_any_projection_is_fitted_both_ways(crs, lon, lat, size_m):
    middle = gpd.GeoSeries.from_xy([lon], [lat], crs=4326).to_crs(crs).iloc[0]
    bounds = middle.buffer(size_m / 2).bounds
    fitted = projection(CRS(crs), bounds)
    rng = np.random.default_rng(1)
    metres = rng.uniform(bounds[:2], bounds[2:], (500, 2))
    degrees = shapely.get_coordinates(gpd.GeoSeries.from_xy(*metres.T, crs=crs).to_crs(4326).array)
    for way, given_, wanted, within in (("forward", degrees, metres, 1e-6), ("back", metres, degrees, 1e-11)):
        low, high = (np.array(fitted[way][end]) for end in ("low", "high"))
        u, v = (2 * (given_ - low) / (high - low) - 1).T
        found = np.column_stack([chebyshev.chebval2d(u, v, fitted[way][axis]) for axis in "xy"])
        assert np.abs(found - wanted).max() < within


def test_the_worked_number():
    page = Path(__file__).parents[2] / "docs" / "methods" / "live.md"
    found = doctest.testfile(str(page), module_relative=False, encoding="utf-8")
    assert found.attempted == 6
    assert found.failed == 0
