import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from test_streets import CRS_48, FOOT, TO_LONLAT, X, Y, area, real_area, street_table

from circle15.errors import DataError, SourceError
from circle15.impedance import link_seconds
from circle15.project import Walker
from circle15.project.study_file import NewLink
from circle15.sources.heights import with_heights
from circle15.sources.overrides import JOIN_M, add_links, apply_overrides, read_overrides
from circle15.sources.streets import read_streets
from circle15.sources.terrain import Terrain, read_terrain
from circle15.tables import STREETS

STEPS = {"highway": "steps"}
SLOPE = Terrain(  # 200 m at x = 0, one metre more for ten metres east
    np.tile(200 + 0.1 * (np.arange(-1000, 1000, 20) + 10), (100, 1)).astype(np.float32),
    (20.0, 0.0, X - 1000, 0.0, -20.0, Y + 1000),
    CRS_48,
    "slope",
)


@pytest.fixture
def hill():
    """A street on the slope, stairs in three pieces that leave it eastwards, and a lift at their end."""
    nodes = {1: (-100, 0), 2: (0, 0), 3: (20, 0), 4: (50, 0), 5: (60, 0), 6: (120, 0), 7: (20, 40), 8: (50, 40)}
    ways = {
        1: ([1, 2], {"highway": "residential"}),
        2: ([2, 3, 4, 5], STEPS),
        3: ([5, 6], FOOT),
        4: ([3, 7], FOOT),
        5: ([4, 8], FOOT),
    }
    lift = {6: {"highway": "elevator"}}
    more = {9: (180, 0)}
    streets = street_table(nodes | more, ways | {6: ([6, 9], FOOT | {"level": "3"})}, node_tags=lift)
    return with_heights(streets, SLOPE)


def table(tmp_path, text, name="overrides.csv", encoding="utf-8"):
    path = tmp_path / name
    path.write_text(text, encoding=encoding)
    return path


def measured(**columns):
    """An override table as it is read."""
    frame = pd.DataFrame({"rise_m": np.nan, "step_count": np.nan, "wait_s": np.nan, "closed": False} | columns)
    return frame.set_index("osm_id")


# ------------------------------------------------------------------------------------------------------ reading


def test_a_table_is_read_with_english_or_chinese_headers(tmp_path):
    english = table(tmp_path, "osm_id,rise_m,step_count,wait_s,closed\nway/2,12.5,,,\nnode/6,,,90,no\nway/3,,,,yes\n")
    text = "编号,高差（米）,级数,等候（秒）,关闭\nway/2,12.5,,,\nnode/6,,,90,否\nway/3,,,,是\n"
    chinese = table(tmp_path, text, "本地.csv", "gb18030")
    found = read_overrides(english)
    assert found.index.tolist() == ["way/2", "node/6", "way/3"]
    assert found["closed"].tolist() == [False, False, True]
    assert found.loc["node/6", "wait_s"] == 90
    assert found["rise_m"].isna().tolist() == [False, True, True]
    pd.testing.assert_frame_equal(found, read_overrides(chinese))


def test_every_finding_of_a_table_at_once(tmp_path):
    rows = [
        "way/1,many,,,",
        "way/1,3,,,",
        "421605016,3,,,",
        "way/3,,,,",
        "way/4,,,,perhaps",
        "way/5,,0,-1,",
        "way/6,5270,,,",
    ]
    path = table(tmp_path, "osm_id,rise_m,step_count,wait_s,closed\n" + "\n".join(rows))
    with pytest.raises(DataError) as caught:
        read_overrides(path)
    words = str(caught.value)
    assert len(caught.value.findings) == 7
    for part in (
        "1 of 7 rows have no OSM id in osm_id (421605016) (first: 3)",
        "2 of 7 rows repeat an osm_id (way/1) (first: 1, 2)",
        "rise_m that is no number from -500 to 500 (many, 5270) (first: 1, 7)",
        "step_count that is no number from 1 to 5000 (0)",
        "wait_s that is no number from 0 to 3600 (-1)",
        "hold perhaps in closed",
        "1 of 7 rows say nothing about their way (first: 4)",
    ):
        assert part in words


def test_a_table_without_ids_or_without_a_file(tmp_path):
    with pytest.raises(DataError, match=r"1 of 1 rows have no OSM id in osm_id \(empty\)"):
        read_overrides(table(tmp_path, "street,rise_m\nway/1,3\n"))
    with pytest.raises(SourceError, match="there is no such file"):
        read_overrides(tmp_path / "absent.csv")


