"""Say what a run costs: parameters, operations, memory, and seconds to train and predict.

Parameters and operations are counted for one patch, here or by the run itself; the rest was
measured in the run.
"""

import argparse
from pathlib import Path
from statistics import fmean

from mribench import command, plugins, provenance
from mribench.files import read_json, write_json
from mribench.methods.base import load_method


def main(arguments: argparse.Namespace) -> None:
    """Write cost.json."""
    entry = provenance.read_spec(arguments.spec)
    settings = plugins.method_settings(entry["method"]).model_validate(entry)
    manifest, run = read_json(arguments.store), read_json(arguments.run)
    predictions = read_json(arguments.predictions)
    method = load_method(settings, manifest["contrasts"], manifest["classes"])
    seconds = [entry["seconds"] for entry in predictions.values() if "seconds" in entry]
    memory = {f"peak_{where}_mb": value for where, value in run["peak_memory_mb"].items()}
    cost = {
        **(run.get("network") or method.cost()),
        **memory,
        "devices": run["devices"],
        "training_seconds": run["seconds"],
        "prediction_seconds_per_case": round(fmean(seconds), 3) if seconds else None,
    }
    write_json(arguments.output, cost, sealed=True)


if __name__ == "__main__":
    made = command.parser(__doc__)
    made.add_argument("--store", type=Path, required=True, help="manifest.json of the case store")
    made.add_argument("--run", type=Path, required=True, help="run.json")
    made.add_argument("--predictions", type=Path, required=True, help="predictions.json")
    made.add_argument("--output", type=Path, required=True, help="cost.json to write")
    command.run(main, made)
