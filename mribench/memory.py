"""What the C library does with memory that is no longer used."""

import ctypes

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4
LARGEST_INT = 2**31 - 1
FOR_PROGRAMS = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(LARGEST_INT)}
"""The same for a program: variables of the environment that it is started in."""


def keep_freed_memory() -> None:
    """Let glibc keep freed memory for the arrays to come; other C libraries stay as they are.

    By default glibc takes each array beyond 32 MB from the system and returns it when it is
    freed. The system clears every page before it hands it out again, which takes half of a
    training step on the CPU (``benchmarks/training_steps.py``). The price is a higher peak: by
    a third there, twice as high in skull stripping. Source: mallopt(3), M_MMAP_MAX and
    M_TRIM_THRESHOLD.
    """
    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt"):
        library.mallopt(M_MMAP_MAX, 0)
        library.mallopt(M_TRIM_THRESHOLD, LARGEST_INT)
