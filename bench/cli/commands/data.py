"""Commands about registries, data sets and recipes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

from bench.cli.options import DataRootOption, JsonOption
from bench.cli.render.terminal import fail, show, tell
from bench.cli.signature import Argument, Option, command
from bench.errors import unknown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.data.files.location import DataFiles

_KINDS = (
    "variants", "scopes", "models", "data", "augmentations", "optimizers", "measures", "recipes", "launchers",
)  # fmt: skip

NameArgument = Annotated[str, Argument(metavar="NAME", help="Data set, such as `cifar10` or `folder:PATH`.")]


@command(name="list", example="sambench list variants")
def list_(
    kind: Annotated[str, Argument(metavar="KIND", help=f"One of {', '.join(_KINDS)}.")],
    as_json: JsonOption = False,
    data_root: DataRootOption = None,
) -> None:
    """List what a sweep can name: variants, scopes, models and so on."""
    from bench.cli.render import catalog

    if kind not in _KINDS:
        fail(unknown("kind", kind, _KINDS))
    if as_json:
        print(json.dumps(catalog.records(kind), indent=1))
    else:
        show(catalog.catalog(kind))


@command(example="sambench data get cifar10")
def get(name: NameArgument, data_root: DataRootOption = None) -> None:
    """Download or unpack a data set and verify its checksums."""
    files = _files(name)
    if files is None:
        tell(f"{name} comes with sambench: there is nothing to get")
        return
    try:
        files.get()
    except (OSError, RuntimeError) as error:
        fail(f"data set {name}: {error}; it belongs at {files.root}")
    for line in files.check():
        tell(line)
    tell(f"{name} is at {files.root}")


@command(example="sambench data check folder:pets --quick")
def check(
    name: NameArgument,
    quick: Annotated[bool, Option("--quick", help="Read only the start of each image file.")] = False,
    data_root: DataRootOption = None,
) -> None:
    """Read a whole data set and report damaged and ignored files."""
    files = _files(name)
    if files is None:
        tell(f"{name} comes with sambench")
        return
    for line in files.check():
        tell(line)
    paths = files.images()
    faults = _read_images(paths, quick=quick) if paths else 0
    if faults:
        fail(f"{name}: {faults:,} of {len(paths):,} images can't be read; repair or remove them")
    how = f", {len(paths):,} images {'start correctly' if quick else 'decoded'}" if paths else ""
    tell(f"{name} found: {files.root}{how}")


def _read_images(paths: Sequence[str], *, quick: bool) -> int:
    """Tell of each image that can't be read; how many there are."""
    from rich.progress import Progress

    from bench.cli.render.console import err
    from bench.data.files.decoding import unreadable

    faults = 0
    with Progress(console=err, transient=True, disable=not err.is_terminal) as shown:
        task = shown.add_task("reading", total=len(paths))
        for count, found in unreadable(paths, quick=quick):
            shown.advance(task, count)
            faults += len(found)
            for line in found:
                tell(line)
    return faults


@command(example="sambench recipe cifar-resnet")
def recipe(
    name: Annotated[str | None, Argument(metavar="NAME", help="Recipe; default: list them all.")] = None,
) -> None:
    """Show a recipe's values and their sources; guesses are marked."""
    from bench.cli.render import catalog
    from bench.papers.sam_on.recipes import RECIPES

    if name is not None and name not in RECIPES:
        fail(unknown("recipe", name, RECIPES))
    show(catalog.recipe(name, RECIPES[name]) if name else catalog.recipes())


def _files(name: str) -> DataFiles | None:
    from bench.data import TEST_SETS, entry, files_of, valid_names

    try:
        found = TEST_SETS[name] if name in TEST_SETS else entry(name)
    except KeyError:
        fail(unknown("data set", name, (*valid_names(), *TEST_SETS)))
    except ValueError as error:
        fail(str(error))
    return files_of(found)
