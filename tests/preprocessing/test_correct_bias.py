import nibabel
import numpy as np
import pytest

from mribench.config import Bias
from mribench.files import make_image, write_image
from mribench.preprocessing.correct_bias import correct_image
from mribench.preprocessing.foreground import core_mask, head_mask, otsu


def variation(values):
    return values.std() / values.mean()


@pytest.fixture
def biased(tmp_path, head):
    x, y, z = (np.indices(head.tissues.shape) / 50.0) - 0.5
    field = np.exp(0.5 * x - 0.4 * y * z + 0.4 * z)
    path = tmp_path / "sub-01_desc-conformed_T1w.nii.gz"
    array = head.images["T1w"].get_fdata() * field
    write_image(path, make_image(array.astype(np.float32), head.affine))
    return path, field


def test_n4_removes_most_of_a_known_field_and_repeats_its_bytes(tmp_path, biased, head):
    path, truth = biased
    made = []
    for name in ("one", "two"):
        output, field = tmp_path / f"sub-01_{name}.nii.gz", tmp_path / f"sub-01_{name}_f.nii.gz"
        correct_image(path, output, field, Bias(shrink=1), 1)
        made.append((output.read_bytes(), field.read_bytes()))
    assert made[0] == made[1]
    found = nibabel.load(field).get_fdata()
    left = variation((found / truth)[head.brain])
    assert left < 0.4 * variation(truth[head.brain])
    product = nibabel.load(output).get_fdata() * found
    np.testing.assert_allclose(product, nibabel.load(path).get_fdata(), rtol=1e-5)


def test_none_leaves_the_image_as_it_is(tmp_path, biased):
    path, _ = biased
    output, field = tmp_path / "sub-01_o.nii.gz", tmp_path / "sub-01_f.nii.gz"
    correct_image(path, output, field, Bias(backend="none"), 1)
    np.testing.assert_array_equal(nibabel.load(output).get_fdata(), nibabel.load(path).get_fdata())
    assert (nibabel.load(field).get_fdata() == 1).all()


def test_otsu_parts_two_heaps():
    values = np.r_[np.random.default_rng(0).normal(10, 2, 900), np.full(100, 50.0)]
    assert 16 < otsu(values) < 50


def test_head_is_found_whole_and_its_core_has_no_skin(head):
    image = head.images["T1w"]
    mask = head_mask(image)
    assert mask[head.brain].all()
    assert mask[head.tissues > 0].mean() > 0.99
    assert mask[head.tissues == 0].mean() < 0.05
    core = core_mask(image)
    assert core[head.tissues == 5].mean() < 0.02
    assert core[head.tissues == 2].mean() > 0.99


def test_a_stripped_image_keeps_its_whole_brain(head):
    array = np.where(head.brain, head.images["T1w"].get_fdata(), 0).astype(np.float32)
    stripped = make_image(array, head.affine)
    np.testing.assert_array_equal(core_mask(stripped), head_mask(stripped))
