"""Compose: YAML text as a graph of nodes; refuses what no sweep needs and what could grow without bound.

YAML 1.2 by ruamel.yaml. Its own extension point, the composer, is where tags, depth and anchors are looked at: before
anything is built of them.
"""

from __future__ import annotations

from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer, ComposerError
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent
from ruamel.yaml.nodes import Node

from bench.errors import shown
from bench.sweep.file.fault import Fault, SpecError

_DEPTH = 24
"""Levels of nesting; a sweep needs eight."""


class _Composer(Composer):
    """Refuses what the library would accept: other versions, tags, anchors of one name, endless nesting."""

    level = 0

    def get_single_node(self) -> Any:
        try:
            return super().get_single_node()
        except (ValueError, OverflowError) as error:
            # An escape such as "\UFFFFFFFF", which is no character.
            raise ComposerError(None, None, str(error), self.loader.reader.get_mark()) from error

    def compose_document(self) -> Any:
        if self.parser.peek_event().version not in (None, (1, 2)):
            self._refuse("a %YAML directive: files are YAML 1.2, drop it")
        return super().compose_document()

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.parser.peek_event()
        if isinstance(event, AliasEvent):
            return super().compose_node(parent, index)
        if event.ctag is not None:
            self._refuse(f"the tag {shown(str(event.ctag))}: values are plain text, numbers, lists and mappings")
        if event.anchor in self.anchors:
            self._refuse(f"a second anchor {shown(event.anchor)}: give it another name")
        if self.level == _DEPTH:
            self._refuse(f"more than {_DEPTH} levels of nesting")
        self.level += 1
        node = super().compose_node(parent, index)
        self.level -= 1
        return node

    def _refuse(self, problem: str) -> None:
        raise ComposerError(None, None, problem, self.parser.peek_event().start_mark)


def compose(text: str, file: str) -> Node | None:
    """The document's node, None for an empty document; SpecError with the place for anything else than one document."""
    yaml = YAML(typ="safe", pure=True)
    yaml.Composer = _Composer
    try:
        return yaml.compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise _invalid(file, place, error.problem) from error
    except YAMLError as error:
        # Characters that no YAML may hold; the library gives their position and not their line.
        position = getattr(error, "position", 0)
        before = text[:position]
        place = (before.count("\n") + 1, len(before) - before.rfind("\n"))
        raise _invalid(file, place, f"the character {shown(text[position : position + 1])} is not allowed") from error


_WAYS_OUT = {
    "mapping values are not allowed": "indent the line as those beside it, or quote a value that holds a colon",
    "expected <block end>": "indent the line as those beside it",
    "expected '<document start>'": "begin all keys of the top level in one column",
    "another document": "a file holds one sweep; drop the line ---",
    "'\\t'": "indent by spaces instead of tabs",
    "but got '['": 'a value with brackets stands in quotes there, such as "only_norm[2,3]"',
}
"""Part of the library's message → what usually mends it."""


def _invalid(file: str, place: tuple[int, int], problem: object) -> SpecError:
    way_out = next((f"; {told}" for words, told in _WAYS_OUT.items() if words in str(problem)), "")
    return SpecError([Fault(file, *place, "", f"no valid YAML: {problem}{way_out}")])
