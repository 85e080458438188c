"""What runs inside nnU-Net's own environment: planning, training and prediction.

``python -I _nnunet_program.py train <job.json>`` plans, preprocesses and trains; it leaves
``model.safetensors`` and the result. ``… predict <model> <device> <threads>`` reads one request
per line from standard input, a JSON object with ``images``, ``spacing`` and ``output``, and
answers each with a line. Both end when standard input is closed, that is, with the process that
started them. Nothing of mribench is imported: its packages may be missing here.

nnU-Net: Isensee et al., Nature Methods 18:203-211 (2021), package nnunetv2.
"""

import importlib.metadata
import json
import os
import pkgutil
import random
import resource
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

DATASET = "Dataset001_mribench"
VALIDATION_SHARE = 5


def seed_everything(seed: int, threads: int) -> None:
    """Seed all that nnU-Net draws from, and set the number of threads."""
    import numpy as np
    import torch

    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    torch.set_num_threads(threads)


def choose_device(wanted: str) -> Any:
    """Return the torch device called ``auto``, ``cpu`` or ``cuda``."""
    import torch

    use_gpu = wanted == "cuda" or (wanted == "auto" and torch.cuda.is_available())
    return torch.device("cuda" if use_gpu else "cpu")


def plan(job: dict[str, Any]) -> str:
    """Fingerprint, plan and preprocess the data set, once; return the name of the plans."""
    from nnunetv2.experiment_planning import plan_and_preprocess_api as api

    done = Path(job["folder"]) / "planned.json"
    if done.exists():
        return json.loads(done.read_text())["plans"]
    processes = job["threads"]
    api.extract_fingerprints([1], num_processes=processes, show_progress_bar=False)
    plans = api.plan_experiments([1], job["planner"], job["gpu_memory_gb"])
    preprocessed = Path(job["folder"]) / "nnUNet_preprocessed" / DATASET
    known = json.loads((preprocessed / f"{plans}.json").read_text())["configurations"]
    if job["configuration"] not in known:
        raise SystemExit(
            f"error: nnU-Net plans no configuration {job['configuration']} for these images; "
            f"it plans {', '.join(known)}"
        )
    api.preprocess([1], plans, (job["configuration"],), (processes,), show_progress_bar=False)
    (preprocessed / "splits_final.json").write_text(json.dumps(job["splits"]))
    done.write_text(json.dumps({"plans": plans}))
    return plans


def find_trainer(name: str) -> Any:
    """Return nnU-Net's trainer of a name.

    nnU-Net's own search imports all its trainers, some of which need packages that this
    environment may lack; these are passed over.
    """
    import nnunetv2.training.nnUNetTrainer

    trainers = nnunetv2.training.nnUNetTrainer
    for module in pkgutil.walk_packages(trainers.__path__, f"{trainers.__name__}."):
        try:
            found = getattr(importlib.import_module(module.name), name, None)
        except (ImportError, RuntimeError):
            continue
        if found is not None:
            return found
    raise SystemExit(f"error: nnU-Net has no trainer {name}")


