"""Finding the files that belong to each case by name or by a pattern of the user's own."""

import os
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from mribench.config import FILLED, Given, Label
from mribench.dataset.problems import Finding
from mribench.dataset.scanner import Case, entities_of
from mribench.errors import ConfigError


class FileFinder:
    """Finds one kind of file in a data set: reference labels, brain masks, tissue labels.

    Parameters
    ----------
    root
        Folder of the data set.
    key
        The key of the configuration that says which files, such as ``label``.
    suffix
        End of the files' names, before ``.nii``: without a pattern they are in the case's
        ``anat`` folder of any data set under ``derivatives``.
    pattern
        Glob of the files. ``{subject}`` stands for ``sub-01`` and ``{session}`` for
        ``ses-01``; ``sub-{subject}`` means the same.
    contrast
        The contrast that a ``space-`` in the files' names must tell; any if None.

    Raises
    ------
    ConfigError
        If the pattern leads out of the data set.
    """

    def __init__(
        self, root: Path, key: str, suffix: str, pattern: str | None, contrast: str | None = None
    ) -> None:
        self.root = root
        self.key = key
        self.suffix = suffix
        self.pattern = pattern
        self.contrast = contrast
        self.pipelines = [] if pattern else _pipelines(root)
        if pattern:
            check_pattern(pattern, key)

    @classmethod
    def of_label(cls, root: Path, label: Label) -> "FileFinder":
        """Return the finder of the reference labels."""
        return cls(root, "label", label_suffix(label.name), label.pattern)

    @classmethod
    def of_given(cls, root: Path, key: str, suffix: str, given: Given) -> "FileFinder":
        """Return the finder of the data set's own masks or tissue labels."""
        return cls(root, key, suffix, given.pattern, given.contrast)

    def find(self, case: Case) -> list[str]:
        """Return the files of a case, relative to the data set, sorted."""
        if self.pattern:
            return self._match(self.pattern, case)
        folders = [f"{pipeline}/{case.anat}" for pipeline in self.pipelines]
        return [f"{folder}/{name}" for folder in folders for name in self._names(folder, case)]

    def check(self, files: Sequence[str], case: Case) -> tuple[str, Finding] | None:
        """Return ``(file, finding)`` where a case has no file, several, or one of no use."""
        expected = self.pattern or f"derivatives/*/{case.anat}/{case.name}_*{self.suffix}"
        if not files:
            finding = Finding(
                f"no {self._noun} file",
                f"one file that matches {self._fill(expected, case)}",
                f"add the {self._noun}, set dataset.{self.key}.pattern, "
                "or set dataset.on_problem to drop",
            )
            return self._fill(expected, case), finding
        if len(files) > 1:
            finding = Finding(
                f"{len(files)} {self._noun} files: {', '.join(files)}",
                f"one {self._noun} per case",
                f"set dataset.{self.key}.pattern so that it matches one of them",
            )
            return files[0], finding
        if set(files[0]) & set(FILLED):
            expected = f"none of {FILLED}, between which Snakemake fills in names"
            return files[0], Finding("a bracket in its path", expected, "rename it")
        return None

    @property
    def _noun(self) -> str:
        return self.key.replace("_", " ")

    def _fill(self, pattern: str, case: Case) -> str:
        for key, value in (("subject", case.subject), ("session", case.session or "")):
            prefixed = f"{key[:3]}-{{{key}}}"
            pattern = pattern.replace(prefixed, value).replace(f"{{{key}}}", value)
        return pattern

    def _match(self, pattern: str, case: Case) -> list[str]:
        found = self.root.glob(self._fill(pattern, case))
        return sorted(path.relative_to(self.root).as_posix() for path in found if path.is_file())

    def _names(self, folder: str, case: Case) -> list[str]:
        if not (self.root / folder).is_dir():
            return []
        return sorted(
            name
            for name in os.listdir(self.root / folder)
            if name.startswith(f"{case.name}_") and self._fits(name)
        )

    def _fits(self, name: str) -> bool:
        entities = entities_of(name)
        if self.contrast is not None and entities.get("space", self.contrast) != self.contrast:
            return False
        return bool(entities) and name.removesuffix(".gz").endswith(f"_{self.suffix}.nii")


def label_suffix(name: str) -> str:
    """Return the end of a label file's name: ``label-lesion_mask``, or ``dseg`` for that name."""
    return "dseg" if name == "dseg" else f"label-{name}_mask"


def check_pattern(pattern: str, key: str) -> None:
    """Raise where a pattern could match files outside the data set.

    Raises
    ------
    ConfigError
        If the pattern is absolute, holds ``..``, or is empty.
    """
    parts = PurePosixPath(pattern.replace("\\", "/")).parts
    if not parts or parts[0] == "/" or ".." in parts or ":" in parts[0]:
        raise ConfigError(
            f"dataset.{key}.pattern: {pattern!r} leads out of the data set; "
            "give a pattern relative to it, without '..'"
        )


def _pipelines(root: Path) -> list[str]:
    """Data sets under ``derivatives``, and that folder itself, relative to `root`."""
    folder = root / "derivatives"
    if not folder.is_dir():
        return []
    names = sorted(path.name for path in folder.iterdir() if path.is_dir())
    return ["derivatives", *(f"derivatives/{name}" for name in names if name[:4] != "sub-")]
