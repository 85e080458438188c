"""Whether preprocessing many cases slows down or fills the memory.

``python benchmarks/many_cases.py --cases 100 --cores 2`` writes a study of phantoms at 2 mm,
runs ``snakemake preprocess`` on it, watches the memory of Snakemake itself in /proc, and
reads the benchmark files of the jobs in the order in which they ended. It prints one row
per stage: seconds and peak memory of the first and of the last quarter of the cases.
``--read results/demo`` prints the table for a study that ran already.
"""

import argparse
import csv
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import yaml

STAGES = (
    "correct_bias",
    "strip_skull",
    "register_to_reference",
    "register_to_template",
    "segment_tissues",
    "resample_images",
)
EVERY_S = 5.0


def write_study(name: str, cases: int) -> Path:
    """Write the demo's study file with `cases` phantoms and another name; return its path."""
    study = yaml.safe_load(Path("config.yaml").read_text())
    study["study"] = name
    study["title"] = f"{cases} phantoms"
    study["dataset"]["phantoms"]["subjects"] = cases
    path = Path(f"{name}.yaml")
    path.write_text(yaml.safe_dump(study, sort_keys=False))
    return path


def run_study(config: Path, cores: int) -> list[tuple[float, float]]:
    """Preprocess a study; return seconds and resident MB of Snakemake itself, over time."""
    command = [sys.executable, "-m", "snakemake", "preprocess", "--cores", str(cores)]
    start = time.monotonic()
    with subprocess.Popen([*command, "--configfile", str(config)]) as process:
        samples = []
        while process.poll() is None:
            samples.append((time.monotonic() - start, resident_mb(process.pid)))
            time.sleep(EVERY_S)
    if process.returncode:
        sys.exit(process.returncode)
    return samples


def resident_mb(process: int) -> float:
    """Return the resident memory of a process in MB; 0 once it is gone."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0.0
    sizes = [float(line.split()[1]) / 1000 for line in lines if line.startswith("VmRSS")]
    return sizes[0] if sizes else 0.0


def read_jobs(study: Path, stage: str) -> Iterator[tuple[float, float, float]]:
    """Yield seconds, processor seconds and peak MB of a stage's jobs, earliest first."""
    files = (study / "benchmarks" / stage).rglob("*.tsv")
    for path in sorted(files, key=lambda file: file.stat().st_mtime_ns):
        with path.open(newline="") as stream:
            for row in csv.DictReader(stream, delimiter="\t"):
                yield float(row["s"]), float(row["cpu_time"]), float(row["max_rss"])


def print_table(study: Path) -> None:
    """Print medians of the first and the last quarter of every stage's jobs."""
    print("| stage | jobs | seconds | processor seconds | peak MB |\n|---|---|---|---|---|")
    for stage in STAGES:
        jobs = np.array(list(read_jobs(study, stage)))
        quarter = max(1, len(jobs) // 4)
        first, last = np.median(jobs[:quarter], axis=0), np.median(jobs[-quarter:], axis=0)
        cells = [f"{a:.1f} → {b:.1f}" for a, b in zip(first[:2], last[:2], strict=True)]
        print(f"| {stage} | {len(jobs)} | {' | '.join(cells)} | {first[2]:.0f} → {last[2]:.0f} |")


def main() -> None:
    """Run the study, or read one that ran."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=100)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--read", type=Path, help="results folder of a study that ran")
    arguments = parser.parse_args()
    study = arguments.read
    if study is None:
        name = f"phantoms{arguments.cases}"
        samples = run_study(write_study(name, arguments.cases), arguments.cores)
        study = Path("results", name)
        memory = np.array([size for _, size in samples if size])
        quarter = max(1, len(memory) // 4)
        first, last = np.median(memory[:quarter]), np.median(memory[-quarter:])
        print(f"{samples[-1][0] / arguments.cases:.1f} s per case; Snakemake itself: ", end="")
        print(f"{first:.0f} MB at first, {last:.0f} MB at last\n")
    print_table(study)


if __name__ == "__main__":
    main()
