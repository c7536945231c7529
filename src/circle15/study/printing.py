"""The sheets of a results folder, written as a folder of their own. No arithmetic happens here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from circle15.errors import ConfigError, Finding
from circle15.study.whole import whole_folder, writing

if TYPE_CHECKING:
    from pathlib import Path


def print_sheets(results: Path, folder: Path | None = None) -> tuple[Path, tuple[str, ...]]:
    """Write the sheets of a results folder, whole or not at all.

    Parameters
    ----------
    results : Path
        As `circle15 run` wrote it.
    folder : Path, optional
        It may be absent, empty, or a folder of sheets, which is replaced whole; beside `results`, called
        ``<results>-sheets``, otherwise.

    Returns
    -------
    folder : Path
        Where the sheets are.
    written : tuple of str
        Names of the files.

    Raises
    ------
    SourceError
        When `results` is missing or cannot be read, this computer has no font with Chinese letters, or the disk does
        not take it; the folder is as before then.
    DataError
        When a table of `results` breaks its contract.
    ConfigError
        When something else is in that place.

    Examples
    --------
    >>> from pathlib import Path
    >>> print_sheets(Path("2026"))
    Traceback (most recent call last):
    circle15.errors.SourceError: 2026: there is no such folder. Name a folder that circle15 run wrote.
    """
    from circle15.sheets import READ, SIGN, write_sheets
    from circle15.sources.results import read_results

    whole = results.resolve()
    folder = folder or whole.with_name(f"{whole.name}-sheets")
    if folder.resolve().is_relative_to(whole) or whole.is_relative_to(folder.resolve()):
        problem = "it is the results folder, or one of the two lies in the other"
        raise ConfigError(Finding(str(folder), problem, "Name another folder with --output"))
    result, manifest = read_results(results, tables=READ)
    with whole_folder(folder, sign=SIGN) as draft, writing(folder):
        written = write_sheets(result, draft, standard=manifest.standard)
    return folder, written
