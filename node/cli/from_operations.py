"""Commands made of what operations say of themselves: arguments and options of their parameters, help of their words.

Invariant: a command sends what was typed and nothing else; what was left out is the operation's own default.
"""

import sys
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, get_type_hints

import click
import msgspec

from node.cli.calls import Context, call, exit_codes, print_json
from node.cli.files import Named, check_free, read_bytes, read_form, write_files
from node.cli.printing import print_told, say
from node.cli.spreadsheet import print_csv
from node.cli.typed_words import list_taken
from node.clock import Clock
from node.use_cases.context import Desk, DeskOperation
from node.use_cases.description import Out, Verb
from node.use_cases.misfit import refuse_misfit


def make_commands(operations: Iterable[Verb]) -> Iterator[tuple[str, click.Command]]:
    """The commands of these operations by the words that are typed, and the groups that they say something of."""
    for operation in operations:
        if (command := operation.command) is not None:
            if command.group:
                path = command.words.rpartition(" ")[0]
                yield path, click.Group(path.split()[-1], help=command.group)
            for words in (command.words, *command.also):
                yield words, _make_command(words.split()[-1], operation)


def _make_command(name: str, operation: Verb) -> click.Command:
    command = operation.command
    assert command is not None
    taken = [] if command.is_from_file else list(list_taken(operation.params, command))
    whole = [click.Argument(["file"], type=click.Path(path_type=Path))] if command.is_from_file else []
    options = {_make_option(out): out for out in command.files}

    @click.pass_obj
    def run(context: Context, /, **given: Any) -> None:
        with exit_codes(context.as_json):
            files = [Named(out, path) for option, out in options.items() if (path := given[str(option.name)])]
            check_free(one.path for one in files)
            params: dict[str, Any] = {}
            for one in taken:
                params |= one.read(given[str(one.parameter.name)])
            if command.is_from_file:
                params = read_form(given["file"], operation.params)
            answer, plain = _ask(context, operation, params)
            written = write_files(files, answer)
            if command.lines is not None and given["csv"] and not context.as_json:
                print_csv(command.lines(answer))
            else:
                _print(context, operation, answer, plain, written)
            if code := command.ends(answer):
                sys.exit(code)

    csv = [click.Option(["--csv"], is_flag=True, help="Print lines for a spreadsheet.")] if command.lines else []
    params = [*whole, *(one.parameter for one in taken), *options, *csv]
    return click.Command(name, params=params, callback=run, help=operation.doc)


def _ask(context: Context, operation: Verb, params: dict[str, Any]) -> tuple[Any, Any]:
    """The answer of an operation as it gives it, and as plain JSON values."""
    if not isinstance(operation, DeskOperation):
        plain = call(context.home, operation.name, params)
        return read_answer(operation, plain), plain
    # What draws a bar is loaded for what may take long, and for nothing else.
    from node.cli.progress import show_progress

    with show_progress(context.as_json) as watch:
        desk = Desk(context.home, Clock(), partial(call, context.home), _read, watch)
        answer = operation.run(desk, _read_params(operation, params))
    return answer, msgspec.to_builtins(answer)


def _read(path: str, bytes_max: int) -> bytes:
    return read_bytes(Path(path), bytes_max)


def read_answer(operation: Verb, plain: Any) -> Any:
    """An answer as the operation gives it, from plain JSON values."""
    return msgspec.convert(plain, get_type_hints(operation.run)["return"])


def _read_params(operation: Verb, params: dict[str, Any]) -> Any:
    try:
        return msgspec.convert(params, operation.params)
    except msgspec.ValidationError as error:
        raise refuse_misfit(error, operation.name) from None


def _print(context: Context, operation: Verb, answer: Any, plain: Any, written: list[Named]) -> None:
    """What is in a file that takes the answer's place is not told again."""
    instead = [one for one in written if not one.out.beside]
    if context.as_json:
        print_json({"file": str(instead[0].path)} if instead else plain)
        return
    if not instead and operation.tell is not None:
        print_told(operation.tell(answer))
    for one in written:
        say(f"Written to {one.path}.")


def _make_option(out: Out) -> click.Option:
    # A parameter of the operation may have the same name.
    name = f"into_{out.option.removeprefix('--')}"
    return click.Option([name, out.option], type=click.Path(path_type=Path), required=out.needed, help=out.help)
