"""What each kind of job asked of SLURM, and what it used.

``python benchmarks/requested_and_used.py results/demo .snakemake/log/*.log`` reads the accounting
of the jobs whose numbers stand in the drivers' logs (it wants ``sacct``), and, for the stages, of
which one job may run several, the requests of the rules and the study's ``benchmarks/``. Prints
two Markdown tables: the largest of all jobs that completed. Without logs only the second.
"""

import argparse
import re
import subprocess
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import pandas as pd

ROOT = Path(__file__).parent.parent
FIELDS = "JobIDRaw,Comment,State,ReqMem,MaxRSS,TimelimitRaw,ElapsedRaw,TotalCPU"
UNITS = {"K": 1 / 1024, "M": 1.0, "G": 1024.0}


class Usage(NamedTuple):
    """One job: memory in MB, times in minutes."""

    requested_memory: float
    used_memory: float
    requested_minutes: float
    used_minutes: float
    cpu_seconds: float


def megabytes(text: str) -> float:
    """Return SLURM's ``350M`` or ``1.5G`` in MB."""
    return float(text[:-1]) * UNITS[text[-1]] if text and text[-1] in UNITS else 0.0


def seconds(text: str) -> float:
    """Return SLURM's ``[days-][hours:]minutes:seconds`` in seconds."""
    days, _, rest = text.rpartition("-")
    parts = [float(part) for part in rest.split(":")]
    return float(days or 0) * 86400 + sum(60**power * n for power, n in enumerate(parts[::-1]))


def accounting(numbers: Iterable[str]) -> dict[str, list[Usage]]:
    """Return the completed jobs with these numbers, by the rule or group in their comment."""
    command = ["sacct", "--noheader", "--parsable2", f"--format={FIELDS}"]
    shown = subprocess.run(
        [*command, f"--jobs={','.join(numbers)}"], capture_output=True, text=True, check=True
    )
    rows = [line.split("|") for line in shown.stdout.splitlines()]
    memory: dict[str, float] = defaultdict(float)
    for row in rows:
        number = row[0].split(".")[0]
        memory[number] = max(memory[number], megabytes(row[4]))
    found = defaultdict(list)
    for number, comment, state, requested, _, limit, elapsed, busy in rows:
        if comment and state == "COMPLETED":
            name = comment.removeprefix("rule_").partition("_wildcards_")[0]
            name = "all stages of a case" if name.startswith("case_") else name
            used = Usage(
                megabytes(requested),
                memory[number],
                float(limit),
                float(elapsed) / 60,
                seconds(busy),
            )
            found[name].append(used)
    return found


# In a rule the requests stand above the command, which calls the script of the rule's name.
REQUEST = re.compile(
    r"mem_mb=lambda wildcards, attempt: (\d+).*?"
    r"runtime=lambda wildcards, attempt: (\d+).*?scripts\.(\w+)",
    re.S,
)


def stages(study: Path) -> dict[str, list[Usage]]:
    """Return what Snakemake measured of the stages, with what their rules ask for at first."""
    rules = "\n".join(path.read_text() for path in (ROOT / "rules").glob("*.smk"))
    found = {}
    for memory, minutes, name in REQUEST.findall(rules):
        tables = [pd.read_table(path) for path in (study / "benchmarks").glob(f"{name}/**/*.tsv")]
        tables += [pd.read_table(path) for path in (study / "benchmarks").glob(f"{name}.tsv")]
        if tables:
            found[name] = [
                Usage(float(memory), row.max_rss, float(minutes), row.s / 60, row.cpu_time)
                for row in pd.concat(tables).itertuples()
            ]
    return found


def line(name: str, jobs: list[Usage]) -> str:
    """Return one row of the table."""
    most = pd.DataFrame(jobs).max()
    return (
        f"| {name} | {len(jobs)} | {most.requested_memory:.0f} | "
        f"{most.used_memory:.0f} | {most.requested_minutes:.0f} | {most.used_minutes:.1f} | "
        f"{most.cpu_seconds:.0f} |"
    )


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study", type=Path, help="folder of the results")
    parser.add_argument("logs", type=Path, nargs="*", help="logs of the drivers")
    arguments = parser.parse_args()
    log = "\n".join(path.read_text() for path in arguments.logs)
    numbers = re.findall(r"SLURM jobid (\d+)", log)
    jobs = accounting(numbers) if numbers else {}
    head = "| {} | number | MB asked | MB used | minutes asked | minutes used | CPU seconds |"
    for title, rows in (("job", jobs), ("stage", stages(arguments.study))):
        if rows:
            print(head.format(title), "|---" + "|--:" * 6 + "|", sep="\n")
            print(*(line(name, used) for name, used in sorted(rows.items())), "", sep="\n")


if __name__ == "__main__":
    main()
