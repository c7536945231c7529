"""Two runs side by side: who gains and who loses, per service, unit and group, and which cells of the card change.

Where homes and residents are the same in both runs, everybody is followed from the one state to the other. Where they
are not (another year), only sums over units can be compared; who gained and who lost within a unit is not said then.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
from scipy.sparse import csr_array, vstack

from circle15.assessment.units import holds
from circle15.errors import DataError, Finding, quoted
from circle15.project.languages import Labels
from circle15.tables import (
    CELL_CHANGES,
    CHANGES,
    EVERYBODY,
    FACILITY_CHANGES,
    GRADE_TURNS,
    ORIGIN_CHANGES,
    PLACE_TURNS,
    UNIT_CHANGES,
    Comparison,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from circle15.project import Standard
    from circle15.tables import Result

    Numbers = NDArray[np.float64]

STATES = ("gap", "unknown", "served")
GAP, UNKNOWN, SERVED = range(3)
WHEN = ("before", "after")
SAME_PLACE_M = 1.0  # a home, or an entrance, that is no farther from where it was has not moved
SAME_PEOPLE = 1e-6  # of the residents of a home
STILL_MIN = 0.05 / 60  # half of the tenth of a second that walks are counted in
OTHER_OUTLINE = 0.01  # of the area of a unit


def changes(
    before: Result, after: Result, *, standards: tuple[Standard, Standard], same: Mapping[str, str] | None = None
) -> Comparison:
    """Who gains and who loses between two runs.

    A resident *gains* a service who was in a gap and is served after, and *loses* it the other way round; where it
    could not be said before or cannot be said after, that is counted apart. Only services that both standards have are
    compared, and units that both runs have.

    Where homes or residents differ, nobody can be followed. `net` is then by how many more residents, at least, are
    served than would be at the share before (below zero: fewer, at least), whatever may be true of those of whom it
    cannot be said; 0 when neither is sure. More residents alone change nothing.

    Parameters
    ----------
    before, after : Result
        Of two runs; of each, units, origins, groups, facilities, coverage and grades are read.
    standards : tuple of Standard
        What the one and the other were held against.
    same : mapping of str to str, optional
        Facilities of `after` that are the same real place under another id, and that id.

    Returns
    -------
    Comparison
        Its findings say what makes the two hard to compare.

    Raises
    ------
    DataError
        When the two have no unit or no service in common, or one of them lacks the coverage of some homes.
    """
    before = _in_crs_of(before, after)
    common, services, findings = _comparable(before, after, standards)
    sides = [_Side.of(one, common, services, where) for one, where in ((before, "before"), (after, "after"))]
    matched, why = _matched(before, after)
    if matched:
        sides[0] = sides[0].in_order_of(sides[1])
    else:
        findings.append(why)
    groups, only = _groups(before, after)
    assumed = {group for one in (before, after) for group in one.groups.loc[one.groups["assumed"], "group"]}
    cells = _cells(before, after, common, standards[1])
    units, facts = _units(sides, common, cells, matched=matched)
    places = _facilities(before, after, services, same or {})
    facts["facilities"] = {turn: int((places["turn"] == turn).sum()) for turn in PLACE_TURNS}
    return Comparison(
        before=before,
        after=after,
        by="origin" if matched else "unit",
        changes=_table(
            {group: _changes(sides, group, matched=matched) for group in groups},
            common,
            services,
            assumed=assumed,
            everybody=Labels.of(standards[1]).joined("said", "everybody"),
        ),
        units=units,
        cells=cells,
        origins=_origins(sides, after, services) if matched else ORIGIN_CHANGES.empty(after.origins.crs),
        facilities=places,
        findings=(*findings, *only),
        facts=facts,
    )


# -------------------------------------------------------------------------------------------- whether they compare


def _in_crs_of(before: Result, after: Result) -> Result:
    if before.units.crs == after.units.crs:
        return before
    tables = {name: getattr(before, name).to_crs(after.units.crs) for name in ("units", "origins", "facilities")}
    return replace(before, **tables)


def _comparable(
    before: Result, after: Result, standards: tuple[Standard, Standard]
) -> tuple[gpd.GeoDataFrame, pd.DataFrame, list[Finding]]:
    """Units and services that both have; what only one has is a finding, and nothing in common an error."""
    found = []
    units = after.units[after.units.index.isin(before.units.index)]
    keys = [{service.key: service for service in standard.services} for standard in standards]
    both = [key for key in keys[1] if key in keys[0]]
    for word, one, other in (
        ("units", before.units.index, after.units.index),
        ("services", pd.Index(keys[0]), pd.Index(keys[1])),
    ):
        for when, only in (("before", one.difference(other)), ("after", other.difference(one))):
            if len(only):
                problem = f"{len(only):,} {word} are there only {when} ({quoted(only)})"
                found.append(Finding("comparison", problem, "They are left out"))
    if units.empty or not both:
        problem = f"the two runs have no {'unit' if units.empty else 'service'} in common"
        raise DataError(Finding("comparison", problem, "Compare two runs of one area"), *found)
    moved = before.units.loc[units.index].geometry.symmetric_difference(units.geometry).area > (
        OTHER_OUTLINE * units.area
    )
    if moved.any():
        ids = units.index[moved]
        problem = f"{len(ids):,} units have another outline ({quoted(ids)})"
        found.append(Finding("comparison", problem, "Part of what changes there may be the outline"))
    found += _other_rules(keys[0], keys[1], standards)
    rows = [(key, keys[1][key].category, standards[1].label(keys[1][key])) for key in both]
    services = pd.DataFrame(rows, columns=["service", "category", "label"]).set_index("service")
    return units, services, found


def _other_rules(
    before: Mapping[str, object], after: Mapping[str, object], standards: tuple[Standard, Standard]
) -> list[Finding]:
    """How two standards judge otherwise what they both judge."""
    found = []
    minutes = [
        f"{key} {before[key].minutes:g} to {after[key].minutes:g} min"  # type: ignore[attr-defined]
        for key in after
        if key in before and before[key].minutes != after[key].minutes  # type: ignore[attr-defined]
    ]
    if minutes:
        problem = f"{len(minutes)} services have another cut-off ({quoted(minutes)})"
        found.append(Finding("comparison", problem, "Part of what changes is the standard, not the city"))
    asked = [{one.key: one.asked() for one in standard.categories} for standard in standards]
    norms = [{one.key: one.norm for one in standard.services} for standard in standards]
    bands = [sorted((band.grade, band.coverage, band.supply) for band in one.grades) for one in standards]
    shares = [(one.complete_share, one.complete_least, one.decay, one.supply_most) for one in standards]
    other = [key for rule in (asked, norms) for key in rule[1] if key in rule[0] and rule[0][key] != rule[1][key]]
    if other or bands[0] != bands[1] or shares[0] != shares[1]:
        problem = f"the card is graded by other rules{f' (those of {quoted(other)})' if other else ''}"
        found.append(Finding("comparison", problem, "Part of what changes is the standard, not the city"))
    return found


def _matched(before: Result, after: Result) -> tuple[bool, Finding]:
    """Whether homes and residents are the same; else why not."""
    one, other = before.origins, after.origins
    ids = one.index.symmetric_difference(other.index)
    if len(ids):
        why = f"the homes are others ({len(ids):,} ids are there only once, such as {quoted(ids)})"
    else:
        one = one.loc[other.index]
        moved = (one.geometry.distance(other.geometry) > SAME_PLACE_M).to_numpy()
        people = [table["population"].to_numpy(dtype=float) for table in (one, other)]
        counted = np.abs(people[0] - people[1]) > SAME_PEOPLE * np.maximum(*people)
        placed = one["unit"].fillna("").to_numpy() != other["unit"].fillna("").to_numpy()
        words = [("stand elsewhere", moved), ("have other residents", counted), ("are of another unit", placed)]
        said = [f"{int(bad.sum()):,} of {len(other):,} homes {word}" for word, bad in words if bad.any()]
        why = " and ".join(said)
    mend = "Compared by unit: who gains and who loses within a unit is not told apart"
    return not why, Finding("comparison", why, mend)


# ----------------------------------------------------------------------------------------------------- the two sides


@dataclass(frozen=True)
class _Side:
    """One run as arrays: homes by services, and which unit holds which home (the first row: everybody)."""

    ids: pd.Index
    state: NDArray[np.int8]
    minutes: Numbers
    held: csr_array
    groups: pd.DataFrame  # residents: homes by group

    @classmethod
    def of(cls, result: Result, units: gpd.GeoDataFrame, services: pd.DataFrame, where: str) -> _Side:
        origins, table = result.origins, result.coverage
        rows = origins.index.get_indexer(pd.Index(table["origin"]))
        columns = services.index.get_indexer(pd.Index(table["service"]))
        said = (rows >= 0) & (columns >= 0)
        at = rows[said], columns[said]
        state = np.full((len(origins), len(services)), -1, dtype=np.int8)
        minutes = np.full(state.shape, np.nan)
        state[at] = pd.Index(STATES).get_indexer(pd.Index(table["status"]))[said]
        minutes[at] = table["minutes"].to_numpy(dtype=float, na_value=np.nan)[said]
        if (state < 0).any():
            problem = f"coverage {where}: {(state < 0).sum():,} states of homes and services are not said"
            raise DataError(Finding("comparison", problem, "Run the study again"))
        inside = holds(units, origins["unit"])
        everybody = csr_array(np.ones((1, len(origins))))
        held = csr_array(vstack([everybody, inside]))
        people = result.groups.pivot_table(index="origin", columns="group", values="people", aggfunc="sum", sort=False)
        groups = people.reindex(origins.index).fillna(0.0)
        groups.insert(0, EVERYBODY, origins["population"].to_numpy(dtype=float))
        return cls(origins.index, state, minutes, held, groups)

    def in_order_of(self, other: _Side) -> _Side:
        """The same side, its homes in the order of the other's."""
        order = self.ids.get_indexer(other.ids)
        return _Side(other.ids, self.state[order], self.minutes[order], self.held[:, order], self.groups.iloc[order])

    def people(self, group: str, of: NDArray[np.bool_] | Numbers) -> Numbers:
        """Residents of a group for whom something holds, or the sum of what they have: units by services."""
        each = self.groups[group].to_numpy(dtype=float)[:, None]
        found: Numbers = np.asarray(self.held @ (each * of))
        return found


