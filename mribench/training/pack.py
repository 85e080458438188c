"""Packing preprocessed cases into a case store."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import nibabel
import numpy as np

from mribench.config import Study
from mribench.dataset.geometry import Grid, require_same_grid
from mribench.errors import StageError, describe
from mribench.failures import Failure, first_failure
from mribench.files import read_image
from mribench.preprocessing.grids import TEMPLATE, onto_variant
from mribench.stages import stage_owner
from mribench.training.intensity import LARGEST
from mribench.training.store import write_case

MISSING = "n/a"
DESCRIBED = ("contrasts", "label", "brain_mask", "tissues", "affine_tolerance_mm")
SHARED_STAGES = ("register_to_reference", "register_to_template", "resample_images")


class Preprocessed(NamedTuple):
    """Where the preprocessing left what the store needs.

    Attributes
    ----------
    folder
        The study's folder.
    reference, anatomy
        Contrasts of these roles in the variant.
    space
        ``reference`` or ``template``: the space of the variant's grid.
    template_kind
        Suffix of the transforms to the template: ``txt`` or ``nii.gz``.
    owners
        For each stage, the variant in whose folder its outputs stand.
    """

    folder: Path
    reference: str
    anatomy: str
    space: str
    template_kind: str
    owners: Mapping[str, str]

    def image(self, case: str, stage: str, name: str) -> Path:
        """Return the path of a file that a stage made on the variant's grid."""
        owner = self.owners[stage]
        return self.folder / f"{self._stem(case, stage)}_space-{owner}_{name}.nii.gz"

    def transforms_to(self, case: str, contrast: str) -> list[str]:
        """Return the transforms from the variant's grid to the grid of a contrast.

        In the order of ``ants.apply_transforms``: the first one takes points of the
        contrast. Paths are relative to the study's folder.
        """
        links = onto_variant(contrast, self.reference, self.anatomy, self.space)
        return [self._transform(case, after, before) for before, after in reversed(links)]

    def _transform(self, case: str, before: str, after: str) -> str:
        to_template = TEMPLATE in (before, after)
        stage = "register_to_template" if to_template else "register_to_reference"
        kind = self.template_kind if to_template else "txt"
        return f"{self._stem(case, stage)}_from-{before}_to-{after}_mode-image_xfm.{kind}"

    def _stem(self, case: str, stage: str) -> str:
        return f"preproc/{self.owners[stage]}/{case.replace('_', '/')}/anat/{case}"


def packing_settings(study: Study, variant: str) -> dict[str, Any]:
    """Return the settings of the script ``pack_cases`` for a variant."""
    chosen = study.variants[variant]
    owners = {stage: stage_owner(study, variant, stage) for stage in SHARED_STAGES}
    return {
        "variant": variant,
        "dataset": study.dataset.model_dump(mode="json", include={"recipe", "source"}),
        "contrasts": list(study.dataset.contrasts),
        "classes": list(study.dataset.label.values),
        "preprocessing": {
            "variant": chosen.model_dump(mode="json", by_alias=True),
            "dataset": study.dataset.model_dump(mode="json", include=set(DESCRIBED)),
        },
        "source": {
            "reference": chosen.reference,
            "anatomy": chosen.anatomy,
            "space": chosen.grid.space,
            "template_kind": "nii.gz" if chosen.template.is_deformable else "txt",
            "owners": {"normalise_intensity": variant, **owners},
        },
    }


def find_failures(
    source: Preprocessed, cases: Sequence[str], contrasts: Sequence[str]
) -> dict[str, Failure]:
    """Return the cases whose preprocessing failed, by name.

    Raises
    ------
    StageError
        If none is left.
    """
    found = {}
    for case in cases:
        names = [f"desc-preproc_{contrast}" for contrast in contrasts]
        files = [source.image(case, "normalise_intensity", name) for name in names]
        failure = first_failure(files)
        if failure is not None:
            found[case] = failure
    if len(found) < len(cases):
        return found
    first = next(iter(found.values()))
    raise StageError(
        describe(
            subject=first.case,
            file=f"{first.stage} and {len(found) - 1} more cases",
            found=f"no case without a failure ({first.reason})",
            expected="cases to train with",
            remedy="look at the logs of the stage, and correct the data or the variant",
        )
    )


def pack_case(
    target: Path,
    source: Preprocessed,
    root: Path,
    rows: Sequence[Mapping[str, str]],
    contrasts: Sequence[str],
) -> dict[str, Any]:
    """Pack one case and return its entry of the manifest.

    Parameters
    ----------
    target
        Folder of the store.
    source
        Where the preprocessed images stand.
    root
        The BIDS data set, for the grid that predictions are wanted on: that of the
        label, or of the reference contrast where a case has no label.
    rows
        The rows of ``scans.tsv`` of this case.
    contrasts
        Contrasts in the order of the image array.

    Raises
    ------
    StageError
        If an image is not finite.
    GeometryError
        If the images of the case do not share a grid.
    """
    case, first = rows[0]["case"], rows[0]
    labelled = first["labels"] != MISSING
    mask_image = read_image(source.image(case, "resample_images", "desc-brain_mask"))
    grid = Grid.of(mask_image)
    mask = np.asarray(mask_image.dataobj) > 0
    paths = [
        source.image(case, "normalise_intensity", f"desc-preproc_{contrast}")
        for contrast in contrasts
    ]
    images = np.stack([_read(path, case, grid) for path in paths])
    labels = np.zeros(grid.shape)
    if labelled:
        path = source.image(case, "resample_images", "desc-reference_dseg")
        labels = _read(path, case, grid)
    label_contrast = first["labels_contrast"] if labelled else source.reference
    native = (
        first["labels"]
        if labelled
        else next(row["path"] for row in rows if row["contrast"] == source.reference)
    )
    wanted = Grid.of(read_image(root / native))
    return {
        **write_case(target, case, images, labels, mask),
        "subject": first["subject"],
        "site": first["site"],
        "affine": grid.affine.tolist(),
        "spacing": list(grid.spacing),
        "reference_label": first["labels"] if labelled else None,
        "target": {"shape": list(wanted.shape), "affine": wanted.affine.tolist()},
        "label_contrast": label_contrast,
        "to_label": source.transforms_to(case, label_contrast),
    }


def _read(path: Path, case: str, grid: Grid) -> np.ndarray:
    image: nibabel.Nifti1Image = read_image(path)
    require_same_grid(grid, Grid.of(image), subject=case, file=path, tolerance_mm=0.01)
    values = np.asarray(image.dataobj, dtype=np.float32)
    if np.isfinite(values).all():
        return np.clip(values, -LARGEST, LARGEST)
    raise StageError(
        describe(
            subject=case,
            file=path,
            found="NaN or infinite values",
            expected="finite values",
            remedy="look at the preprocessing of this case",
        )
    )
