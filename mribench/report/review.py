"""The preprocessing review of one case: a page that shows it, and its numbers for programs."""

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel

from mribench.errors import DataError, describe
from mribench.files import atomic, read_image, read_table, write_json, write_text
from mribench.report import mosaic, slices
from mribench.report.review_pictures import (
    TISSUES,
    Picture,
    Registration,
    cut_anatomy,
    draw_bias,
    draw_mask,
    draw_registration,
    draw_thumbnail,
    draw_tissues,
    field_range,
)
from mribench.report.settings import ReviewSettings
from mribench.report.templates import render
from mribench.report.tissue_histogram import HEIGHT, WIDTH, Histogram, make_histogram

TEMPLATE = "datasets/data/mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz"


@dataclass(frozen=True)
class ReviewFiles:
    """The files of a case that its review looks at; dictionaries go by contrast."""

    conformed: dict[str, Path]
    corrected: dict[str, Path]
    field: dict[str, Path]
    resampled: dict[str, Path]
    labels: Path
    mask: Path
    tissues: Path
    volumes: Path


@dataclass(frozen=True)
class ReviewOutputs:
    """What the review of a case writes: page, numbers (JSON) and a small picture (PNG)."""

    page: Path
    record: Path
    thumbnail: Path


def review_case(
    case: str,
    settings: ReviewSettings,
    files: ReviewFiles,
    registrations: Mapping[str, Registration],
    outputs: ReviewOutputs,
) -> None:
    """Write the page of one case, which carries its pictures, its numbers and its thumbnail.

    Parameters
    ----------
    case
        What is reviewed.
    settings
        Variant and contrasts.
    files
        The outputs of the stages.
    registrations
        The registrations of the case, by the contrast that was moved, or ``template``.
    outputs
        The files to write.
    """
    record = {
        "case": case,
        "variant": settings.variant,
        "volumes": read_volumes(files.volumes),
        "bias": measure_bias(settings, files),
        "registrations": {key: pair.record for key, pair in registrations.items()},
    }
    write_json(outputs.record, record)
    image, mask, labels = (
        read_volume(path) for path in (files.corrected[settings.anatomy], files.mask, files.tissues)
    )
    anatomy = cut_anatomy(settings.anatomy, image, mask, labels)
    with atomic(outputs.thumbnail) as temporary:
        temporary.write_bytes(mosaic.encode(draw_thumbnail(anatomy)))
    pictures = [draw_mask(anatomy), draw_tissues(anatomy)]
    pictures += [draw_contrast_bias(files, contrast) for contrast in settings.contrasts]
    pictures += [draw_registration(key, pair) for key, pair in registrations.items()]
    content = page_content(case, record, pictures, draw_histograms(settings, files))
    write_text(outputs.page, render("review.html.j2", **content))


def page_content(
    case: str, record: dict[str, Any], pictures: list[Picture], histograms: list[Histogram]
) -> dict[str, Any]:
    """Return what the template of the page fills in."""
    flawed = [picture for picture in pictures if picture.flaws]
    return {
        "case": case,
        "variant": record["variant"],
        "overview": f"{'../' * (case.count('_') + 2)}review/index.html",
        "pictures": pictures,
        "flawed": flawed,
        "volumes": rows_of(record["volumes"]),
        "registrations": list(record["registrations"].values()),
        "histograms": histograms,
        "size": (WIDTH, HEIGHT),
    }


def read_volume(path: Path) -> slices.Volume:
    """Read an image in RAS+ order."""
    return slices.canonical(read_image(path))


def read_volumes(table: Path) -> dict[str, float]:
    """Return the volumes in ml of the brain mask and of each tissue from the case's table."""
    row = read_table(table)[0]
    tissues = {name: float(row[name]) for name in TISSUES}
    return {"brain": float(row["intracranial"]), **tissues}


def measure_bias(settings: ReviewSettings, files: ReviewFiles) -> dict[str, dict[str, float]]:
    """Return the 1st and 99th percentile of every bias field inside the head."""
    found = {}
    for contrast in settings.contrasts:
        before = read_volume(files.conformed[contrast]).array
        bias = read_volume(files.field[contrast]).array
        low, high = field_range(bias, before > before.mean())
        found[contrast] = {"low": round(low, 3), "high": round(high, 3)}
    return found


def rows_of(volumes: dict[str, float]) -> list[tuple[str, str, str]]:
    """Return name, ml and share of the brain for every volume, as text."""
    brain = volumes["brain"]
    return [
        (name, f"{volume:.1f}", f"{volume / brain:.1%}" if brain else "n/a")
        for name, volume in volumes.items()
    ]


def draw_contrast_bias(files: ReviewFiles, contrast: str) -> Picture:
    """Draw what bias correction did to a contrast."""
    paths = (files.conformed[contrast], files.corrected[contrast], files.field[contrast])
    return draw_bias(contrast, *(read_volume(path) for path in paths))


def draw_histograms(settings: ReviewSettings, files: ReviewFiles) -> list[Histogram]:
    """Return the histograms by tissue of every contrast, on the grid of the variant."""
    labels = read_volume(files.labels).array
    drawn = [
        make_histogram(contrast, read_volume(files.resampled[contrast]).array, labels, TISSUES)
        for contrast in settings.contrasts
    ]
    return [histogram for histogram in drawn if histogram is not None]


def coarse_template() -> nibabel.Nifti1Image:
    """Return the MNI152 template (skull-stripped T1w) at 2 mm.

    It is read from nilearn's folder, because importing nilearn takes longer than all the
    rest of a review.

    Raises
    ------
    DataError
        If nilearn does not carry the template where this version expects it.
    """
    found: Any = importlib.util.find_spec("nilearn")
    path = Path(found.origin).parent / TEMPLATE
    if not path.exists():
        raise DataError(
            describe(
                subject="template",
                file=path,
                found="no file",
                expected="the MNI152 template that comes with nilearn",
                remedy="install the version of nilearn named in the requirements",
            )
        )
    image: nibabel.Nifti1Image = read_image(path).slicer[::2, ::2, ::2]
    return image
