"""A finished study in miniature: every file that figures and report read, no training."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import ndimage

from mribench.config import Split, Study, load_study
from mribench.dataset.splits import SPLIT_COLUMNS, cases_of, make_splits
from mribench.files import (
    checksum,
    make_image,
    read_table,
    write_image,
    write_json,
    write_table,
)
from mribench.metrics.columns import LESION_SIZE_COLUMNS, VOLUME_COLUMNS
from mribench.metrics.runs import Run, Scoring, Tables, score_run
from mribench.report.remaking import make_tables
from mribench.statistics.collect import FAILURE_COLUMNS
from mribench.statistics.formats import write_tidy

TITLE = "Mini <script>alert('title')</script> & more"
SITES = ("B <img src=x onerror=alert(2)> &_%$", "A")
METHODS = ("flair_threshold", "unet2d", "scp")
QUALITY = {"flair_threshold": 0.75, "unet2d": 0.35, "scp": 0.2}
CASES = tuple(f"sub-{number:02d}" for number in range(1, 13))
SPACING = (3.0, 3.0, 4.0)
SHAPE = (56, 66, 40)
AFFINE = np.array([[3.0, 0, 0, -82], [0, 3, 0, -98], [0, 0, 4, -78], [0, 0, 0, 1]])
VOXEL_ML = 36 / 1000


@dataclass(frozen=True)
class FakeStudy:
    """Where the miniature stands."""

    folder: Path
    bids: Path


def random_for(*names: object) -> np.random.Generator:
    """A generator that depends on the names only."""
    text = "/".join(map(str, names)).encode()
    return np.random.default_rng(int.from_bytes(hashlib.sha256(text).digest()[:4], "big"))


def radius() -> np.ndarray:
    """Distance from the centre as a share of an egg-shaped brain's surface (shape SHAPE)."""
    axes = np.meshgrid(*(np.linspace(-1, 1, size) for size in SHAPE), indexing="ij")
    return np.sqrt((axes[0] / 0.8) ** 2 + (axes[1] / 0.88) ** 2 + (axes[2] / 0.8) ** 2)


def tissues() -> np.ndarray:
    """Labels 1 GM, 2 WM, 3 CSF of a folded egg with ventricles."""
    distance = radius()
    folds = ndimage.gaussian_filter(random_for("folds").normal(size=SHAPE), 1.6) * 1.1
    labels = np.zeros(SHAPE, np.uint8)
    labels[distance < 1] = 3
    labels[distance + folds * 0.6 < 0.93] = 1
    labels[distance + folds < 0.72] = 2
    ventricle = np.roll(distance, 3, axis=0) < 0.2
    labels[ventricle | np.roll(distance, -3, axis=0).__lt__(0.2)] = 3
    return labels


def lesions(case: str, empty: bool) -> np.ndarray:
    """A handful of blobs in the white matter, or nothing."""
    if empty:
        return np.zeros(SHAPE, bool)
    random = random_for(case, "lesions")
    field = ndimage.gaussian_filter(random.normal(size=SHAPE), 1.1)
    inside = (tissues() == 2) & (radius() < 0.6)
    share = random.uniform(0.004, 0.05)
    return inside & (field > np.quantile(field[inside], 1 - share * 2))


def predicted(case: str, method: str, reference: np.ndarray, seed: int) -> np.ndarray:
    """The reference with its borders eaten or grown, and a few false blobs."""
    random = random_for(case, method, seed)
    soft = ndimage.gaussian_filter(reference.astype(float), 0.8)
    field = ndimage.gaussian_filter(random.normal(size=SHAPE), 1.0)
    noisy = soft + QUALITY[method] * field * 1.2 * random.uniform(0.6, 1.4)
    return (noisy > 0.42) & (tissues() > 0)


def image(case: str, contrast: str, lesion: np.ndarray) -> np.ndarray:
    """A noisy picture with scalp and bias field."""
    levels = {"T1w": (0, 60, 95, 25, 40), "FLAIR": (0, 90, 70, 20, 125)}[contrast]
    labels = np.where(lesion, 4, tissues())
    picture = np.asarray(levels, float)[labels]
    distance = radius()
    picture[(distance > 1.08) & (distance < 1.22)] = 80
    bias = 1 + 0.2 * np.linspace(-1, 1, SHAPE[1])[None, :, None]
    noise = random_for(case, contrast).normal(0, 4, SHAPE)
    return np.clip(ndimage.gaussian_filter(picture, 0.5) * bias + noise, 0, None).astype("f4")


