"""Tables of the results page: heads, and cells with text, style and link."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from mribench.report.tables import Table


class Cell(NamedTuple):
    """One cell: what it says, its style (``text``, ``wrap``, ``best``, ``flag``) and its link."""

    text: str
    kind: str = ""
    link: str = ""


@dataclass(frozen=True)
class Grid:
    """A table: column heads, which of them hold text, and rows of cells."""

    heads: Sequence[str]
    rows: list[list[Cell]] = field(default_factory=list)
    texts: frozenset[str] = frozenset()


def make_grid(
    heads: Sequence[str], rows: Iterable[Sequence[str]], texts: Iterable[str] = ()
) -> Grid:
    """Return a grid of plain text cells; columns named in `texts` are aligned to the left."""
    left = frozenset(texts)
    kinds = ["text" if head in left else "" for head in heads]
    cells = [[Cell(text, kind) for text, kind in zip(row, kinds, strict=True)] for row in rows]
    return Grid(heads, cells, left)


def table_grid(table: Table) -> Grid:
    """Return a table of the study as a grid; its marks stand behind the text."""
    heads = [column.title for column in table.columns]
    texts = frozenset(column.title for column in table.columns if not column.numbers)
    rows = [
        [
            Cell(cell.text + cell.mark, "best" if cell.best else "text" if head in texts else "")
            for head, cell in zip(heads, row, strict=True)
        ]
        for row in table.rows
    ]
    return Grid(heads, rows, texts)
