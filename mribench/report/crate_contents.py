"""What of a study is published: numbers and records, no images of patients."""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from importlib import metadata
from pathlib import Path
from platform import python_version
from typing import Any, NamedTuple

import mribench
from mribench import provenance
from mribench.config import Study
from mribench.files import checksum, read_json, read_table
from mribench.report.results import Results, Run

PATTERNS = (
    "*.csv",
    "failed_cases.tsv",
    "dataset/problems.tsv",
    "dataset/splits.tsv",
    "report/methods.bib",
    "report/methods.md",
    "report/methods.tex",
    "tables/**/*",
)
RUN_FILES = ("cost.json", "history.csv", "predictions.json")
WEIGHTS = "model.safetensors"
MODEL_RECORDS = ("intensity.json", "preprocessing.json", "run.json")
"""What `apply_model` reads beside the weights."""
PATIENT_GROUPS = frozenset({"overlays"})
"""Groups of figures that show slices of patients; no switch publishes them."""
INPUT_COLUMNS = (
    "case",
    "subject",
    "session",
    "site",
    "contrast",
    "path",
    "shape",
    "spacing",
    "orientation",
    "checksum",
    "labels",
    "labels_contrast",
    "labels_checksum",
    "load_ml",
)
"""What of scans.tsv is published; age and group of the people are not."""
KEEP_TO_ITSELF = frozenset({"host"})
CHECKSUMS = "checksums.tsv"
CHECKSUM_COLUMNS = ("file", "published", "bytes", "sha256")
README = """# {title}

Published with mribench (`snakemake publish`). `metrics.csv` holds every score; `ranking.csv`,
`comparisons.csv` and everything in `tables/` follow from it. `config.json` is the whole
configuration, `environment.json` the versions, seeds and hardware, `dataset/` the splits and the
checksums of images and labels, `checksums.tsv` those of all files, also of weights and
predictions that are not in here.

To check it, in a copy of mribench: `python scripts/verify_publication.py ARCHIVE.zip`. With
`--results` and `--bids` every prediction is scored again; `--rerun FOLDER` runs the whole study.
"""
Content = Path | bytes


class Kept(NamedTuple):
    """A file that is not in the archive, but whose checksum is."""

    name: str
    path: Path


def collect_members(study: Study, folder: Path, schema: str) -> dict[str, Content]:
    """Return the content of the archive by name, without its list of checksums and metadata.

    Parameters
    ----------
    study
        The configuration.
    folder
        The study's results.
    schema
        JSON schema of the configuration, as text.
    """
    results = Results(folder, tuple(study.methods))
    members: dict[str, Content] = {
        path.relative_to(folder).as_posix(): path
        for pattern in PATTERNS
        for path in folder.glob(pattern)
        if path.is_file() and not path.name.startswith(".")
    }
    members |= figure_members(folder)
    members["config.json"] = as_json(portable_config(study))
    members["README.md"] = README.format(title=study.title or study.study).encode()
    members["config.schema.json"] = schema.encode()
    members["environment.json"] = as_json(describe_environment(study, results))
    members["dataset/inputs.tsv"] = as_table(
        read_table(folder / "dataset/scans.tsv"), INPUT_COLUMNS
    )
    for run in results.runs():
        name = run.folder.relative_to(folder).as_posix()
        members |= {f"{name}/{file}": run.folder / file for file in RUN_FILES}
    members |= {kept.name: kept.path for kept in heavy_files(study, results, published=True)}
    if study.publish.weights:
        members |= model_records(results)
    return dict(sorted(members.items()))


def figure_members(folder: Path) -> dict[str, Content]:
    """Return the figures that show numbers, and the manifest that is left without the others."""
    entries = [
        entry
        for entry in read_json(folder / "figures/manifest.json")
        if entry["group"] not in PATIENT_GROUPS
    ]
    members: dict[str, Content] = {"figures/manifest.json": as_json(entries)}
    for entry in entries:
        for suffix in ("png", "svg"):
            name = f"figures/{entry['name']}.{suffix}"
            members[name] = folder / name
    return members


