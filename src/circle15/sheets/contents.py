"""What the sheets say, as plain values: states of homes, worst places, sites, facts, each word in two languages."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from circle15.errors import DataError, Finding
from circle15.project.languages import Labels
from circle15.tables import TIERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import geopandas as gpd
    from numpy.typing import NDArray

    from circle15.project import Category, Standard
    from circle15.project.languages import Named
    from circle15.tables import Result

    Pair = tuple[str, str]

MET = 4  # "meets the standard", where a standard does not say what a built circle asks
CONDITIONS = ("need", "basis", "equipment", "place")


def pair(words: Iterable[str]) -> Pair:
    """Words of one language or two as two; the second is empty where it would repeat the first."""
    first, *rest = dict.fromkeys(words)
    return first, rest[0] if rest else ""


def joined(words: Pair, by: str = " ") -> str:
    """The two as one text."""
    return by.join(one for one in words if one)


@dataclass(frozen=True)
class Contents:
    """What the sheets of one result say.

    Parameters
    ----------
    result : Result
        What a run computed; one read back from its folder will do.
    standard : Standard
        The standard that it was held against.
        It says in which languages the sheets speak: the first two, side by side.
    """

    result: Result
    standard: Standard

    # ---------------------------------------------------------------------------------------------------- words

    @cached_property
    def labels(self) -> Labels:
        """Every word, in the languages of the sheets."""
        labels = Labels.of(self.standard)
        return Labels(dict(islice(labels.words.items(), 2)))

    @cached_property
    def letters(self) -> str:
        """Every letter of the words and names of these languages: a font has to have them."""
        said = [word for words in self.labels.words.values() for word in _texts(words["sheets"])]
        named = (*self.standard.categories, *self.standard.services, *self.standard.grades)
        return "".join(sorted({letter for text in (*said, *map(self.standard.label, named)) for letter in text}))

    @cached_property
    def palette(self) -> Mapping[str, Mapping[str, str]]:
        """The colours that the page has."""
        file = resources.files("circle15") / "labels" / "palette.toml"
        found: Mapping[str, Mapping[str, str]] = tomllib.loads(file.read_text(encoding="utf-8"))
        return found

    def said(self, *keys: str, **values: object) -> Pair:
        """A word of the sheets in both languages, the first first; a value may be such a pair itself."""
        return self.shared("sheets", *keys, **values)

    def shared(self, *keys: str, **values: object) -> Pair:
        """The same of a word that the page or the workbook has too."""
        return pair(self.labels.said(*keys, **values))

    def tier(self, tier: str) -> tuple[str, ...]:
        """How a tier is called, as a value of other words."""
        return self.labels.said("tier", tier)

    def both(self, *keys: str, **values: object) -> str:
        """A word of the sheets in both languages as one text."""
        return joined(self.said(*keys, **values))

    def named(self, one: Named) -> Pair:
        """How something of the standard is called."""
        return pair(one.name_in(language) for language in self.labels.languages)

    # ---------------------------------------------------------------------------------------------------- facts

    @property
    def mark(self) -> Pair | None:
        """What has to stand on every sheet of synthetic data."""
        return self.shared("workbook", "synthetic") if self.result.facts.get("synthetic") else None

    @property
    def name(self) -> Pair:
        """The study area."""
        facts = self.result.facts
        name = str(facts.get("name") or self.result.area.name)
        return pair(str(facts.get(f"name_{language}") or name) for language in self.labels.languages)

    @cached_property
    def facts(self) -> dict[str, str]:
        """What is known of the study, by keys of `[facts]`; what is not stated is left out, the data date is not."""
        facts, standard = self.result.facts, self.standard
        trip = str(facts.get("trip") or "")
        no_date = joined(self.shared("page", "no_date"))
        closed = facts.get("closed_by_hand") or ()
        said = {
            "population": f"{float(self.result.origins['population'].sum()):,.0f}",
            "data_date": str(facts.get("data_date") or no_date),
            "walker": joined(pair(str(facts.get(f"walker_{code}") or "") for code in self.labels.languages)),
            "trip": joined(self.shared("trip", trip)) if trip not in ("", "out") else "",
            "when": str(facts.get("when") or ""),
            "scenario": str(facts.get("scenario") or ""),
            "closed": ", ".join(map(str, closed)) if isinstance(closed, list | tuple) else str(closed),
            "standard": joined(pair(standard.spoken(standard.title))),
            "authority": joined(pair(standard.spoken(standard.authority))),
            "sources": str(facts.get("attribution") or ""),
            "units_from": str(facts.get("units_from") or ""),
            "note": str(facts.get("note") or ""),
            "version": f"circle15 {facts.get('version') or ''}".strip(),
        }
        return {key: value for key, value in said.items() if value}

    # ---------------------------------------------------------------------------------------------------- the card

    @cached_property
    def tiers(self) -> list[str]:
        """Tiers that there are, the highest first."""
        return [tier for tier in TIERS if (self.result.units["tier"] == tier).any()]

    def of_tier(self, tier: str) -> gpd.GeoDataFrame:
        """The units of one tier."""
        return self.result.units[self.result.units["tier"] == tier]

    def graded(self, category: Category, tier: str) -> pd.Series:
        """The grade of each unit of a tier; missing: not graded."""
        card = self.result.grades[self.result.grades["category"] == category.key].set_index("unit")["grade"]
        return card.reindex(self.of_tier(tier).index).astype("Int64")

    @cached_property
    def residents(self) -> pd.DataFrame:
        """People by category over the topmost units: served, gap, unknown, and the least and the most share served."""
        top = self.result.units.index[self.result.units["parent"].isna()]
        whole = self.result.grades[self.result.grades["unit"].isin(top)]
        table = whole.groupby("category")[["people", "served", "gap", "unknown"]].sum()
        table = table.reindex([one.key for one in self.standard.categories])
        people = table["people"].where(table["people"] > 0)
        return table.assign(least=table["served"] / people, most=(table["served"] + table["unknown"]) / people)

    def share(self, category: Category) -> str:
        """The share of residents served; where it cannot be said of some, the least and the most."""
        least, most = self.residents.loc[[category.key], ["least", "most"]].to_numpy(dtype=float)[0]
        if np.isnan(least):
            return self.both("untold")
        low, high = f"{least:.0%}", f"{most:.0%}"
        return low if low == high else f"{low}–{high}"

    @property
    def met(self) -> int:
        """The grade from which a cell of the card meets the standard."""
        return MET if self.standard.built is None else self.standard.built.grade

    # ---------------------------------------------------------------------------------------------------- homes

    @cached_property
    def states(self) -> pd.DataFrame:
        """Origins by categories: gap where a service that decides it is, else unknown where one is, else served."""
        status = self._status
        found = {}
        for category in self.standard.categories:
            asked = status.reindex(columns=category.asked()).to_numpy(dtype=object)
            gap, served = (asked == "gap").any(axis=1), (asked == "served").all(axis=1)
            found[category.key] = np.where(gap, "gap", np.where(served, "served", "unknown"))
        return pd.DataFrame(found, index=self.result.origins.index)

    @property
    def _status(self) -> pd.DataFrame:
        """Origins by services; what is not listed is missing."""
        result = self.result
        if result.found is not None:
            return result.found.status.reindex(index=result.origins.index)
        if result.coverage.empty and len(result.origins):
            problem = "it holds no coverage, so that nothing can be said of homes"
            raise DataError(Finding("result", problem, "Read the results folder with the table coverage"))
        wide = result.coverage.pivot(index="origin", columns="service", values="status")  # noqa: PD010  nothing to sum
        return wide.reindex(index=result.origins.index)

    @cached_property
    def homes(self) -> pd.DataFrame:
        """Each origin: x, y, people, how many categories are lacking, how many cannot be said, and their product."""
        points = shapely.get_coordinates(self.result.origins.geometry.to_numpy())
        lacking = (self.states == "gap").sum(axis=1)
        people = self.result.origins["population"].to_numpy(dtype=float)
        return pd.DataFrame(
            {
                "x": points[:, 0],
                "y": points[:, 1],
                "people": people,
                "lacking": lacking,
                "unknown": (self.states == "unknown").sum(axis=1),
                "total": lacking * people,
            },
            index=self.result.origins.index,
        )

    def worst(self, most: int, *, apart_m: float) -> pd.DataFrame:
        """Homes with most person-gaps, none nearer than `apart_m` to one before it."""
        ranked = self.homes[self.homes["total"] > 0].sort_values("total", ascending=False, kind="stable")
        points = ranked[["x", "y"]].to_numpy()
        free = np.ones(len(ranked), dtype=bool)
        taken: list[int] = []
        while len(taken) < most and free.any():
            taken.append(int(free.argmax()))
            free &= np.hypot(*(points - points[taken[-1]]).T) >= apart_m
        return ranked.iloc[taken]

    def where(self, unit: object) -> str:
        """A unit and the one above it, by their names."""
        units = self.result.units
        if not isinstance(unit, str) or unit not in units.index:
            return ""
        parent = units.loc[unit, "parent"]
        above = isinstance(parent, str) and parent in units.index and isinstance(units.loc[parent, "parent"], str)
        names = [units.loc[parent, "name"]] if above else []
        own = units.loc[unit, "name"]
        if units.loc[unit, "tier"] == "cell":
            own = self.labels.said("tier", "one_cell", name=own)[0]
        return " · ".join(map(str, [*names, own]))

    # ---------------------------------------------------------------------------------------------------- projects

    @cached_property
    def projects(self) -> pd.DataFrame:
        """The project list, in order."""
        return self.result.judgement.projects.sort_values("rank", kind="stable")

    @cached_property
    def sites(self) -> pd.DataFrame:
        """Each site once: x, y in the study CRS, the ranks of its projects as one label, whether any is near-term."""
        import geopandas as gpd

        table = self.projects
        once = table.drop_duplicates("site").set_index("site")
        points = gpd.GeoSeries(gpd.points_from_xy(once["lon"], once["lat"]), index=once.index, crs="EPSG:4326")
        placed = points.to_crs(self.result.area.crs)
        ranks = table.groupby("site", sort=False)["rank"].agg(list)
        near = (table["phase"] == "near").groupby(table["site"], sort=False).any()
        labels = [_spans([int(one) for one in ranks[site]]) for site in once.index]
        return pd.DataFrame({"x": placed.x, "y": placed.y, "label": labels, "near": near.reindex(once.index)})

    def cells_up(self, rank: int) -> int:
        """Cells of the card that a project lifts."""
        table = self.result.judgement.project_cells
        mine = table[table["rank"] == rank]
        return int((mine["grade_after"] > mine["grade_before"]).fillna(value=False).sum())


def _texts(words: Mapping[str, Any]) -> Iterator[str]:
    for one in words.values():
        yield from (one,) if isinstance(one, str) else _texts(one)


def label_points(units: gpd.GeoDataFrame) -> NDArray[np.float64]:
    """Where each unit has most room for a label, and how much: x, y, radius, one row each."""
    lines = [shapely.maximum_inscribed_circle(one, tolerance=_tolerance(one)) for one in units.geometry]
    ends = np.array([shapely.get_coordinates(line)[0] for line in lines]).reshape(-1, 2)
    return np.column_stack([ends, shapely.length(np.array(lines, dtype=object))])


def _tolerance(shape: shapely.Geometry) -> float:
    return max(1.0, float(np.sqrt(shapely.area(shape))) / 50)


def _spans(ranks: list[int]) -> str:
    """Ranks as one label: 4-6, 9."""
    parts: list[list[int]] = []
    for rank in sorted(ranks):
        if parts and parts[-1][-1] == rank - 1:
            parts[-1].append(rank)
        else:
            parts.append([rank])
    return ",".join(str(one[0]) if len(one) == 1 else f"{one[0]}–{one[-1]}" for one in parts)
