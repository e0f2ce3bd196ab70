"""Content: how a trial identifies the files that it is made from."""

from __future__ import annotations

CONTENT = "@sha256:"
"""Stands between a path and the digest of what is there."""


def dataset_identity(dataset: str) -> str:
    """What identifies a data set: of `folder:PATH@sha256:DIGEST` and the like the digest, of others the name."""
    written, content, digest = dataset.partition(CONTENT)
    kind, colon, _ = written.partition(":")
    return f"{kind}:{CONTENT}{digest}" if content and colon else dataset


def weights_identity(init_from: str) -> str:
    """What identifies pretrained weights: of `FILE@sha256:DIGEST` the digest, of a tag the tag."""
    file, at, digest = init_from.rpartition("@sha256:")
    return at + digest if file else init_from
