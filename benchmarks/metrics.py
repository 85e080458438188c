"""Time, memory and numbers of segmentation metrics, ours and other tools', side by side.

Four parts, each in one run:

- ``speed``: one volume of 182 x 218 x 182 voxels of 1 mm with 200 lesions, and a prediction of
  it. Our side scores all that the presets metrics_reloaded and panoptic name: Dice, IoU, HD95,
  MASD, ASSD, surface distance within 1 mm, lesion recall, lesion F1, and panoptic, segmentation
  and recognition quality. MONAI gives the overlap and surface numbers of it, panoptica the
  lesion numbers; surface-distance, seg-metrics and medpy give some of them.
- ``numbers``: what each tool says about that volume, or about the two masks given.
- ``conventions``: one prediction under every preset, and its HD95 with four kinds of border.
  Without a prediction the reference is moved by a voxel, cleaned of a third of its smaller
  lesions and given small false ones.
- ``study``: 1,000 cases x 10 methods aggregated, compared and rendered by the study's scripts.

Every tool runs in its own process on the same arrays. Seconds are medians over the repeats,
after a first call that is left out; memory is the peak of the process. A tool takes part where
it is installed: pip install monai surface-distance panoptica seg-metrics medpy nnunetv2.
"""

import argparse
import importlib.util
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from metric_tools import PACKAGES, TOOLS, Numbers

from mribench.files import read_image, write_json, write_table
from mribench.metrics.columns import LESION_SIZE_COLUMNS, METRIC_COLUMNS, VOLUME_COLUMNS

SHOWN = {
    "Dice": ("dice",),
    "lesion recall": ("lesion_recall", "lesion_tpr", "ltpr"),
    "lesion F1, or what stands for it": ("lesion_f1", "lesion_dice", "lesionwise_dice", "rq"),
    "HD95 (mm)": ("hd95",),
    "ASSD (mm)": ("assd",),
}

TOGETHER = ("MONAI", "surface-distance", "panoptica")


def make_masks() -> tuple[np.ndarray, np.ndarray]:
    """Return a brain-sized volume with 200 balls and a prediction that misses and invents some."""
    random = np.random.default_rng(3)
    masks = np.zeros((2, 182, 218, 182), bool)
    ball = np.sum((np.indices((17, 17, 17)) - 8) ** 2, axis=0)
    for place, centre in enumerate(random.integers(15, (150, 190, 150), size=(210, 3))):
        radius = min(random.lognormal(1.1, 0.5), 8)
        box = tuple(slice(c, c + 17) for c in centre)
        if place < 200:
            masks[0][box] |= ball <= radius**2
        if place >= 10:
            moved = tuple(slice(c + s, c + s + 17) for c, s in zip(centre, (1, 0, 0), strict=True))
            masks[1][moved] |= ball <= (radius * random.uniform(0.8, 1.1)) ** 2
    return masks[0], masks[1]


def load_masks(arguments: argparse.Namespace) -> tuple[np.ndarray, np.ndarray, tuple[float, ...]]:
    """Return reference and prediction, given or made, and their spacing in mm."""
    if not arguments.reference:
        return *make_masks(), (1.0, 1.0, 1.0)
    image = read_image(arguments.reference)
    reference = np.asarray(image.dataobj) == 1
    spacing = tuple(float(size) for size in image.header.get_zooms()[:3])
    if not arguments.prediction:
        return reference, perturb(reference), spacing
    return reference, np.asarray(read_image(arguments.prediction).dataobj) == 1, spacing


def measure(arguments: argparse.Namespace) -> dict[str, object]:
    """Time one tool in this process."""
    tool, data = TOOLS[arguments.tool], load_masks(arguments)
    seconds = []
    numbers: Numbers = {}
    for _ in range(arguments.repeats + 1):
        started = time.perf_counter(), time.process_time()
        numbers = tool(*data)
        seconds.append((time.perf_counter() - started[0], time.process_time() - started[1]))
    wall, cpu = (statistics.median(column) for column in zip(*seconds[1:], strict=True))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "tool": arguments.tool,
        "wall": wall,
        "cpu": cpu,
        "mib": peak,
        "numbers": {name: float(value) for name, value in numbers.items()},
    }


def on_one_thread() -> dict[str, str]:
    """Return the environment of a job: one thread, and this copy of the package first."""
    places = filter(None, (os.getcwd(), os.environ.get("PYTHONPATH")))
    threads = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMBA")}
    return {**os.environ, **threads, "PYTHONPATH": os.pathsep.join(places)}


