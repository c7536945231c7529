"""The package as others get it: built from a copy, installed elsewhere, run there; and the lower bounds it promises."""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from importlib import metadata, util
from pathlib import Path

import pytest

from circle15.study.folder import OUTPUTS
from lowest import lowest

PROJECT = Path(__file__).resolve().parents[1]
IN_CI = os.environ.get("CI", "").lower() in ("1", "true")
LEFT_BEHIND = (
    ".git",
    ".venv*",
    "out*",
    "dist",
    "build",
    "__pycache__",
    ".*_cache",
    ".hypothesis",
    ".coverage*",
    ".work",
)
JUNK = (  # what a working folder holds besides its files
    "out/demo/map.html",
    "benchmarks/.work/city.npz",
    "src/circle15/__pycache__/cli.cpython-311.pyc",
    ".venv/bin/python",
    ".pytest_cache/README.md",
)
EXTRAS = "cluster,parquet,office,notebook"


def done(*words, cwd):
    """Run a program that knows nothing of this checkout: what it printed, and what it said beside."""
    ours = ("PYTHON", "COVERAGE", "COV_", "VIRTUAL_ENV")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    ended = subprocess.run(
        [*map(str, words)], cwd=cwd, env=clean, capture_output=True, text=True, encoding="utf-8", check=False
    )
    assert ended.returncode == 0, ended.stdout[-4000:] + ended.stderr[-4000:]
    return ended.stdout, ended.stderr


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """An sdist, and the wheel that is built from it."""
    if util.find_spec("build") is None:
        if IN_CI:
            pytest.fail("the package cannot be built: pip install build")
        pytest.skip("the package build is not installed")
    folder = tmp_path_factory.mktemp("package")
    copy = folder / "copy"
    shutil.copytree(PROJECT, copy, ignore=shutil.ignore_patterns(*LEFT_BEHIND))
    for name in JUNK:
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_text("left over", encoding="utf-8")
    done(sys.executable, "-m", "build", "--outdir", folder, copy, cwd=folder)
    (sdist,), (wheel,) = folder.glob("*.tar.gz"), folder.glob("*.whl")
    return sdist, wheel


@pytest.fixture(scope="module")
def elsewhere(built, tmp_path_factory):
    """A folder outside the checkout, with an environment of its own that holds the wheel and what it asks for."""
    folder = tmp_path_factory.mktemp("elsewhere")
    venv.create(folder / "env", with_pip=True)
    programs = folder / "env" / ("Scripts" if os.name == "nt" else "bin")
    pins = ("--constraint", PROJECT / "constraints.txt")
    done(programs / "python", "-m", "pip", "install", "--quiet", "--no-compile", built[1], *pins, cwd=folder)
    return folder, programs


def wanted(*roots):
    """Every file of the source that is no Python cache, as the wheel names it."""
    for root, name in roots:
        for path in root.rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                yield f"{name}/{path.relative_to(root).as_posix()}"


@pytest.mark.package
def test_the_wheel_holds_the_source_and_the_embedded_study_and_nothing_else(built):
    with zipfile.ZipFile(built[1]) as wheel:
        names = set(wheel.namelist())
    told = {name for name in names if ".dist-info/" in name}
    assert names - told == set(
        wanted((PROJECT / "src" / "circle15", "circle15"), (PROJECT / "data/demo", "circle15/demo"))
    )
    kinds = ("standards/yuzhong-15min.toml", "walkers/adult.toml", "labels/zh.toml", "page/page.js", "page/style.css")
    for name in (
        *kinds,
        "page/templates/shell.html",
        "study/template_zh.toml",
        "study/template_en.toml",
        "demo/study.toml",
        "py.typed",
    ):
        assert f"circle15/{name}" in names
    assert any(name.endswith("licenses/LICENSE") for name in told)


@pytest.mark.package
def test_the_sdist_holds_what_the_wheel_and_the_tests_need_and_no_leftovers(built):
    with tarfile.open(built[0]) as sdist:
        names = {name.split("/", 1)[1] for name in sdist.getnames()}
    assert not {name for name in names if re.search(r"left|__pycache__|\.pyc$|^out/|\.work/|^\.venv|_cache/", name)}
    assert set(wanted((PROJECT / "data", "data"))) <= names
    for name in (
        "CONTRIBUTING.md",
        "Makefile",
        "constraints.txt",
        "constraints-lowest.txt",
        ".ci/run",
        "fuzzing/fuzz.py",
    ):
        assert name in names
    assert "tests/conftest.py" in names


@pytest.mark.package
def test_the_embedded_study_runs_from_the_wheel(elsewhere):
    folder, programs = elsewhere
    out, _ = done(programs / "circle15", "--version", cwd=folder)
    assert out.splitlines()[0] == f"circle15 {metadata.version('circle15')}"
    where = "import circle15; print(circle15.__file__); print(*map(circle15.__getattr__, circle15.__all__), sep='\\n')"
    out, _ = done(programs / "python", "-c", where, cwd=folder)
    assert str(folder) in out.splitlines()[0]
    out, err = done(programs / "circle15", "demo", cwd=folder)
    assert out.strip() == str(Path("out") / "demo" / "map.html")
    assert {path.name for path in (folder / "out" / "demo").iterdir()} == set(OUTPUTS)
    assert "Traceback" not in err


@pytest.mark.package
def test_the_extras_can_be_had(built, elsewhere):
    folder, programs = elsewhere
    told = built[1].with_suffix(".whl.metadata")
    asked = f"circle15[{EXTRAS}] @ {built[1].as_uri()}"
    pins = ("--constraint", PROJECT / "constraints.txt")
    report = ("--dry-run", "--quiet", "--report", told)
    done(programs / "python", "-m", "pip", "install", *report, asked, *pins, cwd=folder)
    text = told.read_text(encoding="utf-8")
    for name in ("distributed", "pyarrow", "python-pptx", "ipykernel"):
        assert f'"name": "{name}"' in text, name


def test_the_oldest_versions_tested_are_those_that_are_promised():
    bounds = dict(one.split("==") for one in lowest(PROJECT / "pyproject.toml"))
    text = (PROJECT / "constraints-lowest.txt").read_text(encoding="utf-8")
    pins = dict(line.split("==") for line in text.splitlines() if not line.startswith("#"))
    pins = {re.sub("[_.]", "-", name.lower()): version for name, version in pins.items()}
    for name, bound in bounds.items():
        assert re.sub(r"(\.0)+$", "", pins[name.lower()]) == re.sub(r"(\.0)+$", "", bound), name
