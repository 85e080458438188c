"""The curves of a training for TensorBoard; for the eye only, so it never stops a training."""

import logging
import shutil
import time
from collections.abc import Mapping
from pathlib import Path

from tensorboardX.event_file_writer import EventsWriter
from tensorboardX.proto.event_pb2 import Event, SessionLog
from tensorboardX.summary import scalar

LOG = logging.getLogger("mribench")


class Board:
    """A file of events, written without a thread of its own.

    The library's usual writer has one; it dies of a full disk, and the training then waits
    for it for ever.

    Parameters
    ----------
    folder
        Where the files of events stand.
    done
        Epochs done before; what an interrupted training wrote after them is hidden. None
        done means a new training: the files of earlier ones are removed.
    """

    def __init__(self, folder: Path, done: int) -> None:
        if not done:
            shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.writer: EventsWriter | None = None
        try:
            self.writer = EventsWriter(str(folder / "events"))
        except OSError as error:
            self._give_up(error)
        self._write(Event(step=done + 1, session_log=SessionLog(status=SessionLog.START)))

    def add(self, values: Mapping[str, float], epoch: int) -> None:
        """Add the values of an epoch by name."""
        now = time.time()
        self._write(
            *(
                Event(step=epoch, wall_time=now, summary=scalar(name, value))
                for name, value in values.items()
            )
        )

    def close(self) -> None:
        """End the file."""
        if self.writer is not None:
            try:
                self.writer.close()
            except OSError as error:
                self._give_up(error)

    def _write(self, *events: Event) -> None:
        if self.writer is not None:
            try:
                for event in events:
                    self.writer.write_event(event)
                self.writer.flush()
            except OSError as error:
                self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        LOG.warning("%s: no curves for TensorBoard (%s)", self.folder, error.strerror)
        self.writer = None
