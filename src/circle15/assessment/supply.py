"""Supply against demand: how much there is for whom, and whether single facilities are large enough."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from circle15.assessment.units import by_state, codes, crossed, holds, inside, own
from circle15.measures import Steps, e2sfca
from circle15.project.yardsticks import EVERYONE, column
from circle15.tables import MINIMUMS, SUPPLY, Coverage, Norms, Placement, Supply, TravelTimes

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

    from circle15.project import Standard

    Floats = NDArray[np.float64]
    Places = NDArray[np.intp]

ZONE_MIN = 100  # minutes that each part of a cut-off is stretched to, so that all services decay alike
MOST_ROWS = 4_000_000  # services x origins that are shared out at once
COUNT = "count"
ROUNDING = 1e-9  # of sizes and of sums of people


def demand(origins: gpd.GeoDataFrame, groups: pd.DataFrame) -> pd.DataFrame:
    """Those whom a norm may be for: all residents, and every age group that is known of every cluster.

    Parameters
    ----------
    origins : GeoDataFrame
        tables.ORIGINS.
    groups : DataFrame
        tables.GROUPS.

    Returns
    -------
    DataFrame of float
        By cluster; columns ``all`` and age groups.
    """
    ages = groups.pivot_table(index="origin", columns="group", values="people").astype(float)
    known = ages.reindex(origins.index).dropna(axis="columns")
    return known.assign(**{EVERYONE: origins["population"].astype(float)})


def supplied(
    found: Coverage,
    times: TravelTimes,
    facilities: gpd.GeoDataFrame,
    *,
    people: pd.DataFrame,
    standard: Standard,
    known: pd.DataFrame | None = None,
) -> Coverage:
    """Coverage, and with it how much of each service that has a norm is offered to whom.

    Every facility shares its size among those within the cut-off, more among the nearer ones (E2SFCA, the decay of the
    standard stretched over the cut-off of each service), and every cluster adds up what it is offered. That is held
    against the norm per head.

    A facility of unknown size counts as one of the norm's: what the norm asks for everybody over the number of
    facilities expected. Where no size is known, what is judged is therefore the count. A service whose norm is for
    people of an age that is not known of every cluster is judged by count, for all residents.

    Parameters
    ----------
    found : Coverage
        From `coverage`.
    times : TravelTimes
        The walks that it was made of.
    facilities : GeoDataFrame
        Those whose size is shared out: the ones inside the study area, since those who live around it are not counted
        either. Others in `times` offer nothing.
    people : DataFrame of float
        From `demand`.
    standard : Standard
        States norms, expected counts, cut-offs and decay.
    known : DataFrame of bool, optional
        By origin and service, from `known_by_origin`; where a list is incomplete, supply cannot be said.

    Returns
    -------
    Coverage
        `found` with `supply`; as it is where the standard has no norms, or no supply in its bands.

    References
    ----------
    Luo and Qi (2009).
    """
    origins = found.status.index
    asked = _asked(standard, people.loc[origins])
    if asked is None or not standard.has_supply:
        return found
    here = facilities.reindex(times.facility_ids)
    of_service = asked.keys.get_indexer(pd.Index(here["service"]))
    size = _sizes(asked, here, of_service)
    hidden = np.isin(origins, times.origins.unplaced)[:, None]
    if known is not None:
        hidden = hidden | ~known.reindex(index=origins, columns=asked.keys).to_numpy(dtype=bool)

    def frame(values: Floats) -> pd.DataFrame:
        return pd.DataFrame(values, index=origins, columns=asked.keys)

    some = max(1, MOST_ROWS // max(len(origins), 1))  # services at once
    blocks = [slice(first, first + some) for first in range(0, len(asked.keys), some)]
    parts = [_offered_by(times, of_service, size, asked, block, standard=standard) for block in blocks]
    offered, certain = (np.where(hidden, np.nan, np.hstack(part)) for part in zip(*parts, strict=True))
    supply = Supply(
        people=frame(asked.people),
        ratio=frame(offered),
        known=frame(certain),
        asked_each=pd.Series(asked.each, index=asked.keys),
        measure=pd.Series(asked.measure, index=asked.keys),
    )
    return replace(found, supply=supply)


def norms(
    facilities: gpd.GeoDataFrame, units: gpd.GeoDataFrame, *, people: pd.DataFrame, standard: Standard
) -> Norms | None:
    """What supply is held against, whoever walks and however: the part of `supplied` that no walk changes.

    Parameters
    ----------
    facilities, units : GeoDataFrame
        tables.FACILITIES and tables.UNITS.
    people : DataFrame of float
        From `demand`.
    standard : Standard
        States norms and expected counts.

    Returns
    -------
    Norms or None
        None where the standard has no norms, or no supply in its bands.
    """
    asked = _asked(standard, people)
    if asked is None or not standard.has_supply:
        return None
    of_service = asked.keys.get_indexer(pd.Index(facilities["service"]))
    size = pd.Series(_sizes(asked, facilities, of_service), index=facilities.index)[of_service >= 0]
    columns = ["" if one == COUNT else column(one) for one in asked.measure]
    return Norms(
        people=pd.DataFrame(asked.people, index=people.index, columns=asked.keys),
        people_each=pd.Series(asked.people_each, index=asked.keys),
        typical=pd.Series(asked.each * asked.people_each, index=asked.keys),
        column=pd.Series(columns, index=asked.keys, dtype=object),
        size=size,
        own=pd.Series(size.index.isin(own(facilities, units).index), index=size.index),
    )


@dataclass(frozen=True)
class _Asked:
    """The services that have a norm; `people` is origins by services, the others have one value for each."""

    keys: pd.Index
    minutes: Floats
    measure: list[str]
    people: Floats  # whom it is for
    each: Floats  # what one of them is owed, in that measure
    people_each: Floats  # how many of them are owed one facility


def _asked(standard: Standard, people: pd.DataFrame) -> _Asked | None:
    """What the norms of a standard ask for these people; none where there are no norms."""
    normed = [(service, service.norm) for service in standard.services if service.norm is not None]
    if not normed:
        return None
    everyone = float(people[EVERYONE].sum())
    expected = np.array([service.expected(everyone) for service, _ in normed], dtype=float)
    told = np.array([norm.people in people.columns for _, norm in normed])  # else: so many facilities for all residents
    crowds = [people[norm.people if one else EVERYONE] for (_, norm), one in zip(normed, told, strict=True)]
    total = np.array([crowd.sum() or np.nan for crowd in crowds])
    measure = np.where(told, [norm.of for _, norm in normed], COUNT).tolist()
    each = np.where(told, [norm.amount / 1000 for _, norm in normed], expected / max(everyone, 1.0))
    return _Asked(
        keys=pd.Index([service.key for service, _ in normed], name="service", dtype=object),
        minutes=np.array([service.minutes for service, _ in normed], dtype=float),
        measure=measure,
        people=np.column_stack(crowds),
        each=each,
        people_each=np.where(np.array(measure) == COUNT, 1 / np.where(each > 0, each, np.nan), total / expected),
    )


def _sizes(asked: _Asked, facilities: gpd.GeoDataFrame, of_service: Places) -> Floats:
    """Each facility in facilities of the norm's size, not a number where it is unknown; 0 of what has no norm."""
    size = np.zeros(len(facilities))
    for place, measure in enumerate(asked.measure):
        here = of_service == place
        typical = asked.each[place] * asked.people_each[place]
        size[here] = np.nan if measure == COUNT else facilities[column(measure)].to_numpy(dtype=float)[here] / typical
    return size


