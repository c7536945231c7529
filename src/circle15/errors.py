"""What circle15 raises on purpose, and how a problem is worded.

::

    Circle15Error                    catch this for everything raised on purpose
    ├── ConfigError   (ValueError)   the study, standard or walker file
    ├── DataError     (ValueError)   a table breaks the contract: columns, ids, nulls, CRS, datum
    ├── CutoffError   (ValueError)   asked beyond what was computed
    ├── SourceError   (OSError)      web or disk did not give what was asked
    ├── SitingError   (RuntimeError) no feasible answer, or the solver stopped early
    └── MissingExtra  (ImportError)  names the extra to install
    Circle15Warning   (UserWarning)

Every error carries findings. A finding reads *where: what is wrong. What to do.*
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

QUOTED_IDS = 5  # at most this many ids are quoted in a sentence


@dataclass(frozen=True)
class Finding:
    """One problem, said so that a planner can mend it.

    Parameters
    ----------
    where : str
        The file, table or key that the problem is in.
    problem : str
        What is wrong there, without a full stop.
    mend : str
        What to do about it, without a full stop.

    Examples
    --------
    >>> str(Finding("study.toml [area]", "margin_m is -5", "Give a distance of 0 m or more"))
    'study.toml [area]: margin_m is -5. Give a distance of 0 m or more.'
    """

    where: str
    problem: str
    mend: str

    def __str__(self) -> str:
        """Where: what is wrong. What to do."""
        end = "" if self.mend.endswith("?") else "."
        return f"{self.where}: {self.problem}. {self.mend}{end}"


def quoted(ids: Iterable[object]) -> str:
    """Name the first few ids of many.

    Parameters
    ----------
    ids : iterable
        The ids a finding is about.

    Returns
    -------
    str
        At most five ids, and an ellipsis where there are more.

    Examples
    --------
    >>> quoted(["A1", "A2"])
    'A1, A2'
    >>> quoted(range(9))
    '0, 1, 2, 3, 4, ...'
    """
    listed = [str(one) for one in ids]
    more = ", ..." if len(listed) > QUOTED_IDS else ""
    return ", ".join(listed[:QUOTED_IDS]) + more


class Circle15Error(Exception):
    """Anything that circle15 raises on purpose; carries `findings`.

    Parameters
    ----------
    *findings : Finding or str
        Every problem found, not only the first.

    Examples
    --------
    >>> error = DataError(Finding("people.csv", "2 of 9 rows have no id (first: 3, 7)", "Fill them"))
    >>> print(error)
    people.csv: 2 of 9 rows have no id (first: 3, 7). Fill them.
    >>> isinstance(error, ValueError)
    True
    """

    def __init__(self, *findings: Finding | str) -> None:
        self.findings = findings
        super().__init__("\n".join(str(one) for one in findings))


class ConfigError(Circle15Error, ValueError):
    """The study, standard or walker file needs mending."""


class DataError(Circle15Error, ValueError):
    """A table breaks the contract: columns, ids, nulls, CRS or datum."""


class CutoffError(Circle15Error, ValueError):
    """More minutes were asked for than were computed."""


class SourceError(Circle15Error, OSError):
    """The web or the disk did not give what was asked.

    `outside` is true when an outside service failed, false for a file on disk.
    """

    def __init__(self, *findings: Finding | str, outside: bool = False) -> None:
        super().__init__(*findings)
        self.outside = outside


class SitingError(Circle15Error, RuntimeError):
    """No feasible answer, or the solver stopped early."""


class MissingExtra(Circle15Error, ImportError):  # noqa: N818  the name says what is missing
    """An optional package is not installed; the text names the extra."""


class Circle15Warning(UserWarning):
    """A condition that changes the meaning of a result."""
