"""The training loop of all networks."""

import logging
import math
import time
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import numpy as np
import torch
from torch import Tensor

from mribench import files
from mribench.errors import StoppedError, TrainingError, describe
from mribench.losses.boundary import choose_loss
from mribench.training import checkpoints, record
from mribench.training.augmentation import augment
from mribench.training.batch_norm import share_statistics
from mribench.training.checkpoints import State
from mribench.training.devices import choose_device, make_deterministic, make_fabric
from mribench.training.feed import Feed
from mribench.training.history import History, Row
from mribench.training.interruption import Interruption, StopRequestedError
from mribench.training.job import Job
from mribench.training.learner import Learner, Opener
from mribench.training.optimisers import make_optimiser
from mribench.training.patches import Batch
from mribench.training.ranks import ALONE, Ranks
from mribench.training.schedules import learning_rate
from mribench.training.store import Case
from mribench.training.validation import validate
from mribench.training.weights import save_weights

LOG = logging.getLogger("mribench")


class Trainer:
    """One training, from the cases to ``model.safetensors``.

    A batch and its augmentation depend on the seed and the batch's number alone. So the
    state is: weights, optimiser, number of batches seen, sum of losses, history; an
    interruption anywhere changes nothing.

    With several ranks each is a process with a trainer of its own. They draw the same batches,
    have the same state, and stop together; the first alone writes.

    Where the fold has no validation cases (one training subject), early stopping looks at
    the training cases; ``run.json`` says so.
    """

    def __init__(self, method: Learner, job: Job, ranks: Ranks = ALONE) -> None:
        self.method, self.job, self.settings = method, job, method.settings
        self.ranks = ranks
        self.device = choose_device(job.device)
        threads = max(1, job.threads // ranks.size)
        make_deterministic(self.device, threads)
        self.training = open_cases(method, job, job.training, "training")
        self.validation = self.training
        if job.validation:
            self.validation = open_cases(method, job, job.validation, "validation")
        else:
            LOG.warning("%s: no validation cases; the training cases stand in", job.title)
        torch.manual_seed(job.seed)
        network = method.build_network()
        if ranks.size > 1:
            share_statistics(network, ranks)
        optimiser = make_optimiser(
            self.settings.optimiser,
            network,
            self.settings.learning_rate,
            self.settings.weight_decay,
        )
        self.fabric = make_fabric(self.device, self.settings.gpu_precision, ranks)
        self.device = self.fabric.device
        self.network, self.optimiser = self.fabric.setup(network, optimiser)
        self.loss = choose_loss(self.settings.loss)
        self.feed = Feed(method.make_sampler(self.training, job.seed).batch, threads)
        self.seen = 0
        self.loss_sum = torch.zeros((), dtype=torch.float64, device=self.device)
        self.rows: list[Row] = []
        self.best: dict[str, Tensor] = {}
        self.sessions: list[dict[str, Any]] = []
        self.started = self.saved = time.monotonic()
        self.start_time = record.now()

    def run(self) -> None:
        """Train to the end or to early stopping, from an earlier state where there is one."""
        if self.ranks.rank > 0:
            self.restore()
            self.run_epochs(lambda rows: None)
            return
        with checkpoints.sole_process(self.job.checkpoint_folder, self.job.title):
            self.restore()
            history = History(self.job.run_folder, self.job.title, self.settings.epochs, self.rows)
            try:
                self.run_epochs(history.show)
            finally:
                history.close()
            self.write_model()
            history.write(self.rows)
            files.write_json(self.job.run_folder / "run.json", self.describe(), True)
            checkpoints.remove_states(self.job.checkpoint_folder)

    def run_epochs(self, show: Callable[[Sequence[Row]], None]) -> None:
        """Train to the end or to early stopping, and show each epoch."""
        try:
            with Interruption(self.ranks.any) as interruption:
                while not self.finished():
                    self.run_epoch(interruption)
                    show(self.rows)
        except StopRequestedError:
            self.stop()

    def finished(self) -> bool:
        """Say whether all epochs are done, or `patience` of them brought nothing better."""
        waited = len(self.rows) - self.best_epoch()
        return len(self.rows) >= self.settings.epochs or waited >= self.settings.patience

    def best_epoch(self) -> int:
        """Return the first epoch with the best validation value, counted from 1; 0 before any."""
        values = [self.badness(row) for row in self.rows]
        return values.index(min(values)) + 1 if values else 0

    def badness(self, row: Row) -> float:
        """Return what early stopping makes small."""
        return (
            row["validation_loss"] if self.settings.monitor == "loss" else -row["validation_dice"]
        )

    def run_epoch(self, interruption: Interruption) -> None:
        """Go through the (rest of the) batches of an epoch, validate, and save the state."""
        rate = self.set_learning_rate()
        epoch = len(self.rows) + 1
        for batch in self.feed.batches(self.seen, epoch * self.settings.iterations):
            self.loss_sum += self.step(batch).double()
            self.seen += 1
            interruption.check()
        train_loss = float(self.loss_sum) / self.settings.iterations
        self.require_finite("a loss", train_loss, epoch)
        self.validate(epoch, train_loss, rate, interruption)
        self.loss_sum.zero_()
        if time.monotonic() - self.saved >= self.job.checkpoint_seconds:
            self.save()

    def set_learning_rate(self) -> float:
        """Give the optimiser the learning rate of the epoch that begins; return it."""
        settings = self.settings
        share = len(self.rows) / settings.epochs
        rate = learning_rate(settings.schedule, settings.learning_rate, share, settings.milestones)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        return rate

    def step(self, batch: Batch) -> Tensor:
        """Take one step of the optimiser; return the loss."""
        self.network.train()
        seed = _seed(self.job.seed, self.seen)
        torch.manual_seed(seed + self.ranks.rank)
        batch = batch.to(self.device)
        if self.settings.augmentation is not None:
            generator = torch.Generator(self.device).manual_seed(seed)
            strength, axis = self.settings.augmentation, self.method.mirror_axis
            batch = augment(batch, strength, axis, generator)
        count = len(batch.labels)
        part = batch.part(self.ranks.share(count))
        logits = self.ranks.gather(self.method.logits(self.network, part), count)
        loss = self.loss(logits, batch.labels, batch.spacings, len(self.rows))
        self.optimiser.zero_grad(set_to_none=True)
        self.fabric.backward(loss)
        self.optimiser.step()
        return loss.detach()

    def validate(
        self, epoch: int, train_loss: float, rate: float, interruption: Interruption
    ) -> None:
        """Add the row of an epoch; keep the weights if they are the best so far."""
        self.network.eval()
        score = validate(
            lambda case: self.method.volume_logits(self.network, case, self.device),
            self.validation,
            lambda logits, labels, spacings: self.loss(logits, labels, spacings, epoch - 1),
            interruption.check,
            self.ranks,
        )
        self.require_finite("a validation loss", score.loss, epoch)
        self.rows.append(
            {
                "epoch": epoch,
                "train_loss": train_loss,
                "validation_loss": score.loss,
                "validation_dice": score.dice,
                "learning_rate": rate,
            }
        )
        if self.best_epoch() == epoch:
            weights = self.network.module.state_dict()
            self.best = {name: tensor.detach().cpu().clone() for name, tensor in weights.items()}

    def require_finite(self, name: str, loss: float, epoch: int) -> None:
        """Raise where the loss of an epoch is not a number.

        Raises
        ------
        TrainingError
            Names method, fold, seed and epoch.
        """
        if math.isfinite(loss):
            return
        raise TrainingError(
            describe(
                subject=self.job.title,
                file=f"epoch {epoch}",
                found=f"{name} of {loss}",
                expected="a finite one",
                remedy="lower learning_rate or choose another loss",
            )
        )

    def stop(self) -> NoReturn:
        """Save the state and leave.

        Raises
        ------
        StoppedError
            Always: the run is not finished.
        """
        self.save()
        self.ranks.wait()
        raise StoppedError(
            f"{self.job.title}: asked to stop in epoch {len(self.rows) + 1}; the state is saved "
            f"in {self.job.checkpoint_folder}, and the same command goes on from there"
        )

    def save(self) -> None:
        """Write the state of this moment, which is that of all ranks."""
        if self.ranks.rank > 0:
            return
        optimiser = self.optimiser.optimizer.state_dict()
        groups = {
            "network": self.network.module.state_dict(),
            "best": self.best,
            "optimiser": checkpoints.flatten_optimiser(optimiser),
            "loss": {"sum": self.loss_sum},
        }
        content = {
            "seen": self.seen,
            "rows": self.rows,
            "sessions": [*self.sessions, self.session()],
            "precision": self.fabric.strategy.precision.state_dict(),
        }
        tensors = checkpoints.join_groups(groups)
        checkpoints.save_state(self.job.checkpoint_folder, self.seen, State(tensors, content))
        self.saved = time.monotonic()

    def restore(self) -> None:
        """Go back to the newest saved state, if there is one."""
        state = checkpoints.load_state(self.job.checkpoint_folder)
        if state is None:
            return
        groups = checkpoints.split_groups(state.tensors)
        self.network.module.load_state_dict(groups["network"])
        self.best = groups.get("best", {})
        optimiser = self.optimiser.optimizer
        optimiser.load_state_dict(
            checkpoints.restore_optimiser(optimiser.state_dict(), groups["optimiser"])
        )
        self.loss_sum.copy_(groups["loss"]["sum"])
        self.fabric.strategy.precision.load_state_dict(state.content["precision"])
        self.seen, self.rows = state.content["seen"], state.content["rows"]
        self.sessions = state.content["sessions"]
        LOG.info("%s: goes on after %d batches", self.job.title, self.seen)

    def session(self) -> dict[str, Any]:
        """Return when and where this process trained, and what it took."""
        return {
            "start": self.start_time,
            "end": record.now(),
            "seconds": round(time.monotonic() - self.started, 2),
            **record.place(self.device, self.ranks.size),
        }

    def write_model(self) -> None:
        """Write the best weights."""
        path = self.job.run_folder / "model.safetensors"
        save_weights(path, self.best, self.method.description(), sealed=True)

    def describe(self) -> dict[str, Any]:
        """Return what ``run.json`` tells."""
        return {
            **self.job.identity(),
            **record.join([*self.sessions, self.session()]),
            "seconds_waited_for_data": round(self.feed.waited, 2),
            "epochs": len(self.rows),
            "best_epoch": self.best_epoch(),
            "validated_on": "validation" if self.job.validation else "training",
            **record.software(),
        }


def open_cases(method: Opener, job: Job, names: Sequence[str], role: str) -> list[Case]:
    """Open the cases of a role.

    Raises
    ------
    TrainingError
        If there are none, or one has no reference label.
    """
    cases = [method.open_case(job.store, name) for name in names]
    unlabelled = [case.name for case in cases if not case.labelled]
    if cases and not unlabelled:
        return cases
    found = f"no label for {', '.join(unlabelled)}" if unlabelled else f"no {role} cases"
    found += f" (failed: {', '.join(job.left_out)})" if job.left_out else ""
    raise TrainingError(
        describe(
            subject=job.title,
            file=f"{role} cases",
            found=found,
            expected="at least one case, each with a reference label",
            remedy="change protocol.split, or add the labels to the data set",
        )
    )


def _seed(seed: int, number: int) -> int:
    """Return the seed of everything random about one batch."""
    return int(np.random.SeedSequence((seed, number)).generate_state(1, np.uint64)[0] >> 1)
