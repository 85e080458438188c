"""Preparing batches ahead of the network, in order."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

from mribench.training.patches import Batch


class Feed:
    """Batches by number, read by background threads where there are several.

    Parameters
    ----------
    read
        Returns the batch of a number.
    threads
        CPU threads of the training; one of them stays with the network.

    Attributes
    ----------
    waited
        Seconds that the network had to wait for data.
    """

    def __init__(self, read: Callable[[int], Batch], threads: int) -> None:
        self.read = read
        self.workers = threads - 1
        self.waited = 0.0

    def batches(self, first: int, stop: int) -> Iterator[Batch]:
        """Yield the batches numbered from `first` to before `stop`."""
        if self.workers == 0:
            for number in range(first, stop):
                yield self._wait(partial(self.read, number))
            return
        with ThreadPoolExecutor(self.workers) as pool:
            ahead: deque[Future[Batch]] = deque()
            for number in range(first, stop + 2 * self.workers):
                if number < stop:
                    ahead.append(pool.submit(self.read, number))
                if number >= first + 2 * self.workers and ahead:
                    yield self._wait(ahead.popleft().result)

    def _wait(self, get: Callable[[], Batch]) -> Batch:
        started = time.monotonic()
        batch = get()
        self.waited += time.monotonic() - started
        return batch
