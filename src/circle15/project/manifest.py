"""What a run says of itself: the record of a manifest, as far as a later program reads it."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from circle15.project.standard import Standard  # noqa: TC001  pydantic reads annotations at run time


class _Said(BaseModel):
    """Frozen, and open to keys that only people read."""

    model_config = ConfigDict(extra="allow", frozen=True)


class _Area(_Said):
    margin_m: float = Field(0.0, ge=0, allow_inf_nan=False)


class _Asked(_Said):
    """The study file after defaults."""

    study: dict[str, Any]
    area: _Area
    scenario: tuple[dict[str, Any], ...] = ()


class _Source(_Said):
    file: str
    sha256: str


class _Facts(_Said):
    name: str
    name_en: str = ""
    scenario: str | None = None
    closed_by_hand: tuple[str, ...] = ()
    data_date: str = ""
    synthetic: bool = False
    attribution: str = ""
    note: str = ""
    walker_key: str = ""
    trip: str = ""
    version: str = ""


class Manifest(_Said):
    """``run.json`` of a results folder.

    Examples
    --------
    >>> said = {"study": {"study": {}, "area": {"margin_m": 5}}, "facts": {"name": "Square"}}
    >>> standard = Standard.load("yuzhong-15min").model_dump()
    >>> Manifest.model_validate(said | {"standard": standard}).study.area.margin_m
    5.0
    """

    study: _Asked
    standard: Standard
    facts: _Facts
    walker: dict[str, Any] = Field({})
    sources: tuple[_Source, ...] = ()
