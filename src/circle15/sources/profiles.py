"""Heights along the streets: sampled, repaired at bridges and tunnels, smoothed, and no steeper than streets are.

Heights belong to *slots*: one for every node, which all its ways share, and one for every vertex between nodes. The
order is: sample; forget what a surface model cannot know (decks, tunnels and their approaches); smooth along ways;
hold to the caps; let what was forgotten run straight between what is known; hold to the caps once more.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import shapely
from scipy.sparse import csr_array, diags_array
from scipy.sparse.linalg import spsolve

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from circle15.sources.terrain import Terrain

AT_ONCE = 1 << 16  # lines that are drawn together
PIECE_M = 15.0  # no stretch between two heights is longer
APPROACH_M = 30.0  # so far from a deck or a portal a cell of 30 m still reads it
SMOOTHINGS = 4  # passes of half and half over stretches of 15 m: a bell of 21 m to each side, a window of 45 m
CLIMBING = ("stairs", "escalator", "lift", "cable_car")  # kinds whose rise has a rule of its own


@dataclass(frozen=True)
class Lines:
    """Many lines as plain arrays: their vertices one after another, and where each line begins.

    Parameters
    ----------
    xy : ndarray, shape (vertices, 2)
        Metres in the study CRS.
    start : ndarray of int, shape (lines + 1,)
        The first vertex of each line, and behind the last line the number of vertices.
    z : ndarray, shape (vertices,), optional
        Height of each vertex in metres; None for lines in the plane.

    Examples
    --------
    >>> two = Lines.of(np.array([shapely.LineString([(0, 0), (3, 4)]), shapely.LineString([(9, 9), (9, 8), (9, 6)])]))
    >>> two.start.tolist(), two.length.tolist()
    ([0, 2, 5], [5.0, 3.0])
    >>> two.drawn(np.array([1, 1]), back=np.array([False, True]))[1].wkt
    'LINESTRING (9 6, 9 8, 9 9)'
    """

    xy: NDArray[np.float64]
    start: NDArray[np.int64]
    z: NDArray[np.float64] | None = None

    @classmethod
    def of(cls, lines: NDArray[np.object_], *, heights: bool = False) -> Lines:
        """Line strings as arrays, with their heights (NaN where there are none) or in the plane."""
        points = shapely.get_coordinates(lines, include_z=heights)
        start = np.append(0, np.cumsum(shapely.get_num_coordinates(lines), dtype=np.int64))
        return cls(points[:, :2], start, points[:, 2] if heights else None)

    @cached_property
    def line(self) -> NDArray[np.int64]:
        """The line of each vertex."""
        return np.repeat(np.arange(len(self.start) - 1), np.diff(self.start))

    @cached_property
    def step(self) -> NDArray[np.float64]:
        """Metres from each vertex to the next of its line; 0 from its last."""
        x, y = np.diff(self.xy, axis=0, append=self.xy[-1:]).T
        step: NDArray[np.float64] = np.sqrt(x * x + y * y)
        step[self.start[1:] - 1] = 0.0
        return step

    @cached_property
    def length(self) -> NDArray[np.float64]:
        """Metres of each line."""
        return np.bincount(self.line, weights=self.step, minlength=len(self.start) - 1).astype(float)

    def turned(self, back: NDArray[np.bool_]) -> Lines:
        """The same lines, some of them from their last vertex to their first."""
        at = _vertices(self.start, np.arange(len(back)), back)
        return Lines(self.xy[at], self.start, None if self.z is None else self.z[at])

    def drawn(self, line: NDArray[np.int64], *, back: NDArray[np.bool_]) -> NDArray[np.object_]:
        """Line strings of some of the lines, turned round where asked."""
        drawn = np.empty(len(line), dtype=object)
        for first in range(0, len(line), AT_ONCE):
            some = slice(first, first + AT_ONCE)
            at = _vertices(self.start, line[some], back[some])
            points = self.xy[at] if self.z is None else np.column_stack([self.xy[at], self.z[at]])
            owner = np.repeat(np.arange(len(line[some])), np.diff(self.start)[line[some]])
            drawn[some] = shapely.linestrings(points, indices=owner)
        return drawn


def _vertices(start: NDArray[np.int64], line: NDArray[np.int64], back: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The vertices of some lines, one line after another; from last to first where asked."""
    sizes = start[line + 1] - start[line]
    begin = np.where(back, start[line + 1] - 1, start[line])
    along = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    vertices: NDArray[np.int64] = np.repeat(begin, sizes) + np.where(np.repeat(back, sizes), -along, along)
    return vertices


