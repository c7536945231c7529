"""Plain threads over all processors; the kernels let go of the interpreter lock."""

from __future__ import annotations

import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np

from circle15.display import tracked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from circle15.display import Track

_Answer = TypeVar("_Answer")
_Task = TypeVar("_Task")
_Thing = TypeVar("_Thing")

_NAME = "circle15-search"
_POOLS: dict[tuple[int, int], ThreadPoolExecutor] = {}


def processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def python() -> str | None:
    """The Python that runs this, which another one may be started with; none in a program that holds one."""
    return sys.executable if Path(sys.executable or "").stem.startswith("python") else None


def in_threads(
    task: Callable[[int, int], _Answer],
    count: int,
    *,
    threads: int | None = None,
    track: Track | None = None,
    words: str = "",
) -> list[_Answer]:
    """Answers of `task(low, high)` over runs that make up `range(count)`, in order, on every processor.

    `track` shows how far the runs have come, with these words for them.
    """
    threads = threads or processors()
    runs = min(count, 8 * threads if threads > 1 or track else 1)  # more runs than threads: none waits long for another
    bounds = np.linspace(0, count, runs + 1).astype(int).tolist()
    return each(lambda run: task(*run), pairwise(bounds), threads=threads, track=track, words=words)


def each(
    task: Callable[[_Task], _Answer],
    tasks: Iterable[_Task],
    *,
    threads: int | None = None,
    track: Track | None = None,
    words: str = "",
) -> list[_Answer]:
    """Answers of a task to each of some things, in their order, on every processor; in turn inside such a task.

    `track` shows how far they have come, with these words for them; it is called from the thread that asks.
    """
    threads, listed = threads or processors(), list(tasks)
    inside = threading.current_thread().name.startswith(_NAME)  # it would wait for itself
    if inside or threads == 1 or len(listed) < 2:  # noqa: PLR2004  nothing to share out
        answers: Iterable[_Answer] = map(task, listed)
    else:
        answers = _pool(threads).map(task, listed)
    return list(tracked(answers, words, count=len(listed), track=track))


def _pool(threads: int) -> ThreadPoolExecutor:
    """Threads that wait for the next task; made anew in a forked process, which has none."""
    key = os.getpid(), threads
    if key not in _POOLS:
        _POOLS[key] = ThreadPoolExecutor(threads, _NAME)
    return _POOLS[key]


class Spare(Generic[_Thing]):
    """Things that are dear to make, lent to one thread at a time and kept for the next."""

    def __init__(self, make: Callable[[], _Thing]) -> None:
        self._make = make
        self._kept: list[_Thing] = []

    def use(self, task: Callable[[_Thing], _Answer]) -> _Answer:
        """The answer of a task that borrows one; after an error it is not kept, because it may be half written."""
        try:
            thing = self._kept.pop()  # atomic: two threads never get the same one
        except IndexError:
            thing = self._make()
        answer = task(thing)
        self._kept.append(thing)
        return answer
