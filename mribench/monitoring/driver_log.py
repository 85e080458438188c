"""What failed in one run of Snakemake, from the driver's log and the logs it points to."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from mribench.monitoring.status import Failure, last_line

EVENT = re.compile(
    r"^Error in rule \w+:$|^    jobid: (?P<job>\d+)$|^    log: (?P<log>.+?)(?: \(check log.*)?$"
    r"|^Finished jobid: (?P<done>\d+)\b",
    re.M,
)
SILENT = "ended without a word of its own (killed, or out of memory?)"


def read_run_failures(driver_logs: Iterable[Path], folder: Path) -> list[Failure]:
    """Return the jobs that failed in a run and did not end well at a later attempt.

    Parameters
    ----------
    driver_logs
        What Snakemake wrote.
    folder
        The study's results; logs of other folders are left out.
    """
    logs = folder / "logs"
    found = {}
    for driver_log in driver_logs:
        for log in failed_logs(driver_log.read_text(encoding="utf-8", errors="replace")):
            if log.is_relative_to(logs):
                rule, *rest = log.relative_to(logs).with_suffix("").parts
                found[log] = Failure(rule, "/".join(rest), telling_line(log), log)
    return [found[log] for log in sorted(found)]


def failed_logs(text: str) -> list[Path]:
    """Return the logs of the jobs that a driver's log reports as failed, by their last attempt."""
    failed: dict[str, Path] = {}
    for job, log in _events(text):
        if log is None:
            failed.pop(job, None)
        else:
            failed[job] = log
    return list(failed.values())


def telling_line(log: Path) -> str:
    """Return the error at the end of a log, or that there is none and what it said last."""
    line = last_line(log)
    if line.startswith("ERROR") or line.split(":")[0].endswith(("Error", "Exception")):
        return line
    return f"{SILENT}; it last said: {line}" if line else SILENT


def _events(text: str) -> Iterator[tuple[str, Path | None]]:
    """Yield the number of each failed job with its log, and of each finished one with None."""
    job = ""
    in_error = False
    for match in EVENT.finditer(text):
        if match["done"]:
            yield match["done"], None
        elif match["job"]:
            job = match["job"]
        elif match["log"]:
            if in_error:
                yield job, Path(match["log"].split(", ")[0])
            in_error = False
        else:
            in_error = True
