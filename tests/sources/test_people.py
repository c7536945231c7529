import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pyproj import CRS
from rasterio.transform import Affine
from scipy.spatial.distance import pdist

from circle15.errors import Circle15Warning, DataError
from circle15.project import Project
from circle15.sources.people import read_origin_groups, read_origins, residence_clusters
from circle15.sources.people_raster import _cut
from circle15.sources.terrain import Terrain
from circle15.tables import ORIGINS, StudyArea

UTM = CRS("EPSG:32648")
WEST, NORTH = 650_000.0, 3_270_000.0
AREA = StudyArea("Square", shapely.box(WEST, NORTH, WEST + 2000, NORTH + 2000), UTM, 500)


def people(**given):
    text = '[study]\nname = "S"\n[area]\nboundary_osm = "relation/1"\n[people]\n'
    return Project.from_text(text + "\n".join(f"{key} = {value}" for key, value in given.items())).people


def homes(*rows):
    """Square footprints as (x, y, side, levels, evidence)."""
    shapes = [shapely.box(WEST + x, NORTH + y, WEST + x + side, NORTH + y + side) for x, y, side, _, _ in rows]
    columns = {
        "use": "yes",
        "evidence": [row[4] for row in rows],
        "levels": np.array([row[3] for row in rows], dtype=float),
        "name": None,
    }
    index = pd.Index([f"way/{n}" for n in range(len(rows))], name="building")
    return gpd.GeoDataFrame(columns, index=index, geometry=shapes, crs=UTM)


def units(*rows):
    """Boxes as (id, west, east, tier, parent, population)."""
    frame = pd.DataFrame(rows, columns=["unit", "west", "east", "tier", "parent", "population"]).set_index("unit")
    shapes = [shapely.box(WEST + row[1], NORTH, WEST + row[2], NORTH + 2000) for row in rows]
    frame = frame.assign(name=frame.index, source="test", population=frame["population"].astype(float))
    return gpd.GeoDataFrame(frame, geometry=shapes, crs=UTM)


def totals(origins):
    return origins.groupby("unit")["population"].sum().to_dict()


def slope(east):
    x = (np.arange(120) - 20 + 0.5) * 30
    heights = np.repeat(200 + east * x[None, :], 120, axis=0).astype("f4")
    return Terrain(heights, (30.0, 0.0, WEST - 600, 0.0, -30.0, NORTH + 3000), UTM, "slope")


# --------------------------------------------------------------------------------------------------------- population


def test_people_follow_floor_area_and_the_plain_share():
    buildings = homes(
        (0, 0, 10, 6, "tag"),
        (500, 0, 10, 12, "landuse"),
        (1000, 0, 10, 12, "plain"),
        (1500, 0, 50, 30, "none"),
        (-400, 0, 50, 30, "tag"),  # beyond the boundary
    )
    found = residence_clusters(buildings, units(("A", 0, 2000, "community", None, 2400)), AREA, people=people())
    assert (found["population"] / found["floor_area_m2"]).tolist() == pytest.approx([1, 1, 1])
    assert found.set_index("evidence")["population"].to_dict() == pytest.approx(
        {"tag": 600, "landuse": 1200, "plain": 600}
    )
    assert found["floor_area_m2"].sum() == pytest.approx(2400)  # 600 + 1200 + half of a guess of 1200
    assert found["buildings"].sum() == 3
    no_guess = residence_clusters(
        buildings, units(("A", 0, 2000, "community", None, 2400)), AREA, people=people(plain_share=0)
    )
    assert no_guess["evidence"].tolist() == ["tag", "landuse"]


