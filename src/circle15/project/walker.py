"""Who walks: the record of a walker file."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  pydantic reads annotations at run time
from typing import TYPE_CHECKING, Literal

from pydantic import Field, model_validator

from circle15.display import Card, Shown
from circle15.project.languages import Language, by_language, in_language
from circle15.project.reading import Record, Speed, shipped, validated

if TYPE_CHECKING:
    from collections.abc import Mapping

SlopeLaw = Literal[
    "tobler",
    "marquez_perez",
    "irmischer_clarke",
    "irmischer_clarke_off_path",
    "davey",
    "rees",
    "naismith",
    "langmuir",
    "campbell_2017",
    "campbell_2019_p5",
    "campbell_2019_p25",
    "campbell_2019_p50",
    "campbell_2019_p75",
    "none",
]
Ramp = Literal["none", "stroller", "wheelchair"]


class Walker(Shown, Record):
    """Who walks: speeds in metres a second, waits in seconds; each number is cited in the walker file.

    Examples
    --------
    >>> Walker.load("adult").flat_m_s
    1.34
    """

    name: str
    label: dict[Language, str] = Field(min_length=1)  # label_en, label_zh ...
    source: str
    flat_m_s: Speed
    slope_law: SlopeLaw = "tobler"
    stairs_up_m_s: Speed  # vertical
    stairs_up_long_m_s: Speed  # vertical, flights longer than `long_flight_steps`
    stairs_down_m_s: Speed  # vertical
    long_flight_steps: int = Field(60, ge=1)
    step_height_m: float = Field(0.155, gt=0, le=0.3)
    escalator_m_s: Speed = 0.5  # along the slope
    lift_wait_s: float = Field(45.0, ge=0)
    lift_m_s: Speed = 1.0
    lift_doors_s: float = Field(10.0, ge=0)
    signals_s: float = Field(30.0, ge=0)
    zebra_s: float = Field(5.0, ge=0)
    cable_car_wait_s: float = Field(300.0, ge=0)
    cable_car_m_s: Speed = 6.0
    ramp: Ramp = "none"  # stairs with such a ramp are rolled, at `ramp_m_s` along the run
    ramp_m_s: Speed = 0.5
    level: bool = False  # the yardstick: every link as level ground, without stairs, waits and hills
    off_road_m_s: Speed = 1.0
    off_road_max_m: float = Field(150.0, gt=0)
    forbidden: frozenset[str] = frozenset()  # kinds of link this walker cannot use

    @model_validator(mode="before")
    @classmethod
    def _gathered(cls, values: object) -> object:
        return by_language(values, "label", prefix="label_")

    def __hash__(self) -> int:
        """Of what is plain: names by language are not."""
        return hash((self.name, self.flat_m_s, self.stairs_up_m_s, self.level, self.ramp, self.forbidden))

    def called(self, labels: Mapping[str, str]) -> Walker:
        """The same walker under other names, by language."""
        return self.model_copy(update={"label": dict(labels)})

    def label_in(self, language: str) -> str:
        """Who this is, in a language; where that has no words, in English, else in the first."""
        return in_language(self.label, language)

    @classmethod
    def load(cls, name: str, *, base: Path | None = None) -> Walker:
        """Read a walker that ships with circle15, or a file of one's own.

        Parameters
        ----------
        name : str
            A name such as ``adult``, or the path of a TOML file.
        base : Path, optional
            The folder that a relative path starts from.

        Returns
        -------
        Walker

        Raises
        ------
        ConfigError
            With every finding in the file.
        """
        where, values = shipped("walkers", name, base)
        return validated(cls, values, where)

    def on_the_level(self) -> Walker:
        """The same walker in a city without hills, stairs, waits and one-way belts: the yardstick of the terrain."""
        return self.model_copy(update={"name": f"{self.name}, level", "level": True})

    def step_free(self, ramp: Ramp = "none") -> Walker:
        """The same walker who takes neither stairs nor escalators, save stairs with such a ramp."""
        update = {
            "name": f"{self.name}, step-free",
            "forbidden": self.forbidden | {"stairs", "escalator"},
            "ramp": ramp,
        }
        return self.model_copy(update=update)

    def at(self, factor: float) -> Walker:
        """The same walker, all of whose own speeds are multiplied; lifts, belts and waits stay as they are."""
        own = ("flat_m_s", "stairs_up_m_s", "stairs_up_long_m_s", "stairs_down_m_s", "ramp_m_s", "off_road_m_s")
        update = {name: getattr(self, name) * factor for name in own}
        return self.model_copy(update={"name": f"{self.name} x {factor:g}", **update})

    def _card(self) -> Card:
        kinds = ", ".join(sorted(self.forbidden)) or "—"
        lift = f"{self.lift_wait_s:g} s + {self.lift_doors_s:g} s, {self.lift_m_s:g} m/s"
        stairs = f"{self.stairs_up_m_s:g} / {self.stairs_down_m_s:g} m/s (> {self.long_flight_steps} 级 steps: {{0:g}})"
        facts = [
            ("平路 level ground", f"{self.flat_m_s:g} m/s ({self.flat_m_s * 3.6:.1f} km/h)"),
            ("坡度 slope law", "不计 not counted" if self.level else self.slope_law),
            ("梯道上／下 climb of stairs, up / down", stairs.format(self.stairs_up_long_m_s)),
            ("自动扶梯 escalator", f"{self.escalator_m_s:g} m/s"),
            ("电梯等候与门 lift, wait and doors", lift),
            ("信号灯／斑马线 signals / zebra", f"{self.signals_s:g} s / {self.zebra_s:g} s"),
            ("离路最远 off the road at most", f"{self.off_road_max_m:g} m"),
            ("不走 does not use", kinds),
            ("来源 source", self.source),
        ]
        return Card("Walker", f"{self.name} · {' '.join(dict.fromkeys(self.label.values()))}", facts=facts)
