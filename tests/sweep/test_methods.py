"""What a variant asks of the rest of a trial is checked where the sweep is read, with the place of the fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.sweep import SpecError, Sweep, load

HEAD = 'title: "Test"\nrecipe: digits-resnet\ngrid: {model: resnet8, seed: 1, epochs: 8}\nmethods:\n'


def swept(tmp_path: Path, line: str) -> Sweep:
    file = tmp_path / "test.yaml"
    file.write_text(f"{HEAD}  - {line}\n")
    return load(file)


FAULTS = {
    "{variant: msam, rho: 1, nesterov: true}": r"5:\d+: .*msam looks ahead itself, and so does nesterov: drop it",
    "{variant: msam, rho: 1, momentum: 0.0}": r"5:\d+: .*momentum = 0 leaves none; choose one above 0",
    "{variant: bsam, rho: 1, data_size: 1.0, delta: 0.1, optimizer: adamw}": "its base is sgd .*not adamw",
    "{variant: bsam, rho: 1, data_size: 1.0, delta: 0.1}": "set momentum to 0",
    "{variant: bsam, rho: 1, data_size: 1.0, delta: 0.1, momentum: 0.0}": "set weight_decay to 0",
    "{variant: bsam, rho: 1, delta: 0.1, momentum: 0.0, weight_decay: 0}": r"5:\d+: .*data_size is missing \(N: ",
    "{variant: zsharp, rho: 1, quantile: 1.0}": r"5:\d+: .*quantile: input should be less than 1",
    "{variant: wsam, rho: 1, decouple: 1}": r"5:\d+: .*decouple: input should be a valid boolean",
    "{variant: sam, rho: 1, late_sam: 1.0}": r"5:\d+: .*late_sam: input should be less than 1",
    "{variant: sam, rho: 1, late_sam: 0.5, perturb_from: 3}": r"5:\d+: .*says the same as perturb_from",
    "{optimizer: sgd, late_sam: 0.5}": r"5:\d+: .*is a setting that nothing chosen here has",
}


@pytest.mark.parametrize(("line", "message"), FAULTS.items())
def test_faults(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        swept(tmp_path, line)


@pytest.mark.parametrize("variant", ["sam", "friendly", "msam"])
def test_late_sam_is_a_spelling(tmp_path: Path, variant: str) -> None:
    late = swept(tmp_path, f"{{variant: {variant}, rho: 1, late_sam: 0.875}}").trials
    plain = swept(tmp_path, f"{{variant: {variant}, rho: 1, perturb_from: 7}}").trials
    assert [trial.trial_id for trial in late] == [trial.trial_id for trial in plain]
    assert [trial.perturb_from for trial in late] == [7]


def test_bsam_on_its_base(tmp_path: Path) -> None:
    line = "{variant: bsam, rho: 0.01, data_size: 5000.0, delta: 0.01, momentum: 0.0, weight_decay: 0}"
    sweep = swept(tmp_path, line)
    (trial,) = sweep.trials
    assert dict(trial.settings)["beta2"] == 0.999
    assert "bsam: what it does outside its scope is a guess" in sweep.notes
