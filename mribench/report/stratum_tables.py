"""Leaderboards within parts of the cases: by site, lesion load or resolution."""

from collections.abc import Sequence

from mribench.config import Evaluation
from mribench.report.leaderboard import Row, board_notes, empty_notes, make_leaderboard
from mribench.report.tables import Cell, Column, Table

HEADS = {"site": "Site", "load": "Lesion load", "resolution": "Resolution"}
WORDS = {"site": "by site", "load": "by lesion load", "resolution": "by resolution"}
LOAD_NOTE = "Lesion load: thirds of the study's cases by the volume of the reference lesions."
WITHIN = "Best, marks and corrections are those within one part of the cases."


def make_stratum_tables(
    strata: Sequence[Row], comparisons: Sequence[Row], evaluation: Evaluation, title: str
) -> list[Table]:
    """Return a leaderboard with a block of rows per level, for each stratum of the study.

    Parameters
    ----------
    strata, comparisons
        Rows of ``strata.csv`` and ``strata_comparisons.csv``, as text.
    evaluation
        Test, correction and level, for the notes.
    title
        Name of the study for people.
    """
    found = dict.fromkeys(row["stratum"] for row in strata)
    return [
        _stratum_table(
            stratum,
            [row for row in strata if row["stratum"] == stratum],
            [row for row in comparisons if row["stratum"] == stratum],
            evaluation,
            title,
        )
        for stratum in found
        if stratum in HEADS
    ]


def _stratum_table(
    stratum: str,
    strata: Sequence[Row],
    comparisons: Sequence[Row],
    evaluation: Evaluation,
    title: str,
) -> Table:
    lines: list[list[Cell]] = []
    notes = [*board_notes(strata, comparisons, evaluation), WITHIN]
    notes += [LOAD_NOTE] if stratum == "load" else []
    columns: Sequence[Column] = ()
    for level in dict.fromkeys(row["level"] for row in strata):
        rows = [row for row in strata if row["level"] == level]
        pairs = [row for row in comparisons if row["level"] == level]
        board = make_leaderboard(rows, pairs, evaluation, title)
        columns = board.columns
        lines += [[Cell(level), *row] for row in board.rows]
        notes += [f"{level}: {note}" for note in empty_notes(rows)]
    return Table(
        name=f"per_{stratum}",
        title=f"{title}: {WORDS[stratum]}",
        columns=[Column(HEADS[stratum], role="group"), *columns],
        rows=lines,
        notes=notes,
    )
