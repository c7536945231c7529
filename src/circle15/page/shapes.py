"""Ground and streets as the page draws them, and how much of them one file carries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from circle15.page.packing import Grid, areas, lines, lonlat

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd
    from numpy.typing import NDArray

    from circle15.tables import StudyArea

    Whole = NDArray[np.int64]

MOST_STREETS = 150_000  # pieces
STREET_M = 1.0
GROUND_M = 2.0
FINE = 20_000  # steps across a large area that its outlines are drawn by
STREET_CLASSES = ("tunnel", "path", "street", "major", "bridge", "stairs", "escalator")  # drawn in this order
_FIRST = ("lift", "escalator", "bridge", "stairs", "major", "street", "tunnel", "path")  # carried in this order
_MAJOR = ("trunk", "primary", "secondary", "trunk_link", "primary_link", "secondary_link")


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


def ground(table: gpd.GeoDataFrame, grid: Grid, *, simplify_m: float) -> dict[str, Whole]:
    """Water, parks, rail and buildings, as areas and as lines.

    Parameters
    ----------
    table : GeoDataFrame
        tables.GROUND.
    grid : Grid
        Where steps are counted from.
    simplify_m : float
        From `outline_m`.

    Returns
    -------
    dict of str to ndarray of int
    """
    shapes = lonlat(table.geometry, simplify_m=simplify_m)
    kind, flat = table["kind"].to_numpy(), shapely.get_dimensions(shapes) == 2  # noqa: PLR2004  an area
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
    >>> import pandas as pd
    >>> links = pd.DataFrame({"kind": ["street", "lift", "corridor"], "highway": ["primary", None, None]})
    >>> street_class(links).tolist()
    ['major', 'lift', 'path']
    """
    kind = streets["kind"].to_numpy(dtype=object)
    major = (kind == "street") & streets["highway"].isin(_MAJOR).to_numpy()
    minor = np.isin(kind, ("crossing", "corridor"))
    return np.where(major, "major", np.where(minor, "path", kind))


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
