"""A real SLURM for the tests of this folder: started once, stopped at the end."""

from collections.abc import Iterator

import pytest
from cluster import Cluster, running_cluster, why_no_slurm


@pytest.fixture(scope="session")
def slurm_cluster() -> Iterator[Cluster]:
    """One node of 2 CPUs and 2 GPUs, partitions cpu and gpu, accounting in MariaDB."""
    if reason := why_no_slurm():
        pytest.skip(reason)
    with running_cluster() as cluster:
        yield cluster
