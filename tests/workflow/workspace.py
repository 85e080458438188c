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
        run = subprocess.run(
            self.command(study, *arguments),
            capture_output=True,
            text=True,
            cwd=self.root,
            env={**os.environ, "PYTHONHASHSEED": "random"},
        )
        shown = run.stdout + run.stderr
        assert (run.returncode == 0) is check, shown
        return shown

    def start(self, study: dict, *arguments: object) -> subprocess.Popen:
        """Start Snakemake and return at once; what it prints goes to ``shown.txt``."""
        with (self.folder / "shown.txt").open("w") as shown:
            return subprocess.Popen(
                self.command(study, *arguments),
                stdout=shown,
                stderr=subprocess.STDOUT,
                cwd=self.root,
            )

    def command(self, study: dict, *arguments: object) -> list[str]:
        """Write the study's configuration and return the command that runs it."""
        file = self.folder / "study.yaml"
        file.write_text(yaml.safe_dump(study, sort_keys=False))
        command = [SNAKEMAKE, "--snakefile", self.root / "Snakefile", "--directory", self.folder]
        return [str(part) for part in (*command, "--configfile", file, "--cores", "2", *arguments)]

    def results(self, study: dict) -> Path:
        """Return the results folder of a study."""
        return self.folder / "results" / study["study"]
