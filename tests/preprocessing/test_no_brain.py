"""Images without a brain to look for: CT, and networks that read the whole field of view."""

from pathlib import Path

import numpy as np
import pytest

from mribench.config import Grid, Strip, Tissues, load_study
from mribench.dataset.geometry import Grid as VoxelGrid
from mribench.errors import ConfigError
from mribench.files import make_image, read_image, write_image
from mribench.preprocessing.conform_image import conform_case
from mribench.preprocessing.grids import variant_grid
from mribench.preprocessing.resample_images import Case, ResampleSettings, resample_mask
from mribench.preprocessing.segment_tissues import segment_image
from mribench.preprocessing.strip_skull import strip_image

AFFINE = np.diag([2.0, 2, 5, 1])


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    """A CT of the size of a hand, air included."""
    values = np.random.default_rng(0).normal(0, 400, (12, 10, 6)).astype(np.float32)
    write_image(tmp_path / "sub-1_CT.nii.gz", make_image(values, AFFINE))
    return tmp_path / "sub-1_CT.nii.gz"


def values_of(path: Path) -> np.ndarray:
    return np.asanyarray(read_image(path).dataobj)


def test_hounsfield_units_stay_below_zero(scan: Path, tmp_path: Path) -> None:
    outputs = [tmp_path / f"sub-1_desc-conformed_{name}.nii.gz" for name in ("CT", "FLAIR")]
    conform_case([scan, scan], outputs)
    assert np.array_equal(values_of(outputs[0]), values_of(scan))
    assert values_of(outputs[1]).min() == 0


def test_the_whole_field_of_view_is_kept_and_has_no_tissues(scan: Path, tmp_path: Path) -> None:
    mask, labels = tmp_path / "sub-1_mask.nii.gz", tmp_path / "sub-1_dseg.nii.gz"
    strip_image(scan, mask, Strip(backend="whole"), 1)
    assert values_of(mask).all()
    maps = [tmp_path / f"sub-1_{name}.nii.gz" for name in ("GM", "WM", "CSF")]
    table = tmp_path / "dseg.tsv"
    segment_image(scan, mask, labels, maps, table, "CT", Tissues(backend="none"), 1)
    assert not any(values_of(path).any() for path in (labels, *maps))
    settings = ResampleSettings(contrasts=("CT",), reference="CT", anatomy="CT")
    resample_mask(Case(settings, [scan], [], mask), tmp_path / "sub-1_out.nii.gz")
    assert values_of(tmp_path / "sub-1_out.nii.gz").all()


def test_axes_are_resampled_or_cut_to_a_number_of_voxels(scan: Path, tmp_path: Path) -> None:
    own = VoxelGrid.of(read_image(scan))
    made = variant_grid(Grid(resize=(6, 5, None)), own)
    assert made.shape == (6, 5, 6)
    assert made.spacing == (4, 4, 5)
    middles = [(grid.affine @ [*(np.array(grid.shape) - 1) / 2, 1]) for grid in (own, made)]
    assert np.allclose(*middles)
    mask = tmp_path / "sub-1_mask.nii.gz"
    strip_image(scan, mask, Strip(backend="whole"), 1)
    grid = Grid(size=(8, 14, None))
    settings = ResampleSettings(contrasts=("CT",), reference="CT", anatomy="CT", grid=grid)
    assert Case(settings, [scan], [], mask).grid.shape == (8, 14, 6)


@pytest.mark.parametrize(
    ("variant", "line"),
    [
        ({"tissues": {"backend": "hmrf"}}, "tissues.backend: hmrf knows no tissues of CT"),
        ({"grid": {"resize": [8, 8, None], "spacing": 1}}, "resize: give a spacing or a number"),
        ({"intensity": {"method": "whitematter"}}, "intensity.method: whitematter reads the tiss"),
    ],
)
def test_settings_that_exclude_each_other_are_refused(variant: dict, line: str) -> None:
    plain = {"reference": "CT", "anatomy": "CT", "strip": {"backend": "whole"}}
    content = {
        "study": "ct",
        "dataset": {"recipe": "lits", "source": "x", "contrasts": ["CT"]},
        "variants": {"native": {**plain, "tissues": {"backend": "none"}, **variant}},
        "methods": {"unet2d": {"variant": "native"}},
    }
    with pytest.raises(ConfigError) as caught:
        load_study(content)
    assert line in str(caught.value)
