"""What tutorials show as printed: `python -m tests.shared.pages.tutorials` types their commands anew.

In a folder with the sweeps, an empty home, and a SLURM cluster of two nodes on this machine. Figures depend on the
processor, so nothing compares them; tests/docs types the commands.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.docs.blocks import Block, blocks
from tests.shared.architecture import ROOT
from tests.slurm.site.cluster import Cluster
from tests.slurm.site.daemons import PATH

PAGES = ("laptop-to-slurm.md", "paper-table.md", "upgrade.md")
"""In this order: the first one trains what the others read."""
PROFILES = Path(".config/sambench/profiles.yaml")


def typed(command: str, folder: Path, environment: dict[str, str]) -> str:
    """A prompt, the command, and what it printed, with the names that folders would have for a reader."""
    print(f"$ {command}", flush=True)
    ended = subprocess.run(
        command, shell=True, cwd=folder, env=environment, encoding="utf-8",
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=True,
    )  # fmt: skip
    said = ended.stdout.replace(str(folder), "~/sam").replace(str(ROOT), "~/sambench").strip("\n")
    lines = [line.rstrip() for line in said.splitlines()]
    return "".join(f"{line}\n" for line in (f"$ {command}", *lines))


def written(page: Path, folder: Path, environment: dict[str, str], cluster: Cluster) -> str:
    """The page with what its commands print now."""
    done, rest = "", page.read_text(encoding="utf-8")
    for block in blocks(page):
        cluster.wait_until_idle(patience=900)
        if block.language == "yaml":
            (folder / PROFILES).parent.mkdir(parents=True, exist_ok=True)
            (folder / PROFILES).write_text(block.text, encoding="utf-8")
        if block.language == "console":
            before, _, rest = rest.partition(f"```console\n{block.text}")
            done += f"{before}```console\n{''.join(typed(command, folder, environment) for command in prompts(block))}"
    return done + rest


def prompts(block: Block) -> list[str]:
    return re.findall(r"^\$ (.+)$", block.text, re.MULTILINE)


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="sam") as place, Cluster(Path(place) / "slurm") as cluster:
        folder = Path(place) / "home"
        folder.mkdir()
        (folder / "sweeps").symlink_to(ROOT / "sweeps")
        environment = {
            "HOME": str(folder), "PATH": f"{Path(sys.executable).parent}:{PATH}", "LANG": "C.UTF-8",
            "USER": os.environ.get("USER", "me"), "COLUMNS": "120", **cluster.environment,
        }  # fmt: skip
        for name in PAGES:
            page = ROOT / "docs" / name
            page.write_text(written(page, folder, environment, cluster), encoding="utf-8")


if __name__ == "__main__":
    main()
