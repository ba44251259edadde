"""The tree of commands, drawn from an index: a command's own module is loaded only when it is typed.

Commands are found where they stand: those made of operations below `node/use_cases`, those written by hand below
`node/cli`, where a module lists its own in `COMMANDS`, by the words that are typed.

Invariant: the index says what the modules say; `python -m scripts.export` writes it, a house test holds it.
"""

import gc
import importlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import click

from node import cli, use_cases
from node.cli.shared_options import add_shared_options
from node.modules import walk_modules

INDEX = Path(__file__).with_name("commands.tsv")


class Found(NamedTuple):
    """A command or a group: the words that are typed, the module it stands in, and itself."""

    words: str
    module: str
    command: click.Command


class _Unread(click.Command):
    """A command of which the index tells; it is read from its module when somebody types it."""

    def __init__(self, words: str, module: str, doc: str) -> None:
        super().__init__(words.split()[-1], help=doc)
        self._words, self._module = words, module

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """That of the command itself: click goes on with whatever command the context names."""
        return self._load().make_context(info_name, args, parent, **extra)

    def _load(self) -> click.Command:
        # What is loaded stays; to look through it for garbage meanwhile takes a tenth of a node's start.
        gc.disable()
        try:
            module = importlib.import_module(self._module)
        finally:
            gc.enable()
        command = next(command for words, command in _commands_of(module) if words == self._words)
        add_shared_options(command)
        return command


def hang_commands(root: click.Group, found: Iterable[Found]) -> None:
    """Hang commands below `root` by their words, a group before what it holds."""
    for words, _, command in sorted(found, key=lambda one: one.words):
        *path, name = words.split()
        group = root
        for step in path:
            within = group.commands.get(step)
            assert isinstance(within, click.Group), f"{words}: no command says what the group {step} is for"
            group = within
        group.add_command(command, name)


def find_commands() -> Iterator[Found]:
    """Every command and group there is, itself: all modules are loaded for it."""
    for package in (cli, use_cases):
        for module in walk_modules(package):
            yield from (Found(words, module.__name__, command) for words, command in _commands_of(module))


def format_commands_index() -> str:
    """The index: words, module (none for a group) and first paragraph of help, a line each, by words."""
    return "".join(sorted("\t".join(_format_row(one)) + "\n" for one in find_commands()))


def read_index(index: Path = INDEX) -> Iterator[Found]:
    """Every command and group as the index tells of it; nothing is loaded."""
    for line in index.read_text("utf-8").splitlines():
        words, module, doc = line.split("\t")
        command = _Unread(words, module, doc) if module else click.Group(words.split()[-1], help=doc)
        yield Found(words, module, command)


def _commands_of(module: ModuleType) -> Iterator[tuple[str, click.Command]]:
    yield from getattr(module, "COMMANDS", {}).items()
    if operations := getattr(module, "OPERATIONS", ()):
        # What reads the types of operations is not loaded for a command that has none.
        from node.cli.from_operations import make_commands

        yield from make_commands(operations)


def _format_row(found: Found) -> tuple[str, str, str]:
    doc = " ".join((found.command.help or "").split("\n\n")[0].split())
    return found.words, "" if isinstance(found.command, click.Group) else found.module, doc
