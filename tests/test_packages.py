"""The page that tells what each package is for: of every one, and as the code says it."""

from __future__ import annotations

from packaging.utils import canonicalize_name

from tests.shared.lock import used
from tests.shared.pages import packages


def test_the_page_tells_what_each_package_is_for() -> None:
    asked = {canonicalize_name(requirement.name) for requirement in used()}
    assert {line.split("[")[0] for line in packages.PURPOSE} == asked
    text = packages.PAGE.read_text(encoding="utf-8")
    table = text[text.index(packages.BEGIN) : text.index(packages.END)]
    lost = [line for line, purpose in packages.PURPOSE.items() if f"| {line} | {purpose} |" not in table]
    assert not lost, "write it anew: python -m tests.shared.pages.packages"