# ----------------------------------------------------------------------------------------------------- applying


def test_a_measured_rise_is_shared_out_by_length_and_drawn_evenly(hill):
    before = hill.copy()
    found = apply_overrides(hill, measured(osm_id=["way/2"], rise_m=[30.0]))
    STREETS.check(found, crs=CRS_48)
    assert found.loc[["way/2#0>", "way/2#1>", "way/2#2>"], "rise_m"].tolist() == pytest.approx([10, 15, 5])
    assert found.loc[["way/2#0<", "way/2#1<", "way/2#2<"], "rise_m"].tolist() == pytest.approx([-10, -15, -5])
    assert set(found.loc[found["osm_id"] == "way/2", "evidence"]) == {"survey"}
    up, down = (shapely.get_coordinates(found.loc[f"way/2#1{sign}", "geometry"], include_z=True) for sign in "><")
    assert up[-1, 2] - up[0, 2] == pytest.approx(15)
    assert np.allclose(up, down[::-1])
    other = found["osm_id"] != "way/2"
    pd.testing.assert_frame_equal(pd.DataFrame(found[other]), pd.DataFrame(hill[other]), check_dtype=False)
    assert hill.equals(before)


def test_a_profile_is_forgotten_where_its_rise_was_measured(hill):
    found = apply_overrides(hill, measured(osm_id=["way/1"], rise_m=[0.0]))
    seconds = link_seconds(found.loc[["way/1#0>"]], Walker.load("adult"))
    assert seconds[0] == pytest.approx(100 / 1.34, rel=1e-3)
    assert link_seconds(hill.loc[["way/1#0>"]], Walker.load("adult"))[0] > 1.2 * 100 / 1.34


def test_counted_steps_climb_to_the_side_they_did(hill):
    found = apply_overrides(hill, measured(osm_id=["way/2"], step_count=[120]))
    assert found.loc[["way/2#0>", "way/2#1<"], "steps"].tolist() == pytest.approx([40, 60])
    assert found.loc[["way/2#0>", "way/2#1<"], "rise_m"].tolist() == pytest.approx([40 * 0.155, -60 * 0.155])
    down = apply_overrides(
        apply_overrides(hill, measured(osm_id=["way/2"], rise_m=[-9.0])), measured(osm_id=["way/2"], step_count=[120])
    )
    assert down.loc["way/2#0>", "rise_m"] == pytest.approx(-40 * 0.155)
    both = apply_overrides(hill, measured(osm_id=["way/2"], step_count=[120], rise_m=[16.2]))
    assert both.loc["way/2#0>", ["rise_m", "steps"]].tolist() == pytest.approx([5.4, 40])


def test_a_lift_takes_its_height_and_its_wait(hill):
    found = apply_overrides(hill, measured(osm_id=["node/6"], rise_m=[32.5], wait_s=[90.0]))
    lift = found[found["osm_id"] == "node/6"]
    assert lift["rise_m"].abs().tolist() == [32.5, 32.5]
    assert lift["rise_m"].sum() == 0
    assert np.array_equal(np.sign(lift["rise_m"]), np.sign(hill.loc[lift.index, "rise_m"]))
    assert lift["wait_s"].tolist() == [90, 90]
    once = apply_overrides(hill, measured(osm_id=["way/2"], wait_s=[20.0]))
    assert once.loc[["way/2#0>", "way/2#1>", "way/2#1<", "way/2#2>"], "wait_s"].tolist() == [0, 20, 20, 0]


def test_a_closed_way_is_gone(hill):
    found = apply_overrides(hill, measured(osm_id=["way/2", "way/3"], closed=[True, False], wait_s=[np.nan, 1.0]))
    assert set(hill["osm_id"]) - set(found["osm_id"]) == {"way/2"}
    assert apply_overrides(hill, measured(osm_id=[]))["rise_m"].equals(hill["rise_m"])


def test_overrides_that_cannot_be_meant(hill):
    with pytest.raises(DataError) as caught:
        apply_overrides(hill, measured(osm_id=["way/99", "way/3", "way/2"], step_count=[5, 6, 7]))
    assert "1 of 3 ways are not among the streets (way/99)" in str(caught.value)
    assert "step_count is given for ways without steps (way/3)" in str(caught.value)


