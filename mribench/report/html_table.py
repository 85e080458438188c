"""Tables as HTML: pages that sort and filter by mouse and keyboard, with no library."""

import html
from pathlib import Path

from mribench.report.tables import Cell, Column, Table

SCRIPT = Path(__file__).parent / "templates/table.js"
STYLE = (
    ":root{color-scheme:light dark}"
    "body{font:16px/1.5 system-ui,sans-serif;margin:1.5rem;max-width:80rem}"
    "div{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums}"
    "caption{text-align:left;font-weight:600;padding-bottom:.5rem}"
    "th,td{padding:.35rem .7rem;border-bottom:1px solid #8886;text-align:left}"
    ".number{text-align:right;white-space:nowrap}ul{padding-left:1.2rem;font-size:.875rem}"
    "th button{all:unset;cursor:pointer;font-weight:600}"
    "th button:focus-visible,div:focus-visible{outline:2px solid Highlight;outline-offset:2px}"
    "th[aria-sort=ascending] button::after{content:' ▲'}"
    "th[aria-sort=descending] button::after{content:' ▼'}"
    "label{display:block;margin-bottom:1rem}input{font:inherit;margin-left:.5rem}"
)


def html_fragment(table: Table) -> str:
    """Return the table and its notes as HTML without page around it."""
    heads = "".join(map(_head, table.columns))
    rows = [
        "".join(_cell(column, cell) for column, cell in zip(table.columns, row, strict=True))
        for row in table.rows
    ]
    notes = "".join(f"<li>{html.escape(note)}</li>\n" for note in table.notes)
    body = "".join(f"<tr>{row}</tr>\n" for row in rows)
    title = html.escape(table.title)
    return (
        f'<div tabindex="0" role="region" aria-label="{title}"><table>\n'
        f"<caption>{title}</caption>\n"
        f"<thead><tr>{heads}</tr></thead>\n<tbody>\n{body}</tbody>\n</table></div>\n"
        + (f"<ul>\n{notes}</ul>\n" if notes else "")
    )


def _head(column: Column) -> str:
    kind = ' class="number"' if column.numbers else ""
    return f'<th scope="col"{kind}>{html.escape(column.title)}</th>'


def _cell(column: Column, cell: Cell) -> str:
    text = html.escape(cell.text)
    text = f"<strong>{text}</strong>" if cell.best else text
    mark = f"<sup>{html.escape(cell.mark)}</sup>" if cell.mark else ""
    kind = ' class="number"' if column.numbers else ""
    return f"<td{kind}>{text}{mark}</td>"


def to_html(table: Table) -> str:
    """Return the table as a page of its own that asks nothing from the network."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(table.title)}</title>\n<style>{STYLE}</style>\n</head>\n"
        f"<body>\n{html_fragment(table)}"
        f"<script>\n{SCRIPT.read_text(encoding='utf-8')}</script>\n</body>\n</html>\n"
    )
