"""Completeness: what is found against what there ought to be, for every unit and service.

Absence from the data is absence from the city only where the list is complete. Where it is not, nobody is said to
lack anything.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from circle15.assessment.units import holds, inside
from circle15.errors import ConfigError, Finding
from circle15.project.languages import Labels
from circle15.project.reading import nearest
from circle15.tables import COMPLETENESS, UNITS
from circle15.tables.naming import unit_ids

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    import geopandas as gpd
    from numpy.typing import NDArray

    from circle15.project import Standard

    Grid = NDArray[np.bool_]

COMPLETE = "[[facilities.inventory]] complete"
BY_TABLE = "table"  # an inventory lists every one there is
NUMBERS = ("found", "expected", "share", "units_unknown", "next")  # columns that stand on the right
NAMED = 8  # lists that are named at the end of the text
ROUNDING = 1e-9  # of sums of people and what is counted from them


def residents(origins: gpd.GeoDataFrame, units: gpd.GeoDataFrame) -> pd.Series:
    """Residents of every unit of every tier, counted from the clusters themselves.

    Parameters
    ----------
    origins : GeoDataFrame
        tables.ORIGINS.
    units : GeoDataFrame
        tables.UNITS.

    Returns
    -------
    Series of float
        On the index of `units`.
    """
    inside = holds(units, origins["unit"])
    return pd.Series(inside @ origins["population"].to_numpy(dtype=float), index=units.index, name="people")


def completeness(
    facilities: gpd.GeoDataFrame,
    units: gpd.GeoDataFrame,
    *,
    standard: Standard,
    people: pd.Series,
    listed: Iterable[tuple[Collection[str], Collection[str]]] = (),
) -> pd.DataFrame:
    """How many facilities of each service are known in each unit, against how many there ought to be.

    A service is *known* in a unit when an inventory lists every one there is, or when at least the standard's
    `complete_share` of the expected count was found. A unit is judged by its own counts where at least
    `complete_least` facilities are expected in it, else as the unit above it is: small numbers prove nothing. The
    topmost unit judges itself; where the standard states no expected count, anything found there is enough. Where it
    states how many there are, published for the whole area, and as many are found, the list is taken to be whole: the
    service is known everywhere.

    Parameters
    ----------
    facilities : GeoDataFrame
        tables.FACILITIES in the CRS of `units`.
    units : GeoDataFrame
        tables.UNITS.
    standard : Standard
        States the services, their expected counts, `complete_share` and `complete_least`.
    people : Series of float
        Residents of every unit, from `residents`.
    listed : iterable of (services, units)
        Services of which an inventory lists every facility, and the units, by code or name, in which it does; no unit
        means everywhere. The units below them are meant too.

    Returns
    -------
    DataFrame
        tables.COMPLETENESS, unit by unit and within a unit in the order of the standard.

    Raises
    ------
    ConfigError
        With every service and unit of `listed` that there is none of, and the nearest.
    """
    services, keys = standard.services, [service.key for service in standard.services]
    parent = units.index.get_indexer(units["parent"].astype(object))
    by_table = _listed(listed, units, keys, parent)
    found = _counts(facilities, units, keys)
    expected = _expected(standard, people.reindex(units.index).to_numpy(dtype=float), top=parent < 0)
    share = np.divide(found, expected, out=np.full(found.shape, np.nan), where=expected > 0)
    judge = _judges(expected, parent, least=standard.complete_least)
    published = np.array([one.expected_count or np.inf for one in services])
    whole = found[parent < 0].sum(axis=0) >= published
    judge[:, whole] = _judges(np.zeros_like(expected), parent, least=1.0)[:, whole]
    enough = np.where(np.isnan(share), found > 0, share >= standard.complete_share - ROUNDING)
    judged = np.take_along_axis(enough, judge, axis=0)
    ids = units.index.to_numpy(dtype=object)
    unit, service = np.repeat(ids, len(keys)), np.tile(np.array(keys, dtype=object), len(ids))
    table = {
        "unit": unit,
        "category": np.tile(np.array([one.category for one in services], dtype=object), len(ids)),
        "service": service,
        "found": found.ravel(),
        "expected": expected.ravel(),
        "share": share.ravel(),
        "known": (judged | by_table).ravel(),
        "judged_by": np.where(by_table, BY_TABLE, ids[judge]).ravel(),
    }
    return pd.DataFrame(table, index=pd.Index(unit + ":" + service, name=COMPLETENESS.index))


def _listed(
    listed: Iterable[tuple[Collection[str], Collection[str]]],
    units: gpd.GeoDataFrame,
    keys: list[str],
    parent: NDArray[np.intp],
) -> Grid:
    """Where, and of which services, an inventory lists every facility: units by services."""
    whole, findings = np.zeros((len(units), len(keys)), dtype=bool), []
    everywhere = np.flatnonzero(parent < 0)
    for services, places in listed:
        ids, unknown = unit_ids(places, units, where=f"{COMPLETE}_in")
        absent = [key for key in services if key not in keys]
        findings += [
            *unknown,
            *(Finding(COMPLETE, f"there is no service {key!r}", nearest(key, keys)) for key in absent),
        ]
        rows = units.index.get_indexer(pd.Index(list(ids.values()), dtype=object)) if places else everywhere
        for key in set(services).difference(absent):
            whole[rows, keys.index(key)] = True
    if findings:
        raise ConfigError(*dict.fromkeys(findings))
    for _ in UNITS.columns:  # a chain is never longer than the tiers
        whole |= (parent >= 0)[:, None] & whole[parent]
    return whole


def _counts(facilities: gpd.GeoDataFrame, units: gpd.GeoDataFrame, keys: list[str]) -> NDArray[np.int64]:
    """Facilities with an entrance in the unit: units by services."""
    count = np.zeros((len(units), len(keys)), dtype=np.int64)
    service = pd.Index(keys).get_indexer(pd.Index(facilities["service"]))
    which, unit = inside(facilities, units)
    asked = service[which] >= 0
    np.add.at(count, (unit[asked], service[which[asked]]), 1)
    return count


def _expected(standard: Standard, people: NDArray[np.float64], *, top: Grid) -> NDArray[np.float64]:
    """The norm's count for the residents, or their share of the published count; missing where neither is stated."""
    everyone = people[top].sum()
    columns = []
    for service in standard.services:
        whole = service.expected(everyone)
        columns.append(np.full(len(people), np.nan) if whole is None else whole * people / max(everyone, 1.0))
    return np.column_stack(columns)


