"""Tables whose numbers are formatted once, and then written in several forms."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

MISSING = "n/a"


class Column(NamedTuple):
    """A column's head.

    `parts` names the numbers that a cell holds, for the CSV form, where each has its own
    column; empty where a cell is one text. `numbers` aligns to the right. `role` is for
    print, where room is short: a ``group`` stands once above the rows that share it, a
    ``note`` below the table.
    """

    title: str
    parts: tuple[str, ...] = ()
    numbers: bool = False
    role: str = ""


class Cell(NamedTuple):
    """What stands in one place: `text` for people, `values` for the CSV form.

    `values` has one entry for each part of the column; `mark` is a sign that the notes
    explain; `best` is shown in bold.
    """

    text: str
    values: tuple[str, ...] = ()
    best: bool = False
    mark: str = ""


@dataclass(frozen=True)
class Table:
    """Head, rows and notes, ready to be written in any form."""

    name: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    notes: Sequence[str] = ()


def fixed(text: str, digits: int, sign: bool = False) -> str:
    """Format a number of a study's CSV with `digits` decimals; ``n/a`` stays."""
    if text == MISSING:
        return MISSING
    # Adding 0 turns the -0.0 that rounding may leave into 0.0.
    number = round(float(text), digits) + 0.0
    return f"{number:{'+' if sign else ''}.{digits}f}"


def probability(text: str) -> str:
    """Format a p value of a study's CSV; ``n/a`` stays."""
    if text == MISSING:
        return MISSING
    return f"{float(text):.3f}" if float(text) >= 0.001 else "<0.001"
