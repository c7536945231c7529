"""The compiled kernels of the isochrones: streets cut at a limit, and the distance from them on a grid.

The grid holds, at each node, a code: how much farther than the outline the nearest reached stretch is, in parts of a
cell. Whole pieces are stamped, from codes that were worked out once for the study; only stretches that end at the
limit, or at the origin, are measured anew. A node counts only for stretches from which it can be seen across no water.
Eight nodes of a row are one word of codes: it is filled, stamped and searched in one go.

As in `search`, a kernel calls only kernels of its own file. `tracing` draws the outlines. Kernels fill what they are
given and ask numpy for nothing: arrays are made in `canvas` and `isochrones`, which compiles in half the time.
"""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from circle15.network.kernels import filling, filling_inner
from circle15.network.search import NEVER

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]
    Small = NDArray[np.int32]
    Ints = NDArray[np.int64]
    Words = NDArray[np.uint64]
    Floats = NDArray[np.float64]
    Whole = int | np.int64
    Cut = tuple[float, float, float, float, Whole, Whole]

RADIUS_M = 25.0  # [P] a street serves the houses along it
DECK_M = 12.0  # [P] a way over water is drawn so wide to either side
CODES = 77.5  # codes for each cell; seven bits hold all that matters to the outline and a node beside it
INSIDE, SHORE, FAR = 79, 80, 127  # the outline lies between the first two; the last is the highest
BEYOND = 0.4  # cells that codes reach beyond the outline: farther ones would move it by less than a metre
LAST = INSIDE + 1 + int(CODES * BEYOND)  # the highest code but for that of what is not near
LOOKAHEAD = 60  # vertices that are looked at together when lines are thinned

_TOPS = np.uint64(0x8080808080808080)  # the top bit of each code in a word, which no code has
_BLANK = np.uint64(0x7F7F7F7F7F7F7F7F)  # a word of codes that are `FAR`
_SEVEN, _EIGHT = np.uint64(7), np.uint64(8)


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
    ticks: Small
    metres: Floats


class Walks(NamedTuple):
    """What searches reached, one after the other: walk k reached `vertices[first[k]:first[k + 1]]` after `ticks`.

    Each began on a piece, at a share of it, after some ticks.
    """

    first: Ints
    vertices: Small
    ticks: Small
    piece: Small
    share: Floats
    start: Ints


# -------------------------------------------------------------------------------------------------- reached streets


class Listed(NamedTuple):
    """What one walk reaches within each limit, and the scratch to find it.

    `starts` holds when each side of a piece is begun (`NEVER` between walks), `touched` the pieces. For each limit
    `counts` has the number of pieces that are whole since this limit, and of stretches that end at it; `whole` has
    the piece and its first ticks, `part` the same for stretches, `span` their shares; `metres` is all that is reached.
    """

    starts: Small
    touched: Small
    counts: Ints
    whole: Small
    part: Small
    span: Floats
    metres: Floats


def blank_list(pieces: int, room: int, limits: int) -> Listed:
    """Room to list, of so many pieces, those that can be touched at once."""
    return Listed(
        np.full(2 * pieces, NEVER, np.int32),
        np.empty(room + 1, np.int32),
        np.empty((limits, 2), np.int64),
        np.empty((limits, room, 2), np.int32),
        np.empty((limits, 2 * room + 1, 2), np.int32),
        np.empty((limits, 2 * room + 1, 2)),
        np.empty(limits),
    )


@filling_inner
def _begin(streets: Streets, walks: Walks, walk: Whole, found: Listed) -> Whole:
    """When each side of each piece can be begun; returns how many pieces are touched."""
    starts, touched, count = found.starts, found.touched, np.int64(0)
    first, vertices, ticks, begins, sides = walks.first, walks.vertices, walks.ticks, streets.first, streets.sides
    for k in range(first[walk], first[walk + 1]):
        vertex, at = np.uint32(vertices[k]), np.int64(ticks[k])
        for arc in range(begins[vertex], begins[np.uint32(vertex + 1)]):
            side = np.uint32(sides[np.uint32(arc)])
            touched[np.uint32(count)] = side >> 1
            count += starts[side] == NEVER and starts[np.uint32(side ^ 1)] == NEVER
            starts[side] = min(np.int64(starts[side]), at)
    own = walks.piece[walk]
    if starts[2 * own] == NEVER and starts[2 * own + 1] == NEVER:
        touched[count] = own
        count += 1
    return count