def _judges(expected: NDArray[np.float64], parent: NDArray[np.intp], *, least: float) -> NDArray[np.intp]:
    """The unit that decides: itself where enough is expected or nothing is above it, else the one above."""
    judge = np.broadcast_to(np.arange(len(parent))[:, None], expected.shape).copy()
    for _ in UNITS.columns:
        here = np.take_along_axis(expected, judge, axis=0)
        above = parent[judge]
        judge = np.where((here >= least - ROUNDING) | (above < 0), judge, above)
    return judge


def known_by_origin(table: pd.DataFrame, origins: gpd.GeoDataFrame, units: gpd.GeoDataFrame) -> pd.DataFrame:
    """Which services are known where people live.

    Parameters
    ----------
    table : DataFrame
        tables.COMPLETENESS.
    origins : GeoDataFrame
        tables.ORIGINS; homes outside every unit know what every topmost unit knows.
    units : GeoDataFrame
        tables.UNITS.

    Returns
    -------
    DataFrame of bool
        Origins by service, for `coverage`.
    """
    services = pd.Index(table["service"].unique(), name="service")
    known = np.zeros((len(units), len(services)), dtype=bool)
    known[units.index.get_indexer(table["unit"]), services.get_indexer(table["service"])] = table["known"]
    row = units.index.get_indexer(origins["unit"].astype(object))
    outside = known[units["parent"].isna().to_numpy()].all(axis=0)
    at_home = np.where((row >= 0)[:, None], known[row], outside)
    return pd.DataFrame(at_home, index=origins.index, columns=services)


