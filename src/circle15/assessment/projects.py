"""The yearly project list: who needs what, and what each project does to the people and to the card."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.sparse import csr_array, hstack

from circle15.assessment.card import grades
from circle15.assessment.completeness import BY_TABLE
from circle15.assessment.coverage import coverage
from circle15.assessment.supply import demand, supplied
from circle15.assessment.units import own
from circle15.errors import DataError, Finding, quoted
from circle15.project.languages import BETWEEN, Labels
from circle15.project.yardsticks import EVERYONE
from circle15.tables import PROJECT_CELLS, PROJECTS, Placement, limit_s

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import geopandas as gpd

    from circle15.project import SitePlan, Standard
    from circle15.tables import Coverage, TravelTimes

ROOM = "floor_area_m2"
SAME = 1e-9  # residents; fewer are nobody


def rooms(standard: Standard, given: Mapping[str, float], *, services: tuple[str, ...] = ()) -> pd.Series:
    """The floor area that each service takes up which can be planned for.

    Parameters
    ----------
    standard : Standard
        Its minimum sizes, where they are of floor area.
    given : mapping of str to float
        By service, in square metres; before those of the standard.
    services : tuple of str
        Which are planned; every basic one whose size is known otherwise.

    Returns
    -------
    Series of float
        By service, in the order of the standard.

    Raises
    ------
    DataError
        With every finding: services that there are none of, or whose size nobody states.

    Examples
    --------
    >>> from circle15.project import Standard
    >>> rooms(Standard.load("yuzhong-15min"), {"canteen": 200}, services=("nursery", "canteen")).to_dict()
    {'nursery': 200.0, 'canteen': 200.0}
    """
    keys = [one.key for one in standard.services]
    strange = [one for one in dict.fromkeys([*services, *given]) if one not in keys]
    sizes = {
        one.key: float(one.minimum.least)
        for one in standard.services
        if one.minimum is not None and one.minimum.of == ROOM
    } | {key: float(size) for key, size in given.items()}
    asked = services or tuple(one.key for one in standard.services if one.need == "basic" and one.key in sizes)
    unsized = [one for one in asked if one in keys and one not in sizes]
    found = (
        [Finding("[plan] services", f"there is no service {quoted(strange)}", "See the standard")] if strange else []
    )
    if unsized:
        problem = f"nobody states how much room {quoted(unsized)} takes up"
        found.append(Finding("[plan] rooms", problem, "Give it in square metres of floor"))
    if found:
        raise DataError(*found)
    return pd.Series({key: sizes[key] for key in keys if key in asked}, dtype=float)


def needs(
    found: Coverage, origins: gpd.GeoDataFrame, groups: pd.DataFrame, *, services: pd.Index
) -> dict[str, pd.DataFrame]:
    """Who lacks each service: residents in a gap, and how many of them are of which age.

    Of whom it is unknown is not counted.

    Parameters
    ----------
    found : Coverage
        From `coverage`.
    origins : GeoDataFrame
        tables.ORIGINS.
    groups : DataFrame
        tables.GROUPS.
    services : Index
        Which are asked about.

    Returns
    -------
    dict of str to DataFrame
        By service that anybody lacks: clusters in a gap by ``all`` and the age groups that are known.
    """
    people = demand(origins, groups)
    ages = sorted(people.columns.drop(EVERYONE), key=lambda age: (int("0" + re.split(r"\D", age)[0]), age))
    people = people[[EVERYONE, *ages]].loc[found.status.index]
    lacking = {key: people[((found.status[key] == "gap") & (people[EVERYONE] > 0)).to_numpy()] for key in services}
    return {key: table for key, table in lacking.items() if len(table)}


def unserved(
    needs: Mapping[str, pd.DataFrame], times: TravelTimes, picks: pd.DataFrame, *, standard: Standard
) -> dict[str, pd.DataFrame]:
    """Who still lacks each service once some sites hold it.

    Parameters
    ----------
    needs : mapping of str to DataFrame
        From `needs`.
    times : TravelTimes
        To the sites.
    picks : DataFrame
        Columns `site` and `service`.
    standard : Standard
        States the cut-offs.

    Returns
    -------
    dict of str to DataFrame
        The same without the clusters that are served; without services that nobody lacks any more.
    """
    left = dict(needs)
    for key, rows in picks.groupby("service"):
        pairs = times.to(pd.Index(rows["site"])).pairs()
        within = pairs.loc[pairs["seconds"] <= limit_s(standard.service(str(key)).minutes), "origin"]
        left[str(key)] = left[str(key)][~left[str(key)].index.isin(within)]
    return {key: table for key, table in left.items() if len(table)}


def extended(times: TravelTimes, more: TravelTimes, sites: pd.Series) -> TravelTimes:
    """Travel times to further facilities beside those that stand.

    Parameters
    ----------
    times : TravelTimes
        To the facilities that stand.
    more : TravelTimes
        Of the same origins, walker, trip and cut-off, to sites.
    sites : Series of str
        The site of each further facility, by its id.

    Returns
    -------
    TravelTimes
        The facilities of `times`, then the further ones.

    Raises
    ------
    DataError
        When the two were not computed alike.
    """
    alike = (times.walker, times.trip, times.cutoff_s) == (more.walker, more.trip, more.cutoff_s)
    alike = alike and times.each_s is None and more.each_s is None
    if not alike or not times.origin_ids.equals(more.origin_ids):
        raise DataError(Finding("travel times", "they are of other origins, walkers or cut-offs", "Compute them alike"))
    at = more.facility_ids.get_indexer(pd.Index(sites))
    placed = more.facilities.table.iloc[at].set_axis(sites.index)
    return replace(
        times,
        seconds=csr_array(hstack([times.seconds, more.seconds[:, at]], format="csr")),
        facility_ids=times.facility_ids.append(sites.index),
        facilities=Placement(pd.concat([times.facilities.table, placed])),
    )


@dataclass(frozen=True)
class Before:
    """The city that projects are held against.

    Parameters
    ----------
    times : TravelTimes
        To the facilities that stand and, after them, to those of the projects, from `extended`.
    facilities : GeoDataFrame
        tables.FACILITIES of the same.
    origins, units : GeoDataFrame
        tables.ORIGINS and tables.UNITS.
    groups : DataFrame
        tables.GROUPS.
    known : DataFrame
        From `known_by_origin`.
    """

    times: TravelTimes
    facilities: gpd.GeoDataFrame
    origins: gpd.GeoDataFrame
    units: gpd.GeoDataFrame
    groups: pd.DataFrame
    known: pd.DataFrame


def project_cells(before: Before, projects: pd.Series, card: pd.DataFrame, *, standard: Standard) -> pd.DataFrame:
    """What each project does to the card, one after the other, as a fresh run with it would grade.

    Parameters
    ----------
    before : Before
        The city, with the facilities of all projects at the end of its tables.
    projects : Series of str
        The service of each project, by the id of its facility, in order.
    card : DataFrame
        tables.GRADES of the city without any of them.
    standard : Standard
        The standard of the card.

    Returns
    -------
    DataFrame
        tables.PROJECT_CELLS.
    """
    held = {category: rows.set_index("unit") for category, rows in card.groupby("category", sort=False)}
    rows = []
    for rank, category, after in _steps(before, projects, standard):
        then, now = held[category], after.set_index("unit")
        held[category] = now
        moved = (now["served"] - then["served"]).abs() > SAME
        turned = now["grade"].fillna(0) != then["grade"].fillna(0)
        both = now.index[moved | turned]
        rows.append(
            pd.DataFrame(
                {
                    "rank": rank,
                    "unit": both.to_numpy(dtype=object),
                    "category": category,
                    "people": now.loc[both, "people"].to_numpy(),
                    "served_before": then.loc[both, "served"].to_numpy(),
                    "served_after": now.loc[both, "served"].to_numpy(),
                    "grade_before": then.loc[both, "grade"].array,
                    "grade_after": now.loc[both, "grade"].array,
                }
            )
        )
    if not rows:
        return PROJECT_CELLS.empty()
    table = pd.concat(rows, ignore_index=True).sort_values("rank", kind="stable")
    ids = table["rank"].astype(str) + ":" + table["unit"] + ":" + table["category"]
    table.index = pd.Index(ids, name=PROJECT_CELLS.index, dtype=object)
    return table[PROJECT_CELLS.names]


def _steps(before: Before, projects: pd.Series, standard: Standard) -> Iterator[tuple[int, str, pd.DataFrame]]:
    """The card of a project's category after it and all earlier ones, category by category: no other can change."""
    people, shared = demand(before.origins, before.groups), own(before.facilities, before.units)
    of_project = np.array([standard.service(str(one)).category for one in projects], dtype=object)
    minutes = before.facilities["service"].map({one.key: one.minutes for one in standard.services}).fillna(0.0)
    near = before.times.within(minutes)  # what is farther away turns no cell
    for category in dict.fromkeys(of_project.tolist()):
        alone = standard.alone(category)
        of_it = before.facilities[(before.facilities["category"] == category).to_numpy()]
        times, ranks = near.to(of_it.index), np.flatnonzero(of_project == category)
        standing = len(of_it) - len(ranks)  # projects come last, in their order
        for number, rank in enumerate(ranks.tolist(), 1):
            here = of_it.iloc[: standing + number]
            walks = times.to(here.index)
            found = coverage(walks, here, standard=alone, known=before.known)
            here = shared[shared.index.isin(here.index)]
            found = supplied(found, walks, here, people=people, standard=alone, known=before.known)
            yield rank + 1, category, grades(found, before.origins, before.units, standard=alone)


