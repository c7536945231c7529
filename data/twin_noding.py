"""Cut the twin's lines at junctions, choose what each piece is, and add what crosses above and below."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import cos, hypot, radians, sin
from typing import TYPE_CHECKING

import numpy as np
import shapely
import twin_drawn as drawn
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree
from shapely import LineString, Point, STRtree
from twin_ground import SEED, Ground, metres
from twin_streets import STEEP, STEPS_KM, Line

if TYPE_CHECKING:
    from twin_ground import Floats

WELD_M = 5.0  # junctions nearer than this are one
VERTEX_M = 40.0  # longest straight stretch without a vertex
RISER_M = 0.155
TALLEST_M = 62.0  # no single flight climbs more
CABLE_CAR_M = 1166.0  # published


@dataclass
class Piece:
    """A stretch of street between two junctions, as indices of nodes."""

    nodes: list[int]
    tags: dict[str, str]
    family: str
    line: int


@dataclass
class Net:
    """Nodes in metres with their tags, and pieces."""

    xy: list[tuple[float, float]]
    node_tags: dict[int, dict[str, str]] = field(default_factory=dict)
    pieces: list[Piece] = field(default_factory=list)

    def node(self, x: float, y: float) -> int:
        """Add a node."""
        self.xy.append((round(float(x), 3), round(float(y), 3)))
        return len(self.xy) - 1

    def add(self, nodes: list[int], family: str, **tags: str) -> Piece:
        """Add a piece; a colon in a key is written as two underscores."""
        piece = Piece(nodes, {key.replace("__", ":"): value for key, value in tags.items()}, family, -1)
        self.pieces.append(piece)
        return piece

    def points(self, nodes: list[int]) -> Floats:
        """Coordinates of nodes."""
        return np.array([self.xy[node] for node in nodes])

    def length(self, piece: Piece) -> float:
        """Length in metres."""
        return float(np.hypot(*np.diff(self.points(piece.nodes), axis=0).T).sum())


def make_net(lines: list[Line], ground: Ground) -> Net:
    """The whole street network, walkable or not."""
    net = _noded(lines)
    generator = np.random.default_rng(SEED + 1)
    _thin_out(net, generator)
    _classify(net, ground, generator)
    _cross_over(net)
    _keep_connected(net)
    _crown_escalator(net, ground)
    _kaixuan_lift(net, ground)
    _lifts_and_escalators(net, ground)
    _yards(net, generator)
    _island(net, ground)
    return net


def _noded(lines: list[Line]) -> Net:
    shapes = np.array([line.shape for line in lines])
    left, right = STRtree(shapes).query(shapes, predicate="intersects")
    left, right = left[left < right], right[left < right]
    order = np.lexsort((right, left))
    left, right = left[order], right[order]
    crossings, pair = shapely.get_coordinates(shapely.intersection(shapes[left], shapes[right]), return_index=True)
    crossings = np.round(crossings, 3)
    links = cKDTree(crossings).query_pairs(WELD_M, output_type="ndarray")
    graph = coo_array((np.ones(len(links)), (links[:, 0], links[:, 1])), shape=(len(crossings),) * 2)
    _, weld = connected_components(graph, directed=False)
    count = np.bincount(weld)
    centres = np.round(np.column_stack([np.bincount(weld, crossings[:, k]) / count for k in (0, 1)]), 3)
    net = Net([tuple(point) for point in centres.tolist()])
    on_line: dict[int, set[int]] = {}
    for line, junction in zip(np.r_[left[pair], right[pair]].tolist(), np.r_[weld, weld].tolist(), strict=True):
        on_line.setdefault(line, set()).add(junction)
    for number, line in enumerate(lines):
        _cut(net, line, number, sorted(on_line.get(number, ())))
    return net


def _cut(net: Net, line: Line, number: int, junctions: list[int]) -> None:
    """Add one line's pieces between its junctions."""
    shape = line.shape.simplify(0.02).segmentize(VERTEX_M)
    flat = np.round(shapely.get_coordinates(shape), 3)
    own = np.r_[0, np.cumsum(np.hypot(*np.diff(flat, axis=0).T))]
    stops = [(float(shape.project(Point(net.xy[junction]))), junction) for junction in junctions]
    at = np.array(sorted(stop for stop, _ in stops)) if stops else np.array([-99.0])
    chain: list[tuple[float, int, bool]] = [(stop, junction, True) for stop, junction in stops]
    for s, point in zip(own.tolist(), flat.tolist(), strict=True):
        if np.abs(at - s).min() > WELD_M:
            chain.append((s, net.node(*point), False))
    if line.node_tags and len(line.xy) == 3:
        middle = min(chain, key=lambda stop: abs(stop[0] - own[-1] / 2))
        net.node_tags[middle[1]] = dict(line.node_tags)
    chain.sort()
    if line.family == "square":
        chain[-1] = (chain[-1][0], chain[0][1], True)  # a closed way
    piece: list[int] = []
    for _, node, junction in chain:
        if not piece or piece[-1] != node:
            piece.append(node)
        if junction and len(piece) > 1:
            net.pieces.append(Piece(piece, dict(line.tags), line.family, number))
            piece = [node]
    if len(piece) > 1:
        net.pieces.append(Piece(piece, dict(line.tags), line.family, number))