def profiles(pieces: pd.DataFrame, lines: Lines, terrain: Terrain) -> tuple[Lines, NDArray[np.float64]]:
    """Lines with heights, and the climb between the ends of each.

    Parameters
    ----------
    pieces : DataFrame
        One row per undirected piece, in the direction of its way: `way` (a number), `run_m`, `cap` (rise over run);
        `start` and `end`, numbers of nodes from 0 to `nodes` - 1; booleans `straight` (runs straight between its
        ends), `deck` (a bridge, a tunnel or a covered way), `steep` and `lift`.
    lines : Lines
        Those of the pieces, in the plane.
    terrain : Terrain
        Heights of the ground.

    Returns
    -------
    lines : Lines
        No stretch longer than 15 m; NaN all along where the height of an end is not known.
    climb : ndarray of float
        Metres from first to last point; NaN where not known. A deck that only one end holds is drawn level, and its
        climb is not known.
    """
    cut = _cut(pieces, lines)
    heights, lone = _heights(pieces, cut, terrain)
    z = heights[cut.slot]
    climb = z[cut.last] - z[cut.first]
    z[np.isnan(climb)[cut.line]] = np.nan
    climb[lone] = np.nan
    return Lines(cut.xy, np.append(cut.first, len(z)), z), climb


@dataclass(frozen=True)
class _Cut:
    """The vertices of all pieces, cut short; a slot holds one height, and lines share the slots of their nodes."""

    xy: NDArray[np.float64]
    line: NDArray[np.int64]
    slot: NDArray[np.int64]
    along: NDArray[np.float64]  # metres from the start of the line

    @cached_property
    def first(self) -> NDArray[np.intp]:
        """The first vertex of every line."""
        return np.flatnonzero(np.diff(self.line, prepend=-1))

    @cached_property
    def last(self) -> NDArray[np.intp]:
        """The last vertex of every line."""
        return np.append(self.first[1:], len(self.line)) - 1

    @cached_property
    def inner(self) -> NDArray[np.bool_]:
        """Vertices between the ends of a line."""
        inner = np.ones(len(self.line), dtype=bool)
        inner[self.first] = False
        inner[self.last] = False
        return inner

    @cached_property
    def after(self) -> NDArray[np.intp]:
        """The second vertex of every stretch; the first is the one before it."""
        return np.flatnonzero(self.line[1:] == self.line[:-1]) + 1

    @cached_property
    def step(self) -> NDArray[np.float64]:
        """Metres of every stretch."""
        return self.along[self.after] - self.along[self.after - 1]


def _cut(pieces: pd.DataFrame, lines: Lines) -> _Cut:
    xy, line = _segmentized(lines)
    total = np.cumsum(np.hypot(*np.diff(xy, axis=0, prepend=xy[:1]).T))
    first = np.flatnonzero(np.diff(line, prepend=-1))
    cut = _Cut(xy, line, np.empty(len(line), dtype=np.int64), total - total[first][line])
    cut.slot[cut.inner] = int(pieces["nodes"].iloc[0]) + np.arange(cut.inner.sum())
    cut.slot[cut.first] = pieces["start"]
    cut.slot[cut.last] = pieces["end"]
    return cut


