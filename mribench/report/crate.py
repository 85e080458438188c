"""Publishing a study: one archive that a stranger can check."""

import json
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
from mribench.report.privacy import Risk, judge
from mribench.report.results import Results


def publish_study(study: Study, folder: Path, schema: str, output: Path) -> list[Risk]:
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

    Returns
    -------
    What in the archive may identify a person.
    """
    members = collect_members(study, folder, schema)
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
    return [
        risk
        for name, content in sorted(members.items())
        if isinstance(content, Path)
        for risk in judge(name, content)
    ]


def bytes_of(content: Content) -> bytes:
    """Return the content itself."""
    return content.read_bytes() if isinstance(content, Path) else content
