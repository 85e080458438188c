"""One contrast of one subject at one site: the image and its truth on the scanner's grid."""

from dataclasses import dataclass

import numpy as np

from mribench.config import Site
from mribench.dataset.geometry import Grid
from mribench.dataset.phantoms.anatomy import Anatomy
from mribench.dataset.phantoms.contrast import HEAD_TISSUES, tissue_signals
from mribench.dataset.phantoms.fields import smooth_field
from mribench.dataset.phantoms.head import Head
from mribench.dataset.phantoms.lesions import Lesions
from mribench.dataset.phantoms.mimics import Mimics
from mribench.dataset.phantoms.scanner import add_noise, draw_bias, sample, sample_box, scanner_grid

TEXTURE = 0.025
TEXTURE_MM = 5.0
STEPS = 256


@dataclass(frozen=True)
class Subject:
    """A person to be scanned."""

    anatomy: Anatomy
    lesions: Lesions
    mimics: Mimics
    head: Head


@dataclass(frozen=True)
class Acquisition:
    """What a scan gives, and what it would be known to show.

    Attributes
    ----------
    grid
        The scanner's grid.
    motion
        Rigid motion (4 x 4, world mm) of the head from rest to this scan.
    image
        Magnitude image (x, y, z), uint16.
    bias
        Multiplicative bias field.
    brain
        Brain mask: voxels of which at least half is brain.
    tissues
        Fractions (3, x, y, z) of grey matter, white matter and cerebrospinal fluid;
        they sum to 1 in the brain mask and are 0 outside.
    lesions
        Lesion fraction.
    """

    grid: Grid
    motion: np.ndarray
    image: np.ndarray
    bias: np.ndarray
    brain: np.ndarray
    tissues: np.ndarray
    lesions: np.ndarray


def acquire(
    generator: np.random.Generator,
    contrast: str,
    site: Site,
    subject: Subject,
    motion: np.ndarray,
) -> Acquisition:
    """Scan a subject.

    Parameters
    ----------
    generator
        Source of texture, bias and noise.
    contrast
        Key of :data:`mribench.dataset.phantoms.contrast.PROTOCOLS`.
    site
        The scanner.
    subject
        The person.
    motion
        Where the head is during this scan.
    """
    spacing = site.t1w_spacing if contrast == "T1w" and site.t1w_spacing else site.spacing
    anatomy = subject.anatomy
    grid = scanner_grid(anatomy.grid, spacing)
    ideal = ideal_image(generator, contrast, site, subject)
    bias = quantise(draw_bias(generator, grid, site.bias))
    image = sample(ideal, anatomy.grid, grid, motion) * bias
    del ideal
    image = add_noise(generator, image, site.noise) * np.float32(generator.uniform(300, 900))
    whole = np.clip(np.rint(image), 0, 65535).astype(np.uint16)
    del image
    brain, tissues = sample_truth(anatomy, grid, motion)
    lesions = quantise(sample_box(subject.lesions.fraction, anatomy.box_grid, grid, motion))
    return Acquisition(grid, motion, whole, bias, brain, tissues, lesions * brain)


def ideal_image(
    generator: np.random.Generator,
    contrast: str,
    site: Site,
    subject: Subject,
) -> np.ndarray:
    """Return the signal at rest on the anatomy's grid, white matter about 1, float32."""
    anatomy, mimics = subject.anatomy, subject.mimics
    signals = tissue_signals(generator, contrast, site)
    weights = np.array([signals[name] for name in HEAD_TISSUES], np.float32)
    image = subject.head.signal(weights, anatomy.grid.shape)
    weights = np.array([signals[name] for name in ("grey", "white", "fluid")], np.float32)
    brain = np.tensordot(weights, anatomy.tissues, axes=1)
    strength = np.maximum(subject.lesions.strength, mimics.strength)
    brain += strength * np.float32(signals["gliosis"] - signals["white"])
    brain += mimics.choroid * np.float32(signals["grey"] - signals["fluid"])
    size = (1.0,) * 3
    brain *= 1 + TEXTURE * smooth_field(generator, brain.shape, size, TEXTURE_MM)
    if contrast == "FLAIR":
        brain += np.float32(signals["grey"]) * fluid_flow(generator, anatomy)
    image[anatomy.box] += np.maximum(brain, 0)
    return image


def fluid_flow(generator: np.random.Generator, anatomy: Anatomy) -> np.ndarray:
    """Return bright cerebrospinal fluid where pulsation spoils its suppression (FLAIR).

    Source: Lavdas et al., Magnetic Resonance Imaging 2013 (flow artefacts in FLAIR).
    """
    field = smooth_field(generator, anatomy.ventricles.shape, (1.0,) * 3, 6.0)
    return anatomy.tissues[2] * np.clip(0.6 * (field - 1.2), 0, 1.2)


def sample_truth(anatomy: Anatomy, grid: Grid, motion: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return brain mask and tissue fractions (grey, white, fluid) on the scanner's grid."""
    tissues = np.empty((3, *grid.shape), np.float32)
    for part, target in zip(anatomy.tissues, tissues, strict=True):
        target[:] = sample_box(part, anatomy.box_grid, grid, motion)
    scale = tissues.sum(axis=0)
    brain = np.asarray(scale >= 0.5)
    scale[~brain] = np.inf
    tissues[0] = quantise(tissues[0] / scale)
    tissues[1] = np.minimum(quantise(tissues[1] / scale), brain - tissues[0])
    tissues[2] = brain - tissues[0] - tissues[1]
    return brain, tissues


def quantise(array: np.ndarray) -> np.ndarray:
    """Round to multiples of 1/256: exact in sums, and small on disk."""
    return (np.rint(array * STEPS) / STEPS).astype(np.float32)
