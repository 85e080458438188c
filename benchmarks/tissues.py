"""Time, memory and agreement of tissue segmentations, side by side on one T1-weighted image.

Every tool runs in its own process and is given the same arrays; what is timed is the whole
function from image and mask to labels, probability maps and, where the tool makes them,
partial volumes. Wall and processor seconds are medians over the repeats; the first call of a
process (compiled code loaded, caches cold) stands apart. Memory is the peak of the process.
Agreement is Dice with a FAST segmentation (1 CSF, 2 GM, 3 WM) inside its mask. dipy takes part
where it is installed.
"""

import argparse
import importlib.util
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from mribench.files import read_image

TOOLS = ("hmrf", "hmrf without bias field", "Atropos", "dipy")
PACKAGES = {"Atropos": "ants", "dipy": "dipy"}
Segmenter = Callable[[np.ndarray, np.ndarray], np.ndarray]


def hmrf(spacing: np.ndarray, threads: int, bias: bool) -> Segmenter:
    """Return our own segmentation, partial volumes and bias field included."""
    from mribench.preprocessing.hmrf.segmentation import Options, segment

    def run(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
        found = segment([image], mask, spacing, Options(bias=bias), threads)
        found.partial_volumes()
        return np.where(mask, 1 + found.probabilities().argmax(axis=0), 0)

    return run


def atropos(spacing: np.ndarray) -> Segmenter:
    """Return antspyx's Atropos: k-means start, MRF weight 0.1, 5 iterations."""
    import ants

    def run(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
        given = ants.from_numpy(image, spacing=spacing.tolist())
        inside = ants.from_numpy(mask.astype(np.float32), spacing=spacing.tolist())
        found = ants.atropos(a=given, x=inside, i="KMeans[3]", m="[0.1,1x1x1]", c="[5,0]")
        return found["segmentation"].numpy()

    return run


def dipy() -> Segmenter:
    """Return dipy's segmentation: beta 0.1, 20 iterations."""
    from dipy.segment.tissue import TissueClassifierHMRF

    classifier = TissueClassifierHMRF(verbose=False)

    def run(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
        return classifier.classify(image.astype(float), 3, 0.1, max_iter=20)[1] * mask

    return run


def make_tool(name: str, spacing: np.ndarray, threads: int) -> Segmenter:
    """Return a tool by its name in `TOOLS`."""
    if name == "dipy":
        return dipy()
    return atropos(spacing) if name == "Atropos" else hmrf(spacing, threads, name == "hmrf")


def measure(arguments: argparse.Namespace) -> dict[str, object]:
    """Time one tool in this process."""
    image = read_image(arguments.image)
    array = np.maximum(np.asarray(image.dataobj, dtype=np.float32), 0)
    mask = array > 0
    spacing = np.linalg.norm(image.affine[:3, :3], axis=0)
    tool = make_tool(arguments.tool, spacing, arguments.threads)
    wall, processor = [], []
    for _ in range(arguments.repeats + 1):
        start, used = time.perf_counter(), time.process_time()
        labels = tool(array, mask)
        wall.append(time.perf_counter() - start)
        processor.append(time.process_time() - used)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return {
        "first": wall[0],
        "wall": float(np.median(wall[1:])),
        "processor": float(np.median(processor[1:])),
        "peak": peak,
        "dice": agreement(labels, arguments.reference),
    }


def agreement(labels: np.ndarray, reference: Path | None) -> list[float]:
    """Return Dice of labels 1, 2, 3 with the reference inside its mask."""
    if reference is None:
        return []
    truth = np.asanyarray(read_image(reference).dataobj)
    labels = np.where(truth > 0, labels, 0)
    return [
        float(2 * np.sum((labels == k) & (truth == k)) / (np.sum(labels == k) + np.sum(truth == k)))
        for k in (1, 2, 3)
    ]


def run_tool(name: str, arguments: argparse.Namespace) -> dict[str, object] | None:
    """Measure a tool in a process of its own; None where it is not installed."""
    package = PACKAGES.get(name)
    if package and importlib.util.find_spec(package) is None:
        print(f"{name} is left out: pip install {package}", file=sys.stderr)
        return None
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder, "result.json")
        own = [sys.executable, __file__, *sys.argv[1:], "--tool", name, "--result", str(result)]
        threads = {"ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS": str(arguments.threads)}
        subprocess.run(own, check=True, env={**os.environ, **threads}, stdout=subprocess.DEVNULL)
        return json.loads(result.read_text())


def print_table(results: dict[str, dict]) -> None:
    """Print a Markdown table; speed is relative to hmrf."""
    print("| tool | seconds | processor seconds | first call | peak GB | Dice CSF / GM / WM |")
    print("|---|---|---|---|---|---|")
    base = results["hmrf"]["wall"]
    for name, found in results.items():
        dice = " / ".join(f"{value:.3f}" for value in found["dice"])
        factor = f" ({found['wall'] / base:.1f} x)" if name != "hmrf" else ""
        print(
            f"| {name} | {found['wall']:.2f}{factor} | {found['processor']:.2f} | "
            f"{found['first']:.2f} | {found['peak']:.2f} | {dice} |"
        )


def main() -> None:
    """Measure all tools, or the one that ``--tool`` names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--image", type=Path, required=True, help="skull-stripped T1w")
    parser.add_argument("--reference", type=Path, help="labels of FAST on the same grid")
    parser.add_argument("--repeats", type=int, default=5, help="calls after the first")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--tools", nargs="+", choices=TOOLS, default=TOOLS)
    parser.add_argument("--tool", choices=TOOLS, help=argparse.SUPPRESS)
    parser.add_argument("--result", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.tool:
        arguments.result.write_text(json.dumps(measure(arguments)))
        return
    results = {name: run_tool(name, arguments) for name in arguments.tools}
    print_table({name: found for name, found in results.items() if found})


if __name__ == "__main__":
    main()
