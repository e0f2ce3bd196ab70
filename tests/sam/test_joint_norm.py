"""Is the norm of many tensors torch's own, to the bit, and is it known to be finite wherever it is?"""

from __future__ import annotations

import pytest
import torch

from bench.sam.base.joint_norm import is_finite, joint_norm, norms_of

# The whole may be too large for a precision that each part is still within.
SIZES = [0.0, 1e-3, 1.0, 3e4, 1e16, 1.5e19, torch.inf, torch.nan]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_as_torch_has_it(dtype: torch.dtype, size: float) -> None:
    generator = torch.Generator().manual_seed(1)
    tensors = [torch.rand(shape, generator=generator).to(dtype) for shape in ((3, 5), (7,), (2, 2, 2), (1,))]
    tensors = [*tensors, *(torch.full((1,), size).to(dtype) for _ in range(4))]
    expected = torch.nn.utils.get_total_norm(tensors)
    assert torch.equal(joint_norm(tensors).nan_to_num(nan=-1.0), expected.nan_to_num(nan=-1.0))
    assert is_finite(norms_of(tensors)) is bool(expected.isfinite())


def test_of_several_precisions() -> None:
    tensors = [torch.full((4,), 2.0), torch.full((9,), 1.0, dtype=torch.bfloat16), torch.full((3,), 1.0)]
    assert joint_norm(tensors).item() == pytest.approx(28**0.5)


def test_a_device_keeps_the_answer() -> None:
    assert isinstance(is_finite(norms_of([torch.empty(3, device="meta")] * 2)), torch.Tensor)
