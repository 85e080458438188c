"""The back ends of FSL against stand-ins that keep its contract (fsl_stand_ins.py)."""

import json
import os
from pathlib import Path

import fsl_stand_ins
import numpy as np
import pytest
from fsl_stand_ins import bump, fsl_coordinates
from preprocessing_helpers import dice
from scipy import ndimage

from mribench import programs
from mribench.config import Bias, Register, Strip, Template, Tissues
from mribench.errors import StageError, ToolError
from mribench.files import make_image, read_image, read_json, write_image
from mribench.preprocessing import fsl
from mribench.preprocessing.backends import register_fsl
from mribench.preprocessing.backends.segment_tissues_fsl import dark_to_bright
from mribench.preprocessing.conform_image import conform
from mribench.preprocessing.correct_bias import correct_image
from mribench.preprocessing.register_to_reference import register_pair
from mribench.preprocessing.segment_tissues import segment_image
from mribench.preprocessing.strip_skull import strip_image
from mribench.preprocessing.transforms import mean_distance, points_of, read_affine, rigid


class Installation:
    """An FSLDIR of stand-ins, what they know, and how they were called."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def know(self, **truth: np.ndarray) -> None:
        """Tell the programs the truth."""
        np.savez(self.folder / "truth.npz", **truth)

    @property
    def calls(self) -> list[list[str]]:
        """The command lines so far, files by their names alone."""
        lines = (self.folder / "calls").read_text().splitlines()
        return [
            [word if "/" not in word else _short(word) for word in json.loads(line)]
            for line in lines
        ]


def _short(word: str) -> str:
    name, equals, path = word.rpartition("=")
    return f"{name}{equals}{Path(path).name}"


@pytest.fixture
def installed(tmp_path, monkeypatch, head):
    pytest.importorskip("fsl.wrappers")
    folder = tmp_path / "fsl"
    fsl_stand_ins.install(folder)
    monkeypatch.setenv("FSLDIR", str(folder))
    monkeypatch.setenv("FSL_CALLS", str(folder / "calls"))
    monkeypatch.setenv("FSL_TRUTH", str(folder / "truth.npz"))
    monkeypatch.delenv("FSLOUTPUTTYPE", raising=False)
    made = Installation(folder)
    made.know(tissues=head.tissues)
    return made


def write_head(folder, head, contrast="T1w"):
    path = folder / f"sub-01_{contrast}.nii.gz"
    write_image(path, head.images[contrast])
    return path


def strip(folder, head, **given):
    output = folder / "sub-01_mask.nii.gz"
    strip_image(write_head(folder, head), output, Strip(backend="fsl", **given), 1)
    return output


def test_bet_is_called_in_words_of_every_version(tmp_path, installed, head):
    output = strip(tmp_path, head, fraction=0.4)
    assert installed.calls == [["bet", "head.nii.gz", "brain", "-m", "-n", "-f", "0.4"]]
    assert dice(np.asanyarray(read_image(output).dataobj) > 0, head.brain) == 1
    sidecar = read_json(tmp_path / "sub-01_mask.json")
    assert (sidecar["Software"], sidecar["SoftwarePackage"]) == ("BET", "FSL")
    assert sidecar["SoftwareVersion"] == "5.0.9"
    assert sidecar["Parameters"] == {"backend": "fsl", "fraction": 0.4, "rim": "dura"}


def segment(folder, head, contrast, **given):
    mask = folder / "sub-01_mask.nii.gz"
    write_image(mask, make_image(head.brain, head.affine))
    maps = [folder / f"sub-01_{name}.nii.gz" for name in ("GM", "WM", "CSF")]
    labels, table = folder / "sub-01_dseg.nii.gz", folder / "sub-01_dseg.tsv"
    settings = Tissues(backend="fsl", **given)
    image = write_head(folder, head, contrast)
    segment_image(image, mask, labels, maps, table, contrast, settings, 1)
    return np.asanyarray(read_image(labels).dataobj), [read_image(path) for path in maps]


@pytest.mark.parametrize(("contrast", "kind"), [("T1w", "1"), ("FLAIR", "2")])
@pytest.mark.parametrize("bias_loop", [True, False])
def test_fast_gives_tissues_in_the_order_of_bids(
    tmp_path, installed, head, contrast, kind, bias_loop
):
    labels, maps = segment(tmp_path, head, contrast, mrf=0.2, bias_loop=bias_loop)
    off = [] if bias_loop else ["-N"]
    expected = ["fast", "--out=fast", "-t", kind, "--class=3", "-H", "0.2", *off]
    assert installed.calls == [[*expected, "brain.nii.gz"]]
    np.testing.assert_array_equal(labels, np.where(head.brain, head.tissues, 0))
    for tissue, image in zip((1, 2, 3), maps, strict=True):
        assert dice(np.asanyarray(image.dataobj) > 0.5, head.tissues == tissue) == 1


def test_voxels_that_fast_leaves_out_take_the_tissue_around_them(tmp_path, installed, head):
    array = np.asanyarray(head.images["T1w"].dataobj).copy()
    depth = ndimage.distance_transform_edt(head.tissues == 2)
    place = np.unravel_index(np.argmax(depth), depth.shape)
    array[place] = 0
    holed = head._replace(images={"T1w": make_image(array, head.affine)})
    labels, _ = segment(tmp_path, holed, "T1w")
    assert labels[place] == 2


def test_field_of_fast_is_carried_on_beyond_the_brain(tmp_path, installed, head):
    x, y, _ = (np.indices(head.tissues.shape) / 50.0) - 0.5
    truth = np.exp(0.3 * x - 0.2 * y)
    installed.know(tissues=np.where(head.tissues, 1 + head.tissues % 3, 0), field=truth)
    output, field = tmp_path / "sub-01_o.nii.gz", tmp_path / "sub-01_f.nii.gz"
    correct_image(write_head(tmp_path, head), output, field, Bias(backend="fsl"), 1)
    assert installed.calls == [["fast", "--out=fast", "--class=3", "--nopve", "-b", "head.nii.gz"]]
    found = read_image(field).get_fdata()
    share = found / truth
    assert share[head.brain].std() < 1e-3 * share[head.brain].mean()
    assert found.min() / share[head.brain].mean() > 0.5
    steps = [np.abs(np.diff(np.log(found), axis=axis)).max() for axis in range(3)]
    assert max(steps) < 0.05, "no edge where the brain ends"
    assert read_json(tmp_path / "sub-01_f.json")["Software"] == "FAST"


@pytest.mark.parametrize("patient", ["07", "19"])
def test_outputs_of_the_real_fast_become_tissues_in_the_order_of_bids(tmp_path, real_data, patient):
    folder = real_data / f"fast_reference/patient{patient}"
    if not folder.is_dir():
        pytest.skip("no output of a real FAST in MRIBENCH_DATA")
    pattern = f"open_ms_data/cross_sectional/MNI/patient{patient}/T1_*.nii.gz"
    image = read_image(next(real_data.glob(pattern)))
    array = np.maximum(np.asanyarray(image.dataobj), 0)
    maps = np.stack([read_image(folder / f"fastN_pve_{n}.nii.gz").get_fdata() for n in range(3)])
    for order in ([0, 1, 2], [2, 0, 1]):
        found = maps[order][dark_to_bright(maps[order], array)]
        np.testing.assert_array_equal(found, maps)
    conformed = conform(image, "T1w")
    own = conform(read_image(folder / "fastN_seg.nii.gz"), "seg")
    path, mask = tmp_path / f"sub-{patient}_T1w.nii.gz", tmp_path / f"sub-{patient}_mask.nii.gz"
    write_image(path, conformed)
    write_image(mask, make_image(np.asanyarray(own.dataobj) > 0, own.affine))
    labels, *others = (tmp_path / f"sub-{patient}_{n}.nii.gz" for n in ("dseg", "a", "b", "c"))
    fast = {"CSF": 1, "GM": 2, "WM": 3}
    rest = (others, tmp_path / "t.tsv", "T1w", Tissues(backend="given"), 1)
    segment_image(path, mask, labels, *rest, folder / "fastN_seg.nii.gz", fast)
    expected = np.array([0, 3, 1, 2])[np.asanyarray(own.dataobj).astype(int)]
    np.testing.assert_array_equal(read_image(labels).dataobj, expected)


AFFINES = {
    "RAS": np.diag([1.0, 1.5, 3.0, 1.0]),
    "LAS": np.diag([-2.0, 1.0, 1.2, 1.0]),
    "PSL": np.array([[0, 0, -2.5, 30], [-1.0, 0, 0, 9], [0, 1.1, 0, -4], [0, 0, 0, 1.0]]),
    "oblique": rigid(np.radians([8, -12, 20]), np.array([5.0, -3, 2]), np.zeros(3))
    @ np.diag([-1.2, 0.9, 2.0, 1.0]),
}


def volume(name, shape):
    return make_image(np.ones(shape, dtype=np.float32), AFFINES[name])


@pytest.mark.parametrize("first", AFFINES)
@pytest.mark.parametrize("second", AFFINES)
def test_matrices_mean_the_same_points_on_every_grid(first, second):
    """Voxel by voxel, from FSL's definition of its coordinates."""
    pytest.importorskip("fsl.wrappers")
    moving, fixed = volume(first, (20, 31, 12)), volume(second, (17, 25, 40))
    random = np.random.default_rng(len(first) + 7 * len(second))
    matrix = np.eye(4)
    matrix[:3] += random.normal(0, 0.2, (3, 4)) + random.normal(0, 5, (3, 4)) * [0, 0, 0, 1]
    world = fsl.from_flirt(matrix, moving, fixed)
    for index in random.uniform(0, 10, (5, 3)):
        source = fsl_coordinates(moving) @ [*index, 1]
        there = np.linalg.inv(fsl_coordinates(fixed)) @ matrix @ source
        point = fixed.affine @ there
        np.testing.assert_allclose(world @ point, moving.affine @ [*index, 1], atol=1e-4)
    np.testing.assert_allclose(fsl.to_flirt(world, moving, fixed), matrix, atol=1e-6)


