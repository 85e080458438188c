"""Methods that are programs in an environment of their own: starting them and talking to them."""

import logging
import os
import signal
import subprocess
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from mribench import programs
from mribench.errors import TrainingError, describe

LOG = logging.getLogger("mribench")
REMEMBERED_LINES = 60


def python_of(name: str) -> Path:
    """Return the Python of a program's environment.

    Raises
    ------
    ProgramError
        If the environment is missing, with how to get it.
    """
    programs.require(name)
    found = programs.find(name, "python")
    assert found is not None
    return Path(found)


@contextmanager
def started(
    command: Sequence[str], environment: Mapping[str, str], **streams: Any
) -> Iterator[subprocess.Popen[str]]:
    """Start a program in a process group of its own; end the group when the block is left.

    The program has standard input as a pipe, which closes if this process dies.
    """
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        text=True,
        errors="replace",
        # Without this a program's messages reach the log when its buffer is full, hours later.
        env={**os.environ, "PYTHONUNBUFFERED": "1", **environment},
        start_new_session=True,
        **streams,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def run_to_end(title: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
    """Run a program, its messages in the log.

    Parameters
    ----------
    title
        The run, for messages.
    command
        The program and its arguments.
    environment
        Variables beside those of this process.

    Raises
    ------
    TrainingError
        If it ends with another status than 0; with the line that says most.
    """
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with started(command, environment, **pipes) as process:
        lines = _log_lines(title, process.stdout)
        status = process.wait()
    if status != 0:
        raise _failure(title, command, status, lines)


def _log_lines(title: str, stream: IO[str] | None) -> Sequence[str]:
    """Log what a program says until it ends; return the last lines."""
    assert stream is not None
    lines: deque[str] = deque(maxlen=REMEMBERED_LINES)
    for line in stream:
        if line.strip():
            lines.append(line.rstrip())
            LOG.info("%s: %s", title, line.rstrip())
    return lines


class Answering:
    """A program that stays and answers requests, one line each.

    Parameters
    ----------
    title
        What it is, for messages.
    command, environment
        As for :func:`run_to_end`.
    """

    def __init__(self, title: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self.title, self.command = title, command
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment},
        )

    def ask(self, request: str) -> str:
        """Send a line and return the answer.

        Raises
        ------
        TrainingError
            If the program ends instead of answering; its messages stand in the log.
        """
        streams = self.process.stdin, self.process.stdout
        assert streams[0] is not None
        assert streams[1] is not None
        try:
            print(request, file=streams[0], flush=True)
            answer = streams[1].readline()
        except BrokenPipeError:
            answer = ""
        if answer:
            return answer.strip()
        raise _failure(self.title, self.command, self.process.wait(), [])

    def close(self) -> None:
        """End the program."""
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()
        self.process.wait()


def _failure(
    title: str, command: Sequence[str], status: int, lines: Sequence[str]
) -> TrainingError:
    return TrainingError(
        describe(
            subject=title,
            file=Path(command[0]),
            found=f"exit status {status}: {programs.telling_line(chr(10).join(lines))}",
            expected="a program that ends well",
            remedy="read its messages in the log, and run the command there by hand",
        )
    )
