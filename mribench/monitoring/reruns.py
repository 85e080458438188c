"""What Snakemake would run and why, in words.

Read from what ``snakemake --dry-run --printshellcmds`` prints: each job's shell command names
its rule, and its reason holds the spec before and now where that has changed.
"""

import ast
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

JOB = re.compile(r"^\[\w{3} \w{3} +\d+ [\d:]{8} \d{4}\]$", re.M)
RULE = re.compile(r"^Shell command: python -m scripts\.(\w+) ", re.M)
REASON = re.compile(r"^ *[Rr]eason: (.*)$", re.M)
TITLE = re.compile(r"^Job \d+: (.*)$", re.M)
WILDCARDS = re.compile(r"^ *wildcards: (.*)$", re.M)
# Snakemake shows a parameter as Python would: in either kind of quotes, with escapes.
SPEC = re.compile(r"""'\{(?:[^'\\]|\\.)*'|"\{(?:[^"\\]|\\.)*\"""")
# What the digests in a spec cover; the settings themselves are compared key by key.
COVERED = {
    "sources": "the code that it uses has changed",
    "data": "its cases have changed: images, labels or preprocessing",
    "label": "the raw images or the label of the case have changed",
    "files": "files in the data set's folder have changed",
    "release": "files of the release have changed",
    "table": "the table of splits has changed",
    "texts": "texts or templates of the page have changed",
    "preset": "the metric conventions have changed",
    "conventions": "the metric conventions have changed",
}
REASONS = (
    ("Missing output files", "not made yet"),
    ("Input files updated by another job", "follows from the above"),
    ("Updated input files", "an input file is newer: "),
    ("Set of input files has changed", "reads other files than before"),
    ("Software environment definition", "its software environment has changed"),
    ("Incomplete", "was interrupted"),
    ("Forced execution", "forced"),
)


class Job(NamedTuple):
    """One job that would run: its rule, what it is about, and Snakemake's reason."""

    rule: str
    title: str
    reason: str


def read_jobs(output: str) -> list[Job]:
    """Return the jobs of a dry run in the order in which they were printed."""
    jobs = []
    for block in JOB.split(output)[1:]:
        rule, reason = RULE.search(block), REASON.search(block)
        if rule and reason:
            title = TITLE.search(block) or WILDCARDS.search(block)
            jobs.append(Job(rule[1], title[1] if title else "", reason[1].strip()))
    return jobs


def explain(reason: str) -> str:
    """Return a reason of Snakemake in words, with the settings that changed."""
    parts = [*_explain_params(reason)]
    for start, words in REASONS:
        if start in reason:
            named = reason.partition(f"{start}: ")[2] if words.endswith(": ") else ""
            parts.append(words + named)
    return "; ".join(parts) or reason


def _explain_params(reason: str) -> Iterator[str]:
    if "Params have changed" not in reason:
        return
    before, _, now = reason.partition(" now: ")
    specs = [_first_spec(text) for text in (before, now)]
    if None in specs:
        yield "its settings or code have changed"
        return
    yield from compare_specs(*[spec or {} for spec in specs])


def _first_spec(text: str) -> dict[str, Any] | None:
    found = SPEC.search(text)
    return None if found is None else json.loads(ast.literal_eval(found[0]))


def compare_specs(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """Yield in words what differs between two specs: each setting, then what digests cover."""
    old, new = (dict(flatten(spec.get("settings"))) for spec in (before, now))
    for key in sorted(old.keys() | new.keys()):
        if key not in new:
            yield f"{key} is gone"
        elif key not in old:
            yield f"{key} is new: {new[key]}"
        elif old[key] != new[key]:
            yield f"{key} was {old[key]}, is {new[key]}"
    yield from _compare_packages(before.get("packages", {}), now.get("packages", {}))
    for key in sorted((before.keys() | now.keys()) - {"settings", "packages"}):
        if before.get(key) != now.get(key):
            yield COVERED.get(key, f"{key} has changed")


def _compare_packages(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[str]:
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) != new.get(name):
            yield f"{name} was {old.get(name, 'not used')}, is {new.get(name, 'not used')}"


def flatten(content: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield the leaves of nested mappings: ``strip.backend``, and the value as JSON."""
    if isinstance(content, Mapping):
        for key, value in content.items():
            yield from flatten(value, f"{path}.{key}" if path else str(key))
    else:
        yield path or "settings", json.dumps(content, ensure_ascii=False)


def summarise(jobs: Iterable[Job], examples: int = 3) -> list[str]:
    """Return one line per rule and explanation, with the number of jobs and some of them."""
    groups: dict[tuple[str, str], list[str]] = {}
    for job in jobs:
        groups.setdefault((job.rule, explain(job.reason)), []).append(job.title)
    lines = []
    for (rule, words), titles in groups.items():
        named = ", ".join(filter(None, sorted(titles)[:examples]))
        more = ", ..." if len(titles) > examples else ""
        jobs_text = "1 job" if len(titles) == 1 else f"{len(titles)} jobs"
        lines.append(f"{rule}, {jobs_text}{f' ({named}{more})' if named else ''}: {words}")
    return lines
