"""Training on several devices: a process for each, on one machine, and one that looks after them.

The processes are started by this one, so a job of SLURM stays one task. What the first of them
logs, and the error of any, comes back through a pipe. If one fails or dies, the others are
killed: none waits for ever for one that is gone.
"""

import dataclasses
import logging
import multiprocessing
import os
import signal
import tempfile
import threading
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from logging.handlers import QueueHandler
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, NamedTuple

from torch import distributed

from mribench.errors import MribenchError, StoppedError, TrainingError, describe
from mribench.training.devices import choose_device, count_devices
from mribench.training.interruption import Interruption
from mribench.training.job import Job
from mribench.training.learner import Learner
from mribench.training.loop import Trainer
from mribench.training.ranks import join_ranks

LOG = logging.getLogger("mribench")
SECONDS = 0.5


class Worker(NamedTuple):
    """A process, and the pipe through which its log records come, then None or its error."""

    process: multiprocessing.process.BaseProcess
    pipe: Connection


def train(method: Learner, job: Job) -> None:
    """Train a network on as many devices as the job says; see ``loop.Trainer``.

    Raises
    ------
    TrainingError
        As the training does; where one of several processes dies, with its number.
    """
    job = dataclasses.replace(job, device=choose_device(job.device).type)
    count = count_devices(job, method.settings.batch_size)
    if count == 1:
        Trainer(method, job).run()
        return
    with Interruption() as interruption, start_workers(method, job, count) as workers:
        look_after(workers, interruption, job.title)


@contextmanager
def start_workers(method: Learner, job: Job, count: int) -> Iterator[list[Worker]]:
    """Start the processes of a training; none is left when the block is."""
    context = multiprocessing.get_context("spawn")
    # Torch warns of every network that uses all its weights that it looked for unused ones.
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
    workers = []
    with tempfile.TemporaryDirectory() as folder:
        try:
            for rank in range(count):
                pipe, end = context.Pipe(duplex=False)
                arguments = (method, job, rank, count, Path(folder) / "ranks", end)
                process = context.Process(target=work, args=arguments)
                process.start()
                end.close()
                workers.append(Worker(process, pipe))
            yield workers
        finally:
            for worker in workers:
                worker.process.kill()
                worker.process.join()


def look_after(workers: Sequence[Worker], interruption: Interruption, title: str) -> None:
    """Wait for the processes, and hand on to them that the training is asked to stop.

    Raises
    ------
    Exception
        The first error of any process.
    """
    waiting: dict[Any, Worker] = {worker.pipe: worker for worker in workers}
    told = False
    while waiting:
        if interruption.requested and not told:
            workers[0].process.terminate()
            told = True
        errors: list[Exception] = []
        for pipe in wait(list(waiting), SECONDS):
            said = hear(waiting[pipe], title, interruption.requested)
            if isinstance(said, logging.LogRecord):
                LOG.handle(said)
            elif said is None:
                del waiting[pipe]
            else:
                errors.append(said)
        if errors:
            # Where one dies, another may tell in the same moment that it lost the connection.
            raise min(errors, key=lambda error: not isinstance(error, MribenchError))


def hear(worker: Worker, title: str, asked: bool) -> logging.LogRecord | Exception | None:
    """Return what a process says next; an error in its place where it died."""
    try:
        return worker.pipe.recv()
    except (EOFError, OSError):
        worker.process.join()
    status = worker.process.exitcode
    if asked and status == -signal.SIGTERM:
        return StoppedError(f"{title}: asked to stop before it had begun; the same command begins")
    return TrainingError(
        describe(
            subject=title,
            file=f"process {worker.process.pid}, one of those that share the training",
            found=f"its end with status {status}",
            expected="an end in good order",
            remedy="where it is -9, memory may have run out: ask for more; the same command "
            "goes on from the last state",
        )
    )


def work(method: Learner, job: Job, rank: int, count: int, meeting: Path, pipe: Connection) -> None:
    """Train as one of several processes; say in the pipe how it ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=end_with_parent, daemon=True).start()
    LOG.setLevel(logging.ERROR)
    if rank == 0:
        LOG.setLevel(logging.INFO)
        LOG.addHandler(PipeHandler(pipe))  # type: ignore[arg-type]
        LOG.propagate = False
    # Lightning takes its rank from here.
    os.environ["LOCAL_RANK"] = str(rank)
    try:
        Trainer(method, job, join_ranks(rank, count, meeting, job.device)).run()
        distributed.destroy_process_group()
        pipe.send(None)
    except Exception as error:
        error.add_note(f"in process {rank} of {count}:\n{traceback.format_exc()}")
        pipe.send(error)


def end_with_parent() -> None:
    """End this process when the one that started it is killed."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os.kill(os.getpid(), signal.SIGKILL)


class PipeHandler(QueueHandler):
    """Sends log records through a pipe."""

    def enqueue(self, record: logging.LogRecord) -> None:
        """Send one."""
        self.queue.send(record)  # type: ignore[attr-defined]
