"""A table of totals: residents per unit and per age group, by code or by name, in Chinese or English."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from circle15.errors import QUOTED_IDS, DataError, Finding, quoted
from circle15.project.languages import headers
from circle15.sources.ages import TOLERANCE, age_columns, age_group, check_sizes, people_counts
from circle15.sources.files import at_rows, harmless, read_numbered, recognise, texts
from circle15.sources.population import ladder
from circle15.tables import UNITS

if TYPE_CHECKING:
    from collections.abc import Iterable

    import geopandas as gpd
    from numpy.typing import NDArray

CENSUS = 2020  # the last national census: an older table is of another city

HEADERS = headers("totals")
_SUFFIX = re.compile(r"(?<=.)(街道办事处|街道|社区居民委员会|社区居委会|社区|居委会)$")
_TIER_BY_SUFFIX = (
    ("街道", "subdistrict"),
    ("街道办事处", "subdistrict"),
    ("社区", "community"),
    ("居委会", "community"),
)


@dataclass(frozen=True)
class Totals:
    """What a table of totals says.

    Parameters
    ----------
    units : GeoDataFrame
        tables.UNITS with the population of the table where it gives one.
    groups : DataFrame
        One row per unit of `units`, one column per age group (`60+`, `3-5`): people; NaN where it is not published.
    findings : tuple of Finding
        What is doubtful but does not stop a run.
    """

    units: gpd.GeoDataFrame
    groups: pd.DataFrame
    findings: tuple[Finding, ...] = ()


def read_totals(path: Path | str, units: gpd.GeoDataFrame) -> Totals:
    """Read residents per unit, and per age group where the table has them.

    A row belongs to the unit whose code it bears, else to that of its name; full and half width, spaces and the
    endings 街道 and 社区 make no difference unless they tell two units apart. Of several years the latest is read.

    Parameters
    ----------
    path : Path
        CSV, Excel, GeoJSON or whatever else `sources.files.read_table` reads. Columns: ``code`` (代码) or ``name``
        (名称, 街道, 社区), ``population`` (常住人口), ``year`` (年份) and age groups such as ``60+`` (60岁及以上).
    units : GeoDataFrame
        tables.UNITS.

    Returns
    -------
    Totals

    Raises
    ------
    SourceError
        When the file is missing or cannot be read.
    DataError
        With every finding: rows that name no unit or one that two units share, units twice, cells that are no number
        of people, age groups larger than the population.
    """
    path = Path(path)
    table = read_numbered(path)
    where, found, doubts = path.name, list[Finding](), list[Finding]()
    rows = recognise(table, HEADERS, where=where)
    counts = age_columns(table, where, found, doubts)
    counts.insert(0, "population", people_counts(rows["population"], "residents", where, found))
    found += _scaled(table, where)
    if counts.isna().to_numpy().all() and not found:
        mend = f"Add a column named one of {', '.join(HEADERS['population'][:3])}, or of ages such as 60+"
        found.append(Finding(where, "there is no number of people in it", mend))
    keep = _latest(rows["year"], where, found, doubts)
    belongs = _matched(rows, units, where, found)
    here = keep & (belongs >= 0)
    twice = pd.Series(belongs[here]).duplicated(keep=False).to_numpy()
    if twice.any():
        ids = quoted(units.index[np.unique(belongs[here][twice])])
        found.append(Finding(where, f"units stand in it more than once ({ids})", "Keep one row for each"))
    people = units["population"].to_numpy(dtype=float)
    whole = np.where(belongs >= 0, np.append(people, np.nan)[belongs], np.nan)
    whole = np.where(counts["population"].notna(), counts["population"], whole)
    check_sizes(counts.drop(columns="population"), whole, where, found)
    if found:
        raise DataError(*found)
    counts = counts[here].set_axis(units.index[belongs[here]]).reindex(units.index)
    given = counts.pop("population").to_numpy(dtype=float)
    known = units.assign(population=np.where(np.isnan(given), people, given))
    UNITS.check(known, where=where, crs=units.crs)
    return Totals(known, counts, (*doubts, *_contradictions(known, counts, where)))


def _scaled(table: pd.DataFrame, where: str) -> list[Finding]:
    """Headers that say that a number stands for 10,000 people, which is never guessed."""
    odd = [str(one) for one in table.columns if "万" in str(one) and ("人" in str(one) or age_group(str(one)))]
    return [
        Finding(where, f"the column {harmless(one)!r} counts in 万 (10,000)", "Give people, one by one") for one in odd
    ]


def _latest(years: pd.Series, where: str, found: list[Finding], doubts: list[Finding]) -> NDArray[np.bool_]:
    """The rows of the latest year."""
    given = texts(years)
    if given.isna().all():
        return np.ones(len(given), dtype=bool)
    year = pd.to_numeric(given.str.extract(r"^(\d{4})(?:年.*|[-/].*)?$")[0], errors="coerce").to_numpy(dtype=float)
    if np.isnan(year).any():
        found.append(
            at_rows(
                where,
                np.isnan(year),
                "have no year, or one that is no year",
                "Give a year such as 2020",
                rows=years.index,
            )
        )
        return np.ones(len(given), dtype=bool)
    latest, all_years = int(year.max()), sorted({int(one) for one in year})
    if len(all_years) > 1:
        said = f"it holds the years {', '.join(map(str, all_years))}; only {latest} is read"
        doubts.append(Finding(where, said, "Take out the others"))
    if latest < CENSUS:
        doubts.append(Finding(where, f"it is of {latest}", f"Give a table of {CENSUS} or later"))
    kept: NDArray[np.bool_] = year == latest
    return kept


def _folded(name: str) -> str:
    """A name without case, spaces and width."""
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", name)).casefold()


def _matched(rows: pd.DataFrame, units: gpd.GeoDataFrame, where: str, found: list[Finding]) -> NDArray[np.int64]:
    """Position of the unit of each row, -1 where it cannot be told; what is wrong is found."""
    names = [_folded(str(one)) for one in units["name"]]
    exact, bare = _places(names), _places(_SUFFIX.sub("", one) for one in names)
    ids = {str(one): place for place, one in enumerate(units.index)}
    codes, community, street = (texts(rows[one]) for one in ("unit", "community", "subdistrict"))
    called = texts(rows["name"]).fillna(community).fillna(street)
    belongs = np.full(len(rows), -1)
    unknown: list[str] = []
    shared: list[str] = []
    for row, (code, name) in enumerate(zip(codes, called.fillna(codes), strict=True)):
        if code in ids:
            belongs[row] = ids[code]
        elif name is not None:
            key = _folded(name)
            some = exact.get(key) or bare.get(_SUFFIX.sub("", key), [])
            some = _narrowed(some, key, community.iloc[row], street.iloc[row], units)
            belongs[row] = some[0] if len(some) == 1 else -1
            if len(some) != 1:
                (shared if some else unknown).append(harmless(name))
    nameless = (codes.isna() & called.isna()).to_numpy()
    if nameless.any():
        mend = "Add a column code (代码) or name (名称), or drop these rows"
        found.append(at_rows(where, nameless, "have neither a code nor a name", mend, rows=rows.index))
    if unknown:
        problem = f"{len(unknown):,} of {len(rows):,} rows name no unit of the study ({quoted(unknown)})"
        found.append(Finding(where, problem, _meant(unknown, units)))
    if shared:
        problem = f"{len(shared):,} of {len(rows):,} rows bear a name that several units share ({quoted(shared)})"
        found.append(Finding(where, problem, "Give their codes, or a column 街道 beside 社区"))
    return belongs


def _places(names: Iterable[str]) -> dict[str, list[int]]:
    places: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        places.setdefault(name, []).append(place)
    return places


def _narrowed(
    some: list[int], key: str, community: str | None, street: str | None, units: gpd.GeoDataFrame
) -> list[int]:
    """Of units with one name, those of the tier and of the subdistrict that the row speaks of."""
    if len(some) > 1:
        by_suffix = [tier for ending, tier in _TIER_BY_SUFFIX if key.endswith(ending)]
        by_column = "community" if community else "subdistrict" if street else None
        tier = by_suffix[0] if by_suffix else by_column
        some = [one for one in some if units["tier"].iloc[one] == tier] or some
    if len(some) > 1 and community and street:
        wanted = _SUFFIX.sub("", _folded(street))
        parents = units["parent"].iloc[some]
        above = [units["name"].get(parent, "") if isinstance(parent, str) else "" for parent in parents]
        some = [one for one, name in zip(some, above, strict=True) if _SUFFIX.sub("", _folded(name)) == wanted] or some
    return some


def _meant(unknown: list[str], units: gpd.GeoDataFrame) -> str:
    """The units that were probably meant."""
    known = [*units["name"].astype(str), *units.index.astype(str)]
    near = [(one, get_close_matches(one, known, n=1, cutoff=0.5)) for one in unknown[:QUOTED_IDS]]
    meant = ", ".join(f"{some[0]} for {one}" for one, some in near if some)
    return f"Did you mean {meant}?" if meant else f"Give codes or names of the units, such as {quoted(known[:3])}"


def _contradictions(units: gpd.GeoDataFrame, groups: pd.DataFrame, where: str) -> list[Finding]:
    """Units whose parts add up to another number than their own, beyond a hundredth of it."""
    found = []
    for name, values in [("residents", units["population"]), *((f"people aged {one}", groups[one]) for one in groups)]:
        published = values.to_numpy(dtype=float)
        steps = ladder(published, units, np.array([], dtype=np.int64))
        leaf = ~np.isin(np.arange(len(units)), steps.parent)
        shut = np.isfinite(published) & ~leaf & ~np.isin(np.arange(len(units)), steps.source[leaf])
        amounts = steps.amounts
        odd = ((amounts < 0) | shut) & (np.abs(amounts) > TOLERANCE * np.nan_to_num(published))
        if odd.any():
            problem = f"the parts of {int(odd.sum()):,} units add up to other {name} than the units themselves"
            ids = quoted(units.index[odd])
            found.append(Finding(where, f"{problem} ({ids})", "Those of the parts are used; correct one or the other"))
    return found
