"""What a method is: its settings, and how scripts train it and predict with it.

A method is one file in this package. It holds a class ``Settings`` (the keys of its
entry in the configuration) and a class ``Method``. For a network, ``Method`` inherits
:class:`NetworkMethod` and only builds the network::

    class Settings(base.SliceSettings):
        width: int = Field(16, ge=1)
        \"\"\"Channels of the first level.\"\"\"


    class Method(base.NetworkMethod[Settings]):
        def build_network(self):
            from mribench.networks.unet import UNet

            return UNet(2, len(self.channels), len(self.classes), self.settings.width, 5, "batch")

Torch is imported inside functions only: the configuration is checked in an instant.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Generic, Literal, Self, TypeVar

import numpy as np
from pydantic import Field, model_validator

from mribench import config
from mribench.errors import TrainingError, describe
from mribench.provenance import canonical

if TYPE_CHECKING:
    import torch

    from mribench.training.job import Job
    from mribench.training.patches import Batch, Sampler
    from mribench.training.store import Case, CaseStore

Size = Annotated[int, Field(ge=1)]
LossName = Literal[
    "dice_cross_entropy",
    "soft_dice",
    "cross_entropy",
    "generalised_dice",
    "focal",
    "tversky",
    "boundary",
]
PLANES = {"sagittal": 0, "coronal": 1, "axial": 2}


class Augmentation(config.Model):
    """Random changes of the training patches; a strength of 0 leaves the change out."""

    probability: float = Field(0.5, ge=0, le=1)
    """Share of the patches that are rotated, scaled and moved."""
    mirror: bool = True
    """Whether half of the patches are mirrored left to right."""
    rotation: float = Field(15.0, ge=0, le=180)
    """Largest rotation in degrees, around each axis of the patch."""
    scaling: float = Field(0.15, ge=0, lt=1)
    """Largest change of size: 0.15 means from 85 to 115 %."""
    translation: float = Field(0.05, ge=0, lt=1)
    """Largest shift as a share of the patch."""
    intensity: float = Field(0.15, ge=0)
    """Largest change of scale, and of level in standard deviations, per contrast."""
    gamma: float = Field(0.25, ge=0)
    """Largest logarithm of the exponent that bends the intensities, per contrast."""
    noise: float = Field(0.1, ge=0)
    """Largest standard deviation of the Gaussian noise, per contrast."""


class TrainedSettings(config.Method):
    """Keys of all methods that are trained by gradient descent."""

    epochs: int = Field(100, ge=1)
    """Most epochs; each ends with a validation."""
    iterations: int = Field(250, ge=1)
    """Batches per epoch."""
    batch_size: int = Field(14, ge=1)
    """Patches per batch."""
    foreground: float = Field(0.5, ge=0, le=1)
    """Share of the patches that must contain a voxel of a class."""
    learning_rate: config.Positive = 1e-3
    """Learning rate at the start."""
    weight_decay: float = Field(1e-6, ge=0)
    """Weight decay."""
    optimiser: Literal["adam", "adamw", "sgd"] = "adam"
    """`sgd` has Nesterov momentum 0.99."""
    schedule: Literal["constant", "halving", "cosine", "poly"] = "halving"
    """How the learning rate falls: halved at the `milestones`, as a cosine, or by power 0.9."""
    milestones: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = (0.5, 0.7, 0.9)
    """Shares of the epochs at which `halving` halves."""
    loss: LossName = "dice_cross_entropy"
    """What is made small; `boundary` begins as generalised Dice and moves to distances."""
    monitor: Literal["dice", "loss"] = "dice"
    """What decides, on whole validation cases, which weights are kept; `boundary` needs `dice`."""
    patience: int = Field(30, ge=1)
    """Epochs without anything better after which training stops."""
    augmentation: Augmentation | None = Augmentation()
    """Random changes of the training patches; null trains on them as they are."""
    flips: tuple[Literal["x", "y", "z"], ...] = ()
    """Axes along which a case is mirrored at prediction (x is left to right); the probabilities
    of all combinations are averaged."""
    gpu_precision: Literal["32", "16", "bf16"] = "bf16"
    """Arithmetic on a GPU: 32 bit, or mixed with 16 bit; the CPU always takes 32 bit."""

    @model_validator(mode="after")
    def _monitor_what_does_not_change(self) -> Self:
        if self.loss == "boundary" and self.monitor == "loss":
            raise ValueError("monitor: the boundary loss changes by epoch; take monitor: dice")
        return self


class SliceSettings(TrainedSettings):
    """Keys of networks that read slices; prediction takes whole slices."""

    dimension: ClassVar[Literal[2, 3]] = 2
    plane: Literal["axial", "coronal", "sagittal"] = "axial"
    """Orientation of the slices; take that of the acquisition where voxels are long."""
    patch_size: tuple[Size, Size] = (160, 192)
    """Voxels of a training patch; a smaller slice is padded with zeros."""


class VolumeSettings(TrainedSettings):
    """Keys of networks that read blocks; prediction slides a window of the same size."""

    dimension: ClassVar[Literal[2, 3]] = 3
    patch_size: tuple[Size, Size, Size] = (96, 96, 96)
    """Voxels of a block; a smaller image is padded with zeros."""
    batch_size: int = Field(2, ge=1)
    """Blocks per batch."""
    overlap: float = Field(0.5, ge=0, lt=1)
    """Share of a window that its neighbour covers too, at prediction."""


AnySettings = TypeVar("AnySettings", bound=config.Method)
NetworkSettings = TypeVar("NetworkSettings", bound=TrainedSettings)


class SegmentationMethod(ABC, Generic[AnySettings]):
    """A method as the scripts see it.

    Parameters
    ----------
    settings
        Its entry of the configuration.
    contrasts
        Contrasts of the store, in the order of its arrays.
    classes
        Classes of the store.
    """

    def __init__(
        self, settings: AnySettings, contrasts: Sequence[str], classes: Sequence[str]
    ) -> None:
        self.settings = settings
        self.contrasts = list(settings.contrasts or contrasts)
        self.channels = [list(contrasts).index(contrast) for contrast in self.contrasts]
        self.classes = list(classes)

    @abstractmethod
    def train(self, job: "Job") -> None:
        """Write ``model.safetensors``, ``history.csv`` and ``run.json`` to the run's folder."""

    @abstractmethod
    def load(self, model: Path, device: str, threads: int) -> None:
        """Read a model that :meth:`train` wrote."""

    @abstractmethod
    def predict(self, case: "Case") -> np.ndarray:
        """Return probabilities (classes, x, y, z), float32, of a case of the store."""

    @abstractmethod
    def cost(self) -> dict[str, Any]:
        """Return ``parameters``, ``input_shape`` and ``multiply_adds`` of one forward pass."""

    def open_case(self, store: "CaseStore", name: str) -> "Case":
        """Open a case of the store with the contrasts of the method, in its order."""
        return store.open(name).only(self.channels)

    def require_same_input(self, model: Path) -> None:
        """Refuse a model of other contrasts or classes.

        Raises
        ------
        TrainingError
            If they differ.
        """
        from mribench.training.weights import read_description

        found = read_description(model)
        for key, expected in (("contrasts", self.contrasts), ("classes", self.classes)):
            if found[key] != expected:
                raise TrainingError(
                    describe(
                        subject=self.settings.method,
                        file=model,
                        found=f"{key} {', '.join(found[key])}",
                        expected=", ".join(expected),
                        remedy="predict with the data set that the model was trained for",
                    )
                )

    def description(self) -> dict[str, str]:
        """Return what a model file says of itself: one entry of canonical JSON."""
        content = {
            "settings": self.settings.model_dump(mode="json"),
            "contrasts": self.contrasts,
            "classes": self.classes,
        }
        return {"mribench": canonical(content)}


