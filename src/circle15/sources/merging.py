"""One row per real place: facilities from OSM and from several inventories joined, with a list of what was merged."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from rapidfuzz import fuzz

from circle15.sources.files import texts
from circle15.tables import FACILITIES

if TYPE_CHECKING:
    from numpy.typing import NDArray

SAME_PLACE_M = 60.0
DOUBT_M = 150.0  # so far apart, two like names of one service are worth a look
SURE, DOUBTFUL = 0.8, 0.6  # likeness of names
SURE_ACROSS_SERVICES = 0.95  # 社区食堂 and 助餐点 are two services, one house may be listed as either
PART_OF = 0.9  # a name that is wholly in the other, such as 大坪 in 大坪正街
APART = 0.5  # at most, where numbers, branches or sorts disagree
MOST_LETTERS = 100  # of a name are compared: the work grows with the square
MERGED_COLUMNS = ("kept", "dropped", "distance_m", "similarity", "verdict")

BRACKETS = re.compile(r"[(\[【〔<《「](.*?)[)\]】〕>》」]")
NO_DISTRICT = "社小校园院厂库超夜集门菜"  # 小区, 校区, 超市 ... are no districts
DISTRICT = re.compile(
    rf"^(?:[\u4e00-\u9fff]{{2,3}}(?<![{NO_DISTRICT}])[省市])?(?:[\u4e00-\u9fff]{{2,3}}(?<![{NO_DISTRICT}])[区县])?"
)
DIGITS = str.maketrans("一二三四五六七八九", "123456789")
NUMBERS = re.compile(r"[0-9十百]+|(?<![a-z])[a-z](?=区|栋|座|馆|$)")
SORT = re.compile(
    "诊所|门诊|(?<!社区)医院|药房|药店|派出所|警务室|幼儿园|小学|中学|球场|超市|便利店|宾馆|公司"
)  # a clinic is no health station
KIND = re.compile(
    "社区|街道|卫生服务|养老服务|居家养老|便民服务|党群服务|就业|创业|文化活动|综合文化|综合服务体|文化|活动|综合|服务|老年|日间照料|照料|"
    "照护|敬老|养老|卫生|幼儿|托育|托幼|食堂|餐厅|助餐|老年大学|教学|健身|公共|办事|图书|公园|公厕|厕所|卫生间|医院|诊所|门诊|"
    "中心|站|点|处|部|室|馆|院|园|所"
)


def merge_places(osm: gpd.GeoDataFrame, inventory: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Join facilities from OSM with the planner's own, so that each place counts once.

    The first half of what `merges` returns.

    Parameters
    ----------
    osm, inventory : GeoDataFrame
        tables.FACILITIES in one CRS. They are not changed.

    Returns
    -------
    GeoDataFrame
        tables.FACILITIES: the rows of OSM that are left, then the inventory.

    Raises
    ------
    DataError
        When ids repeat.
    """
    return merges(osm, inventory)[0]


