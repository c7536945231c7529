"""What people can reach on foot within fifteen minutes, in a city of stairs.

The public names are listed here and nowhere else; each is loaded when it is first asked for, so that
``import circle15`` and ``circle15 --help`` answer at once.

Examples
--------
>>> import circle15 as c15
>>> standard = c15.Standard.load("yuzhong-15min")
>>> standard.service("kindergarten").minutes
5.0
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version

_HOMES = {
    "Circle15Error": "errors",
    "Circle15Warning": "errors",
    "compare": "study.comparing",
    "Comparison": "tables",
    "completeness": "assessment",
    "ConfigError": "errors",
    "Coverage": "tables",
    "coverage": "assessment",
    "CutoffError": "errors",
    "DataError": "errors",
    "demo_study": "study",
    "Finding": "errors",
    "gaps": "assessment",
    "grades": "assessment",
    "headline": "assessment",
    "make_area": "sources.areas",
    "measures": "measures",
    "page": "page",
    "Project": "project",
    "read_area": "sources.areas",
    "read_candidates": "sources.candidates",
    "read_facilities": "sources.places",
    "read_inventory": "sources.inventory",
    "read_origins": "sources.people",
    "read_osm": "sources.osm",
    "read_streets": "sources.streets",
    "read_terrain": "sources.terrain",
    "read_units": "sources.areas",
    "Result": "tables",
    "sheets": "sheets",
    "siting": "siting",
    "SourceError": "errors",
    "Standard": "project",
    "Study": "study",
    "StudyArea": "tables",
    "TravelTimes": "tables",
    "Walker": "project",
    "WalkNetwork": "network",
}
__all__ = list(_HOMES)  # the homes are the written list

try:
    __version__ = version("circle15")
except PackageNotFoundError:  # run from a checkout that is not installed
    __version__ = "0"


def __getattr__(name: str) -> object:
    """Load a public name from its home."""
    if name not in _HOMES:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    module = import_module(f"{__name__}.{_HOMES[name]}")
    return getattr(module, name, module)


def __dir__() -> list[str]:
    """Public names only."""
    return [*__all__, "__version__"]
