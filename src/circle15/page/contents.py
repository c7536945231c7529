"""What the page carries: the result of a run as plain values and whole numbers."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from importlib import resources
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from circle15.page import shapes
from circle15.page.packing import Grid, areas, json_block, lonlat, number_block, outlines
from circle15.page.shapes import outline_m
from circle15.page.squares import PLACES, SIDE_PX, Squares, farthest
from circle15.tables import CAUSES, TIERS

if TYPE_CHECKING:
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
    held = carried(result, standard=standard)
    if not held["answers"]:  # very many: neighbours beside each other take less room
        nearby = np.argsort(result.origins.geometry.hilbert_distance(), kind="stable")
        result = replace(result, origins=result.origins.iloc[nearby])
    west, south, _, _ = result.area.extent_lonlat.bounds
    grid = Grid(round(west, 5), round(south, 5))
    units, outline = _by_tier(result.units), outline_m(result.area)
    streets, left = shapes.streets(result.streets, grid)
    degrees = shapely.get_coordinates(lonlat(result.origins.geometry))
    summed, about = _clusters(result, degrees, grid, standard=standard, held=held)
    if not held["facilities"]:
        result = replace(result, facilities=result.facilities.iloc[:0])
    offered = result.facilities["service"].isin([service.key for service in standard.services])
    facilities = result.facilities[offered]
    drawn = number_block(
        {
            **areas(lonlat(_boundary(result), simplify_m=outline), grid, name="boundary"),
            **areas(lonlat(units.geometry, simplify_m=outline), grid, name="units"),
            **shapes.ground(result.ground, grid, simplify_m=outline),
            **streets,
            **_entrances(facilities, grid),
            **summed,
            **_lists(result, units, standard=standard),
            **_walker_cards(result, units, standard=standard),
        },
        name="map",
    )
    study = {
        **_judgement(units, result.grades, standard=standard, grid=grid),
        **about,
        "carried": held | {"streets_left": left},
        "walkers": _walkers(result),
        "depended": _depended(result.dependence, standard=standard, grid=grid),
        "survey": _survey(result.survey, units, standard=standard),
        "facts": _plain({key: fact for key, fact in result.facts.items() if key != "completeness"}),
        "language": language,
        "grid": [grid.lon, grid.lat],
        "standard": _standard(standard),
        "facilities": _facilities(facilities, standard=standard),
        "words": {one: words(one) for one in ("zh", "en")},
        "palette": palette(),
        "street_classes": shapes.STREET_CLASSES,
        "minutes": sorted(float(one) for one in result.isochrones["minutes"].unique()),
    }
    said = json_block(study, name="study")
    room = MOST_CHARACTERS - len(said) - len(drawn) if held["clusters"] else 0
    return "\n".join((said, drawn, _outlines(result, grid, grid.steps(degrees), room=room)))


def _plain(value: object) -> object:
    """A value as JSON has it: what is not a number is missing."""
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if value is None or isinstance(value, bool | int | float) else str(value)


def _numbers(values: pd.Series, *, digits: int) -> list[float | None]:
    """Rounded numbers as JSON has them: what is missing is missing."""
    rounded = values.astype("Float64").round(digits).to_numpy(float, na_value=np.nan).tolist()
    return [one if math.isfinite(one) else None for one in rounded]


def _texts(values: pd.Series) -> list[str]:
    return ["" if missing else str(one) for one, missing in zip(values, values.isna(), strict=True)]


# ---------------------------------------------------------------------------------------------- units and the card


def _by_tier(units: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Units from the highest tier to the lowest, otherwise as they come."""
    order = units["tier"].map({tier: place for place, tier in enumerate(TIERS)}).to_numpy()
    return units.iloc[np.argsort(order, kind="stable")]


def _boundary(result: Result) -> gpd.GeoSeries:
    return gpd.GeoSeries([result.area.boundary], crs=result.area.crs)


