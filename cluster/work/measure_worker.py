"""Measure worker: takes the missing measures of one trained model, under any launcher."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import torch

from bench import distributed
from bench.errors import MachineFault, machine_fault
from bench.measures.bins import Histogram
from bench.measures.names import Measure
from bench.plugins import work_in
from bench.store import Store, TrialFolder
from bench.store.claims.lease import lease
from bench.store.measured import Quantity, add_measure, history_of, is_measured, mark_changed
from bench.store.outputs import read_outputs, write_outputs
from bench.sweep.code import of_measure
from bench.train.restore import Inapplicable, RestoredModel
from cluster.job import Job
from cluster.measuring import Taken
from cluster.work.session import in_one_line
from cluster.work.worker import trial_log


def measure_trial(job: Job, trial_id: str, measures: Sequence[Measure]) -> Iterator[Taken]:
    """Take each of the measures that the trial lacks, and record it at once; one that fails stops no other."""
    work_in(job.modules)
    store = Store(job.store)
    try:
        yield from _measure(job, store, store.folder(trial_id), measures)
    except PermissionError:
        # Somebody else's.
        raise
    except OSError as error:
        # Of the lease or the record: what measures themselves raise is told of each.
        _raise_fault(error, store)
        raise


def _measure(job: Job, store: Store, folder: TrialFolder, measures: Sequence[Measure]) -> Iterator[Taken]:
    tell = partial(Taken, trial_id=folder.trial_id)
    torch.set_num_threads(job.resources.cpus)
    with lease(store, folder, job.launcher) as ours, trial_log(folder) as log:
        if not ours:
            yield from (tell(measure=measure, outcome="held") for measure in measures)
            return
        # Only now: another process may have had the trial until just before.
        lacking = [measure for measure in measures if not is_measured(store, folder, _quantity(measure))]
        for measure in measures:
            if measure not in lacking:
                mark_changed(folder, _quantity(measure))
                yield tell(measure=measure, outcome="there")
        if lacking:
            yield from _take(store, folder, lacking, log)


def _take(store: Store, folder: TrialFolder, measures: Sequence[Measure], log: logging.Logger) -> Iterator[Taken]:
    tell = partial(Taken, trial_id=folder.trial_id)
    device = distributed.device()
    try:
        subject = _subject(store, folder, measures, device)
    except Exception as error:
        _raise_fault(error, store)
        log.exception("the trained model can't be measured")
        yield from (tell(measure=each, outcome="failed", message=in_one_line(error)) for each in measures)
        return
    for measure in measures:
        started = time.perf_counter()
        try:
            taken = subject(measure)
            value = _finite(measure, taken.mean if isinstance(taken, Histogram) else taken)
        except Inapplicable as reason:
            yield tell(measure=measure, outcome="inapplicable", message=str(reason))
        except Exception as error:
            _raise_fault(error, store)
            log.exception("%s couldn't be measured", measure.name)
            yield tell(measure=measure, outcome="failed", message=in_one_line(error))
        else:
            counts = taken.counts if isinstance(taken, Histogram) else None
            add_measure(folder, _quantity(measure), value, counts=counts, code=of_measure(measure.measure))
            seconds = time.perf_counter() - started
            log.info("measured %s: %.6g, %.1f s on %s", measure.name, value, seconds, distributed.describe(device))
            yield tell(measure=measure, outcome="taken", value=value)


def _subject(
    store: Store, folder: TrialFolder, measures: Sequence[Measure], device: torch.device
) -> Callable[[Measure], float | Histogram]:
    """What takes a measure: of the outputs where they are kept, else of the model, whose outputs are then kept."""
    outputs = read_outputs(folder.outputs)
    if outputs is not None and all(measure.entry.of_outputs for measure in measures):
        return lambda measure: float(measure.entry.load()(outputs, **measure.arguments))
    model = RestoredModel(folder.read_trial(), folder.weights, history_of(store, folder.trial_id), device)
    if outputs is None and any(model.has(measure) and measure.entry.of_outputs for measure in measures):
        write_outputs(folder, model.outputs)
    elif outputs is not None:
        model.outputs = outputs
    return model.take


def _raise_fault(error: Exception, store: Store) -> None:
    """MachineFault if that is what it is: it would fail all other trials too."""
    fault = machine_fault(error, store.root)
    if fault:
        raise MachineFault(fault) from error


def _quantity(measure: Measure) -> Quantity:
    return Quantity(measure.measure, measure.stored)


def _finite(measure: Measure, value: float) -> float:
    if not math.isfinite(value):
        raise ArithmeticError(f"{measure.name} is {value}")
    return value
