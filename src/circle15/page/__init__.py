"""One HTML file with no outside address: the map that people see."""

from circle15.page.maps import GapMap, gap_map

__all__ = ["GapMap", "gap_map"]
