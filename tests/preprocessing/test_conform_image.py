import json

import hypothesis.strategies as st
import nibabel
import numpy as np
import pytest
from hypothesis import given, settings
from preprocessing_helpers import ORIENTATIONS

from mribench.errors import DataError
from mribench.preprocessing.conform_image import conform, conform_case
from mribench.preprocessing.transforms import rigid


@given(
    code=st.sampled_from(ORIENTATIONS),
    marked=st.tuples(st.integers(0, 4), st.integers(0, 5), st.integers(0, 6)),
)
@settings(max_examples=48, deadline=None)
def test_every_voxel_stays_where_it_is_in_the_world(code, marked):
    array = np.zeros((5, 6, 7), dtype=np.int16)
    array[marked] = 9
    straight = nibabel.orientations.inv_ornt_aff(
        nibabel.orientations.axcodes2ornt(code), array.shape
    )
    tilt = rigid(np.array([0.1, -0.15, 0.2]), np.array([5.0, 6, 7]), np.zeros(3))
    affine = tilt @ np.diag([1.0, 2.0, 3.0, 1.0]) @ straight
    image = nibabel.Nifti1Image(array, affine)
    result = conform(image, "sub-01_T1w.nii.gz")
    assert "".join(nibabel.aff2axcodes(result.affine)) == "RAS"
    assert result.get_data_dtype() == np.float32
    found = np.argwhere(np.asanyarray(result.dataobj) == 9)
    assert len(found) == 1
    np.testing.assert_allclose(result.affine @ [*found[0], 1], affine @ [*marked, 1], atol=1e-4)


def test_negative_values_become_zero_and_trailing_axes_vanish():
    array = np.array([-3.0, 0, 4, 5]).reshape(4, 1, 1, 1)
    result = conform(nibabel.Nifti1Image(array, np.eye(4)), "x.nii")
    assert np.asanyarray(result.dataobj).ravel().tolist() == [0, 0, 4, 5]
    assert result.ndim == 3


@pytest.mark.parametrize(
    ("array", "found"),
    [(np.zeros((3, 3, 3, 2)), "shape \\(3, 3, 3, 2\\)"), (np.full((3, 3, 3), np.nan), "NaN")],
)
def test_unusable_images_are_named(array, found):
    with pytest.raises(DataError, match=f"sub-05_ses-2: .*sub-05_ses-2_T1w.nii: found .*{found}"):
        conform(nibabel.Nifti1Image(array, np.eye(4)), "/data/sub-05_ses-2_T1w.nii")


def test_bytes_repeat_and_the_sidecar_names_the_source(tmp_path, head):
    raw = tmp_path / "bids" / "sub-01" / "anat" / "sub-01_T1w.nii.gz"
    raw.parent.mkdir(parents=True)
    head.images["T1w"].to_filename(raw)
    made = []
    for name in ("one", "two"):
        output = tmp_path / name / "sub-01" / "anat" / "sub-01_desc-conformed_T1w.nii.gz"
        conform_case([raw], [output])
        made.append((output.read_bytes(), output.with_name(output.name[:-7] + ".json")))
    assert made[0][0] == made[1][0]
    sidecar = json.loads(made[0][1].read_text())
    assert sidecar["Sources"] == ["bids:raw:sub-01/anat/sub-01_T1w.nii.gz"]
    assert sidecar["SkullStripped"] is False
