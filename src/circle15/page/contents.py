"""What the page carries: the result of a run as plain values and whole numbers."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from importlib import resources
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from circle15.errors import DataError, Finding
from circle15.page.ground import (
    STREET_CLASSES,
    base,
    by_tier,
    clusters,
    entrances,
    facility_words,
    numbers,
    plain,
    standard_words,
    texts,
    unit_words,
)
from circle15.page.packing import Grid, json_block, lonlat, number_block, outlines
from circle15.page.progress import circles, projects
from circle15.page.squares import PLACES, SIDE_PX, Squares, farthest
from circle15.project.languages import Labels, of_page
from circle15.tables import CAUSES

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

    from circle15.project import Standard
    from circle15.tables import Result

    Whole = NDArray[np.int64]
    Codes = NDArray[np.int8]

MOST_CLUSTERS = 600_000  # that a page carries one by one beside squares: about 8 MB
MOST_ANSWERS = 2_500_000  # clusters times services of which it carries minutes and reasons: about 6 MB
MOST_FACILITIES = 50_000
MOST_CHARACTERS = 11_500_000  # of all data; isochrones fill what is left of it
CHARACTERS_EACH = 0.5  # of a number of an isochrone, packed, at first guess
STATES = ("gap", "unknown", "served")  # in this order "every one" is the least and "any one" the greatest
REASONS = ("", "inventory", "edge", "unplaced")
LISTED = 10  # elements that people depend on, for each category
NO_CHANGE = 9  # stands for a change of grade that cannot be told; the greatest that can is 4
_COUNTS = ("people", "served", "gap", "unknown", "served_lenient", "gap_lenient", "unknown_lenient")


def carried(result: Result, *, standard: Standard) -> dict[str, Any]:
    """How much of a result one page holds, as it says of itself.

    Parameters
    ----------
    result : Result
        What a run computed.
    standard : Standard
        The standard that it was held against.

    Returns
    -------
    dict
        `count`, the number of clusters, and whether the page holds each of the `clusters`, their `answers` service by
        service with what is known of their homes, and the `facilities`.
    """
    count = len(result.origins)
    return {
        "count": count,
        "clusters": count <= MOST_CLUSTERS,
        "answers": count <= MOST_CLUSTERS and count * len(standard.services) <= MOST_ANSWERS,
        "facilities": len(result.facilities) <= MOST_FACILITIES,
    }


def words(standard: Standard) -> dict[str, dict[str, Any]]:
    """Every word that a reader of the page sees, in each language that the standard is spoken of in.

    Examples
    --------
    >>> from circle15.project import Standard
    >>> {code: said["state"]["gap"] for code, said in words(Standard.load("fifteen-minutes")).items()}
    {'en': 'gap'}
    """
    return {code: of_page(said) for code, said in Labels.of(standard).words.items()}


def palette() -> dict[str, dict[str, str]]:
    """The colours of the card, of marks and of the base map.

    Examples
    --------
    >>> sorted(palette()["grades"])
    ['1', '2', '3', '4', '5', 'none', 'unknown']
    """
    return tomllib.loads((resources.files("circle15") / "labels" / "palette.toml").read_text(encoding="utf-8"))


def blocks(result: Result, *, standard: Standard, language: str, more: str = "") -> str:
    """Everything that the page draws and says, as inert elements.

    Parameters
    ----------
    result : Result
        What a run computed.
    standard : Standard
        The standard that it was held against.
    language : str
        The language that the page opens in, one of the standard's.
    more : str
        Further elements, which take room from isochrones.

    Returns
    -------
    str
        Three elements: `study` (plain values), `map` (shapes and coverage) and `isochrones`; and those further ones.

    Raises
    ------
    DataError
        When the result has no `found`.
    """
    held = carried(result, standard=standard)
    if not held["answers"]:  # very many: neighbours beside each other take less room
        nearby = np.argsort(result.origins.geometry.hilbert_distance(), kind="stable")
        result = replace(result, origins=result.origins.iloc[nearby])
    west, south, _, _ = result.area.extent_lonlat.bounds
    grid = Grid(round(west, 5), round(south, 5))
    units = by_tier(result.units)
    degrees = shapely.get_coordinates(lonlat(result.origins.geometry))
    summed, about = _clusters(result, units, degrees, grid, standard=standard, held=held)
    if not held["facilities"]:
        result = replace(result, facilities=result.facilities.iloc[:0])
    offered = result.facilities["service"].isin([service.key for service in standard.services])
    facilities = result.facilities[offered]
    below, left = base(result, units, grid)
    drawn = number_block(
        {
            **below,
            **entrances(facilities, grid),
            **summed,
            **_lists(result, units, standard=standard),
            **_walker_cards(result, units, standard=standard),
        },
        name="map",
    )
    study = {
        **unit_words(units, grid),
        "card": _card(units, result.grades, standard=standard),
        **about,
        "carried": held | {"streets_left": left},
        "walkers": _walkers(result, standard.languages),
        "depended": _depended(result.dependence, standard=standard, grid=grid),
        "survey": _survey(result.survey, units, standard=standard),
        "circles": circles(result.judgement, units, standard=standard),
        "projects": projects(result, units, grid, standard=standard),
        "facts": plain({key: fact for key, fact in result.facts.items() if key != "completeness"}),
        "language": language,
        "grid": [grid.lon, grid.lat],
        "standard": standard_words(standard),
        "facilities": facility_words(facilities, standard=standard),
        "languages": standard.languages,
        "words": words(standard),
        "palette": palette(),
        "street_classes": STREET_CLASSES,
        "minutes": sorted(float(one) for one in result.isochrones["minutes"].unique()),
    }
    said = json_block(study, name="study")
    room = MOST_CHARACTERS - len(said) - len(drawn) - len(more) if held["clusters"] else 0
    return "\n".join((said, drawn, _outlines(result, grid, grid.steps(degrees), room=room), more))


# ---------------------------------------------------------------------------------------------- units and the card


def _card(units: gpd.GeoDataFrame, grades: pd.DataFrame, *, standard: Standard) -> dict[str, Any]:
    """The card as one list per column, unit by unit and category by category."""
    cells = pd.MultiIndex.from_product([units.index, [category.key for category in standard.categories]])
    card = grades.set_index(["unit", "category"]).reindex(cells)
    counts = {name: numbers(card[name], digits=1) for name in (*_COUNTS, "grade", "grade_lenient")}
    return counts | {"flips": numbers(card["flips"], digits=2)}


def _walkers(result: Result, languages: tuple[str, ...]) -> list[dict[str, str]]:
    """The walkers with a card, the study's own first and the level city last; none where only one has a card."""
    facts, own = result.facts, str(result.facts.get("walker_key", ""))
    told = facts.get("walkers", [])
    said = {str(one["key"]): one for one in told if isinstance(one, Mapping)} if isinstance(told, list | tuple) else {}
    found = pd.unique(result.walkers["walker"]).tolist()
    others = [key for key in (*said, *found) if key in set(found) - {own}]
    if not others:
        return []
    ranks = {own: -1, "level": 1}
    label = {own: {one: str(facts.get(f"walker_{one}") or own) for one in languages}}
    return [
        {"key": key} | {one: str(said.get(key, {}).get(one) or label.get(key, {}).get(one) or key) for one in languages}
        for key in sorted(dict.fromkeys((own, *others)), key=lambda key: ranks.get(key, 0))
    ]


