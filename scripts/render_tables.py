"""Write the study's tables as CSV, Markdown, LaTeX and HTML.

The four forms of a table carry the same numbers, formatted once; all stand in the folder of
the leaderboard. Tables that only some studies have stand in its folder more: by site, lesion
load and resolution, the ablations, and the layouts of the papers whose methods take part.
"""

import argparse
import shutil
from pathlib import Path

from mribench import command, provenance
from mribench.files import read_table
from mribench.report.forms import write_forms
from mribench.report.study_tables import (
    TableSettings,
    common_tables,
    read_statistics,
    special_tables,
)


def main(arguments: argparse.Namespace) -> None:
    """Write all tables beside the leaderboard."""
    settings = TableSettings.model_validate(provenance.read_spec(arguments.spec))
    found = read_statistics(arguments.ranking.parent)
    for name in ("agreement", "detection", "failed"):
        if getattr(arguments, name):
            found[name] = read_table(getattr(arguments, name))
    costs = read_table(arguments.costs)
    folder = arguments.output.parent
    for table in common_tables(found, costs, settings):
        write_forms(table, folder)
    shutil.rmtree(folder / "more", ignore_errors=True)
    (folder / "more").mkdir()
    for table in special_tables(found, costs, settings):
        write_forms(table, folder / "more")


if __name__ == "__main__":
    made = command.parser(__doc__)
    made.add_argument(
        "--ranking", type=Path, required=True, help="ranking.csv, with the other statistics beside"
    )
    made.add_argument("--costs", type=Path, required=True, help="costs.csv of the study")
    made.add_argument("--agreement", type=Path, help="agreement.csv, for the table of volumes")
    made.add_argument("--detection", type=Path, help="detection.csv, for the lesions by size")
    made.add_argument("--failed", type=Path, help="failed_cases.tsv, for the notes")
    made.add_argument("--output", type=Path, required=True, help="leaderboard.csv to write")
    command.run(main, made)
