"""Say how far a study is: runs done, in training and failed, and the failures by cause.

``python -m scripts.show_status --config studies/mine.yaml``; works beside a running Snakemake.
"""

import argparse
from pathlib import Path

import yaml

from mribench import command
from mribench.config import load_study
from mribench.monitoring.status import describe


def main(arguments: argparse.Namespace) -> None:
    """Print the status."""
    study = load_study(yaml.safe_load(arguments.config.read_text(encoding="utf-8")))
    print("\n".join(describe(study, arguments.results / study.study)))


if __name__ == "__main__":
    made = command.parser(__doc__)
    made.add_argument("--config", type=Path, default=Path("config.yaml"), help="the study's file")
    made.add_argument("--results", type=Path, default=Path("results"), help="folder of all results")
    command.run(main, made)
