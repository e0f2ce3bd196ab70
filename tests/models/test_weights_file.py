"""What scripts save as weights, and which of it is read."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from bench.errors import UserError
from bench.models.pretrained.weights_file import read_weights

Content = Callable[[dict[str, Tensor]], Any]

WEIGHTS = {"stem.0.weight": torch.arange(6.0).reshape(2, 3), "stem.0.bias": torch.ones(2), "head.weight": torch.eye(2)}

WRAPPED: dict[str, Content] = {
    "parallel": lambda state: {f"module.{name}": value for name, value in state.items()},
    "compiled": lambda state: {f"_orig_mod.{name}": value for name, value in state.items()},
    "both": lambda state: {f"module._orig_mod.{name}": value for name, value in state.items()},
    "a compiled part": lambda state: {name.replace("stem.", "stem._orig_mod."): v for name, v in state.items()},
    "lightning": lambda state: {"state_dict": {f"model.{name}": value for name, value in state.items()}},
    "averaged": lambda state: {"n_averaged": torch.tensor(3)} | {f"module.{n}": value for n, value in state.items()},
    "options": lambda state: {"model": state, "args": Namespace(lr=0.1), "rng": {"cpu": torch.zeros(9)}},
}
"""How scripts save the weights of a model that they have wrapped."""


@pytest.mark.parametrize("how", WRAPPED)
def test_wrappers_are_taken_off(tmp_path: Path, how: str) -> None:
    path = tmp_path / "a.pt"
    torch.save(WRAPPED[how](WEIGHTS), path)
    found = read_weights(path, "a.pt", WEIGHTS)
    assert found.keys() == WEIGHTS.keys()
    assert all(torch.equal(found[name], WEIGHTS[name]) for name in WEIGHTS)


DOUBTFUL = [
    (lambda state: {"state_dict": state, "state_dict_ema": state}, "holds several: state_dict, state_dict_ema; save"),
    (lambda state: state | {f"_orig_mod.{name}": value for name, value in state.items()}, " is there twice, with and"),
    (lambda state: state | {"stem.0.weight": torch.full_like(state["stem.0.weight"], torch.nan)}, "isn't finite: that"),
    (lambda state: {"model": state, "call": partial(print)}, "holds objects of functools.partial too"),
]
"""Files of which it isn't known what is meant, or which nobody means, and what is said of them."""


@pytest.mark.parametrize(("content", "fault"), DOUBTFUL, ids=["averaged too", "twice", "diverged", "objects"])
def test_weights_are_never_guessed(tmp_path: Path, content: Content, fault: str) -> None:
    path = tmp_path / "a.pt"
    torch.save(content(WEIGHTS), path)
    with pytest.raises(UserError) as caught:
        read_weights(path, "a.pt", WEIGHTS)
    assert fault in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_prefix_that_the_model_has_itself_stays(tmp_path: Path) -> None:
    state = {"model.weight": torch.ones(2, 3)}
    torch.save(state, tmp_path / "a.pt")
    assert read_weights(tmp_path / "a.pt", "a.pt", state).keys() == state.keys()
