"""What another voxel size at test time costs `resolution_adaptive` and `unet_native`.

Both are trained on FLAIR phantoms with voxels of 1 mm and tested on other phantoms at 1 mm and at
0.5 x 0.5 x 3 mm: the same heads, scanned twice. The networks are small (levels and iterations
too) and see cubes around the densest lesions, so that the study takes a quarter of an hour of one
core; every cube is predicted at once. The table has the mean Dice over the test cases, and the
mean and standard deviation over the seeds of the training.
"""

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import numpy as np
from scipy import ndimage

from mribench import plugins
from mribench.config import Site
from mribench.dataset.geometry import Grid
from mribench.dataset.phantoms.acquisition import Subject, ideal_image
from mribench.dataset.phantoms.anatomy import make_anatomy
from mribench.dataset.phantoms.deformation import draw_deformation
from mribench.dataset.phantoms.head import build_head
from mribench.dataset.phantoms.lesions import draw_lesions
from mribench.dataset.phantoms.mimics import draw_mimics
from mribench.dataset.phantoms.scanner import add_noise, sample, sample_box
from mribench.dataset.phantoms.sources import template_source
from mribench.methods.base import load_method
from mribench.training.job import Job
from mribench.training.store import CaseStore, write_case, write_manifest

SPACINGS = {"1 mm": (1.0, 1.0, 1.0), "0.5 x 0.5 x 3 mm": (0.5, 0.5, 3.0)}
CUBE_MM = 48
TRAINING, VALIDATION, TEST = 6, 1, 4
RECIPE = {
    "variant": "native",
    "patch_size": (24, 24, 24),
    "overlap": 0,
    "epochs": 4,
    "iterations": 25,
    "levels": 3,
    "schedule": "cosine",
    "monitor": "dice",
}
METHODS: dict[str, dict[str, Any]] = {
    "unet_native": {"width": 15},
    "resolution_adaptive": {"width": 1},
}
NOISE = 0.05


def write_store(folder: Path, spacing: Sequence[float], subjects: Sequence[int]) -> CaseStore:
    """Simulate cubes of some subjects at a voxel size and pack them."""
    cases = {}
    for index in subjects:
        name = f"sub-{index:02d}"
        images, labels, mask, affine = scan(index, spacing)
        cases[name] = {
            **write_case(folder, name, images, labels, mask),
            "affine": affine.tolist(),
            "reference_label": name,
        }
    intensity = {"method": "zscore"}
    write_manifest(folder / "manifest.json", "native", ["FLAIR"], ["lesion"], cases, intensity)
    return CaseStore(folder / "manifest.json")


def scan(index: int, spacing: Sequence[float]) -> tuple[np.ndarray, ...]:
    """Return z-scores (1, x, y, z), lesions, brain mask and affine of a subject's cube."""
    generator = np.random.default_rng((7, index))
    source = template_source()
    age = float(generator.uniform(30, 85))
    deformation = draw_deformation(generator, source, age, 4.0)
    anatomy = make_anatomy(generator, source, deformation, age)
    lesions = draw_lesions(generator, anatomy, (5.0, 40.0))
    person = Subject(
        anatomy, lesions, draw_mimics(generator, anatomy), build_head(generator, anatomy)
    )
    ideal = ideal_image(generator, "FLAIR", Site(), person)
    cube = cube_grid(lesions.fraction, anatomy.box_grid, spacing)
    rest = np.eye(4)
    image = add_noise(generator, sample(ideal, anatomy.grid, cube, rest), NOISE)
    brain = sample_box(anatomy.brain.astype(np.float32), anatomy.box_grid, cube, rest) >= 0.5
    labels = sample_box(lesions.fraction, anatomy.box_grid, cube, rest) >= 0.5
    scores = (image - image[brain].mean()) / image[brain].std()
    return np.where(brain, scores, 0)[None], labels & brain, brain, cube.affine


def cube_grid(lesions: np.ndarray, grid: Grid, spacing: Sequence[float]) -> Grid:
    """Return a cube around the place where lesions are densest, with voxels of a size."""
    place = ndimage.gaussian_filter(lesions, 6.0).argmax()
    middle = grid.affine @ [*np.unravel_index(place, lesions.shape), 1]
    shape = tuple(round(CUBE_MM / step) for step in spacing)
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = middle[:3] - (np.array(shape) - 1) / 2 * spacing
    return Grid(shape, affine)


def train(name: str, seed: int, store: CaseStore, folder: Path, changes: dict[str, Any]) -> Path:
    """Train a method at 1 mm and return its model file."""
    names = sorted(store.manifest["cases"])
    job = Job(
        name=name,
        store=store,
        training=names[:-VALIDATION],
        validation=names[-VALIDATION:],
        fold=0,
        seed=seed,
        run_folder=folder,
        checkpoint_folder=folder / "checkpoints" / "run" / "spec",
        device="cpu",
    )
    make(name, store, changes).train(job)
    return folder / "model.safetensors"


def make(name: str, store: CaseStore, changes: dict[str, Any]) -> Any:
    """Return a method of the study."""
    keys = {"method": name, **RECIPE, **METHODS[name], **changes}
    settings = plugins.method_settings(name).model_validate(keys)
    return load_method(settings, store.contrasts, store.classes)


def mean_dice(name: str, model: Path, store: CaseStore) -> float:
    """Return the mean Dice of a trained method over the cases of a store."""
    cases = sorted(store.manifest["cases"])
    method = make(name, store, {"patch_size": store.open(cases[0]).shape, "overlap": 0})
    method.load(model, "cpu", 1)
    scores = []
    for case in map(store.open, cases):
        found, truth = method.predict(case)[0] > 0.5, np.asarray(case.labels) == 1
        scores.append(2 * (found & truth).sum() / (found.sum() + truth.sum()))
    return fmean(map(float, scores))


def main() -> None:
    """Run the study and print its table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=RECIPE["epochs"])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        trained = range(TRAINING + VALIDATION)
        tested = range(TRAINING + VALIDATION, TRAINING + VALIDATION + TEST)
        store = write_store(folder / "training", SPACINGS["1 mm"], trained)
        tests = {
            title: write_store(folder / f"test-{number}", spacing, tested)
            for number, (title, spacing) in enumerate(SPACINGS.items())
        }
        print("| method | seed | " + " | ".join(tests) + " | lost |\n|---|---|---|---|---|")
        for name in METHODS:
            rows = []
            for seed in range(arguments.seeds):
                run = folder / f"{name}-{seed}"
                model = train(name, seed, store, run, {"epochs": arguments.epochs})
                scores = [mean_dice(name, model, test) for test in tests.values()]
                rows.append([*scores, scores[0] - scores[1]])
                print_row(name, str(seed), [f"{value:.3f}" for value in rows[-1]])
            spread = [f"{fmean(v):.3f} ± {stdev(v):.3f}" for v in zip(*rows, strict=True)]
            print_row(name, "mean", spread)


def print_row(name: str, seed: str, cells: Sequence[str]) -> None:
    """Print a row of the table."""
    print(f"| {name} | {seed} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
