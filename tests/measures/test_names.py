"""Names of measures with settings: one way of writing each, and a clear answer to all others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.measures import MEASURES, entry
from bench.measures.names import MeasureError, column, parse
from bench.registry import Setting
from bench.sweep import SpecError, load

WRITTEN = {
    "sharpness": ("sharpness", {}),
    "sharpness[rho=0.005,steps=20]": ("sharpness", {}),
    " sharpness [ steps = 1 , rho=3e-3] ": ("sharpness[rho=0.003,steps=1]", {"rho": 0.003, "steps": 1}),
    "sharpness[rho=1]": ("sharpness[rho=1]", {"rho": 1.0}),
    "sharpness[adaptive=False,norm=l2]": ("sharpness[adaptive=false,norm=l2]", {"adaptive": False, "norm": "l2"}),
    "sharpness[rho=0.00001]": ("sharpness[rho=1e-05]", {"rho": 1e-05}),
    "robust_accuracy[eps=1/255]": ("robust_accuracy", {}),
    "robust_accuracy[eps=0.25/255]": ("robust_accuracy[eps=0.25/255]", {"eps": 0.25 / 255}),
    "robust_accuracy[eps=0.2]": ("robust_accuracy[eps=0.2]", {"eps": 0.2}),
}


@pytest.mark.parametrize("text", WRITTEN)
def test_every_way_of_writing_becomes_one(text: str) -> None:
    name, settings = WRITTEN[text]
    measure = parse(text)
    assert measure.name == name
    assert json.loads(measure.stored) == settings
    assert parse(name) == measure
    assert column(measure.measure, measure.stored) == name
    assert measure.arguments.keys() == measure.entry.settings.keys()


BAD = {
    "sharpnes": "unknown measure 'sharpnes'; did you mean sharpness or average_sharpness; `sambench list",
    "sharpness[roh=1]": "unknown setting of sharpness 'roh'; did you mean rho; valid: norm, adaptive, rho, ",
    "sharpness[rho=0]": "rho (radius ρ of the perturbation): input should be greater than 0, not 0",
    "sharpness[rho=inf]": "input should be a finite number, not inf",
    "sharpness[steps=1.5]": "input should be a valid integer, not 1.5",
    "sharpness[norm=l3]": "input should be 'linf' or 'l2', not 'l3'",
    "sharpness[rho=1/0]": "input should be a valid number, not '1/0'",
    "sharpness[adaptive=1]": "input should be a valid boolean, not 1",
    "sharpness[rho=1,rho=2]": "rho is set twice",
    "sharpness[]": "settings are written as NAME=VALUE, not ''",
    "sharpness[rho]": "settings are written as NAME=VALUE, not 'rho'",
    "sharpness[rho=1": "write a name, or one with settings, as in sharpness[rho=0.003,steps=1]",
    "test_accuracy[rho=1]": "test_accuracy has no settings",
}


@pytest.mark.parametrize("text", BAD)
def test_what_is_wrong_is_said_with_the_valid_choices(text: str) -> None:
    with pytest.raises(MeasureError) as caught:
        parse(text)
    assert BAD[text] in str(caught.value)


def test_a_sweep_names_them_too(tmp_path: Path) -> None:
    file = tmp_path / "sweep.yaml"
    text = "title: x\nrecipe: digits-resnet\ngrid: {model: resnet8, seed: 1}\nmeasures: [test_accuracy, %s]\n"
    file.write_text(text % '"sharpness[steps=1,rho=0.003]"', encoding="utf-8")
    assert load(file).measures == ("test_accuracy", "sharpness[rho=0.003,steps=1]")
    file.write_text(text % '"sharpness[rho=-1]"', encoding="utf-8")
    with pytest.raises(SpecError, match=r"sweep.yaml:4:27: measures\[1\]: measure .* greater than 0, not -1"):
        load(file)


@pytest.mark.parametrize("name", MEASURES)
def test_defaults_are_valid_and_documented(name: str) -> None:
    for setting in MEASURES[name].settings.values():
        assert isinstance(setting, Setting)
        assert setting.summary
    written = ",".join(f"{key}={setting.default}" for key, setting in MEASURES[name].settings.items())
    assert parse(f"{name}[{written}]" if written else name).name == name
    assert entry(f"{name}[x=1]") is MEASURES[name]
