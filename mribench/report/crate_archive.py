"""The zip file of a published study: repeatable bytes out, nothing dangerous in."""

import hashlib
import shutil
import stat
import zipfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from mribench.errors import DataError, describe
from mribench.files import atomic
from mribench.report.crate_contents import Content

DATE = (1980, 1, 1, 0, 0, 0)
PACKED = {".gz", ".png", ".safetensors"}
MOST_FILES = 200_000
MOST_BYTES = 64 * 1024**3
MOST_BYTES_PER_FILE = 8 * 1024**3
MOST_RATIO = 200
"""A file may be so many times larger than its packed form; tables are some ten times larger."""
SMALL = 1024**2
CHUNK = 1024**2
ASK = "ask the publisher for the archive again; unpack it nowhere"


def write_archive(path: Path, members: Mapping[str, Content]) -> None:
    """Write a zip file whose bytes depend on names and contents only."""
    with atomic(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo(name, DATE)
            info.create_system = 3
            info.external_attr = (stat.S_IFREG | 0o644) << 16
            packed = PurePosixPath(name).suffix in PACKED
            info.compress_type = zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED
            if isinstance(content, Path):
                info.file_size = content.stat().st_size
                with content.open("rb") as source, archive.open(info, "w") as target:
                    shutil.copyfileobj(source, target, CHUNK)
            else:
                archive.writestr(info, content)


def unpack_archive(path: Path, folder: Path) -> dict[str, str]:
    """Unpack a published study into an empty folder.

    Every name and size is checked before the first byte is written.

    Returns
    -------
    The SHA-256 of every file by its name.

    Raises
    ------
    DataError
        If the file is no zip file or damaged, or holds names that lead out of the folder,
        links, encrypted or repeated files, or more than a publication can.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            require_harmless(path, entries)
            return {entry.filename: extract(archive, entry, folder) for entry in entries}
    except (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, NotImplementedError) as error:
        raise refusal(
            path, f"no whole zip file ({error})", "an archive of `snakemake publish`"
        ) from error


def require_harmless(path: Path, entries: list[zipfile.ZipInfo]) -> None:
    """Raise where an entry must not be unpacked."""
    if len(entries) > MOST_FILES:
        raise refusal(path, f"{len(entries)} files", f"at most {MOST_FILES}")
    total = sum(entry.file_size for entry in entries)
    if total > MOST_BYTES:
        raise refusal(path, f"{total} bytes unpacked", f"at most {MOST_BYTES}")
    seen: set[str] = set()
    for entry in entries:
        reason = danger(entry) or ("a name twice" if entry.filename.lower() in seen else "")
        if reason:
            raise refusal(path, f"{reason}: {entry.filename!r}", "plain files with plain names")
        seen.add(entry.filename.lower())


def danger(entry: zipfile.ZipInfo) -> str:
    """Say why an entry must not be unpacked; empty where it may."""
    name = entry.orig_filename
    parts = name.split("/")
    if name.startswith("/") or {"", ".", ".."} & set(parts) or any(c in name for c in "\\:\0"):
        return "a name that leads out of the folder"
    if entry.flag_bits & 0x1:
        return "an encrypted file"
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        return "a link or device"
    if entry.file_size > MOST_BYTES_PER_FILE:
        return f"{entry.file_size} bytes in one file"
    if entry.file_size > SMALL and entry.file_size > MOST_RATIO * max(entry.compress_size, 1):
        return f"a file that grows more than {MOST_RATIO} times"
    return ""


def extract(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, folder: Path) -> str:
    """Unpack one entry and return its SHA-256; never more bytes than it announced."""
    target = folder / entry.filename
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with archive.open(entry) as source, target.open("xb") as stream:
        while part := source.read(CHUNK):
            digest.update(part)
            stream.write(part)
    return digest.hexdigest()


def refusal(path: Path, found: str, expected: str) -> DataError:
    """Return the error about an archive."""
    return DataError(
        describe(subject="archive", file=path, found=found, expected=expected, remedy=ASK)
    )
