"""A study whose masks and tissues come with the data set: files, reruns, records."""

import copy
import json

import numpy as np
import pytest

from mribench.files import read_image, write_image

OWN = {
    "brain_mask": {"contrast": "T1w"},
    "tissues": {"contrast": "T1w"},
}
VARIANT = {
    "bias": {"backend": "none"},
    "strip": {"backend": "given"},
    "register": {"transform": "none"},
    "template": {"transform": "none"},
    "tissues": {"backend": "given"},
}


@pytest.mark.slow
def test_own_files_are_used_and_their_change_is_noticed(workspace, small_study):
    study = copy.deepcopy(small_study)
    study["dataset"]["phantoms"]["subjects"] = 2
    workspace.run(study, "--until", "index_dataset")
    bids = workspace.folder / "results/small/dataset/bids"
    study["dataset"] = {"recipe": "bids", "source": str(bids), **OWN}
    study["study"] = "own"
    study["variants"] = {"native": VARIANT}
    workspace.run(study, "preprocess")
    preproc = workspace.results(study) / "preproc/native/sub-01/anat"
    own = next(bids.glob("derivatives/*/sub-01/anat/sub-01_space-T1w_desc-brain_mask.nii.gz"))
    mask = preproc / "sub-01_space-T1w_desc-brain_mask.nii.gz"
    voxels = [int((np.asanyarray(read_image(path).dataobj) > 0).sum()) for path in (own, mask)]
    assert voxels[1] == pytest.approx(voxels[0], rel=0.01)
    sources = json.loads((preproc / "sub-01_space-T1w_dseg.json").read_text())["Sources"]
    assert any(source.startswith("bids:raw:derivatives/") for source in sources)
    assert "Nothing to be done" in workspace.run(study, "preprocess")

    image = read_image(own)
    smaller = np.asanyarray(image.dataobj).copy()
    smaller[:, :, : smaller.shape[2] // 4] = 0
    write_image(own, type(image)(smaller, image.affine, image.header))
    shown = workspace.run(study, "preprocess")
    assert shown.count("scripts.strip_skull") + shown.count("rule strip_skull") >= 1
    again = int((np.asanyarray(read_image(mask).dataobj) > 0).sum())
    assert again < voxels[1]
