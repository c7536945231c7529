"""Facilities of the twin: as OSM mappers would tag them, and as a district's own table would list them.

Every facility is invented and named after its community, so that none can be mistaken for a real one.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import dist
from typing import TYPE_CHECKING

import numpy as np
import shapely
import shapely.affinity
import twin_drawn as drawn
from shapely import Point, Polygon, STRtree
from twin_ground import SEED, metres

if TYPE_CHECKING:
    from twin_ground import Floats, Ground
    from twin_noding import Net
    from twin_people import Community, Home


@dataclass
class Spot:
    """A place on the map: a point, or an outline."""

    tags: dict[str, str]
    point: tuple[float, float] | None = None
    outline: Polygon | None = None
    entrances: tuple[tuple[float, float, str], ...] = ()


@dataclass
class Row:
    """A row of the inventory."""

    service: str
    name: str
    point: tuple[float, float]
    area: int | None
    capacity: int | None
    tier: str
    unit: int


# How often, in a community of middling density: tags, suffix of the name, mean number, pull of the centre.
EVERYDAY: tuple[tuple[dict[str, str], str, float, float], ...] = (
    ({"amenity": "pharmacy"}, "大药房", 2.3, 1.0),
    ({"shop": "convenience"}, "便利店", 4.2, 1.0),
    ({"shop": "supermarket"}, "超市", 0.55, 1.0),
    ({"shop": "greengrocer"}, "生鲜店", 0.9, 0.6),
    ({"amenity": "marketplace"}, "菜市场", 0.5, 0.6),
    ({"amenity": "toilets"}, "", 2.4, 0.9),
    ({"amenity": "kindergarten"}, "幼儿园", 3.0, 0.4),
    ({"amenity": "police"}, "派出所", 0.3, 0.5),
    ({"amenity": "library"}, "城市书房", 0.28, 0.8),
    ({"amenity": "post_office"}, "邮政所", 0.3, 0.6),
    ({"amenity": "bank"}, "银行网点", 1.2, 1.6),
    ({"amenity": "restaurant"}, "餐馆", 4.0, 1.8),
    ({"amenity": "cafe"}, "咖啡馆", 0.8, 2.0),
    ({"leisure": "fitness_station"}, "健身点", 1.5, 0.3),
    ({"leisure": "playground"}, "儿童游乐场", 0.75, 0.3),
    ({"amenity": "clinic"}, "诊所", 0.5, 0.8),
    ({"amenity": "parking", "access": "yes"}, "停车场", 0.9, 0.8),
    ({"shop": "hairdresser"}, "理发店", 1.3, 1.0),
    ({"shop": "laundry"}, "洗衣店", 0.5, 1.0),
    ({"amenity": "parcel_locker"}, "快递驿站", 0.6, 0.5),
)
# With an outline: tags, suffix, mean number, length and width in metres.
GROUNDS: tuple[tuple[dict[str, str], str, float, float, float], ...] = (
    ({"amenity": "school", "isced:level": "1"}, "小学", 0.7, 80, 52),
    ({"amenity": "school", "isced:level": "2;3"}, "中学", 0.45, 110, 70),
    ({"amenity": "hospital"}, "医院", 0.17, 90, 60),
    ({"leisure": "pitch", "sport": "basketball"}, "球场", 0.75, 36, 24),
    ({"leisure": "sports_centre"}, "体育馆", 0.13, 60, 42),
    ({"leisure": "garden"}, "游园", 1.5, 34, 26),
)
# The district's own table: service, name, tier, how many in all or share of communities, area, capacity.
LISTED: tuple[tuple[str, str, str, int, tuple[int, int] | None, tuple[int, int] | None], ...] = (
    ("elder_station", "{c}社区养老服务站", "community", 71, (260, 620), (15, 40)),
    ("canteen", "{c}社区食堂", "community", 17, (150, 420), (40, 120)),
    ("meal_point", "{c}助餐点", "community", 30, (40, 120), (12, 30)),
    ("service_complex", "渝中怡家·{c}", "community", 48, (600, 1400), None),
    ("elder_college", "老年大学{c}教学点", "community", 25, (120, 400), (40, 120)),
    ("health_station", "{c}社区卫生服务站", "community", 38, (120, 320), None),
    ("culture_station", "{c}社区文化活动室", "community", 66, (180, 520), None),
    ("nursery", "{c}托育点", "community", 44, (200, 480), (20, 60)),
    ("service_station", "{c}社区党群服务中心", "community", 80, (420, 1100), None),
    ("employment", "{c}就业服务站", "subdistrict", 26, (60, 240), None),
    ("fitness_spot", "{c}健身点", "community", 70, (150, 600), None),
    ("elder_centre", "{s}养老服务中心", "subdistrict", 11, (1500, 2600), (60, 120)),
    ("health_centre", "{s}社区卫生服务中心", "subdistrict", 11, (1700, 4200), None),
    ("culture_centre", "{s}综合文化站", "subdistrict", 11, (900, 3600), None),
    ("street_office", "{s}办事处", "subdistrict", 11, (1000, 2400), None),
)
ALSO = {"health_centre": "health_station", "culture_centre": "culture_station"}
COMPLETE = ("elder_station", "canteen", "service_complex", "elder_college", "elder_centre", "health_centre",
            "service_station", "street_office", "culture_centre", "nursery")  # fmt: skip


class Doors:
    """Where a facility can stand: the street doors of buildings, by community."""

    def __init__(self, homes: list[Home], communities: list[Community]) -> None:
        self.communities = communities
        self.by_unit: list[list[tuple[float, float]]] = [[] for _ in communities]
        for home in homes:
            self.by_unit[home.community].append(home.door)
        core = metres([(106.5730, 29.5610)])[0]
        heart = [np.array(unit.outline.point_on_surface().coords[0]) for unit in communities]
        away = np.array([float(np.hypot(*(place - core))) for place in heart])
        self.pull = np.round(np.exp(-((away / 1500) ** 2)), 6)  # 1 in the centre, 0 in the west
        self.used: set[tuple[float, float]] = set()

    def pick(self, unit: int, generator: np.random.Generator, *, central: bool = False) -> tuple[float, float]:
        """A door that nothing uses yet; a central one when asked."""
        free = [door for door in self.by_unit[unit] if door not in self.used]
        if not free:
            free = self.by_unit[unit]
        if central:
            middle = np.array(self.by_unit[unit]).mean(axis=0)
            order = np.argsort(np.round(np.hypot(*(np.array(free) - middle).T), 2), kind="stable")
            door = free[int(order[int(generator.integers(0, min(4, len(free))))])]
        else:
            door = free[int(generator.integers(0, len(free)))]
        self.used.add(door)
        return door

    def pick_apart(
        self, unit: int, generator: np.random.Generator, others: list[tuple[float, float]]
    ) -> tuple[float, float]:
        """Of three doors, the one farthest from others of its kind."""
        free = [door for door in self.by_unit[unit] if door not in self.used] or self.by_unit[unit]
        drawn_ = [free[k] for k in generator.integers(0, len(free), 3).tolist()]
        door = max(drawn_, key=lambda one: min((round(dist(one, other), 2) for other in others), default=0.0))
        self.used.add(door)
        return door


def make_inventory(doors: Doors) -> list[Row]:
    """The rows that the district would list itself."""
    generator = np.random.default_rng(SEED + 3)
    units = doors.communities
    rows: list[Row] = []
    proper = [k for k, unit in enumerate(units) if not unit.name.endswith("工作站")]
    streets = list(dict.fromkeys(unit.street for unit in units))
    for service, pattern, tier, count, area, capacity in LISTED:
        if pattern.startswith("{s}"):
            chosen = [_heart(units, street) for street in streets]
        elif count >= len(units):
            chosen = list(range(len(units)))
        else:
            chosen = _drawn(doors, proper, count, generator)
        for unit in chosen:
            here = units[unit]
            name = pattern.format(c=here.short, s=here.street)
            point = doors.pick(unit, generator, central=service in ("service_station", "elder_station", "elder_centre"))
            size = None if area is None else int(round(generator.integers(*area) / 10) * 10)
            places = None if capacity is None else int(generator.integers(*capacity))
            rows.append(Row(service, name, point, size, places, tier, unit))
            if service in ALSO:  # a place that offers two services is listed for both
                rows.append(Row(ALSO[service], name, point, size, places, "community", unit))
    return rows


@dataclass(frozen=True)
class Vacant:
    """A row of the district's own table of space that stands empty."""

    name: str
    point: tuple[float, float]
    area: int | None
    owner: str
    storey: int
    step_free: str
    cost: int | None
    operator: str
    budget_line: str


