import json
import os
import subprocess
import sys

import numpy as np
import pytest
from nilearn.datasets import load_mni152_template
from scipy import ndimage

from mribench.config import Register
from mribench.files import make_image, write_image
from mribench.preprocessing.alignment import align
from mribench.preprocessing.backends.register_ants import register_deformable, register_linear
from mribench.preprocessing.register_to_reference import register_pair
from mribench.preprocessing.transforms import (
    apply,
    mean_distance,
    points_of,
    read_affine,
    rigid,
)

DIRECTIONS = [
    ((15, 0, 0), (0, 25, 0)),
    ((0, -15, 0), (-15, 0, 20)),
    ((0, 0, 15), (15, -15, -13)),
    ((-8.7, 8.7, 8.7), (0, 0, -25)),
]


def displaced(head, contrast, angles, shift):
    """The image of `contrast`, lying `angles` degrees and `shift` mm elsewhere."""
    motion = rigid(np.radians(angles), np.array(shift, dtype=float), np.zeros(3))
    image = head.images[contrast]
    return make_image(np.asanyarray(image.dataobj), motion @ image.affine), motion


@pytest.mark.parametrize(("angles", "shift"), DIRECTIONS)
def test_first_alignment_finds_a_displaced_head(head, angles, shift):
    moving, motion = displaced(head, "T1w", angles, shift)
    found = align(head.images["FLAIR"], moving)
    points = points_of(moving, head.brain)
    assert mean_distance(found, motion, points) < 4


def test_rigid_registration_across_contrasts_is_exact_and_repeats(head):
    moving, motion = displaced(head, "T1w", *DIRECTIONS[2])
    first, second = (register_linear(head.images["FLAIR"], moving, "rigid") for _ in range(2))
    np.testing.assert_array_equal(first, second)
    points = points_of(head.images["FLAIR"], head.brain)
    assert mean_distance(first, motion, points) < 0.3


@pytest.fixture(scope="module")
def template():
    image = load_mni152_template(resolution=3)
    return make_image(image.get_fdata().astype(np.float32), image.affine)


def test_affine_registration_finds_a_larger_brain(template):
    growth = np.diag([1.1, 0.93, 1.05, 1.0])
    array = np.asanyarray(template.dataobj)
    moving = make_image(array, growth @ template.affine)
    found = register_linear(template, moving, "affine")
    assert mean_distance(found, growth, points_of(template, array > 0.1)) < 1


def test_deformation_brings_the_images_nearer_and_back_again(template):
    array = template.get_fdata()
    index = np.indices(array.shape).astype(float)
    centre = np.array(array.shape) / 2
    far = sum(((index[axis] - centre[axis]) / 8) ** 2 for axis in range(3))
    index[1] += 2.5 * np.exp(-far)
    bulged = ndimage.map_coordinates(array, index, order=1).astype(np.float32)
    there, back = register_deformable(template, make_image(bulged, template.affine), np.eye(4))
    points = points_of(template, (array > 0.1) & (far < 4))
    assert np.linalg.norm(apply([there, back], points) - points, axis=0).mean() < 0.5
    assert there.vectors.shape[:3] == array.shape
    to_index = np.linalg.inv(template.affine)

    def mismatch(chain):
        found = ndimage.map_coordinates(bulged, apply([*chain, to_index], points), order=1)
        own = ndimage.map_coordinates(array, apply([to_index], points), order=1)
        return np.abs(found - own).mean()

    assert mismatch([there]) < 0.8 * mismatch([])


def test_none_trusts_the_scanner(tmp_path):
    names = [tmp_path / f"sub-01_from-{a}_to-{b}_mode-image_xfm.txt" for a, b in ("AB", "BA")]
    paths = [tmp_path / "sub-01_T1w.nii.gz", tmp_path / "sub-01_FLAIR.nii.gz"]
    register_pair(*paths, *names, Register(transform="none"), 1)
    assert (read_affine(names[0]) == np.eye(4)).all()
    assert names[0].read_bytes() == names[1].read_bytes()


def test_script_repeats_its_bytes_and_writes_both_directions(tmp_path, head, root):
    moving, motion = displaced(head, "T1w", *DIRECTIONS[0])
    write_image(tmp_path / "sub-01_T1w.nii.gz", moving)
    write_image(tmp_path / "sub-01_FLAIR.nii.gz", head.images["FLAIR"])
    made = []
    for run in ("one", "two"):
        forward, inverse = tmp_path / run / "f.txt", tmp_path / run / "i.txt"
        arguments = {
            "--moving": tmp_path / "sub-01_T1w.nii.gz",
            "--fixed": tmp_path / "sub-01_FLAIR.nii.gz",
            "--forward": forward,
            "--inverse": inverse,
        }
        words = [str(word) for pair in arguments.items() for word in pair]
        command = [sys.executable, "-m", "scripts.register_to_reference", *words]
        environment = {**os.environ, "PYTHONPATH": str(root)}
        subprocess.run(command, cwd=root, env=environment, check=True)
        made.append((forward.read_bytes(), inverse.read_bytes()))
    assert made[0] == made[1]
    product = read_affine(forward) @ read_affine(inverse)
    np.testing.assert_allclose(product, np.eye(4), atol=1e-12)
    assert mean_distance(read_affine(forward), motion, points_of(moving, head.brain)) < 0.5
    assert json.loads(forward.with_suffix(".json").read_text())["Parameters"] == {
        "backend": "ants",
        "transform": "rigid",
    }
