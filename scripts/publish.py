"""Put a study into one archive (RO-Crate) that others can check and cite.

Tables, every score, splits, configuration, versions, hardware, seeds and checksums; no image
of a patient. Weights and predictions only where the configuration says so.
"""

import argparse
import logging
from pathlib import Path

from mribench import command, provenance
from mribench.files import checksum
from mribench.report.settings import restore_study


def main(arguments: argparse.Namespace) -> None:
    """Write the archive and say its checksum."""
    from mribench.report.crate import publish_study
    from mribench.schema import schema_text

    study = restore_study(provenance.read_spec(arguments.spec))
    risks = publish_study(study, arguments.metrics.parent, schema_text(), arguments.output)
    logger = logging.getLogger("mribench")
    for risk in risks:
        logger.warning("look before you release: %s", risk)
    logger.info("%s: SHA-256 %s", arguments.output, checksum(arguments.output))


if __name__ == "__main__":
    made = command.parser(__doc__)
    made.add_argument(
        "--metrics", type=Path, required=True, help="metrics.csv; the rest is read beside it"
    )
    made.add_argument("--output", type=Path, required=True, help="zip file to write")
    command.run(main, made)
