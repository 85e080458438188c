"""Reading a NIfTI file exactly once, for its checksum and for all checks of its content."""

import hashlib
import zlib
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import nibabel
import numpy as np

from mribench.dataset.geometry import Grid
from mribench.dataset.problems import Finding
from mribench.files import UNREADABLE

NIFTI2_HEADER = 540
GZIP_FORMAT = 31
LARGEST_IMAGE = 4 * 1024**3
"""Bytes of the largest image: 1024 x 1024 x 1024 voxels of 32 bits."""
CORRUPT = (*UNREADABLE, OverflowError)


class Volume(NamedTuple):
    """An image as it stands in its file.

    `data` holds the stored numbers; the value of a voxel is ``slope * stored +
    intercept``. Axes of length 1 after the third are gone. `codes` are the header's
    qform and sform codes, `checksum` the SHA-256 of the file's bytes.
    """

    data: np.ndarray
    slope: float
    intercept: float
    affine: np.ndarray
    codes: tuple[int, int]
    checksum: str

    @property
    def grid(self) -> Grid:
        """The voxel grid."""
        return Grid(tuple(self.data.shape[:3]), self.affine)

    @property
    def values(self) -> np.ndarray:
        """The voxels' values, after scaling."""
        if (self.slope, self.intercept) == (1.0, 0.0):
            return self.data
        return np.asarray(self.data * self.slope + self.intercept)


def read_volume(path: Path) -> Volume | Finding:
    """Read a ``.nii`` or ``.nii.gz`` file whole, or say why it cannot be read."""
    if path.is_symlink() and not path.exists():
        return Finding(
            "a link to a file that is not there",
            "the image itself",
            "fetch the file's content (in a DataLad data set: `datalad get`)",
        )
    try:
        content = path.read_bytes()
        return _parse(content, compressed=path.suffix == ".gz")
    except CORRUPT as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return Finding(
            f"an unreadable file ({reason})",
            "a complete NIfTI file",
            "copy or convert the image again",
        )


def _parse(content: bytes, compressed: bool) -> Volume:
    raw = _decompress(content) if compressed else content
    two = NIFTI2_HEADER in (int.from_bytes(raw[:4], order) for order in ("little", "big"))
    kind = nibabel.Nifti2Header if two else nibabel.Nifti1Header
    header = kind.from_fileobj(BytesIO(raw))
    slope, intercept = header.get_slope_inter()
    return Volume(
        data=_voxels(raw, header),
        slope=1.0 if slope is None else float(slope),
        intercept=0.0 if intercept is None else float(intercept),
        affine=np.asarray(header.get_best_affine(), dtype=float),
        codes=(int(header["qform_code"]), int(header["sform_code"])),
        checksum=hashlib.sha256(content).hexdigest(),
    )


def _decompress(content: bytes) -> bytes:
    """Unpack gzip of one or several members; a bomb is given up at `LARGEST_IMAGE`."""
    parts: list[bytes] = []
    room, left = LARGEST_IMAGE, content
    while left:
        unpacker = zlib.decompressobj(GZIP_FORMAT)
        parts.append(unpacker.decompress(left, room + 1))
        room -= len(parts[-1])
        if room < 0:
            raise ValueError(f"it grows to more than {LARGEST_IMAGE} bytes when it is unpacked")
        if not unpacker.eof:
            raise EOFError("the compressed data end too early")
        left = unpacker.unused_data.lstrip(b"\0")
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _voxels(raw: bytes, header: nibabel.Nifti1Header) -> np.ndarray:
    shape = list(header.get_data_shape())
    while len(shape) > 3 and shape[-1] == 1:
        shape.pop()
    dtype = header.get_data_dtype()
    count = int(np.prod(shape, dtype=object))
    offset = int(header.get_data_offset())
    if count < 1:
        raise ValueError("the header tells of no voxels")
    if len(raw) < offset + count * dtype.itemsize:
        raise EOFError(f"it ends after {len(raw)} of {offset + count * dtype.itemsize} bytes")
    flat = np.frombuffer(raw, dtype, count, offset)
    return flat.reshape(shape, order="F")
