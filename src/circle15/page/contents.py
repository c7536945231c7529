"""What the page carries: the result of a run as plain values and whole numbers."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from importlib import resources
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from circle15.page.ground import (
    STREET_CLASSES,
    base,
    by_tier,
    clusters,
    entrances,
    facility_words,
    plain,
    standard_words,
    texts,
    unit_words,
)
from circle15.page.packing import Grid, json_block, lonlat, number_block, outlines
from circle15.tables import CAUSES

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

    from circle15.project import Standard
    from circle15.tables import Result

    Whole = NDArray[np.int64]

MOST_CLUSTERS = 20_000  # beyond it a page would take seconds to open; it shows units only then
STATES = ("gap", "unknown", "served")  # in this order "every one" is the least and "any one" the greatest
REASONS = ("", "inventory", "edge", "unplaced")
LISTED = 10  # elements that people depend on, for each category
NO_CHANGE = 9  # stands for a change of grade that cannot be told; the greatest that can is 4
_COUNTS = ("people", "served", "gap", "unknown", "served_lenient", "gap_lenient", "unknown_lenient")


def carried(result: Result) -> Result:
    """The result as far as one page can carry it: units only, by the card, where there are too many clusters."""
    if len(result.origins) <= MOST_CLUSTERS:
        return result
    by_cluster = ("origins", "facilities", "coverage", "gaps", "step_free", "isochrones")
    return replace(result, **{name: getattr(result, name).iloc[:0] for name in by_cluster})


def words(language: str) -> dict[str, Any]:
    """Every word of one language that a reader sees.

    Parameters
    ----------
    language : {"zh", "en"}
        Chinese or English.

    Returns
    -------
    dict

    Examples
    --------
    >>> words("zh")["state"]["gap"], words("en")["state"]["gap"]
    ('缺口', 'gap')
    """
    return _labels(f"{language}.toml")


def palette() -> dict[str, dict[str, str]]:
    """The colours of the card, of marks and of the base map.

    Examples
    --------
    >>> sorted(palette()["grades"])
    ['1', '2', '3', '4', '5', 'none', 'unknown']
    """
    return _labels("palette.toml")


def _labels(file: str) -> dict[str, Any]:
    return tomllib.loads((resources.files("circle15") / "labels" / file).read_text(encoding="utf-8"))


def blocks(result: Result, *, standard: Standard, language: str) -> str:
    """Everything that the page draws and says, as inert elements.

    Parameters
    ----------
    result : Result
        What a run computed.
    standard : Standard
        The standard that it was held against.
    language : {"zh", "en"}
        The language that the page opens in.

    Returns
    -------
    str
        Three elements: `study` (plain values), `map` (shapes and coverage) and `isochrones`.
    """
    west, south, _, _ = result.area.extent_lonlat.bounds
    grid = Grid(round(west, 5), round(south, 5))
    units = by_tier(result.units)
    offered = result.facilities["service"].isin([service.key for service in standard.services])
    facilities = result.facilities[offered]
    places = grid.steps(shapely.get_coordinates(lonlat(result.origins.geometry)))
    drawn = {
        **base(result, units, grid),
        **entrances(facilities, grid),
        **clusters(result.origins, units, places),
        **_coverage(result, standard=standard),
        **_step_free(result),
        **_lists(result, units, standard=standard),
        **_walker_cards(result, units, standard=standard),
    }
    study = {
        **unit_words(units, grid),
        "card": _card(units, result.grades, standard=standard),
        "walkers": _walkers(result),
        "depended": _depended(result.dependence, standard=standard, grid=grid),
        "survey": _survey(result.survey, units, standard=standard),
        "facts": plain({key: fact for key, fact in result.facts.items() if key != "completeness"}),
        "language": language,
        "grid": [grid.lon, grid.lat],
        "standard": standard_words(standard),
        "facilities": facility_words(facilities, standard=standard),
        "origins": {"id": result.origins.index.astype(str).tolist(), "evidence": result.origins["evidence"].tolist()},
        "words": {one: words(one) for one in ("zh", "en")},
        "palette": palette(),
        "street_classes": STREET_CLASSES,
        "minutes": sorted(float(one) for one in result.isochrones["minutes"].unique()),
    }
    return "\n".join(
        (
            json_block(study, name="study"),
            number_block(drawn, name="map"),
            number_block(_isochrones(result, grid, places), name="isochrones"),
        )
    )


# ---------------------------------------------------------------------------------------------- units and the card


def _card(units: gpd.GeoDataFrame, grades: pd.DataFrame, *, standard: Standard) -> dict[str, Any]:
    """The card as one list per column, unit by unit and category by category."""
    cells = pd.MultiIndex.from_product([units.index, [category.key for category in standard.categories]])
    card = grades.set_index(["unit", "category"]).reindex(cells)
    return {
        name: plain(card[name].astype("Float64").round(1).to_numpy(float, na_value=np.nan).tolist())
        for name in (*_COUNTS, "grade", "grade_lenient")
    } | {"flips": plain(card["flips"].astype("Float64").round(2).to_numpy(float, na_value=np.nan).tolist())}


def _walkers(result: Result) -> list[dict[str, str]]:
    """The walkers with a card, the study's own first and the level city last; none where only one has a card."""
    facts, own = result.facts, str(result.facts.get("walker_key", ""))
    told = facts.get("walkers", [])
    said = {str(one["key"]): one for one in told if isinstance(one, Mapping)} if isinstance(told, list | tuple) else {}
    found = pd.unique(result.walkers["walker"]).tolist()
    others = [key for key in (*said, *found) if key in set(found) - {own}]
    if not others:
        return []
    ranks = {own: -1, "level": 1}
    label = {own: {one: str(facts.get(f"walker_{one}") or own) for one in ("zh", "en")}}
    return [
        {"key": key}
        | {one: str(said.get(key, {}).get(one) or label.get(key, {}).get(one) or key) for one in ("zh", "en")}
        for key in sorted(dict.fromkeys((own, *others)), key=lambda key: ranks.get(key, 0))
    ]


