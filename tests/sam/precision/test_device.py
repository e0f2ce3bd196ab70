"""A step never waits for the device: on one without values any reading would be an error.

Meta tensors have shapes only: `.item()` raises, and an operator that mixes devices is seen as it is dispatched.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from unittest.mock import patch

import pytest
import torch
from torch import Tensor, nn
from torch.amp.grad_scaler import GradScaler
from torch.nn import functional
from torch.optim import Optimizer
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from bench.optim import standard
from bench.optim.registry import OPTIMIZERS
from bench.sam import SCOPES, VARIANTS, SharpnessAware
from bench.sam.base.optimizer_update import update_of
from bench.sam.base.unperturbed import Plain
from tests.sam.references.networks import REQUIRED, base_of, batch, network, states_equal, vit

READ = "aten::_local_scalar_dense"
WAITING = {name for name, entry in VARIANTS.items() if entry.load().selects_samples or entry.load().decides}
"""Variants that declare that they wait for the device."""


class Watch(TorchDispatchMode):
    """Counts readings, and refuses operators whose tensors are on several devices."""

    def __init__(self) -> None:
        super().__init__()
        self.readings = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Look at one operator."""
        self.readings += func._schema.name == READ
        tensors = [leaf for leaf in tree_leaves((args, kwargs or {})) if isinstance(leaf, Tensor)]
        devices = {tensor.device for tensor in tensors}
        assert len(devices) < 2, f"{func} on {devices}"
        return func(*args, **(kwargs or {}))


@contextmanager
def fused_on_meta() -> Iterator[None]:
    """Let fused optimizers, which skip on the device, be made for meta tensors."""
    devices = ["cpu", "cuda", "meta"]
    with patch("torch.optim.optimizer._get_fused_kernels_supported_devices", return_value=devices):
        yield


def own(name: str) -> Callable[[nn.Module], Optimizer]:
    """A base optimizer of ours, as trials train with it."""
    entry = OPTIMIZERS[name]
    settings = {key: setting.default for key, setting in entry.settings.items()}
    return lambda model: entry.load()([{"params": list(model.parameters())}], lr=0.05, **settings)


def matrices(model: nn.Module) -> Optimizer:
    """torch's Muon, for matrices only; the rest stays as it is."""
    return torch.optim.Muon([p for p in model.parameters() if p.dim() == 2], lr=0.01)


def fused(model: nn.Module) -> Optimizer:
    """Our SGD in one fused call."""
    return standard.sgd([{"params": list(model.parameters())}], lr=0.05, momentum=0.9, nesterov=False, fused=True)


BASES = {**{name: own(name) for name in ("sgd", "adamw", "lion", "muon")}, "torch's muon": matrices}
WITH_VALUES = {**BASES, "fused sgd": fused}
"""And what has no kernel for tensors without values."""
USUAL = "float32"
PRECISIONS: dict[str, dict[str, Any]] = {
    USUAL: {},
    "bfloat16": {"dtype": torch.bfloat16},
    "float16 with a scaler": {"scaler": True},
    "micro-batches": {"m": 4},
    "clipped": {"max_grad_norm": 1.0},
}
PLACES = [*SCOPES, "only_norm[2]", ["head.weight", "blocks.0.mlp.fc1.weight"]]
STEPS = [
    (variant, scope, base, options)
    for variant in VARIANTS
    for scope in PLACES
    for base in BASES
    for options in PRECISIONS
    # Neither knows of the other.
    if (base == "sgd" or options == USUAL)
    and variant not in WAITING
    # Muon holds matrices alone, so no norm layer, and its momentum is Nesterov's.
    and not (base == "torch's muon" and scope in ("only_norm", "only_norm[2]"))
    and not (base.endswith("muon") and variant == "msam")
    and (variant != "bsam" or base == "sgd")
]


def build_on(device: str, base: str, variant: str, scope: Any, options: dict[str, Any]) -> SharpnessAware:
    """A method on a transformer of two blocks: each more takes as long, and asks for nothing else."""
    options = dict(options)
    model = vit(depth=2).to(device, options.pop("dtype", torch.float32))
    scaler = GradScaler("cpu") if options.pop("scaler", False) else None
    settings = ({"sparsity": 0.5} if scope == "random" else {}) | REQUIRED.get(variant, {})
    made = WITH_VALUES[base] if variant != "bsam" else partial(base_of, variant, base)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "the perturbed weights are bfloat16")
        return SharpnessAware(model, made(model), variant, scope, 0.1, settings=settings, scaler=scaler, **options)