def _offered_by(
    times: TravelTimes, of_service: Places, size: Floats, asked: _Asked, block: slice, *, standard: Standard
) -> tuple[Floats, Floats]:
    """What some services offer over what is asked, and the part of it of known size: origins by services."""
    people, people_each = asked.people[:, block], asked.people_each[block]
    decay = Steps([((place + 1) * ZONE_MIN, weight) for place, weight in enumerate(standard.decay)])
    walks = _walks(times, of_service - block.start, asked.minutes[block], stretched_min=decay.minutes)
    crowd = pd.Series(people.ravel(order="F"))
    return tuple(  # type: ignore[return-value]  # two
        e2sfca(walks, pd.Series(sizes), population=crowd, decay=decay).to_numpy().reshape(people.shape, order="F")
        * people_each
        for sizes in (np.where(np.isnan(size), 1.0, size), np.nan_to_num(size))
    )


def _walks(times: TravelTimes, of_service: Places, minutes: Floats, *, stretched_min: float) -> TravelTimes:
    """Walks within the cut-offs, all stretched to one; every service and origin together stand as an origin.

    So one call shares out several services by the same decay, and none mixes with another.
    """
    pairs, count = times.seconds.tocoo(), len(times.origin_ids)
    service = of_service[pairs.coords[1]]
    here = np.flatnonzero((service >= 0) & (service < len(minutes)))
    here = here[pairs.data[here] <= minutes[service[here]] * 60]
    service, cutoff = service[here], minutes[service[here]] * 60
    rows, columns = service * count + pairs.coords[0][here], pairs.coords[1][here]
    seconds = np.round(pairs.data[here] * (stretched_min * 60) / cutoff, 6)  # at a limit is within it
    shape = (len(minutes) * count, len(times.facility_ids))
    ids = [pd.RangeIndex(many) for many in shape]
    placed = [Placement(pd.DataFrame({"how": "main"}, index=one)) for one in ids]
    return replace(
        times,
        seconds=csr_array((seconds, (rows, columns)), shape=shape),
        origin_ids=ids[0],
        facility_ids=ids[1],
        cutoff_s=stretched_min * 60,
        edge_s=np.full(shape[0], np.inf),
        origins=placed[0],
        facilities=placed[1],
        each_s=None,
    )


