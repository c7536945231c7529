"""What OSM tags mean to a walker: whether a way is open, what it is, which way it may be walked, how far it climbs.

The rules stand first, as data; below them each question is one function of tags, without any geometry.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

# highway values that cars may drive on; a walker keeps to the side. motorway is not among them
DRIVABLE = frozenset(
    {"trunk", "trunk_link", "primary", "primary_link", "secondary", "secondary_link", "tertiary", "tertiary_link"}
    | {"unclassified", "residential", "living_street", "service", "road"}
)
# highway values made for walkers, or quiet enough to be one's own; kind path unless something else is said
FOOTWAYS = frozenset(
    {"footway", "path", "pedestrian", "steps", "corridor", "hallway", "elevator", "escalator", "crossing", "platform"}
    | {"track"}
)
# highway values closed to walkers unless foot says otherwise
BY_PERMISSION = frozenset({"motorway", "motorway_link", "cycleway", "bridleway", "busway", "bus_guideway"})
OFF = frozenset({"no", "use_sidewalk"})  # of foot: closed, or one walks on a way mapped beside it
ALLOWED = frozenset({"yes", "designated", "permissive", "official"})  # of foot: open whatever access says
# of foot and access: only for those who live, work or shop there, so only at the start or end of a walk.
# access=destination is not among them: on streets it is a sign for cars
PRIVATE = frozenset({"private", "residents", "permit", "customers", "delivery", "employees", "members", "military"})
# barrier values that stop cars only: access on them does not mean walkers, foot does
FOR_CARS = frozenset({"bollard", "block", "cattle_grid", "height_restrictor", "jersey_barrier", "kerb", "planter"})
DOORS = frozenset(
    {"gate", "entrance", "turnstile", "full-height_turnstile", "kissing_gate", "wicket_gate"}
)  # for walkers
CROSSINGS = ("footway", "path", "cycleway")  # =crossing: the way leads over a road
CABLE_CARS = frozenset({"cable_car", "gondola"})  # aerialway values that carry walkers between two streets
GONE = ("disused", "abandoned", "demolished")  # =yes: no longer there
# A footway's own oneway binds. That of highway=pedestrian does not: it is for delivery vehicles (all five in Monaco)
ONE_WAY_ON_FOOT = frozenset({"footway", "path", "steps", "corridor", "escalator", "platform"})
VEHICLES = ("bicycle", "vehicle", "motor_vehicle", "motorcar")  # where one of them is let in, oneway is theirs
FORWARD = frozenset({"yes", "true", "1", "forward"})
BACKWARD = frozenset({"-1", "reverse", "backward"})

# all keys that the rules for ways below read, so that ways which are tagged alike in them need to be judged only once
READ = frozenset(
    {"highway", "railway", "public_transport", "aerialway", "foot", "access", "motorroad", "oneway", "oneway:foot"}
    | {"foot:forward", "foot:backward", "conveying", "crossing", "indoor", "tunnel", "bridge", "level", "layer"}
    | {"step_count", "step:height", "incline", "ramp", "ramp:stroller", "ramp:wheelchair", "fee", "charge"}
    | {*GONE, *CROSSINGS, *VEHICLES}
)

# conveying=yes and reversible are walked both ways, as OpenTripPlanner does (PR 5046). The Crown Escalator,
# way/421605016, is reversible: of its three units one runs up, one down
STEP_HEIGHT_M = 0.155  # outdoor public stairs, 0.13 to 0.17 [P]
STEP_HEIGHTS_M = (0.05, 0.4)  # anything else is a slip of the pen
STOREY_M = 3.0
STEEPEST = 1.0  # an incline above 100 % is a slip of the pen


class Rules(NamedTuple):
    """What tags of one wording mean."""

    number: int
    tags: dict[str, str]
    kind: str
    access: str
    direction: int  # 1 along the way, -1 against it, 0 both


class Wordings:
    """What tags of ways mean, worked out once for each wording: names apart, the ways of a city have few.

    Parameters
    ----------
    more : frozenset of str
        Keys that tell wordings apart besides those that rules read.

    Examples
    --------
    >>> wordings = Wordings()
    >>> one, other = (wordings.of_way({"highway": "steps", "name": name}) for name in ("山城巷", "十八梯"))
    >>> one is other, one.kind, wordings.of_way({"highway": "motorway"})
    (True, 'stairs', None)
    """

    def __init__(self, more: frozenset[str] = frozenset()) -> None:
        self.rules: list[Rules] = []
        self._read = READ | more
        self._known: dict[frozenset[tuple[str, str]], Rules | None] = {}

    def of_way(self, tags: Mapping[str, str]) -> Rules | None:
        """The rules for a way; None where it may not be walked."""
        wording = frozenset([item for item in tags.items() if item[0] in self._read])
        if wording not in self._known:
            said = dict(wording)
            access = walkable(said)
            rules = None if access is None else self.add(said, kind_of(said), access, direction_of(said))
            self._known[wording] = rules
        return self._known[wording]

    def add(self, tags: Mapping[str, str], kind: str, access: str, direction: int = 0) -> Rules:
        """Rules of their own, for what is no way."""
        self.rules.append(Rules(len(self.rules), dict(tags), kind, access, direction))
        return self.rules[-1]


def access_of(tags: Mapping[str, str]) -> str | None:
    """Open, private, or None for closed; of ways, gates and lifts alike.

    Examples
    --------
    >>> access_of({"access": "private"}), access_of({"access": "private", "foot": "yes"}), access_of({"foot": "no"})
    ('private', 'open', None)
    """
    foot, access = tags.get("foot", ""), tags.get("access", "")
    if foot in ALLOWED:
        return "open"
    if foot in OFF:
        return None
    if foot in PRIVATE or access in PRIVATE:
        return "private"
    return None if access == "no" else "open"


def walkable(tags: Mapping[str, str]) -> str | None:
    """Open or private where a way may be walked; None where it may not.

    Examples
    --------
    >>> walkable({"highway": "footway"}), walkable({"highway": "motorway"}), walkable({"route": "ferry"})
    ('open', None, None)
    """
    highway = tags.get("highway", "")
    other = "platform" in (tags.get("railway"), tags.get("public_transport")) or tags.get("aerialway") in CABLE_CARS
    if not (highway in DRIVABLE or highway in FOOTWAYS or highway in BY_PERMISSION or (other and not highway)):
        return None
    if any(tags.get(key) == "yes" for key in GONE):
        return None
    if (highway in BY_PERMISSION or tags.get("motorroad") == "yes") and tags.get("foot") not in ALLOWED:
        return None
    return access_of(tags)


def kind_of(tags: Mapping[str, str]) -> str:
    """What one walks on, one of `circle15.tables.LINK_KINDS`; the first that holds.

    Examples
    --------
    >>> kind_of({"highway": "steps", "conveying": "yes", "tunnel": "covered"}), kind_of({"highway": "tertiary"})
    ('escalator', 'street')
    """
    highway = tags.get("highway", "")
    rules = {
        "cable_car": tags.get("aerialway") in CABLE_CARS and not highway,
        "lift": highway == "elevator",
        "escalator": highway == "escalator" or tags.get("conveying", "no") != "no",
        "stairs": highway == "steps",
        "crossing": highway == "crossing" or (highway not in DRIVABLE and "crossing" in map(tags.get, CROSSINGS)),
        "corridor": highway in ("corridor", "hallway") or tags.get("indoor", "no") != "no",
        "tunnel": tags.get("tunnel", "no") != "no",
        "bridge": tags.get("bridge", "no") != "no",
        "street": highway in DRIVABLE,
    }
    return next((kind for kind, holds in rules.items() if holds), "path")


def direction_of(tags: Mapping[str, str]) -> int:
    """1 where one may only walk along the way, -1 only against it, 0 both.

    Examples
    --------
    >>> direction_of({"highway": "residential", "oneway": "yes"}), direction_of({"highway": "steps", "oneway": "yes"})
    (0, 1)
    """
    conveying = tags.get("conveying", "")
    if conveying in ("forward", "backward"):
        return 1 if conveying == "forward" else -1
    on_foot = tags.get("oneway:foot")
    if on_foot is None and tags.get("highway") in ONE_WAY_ON_FOOT and conveying != "reversible":
        shared = any(tags.get(key, "no") not in ("no", "private") for key in VEHICLES)
        on_foot = None if shared else tags.get("oneway")
    on_foot = on_foot or ""
    if on_foot in FORWARD or tags.get("foot:backward") == "no":
        return 1
    return -1 if on_foot in BACKWARD or tags.get("foot:forward") == "no" else 0


def gate_of(tags: Mapping[str, str]) -> str | None:
    """Open, private, or None for shut: who may pass a node with these tags on foot.

    Examples
    --------
    >>> gate_of({"barrier": "gate"}), gate_of({"barrier": "gate", "access": "no"})
    ('open', None)
    """
    if "barrier" not in tags or (tags["barrier"] in FOR_CARS and "foot" not in tags):
        return "open"
    rule = access_of(tags)
    locked = tags.get("locked") == "yes" and tags.get("foot") not in ALLOWED
    return "private" if rule == "open" and locked else rule


def minded(tags: Mapping[str, str]) -> bool:
    """Whether a gate that walkers may pass is open at some hours only, or takes a fare.

    Examples
    --------
    >>> minded({"barrier": "gate", "opening_hours": "09:00-18:00"}), minded({"barrier": "lift_gate", "fee": "yes"})
    (True, False)
    """
    if tags.get("barrier") not in DOORS or gate_of(tags) != "open":
        return False
    return any(key in tags for key in ("opening_hours", "fee", "charge"))


def floor_of(tags: Mapping[str, str]) -> float:
    """Order of height of a way at a lift: level, else layer, else bridges above and tunnels below the ground."""
    for key in ("level", "layer"):
        numbers = _numbers(tags.get(key, ""))
        if numbers:
            return numbers[0]
    return float(tags.get("bridge", "no") != "no") - float(tags.get("tunnel", "no") not in ("no", "building_passage"))


def ramp_of(tags: Mapping[str, str]) -> str | None:
    """The tag ramp, and its finer tags written behind it: ``yes; stroller=yes``."""
    finer = [f"{key[5:]}={tags[key]}" for key in ("ramp:stroller", "ramp:wheelchair") if key in tags]
    return "; ".join([tags["ramp"], *finer] if "ramp" in tags else finer) or None


def regulated(tags: Mapping[str, str]) -> str:
    """How a crossing is regulated, of its way or its node; empty where that is not said."""
    if tags.get("crossing:signals") == "yes":
        return "traffic_signals"
    return tags.get("crossing", "")


def climb_of(tags: Mapping[str, str], kind: str) -> tuple[float, float, float]:
    """Metres that a whole way climbs, its slope, and its number of steps; NaN for what tags do not say.

    Steps climb their number times ``step:height``. Where `incline` does not say up or down they are taken to climb;
    the room of heights turns them where the terrain knows better. A lift between two levels climbs 3 m a storey.

    Examples
    --------
    >>> climb_of({"step_count": "100", "incline": "down"}, "stairs")
    (-15.5, nan, 100.0)
    >>> climb_of({"incline": "8 %"}, "path")
    (nan, 0.08, nan)
    """
    nothing = math.nan
    if kind == "lift":
        levels = _numbers(tags.get("level", ""))
        two = len(levels) == 2 and levels[0] != levels[1]  # noqa: PLR2004  more do not say where one gets off
        return abs(levels[1] - levels[0]) * STOREY_M if two else nothing, nothing, nothing
    steps = nothing
    if kind in ("stairs", "escalator"):
        steps = next((number for number in _numbers(tags.get("step_count", "")) if number > 0), nothing)
    height = next(iter(_numbers(tags.get("step:height", ""))), STEP_HEIGHT_M)
    height *= 0.01 if "cm" in tags.get("step:height", "") else 1.0
    slope = _slope(tags.get("incline", ""))
    down = tags.get("incline", "").strip().lower() == "down" or slope < 0
    climb = steps * (height if STEP_HEIGHTS_M[0] <= height <= STEP_HEIGHTS_M[1] else STEP_HEIGHT_M)
    return -climb if down else climb, slope, steps


def _slope(incline: str) -> float:
    """Rise over run of an incline in percent or degrees; NaN for words, bare numbers and slips of the pen."""
    numbers = _numbers(incline)
    if len(numbers) != 1:
        return math.nan
    if "%" in incline or numbers[0] == 0:
        slope = numbers[0] / 100
    elif "°" in incline or "deg" in incline:
        slope = math.tan(math.radians(numbers[0]))
    else:
        return math.nan
    return slope if abs(slope) <= STEEPEST else math.nan


def _numbers(text: str) -> list[float]:
    """The numbers in a tag; a minus counts where it does not stand between two numbers."""
    return [float(number) for number in re.findall(r"(?<![\d.])-?\d+(?:\.\d+)?", text)]
