"""SPM and FreeSurfer against stand-ins, and what is told where a program is missing."""

import sys
from pathlib import Path

import numpy as np
import pytest
from preprocessing_helpers import dice

from mribench import programs, stages
from mribench.config import Bias, Strip, load_study
from mribench.errors import ToolError
from mribench.files import read_image, read_json, write_image
from mribench.preprocessing.correct_bias import correct_image
from mribench.preprocessing.strip_skull import strip_image

SYNTHSTRIP = """
import os, sys
from pathlib import Path
import nibabel, numpy
words = sys.argv[1:]
assert words[::2] == ["-i", "-m"], words
truth = numpy.load(os.environ["TRUTH"])["tissues"]
Path(os.environ["CALLS"]).write_text(os.environ["OMP_NUM_THREADS"])
image = nibabel.load(words[1])
if os.environ.get("FAILS"):
    print("mri_synthstrip: 12 lines of progress")
    sys.exit("error: could not load the model")
brain = ((truth > 0) & (truth < 4)).astype("uint8")
nibabel.save(nibabel.Nifti1Image(brain, image.affine), words[3])
"""
# nipype asks MATLAB for SPM's version in one line, and runs jobs from a file.
MATLAB = """
import os, re, sys
from pathlib import Path
import nibabel, numpy
script = sys.argv[sys.argv.index("-r") + 1]
if "spm('ver')" in script:
    print("< M A T L A B >\\nNIPYPE path:/opt/spm12|name:SPM12|release:7771")
    sys.exit()
name = re.search(r";(\\w+)", script)[1]
job = (Path(re.search(r"addpath\\('(.*?)'\\)", script)[1]) / (name + ".m")).read_text()
Path(os.environ["CALLS"]).write_text(job)
if os.environ.get("FAILS"):
    print("MATLAB code threw an exception:\\nNo TPM.nii\\nFile:spm_load", file=sys.stderr)
    sys.exit()
source = Path(re.search(r"'(/[^',]*head.nii)", job)[1])
image = nibabel.load(source)
field = numpy.load(os.environ["TRUTH"])["field"]
for name in ("head_seg8.mat", *(f"c{number}head.nii" for number in range(1, 6))):
    source.with_name(name).write_bytes(b"")
made = nibabel.Nifti1Image((1 / field).astype("float32"), image.affine)
nibabel.save(made, source.with_name("BiasField_head.nii"))
"""


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """Install a program; its calls are written to a file."""

    def install(folder: Path, name: str, code: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"#!{sys.executable}\n{code}")
        (folder / name).chmod(0o755)

    monkeypatch.setenv("TRUTH", str(tmp_path / "truth.npz"))
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    return install


@pytest.fixture
def freesurfer(tmp_path, monkeypatch, stand_in, head):
    stand_in(tmp_path / "freesurfer/bin", "mri_synthstrip", SYNTHSTRIP)
    (tmp_path / "freesurfer/build-stamp.txt").write_text("freesurfer-linux-7.4.1-20230614\n")
    monkeypatch.setenv("FREESURFER_HOME", str(tmp_path / "freesurfer"))
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    np.savez(tmp_path / "truth.npz", tissues=head.tissues)


def strip(folder, head):
    image, output = folder / "sub-07_FLAIR.nii.gz", folder / "sub-07_mask.nii.gz"
    write_image(image, head.images["FLAIR"])
    strip_image(image, output, Strip(backend="synthstrip"), 3)
    return output


def test_synthstrip(tmp_path, freesurfer, head):
    output = strip(tmp_path, head)
    assert dice(np.asanyarray(read_image(output).dataobj) > 0, head.brain) == 1
    sidecar = read_json(tmp_path / "sub-07_mask.json")
    assert sidecar["SoftwareVersion"] == "freesurfer-linux-7.4.1-20230614"
    assert (tmp_path / "calls").read_text() == "3", "threads"


def test_synthstrip_fails_in_one_line(tmp_path, freesurfer, head, monkeypatch):
    monkeypatch.setenv("FAILS", "1")
    with pytest.raises(ToolError) as error:
        strip(tmp_path, head)
    text = str(error.value)
    assert "\n" not in text
    assert text.startswith(f"sub-07: {tmp_path}/sub-07_FLAIR.nii.gz: found FreeSurfer with")
    assert 'mri_synthstrip: exit status 1 without mask.nii.gz: "error: could not load' in text