def _walker_cards(result: Result, units: gpd.GeoDataFrame, *, standard: Standard) -> dict[str, Whole]:
    """One card per walker of `_walkers` but the first: people in tenths, grades (0: not graded) and their change."""
    packed: dict[str, Whole] = {}
    cells = pd.MultiIndex.from_product([units.index, [category.key for category in standard.categories]])
    for place, walker in enumerate(_walkers(result, standard.languages)[1:], start=1):
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


# -------------------------------------------------------------------------------------------------------- clusters


def _clusters(
    result: Result,
    units: gpd.GeoDataFrame,
    degrees: NDArray[np.float64],
    grid: Grid,
    *,
    standard: Standard,
    held: Mapping[str, Any],
) -> tuple[dict[str, Whole], dict[str, Any]]:
    """Squares, clusters and what is known of them, as far as the page holds them; and how they are to be read."""
    origins = result.origins
    people = origins["population"].to_numpy(dtype=float)
    squares = Squares.of_clusters(
        degrees, people, lowest=farthest(result.area.extent_lonlat.bounds), carried=held["clusters"]
    )
    parts = squares.people_in(people)
    whole = np.rint(people * parts).astype(np.int64)
    evidence, kinds = pd.factorize(origins["evidence"])
    state = _states(result, standard=standard)
    states = {
        reading: category_states(state, standard=standard, lenient=reading == "lenient")
        for reading in ("strict", "lenient")
    }
    kept = slice(None) if held["clusters"] else slice(0)
    packed = squares.sums(whole, states) | clusters(
        origins.iloc[kept], units, grid, degrees=degrees[kept], people=whole[kept]
    )
    packed |= {f"states.{reading}": rows[:, kept].ravel().astype(np.int64) for reading, rows in states.items()}
    if held["answers"]:
        packed |= {
            "coverage.state": state.ravel().astype(np.int64),
            **_answers(result, standard=standard),
            **_step_free(result),
        }
        packed |= _homes(origins) | {"origins.evidence": evidence.astype(np.int64)}
    return packed, {
        "people_in": parts,
        "evidence": [str(one) for one in kinds],
        "squares": {"level": squares.level, "side": SIDE_PX, "places": PLACES, "clusters_from": squares.clusters_from},
    }


