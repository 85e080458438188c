"""What ``run.json`` and ``predictions.json`` say of where, when and with what they were made."""

import platform
import socket
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import torch

from mribench.training.devices import peak_memory_mb

PACKAGES = ("lightning-fabric", "numpy", "safetensors", "torch")


def now() -> str:
    """Return the time in UTC, to the second, in ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def machine(device: torch.device, packages: Sequence[str] = PACKAGES) -> dict[str, Any]:
    """Return host, device, versions and peak memory so far."""
    gpu = torch.cuda.get_device_name(device) if device.type == "cuda" else None
    return {
        "host": socket.gethostname(),
        "system": platform.platform(),
        "device": gpu or platform.machine(),
        "accelerator": device.type,
        "versions": {"python": platform.python_version(), **{n: version(n) for n in packages}},
        "peak_memory_mb": peak_memory_mb(device),
    }