def _groups(before: Result, after: Result) -> tuple[list[str], list[Finding]]:
    """The groups that both runs know, everybody first; a group that only one knows is a finding."""
    known = [list(dict.fromkeys(one.groups["group"])) for one in (before, after)]
    both = [group for group in known[1] if group in known[0]]
    only = [group for group in dict.fromkeys(known[0] + known[1]) if group not in both]
    problem = f"groups of residents are known of one run only ({quoted(only)})"
    return [EVERYBODY, *both], [Finding("comparison", problem, "They are left out")] if only else []


# --------------------------------------------------------------------------------------------------------- the tables


def _changes(sides: list[_Side], group: str, *, matched: bool) -> dict[str, Numbers]:
    """The numbers of tables.CHANGES for one group: units (everybody first) by services."""
    before, after = sides
    found = {
        f"{state}_{when}": side.people(group, side.state == code)
        for when, side in (("before", before), ("after", after))
        for code, state in enumerate(STATES)
    }
    nobody = np.full_like(found["served_after"], np.nan)
    told = ("gained", "lost", "became_known", "known_served", "became_unknown", "unknown_served")
    walks = ("shorter", "minutes_shorter", "longer", "minutes_longer")
    if not matched or (before.groups[group].to_numpy() != after.groups[group].to_numpy()).any():
        return found | {"net": _surely_more(found)} | dict.fromkeys((*told, *walks), nobody)
    one, other = before.state, after.state
    turned = {
        "gained": (one == GAP) & (other == SERVED),
        "lost": (one == SERVED) & (other == GAP),
        "became_known": (one == UNKNOWN) & (other != UNKNOWN),
        "known_served": (one == UNKNOWN) & (other == SERVED),
        "became_unknown": (one != UNKNOWN) & (other == UNKNOWN),
        "unknown_served": (one == SERVED) & (other == UNKNOWN),
    }
    found |= {name: after.people(group, those) for name, those in turned.items()}
    found["net"] = found["gained"] - found["lost"]
    for name, saved in zip(("shorter", "longer"), _saved(before, after), strict=True):
        found[name] = people = after.people(group, saved > 0)
        found[f"minutes_{name}"] = np.divide(after.people(group, saved), people, out=nobody.copy(), where=people > 0)
    return found