def dice(first: np.ndarray, second: np.ndarray) -> float | None:
    total = first.sum() + second.sum()
    return float(2 * (first & second).sum() / total) if total else None


def score(case: str, method: str, reference: np.ndarray, prediction: np.ndarray) -> dict:
    """Dice for real, the other metrics as plausible functions of it."""
    overlap = dice(reference, prediction)
    level = overlap or 0.0
    random = random_for(case, method, "score")
    empty = not reference.any()
    volumes = reference.sum(), prediction.sum()
    return {
        "dice": overlap,
        "hd95": None if empty else 3 + 40 * (1 - level) ** 2 + random.uniform(0, 3),
        "avd": None if empty else 100 * abs(int(volumes[0]) - int(volumes[1])) / volumes[0],
        "lesion_recall": 1.0 if empty else min(1.0, level + random.uniform(0, 0.2)),
        "lesion_f1": max(0.0, min(1.0, level + random.uniform(-0.1, 0.1))),
    }


def write_case(bids: Path, case: str, lesion: np.ndarray) -> list[dict]:
    """Write the images and the label of a case; return its rows of scans.tsv."""
    rows = []
    labels = f"derivatives/truth/{case}/anat/{case}_space-FLAIR_label-lesion_mask.nii.gz"
    write_image(bids / labels, make_image(lesion, AFFINE))
    for contrast in ("T1w", "FLAIR"):
        path = f"{case}/anat/{case}_{contrast}.nii.gz"
        write_image(bids / path, make_image(image(case, contrast, lesion), AFFINE))
        rows.append(
            {
                "case": case,
                "subject": case,
                "session": "n/a",
                "site": SITES[int(case[-2:]) % 2],
                "age": "n/a",
                "group": "<script>alert(1)</script>",
                "contrast": contrast,
                "path": path,
                "shape": "x".join(map(str, SHAPE)),
                "spacing": "x".join(f"{size:g}" for size in SPACING),
                "orientation": "RAS",
                "checksum": checksum(bids / path),
                "labels": labels,
                "labels_contrast": "FLAIR",
                "labels_checksum": checksum(bids / labels),
                "load_ml": round(float(lesion.sum()) * VOXEL_ML, 4),
            }
        )
    return rows


def write_run(
    folder: Path, method: str, fold: int, seed: int, truth: dict, tested: list[str]
) -> list[dict]:
    """Write predictions, history and provenance of one run; return its rows of metrics.csv."""
    run = folder / "runs" / method / f"fold-{fold}_seed-{seed}"
    rows, listing = [], {}
    for case in tested:
        prediction = predicted(case, method, truth[case], seed)
        path = f"predictions/{case}_dseg.nii.gz"
        write_image(run / path, make_image(prediction, AFFINE))
        listing[case] = {"path": path, "checksum": checksum(run / path), "seconds": 0.4}
        for metric, value in score(case, method, truth[case], prediction).items():
            rows.append(
                {
                    "method": method,
                    "fold": fold,
                    "seed": seed,
                    "case": case,
                    "subject": case,
                    "site": SITES[int(case[-2:]) % 2],
                    "label": "lesion",
                    "metric": metric,
                    "preset": "wmh2017",
                    "value": value,
                    "note": note_of(metric, value, truth[case]),
                }
            )
    write_json(run / "predictions.json", listing)
    write_json(run / "cost.json", {"parameters": 1})
    write_json(run / "intensity.json", {"method": "zscore"})
    write_json(run / "preprocessing.json", {"name": "native", "variant": {}, "dataset": {}})
    (run / "model.safetensors").write_bytes(random_for(method, fold, seed).bytes(64))
    write_history(run / "history.csv", method, fold, seed)
    write_json(
        run / "run.json",
        {
            "method": method,
            "host": "bench-01",
            "device": "cpu",
            "threads": 1,
            "seed": seed,
            "seconds": 61.5,
            "start": "2025-01-01T10:00:00+00:00",
            "end": "2025-01-01T10:01:01+00:00",
            "versions": {"python": "3.11.7", "torch": "2.13.0"},
        },
    )
    return rows


