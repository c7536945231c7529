"""WalkNetwork: the streets, ready to be walked; hides arrays and search."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from circle15.display import Shown
from circle15.errors import CutoffError, DataError, Finding, quoted
from circle15.impedance import link_seconds
from circle15.network import dependence, facts, isochrones, kernels, search, snapping, trips
from circle15.network.graph import Graph, Layout
from circle15.network.portable import Portable, portable
from circle15.project import Walker
from circle15.tables import STREETS, TICKS_PER_SECOND, Placement, Table, TravelTimes, limit_s

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import networkx as nx
    from shapely import Point
    from shapely.geometry.base import BaseGeometry

    from circle15.display import Card, Track
    from circle15.network.graph import Floats, Ints

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
_KEPT = 4  # walkers whose graphs are kept
_NO_SERVICE = Finding("facilities", "column 'service' is missing", "Say what each facility offers")


class WalkNetwork(Shown):
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
        kernels.wait("walking")
        self._given = streets
        self._layout = Layout(streets)
        self._graphs: dict[Walker, Graph] = {}
        self._timed: Callable[[Walker], Graph] | None = None  # of the network that this one lacks some links of
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
        """The network with some OSM elements, or some of their links, closed.

        Nobody walks through a closed link. Points keep their places: one beside a closed link still walks to its ends.

        Parameters
        ----------
        osm_ids : iterable of str
            OSM elements such as ``way/421605016`` or ``node/6874999324``, which close all their links in both
            directions; or links (the index of `tables.STREETS`) such as ``way/421605016#0>``, which close alone.

        Returns
        -------
        WalkNetwork
            A new network; this one is not changed.

        Raises
        ------
        DataError
            When one of them is neither.
        """
        wanted = pd.Index(list(osm_ids))
        table = self._layout.streets
        unknown = wanted[~wanted.isin(table["osm_id"]) & ~wanted.isin(table.index)]
        if len(unknown):
            problem = f"no link comes from {quoted(unknown)}"
            mend = "Name elements of the column osm_id, or links of the index"
            raise DataError(Finding(STREETS.name, problem, mend))
        other = copy(self)
        layout = copy(self._layout)
        layout.closed = layout.closed | table["osm_id"].isin(wanted).to_numpy() | table.index.isin(wanted)
        vars(other).update(_layout=layout, _graphs={}, _timed=self._graph)
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
        spots = snapping.place(graph, points)
        return Placement(spots.table(graph, points.index))

    def travel_times(
        self,
        origins: gpd.GeoDataFrame,
        facilities: gpd.GeoDataFrame,
        *,
        walker: Walker | str,
        cutoff_minutes: float | Mapping[str, float] = 15,
        trip: str = "out",
    ) -> TravelTimes:
        """Walking seconds between every origin and every facility within the cut-off, inclusive.

        Shortest paths on whole ticks (Dijkstra 1959), searched from the facilities. Both ends lie on links, not at
        nodes; the legs from the door to the street are timed. Of several entrances the best counts, on each leg for
        itself. Private ways are walked only at the start and at the end of a leg.

        Parameters
        ----------
        origins : GeoDataFrame
            Points in the CRS of the streets (`tables.ORIGINS`; only the index, the geometry and `height_m` are read).
        facilities : GeoDataFrame
            Points or MultiPoints of entrances (`tables.FACILITIES`).
        walker : Walker or str
            A walker, or the name of one that ships.
        cutoff_minutes : float or mapping of str to float
            How far to look; held against the value of the trip. By service (a column of the facilities) where some
            need not be looked for as far as others, which is quicker; those of other services as far as any.
        trip : {"out", "back", "slower", "round"}
            From home to the facility; from the facility home; the worse of these two legs; their sum.

        Returns
        -------
        TravelTimes
            Seconds as a sparse matrix in the order of both tables; 0.0 is a stored entry. `edge_s` is the least that
            a trip by way of ground beyond the data can take: to its edge (`out`), from it (`back`), the sum of both
            (`round`), half that sum (`slower`).

        Raises
        ------
        DataError
            When ids are not unique, the geometry is of another type or CRS, the trip is not known, or facilities do
            not say which service they are while cut-offs are given by it.
        CutoffError
            When a cut-off is not above 0 and at most 1,440 minutes.
        """
        self._check((origins, "origins", ("Point",)), (facilities, "facilities", ("Point", "MultiPoint")))
        if trip not in trips.TRIPS:
            mend = f"Ask for one of {', '.join(trips.TRIPS)}"
            raise DataError(Finding("travel times", f"the trip {trip!r} is not known", mend))
        by_service = cutoff_minutes if isinstance(cutoff_minutes, Mapping) else {"": cutoff_minutes}
        limits, each = _limits(list(by_service.values())), None
        limit = int(limits.max())
        if by_service is cutoff_minutes:
            if "service" not in facilities.columns:
                raise DataError(_NO_SERVICE)
            service = pd.Index(list(by_service)).get_indexer(pd.Index(facilities["service"]))
            each = np.where(service < 0, limit, limits[service])
        graph = self._graph(walker)
        homes, goals = snapping.place(graph, origins), snapping.place(graph, facilities)
        return TravelTimes(
            seconds=trips.seconds(graph, homes, goals, trip=trip, limit=limit if each is None else each),
            origin_ids=origins.index,
            facility_ids=facilities.index,
            cutoff_s=limit / TICKS_PER_SECOND,
            edge_s=trips.edge_seconds(graph, homes, trip=trip, limit=limit),
            origins=Placement(homes.table(graph, origins.index)),
            facilities=Placement(goals.table(graph, facilities.index)),
            walker=graph.walker.name,
            trip=trip,
            each_s=None if each is None else each / TICKS_PER_SECOND,
        )

    def dependence(
        self,
        origins: gpd.GeoDataFrame,
        facilities: gpd.GeoDataFrame,
        *,
        walker: Walker | str,
        cutoff_s: Mapping[str, float],
        candidates: Iterable[str],
        track: Track | None = None,
    ) -> pd.DataFrame:
        """What each of some elements, closed alone, takes out of reach on the way out.

        Exactly what `travel_times` on the network without that element would show, found without walking it all
        again: one search per service, then only the vertices that lose their last shortest way (Ramalingam and Reps
        1996). An element that lies on one of several equally short ways takes nothing away.

        Parameters
        ----------
        origins : GeoDataFrame
            Points in the CRS of the streets.
        facilities : GeoDataFrame
            Points or MultiPoints of entrances, with a column `service`.
        walker : Walker or str
            A walker, or the name of one that ships.
        cutoff_s : mapping of str to float
            Seconds within which each service counts, inclusive; facilities of other services are left out.
        candidates : iterable of str
            OSM elements (column `osm_id` of the streets).
        track : Track, optional
            Shows how far the services have come, such as ``tqdm.tqdm``.

        Returns
        -------
        DataFrame
            One row for every element, origin and service whose nearest facility is within the cut-off now and no
            longer when that one element is closed: `osm_id`, `origin`, `service`, `seconds_before` and
            `seconds_after`, which is infinite when none is left within twice the cut-off. In the order of the
            candidates, the origins and the services given.

        Raises
        ------
        DataError
            When a candidate is not known, ids are not unique, the geometry is of another type or CRS, or the
            facilities have no services.
        CutoffError
            When a cut-off is not above 0 and at most 1,440 minutes.
        """
        self._check((origins, "origins", ("Point",)), (facilities, "facilities", ("Point", "MultiPoint")))
        named = pd.Index(dict.fromkeys(candidates), dtype=object)
        self._check_dependence(facilities, named)
        graph = self._graph(walker)
        service = pd.Index(list(cutoff_s), dtype=object)
        asked = dependence.Asked(
            service.get_indexer(facilities["service"]),
            _limits(np.array(list(cutoff_s.values())) / 60) if len(service) else np.zeros(0, np.int64),
            named.get_indexer(self._layout.streets["osm_id"]),
        )
        homes, goals = snapping.place(graph, origins), snapping.place(graph, facilities)
        which, origin, what, before, after = dependence.losses(graph, homes, goals, asked=asked, track=track).T
        return pd.DataFrame(
            {
                "osm_id": named.to_numpy()[which],
                "origin": origins.index.to_numpy()[origin],
                "service": service.to_numpy()[what],
                "seconds_before": before / TICKS_PER_SECOND,
                "seconds_after": np.where(after < search.NEVER, after / TICKS_PER_SECOND, np.inf),
            }
        )

    def _check_dependence(self, facilities: gpd.GeoDataFrame, named: pd.Index) -> None:
        found: list[Finding | str] = []
        if "service" not in facilities.columns:
            found.append(_NO_SERVICE)
        unknown = named[~named.isin(self._layout.streets["osm_id"])]
        if len(unknown):
            problem = f"no link comes from {quoted(unknown)}"
            found.append(Finding(STREETS.name, problem, "Name elements of the column osm_id"))
        if found:
            raise DataError(*found)

    def isochrones(
        self,
        origins: gpd.GeoDataFrame,
        *,
        walker: Walker | str,
        minutes: Sequence[float] = (5, 10, 15),
        water: gpd.GeoSeries | BaseGeometry | None = None,
        fine: bool = False,
        track: Track | None = None,
    ) -> gpd.GeoDataFrame:
        """Outlines of the streets that each origin reaches, and the length of these streets.

        A picture, never to be counted from: the line 25 m around the reached streets, which are cut exactly at the
        limit. Holes are kept, save very small ones. It ends at the shore, except along reached ways over water.

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
        fine : bool
            Trace on cells of 10 m instead of 18 m: nearer to the truth, twice the time, half as many vertices again.
        track : Track, optional
            Shows how far the origins have come, such as ``tqdm.tqdm``.

        Returns
        -------
        GeoDataFrame
            `tables.ISOCHRONES`: valid polygons, ordered by origin and minutes; each lies within the next.
            Origins that could not be placed, and limits shorter than the off-road leg, have no row.

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
        reach = isochrones.Reach(graph, snapping.place(graph, origins))
        cell = isochrones.FINE_M if fine else isochrones.COARSE_M
        drawn = isochrones.outlines(reach, limits=limits, water=self._one(water), cell=cell, track=track)
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
        reach = isochrones.Reach(graph, snapping.place(graph, points))
        found = reach.parts(0, limit=int(_limits([minutes])[0]))
        links = graph.layout.streets.iloc[graph.layout.ahead[found.piece]]
        columns: dict[str, Any] = {name: links[name].to_numpy() for name in ("piece", "osm_id", "kind")}
        columns["length_m"] = (found.high - found.low) * links["length_m"].to_numpy(dtype=float)
        columns["seconds"] = found.ticks / TICKS_PER_SECOND
        index = pd.RangeIndex(len(found.piece), name="part")
        return gpd.GeoDataFrame(columns, geometry=isochrones.cut_lines(graph, found), crs=self._given.crs, index=index)

    def links(self, walker: Walker | str) -> gpd.GeoDataFrame:
        """The links that are open, and how long each takes a walker.

        Parameters
        ----------
        walker : Walker or str
            A walker, or the name of one that ships.

        Returns
        -------
        GeoDataFrame
            `tables.STREETS` and `seconds`, infinite where this walker may not use the link.
        """
        open_links = self.streets
        return open_links.assign(seconds=link_seconds(open_links, _walker(walker)))

    def to_networkx(self, walker: Walker | str) -> nx.MultiDiGraph[int]:
        """The links that a walker can use as a graph of networkx, in the manner of osmnx.

        Parameters
        ----------
        walker : Walker or str
            A walker, or the name of one that ships.

        Returns
        -------
        MultiDiGraph
            Nodes with `x` and `y` in the CRS of the streets (`graph["crs"]`); an edge for each link, whose key is its
            id, with `seconds`, `length_m`, `rise_m`, `kind`, `osm_id`, `steps`, `name` and `geometry`. It does not know
            that private ways are walked only at the start and at the end, nor where doors are.
        """
        return facts.digraph(self.links(walker))

    def portable(
        self, origins: gpd.GeoDataFrame, facilities: gpd.GeoDataFrame, *, walkers: Iterable[Walker]
    ) -> Portable:
        """The network and points on it as plain arrays, for an engine elsewhere that has to come to the same ticks.

        Parameters
        ----------
        origins : GeoDataFrame
            Points in the CRS of the streets.
        facilities : GeoDataFrame
            Points or MultiPoints of entrances.
        walkers : iterable of Walker
            Whose times are wanted.

        Returns
        -------
        Portable

        Raises
        ------
        DataError
            When ids are not unique, or the geometry is of another type or CRS.
        """
        self._check((origins, "origins", ("Point",)), (facilities, "facilities", ("Point", "MultiPoint")))
        return portable([self._graph(walker) for walker in walkers], origins, facilities)

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
        joined = facts.parts(layout, directed=False) | facts.parts(layout, directed=True)
        return facts.counts(layout) | {"parts": joined}

    def _card(self) -> Card:
        return facts.card(self._layout)

    def _graph(self, walker: Walker | str) -> Graph:
        """The streets timed for one walker; those of the last few are kept, because one study asks several times."""
        who, timed = _walker(walker), self._timed
        graph = self._graphs.pop(who, None)
        if graph is None:
            graph = timed(who).on(self._layout) if timed else Graph.of(self._layout, who)
        self._graphs[who] = graph  # the latest stands last
        for other in list(self._graphs)[:-_KEPT]:
            self._graphs.pop(other, None)
        return graph

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
    ticks: Ints = np.rint(limit_s(asked) * TICKS_PER_SECOND).astype(np.int64)
    return ticks
