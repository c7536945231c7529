"""Jobs for the workers of the tests, which they have to be able to import."""

import os
import signal
from pathlib import Path


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
