"""Ending a training in good order when the system asks for it."""

import signal
from collections.abc import Callable
from types import FrameType
from typing import Self


class StopRequestedError(Exception):
    """The system asks the training to end."""


class Interruption:
    """Context in which SIGTERM only sets `requested`.

    SLURM sends SIGTERM some time before it kills a job at its time limit. The earlier
    behaviour is put back at the end.

    Parameters
    ----------
    agree
        Makes of `requested` what all processes of the training go by.
    """

    def __init__(self, agree: Callable[[bool], bool] = bool) -> None:
        self.requested = False
        self.agree = agree

    def __enter__(self) -> Self:
        self._before = signal.signal(signal.SIGTERM, self._request)
        return self

    def __exit__(self, *error: object) -> None:
        signal.signal(signal.SIGTERM, self._before)

    def check(self) -> None:
        """Raise :class:`StopRequestedError` where the system has asked."""
        if self.agree(self.requested):
            raise StopRequestedError

    def _request(self, number: int, frame: FrameType | None) -> None:
        self.requested = True
