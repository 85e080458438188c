import pytest
from store_maker import make_store

from mribench.training.store import CaseStore


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> CaseStore:
    """Three small cases with bright blobs."""
    return make_store(tmp_path_factory.mktemp("store"), 3)
