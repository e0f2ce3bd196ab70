"""Rows of the page on loops of one's own that no other test of the step runs."""

from __future__ import annotations

import dataclasses
import importlib
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.fsdp import FullyShardedDataParallel, fully_shard
from torch.nn import functional
from torch.nn.parallel import DistributedDataParallel
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from bench.sam import SharpnessAware
from tests.conftest import ROOT
from tests.sam.references.networks import batch, distance, network, process_group, sgd

HERE = "loops.test_in_your_loop"
ROWS = {
    "mixed precision": ("precision.test_precision", "test_bf16_equals_a_plain_loop_under_autocast"),
    "`GradScaler`": ("precision.test_precision", "test_overflow_skips_the_step_and_lowers_the_scale"),
    "16-bit weights": (
        "precision.test_sixteen_bits",
        "test_weights_of_16_bits_are_told_of_with_the_share_that_moved",
    ),
    "bf16 on a CPU without units for it": (
        "precision.test_sixteen_bits",
        "test_a_processor_without_units_is_told_of",
    ),
    "`DistributedDataParallel`": ("loops.test_wrappers", "test_two_processes_are_two_micro_batches"),
    "FSDP, DTensor": (HERE, "test_sharded_models_and_static_graphs_are_refused"),
    "`torch.compile`": ("loops.test_wrappers", "test_compiled_segments_keep_the_shared_prefix"),
    "gradient checkpointing": ("loops.test_closures", "test_checkpointing_that_is_not_reentrant_changes_nothing"),
    "gradient accumulation": (HERE, "test_one_large_batch_in_parts"),
    "weight averaging (EMA), schedulers": (HERE, "test_moving_average_of_the_weights_and_a_schedule"),
    "several optimizers": ("test_trainable", "test_several_optimizers_are_one_step"),
    "LBFGS and others that re-evaluate the loss": ("loops.test_closures", "test_refused_at_construction"),
    "sparse gradients": ("loops.test_closures", "test_sparse_gradients"),
    "Hugging Face models": (HERE, "test_hugging_face_outputs_and_named_inputs"),
    "Lightning": (HERE, "test_lightning_with_manual_optimization"),
    "your own normalization layers": (
        "loops.test_own_layers",
        "test_norm_layers_by_hand_are_told_of_and_can_be_named",
    ),
}
"""Row of the page's table → the test that runs it."""


def test_every_row_is_run() -> None:
    page = (ROOT / "docs" / "sharpness-aware.md").read_text(encoding="utf-8")
    table = page.partition("## Compatibility")[2].partition("\n\nSupport")[0]
    assert [line.split("|")[1].strip() for line in table.splitlines() if line.startswith("| ")][1:] == list(ROWS)
    for module, name in ROWS.values():
        assert callable(getattr(importlib.import_module(f"tests.sam.{module}"), name))


def cross_entropy(outputs: Any, targets: Tensor) -> Tensor:
    """Of the logits in an output."""
    return functional.cross_entropy(outputs.logits, targets)


@dataclasses.dataclass
class ModelOutput(OrderedDict):  # type: ignore[type-arg]
    """In the shape of Hugging Face's: a dataclass that is a mapping, too; that library is no dependency."""

    logits: Tensor
    loss: Tensor | None = None

    def __post_init__(self) -> None:
        for each in dataclasses.fields(self):
            if getattr(self, each.name) is not None:
                super().__setitem__(each.name, getattr(self, each.name))

    def __setitem__(self, key: str, value: Any) -> None:
        super().__setitem__(key, value)
        super().__setattr__(key, value)


class Wrapped(nn.Module):
    """A network that takes named arguments and returns such an output."""

    def __init__(self) -> None:
        super().__init__()
        self.net = network("groupnorm")

    def forward(self, pixel_values: Tensor, labels: Tensor | None = None) -> ModelOutput:
        """(n, 3, h, w) → logits, and the loss where there are labels."""
        logits = self.net(pixel_values)
        return ModelOutput(logits, None if labels is None else functional.cross_entropy(logits, labels))


@pytest.mark.parametrize("variant", ["sam", "esam"])
@pytest.mark.parametrize("m", [None, 4])
def test_hugging_face_outputs_and_named_inputs(variant: str, m: int | None) -> None:
    wrapped, plain, (x, y) = Wrapped(), network("groupnorm"), batch()
    one = SharpnessAware(wrapped, sgd(wrapped), variant, "all", 0.1, m=m)
    other = SharpnessAware(plain, sgd(plain), variant, "all", 0.1, m=m)
    for _ in range(2):
        one.step_batch({"pixel_values": x}, y, cross_entropy)
        other.step_batch(x, y, functional.cross_entropy)
    assert distance(wrapped.net, plain) < 1e-12


def test_losses_of_single_samples_take_no_loop() -> None:
    """The loss function is called as often for many samples as for few."""
    called = []

    def counted(outputs: Tensor, targets: Tensor) -> Tensor:
        called.append(None)
        return functional.cross_entropy(outputs, targets)

    counts = []
    for size in (2, 16):
        model = network("groupnorm")
        called.clear()
        SharpnessAware(model, sgd(model), "esam", "all", 0.1).step_batch(*batch(size), counted)
        counts.append(len(called))
    assert counts[0] == counts[1] > 0