def test_levels_are_those_of_the_neighbours_within_200_m():
    buildings = homes(
        (0, 0, 10, 4, "tag"), (20, 0, 10, 10, "tag"), (40, 0, 10, 6, "tag"), (60, 0, 10, np.nan, "tag"),
        (1500, 1500, 10, 0, "tag"),
    )  # fmt: skip
    found = residence_clusters(
        buildings, units(("A", 0, 2000, "community", None, 100)), AREA, people=people(default_levels=8)
    )
    assert found["floor_area_m2"].tolist() == pytest.approx([800, 2600])  # 4 + 10 + 6 + their median of 6


def test_finest_published_totals_hold_and_the_rest_is_shared():
    grounds = units(
        ("D", 0, 2000, "district", None, 1000),
        ("S1", 0, 1000, "subdistrict", "D", 700),
        ("S2", 1000, 2000, "subdistrict", "D", np.nan),
        ("C1", 0, 500, "community", "S1", 500),
        ("C2", 500, 1000, "community", "S1", np.nan),
        ("C3", 1000, 2000, "community", "S2", np.nan),
    )
    buildings = homes((100, 0, 10, 6, "tag"), (600, 0, 10, 6, "tag"), (800, 0, 10, 6, "tag"), (1200, 0, 10, 6, "tag"))
    found = residence_clusters(buildings, grounds, AREA, people=people())
    assert totals(found) == {"C1": 500, "C2": 200, "C3": 300}
    assert found.index.tolist() == ["C1-001", "C2-001", "C2-002", "C3-001"]
    bare = grounds.assign(population=np.nan)
    assert residence_clusters(buildings, bare, AREA, people=people(total=400))["population"].tolist() == [100] * 4
    half = grounds.assign(population=[np.nan, 700, np.nan, 500, np.nan, np.nan])
    assert totals(residence_clusters(buildings, half, AREA, people=people(total=1500))) == {
        "C1": 500,
        "C2": 200,
        "C3": 800,
    }


def test_a_unit_with_people_and_no_home_keeps_them_at_a_point_inside():
    grounds = units(("A", 0, 1000, "community", None, 300), ("B", 1000, 2000, "community", None, 200))
    found = residence_clusters(homes((0, 0, 10, 6, "tag")), grounds, AREA, people=people(), terrain=slope(0.1))
    assert found["population"].to_dict() == {"A-001": 300, "B-001": 200}
    assert found.loc["B-001", ["buildings", "evidence", "span_m"]].tolist() == [0, "plain", 0.0]
    assert grounds.geometry["B"].contains(found.geometry["B-001"])
    assert found.loc["B-001", "height_m"] == pytest.approx(300 + 50, abs=51)


def test_units_that_contradict_their_parts_say_so():
    grounds = units(("S", 0, 2000, "subdistrict", None, 900), ("A", 0, 2000, "community", "S", 500))
    with pytest.warns(Circle15Warning, match=r"publish other totals than the units themselves \(S\)"):
        found = residence_clusters(homes((0, 0, 10, 6, "tag")), grounds, AREA, people=people())
    assert totals(found) == {"A": 500}


@pytest.mark.parametrize(
    ("grounds", "given", "message"),
    [
        (units(("A", 0, 2000, "community", None, np.nan)), {}, "no population is known"),
        (units(("A", 0, 2000, "community", None, 500)), {"total": 400}, "it is 400, but the units publish 500"),
        (units(("A", 0, 2000, "community", None, 500)), {"total": 600}, "it is 600, but the units publish 500"),
        (
            units(("A", 0, 500, "community", None, 500), ("B", 500, 2000, "community", None, np.nan)),
            {},
            "1 homes lie in units that publish no population",
        ),
    ],
)
def test_totals_that_cannot_be_right(grounds, given, message):
    with pytest.raises(DataError, match=message):
        residence_clusters(homes((0, 0, 9, 6, "tag"), (900, 0, 9, 6, "tag")), grounds, AREA, people=people(**given))


def test_a_total_within_one_percent_gives_way_to_the_units():
    grounds = units(("A", 0, 2000, "community", None, 500))
    found = residence_clusters(homes((0, 0, 9, 6, "tag")), grounds, AREA, people=people(total=502))
    assert found["population"].sum() == 500


