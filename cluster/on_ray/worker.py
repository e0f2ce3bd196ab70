"""Worker on Ray: the actor that Tune hands one trial after another, on any node of a Ray cluster."""

from __future__ import annotations

import queue
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ray
from ray import tune
from ray.util import get_current_placement_group

from bench.errors import MachineFault, UserError
from bench.resources import EarlyStopping, Retries
from bench.store import Store, TrialFolder, state_of
from cluster.job import Job
from cluster.on_ray.node import unfit
from cluster.report import Listener, OnEpoch, TrialReport
from cluster.work.stopping import MarkedStopping

if TYPE_CHECKING:
    from cluster.work.torchrun import Ranks

Result = dict[str, Any]
"""What Tune hears of a trial: `report` at its end, `epoch` and the metric before that, `unseen` if it can't start,
`fault` if the machine failed."""


class TrialActor(tune.Trainable):
    """A worker process. One step is a whole trial, or one epoch of it where trials are stopped early."""

    def setup(self, config: dict[str, Any]) -> None:
        self._job: Job = config["job"]
        self._code: Path = config["code"]
        """Where the driver has this package from."""
        self._processes: int = config["processes"]
        """On each node."""
        self._trial_id, self._seen = config["task"]
        self._results: queue.Queue[Result | BaseException] | None = None

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self.setup(new_config)
        return True

    def step(self) -> Result:
        if self._results is None:
            unseen = unfit(self._job, self._trial_id, self._code)
            if unseen:
                return {"unseen": unseen, "done": True}
            if self._job.early_stopping is None:
                return self._run_whole(None)
            self._begin(self._job.early_stopping)
        assert self._results is not None
        result = self._results.get()
        if isinstance(result, BaseException):
            raise result
        return result

    @property
    def _folder(self) -> TrialFolder:
        return Store(self._job.store).folder(self._trial_id)

    def _begin(self, rule: EarlyStopping) -> None:
        """Train in the background, so that training doesn't wait for Tune's answer to every epoch."""
        results = self._results = queue.Queue()
        store, folder = Store.open(self._job.store), self._folder
        if state_of(store, folder, Retries(), prunes=True).status == "pruned":
            # By another driver, meanwhile.
            results.put(_last(TrialReport(trial_id=self._trial_id, outcome="held")))
            return
        tell = _compare_by(rule, folder.read_trial().total_epochs, results.put)

        def train() -> None:
            try:
                results.put(self._run_whole(tell))
            except BaseException as error:  # noqa: BLE001
                # Raised again where Tune hears of it.
                results.put(error)

        threading.Thread(target=train, daemon=True, name="trial").start()

    def _run_whole(self, on_epoch: OnEpoch | None) -> Result:
        try:
            return _last(self._run(on_epoch))
        except MachineFault as fault:
            return {"fault": str(fault), "done": True}

    def _run(self, on_epoch: OnEpoch | None) -> TrialReport:
        from cluster.work.worker import run_trial

        return run_trial(
            self._job,
            self._trial_id,
            seen=self._seen,
            ranks=_ranks(self._job.resources.nodes, self._processes),
            stopping=MarkedStopping(self._folder),
            listener=Listener(on_epoch=on_epoch),
        )


def _last(report: TrialReport) -> Result:
    return {"report": asdict(report), "done": True}


def _compare_by(rule: EarlyStopping, epochs: int, put: Callable[[Result], None]) -> OnEpoch:
    def tell(row: dict[str, Any]) -> None:
        if rule.metric not in row:
            raise UserError(
                f"early_stopping: no {rule.metric}: no validation split; set val_fraction, or test_accuracy"
            )
        # After its last epoch there is nothing to save by a stop.
        if row["epoch"] < epochs:
            put({"epoch": row["epoch"], rule.metric: row[rule.metric]})

    return tell


def _ranks(nodes: int, processes: int) -> Ranks:
    from cluster.work.torchrun import Ranks

    prefix: tuple[str, ...] = ()
    if nodes > 1:
        group = get_current_placement_group()
        assert group is not None, "a trial on several nodes has a placement group"
        address = ray.get_runtime_context().gcs_address
        prefix = (*_own_gpus(), sys.executable, "-m", "cluster.on_ray.nodes", address, group.id.hex())
    return Ranks(per_node=processes, prefix=prefix)


def _own_gpus() -> tuple[str, ...]:
    """Show the GPUs of the first bundle: Tune hides none where a trial has several bundles."""
    gpus = [str(gpu) for gpu in ray.get_runtime_context().get_accelerator_ids().get("GPU", [])]
    return ("env", f"CUDA_VISIBLE_DEVICES={','.join(gpus)}") if gpus else ()
