"""One HTML file with no outside address: the map that people see."""

from circle15.page.maps import GapMap, change_map, gap_map
from circle15.page.walking import Live

__all__ = ["GapMap", "Live", "change_map", "gap_map"]
