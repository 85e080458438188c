"""Publishing a study: one archive that a stranger can check."""

import json
import logging
from pathlib import Path

from mribench.config import Study
from mribench.report.crate_archive import write_archive
from mribench.report.crate_contents import (
    CHECKSUMS,
    Content,
    collect_members,
    digest_of,
    heavy_files,
    list_checksums,
    size_of,
)
from mribench.report.crate_metadata import METADATA, Described, describe_crate
from mribench.report.privacy import judge
from mribench.report.results import Results

LOG = logging.getLogger("mribench")


def publish_study(study: Study, folder: Path, schema: str, output: Path) -> None:
    """Write the archive of a finished study.

    Parameters
    ----------
    study
        The configuration.
    folder
        The study's results.
    schema
        JSON schema of the configuration, as text.
    output
        The zip file to write.
    """
    members = collect_members(study, folder, schema)
    for name, content in members.items():
        if isinstance(content, Path):
            for risk in judge(name, content):
                LOG.warning("%s; remove it before the archive goes out", risk)
    results = Results(folder, tuple(study.methods))
    others = heavy_files(study, results, published=False)
    members[CHECKSUMS] = list_checksums(members, others)
    files = [
        Described(name, size_of(content), digest_of(content))
        for name, content in sorted(members.items())
    ]
    environment = json.loads(bytes_of(members["environment.json"]))
    members[METADATA] = describe_crate(study, files, environment)
    write_archive(output, dict(sorted(members.items())))


def bytes_of(content: Content) -> bytes:
    """Return the content itself."""
    return content.read_bytes() if isinstance(content, Path) else content