def _surely_more(found: Mapping[str, Numbers]) -> Numbers:
    """By how many more residents are served than at the share before, whatever is true of the unknown ones."""
    people = {when: np.sum([found[f"{state}_{when}"] for state in STATES], axis=0) for when in WHEN}
    grown = np.divide(people["after"], people["before"], out=np.zeros_like(people["after"]), where=people["before"] > 0)
    least = found["served_after"] - grown * (found["served_before"] + found["unknown_before"])
    most = found["served_after"] + found["unknown_after"] - grown * found["served_before"]
    sure = np.where(least > 0, least, np.where(most < 0, most, 0.0))
    return np.where((np.abs(sure) > SAME_PEOPLE * people["after"]) & (grown > 0), sure, 0.0)


def _saved(before: _Side, after: _Side) -> tuple[Numbers, Numbers]:
    """Minutes by which a walk got shorter, and longer, of homes that are served before and after; 0 otherwise."""
    served = (before.state == SERVED) & (after.state == SERVED)
    saved = np.where(served, before.minutes - after.minutes, 0.0)
    saved[np.abs(saved) <= STILL_MIN] = 0.0
    return np.maximum(saved, 0.0), np.maximum(-saved, 0.0)


def _table(
    by_group: dict[str, dict[str, Numbers]],
    units: gpd.GeoDataFrame,
    services: pd.DataFrame,
    *,
    assumed: set[str],
    everybody: str,
) -> pd.DataFrame:
    """tables.CHANGES of all groups: everybody's rows first, then unit by unit."""
    ids: list[str | None] = [None, *units.index]
    shape = len(ids), len(services), len(by_group)
    unit, service, group = (at.ravel() for at in np.indices(shape))
    keys = services.index.to_numpy(dtype=object)[service]
    groups = np.array(list(by_group), dtype=object)[group]
    words = pd.DataFrame(
        {
            "unit": np.array(ids, dtype=object)[unit],
            "unit_name": np.array([everybody, *units["name"]], dtype=object)[unit],
            "tier": np.array([None, *units["tier"]], dtype=object)[unit],
            "category": services["category"].to_numpy(dtype=object)[service],
            "service": keys,
            "label": services["label"].to_numpy(dtype=object)[service],
            "group": groups,
            "assumed": np.isin(groups, list(assumed)),
        }
    )
    stacked = {
        name: np.stack([numbers[name] for numbers in by_group.values()], axis=-1).ravel()
        for name in CHANGES.names[len(words.columns) :]
    }
    rows = words.assign(**stacked)
    rows.index = pd.Index(rows["unit"].fillna("") + ":" + keys + ":" + groups, name=CHANGES.index)
    return rows[CHANGES.names]


