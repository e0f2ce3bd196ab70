"""Norm layers, and the axes that are about them: what is trained, what decays, what is dropped."""

from __future__ import annotations

import subprocess
import sys

import pytest
import timm.layers
import torch
import torchvision
from timm.layers.grn import GlobalResponseNorm
from torch import nn
from torch.nn import functional

from bench import models
from bench.sam import SharpnessAware
from bench.sam.norms import is_norm, norm_parameters
from bench.train.norm_dropout import DROPS, add_norm_dropout
from bench.train.subsets import DECAYS, TRAINABLE, parameter_groups, set_trainable
from tests.sam.references.networks import batch, network, sgd

LAYERS = [
    nn.BatchNorm1d(4),
    nn.BatchNorm2d(4),
    nn.BatchNorm3d(4),
    nn.SyncBatchNorm(4),
    nn.LayerNorm(4),
    nn.GroupNorm(2, 4),
    nn.RMSNorm(4),
    nn.InstanceNorm1d(4, affine=True),
    nn.InstanceNorm2d(4, affine=True),
    torchvision.models.convnext.LayerNorm2d(4),
    timm.layers.BatchNormAct2d(4),
    timm.layers.GroupNormAct(4, 2),
    timm.layers.LayerNormAct(4),
    timm.layers.RmsNorm(4),
    timm.layers.RmsNorm2d(4),
    timm.layers.SimpleNorm(4),
    timm.layers.LayerNorm2d(4),
    timm.layers.EvoNorm2dS0(4, groups=2),
    timm.layers.FilterResponseNormAct2d(4),
    GlobalResponseNorm(4),
]
OTHERS = [nn.Linear(4, 4), nn.Conv2d(4, 4, 1), nn.PReLU(4), timm.layers.LayerScale(4), timm.layers.StdConv2d(4, 4, 1)]


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: type(layer).__name__)
def test_norm_layers_by_type(layer: nn.Module) -> None:
    assert is_norm(layer)
    found = norm_parameters(nn.ModuleDict({"x": layer}))
    assert set(found) == {f"x.{name}" for name, _ in layer.named_parameters()}
    assert found


@pytest.mark.parametrize("layer", OTHERS, ids=lambda layer: type(layer).__name__)
def test_other_layers(layer: nn.Module) -> None:
    assert not is_norm(layer)
    assert not norm_parameters(nn.Sequential(layer))


def test_the_activation_of_a_norm_layer_is_none() -> None:
    layer = timm.layers.BatchNormAct2d(4, act_layer=nn.PReLU)
    assert set(norm_parameters(nn.Sequential(layer))) == {"0.weight", "0.bias"}


def test_a_subclass_of_a_norm_layer_is_one() -> None:
    class Own(timm.layers.RmsNorm):
        pass

    assert is_norm(Own(4))


def test_the_name_rule_misses_shortcuts() -> None:
    with torch.device("meta"):
        model = torchvision.models.resnet18()
    missed = set(norm_parameters(model, "type")) - set(norm_parameters(model, "name"))
    places = [f"layer{stage}.0.downsample.1" for stage in (2, 3, 4)]
    assert missed == {f"{place}.{leaf}" for place in places for leaf in ("weight", "bias")}
    # Networks of ours stand for those of the authors, whose ResNet-18 has such shortcuts, and their thin ones have not.
    with torch.device("meta"):
        deep, thin = models.build("resnet18"), models.build("resnet8")
    shortcuts = {name for name in norm_parameters(deep) if "shortcut" in name}
    assert set(norm_parameters(deep, "type")) - set(norm_parameters(deep, "name")) == shortcuts
    assert set(norm_parameters(thin, "type")) == set(norm_parameters(thin, "name"))
    method = SharpnessAware(model, sgd(model), "sam", "only_norm", norm_rule="name")
    assert set(method._scope.tensors) == set(norm_parameters(model, "name"))


@pytest.mark.parametrize(("name", "count"), [("wrn28_10", 17952), ("wrn16_2", None), ("resnet56", 4256)])
def test_counts_of_the_paper(name: str, count: int | None) -> None:
    from bench.models import build
    from bench.sam.stages import parameter_stages

    with torch.device("meta"):
        model = build(name)
    norm = norm_parameters(model)
    if count is not None:
        assert sum(p.numel() for p in norm.values()) == count
    if name == "wrn28_10":
        assert sum(p.numel() for p in model.parameters()) == 36_479_194
        stages = parameter_stages(model)
        per_stage = [sum(p.numel() for n, p in norm.items() if stages[n] == s) for s in (1, 2, 3)]
        assert per_stage == [2272, 4800, 9600 + 1280]


@pytest.mark.slow
def test_norms_import_no_timm() -> None:
    code = "import sys, bench.sam.norms; sys.exit('timm' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("net", ["resnet8", "vit", "groupnorm"])
