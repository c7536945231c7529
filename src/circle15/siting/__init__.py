"""Where to build next: sites for the people that lack a service, exactly with a proven bound, and greedily beside.

Examples
--------
>>> import pandas as pd
>>> from circle15 import siting
>>> times = pd.DataFrame({"origin": list("AABBC"), "facility": list("XYYZZ"), "seconds": [60.0, 300, 60, 300, 60]})
>>> people = pd.Series({"A": 10, "B": 20, "C": 30})
>>> found = siting.maximal_covering(siting.reach(times, people, cutoff_minutes=3), sites=2)
>>> found.chosen.tolist(), found.objective, found.optimal
(['Y', 'Z'], 50.0, True)
"""

from circle15.siting.capacity import capacitated_covering
from circle15.siting.complexes import service_complex
from circle15.siting.problems import backup_covering, maximal_covering, p_centre, p_median, set_covering
from circle15.siting.proposals import gap_points, picks, street_side
from circle15.siting.records import Reach, Siting, reach

__all__ = [
    "Reach",
    "Siting",
    "backup_covering",
    "capacitated_covering",
    "gap_points",
    "maximal_covering",
    "p_centre",
    "p_median",
    "picks",
    "reach",
    "service_complex",
    "set_covering",
    "street_side",
]
