"""A folder that appears whole or not at all, written by one run at a time.

A run writes a draft beside the folder, ``.out.draft``, and holds a lock on ``.out.lock`` meanwhile. At the end draft
and folder change places: in one step where the system can (Linux), else in two, of which the first sets the old folder
aside as ``.out.old``. Whatever a killed run leaves behind, the next one finds by these names and mends.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import sys
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from circle15.errors import Circle15Error, ConfigError, Finding, SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_BEYOND = 1 << 30  # Windows locks bytes, which nobody may read then; this one is not in the file
_HERE, _EXCHANGE = -100, 2  # AT_FDCWD and RENAME_EXCHANGE of renameat2


@contextmanager
def whole_folder(folder: Path, *, sign: str = "run.json") -> Iterator[Path]:
    """Give a draft folder that takes the place of `folder` when the block ends well, and vanishes otherwise.

    Parameters
    ----------
    folder : Path
        It may be absent, empty, or a folder of the same kind, which is replaced whole.
    sign : str
        The file that a folder of this kind holds.

    Yields
    ------
    Path
        The draft, an empty folder beside it.

    Raises
    ------
    ConfigError
        When something else is in that place; it is left alone.
    SourceError
        When another run writes into the folder, or when the disk does not take it; the folder is as before then.
    """
    folder = folder.resolve()
    with writing(folder):
        _require_ours(folder, sign)
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock = _locked(folder)
    draft, old = _beside(folder, "draft"), _beside(folder, "old")
    try:
        with writing(folder):
            _mend(folder, draft, old)
            draft.mkdir()
        yield draft
        with writing(folder):
            _flush(draft)
            _swap(draft, folder, old)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
        _unlock(lock, _beside(folder, "lock"))


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turn what the disk refuses into one finding about the folder."""
    try:
        yield
    except Circle15Error:
        raise
    except OSError as error:
        problem = f"it cannot be written ({error.strerror or error})"
        mend = "Make room there, see who may write there and close its files, or name another folder with --output"
        raise SourceError(Finding(str(folder), problem, mend)) from error


def _beside(folder: Path, word: str) -> Path:
    return folder.with_name(f".{folder.name}.{word}")


def _require_ours(folder: Path, sign: str) -> None:
    if folder.exists() and not (folder.is_dir() and ((folder / sign).exists() or not any(folder.iterdir()))):
        problem = f"it exists and is not a results folder of circle15 that holds {sign}"
        mend = "Name another folder with --output, or empty this one"
        raise ConfigError(Finding(str(folder), problem, mend))


def _mend(folder: Path, draft: Path, old: Path) -> None:
    """Clear away what a killed run left; a folder that it had only set aside goes back to its place."""
    if old.exists() and not folder.exists():
        old.rename(folder)
    for left in (draft, old):
        if left.exists():
            shutil.rmtree(left)


def _flush(draft: Path) -> None:
    """Wait until the disk has taken everything: some notice only now that they are full."""
    for path in draft.iterdir():
        with path.open("r+b") as file:
            os.fsync(file.fileno())


def _swap(draft: Path, folder: Path, old: Path) -> None:
    """Put the draft in the place of the folder; whatever was there is in the place of the draft then."""
    if not folder.exists():
        draft.rename(folder)
    elif not _exchanged(draft, folder):
        folder.rename(old)
        try:
            draft.rename(folder)
        except OSError:
            old.rename(folder)
            raise
        old.rename(draft)  # so that what is called old is always whole


def _exchanged(one: Path, other: Path) -> bool:
    """Whether the system could exchange the two in one step."""
    if sys.platform != "linux":
        return False
    renameat2 = getattr(ctypes.CDLL(None), "renameat2", None)
    if renameat2 is None:
        return False
    return bool(renameat2(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE) == 0)


# ------------------------------------------------------------------------------------------------------- one at a time


def _locked(folder: Path) -> IO[bytes]:
    """The lock file, held; the system lets go of it when the process ends, however it ends."""
    path = _beside(folder, "lock")
    while True:
        file = path.open("a+b", buffering=0)
        try:
            _hold(file)
            if _is_at(file, path):  # else the run before took it away as it ended: make a new one
                file.truncate(0)
                file.write(str(os.getpid()).encode())
                return file
        except (BlockingIOError, PermissionError):
            file.seek(0)
            owner = file.read(20).decode("ascii", errors="replace").strip() or "unknown"
            problem = f"another run (process {owner}) is writing into it"
            mend = "Wait until that is done, or name another folder with --output"
            file.close()
            raise SourceError(Finding(str(folder), problem, mend)) from None
        except OSError:
            _unlock(file, path)
            raise
        file.close()


def _is_at(file: IO[bytes], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _hold(file: IO[bytes]) -> None:
    if sys.platform == "win32":
        file.seek(_BEYOND)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _unlock(file: IO[bytes], path: Path) -> None:
    if sys.platform != "win32":  # there an open file cannot be taken away
        path.unlink(missing_ok=True)
    file.close()
    if sys.platform == "win32":
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
