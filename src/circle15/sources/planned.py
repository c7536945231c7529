"""What a scenario makes of the city: places added, moved, closed and enlarged, and whether what it names is there."""

from __future__ import annotations

import unicodedata
from itertools import count
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from rapidfuzz import fuzz, process

from circle15.errors import DataError, Finding, quoted
from circle15.project.reading import nearest
from circle15.sources.datum import to_wgs84
from circle15.tables import FACILITIES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from circle15.project import FacilityEdit, Scenario, Standard
    from circle15.tables import StudyArea

    Rows = NDArray[np.intp]

SOURCE = "scenario"  # of every row that a scenario adds, moves or enlarges
ALIKE = 50.0  # of 100; a known id that is less like the unknown one is not suggested


def planned_facilities(
    facilities: gpd.GeoDataFrame,
    scenario: Scenario,
    area: StudyArea,
    *,
    standard: Standard,
    merged: pd.DataFrame | None = None,
) -> gpd.GeoDataFrame:
    """The facilities as a scenario has them.

    Every edit is about the facilities as they are: nothing that is added is merged with anything, and no row changes
    that is not named. What is added, moved or enlarged has the source ``scenario`` and is not verified. An added place
    is ``scenario/1`` and so on, with one row for each of its services; a place that is moved has one entrance, where
    it is put.

    Parameters
    ----------
    facilities : GeoDataFrame
        tables.FACILITIES in the CRS of the area, each real place once; it is not changed.
    scenario : Scenario
        Its `facilities` say what is done. A place is named by its id, a single facility by its own, and a place by its
        name where no other has it.
    area : StudyArea
        Added and moved places lie within its extent.
    standard : Standard
        States the services.
    merged : DataFrame, optional
        From `merges`: which ids went into others, so that they can be named.

    Returns
    -------
    GeoDataFrame
        tables.FACILITIES; rows that stay keep their order, added ones come last.

    Raises
    ------
    DataError
        With every finding: places and services that there are none of, with the nearest; a place that is named twice
        for the same, or closed and something else; an enlargement to no more than there is; a place beyond the extent;
        a scenario that leaves no facility.
    """
    found: list[Finding] = []
    rows = facilities.copy()
    known = _Known(facilities, merged)
    done: dict[int, set[str]] = {}  # to which row, what
    added: list[tuple[FacilityEdit, list[str], shapely.Point]] = []
    for number, edit in enumerate(scenario.facilities, start=1):
        where = f"[[scenario]] {scenario.name}, facilities #{number}"
        point = _point(edit, area, where, found)
        if point is not None and edit.do == "add":
            added.append((edit, _services(edit, standard, where, found), point))
            continue
        at = known.rows(edit.id, where, found)
        _note(edit, at, done, where, found)
        if point is not None:
            _move(rows, at, point)
        elif edit.do == "enlarge":
            _enlarge(rows, at, edit, where, found)
    closed = [at for at, words in done.items() if "close" in words]
    if len(closed) == len(rows) and not added:
        found.append(Finding(f"[[scenario]] {scenario.name}", "it closes every facility there is", "Leave one open"))
    if found:
        raise DataError(*found)
    planned = _with_added(rows[~np.isin(np.arange(len(rows)), closed)], added, standard)
    FACILITIES.check(planned, where=f"[[scenario]] {scenario.name}", crs=area.crs)
    return planned


class _Known:
    """The ids and names by which a place can be meant."""

    def __init__(self, facilities: gpd.GeoDataFrame, merged: pd.DataFrame | None) -> None:
        self.facilities = facilities
        self.places = facilities.groupby("place").indices
        self.folded = pd.Series([_folded(name) for name in facilities["name"]], dtype=object)
        gone = (
            merged[merged["verdict"] == "merged"] if merged is not None else pd.DataFrame({"dropped": [], "kept": []})
        )
        self.gone = dict(zip(gone["dropped"], gone["kept"], strict=True))

    def rows(self, word: str, where: str, found: list[Finding]) -> Rows:
        """Where the facilities stand that a word means; none, with a finding, where it means none or several places."""
        if word in self.facilities.index:
            return np.array([self.facilities.index.get_loc(word)])
        if word in self.places:
            return np.asarray(self.places[word])
        at = np.flatnonzero(self.folded == _folded(word))
        places = self.facilities["place"].iloc[at].unique()
        if len(places) == 1:
            return at
        if len(places):
            mend = f"Give the id of one: {quoted(places)}"
            found.append(Finding(where, f"{len(places)} places are named {word!r}", mend))
        else:
            found.append(Finding(where, f"there is no place {word!r}", self._mend(word)))
        return np.empty(0, dtype=np.intp)

    def _mend(self, word: str) -> str:
        into = [kept for dropped, kept in self.gone.items() if word in (dropped, dropped.rpartition("/")[0])]
        if into:
            return f"It was taken as one with {into[0]} (merges.csv); name that"
        names = self.facilities["name"].dropna().unique()
        return _nearest(word, [*self.facilities.index, *self.places, *names])


def unknown_links(streets: gpd.GeoDataFrame, scenario: Scenario) -> list[Finding]:
    """What a scenario closes and the streets do not have.

    Parameters
    ----------
    streets : GeoDataFrame
        tables.STREETS.
    scenario : Scenario
        Its `close` names OSM elements, or links.

    Returns
    -------
    list of Finding
        One for each unknown id, with the nearest.
    """
    known = pd.Index(streets["osm_id"].unique()).append(streets.index)
    where = f"[[scenario]] {scenario.name}, close"
    return [
        Finding(where, f"there is no link {one!r}", _nearest(one, known.tolist()))
        for one in dict.fromkeys(scenario.close)
        if one not in known
    ]


