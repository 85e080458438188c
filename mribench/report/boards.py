"""The leaderboards of the results page: of all cases, and of every part of them."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from mribench.config import Evaluation
from mribench.report.grids import Grid, table_grid
from mribench.report.leaderboard import Row, board_notes, empty_notes, make_leaderboard
from mribench.report.stratum_tables import HEADS, LOAD_NOTE, WITHIN
from mribench.statistics.compare import COMPARISON_COLUMNS
from mribench.statistics.formats import read_tidy
from mribench.statistics.ranking import RANKING_COLUMNS
from mribench.statistics.strata import STRATA_COLUMNS, STRATA_COMPARISON_COLUMNS


class Board(NamedTuple):
    """A leaderboard: the part of the cases it covers, in the group `group` of such parts."""

    group: str
    part: str
    table: Grid
    notes: list[str]


def read_rows(folder: Path, name: str, columns: Sequence[str]) -> list[dict[str, str]]:
    """Read a table of statistics in a study's folder."""
    return read_tidy(folder / f"{name}.csv", columns, "compare_methods")


def make_boards(folder: Path, evaluation: Evaluation, title: str) -> list[Board]:
    """Return the leaderboard of all cases, then those by site, lesion load and resolution.

    Parameters
    ----------
    folder
        The study's results.
    evaluation
        Test, correction and level, for the notes.
    title
        Name of the study for people.
    """
    ranking = read_rows(folder, "ranking", RANKING_COLUMNS)
    pairs = read_rows(folder, "comparisons", COMPARISON_COLUMNS)
    whole = table_grid(make_leaderboard(ranking, pairs, evaluation, title))
    strata = read_rows(folder, "strata", STRATA_COLUMNS)
    within = read_rows(folder, "strata_comparisons", STRATA_COMPARISON_COLUMNS)
    parts = dict.fromkeys((row["stratum"], row["level"]) for row in strata)
    return [
        Board("", "all", whole, board_notes(ranking, pairs, evaluation)),
        *[
            make_part(stratum, level, strata, within, evaluation)
            for stratum, level in parts
            if stratum in HEADS
        ],
    ]


def make_part(
    stratum: str,
    level: str,
    strata: Sequence[Row],
    comparisons: Sequence[Row],
    evaluation: Evaluation,
) -> Board:
    """Return the leaderboard of one part of the cases."""
    rows, pairs = (
        [row for row in table if (row["stratum"], row["level"]) == (stratum, level)]
        for table in (strata, comparisons)
    )
    notes = [*board_notes(rows, pairs, evaluation), WITHIN, *empty_notes(rows)]
    notes += [LOAD_NOTE] if stratum == "load" else []
    table = make_leaderboard(rows, pairs, evaluation, level)
    return Board(HEADS[stratum], level, table_grid(table), notes)
