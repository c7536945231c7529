"""The streets as arrays: nodes, pieces and, for one walker, the directed graph that is searched.

Private ways may be walked only at the start or at the end of a walk. Every node that a private link touches therefore
stands three times in the graph: in the private ground that a walk starts from, in the public streets, and in the
private ground that it ends in. Arcs of no length lead from the first to the second and from the second to the third,
never back, so that no walk passes through a yard.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from circle15.impedance import NO_WAY, link_ticks
from circle15.network.canvas import vertices
from circle15.network.drawing import Streets
from circle15.network.engine import Engine, along_hilbert

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

    from circle15.network.canvas import Stamped
    from circle15.network.drawing import Lines
    from circle15.network.search import Arcs
    from circle15.network.snapping import Look
    from circle15.project import Walker

    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]
    Floats = NDArray[np.float64]

SMALL_M = 500.0  # [P] a connected part with less street than this is a scrap: used only where nothing else is near
_AT_ONCE = 1 << 16  # lines whose vertices are looked at together
_KEPT = (
    *("piece", "osm_id", "length_m", "rise_m", "kind", "steps", "evidence", "wait_s", "at_edge", "ramp", "crossing"),
    "geometry",
)  # columns that are asked for once the streets are laid out
NO_PLACE = ("lift", "escalator", "tunnel", "bridge", "cable_car")  # kinds that have no door
NEW = "new/"  # links of a scenario have none either: a new link must not move anybody, or it could lengthen a walk


class Layout:
    """What does not depend on the walker: which links make a piece, which nodes they join, what is private.

    Links stand in an order that depends on where they lie, not on how they are numbered or listed.

    Parameters
    ----------
    streets : GeoDataFrame
        `tables.STREETS`; it is not changed. What nobody asks a link that is walked is not kept.
    """

    def __init__(self, streets: gpd.GeoDataFrame) -> None:
        first, last = _ends(streets.geometry.to_numpy())
        order = _in_order(streets, first)
        self.streets = streets[[name for name in _KEPT if name in streets.columns]].take(order)
        self.closed: Bools = np.zeros(len(order), dtype=bool)  # nobody walks through; points beside keep their place
        self.private: Bools = (streets["access"] == "private").to_numpy(dtype=bool)[order]
        ends = streets[["from_node", "to_node"]].to_numpy(dtype=np.int64)[order]
        index, names = pd.factorize(ends.ravel(), sort=True)
        tail, head = index.reshape(ends.shape).T
        where = np.zeros((len(names), 2))
        where[head], where[tail] = last[order], first[order]
        rank = along_hilbert(where)  # neighbours stand together in memory
        self.nodes = np.empty_like(names)
        self.nodes[rank] = names
        self.tail, self.head = (rank[end].astype(np.int64) for end in (tail, head))
        self.stamped: dict[tuple[float, bytes], Stamped] = {}  # by cell and water: for drawing
        self.near: dict[tuple[bytes, float], tuple[Ints, Ints]] = {}  # by points: those near a piece, and the piece
        self.looks: dict[bytes, Look] = {}  # by pieces: what is asked of them again and again
        self.trees: dict[bytes, shapely.STRtree] = {}  # by pieces: to look for those near a point
        self.placed: dict[tuple[bytes, float], Ints] = {}  # by points and rules: the piece of each point
        self._pieces()
        yard = np.unique(np.concatenate([self.tail[self.private], self.head[self.private]]))
        self.yard: Ints = yard.astype(np.int64)
        count = len(self.nodes)
        self.start_copy, self.end_copy = (
            np.arange(count),
            np.arange(count),
        )  # of each node; itself without private links
        self.start_copy[yard] = count + np.arange(len(yard))
        self.end_copy[yard] = count + len(yard) + np.arange(len(yard))
        self.vertices = count + 2 * len(yard)

    def _pieces(self) -> None:
        """Group links to pieces; the first link of a piece, in order, gives its direction and its geometry."""
        self.piece: Ints = pd.factorize(self.streets["piece"])[0].astype(np.int64)
        first = np.diff(np.maximum.accumulate(self.piece), prepend=-1) > 0
        self.ahead: Ints = np.flatnonzero(first)  # per piece, the link along its geometry
        self.back = np.full(len(self.ahead), -1)  # per piece, the link against it; -1 where there is none
        other = np.flatnonzero(~first)
        self.back[self.piece[other]] = other
        self.lines = self.streets.geometry.to_numpy()[self.ahead]
        self.length_m: Floats = self.streets["length_m"].to_numpy(dtype=float)[self.ahead]

    @cached_property
    def sides(self) -> NDArray[np.int32]:
        """For each link twice its piece, and 1 more where it runs against the piece's geometry."""
        sides = 2 * self.piece.astype(np.int32) + 1
        sides[self.ahead] -= 1
        return sides

    @cached_property
    def doors(self) -> Bools:
        """Which pieces have room for a door, whoever walks there."""
        rows = self.streets.iloc[self.ahead]
        new = rows["osm_id"].astype(str).str.startswith(NEW).to_numpy(dtype=bool)
        doors: Bools = ~rows["kind"].isin(NO_PLACE).to_numpy(dtype=bool) & ~new
        return doors

    @cached_property
    def drawn(self) -> Lines:
        """For the kernels: the vertices of each piece and their share of its length."""
        return vertices(self.lines)

    @cached_property
    def order(self) -> Ints:
        """The pieces as they lie: neighbours stand together."""
        return np.argsort(self.tail[self.ahead], kind="stable")

    @cached_property
    def rank(self) -> NDArray[np.int32]:
        """Where each piece stands in that order."""
        rank = np.empty(len(self.order), np.int32)
        rank[self.order] = np.arange(len(self.order), dtype=np.int32)
        return rank

    def parts(self, links: Bools, *, directed: bool = False) -> Ints:
        """The connected part that each node lies in, over some of the links; strong parts when `directed`."""
        ones = np.ones(int(links.sum()), np.int8)
        joined = coo_array((ones, (self.tail[links], self.head[links])), shape=(len(self.nodes),) * 2)
        _, part = connected_components(joined, directed=True, connection="strong" if directed else "weak")
        return part.astype(np.int64)

    def part_lengths(self, part: Ints) -> Floats:
        """Metres of street in each connected part, every piece counted once."""
        metres = np.zeros(part.max(initial=-1) + 1)
        np.add.at(metres, part[self.tail[self.ahead]], self.length_m)
        return metres


