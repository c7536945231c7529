"""What lies on the ground: buildings, water, parks, rail, and the boundaries of units."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from circle15.errors import Finding, SourceError
from circle15.sources.shapes import LINE_TYPES, POLYGON_TYPES, elements_of, number, only, pick, shapes
from circle15.tables import BUILDINGS, GROUND, TIERS, UNITS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from shapely import MultiPolygon, Polygon

    from circle15.sources.osm import Elements, Relation, Way
    from circle15.tables import StudyArea

    Tags = Mapping[str, str]

DWELLINGS = (
    "residential",
    "apartments",
    "house",
    "detached",
    "semidetached_house",
    "terrace",
    "dormitory",
    "bungalow",
    "cabin",
    "farm",
    "houseboat",
    "static_caravan",
)
OTHER_USES = ("amenity", "office", "tourism", "healthcare", "leisure", "railway", "aerialway", "man_made", "power")
LARGE_SHOPS = ("mall", "department_store", "supermarket")
STOREY_M = 3.0

WATER = {"natural": ("water",), "waterway": ("riverbank", "dock"), "landuse": ("reservoir", "basin"), "water": ()}
PARKS = {"leisure": ("park", "garden"), "landuse": ("grass", "forest", "recreation_ground"), "natural": ("wood",)}
RAILS = {"railway": ("rail", "subway", "light_rail", "monorail")}
SLIVER = 0.01  # a unit is dropped with less of itself, and of the study area, inside the boundary


def read_buildings(source: Elements | Path, area: StudyArea) -> gpd.GeoDataFrame:
    """Footprints of buildings in the extent, and how it is known whether people live in them.

    Evidence is ``tag`` where the building is tagged as a dwelling, ``landuse`` where a plain building=yes stands in
    landuse=residential, ``plain`` where it stands elsewhere, and ``none`` for every other use: also for building=yes
    that is tagged as an amenity, an office, a hotel, a sight or a large shop.

    Parameters
    ----------
    source : Elements or Path
        OSM elements, or a file of them.
    area : StudyArea
        Buildings that touch its extent are kept.

    Returns
    -------
    GeoDataFrame
        `tables.BUILDINGS`; levels from building:levels, else from height / 3 m, else missing.

    Raises
    ------
    SourceError
        When the file cannot be read.
    """
    elements = elements_of(source)
    picked = pick(elements, _is_building, kinds=("way", "relation"))
    outer = {
        f"way/{ref}"
        for one in picked
        if one.startswith("relation/")
        for kind, ref, role in elements.relations[int(one.split("/")[1])].members
        if kind == "way" and role != "inner"
    }
    placed = shapes(elements, {one: tags for one, tags in picked.items() if one not in outer}, crs=area.crs)
    placed = placed[placed.geom_type.isin(("Polygon", "MultiPolygon")) & placed.intersects(area.extent)]
    tags = [picked[one] for one in placed.index]
    homes = shapes(
        elements,
        pick(elements, lambda own: own.get("landuse") == "residential", kinds=("way", "relation")),
        crs=area.crs,
    )
    inside = np.zeros(len(placed), dtype=bool)
    inside[shapely.STRtree(homes.to_numpy()).query(placed.representative_point().to_numpy(), predicate="within")[0]] = (
        True
    )
    levels = [number(own.get("building:levels")) for own in tags]
    heights = np.array([number(own.get("height")) for own in tags], dtype=float)
    frame = gpd.GeoDataFrame(
        {
            "use": pd.Series([own["building"] for own in tags], dtype=object),
            "evidence": pd.Series(
                [_dwelling(own, at_home=bool(yes)) for own, yes in zip(tags, inside, strict=True)], dtype=object
            ),
            "levels": np.where(np.isnan(levels), heights / STOREY_M, levels).astype(float),
            "name": pd.Series([own.get("name") for own in tags], dtype=object),
        },
        geometry=placed.to_numpy(),
        crs=area.crs,
    )
    return _indexed(frame, placed.index, BUILDINGS.index)


def _is_building(tags: Tags) -> bool:
    return tags.get("building", "no") != "no" and tags.get("location") != "underground"


def _dwelling(tags: Tags, *, at_home: bool) -> str:
    if tags["building"] in DWELLINGS:
        return "tag"
    other = any(key in tags for key in OTHER_USES) or tags.get("shop") in LARGE_SHOPS
    if tags["building"] != "yes" or other:
        return "none"
    return "landuse" if at_home else "plain"


def read_ground(source: Elements | Path, area: StudyArea) -> gpd.GeoDataFrame:
    """Water, parks and rail in the extent, clipped to it.

    The sea is not here: OSM has only its coastline.

    Parameters
    ----------
    source : Elements or Path
        OSM elements, or a file of them.
    area : StudyArea
        Its extent clips the shapes.

    Returns
    -------
    GeoDataFrame
        `tables.GROUND` with kinds water, park and rail.

    Raises
    ------
    SourceError
        When the file cannot be read.
    """
    elements = elements_of(source)
    parts = [
        _ground(elements, area, kind=kind, wanted=wanted, types=types)
        for kind, wanted, types in (
            ("water", WATER, POLYGON_TYPES),
            ("park", PARKS, POLYGON_TYPES),
            ("rail", RAILS, LINE_TYPES),
        )
    ]
    frame = gpd.GeoDataFrame(pd.concat(parts), geometry="geometry", crs=area.crs)
    return frame[~frame.index.duplicated()].rename_axis(GROUND.index)


def _ground(
    elements: Elements, area: StudyArea, *, kind: str, wanted: Mapping[str, tuple[str, ...]], types: tuple[int, ...]
) -> gpd.GeoDataFrame:
    """Shapes of one kind that have one of the wanted tags, clipped to the extent."""

    def has(tags: Tags) -> bool:
        return any(key in tags and (not values or tags[key] in values) for key, values in wanted.items())

    placed = shapes(elements, pick(elements, has, kinds=("way", "relation")), crs=area.crs)
    extent = area.extent
    whole = placed.to_numpy()
    cut = np.where(shapely.covers(extent, whole), whole, shapely.intersection(whole, extent))
    cut = only(cut, types)
    there = ~shapely.is_missing(cut)
    return gpd.GeoDataFrame(
        {"kind": pd.Series([kind] * int(there.sum()), index=placed.index[there], dtype=object)},
        geometry=gpd.GeoSeries(cut[there], index=placed.index[there], crs=area.crs),
    )


def read_boundaries(source: Elements | Path, area: StudyArea, *, levels: Mapping[int, str]) -> gpd.GeoDataFrame:
    """Units from the administrative boundaries in OSM, clipped to the boundary of the study.

    A boundary of which less than one per cent lies inside is a neighbour's sliver and is dropped; so is one that
    does not close in the data.

    Parameters
    ----------
    source : Elements or Path
        OSM elements, or a file of them.
    area : StudyArea
        Its boundary clips the units.
    levels : mapping of int to str
        OSM admin_level -> tier, such as ``{6: "district", 8: "subdistrict", 10: "community"}``.

    Returns
    -------
    GeoDataFrame
        `tables.UNITS`, tiers from large to small; ids are the published codes in ref, else the OSM ids. Empty when
        OSM has none.

    Raises
    ------
    SourceError
        When the file cannot be read.
    """
    elements = elements_of(source)
    named = {str(level): tier for level, tier in levels.items()}
    picked = pick(
        elements,
        lambda tags: tags.get("boundary") == "administrative" and tags.get("admin_level") in named,
        kinds=("way", "relation"),
    )
    placed = shapes(elements, picked, crs=area.crs, whole=True)
    whole = placed.to_numpy()
    inside = only(shapely.intersection(whole, area.boundary), POLYGON_TYPES)
    size = np.nan_to_num(shapely.area(inside))
    keep = (size > 0) & ((size >= SLIVER * shapely.area(whole)) | (size >= SLIVER * area.boundary.area))
    keep &= np.isin(shapely.get_type_id(whole), POLYGON_TYPES)
    ids = placed.index[keep]
    tags = [picked[one] for one in ids]
    frame = gpd.GeoDataFrame(
        {
            "name": pd.Series(
                [own.get("name") or own.get("name:zh") or one for own, one in zip(tags, ids, strict=True)], dtype=object
            ),
            "tier": pd.Series([named[own["admin_level"]] for own in tags], dtype=object),
            "population": np.full(len(tags), np.nan),
            "source": pd.Series([f"OSM {one}" for one in ids], dtype=object),
        },
        geometry=inside[keep],
        crs=area.crs,
    )
    codes = pd.Series([_code(own) or one for own, one in zip(tags, ids, strict=True)], dtype=object)
    codes = codes.mask(codes.duplicated(keep=False), pd.Series(ids, dtype=object))
    rank = frame["tier"].map(TIERS.index)
    order = np.lexsort((codes.to_numpy(dtype=str), rank.to_numpy(dtype=int)))
    frame = _indexed(frame, codes, UNITS.index).iloc[order]
    return frame.assign(parent=_parents(frame))[UNITS.names]


def _code(tags: Tags) -> str | None:
    """The published code of a unit: ref, else the first of the tags ref:..."""
    return next(
        (tags[key] for key in ["ref", *sorted(key for key in tags if key.startswith("ref:"))] if tags.get(key)), None
    )


def _parents(units: gpd.GeoDataFrame) -> pd.Series:
    """The unit of the nearest tier above that holds most of each unit; missing at the top."""
    ranks = units["tier"].map(TIERS.index).to_numpy(dtype=int)
    shapes_ = units.geometry.to_numpy()
    parents = pd.Series([None] * len(units), index=units.index, dtype=object)
    for rank in sorted(set(ranks.tolist()))[1:]:
        own = np.flatnonzero(ranks == rank)
        above = np.flatnonzero(ranks == max(ranks[ranks < rank]))
        shared = shapely.area(shapely.intersection(shapes_[own][:, np.newaxis], shapes_[above][np.newaxis, :]))
        best = shared.argmax(axis=1)
        held = shared[np.arange(len(own)), best] > 0
        parents.iloc[own[held]] = units.index.to_numpy()[above[best[held]]]
    return parents


def read_boundary(source: Elements | Path, osm_id: str) -> Polygon | MultiPolygon:
    """One boundary in longitude and latitude.

    Parameters
    ----------
    source : Elements or Path
        OSM elements, or a file of them.
    osm_id : str
        Such as ``relation/4738525`` or ``way/12``.

    Returns
    -------
    Polygon or MultiPolygon
        In WGS-84 degrees.

    Raises
    ------
    SourceError
        When the element is not in the data, or does not close there.
    """
    elements = elements_of(source)
    kind, _, digits = osm_id.partition("/")
    table: Mapping[int, Way | Relation] = {}
    if kind in ("way", "relation"):
        table = elements.ways if kind == "way" else elements.relations
    if not digits.isdecimal() or int(digits) not in table:
        mend = "Name a way or relation that is in the streets file, such as relation/4738525, or give a boundary file"
        raise SourceError(Finding(f"boundary {osm_id}", "there is no such way or relation in the data", mend))
    tags = {**table[int(digits)].tags, "area": "yes"}
    found = shapes(elements, {osm_id: tags}, whole=True)
    if found.empty or found.geom_type.iloc[0] not in ("Polygon", "MultiPolygon"):
        mend = "Take an extract that holds the whole boundary, or give a boundary file"
        raise SourceError(Finding(f"boundary {osm_id}", "only a part of its ways is in the data", mend))
    boundary: Polygon | MultiPolygon = found.iloc[0]
    return boundary


def _indexed(frame: gpd.GeoDataFrame, ids: Iterable[str], name: str) -> gpd.GeoDataFrame:
    """The frame with ids for an index of that name."""
    return frame.set_axis(pd.Index(list(ids), dtype=object, name=name))
