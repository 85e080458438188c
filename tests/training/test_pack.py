from pathlib import Path

import numpy as np
import pytest
import yaml

from mribench.config import load_study
from mribench.errors import GeometryError, StageError
from mribench.files import make_image, write_image
from mribench.training.pack import Preprocessed, pack_case, packing_settings
from mribench.training.store import CaseStore, write_manifest

OWNERS = {
    "register_to_reference": "first",
    "register_to_template": "second",
    "resample_images": "mni",
    "normalise_intensity": "mni",
}
AFFINE = np.diag([2.0, 2, 2, 1])
P = "preproc/{}/sub-01/ses-02/anat/sub-01_ses-02"
BETWEEN = P.format("first") + "_from-{}_to-{}_mode-image_xfm.txt"
FROM_TEMPLATE = P.format("second") + "_from-MNI152NLin2009aSym_to-{}_mode-image_xfm.txt"


def source(folder: Path, **changes: str) -> Preprocessed:
    keys = {"reference": "FLAIR", "anatomy": "T1w", "space": "reference"}
    keys = {**keys, "template_kind": "txt", **changes}
    return Preprocessed(folder=folder, owners=OWNERS, **keys)


@pytest.mark.parametrize(
    ("space", "contrast", "chain"),
    [
        ("reference", "FLAIR", []),
        ("reference", "T2w", [BETWEEN.format("FLAIR", "T2w")]),
        ("template", "T1w", [FROM_TEMPLATE.format("T1w")]),
        ("template", "FLAIR", [BETWEEN.format("T1w", "FLAIR"), FROM_TEMPLATE.format("T1w")]),
        (
            "template",
            "T2w",
            [
                BETWEEN.format("FLAIR", "T2w"),
                BETWEEN.format("T1w", "FLAIR"),
                FROM_TEMPLATE.format("T1w"),
            ],
        ),
    ],
)
def test_transforms_lead_from_the_label_to_the_grid(
    tmp_path: Path, space: str, contrast: str, chain: list[str]
) -> None:
    assert source(tmp_path, space=space).transforms_to("sub-01_ses-02", contrast) == chain


def test_one_contrast_for_both_roles_needs_no_transform_between(tmp_path: Path) -> None:
    only = source(tmp_path, reference="T1w", space="template")
    assert only.transforms_to("sub-01_ses-02", "T1w") == [FROM_TEMPLATE.format("T1w")]


def test_a_deformation_is_an_image(tmp_path: Path) -> None:
    deformed = source(tmp_path, space="template", template_kind="nii.gz")
    expected = FROM_TEMPLATE.format("T1w").replace(".txt", ".nii.gz")
    assert deformed.transforms_to("sub-01_ses-02", "T1w") == [expected]


def test_settings_of_the_demo_name_what_the_preprocessing_makes(root: Path) -> None:
    study = load_study(yaml.safe_load((root / "config.yaml").read_text(encoding="utf-8")))
    variant = next(iter(study.variants))
    settings = packing_settings(study, variant)
    assert settings["classes"] == ["lesion"]
    packed = Preprocessed(folder=root, **settings["source"])
    image = packed.image("sub-01", "normalise_intensity", "desc-preproc_T1w")
    name = f"preproc/{variant}/sub-01/anat/sub-01_space-{variant}_desc-preproc_T1w.nii.gz"
    assert image == root / name


def make_study(folder: Path, labelled: bool = True) -> list[dict[str, str]]:
    """Write the preprocessed images of one case; return its rows of scans.tsv."""
    rng = np.random.default_rng(0)
    stem = folder / (P.format("mni") + "_space-mni_")
    for name in ("T1w", "FLAIR"):
        values = rng.normal(size=(6, 7, 8)).astype(np.float32)
        write_image(f"{stem}desc-preproc_{name}.nii.gz", make_image(values, AFFINE))
    for name in ("brain_mask", "reference_dseg"):
        values = rng.integers(0, 2, (6, 7, 8)).astype(np.uint8)
        write_image(f"{stem}desc-{name}.nii.gz", make_image(values, AFFINE))
    native = make_image(np.zeros((9, 9, 5), np.uint8), np.diag([1.0, 1, 3, 1]))
    for name in ("label", "flair"):
        write_image(folder / "bids" / f"{name}.nii.gz", native)
    shared = {"case": "sub-01_ses-02", "subject": "sub-01", "site": "siteA"}
    label = {"labels": "label.nii.gz", "labels_contrast": "FLAIR"}
    missing = {"labels": "n/a", "labels_contrast": "n/a"}
    return [
        {**shared, **(label if labelled else missing), "contrast": name, "path": f"{name}.nii.gz"}
        for name in ("t1w", "flair")
    ]


def pack(folder: Path, rows: list[dict[str, str]]) -> CaseStore:
    rows = [{**row, "contrast": {"t1w": "T1w", "flair": "FLAIR"}[row["contrast"]]} for row in rows]
    store = folder / "store"
    contrasts = ["T1w", "FLAIR"]
    entry = pack_case(store, source(folder), folder / "bids", rows, contrasts)
    cases = {"sub-01_ses-02": entry}
    preprocessing = {"variant": {"intensity": {"method": "zscore"}}, "dataset": {}}
    write_manifest(store / "manifest.json", "mni", contrasts, ["lesion"], cases, preprocessing)
    return CaseStore(store / "manifest.json")


def test_a_case_is_packed_with_the_grid_of_its_label(tmp_path: Path) -> None:
    store = pack(tmp_path, make_study(tmp_path))
    case, entry = store.open("sub-01_ses-02"), store.entry("sub-01_ses-02")
    assert case.labelled
    assert case.images.shape == (2, 6, 7, 8)
    assert case.images.dtype == np.float16
    assert case.labels.any()
    assert entry["target"]["shape"] == [9, 9, 5]
    assert np.array_equal(entry["target"]["affine"], np.diag([1.0, 1, 3, 1]))
    assert np.array_equal(case.affine, AFFINE)


def test_a_case_without_label_takes_the_grid_of_the_reference(tmp_path: Path) -> None:
    store = pack(tmp_path, make_study(tmp_path, labelled=False))
    case, entry = store.open("sub-01_ses-02"), store.entry("sub-01_ses-02")
    assert not case.labelled
    assert not case.labels.any()
    assert entry["target"]["shape"] == [9, 9, 5]
    assert entry["label_contrast"] == "FLAIR"


def test_values_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    rows = make_study(tmp_path)
    values = np.full((6, 7, 8), np.nan, dtype=np.float32)
    path = tmp_path / (P.format("mni") + "_space-mni_desc-preproc_FLAIR.nii.gz")
    write_image(path, make_image(values, AFFINE))
    with pytest.raises(StageError, match="desc-preproc_FLAIR"):
        pack(tmp_path, rows)


def test_images_on_other_grids_are_refused(tmp_path: Path) -> None:
    rows = make_study(tmp_path)
    path = tmp_path / (P.format("mni") + "_space-mni_desc-preproc_T1w.nii.gz")
    write_image(path, make_image(np.zeros((6, 7, 8), np.float32), 2 * AFFINE))
    with pytest.raises(GeometryError, match="desc-preproc_T1w"):
        pack(tmp_path, rows)
