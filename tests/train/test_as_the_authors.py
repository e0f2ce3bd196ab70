"""What the SAM-ON code and timm's script do, item by item, against what is trained here."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest
import timm
import torch
from PIL import Image
from torch import nn
from torchvision.transforms import v2

from bench import data, models
from bench.data.augmentations.basic import basic
from bench.data.augmentations.inception import inception
from bench.data.on_disk import OnDisk
from bench.data.splits import Splits
from bench.models.pretrained.preprocessing import preprocessing_of
from bench.models.pretrained.tags import PRETRAINED
from bench.sam import SharpnessAware
from bench.sam.norms import norm_parameters
from bench.seeds import derive
from bench.tasks.classification import build_augmentation
from bench.train.build import build_model, build_optimizer
from bench.train.subsets import parameter_groups
from bench.train.training import Training
from bench.trial import Trial

Make = Callable[..., Trial]
CPU = torch.device("cpu")


def decayed(model: nn.Module, on: str) -> int:
    groups = parameter_groups(model, 0.1, on)
    return sum(len(group["params"]) for group in groups if group["weight_decay"])


@pytest.mark.parametrize(("name", "tensors", "without"), [("vit_s32", 152, 102), ("resnet50", 161, 107)])
def test_timm_leaves_so_many_tensors_without_decay(name: str, tensors: int, without: int) -> None:
    with torch.device("meta"):
        model = models.build(name, num_classes=1000)
    assert (decayed(model, "all"), decayed(model, "matrices")) == (tensors, tensors - without)


def test_sgd_is_nesterovs_where_it_is_said(make_trial: Make) -> None:
    plain = make_trial()
    for nesterov in (False, True):
        settings = (("momentum", 0.9), ("nesterov", nesterov))
        trial = dataclasses.replace(plain, settings=settings)
        assert build_optimizer(trial, build_model(trial)).param_groups[0]["nesterov"] is nesterov


def test_the_last_norm_of_every_branch_of_resnet50_starts_at_zero_as_timms_does() -> None:
    def zero(model: nn.Module) -> set[str]:
        return {name for name, p in model.named_parameters() if p.ndim == 1 and "weight" in name and not p.any()}

    ours = zero(models.build("resnet50", num_classes=10, settings={"zero_init": True}))
    assert ours == zero(timm.create_model("resnet50", num_classes=10))
    assert len(ours) == 16
    assert not zero(models.build("resnet50", num_classes=10))


def test_class_tokens_start_at_a_std_of_two_hundredths_and_all_else_as_in_timm() -> None:
    torch.manual_seed(0)
    ours = models.build("vit_s4").state_dict()
    assert 0.015 < float(ours["cls_token"].std()) < 0.025
    torch.manual_seed(0)
    named = {"patch_size": 4, "embed_dim": 384, "depth": 12, "num_heads": 6, "img_size": 32, "num_classes": 10}
    theirs = timm.models.VisionTransformer(**named).state_dict()
    assert [name for name in ours if not torch.equal(ours[name], theirs[name])] == ["cls_token"]


@pytest.mark.parametrize(
    ("name", "by_type", "by_name"),
    [("resnet18", 9_600, 7_808), ("resnet56", 4_256, 4_256), ("resnext29_32x4d", 25_216, 25_216),
     ("wrn28_10", 17_952, 17_952), ("vit_s4", 19_200, 19_200)],
)  # fmt: skip
def test_norm_parameters_by_type_and_by_the_authors_names(name: str, by_type: int, by_name: int) -> None:
    with torch.device("meta"):
        model = models.build(name)
    counts = [sum(p.numel() for p in norm_parameters(model, rule).values()) for rule in ("type", "name")]
    assert counts == [by_type, by_name]


@pytest.mark.parametrize("name", ["resnet56", "wrn16_2"])
def test_convolutions_start_by_fan_out_and_linear_layers_at_torchs_default(name: str) -> None:
    for module in models.build(name).modules():
        if isinstance(module, nn.Conv2d):
            fan_out = module.out_channels * module.kernel_size[0] * module.kernel_size[1]
            count = module.weight.numel()
            assert float(module.weight.detach().std() * (fan_out / 2) ** 0.5) == pytest.approx(1, abs=5 / count**0.5)
        elif isinstance(module, nn.BatchNorm2d):
            assert (module.momentum, module.eps) == (0.1, 1e-5)
            assert module.weight.eq(1).all()
        elif isinstance(module, nn.Linear):
            bound = module.in_features**-0.5
            assert 0.9 * bound < float(module.weight.detach().abs().max()) <= bound
    assert {layer.eps for layer in models.build("vit_mini").modules() if isinstance(layer, nn.LayerNorm)} == {1e-6}


@pytest.mark.parametrize("perturbed", [False, True])
@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("m", [64, 32])
def test_last_batches_are_trained_on_unless_they_are_dropped(
    make_trial: Make, m: int, drop_last: bool, perturbed: bool
) -> None:
    method = {"variant": "sam", "scope": "only_norm", "rho": 0.1} if perturbed else {}
    fields = {"batch_size": 64, "epochs": 1, "val_fraction": 0.6} | method
    training = Training(make_trial(m=m, drop_last=drop_last, **fields), CPU)
    full, rest = divmod(len(training.workload.splits.train), 64)
    assert rest, "the last batch is a smaller one"
    steps, images = (full, 64 * full) if drop_last else (full + 1, 64 * full + rest)
    seen = []
    training.on_batch = lambda epoch, count, of: seen.append((count, of))
    training.run_epoch()
    assert len(seen) == steps
    assert seen[-1] == (images, images)


def test_random_masks_follow_the_trials_seed() -> None:
    def mask(seed: int, mask_seed: int = 0) -> torch.Tensor:
        torch.manual_seed(0)
        model = models.build("resnet8")
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        settings = {"sparsity": 0.5, "mask_seed": mask_seed}
        method = SharpnessAware(model, optimizer, "sam", "random", settings=settings, seed=derive(seed, "perturbation"))
        return method.state_dict()["scope"]["masks"]["stage1.0.conv1.weight"]

    assert torch.equal(mask(0), mask(0))
    assert not torch.equal(mask(0), mask(1))
    assert not torch.equal(mask(0), mask(0, mask_seed=1))


def test_a_random_crop_is_resized_by_either_interpolation_and_colours_change() -> None:
    image = torch.randint(256, (1, 3, 40, 48), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))

    def augmented(seed: int, **settings: object) -> torch.Tensor:
        return inception(image, torch.Generator().manual_seed(seed), flip=False, size=24, **settings)  # type: ignore[arg-type]

    assert torch.equal(augmented(0), augmented(0, crop_interpolation="bilinear", color_jitter=0.0))
    assert not torch.equal(augmented(0), augmented(0, crop_interpolation="bicubic"))
    assert not torch.equal(augmented(0), augmented(0, color_jitter=0.4))

    def expected(seed: int, mode: v2.InterpolationMode) -> torch.Tensor:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(torch.randint(2**62, (), generator=torch.Generator().manual_seed(seed))))
            torch.multinomial(torch.full((2,), 0.5), 1)
            return v2.RandomResizedCrop(24, interpolation=mode, antialias=True)(image[0])[None]

    drawn = set()
    for seed in range(12):
        ours = augmented(seed, crop_interpolation="random")
        modes = (v2.InterpolationMode.BILINEAR, v2.InterpolationMode.BICUBIC)
        drawn |= {mode for mode in modes if torch.equal(ours, expected(seed, mode))}
    assert len(drawn) == 2


def test_settings_of_the_augmentation_reach_it(make_trial: Make) -> None:
    settings = (("color_jitter", 0.4), ("crop_interpolation", "random"), ("momentum", 0.9))
    built = build_augmentation(make_trial(augment="inception", settings=settings), 1)
    assert built is not None
    assert built.augment.keywords == {"size": 8, "color_jitter": 0.4, "crop_interpolation": "random"}
    plain = build_augmentation(make_trial(augment="basic"), 1)
    assert plain is not None
    assert plain.augment.func is basic


@pytest.mark.parametrize("tag", PRETRAINED)
def test_pretrained_weights_are_prepared_for_as_timm_says(tag: str) -> None:
    found, named = PRETRAINED[tag].preprocessing, timm.get_pretrained_cfg(tag.removeprefix("timm/"))
    ours = (found.mean, found.std, found.crop, found.interpolation)
    assert ours == (named.mean, named.std, named.crop_pct, named.interpolation)
    assert preprocessing_of(PRETRAINED[tag].model, tag) == found


def test_every_tag_of_timm_that_fits_is_listed() -> None:
    architectures = {tag.removeprefix("timm/").partition(".")[0] for tag in PRETRAINED}
    assert {f"timm/{tag}" for each in architectures for tag in timm.list_pretrained(f"{each}.*")} == {*PRETRAINED}


@pytest.mark.parametrize(
    ("model", "init_from", "side", "mean"),
    [
        ("resnet50", "", 256, 0.485),
        ("vit_s16", "", 248, 0.5),
        ("vit_s32", "", 248, 0.5),
        ("resnet50", "timm/resnet50.a1_in1k", 235, 0.485),
        ("timm/vit_base_patch16_224", "", 248, 0.5),
    ],
)
def test_tests_are_cropped_and_normalized_as_the_model_wants(
    make_trial: Make, tmp_path_factory: pytest.TempPathFactory, model: str, init_from: str, side: int, mean: float
) -> None:
    path = tmp_path_factory.mktemp("image") / "one.png"
    Image.effect_noise((300, 260), 90).convert("RGB").save(path)
    split = OnDisk(paths=[str(path)], labels=torch.zeros(1, dtype=torch.int64), size=224)
    splits = Splits(train=split, validation=None, test=split, scale=255.0, mean=(0.1,) * 3, std=(0.1,) * 3)
    prepared = splits.prepared(preprocessing_of(model, init_from))
    assert prepared.mean[0] == mean
    shown, _ = prepared.test.take(torch.tensor([0]))
    image = v2.functional.pil_to_tensor(Image.open(path))
    resized = v2.functional.resize(image, [side], interpolation=v2.InterpolationMode.BICUBIC, antialias=True)
    assert torch.equal(shown[0], v2.functional.center_crop(resized, [224, 224]))
    assert make_trial(model=model, init_from=init_from).usual_preprocessing == (
        "model" if "timm/" in model + init_from else "dataset"
    )


def test_grey_images_keep_their_own_mean(make_trial: Make) -> None:
    splits = data.load("digits")
    assert splits.prepared(preprocessing_of("vit_s16")).mean == splits.mean
