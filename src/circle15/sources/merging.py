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
from rapidfuzz.distance import Levenshtein

from circle15.sources.files import texts
from circle15.tables import FACILITIES

if TYPE_CHECKING:
    from numpy.typing import NDArray

SAME_PLACE_M = 60.0
DOUBT_M = 150.0  # so far apart, two like names of one service are worth a look
MOVED_M = 1000.0  # so far apart, one name that only one place of either source has may be a place that moved
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
TENS = re.compile("([1-9]?)十([1-9]?)")
NUMBERS = re.compile(r"[0-9]+(?:百[0-9]*)?|(?<![a-z])[a-z](?=区|栋|座|馆|$)")
BRANCH = re.compile(r"[(\[【〔<《「](\w*?[店园校院馆部])[)\]】〕>》」]")
ELSEWHERE = re.compile(
    "新村|广场|[正后横上下]街|支路|分[园校院馆店部]|分$|^[新老东西南北上下]$"
)  # such an addition makes it another place
LATIN, HAN = re.compile("[a-z]"), re.compile("[\u4e00-\u9fff]")
SORT = re.compile(
    "诊所|门诊|(?<!社区)医院|药房|药店|派出所|警务室|幼儿园|小学|中学|球场|超市|便利店|宾馆|公司"
)  # a clinic is no health station
KIND = re.compile(
    "社区|街道|农贸市场|菜市场|卫生服务|养老服务|居家养老|便民服务|党群服务|就业|创业|文化活动|综合文化|综合服务体|文化|活动|综合|服务|老年|日间照料|照料|"
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
    practically equal. The inventory wins over OSM, and an earlier inventory over a later one. A row that is the same as
    one which itself gives way goes to what that one gives way to, if it is at least doubtfully the same. A place of the
    inventory that is one point takes the entrances of the OSM row that it replaces. Rows of one source are never
    merged.

    Parameters
    ----------
    osm : GeoDataFrame
        tables.FACILITIES from OSM.
    inventory : GeoDataFrame
        tables.FACILITIES of one or several inventories, one after another, told apart by `source`; in the same CRS.

    Returns
    -------
    facilities : GeoDataFrame
        tables.FACILITIES: the rows of OSM that are left, then those of the inventories; further columns of the
        inventories, such as address and hours, stay.
    table : DataFrame
        Columns kept and dropped (facility ids), distance_m (between the entrances, or from within their outline),
        similarity (0 to 1) and verdict: ``merged``, or ``doubt`` for two rows that both stay and that somebody should
        look at: like names up to 150 m apart, names half alike within 60 m, names in two scripts, or a name that stands
        once in either source, up to 1 km apart: a place that may have moved.

    Raises
    ------
    DataError
        When ids repeat.
    """
    rows = pd.concat([part for part in (inventory, osm) if len(part)] or [inventory])
    more = [name for name in inventory.columns if name not in FACILITIES.names]
    rows = rows[[*FACILITIES.names[:-1], *more, FACILITIES.names[-1]]]
    ranks = {source: rank for rank, source in enumerate(dict.fromkeys(inventory["source"]))}
    rank = np.concatenate([inventory["source"].map(ranks).to_numpy(dtype=int), np.full(len(osm), len(ranks))])
    FACILITIES.check(gpd.GeoDataFrame(rows, crs=inventory.crs).rename_axis(FACILITIES.index))
    pairs = _judged(rows, rank, first_osm=len(ranks))
    best, gone = _settled(pairs)
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
    strange = np.array([_foreign(names[a], names[b]) for a, b in zip(one, other, strict=True)], dtype=bool)
    bare = np.array([names[a] is None or not _stem(names[a]) for a in other], dtype=bool) & (rank[other] == first_osm)
    same = service[one] == service[other]
    near = apart <= SAME_PLACE_M
    sure = near & np.where(same, (alike >= SURE) | bare, whole >= SURE_ACROSS_SERVICES)
    doubt = ~sure & np.where(same, (alike >= SURE) | (near & (alike >= DOUBTFUL)), near & (alike >= SURE))
    doubt |= ~sure & same & near & (strange | np.array([names[a] is None for a in one], dtype=bool))
    pairs = pd.DataFrame({"kept": one, "dropped": other, "distance_m": apart.round(1), "similarity": alike.round(3)})
    pairs["verdict"] = np.where(sure, "merged", "doubt")
    moved = [
        (kept, dropped, round(shapely.distance(outlines[kept], outlines[dropped]), 1), 1.0, "doubt")
        for kept, dropped in _moved(rows, rank, outlines)
    ]
    found = [pairs[sure | doubt], pd.DataFrame(moved, columns=list(MERGED_COLUMNS))]
    judged: pd.DataFrame = pd.concat([part for part in found if len(part)] or found[:1], ignore_index=True)
    return judged


def _settled(pairs: pd.DataFrame) -> tuple[pd.DataFrame, set[int]]:
    """The one row that stands for each dropped row: of those that stay, the likest, then the nearest.

    A row that is only the same as one which is gone goes where that one went, if those two are a pair as well.
    """
    fate: dict[int, int] = {}
    chosen = []
    ordered = pairs.sort_values(["similarity", "distance_m", "kept"], ascending=[False, True, True], kind="stable")
    sure = ordered[ordered["verdict"] == "merged"]
    # rows are numbered from the best source to OSM, so a row's own fate is known before it can replace another
    for dropped in np.unique(sure["dropped"].to_numpy(dtype=int)).tolist():
        same = sure.loc[sure["dropped"] == dropped, "kept"].to_numpy(dtype=int)
        standing = [kept for kept in same.tolist() if kept not in fate] or [fate[kept] for kept in same.tolist()]
        found = ordered[(ordered["dropped"] == dropped) & ordered["kept"].isin(standing)]
        if len(found):
            fate[dropped] = int(found["kept"].iloc[0])
            chosen.append(found.iloc[:1].assign(verdict="merged"))
    return (pd.concat(chosen) if chosen else pairs.iloc[:0]), set(fate)


def _moved(rows: pd.DataFrame, rank: NDArray[np.int64], outlines: NDArray[np.object_]) -> list[tuple[int, int]]:
    """Pairs of one service and one telling name that each source has once, from beyond 150 m to 1 km apart."""
    names = [_plain(name) if name and _stem(name) else None for name in texts(rows["name"])]
    known = pd.DataFrame({"name": names, "service": rows["service"].to_numpy(), "rank": rank}).dropna()
    once = known[~known.duplicated(keep=False)].sort_values("rank", kind="stable")
    pairs = []
    for _, same in once.groupby(["service", "name"]):
        first, *others = same.index
        far = shapely.distance(outlines[first], outlines[others])
        pairs += [(first, one) for one, m in zip(others, far, strict=True) if DOUBT_M < m <= MOVED_M]
    return pairs


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
    are missing names. Chinese names of which each has a sign that the other lacks (中华路, 中山路), or one of which
    adds a street, a new village or a branch (桂花园, 桂花园新村), are never alike enough to be one.

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
    return min(float(score), SURE - 0.01) if _apart(one, two) else float(score)


def _apart(one: str, two: str) -> bool:
    """Whether what one stem has more than the other says that it is another place."""
    if not (HAN.search(one) and HAN.search(two)):
        return False
    changes = Levenshtein.opcodes(one, two)
    added = [two[change.dest_start : change.dest_end] for change in changes if change.tag == "insert"]
    left = [one[change.src_start : change.src_end] for change in changes if change.tag == "delete"]
    exchanged = (added and left) or any(change.tag == "replace" for change in changes)
    return bool(exchanged) or any(ELSEWHERE.search(more) for more in added + left)


def _foreign(name: str | None, other: str | None) -> bool:
    """Whether one name is in Latin and the other in Chinese letters only, so that they cannot be compared."""
    kinds = [(bool(LATIN.search(_folded(one))), bool(HAN.search(one))) for one in (name, other) if one]
    return len(kinds) > 1 and sorted(kinds) == [(False, True), (True, False)]


def _whole_likeness(name: str | None, other: str | None) -> float:
    return fuzz.ratio(_plain(name), _plain(other)) / 100 if name and other else 0.0


def _folded(name: str) -> str:
    """One way of writing for letters and numbers; 第二十九 is 第29."""
    text = unicodedata.normalize("NFKC", name[:MOST_LETTERS]).casefold().translate(DIGITS)
    return TENS.sub(lambda tens: f"{tens[1] or 1}{tens[2] or 0}", text)


def _plain(name: str) -> str:
    """Without brackets, district and signs; single blanks between words that are parted by blanks."""
    bare = re.sub(r"[\W_]+", " ", BRACKETS.sub("", BRANCH.sub(r"\1", _folded(name)))).strip()
    bare = re.sub(r"(?<=[\u4e00-\u9fff]) | (?=[\u4e00-\u9fff])", "", bare)
    return DISTRICT.sub("", bare) or bare or _folded(name).strip()


def _stem(name: str) -> str:
    """What tells a place from others of its kind; empty where the name says the kind only."""
    return KIND.sub("", _plain(name))