def _nearest(word: str, known: Iterable[str]) -> str:
    choices = list(known)
    best = process.extractOne(word, choices, scorer=fuzz.ratio, score_cutoff=ALIKE)
    return f"Did you mean {best[0]}?" if best else f"Known are such as {quoted(choices)}"


def _folded(name: object) -> str:
    return unicodedata.normalize("NFKC", name).strip().casefold() if isinstance(name, str) else ""


def _services(edit: FacilityEdit, standard: Standard, where: str, found: list[Finding]) -> list[str]:
    """The services of an added place that there are."""
    keys = [service.key for service in standard.services]
    absent = [one for one in dict.fromkeys(edit.services) if one not in keys]
    found += [Finding(where, f"there is no service {one!r}", nearest(one, keys)) for one in absent]
    return [one for one in dict.fromkeys(edit.services) if one not in absent]


def _point(edit: FacilityEdit, area: StudyArea, where: str, found: list[Finding]) -> shapely.Point | None:
    """Where an edit puts a place, in the CRS of the area; none where it puts it nowhere."""
    if edit.lon is None or edit.lat is None or edit.datum is None:
        return None
    lonlat = to_wgs84(np.array([[edit.lon, edit.lat]]), edit.datum)
    point: shapely.Point = gpd.GeoSeries.from_xy(*lonlat.T, crs="EPSG:4326").to_crs(area.crs).iloc[0]
    beyond = float(area.extent.distance(point)) if np.isfinite(point.x + point.y) else np.inf
    if beyond > 0:
        far = f"{beyond:,.0f} m " if np.isfinite(beyond) else ""
        problem = f"{edit.lon:g}, {edit.lat:g} lies {far}beyond the study area and its margin"
        found.append(Finding(where, problem, "Check longitude, latitude and their datum"))
    return point


def _note(edit: FacilityEdit, at: Rows, done: dict[int, set[str]], where: str, found: list[Finding]) -> None:
    """Note what is done to facilities; the same again, or anything besides closing, is a finding."""
    before = set().union(*(done.get(row, set()) for row in at.tolist()))
    if edit.do in before:
        found.append(Finding(where, f"{edit.id!r} is named twice to {edit.do}", "Keep one of the two"))
    elif before and "close" in (edit.do, *before):
        found.append(Finding(where, f"{edit.id!r} is closed, and something else besides", "Keep one of the two"))
    for row in at.tolist():
        done.setdefault(row, set()).add(edit.do)


def _move(rows: gpd.GeoDataFrame, at: Rows, point: shapely.Point) -> None:
    """Put facilities at a point; one that leaves others of its place behind is a place of its own."""
    left = np.setdiff1d(np.flatnonzero(rows["place"].isin(rows["place"].iloc[at])), at)
    ids = rows.index[at]
    rows.loc[ids, "geometry"] = gpd.GeoSeries([shapely.MultiPoint([point])] * len(at), index=ids, crs=rows.crs)
    rows.loc[ids, "entrance_from"] = "point"
    if len(left):
        rows.loc[ids, "place"] = ids.to_numpy(dtype=object)
    _mark(rows, ids)


def _enlarge(rows: gpd.GeoDataFrame, at: Rows, edit: FacilityEdit, where: str, found: list[Finding]) -> None:
    ids = rows.index[at]
    for key in ("floor_area_m2", "capacity"):
        size = getattr(edit, key)
        if size is None or not len(at):
            continue
        most = rows.loc[ids, key].max()
        if most >= size:
            problem = f"{key} of {edit.id!r} is {most:g} already, and {size:g} is no more"
            found.append(Finding(where, problem, "Give what it has in all when it is enlarged"))
        rows.loc[ids, key] = size
    _mark(rows, ids)


def _mark(rows: gpd.GeoDataFrame, ids: pd.Index) -> None:
    rows.loc[ids, "source"] = SOURCE
    rows.loc[ids, "verified"] = False


def _with_added(
    rows: gpd.GeoDataFrame, added: list[tuple[FacilityEdit, list[str], shapely.Point]], standard: Standard
) -> gpd.GeoDataFrame:
    """The facilities and, after them, those that are added; column types as they were."""
    if not added:
        return rows
    taken = set(rows["place"])
    free = (place for place in (f"{SOURCE}/{number}" for number in count(1)) if place not in taken)
    values: list[dict[str, object]] = []
    for (edit, keys, point), place in zip(added, free, strict=False):
        known: dict[str, object] = {"place": place, "name": edit.name or None, "capacity": edit.capacity}
        known |= {"floor_area_m2": edit.floor_area_m2, "geometry": shapely.MultiPoint([point])}
        known |= {"source": SOURCE, "verified": False, "entrance_from": "point"}
        services = [standard.service(key) for key in keys]
        values += [known | {"category": one.category, "service": one.key, "tier": one.tier} for one in services]
    index = pd.Index([f"{row['place']}/{row['service']}" for row in values], name=FACILITIES.index, dtype=object)
    columns = {
        name: pd.Series([row.get(name) for row in values], index=index, dtype=rows[name].dtype)
        for name in rows.columns.drop("geometry")
    }
    more = gpd.GeoDataFrame(columns, index=index, geometry=[row["geometry"] for row in values], crs=rows.crs)
    return gpd.GeoDataFrame(pd.concat([rows, more[list(rows.columns)]]), crs=rows.crs)
