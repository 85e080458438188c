"""Time, memory and truth of a whole preprocessing chain, ours against one of public defaults.

N4 of a T1w and a FLAIR, skull strip, FLAIR to T1w, brain to MNI152, tissues: by the stages of
mribench with their defaults, by the same with the other chain's strip, deepbet alone, and by
antspyx's and dipy's functions with theirs and deepbet. All chains read and write the same files,
and run in a process of their own. The phantom's truth says which agrees better. Seconds are
medians over the repeats; processor seconds stand beside them because they hold on a busy machine
too. `tissues.py` compares the tissue segmentations alone.

``python benchmarks/preprocessing.py phantoms sub-01`` prints two Markdown tables.
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
from functools import partial
from pathlib import Path

import numpy as np

from mribench.config import Strip
from mribench.dataset.geometry import Grid
from mribench.files import make_image, read_image, write_image
from mribench.preprocessing.transforms import mean_distance, points_of, read_affine

STAGES = ("N4", "strip", "FLAIR to T1w", "to MNI152", "tissues")
Chain = dict[str, Callable[[], None]]


def own_chain(inputs: dict[str, Path], folder: Path, threads: int, backend: str) -> Chain:
    """Return the stages of mribench, the strip by `backend`; outputs go to `folder`."""
    from mribench.config import Bias, Register, Template, Tissues
    from mribench.memory import keep_freed_memory
    from mribench.preprocessing.correct_bias import correct_image
    from mribench.preprocessing.register_to_reference import register_pair
    from mribench.preprocessing.register_to_template import register_brain
    from mribench.preprocessing.segment_tissues import segment_image
    from mribench.preprocessing.strip_skull import strip_image

    keep_freed_memory()
    names = {key: folder / f"sub-01_desc-biascorrected_{key}.nii.gz" for key in inputs}
    mask, labels = folder / "sub-01_mask.nii.gz", folder / "sub-01_dseg.nii.gz"
    maps = [folder / f"sub-01_label-{tissue}_probseg.nii.gz" for tissue in ("GM", "WM", "CSF")]

    def correct() -> None:
        for key, path in inputs.items():
            correct_image(path, names[key], folder / f"sub-01_{key}.nii.gz", Bias(), threads)

    def register() -> None:
        out = folder / "sub-01_rigid.txt", folder / "sub-01_rigid_inverse.txt"
        register_pair(names["FLAIR"], names["T1w"], *out, Register(), threads)

    def normalise() -> None:
        out = folder / "sub-01_affine.txt", folder / "sub-01_affine_inverse.txt"
        register_brain(names["T1w"], mask, *out, Template(), threads)

    def segment() -> None:
        table = folder / "sub-01_dseg.tsv"
        segment_image(names["T1w"], mask, labels, maps, table, "T1w", Tissues(), threads)

    def strip() -> None:
        strip_image(names["T1w"], mask, Strip(backend=backend), threads)

    return dict(zip(STAGES, (correct, strip, register, normalise, segment), strict=True))


def public_chain(inputs: dict[str, Path], folder: Path, threads: int) -> Chain:
    """Return the same stages by antspyx, deepbet and dipy; outputs go to `folder`."""
    import ants
    from dipy.segment.tissue import TissueClassifierHMRF

    from mribench.preprocessing.ants_images import read_ants_affine
    from mribench.preprocessing.backends.strip_skull_deepbet import find_brain
    from mribench.preprocessing.template import load_template
    from mribench.preprocessing.transforms import write_affine

    names = {key: folder / f"sub-01_desc-biascorrected_{key}.nii.gz" for key in inputs}
    mask = folder / "sub-01_mask.nii.gz"

    def correct() -> None:
        for key, path in inputs.items():
            corrected = ants.n4_bias_field_correction(ants.image_read(str(path)))
            ants.image_write(corrected, str(names[key]))

    def strip() -> None:
        image = read_image(names["T1w"])
        write_image(mask, make_image(find_brain(image, Strip(), threads), image.affine))

    def register() -> None:
        pair = [ants.image_read(str(names[key])) for key in ("T1w", "FLAIR")]
        found = ants.registration(*pair, type_of_transform="Rigid")
        write_affine(folder / "sub-01_rigid.txt", read_ants_affine(found["fwdtransforms"][0]))

    def normalise() -> None:
        brain = ants.image_read(str(names["T1w"])) * ants.image_read(str(mask))
        write_image(folder / "template.nii.gz", load_template(1)[0])
        template = ants.image_read(str(folder / "template.nii.gz"))
        ants.registration(template, brain, type_of_transform="Affine")

    def segment() -> None:
        image, inside = (read_image(path) for path in (names["T1w"], mask))
        brain = np.asarray(image.dataobj, float) * (np.asanyarray(inside.dataobj) > 0)
        classifier = TissueClassifierHMRF(verbose=False)
        _, found, shares = classifier.classify(brain, 3, 0.1, max_iter=20)
        labels = np.array([0, 3, 1, 2], np.uint8)[found.astype(int)]
        write_image(folder / "sub-01_dseg.nii.gz", make_image(labels, image.affine))
        for number in range(3):
            share = make_image(shares[..., number].astype(np.float32), image.affine)
            write_image(folder / f"sub-01_label-{number}_probseg.nii.gz", share)

    return dict(zip(STAGES, (correct, strip, register, normalise, segment), strict=True))


CHAINS = {
    "mribench": partial(own_chain, backend="consensus"),
    "mribench, strip: deepbet": partial(own_chain, backend="deepbet"),
    "antspyx and dipy": public_chain,
}


def agreement(folder: Path, root: Path, subject: str) -> dict[str, float]:
    """Return how well the outputs in `folder` meet the phantom's truth."""
    truth = root / "derivatives/truth" / subject / "anat"

    def array(path: Path) -> np.ndarray:
        return np.asanyarray(read_image(path).dataobj)

    mask = array(folder / "sub-01_mask.nii.gz") > 0
    true_mask = array(truth / f"{subject}_space-T1w_desc-brain_mask.nii.gz") > 0
    labels = array(folder / "sub-01_dseg.nii.gz")
    true_labels = array(truth / f"{subject}_space-T1w_dseg.nii.gz")
    result = {"brain Dice": dice(mask, true_mask)}
    for number, tissue in enumerate(("GM", "WM", "CSF"), start=1):
        result[f"{tissue} Dice"] = dice(labels == number, true_labels == number)
    image = read_image(root / subject / "anat" / f"{subject}_T1w.nii.gz")
    points = points_of(image, true_mask)[:, ::100]
    true = np.linalg.inv(read_affine(truth / f"{subject}_from-T1w_to-FLAIR_mode-image_xfm.txt"))
    found = read_affine(folder / "sub-01_rigid.txt")
    return {**result, "FLAIR to T1w, mm": mean_distance(found, true, points)}


