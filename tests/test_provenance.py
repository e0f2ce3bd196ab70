"""Of an image, which holds no checkout, an attempt records the commit that it was built from."""

from __future__ import annotations

import pytest

from bench import provenance
from tests.shared.command import ROOT


def test_the_commit_of_an_image(monkeypatch: pytest.MonkeyPatch) -> None:
    # As git finds it where there is no checkout.
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    monkeypatch.setenv(provenance.BUILT_FROM, "")
    assert provenance.code.__wrapped__()["git_commit"] is None
    monkeypatch.setenv(provenance.BUILT_FROM, "0123abc")
    made_with = provenance.code.__wrapped__()
    assert (made_with["git_commit"], made_with["git_dirty"]) == ("0123abc", None)
    assert f"ENV {provenance.BUILT_FROM}=$GIT_COMMIT" in (ROOT / "Dockerfile").read_text(encoding="utf-8")