@filling_inner
def _cut(first: Whole, last: Whole, ticks: tuple[Whole, Whole], own: tuple[float, Whole], limit: Whole) -> Cut:
    """Cut a piece at a limit: what is reached from either end and, on the own piece, from the middle.

    `first` and `last` are when its start and its end are reached, `ticks` those of the whole piece along and against
    its geometry, `own` the share and the ticks in the middle (`NEVER`: the walk began elsewhere). Returns the shares
    that are reached: 0 to the first, the second to the third, the last to 1, empty ones outside of 0 to 1; and the
    ticks of the stretches from the start and from the end.
    """
    ahead, low, high, back = -1.0, 2.0, -1.0, 2.0
    if first < limit:
        ahead = 1.0 if ticks[0] <= limit - first else (limit - first) / ticks[0]
    if last < limit:
        back = 0.0 if ticks[1] <= limit - last else 1.0 - (limit - last) / ticks[1]
    if own[1] < limit:
        left = float(limit - own[1])
        low = max(0.0, own[0] - left / ticks[1]) if ticks[1] < NEVER else own[0]
        high = min(1.0, own[0] + left / ticks[0]) if ticks[0] < NEVER else own[0]
        if low <= ahead:
            ahead, first, low = max(ahead, high), min(first, own[1]), 2.0
        elif high >= back:
            back, last, low = min(back, low), min(last, own[1]), 2.0
    return ahead, low, high, back, first, last


@filling
def enlist(streets: Streets, walks: Walks, walk: Whole, limits: Ints, found: Listed) -> None:
    """List what a walk reaches within each limit; a piece is whole once, and no longer cut after that.

    Stretches that meet are one.
    """
    starts, touched, counts, wholes, parts, spans = (
        found.starts, found.touched, found.counts, found.whole, found.part, found.span
    )  # fmt: skip
    sides, lengths, metres = streets.ticks, streets.metres, found.metres
    start, own_piece, own_share = walks.start[walk], walks.piece[walk], walks.share[walk]
    for at in range(limits.size):
        counts[at, 0] = counts[at, 1] = 0
        metres[at] = 0.0
    for k in range(_begin(streets, walks, walk, found)):
        piece = np.uint32(touched[k])
        along, against = np.uint32(2 * piece), np.uint32(2 * piece + 1)
        first, last = np.int64(starts[along]), np.int64(starts[against])
        starts[along] = starts[against] = NEVER
        ticks = np.int64(sides[along]), np.int64(sides[against])
        own = start if piece == own_piece else np.int64(NEVER)
        soonest, whole = min(first, last), False
        soonest = min(soonest, own)
        for at in range(limits.size):
            limit = limits[at]
            if not whole and soonest < limit:
                whole = bool(first + ticks[0] <= limit or last + ticks[1] <= limit)  # walked through in one go
                if not whole:
                    ahead, low, high, back, one, other = _cut(first, last, ticks, (own_share, own), limit)
                    whole = ahead >= min(back, 1.0) or back <= 0
                n = counts[at, 0] if whole else counts[at, 1]
                if whole:
                    wholes[at, n, 0], wholes[at, n, 1] = piece, soonest
                    counts[at, 0] = n + 1
                else:
                    for side in range(3):
                        begin = 0.0 if side == 0 else low if side == 1 else back
                        end = ahead if side == 0 else high if side == 1 else 1.0
                        if begin <= end:
                            parts[at, n, 0], parts[at, n, 1] = piece, one if side == 0 else own if side == 1 else other
                            spans[at, n, 0], spans[at, n, 1] = begin, end
                            metres[at] += (end - begin) * lengths[piece]
                            n += 1
                    counts[at, 1] = n
            if whole:
                metres[at] += lengths[piece]


# ---------------------------------------------------------------------------------------------------- grid and water


class Canvas(NamedTuple):
    """The grid of the whole study: position of its first node, metres of a cell, its size; and the water on it.

    Without water all arrays are empty. `wet` says which nodes are in water; a row of `shore`, for each node in turn,
    how many decimetres one can go to the right, to the left, up and down before there is water, within the cell; the
    stretches of bank (x, y, x, y) in cell k are `bank[listed[first[k]:first[k + 1]]]`. `deck` marks the vertices of
    `Lines` after which the street is over water. There is a multiple of eight columns.
    """

    x: float
    y: float
    cell: float
    rows: int
    columns: int
    wet: Bytes
    shore: Bytes
    first: Small
    listed: Small
    bank: Floats
    deck: Bytes


class Sheet(NamedTuple):
    """A window of the canvas: its first row and column, how many words wide, and codes row by row.

    `words` and `codes` are the same memory.
    """

    row: Whole
    column: Whole
    wide: Whole
    words: Words
    codes: Bytes


