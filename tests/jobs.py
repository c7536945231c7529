"""Jobs for the workers of the tests, which they have to be able to import."""

import os
import signal
import threading
import time
from pathlib import Path

from circle15.errors import Finding, SourceError


def noted(folder: str, tile: str) -> str:
    """Leave a note; a tile named after a file ``kill-<tile>`` ends its worker the first time."""
    once = Path(folder) / f"kill-{tile}"
    if once.exists():
        once.unlink()
        os.kill(os.getpid(), signal.SIGKILL)
    (Path(folder) / tile).write_text("done", encoding="utf-8")
    return tile


def deadly(folder: str, tile: str) -> str:
    """End the worker, always."""
    os.kill(os.getpid(), signal.SIGKILL)
    return f"{folder}/{tile}"


# ---------------------------------------------------------------------------------- for a second Python, of a study


def process_of(study) -> int:
    """Say which process does what is asked for."""
    return os.getpid() + 0 * len(study.origins)


def doubled(study, number, *, more=0):
    """Answer, and note something beside it."""
    study.findings.append(Finding("there", "it was noted", "Look"))
    return 2 * number + more


def refused(study):
    """Find something wrong."""
    raise SourceError(Finding("there", str(len(study.origins)), "Look"))


def endless(study):
    """Never come to an end."""
    while len(study.origins):
        time.sleep(0.1)


def _in_the_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


class Unpacked:
    """What becomes, when it is unpacked, whether that was in the main thread."""

    def __reduce__(self):
        return _in_the_main_thread, ()


def unpacked_in_the_main_thread(study):
    """Say where that was."""
    return study.where
