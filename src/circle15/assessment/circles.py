"""Circles: which living circles are built and what the others lack; special circles, brands and one for many things."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from circle15.assessment.card import category_codes
from circle15.assessment.units import GAP, SERVED, STATES, UNKNOWN, by_state, codes, crossed, holds
from circle15.tables import CIRCLES, TARGETS, VIEWS

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

    from circle15.project import Standard
    from circle15.project.yardsticks import Integrated
    from circle15.tables import Coverage, TravelTimes

    Codes = NDArray[np.int8]

ROUNDING = 1e-9  # of shares and sums of people


def circles(
    card: pd.DataFrame, found: Coverage, origins: gpd.GeoDataFrame, units: gpd.GeoDataFrame, *, standard: Standard
) -> pd.DataFrame:
    """Which living circles are built, what each lacks, and which is nearest to being built.

    A circle is a unit of the tier that the standard states. It is *built* when every category with a basic service
    has at least the standard's grade there and reaches at least its share of the residents of whom it can be said. It
    is *unknown* when nothing falls short of that but some category is not graded. Circles are ranked by how many
    categories are missing, then by how many residents are still to be covered.

    Parameters
    ----------
    card : DataFrame
        tables.GRADES.
    found : Coverage
        What the card was made from.
    origins, units : GeoDataFrame
        tables.ORIGINS and tables.UNITS.
    standard : Standard
        States `built`.

    Returns
    -------
    DataFrame
        tables.CIRCLES, nearest first; empty where the standard states no bar or there are no such units.
    """
    bar = standard.built
    if bar is None:
        return CIRCLES.empty()
    basic = [one.key for one in standard.categories if any(service.need == "basic" for service in one.services)]
    cells = card[card["category"].isin(basic) & card["unit"].isin(units.index[units["tier"] == bar.tier])]
    said, share = cells["served"] + cells["gap"], max(bar.share, _coverage_of(bar.grade, standard))
    short = (share * said - cells["served"]).clip(lower=0).where(cells["grade"].notna(), 0.0)
    reached = cells["served"] >= bar.share * said - ROUNDING
    met = (cells["grade"] >= bar.grade).fillna(value=False) & reached
    undecided = cells["grade"].isna()
    lacking = ~met & ~undecided
    enough = (cells["grade_coverage"] >= bar.grade).fillna(value=False) & reached
    flags = cells.assign(met=met, lacking=lacking, undecided_=undecided, short=short.where(lacking, 0.0))
    by_unit = flags.groupby("unit", sort=False)
    worst = flags.sort_values("short", ascending=False, kind="stable")
    table = pd.DataFrame(
        {
            "people": by_unit["people"].first(),
            "met": by_unit["met"].sum(),
            "lacking": by_unit["lacking"].sum(),
            "unknown": by_unit["undecided_"].sum(),
            "lacks": _listed(worst[worst["lacking"]]),
            "undecided": _listed(worst[worst["undecided_"]]),
            "residents_short": by_unit["short"].sum(),
            "supply_short": (lacking & enough).groupby(cells["unit"], sort=False).sum(),
        }
    ).rename_axis(CIRCLES.index)
    table[["lacks", "undecided"]] = table[["lacks", "undecided"]].fillna("").astype(object)
    missing = table["lacking"] + table["unknown"]
    table["state"] = np.where(missing == 0, "built", np.where(table["lacking"] > 0, "not built", "unknown")).astype(
        object
    )
    table["served_all"] = _served_all(found, origins, units, basic, standard=standard).reindex(table.index)
    table = table.iloc[np.lexsort([table.index.to_numpy(str), table["residents_short"].to_numpy(), missing.to_numpy()])]
    table["rank"] = np.arange(1, len(table) + 1)
    return table[CIRCLES.names]


def _coverage_of(grade: int, standard: Standard) -> float:
    return next(band.coverage for band in standard.grades if band.grade == grade)


def _listed(rows: pd.DataFrame) -> pd.Series:
    """The categories of each unit, in the order of the rows."""
    return rows.groupby("unit", sort=False)["category"].agg(", ".join).astype(object)


def _served_all(
    found: Coverage, origins: gpd.GeoDataFrame, units: gpd.GeoDataFrame, basic: list[str], *, standard: Standard
) -> pd.Series:
    """Residents of every unit with every one of these categories in reach."""
    keys = [one.key for one in standard.categories]
    every = category_codes(found, standard=standard)[:, [keys.index(one) for one in basic]].min(axis=1)
    here = origins.loc[found.status.index]
    people = here["population"].to_numpy(dtype=float) * (every == SERVED)
    return pd.Series(holds(units, here["unit"]) @ people, index=units.index)


def targets(built: pd.DataFrame, *, standard: Standard) -> pd.DataFrame:
    """Circles built against the targets of the standard.

    Parameters
    ----------
    built : DataFrame
        From `circles`.
    standard : Standard
        States the targets.

    Returns
    -------
    DataFrame
        tables.TARGETS, by date.

    Examples
    --------
    >>> from circle15.project import Standard
    >>> state = pd.DataFrame({"state": ["built", "not built", "unknown"]})
    >>> targets(state, standard=Standard.load("yuzhong-15min"))["short"].to_dict()
    {'2025-04': 0, '2025-12': 3, '2027-12': 10}
    """
    asked = () if standard.built is None else standard.built.targets
    now, undecided = (int((built["state"] == state).sum()) for state in ("built", "unknown"))
    table = {
        "circles": [one.circles for one in asked],
        "built": [now] * len(asked),
        "undecided": [undecided] * len(asked),
        "short": [max(0, one.circles - now) for one in asked],
    }
    due = pd.Index([one.due for one in asked], name=TARGETS.index, dtype=object)
    return pd.DataFrame(table, index=due, dtype="int64")


def views(
    found: Coverage,
    origins: gpd.GeoDataFrame,
    units: gpd.GeoDataFrame,
    *,
    standard: Standard,
    integrated: pd.Series | None = None,
) -> pd.DataFrame:
    """Residents served by each special circle, by each brand and by all of them, and by a complex of many functions.

    A special circle serves who has every basic service of all of its categories in reach; a brand serves who has any
    one of its services in reach.

    Parameters
    ----------
    found : Coverage
        From `coverage`.
    origins, units : GeoDataFrame
        tables.ORIGINS and tables.UNITS.
    standard : Standard
        States circles and brands.
    integrated : Series of str, optional
        From `integrated`.

    Returns
    -------
    DataFrame
        tables.VIEWS, unit by unit; served, gap and unknown sum to the residents.
    """
    keys = pd.Index([one.key for one in standard.categories])
    strict, said = category_codes(found, standard=standard), codes(found)
    columns: list[tuple[str, str, Codes]] = [
        (circle.key, "circle", strict[:, keys.get_indexer(pd.Index(circle.categories))].min(axis=1))
        for circle in standard.special_circles
    ]
    if columns:
        columns.append(("all circles", "circle", np.min([one for _, _, one in columns], axis=0)))
    if integrated is not None:
        code = {word: place for place, word in enumerate(STATES)}
        columns.append(("integrated", "integrated", integrated.reindex(found.status.index).map(code).to_numpy(np.int8)))
    brands = [
        (brand.key, "brand", said[:, found.status.columns.get_indexer(pd.Index(brand.services))].max(axis=1))
        for brand in standard.brands
    ]
    if brands:
        columns += [*brands, ("all brands", "brand", np.min([one for _, _, one in brands], axis=0))]
    if not columns:
        return VIEWS.empty()
    here = origins.loc[found.status.index]
    held = holds(units, here["unit"]) * here["population"].to_numpy(dtype=float)
    counted = by_state(held, np.column_stack([one for _, _, one in columns]))
    rows = crossed(units.index, [key for key, _, _ in columns], name="view", index=VIEWS.index)
    rows["kind"] = np.tile(np.array([kind for _, kind, _ in columns], dtype=object), len(units))
    rows["people"] = np.repeat(held.sum(axis=1), len(columns))
    return rows.assign(**{state: people.ravel() for state, people in counted.items()})[VIEWS.names]


def integrated(
    times: TravelTimes, found: Coverage, facilities: gpd.GeoDataFrame, *, standard: Standard, known: pd.DataFrame
) -> pd.Series | None:
    """One circle, many functions: whether the nearest complex of each home has enough functions.

    A function is there when one of its services is at the same place or has an entrance within the standard's metres
    of one of the complex, as the crow flies. Where too few are listed, but lists that would show the others are
    incomplete, it is unknown.

    Parameters
    ----------
    times : TravelTimes
        Walks.
    found : Coverage
        From `coverage`, of `times`.
    facilities : GeoDataFrame
        The facilities of `times`.
    standard : Standard
        States `integrated`.
    known : DataFrame of bool
        By origin and service, from `known_by_origin`.

    Returns
    -------
    Series of str or None
        `served`, `gap` or `unknown` by origin; none where the standard asks nothing of the kind.
    """
    asked = standard.integrated
    if asked is None:
        return None
    origins, here = found.status.index, facilities.loc[times.facility_ids]
    at = np.flatnonzero((here["service"] == asked.service).to_numpy())
    said = codes(found)[:, found.status.columns.get_loc(asked.service)].copy()
    if len(at):
        pairs = times.seconds[:, at].tocoo()
        row, complex_ = pairs.coords
        order = np.lexsort((pairs.data, row))
        first = order[np.unique(row[order], return_index=True)[1]]
        nearest = np.full(len(origins), -1)
        nearest[row[first]] = complex_[first]
        there = _functions(here, at, asked)[nearest]
        listed = np.column_stack(
            [
                known.reindex(index=origins, columns=list(one.services)).to_numpy(dtype=bool).all(axis=1)
                for one in asked.functions
            ]
        )
        sure, most = there.sum(axis=1), (there | ~listed).sum(axis=1)
        judged = np.where(sure >= asked.least, SERVED, np.where(most >= asked.least, UNKNOWN, GAP))
        said = np.where(said == SERVED, judged, said)
    return pd.Series(STATES[said], index=origins)


def _functions(facilities: gpd.GeoDataFrame, at: NDArray[np.intp], asked: Integrated) -> NDArray[np.bool_]:
    """Which functions each complex has: complexes by functions."""
    shapes, places = facilities.geometry.to_numpy(), facilities["place"].to_numpy(dtype=object)
    services = facilities["service"].to_numpy(dtype=object)
    one, other = shapely.STRtree(shapes).query(shapes[at], predicate="dwithin", distance=asked.within_m)
    there = np.zeros((len(at), len(asked.functions)), dtype=bool)
    for number, function in enumerate(asked.functions):
        of_it = np.isin(services, function.services)
        there[one[of_it[other]], number] = True
        there[:, number] |= np.isin(places[at], places[of_it])
    return there
