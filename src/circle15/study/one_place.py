"""What one place reaches: the outline that `circle15 isochrone` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from circle15.errors import ConfigError, Finding

if TYPE_CHECKING:
    from circle15.study import Study


def isochrone(study: Study, place: tuple[float, ...], minutes: tuple[float, ...]) -> str:
    """Outline of what one place reaches, as GeoJSON text.

    Parameters
    ----------
    study : Study
        Its network and its walker are asked.
    place : tuple of float
        WGS-84 longitude and latitude.
    minutes : tuple of float
        Cut-offs, inclusive.

    Returns
    -------
    str
        A FeatureCollection in WGS-84, longest cut-off first so that a viewer draws the shorter ones on top.

    Raises
    ------
    ConfigError
        When the place is outside the study area or too far from any street, or a cut-off is not positive.
    """
    import geopandas as gpd

    if len(place) != len(("lon", "lat")) or not minutes or min(minutes) <= 0:
        wanted = "Give --at LON,LAT and positive --minutes"
        raise ConfigError(Finding("isochrone", f"cannot use {place} and {minutes}", wanted))
    point = gpd.GeoSeries.from_xy([place[0]], [place[1]], index=["place"], crs="EPSG:4326").to_crs(study.area.crs)
    if not study.area.extent.covers(point.iloc[0]):
        mend = "Give WGS-84 longitude first, then latitude, inside the study area"
        raise ConfigError(Finding("--at", f"{place[0]:g},{place[1]:g} is outside the study area", mend))
    origins = gpd.GeoDataFrame(geometry=point.rename_axis("origin"))
    network = study.network
    with study.step("isochrones"):
        found = network.isochrones(origins, walker=study.walker, minutes=minutes, water=study.water, fine=True)
    if found.empty:
        raise ConfigError(Finding("--at", "there is no street near that place", "Choose another place"))
    text: str = found.to_crs("EPSG:4326").sort_values("minutes", ascending=False).to_json(drop_id=True)
    return text