def _homes(origins: gpd.GeoDataFrame) -> dict[str, Whole]:
    """Buildings of clusters, and their heights in metres and one more (0: not known)."""
    height = origins["height_m"].to_numpy(dtype=float, na_value=np.nan)
    return {
        "origins.buildings": origins["buildings"].to_numpy(dtype=np.int64),
        "origins.height": np.where(np.isnan(height), 0, np.rint(np.nan_to_num(height)) + 1).astype(np.int64),
    }


def _states(result: Result, *, standard: Standard) -> Codes:
    """The state of every service for every cluster, as places in `STATES`; unknown where nothing is said."""
    state = np.full((len(standard.services), len(result.origins)), STATES.index("unknown"), dtype=np.int8)
    for place, column in _by_service(result, "status", standard=standard):
        for word in ("served", "gap"):
            state[place, (column == word).to_numpy(dtype=bool)] = STATES.index(word)
    return state


def _by_service(result: Result, name: str, *, standard: Standard) -> Iterator[tuple[int, pd.Series]]:
    """The columns of one frame of the coverage, cluster by cluster, each with the place of its service."""
    if result.found is None:
        problem = "it was read back from its tables, which hold no frames of coverage"
        raise DataError(Finding("result", problem, "Make the map from the result of the study itself"))
    frame: pd.DataFrame = getattr(result.found, name)
    if not frame.index.equals(result.origins.index):
        frame = frame.reindex(index=result.origins.index)
    return ((place, frame[one.key]) for place, one in enumerate(standard.services) if one.key in frame.columns)


def category_states(state: Codes, *, standard: Standard, lenient: bool) -> Codes:
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
    return np.array(found, dtype=np.int8).reshape(len(standard.categories), state.shape[1])


def _answers(result: Result, *, standard: Standard) -> dict[str, Whole]:
    """Service by service, cluster by cluster: reason, cause, minutes in tenths (0: none found) and how many in reach.

    Minutes are rounded up, so that what is just beyond its cut-off never reads as within it.
    """
    why, minutes, count = np.zeros((3, len(standard.services), len(result.origins)), dtype=np.int64)
    for place, column in _by_service(result, "why", standard=standard):
        for code, reason in enumerate(REASONS):
            why[place, (column == reason).to_numpy(dtype=bool)] = code
    for place, column in _by_service(result, "seconds", standard=standard):
        seconds = column.to_numpy(dtype=float, na_value=np.nan)
        minutes[place] = np.where(np.isnan(seconds), 0, np.ceil(np.nan_to_num(seconds) / 6 - 1e-6) + 1)
    for place, column in _by_service(result, "opportunities", standard=standard):
        count[place] = np.nan_to_num(column.to_numpy(dtype=float))
    services = pd.Index([service.key for service in standard.services])
    return {
        "coverage.why": why.ravel(),
        "coverage.cause": _causes(result, services).ravel(),
        "coverage.minutes": minutes.ravel(),
        "coverage.count": count.ravel(),
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


def _outlines(result: Result, grid: Grid, places: Whole, *, room: int) -> str:
    """Isochrones in at most so many characters, as far as there is room for any."""
    most = room / CHARACTERS_EACH
    while True:
        block = number_block(_isochrones(result, grid, places, most=most), name="isochrones")
        if len(block) <= room or most < 1:
            return block
        most *= 0.95 * room / len(block)


def _isochrones(result: Result, grid: Grid, places: Whole, *, most: float) -> dict[str, Whole]:
    """Outlines cluster by cluster, the widest first; differences start at the cluster.

    At most so many numbers: those of the clusters where most people live, and of how many clusters none is carried.
    """
    table = result.isochrones
    of = result.origins.index.get_indexer(table["origin"])
    minutes = table["minutes"].to_numpy(dtype=float)
    drawn = _that_fit(table, of, result.origins["population"].to_numpy(dtype=float), most=most)
    order = np.lexsort((-minutes, of))
    order = order[drawn[order]]
    return {
        "isochrones.left": np.array([len(np.unique(of[(of >= 0) & ~drawn]))], dtype=np.int64),
        "isochrones.origin": of[order].astype(np.int64),
        "isochrones.minutes": np.rint(minutes[order] * 10).astype(np.int64),
        "isochrones.street": np.rint(table["street_m"].to_numpy(dtype=float)[order]).astype(np.int64),
        **outlines(table.geometry.iloc[order], grid, name="isochrones", starts=places[of[order]]),
    }


def _that_fit(table: gpd.GeoDataFrame, of: Whole, people: NDArray[np.float64], *, most: float) -> NDArray[np.bool_]:
    """Rows of clusters, from the one with most people, as far as their outlines have at most so many numbers."""
    known = of >= 0
    numbers = np.zeros(len(people))
    np.add.at(numbers, of[known], 2 * shapely.get_num_coordinates(table.geometry.to_numpy())[known])
    first = np.argsort(-people, kind="stable")
    fits = np.zeros(len(people), dtype=bool)
    fits[first] = np.cumsum(numbers[first]) <= most
    found: NDArray[np.bool_] = known.copy()
    found[known] = fits[of[known]]
    return found