def test_no_home_at_all():
    nothing = homes((0, 0, 9, 6, "none"))
    with pytest.raises(DataError, match="there is no residential building in Square"):
        residence_clusters(nothing, units(), AREA, people=people(total=10))
    found = residence_clusters(nothing, units(("A", 0, 2000, "cell", None, np.nan)), AREA, people=people(total=10))
    assert found["population"].to_dict() == {"A-001": 10}


def test_without_units_everybody_is_counted_outside_of_them():
    found = residence_clusters(homes((0, 0, 9, 6, "tag")), units(), AREA, people=people(total=10))
    assert found["population"].to_dict() == {"outside-001": 10}
    assert found["unit"].isna().all()


def test_a_home_just_beside_a_unit_belongs_to_it():
    grounds = units(("A", 0, 980, "community", None, 100), ("B", 1100, 2000, "community", None, 100))
    buildings = homes((100, 0, 9, 6, "tag"), (1000, 0, 9, 6, "tag"), (1200, 0, 9, 6, "tag"))
    assert totals(residence_clusters(buildings, grounds, AREA, people=people())) == {"A": 100, "B": 100}


def test_a_sliver_between_communities_belongs_to_the_nearest():
    grounds = units(
        ("Z", 0, 2000, "district", None, np.nan),
        ("A", 0, 980, "community", "Z", 100),
        ("B", 1100, 2000, "community", "Z", 100),
    )
    buildings = homes((100, 0, 9, 6, "tag"), (1000, 0, 9, 6, "tag"), (1200, 0, 9, 6, "tag"))
    assert totals(residence_clusters(buildings, grounds, AREA, people=people(total=201))) == {"A": 100, "B": 100}
    wide = grounds.assign(geometry=grounds.geometry.where(grounds.index != "A", grounds.geometry["A"].buffer(-100)))
    assert totals(residence_clusters(buildings, wide, AREA, people=people(total=250))) == {"A": 100, "B": 100, "Z": 50}


# ----------------------------------------------------------------------------------------------------------- clusters


def test_the_span_is_kept_exactly_and_a_cluster_stands_on_a_footprint():
    row = homes(*[(x, 0, 10, 6, "tag") for x in (0, 75, 150, 300)])
    found = residence_clusters(row, units(), AREA, people=people(total=4))
    assert sorted(found["span_m"]) == [0, 150]
    assert sorted(found.geometry.x - WEST - 5) == [75, 300]
    tight = residence_clusters(row, units(), AREA, people=people(total=4, span_m=149.9))
    assert len(tight) == 3


def test_height_parts_what_the_ground_joins():
    row = homes(*[(x, 0, 10, 6, "tag") for x in (0, 40, 90, 130)])
    assert len(residence_clusters(row, units(), AREA, people=people(total=4), terrain=slope(0.1))) == 1
    found = residence_clusters(row, units(), AREA, people=people(total=4), terrain=slope(0.3))
    assert len(found) == 2  # 12 m of height in a pair, 27 m in three
    assert (found["span_m"] * 0.3 <= 15).all()
    assert found["height_m"].notna().all()


def test_ids_run_from_north_to_south_and_do_not_depend_on_row_order():
    buildings = homes(*[(x, y, 10, 6, "tag") for x in (0, 400) for y in (0, 400, 800)])
    one = residence_clusters(buildings, units(), AREA, people=people(total=6))
    other = residence_clusters(buildings.iloc[::-1], units(), AREA, people=people(total=6))
    assert one.geometry.y.is_monotonic_decreasing
    assert one.equals(other)