def test_few_wait() -> None:
    assert sorted(WAITING) == ["ae_sam", "esam"]


@pytest.mark.share(16)
@pytest.mark.parametrize(
    ("variant", "scope", "base", "options"), STEPS, ids=lambda value: value if isinstance(value, str) else "names"
)
def test_a_step_reads_nothing(variant: str, scope: Any, base: str, options: str) -> None:
    with fused_on_meta():
        method = build_on("meta", base, variant, scope, PRECISIONS[options])
        dtype = PRECISIONS[options].get("dtype", torch.float32)
        inputs = torch.empty(8, 3, 8, 8, dtype=dtype, device="meta")
        targets = torch.empty(8, dtype=torch.long, device="meta")
        with Watch() as watch:
            # Twice, since some look along what an earlier step has left; LookSAM then asks once if anything is there.
            for _ in range(1 if variant == "looksam" else 2):
                method.step_batch(inputs, targets, functional.cross_entropy)
    assert watch.readings == 0
    assert method.last is not None
    assert method.last.gradient_norm.device.type == "meta"


ON_A_PROCESSOR = [
    (variant, base)
    for variant, scope, base, options in STEPS
    if scope == "only_norm" and options == USUAL and base in ("sgd", "adamw", "lion", "muon")
] + [("sam", "fused sgd")]


@pytest.mark.share(8)
@pytest.mark.parametrize(("variant", "base"), ON_A_PROCESSOR)
def test_on_a_processor_norms_of_the_gradient_are_read(variant: str, base: str) -> None:
    method = build_on("cpu", base, variant, "only_norm", {"m": 4})
    x, y = batch(dtype=torch.float32)
    for number in range(4):
        with Watch() as watch:
            method.step_batch(x, y, functional.cross_entropy)
        # They are at hand here, and tell whether to update. LookSAM asks once more, if it has something to remember.
        assert method.last is not None
        assert watch.readings == len(method.last.gradient_norms) + (variant == "looksam" and number == 1)
    assert method.counts.steps == 4


@pytest.mark.parametrize("base", BASES)
def test_nor_the_plain_step(base: str) -> None:
    with fused_on_meta():
        model = vit(depth=2).to("meta")
        method = Plain(model, BASES[base](model), m=4)
        x, y = (tensor.to("meta") for tensor in batch(dtype=torch.float32))
        with Watch() as watch:
            method.step_batch(x, y, functional.cross_entropy)
    assert watch.readings == 0


@pytest.mark.parametrize("base", WITH_VALUES)
@pytest.mark.parametrize("bad", [(0,), (2,), (0, 1, 3)])
def test_an_update_undone_on_the_device_is_one_not_made(base: str, bad: tuple[int, ...]) -> None:
    one, other = network("vit", torch.float32), network("vit", torch.float32)
    guarded, asked = WITH_VALUES[base](one), WITH_VALUES[base](other)
    update = update_of(guarded)
    for number in range(5):
        finite = number not in bad
        for model in (one, other):
            torch.manual_seed(number)
            for parameter in model.parameters():
                parameter.grad = torch.randn_like(parameter) * (1 if finite else torch.inf)
        update(torch.tensor(finite))
        if finite:
            asked.step()
    assert states_equal(one, other)
    for a, b in zip(one.parameters(), other.parameters(), strict=True):
        for key, value in asked.state.get(b, {}).items():
            assert torch.equal(guarded.state[a][key], value), key


def test_optimizers_of_which_nothing_is_known_are_asked_for() -> None:
    model = network("groupnorm", torch.float32)
    method = SharpnessAware(model, torch.optim.Rprop(model.parameters(), lr=0.01), "sam", "all", 0.1)
    x, y = batch(dtype=torch.float32)
    with Watch() as watch:
        method.step_batch(x, y, functional.cross_entropy)
    assert watch.readings > 0
    before = {name: p.clone() for name, p in model.state_dict().items()}
    method.step_batch(x * torch.inf, y, functional.cross_entropy)
    assert all(torch.equal(p, before[name]) for name, p in model.state_dict().items())
    assert method.counts.skipped == 1
