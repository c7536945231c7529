import zipfile

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import CRS
from rasterio.transform import Affine, from_origin

from circle15.errors import Circle15Warning, DataError, SourceError
from circle15.sources import terrain as terrain_room
from circle15.sources.areas import read_area
from circle15.sources.heights import STEEPEST, STEEPEST_OTHER, doubtful_links, shifted, with_heights
from circle15.sources.profiles import PIECE_M
from circle15.sources.streets import read_streets
from circle15.sources.terrain import Terrain, read_terrain
from circle15.sources.walking_rules import DRIVABLE
from circle15.tables import StudyArea

UTM = CRS("EPSG:32648")
TOLERANCE_M = 15.0  # of SRTM in a city of towers and cliffs: what domain facts are held to
WEST, NORTH = 650_000.0, 3_270_000.0


def plane(east=0.0, north=0.0, base=200.0, side=30.0, cells=80):
    """A terrain that rises by `east` and `north` per metre from 200 m at the south-west corner of the town."""
    x = (np.arange(cells) - 20 + 0.5) * side
    heights = base + east * x[None, :] + north * x[::-1][:, None]
    transform = (side, 0.0, WEST - 20 * side, 0.0, -side, NORTH + (cells - 20) * side)
    return Terrain(heights.astype(np.float32), transform, UTM, "plane")


def town(*links, crs=UTM):
    """Links as (piece, from, to, [(x, y), ...], kind, more); both directions unless more says oneway."""
    rows = []
    for piece, start, end, points, kind, *more in links:
        line = shapely.LineString(np.add(points, (WEST, NORTH)))
        row = {
            "piece": piece,
            "osm_id": piece.split("#")[0],
            "length_m": line.length,
            "rise_m": np.nan,
            "kind": kind,
            "name": None,
            "highway": None,
            "evidence": "default",
            "bridge": None,
            "tunnel": None,
            "covered": None,
            "incline": None,
        } | (more[0] if more else {})
        oneway = row.pop("oneway", False)
        rise = row.pop("rise_m")
        rows.append({"link": f"{piece}>", "from_node": start, "to_node": end, "geometry": line, "rise_m": rise, **row})
        if not oneway:
            back = {"link": f"{piece}<", "from_node": end, "to_node": start, "geometry": line.reverse()}
            rows.append(back | {"rise_m": -rise} | row)
    return gpd.GeoDataFrame(rows, crs=crs).set_index("link")


def z(line):
    return shapely.get_coordinates(line, include_z=True)[:, 2]


def write_raster(path, heights, west, north, side, crs="EPSG:32648", nodata=-32768):
    rows, columns = heights.shape
    profile = {"driver": "GTiff", "width": columns, "height": rows, "count": 1, "dtype": "int16", "nodata": nodata}
    with rasterio.open(path, "w", transform=Affine(side, 0, west, 0, -side, north), crs=crs, **profile) as raster:
        raster.write(heights.astype("int16"), 1)
    return path


@pytest.fixture
def square():
    return StudyArea("square", shapely.box(WEST, NORTH, WEST + 600, NORTH + 600), UTM, 300)


# ------------------------------------------------------------------------------------------------------------ terrain


@settings(max_examples=60, deadline=None)
@given(east=st.floats(-0.5, 0.5), north=st.floats(-0.5, 0.5), x=st.floats(0, 900), y=st.floats(0, 900))
def test_bilinear_is_exact_on_a_plane(east, north, x, y):
    assert plane(east, north).at([[WEST + x, NORTH + y]])[0] == pytest.approx(200 + east * x + north * y, abs=0.01)


def test_outside_and_beside_unknown_cells_the_height_is_unknown():
    heights = np.array([[1.0, 2.0, np.nan]], dtype=np.float32)
    terrain = Terrain(heights, (10.0, 0.0, 0.0, 0.0, -10.0, 10.0), UTM, "strip")
    found = terrain.at(np.array([[0.0, 5.0], [10.0, 5.0], [15.0, 5.0], [16.0, 5.0], [-0.1, 5.0], [5.0, 10.1]]))
    assert np.array_equal(found, [1.0, 1.5, 2.0, np.nan, np.nan, np.nan], equal_nan=True)


def test_the_ground_is_found_beneath_a_lone_roof():
    terrain = plane(side=15.0)
    terrain.heights[40, 40] += 60
    a, _, c, _, e, f = terrain.transform
    roof = np.array([[c + 40.5 * a, f + 40.5 * e]])
    assert terrain.at(roof)[0] == pytest.approx(260)
    assert terrain.ground(roof)[0] == pytest.approx(200)


@settings(max_examples=60, deadline=None)
@given(east=st.floats(-0.4, 0.4), north=st.floats(-0.4, 0.4))
def test_the_low_percentile_keeps_rises_on_a_slope(east, north):
    here, there = plane(east, north).ground(np.array([[WEST + 100, NORTH + 100], [WEST + 400, NORTH + 250]]))
    assert there - here == pytest.approx(300 * east + 150 * north, abs=0.01)


# ---------------------------------------------------------------------------------------------------- reading rasters


def test_a_raster_in_the_study_crs_is_read_as_it_is(tmp_path, square):
    heights = np.arange(900).reshape(30, 30) // 10
    heights[0, 0] = -32768
    path = write_raster(tmp_path / "dem.tif", heights, WEST - 150, NORTH + 750, 30.0)
    terrain = read_terrain(path, square)
    assert terrain.crs == UTM
    assert terrain.name == "dem.tif"
    assert terrain.at([[WEST + 15, NORTH + 585]])[0] == pytest.approx(heights[5, 5])
    assert np.isnan(terrain.at([[WEST - 149, NORTH + 749]])[0])


