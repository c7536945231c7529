"""WalkNetwork: the streets, ready to be walked; hides arrays and search."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.sparse import csr_array

from circle15.errors import CutoffError, DataError, Finding, quoted
from circle15.impedance import NO_WAY
from circle15.network import isochrones, search, snapping
from circle15.network.graph import Graph, Layout, in_order
from circle15.project import Walker
from circle15.tables import EVIDENCE, LINK_KINDS, STREETS, TICKS_PER_SECOND, Placement, Table, TravelTimes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from shapely import Point
    from shapely.geometry.base import BaseGeometry

    from circle15.network.graph import Floats, Ints
    from circle15.network.snapping import Spots

_READ = (
    "piece", "osm_id", "from_node", "to_node", "length_m", "rise_m", "kind", "steps", "access", "evidence", "at_edge",
    "crossing",
)  # fmt: skip
_STREETS = Table(
    STREETS.name,
    STREETS.index,
    STREETS.words,
    tuple(column for column in STREETS.columns if column.name in _READ),
    STREETS.geometry,
)
_LONGEST_MINUTES = 24 * 60.0


class WalkNetwork:
    """Streets that can be walked, by any walker; the only expensive hidden state of a study.

    Parameters
    ----------
    streets : GeoDataFrame
        `tables.STREETS`, in the projected CRS of the study. It is not changed.

    Raises
    ------
    DataError
        With every finding, when the table breaks its contract.

    Examples
    --------
    >>> import shapely
    >>> from circle15.project import Walker
    >>> row = {"piece": "way/1#0", "osm_id": "way/1", "length_m": 900.0, "rise_m": 0.0, "kind": "street", "steps": None,
    ...        "access": "open", "evidence": "tag", "at_edge": False, "crossing": None}
    >>> ends = [(0, 0), (900, 0)]
    >>> streets = gpd.GeoDataFrame(
    ...     [row | {"from_node": 1, "to_node": 2}, row | {"from_node": 2, "to_node": 1}],
    ...     geometry=[shapely.LineString(ends), shapely.LineString(ends[::-1])],
    ...     crs="EPSG:32648", index=pd.Index(["way/1#0>", "way/1#0<"], name="link"),
    ... )
    >>> home = gpd.GeoDataFrame(geometry=[shapely.Point(0, 0)], crs=streets.crs, index=["home"])
    >>> clinic = gpd.GeoDataFrame(geometry=[shapely.MultiPoint([(900, 0)])], crs=streets.crs, index=["clinic"])
    >>> steady = Walker.load("adult").model_copy(update={"flat_m_s": 1.0})
    >>> WalkNetwork(streets).travel_times(home, clinic, walker=steady).pairs()
      origin facility  seconds
    0   home   clinic    900.0
    """

    def __init__(self, streets: gpd.GeoDataFrame) -> None:
        _STREETS.check(streets)
        self._given = streets
        self._layout = Layout(in_order(streets), np.zeros(len(streets), dtype=bool))
        self._graphs: dict[Walker, Graph] = {}
        pairs = np.bincount(self._layout.piece, minlength=len(self._layout.lines))
        ahead, back = self._layout.ahead, self._layout.back
        turned = (back >= 0) & (self._layout.tail[ahead] != self._layout.head[back])
        wrong = (pairs > 2) | turned  # noqa: PLR2004  a piece is one link, or one each way
        if wrong.any():
            pieces = self._layout.streets["piece"].to_numpy()[ahead[wrong]]
            problem = f"{len(pieces):,} pieces are not one link, or one link each way (first: {quoted(pieces)})"
            raise DataError(Finding(STREETS.name, problem, "Give one row per direction of a piece"))

    @property
    def streets(self) -> gpd.GeoDataFrame:
        """The streets as given, without links that were closed."""
        closed = self._layout.streets.index[self._layout.closed]
        return self._given[~self._given.index.isin(closed)]

    def without(self, osm_ids: Iterable[str]) -> WalkNetwork:
        """The network with some OSM elements closed.

        Nobody walks through a closed link. Points keep their places: one beside a closed link still walks to its ends.

        Parameters
        ----------
        osm_ids : iterable of str
            Such as ``way/421605016`` or ``node/6874999324``.

        Returns
        -------
        WalkNetwork
            A new network; this one is not changed.

        Raises
        ------
        DataError
            When no link comes from one of them.
        """
        wanted = pd.Index(list(osm_ids))
        column = self._layout.streets["osm_id"]
        unknown = wanted[~wanted.isin(column)]
        if len(unknown):
            problem = f"no link comes from {quoted(unknown)}"
            raise DataError(Finding(STREETS.name, problem, "Name elements of the column osm_id"))
        other = copy(self)
        layout = copy(self._layout)
        layout.closed = layout.closed | column.isin(wanted).to_numpy()
        vars(other).update(_layout=layout, _graphs={})
        return other

    def place(self, points: gpd.GeoDataFrame, walker: Walker | str) -> Placement:
        """How points are put on the streets.

        Parameters
        ----------
        points : GeoDataFrame
            Points, or MultiPoints of entrances, in the CRS of the streets. A column `height_m` (metres) keeps a point
            off a street that is on another terrace.
        walker : Walker or str
            A walker, or the name of one that ships.

        Returns
        -------
        Placement
            One row per point; of several entrances, the one nearest to a street of the main part.

        Raises
        ------
        DataError
            When ids are not unique, or the geometry is of another type or CRS.
        """
        self._check((points, "points", ("Point", "MultiPoint")))
        graph = self._graph(walker)
        spots = snapping.place(graph, points, _walker(walker))
        return Placement(spots.table(graph, points.index))

    def travel_times(
        self,
        origins: gpd.GeoDataFrame,
        facilities: gpd.GeoDataFrame,
        *,
        walker: Walker | str,
        cutoff_minutes: float = 15,
        trip: str = "out",
    ) -> TravelTimes:
        """Walking seconds from every origin to every facility within the cut-off, inclusive.

        Shortest paths on whole ticks (Dijkstra 1959), searched from the facilities on the reversed graph. Both ends
        lie on links, not at nodes; the legs from the door to the street are timed. Of several entrances the best
        counts. Private ways are walked only at the start and at the end.

        Parameters
        ----------
        origins : GeoDataFrame
            Points in the CRS of the streets (`tables.ORIGINS`; only the index, the geometry and `height_m` are read).
        facilities : GeoDataFrame
            Points or MultiPoints of entrances (`tables.FACILITIES`).
        walker : Walker or str
            A walker, or the name of one that ships.
        cutoff_minutes : float
            How far to look.
        trip : {"out"}
            From home to the facility.

        Returns
        -------
        TravelTimes
            Seconds as a sparse matrix in the order of both tables; 0.0 is a stored entry.

        Raises
        ------
        DataError
            When ids are not unique, the geometry is of another type or CRS, or the trip is not known.
        CutoffError
            When the cut-off is not above 0 and at most 1,440 minutes.
        """
        self._check((origins, "origins", ("Point",)), (facilities, "facilities", ("Point", "MultiPoint")))
        if trip != "out":
            mend = "Ask for trip='out'; the other trips are not built yet"
            raise DataError(Finding("travel times", f"the trip {trip!r} is not known", mend))
        limit = int(_limits([cutoff_minutes])[0])
        graph, who = self._graph(walker), _walker(walker)
        homes, goals = snapping.place(graph, origins, who), snapping.place(graph, facilities, who)
        rows, vertices, ticks = snapping.openings(graph, homes, leaving=True)
        seconds = _matrix(graph, homes, goals, exits=(rows, vertices, ticks), limit=limit)
        edge = _edge_seconds(graph, homes.rows, exits=(rows, vertices, ticks), limit=limit)
        return TravelTimes(
            seconds=seconds,
            origin_ids=origins.index,
            facility_ids=facilities.index,
            cutoff_s=limit / TICKS_PER_SECOND,
            edge_s=edge,
            origins=Placement(homes.table(graph, origins.index)),
            facilities=Placement(goals.table(graph, facilities.index)),
            walker=who.name,
            trip=trip,
        )

    def isochrones(
        self,
        origins: gpd.GeoDataFrame,
        *,
        walker: Walker | str,
        minutes: Sequence[float] = (5, 10, 15),
        water: gpd.GeoSeries | BaseGeometry | None = None,
    ) -> gpd.GeoDataFrame:
        """Outlines of the streets that each origin reaches, and the length of these streets.

        A picture, never to be counted from: the contour at 25 m around the reached streets, which are cut exactly at
        the limit. Holes are kept. Water wider than 15 m is not bridged, except along reached ways over it.

        Parameters
        ----------
        origins : GeoDataFrame
            Points in the CRS of the streets.
        walker : Walker or str
            A walker, or the name of one that ships.
        minutes : sequence of float
            Limits, inclusive.
        water : GeoSeries or geometry, optional
            Water polygons in the CRS of the streets.

        Returns
        -------
        GeoDataFrame
            `tables.ISOCHRONES`: valid polygons, ordered by origin and minutes; each lies within the next to within
            6 m. Origins that could not be placed, and limits shorter than the off-road leg, have no row.

        Raises
        ------
        DataError
            When ids are not unique, or the geometry is of another type or CRS.
        CutoffError
            When one of the minutes is not above 0 and at most 1,440.
        """
        self._check((origins, "origins", ("Point",)))
        asked = np.unique(np.asarray(list(minutes), dtype=float))
        limits = _limits(asked)
        graph = self._graph(walker)
        reach = isochrones.Reach(graph, snapping.place(graph, origins, _walker(walker)))
        drawn = isochrones.outlines(reach, limits=limits, water=self._one(water))
        origin, within = origins.index.to_numpy()[drawn.row], asked[drawn.position]
        names = [f"{one}|{minute:g}" for one, minute in zip(origin, within, strict=True)]
        return gpd.GeoDataFrame(
            {"origin": origin, "minutes": within, "street_m": drawn.street_m},
            geometry=drawn.geometry,
            crs=self._given.crs,
            index=pd.Index(names, name="row", dtype=object),
        )

    def reached(self, origin: Point, minutes: float, *, walker: Walker | str) -> gpd.GeoDataFrame:
        """The stretches of street that are reached from a point, cut exactly at the limit.

        Parameters
        ----------
        origin : Point
            In the CRS of the streets.
        minutes : float
            Limit, inclusive.
        walker : Walker or str
            A walker, or the name of one that ships.

        Returns
        -------
        GeoDataFrame
            Index `part`; columns `piece`, `osm_id`, `kind`, `length_m`, `seconds` (until the stretch is first
            reached) and geometry. No metre of street occurs twice. Empty when the point could not be placed.

        Raises
        ------
        CutoffError
            When the minutes are not above 0 and at most 1,440.
        """
        points = gpd.GeoDataFrame(geometry=[origin], crs=self._given.crs)
        graph = self._graph(walker)
        reach = isochrones.Reach(graph, snapping.place(graph, points, _walker(walker)))
        listed = [found for _, _, found in reach.parts(0, 1, limits=_limits([minutes]))]
        none = np.zeros(0, np.int32)
        found = listed[0] if listed else search.Parts(none, np.zeros(0), np.zeros(0), none)
        order = np.lexsort((found.low, found.piece))
        found = isochrones.some(found, order)
        links = graph.layout.streets.iloc[graph.layout.ahead[found.piece]]
        columns: dict[str, Any] = {name: links[name].to_numpy() for name in ("piece", "osm_id", "kind")}
        columns["length_m"] = (found.high - found.low) * links["length_m"].to_numpy(dtype=float)
        columns["seconds"] = found.ticks / TICKS_PER_SECOND
        index = pd.RangeIndex(len(order), name="part")
        return gpd.GeoDataFrame(columns, geometry=isochrones.cut_lines(graph, found), crs=self._given.crs, index=index)

    def facts(self) -> dict[str, object]:
        """What the network is made of, for the manifest.

        Returns
        -------
        dict
            `links`, `pieces` and `nodes`; `links_by_kind`, `links_by_evidence`, `km_by_kind` (each piece once);
            `private_links`, `edge_links`, `closed_links`; `parts`: weakly and strongly connected ones, and the shares
            of all links that lie on the largest of each. Plain numbers and words only.
        """
        layout = self._layout
        table, is_open = layout.streets, ~layout.closed
        kind = table["kind"].to_numpy(dtype=object)
        evidence = table["evidence"].to_numpy(dtype=object)
        first = layout.ahead[is_open[layout.ahead]]
        metres = {one: float(layout.length_m[layout.piece[first]][kind[first] == one].sum()) for one in LINK_KINDS}
        return {
            "links": int(is_open.sum()),
            "pieces": len(first),
            "nodes": len(layout.nodes),
            "links_by_kind": {one: int((kind[is_open] == one).sum()) for one in LINK_KINDS},
            "links_by_evidence": {one: int((evidence[is_open] == one).sum()) for one in EVIDENCE},
            "km_by_kind": {one: round(length / 1000, 3) for one, length in metres.items()},
            "private_links": int((layout.private & is_open).sum()),
            "edge_links": int((table["at_edge"].to_numpy(dtype=bool) & is_open).sum()),
            "closed_links": int(layout.closed.sum()),
            "parts": {**self._parts(directed=False), **self._parts(directed=True)},
        }

    def _parts(self, *, directed: bool) -> dict[str, int | float]:
        """How many connected parts, and the share of links that have both ends on the largest."""
        word, is_open = "strong" if directed else "weak", ~self._layout.closed
        part = self._layout.parts(is_open, directed=directed)
        tail, head = part[self._layout.tail[is_open]], part[self._layout.head[is_open]]
        largest = int(np.bincount(tail[tail == head]).max(initial=0))
        return {word: len(np.unique(part)), f"{word}_main_share": round(largest / max(len(tail), 1), 4)}

    def _graph(self, walker: Walker | str) -> Graph:
        """The streets timed for one walker; kept, because one study asks several times."""
        who = _walker(walker)
        if who not in self._graphs:
            self._graphs[who] = Graph.of(self._layout, who)
        return self._graphs[who]

    def _check(self, *tables: tuple[gpd.GeoDataFrame, str, tuple[str, ...]]) -> None:
        """Raise one error with every finding about points."""
        found: list[Finding | str] = []
        for frame, name, types in tables:
            try:
                Table(name, frame.index.name, "", (), types).check(frame, crs=self._given.crs)
            except DataError as error:
                found += error.findings
        if found:
            raise DataError(*found)

    def _one(self, water: gpd.GeoSeries | BaseGeometry | None) -> BaseGeometry | None:
        """Water as one shape."""
        if not isinstance(water, gpd.GeoSeries):
            return water
        if water.crs != self._given.crs:
            wanted = self._given.crs.to_string()
            raise DataError(
                Finding("water", "it is not in the CRS of the streets", f"Bring it to {wanted} with to_crs()")
            )
        return shapely.union_all(shapely.make_valid(water.dropna().to_numpy()))


def _walker(walker: Walker | str) -> Walker:
    return Walker.load(walker) if isinstance(walker, str) else walker


def _limits(minutes: Sequence[float] | Floats) -> Ints:
    """Whole ticks, not above the minutes asked for."""
    asked = np.asarray(minutes, dtype=float)
    wrong = ~((asked > 0) & (asked <= _LONGEST_MINUTES))
    if wrong.any() or not len(asked):
        problem = f"{quoted(asked[wrong])} minutes were asked for" if len(asked) else "no minutes were asked for"
        raise CutoffError(Finding("travel times", problem, f"Give minutes above 0 and at most {_LONGEST_MINUTES:,.0f}"))
    ticks: Ints = np.floor(asked * 60 * TICKS_PER_SECOND + 1e-6).astype(np.int64)
    return ticks


def _matrix(graph: Graph, homes: Spots, goals: Spots, *, exits: tuple[Ints, Ints, Ints], limit: int) -> csr_array:
    """Seconds, origins x facilities: one search per facility on the reversed graph, in threads."""
    rows, vertices, ticks = exits
    out = snapping.ragged(vertices, rows, ticks, count=graph.layout.vertices)
    into = snapping.openings(graph, goals, leaving=False)
    seeds = snapping.ragged(*into, count=goals.rows)
    direct = snapping.direct(graph, homes, goals)

    def run(low: int, high: int) -> search.Ragged:
        some = slice(low, high + 1)
        return search.times(
            graph.reversed, seeds._replace(first=seeds.first[some]), out, direct._replace(first=direct.first[some]),
            limit, homes.rows,
        )  # fmt: skip

    done = search.in_threads(run, goals.rows)
    sizes = np.concatenate([np.zeros(1, np.int64), *(np.diff(one.first) for one in done)])
    items = np.concatenate([np.zeros(0, np.int32), *(one.items for one in done)])
    found = np.concatenate([np.zeros(0, np.int32), *(one.ticks for one in done)])
    by_facility = csr_array((found / TICKS_PER_SECOND, items, np.cumsum(sizes)), shape=(goals.rows, homes.rows))
    by_origin = by_facility.T.tocsr()
    by_origin.sort_indices()
    return by_origin


def _edge_seconds(graph: Graph, origins: int, *, exits: tuple[Ints, Ints, Ints], limit: int) -> Floats:
    """Seconds from each origin to the nearest place where the data end; infinite beyond the limit."""
    layout, arcs = graph.layout, graph.reversed
    ends = layout.streets["at_edge"].to_numpy(dtype=bool) & (graph.ticks < NO_WAY) & ~layout.closed
    where = np.unique(np.concatenate([layout.head[ends], layout.end_copy[layout.head[ends]]])).astype(np.int32)
    work = search.Work(
        np.full(layout.vertices, search.NEVER, np.int32),
        np.empty(len(arcs.heads) + len(where), np.int64),
        np.empty(layout.vertices, np.int32),
    )
    search.settle(arcs, where, np.zeros(len(where), np.int32), limit, work)
    rows, vertices, ticks = exits
    total = work.ticks[vertices].astype(np.int64) + ticks
    best = np.full(origins, search.NEVER, dtype=np.int64)
    np.minimum.at(best, rows, total)
    return np.where(best <= limit, best / TICKS_PER_SECOND, np.inf)