OWNERS = ("区机关事务管理（虚构）", "街道办事处（虚构）", "区属国企（虚构）")
KINDS = ("闲置办公用房", "闲置门面", "腾退厂房", "闲置校舍")


def make_vacant(doors: Doors, *, count: int = 36) -> list[Vacant]:
    """What stands empty: more of it in the west and on the slopes, some of it ready to start."""
    generator = np.random.default_rng(SEED + 6)
    units = doors.communities
    rows = []
    for number in range(count):
        unit = int(generator.integers(0, len(units)))
        area = int(round(generator.integers(150, 1600) / 10) * 10)
        ready, named, sized = generator.random(3)
        rows.append(
            Vacant(
                f"{units[unit].short}{KINDS[number % len(KINDS)]}（虚构）",
                doors.pick(unit, generator),
                area if sized < 0.9 else None,
                OWNERS[int(generator.integers(0, len(OWNERS)))],
                int(generator.integers(1, 5)),
                ("是", "否", "")[int(generator.integers(0, 3))],
                int(round(area * generator.uniform(0.08, 0.35) / 5) * 5) if sized < 0.95 else None,
                "示例社区服务中心（虚构）" if named < 0.6 else "",
                "2027年度民生实事（虚构）" if ready < 0.5 else "",
            )
        )
    return rows


