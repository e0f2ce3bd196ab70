"""Scrub: replaces or removes what records say about machines and people.

Machines are numbered, so that it stays known what ran on the same one; paths in messages and of plug-ins keep their
last part; process ids go. Names of devices, versions, commits and times stay: results are judged by them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import Any

_PATH = re.compile(r"(?<![\w/:.])(?:~|/[\w.+@~-]+)(?:/[\w.+@~-]+)*/(?=[\w.+@~-])")
"""All of a path but its last part."""


class Scrub:
    """Writes texts of records otherwise, once all machines are known."""

    def __init__(self, hosts: Iterable[str]) -> None:
        self.hosts = {host: f"host-{number}" for number, host in enumerate(sorted(set(hosts)), 1)}
        longest = sorted(map(re.escape, self.hosts), key=len, reverse=True)
        self._named = re.compile(rf"(?<![\w.-])(?:{'|'.join(longest)})(?![\w-])") if longest else None

    def message(self, text: str) -> str:
        """What an attempt said at its end."""
        if self._named is not None:
            text = self._named.sub(lambda found: self.hosts[found[0]], text)
        return _PATH.sub("…/", text)

    def plugins(self, text: str) -> str:
        """What an attempt used that isn't sambench's own."""
        return json.dumps({path: origin(each) for path, each in json.loads(text).items()})

    @property
    def columns(self) -> dict[str, Callable[[str], str]]:
        """Columns of attempts and results that are written otherwise; `pid` goes."""
        return {"host": self.hosts.__getitem__, "message": self.message, "plugins": self.plugins}


def origin(known: dict[str, Any]) -> dict[str, Any]:
    """Where a plug-in comes from, without the folders that its file lies in."""
    return {name: value.rpartition("/")[2] if name == "file" else value for name, value in known.items()}
