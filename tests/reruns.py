"""The table of what runs again: rows written by the tests that saw it, made into docs/reruns.md.

A test takes the fixture `record_rerun`, which works as `record_fault` does (see `faults`).
`make reruns` runs those tests and writes the page.
"""

import json
import sys
from pathlib import Path
from typing import NamedTuple

HEAD = """# What runs again

Each row is written by a test that made the change on a finished study and asked Snakemake what it
would run; the test knows every job by name and fails for one too many or too few. The study has 3
cases, 2 variants (`native`, `coarse`), 2 methods (`flair_threshold` on `native`, `unet2d` on
`coarse`), 2 folds and 1 seed, that is 4 runs. The right column is what `python -m
scripts.explain_rerun` says; jobs that only follow from others are left out of it.

`make reruns` runs these tests (`tests/workflow/test_rerun_rows.py`) and writes this page.

| change | jobs that run again | why, in the words of `explain_rerun` |
|---|---|---|
"""


class Rerun(NamedTuple):
    """One row: the change, the jobs that would run, the reasons in words, and the test."""

    change: str
    jobs: str
    reasons: list[str]
    test: str


def read(file: Path) -> list[Rerun]:
    """Return the rows of a file of JSON lines, each change once, in their order."""
    rows = [Rerun(**json.loads(line)) for line in file.read_text().splitlines()]
    return list({row.change: row for row in rows}.values())


def page(rows: list[Rerun]) -> str:
    """Return the page."""
    lines = []
    for row in rows:
        reasons = "<br>".join(row.reasons) or "Nothing would run."
        cells = [cell.replace("|", "\\|") for cell in (row.change, row.jobs, reasons)]
        lines.append("| " + " | ".join(cells) + " |\n")
    return HEAD + "".join(lines)


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(page(read(Path(sys.argv[1]))))
