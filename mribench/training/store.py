"""The case store: arrays that training and prediction read without unpacking.

``manifest.json`` lists the cases; each has an image array (contrasts, x, y, z) in
float16, a label array (x, y, z) in uint8 and a brain mask, as ``.npy`` files that are
mapped into memory. Their checksums are compared before use.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from mribench import files
from mribench.dataset.geometry import Grid
from mribench.errors import DataError, describe
from mribench.failures import Failure
from mribench.training.intensity import IntensityScale, ScaledImages, fit_scale

ARRAYS = ("images", "labels", "mask")


@dataclass(frozen=True)
class Case:
    """One case of the store.

    Attributes
    ----------
    name
        Case id.
    images
        float16 (contrasts, x, y, z): normalised inside the brain, 0 outside.
    labels
        uint8 (x, y, z): 0 background, k the k-th class, 255 not to be counted.
    mask
        Brain, uint8 (x, y, z).
    affine
        Voxel to RAS mm.
    labelled
        Whether the case has a reference label; without one, `labels` are all 0.
    """

    name: str
    images: np.ndarray | ScaledImages
    labels: np.ndarray
    mask: np.ndarray
    affine: np.ndarray
    labelled: bool = True

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along x, y and z."""
        x, y, z = self.mask.shape
        return x, y, z

    @property
    def grid(self) -> Grid:
        """The voxel grid of the arrays."""
        return Grid(self.shape, self.affine)

    @cached_property
    def spacing(self) -> tuple[float, ...]:
        """Voxel size in mm."""
        return self.grid.spacing

    def only(self, channels: Sequence[int]) -> "Case":
        """Return the case with the given contrasts, in that order.

        All contrasts in order keep the memory map; others are copied.
        """
        chosen = list(channels)
        if chosen == list(range(len(self.images))):
            return self
        images = np.asarray(self.images[chosen])
        return Case(self.name, images, self.labels, self.mask, self.affine, self.labelled)


class CaseStore:
    """Read access to a packed variant.

    Attributes
    ----------
    intensity
        How the images were normalised: the variant's entry of the configuration.
    failed
        Cases that the store does not hold because their preprocessing failed.
    scale
        The intensity scale of a fold; until :meth:`fit`, images are as they were packed.
    """

    def __init__(self, manifest: Path) -> None:
        self.folder = manifest.parent
        self.manifest: dict[str, Any] = files.read_json(manifest)
        self.contrasts: list[str] = self.manifest["contrasts"]
        self.classes: list[str] = self.manifest["classes"]
        self.intensity: dict[str, Any] = self.manifest["intensity"]
        self.failed = {
            case: Failure(**failure) for case, failure in self.manifest["failed"].items()
        }
        self.scale = IntensityScale(self.intensity, self.contrasts)

    def fit(self, training: Sequence[str]) -> None:
        """Fit the intensity scale on the training cases of a fold; it holds for all cases."""
        self.scale = IntensityScale(self.intensity, self.contrasts)
        opened = (self.open(name) for name in training)
        arrays = ((case.name, np.asarray(case.images), case.mask) for case in opened)
        self.scale = fit_scale(arrays, self.intensity, self.contrasts)

    def usable(self, cases: Sequence[str]) -> list[str]:
        """Return `cases` without those whose preprocessing failed."""
        return [case for case in cases if case not in self.failed]

    def entry(self, case: str) -> dict[str, Any]:
        """Return what the manifest says of a case.

        Raises
        ------
        DataError
            If the store does not hold the case.
        """
        cases = self.manifest["cases"]
        if case not in cases:
            raise DataError(
                describe(
                    subject=case,
                    file=self.folder / "manifest.json",
                    found=f"{len(cases)} other cases",
                    expected="this case",
                    remedy="pack the store again",
                )
            )
        return cases[case]

    def open(self, case: str) -> Case:
        """Return the arrays of a case, mapped into memory, after a look at their checksums.

        Raises
        ------
        DataError
            If a file is missing, truncated or changed.
        """
        entry = self.entry(case)
        for kind in ARRAYS:
            self._verify(case, self.folder / entry[kind], entry["checksums"][kind])
        arrays: dict[str, Any] = {
            kind: _map_array(case, self.folder / entry[kind]) for kind in ARRAYS
        }
        affine = np.array(entry["affine"], dtype=float)
        labelled = entry["reference_label"] is not None
        arrays["images"] = self.scale.apply(arrays["images"], arrays["mask"])
        return Case(name=case, affine=affine, labelled=labelled, **arrays)

    def _verify(self, case: str, path: Path, expected: str) -> None:
        found = files.checksum(path) if path.is_file() else None
        if found == expected:
            return
        raise DataError(
            describe(
                subject=case,
                file=path,
                found="no such file" if found is None else f"checksum {found[:12]}",
                expected=f"checksum {expected[:12]}; the file was truncated or changed",
                remedy="delete it and the manifest beside it, and run pack_cases again",
            )
        )


def _map_array(case: str, path: Path) -> np.ndarray:
    """Map an array of numbers into memory; anything that would have to be run is refused."""
    try:
        return np.lib.format.open_memmap(path, mode="r")
    except ValueError as error:
        raise DataError(
            describe(
                subject=case,
                file=path,
                found=f"no array of numbers ({error})",
                expected="an array as pack_cases writes it",
                remedy="take this store from nobody; run pack_cases again",
            )
        ) from error


def write_case(
    folder: Path,
    case: str,
    images: np.ndarray,
    labels: np.ndarray,
    mask: np.ndarray,
) -> dict[str, Any]:
    """Write the arrays of one case; return file names, checksums and shape for the manifest.

    Parameters
    ----------
    folder
        Folder of the store.
    case
        Case id.
    images, labels, mask
        As in :class:`Case`; converted to the types of the store.
    """
    arrays = {
        "images": images.astype(np.float16),
        "labels": labels.astype(np.uint8),
        "mask": mask.astype(np.uint8),
    }
    names = {kind: f"{case}_{kind}.npy" for kind in arrays}
    for kind, array in arrays.items():
        with files.atomic(folder / names[kind]) as temporary, temporary.open("wb") as stream:
            # Not write_array, whose error about a full disk does not say so.
            whole = np.ascontiguousarray(array)
            header = np.lib.format.header_data_from_array_1_0(whole)
            np.lib.format.write_array_header_1_0(stream, header)
            stream.write(whole.data)
    checksums = {kind: files.checksum(folder / name) for kind, name in names.items()}
    return {**names, "checksums": checksums, "shape": list(mask.shape)}


def write_manifest(
    path: Path,
    variant: str,
    contrasts: Sequence[str],
    classes: Sequence[str],
    cases: Mapping[str, Mapping[str, Any]],
    preprocessing: Mapping[str, Any],
    failed: Mapping[str, Failure] | None = None,
) -> None:
    """Write the store's list of cases; it comes last, so a manifest means a complete store.

    Parameters
    ----------
    path
        The file.
    variant
        Name of the preprocessing variant.
    contrasts, classes
        In the order of the arrays.
    cases
        What :func:`write_case` and the packing say of each case.
    preprocessing
        ``variant``, the variant's settings, and ``dataset``, what the stages read of the data
        set's: all that brings new images into the form of the store.
    failed
        The cases that are left out because their preprocessing failed.
    """
    content = {
        "variant": variant,
        "intensity": preprocessing["variant"]["intensity"],
        "preprocessing": preprocessing,
        "contrasts": list(contrasts),
        "classes": list(classes),
        "cases": cases,
        "failed": {case: failure._asdict() for case, failure in (failed or {}).items()},
    }
    files.write_json(path, content, sealed=True)
