"""What a run hands over beside the map: the GIS package that opens styled in QGIS, and the data dictionary."""

from __future__ import annotations

import contextlib
import sqlite3
import tomllib
from dataclasses import dataclass
from functools import partial
from importlib import resources
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape, quoteattr

import geopandas as gpd
import numpy as np
import pyogrio
import shapely

from circle15 import tables
from circle15.errors import Finding, SourceError
from circle15.project.languages import Labels

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    import pandas as pd

    from circle15.project import Standard
    from circle15.tables import Comparison, Result

MET = 4  # a category is met where its grade is at least this: "meets the standard"
NAMED = 5  # services that the text names
LEAST, LEAST_SHARE = 0.5, 0.0005  # people, or of all of them; fewer are nobody
PLAIN = (  # without geometry
    *("groups", "housing", "completeness", "survey", "grades", "walkers", "terrain"),
    *(table.name for table in (*tables.JUDGED, *tables.PLANNED)),
)
LAYERS = (  # in the order in which a run comes to know them
    *("isochrones", "origins", "facilities", "links", "ground", "groups", "housing", "completeness", "survey"),
    *("coverage", "units", "gaps", "step_free", "dependence", *PLAIN[4:]),
)
_POINTS = 1 << 21  # of shapes that are written together
_WHEN = "2000-01-01T00:00:00.000Z"  # stands in the file instead of the time of writing; the same result, the same rows
_GDAL = {  # a folder counts when it is whole: no layer has to be on the disk before that
    "OGR_SQLITE_SYNCHRONOUS": "OFF",
    "OGR_CURRENT_DATE": _WHEN,
}
_SHADES = ("#8c510a", "#01665e", "#762a83", "#b2182b", "#d6604d", "#2166ac", "#4d9221", "#1b7837", "#c51b7d", "#404040")


def write_dictionary(path: Path, listed: Iterable[tables.Table] = tables.TABLES.values()) -> None:
    """Write what every column of every table means, as CSV that Excel opens rightly.

    Parameters
    ----------
    path : Path
        Such as ``columns.csv``; it is replaced.
    listed : iterable of Table
        The tables; those of a run otherwise.
    """
    tables.dictionary(listed).to_csv(path, index=False, encoding="utf-8-sig", lineterminator="\n")


def write_geopackage(result: Result, path: Path, *, standard: Standard, names: Iterable[str] | None = None) -> None:
    """Write the tables of a result as one GeoPackage that opens styled in QGIS.

    The layers are `isochrones, units, origins, facilities, coverage, gaps, step_free, dependence, links` and `ground`
    without its buildings, with the columns of the contract in order, in the CRS of the study, and as tables without
    geometry `grades`, the card, `walkers`, the card walker by walker, `terrain`, the terrain penalty, and what is
    judged beyond the card, and planned: `supply, minimums, containment, circles, targets, views, group_coverage,
    equity, quadrant, projects, project_cells`.
    Coverage and gaps stand at the point of their cluster. Units carry two columns more: `graded`, how many categories
    were graded, and `met`, how
    many of these have grade 4 or 5; that is what they are coloured by.

    Parameters
    ----------
    result : Result
        What a run computed.
    path : Path
        Such as ``results.gpkg``; it is replaced.
    standard : Standard
        The standard that the result was held against; names the categories.
    names : iterable of str, optional
        Some of the layers alone, which are added to those that the file has; nothing else of the result is looked at,
        but origins for `coverage` and `gaps`, and grades for `units`.

    Raises
    ------
    SourceError
        When the disk does not take it.
    """
    if names is None:
        with _package(path):
            path.unlink(missing_ok=True)
    written = list(LAYERS if names is None else names)
    with _package(path):
        for name in written:
            _write(_layer(result, name), path, name=name)
        _add_styles(path, {name: rules for name in written if (rules := _rules(result, name, standard))})