def test_hugging_face_closure() -> None:
    wrapped, plain, (x, y) = Wrapped(), network("groupnorm"), batch()
    SharpnessAware(wrapped, sgd(wrapped), rho=0.1).step(lambda: wrapped(pixel_values=x, labels=y))
    SharpnessAware(plain, sgd(plain), rho=0.1).step(lambda: functional.cross_entropy(plain(x), y))
    assert distance(wrapped.net, plain) < 1e-12


def test_lightning_with_manual_optimization() -> None:
    # The shape of its training_step with automatic_optimization = False; that library is no dependency.
    model = network("groupnorm")

    class Module:
        automatic_optimization = False

        def configure(self) -> None:
            self.method = SharpnessAware(model, sgd(model), "sam", "only_norm", 0.1)

        def training_step(self, samples: tuple[Tensor, Tensor]) -> Tensor:
            inputs, targets = samples
            return self.method.step(lambda: functional.cross_entropy(model(inputs), targets))

    module, plain = Module(), network("groupnorm")
    module.configure()
    method = SharpnessAware(plain, sgd(plain), "sam", "only_norm", 0.1)
    for seed in range(3):
        loss = module.training_step(batch(seed=seed))
        assert (loss.dim(), loss.requires_grad) == (0, False), "what training_step returns is logged, not trained on"
        method.step_batch(*batch(seed=seed), functional.cross_entropy)
    assert distance(model, plain) < 1e-12


def test_inputs_that_cannot_be_cut() -> None:
    model, (x, y) = network("groupnorm"), batch()
    method = SharpnessAware(model, sgd(model), m=4)
    with pytest.raises(ValueError, match=r"first dimension of every tensor.*\(8, 3, 8, 8\), \(7,\)"):
        method.step_batch(x, y[:7], functional.cross_entropy)


def test_one_large_batch_in_parts() -> None:
    """One ε of the whole batch, however the closure runs it; with `m` each part has its own."""
    models = [network("groupnorm") for _ in range(3)]
    sizes = (None, None, 4)
    methods = [SharpnessAware(each, sgd(each), rho=0.1, m=m) for each, m in zip(models, sizes, strict=True)]
    parts, whole, micro = methods
    x, y = batch()
    halves = [(x[:4], y[:4]), (x[4:], y[4:])]
    parts.step(lambda: torch.stack([functional.cross_entropy(models[0](a), b) for a, b in halves]).mean())
    whole.step_batch(x, y, functional.cross_entropy)
    micro.step_batch(x, y, functional.cross_entropy)
    assert distance(models[0], models[1]) < 1e-12
    assert distance(models[2], models[1]) > 1e-6


def test_moving_average_of_the_weights_and_a_schedule() -> None:
    model = network("groupnorm")
    optimizer = sgd(model)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.5)
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.5))
    method = SharpnessAware(model, optimizer, "gsam", "all", 0.1)
    weights, radii = [], []
    for seed in range(3):
        method.step_batch(*batch(seed=seed), functional.cross_entropy)
        average.update_parameters(model)
        schedule.step()
        weights.append(model.head.weight.detach().clone())
        assert method.last is not None
        radii.append(float(method.last.perturbation_norm or 0))
    # Of the weights after each step, never of perturbed ones; and ρ of GSAM follows the schedule.
    assert torch.allclose(average.module.head.weight, weights[0] / 4 + weights[1] / 4 + weights[2] / 2, atol=1e-12)
    assert radii == pytest.approx([0.1, 0.05, 0.025])


def in_part(model: Any, mesh: DeviceMesh) -> nn.Module:
    """One tensor of all, as tensor parallelism shards it."""
    model.head.weight = nn.Parameter(torch.distributed.tensor.distribute_tensor(model.head.weight.detach(), mesh))
    return model


def as_first_fsdp(model: nn.Module, mesh: DeviceMesh) -> nn.Module:
    """By the wrapper that came before `fully_shard`."""
    return FullyShardedDataParallel(model, device_id=torch.device("cpu"))


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning", "ignore::DeprecationWarning")
def test_sharded_models_and_static_graphs_are_refused(tmp_path: Path) -> None:
    with process_group(0, 1, str(tmp_path / "group")):
        static = DistributedDataParallel(network("groupnorm"), static_graph=True)
        with pytest.raises(ValueError, match="leave static_graph out"):
            SharpnessAware(static, sgd(static))
        mesh = torch.distributed.init_device_mesh("cpu", (1,))
        for sharded in (in_part, lambda model, mesh: fully_shard(model, mesh=mesh), as_first_fsdp):
            model = network("groupnorm")
            model = sharded(model, mesh)
            with pytest.raises(ValueError, match=r"sharded \(FSDP or DTensor\).*use DistributedDataParallel"):
                SharpnessAware(model, sgd(model))


@pytest.mark.parametrize(("rate", "radius"), [(0.0, 0.1), (0.2, 0.4), (0.05, 0.1), (0.075, 0.25)])
def test_gsam_radius_stays_in_its_range(rate: float, radius: float) -> None:
    model = network("groupnorm")
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    method = SharpnessAware(model, optimizer, "gsam", "all", 0.4, settings={"rho_min": 0.1, "lr_min": 0.05})
    optimizer.param_groups[0]["lr"] = rate
    method.step_batch(*batch(), functional.cross_entropy)
    assert method.last is not None
    assert float(method.last.perturbation_norm or 0) == pytest.approx(radius)
    assert method.counts.clamped == (rate in (0.0, 0.2))