@dataclass(frozen=True)
class Said:
    """What the evidence of a project is read from.

    Parameters
    ----------
    units, completeness, survey : DataFrame
        tables.UNITS, tables.COMPLETENESS and tables.SURVEY.
    standard : Standard
        Says what its minimum sizes rest on.
    """

    units: gpd.GeoDataFrame
    completeness: pd.DataFrame
    survey: pd.DataFrame
    standard: Standard

    def of(self, people: float, service: str, unit: str | None) -> str:
        """What one project rests on, in each language that the standard is spoken of in, parted by `BETWEEN`."""
        labels, kind = Labels.of(self.standard), self.standard.service(service)
        parts = [labels.said("said", "project", "people", n=f"{people:,.0f}")]
        rows = self.completeness[self.completeness["service"] == service]
        if len(rows):
            whole = bool((rows["judged_by"] == BY_TABLE).all())
            parts.append(labels.said("said", "project", "listed" if whole else "counted"))
        for asked in self._chain(unit):
            said = self.survey[(self.survey["unit"] == asked) & (self.survey["category"] == kind.category)]
            for satisfaction, answers in zip(said["satisfaction"], said["answers"], strict=True):
                share = {"share": f"{satisfaction:.0%}", "n": f"{answers:,}"}
                parts.append(labels.said("said", "project", "satisfied", **share))
            if len(said):
                break
        if kind.minimum is not None and kind.minimum.of == ROOM:
            evidence = labels.said("workbook", "values", kind.minimum.evidence)
            parts.append(labels.said("said", "project", "room", evidence=evidence))
        semicolons = labels.said("number", "semicolon")
        return BETWEEN.join(by.join(each) for by, each in zip(semicolons, zip(*parts, strict=True), strict=True))

    def _chain(self, unit: str | None) -> Iterator[str]:
        """A unit, the one above it, and so on."""
        parents = self.units["parent"].astype(object)
        above = parents.where(parents.notna(), None).to_dict()
        while unit is not None and unit in above:
            yield unit
            unit = above.get(unit)


