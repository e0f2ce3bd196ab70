"""Pretrained weights from files and from timm, and what is said of those that don't fit."""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path

import huggingface_hub.constants
import pytest
import safetensors.torch
import timm
import torch
from torch import Tensor, nn

from bench.errors import UserError
from bench.models import build
from bench.models.pretrained.fit import load_pretrained
from bench.models.vit import ChainedVisionTransformer

TEST_VIT = {"patch_size": 16, "embed_dim": 64, "depth": 6, "num_heads": 2, "mlp_ratio": 3, "dynamic_img_size": True}
"""Shape of timm's model test_vit."""


def seeded(seed: int, name: str = "resnet8", **options: int) -> nn.Module:
    torch.manual_seed(seed)
    return build(name, **options)


def equal(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


SAVED = {
    "weights.safetensors": safetensors.torch.save_file,
    "weights.pt": torch.save,
    "weights.pth": lambda state, path: torch.save({"epoch": 3, "state_dict": state}, path),
    "nested.pt": lambda state, path: torch.save({"model": state}, path),
    "parallel.pt": lambda state, path: torch.save({f"module.{name}": value for name, value in state.items()}, path),
}


@pytest.mark.parametrize("file", SAVED)
def test_round_trip(tmp_path: Path, file: str) -> None:
    source, model = seeded(1), seeded(2)
    source(torch.randn(4, 3, 8, 8))
    SAVED[file](source.state_dict(), tmp_path / file)
    load_pretrained(model, str(tmp_path / file))
    assert equal(model.state_dict(), source.state_dict())


def test_a_relative_path_starts_from_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = seeded(1)
    safetensors.torch.save_file(source.state_dict(), tmp_path / "a.safetensors")
    in_folder, here = seeded(2), seeded(3)
    load_pretrained(in_folder, "a.safetensors", weights_folder=tmp_path)
    monkeypatch.chdir(tmp_path)
    load_pretrained(here, "a.safetensors")
    assert equal(in_folder.state_dict(), source.state_dict())
    assert equal(here.state_dict(), source.state_dict())


@pytest.mark.parametrize("name", ["resnet8", "vit_mini", "vgg13_bn", "timm/test_resnet"])
def test_a_classifier_of_other_classes_stays_fresh(tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str) -> None:
    source, model = seeded(1, name, num_classes=7), seeded(2, name)
    fresh = {key: value.clone() for key, value in model.state_dict().items()}
    safetensors.torch.save_file(source.state_dict(), tmp_path / "a.safetensors")
    with caplog.at_level(logging.INFO):
        load_pretrained(model, "a.safetensors", weights_folder=tmp_path)
    given, loaded = source.state_dict(), model.state_dict()
    head = [key for key in loaded if loaded[key].shape != given[key].shape]
    assert len(head) == 2
    assert all(torch.equal(loaded[key], fresh[key] if key in head else given[key]) for key in loaded)
    classifier = head[0].rpartition(".")[0]
    told = f"weights a.safetensors: {classifier} is for 7 classes, and 10 are needed: it starts fresh"
    assert caplog.messages == [told]


def test_weights_without_a_classifier(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    state = seeded(1).state_dict()
    del state["head.2.weight"], state["head.2.bias"]
    torch.save(state, tmp_path / "a.pt")
    with caplog.at_level(logging.INFO):
        load_pretrained(seeded(2), "a.pt", weights_folder=tmp_path)
    assert caplog.messages == ["weights a.pt: head.2 isn't there: it starts fresh"]


def test_counters_of_batches_may_be_missing(tmp_path: Path) -> None:
    source, model = seeded(1), seeded(2)
    torch.save({k: v for k, v in source.state_dict().items() if "num_batches" not in k}, tmp_path / "a.pt")
    load_pretrained(model, "a.pt", weights_folder=tmp_path)
    assert equal(model.state_dict(), source.state_dict())


def test_position_embeddings_of_another_image_size(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    source = seeded(1, "vit_mini", image_size=16)
    # A plane stays a plane when it is resampled: its values at the finer grid are known, away from the border.
    with torch.no_grad():
        rows = torch.arange(4.0).repeat_interleave(4)
        source.pos_embed[0, 1:] = rows[:, None]
    safetensors.torch.save_file(source.state_dict(), tmp_path / "a.safetensors")
    model = seeded(2, "vit_mini", image_size=32)
    with caplog.at_level(logging.INFO):
        load_pretrained(model, "a.safetensors", weights_folder=tmp_path)
    assert torch.equal(model.pos_embed[:, 0], source.pos_embed[:, 0])
    grid = model.pos_embed[0, 1:].reshape(8, 8, -1)
    assert torch.allclose(grid[3:5].mean((1, 2)), torch.tensor([1.25, 1.75]), atol=0.02)
    assert caplog.messages == ["position embeddings resampled from 16 to 8×8 patches"]


ONE = torch.ones(1)
FRESH = "; for a fresh classifier leave head.2.weight and head.2.bias out of the file"
FAULTS = [
    ({"stem.1.bias": None}, "missing: stem.1.bias"),
    ({"extra": ONE}, "unexpected: extra"),
    ({"stem.1.bias": ONE}, "of another shape: stem.1.bias 1, not 16"),
    ({"stem.1.bias": None, "a": ONE, "b": ONE}, "missing: stem.1.bias; unexpected: a, b"),
    (dict.fromkeys("vwxyz", ONE), "unexpected: v, w, x and 2 more"),
    ({"head.2.bias": None}, "missing: head.2.bias"),
    ({"head.2.bias": torch.tensor(1.0)}, f"of another shape: head.2.bias scalar, not 10{FRESH}"),
    ({"head.2.weight": torch.ones(10, 32)}, f"of another shape: head.2.weight 10×32, not 10×64{FRESH}"),
]
"""Changes of a fitting state dict, None for a removal, and what is said of it."""


@pytest.mark.parametrize(("changes", "fault"), FAULTS, ids=[fault for _, fault in FAULTS])
def test_weights_that_do_not_fit(tmp_path: Path, changes: dict[str, Tensor | None], fault: str) -> None:
    state = seeded(1).state_dict() | changes
    torch.save({name: value for name, value in state.items() if value is not None}, tmp_path / "a.pt")
    model = seeded(2)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with pytest.raises(UserError) as caught:
        load_pretrained(model, "a.pt", weights_folder=tmp_path)
    assert str(caught.value) == f"weights a.pt do not fit ResNet; {fault}"
    assert equal(model.state_dict(), before), "nothing was loaded"


def test_position_embeddings_that_are_no_square(tmp_path: Path) -> None:
    state = seeded(1, "vit_mini", image_size=16).state_dict()
    state["pos_embed"] = state["pos_embed"][:, :-1]
    torch.save(state, tmp_path / "a.pt")
    with pytest.raises(UserError, match="of another shape: pos_embed 1×16×64, not 1×65×64"):
        load_pretrained(seeded(2, "vit_mini"), "a.pt", weights_folder=tmp_path)


@pytest.mark.parametrize(
    ("file", "content", "fault"),
    [
        ("absent.pt", None, r"weights absent\.pt: no file /.*/absent\.pt; or name weights of timm as timm/NAME\.TAG"),
        ("text.pt", b"weights", r"text\.pt can't be read as weights alone: "),
        ("empty.pt", b"", r"empty\.pt can't be read as weights alone: "),
        ("opcodes.pt", b"\x80\x02.", r"opcodes\.pt can't be read as weights alone: "),
        ("text.safetensors", b"weights", r"text\.safetensors can't be read as weights alone: "),
    ],
)
def test_files_that_cannot_be_read(tmp_path: Path, file: str, content: bytes | None, fault: str) -> None:
    if content is not None:
        (tmp_path / file).write_bytes(content)
    with pytest.raises(UserError, match=fault):
        load_pretrained(seeded(0), file, weights_folder=tmp_path)


@pytest.mark.parametrize("content", [[torch.ones(1)], {"epoch": 1}, {"state_dict": {"lr": 0.1}}, {0: torch.ones(1)}])
def test_files_that_hold_no_state_dict(tmp_path: Path, content: object) -> None:
    torch.save(content, tmp_path / "a.pt")
    with pytest.raises(UserError, match="holds no state dict, neither at its top nor as state_dict or model"):
        load_pretrained(seeded(0), "a.pt", weights_folder=tmp_path)


def test_code_in_a_file_is_not_run(tmp_path: Path) -> None:
    torch.save({"weight": partial(print, "run")}, tmp_path / "a.pt")
    with pytest.raises(UserError, match="can't be read as weights alone"):
        load_pretrained(seeded(0), "a.pt", weights_folder=tmp_path)


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)


@pytest.mark.usefixtures("offline")
def test_weights_of_timm_without_a_network(tmp_path: Path) -> None:
    model = ChainedVisionTransformer(img_size=32, num_classes=10, **TEST_VIT)
    with pytest.raises(UserError) as caught:
        load_pretrained(model, "timm/test_vit.r160_in1k", weights_folder=tmp_path)
    first, second, third = str(caught.value).splitlines()
    assert first.startswith("weights timm/test_vit.r160_in1k: timm could not get them: ")
    assert second.endswith(f"timm.create_model('test_vit.r160_in1k', pretrained=True, cache_dir={str(tmp_path)!r})")
    assert third == f"and copy {tmp_path} to this machine, or name a file of weights."


@pytest.mark.usefixtures("offline")
def test_weights_of_timm_from_a_copied_cache(tmp_path: Path) -> None:
    torch.manual_seed(1)
    source = timm.create_model("test_vit").state_dict()
    cache = tmp_path / "models--timm--test_vit.r160_in1k"
    (cache / "refs").mkdir(parents=True)
    (cache / "refs" / "main").write_text("0" * 40, encoding="utf-8")
    (cache / "snapshots" / ("0" * 40)).mkdir(parents=True)
    safetensors.torch.save_file(source, cache / "snapshots" / ("0" * 40) / "model.safetensors")
    model = ChainedVisionTransformer(img_size=160, num_classes=10, **TEST_VIT)
    torch.manual_seed(5)
    load_pretrained(model, "timm/test_vit.r160_in1k", weights_folder=tmp_path)
    drawn = torch.rand(1)
    loaded = model.state_dict()
    assert all(torch.equal(loaded[name], value) for name, value in source.items() if not name.startswith("head"))
    torch.manual_seed(5)
    assert torch.equal(drawn, torch.rand(1)), "the run's random stream did not notice"


def test_weights_of_an_unknown_model_of_timm() -> None:
    with pytest.raises(UserError, match=r"has no model 'test_vlt'; nearest: test_vit"):
        load_pretrained(seeded(0), "timm/test_vlt")


@pytest.mark.parametrize(
    ("source", "there"), [("timm/test_vit.x", "timm/test_vit.r160_in1k"), ("timm/botnet50ts_256", "none")]
)
def test_weights_that_timm_does_not_have(source: str, there: str) -> None:
    with pytest.raises(UserError) as caught:
        load_pretrained(seeded(0), source)
    assert str(caught.value) == f"weights {source}: timm has none of that name; for this model: {there}"