def test_a_raster_in_degrees_is_warped(tmp_path, square):
    west, south, east, north = square.extent_lonlat.bounds
    side = 0.0003
    columns, rows = int((east - west) / side) + 20, int((north - south) / side) + 20
    heights = np.repeat(np.arange(columns)[None, :] * 10, rows, axis=0)
    path = write_raster(tmp_path / "dem.tif", heights, west - 10 * side, north + 10 * side, side, "EPSG:4326")
    terrain = read_terrain(path, square)
    point = gpd.GeoSeries([shapely.Point(WEST + 300, NORTH + 300)], crs=UTM).to_crs(4326).iloc[0]
    expected = 10 * ((point.x - west + 10 * side) / side - 0.5)
    assert terrain.at([[WEST + 300, NORTH + 300]])[0] == pytest.approx(expected, abs=1.0)
    lower, upper = terrain.at([[WEST + 100, NORTH + 100], [WEST + 400, NORTH + 100]])
    assert upper - lower == pytest.approx(300 / (side * 96_600) * 10, rel=0.02)  # a degree is 96.6 km at 29.6 N


def test_a_raster_elsewhere_names_both_places(tmp_path, square):
    path = write_raster(tmp_path / "dem.tif", np.ones((30, 30)), WEST + 90_000, NORTH, 30.0)
    with pytest.raises(DataError, match=r"dem.tif: it does not overlap.*107\.\d+.*the area at 106\.\d+"):
        read_terrain(path, square)


def test_a_raster_that_knows_too_little_of_the_boundary(tmp_path, square):
    path = write_raster(tmp_path / "dem.tif", np.ones((60, 10)), WEST - 150, NORTH + 1000, 30.0)
    with pytest.raises(DataError, match=r"only 2\d% of the boundary"):
        read_terrain(path, square)


def test_a_raster_may_miss_a_part_of_the_margin(tmp_path, square):
    path = write_raster(tmp_path / "dem.tif", np.full((22, 22), 7), WEST - 30, NORTH + 630, 30.0)
    terrain = read_terrain(path, square)
    assert np.array_equal(terrain.at([[WEST + 5, NORTH + 5], [WEST - 200, NORTH]]), [7.0, np.nan], equal_nan=True)


@pytest.mark.parametrize(
    ("heights", "words"),
    [(-240.0, "a tenth of the area would lie below -240 m.*grow upwards"), (7000.0, "above 7,000 m.*not in feet")],
)
def test_a_raster_with_the_wrong_sign_or_in_feet(tmp_path, square, heights, words):
    path = write_raster(tmp_path / "dem.tif", np.full((30, 30), heights), WEST - 150, NORTH + 750, 30.0)
    with pytest.raises(DataError, match=words):
        read_terrain(path, square)


def test_a_raster_of_hills_too_steep_to_be_in_metres(tmp_path, square):
    hills = np.tile([0.0, 31.0, 62.0, 31.0], (32, 8))
    path = write_raster(tmp_path / "dem.tif", hills, WEST - 150, NORTH + 750, 30.0)
    with pytest.warns(Circle15Warning, match=r"dem.tif: \d+% of the ground would be steeper than 45 degrees"):
        read_terrain(path, square)
    gentle = write_raster(tmp_path / "half.tif", hills / 2, WEST - 150, NORTH + 750, 30.0)
    assert read_terrain(gentle, square).name == "half.tif"


def test_a_raster_without_crs(tmp_path, square):
    path = write_raster(tmp_path / "dem.tif", np.ones((30, 30)), WEST, NORTH + 600, 30.0, crs=None)
    with pytest.raises(DataError, match="the CRS is not stated"):
        read_terrain(path, square)


def test_files_that_are_no_raster(tmp_path, square):
    (tmp_path / "text.tif").write_text("no raster")
    (tmp_path / "text.zip").write_text("no zip")
    with zipfile.ZipFile(tmp_path / "empty.zip", "w") as folder:
        folder.writestr("readme.txt", "nothing")
    with pytest.raises(SourceError, match="cannot be read as a raster"):
        read_terrain(tmp_path / "text.tif", square)
    with pytest.raises(SourceError, match="cannot be read as a raster"):
        read_terrain(tmp_path / "text.zip", square)
    with pytest.raises(SourceError, match="there is no such file"):
        read_terrain(tmp_path / "absent.tif", square)
    with pytest.raises(DataError, match="it holds 0 rasters"):
        read_terrain(tmp_path / "empty.zip", square)


def test_two_halves_are_as_good_as_the_whole(tmp_path, square):
    slope = np.add.outer(np.arange(60), 2 * np.arange(60))
    whole = write_raster(tmp_path / "whole.tif", slope, WEST - 600, NORTH + 1200, 30.0)
    left = write_raster(tmp_path / "left.tif", slope[:, :30], WEST - 600, NORTH + 1200, 30.0)
    right = write_raster(tmp_path / "right.tif", slope[:, 30:], WEST + 300, NORTH + 1200, 30.0)
    xy = np.random.default_rng(0).uniform(-300, 900, (500, 2)) + np.array([WEST, NORTH])
    one, two = read_terrain(whole, square), read_terrain([left, right], square)
    assert two.name == "left.tif, right.tif"
    assert np.allclose(one.at(xy), two.at(xy), atol=1.5)  # at the seam a cell of one side stands for its neighbour
    away = np.abs(xy[:, 0] - WEST - 300) > 60
    assert np.allclose(one.at(xy)[away], two.at(xy)[away], atol=1e-3)
    assert np.isfinite(two.at(xy)).all()


