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
from circle15.tables import TIERS, street_class

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from circle15.page.packing import Grid
    from circle15.project import Standard
    from circle15.project.languages import Named
    from circle15.tables import Result, StudyArea

    Whole = NDArray[np.int64]

MOST_STREETS = 150_000  # pieces that a page carries
STREET_M = 1.0
GROUND_M = 2.0
FINE = 20_000  # steps across a large area that its outlines are drawn by
STREET_CLASSES = ("tunnel", "path", "street", "major", "bridge", "stairs", "escalator")  # drawn in this order
_FIRST = ("lift", "escalator", "bridge", "stairs", "major", "street", "tunnel", "path")  # carried in this order


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


def numbers(values: pd.Series, *, digits: int = 0) -> list[float | None]:
    """Rounded numbers as JSON has them: what is missing is missing."""
    rounded = values.astype("Float64").round(digits).to_numpy(float, na_value=np.nan).tolist()
    return [one if math.isfinite(one) else None for one in rounded]


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


def base(result: Result, units: gpd.GeoDataFrame, grid: Grid) -> tuple[dict[str, Whole], list[str]]:
    """The boundary, units, the ground and the streets; and classes of streets that are left out."""
    boundary, outline = gpd.GeoSeries([result.area.boundary], crs=result.area.crs), outline_m(result.area)
    drawn, left = streets(result.streets, grid)
    return {
        **areas(lonlat(boundary, simplify_m=outline), grid, name="boundary"),
        **areas(lonlat(units.geometry, simplify_m=outline), grid, name="units"),
        **_ground(result.ground, grid, simplify_m=outline),
        **drawn,
    }, left


def outline_m(area: StudyArea) -> float:
    """How far a drawn outline may lie from the true one, in metres.

    Examples
    --------
    >>> from circle15.tables import StudyArea
    >>> [outline_m(StudyArea("", shapely.box(0, 0, side, side), None)) for side in (5_000, 100_000)]
    [2.0, 5.0]
    """
    west, south, east, north = area.boundary.bounds
    return max(GROUND_M, (east - west) / FINE, (north - south) / FINE)


def standard_words(standard: Standard) -> dict[str, Any]:
    """What a page says of the standard: whose it is, its bands, categories and services, in each language."""
    spoken = standard.languages

    def names(one: Named) -> dict[str, str]:
        return {language: one.name_in(language) for language in spoken}

    return {
        "title": dict(zip(spoken, standard.spoken(standard.title), strict=True)),
        "authority": dict(zip(spoken, standard.spoken(standard.authority), strict=True)),
        "complete_share": standard.complete_share,
        "grades": [
            {"grade": band.grade, **names(band), "coverage": band.coverage, "supply": band.supply}
            for band in sorted(standard.grades, key=lambda band: -band.grade)
        ],
        "categories": [
            {
                "key": category.key,
                **names(category),
                "services": [
                    {"key": one.key, **names(one), "need": one.need, "minutes": one.minutes}
                    for one in category.services
                ],
            }
            for category in standard.categories
        ],
    }


def _ground(ground: gpd.GeoDataFrame, grid: Grid, *, simplify_m: float) -> dict[str, Whole]:
    """Water, parks, rail and buildings, as areas and as lines."""
    shapes = lonlat(ground.geometry, simplify_m=simplify_m)
    kind, flat = ground["kind"].to_numpy(), shapely.get_dimensions(shapes) == 2  # noqa: PLR2004  an area
    arrays: dict[str, Whole] = {}
    for one in ("water", "park", "rail", "building"):
        arrays |= areas(shapes[(kind == one) & flat], grid, name=one)
        arrays |= lines(shapes[(kind == one) & ~flat], grid, name=f"{one}_line")
    return arrays


def streets(table: gpd.GeoDataFrame, grid: Grid) -> tuple[dict[str, Whole], list[str]]:
    """Every piece once, by class; lifts as points, escalators in their own direction.

    Where there are too many pieces for a page, classes that say least of a mountain city are left out.

    Parameters
    ----------
    table : GeoDataFrame
        tables.STREETS.
    grid : Grid
        Where steps are counted from.

    Returns
    -------
    arrays : dict of str to ndarray of int
        All classes; those that are left out hold nothing.
    left : list of str
        Classes that are left out although there are some.
    """
    once = table[~table["piece"].duplicated()]
    drawn = street_class(once)
    count = np.array([(drawn == one).sum() for one in _FIRST])
    too_many = np.cumsum(count) > MOST_STREETS
    left = [one for one, many, some in zip(_FIRST, too_many, count, strict=True) if many and some]
    kept = ~np.isin(drawn, left)
    once, drawn = once[kept], drawn[kept]
    shapes = lonlat(once.geometry, simplify_m=STREET_M)
    arrays: dict[str, Whole] = {}
    for one in STREET_CLASSES:
        arrays |= lines(shapes[drawn == one], grid, name=f"street_{one}")
    lifts = np.unique(shapely.get_coordinates(shapely.get_point(shapes[drawn == "lift"], 0)), axis=0)
    return arrays | {"lifts": grid.points(lifts)}, left


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


def clusters(
    origins: gpd.GeoDataFrame, units: gpd.GeoDataFrame, grid: Grid, *, degrees: NDArray[np.float64], people: Whole
) -> dict[str, Whole]:
    """Where clusters are, in degrees, how many people live there, in parts of a person, and in which unit."""
    return {
        "origins.xy": grid.points(degrees),
        "origins.people": people,
        "origins.unit": units.index.get_indexer(origins["unit"].astype(object)).astype(np.int64),
    }
