"""Kernels made ahead are the ones that a study calls, and whatever goes wrong there costs only time."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from circle15.network import kernels

TESTS = Path(__file__).parents[1]
STUDY = """
import shapely, toytown
from circle15.network import WalkNetwork, closures, drawing, search, tracing

town = WalkNetwork(toytown.streets())
homes, goals = toytown.origins(), toytown.facilities()
town.travel_times(homes, goals, walker="adult", trip="slower")
town.dependence(homes, goals, walker="adult", cutoff_s={"clinic": 900}, candidates=[])
west, south, east, north = homes.total_bounds
for water in (None, shapely.box(west + 10, south - 500, west + 60, north + 500)):
    for fine in (False, True):
        town.isochrones(homes, walker="adult", water=water, fine=fine)
for room in (search, closures, drawing, tracing):
    for name, kernel in vars(room).items():
        if getattr(kernel, "stats", None) and kernel.py_func.__module__ == room.__name__:
            print(*[f"{name} {signature}" for signature in kernel.stats.cache_misses])
"""


def run(folder, *words):
    clean = {key: value for key, value in os.environ.items() if not key.startswith("COV_")}
    paths = os.pathsep.join([str(TESTS), clean.pop("PYTHONPATH", "")])
    env = clean | {"NUMBA_CACHE_DIR": str(folder), "PYTHONPATH": paths}
    return subprocess.Popen([sys.executable, *words], env=env, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("asked", [["walking closing", "drawing", "tracing"], ["walking closing drawing tracing"]])
def test_a_study_compiles_nothing_that_was_made_ahead(tmp_path, asked):
    made = [run(tmp_path, "-m", kernels.__name__, *parts.split()) for parts in asked]
    assert [(one.communicate()[0], one.returncode) for one in made] == [("", 0)] * len(asked)
    ready = sorted(one.name.split("-")[0] for one in tmp_path.rglob("*.ready"))
    assert ready == ["closing", "drawing", "tracing", "walking"]
    study = run(tmp_path, "-c", STUDY)
    said, _ = study.communicate()
    assert study.returncode == 0
    assert said.split() == []


@pytest.fixture
def begun(monkeypatch, tmp_path):
    """Which processes `begin` starts; no kernel of this process is touched."""
    monkeypatch.setattr(kernels, "_at_work", {})
    monkeypatch.setattr(kernels, "_FORKS", False)
    monkeypatch.setattr(kernels, "_stamp", lambda part: tmp_path / f"{part}.ready")
    started = []

    class Started:
        def __init__(self, words, **_):
            self.parts = words[3:]
            started.append(" ".join(self.parts))

        def poll(self):
            """One part is on disk at each look, in order."""
            started.append("looked")
            (tmp_path / f"{self.parts.pop(0)}.ready").touch()

    monkeypatch.setattr(kernels.subprocess, "Popen", Started)
    return started


def test_what_is_on_disk_is_not_made_again(begun, tmp_path):
    (tmp_path / "walking.ready").touch()
    kernels.begin()
    kernels.begin()
    assert begun == ["closing", "drawing", "tracing"]
    kernels.wait("walking")
    assert begun == ["closing", "drawing", "tracing"]
    kernels.wait(*kernels.OUTLINES)
    assert begun == ["closing", "drawing", "tracing", "looked", "looked"]


def test_nobody_waits_for_what_is_not_needed_yet(begun):
    kernels.begin()
    kernels.wait("walking")
    assert begun == ["walking closing", "drawing", "tracing", "looked"]
    kernels.wait("closing")
    assert begun[4:] == ["looked"]


def test_one_process_is_started_where_it_can_fork_the_others(begun, monkeypatch, tmp_path):
    monkeypatch.setattr(kernels, "_FORKS", True)
    (tmp_path / "walking.ready").touch()
    kernels.begin()
    kernels.begin()
    assert begun == ["closing drawing tracing"]
    for part in ("closing", "drawing", "tracing"):
        (tmp_path / f"{part}.ready").touch()
    monkeypatch.setattr(kernels, "_at_work", {})
    kernels.begin()
    assert begun == ["closing drawing tracing"]


@pytest.mark.skipif(not kernels._FORKS, reason="one process for each group of parts there")
def test_no_process_is_left_behind(tmp_path):
    """A run that ends early takes along what compiles for it, and what that has forked."""
    early = "from circle15.network import kernels; kernels.begin(); kernels.wait('walking')"
    ends = run(tmp_path, "-c", f"{early}; print(kernels._at_work['walking'].pid)")
    group = int(ends.communicate()[0])
    assert ends.returncode == 0
    at_work = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has ended
            state, _, of, *_ = stat.read_text(encoding="utf-8").rpartition(")")[2].split()
            at_work |= {stat.parent.name} if int(of) == group and state != "Z" else set()
    assert not at_work


def test_a_program_that_holds_a_python_is_not_started_once_more(begun, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/opt/qgis/bin/qgis")
    kernels.begin()
    assert begun == []


def test_where_kernels_are_not_kept_none_are_made(begun, monkeypatch):
    monkeypatch.setattr(kernels, "_stamp", lambda _: None)
    kernels.begin()
    assert begun == []


@pytest.mark.usefixtures("begun")
def test_a_python_that_cannot_be_started_is_no_error(monkeypatch):
    def refused(*_, **__):
        raise FileNotFoundError

    monkeypatch.setattr(kernels.subprocess, "Popen", refused)
    kernels.begin()
    kernels.wait("walking")
