"""Images and linear transforms between nibabel (RAS) and antspyx (LPS)."""

from typing import Any

import nibabel
import numpy as np

from mribench.preprocessing.transforms import LPS


def to_ants(array: np.ndarray, affine: np.ndarray) -> Any:
    """Return `array` (x, y, z) on `affine` (voxel to RAS mm) as an ANTsImage of float32."""
    import ants

    lps = LPS @ affine
    spacing = np.linalg.norm(lps[:3, :3], axis=0)
    return ants.from_numpy(
        np.ascontiguousarray(array, dtype=np.float32),
        origin=lps[:3, 3].tolist(),
        spacing=spacing.tolist(),
        direction=lps[:3, :3] / spacing,
    )


def image_to_ants(image: nibabel.Nifti1Image) -> Any:
    """Return a NIfTI image as an ANTsImage of float32."""
    return to_ants(np.asanyarray(image.dataobj), image.affine)


def read_ants_affine(path: str) -> np.ndarray:
    """Read the binary ``.mat`` of antsRegistration as a map of points (4 x 4, RAS mm)."""
    import ants

    transform = ants.read_transform(path)
    parameters = np.asarray(transform.parameters, dtype=float)
    centre = np.asarray(transform.fixed_parameters, dtype=float)
    matrix = np.eye(4)
    matrix[:3, :3] = parameters[:9].reshape(3, 3)
    matrix[:3, 3] = parameters[9:] + centre - matrix[:3, :3] @ centre
    return LPS @ matrix @ LPS
