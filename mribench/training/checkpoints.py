"""States of an unfinished training: tensors as safetensors, the rest as JSON.

Each state is two files named by its number; the JSON file is written last and holds the
checksum of the other. The last two states are kept, so that a damaged one can be
passed over.
"""

import fcntl
import logging
import os
import shutil
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from mribench import files
from mribench.errors import MribenchError, TrainingError, describe
from mribench.training.weights import load_weights, save_weights

LOG = logging.getLogger("mribench")
KEPT = 2
LOCK = "lock"


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
    save_weights(path, tensors)
    content = {"checksum": files.checksum(path), "content": state.content}
    files.write_json(path.with_suffix(".json"), content)
    kept = {path.stem for path in sorted(folder.glob("*.json"))[-KEPT:]}
    for path in folder.iterdir():
        # A process that was killed while it wrote leaves half a state behind.
        if path.stem not in kept:
            path.unlink()


def load_state(folder: Path) -> State | None:
    """Return the newest undamaged state, or None where there is none."""
    for path in sorted(folder.glob("*.json"), reverse=True):
        tensors = path.with_suffix(".safetensors")
        try:
            described = files.read_json(path)
            if files.checksum(tensors) == described["checksum"]:
                return State(load_weights(tensors), described["content"])
            reason = "its checksum differs"
        except (OSError, MribenchError, KeyError) as error:
            reason = str(error)
        LOG.warning("%s: damaged state passed over (%s)", path, reason)
    return None


def remove_states(folder: Path) -> None:
    """Delete the states of a finished run, those of other settings included."""
    shutil.rmtree(folder.parent, ignore_errors=True)


@contextmanager
def sole_process(folder: Path, title: str) -> Iterator[None]:
    """Make sure that one process alone trains a run; the killed leave no lock behind.

    Parameters
    ----------
    folder
        Folder of the run's states; the lock stands beside it.
    title
        The run in words.

    Raises
    ------
    TrainingError
        If another process is at it: a Snakemake that was killed leaves its jobs running.
    """
    path = folder.parent / LOCK
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            stream.seek(0)
            raise TrainingError(_taken(title, path, stream.read().split())) from error
        except OSError as error:
            LOG.warning("%s: this file system has no locks (%s); see to it that", path, error)
            LOG.warning("%s is trained by one process only", title)
        stream.truncate(0)
        print(os.getpid(), socket.gethostname(), file=stream, flush=True)
        yield


def _taken(title: str, path: Path, owner: list[str]) -> str:
    process, host = owner if len(owner) == 2 else ("unknown", "unknown")
    return describe(
        subject=title,
        file=path,
        found=f"process {process} on {host} at this training",
        expected="no other one",
        remedy=f"end it with `kill {process}` there, which saves its state, and start again",
    )


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
