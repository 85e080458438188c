"""What another voxel size at test time costs: the study of benchmarks/voxel_size_change.py."""

import runpy

import pytest

THICK = "0.5 x 0.5 x 3 mm"


@pytest.fixture(scope="module")
def study(root, tmp_path_factory):
    script = root / "benchmarks/voxel_size_change.py"
    return runpy.run_path(str(script))["Study"](tmp_path_factory.mktemp("study"), ("1 mm", THICK))


@pytest.mark.long
def test_thick_slices_cost_the_adaptive_network_less(study):
    rows = {name: study.row(name, 0, {}) for name in ("unet_native", "resolution_adaptive")}
    lost = {name: row["1 mm"] - row[THICK] for name, row in rows.items()}
    assert lost["resolution_adaptive"] < lost["unet_native"]
