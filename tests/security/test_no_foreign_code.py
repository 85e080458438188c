"""Files of strangers are data: nothing in them is ever run."""

import ast
import gzip
import io
import os
import pickle
import subprocess
import sys
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
import yaml

from mribench.dataset import volumes
from mribench.dataset.problems import Finding
from mribench.errors import DataError, TrainingError
from mribench.files import checksum, write_json
from mribench.training.baseline import load_numbers
from mribench.training.checkpoints import load_state
from mribench.training.store import CaseStore, write_case, write_manifest
from mribench.training.weights import load_weights, read_description

MODULES = {"pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
FUNCTIONS = {
    "eval",
    "exec",
    "os.system",
    "os.popen",
    "pd.read_pickle",
    "torch.load",
    "torch.save",
    "yaml.load",
    "yaml.full_load",
    "yaml.unsafe_load",
    "yaml.load_all",
}
NUMPY = {"np.load", "numpy.load", "np.lib.format.read_array"}


def calls(path: Path):
    """Every call in a file: its name with dots, its keywords and its line."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            keywords = {word.arg: word.value for word in node.keywords}
            yield ast.unparse(node.func), keywords, node.lineno


def sources(root: Path):
    files = [
        path
        for folder in ("mribench", "scripts", "benchmarks")
        for path in (root / folder).rglob("*.py")
    ]
    assert len(files) > 200
    return files


def test_nothing_is_unpickled_evaluated_or_given_to_a_shell(root: Path) -> None:
    wrong = []
    for path in sources(root):
        for name, keywords, line in calls(path):
            loads_objects = (
                name in NUMPY
                and ast.unparse(keywords.get("allow_pickle", ast.Constant(None))) != "False"
            )
            shell = "shell" in keywords and ast.unparse(keywords["shell"]) != "False"
            if name in FUNCTIONS or loads_objects or shell:
                wrong.append(f"{path}:{line}: {name}")
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            wrong += [f"{path}: {name}" for name in names if name.split(".")[0] in MODULES]
    assert not wrong


def test_the_test_finds_what_it_looks_for(tmp_path: Path) -> None:
    file = tmp_path / "bad.py"
    file.write_text("yaml.load(x)\nsubprocess.run(a, shell=True)\nnp.load(b)\n")
    assert [name for name, _, _ in calls(file)] == ["yaml.load", "subprocess.run", "np.load"]


class Payload:
    """Makes a file where it is unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self):
        return os.system, (f"touch '{self.target}'",)


@pytest.fixture
def sign(tmp_path: Path) -> Path:
    """The file that a payload makes; after the test it must not be there."""
    path = tmp_path / "payload_was_run"
    pickle.loads(pickle.dumps(Payload(path)))
    assert path.exists(), "the payload must work, or the tests prove nothing"
    path.unlink()
    return path


@pytest.mark.parametrize("load", [load_weights, load_numbers, read_description])
@pytest.mark.parametrize("kind", ["torch", "pickle", "npz"])
def test_a_pickled_model_is_refused_and_not_run(
    tmp_path: Path, sign: Path, load, kind: str
) -> None:
    model = tmp_path / "model.safetensors"
    if kind == "torch":
        torch.save({"a": Payload(sign)}, model)
    elif kind == "pickle":
        model.write_bytes(pickle.dumps(Payload(sign)))
    else:
        with model.open("wb") as stream:
            np.savez(stream, a=np.array([Payload(sign)], dtype=object))
    with pytest.raises(TrainingError, match=r"pickled weights \(\.pt, \.pth\) are never opened"):
        load(model)
    assert not sign.exists()


def test_a_pickled_state_is_passed_over_and_not_run(tmp_path: Path, sign: Path) -> None:
    state = tmp_path / f"{1:09d}.safetensors"
    torch.save({"a": Payload(sign)}, state)
    write_json(state.with_suffix(".json"), {"checksum": checksum(state), "content": {}})
    assert load_state(tmp_path) is None
    assert not sign.exists()


