"""Folders of runs: what is read, and what is refused in one line."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from mribench.application.preprocess import derive_study
from mribench.application.runs import read_runs
from mribench.config import Dataset, Variant, load_study
from mribench.errors import ConfigError
from mribench.files import read_json, write_json
from mribench.provenance import canonical

LABEL = {"name": "dseg", "values": {"lesion": 2}, "pattern": "derivatives/*.nii.gz"}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """The files of a run."""
    folder = tmp_path / "study/runs/scp/fold-0_seed-0"
    folder.mkdir(parents=True)
    settings = {"method": "scp", "variant": "mine", "n_c": 32}
    described = {"settings": settings, "contrasts": ["FLAIR"], "classes": ["lesion"]}
    weights = {"weight": np.zeros(1, np.float32)}
    save_file(weights, folder / "model.safetensors", {"mribench": canonical(described)})
    variant = Variant(grid={"spacing": 2}).model_dump(mode="json", by_alias=True)
    dataset = Dataset.model_validate({"source": "gone", "label": LABEL})
    write_json(
        folder / "preprocessing.json",
        {
            "name": "mine",
            "variant": variant,
            "dataset": dataset.model_dump(mode="json", include={"contrasts", "label"}),
        },
    )
    write_json(folder / "intensity.json", {})
    write_json(folder / "run.json", {"end": "now", "versions": {"torch": "2"}})
    return folder


def test_a_run_tells_how_new_images_are_prepared(run: Path, tmp_path: Path) -> None:
    (read,) = read_runs([run])
    assert read.contrasts == ["T1w", "FLAIR"]
    assert read.origin()["Run"] == "study/runs/scp/fold-0_seed-0"
    study = load_study(derive_study(read, tmp_path))
    assert study.variants["mine"].grid.spacing == 2
    assert study.methods["scp"].variant == "mine"
    assert not study.dataset.label.given
    assert study.dataset.label.values == {"lesion": 2}


def test_what_is_no_run_is_refused(run: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="found no model.safetensors, no intensity.json"):
        read_runs([tmp_path])
    (run / "preprocessing.json").unlink()
    with pytest.raises(ConfigError, match="found no preprocessing.json; expected a folder results"):
        read_runs([run])


def test_runs_that_do_not_go_together_are_refused(run: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(run, other)
    assert len(read_runs([run, other])) == 2
    content = read_json(other / "preprocessing.json")
    content["variant"]["grid"]["spacing"] = 1
    write_json(other / "preprocessing.json", content)
    with pytest.raises(ConfigError, match="other preprocessing than in .*fold-0_seed-0"):
        read_runs([run, other])


def test_a_model_with_other_channels_is_refused(run: Path) -> None:
    content = read_json(run / "preprocessing.json")
    content["dataset"]["contrasts"] = ["T1w"]
    write_json(run / "preprocessing.json", content)
    with pytest.raises(ConfigError, match="found a model that reads FLAIR; expected some of T1w"):
        read_runs([run])


def test_the_command_says_what_is_wrong_in_one_line(root: Path, tmp_path: Path) -> None:
    command = ["--run", tmp_path, "--images", "T1w=a.nii", "--out", tmp_path / "out"]
    done = subprocess.run(
        [sys.executable, "-m", "scripts.apply_model", *map(str, command)],
        capture_output=True,
        text=True,
        cwd=root,
        check=False,
    )
    assert done.returncode == 1
    assert "--run" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()
