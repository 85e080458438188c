"""Fixtures of all tests."""

import os
from collections.abc import Callable
from pathlib import Path

import faults
import pytest
import reruns

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


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--faults", type=Path, metavar="FILE", help="add the faults tried to FILE")
    parser.addoption("--reruns", type=Path, metavar="FILE", help="add what ran again to FILE")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let `-m fault` choose the tests that record a fault."""
    for item in items:
        if "record_fault" in getattr(item, "fixturenames", ()):
            item.add_marker("fault")


@pytest.fixture
def record_fault(request: pytest.FixtureRequest) -> Callable[[str, str, str], None]:
    """Record a fault, what happened and what mribench did: the last statement of its test."""
    file = request.config.getoption("--faults")

    def record(fault: str, happened: str, response: str) -> None:
        if file:
            faults.append(file, faults.Fault(fault, happened, response, request.node.nodeid))

    return record


@pytest.fixture
def record_rerun(request: pytest.FixtureRequest) -> Callable[[str, str, list[str]], None]:
    """Record a change, the jobs that run again and the reasons: the last statement of its test."""
    file = request.config.getoption("--reruns")

    def record(change: str, jobs: str, reasons: list[str]) -> None:
        if file:
            faults.append(file, reruns.Rerun(change, jobs, reasons, request.node.nodeid))

    return record
