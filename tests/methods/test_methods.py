import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from small_methods import SMALL, MakeJob, MakeMethod

from mribench import plugins
from mribench.errors import TrainingError
from mribench.files import read_json, read_table
from mribench.methods.base import SegmentationMethod, read_description
from mribench.training.store import CaseStore
from mribench.training.validation import mean_dice

LEARNED = tuple(name for name in SMALL if name != "flair_threshold")


QUICK = ("flair_threshold", "scp", "unet2d", "unet3d")
EXTERNAL = ("nnunet",)  # tests of its own: it wants another environment
ALL = [
    pytest.param(name, marks=[] if name in QUICK else pytest.mark.slow)
    for name in plugins.method_names()
    if name not in EXTERNAL
]


@pytest.fixture(scope="module", params=ALL)
def trained(
    request: pytest.FixtureRequest,
    make_method: MakeMethod,
    make_job: MakeJob,
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[SegmentationMethod[Any], Path]:
    """A method and the folder of its run on one case."""
    folder = tmp_path_factory.mktemp(request.param)
    method = make_method(request.param)
    method.train(make_job(folder))
    return method, folder / "run"


def test_one_case_can_be_learned(
    trained: tuple[SegmentationMethod[Any], Path], store: CaseStore
) -> None:
    import torch

    method, run = trained
    case = method.open_case(store, "sub-01")
    method.load(run / "model.safetensors", "cpu", 1)
    probabilities = method.predict(case)
    assert probabilities.shape == (1, *case.shape)
    assert probabilities.min() >= 0
    assert probabilities.max() <= 1
    assert (probabilities[:, case.mask == 0] == 0).all()
    predicted = torch.from_numpy((probabilities[0] > 0.5).astype(np.uint8))
    assert mean_dice(predicted, torch.from_numpy(np.array(case.labels)), 1) >= 0.9


def test_a_loaded_model_predicts_alike(
    trained: tuple[SegmentationMethod[Any], Path], store: CaseStore, make_method: MakeMethod
) -> None:
    method, run = trained
    other = make_method(method.settings.method)
    for one in (method, other):
        one.load(run / "model.safetensors", "cpu", 1)
    case = method.open_case(store, "sub-02")
    assert np.array_equal(method.predict(case), other.predict(case))


def test_a_run_leaves_its_files(trained: tuple[SegmentationMethod[Any], Path]) -> None:
    method, run = trained
    record = read_json(run / "run.json")
    assert record["method"] == "tested"
    assert record["seconds"] >= 0
    assert record["peak_memory_mb"]["process"] > 50
    assert record["versions"]["torch"]
    assert read_table(run / "history.csv")
    described = read_description(run / "model.safetensors")
    assert described["classes"] == ["lesion"]
    assert described["settings"]["method"] == method.settings.method
    assert not (run.parent / "checkpoints" / "run").exists()


def test_cost_is_counted(trained: tuple[SegmentationMethod[Any], Path]) -> None:
    method, _ = trained
    cost = method.cost()
    assert cost["parameters"] > 0
    assert (cost["multiply_adds"] > 0) == (method.settings.method in LEARNED)


@pytest.mark.parametrize("name", LEARNED)
def test_chosen_contrasts_reach_the_network(name: str, make_method: MakeMethod) -> None:
    one, both = make_method(name, contrasts=("FLAIR",)), make_method(name)
    assert one.channels == [1]
    shapes = [next(method.build_network().parameters()).shape for method in (one, both)]
    assert shapes[1][1] - shapes[0][1] == 1


def test_a_model_of_other_contrasts_is_refused(
    make_method: MakeMethod, make_job: MakeJob, tmp_path: Path
) -> None:
    short = {"epochs": 1, "iterations": 1, "contrasts": ("FLAIR",)}
    make_method("unet2d", **short).train(make_job(tmp_path))
    with pytest.raises(TrainingError, match="contrasts FLAIR; expected T1w, FLAIR"):
        make_method("unet2d").load(tmp_path / "run" / "model.safetensors", "cpu", 1)


def test_too_small_a_patch_is_refused(
    make_method: MakeMethod, make_job: MakeJob, tmp_path: Path
) -> None:
    with pytest.raises(TrainingError, match="enlarge patch_size"):
        make_method("unet2d", patch_size=(3, 3), levels=4).train(make_job(tmp_path))


def test_cases_of_another_voxel_size_are_refused_by_the_1_mm_baseline(
    make_method: MakeMethod, store: CaseStore
) -> None:
    assert make_method("unet_1mm", voxel_mm=2.0).open_case(store, "sub-01").spacing == (2, 2, 2)
    with pytest.raises(TrainingError, match="sub-01: .*found voxels of 2 x 2 x 2 mm"):
        make_method("unet_1mm", voxel_mm=1.0).open_case(store, "sub-01")


@pytest.mark.parametrize("name", plugins.method_names())
def test_unknown_keys_are_refused(name: str) -> None:
    settings = plugins.method_settings(name)
    with pytest.raises(ValidationError, match="Extra inputs"):
        settings.model_validate({"method": name, "variant": "native", "learnig_rate": 1})


@pytest.mark.parametrize("name", plugins.method_names())
def test_every_key_is_documented(name: str) -> None:
    fields = plugins.method_settings(name).model_fields
    assert all(field.description for field in fields.values())


def test_every_method_is_tested() -> None:
    assert {*SMALL, *EXTERNAL} == set(plugins.method_names())


def test_settings_are_read_without_torch(root: Path) -> None:
    names = ", ".join(f"mribench.methods.{name}" for name in plugins.method_names())
    code = f"import sys, {names}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0
