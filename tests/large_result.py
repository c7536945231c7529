"""A made-up province of any number of residence clusters, as a study by tiles leaves it; nothing in it is real."""

from __future__ import annotations

from functools import cache

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS

from circle15 import assessment
from circle15.project import Standard
from circle15.tables import FACILITIES, ORIGINS, TABLES, UNITS, Coverage, Result, StudyArea

CRS_STUDY = CRS("EPSG:32648")
CORNER = np.array([500_000.0, 3_200_000.0])
SQUARE_KM_EACH = 0.12  # ground of a cluster, on average
PER_TOWN = 1500  # clusters
FACILITIES_EACH = 1.5  # of a cluster
MOST_FACILITIES = 70_000
UNKNOWN_OF = "elderly_care"  # whose list ends at a line through the middle


@cache
def large_standard(services: int | None = None) -> Standard:
    """The standard of the embedded study, or the first so many services of each of its categories."""
    whole = Standard.load("yuzhong-15min")
    fewer = [one.model_copy(update={"services": one.services[:services]}) for one in whole.categories]
    views = {"integrated": None, "brands": (), "groups": ()}  # they name services that may be left out
    return Standard.model_validate(whole.model_dump() | views | {"categories": [one.model_dump() for one in fewer]})


@cache
def large_result(clusters: int, *, services: int | None = None) -> Result:
    """Towns in open country: three quarters of all clusters in towns, the rest scattered; made from arrays alone.

    Coverage worsens away from the middle of a town; the list of one category is known in the west only. It is held
    against `large_standard(services)`.
    """
    random = np.random.default_rng(15)
    standard = large_standard(services)
    side = 1000 * np.sqrt(clusters * SQUARE_KM_EACH)
    at, out = _places(clusters, side, random)
    units, unit = _units(at, side)
    origins = gpd.GeoDataFrame(
        {
            "population": random.lognormal(5.5, 0.9, clusters),
            "unit": unit,
            "buildings": random.integers(1, 20, clusters),
            "floor_area_m2": np.nan,
            "height_m": random.normal(300, 60, clusters),
            "span_m": 120.0,
            "evidence": np.where(random.random(clusters) < 0.8, "tag", "plain"),
        },
        geometry=gpd.points_from_xy(*(CORNER + at).T, crs=CRS_STUDY),
        crs=CRS_STUDY,
        index=pd.Index([f"R{one:07d}" for one in range(clusters)], name=ORIGINS.index),
    )[ORIGINS.names]
    found = _found(origins.index, out, at[:, 0] > side / 2, standard, random)
    empty = {name: TABLES[name].empty(CRS_STUDY) for name in ("dependence", "step_free", "isochrones", "streets")}
    empty |= {"ground": TABLES["ground"].empty(CRS_STUDY)}
    plain = ("groups", "housing", "completeness", "survey", "walkers", "terrain", "coverage", "gaps")
    return Result(
        area=StudyArea("合成省", shapely.box(*CORNER, *(CORNER + side)), CRS_STUDY, margin_m=1500),
        units=units,
        origins=origins,
        facilities=_facilities(min(int(FACILITIES_EACH * clusters), MOST_FACILITIES), side, standard, random),
        found=found,
        grades=assessment.grades(found, origins, units, standard=standard),
        **empty,
        **{name: TABLES[name].empty() for name in plain},
        facts={"name": "合成省", "name_en": "Synthetic province", "synthetic": True, "search_minutes": 30.0},
    )


