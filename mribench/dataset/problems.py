"""What may be wrong with a data set, as rows of ``problems.tsv``."""

from typing import Literal, NamedTuple

from mribench.errors import describe

Action = Literal["stop", "drop", "note"]
PROBLEM_COLUMNS = ("case", "file", "found", "expected", "remedy", "action")


class Finding(NamedTuple):
    """Something noteworthy about one file, in words; a `note` leaves the case usable."""

    found: str
    expected: str
    remedy: str
    note: bool = False


class Problem(NamedTuple):
    """One row of ``problems.tsv``.

    `case` is a case, a subject (then all its cases are meant) or ``dataset``; `file` is
    relative to the data set. `action` says what follows: the study stops, the case is
    dropped, or nothing but this note.
    """

    case: str
    file: str
    found: str
    expected: str
    remedy: str
    action: Action

    def __str__(self) -> str:
        return describe(
            subject=self.case,
            file=self.file,
            found=self.found,
            expected=self.expected,
            remedy=self.remedy,
        )

    def concerns(self, case: str) -> bool:
        """Say whether the problem belongs to `case` or to its subject."""
        return case == self.case or case.startswith(f"{self.case}_")


def make_problem(case: str, file: str, finding: Finding, on_problem: Action) -> Problem:
    """Return the problem that a finding makes of a case's file."""
    action: Action = "note" if finding.note else on_problem
    return Problem(case, file, finding.found, finding.expected, finding.remedy, action)
