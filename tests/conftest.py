"""Fixtures that every room's tests share: the real extracts, and whether they must be there."""

import os
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]
REAL_DATA = PROJECT.parent / "shared" / "data"
IN_CI = os.environ.get("CI", "").lower() in ("1", "true")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real extracts; missing is a failure in CI and a skip elsewhere."""
    if not REAL_DATA.is_dir():
        if IN_CI:
            pytest.fail(f"the real extracts are missing: {REAL_DATA}")
        pytest.skip("the real extracts are not beside the project")
    return REAL_DATA
