import json

import numpy as np
import pytest
from scipy import ndimage

from mribench.config import Grid as GridSettings
from mribench.config import Label
from mribench.dataset.geometry import Grid
from mribench.errors import StageError
from mribench.files import make_image, read_image, write_image
from mribench.preprocessing import resample_images as stage
from mribench.preprocessing.transforms import rigid, write_affine

MOTION = rigid(np.array([0.05, -0.04, 0.06]), np.array([4.0, -3, 2]), np.zeros(3))


@pytest.fixture
def files(tmp_path, head):
    """Corrected images, mask, tissues and transforms of one case; its T1w lay differently."""
    folder = tmp_path / "native" / "sub-01" / "anat"
    arrays = {
        "T1w": (head.images["T1w"].get_fdata(dtype=np.float32), MOTION @ head.affine),
        "FLAIR": (head.images["FLAIR"].get_fdata(dtype=np.float32), head.affine),
        "mask": (head.brain, MOTION @ head.affine),
        "tissues": (head.tissues * head.brain, MOTION @ head.affine),
    }
    paths = {}
    for name, (array, affine) in arrays.items():
        paths[name] = folder / f"sub-01_{name}.nii.gz"
        write_image(paths[name], make_image(array, affine))
    paths["transform"] = folder / "sub-01_from-T1w_to-FLAIR_mode-image_xfm.txt"
    write_affine(paths["transform"], MOTION)
    paths["back"] = folder / "sub-01_from-FLAIR_to-T1w_mode-image_xfm.txt"
    write_affine(paths["back"], np.linalg.inv(MOTION))
    return paths


def make_case(files, **settings):
    chosen = stage.ResampleSettings(**settings)
    images, transforms = [files["T1w"], files["FLAIR"]], [files["transform"], files["back"]]
    return stage.Case(chosen, images, transforms, files["mask"])


def test_motion_is_undone_on_the_native_grid(files, head, tmp_path):
    case = make_case(files)
    outputs = [tmp_path / f"sub-01_{name}.nii.gz" for name in ("t1", "flair", "mask", "dseg")]
    stage.resample_contrasts(case, outputs[:2])
    stage.resample_mask(case, outputs[2])
    stage.resample_tissues(case, files["tissues"], outputs[3])
    t1, flair, mask, dseg = (np.asanyarray(read_image(path).dataobj) for path in outputs)
    np.testing.assert_array_equal(flair, head.images["FLAIR"].get_fdata(dtype=np.float32))
    np.testing.assert_allclose(t1, head.images["T1w"].get_fdata(), atol=1e-3)
    np.testing.assert_array_equal(mask, head.brain)
    np.testing.assert_array_equal(dseg, head.tissues * head.brain)
    assert dseg.dtype == np.uint8


def test_new_spacing_keeps_volumes(files, head, tmp_path):
    case = make_case(files, grid=GridSettings(spacing=(3.0, 5.0, 4.0)))
    assert case.grid.spacing == (3.0, 5.0, 4.0)
    stage.resample_mask(case, tmp_path / "sub-01_mask.nii.gz")
    found = np.asanyarray(read_image(tmp_path / "sub-01_mask.nii.gz").dataobj).sum() * 0.060
    assert found == pytest.approx(head.brain.sum() * 0.064, rel=0.01)


def test_training_labels_follow_the_order_of_the_settings():
    array = np.array([0, 1, 2, 3, 7], dtype=float).reshape(5, 1, 1)
    label = Label(values={"other": 3, "lesion": 1}, ignore=(2,))
    assert stage.training_label(array, label).ravel().tolist() == [0, 2, 255, 1, 0]


