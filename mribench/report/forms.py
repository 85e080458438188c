"""The forms of a table: CSV, Markdown, LaTeX and HTML."""

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path

from mribench.files import write_text
from mribench.report.html_table import to_html
from mribench.report.latex import to_latex
from mribench.report.tables import Cell, Column, Table


def to_csv(table: Table) -> str:
    """Return the table for programs: one column per number, ``best`` and ``mark`` beside them."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([head for column in table.columns for head in csv_heads(column)])
    for row in table.rows:
        pairs = zip(table.columns, row, strict=True)
        writer.writerow([text for column, cell in pairs for text in _csv_cells(column, cell)])
    return buffer.getvalue()


def csv_heads(column: Column) -> list[str]:
    """Return the heads of a column in the CSV form."""
    if not column.parts:
        return [column.title]
    plain = re.sub(r" [↑↓]$", "", column.title)
    return [f"{plain} {part}" for part in (*column.parts, "best", "mark")]


def _csv_cells(column: Column, cell: Cell) -> list[str]:
    if not column.parts:
        return [cell.text]
    return [*cell.values, "yes" if cell.best else "", cell.mark]


def to_markdown(table: Table) -> str:
    """Return the table in GitHub's Markdown, with title and notes."""
    heads = [markdown_text(column.title) for column in table.columns]
    rules = ["---:" if column.numbers else ":---" for column in table.columns]
    rows = [[_markdown_cell(cell) for cell in row] for row in table.rows]
    lines = [f"| {' | '.join(cells)} |" for cells in (heads, rules, *rows)]
    notes = [f"- {markdown_text(note)}" for note in table.notes]
    return "\n".join([f"**{markdown_text(table.title)}**", "", *lines, "", *notes]) + "\n"


def markdown_text(text: str) -> str:
    """Return text with everything that Markdown would read as a mark made harmless."""
    return re.sub(r"([\\|*_`<>\[\]])", r"\\\1", text)


def _markdown_cell(cell: Cell) -> str:
    text = f"**{markdown_text(cell.text)}**" if cell.best else markdown_text(cell.text)
    return text + (f" {markdown_text(cell.mark)}" if cell.mark else "")


FORMS: dict[str, Callable[[Table], str]] = {
    "csv": to_csv,
    "md": to_markdown,
    "tex": to_latex,
    "html": to_html,
}


def write_forms(table: Table, folder: Path) -> None:
    """Write ``<name>.csv``, ``.md``, ``.tex`` and ``.html`` of a table into a folder."""
    for suffix, form in FORMS.items():
        write_text(folder / f"{table.name}.{suffix}", form(table))
