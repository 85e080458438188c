"""Tensors on disk, atomically: safetensors, which holds numbers and can run nothing."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from torch import Tensor

from mribench import files
from mribench.errors import TrainingError, describe


def save_weights(
    path: Path,
    tensors: Mapping[str, Tensor],
    metadata: Mapping[str, str] | None = None,
    sealed: bool = False,
) -> None:
    """Write named tensors, with text about them.

    The bytes are written by Python: the library's own writer does not tell a full disk from
    other errors.
    """
    content = save(dict(tensors), dict(metadata) if metadata else None)
    with files.atomic(path, sealed) as temporary:
        temporary.write_bytes(content)


def load_weights(path: Path) -> dict[str, Tensor]:
    """Read named tensors.

    Raises
    ------
    DataError
        If it is not the file that was written.
    TrainingError
        If it is no safetensors file; a pickle is never opened.
    """
    files.require_sealed(path)
    try:
        return load_file(path)
    except SafetensorError as error:
        raise _refusal(path, error) from error


def read_description(path: Path) -> dict[str, Any]:
    """Return what a model file says of itself: settings, contrasts and classes.

    Raises as :func:`load_weights`, and where the file says nothing.
    """
    files.require_sealed(path)
    try:
        with safe_open(path, framework="numpy") as content:
            return json.loads(content.metadata()["mribench"])
    except (SafetensorError, TypeError, KeyError, ValueError) as error:
        raise _refusal(path, error) from error


def _refusal(path: Path, error: Exception) -> TrainingError:
    return TrainingError(
        describe(
            subject="model",
            file=path,
            found=f"no weights that mribench wrote ({error})",
            expected="safetensors; pickled weights (.pt, .pth) are never opened",
            remedy="train the run again",
        )
    )