def in_own_process(name: str, arguments: argparse.Namespace) -> dict[str, object]:
    """Run one tool in a process of its own, on one thread."""
    command = [sys.executable, __file__, "speed", "--tool", name]
    command += ["--repeats", str(arguments.repeats)]
    if arguments.reference:
        command += ["--reference", arguments.reference]
    if arguments.prediction:
        command += ["--prediction", arguments.prediction]
    run = subprocess.run(command, capture_output=True, text=True, env=on_one_thread())
    if run.returncode:
        return {"tool": name, "failed": run.stderr.strip().splitlines()[-1]}
    return dict(json.loads(run.stdout.splitlines()[-1]))


def compare_tools(arguments: argparse.Namespace) -> None:
    """Print the speed or the numbers of all tools that are installed."""
    results = {}
    for name in arguments.tools:
        if importlib.util.find_spec(PACKAGES[name]) is None:
            print(f"{name}: not installed", file=sys.stderr)
            continue
        found = in_own_process(name, arguments)
        if "failed" in found:
            print(f"{name}: {found['failed']}", file=sys.stderr)
        else:
            results[name] = found
            print(f"{name}: {found['cpu']:.2f} s", file=sys.stderr, flush=True)
    ours = results["mribench"]
    if arguments.part == "speed":
        print("| tool | numbers | seconds | processor seconds | MiB | against mribench |")
        print("| :--- | ---: | ---: | ---: | ---: | ---: |")
        for name, found in results.items():
            print(
                f"| {name} | {len(found['numbers'])} | {found['wall']:.2f} | {found['cpu']:.2f} | "
                f"{found['mib']:.0f} | {found['cpu'] / ours['cpu']:.1f} |"
            )
        if set(TOGETHER) <= results.keys():
            cpu = sum(results[name]["cpu"] for name in TOGETHER)
            print(f"\n{' + '.join(TOGETHER)}: {cpu / ours['cpu']:.1f} times mribench")
        return
    names = list(ours["numbers"])
    print("| tool | " + " | ".join(names) + " |")
    print("| :--- |" + " ---: |" * len(names))
    for name, found in results.items():
        cells = [f"{found['numbers'][key]:.4f}" if key in found["numbers"] else "" for key in names]
        print(f"| {name} | " + " | ".join(cells) + " |")


def perturb(reference: np.ndarray) -> np.ndarray:
    """Return a prediction that is moved, misses every third lesion and invents small ones."""
    from scipy import ndimage

    random = np.random.default_rng(0)
    lesions, number = ndimage.label(reference, np.ones((3, 3, 3)))
    sizes = np.bincount(lesions.ravel(), minlength=number + 1)
    kept = (random.permutation(number + 1) % 3 > 0) | (sizes > 500)
    moved = np.roll(reference & kept[lesions], (1, 1, 0), axis=(0, 1, 2))
    seeds = reference & (random.random(reference.shape) > 0.99)
    false = ndimage.binary_dilation(np.roll(seeds, (9, -9, 3), axis=(0, 1, 2)))
    return np.asarray(moved | (false & ~reference))


def compare_conventions(arguments: argparse.Namespace) -> None:
    """Print Dice, lesion F1 and HD95 of one prediction by preset and by border."""
    from mribench.metrics import surface
    from mribench.metrics.conventions import Surface, load_preset
    from mribench.metrics.score import score_case
    from mribench.plugins import presets

    reference, prediction, spacing = load_masks(arguments)
    print("| preset | " + " | ".join(SHOWN) + " |")
    print("| :--- |" + " ---: |" * len(SHOWN))
    labels = [mask.astype(np.uint8) for mask in (reference, prediction)]
    for name in presets():
        scores = score_case(*labels, spacing, load_preset(name), {"lesion": 1})
        found = {score.metric: score.value for score in scores}
        cells = [
            next((found[key] for key in keys if key in found), None) for keys in SHOWN.values()
        ]
        shown = ["" if cell is None else f"{cell:.3f}" for cell in cells]
        print(f"| `{name}` | " + " | ".join(shown) + " |")
    print("\n| border | HD95 of the larger direction (mm) | of both pooled (mm) |")
    print("| :--- | ---: | ---: |")
    for neighbourhood in ("in_plane", 6, 18, 26):
        rule = Surface(neighbourhood=neighbourhood)
        distances = surface.border_distances(reference, prediction, spacing, rule)
        ways = [surface.hausdorff(distances, 95, way) for way in ("larger", "pooled")]
        print(f"| {neighbourhood} | {ways[0]:.2f} | {ways[1]:.2f} |")