def test_label_is_brought_from_the_contrast_it_stands_on(files, head, tmp_path):
    raw = tmp_path / "bids" / "derivatives" / "manual" / "sub-01" / "anat" / "sub-01_label.nii.gz"
    lesion = (head.tissues == 3).astype(np.float64)[..., None]
    flipped = MOTION @ head.affine @ np.diag([-1.0, 1, 1, 1])
    flipped[:, 3] += (MOTION @ head.affine)[:, 0] * (lesion.shape[0] - 1)
    write_image(raw, make_image(lesion[::-1], flipped))
    case = make_case(files, label_contrast="T1w")
    output = tmp_path / "sub-01_dseg.nii.gz"
    stage.resample_label(case, raw, output)
    np.testing.assert_array_equal(np.asanyarray(read_image(output).dataobj), lesion[..., 0])
    sources = json.loads((tmp_path / "sub-01_dseg.json").read_text())["Sources"]
    assert sources[0] == "bids:raw:derivatives/manual/sub-01/anat/sub-01_label.nii.gz"
    assert sources[1].endswith("from-T1w_to-FLAIR_mode-image_xfm.txt")


def test_a_case_without_label_is_ignored_everywhere(files, tmp_path):
    output = tmp_path / "sub-01_dseg.nii.gz"
    stage.resample_label(make_case(files), None, output)
    assert np.unique(np.asanyarray(read_image(output).dataobj)).tolist() == [255]


def contrasts(case, folder):
    """Write both contrasts on the case's grid and return their arrays, T1w and FLAIR."""
    outputs = [folder / f"sub-01_{name}.nii.gz" for name in ("t1", "flair")]
    stage.resample_contrasts(case, outputs)
    return [np.asanyarray(read_image(path).dataobj) for path in outputs]


def test_either_contrast_can_be_the_reference(files, head, tmp_path):
    """The reference keeps its voxels exactly, the other one is moved onto it."""
    t1, flair = contrasts(make_case(files, reference="T1w", anatomy="T1w"), tmp_path)
    np.testing.assert_array_equal(t1, head.images["T1w"].get_fdata(dtype=np.float32))
    np.testing.assert_allclose(flair, head.images["FLAIR"].get_fdata(), atol=1e-3)
    case = make_case(files, reference="T1w", anatomy="T1w")
    np.testing.assert_allclose(case.grid.affine, MOTION @ head.affine, atol=1e-4)
    stage.resample_mask(case, tmp_path / "sub-01_mask.nii.gz")
    mask = np.asanyarray(read_image(tmp_path / "sub-01_mask.nii.gz").dataobj)
    np.testing.assert_array_equal(mask, head.brain)


@pytest.mark.parametrize(("name", "order"), [("bspline", 3), ("linear", 1)])
def test_a_moved_case_is_interpolated_once(files, head, tmp_path, monkeypatch, name, order):
    """FLAIR to T1w to a template at another spacing: one step, straight from the voxels."""
    to_template = files["T1w"].with_name("sub-01_from-T1w_to-MNI152NLin2009aSym_mode-image_xfm.txt")
    affine = rigid(np.array([0.1, 0.02, -0.05]), np.array([1.0, -2, 3]), np.zeros(3))
    affine[:3, :3] *= 1.05
    write_affine(to_template, affine)
    base = Grid((40, 44, 38), np.diag([5.0, 5, 5, 1]))
    base.affine[:3, 3] = (-97, -105, -92)
    monkeypatch.setattr(stage, "variant_grid", lambda *_: base)
    chosen = stage.ResampleSettings(
        reference="T1w",
        grid=GridSettings(space="template", spacing=5.0, interpolation=name),
    )
    images = [files["T1w"], files["FLAIR"]]
    case = stage.Case(chosen, images, [files["back"], to_template], files["mask"])
    calls = []
    interpolate = ndimage.map_coordinates

    def count(values, *arguments, **keys):
        calls.append(keys["order"])
        return interpolate(values, *arguments, **keys)

    monkeypatch.setattr(ndimage, "map_coordinates", count)
    _, flair = contrasts(case, tmp_path)
    assert calls == [order, order], "one interpolation for each of the two images"
    index = np.linalg.inv(head.affine) @ np.linalg.inv(MOTION) @ affine @ base.affine
    array = head.images["FLAIR"].get_fdata()
    expected = ndimage.affine_transform(
        array, index[:3, :3], index[:3, 3], base.shape, order=order, mode="mirror"
    )
    places = index[:3, :3] @ np.indices(base.shape).reshape(3, -1) + index[:3, 3:]
    inner = (places > 0).all(axis=0) & (np.array(array.shape) - 1 > places.T).all(axis=1)
    inner = inner.reshape(base.shape)
    assert inner.sum() > 10_000
    expected = np.clip(expected, 0, array.max())
    np.testing.assert_allclose(flair[inner], expected[inner], atol=2e-3)
    assert not flair[~inner & ~ndimage.binary_dilation(inner, np.ones((3, 3, 3)))].any()


