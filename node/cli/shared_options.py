"""`--home` and `--json` mean the same before a command and after it: a volunteer need not remember where they go."""

from pathlib import Path

import click
import msgspec

from node.cli.calls import Context


def add_shared_options(command: click.Command) -> None:
    """Let a command take the options of `rochdale` itself; they stay out of its own help."""
    taken = {name for parameter in command.params for name in parameter.opts}
    command.params += [option for option in _make_options() if taken.isdisjoint(option.opts)]


def _make_options() -> tuple[click.Option, click.Option]:
    home = click.Option(
        ["--home"], type=click.Path(path_type=Path), hidden=True, expose_value=False, callback=_take_home
    )
    as_json = click.Option(["--json"], is_flag=True, hidden=True, expose_value=False, callback=_take_json)
    return home, as_json


def _take_home(ctx: click.Context, _: click.Parameter, value: Path | None) -> None:
    if value is not None and isinstance(ctx.obj, Context):
        ctx.obj = msgspec.structs.replace(ctx.obj, home=value.absolute())


def _take_json(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value and isinstance(ctx.obj, Context):
        ctx.obj = msgspec.structs.replace(ctx.obj, as_json=True)
