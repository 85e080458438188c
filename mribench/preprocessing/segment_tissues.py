"""Divide the brain into grey matter, white matter and cerebrospinal fluid."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from mribench import programs
from mribench.config import Tissues
from mribench.dataset.geometry import Grid
from mribench.files import make_image, read_image, write_image, write_table
from mribench.preprocessing.checks import check_image, fail
from mribench.preprocessing.plugin import backend
from mribench.preprocessing.sidecars import raw_uri, uri, write_sidecar
from mribench.preprocessing.tissue_order import TISSUES
from mribench.preprocessing.transforms import case_name

NAMES = {"GM": "Gray Matter", "WM": "White Matter", "CSF": "Cerebrospinal Fluid"}
LEAST_SHARE = 0.02


def segment_image(
    image: Path,
    mask: Path,
    labels: Path,
    probabilities: Sequence[Path],
    lookup: Path,
    contrast: str,
    settings: Tissues,
    threads: int,
    given: Path | None = None,
    values: Mapping[str, int] | None = None,
) -> None:
    """Segment a brain; write labels, one probability map per tissue and the look-up table.

    Parameters
    ----------
    image, mask
        The bias-corrected anatomy and its brain mask.
    labels
        Where the labels go, in the order of BIDS: 1 grey, 2 white, 3 fluid.
    probabilities
        Where the probability maps go, in the same order.
    lookup
        Table of label, name and abbreviation.
    contrast
        The image's contrast: it decides which tissue is the brightest.
    settings
        Back end and its parameters.
    threads
        Number of threads.
    given, values
        The data set's own labels and the number of each tissue in them, for the back end
        ``given``.

    Raises
    ------
    StageError
        If a tissue takes less than a fiftieth of the brain.
    ToolError
        If the program of the back end is missing or failed.
    """
    module = backend("segment_tissues", settings.backend)
    source = read_image(image)
    inside = np.asanyarray(read_image(mask).dataobj) > 0
    own = {} if given is None else {"given": given, "values": values}
    with programs.concerning(case_name(image), image):
        found = module.segment_tissues(source, inside, contrast, settings, threads, **own)
    dseg = label_tissues(found, inside)
    if settings.backend != "none":
        _check_shares(dseg, labels)
    parameters = settings.model_dump(mode="json", exclude=settings.unread())
    parameters["contrast"] = contrast
    sources = [uri(image, labels), uri(mask, labels)]
    if given is not None:
        parameters["values"] = values
        sources.append(raw_uri(given))
    for path, array in zip((labels, *probabilities), (dseg, *found), strict=True):
        made = make_image(array, source.affine)
        if settings.backend != "none":
            check_image(made, Grid.of(source), path)
        write_image(path, made)
        fields = {"Manual": False, "SpatialReference": uri(image, path)}
        write_sidecar(path, module.TOOL, sources, parameters, threads, **fields)
    write_lookup(lookup)


def label_tissues(probabilities: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Return the likeliest tissue (uint8: 1 grey, 2 white, 3 fluid; 0 where there is none).

    Parameters
    ----------
    probabilities
        (3, x, y, z) in the order grey, white, fluid.
    mask
        The brain (x, y, z).
    """
    known = mask & (probabilities > 0).any(axis=0)
    return np.where(known, 1 + np.argmax(probabilities, axis=0), 0).astype(np.uint8)


def write_lookup(path: Path) -> None:
    """Write the table that says which label is which tissue (BIDS)."""
    rows = [
        {"index": label, "name": NAMES[tissue], "abbreviation": tissue}
        for label, tissue in enumerate(TISSUES, start=1)
    ]
    write_table(path, rows, ("index", "name", "abbreviation"))


def _check_shares(dseg: np.ndarray, file: Path) -> None:
    counts = np.bincount(dseg.ravel(), minlength=4)[1:]
    for tissue, share in zip(TISSUES, counts / counts.sum(), strict=True):
        if share < LEAST_SHARE:
            raise fail(
                file,
                f"{NAMES[tissue].lower()} in {share:.1%} of the brain",
                f"at least {LEAST_SHARE:.0%}",
                "look at the brain mask and at the image's contrast",
            )
