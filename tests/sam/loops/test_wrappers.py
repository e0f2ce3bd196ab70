"""Networks inside the wrappers of torch.compile and DistributedDataParallel."""

from __future__ import annotations

import multiprocessing
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.nn.parallel import DistributedDataParallel

import bench.distributed
from bench.sam import SCOPES, VARIANTS, SharpnessAware
from bench.sam.passes.running_stats import moving_statistics, tracking_layers
from tests.sam.references.networks import REQUIRED, base_of, batch, distance, network, process_group, sgd
from tests.shared.timing import patience


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
def test_compiled() -> None:
    compiled, plain = network("resnet8"), network("resnet8")
    wrapped = torch.compile(compiled, backend="aot_eager")
    for model in (wrapped, plain):
        method = SharpnessAware(model, sgd(model), "sam", "only_norm[3]", 0.1)
        for number in range(2):
            method.step_batch(*batch(seed=number), functional.cross_entropy)
    assert distance(compiled, plain) < 1e-9
    torch.compiler.reset()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
def test_compiled_segments_keep_the_shared_prefix() -> None:
    compiled, plain, calls = network("resnet8"), network("resnet8"), []
    for block in (*compiled.stage1, *compiled.stage3):
        block.compile(backend="aot_eager")
    compiled.stem.register_forward_hook(lambda *_: calls.append(None))
    for model in (compiled, plain):
        method = SharpnessAware(model, sgd(model), "sam", "only_norm[3]", 0.1)
        for number in range(2):
            method.step_batch(*batch(seed=number), functional.cross_entropy)
    assert distance(compiled, plain) < 1e-9
    assert len(calls) == 3, "once per step, and once to find the first perturbed segment"
    torch.compiler.reset()


def train_parallel(model: nn.Module, variant: str, scope: str, rank: int, size: int) -> SharpnessAware:
    """Two steps on this rank's share of the batch."""
    wrapped = DistributedDataParallel(model)
    wrapped.broadcast_buffers = False
    base, settings = base_of(variant, "sgd", wrapped), settings_of(variant, scope)
    method = SharpnessAware(wrapped, base, variant, scope, 0.1, settings=settings)
    method.start_epoch(0, 2, batch(4), steps=2)
    for number in range(2):
        x, y = batch(8, seed=number)
        share = slice(rank * 8 // size, (rank + 1) * 8 // size)
        method.step_batch(x[share], y[share], functional.cross_entropy)
    return method


SETTINGS: dict[str, dict[str, Any]] = {
    "looksam": {"every": 2},
    "gsam": {"alpha": 0.5},
    "esam": {"tensor_share": 1.0},
    # The first step is the base optimizer's, the second SAM's.
    "ae_sam": {"threshold_start": 4.0},
    **REQUIRED,
}


@pytest.mark.parametrize("scope", ["all", "only_norm", "only_norm[3]"])
def test_one_process(tmp_path: Path, scope: str) -> None:
    parallel, plain = network("resnet8"), network("resnet8")
    with process_group(0, 1, str(tmp_path / "group")):
        train_parallel(parallel, "sam", scope, 0, 1)
    method = SharpnessAware(plain, sgd(plain), "sam", scope, 0.1)
    for number in range(2):
        method.step_batch(*batch(8, seed=number), functional.cross_entropy)
    assert distance(parallel, plain) < 1e-12


def test_processes_talk_once_a_step(tmp_path: Path) -> None:
    model, calls = network("vit"), []

    def count(state, bucket):  # DDP refuses annotations that are strings
        calls.append(None)
        done: torch.futures.Future[torch.Tensor] = torch.futures.Future()
        done.set_result(bucket.buffer())
        return done

    with process_group(0, 1, str(tmp_path / "group")):
        wrapped = DistributedDataParallel(model, bucket_cap_mb=100)
        wrapped.register_comm_hook(None, count)
        method = SharpnessAware(wrapped, sgd(wrapped), "sam", "only_norm", 0.1, m=2)
        method.step_batch(*batch(8), functional.cross_entropy)
        # From the second step on: DDP forms its final buckets in the first.
        calls.clear()
        method.step_batch(*batch(8), functional.cross_entropy)
    assert len(calls) == 1


METHODS = [
    *(("resnet8", variant, scope) for variant in VARIANTS for scope in SCOPES),
    *(("vit", variant, "all") for variant in VARIANTS),
    ("vit", "layerwise_l2", "only_norm[2]"),
    ("resnet8", "sam", "only_norm[3]"),
]


def settings_of(variant: str, scope: str) -> dict[str, Any]:
    return SETTINGS.get(variant, {}) | ({"fisher_samples": 4} if scope == "ssam_f" else {})


def rank_main(rank: int, folder: str, methods: list[tuple[str, str, str]]) -> None:
    torch.set_num_threads(1)
    with process_group(rank, 2, f"{folder}/group"):
        for place, (net, variant, scope) in enumerate(methods):
            model = network(net)
            train_parallel(model, variant, scope, rank, 2)
            tensors = [value for layer in tracking_layers(model) for value in moving_statistics(layer)]
            bench.distributed.average(tensors)
            torch.save(model.state_dict(), f"{folder}/{place}-{rank}.pt")


@pytest.mark.slow
def test_two_processes_are_two_micro_batches(some: Callable[..., list[tuple[str, str, str]]]) -> None:
    """For every variant and scope, running statistics included."""
    methods = some(METHODS, 6)
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        # This process is the first.
        other = context.Process(target=rank_main, args=(1, folder, methods))
        other.start()
        rank_main(0, folder, methods)
        other.join(patience())
        assert other.exitcode == 0
        for place, (net, variant, scope) in enumerate(methods):
            plain = network(net)
            settings = settings_of(variant, scope)
            base = base_of(variant, "sgd", plain)
            method = SharpnessAware(plain, base, variant, scope, 0.1, m=4, settings=settings)
            method.start_epoch(0, 2, batch(4), steps=2)
            for number in range(2):
                method.step_batch(*batch(8, seed=number), functional.cross_entropy)
            for rank in range(2):
                parallel = torch.load(f"{folder}/{place}-{rank}.pt")
                for name, value in plain.state_dict().items():
                    assert torch.allclose(parallel[name], value, rtol=0, atol=1e-9), (net, variant, scope, name)
