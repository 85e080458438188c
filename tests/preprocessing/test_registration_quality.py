"""A registration that went wrong is flagged by its numbers, and a good one is not."""

import numpy as np
import pytest
from nilearn.datasets import load_mni152_brain_mask, load_mni152_template

from mribench.files import make_image, read_image
from mribench.preprocessing.conform_image import conform
from mribench.preprocessing.registration_quality import judge
from mribench.preprocessing.transforms import Field, read_affine, rigid, write_affine, write_field

WRONG = {
    "4 mm aside": ((0, 0, 0), (4, 0, 0)),
    "6 mm in between": ((0, 0, 0), (3, -4, 3)),
    "20 mm up": ((0, 0, 0), (0, 0, 20)),
    "tilted by 6 degrees": ((6, 0, 0), (0, 0, 0)),
    "turned by 15 degrees": ((0, 0, 15), (0, 0, 0)),
    "a quarter turn": ((0, 90, 0), (0, 0, 0)),
    "back to front": ((0, 0, 180), (0, 0, 0)),
    "upside down": ((180, 0, 0), (0, 0, 0)),
    "far outside": ((0, 0, 0), (150, 0, 0)),
}
RAW = ("study1_T1W", "study1_T2W", "study2_T1W", "study2_T2W")


def centre_of(image):
    return (image.affine @ [*(np.array(image.shape) / 2), 1])[:3]


def moved_by(image, angles, shift):
    """The map of points that turns by `angles` (degrees) about the image's centre, then shifts."""
    return rigid(np.radians(np.array(angles, float)), np.array(shift, float), centre_of(image))


def judged(tmp_path, fixed, moving, matrix, brains=None):
    write_affine(tmp_path / "transform.txt", matrix)
    return judge(fixed, moving, [tmp_path / "transform.txt"], brains)


@pytest.fixture
def pair(head):
    """The FLAIR, the T1w lying elsewhere, and the map of points between them."""
    flair, t1w = head.images["FLAIR"], head.images["T1w"]
    motion = moved_by(t1w, (0, 0, 10), (12, -12, -10))
    return flair, make_image(np.asanyarray(t1w.dataobj), motion @ t1w.affine), motion


def test_right_transform_is_not_flagged(pair, tmp_path):
    quality = judged(tmp_path, *pair)
    assert quality.flaws() == []
    assert quality.advantage > 1.1
    assert quality.overlap > 0.95
    assert quality.information_after > quality.information_before + 0.05


@pytest.mark.parametrize("name", WRONG)
def test_wrong_transform_is_flagged(pair, tmp_path, name):
    fixed, moving, motion = pair
    quality = judged(tmp_path, fixed, moving, motion @ moved_by(fixed, *WRONG[name]))
    assert quality.flaws()
    assert quality.advantage < 1


def test_images_that_were_aligned_already_are_not_flagged(head, tmp_path):
    quality = judged(tmp_path, head.images["FLAIR"], head.images["T1w"], np.eye(4))
    assert quality.flaws() == []
    assert quality.information_after == quality.information_before


def test_displacement_field_is_judged_like_the_map_it_holds(pair, tmp_path):
    fixed, moving, motion = pair
    index = np.indices(fixed.shape).reshape(3, -1)
    points = fixed.affine[:3, :3] @ index + fixed.affine[:3, 3:]
    shift = motion[:3, :3] @ points + motion[:3, 3:] - points
    vectors = np.moveaxis(shift.reshape(3, *fixed.shape), 0, -1)
    write_field(tmp_path / "field.nii.gz", Field(vectors, fixed.affine))
    found = judge(fixed, moving, [tmp_path / "field.nii.gz"])
    assert found.flaws() == []
    assert np.allclose(found[1:], judged(tmp_path, *pair)[1:], atol=0.02)


@pytest.mark.parametrize(("scale", "flagged"), [(1.0, False), (0.8, True), (1.25, True)])
def test_brains_of_the_wrong_size_do_not_overlap(tmp_path, scale, flagged):
    template = load_mni152_template(resolution=3)
    brain = load_mni152_brain_mask(resolution=3).get_fdata() > 0
    noise = np.random.default_rng(0).normal(0, 0.02, template.shape)
    array = np.where(brain, template.get_fdata() + noise, 0).astype(np.float32)
    image = make_image(array, template.affine)
    matrix = np.diag([scale, scale, scale, 1.0])
    quality = judged(tmp_path, image, image, matrix, (brain, brain))
    assert bool(quality.flaws()) is flagged
    assert (quality.overlap < 0.85) is flagged


@pytest.mark.parametrize("name", RAW)
def test_published_registrations_of_a_patient_are_not_flagged_but_wrong_ones_are(
    real_data, tmp_path, name
):
    raw = real_data / "open_ms_data" / "longitudinal" / "raw" / "patient01"
    visit = name.partition("_")[0]
    fixed, moving = (
        conform(read_image(path), path)
        for path in (raw / f"{visit}_FLAIR.nii.gz", raw / f"{name}.nii.gz")
    )
    published = read_affine(raw / f"{name}_intrastudy_to_FLAIR.txt")
    assert judged(tmp_path, fixed, moving, published).flaws() == []
    for wrong in ("6 mm in between", "turned by 15 degrees", "back to front"):
        matrix = published @ moved_by(fixed, *WRONG[wrong])
        assert judged(tmp_path, fixed, moving, matrix).flaws(), wrong
