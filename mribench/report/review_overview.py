"""The overview of the preprocessing of all cases of a variant: a page and a table."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mribench.files import write_table, write_text
from mribench.report.suspicion import (
    FEWEST_CASES,
    SUSPICIOUS,
    TO_NORMAL,
    Measure,
    Review,
    link,
    make_review,
)
from mribench.report.templates import render

LEFT, RIGHT, MIDDLE, REACH = 14, 346, 30, 12
MARGIN = 0.06


class Dot(NamedTuple):
    """A case on a strip: where it stands and what it says."""

    case: str
    x: float
    y: float
    flagged: bool
    text: str


class Strip(NamedTuple):
    """One measure of all cases on a line, with its usual range."""

    name: str
    dots: list[Dot]
    median: float
    usual: tuple[float, float]
    ends: tuple[str, str]
    alt: str


class Tile(NamedTuple):
    """A case in the contact sheet."""

    case: str
    link: str
    picture: str
    reasons: str
    flagged: bool


def write_overview(
    variant: str, records: Mapping[str, Mapping[str, Any]], page: Path, table: Path
) -> None:
    """Write the overview of a variant.

    Parameters
    ----------
    variant
        Name of the variant.
    records
        Per case what its review measured.
    page
        ``preproc/<variant>/review/index.html``: links and pictures go from there to the cases.
    table
        The TSV to write: one row per case with every number and its robust z.
    """
    review = make_review(variant, records, "..")
    flagged = sum(suspicion.flagged for suspicion in review.suspicions)
    content = {
        "variant": variant,
        "verdict": verdict(flagged, len(records)),
        "flagged": flagged,
        "table": review.table,
        "strips": [make_strip(measure, list(records)) for measure in review.measures],
        "tiles": make_tiles(review),
        "suspicious": f"{SUSPICIOUS:g}",
        "fewest": FEWEST_CASES,
        "scale": TO_NORMAL,
    }
    write_text(page, render("overview.html.j2", **content))
    write_table(table, *flat(review, list(records)))


def verdict(flagged: int, count: int) -> str:
    """Return the sentence that the page opens with."""
    if not flagged:
        return f"Nothing suspicious in {count} cases."
    return f"{flagged} of {count} cases should be looked at."


def flat(review: Review, cases: Sequence[str]) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the overview as rows, most suspicious first, and their columns."""
    rows = []
    for suspicion in review.suspicions:
        place = cases.index(suspicion.case)
        row: dict[str, Any] = {"case": suspicion.case}
        for item in review.measures:
            row[item.name] = f"{item.values[place]:.6g}"
            row[f"z of {item.name}"] = f"{item.scores[place]:.3f}"
        row["flagged"] = "yes" if suspicion.flagged else "no"
        row["reasons"] = "; ".join(suspicion.reasons) or None
        rows.append(row)
    return rows, list(rows[0])


def make_tiles(review: Review) -> list[Tile]:
    """Return the contact sheet in the order of the suspicions."""
    return [
        Tile(
            entry.case,
            link("..", entry.case),
            f"../{entry.case.replace('_', '/')}/figures/thumbnail.png",
            "; ".join(entry.reasons) if entry.flagged else "",
            entry.flagged,
        )
        for entry in review.suspicions
    ]


def make_strip(item: Measure, cases: Sequence[str]) -> Strip:
    """Return a measure as dots on a line; equal places are moved up and down."""
    low, high = float(item.values.min()), float(item.values.max())
    spread = (high - low) or 1.0
    low, high = low - MARGIN * spread, high + MARGIN * spread
    across = LEFT + (item.values - low) / (high - low) * (RIGHT - LEFT)
    dots = [
        Dot(
            case,
            round(float(across[place]), 1),
            round(MIDDLE + REACH * (place % 3 - 1) / 2, 1),
            bool(item.oddness[place] >= SUSPICIOUS),
            f"{case}: {item.values[place]:.4g} {item.unit}, z {item.scores[place]:+.1f}",
        )
        for place, case in enumerate(cases)
    ]
    middle = float(np.median(item.values))
    reach = SUSPICIOUS * TO_NORMAL * float(np.median(np.abs(item.values - middle)))
    places = [
        round(float(np.clip(LEFT + (value - low) / (high - low) * (RIGHT - LEFT), LEFT, RIGHT)), 1)
        for value in (middle, middle - reach, middle + reach)
    ]
    return Strip(
        item.name, dots, places[0], (places[1], places[2]),
        (f"{item.values.min():.4g}", f"{item.values.max():.4g} {item.unit}".strip()),
        strip_text(item, dots, middle),
    )  # fmt: skip


def strip_text(item: Measure, dots: Sequence[Dot], middle: float) -> str:
    """Return a strip in words."""
    odd = ", ".join(dot.text for dot in dots if dot.flagged) or "none"
    return f"{item.name} of all cases: median {middle:.4g} {item.unit}; unusual: {odd}"