def test_the_first_named_wins_and_the_next_fills_what_it_does_not_know(tmp_path, square):
    fine = np.full((60, 60), 12)
    fine[20:40, 20:40] = -32768
    coarse = write_raster(tmp_path / "coarse.tif", np.full((40, 40), 7), WEST - 600, NORTH + 1200, 60.0)
    upper = write_raster(tmp_path / "fine.tif", fine, WEST, NORTH + 600, 10.0)
    spots = {"centre": (300, 300), "corner": (60, 60), "margin": (-200, 300)}
    xy = np.array(list(spots.values())) + np.array([WEST, NORTH])
    assert read_terrain([upper, coarse], square).at(xy).tolist() == [7.0, 12.0, 7.0]
    assert read_terrain([coarse, upper], square).at(xy).tolist() == [7.0, 7.0, 7.0]
    assert read_terrain([upper, coarse], square).transform[0] == pytest.approx(10.0)


def test_rasters_of_two_crs_are_laid_over_each_other(tmp_path, square):
    west, _, _, north = square.extent_lonlat.bounds
    degrees = write_raster(tmp_path / "deg.tif", np.full((90, 90), 9), west - 0.002, north + 0.002, 0.0003, "EPSG:4326")
    metres = write_raster(tmp_path / "utm.tif", np.full((20, 10), 5), WEST, NORTH + 600, 30.0)
    terrain = read_terrain([metres, degrees], square)
    assert terrain.crs == UTM
    found = terrain.at(np.array([[150.0, 300.0], [450.0, 300.0], [-250.0, -250.0]]) + np.array([WEST, NORTH]))
    assert found.tolist() == [5.0, 9.0, 9.0]


def test_of_several_one_may_lie_elsewhere_but_not_all(tmp_path, square):
    near = write_raster(tmp_path / "near.tif", np.full((40, 40), 7), WEST - 300, NORTH + 900, 30.0)
    far = write_raster(tmp_path / "far.tif", np.full((40, 40), 7), WEST + 90_000, NORTH, 30.0)
    with pytest.warns(Circle15Warning, match=r"far.tif: it does not overlap the area.*It was left out"):
        assert read_terrain([far, near], square).at([[WEST, NORTH]])[0] == 7
    with pytest.raises(DataError) as caught:
        read_terrain([far, far], square)
    assert len(caught.value.findings) == 2


def test_every_bad_raster_is_named_at_once(tmp_path, square):
    (tmp_path / "text.tif").write_text("no raster")
    bare = write_raster(tmp_path / "bare.tif", np.ones((30, 30)), WEST, NORTH + 600, 30.0, crs=None)
    with pytest.raises(SourceError) as caught:
        read_terrain([tmp_path / "text.tif", bare, tmp_path / "gone.tif"], square)
    assert [finding.where for finding in caught.value.findings] == ["text.tif", "bare.tif", "gone.tif"]
    with pytest.raises(SourceError, match="no raster was named"):
        read_terrain([], square)


def sparse(path, side, *, cells=1_000_000, **profile):
    """A tiny file that claims a vast raster around the square."""
    half = cells * side / 2
    place = Affine(side, 0, WEST - half, 0, -side, NORTH + half)
    whole = {"driver": "GTiff", "width": cells, "height": cells, "count": 1, "dtype": "int16", "crs": UTM}
    with rasterio.open(path, "w", transform=place, SPARSE_OK=True, BIGTIFF="YES", **whole, **profile) as raster:
        raster.write(np.full((16, 16), 3, dtype="int16"), 1, window=((0, 16), (0, 16)))
    return path


def test_a_vast_raster_is_read_where_it_is_needed_only(tmp_path, square):
    tiled = {"tiled": True, "blockxsize": 512, "blockysize": 512, "compress": "deflate"}
    path = sparse(tmp_path / "vast.tif", 30.0, **tiled)
    assert path.stat().st_size < 100_000_000
    assert read_terrain(path, square).at([[WEST, NORTH]])[0] == 0


def test_a_raster_with_too_many_cells_in_the_area_is_refused_unread(tmp_path, square):
    tiled = {"tiled": True, "blockxsize": 4096, "blockysize": 4096, "compress": "deflate"}
    path = sparse(tmp_path / "mad.tif", 0.001, **tiled)
    with pytest.raises(DataError, match=r"mad.tif: 900,001 by 900,001 of its cells lie within.*coarser"):
        read_terrain(path, square)


def test_a_raster_of_one_vast_block_is_refused_unread(tmp_path, square, monkeypatch):
    monkeypatch.setattr(terrain_room, "MOST_BLOCK", 1_000_000)
    path = sparse(tmp_path / "strip.tif", 0.1, cells=20_000, blockysize=100)
    with pytest.raises(DataError, match=r"strip.tif: it is one block of 20,000 by 100 cells.*tiles"):
        read_terrain(path, square)


def test_a_raster_finer_than_memory_allows_is_averaged_down(tmp_path, square, monkeypatch):
    monkeypatch.setattr(terrain_room, "MOST_CELLS", 3600)
    slope = np.repeat(np.arange(240)[None, :], 240, axis=0)
    path = write_raster(tmp_path / "fine.tif", slope, WEST - 300, NORTH + 900, 5.0)
    terrain = read_terrain(path, square)
    assert terrain.heights.size < 4100
    assert terrain.at([[WEST + 300, NORTH + 300]])[0] == pytest.approx(119.5, abs=0.51)  # whole metres stay whole
    two = read_terrain([path, path], square)
    assert two.heights.size < 4100
    assert two.at([[WEST + 300, NORTH + 300]])[0] == pytest.approx(119.5, abs=0.51)


def test_a_raster_that_points_elsewhere_is_not_followed(tmp_path, square):
    secret = write_raster(tmp_path / "secret.tif", np.full((40, 40), 7), WEST - 300, NORTH + 900, 30.0)
    virtual = tmp_path / "virtual.tif"
    virtual.write_text(
        '<VRTDataset rasterXSize="40" rasterYSize="40"><VRTRasterBand dataType="Int16" band="1"><SimpleSource>'
        f"<SourceFilename>{secret}</SourceFilename></SimpleSource></VRTRasterBand></VRTDataset>"
    )
    with pytest.raises(SourceError, match="cannot be read as a raster"):
        read_terrain(virtual, square)
    with pytest.raises(SourceError, match="its ending does not say"):
        read_terrain(virtual.rename(tmp_path / "virtual.vrt"), square)


