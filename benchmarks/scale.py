"""How planning grows with the number of subjects: seconds and memory of Snakemake itself.

``python benchmarks/scale.py --subjects 10 100 500 2000`` makes, for each number, a study of 10
methods x 5 folds x 3 seeds over a BIDS folder of empty files with an index of fake scans. It
times ``snakemake --dry-run``, then puts an empty file in the place of every output, lets
Snakemake record them as made (``--touch``), and times the check that nothing is to be done.
Prints a Markdown table.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from mribench.dataset.index import SCAN_COLUMNS
from mribench.files import write_table

ROOT = Path(__file__).parent.parent
METHODS, FOLDS, SEEDS = 10, 5, 3
CONTRASTS = ("T1w", "FLAIR")


class Timing(NamedTuple):
    """What one call of Snakemake took and said."""

    seconds: float
    megabytes: float
    output: str


def make_study(folder: Path, subjects: int) -> None:
    """Write the data set of empty files, its index and the configuration."""
    rows = []
    for number in range(subjects):
        case = f"sub-{number:05d}"
        label = f"derivatives/manual/{case}/anat/{case}_label-lesion_mask.nii.gz"
        for path in (*(f"{case}/anat/{case}_{name}.nii.gz" for name in CONTRASTS), label):
            file = folder / "bids" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()
        rows += [make_row(case, contrast, label, number) for contrast in CONTRASTS]
    dataset = folder / "results" / "scale" / "dataset"
    dataset.mkdir(parents=True)
    write_table(dataset / "scans.tsv", rows, list(rows[0]))
    (dataset / "scans.json").write_text("{}")
    (folder / "study.json").write_text(json.dumps(make_config(folder)))


def make_row(case: str, contrast: str, label: str, number: int) -> dict[str, object]:
    """Return one row of the index."""
    return {
        **dict.fromkeys(SCAN_COLUMNS, "n/a"),
        "case": case,
        "subject": case,
        "site": f"site{number % 4}",
        "age": 50,
        "contrast": contrast,
        "path": f"{case}/anat/{case}_{contrast}.nii.gz",
        "shape": "192x224x192",
        "spacing": "1x1x1",
        "orientation": "RAS",
        "checksum": f"{number:060x}{contrast[:4]:>4}".replace(" ", "0"),
        "labels": label,
        "labels_contrast": "FLAIR",
        "labels_checksum": f"{number:064x}",
        "load_ml": 0.3 + number % 50,
    }


def make_config(folder: Path) -> dict[str, object]:
    """Return the study: one variant, ten entries of the U-Net."""
    return {
        "study": "scale",
        "dataset": {"source": str(folder / "bids"), "contrasts": list(CONTRASTS)},
        "variants": {"native": {}},
        "methods": {
            f"unet{n}": {"method": "unet2d", "variant": "native", "width": 8 + n}
            for n in range(METHODS)
        },
        "protocol": {"split": {"folds": FOLDS}, "seeds": list(range(SEEDS))},
    }


def run(folder: Path, *arguments: str) -> Timing:
    """Call Snakemake on the study in `folder`."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile"]
    command += ["--directory", folder, "--configfile", folder / "study.json", "--cores", "2"]
    before = time.perf_counter()
    with subprocess.Popen(
        [str(part) for part in (*command, *arguments)],
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        output = process.stdout.read() if process.stdout else ""
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(output[-3000:])
    return Timing(time.perf_counter() - before, usage.ru_maxrss / 1024, output)


def count_jobs(output: str) -> int:
    """Return the number of jobs that a dry run would run."""
    found = re.search(r"^total +(\d+)", output, re.M)
    return int(found[1]) if found else 0


def make_outputs(folder: Path) -> None:
    """Make an empty file for every output that the study lacks."""
    listed = run(folder, "--dry-run", "--summary").output
    for line in listed.splitlines():
        name = line.split("\t")[0]
        file = folder / name
        if name.startswith("results/") and not file.exists():
            is_file = "." in file.name
            (file.parent if is_file else file).mkdir(parents=True, exist_ok=True)
            if is_file:
                file.touch()


def measure(subjects: int, checked: bool) -> str:
    """Return one row of the table."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        make_study(folder, subjects)
        planned = run(folder, "--dry-run", "--quiet", "rules")
        row = [subjects, count_jobs(planned.output), *shown(planned)]
        if checked:
            make_outputs(folder)
            run(folder, "--touch", "--quiet", "all")
            done = run(folder)
            if "Nothing to be done" not in done.output:
                raise SystemExit(f"something was left to do:\n{done.output[-3000:]}")
            row += shown(done)
    return "| " + " | ".join(map(str, row)) + " |"


def shown(timing: Timing) -> list[str]:
    """Return seconds and gigabytes for the table."""
    return [f"{timing.seconds:.1f}", f"{timing.megabytes / 1024:.2f}"]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subjects", type=int, nargs="+", default=[10, 100, 500, 1000, 2000])
    parser.add_argument("--plan-only", action="store_true", help="leave the second check out")
    arguments = parser.parse_args()
    head = ["subjects", "jobs", "plan, s", "plan, GB"]
    head += [] if arguments.plan_only else ["nothing to do, s", "nothing to do, GB"]
    print("| " + " | ".join(head) + " |\n|" + "---|" * len(head))
    for number in arguments.subjects:
        print(measure(number, not arguments.plan_only), flush=True)


if __name__ == "__main__":
    main()
