"""What another voxel size at test time costs `resolution_adaptive` and `unet_native`.

Both are trained on FLAIR phantoms with voxels of 1 mm and tested on other phantoms at 1 mm and at
smaller or thicker voxels: the same heads, scanned again. The networks are small (15 channels,
three levels). Training draws patches of 36 mm from cubes around the densest lesions; validation
and test cubes are as large as a patch, because instance normalisation sees more lesion in a small
cube than in a large one, and each is predicted at once. The table has the mean Dice over the test
cases, and the mean and standard deviation over the seeds of the training.
"""

import argparse
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import ndimage

from mribench import plugins
from mribench.config import Site
from mribench.dataset.geometry import Grid
from mribench.dataset.phantoms.acquisition import Subject, ideal_image
from mribench.dataset.phantoms.anatomy import Anatomy, make_anatomy
from mribench.dataset.phantoms.deformation import draw_deformation
from mribench.dataset.phantoms.head import build_head
from mribench.dataset.phantoms.lesions import draw_lesions
from mribench.dataset.phantoms.mimics import draw_mimics
from mribench.dataset.phantoms.scanner import add_noise, sample, sample_box
from mribench.dataset.phantoms.sources import template_source
from mribench.methods.base import load_method
from mribench.training.job import Job
from mribench.training.store import CaseStore, write_case, write_manifest

SPACINGS = {
    "1 mm": (1.0, 1.0, 1.0),
    "0.5 x 0.5 x 1 mm": (0.5, 0.5, 1.0),
    "0.5 x 0.5 x 3 mm": (0.5, 0.5, 3.0),
}
TRAINED_AT = "1 mm"
CUBE_MM, PATCH_MM = 48, 36
TRAINING, VALIDATION, TEST = 8, 1, 6
RECIPE = {
    "variant": "native",
    "patch_size": (PATCH_MM,) * 3,
    "overlap": 0,
    "epochs": 8,
    "iterations": 50,
    "levels": 3,
    "learning_rate": 0.01,
    "schedule": "cosine",
    "monitor": "dice",
}
METHODS: dict[str, dict[str, Any]] = {
    "unet_native": {"width": 15},
    "resolution_adaptive": {"width": 1},
}
NOISE = 0.05


class Head(NamedTuple):
    """A head to be scanned: its FLAIR signal, what is known of it, and its number."""

    signal: np.ndarray
    anatomy: Anatomy
    lesions: np.ndarray
    number: int


def make_head(number: int) -> Head:
    """Return the head of a number."""
    generator = np.random.default_rng((7, number))
    source = template_source()
    age = float(generator.uniform(30, 85))
    deformation = draw_deformation(generator, source, age, 4.0)
    anatomy = make_anatomy(generator, source, deformation, age)
    lesions = draw_lesions(generator, anatomy, (5.0, 40.0))
    person = Subject(
        anatomy, lesions, draw_mimics(generator, anatomy), build_head(generator, anatomy)
    )
    signal = ideal_image(generator, "FLAIR", Site(), person)
    return Head(signal, anatomy, lesions.fraction, number)


def scan(head: Head, spacing: Sequence[float], size: int) -> tuple[np.ndarray, ...]:
    """Return z-scores (1, x, y, z), lesions, brain mask and affine of a cube of `size` mm."""
    anatomy, rest = head.anatomy, np.eye(4)
    cube = cube_grid(head.lesions, anatomy.box_grid, spacing, size)
    image = sample(head.signal, anatomy.grid, cube, rest)
    image = add_noise(np.random.default_rng((8, head.number)), image, NOISE)
    brain = sample_box(anatomy.brain.astype(np.float32), anatomy.box_grid, cube, rest) >= 0.5
    labels = sample_box(head.lesions, anatomy.box_grid, cube, rest) >= 0.5
    scores = (image - image[brain].mean()) / image[brain].std()
    return np.where(brain, scores, 0)[None], labels & brain, brain, cube.affine


