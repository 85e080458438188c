"""States of an unfinished training: tensors as safetensors, the rest as JSON.

Each state is two files named by its number; the JSON file is written last and holds the
checksum of the other. The last two states are kept, so that a damaged one can be
passed over.
"""

import logging
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from mribench import files

LOG = logging.getLogger("mribench")
KEPT = 2


class State(NamedTuple):
    """Everything that a training needs to go on: tensors by name, and plain data."""

    tensors: dict[str, Tensor]
    content: dict[str, Any]


def save_state(folder: Path, number: int, state: State) -> None:
    """Write a state atomically and remove all but the last two.

    Parameters
    ----------
    folder
        Folder of the run's states.
    number
        Grows from state to state: batches seen.
    state
        What to write.
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in state.tensors.items()}
    path = folder / f"{number:09d}.safetensors"
    with files.atomic(path) as temporary:
        save_file(tensors, temporary)
    content = {"checksum": files.checksum(path), "content": state.content}
    files.write_json(path.with_suffix(".json"), content)
    for old in sorted(folder.glob("*.json"))[:-KEPT]:
        old.unlink()
        old.with_suffix(".safetensors").unlink(missing_ok=True)


def load_state(folder: Path) -> State | None:
    """Return the newest undamaged state, or None where there is none."""
    for path in sorted(folder.glob("*.json"), reverse=True):
        tensors = path.with_suffix(".safetensors")
        try:
            described = files.read_json(path)
            if files.checksum(tensors) == described["checksum"]:
                return State(load_file(tensors), described["content"])
            reason = "its checksum differs"
        except (OSError, ValueError, KeyError, SafetensorError) as error:
            reason = str(error)
        LOG.warning("%s: damaged state passed over (%s)", path, reason)
    return None


def remove_states(folder: Path) -> None:
    """Delete the states of a finished run, those of other settings included."""
    shutil.rmtree(folder.parent, ignore_errors=True)


def join_groups(groups: Mapping[str, Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """Return the tensors of all groups by ``<group>/<name>``."""
    return {
        f"{group}/{name}": tensor
        for group, tensors in groups.items()
        for name, tensor in tensors.items()
    }


def split_groups(tensors: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    """Return the groups that :func:`join_groups` joined."""
    groups: dict[str, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        group, name = key.split("/", 1)
        groups.setdefault(group, {})[name] = tensor
    return groups


def flatten_optimiser(state: dict[str, Any]) -> dict[str, Tensor]:
    """Return the tensors of an optimiser's ``state_dict()`` by ``<parameter>.<name>``."""
    return {
        f"{index}.{name}": tensor
        for index, entries in state["state"].items()
        for name, tensor in entries.items()
    }


def restore_optimiser(state: dict[str, Any], tensors: dict[str, Tensor]) -> dict[str, Any]:
    """Return `state`, an optimiser's ``state_dict()``, with the tensors put back."""
    entries: dict[int, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        index, name = key.split(".", 1)
        entries.setdefault(int(index), {})[name] = tensor
    return {**state, "state": entries}