def _segmentized(lines: Lines) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The vertices of lines and as many more as it takes for none to be over 15 m from the next; and their lines.

    What `shapely.segmentize` gives for each line of more than 15 m; there a vertex that is drawn twice counts once.
    """
    step, long = lines.step, (lines.length > PIECE_M)[lines.line]
    parts = np.where(long, np.maximum(np.ceil(step / PIECE_M), 1.0), 1.0).astype(np.int64)
    vertex = np.repeat(np.arange(len(parts)), parts)
    number = np.arange(len(vertex)) - np.repeat(np.cumsum(parts) - parts, parts)
    xy = lines.xy[vertex]
    between = np.flatnonzero(number)
    whose = vertex[between]
    share = number[between] * (step[whose] / parts[whose]) / step[whose]
    xy[between] += share[:, None] * (lines.xy[whose + 1] - lines.xy[whose])
    line = lines.line[vertex]
    again = np.append(False, (step[:-1] == 0) & long[1:])
    again[lines.start[:-1]] = False
    kept = ~again[vertex] | (number > 0)
    return (xy, line) if kept.all() else (xy[kept], line[kept])


def _heights(pieces: pd.DataFrame, cut: _Cut, terrain: Terrain) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The height of every slot, NaN where it is not known; and the decks that hang on one end only."""
    xy = np.empty((cut.slot.max() + 1, 2))
    xy[cut.slot] = cut.xy
    raw = terrain.ground(xy)
    drawn = (pieces["straight"] | pieces["steep"] | pieces["lift"]).to_numpy()
    raw[cut.slot[cut.inner & drawn[cut.line]]] = np.nan
    anchors, free = _anchors(pieces, raw)
    raw[free] = np.nan
    web = _hung(pieces, cut, raw, anchors=anchors, free=free)
    raw[web.free] = np.nan
    heights = _within_caps(_smoothed(raw, pieces, cut), pieces, cut)
    heights = _within_caps(_balanced(heights, web), pieces, cut)
    # what lies between known ends is straight
    z = heights[cut.slot]
    known = np.isfinite(z)
    if known.any():
        place = cut.line * (cut.along.max() + 1.0) + cut.along
        fill = ~known & cut.inner & (known[cut.first] & known[cut.last])[cut.line]
        heights[cut.slot[fill]] = np.interp(place[fill], place[known], z[known])
    return heights, web.lone


# ------------------------------------------------------------------------------------- what the terrain cannot know


