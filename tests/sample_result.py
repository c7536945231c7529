"""A small made-up city, seeded, for tests of the page and of the GIS package; nothing here describes a real place."""

from __future__ import annotations

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS

from circle15 import assessment
from circle15.project import Standard
from circle15.tables import (
    COMPLETENESS,
    COVERAGE,
    DEPENDENCE,
    FACILITIES,
    GAPS,
    GRADES,
    GROUND,
    GROUPS,
    HOUSING,
    ISOCHRONES,
    ORIGINS,
    PROJECTS,
    STEP_FREE,
    STREETS,
    SURVEY,
    TERRAIN,
    UNITS,
    WALKERS,
    Coverage,
    Judgement,
    Result,
    StudyArea,
)

CRS_STUDY = CRS("EPSG:32648")
EAST, NORTH = 652_000.0, 3_271_000.0
LENGTH = 5200.0
HOSTILE = (
    "<img src=x onerror=\"document.title='hacked'\">",
    "</script><script>document.title='hacked'</script>",
    "\"quotes\" 'and' `ticks` & {{ braces }}",
    "\u202e右起左行的名字",
)
CATEGORIES = (
    ("childcare", "托育服务", "Childcare", ("托育点", "幼儿园托班")),
    ("education", "教育学习", "Schools", ("幼儿园", "小学")),
    ("elderly_care", "养老服务", "Elderly care", ("社区养老服务站", "养老服务中心")),
    ("health", "医疗卫生", "Medical care", ("社区卫生服务站", "社区卫生服务中心", "药店")),
    ("dining", "社区助餐", "Community meals", ("社区食堂", "助餐点")),
    ("culture", "文化学习", "Culture", ("社区文化活动室", "图书馆")),
    ("sports", "体育健身", "Sports", ("室外健身点", "球场")),
    ("green", "公园绿地与公共空间", "Parks", ("社区游园", "综合公园")),
    ("commerce", "便民商业", "Everyday shops", ("便利店", "菜市场")),
    ("civic", "社区综合服务与就业创业", "Community services", ("社区服务站", "综合服务体")),
    ("mobility", "便捷出行", "Getting around", ("公交站", "轨道站出入口")),
)


def sample_standard() -> Standard:
    """Eleven categories of two or three services; the last of each is of quality, not basic."""
    return Standard.model_validate(
        {
            "name": "sample",
            "title_zh": "示例标准（测试用）",
            "title_en": "Sample standard (for tests)",
            "authority_zh": "本项目自拟",
            "authority_en": "the project's own reading",
            "grades": [
                {"grade": grade, "zh": zh, "en": en, "coverage": share}
                for grade, zh, en, share in (
                    (5, "优", "Excellent", 0.95),
                    (4, "良", "Good", 0.9),
                    (3, "中", "Fair", 0.75),
                    (2, "弱", "Weak", 0.5),
                    (1, "缺", "Poor", 0.0),
                )
            ],
            "categories": [
                {
                    "key": key,
                    "zh": zh,
                    "en": en,
                    "services": [
                        {
                            "category": key,
                            "key": f"{key}_{place}",
                            "zh": service,
                            "en": f"{en} {place + 1}",
                            "tier": "community",
                            "need": "basic" if place == 0 or place + 1 < len(services) else "quality",
                            "minutes": (10, 15, 5)[place],
                            "basis": "made up",
                        }
                        for place, service in enumerate(services)
                    ],
                }
                for key, zh, en, services in CATEGORIES
            ],
            "special_circles": [{"key": "C1", "zh": "健康圈", "en": "Health", "categories": ["health", "dining"]}],
            "built": {"tier": "subdistrict", "grade": 4, "share": 0.9, "basis": "made up"}
            | {"targets": [{"due": "2027", "circles": 3}]},
        }
    )


def _bank(x: np.ndarray, *, north: bool) -> np.ndarray:
    """The two rivers leave a peninsula that narrows to the east; x and y in metres."""
    middle = 260 * np.sin(x / 1500)
    half = (1150 - 0.15 * x) * np.sqrt(np.clip(1 - ((x - 700) / (LENGTH - 650)) ** 4, 0, 1))
    return middle + half if north else middle - half


