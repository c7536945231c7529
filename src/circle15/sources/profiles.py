"""Heights along the streets: sampled, repaired at bridges and tunnels, smoothed, and no steeper than streets are.

Heights belong to *slots*: one for every node, which all its ways share, and one for every vertex between nodes. The
order is: sample; forget what a surface model cannot know (decks, tunnels and their approaches); smooth along ways;
hold to the caps; let what was forgotten run straight between what is known; hold to the caps once more.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

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
    z[cut.spread(np.isnan(climb))] = np.nan
    climb[lone] = np.nan
    return replace(cut.lines, z=z), climb


@dataclass(frozen=True)
class _Cut:
    """The lines of all pieces, cut short; a slot holds one height, and lines share those of nodes, which come first."""

    lines: Lines
    slot: NDArray[np.int64]  # of every vertex
    along: NDArray[np.float64]  # metres from the start of the line
    start: NDArray[np.int64]  # the slot of the first vertex of every line
    end: NDArray[np.int64]
    nodes: int

    @property
    def first(self) -> NDArray[np.int64]:
        """The first vertex of every line."""
        return self.lines.start[:-1]

    @property
    def last(self) -> NDArray[np.int64]:
        """The last vertex of every line."""
        return self.lines.start[1:] - 1

    @cached_property
    def inner(self) -> NDArray[np.bool_]:
        """Vertices between the ends of a line; their slots stand in their order behind those of the nodes."""
        inner = np.ones(len(self.along), dtype=bool)
        inner[self.first] = False
        inner[self.last] = False
        return inner

    @cached_property
    def step(self) -> NDArray[np.float64]:
        """Metres from every vertex to the next of its line; infinite after its last."""
        step = np.diff(self.along, append=0.0)
        step[self.last] = np.inf
        return step

    @cached_property
    def at_nodes(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The lines that end at nodes, node after node, and where those of each node begin."""
        both = np.concatenate([self.start, self.end])
        begin = np.append(0, np.cumsum(np.bincount(both, minlength=self.nodes)))
        return np.argsort(both, kind="stable") % max(len(self.start), 1), begin

    def spread(self, values: NDArray[Any]) -> NDArray[Any]:
        """What is said of every line, said of all its vertices."""
        return np.repeat(values, np.diff(self.lines.start))


def _cut(pieces: pd.DataFrame, lines: Lines) -> _Cut:
    short = _segmentized(lines)
    x, y = short.xy.T
    along = np.cumsum(np.hypot(np.diff(x, prepend=x[:1]), np.diff(y, prepend=y[:1])))
    along -= np.repeat(along[short.start[:-1]], np.diff(short.start))
    start, end = pieces["start"].to_numpy(dtype=np.int64), pieces["end"].to_numpy(dtype=np.int64)
    cut = _Cut(short, np.empty(len(along), dtype=np.int64), along, start, end, int(pieces["nodes"].iloc[0]))
    cut.slot[cut.inner] = cut.nodes + np.arange(cut.inner.sum())
    cut.slot[cut.first] = cut.start
    cut.slot[cut.last] = cut.end
    return cut


def _segmentized(lines: Lines) -> Lines:
    """Lines with as many more vertices as it takes for none to be over 15 m from the next.

    What `shapely.segmentize` gives for each line of more than 15 m; there a vertex that is drawn twice counts once.
    """
    step, long = lines.step, np.repeat(lines.length > PIECE_M, np.diff(lines.start))
    parts = np.where(long, np.maximum(np.ceil(step / PIECE_M), 1.0), 1.0).astype(np.int64)
    again = np.append(False, long[1:] & (step[:-1] == 0))[: len(step)]
    again[lines.start[:-1]] = False
    begin = np.append(0, np.cumsum(parts - again))
    xy = np.empty((begin[-1], 2))
    for low in range(0, len(step), AT_ONCE):
        some = slice(low, low + AT_ONCE)
        vertex = np.repeat(np.arange(low, low + len(step[some])), parts[some])
        number = np.arange(len(vertex)) - np.repeat(np.cumsum(parts[some]) - parts[some], parts[some])
        points = lines.xy[vertex]
        more = np.flatnonzero(number)
        after = vertex[more]
        share = number[more] * (step[after] / parts[after]) / step[after]
        points[more] += share[:, None] * (lines.xy[after + 1] - lines.xy[after])
        xy[begin[low] : begin[low + len(step[some])]] = points[~again[vertex] | (number > 0)]
    return Lines(xy, begin[lines.start])


