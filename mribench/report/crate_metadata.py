"""The description of a published study as an RO-Crate (https://w3id.org/ro/crate/1.1)."""

import json
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from mribench.config import Study

VERSION = "1.1"
METADATA = "ro-crate-metadata.json"
FORMATS = {
    ".bib": "application/x-bibtex",
    ".csv": "text/csv",
    ".gz": "application/gzip",
    ".html": "text/html",
    ".json": "application/json",
    ".md": "text/markdown",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".tex": "application/x-tex",
    ".tsv": "text/tab-separated-values",
}
NAMES = {
    "checksums.tsv": "SHA-256 of every file, and of weights and predictions that stayed at home",
    "comparisons.csv": "All pairs of methods: difference, interval, p",
    "config.json": "The whole configuration of the study",
    "config.schema.json": "JSON schema of the configuration",
    "costs.csv": "Costs of every run",
    "dataset/inputs.tsv": "Images and labels with their checksums",
    "dataset/problems.tsv": "Problems of the data set",
    "dataset/splits.tsv": "Training, validation and test cases of every fold",
    "environment.json": "Versions, git state, seeds and hardware",
    "metrics.csv": "Every score: one row per run, case, label and metric",
    "ranking.csv": "Means with their uncertainty, and ranks",
}
CODE = "#mribench"
RUN = "#tournament"


class Described(NamedTuple):
    """A file of the archive: its name, size and checksum."""

    name: str
    size: int
    sha256: str


def describe_crate(study: Study, files: Sequence[Described], environment: dict[str, Any]) -> bytes:
    """Return the content of ``ro-crate-metadata.json``.

    Parameters
    ----------
    study
        The configuration: title, methods, licence.
    files
        Every file of the archive but this one.
    environment
        The content of ``environment.json``.
    """
    from rocrate.model import ContextEntity
    from rocrate.rocrate import ROCrate

    crate = ROCrate(version=VERSION)
    starts, ends = (sorted(run[key] for run in environment["runs"]) for key in ("start", "end"))
    licence = {"@id": f"https://spdx.org/licenses/{study.publish.licence}"}
    root = crate.root_dataset
    root["name"] = study.title or study.study
    root["description"] = (
        f"Tournament {study.study} of {', '.join(study.methods)}: tables, every score, splits, "
        "configuration and checksums. scripts/verify_publication.py of mribench recomputes the "
        "tables from the scores."
    )
    # The day the last run ended: the same results give the same bytes.
    root["datePublished"] = ends[-1][:10]
    root["license"] = licence
    root["mentions"] = {"@id": RUN}
    for file in files:
        crate.add_file(dest_path=file.name, properties=describe_file(file))
    crate.add(
        ContextEntity(
            crate, licence["@id"], {"@type": "CreativeWork", "name": study.publish.licence}
        )
    )
    crate.add(ContextEntity(crate, CODE, describe_code(environment)))
    action = {
        "@type": "CreateAction",
        "name": f"The tournament {study.study}",
        "instrument": {"@id": CODE},
        "startTime": starts[0],
        "endTime": ends[-1],
        "object": [{"@id": "config.json"}, {"@id": "dataset/inputs.tsv"}],
        "result": [{"@id": "metrics.csv"}, {"@id": "costs.csv"}],
    }
    crate.add(ContextEntity(crate, RUN, action))
    text = json.dumps(crate.metadata.generate(), indent=2, sort_keys=True, ensure_ascii=False)
    return (text + "\n").encode()


def describe_file(file: Described) -> dict[str, Any]:
    """Return the properties of one file."""
    name = NAMES.get(file.name, file.name)
    return {
        "name": name,
        "contentSize": str(file.size),
        "sha256": file.sha256,
        "encodingFormat": FORMATS.get(PurePosixPath(file.name).suffix, "application/octet-stream"),
    }


def describe_code(environment: dict[str, Any]) -> dict[str, Any]:
    """Return the software that made the results."""
    made = environment["mribench"]
    return {
        "@type": "SoftwareApplication",
        "name": "mribench",
        "softwareVersion": f"{made['version']}, {made['code']}",
        "license": {"@id": "https://spdx.org/licenses/Apache-2.0"},
    }
