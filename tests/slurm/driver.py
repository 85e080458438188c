"""Snakemake drivers for the tests: the project's own profile, only less patient."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Status is asked for after one second, not 40, and ten times as often while SLURM does not answer.
IMPATIENT = (
    "--slurm-init-seconds-before-status-checks=1",
    "--seconds-between-status-checks=1",
    "--max-status-checks-per-second=1",
    "--latency-wait=5",
)


def command(root: Path, *arguments: str) -> list[str]:
    """Command of a driver that uses the profile of the repository `root`."""
    profiles = [f"--profile={root / 'slurm'}", f"--workflow-profile={root / 'profiles/default'}"]
    return [sys.executable, "-m", "snakemake", *profiles, *IMPATIENT, *arguments]


def run(root: Path, folder: Path, environment: dict[str, str], *arguments: str) -> tuple[int, str]:
    """Exit status and output of a driver that works in `folder`."""
    done = subprocess.run(
        command(root, *arguments),
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=1800,
        check=False,
    )
    return done.returncode, done.stdout


@contextmanager
def started(
    root: Path, folder: Path, environment: dict[str, str], *arguments: str
) -> Iterator[subprocess.Popen[str]]:
    """A driver that runs beside the test; it is ended with the block."""
    driver = subprocess.Popen(
        command(root, *arguments),
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield driver
    finally:
        driver.kill()
        driver.wait()
