"""OPTIMIZERS: the base optimizers, whose update follows the ascent step or stands alone.

Each is a function of parameter groups, which carry their own weight decay.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Lt

from bench.errors import UserError
from bench.optim import library
from bench.plugins import Registry
from bench.registry import OptimizerEntry, Setting

_UNIT = Annotated[float, Ge(0), Lt(1)]
_INNER = Annotated[float, Gt(0), Lt(1)]


_OPTIMIZERS: dict[str, OptimizerEntry] = {
    "sgd": OptimizerEntry(
        target="bench.optim.standard:sgd",
        summary="SGD with heavy-ball or Nesterov momentum",
        momentum="momentum",
        descends=True,
        settings={
            "momentum": Setting(type=_UNIT, default=0.9, summary="momentum"),
            "nesterov": Setting(type=bool, default=False, summary="whether to use Nesterov momentum"),
            "fused": Setting(
                type=bool,
                default=False,
                summary="one kernel per update: faster, with different rounding",
                later=True,
            ),
        },
    ),
    "adamw": OptimizerEntry(
        target="bench.optim.standard:adamw",
        summary="AdamW",
        source="Loshchilov and Hutter 2019",
        momentum="beta1",
        settings={
            "beta1": Setting(type=_UNIT, default=0.9, summary="decay of the first moment"),
            "beta2": Setting(type=_UNIT, default=0.999, summary="decay of the second moment"),
            "eps": Setting(type=Annotated[float, Gt(0)], default=1e-8, summary="added to the denominator"),
        },
    ),
    "lion": OptimizerEntry(
        target="bench.optim.standard:lion",
        summary="Lion: the sign of a moving average",
        source="Chen et al. 2023",
        momentum="beta2",
        settings={
            "beta1": Setting(type=_UNIT, default=0.9, summary="weight of the momentum in the update"),
            "beta2": Setting(type=_UNIT, default=0.99, summary="decay of the momentum"),
        },
    ),
    "muon": OptimizerEntry(
        target="bench.optim.muon:muon",
        summary="Muon for matrices and convolution kernels, AdamW for everything else",
        source="Jordan et al. 2024; Liu et al. 2025",
        settings={
            "momentum": Setting(type=_UNIT, default=0.95, summary="momentum of matrices"),
            "nesterov": Setting(type=bool, default=True, summary="whether to use Nesterov momentum for them"),
            "ns_steps": Setting(
                type=Annotated[int, Ge(1), Lt(100)], default=5, summary="iterations that orthogonalise an update"
            ),
            "adjust_lr": Setting(
                type=Literal["match_rms_adamw", "original"],
                default="match_rms_adamw",
                summary="how a matrix's shape scales its learning rate; match_rms_adamw: updates as large as AdamW's",
            ),
            "beta1": Setting(type=_UNIT, default=0.9, summary="AdamW's decay of the first moment"),
            "beta2": Setting(type=_UNIT, default=0.999, summary="AdamW's decay of the second moment"),
            "adamw_lr_scale": Setting(
                type=Annotated[float, Gt(0)], default=1.0, summary="AdamW's learning rate, as a multiple of lr"
            ),
        },
        own_settings=True,
    ),
    "schedulefree_sgd": OptimizerEntry(
        target="bench.optim.schedule_free:sgd",
        summary="Schedule-Free SGD: evaluates an average of the iterates; use with lr_schedule: constant",
        source="Defazio et al. 2024",
        settings={"momentum": Setting(type=_INNER, default=0.9, summary="weight of the average in the trained point")},
        own_settings=True,
        requires="schedulefree",
    ),
    "schedulefree_adamw": OptimizerEntry(
        target="bench.optim.schedule_free:adamw",
        summary="Schedule-Free AdamW: evaluates an average of the iterates; use with lr_schedule: constant",
        source="Defazio et al. 2024",
        settings={
            "beta1": Setting(type=_INNER, default=0.9, summary="weight of the average in the trained point"),
            "beta2": Setting(type=_UNIT, default=0.999, summary="decay of the second moment"),
            "eps": Setting(type=Annotated[float, Gt(0)], default=1e-8, summary="added to the denominator"),
        },
        own_settings=True,
        requires="schedulefree",
    ),
}

OPTIMIZERS: Registry[OptimizerEntry] = Registry("optimizer", _OPTIMIZERS, library.entry)


def check_installed(name: str) -> None:
    """UserError if the optimizer's package isn't there."""
    package = OPTIMIZERS[name].requires
    if package and find_spec(package) is None:
        raise UserError(f"{name} needs the package {package}, which isn't installed: pip install 'sambench[{package}]'")
