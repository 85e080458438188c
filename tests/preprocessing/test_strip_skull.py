import numpy as np
import pytest

from mribench.config import Strip
from mribench.errors import StageError
from mribench.files import make_image, read_image, write_image
from mribench.preprocessing.brain_rim import tissue_rim
from mribench.preprocessing.pieces import one_piece
from mribench.preprocessing.strip_skull import strip_image


def test_one_piece_keeps_the_largest_and_fills_it():
    mask = np.zeros((9, 9, 9), dtype=bool)
    mask[1:6, 1:6, 1:6] = True
    mask[3, 3, 3] = False
    mask[8, 8, 8] = True
    result = one_piece(mask)
    assert result.sum() == 125
    assert not one_piece(np.zeros((2, 2, 2), dtype=bool)).any()


def test_none_takes_what_is_not_background(tmp_path, head):
    image, output = tmp_path / "sub-01_T1w.nii.gz", tmp_path / "sub-01_mask.nii.gz"
    array = np.where(head.brain, head.images["T1w"].get_fdata() + 1, 0).astype(np.float32)
    write_image(image, make_image(array, head.affine))
    strip_image(image, output, Strip(backend="none"), 1)
    found = np.asanyarray(read_image(output).dataobj) > 0
    assert (found != head.brain).mean() < 0.002


def test_a_head_that_is_not_stripped_is_refused(tmp_path, head):
    image, output = tmp_path / "sub-04_T1w.nii.gz", tmp_path / "sub-04_mask.nii.gz"
    write_image(image, make_image(head.images["T1w"].get_fdata() + 1, head.affine))
    with pytest.raises(StageError, match="sub-04: .*brain mask of .* ml.*700 to 2200"):
        strip_image(image, output, Strip(backend="none"), 1)
    assert not output.exists()


def ball(shape, spacing, radius):
    index = np.indices(shape).reshape(3, -1) - (np.array(shape)[:, None] - 1) / 2
    distance = np.linalg.norm(index * np.array(spacing)[:, None], axis=0)
    return (distance <= radius).reshape(shape)


@pytest.mark.parametrize("spacing", [(2.0, 2.0, 2.0), (1.5, 1.5, 3.0)])
@pytest.mark.parametrize("start", [58.0, 64.0])
def test_the_tissue_rim_leaves_wide_fluid_and_bridges_sulci(spacing, start):
    shape = tuple(int(150 / size) for size in spacing)
    tissue = ball(shape, spacing, 60)
    whole = tissue.copy()
    middle = shape[1] // 2
    tissue[: shape[0] // 3, middle : middle + round(4 / spacing[1])] = False
    array = np.where(tissue, 100, 15) + np.where(ball(shape, spacing, 40), 40, 0)
    array = (array + np.random.default_rng(2).normal(0, 4, shape)).astype(np.float32)
    found = tissue_rim(array, ball(shape, spacing, start), spacing)
    outer = ball(shape, spacing, 60 + 1 + max(spacing))
    assert not (found & ~outer).any()
    assert (found & whole).sum() >= 0.97 * whole.sum()
    assert ball(shape, spacing, 72)[found].all()


def test_the_stage_ends_the_mask_where_it_is_told(tmp_path, head):
    image = tmp_path / "sub-01_T1w.nii.gz"
    array = np.where(head.brain, head.images["T1w"].get_fdata() + 1, 0).astype(np.float32)
    write_image(image, make_image(array, head.affine))
    volumes = {}
    for rim in ("dura", "tissue"):
        output = tmp_path / f"sub-01_desc-{rim}_mask.nii.gz"
        strip_image(image, output, Strip(backend="none", rim=rim), 1)
        volumes[rim] = int(np.asanyarray(read_image(output).dataobj).sum())
    assert 0.75 * volumes["dura"] < volumes["tissue"] < volumes["dura"]
