"""A small study that goes the whole way in about a minute, and tools to run it."""

import shutil

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

OWN_FILES = {
    "bias": {"backend": "none"},
    "strip": {"backend": "given"},
    "register": {"transform": "none"},
    "template": {"transform": "none"},
    "tissues": {"backend": "given"},
}
# As small as a study can be: nothing is registered, stripped or segmented, nothing is learned.
TINY = {
    "study": "tiny",
    "dataset": {
        "recipe": "phantoms",
        "brain_mask": {"contrast": "T1w"},
        "tissues": {"contrast": "T1w"},
        "phantoms": {
            "subjects": 3,
            "lesion_ml": [20, 40],
            "deformation_mm": 0,
            "sites": {"siteA": {"spacing": [3, 3, 3]}},
        },
    },
    "variants": {"native": OWN_FILES},
    "methods": {
        "flair_threshold": {"variant": "native", "smoothing_mm": [0.0], "minimum_mm3": [0.0]},
        "unet2d": {"variant": "native", "epochs": 1, "iterations": 2, "width": 8},
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


@pytest.fixture(scope="session")
def tiny_study() -> dict:
    """The smallest study's configuration."""
    return TINY


@pytest.fixture(scope="session")
def finished_tiny(root, tmp_path_factory) -> Workspace:
    """A workspace in which the smallest study has run to its end."""
    workspace = Workspace(root, tmp_path_factory.mktemp("tiny"))
    workspace.run(TINY)
    return workspace


@pytest.fixture
def copied(finished_tiny, tmp_path) -> Workspace:
    """A copy of the finished smallest study, with all times kept."""
    shutil.copytree(finished_tiny.folder, tmp_path / "copy", symlinks=True)
    return Workspace(finished_tiny.root, tmp_path / "copy")


@pytest.fixture
def workspace(root, tmp_path) -> Workspace:
    """An empty workspace."""
    return Workspace(root, tmp_path)