def _walker_cards(result: Result, units: gpd.GeoDataFrame, *, standard: Standard) -> dict[str, Whole]:
    """One card per walker of `_walkers` but the first: people in tenths, grades (0: not graded) and their change."""
    packed: dict[str, Whole] = {}
    cells = pd.MultiIndex.from_product([units.index, [category.key for category in standard.categories]])
    for place, walker in enumerate(_walkers(result)[1:], start=1):
        rows = result.walkers[result.walkers["walker"] == walker["key"]]
        card = rows.set_index(["unit", "category"]).reindex(cells)
        for name in ("served", "gap", "unknown"):
            tenths = np.rint(10 * np.nan_to_num(card[name].to_numpy(dtype=float)))
            packed[f"walker{place}.{name}"] = tenths.astype(np.int64)
        for name, missing in (("grade", 0), ("change", NO_CHANGE)):
            whole = card[name].astype("Int64").fillna(missing)
            packed[f"walker{place}.{name}"] = np.asarray(whole, dtype=np.int64)
    return packed


def _depended(table: gpd.GeoDataFrame, *, standard: Standard, grid: Grid) -> list[dict[str, Any]]:
    """Elements that people depend on, those alone that some list shows: the first ten of a category, or of all."""
    keys = [service.key for service in standard.services]
    rows = table[table["service"].isin(keys)]
    category = rows["service"].map({service.key: service.category for service in standard.services})
    shown: set[str] = set()
    for some in (rows, *(part for _, part in rows.groupby(category))):
        people = some.groupby("osm_id")["people"].sum().sort_index()
        shown |= set(people.sort_values(ascending=False, kind="stable").index[:LISTED])
    first = rows[rows["osm_id"].isin(shown)].drop_duplicates("osm_id").sort_values("osm_id")
    at = grid.steps(shapely.get_coordinates(lonlat(first.geometry))).tolist()
    names = texts(first["name"])
    loses = dict(iter(rows.groupby("osm_id")))
    return [
        {
            "id": str(key),
            "kind": kind,
            "name": name,
            "at": place,
            "services": [keys.index(one) for one in loses[key]["service"]],
            "people": [round(float(one), 1) for one in loses[key]["people"]],
            "origins": [int(one) for one in loses[key]["origins"]],
        }
        for key, kind, name, place in zip(first["osm_id"], first["kind"], names, at, strict=True)
    ]


# ------------------------------------------------------------------------------------------ facilities and clusters


def category_states(state: Whole, *, standard: Standard, lenient: bool) -> Whole:
    """The state of every category for every cluster, from the states of its services.

    Strict: the worst of the services that are asked. Lenient: the best of them.

    Parameters
    ----------
    state : ndarray, shape (services, origins)
        Places in `STATES`.
    standard : Standard
        States the services of each category.
    lenient : bool
        Which of the two readings.

    Returns
    -------
    ndarray, shape (categories, origins)
    """
    row = {service.key: place for place, service in enumerate(standard.services)}
    found = []
    for category in standard.categories:
        asked = state[[row[key] for key in category.asked(lenient=lenient)]]
        found.append(asked.max(axis=0) if lenient else asked.min(axis=0))
    return np.array(found, dtype=np.int64).reshape(len(standard.categories), state.shape[1])


def _coverage(result: Result, *, standard: Standard) -> dict[str, Whole]:
    """Service by service, cluster by cluster: state, reason, minutes in tenths (0: none found) and how many in reach.

    Minutes are rounded up, so that what is just beyond its cut-off never reads as within it.
    """
    table = result.coverage
    services, origins = pd.Index([service.key for service in standard.services]), result.origins.index
    row, column = (
        index.get_indexer(pd.Index(table[name])) for index, name in ((services, "service"), (origins, "origin"))
    )
    said = (row >= 0) & (column >= 0)
    at = (row[said], column[said])
    shape = (len(services), len(result.origins))
    state, why = np.full(shape, STATES.index("unknown")), np.zeros(shape, dtype=np.int64)
    tenths, count = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    minutes = table["minutes"].to_numpy(dtype=float, na_value=np.nan)[said]
    state[at] = pd.Index(STATES).get_indexer(pd.Index(table["status"]))[said]
    why[at] = pd.Index(REASONS).get_indexer(pd.Index(table["why"]))[said]
    tenths[at] = np.where(np.isnan(minutes), 0, np.ceil(np.nan_to_num(minutes) * 10 - 1e-6) + 1)
    count[at] = table["opportunities"].to_numpy(dtype=np.int64)[said]
    return {
        "coverage.state": state.ravel(),
        "coverage.why": why.ravel(),
        "coverage.cause": _causes(result, services).ravel(),
        "coverage.minutes": tenths.ravel(),
        "coverage.count": count.ravel(),
        "states.strict": category_states(state, standard=standard, lenient=False).ravel(),
        "states.lenient": category_states(state, standard=standard, lenient=True).ravel(),
    }


