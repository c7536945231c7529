"""A second Python that writes the GIS package while the first makes the map and the workbook.

All three take about as long, and a run has nothing else to do on its other processors. The second Python is started
when the run begins, so that its libraries are loaded while the first reads. Whatever goes wrong there costs only time:
the first writes what the second has not, and tells what is wrong as it always does.
"""

from __future__ import annotations

import contextlib
import pickle
import subprocess
import sys
import threading
import warnings
from typing import IO, TYPE_CHECKING, Any

from circle15.network.threads import processors, python

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from circle15.project import Standard
    from circle15.tables import Result

WORTH_BYTES = 200_000  # of input: below that a run is over before a second Python has begun
MOST_ORIGINS = 2_000  # a result is held twice


class Aside:
    """What is asked of the second Python, where there is one."""

    def __init__(self, process: subprocess.Popen[bytes] | None) -> None:
        self._process = process
        self._sender: threading.Thread | None = None

    def begin(self, result: Result, path: Path, *, standard: Standard) -> None:
        """Have the package written, if it may be; returns at once."""
        if self._process is None:
            return
        if len(result.origins) > MOST_ORIGINS:
            self._process.kill()  # it would only hold memory
        else:
            asked = {"result": result, "path": path, "standard": standard}
            self._sender = threading.Thread(target=_send, args=(asked, self._process.stdin))
            self._sender.start()

    def written(self) -> bool:
        """Whether the package is there, when it is done."""
        if self._process is None or self._sender is None:
            return False
        self._sender.join()
        return self._process.wait() == 0


@contextlib.contextmanager
def aside(inputs: Iterable[Path]) -> Iterator[Aside]:
    """Start a second Python, where that may be and is worth its while for what is read; it ends with the block."""
    size = sum(path.stat().st_size for path in inputs if path.is_file())
    program = python()
    if size < WORTH_BYTES or processors() == 1 or program is None:
        yield Aside(None)
        return
    words = [program, "-W", "error", "-c", f"from {__name__} import serve; serve()"]
    quiet = subprocess.DEVNULL
    try:
        process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=quiet, stderr=quiet)  # noqa: S603  our own
    except OSError:
        yield Aside(None)
        return
    try:
        yield Aside(process)
    finally:
        process.kill()  # nothing, where it has ended
        process.communicate()


def _send(asked: dict[str, Any], stream: IO[bytes]) -> None:
    with contextlib.suppress(OSError), stream:  # it may have ended
        pickle.dump(asked, stream, protocol=pickle.HIGHEST_PROTOCOL)


def serve() -> None:
    """Write what comes in; the work of the second Python."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of libraries, while they are loaded
        from circle15.report import write_geopackage
    write_geopackage(**pickle.load(sys.stdin.buffer))  # noqa: S301  from the run that started it