@dataclass(frozen=True)
class UnitSupply:
    """Supply of every unit: units by services that have a norm, of the people of whom it can be said.

    `adequacy` is what is offered over what is asked, up to the most that counts; it is not a number where it can be
    said of too few.
    """

    asked: Floats
    offered: Floats
    certain: Floats  # the part of it that rests on known sizes
    adequacy: Floats


def unit_supply(supply: Supply, held: csr_array, *, standard: Standard) -> UnitSupply:
    """Supply of every unit, counted from the clusters themselves.

    Parameters
    ----------
    supply : Supply
        From `supplied`.
    held : sparse array of float, shape (units, clusters)
        Which unit holds which cluster, from `holds`.
    standard : Standard
        States the most that counts, and of what share of the people it has to be said.

    Returns
    -------
    UnitSupply
    """
    people, ratio = supply.people.to_numpy(), supply.ratio.to_numpy()
    said = ~np.isnan(ratio)
    everyone, crowd = held @ people, held @ np.where(said, people, 0.0)
    offered, certain = (held @ (people * np.nan_to_num(one.to_numpy())) for one in (supply.ratio, supply.known))
    enough = (crowd > 0) & (crowd >= standard.complete_share * everyone - ROUNDING)
    adequacy = np.divide(offered, crowd, out=np.full(crowd.shape, np.nan), where=enough)
    each = supply.asked_each.to_numpy()
    return UnitSupply(each * crowd, each * offered, each * certain, np.minimum(adequacy, standard.supply_most))


def supply_table(
    found: Coverage,
    origins: gpd.GeoDataFrame,
    units: gpd.GeoDataFrame,
    *,
    standard: Standard,
    completeness: pd.DataFrame,
) -> pd.DataFrame:
    """What stands behind the card, service by service.

    *Resident coverage* counts the residents who have one in reach, *unit coverage* the units that own one: they differ,
    and both are claimed in public. A unit of a higher tier is counted from the clusters, and from the units of the
    service's tier inside it.

    Parameters
    ----------
    found : Coverage
        From `supplied`, or from `coverage` alone.
    origins, units : GeoDataFrame
        tables.ORIGINS and tables.UNITS.
    standard : Standard
        The standard that `found` was made with.
    completeness : DataFrame
        tables.COMPLETENESS of the same units.

    Returns
    -------
    DataFrame
        tables.SUPPLY, unit by unit and within a unit in the order of the standard.
    """
    services, keys = standard.services, [service.key for service in standard.services]
    held = holds(units, origins.loc[found.status.index, "unit"])
    crowd = held * origins.loc[found.status.index, "population"].to_numpy(dtype=float)
    said = by_state(crowd, codes(found))
    columns = {
        "people": sum(said.values()),
        **said,
        **_owning(units, completeness, standard=standard),
        **_offered(found.supply, held, keys, standard=standard),
    }
    table = crossed(units.index, keys, name="service", index=SUPPLY.index)
    table["category"] = np.tile(np.array([service.category for service in services], dtype=object), len(units))
    table = table.assign(**{name: values.ravel() for name, values in columns.items()})  # type: ignore[union-attr]
    return table.astype({"grade": "Int64"})[SUPPLY.names]


def _owning(units: gpd.GeoDataFrame, completeness: pd.DataFrame, *, standard: Standard) -> dict[str, NDArray[np.int64]]:
    """Units of each service's tier inside every unit, those with one inside, and those of which it cannot be said."""
    keys = pd.Index([service.key for service in standard.services])
    row, place = (
        index.get_indexer(pd.Index(completeness[name])) for index, name in ((units.index, "unit"), (keys, "service"))
    )
    owns, listed = (np.zeros((len(units), len(keys)), dtype=bool) for _ in range(2))
    owns[row, place], listed[row, place] = completeness["found"] > 0, completeness["known"]
    tier = np.array([service.tier for service in standard.services])
    of_tier = units["tier"].to_numpy(dtype=object)[:, None] == tier
    itself_and_below = holds(units, units.index.to_series())
    count = {"units": of_tier, "units_owning": of_tier & owns, "units_unknown": of_tier & ~owns & ~listed}
    return {name: (itself_and_below @ part.astype(float)).astype(np.int64) for name, part in count.items()}


