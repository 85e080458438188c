"""What two runs of a study must have in common to the last bit."""

import hashlib
from pathlib import Path

COMPARED = ("*.csv", "*.tsv", "*.md", "*.tex", "*.safetensors", "*.nii.gz", "*.npy", "*.svg")
# Measured times and memory, and what is made of them.
TIMED = (
    "costs.",
    "cost.json",
    "cost_accuracy",
    "run.json",
    "predictions.json",
    "benchmarks",
    "logs",
)


def digests(results: Path) -> dict[str, str]:
    """Checksums of the files of a study, without those of measured times."""
    found = {}
    for pattern in COMPARED:
        for path in sorted(results.rglob(pattern)):
            name = path.relative_to(results).as_posix()
            if not any(part in name for part in TIMED):
                found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found
