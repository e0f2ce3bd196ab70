"""requirements.lock: every package that an experiment can need, at one version and with the digest of its file.

`make lock` writes it anew: pip resolves what pyproject.toml asks for, with the extras that experiments can need, and
says which files it would install. The image is built from it, and it is what a paper can be reproduced with.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.shared.architecture import ROOT

LOCK = ROOT / "requirements.lock"
EXTRAS = ("schedulefree", "tensorboard", "translation")
"""Extras that experiments can need."""
OURS = "sambench"
_HEADER = """\
# Every package that an experiment can need, for CPython 3.11 on Linux x86-64. Written by `make lock`; to install:
#   pip install --require-hashes --requirement requirements.lock
"""
_ENTRY = re.compile(
    r"^(?P<name>[a-z0-9-]+)==(?P<version>\S+) \\\n    --hash=sha256:(?P<digest>[0-9a-f]{64})\n    # via (?P<via>.+)\n",
    re.MULTILINE,
)


@dataclass(frozen=True, kw_only=True)
class Locked:
    """One package of the lock."""

    name: str
    version: str
    digest: str
    """SHA-256 of the wheel."""
    via: tuple[str, ...]
    """Who asks for it."""

    def __str__(self) -> str:
        via = ", ".join(self.via)
        return f"{self.name}=={self.version} \\\n    --hash=sha256:{self.digest}\n    # via {via}\n"


def read(text: str) -> dict[str, Locked]:
    """The packages of a lock by their names; AssertionError for a line that isn't as written here."""
    found = [Locked(**{**entry.groupdict(), "via": tuple(entry["via"].split(", "))}) for entry in _ENTRY.finditer(text)]
    assert text == written(found)
    return {package.name: package for package in found}


def written(packages: Iterable[Locked]) -> str:
    """The text of a lock."""
    return _HEADER + "".join(map(str, packages))


def used() -> list[Requirement]:
    """What pyproject.toml asks for to run, and in the extras of experiments."""
    project = _pyproject()["project"]
    extras = [line for extra in EXTRAS for line in project["optional-dependencies"][extra]]
    return list(map(Requirement, (*project["dependencies"], *extras)))


def asked_for() -> list[Requirement]:
    """The same, and what it asks for to be built."""
    return [*used(), *map(Requirement, _pyproject()["build-system"]["requires"])]


def _pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def needed(requires: Iterable[str], extras: Iterable[str]) -> Iterator[Requirement]:
    """Those of a package's requirements that hold on this machine, with these of its extras."""
    for requirement in map(Requirement, requires):
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            yield requirement


def _resolved() -> list[dict[str, Any]]:
    """What pip would install, as it reports it."""
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet", "--report", "-"]
    answer = subprocess.run(
        [*command, "--only-binary", ":all:", *map(str, asked_for())], stdout=subprocess.PIPE, check=True
    )
    items: list[dict[str, Any]] = json.loads(answer.stdout)["install"]
    return items


def _askers(metadata: Mapping[str, Mapping[str, Any]]) -> dict[str, set[str]]:
    """Who asks for each package."""
    found: dict[str, set[str]] = {name: set() for name in metadata}
    waiting = [(OURS, requirement) for requirement in asked_for()]
    seen: set[tuple[str, str]] = set()
    while waiting:
        asker, requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        found[name].add(asker)
        if (name, str(sorted(requirement.extras))) not in seen:
            seen.add((name, str(sorted(requirement.extras))))
            requires = metadata[name].get("requires_dist", ())
            waiting += [(name, each) for each in needed(requires, requirement.extras)]
    return found


def made() -> str:
    """The lock as pip resolves it now."""
    items = {canonicalize_name(item["metadata"]["name"]): item for item in _resolved()}
    askers = _askers({name: item["metadata"] for name, item in items.items()})
    return written(
        Locked(
            name=name,
            version=items[name]["metadata"]["version"],
            digest=items[name]["download_info"]["archive_info"]["hashes"]["sha256"],
            via=tuple(sorted(askers[name])),
        )
        for name in sorted(items)
    )


if __name__ == "__main__":
    LOCK.write_text(made(), encoding="utf-8")