def test_matrix_of_the_real_flirt_agrees_with_the_published_transform(real_data):
    pytest.importorskip("fsl.wrappers")
    raw = real_data / "open_ms_data/longitudinal/raw/patient01"
    file = real_data / "fast_reference/longitudinal_patient01/t1_flair_mi.mat"
    if not raw.is_dir() or not file.is_file():
        pytest.skip("no output of a real FLIRT in MRIBENCH_DATA")
    moving, fixed = read_image(raw / "study1_T1W.nii.gz"), read_image(raw / "study1_FLAIR.nii.gz")
    found = fsl.from_flirt(fsl.read_flirt(file), moving, fixed)
    published = read_affine(raw / "study1_T1W_intrastudy_to_FLAIR.txt")
    points = points_of(fixed, np.asanyarray(fixed.dataobj) > np.mean(fixed.dataobj))
    # What FLIRT's own tools give for this matrix (README of fast_reference).
    assert mean_distance(found, published, points) == pytest.approx(0.39, abs=0.01)


@pytest.mark.parametrize(("transform", "degrees"), [("rigid", 6), ("affine9", 9), ("affine", 12)])
def test_flirt_becomes_a_transform_that_every_stage_reads(
    tmp_path, installed, head, transform, degrees
):
    points = rigid(np.radians([4, -7, 2]), np.array([3.0, -6, 8]), np.zeros(3))
    if transform != "rigid":
        points = np.diag([1.05, 0.96, 1.1, 1]) @ points
    installed.know(points=points)
    paths = [write_head(tmp_path, head, name) for name in ("T1w", "FLAIR")]
    names = [tmp_path / f"sub-01_from-{a}_to-{b}_mode-image_xfm.txt" for a, b in ("AB", "BA")]
    register_pair(*paths, *names, Register(backend="fsl", transform=transform), 1)
    assert installed.calls == [
        [
            *("flirt", "-in", "moving.nii.gz", "-ref", "fixed.nii.gz", "-omat", "linear.mat"),
            *("-dof", str(degrees), "-cost", "mutualinfo", "-searchcost", "mutualinfo"),
        ]
    ]
    np.testing.assert_allclose(read_affine(names[0]), points, atol=1e-5)
    np.testing.assert_allclose(read_affine(names[1]), np.linalg.inv(points), atol=1e-5)
    assert read_json(names[0].with_suffix(".json"))["Parameters"]["transform"] == transform