def _heights(pieces: pd.DataFrame, cut: _Cut, terrain: Terrain) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The height of every slot, NaN where it is not known; and the decks that hang on one end only."""
    raw = np.empty((cut.nodes + int(cut.inner.sum()), 2))
    raw[cut.slot] = cut.lines.xy
    raw = terrain.ground(raw)
    drawn = (pieces["straight"] | pieces["steep"] | pieces["lift"]).to_numpy()
    raw[cut.slot[cut.inner & cut.spread(drawn)]] = np.nan
    anchors, free = _anchors(pieces, raw)
    raw[free] = np.nan
    web = _hung(pieces, cut, raw, anchors=anchors, free=free)
    raw[web.free] = np.nan
    most = cut.step * cut.spread(pieces["cap"].to_numpy())
    most[cut.spread((pieces["steep"] | pieces["lift"]).to_numpy())] = np.inf  # their own rules limit them
    heights = _within_caps(_smoothed(raw, pieces, cut), cut, most)
    heights = _within_caps(_balanced(heights, web), cut, most)
    _fill(heights, cut)
    return heights, web.lone


def _fill(heights: NDArray[np.float64], cut: _Cut) -> None:
    """What lies between known ends is straight."""
    z = heights[cut.slot]
    known = np.isfinite(z)
    held = known[cut.first] & known[cut.last]
    fill = cut.spread(held) & ~known
    if fill.any():
        line = np.repeat(np.arange(len(held)), np.diff(cut.lines.start))
        place = line * (cut.along.max() + 1.0) + cut.along
        heights[cut.slot[fill]] = np.interp(place[fill], place[known], z[known])


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
    if not len(portals):
        return portals
    ordinary = cut.spread(_ordinary(pieces))
    away = np.full(cut.nodes + int(cut.inner.sum()), APPROACH_M)
    away[portals] = 0.0
    # a surface that rises a metre a metre is the distance
    away = _lowest(away, cut, np.where(ordinary, cut.step, np.inf))
    ground = np.zeros(len(away), dtype=bool)
    ground[cut.slot[ordinary]] = True
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
    held, loose = np.isfinite(raw), np.zeros(len(raw), dtype=bool)
    for slots in (free, near):
        held[slots] = False
        loose[slots] = True
    beside = np.zeros(len(raw), dtype=bool)
    beside[near] = True
    beside = beside[cut.slot]
    at = np.flatnonzero((beside[:-1] | beside[1:]) & np.isfinite(cut.step[:-1]) & cut.spread(_ordinary(pieces))[:-1])
    a = np.concatenate([start[straight], cut.slot[at]])
    b = np.concatenate([end[straight], cut.slot[at + 1]])
    metres = np.maximum(np.concatenate([pieces["run_m"].to_numpy()[straight], cut.step[at]]), 0.1)
    known = loose | held
    hang = known[a] & known[b]
    a, b, metres = a[hang], b[hang], metres[hang]
    run = _runs(a, b, len(raw))
    grounded = _grounded(run, a, b, held)
    back = near[~grounded[near] & np.isfinite(raw[near])]  # everything there is within 30 m of a portal
    loose[back] = False
    held[back] = True
    return _Web(a, b, metres, np.flatnonzero(loose & _grounded(run, a, b, held)), lone)


def _grounded(
    run: NDArray[np.int64], a: NDArray[np.int64], b: NDArray[np.int64], held: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Slots whose connected run has a held one at one of its stretches."""
    ends = np.concatenate([a, b])
    grounded = np.zeros(len(run), dtype=bool)
    grounded[run[ends[held[ends]]]] = True
    return grounded[run]


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
    on = np.flatnonzero(  # a way goes on from one piece to the next
        (way[1:] == way[:-1]) & ordinary[1:] & ordinary[:-1] & (cut.end[:-1] == cut.start[1:])
    )
    here, before, after = cut.end[on], cut.last[on] - 1, cut.first[on + 1] + 1
    ways = np.maximum(np.bincount(here, minlength=cut.nodes), 1)
    passing = _share(cut.along[cut.last[on]] - cut.along[before], cut.along[after])
    step = np.diff(cut.along)
    share = _share(step[:-1], step[1:])
    still = ~(cut.inner & cut.spread(ordinary))[1:-1]
    nodes, z = raw[: cut.nodes], raw[cut.slot]
    for _ in range(SMOOTHINGS):
        pull = _pull(z[:-2], z[1:-1], z[2:], share)
        pull[still] = 0.0
        at_nodes = _pull(z[before], nodes[here], z[after], passing)
        z[1:-1] += pull
        nodes = nodes + np.bincount(here, weights=at_nodes, minlength=cut.nodes) / ways
        z[cut.first], z[cut.last] = nodes[cut.start], nodes[cut.end]
    return np.concatenate([nodes, z[cut.inner]])