def _causes(result: Result, services: pd.Index) -> Whole:
    """Why each gap is one, as places in `CAUSES`, service by service and cluster by cluster."""
    cause = np.zeros((len(services), len(result.origins)), dtype=np.int64)
    row = services.get_indexer(pd.Index(result.gaps["service"]))
    column = result.origins.index.get_indexer(pd.Index(result.gaps["origin"]))
    said = (row >= 0) & (column >= 0)
    cause[row[said], column[said]] = pd.Index(CAUSES).get_indexer(pd.Index(result.gaps["cause"]))[said]
    return cause


def _step_free(result: Result) -> dict[str, Whole]:
    """Cluster by cluster: ratio in hundredths (0: not known), no way at all, services reached, and without steps."""
    table = result.step_free
    if table.empty:
        return {}
    column: Whole = result.origins.index.get_indexer(table.index).astype(np.int64)
    table, column = table[column >= 0], column[column >= 0]
    hundredths = np.rint(100 * table["ratio"].to_numpy(dtype=float, na_value=np.nan))
    columns = {name: table[name].to_numpy(dtype=np.int64) for name in ("no_way", "reached", "reached_step_free")}
    columns["ratio"] = np.where(np.isfinite(hundredths), hundredths, 0).astype(np.int64)
    packed = {f"step_free.{name}": np.zeros(len(result.origins), dtype=np.int64) for name in columns}
    for name, values in columns.items():
        packed[f"step_free.{name}"][column] = values
    return packed


def _lists(result: Result, units: gpd.GeoDataFrame, *, standard: Standard) -> dict[str, Whole]:
    """Unit by unit, service by service: how many are found, how many expected, whether it is known and who says so.

    Expected in tenths and one more (0: the standard states none); the judge as its place among the units and one more
    (0: an inventory lists every one).
    """
    table = result.completeness
    if table.empty:
        return {}
    services = pd.Index([service.key for service in standard.services])
    row, column = units.index.get_indexer(pd.Index(table["unit"])), services.get_indexer(pd.Index(table["service"]))
    said = (row >= 0) & (column >= 0)
    tenths = 10 * table["expected"].to_numpy(dtype=float, na_value=np.nan)
    values = {
        "found": table["found"].to_numpy(dtype=np.int64),
        "expected": np.where(np.isnan(tenths), 0, np.rint(np.nan_to_num(tenths)) + 1).astype(np.int64),
        "known": table["known"].to_numpy(dtype=np.int64),
        "judge": units.index.get_indexer(pd.Index(table["judged_by"])).astype(np.int64) + 1,
    }
    packed = {}
    for name, value in values.items():
        whole = np.zeros((len(units), len(services)), dtype=np.int64)
        whole[row[said], column[said]] = value[said]
        packed[f"lists.{name}"] = whole.ravel()
    return packed


def _survey(table: pd.DataFrame, units: gpd.GeoDataFrame, *, standard: Standard) -> list[list[object]]:
    """Every cell that residents were asked about: unit, category, answers, mean, satisfaction."""
    row = units.index.get_indexer(pd.Index(table["unit"]))
    column = pd.Index([category.key for category in standard.categories]).get_indexer(pd.Index(table["category"]))
    answers, mean, share = (table[name].to_numpy(dtype=float) for name in ("answers", "mean", "satisfaction"))
    return [
        [int(row[at]), int(column[at]), int(answers[at]), round(float(mean[at]), 2), round(float(share[at]), 3)]
        for at in np.flatnonzero((row >= 0) & (column >= 0))
    ]


def _isochrones(result: Result, grid: Grid, places: Whole) -> dict[str, Whole]:
    """Outlines cluster by cluster, the widest first; differences start at the cluster."""
    table = result.isochrones
    of = result.origins.index.get_indexer(table["origin"])
    minutes = table["minutes"].to_numpy(dtype=float)
    order = np.lexsort((-minutes, of))
    order = order[of[order] >= 0]
    return {
        "isochrones.origin": of[order].astype(np.int64),
        "isochrones.minutes": np.rint(minutes[order] * 10).astype(np.int64),
        "isochrones.street": np.rint(table["street_m"].to_numpy(dtype=float)[order]).astype(np.int64),
        **outlines(table.geometry.iloc[order], grid, name="isochrones", starts=places[of[order]]),
    }