def test_links_against_their_way_only():
    streets = street_table(
        {1: (0, 0), 2: (40, 0), 3: (80, 0)}, {1: ([1, 2], FOOT), 2: ([2, 3], STEPS | {"oneway": "-1"})}
    )
    found = apply_overrides(streets, measured(osm_id=["way/2"], rise_m=[12.0]))
    assert found.loc["way/2#0<", "rise_m"] == -12
    assert found.loc["way/2#0<", "evidence"] == "survey"


# ------------------------------------------------------------------------------------------------------- adding


def line(*points):
    return tuple(zip(*TO_LONLAT.transform(*np.add(points, (X, Y)).T), strict=True))


def test_new_stairs_are_joined_by_level_paths(hill):
    plan = NewLink(kind="stairs", line=line((-95, 3), (-60, 30), (18, 44)), rise_m=21.0, steps=140)
    found = add_links(hill, [plan], area())
    STREETS.check(found, crs=CRS_48)
    new = found.iloc[len(hill) :]
    assert new.index.tolist() == ["new/1#0>", "new/1#0<", "new/1#1>", "new/1#1<", "new/1#2>", "new/1#2<"]
    assert new["kind"].tolist() == ["stairs"] * 2 + ["path"] * 4
    assert new["rise_m"].tolist() == [21, -21, 0, 0, 0, 0]
    assert new["steps"].tolist()[:2] == [140, 140]
    assert new["evidence"].tolist()[:2] == ["survey", "survey"]
    assert new.loc["new/1#1>", "from_node"] == 1
    assert new.loc["new/1#2>", "from_node"] == 7
    assert new.loc["new/1#1>", "to_node"] == new.loc["new/1#0>", "from_node"]
    assert new.loc["new/1#2>", "to_node"] == new.loc["new/1#0>", "to_node"]
    assert new.loc["new/1#1>", "length_m"] == pytest.approx(np.hypot(5, 3), abs=0.01)
    assert new["from_node"].min() < hill["from_node"].min()
    pd.testing.assert_frame_equal(pd.DataFrame(found.iloc[: len(hill)]), pd.DataFrame(hill))


def test_an_end_on_a_node_is_that_node_and_one_way_is_one_way(hill):
    plan = NewLink(kind="escalator", line=line((0, 0), (20, 40)), one_way=True)
    new = add_links(hill, [plan], area()).iloc[len(hill) :]
    assert new[["from_node", "to_node"]].to_numpy().tolist() == [[2, 7]]
    assert new["rise_m"].iloc[0] == pytest.approx(
        0.30 * np.hypot(20, 40), rel=1e-4
    )  # 2 m of terrain: held to the least
    assert new["evidence"].tolist() == ["terrain"]


def test_a_lift_may_stand_upright_and_finds_the_two_terraces():
    nodes = {1: (-50, 0), 2: (0, 0), 3: (-50, 6), 4: (3, 6), 5: (12, 0)}
    ways = {1: ([1, 2], FOOT), 2: ([3, 4], FOOT), 3: ([2, 5], FOOT)}
    streets = street_table(nodes, ways)
    high = streets["osm_id"] == "way/2"
    streets = streets.set_geometry(shapely.force_3d(streets.geometry, np.where(high, 230.0, 200.0)))
    found = add_links(streets, [NewLink(kind="lift", line=line((1, 0), (1, 0)), rise_m=30.0)], area())
    new = found.iloc[len(streets) :]
    assert new.loc["new/1#0>", ["kind", "length_m", "rise_m"]].tolist() == ["lift", 0.0, 30.0]
    assert new.loc[["new/1#1>", "new/1#2>"], "from_node"].tolist() == [2, 4]
    falling = add_links(streets, [NewLink(kind="lift", line=line((1, 0), (1, 0)), rise_m=-30.0)], area())
    assert falling.loc[["new/1#1>", "new/1#2>"], "from_node"].tolist() == [4, 2]


def test_what_a_rise_rests_on(hill):
    flat = hill.set_geometry(shapely.force_2d(hill.geometry))
    plans = [NewLink(kind=kind, line=line((0, 0), (20, 40))) for kind in ("path", "stairs", "lift")]
    known = add_links(hill, plans, area()).loc[["new/1#0>", "new/2#0>", "new/3#0>"]]
    assert known["evidence"].tolist() == ["terrain"] * 3
    assert known["rise_m"].iloc[2] == 3.0  # the least height of a lift
    unknown = add_links(flat, plans, area()).loc[["new/1#0>", "new/2#0>", "new/3#0>"]]
    assert unknown["evidence"].tolist() == ["default"] * 3
    assert unknown["rise_m"].tolist() == pytest.approx([0, 0.5 * np.hypot(20, 40), 12], rel=1e-4)
    again = add_links(flat, plans, area(), terrain=SLOPE).loc[["new/1#0>", "new/2#0>", "new/3#0>"]]
    assert again["evidence"].tolist() == ["terrain"] * 3
    assert again["rise_m"].iloc[0] == pytest.approx(2, abs=0.1)
    counted = add_links(flat, [NewLink(kind="stairs", line=line((0, 0), (20, 40)), steps=100)], area())
    assert counted.loc["new/1#0>", ["rise_m", "evidence"]].tolist() == [15.5, "survey"]


