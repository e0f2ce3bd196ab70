"""TASKS: kinds of problems, as light records; a data set and a model must name the same one."""

from __future__ import annotations

from collections.abc import Iterable

from bench import data
from bench.registry import CLASSIFICATION, TaskEntry
from bench.trial import Trial

TASKS: dict[str, TaskEntry] = {
    CLASSIFICATION: TaskEntry(
        target="bench.tasks.classification:Classification",
        summary="the class of an image; cross-entropy, judged by accuracy",
        quality="accuracy",
        unit="%",
        measure="test_accuracy",
        validation="val_accuracy",
        curve="test_accuracy",
        curve_label="test accuracy",
        divides_batch=True,
    ),
    "translation": TaskEntry(
        target="bench.tasks.translation:Translation",
        summary="sentences into another language; cross-entropy of tokens, judged by BLEU of beam search",
        quality="bleu",
        unit="",
        measure="bleu",
        validation="val_bleu",
        curve="val_bleu",
        curve_label="validation BLEU",
        divides_batch=False,
        without={
            "label_noise": "sentences have no classes",
            "val_fraction": "every corpus has a validation split",
            "augment": "text isn't augmented",
            "image_size": "there are no images",
            "init_from": "there are no weights to begin with",
            "drop_last": "batches are filled by tokens",
            "channels_last": "there are no images",
            "compile": "every batch has another shape",
        },
    ),
}


def of_dataset(name: str) -> TaskEntry:
    """The task that data set `name` poses."""
    return TASKS[data.entry(name).task]


def of_trial(trial: Trial) -> TaskEntry:
    """The task of a trial, by its data set."""
    return of_dataset(trial.dataset)


def of_trials(trials: Iterable[Trial]) -> list[TaskEntry]:
    """Their tasks, each once, in the order in which they come."""
    return [of_dataset(name) for name in dict.fromkeys(trial.dataset for trial in trials)]


def unshareable(trial: Trial, processes: int) -> str:
    """Why so many processes can't share the trial's steps evenly; empty if they can."""
    m = trial.m or trial.batch_size
    if not of_trial(trial).divides_batch:
        told = f"{processes} processes can't share one micro-batch; set m, sentences of each micro-batch"
        return told if processes > 1 and m == trial.batch_size else ""
    parts = trial.batch_size // m
    if parts % processes == 0:
        return ""
    return (
        f"{processes} processes can't share {parts} micro-batches evenly: batch_size = {trial.batch_size}, m = {m}; "
        "choose m = batch_size / processes or a divisor of it"
    )
