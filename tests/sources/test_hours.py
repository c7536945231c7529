import doctest
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circle15.errors import ConfigError
from circle15.sources.hours import DAYS, MONDAY, closed_links, is_free, moment
from circle15.sources.streets import read_streets


def links(*rows):
    """Links as (kind, hours, fee)."""
    frame = pd.DataFrame(rows, columns=["kind", "hours", "fee"], dtype=object)
    frame["osm_id"] = [f"way/{row}" for row in range(len(rows))]
    frame.index = pd.Index(frame["osm_id"] + "#0>", name="link")
    return frame


def shut(hours, when):
    found, findings = closed_links(links(("lift", hours, None)), when=when)
    return len(found) == 1, findings


@pytest.mark.parametrize(
    ("hours", "when", "closed"),
    [
        ("Mo-Su 07:30-22:30", "Tu 22:29", False),
        ("Mo-Su 07:30-22:30", "Tu 22:30", True),
        ("Mo-Fr 08:00-20:00", "Sa 10:00", True),
        ("24/7", "Su 03:00", False),
        ("off", "Su 12:00", True),
        ("Mo-Fr 22:00-02:00", "Sa 01:00", False),  # Friday's night
        ("06:00-24:00; PH 08:00-20:00", "We 07:00", False),  # an ordinary week has no holiday
        ("Mar-Oct 06:00-23:00; Nov-Feb 07:00-18:00", "Tu 20:00", False),
        ("sunrise-sunset", "Tu 12:00", False),
        ("sunrise-sunset", "周二 23:30", True),
    ],
)
def test_hours_in_an_ordinary_week(hours, when, closed):
    assert shut(hours, when) == (closed, [])


@pytest.mark.parametrize(
    ("hours", "words"),
    [
        ("每天早上到晚上", "cannot be read"),
        ("", "cannot be read"),
        ("Mo-Su 7-22 h", "cannot be read"),
        ("24/7 unknown", "does not say"),
    ],
)
def test_hours_that_are_not_known_stay_open_and_are_told(hours, words):
    closed, findings = shut(hours, "Tu 21:00")
    assert not closed
    assert str(findings[0]).startswith(f"opening_hours {hours!r}: it {words}")
    assert "way/0" in findings[0].problem


def test_one_finding_for_one_wording():
    many = links(*[("lift", "ask", None)] * 7, ("lift", "ring", None))
    closed, findings = closed_links(many, when="Mo 12:00")
    assert closed.empty
    assert [one.where for one in findings] == ["opening_hours 'ask'", "opening_hours 'ring'"]
    assert "these links count as open: way/0, way/1, way/2, way/3, way/4, ..." in findings[0].problem


def test_without_an_hour_nothing_is_closed_by_hours_and_nothing_is_told():
    assert shut("off", "") == (False, [])
    assert shut("nonsense", "  ") == (False, [])


def test_fares_and_cable_cars():
    table = links(
        ("lift", None, "yes"),
        ("escalator", None, "2 CNY"),
        ("lift", None, "no"),
        ("path", None, None),
        ("path", None, np.nan),
        ("cable_car", None, "20 CNY"),
    )
    everything, _ = closed_links(table, cable_car=True)
    assert everything.empty
    assert closed_links(table)[0].tolist() == ["way/5#0>"]
    assert closed_links(table, fares="free only")[0].tolist() == ["way/0#0>", "way/1#0>", "way/5#0>"]
    assert closed_links(table, fares="free only", cable_car=True)[0].tolist() == ["way/0#0>", "way/1#0>", "way/5#0>"]


@pytest.mark.parametrize(
    ("fee", "free"), [("0", True), ("0.00 EUR", True), ("0.50 EUR", False), ("No", True), ("07:00-19:00", False)]
)
def test_what_is_free(fee, free):
    assert is_free(fee) is free


@pytest.mark.parametrize(
    "when", ["21:00", "Tu", "Xx 21:00", "Tu 25:00", "Tu 21:60", "Tu 24:01", "周八 10:00", "tomorrow", "Tu 9pm"]
)
def test_an_hour_that_is_none(when):
    with pytest.raises(ConfigError, match=r"\[assessment\] when: .* is no hour of the week. Write a weekday"):
        closed_links(links(("lift", None, None)), when=when)


def test_fares_that_are_none():
    with pytest.raises(ConfigError, match="fares: 'cheap' is not known"):
        closed_links(links(("lift", None, None)), fares="cheap")


@settings(deadline=None)
@given(day=st.integers(0, 6), minute=st.integers(0, 24 * 60), chinese=st.booleans())
def test_any_hour_of_the_week(day, minute, chinese):
    name = "周" + "一二三四五六日"[day] if chinese else DAYS[day]
    assert moment(f"{name} {minute // 60:02}:{minute % 60:02}") == MONDAY + timedelta(days=day, minutes=minute)


@settings(deadline=None)
@given(hours=st.text(max_size=20) | st.sampled_from(["Mo-Su 07:30-22:30", "off", "24/7"]), day=st.sampled_from(DAYS))
def test_no_wording_is_a_crash(hours, day):
    closed, findings = shut(hours, f"{day} 12:00")
    assert not (closed and findings)


@pytest.mark.parametrize("page", ["hours-and-fares", "heights"])
def test_the_worked_numbers_of_the_pages(page):
    path = Path(__file__).parents[2] / "docs" / "methods" / f"{page}.md"
    found = doctest.testfile(str(path), module_relative=False, encoding="utf-8")
    assert found.attempted >= 3
    assert found.failed == 0


@pytest.mark.real
def test_the_lifts_of_the_peninsula(real_data):
    from test_streets import real_area

    streets = read_streets(real_data / "yuzhong" / "yuzhong.osm.pbf", real_area(real_data))
    night, findings = closed_links(streets, when="Tu 23:00")
    assert not findings
    gate, lift = "node/11837753791", "node/11978481046"  # 09:00 to 18:00, and 07:30 to 22:30
    assert streets.loc[night, "osm_id"].unique().tolist() == [lift, gate]
    evening, _ = closed_links(streets, when="Tu 21:00")
    assert streets.loc[evening, "osm_id"].unique().tolist() == [gate]
    assert closed_links(streets, when="Tu 10:00")[0].empty
    assert streets.loc[closed_links(streets, fares="free only")[0], "osm_id"].unique().tolist() == ["node/6874999324"]
