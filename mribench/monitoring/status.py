"""How far a study is: read from its folder, so it works beside a running Snakemake or after it."""

import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from textwrap import shorten

from mribench.config import Study
from mribench.dataset.splits import make_splits
from mribench.files import read_json, read_table

QUIET_SECONDS = 900.0
LINE_WIDTH = 120
STATES = ("evaluated", "predicted", "trained", "training", "failed", "waiting")
DONE = STATES[:3]
PROGRESS = re.compile(r" epoch (\d+)/(\d+) .* left (\d+):(\d\d)$")


@dataclass(frozen=True)
class Run:
    """One run and how far it is.

    Attributes
    ----------
    name
        ``scp/fold-0_seed-0``.
    state
        One of `STATES`. A run counts as failed once its log ends with an error, and as
        training while its log is younger than a quarter of an hour.
    line
        The last line of its training log.
    log
        The log of its training.
    seconds
        How long its training took, None before its end.
    """

    name: str
    method: str
    state: str
    line: str
    log: Path
    seconds: float | None


@dataclass(frozen=True)
class Failure:
    """A job whose log ends with an error: its rule, what it was about, the telling line."""

    rule: str
    name: str
    line: str
    log: Path


def read_runs(study: Study, folder: Path, now: float) -> list[Run]:
    """Return all runs of a study in the order of the configuration.

    Parameters
    ----------
    study
        The configuration.
    folder
        The study's results; its data set must be indexed.
    now
        Seconds since the epoch.
    """
    rows = make_splits(read_table(folder / "dataset" / "scans.tsv"), study.protocol.split)
    folds = sorted({int(str(row["fold"])) for row in rows})
    return [
        _read_run(folder, method, f"fold-{fold}_seed-{seed}", now)
        for method in study.methods
        for fold in folds
        for seed in study.protocol.seeds
    ]


def _read_run(folder: Path, method: str, name: str, now: float) -> Run:
    place = folder / "runs" / method / name
    log = folder / "logs" / "train_model" / method / f"{name}.log"
    line = last_line(log)
    made = {"metrics.csv": "evaluated", "predictions.json": "predicted"}
    made["model.safetensors"] = "trained"
    state = next((word for file, word in made.items() if (place / file).exists()), "")
    if not state and line.startswith("ERROR"):
        state = "failed"
    if not state:
        young = log.exists() and now - log.stat().st_mtime < QUIET_SECONDS
        state = "training" if young else "waiting"
    trained = state in DONE and (place / "run.json").exists()
    seconds = float(read_json(place / "run.json")["seconds"]) if trained else None
    return Run(f"{method}/{name}", method, state, line, log, seconds)


def read_failures(folder: Path) -> list[Failure]:
    """Return the jobs whose logs end with an error or a traceback, sorted by rule and name."""
    found = []
    logs = folder / "logs"
    for log in sorted(logs.rglob("*.log")):
        line = last_line(log)
        if line.startswith("ERROR") or line.split(":")[0].endswith(("Error", "Exception")):
            rule, *rest = log.relative_to(logs).with_suffix("").parts
            found.append(Failure(rule, "/".join(rest), line, log))
    return found


def last_line(log: Path) -> str:
    """Return the last line of a log that is not empty; an empty text where there is none."""
    if not log.exists():
        return ""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def count_stages(folder: Path) -> dict[str, int]:
    """Return how many jobs of each rule have left a benchmark, that is, have ended well."""
    root = folder / "benchmarks"
    names = (path.relative_to(root).parts[0] for path in root.rglob("*.tsv"))
    return dict(sorted(Counter(name.removesuffix(".tsv") for name in names).items()))


def describe(study: Study, folder: Path) -> Iterator[str]:
    """Yield the lines of the status."""
    scans = folder / "dataset" / "scans.tsv"
    yield f"{study.study}: {folder}"
    stages = count_stages(folder)
    if stages:
        yield "jobs done: " + ", ".join(f"{name} {count}" for name, count in stages.items())
    if scans.exists():
        yield from describe_runs(read_runs(study, folder, time.time()))
    else:
        yield "the data set is not indexed yet"
    yield from describe_failures(read_failures(folder))


def describe_runs(runs: list[Run]) -> Iterator[str]:
    """Yield a table of states by method, then what is in training now."""
    width = max(len("method"), *(len(run.method) for run in runs))
    yield f"{'method':{width}}  " + "  ".join(STATES)
    for method in dict.fromkeys(run.method for run in runs):
        counts = Counter(run.state for run in runs if run.method == method)
        yield f"{method:{width}}  " + "  ".join(f"{counts[s]:{len(s)}}" for s in STATES)
    for run in runs:
        if run.state == "training":
            line = shorten(run.line.removeprefix("INFO: "), LINE_WIDTH, placeholder=" …")
            yield f"now: {line or run.name}"
            yield f"    {run.log}"
    yield from describe_left(runs)


def describe_left(runs: Sequence[Run]) -> Iterator[str]:
    """Yield how long the trainings that are not done would take one after the other.

    A training that waits is taken to last as long as the others of its method.
    """
    left = [run for run in runs if run.state in ("training", "waiting")]
    known = [seconds for run in left if (seconds := _seconds_left(run, runs)) is not None]
    if left:
        told = f", {timedelta(seconds=round(sum(known)))} one after the other" if known else ""
        rest = len(left) - len(known)
        guess = f", without {rest} of methods that were not seen yet" if known and rest else ""
        yield f"trainings left: {len(left)}{told}{guess}"


def _seconds_left(run: Run, runs: Sequence[Run]) -> float | None:
    progress = _progress(run)
    if progress is not None:
        return progress[0]
    others = [other for other in runs if other.method == run.method]
    lengths = [other.seconds for other in others if other.seconds is not None]
    lengths = lengths or [found[1] for found in map(_progress, others) if found is not None]
    return sum(lengths) / len(lengths) if lengths else None


def _progress(run: Run) -> tuple[float, float] | None:
    """Return the seconds that a training still takes and takes as a whole, if its log tells."""
    found = PROGRESS.search(run.line) if run.state == "training" else None
    if found is None:
        return None
    epoch, epochs, minutes, seconds = map(int, found.groups())
    left = 60 * minutes + seconds
    return float(left), left * epochs / max(epochs - epoch, 1)


def describe_failures(failures: list[Failure]) -> Iterator[str]:
    """Yield the failures by cause: the telling line, then the jobs that ended with it."""
    causes: dict[tuple[str, str], list[Failure]] = {}
    for failure in failures:
        causes.setdefault((failure.rule, _cause(failure)), []).append(failure)
    for (rule, cause), group in causes.items():
        yield f"failed, {len(group)} x {rule}: {cause}"
        for failure in group[:5]:
            yield f"    {failure.name}: {failure.log}"
        if len(group) > 5:
            yield f"    and {len(group) - 5} more"


def _cause(failure: Failure) -> str:
    """Return the telling line without the case or run that heads it, so that causes meet."""
    line = failure.line.removeprefix("ERROR: ")
    _, mark, rest = line.partition(": found ")
    return f"found {rest}" if mark else line
