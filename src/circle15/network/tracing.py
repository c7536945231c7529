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
    from circle15.network.drawing import Bytes, Canvas, Floats, Ints, Sheets, Small, Words

    Whole = int | np.int64
    Pair = tuple[Whole, Whole]
    Place = tuple[Whole, Whole, Whole]

_FAR = 127  # the highest code
_ZERO: Whole = np.int64(0)  # whole numbers that begin with it may grow in 64 bits
_HALF = 2**19 // np.maximum(np.arange(_FAR + 1), 1) + 1  # to multiply by what would be slow to divide by

_TOPS, _LOWS = np.uint64(0x8080808080808080), np.uint64(0x0101010101010101)
_PLACES = np.uint64(0x0001020304050607)  # a single bit 8k, times this, has k in the top byte
_ALL = np.uint64(2**64 - 1)
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

    `ring` at each edge of a row; where narrower outlines went through each edge (`past`, 0 for none). Ring k of a sheet
    has the vertices `points[first[k]:first[k + 1]]`, the first once more at the end, in decimetres of the window, and
    twice its `area`, in dm2. A row of `passed` is a gate that is passed without a vertex: its edge, the node inside in
    decimetres, and the vertex before. A row of `rings`: the ring to the left of where it was met, and then the one
    around it (-1: none); whether it is a hole, whether it is kept, the next ring to be written (-1: none), and the
    block that it is (-1: none). `gone` has, for each word of the sheet, the crossings that need no look, being those of
    blocks; it is blank between sheets. Rings are numbered through all sheets, so that none need be wiped out; `used`
    has how many there were before this sheet, and the gates passed in the last one.
    """

    ring: Small
    past: Bytes
    passed: Small
    points: Small
    rings: Small
    area: Ints
    first: Ints
    gone: Words
    used: Ints


def desk(nodes: int) -> Desk:
    """Scratch for sheets of so many nodes."""
    most = nodes // 2 + 1  # rings, of four gates or more, on two edges for each node
    return Desk(
        np.full(nodes, -1, np.int32), np.empty(2 * nodes, np.uint8), np.empty((2 * nodes, 4), np.int32),
        np.empty((2 * nodes + most, 2), np.int32), np.empty((most, 5), np.int32),
        np.zeros(most + 1, np.int64), np.zeros(most + 1, np.int64), np.zeros(nodes // 8, np.uint64),
        np.zeros(2, np.int64),
    )  # fmt: skip


AROUND, HOLE, KEPT, NEXT, BLOCK = range(5)  # what is in a row of rings


class Blocks(NamedTuple):
    """Holes around which every street is reached from almost everywhere: they are drawn once for the study.

    `words` has the codes of the canvas when every street is reached, and `far` how far an outline may go from each
    node, in decimetres to the right, to the left, up and down: not into water, nor into a block. `met` is the block
    whose border lies between a node and the next in its row (-1: none). A hole is a block where the codes in its
    `box` (first row and column, last row and column) are these; then it has the vertices
    `points[first[b]:first[b + 1]]`, in metres. One without vertices is too small to be kept. The words of its box, row
    by row, begin at `begin[b]` of `crossed`, which has the top bit of each code that its border separates from the one
    before.
    """

    words: Words
    far: Bytes
    met: Small
    box: Small
    first: Ints
    points: Floats
    begin: Ints
    crossed: Words


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


class Grid(NamedTuple):
    """What outlines are drawn on, and how."""

    canvas: Canvas
    blocks: Blocks
    plan: Plan


# ------------------------------------------------------------------------------------------------------------- rings


class Pen(NamedTuple):
    """What draws the rings of one sheet.

    Its codes, the nodes in a row, and the first row and column; how far outlines may go from the nodes of the canvas,
    and how many are in a row of it; what is noted of rings and gates; the water; and what is added to the number of a
    ring where it is noted.
    """

    codes: Bytes
    width: Whole
    row: Whole
    column: Whole
    far: Bytes
    columns: Whole
    ring: Small
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
    codes, marks, limits, past, passed, points = pen.codes, pen.ring, pen.far, pen.past, pen.passed, pen.points
    width, cell, (row, column), (ring, n, m) = pen.width, plan.cell, start, done
    dx, dy, ex, ey = _ZERO, up, up, _ZERO  # one step of the grid ahead, and from the node inside outward
    ahead, out, wide = dy * width, ex, pen.columns
    spot = (pen.row + row) * wide + pen.column + column  # the node on the canvas
    node, ox, oy = row * width + column, column * cell, row * cell
    low, high = np.int64(codes[np.uint32(node)]), np.int64(codes[np.uint32(node + out)])
    begun, fits, gates = _ZERO - 1, False, 0  # where it began; whether it can run on; gates passed since a vertex
    x = y = px = py = kx = ky = last = area = _ZERO
    cone: tuple[Pair, Pair] = (x, y), (x, y)
    while True:
        edge, far = 2 * (node + min(out, 0)) + dx * dx, limits[np.uint32(4 * spot + 2 * ey * ey + (ex + ey < 0))]
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
            here = pen.row + oy // cell, pen.column + ox // cell
            turn = -1 if _is_canal(pen.wet, here, (dx, dy), (ex, ey)) else turn
        if turn >= 0:
            node, spot, ox, oy = node + ahead, spot + dy * wide + dx, ox + dx * cell, oy + dy * cell
        if turn > 0:
            low, node, spot, ox, oy = right, node + out, spot + ey * wide + ex, ox + ex * cell, oy + ey * cell
            dx, dy, ex, ey, ahead, out = ex, ey, -dx, -dy, out, -ahead
        elif turn < 0:
            high = front
            dx, dy, ex, ey, ahead, out = -ex, -ey, dx, dy, -out, ahead
        else:
            low, high = front, right


@filling_inner
def _is_block(blocks: Blocks, block: Whole, words: Words, place: Ints, across: Whole) -> bool:
    """Whether a sheet has the codes of the canvas all around a block; so many words are in a row of the canvas."""
    box, every = blocks.box[block], blocks.words
    bottom, top = box[0] - place[ROW], box[2] - place[ROW]
    left, right = (box[1] >> 3) - place[WORD], (box[3] >> 3) - place[WORD]
    if bottom < place[LOW] or top > place[HIGH] or left < place[LEFT] or right > place[RIGHT]:
        return False
    head, tail = _ALL << np.uint64(8 * (box[1] & 7)), _ALL >> np.uint64(56 - 8 * (box[3] & 7))
    for row in range(bottom, top + 1):
        here, there = place[START] + row * place[WIDE], (place[ROW] + row) * across + place[WORD]
        for word in range(left, right + 1):
            mask = (head if word == left else _ALL) & (tail if word == right else _ALL)
            if (words[np.uint32(here + word)] ^ every[np.uint32(there + word)]) & mask:
                return False
    return True


@filling_inner
def _pass_by(desk: Desk, blocks: Blocks, block: Whole, place: Ints) -> None:
    """Have no look at what crosses the border of a block in a sheet."""
    box, gone, crossed, k = blocks.box[block], desk.gone, blocks.crossed, blocks.begin[block]
    left, right = (box[1] >> 3) - place[WORD], (box[3] >> 3) - place[WORD]
    for row in range(box[0] - place[ROW], box[2] - place[ROW] + 1):
        for at in range(row * place[WIDE] + left, row * place[WIDE] + right + 1):
            gone[np.uint32(at)] |= crossed[np.uint32(k)]
            k += 1


@filling_inner
def _find(desk: Desk, sheets: Sheets, k: int, grid: Grid) -> Whole:
    """Find all rings around what is inside and draw them, save blocks; they are met row by row, from below.

    Returns how many rings there are.
    """
    canvas, blocks, plan = grid
    place, words, first, passed, begin = sheets.place[k], sheets.words, desk.first, _ZERO, desk.used[0]
    start, wide, least, most = place[START], place[WIDE], place[LEFT], place[RIGHT]
    marks, rings, area, width = desk.ring, desk.rings, desk.area, 8 * wide
    gone, met = desk.gone, blocks.met
    pen = Pen(
        sheets.codes[8 * start :], width, place[ROW], 8 * place[WORD],
        blocks.far, canvas.columns, marks, desk.past, desk.passed, desk.points, canvas.wet, begin,
    )  # fmt: skip
    shift = np.uint64(_FAR - plan.inside) * _LOWS  # adds a top bit to each code outside
    count = np.int64(0)
    for row in range(place[LOW], place[HIGH] + 1):
        left, before, corner = _ZERO - 1, _TOPS >> _TOP, (place[ROW] + row) * canvas.columns + 8 * place[WORD] - 1
        begins = start + row * wide
        for word in range(least, most + 1):
            outside, at = (words[np.uint32(begins + word)] + shift) & _TOPS, np.uint32(row * wide + word)
            change = (outside ^ (outside << _EIGHT | before)) & ~gone[at]
            before = outside >> _TOP
            while change:
                bit = change & (~change + _ONE)
                change ^= bit
                column = 8 * word + np.int64(((bit >> _SEVEN) * _PLACES) >> _TOP)
                ring = marks[np.uint32(row * width + column - 1)] - begin
                if ring < 0:
                    block = np.int64(met[np.uint32(corner + column)])
                    ring, hole = count, np.int64(1 if outside & bit else 0)
                    if block >= 0 and not _is_block(blocks, block, words, place, canvas.columns >> 3):
                        block = np.int64(-1)
                    rings[ring, AROUND], rings[ring, HOLE], rings[ring, BLOCK] = left, hole, block
                    count += 1
                    if block >= 0:
                        first[count] = first[ring]
                        _pass_by(desk, blocks, block, place)
                        change &= ~gone[at]
                    else:
                        done = ring, first[ring], passed
                        first[count], passed, area[ring] = _ring(pen, plan, (row, column - hole), 2 * hole - 1, done)
                left = ring
            gone[at] = 0
    desk.used[1] = passed
    return count


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
def _keep(desk: Desk, sheets: Sheets, k: int, grid: Grid, count: Whole) -> None:
    """Say which rings are kept, and in which order they are written: each that is no hole, then its holes.

    The ring to the left of one is around it when one of the two is a hole and the other is not; otherwise both have the
    same ring around them.
    """
    (canvas, blocks, plan), rings, area = grid, desk.rings, desk.area
    water, first = canvas.wet.size > 0, blocks.first
    for ring in range(count):
        left, hole, block = rings[ring, AROUND], rings[ring, HOLE], rings[ring, BLOCK]
        if left >= 0 and rings[left, HOLE] == hole:
            left = rings[left, AROUND]
        kept = left < 0 or rings[left, KEPT] > 0
        if kept and block >= 0:
            kept = first[block] < first[block + 1]
        elif kept and hole and -area[ring] < 2 * plan.hole:
            kept = water and _is_wet(desk, sheets, k, canvas, plan, ring)
        rings[ring, AROUND], rings[ring, KEPT], rings[ring, NEXT] = left, kept, -1
    for ring in range(count - 1, -1, -1):
        around = rings[ring, AROUND]
        if rings[ring, HOLE] and rings[ring, KEPT]:
            rings[ring, NEXT], rings[around, NEXT] = rings[around, NEXT], ring


@filling_inner
def _note(desk: Desk) -> None:
    """Note where the rings go through the gates that they pass, for the outlines around them: rounded up."""
    past, passed, points = desk.past, desk.passed, desk.points
    for k in range(desk.used[1]):
        edge, ox, oy, n = passed[k, 0], passed[k, 1], passed[k, 2], passed[k, 3]
        x, y = points[n, 0], points[n, 1]
        dx, dy = points[n + 1, 0] - x, points[n + 1, 1] - y
        through = y + (ox - x) * dy / dx - oy if edge & 1 else x + (oy - y) * dx / dy - ox
        past[edge] = int(abs(through) + (1 - 1e-7))


# --------------------------------------------------------------------------------------------------------- all of it


@filling_inner
def _write(ink: Ink, desk: Desk, place: Ints, grid: Grid, count: Whole) -> None:
    """One outline, in metres: each ring that is no hole, then its holes."""
    (canvas, blocks, plan), rings, size, points, first, drawn = (
        grid, desk.rings, ink.size, desk.points, desk.first, ink.points
    )  # fmt: skip
    begins, known = blocks.first, blocks.points
    x = float(round(canvas.x * 10) + 8 * place[WORD] * plan.cell)
    y = float(round(canvas.y * 10) + place[ROW] * plan.cell)
    n = size[0]
    for outer in range(count):
        if rings[outer, HOLE] or not rings[outer, KEPT]:
            continue
        ring = outer
        while ring >= 0:
            block = rings[ring, BLOCK]
            if block >= 0:
                low, count = begins[block], begins[block + 1] - begins[block]
                for k in range(count):
                    here, there = np.uint32(n + k), np.uint32(low + k)
                    drawn[here, 0], drawn[here, 1] = known[there, 0], known[there, 1]
            else:
                low, count = first[ring], first[ring + 1] - first[ring]
                for k in range(count):
                    here, there = np.uint32(n + k), np.uint32(low + k)
                    drawn[here, 0], drawn[here, 1] = (x + points[there, 0]) / 10, (y + points[there, 1]) / 10
            n += count
            size[1] += 1
            ink.rings[size[1]] = n
            ring = rings[ring, NEXT]
        size[2] += 1
        ink.polygons[size[2]] = size[1]
    size[0] = n


@filling
def outlines(sheets: Sheets, count: int, grid: Grid, desk: Desk, ink: Ink) -> None:
    """Draw the outlines of the first sheets."""
    size, places, used, past = ink.size, sheets.place, desk.used, desk.past
    size[0] = size[1] = size[2] = 0
    for k in range(count):
        place = places[k]
        if k == 0 or places[k - 1, WALK] != place[WALK]:
            for edge in range(16 * place[WIDE] * place[TALL]):
                past[edge] = 0
        rings = _find(desk, sheets, k, grid)
        _keep(desk, sheets, k, grid, rings)
        _note(desk)
        _write(ink, desk, place, grid, rings)
        ink.shapes[k + 1] = size[2]
        used[0] += rings
