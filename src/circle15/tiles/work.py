"""The work of one tile, as it runs in a worker: files in, one Parquet file out, there whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from circle15.tiles.plan import Plan

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

    from circle15.study import Study

COVERED = ("seconds", "opportunities", "status", "why")  # of tables.Coverage: lists over the services


def count(folder: str, tile: str) -> str:
    """Count the floor area that is lived in, unit by unit, so that people can be spread over all tiles.

    Parameters
    ----------
    folder : str
        The working folder, which every worker has to see.
    tile : str
        Name of the tile.

    Returns
    -------
    str
        The name.
    """
    from circle15.sources.people import lived_in

    plan = Plan.load(Path(folder))
    study = plan.study_of(tile)
    floor = lived_in(study.buildings, study.units, study.area, people=study.project.people)
    _write(floor.rename("floor_m2").rename_axis("unit").reset_index(), plan.floor(tile))
    return tile


def walk(folder: str, tile: str) -> str:
    """Walk one tile: what every cluster reaches of every service, and the facilities that stand on its ground.

    Parameters
    ----------
    folder : str
        The working folder, which every worker has to see.
    tile : str
        Name of the tile.

    Returns
    -------
    str
        The name.
    """
    plan = Plan.load(Path(folder))
    if plan.result(tile).is_file():  # a scheduler that lost a worker asks again for what that one had done
        return tile
    study = plan.study_of(tile)
    own = study.facilities.intersects(study.area.boundary).to_numpy()
    _write(study.facilities[own], plan.facilities(tile))
    _write(study.merged, plan.merges(tile))
    _write(_walks(study), plan.walks(tile))
    _write(_reached(study), plan.result(tile))  # last: its presence says that the tile is done
    return tile


def _reached(study: Study) -> gpd.GeoDataFrame:
    """One row per cluster: what tables.ORIGINS states, and per service what tables.Coverage holds.

    The state is as if every list of facilities were whole: only all tiles together can say which are.
    """
    from circle15.assessment import coverage

    found = coverage(study.times, study.facilities, standard=study.standard)
    table = study.origins.copy()
    for name in COVERED:
        table[name] = list(getattr(found, name).to_numpy())
    return table


def _walks(study: Study) -> pd.DataFrame:
    """Walks within the cut-off to every facility of a service that has a norm: origin and facility by their ids."""
    import pandas as pd

    norms = {service.key: service.minutes for service in study.standard.services if service.norm is not None}
    minutes = study.facilities["service"].map(norms).dropna()
    times = study.times.to(minutes.index).within(minutes)
    pairs = times.seconds.tocoo()
    ids = {"origin": times.origin_ids, "facility": times.facility_ids}
    columns = {
        name: pd.Categorical.from_codes(place, one)
        for (name, one), place in zip(ids.items(), pairs.coords, strict=True)
    }
    return pd.DataFrame(columns | {"seconds": pairs.data})


def _write(table: pd.DataFrame, path: Path) -> None:
    """Write a Parquet file that is there whole or not at all."""
    draft = path.with_suffix(f".{os.getpid()}.part")
    table.to_parquet(draft)
    draft.replace(path)
