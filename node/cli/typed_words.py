"""What is typed after a command's words: arguments and options of an operation's parameters, and their values.

Invariant: what was left out is the operation's own default.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import click
import msgspec
import msgspec.inspect as shapes

from node.cli.files import read_bytes, read_form, read_json, read_key, read_line
from node.use_cases.description import Command
from protocol.core.errors import RefusedError

_READERS: Mapping[str, Callable[[str], str]] = {"line": read_line, "key": read_key}
_FILE = click.Path(path_type=Path)


class Taken(NamedTuple):
    """One parameter as the command line takes it, and how what was typed becomes its value.

    `read` gives the parameters' values by name: of a file that was read, its name may be another parameter.
    """

    parameter: click.Parameter
    read: Callable[[Any], dict[str, Any]]


def list_taken(params: type[msgspec.Struct], command: Command) -> Iterator[Taken]:
    """Arguments in the order in which they are typed, then options in the order of the fields."""
    described = shapes.type_info(params)
    assert isinstance(described, shapes.StructType)
    fields = {field.name: field for field in described.fields}
    names = {said["name_of"]: field for field in fields.values() if "name_of" in (said := _unwrap(field.type)[1])}
    for name in (*command.arguments, *(name for name in fields if name not in command.arguments)):
        if fields[name] not in names.values():
            yield _take(fields[name], name in command.arguments, names.get(name))


def _take(field: shapes.Field, is_argument: bool, name_field: shapes.Field | None) -> Taken:
    shape, said = _unwrap(field.type)
    kind, read_one = _read_as(shape, said)
    is_many = isinstance(shape, shapes.VarTupleType)

    def read(typed: Any) -> dict[str, Any]:
        if not _is_said(typed):
            return {}
        values = {field.name: [read_one(one) for one in typed] if is_many else read_one(typed)}
        return values if name_field is None else values | {name_field.name: _read_name(typed, name_field)}

    make = _make_argument if is_argument else _make_option
    return Taken(make(field, shape, said, kind), read)


def _is_said(typed: object) -> bool:
    """Whether anything was typed for a parameter."""
    return typed is not None and typed != ()


def _make_argument(
    field: shapes.Field, shape: shapes.Type, said: Mapping[str, Any], kind: click.ParamType[Any]
) -> click.Parameter:
    nargs = -1 if isinstance(shape, shapes.VarTupleType) else 1
    metavar = said.get("typed") or None
    return click.Argument([field.name], nargs=nargs, type=kind, required=field.required, metavar=metavar)


def _make_option(
    field: shapes.Field, shape: shapes.Type, said: Mapping[str, Any], kind: click.ParamType[Any]
) -> click.Parameter:
    flag, _, metavar = said.get("typed", "").partition(" ")
    flag = flag or f"--{field.name.replace('_', '-')}"
    default = field.default if isinstance(field.default, int | str) and field.default not in ("", False) else None
    # A default of None would count as an answer to what is required.
    shown: dict[str, Any] = {} if default is None else {"default": default, "show_default": True}
    return click.Option(
        [field.name, flag],
        type=kind,
        required=field.required,
        is_flag=isinstance(shape, shapes.BoolType),
        # Of pairs, as of anything of which there may be many, the option is said once for each; a file has them all.
        multiple=isinstance(shape, shapes.VarTupleType) or (isinstance(shape, shapes.DictType) and kind is not _FILE),
        metavar=metavar or None,
        help=said.get("description"),
        **shown,
    )


def _unwrap(shape: shapes.Type) -> tuple[shapes.Type, dict[str, Any]]:
    """The type itself (of `X | None` the X), and what is said of it."""
    said: dict[str, Any] = {}
    while isinstance(shape, shapes.Metadata | shapes.UnionType):
        if isinstance(shape, shapes.Metadata):
            said = {**(shape.extra or {}), **(shape.extra_json_schema or {}), **said}
            shape = shape.type
        else:
            shape = next(part for part in shape.types if not isinstance(part, shapes.NoneType))
    return shape, said


def _read_as(shape: shapes.Type, said: Mapping[str, Any]) -> tuple[click.ParamType[Any], Callable[[Any], Any]]:
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
    if isinstance(shape, shapes.TupleType):
        items = [_read_as(*_unwrap(item)) for item in shape.item_types]
        reads = [read for _, read in items]
        return click.Tuple([kind for kind, _ in items]), lambda texts: [
            read(text) for read, text in zip(reads, texts, strict=True)
        ]
    if said.get("read") == "place":
        return _FILE, lambda path: str(path.absolute())
    if said.get("read") == "file":
        return _FILE, partial(_read_file, is_text=isinstance(shape, shapes.StrType), bytes_max=said["bytes_max"])
    if isinstance(shape, shapes.StrType):
        return click.STRING, _READERS.get(said.get("read", ""), str)
    if isinstance(shape, shapes.DictType) and "typed" in said:
        kind, read = _read_as(*_unwrap(shape.value_type))
        return click.STRING, lambda texts: dict(_read_pair(said["typed"], text, kind, read) for text in texts)
    return _FILE, partial(read_form, form=shape.cls) if isinstance(shape, shapes.StructType) else read_json


def _read_pair(typed: str, text: str, kind: click.ParamType[Any], read: Callable[[Any], Any]) -> tuple[str, Any]:
    """`GOOD=AMOUNT`; the value may hold no `=`."""
    flag, _, metavar = typed.partition(" ")
    key, _, value = text.rpartition("=")
    if not key or not value:
        raise RefusedError.at(flag, f"is not {metavar}, as in milk=40")
    try:
        return key, read(kind.convert(value, None, None))
    except click.BadParameter as error:
        raise RefusedError.at(flag, f"{key}: {error.message}") from None


def _read_file(path: Path, is_text: bool, bytes_max: int) -> bytes | str:
    raw = read_bytes(path, bytes_max)
    try:
        return raw.decode() if is_text else raw
    except UnicodeDecodeError:
        raise RefusedError.at(str(path), "is not text") from None


def _read_name(path: Path, field: shapes.Field) -> str:
    """A file's name, which may be longer than is asked for and hold bytes that are no text."""
    shape = _unwrap(field.type)[0]
    assert isinstance(shape, shapes.StrType)
    return path.name.encode("utf-8", "replace").decode()[: shape.max_length]
