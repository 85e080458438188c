"""Warn of what in a folder could tell who a person is, before it is given away.

Looks at the header texts of images, the fields of their sidecars, DICOM files, and images that
are not known to be stripped and so may show a face. The exit status is 1 where anything is found.

  python -m scripts.check_release results/mine/preproc/native
"""

import argparse
import logging
import sys
from pathlib import Path

from mribench import command
from mribench.dataset.folders import printable, require_folder
from mribench.report.privacy import find_risks


def main(arguments: argparse.Namespace) -> None:
    """Print one line per finding."""
    require_folder(arguments.folder)
    logger = logging.getLogger("mribench")
    risks = list(find_risks(arguments.folder))
    for risk in risks:
        logger.warning("%s", printable(risk))
    logger.info("%s: %d findings", arguments.folder, len(risks))
    sys.exit(1 if risks else 0)


if __name__ == "__main__":
    made = command.parser(__doc__)
    made.add_argument("folder", type=Path, help="what is to be given away")
    command.run(main, made)
