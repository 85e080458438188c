"""Check a published study: files, checksums, splits, and every table from the scores.

With --results (and the data, where they do not stand inside) weights and predictions are
compared and every prediction is scored again; with --rerun the whole study runs again in a
folder of its own. Whatever differs is named, and the exit status is 1.
"""

import argparse
import json
import logging
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mribench import command
from mribench.config import Study
from mribench.dataset.folders import dataset_root
from mribench.dataset.splits import make_splits
from mribench.errors import ToolError
from mribench.files import write_json
from mribench.report import verification
from mribench.report.crate_archive import unpack_archive
from mribench.report.remaking import make_tables

SNAKEFILE = Path(__file__).parents[1] / "Snakefile"
logger = logging.getLogger("mribench")


def main(arguments: argparse.Namespace) -> None:
    """Run all checks, print what was found, and note it in the report."""
    with TemporaryDirectory() as name:
        scratch = Path(name)
        sums = unpack_archive(arguments.crate, scratch / "crate")
        publication = verification.Publication(scratch / "crate", sums)
        reports = [verification.verify_archive(publication, Workflow(), scratch)]
        if arguments.results and reports[0].readable:
            results = arguments.results
            bids = arguments.bids or dataset_root(publication.study().dataset, results)
            reports.append(verification.verify_results(publication, results, bids, scratch))
        if arguments.rerun and reports[0].readable:
            reports.append(verification.verify_rerun(publication, rerun(publication, arguments)))
    tell(arguments.crate, reports)
    if arguments.output:
        write_json(arguments.output, summary(reports))
    if any(report.findings for report in reports):
        sys.exit(1)


class Workflow:
    """Splits and tables, made as the workflow makes them."""

    def split(self, inputs: list[dict[str, str]], study: Study) -> list[dict[str, Any]]:
        """Deal the cases of an archive to folds."""
        return make_splits(inputs, study.protocol.split)

    def tables(self, archive: Path, study: Study, folder: Path) -> None:
        """Compare the methods of an archive again and render its tables."""
        make_tables(study, archive, archive / "dataset/inputs.tsv", folder)


def rerun(publication: verification.Publication, arguments: argparse.Namespace) -> Path:
    """Run the whole study again and return its results."""
    study = publication.study()
    config = json.loads((publication.folder / "config.json").read_text(encoding="utf-8"))
    if arguments.source:
        config["dataset"]["source"] = str(arguments.source.resolve())
    if study.protocol.split.file:
        config["protocol"]["split"]["file"] = str(publication.folder / "dataset/splits.tsv")
    folder: Path = arguments.rerun
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "study.json").write_text(json.dumps(config, indent=2), encoding="utf-8")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "snakemake", "--snakefile", str(SNAKEFILE)),
            *("--directory", str(folder), "--configfile", str(folder / "study.json")),
            *("--cores", "all", f"results/{study.study}/metrics.csv"),
        ],
        check=False,
    )
    if done.returncode:
        raise ToolError(f"{folder}: the study did not run to its end; see the messages above")
    return folder / "results" / study.study


def tell(crate: Path, reports: list[verification.Verification]) -> None:
    """Print what was checked, every finding, and the verdict."""
    for report in reports:
        for text in report.checked:
            logger.info("checked: %s", text)
        for text in report.unchecked:
            logger.warning("not checked: %s", text)
        for finding in report.findings:
            logger.error("%s", finding)
    count = sum(len(report.findings) for report in reports)
    verdict = "everything agrees" if not count else f"findings: {count}"
    logger.info("%s: %s", crate, verdict)


def summary(reports: list[verification.Verification]) -> dict[str, list[str]]:
    """Return the same for programs."""
    return {
        "checked": [text for report in reports for text in report.checked],
        "findings": [str(finding) for report in reports for finding in report.findings],
        "unchecked": [text for report in reports for text in report.unchecked],
    }


if __name__ == "__main__":
    made = command.parser(__doc__)
    made.add_argument("crate", type=Path, help="the archive that `snakemake publish` wrote")
    made.add_argument("--results", type=Path, help="results/<study>: score predictions again")
    made.add_argument("--bids", type=Path, help="BIDS data set (default: as the study says)")
    made.add_argument("--rerun", type=Path, help="empty folder to run the whole study in")
    made.add_argument("--source", type=Path, help="dataset.source of the second run")
    made.add_argument("--output", type=Path, help="what was found, as JSON")
    command.run(main, made)