@st.composite
def towns(draw):
    seed, count = draw(st.integers(0, 999)), draw(st.integers(1, 60))
    rng = np.random.default_rng(seed)
    rows = [
        (x, y, side, levels, evidence)
        for x, y, side, levels, evidence in zip(
            rng.uniform(0, 700, count).round(),
            rng.uniform(0, 700, count).round(),
            rng.uniform(5, 30, count).round(),
            rng.choice([np.nan, 3, 8, 30], count),
            rng.choice(["tag", "landuse", "plain"], count),
            strict=True,
        )
    ]
    counts = [draw(st.one_of(st.none(), st.floats(0, 60_000))) for _ in range(3)]
    grounds = units(
        *[
            (name, west, west + 250, "community", None, np.nan if number is None else number)
            for name, west, number in zip("ABC", (0, 250, 500), counts, strict=True)
        ]
    )
    rest = draw(st.floats(1, 50_000))
    return homes(*rows), grounds, rest, draw(st.floats(40, 300)), draw(st.floats(-0.4, 0.4))


@settings(max_examples=60, deadline=None)
@given(town=towns())
def test_totals_are_conserved_and_spans_are_kept(town):
    buildings, grounds, rest, span, gradient = town
    published = grounds["population"].dropna()
    given = people(total=float(published.sum() + rest), span_m=span, height_span_m=12)
    silent = grounds.index[grounds["population"].isna()]
    ground = slope(gradient)
    assume(len(silent) or published.sum() > 0)  # a town of nobody is refused
    if not len(silent):
        given = people(span_m=span, height_span_m=12)
    found = residence_clusters(buildings, grounds, AREA, people=given, terrain=ground)
    ORIGINS.check(found, crs=UTM)
    by_unit = found.groupby("unit")["population"].sum()
    for unit, number in published.items():
        assert by_unit.get(unit, 0.0) == pytest.approx(number, rel=1e-9, abs=1e-9)
    assert found["population"].sum() == pytest.approx(published.sum() + (rest if len(silent) else 0), rel=1e-9)
    assert found["buildings"].sum() == len(buildings)
    assert (found["span_m"] <= span).all()
    assert found.index.is_unique


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 999), span=st.floats(20, 200), height=st.floats(1, 30))
def test_every_pair_of_a_cluster_keeps_both_spans(seed, span, height):
    from circle15.sources.people import _groups, _Homes

    rng = np.random.default_rng(seed)
    count = int(rng.integers(1, 1500))
    xy, ground = rng.uniform(0, 400, (count, 2)), rng.uniform(200, 260, count)
    ground[rng.random(count) < 0.05] = np.nan
    ones = np.ones(count)
    unit = rng.integers(-1, 3, count)
    group = _groups(_Homes(np.empty(0, object), xy, ground, ones.astype(int), ones, unit), span, height)
    assert (group >= 0).all()
    for number in np.unique(group):
        members = group == number
        assert len(np.unique(unit[members])) == 1
        if members.sum() > 1:
            assert pdist(xy[members]).max() <= span
            assert np.isnan(ground[members]).all() or np.ptp(ground[members]) <= height


# ------------------------------------------------------------------------------------------------- a raster of people


def raster(values, side=1000.0):
    """Cells of people over the square, north row first, made up."""
    corner = Affine(side, 0, WEST, 0, -side, NORTH + 2000)
    return _cut(np.array(values, dtype=float), corner, AREA, crs="EPSG:32648", where="people.tif")


GRID = raster([[0, 70], [300, 50]])  # homes in the south only: 300 in the west, 50 in the east
FLATS = homes((100, 100, 10, 6, "tag"), (700, 100, 10, 12, "tag"), (1200, 100, 10, 6, "tag"), (200, 1500, 10, 6, "tag"))


