"""What a closure may do and return, and what the step refuses when it is built or called."""

from __future__ import annotations

import dataclasses
import random
from typing import Any

import numpy
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from bench.sam import SharpnessAware
from tests.sam.references.networks import GroupNormNet, batch, distance, network, sgd


def method_of(model: nn.Module, **options: Any) -> SharpnessAware:
    return SharpnessAware(model, sgd(model), **({"scope": "all", "rho": 0.1} | options))


@dataclasses.dataclass
class Output:
    """As Hugging Face's models return it."""

    loss: Tensor | None = None
    logits: Tensor | None = None


RETURNS = [
    lambda loss, outputs: (loss, outputs),
    lambda loss, outputs: {"loss": loss, "logits": outputs},
    lambda loss, outputs: Output(loss=loss, logits=outputs),
    lambda loss, outputs: loss.reshape(1),
]


@pytest.mark.parametrize("returned", RETURNS)
def test_the_loss_is_found_in_what_the_closure_returns(returned: Any) -> None:
    one, other, (x, y) = network("groupnorm"), network("groupnorm"), batch()
    loss = method_of(one).step(lambda: returned(functional.cross_entropy(one(x), y), one(x)))
    assert loss.dim() == 0
    method_of(other).step(lambda: functional.cross_entropy(other(x), y))
    assert distance(one, other) < 1e-15


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (lambda loss: None, "the closure returned NoneType: return the mean loss"),
        (lambda loss: {"logits": loss}, "the closure returned dict"),
        (lambda loss: loss * torch.ones(3), r"the closure returned a tensor of shape \(3,\), not the mean loss"),
        (lambda loss: loss.item(), "the closure returned float"),
    ],
)
def test_anything_else_is_refused(returned: Any, message: str) -> None:
    model, (x, y) = network("groupnorm"), batch()
    with pytest.raises(ValueError, match=message):
        method_of(model).step(lambda: returned(functional.cross_entropy(model(x), y)))


@pytest.mark.parametrize("enabled", [True, False])
def test_a_closure_that_goes_backward(enabled: bool) -> None:
    model, (x, y) = network("groupnorm"), batch()
    method, before = method_of(model), [p.detach().clone() for p in model.parameters()]
    method.enabled = enabled

    def closure() -> Tensor:
        loss = functional.cross_entropy(model(x), y)
        loss.backward()
        return loss

    with pytest.raises(ValueError, match="the closure must not call backward"):
        method.step(closure)
    assert all(torch.equal(p, old) for p, old in zip(model.parameters(), before, strict=True))
    assert all(p.requires_grad for p in model.parameters())


def test_gradients_of_others_are_an_error_unless_they_are_wanted() -> None:
    model, plain, (x, y) = network("groupnorm"), network("groupnorm"), batch()
    method = method_of(model, rho=1e-9)
    method.step(lambda: functional.cross_entropy(model(x), y))
    functional.cross_entropy(model(x), y).backward()
    with pytest.raises(ValueError, match=r"has a gradient before the step.*accumulate=True"):
        method.step(lambda: functional.cross_entropy(model(x), y))
    model.zero_grad()
    again = method_of(plain, rho=1e-9)
    again.step(lambda: functional.cross_entropy(plain(x), y))
    for one, accumulated in ((model, method), (plain, again)):
        if one is model:
            (functional.cross_entropy(one(x), y) / 2).backward()
            accumulated.step(lambda: functional.cross_entropy(model(x), y) / 2, accumulate=True)
        else:
            accumulated.step(lambda: functional.cross_entropy(plain(x), y))
    assert distance(model, plain) < 1e-6
    # What the step itself left is dropped, not refused, and nor is nothing.
    method.step(lambda: functional.cross_entropy(model(x), y))
    method.optimizer.zero_grad()
    method.step(lambda: functional.cross_entropy(model(x), y))


def test_numpy_and_random_draw_the_same_in_both_passes() -> None:
    model, drawn = network("groupnorm"), []

    def closure() -> Tensor:
        drawn.append((random.random(), float(numpy.random.beta(0.2, 0.2))))
        return functional.cross_entropy(model(batch()[0]), batch()[1])

    method = method_of(model)
    for _ in range(2):
        method.step(closure)
    assert drawn[0] == drawn[1]
    assert drawn[2] == drawn[3] != drawn[1]


class Checkpointed(nn.Module):
    """A network whose middle is computed again in the backward pass."""

    def __init__(self, *, reentrant: bool) -> None:
        super().__init__()
        self.first, self.norm, self.last = nn.Linear(192, 8), nn.LayerNorm(8), nn.Linear(8, 10)
        self.reentrant = reentrant

    def forward(self, x: Tensor) -> Tensor:
        """(n, 3, 8, 8) → (n, 10)."""
        hidden: Any = checkpoint(self.norm, self.first(x.flatten(1)), use_reentrant=self.reentrant)
        return self.last(hidden)


