"""Tables as LaTeX that fits a page: booktabs, columns aligned at the decimal point."""

import re
import textwrap
from collections.abc import Sequence
from itertools import groupby

from mribench.report.tables import MISSING, Cell, Column, Table

ESCAPES = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"$<$",
    ">": r"$>$",
    "±": r"$\pm$",
    "−": r"$-$",
    "×": r"$\times$",
    "Δ": r"$\Delta$",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    "†": r"$\dagger$",
}
HEAD_WIDTH = 12
MOST_ROWS = 45
LINE_BREAK = r"\\"
NUMBER = re.compile(r"([+-]?)(\d+)(?:\.(\d+))?(?: ± (\d+)(?:\.(\d+))?)?( .*)?")
PACKAGES = "% needs \\usepackage{booktabs,graphicx,siunitx}"
NUMBERS = (
    r"\sisetup{separate-uncertainty=true,table-align-uncertainty=false,detect-weight=true,"
    r"retain-explicit-plus=true}"
)
FIT = r"\ifdim\wd0>\linewidth\resizebox{\linewidth}{!}{\usebox0}\else\usebox0\fi"


def to_latex(table: Table) -> str:
    """Return a LaTeX table that needs the packages booktabs, graphicx and siunitx.

    Columns of the role ``group`` become lines across the table, those of the role ``note``
    numbered notes below it. A table wider than the text is shrunk to it; one of more rows
    than a page holds is parted, at groups where it can.
    """
    notes: dict[str, int] = {}
    parts = list(_parts(table))
    texts = [_part(table, rows, notes, place, len(parts)) for place, rows in enumerate(parts)]
    lines = [latex_text(note) for note in table.notes]
    lines += [rf"\textsuperscript{{{number}}} {latex_text(n)}" for n, number in notes.items()]
    below = [r"\par\medskip\footnotesize\raggedright", *(rf"\par {line}" for line in lines)]
    body = "\n".join([PACKAGES, *texts])
    return "\n".join([body, *(below if lines else []), r"\end{table*}"]) + "\n"


def _parts(table: Table) -> list[list[Sequence[Cell]]]:
    groups = [list(rows) for _, rows in groupby(table.rows, lambda row: _group(table, row))]
    parts: list[list[Sequence[Cell]]] = [[]]
    for group in groups:
        if parts[-1] and len(parts[-1]) + len(group) > MOST_ROWS:
            parts.append([])
        for row in group:
            if len(parts[-1]) == MOST_ROWS:
                parts.append([])
            parts[-1].append(row)
    return parts


def _part(
    table: Table, rows: Sequence[Sequence[Cell]], notes: dict[str, int], place: int, number: int
) -> str:
    shown = [place for place, column in enumerate(table.columns) if not column.role]
    heads = " & ".join(_head(table.columns[column]) for column in shown)
    specs = "".join(
        _alignment(table.columns[column], [row[column] for row in table.rows]) for column in shown
    )
    part = f" (part {place + 1} of {number})" if number > 1 else ""
    lines = [r"\end{table*}"] if place else []
    lines += [
        r"\begin{table*}",
        r"\centering",
        rf"\caption{{{latex_text(table.title + part)}}}",
        *([] if place else [rf"\label{{tab:{table.name}}}"]),
        r"\footnotesize",
        r"\setlength{\tabcolsep}{4pt}",
        NUMBERS,
        rf"\sbox0{{\begin{{tabular}}{{{specs}}}",
        r"\toprule",
        rf"{heads} \\",
        r"\midrule",
        *_body(table, rows, shown, notes),
        r"\bottomrule",
        r"\end{tabular}}",
        FIT,
    ]
    return "\n".join(lines)


def _group(table: Table, row: Sequence[Cell]) -> str:
    pairs = zip(table.columns, row, strict=True)
    return ", ".join(cell.text for column, cell in pairs if column.role == "group")


def _body(
    table: Table, rows: Sequence[Sequence[Cell]], shown: Sequence[int], notes: dict[str, int]
) -> list[str]:
    lines: list[str] = []
    for group, members in groupby(rows, lambda row: _group(table, row)):
        if group:
            lines += [r"\addlinespace"] if lines else []
            lines.append(rf"\multicolumn{{{len(shown)}}}{{l}}{{\textit{{{latex_text(group)}}}}} \\")
        for row in members:
            cells = [_cell(table.columns[column], row[column]) for column in shown]
            cells[0] += _note_mark(table, row, notes)
            lines.append(" & ".join(cells) + r" \\")
    return lines


def _note_mark(table: Table, row: Sequence[Cell], notes: dict[str, int]) -> str:
    pairs = zip(table.columns, row, strict=True)
    found = [cell.text for column, cell in pairs if column.role == "note" and cell.text]
    numbers = [str(notes.setdefault(text, len(notes) + 1)) for text in found]
    return rf"\textsuperscript{{{','.join(numbers)}}}" if numbers else ""


def _alignment(column: Column, cells: Sequence[Cell]) -> str:
    if not column.numbers:
        return "l"
    found = [match for match in (NUMBER.fullmatch(cell.text) for cell in cells) if match]
    if not found:
        return "r"

    def widest(group: int) -> int:
        return max(len(match[group] or "") for match in found)

    form = f"{'+' if any(match[1] for match in found) else ''}{widest(2)}"
    form += f".{widest(3)}" if widest(3) else ""
    # siunitx counts the digits of the uncertainty from the first that is not 0.
    whole = 0 if all((match[4] or "0") == "0" for match in found) else widest(4)
    form += f"({whole + widest(5)})" if widest(4) else ""
    tails = [
        _tail(match[6] or "" if (match := NUMBER.fullmatch(cell.text)) else "", cell.mark)
        for cell in cells
    ]
    longest = max(tails, key=len)
    space = f",table-space-text-post={{{longest}}}" if longest else ""
    return f"S[table-format={form}{space}]"


def _tail(text: str, mark: str) -> str:
    return latex_text(text) + (rf"\textsuperscript{{{latex_text(mark)}}}" if mark else "")


def _head(column: Column) -> str:
    if not column.numbers:
        return latex_text(column.title)
    lines = textwrap.wrap(column.title, HEAD_WIDTH, break_long_words=False)
    return rf"{{\shortstack[r]{{{LINE_BREAK.join(map(latex_text, lines))}}}}}"


def latex_text(text: str) -> str:
    """Return text with everything that LaTeX would read as a command made harmless."""
    return "".join(ESCAPES.get(sign, sign) for sign in text)


def _cell(column: Column, cell: Cell) -> str:
    number = NUMBER.fullmatch(cell.text) if column.numbers else None
    if number is None:
        text = latex_text(cell.text)
        text = rf"\textbf{{{text}}}" if cell.best else text
        text += rf"\textsuperscript{{{latex_text(cell.mark)}}}" if cell.mark else ""
        return f"{{{text}}}" if column.numbers and cell.text != MISSING else _plain(column, text)
    digits = cell.text.removesuffix(number[6] or "").replace("±", r"\pm")
    tail = _tail(number[6] or "", cell.mark)
    return (r"\bfseries " if cell.best else "") + digits + (f" {{{tail}}}" if tail else "")


def _plain(column: Column, text: str) -> str:
    return f"{{{text}}}" if column.numbers else text
