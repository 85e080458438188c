"""What a release must not carry is found, and what mribench publishes does not carry it."""

import json
import subprocess
import sys
from pathlib import Path

import nibabel
import numpy as np
import pytest

from mribench.files import make_image, write_image
from mribench.preprocessing.conform_image import conform_case
from mribench.report.privacy import find_risks


def image(path: Path, **texts: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    made = make_image(
        np.random.default_rng(0).normal(100, 9, (4, 4, 4)).astype(np.float32), np.eye(4)
    )
    for key, text in texts.items():
        made.header[key] = text.encode()
    nibabel.save(made, path)
    return path


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
@pytest.mark.parametrize("key", ["descrip", "aux_file", "db_name", "intent_name"])
def test_header_texts_are_found(tmp_path: Path, suffix: str, key: str) -> None:
    image(tmp_path / f"sub-01_label-lesion_mask{suffix}", **{key: "Doe^Jane"})
    assert [str(risk) for risk in find_risks(tmp_path)] == [
        f"sub-01_label-lesion_mask{suffix}: the header's {key} is 'Doe^Jane'"
    ]


def test_header_extensions_are_found(tmp_path: Path) -> None:
    made = make_image(np.ones((2, 2, 2), np.uint8), np.eye(4))
    made.header.extensions.append(nibabel.nifti1.Nifti1Extension("comment", b"from ward 7"))
    nibabel.save(made, tmp_path / "sub-01_dseg.nii.gz")
    assert [risk.found for risk in find_risks(tmp_path)] == [
        "extensions of the header, which may hold any text"
    ]


def test_sidecar_fields_are_found_at_any_depth(tmp_path: Path) -> None:
    content = {"EchoTime": 1, "global": {"const": [{"PatientName": "Doe", "StudyDate": "2001"}]}}
    (tmp_path / "sub-01_T1w.json").write_text(json.dumps(content))
    (tmp_path / "broken.json").write_text("{")
    assert [risk.found for risk in find_risks(tmp_path)] == ["the fields PatientName, StudyDate"]


def test_faces_are_warned_of_unless_the_image_is_stripped(tmp_path: Path) -> None:
    for end in (
        "T1w",
        "desc-conformed_T1w",
        "space-native_desc-preproc_T1w",
        "dseg",
        "desc-brain_mask",
    ):
        image(tmp_path / f"sub-01_{end}.nii.gz")
    (tmp_path / "scan.dcm").write_bytes(b"DICM")
    found = {risk.file: risk.found for risk in find_risks(tmp_path)}
    assert set(found) == {"sub-01_T1w.nii.gz", "sub-01_desc-conformed_T1w.nii.gz", "scan.dcm"}
    assert "may show a face" in found["sub-01_T1w.nii.gz"]


def test_damaged_image_is_told(tmp_path: Path) -> None:
    (tmp_path / "sub-01_dseg.nii.gz").write_bytes(b"\x1f\x8b cut")
    assert [risk.found for risk in find_risks(tmp_path)] == ["a header that cannot be read"]


def test_preprocessing_leaves_header_texts_behind(tmp_path: Path) -> None:
    raw = image(
        tmp_path / "raw/sub-01_T1w.nii.gz",
        descrip="Doe^Jane",
        aux_file="/home/doe",
        db_name="St Mary",
    )
    conform_case([raw], [tmp_path / "made/sub-01_desc-conformed_T1w.nii.gz"])
    assert not [risk for risk in find_risks(tmp_path / "made") if "face" not in risk.found]


def test_script_names_findings_and_its_status_tells(root: Path, tmp_path: Path) -> None:
    write_image(
        tmp_path / "a/sub-01_dseg.nii.gz", make_image(np.ones((2, 2, 2), np.uint8), np.eye(4))
    )
    image(tmp_path / "b/sub-01_T1w.nii.gz", descrip="Doe")
    for name, status, count in (("a", 0, 0), ("b", 1, 2)):
        command = [sys.executable, "-m", "scripts.check_release", str(tmp_path / name)]
        done = subprocess.run(command, capture_output=True, text=True, cwd=root, check=False)
        assert done.returncode == status
        assert f"{count} findings" in done.stderr
