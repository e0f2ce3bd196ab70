"""Feature rank of matrices of known rank, and robust accuracy of a linear classifier in closed form."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from bench.measures.feature_rank import rank, rank_of_features
from bench.models import build
from tests.measures.models import linear, small, trained
from tests.measures.taking import random, take


@pytest.mark.parametrize(("rows", "columns"), [(40, 30), (30, 40), (5000, 20), (20, 5000)])
def test_a_matrix_of_known_rank(rows: int, columns: int) -> None:
    matrix = random(rows, 7) @ random(7, columns, seed=1)
    assert rank(matrix.float(), 0.999999) == 7
    assert rank(torch.zeros(rows, columns), 0.99) == 0


def test_a_known_spectrum() -> None:
    """Squares 4, 3, 2, 1 of 10: 40, 70, 90 and 100 % of the sum."""
    matrix = torch.diag(torch.tensor([2.0, 1.0, 3.0, 4.0]).sqrt())
    assert [rank(matrix, share) for share in (0.39, 0.41, 0.69, 0.71, 0.89, 0.91, 0.99)] == [1, 2, 2, 3, 3, 4, 4]


@pytest.mark.parametrize("centre", ["sample", "feature"])
def test_features_are_those_of_the_last_stage_before_pooling(centre: str) -> None:
    of = small()
    seen: list[Tensor] = []
    of.model.head[0].register_forward_hook(lambda module, inputs, outputs: seen.append(inputs[0].flatten(1)))
    of.model.eval()(of.splits.normalize(of.splits.train.images))  # type: ignore[attr-defined]
    matrix = seen[0].detach().double()
    assert matrix.shape == (64, 4 * 4 * 4)
    squares = torch.linalg.svdvals(matrix - matrix.mean(1 if centre == "sample" else 0, keepdim=True)).square()
    expected = int((squares.cumsum(0) / squares.sum() < 0.99).sum()) + 1
    assert take(f"feature_rank[centre={centre}]", of) == expected


@pytest.mark.parametrize(("name", "features"), [("wrn16_2", 128 * 8 * 8), ("resnet8", 64 * 8 * 8)])
def test_what_our_models_have_before_pooling(name: str, features: int, monkeypatch: pytest.MonkeyPatch) -> None:
    shapes: list[torch.Size] = []
    monkeypatch.setattr("bench.measures.feature_rank.rank", lambda matrix, share: shapes.append(matrix.shape) or 0)
    images = torch.zeros(2, 3, 32, 32, dtype=torch.uint8)
    rank_of_features(
        trained(build(name), images, torch.zeros(2, dtype=torch.long)), centre="sample", share=0.99, samples=9
    )
    assert shapes == [torch.Size([2, features])]


def test_a_model_without_stages_has_no_feature_rank() -> None:
    of = trained(nn.Flatten(), torch.zeros(2, 3, 1, 1, dtype=torch.uint8), torch.zeros(2, dtype=torch.long))
    with pytest.raises(ValueError, match="Flatten doesn't say what its stages are"):
        take("feature_rank", of)


WEIGHT = random(5, 6).float()
IMAGES = torch.randint(100, 156, (60, 6, 1, 1), dtype=torch.uint8, generator=torch.Generator().manual_seed(3))
"""Around the middle of [0, 1], so that the attacks never meet its ends."""


@pytest.mark.parametrize(("norm", "dual"), [("linf", 1), ("l2", 2)])
def test_robust_accuracy_of_a_linear_classifier(norm: str, dual: int) -> None:
    """An image is lost if some wrong class is within ε: margin / ‖w_y − w_o‖ in the dual norm."""
    pixels = IMAGES.flatten(1).float() / 255
    labels = (pixels @ WEIGHT.T).argmax(1)
    labels[:6] = (labels[:6] + 1) % 5
    radii = radii_of(pixels, labels, dual)
    sure = radii.sort().values
    # Between two images, so that rounding decides about neither.
    gaps = sure[1:] - sure[:-1]
    place = int(gaps[20:40].argmax()) + 20
    eps = float((sure[place] + sure[place + 1]) / 2)
    expected = 100 * float((radii > eps).float().mean())
    of = trained(linear(WEIGHT), IMAGES, labels, scale=255.0)
    value = take(f"robust_accuracy[eps={eps!r},iterations=40,norm={norm}]", of)
    assert value == pytest.approx(expected)
    assert 20 < value < 80
    assert take(f"robust_accuracy[eps=1e-9,iterations=1,norm={norm}]", of) == pytest.approx(90.0)


def radii_of(pixels: Tensor, labels: Tensor, dual: int) -> Tensor:
    """(n,) the size of the smallest perturbation that makes a linear classifier wrong; 0 if it is."""
    logits = pixels @ WEIGHT.T
    own = logits.gather(1, labels[:, None])
    distances = (WEIGHT[labels][:, None] - WEIGHT[None]).norm(p=dual, dim=2)
    radii = ((own - logits) / distances).masked_fill(distances == 0, torch.inf)
    return radii.min(1).values.clamp_min(0)


def test_attacks_see_the_first_images_and_aim_at_the_classes_there_are() -> None:
    labels = (IMAGES.flatten(1).float() @ WEIGHT.T).argmax(1)
    labels[10:] = (labels[10:] + 1) % 5
    of = trained(linear(WEIGHT), IMAGES, labels, scale=255.0)
    assert take("robust_accuracy[eps=1e-9,iterations=1,samples=10]", of) == 100.0
    assert take("robust_accuracy[eps=1e-9,iterations=1]", of) == pytest.approx(100 / 6)
    assert take("robust_accuracy[eps=1,iterations=20,samples=10]", of) == 0.0
    few = trained(linear(WEIGHT[:3]), IMAGES, labels % 3, scale=255.0)
    with pytest.raises(ValueError, match="APGD-T needs at least 4 classes, and there are 3"):
        take("robust_accuracy", few)
