"""The map of the house: who may import whom, what stays light, and docs/architecture.md, which is written from both.

`python -m tests.shared.architecture` writes the generated parts of the page anew; a test compares them with what it
would write.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import bench

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "architecture.md"

GROUND = (
    "cache",
    "cores",
    "distributed",
    "errors",
    "escape",
    "fingerprint",
    "optim.library",
    "optim.registry",
    "plugins",
    "provenance",
    "registry",
    "resources",
    "seeds",
    "trial",
    "validation",
)
"""Modules and folders of `bench` that everyone may import, and that import nothing of ours but each other."""

FRONTS = {
    "bench.sam": ("bench.sam", "bench.sam.registry", "bench.sam.names", "bench.sam.cost"),
    "bench.optim": ("bench.optim.registry", "bench.optim.library"),
    "bench.models": ("bench.models",),
    "bench.data": (
        "bench.data", "bench.data.augmentations", "bench.data.files.location", "bench.data.fake_names",
        "bench.data.text.registry", "bench.data.text.text_files",
    ),
    "bench.measures": (
        "bench.measures", "bench.measures.names", "bench.measures.bins", "bench.measures.applicable",
        "bench.measures.outputs",
    ),
    "bench.tasks": ("bench.tasks",),
}  # fmt: skip
"""The light front of a folder: its names, checked without what is behind them. Written with a ° in the table."""

MAY_IMPORT: dict[str, tuple[str, ...]] = {
    "bench.sam": (),
    "bench.optim": (),
    "bench.models": (),
    "bench.data": (),
    "bench.measures": ("bench.models", "bench.data", "bench.sam"),
    "bench.papers": ("bench.measures°",),
    "bench.store": ("bench.measures°",),
    "bench.sweep": (
        "bench.papers", "bench.store", "bench.tasks°", "bench.sam°", "bench.models°", "bench.data°", "bench.measures°",
    ),
    "bench.tasks": ("bench.sam", "bench.models", "bench.data", "bench.measures"),
    "bench.train": (
        "bench.store", "bench.tasks", "bench.sam", "bench.optim", "bench.models", "bench.data", "bench.measures",
    ),
    "bench.estimate": ("bench.store", "bench.sam°", "bench.models°", "bench.data°"),
    "bench.board": (
        "bench.sweep", "bench.papers", "bench.store", "bench.estimate", "bench.tasks°", "bench.sam°",
        "bench.measures°",
    ),
    "bench.plots": (
        "bench.board", "bench.sweep", "bench.papers", "bench.store", "bench.estimate", "bench.tasks°",
        "bench.measures°",
    ),
    "bench.notebook": ("bench.plots", "bench.board", "bench.store", "bench.sweep"),
    "bench.report": (
        "bench.plots", "bench.board", "bench.sweep", "bench.papers", "bench.store", "bench.estimate", "bench.tasks°",
    ),
    "bench.publish": (
        "bench.report", "bench.board", "bench.sweep", "bench.papers", "bench.store", "bench.sam°",
    ),
    "cluster": ("bench.train", "bench.store", "bench.sweep", "bench.estimate", "bench.tasks°", "bench.measures°"),
    "cluster.on_ray": ("cluster", "bench.train", "bench.store", "bench.sweep", "bench.estimate", "bench.measures°"),
    "cluster.on_slurm": ("cluster", "bench.train", "bench.store", "bench.sweep", "bench.estimate", "bench.measures°"),
    "cluster.slurm_entry": ("cluster.on_slurm",),
    "bench.examples": ("bench.sam", "bench.models", "bench.data", "bench.measures", "cluster"),
    "bench.cli": (
        "bench.sam", "bench.models", "bench.data", "bench.measures", "bench.tasks", "bench.papers", "bench.store",
        "bench.sweep",
        "bench.train", "bench.estimate", "bench.board", "bench.plots", "bench.report", "bench.publish", "cluster",
        "cluster.on_ray", "cluster.on_slurm", "bench.examples",
    ),
}  # fmt: skip
"""Folder, or module beside the folders → what it may import beside itself and the ground floor."""

HEAVY = {
    "torch": (
        "bench.distributed", "bench.sam", "bench.optim", "bench.models", "bench.data", "bench.measures", "bench.tasks",
        "bench.train", "bench.examples", "cluster.work.measure_worker", "cluster.work.probe", "cluster.work.rank",
        "cluster.work.session", "cluster.work.torchrun", "cluster.work.worker", "cluster.on_ray.nodes",
        "cluster.on_slurm.worker",
    ),
    "ray": ("cluster.on_ray",),
    "submitit": ("cluster.on_slurm.launcher", "cluster.on_slurm.script",),
}  # fmt: skip
"""Package that takes seconds to import → folders and modules that may load it as they are imported, but no front."""


@cache
def modules() -> dict[str, Path]:
    """Every module of ours and its file."""
    files = [file for package in ("bench", "cluster") for file in sorted((ROOT / package).rglob("*.py"))]
    return {".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): file for file in files}


def room(module: str) -> str:
    """The line of the table that a module belongs to; "" for the ground floor."""
    if module == "bench" or f"{module}.".startswith(tuple(f"bench.{name}." for name in GROUND)):
        return ""
    if module == "bench.__main__":
        return "bench.cli"
    parts = module.split(".")
    names = [".".join(parts[:size]) for size in range(len(parts), 0, -1)]
    return next((name for name in names if name in MAY_IMPORT), f"no line for {module}")


def may_import(module: str, other: str) -> bool:
    """Whether the table lets `module` import `other`."""
    own, asked = room(module), room(other)
    if not own:
        return not asked
    allowed = MAY_IMPORT[own]
    return asked in (own, "") or asked in allowed or (f"{asked}°" in allowed and other in FRONTS[asked])


def is_light(module: str) -> bool:
    """Whether a module must load none of HEAVY."""
    fronts = {front for names in FRONTS.values() for front in names}
    places = [place for places in HEAVY.values() for place in places]
    return module in fronts or not any(module == place or module.startswith(f"{place}.") for place in places)


@cache
def imported(module: str) -> frozenset[str]:
    """Modules of ours that a module imports when it runs, be it inside a function; types alone don't count."""
    known = modules()
    found = set()
    for node in _statements(ast.parse(known[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: imports are absolute"
            parts = [f"{node.module}.{alias.name}" for alias in node.names]
            found |= {part if part in known else str(node.module) for part in parts}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return frozenset(name for name in found if name in known and name != module)


def _statements(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            continue
        yield node
        yield from _statements(node)


def written() -> str:
    """The page with its generated parts as they should be."""
    parts = {"words": _words(), "tree": _tree(), "imports": _imports(), "heavy": _heavy()}
    text = PAGE.read_text(encoding="utf-8")
    for name, part in parts.items():
        begin, end = f"<!-- {name}: generated -->\n", f"<!-- {name}: end -->\n"
        text = text[: text.index(begin) + len(begin)] + "\n" + part + "\n" + text[text.index(end) :]
    return text


def _words() -> str:
    """The glossary of the package."""
    rows = [line for line in inspect.getdoc(bench).splitlines() if line.startswith("|")]  # type: ignore[union-attr]
    return "\n".join(rows) + "\n"


def _tree() -> str:
    known = modules()
    folders = {module: file for module, file in known.items() if file.name == "__init__.py"}
    lines = []
    for folder, file in folders.items():
        inside = {m: f for m, f in known.items() if f.parent == file.parent and f != file}
        width = max((len(each.name) for each in inside.values()), default=0)
        lines += ["", f"{folder.replace('.', '/')}/  {_first_sentence(file)}"]
        lines += [f"  {each.name:<{width}}  {_first_sentence(each)}" for each in inside.values()]
    return "\n".join(["```text", *lines[1:], "```", ""])


def _first_sentence(file: Path) -> str:
    doc = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    text = " ".join(doc.partition("\n\n")[0].split())
    # What ends a sentence, but "et al. 2023", "Figs. 1, 2" and "App. B" don't.
    first = re.split(r"(?<!\bal)(?<!\bApp)(?<=[.?!])\s(?=[^\d\W])", text, maxsplit=1)[0]
    return first.rstrip(".:").strip()


def _imports() -> str:
    ground = ", ".join(f"`{name}`" for name in GROUND)
    rows = [f"| the ground floor: {ground} of `bench` | nothing |"]
    for name, allowed in MAY_IMPORT.items():
        rows.append(f"| `{_path(name)}` | {', '.join(f'`{_path(each)}`' for each in allowed) or '–'} |")
    return "\n".join(["| folder | may import, beside itself and the ground floor |", "|---|---|", *rows, ""])


def _heavy() -> str:
    rows = [f"| `{name}` | {', '.join(f'`{_path(place)}`' for place in places)} |" for name, places in HEAVY.items()]
    return "\n".join(["| package | may be loaded by the import of |", "|---|---|", *rows, ""])


def _path(module: str) -> str:
    mark = "°" if module.endswith("°") else ""
    path = module.removesuffix("°").replace(".", "/")
    return f"{path}/{mark}" if (ROOT / path).is_dir() else f"{path}.py{mark}"


if __name__ == "__main__":
    PAGE.write_text(written(), encoding="utf-8")