def make_runs(study: Path, methods: int, cases: int) -> str:
    """Write the tables of one run per method and of the scans; return the spec of the runs."""
    random = np.random.default_rng(0)
    names = ("dice", "hd95", "avd", "lesion_recall", "lesion_f1")
    for method in range(methods):
        keys = {"method": f"m{method:02}", "fold": 0, "seed": 0}
        folder = study / "runs" / f"m{method:02}" / "fold-0_seed-0"
        metrics, volumes, sizes = [], [], []
        for case in range(cases):
            name = f"sub-{case:04}"
            person = {"case": name, "subject": name, "site": f"site{case % 2}"}
            shared = {**keys, **person, "label": "lesion", "preset": "wmh2017"}
            for metric in names:
                value = round(float(random.beta(8 + method / 10, 3)), 10)
                metrics.append({**shared, "metric": metric, "value": value, "note": ""})
            load = float(random.lognormal(1.5, 1))
            volumes.append({**shared, "reference_ml": load, "prediction_ml": load * 1.1})
            counts = dict.fromkeys(("reference", "found", "predicted", "true"), 3)
            for low, high in ((0, 10), (10, 100), (100, 1000), (1000, None)):
                sizes.append({**shared, **counts, "low_mm3": low, "high_mm3": high})
        write_table(folder / "metrics.csv", metrics, METRIC_COLUMNS)
        write_table(folder / "volumes.csv", volumes, VOLUME_COLUMNS)
        write_table(folder / "lesion_sizes.csv", sizes, LESION_SIZE_COLUMNS)
        write_json(folder / "cost.json", {"parameters": 1000, "seconds": 1.0})
        write_json(folder / "predictions.json", {})
    loads = random.lognormal(1.5, 1, cases)
    scan = {"contrast": "FLAIR", "labels_contrast": "FLAIR", "spacing": "1x1x1"}
    scans = [scan | {"case": f"sub-{case:04}", "load_ml": load} for case, load in enumerate(loads)]
    write_table(study / "dataset/scans.tsv", scans, list(scans[0]))
    return json.dumps(
        {"methods": [f"m{method:02}" for method in range(methods)], "folds": [0], "seeds": [0]}
    )


def run_study(arguments: argparse.Namespace) -> None:
    """Print seconds and memory of every step from the runs' tables to the rendered ones."""
    with tempfile.TemporaryDirectory() as folder:
        study = Path(folder)
        spec = make_runs(study, arguments.methods, arguments.cases)
        steps = {
            "aggregate_metrics": ("--spec", spec, "--metrics=metrics.csv", "--costs=costs.csv"),
            "compare_methods": (
                "--metrics=metrics.csv",
                "--scans=dataset/scans.tsv",
                "--ranking=ranking.csv",
            ),
            "assess_agreement": (
                "--volumes=volumes.csv",
                "--lesion-sizes=lesion_sizes.csv",
                "--agreement=agreement.csv",
                "--detection=detection.csv",
            ),
            "render_tables": (
                "--ranking=ranking.csv",
                "--costs=costs.csv",
                "--agreement=agreement.csv",
                "--detection=detection.csv",
                "--output=tables/leaderboard.csv",
            ),
        }
        print("| step | seconds | processor seconds | MiB |")
        print("| :--- | ---: | ---: | ---: |")
        total = np.zeros(2)
        for name, options in steps.items():
            wall, cpu, peak = run_script(name, options, study)
            total += wall, cpu
            print(f"| {name} | {wall:.1f} | {cpu:.1f} | {peak:.0f} |", flush=True)
        print(f"| all | {total[0]:.1f} | {total[1]:.1f} | |")


def run_script(name: str, options: tuple[str, ...], folder: Path) -> tuple[float, float, float]:
    """Run a script of the workflow; return its wall and processor seconds and its peak in MiB."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", f"scripts.{name}", *options], cwd=folder, env=on_one_thread()
    )
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{name} failed")
    wall = time.perf_counter() - started
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main() -> None:
    """Run one part."""
    made = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("part", choices=("speed", "numbers", "conventions", "study"))
    made.add_argument("--repeats", type=int, default=5, help="calls per tool (default: 5)")
    made.add_argument("--reference", help="image with value 1 in the lesions")
    made.add_argument("--prediction", help="image with value 1 in the predicted lesions")
    made.add_argument("--cases", type=int, default=1000, help="cases of the study")
    made.add_argument("--methods", type=int, default=10, help="methods of the study")
    made.add_argument("--tools", nargs="+", choices=tuple(TOOLS), default=tuple(TOOLS))
    made.add_argument("--tool", choices=tuple(TOOLS), help=argparse.SUPPRESS)
    arguments = made.parse_args()
    if arguments.tool:
        print(json.dumps(measure(arguments)))
    elif arguments.part == "study":
        run_study(arguments)
    elif arguments.part == "conventions":
        compare_conventions(arguments)
    else:
        compare_tools(arguments)


if __name__ == "__main__":
    main()