def _degrees(net: Net) -> dict[int, int]:
    count: dict[int, int] = {}
    for piece in net.pieces:
        for node in (piece.nodes[0], piece.nodes[-1]):
            count[node] = count.get(node, 0) + 1
    return count


def _thin_out(net: Net, generator: np.random.Generator) -> None:
    """Leave some pieces out so that blocks differ in size, then the stubs that this leaves."""
    grown = ("along", "across")
    out = generator.random(len(net.pieces)) < 0.10
    net.pieces = [piece for piece, gone in zip(net.pieces, out, strict=True) if piece.family not in grown or not gone]
    for _ in range(3):
        ends = _degrees(net)
        net.pieces = [
            piece
            for piece in net.pieces
            if piece.family not in (*grown, "walk", "park")
            or min(ends[piece.nodes[0]], ends[piece.nodes[-1]]) > 1
            or net.length(piece) > (70 if piece.family in grown else 16)
        ]


ALONG = (("residential", 0.46), ("unclassified", 0.16), ("tertiary", 0.08), ("service", 0.16), ("footway", 0.14))
ACROSS = (("residential", 0.42), ("footway", 0.30), ("service", 0.16), ("living_street", 0.04), ("unclassified", 0.08))
PARK = (("footway", 0.75), ("path", 0.25))


def _classify(net: Net, ground: Ground, generator: np.random.Generator) -> None:
    """What each grown piece is: a street, an alley or, where it is steep, a stair."""
    kinds: dict[int, str] = {}
    for piece in net.pieces:
        table = {"along": ALONG, "across": ACROSS, "park": PARK}.get(piece.family)
        if table is None:
            continue
        if piece.line not in kinds:
            names, shares = zip(*table, strict=True)
            kinds[piece.line] = str(names[int(np.searchsorted(np.cumsum(shares), generator.random() * 0.999))])
        piece.tags["highway"] = kinds[piece.line]
    _stairs(net, ground, generator)
    for piece in net.pieces:
        if piece.tags["highway"] in ("primary", "secondary") and "sidewalk" not in piece.tags:
            piece.tags["sidewalk"] = "both"
        if piece.tags["highway"] in ("tertiary", "unclassified") and piece.line % 5 == 0:
            piece.tags["oneway"] = "yes"  # for cars
        if piece.tags["highway"] in ("footway", "path") and piece.line % 11 == 0:
            piece.tags["surface"] = "paving_stones"


