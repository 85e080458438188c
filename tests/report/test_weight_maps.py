"""The maps of SCP's weights are those of its head, and stand among the figures."""

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from mribench.config import load_study
from mribench.networks.scp import NETWORKS, position_code
from mribench.report.figures import Gallery, add_weight_maps
from mribench.report.results import Run
from mribench.report.settings import figure_settings
from mribench.report.style import figure_style
from mribench.report.weight_maps import PLACES, STATISTICS, weight_maps


@pytest.mark.parametrize(("dimension", "classes"), [(2, 1), (2, 3), (3, 1)])
def test_maps_are_those_of_the_head(tmp_path, dimension, classes):
    torch.manual_seed(0)
    network = NETWORKS["scp"](dimension, 1, classes, 32)
    save_file(network.state_dict(), tmp_path / "model.safetensors")
    maps = weight_maps(tmp_path / "model.safetensors")
    shape = (PLACES, PLACES, 2)[:dimension]
    code = position_code(torch.zeros(1, dimension), torch.tensor([shape]), shape)
    with torch.no_grad():
        weights = network.head.weights(code)[0, 0].numpy()
    weights = weights if dimension == 2 else weights[..., 1]
    expected = {
        "maximum": weights.max(0),
        "mean": weights.mean(0),
        "minimum": weights.min(0),
        "L2 norm": np.linalg.norm(weights, axis=0),
        "standard deviation": weights.std(0),
    }
    assert tuple(maps) == STATISTICS
    for name, map_ in expected.items():
        wanted = (map_ - map_.min()) / np.ptp(map_)
        assert np.allclose(maps[name], wanted, atol=1e-3), name
        assert (maps[name].min(), maps[name].max()) == (0, 1)


def test_the_figure_of_a_study_shows_its_scp_methods(tmp_path, figure_of):
    entry, picture = figure_of(("scp", "large"))
    assert entry["name"] == "weight_maps"
    assert all(f">{text}<" in picture for text in ("scp", "large", *STATISTICS))
    assert figure_of(()) is None


@pytest.fixture
def figure_of(tmp_path):
    """Draw the maps of methods with fresh weights; return entry and SVG."""

    class Made:
        def runs(self):
            return [Run(name, 0, 0, tmp_path / name) for name in ("scp", "large")]

    for name, n_c in (("scp", 16), ("large", 32)):
        (tmp_path / name).mkdir()
        torch.manual_seed(n_c)
        save_file(NETWORKS["scp"](2, 1, 1, n_c).state_dict(), tmp_path / name / "model.safetensors")

    def draw(methods):
        gallery = Gallery(tmp_path / "figures")
        with figure_style():
            add_weight_maps(gallery, Made(), methods)
        if not gallery.entries:
            return None
        return gallery.entries[0], (tmp_path / "figures/weight_maps.svg").read_text()

    return draw


def test_only_scp_methods_are_drawn():
    methods = {
        "flair_threshold": {"variant": "native"},
        "scp": {"variant": "native"},
        "wide": {"method": "scp3d", "variant": "native"},
        "scp_base": {"variant": "native"},
    }
    content = {"study": "mini", "dataset": {"recipe": "phantoms"}, "variants": {"native": {}}}
    study = load_study({**content, "methods": methods})
    assert figure_settings(study)["covariant"] == ["scp", "wide"]
