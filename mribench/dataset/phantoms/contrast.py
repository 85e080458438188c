"""Signal of each tissue in each contrast, from relaxation times and signal equations.

Relaxation times at 1.5 T are those of the BrainWeb phantom (Kwan, Evans, Pike,
IEEE Transactions on Medical Imaging 18 (1999) 1085-1097): T1, T2, T2* in ms and
proton density. Gliosis is BrainWeb's multiple sclerosis lesion, vitreous is taken as
cerebrospinal fluid, marrow as fat with fewer visible protons.
"""

from dataclasses import dataclass

import numpy as np

from mribench.config import Site

RELAXATION = {
    "grey": (833.0, 83.0, 69.0, 0.86),
    "white": (500.0, 70.0, 61.0, 0.77),
    "fluid": (2569.0, 329.0, 58.0, 1.0),
    "gliosis": (752.0, 237.0, 204.0, 0.76),
    "muscle": (900.0, 47.0, 30.0, 1.0),
    "fat": (350.0, 70.0, 58.0, 1.0),
    "marrow": (350.0, 70.0, 40.0, 0.35),
    "bone": (900.0, 10.0, 2.0, 0.05),
}
TISSUES = tuple(RELAXATION)
HEAD_TISSUES = ("white", "fluid", "muscle", "fat", "marrow", "bone")


@dataclass(frozen=True)
class Protocol:
    """How a contrast is acquired: times in ms, flip angle in degrees.

    `inversion` is None for a sequence without inversion pulse; `spoiled` chooses the
    gradient echo equation, otherwise it is a spin echo.
    """

    repetition: float
    echo: float
    flip: float = 90.0
    inversion: float | None = None
    spoiled: bool = False


PROTOCOLS = {
    "T1w": Protocol(repetition=18, echo=6, flip=40, spoiled=True),
    "T2w": Protocol(repetition=5000, echo=100),
    "FLAIR": Protocol(repetition=9000, echo=120, inversion=1850),
    "PDw": Protocol(repetition=3300, echo=20),
}


def tissue_signals(generator: np.random.Generator, contrast: str, site: Site) -> dict[str, float]:
    """Return the signal of each tissue; white matter has signal 1 before `site.contrast`.

    Each person's relaxation times differ by some percent. The site's contrast factor
    scales the differences to the mean of grey and white matter.

    Parameters
    ----------
    generator
        Source of randomness.
    contrast
        Key of `PROTOCOLS`.
    site
        The scanner.
    """
    signals = {}
    for name, values in RELAXATION.items():
        t1, t2, t2_star, density = np.array(values) * (1 + 0.015 * generator.standard_normal(4))
        signals[name] = signal(PROTOCOLS[contrast], t1, t2, t2_star, density)
    white = signals["white"]
    middle = (signals["grey"] + white) / 2
    return {
        name: max((middle + site.contrast * (value - middle)) / white, 0.01)
        if name in ("grey", "white", "fluid", "gliosis")
        else value / white
        for name, value in signals.items()
    }


def signal(protocol: Protocol, t1: float, t2: float, t2_star: float, density: float) -> float:
    """Return the magnitude signal of one tissue.

    Spoiled gradient echo: ``density sin(a) (1 - E) / (1 - cos(a) E) exp(-TE / T2*)``
    with ``E = exp(-TR / T1)``. Spin echo: ``density |1 - 2 exp(-TI / T1) +
    exp(-TR / T1)| exp(-TE / T2)``, without the term in TI where there is no inversion
    (then ``1 - exp(-TR / T1)``).

    Source: Haacke et al., Magnetic Resonance Imaging: Physical Principles and Sequence
    Design, 1999, chapters 8 and 18.
    """
    recovery = float(np.exp(-protocol.repetition / t1))
    if protocol.spoiled:
        angle = np.deg2rad(protocol.flip)
        steady = np.sin(angle) * (1 - recovery) / (1 - np.cos(angle) * recovery)
        return float(density * steady * np.exp(-protocol.echo / t2_star))
    if protocol.inversion is None:
        longitudinal = 1 - recovery
    else:
        longitudinal = abs(1 - 2 * np.exp(-protocol.inversion / t1) + recovery)
    return float(density * longitudinal * np.exp(-protocol.echo / t2))