def _layer(result: Result, name: str) -> gpd.GeoDataFrame:
    """A layer as it is written."""
    if name in PLAIN:
        return gpd.GeoDataFrame(result.table(name))
    made: dict[str, Callable[[], gpd.GeoDataFrame]] = {
        "units": lambda: _with_card(result.units, result.grades),
        "coverage": lambda: _at_cluster(result.coverage, result.origins.geometry),
        "gaps": lambda: _at_cluster(result.gaps, result.origins.geometry),
        "links": lambda: result.streets.set_geometry(_one_dimension(result.streets.geometry)),
        "ground": lambda: result.ground[result.ground["kind"] != "building"],
    }
    return made.get(name, lambda: getattr(result, name))()


def write_changes(found: Comparison, path: Path, *, standard: Standard) -> None:
    """Write the tables of a comparison as one GeoPackage that opens styled in QGIS.

    The layers are `unit_changes`, `origin_changes` and `facility_changes`, and as tables without geometry `changes` and
    `cell_changes`, with the columns of the contract in order, in the CRS of the later run.

    Parameters
    ----------
    found : Comparison
        From a comparison of two runs.
    path : Path
        Such as ``compare.gpkg``; it is replaced.
    standard : Standard
        That of the later run; says in which languages legends are.

    Raises
    ------
    SourceError
        When the disk does not take it.
    """
    layers = {"unit_changes": found.units, "origin_changes": found.origins, "facility_changes": found.facilities}
    layers |= {"changes": gpd.GeoDataFrame(found.changes), "cell_changes": gpd.GeoDataFrame(found.cells)}
    with _package(path):
        path.unlink(missing_ok=True)
        for name, layer in layers.items():
            _write(layer, path, name=name)
        _add_styles(path, _change_styles(found, standard))


