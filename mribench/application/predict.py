"""Predictions of new cases as a BIDS derivative: labels, probabilities and their origin."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mribench import __version__
from mribench.application.runs import TrainedRun
from mribench.config import Method
from mribench.files import read_table, write_json
from mribench.methods.base import SegmentationMethod, load_method
from mribench.plugins import method_settings
from mribench.training.devices import choose_device
from mribench.training.ensembles import average
from mribench.training.intensity import read_scale
from mribench.training.prediction import predict_case
from mribench.training.record import place, software
from mribench.training.store import CaseStore

FOLDER = "anat"


class Ensemble:
    """The models of one or several runs, whose probabilities are averaged.

    Parameters
    ----------
    runs
        Runs of the same preprocessing and classes.
    store
        The packed cases.
    flips
        Axes of the test-time flips; None takes what each method was configured with.
    device
        ``auto``, ``cpu`` or ``cuda``.
    threads
        CPU threads.
    """

    def __init__(
        self,
        runs: Sequence[TrainedRun],
        store: CaseStore,
        flips: Sequence[str] | None,
        device: str,
        threads: int,
    ) -> None:
        self.runs, self.store = list(runs), store
        self.models = [self._load(run, flips, device, threads) for run in runs]

    def predict(self, name: str) -> np.ndarray:
        """Return the mean probabilities (classes, x, y, z) of a case of the store."""
        return average(
            self._predict_one(run, model, name)
            for run, model in zip(self.runs, self.models, strict=True)
        )

    def _load(
        self, run: TrainedRun, flips: Sequence[str] | None, device: str, threads: int
    ) -> SegmentationMethod[Any]:
        settings = read_settings(run, flips)
        method = load_method(settings, self.store.contrasts, self.store.classes)
        method.load(run.folder / "model.safetensors", device, threads)
        return method

    def _predict_one(
        self, run: TrainedRun, model: SegmentationMethod[Any], name: str
    ) -> np.ndarray:
        store = self.store
        store.scale = read_scale(run.folder, store.intensity, store.contrasts)
        return model.predict(model.open_case(store, name))


def read_settings(run: TrainedRun, flips: Sequence[str] | None) -> Method:
    """Return the settings of a run's method, with other flips where they are given."""
    content = dict(run.described["settings"])
    if flips is not None and "flips" in content:
        content["flips"] = flips
    settings: Method = method_settings(content["method"]).model_validate(content)
    return settings


def write_predictions(
    ensemble: Ensemble, study: Path, output: Path, device: str, parameters: Mapping[str, Any]
) -> list[Path]:
    """Predict all cases of the store on the grids of their reference images.

    Parameters
    ----------
    ensemble
        The models.
    study
        Folder of the study that made the store.
    output
        Folder of the BIDS derivative: ``sub-01/anat/sub-01_space-FLAIR_dseg.nii.gz``, and
        ``_probseg.nii.gz`` beside it.
    device
        Where the models run.
    parameters
        What the sidecars say beside the models.

    Returns
    -------
    The label images.
    """
    sources: dict[str, dict[str, str]] = {}
    for row in read_table(study / "dataset" / "scans.tsv"):
        sources.setdefault(row["case"], {})[f"bids:raw:{row['path']}"] = row["checksum"]
    made = {**place(choose_device(device)), **software()}
    shared = {
        "Models": [run.origin() for run in ensemble.runs],
        "Labels": {name: 1 + k for k, name in enumerate(ensemble.store.classes)},
        "Parameters": dict(parameters),
        # The name of the machine stays at home.
        "Made": {key: made[key] for key in ("system", "device", "accelerator", "versions")},
        **{"Software": "mribench", "SoftwareVersion": __version__, "Manual": False},
    }
    write_description(output)
    return [
        _write_case(ensemble, name, study, output, {**shared, "SourceChecksums": files})
        for name, files in sorted(sources.items())
    ]


def write_description(output: Path) -> None:
    """Write ``dataset_description.json`` of the derivative."""
    content = {
        "Name": "Segmentations made with mribench",
        "BIDSVersion": "1.10.0",
        "DatasetType": "derivative",
        "GeneratedBy": [{"Name": "mribench", "Version": __version__}],
    }
    write_json(output / "dataset_description.json", content)


def _write_case(
    ensemble: Ensemble, name: str, study: Path, output: Path, about: Mapping[str, Any]
) -> Path:
    entry = ensemble.store.entry(name)
    folder = output / name.replace("_", "/") / FOLDER
    labels = folder / f"{name}_space-{entry['label_contrast']}_dseg.nii.gz"
    case = ensemble.store.open(name)
    predict_case(lambda _: ensemble.predict(name), case, entry, study, labels, True)
    sources = list(about["SourceChecksums"])
    for path in (labels, labels.with_name(labels.name.replace("_dseg.", "_probseg."))):
        sidecar = path.with_name(path.name.removesuffix(".nii.gz") + ".json")
        write_json(sidecar, {"Sources": sources, **about})
    return labels