def test_ends_far_from_the_streets_name_their_distance(hill):
    plans = [
        NewLink(kind="path", line=line((0, 0), (0, 161))),
        NewLink(kind="stairs", line=line((-500, 0), (500, 400))),
    ]
    with pytest.raises(DataError) as caught:
        add_links(hill, plans, area())
    words = [str(one) for one in caught.value.findings]
    assert len(words) == 3
    assert words[0].startswith("new/1 (path): its last point lies 123 m from the nearest node of the streets")
    assert words[1].startswith("new/2 (stairs): its first point lies 400 m")


def test_a_line_that_reaches_one_node_only():
    streets = street_table({1: (0, 0), 2: (500, 0)}, {1: ([1, 2], FOOT)})
    with pytest.raises(DataError, match="both ends reach the same node"):
        add_links(streets, [NewLink(kind="path", line=line((0, 5), (5, 5)))], area())


def test_additions_in_two_calls_keep_their_numbers_apart(hill):
    plan = NewLink(kind="path", line=line((0, 0), (20, 40)))
    once = add_links(hill, [plan], area())
    twice = add_links(once, [plan], area())
    assert set(twice["osm_id"]) - set(hill["osm_id"]) == {"new/1", "new/2"}
    STREETS.check(twice, crs=CRS_48)
    assert add_links(hill, [], area()) is hill


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_any_line_near_the_streets_keeps_the_contract_and_changes_nothing(data):
    number = st.integers(-35, 35)
    streets = street_table({1: (-60, 0), 2: (0, 0), 3: (10, 0), 4: (0, 60)}, {1: ([1, 2, 3], FOOT), 2: ([2, 4], STEPS)})
    points = data.draw(st.lists(st.tuples(number, number), min_size=2, max_size=4))
    plan = NewLink(
        kind=data.draw(st.sampled_from(["path", "stairs", "escalator", "lift", "bridge", "crossing"])),
        line=line(*points),
        rise_m=data.draw(st.none() | st.floats(-60, 60)),
        one_way=data.draw(st.booleans()),
    )
    found = add_links(streets, [plan], area())
    STREETS.check(found, crs=CRS_48)
    assert found.iloc[: len(streets)].equals(streets)
    new = found.iloc[len(streets) :]
    known = set(streets["from_node"]) | set(streets["to_node"])
    touched = set(new["from_node"]) | set(new["to_node"])
    assert len(touched & known) == 2
    joins = new[new["piece"].isin(["new/1#1", "new/1#2"])]
    assert (joins["length_m"] <= JOIN_M + 0.01).all()
    assert np.isfinite(link_seconds(new, Walker.load("adult"))).all()


@pytest.mark.real
def test_the_table_of_the_page_on_the_real_streets(real_data, tmp_path):
    place = real_area(real_data)
    terrain = read_terrain(real_data / "yuzhong" / "srtm30.tif", place)
    streets = read_streets(real_data / "yuzhong" / "yuzhong.osm.pbf", place, terrain=terrain)
    page = (Path(__file__).parents[2] / "docs" / "methods" / "heights.md").read_text(encoding="utf-8")
    rows = [line.strip() for line in page.splitlines() if re.match(r"    (osm_id|way/|node/)", line)]
    found = apply_overrides(streets, read_overrides(table(tmp_path, "\n".join(rows))))
    STREETS.check(found, crs=CRS_48)
    rise = found["rise_m"].abs().groupby([found["osm_id"], found.index.str[-1]]).sum()
    assert rise["way/421605016"].tolist() == pytest.approx([52.7, 52.7])
    assert rise["node/6874999324"].tolist() == [32.5, 32.5]
    assert rise["way/1244287272"].tolist() == pytest.approx([48.05, 48.05])
    assert "way/734116601" not in set(found["osm_id"])
    assert len(found) < len(streets)
