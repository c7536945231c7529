"""What lies under every page and is said on it: units, streets, water, facilities, homes, the standard."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from circle15.page.packing import areas, lines, lonlat
from circle15.tables import TIERS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from circle15.page.packing import Grid
    from circle15.project import Standard
    from circle15.tables import Result

    Whole = NDArray[np.int64]

STREET_M = 1.0
GROUND_M = 2.0
STREET_CLASSES = ("tunnel", "path", "street", "major", "bridge", "stairs", "escalator")  # drawn in this order
_MAJOR = ("trunk", "primary", "secondary", "trunk_link", "primary_link", "secondary_link")


def plain(value: object) -> object:
    """A value as JSON has it: what is not a number is missing."""
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if value is None or isinstance(value, bool | int | float) else str(value)


def texts(values: pd.Series) -> list[str]:
    """Text for text; what is missing is empty."""
    return ["" if missing else str(one) for one, missing in zip(values, values.isna(), strict=True)]


def by_tier(units: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Units from the highest tier to the lowest, otherwise as they come."""
    order = units["tier"].map({tier: place for place, tier in enumerate(TIERS)}).to_numpy()
    return units.iloc[np.argsort(order, kind="stable")]


def unit_words(units: gpd.GeoDataFrame, grid: Grid) -> dict[str, Any]:
    """Units in words, where each has room for a label, and the tiers that there are."""
    circles = shapely.maximum_inscribed_circle(units.geometry.to_numpy(), tolerance=20)  # room for a label
    middles = lonlat(gpd.GeoSeries(shapely.get_point(circles, 0), crs=units.crs))
    return {
        "tiers": [tier for tier in TIERS if (units["tier"] == tier).any()],
        "units": {
            "id": units.index.astype(str).tolist(),
            "name": texts(units["name"]),
            "tier": units["tier"].tolist(),
            "parent": units.index.get_indexer(units["parent"].astype(object)).tolist(),
            "at": grid.steps(shapely.get_coordinates(middles)).tolist(),
        },
    }


def base(result: Result, units: gpd.GeoDataFrame, grid: Grid) -> dict[str, Whole]:
    """The boundary, units, the ground and the streets."""
    boundary = gpd.GeoSeries([result.area.boundary], crs=result.area.crs)
    return {
        **areas(lonlat(boundary, simplify_m=GROUND_M), grid, name="boundary"),
        **areas(lonlat(units.geometry, simplify_m=GROUND_M), grid, name="units"),
        **_ground(result.ground, grid),
        **_streets(result.streets, grid),
    }


def standard_words(standard: Standard) -> dict[str, Any]:
    """What a page says of the standard: whose it is, its bands, categories and services."""
    return {
        "title": {"zh": standard.title_zh, "en": standard.title_en},
        "authority": {"zh": standard.authority_zh, "en": standard.authority_en},
        "complete_share": standard.complete_share,
        "grades": [
            {"grade": band.grade, "zh": band.zh, "en": band.en, "coverage": band.coverage, "supply": band.supply}
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


def _ground(ground: gpd.GeoDataFrame, grid: Grid) -> dict[str, Whole]:
    """Water, parks, rail and buildings, as areas and as lines."""
    shapes = lonlat(ground.geometry, simplify_m=GROUND_M)
    kind, flat = ground["kind"].to_numpy(), shapely.get_dimensions(shapes) == 2  # noqa: PLR2004  an area
    arrays: dict[str, Whole] = {}
    for one in ("water", "park", "rail", "building"):
        arrays |= areas(shapes[(kind == one) & flat], grid, name=one)
        arrays |= lines(shapes[(kind == one) & ~flat], grid, name=f"{one}_line")
    return arrays


def street_class(streets: pd.DataFrame) -> NDArray[np.object_]:
    """How a link is drawn; `lift` is a symbol.

    Parameters
    ----------
    streets : DataFrame
        With `kind` and `highway`.

    Returns
    -------
    ndarray of str

    Examples
    --------
    >>> links = pd.DataFrame({"kind": ["street", "lift", "corridor"], "highway": ["primary", None, None]})
    >>> street_class(links).tolist()
    ['major', 'lift', 'path']
    """
    kind = streets["kind"].to_numpy(dtype=object)
    major = (kind == "street") & streets["highway"].isin(_MAJOR).to_numpy()
    minor = np.isin(kind, ("crossing", "corridor"))
    return np.where(major, "major", np.where(minor, "path", kind))


def _streets(streets: gpd.GeoDataFrame, grid: Grid) -> dict[str, Whole]:
    """Every piece once, by class; lifts as points, escalators in their own direction."""
    once = streets[~streets["piece"].duplicated()]
    drawn = street_class(once)
    shapes = lonlat(once.geometry, simplify_m=STREET_M)
    arrays: dict[str, Whole] = {}
    for one in STREET_CLASSES:
        arrays |= lines(shapes[drawn == one], grid, name=f"street_{one}")
    lifts = np.unique(shapely.get_coordinates(shapely.get_point(shapes[drawn == "lift"], 0)), axis=0)
    return arrays | {"lifts": grid.points(lifts)}


def facility_words(facilities: gpd.GeoDataFrame, *, standard: Standard) -> dict[str, Any]:
    """What a page says of each facility, a list for each column."""
    services = pd.Index([service.key for service in standard.services])
    return {
        "name": texts(facilities["name"]),
        "service": services.get_indexer(facilities["service"]).tolist(),
        "verified": facilities["verified"].astype(int).tolist(),
        "source": texts(facilities["source"]),
        "entrance_from": facilities["entrance_from"].tolist(),
    }


def entrances(facilities: gpd.GeoDataFrame, grid: Grid) -> dict[str, Whole]:
    """Where one enters each facility."""
    points, of = shapely.get_coordinates(lonlat(facilities.geometry), return_index=True)
    return {
        "entrances": np.bincount(of, minlength=len(facilities)).astype(np.int64),
        "entrances.xy": grid.points(points),
    }


def clusters(origins: gpd.GeoDataFrame, units: gpd.GeoDataFrame, places: Whole) -> dict[str, Whole]:
    """Where clusters are, and who lives there; people in thousandths, heights in metres and one more (0: not known)."""
    height = origins["height_m"].to_numpy(dtype=float, na_value=np.nan)
    return {
        "origins.xy": np.diff(places, axis=0, prepend=np.zeros((1, 2), np.int64)).ravel(),
        "origins.people": np.rint(origins["population"].to_numpy(dtype=float) * 1000).astype(np.int64),
        "origins.unit": units.index.get_indexer(origins["unit"].astype(object)).astype(np.int64),
        "origins.buildings": origins["buildings"].to_numpy(dtype=np.int64),
        "origins.height": np.where(np.isnan(height), 0, np.rint(np.nan_to_num(height)) + 1).astype(np.int64),
    }