@pytest.mark.parametrize("kind", ["objects", "pickle", "npz"])
def test_a_pickled_array_is_refused_and_not_run(tmp_path: Path, sign: Path, kind: str) -> None:
    """Also where the manifest, made by the same hand, vouches for it."""
    entry = write_case(
        tmp_path, "sub-01", *(np.zeros(shape) for shape in ((1, 2, 2, 2), (2, 2, 2), (2, 2, 2)))
    )
    evil = io.BytesIO()
    payload = np.array([Payload(sign)], dtype=object)
    if kind == "objects":
        np.save(evil, payload, allow_pickle=True)
    elif kind == "npz":
        np.savez(evil, a=payload)
    else:
        evil.write(pickle.dumps(Payload(sign)))
    path = tmp_path / entry["images"]
    path.write_bytes(evil.getvalue())
    entry["checksums"]["images"] = checksum(path)
    entry |= {"affine": np.eye(4).tolist(), "reference_label": None}
    write_manifest(
        tmp_path / "manifest.json",
        "native",
        ["T1w"],
        ["lesion"],
        {"sub-01": entry},
        {"variant": {"intensity": {"method": "zscore"}}},
    )
    with pytest.raises(DataError, match="sub-01: .* found no array of numbers"):
        CaseStore(tmp_path / "manifest.json").open("sub-01")
    assert not sign.exists()


def test_configuration_with_objects_is_refused_and_not_run(
    root: Path, tmp_path: Path, sign: Path
) -> None:
    study = tmp_path / "study.yaml"
    study.write_text(f"study: !!python/object/apply:os.system ['touch {sign}']\n")
    with pytest.raises(yaml.YAMLError):
        yaml.safe_load(study.read_text())
    command = [
        sys.executable,
        "-m",
        "snakemake",
        "--snakefile",
        root / "Snakefile",
        "--directory",
        tmp_path,
        "-n",
    ]
    run = subprocess.run(
        [str(part) for part in (*command, "--configfile", study)],
        capture_output=True,
        text=True,
        cwd=root,
    )
    assert run.returncode != 0
    assert not sign.exists()
    assert "not valid JSON or YAML" in run.stdout + run.stderr


def test_configuration_that_is_a_template_is_refused(root: Path, tmp_path: Path) -> None:
    """Snakemake runs its expressions before the Snakefile is read; no study may need them."""
    study = tmp_path / "study.yaml"
    content = yaml.safe_load((root / "config.yaml").read_text())
    study.write_text("__use_yte__: true\n" + yaml.safe_dump({**content, "title": "?1 + 1"}))
    command = [sys.executable, "-m", "snakemake", "--snakefile", root / "Snakefile", "-n"]
    arguments = (*command, "--directory", tmp_path, "--configfile", study)
    run = subprocess.run(list(map(str, arguments)), capture_output=True, text=True, cwd=root)
    assert run.returncode != 0
    assert f"{study}: found the key __use_yte__" in run.stdout + run.stderr
    assert "Traceback" not in run.stdout + run.stderr


def test_an_image_that_grows_without_end_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = nibabel.Nifti1Image(np.zeros((90, 90, 90), np.float32), np.eye(4))
    path = tmp_path / "bomb.nii.gz"
    path.write_bytes(gzip.compress(image.to_bytes(), 9))
    assert path.stat().st_size < 10_000
    assert isinstance(volumes.read_volume(path), volumes.Volume)
    monkeypatch.setattr(volumes, "LARGEST_IMAGE", 2_000_000)
    found = volumes.read_volume(path)
    assert isinstance(found, Finding)
    assert "grows to more than 2000000 bytes" in found.found


def test_images_in_several_gzip_members_and_with_padding_are_read(tmp_path: Path) -> None:
    content = nibabel.Nifti1Image(np.arange(27.0).reshape(3, 3, 3), np.eye(4)).to_bytes()
    path = tmp_path / "members.nii.gz"
    path.write_bytes(gzip.compress(content[:200]) + gzip.compress(content[200:]) + b"\0" * 9)
    found = volumes.read_volume(path)
    assert isinstance(found, volumes.Volume)
    assert found.values.sum() == 351
