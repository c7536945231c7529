"""The shapes of OSM elements: points, lines and assembled areas, in bulk."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import shapely

from circle15.sources.osm import Elements, read_osm

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray
    from pyproj import CRS
    from shapely.geometry.base import BaseGeometry

    from circle15.sources.osm import Relation, Way

    Tags = Mapping[str, str]

WGS84 = "EPSG:4326"
RING_NODES = 4  # a closed way needs as many, the first node counted twice
AREA_RELATIONS = ("multipolygon", "boundary")
RING_KEYS = ("highway", "barrier", "railway", "aerialway")
AREA_KEYS = ("amenity", "building", "healthcare", "landuse", "leisure", "natural", "place", "public_transport", "shop")
POLYGON_TYPES = (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON)
LINE_TYPES = (shapely.GeometryType.LINESTRING, shapely.GeometryType.MULTILINESTRING)


def elements_of(source: Elements | Path) -> Elements:
    """Elements as they are, or read from a file."""
    return read_osm(source) if isinstance(source, Path) else source


def pick(
    elements: Elements, wanted: Callable[[Tags], bool], *, kinds: tuple[str, ...] = ("node", "way", "relation")
) -> dict[str, Tags]:
    """The tags of the elements that `wanted` says yes to.

    Parameters
    ----------
    elements : Elements
        As read.
    wanted : callable
        Tags -> whether the element is wanted.
    kinds : tuple of str
        Kinds of element to look at.

    Returns
    -------
    dict
        Id such as ``way/421605016`` -> tags; nodes, ways, relations, each in the order of their ids.
    """
    found: dict[str, Tags] = {}
    if "node" in kinds:
        found |= {f"node/{key}": tags for key, tags in sorted(elements.node_tags.items()) if wanted(tags)}
    tables: list[tuple[str, Mapping[int, Way | Relation]]] = [("way", elements.ways), ("relation", elements.relations)]
    for kind, table in tables:
        if kind in kinds:
            found |= {f"{kind}/{key}": one.tags for key, one in sorted(table.items()) if one.tags and wanted(one.tags)}
    return found


def shapes(
    elements: Elements, picked: Mapping[str, Tags], *, crs: CRS | str = WGS84, whole: bool = False
) -> gpd.GeoSeries:
    """The shapes of picked elements: nodes are points, closed ways and multipolygons areas, other ways lines.

    Relations are assembled from the lines of their ways by the even-odd rule, so that wrong roles do no harm. Where
    the data hold a relation only in part, the rings that close are kept. Areas that are not valid are mended.

    Parameters
    ----------
    elements : Elements
        As read.
    picked : mapping
        Id -> tags, as from `pick`.
    crs : CRS or str
        The CRS wanted.
    whole : bool
        Drop relations that are not whole in the data, as is right for boundaries: one closed islet is no country.

    Returns
    -------
    GeoSeries
        Index: the ids that have a shape, in the order of `picked`.
    """
    ids = list(picked)
    kinds = np.array([one.split("/")[0] for one in ids], dtype=object)
    numbers = np.array([int(one.split("/")[1]) for one in ids], dtype=np.int64)
    found = np.full(len(ids), None, dtype=object)
    at = np.flatnonzero(kinds == "node")
    found[at] = _points(elements, numbers[at])
    at = np.flatnonzero(kinds == "way")
    closed = np.array([_is_area(picked[ids[row]]) for row in at], dtype=bool)
    found[at] = _ways(elements, numbers[at], as_area=closed)
    at = np.flatnonzero(kinds == "relation")
    found[at] = _relations(elements, numbers[at], whole=whole)
    there = ~(shapely.is_missing(found) | shapely.is_empty(found))
    index = [one for one, kept in zip(ids, there, strict=True) if kept]
    return gpd.GeoSeries(found[there], index=index, crs=WGS84).to_crs(crs)


def _relations(elements: Elements, numbers: NDArray[np.int64], *, whole: bool) -> NDArray[np.object_]:
    """The areas of relations; None for those that do not close."""
    members = [_ring_ways(elements.relations[int(one)]) for one in numbers]
    there = [[(ref, role) for ref, role in own if ref in elements.ways] for own in members]
    used = np.array([ref for own in there for ref, _ in own], dtype=np.int64)
    lines = _ways(elements, used, as_area=np.zeros(len(used), dtype=bool))
    found = np.full(len(numbers), None, dtype=object)
    for row, own in enumerate(np.split(lines, np.cumsum([len(one) for one in there]))[: len(numbers)]):
        if len(there[row]) == len(members[row]) and _closes(elements, there[row]):
            found[row] = _built(own)
        elif not whole:  # rings that close count, but an island in a river that is cut off is no river
            inner = np.array([role == "inner" for _, role in there[row]], dtype=bool)
            outer, holes = _built(own[~inner]), _built(own[inner])
            found[row] = outer if holes is None or outer is None else outer.difference(holes)
    return mended(found)


def _ring_ways(relation: Relation) -> list[tuple[int, str]]:
    """The ways, each with its role, that make the rings of a relation; none where it is no area."""
    is_area = relation.tags.get("type") in AREA_RELATIONS
    return [(ref, role) for kind, ref, role in relation.members if kind == "way"] if is_area else []


def _closes(elements: Elements, ways: list[tuple[int, str]]) -> bool:
    """Whether no end of the ways is left loose."""
    ends = [int(elements.ways[ref].nodes[at]) for ref, _ in ways for at in (0, -1) if len(elements.ways[ref].nodes)]
    return all(count % 2 == 0 for count in Counter(ends).values())


def _built(lines: NDArray[np.object_]) -> BaseGeometry | None:
    """The area that lines enclose, by the even-odd rule; loose lines enclose nothing."""
    there = [line for line in lines if line is not None]
    if not there:
        return None
    area: BaseGeometry = shapely.build_area(shapely.MultiLineString(there))
    return area


def mended(areas: NDArray[np.object_]) -> NDArray[np.object_]:
    """Valid areas; only polygons are kept of what mending leaves, None where nothing is."""
    bad = ~shapely.is_valid(areas) & ~shapely.is_missing(areas)
    result = areas.copy()
    result[bad] = shapely.make_valid(areas[bad])
    return only(result, POLYGON_TYPES)


def only(geometries: NDArray[np.object_], types: tuple[int, ...]) -> NDArray[np.object_]:
    """The parts of those types of each geometry; None where there are none."""
    result = geometries.copy()
    mixed = np.flatnonzero(shapely.get_type_id(geometries) == shapely.GeometryType.GEOMETRYCOLLECTION)
    for row in mixed:
        parts = shapely.get_parts(shapely.get_parts(geometries[row]))
        kept = parts[np.isin(shapely.get_type_id(parts), types)]
        result[row] = shapely.union_all(kept) if len(kept) else None
    other = ~np.isin(shapely.get_type_id(result), types) | shapely.is_empty(result)
    result[other] = None
    return result


def outlines(areas: NDArray[np.object_]) -> NDArray[np.object_]:
    """The outer rings of areas, holes left out; lines stay as they are."""
    parts, owner = shapely.get_parts(areas, return_index=True)
    rings = parts.copy()
    polygons = shapely.get_type_id(parts) == shapely.GeometryType.POLYGON
    rings[polygons] = shapely.get_exterior_ring(parts[polygons])
    found = np.full(len(areas), None, dtype=object)
    shapely.multilinestrings(rings, indices=owner, out=found)
    return found


def number(text: str | None) -> float:
    """The largest number in a tag such as ``3;4`` or ``12 m``; NaN where there is none or feet are meant.

    Examples
    --------
    >>> number("3;4"), number("12.5 m"), number("40'"), number(None)
    (4.0, 12.5, nan, nan)
    """
    if text is None or "'" in text or "ft" in text:
        return float("nan")
    numbers = []
    for part in text.replace(",", ".").split(";"):
        try:
            numbers.append(float(part.strip().removesuffix("m").strip()))
        except ValueError:
            continue
    return max((one for one in numbers if np.isfinite(one) and one >= 0), default=float("nan"))


def _points(elements: Elements, numbers: NDArray[np.int64]) -> NDArray[np.object_]:
    at = elements.index(numbers)
    found = np.full(len(numbers), None, dtype=object)
    found[at >= 0] = shapely.points(elements.lonlat[at[at >= 0]])
    return found


def _ways(elements: Elements, numbers: NDArray[np.int64], *, as_area: NDArray[np.bool_]) -> NDArray[np.object_]:
    """Ways as lines, or as areas where asked and closed; None where too few of the nodes are in the data."""
    found = np.full(len(numbers), None, dtype=object)
    if not len(numbers):
        return found
    nodes = [elements.ways[int(one)].nodes for one in numbers]
    owner = np.repeat(np.arange(len(nodes)), [len(one) for one in nodes])
    at = elements.index(np.concatenate(nodes))
    whole = np.ones(len(nodes), dtype=bool)
    whole[owner[at < 0]] = False
    owner, at = owner[at >= 0], at[at >= 0]
    count = np.bincount(owner, minlength=len(nodes))
    ring = np.array([len(one) >= RING_NODES and one[0] == one[-1] for one in nodes]) & whole & as_area
    line = ~ring & (count > 1)
    for chosen, make in ((line, shapely.linestrings), (ring, shapely.linearrings)):
        rows = np.flatnonzero(chosen)
        mine = chosen[owner]
        if len(rows):
            found[rows] = make(elements.lonlat[at[mine]], indices=np.searchsorted(rows, owner[mine]))
    found[ring] = mended(np.asarray(shapely.polygons(found[ring]), dtype=object))
    return found


def _is_area(tags: Tags) -> bool:
    """Whether a closed way is an area: streets, walls and rails go round in rings, unless another tag says area."""
    if tags.get("area") in ("yes", "no"):
        return tags["area"] == "yes"
    return not any(key in tags for key in RING_KEYS) or any(key in tags for key in AREA_KEYS)
