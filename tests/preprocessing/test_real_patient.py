"""A real raw patient (open_ms_data, longitudinal) through N4, strip and registrations.

Needs the environment variable MRIBENCH_DATA. The published brain mask and transforms are
the reference.
"""

from typing import NamedTuple

import nibabel
import numpy as np
import pytest
from preprocessing_helpers import dice

from mribench.config import Bias, Register, Strip, Template
from mribench.dataset.geometry import Grid
from mribench.files import make_image, read_image, write_image
from mribench.preprocessing.backends.strip_skull_mesh import find_brain
from mribench.preprocessing.conform_image import conform_case
from mribench.preprocessing.correct_bias import correct_image
from mribench.preprocessing.foreground import head_mask
from mribench.preprocessing.register_to_reference import register_pair
from mribench.preprocessing.register_to_template import register_brain
from mribench.preprocessing.strip_skull import strip_image
from mribench.preprocessing.template import load_template
from mribench.preprocessing.transforms import mean_distance, points_of, read_affine, rigid
from mribench.preprocessing.warp import resample

pytestmark = pytest.mark.slow
# Degrees about, and mm along, left-right, posterior-anterior and inferior-superior.
DISPLACEMENTS = [
    ((0, 0, 0), (0, 0, 0)),
    ((15, 0, 0), (0, 25, 0)),
    ((0, -15, 0), (25, 0, 0)),
    ((0, 0, 15), (0, 0, -25)),
    ((-8.7, 8.7, 8.7), (14.4, -14.4, 14.4)),
]


class Patient(NamedTuple):
    """Paths of the corrected images and the brain mask, and where the release stands."""

    t1w: object
    flair: object
    mask: object
    release: object


@pytest.fixture(scope="module")
def patient(real_data, tmp_path_factory):
    release = real_data / "open_ms_data" / "longitudinal"
    folder = tmp_path_factory.mktemp("patient") / "sub-01" / "anat"
    raw = release / "raw" / "patient01"
    corrected = {}
    for contrast, name in (("T1w", "study1_T1W"), ("FLAIR", "study1_FLAIR")):
        conformed = folder / f"sub-01_desc-conformed_{contrast}.nii.gz"
        conform_case([raw / f"{name}.nii.gz"], [conformed])
        corrected[contrast] = folder / f"sub-01_desc-biascorrected_{contrast}.nii.gz"
        field = folder / f"sub-01_desc-biasfield_{contrast}.nii.gz"
        correct_image(conformed, corrected[contrast], field, Bias(), 1)
    mask = folder / "sub-01_space-T1w_desc-brain_mask.nii.gz"
    strip_image(corrected["T1w"], mask, Strip(), 1)
    return Patient(corrected["T1w"], corrected["FLAIR"], mask, release)


def agreement_with_the_published_mask(patient, path):
    raw = patient.release / "raw" / "patient01"
    published = read_image(patient.release / "coregistered" / "patient01" / "brainmask.nii.gz")
    mask = read_image(path)
    chain = [raw / "study1_FLAIR_to_common_space.txt", raw / "study1_T1W_intrastudy_to_FLAIR.txt"]
    values = np.asanyarray(mask.dataobj).astype(np.float32)
    brought = resample(values, Grid.of(mask), Grid.of(published), chain) >= 0.5
    return dice(brought, np.asanyarray(published.dataobj) > 0)


def test_brain_mask_agrees_with_the_published_one_as_well_as_bet_does(patient):
    """FSL's BET of the raw T1w reaches 0.9747, deepbet alone 0.962."""
    assert agreement_with_the_published_mask(patient, patient.mask) >= 0.974


def test_deepbet_alone_agrees_with_the_published_mask(patient, tmp_path):
    mask = tmp_path / "sub-01_desc-brain_mask.nii.gz"
    strip_image(patient.t1w, mask, Strip(backend="deepbet"), 1)
    assert agreement_with_the_published_mask(patient, mask) >= 0.96


def test_the_mesh_finds_the_brain_that_bet_of_fsl_finds(patient, real_data):
    raw = read_image(patient.release / "raw" / "patient01" / "study1_T1W.nii.gz")
    folder = real_data / "fast_reference" / "longitudinal_patient01"
    expected = np.asanyarray(read_image(folder / "bet_d_mask.nii.gz").dataobj) > 0
    assert dice(find_brain(raw, Strip(backend="mesh"), 1), expected) >= 0.99


def test_mask_that_ends_at_the_tissue_agrees_with_the_published_one(patient, tmp_path):
    mask = tmp_path / "sub-01_desc-brain_mask.nii.gz"
    strip_image(patient.t1w, mask, Strip(backend="deepbet", rim="tissue"), 1)
    assert agreement_with_the_published_mask(patient, mask) >= 0.968


@pytest.mark.parametrize(("angles", "shift"), DISPLACEMENTS)
def test_rigid_transform_agrees_with_the_published_one(patient, tmp_path, angles, shift):
    raw = patient.release / "raw" / "patient01"
    flair, t1w = read_image(patient.flair), read_image(patient.t1w)
    points = points_of(flair, head_mask(flair))[:, ::20]
    centre = points.mean(axis=1)
    motion = rigid(np.radians(angles), np.array(shift, dtype=float), centre)
    moving = tmp_path / "sub-01_desc-moved_T1w.nii.gz"
    write_image(moving, make_image(np.asanyarray(t1w.dataobj), motion @ t1w.affine))
    forward, inverse = tmp_path / "sub-01_forward.txt", tmp_path / "sub-01_inverse.txt"
    register_pair(moving, patient.flair, forward, inverse, Register(), 1)
    published = motion @ read_affine(raw / "study1_T1W_intrastudy_to_FLAIR.txt")
    assert mean_distance(read_affine(forward), published, points) <= 0.7


@pytest.mark.parametrize(
    ("transform", "suffix", "least"), [("affine", "txt", 0.9), ("syn", "nii.gz", 0.92)]
)
def test_brain_lies_on_the_template(patient, tmp_path, transform, suffix, least):
    forward, inverse = tmp_path / f"sub-01_f.{suffix}", tmp_path / f"sub-01_i.{suffix}"
    settings = Template(transform=transform)
    register_brain(patient.t1w, patient.mask, forward, inverse, settings, 1)
    mask = read_image(patient.mask)
    template, brain = load_template(2)
    values = np.asanyarray(mask.dataobj).astype(np.float32)
    there = resample(values, Grid.of(mask), Grid.of(template), [forward])
    back = resample(there, Grid.of(template), Grid.of(mask), [inverse])
    assert dice(there >= 0.5, brain) >= least
    assert dice(back >= 0.5, values > 0) >= 0.97


def test_template_propagation_finds_the_brain_in_the_flair(patient, tmp_path):
    output = tmp_path / "sub-01_space-FLAIR_desc-brain_mask.nii.gz"
    strip_image(patient.flair, output, Strip(backend="template"), 1)
    published = read_image(patient.release / "coregistered" / "patient01" / "brainmask.nii.gz")
    raw = patient.release / "raw" / "patient01"
    mask = nibabel.load(output)
    brought = resample(
        np.asanyarray(mask.dataobj).astype(np.float32),
        Grid.of(mask),
        Grid.of(published),
        [raw / "study1_FLAIR_to_common_space.txt"],
    )
    assert dice(brought >= 0.5, np.asanyarray(published.dataobj) > 0) >= 0.9
