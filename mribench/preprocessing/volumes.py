"""The volumes of a case in ml: tissues, brain, and the classes of its reference label.

Nothing is resampled: tissues are measured on the grid of the anatomical contrast, labels
on their own.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mribench.config import Label, Model
from mribench.dataset.geometry import Grid
from mribench.failures import read_failure
from mribench.files import read_image, read_table, write_json, write_table
from mribench.preprocessing.segment_tissues import NAMES
from mribench.preprocessing.sidecars import Tool, raw_uri, sidecar_path, uri, write_sidecar
from mribench.preprocessing.tissue_order import TISSUES

INTRACRANIAL = "intracranial"
DECIMALS = 3


class VolumeSettings(Model):
    """Which volumes are measured."""

    anatomy: str = "T1w"
    """The contrast that mask and tissues stand on."""
    label: Label = Label()
    """Voxel values of the classes."""


def measure_case(
    mask: Path,
    probabilities: Sequence[Path],
    label: Path | None,
    output: Path,
    settings: VolumeSettings,
) -> None:
    """Write the volumes of a case as a table of one row, with a sidecar that explains it.

    Parameters
    ----------
    mask
        The brain mask.
    probabilities
        Its probability maps of grey matter, white matter and fluid.
    label
        The reference label as it came; None gives ``n/a`` for its classes.
    output
        The table.
    settings
        Classes of the label.
    """
    volumes: dict[str, float | None] = {
        tissue: sum_ml(path) for tissue, path in zip(TISSUES, probabilities, strict=True)
    }
    volumes[INTRACRANIAL] = count_ml(mask)
    for name, value in settings.label.values.items():
        volumes[reference_column(name)] = count_ml(label, value) if label else None
    write_table(output, [volumes], list(volumes))
    sources = [uri(path, output) for path in (mask, *probabilities)]
    sources += [raw_uri(label)] if label else []
    parameters = settings.model_dump(mode="json")
    columns: dict[str, Any] = {**describe_columns(list(settings.label.values))}
    write_sidecar(output, Tool("measure_volumes"), sources, parameters, **columns)


def sum_ml(path: Path) -> float:
    """Return the volume of a tissue in ml: the sum of its probabilities over the voxels."""
    image = read_image(path)
    total = float(np.asanyarray(image.dataobj).sum(dtype=np.float64))
    return round(total * Grid.of(image).voxel_ml, DECIMALS)


def count_ml(path: Path, value: int | None = None) -> float:
    """Return the volume in ml of the voxels with a value, or of all that are not 0."""
    image = read_image(path)
    array = np.asanyarray(image.dataobj)
    voxels = array > 0 if value is None else array == value
    return round(int(voxels.sum()) * Grid.of(image).voxel_ml, DECIMALS)


def reference_column(name: str) -> str:
    """Return the column of a class of the reference label."""
    return f"reference_{name}"


def describe_columns(classes: Sequence[str]) -> dict[str, dict[str, str]]:
    """Return what BIDS wants to know of each column."""
    found = {
        tissue: f"{NAMES[tissue]}: sum of the probabilities, so that mixed voxels count in part"
        for tissue in TISSUES
    }
    found[INTRACRANIAL] = "Brain mask: everything the skull strip kept, fluid included"
    for name in classes:
        found[reference_column(name)] = f"Voxels of the reference label that are {name}"
    return {name: {"Description": text, "Units": "mL"} for name, text in found.items()}


def case_table(folder: Path, case: str) -> Path:
    """Return where the volumes of a case stand in the folder of a variant."""
    return folder / case.replace("_", "/") / "anat" / f"{case}_volumes.tsv"


def collect_volumes(tables: Mapping[str, Path], output: Path, classes: Sequence[str]) -> None:
    """Write the volumes of all cases as one table, with a sidecar.

    Parameters
    ----------
    tables
        The table of each case; one whose preprocessing failed gets ``n/a`` everywhere.
    output
        The table of the study.
    classes
        Classes of the reference label.
    """
    columns = describe_columns(classes)
    unknown: dict[str, Any] = dict.fromkeys(columns)
    rows = [
        {"case": case, **(unknown if read_failure(path) else read_table(path)[0])}
        for case, path in sorted(tables.items())
    ]
    write_table(output, rows, ["case", *columns])
    described: dict[str, Any] = {"case": {"Description": "Subject, and session if any"}, **columns}
    write_json(sidecar_path(output), described)
