"""What the planner gives: tables of facilities, what was left out of them, and what was taken as one place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from circle15.errors import Finding

if TYPE_CHECKING:
    import geopandas as gpd

    from circle15.project import Inventory
    from circle15.study import Study


def read_table(study: Study, table: Inventory) -> gpd.GeoDataFrame:
    """Read one inventory; rows that cannot be used are left out, listed and found."""
    from circle15.sources.inventory import sift_inventory

    beside = (study.streets_as_they_are, study.buildings) if table.datum == "unknown" else None
    sifted = sift_inventory(table, study.area, standard=study.standard, folder=study.project.folder, beside=beside)
    for kept, words in ((False, "are left out"), (True, "are kept without a cell that cannot be read")):
        rows = len({one.row for one in sifted.rejected if one.kept == kept})
        if rows:
            study.findings.append(Finding(table.file.name, f"{rows:,} rows {words}", "See rejected.csv"))
    study.rejected += sifted.rejected
    return sifted.facilities


def merge(study: Study, osm: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Facilities of OSM and of the inventories, each real place once."""
    import pandas as pd

    from circle15.sources.merging import MERGED_COLUMNS, merges

    if not study.inventory:
        study.merged = pd.DataFrame(columns=list(MERGED_COLUMNS))
        return osm
    found, study.merged = merges(osm, pd.concat(study.inventory))
    return found