@pytest.mark.filterwarnings("ignore:None of the inputs have requires_grad")
@pytest.mark.parametrize("scope", ["all", "only_norm", ["norm.weight", "last.bias"]])
def test_a_plain_step_in_place_of_a_perturbed_one_is_an_error(scope: Any) -> None:
    model, (x, y) = Checkpointed(reentrant=True).double(), batch()
    before = [p.detach().clone() for p in model.parameters()]
    with pytest.raises(RuntimeError, match="use_reentrant=False"):
        method_of(model, scope=scope).step_batch(x, y, functional.cross_entropy)
    assert all(torch.equal(p, old) for p, old in zip(model.parameters(), before, strict=True))


@pytest.mark.parametrize("scope", ["all", "only_norm"])
def test_checkpointing_that_is_not_reentrant_changes_nothing(scope: str) -> None:
    torch.manual_seed(0)
    model, plain, (x, y) = Checkpointed(reentrant=False).double(), Checkpointed(reentrant=False).double(), batch()
    plain.load_state_dict(model.state_dict())
    vars(plain)["forward"] = lambda x: plain.last(plain.norm(plain.first(x.flatten(1))))
    for each in (model, plain):
        method_of(each, scope=scope).step_batch(x, y, functional.cross_entropy)
    assert distance(model, plain) < 1e-12


class HalfHidden(torch.autograd.Function):
    """Identity that goes backward through a layer by itself, as only pass 2 lets it."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, layer: nn.Module) -> Tensor:
        """The layer's output."""
        ctx.layer = layer
        ctx.save_for_backward(x)
        with torch.no_grad():
            return layer(x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, None]:
        """Into the layer's `.grad`."""
        (x,) = ctx.saved_tensors
        with torch.enable_grad():
            inner = x.detach().requires_grad_()
            torch.autograd.backward(ctx.layer(inner), gradient)
        return inner.grad, None


def test_a_tensor_that_pass_1_cannot_see_is_an_error() -> None:
    torch.manual_seed(0)
    model, (x, y) = Checkpointed(reentrant=False).double(), batch()
    vars(model)["forward"] = lambda x: model.last(HalfHidden.apply(model.first(x.flatten(1)), model.norm))
    with pytest.raises((RuntimeError, ValueError), match="wasn't perturbed"):
        method_of(model, scope="only_norm").step_batch(x, y, functional.cross_entropy)


class Embedded(nn.Module):
    """Sparse gradients."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(10, 4, sparse=True)
        self.head = nn.Linear(4, 10)

    def forward(self, x: Tensor) -> Tensor:
        """(n,) → (n, 10)."""
        return self.head(self.embedding(x))


def test_sparse_gradients() -> None:
    torch.manual_seed(0)
    model, y = Embedded().double(), torch.tensor([1, 2, 2])
    dense = Embedded().double()
    dense.load_state_dict(model.state_dict())
    dense.embedding.sparse = False
    for each in (model, dense):
        method = SharpnessAware(each, torch.optim.SGD(each.parameters(), lr=0.1), "sam", "all", 0.1)
        for _ in range(2):
            method.step_batch(y, y, functional.cross_entropy)
        assert method.counts.unperturbed == 0
    assert distance(model, dense) < 1e-12
    with pytest.raises(ValueError, match="embedding gives sparse gradients, which fisher on this scope can't use"):
        method_of(model, variant="fisher")


REFUSED: list[tuple[Any, Any, str]] = [
    (GroupNormNet, sgd, "model = the class GroupNormNet: give the network itself"),
    (network, lambda model: torch.optim.SGD, "optimizer = the class SGD: give an instance"),
    (network, lambda model: torch.optim.LBFGS(model.parameters()), "LBFGS evaluates the loss itself"),
    (network, lambda model: [], "no optimizer"),
    (network, lambda model: sgd(GroupNormNet()), "the optimizer holds none of the trainable parameters|no trainable"),
    (network, lambda model: "sgd", "optimizer = a str"),
]


@pytest.mark.parametrize(("model", "optimizer", "message"), REFUSED)
def test_refused_at_construction(model: Any, optimizer: Any, message: str) -> None:
    built = model("groupnorm") if model is network else model
    chosen = optimizer(built) if model is network else sgd(network("groupnorm"))
    with pytest.raises(ValueError, match=message):
        SharpnessAware(built, chosen)
