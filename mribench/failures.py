"""Cases whose preprocessing failed: how they are passed on, so that the study goes on.

With ``on_problem: drop`` a stage that cannot do its work for one case writes, in the place of
each of its outputs, a note of what failed and why. The stages that follow pass the note on;
the case store, which comes last, leaves the case out and names it.
"""

import argparse
import json
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from mribench.errors import DataError, StageError
from mribench.files import write_text

LOG = logging.getLogger("mribench")
POLICY = "MRIBENCH_ON_PROBLEM"
"""Environment variable with `dataset.on_problem`. It is no argument: it changes no output of a
case that can be used, so that a study may go on with ``drop`` after it has stopped."""
MARK = '{"failed": '
LONGEST = 2000
Main = Callable[[argparse.Namespace], None]


class Failure(NamedTuple):
    """A case that failed, the stage where it did, and why."""

    case: str
    stage: str
    reason: str


def tolerant(main: Main, stage: str, outputs: Sequence[str]) -> Main:
    """Return `main` of a stage, made to pass on and note failures of single cases.

    Parameters
    ----------
    main
        The stage's own.
    stage
        Its name.
    outputs
        The arguments that name the files it writes.
    """

    def wrapped(arguments: argparse.Namespace) -> None:
        written = [path for name in outputs for path in _paths(getattr(arguments, name))]
        given = [
            path
            for name, value in vars(arguments).items()
            if name not in (*outputs, "log")
            for path in _paths(value)
        ]
        earlier = first_failure(given)
        if earlier is not None:
            LOG.warning("%s is left out: it failed in %s", earlier.case, earlier.stage)
            note(earlier, written)
            return
        try:
            main(arguments)
        except (DataError, StageError) as error:
            if os.environ.get(POLICY) != "drop":
                raise
            case, _, rest = str(error).partition(": ")
            note(Failure(case, stage, rest.partition(": ")[2] or rest), written)
            LOG.warning("dropped in %s: %s", stage, error)

    return wrapped


def note(failure: Failure, outputs: Iterable[Path]) -> None:
    """Write a failure in the place of `outputs`; nothing in it can become markup.

    What an earlier success left beside them as a sidecar goes.
    """
    content = failure._replace(reason=failure.reason[:LONGEST])._asdict()
    text = MARK + json.dumps(content).replace("<", "\\u003c") + "}\n"
    written = list(outputs)
    for path in written:
        write_text(path, text)
        sidecar = path.with_name(path.name.removesuffix(".gz").rpartition(".")[0] + ".json")
        if sidecar not in written:
            sidecar.unlink(missing_ok=True)


def read_failure(path: Path) -> Failure | None:
    """Return the failure noted in the place of a file; None where the file is what it should be."""
    with path.open("rb") as stream:
        if stream.read(len(MARK)) != MARK.encode():
            return None
        return Failure(**json.loads(MARK.encode() + stream.read())["failed"])


def first_failure(paths: Iterable[Path]) -> Failure | None:
    """Return the first failure noted in the place of any of the files that are there."""
    found = (read_failure(path) for path in paths if path.is_file())
    return next((failure for failure in found if failure is not None), None)


def _paths(value: object) -> Iterator[Path]:
    if isinstance(value, Path):
        yield value
    elif isinstance(value, list):
        yield from (item for item in value if isinstance(item, Path))
