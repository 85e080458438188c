"""nnU-Net as a method: what it is given, what it leaves, and what is said where it is missing."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from small_methods import MakeJob

from mribench import plugins, programs, stages
from mribench.config import load_study
from mribench.errors import ToolError, TrainingError
from mribench.files import read_image, read_json, read_table
from mribench.methods._nnunet_data import splits, write_dataset
from mribench.methods.base import SegmentationMethod, load_method
from mribench.training.store import Case, CaseStore
from mribench.training.validation import mean_dice
from mribench.training.weights import read_description

SHORT = {
    "configuration": "2d",
    "planner": "ExperimentPlanner",
    "gpu_memory_gb": 1,
    "epochs": 1,
    "iterations": 3,
}


@pytest.fixture(scope="session")
def nnunet_here() -> None:
    """Skip where nnU-Net's environment is missing."""
    try:
        programs.require("nnU-Net")
    except programs.ProgramError as error:
        pytest.skip(str(error))


def make(store: CaseStore, **changes: Any) -> SegmentationMethod[Any]:
    keys = {"method": "nnunet", "variant": "native", **SHORT, **changes}
    settings = plugins.method_settings("nnunet").model_validate(keys)
    return load_method(settings, store.contrasts, store.classes)


def test_cases_become_a_data_set(store: CaseStore, tmp_path: Path) -> None:
    cases = [store.open(name) for name in ("sub-01", "sub-02")]
    write_dataset(tmp_path, cases, ["T1w", "FLAIR"], ["lesion"])
    described = read_json(tmp_path / "dataset.json")
    assert described["channel_names"] == {"0": "T1w", "1": "FLAIR"}
    assert described["labels"] == {"background": 0, "lesion": 1}
    assert described["numTraining"] == 2
    image = read_image(tmp_path / "imagesTr/sub-02_0001.nii")
    assert np.array_equal(np.asanyarray(image.dataobj), np.asarray(cases[1].images[1], np.float32))
    assert np.allclose(image.affine, cases[1].affine)
    label = read_image(tmp_path / "labelsTr/sub-02.nii")
    assert np.array_equal(np.asanyarray(label.dataobj), cases[1].labels)


def test_voxels_that_do_not_count_get_the_ignore_label(store: CaseStore, tmp_path: Path) -> None:
    case = store.open("sub-01")
    labels = np.array(case.labels)
    labels[:3] = 255
    write_dataset(
        tmp_path,
        [Case(case.name, case.images, labels, case.mask, case.affine)],
        ["T1w", "FLAIR"],
        ["lesion"],
    )
    assert read_json(tmp_path / "dataset.json")["labels"]["ignore"] == 2
    written = np.asanyarray(read_image(tmp_path / "labelsTr/sub-01.nii").dataobj)
    assert (written[:3] == 2).all()
    assert written[3:].max() == 1


def test_a_case_without_label_is_refused(store: CaseStore, tmp_path: Path) -> None:
    case = store.open("sub-01")
    bare = Case(case.name, case.images, case.labels, case.mask, case.affine, labelled=False)
    with pytest.raises(TrainingError, match=r"sub-01: .*no reference label"):
        write_dataset(tmp_path, [bare], ["T1w", "FLAIR"], ["lesion"])


def test_the_split_is_ours() -> None:
    assert splits(["a", "b"], ["c"]) == [{"train": ["a", "b"], "val": ["c"]}]
    assert splits(["a"], []) == [{"train": ["a"], "val": ["a"]}]


def test_a_missing_environment_is_told_when_the_configuration_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NNUNET_ENVIRONMENT", str(tmp_path))
    content = {
        "study": "s",
        "dataset": {"recipe": "phantoms"},
        "variants": {"native": {}},
        "methods": {"peer": {"method": "nnunet", "variant": "native"}},
    }
    study = load_study(content)
    with pytest.raises(ToolError, match=r"methods\.peer\.method: nnunet: .*make nnunet") as error:
        stages.require_programs(study, use_conda=False)
    assert "\n" not in str(error.value)
    stages.require_programs(study, use_conda=True)
    assert stages.method_environment(study, "peer") == "nnunet"


@pytest.mark.long
def test_it_trains_repeats_and_predicts(
    nnunet_here: None, store: CaseStore, make_job: MakeJob, tmp_path: Path
) -> None:
    models = []
    for name in ("first", "second"):
        job = make_job(tmp_path / name, training=["sub-01", "sub-02"], validation=["sub-03"])
        make(store).train(job)
        models.append((job.run_folder / "model.safetensors").read_bytes())
        assert not (tmp_path / name / "checkpoints/run").exists()
    assert models[0] == models[1]
    run = tmp_path / "first/run"
    record = read_json(run / "run.json")
    assert record["splits"] == [{"train": ["sub-01", "sub-02"], "val": ["sub-03"]}]
    assert record["versions"]["nnunetv2"]
    assert record["network"]["parameters"] > 1e5
    assert record["peak_memory_mb"]["process"] > 50
    assert [row["epoch"] for row in read_table(run / "history.csv")] == ["1"]
    assert read_description(run / "model.safetensors")["classes"] == ["lesion"]

    method = make(store)
    method.load(run / "model.safetensors", "cpu", 1)
    case = method.open_case(store, "sub-03")
    found = [method.predict(case) for _ in range(2)]
    assert found[0].shape == (1, *case.shape)
    assert np.array_equal(*found)
    assert 0 <= found[0].min() < found[0].max() <= 1
    assert (found[0][:, case.mask == 0] == 0).all()
    assert method.cost() == record["network"]


@pytest.mark.long
def test_one_case_can_be_learned(
    nnunet_here: None, store: CaseStore, make_job: MakeJob, tmp_path: Path
) -> None:
    job = make_job(tmp_path, training=["sub-01"], validation=[])
    make(store, epochs=10, iterations=20).train(job)
    method = make(store)
    method.load(job.run_folder / "model.safetensors", "cpu", 1)
    case = method.open_case(store, "sub-01")
    predicted = torch.from_numpy((method.predict(case)[0] > 0.5).astype(np.uint8))
    assert mean_dice(predicted, torch.from_numpy(np.array(case.labels)), 1) >= 0.9


@pytest.mark.long
def test_what_nnunet_cannot_do_is_said_in_its_words(
    nnunet_here: None, store: CaseStore, make_job: MakeJob, tmp_path: Path
) -> None:
    with pytest.raises(TrainingError, match="nnU-Net has no trainer nnUNetTrainer_none"):
        job = make_job(tmp_path, training=["sub-01"], validation=["sub-02"])
        make(store, trainer="nnUNetTrainer_none").train(job)
    shutil.rmtree(tmp_path / "checkpoints")


def test_the_job_holds_nothing_of_the_test_cases(
    store: CaseStore, make_job: MakeJob, tmp_path: Path
) -> None:
    job = make_job(tmp_path, training=["sub-01"], validation=["sub-02"])
    told = make(store).describe_job(job)  # type: ignore[attr-defined]
    assert "sub-03" not in json.dumps(told)
    assert (told["epochs"], told["iterations"], told["seed"]) == (1, 3, 0)
