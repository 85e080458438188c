import subprocess
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from small_methods import SMALL, MakeJob, MakeMethod

from mribench import plugins
from mribench.errors import TrainingError
from mribench.files import make_image, read_json, read_table, write_image, write_table
from mribench.methods.base import SegmentationMethod
from mribench.provenance import canonical
from mribench.training.patches import Batch
from mribench.training.store import CaseStore
from mribench.training.validation import mean_dice
from mribench.training.weights import read_description
from scripts import evaluate_predictions, predict_cases, train_model

LEARNED = tuple(name for name in SMALL if name != "flair_threshold")


QUICK = ("flair_threshold", "scp", "unet2d", "unet3d")
EXTERNAL = ("nnunet",)  # tests of its own: it wants another environment
ALL = [
    pytest.param(name, marks=[] if name in QUICK else pytest.mark.slow)
    for name in plugins.method_names()
    if name not in EXTERNAL
]


def call(script: Any, method: SegmentationMethod[Any], **arguments: Any) -> None:
    """Call the script of a rule as the workflow does, in this process."""
    shared = {"spec": canonical(method.settings.model_dump(mode="json")), "threads": 1}
    place = {"device": "cpu", "devices": 1}
    script.main(Namespace(**shared, **place, log=None, fold=0, seed=0, **arguments))


@pytest.fixture(scope="module")
def tables(store: CaseStore) -> Path:
    """A folder with splits, scans and labels: sub-01 is trained on, sub-02 tested."""
    study = store.folder.parents[1]
    roles = {"sub-01": "train", "sub-02": "test", "sub-03": "unused"}
    rows = [{"fold": 0, "case": case, "role": role} for case, role in roles.items()]
    write_table(study / "splits.tsv", rows, ("fold", "case", "role"))
    case = store.open("sub-02")
    write_image(study / "label.nii.gz", make_image(np.array(case.labels), case.affine))
    scan = {"case": "sub-02", "subject": "sub-02", "site": "siteA", "labels": "label.nii.gz"}
    write_table(study / "scans.tsv", [scan], tuple(scan))
    return study


@pytest.fixture(scope="module", params=ALL)
def trained(
    request: pytest.FixtureRequest, make_method: MakeMethod, store: CaseStore, tables: Path
) -> tuple[SegmentationMethod[Any], Path]:
    """A method and the folder of its run on one case."""
    method = make_method(request.param)
    run = tables / "runs" / request.param / "fold-0_seed-0"
    files = {"model": run / "model.safetensors", "splits": tables / "splits.tsv"}
    call(train_model, method, name="tested", store=store.folder / "manifest.json", **files)
    return method, run


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
    assert read_json(run / "preprocessing.json")["name"] == "native"
    folder = run.parents[2] / "checkpoints" / run.parent.name / run.name
    assert not folder.exists() or not list(folder.iterdir())


def test_another_case_is_predicted_and_scored(
    trained: tuple[SegmentationMethod[Any], Path], store: CaseStore, tables: Path
) -> None:
    method, run = trained
    model, listing = run / "model.safetensors", run / "predictions.json"
    manifest, splits = store.folder / "manifest.json", tables / "splits.tsv"
    call(predict_cases, method, model=model, store=manifest, splits=splits, output=listing)
    known = {"preset": "wmh2017", "label": {"values": {"lesion": 1}}}
    where = {"scans": tables / "scans.tsv", "splits": splits, "root": tables, "reference": None}
    evaluate_predictions.main(
        Namespace(
            spec=canonical(known),
            method=method.settings.method,
            fold=0,
            seed=0,
            predictions=listing,
            output=run / "metrics.csv",
            **where,
        )
    )
    rows = {row["metric"]: row for row in read_table(run / "metrics.csv")}
    assert rows["dice"]["case"] == "sub-02"
    # Learned on one case, each still finds some of the bright blobs of another.
    assert float(rows["dice"]["value"]) > 0.2


@pytest.mark.parametrize("name", ALL)
def test_equal_trainings_of_every_method_give_equal_bytes(
    name: str, make_method: MakeMethod, make_job: MakeJob, tmp_path: Path
) -> None:
    short = {} if name == "flair_threshold" else {"epochs": 1, "iterations": 2}
    for folder in ("first", "second"):
        make_method(name, **short).train(make_job(tmp_path / folder))
    first, second = (tmp_path / name / "run/model.safetensors" for name in ("first", "second"))
    assert first.read_bytes() == second.read_bytes()


def blank(method: SegmentationMethod[Any], channels: int, size: tuple[int, ...]) -> Batch:
    """A batch of one empty patch."""
    import torch

    axes = len(size)
    images, labels = torch.zeros((1, channels, *size)), torch.zeros((1, *size), dtype=torch.uint8)
    spacings = torch.full((1, axes), 2.0)
    return Batch(
        images, labels, torch.zeros((1, axes), dtype=torch.int64), torch.tensor([size]), spacings
    )


@pytest.mark.parametrize("name", LEARNED)
def test_every_network_refuses_what_it_cannot_read(name: str, make_method: MakeMethod) -> None:
    method: Any = make_method(name)
    network, size = method.build_network().eval(), method.settings.patch_size
    assert method.logits(network, blank(method, 2, size)).shape == (1, 1, *size)
    with pytest.raises(TrainingError, match="found 3 channels; expected 2"):
        method.logits(network, blank(method, 3, size))
    with pytest.raises(TrainingError, match="enlarge patch_size"):
        method.logits(network, blank(method, 2, (1,) * len(size)))


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
