"""Which packages a command loads, in all of its processes: each notes what it imports, in a file of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from packaging.utils import canonicalize_name

from tests.shared.architecture import ROOT
from tests.shared.command import command_environment
from tests.shared.lock import used
from tests.shared.timing import patience

_WATCH = '''
import json, os, sys
from importlib.machinery import PathFinder

FOLDER, NAMES = os.environ["WATCH_FOLDER"], json.loads(os.environ["WATCH_NAMES"])

class Watch:
    """Notes what is executed, not what is looked for."""

    def find_spec(self, name, path=None, target=None):
        spec = PathFinder.find_spec(name, path, target) if name in NAMES else None
        if spec and spec.loader:
            execute = spec.loader.exec_module
            def exec_module(module):
                with open(os.path.join(FOLDER, str(os.getpid())), "a") as file:
                    print(json.dumps([sys.orig_argv, name]), file=file)
                execute(module)
            spec.loader.exec_module = exec_module
        return spec

sys.meta_path.insert(0, Watch())
'''
_MODULES = {"scikit-learn": "sklearn", "ruamel-yaml": "ruamel.yaml", "vl-convert-python": "vl_convert"}
KINDS = {
    "torch.distributed.run": "torchrun", "cluster.work.rank": "rank", "default_worker.py": "Ray worker", "/ray/": "Ray",
}  # fmt: skip
"""Word of a process's command line → what the process is."""


def dependencies() -> dict[str, str]:
    """Distribution that sambench can need, and pandas, which others bring → its module."""
    asked = {canonicalize_name(requirement.name) for requirement in used()}
    return {name: _MODULES.get(name, name.replace("-", "_")) for name in sorted(asked | {"pandas"})}


def loaded(folder: Path, words: Sequence[str], among: Sequence[str]) -> dict[str, set[str]]:
    """Kind of process → those of `among` that it has imported, when Python runs `words` in `folder`."""
    (folder / "watch").mkdir()
    (folder / "watch" / "sitecustomize.py").write_text(_WATCH, encoding="utf-8")
    notes = folder / "notes"
    notes.mkdir()
    environment = command_environment(folder) | {"WATCH_FOLDER": str(notes), "WATCH_NAMES": json.dumps(among)}
    environment["PYTHONPATH"] = os.pathsep.join([str(folder / "watch"), str(ROOT)])
    told = subprocess.run(
        [sys.executable, "-P", *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        timeout=patience(),
        check=False,
    )
    assert told.returncode == 0, told.stderr.decode()
    found: dict[str, set[str]] = {"command": set()}
    for file in notes.iterdir():
        for line, name in map(json.loads, file.read_text(encoding="utf-8").splitlines()):
            found.setdefault(_kind(line), set()).add(name)
    return found


def _kind(command: Sequence[str]) -> str:
    text = " ".join(command)
    return next((kind for word, kind in KINDS.items() if word in text), "command")