def digest(*arrays: NDArray[np.generic]) -> bytes:
    """A few bytes that tell some arrays from others."""
    return blake2b(b"".join(one.tobytes() for one in arrays)).digest()


def _ends(lines: NDArray[np.object_]) -> tuple[Floats, Floats]:
    """The first and the last vertex of each line."""
    first, last = np.empty((len(lines), 2)), np.empty((len(lines), 2))
    for low in range(0, len(lines), _AT_ONCE):
        some = slice(low, low + _AT_ONCE)
        after = np.cumsum(shapely.get_num_coordinates(lines[some]))
        points = shapely.get_coordinates(lines[some])
        first[some], last[some] = points[np.append(0, after[:-1])], points[after - 1]
    return first, last


def _in_order(streets: gpd.GeoDataFrame, start: Floats) -> Ints:
    """The links by their bounds, then where they start, their length and their name.

    That is `numpy.lexsort`, but for looking at each key only where all before it are equal.
    """
    west, south, east, north = shapely.bounds(streets.geometry.to_numpy()).T
    length, names = streets["length_m"].to_numpy(dtype=float), streets.index
    keys = [one.take for one in (north, east, south, west, start[:, 1], start[:, 0], length)]
    keys.append(lambda rows: np.unique(names.take(rows).to_numpy(dtype=str), return_inverse=True)[1])
    order, fresh = np.arange(len(streets)), np.arange(len(streets)) == 0  # fresh: not equal to the one before
    for key in keys:
        tied = np.flatnonzero(~fresh | np.append(~fresh[1:], False))
        if not len(tied):
            break
        run, values = np.cumsum(fresh)[tied], key(order[tied])
        again = run[1:] == run[:-1]
        if (again & (values[1:] != values[:-1])).any():
            sort = np.lexsort((values, run))
            order[tied], values = order[tied[sort]], values[sort]
            fresh[tied[1:]] |= values[1:] != values[:-1]
    return order


