"""A virtual environment for each peer, with the versions of `pins/`; never a dependency of circle15."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
WORK = HERE / ".work"
PINS = HERE / "pins"
OURS = "circle15"
NEWER = {"pyvalhalla": (3, 12)}  # below it pip finds only releases without the builder of tiles
OLDEST = (3, 11)
MINUTES = 20


class MissingPeerError(RuntimeError):
    """A peer cannot be installed here; the message says why."""


def python_of(name: str) -> Path:
    """The interpreter of one environment, made first where it is not there."""
    if name == OURS:
        return Path(sys.executable)
    pins = PINS / f"{name}.txt"
    folder = WORK / "environments" / name
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    mark = folder / "pins.sha256"
    wanted = hashlib.sha256(pins.read_bytes()).hexdigest()
    if not mark.exists() or mark.read_text() != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        print(f"making the environment of {name}", file=sys.stderr, flush=True)
        _run([_interpreter(NEWER.get(name, OLDEST)), "-m", "venv", folder], name)
        _run([python, "-m", "pip", "install", "--quiet", "--requirement", pins], name)
        mark.write_text(wanted)
    return python


def _interpreter(least: tuple[int, int]) -> Path:
    """A Python of at least this version: our own, else one found by name, or below pyenv."""
    if sys.version_info[:2] >= least:
        return Path(sys.executable)
    names = [f"python3.{minor}" for minor in range(least[1], least[1] + 4)]
    found = [Path(path) for path in map(shutil.which, names) if path]
    for name in names:
        found += sorted((Path.home() / ".pyenv" / "versions").glob(f"*/bin/{name}"))
    for path in found:
        if subprocess.run([path, "-c", "import venv"], capture_output=True, check=False).returncode == 0:  # noqa: S603
            return path
    message = f"it needs Python {least[0]}.{least[1]} or newer, and none was found"
    raise MissingPeerError(message)


def _run(command: list[Path | str], name: str) -> None:
    clean = {key: value for key, value in os.environ.items() if key not in ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH")}
    try:
        done = subprocess.run(  # noqa: S603  our own words
            command, capture_output=True, text=True, timeout=60 * MINUTES, env=clean, check=False
        )
    except subprocess.TimeoutExpired:
        message = f"{name} was not installed after {MINUTES} minutes"
        raise MissingPeerError(message) from None
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        message = f"{name} cannot be installed: {last}"
        raise MissingPeerError(message)
