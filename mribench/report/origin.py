"""Provenance: which code, settings, data and machines the numbers come from."""

from importlib import metadata
from platform import python_version

import mribench
from mribench import provenance
from mribench.config import Study
from mribench.files import checksum, read_json
from mribench.report.grids import Grid, make_grid
from mribench.report.results import Results

PACKAGES = (
    "snakemake", "numpy", "scipy", "pandas", "nibabel", "antspyx", "torch", "monai", "deepbet",
)  # fmt: skip
RUN_KEYS = ("host", "device", "threads", "start", "seconds")


def list_origin(study: Study, results: Results) -> list[tuple[str, str]]:
    """Return pairs of name and value: code, versions, seeds and digests."""
    settings = study.model_dump(mode="json", by_alias=True)
    return [
        ("mribench", f"{mribench.__version__}, {provenance.code_version()}"),
        ("Python and packages", ", ".join([f"python {python_version()}", *versions()])),
        ("Seeds of the training", ", ".join(map(str, study.protocol.seeds))),
        ("Seed of the splits", str(study.protocol.split.seed)),
        ("Configuration (digest)", provenance.digest(settings)),
        *[
            (f"{name} (SHA-256)", checksum(results.folder / name))
            for name in ("dataset/scans.tsv", "dataset/splits.tsv", "metrics.csv")
        ],
    ]


def versions() -> list[str]:
    """Return name and version of the packages that numbers depend on, as far as installed."""
    found = []
    for name in PACKAGES:
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            found.append(f"{name} not installed")
    return found


def runs_grid(results: Results) -> Grid:
    """Return one row per run: where, on what and how long it was trained."""
    rows = []
    for run in results.runs():
        record = read_json(run.folder / "run.json")
        values = [str(record.get(key, "n/a")) for key in RUN_KEYS]
        rows.append([run.method, str(run.fold), str(run.seed), *values])
    heads = ("method", "fold", "seed", *RUN_KEYS)
    return make_grid(heads, rows, ("method", "host", "device", "start"))
