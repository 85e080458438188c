"""Simulating a whole data set: subjects side by side, the same bytes for any number of workers."""

import logging
import multiprocessing
import shutil
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from mribench.config import Phantoms
from mribench.dataset.phantoms import bids
from mribench.dataset.phantoms.acquisition import Subject, acquire
from mribench.dataset.phantoms.anatomy import make_anatomy
from mribench.dataset.phantoms.contrast import PROTOCOLS
from mribench.dataset.phantoms.deformation import draw_deformation
from mribench.dataset.phantoms.given import given_source
from mribench.dataset.phantoms.head import build_head
from mribench.dataset.phantoms.lesions import draw_lesions
from mribench.dataset.phantoms.mimics import draw_mimics
from mribench.dataset.phantoms.scanner import draw_motion
from mribench.dataset.phantoms.sources import Source, template_source
from mribench.errors import ConfigError, DataError, describe
from mribench.files import write_text

LOGGER = logging.getLogger("mribench")
AGES = (30.0, 85.0)
Job = tuple[Phantoms, tuple[str, ...], Path, int]


def simulate(settings: Phantoms, contrasts: Sequence[str], target: Path, workers: int) -> None:
    """Write a BIDS data set of simulated subjects with exact truth.

    Parameters
    ----------
    settings
        How many subjects, sites, lesions, and the seed.
    contrasts
        Any of T1w, T2w, FLAIR, PDw. Lesion masks stand on the grid of the FLAIR, or of
        the first contrast where there is no FLAIR.
    target
        Folder of the data set. One that holds phantoms already is replaced; its
        ``dataset_description.json`` is written last.
    workers
        Processes; the bytes do not depend on it.

    Raises
    ------
    ConfigError
        If a contrast cannot be simulated.
    DataError
        If `target` holds anything else, or a given anatomy cannot be used.
    """
    for contrast in contrasts:
        if contrast not in PROTOCOLS:
            known = ", ".join(PROTOCOLS)
            raise ConfigError(f"contrasts: {contrast!r} cannot be simulated (known: {known})")
    _clear(target)
    jobs = [(settings, tuple(contrasts), target, index) for index in range(settings.subjects)]
    context = multiprocessing.get_context("spawn")
    rows = []
    if workers == 1:
        results = map(simulate_subject, jobs)
        rows = _collect(results)
    else:
        with ProcessPoolExecutor(min(workers, len(jobs)), mp_context=context) as pool:
            rows = _collect(pool.map(simulate_subject, jobs))
    bids.write_frame(target, rows, reference_contrast(contrasts))


def _collect(results: Any) -> list[dict[str, object]]:
    rows = []
    for row in results:
        LOGGER.info("%s: simulated (%s)", row["participant_id"], row["site"])
        rows.append(row)
    return rows


def _clear(target: Path) -> None:
    readme = target / "README.md"
    if target.is_dir() and any(target.iterdir()):
        if not (readme.is_file() and readme.read_text("utf-8").startswith(bids.HEADLINE)):
            raise DataError(
                describe(
                    subject="phantoms",
                    file=target,
                    found="a folder with other content",
                    expected="an empty folder or phantoms",
                    remedy="choose another output folder",
                )
            )
        shutil.rmtree(target)
    write_text(readme, bids.HEADLINE + "\n")


def reference_contrast(contrasts: Sequence[str]) -> str:
    """Return the contrast whose grid holds the lesion masks."""
    return "FLAIR" if "FLAIR" in contrasts else contrasts[0]


def simulate_subject(job: Job) -> dict[str, object]:
    """Simulate and write one subject; return its row of participants.tsv."""
    with threadpool_limits(1):
        return _simulate_subject(*job)


def _simulate_subject(
    settings: Phantoms, contrasts: tuple[str, ...], target: Path, index: int
) -> dict[str, object]:
    subject = f"sub-{index + 1:0{max(2, len(str(settings.subjects)))}d}"
    site = list(settings.sites)[index % len(settings.sites)]
    *seeds, scans = np.random.SeedSequence([settings.seed, index]).spawn(4)
    person, lesion, around = (np.random.default_rng(seed) for seed in seeds)
    age = round(float(person.uniform(*AGES)), 1)
    sex = str(person.choice(["F", "M"]))
    source = choose_source(settings, index)
    deformation = draw_deformation(person, source, age, settings.deformation_mm)
    anatomy = make_anatomy(person, source, deformation, age)
    lesions = draw_lesions(lesion, anatomy, settings.lesion_ml)
    scanned = Subject(anatomy, lesions, draw_mimics(lesion, anatomy), build_head(around, anatomy))
    reference = reference_contrast(contrasts)
    motions = {}
    for contrast, seed in zip(PROTOCOLS, scans.spawn(len(PROTOCOLS)), strict=True):
        if contrast not in contrasts:
            continue
        generator = np.random.default_rng(seed)
        motions[contrast] = draw_motion(generator, source.centre, settings.motion_mm)
        scan = acquire(generator, contrast, settings.sites[site], scanned, motions[contrast])
        bids.write_scan(target, subject, contrast, site, settings.sites[site], scan)
        if contrast == reference:
            bids.write_label(target, subject, reference, scan)
    bids.write_motion(target, subject, reference, motions)
    return {
        "participant_id": subject,
        "site": site,
        "age": age,
        "sex": sex,
        "group": "patient",
    }


def choose_source(settings: Phantoms, index: int) -> Source:
    """Return the anatomy of subject `index`: given ones in turn, or the template."""
    if not settings.anatomy:
        return template_source()
    return given_source(settings.anatomy[index % len(settings.anatomy)])
