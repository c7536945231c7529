import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import CRS

from circle15.errors import DataError
from circle15.project import Standard
from circle15.sources import inventory as doors
from circle15.sources.merging import merge_places, merges, name_likeness
from circle15.tables import FACILITIES

UTM = CRS("EPSG:32648")
STANDARD = Standard.load("yuzhong-15min")
HERE = shapely.Point(650000, 3270000)


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


SAME, APART = True, False
LABELLED = [  # in OSM, in the inventory, service, metres apart, whether they are one real place
    ("国际村社区养老服务站", "国际村社区养老服务站", "elder_station", 30, SAME),
    ("国际村养老服务站", "国际村社区养老服务站", "elder_station", 20, SAME),
    ("渝中区国际村社区养老服务站", "国际村社区养老服务站", "elder_station", 45, SAME),
    ("重庆市渝中区大溪沟街道养老服务中心", "大溪沟街道养老服务中心", "elder_centre", 50, SAME),
    ("石油路社区食堂", "石油路社区食堂（老年助餐点）", "canteen", 12, SAME),
    ("石油路食堂", "石油路社区食堂", "canteen", 58, SAME),
    ("大坪 小学", "大坪小学", "primary", 40, SAME),
    ("第1实验小学", "第一实验小学", "primary", 40, SAME),
    ("人民路小学校", "人民路小学", "primary", 25, SAME),
    ("重庆市人和街小学", "人和街小学", "primary", 35, SAME),
    (None, "上清寺社区卫生服务站", "health_station", 15, SAME),
    ("社区卫生服务站", "上清寺社区卫生服务站", "health_station", 15, SAME),
    ("公共厕所", "两路口公厕", "toilet", 22, SAME),
    ("Liberty Library", "Library Liberty", "library", 10, SAME),
    ("渝中区图书馆", "重庆市渝中区图书馆", "library", 33, SAME),
    ("阳光宝贝托育园", "阳光宝贝托育中心", "nursery", 18, SAME),
    ("华一坡社区党群服务中心", "华一坡社区便民服务中心", "service_station", 8, SAME),
    ("鹅岭公园", "鹅岭公园", "park_medium", 0, SAME),
    ("第一小学", "第二小学", "primary", 40, APART),
    ("大坪正街社区食堂", "大坪后街社区食堂", "canteen", 40, APART),
    ("领事巷社区养老服务站", "兴隆街社区养老服务站", "elder_station", 25, APART),
    ("A区托育中心", "B区托育中心", "nursery", 30, APART),
    ("和平药房（大坪店）", "和平药房（石油路店）", "pharmacy", 50, APART),
    ("桐君阁大药房", "和平药房", "pharmacy", 10, APART),
    ("黄花园社区食堂", "曾家岩社区食堂", "canteen", 55, APART),
    ("国际村社区食堂", "国际村社区食堂", "canteen", 900, APART),
    ("巴蜀幼儿园", "巴蜀小学幼儿部", "kindergarten", 400, APART),
    ("七星岗派出所", "通远门派出所", "police", 20, APART),
    ("十八梯社区文化活动室", "十八梯文化馆", "culture_station", 700, APART),
    ("金银小区幼儿园", "金山小区幼儿园", "kindergarten", 30, APART),
    ("较场口诊所", "较场口社区卫生服务站", "health_station", 0, APART),
    ("国际村社区医院", "国际村社区卫生服务中心", "health_centre", 10, SAME),
    ("永辉超市", "新世纪超市", "supermarket", 15, APART),
]


@pytest.mark.parametrize(("theirs", "ours", "service", "metres", "same"), LABELLED)
def test_the_labelled_pairs(theirs, ours, service, metres, same):
    osm, inventory = facilities("osm", (metres, service, theirs)), facilities("ours", (0, service, ours))
    found, table = merges(osm, inventory)
    assert len(found) == (1 if same else 2)
    assert (table["verdict"] == "merged").sum() == same
    assert merge_places(osm, inventory).index.tolist() == found.index.tolist()


def test_all_labelled_pairs_in_one_town_leave_one_row_per_place():
    theirs = [(2000 * n + metres, service, one) for n, (one, _, service, metres, _) in enumerate(LABELLED)]
    ours = [(2000 * n, service, other) for n, (_, other, service, _, _) in enumerate(LABELLED)]
    found, table = merges(facilities("osm", *theirs), facilities("ours", *ours))
    assert len(found) == sum(1 if pair[-1] else 2 for pair in LABELLED)
    assert len(found) == 2 * len(LABELLED) - (table["verdict"] == "merged").sum()
    assert table.columns.tolist() == ["kept", "dropped", "distance_m", "similarity", "verdict"]
    FACILITIES.check(found, crs=UTM)


