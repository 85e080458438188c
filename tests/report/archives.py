"""Altering published archives, as a careless or dishonest hand would."""

import csv
import hashlib
import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

CHECKSUMS, METADATA = "checksums.tsv", "ro-crate-metadata.json"


def read(path: Path) -> dict[str, bytes]:
    """Every file of an archive by name."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write(path: Path, files: dict[str, bytes]) -> Path:
    """An archive of these files."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def change_cell(content: bytes, column: str, value: str | None = None, row: int = 0) -> bytes:
    """A table with one other cell: `value`, or the number with another third digit."""
    text = content.decode()
    separator = "\t" if "\t" in text.splitlines()[0] else ","
    rows = list(csv.reader(io.StringIO(text), delimiter=separator))
    place = rows[0].index(column)
    old = rows[row + 1][place]
    rows[row + 1][place] = value or old[:3] + str((int(old[3]) + 1) % 10) + old[4:]
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=separator, lineterminator="\n").writerows(rows)
    return buffer.getvalue().encode()


def repair(files: dict[str, bytes]) -> dict[str, bytes]:
    """The archive with all its checksums made to fit again."""
    lines = [line.split("\t") for line in files[CHECKSUMS].decode().splitlines()]
    for line in lines[1:]:
        if line[1] == "yes":
            line[3] = hashlib.sha256(files[line[0]]).hexdigest()
    fitted = {**files, CHECKSUMS: ("\n".join("\t".join(line) for line in lines) + "\n").encode()}
    metadata = json.loads(files[METADATA])
    for entity in metadata["@graph"]:
        if entity["@type"] == "File":
            entity["sha256"] = hashlib.sha256(fitted[entity["@id"]]).hexdigest()
    return {**fitted, METADATA: json.dumps(metadata).encode()}


def verify(root: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run the script on an archive."""
    command = [sys.executable, root / "scripts/verify_publication.py", *map(str, arguments)]
    return subprocess.run(command, cwd=root, capture_output=True, text=True)
