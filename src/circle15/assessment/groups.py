"""Groups of people: who is covered as they themselves walk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from circle15.assessment.supply import demand
from circle15.assessment.units import GAP, SERVED, UNKNOWN, by_state, crossed, holds
from circle15.errors import CutoffError, Finding
from circle15.project.yardsticks import EVERYONE
from circle15.tables import GROUP_COVERAGE

if TYPE_CHECKING:
    from collections.abc import Mapping

    import geopandas as gpd
    from numpy.typing import NDArray

    from circle15.project import Standard
    from circle15.project.yardsticks import Group
    from circle15.tables import Coverage

    Codes = NDArray[np.int8]


def group_coverage(
    runs: Mapping[str, Coverage],
    origins: gpd.GeoDataFrame,
    units: gpd.GeoDataFrame,
    *,
    standard: Standard,
    groups: pd.DataFrame,
    known: pd.DataFrame,
) -> pd.DataFrame:
    """People of every group, covered as they walk, in every circle that the standard names for them.

    Parameters
    ----------
    runs : mapping of str to Coverage
        By group: coverage of the walker of that group.
    origins, units : GeoDataFrame
        tables.ORIGINS and tables.UNITS.
    standard : Standard
        States the groups.
    groups : DataFrame
        tables.GROUPS. A group any of whose ages is missing of some cluster is counted as all residents, marked so.
    known : DataFrame of bool
        By origin and service, from `known_by_origin`.

    Returns
    -------
    DataFrame
        tables.GROUP_COVERAGE. Beside the services of a group stand *any* and *every* one of them, which for a group
        without minutes of its own are judged by each service's own.

    Raises
    ------
    CutoffError
        When a group's minutes are beyond what was searched for its walker.
    """
    tables = [GROUP_COVERAGE.empty().astype({"minutes": float})]
    everyone = demand(origins, groups)
    for group in standard.groups:
        found = runs[group.key]
        people, counted = _people(group, everyone, groups)
        held = holds(units, origins.loc[found.status.index, "unit"]) * people.loc[found.status.index].to_numpy(
            dtype=float
        )
        own = [standard.service(key).minutes for key in group.services]
        for minutes in group.minutes or (None,):
            said = _codes(found, list(group.services), own if minutes is None else [minutes] * len(own), known=known)
            said = np.column_stack([said, said.max(axis=1), said.min(axis=1)])
            within = [
                *(own if minutes is None else [minutes] * len(own)),
                *[np.nan if minutes is None else minutes] * 2,
            ]
            mark = "" if minutes is None else f":{minutes:g}"
            rows = crossed(units.index, [*group.services, "any", "every"], name="service", index=GROUP_COVERAGE.index)
            state = {name: part.ravel() for name, part in by_state(held, said).items()}
            rows = rows.assign(group=group.key, minutes=np.tile(within, len(units)), **state, counted=counted)
            rows["people"] = rows[["served", "gap", "unknown"]].sum(axis=1)
            rows.index = pd.Index(
                rows["unit"] + ":" + group.key + ":" + rows["service"] + mark, name=GROUP_COVERAGE.index
            )
            tables.append(rows[GROUP_COVERAGE.names])
    return pd.concat(tables)


def _people(group: Group, known: pd.DataFrame, groups: pd.DataFrame) -> tuple[pd.Series, str]:
    """People of a group in each cluster, and who they are; `known` as from `demand`."""
    if not group.ages or not set(group.ages) <= set(known.columns):
        return known[EVERYONE], "residents"
    assumed = bool(groups.loc[groups["group"].isin(group.ages), "assumed"].any())
    return known[list(group.ages)].sum(axis=1), "assumed" if assumed else "published"


def _codes(found: Coverage, services: list[str], minutes: list[float], *, known: pd.DataFrame) -> Codes:
    """The same walks judged by other cut-offs: origins by services."""
    beyond = [(one, have) for one, key in zip(minutes, services, strict=True) if one > (have := found.searched(key))]
    if found.edge_s is None or beyond:
        one, have = max(beyond, default=(max(minutes), 0.0))
        problem = f"{one:g} minutes are asked of walks that were searched for {have:g}"
        raise CutoffError(Finding("groups", problem, "Compute their walks with a longer cut-off"))
    cutoff = np.array(minutes) * 60
    served = found.seconds[services].to_numpy() <= cutoff
    edge = found.edge_s.to_numpy()[:, None] <= cutoff
    listed = known.reindex(index=found.status.index, columns=services).to_numpy(dtype=bool)
    unsure = edge | ~listed | (found.why[services] == "unplaced").to_numpy()
    return np.where(served, SERVED, np.where(unsure, UNKNOWN, GAP)).astype(np.int8)
