"""Terrain to the rise of every link, with bridges, tunnels and lifts repaired; and how sure each rise is.

Free terrain models are surface models: roofs, trees and decks are in them, and cells are 30 m wide. So a height is
never the raw cell: the ground is a low percentile of a window, decks and tunnels run straight between their ends, and
no street is steeper than streets are (`circle15.sources.profiles`). What the terrain cannot say is a default, and
`evidence` says so; `doubtful_links` lists what a planner should look at first.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from circle15.project.languages import Labels
from circle15.sources.profiles import CLIMBING, Lines, profiles
from circle15.sources.walking_rules import DRIVABLE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from circle15.sources.terrain import Terrain

STEEPEST = {"street": 0.15, "crossing": 0.15}  # rise over run of ways without steps
STEEPEST_OTHER = 0.25
INCLINED = {"stairs": (0.25, 0.75), "escalator": (0.30, 0.65)}  # least and most rise over run
INCLINED_DEFAULT = 0.5
LIFT_LEAST_M, LIFT_DEFAULT_M = 3.0, 12.0


# --------------------------------------------------------------------------------------------------- heights of links


def with_heights(streets: gpd.GeoDataFrame, terrain: Terrain | None, *, lines: Lines | None = None) -> gpd.GeoDataFrame:
    """Give every link its rise, what that rests on, and heights along its line.

    Heights belong to nodes, so links meet. Along a way they are taken every 15 m or closer and lightly smoothed.
    Bridges, tunnels, covered ways, corridors and the ways that lead to a lift are not sampled: they run straight (where
    they branch: as a balance of their branches) between the nodes where they meet other ways. Then heights are moved,
    as little as that allows, until no street rises more than 15 % and no other way more than 25 %: nodes stay
    consistent, and the rise of a street or path is the difference of its nodes.

    - Stairs and escalators climb as the terrain between their ends says, but at least 25 % and at most 75 % of their
      run (escalators 30 % to 65 %), upwards as ``incline`` says, else as the terrain says; without terrain 50 %.
    - Lifts climb from the height of the ways that lead to one landing to that of the others, at least 3 m; without
      terrain 12 m.
    - A rise that was surveyed or tagged is kept; stairs and escalators without an ``incline`` direction take the
      direction of the terrain. Other links without terrain have no known rise and count as level.

    Where evidence is ``terrain`` the line of a street or path is its profile; in all other cases `rise_m` holds and the
    heights on the line are only drawn.

    Parameters
    ----------
    streets : GeoDataFrame
        Streets in the study CRS; ids end in ``<`` where a link runs against its way. It is not changed.
    terrain : Terrain or None
        None: from tags and defaults only, and lines stay as they are.
    lines : Lines, optional
        One for each piece, in the order in which pieces first appear and in the direction of their way, in the plane;
        the geometry of the table is not looked at then. So no line is built that would be replaced at once.

    Returns
    -------
    GeoDataFrame
        With `rise_m` and `evidence` filled and lines with heights (NaN where not known); both directions of one piece
        have exactly opposite rises and reversed lines.
    """
    order = _order(streets)
    if lines is None and terrain is not None:
        lines = Lines.of(streets.geometry.to_numpy()[order.first]).turned(order.back[order.first])
    pieces = _pieces(streets, order)
    climb = np.full(len(pieces), np.nan)
    if lines is not None and terrain is not None and len(pieces):
        lines, climb = profiles(pieces, lines, terrain)
    rise, evidence = _rises(pieces, climb)
    changed = streets.assign(rise_m=_each_way(rise, order), evidence=pd.Series(evidence).array.take(order.piece))
    return changed if lines is None else changed.set_geometry(_drawn(lines, order), crs=streets.crs)


class _Order(NamedTuple):
    """How links make pieces, which are counted in the order in which they first appear."""

    piece: NDArray[np.int64]  # of each link
    first: NDArray[np.intp]  # link of each piece
    back: NDArray[np.bool_]  # whether a link runs against its way


def _order(streets: pd.DataFrame) -> _Order:
    piece = pd.factorize(streets["piece"])[0].astype(np.int64)
    return _Order(piece, np.flatnonzero(np.diff(np.maximum.accumulate(piece), prepend=-1)), _against(streets))


def _against(streets: pd.DataFrame) -> NDArray[np.bool_]:
    return streets.index.astype(str).str.endswith("<").astype(bool)


def _each_way(rise: NDArray[np.float64], order: _Order) -> NDArray[np.float64]:
    """The rise of each piece in the direction of its links."""
    return np.where(order.back, 0.0 - rise[order.piece], rise[order.piece])


def _drawn(lines: Lines, order: _Order) -> NDArray[np.object_]:
    """The line of each piece in the direction of its links."""
    return lines.drawn(order.piece, back=order.back)


def _pieces(streets: pd.DataFrame, order: _Order) -> pd.DataFrame:
    """One row per undirected piece, in the direction of its way."""
    back = order.back[order.first]
    rows = streets.iloc[order.first]
    ends = rows[["from_node", "to_node"]].to_numpy(dtype=np.int64).reshape(-1, 2)
    ends = np.where(back[:, None], ends[:, ::-1], ends)
    kind = rows["kind"].to_numpy(dtype=object)
    climbing, lift = rows["kind"].isin(CLIMBING).to_numpy(dtype=bool), (rows["kind"] == "lift").to_numpy(dtype=bool)
    deck = rows["kind"].isin(["bridge", "tunnel"]).to_numpy(dtype=bool)
    for tag in ("bridge", "tunnel", "covered"):
        deck = deck | (rows[tag].notna() & (rows[tag] != "no")).to_numpy(dtype=bool)
    raised = deck | np.isin(ends, ends[lift]).any(axis=1) | (rows["kind"] == "corridor").to_numpy(dtype=bool)
    nodes, numbers = np.unique(ends, return_inverse=True)
    numbers = numbers.reshape(-1, 2)
    rise = pd.to_numeric(rows["rise_m"]).to_numpy(dtype=float)
    return pd.DataFrame(
        {
            "start": numbers[:, 0],
            "end": numbers[:, 1],
            "nodes": len(nodes),
            "kind": kind,
            "cap": _caps(rows),
            "run_m": rows["length_m"].to_numpy(dtype=float),
            "rise_m": np.where(back, 0.0 - rise, rise),
            "stated": rows["evidence"].isin(["tag", "survey"]).to_numpy(dtype=bool) & np.isfinite(rise),
            "evidence": rows["evidence"].to_numpy(dtype=object),
            "upwards": _upwards(rows["incline"]),
            "way": pd.factorize(rows["osm_id"])[0],
            "straight": raised & ~climbing,
            "deck": deck & ~climbing,
            "steep": climbing & ~lift,
            "lift": lift,
        }
    )


def _caps(rows: pd.DataFrame) -> NDArray[np.float64]:
    """The steepest rise over run of each link without steps; decks that cars use count as streets."""
    capped = np.full(len(rows), STEEPEST_OTHER)
    for name, most in STEEPEST.items():
        capped[(rows["kind"] == name).to_numpy(dtype=bool)] = most
    decks = rows["kind"].isin(["bridge", "tunnel"]) & rows["highway"].isin(DRIVABLE)
    capped[decks.to_numpy(dtype=bool)] = STEEPEST["street"]
    return capped


def _upwards(incline: pd.Series) -> NDArray[np.float64]:
    """1 where the way is tagged to climb in its direction, -1 where to fall, 0 where that is not said."""
    wording, words = pd.factorize(incline.fillna("").astype(str))
    text = pd.Series(words, dtype=str).str.strip().str.lower()
    number = pd.to_numeric(text.str.extract(r"^([+-]?\d+(?:\.\d+)?)", expand=False))
    sign = np.sign(number.fillna(0.0).to_numpy(dtype=float))
    return np.where(text == "up", 1.0, np.where(text == "down", -1.0, sign))[wording]


def _rises(pieces: pd.DataFrame, climb: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.object_]]:
    """The rise of each piece in the direction of its way, and what it rests on."""
    known = np.isfinite(climb)
    said = pieces["upwards"].to_numpy()
    sign = np.where(said != 0, said, np.where(known & (climb != 0), np.sign(climb), 1.0))
    run, kind = pieces["run_m"].to_numpy(), pieces["kind"].to_numpy()
    ahead = np.where(known, sign * climb, 0.0)  # metres gained in the direction that goes up
    rise = np.where(known, climb, 0.0)
    for name, (least, most) in INCLINED.items():
        inclined = sign * np.where(known, np.clip(ahead, least * run, most * run), INCLINED_DEFAULT * run)
        rise = np.where(kind == name, inclined, rise)
    hoisted = sign * np.where(known, np.maximum(np.abs(climb), LIFT_LEAST_M), LIFT_DEFAULT_M)
    rise = np.where(pieces["lift"], hoisted, rise)
    stated = pieces["stated"].to_numpy()
    turned = np.abs(pieces["rise_m"].to_numpy()) * sign
    kept = np.where(pieces["steep"] & (said == 0) & known, turned, pieces["rise_m"])
    evidence = np.where(stated, pieces["evidence"], np.where(known, "terrain", "default")).astype(object)
    return np.where(stated, kept, rise) + 0.0, evidence


# ------------------------------------------------------------------------------------------- how sure a rise is

_REASONS = ("unknown", "lift", "flat", "steep", "deck", "cap", "slope")  # worst first; [said.doubt] has the words
_STEEP_DECK = 0.08  # decks are built flatter (GB 50763: 1:12)
_NEAR = 0.001  # a slope that is so near its limit was held there


def doubtful_links(streets: gpd.GeoDataFrame, *, most: int = 50, labels: Labels | None = None) -> gpd.GeoDataFrame:
    """The ways whose rise is steepest or least sure, so that a planner can measure and override them.

    Ordered by the metres of climb that rest on the doubt: of a lift, of stairs and of escalators all of theirs, of
    other ways that of the stretches in doubt. Ways whose rise was tagged or surveyed are not among them.

    Parameters
    ----------
    streets : GeoDataFrame
        `tables.STREETS` from `with_heights`.
    most : int
        How many ways to list.
    labels : Labels, optional
        In which languages the reason is given; in English otherwise.

    Returns
    -------
    GeoDataFrame
        Index `osm_id`; columns `name`, `kind`, `length_m` and `rise_m` of the whole way in its direction, the `slope`
        of its steepest stretch, `doubt_m`, `evidence`, `reason` and geometry (MultiLineString).
    """
    rows = streets[~streets["piece"].duplicated().to_numpy() & ~streets["evidence"].isin(["tag", "survey"]).to_numpy()]
    slope, doubt, why = _doubts(rows)
    order = {reason: place for place, reason in enumerate(_REASONS)}
    table = pd.DataFrame(
        {
            "osm_id": rows["osm_id"].to_numpy(dtype=object),
            "length_m": rows["length_m"].to_numpy(dtype=float),
            "rise_m": np.nan_to_num(pd.to_numeric(rows["rise_m"]).to_numpy(dtype=float))
            * np.where(_against(rows), -1.0, 1.0),
            "slope": slope,
            "doubt_m": doubt,
            "rank": [order[one] for one in why],
            "guessed": (rows["evidence"] == "default").to_numpy(),
        }
    )
    sums = table.groupby("osm_id").agg(
        {"length_m": "sum", "rise_m": "sum", "slope": "max", "doubt_m": "sum", "rank": "min", "guessed": "max"}
    )
    sums = sums[sums["doubt_m"] > 0].reset_index().sort_values(["doubt_m", "osm_id"], ascending=[False, True])
    sums = sums.head(most).set_index("osm_id")
    own = rows[rows["osm_id"].isin(sums.index)]
    first = own.drop_duplicates("osm_id").set_index("osm_id").reindex(sums.index)
    lines = [shapely.multilinestrings(own.geometry[own["osm_id"] == one].to_list()) for one in sums.index]
    say = (labels or Labels.of(("en",))).joined
    reasons = [say("said", "doubt", _REASONS[rank]) for rank in sums["rank"]]
    found = sums[["length_m", "rise_m", "slope", "doubt_m"]].round(
        {"length_m": 1, "rise_m": 1, "slope": 3, "doubt_m": 1}
    )
    found = found.assign(evidence=np.where(sums["guessed"], "default", "terrain"), reason=reasons)
    found.insert(0, "name", first["name"])
    found.insert(1, "kind", first["kind"])
    return gpd.GeoDataFrame(found, geometry=lines, crs=streets.crs)


def _doubts(rows: gpd.GeoDataFrame) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.object_]]:
    """Steepest slope, metres of climb in doubt and the reason, for each piece."""
    kind = rows["kind"].to_numpy(dtype=object)
    run = rows["length_m"].to_numpy(dtype=float)
    rise = np.abs(np.nan_to_num(pd.to_numeric(rows["rise_m"]).to_numpy(dtype=float)))
    overall = np.divide(rise, run, out=np.zeros(len(rows)), where=run > 0)
    points, line = shapely.get_coordinates(rows.geometry.to_numpy(), include_z=True, return_index=True)
    after = np.flatnonzero(line[1:] == line[:-1]) + 1
    step = np.hypot(*(points[after, :2] - points[after - 1, :2]).T)
    climb = np.nan_to_num(np.abs(points[after, 2] - points[after - 1, 2]))
    stretch = np.divide(climb, step, out=np.zeros(len(after)), where=step > 0)
    steepest = np.zeros(len(rows))
    np.maximum.at(steepest, line[after], stretch)
    climbing = np.isin(kind, CLIMBING)
    cap = _caps(rows)
    held = np.bincount(
        line[after], weights=np.where(stretch > cap[line[after]] - _NEAR, climb, 0.0), minlength=len(rows)
    )
    deck = np.isin(kind, ["bridge", "tunnel"]) & (steepest > _STEEP_DECK)
    least, most = (np.array([INCLINED.get(one, (-1.0, 9.0))[end] for one in kind]) for end in (0, 1))
    unknown = (rows["evidence"] == "default").to_numpy()
    reasons = {
        "unknown": (unknown & climbing, rise),
        "lift": (kind == "lift", rise),
        "flat": (climbing & (overall < least + _NEAR), rise),
        "steep": (climbing & (overall > most - _NEAR), rise),
        "deck": (deck & ~climbing, rise),
        "cap": (~climbing & (held > 0), held),
    }
    masks = [mask for mask, _ in reasons.values()]
    doubt = np.select(masks, [metres for _, metres in reasons.values()], default=0.0)
    why = np.select(masks, list(reasons), default="slope").astype(object)
    return np.where(climbing, overall, steepest), doubt, why


def shifted(streets: gpd.GeoDataFrame, amplitude_m: float, *, seed: int) -> gpd.GeoDataFrame:
    """The same streets with a smooth error in all their heights, for runs that test how stable a result is.

    The error is the sum of six plane waves of 200 to 600 m with random directions and phases, scaled so that its
    largest absolute value on the streets is `amplitude_m`. Rises change by its difference between the ends of a
    link. Stairs, escalators and lifts whose rise was tagged or surveyed keep it: steps were counted there.

    Parameters
    ----------
    streets : GeoDataFrame
        `tables.STREETS` from `with_heights`; it is not changed.
    amplitude_m : float
        Metres.
    seed : int
        The same seed gives the same error.

    Returns
    -------
    GeoDataFrame
        Keeps `tables.STREETS`; both directions of one piece stay opposite.
    """
    if streets.empty:
        return streets.copy()
    order, given = _order(streets), streets.geometry.to_numpy()
    pieces = _pieces(streets, order)
    lines = Lines.of(given[order.first], heights=True).turned(order.back[order.first])
    error = _waves(lines.xy, seed)
    error *= amplitude_m / max(float(np.abs(error).max()), 1e-9)
    first, last = lines.start[:-1], lines.start[1:] - 1
    kept = pieces["stated"].to_numpy() & pieces["kind"].isin(CLIMBING).to_numpy()
    middle = (error[first] + error[last]) / 2
    moved = replace(lines, z=lines.z + np.where(kept[lines.line], middle[lines.line], error))
    rise = pieces["rise_m"].to_numpy() + np.where(kept, 0.0, error[last] - error[first])
    drawn = np.where(shapely.has_z(given), _drawn(moved, order), given)
    return streets.assign(rise_m=_each_way(rise, order)).set_geometry(drawn, crs=streets.crs)


def _waves(xy: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    """The sum of six waves over the plane, not yet scaled."""
    chance = np.random.default_rng(seed)
    turn, phase = chance.uniform(0, 2 * np.pi, 6), chance.uniform(0, 2 * np.pi, 6)
    number = 2 * np.pi / chance.uniform(200.0, 600.0, 6)
    ahead = np.column_stack([np.cos(turn), np.sin(turn)]) * number[:, None]
    return np.asarray(np.sin((xy - xy.mean(axis=0)) @ ahead.T + phase).sum(axis=1), dtype=float)
