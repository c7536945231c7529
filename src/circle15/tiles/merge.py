"""From the files of the tiles to one card: coverage judged tile by tile, people summed over all."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow.parquet import ParquetWriter
from scipy.sparse import csr_array

from circle15 import assessment
from circle15.errors import Finding
from circle15.sources.osm import source_of
from circle15.study.judged import judgement
from circle15.tables import FACILITIES, ORIGINS, STREETS, Coverage, Placement, Result, TravelTimes
from circle15.tiles.work import COVERED

if TYPE_CHECKING:
    from pathlib import Path

    from circle15.study import Study
    from circle15.tiles.plan import Plan

HELD = ("units", "origins", "groups", "housing", "facilities", "completeness", "survey")  # of a study, in its result
MOST_CLUSTERS = 20_000  # whose coverage the GIS package lists besides
AT_ONCE = 5_000  # clusters whose coverage is a table in memory


def merged(study: Study, plan: Plan) -> Study:
    """The whole study, as if it had been walked in one piece.

    Parameters
    ----------
    study : Study
        Nothing but its units, standard and file is asked for.
    plan : Plan
        All of its tiles are done.

    Returns
    -------
    Study
        The same one; its origins, facilities and coverage are those of all tiles.
    """
    study.origins = _together(plan, "result", ORIGINS.index, ORIGINS.names)
    found = _together(plan, "facilities", FACILITIES.index, FACILITIES.names)
    study.facilities = found[~found.index.duplicated()]  # one that reaches into two tiles counts once
    study.facilities_as_they_are = study.facilities
    twice = pd.concat([pd.read_parquet(plan.merges(tile)) for tile in plan.tiles.index])
    study.merged = twice.drop_duplicates(ignore_index=True)
    services = pd.Index([service.key for service in study.standard.services], name="service")
    parts = [pd.read_parquet(plan.result(tile), columns=list(COVERED)) for tile in plan.tiles.index]
    rows = pd.concat([part for part in parts if len(part)])
    held = {name: pd.DataFrame(np.vstack(rows[name].to_list()), study.origins.index, services) for name in COVERED}
    study.coverage = assessment.doubted(
        Coverage(**held, search_minutes=study.search_minutes),  # type: ignore[arg-type]  # frames by their names
        study.known,
    )
    unplaced = int((study.coverage.why == "unplaced").any(axis=1).sum())
    study.coverage = _supplied(study, plan)
    study.placed = {
        "origins": {"placed": len(study.origins) - unplaced, "far": unplaced},
        "facilities": None,
        "links": {"tiles": len(plan.tiles), "halo_m": plan.halo_m},
        "closed_links": None,
    }
    study.sources = (source_of(study.project.path(study.project.streets.files[0])),)
    study.streets = STREETS.empty(study.area.crs)
    problem = "doubtful links, dependence, isochrones, stability, containment and groups are not computed"
    study.findings.append(Finding("[tiles]", problem, "Ask for them in a study of a smaller area"))
    return study


def _supplied(study: Study, plan: Plan) -> Coverage:
    """Coverage with its supply: facilities near the edge of a tile are shared with the people of the next."""
    found, ids = study.coverage, study.facilities.index
    at, seconds = [], []
    for tile in plan.tiles.index:
        walks = pd.read_parquet(plan.walks(tile)).astype({"origin": "category", "facility": "category"})
        places = [
            known.get_indexer(walks[name].cat.categories)[walks[name].cat.codes]
            for name, known in (("origin", study.origins.index), ("facility", ids))
        ]
        stands = places[1] >= 0  # what lies beyond all tiles is shared with nobody
        at.append(np.vstack(places)[:, stands])
        seconds.append(walks["seconds"].to_numpy()[stands])
    shape = (len(study.origins), len(ids))
    how = np.where((found.why == "unplaced").any(axis=1), "far", "main")
    times = TravelTimes(
        seconds=csr_array((np.concatenate(seconds), tuple(np.hstack(at))), shape=shape),
        origin_ids=study.origins.index,
        facility_ids=ids,
        cutoff_s=study.search_minutes * 60,
        edge_s=np.full(shape[0], np.inf),
        origins=Placement(pd.DataFrame({"how": how}, index=study.origins.index)),
        facilities=Placement(pd.DataFrame({"how": "main"}, index=ids)),
        walker=study.walker.name,
    )
    return assessment.supplied(
        found, times, study.facilities, people=study.crowds, standard=study.standard, known=study.known
    )


def _together(plan: Plan, kind: str, index: str, names: list[str]) -> gpd.GeoDataFrame:
    """The rows of all tiles, in the order of their names."""
    parts = [gpd.read_parquet(getattr(plan, kind)(tile), columns=names) for tile in plan.tiles.index]
    filled = [part for part in parts if len(part)]
    found = gpd.GeoDataFrame(pd.concat(filled or parts[:1]))
    found.index = found.index.astype(object).rename(index)
    return found


def result_of(study: Study) -> Result:
    """What the page and the report show of a study that was walked by tiles.

    Streets, isochrones and what is told of single links stay with the tiles. Coverage as rows, cluster by cluster, is a
    file of its own where there are many; see `write_coverage`.
    """
    standard, found = study.standard, study.coverage
    held = {name: getattr(study, name) for name in HELD} | {
        "coverage": assessment.coverage_table(_first(found), standard=standard),
        "grades": study.card,
        "gaps": assessment.gaps(_first(found), study.origins, standard=standard),
    }
    told = Result.of(study.area, held, facts=study.facts)
    return replace(told, found=found, judgement=judgement(study, walked=False))


def _first(found: Coverage) -> Coverage:
    """Coverage, or none of it where there are more clusters than one table should list."""
    most = len(found.status) if len(found.status) <= MOST_CLUSTERS else 0
    return _rows(found, slice(0, most))


def _rows(found: Coverage, rows: slice) -> Coverage:
    return replace(found, **{name: getattr(found, name).iloc[rows] for name in COVERED})


def write_coverage(study: Study, folder: Path) -> None:
    """Write ``coverage.parquet``: one row per cluster and service, as tables.COVERAGE states it, of all tiles."""
    count = len(study.coverage.status)
    with ExitStack() as opened:
        writer = None
        for first in range(0, max(count, 1), AT_ONCE):
            some = _rows(study.coverage, slice(first, first + AT_ONCE))
            rows = pa.Table.from_pandas(assessment.coverage_table(some, standard=study.standard))
            if writer is None:
                writer = opened.enter_context(ParquetWriter(folder / "coverage.parquet", rows.schema))
            writer.write_table(rows)
