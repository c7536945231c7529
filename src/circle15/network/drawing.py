"""The compiled kernels of the isochrones: streets cut at a limit, and the distance from them on a grid.

The grid holds, at each node, a code: `CODES` times the metres to the nearest reached stretch, at most `FAR`. Whole
pieces are stamped, from codes that were worked out once for the study; only stretches that end at the limit, or at the
origin, are measured anew. A node counts only for stretches from which it can be seen across no water.

As in `search`, a kernel calls only kernels of its own file. `tracing` draws the outlines.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from circle15.network.kernels import compiled, inner
from circle15.network.search import NEVER

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]
    Small = NDArray[np.int32]
    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

RADIUS_M = 25.0  # [P] a street serves the houses along it
DECK_M = 12.0  # [P] a way over water is drawn so wide to either side
CODES = 5.1  # codes for each metre; the contour lies at 127.5, between two codes
BEYOND = 0.6  # cells that codes reach beyond the contour: farther ones would move it by less than a metre
SHORE, FAR = 128, 255  # the least code outside, and the highest
LOOKAHEAD = 60  # vertices that are looked at together when lines are thinned


class Lines(NamedTuple):
    """Geometry of the pieces: vertices `first[p]` to `first[p + 1]`, with their share of the length so far."""

    first: Ints
    x: Floats
    y: Floats
    share: Floats


class Streets(NamedTuple):
    """What is needed to cut streets: the sides of pieces that start at each vertex, their ticks, metres per piece.

    Side 2p runs along the geometry of piece p, side 2p + 1 against it; those of vertex v are at `first[v]` to
    `first[v + 1]`.
    """

    first: Ints
    sides: Small
    ticks: Ints
    metres: Floats


class Walks(NamedTuple):
    """What searches reached, one after the other: walk k reached `vertices[first[k]:first[k + 1]]` after `ticks`.

    Each began on a piece, at a share of it, after some ticks; the piece is -1 where the origin has no place.
    """

    first: Ints
    vertices: Small
    ticks: Small
    piece: Ints
    share: Floats
    start: Ints


class Own(NamedTuple):
    """Where one walk began."""

    piece: int
    share: float
    ticks: int


class Parts(NamedTuple):
    """Stretches of pieces: from share `low` to share `high` of the geometry, first reached after `ticks`."""

    piece: Small
    low: Floats
    high: Floats
    ticks: Small


# -------------------------------------------------------------------------------------------------- reached streets


@inner
def _begin(streets: Streets, walks: Walks, walk: int, starts: Small, touched: Small) -> int:
    """When each side of each piece can be begun; returns how many pieces are touched."""
    pieces = 0
    for k in range(walks.first[walk], walks.first[walk + 1]):
        vertex, at = walks.vertices[k], walks.ticks[k]
        for arc in range(streets.first[vertex], streets.first[vertex + 1]):
            side = streets.sides[arc]
            if starts[side] == NEVER and starts[side ^ 1] == NEVER:
                touched[pieces] = side >> 1
                pieces += 1
            starts[side] = min(starts[side], at)
    own = walks.piece[walk]
    if own >= 0 and starts[2 * own] == NEVER and starts[2 * own + 1] == NEVER:
        touched[pieces] = own
        pieces += 1
    return pieces


@inner
def _cut(ticks: Ints, starts: Small, piece: int, limit: int, own: Own, found: Floats) -> int:
    """Cut one piece at the limit: what is reached from either end and, on the own piece, from the middle.

    Stretches that meet are one. Returns how many there are; row k of `found` has low, high and first ticks.
    """
    # From the start: 0 to ahead; from the end: back to 1; empty ones lie outside of 0 to 1.
    ahead, back = -1.0, 2.0
    at_ahead, at_back = np.int64(starts[2 * piece]), np.int64(starts[2 * piece + 1])
    whole_ahead, whole_back = ticks[2 * piece], ticks[2 * piece + 1]
    if at_ahead < limit:
        ahead = 1.0 if whole_ahead <= limit - at_ahead else (limit - at_ahead) / whole_ahead
    if at_back < limit:
        back = 0.0 if whole_back <= limit - at_back else 1.0 - (limit - at_back) / whole_back
    count = 0
    if piece == own.piece and own.ticks < limit:
        left = float(limit - own.ticks)
        low = max(0.0, own.share - left / whole_back) if whole_back < NEVER else own.share
        high = min(1.0, own.share + left / whole_ahead) if whole_ahead < NEVER else own.share
        if low <= ahead:
            ahead, at_ahead = max(ahead, high), min(at_ahead, np.int64(own.ticks))
        elif high >= back:
            back, at_back = min(back, low), min(at_back, np.int64(own.ticks))
        else:
            found[0, 0], found[0, 1], found[0, 2] = low, high, own.ticks
            count = 1
    if ahead >= 0 and ahead >= back:
        found[count, 0], found[count, 1], found[count, 2] = 0.0, 1.0, min(at_ahead, at_back)
        return count + 1
    if ahead >= 0:
        found[count, 0], found[count, 1], found[count, 2] = 0.0, ahead, at_ahead
        count += 1
    if back <= 1:
        found[count, 0], found[count, 1], found[count, 2] = back, 1.0, at_back
        count += 1
    return count


@compiled
def parts(streets: Streets, walks: Walks, limit: int) -> Parts:
    """The stretches that the first walk reaches within the limit."""
    pieces = streets.metres.size
    starts, touched = np.full(2 * pieces, NEVER, np.int32), np.empty(pieces + 1, np.int32)
    own = Own(walks.piece[0], walks.share[0], walks.start[0])
    count = _begin(streets, walks, 0, starts, touched)
    room = 3 * count
    piece, ticks = np.empty(room, np.int32), np.empty(room, np.int32)
    low, high = np.empty(room), np.empty(room)
    found = np.empty((3, 3))
    n = 0
    for k in range(count):
        for j in range(_cut(streets.ticks, starts, touched[k], limit, own, found)):
            piece[n], low[n], high[n], ticks[n] = touched[k], found[j, 0], found[j, 1], int(found[j, 2])
            n += 1
    return Parts(piece[:n], low[:n], high[:n], ticks[:n])


# ---------------------------------------------------------------------------------------------------- grid and water


class Canvas(NamedTuple):
    """The grid of the whole study: position of its first node, metres of a cell, its size; and the water on it.

    Without water all arrays are empty. `wet` says which nodes are in water; `bank` how many decimetres it is from a
    node to water along the grid edges to the right, from the right, upward and from above (0 for none); the stretches
    of shore (x, y, x, y) in cell k are `shore[listed[first[k]:first[k + 1]]]`. `deck` marks the vertices of `Lines`
    after which the street is over water.
    """

    x: float
    y: float
    cell: float
    rows: int
    columns: int
    wet: Bytes
    bank: Bytes
    first: Small
    listed: Small
    shore: Floats
    deck: Bytes


class Sheet(NamedTuple):
    """A window of the canvas: its first row and column, its width, and codes row by row."""

    row: int
    column: int
    width: int
    codes: Bytes


@compiled
def flood(canvas: Canvas) -> None:
    """Find the nodes in water, and the way to it along the edges of the grid, from the shore alone."""
    wet, bank, whole = canvas.wet, canvas.bank, round(canvas.cell * 10)
    for k in range(len(canvas.shore)):
        for axis in range(2):  # 0: crossings of rows, 1: of columns
            shift, other = (canvas.x, canvas.y) if axis == 0 else (canvas.y, canvas.x)
            a, c = (canvas.shore[k, axis] - shift) / canvas.cell, (canvas.shore[k, 2 + axis] - shift) / canvas.cell
            b, d = (canvas.shore[k, 1 - axis] - other) / canvas.cell, (canvas.shore[k, 3 - axis] - other) / canvas.cell
            for line in range(int(np.ceil(min(b, d))), int(np.ceil(max(b, d)))):
                at = a + (c - a) * (line - b) / (d - b)
                node = int(np.floor(at))
                decimetres = (at - node) * whole
                row, column = (line, node) if axis == 0 else (node, line)
                if not (0 <= row < canvas.rows and 0 <= column < canvas.columns):
                    continue
                for side in range(2):
                    near = max(1, int(decimetres if side == 0 else whole - decimetres))
                    if bank[2 * axis + side, row, column] == 0 or bank[2 * axis + side, row, column] > near:
                        bank[2 * axis + side, row, column] = near
                if axis == 0 and column + 1 < canvas.columns:
                    wet[row, column + 1] ^= 1
    for row in range(canvas.rows):
        for column in range(1, canvas.columns):
            wet[row, column] ^= wet[row, column - 1]


@inner
def _crosses(ax: float, ay: float, bx: float, by: float, shore: Floats) -> bool:
    """Whether the straight line from a to b crosses a stretch of shore."""
    dx, dy, ex, ey = bx - ax, by - ay, shore[2] - shore[0], shore[3] - shore[1]
    one = dx * (shore[1] - ay) - dy * (shore[0] - ax)
    two = dx * (shore[3] - ay) - dy * (shore[2] - ax)
    three = ex * (ay - shore[1]) - ey * (ax - shore[0])
    four = ex * (by - shore[1]) - ey * (bx - shore[0])
    return bool((one > 0) != (two > 0) and (three > 0) != (four > 0))


@inner
def _past_water(canvas: Canvas, at: tuple[int, int], street: tuple[float, float], deck: int, code: int) -> int:
    """The code of a node for a place on a street, in metres from the first node, when there is water in the study.

    Decks have codes in water only. There, all other streets have codes just above the contour, so that it runs along
    the shore and not before it. On land they have none where water lies between.
    """
    if canvas.wet[at] > 0:
        return code if deck > 0 else max(code, SHORE)
    if deck > 0:
        return FAR
    cell, (bx, by) = canvas.cell, street
    ax, ay = at[1] * cell, at[0] * cell
    for row in range(int(min(ay, by) / cell), int(max(ay, by) / cell) + 1):
        for column in range(int(min(ax, bx) / cell), int(max(ax, bx) / cell) + 1):
            k = row * canvas.columns + column
            for listed in canvas.listed[canvas.first[k] : canvas.first[k + 1]]:
                if _crosses(ax + canvas.x, ay + canvas.y, bx + canvas.x, by + canvas.y, canvas.shore[listed]):
                    return FAR
    return code


@inner
def _clipped(s0: float, s1: float, low: float, high: float) -> tuple[float, float]:
    """The part of a line from share `s0` to `s1` of a piece that lies from `low` to `high`."""
    span = s1 - s0
    if span <= 0:
        return 0.0, 1.0
    return max(0.0, (low - s0) / span), min(1.0, (high - s0) / span)


@inner
def _window(canvas: Canvas, low: float, high: float, origin: float) -> tuple[int, int]:
    """The grid lines that a stretch between two coordinates can reach."""
    reach = RADIUS_M + BEYOND * canvas.cell
    return int((low - reach - origin) / canvas.cell) + 1, int((high + reach - origin) / canvas.cell)


@inner
def _draw(sheet: Sheet, canvas: Canvas, lines: Lines, box: Small, pieces: Small, spans: Floats) -> None:
    """Lower the codes of a sheet to those of some stretches of pieces, from share to share."""
    cell, codes = canvas.cell, sheet.codes
    reach2 = (RADIUS_M + BEYOND * cell) ** 2
    for job in range(len(pieces)):
        piece, low, high = pieces[job], spans[job, 0], spans[job, 1]
        water = box[piece, 4] > 0
        for v in range(lines.first[piece], lines.first[piece + 1] - 1):
            s0, s1 = lines.share[v], lines.share[v + 1]
            if s1 < low or s0 > high:
                continue
            u0, u1 = _clipped(s0, s1, low, high)
            dx, dy = lines.x[v + 1] - lines.x[v], lines.y[v + 1] - lines.y[v]
            ax, ay = lines.x[v] + u0 * dx - canvas.x, lines.y[v] + u0 * dy - canvas.y
            dx, dy = (u1 - u0) * dx, (u1 - u0) * dy
            inverse = 1.0 / max(dx * dx + dy * dy, 1e-12)
            deck = canvas.deck[v] if water else 0
            more = (RADIUS_M - DECK_M) * CODES * deck + 0.5
            left, right = _window(canvas, min(ax, ax + dx), max(ax, ax + dx), 0.0)
            bottom, top = _window(canvas, min(ay, ay + dy), max(ay, ay + dy), 0.0)
            for row in range(bottom, top + 1):
                py = row * cell - ay
                at = (row - sheet.row) * sheet.width - sheet.column
                for column in range(left, right + 1):
                    px = column * cell - ax
                    along = min(1.0, max(0.0, (px * dx + py * dy) * inverse))
                    ex, ey = px - along * dx, py - along * dy
                    square = ex * ex + ey * ey
                    if square >= reach2:
                        continue
                    code = int(np.sqrt(square) * CODES + more)
                    if code < codes[at + column]:
                        if water:
                            code = _past_water(canvas, (row, column), (ax + along * dx, ay + along * dy), deck, code)
                        codes[at + column] = min(code, codes[at + column])


@compiled
def thinned(lines: Lines, deck: Bytes, tolerance: float) -> tuple[Lines, Bytes]:
    """The lines with fewer vertices, none left out that is farther than the tolerance from where it would be drawn."""
    first, kept = lines.first.copy(), np.empty(lines.x.size, np.int64)
    n = 0
    for piece in range(lines.first.size - 1):
        first[piece] = n
        low, end = lines.first[piece], lines.first[piece + 1] - 1
        kept[n] = low
        n += 1
        while low < end:
            high, fits = low + 1, True
            while fits and high < min(end, low + LOOKAHEAD):
                dx, dy = lines.x[high + 1] - lines.x[low], lines.y[high + 1] - lines.y[low]
                share = lines.share[high + 1] - lines.share[low]
                fits = deck.size == 0 or deck[high] == deck[low]
                for k in range(low + 1, high + 1):
                    part = (lines.share[k] - lines.share[low]) / share if share > 0 else 0.0
                    ex, ey = lines.x[low] + part * dx - lines.x[k], lines.y[low] + part * dy - lines.y[k]
                    fits = fits and ex * ex + ey * ey <= tolerance * tolerance
                high += fits
            low = high
            kept[n] = low
            n += 1
    first[-1] = n
    kept = kept[:n]
    flags = deck[kept] if deck.size > 0 else deck
    return Lines(first, lines.x[kept], lines.y[kept], lines.share[kept]), flags


# ------------------------------------------------------------------------------------------------------------ stamps


class Stamps(NamedTuple):
    """Codes of whole pieces, so that most streets need no geometry: runs of nodes in a row, and the box of each piece.

    The runs of piece p are `first[p]` to `first[p + 1]`; run k starts at a row and a column of the canvas and has
    `codes[start[k]:start[k + 1]]`. Boxes are rows and columns, both ends included, and 1 where there is water near.
    """

    first: Ints
    row: Small
    column: Small
    start: Ints
    codes: Bytes
    box: Small


@inner
def _boxes(canvas: Canvas, lines: Lines) -> Small:
    """The rows and columns that each piece can reach, and whether there is water."""
    pieces = lines.first.size - 1
    box = np.empty((pieces, 5), np.int32)
    for piece in range(pieces):
        low, high = lines.first[piece], lines.first[piece + 1]
        x, y = lines.x[low:high], lines.y[low:high]
        box[piece, 1], box[piece, 3] = _window(canvas, x.min(), x.max(), canvas.x)
        box[piece, 0], box[piece, 2] = _window(canvas, y.min(), y.max(), canvas.y)
        box[piece, 4] = 0
        if canvas.wet.size > 0:
            left, right = box[piece, 1] - 1, box[piece, 3] + 1
            for row in range(box[piece, 0] - 1, box[piece, 2] + 2):
                cell = row * canvas.columns
                shore = canvas.first[cell + right + 1] > canvas.first[cell + left]
                if shore or canvas.wet[row, left : right + 1].any():
                    box[piece, 4] = 1
    return box


@compiled
def stamps(canvas: Canvas, lines: Lines) -> Stamps:
    """Stamps of all pieces."""
    box = _boxes(canvas, lines)
    size, runs = np.int64(0), np.int64(0)
    for piece in range(len(box)):
        tall = box[piece, 2] - box[piece, 0] + 1
        runs += tall
        size += tall * (box[piece, 3] - box[piece, 1] + 1)
    first, codes = np.zeros(len(box) + 1, np.int64), np.empty(size, np.uint8)
    row, column, start = np.empty(runs, np.int32), np.empty(runs, np.int32), np.zeros(runs + 1, np.int64)
    run, end = 0, 0
    whole = np.array([[0.0, 1.0]])
    for piece in range(len(box)):
        width, tall = box[piece, 3] - box[piece, 1] + 1, box[piece, 2] - box[piece, 0] + 1
        sheet = Sheet(box[piece, 0], box[piece, 1], width, np.full(tall * width, FAR, np.uint8))
        _draw(sheet, canvas, lines, box, np.array([piece], np.int32), whole)
        for r in range(tall):
            line = sheet.codes[r * width : (r + 1) * width]
            left, right = 0, width
            while left < right and line[left] == FAR:
                left += 1
            while left < right and line[right - 1] == FAR:
                right -= 1
            if left == right:
                continue
            row[run], column[run] = box[piece, 0] + r, box[piece, 1] + left
            codes[end : end + right - left] = line[left:right]
            end += right - left
            run += 1
            start[run] = end
        first[piece + 1] = run
    return Stamps(first, row[:run], column[:run], start[: run + 1], codes[:end].copy(), box)


@inner
def _stamp(sheet: Sheet, known: Stamps, pieces: Small) -> None:
    """Lower the codes of a sheet to those of some whole pieces."""
    codes, stamped = sheet.codes, known.codes
    for piece in pieces:
        for run in range(known.first[piece], known.first[piece + 1]):
            at = (known.row[run] - sheet.row) * sheet.width + known.column[run] - sheet.column
            start = known.start[run]
            for k in range(known.start[run + 1] - start):
                codes[at + k] = min(codes[at + k], stamped[start + k])


# ------------------------------------------------------------------------------------------------------------ sheets


class Counts(NamedTuple):
    """Pieces still touched, whole ones and stretches listed, and their metres."""

    left: int
    wholes: int
    parts: int
    whole_metres: float
    metres: float


class Jobs(NamedTuple):
    """What one limit adds to a window: whole pieces, and stretches of pieces from share to share."""

    whole: Small
    piece: Small
    span: Floats


@inner
def _list(streets: Streets, starts: Small, touched: Small, left: int, cut: tuple[int, Own], jobs: Jobs) -> Counts:
    """List what is reached within a limit on the touched pieces; whole ones are listed once and touched no longer."""
    limit, own = cut
    found = np.empty((3, 3))
    wholes, stretches, k = 0, 0, 0
    whole_metres, metres = 0.0, 0.0
    while k < left:
        piece = touched[k]
        ahead = starts[2 * piece] + streets.ticks[2 * piece]
        if min(ahead, starts[2 * piece + 1] + streets.ticks[2 * piece + 1]) <= limit:
            count, found[0, 0], found[0, 1] = 1, 0.0, 1.0
        else:
            count = _cut(streets.ticks, starts, piece, limit, own, found)
        if count > 0 and found[0, 0] == 0.0 and found[0, 1] == 1.0:
            jobs.whole[wholes] = piece
            wholes += 1
            whole_metres += streets.metres[piece]
            starts[2 * piece] = starts[2 * piece + 1] = NEVER
            left -= 1
            touched[k] = touched[left]  # the last piece takes its place
            continue
        for j in range(count):
            jobs.piece[stretches], jobs.span[stretches, 0], jobs.span[stretches, 1] = piece, found[j, 0], found[j, 1]
            metres += (found[j, 1] - found[j, 0]) * streets.metres[piece]
            stretches += 1
        k += 1
    return Counts(left, wholes, stretches, whole_metres, metres)


class World(NamedTuple):
    """What all walks of a study share."""

    streets: Streets
    lines: Lines
    canvas: Canvas
    known: Stamps


class Sheets(NamedTuple):
    """Drawn windows: the walk of each, the position in the limits, metres of street; where it lies, and its codes.

    `window` has the first row and column, rows, and columns; `used` the first and last row and column that hold
    anything, counted in the window; sheet k has the codes from `start[k]` to `start[k + 1]`. All windows of one walk
    are the same, and one of more minutes holds all that is in one of fewer.
    """

    walk: Ints
    position: Ints
    metres: Floats
    window: Ints
    used: Ints
    start: Ints
    codes: Bytes


@inner
def _around(box: Small, pieces: Small, window: Ints) -> None:
    """Set a window around some pieces, with a node to spare on every side."""
    low_row, low_column, high_row, high_column = 2**31, 2**31, 0, 0
    for piece in pieces:
        low_row, low_column = min(low_row, box[piece, 0]), min(low_column, box[piece, 1])
        high_row, high_column = max(high_row, box[piece, 2]), max(high_column, box[piece, 3])
    window[0], window[1] = low_row - 1, low_column - 1
    window[2], window[3] = high_row - low_row + 3, high_column - low_column + 3


@inner
def _use(box: Small, pieces: Small, window: Ints, used: Ints) -> None:
    """Note that some pieces are drawn on a window."""
    row, column = window[0], window[1]
    for piece in pieces:
        used[0], used[1] = min(used[0], box[piece, 0] - row - 1), min(used[1], box[piece, 1] - column - 1)
        used[2], used[3] = max(used[2], box[piece, 2] - row + 1), max(used[3], box[piece, 3] - column + 1)


class Scratch(NamedTuple):
    """Scratch of `sheets`: per side of a piece when it is begun (`NEVER` between walks), pieces touched, and jobs."""

    starts: Small
    touched: Small
    jobs: Jobs


def scratch(pieces: int) -> Scratch:
    """Scratch for so many pieces."""
    jobs = Jobs(np.empty(pieces + 1, np.int32), np.empty(3 * pieces + 3, np.int32), np.empty((3 * pieces + 3, 2)))
    return Scratch(np.full(2 * pieces, NEVER, np.int32), np.empty(pieces + 1, np.int32), jobs)


@compiled
def sheets(world: World, walks: Walks, limits: Ints, work: Scratch) -> Sheets:
    """What each walk reaches within each limit; what reaches nothing has no sheet."""
    starts, touched, jobs = work
    box, room = world.known.box, (walks.first.size - 1) * limits.size
    of_walk, of_limit, metres = np.empty(room, np.int64), np.empty(room, np.int64), np.empty(room)
    windows, start, used = np.empty((room, 4), np.int64), np.zeros(room + 1, np.int64), np.empty((room, 4), np.int64)
    codes, window, extent = np.empty(room * 4096, np.uint8), np.empty(4, np.int64), np.empty(4, np.int64)
    n = 0
    for walk in range(walks.first.size - 1):
        own = Own(walks.piece[walk], walks.share[walk], walks.start[walk])
        left = _begin(world.streets, walks, walk, starts, touched)
        if left == 0:
            continue
        _around(box, touched[:left], window)
        extent[0], extent[1], extent[2], extent[3] = window[2], window[3], 0, 0
        size, fresh, whole = window[2] * window[3], True, 0.0
        for position in range(limits.size):
            found = _list(world.streets, starts, touched, left, (limits[position], own), jobs)
            left = found.left
            whole += found.whole_metres
            wholes, stretches = jobs.whole[: found.wholes], jobs.piece[: found.parts]
            _use(box, wholes, window, extent)
            _use(box, stretches, window, extent)
            if extent[2] == 0:
                continue
            low = start[n]
            if low + size > codes.size:
                codes = np.concatenate((codes[:low], np.empty(max(low, limits.size * size), np.uint8)))
            sheet = Sheet(window[0], window[1], window[3], codes[low : low + size])
            if fresh:
                sheet.codes[:] = FAR
            else:
                sheet.codes[:] = codes[low - size : low]
            fresh = False
            _stamp(sheet, world.known, wholes)
            _draw(sheet, world.canvas, world.lines, box, stretches, jobs.span)
            of_walk[n], of_limit[n], metres[n], start[n + 1] = walk, position, whole + found.metres, low + size
            windows[n], used[n] = window, extent
            n += 1
        for k in range(left):
            starts[2 * touched[k]] = starts[2 * touched[k] + 1] = NEVER
    return Sheets(of_walk[:n], of_limit[:n], metres[:n], windows[:n], used[:n], start[: n + 1], codes[: start[n]])
