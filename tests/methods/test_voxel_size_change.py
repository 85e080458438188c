"""The small study of another voxel size at test time, with its benchmark's own functions."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def study(root: Path) -> ModuleType:
    """The benchmark."""
    path = root / "benchmarks/voxel_size_change.py"
    spec = importlib.util.spec_from_file_location("voxel_size_change", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.long
def test_another_voxel_size_costs_kernels_in_mm_less(study: ModuleType, tmp_path: Path) -> None:
    """Trained at 1 mm; the same heads again at 0.5 x 0.5 x 3 mm."""
    changed = "0.5 x 0.5 x 3 mm"
    scans = study.Study(tmp_path, (study.TRAINED_AT, changed))
    rows = {name: scans.row(name, 0, {}) for name in study.METHODS}
    assert all(row[study.TRAINED_AT] > 0.6 for row in rows.values())
    lost = {name: row[study.TRAINED_AT] - row[changed] for name, row in rows.items()}
    assert lost["resolution_adaptive"] < lost["unet_native"] - 0.05