@pytest.mark.parametrize("trainable", TRAINABLE)
def test_trainable(trainable: str, net: str) -> None:
    model = network(net)
    norm, before = norm_parameters(model), {n: p.detach().clone() for n, p in model.named_parameters()}
    set_trainable(model, trainable)
    wanted = {"all": set(before), "freeze_norm": set(before) - set(norm), "only_norm": set(norm)}[trainable]
    assert {n for n, p in model.named_parameters() if p.requires_grad} == wanted
    method = SharpnessAware(model, sgd(model, 0.1), "sam", "all", 0.1)
    method.step_batch(*batch(), functional.cross_entropy)
    moved = {n for n, p in model.named_parameters() if not torch.equal(p, before[n])}
    if trainable == "freeze_norm":
        assert all(p.eq(1.0 if n.endswith("weight") else 0.0).all() for n, p in norm.items())
    else:
        assert moved == wanted - {"unused"}


@pytest.mark.parametrize("decay", DECAYS)
def test_weight_decay_on(decay: str) -> None:
    model = network("resnet8")
    norm = {id(p) for p in norm_parameters(model).values()}
    groups = parameter_groups(model, 0.1, decay)
    given = [p for group in groups for p in group["params"]]
    assert {id(p) for p in given} == {id(p) for p in model.parameters()}
    assert len(given) == len(list(model.parameters()))
    decayed = {id(p) for group in groups if group["weight_decay"] for p in group["params"]}
    everything = {id(p) for p in model.parameters()}
    assert (
        decayed
        == {
            "all": everything,
            "no_norm": everything - norm,
            "matrices": {id(p) for p in model.parameters() if p.ndim > 1},
            "none": set(),
        }[decay]
    )
    torch.optim.SGD(groups, lr=0.1)


def test_subsets_refuse() -> None:
    plain = nn.Sequential(nn.Linear(2, 2))
    with pytest.raises(ValueError, match="trainable 'some': there are all, freeze_norm, only_norm"):
        set_trainable(plain, "some")
    with pytest.raises(ValueError, match="trainable: only_norm: Sequential has no normalization layer"):
        set_trainable(plain, "only_norm")
    with pytest.raises(ValueError, match="weight_decay_on 'norm': there are all, no_norm, matrices, none"):
        parameter_groups(plain, 0.1, "norm")
    with pytest.raises(ValueError, match=r"norm_dropout = 1\.0: a probability"):
        add_norm_dropout(plain, 1.0)
    with pytest.raises(ValueError, match=r"norm_dropout = 0.5: Sequential has no normalization layer.*: 0"):
        add_norm_dropout(plain, 0.5)


def test_norm_dropout() -> None:
    model = nn.Sequential(nn.Linear(8, 64), nn.LayerNorm(64)).double()
    names = list(dict(model.named_parameters()))
    add_norm_dropout(model, 0.25)
    x = torch.randn(5, 8, dtype=torch.float64)
    torch.manual_seed(0)
    out = model(x)
    out.sum().backward()
    normalised = functional.layer_norm(model[0](x), (64,))
    dropped = (out == 0).all(0)
    assert 4 < int(dropped.sum()) < 30
    assert torch.allclose(out[:, ~dropped], normalised[:, ~dropped] / 0.75)
    assert (model[1].weight.grad[dropped] == 0).all()
    assert list(dict(model.named_parameters())) == names
    assert isinstance(model[1].weight, nn.Parameter)
    model.eval()
    assert torch.allclose(model(x), normalised)


def test_norm_dropout_on_the_output() -> None:
    model = nn.Sequential(nn.Linear(8, 64), nn.LayerNorm(64), nn.ReLU()).double()
    add_norm_dropout(model, 0.25, "output")
    x = torch.randn(500, 8, dtype=torch.float64)
    normalised = functional.relu(functional.layer_norm(model[0](x), (64,)))
    kept = (out := model(x)) > 0
    # Entry by entry, not whole channels as where γ and β are dropped.
    assert torch.allclose(out[kept], normalised[kept] / 0.75)
    assert float(kept.sum() / (normalised > 0).sum()) == pytest.approx(0.75, abs=0.02)
    model.eval()
    assert torch.allclose(model(x), normalised)
    with pytest.raises(ValueError, match="norm_dropout_on 'input': there are parameters, output"):
        add_norm_dropout(model, 0.25, "input")


@pytest.mark.parametrize("on", DROPS)
def test_norm_dropout_is_shared_by_both_passes_and_survives_errors(on: str) -> None:
    model = network("resnet8")
    add_norm_dropout(model, 0.5, on)
    seen = []
    model.stage3[0].bn1.register_forward_hook(lambda module, inputs, out: seen.append(out == 0))
    method = SharpnessAware(model, sgd(model), "sam", "only_norm[3]", 0.1)
    method.step_batch(*batch(), functional.cross_entropy)
    assert torch.equal(seen[-1], seen[-2])
    assert 0 < int(seen[-1].sum()) < seen[-1].numel()
    with pytest.raises(ValueError, match="expected 4D input"):
        model.stage3[0].bn1(torch.ones(3, dtype=torch.float64))
    assert isinstance(model.stage3[0].bn1.weight, nn.Parameter)
