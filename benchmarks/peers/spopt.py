"""spopt: siting problems as textbooks write them, by PuLP and the CBC that comes with it."""

from __future__ import annotations

import argparse
import json
import os
import warnings
from typing import Any

import numpy as np
import pulp
from spopt import locate

from benchmarks.siting import JOBS, LIMIT_S, Job, Town, measured, town


def solved(job: Job, asked: Town) -> Any:  # noqa: ANN401  the problem, solved or stopped
    """Spopt's answer."""
    solver = pulp.PULP_CBC_CMD(msg=False, timeLimit=LIMIT_S)
    metres, people = asked
    if job.model == "set covering":
        problem = locate.LSCP.from_cost_matrix(metres, job.radius_m)
    elif job.model == "maximal covering":
        problem = locate.MCLP.from_cost_matrix(metres, people, job.radius_m, p_facilities=job.sites)
    elif job.model == "p-median":
        problem = locate.PMedian.from_cost_matrix(metres, people, p_facilities=job.sites)
    else:
        problem = locate.PCenter.from_cost_matrix(metres, p_facilities=job.sites)
    return problem.solve(solver, results=False).problem


def main() -> None:
    """Do one job, after a small one that loads everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("job", choices=[name for name, job in JOBS.items() if job.peer])
    job = JOBS[parser.parse_args().job]
    warnings.simplefilter("ignore")
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    small = job._replace(homes=20, places=10, sites=job.sites and 5, radius_m=np.inf if job.sites else 1e6)
    solved(small, town(small))
    asked = town(job)

    def told() -> dict[str, Any]:
        found = solved(job, asked)
        # CBC stopped by its clock calls what it has "Optimal"; sol_status tells the two apart
        return {"objective": found.objective.value(), "proven": found.sol_status == pulp.LpSolutionOptimal}

    print(json.dumps(measured(told), default=float), file=out, flush=True)


if __name__ == "__main__":
    main()