@pytest.fixture
def matlab(tmp_path, monkeypatch, stand_in, head):
    pytest.importorskip("nipype")
    stand_in(tmp_path / "matlab/bin", "matlab", MATLAB)
    monkeypatch.setenv("PATH", f"{tmp_path}/matlab/bin:/usr/bin:/bin")
    monkeypatch.delenv("FORCE_SPMMCR", raising=False)
    x, y, _ = (np.indices(head.tissues.shape) / 50.0) - 0.5
    field = np.exp(0.4 * x - 0.3 * y)
    np.savez(tmp_path / "truth.npz", field=field)
    return field


def correct(folder, head):
    image = folder / "sub-07_T1w.nii.gz"
    write_image(image, head.images["T1w"])
    output, field = folder / "sub-07_o.nii.gz", folder / "sub-07_f.nii.gz"
    correct_image(image, output, field, Bias(backend="spm"), 1)
    return read_image(field).get_fdata()


def test_field_of_spm_is_what_the_image_is_divided_by(tmp_path, matlab, head):
    found = correct(tmp_path, head)
    share = found / matlab
    assert share.std() < 1e-4 * share.mean()
    job = (tmp_path / "calls").read_text()
    for line in ("biasreg = 0.001;", "biasfwhm = 60.0;", "write(1) = 1;", "write(2) = 0;"):
        assert f"jobs{{1}}.spm.spatial.preproc.channel(1).{line}" in job
    sidecar = read_json(tmp_path / "sub-07_f.json")
    assert (sidecar["SoftwarePackage"], sidecar["SoftwareVersion"]) == ("SPM", "12.7771")


def test_spm_fails_in_one_line(tmp_path, matlab, head, monkeypatch):
    monkeypatch.setenv("FAILS", "1")
    with pytest.raises(
        ToolError, match=r'sub-07: .*T1w.nii.gz: found SPM with "No TPM.nii"'
    ) as error:
        correct(tmp_path, head)
    assert "\n" not in str(error.value)


def study(**variant):
    return load_study(
        {
            "study": "s",
            "dataset": {"recipe": "phantoms"},
            "variants": {"plain": {}, "other": variant},
            "methods": {"flair_threshold": {"variant": "other"}},
        }
    )


MISSING = {
    "fsl": ({"tissues": {"backend": "fsl"}}, r"variants\.other\.tissues\.backend: fsl: .*FSLDIR"),
    "synthstrip": ({"strip": {"backend": "synthstrip"}}, r"FREESURFER_HOME not set"),
    "spm": ({"bias": {"backend": "spm"}}, r"no matlab on the PATH.*FORCE_SPMMCR"),
}


@pytest.mark.parametrize("name", MISSING)
def test_missing_programs_are_told_before_anything_runs(name, tmp_path, monkeypatch):
    pytest.importorskip("nipype")
    pytest.importorskip("fsl.wrappers")
    for variable in ("FSLDIR", "FREESURFER_HOME", "CONDA_PREFIX", "FORCE_SPMMCR"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    settings, message = MISSING[name]
    with pytest.raises(ToolError, match=message) as error:
        stages.require_programs(study(**settings), use_conda=False)
    assert "\n" not in str(error.value)
    if name == "fsl":
        stages.require_programs(study(**settings), use_conda=True)


def test_a_stage_runs_in_the_environment_of_its_back_end(root):
    variant = study(strip={"backend": "fsl"}, bias={"backend": "spm"}).variants["other"]
    names = {
        stage: stages.stage_environment(variant, stage, "ants")
        for stage in ("correct_bias", "strip_skull", "segment_tissues", "register_to_template")
    }
    assert list(names.values()) == ["nipype", "fsl", "ants", "ants"]
    assert all((root / f"envs/{name}.yaml").is_file() for name in names.values())


def test_programs_that_no_method_needs_may_be_missing(monkeypatch):
    monkeypatch.delenv("FSLDIR", raising=False)
    stages.require_programs(study(register={"backend": "fsl", "transform": "none"}), False)
    stages.require_programs(study(), False)


def test_a_missing_python_package_is_told(monkeypatch):
    monkeypatch.setattr(programs.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ToolError, match="FSL: found no Python package fslpy.*pip install fslpy"):
        programs.require("FSL")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no message"),
        ("working\nERROR: no voxel\nstopping", '"ERROR: no voxel"'),
        ("one\n two \n\n", '"two"'),
        (
            "terminate called\nImage Exception : #63 :: No image",
            '"Image Exception : #63 :: No image"',
        ),
        ("bad \x1b[31m colour", '"bad  [31m colour"'),
        ("x" * 999, '"' + "x" * 240 + '"'),
    ],
)
def test_the_line_that_says_most(text, told):
    assert programs.telling_line(text) == told
