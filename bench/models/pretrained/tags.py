"""PRETRAINED: timm's weights that fit networks of ours, and how their images are prepared, without asking timm.

A test compares them with timm's own configurations. Of every other model and tag, timm itself is asked when one is
built.
"""

from __future__ import annotations

from bench.models import VIT_PREPROCESSING, imagenet_preprocessing
from bench.registry import Interpolation, Preprocessing, PretrainedEntry

Tags = dict[str, PretrainedEntry]


def _resnet(depth: int, crop: float, *tags: str, interpolation: Interpolation = "bicubic") -> Tags:
    found = PretrainedEntry(
        model=f"resnet{depth}",
        preprocessing=imagenet_preprocessing(crop, interpolation),
        zero_init=True,
    )
    return {f"timm/resnet{depth}.{tag}": found for tag in tags}


def _vit(patch: int, tag: str, preprocessing: Preprocessing = VIT_PREPROCESSING) -> Tags:
    found = PretrainedEntry(model=f"vit_s{patch}", preprocessing=preprocessing, zero_init=False)
    return {f"timm/vit_small_patch{patch}_224.{tag}": found}


PRETRAINED: Tags = {
    **_vit(16, "augreg_in21k"),
    **_vit(16, "augreg_in21k_ft_in1k"),
    **_vit(16, "augreg_in1k"),
    **_vit(16, "dino", imagenet_preprocessing(0.9)),
    **_vit(32, "augreg_in21k"),
    **_vit(32, "augreg_in21k_ft_in1k"),
    **_resnet(50, 0.95, "a1_in1k", "a2_in1k", "a3_in1k", "b1k_in1k", "b2k_in1k", "c1_in1k", "c2_in1k", "d_in1k"),
    **_resnet(50, 0.9, "a1h_in1k"),
    **_resnet(50, 0.875, "am_in1k", "bt_in1k", "gluon_in1k", "ra_in1k", "ram_in1k"),
    **_resnet(50, 0.875, "tv_in1k", "tv2_in1k", interpolation="bilinear"),
    **_resnet(50, 0.875, "fb_ssl_yfcc100m_ft_in1k", "fb_swsl_ig1b_ft_in1k", interpolation="bilinear"),
    **_resnet(50, 1.0, "bamboo"),
    **_resnet(101, 0.95, "a1_in1k", "a1h_in1k", "a2_in1k", "a3_in1k"),
    **_resnet(101, 0.875, "gluon_in1k"),
    **_resnet(101, 0.875, "tv_in1k", "tv2_in1k", interpolation="bilinear"),
}
"""Tag, as `init_from` names it → what it needs."""
