"""Commands made of what operations say of themselves: arguments and options of their parameters, help of their words.

Invariant: a command sends what was typed and nothing else; what was left out is the operation's own default.
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, get_type_hints

import click
import msgspec
import msgspec.inspect as shapes

from node.cli.calls import Context, Human, call, exit_codes, print_answer
from node.cli.files import read_json, read_key, read_line
from node.cli.printing import print_told
from node.cli.spreadsheet import print_csv
from node.use_cases.context import Operation
from node.use_cases.description import Command
from protocol.core.errors import RefusedError
from storage.disk import write_durably

READERS: Mapping[str, Callable[[str], str]] = {
    "line": read_line,
    "key": read_key,
    "place": lambda text: str(Path(text).absolute()),
}


class Taken(NamedTuple):
    """One parameter as the command line takes it, and how what was typed becomes its value."""

    name: str
    parameter: click.Parameter
    read: Callable[[Any], Any]


def make_commands(operations: Iterable[Operation]) -> Iterator[tuple[str, click.Command]]:
    """The commands of these operations by the words that are typed, and the groups that they say something of."""
    for operation in operations:
        if (command := operation.command) is not None:
            if command.group:
                path = command.words.rpartition(" ")[0]
                yield path, click.Group(path.split()[-1], help=command.group)
            for words in (command.words, *command.also):
                yield words, _make_command(words.split()[-1], operation)


def _make_command(name: str, operation: Operation) -> click.Command:
    command, tell = operation.command, operation.tell
    assert command is not None and tell is not None
    taken = [] if command.is_from_file else list(_list_taken(operation.params, command))

    @click.pass_obj
    def run(context: Context, /, **given: Any) -> None:
        with exit_codes(context.as_json):
            params = {one.name: one.read(given[one.name]) for one in taken if _is_said(given[one.name])}
            if command.is_from_file:
                params = read_json(given["file"])
            answer = call(context.home, operation.name, params)
            said = read_answer(operation, answer)
            _write_files(command, said, given)
            if command.lines is not None and given["csv"] and not context.as_json:
                print_csv(command.lines(said))
            else:
                print_answer(context.as_json, answer, lambda _: print_told(tell(said)))
            if code := command.ends(said):
                sys.exit(code)

    file = [click.Argument(["file"], type=click.Path(path_type=Path))] if command.is_from_file else []
    parameters = [*file, *(one.parameter for one in taken), *_list_outlets(command)]
    return click.Command(name, params=parameters, callback=run, help=operation.doc)


def _list_outlets(command: Command) -> Iterator[click.Option]:
    """The options that send parts of the answer elsewhere than to the terminal."""
    for name, said in command.files.items():
        yield click.Option([f"to_{name}", f"--{name}"], type=click.Path(path_type=Path), help=said)
    if command.lines is not None:
        yield click.Option(["csv", "--csv"], is_flag=True, help="Print lines for a spreadsheet.")


def _write_files(command: Command, answer: Any, given: Mapping[str, Any]) -> None:
    for name in command.files:
        if (path := given[f"to_{name}"]) is not None:
            if not (text := getattr(answer, name)):
                raise RefusedError.at(name, "there is none to write yet")
            write_durably(path, text.encode())


def human_of(operation: Operation) -> Human:
    """Prints an answer of this operation in its own words."""
    tell = operation.tell
    assert tell is not None, f"{operation.name} has no words for people"
    return lambda answer: print_told(tell(read_answer(operation, answer)))


def read_answer(operation: Operation, answer: Any) -> Any:
    """An answer as the operation gives it, from plain JSON values."""
    return msgspec.convert(answer, get_type_hints(operation.run)["return"])


def _is_said(given: object) -> bool:
    return given is not None and given != ()


def _list_taken(params: type[msgspec.Struct], command: Command) -> Iterator[Taken]:
    """Arguments in the order in which they are typed, then options in the order of the fields."""
    described = shapes.type_info(params)
    assert isinstance(described, shapes.StructType)
    fields = {field.name: field for field in described.fields}
    for name in command.arguments:
        yield _take_argument(fields.pop(name))
    for field in fields.values():
        yield _take_option(field)


def _take_argument(field: shapes.Field) -> Taken:
    shape, said = _unwrap(field.type)
    kind, read = _read_as(shape, said)
    extra = said.get("typed", "")
    if isinstance(shape, shapes.VarTupleType):
        parameter = click.Argument([field.name], nargs=-1, required=field.required, metavar=extra or None)
        return Taken(field.name, parameter, lambda texts: [read(text) for text in texts])
    parameter = click.Argument([field.name], type=kind, required=field.required, metavar=extra or None)
    return Taken(field.name, parameter, read)


def _take_option(field: shapes.Field) -> Taken:
    shape, said = _unwrap(field.type)
    kind, read = _read_as(shape, said)
    flag, _, metavar = said.get("typed", "").partition(" ")
    flag = flag or f"--{field.name.replace('_', '-')}"
    default = field.default if isinstance(field.default, int | str) and field.default not in ("", False) else None
    # A default of None would count as an answer to what is required.
    shown: dict[str, Any] = {} if default is None else {"default": default, "show_default": True}
    parameter = click.Option(
        [field.name, flag],
        type=kind,
        required=field.required,
        is_flag=isinstance(shape, shapes.BoolType),
        multiple=isinstance(shape, shapes.DictType) and kind is click.STRING,
        metavar=metavar or None,
        help=said.get("description"),
        **shown,
    )
    return Taken(field.name, parameter, read)


def _unwrap(shape: shapes.Type) -> tuple[shapes.Type, dict[str, str]]:
    """The type itself (of `X | None` the X), and what is said of it."""
    said: dict[str, str] = {}
    while isinstance(shape, shapes.Metadata | shapes.UnionType):
        if isinstance(shape, shapes.Metadata):
            said = {**(shape.extra or {}), **(shape.extra_json_schema or {}), **said}
            shape = shape.type
        else:
            shape = next(part for part in shape.types if not isinstance(part, shapes.NoneType))
    return shape, said


def _read_as(shape: shapes.Type, said: Mapping[str, str]) -> tuple[click.ParamType[Any], Callable[[Any], Any]]:
    """What click makes of the typed word, and what makes a value of that."""
    if isinstance(shape, shapes.BoolType):
        return click.BOOL, bool
    if isinstance(shape, shapes.IntType):
        is_bounded = shape.ge is not None or shape.le is not None
        return (click.IntRange(shape.ge, shape.le) if is_bounded else click.INT), int
    if isinstance(shape, shapes.LiteralType):
        return click.Choice([str(value) for value in shape.values]), str
    if isinstance(shape, shapes.VarTupleType):
        return _read_as(*_unwrap(shape.item_type))
    if isinstance(shape, shapes.StrType):
        return click.STRING, READERS.get(said.get("read", ""), str)
    if isinstance(shape, shapes.DictType) and "typed" in said:
        _, read = _read_as(*_unwrap(shape.value_type))
        return click.STRING, lambda texts: dict(_read_pair(said["typed"], text, read) for text in texts)
    return click.Path(path_type=Path), read_json


def _read_pair(typed: str, text: str, read: Callable[[str], Any]) -> tuple[str, Any]:
    """`GOOD=AMOUNT`; the value may hold no `=`."""
    key, _, value = text.rpartition("=")
    try:
        if key and value:
            return key, read(value)
    except ValueError:
        pass
    flag, _, metavar = typed.partition(" ")
    raise RefusedError.at(flag, f"is not {metavar}, as in milk=40")
