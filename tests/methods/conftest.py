import sys
from pathlib import Path
from typing import Any

import pytest

from mribench import plugins
from mribench.methods.base import SegmentationMethod, load_method
from mribench.training.job import Job
from mribench.training.store import CaseStore

sys.path.insert(0, str(Path(__file__).parent.parent / "training"))

from small_methods import SMALL, MakeJob, MakeMethod
from store_maker import make_store


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> CaseStore:
    """Three small cases with bright blobs, where a study keeps its store."""
    return make_store(tmp_path_factory.mktemp("study") / "store" / "native", 3)


@pytest.fixture(scope="session")
def make_method(store: CaseStore) -> MakeMethod:
    """Return a method by name, small enough for a test."""

    def make(name: str, **changes: Any) -> SegmentationMethod[Any]:
        keys = {"method": name, "variant": "native", **SMALL[name], **changes}
        settings = plugins.method_settings(name).model_validate(keys)
        return load_method(settings, store.contrasts, store.classes)

    return make


@pytest.fixture(scope="session")
def make_job(store: CaseStore) -> MakeJob:
    """Return a job that trains and validates on one and the same case."""

    def make(folder: Path, **changes: Any) -> Job:
        keys = {
            "name": "tested",
            "store": store,
            "training": ["sub-01"],
            "validation": ["sub-01"],
            "fold": 0,
            "seed": 0,
            "run_folder": folder / "run",
            "checkpoint_folder": folder / "checkpoints" / "run" / "spec",
            "device": "cpu",
        }
        return Job(**{**keys, **changes})

    return make