def _judgement(units: gpd.GeoDataFrame, grades: pd.DataFrame, *, standard: Standard, grid: Grid) -> dict[str, Any]:
    """Units, and the card as one list per column, unit by unit and category by category."""
    circles = shapely.maximum_inscribed_circle(units.geometry.to_numpy(), tolerance=20)  # room for a label
    middles = lonlat(gpd.GeoSeries(shapely.get_point(circles, 0), crs=units.crs))
    cells = pd.MultiIndex.from_product([units.index, [category.key for category in standard.categories]])
    card = grades.set_index(["unit", "category"]).reindex(cells)
    return {
        "tiers": [tier for tier in TIERS if (units["tier"] == tier).any()],
        "units": {
            "id": units.index.astype(str).tolist(),
            "name": _texts(units["name"]),
            "tier": units["tier"].tolist(),
            "parent": units.index.get_indexer(units["parent"].astype(object)).tolist(),
            "at": grid.steps(shapely.get_coordinates(middles)).tolist(),
        },
        "card": {
            name: _numbers(card[name], digits=2 if name == "flips" else 1)
            for name in (*_COUNTS, "grade", "grade_lenient", "flips")
        },
    }


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
    names = _texts(first["name"])
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


def _standard(standard: Standard) -> dict[str, Any]:
    return {
        "title": {"zh": standard.title_zh, "en": standard.title_en},
        "authority": {"zh": standard.authority_zh, "en": standard.authority_en},
        "complete_share": standard.complete_share,
        "grades": [
            {"grade": band.grade, "zh": band.zh, "en": band.en, "coverage": band.coverage}
            for band in sorted(standard.grades, key=lambda band: -band.grade)
        ],
        "categories": [
            {
                "key": category.key,
                "zh": category.zh,
                "en": category.en,
                "services": [
                    {"key": one.key, "zh": one.zh, "en": one.en, "need": one.need, "minutes": one.minutes}
                    for one in category.services
                ],
            }
            for category in standard.categories
        ],
    }


# ------------------------------------------------------------------------------------------ facilities and clusters


def _facilities(facilities: gpd.GeoDataFrame, *, standard: Standard) -> dict[str, Any]:
    services = pd.Index([service.key for service in standard.services])
    return {
        "name": _texts(facilities["name"]),
        "service": services.get_indexer(facilities["service"]).tolist(),
        "verified": facilities["verified"].astype(int).tolist(),
        "source": _texts(facilities["source"]),
        "entrance_from": facilities["entrance_from"].tolist(),
    }


def _entrances(facilities: gpd.GeoDataFrame, grid: Grid) -> dict[str, Whole]:
    points, of = shapely.get_coordinates(lonlat(facilities.geometry), return_index=True)
    return {
        "entrances": np.bincount(of, minlength=len(facilities)).astype(np.int64),
        "entrances.xy": grid.points(points),
    }


def _clusters(
    result: Result, degrees: NDArray[np.float64], grid: Grid, *, standard: Standard, held: Mapping[str, Any]
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
    packed = squares.sums(whole, states)
    kept = slice(None) if held["clusters"] else slice(0)
    units = _by_tier(result.units).index
    packed |= {
        "origins.xy": grid.points(degrees[kept]),
        "origins.people": whole[kept],
        "origins.unit": units.get_indexer(origins["unit"][kept].astype(object)).astype(np.int64),
    }
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
    for place, column in _by_service(result, result.found.status, standard=standard):
        for word in ("served", "gap"):
            state[place, (column == word).to_numpy(dtype=bool)] = STATES.index(word)
    return state


def _by_service(result: Result, frame: pd.DataFrame, *, standard: Standard) -> Iterator[tuple[int, pd.Series]]:
    """The columns of a frame of `tables.Coverage`, cluster by cluster, each with the place of its service."""
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
    found = result.found
    why, minutes, count = np.zeros((3, len(standard.services), len(result.origins)), dtype=np.int64)
    for place, column in _by_service(result, found.why, standard=standard):
        for code, reason in enumerate(REASONS):
            why[place, (column == reason).to_numpy(dtype=bool)] = code
    for place, column in _by_service(result, found.seconds, standard=standard):
        seconds = column.to_numpy(dtype=float, na_value=np.nan)
        minutes[place] = np.where(np.isnan(seconds), 0, np.ceil(np.nan_to_num(seconds) / 6 - 1e-6) + 1)
    for place, column in _by_service(result, found.opportunities, standard=standard):
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
