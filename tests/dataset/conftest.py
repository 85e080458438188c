"""A tiny good data set, to be spoilt by the tests."""

from pathlib import Path

import pytest
from dataset_samples import add_case


@pytest.fixture
def bids(tmp_path: Path) -> Path:
    """A good data set of three subjects."""
    root = tmp_path / "bids"
    for number in (1, 2, 3):
        add_case(root, f"sub-0{number}", voxels=number)
    return root
