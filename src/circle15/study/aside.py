"""A second Python that holds the same study, and does of it what the first need not do itself.

A run has little to do on its other processors: tables are made one after the other. The second Python is started when
the run begins, so that its libraries are loaded while the first reads; then it is handed what the study knows, and
asked for one thing after the other. Whatever goes wrong there costs only time: the first does what the second has not,
and tells what is wrong as it always does.
"""

from __future__ import annotations

import contextlib
import gc
import os
import pickle
import queue
import subprocess
import sys
import threading
import warnings
from concurrent.futures import Future, ThreadPoolExecutor
from typing import IO, TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from circle15.network.threads import processors, python

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from circle15.study import Study

_Answer = TypeVar("_Answer")
_Given = ParamSpec("_Given")

WORTH_BYTES = 200_000  # of input: below that a run is over before a second Python has begun
MOST_ORIGINS = 2_000  # a study is held twice
OWN = frozenset({"announce", "track", "second", "findings", "seconds", "rejected"})  # of each Python
LEFT = frozenset({"elements", "terrain", "network"})  # not needed there, or made sooner than handed over
_SIZE = 8  # bytes that tell how many there are of what is asked


class Aside:
    """What a second Python has been asked for; without one, whatever is asked is done here."""

    def __init__(self, process: subprocess.Popen[bytes] | None = None) -> None:
        self._process = process
        self._line = ThreadPoolExecutor(1)  # one thing after the other
        self._begun: dict[Callable[..., Any], Future[Any]] = {}
        self._held: set[str] = set()

    def hold(self, study: Study) -> None:
        """Hand over what a study has come to know; returns at once."""
        if len(study.origins) > MOST_ORIGINS:
            self.end()  # it would only hold memory
        if self._process is not None:
            new = {name: value for name, value in vars(study).items() if name not in OWN | LEFT | self._held}
            self._held |= new.keys()
            self._line.submit(self._exchange, new)

    def begin(
        self, task: Callable[Concatenate[Study, _Given], Any], *given: _Given.args, **more: _Given.kwargs
    ) -> None:
        """Have a task done there with the study that was handed over; returns at once."""
        if self._process is not None:
            self._begun[task] = self._line.submit(self._exchange, (task, given, more))

    def wait(self, ready: Callable[[], None]) -> None:
        """Ask for nothing more until something is ready; returns at once."""
        if self._process is not None:
            self._line.submit(ready)

    def did(self, task: Callable[..., Any]) -> bool:
        """Whether a task was begun and went well; it is over then."""
        with contextlib.suppress(Exception):
            return self._begun.pop(task).result() is not None
        return False

    def done(
        self,
        task: Callable[Concatenate[Study, _Given], _Answer],
        study: Study,
        *given: _Given.args,
        **more: _Given.kwargs,
    ) -> _Answer:
        """The answer of a task that was begun, when it is there; done here and now where its turn has not come."""
        told = self._begun.pop(task, None)
        if told is not None and not told.cancel():
            with contextlib.suppress(Exception):  # what is wrong with a task is told by doing it here
                found, findings = told.result()
                study.findings += findings
                return found  # type: ignore[no-any-return]
        return task(study, *given, **more)

    def end(self) -> None:
        """Whatever it is doing, it ends."""
        if self._process is not None:
            self._process.kill()  # nothing, where it has ended
            self._line.shutdown(cancel_futures=True)
            self._process.communicate()
            self._process = None

    def _exchange(self, asked: object) -> Any:  # noqa: ANN401  whatever the task answers
        assert self._process is not None  # noqa: S101  nothing is asked of nobody
        assert self._process.stdin is not None  # noqa: S101  a pipe
        assert self._process.stdout is not None  # noqa: S101  a pipe
        packed = pickle.dumps(asked, protocol=pickle.HIGHEST_PROTOCOL)
        self._process.stdin.write(len(packed).to_bytes(_SIZE))
        self._process.stdin.write(packed)
        self._process.stdin.flush()
        return pickle.load(self._process.stdout)  # noqa: S301  of the Python that was started here


@contextlib.contextmanager
def aside(study: Study) -> Iterator[None]:
    """Start a second Python for a study, where that may be and is worth its while; it ends with the block."""
    inputs = [study.project.path(file) for _, file in study.project.inputs()]
    size = sum(path.stat().st_size for path in inputs if path.is_file())
    program = python()
    if size < WORTH_BYTES or processors() == 1 or program is None:
        yield
        return
    words = [program, "-W", "error", "-c", f"from {__name__} import serve; serve()"]
    pipe, quiet = subprocess.PIPE, subprocess.DEVNULL
    try:
        process = subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=quiet)  # noqa: S603  our own
    except OSError:
        yield
        return
    study.second = Aside(process)
    try:
        yield
    finally:
        study.second.end()
        study.second = Aside()


def _listen(stream: IO[bytes], asked: queue.SimpleQueue[bytes]) -> None:
    """Hear what is asked; end when nobody asks any more, so that nothing is written for a run that was killed.

    It is unpacked where libraries are loaded: two threads that load the same one can each find the other's half of it.
    """
    while size := int.from_bytes(stream.read(_SIZE)):
        packed = stream.read(size)
        if len(packed) < size:
            break
        asked.put(packed)
    os._exit(0)


def serve() -> None:
    """Do what is asked, one thing after the other; the work of the second Python."""
    gc.disable()  # it ends soon
    asked: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(sys.stdin.buffer, asked), daemon=True).start()
    told, sys.stdout = sys.stdout.buffer, sys.stderr  # what is printed is no answer
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of libraries, while they are loaded
        from circle15 import assessment, network, page, report, siting
        from circle15.sources import planned
        from circle15.study import Study

        _ = assessment.card, network.WalkNetwork, page.gap_map, report, siting, planned  # before anything is asked
    study: Study | None = None
    while True:
        what = pickle.loads(asked.get())  # noqa: S301  from the run that started it
        answer: object = None
        if isinstance(what, dict):
            study = study or Study(what["asked"])
            vars(study).update(what)
        elif study is not None:
            task, given, more = what
            noted = len(study.findings)
            with contextlib.suppress(Exception):  # the first will see for itself
                answer = task(study, *given, **more), study.findings[noted:]
        pickle.dump(answer, told, protocol=pickle.HIGHEST_PROTOCOL)
        told.flush()
