"""Checking a published study: its files, its tables, and what they were made from."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path, PurePosixPath
from typing import Any, Protocol
from urllib.parse import unquote

import mribench
from mribench.config import Study, load_study
from mribench.errors import MribenchError
from mribench.files import checksum, read_table, write_table
from mribench.metrics.columns import LESION_SIZE_COLUMNS, METRIC_COLUMNS, VOLUME_COLUMNS
from mribench.metrics.runs import Run, Scoring, score_run
from mribench.report.crate_contents import CHECKSUMS
from mribench.report.crate_metadata import METADATA
from mribench.report.differences import Finding, compare_files, compare_tables
from mribench.statistics.formats import write_tidy

MEASURED = frozenset({"metrics.csv", "volumes.csv", "lesion_sizes.csv", "costs.csv"})
"""Tables that nothing in the archive can recompute: they are what was measured."""
COUNTED = {"volumes.csv": VOLUME_COLUMNS, "lesion_sizes.csv": LESION_SIZE_COLUMNS}
NEEDED = (
    METADATA,
    CHECKSUMS,
    "config.json",
    "environment.json",
    "metrics.csv",
    "volumes.csv",
    "lesion_sizes.csv",
    "dataset/inputs.tsv",
    "dataset/splits.tsv",
)
UNREADABLE = (MribenchError, ValueError, LookupError, TypeError, AttributeError)
"""What a record that was altered by hand may raise when it is read."""


@dataclass
class Verification:
    """What was checked, what was found, and what could not be checked.

    `readable` says whether configuration and tables could be read.
    """

    readable: bool = True
    checked: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)

    def add(self, what: str, findings: Iterable[Finding]) -> None:
        """Note a check and what it found."""
        self.checked.append(what)
        self.findings += findings


@dataclass(frozen=True)
class Publication:
    """An unpacked archive: its folder, and the SHA-256 of every file by name."""

    folder: Path
    sums: Mapping[str, str]

    def table(self, name: str) -> list[dict[str, str]]:
        """Read one of its tables."""
        return read_table(self.folder / name)

    def study(self) -> Study:
        """Return the configuration."""
        return load_study(json.loads((self.folder / "config.json").read_text(encoding="utf-8")))


class Stages(Protocol):
    """The stages of the workflow that an archive can go through again."""

    def split(self, inputs: list[dict[str, str]], study: Study) -> list[dict[str, Any]]:
        """Deal the cases of ``dataset/inputs.tsv``; return the rows of ``splits.tsv``."""

    def tables(self, archive: Path, study: Study, folder: Path) -> None:
        """Write ranking, comparisons and all tables from the scores into an empty folder."""


def verify_archive(publication: Publication, stages: Stages, scratch: Path) -> Verification:
    """Check an archive by itself: files, tables, splits.

    Parameters
    ----------
    publication
        The unpacked archive.
    stages
        Makes splits and tables as the workflow does.
    scratch
        An empty folder for what is recomputed.
    """
    report = Verification(readable=False)
    try:
        report.add("the list of files and their checksums", check_files(publication))
        missing = [name for name in NEEDED if name not in publication.sums]
        if missing:
            report.unchecked.append(f"tables: nothing can be recomputed without {missing[0]}")
            return report
        study = publication.study()
        report.add(
            "all tables, from metrics.csv", check_tables(publication, study, stages, scratch)
        )
        report.add("the splits", check_splits(publication, study, stages, scratch))
        report.unchecked += version_note(publication)
        report.readable = True
    except UNREADABLE as error:
        report.add("the records", [Finding("archive", "a record that cannot be read", str(error))])
    return report


def check_files(publication: Publication) -> list[Finding]:
    """Compare every file with both lists of checksums, and look for missing and foreign ones."""
    found = []
    if CHECKSUMS in publication.sums:
        rows = {row["file"]: row["sha256"] for row in published_rows(publication)}
        found += compare_sums(rows, publication.sums, CHECKSUMS, {CHECKSUMS, METADATA})
    else:
        found.append(Finding(CHECKSUMS, "no such file in the archive", "every archive has it"))
    if METADATA in publication.sums:
        described = described_sums(publication)
        found += compare_sums(described, publication.sums, METADATA, {METADATA})
    else:
        found.append(Finding(METADATA, "no such file in the archive", "every archive has it"))
    return list(dict.fromkeys(found))


def published_rows(publication: Publication) -> list[dict[str, str]]:
    """Return the rows of checksums.tsv that name files of the archive."""
    return [row for row in publication.table(CHECKSUMS) if row.get("published") == "yes"]


def described_sums(publication: Publication) -> dict[str, str]:
    """Return the SHA-256 of every file as the metadata have them."""
    text = (publication.folder / METADATA).read_text(encoding="utf-8")
    graph = json.loads(text)["@graph"]
    return {
        unquote(entity["@id"]): entity["sha256"]
        for entity in graph
        if entity.get("@type") == "File"
    }


def compare_sums(
    listed: Mapping[str, str], found: Mapping[str, str], source: str, exempt: set[str]
) -> list[Finding]:
    """Return the files that are missing, foreign or not the ones whose checksum is listed."""
    findings = [
        Finding(name, "no such file in the archive", f"{source} lists it")
        for name in sorted(listed.keys() - found.keys())
    ]
    findings += [
        Finding(name, "a file that nobody announced", f"{source} does not list it")
        for name in sorted(found.keys() - listed.keys() - exempt)
    ]
    findings += [
        Finding(name, f"SHA-256 {found[name][:12]}…", f"{source} says {listed[name][:12]}…")
        for name in sorted(listed.keys() & found.keys())
        if found[name] != listed[name]
    ]
    return findings


def check_tables(
    publication: Publication, study: Study, stages: Stages, scratch: Path
) -> list[Finding]:
    """Recompute every table from the scores and compare each cell."""
    made = scratch / "tables"
    stages.tables(publication.folder, study, made)
    written = (path for path in made.rglob("[!.]*") if path.is_file())
    again = sorted(path.relative_to(made).as_posix() for path in written)
    findings: list[Finding] = []
    for name in again:
        findings += compare_files(name, publication.folder / name, made / name)
    tables = {
        name
        for name in publication.sums
        if name.startswith("tables/") or ("/" not in name and name.endswith(".csv"))
    }
    findings += [
        Finding(name, "a table", "nothing in the archive recomputes it")
        for name in sorted(tables - set(again) - MEASURED)
    ]
    return findings


def check_splits(
    publication: Publication, study: Study, stages: Stages, scratch: Path
) -> list[Finding]:
    """Deal the cases again and compare; and every score must be of a test case of its fold."""
    splits = publication.table("dataset/splits.tsv")
    findings: list[Finding] = []
    if study.protocol.split.scheme != "file":
        rows = stages.split(publication.table("dataset/inputs.tsv"), study)
        write_table(scratch / "splits.tsv", rows, list(rows[0]))
        findings += compare_tables("dataset/splits.tsv", splits, read_table(scratch / "splits.tsv"))
    tested = {(row["fold"], row["case"]) for row in splits if row["role"] == "test"}
    scored = {(row["fold"], row["case"]) for row in publication.table("metrics.csv")}
    for text, keys in (
        ("scored, but not in the test set", scored - tested),
        ("in the test set, but never scored", tested - scored),
    ):
        findings += [
            Finding("dataset/splits.tsv", f"{case} of fold {fold} {text}", "metrics.csv disagrees")
            for fold, case in sorted(keys)
        ]
    return findings


def version_note(publication: Publication) -> list[str]:
    """Say where the archive was made by another version than the one that checks it."""
    text = (publication.folder / "environment.json").read_text(encoding="utf-8")
    made = json.loads(text)["mribench"]["version"]
    if made == mribench.__version__:
        return []
    return [f"version: made by mribench {made}, checked by {mribench.__version__}"]


def verify_results(
    publication: Publication, results: Path, bids: Path, scratch: Path
) -> Verification:
    """Check an archive against the study's results and data.

    Parameters
    ----------
    publication
        The unpacked archive.
    results
        ``results/<study>``: predictions, weights, splits.
    bids
        The data set, which the paths of ``dataset/inputs.tsv`` start from.
    scratch
        A folder for what is recomputed.
    """
    report = Verification()
    report.add("the names of files", check_names(publication))
    if report.findings:
        return report
    report.add("the files of the results", check_results(publication, results))
    report.add("images and labels", check_inputs(publication, bids))
    report.add("every prediction, scored again", rescore(publication, results, bids, scratch))
    return report


def check_names(publication: Publication) -> list[Finding]:
    """Find names in the archive's lists that lead out of the folder they are looked up in."""
    listed = [(CHECKSUMS, row["file"]) for row in publication.table(CHECKSUMS)]
    inputs = "dataset/inputs.tsv"
    for row in publication.table(inputs):
        listed += [(inputs, row[key]) for key in ("path", "labels")]
    return [
        Finding(name, "a name that leads out of the folder", f"{source} lists it")
        for source, name in dict.fromkeys(listed)
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts
    ]


