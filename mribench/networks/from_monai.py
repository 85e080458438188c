"""Networks of MONAI by name, with the conventions of this package around them."""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from torch import Tensor, nn

from mribench.errors import TrainingError, describe
from mribench.networks.blocks import Dimension, check_input, crop, pad_to_multiple
from mribench.suggestions import nearest

SMALLEST = 2


class MonaiNetwork(nn.Module):
    """A network of ``monai.networks.nets`` for images of any size.

    Parameters
    ----------
    dimension
        2 for slices, 3 for volumes.
    channels, classes
        Contrasts, and logits per voxel.
    name
        Name of the class.
    arguments
        What it is built with; the number of axes and channels, and the size of the image
        where it wants to know, are filled in.
    image_size
        Voxels of a patch.
    divisor
        The input is padded with zeros to multiples of this, and the logits cropped back.

    Raises
    ------
    TrainingError
        If MONAI has no such network, or does not take the arguments.
    """

    def __init__(
        self,
        dimension: Dimension,
        channels: int,
        classes: int,
        name: str,
        arguments: Mapping[str, Any],
        image_size: Sequence[int],
        divisor: int,
    ) -> None:
        from monai.utils.module import OptionalImportError

        super().__init__()
        self.channels, self.name, self.divisor = channels, name, divisor
        build = find_network(name)
        given = {
            "spatial_dims": dimension,
            "in_channels": channels,
            "out_channels": classes,
            "img_size": [-(-size // divisor) * divisor for size in image_size],
        }
        known = inspect.signature(build).parameters
        try:
            keys = {key: value for key, value in given.items() if key in known}
            self.network = build(**{**keys, **arguments})
        except OptionalImportError as error:
            self._refuse("the packages", error, "install what MONAI names, as pip install einops")
        except (TypeError, ValueError, AssertionError) as error:
            self._refuse("the arguments", error, "correct `arguments`; see MONAI's documentation")

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (batch, classes, *space) of images (batch, channels, *space)."""
        from monai.utils.module import OptionalImportError

        check_input(images, self.channels, SMALLEST, self.name)
        try:
            logits = self.network(pad_to_multiple(images, self.divisor))
        except OptionalImportError as error:
            self._refuse("the packages", error, "install what MONAI names, as pip install einops")
        except ValueError as error:
            self._refuse("the input", error, "enlarge patch_size or change `arguments`")
        if isinstance(logits, list | tuple) and len(logits) == 1:
            logits = logits[0]
        if not isinstance(logits, Tensor) or logits.ndim != images.ndim:
            self._refuse("the output", "more than one", "turn deep supervision off")
        return crop(logits, images.shape[2:])

    def _refuse(self, what: str, found: object, remedy: str) -> NoReturn:
        raise TrainingError(
            describe(
                subject=f"MONAI's {self.name}",
                file=what,
                found=str(found).splitlines()[0],
                expected="what the network takes and one map of logits",
                remedy=remedy,
            )
        )


def find_network(name: str) -> type[nn.Module]:
    """Return the class of a name in ``monai.networks.nets``.

    Raises
    ------
    TrainingError
        If there is none.
    """
    from monai.networks import nets

    classes = {
        key: value
        for key, value in vars(nets).items()
        if inspect.isclass(value) and issubclass(value, nn.Module)
    }
    if name in classes:
        return classes[name]
    guess = nearest(name, classes)
    raise TrainingError(
        describe(
            subject=f"network {name}",
            file="monai.networks.nets",
            found="no network of this name",
            expected="one of MONAI's networks",
            remedy=f"did you mean {guess}?" if guess else "see MONAI's list of networks",
        )
    )
