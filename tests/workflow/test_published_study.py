"""The archive of a real run agrees with its results; one changed weight file does not."""

import shutil
import subprocess
import sys

import pytest
from workspace import Workspace

pytestmark = pytest.mark.slow
WEIGHTS = "runs/unet2d/fold-1_seed-0/model.safetensors"


def test_published_study_is_verified_against_its_results(root, finished, small_study, tmp_path):
    shutil.copytree(finished.folder, tmp_path / "copy")
    copy = Workspace(root, tmp_path / "copy")
    shown = copy.run(small_study, "publish", "verify_publication")
    assert "everything agrees" in shown
    results = copy.results(small_study)
    weights = results / WEIGHTS
    content = weights.read_bytes()
    weights.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    command = [sys.executable, "-m", "scripts.verify_publication", results / "publish/small.zip"]
    done = subprocess.run(
        [str(part) for part in (*command, "--results", results)],
        capture_output=True,
        text=True,
        cwd=root,
        check=False,
    )
    assert done.returncode == 1
    assert f"{WEIGHTS}: found SHA-256" in done.stderr
    assert "findings: 1" in done.stderr