def merges(osm: gpd.GeoDataFrame, inventory: gpd.GeoDataFrame) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    """Join facilities from OSM with one or several inventories, and say what was taken for the same place.

    Two rows are one place when they offer one service, lie within 60 m and have like names (`name_likeness` of 0.8 or
    more, or one of them in OSM has no name of its own); with two services of one category, the names have to be
    practically equal. The inventory wins over OSM, and an earlier inventory over a later one. A place of the inventory
    that is one point takes the entrances of the OSM row that it replaces. Rows of one source are never merged.

    Parameters
    ----------
    osm : GeoDataFrame
        tables.FACILITIES from OSM.
    inventory : GeoDataFrame
        tables.FACILITIES of one or several inventories, one after another, told apart by `source`; in the same CRS.

    Returns
    -------
    facilities : GeoDataFrame
        tables.FACILITIES: the rows of OSM that are left, then those of the inventories.
    table : DataFrame
        Columns kept and dropped (facility ids), distance_m (between the entrances, or from within their outline),
        similarity (0 to 1) and verdict: ``merged``, or ``doubt`` for two rows that both stay and that somebody should
        look at: like names up to 150 m apart, or names half alike within 60 m.

    Raises
    ------
    DataError
        When ids repeat.
    """
    rows = pd.concat([part for part in (inventory, osm) if len(part)] or [inventory])[FACILITIES.names]
    ranks = {source: rank for rank, source in enumerate(dict.fromkeys(inventory["source"]))}
    rank = np.concatenate([inventory["source"].map(ranks).to_numpy(dtype=int), np.full(len(osm), len(ranks))])
    FACILITIES.check(gpd.GeoDataFrame(rows, crs=inventory.crs).rename_axis(FACILITIES.index))
    pairs = _judged(rows, rank, first_osm=len(ranks))
    sure = pairs[pairs["verdict"] == "merged"]
    best, gone = _settled(sure)
    shapes, rungs = _entrances(rows, best[rank[best["dropped"]] == len(ranks)])
    rows = rows.assign(geometry=shapes, entrance_from=rungs)
    stays = ~np.isin(np.arange(len(rows)), list(gone))
    order = np.concatenate([np.arange(len(inventory), len(rows)), np.arange(len(inventory))])
    facilities = gpd.GeoDataFrame(rows.iloc[order[stays[order]]], crs=inventory.crs).rename_axis(FACILITIES.index)
    doubts = pairs[(pairs["verdict"] == "doubt") & ~pairs["kept"].isin(gone) & ~pairs["dropped"].isin(gone)]
    table = pd.concat([best, doubts]).sort_values(["verdict", "kept", "dropped"], ascending=[False, True, True])
    ids = rows.index.to_numpy()
    table = table.assign(kept=ids[table["kept"]], dropped=ids[table["dropped"]])
    return facilities, table.reset_index(drop=True)[list(MERGED_COLUMNS)]


def _judged(rows: pd.DataFrame, rank: NDArray[np.int64], *, first_osm: int) -> pd.DataFrame:
    """Pairs of positions that are the same place or might be; `kept` is of the better source."""
    # an area entered at gates is as near as its outline: the planner's point is often in the middle
    outlines = shapely.convex_hull(rows.geometry.to_numpy())
    one, other = shapely.STRtree(outlines).query(outlines, predicate="dwithin", distance=DOUBT_M)
    across = rank[one] < rank[other]
    category, service = rows["category"].to_numpy(), rows["service"].to_numpy()
    one, other = (side[across & (category[one] == category[other])] for side in (one, other))
    names = texts(rows["name"]).to_numpy()
    apart = shapely.distance(outlines[one], outlines[other])
    alike = np.array([name_likeness(names[a], names[b]) for a, b in zip(one, other, strict=True)], dtype=float)
    whole = np.array([_whole_likeness(names[a], names[b]) for a, b in zip(one, other, strict=True)], dtype=float)
    bare = np.array([names[a] is None or not _stem(names[a]) for a in other], dtype=bool) & (rank[other] == first_osm)
    same = service[one] == service[other]
    near = apart <= SAME_PLACE_M
    sure = near & np.where(same, (alike >= SURE) | bare, whole >= SURE_ACROSS_SERVICES)
    doubt = ~sure & np.where(same, (alike >= SURE) | (near & (alike >= DOUBTFUL)), near & (alike >= SURE))
    doubt |= ~sure & same & near & np.array([names[a] is None for a in one], dtype=bool)
    pairs = pd.DataFrame({"kept": one, "dropped": other, "distance_m": apart.round(1), "similarity": alike.round(3)})
    pairs["verdict"] = np.where(sure, "merged", "doubt")
    judged: pd.DataFrame = pairs[sure | doubt]
    return judged