def write_stores(
    folder: Path, titles: Sequence[str], sizes: Mapping[int, int]
) -> dict[str, CaseStore]:
    """Scan cubes of heads, in mm by the head's number, at voxel sizes; pack the scans of each."""
    cases: dict[str, dict[str, Any]] = {title: {} for title in titles}
    for head in map(make_head, sizes):
        name = f"sub-{head.number:02d}"
        for title in titles:
            images, labels, mask, affine = scan(head, SPACINGS[title], sizes[head.number])
            cases[title][name] = {
                **write_case(folder / title, name, images, labels, mask),
                "affine": affine.tolist(),
                "reference_label": name,
            }
    preprocessing = {"variant": {"intensity": {"method": "zscore"}}}
    stores = {}
    for title in titles:
        path = folder / title / "manifest.json"
        write_manifest(path, "native", ["FLAIR"], ["lesion"], cases[title], preprocessing)
        stores[title] = CaseStore(path)
    return stores


def cube_grid(lesions: np.ndarray, grid: Grid, spacing: Sequence[float], size: int) -> Grid:
    """Return a cube of `size` mm around the place where lesions are densest."""
    place = ndimage.gaussian_filter(lesions, 6.0).argmax()
    middle = grid.affine @ [*np.unravel_index(place, lesions.shape), 1]
    shape = tuple(round(size / step) for step in spacing)
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


class Study:
    """The scans, made once, and what a training gives on them."""

    def __init__(self, folder: Path, titles: Sequence[str] = tuple(SPACINGS)) -> None:
        trained = dict.fromkeys(range(TRAINING), CUBE_MM)
        trained |= dict.fromkeys(range(TRAINING, TRAINING + VALIDATION), PATCH_MM)
        tested = dict.fromkeys(range(len(trained), len(trained) + TEST), PATCH_MM)
        self.folder = folder
        self.store = write_stores(folder / "training", [TRAINED_AT], trained)[TRAINED_AT]
        self.tests = write_stores(folder / "tests", titles, tested)

    def row(self, name: str, seed: int, changes: dict[str, Any]) -> dict[str, Any]:
        """Train a method; return the processor seconds of it and its Dice at each voxel size."""
        began = time.process_time()
        model = train(name, seed, self.store, self.folder / f"{name}-{seed}", changes)
        seconds = round(time.process_time() - began)
        scores = {
            title: round(mean_dice(name, model, test), 4) for title, test in self.tests.items()
        }
        return {"method": name, "seed": seed, "training_cpu_s": seconds, **scores}


def add_row(row: dict[str, Any], table: Path) -> None:
    """Add a row to a CSV file, in place of an earlier one of the same training."""
    rows = pd.DataFrame([row])
    if table.exists():
        known = pd.read_csv(table)
        rows = pd.concat([known, rows]).drop_duplicates(["method", "seed"], keep="last")
    rows.sort_values(["method", "seed"], ascending=[False, True]).to_csv(table, index=False)


def print_table(rows: pd.DataFrame) -> None:
    """Print the Dice of each training, what it lost from 1 mm on, and means over the seeds."""
    others = [title for title in SPACINGS if title != TRAINED_AT]
    lost = [f"lost at {title}" for title in others]
    for title, name in zip(others, lost, strict=True):
        rows[name] = rows[TRAINED_AT] - rows[title]
    values = [*SPACINGS, *lost]
    print("| method | seed | " + " | ".join(values) + " |\n" + "|---" * (len(values) + 2) + "|")
    for name, group in rows.groupby("method", sort=False):
        for _, row in group.iterrows():
            cells = [f"{row[value]:.3f}" for value in values]
            print(f"| {name} | {row['seed']} | {' | '.join(cells)} |")
        cells = [f"{group[value].mean():.3f} ± {group[value].std():.3f}" for value in values]
        print(f"| {name} | mean ± sd | {' | '.join(cells)} |")


def main() -> None:
    """Run the study and print its table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--methods", nargs="+", choices=tuple(METHODS), default=tuple(METHODS))
    parser.add_argument("--table", type=Path, help="CSV file that the rows are added to")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        study = Study(Path(temporary))
        table = arguments.table or Path(temporary) / "rows.csv"
        for seed in arguments.seeds:
            for name in arguments.methods:
                add_row(study.row(name, seed, {}), table)
        print_table(pd.read_csv(table))


if __name__ == "__main__":
    main()