@contextlib.contextmanager
def _package(path: Path) -> Iterator[None]:
    """What the disk does not take becomes a finding."""
    pyogrio.set_gdal_config_options(_GDAL)
    try:
        yield
    except (OSError, sqlite3.OperationalError, pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as error:
        mend = "Make room on the disk, and close the file in other programs"
        raise SourceError(Finding(path.name, f"it cannot be written ({error})", mend)) from error
    finally:
        pyogrio.set_gdal_config_options(dict.fromkeys(_GDAL))


def _with_card(units: gpd.GeoDataFrame, grades: pd.DataFrame) -> gpd.GeoDataFrame:
    """Units and how many categories they meet, of how many that were graded."""
    grade = grades["grade"].astype("Float64")
    count = {"graded": grade.notna(), "met": (grade >= MET).fillna(value=False)}
    columns = {
        name: said.groupby(grades["unit"]).sum().reindex(units.index, fill_value=0).astype("int64")
        for name, said in count.items()
    }
    return units.assign(**columns)[[*tables.UNITS.names[:-1], *columns, "geometry"]]


def _at_cluster(table: pd.DataFrame, points: gpd.GeoSeries) -> gpd.GeoDataFrame:
    """Rows at the point of their cluster."""
    return gpd.GeoDataFrame(table, geometry=points.reindex(table["origin"]).to_numpy(), crs=points.crs)


def _one_dimension(lines: gpd.GeoSeries) -> gpd.GeoSeries:
    """Lines that all have heights, not a number where none is known; a GIS layer cannot hold both sorts."""
    with_z = lines.has_z
    if with_z.all() or not with_z.any():
        return lines
    points, line = shapely.get_coordinates(lines.array, include_z=True, return_index=True)
    return gpd.GeoSeries(shapely.linestrings(points, indices=line), index=lines.index, crs=lines.crs)


def _write(layer: gpd.GeoDataFrame, path: Path, *, name: str) -> None:
    shapes = "geometry" in layer.columns
    frame = layer.reset_index()
    texts = [column for column in frame.columns if column != "geometry" and frame[column].dtype == object]
    frame[texts] = frame[texts].astype("string")  # a column without a single value is still text
    for rows in _portions(layer) if shapes else [slice(None)]:
        pyogrio.write_dataframe(
            frame.iloc[rows],
            path,
            layer=name,
            driver="GPKG",
            append=path.exists(),
            geometry_type=_geometry_type(layer) if shapes else None,
            promote_to_multi=False,
            layer_options={"SPATIAL_INDEX": "YES"} if shapes else {},
        )


def _portions(layer: gpd.GeoDataFrame) -> list[slice]:
    """Rows that are written together: their shapes are held twice meanwhile."""
    portion = np.cumsum(shapely.get_num_coordinates(layer.geometry.array)) // _POINTS
    first = np.append(0, np.flatnonzero(np.diff(portion)) + 1).tolist()
    return [slice(*ends) for ends in pairwise([*first, len(layer)])]


def _geometry_type(layer: gpd.GeoDataFrame) -> str:
    kinds = sorted(set(layer.geometry.geom_type))
    flat = kinds[0] if len(kinds) == 1 else "Unknown"
    return f"{flat} Z" if flat != "Unknown" and len(layer) and bool(layer.has_z.all()) else flat


# ------------------------------------------------------------------------------------------------ the yearly report


def changes_text(found: Comparison, *, standard: Standard, language: str) -> str:
    """What a comparison says, in a few sentences: who gains, who loses, the card, the facilities.

    Parameters
    ----------
    found : Comparison
        With the facts that `circle15 compare` adds: `before`, `after`, `services`.
    standard : Standard
        Names the services.
    language : str
        One of those that the standard is spoken of in.

    Returns
    -------
    str
        Plain sentences; people are rounded to whole numbers.
    """
    words, facts = Labels.of(standard).words[language], found.facts
    say, comma = words["report"], words["number"]["comma"]
    said = [say["between"].format(**_called(facts["before"], facts["after"], language, say))]
    if found.by == "unit":
        said.append(say["by_unit"])
    elif facts["gaining"] or facts["losing"]:
        said.append(say["people"].format(gaining=f"{facts['gaining']:,.0f}", losing=f"{facts['losing']:,.0f}"))
    else:
        said.append(say["nobody"])
    names = {one.key: one.name_in(language) for one in standard.services}
    figures = facts["services"]
    least = LEAST if found.by == "origin" else LEAST_SHARE * float(facts["people_after"])
    for sentence, figure, sign in _RANKED[found.by]:
        ranked = sorted(figures, key=lambda key: -sign * (figures[key][figure] or 0.0))
        listed = [key for key in ranked[:NAMED] if sign * (figures[key][figure] or 0.0) >= least]
        items = [say[found.by].format(service=names[key], **_amounts(facts, key, figure)) for key in listed]
        said += [say[sentence].format(services=comma.join(items))] if items else []
    turned = ("became_known", "known_served", "became_unknown")
    known, served, unknown = (sum(row[name] or 0.0 for row in figures.values()) for name in turned)
    if known >= LEAST or unknown >= LEAST:
        said.append(say["known"].format(known=f"{known:,.0f}", served=f"{served:,.0f}", unknown=f"{unknown:,.0f}"))
    cells = []
    for tier, turns in facts["cells"].items():
        moved = [say[turn].format(n=turns[turn]) for turn in ("up", "down") if turns.get(turn)]
        cells += [say["tier"].format(tier=words["tier"][tier], turns=comma.join(moved))] if moved else []
    said.append(say["cells"].format(tiers=words["number"]["semicolon"].join(cells)) if cells else say["no_cells"])
    places = [say[turn].format(n=n) for turn, n in facts["facilities"].items() if n]
    said += [say["facilities"].format(turns=comma.join(places))] if places else []
    said += [say["findings"].format(n=len(found.findings))] if found.findings else []
    text: str = say["space"].join(said)
    return text


_RANKED = {  # sentence, figure, sign
    "origin": (("most_gained", "gained", 1), ("most_lost", "lost", 1)),
    "unit": (("more_served", "net", 1), ("fewer_served", "net", -1)),
}


def _amounts(facts: Mapping[str, Any], key: str, figure: str) -> dict[str, str]:
    """People of one figure, and the shares served before and after."""
    row = facts["services"][key]
    shares = {when: row[f"served_{when}"] / max(facts[f"people_{when}"], LEAST) for when in ("before", "after")}
    return {"n": f"{abs(row[figure]):,.0f}"} | {when: f"{share:.1%}" for when, share in shares.items()}


def _called(
    before: Mapping[str, Any], after: Mapping[str, Any], language: str, say: Mapping[str, str]
) -> dict[str, str]:
    """How the two runs are called: by their scenarios and dates, and by their studies where these differ."""
    names = [str(run.get(f"name_{language}") or run["name"]) for run in (before, after)]
    called = []
    for run, name in zip((before, after), names, strict=True):
        scenario = say["scenario"].format(name=run["scenario"]) if run["scenario"] else say["as_it_is"]
        closed = [say["closed_by_hand"].format(ids=", ".join(run["closed_by_hand"]))] if run["closed_by_hand"] else []
        dated = say["run"].format(run=" ".join([scenario, *closed]), date=run["data_date"] or say["no_date"])
        called.append(dated if names[0] == names[1] else say["of"].format(name=name, run=dated))
    return {"name": " / ".join(dict.fromkeys(names)), "before": called[0], "after": called[1]}


# ---------------------------------------------------------------------------------------------------------- QGIS


@dataclass(frozen=True)
class _Symbol:
    """One way of drawing: `kind` is fill, line or marker; the options are QGIS's own names."""

    kind: str
    options: dict[str, str]


@dataclass(frozen=True)
class _Rule:
    """What is drawn how; the first column that decides is in the filter."""

    filter: str
    label: str
    symbol: _Symbol


def _palette() -> dict[str, dict[str, str]]:
    """The colours of the page."""
    return tomllib.loads((resources.files("circle15") / "labels" / "palette.toml").read_text(encoding="utf-8"))


def _legends(standard: Standard) -> Callable[..., str]:
    """Words of the legends, in the languages that the standard is spoken of in."""
    return partial(Labels.of(standard).joined, "gis")


def _rules(result: Result, name: str, standard: Standard) -> list[_Rule]:
    """The default style of a layer; none of what is not drawn."""
    palette, say = _palette(), _legends(standard)
    marks, base = palette["marks"], palette["base"]
    made: dict[str, Callable[[], list[_Rule]]] = {
        "isochrones": lambda: _isochrone_rules(result.isochrones, marks["isochrone"], say),
        "units": lambda: _unit_rules(result, palette["grades"], say),
        "origins": lambda: [_Rule("", say("homes"), _dot("#9aa1aa", 1.4))],
        "facilities": lambda: [
            _Rule(
                f"\"category\" = '{category.key}'", standard.label(category), _dot(_SHADES[place % 10], 2.6, "square")
            )
            for place, category in enumerate(standard.categories)
        ],
        "coverage": lambda: [
            _Rule("\"status\" = 'gap'", say("gap"), _dot(marks["gap"], 2.0)),
            _Rule("\"status\" = 'unknown'", say("unknown"), _dot("#ffffff", 1.8, edge=marks["unknown"])),
            _Rule("\"status\" = 'served'", say("served"), _dot(marks["served"], 1.0)),
        ],
        "gaps": lambda: _people_rules(marks["gap"], say),
        "step_free": lambda: _step_free_rules(palette["grades"], marks, say),
        "dependence": lambda: _people_rules(base["lift"], say),
        "links": lambda: [
            _Rule(f"\"kind\" = '{kind}'", kind, _line(*drawn)) for kind, drawn in _link_lines(base).items()
        ],
        "ground": lambda: _ground_rules(base, say),
    }
    return made[name]() if name in made else []


def _isochrone_rules(isochrones: gpd.GeoDataFrame, color: str, say: Callable[..., str]) -> list[_Rule]:
    """The widest first, so that the others lie on it."""
    widest_first = sorted(isochrones["minutes"].unique(), reverse=True)
    drawn = _area(color, edge=color, alpha=24)
    return [_Rule(f'"minutes" = {minutes:g}', say("minutes", n=f"{minutes:g}"), drawn) for minutes in widest_first]


def _unit_rules(result: Result, colors: dict[str, str], say: Callable[..., str]) -> list[_Rule]:
    """The lowest tier by the share of categories met; the tiers above as outlines."""
    tiers = [tier for tier in tables.TIERS if (result.units["tier"] == tier).any()]
    lowest = tiers[-1] if tiers else "district"
    bands = (("1", 0.0, 0.25), ("2", 0.25, 0.5), ("3", 0.5, 0.75), ("4", 0.75, 1.0))
    here = f"\"tier\" = '{lowest}'"
    rules = [
        _Rule(f'{here} AND "graded" > 0 AND "met" = "graded"', say("all_met"), _area(colors["5"])),
        *(
            _Rule(
                f'{here} AND "graded" > 0 AND "met" >= {low} * "graded" AND "met" < {high} * "graded"',
                say("met", low=f"{low:.0%}", high=f"{high:.0%}"),
                _area(colors[grade]),
            )
            for grade, low, high in reversed(bands)
        ),
        _Rule(f'{here} AND "graded" = 0', say("not_graded"), _area(colors["none"], style="b_diagonal")),
    ]
    return rules + [_Rule(f"\"tier\" = '{tier}'", tier, _area("#000000", style="no", width=0.7)) for tier in tiers[:-1]]


def _change_styles(found: Comparison, standard: Standard) -> dict[str, list[_Rule]]:
    """Units by the residents who gain less those who lose, homes and facilities by what becomes of them."""
    change, say = _palette()["change"], _legends(standard)
    tiers = [tier for tier in tables.TIERS if (found.units["tier"] == tier).any()]
    here, net, people = f"\"tier\" = '{tiers[-1]}'", '("gaining" - "losing")', '"people_after"'
    units = [_Rule(f'{here} AND "gaining" IS NULL', say("not_told"), _area(change["none"], style="b_diagonal"))]
    units.append(_Rule(f'{here} AND "gaining" = 0 AND "losing" = 0', say("no_change"), _area(change["0"])))
    touched = f'{here} AND ("gaining" > 0 OR "losing" > 0)'
    units.append(_Rule(f"{touched} AND {net} = 0", say("even"), _area(change["0"])))
    for sign, word in ((1, say("net_gain")), (-1, say("net_loss"))):
        for step, low, high in ((4, 0.5, None), (3, 0.2, 0.5), (2, 0.05, 0.2), (1, 0.0, 0.05)):
            least = f"{net} * {sign} > 0 AND {net} * {sign} >= {low} * {people}"
            most = "" if high is None else f" AND {net} * {sign} < {high} * {people}"
            label = f"{word} {low:.0%} - {high:.0%}" if high else f"{word} ≥ {low:.0%}"
            units.append(_Rule(f"{here} AND {least}{most}", label, _area(change[str(sign * step)])))
    units += [_Rule(f"\"tier\" = '{tier}'", tier, _area("#000000", style="no", width=0.7)) for tier in tiers[:-1]]
    dots = {
        "gained": (say("gained"), change["3"], 3.0, "circle"),
        "lost": (say("lost"), change["-3"], 3.0, "cross_fill"),
        "known": (say("became_known"), change["1"], 1.8, "circle"),
        "unknown": (say("became_unknown"), change["-1"], 1.8, "circle"),
        "shorter": (say("shorter"), change["2"], 1.4, "triangle"),
        "longer": (say("longer"), change["-2"], 1.4, "triangle"),
    }
    places = {
        "added": (say("added"), change["3"], 3.4, "square"),
        "closed": (say("closed"), change["-3"], 3.4, "cross_fill"),
        "moved": (say("moved"), "#14213d", 3.0, "diamond"),
        "resized": (say("resized"), "#14213d", 2.6, "square"),
    }
    return {
        "unit_changes": units,
        **{
            name: [
                _Rule(f"\"turn\" = '{turn}'", label, _dot(color, size, shape))
                for turn, (label, color, size, shape) in drawn.items()
            ]
            for name, drawn in (("origin_changes", dots), ("facility_changes", places))
        },
    }


def _people_rules(color: str, say: Callable[..., str]) -> list[_Rule]:
    steps = (0, 200, 500, 1000, 2000)
    sizes = (1.6, 2.4, 3.4, 4.6, 6.2)
    rules = []
    for place, low in reversed(list(enumerate(steps))):
        last = place + 1 == len(steps)
        upper = "" if last else f' AND "people" < {steps[place + 1]}'
        label = (
            say("people_most", low=f"{low:,}") if last else say("people", low=f"{low:,}", high=f"{steps[place + 1]:,}")
        )
        rules.append(_Rule(f'"people" >= {low}{upper}', label, _dot(color, sizes[place])))
    return rules


def _step_free_rules(colors: dict[str, str], marks: dict[str, str], say: Callable[..., str]) -> list[_Rule]:
    """How many times as long it is without steps; at the top the homes with no way at all."""
    bands = ((1.0, "5"), (1.2, "4"), (1.5, "3"), (2.0, "2"), (3.0, "1"))
    rules = [
        _Rule('"no_way" = 1', say("no_way"), _dot(marks["gap"], 3.0, "cross_fill")),
        _Rule('"no_way" = 0 AND "ratio" IS NULL', say("no_ratio"), _dot("#ffffff", 1.6, edge="#474d57")),
    ]
    for place, (low, color) in enumerate(bands):
        last = place + 1 == len(bands)
        least = f' AND "ratio" >= {low}' if place else ""
        most = "" if last else f' AND "ratio" < {bands[place + 1][0]}'
        label = (
            say("times_most", low=f"{low:g}") if last else say("times", low=f"{low:g}", high=f"{bands[place + 1][0]:g}")
        )
        rules.append(
            _Rule(f'"no_way" = 0 AND "ratio" IS NOT NULL{least}{most}', label, _dot(colors[color], 2.2, edge="#474d57"))
        )
    return rules


def _link_lines(base: dict[str, str]) -> dict[str, tuple[str, float, str]]:
    """Colour, width in millimetres and pen of every kind of link."""
    other = {"stairs": (base["stairs"], 0.6, "dot"), "escalator": (base["lift"], 0.8, "solid")}
    other |= {"lift": (base["lift"], 1.6, "solid"), "bridge": ("#50555e", 0.7, "solid")}
    other |= {"tunnel": (base["rail"], 0.5, "dash"), "street": (base["major"], 0.4, "solid")}
    return {kind: other.get(kind, (base["path"], 0.26, "solid")) for kind in tables.LINK_KINDS}


def _ground_rules(base: dict[str, str], say: Callable[..., str]) -> list[_Rule]:
    """Water and parks as areas or lines, rail as lines."""
    flat = "geometry_type($geometry) = 'Polygon'"
    words = {"water": say("water"), "park": say("park")}
    areas = [
        _Rule(f"\"kind\" = '{kind}' AND {flat}", label, _area(base[kind], edge=base[kind], alpha=255))
        for kind, label in words.items()
    ]
    lines = [
        _Rule(f"\"kind\" = '{kind}' AND NOT {flat}", label, _line(base[kind], 0.5, "solid"))
        for kind, label in (words | {"rail": say("rail")}).items()
    ]
    return areas + lines


def _rgba(color: str, alpha: int = 255) -> str:
    red, green, blue = (int(color[at : at + 2], 16) for at in (1, 3, 5))
    return f"{red},{green},{blue},{alpha}"


def _area(color: str, *, edge: str = "#1c2733", style: str = "solid", width: float = 0.2, alpha: int = 200) -> _Symbol:
    options = {"color": _rgba(color, alpha), "style": style, "outline_color": _rgba(edge), "outline_style": "solid"}
    return _Symbol("fill", options | {"outline_width": str(width), "outline_width_unit": "MM"})


def _line(color: str, width: float, pen: str) -> _Symbol:
    return _Symbol(
        "line", {"line_color": _rgba(color), "line_width": str(width), "line_style": pen, "line_width_unit": "MM"}
    )


def _dot(color: str, size: float, shape: str = "circle", *, edge: str = "#ffffff") -> _Symbol:
    options = {"name": shape, "color": _rgba(color), "size": str(size), "size_unit": "MM"}
    return _Symbol("marker", options | {"outline_color": _rgba(edge), "outline_width": "0.2", "outline_style": "solid"})


def _qml(rules: list[_Rule]) -> str:
    """A QGIS style: one rule per line of the legend, and its symbol."""
    kinds = {"fill": "SimpleFill", "line": "SimpleLine", "marker": "SimpleMarker"}
    listed = "".join(
        f'<rule key="r{place}" symbol="{place}" label={quoteattr(rule.label)} filter={quoteattr(rule.filter)}/>'
        for place, rule in enumerate(rules)
    )
    symbols = "".join(
        f'<symbol name="{place}" type="{rule.symbol.kind}" alpha="1" clip_to_extent="1" force_rhr="0">'
        f'<layer class="{kinds[rule.symbol.kind]}" enabled="1" locked="0" pass="0"><Option type="Map">'
        + "".join(
            f'<Option name="{name}" value={quoteattr(value)} type="QString"/>'
            for name, value in rule.symbol.options.items()
        )
        + "</Option></layer></symbol>"
        for place, rule in enumerate(rules)
    )
    return (
        f'<qgis version="3.28.0" styleCategories="Symbology"><renderer-v2 type="RuleRenderer" symbollevels="0" '
        f'forceraster="0" enableorderby="0"><rules key="root">{listed}</rules><symbols>{symbols}</symbols>'
        f"</renderer-v2><blendMode>0</blendMode></qgis>"
    )


def _add_styles(path: Path, styles: dict[str, list[_Rule]]) -> None:
    """Add to QGIS's own table of styles."""
    with contextlib.closing(sqlite3.connect(path)) as file, file:
        file.execute("PRAGMA synchronous = OFF")
        file.execute(
            "CREATE TABLE IF NOT EXISTS layer_styles (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, "
            "f_table_catalog TEXT(256), f_table_schema TEXT(256), f_table_name TEXT(256), f_geometry_column TEXT(256), "
            "styleName TEXT(30), styleQML TEXT, styleSLD TEXT, useAsDefault BOOLEAN, description TEXT, owner TEXT(30), "
            "ui TEXT(30), update_time DATETIME)"
        )
        file.executemany(
            "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, styleName, "
            "styleQML, styleSLD, useAsDefault, description, owner, update_time) "
            "VALUES ('', '', ?, 'geom', ?, ?, '', 1, ?, '', ?)",
            [(layer, layer, _qml(rules), escape(f"circle15 {layer}"), _WHEN) for layer, rules in styles.items()],
        )
        file.execute(
            "INSERT OR IGNORE INTO gpkg_contents (table_name, data_type, identifier, description, last_change, srs_id) "
            "VALUES ('layer_styles', 'attributes', 'layer_styles', '', ?, 0)",
            (_WHEN,),
        )
