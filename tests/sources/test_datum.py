import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import CRS, Geod

from circle15.errors import DataError
from circle15.project import Standard
from circle15.sources.datum import DATUMS, from_metres, from_wgs84, measure_datums, to_wgs84
from circle15.sources.osm import read_osm
from circle15.sources.places import read_buildings, read_facilities
from circle15.sources.streets import read_streets
from circle15.tables import StudyArea

EARTH = Geod(ellps="WGS84")
LIANGLUKOU = (106.5451, 29.5558)


def metres(one, other):
    return EARTH.inv(*np.reshape(one, 2), *np.reshape(other, 2))[2]


@pytest.mark.parametrize(
    ("wgs", "datum", "shifted", "within_m"),
    [
        ((121.5272106, 31.1774276), "gcj02", (121.531541859215, 31.17530398364597), 1e-4),
        ((113.912316, 22.543847), "gcj02", (113.9171764808363, 22.540796131694766), 1e-4),
        ((116.377817, 39.911954), "gcj02", (116.38404722455657, 39.91334545536069), 1e-4),
        ((116.404, 39.915), "gcj02", (116.41024449916938, 39.91640428150164), 1e-4),
        (LIANGLUKOU, "gcj02", (106.5488295, 29.5529623), 0.01),
        (LIANGLUKOU, "bd09", (106.5552746, 29.5592341), 0.01),
        ((114.21892734521, 29.575429778924), "bd09", (114.23074697, 29.57907996), 0.01),
        ((114.21892734521, 29.575429778924), "bd09", (114.2307519546763, 29.57908428837437), 0.7),  # Baidu's own answer
    ],
)
def test_published_pairs_both_ways(wgs, datum, shifted, within_m):
    assert metres(from_wgs84(np.array([wgs]), datum), shifted) < within_m
    assert metres(to_wgs84(np.array([shifted]), datum), wgs) < within_m


@pytest.mark.parametrize(
    ("gcj", "baidu"),
    [
        ((116.404, 39.915), (116.41036949371029, 39.92133699351021)),
        ((116.39762729119315, 39.90865673957631), (116.404, 39.915)),
    ],
)
def test_published_pairs_between_gcj_and_bd(gcj, baidu):
    assert metres(from_wgs84(to_wgs84(np.array([gcj]), "gcj02"), "bd09"), baidu) < 0.2
    assert metres(from_wgs84(to_wgs84(np.array([baidu]), "bd09"), "gcj02"), gcj) < 0.2


def test_what_is_at_stake():
    here = np.array([LIANGLUKOU])
    assert metres(here, from_wgs84(here, "gcj02")) == pytest.approx(480, abs=2)
    assert metres(here, from_wgs84(here, "bd09")) == pytest.approx(1057, abs=2)


@settings(max_examples=100, deadline=None)
@given(lon=st.floats(75, 134), lat=st.floats(18, 53), datum=st.sampled_from(DATUMS))
def test_there_and_back_is_here(lon, lat, datum):
    here = np.array([[lon, lat]])
    assert metres(to_wgs84(from_wgs84(here, datum), datum), here) < 0.01
    assert metres(from_wgs84(to_wgs84(here, datum), datum), here) < 0.01


@settings(max_examples=100, deadline=None)
@given(lon=st.floats(-170, 60), lat=st.floats(-80, 80))
def test_outside_china_gcj_is_wgs(lon, lat):
    here = np.array([[lon, lat]])
    assert np.array_equal(from_wgs84(here, "gcj02"), here)
    assert np.array_equal(to_wgs84(here, "gcj02"), here)


@pytest.mark.parametrize("datum", ["wgs84", "cgcs2000"])
def test_plain_datums_are_returned_as_they_are(datum):
    here = np.array([LIANGLUKOU, (np.nan, 3.0)])
    assert np.array_equal(to_wgs84(here, datum), here, equal_nan=True)
    assert to_wgs84(here, datum) is not here


def test_many_at_once_missing_ones_too():
    lonlat = np.array([LIANGLUKOU, (np.nan, np.nan), (116.404, 39.915)])
    found = to_wgs84(from_wgs84(lonlat, "bd09"), "bd09")
    assert np.allclose(found, lonlat, atol=1e-8, equal_nan=True)
    assert to_wgs84(np.empty((0, 2)), "gcj02").shape == (0, 2)


def test_an_unknown_datum():
    with pytest.raises(DataError, match="'gcj-02' is not known"):
        to_wgs84(np.array([LIANGLUKOU]), "gcj-02")