def _share(back: NDArray[np.float64], ahead: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far along from its neighbour behind to that ahead a vertex lies."""
    both = back + ahead
    share: NDArray[np.float64] = np.divide(back, both, out=np.full(len(both), 0.5), where=both > 0)
    return share


def _pull(
    before: NDArray[np.float64], here: NDArray[np.float64], after: NDArray[np.float64], share: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Half the way to the straight line between the neighbours; nothing where one of the heights is not known."""
    middle = before * (1 - share) + after * share
    pull: NDArray[np.float64] = (middle - here) / 2
    pull[~np.isfinite(pull)] = 0.0
    return pull


def _within_caps(raw: NDArray[np.float64], cut: _Cut, most: NDArray[np.float64]) -> NDArray[np.float64]:
    """Move heights until none differs by more than `most` from the next of its line, as little as that allows.

    The highest surface that keeps the caps and stays below every height, and the lowest one that stays above: their
    middle keeps the caps too, and the largest move is as small as it can be (McShane 1934, Whitney 1934). Unknown slots
    pass the caps on and stay unknown.
    """
    unknown = np.isnan(raw)
    below = _lowest(np.where(unknown, np.inf, raw), cut, most)
    above = -_lowest(np.where(unknown, np.inf, -raw), cut, most)
    with np.errstate(invalid="ignore"):
        return np.where(unknown, np.nan, (below + above) / 2)


def _lowest(height: NDArray[np.float64], cut: _Cut, most: NDArray[np.float64]) -> NDArray[np.float64]:
    """The highest surface below `height` in which no vertex differs by more than `most` from the next of its line.

    Only lines that break a limit are looked at, and then those that meet one whose heights moved.
    """
    low = height.copy()
    z = low[cut.slot]
    over = (z[:-1] + most[:-1] < z[1:]) | (z[1:] + most[:-1] < z[:-1])
    lines = _lines_of(cut, np.flatnonzero(over))
    meeting, begin = cut.at_nodes if len(lines) else (lines, lines)
    while len(lines):
        at = _ranges(cut.first[lines], cut.last[lines])
        a, b, limit = cut.slot[at], cut.slot[at + 1], most[at]
        was = low[a], low[b]
        np.minimum.at(low, b, low[a] + limit)
        np.minimum.at(low, a, low[b] + limit)
        moved = (low[a] < was[0]) | (low[b] < was[1])
        nodes = np.concatenate([a[moved], b[moved]])
        nodes = np.unique(nodes[nodes < cut.nodes])
        others = meeting[_ranges(begin[nodes], begin[nodes + 1])]
        lines = np.unique(np.concatenate([_lines_of(cut, at[moved]), others]))
    return low


def _lines_of(cut: _Cut, vertices: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.unique(np.searchsorted(cut.lines.start, vertices, side="right") - 1)


def _ranges(first: NDArray[np.int64], end: NDArray[np.int64]) -> NDArray[np.int64]:
    """The whole numbers from each first to below its end, one after another."""
    sizes = end - first
    numbers: NDArray[np.int64] = np.arange(sizes.sum()) + np.repeat(first - np.cumsum(sizes) + sizes, sizes)
    return numbers
