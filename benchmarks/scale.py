"""How planning grows with the number of subjects: seconds and memory of Snakemake itself.

``python benchmarks/scale.py --subjects 10 100 500 2000`` makes, for each number, a study of 10
methods x 5 folds x 3 seeds over a BIDS folder of empty files with an index of fake scans. It
times ``snakemake --dry-run``, then puts an empty file in the place of every output, lets
Snakemake record them as made (``--touch``), and times the check that nothing is to be done.
Prints a Markdown table; ``--table`` adds the rows to a CSV file and ``--figure`` draws all rows
of that file. CPU seconds tell more than seconds where others use the machine too.
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

import matplotlib.pyplot as plt
import pandas as pd

from mribench.dataset.index import SCAN_COLUMNS
from mribench.files import write_table

ROOT = Path(__file__).parent.parent
METHODS, FOLDS, SEEDS = 10, 5, 3
CONTRASTS = ("T1w", "FLAIR")
# Snakemake waits a tenth of a second before it touches the files of a job.
WITHOUT_WAITING = """
import sys
from snakemake.cli import main
from snakemake.executors import touch
touch.Executor.SLEEPING_TIME = 0
main(sys.argv[1:])
"""


COLUMNS = (
    "subjects",
    "jobs",
    *(f"{step}_{what}" for step in ("plan", "check") for what in ("s", "cpu_s", "gb")),
)


class Timing(NamedTuple):
    """What one call of Snakemake took and said."""

    seconds: float
    cpu_seconds: float
    gigabytes: float
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
    start = ["-c", WITHOUT_WAITING] if "--touch" in arguments else ["-m", "snakemake"]
    command = [sys.executable, *start, "--snakefile", ROOT / "Snakefile"]
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
    cpu = usage.ru_utime + usage.ru_stime
    return Timing(time.perf_counter() - before, cpu, usage.ru_maxrss / 1024**2, output)


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


def measure(subjects: int, checked: bool) -> dict[str, object]:
    """Return one row of the table."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        make_study(folder, subjects)
        planned = run(folder, "--dry-run", "--quiet", "rules")
        row = {"subjects": subjects, "jobs": count_jobs(planned.output), **shown("plan", planned)}
        if checked:
            make_outputs(folder)
            run(folder, "--touch", "--forceall", "--quiet", "all", "--cores", "100000")
            done = run(folder)
            if "Nothing to be done" not in done.output:
                raise SystemExit(f"something was left to do:\n{done.output[-3000:]}")
            row |= shown("check", done)
    return {name: row.get(name, "") for name in COLUMNS}


def shown(step: str, timing: Timing) -> dict[str, str]:
    """Return seconds, CPU seconds and gigabytes for the table."""
    values = (f"{timing.seconds:.1f}", f"{timing.cpu_seconds:.1f}", f"{timing.gigabytes:.2f}")
    return {
        f"{step}_{what}": value for what, value in zip(("s", "cpu_s", "gb"), values, strict=True)
    }


def draw(table: Path, figure: Path) -> None:
    """Draw CPU seconds and memory over the number of subjects."""
    rows = pd.read_csv(table).sort_values("subjects")
    made, axes = plt.subplots(1, 2, figsize=(8, 3.2), layout="constrained")
    for axis, unit, label in zip(
        axes, ("cpu_s", "gb"), ("CPU seconds", "memory in GB"), strict=True
    ):
        for step, name in (("plan", "snakemake --dry-run"), ("check", "nothing to be done")):
            axis.plot(rows["subjects"], rows[f"{step}_{unit}"], marker="o", label=name)
        axis.set(xlabel="subjects", ylabel=label, ylim=(0, None))
    axes[0].legend(frameon=False)
    made.savefig(figure, dpi=150)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subjects", type=int, nargs="+", default=[10, 100, 500, 1000, 2000])
    parser.add_argument("--plan-only", action="store_true", help="leave the second check out")
    parser.add_argument("--table", type=Path, help="CSV file that the rows are added to")
    parser.add_argument("--figure", type=Path, help="PNG of all rows of the CSV file")
    arguments = parser.parse_args()
    print("| " + " | ".join(COLUMNS) + " |\n|" + "---|" * len(COLUMNS))
    for number in arguments.subjects:
        row = measure(number, not arguments.plan_only)
        print("| " + " | ".join(map(str, row.values())) + " |", flush=True)
        if arguments.table:
            known = pd.read_csv(arguments.table) if arguments.table.exists() else None
            pd.concat([known, pd.DataFrame([row])]).to_csv(arguments.table, index=False)
    if arguments.table and arguments.figure:
        draw(arguments.table, arguments.figure)


if __name__ == "__main__":
    main()
