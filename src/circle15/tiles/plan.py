"""The plan of a large area: which units make which tile, how wide the halo is, what each tile reads."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from circle15.impedance import top_speed
from circle15.project import Project
from circle15.sources.people import BESIDE_M
from circle15.study import Study, variants
from circle15.tables import TIERS, UNITS, StudyArea

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

SLACK = 1.05  # [P] of the halo, for link times that are rounded to ticks
PLAN, TILES, UNITS_FILE, EXTENT = "plan.json", "tiles.parquet", "units.parquet", "extent.parquet"
PEOPLE = "people.parquet"
SLIVER_M = 0.1  # a rest that is narrower is a rounding of the polygons; nobody lives there


@dataclass(frozen=True)
class Plan:
    """How one study is cut into tiles, as it is kept in the working folder.

    A tile is made of whole units of the finest tier, so that residence clusters and their people come out as they do
    in one piece. Its halo is as wide as the walker gets within the search, so that every walk that starts in the tile
    stays in its data, and ends where the data of the whole study end.

    Parameters
    ----------
    folder : Path
        The working folder.
    project : Project
        The study file after defaults.
    scenario : str or None
        Name of the scenario.
    tiles : GeoDataFrame
        Index `tile`; geometry: the ground of the tile's own residents; `extent`: what it reads, in WGS-84.
    units : GeoDataFrame
        tables.UNITS, and for the finest ones the column `tile`.
    area : StudyArea
        The whole.
    halo_m : float
        How far a tile reads beyond its own ground.
    """

    folder: Path
    project: Project
    scenario: str | None
    tiles: gpd.GeoDataFrame
    units: gpd.GeoDataFrame
    area: StudyArea
    halo_m: float

    @classmethod
    def of(cls, study: Study, folder: Path) -> Plan:
        """Plan a study and write the plan; one that is there already and says the same is kept."""
        given = study.project.assessment
        metres = study.search_minutes * 60 * top_speed(study.walker, cable_car=given.cable_car)
        halo = metres * SLACK + 2 * study.walker.off_road_max_m
        tiles, units = _tiles(study.units, study.area, size_m=study.project.tiles.size_km * 1000)
        plan = cls(folder, study.project, given_name(study), tiles, units, study.area, halo)
        plan.write()
        return plan

    @property
    def key(self) -> str:
        """What the work of a tile depends on: the study file, its inputs, and where the tiles lie."""
        said = hashlib.sha256(self.project.model_dump_json().encode())
        said.update(repr((metadata.version("circle15"), self.scenario, round(self.halo_m, 3))).encode())
        for _, file in self.project.inputs():
            stat = self.project.path(file).stat()
            said.update(f"{file}:{stat.st_size}:{stat.st_mtime_ns}".encode())
        said.update(shapely.to_wkb(shapely.union_all(self.tiles.geometry.to_numpy())))
        said.update("".join(f"{unit}{tile}" for unit, tile in self.units["tile"].items()).encode())
        return said.hexdigest()

    def write(self) -> None:
        """Keep the plan in its folder; work that was done under another plan is thrown away."""
        self.folder.mkdir(parents=True, exist_ok=True)
        file, key = self.folder / PLAN, self.key
        if file.is_file() and json.loads(file.read_text(encoding="utf-8"))["key"] == key:
            return
        for old in self.folder.iterdir():
            if old.is_file():
                old.unlink()
        self.tiles.to_parquet(self.folder / TILES)
        self.units.to_parquet(self.folder / UNITS_FILE)
        gpd.GeoSeries([self.area.boundary], crs=self.area.crs).to_frame("geometry").to_parquet(self.folder / EXTENT)
        said = {
            "key": key,
            "folder": str(self.project.folder.resolve()),
            "project": json.loads(self.project.model_dump_json()),
            "scenario": self.scenario,
            "halo_m": self.halo_m,
            "area": self.area.name,
            "margin_m": self.area.margin_m,
        }
        file.write_text(json.dumps(said, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Plan:
        """The plan that was written into a folder."""
        said = json.loads((folder / PLAN).read_text(encoding="utf-8"))
        project = Project(**said["project"], folder=Path(said["folder"]))
        tiles = gpd.read_parquet(folder / TILES)
        whole = gpd.read_parquet(folder / EXTENT)
        area = StudyArea(said["area"], whole.geometry.iloc[0], tiles.crs, said["margin_m"])
        units = gpd.read_parquet(folder / UNITS_FILE)
        return cls(folder, project, said["scenario"], tiles, units, area, said["halo_m"])

    def area_of(self, tile: str) -> StudyArea:
        """A tile as a study area."""
        ground: BaseGeometry = self.tiles.geometry.loc[tile]
        return StudyArea(f"{self.area.name} {tile}", ground, self.area.crs, self.halo_m, self.area.extent)

    def study_of(self, tile: str) -> Study:
        """The study of one tile: its own ground and units, the data of its halo, everything else as in the whole."""
        whole = Study(self.project, scenario=self.scenario)
        return variants.part(whole, self.area_of(tile), units=self.units_of(tile), streets=self.streets(tile))

    def units_of(self, tile: str) -> gpd.GeoDataFrame:
        """The units of a tile, with those above them; only units of the tile's own publish residents."""
        wanted = set(self.units.index[self.units["tile"] == tile])
        above = set(wanted)
        while above:
            above = set(self.units.loc[sorted(above), "parent"].dropna()) - wanted
            wanted |= above
        return self._peopled(self.units.loc[self.units.index.isin(wanted), UNITS.names], tile)

    def _peopled(self, own: gpd.GeoDataFrame, tile: str) -> gpd.GeoDataFrame:
        """Units with the residents that they have in this tile, those of their parts included."""
        file = self.folder / PEOPLE
        if not file.is_file():  # then the units of each tile publish all of its residents
            return own.assign(population=own["population"].where(self.units["tile"].reindex(own.index) == tile))
        people = pd.read_parquet(file)
        here = people[people["part"] == tile].groupby("unit")["people"].sum()
        total = here.reindex(own.index, fill_value=0.0).to_numpy(dtype=float, copy=True)
        parent = own.index.get_indexer(own["parent"].astype(object))
        for tier in reversed(TIERS):
            rows = np.flatnonzero((own["tier"] == tier).to_numpy() & (parent >= 0))
            np.add.at(total, parent[rows], total[rows])
        return own.assign(population=total)

    @property
    def published(self) -> bool:
        """Whether the finest units publish all residents: no home is left to a larger one."""
        finest = self.units[self.units["tile"].notna()]
        if finest["population"].isna().any():
            return False
        near = shapely.buffer(shapely.union_all(finest.geometry.to_numpy()), BESIDE_M)
        return bool(shapely.covers(near, self.area.boundary))

    def spread(self) -> None:
        """Spread the residents of the whole area over the tiles, by the floor area that each has counted."""
        from circle15.sources.people import residents_of_parts

        parts = [pd.read_parquet(self.floor(tile)).assign(part=tile) for tile in self.tiles.index]
        floor = pd.concat(parts, ignore_index=True)
        people = residents_of_parts(floor, self.units, self.area, total=self.project.people.total)
        homeless = people["part"].isna()
        people.loc[homeless, "part"] = self.units["tile"].reindex(people.loc[homeless, "unit"]).to_numpy()
        people.to_parquet(self.folder / PEOPLE)

    def floor(self, tile: str) -> Path:
        """Floor area that is lived in, unit by unit."""
        return self.folder / f"{tile}.floor.parquet"

    def streets(self, tile: str) -> Path:
        """The OSM file of a tile."""
        return self.folder / f"{tile}.osm.pbf"

    def facilities(self, tile: str) -> Path:
        """The facilities on a tile's own ground."""
        return self.folder / f"{tile}.facilities.parquet"

    def merges(self, tile: str) -> Path:
        """What was taken as one place."""
        return self.folder / f"{tile}.merges.parquet"

    def walks(self, tile: str) -> Path:
        """Walks to what has a size that counts: what supply is shared out by when all tiles are together."""
        return self.folder / f"{tile}.walks.parquet"

    def result(self, tile: str) -> Path:
        """What came out of a tile: one row per residence cluster."""
        return self.folder / f"{tile}.parquet"


