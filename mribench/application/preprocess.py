"""New images through the preprocessing of a trained run: the workflow's own rules do it."""

import subprocess
import sys
from pathlib import Path
from typing import Any

from mribench.application.runs import TrainedRun
from mribench.config import Dataset
from mribench.dataset.index import index_dataset
from mribench.errors import StageError
from mribench.files import write_json
from mribench.monitoring.status import read_failures
from mribench.training.store import CaseStore

SNAKEFILE = Path(__file__).parents[2] / "Snakefile"
STUDY = "applied"


def derive_study(run: TrainedRun, bids: Path) -> dict[str, Any]:
    """Return a study whose only purpose is to bring images into the form that a run reads."""
    dataset = run.preprocessing["dataset"]
    name, settings = run.preprocessing["name"], run.described["settings"]
    return {
        "study": STUDY,
        "dataset": {
            **dataset,
            "recipe": "bids",
            "source": str(bids),
            "label": {**dataset["label"], "pattern": None, "given": False},
        },
        "variants": {name: run.preprocessing["variant"]},
        "methods": {settings["method"]: {**settings, "variant": name}},
        "evaluation": {"preset": "metrics_reloaded"},
    }


def preprocess(run: TrainedRun, bids: Path, work: Path, threads: int) -> CaseStore:
    """Preprocess and pack the images of a BIDS data set as those of the run were.

    Parameters
    ----------
    run
        The run; labels of the data set are not looked at.
    bids
        The data set.
    work
        Folder for everything that is made on the way.
    threads
        Cases and stages that are worked on at the same time.

    Raises
    ------
    DataError
        If the images cannot be used; one line per problem.
    StageError
        If a stage failed.
    """
    study = derive_study(run, bids)
    index_dataset(bids, Dataset.model_validate(study["dataset"]), threads).require_usable()
    config = work / "study.json"
    write_json(config, study)
    manifest = f"results/{STUDY}/store/{run.preprocessing['name']}/manifest.json"
    command = ["snakemake", manifest, "--snakefile", SNAKEFILE, "--directory", work]
    command += ["--configfile", config, "--cores", threads, "--quiet", "all"]
    done = subprocess.run(
        [sys.executable, "-m", *map(str, command)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        failures = read_failures(work / "results" / STUDY)
        causes = dict.fromkeys(failure.line.removeprefix("ERROR: ") for failure in failures)
        raise StageError("\n".join(causes) or done.stdout + done.stderr)
    return CaseStore(work / manifest)
