"""The ground of the synthetic twin: rivers, boundary, relief and the shapes that are drawn by hand.

Nothing here is traced from a map. The lines are drawn freehand through rough anchors of well-known places so that
published figures hold: 23.24 km2 of district, 20.08 km2 of land, heights from 160 m to 379 m.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import shapely
from pyproj import Transformer
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree
from shapely import LineString, MultiPolygon, Point, Polygon
from shapely.ops import substring

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

DISTRICT_KM2 = 23.24  # published
LAND_KM2 = 20.08  # published
HIGHEST_M = 379.0  # published
LOWEST_M = 160.0  # published
CROWN_LENGTH_M, CROWN_RISE_M = 112.0, 52.7  # published
KAIXUAN_RISE_M = 32.5  # published
MARGIN_M = 1500.0
CELL_M = 30.0
SEED = 500103
FAR_BANK_M = 520.0  # width of the strip with streets beyond the rivers
FAR_BANK_ENDS_M = 800.0  # and how far it goes on upstream and downstream

_TO_METRES = Transformer.from_crs("EPSG:4326", "EPSG:32648", always_xy=True)
_TO_DEGREES = Transformer.from_crs("EPSG:32648", "EPSG:4326", always_xy=True)


def metres(lonlat: Sequence[Sequence[float]] | Floats) -> Floats:
    """Longitude and latitude to UTM metres, rounded to a millimetre so that every machine agrees."""
    given = np.asarray(lonlat, float)
    return np.round(np.column_stack(_TO_METRES.transform(given[:, 0], given[:, 1])), 3)


def degrees(xy: Floats) -> Floats:
    """UTM metres to longitude and latitude, rounded to 1e-7 degrees as OSM does."""
    given = np.asarray(xy, float)
    return np.round(np.column_stack(_TO_DEGREES.transform(given[:, 0], given[:, 1])), 7)


def smooth(xy: Floats, *, rounds: int = 3) -> Floats:
    """Cut corners (Chaikin 1974), ends kept."""
    for _ in range(rounds):
        left, right = 0.75 * xy[:-1] + 0.25 * xy[1:], 0.25 * xy[:-1] + 0.75 * xy[1:]
        xy = np.vstack([xy[:1], np.stack([left, right], 1).reshape(-1, 2)[1:-1], xy[-1:]])
    return np.round(xy, 3)


def curve(lonlat: Sequence[Sequence[float]], *, rounds: int = 3) -> LineString:
    """A smooth line in metres through hand-drawn longitudes and latitudes."""
    return LineString(smooth(metres(lonlat), rounds=rounds))


JIALING = (
    (106.4540, 29.5790), (106.4680, 29.5712), (106.4800, 29.5655), (106.4890, 29.5632), (106.4985, 29.5616),
    (106.5085, 29.5598), (106.5175, 29.5574), (106.5260, 29.5568), (106.5335, 29.5590), (106.5400, 29.5630),
    (106.5460, 29.5676), (106.5525, 29.5712), (106.5595, 29.5716), (106.5665, 29.5694), (106.5735, 29.5679),
    (106.5805, 29.5680), (106.5870, 29.5690), (106.5937, 29.5697),
)  # fmt: skip
YANGTZE = (
    (106.5180, 29.4990), (106.5250, 29.5120), (106.5288, 29.5230), (106.5305, 29.5310), (106.5345, 29.5392),
    (106.5425, 29.5436), (106.5530, 29.5454), (106.5620, 29.5474), (106.5710, 29.5502), (106.5790, 29.5539),
    (106.5858, 29.5582), (106.5905, 29.5633), (106.5940, 29.5692), (106.6000, 29.5747), (106.6100, 29.5800),
)  # fmt: skip
LAND_SIDE = (  # from the Yangtze westward round to the Jialing
    (106.5305, 29.5308), (106.5250, 29.5316), (106.5180, 29.5304), (106.5110, 29.5292), (106.5050, 29.5312),
    (106.4990, 29.5340), (106.4945, 29.5366), (106.4910, 29.5405), (106.4888, 29.5450), (106.4874, 29.5500),
    (106.4868, 29.5570), (106.4860, 29.5640),
)  # fmt: skip
SHOAL = ((106.5535, 29.5464), (106.5590, 29.5471), (106.5640, 29.5484), (106.5655, 29.5491), (106.5600, 29.5485),
         (106.5545, 29.5472), (106.5535, 29.5464))  # 珊瑚坝  # fmt: skip
LAKE = ((106.5012, 29.5581), (106.5030, 29.5584), (106.5042, 29.5579), (106.5036, 29.5572), (106.5016, 29.5573),
        (106.5012, 29.5581))  # 化龙桥  # fmt: skip

# Crest lines with their heights: longitude, latitude, metres.
RIDGES = (
    (
        (106.5885, 29.5662, 188), (106.5840, 29.5645, 212), (106.5764, 29.5625, 240), (106.5718, 29.5606, 247),
        (106.5680, 29.5580, 254), (106.5633, 29.5572, 268), (106.5580, 29.5561, 300), (106.5540, 29.5556, 318),
        (106.5500, 29.5562, 285), (106.5462, 29.5560, 276), (106.5420, 29.5545, 300), (106.5370, 29.5525, 335),
        (106.5316, 29.5503, 362), (106.5260, 29.5480, 352), (106.5205, 29.5462, 340), (106.5151, 29.5445, 322),
        (106.5090, 29.5462, 330), (106.5026, 29.5485, 345), (106.4970, 29.5512, 320), (106.4900, 29.5530, 300),
        (106.4780, 29.5520, 290), (106.4600, 29.5540, 280),
    ),
    (
        (106.5151, 29.5445, 322), (106.5090, 29.5415, 308), (106.5030, 29.5395, 300), (106.4950, 29.5370, 294),
        (106.4820, 29.5310, 290), (106.4600, 29.5200, 285),
    ),
    (
        (106.5151, 29.5445, 322), (106.5140, 29.5380, 296), (106.5120, 29.5320, 282), (106.5080, 29.5200, 275),
        (106.5000, 29.5080, 270),
    ),
)  # fmt: skip
RIDGES_NORTH = (
    (
        (106.4600, 29.5950, 290), (106.4900, 29.5790, 285), (106.5200, 29.5740, 290), (106.5360, 29.5800, 285),
        (106.5520, 29.5860, 270), (106.5720, 29.5810, 255), (106.5900, 29.5830, 250), (106.6200, 29.5950, 250),
    ),
)  # fmt: skip
RIDGES_SOUTH = (
    (
        (106.5400, 29.5100, 270), (106.5480, 29.5270, 275), (106.5620, 29.5350, 285), (106.5780, 29.5410, 300),
        (106.5920, 29.5480, 325), (106.6020, 29.5590, 335), (106.6120, 29.5690, 330), (106.6250, 29.5720, 320),
    ),
)  # fmt: skip
# Flat ground between bluffs: longitude, latitude, half axes in metres, bearing of the long axis in degrees
# anticlockwise from east, height in metres, width of the bluff in metres.
TERRACES = (
    (106.5462, 29.5497, 900, 430, 18, 203, 62),  # 菜园坝
    (106.5000, 29.5590, 850, 230, -8, 192, 60),  # 化龙桥
    (106.5240, 29.5557, 650, 90, 0, 190, 50),  # 李子坝
    (106.5735, 29.5540, 700, 170, 28, 206, 60),  # 十八梯、凯旋路
    (106.5724, 29.5606, 680, 420, 30, 247, 64),  # 解放碑
    (106.5575, 29.5672, 420, 330, -10, 208, 90),  # 大溪沟
    (106.5440, 29.5618, 420, 260, 40, 232, 90),  # 上清寺
    (106.5030, 29.5385, 1000, 520, 15, 296, 160),  # 石油路
    (106.5140, 29.5420, 450, 330, -30, 314, 120),  # 大坪
    (106.5110, 29.5325, 520, 360, 0, 282, 150),  # 袁家岗
    (106.5330, 29.5405, 420, 150, 50, 196, 70),  # 黄沙溪
    (106.4870, 29.5430, 500, 420, 20, 284, 150),
)
# Single hills: longitude, latitude, radius, metres added.
HILLS = ((106.5549, 29.5548, 170, 26), (106.5316, 29.5505, 220, 30), (106.5245, 29.5476, 200, 16),
         (106.5030, 29.5484, 230, 22), (106.4958, 29.5525, 180, 10))  # fmt: skip


@dataclass(frozen=True)
class Ground:
    """Rivers, boundary and relief, in metres of EPSG:32648."""

    jialing: Polygon
    yangtze: Polygon
    shoal: Polygon
    lake: Polygon
    district: Polygon
    heights: Floats  # rows from north to south
    west: float
    north: float
    crown: Floats | None = None  # foot and head of the Crown Escalator
    kaixuan: Floats | None = None  # streets below and above the Kaixuan Road lift

    @cached_property
    def water(self) -> MultiPolygon:
        """Both rivers, the shoal not taken out, and the lake."""
        return shapely.union_all([self.jialing, self.yangtze, self.lake])

    @cached_property
    def land(self) -> Polygon:
        """The district without the rivers."""
        return self.district.difference(shapely.union_all([self.jialing, self.yangtze]))

    @cached_property
    def extent(self) -> Polygon:
        """The district and its margin."""
        return self.district.buffer(MARGIN_M)

    @cached_property
    def covered(self) -> Polygon:
        """Where the twin has streets: the district, its margin on land, and a strip of the far banks."""
        rivers = shapely.union_all([self.jialing, self.yangtze])
        home = [part for part in shapely.get_parts(self.extent.difference(rivers)) if part.intersects(self.land)]
        strip = rivers.buffer(FAR_BANK_M).intersection(self.district.buffer(FAR_BANK_ENDS_M))
        return shapely.union_all([*home, strip])

    def height(self, xy: Floats) -> Floats:
        """Height by bilinear interpolation between cell centres, rounded to a millimetre."""
        return np.round(_bilinear(self.heights, self._cell(xy)), 3)

    def _cell(self, xy: Floats) -> tuple[Floats, Floats]:
        given = np.atleast_2d(xy)
        return (self.north - given[:, 1]) / CELL_M - 0.5, (given[:, 0] - self.west) / CELL_M - 0.5

    @cached_property
    def _slope_grids(self) -> tuple[Floats, Floats]:
        calm = gaussian_filter(self.heights, 1.5)
        down, right = np.gradient(calm, CELL_M)
        return np.round(right, 6), np.round(-down, 6)

    def gradient(self, xy: Floats) -> Floats:
        """Eastward and northward slope of the ground, smoothed over about 50 m."""
        cell = self._cell(xy)
        return np.column_stack([_bilinear(grid, cell) for grid in self._slope_grids])

    def steepness(self, xy: Floats) -> Floats:
        """Slope as rise over run."""
        return np.hypot(*self.gradient(xy).T)


def _bilinear(grid: Floats, cell: tuple[Floats, Floats]) -> Floats:
    rows = np.clip(cell[0], 0, grid.shape[0] - 1.001)
    cols = np.clip(cell[1], 0, grid.shape[1] - 1.001)
    r, c = rows.astype(int), cols.astype(int)
    y, x = rows - r, cols - c
    top = grid[r, c] * (1 - x) + grid[r, c + 1] * x
    return top * (1 - y) + (grid[r + 1, c] * (1 - x) + grid[r + 1, c + 1] * x) * y


# ------------------------------------------------------------------------------------------------------- building


def make_ground() -> Ground:
    """Draw rivers and boundary so that the published areas hold, and the relief over them."""
    jialing_line, yangtze_line = curve(JIALING), curve(YANGTZE)
    shoal = Polygon(smooth(metres(SHOAL)))
    lake = Polygon(smooth(metres(LAKE)))
    push, width = 0.0, 1.0
    for _ in range(5):  # the land side and the width of the rivers in turn
        push = _secant(lambda metres_out: _district(metres_out).area, DISTRICT_KM2 * 1e6, push, 40.0)
        district = _district(push)
        wet = (DISTRICT_KM2 - LAND_KM2) * 1e6
        width = _secant(lambda w, d=district: _wet(jialing_line, yangtze_line, w, d), wet, width, 0.05)
    jialing, yangtze = _rivers(jialing_line, yangtze_line, width)
    west, south, east, north = district.buffer(MARGIN_M + 240).bounds
    west, north = CELL_M * np.floor(west / CELL_M), CELL_M * np.ceil(north / CELL_M)
    shape = (int(np.ceil((north - south) / CELL_M)), int(np.ceil((east - west) / CELL_M)))
    heights = _relief(shape, (west, north), jialing.union(yangtze).union(shoal), district)
    return _with_landmarks(Ground(jialing, yangtze, shoal, lake, district, heights, float(west), float(north)))


def _with_landmarks(ground: Ground) -> Ground:
    """Find room for the Crown Escalator and the Kaixuan Road lift, and level the ground at their two ends."""
    run = round(float(np.sqrt(CROWN_LENGTH_M**2 - CROWN_RISE_M**2)), 3)
    crown = _bluff(ground, (106.5457, 29.5545), run, CROWN_RISE_M)
    kaixuan = _bluff(ground, (106.5728, 29.5556), 84.0, KAIXUAN_RISE_M)
    heights = _levelled(ground, ground.heights, crown, CROWN_RISE_M)
    heights = _levelled(ground, heights, kaixuan, KAIXUAN_RISE_M)
    return replace(ground, heights=np.round(heights * 20) / 20, crown=crown, kaixuan=kaixuan)


def _bluff(ground: Ground, lonlat: tuple[float, float], run: float, rise: float) -> Floats:
    """Foot and head of the slope near a place that comes nearest to a rise over a run."""
    centre = metres([lonlat])[0]
    offsets = np.arange(-200, 201, 10.0)
    middle = np.array([(x, y) for x in offsets for y in offsets]) + centre
    uphill = ground.gradient(middle)
    uphill /= np.maximum(np.hypot(*uphill.T), 1e-6)[:, None]
    foot, head = middle - uphill * run / 2, middle + uphill * run / 2
    low, high = ground.height(foot), ground.height(head)
    miss = np.abs(high - low - rise) + np.hypot(*(middle - centre).T) / 40 + np.where(low < 196, 99, 0)
    best = int(np.argmin(np.round(miss, 3)))
    return np.round([foot[best], head[best]], 3)


def _levelled(ground: Ground, heights: Floats, ends: Floats, rise: float) -> Floats:
    """Level ground round both ends, the published rise apart, with a retaining wall between."""
    rows, cols = heights.shape
    x, y = np.meshgrid(ground.west + (np.arange(cols) + 0.5) * CELL_M, ground.north - (np.arange(rows) + 0.5) * CELL_M)
    away = np.array([np.hypot(x - end[0], y - end[1]) for end in ends])
    lift = (rise - float(np.diff(ground.height(ends))[0])) / 2
    low = np.round((ground.height(ends)[0] - lift) * 20) / 20
    level = np.where(away[0] < away[1], low, low + rise)
    share = np.clip((75 - away.min(axis=0)) / (75 - 43), 0, 1)
    return heights * (1 - share) + level * share


def _secant(measure: Callable[[float], float], target: float, start: float, step: float) -> float:
    """The number at which the measure is on target."""
    low, high = start, start + step
    at_low, at_high = measure(low) - target, measure(high) - target
    for _ in range(12):
        if abs(at_high) < 0.5 or at_high == at_low:
            break
        low, high, at_low = high, high - at_high * (high - low) / (at_high - at_low), at_high
        at_high = measure(high) - target
    return round(high, 4)


def _wet(jialing: LineString, yangtze: LineString, width: float, district: Polygon) -> float:
    return float(shapely.union_all(_rivers(jialing, yangtze, width)).intersection(district).area)


def _rivers(jialing: LineString, yangtze: LineString, width: float) -> tuple[Polygon, Polygon]:
    """The two rivers; the mouth belongs to the Yangtze."""
    big = yangtze.buffer(225 * width, cap_style="flat")
    small = jialing.buffer(132 * width, cap_style="flat")
    both = big.union(small).buffer(60).buffer(-60)  # rounds the corner of the far bank
    both = both.buffer(-20).buffer(20)
    small = both.difference(big)
    parts = shapely.get_parts(small)
    small = parts[int(np.argmax(shapely.area(parts)))]
    return shapely.set_precision(small, 0.001), shapely.set_precision(both.difference(small), 0.001)


def _district(push: float) -> Polygon:
    """Middle of both rivers and the land side, pushed outward by so many metres."""
    jialing, yangtze = metres(JIALING), metres(YANGTZE)
    side = metres(LAND_SIDE)
    weight = np.sin(np.linspace(0, np.pi, len(side)))[:, None]  # the ends stay on the rivers
    side = smooth(side + weight * push * np.array([-0.8, -0.6]))
    south = _part(LineString(smooth(yangtze)), side[0], jialing[-1])
    north = _part(LineString(smooth(jialing)), side[-1], jialing[-1])
    ring = np.vstack([south[:-1], north[::-1], side[::-1][1:]])
    return shapely.set_precision(Polygon(ring), 0.001)


def _part(line: LineString, start: Floats, end: Floats) -> Floats:
    """The stretch of a line between the points nearest to two others."""
    at = sorted((line.project(Point(start)), line.project(Point(end))))
    return shapely.get_coordinates(substring(line, *at))


def _relief(shape: tuple[int, int], corner: tuple[float, float], water: Polygon, district: Polygon) -> Floats:
    """Bare-earth heights in metres, rounded to 5 cm."""
    x = corner[0] + (np.arange(shape[1]) + 0.5) * CELL_M
    y = corner[1] - (np.arange(shape[0]) + 0.5) * CELL_M
    xx, yy = np.meshgrid(x, y)
    xy = np.column_stack([xx.ravel(), yy.ravel()])
    points = shapely.points(xy)
    shapely.prepare(water)
    wet = shapely.contains(water, points)
    to_bank = shapely.distance(points, water)
    heights = np.empty(len(xy))
    side = _side_of_rivers(points)
    for number, ridges in enumerate((RIDGES, RIDGES_NORTH, RIDGES_SOUTH)):
        here = side == number
        crest, away = _crest(xy[here], ridges)
        t = to_bank[here] / (to_bank[here] + away + 1.0)
        rise = 1 - (1 - t) ** 1.45
        heights[here] = 172 + (crest - 172) * rise
        heights[here] += 11 * np.sin(np.pi * np.clip(t, 0, 1)) * _spurs(xy[here])
    for terrace in TERRACES:
        heights = _with_terrace(heights, xy, terrace)
    for lon, lat, radius, more in HILLS:
        centre = metres([(lon, lat)])[0]
        heights += more * np.exp(-np.sum((xy - centre) ** 2, axis=1) / (2 * radius**2))
    shore = np.clip(to_bank / 45, 0, 1)  # a short slope from the water up to the embankment
    heights = np.where(wet, 163.0, 168 + (heights - 168) * (0.35 + 0.65 * shore))
    grid = gaussian_filter(heights.reshape(shape), 0.9)
    inside = shapely.contains(district, points).reshape(shape)
    low, high = grid[inside].min(), grid[inside].max()
    grid = np.where(grid > 300, 300 + (grid - 300) * (HIGHEST_M - 300) / (high - 300), grid)
    grid = np.where(grid < 170, 170 - (170 - grid) * (170 - LOWEST_M) / (170 - low), grid)
    return np.round(np.maximum(grid, LOWEST_M) * 20) / 20


def _crest(xy: Floats, ridges: tuple[tuple[tuple[float, float, float], ...], ...]) -> tuple[Floats, Floats]:
    """Height of the nearest stretch of crest, and the distance to it."""
    at, tall = [], []
    for ridge in ridges:
        flat = metres([point[:2] for point in ridge])
        along = np.r_[0, np.cumsum(np.hypot(*np.diff(flat, axis=0).T))]
        every = np.arange(0, along[-1], 25.0)
        at.append(np.column_stack([np.interp(every, along, flat[:, k]) for k in (0, 1)]))
        tall.append(np.interp(every, along, [point[2] for point in ridge]))
    tree = cKDTree(np.vstack(at))
    away, near = tree.query(xy, k=16)
    weight = 1 / (away + 60) ** 2
    return np.sum(weight * np.concatenate(tall)[near], axis=1) / weight.sum(axis=1), away[:, 0]


def _side_of_rivers(points: NDArray[np.object_]) -> NDArray[np.int64]:
    """0 on the peninsula and westward, 1 north of the Jialing, 2 across the Yangtze."""
    jialing, yangtze = metres(JIALING), metres(YANGTZE)
    mouth = jialing[-1]
    upstream = yangtze[yangtze[:, 0] < mouth[0] - 100]
    down = yangtze[yangtze[:, 0] >= mouth[0] - 100]
    far = 30_000.0
    north = Polygon(
        np.vstack(
            [
                smooth(jialing),
                down,
                down[-1] + [far, 0],
                down[-1] + [far, far],
                jialing[0] + [-far, far],
                jialing[0] + [-far, 0],
            ]
        )
    )
    home = Polygon(
        np.vstack(
            [
                smooth(upstream),
                smooth(jialing)[::-1],
                jialing[0] + [-far, 0],
                upstream[0] + [-far, -far],
                upstream[0] + [0, -far],
            ]
        )
    )
    side = np.full(len(points), 2)
    side[shapely.contains(north, points)] = 1
    side[shapely.contains(home, points)] = 0
    return side


def _spurs(xy: Floats) -> Floats:
    """Gullies and spurs: a fixed sum of waves between -1 and 1."""
    generator = np.random.default_rng(SEED)
    total = np.zeros(len(xy))
    for length in (420, 510, 640, 780, 950, 1200):
        bearing, phase = generator.uniform(0, 2 * np.pi, 2)
        along = xy[:, 0] * np.cos(bearing) + xy[:, 1] * np.sin(bearing)
        total += np.sin(2 * np.pi * along / length + phase)
    return total / 3


def _with_terrace(heights: Floats, xy: Floats, terrace: tuple[float, ...]) -> Floats:
    lon, lat, long, short, bearing, level, bluff = terrace
    offset = xy - metres([(lon, lat)])[0]
    angle = np.radians(bearing)
    u = offset[:, 0] * np.cos(angle) + offset[:, 1] * np.sin(angle)
    v = -offset[:, 0] * np.sin(angle) + offset[:, 1] * np.cos(angle)
    radius = np.hypot(u / long, v / short)
    outward = (radius - 1) * short  # metres beyond the edge, roughly
    share = 1 / (1 + np.exp(np.clip(outward / (bluff / 4), -40, 40)))
    return heights + share * 0.92 * (level - heights)