def test_one_house_listed_under_two_services_of_a_category():
    osm = facilities(
        "osm", (5, "meal_point", "国际村社区食堂"), (5, "library", "国际村社区食堂"), (5, "meal_point", "大坪食堂")
    )
    found, table = merges(osm, facilities("ours", (0, "canteen", "国际村社区食堂")))
    assert found.index.tolist() == ["osm/1/library", "osm/2/meal_point", "ours/0/canteen"]
    assert table.to_numpy().tolist() == [["ours/0/canteen", "osm/0/meal_point", 5.0, 1.0, "merged"]]


def test_near_but_not_sure_is_a_doubt_and_both_stay():
    osm = facilities("osm", (100, "canteen", "国际村社区食堂"), (20, "pharmacy", "某药房"), (0, "canteen", "石油路"))
    ours = facilities("ours", (0, "canteen", "国际村食堂"), (0, "pharmacy", None))
    found, table = merges(osm, ours)
    assert len(found) == 5
    assert table[["kept", "dropped", "verdict"]].to_numpy().tolist() == [
        ["ours/0/canteen", "osm/0/canteen", "doubt"],
        ["ours/1/pharmacy", "osm/1/pharmacy", "doubt"],
    ]


def test_an_earlier_inventory_wins_over_a_later_one_and_each_dropped_row_is_listed_once():
    first = facilities("first", (0, "canteen", "国际村社区食堂"))
    second = facilities("second", (20, "canteen", "国际村食堂"), (300, "canteen", "大坪食堂"))
    osm = facilities("osm", (10, "canteen", "国际村食堂"), (70, "canteen", "国际村食堂"))
    found, table = merges(osm, pd.concat([first, second]))
    assert found.index.tolist() == ["osm/1/canteen", "first/0/canteen", "second/1/canteen"]
    merged = table[table["verdict"] == "merged"]
    assert merged[["kept", "dropped"]].to_numpy().tolist() == [
        ["first/0/canteen", "second/0/canteen"],
        ["first/0/canteen", "osm/0/canteen"],
    ]


def test_rows_of_one_inventory_are_never_merged():
    ours = facilities("ours", (0, "canteen", "国际村食堂"), (1, "canteen", "国际村食堂"))
    assert merges(ours.iloc[:0], ours)[0].index.tolist() == ours.index.tolist()


def test_a_point_takes_the_entrances_of_the_row_it_replaces():
    osm, ours = facilities("osm", (0, "primary", "大坪小学")), facilities("ours", (60, "primary", "大坪小学"))
    gates = shapely.MultiPoint([(HERE.x, HERE.y - 80), (HERE.x + 150, HERE.y), (HERE.x, HERE.y + 80)])
    osm = osm.set_geometry([gates], crs=UTM).assign(entrance_from="gate")
    found, table = merges(osm, ours)
    assert found.index.tolist() == ["ours/0/primary"]
    assert found.geometry.iloc[0].equals(gates)
    assert found["entrance_from"].tolist() == ["gate"]
    assert table["distance_m"].tolist() == [0.0]  # within the outline of the gates
    several = ours.set_geometry([shapely.MultiPoint([(HERE.x, HERE.y), (HERE.x + 5, HERE.y)])], crs=UTM)
    assert merge_places(osm, several).geometry.iloc[0].equals(several.geometry.iloc[0])


def test_repeated_ids_are_refused():
    ours = facilities("ours", (0, "canteen", "甲"))
    with pytest.raises(DataError, match="occur more than once"):
        merges(ours, ours)


def test_the_inventory_door_still_gives_merge_places():
    assert doors.merge_places is merge_places


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=20), st.text(max_size=20))
def test_likeness_is_a_share_and_the_same_both_ways(one, other):
    assert 0 <= name_likeness(one, other) <= 1
    assert name_likeness(one, other) == pytest.approx(name_likeness(other, one))
    assert name_likeness(one, one) == (1 if one else 0)


def test_names_that_are_all_signs_or_brackets_are_no_likeness():
    assert name_likeness("（甲）", "！") < 0.5
    assert name_likeness("（甲店）", "（乙店）") <= 0.5
    assert name_likeness("国际村社区", "大坪社区") < 0.8  # a community is no district
    assert name_likeness("国" * 10_000, "村" * 9_999 + "国") < 0.5
