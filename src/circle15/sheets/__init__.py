"""Static companions of the map: A3 sheets as PNG and vector PDF, and a few slides; the only room that knows matplotlib.

The first two languages of the study stand side by side, colours are those of the page, and a word, a digit or a pattern
stands beside each.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from circle15.project import Standard
    from circle15.sheets.figures import base_map, plot_grades, plot_status, use_letters
    from circle15.tables import Result

SIGN = "card.pdf"  # the file that shows that a folder holds sheets
SLIDES = "meeting.pptx"
READ = ("facilities", "coverage", "grades", "streets", "ground", "circles", "projects", "project_cells")
"""The tables that sheets are made from, for `sources.results.read_results`."""
__all__ = ["base_map", "plot_grades", "plot_status", "use_letters", "write_sheets"]


def __getattr__(name: str) -> object:
    """Load what draws a picture when it is first asked for."""
    if name not in __all__:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    from circle15.sheets import figures

    return getattr(figures, name)


def write_sheets(result: Result, folder: Path, *, standard: Standard) -> tuple[str, ...]:
    """Write the sheets of a result into a folder: the card, the gaps, the projects, and slides for a meeting.

    Each sheet is A3 landscape, once as PNG and once as vector PDF whose text can be searched (Chinese from
    matplotlib 3.11 on). The same result on the same computer gives the same bytes.

    Parameters
    ----------
    result : Result
        What a run computed; one read back from its folder will do, with the tables of `READ`.
    folder : Path
        Where to; it is made where it is not there. Files of these names in it are replaced.
    standard : Standard
        The standard that the result was held against; it says in which languages the sheets speak.

    Returns
    -------
    tuple of str
        Names of the files: `card`, `gaps` and, where there are projects, `projects`, each `.pdf` and `.png`; and
        `meeting.pptx` where python-pptx is installed.

    Raises
    ------
    SourceError
        When this computer has no font with the letters of these languages; nothing is written then.
    DataError
        When the result holds no coverage.
    """
    from circle15.sheets.contents import Contents, joined
    from circle15.sheets.layouts import card_sheet, gaps_sheet, projects_sheet
    from circle15.sheets.letters import Letters
    from circle15.sheets.paper import drawing

    made = Contents(result, standard)
    letters = Letters.found(made.letters)
    layouts = {"card": card_sheet, "gaps": gaps_sheet}
    if len(made.projects):
        layouts["projects"] = projects_sheet
    written: list[str] = []
    folder.mkdir(parents=True, exist_ok=True)
    with drawing():
        for place, (name, layout) in enumerate(layouts.items(), start=1):
            sheet = layout(made, letters, number=(place, len(layouts)))
            sheet.write(folder / name, title=f"{sheet.title} {joined(made.name)}")
            written += [f"{name}.pdf", f"{name}.png"]
        if find_spec("pptx") is not None:
            from circle15.sheets.meeting import write_meeting

            write_meeting(made, letters, folder / SLIDES)
            written.append(SLIDES)
    return tuple(written)
