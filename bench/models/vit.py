"""Vision transformers (Dosovitskiy et al. 2021), as built by timm, with their chain of blocks."""

from __future__ import annotations

from timm.models.vision_transformer import VisionTransformer
from torch import Tensor

from bench.models.segment import Segment, run


class ChainedVisionTransformer(VisionTransformer):
    """timm's VisionTransformer whose forward pass is a chain: embedding, every block, head."""

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


def vit_mini(*, num_classes: int, in_channels: int, image_size: int) -> ChainedVisionTransformer:
    """A ViT for images of about 8×8: patch 4, width 64, depth 2, 4 heads, MLP ratio 2, class token."""
    return ChainedVisionTransformer(
        img_size=image_size,
        patch_size=4,
        in_chans=in_channels,
        num_classes=num_classes,
        embed_dim=64,
        depth=2,
        num_heads=4,
        mlp_ratio=2.0,
    )
