import importlib.metadata
import json
import subprocess
import sys
from pathlib import Path

import numpy as np

from mribench import __version__
from mribench.config import Bias, Strip, Tissues
from mribench.files import make_image, write_image, write_text
from mribench.preprocessing import sidecars
from mribench.preprocessing.correct_bias import correct_image
from mribench.preprocessing.segment_tissues import segment_image
from mribench.preprocessing.sidecars import Tool, raw_uri, uri, write_sidecar
from mribench.preprocessing.strip_skull import strip_image
from mribench.preprocessing.transforms import write_affine
from mribench.preprocessing.volumes import (
    VolumeSettings,
    case_table,
    collect_volumes,
    measure_case,
)

OUTPUT = Path("results/s/preproc/native/sub-01/ses-2/anat/sub-01_ses-2_dseg.nii.gz")


def test_sources_are_bids_uris():
    beside = OUTPUT.with_name("sub-01_ses-2_mask.nii.gz")
    assert uri(beside, OUTPUT) == "bids::sub-01/ses-2/anat/sub-01_ses-2_mask.nii.gz"
    other = Path("results/s/preproc/iso/sub-01/ses-2/anat/a.nii.gz")
    assert uri(other, OUTPUT) == "bids:iso:sub-01/ses-2/anat/a.nii.gz"


def test_raw_sources_keep_the_folder_of_derivatives():
    raw = Path("/data/sub-study/bids/sub-01/anat/sub-01_T1w.nii.gz")
    assert raw_uri(raw) == "bids:raw:sub-01/anat/sub-01_T1w.nii.gz"
    label = Path("/data/bids/derivatives/manual/sub-01/anat/x.nii.gz")
    assert raw_uri(label) == "bids:raw:derivatives/manual/sub-01/anat/x.nii.gz"


def test_sidecar_says_tool_version_parameters_and_threads(tmp_path):
    output = tmp_path / "sub-01_from-T1w_to-FLAIR_mode-image_xfm.txt"
    tool = Tool("antsRegistration", "antspyx")
    write_sidecar(output, tool, ["bids::a"], {"transform": "rigid"}, threads=1, Seed=1)
    content = json.loads(output.with_suffix(".json").read_text())
    assert content == {
        "Sources": ["bids::a"],
        "Software": "antsRegistration",
        "SoftwarePackage": "antspyx",
        "SoftwareVersion": importlib.metadata.version("antspyx"),
        "Parameters": {"transform": "rigid"},
        "Threads": 1,
        "Seed": 1,
    }


def test_sidecar_stands_beside_a_packed_image():
    assert sidecars.sidecar_path(Path("a/b.nii.gz")) == Path("a/b.json")
    assert Tool("x").version == __version__


def test_derivatives_are_described(tmp_path):
    output = tmp_path / "native" / "dataset_description.json"
    sidecars.describe_derivatives(output, ["native", "iso"], "../../dataset/bids")
    content = json.loads(output.read_text())
    assert content["DatasetType"] == "derivative"
    assert content["DatasetLinks"] == {"raw": "../../dataset/bids", "iso": "../iso"}
    assert content["GeneratedBy"][0]["Version"] == __version__


def test_official_validator_accepts_the_derivatives(tmp_path, head):
    """What the stages of one case write, with volumes, a transform and a page, has no errors."""
    native = tmp_path / "native"
    anat = native / "sub-01" / "anat"
    stem = "sub-01_space-T1w"
    image, field = anat / "sub-01_desc-biascorrected_T1w.nii.gz", "sub-01_desc-biasfield_T1w.nii.gz"
    raw = tmp_path / "sub-01" / "anat" / "sub-01_T1w.nii.gz"
    brain = np.where(head.brain, head.images["T1w"].get_fdata(dtype=np.float32), 0)
    write_image(raw, make_image(brain, head.affine))
    correct_image(raw, image, anat / field, Bias(backend="none"), 1)
    mask = anat / f"{stem}_desc-brain_mask.nii.gz"
    strip_image(image, mask, Strip(backend="none"), 1)
    maps = [anat / f"{stem}_label-{name}_probseg.nii.gz" for name in ("GM", "WM", "CSF")]
    labels, table = anat / f"{stem}_dseg.nii.gz", anat / f"{stem}_dseg.tsv"
    segment_image(image, mask, labels, maps, table, "T1w", Tissues(), 1)
    measure_case(mask, maps, None, case_table(native, "sub-01"), VolumeSettings())
    collect_volumes({"sub-01": case_table(native, "sub-01")}, native / "volumes.tsv", ["lesion"])
    write_affine(anat / "sub-01_from-T1w_to-FLAIR_mode-image_xfm.txt", np.eye(4))
    for page in ("review/index.html", "sub-01/figures/index.html"):
        write_text(native / page, "")
    sidecars.describe_derivatives(native / "dataset_description.json", ["native"], "../bids")
    validator = Path(sys.executable).with_name("bids-validator-deno")
    done = subprocess.run([validator, "--format", "json", native], capture_output=True, check=False)
    issues = json.loads(done.stdout)["issues"]["issues"]
    assert [issue for issue in issues if issue["severity"] == "error"] == []
