"""Naming what differs between two files: the row, the column, both values."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple

from mribench.files import read_table

Row = Mapping[str, str]
KEYS = frozenset(
    {"metric", "label", "method", "first", "second", "fold", "seed", "case", "site", "scheme"}
)
"""Columns that say what a row is about, in small or capital letters."""
LONGEST = 60


class Finding(NamedTuple):
    """Something in a published study that is not as it should be."""

    place: str
    found: str
    expected: str

    def __str__(self) -> str:
        return f"{self.place}: found {self.found}; {self.expected}"


def compare_files(name: str, published: Path, again: Path) -> list[Finding]:
    """Return every difference between a published file and the one made again."""
    if not published.is_file():
        return [Finding(name, "no such file in the archive", "it can be made from metrics.csv")]
    if published.read_bytes() == again.read_bytes():
        return []
    if published.suffix in (".csv", ".tsv"):
        found = list(compare_tables(name, read_table(published), read_table(again)))
    else:
        found = list(compare_lines(name, lines(published), lines(again)))
    return found or [Finding(name, "other bytes", "the recomputed file says the same")]


def compare_tables(
    name: str, published: Sequence[Row], again: Sequence[Row], first_line: int = 2
) -> Iterator[Finding]:
    """Yield every row and cell of a table that differs from the recomputed one.

    Rows are matched by what they are about; where that is not unique, by their place.
    `first_line` is where the first of the rows stands in its file.
    """
    if published and again and list(published[0]) != list(again[0]):
        heads = ", ".join(published[0]), f"recomputed {', '.join(again[0])}"
        yield Finding(f"{name}, header", *heads)
        return
    old, new = keyed(published), keyed(again)
    if len(old) < len(published) or len(new) < len(again):
        old, new = (dict(enumerate(rows)) for rows in (published, again))
    lines = {key: number for number, key in enumerate(old, start=first_line)}
    for key in old.keys() - new.keys():
        place = f"{name}, line {lines[key]} ({describe_row(old[key])})"
        yield Finding(place, "a row", "recomputed none")
    for key in new.keys() - old.keys():
        yield Finding(name, f"no row ({describe_row(new[key])})", "recomputed one")
    for key in [key for key in old if key in new]:
        place = f"{name}, line {lines[key]} ({describe_row(old[key])})"
        yield from compare_rows(place, old[key], new[key])


def compare_rows(place: str, old: Row, new: Row) -> Iterator[Finding]:
    """Yield the cells of a row that differ."""
    for column in old:
        if old[column] != new[column]:
            found, expected = short(str(old[column])), short(str(new[column]))
            yield Finding(f"{place}, {column}", found, f"recomputed {expected}")


def keyed(rows: Sequence[Row]) -> dict[Any, Row]:
    """Return rows by the values of the columns that say what a row is about."""
    return {tuple(row[c] for c in row if str(c).lower() in KEYS): row for row in rows}


def describe_row(row: Row) -> str:
    """Return what a row is about: the values of its columns that are names."""
    return ", ".join(row[column] for column in row if str(column).lower() in KEYS and row[column])


def compare_lines(name: str, published: list[str], again: list[str]) -> Iterator[Finding]:
    """Yield every line of a text that differs, cut to where the difference starts."""
    for number, (old, new) in enumerate(zip_longest(published, again, fillvalue=""), start=1):
        if old != new:
            start = next(
                (i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b),
                min(len(old), len(new)),
            )
            start = max(start - LONGEST // 3, 0)
            place = f"{name}, line {number}"
            yield Finding(place, short(old[start:]), f"recomputed {short(new[start:])}")


def lines(path: Path) -> list[str]:
    """Return the lines of a text; bytes that are no text stand for themselves."""
    return path.read_text(encoding="utf-8", errors="backslashreplace").splitlines()


def short(text: str) -> str:
    """Return the start of a text in quotation marks."""
    return repr(text if len(text) <= LONGEST else f"{text[:LONGEST]}…")
