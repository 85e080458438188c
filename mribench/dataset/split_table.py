"""Splits from a table of the user's own, checked against the data set."""

import csv
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from mribench.dataset.folders import printable
from mribench.dataset.subjects import Subject
from mribench.errors import DataError, describe
from mribench.files import read_table
from mribench.suggestions import nearest

ROLES = ("train", "validation", "test", "unused")
COLUMNS = ("fold", "case", "role")
Row = dict[str, object]
Complaint = tuple[str, str, str, str]


def read_split_table(subjects: Sequence[Subject], file: str) -> list[Row]:
    """Read the roles of all cases from a table with the columns fold, case and role.

    Parameters
    ----------
    subjects
        The subjects of the data set and their cases; every case must have one role in
        every fold, and all cases of a subject the same. `unused` leaves a case out.
    file
        TSV, or CSV by suffix.

    Raises
    ------
    DataError
        One line per problem: unreadable table, unknown or missing case, unknown role,
        fold that is no number, case given twice, subject in two roles of a fold, fold
        without training or test cases.
    """
    table = _read(file)
    owner = {case: subject.name for subject in subjects for case in subject.cases}
    complaints = [*_check_rows(table, owner), *_check_folds(table, owner)]
    if complaints:
        raise DataError("\n".join(_text(file, complaint) for complaint in complaints))
    rows: list[Row] = [
        {
            "fold": int(row["fold"]),
            "case": row["case"],
            "subject": owner[row["case"]],
            "role": row["role"],
        }
        for row in table
    ]
    return sorted(rows, key=lambda row: (row["fold"], row["case"]))


def _read(file: str) -> list[dict[str, str]]:
    reason = None
    try:
        table = read_table(file)
    except FileNotFoundError:
        reason = "nothing"
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = f"an unreadable table ({error})"
    else:
        present = [str(name) for name in table[0]] if table else []
        if not set(COLUMNS) <= set(present):
            reason = f"the columns {', '.join(map(printable, present)) or 'none'}"
    if reason is not None:
        expected = f"a table with the columns {', '.join(COLUMNS)}"
        remedy = "correct protocol.split.file or the table; a .tsv is separated by tabs"
        raise DataError(_text(file, ("protocol.split.file", reason, expected, remedy)))
    return [{key: (row[key] or "").strip() for key in COLUMNS} for row in table]


def _check_rows(table: list[dict[str, str]], owner: dict[str, str]) -> Iterator[Complaint]:
    for name in sorted({row["case"] for row in table} - set(owner)):
        guess = nearest(name, owner)
        yield (
            printable(name) or "(no case)",
            "a case that the data set does not have",
            f"one of its cases, perhaps {guess}" if guess else "one of its cases",
            "correct the name, or remove the row (dropped cases stand in problems.tsv)",
        )
    for role in sorted({row["role"] for row in table} - set(ROLES)):
        yield (
            _first(table, "role", role),
            f"the role {printable(role)!r}",
            f"one of {', '.join(ROLES)}",
            "correct the role",
        )
    for fold in sorted({row["fold"] for row in table if not _is_number(row["fold"])}):
        yield (
            _first(table, "fold", fold),
            f"the fold {printable(fold)!r}",
            "a whole number from 0",
            "number the folds",
        )


def _check_folds(table: list[dict[str, str]], owner: dict[str, str]) -> Iterator[Complaint]:
    by_fold: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in table:
        by_fold[row["fold"]].append(row)
    for fold, rows in sorted(by_fold.items()):
        yield from _check_fold(f"fold {printable(fold)}", rows, owner)


def _check_fold(
    fold: str, rows: list[dict[str, str]], owner: dict[str, str]
) -> Iterator[Complaint]:
    counts = Counter(row["case"] for row in rows)
    for case in sorted(set(owner) - set(counts)):
        yield case, f"no row in {fold}", "one row per case and fold", "add the row"
    for case in sorted(case for case, count in counts.items() if count > 1):
        yield case, f"{counts[case]} rows in {fold}", "one row per case and fold", "keep one"
    roles: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        roles[owner.get(row["case"], row["case"])].add(row["role"])
    for subject, found in sorted(roles.items()):
        if len(found) > 1:
            yield (
                printable(subject),
                f"the roles {' and '.join(sorted(found))} in {fold}",
                "one role per subject: no subject stands in two splits",
                "give all cases of the subject the same role",
            )
    for role in sorted({"train", "test"} - {row["role"] for row in rows}):
        yield fold, f"no case with the role {role}", "training and test cases", "add some"


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _first(table: list[dict[str, str]], column: str, value: str) -> str:
    return printable(next(row["case"] for row in table if row[column] == value))


def _text(file: str, complaint: Complaint) -> str:
    subject, found, expected, remedy = complaint
    return describe(
        subject=subject, file=printable(file), found=found, expected=expected, remedy=remedy
    )
