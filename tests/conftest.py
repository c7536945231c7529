"""Fixtures that every room's tests share: the real extracts, and whole studies, each run once."""

import os
from pathlib import Path

import pytest

from circle15.study import Study, demo_study

PROJECT = Path(__file__).resolve().parents[1]
REAL_DATA = PROJECT.parent / "shared" / "data"
IN_CI = os.environ.get("CI", "").lower() in ("1", "true")
STUDIES = {
    "demo": demo_study(),
    "yuzhong": PROJECT / "tests" / "data" / "yuzhong_real.toml",
    "monaco": PROJECT / "tests" / "data" / "monaco.toml",
    "helsinki": PROJECT / "tests" / "data" / "helsinki.toml",
}


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real extracts; missing is a failure in CI and a skip elsewhere."""
    if not REAL_DATA.is_dir():
        if IN_CI:
            pytest.fail(f"the real extracts are missing: {REAL_DATA}")
        pytest.skip("the real extracts are not beside the project")
    return REAL_DATA


@pytest.fixture(scope="session")
def ran(request, tmp_path_factory):
    """Run a study of `STUDIES` once a session: its Study and its results folder."""
    done = {}

    def run(name):
        if name != "demo":
            request.getfixturevalue("real_data")
        if name not in done:  # the whole way, as the command line does it
            study = Study.open(STUDIES[name])
            done[name] = study, study.run(tmp_path_factory.mktemp(name) / "results")
        return done[name]

    return run


def pytest_collection_modifyitems(items):
    """Keep the tests of one study on one worker, so that it is run once."""
    for item in items:
        name = getattr(item, "callspec", None) and item.callspec.params.get("study_name")
        if name:
            item.add_marker(pytest.mark.xdist_group(name))
