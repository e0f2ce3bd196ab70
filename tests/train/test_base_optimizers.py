"""Base optimizers beyond SGD, AdamW and Lion: their updates are those of the libraries that they come from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.optim import AdamW, Muon, Optimizer

from bench.errors import UserError
from bench.optim.registry import OPTIMIZERS, check_installed
from bench.optim.schedule_free import evaluated
from bench.registry import OptimizerEntry
from bench.sweep import load
from bench.train.refresh import refresh_statistics
from bench.train.training import Training
from bench.trial import Trial
from tests.train.layers import Layers, updated

Make = Callable[..., Trial]
CPU = torch.device("cpu")


def made(name: str, groups: list[dict[str, object]], lr: float = 0.01, **settings: object) -> Optimizer:
    defaults = {key: setting.default for key, setting in OPTIMIZERS[name].settings.items()}
    optimizer: Optimizer = OPTIMIZERS[name].load()(groups, lr=lr, **(defaults | settings))
    return optimizer


def test_muon_updates_matrices_as_torchs_and_all_else_as_its_adamw() -> None:
    def torchs(model: nn.Module) -> Callable[[], object]:
        assert isinstance(model, Layers)
        kernels = nn.Parameter(model.conv.weight.detach().flatten(1))
        muon = Muon([kernels, model.head.weight], 0.01, 0.1, momentum=0.9, ns_steps=3, adjust_lr_fn="match_rms_adamw")
        others = [model.conv.bias, *model.norm.parameters(), model.head.bias, model.token]
        adamw = AdamW(others, 0.02, (0.8, 0.99), weight_decay=0.1, fused=True)

        def step() -> None:
            assert model.conv.weight.grad is not None
            kernels.grad = model.conv.weight.grad.flatten(1)
            muon.step()
            adamw.step()

        return step

    def ours(model: nn.Module) -> Callable[[], object]:
        settings = {"momentum": 0.9, "ns_steps": 3, "beta1": 0.8, "beta2": 0.99, "adamw_lr_scale": 2.0}
        return made("muon", [{"params": [*model.parameters()], "weight_decay": 0.1}], **settings).step

    pairs = zip(updated(ours).named_parameters(), updated(torchs).parameters(), strict=True)
    assert [name for (name, one), other in pairs if not torch.equal(one, other)] == []


def test_muon_takes_kernels_in_any_layout_and_keeps_momentum_in_their_shape() -> None:
    optimizers = []

    def ours(model: nn.Module) -> Callable[[], object]:
        optimizers.append(made("muon", [{"params": [*model.parameters()]}]))
        return optimizers[-1].step

    plain, last = updated(ours), updated(ours, Layers().to(memory_format=torch.channels_last))
    assert isinstance(plain, Layers)
    assert isinstance(last, Layers)
    # Newton and Schulz's iterations are in bfloat16.
    torch.testing.assert_close(plain.conv.weight, last.conv.weight.contiguous(), rtol=0.02, atol=1e-3)
    assert optimizers[1].state[last.conv.weight]["momentum_buffer"].shape == last.conv.weight.shape


@pytest.mark.parametrize("name", ["schedulefree_sgd", "schedulefree_adamw"])
def test_schedule_free_evaluates_the_average_and_trains_on_from_where_it_was(make_trial: Make, name: str) -> None:
    training = Training(make_trial(optimizer=name, lr=0.01, lr_schedule="constant", epochs=1, model="vit_mini"), CPU)
    seen = []
    losses = {"val_loss": 1.0, "val_accuracy": 1.0, "test_loss": 1.0, "test_accuracy": 1.0}
    training._evaluate = lambda: seen.append(point(training)) or losses  # type: ignore[method-assign,func-returns-value]
    training.run_epoch()
    y = point(training)
    beta = 0.9
    (head,) = [p for n, p in training.model.named_parameters() if n == "head.weight"]
    z = training._optimizer.state[head]["z"]
    # y = (1 − β)·z + β·x, and x is what is evaluated.
    torch.testing.assert_close(seen[0], (y - (1 - beta) * z) / beta)
    assert not torch.equal(seen[0], y)
    training.measure()
    # What is kept is what was evaluated.
    torch.testing.assert_close(point(training), seen[0], rtol=1e-5, atol=1e-7)


def test_statistics_that_are_gathered_anew_are_those_of_the_average(
    make_trial: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    trial = make_trial(optimizer="schedulefree_sgd", epochs=1, batch_size=1024, bn_refresh=True)
    training, seen = Training(trial, CPU), []

    def refresh(model: nn.Module, batches: object) -> None:
        seen.append(next(iter(model.parameters())).detach().clone())
        refresh_statistics(model, batches)  # type: ignore[arg-type]

    monkeypatch.setattr("bench.train.training.refresh_statistics", refresh)
    training.run_epoch()
    trained = next(iter(training.model.parameters())).detach().clone()
    training.measure()
    measured = next(iter(training.model.parameters())).detach()
    torch.testing.assert_close(seen[0], measured, rtol=1e-5, atol=1e-7)
    assert not torch.allclose(trained, measured)


def point(training: Training) -> torch.Tensor:
    return dict(training.model.named_parameters())["head.weight"].detach().clone()


def test_other_optimizers_evaluate_what_they_train() -> None:
    model = Layers()
    with evaluated(torch.optim.SGD(model.parameters())):
        assert torch.equal(model.token, Layers().token)


def test_a_recipe_for_sgd_tells_muon_nothing(tmp_path: Path) -> None:
    file = tmp_path / "sweep.yaml"
    text = (
        'title: "T"\nrecipe: digits-resnet\ngrid: {model: resnet8, seed: 1, optimizer: [sgd, muon]MORE}\nmethods: [{}]'
    )
    settings = []
    for more in ("", ", momentum: 0.8"):
        file.write_text(text.replace("MORE", more), encoding="utf-8")
        settings.append([dict(trial.settings)["momentum"] for trial in load(file).trials])
    assert settings == [[0.9, 0.95], [0.8, 0.8]]


def test_a_package_that_is_missing_is_told_before_anything_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = OptimizerEntry(
        target="bench.optim.standard:sgd", summary="needs what nobody has", requires="no_such_package"
    )
    monkeypatch.setitem(OPTIMIZERS.own, "odd", entry)
    with pytest.raises(UserError, match=r"odd needs the package no_such_package, .* pip install 'sambench\[no_such"):
        check_installed("odd")
    check_installed("sgd")
    check_installed("schedulefree_sgd")