def _anchors(pieces: pd.DataFrame, raw: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Of the nodes of bridges, tunnels, covered ways and ways to a lift: those on the ground, and those in the air.

    On the ground are the nodes where a connected run meets an ordinary way; where it meets none, stairs; else its loose
    ends. The landing of a lift is never taken for the ground.
    """
    start, end = pieces["start"].to_numpy(), pieces["end"].to_numpy()
    straight, count = pieces["straight"].to_numpy(), int(pieces["nodes"].iloc[0])
    both = np.concatenate([start, end])

    def touched(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
        return np.bincount(both[np.tile(mask, 2)], minlength=count)

    lift = pieces["lift"].to_numpy()
    rank = np.full(count, 3)
    rank[touched(straight) == 1] = 2
    rank[touched(pieces["steep"].to_numpy()) > 0] = 1
    rank[touched(~straight & ~lift & ~pieces["steep"].to_numpy()) > 0] = 0
    rank[touched(lift) > 0] = 4
    members = np.flatnonzero(touched(straight))
    run = _runs(start[straight], end[straight], count)
    usable = members[np.isfinite(raw[members]) & (rank[members] < 4)]  # noqa: PLR2004
    best = np.full(count, 9)
    np.minimum.at(best, run[usable], rank[usable])
    anchored = usable[rank[usable] == best[run[usable]]]
    # with only one end known, a run may go anywhere
    unsure = members[np.isnan(raw[members]) & (rank[members] == 0)]
    lone = np.bincount(run[anchored], minlength=count) < 2  # noqa: PLR2004
    anchored = anchored[~(lone & np.isin(np.arange(count), run[unsure]))[run[anchored]]]
    # a node on an ordinary way is never in the air, known or not; a landing that no way leads to is not known
    lonely = np.flatnonzero((touched(lift) > 0) & (touched(straight) == 0))
    free = np.setdiff1d(members[rank[members] > 0], anchored)
    return anchored, np.union1d(free, lonely)


def _runs(start: NDArray[np.int64], end: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """The lowest node of the connected run that each node belongs to."""
    run = np.arange(count)
    while True:
        low = np.minimum(run[start], run[end])
        if np.array_equal(low, run[start]) and np.array_equal(low, run[end]):
            return run
        np.minimum.at(run, start, low)
        np.minimum.at(run, end, low)
        run = run[run]


def _ordinary(pieces: pd.DataFrame) -> NDArray[np.bool_]:
    """Pieces that lie on the ground and are walked without steps."""
    ordinary: NDArray[np.bool_] = ~(pieces["straight"] | pieces["steep"] | pieces["lift"]).to_numpy()
    return ordinary


def _approaches(pieces: pd.DataFrame, cut: _Cut, anchors: NDArray[np.int64]) -> NDArray[np.int64]:
    """Slots on the ground less than 30 m along ways from where a deck, a tunnel or a roof begins.

    There a surface model still reads the deck, the hill over the portal or the valley under the abutment.
    """
    deck = pieces["deck"].to_numpy()
    portals = np.intersect1d(anchors, pieces[["start", "end"]].to_numpy()[deck])
    along = _ordinary(pieces)[cut.line[cut.after]]
    a, b = cut.slot[cut.after - 1][along], cut.slot[cut.after][along]
    away = np.full(cut.slot.max() + 1, APPROACH_M)
    away[portals] = 0.0
    away = _lowest(away, a, b, cut.step[along])  # a surface that rises a metre a metre is the distance
    ground = np.zeros(len(away), dtype=bool)
    ground[a] = ground[b] = True
    return np.flatnonzero(ground & (away < APPROACH_M))


@dataclass(frozen=True)
class _Web:
    """Stretches that hang between known heights: slots `a` and `b`, `metres` apart; `free` slots take their balance."""

    a: NDArray[np.int64]
    b: NDArray[np.int64]
    metres: NDArray[np.float64]
    free: NDArray[np.int64]
    lone: NDArray[np.bool_]  # of the pieces: decks that hang on one end only


def _hung(
    pieces: pd.DataFrame, cut: _Cut, raw: NDArray[np.float64], *, anchors: NDArray[np.int64], free: NDArray[np.int64]
) -> _Web:
    """The straight pieces and their approaches; approaches that hang on nothing stay on the ground."""
    near = _approaches(pieces, cut, anchors)
    start, end = pieces["start"].to_numpy(), pieces["end"].to_numpy()
    straight = pieces["straight"].to_numpy()
    run = _runs(start[straight], end[straight], len(raw))
    lone = np.bincount(run[anchors], minlength=len(raw))[run[start]] == 1
    lone = pieces["deck"].to_numpy() & (lone | _dangling(start, end, straight, np.isin(np.arange(len(raw)), anchors)))
    straight = straight & np.isin(run[start], run[anchors])
    held = np.isfinite(raw)
    held[free] = False
    held[near] = False
    beside = np.isin(cut.slot, near)
    close = (beside[cut.after - 1] | beside[cut.after]) & _ordinary(pieces)[cut.line[cut.after]]
    a = np.concatenate([start[straight], cut.slot[cut.after - 1][close]])
    b = np.concatenate([end[straight], cut.slot[cut.after][close]])
    metres = np.maximum(np.concatenate([pieces["run_m"].to_numpy()[straight], cut.step[close]]), 0.1)
    loose = np.zeros(len(raw), dtype=bool)
    loose[free] = True
    loose[near] = True
    known = loose | held
    hang = known[a] & known[b]
    a, b, metres = a[hang], b[hang], metres[hang]
    run = _runs(a, b, len(raw))
    grounded = np.isin(run, run[held & np.isin(np.arange(len(raw)), np.concatenate([a, b]))])
    back = near[~grounded[near] & np.isfinite(raw[near])]  # everything there is within 30 m of a portal
    loose[back] = False
    held[back] = True
    grounded = np.isin(run, run[held & np.isin(np.arange(len(raw)), np.concatenate([a, b]))])
    return _Web(a, b, metres, np.flatnonzero(loose & grounded), lone)


def _dangling(
    start: NDArray[np.int64], end: NDArray[np.int64], straight: NDArray[np.bool_], held: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Straight pieces on branches that lead to nothing held, so that they hang on one end."""
    left = straight.copy()
    while True:
        loose = (np.bincount(np.concatenate([start[left], end[left]]), minlength=len(held)) == 1) & ~held
        gone = left & (loose[start] | loose[end])
        if not gone.any():
            return straight & ~left
        left &= ~gone


def _balanced(heights: NDArray[np.float64], web: _Web) -> NDArray[np.float64]:
    """Give slots in the air the height that balances the stretches they hang on.

    Each is the mean of its neighbours weighted by 1 / length, which is linear interpolation where nothing branches.
    """
    if not len(web.free):
        return heights
    count = len(heights)
    pairs = (np.concatenate([web.a, web.b]), np.concatenate([web.b, web.a]))
    weights = csr_array((np.tile(1.0 / web.metres, 2), pairs), shape=(count, count))
    laplace: csr_array = (diags_array(weights.sum(axis=1)) - weights).tocsr()[web.free]
    known = np.nan_to_num(heights)
    known[web.free] = 0.0
    balanced = heights.copy()
    balanced[web.free] = spsolve(laplace[:, web.free].tocsc(), -(laplace @ known))
    return balanced


# ---------------------------------------------------------------------------------------------- smoothing and caps


def _smoothed(raw: NDArray[np.float64], pieces: pd.DataFrame, cut: _Cut) -> NDArray[np.float64]:
    """Bring each slot half way to the straight line between its neighbours on its way, several times over.

    A node is smoothed along every way that passes it; where a way ends its node stays. An even slope stays as it is.
    """
    ordinary, way = _ordinary(pieces), pieces["way"].to_numpy()
    at = np.flatnonzero(cut.inner & ordinary[cut.line])
    on = np.flatnonzero(  # a way goes on from one piece to the next
        (way[1:] == way[:-1]) & ordinary[1:] & ordinary[:-1] & (cut.slot[cut.last[:-1]] == cut.slot[cut.first[1:]])
    )
    before = cut.slot[np.concatenate([at - 1, cut.last[on] - 1])]
    here = cut.slot[np.concatenate([at, cut.last[on]])]
    after = cut.slot[np.concatenate([at + 1, cut.first[on + 1] + 1])]
    back = np.concatenate([cut.along[at] - cut.along[at - 1], cut.along[cut.last[on]] - cut.along[cut.last[on] - 1]])
    ahead = np.concatenate([cut.along[at + 1] - cut.along[at], cut.along[cut.first[on + 1] + 1]])
    share = np.divide(back, back + ahead, out=np.full(len(here), 0.5), where=back + ahead > 0)
    smooth = raw.copy()
    for _ in range(SMOOTHINGS):
        middle = smooth[before] * (1 - share) + smooth[after] * share
        pull = np.where(np.isfinite(middle) & np.isfinite(smooth[here]), (middle - smooth[here]) / 2, 0.0)
        ways = np.maximum(np.bincount(here, minlength=len(raw)), 1)
        smooth = smooth + np.bincount(here, weights=pull, minlength=len(raw)) / ways
    return smooth


def _within_caps(raw: NDArray[np.float64], pieces: pd.DataFrame, cut: _Cut) -> NDArray[np.float64]:
    """Move heights until no stretch is steeper than its kind may be, the largest move as small as it can be.

    The highest surface that keeps the caps and stays below every height, and the lowest one that stays above: their
    middle keeps the caps too (McShane 1934, Whitney 1934). Unknown slots pass the caps on and stay unknown.
    """
    climbing = (pieces["steep"] | pieces["lift"]).to_numpy()  # their own rules limit them
    capped = ~climbing[cut.line[cut.after]]
    after = cut.after[capped]
    cap = pieces["cap"].to_numpy()
    most = cut.step[capped] * cap[cut.line[after]]
    a, b = cut.slot[after - 1], cut.slot[after]
    unknown = np.isnan(raw)
    below = _lowest(np.where(unknown, np.inf, raw), a, b, most)
    above = -_lowest(np.where(unknown, np.inf, -raw), a, b, most)
    with np.errstate(invalid="ignore"):
        return np.where(unknown, np.nan, (below + above) / 2)


def _lowest(
    height: NDArray[np.float64], a: NDArray[np.int64], b: NDArray[np.int64], most: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The highest surface below `height` in which `a` and `b` differ by at most `most`."""
    low = height.copy()
    active = np.arange(len(a))
    while len(active):
        x, y, limit = a[active], b[active], most[active]
        before = low.copy()
        np.minimum.at(low, y, low[x] + limit)
        np.minimum.at(low, x, low[y] + limit)
        moved = low < before
        active = np.flatnonzero(moved[a] | moved[b])
    return low
