"""The results page: the answer first, then everything that supports it."""

import shutil
from pathlib import Path
from typing import Any

import pandas as pd

import mribench
from mribench.config import Study
from mribench.files import read_json, write_text
from mribench.metrics.conventions import load_preset
from mribench.report import slices
from mribench.report.answer import counted, make_answer
from mribench.report.boards import make_boards, read_rows
from mribench.report.casebook import make_casebook
from mribench.report.grids import Cell, Grid, table_grid
from mribench.report.methods_text import compose, references, to_page
from mribench.report.notices import list_warnings
from mribench.report.origin import list_origin, runs_grid
from mribench.report.protocol import describe_protocol
from mribench.report.results import Results
from mribench.report.statistics_tables import make_comparison_table
from mribench.report.suspicion import SUSPICIOUS, make_review, read_records
from mribench.report.templates import render
from mribench.report.viewer import SCRIPT, describe_viewer, write_niivue
from mribench.statistics.compare import COMPARISON_COLUMNS

SECTIONS = (
    ("answer", "Answer"),
    ("leaderboard", "Leaderboard"),
    ("figures", "Figures"),
    ("cases", "Cases"),
    ("preprocessing", "Preprocessing"),
    ("costs", "Costs"),
    ("warnings", "Warnings"),
    ("protocol", "Protocol"),
    ("methods", "Methods text"),
    ("provenance", "Provenance"),
)


def write_page(study: Study, folder: Path, page: Path) -> None:
    """Write the results page and copy the figures beside it.

    Parameters
    ----------
    study
        The configuration.
    folder
        The study's results.
    page
        ``report/index.html``; figures go to ``figures`` in the same folder, so that it
        can be moved as a whole.
    """
    page.parent.mkdir(parents=True, exist_ok=True)
    target = page.parent / "figures"
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(folder / "figures", target)
    has_niivue = write_niivue(page.parent / SCRIPT)
    results = Results(folder, tuple(study.methods))
    write_text(page, render("index.html.j2", **content(study, results, has_niivue)))


def content(study: Study, results: Results, has_niivue: bool) -> dict[str, Any]:
    """Return everything that the template of the page fills in."""
    known = list(load_preset(study.evaluation.preset).metrics)
    chosen = study.evaluation
    title = study.title or study.study
    pairs = read_rows(results.folder, "comparisons", COMPARISON_COLUMNS)
    test = chosen.test.removesuffix("_test")
    figures = list_figures(results.folder / "figures")
    methods_text = compose(study, results)
    return {
        "title": title,
        "subtitle": subtitle(study, results),
        "sections": SECTIONS,
        "answer": make_answer(results, known, chosen.alpha, test, chosen.correction),
        "boards": make_boards(results.folder, chosen, title),
        "comparisons": table_grid(make_comparison_table(pairs, chosen, title)),
        "figures": [entry for entry in figures if entry["group"] != "overlays"],
        "overlays": [entry for entry in figures if entry["group"] == "overlays"],
        "key": [(name, "#{:02x}{:02x}{:02x}".format(*rgb)) for name, rgb in slices.COLOURS.items()],
        "viewer": describe_viewer(results, known[0]) if has_niivue else None,
        "cases": make_casebook(results, known),
        "reviews": reviews(study, results),
        "suspicious": f"{SUSPICIOUS:g}",
        "costs": costs(results),
        "warnings": list_warnings(results, known),
        "protocol": describe_protocol(study, results),
        "methods_text": to_page(methods_text),
        "references": references(methods_text),
        "provenance": list_origin(study, results),
        "runs": runs_grid(results),
        "version": mribench.__version__,
    }


def list_figures(folder: Path) -> list[dict[str, Any]]:
    """Return the entries of the manifest, each with the width and height of its picture."""
    from PIL import Image

    entries = []
    for entry in read_json(folder / "manifest.json"):
        with Image.open(folder / f"{entry['name']}.png") as picture:
            entries.append({**entry, "size": picture.size})
    return entries


def subtitle(study: Study, results: Results) -> str:
    """Return the size of the tournament in one line."""
    folds = results.metrics["fold"].nunique()
    tested = results.metrics["case"].nunique()
    return (
        f"Study {study.study}: {counted(len(study.methods), 'method')}, "
        f"{counted(tested, 'test case')}, {counted(folds, 'fold')}, "
        f"{counted(len(study.protocol.seeds), 'seed')}; "
        f"metrics by the conventions of {study.evaluation.preset}"
    )


def costs(results: Results) -> Grid:
    """Return the mean of every cost over the runs of each method."""
    frame = results.costs
    numbers = frame.drop(columns=["fold", "seed"]).groupby("method").mean(numeric_only=True)
    ordered = numbers.reindex([name for name in results.methods if name in numbers.index])
    heads = ["method", *(str(name).replace("_", " ") for name in ordered.columns)]
    rows = [
        [Cell(str(name)), *(Cell(quantity(value)) for value in values)]
        for name, values in zip(ordered.index, ordered.to_numpy(), strict=True)
    ]
    return Grid(heads, rows)


def quantity(value: float) -> str:
    """Return a number with three significant digits, large ones in full."""
    if pd.isna(value):
        return "n/a"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def reviews(study: Study, results: Results) -> list[Any]:
    """Return the preprocessing overview of every variant that a method reads."""
    names = sorted({method.variant for method in study.methods.values()})
    listed = sorted(results.scans["case"].unique())
    return [
        make_review(name, read_records(results.folder, name, listed), f"../preproc/{name}")
        for name in names
    ]
