"""A finished study in a copy of the project, in which code, settings and data may be changed."""

import copy
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from workspace import Workspace

from mribench.config import Phantoms
from mribench.dataset.phantoms.simulate import simulate
from mribench.files import write_table
from mribench.monitoring.reruns import read_jobs, summarise

NEW_CASE = "sub-04"
LOG = re.compile(r"--log '?results/\w+/logs/(.+?)\.log'? ")
GIVEN = {
    "bias": {"backend": "none"},
    "strip": {"backend": "given"},
    "register": {"transform": "none"},
    "template": {"transform": "none"},
    "tissues": {"backend": "given"},
}
ROLES = {
    "sub-01": ("train", "test"),
    "sub-02": ("train", "train"),
    "sub-03": ("test", "train"),
}


def make_study(folder: Path) -> dict:
    """Return a study of two methods on two variants and two folds, as short as they get."""
    return {
        "study": "rows",
        "dataset": {
            "source": str(folder / "bids"),
            "brain_mask": {"contrast": "T1w"},
            "tissues": {"contrast": "T1w"},
        },
        "variants": {"native": GIVEN, "coarse": {**GIVEN, "grid": {"spacing": 6}}},
        "methods": {
            "flair_threshold": {"variant": "native"},
            "unet2d": {
                "variant": "coarse",
                "epochs": 1,
                "iterations": 2,
                "batch_size": 4,
                "patch_size": [16, 24],
                "width": 8,
                "levels": 2,
            },
        },
        "protocol": {"split": {"scheme": "file", "file": str(folder / "splits.tsv")}},
    }


def write_roles(folder: Path, roles: dict[str, tuple[str, ...]]) -> None:
    """Write the table of splits: the role of each case in each fold."""
    rows = [
        {"fold": fold, "case": case, "role": role}
        for case, of_folds in roles.items()
        for fold, role in enumerate(of_folds)
    ]
    write_table(folder / "splits.tsv", rows, ["fold", "case", "role"])


class Scene:
    """The copy of the project, the data set beside it and the finished study."""

    def __init__(self, root: Path, folder: Path) -> None:
        self.folder = folder
        self.code = folder / "code"
        copy_project(root, self.code)
        self.study = make_study(folder)
        self.workspace = Workspace(self.code, folder)
        site = {"spacing": [5, 5, 5], "t1w_spacing": [5, 5, 5]}
        settings = {"subjects": 4, "sites": {"a": site}, "lesion_ml": [30, 50]}
        simulate(Phantoms.model_validate(settings), ("T1w", "FLAIR"), folder / "bids", 2)
        (folder / "bids/participants.tsv").unlink()
        self.move_case(folder / "bids", folder / "spare")
        write_roles(folder, ROLES)
        self.workspace.run(self.study)

    def move_case(self, source: Path, target: Path) -> None:
        """Move the files of the case that a row adds from one folder to another."""
        for path in [*source.glob(NEW_CASE), *source.glob(f"derivatives/*/{NEW_CASE}")]:
            place = target / path.relative_to(source)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(path, place)

    def plan(self, study: dict, *arguments: str) -> tuple[set[str], list[str]]:
        """Return what would run, as rule and wildcards, and the reasons in words."""
        shown = self.workspace.run(study, "--dry-run", "--printshellcmds", *arguments)
        return set(LOG.findall(shown)), summarise(read_jobs(shown))

    def changed(self, change: Callable[[dict], object]) -> dict:
        """Return the study with a change."""
        study = copy.deepcopy(self.study)
        change(study)
        return study

    @contextmanager
    def edited(self, name: str, change: Callable[[str], str]) -> Iterator[None]:
        """Change a file of the project, and take the change back."""
        path = self.code / name
        text = path.read_text()
        assert change(text) != text
        path.write_text(change(text))
        try:
            yield
        finally:
            path.write_text(text)

    @contextmanager
    def roles(self, changed: dict[str, tuple[str, ...]]) -> Iterator[None]:
        """Change the roles of cases in the table of splits, and take the change back."""
        write_roles(self.folder, {**ROLES, **changed})
        try:
            yield
        finally:
            write_roles(self.folder, ROLES)

    @contextmanager
    def one_more_case(self, roles: tuple[str, ...]) -> Iterator[None]:
        """Add a case with its roles to the data set, and take it away again."""
        self.move_case(self.folder / "spare", self.folder / "bids")
        try:
            with self.roles({NEW_CASE: roles}):
                yield
        finally:
            self.move_case(self.folder / "bids", self.folder / "spare")


def copy_project(root: Path, target: Path) -> None:
    """Copy the tracked files of the project."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], capture_output=True, text=True, cwd=root, check=True
    )
    for name in filter(None, listed.stdout.split("\0")):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / name, target / name)


def of_runs(rules: Iterable[str], *runs: str) -> set[str]:
    """Return the jobs of rules for runs, each named ``method/fold-0_seed-0``."""
    return {f"{rule}/{run}" for rule in rules for run in runs}


def count_rules(jobs: Iterable[str]) -> str:
    """Return how many jobs of each rule there are, as words."""
    counts = Counter(job.partition("/")[0] for job in jobs)
    return ", ".join(f"{rule} {count}" for rule, count in sorted(counts.items())) or "nothing"
