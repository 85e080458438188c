"""A small study that goes the whole way in about a minute, and tools to run it."""

import pytest
from workspace import Workspace

SMALL = {
    "study": "small",
    "dataset": {
        "recipe": "phantoms",
        "phantoms": {
            "subjects": 4,
            "lesion_ml": [20, 40],
            "sites": {"siteA": {"spacing": [3, 3, 3]}, "siteB": {"spacing": [3, 3, 3]}},
        },
    },
    "variants": {"native": {}},
    "methods": {
        "flair_threshold": {"variant": "native"},
        "unet2d": {"variant": "native", "epochs": 2, "iterations": 10, "width": 8},
    },
    "protocol": {"split": {"folds": 2}},
}


@pytest.fixture(scope="session")
def small_study() -> dict:
    """The small study's configuration."""
    return SMALL


@pytest.fixture(scope="session")
def finished(root, tmp_path_factory) -> Workspace:
    """A workspace in which the small study has run to its end."""
    workspace = Workspace(root, tmp_path_factory.mktemp("Größe mit Leerzeichen"))
    workspace.run(SMALL)
    return workspace


@pytest.fixture
def workspace(root, tmp_path) -> Workspace:
    """An empty workspace."""
    return Workspace(root, tmp_path)
