"""Writing files so that they appear complete or not at all, with repeatable bytes."""

import csv
import gzip
import hashlib
import io
import json
import os
import tempfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nibabel
import numpy as np

from mribench.errors import DataError, describe

GZIP_LEVEL = 4
GZIP_MAGIC = b"\x1f\x8b"
UNREADABLE = (
    OSError,
    EOFError,
    ValueError,
    zlib.error,
    nibabel.filebasedimages.ImageFileError,
    nibabel.spatialimages.HeaderDataError,
    nibabel.wrapstruct.WrapStructError,
)


@contextmanager
def atomic(path: str | os.PathLike[str], sealed: bool = False) -> Iterator[Path]:
    """Yield a temporary path beside `path`; move it there when the block succeeds.

    The temporary name keeps the suffixes of `path`, because many writers choose
    the format by suffix. On an exception the temporary file is removed. An error of the
    operating system names `path`: a full disk tells no name by itself, and nobody knows
    the temporary one. With `sealed`, the checksum is noted beside the file, for
    :func:`require_sealed`; without, an earlier note is removed.
    """
    final = Path(path)
    final.parent.mkdir(parents=True, exist_ok=True)
    temporary = final.with_name(f".{os.getpid()}.{final.name}")
    try:
        yield temporary
        digest = checksum(temporary) if sealed else ""
        os.replace(temporary, final)
    except OSError as error:
        if error.filename in (None, str(temporary)):
            error.filename = str(final)
        raise
    finally:
        temporary.unlink(missing_ok=True)
    if sealed:
        write_text(seal_of(final), f"{digest}\n")
    else:
        seal_of(final).unlink(missing_ok=True)


def seal_of(path: Path) -> Path:
    """Return the hidden file with the checksum of `path`."""
    return path.with_name(f".{path.name}.sha256")


def require_sealed(path: str | os.PathLike[str]) -> None:
    """Raise where a file is not the one that was written; without a seal, nothing is checked.

    What stages hand on as text can be cut or edited without looking wrong. Images, arrays
    and archives have checksums of their own.

    Raises
    ------
    DataError
        Names the file and how to make it again.
    """
    file = Path(path)
    seal = seal_of(file)
    if not seal.is_file() or checksum(file) == seal.read_text(encoding="utf-8").strip():
        return
    raise DataError(
        describe(
            subject=file.stem,
            file=file,
            found="a file that was cut short or changed",
            expected="the file as its stage wrote it",
            remedy="delete it and start again: it is made anew",
        )
    )


def require_writable(folder: str | os.PathLike[str]) -> None:
    """Raise where files could not be created in `folder` (or where it would be made).

    Raises
    ------
    DataError
        Names the folder and what to do.
    """
    place = Path(folder)
    while not place.exists() and place != place.parent:
        place = place.parent
    try:
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        raise DataError(
            describe(
                subject="results",
                file=folder,
                found=str(error.strerror),
                expected="a folder that can be written",
                remedy="make the folder writable or run in another one (--directory)",
            )
        ) from error


def write_text(path: str | os.PathLike[str], text: str, sealed: bool = False) -> None:
    """Write `text` as UTF-8, atomically; see :func:`atomic` for `sealed`."""
    with atomic(path, sealed) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: str | os.PathLike[str], content: Any, sealed: bool = False) -> None:
    """Write `content` as indented JSON with sorted keys, atomically; see :func:`atomic`."""
    text = json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False)
    write_text(path, text + "\n", sealed)


def read_json(path: str | os.PathLike[str]) -> Any:
    """Read a JSON file.

    Raises
    ------
    DataError
        If it is no JSON, or not the file that was written (:func:`require_sealed`).
    """
    require_sealed(path)
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError(
            describe(
                subject=Path(path).stem,
                file=path,
                found=f"no whole JSON ({error})",
                expected="the file as its stage wrote it",
                remedy="delete it and start again: it is made anew",
            )
        ) from error


def write_table(
    path: str | os.PathLike[str],
    rows: Iterable[Mapping[str, object]],
    columns: Sequence[str],
    sealed: bool = False,
) -> None:
    """Write rows as CSV or TSV (by suffix), atomically; None becomes ``n/a``.

    See :func:`atomic` for `sealed`.
    """
    buffer = io.StringIO()
    delimiter = "\t" if str(path).endswith(".tsv") else ","
    writer = csv.DictWriter(buffer, columns, delimiter=delimiter, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({key: "n/a" if row[key] is None else row[key] for key in columns})
    write_text(path, buffer.getvalue(), sealed)


def read_table(path: str | os.PathLike[str]) -> list[dict[str, str]]:
    """Read a CSV or TSV file (by suffix) as dictionaries of strings.

    A byte order mark, which spreadsheet programs like to write, is skipped.

    Raises
    ------
    DataError
        If it is not the file that was written (:func:`require_sealed`).
    """
    require_sealed(path)
    delimiter = "\t" if str(path).endswith(".tsv") else ","
    with Path(path).open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream, delimiter=delimiter))


def checksum(path: str | os.PathLike[str]) -> str:
    """Return the SHA-256 of a file's bytes as hexadecimal text."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_image(path: str | os.PathLike[str], image: nibabel.Nifti1Image) -> None:
    """Write a NIfTI file atomically; a ``.gz`` carries neither time nor name.

    Two equal images give equal bytes, whenever and wherever they are written.
    """
    content = image.to_bytes()
    with atomic(path) as temporary:
        if str(path).endswith(".gz"):
            with (
                temporary.open("wb") as stream,
                gzip.GzipFile("", "wb", GZIP_LEVEL, stream, mtime=0) as packed,
            ):
                packed.write(content)
        else:
            temporary.write_bytes(content)


def make_image(array: np.ndarray, affine: np.ndarray) -> nibabel.Nifti1Image:
    """Wrap `array` (x, y, z) and `affine` (voxel to RAS mm) as a NIfTI image.

    Booleans are stored as uint8. Both qform and sform carry the affine (code 1,
    scanner), and the unit is mm.
    """
    data = array.astype(np.uint8) if array.dtype == bool else array
    image = nibabel.Nifti1Image(data, affine)
    image.header.set_xyzt_units("mm")
    image.set_qform(affine, code=1)
    image.set_sform(affine, code=1)
    return image


def read_image(path: str | os.PathLike[str]) -> nibabel.Nifti1Image:
    """Load a NIfTI file whole, so that a truncated or damaged file is found here.

    The check sum inside a ``.gz`` is verified, which lazy readers leave out.

    Raises
    ------
    DataError
        If the file is missing, is no NIfTI file, or ends too early.
    """
    try:
        content = Path(path).read_bytes()
        if content[:2] == GZIP_MAGIC:
            content = gzip.decompress(content)
        image = nibabel.Nifti1Image.from_bytes(content)
        np.asanyarray(image.dataobj)
    except UNREADABLE as error:
        reason = "no such file" if not Path(path).exists() else f"unreadable ({error})"
        raise DataError(
            describe(
                subject=Path(path).name.split("_")[0],
                file=path,
                found=reason,
                expected="a complete NIfTI file",
                remedy="copy or convert the image again",
            )
        ) from error
    return image