@filling_inner
def _crosses(ax: float, ay: float, bx: float, by: float, bank: Floats) -> bool:
    """Whether the straight line from a to b crosses a stretch of bank."""
    dx, dy, ex, ey = bx - ax, by - ay, bank[2] - bank[0], bank[3] - bank[1]
    one = dx * (bank[1] - ay) - dy * (bank[0] - ax)
    two = dx * (bank[3] - ay) - dy * (bank[2] - ax)
    three = ex * (ay - bank[1]) - ey * (ax - bank[0])
    four = ex * (by - bank[1]) - ey * (bx - bank[0])
    return bool((one > 0) != (two > 0) and (three > 0) != (four > 0))


@filling_inner
def _past_water(canvas: Canvas, at: tuple[int, int], street: tuple[float, float], deck: int, code: int) -> int:
    """The code of a node for a place on a street, in metres from the first node, when there is water in the study.

    Decks have codes in water only. There, all other streets have codes just above the contour, so that it runs along
    the shore and not before it. On land they have none where water lies between.
    """
    if canvas.wet[at] > 0:
        return code if deck > 0 else max(code, SHORE)
    if deck > 0:
        return FAR
    cell, (bx, by), first, listed, banks = canvas.cell, street, canvas.first, canvas.listed, canvas.bank
    ax, ay, x0, y0 = at[1] * cell, at[0] * cell, canvas.x, canvas.y
    for row in range(int(min(ay, by) / cell), int(max(ay, by) / cell) + 1):
        for column in range(int(min(ax, bx) / cell), int(max(ax, bx) / cell) + 1):
            k = row * canvas.columns + column
            for j in range(first[k], first[k + 1]):
                if _crosses(ax + x0, ay + y0, bx + x0, by + y0, banks[listed[j]]):
                    return FAR
    return code


@filling_inner
def _window(cell: float, low: float, high: float) -> tuple[int, int]:
    """The grid lines that a stretch between two coordinates can reach."""
    reach = RADIUS_M + BEYOND * cell
    return int((low - reach) / cell) + 1, int((high + reach) / cell)


@filling_inner
def _draw(sheet: Sheet, canvas: Canvas, lines: Lines, known: tuple[Small, Bytes], parts: Small, spans: Floats) -> None:
    """Lower the codes of a sheet to those of stretches of pieces, from share to share.

    `known` has the boxes of the pieces, and what codes are not lowered below, on the whole canvas, or nothing.
    """
    (box, least), bounded = known, known[1].size > 0
    cell, codes, first, xs, ys, shares, decks = (
        canvas.cell,
        sheet.codes,
        lines.first,
        lines.x,
        lines.y,
        lines.share,
        canvas.deck,
    )
    scale = CODES / cell
    for job in range(len(parts)):
        piece, low, high = parts[job, 0], spans[job, 0], spans[job, 1]
        wet = box[piece, 4] > 0
        for v in range(first[piece], first[piece + 1] - 1):
            s0, s1 = shares[v], shares[v + 1]
            if s1 < low or s0 > high:
                continue
            u0, u1 = 0.0, 1.0
            if s1 > s0:
                u0, u1 = max(0.0, (low - s0) / (s1 - s0)), min(1.0, (high - s0) / (s1 - s0))
            dx, dy = xs[v + 1] - xs[v], ys[v + 1] - ys[v]
            ax, ay = xs[v] + u0 * dx - canvas.x, ys[v] + u0 * dy - canvas.y
            dx, dy = (u1 - u0) * dx, (u1 - u0) * dy
            inverse = 1.0 / max(dx * dx + dy * dy, 1e-12)
            deck = decks[v] if wet else 0
            more = INSIDE + 1 - scale * (DECK_M if deck else RADIUS_M)
            left, right = _window(cell, min(ax, ax + dx), max(ax, ax + dx))
            bottom, top = _window(cell, min(ay, ay + dy), max(ay, ay + dy))
            for row in range(bottom, top + 1):
                py = row * cell - ay
                at, whole = (row - sheet.row) * 8 * sheet.wide - sheet.column, row * canvas.columns
                for column in range(left, right + 1):
                    px = column * cell - ax
                    along = min(1.0, max(0.0, (px * dx + py * dy) * inverse))
                    ex, ey = px - along * dx, py - along * dy
                    code = int(sqrt(ex * ex + ey * ey) * scale + more)
                    code = max(code, 0) if code <= LAST else FAR
                    node = np.uint32(at + column)
                    if wet and code < codes[node]:
                        code = _past_water(canvas, (row, column), (ax + along * dx, ay + along * dy), deck, code)
                    if bounded:
                        code = max(code, least[np.uint32(whole + column)])
                    codes[node] = min(code, codes[node])


