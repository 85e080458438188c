"""Write the results page of a study: answer, leaderboard, figures, cases, warnings, provenance.

The page opens from disk and asks nothing from the network; its pictures are copied into
the same folder.
"""

import argparse
from pathlib import Path

from mribench import command, provenance
from mribench.report.settings import restore_study


def main(arguments: argparse.Namespace) -> None:
    """Write index.html and the figures beside it."""
    from mribench.report.page import write_page

    study = restore_study(provenance.read_spec(arguments.spec))
    write_page(study, arguments.metrics.parent, arguments.output)


if __name__ == "__main__":
    made = command.parser(__doc__)
    made.add_argument(
        "--metrics", type=Path, required=True, help="metrics.csv; the rest is read beside it"
    )
    made.add_argument("--output", type=Path, required=True, help="page to write")
    command.run(main, made)
