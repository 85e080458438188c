"""Freed memory is kept for the arrays to come."""

import ctypes
import subprocess
import sys

import pytest

ARRAYS = """
import resource, sys
import numpy as np
from mribench.memory import keep_freed_memory

if sys.argv[1] == "kept":
    keep_freed_memory()
np.ones(16_000_000)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    np.ones(16_000_000)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def count_faults(root, how):
    command = [sys.executable, "-c", ARRAYS, how]
    return int(subprocess.run(command, cwd=root, check=True, capture_output=True).stdout)


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="the C library is not glibc")
def test_arrays_take_the_memory_of_freed_ones(root):
    assert count_faults(root, "kept") < count_faults(root, "returned") / 10
