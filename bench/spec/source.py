"""Source: a sweep file as plain values, with the line and column of each.

YAML 1.2 by ruamel.yaml: `on` is a word and `1e-3` a number. The node graph is read rather than the loaded
values, because it alone knows the place of every key and still holds duplicate keys.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path as FilePath
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from bench.spec.fault import Fault, SpecError

Path = tuple[str | int, ...]
"""Keys and indices from the top of the document to a value: `("methods", 1, "rho", 0)`."""


class Source:
    """Plain values of one document, and where each stands."""

    def __init__(self, file: str, node: Node) -> None:
        self.file = file
        self.faults: list[Fault] = []
        self._values: dict[Path, tuple[int, int]] = {}
        self._keys: dict[Path, tuple[int, int]] = {}
        self._overrides: dict[str, str] = {}
        self._constructor = YAML(typ="safe", pure=True).constructor
        self.data = self._plain(node, ())

    @classmethod
    def read(cls, file: FilePath | str) -> Source:
        """Read `file`; SpecError if it is missing, unreadable or no YAML mapping."""
        try:
            text = FilePath(file).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else f"not UTF-8: {error.reason}"
            raise SpecError([Fault(str(file), 0, 0, "", f"can't be read: {reason}")]) from error
        return cls.parse(text, str(file))

    @classmethod
    def parse(cls, text: str, file: str) -> Source:
        """Parse a document; `file` names it in faults."""
        try:
            node = YAML(typ="safe", pure=True).compose(text)
        except MarkedYAMLError as error:
            mark = error.problem_mark
            line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
            raise SpecError([Fault(file, line, column, "", f"no valid YAML: {error.problem}")]) from error
        except YAMLError as error:
            raise SpecError([Fault(file, 1, 1, "", f"no valid YAML: {error}")]) from error
        if not isinstance(node, MappingNode):
            message = "a sweep is a mapping with keys such as title, recipe, grid and methods"
            raise SpecError([Fault(file, 1, 1, "", message)])
        return cls(file, node)

    def override(self, values: Mapping[str, str]) -> None:
        """Let `field=value` from the command line replace every mention of the field; with none, it joins the grid."""
        for field, text in values.items():
            label = f"--set {field}={text}"
            given = Source.parse(f"value: {text}", label)
            self.faults += given.faults
            mentions = [holder for holder in self._axis_holders() if field in holder]
            for holder in mentions or [self.data.setdefault("grid", {})]:
                holder[field] = given.data["value"]
            self._overrides[field] = label

    def fault(self, path: Path, message: str, *, at_key: bool = False) -> Fault:
        """A fault of the value (or key) at `path`, placed at the nearest ancestor that has a place."""
        field = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path).lstrip(".")
        for key in path:
            if key in self._overrides:
                return Fault(self._overrides[str(key)], 0, 0, "", message)
        places = self._keys if at_key and path in self._keys else self._values
        while path and path not in places:
            path = path[:-1]
        return Fault(self.file, *places.get(path, (1, 1)), field, message)

    def _axis_holders(self) -> Iterator[dict[str, Any]]:
        """Every mapping of the document that may name axes."""
        blocks = self.data.get("blocks")
        for block in (self.data, *(blocks if isinstance(blocks, list) else ())):
            if not isinstance(block, dict):
                continue
            for part in ("grid", "zip", "methods"):
                held = block.get(part)
                yield from (item for item in (held if isinstance(held, list) else [held]) if isinstance(item, dict))

    def _plain(self, node: Node, path: Path) -> Any:
        self._values[path] = _place(node)
        if isinstance(node, MappingNode):
            return dict(self._items(node, path))
        if isinstance(node, SequenceNode):
            return [self._plain(item, (*path, index)) for index, item in enumerate(node.value)]
        assert isinstance(node, ScalarNode)
        return self._constructor.construct_object(node)

    def _items(self, node: MappingNode, path: Path) -> Iterator[tuple[str, Any]]:
        seen: set[str] = set()
        for key_node, value_node in node.value:
            key = str(self._constructor.construct_object(key_node))
            if key in seen:
                self.faults.append(Fault(self.file, *_place(key_node), key, "duplicate key"))
                continue
            seen.add(key)
            self._keys[(*path, key)] = _place(key_node)
            yield key, self._plain(value_node, (*path, key))


def _place(node: Node) -> tuple[int, int]:
    return node.start_mark.line + 1, node.start_mark.column + 1
