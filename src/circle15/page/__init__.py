"""One HTML file with no outside address: the map that people see."""

from circle15.page.maps import GapMap, change_map, gap_map

__all__ = ["GapMap", "change_map", "gap_map"]
