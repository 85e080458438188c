"""Masks and tissue labels that come with a data set."""

import nibabel
import numpy as np
import pytest

from mribench.config import Strip, Tissues, Variant, load_study
from mribench.errors import ConfigError, StageError
from mribench.files import make_image, read_image, read_json, write_image
from mribench.preprocessing.conform_image import conform
from mribench.preprocessing.segment_tissues import segment_image
from mribench.preprocessing.strip_skull import strip_image

BIDS = {"GM": 1, "WM": 2, "CSF": 3}
FAST = {"CSF": 1, "GM": 2, "WM": 3}


def raw_and_conformed(folder, array, head):
    """Write `array` as it was drawn on a raw image in another orientation, and the image itself."""
    image = head.images["T1w"]
    turned = nibabel.Nifti1Image(np.asanyarray(image.dataobj), image.affine)
    codes = nibabel.orientations.axcodes2ornt(tuple("LSP"))
    ornt = nibabel.orientations.ornt_transform(nibabel.io_orientation(image.affine), codes)
    raw = turned.as_reoriented(ornt)
    labels = nibabel.Nifti1Image(array.astype(np.uint8), image.affine).as_reoriented(ornt)
    given = folder / "derivatives/manual/sub-01/anat/sub-01_given.nii.gz"
    write_image(given, make_image(np.asanyarray(labels.dataobj), labels.affine))
    path = folder / "sub-01_T1w.nii.gz"
    write_image(path, conform(raw, path))
    return path, given


def test_mask_of_the_data_set_is_turned_as_its_image_was(tmp_path, head):
    image, given = raw_and_conformed(tmp_path, 7 * head.brain, head)
    output = tmp_path / "sub-01_mask.nii.gz"
    strip_image(image, output, Strip(backend="given"), 1, given)
    np.testing.assert_array_equal(read_image(output).dataobj, head.brain)
    source = "bids:raw:derivatives/manual/sub-01/anat/sub-01_given.nii.gz"
    assert source in read_json(tmp_path / "sub-01_mask.json")["Sources"]


def test_mask_on_another_grid_is_refused(tmp_path, head):
    image, given = raw_and_conformed(tmp_path, head.brain, head)
    write_image(given, make_image(np.ones((4, 5, 6), np.uint8), head.affine))
    with pytest.raises(StageError, match=r"given.nii.gz: found shape .*resample the file"):
        strip_image(image, tmp_path / "m.nii.gz", Strip(backend="given"), 1, given)


def segment(folder, head, array, values):
    image, given = raw_and_conformed(folder, array, head)
    mask = folder / "sub-01_mask.nii.gz"
    write_image(mask, make_image(head.brain, head.affine))
    maps = [folder / f"sub-01_{name}.nii.gz" for name in BIDS]
    labels, table = folder / "sub-01_dseg.nii.gz", folder / "sub-01_dseg.tsv"
    settings = Tissues(backend="given")
    segment_image(image, mask, labels, maps, table, "T1w", settings, 1, given, values)
    return np.asanyarray(read_image(labels).dataobj)


@pytest.mark.parametrize("values", [BIDS, FAST, {"GM": 42, "WM": 41, "CSF": 24}])
def test_labels_of_any_order_become_those_of_bids(tmp_path, head, values):
    own = np.choose(np.where(head.brain, head.tissues, 0), [0, *values.values()])
    own = np.zeros(head.tissues.shape, np.uint8)
    for tissue, name in enumerate(("GM", "WM", "CSF"), start=1):
        own[head.tissues == tissue] = values[name]
    found = segment(tmp_path, head, own, values)
    np.testing.assert_array_equal(found, np.where(head.brain, head.tissues, 0))
    parameters = read_json(tmp_path / "sub-01_dseg.json")["Parameters"]
    assert parameters["values"] == values


@pytest.mark.parametrize(("written", "declared"), [(BIDS, FAST), (FAST, BIDS)])
def test_numbers_of_another_program_are_noticed(tmp_path, head, written, declared):
    own = np.zeros(head.tissues.shape, np.uint8)
    for tissue, name in enumerate(("GM", "WM", "CSF"), start=1):
        own[head.tissues == tissue] = written[name]
    with pytest.raises(StageError, match=r"expected CSF at the dark end in a T1w; set dataset"):
        segment(tmp_path, head, own, declared)


def test_labels_with_none_of_the_numbers_are_refused(tmp_path, head):
    with pytest.raises(StageError, match=r"tissues in 0% of the brain"):
        segment(tmp_path, head, 9 * head.brain, BIDS)


def test_lesions_in_the_labels_take_the_tissue_around_them(tmp_path, head):
    own = np.where(head.brain, head.tissues, 0)
    deep = tuple(np.argwhere(own == 2)[7])
    truth, own = own.copy(), own.copy()
    own[deep] = 4
    found = segment(tmp_path, head, own, BIDS)
    assert (found != truth).sum() <= 1
    assert found[deep] in (1, 2, 3)


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        (
            {},
            r"strip\.backend: given reads files of the data set; say which in dataset\.brain_mask",
        ),
        ({"brain_mask": {"contrast": "FLAIR"}}, r"files on the FLAIR .*but anatomy is T1w"),
        ({"brain_mask": {"pattern": "../x"}}, None),
    ],
)
def test_configuration_must_say_which_files(dataset, message):
    raw = {
        "study": "s",
        "dataset": {"recipe": "bids", "source": "/data", **dataset},
        "variants": {"native": {"strip": {"backend": "given"}}},
        "methods": {"flair_threshold": {"variant": "native"}},
    }
    if message is None:
        assert load_study(raw).variants["native"] == Variant(strip=Strip(backend="given"))
    else:
        with pytest.raises(ConfigError, match=message):
            load_study(raw)
