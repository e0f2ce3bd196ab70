"""Histograms of the weights at the end of training, by kind of layer (Müller et al. 2023, Figures 5 and 9).

γ and β are those of normalization layers by their type; weights and biases of convolutions, and of linear layers, are
counted together. Nothing is trained or run: the stored weights are all that is looked at.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bench.measures.bins import Histogram, edges
from bench.measures.trained import TrainedModel
from bench.sam.norms import norm_parameters

_MODULES: dict[str, type[nn.Module]] = {"conv": nn.modules.conv._ConvNd, "linear": nn.Linear}
_ENDINGS = {"gamma": "weight", "beta": "bias"}


@torch.no_grad()
def histogram(trained: TrainedModel, *, layer: str, scale: str) -> Histogram:
    """Of w, or on the logarithmic scale of |w|. ValueError for a model that has no such layer."""
    entries = [tensor.detach().double().flatten() for tensor in _of_layers(trained.model, layer)]
    if not entries:
        raise ValueError(f"{type(trained.model).__name__} has no {layer} parameters")
    values = torch.cat(entries)
    values = values.abs() if scale == "log" else values
    bounds = torch.tensor(edges(scale), dtype=values.dtype, device=values.device)
    places = torch.bucketize(values, bounds, right=True)
    counts = torch.bincount(places, minlength=len(bounds) + 1).tolist()
    return Histogram(float(values.mean()), tuple(counts))


def _of_layers(model: nn.Module, layer: str) -> list[Tensor]:
    if layer in _ENDINGS:
        own = norm_parameters(model).items()
        return [tensor for name, tensor in own if name.rpartition(".")[2] == _ENDINGS[layer]]
    wanted = _MODULES[layer]
    modules = (module for module in model.modules() if isinstance(module, wanted))
    return [tensor for module in modules for tensor in module.parameters(recurse=False)]