def _places(clusters: int, side: float, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Where clusters are, in metres from the corner, and how far out of town: 0 in the middle, 1 in the country."""
    towns = max(1, clusters // PER_TOWN)
    middle, weight = random.uniform(0.08 * side, 0.92 * side, (towns, 2)), random.pareto(1.2, towns) + 0.3
    of = random.choice(towns, clusters, p=weight / weight.sum())
    spread = 900.0 * np.sqrt(weight)[of][:, None]
    apart = random.normal(0, 1, (clusters, 2))
    at, out = middle[of] + spread * apart, np.minimum(np.hypot(*apart.T) / 3, 1)
    alone = (random.random(clusters) < 0.25) | (at < 0).any(axis=1) | (at > side).any(axis=1)
    at[alone], out[alone] = random.uniform(0, side, (alone.sum(), 2)), 1.0
    return at, out


def _units(at: np.ndarray, side: float) -> tuple[gpd.GeoDataFrame, np.ndarray]:
    """One district of subdistricts of communities, all of them squares; and the community of each cluster."""
    many = int(np.clip(side / 2500, 4, 100)) // 4 * 4
    place = np.minimum((at / (side / many)).astype(int), many - 1)
    name = np.array([f"C{x:03d}{y:03d}" for x, y in np.ndindex(many, many)], dtype=object)
    rows = [("D", "合成省", "district", None, shapely.box(*CORNER, *(CORNER + side)))]
    for tier, prefix, count in (("subdistrict", "S", many // 4), ("community", "C", many)):
        step = side / count
        for x, y in np.ndindex(count, count):
            parent = "D" if prefix == "S" else f"S{x // 4:03d}{y // 4:03d}"
            low = CORNER + step * np.array([x, y])
            word = "街道" if prefix == "S" else "社区"
            rows.append(
                (f"{prefix}{x:03d}{y:03d}", f"合成{word}{x}-{y}", tier, parent, shapely.box(*low, *(low + step)))
            )
    frame = gpd.GeoDataFrame(
        rows, columns=[UNITS.index, "name", "tier", "parent", "geometry"], geometry="geometry", crs=CRS_STUDY
    ).set_index(UNITS.index)
    return frame.assign(population=np.nan, source="made up")[UNITS.names], name[place[:, 0] * many + place[:, 1]]


def _found(
    index: pd.Index, out: np.ndarray, east: np.ndarray, standard: Standard, random: np.random.Generator
) -> Coverage:
    services = standard.services
    keys = pd.Index([service.key for service in services], name="service")
    limit = np.array([60.0 * service.minutes for service in services])
    hard = random.uniform(0.1, 0.6, len(services))
    seconds = limit * (hard + 0.9 * out[:, None] ** 2) * random.uniform(0.6, 1.3, (len(index), len(services)))
    within = seconds <= limit
    lost = ~within & east[:, None] & np.array([service.category == UNKNOWN_OF for service in services])
    status = np.array(["gap", "served", "unknown"], dtype=object)[np.where(lost, 2, within.astype(np.int8))]
    why = np.array(["", "inventory"], dtype=object)[lost.astype(np.int8)]
    count = np.where(within, random.integers(1, 6, within.shape), 0)
    seconds = np.where(seconds <= 1800, seconds, np.nan)
    return Coverage(*(pd.DataFrame(one, index, keys) for one in (seconds, count, status, why)), search_minutes=30.0)


def _facilities(count: int, side: float, standard: Standard, random: np.random.Generator) -> gpd.GeoDataFrame:
    services = standard.services
    which = random.integers(0, len(services), count)
    points = shapely.points(CORNER + random.uniform(0, side, (count, 2)))
    column = {
        name: np.array([getattr(one, name) for one in services], dtype=object)[which] for name in ("category", "tier")
    }
    ids = [f"F{one:07d}" for one in range(count)]
    return gpd.GeoDataFrame(
        {
            **column,
            "place": ids,
            "service": np.array([one.key for one in services], dtype=object)[which],
            "name": None,
            "capacity": np.nan,
            "floor_area_m2": np.nan,
            "source": "made up",
            "verified": False,
            "entrance_from": "point",
        },
        geometry=shapely.multipoints(points, indices=np.arange(count)),
        crs=CRS_STUDY,
        index=pd.Index(ids, name=FACILITIES.index),
    )[FACILITIES.names]
