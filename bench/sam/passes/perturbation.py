"""ε of one micro-batch: what the variant makes of a gradient, where the scope lets it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bench.sam.displacement import in_full_precision
from bench.sam.report import Ascent
from bench.sam.scopes.scope import Scope
from bench.sam.variants.variant import Variant, joint_norm


@torch.no_grad()
def perturbation_of(
    variant: Variant, scope: Scope, tensors: dict[str, nn.Parameter], gradients: dict[str, Tensor], rho: float
) -> tuple[list[Tensor], Ascent]:
    """ε per tensor, of which there is at least one; zero where the gradient norm is zero or not finite."""
    names, weights = list(tensors), in_full_precision([tensor.detach() for tensor in tensors.values()])
    chosen = scope.restrict_gradient(names, in_full_precision([gradients[name] for name in names]))
    direction, norm = variant.direction(names, weights, chosen)
    good = norm.isfinite().logical_and(norm > 0)
    floor = variant.floor if scope.floor is None else scope.floor
    # In double precision, as the host would compute it.
    size = variant.step_size(rho, norm.double(), floor)
    perturbation = [_where(good, epsilon) for epsilon in _times(direction, size)]
    perturbation = scope.restrict_perturbation(names, perturbation)
    variant.moved(names, perturbation)
    return perturbation, Ascent(norm=norm, good=good, perturbation_norm=joint_norm(perturbation))


def no_perturbation(device: torch.device) -> Ascent:
    """Of a micro-batch that no perturbed tensor has a gradient in."""
    nothing = torch.zeros((), device=device)
    return Ascent(norm=nothing, good=nothing.bool(), perturbation_norm=nothing)


def _times(direction: list[Tensor], size: Tensor | float) -> list[Tensor]:
    if not isinstance(size, Tensor):
        return list(torch._foreach_mul(direction, size))
    if len({tensor.dtype for tensor in direction}) == 1:
        return list(torch._foreach_mul(direction, size.to(direction[0].dtype)))
    return [tensor * size.to(tensor.dtype) for tensor in direction]


def _where(good: Tensor, epsilon: Tensor) -> Tensor:
    """ε, or zero. Not as a product, since zero times NaN isn't zero."""
    if not epsilon.is_sparse:
        return torch.where(good, epsilon, 0)
    whole = epsilon.coalesce()
    values = torch.where(good, whole.values(), 0)
    return torch.sparse_coo_tensor(whole.indices(), values, whole.shape, is_coalesced=True, check_invariants=False)
