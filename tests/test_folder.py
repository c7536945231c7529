"""The results folder under bad conditions: killed runs, a full disk, two runs at once, no right to write."""

import errno
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import Future
from pathlib import Path

import pytest

from circle15.errors import ConfigError, SourceError
from circle15.study import Study, demo_study, whole
from circle15.study.aside import aside
from circle15.study.folder import OUTPUTS
from circle15.study.whole import whole_folder
from jobs import Unpacked, doubled, process_of, refused, unpacked_in_the_main_thread
from tiny_study import write_study


def write(folder, version):
    """One run that writes as many files as a real one, all of one version."""
    with whole_folder(folder) as draft:
        for name in OUTPUTS:
            (draft / name).write_text(f"{version}\n" * 200)


def versions(folder):
    """The versions in a folder, which must be one; and that no file is cut short."""
    assert {path.name for path in folder.iterdir()} == set(OUTPUTS)
    texts = {path.read_text() for path in folder.iterdir()}
    assert len(texts) == 1
    (text,) = texts
    assert len(text.split()) == 200
    return int(text.split()[0])


def leftovers(folder):
    return sorted(path.name for path in folder.parent.iterdir() if path.name.startswith("."))


@pytest.fixture(params=["one step", "two steps"])
def way(request, monkeypatch):
    """Swap folders in one step, as Linux can, and in two, as other systems do."""
    if request.param == "two steps":
        monkeypatch.setattr(whole, "_exchanged", lambda *_: False)
    elif sys.platform != "linux":
        pytest.skip("only Linux swaps folders in one step")
    return request.param


@pytest.mark.usefixtures("way")
def test_a_folder_is_replaced_whole(tmp_path):
    folder = tmp_path / "out"
    for version in (1, 2, 3):
        write(folder, version)
        assert versions(folder) == version
        assert leftovers(folder) == []


@pytest.mark.usefixtures("way")
def test_a_run_that_fails_leaves_the_old_folder(tmp_path):
    folder = tmp_path / "out"
    write(folder, 1)
    with pytest.raises(KeyError), whole_folder(folder) as draft:
        (draft / "map.html").write_text({}["half a map"])
    assert versions(folder) == 1
    assert leftovers(folder) == []


KILLED = """
import os, random, signal, sys, time
from pathlib import Path
import test_folder
from circle15.study import whole

folder, steps = Path(sys.argv[1]), sys.argv[2]
if steps == "two steps":
    whole._exchanged = lambda *_: False
random.seed(15)
test_folder.write(folder, 0)
neither = mended = 0
for turn in range(60):
    child = os.fork()
    if not child:
        for version in range(1000 * turn, 1000 * turn + 1000):
            test_folder.write(folder, version)
        os._exit(0)
    time.sleep(random.uniform(0.0005, 0.02))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    if steps == "one step" or folder.exists():
        test_folder.versions(folder)
    else:
        neither += 1
    mended += bool(test_folder.leftovers(folder))
    try:
        with whole.whole_folder(folder):
            raise KeyError
    except KeyError:
        pass
    test_folder.versions(folder)
    assert test_folder.leftovers(folder) == [], test_folder.leftovers(folder)
print(neither, mended)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked here")
def test_a_killed_run_leaves_the_old_folder_or_the_new_one(tmp_path, way):
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}
    done = subprocess.run(
        [sys.executable, "-c", KILLED, tmp_path / "out", way],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    neither, mended = map(int, done.stdout.split())
    assert mended > 20  # most were killed amid their writing
    assert neither == 0 or way == "two steps"


def test_a_folder_set_aside_by_a_killed_run_comes_back(tmp_path):
    folder = tmp_path / "out"
    write(folder, 1)
    folder.rename(tmp_path / ".out.old")  # killed between the two steps
    (tmp_path / ".out.draft").mkdir()
    (tmp_path / ".out.draft" / "map.html").write_text("whole, but nobody knows")
    (tmp_path / ".out.lock").write_text("999999999")  # of a process that is no more
    with pytest.raises(ZeroDivisionError), whole_folder(folder):
        1 / 0  # noqa: B018
    assert versions(folder) == 1
    assert leftovers(folder) == []


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system kills otherwise")
def test_a_real_run_killed_while_it_writes(tmp_path, verb):
    study = write_study(tmp_path)
    assert verb("run", study)[0] == 0
    folder = tmp_path / "results"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    call = "import sys; from circle15.cli import main; sys.argv[0] = 'circle15'; main()"
    with subprocess.Popen([sys.executable, "-c", call, "run", study], stderr=subprocess.PIPE, text=True) as run:
        for line in run.stderr:
            if line.rstrip().endswith("map and tables"):
                break
        else:
            pytest.fail("it ended before it wrote")
        run.kill()
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert ".results.lock" in leftovers(folder)
    code, _, err = verb("run", study)
    assert code == 0, err
    assert leftovers(folder) == []


def test_the_second_of_two_runs_says_so_and_stops(tmp_path, verb):
    study = write_study(tmp_path)
    folder = tmp_path / "results"
    with whole_folder(folder) as draft:
        code, out, err = verb("run", study)
        assert (code, out) == (2, "")
        assert f"results: another run (process {os.getpid()}) is writing into it. Wait until" in err
        (draft / "run.json").write_text("{}")
    assert [path.name for path in folder.iterdir()] == ["run.json"]
    assert leftovers(folder) == []


def test_the_other_run_is_in_another_process_and_dies(tmp_path):
    folder = tmp_path / "out"
    call = (
        "from circle15.study.whole import whole_folder; from pathlib import Path\n"
        f"with whole_folder(Path({str(folder)!r})): print(1, flush=True); input()"
    )
    with subprocess.Popen([sys.executable, "-c", call], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline()
        with pytest.raises(SourceError, match=rf"another run \(process {other.pid}\)"):
            write(folder, 1)
        other.kill()
        other.wait()
    write(folder, 2)  # its lock is stale
    assert versions(folder) == 2
    assert leftovers(folder) == []


FULL = """
import resource, signal, sys
from pathlib import Path
from circle15 import cli
from circle15.errors import SourceError
from circle15.study import Study

