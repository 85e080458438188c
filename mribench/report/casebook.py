"""The cases of the results page: all methods side by side, worst first."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mribench.files import read_json
from mribench.metrics.conventions import Metric
from mribench.report.case_volumes import SCRIPT
from mribench.report.measures import direction
from mribench.report.results import Results, value_of

FOLDER = "figures/cases"


@dataclass(frozen=True)
class Pane:
    """One film of a case: the image, with the errors of a method where `errors` names a file."""

    name: str
    errors: str
    values: str


@dataclass(frozen=True)
class CaseEntry:
    """A case with its summary line and its films.

    `image` is the file of the image; `places` are the numbers of the slices from 1, of `slices`
    in all; `start` is the one to begin with, counted from 0; `size` is width and height of one.
    `volumes` is the file for the viewer, empty where the study has none of this case.
    """

    name: str
    summary: str
    image: str
    size: tuple[int, int]
    places: list[int]
    start: int
    slices: int
    panes: list[Pane]
    volumes: str


@dataclass(frozen=True)
class Casebook:
    """All cases and the sentence that explains their order."""

    order: str
    entries: list[CaseEntry]


def make_casebook(results: Results, metrics: list[Metric]) -> Casebook:
    """Return the cases sorted from worst to best by the mean of the main metric over methods.

    Cases where it is undefined come last; those that a method has no score for are left out.
    Values are of the first label.
    """
    label = results.labels[0]
    tables = {metric: results.values(metric.name, label) for metric in metrics}
    main = metrics[0]
    sign = direction(main)
    order = (tables[main].mean(axis=1) * sign).sort_values(kind="stable").index
    sites = results.scans.drop_duplicates("case").set_index("case")
    films = read_json(results.folder / "figures/films.json")
    entries = [
        make_entry(
            case,
            summary(case, sites.loc[case], tables[main], main),
            films[case],
            panes(case, results.methods, tables),
            (results.folder / FOLDER / case / SCRIPT).is_file(),
        )
        for case in order
        if case in films
    ]
    text = (
        f"Sorted by the mean {main.title} over the methods, worst first; cases where it is "
        "undefined come last."
    )
    return Casebook(text, entries)


def make_entry(
    name: str, text: str, film: dict[str, Any], panes: list[Pane], has_volumes: bool
) -> CaseEntry:
    """Return a case from what its film says."""
    width, height = film["size"]
    return CaseEntry(
        name=name,
        summary=text,
        image=f"{FOLDER}/{name}/image.jpg",
        size=(width, height),
        places=[place + 1 for place in film["places"]],
        start=film["start"],
        slices=film["slices"],
        panes=panes,
        volumes=f"{FOLDER}/{name}/{SCRIPT}" if has_volumes else "",
    )


def summary(case: str, row: pd.Series, table: pd.DataFrame, main: Metric) -> str:
    """Return site, load and the main metric of every method in one line."""
    values = [f"{name} {short(main, value_of(table, case, name))}" for name in table.columns]
    parts = [] if pd.isna(row.site) else [str(row.site)]
    return " · ".join(
        [*parts, f"{float(row.load_ml):.1f} ml", f"{main.title}: " + ", ".join(values)]
    )


def panes(case: str, methods: tuple[str, ...], tables: dict[Metric, pd.DataFrame]) -> list[Pane]:
    """Return the image's pane and one per method with all its values."""
    made = [Pane("image", "", "without overlay")]
    for name in methods:
        values = [
            f"{metric.title} {short(metric, value_of(table, case, name))} {metric.unit}".rstrip()
            for metric, table in tables.items()
        ]
        made.append(Pane(name, f"{FOLDER}/{case}/{name}.png", ", ".join(values)))
    return made


def short(metric: Metric, value: float) -> str:
    """Return a value with few digits, or ``undefined``."""
    return f"{value:.{1 if metric.unit else 2}f}" if np.isfinite(value) else "undefined"
