"""What a planner measured or plans: the override table of links, and new links drawn on the map."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from circle15.errors import DataError, Finding, quoted
from circle15.project.languages import headers
from circle15.sources.files import at_rows, numbers, read_table, recognise, texts
from circle15.sources.heights import INCLINED, INCLINED_DEFAULT, LIFT_DEFAULT_M, LIFT_LEAST_M
from circle15.sources.walking_rules import STEP_HEIGHT_M
from circle15.tables import STREETS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from circle15.project.study_file import NewLink
    from circle15.sources.terrain import Terrain
    from circle15.tables import StudyArea

HEADERS = headers("measured")
YES, NO = (frozenset(words) for words in headers("measured.closed_is").values())
LIMITS = {"rise_m": (-500.0, 500.0), "step_count": (1.0, 5000.0), "wait_s": (0.0, 3600.0)}  # beyond: a slip of the pen

JOIN_M = 60.0  # a new link begins and ends so near the streets
TOUCH_M = 0.5  # so near a node it is the node
TRIED = 12  # nodes weighed for each end
NO_GROUND = ("lift", "escalator", "cable_car")  # one cannot get off on the way


# --------------------------------------------------------------------------------------------- the override table


def read_overrides(path: Path | str) -> pd.DataFrame:
    """Read the table of links that were measured on the ground.

    Parameters
    ----------
    path : Path
        CSV with columns ``osm_id`` (编号) and any of ``rise_m`` (高差: metres gained from the first to the last point
        of the way; of a lift its height), ``step_count`` (级数), ``wait_s`` (等候) and ``closed`` (关闭: yes or no).

    Returns
    -------
    DataFrame
        Index `osm_id`; numbers `rise_m`, `step_count`, `wait_s` (NaN where not given) and boolean `closed`.

    Raises
    ------
    SourceError
        When the file is missing or cannot be read.
    DataError
        With every finding: no column osm_id, ids that are none or occur twice, values that are no numbers or beyond
        reason, rows that say nothing.
    """
    path = Path(path)
    table = recognise(read_table(path), HEADERS, where=path.name)
    ids = texts(table["osm_id"])
    found: list[Finding] = []
    bad = ~ids.fillna("").str.fullmatch(r"(way|node|relation)/\d+").to_numpy(dtype=bool)
    if bad.any():
        said = quoted(ids[bad].fillna("empty").unique())
        problem, mend = f"have no OSM id in osm_id ({said})", "Write such as way/421605016 or node/6874999324"
        found.append(at_rows(path.name, bad, problem, mend))
    twice = ids.duplicated(keep=False).to_numpy() & ~bad
    if twice.any():
        problem = f"repeat an osm_id ({quoted(ids[twice].unique())})"
        found.append(at_rows(path.name, twice, problem, "Keep one row for each way"))
    values = {name: _measured(table[name], name, path.name, found) for name in LIMITS}
    words = texts(table["closed"]).fillna("").str.lower()
    odd = ~words.isin(YES | NO | {""}).to_numpy()
    if odd.any():
        problem = f"hold {quoted(words[odd].unique())} in closed"
        found.append(at_rows(path.name, odd, problem, "Write yes or no (是, 否), or leave it empty"))
    nothing = (words == "").to_numpy() & table[list(LIMITS)].apply(texts).isna().all(axis=1).to_numpy()
    if nothing.any():
        mend = "Give rise_m, step_count, wait_s or closed, or drop the row"
        found.append(at_rows(path.name, nothing, "say nothing about their way", mend))
    if found:
        raise DataError(*found)
    index = pd.Index(ids.astype(object), name="osm_id")
    return pd.DataFrame(values | {"closed": words.isin(YES).to_numpy()}, index=index)


def _measured(values: pd.Series, name: str, where: str, found: list[Finding]) -> NDArray[np.float64]:
    """A column of numbers within its limits; what is not is appended to the findings."""
    least, most = LIMITS[name]
    measured = numbers(values)
    bad = ~np.isnan(measured) & ~((measured >= least) & (measured <= most))
    if bad.any():
        problem = f"have a {name} that is no number from {least:g} to {most:g} ({quoted(values[bad].unique())})"
        found.append(at_rows(where, bad, problem, "Correct it, or leave it empty"))
    return measured


def apply_overrides(streets: gpd.GeoDataFrame, overrides: pd.DataFrame) -> gpd.GeoDataFrame:
    """The streets as a planner measured them.

    A way that is cut into several pieces shares out its rise and its steps by length, and its wait is paid once, on the
    longest piece. A measured rise is spread evenly over the way, whose own profile is forgotten. At a lift with more
    than two floors the rise is that between the lowest and the highest; the others keep their share of it. Where only
    steps were counted, each is 0.155 m high, and the way climbs to the side to which it did before.

    Parameters
    ----------
    streets : GeoDataFrame
        `tables.STREETS` with heights; it is not changed.
    overrides : DataFrame
        From `read_overrides`.

    Returns
    -------
    GeoDataFrame
        Keeps `tables.STREETS`; evidence is ``survey`` where a rise was measured or steps were counted; links of a
        closed way are gone.

    Raises
    ------
    DataError
        With every finding: ids that are not among the streets, steps on ways without steps.
    """
    _require_known(streets, overrides)
    changed = streets.copy()
    own = overrides.reindex(pd.Index(streets["osm_id"]))
    values = {name: own[name].to_numpy(dtype=float) for name in LIMITS}
    share, longest = _shares(streets)
    steps = values["step_count"] * np.abs(share)
    changed["steps"] = np.where(np.isfinite(steps), steps, pd.to_numeric(streets["steps"]).to_numpy(dtype=float))
    at_node = streets["osm_id"].str.startswith("node/").to_numpy(dtype=bool)
    wait = np.where(at_node | longest | np.isnan(values["wait_s"]), values["wait_s"], 0.0)
    changed["wait_s"] = np.where(np.isfinite(wait), wait, pd.to_numeric(streets["wait_s"]).to_numpy(dtype=float))
    rise = _measured_rise(streets, values, share)
    said = np.isfinite(rise)
    changed["rise_m"] = np.where(said, rise, pd.to_numeric(streets["rise_m"]).to_numpy(dtype=float)) + 0.0
    changed["evidence"] = np.where(said, "survey", streets["evidence"].to_numpy(dtype=object))
    changed = changed.set_geometry(_evenly(streets, rise), crs=streets.crs)
    return changed[~own["closed"].eq(True).to_numpy(dtype=bool)]


def _require_known(streets: gpd.GeoDataFrame, overrides: pd.DataFrame) -> None:
    """Refuse overrides that cannot be meant: of ways that are not there, and steps where there are none."""
    found = []
    absent = overrides.index[~overrides.index.isin(streets["osm_id"])]
    if len(absent):
        problem = f"{len(absent):,} of {len(overrides):,} ways are not among the streets ({quoted(absent)})"
        mend = "Correct the id, or drop the row; a way may have been drawn anew since it was measured"
        found.append(Finding("[streets] overrides", problem, mend))
    stepped = streets.loc[streets["kind"].isin(list(INCLINED)), "osm_id"]
    counted = overrides.index[overrides["step_count"].notna().to_numpy()]
    level = counted[~counted.isin(stepped) & ~counted.isin(absent)]
    if len(level):
        problem = f"step_count is given for ways without steps ({quoted(level)})"
        found.append(Finding("[streets] overrides", problem, "Give rise_m there, or correct the id"))
    if found:
        raise DataError(*found)


def _against(streets: pd.DataFrame) -> NDArray[np.bool_]:
    """Links that run against the direction of their way."""
    return streets.index.astype(str).str.endswith("<").astype(bool)


def _shares(streets: gpd.GeoDataFrame) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Each link's share of its whole way, below zero against it; and whether it lies on the way's longest piece."""
    pieces = streets.loc[~streets["piece"].duplicated().to_numpy(), ["piece", "osm_id", "length_m"]]
    way, _ = pd.factorize(pieces["osm_id"])
    length = pieces["length_m"].to_numpy(dtype=float)
    whole, many = np.bincount(way, weights=length)[way], np.bincount(way)[way]
    share = np.divide(length, whole, out=1.0 / many, where=whole > 0)
    first = np.lexsort((np.arange(len(way)), -length, way))  # the longest piece of each way, ties by order
    longest = np.zeros(len(way), dtype=bool)
    longest[first[np.flatnonzero(np.diff(way[first], prepend=-1))]] = True
    row = pd.Index(pieces["piece"]).get_indexer(pd.Index(streets["piece"]))
    return np.where(_against(streets), -1.0, 1.0) * share[row], longest[row]


