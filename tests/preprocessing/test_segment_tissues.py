import numpy as np
import pytest
from preprocessing_helpers import dice

from mribench.config import Tissues
from mribench.errors import StageError
from mribench.files import make_image, read_image, read_table, write_image
from mribench.preprocessing.backends.segment_tissues_atropos import segment_tissues
from mribench.preprocessing.segment_tissues import label_tissues, segment_image


@pytest.mark.parametrize("contrast", ["T1w", "FLAIR"])
def test_atropos_finds_the_tissues_in_the_order_of_bids(head, contrast):
    found = segment_tissues(head.images[contrast], head.brain, contrast, Tissues(), 1)
    labels = label_tissues(found, head.brain)
    for tissue in (1, 2, 3):
        assert dice(labels == tissue, head.tissues == tissue) > 0.9
    assert not found[:, ~head.brain].any()
    np.testing.assert_allclose(found.sum(axis=0)[head.brain], 1, atol=1e-3)


def test_bright_outliers_do_not_take_a_class(head):
    array = head.images["T1w"].get_fdata(dtype=np.float32).copy()
    spots = np.flatnonzero(head.brain)[::400]
    array.flat[spots] = 4000
    image = make_image(array, head.affine)
    labels = label_tissues(segment_tissues(image, head.brain, "T1w", Tissues(), 1), head.brain)
    assert dice(labels == 2, head.tissues == 2) > 0.9


def run(folder, head, mask):
    image, brain = folder / "sub-02_T1w.nii.gz", folder / "sub-02_mask.nii.gz"
    write_image(image, head.images["T1w"])
    write_image(brain, make_image(mask, head.affine))
    maps = [folder / f"sub-02_label-{name}_probseg.nii.gz" for name in ("GM", "WM", "CSF")]
    labels, table = folder / "sub-02_dseg.nii.gz", folder / "sub-02_dseg.tsv"
    segment_image(image, brain, labels, maps, table, "T1w", Tissues(), 1)
    return labels, maps, table


def test_outputs_repeat_and_the_table_names_the_labels(tmp_path, head):
    first = run(tmp_path / "a", head, head.brain)
    second = run(tmp_path / "b", head, head.brain)
    for one, two in zip([first[0], *first[1]], [second[0], *second[1]], strict=True):
        assert one.read_bytes() == two.read_bytes()
    rows = read_table(first[2])
    assert [(row["index"], row["abbreviation"]) for row in rows] == [
        ("1", "GM"),
        ("2", "WM"),
        ("3", "CSF"),
    ]
    maps = np.stack([np.asanyarray(read_image(path).dataobj) for path in first[1]])
    labels = np.asanyarray(read_image(first[0]).dataobj)
    np.testing.assert_array_equal(labels, label_tissues(maps, head.brain))


def test_a_missing_tissue_is_named(monkeypatch, tmp_path, head):
    def only_white(image, mask, *_):
        return np.stack([0.1 * mask, 0.8 * mask, 0.1 * mask]).astype(np.float32)

    monkeypatch.setattr(
        "mribench.preprocessing.backends.segment_tissues_hmrf.segment_tissues", only_white
    )
    with pytest.raises(StageError, match=r"sub-02: .*gray matter in 0\.0%"):
        run(tmp_path, head, head.brain)