def _cells(before: Result, after: Result, units: gpd.GeoDataFrame, standard: Standard) -> pd.DataFrame:
    """tables.CELL_CHANGES of the units and categories that both cards have."""
    label = {one.key: standard.label(one) for one in standard.categories}
    card = after.grades
    here = card.index.isin(before.grades.index) & card["unit"].isin(units.index) & card["category"].isin(label)
    card = card[here]
    was = before.grades.loc[card.index]
    table = pd.DataFrame({"unit": card["unit"], "category": card["category"]}, index=card.index)
    table["unit_name"], table["tier"] = (units[name].loc[card["unit"]].to_numpy() for name in ("name", "tier"))
    table["label"] = card["category"].map(label)
    for reading in ("grade", "grade_lenient"):
        table[f"{reading}_before"] = was[reading].astype("Int64")
        table[f"{reading}_after"] = card[reading].astype("Int64")
    table["change"] = table["grade_after"] - table["grade_before"]
    step = table["change"].fillna(0).to_numpy(dtype=int)
    graded = [table[f"grade_{when}"].notna().to_numpy() for when in ("before", "after")]
    turns = (
        ("up", step > 0), ("down", step < 0), ("same", graded[0] & graded[1]), ("graded", graded[1]),
        ("ungraded", graded[0]),
    )  # fmt: skip
    table["turn"] = np.select([those for _, those in turns], [word for word, _ in turns], "none").astype(object)
    return table.rename_axis(CELL_CHANGES.index)[CELL_CHANGES.names]


def _units(
    sides: list[_Side], units: gpd.GeoDataFrame, cells: pd.DataFrame, *, matched: bool
) -> tuple[gpd.GeoDataFrame, dict[str, object]]:
    """tables.UNIT_CHANGES, and the same figures of everybody and of the card."""
    before, after = sides
    count = {when: side.people(EVERYBODY, np.ones((1, 1)))[:, 0] for when, side in zip(WHEN, sides, strict=True)}
    columns: dict[str, Numbers] = {f"people_{when}": people for when, people in count.items()}
    for name, was in (("gaining", GAP), ("losing", SERVED)):
        columns[name] = np.full_like(count["after"], np.nan)
        if matched:
            turned = np.equal(before.state, was) & np.equal(after.state, GAP + SERVED - was)
            columns[name] = after.people(EVERYBODY, np.asarray(turned.any(axis=1), dtype=bool)[:, None])[:, 0]
    facts: dict[str, object] = {name: float(values[0]) for name, values in columns.items()}
    facts |= {} if matched else {"gaining": None, "losing": None}
    tally = cells.groupby(["tier", "turn"], sort=False).size()
    facts["cells"] = {
        tier: {turn: int(tally.get((tier, turn), 0)) for turn in GRADE_TURNS} for tier in cells["tier"].unique()
    }
    table = pd.DataFrame({name: values[1:] for name, values in columns.items()}, index=units.index)
    for turn in ("up", "down"):
        some = cells.loc[cells["turn"] == turn, "unit"].value_counts()
        table[f"cells_{turn}"] = some.reindex(units.index, fill_value=0).astype("int64")
    return gpd.GeoDataFrame(units[["name", "tier", "parent", "geometry"]].join(table))[UNIT_CHANGES.names], facts


