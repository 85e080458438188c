"""Fixtures of all tests."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real MR images, or a skip where it is not given."""
    folder = os.environ.get("MRIBENCH_DATA")
    if not folder or not Path(folder, "open_ms_data").is_dir():
        pytest.skip("set MRIBENCH_DATA to the folder that holds open_ms_data (real MR images)")
    return Path(folder)
