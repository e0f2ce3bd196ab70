"""Two sweeps, of which one chooses its ρ from the other, and results of both that name machines, people and places."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from bench.measures.outputs import Outputs
from bench.store import Store, acquire
from bench.store.outputs import write_outputs
from bench.store.results import write_history
from bench.sweep import load
from bench.trial import Trial
from tests.shared.store import done, ended

FIELDS = "dataset: digits, model: resnet8, optimizer: sgd, lr: 0.1, weight_decay: 5e-4, batch_size: 64, epochs: 1"
SEARCH = f"""
title: "Search"
grid: {{{FIELDS}, seed: 2}}
methods:
  - {{}}
  - {{variant: sam, scope: [all, only_norm], rho: [0.1, 0.2]}}
"""
FINAL = f"""
title: "Final"
paper: Table 1
grid: {{{FIELDS}, seed: [0, 1]}}
methods:
  - {{variant: sam, scope: only_norm, rho: {{choose: searches/search, by: test_accuracy}}}}
"""
HOSTS = ("node17.secret-lab.example", "node4.secret-lab.example")
SECRETS = (b"secret-lab", b"/home/mueller", b"mueller")


def fill(folder: Path, store: str = "store") -> Path:
    """Write the sweeps and the results; the file of the sweep that chooses."""
    file, search = folder / "final.yaml", folder / "searches" / "search.yaml"
    search.parent.mkdir(exist_ok=True)
    search.write_text(SEARCH, encoding="utf-8")
    file.write_text(FINAL, encoding="utf-8")
    into = Store.create(folder / store)
    trials = load(search).trials
    _fail(into, trials[0])
    for place, trial in enumerate(trials):
        host, value = HOSTS[place % 2], 80.0 + place * 7 % 11
        done(into, trial, value, host=host, pid=4711, sambench="0.1.0", torch="2.9.0", python="3.11.7", code="c0de")
        epochs = [{"epoch": epoch, "lr": 0.1 / epoch, "train_loss": 1.0} for epoch in (1, 2)]
        write_history(into.folder(trial.trial_id), epochs)
    logits = np.eye(3, dtype=np.float16)
    write_outputs(into.folder(trials[0].trial_id), Outputs.of(logits, np.arange(3, dtype=np.int32)))
    return file


def _fail(store: Store, trial: Trial) -> None:
    store.add([trial])
    folder = store.folder(trial.trial_id)
    held = acquire(store, folder, "test", seen=99)
    assert held is not None
    said = f"{HOSTS[0]}: can't read /home/mueller/data/digits.npz"
    held.end(dataclasses.replace(ended(folder, held.number), outcome="crashed", message=said, host=HOSTS[0]))