def _heart(units: list[Community], street: str) -> int:
    """The community nearest to the middle of its subdistrict."""
    held = [k for k, unit in enumerate(units) if unit.street == street]
    middle = shapely.union_all([units[k].outline for k in held]).centroid
    return min(held, key=lambda k: round(units[k].outline.centroid.distance(middle), 1))


def _drawn(doors: Doors, among: list[int], count: int, generator: np.random.Generator) -> list[int]:
    """Communities drawn with a leaning to the centre, so that the western slopes go short."""
    weight = 0.35 + doors.pull[among]
    picked = generator.choice(among, size=count, replace=False, p=weight / weight.sum())
    return sorted(int(k) for k in picked)


def make_spots(doors: Doors, ground: Ground, net: Net, homes: list[Home]) -> list[Spot]:
    """What OSM mappers would have drawn."""
    generator = np.random.default_rng(SEED + 4)
    spots = list(_everyday(doors, generator))
    spots += _grounds(doors, generator, net, homes, ground)
    spots += _stops(net, ground)
    spots += _beyond(net, ground, generator)
    return spots


def _everyday(doors: Doors, generator: np.random.Generator) -> list[Spot]:
    found: list[Spot] = []
    for unit, community in enumerate(doors.communities):
        crowd = np.sqrt(max(community.population, 500) / 7200)
        for tags, suffix, mean, pull in EVERYDAY:
            expected = mean * crowd * (0.5 + pull * 1.1 * doors.pull[unit])
            same: list[tuple[float, float]] = []
            for number in range(int(expected + generator.random())):
                named = dict(tags)
                if suffix:
                    named["name"] = community.short + suffix + ("" if number == 0 else f"{number + 1}店")
                same.append(doors.pick_apart(unit, generator, same))
                found.append(Spot(named, same[-1]))
    return found


def _box(door: tuple[float, float], along: Floats, long: float, deep: float) -> Polygon:
    u = along / np.hypot(*along)
    v = np.array([-u[1], u[0]])
    front = np.array(door)
    corners = [
        front - u * long / 2,
        front + u * long / 2,
        front + u * long / 2 + v * deep,
        front - u * long / 2 + v * deep,
    ]
    return Polygon(np.round(corners, 2))


def _grounds(doors: Doors, generator: np.random.Generator, net: Net, homes: list[Home], ground: Ground) -> list[Spot]:
    """Schools, hospitals, pitches and gardens with outlines; homes in the way make room."""
    land = ground.land.buffer(-30)
    streets = STRtree([shapely.LineString(net.points(piece.nodes)).buffer(3) for piece in net.pieces])
    taken: list[Polygon] = []
    found: list[Spot] = []
    for unit, community in enumerate(doors.communities):
        for tags, suffix, mean, long, deep in GROUNDS:
            for number in range(int(mean * np.sqrt(max(community.population, 500) / 7200) + generator.random())):
                outline = _room(doors, unit, generator, (long, deep), streets, [*taken], land)
                if outline is None:
                    continue
                taken.append(outline.buffer(4))
                name = community.short + suffix + ("" if number == 0 else "（分部）")
                x, y = np.mean(np.array(outline.exterior.coords)[:2], axis=0)
                gates = ((float(x), float(y), "main"),) if generator.random() < 0.6 else ()
                found.append(Spot({**tags, "name": name}, None, outline, gates))
                if tags.get("amenity") in ("school", "hospital"):
                    inner = shapely.affinity.scale(outline, 0.55, 0.5)
                    found.append(Spot({"building": tags["amenity"], "building:levels": "5"}, None, inner))
    tree = STRtree([home.outline for home in homes])
    out = set(tree.query(taken, predicate="intersects")[1].tolist()) if taken else set()
    homes[:] = [home for number, home in enumerate(homes) if number not in out]
    return found


