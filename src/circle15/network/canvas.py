"""The grid that isochrones are drawn on, and the water on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from circle15.network import drawing

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from circle15.network.graph import Floats, Layout

THIN_M = 0.5  # how exactly streets are drawn on the grid
ON_WATER_M = 2.0  # how exactly a way over water is told from one on land


def stamped(
    layout: Layout, *, cell: float, water: BaseGeometry | None
) -> tuple[drawing.Canvas, drawing.Lines, drawing.Stamps]:
    """The grid, the streets and their stamps; kept with the streets, for the next origins and other walkers.

    Parameters
    ----------
    layout : Layout
        The streets.
    cell : float
        Metres, a multiple of 0.1 and at most 25.
    water : geometry or None
        Valid water in the CRS of the streets.

    Returns
    -------
    tuple of Canvas, Lines and Stamps
        What `drawing.sheets` needs.
    """
    key = (cell, b"" if water is None else shapely.to_wkb(water))
    found = layout.stamped.get(key)
    if found is None:
        canvas, lines = over(layout, cell=cell, water=water)
        found = canvas, lines, drawing.stamps(canvas, lines)
        layout.stamped.clear()  # one at a time: they are large
        layout.stamped[key] = found
    return found


def over(layout: Layout, *, cell: float, water: BaseGeometry | None) -> tuple[drawing.Canvas, drawing.Lines]:
    """A grid that covers every street and the outlines around it, and the streets to be drawn on it.

    Parameters
    ----------
    layout : Layout
        The streets.
    cell : float
        Metres, a multiple of 0.1 and at most 25.
    water : geometry or None
        Valid water in the CRS of the streets.

    Returns
    -------
    tuple of Canvas and Lines
        Nodes at multiples of the cell. Streets that touch water have a vertex every `ON_WATER_M`.
    """
    bounds = shapely.total_bounds(layout.lines)
    reach = drawing.RADIUS_M + 3 * cell
    low = np.floor((bounds[:2] - reach) / cell)
    columns, rows = (np.ceil((bounds[2:] + reach) / cell) - low).astype(int) + 1
    x, y = (low * cell).tolist()
    none = np.zeros((0, 0), np.uint8)
    lines, _ = drawing.thinned(layout.drawn, np.zeros(0, np.uint8), THIN_M)
    dry = drawing.Canvas(
        x, y, cell, int(rows), int(columns), none, np.zeros((4, 0, 0), np.uint8), np.zeros(1, np.int32),
        np.zeros(0, np.int32), np.zeros((0, 4)), np.zeros(0, np.uint8),
    )  # fmt: skip
    if water is None or water.is_empty:
        return dry, lines
    water = shapely.intersection(water, shapely.box(x, y, x + cell * (columns - 1), y + cell * (rows - 1)))
    if water.is_empty:
        return dry, lines
    shore = _shore(water, cell)
    first, listed = _by_cell(shore, dry)
    lines, deck = drawing.thinned(*_decks(layout, water), THIN_M)
    wet = np.zeros((rows, columns), np.uint8)
    canvas = dry._replace(
        wet=wet, bank=np.zeros((4, rows, columns), np.uint8), first=first, listed=listed, shore=shore, deck=deck
    )
    drawing.flood(canvas)
    return canvas, lines


def _shore(water: BaseGeometry, cell: float) -> Floats:
    """The shore as straight stretches no longer than a cell."""
    points, ring = shapely.get_coordinates(
        shapely.segmentize(shapely.get_rings(shapely.get_parts(water)), cell), return_index=True
    )
    same = ring[1:] == ring[:-1]
    return np.hstack([points[:-1][same], points[1:][same]])


def _by_cell(shore: Floats, canvas: drawing.Canvas) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Which stretches of shore touch the box of each cell, as a ragged list."""
    ends = ((shore.reshape(-1, 2, 2) - (canvas.x, canvas.y)) / canvas.cell).astype(np.int64)
    low, high = ends.min(axis=1), ends.max(axis=1)
    found = []
    for right in range(int((high - low).max(initial=0)) + 1):
        for up in range(int((high - low).max(initial=0)) + 1):
            at = low + np.array([right, up])
            use = np.flatnonzero((at <= high).all(axis=1))
            found.append(np.stack([at[use, 1] * canvas.columns + at[use, 0], use]))
    cell, which = np.concatenate(found, axis=1)
    order = np.argsort(cell, kind="stable")
    first = np.searchsorted(cell[order], np.arange(canvas.rows * canvas.columns + 1))
    return first.astype(np.int32), which[order].astype(np.int32)


def _decks(layout: Layout, water: BaseGeometry) -> tuple[drawing.Lines, NDArray[np.uint8]]:
    """The streets with more vertices where they touch water, and the vertices after which they are over it."""
    shapely.prepare(water)
    lines = shapely.force_2d(layout.lines)
    over = shapely.intersects(water, lines)
    lines[over] = shapely.segmentize(lines[over], ON_WATER_M)
    drawn = vertices(lines)
    deck = np.zeros(len(drawn.x), np.uint8)
    at = np.flatnonzero(np.repeat(over, np.diff(drawn.first))[:-1])
    x, y = (drawn.x[at] + drawn.x[at + 1]) / 2, (drawn.y[at] + drawn.y[at + 1]) / 2
    deck[at] = shapely.contains_xy(water, x, y)
    return drawn, deck


def vertices(lines: NDArray[np.object_]) -> drawing.Lines:
    """The vertices of lines and their share of the length."""
    points, piece = shapely.get_coordinates(lines, return_index=True)
    first = np.searchsorted(piece, np.arange(len(lines) + 1))
    step = np.hypot(*np.diff(points, axis=0, prepend=points[:1]).T)
    step[first[:-1]] = 0.0
    walked = np.cumsum(step)
    walked -= walked[first[:-1]][piece]
    whole = walked[first[1:] - 1][piece]
    # A piece without length, such as a lift, is at its start at share 0 and at its end at share 1.
    last = np.isin(np.arange(len(piece)), first[1:] - 1).astype(float)
    share = np.divide(walked, whole, out=last, where=whole > 0)
    return drawing.Lines(first.astype(np.int64), points[:, 0].copy(), points[:, 1].copy(), share)