@filling
def thinned(lines: Lines, deck: Bytes, tolerance: float, first: Ints, kept: Ints) -> Whole:
    """List the vertices to keep, so that none left out is farther than the tolerance from where it would be drawn.

    Fills where each piece now begins, and which vertices are kept; returns how many.
    """
    x, y, shares, begins = lines.x, lines.y, lines.share, lines.first
    n, most = np.int64(0), tolerance * tolerance
    for piece in range(begins.size - 1):
        first[piece] = n
        low, end = begins[piece], begins[piece + 1] - 1
        kept[n] = low
        n += 1
        while low < end:
            high, fits = low + 1, True
            while fits and high < end and high < low + LOOKAHEAD:
                x0, y0, s0 = x[low], y[low], shares[low]
                dx, dy, share = x[high + 1] - x0, y[high + 1] - y0, shares[high + 1] - s0
                fits = deck.size == 0 or deck[high] == deck[low]
                for k in range(low + 1, high + 1):
                    part = (shares[k] - s0) / share if share > 0 else 0.0
                    ex, ey = x0 + part * dx - x[k], y0 + part * dy - y[k]
                    fits = fits and ex * ex + ey * ey <= most
                high += fits
            low = high
            kept[n] = low
            n += 1
    first[begins.size - 1] = n
    return n


# ------------------------------------------------------------------------------------------------------------ stamps


class Stamps(NamedTuple):
    """Codes of whole pieces, so that most streets need no geometry.

    A row of `box` has the rows and columns of a piece, both ends included, and 1 where there is water near; the words
    of piece p, row by row, begin at `first[p]`. `words` and `codes` are the same memory.
    """

    first: Ints
    words: Words
    codes: Bytes
    box: Small


@filling_inner
def _lower(one: np.uint64, other: np.uint64) -> np.uint64:
    """The lower of the two codes in each place of two words."""
    least = (((one | _TOPS) - other) & _TOPS) >> _SEVEN  # 1 in each code where the other is not above the one
    return one ^ ((one ^ other) & ((least << _EIGHT) - least))


@filling
def stamps(canvas: Canvas, lines: Lines, known: Stamps, job: tuple[Small, Floats], every: Words) -> None:
    """Fill the stamps of all pieces, and lower the codes of the canvas, `every`, to those of all of them."""
    part, whole = job
    box, first, words, codes = known.box, known.first, known.words, known.codes
    for piece in range(len(box)):
        low, high, start = first[piece], first[piece + 1], box[piece, 1] >> 3
        for k in range(low, high):
            words[k] = _BLANK
        part[0, 0] = piece
        sheet = Sheet(
            np.int64(box[piece, 0]), np.int64(8 * start), np.int64((box[piece, 3] >> 3) - start + 1),
            words[low:high], codes[8 * low : 8 * high],
        )  # fmt: skip
        _draw(sheet, canvas, lines, (box, codes[:0]), part, whole)
    for piece in range(len(box)):
        part[0, 0] = piece
        _stamp(Sheet(np.int64(0), np.int64(0), np.int64(canvas.columns >> 3), every, codes), known, part)


@filling_inner
def _stamp(sheet: Sheet, known: Stamps, pieces: Small) -> None:
    """Lower the codes of a sheet to those of some whole pieces."""
    wide, words, box, first, stamped = sheet.wide, sheet.words, known.box, known.first, known.words
    for job in range(len(pieces)):
        piece = pieces[job, 0]
        start, k = box[piece, 1] >> 3, first[piece]
        corner, across = start - (sheet.column >> 3), (box[piece, 3] >> 3) - start + 1
        for row in range(box[piece, 0] - sheet.row, box[piece, 2] - sheet.row + 1):
            for at in range(row * wide + corner, row * wide + corner + across):
                words[np.uint32(at)] = _lower(words[np.uint32(at)], stamped[np.uint32(k)])
                k += 1


# ------------------------------------------------------------------------------------------------------------ sheets


class World(NamedTuple):
    """What all walks of a study share; `least` has the codes of the canvas when every street is reached."""

    streets: Streets
    lines: Lines
    canvas: Canvas
    known: Stamps
    least: Bytes


