"""Opening hours and fares: which links are shut at the hour of a study, or cost what it will not pay."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
from opening_hours import OpeningHours, ParserError  # type: ignore[attr-defined]  # its stub forgot the error

from circle15.errors import ConfigError, Finding, quoted

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd
    from numpy.typing import NDArray

# A school week of early spring in no year's holidays, in China as elsewhere: Monday 10 to Sunday 16 March 2025. The
# equinox is near, so sunrise and sunset stand for the mean of the year
MONDAY = datetime(2025, 3, 10)  # noqa: DTZ001  a wall clock: opening hours are local times
DAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
_CHINESE = dict(zip("一二三四五六日天", (0, 1, 2, 3, 4, 5, 6, 6), strict=True))
_WHEN = re.compile(
    r"(?:(?P<day>[A-Za-z]{2})|(?:周|星期|礼拜)(?P<chinese>[一二三四五六日天]))\s*(?P<h>\d{1,2})[:：](?P<m>\d{2})"
)

FREE = frozenset({"no", "free", "none", "0", "donation"})  # of fee; of charge, one that starts with 0


def moment(when: str) -> datetime:
    """The point of the ordinary week that a study asks about.

    Parameters
    ----------
    when : str
        A weekday and an hour, such as ``Tu 21:00`` or ``周二 21:00``; ``24:00`` is the end of the day.

    Returns
    -------
    datetime
        Wall clock time in the week of Monday 10 March 2025.

    Raises
    ------
    ConfigError
        When it is not a weekday and an hour.

    Examples
    --------
    >>> moment("Tu 21:00")
    datetime.datetime(2025, 3, 11, 21, 0)
    >>> moment("星期日 08:30") == moment("Su 8:30")
    True
    """
    said = _WHEN.fullmatch(when.strip())
    if said:
        day = _CHINESE[said["chinese"]] if said["chinese"] else [*DAYS, ""].index(_day(said["day"]))
        after = timedelta(hours=int(said["h"]), minutes=int(said["m"]))
        if day < len(DAYS) and int(said["m"]) < 60 and after <= timedelta(hours=24):  # noqa: PLR2004  minutes
            return MONDAY + timedelta(days=day) + after
    mend = "Write a weekday and an hour, such as Tu 21:00 (Mo, Tu, We, Th, Fr, Sa, Su; 周一 to 周日)"
    raise ConfigError(Finding("[assessment] when", f"{when!r} is no hour of the week", mend))


def _day(written: str) -> str:
    """The weekday as OSM writes it, or nothing."""
    day = written.capitalize()
    return day if day in DAYS else ""


def closed_links(
    streets: gpd.GeoDataFrame, *, when: str = "", fares: str = "all", cable_car: bool = False
) -> tuple[pd.Index, list[Finding]]:
    """Links that may not be used at that hour, at those fares.

    Hours are read as OSM's ``opening_hours`` for an ordinary week without holidays: a rule for ``PH`` or ``SH`` does
    not apply. Hours that cannot be read, or that say so themselves (``unknown``, ``"by appointment"``), are unknown:
    the link stays open, and a finding says so.

    Parameters
    ----------
    streets : GeoDataFrame
        `tables.STREETS`; columns `hours`, `fee`, `kind` and `osm_id` are read.
    when : str
        Such as ``Tu 21:00`` or ``周二 21:00``; empty: no link is closed by its hours.
    fares : {"all", "free only"}
        ``free only`` closes links whose fee is anything but no, or whose charge is not 0.
    cable_car : bool
        Whether cable cars run. They are off unless asked for: they take a fare, queue, and leave the district.

    Returns
    -------
    closed : Index
        Ids of links, in the order of the table.
    findings : list of Finding
        Hours that are not known, one finding per wording.

    Raises
    ------
    ConfigError
        When `when` is no hour of the week or `fares` is neither word.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = {"kind": "lift", "osm_id": ["node/1", "node/2"], "hours": ["Mo-Su 07:30-22:30", "ask"], "fee": "yes"}
    >>> lifts = pd.DataFrame(rows, index=pd.Index(["node/1#0>", "node/2#0>"], name="link"))
    >>> closed, findings = closed_links(lifts, when="Tu 23:00")
    >>> closed.tolist()
    ['node/1#0>']
    >>> print(findings[0])
    opening_hours 'ask': it cannot be read; these links count as open: node/2. Mend the tag, or close them in overrides.
    >>> closed_links(lifts, fares="free only")[0].tolist()
    ['node/1#0>', 'node/2#0>']
    """
    if fares not in ("all", "free only"):
        raise ConfigError(Finding("[assessment] fares", f"{fares!r} is not known", "Write all or free only"))
    closed = np.zeros(len(streets), dtype=bool)
    findings: list[Finding] = []
    if when.strip():
        closed |= _shut(streets, moment(when), findings)
    if fares == "free only":
        closed |= ~streets["fee"].map(is_free).to_numpy(dtype=bool)
    if not cable_car:
        closed |= (streets["kind"] == "cable_car").to_numpy()
    return streets.index[closed], findings


def is_free(fee: object) -> bool:
    """Whether a link costs nothing, from its fee or charge as written; missing is free.

    Examples
    --------
    >>> [is_free(fee) for fee in (None, "no", "yes", "2 CNY", "0 CNY", "Mo-Fr 08:00-18:00")]
    [True, True, False, False, True, False]
    """
    if not isinstance(fee, str) or fee.strip().lower() in FREE:
        return True
    return re.fullmatch(r"0+([.,]0*)?(\s*[^\d\s.,:].*)?", fee.strip()) is not None


def _shut(streets: gpd.GeoDataFrame, at: datetime, findings: list[Finding]) -> NDArray[np.bool_]:
    """Links that are shut at that time; what is not known is appended to the findings."""
    hours = streets["hours"].where(streets["hours"].notna(), None).astype(object)
    shut: dict[str, bool] = {}
    for written in sorted({one for one in hours if isinstance(one, str)}):
        state, problem = _state(written, at)
        shut[written] = state == "closed"
        if state == "unknown":
            whose = streets["osm_id"][(hours == written).to_numpy()]
            problem = f"{problem}; these links count as open: {quoted(whose.unique())}"
            findings.append(Finding(f"opening_hours {written!r}", problem, "Mend the tag, or close them in overrides"))
    return np.array([shut.get(one, False) for one in hours], dtype=bool)


def _state(written: str, at: datetime) -> tuple[str, str]:
    """Open, closed or unknown at a time; and what is wrong where it is not known."""
    try:
        rule = OpeningHours(written, auto_country=False, auto_timezone=False)
    except ParserError:
        return "unknown", "it cannot be read"
    if rule.is_unknown(at):
        return "unknown", "it does not say whether it is open at that hour"
    return "open" if rule.is_open(at) else "closed", ""