def _at(x: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Points between the south bank (t = 0) and the north bank (t = 1), in the study CRS."""
    south, north = _bank(x, north=False), _bank(x, north=True)
    return np.column_stack([EAST + x, NORTH + south + t * (north - south)])


def _strip(x0: float, x1: float, t0: float = 0.0, t1: float = 1.0) -> shapely.Polygon:
    x = np.linspace(x0, x1, 24)
    return shapely.Polygon(np.vstack([_at(x, np.full(24, t0)), _at(x[::-1], np.full(24, t1))]))


def _units(communities: int) -> gpd.GeoDataFrame:
    cuts = np.linspace(0, LENGTH - 60, communities + 1)
    half = communities // 2 + communities % 2
    rows = [("D", "样例区", "district", None, _strip(0, cuts[-1]))]
    for place, (first, last) in enumerate(((0, half), (half, communities))):
        rows.append(
            (f"S{place}", ("临江街道", "上半城街道")[place], "subdistrict", "D", _strip(cuts[first], cuts[last]))
        )
    for one in range(communities):
        name = (*HOSTILE[3:], "石梯社区", "朝阳社区")[one % 3] if one < 3 else f"示例社区{one}"
        rows.append((f"C{one:02d}", name, "community", f"S{int(one >= half)}", _strip(cuts[one], cuts[one + 1])))
    frame = gpd.GeoDataFrame(
        rows, columns=["unit", "name", "tier", "parent", "geometry"], geometry="geometry", crs=CRS_STUDY
    ).set_index("unit")
    return frame.assign(population=np.nan, source="made up")[UNITS.names]


def _streets(columns: int, rows: int) -> gpd.GeoDataFrame:
    """Roads along the slope, and steps, streets and paths across it."""
    across, along = np.meshgrid(np.linspace(0.04, 0.96, rows), np.linspace(40, LENGTH - 120, columns))
    nodes = _at(along.ravel(), across.ravel()).reshape(columns, rows, 2)
    number = np.arange(columns * rows).reshape(columns, rows)
    pieces = []
    for column in range(columns):
        for row in range(rows):
            if column + 1 < columns:
                highway = "primary" if row == rows // 2 else "residential"
                pieces.append((number[column, row], number[column + 1, row], "street", highway))
            if row + 1 < rows:
                kind = ("stairs", "path", "street")[(column * 7 + row * 3) % 3]
                highway = {"stairs": "steps", "path": "footway", "street": "residential"}[kind]
                pieces.append((number[column, row], number[column, row + 1], kind, highway))
    pieces[3] = (*pieces[3][:2], "escalator", "steps")
    pieces[5] = (*pieces[5][:2], "bridge", "residential")
    flat = nodes.reshape(-1, 2)
    pieces.append((number[2, 1], number[2, 1], "lift", None))
    ends = np.array([piece[:2] for piece in pieces])
    frames = []
    for way, sign in ((0, ">"), (1, "<")):
        start, end = ends[:, way], ends[:, 1 - way]
        frame = pd.DataFrame({name: None for name in STREETS.names if name != "geometry"}, index=range(len(pieces)))
        frame["piece"] = [f"way/{one}#0" for one in range(len(pieces))]
        frame["osm_id"] = [f"way/{one}" for one in range(len(pieces))]
        frame["from_node"], frame["to_node"] = start, end
        frame["length_m"] = np.hypot(*(flat[end] - flat[start]).T)
        frame["rise_m"] = np.nan
        frame["kind"] = [piece[2] for piece in pieces]
        frame["highway"] = [piece[3] for piece in pieces]
        frame["steps"] = np.nan
        frame["access"], frame["evidence"], frame["at_edge"] = "open", "default", False
        frame["link"] = frame["piece"] + sign
        middle = (flat[start] + flat[end]) / 2 + np.where(start == end, 0, 12)[:, None]
        frame["geometry"] = [shapely.LineString(line) for line in np.stack([flat[start], middle, flat[end]], axis=1)]
        frames.append(frame)
    whole = pd.concat(frames, ignore_index=True).set_index("link")
    return gpd.GeoDataFrame(whole, geometry="geometry", crs=CRS_STUDY)[STREETS.names]


def _coverage(origins: gpd.GeoDataFrame, standard: Standard, rng: np.random.Generator) -> pd.DataFrame:
    """Minutes grow along the peninsula and from category to category, so that every grade occurs."""
    services = standard.services
    x = (origins.geometry.x.to_numpy() - EAST) / LENGTH
    columns = []
    for place, service in enumerate(services):
        level = (
            ("childcare", "education", "health", "mobility", "sports").index(service.category)
            if (service.category in ("childcare", "education", "health", "mobility", "sports"))
            else place % 5
        )
        minutes = service.minutes * (0.15 + 0.16 * level + 0.42 * x * level / 2) * rng.uniform(0.55, 1.35, len(x))
        found = minutes <= 40
        status = np.where(minutes <= service.minutes, "served", "gap").astype(object)
        why = np.full(len(x), "", dtype=object)
        if service.category == "elderly_care":
            lost = (status == "gap") | (x < 0.4)
            status[lost], why[lost] = "unknown", "inventory"
        columns.append(
            pd.DataFrame(
                {
                    "origin": origins.index,
                    "category": service.category,
                    "service": service.key,
                    "status": status,
                    "why": why,
                    "minutes": np.where(found, minutes, np.nan),
                    "opportunities": np.where(status == "served", rng.integers(1, 5, len(x)), 0),
                    "cutoff_minutes": service.minutes,
                }
            )
        )
    table = pd.concat(columns, ignore_index=True)
    table.index = pd.Index(table["origin"] + ":" + table["service"], name=COVERAGE.index)
    return table[COVERAGE.names]


def _found(table: pd.DataFrame, origins: gpd.GeoDataFrame, standard: Standard) -> Coverage:
    """The table as frames, origins by services."""
    keys = [service.key for service in standard.services]
    frames = {
        name: table.pivot_table(index="origin", columns="service", values=name, aggfunc="first", dropna=False)
        for name in ("minutes", "opportunities", "status", "why")
    }
    frames = {name: frame.reindex(index=origins.index, columns=keys) for name, frame in frames.items()}
    return Coverage(60 * frames["minutes"], *(frames[name] for name in ("opportunities", "status", "why")), 45.0)


def _grades(
    origins: gpd.GeoDataFrame, units: gpd.GeoDataFrame, coverage: pd.DataFrame, standard: Standard
) -> pd.DataFrame:
    """The card, written the plain way: cell by cell."""
    status = coverage.pivot_table(index="origin", columns="service", values="status", aggfunc="first").loc[
        origins.index
    ]
    parents = units["parent"].to_dict()
    chain = {unit: {unit, parents[unit], parents.get(parents[unit])} for unit in units.index}
    rows = []
    for unit in units.index:
        inside = origins.index[[unit in chain[one] for one in origins["unit"]]]
        for category in standard.categories:
            people = {"strict": dict.fromkeys(("served", "gap", "unknown"), 0.0)}
            people["lenient"] = dict(people["strict"])
            for origin in inside:
                basic = {status.loc[origin, one.key] for one in category.services if one.need == "basic"}
                every = {status.loc[origin, one.key] for one in category.services}
                strict = next(one for one in ("gap", "unknown", "served") if one in basic)
                lenient = next(one for one in ("served", "unknown", "gap") if one in every)
                people["strict"][strict] += origins.loc[origin, "population"]
                people["lenient"][lenient] += origins.loc[origin, "population"]
            row = {"row": f"{unit}:{category.key}", "unit": unit, "category": category.key}
            row["people"] = sum(people["strict"].values())
            for reading, suffix in (("strict", ""), ("lenient", "_lenient")):
                row |= {f"{state}{suffix}": count for state, count in people[reading].items()}
                said = people[reading]["served"] + people[reading]["gap"]
                graded = said > 0 and said >= 0.5 * row["people"]
                row[f"grade{suffix}"] = standard.grade(people[reading]["served"] / said) if graded else pd.NA
            rows.append(row)
    frame = pd.DataFrame(rows).set_index("row")
    place = np.arange(len(frame))
    frame["grade_coverage"], frame["grade_supply"] = frame["grade"], pd.NA  # judged by coverage alone
    frame["judged_by"] = np.where(frame["grade"].notna(), "coverage", "")
    frame["flips"] = np.where(place % 7 == 3, 0.5, np.where(place % 7 == 5, 1 / 3, 0.0))
    grades = ("grade", "grade_lenient", "grade_coverage", "grade_supply")
    return frame.astype(dict.fromkeys(grades, "Int64"))[GRADES.names]


def _completeness(units: gpd.GeoDataFrame, standard: Standard) -> pd.DataFrame:
    """Too few of elderly care everywhere, one category listed in full, nothing expected of another."""
    rows = []
    for unit, tier in units["tier"].items():
        for place, service in enumerate(standard.services):
            known = service.category != "elderly_care"
            expected = {"mobility": np.nan}.get(service.category, 12.0 if tier == "district" else 2.4)
            found = place % 5 + 6 if known else place % 3
            rows.append(
                {
                    "row": f"{unit}:{service.key}",
                    "unit": unit,
                    "category": service.category,
                    "service": service.key,
                    "found": found,
                    "expected": expected,
                    "share": found / expected,
                    "known": known,
                    "judged_by": "table" if service.category == "dining" else "D",
                }
            )
    return pd.DataFrame(rows).set_index("row")[COMPLETENESS.names]


def _survey(units: gpd.GeoDataFrame, standard: Standard) -> pd.DataFrame:
    """Subdistricts alone were asked, of all but the last category."""
    rows = [
        (f"{unit}:{category.key}", unit, category.key, 40 + 10 * place, 1.5 + place * 0.3, (0.5 + place * 0.3) / 4)
        for unit in units.index[units["tier"] == "subdistrict"]
        for place, category in enumerate(standard.categories[:-1])
    ]
    return pd.DataFrame(rows, columns=["row", *SURVEY.names]).set_index("row")


def _gaps(origins: gpd.GeoDataFrame, coverage: pd.DataFrame, standard: Standard) -> pd.DataFrame:
    rows = coverage[coverage["status"] == "gap"].copy()
    rows["unit"] = origins.loc[rows["origin"], "unit"].to_numpy()
    rows["people"] = origins.loc[rows["origin"], "population"].to_numpy()
    rows["need"] = [standard.service(key).need for key in rows["service"]]
    nearby = np.where(rows["minutes"] < 1.3 * rows["cutoff_minutes"], "terrain", "far")
    rows["cause"] = np.where(rows["minutes"].isna(), "none", nearby)
    rows.index = rows.index.rename(GAPS.index)
    return rows.sort_values(["people", "origin", "service"], ascending=[False, True, True])[GAPS.names]


def _walkers(grades: pd.DataFrame, standard: Standard) -> pd.DataFrame:
    """An older walker loses a tenth or a third of those served; without hills half of the gap is gone."""
    tables = []
    for walker in ("adult", "older_75", "level"):
        card = grades[["unit", "category", "served", "gap", "unknown", "grade"]].copy()
        if walker != "adult":
            share = np.where(np.arange(len(card)) % 3 == 0, 0.3, 0.1)
            moved = card["served"] * share if walker == "older_75" else -card["gap"] / 2
            card["served"], card["gap"] = card["served"] - moved, card["gap"] + moved
            part = card["served"] / (card["served"] + card["gap"])
            card["grade"] = pd.array(
                [
                    pd.NA if missing else standard.grade(one)
                    for one, missing in zip(part, grades["grade"].isna(), strict=True)
                ],
                dtype="Int64",
            )
        card["walker"], card["change"] = walker, card["grade"] - grades["grade"]
        tables.append(card.set_axis(grades.index + f":{walker}"))
    return pd.concat(tables).rename_axis(WALKERS.index)[WALKERS.names]


def _dependence(standard: Standard) -> gpd.GeoDataFrame:
    """Fourteen elements; each would cost one or two services of a category, the first of all categories."""
    kinds = ("escalator", "lift", "stairs", "bridge")
    names = (*HOSTILE, "皇冠大扶梯", None)
    rows = []
    for one in range(14):
        category = standard.categories[4 if one < 11 else 3]
        for place, service in enumerate(category.services[: 1 + one % 2]):
            rows.append(
                {
                    "row": f"way/{900 + one}:{service.key}",
                    "osm_id": HOSTILE[1] if one == 2 else f"way/{900 + one}",
                    "kind": kinds[one % 4],
                    "name": names[one % len(names)],
                    "service": service.key,
                    "people": 1500.0 - 100 * one - 30 * place,
                    "origins": 15 - one,
                    "geometry": shapely.Point(_at(np.array([500.0 + 300 * one]), np.array([0.5]))[0]),
                }
            )
    frame = gpd.GeoDataFrame(rows, geometry="geometry", crs=CRS_STUDY).set_index(DEPENDENCE.index)
    order = frame["people"].to_numpy().argsort(kind="stable")[::-1]
    return frame.iloc[order][DEPENDENCE.names]


def _step_free(origins: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    place = np.arange(len(origins))
    no_way = place % 5 == 2
    table = {
        "population": origins["population"].to_numpy(),
        "ratio": np.where(no_way, np.nan, 1 + (place % 9) / 5),
        "reached": 12,
        "reached_step_free": np.where(no_way, 0, 12 - place % 9),
        "no_way": no_way,
    }
    return gpd.GeoDataFrame(table, index=origins.index, geometry=origins.geometry)[STEP_FREE.names]


def _isochrones(origins: gpd.GeoDataFrame, land: shapely.Polygon, rng: np.random.Generator) -> gpd.GeoDataFrame:
    turn = np.linspace(0, 2 * np.pi, 90, endpoint=False)
    rows = []
    for origin, point in origins.geometry.items():
        wobble = 1 + 0.18 * np.sin(3 * turn + rng.uniform(0, 6)) + 0.1 * np.sin(11 * turn) + rng.uniform(0, 0.08, 90)
        for minutes in (5.0, 10.0, 15.0):
            reach = 62 * minutes * wobble
            ring = np.column_stack([point.x + reach * np.cos(turn), point.y + 0.8 * reach * np.sin(turn)])
            shape = shapely.Polygon(ring).buffer(0).intersection(land)
            if minutes > 12:
                shape = shape.difference(shapely.Point(point.x + 380, point.y + 60).buffer(70))
            rows.append((f"{origin}:{minutes:g}", origin, minutes, 900.0 * minutes, shape))
    frame = gpd.GeoDataFrame(rows, columns=["row", *ISOCHRONES.names], geometry="geometry", crs=CRS_STUDY)
    return frame.set_index("row")


def _judgement(result: Result, standard: Standard) -> Judgement:
    """What can be judged of this city without walking through it."""
    found = result.found
    here = (result.origins, result.units)
    built = assessment.circles(result.grades, found, *here, standard=standard)
    people = assessment.demand(result.origins, result.groups)
    return Judgement(
        supply=assessment.supply_table(found, *here, standard=standard, completeness=result.completeness),
        circles=built,
        targets=assessment.targets(built, standard=standard),
        views=assessment.views(found, *here, standard=standard),
        equity=assessment.equity(found, result.origins, standard=standard, people=people),
        quadrant=assessment.quadrant(result.grades, result.survey, standard=standard),
    )


def sample_result(*, clusters: int = 60, communities: int = 3, columns: int = 30, rows: int = 9) -> Result:
    """Make the city; the same arguments give the same city."""
    rng = np.random.default_rng(15)
    standard = sample_standard()
    units = _units(communities)
    land = units.geometry.loc["D"]
    x, t = rng.uniform(120, LENGTH - 300, clusters), rng.uniform(0.08, 0.92, clusters)
    points = gpd.GeoSeries(gpd.points_from_xy(*_at(x, t).T), crs=CRS_STUDY)
    lowest = units[units["tier"] == "community"]
    where = gpd.sjoin_nearest(gpd.GeoDataFrame(geometry=points), lowest[["geometry"]]).groupby(level=0)["unit"].first()
    origins = gpd.GeoDataFrame(
        {
            "population": np.rint(rng.lognormal(6.0, 0.8, clusters)),
            "unit": where.to_numpy(),
            "buildings": rng.integers(1, 20, clusters),
            "floor_area_m2": np.nan,
            "height_m": np.where(rng.random(clusters) < 0.9, 180 + 120 * np.sin(np.pi * t), np.nan),
            "span_m": 120.0,
            "evidence": np.where(rng.random(clusters) < 0.7, "tag", "plain"),
        },
        geometry=points.to_numpy(),
        crs=CRS_STUDY,
        index=pd.Index([f"H{one:04d}" for one in range(clusters)], name=ORIGINS.index),
    )[ORIGINS.names]
    coverage = _coverage(origins, standard, rng)
    grades = _grades(origins, units, coverage, standard)
    ground = gpd.GeoDataFrame(
        {"kind": ["water", "park", "park", "rail"]},
        geometry=[
            shapely.box(EAST - 3000, NORTH - 4000, EAST + 9000, NORTH + 4000)
            .difference(land.buffer(60))
            .difference(shapely.box(EAST - 3000, NORTH - 4000, EAST, NORTH + 4000))
            .intersection(land.buffer(650)),
            _strip(900, 1500, 0.55, 0.85),
            _strip(3300, 3600, 0.1, 0.45),
            shapely.LineString(_at(np.linspace(0, LENGTH - 200, 40), np.full(40, 0.3))),
        ],
        crs=CRS_STUDY,
        index=pd.Index(["g1", "g2", "g3", "g4"], name=GROUND.index),
    )
    made = Result(
        area=StudyArea("样例区", land, CRS_STUDY, margin_m=800),
        units=units,
        origins=origins,
        groups=GROUPS.empty(),
        housing=HOUSING.empty(),
        facilities=_facilities(standard, rng),
        completeness=_completeness(units, standard),
        survey=_survey(units, standard),
        found=_found(coverage, origins, standard),
        coverage=coverage,
        grades=grades,
        gaps=_gaps(origins, coverage, standard),
        walkers=_walkers(grades, standard),
        terrain=TERRAIN.empty(),
        dependence=_dependence(standard),
        step_free=_step_free(origins),
        isochrones=_isochrones(origins, land, rng),
        streets=_streets(columns, rows),
        ground=ground,
        facts={
            "name": "样例半岛",
            "name_en": "Sample peninsula",
            "data_date": "2026-11-01",
            "synthetic": True,
            "attribution": "合成数据，无来源",
            "note": "",
            "walker_zh": "成年人",
            "walker_en": "Adult",
            "walker_key": "adult",
            "walkers": [
                {"key": "adult", "zh": "成年人", "en": "Adult"},
                {"key": "older_75", "zh": "老年人（75 岁及以上）", "en": "Older (75+)"},
                {"key": "level", "zh": "平地", "en": "Level"},
            ],
            "standard_key": "sample",
            "units_from": "file units.geojson",
            "population": float(origins["population"].sum()),
            "isochrone_minutes": [5.0, 10.0, 15.0],
            "search_minutes": 45.0,
            "version": "0.1.0",
        },
    )
    return replace(made, judgement=_judgement(made, standard))


def _facilities(standard: Standard, rng: np.random.Generator) -> gpd.GeoDataFrame:
    rows = []
    for place, service in enumerate(standard.services):
        for one in range(6):
            x = rng.uniform(200, LENGTH - 500, 1)
            middle = _at(x, rng.uniform(0.1, 0.9, 1))[0]
            gates = [middle, middle + np.array([60, 25]), middle + np.array([-40, 45])] if one == 0 else [middle]
            name = HOSTILE[one] if one < len(HOSTILE) else f"{service.names['zh']}{one}号"
            rows.append(
                {
                    "facility": f"F{place:02d}-{one}",
                    "place": f"P{place:02d}-{one}",
                    "category": service.category,
                    "service": service.key,
                    "tier": service.tier,
                    "name": None if one == 5 else name,
                    "capacity": np.nan,
                    "floor_area_m2": np.nan,
                    "source": HOSTILE[0] if one == 1 else "made up",
                    "verified": one % 2 == 0,
                    "entrance_from": "gate" if one == 0 else "point",
                    "geometry": shapely.MultiPoint(gates),
                }
            )
    frame = gpd.GeoDataFrame(rows, geometry="geometry", crs=CRS_STUDY).set_index("facility")
    return frame[FACILITIES.names]


def sample_projects(result, names):
    """A project list with these names, three near-term and the rest in reserve, at the first homes."""
    places = result.origins.geometry.iloc[: len(names)].to_crs(4326)
    categories = (["health", "dining", "dining", "green", "health", "culture"] * len(names))[: len(names)]
    services = {one.key: one.services[0].key for one in sample_standard().categories}
    words = {
        "need": "yes",
        "basis": "yes",
        "equipment": "unknown",
        "place": "no",
        "step_free": "unknown",
        "year": "2027",
    }
    table = pd.DataFrame(
        {
            "rank": range(1, len(names) + 1),
            "phase": ["near"] * 3 + ["reserve"] * (len(names) - 3),
            **words,
            "site": [f"vacant/{number}" for number in range(len(names))],
            "name": names,
            "unit": result.origins["unit"].iloc[: len(names)].to_numpy(),
            "category": categories,
            "service": [services[one] for one in categories],
            "people": [5000.4 - 1000 * number for number in range(len(names))],
            "cumulative": 0.0,
            "by_group": "60+ 900",
            "room_m2": 200.0,
            "cost": np.nan,
            "cost_unit": "万元",
            "cost_class": "unknown",
            "owner": None,
            "operator": None,
            "budget_line": None,
            "cells": names,
            "evidence": [f"{name} | {name}" for name in names],
            "lon": places.x.to_numpy(),
            "lat": places.y.to_numpy(),
        }
    )
    table.index = pd.Index(table["site"] + ":" + table["service"], name=PROJECTS.index, dtype=object)
    PROJECTS.check(table, where="sample projects")
    return table[PROJECTS.names]