def _measured_rise(
    streets: gpd.GeoDataFrame, values: dict[str, NDArray[np.float64]], share: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The rise of each link in its own direction; NaN where it was not measured."""
    before = pd.to_numeric(streets["rise_m"]).to_numpy(dtype=float, na_value=np.nan)
    way, _ = pd.factorize(streets["osm_id"])
    forward = np.where(share < 0, -1.0, 1.0) * np.nan_to_num(before)  # of the piece, in the direction of the way
    down = (np.bincount(way, weights=forward) < 0)[way] if len(way) else np.zeros(0, dtype=bool)
    counted = values["step_count"] * STEP_HEIGHT_M * np.where(down, -1.0, 1.0)
    rise = np.where(np.isfinite(values["rise_m"]), values["rise_m"], counted) * share
    shaft = streets["osm_id"].str.startswith("node/").to_numpy(dtype=bool)  # a lift has no direction of its own
    highest = np.zeros(int(way.max(initial=-1)) + 1)
    np.maximum.at(highest, way, np.nan_to_num(np.abs(before)))
    part = np.divide(np.nan_to_num(before), highest[way], out=np.sign(share), where=highest[way] > 0)
    return np.where(shaft, np.abs(values["rise_m"]) * part, rise)


def _evenly(streets: gpd.GeoDataFrame, rise: NDArray[np.float64]) -> NDArray[np.object_]:
    """Lines whose heights climb evenly by the measured rise; links that were not measured keep theirs."""
    lines = np.array(streets.geometry.to_numpy(), dtype=object)
    said = np.flatnonzero(np.isfinite(rise))
    if not len(said):
        return lines
    points, line = shapely.get_coordinates(lines[said], include_z=True, return_index=True)
    first = np.flatnonzero(np.diff(line, prepend=-1))
    last = np.append(first[1:], len(line)) - 1
    back = _against(streets)[said]
    foot = np.where(back, points[last, 2], points[first, 2])  # the first point of the way keeps its height
    foot = np.where(back, foot - rise[said], foot)
    step = np.where(
        np.diff(line, prepend=-1) == 0, np.hypot(*np.diff(points[:, :2], axis=0, prepend=points[:1, :2]).T), 0
    )
    along = np.cumsum(step)
    along -= along[first][line]
    length = along[last]
    part = np.divide(
        along, length[line], out=(np.arange(len(line)) > first[line]).astype(float), where=length[line] > 0
    )
    heights = foot[line] + part * rise[said][line]
    lines[said] = shapely.linestrings(np.column_stack([points[:, :2], heights]), indices=line)
    return lines


# --------------------------------------------------------------------------------------------------- new links


def add_links(
    streets: gpd.GeoDataFrame, additions: Sequence[NewLink], area: StudyArea, *, terrain: Terrain | None = None
) -> gpd.GeoDataFrame:
    """The streets with links that are not there yet.

    Each end of a drawn line is joined to a node of the streets within 60 m by a short level path, or is that node where
    it lies within 0.5 m. The two nodes are the nearest ones; where a rise is given, a metre of wrong height counts as a
    metre of distance, so that a lift between two terraces finds the upper one and the lower one. Existing links
    stay as they are: no trip gets longer.

    Parameters
    ----------
    streets : GeoDataFrame
        `tables.STREETS` with heights; it is not changed.
    additions : sequence of NewLink
        Lines in longitude and latitude, with a kind and, where known, a rise or a number of steps.
    area : StudyArea
        Its CRS is that of the streets.
    terrain : Terrain, optional
        Heights where the joined nodes have none.

    Returns
    -------
    GeoDataFrame
        Keeps `tables.STREETS`; new rows come last. The first addition is ``new/1``: its own piece is ``new/1#0``, the
        joining paths are ``new/1#1`` and ``new/1#2``. `evidence` is ``survey`` where a rise or steps are given, else
        ``terrain`` where heights are known, else ``default``.

    Raises
    ------
    DataError
        With every end that lies more than 60 m from the streets, naming its distance.
    """
    found: list[Finding] = []
    drawn = [gpd.GeoSeries.from_xy(*zip(*one.line, strict=True), crs="EPSG:4326").to_crs(area.crs) for one in additions]
    grown = streets
    taken = streets["osm_id"].str.extract(r"^new/(\d+)$", expand=False).dropna().astype(int).max()
    number = 0 if pd.isna(taken) else int(taken)
    for one, points in zip(additions, drawn, strict=True):
        number += 1
        xy = points.get_coordinates().to_numpy()
        ends = _ends(grown, xy, one.rise_m, f"new/{number} ({one.kind})", found)
        if ends is not None:
            rows = _rows(one, xy, ends, number=number, terrain=terrain, fresh=_fresh(grown))
            grown = _appended(grown, rows)
    if found:
        raise DataError(*found)
    return grown


def _fresh(streets: gpd.GeoDataFrame) -> int:
    """A node number below all others."""
    return int(min(0, streets["from_node"].min(), streets["to_node"].min())) - 1


def _ends(
    streets: gpd.GeoDataFrame, xy: NDArray[np.float64], rise: float | None, where: str, found: list[Finding]
) -> pd.DataFrame | None:
    """The two nodes that a line joins: `node`, `x`, `y`, `z`, `away`; none where it lies too far from the streets."""
    nodes = joints(streets)
    places = nodes[["x", "y"]].to_numpy(dtype=float)
    tree = shapely.STRtree(np.asarray(shapely.points(places), dtype=object))
    near = []
    for word, point in (("first", xy[0]), ("last", xy[-1])):
        at = tree.query(shapely.Point(point), predicate="dwithin", distance=JOIN_M)
        away = np.hypot(*(places[at] - point).T)
        order = np.lexsort((nodes["node"].to_numpy()[at], away))[:TRIED]
        if not len(at):
            metres = np.hypot(*(places - point).T).min()
            problem = f"its {word} point lies {metres:,.0f} m from the nearest node of the streets"
            mend = f"Draw it to within {JOIN_M:g} m of a street; longitude comes first"
            found.append(Finding(where, problem, mend))
        near.append(nodes.iloc[at[order]].assign(away=away[order]))
    if not len(near[0]) or not len(near[1]):
        return None
    pairs = near[0].merge(near[1], how="cross", suffixes=("_a", "_b"))
    pairs = pairs[pairs["node_a"] != pairs["node_b"]]
    if pairs.empty:
        mend = "Draw a longer line; its ends must reach two nodes"
        found.append(Finding(where, "both ends reach the same node of the streets", mend))
        return None
    wrong = (pairs["z_b"] - pairs["z_a"] - rise).abs().fillna(0.0) if rise is not None else 0.0
    best = pairs.iloc[int((pairs["away_a"] + pairs["away_b"] + wrong).to_numpy().argmin())]
    return pd.DataFrame({name: [best[f"{name}_a"], best[f"{name}_b"]] for name in ("node", "x", "y", "z", "away")})


def joints(streets: gpd.GeoDataFrame) -> pd.DataFrame:
    """The nodes that a new link may be joined to: those that one can get to on foot.

    Parameters
    ----------
    streets : GeoDataFrame
        `tables.STREETS` with heights.

    Returns
    -------
    DataFrame
        `node`, ascending, `x`, `y` and `z` (metres): the lowest height of its links, in whole millimetres, so that a
        page that carries whole numbers comes to the same links; NaN where it is not known.
    """
    open_to_all = (streets["access"] == "open") & ~streets["kind"].isin(NO_GROUND)
    rows = streets[open_to_all]
    lines = rows.geometry.to_numpy()
    found = []
    for column, at in (("from_node", 0), ("to_node", -1)):
        points = shapely.get_coordinates(shapely.get_point(lines, at), include_z=True)
        found.append(pd.DataFrame(points, columns=["x", "y", "z"]).assign(node=rows[column].to_numpy(dtype=np.int64)))
    lowest = pd.concat(found).sort_values(["node", "z"], kind="stable").drop_duplicates("node").reset_index(drop=True)
    return lowest.assign(z=lowest["z"].round(3))


def _rows(
    one: NewLink, xy: NDArray[np.float64], ends: pd.DataFrame, *, number: int, terrain: Terrain | None, fresh: int
) -> list[dict[str, object]]:
    """The rows of one addition: its own link, then the paths that join it."""
    z = ends["z"].to_numpy(dtype=float)
    if terrain is not None and np.isnan(z).any():
        z = np.where(np.isnan(z), terrain.ground(xy[[0, -1]]), z)
    touch = ends["away"].to_numpy() <= TOUCH_M
    nodes = np.where(touch, ends["node"].to_numpy(dtype=np.int64), [fresh, fresh - 1])
    xy = xy.copy()
    xy[[0, -1]] = np.where(touch[:, None], ends[["x", "y"]].to_numpy(dtype=float), xy[[0, -1]])
    run = float(np.hypot(*np.diff(xy, axis=0).T).sum())
    rise, evidence = _new_rise(one, z[1] - z[0], run)
    along = np.append(0.0, np.cumsum(np.hypot(*np.diff(xy, axis=0).T)))
    part = along / run if run > 0 else np.linspace(0, 1, len(xy))
    name = f"new/{number}"
    own = _row(
        name, 0, kind=one.kind, nodes=(int(nodes[0]), int(nodes[1])), points=np.column_stack([xy, z[0] + part * rise])
    )
    own |= {"rise_m": rise, "evidence": evidence, "steps": np.nan if one.steps is None else float(one.steps)}
    own |= {"bridge": "yes" if one.kind == "bridge" else None}
    rows = [own] if one.one_way else [own, _turned(own)]
    for side in np.flatnonzero(~touch).tolist():
        end = ends.iloc[side]
        line = np.array([[end["x"], end["y"], z[side]], [*xy[-side], z[side]]])
        path = _row(name, side + 1, kind="path", nodes=(int(end["node"]), int(nodes[side])), points=line)
        rows += [path, _turned(path)]
    return rows


def _new_rise(one: NewLink, climb: float, run: float) -> tuple[float, str]:
    """The rise of a new link from its first to its last point, and what it rests on."""
    sign = -1.0 if climb < 0 else 1.0
    if one.rise_m is not None:
        return one.rise_m, "survey"
    if one.steps is not None:
        return sign * one.steps * STEP_HEIGHT_M, "survey"
    known = np.isfinite(climb)
    if one.kind in INCLINED:
        least, most = INCLINED[one.kind]
        return sign * (float(np.clip(abs(climb), least * run, most * run)) if known else INCLINED_DEFAULT * run), (
            "terrain" if known else "default"
        )
    if one.kind == "lift":
        return (sign * max(abs(climb), LIFT_LEAST_M), "terrain") if known else (LIFT_DEFAULT_M, "default")
    return (float(climb), "terrain") if known else (0.0, "default")


def _row(
    name: str, number: int, *, kind: str, nodes: tuple[int, int], points: NDArray[np.float64]
) -> dict[str, object]:
    """A level link along some points, in the direction in which it was drawn."""
    length = float(np.hypot(*np.diff(points[:, :2], axis=0).T).sum())
    return {
        "link": f"{name}#{number}>",
        "piece": f"{name}#{number}",
        "osm_id": name,
        "from_node": nodes[0],
        "to_node": nodes[1],
        "length_m": length,
        "rise_m": 0.0,
        "kind": kind,
        "access": "open",
        "evidence": "default",
        "at_edge": False,
        "geometry": shapely.LineString(points),
    }


def _turned(row: dict[str, object]) -> dict[str, object]:
    """The same link in the other direction."""
    back = {"link": f"{row['piece']}<", "from_node": row["to_node"], "to_node": row["from_node"]}
    back["rise_m"] = 0.0 - float(row["rise_m"])  # type: ignore[arg-type]
    return row | back | {"geometry": shapely.reverse(row["geometry"])}  # type: ignore[call-overload]


def _appended(streets: gpd.GeoDataFrame, rows: list[dict[str, object]]) -> gpd.GeoDataFrame:
    """The table with more rows, column types as they were."""
    index = pd.Index([row["link"] for row in rows], name=STREETS.index)
    columns = {
        name: pd.Series([row.get(name) for row in rows], index=index, dtype=streets[name].dtype)
        for name in streets.columns
        if name != "geometry"
    }
    lines = np.array([row["geometry"] for row in rows], dtype=object)
    more = gpd.GeoDataFrame(columns, index=index, geometry=lines, crs=streets.crs)[list(streets.columns)]
    return gpd.GeoDataFrame(pd.concat([streets, more]), crs=streets.crs)
