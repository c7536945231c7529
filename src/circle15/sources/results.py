"""A results folder read back: its tables, each held against its contract, and its manifest."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pandas as pd
import pyogrio
import shapely
from pyproj.exceptions import CRSError

from circle15.errors import ConfigError, DataError, Finding, MissingExtra, SourceError
from circle15.project import Manifest
from circle15.project.reading import validated
from circle15.sources.files import require_kind
from circle15.tables import TABLES, Result, StudyArea

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    import geopandas as gpd

    from circle15.tables import Table

MANIFEST, PACKAGE, COVERAGE = "run.json", "results.gpkg", "coverage.parquet"
MOST_BYTES = 50_000_000  # of a manifest; that of a country has a hundredth of it
LAYERS = {"streets": "links"}  # tables that the package calls otherwise
AGAIN = "Run the study again with this version of circle15"
SHUT = (
    *(pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, pyogrio.errors.FieldError),
    *(pyogrio.errors.CRSError, pyogrio.errors.GeometryError, shapely.errors.GEOSException, CRSError),
    *(ValueError, OverflowError, OSError),
)


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a results folder.

    Parameters
    ----------
    folder : Path
        As `circle15 run` wrote it.

    Returns
    -------
    Manifest
        What ``run.json`` says.

    Raises
    ------
    SourceError
        When there is no such folder, it is not a results folder, its manifest cannot be read, or an older version
        wrote it that did not keep what is needed.
    """
    path = folder / MANIFEST
    if not path.is_file():
        problem = "it is not a results folder of circle15" if folder.exists() else "there is no such folder"
        raise SourceError(Finding(str(folder), problem, "Name a folder that circle15 run wrote"))
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ValueError("it is too long")  # noqa: EM101, TRY003, TRY301  said below
        said = json.loads(path.read_text(encoding="utf-8"), parse_constant=_no_number)
        json.dumps(said, ensure_ascii=False).encode()  # half of a surrogate pair is no text
    except (ValueError, RecursionError, OSError) as error:
        problem = f"{MANIFEST} cannot be read ({error})"
        raise SourceError(Finding(str(folder), problem, "Run the study again")) from None
    if not isinstance(said, dict):
        raise SourceError(Finding(str(folder), f"{MANIFEST} is not the manifest of a run", AGAIN))
    try:
        return validated(Manifest, said, MANIFEST)
    except ConfigError as error:
        first = error.findings[0]
        words = f"{first.where}: {first.problem}" if isinstance(first, Finding) else str(first)
        problem = f"it was not written by this version of circle15 ({words})"
        raise SourceError(Finding(str(folder), problem, AGAIN)) from None


def _no_number(word: str) -> float:
    message = f"{word} is no number"
    raise ValueError(message)


def read_results(folder: Path, *, tables: Collection[str]) -> tuple[Result, Manifest]:
    """Read a results folder back.

    Parameters
    ----------
    folder : Path
        As `circle15 run` wrote it.
    tables : collection of str
        Names of the tables that are wanted, ``units`` and ``origins`` besides; the others are empty.

    Returns
    -------
    result : Result
        Its area is what the topmost units cover.
    manifest : Manifest
        What ``run.json`` says.

    Raises
    ------
    SourceError
        As `read_manifest`, or when the package of tables cannot be read.
    DataError
        When a table breaks its contract: the file was changed, or another version wrote it.
    MissingExtra
        When the coverage of a large area is a Parquet file and pyarrow is not installed.
    """
    manifest = read_manifest(folder)
    path = folder / PACKAGE
    if not path.is_file():
        raise SourceError(Finding(str(folder), f"{PACKAGE} is missing", "Run the study again"))
    require_kind(path)
    try:
        there = {name for name, _ in pyogrio.list_layers(path)}
    except SHUT as error:
        raise _unreadable(folder, error) from error
    units = _table(folder, "units", there)
    wanted = {"origins", *tables}
    held = {name: _table(folder, name, there) for name in wanted & set(TABLES)} | {"units": units}
    if "coverage" in wanted and held["coverage"].empty and (folder / COVERAGE).is_file():
        held["coverage"] = _coverage(folder)
    top = units.geometry[units["parent"].isna()]
    area = StudyArea(manifest.facts.name, top.union_all(), units.crs, margin_m=manifest.study.area.margin_m)
    return Result.of(area, held, facts=manifest.facts.model_dump()), manifest


def _table(folder: Path, name: str, there: Collection[str]) -> gpd.GeoDataFrame:
    """One table of the package, as its contract has it."""
    table, layer = TABLES[name], LAYERS.get(name, name)
    if layer not in there:
        raise SourceError(Finding(str(folder), f"{PACKAGE} has no layer {layer}", AGAIN))
    try:
        frame = pyogrio.read_dataframe(folder / PACKAGE, layer=layer, read_geometry=bool(table.geometry))
    except SHUT as error:
        raise _unreadable(folder, error) from error
    if table.index not in frame.columns:
        raise DataError(Finding(f"{folder.name}/{PACKAGE} {layer}", f"column {table.index} is missing", AGAIN))
    frame = frame.set_index(table.index)
    frame.index = frame.index.astype(object)
    frame = _typed(frame, table)
    table.check(frame, where=f"{folder.name}/{PACKAGE} {layer}")
    return frame


def _typed(frame: gpd.GeoDataFrame, table: Table) -> gpd.GeoDataFrame:
    """Column types as the contract has them; what a file keeps is a little poorer."""
    types = {"text": object, "number": float, "integer": "Int64", "boolean": bool}
    known = [column for column in table.columns if column.name in frame.columns and not frame[column.name].empty]
    try:
        return frame.astype({column.name: types[column.kind] for column in known})
    except (ValueError, TypeError):
        return frame  # the check says which column it is


def _coverage(folder: Path) -> pd.DataFrame:
    """The coverage of a study by tiles, which has a file of its own."""
    try:
        return pd.read_parquet(folder / COVERAGE, columns=["origin", "service", "status", "minutes"])
    except ImportError as error:
        mend = 'Install it with pip install "circle15[parquet]"'
        problem = f"{COVERAGE} needs the extra parquet, which is not installed"
        raise MissingExtra(Finding(str(folder), problem, mend)) from error
    except (*SHUT, LookupError) as error:
        problem = f"{COVERAGE} cannot be read ({error})"
        raise SourceError(Finding(str(folder), problem, "Run the study again")) from error


def _unreadable(folder: Path, error: Exception) -> SourceError:
    return SourceError(Finding(str(folder), f"{PACKAGE} cannot be read ({error})", "Run the study again"))
