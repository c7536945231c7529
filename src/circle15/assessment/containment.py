"""Whose facility people walk to: their own community's, their own subdistrict's, or one across the line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from circle15.assessment.units import GAP, SERVED, UNKNOWN, at_tier, codes, crossed, holds, inside
from circle15.project.yardsticks import column
from circle15.tables import CONTAINMENT

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    from circle15.project import Standard
    from circle15.tables import Coverage, TravelTimes

    Flags = NDArray[np.bool_]
    Places = NDArray[np.intp]

ROUNDING = 1e-9  # of sizes


def containment(
    times: TravelTimes,
    found: Coverage,
    facilities: gpd.GeoDataFrame,
    origins: gpd.GeoDataFrame,
    units: gpd.GeoDataFrame,
    *,
    standard: Standard,
) -> pd.DataFrame:
    """Who is served within their own unit, and who only across its line.

    A facility is *adequate* when it is at least as large as the standard's minimum, or when its size is unknown or no
    minimum is stated. Residents are *in reach* when an adequate one is within the cut-off, wherever it stands. Of these
    it is counted who has such a one in the unit of the service's own tier (*own*; the rest is served *only across* the
    line), and whose nearest adequate one stands in their own community or subdistrict. A facility stands in every unit
    that one of its entrances is in.

    Parameters
    ----------
    times : TravelTimes
        Walks.
    found : Coverage
        From `coverage`, of `times`.
    facilities : GeoDataFrame
        The facilities of `times`.
    origins, units : GeoDataFrame
        tables.ORIGINS and tables.UNITS.
    standard : Standard
        The standard that `found` was made with.

    Returns
    -------
    DataFrame
        tables.CONTAINMENT, unit by unit and within a unit in the order of the standard. In reach, too small, gap and
        unknown sum to the residents.
    """
    here, keys = origins.loc[found.status.index], list(found.status.columns)
    walks = _Walks(times, facilities.loc[times.facility_ids], here, units, standard=standard)
    reach = walks.anywhere()
    tiers: list[str] = [service.tier for service in standard.services]
    own = walks.within(tiers)
    nearest = {tier: walks.within([tier] * len(keys), nearest=True) for tier in ("community", "subdistrict")}
    said = codes(found)
    held = holds(units, here["unit"]) * here["population"].to_numpy(dtype=float)
    flags = {
        "in_reach": reach,
        "too_small": ~reach & (said == SERVED),
        "gap": ~reach & (said == GAP),
        "unknown": ~reach & (said == UNKNOWN),
        "own": own,
        "only_across": reach & ~own,
        **{f"nearest_in_{tier}": flag for tier, flag in nearest.items()},
    }
    return _table(flags, held, units, standard=standard)


def _table(flags: dict[str, Flags], held: csr_array, units: gpd.GeoDataFrame, *, standard: Standard) -> pd.DataFrame:
    services, there = standard.services, set(units["tier"])
    rows = crossed(units.index, [one.key for one in services], name="service", index=CONTAINMENT.index)
    rows["category"] = np.tile(np.array([one.category for one in services], dtype=object), len(units))
    rows["people"] = np.repeat(held.sum(axis=1), len(services))
    counted = {name: held @ flag.astype(float) for name, flag in flags.items()}
    absent = [one.tier not in there for one in services]
    for name in ("own", "only_across"):
        counted[name][:, absent] = np.nan
    for tier in ("community", "subdistrict"):
        if tier not in there:
            counted[f"nearest_in_{tier}"][:] = np.nan
    return rows.assign(**{name: values.ravel() for name, values in counted.items()})[CONTAINMENT.names]


class _Walks:
    """Walks to adequate facilities within the cut-offs, and where these stand."""

    def __init__(
        self,
        times: TravelTimes,
        facilities: gpd.GeoDataFrame,
        origins: gpd.GeoDataFrame,
        units: gpd.GeoDataFrame,
        *,
        standard: Standard,
    ) -> None:
        keys = pd.Index([service.key for service in standard.services])
        service = keys.get_indexer(pd.Index(facilities["service"]))
        cutoff = np.array([*(one.minutes * 60 for one in standard.services), -1.0])  # of what no service is: none
        pairs = times.seconds.tocoo()
        row, facility = pairs.coords
        near = (pairs.data <= cutoff[service[facility]]) & _adequate(facilities, standard=standard)[facility]
        self.shape = (len(origins), len(keys))
        self.row, self.facility, seconds = row[near].astype(np.int64), facility[near].astype(np.int64), pairs.data[near]
        self.cell = self.row * len(keys) + service[self.facility]
        least = np.full(len(origins) * len(keys), np.inf)
        np.minimum.at(least, self.cell, seconds)
        self.nearest = seconds == least[self.cell]
        self.units, self.homes = units, origins["unit"]
        which, unit = inside(facilities, units)
        self.standing = np.sort(which.astype(np.int64) * len(units) + unit)  # facility and unit as one number

    def anywhere(self) -> Flags:
        """Who has one in reach: origins by services."""
        return self._any(np.ones(len(self.cell), dtype=bool))

    def within(self, tiers: list[str], *, nearest: bool = False) -> Flags:
        """Who has one in reach, or the nearest of all, in the own unit of a tier, which is stated for each service."""
        of_tier = {tier: at_tier(self.units, self.homes, tier) for tier in dict.fromkeys(tiers)}
        home = np.column_stack([of_tier[tier] for tier in tiers]).ravel()[self.cell]
        there = self.facility * len(self.units) + home
        at = np.minimum(np.searchsorted(self.standing, there), max(len(self.standing) - 1, 0))
        inside_it = (
            (home >= 0) & (self.standing[at] == there) if len(self.standing) else np.zeros(len(there), dtype=bool)
        )
        return self._any(inside_it & self.nearest if nearest else inside_it)

    def _any(self, flag: Flags) -> Flags:
        count = np.bincount(self.cell[flag], minlength=self.shape[0] * self.shape[1])
        return (count > 0).reshape(self.shape)


def _adequate(facilities: gpd.GeoDataFrame, *, standard: Standard) -> Flags:
    """Whether each facility is large enough, or may be."""
    enough = np.ones(len(facilities), dtype=bool)
    of_service = facilities["service"].to_numpy(dtype=object)
    for service in standard.services:
        if service.minimum is not None:
            size = facilities[column(service.minimum.of)].to_numpy(dtype=float)
            enough &= ~((of_service == service.key) & (size < service.minimum.least - ROUNDING))
    return enough
