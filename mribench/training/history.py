"""What a training shows while it runs and leaves behind: CSV, TensorBoard, a progress line."""

import logging
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from mribench import files
from mribench.training.board import Board

LOG = logging.getLogger("mribench")
COLUMNS = ("epoch", "train_loss", "validation_loss", "validation_dice", "learning_rate")
LOG_SECONDS = 20.0

Row = dict[str, Any]


class History:
    """Shows the epochs of a training on the terminal and in TensorBoard; writes the CSV.

    Parameters
    ----------
    folder
        Run folder.
    title
        Name of the run, shown before each line.
    epochs
        Number of epochs planned.
    rows
        Rows so far, of an interrupted training that goes on.
    """

    def __init__(self, folder: Path, title: str, epochs: int, rows: Sequence[Row]) -> None:
        self.path = folder / "history.csv"
        self.title, self.epochs = title, epochs
        self.started = self.logged = time.monotonic()
        self.done_before = len(rows)
        self.board = Board(folder / "tensorboard", len(rows))
        shown = sys.stderr.isatty()
        self.bar = tqdm(total=epochs, initial=len(rows), bar_format="{desc}") if shown else None

    def show(self, rows: Sequence[Row]) -> None:
        """Tell of the last of the epochs so far."""
        row, now = rows[-1], time.monotonic()
        self.board.add({name: row[name] for name in COLUMNS[1:]}, row["epoch"])
        if self.bar is not None:
            self.bar.update()
            self.bar.set_description_str(self.describe(rows))
        # The log must tell of it too: others watch the study through it.
        if now - self.logged > LOG_SECONDS or row["epoch"] == self.epochs:
            self.logged = now
            LOG.info("%s", self.describe(rows))

    def describe(self, rows: Sequence[Row]) -> str:
        """Return the progress line."""
        row = rows[-1]
        best = max(entry["validation_dice"] for entry in rows)
        return (
            f"{self.title}: epoch {row['epoch']}/{self.epochs} loss {row['train_loss']:.3f} "
            f"dice {row['validation_dice']:.3f} best {best:.3f} left {self._left(len(rows))}"
        )

    def close(self) -> None:
        """End the progress line and the TensorBoard file."""
        self.board.close()
        if self.bar is not None:
            self.bar.close()

    def write(self, rows: Sequence[Row]) -> None:
        """Write ``history.csv``; floats keep all their digits."""
        files.write_table(self.path, rows, COLUMNS, sealed=True)

    def _left(self, done: int) -> str:
        per_epoch = (time.monotonic() - self.started) / (done - self.done_before)
        minutes, seconds = divmod(round(per_epoch * (self.epochs - done)), 60)
        return f"{minutes}:{seconds:02d}"
