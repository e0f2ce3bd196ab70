"""The command new: a working example of a plug-in with its test, under the user's name for it."""

from __future__ import annotations

import keyword
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, NamedTuple

from bench.cli.render.terminal import fail, tell
from bench.cli.signature import Argument, command


class Example(NamedTuple):
    """A module of `bench.examples`, and what it defines."""

    module: str
    attribute: str


EXAMPLES = {
    "variant": Example("weighted_sam", "WeightedSam"),
    "scope": Example("biases", "Biases"),
    "model": Example("mlp", "mlp"),
    "dataset": Example("wine", "wine"),
    "augmentation": Example("brightness", "brightness"),
    "optimizer": Example("sign_sgd", "SignSgd"),
    "measure": Example("calibration_error", "calibration_error"),
    "launcher": Example("one_by_one", "OneByOne"),
}


@command(example="sambench new variant my_sam")
def new(
    kind: Annotated[str, Argument(metavar="KIND", help=f"One of {', '.join(EXAMPLES)}.")],
    name: Annotated[str, Argument(metavar="NAME", help="Name of the module, such as `my_sam`.")],
) -> None:
    """Write a small working plug-in (variant, model, measure, …) and its test into this folder."""
    from bench.cli.render.usage import use
    from bench.errors import unknown
    from bench.store import files

    if kind not in EXAMPLES:
        fail(unknown("kind", kind, EXAMPLES))
    example, texts = EXAMPLES[kind], _texts(EXAMPLES[kind], name)
    for file in texts:
        if file.exists() or file.is_symlink():
            fail(f"{file}: already exists; choose another name")
    for file, text in texts.items():
        files.put(file, text.encode())
    path = f"{name}:{_attribute(example, name)}"
    tell(f"wrote {' and '.join(map(str, texts))}; test it:\n  python -m pytest {list(texts)[1]}")
    tell(f"and use it, from a sweep beside it:\n  {use(kind, path)}")


def _texts(example: Example, name: str) -> dict[Path, str]:
    if re.fullmatch(r"[a-z][a-z0-9_]*", name) is None or keyword.iskeyword(name):
        fail(f"{name!r}: write a module name in lower-case letters, digits and underscores, such as my_sam")
    if (found := find_spec(name)) is not None:
        fail(f"{name}: is the name of an existing module ({found.origin}), which would hide it")
    import bench.examples

    home = Path(bench.examples.__file__).parent
    sources = {f"{name}.py": f"{example.module}.py", f"test_{name}.py": f"tests/test_{example.module}.py"}
    return {Path(file): _renamed(example, name, (home / source).read_text("utf-8")) for file, source in sources.items()}


def _renamed(example: Example, name: str, text: str) -> str:
    text = text.replace(f"bench.examples.{example.module}", name)
    return re.sub(rf"\b{example.attribute}\b", _attribute(example, name), text)


def _attribute(example: Example, name: str) -> str:
    """A class is called as classes are, a function as its module."""
    return name if example.attribute.islower() else "".join(word.capitalize() for word in name.split("_"))