def _stairs(net: Net, ground: Ground, generator: np.random.Generator) -> None:
    """Steep pieces are stairs, up to the length measured on the real city; the others that are steep go."""
    ends = ground.height(net.points([node for piece in net.pieces for node in (piece.nodes[0], piece.nodes[-1])]))
    rise = np.diff(ends.reshape(-1, 2), axis=1).ravel()
    run = np.array([net.length(piece) for piece in net.pieces])
    steep = np.abs(rise) / run
    loose = np.array([piece.family in ("across", "park") for piece in net.pieces])
    trail = np.array([_trail(piece) for piece in net.pieces])
    along = np.array([piece.family == "along" for piece in net.pieces])
    chosen = np.flatnonzero((loose & (steep > STEEP)) | (along & (steep > 0.27)) | (trail & (steep > 0.10)))
    chosen = generator.permutation(chosen)
    chosen = np.r_[
        [n for n in chosen if _trail(net.pieces[n])], [n for n in chosen if not _trail(net.pieces[n])]
    ].astype(int)
    total, gone = 0.0, set()
    for number in chosen.tolist():
        if total + run[number] > STEPS_KM * 1000 - 150 or abs(rise[number]) > TALLEST_M:
            gone.add(number)
            continue
        total += float(run[number])
        _as_steps(net.pieces[number], float(rise[number]), generator)
    net.pieces = [piece for number, piece in enumerate(net.pieces) if number not in gone]


def _trail(piece: Piece) -> bool:
    """Whether it is one of the mountain-city trails drawn by hand."""
    return piece.family == "main" and piece.tags["highway"] == "footway"


def _as_steps(piece: Piece, rise: float, generator: np.random.Generator) -> None:
    luck = generator.random()
    piece.tags = {"highway": "steps"} | ({"name": piece.tags["name"]} if "name" in piece.tags else {})
    if luck < 0.72:
        piece.tags["step_count"] = str(max(2, round(abs(rise) / RISER_M)))
    if luck < 0.86:
        piece.tags["incline"] = "up" if rise > 0 else "down"
    if luck < 0.35:
        piece.tags["handrail"] = "yes"


# ------------------------------------------------------------------------------------------------- above and below


def _nearest(net: Net, xy: Floats, *, kinds: tuple[str, ...] = ()) -> int:
    """The node of a street nearest to a point."""
    nodes = sorted(
        {
            node
            for piece in net.pieces
            if piece.family != "over" and (not kinds or piece.tags["highway"] in kinds)
            for node in (piece.nodes[0], piece.nodes[-1])
        }
    )
    away = np.hypot(*(net.points(nodes) - xy).T)
    return nodes[int(np.argmin(away))]


ROADWAYS = ("primary", "secondary", "tertiary", "trunk")


def _cross_over(net: Net) -> None:
    """Bridges and tunnels: joined to the streets at their two ends only."""
    for bridge, rows in ((True, drawn.BRIDGES), (False, drawn.TUNNELS)):
        for name, tags, points in rows:
            xy = metres(points)
            first, last = _nearest(net, xy[0], kinds=ROADWAYS), _nearest(net, xy[-1], kinds=ROADWAYS)
            line = LineString([net.xy[first], *xy[1:-1].tolist(), net.xy[last]])
            flat = shapely.get_coordinates(line)
            smooth = np.vstack([flat[:1], _bow(flat), flat[-1:]])
            inner = [net.node(*point) for point in smooth[1:-1].tolist()]
            level = {"bridge": "yes", "layer": "1"} if bridge else {"tunnel": "yes", "layer": "-1"}
            net.pieces.append(Piece([first, *inner, last], {**tags, "name": name, **level}, "over", -1))


def _bow(flat: Floats) -> Floats:
    """Points of a quadratic curve through three points' corner, ends left out."""
    t = np.linspace(0, 1, 13)[1:-1, None]
    middle = 2 * flat[1] - (flat[0] + flat[-1]) / 2
    return (1 - t) ** 2 * flat[0] + 2 * t * (1 - t) * middle + t**2 * flat[-1]


def walkable(tags: dict[str, str]) -> bool:
    """Whether one may walk there at all."""
    return tags.get("foot") != "no" and "aerialway" not in tags and "motorroad" not in tags