class Sheets(NamedTuple):
    """Drawn windows: where each lies, metres of street in it; and codes, the same memory as words and as bytes.

    A row of `place` has the walk and the position in the limits; first row, first word, rows and words of the window;
    the first and last row, and the first and last word that hold anything, counted in the window; and the word that
    its codes begin at. All windows of one walk are the same, and one of more minutes holds all that is in one of fewer.
    """

    place: Ints
    metres: Floats
    words: Words
    codes: Bytes


def blank_sheets(words: int, limits: int) -> Sheets:
    """Room for sheets of so many words in all."""
    room = np.empty(words, np.uint64)
    most = words // 4 + limits  # the least window has more words
    return Sheets(np.empty((most, 11), np.int64), np.empty(most), room, room.view(np.uint8))


WALK, POSITION, ROW, WORD, TALL, WIDE, LOW, HIGH, LEFT, RIGHT, START = range(11)  # what is in a place


@filling_inner
def _stretch(box: Small, piece: int, place: Ints) -> None:
    """Stretch the used part of a place, in rows and columns of the study, over a piece."""
    around = box[piece]
    place[LOW] = min(place[LOW], np.int64(around[0]))
    place[LEFT] = min(place[LEFT], np.int64(around[1]))
    place[HIGH] = max(place[HIGH], np.int64(around[2]))
    place[RIGHT] = max(place[RIGHT], np.int64(around[3]))


@filling_inner
def _lay_out(found: Listed, box: Small, walk: Whole, sheets: Sheets, n: Whole) -> tuple[Whole, Whole]:
    """Places for what one walk reaches within each limit, from row n of `place` on; returns how many, and their words.

    There is a node to spare on every side.
    """
    place, counts, whole, part, count = sheets.place, found.counts, found.whole, found.part, np.int64(0)
    for at in range(len(counts)):
        row = place[n + count]
        row[LOW], row[HIGH], row[LEFT], row[RIGHT] = 2**31, -1, 2**31, -1
        if count > 0:
            for k in range(LOW, RIGHT + 1):
                row[k] = place[n + count - 1, k]
        for k in range(counts[at, 0]):
            _stretch(box, whole[at, k, 0], row)
        for k in range(counts[at, 1]):
            _stretch(box, part[at, k, 0], row)
        if row[HIGH] >= 0:
            row[WALK], row[POSITION] = walk, at
            sheets.metres[n + count] = found.metres[at]
            count += 1
    if count == 0:
        return count, count
    last = place[n + count - 1]
    top, start = last[LOW] - 1, (last[LEFT] - 1) >> 3
    tall, wide = last[HIGH] + 2 - top, ((last[RIGHT] + 1) >> 3) + 1 - start
    for k in range(n, n + count):
        row = place[k]
        row[ROW], row[WORD], row[TALL], row[WIDE] = top, start, tall, wide
        row[LOW], row[HIGH] = row[LOW] - 1 - top, row[HIGH] + 1 - top
        row[LEFT], row[RIGHT] = ((row[LEFT] - 1) >> 3) - start, ((row[RIGHT] + 1) >> 3) - start
    return count, count * tall * wide


@filling
def draw(
    world: World, walks: Walks, limits: Ints, found: Listed, sheets: Sheets, walk: Whole
) -> tuple[Whole, Whole, Whole]:
    """Draw what each walk reaches within each limit, from one walk on, while there is room.

    Returns the next walk, the sheets drawn, and the words that the next walk needs (0: all are drawn). What reaches
    nothing has no sheet.
    """
    known, box, n, end, streets = world.known, world.known.box, np.int64(0), np.int64(0), world.streets
    places, room, bytes_of, canvas, lines = sheets.place, sheets.words, sheets.codes, world.canvas, world.lines
    counts, whole, part, span, last = found.counts, found.whole, found.part, found.span, walks.first.size - 1
    while walk < last:
        enlist(streets, walks, walk, limits, found)
        count, need = _lay_out(found, box, walk, sheets, n)
        if end + need > room.size:
            return walk, n, need
        for k in range(n, n + count):
            place = places[k]
            place[START], size, at = end, place[TALL] * place[WIDE], place[POSITION]
            words, codes = room[end : end + size], bytes_of[8 * end : 8 * (end + size)]
            sheet = Sheet(place[ROW], 8 * place[WORD], place[WIDE], words, codes)
            before = room[max(end - size, 0) : end]
            for j in range(size):
                words[j] = before[j] if k > n else _BLANK
            _stamp(sheet, known, whole[at, : counts[at, 0]])
            some = counts[at, 1]
            _draw(sheet, canvas, lines, (box, world.least), part[at, :some], span[at, :some])
            end += size
        n += count
        walk += 1
    return walk, n, np.int64(0)