def given_name(study: Study) -> str | None:
    """The name of the study's scenario."""
    return None if study.scenario is None else study.scenario.name


def _tiles(units: gpd.GeoDataFrame, area: StudyArea, *, size_m: float) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Whole units of the finest tier, gathered by the square of the grid that their inner point lies in.

    What a larger unit has besides its parts goes as a whole to the tile next to it.
    """
    finest = ~units.index.isin(units["parent"].dropna())
    shapes = units.geometry.to_numpy()
    names = np.full(len(units), None, dtype=object)
    names[finest] = _squares(shapely.point_on_surface(shapes[finest]), area, size_m)
    tiles = np.unique(names[finest].astype(str))
    ground = np.array([shapely.union_all(shapes[names == tile]) for tile in tiles])
    parents = units["parent"].to_numpy(dtype=object)
    rests = [_rest(shapes[one], shapes[parents == units.index[one]], size_m) for one in np.flatnonzero(~finest)]
    rest = np.concatenate([*rests, ground[:0]])
    nearest = shapely.STRtree(ground).nearest(shapely.point_on_surface(rest))
    for place in np.unique(nearest):
        ground[place] = shapely.union_all([ground[place], *rest[nearest == place]])
    index = pd.Index(tiles, name="tile", dtype=object)
    return gpd.GeoDataFrame(geometry=ground, index=index, crs=area.crs), units.assign(tile=names)


def _rest(whole: BaseGeometry, parts: NDArray[np.object_], size_m: float) -> NDArray[np.object_]:
    """The pieces of a unit's ground that are in none of its parts.

    Ground on which somebody may live stays in one piece, so that homes are gathered as they are in the whole. Slivers,
    the rounding of polygons that should meet, hang together over the whole area: they are cut, so none reaches far.
    """
    rest = shapely.difference(whole, shapely.union_all(parts))
    opened = shapely.buffer(shapely.buffer(rest, -SLIVER_M / 2, join_style="mitre"), SLIVER_M, join_style="mitre")
    wide = shapely.intersection(opened, rest)
    slivers = shapely.difference(rest, wide)
    west, south, east, north = shapely.bounds(whole)
    columns, rows = np.arange(west, east, size_m), np.arange(south, north, size_m)
    x, y = (one.ravel() for one in np.meshgrid(columns, rows))
    cut = shapely.intersection(slivers, shapely.box(x, y, x + size_m, y + size_m))
    pieces = shapely.get_parts(shapely.get_parts(np.array([*cut, wide])))
    return pieces[shapely.area(pieces) > 0]


def _squares(points: NDArray[np.object_], area: StudyArea, size_m: float) -> NDArray[np.object_]:
    west, south, *_ = area.boundary.bounds
    column, row = ((shapely.get_coordinates(points) - (west, south)) // size_m).astype(int).T
    return np.array([f"tile-{y:03d}-{x:03d}" for x, y in zip(column, row, strict=True)], dtype=object)
