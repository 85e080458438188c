"""Seconds of a training step of one 3D U-Net in our loop, in MONAI's and in nnU-Net's own.

The same network, blocks of 64³, batch 2, cases in memory or mapped; each loop draws, augments and
learns as it does by default: mirroring, affine maps and intensities in all, blur and lower
resolution in nnU-Net's too. Each runs in a process of its own; ours as our scripts do, with freed
memory kept. nnU-Net runs in its own environment (`make nnunet`) with Dice and cross-entropy, no
deep supervision. Medians over the steps, after one that does not count; our loop also says which
share of its time it waited for data. ``--processor --threads 1`` counts processor seconds, for a
machine that others use too.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

ROOT = Path(__file__).parent.parent
BLOCK, BATCH, WIDTH, LEVELS, CASES, SIZE = 64, 2, 16, 4, 4, 80
Clock = Callable[[], float]


def make_case(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return images (2, x, y, z), labels and mask: a noisy ball with bright small balls."""
    generator = np.random.default_rng(seed)
    places = np.stack(np.indices((SIZE,) * 3))
    mask = np.linalg.norm(places - SIZE / 2, axis=0) < 0.48 * SIZE
    labels = np.zeros((SIZE,) * 3, np.uint8)
    for centre in generator.uniform(0.3 * SIZE, 0.7 * SIZE, (8, 3)):
        distance = np.linalg.norm(places - centre[:, None, None, None], axis=0)
        labels[distance < generator.uniform(2, 5)] = 1
    images = generator.normal(0, 0.5, (2, *labels.shape)) + np.stack([-labels, 3.0 * labels])
    return np.where(mask, images, 0).astype(np.float32), labels * mask, mask


def make_network(outputs: int) -> Any:
    """Return the U-Net that all loops train."""
    import torch

    from mribench.networks.unet import UNet

    torch.manual_seed(0)
    return UNet(3, 2, outputs, WIDTH, LEVELS, "instance")


def timed(step: Callable[[], object], steps: int, clock: Clock) -> float:
    """Return the median seconds of a step, after one that does not count."""
    seconds = []
    for number in range(steps + 1):
        start = clock()
        step()
        if number:
            seconds.append(clock() - start)
    return median(seconds)


def time_ours(folder: Path, steps: int, threads: int, clock: Clock) -> tuple[float, float]:
    """Return seconds per step of our loop, and the share of its time that it waits for data."""
    from mribench import plugins
    from mribench.memory import keep_freed_memory
    from mribench.methods.base import load_method
    from mribench.training.job import Job
    from mribench.training.loop import Trainer
    from mribench.training.store import CaseStore, write_case, write_manifest

    keep_freed_memory()
    cases = {}
    for seed in range(CASES):
        name = f"sub-{seed}"
        entry = {"affine": np.eye(4).tolist(), "reference_label": name}
        cases[name] = {**write_case(folder, name, *make_case(seed)), **entry}
    contrasts, preprocessing = ["T1w", "FLAIR"], {"variant": {"intensity": {"method": "zscore"}}}
    manifest = folder / "manifest.json"
    write_manifest(manifest, "native", contrasts, ["lesion"], cases, preprocessing)
    store = CaseStore(manifest)
    keys = {"width": WIDTH, "levels": LEVELS, "patch_size": (BLOCK,) * 3, "batch_size": BATCH}
    entry = {"method": "unet3d", "variant": "native", **keys}
    settings = plugins.method_settings("unet3d").model_validate(entry)
    names = sorted(cases)
    made = load_method(settings, contrasts, ["lesion"])
    job = Job("unet3d", store, names, names[:1], 0, 0, folder / "run", folder / "states")
    trainer = Trainer(made, Job(**{**vars(job), "device": "cpu", "threads": threads}))
    batches = trainer.feed.batches(0, steps + 1)

    def step() -> None:
        trainer.step(next(batches))
        trainer.seen += 1

    began = time.monotonic()
    seconds = timed(step, steps, clock)
    return seconds, trainer.feed.waited / (time.monotonic() - began)


def time_monai(folder: Path, steps: int, threads: int, clock: Clock) -> tuple[float, ...]:
    """Return seconds per step of a loop as in MONAI's tutorials."""
    import torch
    from monai import transforms as t
    from monai.data import CacheDataset, DataLoader
    from monai.losses import DiceCELoss

    both = ["image", "label"]
    chain = [
        t.EnsureChannelFirstd("image", channel_dim=0),
        t.EnsureChannelFirstd("label", channel_dim="no_channel"),
        t.RandCropByPosNegLabeld(both, "label", (BLOCK,) * 3, num_samples=1),
        t.RandFlipd(both, 0.5, 0),
        t.RandAffined(
            both,
            (BLOCK,) * 3,
            0.5,
            rotate_range=(0.26,) * 3,
            scale_range=(0.15,) * 3,
            translate_range=(3,) * 3,
            mode=("bilinear", "nearest"),
            padding_mode="zeros",
        ),
        t.RandScaleIntensityd("image", 0.15, 1.0),
        t.RandShiftIntensityd("image", 0.15, prob=1.0),
        t.RandAdjustContrastd("image", 1.0, (0.78, 1.28)),
        t.RandGaussianNoised("image", 1.0, std=0.1),
    ]
    made = [dict(zip(both, make_case(seed)[:2], strict=True)) for seed in range(CASES)]
    dataset = CacheDataset(made * steps, t.Compose(chain), progress=False)
    batches = iter(DataLoader(dataset, batch_size=BATCH, shuffle=True, num_workers=threads - 1))
    network, loss = make_network(1), DiceCELoss(sigmoid=True)
    optimiser = torch.optim.Adam(network.parameters(), 1e-3)

    def step() -> None:
        batch = next(batches)
        optimiser.zero_grad()
        loss(network(batch["image"]), batch["label"].float()).backward()
        optimiser.step()

    return (timed(step, steps, clock),)