def listed(
    picks: pd.DataFrame, candidates: gpd.GeoDataFrame, *, plan: SitePlan, rooms: pd.Series, said: Said
) -> pd.DataFrame:
    """The project list but for what each does to the card.

    Parameters
    ----------
    picks : DataFrame
        From `siting.picks`, near-term and reserve one after the other: `site`, `service`, `phase`, and persons newly
        covered by ``all`` and age groups.
    candidates : GeoDataFrame
        tables.CANDIDATES with `unit`, `lon` and `lat`.
    plan : SitePlan
        Costs, year.
    rooms : Series of float
        From `rooms`.
    said : Said
        What the evidence is read from.

    Returns
    -------
    DataFrame
        tables.PROJECTS; `cells` is empty.
    """
    if picks.empty:
        return PROJECTS.empty()
    at = candidates.loc[picks["site"]]
    service = picks["service"].to_numpy(dtype=object)
    first = ~picks.duplicated("site").to_numpy()
    room = rooms.loc[service].to_numpy()
    opening = np.where(first, at["cost"].to_numpy(dtype=float), 0.0)
    cost = np.where(at["cost"].isna(), np.nan, opening + room * plan.cost_each_m2)
    people = picks[EVERYONE].to_numpy(dtype=float)
    ages = picks.columns[picks.columns.tolist().index(EVERYONE) + 1 :]
    by_group = [
        "; ".join(f"{age} {count:,.0f}" for age, count in zip(ages, row, strict=True) if round(count))
        for row in picks[ages].to_numpy(dtype=float)
    ]
    unit = at["unit"].astype(object).where(at["unit"].notna(), None).tolist()
    low, high = plan.cost_bounds
    table = pd.DataFrame(
        {
            "rank": np.arange(1, len(picks) + 1),
            "phase": picks["phase"].to_numpy(dtype=object),
            "year": plan.year,
            "site": picks["site"].to_numpy(dtype=object),
            "name": at["name"].to_numpy(dtype=object),
            "unit": unit,
            "category": [said.standard.service(one).category for one in service],
            "service": service,
            "people": people,
            "cumulative": people.cumsum(),
            "by_group": by_group,
            "need": "yes",
            **{name: at[name].to_numpy(dtype=object) for name in ("basis", "equipment", "place")},
            "room_m2": room,
            "cost": cost,
            "cost_unit": plan.cost_unit,
            "cost_class": np.select([np.isnan(cost), cost <= low, cost <= high], ["unknown", "low", "middle"], "high"),
            **{name: at[name].to_numpy(dtype=object) for name in ("step_free", "owner", "operator", "budget_line")},
            "cells": "",
            "evidence": [said.of(*one) for one in zip(people, service, unit, strict=True)],
            "lon": at["lon"].to_numpy(),
            "lat": at["lat"].to_numpy(),
        }
    )
    table.index = pd.Index(table["site"] + ":" + table["service"], name=PROJECTS.index, dtype=object)
    return table[PROJECTS.names]


def with_cells(
    projects: pd.DataFrame, cells: pd.DataFrame, *, units: gpd.GeoDataFrame, standard: Standard
) -> pd.DataFrame:
    """The project list with the cells of the card that each turns, in words.

    Parameters
    ----------
    projects, cells : DataFrame
        tables.PROJECTS and tables.PROJECT_CELLS.
    units : GeoDataFrame
        tables.UNITS.
    standard : Standard
        Names categories.

    Returns
    -------
    DataFrame
        tables.PROJECTS.
    """
    turned = cells[cells["grade_before"].fillna(0) != cells["grade_after"].fillna(0)]
    names = pd.Series({one.key: standard.first(one) for one in standard.categories}, dtype=object)
    both = (turned[name].astype(object).where(turned[name].notna(), "–") for name in ("grade_before", "grade_after"))
    old, new = both
    said = turned["unit"].map(units["name"]).astype(object) + " " + turned["category"].map(names)
    said = said + " " + old.astype(str) + "→" + new.astype(str)
    words = said.groupby(turned["rank"]).agg("; ".join)
    return projects.assign(cells=projects["rank"].map(words).fillna("").astype(object))