def dice(first: np.ndarray, second: np.ndarray) -> float:
    """Return the Dice coefficient of two boolean arrays."""
    return float(2 * (first & second).sum() / (first.sum() + second.sum()))


def measure(arguments: argparse.Namespace) -> dict[str, object]:
    """Run one chain in this process; return seconds by stage, memory and agreement."""
    start = time.perf_counter()
    anatomy = arguments.phantoms / arguments.subject / "anat"
    raw = {key: anatomy / f"{arguments.subject}_{key}.nii.gz" for key in ("T1w", "FLAIR")}
    wall: dict[str, list[float]] = {stage: [] for stage in STAGES}
    used: dict[str, list[float]] = {stage: [] for stage in STAGES}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        inputs = {key: folder / f"sub-01_{key}_raw.nii.gz" for key in raw}
        for key, path in raw.items():
            image = read_image(path)
            array = np.asarray(image.dataobj, np.float32)
            write_image(inputs[key], make_image(array, Grid.of(image).affine))
        chain = CHAINS[arguments.chain](inputs, folder, arguments.threads)
        ready = time.perf_counter() - start
        for _ in range(arguments.repeats):
            for stage, run in chain.items():
                began, processor = time.perf_counter(), time.process_time()
                run()
                wall[stage].append(time.perf_counter() - began)
                used[stage].append(time.process_time() - processor)
        found = agreement(folder, arguments.phantoms, arguments.subject)
    return {
        "start": ready,
        "wall": {stage: float(np.median(values)) for stage, values in wall.items()},
        "processor": {stage: float(np.median(values)) for stage, values in used.items()},
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
        "agreement": found,
    }


def run_chain(name: str, arguments: argparse.Namespace) -> dict:
    """Measure a chain in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder, "result.json")
        own = [sys.executable, __file__, *sys.argv[1:], "--chain", name, "--result", str(result)]
        threads = {
            "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS": str(arguments.threads),
            "OMP_NUM_THREADS": str(arguments.threads),
            "ANTS_RANDOM_SEED": "1",
        }
        subprocess.run(own, check=True, env={**os.environ, **threads}, stdout=subprocess.DEVNULL)
        return json.loads(result.read_text())


def print_tables(results: dict[str, dict]) -> None:
    """Print seconds (processor seconds) by stage, then agreement and memory."""
    print(f"| stage | {' | '.join(results)} |\n|---|{'---|' * len(results)}")
    for stage in STAGES:
        cells = [f"{r['wall'][stage]:.1f} ({r['processor'][stage]:.1f})" for r in results.values()]
        print(f"| {stage} | {' | '.join(cells)} |")
    sums = [[sum(r[kind].values()) for kind in ("wall", "processor")] for r in results.values()]
    print(f"| all | {' | '.join(f'{wall:.1f} ({used:.1f})' for wall, used in sums)} |")
    print(f"\n| measure | {' | '.join(results)} |\n|---|{'---|' * len(results)}")
    for name in next(iter(results.values()))["agreement"]:
        cells = [f"{r['agreement'][name]:.3f}" for r in results.values()]
        print(f"| {name} | {' | '.join(cells)} |")
    peaks = [f"{found['peak']:.2f}" for found in results.values()]
    print(f"| peak memory, GB | {' | '.join(peaks)} |")


def main() -> None:
    """Measure all chains, or the one that ``--chain`` names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("phantoms", type=Path, help="BIDS data set of simulated phantoms")
    parser.add_argument("subject", help="such as sub-01")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--chain", choices=CHAINS, help=argparse.SUPPRESS)
    parser.add_argument("--result", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if importlib.util.find_spec("dipy") is None:
        sys.exit("The public chain needs dipy: pip install dipy")
    if arguments.chain:
        arguments.result.write_text(json.dumps(measure(arguments)))
        return
    print_tables({name: run_chain(name, arguments) for name in CHAINS})


if __name__ == "__main__":
    main()