def time_nnunet(folder: Path, steps: int, threads: int, clock: Clock) -> tuple[float, ...]:
    """Return seconds per step of nnU-Net's trainer with our network; runs in its environment."""
    import nibabel

    sys.path.insert(0, str(ROOT))
    from mribench.methods import _nnunet_program as program

    raw = folder / "nnUNet_raw" / program.DATASET
    for kind in ("imagesTr", "labelsTr"):
        (raw / kind).mkdir(parents=True)
    names = [f"case{seed}" for seed in range(CASES)]
    for seed, name in enumerate(names):
        images, labels, _ = make_case(seed)
        for channel, image in enumerate(images):
            path = raw / "imagesTr" / f"{name}_{channel:04d}.nii"
            nibabel.save(nibabel.Nifti1Image(image, np.eye(4)), path)
        nibabel.save(nibabel.Nifti1Image(labels, np.eye(4)), raw / "labelsTr" / f"{name}.nii")
    described = {
        "channel_names": {"0": "T1w", "1": "FLAIR"},
        "labels": {"background": 0, "lesion": 1},
        "numTraining": CASES,
        "file_ending": ".nii",
        "overwrite_image_reader_writer": "NibabelIO",
    }
    (raw / "dataset.json").write_text(json.dumps(described))
    job = {
        "folder": str(folder),
        "configuration": "3d_fullres",
        "planner": "ExperimentPlanner",
        "gpu_memory_gb": 8,
        "trainer": "nnUNetTrainer",
        "epochs": 1,
        "iterations": steps,
        "threads": threads,
        "device": "cpu",
        "splits": [{"train": names, "val": names}],
    }
    program.seed_everything(0, threads)
    plans = program.plan(job)
    path = folder / "nnUNet_preprocessed" / program.DATASET / f"{plans}.json"
    content = json.loads(path.read_text())
    content["configurations"]["3d_fullres"] |= {"patch_size": [BLOCK] * 3, "batch_size": BATCH}
    path.write_text(json.dumps(content))
    trainer = program.make_trainer(job, plans)
    trainer.enable_deep_supervision = False
    trainer.network, trainer.loss = make_network(2), trainer._build_loss()
    trainer.optimizer, trainer.lr_scheduler = trainer.configure_optimizers()
    batches, _ = trainer.get_dataloaders()
    trainer.network.train()
    return (timed(lambda: trainer.train_step(next(batches)), steps, clock),)


LOOPS = {"ours": time_ours, "MONAI": time_monai, "nnU-Net": time_nnunet}


def run(name: str, arguments: argparse.Namespace, folder: Path) -> list[float]:
    """Time a loop in a process of its own, nnU-Net's in its environment."""
    python, variables = sys.executable, {"OMP_NUM_THREADS": str(arguments.threads)}
    if name == "nnU-Net":
        from mribench import programs

        programs.require(name)
        python = str(programs.find(name, "python"))
        folders = ("nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results")
        variables |= {variable: str(folder / variable) for variable in folders}
        processes = ("nnUNet_def_n_proc", "nnUNet_n_proc_DA")
        variables |= dict.fromkeys(processes, str(arguments.threads))
    command = [python, __file__, "--loop", name, "--folder", str(folder)]
    command += ["--steps", str(arguments.steps), "--threads", str(arguments.threads)]
    command += ["--processor"] if arguments.processor else []
    shown = subprocess.run(
        command, env={**os.environ, **variables}, stdout=subprocess.PIPE, text=True, check=True
    ).stdout
    return json.loads(shown.splitlines()[-1])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--processor", action="store_true", help="processor seconds, not time")
    parser.add_argument("--loop", choices=tuple(LOOPS), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.loop:
        clock = time.process_time if arguments.processor else time.perf_counter
        timing = LOOPS[arguments.loop](arguments.folder, arguments.steps, arguments.threads, clock)
        print(json.dumps(timing))
        return
    with tempfile.TemporaryDirectory() as temporary:
        found = {name: run(name, arguments, Path(temporary, name)) for name in LOOPS}
    ours, waited = found["ours"]
    print("| loop | seconds per step | ours is faster by |\n|---|---|---|")
    for name, (seconds, *_) in found.items():
        print(f"| {name} | {seconds:.3f} | {seconds / ours:.2f} |")
    print(f"\nOurs waited for data {100 * waited:.1f} % of the time.")


if __name__ == "__main__":
    main()
