"""Resolve: from the values of one combination of axes to complete fields of trials.

What depends on several fields at once is decided here: which settings apply, whether a ρ is needed, and what
`paper` stands for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import MISSING, dataclass, field, fields
from typing import Any

from bench.models import MODELS
from bench.recipes import RHO, RhoRow
from bench.registry import Setting
from bench.sam import check_compatible, parse_scope
from bench.spec.axes import REGISTRIES, adapter
from bench.spec.document import check_value
from bench.spec.source import Path, Source
from bench.trial import DEFAULTS, NONE, Trial

LINKED = frozenset({*REGISTRIES, "rho", "batch_size", "m", "trainable", "weight_decay_on", "norm_dropout"})
"""Fields that are checked against each other. Settings are linked too; all other fields are free."""

REQUIRED = tuple(item.name for item in fields(Trial) if item.default is MISSING)
"""Fields that a sweep or its recipe must give."""


@dataclass
class Resolver:
    """Completes combinations of one block and remembers which written settings were of use."""

    source: Source
    recipe: dict[str, Any]
    where: dict[str, Path] = field(default_factory=dict)
    """Axis → place in the file, of the method line at hand."""
    used: set[Path] = field(default_factory=set)
    notes: dict[str, None] = field(default_factory=dict)

    def complete(self, written: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """The fields of every trial that one combination of linked values stands for; none if it is at fault."""
        values = DEFAULTS | self.recipe | written
        settings = self._settings(values)
        if not self._micro_batches_fit(values) or not self._consistent(values):
            return
        base = {name: value for name, value in values.items() if name in _TRIAL_FIELDS}
        for rho in self._radii(values):
            yield base | {"rho": rho, "settings": settings}

    def _consistent(self, values: dict[str, Any]) -> bool:
        if values["variant"] == NONE:
            return self._plain(values)
        if values["scope"] == NONE:
            values["scope"] = "all"
        if values["rho"] is None:
            self._fault(self.where["variant"], f"variant {values['variant']} needs a rho beside it")
            return False
        return self._scope_fits(values)

    def _scope_fits(self, values: dict[str, Any]) -> bool:
        subsets = {name: values[name] for name in ("trainable", "weight_decay_on", "norm_dropout")}
        _, stages = parse_scope(values["scope"])
        there = MODELS[values["model"]].traits["stages"]
        place = self.where.get("scope", self.where.get("variant", ()))
        try:
            check_compatible(scope=values["scope"], **subsets)
        except ValueError as error:
            self._fault(place, str(error))
            return False
        if stages and stages[-1] > there:
            self._fault(place, f"{values['model']} has stages 1 to {there}, not {stages[-1]}")
            return False
        return True

    def _micro_batches_fit(self, values: dict[str, Any]) -> bool:
        m, batch_size = values["m"], values["batch_size"]
        if m is None or batch_size % m == 0:
            return True
        self._fault(self.where.get("m", ()), f"m = {m} does not divide batch_size = {batch_size}; choose a divisor")
        return False

    def _plain(self, values: dict[str, Any]) -> bool:
        alone = f"{values['optimizer']} alone perturbs nothing"
        if values["scope"] != NONE:
            self._fault(self.where["scope"], f"a scope without a variant: {alone}; add a variant or drop scope")
        if values["rho"] is not None:
            message = (
                f"a ρ without a variant: {alone}; add a variant, or give the plain optimizer a method line of its own"
            )
            self._fault(self.where["rho"], message)
        return values["scope"] == NONE and values["rho"] is None

    def _settings(self, values: dict[str, Any]) -> tuple[tuple[str, Any], ...]:
        chosen: dict[str, Any] = {}
        for registry_field, registry in REGISTRIES.items():
            entry = registry.get(values[registry_field].partition("[")[0])
            for name, setting in entry.settings.items() if entry else ():
                chosen[name] = self._setting(name, setting, values)
        return tuple(sorted(chosen.items()))

    def _setting(self, name: str, setting: Setting, values: dict[str, Any]) -> Any:
        if name not in values:
            return setting.default
        value, problem = check_value(adapter(setting.type), values[name])
        if problem:
            self._fault(self.where[name], problem)
        if name in self.where:
            self.used.add(self.where[name])
        return value

    def _radii(self, values: dict[str, Any]) -> tuple[float | None, ...]:
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
            self.notes[f"ρ = {row.chosen:g} for {cell}: the paper's mark is lost, the value is a guess"] = None
        return (float(row.chosen),)

    def _table_row(self, values: dict[str, Any]) -> RhoRow | None:
        family = MODELS[values["model"]].traits["family"]
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
        self.source.faults.append(self.source.fault(path, message))


_TRIAL_FIELDS = frozenset({item.name for item in fields(Trial)} - {"settings"})
