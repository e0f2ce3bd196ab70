"""Expected calibration error (Guo et al. 2017): how far confidence and accuracy are apart, on the test split."""

from typing import Annotated

import torch
from annotated_types import Ge

from bench.measures.trained import Trained
from bench.plugins import about


@about(lower_is_better=True, unit="%", digits=2)
@torch.no_grad()
def calibration_error(trained: Trained, *, bins: Annotated[int, Ge(1), "bins of equal width"] = 15) -> float:
    """Mean of |accuracy − confidence| over bins of the confidence, by samples, %."""
    trained.model.eval()
    batches = trained.splits.normalized(trained.splits.test.in_order(512))
    answers = [(trained.model(images).softmax(1).max(1), labels) for images, labels in batches]
    confidence = torch.cat([top.values for top, _ in answers]).double()
    correct = torch.cat([top.indices == labels for top, labels in answers]).double()
    place = (confidence * bins).ceil().clamp(1, bins).long() - 1
    gaps = torch.zeros(bins, dtype=torch.double, device=place.device).index_add(0, place, correct - confidence)
    return 100 * float(gaps.abs().sum()) / len(place)
