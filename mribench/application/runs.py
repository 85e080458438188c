"""Trained runs of a study as somebody finds them who wants to use the model."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mribench.errors import ConfigError, describe
from mribench.files import checksum, read_json
from mribench.training.weights import read_description

FILES = ("model.safetensors", "intensity.json", "preprocessing.json", "run.json")
LAYOUT = "a folder results/<study>/runs/<method>/fold-<k>_seed-<s>"


class TrainedRun(NamedTuple):
    """A run's folder and what stands in it.

    Attributes
    ----------
    folder
        Folder of the run.
    described
        ``settings`` of the method, ``contrasts`` and ``classes``, as the model file says.
    preprocessing
        ``name`` and settings of the ``variant``, and what it reads of the ``dataset``.
    record
        ``run.json``: when, where and with which versions it was trained.
    """

    folder: Path
    described: dict[str, Any]
    preprocessing: dict[str, Any]
    record: dict[str, Any]

    @property
    def contrasts(self) -> list[str]:
        """The contrasts that a new case must have."""
        return list(self.preprocessing["dataset"]["contrasts"])

    def origin(self) -> dict[str, Any]:
        """Return what the sidecar of a prediction says of the model."""
        return {
            "Run": "/".join(self.folder.resolve().parts[-4:]),
            "Weights": checksum(self.folder / "model.safetensors"),
            "Settings": self.described["settings"],
            "Contrasts": self.described["contrasts"],
            "Variant": self.preprocessing["name"],
            "Trained": self.record["end"],
            "TrainedWith": self.record["versions"],
        }


def read_runs(folders: Sequence[Path]) -> list[TrainedRun]:
    """Read runs whose predictions are to be averaged.

    Raises
    ------
    ConfigError
        If a folder is no run, or the runs differ in preprocessing or classes.
    """
    runs = [read_run(folder) for folder in folders]
    for run in runs[1:]:
        for found, expected, what in (
            (run.preprocessing, runs[0].preprocessing, "preprocessing"),
            (run.described["classes"], runs[0].described["classes"], "classes"),
        ):
            if found != expected:
                raise _unfit(
                    run.folder,
                    f"other {what} than in {runs[0].folder}",
                    "runs of one variant of one study",
                    "apply them one by one",
                )
    return runs


def read_run(folder: Path) -> TrainedRun:
    """Read a run.

    Raises
    ------
    ConfigError
        If a file is missing, or the model reads contrasts that the preprocessing does not make.
    """
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        remedy = "give the folder of a finished run; older ones are made again by snakemake train"
        raise _unfit(folder, f"no {', no '.join(missing)}", LAYOUT, remedy)
    described = read_description(folder / "model.safetensors")
    content, record = (read_json(folder / name) for name in FILES[2:])
    run = TrainedRun(folder, described, content, record)
    strange = sorted(set(described["contrasts"]) - set(run.contrasts))
    if strange:
        raise _unfit(
            folder,
            f"a model that reads {', '.join(described['contrasts'])}",
            f"some of {', '.join(run.contrasts)}, which preprocessing.json names",
            "the files belong to different runs; copy the folder again",
        )
    return run


def _unfit(folder: Path, found: str, expected: str, remedy: str) -> ConfigError:
    text = describe(subject="--run", file=folder, found=found, expected=expected, remedy=remedy)
    return ConfigError(text)
