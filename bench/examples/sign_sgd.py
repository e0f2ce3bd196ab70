"""SGD along the sign of a moving average of the gradient (Bernstein et al. 2018, signum)."""

from typing import Annotated, Any

import torch
from annotated_types import Ge, Lt
from torch.optim import Optimizer


class SignSgd(Optimizer):
    """The sign of a moving average, with decoupled weight decay."""

    def __init__(self, params: Any, *, lr: float, beta: Annotated[float, Ge(0), Lt(1), "decay of the average"] = 0.9):
        super().__init__(params, {"lr": lr, "weight_decay": 0.0, "beta": beta})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    average = self.state[weight].setdefault("average", torch.zeros_like(weight))
                    average.lerp_(weight.grad, 1 - group["beta"])
                    weight.mul_(1 - group["lr"] * group["weight_decay"]).sub_(average.sign(), alpha=group["lr"])
