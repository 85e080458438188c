import numpy as np
import pytest

from mribench.config import Site
from mribench.dataset.phantoms.contrast import PROTOCOLS, Protocol, signal, tissue_signals


def test_spin_echo_without_decay_gives_the_proton_density():
    protocol = Protocol(repetition=1e9, echo=0)
    assert signal(protocol, 800, 80, 60, 0.8) == pytest.approx(0.8)


def test_fluid_is_nulled_at_its_inversion_time():
    t1, repetition = 2569.0, 9000.0
    null = t1 * np.log(2 / (1 + np.exp(-repetition / t1)))
    nulled = signal(Protocol(repetition, 0, inversion=null), t1, 329, 58, 1.0)
    assert nulled == pytest.approx(0, abs=1e-12)


def test_spoiled_gradient_echo_is_largest_at_the_ernst_angle():
    t1, repetition = 700.0, 18.0
    ernst = np.rad2deg(np.arccos(np.exp(-repetition / t1)))

    def at(flip: float) -> float:
        return signal(Protocol(repetition, 0, flip, spoiled=True), t1, 80, 60, 1.0)

    assert at(ernst) > max(at(ernst - 3), at(ernst + 3))


@pytest.mark.parametrize(
    ("contrast", "order"),
    [
        ("T1w", ("fluid", "grey", "white", "fat")),
        ("T2w", ("white", "grey", "gliosis", "fluid")),
        ("FLAIR", ("fluid", "white", "grey", "gliosis")),
        ("PDw", ("bone", "white", "grey", "gliosis")),
    ],
)
@pytest.mark.parametrize("seed", range(5))
def test_tissues_are_ordered_as_in_the_clinic(contrast, order, seed):
    signals = tissue_signals(np.random.default_rng(seed), contrast, Site())
    values = [signals[name] for name in order]
    assert values == sorted(values)
    assert signals["white"] == pytest.approx(1)


def test_lesions_are_darker_than_white_matter_on_t1w_only():
    for contrast in PROTOCOLS:
        signals = tissue_signals(np.random.default_rng(0), contrast, Site())
        assert (signals["gliosis"] < signals["white"]) == (contrast == "T1w")


def test_site_scales_the_tissue_contrast():
    plain, doubled = (
        tissue_signals(np.random.default_rng(0), "T1w", Site(contrast=factor))
        for factor in (0.5, 1.0)
    )
    ratio = (doubled["white"] - doubled["grey"]) / (plain["white"] - plain["grey"])
    assert ratio == pytest.approx(2)
