import numpy as np
import pytest

from mribench.config import Label
from mribench.files import make_image, read_json, read_table, write_image
from mribench.preprocessing.volumes import (
    VolumeSettings,
    case_table,
    collect_volumes,
    measure_case,
)

RANDOM = np.random.default_rng(5)
SHAPE = (5, 6, 7)
OBLIQUE = np.array([[1.5, 0.3, 0, 4], [-0.2, 2, 0.1, 5], [0, 0.2, 3, 6], [0, 0, 0, 1]])
LABEL_AFFINE = np.diag([0.5, 1, 4, 1.0])
SETTINGS = VolumeSettings(label=Label(values={"lesion": 1, "core": 4}, ignore=(2,)))


def write(path, array, affine=OBLIQUE):
    write_image(path, make_image(array, affine))
    return path


@pytest.fixture
def files(tmp_path):
    """Mask and maps on one grid, the label on a finer one of its own."""
    anat = tmp_path / "preproc" / "native" / "sub-01" / "anat"
    raw = tmp_path / "bids" / "derivatives" / "manual" / "sub-01" / "anat" / "sub-01_dseg.nii.gz"
    mask = RANDOM.random(SHAPE) < 0.7
    maps = RANDOM.dirichlet((1, 2, 3), SHAPE).astype(np.float32) * mask[..., None]
    label = RANDOM.integers(0, 5, (8, 9, 4)).astype(np.uint8)
    return {
        "mask": write(anat / "sub-01_mask.nii.gz", mask),
        "maps": [
            write(anat / f"sub-01_label-{name}_probseg.nii.gz", maps[..., number])
            for number, name in enumerate(("GM", "WM", "CSF"))
        ],
        "label": write(raw, label, LABEL_AFFINE),
        "arrays": (mask, maps, label),
        "table": case_table(tmp_path / "preproc" / "native", "sub-01"),
    }


def test_volumes_against_a_sum_over_voxels(files):
    measure_case(files["mask"], files["maps"], files["label"], files["table"], SETTINGS)
    mask, maps, label = files["arrays"]
    voxel = abs(np.linalg.det(OBLIQUE[:3, :3])) / 1000
    expected = dict.fromkeys(("GM", "WM", "CSF", "intracranial"), 0.0)
    for place in np.ndindex(SHAPE):
        expected["intracranial"] += voxel * bool(mask[place])
        for number, name in enumerate(("GM", "WM", "CSF")):
            expected[name] += voxel * float(maps[(*place, number)])
    expected["reference_lesion"] = sum(v == 1 for v in label.ravel()) * 0.002
    expected["reference_core"] = sum(v == 4 for v in label.ravel()) * 0.002
    (row,) = read_table(files["table"])
    assert list(row) == list(expected)
    for name, volume in expected.items():
        assert float(row[name]) == pytest.approx(volume, abs=6e-4), name


def test_tissues_fill_the_brain(files):
    measure_case(files["mask"], files["maps"], None, files["table"], SETTINGS)
    (row,) = read_table(files["table"])
    total = sum(float(row[name]) for name in ("GM", "WM", "CSF"))
    assert total == pytest.approx(float(row["intracranial"]), abs=2e-3)


def test_a_case_without_label_has_no_lesion_volume_not_zero(files):
    measure_case(files["mask"], files["maps"], None, files["table"], SETTINGS)
    (row,) = read_table(files["table"])
    assert row["reference_lesion"] == row["reference_core"] == "n/a"


def test_every_column_is_described_with_its_unit(files):
    measure_case(files["mask"], files["maps"], files["label"], files["table"], SETTINGS)
    sidecar = read_json(files["table"].with_suffix(".json"))
    (row,) = read_table(files["table"])
    for name in row:
        assert sidecar[name]["Units"] == "mL"
        assert sidecar[name]["Description"]
    assert "sum of the probabilities" in sidecar["GM"]["Description"]
    assert "bids::sub-01/anat/sub-01_mask.nii.gz" in sidecar["Sources"]
    assert "bids:raw:derivatives/manual/sub-01/anat/sub-01_dseg.nii.gz" in sidecar["Sources"]


def test_the_study_has_one_row_per_case(files, tmp_path):
    native = tmp_path / "preproc" / "native"
    cases = ["sub-02_ses-01", "sub-01"]
    for case, label in zip(cases, (None, files["label"]), strict=True):
        measure_case(files["mask"], files["maps"], label, case_table(native, case), SETTINGS)
    assert (native / "sub-02/ses-01/anat/sub-02_ses-01_volumes.tsv").exists()
    output = tmp_path / "preproc" / "iso" / "volumes.tsv"
    collect_volumes({c: case_table(native, c) for c in cases}, output, ["lesion", "core"])
    rows = read_table(output)
    assert [row["case"] for row in rows] == ["sub-01", "sub-02_ses-01"]
    assert rows[1]["reference_lesion"] == "n/a"
    assert rows[0]["GM"] == read_table(case_table(native, "sub-01"))[0]["GM"]
    assert set(read_json(output.with_suffix(".json"))) == set(rows[0])
