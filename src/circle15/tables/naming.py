"""Units as planners write them: by code or by name."""

from __future__ import annotations

import difflib
import unicodedata
from typing import TYPE_CHECKING

from circle15.errors import Finding, quoted

if TYPE_CHECKING:
    from collections.abc import Iterable

    import geopandas as gpd


def unit_ids(words: Iterable[str], units: gpd.GeoDataFrame, *, where: str) -> tuple[dict[str, str], list[Finding]]:
    r"""The units that words mean: a code, else a name that only one unit has.

    Parameters
    ----------
    words : iterable of str
        Codes or names; case, width and outer spaces do not count.
    units : GeoDataFrame
        tables.UNITS.
    where : str
        The file or key that the words are from.

    Returns
    -------
    ids : dict of str to str
        Each word that means a unit, and its id.
    findings : list of Finding
        Words that mean none, with the nearest, and names of several units.

    Examples
    --------
    >>> import pandas as pd
    >>> units = pd.DataFrame({"name": ["石油路街道", "朝阳社区", "朝阳社区"]}, index=["S1", "C1", "C2"])
    >>> ids, found = unit_ids(["c1", "石油路街道", "石油街道", "朝阳社区"], units, where="t.csv")
    >>> ids
    {'c1': 'C1', '石油路街道': 'S1'}
    >>> print(*found, sep="\n")
    t.csv: there is no unit '石油街道'. Did you mean 石油路街道?
    t.csv: 2 units are named '朝阳社区'. Give the code of one: C1, C2.
    """
    by_code = {_folded(one): str(one) for one in units.index}
    by_name: dict[str, list[str]] = {}
    for one, name in zip(units.index, units["name"], strict=True):
        by_name.setdefault(_folded(name), []).append(str(one))
    known = [*units["name"].astype(str), *map(str, units.index)]
    ids, found = {}, []
    for word in dict.fromkeys(words):
        meant = [by_code[_folded(word)]] if _folded(word) in by_code else by_name.get(_folded(word), [])
        if len(meant) == 1:
            ids[word] = meant[0]
        elif meant:
            mend = f"Give the code of one: {quoted(meant)}"
            found.append(Finding(where, f"{len(meant)} units are named {word!r}", mend))
        else:
            near = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
            mend = f"Did you mean {near[0]}?" if near else f"Known are: {quoted(dict.fromkeys(known))}"
            found.append(Finding(where, f"there is no unit {word!r}", mend))
    return ids, found


def _folded(word: object) -> str:
    return unicodedata.normalize("NFKC", str(word)).strip().casefold()