def heavy_files(study: Study, results: Results, published: bool) -> list[Kept]:
    """Return weights and predictions of all runs that are published, or those that are not."""
    found = []
    for run in results.runs():
        if study.publish.weights == published:
            found.append(kept(results, run.folder / WEIGHTS))
        if study.publish.predictions == published:
            found += [kept(results, path) for path in predictions(run)]
    return found


def model_records(results: Results) -> dict[str, Content]:
    """Return what a model needs beside its weights to be applied, without names of machines."""
    return {
        kept(results, run.folder / file).name: as_json(without_hosts(read_json(run.folder / file)))
        for run in results.runs()
        for file in MODEL_RECORDS
    }


def kept(results: Results, path: Path) -> Kept:
    """Return a file of the study with its name in the archive."""
    return Kept(path.relative_to(results.folder).as_posix(), path)


def predictions(run: Run) -> list[Path]:
    """Return the predicted label maps of a run, sorted by case."""
    listed = read_json(run.folder / "predictions.json")
    return [run.folder / listed[case]["path"] for case in sorted(listed) if "path" in listed[case]]


def portable_config(study: Study) -> dict[str, Any]:
    """Return the whole configuration without the folders of the machine it ran on."""
    content = study.model_dump(mode="json", by_alias=True, exclude={"source"})
    for place, key in ((content["dataset"], "source"), (content["protocol"]["split"], "file")):
        if place[key]:
            place[key] = Path(place[key]).name
    return content


def describe_environment(study: Study, results: Results) -> dict[str, Any]:
    """Return versions, git state, seeds, and the hardware and versions of every run.

    Host names stay at home.
    """
    return {
        "mribench": {"version": mribench.__version__, "code": provenance.code_version()},
        "python": python_version(),
        "packages": installed(),
        "seeds": {
            "training": list(study.protocol.seeds),
            "splits": study.protocol.split.seed,
        },
        "runs": [describe_run(run) for run in results.runs()],
    }


def describe_run(run: Run) -> dict[str, Any]:
    """Return the record of a run without the name of its machine."""
    record = read_json(run.folder / "run.json")
    return {**without_hosts(record), "method": run.method, "fold": run.fold, "seed": run.seed}


def without_hosts(content: Any) -> Any:
    """Return JSON content without the keys that stay at home, at any depth."""
    if isinstance(content, dict):
        kept = content.keys() - KEEP_TO_ITSELF
        return {key: without_hosts(value) for key, value in content.items() if key in kept}
    return [without_hosts(item) for item in content] if isinstance(content, list) else content


def installed() -> dict[str, str]:
    """Return the version of every installed package, sorted by name."""
    found = {item.metadata["Name"].lower(): item.version for item in metadata.distributions()}
    return dict(sorted(found.items()))


def list_checksums(members: dict[str, Content], others: Iterable[Kept]) -> bytes:
    """Return the list of checksums: what is in the archive, then what stayed at home."""
    rows = [
        {"file": name, "published": "yes", "bytes": size_of(content), "sha256": digest_of(content)}
        for name, content in members.items()
    ]
    rows += [
        {
            "file": other.name,
            "published": "no",
            "bytes": other.path.stat().st_size,
            "sha256": checksum(other.path),
        }
        for other in others
    ]
    return as_table(rows, CHECKSUM_COLUMNS)


def size_of(content: Content) -> int:
    """Return the number of bytes."""
    return content.stat().st_size if isinstance(content, Path) else len(content)


def digest_of(content: Content) -> str:
    """Return the SHA-256 as hexadecimal text."""
    import hashlib

    if isinstance(content, Path):
        return checksum(content)
    return hashlib.sha256(content).hexdigest()


def as_json(content: Any) -> bytes:
    """Return indented JSON; keys keep their order, which is that of the methods."""
    return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()


def as_table(rows: Iterable[Any], columns: Sequence[str]) -> bytes:
    """Return rows as tab-separated text."""
    buffer = io.StringIO()
    writer = csv.DictWriter(
        buffer, columns, delimiter="\t", lineterminator="\n", extrasaction="ignore"
    )
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue().encode()
