"""Content: the names by which a trial refers to data and weights, and what in them identifies these."""

from __future__ import annotations

CONTENT = "@sha256:"
"""Stands between a path and the digest of what is there."""


TIMM = "timm/"
"""Begins the names of timm's models and weights."""


def without_content(name: str) -> str:
    """`FILE` of `FILE@sha256:DIGEST`, or a name without a digest as it is."""
    return name.partition(CONTENT)[0]


def dataset_identity(dataset: str) -> str:
    """What identifies a data set: of `folder:PATH@sha256:DIGEST` and the like the digest, of others the name."""
    written, content, digest = dataset.partition(CONTENT)
    kind, colon, _ = written.partition(":")
    return f"{kind}:{CONTENT}{digest}" if content and colon else dataset


def weights_identity(init_from: str) -> str:
    """What identifies pretrained weights: of `FILE@sha256:DIGEST` the digest, of a tag the tag."""
    file, at, digest = init_from.rpartition(CONTENT)
    return at + digest if file else init_from
