"""Optimizers of torch and timm by their classes: what is read of them is what they are, and they are what trains."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import timm.optim
import torch
from torch import nn

from bench.optim import library
from bench.optim.registry import OPTIMIZERS
from bench.sweep import SpecError, load
from bench.train.training import Training
from bench.trial import FIELDS, Trial
from tests.train.layers import updated

MODULES = {"torch.optim": torch.optim, "timm.optim": timm.optim}
CLASSES = [
    f"{library}:{name}"
    for library, module in MODULES.items()
    for name, found in vars(module).items()
    if inspect.isclass(found) and issubclass(found, torch.optim.Optimizer)
]


@pytest.mark.parametrize("name", CLASSES)
def test_settings_are_what_the_constructor_takes(name: str) -> None:
    try:
        entry = library.entry(name)
    except ValueError:
        assert name.partition(":")[2] in {"Optimizer", "LBFGS", "SparseAdam", "Adahessian", "Lookahead"}
        return
    kind = getattr(MODULES[name.partition(":")[0]], name.partition(":")[2])
    parameters = inspect.signature(kind.__init__).parameters
    for argument, length in entry.tuples:
        parts = [entry.settings[part].default for part in library._parts(argument, length)]
        assert tuple(parts) == parameters[argument].default
    whole = {part for argument, length in entry.tuples for part in library._parts(argument, length)}
    for setting in entry.settings.keys() - whole:
        assert entry.settings[setting].default == parameters[setting].default, setting
    assert entry.decays == ("weight_decay" in parameters)
    left_out = parameters.keys() - entry.settings.keys() - dict(entry.tuples).keys() - {*FIELDS, *library._HOW}
    assert all(_is_no_scalar(parameters[each]) for each in left_out), left_out


def _is_no_scalar(parameter: inspect.Parameter) -> bool:
    return parameter.default is None or not isinstance(parameter.default, str | int | float | bool)


@pytest.mark.parametrize(
    ("name", "settings", "arguments"),
    [
        ("torch.optim:RMSprop", {"momentum": 0.5, "centered": True}, {"momentum": 0.5, "centered": True}),
        ("torch.optim:Rprop", {"eta1": 0.4, "eta2": 1.3}, {"etas": (0.4, 1.3)}),
        ("timm.optim:Adan", {"beta1": 0.9, "beta2": 0.8, "beta3": 0.7}, {"betas": (0.9, 0.8, 0.7)}),
        ("timm.optim:Muon", {"fallback_lr_scale": 0.5}, {"fallback_lr_scale": 0.5}),
    ],
)
def test_the_class_itself_is_made_with_them(
    name: str, settings: dict[str, object], arguments: dict[str, object]
) -> None:
    def ours(model: nn.Module) -> Callable[[], object]:
        defaults = {key: setting.default for key, setting in OPTIMIZERS[name].settings.items()}
        return OPTIMIZERS[name].load()([{"params": [*model.parameters()]}], lr=0.01, **(defaults | settings)).step

    def theirs(model: nn.Module) -> Callable[[], object]:
        kind = getattr(MODULES[name.partition(":")[0]], name.partition(":")[2])
        return kind([*model.parameters()], lr=0.01, **arguments).step

    pairs = zip(updated(ours).parameters(), updated(theirs).parameters(), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)


SWEEP = 'title: "T"\nrecipe: digits-resnet\ngrid: {model: resnet8, seed: 1}\nmethods: [{METHOD}]\n'


def read(tmp_path: Path, method: str) -> tuple[Trial, ...]:
    file = tmp_path / "sweep.yaml"
    file.write_text(SWEEP.replace("METHOD", method), encoding="utf-8")
    return load(file).trials


def test_a_trial_holds_what_is_written_and_trains(tmp_path: Path) -> None:
    (plain,) = read(tmp_path, "optimizer: 'torch.optim:NAdam'")
    (spelled,) = read(tmp_path, "optimizer: 'torch.optim:NAdam', beta1: 0.9, momentum_decay: 0.004")
    # Not the recipe's momentum either, which is SGD's.
    assert plain.settings == ()
    assert spelled.trial_id == plain.trial_id
    sam = "variant: sam, rho: 0.1, epochs: 1, batch_size: 512"
    (trial,) = read(tmp_path, f"optimizer: 'torch.optim:NAdam', beta2: 0.99, lr: 0.001, {sam}")
    assert trial.settings == (("beta2", 0.99),)
    training = Training(trial, torch.device("cpu"))
    assert training.run_epoch()["train_loss"] < 2.5
    assert training._optimizer.param_groups[0]["betas"] == (0.9, 0.99)
    assert type(training._optimizer) is torch.optim.NAdam


@pytest.mark.parametrize(
    ("method", "fault"),
    [
        (
            "optimizer: 'torch.optim:AdmW'",
            "4:23: methods[0].optimizer: unknown optimizer of torch.optim 'AdmW'; did you",
        ),
        ("optimizer: 'torch.optim:LBFGS'", "4:23: methods[0].optimizer: torch.optim:LBFGS takes several passes a step"),
        (
            "optimizer: 'torch.optimx:Adam'",
            "4:23: methods[0].optimizer: optimizer torch.optimx",
        ),
        ("optimizer: 'torch.optim:Rprop'", "4:23: methods[0].optimizer: torch.optim:Rprop has no weight decay; write"),
        ("optimizer: 'torch.optim:Adam', beta1: x", "4:50: methods[0].beta1: input should be a valid number, not 'x'"),
        (
            "optimizer: 'torch.optim:Adam', amsgard: true",
            "methods[0].amsgard: unknown field 'amsgard'; did you mean amsg",
        ),
        ("optimizer: sgd, amsgrad: true", "methods[0].amsgrad: is a setting that nothing chosen here has"),
        (
            "optimizer: 'torch.optim:RMSprop', variant: gsam, rho: 1",
            "torch.optim:RMSprop and gsam both have a setting alpha, and one value can't be that of both",
        ),
    ],
)
def test_what_is_wrong_is_told_by_plan(tmp_path: Path, method: str, fault: str) -> None:
    assert "amsgrad" in OPTIMIZERS["torch.optim:Adam"].settings, "known from now on"
    with pytest.raises(SpecError) as caught:
        read(tmp_path, method)
    assert fault in str(caught.value)


def test_neither_library_is_imported_to_read_a_sweep(tmp_path: Path) -> None:
    read(tmp_path, "optimizer: ['torch.optim:Adam', 'timm.optim:Lamb'], beta1: 0.8")
    program = (
        "import sys; from bench.sweep import load; from bench.sweep.code import parts_of; "
        f"[parts_of(trial) for trial in load({str(tmp_path / 'sweep.yaml')!r}).trials]; "
        "print([name for name in ('torch', 'timm') if name in sys.modules])"
    )
    run = [sys.executable, "-c", program]
    assert subprocess.run(run, capture_output=True, text=True, check=True).stdout.strip() == "[]"
