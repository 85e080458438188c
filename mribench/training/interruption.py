"""Ending a training in good order when the system asks for it."""

import signal
from types import FrameType
from typing import Self


class StopRequestedError(Exception):
    """The system asks the training to end."""


class Interruption:
    """Context in which SIGTERM only sets `requested`.

    SLURM sends SIGTERM some time before it kills a job at its time limit. The earlier
    behaviour is put back at the end.
    """

    def __init__(self) -> None:
        self.requested = False

    def __enter__(self) -> Self:
        self._before = signal.signal(signal.SIGTERM, self._request)
        return self

    def __exit__(self, *error: object) -> None:
        signal.signal(signal.SIGTERM, self._before)

    def check(self) -> None:
        """Raise :class:`StopRequestedError` where the system has asked."""
        if self.requested:
            raise StopRequestedError

    def _request(self, number: int, frame: FrameType | None) -> None:
        self.requested = True