def _settled(sure: pd.DataFrame) -> tuple[pd.DataFrame, set[int]]:
    """The one row that stands for each dropped row: of those that stay, the likest, then the nearest."""
    gone: set[int] = set()
    chosen = []
    ordered = sure.sort_values(["similarity", "distance_m", "kept"], ascending=[False, True, True], kind="stable")
    # rows are numbered from the best source to OSM, so a row's own fate is known before it can replace another
    for dropped in np.unique(sure["dropped"].to_numpy(dtype=int)).tolist():
        pairs = ordered[ordered["dropped"] == dropped]
        standing = pairs[~pairs["kept"].isin(gone)]
        if len(standing):
            gone.add(dropped)
            chosen.append(standing.iloc[:1])
    return (pd.concat(chosen) if chosen else sure.iloc[:0]), gone


def _entrances(rows: pd.DataFrame, best: pd.DataFrame) -> tuple[NDArray[np.object_], NDArray[np.object_]]:
    """Entrances and rungs, where a place of one point takes those of the OSM row it replaces."""
    shapes, rungs = rows.geometry.to_numpy().copy(), rows["entrance_from"].to_numpy(dtype=object).copy()
    known = np.isin(rungs, ["gate", "crossing", "outline"])
    place, point = rows["place"].to_numpy(), shapely.get_num_geometries(shapes) == 1
    taken: dict[str, int] = {}
    for kept, dropped in zip(best["kept"], best["dropped"], strict=True):
        if known[dropped] and point[kept]:
            taken.setdefault(place[kept], dropped)
    for row in np.flatnonzero(point & np.isin(place, list(taken))):
        shapes[row], rungs[row] = shapes[taken[place[row]]], rungs[taken[place[row]]]
    return shapes, rungs


def name_likeness(name: str | None, other: str | None) -> float:
    """How alike two names of places of one kind are, from 0 to 1.

    Brackets, districts and words for the kind of place are taken off; what is left is compared by edits and by parts.
    Names whose numbers, sorts (诊所, 药房, 小学 ...) or branches in brackets differ are never more than half alike; nor
    are missing names.

    Examples
    --------
    >>> name_likeness("某某区国际村社区养老服务站", "国际村养老服务中心（社区）")
    1.0
    >>> name_likeness("第一小学", "第二小学") <= 0.5, name_likeness("大坪正街食堂", "大坪后街食堂") < 0.8
    (True, True)
    """
    if not name or not other:
        return 0.0
    branches = [_plain("".join(BRACKETS.findall(_folded(text)))) for text in (name, other)]
    numbers = [NUMBERS.findall(_plain(text)) for text in (name, other)]
    sorts = [set(SORT.findall(_plain(text))) for text in (name, other)]
    differ = (
        numbers[0] != numbers[1]
        or sorts[0] != sorts[1]
        or (all(branches) and fuzz.partial_ratio(*branches) < 100 * SURE)
    )
    score = _stem_likeness(name, other)
    return min(score, APART) if differ else score


def _stem_likeness(name: str, other: str) -> float:
    one, two = _stem(name), _stem(other)
    if _plain(name) == _plain(other):
        return 1.0
    if not one or not two:
        return min(_whole_likeness(name, other), SURE - 0.01)
    score = max(fuzz.ratio(one, two), fuzz.token_sort_ratio(one, two)) / 100
    if min(len(one), len(two)) > 1:
        score = max(score, PART_OF * fuzz.partial_ratio(one, two) / 100)
    return float(score)


def _whole_likeness(name: str | None, other: str | None) -> float:
    return fuzz.ratio(_plain(name), _plain(other)) / 100 if name and other else 0.0


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name[:MOST_LETTERS]).casefold().translate(DIGITS)


def _plain(name: str) -> str:
    """Without brackets, district and signs; single blanks between words that are parted by blanks."""
    bare = re.sub(r"[\W_]+", " ", BRACKETS.sub("", _folded(name))).strip()
    bare = re.sub(r"(?<=[\u4e00-\u9fff]) | (?=[\u4e00-\u9fff])", "", bare)
    return DISTRICT.sub("", bare) or bare or _folded(name).strip()


def _stem(name: str) -> str:
    """What tells a place from others of its kind; empty where the name says the kind only."""
    return KIND.sub("", _plain(name))
