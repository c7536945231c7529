"""Leave some mutants of a Cosmic Ray session in place, drawn at random, and skip the rest.

    python mutation/sample.py SESSION --count 300 --seed 15

Drawn by seed from the mutants in order of file, place and operator, so that the same source gives the same sample.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from cosmic_ray.tools.filters.filter_app import FilterApp
from cosmic_ray.work_item import WorkerOutcome, WorkResult

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


class Sample(FilterApp):  # type: ignore[misc]  # Cosmic Ray has no types
    """The filter."""

    def description(self) -> str:
        """Say what the filter does."""
        return str(__doc__)

    def add_args(self, parser: ArgumentParser) -> None:
        """Ask how many are left, and the seed."""
        parser.add_argument("--count", type=int, required=True)
        parser.add_argument("--seed", type=int, default=15)

    def filter(self, work_db: Any, args: Namespace) -> None:  # noqa: ANN401  no types there
        """Mark as skipped what was not drawn."""
        pending = {}
        for item in work_db.pending_work_items:
            (one,) = item.mutations
            pending[str(one.module_path), one.start_pos, one.operator_name, one.occurrence] = item.job_id
        order = sorted(pending)
        drawn = set(random.Random(args.seed).sample(order, min(args.count, len(order))))  # noqa: S311  no secret
        skipped = WorkResult(worker_outcome=WorkerOutcome.SKIPPED, output="not drawn")
        work_db.set_multiple_results([pending[one] for one in order if one not in drawn], skipped)
        print(f"{len(drawn)} of {len(order)} mutants drawn")


if __name__ == "__main__":
    Sample().main()