def completeness_summary(table: pd.DataFrame, units: gpd.GeoDataFrame, *, people: pd.Series) -> pd.DataFrame:
    """Completeness service by service, over the whole study: what to look for next.

    Parameters
    ----------
    table : DataFrame
        tables.COMPLETENESS.
    units : GeoDataFrame
        tables.UNITS.
    people : Series of float
        Residents of every unit, from `residents`.

    Returns
    -------
    DataFrame
        Index `service`, in the order of the standard; columns `category`, `found`, `expected` and `share` of the
        topmost units together, `known` (in every unit where anybody lives), `units` (those of the finest tier, where
        anybody lives), `units_unknown` of them, and `people_unknown`: residents of units where the list is too
        incomplete to speak of a gap.
    """
    below = people.groupby(units["parent"]).sum().reindex(units.index, fill_value=0.0)
    own = (people - below).where(people - below > ROUNDING * people.sum(), 0.0)  # who lives in no smaller unit
    finest = ~units.index.isin(units["parent"].dropna()) & (people > 0)
    top = units["parent"].isna()
    rows = table.assign(
        unknown=~table["known"],
        own=own.reindex(table["unit"]).to_numpy(),
        finest=finest.reindex(table["unit"]).to_numpy(),
        top=top.reindex(table["unit"]).to_numpy(),
    )
    by_service = rows.groupby("service", sort=False)
    whole = rows[rows["top"]].groupby("service", sort=False)
    expected = whole["expected"].sum(min_count=1)
    found = whole["found"].sum()
    people_unknown = (rows["own"] * rows["unknown"]).groupby(rows["service"], sort=False).sum()
    nobody = bool(people.sum() <= 0)
    unknown = (
        (rows["unknown"] & rows["top"]).groupby(rows["service"], sort=False).any() if nobody else people_unknown > 0
    )
    return pd.DataFrame(
        {
            "category": by_service["category"].first(),
            "found": found,
            "expected": expected,
            "share": (found / expected.where(expected > 0)).astype(float),
            "known": ~unknown,
            "units": int(finest.sum()),
            "units_unknown": (rows["unknown"] & rows["finest"]).groupby(rows["service"], sort=False).sum(),
            "people_unknown": people_unknown,
        }
    )


def next_lists(summary: pd.DataFrame, *, standard: Standard) -> list[str]:
    """The services whose lists to get next: most people first of whom it cannot be said, then basic services.

    Parameters
    ----------
    summary : DataFrame
        From `completeness_summary`.
    standard : Standard
        States which services are basic.

    Returns
    -------
    list of str
        Keys of the services that are not known everywhere.
    """
    lacking = summary[~summary["known"]]
    basic = [standard.service(key).need == "basic" for key in lacking.index]
    ordered = lacking.assign(basic=basic).sort_values(["people_unknown", "basic"], ascending=False, kind="stable")
    return ordered.index.tolist()


def completeness_text(summary: pd.DataFrame, *, standard: Standard) -> str:
    """The summary as a table for a terminal, and which lists to get next.

    Parameters
    ----------
    summary : DataFrame
        From `completeness_summary`.
    standard : Standard
        The standard that it was made with.

    Returns
    -------
    str
        One line per service, its name in each language that the standard is spoken of in; columns stand under one
        another where a Chinese letter is as wide as two others. The last line names the lists, most people first.
    """
    following = next_lists(summary, standard=standard)
    rank = {key: str(place) for place, key in enumerate(following, start=1)}
    said = [standard.service(key) for key in summary.index]
    unknown = summary["units_unknown"].map("{:,}".format) + " / " + summary["units"].map("{:,}".format)
    labels = Labels.of(standard)
    columns = {
        "found": [f"{one:,}" for one in summary["found"]],
        "expected": ["-" if pd.isna(one) else f"{one:,.1f}" for one in summary["expected"]],
        "share": ["-" if pd.isna(one) else f"{one:.0%}" for one in summary["share"]],
        "known": [labels.joined("check", "is_known" if one else "is_unknown") for one in summary["known"]],
        "units_unknown": unknown.tolist(),
        "next": [rank.get(key, "") for key in summary.index],
    }
    names = zip(labels.languages, labels.said("check", "service"), strict=True)
    padded = [_padded([head, *(one.name_in(language) for one in said)], right=False) for language, head in names]
    padded += [
        _padded([labels.joined("check", head), *cells], right=head in NUMBERS) for head, cells in columns.items()
    ]
    lines = ["  ".join(cells).rstrip() for cells in zip(*padded, strict=True)]
    rule = "  ".join("-" * _columns(cells[0]) for cells in padded)
    return "\n".join([lines[0], rule, *lines[1:], "", _advice(following, standard)])


def _advice(following: list[str], standard: Standard) -> str:
    labels = Labels.of(standard)
    if not following:
        return labels.joined("check", "complete")
    named = [standard.service(key) for key in following[:NAMED]]
    more = f" … ({len(following)})" if len(following) > NAMED else ""
    each = tuple(
        comma.join(one.name_in(language) for one in named)
        for language, comma in zip(labels.languages, labels.said("number", "comma"), strict=True)
    )
    return labels.joined("check", "lists", services=each) + more


def _columns(text: str) -> int:
    """How many columns of a terminal a text takes."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def _padded(texts: list[str], *, right: bool) -> list[str]:
    """Texts of the same width, blank on the left or on the right."""
    blanks = [" " * (max(map(_columns, texts)) - _columns(text)) for text in texts]
    return [blank + text if right else text + blank for text, blank in zip(texts, blanks, strict=True)]
