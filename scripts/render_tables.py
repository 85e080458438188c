"""Write the study's tables as CSV, Markdown, LaTeX and HTML.

The four forms of a table carry the same numbers, formatted once; all stand in the folder of
the leaderboard. Tables that only some studies have stand in its folder more: by site, lesion
load and resolution, the ablations, and the layouts of the papers whose methods take part.
"""

import argparse
from pathlib import Path

from mribench import command, provenance
from mribench.report.study_tables import TableSettings, write_tables


def main(arguments: argparse.Namespace) -> None:
    """Write all tables beside the leaderboard."""
    settings = TableSettings.model_validate(provenance.read_spec(arguments.spec))
    counts = {name: getattr(arguments, name) for name in ("agreement", "detection", "failed")}
    write_tables(
        arguments.ranking.parent,
        arguments.costs,
        {name: path for name, path in counts.items() if path},
        settings,
        arguments.output.parent,
    )


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
