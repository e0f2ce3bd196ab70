"""The command show."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from bench.cli.loading import import_nothing
from bench.cli.options import DEFAULT_STORES, JsonOption, StoresOption
from bench.cli.render.terminal import fail, show, tell
from bench.cli.signature import Argument, command
from bench.errors import UserError

if TYPE_CHECKING:
    from bench.cli.details.detail import Detail


@command(name="show", example="sambench show gsam")
def show_(
    name: Annotated[
        str,
        Argument(
            metavar="NAME",
            help="A trial's id or its first characters; a sweep; a variant, scope, model, data set, optimizer, "
            "measure, recipe, launcher, field or setting, or a key or word of a sweep.",
        ),
    ],
    store: StoresOption = DEFAULT_STORES,
    as_json: JsonOption = False,
) -> None:
    """Show everything known about one trial, method, field, sweep or other name."""
    from rich.console import Group

    from bench.cli.details.known_names import refuse_name

    import_nothing(store)
    found, faults = _details(name, store)
    if not found:
        fail(faults[0] if faults else refuse_name(name))
    for fault in faults:
        tell(fault)
    if as_json:
        print(json.dumps([detail.record for detail in found], indent=1, default=str))
    else:
        show(Group(*(detail.shown() for detail in found)))


def _details(name: str, stores: list[Path]) -> tuple[list[Detail], list[str]]:
    """All that is called so, and why what may be meant can't be shown."""
    from bench.cli.details.entry_detail import entry_details
    from bench.cli.details.field_detail import field_details
    from bench.cli.details.spelling_detail import spelling_details
    from bench.cli.details.sweep_detail import sweep_details
    from bench.cli.details.trial_detail import trial_details

    found: list[Detail] = []
    faults: list[str] = []
    finders = (
        lambda: entry_details(name),
        lambda: field_details(name),
        lambda: spelling_details(name),
        lambda: sweep_details(name, stores),
        lambda: trial_details(name, stores),
    )
    for find in finders:
        try:
            found += find()
        except (UserError, ValueError) as error:
            faults.append(str(error))
    return found, faults
