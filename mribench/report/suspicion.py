"""The study's overview of the preprocessing: the numbers of all cases, the odd ones first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mribench.errors import StageError
from mribench.failures import read_failure
from mribench.files import read_json
from mribench.report.grids import Cell, Grid

SUSPICIOUS = 3.5
"""Robust z from which a case is marked (Iglewicz and Hoaglin 1993)."""
FEWEST_CASES = 5
"""With fewer cases the study has no distribution to compare with."""
TO_NORMAL = 1.4826
LEAST_SPREAD = 1e-9
TISSUES = ("GM", "WM", "CSF")
HEADS = ("case", "suspicion", "brain (ml)", "GM (%)", "WM (%)", "CSF (%)", "advantage")
REASONS = "because of"
Record = Mapping[str, Any]


@dataclass(frozen=True)
class Measure:
    """One number of every case, and how far it is from what is usual in the study.

    `scores` are robust z with their sign. Only low values of a `one_sided` measure are odd.
    """

    name: str
    unit: str
    values: np.ndarray
    scores: np.ndarray
    one_sided: bool = False

    @property
    def oddness(self) -> np.ndarray:
        """How odd each value is: the size of its score, 0 where it is merely good."""
        return np.maximum(-self.scores, 0) if self.one_sided else np.abs(self.scores)


@dataclass(frozen=True)
class Suspicion:
    """A case with what speaks against it: the largest robust z, failed checks, and reasons."""

    case: str
    score: float
    flaws: list[str]
    reasons: list[str]

    @property
    def flagged(self) -> bool:
        """Whether somebody should look at the case."""
        return bool(self.flaws) or self.score >= SUSPICIOUS


@dataclass(frozen=True)
class Review:
    """The overview of one preprocessing variant; suspicions and rows in the same order."""

    variant: str
    measures: list[Measure]
    suspicions: list[Suspicion]
    table: Grid


def robust_z(values: np.ndarray) -> np.ndarray:
    """Return the distance of each value from the median in median absolute deviations.

    Scaled by 1.4826, so that it is the usual z score for normal values; 0 where the
    deviation of more than half of the values is 0.
    """
    distance = values - np.median(values)
    spread = TO_NORMAL * np.median(np.abs(distance))
    return distance / spread if spread > LEAST_SPREAD else np.zeros(len(values))


def read_records(study: Path, variant: str, cases: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return the numbers of each case of a variant, as its review wrote them.

    Cases whose preprocessing failed have none.

    Raises
    ------
    StageError
        If no case has any.
    """
    folder = study / "preproc" / variant
    files = {case: folder / case.replace("_", "/") / "figures/review.json" for case in cases}
    failed = {case: read_failure(file) for case, file in files.items()}
    records = {case: read_json(files[case]) for case in cases if failed[case] is None}
    if not records:
        first = next(failure for failure in failed.values() if failure)
        raise StageError(f"variant {variant}: every case failed in {first.stage}: {first.reason}")
    return records


def make_review(variant: str, records: Mapping[str, Record], folder: str = "") -> Review:
    """Return the overview of a variant: failed checks first, then by the largest robust z.

    Parameters
    ----------
    variant
        Name of the variant.
    records
        Per case what its review measured.
    folder
        Way from the page that shows the overview to the variant's folder.
    """
    cases, measures = list(records), measure(records)
    found = [suspect(records[case], measures, place) for place, case in enumerate(cases)]
    order = sorted(
        range(len(cases)), key=lambda place: (not found[place].flaws, -found[place].score, place)
    )
    rows = [
        table_row(found[place], records[cases[place]], measures, place, folder) for place in order
    ]
    table = Grid((*HEADS, REASONS), rows, frozenset({REASONS}))
    return Review(variant, measures, [found[place] for place in order], table)


def measure(records: Mapping[str, Record]) -> list[Measure]:
    """Return brain volume, tissue shares (percent of the tissues) and fit of the registrations."""
    volumes = [record["volumes"] for record in records.values()]
    brain = np.array([entry["brain"] for entry in volumes])
    parts = {name: np.array([entry[name] for entry in volumes]) for name in TISSUES}
    whole = np.maximum(np.sum(list(parts.values()), axis=0), LEAST_SPREAD)
    made = [make_measure("brain volume", "ml", brain)]
    made += [make_measure(f"{n} share", "%", 100 * part / whole) for n, part in parts.items()]
    fits = [record["registrations"] for record in records.values()]
    for key, entry in fits[0].items() if fits else ():
        values = np.array([entries[key]["information_after"] for entries in fits])
        name = f"fit of {entry['from']} to {entry['to']}"
        made.append(make_measure(name, "", values, one_sided=True))
    return made


def make_measure(name: str, unit: str, values: np.ndarray, one_sided: bool = False) -> Measure:
    """Return a measure with its scores; all 0 in a study too small for a distribution."""
    scores = robust_z(values) if len(values) >= FEWEST_CASES else np.zeros(len(values))
    return Measure(name, unit, values, scores, one_sided)


def suspect(record: Record, measures: Sequence[Measure], place: int) -> Suspicion:
    """Return what speaks against the case at `place`."""
    flaws = [
        f"{entry['from']} to {entry['to']}: {flaw}"
        for entry in record["registrations"].values()
        for flaw in entry["flaws"]
    ]
    odd = sorted(measures, key=lambda item: -item.oddness[place])
    worst = float(odd[0].oddness[place])
    shown = [item for item in odd if item.oddness[place] >= SUSPICIOUS] or odd[:1]
    words = [
        f"{item.name} {'low' if item.scores[place] < 0 else 'high'} (z {item.scores[place]:+.1f})"
        for item in shown
        if item.oddness[place] > 0
    ]
    return Suspicion(record["case"], worst, flaws, [*flaws, *words])


def table_row(
    suspicion: Suspicion, record: Record, measures: Sequence[Measure], place: int, folder: str
) -> list[Cell]:
    """Return the row of a case: volumes, the weakest registration, suspicion and reasons."""
    shown = [
        Cell(f"{item.values[place]:.1f}", "flag" if item.oddness[place] >= SUSPICIOUS else "")
        for item in measures[: 1 + len(TISSUES)]
    ]
    found = [entry["advantage"] for entry in record["registrations"].values()]
    advantage = Cell(f"{min(found):.2f}" if found else "n/a", "flag" if suspicion.flaws else "")
    reasons = "; ".join(suspicion.reasons) or "nothing"
    return [
        Cell(suspicion.case, link=link(folder, suspicion.case)),
        Cell(f"{suspicion.score:.1f}", "flag" if suspicion.flagged else ""),
        *shown,
        advantage,
        Cell(reasons, "wrap"),
    ]


def link(folder: str, case: str) -> str:
    """Return the way to a case's review page."""
    return f"{folder}/{case.replace('_', '/')}/figures/index.html"