def check_results(publication: Publication, results: Path) -> list[Finding]:
    """Compare splits, predictions and weights at hand with the checksums of the archive."""
    names = ("dataset/splits.tsv", "runs/")
    rows = [row for row in publication.table(CHECKSUMS) if row["file"].startswith(names)]
    return [
        finding
        for row in rows
        for finding in check_file(results / row["file"], row["file"], row["sha256"], CHECKSUMS)
    ]


def check_file(path: Path, name: str, expected: str, source: str) -> list[Finding]:
    """Compare a file at hand with the checksum of the archive."""
    if not path.is_file():
        return [Finding(name, "no such file in the results", f"{source} lists it")]
    found = checksum(path)
    if found == expected:
        return []
    return [
        Finding(name, f"SHA-256 {found[:12]}… in the results", f"{source} says {expected[:12]}…")
    ]


def check_inputs(publication: Publication, bids: Path) -> list[Finding]:
    """Compare images and labels at hand with the checksums of the archive."""
    sums = {}
    for row in publication.table("dataset/inputs.tsv"):
        sums[row["path"]] = row["checksum"]
        if row["labels"] != "n/a":
            sums[row["labels"]] = row["labels_checksum"]
    source = "dataset/inputs.tsv"
    return [
        finding
        for name, expected in sorted(sums.items())
        for finding in check_file(bids / name, name, expected, source)
    ]


