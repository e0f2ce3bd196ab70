"""The command's first step: take `bench` and `cluster` from beside this file, whatever else has these names."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path


def main() -> None:
    """Run the command `sambench`."""
    try:
        for name in ("bench", "cluster"):
            _import(name, Path(__file__).resolve().parent / name)
        from bench.cli import main as command

        command()
    except KeyboardInterrupt:
        # While modules are imported, too: whoever ends a command knows that it has ended.
        sys.exit(130)


def _import(name: str, folder: Path) -> None:
    spec = importlib.util.spec_from_file_location(
        name, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