def test_a_zip_that_unpacks_to_too_much(tmp_path, square, monkeypatch):
    monkeypatch.setattr(terrain_room, "MOST_UNZIPPED", 1000)
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as folder:
        folder.writestr("N29E106.hgt", bytes(100_000))
    with pytest.raises(DataError, match=r"bomb.zip: it unpacks to 100,000 bytes"):
        read_terrain(tmp_path / "bomb.zip", square)


# ------------------------------------------------------------------------------------------------------------- streets


def test_a_street_takes_the_rise_of_the_terrain_and_is_cut_short():
    streets = town(("way/1#0", 1, 2, [(0, 0), (100, 0)], "street"))
    before = streets.copy()
    found = with_heights(streets, plane(east=0.05))
    assert found.loc["way/1#0>", "rise_m"] == pytest.approx(5, abs=0.01)
    assert found["evidence"].tolist() == ["terrain", "terrain"]
    line = found.loc["way/1#0>", "geometry"]
    assert np.hypot(*np.diff(shapely.get_coordinates(line), axis=0).T).max() <= PIECE_M
    assert np.allclose(np.diff(z(line)), np.diff(shapely.get_coordinates(line)[:, 0]) * 0.05, atol=1e-3)
    assert streets.equals(before)


def test_without_terrain_everything_is_a_default_but_what_is_tagged():
    streets = town(
        ("way/1#0", 1, 2, [(0, 0), (100, 0)], "street"),
        ("way/2#0", 2, 3, [(100, 0), (120, 0)], "stairs"),
        ("way/3#0", 3, 4, [(120, 0), (140, 0)], "stairs", {"incline": "down"}),
        ("way/4#0", 4, 5, [(140, 0), (160, 0)], "stairs", {"rise_m": 3.1, "evidence": "tag"}),
        ("way/5#0", 5, 6, [(160, 0), (200, 0)], "escalator", {"incline": "down", "oneway": True}),
        ("way/6#0", 6, 7, [(200, 0), (300, 0)], "path", {"rise_m": -4.0, "evidence": "survey"}),
        ("node/9#0", -1, -2, [(300, 0), (300, 0)], "lift"),
    )
    found = with_heights(streets, None)
    up = found[found.index.str.endswith(">")]
    assert up["rise_m"].tolist() == [0.0, 10.0, -10.0, 3.1, -20.0, -4.0, 12.0]
    assert up["evidence"].tolist() == ["default", "default", "default", "tag", "default", "survey", "default"]
    assert not shapely.has_z(found.geometry).any()


@pytest.mark.parametrize(
    ("kind", "slope", "expected"),
    [
        ("stairs", 0.5, 20.0),
        ("stairs", -0.5, -20.0),
        ("stairs", 0.1, 10.0),
        ("stairs", -0.02, -10.0),
        ("stairs", 1.5, 30.0),
        ("escalator", 0.5, 20.0),
        ("escalator", 0.01, 12.0),
        ("escalator", -1.5, -26.0),
        ("street", 0.5, 6.0),
        ("path", -0.5, -10.0),
    ],
)
def test_each_kind_keeps_its_slopes(kind, slope, expected):
    found = with_heights(town(("way/1#0", 1, 2, [(0, 0), (40, 0)], kind)), plane(east=slope))
    assert found.loc["way/1#0>", "rise_m"] == pytest.approx(expected, abs=0.05)
    assert found.loc["way/1#0>", "evidence"] == "terrain"


def test_a_tag_says_which_way_stairs_go_even_against_the_terrain():
    links = town(
        ("way/1#0", 1, 2, [(0, 0), (40, 0)], "stairs", {"incline": "down"}),
        ("way/2#0", 3, 4, [(0, 90), (40, 90)], "stairs", {"rise_m": 9.0, "evidence": "tag"}),
        ("way/3#0", 5, 6, [(0, 190), (40, 190)], "stairs", {"rise_m": 9.0, "evidence": "tag", "incline": "up"}),
    )
    rising = with_heights(links, plane(east=0.4))
    falling = with_heights(links, plane(east=-0.4))
    assert rising["rise_m"].round(6).tolist() == [-10, 10, 9, -9, 9, -9]
    assert falling["rise_m"].round(1).tolist() == [-16, 16, -9, 9, 9, -9]  # steps were counted, the terrain says where


def test_a_bridge_runs_straight_over_a_gorge():
    terrain = plane()
    terrain.heights[:, 24:27] = 120.0  # x from 120 to 210
    streets = town(
        ("way/1#0", 1, 2, [(0, 0), (60, 0)], "street"),
        ("way/2#0", 2, 3, [(60, 0), (150, 0)], "street", {"bridge": "yes"}),
        ("way/2#1", 3, 4, [(150, 0), (300, 0)], "bridge"),
        ("way/3#0", 4, 5, [(300, 0), (400, 0)], "street"),
        ("way/4#0", 3, 6, [(150, 0), (150, 30)], "stairs"),
    )
    found = with_heights(streets, terrain)
    assert np.allclose(np.concatenate([z(line) for line in found.loc[["way/2#0>", "way/2#1>"], "geometry"]]), 200)
    assert found.loc["way/4#0>", "rise_m"] == pytest.approx(-22.5)  # from the deck down into the gorge, 75 % at most


