"""The same question asked otherwise: other walkers, relaxed rules, other numbers; and what the difference says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd

from circle15.assessment.card import grades
from circle15.assessment.units import holds
from circle15.tables import DEPENDENCE, STEP_FREE, TERRAIN, WALKERS, Coverage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from circle15.project import Standard

STEP_M = 0.155  # [P] outdoor public stairs
MACHINES = frozenset({"lift", "escalator", "cable_car"})
FOOTWAYS = ("footway", "path", "pedestrian", "steps", "cycleway", "corridor")


def causes(lacking: pd.DataFrame, found: Coverage, *, relaxed: Mapping[str, Coverage]) -> pd.DataFrame:
    """Why each gap is one: the first relaxation that would close it, in the order given.

    A gap is ``none`` when nobody in the study reaches a facility of the service at all, else the name of the first
    relaxed run in which the cluster is within the cut-off, else ``far``.

    Parameters
    ----------
    lacking : DataFrame
        tables.GAPS.
    found : Coverage
        The coverage that the gaps come from.
    relaxed : mapping of str to Coverage
        ``closed``: every hour, fare and direction allowed; ``steps``: stairs allowed; ``terrain``: on level ground.

    Returns
    -------
    DataFrame
        `lacking` with `cause`.
    """
    row = found.status.index.get_indexer(pd.Index(lacking["origin"]))
    column = found.status.columns.get_indexer(pd.Index(lacking["service"]))
    cause = np.full(len(lacking), "far", dtype=object)
    for name, run in reversed(list(relaxed.items())):
        served = (run.status.reindex_like(found.status) == "served").to_numpy()
        cause[served[row, column]] = name
    nowhere = found.seconds.isna().all().to_numpy()
    cause[nowhere[column]] = "none"
    return lacking.assign(cause=cause)


def card_by_walker(
    runs: Mapping[str, Coverage], origins: gpd.GeoDataFrame, units: gpd.GeoDataFrame, *, standard: Standard
) -> pd.DataFrame:
    """The card of every walker side by side, and how each differs from that of the first.

    Parameters
    ----------
    runs : mapping of str to Coverage
        By walker; the first is the one that the others are compared with.
    origins, units : GeoDataFrame
        tables.ORIGINS and tables.UNITS.
    standard : Standard
        The standard that the runs were made with.

    Returns
    -------
    DataFrame
        tables.WALKERS.
    """
    cards = {walker: grades(run, origins, units, standard=standard) for walker, run in runs.items()}
    base = next(iter(cards.values()))["grade"]
    tables = [
        card.assign(walker=walker, change=card["grade"] - base).set_axis(card.index + ":" + walker)
        for walker, card in cards.items()
    ]
    return pd.concat(tables).rename_axis(WALKERS.index)[WALKERS.names]


def terrain_penalty(
    level: Coverage, found: Coverage, origins: gpd.GeoDataFrame, units: gpd.GeoDataFrame
) -> pd.DataFrame:
    """Residents per unit and service who are covered on level ground and in a gap on the hill.

    Parameters
    ----------
    level, found : Coverage
        The same walker without and with the terrain.
    origins, units : GeoDataFrame
        tables.ORIGINS and tables.UNITS.

    Returns
    -------
    DataFrame
        tables.TERRAIN; a unit of a higher tier is counted from the clusters themselves.
    """
    on_level = (level.status.reindex_like(found.status) == "served").to_numpy()
    lost = on_level & (found.status == "gap").to_numpy()
    people = origins.loc[found.status.index, "population"].to_numpy(dtype=float)[:, None]
    inside = holds(units, origins.loc[found.status.index, "unit"])
    services = found.status.columns
    rows = pd.DataFrame(
        {
            "unit": np.repeat(units.index.to_numpy(dtype=object), len(services)),
            "service": np.tile(services.to_numpy(dtype=object), len(units)),
            "level": (inside @ (people * on_level)).ravel(),
            "lost": (inside @ (people * lost)).ravel(),
        }
    )
    rows.index = pd.Index(rows["unit"] + ":" + rows["service"], name=TERRAIN.index)
    return rows[TERRAIN.names]


def flips(card: pd.DataFrame, variants: Sequence[pd.DataFrame]) -> pd.Series:
    """The share of variants in which the grade of a cell is another one; becoming ungraded counts as a change.

    Parameters
    ----------
    card : DataFrame
        tables.GRADES.
    variants : sequence of DataFrame
        The same cells under other speeds, heights or cut-offs.

    Returns
    -------
    Series of float
        On the index of `card`.
    """
    base = card["grade"].fillna(0)
    changed = [variant["grade"].reindex(card.index).fillna(0) != base for variant in variants]
    return pd.concat(changed, axis=1).mean(axis=1).astype(float)


def step_free(shortest: Coverage, without_steps: Coverage, origins: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """How much farther it is without steps, cluster by cluster, and what cannot be reached at all.

    Parameters
    ----------
    shortest, without_steps : Coverage
        The same walker, free and without stairs and escalators.
    origins : GeoDataFrame
        tables.ORIGINS.

    Returns
    -------
    GeoDataFrame
        tables.STEP_FREE.
    """
    ratio = without_steps.seconds / shortest.seconds.where(shortest.seconds > 0)
    served = shortest.status == "served"
    table = {
        "population": origins["population"],
        "ratio": ratio.median(axis=1),
        "reached": served.sum(axis=1),
        "reached_step_free": (served & (without_steps.status == "served")).sum(axis=1),
        "no_way": without_steps.seconds.isna().all(axis=1),
    }
    frame = pd.DataFrame(table, index=origins.index)
    return gpd.GeoDataFrame(frame, geometry=origins.geometry)[STEP_FREE.names]


def candidates(streets: gpd.GeoDataFrame, *, long_flight_steps: int) -> list[str]:
    """What a walk may hang on: lifts, escalators, cable cars, footbridges, and stairs longer than a long flight.

    Parameters
    ----------
    streets : GeoDataFrame
        tables.STREETS.
    long_flight_steps : int
        Stairs count from more steps than this, taken at 0.155 m a step where only the climb is known.

    Returns
    -------
    list of str
        OSM ids, sorted.
    """
    forward = streets.drop_duplicates("piece")
    by_element = forward.groupby("osm_id")
    kind = by_element["kind"].agg(set)
    climb = forward["rise_m"].abs().groupby(forward["osm_id"]).sum()
    steps = by_element["steps"].sum().where(by_element["steps"].count() > 0, climb / STEP_M)
    on_foot = by_element["highway"].first().isin(FOOTWAYS)
    moved = kind.map(lambda kinds: bool(kinds & MACHINES))
    bridge = kind.map(lambda kinds: "bridge" in kinds) & on_foot
    stair = kind.map(lambda kinds: "stairs" in kinds) & (steps > long_flight_steps)
    return sorted(kind.index[moved | bridge | stair])


def dependence_table(lost: pd.DataFrame, origins: gpd.GeoDataFrame, streets: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """People who would lose a service if one element closed, most people first.

    Parameters
    ----------
    lost : DataFrame
        Columns `osm_id`, `origin`, `service`, from WalkNetwork.dependence.
    origins : GeoDataFrame
        tables.ORIGINS.
    streets : GeoDataFrame
        tables.STREETS.

    Returns
    -------
    GeoDataFrame
        tables.DEPENDENCE.
    """
    if lost.empty:
        return DEPENDENCE.empty(origins.crs)
    people = lost.assign(people=origins.loc[lost["origin"], "population"].to_numpy())
    table = people.groupby(["osm_id", "service"], as_index=False).agg(
        people=("people", "sum"), origins=("origin", "nunique")
    )
    elements = streets.drop_duplicates("osm_id").set_index("osm_id").loc[table["osm_id"]]
    middle = elements.geometry.interpolate(0.5, normalized=True).to_numpy()
    frame = gpd.GeoDataFrame(
        table.assign(kind=elements["kind"].to_numpy(), name=elements["name"].to_numpy()),
        geometry=middle,
        crs=streets.crs,
    )
    frame.index = pd.Index(frame["osm_id"] + ":" + frame["service"], name=DEPENDENCE.index)
    order = ["people", "osm_id", "service"]
    return frame.sort_values(order, ascending=[False, True, True], kind="stable")[DEPENDENCE.names]