def _keep_connected(net: Net) -> None:
    """Drop the scraps that are not joined to the one large network on foot."""
    size = len(net.xy)
    on_foot = [piece for piece in net.pieces if walkable(piece.tags)]
    a = [piece.nodes[0] for piece in on_foot]
    b = [piece.nodes[-1] for piece in on_foot]
    _, part = connected_components(coo_array((np.ones(len(a)), (a, b)), shape=(size, size)), directed=False)
    weight = np.bincount(part[a], [net.length(piece) for piece in on_foot])
    main = int(np.argmax(weight))
    net.pieces = [piece for piece in net.pieces if not walkable(piece.tags) or part[piece.nodes[0]] == main]


def _crown_escalator(net: Net, ground: Ground) -> None:
    """The Crown Escalator: 112 m along the slope, 52.7 m up, between two streets of different height."""
    assert ground.crown is not None  # noqa: S101  make_ground sets it
    bottom, top = (net.node(*end) for end in ground.crown)
    net.add(
        [bottom, top],
        "over",
        highway="steps",
        conveying="reversible",
        incline="up",
        fee="yes",
        charge="2 CNY",
        name="皇冠大扶梯",
        name__en="Crown Escalator",
        opening_hours="06:30-22:30",
        covered="yes",
    )
    for node in (bottom, top):
        net.add([node, _level_neighbour(net, ground, node)], "walk", highway="footway")


def _kaixuan_lift(net: Net, ground: Ground) -> None:
    """The Kaixuan Road lift: one node, two levels that are 32.5 m apart."""
    assert ground.kaixuan is not None  # noqa: S101  make_ground sets it
    lift = net.node(*ground.kaixuan.mean(axis=0))
    net.node_tags[lift] = {
        "highway": "elevator",
        "name": "凯旋路电梯",
        "name:en": "Kaixuan Road Lift",
        "fee": "yes",
        "charge": "1 CNY",
        "level": "0;10.83",
        "opening_hours": "06:00-23:00",
        "height": "32.5",
    }
    for end, level in zip(ground.kaixuan, ("0", "10.83"), strict=True):
        landing = net.node(*end)
        net.add([lift, landing], "over", highway="footway", level=level, incline="0%")
        net.add([landing, _level_neighbour(net, ground, landing)], "walk", highway="footway")


def _level_neighbour(net: Net, ground: Ground, node: int) -> int:
    """A junction near by at much the same height."""
    ends = sorted({end for piece in net.pieces if piece.family != "over" for end in (piece.nodes[0], piece.nodes[-1])})
    ends = [end for end in ends if end != node]
    away = np.hypot(*(net.points(ends) - np.array(net.xy[node])).T)
    climb = np.abs(ground.height(net.points(ends)) - ground.height(net.points([node]))[0])
    return ends[int(np.argmin(np.round(away + 8 * climb, 3)))]


def _lifts_and_escalators(net: Net, ground: Ground) -> None:
    """Public lifts beside some of the stairs, and a few short escalators in place of stairs."""
    home = ground.land
    shapely.prepare(home)
    stairs = []
    for piece in net.pieces:
        if (
            piece.tags["highway"] == "steps"
            and "conveying" not in piece.tags
            and home.contains(Point(net.xy[piece.nodes[0]]))
        ):
            rise = float(np.diff(ground.height(net.points([piece.nodes[0], piece.nodes[-1]])))[0])
            stairs.append((abs(rise), net.length(piece), rise, piece))
    taken: list[Floats] = []
    moving = [row for row in stairs if 7 < row[0] < 20 and row[1] < 60]
    for _, _, rise, piece in _spread(net, moving, taken, 5):
        up = rise > 0
        piece.tags = {
            "highway": "steps",
            "conveying": "forward" if up else "backward",
            "incline": "up" if up else "down",
        }
    lifting = [row for row in stairs if 13 < row[0] < 40 and row[1] < 120]
    lifts = [_lift(net, piece, rise) for _, _, rise, piece in _spread(net, lifting, taken, 14)]
    for number, lift in enumerate(lifts):
        if number % 3 == 0:
            net.node_tags[lift]["opening_hours"] = "06:30-22:30"
    for name, lonlat in drawn.LIFTS.items():
        nearest = min(lifts, key=lambda lift: hypot(*(metres([lonlat])[0] - np.array(net.xy[lift]))))
        net.node_tags[nearest]["name"] = name


