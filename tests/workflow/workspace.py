"""A folder in which the tests run studies."""

import os
import subprocess
import sys
from pathlib import Path

import yaml

SNAKEMAKE = Path(sys.executable).parent / "snakemake"


class Workspace:
    """A folder in which studies run through the project's Snakefile."""

    def __init__(self, root: Path, folder: Path) -> None:
        self.root = root
        self.folder = folder

    def run(self, study: dict, *arguments: object, check: bool = True) -> str:
        """Run Snakemake and return what it printed."""
        file = self.folder / "study.yaml"
        file.write_text(yaml.safe_dump(study, sort_keys=False))
        command = [SNAKEMAKE, "--snakefile", self.root / "Snakefile", "--directory", self.folder]
        command += ["--configfile", file, "--cores", "2", *arguments]
        run = subprocess.run(
            [str(part) for part in command],
            capture_output=True,
            text=True,
            cwd=self.root,
            env={**os.environ, "PYTHONHASHSEED": "random"},
        )
        shown = run.stdout + run.stderr
        assert (run.returncode == 0) is check, shown
        return shown

    def results(self, study: dict) -> Path:
        """Return the results folder of a study."""
        return self.folder / "results" / study["study"]
