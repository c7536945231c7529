"""How kernels are compiled: on the first call and kept on disk; or ahead of that, while files are read.

A first run has eight seconds of compiling to do. Processes of their own do that from the start of a study, each for
kernels that the others leave alone, and fill the same folder on disk. (A thread would not do: while it compiles it
changes the warnings filter of the whole process, and it holds the interpreter.) On Linux one of them loads the
compiler, which takes a second, and forks the others. Whatever goes wrong there costs only time: a kernel that is not on
disk is compiled when it is called.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import hashlib
import os
import signal
import subprocess
import sys
import time
from itertools import chain
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numba
import numpy as np
from numba.core import codegen, cpu, targetconfig
from numba.core.options import DefaultOptions

from circle15.network.threads import python

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_Kernel = TypeVar("_Kernel", bound="Callable[..., Any]")

_FILES = ("search.py", "closures.py", "drawing.py", "tracing.py")
_UNCOUNTED = {"_nrt": False} if hasattr(DefaultOptions, "_nrt") else {}  # numba's own name, which it does not document
OUTLINES = ("drawing", "tracing")  # the parts that isochrones need
_TOGETHER = (("walking", "closing"), ("drawing",), ("tracing",))  # what a process makes, in the order it is needed
_LOOK_S = 0.01
_FORKS = sys.platform == "linux"  # elsewhere a fork is not to be had, or not to be trusted
_at_work: dict[str, subprocess.Popen[bytes]] = {}


def compiled(kernel: _Kernel, *, door: bool = True, counted: bool = True) -> _Kernel:
    """Compile on the first call, keep the result on disk, and run without the interpreter lock."""
    options: dict[str, Any] = {
        "nogil": True,
        "error_model": "numpy",
        "no_cpython_wrapper": not door,
        "no_cfunc_wrapper": True,
    }
    options |= {} if counted else _UNCOUNTED
    try:
        ready = numba.njit(cache=door, **options)(kernel)
    except RuntimeError:  # numba finds no folder that it may write to: compile in every process
        ready = numba.njit(**options)(kernel)
    return cast("_Kernel", ready)


def inner(kernel: _Kernel) -> _Kernel:
    """Compile a kernel that only kernels call: it has no door for Python, and is kept with those that call it."""
    return compiled(kernel, door=False)


def filling(kernel: _Kernel) -> _Kernel:
    """Compile a kernel that makes no array, nor calls one that does.

    Nobody counts then who holds which array: quicker to compile, and much quicker where many are handed on.
    """
    return compiled(kernel, counted=False)


def woven(kernel: _Kernel) -> _Kernel:
    """Weave a small kernel, or one that is called once, into those that call it, before they are compiled."""
    return cast("_Kernel", numba.njit(inline="always")(kernel))


def filling_inner(kernel: _Kernel) -> _Kernel:
    """Compile a kernel that makes no array and that only such kernels call."""
    return compiled(kernel, door=False, counted=False)


# ------------------------------------------------------------------------------------------------------------- ahead


def begin() -> None:
    """Have the kernels of a study compiled in processes of their own, unless they are on disk; returns at once."""
    program = python()
    if program is None:
        return
    stamps = {part: _stamp(part) for part in _PARTS if part not in _at_work}
    parts = [part for part, stamp in stamps.items() if stamp is not None and not stamp.exists()]
    for together in [parts] if _FORKS and parts else _groups(parts):
        words, quiet = [program, "-m", __name__, *together], subprocess.DEVNULL
        with contextlib.suppress(OSError):
            process = subprocess.Popen(  # noqa: S603  our own
                words, stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=_FORKS
            )
            _at_work.update(dict.fromkeys(together, process))


def _groups(parts: Iterable[str]) -> list[list[str]]:
    """The parts that each process makes."""
    parts = set(parts)
    groups = ([part for part in together if part in parts] for together in _TOGETHER)
    return [group for group in groups if group]


def ready(*parts: str) -> bool:
    """Whether nobody has to wait for the kernels of some parts."""

    def is_ready(part: str) -> bool:
        if part not in _at_work or _at_work[part].poll() is not None:
            return True
        stamp = _stamp(part)
        return stamp is None or stamp.exists()

    return all(map(is_ready, parts))


def wait(*parts: str) -> None:
    """Wait until the kernels of `walking`, `closing` or of `OUTLINES` are on disk, if they are being made."""
    while not ready(*parts):
        time.sleep(_LOOK_S)


@atexit.register
def _stop() -> None:
    for process in set(_at_work.values()):
        if not _FORKS:
            process.kill()  # nothing, where it has ended
        elif process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)  # and those that it forked
        process.wait()


def _stamp(part: str) -> Path | None:
    """The file that says that the kernels of a part, as they are now, are on disk; None where they are not kept."""
    from llvmlite import binding

    from circle15.network import search

    folder = getattr(getattr(search.pack, "stats", None), "cache_path", None)
    if folder is None:
        return None
    files = [(Path(__file__).parent / name).stat() for name in _FILES]
    key = (numba.__version__, np.__version__, sys.version, binding.get_host_cpu_name())
    state = repr((key, [(one.st_mtime, one.st_size) for one in files]))
    return Path(folder) / f"{part}-{hashlib.blake2b(state.encode(), digest_size=8).hexdigest()}.ready"


def _compile_walking() -> None:
    """Call every kernel that a study walks with, on one street that can be walked both ways."""
    from circle15.network.engine import Engine

    ends, ticks = np.array([0, 1]), np.array([600, 600])
    engine = Engine.of(ends, ends[::-1], ticks, xy=np.array([[0.0, 0.0], [90.0, 0.0]]), threads=1)
    door = engine.at_nodes([0])
    engine.reached(door, limit=600)  # a matrix is listed by the same kernel
    engine.nearest(door, limit=600)


def _compile_closing() -> None:
    """Close nothing on such a street."""
    from circle15.network import closures, search
    from circle15.network.engine import Engine
    from circle15.network.places import turned

    ends, ticks = np.array([0, 1]), np.array([600, 600])
    engine = Engine.of(ends, ends[::-1], ticks, nodes=2, threads=1)
    door = engine.at_nodes([0])
    none, never = np.zeros(0, np.int32), np.full(2, search.NEVER, np.int32)
    closing = closures.Closing(np.full(2, -1, np.int32), np.zeros(2, np.int64), none, none)  # one that closes nothing
    onward, back = engine.onward._replace(links=engine.links[0]), engine.reversed._replace(links=engine.links[1])
    city = closures.City(onward, back, closing, door.leaving, turned(door.leaving, count=2))
    left, after, cut, seen, found = (np.empty(2, np.int32) for _ in range(5))
    ways = closures.Ways(never, np.empty(8, np.int64), left, after, cut, np.empty(1, np.int64), seen, found)
    work = search.scratch(engine.onward)
    there = door.entering
    count = search.settle(engine.reversed, there.items, there.ticks, 600, work)
    service = closures.Service(there.items, there.ticks, never[:1], 300, 600, count)
    closures.losses(city, service, work, ways, 0, np.empty((1, 4), np.int64))


def _compile_drawing() -> None:
    """Draw what is reached of one street, from one of its ends."""
    import shapely

    from circle15.network import canvas, drawing

    lines = np.array([shapely.LineString([(0.0, 0.0), (90.0, 0.0)])], dtype=object)
    layout: Any = SimpleNamespace(lines=lines, drawn=canvas.vertices(lines), order=np.zeros(1, np.int64))
    ends, ticks, limits = np.array([0, 1], np.int32), np.array([600, 600], np.int32), np.array([300, 600])
    walks = drawing.Walks(np.array([0, 2]), ends, ends, ends[:1], np.zeros(1), np.zeros(1, np.int64))
    streets = drawing.Streets(np.array([0, 1, 2]), ends, ticks, np.array([90.0]))
    over, drawn = canvas.over(layout, cell=10.0, water=None)
    stamps, words = canvas.stamps(over, drawn)
    world = drawing.World(streets, drawn, over, stamps, words.view(np.uint8))
    drawing.draw(world, walks, limits, drawing.blank_list(1, 4, 2), drawing.blank_sheets(2**10, 2), 0)


def _compile_tracing() -> None:
    """Trace nothing."""
    from circle15.network import blocks, canvas, drawing, tracing

    ground = canvas.dry(0.0, 0.0, 10.0, rows=8, columns=8)
    nothing = blocks.none(ground, np.zeros(8, np.uint64))
    grid = tracing.Grid(ground, nothing, blocks.plan(10.0))
    tracing.outlines(drawing.blank_sheets(8, 1), 0, grid, tracing.desk(64), tracing.ink(64, 1))


_PARTS = {
    "walking": _compile_walking,
    "closing": _compile_closing,
    "drawing": _compile_drawing,
    "tracing": _compile_tracing,
}


def _hasten() -> None:
    """Let numba list its options, and say what a function gives for which arguments, quicker.

    It asks both tens of thousands of times while it compiles; the answers are the same. These and those of `_lighten`
    are names of numba's own, and they are changed in no process but those that only compile; a numba that has no such
    names is left as it is.
    """
    options: Any = getattr(targetconfig, "TargetConfig", None)
    functions: Any = getattr(numba.types, "BaseFunction", None)
    defaults: dict[type, dict[str, Any]] = {}
    typed = getattr(functions, "get_call_type", None)

    def values(given: Any) -> dict[str, Any]:  # noqa: ANN401  options of numba
        kind = type(given)
        if kind not in defaults:
            defaults[kind] = {name: one.default for name, one in given.options.items()}
        others: dict[str, Any] = given._values  # noqa: SLF001  this is a method of theirs
        return defaults[kind] | others

    def get_call_type(function: Any, context: Any, args: Any, kws: Any) -> Any:  # noqa: ANN401  types of numba
        known, key = vars(function).setdefault("circle15", {}), (tuple(args), tuple(kws.items()))
        if typed is not None and key not in known:
            known[key] = typed(function, context, args, kws)
        return known[key]

    if hasattr(options, "values"):
        options.values = values
    if typed is not None:
        functions.get_call_type = get_call_type


def _lighten() -> None:
    """Have machine code made of kernels that Python calls, and of no others: these are woven into those by then."""
    library: Any = getattr(codegen, "CPUCodeLibrary", None)
    context: Any = getattr(cpu, "CPUContext", None)
    made = getattr(context, "get_executable", None)
    names = "_optimize_final_module", "_finalize_final_module", "finalize"
    if made is None or not all(hasattr(library, name) for name in names):
        return

    def get_executable(context: Any, library: Any, kernel: Any, env: Any) -> Any:  # noqa: ANN401  numba's own
        try:
            library.get_function(kernel.llvm_cpython_wrapper_name)
        except NameError:  # there is no door
            library._optimize_final_module = lambda: None  # noqa: SLF001  of this one only
            library._finalize_final_module = lambda: setattr(library, "_finalized", True)  # noqa: SLF001
            library.finalize()
            return [].append  # nobody calls it, but it must be a function of its own
        return made(context, library, kernel, env)

    context.get_executable = get_executable


def _load() -> None:
    """Load what every part needs: the kernels' files, and all that the compiler loads for the first kernel."""
    from circle15.network import closures, drawing, engine, tracing

    _ = closures, drawing, engine, tracing
    numba.njit(lambda values: min(values[0], 1))(np.zeros(1, np.int64))


def _main(parts: Iterable[str]) -> None:
    gc.disable()  # a compiler makes a million small things that are in nobody's way
    cast("dict[str, Any]", sys.modules)["scipy.linalg"] = None  # numba would load it, and no kernel asks for it
    _hasten()
    _lighten()
    mine, *others = _groups(parts)
    forked = []
    if others and _FORKS:
        _load()
        for other in others:
            forked.append(os.fork())
            if not forked[-1]:
                mine, forked = other, []
                break
        others = []
    for part in chain(mine, *others):
        _PARTS[part]()
        stamp = _stamp(part)
        if stamp is not None:
            stamp.touch()
    for process in forked:
        os.waitpid(process, 0)
    os._exit(0)  # all is on disk; to take down what a compiler has built up takes a while


if __name__ == "__main__":
    _main(sys.argv[1:])
