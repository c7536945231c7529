import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import CRS

from circle15.errors import DataError, SourceError
from circle15.project import Standard
from circle15.sources.datum import from_wgs84
from circle15.sources.inventory import merge_places, read_inventory
from circle15.tables import FACILITIES, StudyArea

UTM = CRS("EPSG:32648")
STANDARD = Standard.load("yuzhong-15min")
HERE = gpd.GeoSeries([shapely.Point(106.5451, 29.5558)], crs=4326).to_crs(UTM).iloc[0]
AREA = StudyArea("两路口", HERE.buffer(2000), UTM, 500)


def read(path, **more):
    return read_inventory(path, AREA, standard=STANDARD, datum=more.pop("datum", "wgs84"), **more)


def written(tmp_path, text, encoding="utf-8", name="inventory.csv"):
    (tmp_path / name).write_text(text, encoding=encoding)
    return tmp_path / name


@pytest.mark.parametrize("datum", ["wgs84", "cgcs2000", "gcj02", "bd09"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_chinese_table_in_any_datum(tmp_path, datum, encoding):
    lon, lat = from_wgs84(np.array([[106.5451, 29.5558]]), datum)[0]
    path = written(
        tmp_path,
        f'编号,名称,类别,经度,纬度,建筑面积（㎡）,床位\n007,国际村社区养老服务站,社区养老服务站,{lon},{lat},"1,350",20\n',
        encoding,
    )
    found = read(path, datum=datum)
    row = found.loc["inventory/007/elder_station"]
    assert row["place"] == "inventory/007"
    assert (row["category"], row["tier"], row["name"]) == ("elderly_care", "community", "国际村社区养老服务站")
    assert (row["floor_area_m2"], row["capacity"], row["source"]) == (1350, 20, "inventory.csv")
    assert (row["verified"], row["entrance_from"]) == (True, "table")
    assert row.geometry.geom_type == "MultiPoint"
    assert row.geometry.distance(HERE) < 0.1
    FACILITIES.check(found, crs=UTM)


def test_read_in_the_wrong_datum_it_would_be_480_m_away(tmp_path):
    path = written(tmp_path, "name,service,lon,lat\nA,canteen,106.5451,29.5558\n")
    assert read(path, datum="gcj02").geometry.iloc[0].distance(HERE) == pytest.approx(480, abs=3)


def test_services_by_key_label_several_and_name(tmp_path):
    lines = [
        "canteen,",
        "社区食堂,",
        "Community canteen,",
        "canteen；library,",
        ",重庆村社区卫生服务中心",
        "食堂,桂花园社区食堂",
    ]
    assert STANDARD.service("canteen").en == "Community canteen"
    rows = "".join(f"{n},{line},106.545,29.556\n" for n, line in enumerate(lines, 1))
    found = read(written(tmp_path, "id,service,name,lon,lat\n" + rows))
    offered = found.groupby("place")["service"].agg(list).to_dict()
    assert [offered[f"inventory/{n}"] for n in (1, 2, 3)] == [["canteen"]] * 3
    assert offered["inventory/4"] == ["canteen", "library"]
    assert "health_centre" in offered["inventory/5"]
    assert "canteen" in offered["inventory/6"]


def test_every_service_is_known_by_its_key_and_its_labels(tmp_path):
    words = [(service.key, word) for service in STANDARD.services for word in (service.key, service.zh, service.en)]
    rows = "".join(f'{n},"{word}",106.545,29.556\n' for n, (_, word) in enumerate(words))
    found = read(written(tmp_path, "id,service,lon,lat\n" + rows))
    offered = found.set_index("place")["service"]
    assert [offered[f"inventory/{n}"] for n in range(len(words))] == [key for key, _ in words]


def test_headers_of_ones_own(tmp_path):
    path = written(tmp_path, "甲,乙,丙,丁\n食堂一,canteen,106.545,29.556\n")
    found = read(path, columns={"name": "甲", "service": "乙", "lon": "丙", "lat": "丁"}, verified=False)
    assert found["name"].tolist() == ["食堂一"]
    assert found.index.tolist() == ["inventory/1/canteen"]
    assert not found["verified"].any()
    with pytest.raises(DataError, match=r"inventory.csv columns: there is no column '戊' for name"):
        read(path, columns={"name": "戊"})


@pytest.mark.parametrize("name", ["places.geojson", "places.gpkg"])
def test_files_of_shapes(tmp_path, name):
    crs = 4326 if name.endswith("geojson") else UTM
    shapes = gpd.GeoSeries([HERE, HERE.buffer(30)], crs=UTM).to_crs(crs)
    gpd.GeoDataFrame({"名称": ["一", "二"], "服务": ["canteen"] * 2}, geometry=shapes, crs=crs).to_file(tmp_path / name)
    found = read(tmp_path / name)
    assert found.index.tolist() == ["places/1/canteen", "places/2/canteen"]
    assert (found.distance(HERE) < 30).all()


def test_rows_beyond_the_extent_are_left_out(tmp_path):
    path = written(tmp_path, "id,service,lon,lat\n1,canteen,106.545,29.556\n2,canteen,106.60,29.556\n")
    assert read(path)["place"].tolist() == ["inventory/1"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,service,lon,lat\n", "there is no row in it"),
        ("", "it is empty"),
        ("id,service\n1,canteen\n", "there are no coordinates"),
        ("id,service,lon,lat\n1,canteen,29.556,106.545\n", "longitude and latitude are swapped in 1 of 1 rows"),
        ("id,service,lon,lat\n1,canteen,645000,3270000\n", "1 of 1 rows have coordinates that are not degrees"),
        ("id,service,lon,lat\n1,canteen,116.40,39.91\n", "1 of 1 rows lie more than 50 km from 两路口"),
        ("id,service,lon,lat\n1,canteen,106.60,29.556\n", "not one of 1 rows lies within 500 m of 两路口"),
        (
            "id,service,lon,lat\n1,canteen,106.545,29.556\n1,canteen,106.545,29.556\n",
            r"occur more than once \(first: 1",
        ),
        ("id,service,lon,lat,床位\n1,canteen,106.545,29.556,许多\n", "a capacity that is no number"),
    ],
)
def test_bad_tables(tmp_path, text, message):
    with pytest.raises(DataError, match=rf"inventory.csv: .*{message}"):
        read(written(tmp_path, text))


def test_every_finding_at_once(tmp_path):
    path = written(
        tmp_path,
        "id,service,lon,lat,capacity\na,canteen,106.545,29.556,5\na,aquarium,106.545,,5\nb,,106.545,29.556,-5\n"
        "c,canteen,inf,29.556,\n",
    )
    with pytest.raises(DataError) as caught:
        read(path)
    text = str(caught.value)
    assert "2 of 4 rows have no coordinates, or coordinates that are no numbers (first: 2, 4)" in text
    assert "1 ids occur more than once (first: a)" in text
    assert "2 of 4 rows name no service that is known (aquarium, empty) (first: 2, 3)" in text
    assert "1 of 4 rows have a capacity that is no number of 0 or more (first: 3)" in text


def test_no_such_file(tmp_path):
    with pytest.raises(SourceError, match="there is no such file"):
        read(tmp_path / "absent.csv")


# ------------------------------------------------------------------------------------------------------------- merging


def facilities(prefix, *rows):
    """Rows of (east of here in metres, service, name)."""
    services = [STANDARD.service(key) for _, key, _ in rows]
    frame = gpd.GeoDataFrame(
        {
            "place": [f"{prefix}/{n}" for n in range(len(rows))],
            "category": [service.category for service in services],
            "service": [service.key for service in services],
            "tier": [service.tier for service in services],
            "name": [name for _, _, name in rows],
            "capacity": np.nan,
            "floor_area_m2": np.nan,
            "source": prefix,
            "verified": prefix != "osm",
            "entrance_from": "point",
        },
        geometry=[shapely.MultiPoint([(HERE.x + east, HERE.y)]) for east, _, _ in rows],
        crs=UTM,
    )
    index = [f"{place}/{service}" for place, service in zip(frame["place"], frame["service"], strict=True)]
    return frame.set_index(np.array(index, dtype=object)).rename_axis("facility")


def test_the_inventory_wins_over_the_same_place_in_osm():
    osm = facilities(
        "osm",
        (0, "canteen", "国际村社区食堂"),
        (59, "canteen", "国际村 食堂"),
        (61, "canteen", "国际村社区食堂"),
        (10, "canteen", "铁路坡社区食堂"),
        (10, "library", "国际村社区食堂"),
        (20, "canteen", None),
    )
    ours = facilities("ours", (0, "canteen", "国际村社区食堂"))
    merged = merge_places(osm, ours)
    assert merged.index.tolist() == ["osm/2/canteen", "osm/3/canteen", "osm/4/library", "ours/0/canteen"]
    assert len(osm) == 6
    assert merge_places(osm.iloc[:0], ours).index.tolist() == ["ours/0/canteen"]
    assert merge_places(osm, ours.iloc[:0]).index.tolist() == osm.index.tolist()


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(-200, 200), st.sampled_from(["canteen", "library"]), st.sampled_from("甲乙")), max_size=9
    ),
    st.lists(
        st.tuples(st.floats(-200, 200), st.sampled_from(["canteen", "library"]), st.sampled_from("甲乙")), max_size=9
    ),
)
def test_merging_loses_nothing_but_repeats(theirs, ours):
    osm, inventory = facilities("osm", *theirs), facilities("ours", *ours)
    merged = merge_places(osm, inventory)
    assert set(inventory.index) <= set(merged.index)
    for key, row in osm.iterrows():
        twins = inventory[(inventory["service"] == row["service"]) & (inventory["name"] == row["name"])]
        assert (key in merged.index) == (not (twins.distance(row.geometry) <= 60).any())