def _offered(
    supply: Supply | None, held: csr_array, keys: list[str], *, standard: Standard
) -> dict[str, NDArray[np.generic]]:
    """What is said of supply: units by all services, those without a norm included."""
    shape = (held.shape[0], len(keys))
    numbers = {name: np.full(shape, np.nan) for name in ("asked", "offered", "known_share", "adequacy", "grade")}
    words = {name: np.full(shape, "", dtype=object) for name in ("measure", "judged_by")}
    if supply is not None:
        sums, at = unit_supply(supply, held, standard=standard), pd.Index(keys).get_indexer(supply.ratio.columns)
        said = ~np.isnan(sums.adequacy)
        known = np.divide(sums.certain, sums.offered, out=np.full(said.shape, np.nan), where=said & (sums.offered > 0))
        columns = {"asked": sums.asked, "offered": sums.offered, "known_share": known, "adequacy": sums.adequacy}
        columns["grade"] = standard.supply_grade(sums.adequacy)
        for name, values in columns.items():
            numbers[name][:, at] = np.where(said, values, np.nan)
        words["measure"][:, at] = supply.measure.to_numpy(dtype=object)
        judged = np.where(known >= standard.complete_share - ROUNDING, "size", COUNT)
        words["judged_by"][:, at] = np.where(said, judged, "")
    return {**numbers, **words}


def minimums(
    facilities: gpd.GeoDataFrame, units: gpd.GeoDataFrame, *, standard: Standard, completeness: pd.DataFrame
) -> pd.DataFrame:
    """Whether each unit of the service's tier owns a facility that is large enough, and how much is wanting.

    *pass* where one is known to be; *unknown* where none is, but there is one of unknown size, or the list is
    incomplete there; else *fail*, short by what the largest lacks, or by the whole where there is none.

    Parameters
    ----------
    facilities, units : GeoDataFrame
        tables.FACILITIES and tables.UNITS.
    standard : Standard
        States the minimums.
    completeness : DataFrame
        tables.COMPLETENESS of the same units.

    Returns
    -------
    DataFrame
        tables.MINIMUMS, service by service in the order of the standard.
    """
    services = [service for service in standard.services if service.minimum is not None]
    asked = [service.minimum for service in services if service.minimum is not None]
    keys = pd.Index([service.key for service in services], dtype=object)
    least = np.array([one.least for one in asked])
    which, unit = inside(facilities, units)
    service = keys.get_indexer(pd.Index(facilities["service"]))[which]
    which, unit, service = (part[service >= 0] for part in (which, unit, service))
    measured = facilities[["floor_area_m2", "capacity"]].to_numpy(dtype=float)
    size = measured[which, np.array([column(one.of) == "capacity" for one in asked], dtype=int)[service]]
    shape = (len(units), len(keys))
    facility_count, large, unsized = (np.zeros(shape, dtype=np.int64) for _ in range(3))
    np.add.at(facility_count, (unit, service), 1)
    np.add.at(large, (unit, service), size >= least[service] - ROUNDING)
    np.add.at(unsized, (unit, service), np.isnan(size))
    largest = np.full(shape, -np.inf)
    np.fmax.at(largest, (unit, service), size)
    listed = np.zeros(shape, dtype=bool)
    rows = completeness[completeness["service"].isin(keys)]
    listed[units.index.get_indexer(pd.Index(rows["unit"])), keys.get_indexer(pd.Index(rows["service"]))] = rows["known"]
    state = np.where(large > 0, "pass", np.where((unsized > 0) | ~listed, "unknown", "fail"))
    short = np.where(large > 0, 0.0, np.where(state == "fail", least - np.maximum(largest, 0.0), np.nan))
    at, of = np.nonzero((units["tier"].to_numpy(dtype=object)[:, None] == [one.tier for one in services]).T)[::-1]
    table = pd.DataFrame(
        {
            "unit": units.index.to_numpy(dtype=object)[at],
            "category": np.array([one.category for one in services], dtype=object)[of],
            "service": keys.to_numpy(dtype=object)[of],
            "measure": np.array([one.of for one in asked], dtype=object)[of],
            "required": least[of],
            "reference": np.array([one.reference for one in asked], dtype=float)[of],
            "facilities": facility_count[at, of],
            "adequate": large[at, of],
            "found": np.where(np.isfinite(largest), largest, np.nan)[at, of],
            "short_by": short[at, of],
            "state": state[at, of],
            "evidence": np.array([one.evidence for one in asked], dtype=object)[of],
        }
    )
    table.index = pd.Index(table["unit"] + ":" + table["service"], name=MINIMUMS.index, dtype=object)
    return table[MINIMUMS.names]
