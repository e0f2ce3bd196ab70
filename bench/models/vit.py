"""Vision transformers (Dosovitskiy et al. 2021), as built and initialised by timm, with their chain of blocks.

The class token starts at a std of 0.02, as in timm 0.4.12, which the SAM-ON code pins; later versions draw it at 1e-6,
where perturbations in proportion to |w| hardly move it.

Parameters have timm's names, so its weights load. The small ones for CIFAR are the paper's sizes with patches
of 4×4 pixels.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from timm.layers.weight_init import trunc_normal_
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor

from bench.models.segment import Segment, run

CLASS_TOKEN_STD = 0.02


class ChainedVisionTransformer(VisionTransformer):
    """timm's VisionTransformer whose forward pass is a chain: embedding, every block, head."""

    def init_weights(self, *arguments: Any, **options: Any) -> None:
        """timm's initial weights, but for the class token."""
        super().init_weights(*arguments, **options)
        assert self.cls_token is not None, "ours have one"
        trunc_normal_(self.cls_token, std=CLASS_TOKEN_STD)

    def _embed(self, x: Tensor) -> Tensor:
        return self.norm_pre(self.patch_drop(self._pos_embed(self.patch_embed(x))))

    def _finish(self, x: Tensor) -> Tensor:
        return self.forward_head(self.norm(x))

    def segments(self) -> list[Segment]:
        """The chain; every block is a stage of its own."""
        blocks = [Segment(number, block) for number, block in enumerate(self.blocks, 1)]
        return [Segment(1, self._embed), *blocks, Segment(len(blocks), self._finish)]

    def forward(self, x: Tensor, attn_mask: Tensor | None = None, is_causal: bool = False) -> Tensor:
        """(n, in_channels, image_size, image_size) images → (n, num_classes) logits."""
        assert attn_mask is None, "images have no attention mask"
        assert not is_causal, "patches have no order"
        return run(self.segments(), x)


def _vit(*, num_classes: int, in_channels: int, image_size: int, **shape: Any) -> ChainedVisionTransformer:
    """With a class token, MLP ratio 4 unless `shape` has another, and no dropout."""
    return ChainedVisionTransformer(img_size=image_size, in_chans=in_channels, num_classes=num_classes, **shape)


vit_mini = partial(_vit, patch_size=4, embed_dim=64, depth=2, num_heads=4, mlp_ratio=2.0)
vit_t4 = partial(_vit, patch_size=4, embed_dim=192, depth=12, num_heads=3)

_small = partial(_vit, embed_dim=384, depth=12, num_heads=6)
vit_s4 = partial(_small, patch_size=4)
vit_s16 = partial(_small, patch_size=16)
vit_s32 = partial(_small, patch_size=32)