def note_of(metric: str, value: float | None, reference: np.ndarray) -> str:
    """Why a value is missing, or where the preset's rule gave it."""
    if value is None:
        return "reference empty"
    return "both empty" if metric == "lesion_recall" and not reference.any() else ""


def write_history(path: Path, method: str, fold: int, seed: int) -> None:
    """A learning curve, or the single row of a method without training."""
    if method == "flair_threshold":
        write_table(path, [{"threshold": 1.5, "dice": 0.5}], ["threshold", "dice"])
        return
    random = random_for(method, fold, seed, "history")
    epochs = np.arange(1, 31)
    loss = 1.2 * np.exp(-epochs / (8 + 3 * random.random())) + 0.25 + random.normal(0, 0.015, 30)
    overlap = (0.75 - QUALITY[method] / 3) * (1 - np.exp(-epochs / 7)) + random.normal(0, 0.015, 30)
    rows = [
        {"epoch": int(e), "train_loss": float(a), "validation_dice": float(b)}
        for e, a, b in zip(epochs, loss, overlap, strict=True)
    ]
    write_table(path, rows, ["epoch", "train_loss", "validation_dice"])


def make_study(root: Path, seeds: tuple[int, ...] = (0,)) -> FakeStudy:
    """Write the whole miniature under `root` and return where it stands."""
    folder = root / "results" / "mini"
    bids = folder / "dataset/bids"
    truth = {case: lesions(case, empty=case == "sub-12") for case in CASES}
    scans = [row for case in CASES for row in write_case(bids, case, truth[case])]
    write_table(folder / "dataset/scans.tsv", scans, list(scans[0]))
    splits = make_splits(read_table(folder / "dataset/scans.tsv"), Split(folds=3))
    write_table(folder / "dataset/splits.tsv", splits, SPLIT_COLUMNS)
    problem = {
        "case": "sub-13",
        "file": "sub-13/anat/sub-13_FLAIR.nii.gz",
        "found": "no FLAIR",
        "expected": "one FLAIR",
        "remedy": "add the image or drop the case",
        "action": "drop",
    }
    write_table(folder / "dataset/problems.tsv", [problem], list(problem))
    runs = [(m, f, s) for m in METHODS for f in range(3) for s in seeds]
    tested = {fold: cases_of(splits, fold, "test") for fold in range(3)}
    rows = [row for run in runs for row in write_run(folder, *run, truth, tested[run[1]])]
    write_tidy(folder / "metrics.csv", rows, list(rows[0]))
    write_costs(folder / "costs.csv", runs)
    write_table(folder / "failed_cases.tsv", [], FAILURE_COLUMNS)
    write_counts(folder, runs)
    write_statistics(folder)
    for case in CASES:
        write_review(folder, case)
        write_sidecars(folder, case)
    return FakeStudy(folder, bids)


def configuration() -> Study:
    """The configuration that the miniature claims to come from."""
    return load_study(
        {
            "study": "mini",
            "title": TITLE,
            "dataset": {"recipe": "phantoms"},
            "variants": {"native": {}},
            "methods": {name: {"variant": "native"} for name in METHODS},
            "protocol": {"split": {"folds": 3}},
        }
    )


def score_runs(folder: Path, runs: list[tuple]) -> dict[str, list[dict]]:
    """The rows of metrics, volumes and lesion sizes that follow from the predictions."""
    truths = {row["case"]: row for row in read_table(folder / "dataset/scans.tsv")}
    splits = read_table(folder / "dataset/splits.tsv")
    rows = {name: [] for name in Tables._fields}
    for method, fold, seed in runs:
        chosen = {case: truths[case] for case in cases_of(splits, fold, "test")}
        listing = folder / f"runs/{method}/fold-{fold}_seed-{seed}/predictions.json"
        run = Run(method, fold, seed)
        made = score_run(listing, run, chosen, folder / "dataset/bids", Scoring())
        for name, found in made._asdict().items():
            rows[name] += found
    return rows