def make_trainer(job: dict[str, Any], plans_name: str) -> Any:
    """Return the trainer, set up as the job says, with an earlier state where there is one.

    One thread is the network's, the others augment; the planner wants at least one for itself.
    """
    os.environ.update(nnUNet_n_proc_DA=str(job["threads"] - 1))
    preprocessed = Path(job["folder"]) / "nnUNet_preprocessed" / DATASET
    plans = json.loads((preprocessed / f"{plans_name}.json").read_text())
    described = json.loads((preprocessed / "dataset.json").read_text())
    states = Path(job["folder"], "nnUNet_results").rglob("checkpoint_latest.pth")
    trainer = find_trainer(job["trainer"])(
        plans={**plans, "continue_training": False},
        configuration=job["configuration"],
        fold=0,
        dataset_json=described,
        device=choose_device(job["device"]),
    )
    if job["epochs"]:
        trainer.num_epochs = job["epochs"]
    if job["iterations"]:
        trainer.num_iterations_per_epoch = job["iterations"]
        trainer.num_val_iterations_per_epoch = max(1, job["iterations"] // VALIDATION_SHARE)
    trainer.initialize()
    for state in states:
        trainer.load_checkpoint(str(state))
    return trainer


def bare_network(trainer: Any) -> Any:
    """Return the network as it predicts: not compiled, one output."""
    trainer.set_deep_supervision_enabled(False)
    return getattr(trainer.network, "_orig_mod", trainer.network)


def measure(trainer: Any) -> dict[str, Any]:
    """Return parameters, and multiply-adds of one patch."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    shape = (trainer.num_input_channels, *trainer.configuration_manager.patch_size)
    network = bare_network(trainer)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(torch.zeros((1, *shape), device=trainer.device))
    return {
        "parameters": sum(weight.numel() for weight in network.parameters()),
        "input_shape": "x".join(map(str, shape)),
        "multiply_adds": counter.get_total_flops() // 2,
    }


def history(trainer: Any) -> list[dict[str, float]]:
    """Return one row per epoch; the Dice is nnU-Net's own, of validation patches."""
    columns = {
        "train_loss": "train_losses",
        "validation_loss": "val_losses",
        "validation_dice": "mean_fg_dice",
        "learning_rate": "lrs",
    }
    values = {name: trainer.logger.get_value(key, step=None) for name, key in columns.items()}
    count = len(values["train_loss"])
    return [
        {"epoch": index + 1, **{name: float(found[index]) for name, found in values.items()}}
        for index in range(count)
    ]


def save(trainer: Any, job: dict[str, Any]) -> None:
    """Write weights, plans and what prediction needs besides as one file without pickle."""
    from safetensors.torch import save_file

    weights = {
        name: tensor.detach().cpu().contiguous().clone()
        for name, tensor in bare_network(trainer).state_dict().items()
    }
    axes = trainer.inference_allowed_mirroring_axes
    content = {
        "plans": trainer.plans_manager.plans,
        "dataset": trainer.dataset_json,
        "configuration": job["configuration"],
        "trainer": job["trainer"],
        "mirroring": None if axes is None else [int(axis) for axis in axes],
        "cost": measure(trainer),
    }
    # One entry only: safetensors does not keep the order of several.
    described = {**json.loads(job["description"]["mribench"]), "nnunet": content}
    save_file(weights, job["model"], {"mribench": json.dumps(described, sort_keys=True)})


def train(path: Path) -> None:
    """Plan, preprocess and train as a job says; write the model, then the result."""
    import torch

    job = json.loads(path.read_text())
    seed_everything(job["seed"], job["threads"])
    plans = plan(job)
    planned = time.monotonic()
    seed_everything(job["seed"], job["threads"])
    trainer = make_trainer(job, plans)
    trainer.run_training()
    save(trainer, job)
    gpu = trainer.device.type == "cuda"
    peak = {"process": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)}
    if gpu:
        peak["gpu"] = round(torch.cuda.max_memory_allocated(trainer.device) / 2**20, 1)
    result = {
        "history": history(trainer),
        "network": measure(trainer),
        "peak_memory_mb": peak,
        "accelerator": trainer.device.type,
        "seconds_of_training_alone": round(time.monotonic() - planned, 2),
        "versions": {
            "nnunetv2": importlib.metadata.version("nnunetv2"),
            "torch": torch.__version__,
        },
    }
    Path(job["result"]).write_text(json.dumps(result))


def load_predictor(model: Path, device: str) -> Any:
    """Return nnU-Net's predictor with the weights of a model file."""
    from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor
    from nnunetv2.utilities.label_handling.label_handling import determine_num_input_channels
    from nnunetv2.utilities.plans_handling.plans_handler import PlansManager
    from safetensors import safe_open
    from safetensors.torch import load_file

    with safe_open(model, framework="pt") as opened:
        content = json.loads(opened.metadata()["mribench"])["nnunet"]
    weights = load_file(model)
    plans, described = PlansManager(content["plans"]), content["dataset"]
    chosen = plans.get_configuration(content["configuration"])
    network = find_trainer(content["trainer"]).build_network_architecture(
        plans,
        chosen,
        determine_num_input_channels(plans, chosen, described),
        plans.get_label_manager(described).num_segmentation_heads,
        enable_deep_supervision=False,
    )
    network.load_state_dict(weights)
    where = choose_device(device)
    predictor = nnUNetPredictor(
        device=where, perform_everything_on_device=where.type == "cuda", allow_tqdm=False
    )
    predictor.manual_initialization(
        network, plans, chosen, [weights], described, content["trainer"], content["mirroring"]
    )
    return predictor


def predict(model: Path, device: str, threads: int) -> None:
    """Answer requests: probabilities (background and classes, x, y, z) of images."""
    import numpy as np

    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    seed_everything(0, threads)
    predictor = load_predictor(model, device)
    for line in sys.stdin:
        request = json.loads(line)
        images = np.load(request["images"], allow_pickle=False).transpose(0, 3, 2, 1)
        properties = {"spacing": request["spacing"][::-1]}
        _, found = predictor.predict_single_npy_array(images, properties, None, None, True)
        np.save(request["output"], found.astype(np.float32).transpose(0, 3, 2, 1))
        print("done", file=answers, flush=True)


def end_with_the_starter() -> None:
    """End this process and its workers when standard input is closed.

    Read without ``sys.stdin``, whose lock a forked worker would wait for.
    """
    os.read(sys.stdin.fileno(), 1)
    os.killpg(0, signal.SIGTERM)


def main() -> None:
    """Run one of the two commands."""
    if sys.argv[1] == "train":
        threading.Thread(target=end_with_the_starter, daemon=True).start()
        train(Path(sys.argv[2]))
    else:
        predict(Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]))


if __name__ == "__main__":
    main()
