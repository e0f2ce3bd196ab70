"""What each package of pyproject.toml is for, and what it weighs: the table of docs/install.md.

`python -m tests.shared.pages.packages` measures what is installed and writes the table anew.
"""

from __future__ import annotations

import sys
from collections.abc import Collection
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.shared.architecture import ROOT
from tests.shared.lock import needed

PAGE = ROOT / "docs" / "install.md"
BEGIN, END = "<!-- packages: begin -->\n", "<!-- packages: end -->\n"
PURPOSE = {
    "torch": "training and measures",
    "torchvision": "ImageNet transforms and ResNets, AutoAugment, CIFAR downloads",
    "ray[tune]": "`--on ray`, the default of `run` and `measure`",
    "pyarrow": "the store's files",
    "duckdb": "reading the store: SQL, boards, reports",
    "scipy": "intervals and tests on boards and in rankings",
    "matplotlib": "`plot`",
    "scikit-posthocs": "`rank` and `plot` of more than two methods: Nemenyi's test, critical differences",
    "vl-convert-python": "`report`: Vega inside the page, so that it works offline",
    "scikit-learn": "the data set `digits`, which ships with it",
    "timm": "ViTs, `timm/NAME`, pretrained weights",
    "numpy": "all of the above",
    "huggingface-hub": "bundles at `hf://…`; timm needs it too",
    "altair": "`report`: its charts",
    "pydantic": "checking sweeps and settings",
    "annotated-types": "bounds of settings",
    "submitit": "`run --on slurm`",
    "pyautoattack": "the measure `robust_accuracy`",
    "rich": "tables and progress in a terminal",
    "click": "the command",
    "safetensors": "weights",
    "ruamel-yaml": "reading sweep files with line and column",
    "jinja2": "`report`: its page",
    "tensorboard": "extra `tensorboard`: `run --tensorboard`",
    "schedulefree": "extra `schedulefree`: its optimizers",
    "sacrebleu": "extra `translation`: BLEU",
    "sacremoses": "extra `translation`: tokenization",
    "subword-nmt": "extra `translation`: byte-pair encoding",
}
"""Package → what uses it, and so what loads it."""


@cache
def own_bytes(name: str) -> int:
    """Bytes of an installed distribution's files, without compiled ones."""
    files = distribution(name).files or ()
    return sum(file.locate().stat().st_size for file in files if file.suffix != ".pyc" and file.locate().is_file())


def brought(line: str, without: Collection[str]) -> frozenset[str]:
    """The distributions that a requirement brings, itself among them: none of `without`, nor what only those bring."""
    found: set[str] = set()
    waiting, seen = [Requirement(line)], set[str]()
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        if str(requirement) in seen or (name in without and found):
            continue
        seen.add(str(requirement))
        try:
            requires = distribution(name).requires or ()
        except PackageNotFoundError:
            continue
        found.add(name)
        waiting += needed(requires, requirement.extras)
    return frozenset(found)


def table() -> str:
    """The packages, heaviest first, each alone and with what it brings besides the others of the table."""
    names = {canonicalize_name(Requirement(line).name) for line in PURPOSE}
    rows = []
    for line, purpose in PURPOSE.items():
        with_it = sum(map(own_bytes, brought(line, names)))
        rows.append((with_it, own_bytes(Requirement(line).name), line, purpose))
    lines = [
        f"| {line} | {purpose} | {own / 1e6:,.1f} | {with_it / 1e6:,.1f} |"
        for with_it, own, line, purpose in sorted(rows, reverse=True)
    ]
    everything = frozenset[str]().union(*(brought(line, ()) for line in PURPOSE))
    total = sum(map(own_bytes, everything)) / 1e6
    head = ["| package | used for | MB | with dependencies |", "|---|---|---:|---:|"]
    return "\n".join([*head, *lines, f"| all {len(everything)} | | | {total:,.0f} |", ""])


def main() -> None:
    """Write the table into the page."""
    text = PAGE.read_text(encoding="utf-8")
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    PAGE.write_text(f"{before}{BEGIN}{table()}{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
