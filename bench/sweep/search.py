"""Search: the sweeps that a sweep chooses its ρ from, and which of their trials each choice looks at.

A trial's ρ is chosen among those trials of the other sweep that match `where` and share its data set, variant,
scope and every further field that the other sweep varies, except seed and ρ themselves.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path as FilePath
from typing import TYPE_CHECKING

from bench.errors import shown, unknown
from bench.sweep.choose import Choice, Chooser, ChooseRho, Pairs, Verdict, Waiting, describe
from bench.sweep.file.fault import SpecError
from bench.sweep.file.lookup import chosen_file
from bench.sweep.file.source import Source
from bench.sweep.file.text import yaml_files
from bench.trial import FIELDS, Trial
from bench.trial.content import without_content
from bench.validation import Path

if TYPE_CHECKING:
    from bench.sweep import Sweep

_ALWAYS = ("dataset", "variant", "scope")
_SEARCHED = frozenset({"rho", "seed", "settings"})

Load = Callable[[FilePath], "Sweep"]
Recorded = Callable[[str], str | None]
"""Data set → its name with the content that results were recorded for; None if there are none."""


class Searches:
    """Chooses for one sweep; each other sweep is loaded once, each group decided once."""

    def __init__(
        self, source: Source, load: Load, chooser: Chooser, chain: Sequence[FilePath], recorded: Recorded
    ) -> None:
        self.recorded = recorded
        """Which content a data set that isn't here had."""
        self.choices: dict[tuple[ChooseRho, Pairs], Choice] = {}
        self.held: dict[str, Trial] = {}
        """Trials that wait for a choice, with a placeholder for their ρ."""
        self._waits: dict[int, Waiting] = {}
        self._source = source
        self._load = load
        self._chooser = chooser
        self._chain = chain
        self._sweeps: dict[str, Sweep | None] = {}
        self._groups: dict[tuple[object, ...], tuple[list[Trial], list[str]]] = {}
        self._decided: dict[tuple[ChooseRho, Pairs], float | Waiting | None] = {}

    def rho(self, choose: ChooseRho, trial: Trial, path: Path) -> float | None:
        """The chosen ρ for `trial`, whose own is a placeholder; None if it waits or is at fault, which is noted."""
        search = self.find(choose.sweep, path)
        if search is None:
            return None
        if search.waits:
            self._hold(trial, search.waits)
            return None
        trials, told_apart = self._alike(search, choose, trial, path)
        group: Pairs = tuple((name, trial.written(name)) for name in (*_ALWAYS, *told_apart))
        if (choose, group) not in self._decided:
            same = [each for each in trials if all(each.written(name) == value for name, value in group)]
            self._decided[choose, group] = self._decide(search, choose, group, trials, same, path)
        decided = self._decided[choose, group]
        if isinstance(decided, Waiting):
            self._hold(trial, [decided])
            return None
        return decided

    @property
    def waits(self) -> tuple[Waiting, ...]:
        """The choices that can't be made yet, each once."""
        return tuple(dict.fromkeys(self._waits.values()))

    def _hold(self, trial: Trial, waits: Iterable[Waiting]) -> None:
        """Keep a trial back until these choices can be made."""
        # By identity, because thousands of trials wait for the same, which has thousands of trials to compare.
        self._waits |= {id(wait): wait for wait in waits}
        self.held[trial.trial_id] = trial

    def _decide(
        self, search: Sweep, choose: ChooseRho, group: Pairs, alike: list[Trial], same: list[Trial], path: Path
    ) -> float | Waiting | None:
        """The chosen ρ, or what it waits for; None if it is at fault, which is noted."""
        if not same:
            if alike:  # else the fault is told already
                self._fault(path, _unlike(search, group, alike))
            return None
        verdict = self._chooser(search, same, choose.by)
        if verdict.problem:
            self._fault(path, f"{search.name}, {describe(group)}: {verdict.problem}")
        elif verdict.missing or verdict.chosen is None:
            return Waiting(sweep=search.name, file=search.file, group=group, trials=verdict.missing)
        else:
            choice = _choice(search, choose, group, verdict)
            self.choices[choose, group] = choice
            return choice.rho
        return None

    def _alike(self, search: Sweep, choose: ChooseRho, trial: Trial, path: Path) -> tuple[list[Trial], list[str]]:
        """Trials of the same data set, variant and scope that match `where`, and the fields that vary among them."""
        wanted = tuple(trial.value(name) for name in _ALWAYS)
        key = (choose, wanted)
        if key not in self._groups:
            there = [each for each in search.trials if _matches(each, choose)]
            alike = [each for each in there if tuple(each.value(name) for name in _ALWAYS) == wanted]
            if not there:
                self._fault(path, f"no trial of {search.name} matches where: {_where(choose)}")
            elif not alike:
                known = dict.fromkeys(describe(tuple((n, t.value(n)) for n in _ALWAYS)) for t in there if t.perturbs)
                this = describe(tuple(zip(_ALWAYS, wanted, strict=True)))
                self._fault(path, f"{search.name} searches no ρ for {this}; it does for: {', '.join(known)}")
            self._groups[key] = (alike, _varied(alike))
        return self._groups[key]

    def find(self, name: str, path: Path) -> Sweep | None:
        """The sweep that is called so; None if it isn't there or is at fault, which is noted."""
        if name not in self._sweeps:
            self._sweeps[name] = self._load_named(name, path)
        return self._sweeps[name]

    def _load_named(self, name: str, path: Path) -> Sweep | None:
        file = chosen_file(name, beside=self._chain[-1].parent)
        if not os.path.exists(file):  # which takes a name that is too long for one that isn't there
            there = [each.stem for each in yaml_files(file.parent)]
            self._fault(path, f"{unknown('sweep', FilePath(name).stem, there)} (looked for {shown(str(file))[1:-1]})")
            return None
        if file.resolve() in [each.resolve() for each in self._chain]:
            names = " → ".join(each.stem for each in (*self._chain, file))
            self._fault(path, f"circular `choose`: {names}; give one of them its ρ as numbers")
            return None
        try:
            return self._load(file)
        except SpecError as error:
            self._source.extend(error.faults)
            return None

    def _fault(self, path: Path, message: str) -> None:
        self._source.report(path, message)


