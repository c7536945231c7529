"""What the planner gives: tables of facilities, what was left out of them, and what was taken as one place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from circle15.errors import Finding

if TYPE_CHECKING:
    import geopandas as gpd

    from circle15.project import Inventory
    from circle15.sources.inventory import Rejected
    from circle15.study import Study


def read_table(study: Study, table: Inventory) -> gpd.GeoDataFrame:
    """Read one inventory; rows that cannot be used are left out, listed and found."""
    from circle15.sources.inventory import read_inventory

    left_out: list[Rejected] = []
    found = read_inventory(
        study.project.path(table.file),
        study.area,
        standard=study.standard,
        datum=table.datum,
        verified=table.verified,
        columns=table.columns,
        rejected=left_out,
    )
    if left_out:
        rows = len({one.row for one in left_out})
        study.findings.append(Finding(table.file.name, f"{rows:,} rows are left out", "See rejected.csv"))
    study.rejected += left_out
    return found


def merge(study: Study, osm: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Facilities of OSM and of the inventories, each real place once."""
    import pandas as pd

    from circle15.sources.merging import MERGED_COLUMNS, merges

    if not study.inventory:
        study.merged = pd.DataFrame(columns=list(MERGED_COLUMNS))
        return osm
    found, study.merged = merges(osm, pd.concat(study.inventory))
    return found
