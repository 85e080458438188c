"""The form of the study's tidy tables, and the version that each of them carries."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from mribench.errors import DataError, describe
from mribench.files import read_table, write_table

FORMAT = "2"
FORMAT_COLUMN = "format"


def write_tidy(path: Path, rows: Iterable[Mapping[str, object]], columns: Sequence[str]) -> None:
    """Write a tidy table whose last column names the version of its form."""
    marked = ({**row, FORMAT_COLUMN: FORMAT} for row in rows)
    write_table(path, marked, (*columns, FORMAT_COLUMN), sealed=True)


def read_tidy(path: Path, columns: Sequence[str], maker: str) -> list[dict[str, str]]:
    """Read a tidy table as dictionaries of strings.

    Parameters
    ----------
    path
        The table.
    columns
        The columns it must have, without the version.
    maker
        The rule that writes it.

    Raises
    ------
    DataError
        If the table is missing, was made by another version of mribench, or has other
        columns.
    """
    if not path.exists():
        raise DataError(_message(path, "no such file", "the table", maker))
    with path.open(encoding="utf-8-sig") as stream:
        head = stream.readline().rstrip("\r\n").split(",")
    rows = read_table(path)
    require_form(path, head, {row.get(FORMAT_COLUMN) for row in rows}, columns, maker)
    return rows


def require_form(
    path: Path,
    head: Sequence[str],
    versions: set[str | None],
    columns: Sequence[str],
    maker: str,
) -> None:
    """Raise where a table was made by another version of mribench or has other columns.

    Parameters
    ----------
    path
        The table.
    head
        The columns it has.
    versions
        The versions that its rows name.
    columns
        The columns it must have, without the version.
    maker
        The rule that writes it.

    Raises
    ------
    DataError
        Says which version was found.
    """
    expected = f"a table of version {FORMAT}"
    if FORMAT_COLUMN not in head:
        found = f"a table without the column '{FORMAT_COLUMN}', from an older version of mribench"
        raise DataError(_message(path, found, expected, maker))
    others = sorted(str(version) for version in versions - {FORMAT})
    if others:
        found = f"rows of version {', '.join(others)}, from another version of mribench"
        raise DataError(_message(path, found, expected, maker))
    if tuple(head) != (*columns, FORMAT_COLUMN):
        expected = f"columns {', '.join((*columns, FORMAT_COLUMN))}"
        raise DataError(_message(path, f"columns {', '.join(head)}", expected, maker))


def _message(path: Path, found: str, expected: str, maker: str) -> str:
    return describe(
        subject=path.stem,
        file=path,
        found=found,
        expected=expected,
        remedy=f"make the table again ({maker})",
    )