def write_counts(folder: Path, runs: list[tuple]) -> None:
    """Write volumes.csv and lesion_sizes.csv."""
    rows = score_runs(folder, runs)
    write_table(folder / "volumes.csv", rows["volumes"], VOLUME_COLUMNS)
    write_table(folder / "lesion_sizes.csv", rows["lesion_sizes"], LESION_SIZE_COLUMNS)


def write_statistics(folder: Path) -> None:
    """Write statistics and tables as the workflow makes them."""
    make_tables(configuration(), folder, folder / "dataset/scans.tsv", folder)


def write_costs(path: Path, runs: list[tuple]) -> None:
    """One row per run."""
    rows = [
        {
            "method": method,
            "fold": fold,
            "seed": seed,
            "parameters": {"unet2d": 1_900_000, "scp": 2_100_000}.get(method, 1),
            "training_seconds": 60.0 + fold,
            "prediction_seconds_per_case": 0.4,
        }
        for method, fold, seed in runs
    ]
    write_table(path, rows, list(rows[0]))


def write_review(folder: Path, case: str) -> None:
    """What the review of a case leaves; the last case has a tiny brain."""
    random = random_for(case, "volumes")
    size = 600 if case == "sub-12" else random.normal(1400, 60)
    shares = {"GM": 0.48, "WM": 0.34, "CSF": 0.18}
    volumes = {name: size * random.normal(share, 0.01) for name, share in shares.items()}
    fit = {
        "from": "T1w",
        "to": "FLAIR",
        "region": "head",
        "overlap": 0.95,
        "information_before": 1.1,
        "information_after": 1.2 + random.normal(0, 0.005),
        "advantage": 1.4,
        "flaws": [],
    }
    record = {
        "case": case,
        "variant": "native",
        "volumes": {"brain": size, **volumes},
        "bias": {"T1w": {"low": 0.9, "high": 1.1}},
        "registrations": {"T1w": fit},
    }
    write_json(folder / "preproc/native" / case / "figures/review.json", record)


def write_sidecars(folder: Path, case: str, more: dict | None = None) -> None:
    """The sidecars of a case's preprocessing; `more` replaces some, by the end of their names."""
    n4 = ("N4BiasFieldCorrection", "antspyx", {"backend": "ants", "shrink": 4, "spline_mm": 200.0})
    rigid = ("antsRegistration", "antspyx", {"backend": "ants", "transform": "rigid"})
    tissues = ("hidden Markov random field", "mribench", {"backend": "hmrf", "mrf": 0.1})
    made = {
        "desc-conformed_T1w": ("conform_image", "mribench", {"clip": 0}),
        "desc-biascorrected_T1w": n4,
        "desc-biascorrected_FLAIR": n4,
        "space-T1w_desc-brain_mask": ("deepbet", "deepbet", {"backend": "deepbet"}),
        "from-T1w_to-FLAIR_mode-image_xfm": rigid,
        "space-T1w_dseg": tissues,
        "space-native_desc-preproc_T1w": ("normalise_intensity", "mribench", {"method": "zscore"}),
        **(more or {}),
    }
    for end, (software, package, parameters) in made.items():
        content = {
            "Sources": [],
            "Software": software,
            "SoftwarePackage": package,
            "SoftwareVersion": "7.8.9",
            "Parameters": parameters,
            "Threads": 3,
            **({"Seed": 17} if "from-" in end else {}),
        }
        write_json(folder / "preproc/native" / case / "anat" / f"{case}_{end}.json", content)


def write_splits(path: Path) -> None:
    """Three folds; the first case outside the test set is the validation set."""
    rows = []
    for fold in range(3):
        outside = [case for place, case in enumerate(CASES) if place % 3 != fold]
        for place, case in enumerate(CASES):
            role = "test" if place % 3 == fold else "train"
            role = "validation" if case == outside[0] else role
            rows.append({"fold": fold, "case": case, "subject": case, "role": role})
    write_table(path, rows, ["fold", "case", "subject", "role"])
