"""Train a method on the training cases of a fold.

Writes model.safetensors, history.csv, run.json, intensity.json (the intensity scale, with
what was fitted on the training cases) and preprocessing.json (how images become what the model
reads) to one folder, with tensorboard/ beside them.
States of the unfinished training go to <study>/checkpoints: after an interruption the
same command goes on from the last one, with the same result.
"""

import argparse
from pathlib import Path

from mribench import command, plugins
from mribench.dataset.splits import cases_of
from mribench.files import read_table, write_json
from mribench.methods.base import load_method
from mribench.provenance import digest, read_spec
from mribench.training.job import Job
from mribench.training.store import CaseStore


def main(arguments: argparse.Namespace) -> None:
    """Train and write the run's files."""
    entry = read_spec(arguments.spec)
    settings = plugins.method_settings(entry["method"]).model_validate(entry)
    rows = read_table(arguments.splits)
    store = CaseStore(arguments.store)
    wanted = {role: cases_of(rows, arguments.fold, role) for role in ("train", "validation")}
    training, validation = (store.usable(wanted[role]) for role in wanted)
    store.fit(training)
    store.scale.write(arguments.model.parent)
    write_json(
        arguments.model.parent / "preprocessing.json",
        {"name": store.manifest["variant"], **store.manifest["preprocessing"]},
    )
    job = Job(
        name=arguments.name or settings.method,
        store=store,
        training=training,
        validation=validation,
        left_out=sorted({*wanted["train"], *wanted["validation"]} & store.failed.keys()),
        fold=arguments.fold,
        seed=arguments.seed,
        run_folder=arguments.model.parent,
        checkpoint_folder=checkpoint_folder(arguments),
        device=arguments.device,
        devices=arguments.devices,
        threads=arguments.threads,
    )
    load_method(settings, store.contrasts, store.classes).train(job)


def checkpoint_folder(arguments: argparse.Namespace) -> Path:
    """Return ``<study>/checkpoints/<method>/<run>/<digest of the spec>``."""
    run = arguments.model.parent
    return run.parents[2] / "checkpoints" / run.parent.name / run.name / digest(arguments.spec)


def device_count(text: str) -> int | str:
    """Return the number of devices that an argument names, or ``auto``."""
    if text == "auto":
        return text
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"found {text}; expected auto, or a number from 1")
    return int(text)


if __name__ == "__main__":
    made = command.parser(__doc__)
    made.add_argument("--name", help="name of the method in the study (default: of its file)")
    made.add_argument("--store", type=Path, required=True, help="manifest.json of the case store")
    made.add_argument("--splits", type=Path, required=True, help="table of the splits")
    made.add_argument("--fold", type=int, required=True, help="number of the fold")
    made.add_argument("--seed", type=int, required=True, help="seed of everything random")
    made.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="where")
    made.add_argument(
        "--devices",
        type=device_count,
        default="auto",
        help="GPUs that share each batch (default, auto: those that the job was given)",
    )
    made.add_argument(
        "--model",
        type=Path,
        required=True,
        help="model.safetensors to write, in <study>/runs/<method>/<run>",
    )
    command.run(main, made)