def test_the_approaches_of_a_tunnel_do_not_climb_the_hill():
    terrain = plane()
    terrain.heights[:, 22:30] += 60.0  # the hill begins 60 m east of the first portal's street and reaches over it
    streets = town(
        ("way/1#0", 1, 2, [(-90, 0), (60, 0)], "street"),
        ("way/2#0", 2, 3, [(60, 0), (300, 0)], "tunnel"),
        ("way/3#0", 3, 4, [(300, 0), (450, 0)], "street"),
        ("way/4#0", 5, 6, [(-90, 200), (450, 200)], "street"),
    )
    found = with_heights(streets, terrain)
    through = [z(line) for line in found.loc[["way/1#0>", "way/2#0>", "way/3#0>"], "geometry"]]
    assert np.concatenate(through).max() < 202  # a cell of the hill begins at the portal itself
    assert z(found.loc["way/4#0>", "geometry"]).max() > 220  # a street over the hill does climb it


def test_an_approach_without_anything_beyond_stays_on_the_ground():
    streets = town(
        ("way/1#0", 1, 2, [(0, 0), (20, 0)], "path"),
        ("way/2#0", 2, 3, [(20, 0), (60, 0)], "bridge"),
        ("way/3#0", 3, 4, [(60, 0), (80, 0)], "path"),
    )
    found = with_heights(streets, plane(east=0.1))
    assert found.loc[["way/1#0>", "way/2#0>", "way/3#0>"], "rise_m"].tolist() == pytest.approx([2, 4, 2], abs=0.05)
    assert set(found["evidence"]) == {"terrain"}


def test_a_deck_that_hangs_on_one_end_is_level_and_says_so():
    terrain = plane()
    terrain.heights[:, 23:] = 150.0  # a river
    streets = town(
        ("way/1#0", 1, 2, [(-60, 0), (60, 0)], "street"),
        ("way/2#0", 2, 3, [(60, 0), (150, 0)], "bridge"),
        ("way/2#1", 3, 4, [(150, 0), (240, 0)], "bridge"),
        ("way/3#0", 3, 5, [(150, 0), (150, 60)], "bridge"),
    )
    found = with_heights(streets, terrain)
    piers = found.loc[["way/2#0>", "way/2#1>", "way/3#0>"]]
    assert piers["evidence"].tolist() == ["default"] * 3
    assert piers["rise_m"].tolist() == [0, 0, 0]
    assert all(np.ptp(z(line)) < 1e-6 and z(line)[0] > 190 for line in piers.geometry)


def test_a_deck_for_cars_is_no_steeper_than_a_street():
    streets = town(
        ("way/1#0", 1, 2, [(-90, 0), (0, 0)], "path"),
        ("way/2#0", 2, 3, [(0, 0), (90, 0)], "bridge", {"highway": "primary"}),
        ("way/3#0", 3, 4, [(90, 0), (180, 0)], "bridge"),
        ("way/4#0", 4, 5, [(180, 0), (270, 0)], "path"),
    )
    found = with_heights(streets, plane(east=0.24))
    assert found.loc["way/2#0>", "rise_m"] <= 0.15 * 90 + 1e-6
    assert found.loc["way/3#0>", "rise_m"] > 0.2 * 90


def test_smoothing_goes_along_the_way_and_leaves_even_slopes():
    terrain = plane(0.05)
    noise = np.random.default_rng(3).normal(0, 2, terrain.heights.shape).astype("f4")
    rough = Terrain(terrain.heights + noise, terrain.transform, UTM, "rough")
    streets = town(*[(f"way/1#{n}", n, n + 1, [(n * 40, 0), (n * 40 + 40, 0)], "street") for n in range(20)])
    even = with_heights(streets, terrain).loc[lambda rows: rows.index.str.endswith(">")]
    found = with_heights(streets, rough).loc[even.index]
    assert np.allclose(even["rise_m"], 2.0, atol=1e-3)
    nodes = np.column_stack([WEST + 40.0 * np.arange(21), np.full(21, NORTH)])
    raw = np.diff(rough.ground(nodes))
    assert np.abs(found["rise_m"] - 2).mean() < 0.8 * np.abs(raw - 2).mean()
    assert found["rise_m"].sum() == pytest.approx(raw.sum(), abs=1e-6)  # where a way ends its node stays


def test_a_bridge_with_one_end_beyond_the_terrain_is_not_taken_for_level():
    streets = town(
        ("way/1#0", 1, 2, [(0, 0), (60, 0)], "street"),
        ("way/2#0", 2, 3, [(60, 0), (150, 0)], "bridge"),
        ("way/2#1", 3, 4, [(150, 0), (9000, 0)], "bridge"),
        ("way/3#0", 4, 5, [(9000, 0), (9100, 0)], "street"),
    )
    found = with_heights(streets, plane(east=0.01))
    assert found.loc[["way/1#0>", "way/2#0>", "way/2#1>"], "evidence"].tolist() == ["terrain", "default", "default"]


def test_a_sloping_tunnel_is_linear_over_all_its_links():
    terrain = plane(east=0.1)
    terrain.heights[:, 25:32] += 90.0  # a hill over the tunnel
    streets = town(
        ("way/1#0", 1, 2, [(0, 0), (60, 0)], "street"),
        ("way/2#0", 2, 3, [(60, 0), (210, 0)], "tunnel"),
        ("way/2#1", 3, 4, [(210, 0), (450, 0)], "path", {"tunnel": "yes"}),
        ("way/3#0", 4, 5, [(450, 0), (560, 0)], "street"),
    )
    found = with_heights(streets, terrain)
    assert found.loc[["way/2#0>", "way/2#1>"], "rise_m"].tolist() == pytest.approx([15, 24], abs=0.05)
    inside = found.loc["way/2#1>", "geometry"]
    slopes = np.diff(z(inside)) / np.diff(shapely.get_coordinates(inside)[:, 0])
    assert np.allclose(slopes, 0.1, atol=1e-3)


