"""The study area and its units: from files of polygons, or hexagons where there are none."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import geopandas as gpd
import h3
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS
from pyproj.exceptions import CRSError

from circle15.errors import ConfigError, DataError, Finding, quoted
from circle15.project.languages import headers
from circle15.sources.files import POLYGONAL, numbers, plain, read_shapes, recognise, require_degrees, texts
from circle15.tables import TIERS, UNITS, StudyArea

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

WGS84 = CRS("EPSG:4326")
WHOLE = "study-area"  # id of the unit that stands for the whole study area
COVERED_SHARE = 0.95  # units that cover less of the boundary are no card of it
_ZONES = 60  # of UTM
INSIDE_SHARE = 0.5  # a unit belongs to the study when this share of it lies inside the boundary
CELL_COVER = 1.3  # cell edges by which to widen, so that every cell that touches the boundary is found

HEADERS = headers("units")
TIER_WORDS = headers("units.tiers")
TIER_BY_DIGITS = {6: "district", 9: "subdistrict", 12: "community"}  # of the national statistical code
TIER_BY_ENDING = (("街道", "subdistrict"), ("镇", "subdistrict"), ("乡", "subdistrict"), ("社区", "community"))


def make_area(
    lonlat_polygon: BaseGeometry, *, name: str, margin_m: float, crs: str | CRS | None = None, where: str = "boundary"
) -> StudyArea:
    """Make a study area from a polygon in longitude and latitude.

    Parameters
    ----------
    lonlat_polygon : Polygon or MultiPolygon
        WGS-84.
    name : str
        Name of the area.
    margin_m : float
        How far beyond the boundary the data reach, in metres.
    crs : str or CRS, optional
        A projected CRS in metres; the UTM zone of the polygon otherwise.
    where : str
        What an error names.

    Returns
    -------
    StudyArea

    Raises
    ------
    DataError
        When there is no area, or coordinates cannot be degrees.
    ConfigError
        When `crs` is not a projected CRS in metres.

    Examples
    --------
    >>> from shapely import box
    >>> make_area(box(106.5, 29.5, 106.6, 29.6), name="A", margin_m=0).crs.to_string()
    'EPSG:32648'
    """
    polygon = _one_polygon([lonlat_polygon], where)
    require_degrees(polygon.bounds, where, key="boundary_crs")
    shape = gpd.GeoSeries([polygon], crs=WGS84)
    target = _utm(polygon) if crs is None else _projected(crs)
    placed = shape.to_crs(target).iloc[0]
    if not np.isfinite(placed.bounds).all() or placed.area <= 0:
        problem = f"the boundary cannot be brought to {target.to_string()}"
        raise DataError(Finding(where, problem, "Check the CRS of the file and of the study"))
    return StudyArea(name, placed, CRS(target), margin_m)


def _utm(lonlat_polygon: BaseGeometry) -> CRS:
    """The zone of UTM that the middle lies in; to look it up in the tables of PROJ takes a tenth of a second."""
    west, south, east, north = lonlat_polygon.bounds
    zone = min(int(((west + east) / 2 + 180) // 6) + 1, _ZONES)
    return CRS.from_epsg((32600 if south + north >= 0 else 32700) + zone)


def read_area(
    path: Path | str,
    *,
    margin_m: float,
    name: str | None = None,
    crs: str | CRS | None = None,
    file_crs: str | None = None,
) -> StudyArea:
    """Read the boundary of a study area; several features are united.

    Parameters
    ----------
    path : Path
        GeoJSON, GeoPackage, Shapefile or whatever else GDAL reads.
    margin_m : float
        How far beyond the boundary the data reach, in metres.
    name : str, optional
        Name of the area; that of the file otherwise.
    crs : str or CRS, optional
        The CRS of the study, projected in metres; the UTM zone of the boundary otherwise.
    file_crs : str, optional
        The CRS of a file that does not state one (`boundary_crs` in a study file). It is never guessed.

    Returns
    -------
    StudyArea

    Raises
    ------
    SourceError
        When the file is missing or cannot be read.
    DataError
        When there is no polygon, the CRS is not known, or longitude and latitude are swapped.
    ConfigError
        When `crs` or `file_crs` is not a CRS that can be used.
    """
    path = Path(path)
    shapes = _stated(read_shapes(path), path, file_crs)
    if shapes.crs.is_geographic:
        require_degrees(tuple(shapes.total_bounds), path.name, key="boundary_crs")
    polygon = _one_polygon(shapes.geometry.to_numpy(), path.name)
    lonlat = gpd.GeoSeries([polygon], crs=shapes.crs).to_crs(WGS84).iloc[0]
    return make_area(lonlat, name=name or path.stem, margin_m=margin_m, crs=crs, where=path.name)


def _projected(crs: str | CRS) -> CRS:
    where, mend = "[study] crs", "Give a projected CRS in metres such as 'EPSG:32648', or leave it out"
    try:
        found = CRS(crs)
    except CRSError:
        raise ConfigError(Finding(where, f"{crs!r} is not a CRS", mend)) from None
    units = {axis.unit_name for axis in found.axis_info}
    if not found.is_projected or not units <= {"metre", "meter"}:
        raise ConfigError(Finding(where, f"{found.to_string()} is in {' and '.join(sorted(units))}", mend))
    return found


def _stated(shapes: gpd.GeoDataFrame, path: Path, file_crs: str | None) -> gpd.GeoDataFrame:
    """The shapes in a CRS that somebody stated; GeoJSON counts as degrees unless `file_crs` says otherwise."""
    if shapes.empty or shapes.geometry.isna().all():
        raise DataError(Finding(path.name, "there is no shape in it", "Give at least one polygon"))
    if file_crs is not None:
        try:
            given = CRS(file_crs)
        except CRSError:
            mend = "Give one such as 'EPSG:4326'"
            raise ConfigError(Finding("[area] boundary_crs", f"{file_crs!r} is not a CRS", mend)) from None
        if shapes.crs is None or path.suffix.lower() in (".geojson", ".json"):
            return shapes.set_crs(given, allow_override=True)
        if shapes.crs != given:
            problem = f"the file states {shapes.crs.to_string()}, the study file {given.to_string()}"
            raise DataError(Finding(path.name, problem, "Leave boundary_crs out, or correct the file"))
    if shapes.crs is None:
        west, south, east, north = shapes.total_bounds
        degrees = max(abs(west), abs(east)) <= 180 and max(abs(south), abs(north)) <= 180  # noqa: PLR2004
        unit, example = ("degrees", "EPSG:4326") if degrees else ("metres", "EPSG:32648")
        problem = f"the CRS is not stated; coordinates ({west:g} to {east:g}, {south:g} to {north:g}) look like {unit}"
        raise DataError(Finding(path.name, problem, f"State it with boundary_crs, for example '{example}'"))
    return shapes


def _one_polygon(shapes: Sequence[BaseGeometry] | NDArray[np.object_], where: str) -> BaseGeometry:
    nowhere = ~_finite(np.asarray(shapes, dtype=object))
    if nowhere.any():
        problem = f"{nowhere.sum():,} of {len(nowhere):,} shapes have coordinates that are no numbers"
        raise DataError(Finding(where, problem, "Draw them anew"))
    polygons = [part for part in _parts(np.asarray(shapes, dtype=object)) if part.area > 0]
    if not polygons:
        kinds = quoted(sorted({shape.geom_type for shape in shapes if shape is not None}))
        raise DataError(Finding(where, f"there is no polygon in it ({kinds})", "Give the boundary as a polygon"))
    united: BaseGeometry = shapely.union_all(polygons)
    return united


def _finite(shapes: NDArray[np.object_]) -> NDArray[np.bool_]:
    """Shapes all of whose coordinates are numbers."""
    places, of = shapely.get_coordinates(shapes, return_index=True)
    odd = np.bincount(of[~np.isfinite(places).all(axis=1)], minlength=len(shapes))
    return np.asarray(odd == 0)


def _polygons(shapes: gpd.GeoSeries) -> list[BaseGeometry]:
    """Each shape as one valid area, which may be empty."""
    return [shapely.union_all(_parts(np.array([shape], dtype=object))) for shape in shapes]


def _parts(shapes: NDArray[np.object_]) -> list[BaseGeometry]:
    """The polygons in shapes of any kind, mended where they cross themselves; not those without a place."""
    known = shapes[~shapely.is_missing(shapes) & _finite(shapes)]
    flat = shapely.get_parts(shapely.get_parts(shapely.make_valid(shapely.force_2d(known))))
    return [part for part in flat if part.geom_type in POLYGONAL]


# --------------------------------------------------------------------------------------------------------------- units


def read_units(files: Sequence[Path], area: StudyArea) -> gpd.GeoDataFrame:
    """Read communities, subdistricts and districts.

    Columns are known by their English or Chinese headers: ``code`` (代码), ``name`` (名称), ``tier`` (层级),
    ``parent`` (上级) and ``population`` (人口). Without a tier, the length of the national statistical code or the
    ending of the name tells it; without a parent, the unit of the next tier up that holds most of the unit is it.
    Polygons are not clipped; a unit that lies mostly outside the boundary is left out.

    Parameters
    ----------
    files : sequence of Path
        GeoJSON, GeoPackage or Shapefile; one may hold several tiers.
    area : StudyArea
        The units are brought to its CRS.

    Returns
    -------
    GeoDataFrame
        tables.UNITS, sorted by tier from the district down, then by id.

    Raises
    ------
    SourceError
        When a file is missing or cannot be read.
    DataError
        With every finding: no CRS, no polygon, unknown tiers, repeated ids, populations that are no numbers, or no
        unit inside the boundary.
    """
    found: list[Finding] = []
    listed = [_unit_rows(Path(file), area, found) for file in files]
    if found:
        raise DataError(*found)
    rows = gpd.GeoDataFrame(pd.concat(listed, ignore_index=True), crs=area.crs)
    names = ", ".join(Path(file).name for file in files)
    twice = rows["unit"][rows["unit"].duplicated()].unique()
    if len(twice):
        problem = f"{len(twice):,} codes occur more than once (first: {quoted(twice)})"
        raise DataError(Finding(names, problem, "Give every unit its own code"))
    share = rows.geometry.intersection(area.boundary).area / rows.geometry.area
    rows = rows[share >= INSIDE_SHARE]
    if rows.empty:
        problem = f"no unit lies inside the boundary of {area.name}"
        raise DataError(Finding(names, problem, "Check the files and their CRS"))
    rank = [TIERS.index(tier) for tier in rows["tier"]]
    units = rows.assign(rank=rank).sort_values(["rank", "unit"]).drop(columns="rank").set_index("unit")
    units["parent"] = _parents(units)
    units = units[UNITS.names]
    UNITS.check(units, where=names, crs=area.crs)
    return units


def _unit_rows(path: Path, area: StudyArea, found: list[Finding]) -> gpd.GeoDataFrame:
    """The rows of one file in the study CRS; what is wrong is appended to `found`."""
    shapes = read_shapes(path)
    if shapes.crs is None:
        found.append(Finding(path.name, "the CRS is not stated", "Save the file with its CRS, such as EPSG:4326"))
        return shapes
    if shapes.crs.is_geographic and len(shapes):
        require_degrees(tuple(shapes.total_bounds), path.name, key="the CRS")
    rows = gpd.GeoDataFrame(recognise(shapes, HEADERS))
    rows["name"] = texts(rows["name"])
    rows["unit"] = texts(rows["unit"]).fillna(rows["name"])
    rows["name"] = rows["name"].fillna(rows["unit"])
    rows["tier"] = [_tier(*row) for row in zip(texts(rows["tier"]), rows["unit"], rows["name"], strict=True)]
    rows["parent"] = texts(rows["parent"])
    people = numbers(rows["population"])
    rows["population"] = np.where(np.isfinite(people), people, np.nan)
    rows["source"] = f"file {path.name}"
    placed = gpd.GeoSeries(_polygons(rows.geometry), index=rows.index, crs=shapes.crs).to_crs(area.crs)
    rows = rows.set_geometry(gpd.GeoSeries(_polygons(placed), index=rows.index, crs=area.crs))  # far ones fold over
    for bad, problem, mend in (
        (rows["unit"].isna(), "have neither a code nor a name", "Add a column code (代码) or name (名称)"),
        (rows["tier"].isna(), "have no tier that is known", f"Add a column tier (层级) with {', '.join(TIERS)}"),
        (np.isinf(people) | (people < 0), "have a population that is no number", "Mend them, or leave them empty"),
        (rows.geometry.is_empty, "have no polygon", "Draw or drop them"),
    ):
        if np.any(bad):
            lines = quoted(np.flatnonzero(bad) + 1)
            found.append(Finding(path.name, f"{np.sum(bad):,} of {len(rows):,} rows {problem} (first: {lines})", mend))
    return rows


def _tier(given: str | None, code: str | None, name: str | None) -> str | None:
    """The tier as given, else as the length of the code or the ending of the name tells."""
    if given:
        word = plain(given)
        known = [tier for tier in TIERS if word == tier or word in TIER_WORDS[tier]]
        return known[0] if known else None
    if code and code.isdigit() and len(code) in TIER_BY_DIGITS:
        return TIER_BY_DIGITS[len(code)]
    return next((tier for ending, tier in TIER_BY_ENDING if (name or "").endswith(ending)), None)


def _parents(units: gpd.GeoDataFrame) -> list[str | None]:
    """The unit of a tier above: as given by id or name, else the one that holds most of it."""
    parents: dict[str, str] = {}
    rank = np.array([TIERS.index(tier) for tier in units["tier"]])
    ids = units.index.to_numpy()
    given = units["parent"].to_numpy()
    for place in range(len(units)):
        above = rank < rank[place]
        named = above & ((ids == given[place]) | (units["name"].to_numpy() == given[place]))
        if named.any():
            parents[ids[place]] = ids[named][-1]
    shapes = units.geometry.to_numpy()
    for tier in sorted(set(rank)):
        upper = [other for other in sorted(set(rank)) if other < tier]
        if not upper:
            continue
        below, over = np.flatnonzero(rank == tier), np.flatnonzero(rank == upper[-1])
        one, other = shapely.STRtree(shapes[over]).query(shapes[below], predicate="intersects")
        shared = shapely.area(shapely.intersection(shapes[below[one]], shapes[over[other]]))
        pairs = pd.DataFrame({"one": ids[below[one]], "other": ids[over[other]], "shared": shared})
        pairs = pairs[pairs["shared"] > 0].sort_values(["shared", "other"], ascending=[False, True])
        most = pairs.drop_duplicates("one")
        parents = dict(zip(most["one"], most["other"], strict=True)) | parents
    return [parents.get(unit) for unit in ids]


def cell_units(area: StudyArea, resolution: int) -> gpd.GeoDataFrame:
    """Hexagons over the boundary, for a study that has no units.

    Parameters
    ----------
    area : StudyArea
        Cells are clipped to its boundary.
    resolution : int
        H3 resolution; 9 is about 0.1 km² a cell.

    Returns
    -------
    GeoDataFrame
        tables.UNITS of tier ``cell``; ids are H3 indexes (Uber, Apache 2.0), in sorted order; the name of
        a cell is the part of its index that tells it from the others.

    Examples
    --------
    >>> from shapely import box
    >>> area = make_area(box(106.57, 29.55, 106.58, 29.56), name="A", margin_m=0)
    >>> cells = cell_units(area, 9)
    >>> bool(abs(cells.area.sum() / area.boundary.area - 1) < 1e-9)
    True
    """
    reach = CELL_COVER * 2 * h3.average_hexagon_edge_length(resolution, unit="m")
    wide = gpd.GeoSeries([area.boundary.buffer(reach)], crs=area.crs).to_crs(WGS84).iloc[0]
    indexes = sorted(h3.geo_to_cells(wide, resolution))
    corners = [[(lon, lat) for lat, lon in h3.cell_to_boundary(index)] for index in indexes]
    hexagons = gpd.GeoSeries([shapely.Polygon(ring) for ring in corners], crs=WGS84).to_crs(area.crs)
    clipped = shapely.intersection(hexagons.to_numpy(), area.boundary)
    shapes = np.array([shapely.union_all(_parts(np.array([one], dtype=object))) for one in clipped], dtype=object)
    inside = shapely.area(shapes) > 0
    ids = np.array(indexes, dtype=object)[inside]
    names = np.array(_told_apart(ids.tolist()), dtype=object)
    units = gpd.GeoDataFrame(
        {"name": names, "tier": "cell", "parent": None, "population": np.nan, "source": f"H3 resolution {resolution}"},
        index=pd.Index(ids, name="unit"),
        geometry=shapes[inside],
        crs=area.crs,
    )
    UNITS.check(units, crs=area.crs)
    return units


def _told_apart(indexes: list[str]) -> list[str]:
    """Of each index the part between what all begin and all end with, of three signs at least.

    >>> _told_apart(["8940cb6c017ffff", "8940cb6c23bffff"])
    ['017', '23b']
    """
    if not indexes:
        return []
    signs, end = list(zip(*indexes, strict=True)), len(indexes[0])
    start = next((place for place, some in enumerate(signs) if len(set(some)) > 1), end)
    while end > start + 3 and all(one[end - 1] == "f" for one in indexes):
        end -= 1
    start = max(0, min(start, end - 3))
    return [one[start:end] for one in indexes]


def fill(units: gpd.GeoDataFrame, area: StudyArea) -> bool:
    """Whether the units of the finest tier cover the study area, but for slivers.

    Parameters
    ----------
    units : GeoDataFrame
        tables.UNITS in the CRS of the area.
    area : StudyArea
        Its boundary has to be covered to 95 %.

    Returns
    -------
    bool
        False for no units, or for a district alone.
    """
    finest = units[~units.index.isin(units["parent"].dropna()) & (units["tier"] != "district")]
    together = shapely.intersection(shapely.union_all(finest.geometry.to_numpy()), area.boundary)
    return bool(shapely.area(together) >= COVERED_SHARE * area.boundary.area)


def with_whole(units: gpd.GeoDataFrame, area: StudyArea) -> gpd.GeoDataFrame:
    """Add the study area itself as a unit above all others, where no district does that.

    So every card has its first line, and homes outside all smaller units are counted there.

    Parameters
    ----------
    units : GeoDataFrame
        tables.UNITS in the CRS of the area.
    area : StudyArea
        Names the unit.

    Returns
    -------
    GeoDataFrame
        `units` themselves when a district is among them.

    Examples
    --------
    >>> from shapely import box
    >>> area = make_area(box(106.57, 29.55, 106.58, 29.56), name="A", margin_m=0)
    >>> units = with_whole(cell_units(area, 9), area)
    >>> units.loc["study-area", ["name", "tier"]].tolist(), set(units["parent"].dropna())
    (['A', 'district'], {'study-area'})
    """
    if (units["tier"] == "district").any():
        return units
    row = {"name": area.name, "tier": "district", "parent": None, "population": np.nan, "source": "study area"}
    index = pd.Index([WHOLE], name="unit", dtype=object)
    whole = gpd.GeoDataFrame([row], index=index, geometry=[area.boundary], crs=area.crs)
    below = units.assign(parent=units["parent"].astype(object).where(units["parent"].notna(), WHOLE))
    return pd.concat([whole, below]).rename_axis("unit")
