"""The second baseline of the resolution paper: the same U-Net on images resampled to 1 mm."""

from typing import TYPE_CHECKING

from mribench import config
from mribench.errors import TrainingError, describe
from mribench.methods import unet_native

if TYPE_CHECKING:
    from mribench.training.store import Case, CaseStore

TOLERANCE_MM = 1e-3


class Settings(unet_native.Settings):
    """Keys of the baseline; give it a variant whose grid has the spacing 1."""

    voxel_mm: config.Positive = 1.0
    """Voxel size in mm that the cases of the variant must have along each axis."""


class Method(unet_native.Method):
    """The U-Net of `unet_native`, which refuses cases of another voxel size."""

    settings: Settings

    def open_case(self, store: "CaseStore", name: str) -> "Case":
        """Open a case of the store.

        Raises
        ------
        TrainingError
            If its voxels have another size.
        """
        case = super().open_case(store, name)
        wanted = self.settings.voxel_mm
        if all(abs(step - wanted) <= TOLERANCE_MM for step in case.spacing):
            return case
        raise TrainingError(
            describe(
                subject=name,
                file=store.folder,
                found=f"voxels of {' x '.join(f'{step:g}' for step in case.spacing)} mm",
                expected=f"{wanted:g} mm along each axis",
                remedy=f"give method {self.settings.method} a variant with grid spacing {wanted:g}",
            )
        )
