"""What no reader of a bundle needs to know of machines and people is written otherwise."""

from __future__ import annotations

import json

import pytest

from bench.publish.scrub import Scrub


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("node1: lost; node10 is there", "host-1: lost; host-2 is there"),
        ("can't read /home/me/data/x.npz", "can't read …/x.npz"),
        ("'~/data/x.npz': gone", "'…/x.npz': gone"),
        ("see https://arxiv.org/abs/2306.04226, 3/4 of it", "see https://arxiv.org/abs/2306.04226, 3/4 of it"),
        ("CUDA out of memory", "CUDA out of memory"),
    ],
)
def test_messages(said: str, told: str) -> None:
    assert Scrub(["node10", "node1"]).message(said) == told


def test_plug_ins_keep_what_tells_them_apart() -> None:
    known = {"mine:Sam": {"file": "/home/me/mine.py", "digest": "c0de", "distribution": "mine", "version": "1"}}
    told = json.loads(Scrub([]).plugins(json.dumps(known)))
    assert told == {"mine:Sam": known["mine:Sam"] | {"file": "mine.py"}}