def _choice(search: Sweep, choose: ChooseRho, group: Pairs, verdict: Verdict) -> Choice:
    chosen = verdict.chosen
    assert chosen is not None
    assert chosen.mean is not None, "a chosen ρ has a result"
    return Choice(
        sweep=search.name,
        file=search.file,
        where=choose.where,
        group=group,
        by=verdict.by,
        rho=chosen.rho,
        mean=chosen.mean,
        n=chosen.n,
        candidates=verdict.candidates,
        remarks=verdict.remarks,
    )


def _matches(trial: Trial, choose: ChooseRho) -> bool:
    return trial.perturbs and all(_named(trial, name) in values for name, values in choose.where)


def _named(trial: Trial, name: str) -> object:
    """A value as a sweep writes it: of a data set without what is in it."""
    return without_content(trial.dataset) if name == "dataset" else trial.value(name)


def _varied(trials: Sequence[Trial]) -> list[str]:
    """Fields and settings, without seed and ρ, that take several values."""
    settings = dict.fromkeys(name for trial in trials for name, _ in trial.settings)
    names = [*(name for name in FIELDS if name not in _SEARCHED), *settings]
    return [name for name in names if len({trial.written(name) for trial in trials}) > 1]


def _unlike(search: Sweep, group: Pairs, alike: Iterable[Trial]) -> str:
    """Why none of the trials shares all fields of the group, and the way out."""
    for name, value in group:
        there = sorted({str(trial.written(name)) for trial in alike})
        if str(value) not in there:
            way_out = f"choose one of them by where: {{{name}: {there[0]}}}"
            return f"{search.name} varies {name} ({', '.join(there)}) and has no {value}; {way_out}"
    return f"{search.name} has no trial of {describe(group)}; choose among what it varies by where"


def _where(choose: ChooseRho) -> str:
    return ", ".join(f"{name}: {' or '.join(map(str, values))}" for name, values in choose.where)