def test_a_registration_that_diverged_is_refused(tmp_path, installed, head):
    installed.know(points=np.diag([4.0, 4, 4, 1]))
    paths = [write_head(tmp_path, head, name) for name in ("T1w", "FLAIR")]
    names = [tmp_path / f"sub-01_{name}_xfm.txt" for name in "ab"]
    with pytest.raises(StageError, match=r"sub-01: .*scaling by 4\.00"):
        register_pair(*paths, *names, Register(backend="fsl"), 1)
    assert not names[0].exists()


@pytest.mark.parametrize("names", [("RAS", "LAS"), ("LAS", "RAS"), ("oblique", "PSL")])
def test_fields_of_fnirt_mean_the_same_points_on_every_grid(tmp_path, installed, names):
    shapes = [(60, 50, 30), (40, 70, 50)]
    fixed, moving = (volume(name, shape) for name, shape in zip(names, shapes, strict=True))
    centres = [image.affine @ [*(np.array(image.shape) / 2), 1] for image in (fixed, moving)]
    linear = rigid(np.radians([3, 5, -4]), centres[1][:3] - centres[0][:3], centres[0][:3])
    linear = linear @ np.diag([1.04, 1.0, 0.97, 1])
    there, back = register_fsl.register_deformable(fixed, moving, linear)
    assert [call[0] for call in installed.calls] == ["fnirt", "invwarp"]
    assert installed.calls[0][1:] == [
        *("--in=moving.nii.gz", "--ref=fixed.nii.gz", "--aff=linear.mat"),
        *("--cout=splines.nii.gz", "--fout=forward.nii.gz"),
    ]
    assert installed.calls[1][1:] == [
        *("--warp=forward.nii.gz", "--ref=moving.nii.gz", "--out=backward.nii.gz")
    ]
    index = np.random.default_rng(1).uniform(8, 25, (3, 40)).round()
    coordinates = fsl_coordinates(fixed)
    place = coordinates[:3, :3] @ index + coordinates[:3, 3:]
    bumped = np.linalg.inv(coordinates) @ np.vstack([place + bump(place), np.ones(40)])
    expected = (linear @ fixed.affine @ bumped)[:3]
    points = fixed.affine[:3, :3] @ index + fixed.affine[:3, 3:]
    np.testing.assert_allclose(there.apply(points), expected, atol=1e-3)
    inside = np.linalg.inv(moving.affine) @ np.vstack([expected, np.ones(40)])
    inside = ((inside[:3].T >= 2) & (np.array(moving.shape) - 3 >= inside[:3].T)).all(axis=1)
    assert inside.sum() > 5
    np.testing.assert_allclose(back.apply(expected)[:, inside], points[:, inside], atol=0.3)