def test_homes_of_one_cell_share_its_people_by_floor_area():
    found = residence_clusters(FLATS, units(), AREA, people=people(), raster=GRID)
    assert found["population"].tolist() == [0, 70, 100, 200, 50]  # from north to south, then from west to east
    bare = found.iloc[1]
    assert [bare.geometry.x - WEST, bare.geometry.y - NORTH] == [1500, 1500]
    assert [bare["buildings"], bare["evidence"], bare["span_m"]] == [0, "plain", 0]
    assert np.isnan(bare["floor_area_m2"])
    assert found["floor_area_m2"].drop(bare.name).tolist() == pytest.approx([600, 600, 1200, 600])
    lifted = residence_clusters(FLATS, units(), AREA, people=people(), raster=GRID, terrain=slope(0.1))
    assert lifted["height_m"].iloc[1] == pytest.approx(350, abs=3)


def test_published_totals_hold_and_the_raster_decides_within_them():
    halves = units(("A", 0, 1000, "community", None, 660), ("B", 1000, 2000, "community", None, np.nan))
    found = residence_clusters(FLATS, halves, AREA, people=people(), raster=GRID)
    assert found["population"].to_dict() == {"A-001": 0, "A-002": 220, "A-003": 440, "B-001": 70, "B-002": 50}
    found = residence_clusters(FLATS, halves, AREA, people=people(total=720), raster=GRID)
    assert found["population"].to_dict() == {"A-001": 0, "A-002": 220, "A-003": 440, "B-001": 35, "B-002": 25}
    empty = raster([[0, 70], [0, 50]])
    fewer = halves.assign(population=[100, np.nan])
    found = residence_clusters(FLATS, fewer, AREA, people=people(total=220), raster=empty)["population"]
    assert found.to_dict() == {"A-001": 25, "A-002": 25, "A-003": 50, "B-001": 70, "B-002": 50}  # by floor area


def test_a_raster_that_counts_otherwise_says_so():
    with pytest.warns(Circle15Warning, match=r"people.tif: it counts 420 people within the boundary, where 900 are"):
        residence_clusters(FLATS, units(), AREA, people=people(total=900), raster=GRID)
    with pytest.warns(Circle15Warning, match="Check that it holds people per cell, not per km2"):
        residence_clusters(FLATS, units(), AREA, people=people(total=200), raster=GRID)


@settings(max_examples=15)
@given(town=towns(), seed=st.integers(0, 999))
@pytest.mark.filterwarnings("ignore::circle15.errors.Circle15Warning")
def test_a_raster_conserves_totals_whatever_the_order(town, seed):
    buildings, grounds, rest, _, _ = town
    rng = np.random.default_rng(seed)
    cells = raster(rng.uniform(1, 500, (20, 20)) * (rng.random((20, 20)) < 0.5) + np.eye(20), side=100.0)
    published = grounds["population"].dropna()
    found = residence_clusters(buildings, grounds, AREA, people=people(), raster=cells)
    by_unit = found.groupby("unit")["population"].sum()
    for unit, number in published.items():
        assert by_unit.get(unit, 0.0) == pytest.approx(number, rel=1e-9, abs=1e-9)
    assert found["buildings"].sum() == len(buildings)
    mixed = residence_clusters(
        buildings.sample(frac=1, random_state=seed), grounds, AREA, people=people(), raster=cells
    )
    pd.testing.assert_frame_equal(mixed.drop(columns="geometry"), found.drop(columns="geometry"))
    alone = residence_clusters(buildings, units(), AREA, people=people(), raster=cells)
    assert alone["population"].sum() == pytest.approx(cells.people.sum(), rel=1e-9)
    whole = residence_clusters(buildings, units(), AREA, people=people(total=rest), raster=cells)
    assert whole["population"].sum() == pytest.approx(rest, rel=1e-9)


# ------------------------------------------------------------------------------------------------- a table of one's own