def rescore(publication: Publication, results: Path, bids: Path, scratch: Path) -> list[Finding]:
    """Score every run's predictions again and compare with the published scores."""
    study = publication.study()
    scoring = Scoring(
        preset=study.evaluation.preset,
        label=study.dataset.label,
        affine_tolerance_mm=study.dataset.affine_tolerance_mm,
    )
    splits = publication.table("dataset/splits.tsv")
    truths = {row["case"]: row for row in publication.table("dataset/inputs.tsv")}
    findings = []
    for run, first_line, rows in runs_of(publication.table("metrics.csv")):
        tested = {r["case"] for r in splits if r["fold"] == str(run.fold) and r["role"] == "test"}
        chosen = {case: truths[case] for case in sorted(tested & truths.keys())}
        folder = results / "runs" / run.method / f"fold-{run.fold}_seed-{run.seed}"
        try:
            again = score_run(folder / "predictions.json", run, chosen, bids, scoring)
        except (MribenchError, OSError) as error:
            findings.append(Finding(str(run), "predictions that cannot be scored", str(error)))
            continue
        write_tidy(scratch / "metrics.csv", again.metrics, METRIC_COLUMNS)
        findings += compare_tables(
            "metrics.csv", rows, read_table(scratch / "metrics.csv"), first_line
        )
        for name, columns in COUNTED.items():
            counts = getattr(again, name.removesuffix(".csv"))
            findings += recount(publication, name, run, counts, columns, scratch)
    return findings


def recount(
    publication: Publication,
    name: str,
    run: Run,
    counts: list[dict[str, Any]],
    columns: Sequence[str],
    scratch: Path,
) -> list[Finding]:
    """Compare one run's rows of a published table of counts with `counts`, made again."""
    write_table(scratch / name, counts, columns)
    listed = {found: (line, rows) for found, line, rows in runs_of(publication.table(name))}
    line, rows = listed.get(run, (2, []))
    return list(compare_tables(name, rows, read_table(scratch / name), line))


def runs_of(rows: list[dict[str, str]]) -> Iterator[tuple[Run, int, list[dict[str, str]]]]:
    """Yield every run of metrics.csv with the line of its first score and its rows."""
    numbered = enumerate(rows, start=2)
    for keys, group in groupby(numbered, lambda pair: [pair[1][key] for key in Run._fields]):
        listed = list(group)
        run = Run(keys[0], int(keys[1]), int(keys[2]))
        yield run, listed[0][0], [row for _, row in listed]


def verify_rerun(publication: Publication, results: Path) -> Verification:
    """Compare an archive with a second run of the whole study."""
    report = Verification()
    again, published = results / "metrics.csv", publication.folder / "metrics.csv"
    report.add("every score, from a second run", compare_files("metrics.csv", published, again))
    splits = publication.folder / "dataset/splits.tsv", results / "dataset/splits.tsv"
    report.add("the splits of the second run", compare_files("dataset/splits.tsv", *splits))
    return report
