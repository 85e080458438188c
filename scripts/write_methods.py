"""Write the methods section of a paper from what ran: Markdown, LaTeX and BibTeX.

Tools, versions and parameters come from the sidecars of the preprocessing and the records
of the runs, the rest from the configuration.
"""

import argparse
from pathlib import Path

from mribench import command, provenance
from mribench.report.settings import restore_study

FORMS = {"markdown": "text (.md)", "latex": "text (.tex)", "bibtex": "sources (.bib)"}


def main(arguments: argparse.Namespace) -> None:
    """Write the three files."""
    from mribench.report.methods_text import write_methods

    study = restore_study(provenance.read_spec(arguments.spec))
    outputs = [getattr(arguments, form) for form in FORMS]
    write_methods(study, arguments.metrics.parent, *outputs)


if __name__ == "__main__":
    made = command.parser(__doc__)
    made.add_argument(
        "--metrics", type=Path, required=True, help="metrics.csv; the rest is read beside it"
    )
    for form, text in FORMS.items():
        made.add_argument(f"--{form}", type=Path, required=True, help=f"{text} to write")
    command.run(main, made)