@dataclass(frozen=True)
class Graph:
    """The streets as one walker can use them.

    Parameters
    ----------
    layout : Layout
        What does not depend on the walker.
    walker : Walker
        Who walks.
    ticks : ndarray of int, shape (links,)
        `impedance.link_ticks`; closed links keep theirs, because points beside them still walk to their ends.
    engine : Engine
        The graph over vertices (nodes, then the copies for starts and for ends on private ground), to be searched.
    links : ndarray of int, shape (arcs + 1,)
        The link of each of its arcs, or -1 for an arc between two copies of a node; -1 at the end.
    how : ndarray of str, shape (pieces,)
        `main` on the largest connected part, `island` on a smaller one.
    small : ndarray of bool, shape (pieces,)
        Whether that part has less street than `SMALL_M`.
    placeable : ndarray of bool, shape (pieces,)
        Whether a point may be put on the piece.
    """

    layout: Layout
    walker: Walker
    ticks: Ints
    engine: Engine
    links: NDArray[np.int32]
    how: NDArray[np.object_]
    small: Bools
    placeable: Bools

    @classmethod
    def of(cls, layout: Layout, walker: Walker) -> Graph:
        """Time every link for one walker."""
        ticks = link_ticks(layout.streets, walker)
        usable = ticks < NO_WAY
        engine, links = _engine(layout, ticks)
        # Parts are judged without closures and additions: neither may move anybody to another street.
        added = layout.streets["osm_id"].astype(str).str.startswith(NEW).to_numpy(dtype=bool)
        part = layout.parts(usable & ~added)
        metres = layout.part_lengths(part)
        of_piece = part[layout.tail[layout.ahead]]
        main = of_piece == (np.argmax(metres) if len(metres) else -1)
        either = usable[layout.ahead] | ((layout.back >= 0) & usable[layout.back])
        return cls(
            layout=layout,
            walker=walker,
            ticks=ticks,
            engine=engine,
            links=links,
            how=np.where(main, "main", "island").astype(object),
            small=~main & (metres[of_piece] < SMALL_M),
            placeable=either & layout.doors,
        )

    def on(self, layout: Layout) -> Graph:
        """The same links, timed as they are, but others closed; nothing is timed or judged again."""
        engine, links = _engine(layout, self.ticks)
        return replace(self, layout=layout, engine=engine, links=links)

    @cached_property
    def onward(self) -> Arcs:
        """The arcs in the direction of walking, with their links."""
        return self.engine.onward._replace(links=self.links[self.engine.links[0]])

    @cached_property
    def reversed(self) -> Arcs:
        """The arcs turned round, with their links."""
        return self.engine.reversed._replace(links=self.links[self.engine.links[1]])

    @cached_property
    def ways(self) -> tuple[tuple[Ints, Ints], tuple[Ints, Ints]]:
        """Per piece, the link and its ticks along the geometry and against it; -1 and `NO_WAY` where there is none."""
        back = np.where(self.layout.back >= 0, self.ticks[self.layout.back], NO_WAY)
        return (self.layout.ahead, self.ticks[self.layout.ahead]), (self.layout.back, back)

    @cached_property
    def one_way(self) -> Bools:
        """Which pieces can be walked in one direction only, or not at all."""
        (_, along), (_, against) = self.ways
        one_way: Bools = (along == NO_WAY) | (against == NO_WAY)
        return one_way

    @cached_property
    def rules(self) -> bytes:
        """A digest of what decides which pieces points may be put on, and which first."""
        return digest(self.placeable, self.small, self.one_way)

    @cached_property
    def cut(self) -> Streets:
        """What is needed to cut streets at a limit; pieces stand as they lie."""
        arcs, layout = self.onward, self.layout
        real = arcs.links >= 0
        first = np.concatenate([[0], np.cumsum(real, dtype=np.int64)])[arcs.first]
        sides = layout.sides[arcs.links[real]]
        ticks = np.stack([ticks for _, ticks in self.ways], axis=1).astype(np.int32)[layout.order]
        ranked = 2 * layout.rank[sides >> 1] + (sides & 1)
        return Streets(first, ranked, ticks.reshape(-1), layout.length_m[layout.order])


def _engine(layout: Layout, ticks: Ints) -> tuple[Engine, NDArray[np.int32]]:
    """The graph that is searched, and the link of each of its arcs."""
    tail, head, length, link = _phases(layout, ticks, (ticks < NO_WAY) & ~layout.closed)
    return Engine.of(tail, head, length, nodes=layout.vertices), np.append(link, -1).astype(np.int32)


def _phases(layout: Layout, ticks: Ints, usable: Bools) -> tuple[Ints, Ints, Ints, Ints]:
    """Tail, head, ticks and link of every arc: public streets, private starts, private ends, and the joins."""
    public, private = np.flatnonzero(usable & ~layout.private), np.flatnonzero(usable & layout.private)
    yard, none = layout.yard, np.zeros(len(layout.yard), np.int64)
    start, end, tail, head = layout.start_copy, layout.end_copy, layout.tail, layout.head
    return (
        np.concatenate([tail[public], start[tail[private]], end[tail[private]], start[yard], yard]),
        np.concatenate([head[public], start[head[private]], end[head[private]], yard, end[yard]]),
        np.concatenate([ticks[public], ticks[private], ticks[private], none, none]),
        np.concatenate([public, private, private, none - 1, none - 1]),
    )