def test_a_lift_joins_the_streets_at_its_landings():
    terrain = plane()
    terrain.heights[:, 22:] += 30.0  # a cliff at x = 60
    streets = town(
        ("way/1#0", 1, 2, [(-60, 0), (0, 0)], "street"),
        ("way/2#0", 2, -1, [(0, 0), (60, 0)], "path"),
        ("node/9#0", -1, -2, [(60, 0), (60, 0)], "lift"),
        ("way/3#0", -2, 3, [(60, 0), (120, 0)], "path"),
        ("way/4#0", 3, 4, [(120, 0), (240, 0)], "street"),
        ("node/8#0", -3, -4, [(500, 0), (500, 0)], "lift"),
    )
    found = with_heights(streets, terrain)
    assert found.loc["node/9#0>", "rise_m"] == pytest.approx(30, abs=0.5)
    assert found.loc["node/9#0<", "rise_m"] == -found.loc["node/9#0>", "rise_m"]
    assert found.loc["way/2#0>", "rise_m"] == pytest.approx(0, abs=0.5)
    assert found.loc["node/8#0>", ["rise_m", "evidence"]].tolist() == [12.0, "default"]  # no way leads to it
    level = with_heights(streets, plane())
    assert level.loc["node/9#0>", ["rise_m", "evidence"]].tolist() == [3.0, "terrain"]


def test_links_beyond_the_terrain_have_no_known_height():
    streets = town(("way/1#0", 1, 2, [(0, 0), (100, 0)], "street"), ("way/1#1", 2, 3, [(100, 0), (9000, 0)], "street"))
    found = with_heights(streets, plane(east=0.02))
    assert found.loc["way/1#0>", "evidence"] == "terrain"
    assert found.loc["way/1#1>", ["rise_m", "evidence"]].tolist() == [0.0, "default"]
    assert np.isnan(z(found.loc["way/1#1>", "geometry"])).all()


def test_a_spike_moves_little_and_far_neighbours_not_at_all():
    terrain = plane()
    terrain.heights[58:62, 28:31] += 40.0
    streets = town(*[(f"way/1#{n}", n, n + 1, [(n * 50, 0), (n * 50 + 50, 0)], "street") for n in range(20)])
    found = with_heights(streets, terrain)
    assert (found["rise_m"].abs() <= 0.15 * found["length_m"] + 1e-9).all()
    assert found.loc["way/1#19>", "rise_m"] == 0
    assert found["rise_m"].max() > 5  # half of the spike stays


def test_no_links_at_all():
    streets = town(("way/1#0", 1, 2, [(0, 0), (9, 0)], "street")).iloc[:0]
    assert with_heights(streets, plane()).empty
    assert with_heights(streets, None).empty


KINDS = ("street", "path", "stairs", "escalator", "bridge", "tunnel", "crossing", "corridor")


@st.composite
def rough_towns(draw):
    count = draw(st.integers(2, 7))
    points = draw(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=count, max_size=count))
    pairs = draw(st.lists(st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)), min_size=1, max_size=12))
    links = []
    for number, (start, end) in enumerate(pairs):
        ends = [np.array(points[start]) * 10.0, np.array(points[end]) * 10.0]
        line = [ends[0], ends[0] + (30, 30), ends[0] + (60, 0), ends[1]] if start == end else ends
        more = {"oneway": draw(st.booleans()), "incline": draw(st.sampled_from([None, "up", "down", "-10%"]))}
        links.append((f"way/{number}#0", start, end, line, draw(st.sampled_from(KINDS)), more))
    return town(*links)


@settings(max_examples=60, deadline=None)
@given(streets=rough_towns(), seed=st.integers(0, 99))
def test_links_meet_directions_are_opposite_and_slopes_are_kept(streets, seed):
    terrain = plane(0.1, -0.05)
    rough = np.random.default_rng(seed).normal(0, 15, terrain.heights.shape)
    found = with_heights(streets, Terrain((terrain.heights + rough).astype("f4"), terrain.transform, UTM, "rough"))
    ends = {}
    for row in found.itertuples():
        heights = z(row.geometry)
        ends.setdefault(row.from_node, []).append(heights[0])
        ends.setdefault(row.to_node, []).append(heights[-1])
        if row.kind in ("street", "path", "crossing"):
            steps = np.hypot(*np.diff(shapely.get_coordinates(row.geometry), axis=0).T)
            assert (np.abs(np.diff(heights)) <= STEEPEST.get(row.kind, STEEPEST_OTHER) * steps + 1e-6).all()
            assert row.rise_m == pytest.approx(heights[-1] - heights[0])
        if row.kind in ("stairs", "escalator") and row.length_m > 0:
            assert 0.25 - 1e-9 <= abs(row.rise_m) / row.length_m <= 0.75 + 1e-9
    assert all(len(set(heights)) == 1 and np.isfinite(heights[0]) for heights in ends.values())
    for _, pair in found.groupby("piece"):
        if len(pair) == 2:
            assert pair["rise_m"].iloc[0] == -pair["rise_m"].iloc[1]
            one, two = (shapely.get_coordinates(line, include_z=True) for line in pair.geometry)
            assert np.array_equal(one, two[::-1])


# ------------------------------------------------------------------------------------------------ doubtful and shifted


