"""Source: a sweep file as plain values, with the line and column of each.

`on` is a word, `1e-3` a number and a date text. The node graph is read rather than the loaded values, because it
alone knows the place of every key and still holds duplicate keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path as FilePath
from typing import Any
from unicodedata import category

from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode

from bench.errors import shown
from bench.sweep.file.compose import compose
from bench.sweep.file.fault import Fault, SpecError
from bench.sweep.file.text import read_text
from bench.validation import Path

_SWEEP = "a sweep is a mapping with keys such as title, recipe, grid and methods"
_VALUES = 50_000
"""Values of a document, at most; those behind an alias count each time."""
_FAULTS = 200
"""Faults after which reading stops: a file with more is hardly a sweep."""
_LENGTH = 4096
"""Characters of a word."""
_BITS = 64
_CONTROL = ("Cc", "Cs", "Zl", "Zp")
"""Unicode's categories of control characters, halves of characters and further line breaks."""
MERGE = "<<"
_SCALARS = ("int", "float", "bool", "null")


class Unknown:
    """Placeholder for a value that could not be read, so that whatever doesn't depend on it is still checked."""

    def __repr__(self) -> str:
        return "…"


UNKNOWN = Unknown()


class Source:
    """Plain values of one document, and where each stands."""

    def __init__(self, file: str, node: Node) -> None:
        self.file = file
        self.faults: list[Fault] = []
        self.spoiled: set[Path] = set()
        """Paths of values that could not be read or have no meaning: no further faults are reported there."""
        self.settings_known = True
        """Whether every plug-in that the document names was found; only then is an unknown field a mistake."""
        self.overridden: dict[str, str] = {}
        """Field → the `--set` option that gives it."""
        self._values: dict[Path, tuple[int, int]] = {}
        self._keys: dict[Path, tuple[int, int]] = {}
        self._open: set[Node] = set()
        self._constructor = YAML(typ="safe", pure=True).constructor
        self.data = self._plain(node, ())

    @classmethod
    def read(cls, file: FilePath | str, shape: str = _SWEEP) -> Source:
        """Read `file`; SpecError if it is missing, unreadable or no YAML mapping, which `shape` says in full."""
        return cls.parse(read_text(FilePath(file)), str(file), shape)

    @classmethod
    def parse(cls, text: str, file: str, shape: str = _SWEEP) -> Source:
        """Parse a document; `file` names it in faults."""
        node = compose(text, file)
        if not isinstance(node, MappingNode):
            raise SpecError([Fault(file, 1, 1, "", shape)])
        return cls(file, node)

    def override(self, values: Mapping[str, str]) -> None:
        """Let `field=value` from the command line replace every mention of the field; with none, it joins the grid."""
        for field, text in values.items():
            label = f"--set {field}={shown(text)[1:-1]}"
            self.overridden[field] = label
            given = self._given(text, label)
            for holder in [each for each in self._axis_holders() if field in each] or self._grid():
                holder[field] = given

    def named(self, field: str) -> Iterator[str]:
        """Every text that is written for a field."""
        for holder in self._axis_holders():
            written = holder.get(field)
            yield from (each for each in (written if isinstance(written, list) else [written]) if isinstance(each, str))

    def _given(self, text: str, label: str) -> Any:
        """The value of an option, whose faults have no line."""
        try:
            given = Source.parse(f"value: {text}", label)
        except SpecError as error:
            raise SpecError(replace(fault, line=0) for fault in error.faults) from error
        self.extend(replace(fault, line=0, field="") for fault in given.faults)
        if given.data.keys() != {"value"}:
            self.extend([Fault(label, 0, 0, "", "write one value, or a list of them in brackets")])
        return given.data["value"]

    def report(self, path: Path, message: str, *, at_key: bool = False) -> None:
        """Note a fault of the value (or key) at `path`, unless one was reported there that rules out others."""
        if not any(path[:length] in self.spoiled for length in range(len(path) + 1)):
            self.extend([self.fault(path, message, at_key=at_key)])

    def spoil(self, path: Path, message: str, *, at_key: bool = False) -> None:
        """Report a fault after which no other is reported for the value at `path`."""
        self.report(path, message, at_key=at_key)
        self.spoiled.add(path)

    def extend(self, faults: Iterable[Fault]) -> None:
        """Note faults; SpecError when there are too many to go on."""
        self.faults += faults
        if len(self.faults) > _FAULTS and len(set(self.faults)) > _FAULTS:
            stop = replace(self.faults[-1], field="", message=f"stopped here: more than {_FAULTS} faults")
            raise SpecError([*self.faults[:_FAULTS], stop])

    def fault(self, path: Path, message: str, *, at_key: bool = False) -> Fault:
        """A fault of the value (or key) at `path`, placed at the nearest ancestor that has a place."""
        field = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path).lstrip(".")
        for key in path:
            if key in self.overridden:
                return Fault(self.overridden[str(key)], 0, 0, "", message)
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

    def _grid(self) -> list[dict[str, Any]]:
        """The grid of the whole document; none if there is something else in its place."""
        grid = self.data.setdefault("grid", {})
        return [grid] if isinstance(grid, dict) else []

    def _plain(self, node: Node, path: Path) -> Any:
        self._values[path] = _place(node)
        if len(self._values) > _VALUES:
            raise SpecError([*self.faults, self.fault(path, f"more than {_VALUES:,} values: repeat less by aliases")])
        if isinstance(node, ScalarNode):
            return self._scalar(node, path)
        if node in self._open:
            self.spoil(path, "an alias of what it is a part of, which has no end")
            return UNKNOWN
        self._open.add(node)
        plain: Any = dict(self._items(node, path)) if isinstance(node, MappingNode) else self._sequence(node, path)
        self._open.remove(node)
        return plain

    def _sequence(self, node: Node, path: Path) -> list[Any]:
        return [self._plain(item, (*path, index)) for index, item in enumerate(node.value)]

    def _scalar(self, node: ScalarNode, path: Path) -> Any:
        """The value; dates, `=` and `<<` are words."""
        if str(node.tag).rpartition(":")[2] not in _SCALARS:
            return self._word(node.value, path)
        try:
            value = self._constructor.construct_object(node)
        except (ValueError, IndexError):
            # Also an integer of more digits than Python reads.
            value = None if node.value == "" else UNKNOWN
        if value is UNKNOWN or (isinstance(value, int) and value.bit_length() >= _BITS):
            self.spoil(path, f"is no number of at most {_BITS} bits: {shown(node.value)}")
            return UNKNOWN
        return value

    def _word(self, text: str, path: Path) -> Any:
        """Text; control characters and overlong words are refused here, so that nobody else need check."""
        if problem := _unprintable(text.replace("\n", "").replace("\t", "")):
            self.spoil(path, problem)
            return UNKNOWN
        return text

    def _items(self, node: MappingNode, path: Path) -> Iterator[tuple[str, Any]]:
        seen: set[str] = set()
        for key_node, value_node in node.value:
            key = key_node.value if isinstance(key_node, ScalarNode) else ""
            if problem := _bad_key(key_node, key) or (_TWICE if key in seen else None):
                field = key if key in seen else ""
                self.extend([Fault(self.file, *_place(key_node), field, problem)])
                self.spoiled |= {(*path, MERGE)} if key == MERGE else set()
                continue
            seen.add(key)
            self._keys[(*path, key)] = _place(key_node)
            yield key, self._plain(value_node, (*path, key))


_TWICE = "duplicate key: it stands above already; drop one of the two"


def _bad_key(node: Node, key: str) -> str | None:
    if not isinstance(node, ScalarNode):
        return "a key is a word, not a list or a mapping"
    if not key:
        return "a key is missing before the colon"
    if key == MERGE:
        return f"merge keys ({MERGE}) are not supported: write the keys themselves"
    return _unprintable(key)


def _unprintable(text: str) -> str | None:
    if len(text) > _LENGTH:
        return f"is longer than {_LENGTH:,} characters"
    if bad := next((each for each in text if category(each) in _CONTROL), None):
        return f"holds the character {bad!a}, which can't be shown"
    return None


def _place(node: Node) -> tuple[int, int]:
    return node.start_mark.line + 1, node.start_mark.column + 1
