"""Say how far a study is: runs done, in training and failed, and the failures by cause.

``python -m scripts.show_status --config studies/mine.yaml``; works beside a running Snakemake.
"""

import argparse
from pathlib import Path

import yaml

from mribench import command
from mribench.config import load_study
from mribench.config.sizes import SIZES
from mribench.monitoring.status import describe


def main(arguments: argparse.Namespace) -> None:
    """Print the status."""
    content = yaml.safe_load(arguments.config.read_text(encoding="utf-8"))
    study = load_study({**content, "size": arguments.size} if arguments.size else content)
    print("\n".join(describe(study, arguments.results / study.study)))


if __name__ == "__main__":
    made = command.parser(__doc__)
    made.add_argument("--config", type=Path, default=Path("config.yaml"), help="the study's file")
    made.add_argument("--size", choices=SIZES, help="of the study, as in `--config size=small`")
    made.add_argument("--results", type=Path, default=Path("results"), help="folder of all results")
    command.run(main, made)