def test_a_csv_in_chinese(tmp_path):
    lonlat = gpd.GeoSeries.from_xy([WEST + 100, WEST + 900], [NORTH + 100] * 2, crs=UTM).to_crs(4326)
    text = "编号,人口,经度,纬度\n" + "".join(f"{n},{n}00,{p.x},{p.y}\n" for n, p in enumerate(lonlat, 1))
    (tmp_path / "clusters.csv").write_text(text, encoding="gb18030")
    found = read_origins(tmp_path / "clusters.csv", AREA, units=units(("A", 0, 500, "community", None, 5)))
    assert found["population"].to_dict() == {"1": 100, "2": 200}
    assert found["unit"].fillna("").tolist() == ["A", ""]
    assert found["evidence"].tolist() == ["survey", "survey"]
    assert found.geometry.x.tolist() == pytest.approx([WEST + 100, WEST + 900], abs=0.01)


def test_a_geopackage_of_areas(tmp_path):
    shapes = [shapely.box(WEST + 10, NORTH + 10, WEST + 60, NORTH + 60)]
    gpd.GeoDataFrame({"population": [12]}, geometry=shapes, crs=UTM).to_file(tmp_path / "c.gpkg")
    found = read_origins(tmp_path / "c.gpkg", AREA)
    assert found.index.tolist() == ["1"]
    assert shapes[0].contains(found.geometry.iloc[0])


def test_every_finding_of_a_table_at_once(tmp_path):
    (tmp_path / "c.csv").write_text("id,population,lon,lat\na,5,120.0,29.5\na,,106.55,\nb,-3,120.0,29.5\n")
    with pytest.raises(DataError) as caught:
        read_origins(tmp_path / "c.csv", AREA)
    text = str(caught.value)
    assert "c.csv: 1 of 3 rows have no coordinates" in text
    assert "2 of 3 rows have no population, or one that is no number (first: 2, 3)" in text
    assert "1 ids occur more than once (first: a)" in text
    assert "2 of 3 rows lie outside the boundary (first: 1, 3)" in text


def test_tables_without_columns_or_rows(tmp_path):
    (tmp_path / "c.csv").write_text("id,name\na,b\n")
    with pytest.raises(DataError, match=r"there are no coordinates[\s\S]*there is no population"):
        read_origins(tmp_path / "c.csv", AREA)
    (tmp_path / "c.csv").write_text("id,population,lon,lat\n")
    with pytest.raises(DataError, match="there is no row in it"):
        read_origins(tmp_path / "c.csv", AREA)


def test_swapped_columns_are_one_finding(tmp_path):
    point = gpd.GeoSeries.from_xy([WEST + 100], [NORTH + 100], crs=UTM).to_crs(4326).iloc[0]
    (tmp_path / "c.csv").write_text(f"id,population,lon,lat\na,5,{point.y},{point.x}\n")
    with pytest.raises(DataError) as caught:
        read_origins(tmp_path / "c.csv", AREA)
    assert str(caught.value) == "c.csv: longitude and latitude are swapped in 1 of 1 rows. Exchange the two columns."


def test_age_groups_of_clusters(tmp_path):
    point = gpd.GeoSeries.from_xy([WEST + 100], [NORTH + 100], crs=UTM).to_crs(4326).iloc[0]
    place = f"{point.x},{point.y}"
    path = tmp_path / "c.csv"
    path.write_text(f"编号,人口,经度,纬度,60岁及以上,3～5岁\na,50,{place},10,\nb,20,{place},,2\n")
    origins = read_origins(path, AREA)
    found = read_origin_groups(path, origins.iloc[::-1])
    assert found["60+"].fillna(-1).to_dict() == {"b": -1, "a": 10}
    assert found["3-5"].fillna(-1).to_dict() == {"b": 2, "a": -1}
    path.write_text(f"id,population,lon,lat,60+\na,50,{place},51\nb,20,{place},x\n")
    for read in (lambda: read_origins(path, AREA), lambda: read_origin_groups(path, origins)):
        with pytest.raises(DataError) as caught:
            read()
        assert "1 of 2 rows have more people in 60+ than population (first: 1)" in str(caught.value)
        assert "1 of 2 rows have a number of 60+ that is negative or no number (first: 2)" in str(caught.value)
