"""Resolve: from the values of one combination of axes to complete fields of trials.

What depends on several fields at once is decided here: which settings apply, whether a ρ is needed, and what
`paper` stands for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path as FilePath
from typing import Any

from bench import data, models
from bench.data.files.location import DataError, data_root
from bench.errors import UserError
from bench.papers.sam_on.recipes import FAST_VALUES
from bench.papers.sam_on.rho import RHO, RhoRow
from bench.plugins.kinds import KINDS
from bench.registry import Entry, ImagesEntry, Setting
from bench.sweep.checks import CHECKED, find_problems
from bench.sweep.checks.hints import hints_on
from bench.sweep.checks.mismatch import Known, Missing
from bench.sweep.choose import ChooseRho
from bench.sweep.expansion.content import data_with_content, weights_with_content
from bench.sweep.expansion.late import start_late
from bench.sweep.fields import FAST, LATE, REGISTRIES
from bench.sweep.file.source import UNKNOWN, Source
from bench.sweep.search import Searches
from bench.trial import DEFAULTS, NONE, Trial
from bench.trial.content import TIMM
from bench.validation import Path, check

LINKED = frozenset({*REGISTRIES, *CHECKED, "init_from", "perturb_from", FAST, LATE})
"""Fields that are checked against each other. Settings are linked too; all other fields are free."""

PLACEHOLDER = 1.0
"""ρ of a trial whose own is yet to be chosen."""

REQUIRED = tuple(item.name for item in fields(Trial) if item.default is MISSING)
"""Fields that a sweep or its recipe must give."""


Guess = tuple[str, str, str, str, float]
"""Data set, model, variant, scope and the ρ that is a guess for them."""


@dataclass
class Resolver:
    """Completes combinations of one block and remembers which of the written settings were used."""

    source: Source
    recipe: dict[str, Any]
    searches: Searches
    where: dict[str, Path] = field(default_factory=dict)
    """Axis → place in the file, of the method line at hand."""
    used: set[Path] = field(default_factory=set)
    notes: dict[str, None] = field(default_factory=dict)
    guesses: set[Guess] = field(default_factory=set)

    def complete(self, written: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """The fields of every trial that one combination of linked values expands to; none if it has a fault."""
        values = self.with_defaults(written)
        self._fill_in(values)
        settings = self._settings(values)
        problems = find_problems(values)
        for problem in problems:
            self._fault(self._place(*problem.fields), problem.message)
        if problems or not self._identify_weights(values):
            return
        self.notes |= dict.fromkeys(hints_on(values))
        base = {name: value for name, value in values.items() if name in _TRIAL_FIELDS}
        base["dataset"] = self._identify_data(values["dataset"])
        if not base["dataset"]:
            return
        for rho in self._radii(values):
            yield base | {"rho": rho, "settings": settings}

    def with_defaults(self, written: dict[str, Any]) -> dict[str, Any]:
        """The written values, and where there is none, the recipe's or the default."""
        return DEFAULTS | self._fast(written) | self.recipe | written

    def judge(self, written: dict[str, Any], missing: frozenset[str]) -> None:
        """Report what is certainly wrong with a combination of which some values are missing or UNKNOWN."""
        unknown = missing | {name for name, value in written.items() if value is UNKNOWN}
        fast = self._fast(written) if FAST not in unknown else {}
        values = Known({k: v for k, v in (DEFAULTS | fast | self.recipe | written).items() if k not in unknown})
        steps: tuple[Callable[[dict[str, Any]], object], ...] = (
            self._fill_in, self._settings, self._identify_weights, self._radii, self._look_for_search
        )  # fmt: skip
        for step in steps:
            with suppress(Missing):
                step(values)
        for problem in find_problems(values):
            self._fault(self._place(*problem.fields), problem.message)
        if unknown & REGISTRIES.keys():
            # An unknown entry may have any setting.
            self.used |= set(self.where.values())

    def chosen(self, fields: dict[str, Any]) -> float | None:
        """The ρ that another sweep's results give the trial of these fields; None if it waits or is at fault."""
        choose = fields["rho"]
        assert isinstance(choose, ChooseRho)
        return self.searches.rho(choose, Trial(**(fields | {"rho": PLACEHOLDER})), self.where["rho"])

    def _look_for_search(self, values: dict[str, Any]) -> None:
        if isinstance(values["rho"], ChooseRho):
            self.searches.find(values["rho"].sweep, self.where["rho"])

    def _fast(self, written: dict[str, Any]) -> dict[str, Any]:
        if FAST in self.where:
            self.used.add(self.where[FAST])
        return FAST_VALUES if (self.recipe | written).get(FAST, False) else {}

    def _fill_in(self, values: dict[str, Any]) -> None:
        """What depends on other values."""
        if values["variant"] != NONE and values["scope"] == NONE:
            values["scope"] = "all"
        found = data.entry(values["dataset"])
        if isinstance(found, ImagesEntry) and values["image_size"] == found.image_size:
            values["image_size"] = None
        if LATE in values and values["variant"] != NONE:
            self.used |= {self.where[name] for name in (LATE,) if name in self.where}
            if "perturb_from" in self.where:
                self._fault(
                    self._place(LATE), "says the same as perturb_from, as a share of the epochs: give one of them"
                )
            start_late(values)

    def _identify_weights(self, values: dict[str, Any]) -> bool:
        """Whether the pretrained weights are there; identifies a file by its content."""
        written = values["init_from"]
        if not written or written.startswith(TIMM):
            return True
        try:
            values["init_from"] = weights_with_content(FilePath(written))
        except UserError as error:
            self._fault(self._place("init_from"), str(error))
            return False
        return True

    def _identify_data(self, name: str) -> str:
        """The name with the data set's content, now or as it was recorded; empty if neither is known."""
        try:
            return data_with_content(name, data_root())
        except DataError as error:
            recorded = self.searches.recorded(name)
            if recorded:
                told = f"taken to be as it was recorded, {recorded.rpartition('@')[2]}"
                self.notes[f"{name}: isn't here; {told}"] = None
                return recorded
            self._fault(self._place("dataset"), str(error))
            return ""

    def _place(self, *names: str) -> Path:
        """Where the first of `names` that the sweep writes stands."""
        return next((self.where[name] for name in names if name in self.where), ())

    def _settings(self, values: dict[str, Any]) -> tuple[tuple[str, Any], ...]:
        chosen: dict[str, Any] = {}
        for registry_field, registry in REGISTRIES.items():
            entry = _entry(registry_field, registry, values[registry_field])
            given = self._own(values) if getattr(entry, "own_settings", False) else values
            for name, setting in entry.settings.items() if entry else ():
                value = self._setting(name, setting, given)
                if not (setting.later and value == setting.default):
                    chosen[name] = value
        return tuple(sorted(chosen.items()))

    def _own(self, values: dict[str, Any]) -> dict[str, Any]:
        """The values without what the recipe says of another optimizer."""
        if values["optimizer"] == self.recipe.get("optimizer"):
            return values
        return {name: value for name, value in values.items() if name in self.where}

    def _setting(self, name: str, setting: Setting, values: dict[str, Any]) -> Any:
        if name in self.where:
            self.used.add(self.where[name])
        if name not in values:
            if setting.required:
                self._fault(
                    self._place("variant", "scope"), f"{name} is missing ({setting.summary}): it has no default"
                )
            return setting.default
        value, problem = check(setting.type, values[name])
        if problem:
            self._fault(self._place(name), problem)
        return value

    def _radii(self, values: dict[str, Any]) -> tuple[float | ChooseRho | None, ...]:
        rho = values["rho"]
        if not isinstance(rho, str):
            return (rho,)
        row = self._table_row(values)
        if row is None:
            return ()
        if rho == "paper-grid":
            return tuple(map(float, row.grid))
        if row.guess:
            cell = f"{values['variant']}/{values['scope']} on {values['dataset']}"
            self.notes[f"ρ = {row.chosen:g} for {cell}: {_LOST}, the value is a guess"] = None
            method = (values["dataset"], values["model"], values["variant"], values["scope"])
            self.guesses.add((*method, float(row.chosen)))
        return (float(row.chosen),)

    def _table_row(self, values: dict[str, Any]) -> RhoRow | None:
        tuned = "fine-tuned " if values["init_from"] else ""
        family = tuned + models.entry(values["model"]).family
        table = RHO.get((values["dataset"], family))
        if table is None:
            valid = ", ".join(f"{data} with a {kind}" for data, kind in RHO)
            message = f"the paper gives no ρ for {values['dataset']} with {values['model']}; it does for: {valid}"
            self._fault(self.where["rho"], message)
            return None
        row = table.get((values["variant"], values["scope"]))
        if row is None:
            valid = ", ".join(f"{variant}/{scope}" for variant, scope in table)
            message = f"the paper gives no ρ for {values['variant']}/{values['scope']}; it does for: {valid}"
            self._fault(self.where["rho"], message)
        return row

    def _fault(self, path: Path, message: str) -> None:
        self.source.report(path, message)


def _entry(field: str, registry: Mapping[str, Entry], written: str) -> Entry | None:
    """The record behind a value; None if it has none, or no settings."""
    name = written.partition("[")[0]
    if field == "dataset" and name.partition(":")[0] in KINDS["dataset"].reserved:
        return data.entry(written)
    return registry.get(name)


def lost_marks(notes: Iterable[str]) -> list[tuple[str, str]]:
    """The notes of a resolver that are about a guessed ρ, each with the reason."""
    return [(note.partition(": ")[0], _LOST) for note in notes if f": {_LOST}," in note]


_LOST = "the paper's mark is lost"


_TRIAL_FIELDS = frozenset({item.name for item in fields(Trial)} - {"settings"})
