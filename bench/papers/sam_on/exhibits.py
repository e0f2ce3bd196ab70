"""EXHIBITS: what each table, figure and appendix of the paper shows, and the sweeps that reproduce it.

Source: Müller et al. 2023 ("Normalization Layers Are All That Sharpness-Aware Minimization Needs"). Of figures, the
text and the captions say what they show; axes, panels and points are guesses, which the sweeps list.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass


@dataclass(frozen=True)
class View:
    """A sweep, and how its results are shown."""

    sweep: str
    show: str = "board"
    """The command with its options: `board --metric feature_rank`, `plot --kind rho`."""

    @property
    def command(self) -> str:
        """The whole line."""
        verb, _, options = self.show.partition(" ")
        return " ".join(filter(None, ("sambench", verb, self.sweep, options)))


@dataclass(frozen=True)
class Exhibit:
    """One table, figure or appendix."""

    name: str
    shows: str
    """In one line."""
    views: tuple[View, ...] = ()
    instead: str = ""
    """Why it has no sweep of its own, or where what it shows is."""

    @property
    def sweeps(self) -> tuple[str, ...]:
        """Names of its sweeps, each once."""
        return tuple(dict.fromkeys(view.sweep for view in self.views))

    @property
    def commands(self) -> list[tuple[str, int]]:
        """A line for each of its sweeps, that of its first metric, and how many other metrics it shows."""
        first = {view.sweep: view.command for view in reversed(self.views)}
        counts = Counter(view.sweep for view in self.views)
        return [(first[name], counts[name] - 1) for name in self.sweeps]


def _tables(*sweeps: str) -> tuple[View, ...]:
    return tuple(View(sweep) for sweep in sweeps)


def _plot(sweep: str, kind: str) -> View:
    return View(sweep, f"plot --kind {kind}")


def _measures(sweep: str, *metrics: str) -> tuple[View, ...]:
    return tuple(View(sweep, f"board --metric '{metric}'") for metric in metrics)


_TABLES = (
    Exhibit(
        "Table 1",
        "CIFAR-100, ResNet-56, ResNeXt-29 and WRN-28-10, basic and basic+aa: six variants on all and only_norm",
        _tables("cifar100-resnets", "cifar100-resnets-own-rho"),
    ),
    Exhibit("Table 2", "ImageNet, ResNet-50: variants on all and only_norm", _tables("imagenet-resnet50")),
    Exhibit(
        "Table 3", "CIFAR-10 and CIFAR-100, ViT-T/4 and ViT-S/4 by AdamW: six variants on both scopes",
        _tables("cifar-vit"),
    ),
    Exhibit(
        "Table 4", "ImageNet, ViT-S/32 from scratch by AdamW and Lion: test set, five shifted ones, four attacks",
        (
            *_tables("imagenet-vit-s32"),
            *_measures(
                "imagenet-vit-s32", "imagenet_v2_accuracy", "imagenet_r_accuracy", "imagenet_a_accuracy",
                "imagenet_sketch_accuracy", "objectnet_accuracy", "robust_accuracy[norm=l2,eps=0.25]",
                "robust_accuracy[norm=l2,eps=0.5]", "robust_accuracy[norm=linf,eps=0.25/255]",
                "robust_accuracy[norm=linf,eps=0.5/255]",
            ),
        ),
    ),
    Exhibit(
        "Table 5", "CIFAR-100, WRN-28-10: SAM on as few parameters by random masks and SSAM-F",
        _tables("cifar100-sparse"),
    ),
    Exhibit(
        "Table 6", "CIFAR-100, WRN-28-10: accuracy, sharpness and feature rank of the same models",
        (
            *_tables("cifar100-sharpness"),
            *_measures(
                "cifar100-sharpness", "sharpness[rho=0.003]", "sharpness[rho=0.005]", "sharpness[rho=0.007]",
                "sharpness[first_step=0.75,rho=0.007,steps=1]", "sharpness[first_step=0.75,rho=0.01,steps=1]",
                "sharpness[first_step=0.75,rho=0.03,steps=1]", "feature_rank",
            ),
        ),
    ),
    Exhibit(
        "Table 7", "the search for ρ on CIFAR, by ResNet-56 and by a ViT",
        _tables("rho-cifar10", "rho-cifar100", "rho-cifar-vit"),
    ),
    Exhibit(
        "Table 8", "hyperparameters on ImageNet (`sambench recipe`), and the search for ρ there",
        _tables("rho-imagenet-resnet50", "rho-imagenet-vit-s32", "rho-imagenet-vit-finetune"),
    ),
    Exhibit("Table 9", "what each variant perturbs by", instead="`sambench list variants`"),
    Exhibit(
        "Table 10", "Table 1 on CIFAR-10", _tables("cifar10-resnets", "cifar10-resnets-own-rho"),
    ),
    Exhibit(
        "Table 11", "CIFAR-10 and CIFAR-100, three VGGs and DenseNet-100: six variants on both scopes",
        _tables("cifar-vgg-densenet"),
    ),
    Exhibit("Table 12", "Table 5 with SSAM-D", _tables("cifar100-ssam")),
    Exhibit(
        "Table 13", "ImageNet, ViT-S/16 fine-tuned from ImageNet-21k: variants on both scopes",
        _tables("imagenet-vit-finetune"),
    ),
    Exhibit(
        "Table 14", "CIFAR-100, WRN-28-10: accuracy under attack at four radii",
        _measures(
            "cifar100-robustness", "robust_accuracy[norm=l2,eps=0.1]", "robust_accuracy[norm=l2,eps=0.2]",
            "robust_accuracy[norm=linf,eps=1/255]", "robust_accuracy[norm=linf,eps=2/255]",
        ),
    ),
    Exhibit(
        "Table 15", "Table 4's models: accuracy under attack at six radii",
        _measures(
            "imagenet-vit-s32-robustness", "robust_accuracy[norm=l2,eps=0.25]", "robust_accuracy[norm=l2,eps=0.5]",
            "robust_accuracy[norm=l2,eps=1]", "robust_accuracy[norm=linf,eps=0.25/255]",
            "robust_accuracy[norm=linf,eps=0.5/255]", "robust_accuracy[norm=linf,eps=1/255]",
        ),
    ),
    Exhibit(
        "Table 16", "IWSLT'14 German to English, a transformer: BLEU of SAM on both scopes",
        _tables("iwslt-transformer", "rho-iwslt-transformer"),
    ),
    Exhibit(
        "Table 17", "CIFAR-10, ResNet-101 and WRN-28-10 of which only the norm layers are trained",
        _tables("cifar10-train-only-norm"),
    ),
    Exhibit(
        "Table 18", "CIFAR-100, WRN-28-10 and ResNeXt-29: worst-case sharpness",
        (
            *_measures(
                "cifar100-sharpness", "sharpness[rho=0.003]", "sharpness[rho=0.005]", "sharpness[rho=0.007]",
            ),
            *_measures(
                "cifar100-sharpness-resnext", "sharpness[rho=0.001]", "sharpness[rho=0.003]", "sharpness[rho=0.005]",
            ),
        ),
    ),
    Exhibit(
        "Table 19", "CIFAR-100, WRN-28-10: eight sharpness measures without normalized logits",
        _measures(
            "cifar100-sharpness",
            "average_sharpness[norm=l2,adaptive=false,rho=0.005]",
            "average_sharpness[norm=l2,adaptive=true,rho=0.1]",
            "average_sharpness[norm=linf,adaptive=false,rho=0.01]",
            "average_sharpness[norm=linf,adaptive=true,rho=0.2]",
            "sharpness[norm=l2,adaptive=false,rho=0.05,normalize_logits=false]",
            "sharpness[norm=l2,adaptive=true,rho=0.25,normalize_logits=false]",
            "sharpness[norm=linf,adaptive=false,rho=0.00001,normalize_logits=false]",
            "sharpness[norm=linf,adaptive=true,rho=0.004,normalize_logits=false]",
        ),
    ),
)  # fmt: skip

_FIGURES = (
    Exhibit(
        "Figure 1", "CIFAR-100, WRN-28-10: accuracy over ρ on all, only_norm and no_norm",
        (_plot("rho-curves-cifar100", "rho"),),
    ),
    Exhibit("Figure 2", "Figure 1 for ViT-S/4 by AdamW", (_plot("rho-curves-vit", "rho"),)),
    Exhibit(
        "Figure 3", "CIFAR-100, WRN-28-10 and ResNeXt-29: accuracy over runtime, SAM on the norm layers of blocks",
        (_plot("cifar100-runtime", "runtime"),),
    ),
    Exhibit(
        "Figure 4",
        "left: CIFAR-10, ResNet-18: accuracy over sparsity; right: CIFAR-100, WRN-28-10: batch size and m",
        (_plot("cifar10-sparse", "sparsity"), _plot("cifar100-batch-and-m", "m")),
    ),
    Exhibit(
        "Figure 5", "CIFAR-100, WRN-28-10: histograms of γ and β, SAM on all and only_norm",
        (_plot("cifar100-weights-norm", "weights"),),
    ),
    Exhibit("Figure 6", "Figure 1 without no_norm", (_plot("rho-curves-cifar100-on", "rho"),)),
    Exhibit("Figure 7", "Figure 2 without no_norm", (_plot("rho-curves-vit-on", "rho"),)),
    Exhibit("Figure 8", "Figure 4, left, with SSAM-D and error bars", (_plot("cifar10-ssam", "sparsity"),)),
    Exhibit(
        "Figure 9", "CIFAR-100, WRN-28-10: histograms of |w| by kind of layer, four variants on both scopes",
        (_plot("cifar100-weights", "weights"),),
    ),
    Exhibit(
        "Figure 10", "CIFAR-100, WRN-28-10: norm layers fixed at γ = 1 and β = 0 or trained, over ρ",
        (_plot("cifar100-frozen-norm", "rho"),),
    ),
    Exhibit(
        "Figure 11", "CIFAR-100, WRN-28-10: left, dropout on the norm layers; right, weight decay on and off them",
        (_plot("cifar100-norm-dropout", "dropout"), _plot("cifar100-weight-decay", "decay")),
    ),
)  # fmt: skip

_APPENDICES = (
    Exhibit("App. B.2", "is it sparsity alone?", instead="Tables 5 and 12, Figures 4 and 8"),
    Exhibit("App. B.4", "adversarial robustness", instead="Tables 14 and 15"),
    Exhibit("App. B.7", "are trained norm layers needed?", instead="Figure 10"),
    Exhibit("App. B.8", "training nothing but norm layers", instead="Table 17"),
    Exhibit("App. B.9", "other ways of regularizing norm layers", instead="Figure 11"),
    Exhibit("App. B.10", "sharpness", instead="Tables 18 and 19"),
    Exhibit(
        "App. C", "convergence of SAM-ON for smooth losses", instead="no experiment: `pytest tests/sam/test_theorem.py`"
    ),
)

EXHIBITS: tuple[Exhibit, ...] = (*_TABLES, *_FIGURES, *_APPENDICES)
"""In the paper's order."""
