"""A stage that is killed while it writes leaves nothing under the final name."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mribench import files
from mribench.files import checksum, make_image, write_image
from mribench.preprocessing.conform_image import conform_case


def die_while_writing(count: int) -> None:
    """Kill this process in the `count`-th file, when half of it is written."""
    replace, calls = os.replace, []

    def dying(temporary: Path, final: Path) -> None:
        calls.append(final)
        if len(calls) == count:
            os.truncate(temporary, Path(temporary).stat().st_size // 2)
            os.kill(os.getpid(), signal.SIGKILL)
        replace(temporary, final)

    files.os.replace = dying


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_killed_while_writing(
    tmp_path: Path, count: int, record_fault: Callable[[str, str, str], None]
) -> None:
    rng = np.random.default_rng(0)
    raw = [tmp_path / f"sub-01_{contrast}.nii.gz" for contrast in ("T1w", "FLAIR")]
    for path in raw:
        write_image(path, make_image(rng.normal(500, 90, (9, 9, 9)).astype(np.float32), np.eye(4)))
    outputs = [tmp_path / "made" / path.name for path in raw]
    whole = [tmp_path / "whole" / path.name for path in raw]
    conform_case(raw, whole)
    expected = {path.name: checksum(path) for path in (tmp_path / "whole").iterdir()}
    child = os.fork()
    if child == 0:
        try:
            die_while_writing(count)
            conform_case(raw, outputs)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    made = {p.name: checksum(p) for p in outputs[0].parent.iterdir() if not p.name.startswith(".")}
    assert len(made) == count - 1
    assert made.items() <= expected.items()
    conform_case(raw, outputs)
    for path in outputs:
        assert checksum(path) == expected[path.name]
    record_fault(
        "kill -9 of a preprocessing job while it writes",
        "half an image stands under a hidden name",
        "nothing under the final name; the next start makes the same bytes",
    )
