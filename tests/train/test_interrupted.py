"""Training that is taken up again, after an epoch or within one, goes on to the bit."""

from __future__ import annotations

import io

import pytest
import torch

from bench.train.training import Stopped, Training
from tests.train.methods import CPU, METHODS, STATEFUL, Make, equal_to_the_bit, weights, without_times


@pytest.mark.share(6)
@pytest.mark.parametrize("model", ["resnet8", "vit_mini"])
@pytest.mark.parametrize("method", METHODS | STATEFUL)
def test_a_resumed_run_equals_an_uninterrupted_one_to_the_bit(make_trial: Make, method: str, model: str) -> None:
    fields = {"epochs": 3, "model": model, "augment": "basic", "label_noise": 0.4, "val_fraction": 0.6}
    trial = make_trial(**(fields | (METHODS | STATEFUL)[method]))
    whole = Training(trial, CPU)
    for _ in range(3):
        whole.run_epoch()

    first = Training(trial, CPU)
    first.run_epoch()
    buffer = io.BytesIO()
    torch.save(first.state_dict(), buffer)
    torch.manual_seed(12345)
    resumed = Training(trial, CPU)
    resumed.load_state_dict(torch.load(io.BytesIO(buffer.getvalue()), weights_only=True))
    for _ in range(2):
        resumed.run_epoch()
    assert equal_to_the_bit(weights(resumed), weights(whole))
    assert without_times(resumed) == without_times(whole)


@pytest.mark.share(6)
@pytest.mark.parametrize("model", ["resnet8", "vit_mini"])
@pytest.mark.parametrize("method", METHODS | STATEFUL)
def test_a_run_stopped_within_an_epoch_goes_on_to_the_bit(
    make_trial: Make, monkeypatch: pytest.MonkeyPatch, method: str, model: str
) -> None:
    monkeypatch.setattr("bench.data.in_memory.CHUNK", 200)
    fields = {
        "epochs": 2,
        "model": model,
        "augment": "basic",
        "batch_size": 128,
        "norm_dropout": 0.1,
        "val_fraction": 0.6,
    }
    trial = make_trial(**(fields | (METHODS | STATEFUL)[method]))
    whole = Training(trial, CPU)
    for _ in range(2):
        whole.run_epoch()

    first, asked = Training(trial, CPU), []
    first.stop = lambda: bool(asked.append(None)) or len(asked) == 5
    first.run_epoch()
    with pytest.raises(Stopped, match=r"after step \d of epoch 2"):
        first.run_epoch()
    buffer = io.BytesIO()
    torch.save(first.state_dict(), buffer)
    torch.manual_seed(12345)
    resumed = Training(trial, CPU)
    resumed.load_state_dict(torch.load(io.BytesIO(buffer.getvalue()), weights_only=True))
    resumed.run_epoch()
    assert equal_to_the_bit(weights(resumed), weights(whole))
    assert without_times(resumed) == without_times(whole)
