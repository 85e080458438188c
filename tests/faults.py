"""The table of faults: rows written by the tests that ran them, made into docs/faults.md.

A test takes the fixture `record_fault` and calls it as its last statement, so that only what was
seen to hold is recorded. `make faults` runs those tests and writes the page.
"""

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

HEAD = """# Faults that were tried

Each row is written by a test that caused the fault and watched what followed; `make faults` runs
these tests and writes this page. Those on a cluster run on a real SLURM ([cluster.md](cluster.md)).
"""
PLACES = {"On a cluster": True, "On one machine": False}


class Fault(NamedTuple):
    """One row: what was done, what followed from it, what mribench did, and the test."""

    fault: str
    happened: str
    response: str
    test: str

    @property
    def on_cluster(self) -> bool:
        """Whether the test runs on SLURM."""
        return self.test.startswith("tests/slurm/")


def append(file: Path, row: Any) -> None:
    """Add a named tuple to a file of JSON lines; tests in several processes may do so at once."""
    with file.open("a") as stream:
        stream.write(json.dumps(row._asdict()) + "\n")


def read(file: Path) -> list[Fault]:
    """Return the rows of a file, each once, in the order of their texts."""
    return sorted({Fault(**json.loads(line)) for line in file.read_text().splitlines()})


def table(rows: Iterable[Fault]) -> Iterator[str]:
    """Yield the lines of a table in Markdown."""
    yield "| fault | what happened | what mribench did | test |"
    yield "|---|---|---|---|"
    for row in rows:
        cells = [*row[:3], f"`{row.test}`"]
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def page(rows: list[Fault]) -> str:
    """Return the page about all faults."""
    parts = [HEAD]
    for title, on_cluster in PLACES.items():
        chosen = [row for row in rows if row.on_cluster is on_cluster]
        if chosen:
            parts.append("\n".join([f"## {title}\n", *table(chosen)]) + "\n")
    return "\n".join(parts)


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(page(read(Path(sys.argv[1]))))