@pytest.mark.parametrize("size", [(60, 30, 47), (48, 56, 46), (17, 80, 46)])
def test_a_cut_reference_keeps_its_values(files, head, tmp_path, size):
    """Cropped and padded around the middle: voxels are copied, not interpolated."""
    case = make_case(files, grid=GridSettings(size=size))
    _, flair = contrasts(case, tmp_path)
    assert flair.shape == size
    array = head.images["FLAIR"].get_fdata(dtype=np.float32)
    first = np.rint(np.linalg.inv(head.affine) @ case.grid.affine[:, 3])[:3].astype(int)
    assert (np.abs(2 * first + np.array(size) - array.shape) <= 1).all()
    padded = np.pad(array, 50)
    part = tuple(slice(50 + f, 50 + f + n) for f, n in zip(first, size, strict=True))
    np.testing.assert_array_equal(flair, padded[part])


def test_a_cut_is_centred_on_the_brain_or_on_a_position(files, head, tmp_path):
    centre = head.affine[:3, :3] @ ndimage.center_of_mass(head.brain) + head.affine[:3, 3]
    for wanted in ("brain", (30.0, -8.0, 12.0)):
        case = make_case(files, grid=GridSettings(size=(30, 31, 32), centre=wanted))
        middle = case.grid.affine @ [*((np.array(case.grid.shape) - 1) / 2), 1]
        expected = centre if wanted == "brain" else wanted
        assert np.abs(middle[:3] - expected).max() <= 2.0 + 1e-6, "half of a voxel of 4 mm"


def test_a_cut_may_leave_brain_out_but_not_all_of_it(files, head, tmp_path):
    small = make_case(files, grid=GridSettings(size=(10, 10, 10), centre="brain"))
    stage.resample_mask(small, tmp_path / "sub-01_mask.nii.gz")
    assert np.asanyarray(read_image(tmp_path / "sub-01_mask.nii.gz").dataobj).sum() > 500
    outside = make_case(files, grid=GridSettings(size=(5, 5, 5), centre=(0.0, 0.0, 900.0)))
    with pytest.raises(StageError, match="sub-01: .*no brain on the variant's grid"):
        stage.resample_mask(outside, tmp_path / "sub-01_other.nii.gz")


@pytest.mark.parametrize(
    ("kind", "losses"), [("nearest", (0.01, 0.01, 0.03)), ("generic", (0.03, 0.01, 0.1))]
)
def test_labels_may_be_voted_for(files, head, tmp_path, kind, losses):
    """Thick tissues keep their volumes; a shell one voxel thin loses votes to both sides."""
    grid = GridSettings(spacing=3.0, label_interpolation=kind)
    case = make_case(files, grid=grid)
    stage.resample_tissues(case, files["tissues"], tmp_path / "sub-01_dseg.nii.gz")
    found = np.asanyarray(read_image(tmp_path / "sub-01_dseg.nii.gz").dataobj)
    assert found.dtype == np.uint8
    assert set(np.unique(found)) == {0, 1, 2, 3}
    for tissue, share in enumerate(losses, start=1):
        expected = ((head.tissues == tissue) & head.brain).sum() * 0.064
        assert (found == tissue).sum() * 0.027 == pytest.approx(expected, rel=share)
