"""docs/guides/commands.md: every command, from the command line itself."""

from collections.abc import Iterator

import click

from node.cli.command_tree import find_commands, hang_commands
from node.cli.main import rochdale

HEADING = (
    "# Commands\n\n"
    "Written by `scripts/export.py` from the command line itself; do not edit by hand.\n\n"
    "Exit codes: 0 done, 1 refused or found wanting, 2 misuse, 3 could not reach a peer. People get sentences; "
    "`--json` gives one JSON object on standard output. Logs go to standard error.\n"
)


def format_commands_page() -> str:
    """The page: the options of `rochdale` itself, then each command with arguments and options."""
    lines = [HEADING, *_format_command("rochdale", rochdale)]
    for path, command in walk_commands("rochdale", load_tree()):
        lines.extend(["", *_format_command(path, command)])
    return "\n".join(lines) + "\n"


def load_tree() -> click.Group:
    """`rochdale` with every command itself, where the program reads only those that are typed."""
    root = click.Group("rochdale", params=rochdale.params, help=rochdale.help)
    hang_commands(root, find_commands())
    return root


def walk_commands(path: str, group: click.Command) -> Iterator[tuple[str, click.Command]]:
    """Every command and group below `group`, by its whole path, in alphabetical order."""
    if not isinstance(group, click.Group):
        return
    for name, command in sorted(group.commands.items()):
        if command.hidden:
            continue
        yield f"{path} {name}", command
        yield from walk_commands(f"{path} {name}", command)


def _format_command(path: str, command: click.Command) -> list[str]:
    arguments = [parameter for parameter in command.params if isinstance(parameter, click.Argument)]
    usage = " ".join([path, *(argument.make_metavar(click.Context(command)) for argument in arguments)])
    lines = [f"## `{usage}`", "", " ".join((command.help or "").split())]
    options = [option for option in command.params if isinstance(option, click.Option) and not option.hidden]
    if options:
        lines.extend(["", "| option | |", "|---|---|"])
        lines.extend(f"| `{_format_option(option)}` | {option.help or ''} |" for option in options)
    return lines


def _format_option(option: click.Option) -> str:
    """`-h --home PATH`; a flag has no value, and choices are listed."""
    names = " ".join((*option.opts, *option.secondary_opts))
    if option.is_flag or option.count:
        return names
    if isinstance(option.type, click.Choice):
        return f"{names} {' or '.join(map(str, option.type.choices))}"
    return f"{names} {option.type.name.upper()}"