def _origins(sides: list[_Side], after: Result, services: pd.DataFrame) -> gpd.GeoDataFrame:
    """tables.ORIGIN_CHANGES, where everybody can be followed."""
    before, later = sides
    one, other = before.state, later.state
    shorter, longer = _saved(before, later)
    turns = {
        "gained": (one == GAP) & (other == SERVED),
        "lost": (one == SERVED) & (other == GAP),
        "known": (one == UNKNOWN) & (other != UNKNOWN),
        "unknown": (one != UNKNOWN) & (other == UNKNOWN),
        "shorter": shorter > 0,
        "longer": longer > 0,
    }
    row, column = np.nonzero(np.any(list(turns.values()), axis=0))
    homes = after.origins.iloc[row]
    words = np.array(STATES, dtype=object)
    table = pd.DataFrame(
        {
            "origin": homes.index.to_numpy(dtype=object),
            "unit": homes["unit"].to_numpy(dtype=object),
            "category": services["category"].to_numpy(dtype=object)[column],
            "service": services.index.to_numpy(dtype=object)[column],
            "label": services["label"].to_numpy(dtype=object)[column],
            "people": homes["population"].to_numpy(dtype=float),
            "turn": np.select([those[row, column] for those in turns.values()], list(turns), "").astype(object),
            "before": words[one[row, column]],
            "after": words[other[row, column]],
            "minutes_before": before.minutes[row, column],
            "minutes_after": later.minutes[row, column],
        }
    )
    table.index = pd.Index(table["origin"] + ":" + table["service"], name=ORIGIN_CHANGES.index, dtype=object)
    found = gpd.GeoDataFrame(table, geometry=homes.geometry.to_numpy(), crs=after.origins.crs)
    order = ["people", "origin", "service"]
    return found.sort_values(order, ascending=[False, True, True], kind="stable")[ORIGIN_CHANGES.names]


def _facilities(before: Result, after: Result, services: pd.DataFrame, same: Mapping[str, str]) -> gpd.GeoDataFrame:
    """tables.FACILITY_CHANGES of the services that are compared."""
    was, now = (one.facilities[one.facilities["service"].isin(services.index)] for one in (before, after))
    ids = pd.Index([same.get(one, one) for one in now.index], dtype=object)
    stays = ids.isin(was.index)
    closed = was[~was.index.isin(ids)]
    one = was.reindex(ids).set_index(now.index)
    moved = one.geometry.distance(now.geometry, align=False).where(pd.Series(stays, now.index))
    sizes = {}
    for size in ("floor_area_m2", "capacity"):
        sizes[f"{size}_before"] = pd.concat([one[size], closed[size]]).astype(float)
        sizes[f"{size}_after"] = pd.concat([now[size], closed[size] * np.nan]).astype(float)
    rows = pd.concat([now, closed])
    table = pd.DataFrame({name: rows[name] for name in ("place", "category", "service", "name", "source")}).assign(
        **sizes
    )
    table["label"] = services["label"].loc[rows["service"]].to_numpy()
    table["moved_m"] = moved.reindex(rows.index)
    planned = (rows["source"] == "scenario").to_numpy()
    resized = np.zeros(len(rows), dtype=bool)
    for size in ("floor_area_m2", "capacity"):
        old, new = table[f"{size}_before"], table[f"{size}_after"]
        resized |= ((old != new) & new.notna() & (old.notna() | planned)).to_numpy()
    at_once = (rows.index == ids.append(closed.index)) | (rows.index.isin(closed.index))
    turns = (
        ("closed", np.arange(len(rows)) >= len(now)),
        ("added", np.append(~stays, np.zeros(len(closed), dtype=bool))),
        ("moved", (table["moved_m"] > SAME_PLACE_M).to_numpy() & at_once),
        ("resized", resized),
    )
    table["turn"] = np.select([those for _, those in turns], [word for word, _ in turns], "").astype(object)
    found = gpd.GeoDataFrame(table, geometry=rows.geometry, crs=after.facilities.crs).rename_axis(
        FACILITY_CHANGES.index
    )
    return found[found["turn"] != ""][FACILITY_CHANGES.names]
