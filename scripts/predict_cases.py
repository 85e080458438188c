"""Predict the test cases of a fold, on the native grid of their labels.

Writes one label image per case to predictions/ and last predictions.json, which lists
them with checksums and seconds, and names the cases whose preprocessing failed. Where the
study's metrics look at probabilities, these are kept beside the labels.
"""

import argparse
from pathlib import Path

from mribench import command, plugins, provenance
from mribench.dataset.splits import cases_of
from mribench.files import read_table, write_json
from mribench.methods.base import load_method
from mribench.training.intensity import read_scale
from mribench.training.prediction import predict_case
from mribench.training.store import CaseStore


def main(arguments: argparse.Namespace) -> None:
    """Write the predictions and predictions.json."""
    entry = dict(provenance.read_spec(arguments.spec))
    keep = entry.pop("keep_probabilities", False)
    settings = plugins.method_settings(entry["method"]).model_validate(entry)
    store = CaseStore(arguments.store)
    store.scale = read_scale(arguments.model.parent, store.intensity, store.contrasts)
    method = load_method(settings, store.contrasts, store.classes)
    method.load(arguments.model, arguments.device, arguments.threads)
    study, folder = arguments.store.parents[2], arguments.output.parent / "predictions"
    tested = cases_of(read_table(arguments.splits), arguments.fold, "test")
    predictions = {
        name: {"failed": failure._asdict()}
        for name, failure in store.failed.items()
        if name in tested
    }
    for name in store.usable(tested):
        case, output = method.open_case(store, name), folder / f"{name}_dseg.nii.gz"
        predictions[name] = predict_case(
            method.predict, case, store.entry(name), study, output, keep
        )
    write_json(arguments.output, predictions, sealed=True)


if __name__ == "__main__":
    made = command.parser(__doc__)
    made.add_argument("--model", type=Path, required=True, help="model.safetensors")
    made.add_argument("--store", type=Path, required=True, help="manifest.json of the case store")
    made.add_argument("--splits", type=Path, required=True, help="table of the splits")
    made.add_argument("--fold", type=int, required=True, help="number of the fold")
    made.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="where")
    made.add_argument("--output", type=Path, required=True, help="predictions.json to write")
    command.run(main, made)