Stair = tuple[float, float, float, Piece]


def _spread(net: Net, stairs: list[Stair], taken: list[Floats], most: int) -> list[Stair]:
    """The tallest of these stairs that are well apart from each other and from those taken."""
    found: list[Stair] = []
    for row in sorted(stairs, key=lambda stair: (-round(stair[0], 2), stair[3].nodes)):
        middle = net.points([row[3].nodes[0], row[3].nodes[-1]]).mean(axis=0)
        if len(found) < most and all(hypot(*(middle - other)) > 330 for other in taken):
            taken.append(middle)
            found.append(row)
    return found


def _lift(net: Net, piece: Piece, rise: float) -> int:
    """A lift beside the lower end of a stair, with a deck to the upper end."""
    low, high = (piece.nodes[0], piece.nodes[-1]) if rise > 0 else (piece.nodes[-1], piece.nodes[0])
    foot, head = np.array(net.xy[low]), np.array(net.xy[high])
    along = (head - foot) / hypot(*(head - foot))
    lift = net.node(*(foot + along * 14 + np.array([-along[1], along[0]]) * 9))
    floors = max(2, round(abs(rise) / 3))
    net.node_tags[lift] = {"highway": "elevator", "level": f"0;{floors}", "wheelchair": "yes"}
    net.add([low, lift], "over", highway="footway", level="0", incline="0%")
    net.add([lift, high], "over", highway="footway", level=str(floors), incline="0%", bridge="yes", layer="1")
    return lift


def _yards(net: Net, generator: np.random.Generator) -> None:
    """Service ways into blocks; every fourth is gated and private."""
    shapes = np.array([LineString(net.points(piece.nodes)) for piece in net.pieces])
    tree = STRtree(shapes)
    hosts = [
        number
        for number, piece in enumerate(net.pieces)
        if piece.tags["highway"] in ("residential", "tertiary", "unclassified", "living_street")
        and shapes[number].length > 60
        and len(piece.nodes) > 2
    ]
    made = 0
    for number in generator.permutation(hosts).tolist():
        piece = net.pieces[number]
        node = piece.nodes[len(piece.nodes) // 2]
        here = np.array(net.xy[node])
        before = np.array(net.xy[piece.nodes[len(piece.nodes) // 2 - 1]])
        along = (here - before) / hypot(*(here - before))
        normal = np.array([-along[1], along[0]]) * (1 if generator.random() < 0.5 else -1)
        length = float(generator.uniform(30, 55))
        lane = LineString([here + normal * 2, here + normal * (length + 12)])
        if len(tree.query(lane, predicate="intersects")):
            continue
        bend = float(generator.uniform(-0.4, 0.4))
        turned = np.array(
            [normal[0] * cos(bend) - normal[1] * sin(bend), normal[0] * sin(bend) + normal[1] * cos(bend)]
        )
        gate = net.node(*(here + normal * 9))
        end = net.node(*(here + normal * 9 + turned * (length - 9)))
        if made % 4 == 0:
            net.node_tags[gate] = {"barrier": "gate", "access": "private"}
            net.add([node, gate], "yard", highway="service")
            net.add([gate, end], "yard", highway="service", access="private", service="driveway")
        else:
            net.add([node, gate, end], "yard", highway="service")
        made += 1
        if made >= 170:
            break


def _island(net: Net, ground: Ground) -> None:
    """A path on the shoal that joins nothing: an island on purpose."""
    middle = np.array(ground.shoal.centroid.coords[0])
    angle = radians(15)
    along = np.array([cos(angle), sin(angle)])
    row = [net.node(*(middle + along * s)) for s in (-320.0, -160.0, 0.0, 160.0, 320.0)]
    net.add(row, "island", highway="path", name="珊瑚坝便道")
