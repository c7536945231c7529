"""What the change page carries: a comparison of two runs as plain values and whole numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from circle15.page.contents import palette, words
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
    unit_words,
)
from circle15.page.packing import Grid, json_block, lonlat, number_block
from circle15.tables import EVERYBODY, PLACE_TURNS, TURNS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from circle15.project import Standard
    from circle15.tables import Comparison

    Whole = NDArray[np.int64]

MOST_HOMES = 20_000  # that the page draws one by one; it sums none of them over squares
PEOPLE_IN = 1000  # parts of a person that homes are counted in
COUNTS = (  # of tables.CHANGES, unit by unit and service by service
    *("served_before", "unknown_before", "served_after", "unknown_after", "net", "gained", "lost"),
    *("became_known", "became_unknown", "shorter", "longer"),
)


def change_words(standard: Standard) -> dict[str, dict[str, Any]]:
    """Every word that a reader of the change page sees, in each language that the standard is spoken of in."""
    return {code: said | {"page": said["page"] | said["changes_page"]} for code, said in words(standard).items()}


def change_blocks(found: Comparison, *, standard: Standard, language: str) -> str:
    """Everything that the change page draws and says, as inert elements.

    Parameters
    ----------
    found : Comparison
        With the facts of `circle15 compare`.
    standard : Standard
        That of the later run; names services and categories.
    language : str
        The language that the page opens in, one of the standard's.

    Returns
    -------
    str
        Two elements: `study` (plain values) and `map` (shapes and numbers).
    """
    after = found.after
    west, south, _, _ = after.area.extent_lonlat.bounds
    grid = Grid(round(west, 5), round(south, 5))
    units = by_tier(found.units)
    told = after.origins if found.by == "origin" else after.origins.iloc[:0]
    homes = told if len(told) <= MOST_HOMES else told.iloc[:0]
    people = np.rint(homes["population"].to_numpy(dtype=float) * PEOPLE_IN).astype(np.int64)
    degrees = shapely.get_coordinates(lonlat(homes.geometry))
    services = [one.key for one in standard.services]
    facilities, turns = _facilities(found, services)
    below, left = base(after, units, grid)
    drawn = {
        **below,
        **entrances(facilities, grid),
        **clusters(homes, units, grid, degrees=degrees, people=people),
        **_counts(found.changes, units, services),
        **_homes(found.origins, homes.index, services),
        "facilities.turn": turns,
    }
    study = {
        **unit_words(units, grid),
        "carried": {
            "count": len(told),
            "clusters": len(homes) == len(told),
            "answers": True,
            "facilities": True,
            "streets_left": left,
        },
        "people_in": PEOPLE_IN,
        "people": _tenths(units["people_after"]).tolist(),
        "any": {name: _tenths(units[name]).tolist() for name in ("gaining", "losing")},
        "cells": _cells(found.cells, units, standard),
        "by": found.by,
        "compared": [key in set(found.changes["service"]) for key in services],
        "facts": _facts(found, standard.languages),
        "language": language,
        "grid": [grid.lon, grid.lat],
        "standard": standard_words(standard),
        "facilities": facility_words(facilities, standard=standard),
        "languages": standard.languages,
        "words": change_words(standard),
        "palette": palette(),
        "street_classes": STREET_CLASSES,
        "walkers": [],
        "depended": [],
        "projects": [],
        "survey": [],
    }
    return "\n".join((json_block(study, name="study"), number_block(drawn, name="map")))


def _facts(found: Comparison, languages: tuple[str, ...]) -> dict[str, Any]:
    """What the head, the foot and the summary say."""
    facts: dict[str, Any] = dict(found.facts)
    before, after = facts["before"], facts["after"]
    ends = list(dict.fromkeys(str(run["data_date"] or "") for run in (before, after)))
    kept = {name: facts[name] for name in ("gaining", "losing", "people_before", "people_after", "report")}
    kept |= {name: facts[name] for name in ("attribution", "note", "version")}
    said = {
        **kept,
        "name": after["name"],
        **{name: after.get(name) for name in (f"name_{language}" for language in languages)},
        "synthetic": bool(before["synthetic"] or after["synthetic"]),
        "data_date": " → ".join(ends),
        "scenarios": [before["scenario"], after["scenario"]],
        **{name: found.after.facts.get(name) for name in (f"walker_{language}" for language in languages)},
        "units_from": found.after.facts.get("units_from"),
        "findings": len(found.findings),
    }
    told: dict[str, Any] = plain(said)  # type: ignore[assignment]
    return told


def _tenths(values: pd.Series) -> Whole:
    """People in tenths, the rest cut off so that whole numbers are rounded once; what is not told is 0."""
    people = np.nan_to_num(values.to_numpy(dtype=float, na_value=np.nan))
    tenths: Whole = np.trunc(10 * people + np.copysign(1e-6, people)).astype(np.int64)
    return tenths


def _counts(changes: pd.DataFrame, units: gpd.GeoDataFrame, services: list[str]) -> dict[str, Whole]:
    """Everybody first, then unit by unit, service by service of the standard; 0 for services that are not compared."""
    everyone = changes[changes["group"] == EVERYBODY]
    row = np.where(everyone["unit"].isna(), 0, units.index.get_indexer(pd.Index(everyone["unit"])) + 1)
    column = pd.Index(services).get_indexer(pd.Index(everyone["service"]))
    packed = {}
    for name in COUNTS:
        values = np.zeros((len(units) + 1, len(services)), dtype=np.int64)
        values[row, column] = _tenths(everyone[name])
        packed[f"changes.{name}"] = values.ravel()
    return packed


def _homes(table: gpd.GeoDataFrame, homes: pd.Index, services: list[str]) -> dict[str, Whole]:
    """One entry per home and service that changes: which, what becomes of it, minutes in tenths (0: none found)."""
    row = homes.get_indexer(pd.Index(table["origin"]))
    table, row = table[row >= 0], row[row >= 0]
    packed = {
        "turns.origin": row.astype(np.int64),
        "turns.service": pd.Index(services).get_indexer(pd.Index(table["service"])).astype(np.int64),
        "turns.turn": pd.Index(TURNS).get_indexer(pd.Index(table["turn"])).astype(np.int64),
    }
    for when in ("before", "after"):
        minutes = table[f"minutes_{when}"].to_numpy(dtype=float, na_value=np.nan)
        tenths = np.where(np.isnan(minutes), 0, np.ceil(np.nan_to_num(minutes) * 10 - 1e-6) + 1)
        packed[f"turns.{when}"] = tenths.astype(np.int64)
    return packed


def _facilities(found: Comparison, services: list[str]) -> tuple[gpd.GeoDataFrame, Whole]:
    """Facilities after, and those that were closed; 0 where nothing happened, else one more than the place in turns."""
    changed = found.facilities
    now = found.after.facilities
    gone = found.before.facilities.loc[changed.index[changed["turn"] == "closed"]]
    both = pd.concat([part for part in (now, gone) if len(part)] or [now])
    both = both[both["service"].isin(services)]
    turn = pd.Index(PLACE_TURNS).get_indexer(changed["turn"].reindex(both.index).fillna("")) + 1
    return gpd.GeoDataFrame(both, crs=now.crs), np.asarray(turn, dtype=np.int64)


def _cells(cells: pd.DataFrame, units: gpd.GeoDataFrame, standard: Standard) -> dict[str, Any]:
    """The card before and after, unit by unit and category by category; none where it is not graded."""
    keys = pd.MultiIndex.from_product([units.index, [category.key for category in standard.categories]])
    card = cells.set_index(["unit", "category"]).reindex(keys)
    return {name: numbers(card[name]) for name in ("grade_before", "grade_after", "change")}
