"""Reading ``participants.tsv``: site, age and group of each subject, where given."""

import csv
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from mribench.dataset.folders import printable
from mribench.dataset.problems import Action, Finding, Problem, make_problem
from mribench.files import read_table

FILE = "participants.tsv"
COLUMNS = ("site", "age", "group")
MISSING = "n/a"


def read_participants(
    root: Path, subjects: Iterable[str], on_problem: Action
) -> tuple[dict[str, dict[str, str]], list[Problem]]:
    """Read the participants of a BIDS data set.

    Parameters
    ----------
    root
        Folder of the data set.
    subjects
        The subjects that have a folder, such as ``sub-01``.
    on_problem
        The action of a subject's problem; a table that cannot be read stops the study.

    Returns
    -------
    The columns site, age and group by subject, and the problems found. What the table
    does not tell is ``n/a``; without a table that is everything.
    """
    path = root / FILE
    if not path.exists():
        return {}, []
    try:
        rows = read_table(path)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        finding = Finding(
            f"an unreadable table ({error})",
            "tab-separated text in UTF-8",
            "save the table again as tab-separated UTF-8 text",
        )
        return {}, [make_problem("dataset", FILE, finding, "stop")]
    if not rows or "participant_id" not in rows[0]:
        columns = ", ".join(printable(name) for name in rows[0] if name) if rows else "none"
        finding = Finding(
            f"the columns {columns}",
            "a column participant_id and a row for each subject",
            "name the first column participant_id and separate the columns with tabs",
        )
        return {}, [make_problem("dataset", FILE, finding, "stop")]
    return _participants(rows), list(_check(rows, set(subjects), on_problem))


def _participants(rows: list[dict[str, str]]) -> dict[str, dict[str, str]]:
    return {
        str(row["participant_id"]): {key: _clean(row.get(key)) for key in COLUMNS} for row in rows
    }


def _clean(value: str | None) -> str:
    return printable((value or "").strip()) or MISSING


def _check(rows: list[dict[str, str]], subjects: set[str], on_problem: Action) -> Iterable[Problem]:
    names: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        names[str(row["participant_id"]).lower()].append(str(row["participant_id"]))
    for group in names.values():
        present = sorted(subjects & set(group))
        if len(group) > 1:
            finding = Finding(
                f"{len(group)} rows: {', '.join(printable(name) for name in group)}",
                "one row per subject",
                "remove the row that is wrong: the same person may be there twice",
            )
            for name in present:
                yield make_problem(name, FILE, finding, on_problem)
        elif not present:
            finding = Finding(
                "a row without a folder",
                "a folder for each subject in the table",
                "nothing, if the subject was left out on purpose",
                note=True,
            )
            yield make_problem(printable(group[0]), FILE, finding, on_problem)