def test_the_most_doubtful_come_first_with_their_reason():
    terrain = plane(east=0.05)
    streets = town(
        ("way/1#0", 1, 2, [(0, 0), (100, 0)], "stairs"),  # 5 m of terrain, held to 25
        ("way/1#1", 2, 3, [(100, 0), (180, 0)], "stairs"),
        ("way/2#0", 4, 5, [(0, 90), (200, 90)], "stairs", {"rise_m": 70.0, "evidence": "tag"}),
        ("way/3#0", 6, 7, [(0, 190), (100, 190)], "path"),
        ("way/4#0", 8, 9, [(9000, 0), (9040, 0)], "stairs"),
        ("node/5#0", -1, -2, [(50, 300), (50, 300)], "lift"),
    )
    found = doubtful_links(with_heights(streets, terrain))
    assert found.index.tolist() == ["way/1", "way/4", "node/5"]
    assert found["doubt_m"].tolist() == [45, 20, 12]
    assert found["length_m"].tolist() == [180, 40, 0]
    assert found["reason"].str[:12].tolist() == ["The terrain ", "Neither terr", "Neither terr"]
    assert found["evidence"].tolist() == ["terrain", "default", "default"]
    assert found.crs == UTM
    assert doubtful_links(with_heights(streets, terrain), most=1).index.tolist() == ["way/1"]
    assert doubtful_links(with_heights(streets.iloc[:0], terrain)).empty


def test_a_street_at_its_cap_is_doubtful_for_the_climb_that_was_held():
    streets = town(("way/1#0", 1, 2, [(0, 0), (100, 0)], "street"), ("way/2#0", 3, 4, [(0, 90), (100, 90)], "path"))
    found = doubtful_links(with_heights(streets, plane(east=0.2)))
    assert found.index.tolist() == ["way/1"]
    assert found.loc["way/1", ["slope", "doubt_m", "rise_m"]].tolist() == pytest.approx([0.15, 15, 15], abs=1e-3)


@settings(max_examples=40, deadline=None)
@given(streets=rough_towns(), seed=st.integers(0, 9), amplitude=st.floats(0, 20), known=st.booleans())
def test_a_shift_keeps_directions_opposite_and_stays_within_its_amplitude(streets, seed, amplitude, known):
    before = with_heights(streets, plane(0.1, -0.05) if known else None)
    copy = before.copy()
    after = shifted(before, amplitude, seed=seed)
    assert before.equals(copy)
    assert after.index.equals(before.index)
    assert (np.abs(after["rise_m"] - before["rise_m"]) <= 2 * amplitude + 1e-9).all()
    if known:
        change = np.concatenate([z(new) - z(old) for new, old in zip(after.geometry, before.geometry, strict=True)])
        assert np.abs(change).max() == pytest.approx(amplitude, abs=1e-6)
    for _, pair in after.groupby("piece"):
        if len(pair) == 2:
            assert pair["rise_m"].iloc[0] == -pair["rise_m"].iloc[1]
            one, two = (shapely.get_coordinates(line, include_z=True) for line in pair.geometry)
            assert np.array_equal(one, two[::-1], equal_nan=True)
    assert shifted(before, amplitude, seed=seed).equals(after)


def test_a_shift_leaves_counted_steps_and_moves_the_rest():
    streets = town(
        ("way/1#0", 1, 2, [(0, 0), (150, 0)], "stairs", {"rise_m": 40.0, "evidence": "tag", "incline": "up"}),
        ("way/2#0", 2, 3, [(150, 0), (300, 0)], "street"),
        ("way/3#0", 3, 4, [(300, 0), (400, 0)], "stairs"),
        ("node/9#0", -1, -2, [(0, 0), (0, 0)], "lift"),
    )
    before = with_heights(streets, plane(east=0.05))
    after = shifted(before, 5.0, seed=4)
    moved = (after["rise_m"] - before["rise_m"]).abs()
    assert moved[["way/1#0>", "node/9#0>"]].tolist() == [0, 0]
    assert (moved[["way/2#0>", "way/3#0>"]] > 0.01).all()
    street = after.loc["way/2#0>"]
    assert street["rise_m"] == pytest.approx(z(street.geometry)[-1] - z(street.geometry)[0])
    assert not shifted(before, 5.0, seed=5)["rise_m"].equals(after["rise_m"])


# ---------------------------------------------------------------------------------------------------------- real data


@pytest.fixture(scope="module")
def peninsula(real_data):
    """The real streets of Yuzhong with their heights, and the terrain."""
    boundary = gpd.read_file(real_data / "yuzhong" / "boundary.geojson").to_crs(UTM).geometry.iloc[0]
    area = StudyArea("Yuzhong", boundary, UTM, 500)
    terrain = read_terrain(real_data / "yuzhong" / "srtm30.tif", area)
    return read_streets(real_data / "yuzhong" / "yuzhong.osm.pbf", area, terrain=terrain), terrain


def stretches(links):
    """Slope of every stretch of links on which the height is known."""
    points, line = shapely.get_coordinates(links.geometry.to_numpy(), include_z=True, return_index=True)
    step = np.diff(points, axis=0)[line[1:] == line[:-1]]
    run = np.hypot(step[:, 0], step[:, 1])
    known = np.isfinite(step[:, 2]) & (run > 0)
    return np.abs(step[known, 2]) / run[known], run[known]


@pytest.mark.real
def test_known_heights_of_the_peninsula(peninsula):
    _, terrain = peninsula
    places = {
        "bank of the Yangtze": (106.5600, 29.5500),
        "Chaotianmen": (106.5850, 29.5660),
        "Jiefangbei": (106.5718, 29.5613),
        "ridge at Eling": (106.5316, 29.5508),
    }
    xy = gpd.GeoSeries.from_xy(*zip(*places.values(), strict=True), crs=4326).to_crs(UTM).get_coordinates().to_numpy()
    bank, gate, square, ridge = terrain.ground(xy)
    assert 160 - TOLERANCE_M <= bank <= 175 + TOLERANCE_M  # the river
    assert bank < gate < square < ridge
    assert 320 < ridge < 379  # the highest ground of the district
    assert (terrain.ground(xy) <= terrain.at(xy)).all()


