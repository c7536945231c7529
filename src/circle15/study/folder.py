"""A results folder that appears whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from circle15.errors import ConfigError, Finding, SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Give a draft folder that takes the place of `folder` when the block ends well, and vanishes otherwise."""
    if folder.exists() and not (folder.is_dir() and ((folder / "run.json").exists() or not any(folder.iterdir()))):
        mend = "Name another folder with --output, or empty this one"
        raise ConfigError(Finding(str(folder), "it exists and is not a results folder of circle15", mend))
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    except OSError as error:
        problem = f"a folder cannot be made there ({error.strerror})"
        raise SourceError(Finding(str(folder.parent), problem, "Name another folder with --output")) from None
    try:
        yield draft
        draft.chmod(0o777 & ~_umask())
        if folder.exists():
            old = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
            folder.rename(old / "old")
            draft.rename(folder)
            shutil.rmtree(old)
        else:
            draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