@pytest.mark.parametrize("datum", ["wgs84", "gcj02", "bd09"])
def test_the_right_reading_lies_nearest_to_streets_and_buildings(datum):
    rng = np.random.default_rng(15)
    here = np.column_stack([rng.uniform(106.53, 106.57, 60), rng.uniform(29.54, 29.57, 60)])
    points = gpd.GeoSeries.from_xy(*here.T, crs=4326).to_crs(32648)
    streets = gpd.GeoDataFrame(
        geometry=[shapely.box(x, y + 10, x + 5, y + 11).exterior for x, y in zip(points.x, points.y, strict=True)],
        crs=32648,
    )
    buildings = gpd.GeoDataFrame(geometry=points.buffer(4))
    found = measure_datums(np.vstack([from_wgs84(here, datum), [[np.nan, 1.0]]]), streets, buildings)
    assert found.index.tolist() == ["wgs84", "gcj02", "bd09"]
    assert found.idxmin().tolist() == [datum, datum]
    assert found.loc[datum].tolist() == pytest.approx([10, 0], abs=0.01)
    assert (found.drop(datum) > 50).all(axis=None)
    assert measure_datums(from_wgs84(here, datum), streets)["buildings_m"].isna().all()
    assert measure_datums(np.empty((0, 2)), streets).isna().all(axis=None)


@pytest.fixture(scope="module", params=["yuzhong", "monaco"])
def real_place(request, real_data):
    """Places, streets and buildings of OSM, in Yuzhong and in Monaco."""
    if request.param == "yuzhong":
        boundary = gpd.read_file(real_data / "yuzhong" / "boundary.geojson").to_crs(32648).union_all()
    else:
        boundary = gpd.GeoSeries([shapely.Point(7.42, 43.735)], crs=4326).to_crs(32632).iloc[0].buffer(900)
    crs = CRS(32648 if request.param == "yuzhong" else 32632)
    area, elements = (
        StudyArea(request.param, boundary, crs, 300),
        read_osm(real_data / request.param / f"{request.param}.osm.pbf"),
    )
    streets = read_streets(elements, area)
    places = read_facilities(elements, area, standard=Standard.load("yuzhong-15min"), streets=streets)
    points = places.drop_duplicates("place").geometry.centroid.to_crs(4326)
    return request.param, np.column_stack([points.x, points.y]), streets, read_buildings(elements, area)


@pytest.mark.real
@pytest.mark.parametrize("datum", ["wgs84", "gcj02", "bd09"])
def test_the_right_reading_of_real_places_is_the_nearest(real_place, datum):
    """In old town streets are everywhere: only buildings tell. GCJ-02 shifts nothing in Monaco, where it is WGS-84."""
    where, points, streets, buildings = real_place
    assert len(points) > 50
    found = measure_datums(from_wgs84(points, datum), streets, buildings)
    same = ["wgs84", "gcj02"] if where == "monaco" and datum != "bd09" else [datum]
    wrong, right = found.drop(same), found.loc[datum]
    assert (wrong["buildings_m"] > right["buildings_m"] + 10).all()
    assert right["buildings_m"] < 6
    if where == "monaco":
        assert (wrong["streets_m"] > right["streets_m"] + 10).all()


@pytest.mark.real
def test_streets_alone_may_mislead(real_place):
    where, points, streets, buildings = real_place
    found = measure_datums(points, streets, buildings)
    assert found["buildings_m"].idxmin() == "wgs84"
    assert found["streets_m"].idxmin() == ("bd09" if where == "yuzhong" else "wgs84")


def test_places_beyond_the_streets_do_not_blur_the_measure():
    here = np.array([LIANGLUKOU])
    streets = gpd.GeoSeries([shapely.Point(LIANGLUKOU)], crs=4326).to_crs(32648).buffer(100).to_frame("geometry")
    far = here + np.array([[0.3, 0.1], [0.2, 0.1], [-0.3, 0.2]])
    assert measure_datums(np.vstack([here, far]), streets).equals(measure_datums(here, streets))
    assert measure_datums(far, streets).isna().all(axis=None)


@pytest.mark.parametrize("code", [4524, 4545])
def test_surveyed_metres_to_degrees(code):
    surveyed = np.array([[(code == 4524) * 36e6 + 358993.3194, 3271757.6127], [np.nan, 1.0]])
    found = from_metres(surveyed, f"EPSG:{code}", "t.csv", [])
    assert metres(found[0], LIANGLUKOU) < 0.01
    assert np.isnan(found[1]).all()
    assert from_metres(np.empty((0, 2)), f"EPSG:{code}", "t.csv", []).shape == (0, 2)
