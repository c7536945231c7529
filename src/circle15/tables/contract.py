"""What a table is: columns with their rules, an index, geometry; and the check that a frame keeps them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from circle15.display import Shown
from circle15.errors import DataError, Finding, quoted
from circle15.tables import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pyproj import CRS

    from circle15.display import Card

Kind = Literal["text", "number", "integer", "boolean"]


@dataclass(frozen=True)
class Column:
    """One column of a table, and the sentence that the data dictionary prints.

    Parameters
    ----------
    name : str
        The column, with its unit where a bare number could be misread.
    kind : {"text", "number", "integer", "boolean"}
        What it holds.
    words : str
        One plain sentence for the data dictionary.
    nulls : bool
        Whether a value may be missing.
    allowed : tuple of str
        The only values allowed; empty for any.
    minimum : float or None
        The smallest value allowed.
    """

    name: str
    kind: Kind
    words: str
    nulls: bool = False
    allowed: tuple[str, ...] = ()
    minimum: float | None = None

    def problems(self, values: pd.Series) -> list[str]:
        """List what is wrong with the values of this column.

        Parameters
        ----------
        values : Series
            The column as found.

        Returns
        -------
        list of str
            Sentences without a full stop; empty when all is well.
        """
        found: list[str] = []
        missing = values.isna()
        if missing.any() and not self.nulls:
            ids = quoted(values.index[missing])
            found.append(f"{int(missing.sum()):,} of {len(values):,} rows have no {self.name} (first: {ids})")
        present = values[~missing] if missing.any() else values
        if self.kind in ("number", "integer"):
            numbers = pd.to_numeric(present, errors="coerce").to_numpy(dtype=float)
            bad = ~np.isfinite(numbers)
            if self.minimum is not None:
                bad |= numbers < self.minimum
            if bad.any():
                least = "" if self.minimum is None else f" of at least {self.minimum:g}"
                ids = quoted(present.index[bad])
                found.append(f"{int(bad.sum()):,} values of {self.name} are not numbers{least} (first: {ids})")
        if self.allowed:
            other = ~present.isin(self.allowed)
            if other.any():
                seen = quoted(present[other].unique())
                found.append(f"{self.name} holds {seen}; allowed are {', '.join(self.allowed)}")
        return found


def columns_of(kind: Kind) -> Callable[..., Column]:
    """The constructor of columns of one kind, so that each statement of a column is one line.

    Parameters
    ----------
    kind : {"text", "number", "integer", "boolean"}
        What they hold.

    Returns
    -------
    callable
        Takes the name, the words and the rules of a column.

    Examples
    --------
    >>> columns_of("number")("people", "Residents.", minimum=0).kind
    'number'
    """

    def column(name: str, words: str, **rules: Any) -> Column:  # noqa: ANN401  passed on as they are
        return Column(name, kind, words, **rules)

    return column


@dataclass(frozen=True, repr=False)
class Table(Shown):
    """The statement of one table: its index, its columns and its geometry.

    Parameters
    ----------
    name : str
        The field's word for the table.
    index : str
        The name of the index, which holds unique strings.
    words : str
        One plain sentence for the data dictionary.
    columns : tuple of Column
        In the order in which they are written.
    geometry : tuple of str
        The geometry types allowed; empty for a table without geometry.
    """

    name: str
    index: str
    words: str
    columns: tuple[Column, ...]
    geometry: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        """The column names, geometry last."""
        return [column.name for column in self.columns] + (["geometry"] if self.geometry else [])

    def _card(self) -> Card:
        return shown.table_card(self)

    def empty(self, crs: CRS | None = None) -> pd.DataFrame:
        """The table without a row.

        Parameters
        ----------
        crs : CRS, optional
            The CRS of its geometry.

        Returns
        -------
        DataFrame or GeoDataFrame
            Keeps this contract.
        """
        import geopandas as gpd

        types = {"text": "object", "number": "float64", "integer": "Int64", "boolean": "bool"}
        index = pd.Index([], name=self.index, dtype=object)
        frame = pd.DataFrame(index=index, columns=[column.name for column in self.columns])
        frame = frame.astype({column.name: types[column.kind] for column in self.columns})
        return gpd.GeoDataFrame(frame, geometry=gpd.GeoSeries([], crs=crs), crs=crs) if self.geometry else frame

    def _findings(self, frame: pd.DataFrame, place: str, crs: CRS | None) -> Iterator[Finding]:
        """Try to falsify that `frame` keeps this contract, in every way at once."""
        absent = [column.name for column in self.columns if column.name not in frame.columns]
        if absent:
            yield Finding(place, f"column {quoted(absent)} is missing", f"Give all of: {', '.join(self.names)}")
        if frame.index.name != self.index:
            mend = f"Set the index to a column of ids named {self.index}"
            yield Finding(place, f"the index is named {frame.index.name!r}, not {self.index!r}", mend)
        twice = frame.index[
            pd.Series(frame.index).duplicated().to_numpy()
        ].unique()  # builds no table to look ids up in
        if len(twice):
            problem = f"{len(twice):,} ids occur more than once (first: {quoted(twice)})"
            yield Finding(place, problem, "Make every id unique")
        for column in self.columns:
            for problem in column.problems(frame[column.name]) if column.name in frame.columns else []:
                yield Finding(place, problem, "Mend or drop these rows")
        if self.geometry:
            yield from self._geometry_findings(frame, place, crs)

    def _geometry_findings(self, frame: pd.DataFrame, place: str, crs: CRS | None) -> Iterator[Finding]:
        wanted = f"Give geometry: {' or '.join(self.geometry)}"
        if "geometry" not in frame.columns:
            yield Finding(place, "there is no geometry column", wanted)
            return
        shapes = frame.geometry
        if shapes.crs is None:
            yield Finding(place, "the CRS is not stated", "Set it, for example with set_crs('EPSG:4326')")
        elif not shapes.crs.is_projected or (crs is not None and shapes.crs != crs):
            target = crs.to_string() if crs is not None else "a projected CRS in metres"
            yield Finding(place, f"the CRS is {shapes.crs.to_string()}", f"Bring it to {target} with to_crs()")
        empty = shapes.isna() | shapes.is_empty
        if empty.any():
            problem = f"{int(empty.sum()):,} rows have no geometry (first: {quoted(frame.index[empty])})"
            yield Finding(place, problem, "Place or drop them")
        types = pd.Series(shapes.array.geom_type, dtype=object, index=shapes.index)  # pandas would copy it to strings
        other = types[~types.isin(self.geometry) & ~empty]
        if len(other):
            yield Finding(place, f"geometry holds {quoted(other.unique())}", wanted)

    def check(self, frame: pd.DataFrame, *, where: str | None = None, crs: CRS | None = None) -> None:
        """Raise one error with every finding, or do nothing.

        Parameters
        ----------
        frame : DataFrame or GeoDataFrame
            The table to check; it is not changed.
        where : str, optional
            The file or source to name in the error.
        crs : CRS, optional
            The CRS that the geometry must be in.

        Raises
        ------
        DataError
            When the contract is broken.

        Examples
        --------
        >>> import pandas as pd
        >>> from circle15.tables import GAPS
        >>> GAPS.check(pd.DataFrame())  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        circle15.errors.DataError: gaps: column origin, ...
        """
        found = list(self._findings(frame, where or self.name, crs))
        if found:
            raise DataError(*found)
