"""The compiled kernels of the isochrones' outlines: marching squares, simplified on the way.

A gate of a few metres is put on every grid edge that a contour crosses, and the outline is drawn through the gates with
as few vertices as that takes. No two outlines of one sheet share a gate, so nothing can cross; and the gates of an
outline of more minutes begin where that of fewer went through, so that outlines lie inside one another exactly. Each
cell is cut by straight lines between its gates. Vertices are whole decimetres.

As in `search`, a kernel calls only kernels of its own file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from circle15.network.kernels import compiled, inner

if TYPE_CHECKING:
    from circle15.network.drawing import Bytes, Canvas, Floats, Ints, Sheets, Small

LOOKAHEAD = 60  # gates that one straight stretch of outline may pass

# For each way that a contour can go into a cell (north, east, south, west), rows and columns from the cell's lower left
# corner: to the near corner at its left, which is inside; to the near one at its right, which is not; to the far ones;
# to the corner that the edge between the near ones is numbered by; and to the next cell.
_WAYS = np.array(
    [
        [0, 0, 0, 1, 1, 0, 1, 1, 0, 0, 1, 0],
        [1, 0, 0, 0, 1, 1, 0, 1, 0, 0, 0, 1],
        [1, 1, 1, 0, 0, 1, 0, 0, 1, 0, -1, 0],
        [0, 1, 1, 1, 0, 0, 1, 0, 0, 1, 0, -1],
    ]
)
_BANK = np.array([0, 3, 1, 2])  # which of `Canvas.bank` is seen from the near left corner
_HALF = 0.5 / np.maximum(np.arange(256), 1)  # to multiply by what would be slow to divide by
_NORTH, _SOUTH = 0, 2
_EDGE, _X, _Y, _EAST, _UP, _AT, _NEAR, _FAR = 0, 1, 2, 3, 4, 5, 6, 7  # the columns of gates
_WAY = _EAST  # until they are set


class Plan(NamedTuple):
    """How to draw: the highest code inside, and how fast codes grow from node to node; a cell, half a gate, a hole.

    The last three are in decimetres, and square decimetres.
    """

    inside: int
    steepest: int
    cell: int
    half: int
    hole: float


class Rings(NamedTuple):
    """The rings of one outline: for each the ring around it (-1: none), whether it is a hole, whether it is kept.

    Ring k has the vertices `points[first[k]:first[k + 1]]`, in decimetres of the window.
    """

    around: Small
    hole: Bytes
    kept: Bytes
    first: Ints
    points: Ints


class Desk(NamedTuple):
    """Scratch of one sheet, whose first row and column, and width, and used part are in `place`.

    `codes` of the nodes row by row; the `ring` at each edge of a row; where narrower outlines went through each edge
    (`past`, 0 for none). A row of `gates` is a place where a ring crosses the grid: the edge; its end inside, and the
    way to the other end, in decimetres; how many decimetres from that end the ring crosses, and where the outline may:
    from, to. `ways` is `_WAYS` in steps of the sheet.
    """

    place: Ints
    codes: Bytes
    ring: Small
    past: Bytes
    gates: Small
    rings: Rings
    ways: Ints


_ROW, _COLUMN, _WIDTH, _LOW_ROW, _LEFT, _HIGH_ROW, _RIGHT = 0, 1, 2, 3, 4, 5, 6  # what is in a place


@inner
def _desk(size: int) -> Desk:
    """Scratch for sheets of that many nodes."""
    rings = Rings(
        np.empty(size, np.int32), np.empty(size, np.uint8), np.empty(size, np.uint8),
        np.zeros(size + 1, np.int64), np.empty((2 * size, 2), np.int64),
    )  # fmt: skip
    return Desk(
        np.zeros(7, np.int64), np.empty(0, np.uint8), np.empty(size, np.int32), np.empty(2 * size, np.uint8),
        np.empty((2 * size, 8), np.int32), rings, np.empty((4, 6), np.int64),
    )  # fmt: skip


@inner
def _lay(desk: Desk, sheets: Sheets, k: int) -> Desk:
    """Lay a sheet on the desk; what narrower outlines of the same walk left there stays."""
    size = sheets.start[k + 1] - sheets.start[k]
    fresh = k == 0 or sheets.walk[k] != sheets.walk[k - 1]
    if size > desk.ring.size:  # never within one walk
        desk = _desk(2 * size)
    place, width = desk.place, sheets.window[k, 3]
    place[_ROW], place[_COLUMN], place[_WIDTH] = sheets.window[k, 0], sheets.window[k, 1], width
    place[_LOW_ROW:] = sheets.used[k]
    for way in range(4):
        for j in range(6):
            desk.ways[way, j] = _WAYS[way, 2 * j] * width + _WAYS[way, 2 * j + 1]
    if fresh:
        desk.past[: 2 * size] = 0
    for row in range(place[_LOW_ROW], place[_HIGH_ROW] + 1):
        desk.ring[row * width + place[_LEFT] : row * width + place[_RIGHT]] = -1
    codes = sheets.codes[sheets.start[k] : sheets.start[k + 1]]
    return Desk(place, codes, desk.ring, desk.past, desk.gates, desk.rings, desk.ways)


@inner
def _is_canal(desk: Desk, canvas: Canvas, insides: tuple[int, int], outsides: tuple[int, int]) -> bool:
    """Whether two corners of a cell are on land and the two others in water."""
    if canvas.wet.size == 0:
        return False
    row, column, width = desk.place[_ROW], desk.place[_COLUMN], desk.place[_WIDTH]
    for k in range(2):
        land = canvas.wet[row + insides[k] // width, column + insides[k] % width] == 0
        if not land or canvas.wet[row + outsides[k] // width, column + outsides[k] % width] == 0:
            return False
    return True


@inner
def _follow(desk: Desk, canvas: Canvas, plan: Plan, start: int, way: int, ring: int) -> int:
    """Follow one ring all around, inside at the left, from the lower left corner of a cell; returns how many gates."""
    codes, past, gates, ways, width = desk.codes, desk.past, desk.gates, desk.ways, desk.place[_WIDTH]
    whole, middle = plan.cell, 2 * plan.inside + 1
    cell, first, n = start, way, 0
    row, column = start // width, start % width
    while True:
        inside, outside = cell + ways[way, 0], cell + ways[way, 1]
        low, high = np.int64(codes[inside]), np.int64(codes[outside])
        edge = 2 * (cell + ways[way, 4]) + (way & 1)
        gates[n, _EDGE], gates[n, _X], gates[n, _Y] = edge, column + _WAYS[way, 1], row + _WAYS[way, 0]
        # No distance grows faster than the steepest; where water hides a node, it seems to.
        gates[n, _AT] = int(whole * (middle - 2 * low) * _HALF[min(high - low, np.int64(plan.steepest))])
        gates[n, _WAY], gates[n, _NEAR] = way, past[edge]
        n += 1
        if way & 1 == 0:
            desk.ring[edge >> 1] = ring
        before, beyond = cell + ways[way, 2], cell + ways[way, 3]
        left, right = codes[before], codes[beyond]
        turn = right <= plan.inside
        if turn and left > plan.inside:  # two corners inside: joined unless both others are far away, or in water
            turn = low + right + 2 * min(high, np.int64(left)) < 2 * middle
            turn = turn and not _is_canal(desk, canvas, (inside, beyond), (outside, before))
        if turn:
            way = (way + 1) & 3
        elif left > plan.inside:
            way = (way + 3) & 3
        cell, row, column = cell + ways[way, 5], row + _WAYS[way, 10], column + _WAYS[way, 11]
        if cell == start and way == first:
            return n


@inner
def _set_gates(desk: Desk, canvas: Canvas, plan: Plan, n: int) -> None:
    """Open the gates of a ring: about where it crosses, not nearer than before, and not into water."""
    gates, whole = desk.gates, plan.cell
    top, side, water, wet, bank = desk.place[_ROW], desk.place[_COLUMN], canvas.wet.size > 0, canvas.wet, canvas.bank
    for k in range(n):
        way, column, row = gates[k, _WAY], gates[k, _X], gates[k, _Y]
        far = np.int64(whole - 1)
        if water and wet[top + row, side + column] == 0:
            r, c = row + _WAYS[way, 8] - _WAYS[way, 0], column + _WAYS[way, 9] - _WAYS[way, 1]
            shore = np.int64(bank[_BANK[way], top + r, side + c])
            far = min(far, shore) if shore > 0 else far
        gates[k, _X], gates[k, _Y] = column * whole, row * whole
        gates[k, _UP], gates[k, _EAST] = _WAYS[way, 2] - _WAYS[way, 0], _WAYS[way, 3] - _WAYS[way, 1]
        near = max(int(gates[k, _NEAR]), 1)
        at = min(max(gates[k, _AT], near), far)
        gates[k, _AT], gates[k, _NEAR], gates[k, _FAR] = at, max(at - plan.half, near), min(at + plan.half, far)


@inner
def _farthest(gates: Small, i: int, n: int) -> int:
    """How far one can draw a straight line from gate i through all gates up to the one where it ends."""
    px, py = gates[i, _X] + gates[i, _EAST] * gates[i, _AT], gates[i, _Y] + gates[i, _UP] * gates[i, _AT]
    best = i + 1
    lx = ly = rx = ry = np.int64(0)
    for k in range(i + 1, min(i + LOOKAHEAD, n) + 1):
        j = k if k < n else 0
        x, y, east, up = gates[j, _X] - px, gates[j, _Y] - py, gates[j, _EAST], gates[j, _UP]
        tx, ty = x + east * gates[j, _AT], y + up * gates[j, _AT]
        if k > i + 1 and rx * ty >= ry * tx and tx * ly >= ty * lx:
            best = k
        ax, ay = x + east * gates[j, _NEAR], y + up * gates[j, _NEAR]
        bx, by = x + east * gates[j, _FAR], y + up * gates[j, _FAR]
        if bx * ay <= by * ax:
            break
        if k == i + 1 or lx * ay < ly * ax:
            lx, ly = ax, ay
        if k == i + 1 or rx * by > ry * bx:
            rx, ry = bx, by
        if rx * ly <= ry * lx:
            break
    return best


@inner
def _simplify(gates: Small, past: Bytes, points: Ints, at: int, n: int) -> tuple[int, np.int64]:
    """Draw a ring through its gates with few vertices, and note where it goes through, unless `past` is empty.

    Returns where its points end and twice its area, in dm2.
    """
    area = np.int64(0)
    i = 0
    x, y = gates[0, _X] + gates[0, _EAST] * gates[0, _AT], gates[0, _Y] + gates[0, _UP] * gates[0, _AT]
    while i < n:
        points[at, 0], points[at, 1] = x, y
        at += 1
        best = _farthest(gates, i, n)
        j = best if best < n else 0
        next_x, next_y = gates[j, _X] + gates[j, _EAST] * gates[j, _AT], gates[j, _Y] + gates[j, _UP] * gates[j, _AT]
        if past.size > 0:
            past[gates[i, _EDGE]] = gates[i, _AT]
            for k in range(i + 1, best):
                if gates[k, _EAST] != 0:
                    through = abs(x + (gates[k, _Y] - y) * (next_x - x) / (next_y - y) - gates[k, _X])
                else:
                    through = abs(y + (gates[k, _X] - x) * (next_y - y) / (next_x - x) - gates[k, _Y])
                past[gates[k, _EDGE]] = min(gates[k, _FAR], max(gates[k, _NEAR], int(np.ceil(through))))
        area += x * next_y - y * next_x
        x, y, i = next_x, next_y, best
    return at, area


@inner
def _is_wet(desk: Desk, canvas: Canvas, plan: Plan, n: int) -> bool:
    """Whether a ring has a box with unreached water in it."""
    if canvas.wet.size == 0:
        return False
    place, x, y = desk.place, desk.gates[:n, _X] // plan.cell, desk.gates[:n, _Y] // plan.cell
    for row in range(y.min(), y.max() + 1):
        for column in range(x.min(), x.max() + 1):
            if desk.codes[row * place[_WIDTH] + column] > plan.inside:
                r, c = place[_ROW] + row, place[_COLUMN] + column
                if canvas.wet[r, c] > 0 or canvas.bank[:, r, c].any():
                    return True
    return False


@inner
def _trace(desk: Desk, canvas: Canvas, plan: Plan, past: Bytes) -> int:
    """All rings around what is inside; returns their number. Where they go through is noted in `past`, if it has room.

    They are met row by row from below, so that the ring to the left of a new one is known: it is around the new one
    when one of the two is a hole and the other is not, and otherwise it has the same ring around it.
    """
    codes, rings, place, width = desk.codes, desk.rings, desk.place, desk.place[_WIDTH]
    count = 0
    for row in range(place[_LOW_ROW], place[_HIGH_ROW] + 1):
        left = -1
        inside = False
        for column in range(place[_LEFT], place[_RIGHT]):
            node = row * width + column
            if (codes[node + 1] <= plan.inside) == inside:
                continue
            inside = not inside
            ring = desk.ring[node]
            if ring < 0:
                ring = count
                count += 1
                start, way = (node - width, _SOUTH) if inside else (node, _NORTH)
                n = _follow(desk, canvas, plan, start, way, ring)
                _set_gates(desk, canvas, plan, n)
                rings.first[ring + 1], area = _simplify(desk.gates, past, rings.points, rings.first[ring], n)
                hole = not inside
                around = left
                if left >= 0 and (rings.hole[left] > 0) == hole:
                    around = rings.around[left]
                rings.around[ring], rings.hole[ring] = around, hole
                small = hole and -area < 2 * plan.hole and not _is_wet(desk, canvas, plan, n)
                rings.kept[ring] = not small and (around < 0 or rings.kept[around] > 0)
            left = ring
    return count


# --------------------------------------------------------------------------------------------------------- all of it


class Ink(NamedTuple):
    """Finished outlines: points; where each ring and each polygon begins, and the last ends; and `size`, how many."""

    points: Floats
    rings: Ints
    polygons: Ints
    size: Ints


class Drawn(NamedTuple):
    """Outlines as ragged arrays: points, and where rings, polygons and outlines begin."""

    points: Floats
    rings: Ints
    polygons: Ints
    shapes: Ints


@inner
def _room(ink: Ink, points: int, rings: int) -> Ink:
    """The same ink with room for some more."""
    points, rings = points + ink.size[0], rings + ink.size[1] + 1
    new_points, new_rings, new_polygons = ink.points, ink.rings, ink.polygons
    if points > len(ink.points):
        new_points = np.empty((2 * points, 2))
        new_points[: len(ink.points)] = ink.points
    if rings > len(ink.rings):
        new_rings, new_polygons = np.empty(2 * rings, np.int64), np.empty(2 * rings, np.int64)
        new_rings[: len(ink.rings)], new_polygons[: len(ink.rings)] = ink.rings, ink.polygons
    return Ink(new_points, new_rings, new_polygons, ink.size)


@inner
def _write_ring(ink: Ink, desk: Desk, canvas: Canvas, ring: int) -> None:
    """One closed ring, in metres."""
    rings, size, cell = desk.rings, ink.size, round(canvas.cell * 10)
    x0, y0 = round(canvas.x * 10) + desk.place[_COLUMN] * cell, round(canvas.y * 10) + desk.place[_ROW] * cell
    low, high = rings.first[ring], rings.first[ring + 1]
    for k in range(high - low + 1):
        at = low + k if low + k < high else low
        ink.points[size[0] + k, 0] = (x0 + rings.points[at, 0]) / 10
        ink.points[size[0] + k, 1] = (y0 + rings.points[at, 1]) / 10
    size[0] += high - low + 1
    size[1] += 1
    ink.rings[size[1]] = size[0]


@inner
def _write(ink: Ink, desk: Desk, canvas: Canvas, count: int) -> None:
    """One outline: each ring that is no hole, then its holes."""
    rings = desk.rings
    for ring in range(count):
        if rings.hole[ring] or not rings.kept[ring]:
            continue
        _write_ring(ink, desk, canvas, ring)
        for other in range(ring + 1, count):
            if rings.around[other] == ring and rings.kept[other]:
                _write_ring(ink, desk, canvas, other)
        ink.size[2] += 1
        ink.polygons[ink.size[2]] = ink.size[1]


@compiled
def outlines(sheets: Sheets, canvas: Canvas, plan: Plan) -> Drawn:
    """The outline of each sheet."""
    desk = _desk(4096)
    ink = Ink(np.empty((4096, 2)), np.zeros(256, np.int64), np.zeros(256, np.int64), np.array([0, 0, 0]))
    shapes = np.zeros(sheets.walk.size + 1, np.int64)
    for k in range(sheets.walk.size):
        desk = _lay(desk, sheets, k)
        wider = k + 1 < sheets.walk.size and sheets.walk[k + 1] == sheets.walk[k]  # is there an outline around this?
        count = _trace(desk, canvas, plan, desk.past if wider else desk.past[:0])
        ink = _room(ink, desk.rings.first[count] + count, count)
        _write(ink, desk, canvas, count)
        shapes[k + 1] = ink.size[2]
    points, rings, polygons = ink.size
    return Drawn(ink.points[:points].copy(), ink.rings[: rings + 1].copy(), ink.polygons[: polygons + 1].copy(), shapes)
