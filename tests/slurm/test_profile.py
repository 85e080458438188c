"""The profiles as files: what Snakemake would drop or hide without a word is found here."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

NESTED = {"default-resources", "set-resources"}
STANDARD = {"slurm_partition", "slurm_account", "mem_mb", "runtime", "gpu", "gpu_model", "gres"}


def load(path: Path) -> dict[str, Any]:
    content = yaml.safe_load(path.read_text())
    assert isinstance(content, dict)
    return content


@pytest.fixture(scope="module")
def slurm(root: Path) -> dict[str, Any]:
    return load(root / "slurm" / "profile.yaml")


def test_default_profile_hides_no_key_of_another_profile(root: Path, slurm: dict[str, Any]) -> None:
    default = load(root / "profiles" / "default" / "profile.yaml")
    assert not default.keys() & slurm.keys()
    assert not default.keys() & (NESTED | {"set-threads", "resources", "groups"})


def test_every_nested_key_is_one_that_snakemake_reads(slurm: dict[str, Any]) -> None:
    assert {key for key, value in slurm.items() if isinstance(value, dict)} == NESTED
    chosen = [slurm["default-resources"], *slurm["set-resources"].values()]
    assert {name for resources in chosen for name in resources} <= STANDARD


def test_rules_with_resources_of_their_own_exist(root: Path, slurm: dict[str, Any]) -> None:
    text = "\n".join(path.read_text() for path in (root / "rules").glob("*.smk"))
    assert slurm["set-resources"].keys() <= set(
        re.findall(r"^\s*(?:rule|checkpoint) (\w+):", text, re.M)
    )


def test_profile_is_found_by_its_name_and_sends_gpu_rules_to_the_gpu_partition(
    root: Path, tmp_path: Path
) -> None:
    snakefile = Path(__file__).parent / "Snakefile"
    command = ["--profile", "slurm", "--dry-run", "--snakefile", snakefile, "--directory", tmp_path]
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", *command],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    jobs = dict(re.findall(r"rule (\w+):.*?resources: ([^\n]*)", output, re.S))
    assert "slurm_partition=cpu" in jobs["make_splits"]
    assert "gpu=" not in jobs["make_splits"]
    for rule in ("train_model", "predict_cases"):
        assert "slurm_partition=gpu" in jobs[rule]
        assert "gpu=1" in jobs[rule]
