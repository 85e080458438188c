"""Write the overview of the preprocessing of all cases of a variant, the odd ones first.

Reads what the reviews of the cases measured; writes a page and a table with a robust z for
every number.
"""

import argparse
from pathlib import Path

from mribench import command


def main(arguments: argparse.Namespace) -> None:
    """Write page and table."""
    from mribench.files import read_table
    from mribench.report.review_overview import write_overview
    from mribench.report.suspicion import read_records

    cases = sorted({row["case"] for row in read_table(arguments.scans)})
    study = arguments.scans.parents[1]
    records = read_records(study, arguments.variant, cases)
    write_overview(arguments.variant, records, arguments.page, arguments.table)


if __name__ == "__main__":
    made = command.parser(__doc__)
    made.add_argument("--variant", required=True, help="name of the variant")
    made.add_argument(
        "--scans", type=Path, required=True, help="dataset/scans.tsv; reviews stand beside it"
    )
    made.add_argument("--page", type=Path, required=True, help="page to write")
    made.add_argument("--table", type=Path, required=True, help="table (TSV) to write")
    command.run(main, made)