FAILURES = {
    "silent": r"sub-01: .*T1w.nii.gz: found FSL with bet: exit status 0 without brain_mask.nii.gz: no message; .*choose another back end",
    "status": r'bet: exit status 1 without brain_mask.nii.gz: "Cannot open volume x for reading!"',
    "signal": r"bet: death by SIGKILL without brain_mask.nii.gz: .*give it more memory",
    "reported": r'bet: exit status 0: "Image Exception : #22 :: Failed to read volume head"',
    "damaged": r"found FSL with brain_mask.nii.gz that cannot be read",
}


@pytest.mark.parametrize("failure", FAILURES)
def test_each_way_to_fail_is_told_in_one_line(tmp_path, installed, head, monkeypatch, failure):
    monkeypatch.setenv("FSL_FAILURE", failure)
    with pytest.raises(ToolError, match=FAILURES[failure]) as error:
        strip(tmp_path, head)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "sub-01_mask.nii.gz").exists()


@pytest.mark.parametrize("failure", ["silent", "damaged"])
def test_a_matrix_that_is_none_is_told(tmp_path, installed, head, monkeypatch, failure):
    monkeypatch.setenv("FSL_FAILURE", failure)
    installed.know(points=np.eye(4))
    paths = [write_head(tmp_path, head, name) for name in ("T1w", "FLAIR")]
    with pytest.raises(ToolError, match=r"sub-01: .*T1w.*linear\.mat"):
        register_pair(*paths, tmp_path / "a.txt", tmp_path / "b.txt", Register(backend="fsl"), 1)


def test_an_empty_mask_of_bet_is_refused(tmp_path, installed, head):
    installed.know(tissues=np.zeros_like(head.tissues))
    with pytest.raises(StageError, match="brain mask of 0 ml"):
        strip(tmp_path, head)


def test_missing_fsl_is_told_in_one_line(tmp_path, monkeypatch, head):
    pytest.importorskip("fsl.wrappers")
    monkeypatch.delenv("FSLDIR", raising=False)
    monkeypatch.delenv("CONDA_PREFIX", raising=False)
    with pytest.raises(ToolError, match=r"sub-01: .*FSLDIR not set.*install FSL \(https://"):
        strip(tmp_path, head)
    (tmp_path / "empty/bin").mkdir(parents=True)
    monkeypatch.setenv("FSLDIR", str(tmp_path / "empty"))
    with pytest.raises(programs.ProgramError, match="no bet, fast, flirt, fnirt, invwarp in"):
        programs.require("FSL")


def test_fsl_of_a_conda_environment_needs_no_variable(tmp_path, installed, monkeypatch, head):
    monkeypatch.delenv("FSLDIR")
    monkeypatch.setenv("CONDA_PREFIX", str(installed.folder))
    strip(tmp_path, head)
    assert os.environ["FSLDIR"] == str(installed.folder)


def test_template_transform_and_back_end_must_fit():
    assert Template(backend="fsl", transform="fnirt").is_deformable
    assert not Template(backend="fsl", transform="affine9").is_deformable