class NetworkMethod(SegmentationMethod[NetworkSettings]):
    """A method that is a network; its file says how to build it."""

    @abstractmethod
    def build_network(self) -> "torch.nn.Module":
        """Return the network with fresh weights: logits (batch, classes, *space)."""

    def logits(self, network: "torch.nn.Module", batch: "Batch") -> "torch.Tensor":
        """Return the logits of a batch; a network that wants to know its place overrides this."""
        return network(batch.images)

    @property
    def plane_axis(self) -> int | None:
        """Axis across the slices; None for blocks."""
        return PLANES[self.settings.plane] if isinstance(self.settings, SliceSettings) else None

    @property
    def mirror_axis(self) -> int | None:
        """Axis of a patch that runs from left to right; None for sagittal slices."""
        return None if self.plane_axis == 0 else 0

    def train(self, job: "Job") -> None:
        """Train the network; see ``mribench.training.loop``."""
        from mribench.training.workers import train

        train(self, job)

    def make_sampler(self, cases: Sequence["Case"], seed: int) -> "Sampler":
        """Return the source of the training batches."""
        from mribench.training.patches import PatchSampler

        settings = self.settings
        return PatchSampler(
            cases,
            settings.patch_size,  # type: ignore[attr-defined]
            self.plane_axis,
            settings.batch_size,
            settings.foreground,
            seed,
        )

    def load(self, model: Path, device: str, threads: int) -> None:
        """Build the network and read its weights."""
        from mribench.training.devices import choose_device, make_deterministic
        from mribench.training.weights import load_weights

        self.require_same_input(model)
        self.device = choose_device(device)
        make_deterministic(self.device, threads)
        self.network = self.build_network()
        self.network.load_state_dict(load_weights(model))
        self.network.to(self.device).eval()

    def volume_logits(
        self, network: "torch.nn.Module", case: "Case", device: "torch.device"
    ) -> "torch.Tensor":
        """Return the logits (classes, x, y, z) of a whole case."""
        from mribench.training import inference

        def forward(batch: "Batch") -> "torch.Tensor":
            return self.logits(network, batch)

        settings, classes = self.settings, len(self.classes)
        if isinstance(settings, VolumeSettings):
            window, overlap = settings.patch_size, settings.overlap
            return inference.predict_windows(
                forward, case, classes, window, overlap, settings.batch_size, device
            )
        axis = int(self.plane_axis or 0)
        return inference.predict_slices(forward, case, classes, axis, settings.batch_size, device)

    def predict(self, case: "Case") -> np.ndarray:
        """Return probabilities (classes, x, y, z); 0 outside the brain, where images are 0."""
        import torch

        from mribench.losses.segmentation import probabilities
        from mribench.training.ensembles import average_flips

        def predict_one(case: "Case") -> np.ndarray:
            with torch.inference_mode():
                logits = self.volume_logits(self.network, case, self.device)
                return probabilities(logits[None])[0].cpu().numpy()

        return average_flips(predict_one, case, self.settings.flips) * (np.asarray(case.mask) > 0)

    def cost(self) -> dict[str, Any]:
        """Return parameters and multiply-adds of one patch."""
        from mribench.training.cost import measure_network

        size = self.settings.patch_size  # type: ignore[attr-defined]
        return measure_network(self, (len(self.channels), *size))


def load_method(
    settings: config.Method, contrasts: Sequence[str], classes: Sequence[str]
) -> SegmentationMethod[Any]:
    """Return the method that `settings` belongs to.

    Parameters
    ----------
    settings
        Validated by the model of the method's own file.
    contrasts, classes
        Those of the store.
    """
    import importlib

    module = importlib.import_module(f"mribench.methods.{settings.method}")
    return module.Method(settings, contrasts, classes)
