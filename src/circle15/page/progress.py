"""How far the living circles are, and what should be built next, as plain values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from circle15.page.ground import plain, texts

if TYPE_CHECKING:
    import geopandas as gpd

    from circle15.page.packing import Grid
    from circle15.project import Standard
    from circle15.tables import Judgement, Result

_SAID = (  # words of a project
    *("phase", "service", "name", "by_group", "need", "basis", "equipment", "place", "cost_class", "step_free"),
    *("cells", "evidence"),
)


def circles(judged: Judgement, units: gpd.GeoDataFrame, *, standard: Standard) -> dict[str, Any]:
    """The living circles, the nearest to being built first, and the targets.

    Parameters
    ----------
    judged : Judgement
        Its `circles` and `targets`.
    units : GeoDataFrame
        In the order of the page.
    standard : Standard
        Says when a circle counts as built.

    Returns
    -------
    dict
        `rows` and `targets`, empty where circles were not asked for, and `built`: the rule.
    """
    keys = {category.key: place for place, category in enumerate(standard.categories)}
    table = judged.circles[judged.circles.index.isin(units.index)].sort_values("rank", kind="stable")
    places = units.index.get_indexer(table.index)

    def named(words: str) -> list[int]:
        return [keys[one] for one in map(str.strip, words.split(",")) if one in keys]

    rows = [
        {
            "unit": int(place),
            "people": round(float(row["people"])),
            "state": row["state"],
            "met": int(row["met"]),
            "lacks": named(row["lacks"]),
            "undecided": named(row["undecided"]),
            "short": round(float(row["residents_short"])),
            "all": round(float(row["served_all"])),
        }
        for place, row in zip(places, table.to_dict("records"), strict=True)
    ]
    targets = judged.targets.reset_index()[["due", "circles", "built", "undecided", "short"]]
    rule = standard.built
    return {
        "rows": rows,
        "targets": [plain(row) for row in targets.to_dict("records")],
        "built": None
        if rule is None
        else {"grade": rule.grade, "share": rule.share, "basis": standard.spoken(rule.basis)},
    }


def projects(result: Result, units: gpd.GeoDataFrame, grid: Grid, *, standard: Standard) -> list[dict[str, Any]]:
    """The yearly project list, by rank; empty where the study asked for none.

    Parameters
    ----------
    result : Result
        Its judgement has tables.PROJECTS.
    units : GeoDataFrame
        In the order of the page.
    grid : Grid
        Where steps are counted from.
    standard : Standard
        States the categories.

    Returns
    -------
    list of dict
        `rank`, `phase` (near or reserve), `category`, `unit` (-1: none), `at`, `people`, and words of the table.
    """
    keys = [category.key for category in standard.categories]
    table = result.judgement.projects
    table = table[table["category"].isin(keys)].sort_values("rank", kind="stable")
    rows = {
        "rank": table["rank"].astype(int).tolist(),
        "category": [keys.index(one) for one in table["category"]],
        "unit": units.index.get_indexer(table["unit"].astype(object)).tolist(),
        "people": table["people"].round().astype(int).tolist(),
        "at": grid.steps(table[["lon", "lat"]].to_numpy(dtype=float)).tolist(),
        **{name: texts(table[name]) for name in _SAID},
    }
    return [dict(zip(rows, one, strict=True)) for one in zip(*rows.values(), strict=True)]
