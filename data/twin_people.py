"""Where the twin's people live: communities that follow the streets, and homes along them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely
import twin_drawn as drawn
from scipy.spatial import cKDTree
from shapely import LineString, Polygon, STRtree
from twin_ground import SEED, degrees, metres

if TYPE_CHECKING:
    from twin_ground import Floats, Ground
    from twin_noding import Net

PEOPLE = 576_300  # published
FLOOR_M2_EACH = 35.0  # GB 50180
CENSUS_2020 = {"菜园坝街道": 32_034, "朝天门街道": 35_662}  # published; kept as they are
HOMES = 4000
LIVED_IN = ("apartments", "residential")
LARGE_BLOCK_M2 = 70_000

# Published names and codes (statistical codes 2021); the positions are rough and partly guessed.
# fmt: off
COMMUNITIES: dict[str, tuple[str, tuple[tuple[str, str, float, float], ...]]] = {
    "500103001": ("七星岗街道", (
        ("003", "华一坡", 106.5668, 29.5612), ("006", "临华路", 106.5650, 29.5642),
        ("011", "领事巷", 106.5612, 29.5560), ("013", "兴隆街", 106.5632, 29.5606),
        ("014", "归元寺", 106.5592, 29.5606), ("015", "金汤街", 106.5652, 29.5566),
        ("016", "抗建堂", 106.5577, 29.5586), ("017", "捍卫路", 106.5618, 29.5633),
    )),
    "500103003": ("解放碑街道", (
        ("013", "民生路", 106.5684, 29.5600), ("016", "莲花池", 106.5684, 29.5578),
        ("017", "邹容路", 106.5722, 29.5596), ("018", "自力巷", 106.5746, 29.5604),
        ("019", "大井巷", 106.5708, 29.5614), ("020", "临江门", 106.5690, 29.5640),
        ("021", "较场口", 106.5708, 29.5572), ("023", "沧白路", 106.5740, 29.5655),
        ("024", "罗汉寺", 106.5766, 29.5632),
    )),
    "500103004": ("两路口街道", (
        ("002", "中山二路", 106.5532, 29.5592), ("003", "枇杷山正街", 106.5556, 29.5553),
        ("010", "重庆村", 106.5487, 29.5584), ("011", "桂花园新村", 106.5437, 29.5570),
        ("012", "铁路坡", 106.5415, 29.5535), ("013", "国际村", 106.5350, 29.5515),
        ("014", "王家坡", 106.5385, 29.5490),
    )),
    "500103005": ("上清寺街道", (
        ("008", "桂花园", 106.5428, 29.5604), ("009", "春森路", 106.5446, 29.5640),
        ("010", "新都巷", 106.5476, 29.5632), ("011", "学田湾", 106.5506, 29.5643),
        ("012", "美专校", 106.5472, 29.5606), ("013", "嘉西村", 106.5385, 29.5582),
        ("014", "曾家岩", 106.5500, 29.5670),
    )),
    "500103007": ("菜园坝街道", (
        ("001", "渝铁村", 106.5435, 29.5505), ("003", "珊瑚湾", 106.5545, 29.5497),
        ("009", "平安街", 106.5497, 29.5522), ("010", "交通街", 106.5478, 29.5488),
        ("011", "石板坡", 106.5602, 29.5515),
    )),
    "500103008": ("南纪门街道", (
        ("002", "十八梯", 106.5695, 29.5542), ("009", "解放西路", 106.5674, 29.5518),
        ("010", "凉亭子", 106.5640, 29.5535), ("012", "凯旋路", 106.5726, 29.5562),
        ("013", "邮政局巷", 106.5738, 29.5544),
    )),
    "500103010": ("朝天门街道", (
        ("006", "陕西路", 106.5850, 29.5648), ("007", "朝千路", 106.5826, 29.5668),
        ("008", "棉花街", 106.5793, 29.5655), ("009", "白象街", 106.5780, 29.5580),
        ("010", "二府衙", 106.5806, 29.5628), ("011", "湖广会馆", 106.5822, 29.5600),
        ("012", "巴县衙门", 106.5768, 29.5602),
    )),
    "500103011": ("大溪沟街道", (
        ("012", "罗家院", 106.5550, 29.5646), ("013", "建设路", 106.5530, 29.5624),
        ("014", "人民村", 106.5524, 29.5680), ("015", "红球坝", 106.5603, 29.5694),
        ("016", "人和街", 106.5572, 29.5662), ("017", "华福巷", 106.5556, 29.5697),
        ("018", "张家花园", 106.5593, 29.5642), ("019", "双钢路", 106.5640, 29.5672),
        ("020", "胜利路", 106.5566, 29.5622),
    )),
    "500103012": ("大坪街道", (
        ("011", "马家堡", 106.5222, 29.5404), ("012", "浮图关", 106.5225, 29.5470),
        ("013", "肖家湾", 106.5290, 29.5388), ("016", "大黄路", 106.5158, 29.5378),
        ("017", "袁家岗", 106.5128, 29.5335), ("018", "七牌坊", 106.5102, 29.5420),
        ("019", "大坪正街", 106.5160, 29.5450), ("020", "天灯堡", 106.5215, 29.5345),
    )),
    "500103013": ("化龙桥街道", (
        ("006", "永嘉路", 106.5062, 29.5572), ("007", "嘉博路", 106.5008, 29.5588),
        ("008", "李子坝", 106.5275, 29.5545), ("009", "化龙桥社区工作站", 106.5135, 29.5555),
        ("010", "红岩村", 106.4932, 29.5576),
    )),
    "500103014": ("石油路街道", (
        ("001", "煤建新村", 106.5022, 29.5432), ("005", "金银湾", 106.4932, 29.5515),
        ("006", "民乐村", 106.5064, 29.5448), ("008", "虎头岩", 106.5025, 29.5510),
        ("009", "石油路", 106.5046, 29.5402), ("010", "新影村", 106.5086, 29.5372),
        ("011", "彭家花园", 106.5098, 29.5490), ("012", "河运路", 106.5000, 29.5400),
        ("013", "黄荆湾", 106.4975, 29.5455), ("014", "茶亭北路", 106.4935, 29.5450),
    )),
}
# fmt: on


@dataclass
class Community:
    """A community: names, outline, and what was modelled for it."""

    code: str
    name: str
    parent: str
    street: str
    outline: Polygon
    population: int = 0

    @property
    def short(self) -> str:
        """The name without what it is."""
        return self.name.removesuffix("社区工作站").removesuffix("社区")


@dataclass
class Home:
    """A building: footprint, use, levels, its door on the street and the community that it stands in."""

    outline: Polygon
    use: str
    levels: int
    door: tuple[float, float]
    community: int


def make_communities(ground: Ground, net: Net, homes: list[Home]) -> list[Community]:
    """Communities whose borders follow streets, as a gapless cover of the district, and the homes in each."""
    rows = [
        (parent + code, name if name.endswith("工作站") else f"{name}社区", parent, street, lon, lat)
        for parent, (street, units) in COMMUNITIES.items()
        for code, name, lon, lat in units
    ]
    seeds = metres([row[4:6] for row in rows])
    weights = _balanced(seeds, homes)
    outlines = _cover(ground.district, net, seeds, weights)
    communities = [Community(*row[:4], outline) for row, outline in zip(rows, outlines, strict=True)]
    doors = shapely.points([home.door for home in homes])
    door, unit = STRtree(outlines).query(doors, predicate="intersects")
    for number, held in sorted(zip(door.tolist(), unit.tolist(), strict=True), reverse=True):
        homes[number].community = held
    return communities


def _balanced(seeds: Floats, homes: list[Home]) -> Floats:
    """Additive weights that shift borders a little, so that communities differ less in people."""
    doors = np.array([home.door for home in homes])
    floor = np.array([home.outline.area * home.levels if home.use in LIVED_IN else 0.0 for home in homes])
    squares = np.round(((doors[:, None, :] - seeds[None, :, :]) ** 2).sum(axis=2), 2)
    weights = np.zeros(len(seeds))
    mean = floor.sum() / len(seeds)
    for _ in range(40):
        held = np.bincount(np.argmin(squares - weights, axis=1), floor, minlength=len(seeds))
        weights = np.clip(weights + 6000 * np.clip(1 - held / mean, -1, 1), -70_000, 70_000)
    return np.round(weights, 1)


def _cover(district: Polygon, net: Net, seeds: Floats, weights: Floats) -> list[Polygon]:
    """Whole blocks to the nearest seed; what is larger than a block along straight borders between seeds."""
    streets = [
        LineString(net.points(piece.nodes)) for piece in net.pieces if piece.family not in ("over", "island", "square")
    ]
    lines = shapely.union_all([*streets, district.boundary])
    blocks = [block for block in shapely.get_parts(shapely.polygonize([lines])) if block.within(district.buffer(0.01))]
    parts = [block for block in blocks if block.area < LARGE_BLOCK_M2]
    rest = shapely.difference(district, shapely.union_all(parts))
    for cell in _cells(district.buffer(3000).envelope, seeds, weights):
        parts += [
            part for part in shapely.get_parts(rest.intersection(cell)) if part.geom_type == "Polygon" and part.area > 1
        ]
    inside = shapely.get_coordinates(shapely.point_on_surface(parts))
    squares = ((inside[:, None, :] - seeds[None, :, :]) ** 2).sum(axis=2) - weights
    owner = np.argmin(np.round(squares, 2), axis=1)
    rough = [shapely.union_all([p for p, o in zip(parts, owner, strict=True) if o == k]) for k in range(len(seeds))]
    return _clean_cover(rough, district, seeds)


def _cells(frame: Polygon, seeds: Floats, weights: Floats) -> list[Polygon]:
    """The power diagram (Aurenhammer 1987) of weighted seeds, as half planes cut from a frame."""
    cells = []
    for seed, weight in zip(seeds, weights, strict=True):
        cell = frame
        near = np.argsort(np.round(((seeds - seed) ** 2).sum(axis=1), 1), kind="stable")[1:30]
        for j in near.tolist():
            way = seeds[j] - seed
            length = float(np.hypot(*way))
            u = way / length
            v = np.array([-u[1], u[0]])
            reach = (length**2 + weight - weights[j]) / (2 * length)
            middle, far = seed + u * reach, 40_000.0
            half = Polygon([middle + v * far, middle - v * far, middle - (u + v) * far, middle - (u - v) * far])
            cell = cell.intersection(half)
        cells.append(shapely.set_precision(cell, 0.001))
    return cells


def _clean_cover(rough: list[Polygon], district: Polygon, seeds: Floats) -> list[Polygon]:
    """Give every face to one unit, scraps to the neighbour with the longest shared border."""
    lines = shapely.union_all([*[shapely.boundary(one) for one in rough], district.boundary], grid_size=0.01)
    faces = [f for f in shapely.get_parts(shapely.polygonize([lines])) if f.point_on_surface().within(district)]
    tree = STRtree(rough)
    owner = []
    for face in faces:
        held = tree.query(face.point_on_surface(), predicate="intersects")
        owner.append(
            int(held[0]) if len(held) else int(cKDTree(seeds).query(shapely.get_coordinates(face.centroid)[0])[1])
        )
    faces, owner = _no_scraps(faces, owner)
    whole = [shapely.union_all([f for f, o in zip(faces, owner, strict=True) if o == k]) for k in range(len(seeds))]
    return list(shapely.coverage_simplify(whole, 6.0))


def _no_scraps(faces: list[Polygon], owner: list[int]) -> tuple[list[Polygon], list[int]]:
    """Parts of a unit that do not hang together with its main part go to a neighbour."""
    for _ in range(4):
        units: dict[int, list[int]] = {}
        for number, unit in enumerate(owner):
            units.setdefault(unit, []).append(number)
        whole = {unit: shapely.union_all([faces[n] for n in held]) for unit, held in units.items()}
        moved = False
        for unit, held in sorted(units.items()):
            parts = shapely.get_parts(whole[unit])
            if len(parts) < 2:
                continue
            main = parts[int(np.argmax(shapely.area(parts)))]
            for number in held:
                if not faces[number].point_on_surface().within(main):
                    shared = {
                        u: faces[number].boundary.intersection(g.boundary).length for u, g in whole.items() if u != unit
                    }
                    owner[number] = max(sorted(shared), key=lambda u: shared[u])
                    moved = True
        if not moved:
            break
    return faces, owner


# ------------------------------------------------------------------------------------------------------------ homes

STREETS = (
    "residential",
    "tertiary",
    "unclassified",
    "living_street",
    "service",
    "secondary",
    "footway",
    "primary",
    "pedestrian",
)
SHAPES = (("slab", 38, 13, 6, 9, 0.52), ("block", 30, 17, 8, 15, 0.33), ("tower", 25, 24, 18, 32, 0.15))


def make_homes(ground: Ground, net: Net) -> list[Home]:
    """Footprints along the streets, with storeys that give 35 m2 of floor to everyone."""
    generator = np.random.default_rng(SEED + 2)
    boxes, doors, kinds = _candidates(ground, net, generator)
    dry = ground.land.buffer(-12)
    inside = shapely.contains(dry, shapely.points(doors)) & shapely.contains(dry, boxes)
    core = metres([(106.5735, 29.5612)])[0]
    homes: list[Home] = []
    lived = 0
    for candidate in _apart(boxes, net, generator).tolist():
        if not inside[candidate] or lived >= HOMES:
            continue
        luck, away = generator.random(2), float(np.hypot(*(doors[candidate] - core)))
        busy = 0.36 * np.exp(-((away / 650) ** 2)) + 0.04
        use = "apartments" if luck[1] < 0.55 else "residential"
        if luck[0] < busy:
            use = ("office", "commercial", "retail")[int(luck[1] * 3)]
        elif luck[0] < busy + 0.08:
            use = "yes"
        lived += use in LIVED_IN
        low, high = SHAPES[kinds[candidate]][3:5]
        taller = 0.85 + 0.55 * np.exp(-((away / 3200) ** 2))  # the old town is denser
        levels = round(int(generator.integers(low, high + 1)) * taller)
        homes.append(Home(boxes[candidate], use, levels, tuple(doors[candidate].tolist()), -1))
    return homes


def _candidates(ground: Ground, net: Net, generator: np.random.Generator) -> tuple[np.ndarray, Floats, list[int]]:
    """Boxes in a first row along every street, then in a second row behind it, with doors and shapes."""
    rows: list[list[tuple[Polygon, Floats, int]]] = [[], []]
    land = ground.land.buffer(-25)
    shapely.prepare(land)
    for piece in net.pieces:
        if piece.tags["highway"] not in STREETS or piece.family in ("over", "island", "park"):
            continue
        line = LineString(net.points(piece.nodes))
        if line.length < 30 or not land.intersects(line):
            continue
        wide_road = 7.0 if piece.tags["highway"] in ("primary", "pedestrian") else 0.0
        for side in (1.0, -1.0):
            at = 14.0 + generator.random() * 10
            while at < line.length - 12:
                kind = int(np.searchsorted(np.cumsum([s[5] for s in SHAPES]), generator.random() * 0.999))
                wide, deep = SHAPES[kind][1:3] * generator.uniform((0.8, 0.9), (1.15, 1.1))
                for row, setback in enumerate((generator.uniform(7.5, 12) + wide_road, generator.uniform(38, 46))):
                    box, door = _box(line, at, side, (wide, deep, setback))
                    rows[row].append((box, door, kind))
                at += wide + generator.uniform(4, 10)
    boxes, doors, kinds = zip(*rows[0], *rows[1], strict=True)
    return np.array(boxes), np.array(doors), list(kinds)


def _box(line: LineString, at: float, side: float, size: tuple[float, float, float]) -> tuple[Polygon, Floats]:
    """A box so wide and so deep, set back from a street, and its door towards the street."""
    wide, deep, setback = size
    here, ahead = np.array(line.interpolate(at).coords[0]), np.array(line.interpolate(at + 2).coords[0])
    u = (ahead - here) / max(float(np.hypot(*(ahead - here))), 1e-6)
    v = np.array([-u[1], u[0]]) * side
    front = here + v * setback
    corner = np.array([front - u * wide / 2, front + u * wide / 2])
    return Polygon(np.round(np.vstack([corner, corner[::-1] + v * deep]), 2)), np.round(front - v, 2)


def _apart(boxes: np.ndarray, net: Net, generator: np.random.Generator) -> np.ndarray:
    """Candidates, in a drawn order, that touch no street, no park and no earlier one."""
    streets = STRtree(
        [LineString(net.points(piece.nodes)).buffer(5) for piece in net.pieces if piece.tags.get("tunnel") != "yes"]
    )
    free = np.ones(len(boxes), bool)
    free[np.unique(streets.query(boxes, predicate="intersects")[0])] = False
    green = shapely.union_all([*drawn.parks().values(), *drawn.squares().values()])
    free &= ~shapely.intersects(green, boxes)
    roomy = shapely.buffer(boxes, 3.0, join_style="mitre")
    a, b = STRtree(roomy).query(roomy, predicate="intersects")
    clash: dict[int, list[int]] = {}
    for i, j in zip(a.tolist(), b.tolist(), strict=True):
        if i != j:
            clash.setdefault(i, []).append(j)
    kept, out = [], ~free
    first, second = np.array_split(np.arange(len(boxes)), 2)
    for number in np.r_[generator.permutation(first), generator.permutation(second)].tolist():
        if not out[number]:
            kept.append(number)
            out[clash.get(number, [])] = True
    return np.array(kept)


def fit_floor_area(homes: list[Home]) -> None:
    """Scale storeys so that the floor area is 35 m2 for each of the people."""
    lived = [home for home in homes if home.use in LIVED_IN]
    for _ in range(6):
        total = sum(home.outline.area * home.levels for home in lived)
        share = PEOPLE * FLOOR_M2_EACH / total
        for home in lived:
            home.levels = int(min(max(round(home.levels * share), 2), 38))


def settle(communities: list[Community], homes: list[Home]) -> None:
    """Give every community its people: published totals kept, the rest by floor area, in whole persons."""
    floor = np.zeros(len(communities))
    for home in homes:
        if home.use in LIVED_IN:
            floor[home.community] += home.outline.area * home.levels
    streets = np.array([unit.street for unit in communities])
    known = np.isin(streets, list(CENSUS_2020))
    groups = [(streets == name, total) for name, total in CENSUS_2020.items()]
    groups.append((~known, PEOPLE - sum(CENSUS_2020.values())))
    for mask, total in groups:
        exact = floor[mask] / floor[mask].sum() * total
        whole = np.floor(exact).astype(int)
        most = np.argsort(-(np.round(exact - whole, 9)), kind="stable")[: int(total - whole.sum())]
        whole[most] += 1
        for number, people in zip(np.flatnonzero(mask).tolist(), whole.tolist(), strict=True):
            communities[number].population = int(people)


def outline_degrees(shape: Polygon) -> Polygon:
    """The outline in longitude and latitude, rounded as OSM does."""
    return shapely.transform(shape, degrees)
