"""The compiled kernels of the isochrones' outlines: marching squares, simplified.

A gate of a few metres is put on every grid edge that a contour crosses, and the outline is drawn through the gates with
few vertices. No two outlines of one sheet share a gate, so nothing can cross; and the gates of an outline of more
minutes begin where that of fewer went through, so that outlines lie inside one another exactly. Each cell is cut by
straight lines between its gates. Vertices are whole decimetres.

As in `search`, a kernel calls only kernels of its own file; as in `drawing`, it makes no arrays. What is called for
each gate takes numbers only: every array that is handed on is counted, and that takes longer than what is done here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from circle15.network.drawing import HIGH, LEFT, LOW, RIGHT, ROW, START, TALL, WALK, WIDE, WORD
from circle15.network.kernels import filling, filling_inner

if TYPE_CHECKING:
    from circle15.network.drawing import Bytes, Canvas, Floats, Ints, Sheets, Small

    Whole = int | np.int64
    Pair = tuple[Whole, Whole]
    Place = tuple[Whole, Whole, Whole]

_FAR = 127  # the highest code
_ZERO: Whole = np.int64(0)  # whole numbers that begin with it may grow in 64 bits
_HALF = 2**19 // np.maximum(np.arange(_FAR + 1), 1) + 1  # to multiply by what would be slow to divide by

_TOPS, _LOWS = np.uint64(0x8080808080808080), np.uint64(0x0101010101010101)
_PLACES = np.uint64(0x0001020304050607)  # a single bit 8k, times this, has k in the top byte
_ONE, _SEVEN, _EIGHT, _TOP = np.uint64(1), np.uint64(7), np.uint64(8), np.uint64(56)


class Plan(NamedTuple):
    """How to draw: the highest code inside, how fast codes grow from node to node, and the code of what is not near.

    And a cell, half a gate and the least hole, in decimetres and square decimetres.
    """

    inside: int
    steepest: int
    farthest: int
    cell: int
    half: int
    hole: int


class Desk(NamedTuple):
    """Scratch for sheets up to a size.

    `ring` at each edge of a row, numbered through all sheets of a walk; where narrower outlines went through each edge
    (`past`, 0 for none). Ring k of a sheet has the vertices `points[first[k]:first[k + 1]]`, the first once more at the
    end, in decimetres of the window, and twice its `area`, in dm2. A row of `passed` is a gate that is passed without a
    vertex: its edge, the node inside in decimetres, and the vertex before. A row of `rings`: the ring to the left of
    where it was met, and then the one around it (-1: none); whether it is a hole, whether it is kept, and the next ring
    to be written (-1: none).
    """

    ring: Small
    shore: Bytes
    past: Bytes
    passed: Small
    points: Small
    rings: Small
    area: Ints
    first: Ints


def desk(nodes: int, cell: int) -> Desk:
    """Scratch for sheets of so many nodes, in cells of so many decimetres."""
    most = nodes // 2 + 1  # rings, of four gates or more, on two edges for each node
    return Desk(
        np.empty(nodes, np.int32), np.full(4 * nodes, cell - 1, np.uint8), np.empty(2 * nodes, np.uint8),
        np.empty((2 * nodes, 4), np.int32), np.empty((2 * nodes + most, 2), np.int32),
        np.empty((most, 4), np.int32), *np.zeros((2, most + 1), np.int64),
    )  # fmt: skip


_AROUND, _HOLE, _KEPT, _NEXT = range(4)  # what is in a row of rings


class Ink(NamedTuple):
    """Finished outlines as ragged arrays: points, where rings, polygons and outlines begin; and `size`, how many."""

    points: Floats
    rings: Ints
    polygons: Ints
    shapes: Ints
    size: Ints


def ink(nodes: int, sheets: int) -> Ink:
    """Room for the outlines of so many sheets, of so many nodes in all."""
    most = nodes // 2 + 1
    return Ink(
        np.empty((2 * nodes + most, 2)), np.zeros(most + 1, np.int64), np.zeros(most + 1, np.int64),
        np.zeros(sheets + 1, np.int64), np.zeros(3, np.int64),
    )  # fmt: skip


# ------------------------------------------------------------------------------------------------------------- rings


class Pen(NamedTuple):
    """What draws the rings of one sheet.

    Its codes, the nodes in a row, and the first row and column; what is noted of rings and gates; the water; and what
    is added to the number of a ring where it is noted.
    """

    codes: Bytes
    width: Whole
    row: Whole
    column: Whole
    ring: Small
    shore: Bytes
    past: Bytes
    passed: Small
    points: Small
    wet: Bytes
    begin: Whole


@filling_inner
def _gate(low: Whole, high: Whole, near: Whole, far: Whole, plan: Plan) -> tuple[Whole, Whole, Whole]:
    """Where a contour crosses the way from a node inside to one outside, and from where to where it may be drawn.

    In decimetres from the node inside, never nearer than `near` or farther than `far`.
    """
    # No distance grows faster than the steepest; where water hides a node, it seems to.
    across = plan.cell * (2 * plan.inside + 1 - 2 * low) * _HALF[np.uint32(min(high - low, plan.steepest))] >> 20
    across = min(max(across, near), far)
    return across, max(across - plan.half, near), min(across + plan.half, far)


@filling_inner
def _narrowed(cone: tuple[Pair, Pair], left: Pair, right: Pair, passed: Whole) -> tuple[Pair, Pair]:
    """What can be seen from a vertex through one more gate, when it was seen through some that were passed."""
    lx, ly = left if passed == 0 or cone[0][0] * left[1] < cone[0][1] * left[0] else cone[0]
    rx, ry = right if passed == 0 or cone[1][0] * right[1] > cone[1][1] * right[0] else cone[1]
    return (lx, ly), (rx, ry)


@filling_inner
def _turn(low: Whole, high: Whole, right: Whole, front: Whole, plan: Plan) -> int:
    """Whether a contour turns to the right (1) or to the left (-1) in the cell ahead, or goes straight on.

    By the codes of the corners: those that it has at its left and at its right, and beyond them right and left.
    """
    if right > plan.inside:
        return 0 if front <= plan.inside else -1
    if front <= plan.inside:
        return 1
    least = min(high, front)  # two inside, in a diagonal: joined unless both others are far away
    return 1 if least < plan.farthest and low + right + 2 * least < 4 * plan.inside + 2 else -1


@filling_inner
def _is_canal(wet: Bytes, at: Pair, ahead: Pair, out: Pair) -> bool:
    """Whether, of the cell ahead, two corners are on land and the two others in water."""
    (row, column), (dx, dy), (ex, ey) = at, ahead, out
    land = wet[row, column] == 0 and wet[row + dy + ey, column + dx + ex] == 0
    return bool(land and wet[row + ey, column + ex] > 0 and wet[row + dy, column + dx] > 0)


@filling_inner
def _ring(pen: Pen, plan: Plan, start: Pair, up: Whole, done: Place) -> Place:
    """Draw a ring all around, inside at the left, from a gate: row and column of its node inside, up (1) or down (-1).

    From each vertex it runs straight on while it can end in the middle of a gate and pass those before it. Gates do not
    open nearer than narrower outlines went, nor into water. `done` has how many rings, vertices and passed gates there
    are. Returns how many vertices and passed gates there are then, and twice the area.
    """
    codes, marks, shores, past, passed, points = pen.codes, pen.ring, pen.shore, pen.past, pen.passed, pen.points
    width, cell, (row, column), (ring, n, m) = pen.width, plan.cell, start, done
    dx, dy, ex, ey = _ZERO, up, up, _ZERO  # one step of the grid ahead, and from the node inside outward
    ahead, out = dy * width, ex
    node, ox, oy = row * width + column, column * cell, row * cell
    low, high = np.int64(codes[np.uint32(node)]), np.int64(codes[np.uint32(node + out)])
    begun, fits, gates = _ZERO - 1, False, 0  # where it began; whether it can run on; gates passed since a vertex
    x = y = px = py = kx = ky = last = area = _ZERO
    cone: tuple[Pair, Pair] = (x, y), (x, y)
    while True:
        edge, far = 2 * (node + min(out, 0)) + dx * dx, shores[np.uint32(4 * node + 2 * ey * ey + (ex + ey < 0))]
        if dx == 0:
            marks[np.uint32(edge >> 1)] = ring + pen.begin
        across, least, most = _gate(low, high, max(np.int64(past[np.uint32(edge)]), np.int64(1)), np.int64(far), plan)
        lx, ly = x, y
        x, y = ox + ex * across, oy + ey * across
        tx, ty = x - px, y - py
        if fits and cone[1][0] * ty >= cone[1][1] * tx and tx * cone[0][1] >= ty * cone[0][0]:
            k = np.uint32(m)
            passed[k, 0], passed[k, 1], passed[k, 2], passed[k, 3] = last, kx, ky, n - 1
            gates, m = gates + 1, m + 1
        elif begun >= 0:  # a vertex in the gate before
            area += px * ly - py * lx
            points[np.uint32(n), 0], points[np.uint32(n), 1] = lx, ly
            px, py, n, gates = lx, ly, n + 1, 0
        qx, qy = ox - px, oy - py
        cone = _narrowed(cone, (qx + ex * least, qy + ey * least), (qx + ex * most, qy + ey * most), gates)
        fits = bool(begun >= 0 and cone[1][0] * cone[0][1] > cone[1][1] * cone[0][0])
        past[np.uint32(edge)] = across
        last, kx, ky = edge, ox, oy
        if begun == edge:
            points[np.uint32(n), 0], points[np.uint32(n), 1] = x, y
            return n + 1, m, area + px * y - py * x
        begun = edge if begun < 0 else begun
        right, front = np.int64(codes[np.uint32(node + ahead + out)]), np.int64(codes[np.uint32(node + ahead)])
        turn = _turn(low, high, right, front, plan)
        if turn > 0 and front > plan.inside and pen.wet.size > 0:
            spot = pen.row + oy // cell, pen.column + ox // cell
            turn = -1 if _is_canal(pen.wet, spot, (dx, dy), (ex, ey)) else turn
        if turn >= 0:
            node, ox, oy = node + ahead, ox + dx * cell, oy + dy * cell
        if turn > 0:
            low, node, ox, oy = right, node + out, ox + ex * cell, oy + ey * cell
            dx, dy, ex, ey, ahead, out = ex, ey, -dx, -dy, out, -ahead
        elif turn < 0:
            high = front
            dx, dy, ex, ey, ahead, out = -ex, -ey, dx, dy, -out, ahead
        else:
            low, high = front, right


@filling_inner
def _find(desk: Desk, sheets: Sheets, k: int, canvas: Canvas, plan: Plan, begin: Whole) -> Pair:
    """Find all rings around what is inside and draw them; they are met row by row, from below.

    Returns how many rings there are, and how many gates are passed.
    """
    place, words, first, passed = sheets.place[k], sheets.words, desk.first, _ZERO
    marks, rings, area, width = desk.ring, desk.rings, desk.area, 8 * place[WIDE]
    pen = Pen(
        sheets.codes[8 * place[START] :], width, place[ROW], 8 * place[WORD],
        marks, desk.shore, desk.past, desk.passed, desk.points, canvas.wet, begin,
    )  # fmt: skip
    shift = np.uint64(_FAR - plan.inside) * _LOWS  # adds a top bit to each code outside
    count = np.int64(0)
    for row in range(place[LOW], place[HIGH] + 1):
        left, before = -1, _TOPS >> _TOP
        for word in range(place[LEFT], place[RIGHT] + 1):
            outside = (words[place[START] + row * place[WIDE] + word] + shift) & _TOPS
            change = outside ^ (outside << _EIGHT | before)
            before = outside >> _TOP
            while change:
                bit = change & (~change + _ONE)
                change ^= bit
                column = 8 * word + np.int64(((bit >> _SEVEN) * _PLACES) >> _TOP)
                ring = marks[np.uint32(row * width + column - 1)] - begin
                if ring < 0:
                    ring, hole = count, np.int64(1 if outside & bit else 0)
                    rings[ring, _AROUND], rings[ring, _HOLE] = left, hole
                    done = ring, first[ring], passed
                    count += 1
                    first[count], passed, area[ring] = _ring(pen, plan, (row, column - hole), 2 * hole - 1, done)
                left = ring
    return count, passed


@filling_inner
def _is_wet(desk: Desk, sheets: Sheets, k: int, canvas: Canvas, plan: Plan, ring: Whole) -> bool:
    """Whether a ring has a box with unreached water in it."""
    place, codes, points, cell, wet, shore = (
        sheets.place[k], sheets.codes, desk.points, plan.cell, canvas.wet, canvas.shore
    )  # fmt: skip
    left = bottom = np.int64(2**31)
    right = top = np.int64(0)
    for at in range(desk.first[ring], desk.first[ring + 1]):
        x, y = np.int64(points[at, 0]), np.int64(points[at, 1])
        left, right, bottom, top = min(left, x), max(right, x), min(bottom, y), max(top, y)
    for row in range(bottom // cell + 1, top // cell + 1):
        for column in range(left // cell + 1, right // cell + 1):
            if codes[8 * (place[START] + row * place[WIDE]) + column] > plan.inside:
                r, c = place[ROW] + row, 8 * place[WORD] + column
                if wet[r, c] > 0:
                    return True
                for side in range(4):
                    if shore[r, 4 * c + side] < cell - 1:
                        return True
    return False


@filling_inner
def _keep(desk: Desk, sheets: Sheets, k: int, canvas: Canvas, plan: Plan, count: Whole) -> None:
    """Say which rings are kept, and in which order they are written: each that is no hole, then its holes.

    The ring to the left of one is around it when one of the two is a hole and the other is not; otherwise both have the
    same ring around them.
    """
    rings, area, water = desk.rings, desk.area, canvas.wet.size > 0
    for ring in range(count):
        left, hole = rings[ring, _AROUND], rings[ring, _HOLE]
        if left >= 0 and rings[left, _HOLE] == hole:
            left = rings[left, _AROUND]
        kept = left < 0 or rings[left, _KEPT] > 0
        if kept and hole and -area[ring] < 2 * plan.hole:
            kept = water and _is_wet(desk, sheets, k, canvas, plan, ring)
        rings[ring, _AROUND], rings[ring, _KEPT], rings[ring, _NEXT] = left, kept, -1
    for ring in range(count - 1, -1, -1):
        around = rings[ring, _AROUND]
        if rings[ring, _HOLE] and rings[ring, _KEPT]:
            rings[ring, _NEXT], rings[around, _NEXT] = rings[around, _NEXT], ring


@filling_inner
def _note(desk: Desk, count: Whole) -> None:
    """Note where the rings go through the gates that they pass, for the outlines around them: rounded up."""
    past, passed, points = desk.past, desk.passed, desk.points
    for k in range(count):
        edge, ox, oy, n = passed[k, 0], passed[k, 1], passed[k, 2], passed[k, 3]
        x, y = points[n, 0], points[n, 1]
        dx, dy = points[n + 1, 0] - x, points[n + 1, 1] - y
        through = y + (ox - x) * dy / dx - oy if edge & 1 else x + (oy - y) * dx / dy - ox
        past[edge] = int(abs(through) + (1 - 1e-7))


# --------------------------------------------------------------------------------------------------------- all of it


@filling_inner
def _write(ink: Ink, desk: Desk, place: Ints, canvas: Canvas, plan: Plan, count: Whole) -> None:
    """One outline, in metres: each ring that is no hole, then its holes."""
    rings, size, points, first, drawn = desk.rings, ink.size, desk.points, desk.first, ink.points
    x0, y0 = round(canvas.x * 10) + 8 * place[WORD] * plan.cell, round(canvas.y * 10) + place[ROW] * plan.cell
    n = size[0]
    for outer in range(count):
        if rings[outer, _HOLE] or not rings[outer, _KEPT]:
            continue
        ring = outer
        while ring >= 0:
            for k in range(first[ring], first[ring + 1]):
                drawn[n, 0], drawn[n, 1] = (x0 + points[k, 0]) / 10, (y0 + points[k, 1]) / 10
                n += 1
            size[1] += 1
            ink.rings[size[1]] = n
            ring = rings[ring, _NEXT]
        size[2] += 1
        ink.polygons[size[2]] = size[1]
    size[0] = n


@filling_inner
def _lay(desk: Desk, place: Ints, canvas: Canvas) -> None:
    """Lay the shores of a window on the desk."""
    shores, all_shores, width = desk.shore, canvas.shore, 32 * place[WIDE]
    for row in range(place[TALL]):
        for k in range(width):
            shores[row * width + k] = all_shores[place[ROW] + row, 32 * place[WORD] + k]


@filling
def outlines(sheets: Sheets, count: int, canvas: Canvas, plan: Plan, desk: Desk, ink: Ink) -> None:
    """Draw the outlines of the first sheets."""
    begin, size, marks, past, places = np.int64(0), ink.size, desk.ring, desk.past, sheets.place
    size[0] = size[1] = size[2] = 0
    for k in range(count):
        place = places[k]
        if k == 0 or places[k - 1, WALK] != place[WALK]:
            begin, nodes = np.int64(0), 8 * place[WIDE] * place[TALL]
            for node in range(nodes):
                marks[node] = -1
            for edge in range(2 * nodes):
                past[edge] = 0
            if canvas.wet.size > 0:
                _lay(desk, place, canvas)
        rings, passed = _find(desk, sheets, k, canvas, plan, begin)
        _keep(desk, sheets, k, canvas, plan, rings)
        if k + 1 < count and places[k + 1, WALK] == place[WALK]:
            _note(desk, passed)
        _write(ink, desk, place, canvas, plan, rings)
        ink.shapes[k + 1] = size[2]
        begin += rings