@pytest.mark.real
def test_known_rises_of_the_peninsula(peninsula):
    streets, _ = peninsula
    up = streets[streets.index.str.endswith(">")]
    crown = up[up["osm_id"] == "way/421605016"]
    assert crown["rise_m"].abs().sum() == pytest.approx(52.7, abs=5)
    path = up[up["name"] == "张家花园山城步道"]
    points = shapely.get_coordinates(path.geometry.to_numpy(), include_z=True)
    assert np.nanmax(points[:, 2]) - np.nanmin(points[:, 2]) == pytest.approx(90, abs=20)  # 0.8 km bear the name
    lift = up[up["osm_id"] == "node/6874999324"]  # 32.5 m: a cliff between two cells is too small, never too high
    assert 10 < lift["rise_m"].abs().max() <= 32.5


@pytest.mark.real
def test_nothing_that_one_walks_without_steps_is_steeper_than_its_cap(peninsula):
    streets, _ = peninsula
    drivable = streets["kind"].isin(["street", "crossing"]) | (
        streets["kind"].isin(["bridge", "tunnel"]) & streets["highway"].isin(DRIVABLE)
    )
    climbing = streets["kind"].isin(["stairs", "escalator", "lift"])
    for links, cap in ((streets[drivable], 0.15), (streets[~drivable & ~climbing], 0.25)):
        slope, run = stretches(links)
        assert len(slope) > 3000
        assert (slope * run - cap * run).max() <= 0.001  # a millimetre of rounding


@pytest.mark.real
def test_bridges_and_tunnels_follow_neither_the_river_nor_the_hill(peninsula):
    streets, terrain = peninsula
    pieces = streets[~streets["piece"].duplicated() & streets["kind"].isin(["bridge", "tunnel"])]
    longest = pieces["length_m"].groupby(pieces["osm_id"]).sum().nlargest(10).index
    decks = pieces[pieces["osm_id"].isin(longest)]
    assert decks["length_m"].sum() > 15_000
    assert stretches(decks)[0].max() < 0.06
    above, below = 0.0, 0.0
    for kind, line in zip(decks["kind"], decks.geometry, strict=True):
        points = shapely.get_coordinates(line, include_z=True)
        ends = sorted(points[[0, -1], 2])
        assert ends[0] - 1e-6 <= points[:, 2].min()
        assert points[:, 2].max() <= ends[1] + 1e-6
        gap = points[:, 2] - terrain.ground(points[:, :2])
        if np.isfinite(gap).any():
            above = max(above, np.nanmax(gap)) if kind == "bridge" else above
            below = max(below, -np.nanmin(gap)) if kind == "tunnel" else below
    assert above > 25  # a deck high over the river
    assert below > 60  # a tunnel deep under the hill


@pytest.mark.real
@pytest.mark.real
def test_a_real_raster_cut_in_two_gives_the_same_heights(real_data, tmp_path):
    whole = real_data / "yuzhong" / "srtm30.tif"
    with rasterio.open(whole) as raster:
        heights, profile = raster.read(1), raster.profile
        middle = raster.width // 2
        halves = []
        for name, first, last in (("west", 0, middle + 2), ("east", middle - 2, raster.width)):  # as tiles overlap
            halves.append(tmp_path / f"{name}.tif")
            place = profile["transform"] * Affine.translation(first, 0)
            with rasterio.open(halves[-1], "w", **(profile | {"width": last - first, "transform": place})) as half:
                half.write(heights[:, first:last], 1)
    place = read_area(real_data / "yuzhong" / "boundary.geojson", margin_m=0, crs="EPSG:32648")
    one, two = read_terrain(whole, place), read_terrain(halves, place)
    west, south, east, north = place.boundary.bounds
    xy = np.random.default_rng(1).uniform((west, south), (east, north), (2000, 2))
    assert np.allclose(one.at(xy), two.at(xy), atol=1e-3, equal_nan=True)


def test_a_zipped_tile_over_monaco(real_data):
    zone = CRS("EPSG:32632")
    box = gpd.GeoSeries([shapely.box(7.409, 43.724, 7.440, 43.752)], crs=4326).to_crs(zone).iloc[0]
    terrain = read_terrain(real_data / "monaco" / "N43E007.hgt.zip", StudyArea("Monaco", box, zone, 500))
    sea, moneghetti = terrain.at(
        gpd.GeoSeries.from_xy([7.439, 7.4130], [43.7265, 43.7370], crs=4326).to_crs(zone).get_coordinates().to_numpy()
    )
    assert sea == pytest.approx(0, abs=5)
    assert 60 < moneghetti < 180


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:4544"])
def test_every_part_of_an_area_has_the_same_heights(tmp_path, crs):
    rng = np.random.default_rng(15)
    corner, cell = ((106.4, 29.7), 0.0003) if crs == "EPSG:4326" else ((640_000.0, 3_290_000.0), 30.0)
    profile = {"driver": "GTiff", "height": 900, "width": 900, "count": 1, "dtype": "float32", "crs": crs}
    with rasterio.open(tmp_path / "hills.tif", "w", **profile, transform=from_origin(*corner, cell, cell)) as raster:
        raster.write(200 + 50 * rng.random((900, 900), dtype=np.float32).cumsum(axis=0) / 900, 1)
    ground = shapely.box(647_000, 3_270_000, 657_000, 3_280_000)
    whole = StudyArea("whole", ground, CRS("EPSG:32648"), 500.0)
    west, south, east, north = 650_100.0, 3_272_300.0, 652_700.0, 3_275_900.0
    part = StudyArea("part", shapely.box(west, south, east, north), whole.crs, 500.0, whole.extent)
    at = rng.uniform((west - 500, south - 500), (east + 500, north + 500), (5000, 2))
    one, other = (read_terrain(tmp_path / "hills.tif", area) for area in (whole, part))
    assert np.allclose(one.at(at), other.at(at), rtol=0, atol=1e-9)
    assert np.isfinite(one.at(at)).all()
