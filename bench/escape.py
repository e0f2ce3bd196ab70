"""Escape: control characters written out, so that foreign text is only ever displayed."""

from __future__ import annotations

import re

_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
"""What a terminal obeys or doesn't show: control characters, marks of direction or without width, lone surrogates."""


def visible(text: str) -> str:
    """The text with characters that a terminal would obey written out: what a store or log holds is only shown."""
    return _UNSEEN.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
