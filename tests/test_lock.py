"""The lock: as pyproject.toml asks for it, and whole."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, distribution

from packaging.utils import canonicalize_name

from tests.shared import lock
from tests.shared.lock import LOCK, OURS, asked_for, needed

PACKAGES = lock.read(LOCK.read_text(encoding="utf-8"))
STALE = "write it anew: make lock"


def test_the_lock_is_what_pyproject_asks_for() -> None:
    asked = {canonicalize_name(requirement.name): requirement for requirement in asked_for()}
    assert {name for name, package in PACKAGES.items() if OURS in package.via} == set(asked), STALE
    refused = [str(line) for name, line in asked.items() if not line.specifier.contains(PACKAGES[name].version)]
    assert not refused, STALE


def test_each_package_is_asked_for_by_one_of_the_lock() -> None:
    askers = {asker for package in PACKAGES.values() for asker in package.via}
    assert askers <= {OURS, *PACKAGES}


def test_what_packages_of_these_versions_need_is_there() -> None:
    """Of those that are installed here in another version only their own names are known."""
    missing, looked_at = [], 0
    for name, package in PACKAGES.items():
        try:
            installed = distribution(name)
        except PackageNotFoundError:
            continue
        if installed.version == package.version:
            looked_at += 1
            for requirement in needed(installed.requires or (), ()):
                there = PACKAGES.get(canonicalize_name(requirement.name))
                if there is None or not requirement.specifier.contains(there.version):
                    missing.append(f"{name} needs {requirement}")
    assert not missing, STALE
    assert looked_at > len(PACKAGES) / 4, STALE


def test_the_image_installs_nothing_else() -> None:
    text = (LOCK.parent / "Dockerfile").read_text(encoding="utf-8")
    installs = [line for line in text.splitlines() if "pip install" in line or "pip wheel" in line]
    assert installs
    assert all("--require-hashes" in line or "--no-index" in line for line in installs)
