"""What ``run.json`` and ``predictions.json`` say of where, when and with what they were made."""

import platform
import socket
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import torch

from mribench import provenance
from mribench.training.devices import peak_memory_mb

PACKAGES = ("lightning-fabric", "numpy", "safetensors", "torch")
Session = dict[str, Any]


def now() -> str:
    """Return the time in UTC, to the second, in ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def place(device: torch.device, devices: int = 1) -> dict[str, Any]:
    """Return host, device, how many of them, and peak memory so far of this process."""
    gpu = torch.cuda.get_device_name(device) if device.type == "cuda" else None
    return {
        "host": socket.gethostname(),
        "system": platform.platform(),
        "device": gpu or platform.machine(),
        "accelerator": device.type,
        "devices": devices,
        "peak_memory_mb": peak_memory_mb(device),
    }


def software(packages: Sequence[str] = PACKAGES) -> dict[str, Any]:
    """Return the git state of the code and the versions of Python and packages."""
    return {
        "code": provenance.code_version(),
        "versions": {"python": platform.python_version(), **{n: version(n) for n in packages}},
    }


def join(sessions: Sequence[Session]) -> dict[str, Any]:
    """Return what the sessions of a training, between its interruptions, make together.

    Parameters
    ----------
    sessions
        ``start``, ``end`` and ``seconds`` of each, and what :func:`place` returns.

    Returns
    -------
    First start, last end, sum of the seconds, largest memory, the last place; and the
    sessions one by one where there were several.
    """
    memory: dict[str, float] = {}
    for session in sessions:
        for kind, value in session["peak_memory_mb"].items():
            memory[kind] = max(value, memory.get(kind, 0.0))
    several = {"sessions": list(sessions)} if len(sessions) > 1 else {}
    return {
        **sessions[-1],
        "start": sessions[0]["start"],
        "seconds": round(sum(session["seconds"] for session in sessions), 2),
        "peak_memory_mb": memory,
        **several,
    }