study = Study.open(sys.argv[1])
folder = study.run()
before = {path.name: path.read_bytes() for path in folder.iterdir()}
largest = max(map(len, before.values()))
kept = resource.getrlimit(resource.RLIMIT_FSIZE)
for limit in (0, 1, 4096, 20_000, 100_000, 250_000, 500_000, largest // 2, largest - 1):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, kept[1]))
    try:
        study.run()
    except SourceError as error:
        (found,) = error.findings
        assert "cannot be written" in str(found), found
    else:
        raise AssertionError(limit)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, kept)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before, limit
    assert [path.name for path in folder.parent.iterdir() if path.name.startswith(".")] == [], limit
resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, kept[1]))
sys.argv = ["circle15", "run", sys.argv[1]]
cli.main()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="this system does not limit the size of files")
def test_a_disk_that_fills_leaves_the_old_folder_and_one_sentence(tmp_path):
    study = write_study(tmp_path)
    done = subprocess.run([sys.executable, "-c", FULL, study], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 2, done.stderr
    *_, last = done.stderr.splitlines()
    assert last.startswith("error: ")
    assert "cannot be written" in last
    assert "Traceback" not in done.stderr


def test_a_disk_that_is_found_full_at_the_very_end(tmp_path, monkeypatch):
    folder = tmp_path / "out"
    write(folder, 1)

    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(whole.os, "fsync", full)
    with pytest.raises(SourceError, match=r"out: it cannot be written .No space left on device.. Make room"):
        write(folder, 2)
    assert versions(folder) == 1
    assert leftovers(folder) == []


READ_ONLY = """
import os, sys
from pathlib import Path
from circle15.errors import SourceError
from circle15.study.whole import whole_folder

if not os.getuid():
    os.setgid(65534)
    os.setuid(65534)
for folder in sys.argv[1:]:
    try:
        with whole_folder(Path(folder)) as draft:
            raise AssertionError(draft)
    except SourceError as error:
        print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="this system keeps other permissions")
def test_a_folder_that_one_may_not_write_to(tmp_path_factory):
    with tempfile.TemporaryDirectory() as outer:  # where another user may go, unlike the folders of pytest
        Path(outer).chmod(0o755)
        place = Path(outer) / "shared"
        place.mkdir()
        write(place / "out", 1)
        place.chmod(0o555)
        done = subprocess.run(
            [sys.executable, "-c", READ_ONLY, place / "out", place / "new" / "deep"],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path_factory.mktemp("cwd"),
        )
        place.chmod(0o755)
        assert done.returncode == 0, done.stderr
        lines = done.stdout.splitlines()
        assert len(lines) == 2
        assert all("it cannot be written (Permission denied). Make room there" in line for line in lines)
        assert versions(place / "out") == 1
        assert sorted(path.name for path in place.iterdir()) == ["out"]


@pytest.mark.parametrize("name", [".", "..", "/", "~"])
def test_a_folder_that_holds_the_study_is_never_replaced(tmp_path, name):
    place = tmp_path / "place"
    place.mkdir()
    study = Study.open(write_study(place))
    for folder in (place, tmp_path):
        (folder / "run.json").write_text("{}")  # as if a run had been written there
    before = sorted(place.iterdir())
    with pytest.raises(ConfigError, match=r"not a results folder|lie in it"):
        study.run(Path(name).expanduser() if name in "/~" else place / name)
    assert sorted(place.iterdir()) == before


def test_a_link_stays_a_link(tmp_path):
    real = tmp_path / "real"
    (tmp_path / "out").symlink_to(real)
    write(tmp_path / "out", 1)
    write(tmp_path / "out", 2)
    assert (tmp_path / "out").is_symlink()
    assert versions(real) == 2


def test_a_file_that_is_open_elsewhere_keeps_the_old_folder(tmp_path, monkeypatch):
    folder = tmp_path / "out"
    write(folder, 1)
    monkeypatch.setattr(whole, "_exchanged", lambda *_: False)
    rename = Path.rename

    def refused(self, target):
        if self.name == ".out.draft":
            raise PermissionError(errno.EACCES, "The process cannot access the file")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refused)
    with pytest.raises(SourceError, match="close its files"):
        write(folder, 2)
    assert versions(folder) == 1
    assert leftovers(folder) == []


# --------------------------------------------------------------------------------------------------- a second Python


@pytest.fixture
def two(monkeypatch):
    """Two processors, and a study of any size is worth a second Python."""
    monkeypatch.setattr("circle15.study.aside.processors", lambda: 2)
    monkeypatch.setattr("circle15.study.aside.WORTH_BYTES", 1)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)


@pytest.fixture
def patient(monkeypatch):
    """The first waits for what it has asked for, however long that takes."""
    monkeypatch.setattr(Future, "cancel", lambda _: False)


@pytest.fixture
def study(tmp_path):
    return Study.open(write_study(tmp_path))


@pytest.mark.usefixtures("two", "patient")
def test_a_second_python_does_what_it_is_asked_for_with_the_same_study(study):
    with aside(study):
        study.second.hold(study)
        study.second.begin(process_of)
        study.second.begin(doubled, 20, more=2)
        noted = len(study.findings)
        assert study.second.done(process_of, study) != os.getpid()
        assert study.second.done(doubled, study, 0) == 42  # the answer to what was begun
        assert [str(one) for one in study.findings[noted:]] == ["there: it was noted. Look."]
        assert study.second.done(process_of, study) == os.getpid()  # an answer is given once


@pytest.mark.usefixtures("two", "patient")
def test_what_the_second_python_cannot_do_is_told_by_doing_it_here(study):
    with aside(study):
        study.second.hold(study)
        study.second.begin(refused)
        study.second.begin(process_of)
        with pytest.raises(SourceError, match=f"there: {len(study.origins)}"):
            study.second.done(refused, study)
        study.second.begin(refused)
        assert not study.second.did(refused)
        study.second.begin(doubled, 3)
        assert study.second.did(doubled)
        assert not study.second.did(doubled)  # nobody has begun it again
        assert study.second.done(process_of, study) != os.getpid()  # it goes on


def test_there_is_no_second_python_where_it_would_not_help(study, monkeypatch):
    started = []
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: started.append(1))

    def who():
        with aside(study):
            study.second.hold(study)
            study.second.begin(process_of)
            return study.second.done(process_of, study)

    monkeypatch.setattr("circle15.study.aside.processors", lambda: 2)
    assert who() == os.getpid()  # small
    monkeypatch.setattr("circle15.study.aside.WORTH_BYTES", 1)
    monkeypatch.setattr("circle15.study.aside.processors", lambda: 1)
    assert who() == os.getpid()
    monkeypatch.setattr("circle15.study.aside.processors", lambda: 2)
    monkeypatch.setattr(sys, "executable", "/usr/bin/qgis")
    assert who() == os.getpid()
    assert not started


@pytest.mark.usefixtures("two")
def test_a_study_of_very_many_homes_is_not_held_twice(study, monkeypatch):
    monkeypatch.setattr("circle15.study.aside.MOST_ORIGINS", len(study.origins) - 1)
    with aside(study):
        study.second.hold(study)
        study.second.begin(process_of)
        assert study.second.done(process_of, study) == os.getpid()


@pytest.mark.usefixtures("two")
def test_what_has_not_been_begun_there_is_done_here(study):
    gate = threading.Event()
    with aside(study):
        study.second.hold(study)
        study.second.wait(gate.wait)
        study.second.begin(process_of)
        assert study.second.done(process_of, study) == os.getpid()
        gate.set()


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize("fate", ["killed", "killed before", "cannot start", "cannot be handed over"])
def test_a_second_python_that_ends_costs_only_time(study, tmp_path, monkeypatch, fate):
    if fate == "cannot start":
        monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with aside(study):
        if fate == "killed before":
            study.second._process.kill()
        if fate == "cannot be handed over":
            study.strange = lambda: None  # cannot be pickled
        study.second.hold(study)
        study.second.begin(process_of)
        if fate == "killed":
            study.second._process.kill()
        study.second.begin(doubled, 1)
        assert study.second.done(doubled, study, 4) in (8, 2)
        study.second.done(process_of, study)
    assert study.second.done(process_of, study) == os.getpid()


ORPHANED = """
import os, signal, sys, time
from circle15.study import Study, aside
from jobs import endless, process_of

aside.processors, aside.WORTH_BYTES = lambda: 2, 1
study = Study.open(sys.argv[1])
with aside.aside(study):
    study.second.hold(study)
    study.second.begin(process_of)
    while not study.second._begun[process_of].done():
        time.sleep(0.01)
    study.second.begin(endless)
    time.sleep(0.2)
    print(study.second._process.pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.usefixtures("two", "patient")
def test_what_is_handed_over_is_unpacked_where_libraries_are_loaded(study):
    """Two threads that load the same library at once can each find the other's half of it."""
    study.where = Unpacked()
    with aside(study):
        study.second.hold(study)
        study.second.begin(unpacked_in_the_main_thread)
        assert study.second.done(unpacked_in_the_main_thread, study) is True


@pytest.mark.skipif(sys.platform != "linux", reason="it looks into /proc")
@pytest.mark.usefixtures("two")
def test_the_second_python_of_a_killed_run_ends_whatever_it_is_doing(tmp_path):
    words = [sys.executable, "-c", ORPHANED, str(write_study(tmp_path))]
    killed = subprocess.run(words, capture_output=True, text=True, check=False, timeout=120)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    there = Path("/proc") / killed.stdout.strip() / "stat"
    until = time.monotonic() + 60
    while there.exists() and there.read_text().rpartition(")")[2].split()[0] != "Z":
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.mark.usefixtures("two", "patient")
def test_a_run_is_the_same_with_a_second_python_and_without(tmp_path, monkeypatch):
    study_file = write_study(tmp_path)
    for name in ("network.WalkNetwork.isochrones", "page.gap_map", "study.variants.SPEEDS"):
        monkeypatch.setattr(f"circle15.{name}", lambda *_, **__: 1 / 0)  # the first has none of that to do
    folder = Study.open(study_file).run()
    assert {path.name for path in folder.iterdir()} == set(OUTPUTS)
    monkeypatch.undo()
    monkeypatch.setattr("circle15.study.aside.processors", lambda: 1)
    again = Study.open(study_file)
    for _ in range(2):  # a study may be run again
        other = again.run(folder.with_name("again"))
        for name in set(OUTPUTS) - {"run.json", "card.xlsx"}:  # these tell seconds
            assert (folder / name).read_bytes() == (other / name).read_bytes()


@pytest.mark.usefixtures("patient")
def test_rows_that_are_left_out_are_listed_whoever_reads_the_table(tmp_path, monkeypatch):
    shutil.copytree(demo_study().parent, tmp_path / "demo")
    with (tmp_path / "demo" / "vacant.csv").open("a", encoding="utf-8") as table:
        table.write("VAC999,无处,nowhere,29.5,100,,1,,,,\n")
    told = []
    for count in (1, 2):
        monkeypatch.setattr("circle15.study.aside.processors", lambda count=count: count)
        study = Study.open(tmp_path / "demo" / "study.toml")
        folder = study.run(tmp_path / str(count))
        rejected = (folder / "rejected.csv").read_text(encoding="utf-8-sig")
        assert "VAC999" in rejected or "nowhere" in rejected
        told.append((rejected, sorted(map(str, study.findings))))
    assert told[0] == told[1]
