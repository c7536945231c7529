"""The streets of the synthetic twin: main roads by hand, the rest grown along and across the slopes.

Lines that follow the contours and lines that climb across them are traced through a field of directions, evenly
spaced (Jobard and Lefer 1997; for streets Chen et al. 2008). Where a climbing line is steep it becomes a stair.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from math import atan2, cos, hypot, pi, sin
from typing import TYPE_CHECKING

import numpy as np
import shapely
import twin_drawn as drawn
from scipy.ndimage import gaussian_filter
from shapely import LineString, Point, STRtree
from shapely.ops import substring
from twin_ground import CELL_M, SEED, curve, metres

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shapely.geometry.base import BaseGeometry
    from twin_ground import Floats, Ground

STEP_M = 12.0
STEEP = 0.20  # rise over run above which a climbing street is a stair
STEPS_KM = 14.0  # as measured on the real city


@dataclass
class Line:
    """A street before it is cut at junctions."""

    xy: Floats
    tags: dict[str, str]
    family: str = "main"  # main, along, across, park, walk, over (over: joined at its ends only)
    node_tags: dict[str, str] = field(default_factory=dict)  # of a vertex in its middle

    @property
    def shape(self) -> LineString:
        """The line as a geometry."""
        return LineString(self.xy)


# ---------------------------------------------------------------------------------------------------- the field


class Field:
    """Direction and spacing of streets at any place, looked up on the cells of the relief."""

    def __init__(self, ground: Ground, spacing: Floats) -> None:
        self.ground = ground
        rows, cols = ground.heights.shape
        calm = gaussian_filter(ground.heights, 2.2)
        down, right = np.gradient(calm, CELL_M)
        slope = np.hypot(down, right)
        angle = np.arctan2(-down, right) + np.pi / 2
        weight = np.clip(slope / 0.07, 0.02, 1.0)
        c, s = weight * np.cos(2 * angle), weight * np.sin(2 * angle)
        xx = ground.west + (np.arange(cols) + 0.5) * CELL_M
        yy = ground.north - (np.arange(rows) + 0.5) * CELL_M
        x, y = np.meshgrid(xx, yy)
        for lon, lat, bearing, radius, strength in drawn.GRIDS:
            centre = metres([(lon, lat)])[0]
            pull = strength * np.exp(-((x - centre[0]) ** 2 + (y - centre[1]) ** 2) / (2 * radius**2))
            c += pull * np.cos(2 * np.radians(bearing))
            s += pull * np.sin(2 * np.radians(bearing))
        c, s = gaussian_filter(c, 1.5), gaussian_filter(s, 1.5)
        self.cos, self.sin = np.round(c, 6).tolist(), np.round(s, 6).tolist()
        self.spacing = np.round(spacing, 2).tolist()
        self.rows, self.cols = rows, cols

    def cell(self, x: float, y: float) -> tuple[int, int]:
        """Row and column of the cell."""
        row = int((self.ground.north - y) / CELL_M)
        col = int((x - self.ground.west) / CELL_M)
        return min(max(row, 0), self.rows - 1), min(max(col, 0), self.cols - 1)

    def gap(self, x: float, y: float) -> float:
        """Wanted spacing in metres; 0 where no street may go."""
        row, col = self.cell(x, y)
        return self.spacing[row][col]

    def direction(self, x: float, y: float, *, across: bool) -> float:
        """Angle of the field."""
        r = min(max((self.ground.north - y) / CELL_M - 0.5, 0), self.rows - 1.001)
        q = min(max((x - self.ground.west) / CELL_M - 0.5, 0), self.cols - 1.001)
        i, j = int(r), int(q)
        v, u = r - i, q - j
        a, b, c, d = (1 - u) * (1 - v), u * (1 - v), (1 - u) * v, u * v
        one, two = self.cos[i], self.cos[i + 1]
        even = a * one[j] + b * one[j + 1] + c * two[j] + d * two[j + 1]
        one, two = self.sin[i], self.sin[i + 1]
        odd = a * one[j] + b * one[j + 1] + c * two[j] + d * two[j + 1]
        return atan2(odd, even) / 2 + (pi / 2 if across else 0.0)


class Tracer:
    """Evenly spaced lines of one family."""

    def __init__(self, field_: Field, *, across: bool, stretch: float = 1.0) -> None:
        self.field, self.across, self.stretch = field_, across, stretch
        self.cells: dict[tuple[int, int], list[tuple[float, float, int]]] = {}
        self.lines: list[Floats] = []
        self.mark = 0

    def gap(self, x: float, y: float) -> float:
        """Spacing here."""
        return self.field.gap(x, y) * self.stretch

    def add(self, xy: Floats) -> None:
        """Keep others away from these points."""
        self.mark += 1
        for x, y in xy.tolist():
            self.cells.setdefault((int(x // 100), int(y // 100)), []).append((x, y, self.mark))

    def near(self, x: float, y: float, radius: float) -> bool:
        """Whether a line of this family is within the radius."""
        reach = int(radius // 100) + 1
        col, row, square = int(x // 100), int(y // 100), radius * radius
        for i in range(col - reach, col + reach + 1):
            for j in range(row - reach, row + reach + 1):
                for px, py, _ in self.cells.get((i, j), ()):
                    if (px - x) ** 2 + (py - y) ** 2 < square:
                        return True
        return False

    def _half(self, x: float, y: float, turn: float, longest: float) -> list[tuple[float, float]]:
        path: list[tuple[float, float]] = []
        angle = self.field.direction(x, y, across=self.across) + turn
        for _ in range(int(longest / STEP_M)):
            half = self._aligned(x + STEP_M / 2 * cos(angle), y + STEP_M / 2 * sin(angle), angle)
            x, y = round(x + STEP_M * cos(half), 3), round(y + STEP_M * sin(half), 3)
            gap = self.gap(x, y)
            if gap <= 0 or self.near(x, y, 0.55 * gap):
                break
            if len(path) > 8 and any(hypot(px - x, py - y) < 0.6 * gap for px, py in path[: -int(gap / STEP_M) - 2]):
                break
            angle = self._aligned(x, y, half)
            path.append((x, y))
        return path

    def _aligned(self, x: float, y: float, before: float) -> float:
        angle = self.field.direction(x, y, across=self.across)
        return angle if cos(angle - before) >= 0 else angle + pi

    def fill(self, seeds: Floats, *, longest: float, shortest: float = 60.0) -> None:
        """Grow lines from seeds, and from the sides of lines that are there."""
        queue: deque[tuple[float, float]] = deque()
        for seed in seeds.tolist():
            queue.append((seed[0], seed[1]))
            while queue:
                x, y = queue.popleft()
                gap = self.gap(x, y)
                if gap <= 0 or self.near(x, y, 0.95 * gap):
                    continue
                back = self._half(x, y, pi, longest / 2)
                path = np.array([*back[::-1], (round(x, 3), round(y, 3)), *self._half(x, y, 0.0, longest / 2)])
                if len(path) * STEP_M < shortest:
                    continue
                self.add(path)
                self.lines.append(path)
                queue.extend(self._beside(path))

    def _beside(self, path: Floats) -> Iterator[tuple[float, float]]:
        for k in range(2, len(path), 6):
            dx, dy = path[k] - path[k - 1]
            far = self.gap(*path[k]) / STEP_M
            for sign in (1, -1):
                yield round(path[k][0] - sign * dy * far, 3), round(path[k][1] + sign * dx * far, 3)


def spacing_grid(ground: Ground, where: BaseGeometry, *, park: bool) -> Floats:
    """Wanted spacing of streets in metres for every cell; 0 where none may go."""
    rows, cols = ground.heights.shape
    x, y = np.meshgrid(ground.west + (np.arange(cols) + 0.5) * CELL_M, ground.north - (np.arange(rows) + 0.5) * CELL_M)
    xy = np.column_stack([x.ravel(), y.ravel()])
    points = shapely.points(xy)
    shapely.prepare(where)
    inside = shapely.contains(where, points)
    gap = np.full(len(xy), 95.0 if park else drawn.SPACING_WEST)
    if not park:
        for lon, lat, radius, wanted in drawn.DENSER:
            away = np.hypot(*(xy - metres([(lon, lat)])[0]).T)
            pull = np.exp(-((away / radius) ** 2))
            gap = gap * (1 - pull) + wanted * pull
        district = ground.land
        shapely.prepare(district)
        gap = np.where(shapely.contains(district, points), gap, drawn.SPACING_MARGIN)
        generator = np.random.default_rng(SEED + 7)
        noise = gaussian_filter(generator.normal(size=(rows, cols)), 7)
        gap *= 1 + 0.22 * np.clip(noise / noise.std(), -1.6, 1.6).ravel()
    return np.round(np.where(inside, gap, 0.0).reshape(rows, cols), 1)


# -------------------------------------------------------------------------------------------------- growing lines


def grow(ground: Ground) -> list[Line]:
    """All lines of the twin before they are cut at junctions."""
    lines = list(_riverfront(ground)) + [
        Line(np.array(curve(points).coords), {"highway": kind, "name": name} if name else {"highway": kind})
        for kind, name, points in drawn.ROADS
    ]
    lines = [_clipped(line, ground) for line in lines]
    lines = [line for line in lines if line is not None]
    parks = shapely.union_all([park.buffer(-4) for park in drawn.parks().values()])
    wet = shapely.union_all([ground.water, ground.shoal])
    dry = ground.covered.difference(wet.buffer(62))
    field_ = Field(ground, spacing_grid(ground, dry.difference(parks.buffer(12)), park=False))
    lines += _fill(field_, lines, {"along": (900.0, 1.0), "across": (520.0, 1.25)})
    inner = Field(ground, spacing_grid(ground, parks.buffer(-10), park=True))
    lines += [
        Line(line.xy, line.tags, "park")
        for line in _fill(inner, lines, {"along": (500.0, 1.0), "across": (260.0, 1.2)})
    ]
    lines += [
        Line(
            shapely.get_coordinates(shape),
            {"highway": "pedestrian", "area": "yes", "place": "square", "name": name},
            "square",
        )
        for name, shape in drawn.squares().items()
    ]
    lines = _joined(lines)
    return lines + list(_sidewalks(lines, ground))


def _clipped(line: Line, ground: Ground) -> Line | None:
    kept = [part for part in shapely.get_parts(line.shape.intersection(ground.covered)) if part.length > 60]
    if not kept:
        return None
    longest = max(kept, key=lambda part: part.length)
    return Line(np.round(shapely.get_coordinates(longest), 3), line.tags, line.family)


def _riverfront(ground: Ground) -> Iterator[Line]:
    """A road and a promenade along every bank."""
    rivers = shapely.union_all([ground.jialing, ground.yangtze])
    for away, kind in ((48.0, "primary"), (18.0, "footway")):
        shore = rivers.buffer(away).buffer(-30).buffer(30).boundary
        parts = shapely.get_parts(shapely.line_merge(shore.intersection(ground.extent)))
        for part in sorted(parts, key=lambda line: line.centroid.y):
            if part.length < 400:
                continue
            at_home = part.intersection(ground.district)
            if at_home.length > 400:
                yield from _home_bank(part, kind)
            elif kind == "primary":
                north = part.centroid.y > ground.district.centroid.y
                name = "北滨路" if north else "南滨路"
                yield Line(shapely.get_coordinates(part.simplify(0.6)), {"highway": "secondary", "name": name})


def _home_bank(part: LineString, kind: str) -> Iterator[Line]:
    mouth = part.project(Point(metres([(106.5885, 29.5668)])[0]))
    halves = (substring(part, 0, mouth), substring(part, mouth, part.length))
    for half in halves:
        north = half.centroid.y > metres([(106.53, 29.5535)])[0][1]
        name = "嘉滨路" if north else "长滨路"
        tags = {"highway": kind, "name": name if kind == "primary" else f"{name}步道"}
        yield Line(shapely.get_coordinates(half.simplify(0.6)), tags, "main" if kind == "primary" else "walk")


def _fill(field_: Field, lines: list[Line], families: dict[str, tuple[float, float]]) -> list[Line]:
    """Grow both families in the gaps that the lines leave."""
    generator = np.random.default_rng(SEED)
    rows, cols = np.nonzero(np.array(field_.spacing))
    order = generator.permutation(len(rows))
    ground = field_.ground
    seeds = np.column_stack([ground.west + (cols[order] + 0.5) * CELL_M, ground.north - (rows[order] + 0.5) * CELL_M])
    grown: list[Line] = []
    for family, (longest, stretch) in families.items():
        tracer = Tracer(field_, across=family == "across", stretch=stretch)
        for line in lines:
            _keep_away(tracer, line)
        tracer.fill(seeds, longest=longest)
        grown += [Line(path, {}, family) for path in tracer.lines]
    return grown


def _keep_away(tracer: Tracer, line: Line) -> None:
    """Count a drawn road as one of this family where it runs the same way."""
    dense = shapely.get_coordinates(line.shape.segmentize(STEP_M))
    headings = np.arctan2(*np.diff(dense, axis=0).T[::-1])
    same = [
        k
        for k, heading in enumerate(headings.tolist())
        if abs(cos(heading - tracer.field.direction(*dense[k].tolist(), across=tracer.across))) > 0.75
    ]
    tracer.add(dense[same])


def _joined(lines: list[Line]) -> list[Line]:
    """Lengthen loose ends to the street ahead of them."""
    _meet(lines)
    shapes = [line.shape for line in lines]
    tree = STRtree(shapes)
    for number, line in enumerate(lines):
        if line.family not in ("along", "across", "park"):
            continue
        for end in (0, -1):
            tip = line.xy[end]
            inward = line.xy[1 if end == 0 else -2]
            reach = 150.0 if line.family != "park" else 110.0
            ahead = (tip - inward) / hypot(*(tip - inward)) * reach
            best = _first_hit(LineString([tip + ahead * 0.004, tip + ahead]), tree, number)
            if best is not None:
                line.xy = np.round(np.vstack([best, line.xy] if end == 0 else [line.xy, best]), 3)
    return lines


def _meet(lines: list[Line]) -> None:
    """Let drawn roads that end a little short of another reach it."""
    drawn_ = [line for line in lines if line.family == "main"]
    for line in drawn_:
        for end in (0, -1):
            tip = Point(line.xy[end])
            others = [other.shape for other in drawn_ if other is not line]
            near = min(others, key=tip.distance)
            away = near.distance(tip)
            if not 0.01 < away < 90:
                continue
            foot = np.array(near.interpolate(near.project(tip)).coords[0])
            beyond = np.round(foot + (foot - line.xy[end]) / away * 0.3, 3)
            line.xy = np.vstack([beyond, line.xy] if end == 0 else [line.xy, beyond])


def _first_hit(ray: LineString, tree: STRtree, own: int) -> Floats | None:
    best, nearest = None, 1e9
    for other in sorted(tree.query(ray, predicate="intersects").tolist()):
        if other == own:
            continue
        for point in shapely.get_coordinates(ray.intersection(tree.geometries[other])):
            away = hypot(*(point - np.array(ray.coords[0])))
            if away < nearest:
                best, nearest = point, away
    if best is None:
        return None
    start = np.array(ray.coords[0])
    return best + (best - start) / max(nearest, 0.01) * 0.3  # a hand's breadth beyond, so that they cross


def _sidewalks(lines: list[Line], ground: Ground) -> Iterator[Line]:
    """Separately mapped sidewalks of the busiest streets, and crossings between them."""
    land = ground.land.buffer(-20)
    for line in lines:
        if line.tags.get("name") not in drawn.WITH_SIDEWALKS or line.family != "main":
            continue
        shape = line.shape.intersection(land)
        if shape.geom_type != "LineString" or shape.length < 150:
            continue
        line.tags["sidewalk"] = "separate"
        middle = substring(shape, 14, shape.length - 14)
        for side in (9.0, -9.0):
            offset = middle.offset_curve(side, join_style="round")
            for part in shapely.get_parts(offset):
                yield Line(
                    np.round(shapely.get_coordinates(part.simplify(0.5)), 3),
                    {"highway": "footway", "footway": "sidewalk"},
                    "walk",
                )
        for number, at in enumerate(np.arange(40, middle.length - 30, 125).tolist()):
            here, there = np.array(middle.interpolate(at).coords[0]), np.array(middle.interpolate(at + 1).coords[0])
            normal = np.array([-(there - here)[1], (there - here)[0]]) / hypot(*(there - here)) * 9.4
            kind = "traffic_signals" if number % 3 == 0 else "uncontrolled"
            tags = {"highway": "footway", "footway": "crossing", "crossing": kind}
            yield Line(
                np.round([here + normal, here, here - normal], 3),
                tags,
                "walk",
                {"highway": "crossing", "crossing": kind},
            )