def _room(
    doors: Doors,
    unit: int,
    generator: np.random.Generator,
    size: tuple[float, float],
    streets: STRtree,
    taken: list[Polygon],
    land: Polygon,
) -> Polygon | None:
    for _ in range(60):
        door = doors.by_unit[unit][int(generator.integers(0, len(doors.by_unit[unit])))]
        angle = generator.uniform(0, 2 * np.pi)
        box = _box(door, np.array([np.cos(angle), np.sin(angle)]), *size)
        if len(streets.query(box, predicate="intersects")) or not box.within(land):
            continue
        if any(box.intersects(other) for other in taken):
            continue
        return box
    return None


def _stops(net: Net, ground: Ground) -> list[Spot]:
    """Bus stops about every 280 m along the larger roads."""
    land = ground.land.buffer(300)
    shapely.prepare(land)
    found: list[Spot] = []
    places: list[tuple[float, float]] = []
    for piece in net.pieces:
        if piece.tags["highway"] not in ("primary", "secondary", "tertiary") or piece.family == "over":
            continue
        for node in piece.nodes[1:-1]:
            x, y = net.xy[node]
            if any((x - a) ** 2 + (y - b) ** 2 < 280**2 for a, b in places) or not land.contains(Point(x, y)):
                continue
            places.append((x, y))
            tags = {"highway": "bus_stop", "name": f"示例公交站{len(places)}", "bus": "yes"}
            found += [Spot(tags, (x - 12, y - 6)), Spot(tags, (x + 12, y + 6))]  # one for each direction
    return found


def _beyond(net: Net, ground: Ground, generator: np.random.Generator) -> list[Spot]:
    """A thin scatter of shops beyond the boundary, so that the margin is not empty."""
    home = ground.district
    shapely.prepare(home)
    nodes = sorted({node for piece in net.pieces if piece.family == "along" for node in piece.nodes})
    outside = [node for node in nodes if not home.contains(Point(net.xy[node]))]
    found: list[Spot] = []
    kinds = [row for row in EVERYDAY if row[1]]
    for node in generator.choice(outside, size=min(150, len(outside)), replace=False).tolist():
        tags, suffix, _, _ = kinds[int(generator.integers(0, len(kinds)))]
        x, y = net.xy[node]
        found.append(Spot({**tags, "name": f"区外示例{suffix}"}, (round(x + 6, 2), round(y + 4, 2))))
    return found


def make_stations(net: Net) -> list[Spot]:
    """Rail stations with two to four entrances each beside streets."""
    generator = np.random.default_rng(SEED + 5)
    ends = np.array(
        sorted(
            {net.xy[node] for piece in net.pieces if piece.family in ("main", "along", "walk") for node in piece.nodes}
        )
    )
    found: list[Spot] = []
    for name, (lines, lon, lat) in drawn.STATIONS.items():
        centre = metres([(lon, lat)])[0]
        kind = "monorail" if lines in ("2", "2;3") else "subway"
        tags = {"railway": "station", "station": kind, "public_transport": "station", "name": name, "line": lines}
        found.append(Spot(tags, (float(centre[0]), float(centre[1]))))
        near = ends[np.hypot(*(ends - centre).T) < 190]
        count = min(len(near), 2 + int(generator.integers(0, 3)))
        for number, k in enumerate(generator.choice(len(near), size=count, replace=False).tolist() if count else []):
            x, y = near[k]
            found.append(
                Spot(
                    {"railway": "subway_entrance", "name": f"{name}{number + 1}号口", "ref": str(number + 1)},
                    (float(x) + 3, float(y) + 3),
                )
            )
    return found
