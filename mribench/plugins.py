"""Finding recipes, back ends, methods and presets by the names of their files."""

import ast
import importlib
import json
import pkgutil
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from mribench.suggestions import nearest

PACKAGE = Path(__file__).parent


def unknown(key: str, value: str, known: Iterable[str]) -> str:
    """Return ``key: unknown value …, did you mean …? (known: …)``."""
    hint = nearest(value, known)
    guess = f", did you mean {hint}?" if hint else ""
    listing = ", ".join(sorted(known))
    return f"{key}: unknown name {value!r}{guess} (known: {listing})"


def plugins(folder: str) -> tuple[str, ...]:
    """Return the public module names in ``mribench/<folder>``, sorted, without importing them."""
    path = PACKAGE.joinpath(*folder.split("."))
    names = (item.name for item in pkgutil.iter_modules([str(path)]))
    return tuple(sorted(name for name in names if not name.startswith("_")))


def backends(stage: str) -> tuple[str, ...]:
    """Return the back ends of a preprocessing stage: ``none`` where a stage may be left out."""
    prefix = f"{stage}_"
    found = plugins("preprocessing.backends")
    return tuple(name.removeprefix(prefix) for name in found if name.startswith(prefix))


def settings_read(stage: str, backend: str) -> tuple[str, ...]:
    """Return the settings that a back end declares to read: ``READS`` in its file.

    The file is not imported, so that a configuration can be checked before any tool is loaded.
    """
    path = PACKAGE / "preprocessing/backends" / f"{stage}_{backend}.py"
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "READS":
            return tuple(ast.literal_eval(node.value))
    raise LookupError(f"{path.name} declares no READS")


def method_settings(name: str) -> Any:
    """Return the settings model of ``mribench/methods/<name>.py``.

    Raises
    ------
    ValueError
        If there is no such method.
    """
    known = method_names()
    if name not in known:
        raise ValueError(unknown("method", name, known))
    return importlib.import_module(f"mribench.methods.{name}").Settings


def method_names() -> tuple[str, ...]:
    """Return the names of all methods: the modules in ``mribench/methods`` that hold one."""
    return tuple(name for name in plugins("methods") if name != "base")


def presets() -> tuple[str, ...]:
    """Return the names of the metric presets."""
    return tuple(sorted(path.stem for path in PACKAGE.glob("metrics/presets/*.json")))


def preset_problem(preset: str, labels: Mapping[str, int], ignore: Collection[int]) -> str:
    """Say why a preset cannot score these labels; empty where it can.

    Only what the check needs is read from the preset's file, so that the configuration can be
    checked before anything of the metrics is loaded.

    Parameters
    ----------
    preset
        Name of a preset that exists.
    labels
        Voxel value of each label that is to be scored.
    ignore
        Voxel values that the study itself leaves out.
    """
    content = json.loads((PACKAGE / f"metrics/presets/{preset}.json").read_text(encoding="utf-8"))
    ignored = {*content.get("ignore", ()), *ignore}
    problems = (
        label_problem(name, value, preset, ignored, content.get("values"))
        for name, value in labels.items()
    )
    return next(filter(None, problems), "")


def label_problem(
    name: str, value: int, preset: str, ignored: Collection[int], known: Collection[int] | None
) -> str:
    """Say why a preset cannot score one label; empty where it can."""
    if value in ignored:
        return (
            f"{preset} leaves out voxels of value {value}, which is label {name!r} here; "
            "choose another preset or another value for the label"
        )
    if known is not None and value not in known:
        listing = ", ".join(map(str, known))
        return (
            f"{preset} knows the values {listing}, but label {name!r} has {value}; "
            "choose another preset or another value for the label"
        )
    return ""
